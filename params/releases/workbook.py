"""Open an ODS, XLSX or CSV file as sheets of plain cells, with what was merged filled in."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from params.errors import InputError

KINDS = (".ods", ".xlsx", ".csv")
LARGEST_BYTES = 200_000_000


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name and its rows of cells (text without outer spaces, numbers, dates; "" for empty)."""

    name: str
    rows: list[list[Any]]


@dataclass(frozen=True)
class Workbook:
    """A file that was read: its name without the folder, the sha256 of its bytes, and its sheets."""

    file: str
    sha256: str
    sheets: tuple[Sheet, ...]


def read_workbook(path: Path) -> Workbook:
    """Read every sheet of a file.

    Args:
        path: an ODS, XLSX or CSV file.

    Raises:
        InputError: it is missing, too large, damaged, protected by a password, empty or of another kind.
    """
    name = path.name
    if path.is_dir():
        raise InputError(f"{name}: is a folder; give the path of one file.")
    if path.suffix.lower() not in KINDS:
        raise InputError(f"{name}: not an ODS, XLSX or CSV file.")
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise InputError(f"{name}: {size:,} bytes is more than any release has ({LARGEST_BYTES:,}).")
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror}).") from None
    if not content:
        raise InputError(f"{name}: the file is empty.")
    sheets = _csv(name, content) if path.suffix.lower() == ".csv" else _calamine(name, content)
    if not any(sheet.rows for sheet in sheets):
        raise InputError(f"{name}: every sheet is empty.")
    return Workbook(name, hashlib.sha256(content).hexdigest(), sheets)


def _calamine(name: str, content: bytes) -> tuple[Sheet, ...]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, ZipError

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = []
        for title in book.sheet_names:
            sheet = book.get_sheet_by_name(title)
            rows = [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
            for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
                _fill(rows, top, left, bottom, right)
            sheets.append(Sheet(" ".join(title.split()), rows))
    except PasswordError:
        raise InputError(f"{name}: is protected by a password; save it without one.") from None
    except (CalamineError, ZipError, OSError, ValueError) as problem:
        raise InputError(f"{name}: not a readable workbook ({' '.join(str(problem).split())}).") from None
    return tuple(sheets)


def _fill(rows: list[list[Any]], top: int, left: int, bottom: int, right: int) -> None:
    """Give every cell of a merged block of rows the block's value; a title merged across columns stays one cell."""
    if top >= len(rows) or left >= len(rows[top]) or bottom == top:
        return
    value = rows[top][left]
    for row in rows[top : bottom + 1]:
        for column in range(left, min(right + 1, len(row))):
            row[column] = value


def _csv(name: str, content: bytes) -> tuple[Sheet, ...]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    try:
        rows = [[_cell(value) for value in row] for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error as problem:
        raise InputError(f"{name}: not a readable CSV file ({problem}).") from None
    return (Sheet(Path(name).stem, rows),)


def _cell(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value
