"""What one cell of a release says: a quarter end, a count, or a mark for why there is no count."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

# What stands where a number is not, and what it means. The official shorthand first, older marks after it.
REASONS = {
    "c": "confidential",
    "low": "below_rounding",
    "u": "low_reliability",
    "w": "no_data",
    "x": "not_available",
    "z": "not_applicable",
    ":": "not_available",
    "..": "not_available",
    "...": "not_available",
    "n/a": "not_applicable",
    "na": "not_applicable",
    "not available": "not_available",
    "not applicable": "not_applicable",
    "suppressed": "confidential",
    "*": "confidential",
    "~": "confidential",
    "-": "not_applicable",
}
# Marks beside a number: the number stands, and the mark is kept with it.
BESIDE = {"e": "estimated", "p": "provisional", "r": "revised", "b": "break_in_series"}

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_NOTE = re.compile(r"\s*[\[(](?:note|notes|footnote|footnotes)?\s*[\d, ]+[\])]", re.IGNORECASE)
_MARK = re.compile(r"\s*\[?\b([eprb])\]?$", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,3}(?:[, \u00a0]\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ \-]+([A-Za-z]{3,9})\.?,?[ \-]+(\d{4})")
_MONTH = re.compile(r"(?:[A-Za-z]{3,9}\.? ?(?:to|-|–) ?)?([A-Za-z]{3,9})\.? (\d{4})")
_QUARTER = re.compile(r"(\d{4})[ \-]*Q([1-4])|Q([1-4])[ \-]*(\d{4})", re.IGNORECASE)
_EXCEL_DAY_0 = dt.date(1899, 12, 30)


@dataclass(frozen=True)
class Count:
    """A cell of counts: the whole number or None, and `published` or the reason that the cell gives."""

    value: int | None
    status: str = "published"


def plain(text: Any) -> str:
    """Text of a cell without note marks such as `[note 1]` or `(2)`."""
    return _NOTE.sub("", str(text)).strip() if isinstance(text, str) else "" if text is None else str(text)


def read_count(cell: Any) -> Count:
    """Read a count, or the mark that stands for one.

    Raises:
        ValueError: neither; the message says what it is instead.
    """
    if isinstance(cell, bool | dt.date | dt.time | dt.timedelta):
        raise ValueError(f"{cell} is not a count")
    if isinstance(cell, int | float):
        if cell != cell or cell in (float("inf"), float("-inf")) or cell != int(cell):
            raise ValueError(f"{cell} is not a whole number")
        if cell < 0:
            raise ValueError(f"{int(cell)} is negative")
        return Count(int(cell))
    text = _NOTE.sub("", str(cell)).strip()
    mark = text.strip("[]() ").lower()
    if not mark and text in ("", "[]"):
        return Count(None, "empty")
    if text in REASONS or mark in REASONS:
        return Count(None, REASONS[text if text in REASONS else mark])
    beside = _MARK.search(text)
    status = "published"
    if beside:
        text, status = text[: beside.start()].strip(), BESIDE[beside[1].lower()]
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{str(cell)!r} is not a count or a known mark such as [c], [x], [z] or :")
    number = float(re.sub(r"[, \u00a0]", "", text))
    if number != int(number):
        raise ValueError(f"{text} is not a whole number")
    if number < 0:
        raise ValueError(f"{text} is negative")
    return Count(int(number), status)


def read_quarter(cell: Any) -> str | None:
    """The quarter end that a cell names, as an ISO date; None when it names no date at all.

    Understands real dates, spreadsheet day numbers, `31 Dec 2025`, `2025-12-31`, `31/12/2025`, `Dec 2025`,
    `Oct to Dec 2025`, `2025 Q4` and `Q4 2025` (calendar quarters).

    Raises:
        ValueError: a date that is no quarter end.
    """
    day = read_day(cell)
    if day is None:
        return None
    last = calendar.monthrange(day.year, day.month)[1]
    if day.month % 3 or day.day != last:
        raise ValueError(f"{day.isoformat()} is not a quarter end")
    return day.isoformat()


def read_day(cell: Any) -> dt.date | None:
    """The day that a cell names, a month or quarter being its last day; None when it names none."""
    if isinstance(cell, dt.datetime):
        return cell.date()
    if isinstance(cell, dt.date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if 36_000 < cell < 60_000 and cell == int(cell):  # 1998 to 2064 as a spreadsheet counts days
            return _EXCEL_DAY_0 + dt.timedelta(days=int(cell))
        return None
    text = _MARK.sub("", plain(cell)).strip() if re.search(r"\d\s*\[?[prPR]\]?$", plain(cell)) else plain(cell)
    if found := _QUARTER.fullmatch(text):
        year, quarter = int(found[1] or found[4]), int(found[2] or found[3])
        return _month_end(year, 3 * quarter)
    if found := _DAY.search(text):
        return _date(int(found[3]), _MONTHS.get(found[2][:3].lower(), 0), int(found[1]))
    if found := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?", text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        return _date(int(found[3]), int(found[2]), int(found[1]))
    if (found := _MONTH.fullmatch(text)) and (month := _MONTHS.get(found[1][:3].lower())):
        return _month_end(int(found[2]), month)
    return None


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def financial_quarter(year: Any, quarter: Any) -> str | None:
    """The quarter end of a financial year such as `2025/26` and a quarter such as `Q3` (October to December)."""
    named = re.match(r"(\d{4})[/\-](\d{2,4})", plain(year))
    number = re.match(r"Q\s*([1-4])", plain(quarter), re.IGNORECASE)
    if not named or not number:
        return None
    start, which = int(named[1]), int(number[1])
    return _month_end(start + (which == 4), (6, 9, 12, 3)[which - 1]).isoformat()
