"""Read the assembled source files strictly: each cell typed, each problem named with file, column and row."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from params.errors import InputError, nearest, unknown

Row = dict[str, Any]

COMMAND = "python -m params.importer ../shared/data"
UNALLOCATED = "UNALLOCATED_"


class Sources:
    """The folder of source files, read strictly; every file read is remembered with its checksum."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of source files. Usage: {COMMAND}")
        self.folder = folder
        self.sha256: dict[str, str] = {}

    def rows(self, file: str, columns: Mapping[str, str], key: Sequence[str]) -> list[Row]:
        """Read the named columns of one file.

        Args:
            file: file name within the folder.
            columns: name of each column wanted and its kind: `text`, `date`, `count` (0, 1, 2...), `number`
                (finite, not negative) or `integer` (either sign). A `?` after the kind allows an empty cell,
                read as None.
            key: columns that together identify a row.

        Raises:
            InputError: the file, a column or a value is missing or wrong, or two rows have one key.
        """
        path = self.folder / file
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            guess = nearest(file, [found.name for found in self.folder.glob("*.csv")])
            hint = f" Nearest: {guess}." if guess else ""
            raise InputError(f"{file}: no such file in the folder {self.folder.name}.{hint}") from None
        except OSError as problem:
            raise InputError(f"{file}: cannot be read ({problem.strerror}).") from None
        self.sha256[file] = hashlib.sha256(content).hexdigest()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            raise InputError(f"{file}: not UTF-8 text (byte {problem.start}).") from None

        reader = csv.reader(io.StringIO(text, newline=""))
        header = next(reader, None)
        if not header:
            raise InputError(f"{file}: the file is empty.")
        repeated = [name for name, times in Counter(header).items() if times > 1]
        if repeated:
            raise InputError(f"{file}: column {repeated[0]} appears more than once.")
        for name in columns:
            if name not in header:
                guess = nearest(name, header)
                raise InputError(f"{file}: no column {name}." + (f" Nearest: {guess}." if guess else ""))

        place = {name: header.index(name) for name in columns}
        rows: list[Row] = []
        seen: set[tuple[Any, ...]] = set()
        for number, cells in enumerate(reader, start=2):
            if len(cells) != len(header):
                raise InputError(
                    f"{file}: row {number} has {len(cells)} cells; the header has {len(header)}."
                )
            row = {
                name: _value(file, number, name, cells[place[name]], kind) for name, kind in columns.items()
            }
            identity = tuple(row[name] for name in key)
            if identity in seen:
                shown = ", ".join(str(part) for part in identity)
                raise InputError(f"{file}: row {number} repeats the key {' + '.join(key)} = {shown}.")
            seen.add(identity)
            rows.append(row)
        if not rows:
            raise InputError(f"{file}: the file has a header and no rows.")
        return rows


def _value(file: str, number: int, column: str, text: str, kind: str) -> Any:
    text = text.strip()
    if not text:
        if kind.endswith("?") or kind == "text":
            return None if kind.endswith("?") else ""
        raise InputError(f"{file}: column {column}, row {number}: a value is missing.")
    kind = kind.removesuffix("?")
    if kind == "text":
        return text
    try:
        if kind == "date":
            return dt.date.fromisoformat(text).isoformat()
        value = float(text)
    except ValueError:
        what = "an ISO date" if kind == "date" else "a number"
        raise InputError(f"{file}: column {column}, row {number}: {text!r} is not {what}.") from None
    if not math.isfinite(value):
        raise InputError(f"{file}: column {column}, row {number}: {text!r} is not a finite number.")
    if kind in ("count", "integer") and value != int(value):
        raise InputError(f"{file}: column {column}, row {number}: {text} is not a whole number.")
    if kind != "integer" and value < 0:
        raise InputError(f"{file}: column {column}, row {number}: {text} is negative.")
    return value if kind == "number" else int(value)


def expect(file: str, column: str, what: str, found: float, expected: float) -> None:
    """Raise an InputError unless a figure is the published one."""
    if found != expected:
        raise InputError(f"{file}: column {column}: {what} is {found:,}, expected {expected:,}.")


def consecutive(file: str, column: str, dates: Iterable[str], months: int = 3) -> list[str]:
    """Return the distinct dates in order; raise when a period between the first and last is missing."""
    ordered = sorted(set(dates))
    ordinals = [int(date[:4]) * 12 + int(date[5:7]) for date in ordered]
    for earlier, later, date in zip(ordinals, ordinals[1:], ordered, strict=False):
        if later - earlier != months:
            raise InputError(f"{file}: column {column}: a period is missing after {date}.")
    return ordered


def known_councils(file: str, rows: Iterable[Row], codes: Iterable[str], unallocated: bool = False) -> None:
    """Raise an InputError for a row whose council is none of `codes` (or, if allowed, of the unallocated)."""
    valid = set(codes)
    for row in rows:
        code = row["lad_code"]
        if code not in valid and not (unallocated and code.startswith(UNALLOCATED)):
            raise unknown(f"{file}: column lad_code", "the code of a council in councils.csv", code, valid)
