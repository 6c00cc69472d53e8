"""The tables of a report as accessible spreadsheets: one XLSX and one ODS that hold the same cells.

Cover, contents and notes come first, then one table on each sheet, named by its evidence id: title and description from
cell A1 down, no merged and no blank cells, shorthand explained where it stands, text never run as a formula.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evidence.exhibits import heading, read_index
from evidence.verify import EXHIBITS
from evidence.wording import SHORTHAND

XLSX, ODS = "tables.xlsx", "tables.ods"
FINDINGS = "Findings"
NOT_APPLICABLE = "[z]"
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_ENDS = {
    "central": "central",
    "low80": "80% interval, low end",
    "high80": "80% interval, high end",
    "low95": "95% interval, low end",
    "high95": "95% interval, high end",
    "early80": "80% interval, earliest",
    "late80": "80% interval, latest",
}


@dataclass(frozen=True)
class Sheet:
    """One table as it stands on its sheet.

    Attributes:
        name: the sheet's name, an evidence id.
        title: the finding.
        lines: what the table is: subtitle, units, label, basis, source, notes.
        columns: headings, each different.
        rows: cells, text or numbers, none empty.
    """

    name: str
    title: str
    lines: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float]]

    @property
    def shorthand(self) -> list[str]:
        """The marks that this table uses, each with its meaning."""
        used = {cell for row in self.rows for cell in row if isinstance(cell, str)}
        return [f"{mark} {meaning}" for mark, meaning in SHORTHAND.items() if mark in used]


def sheets(folder: Path, arms: Mapping[str, str]) -> list[Sheet]:
    """Every table of a report: the claims together on one sheet, then each exhibit's data, the summary's first.

    Args:
        folder: folder of the report.
        arms: name to print, by arm.
    """
    index = read_index(folder / EXHIBITS)
    claims = [e for e in index if e["kind"] == "claim"]
    found = Sheet(
        FINDINGS,
        "What the report finds, in sentences that may be quoted",
        ("Quote a sentence with its interval, its label and its evidence id.",),
        ("Evidence", "Finding", "Label"),
        [(e["id"], e["title"], e["label"]) for e in sorted(claims, key=_place)],
    )
    tables = sorted((e for e in index if e["kind"] != "claim"), key=_place)
    return [*([found] if claims else []), *(_sheet(folder / EXHIBITS / f"{e['id']}.csv", e, arms) for e in tables)]


def _place(entry: Mapping[str, Any]) -> float:
    """The summary's exhibits in their order, then the others in theirs."""
    return float("inf") if entry["summary"] is None else float(entry["summary"])


def _sheet(path: Path, entry: Mapping[str, Any], arms: Mapping[str, str]) -> Sheet:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    rows = rows or [[""] * len(header)]  # a table without rows still says so, in one that does not apply
    labels = [arms if name == "arm" else {} for name in header]
    units = f"Unit: {entry['units']}." if entry["units"] != "text" else ""
    basis = ". ".join([str(entry["label"]).capitalize(), *entry["basis"].values()])
    about = [entry["subtitle"], units, f"{basis}.", f"Source: {entry['source'].rstrip('.')}.", *entry["notes"]]
    return Sheet(
        entry["id"],
        entry["title"],
        [line for line in about if line],
        [_column(name) for name in header],
        [[_cell(names.get(cell, cell)) for cell, names in zip(row, labels, strict=True)] for row in rows],
    )


def _column(name: str) -> str:
    """A column's name for a reader: 'people_low80' reads 'People: 80% interval, low end'."""
    stem, _, end = name.rpartition("_")
    if end not in _ENDS:
        return heading(name)
    return f"{heading(stem)}: {_ENDS[end]}" if stem else heading(_ENDS[end])


def _cell(text: str) -> str | float:
    if not text:
        return NOT_APPLICABLE
    return float(text) if _NUMBER.fullmatch(text) else text


def write(folder: Path, tables: Sequence[Sheet], title: str, cover: Sequence[str], notes: Sequence[str]) -> None:
    """Write `tables.xlsx` and `tables.ods` into a report's folder.

    Args:
        folder: folder of the report.
        tables: what goes in.
        title: title of the report.
        cover: what a reader must know first, a line each.
        notes: notes on all tables, a line each.
    """
    _write_xlsx(folder / XLSX, tables, title, cover, notes)
    _write_ods(folder / ODS, tables, title, cover, notes)


def _write_xlsx(path: Path, tables: Sequence[Sheet], title: str, cover: Sequence[str], notes: Sequence[str]) -> None:
    import gptables  # type: ignore[import-untyped]

    about = gptables.Cover(title=title, intro=list(cover), cover_label="Cover")
    with warnings.catch_warnings():
        # It misses its own kind of notes, which have a sheet here, and calls what pandas will drop.
        warnings.simplefilter("ignore")
        made = {"Notes": _good_practice(Sheet("Notes", "Notes", (), ("Note", "Text"), _numbered(notes)))}
        made |= {sheet.name: _good_practice(sheet) for sheet in tables}
        book = gptables.produce_workbook(
            str(path),
            made,
            cover=about,
            workbook_options=dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False),
        )
        book.set_properties({"title": title, "comments": "Modelled estimates, not official statistics."})
        book.close()


def _good_practice(sheet: Sheet) -> Any:
    import gptables

    frame = pd.DataFrame([list(row) for row in sheet.rows], columns=list(sheet.columns), dtype=object)
    formats = [
        {"column": {"columns": [name], "format": {"num_format": _number_format(frame[name]), "align": "right"}}}
        for name in sheet.columns
        if any(isinstance(cell, float) for cell in frame[name])
    ]
    return gptables.GPTable(
        table=frame,
        table_name=f"T_{re.sub(r'[^A-Za-z0-9]', '_', sheet.name)}",
        title=sheet.title,
        subtitles=list(sheet.lines[:1]),
        instructions="This worksheet contains one table.",
        legend=[*sheet.lines[1:], *sheet.shorthand],
        additional_formatting=formats,
    )


def _number_format(cells: pd.Series) -> str:
    """How numbers show; the cells hold them as the CSV does."""
    values = [cell for cell in cells if isinstance(cell, float)]
    if all(1900 <= value <= 2100 and value.is_integer() for value in values):
        return "0"  # years
    if all(value.is_integer() for value in values) or max(map(abs, values)) >= 1000:
        return "#,##0"
    return "0.0" if max(map(abs, values)) >= 10 else "0.000"


def _numbered(notes: Sequence[str]) -> list[list[str | float]]:
    return [[f"Note {i}", note] for i, note in enumerate(notes, start=1)]


def _write_ods(path: Path, tables: Sequence[Sheet], title: str, cover: Sequence[str], notes: Sequence[str]) -> None:
    import odswriter  # type: ignore[import-untyped]

    with path.open("wb") as file, odswriter.writer(file) as book:
        book.new_sheet("Cover").writerows([[line] for line in (title, *cover)])
        contents = book.new_sheet("Contents")
        contents.writerows([["Contents"], ["Sheet name", "Table"]])
        contents.writerows([[sheet.name, sheet.title] for sheet in tables])
        book.new_sheet("Notes").writerows([["Notes"], ["Note", "Text"], *_numbered(notes)])
        for sheet in tables:
            own = book.new_sheet(sheet.name)
            own.writerows([[line] for line in (sheet.title, *sheet.lines, *sheet.shorthand)])
            own.writerow(list(sheet.columns))
            own.writerows([[_whole(cell) for cell in row] for row in sheet.rows])


def _whole(cell: str | float) -> str | float:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
