"""Read the asylum column of the tribunal's quarterly tables: receipts, disposals and the open caseload."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from params.errors import InputError
from params.releases.cells import Count, financial_quarter, plain, read_count, read_quarter
from params.releases.recognise import Place

# What a sheet counts, by a word of its name or title; FIA_1, FIA_2 and FIA_4 are the tribunal's own names.
_SIGNS = (
    ("open_cases", r"open case|caseload outstanding|outstanding|\bFIA_4\b"),
    ("disposals", r"disposal|\bFIA_2\b"),
    ("receipts", r"receipt|\bFIA_1\b"),
)
_MEASURES = ("receipts", "disposals", "open_cases")
_FOOTER = re.compile(r"source|notes?\b|hmcts|aria|\.\.|[rp] ?=|- ", re.IGNORECASE)


def read_tribunal(add: Callable[[tuple[str, ...], Count], None], places: list[Place], file: str) -> None:
    """Read the quarterly rows of every sheet that counts receipts, disposals or open cases.

    The financial year and the quarter stand only in the first row of their block, and each may carry an `r`
    (revised) or `p` (provisional). A sheet with an outcome column is read where the outcome is `Disposals`.

    Raises:
        InputError: no sheet says what it counts, or a cell is no count.
    """
    read = False
    for place in places:
        wide = [name for name in _MEASURES if name in place.columns]
        measure = None if wide else _measure_of(place)
        if not wide and measure is None:
            continue
        for number, period, cells in _quarters(place):
            outcome = plain(cells.get("outcome", "")).lower()
            if outcome and outcome != "all" and not outcome.startswith(("disposal", "total")):
                continue
            for name in wide or [measure or ""]:
                column = name if wide else "asylum"
                try:
                    count = _dash_is_zero(cells[column])
                except ValueError as error:
                    raise InputError(
                        f"{file}: sheet {place.sheet.name}, row {number}, column {place.heading(column)}: {error}."
                    ) from None
                add((period, name), count)
                read = True
    if not read:
        names = ", ".join(place.sheet.name for place in places)
        raise InputError(f"{file}: no sheet ({names}) says whether it counts receipts, disposals or open cases.")


def _measure_of(place: Place) -> str | None:
    texts = [place.sheet.name, *(plain(cell) for row in place.sheet.rows[: place.header] for cell in row)]
    titles = " ".join(texts)
    return next((name for name, sign in _SIGNS if re.search(sign, titles, re.IGNORECASE)), None)


def _quarters(place: Place) -> list[tuple[int, str, dict[str, Any]]]:
    """The rows of quarters: number of the row, quarter end and cells, with year and quarter filled down."""
    found: list[tuple[int, str, dict[str, Any]]] = []
    columns = dict(place.columns)
    if "quarter" not in columns:  # the tribunal leaves the heading of the quarter empty, beside the year
        columns["quarter"] = columns["year"] + 1
    year, quarter = "", ""
    for number, row in enumerate(place.sheet.rows[place.header + 1 :], start=place.header + 2):
        cells = {name: row[index] if index < len(row) else "" for name, index in columns.items()}
        first = plain(cells.get("year", ""))
        filled = [cell for cell in row if cell not in ("", None)]
        if found and len(filled) == 1 and _FOOTER.match(first):
            break
        if len(filled) < 2:
            continue
        if first:
            year, quarter = first, ""
        quarter = plain(cells.get("quarter", "")) or quarter
        period = financial_quarter(year, quarter) or _both(quarter) or _calendar(quarter) or _calendar(year)
        if period:
            found.append((number, period, cells))
    return found


def _both(text: str) -> str | None:
    """A quarter and its financial year in one cell, such as `Q3 2025/26`."""
    found = re.fullmatch(r"(Q[1-4])[rp]?,? (\d{4}/\d{2})[rp]?|(\d{4}/\d{2})[rp]? (Q[1-4])[rp]?", text)
    return financial_quarter(found[2] or found[3], found[1] or found[4]) if found else None


def _calendar(text: str) -> str | None:
    """A quarter named by its months or last day; a bare year is no quarter."""
    if not re.search(r"[A-Za-z]|\d{4}-\d{2}-\d{2}|/", text) or re.fullmatch(r"\d{4}/\d{2}.*", text):
        return None
    try:
        return read_quarter(text)
    except ValueError:
        return None


def _dash_is_zero(cell: Any) -> Count:
    """Read a count; the tribunal writes a dash for none."""
    return Count(0) if plain(cell) in ("-", "–") else read_count(cell)
