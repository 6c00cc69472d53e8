"""Pages for readers: one self-contained HTML file from a template, and the same page as a tagged PDF.

The PDF is printed by a Chromium that is already on the machine; nothing is fetched, and without one the page stands
alone and the caller is told why in one sentence.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from evidence.records import ROOM, RunError

TEMPLATES = ROOM / "templates"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_BROWSER = "No PDF: Chromium is not on this machine. Install it, or print the HTML page from any browser."
_SECONDS = 180
_FLAGS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-extensions", "--no-pdf-header-footer"),
    *("--export-tagged-pdf", "--generate-pdf-document-outline"),
)


def write_html(template: str, target: Path, **values: object) -> None:
    """Write one page from a template of `evidence/templates`; a value that the template lacks is an error.

    Args:
        template: file name; it extends `page.html.j2`, which holds the look, the landmarks and the skip link.
        target: file to write.
        values: what the template shows; text is escaped.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    target.write_text(environment.get_template(template).render(**values), encoding="utf-8", newline="\n")


def browser() -> str | None:
    """Path of a Chromium that can print, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def write_pdf(page: Path, target: Path) -> str | None:
    """Print a page as a tagged PDF with its language, title and outline.

    Args:
        page: HTML file that loads nothing from outside.
        target: file to write; it appears only when it is whole.

    Returns:
        None when it was written; without a browser, one sentence that says so.

    Raises:
        RunError: when the browser fails or does not end.
    """
    program = browser()
    if program is None:
        return NO_BROWSER
    # A browser that runs as root, as in a container, has no sandbox; it opens this one page of ours only.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="dispersal-pdf-", ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "page.pdf"
        command = [program, *_FLAGS, *root, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}"]
        _run([*command, page.resolve().as_uri()])
        if not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
            raise RunError(f"{page.name}: {Path(program).name} printed no PDF of it")
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(printed.read_bytes())
        partial.replace(target)
    return None


def _run(command: list[str]) -> None:
    """Run the browser in a process group of its own, so that a hang ends with all its children."""
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    try:
        process.wait(_SECONDS)
    except BaseException as error:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise RunError(f"{Path(command[0]).name} did not print within {_SECONDS} seconds") from None
        raise
