"""What a reader opens: the report's page, and the summary of two pages, each as HTML and, with a browser, as PDF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evidence.exhibits import read_index, read_views
from evidence.records import Record
from evidence.reporting import logs
from evidence.reporting.bundle import attributions
from evidence.reporting.pages import write_html, write_pdf
from evidence.reporting.signoff import SignOff
from evidence.verify import EXHIBITS
from evidence.wording import day, month

PAGE, PRINTED = "report.html", "report.pdf"
SHORT, SHORT_PRINTED = "summary.html", "summary.pdf"
SUMMARY = "Summary"
# Cells that make a notebook work but say nothing to a reader of the report.
_UNSEEN = {"parameters", "injected-parameters", "setup", "claims"}


@dataclass(frozen=True)
class Section:
    """One section of the report: a second-level heading of a notebook and what follows it."""

    title: str
    html: str

    @property
    def anchor(self) -> str:
        """Name to link to."""
        return "-".join(self.title.lower().split())


def sections(notebook: Mapping[str, Any]) -> list[Section]:
    """Parts of an executed notebook that a reader of the report sees: its text and its exhibits, by second heading."""
    from nbconvert.filters import markdown2html

    found: list[tuple[str, list[str]]] = []
    for cell in notebook["cells"]:
        if _UNSEEN & set(cell["metadata"].get("tags", [])):
            continue
        if cell["cell_type"] == "markdown":
            for block in _blocks("".join(cell["source"])):
                heading, _, text = block.partition("\n")
                if heading.startswith("## "):
                    found.append((heading.removeprefix("## ").strip(), []))
                    block = text
                if found and block.strip():
                    found[-1][1].append(markdown2html(block))
            continue
        for output in cell["outputs"]:
            html = output.get("data", {}).get("text/html")
            if html and found:
                found[-1][1].append("".join(html))
    return [Section(title, "\n".join(parts)) for title, parts in found]


def joined(parts: Sequence[Section]) -> list[Section]:
    """Sections of one title as one, in the first one's place: several notebooks add to the summary."""
    found: dict[str, list[str]] = {}
    for part in parts:
        found.setdefault(part.title, []).append(part.html)
    return [Section(title, "\n".join(html)) for title, html in found.items()]


def _blocks(text: str) -> list[str]:
    """Markdown parted before each second-level heading; the notebook's own title is left out."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("# "):
            continue
        if line.startswith("## "):
            blocks.append([])
        blocks[-1].append(line)
    return ["\n".join(block) for block in blocks if block]


def write(
    folder: Path,
    record: Record,
    study: Record,
    executed: Sequence[Path],
    tables: Sequence[Mapping[str, Any]],
    quality: Sequence[Mapping[str, str]],
    signoff: SignOff | None,
) -> None:
    """Write `report.html` and `summary.html`.

    Args:
        folder: the report's folder, with its exhibits.
        record: the report's record.
        study: the study's record.
        executed: executed notebooks in order.
        tables: records of the reference tables.
        quality: rows of the QA log.
        signoff: who answered for this edition, if anybody did.
    """
    from evidence.chapters.baseline import vintage

    parts = joined([s for path in executed for s in sections(json.loads(path.read_text(encoding="utf-8")))])
    # A reader wants the answer first; it stands where its notebook computes it.
    parts.sort(key=lambda section: section.title != SUMMARY)
    index, views = read_index(folder / EXHIBITS), read_views(folder / EXHIBITS)
    shared: dict[str, Any] = {
        "record": record,
        "study": study,
        "start": day(study.settings["start"]),
        "end": month(np.datetime64(study.settings["start"], "M") + np.timedelta64(study.settings["months"], "M")),
        "vintages": {"support": vintage("support_by_council"), "intake": vintage("intake")},
        "code": record.code,
        "exhibits": index,
        "quality": quality,
        "signoff": signoff,
        "attributions": attributions(tables),
        "fit": logs.FIT_FOR,
        "not_fit": logs.NOT_FIT_FOR,
    }
    write_html("report.html.j2", folder / PAGE, sections=parts, tables=tables, glossary=logs.GLOSSARY, **shared)
    answers = sorted((e for e in index if e["summary"] is not None), key=lambda entry: int(entry["summary"]))
    first = next((e for e in answers if e["kind"] != "claim"), None)
    write_html(
        "summary.html.j2",
        folder / SHORT,
        claims=[e for e in answers if e["kind"] == "claim"],
        answer=first,
        view=views[first["id"]] if first else None,
        **shared,
    )


def print_pages(folder: Path) -> str | None:
    """Print both pages as PDF where a browser can; None, or one sentence that says why there is no PDF."""
    return write_pdf(folder / PAGE, folder / PRINTED) or write_pdf(folder / SHORT, folder / SHORT_PRINTED)
