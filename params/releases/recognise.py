"""Find which official table a workbook holds, in which sheet, under which header; and when it was published."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from params.errors import InputError, nearest
from params.releases.cells import plain, read_day
from params.releases.layouts import LAYOUTS, Layout, barred, columns_of, fold_heading
from params.releases.workbook import Sheet, Workbook

# A header further down than this is not the header of a release.
DEEPEST_HEADER = 60
_ID = re.compile(r"(?<![A-Za-z])([A-Z][A-Za-z]{2}_D?\d{2}[a-z]?)(?![\w])")
_PUBLISHED = re.compile(
    r"(?:date of |date )?(?:publi(?:shed|cation)|released?)(?: date| on)?\b[: ]*(.*)", re.IGNORECASE
)


@dataclass(frozen=True)
class Place:
    """Where a table was found: the sheet, the index of its header's last row, and the column of each field."""

    layout: Layout
    sheet: Sheet
    header: int
    columns: dict[str, int]

    def heading(self, field: str) -> str:
        """The heading of a field's column, as the file has it."""
        return plain(self.sheet.rows[self.header][self.columns[field]]) or field


def find_tables(book: Workbook, wanted: Layout | None) -> list[list[Place]]:
    """Find the official tables of a workbook.

    Args:
        book: the file.
        wanted: the one table to look for, whatever the file says it is; None for every known one.

    Returns:
        For each table found, the sheets that hold it: one, or several for the tribunal's.

    Raises:
        InputError: none was found; the message says what comes nearest.
    """
    found: dict[str, list[tuple[float, Place]]] = {}
    best: tuple[float, Layout, Sheet, list[str]] | None = None
    for sheet in book.sheets:
        for layout in [wanted] if wanted else LAYOUTS:
            place, score, missing = _header_of(sheet, layout, strict=wanted is None)
            if place:
                found.setdefault(layout.table, []).append((score, place))
                if wanted is None:
                    break
            elif missing is not None and (best is None or score > best[0]):
                best = (score, layout, sheet, missing)
    if not found:
        raise InputError(_not_found(book, wanted, best))
    return [_sheets_of(table, places) for table, places in found.items()]


def _sheets_of(table: str, places: list[tuple[float, Place]]) -> list[Place]:
    if table == "tribunal":
        return [place for _, place in places]
    # Two sheets of one table are the data and something smaller made of it.
    return [max(places, key=lambda scored: (len(scored[1].sheet.rows), scored[0]))[1]]


def _header_of(sheet: Sheet, layout: Layout, strict: bool) -> tuple[Place | None, float, list[str] | None]:
    """The header row with most fields of a table; else the fields that the nearest row lacks."""
    best: tuple[int, Place] | None = None
    near: tuple[int, list[str]] | None = None
    above: list[str] = []
    for index, row in enumerate(sheet.rows[:DEEPEST_HEADER]):
        headings = [fold_heading(cell) if isinstance(cell, str) else "" for cell in row]
        for candidate in (headings, _joined(above, headings)):
            columns = columns_of(layout, candidate) | columns_of(layout, headings)
            missing = layout.missing(columns)
            if not missing and not (strict and barred(layout, candidate)):
                if best is None or len(columns) > best[0]:
                    best = (len(columns), Place(layout, sheet, index, columns))
            elif missing and len(columns) > (near[0] if near else 0):
                near = (len(columns), missing)
        above = headings
    if best and strict and _declares_another(sheet, best[1].header, layout):
        return None, 0, None
    if best:
        return best[1], float(best[0]), None
    return None, float(near[0]) if near else 0, near[1] if near else None


def _joined(above: list[str], below: list[str]) -> list[str]:
    """Headings of two rows read as one, where a merged heading above covers several below."""
    if not any(above) or sum(map(bool, above)) < 2:
        return below
    filled, last = [], ""
    for text in above:
        last = text or last
        filled.append(last)
    filled += [""] * (len(below) - len(filled))
    return [f"{over} {under}".strip() if under else over for over, under in zip(filled, below, strict=False)]


def _declares_another(sheet: Sheet, header: int, layout: Layout) -> bool:
    """Whether the sheet's name or the rows above its header name another official table."""
    texts = [sheet.name, *(plain(cell) for row in sheet.rows[:header] for cell in row[:3])]
    ids = {found for text in texts for found in _ID.findall(text.replace("Data_", "").replace("Data - ", ""))}
    return bool(ids) and layout.table not in ids


def _not_found(
    book: Workbook, wanted: Layout | None, best: tuple[float, Layout, Sheet, list[str]] | None
) -> str:
    if wanted:
        what = f"no sheet has the columns of {wanted.table}"
        if best and best[0] >= 2:
            lacking = " and ".join(need.replace("|", " or ") for need in best[3])
            what += f"; the nearest, sheet {best[2].name}, has no column for {lacking}"
        return f"{book.file}: {what}."
    names = ", ".join(layout.table for layout in LAYOUTS)
    hint = ""
    if best and best[0] >= 3:
        lacking = " and ".join(need.replace("|", " or ") for need in best[3])
        hint = f" Nearest: {best[1].table} in sheet {best[2].name}, which has no column for {lacking}."
    return f"{book.file}: holds none of the tables that can be imported ({names}).{hint}"


def published_on(book: Workbook) -> str | None:
    """The day of publication that a cover or notes sheet states, as an ISO date."""
    for sheet in book.sheets:
        for row in sheet.rows[:DEEPEST_HEADER]:
            for index, cell in enumerate(row[:4]):
                stated = _PUBLISHED.match(plain(cell)) if isinstance(cell, str) else None
                if stated and (day := _first_day([stated[1], *row[index + 1 : index + 3]])):
                    return day
    return None


def _first_day(cells: list[Any]) -> str | None:
    for cell in cells:
        if isinstance(cell, str | dt.date) and cell:
            day = read_day(cell)
            if day:
                return day.isoformat()
    return None


def nearest_table(given: str) -> str:
    """The table whose name is nearest to one that is not known."""
    names = [layout.table for layout in LAYOUTS]
    guess = nearest(given, names)
    return f"Nearest: {guess}." if guess else f"Valid: {', '.join(names)}."
