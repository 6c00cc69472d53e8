"""Short pages for partners: exhibits in a few sections, as accessible HTML and PDF, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from evidence.exhibits import INDEX, Exhibit, read_index
from evidence.records import (
    ROOM,
    Record,
    damaged,
    file_digest,
    make_id,
    model_version,
    read_record,
    record_path,
    reference_hashes,
    sealed,
)
from evidence.reporting.pages import TEMPLATES, write_html, write_pdf
from evidence.verify import EXHIBITS
from evidence.wording import day

PAGE, PRINTED = "page.html", "page.pdf"
NOT_FOR = (
    "Must not be used for placing individuals, enforcement, or targeting people or places. It holds no personal data "
    "and no location below the council. It says of no council that it agreed or refused unless a role recorded that."
)


@dataclass
class Section:
    """One section of a page.

    Attributes:
        title: heading.
        shown: exhibits, or sentences, in order; an exhibit that is None is left out.
    """

    title: str
    shown: Sequence[Exhibit | str | None] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Name to link to."""
        return "-".join(self.title.lower().replace(",", "").split())

    @property
    def html(self) -> str:
        """The section's body."""
        return "".join(_html(item) for item in self.shown if item is not None)


def _html(item: Exhibit | str) -> str:
    if isinstance(item, str):
        return f"<p>{escape(item)}</p>"
    # Partners print these pages: what a figure or a long table shows must not hide behind a click.
    page: str = item._repr_html_()
    return page if item.kind == "figure" else page.replace("<details>", "<details open>")


def write(
    runs: Path,
    name: str,
    title: str,
    standfirst: str,
    content: Mapping[str, Any],
    parents: Sequence[str],
    make: Callable[[Path], Sequence[Section]],
    facts: Mapping[str, str],
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Write one page with its PDF, exhibits and record, or find the same page made earlier.

    Args:
        runs: folder of all runs.
        name: what the folder's id begins with.
        title: heading of the page.
        standfirst: one sentence below it.
        content: all that the page depends on beyond the code and the reference tables; its hash makes the id.
        parents: ids of the runs it reads.
        make: given the folder of the exhibits' files, makes the sections.
        facts: what the page says of itself, label and text.
        say: told one line when there is no PDF.

    Returns:
        Path of the HTML page.

    Raises:
        InputError, RunError: nothing is left under the id then.
    """
    code = sorted([*ROOM.rglob("*.py"), *TEMPLATES.glob("*")])
    made_by = {path.relative_to(ROOM).as_posix(): file_digest(path) for path in code} | reference_hashes()
    identity = make_id(name, {"content": content, "model": model_version(), "code": made_by})
    folder = runs / identity
    if record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs):
        return folder / PAGE
    record = Record(
        id=identity,
        kind="pack",
        title=title,
        settings={"made": date.today().isoformat(), **{k: v for k, v in content.items() if isinstance(v, str)}},
        assumptions={},
        model_version=model_version(),
        inputs=reference_hashes(),
        parents=tuple(parents),
    )
    with sealed(runs, record, replace_existing=True) as partial:
        out = partial / EXHIBITS
        out.mkdir()
        sections = [section for section in make(out) if section.html]
        index = read_index(out) if (out / INDEX).is_file() else []
        write_html(
            "brief.html.j2",
            partial / PAGE,
            record=record,
            title=title,
            standfirst=standfirst,
            sections=sections,
            facts=facts,
            exhibits=index,
            not_for=NOT_FOR,
            today=day(np.datetime64(date.today())),
        )
        missing = write_pdf(partial / PAGE, partial / PRINTED)
        if missing:
            say(missing)
    return folder / PAGE
