"""The joint draws of calibrated assumptions that a calibration left, adopted into the repository.

`params/posterior/posterior.csv` has one column for each calibrated assumption and one row for each draw, all equally
likely; `record.json` beside it says what made it. Values of one row fit together; picked singly they fit worse.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from params.errors import InputError, unknown
from params.register import ROOT, Assumption, read_register

FOLDER, TABLE, RECORD = "posterior", "posterior.csv", "record.json"
AXIS = "posterior"


@dataclass(frozen=True)
class Posterior:
    """Equally likely rows of values that fit together.

    Attributes:
        run: id of the calibration that made them.
        names: calibrated assumptions, one for each column.
        rows: values by row and column.
        entries: the register's entries that the values were checked against.
        sha256: of the table.
    """

    run: str
    names: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    entries: Mapping[str, Assumption]
    sha256: str

    def holds_for(self, entries: Mapping[str, Assumption]) -> bool:
        """Whether a set of assumptions still has the entries fitted; a hindcast replaces some by what was known."""
        return all(entries.get(name) == self.entries[name] for name in self.names)

    def row(self, level: float) -> dict[str, float]:
        """Values of the row at a level from 0 to 1 along the table."""
        number = min(int(level * len(self.rows)), len(self.rows) - 1)
        return dict(zip(self.names, self.rows[number], strict=True))


def calibrated(entries: Mapping[str, Assumption]) -> list[str]:
    """Names a calibration fits: of kind calibrated, not fixed, in the register's order."""
    return [n for n, entry in entries.items() if entry.kind == "calibrated" and entry.distribution != "fixed"]


@lru_cache
def read_posterior(root: Path = ROOT) -> Posterior | None:
    """Read and check the adopted draws, or None where none were adopted.

    Raises:
        InputError: half of it is missing, the table is not the one recorded, a column is no calibrated assumption,
            or a value is not a number inside the register's range.
    """
    table, record = root / FOLDER / TABLE, root / FOLDER / RECORD
    if not table.exists() and not record.exists():
        return None
    try:
        content, about = table.read_bytes(), json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file. {_AGAIN}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{record}: cannot be read ({error}). {_AGAIN}") from None
    sha256 = hashlib.sha256(content).hexdigest()
    if not isinstance(about, dict) or about.get("sha256") != sha256:
        raise InputError(f"{table}: was changed after it was adopted. {_AGAIN}")
    entries = read_register(root)
    try:
        lines = list(csv.reader(content.decode("utf-8").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: not a CSV table ({error}). {_AGAIN}") from None
    return Posterior(str(about.get("id")), *checked(lines, entries, table), sha256)


_AGAIN = "`dispersal calibrate --adopt ID` writes it again."


def checked(
    lines: list[list[str]], entries: Mapping[str, Assumption], place: Path
) -> tuple[tuple[str, ...], tuple[tuple[float, ...], ...], Mapping[str, Assumption]]:
    """Names, rows and entries of a table of draws.

    Raises:
        InputError: names the file, the line and the column.
    """
    if len(lines) < 3:
        raise InputError(f"{place}: needs a line of names and at least two draws.")
    names = tuple(lines[0])
    fitted = calibrated(entries)
    for name in names:
        if name not in entries:
            raise unknown(place, "an assumption", name, fitted)
        if name not in fitted:
            raise InputError(f"{place}: {name} is {entries[name].kind}; only calibrated assumptions may be drawn here.")
    if len(set(names)) < len(names):
        raise InputError(f"{place}: a column stands twice.")
    missing = [name for name in fitted if name not in names]
    if missing:
        why = f"Remove {place.parent}, run `dispersal calibrate` and adopt it."
        raise InputError(f"{place}: {missing[0]} has no column. {why}")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(names):
            raise InputError(f"{place}: line {number} has {len(line)} values for {len(names)} names.")
        where = f"{place}: line {number}"
        rows.append(tuple(_value(entries[n], n, text, where) for n, text in zip(names, line, strict=True)))
    return names, tuple(rows), MappingProxyType({name: entries[name] for name in names})


def _value(entry: Assumption, name: str, text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{place}: {name}: {text!r} is not a number.") from None
    low, high = bounds(entry, name)
    if not math.isfinite(value) or not low <= value <= high:
        raise InputError(f"{place}: {name}: {text} lies outside its range, {low:g} to {high:g}.")
    return value


def bounds(entry: Assumption, name: str) -> tuple[float, float]:
    """Low and high of a calibrated assumption.

    Raises:
        InputError: it has no range to fit in.
    """
    if entry.low is None or entry.high is None:
        raise InputError(f"{name}: needs low and high to be calibrated.")
    return entry.low, entry.high


def about(run: str, table: bytes, entries: Mapping[str, Assumption], source: Mapping[str, Any]) -> dict[str, Any]:
    """What to keep beside an adopted table: the run, the sha256 of the table, the ranges it was checked against."""
    ranges = {name: list(bounds(entries[name], name)) for name in calibrated(entries)}
    return {"id": run, "sha256": hashlib.sha256(table).hexdigest(), "ranges": ranges, **source}


def set_central(root: Path, values: Mapping[str, float]) -> None:
    """Write central values into `assumptions/*.toml`, to three significant figures, each file whole or not at all.

    Raises:
        InputError: a file has no such table or value.
    """
    texts: dict[Path, str] = {}
    for name, value in values.items():
        group, _, key = name.partition(".")
        file = root / "assumptions" / f"{group}.toml"
        text = texts[file] if file in texts else file.read_text(encoding="utf-8")
        head, found, rest = text.partition(f"[{key}]\n")
        table, nothing, others = rest.partition("\n[")
        short = f"{float(f'{value:.3g}')!r}"
        new, count = re.subn(r"(?m)^value = \S+$", f"value = {short}", table)
        if not found or count != 1:
            raise InputError(f"{file}: {key} has no single value to set.")
        new = re.sub(r"(?m)^(joint = .*values = \[)[^,]+", rf"\g<1>{short}", new)  # the first is the central one
        texts[file] = head + found + new + nothing + others
    for file, text in texts.items():
        partial = file.with_name(f".{file.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    read_register.cache_clear()
