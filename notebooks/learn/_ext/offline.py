"""After a build: every internal link arrives, nothing is loaded from a network, and external links are listed.

External links are written to `external-links.txt` beside the pages and not fetched, because a build may be offline.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
EXTERNAL = "external-links.txt"
LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("object", "data")}


class Page(HTMLParser):
    """What a page links to, loads, and can be linked to by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.without_text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loads += [given[name] for at, name in LOADS if at == tag and name in given]
        if tag == "img" and not given.get("alt", "").strip():
            self.without_text.append(given.get("src", "")[:60])


def setup(sphinx: Sphinx) -> dict[str, Any]:
    """Check the pages when the build is done; the build fails when something is wrong."""
    sphinx.connect("build-finished", _finished)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _finished(sphinx: Sphinx, failed: Exception | None) -> None:
    if failed or sphinx.builder.name != "html":
        return
    wrong, external = checked(Path(sphinx.outdir))
    (Path(sphinx.outdir) / EXTERNAL).write_text("\n".join(external) + "\n", encoding="utf-8")
    for line in wrong:
        logger.error(line)
    if wrong:
        sphinx.statuscode = 1


def checked(folder: Path) -> tuple[list[str], list[str]]:
    """What is wrong with the pages of a folder, and the external addresses they link to.

    Args:
        folder: of a built site.

    Returns:
        One line for each link that does not arrive, each thing loaded from outside and each picture without
        alternative text; and external addresses in order.
    """
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    wrong, external = [], set()
    for path, page in pages.items():
        name = path.relative_to(folder).as_posix()
        wrong += [f"{name}: a picture without alternative text: {src}" for src in page.without_text]
        wrong += [f"{name}: loads {src} from outside" for src in page.loads if _outside(src)]
        for link in page.links + [src for src in page.loads if not _outside(src) and not src.startswith("data:")]:
            if link.startswith("mailto:") or link.startswith("data:"):
                continue
            if _outside(link):
                external.add(link)
                continue
            target, anchor = urldefrag(unquote(link))
            to = (path.parent / target.partition("?")[0]).resolve() if target else path
            if not to.exists():
                wrong.append(f"{name}: {link} is not there")
            elif anchor and to in pages and anchor not in pages[to].ids:
                wrong.append(f"{name}: {link} has no such place")
    return wrong, sorted(external)


def _outside(link: str) -> bool:
    return link.startswith(("http:", "https:", "//"))
