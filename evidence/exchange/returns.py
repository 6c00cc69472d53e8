"""Local returns in: a file that councils send under a protocol, checked row by row and kept outside the repository."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params.errors import InputError, nearest
from params.files import write_whole
from params.protocols import Column, Protocol, Returns, councils_of, read_protocol
from params.releases.cells import plain, read_count, read_day, read_quarter
from params.releases.geography import Findings, Gazetteer
from params.releases.layouts import fold_heading
from params.releases.workbook import read_workbook

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "returns"
SHOWN = 20
# No return is about a time before this; a date before it is somebody's birthday.
FIRST_YEAR = 2014
_ONLY = "returns hold counts only. Remove the column."
# Words of a heading that say a column is about a person or a place where one lives.
_PERSONAL = re.compile(
    r"\b(?:(?:first|last|full|given|family|middle|maiden|client|applicant|person|claimant|tenant|contact|child)s?"
    r" ?names?|forenames?|surnames?|names?|initials|dob|date of birth|birth ?(?:date|day)|born|age|gender|sex|address"
    r"|addr|street|house ?(?:no|number)|flat|postcodes?|post code|zip|uprn|nationalit(?:y|ies)|citizenship|country of"
    r" (?:origin|birth)|ethnic(?:ity| group| origin)?|religion|faith|nino|national insurance"
    r"|ni number|nhs (?:no|number)|passport"
    r"|e ?mails?|phone|telephone|mobile|tel|(?:port|ho|home office|case|asylum|arc|person|unique) ?(?:ref(?:erence)?|id"
    r"|no|number)|cid|arc|uan|case ?(?:worker|id)|hotel|site|property|accommodation (?:address|name))\b"
)
_COUNCIL_NAME = re.compile(r"(?:council|local authority|la|lad|authority|district|region|area) names?")
# What a cell looks like that belongs to one person, whatever its heading says.
_CONTENT = {
    "an email address": re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    "a postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b", re.IGNORECASE),
    "a National Insurance number": re.compile(r"\b[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", re.IGNORECASE),
    "a telephone number": re.compile(r"(?<!\d)(?:\+44 ?|0)(?:\d[ -]?){9,10}(?!\d)"),
    "a Home Office reference": re.compile(r"\b(?:[A-Z]{1,3}/?\d{6,8}(?:/\d{1,3})?|\d{4}-\d{4}-\d{4}-\d{4})\b"),
    "an NHS number": re.compile(r"\b\d{3} \d{3} \d{4}\b"),
    "a street address": re.compile(
        r"\b\d+[a-z]?,? [A-Za-z' ]+ (?:street|st|road|rd|avenue|ave|lane|close|drive|court|terrace|way)\b",
        re.IGNORECASE,
    ),
    "a date of birth": re.compile(r"\bborn\b|\bdob\b", re.IGNORECASE),
}


def import_return(path: Path, protocol_path: Path, runs: Path) -> list[str]:
    """Check a local return against its protocol and keep it; say what came in.

    Args:
        path: the return, as CSV, ODS or XLSX, with its headings in one row.
        protocol_path: the protocol under which it was sent.
        runs: the folder of all runs; the return is kept in `returns/` there, outside the repository.

    Raises:
        InputError: the protocol is not in force or takes no returns; a column looks personal, is missing or unknown;
            or rows are wrong: every wrong row is counted and the first 20 are shown, a line each.
    """
    protocol = read_protocol(protocol_path)
    if protocol.returns is None:
        raise InputError(f"{protocol_path.name}: returns: the protocol has none, so nothing comes in under it.")
    book = read_workbook(path)
    header, rows = _table(path.name, book.sheets[0].rows if len(book.sheets) == 1 else _fullest(book.sheets))
    _refuse_personal(path.name, header, rows, protocol.returns)
    place = _columns(path.name, header, protocol.returns)
    kept = _checked(path.name, rows, place, protocol)
    content = _csv(protocol.returns, kept)
    digest = hashlib.sha256(content).hexdigest()
    home = runs / FOLDER / _slug(protocol.title)
    stem = f"{dt.date.today().isoformat()}-{digest[:8]}"
    about = {"protocol": protocol.title, "file": path.name, "sha256": book.sha256}
    record = {**about, "rows": len(kept), "csv_sha256": digest}
    for name, data in ((f"{stem}.csv", content), (f"{stem}.json", (json.dumps(record, indent=1) + "\n").encode())):
        write_whole(home / name, data, "returns", mode=0o600)
    councils = {row[_council(protocol.returns)] for row in kept}
    return [
        f"{path.name}: {len(kept):,} rows from {len(councils)} councils under {protocol.title}; no problem found",
        str(home / f"{stem}.csv"),
    ]


def latest_return(title: str, runs: Path) -> tuple[Path, pd.DataFrame]:
    """The return that came in last under a protocol, as text.

    Raises:
        InputError: none came in.
    """
    import pandas as pd

    home = runs / FOLDER / _slug(title)
    files = sorted(home.glob("*.csv"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    if not files:
        raise InputError(
            f"{home}: no return has come in under {title!r}. Nearest: dispersal data import FILE --protocol FILE."
        )
    about = json.loads(files[-1].with_suffix(".json").read_text(encoding="utf-8"))
    content = files[-1].read_bytes()
    if hashlib.sha256(content).hexdigest() != about["csv_sha256"]:
        raise InputError(f"{files[-1]}: the return was changed after it came in; import it again.")
    return files[-1], pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_filter=False)


def _fullest(sheets: Any) -> list[list[Any]]:
    return max((list(sheet.rows) for sheet in sheets), key=lambda rows: len(rows))


def _table(name: str, rows: list[list[Any]]) -> tuple[list[str], list[tuple[int, list[Any]]]]:
    """The headings and the numbered rows below them; titles above the headings are passed over."""
    for index, row in enumerate(rows):
        if sum(isinstance(cell, str) and bool(cell) for cell in row) >= 2:
            header = [plain(cell) for cell in row]
            below = enumerate(rows[index + 1 :], start=index + 2)
            body = [(number, row) for number, row in below if any(map(_filled, row))]
            if not body:
                raise InputError(f"{name}: has headings and no rows.")
            return header, body
    raise InputError(f"{name}: has no row of headings.")


def _filled(cell: Any) -> bool:
    return cell not in ("", None)


def _refuse_personal(name: str, header: list[str], rows: list[tuple[int, list[Any]]], schema: Returns) -> None:
    """Refuse a file with a column that looks personal, by its heading or by what is in it."""
    for heading in header:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", " ", heading).lower().strip()
        agreed = words.replace(" ", "_") in _names(schema) or _COUNCIL_NAME.fullmatch(words)
        if _PERSONAL.search(words) and not agreed:
            raise InputError(f"{name}: column {heading!r} looks personal by its heading; {_ONLY}")
    for index, heading in enumerate(header):
        for number, row in rows:
            what = _looks_personal(row[index]) if index < len(row) else None
            if what:
                raise InputError(f"{name}: row {number}, column {heading!r} holds what looks like {what}; {_ONLY}")


def _looks_personal(cell: Any) -> str | None:
    """What a cell looks like that belongs to one person, if anything."""
    if isinstance(cell, dt.date):
        return "a date of birth" if cell.year < FIRST_YEAR else None
    if not isinstance(cell, str) or re.fullmatch(r"[EWSN]\d{8}", cell, re.IGNORECASE):
        return None
    day = read_day(cell)
    if day is not None:
        return "a date of birth" if day.year < FIRST_YEAR else None
    return next((what for what, pattern in _CONTENT.items() if pattern.search(cell)), None)


def _names(schema: Returns) -> set[str]:
    return {column.name for column in schema.columns}


def _columns(name: str, header: list[str], schema: Returns) -> dict[str, int]:
    """Which column of the file holds each column of the schema."""
    folded = [fold_heading(heading).replace(" ", "_") for heading in header]
    known = _names(schema)
    for heading, text in zip(header, folded, strict=True):
        if text and text not in known:
            guess = nearest(text, known)
            hint = f" Nearest: {guess}." if guess else ""
            raise InputError(f"{name}: column {heading!r} is not in the protocol.{hint}")
    repeated = next((text for text in folded if text and folded.count(text) > 1), None)
    if repeated:
        raise InputError(f"{name}: column {repeated} appears more than once.")
    for column in schema.columns:
        if column.required and column.name not in folded:
            raise InputError(f"{name}: column {column.name} is missing.")
    return {text: index for index, text in enumerate(folded) if text}


def _checked(
    name: str, rows: list[tuple[int, list[Any]]], place: dict[str, int], protocol: Protocol
) -> list[dict[str, str]]:
    """Every row in plain text; all problems are told together."""
    schema = protocol.returns
    assert schema is not None
    gazetteer, allowed = Gazetteer(), set(councils_of(protocol))
    problems: list[str] = []
    kept: list[dict[str, str]] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in rows:
        values: dict[str, str] = {}
        for column in schema.columns:
            cell = row[place[column.name]] if column.name in place and place[column.name] < len(row) else ""
            try:
                values[column.name] = _value(cell, column, gazetteer, allowed)
            except ValueError as error:
                problems.append(f"row {number}, column {column.name}: {error}")
        key = tuple(values.get(part, "") for part in schema.key)
        if len(values) == len(schema.columns) and key in seen:
            problems.append(f"row {number}, column {schema.key[0]}: repeats the key of row {seen[key]}")
        seen.setdefault(key, number)
        kept.append(values)
    if problems:
        shown = problems[:SHOWN]
        more = f"\n  ... and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        listed = "\n".join(f"  {problem}" for problem in shown)
        raise InputError(f"{name}: {len(problems)} problems; nothing came in.\n{listed}{more}")
    return kept


def _value(cell: Any, column: Column, gazetteer: Gazetteer, allowed: set[str]) -> str:
    """One cell as plain text of its kind.

    Raises:
        ValueError: it is missing, of another kind, out of range, or of a council outside the protocol.
    """
    if not _filled(cell):
        if column.required:
            raise ValueError("a value is missing")
        return ""
    if column.kind == "council":
        text = plain(cell)
        code, _ = gazetteer.resolve(text, "", "", Findings()) if re.fullmatch(r"[EWSN]\d{8}", text.upper()) else (
            gazetteer.resolve("", text, "", Findings())
        )  # fmt: skip
        if code not in allowed:
            raise ValueError(f"{text} is outside the places of the protocol")
        return code
    if column.kind in ("date", "quarter_end"):
        day = read_quarter(cell) if column.kind == "quarter_end" else read_day(cell)
        if day is None:
            raise ValueError(f"{plain(cell)!r} is not a date")
        return str(day)
    if column.kind == "text":
        text = plain(cell)
        if column.choices and text not in column.choices:
            raise ValueError(f"{text!r} is not one of {', '.join(column.choices)}")
        return text
    number = _number(cell, column)
    if column.low is not None and number < column.low or column.high is not None and number > column.high:
        raise ValueError(f"{number:g} is not between {column.low or 0:g} and {column.high or math.inf:g}")
    return f"{number:.10g}"


def _number(cell: Any, column: Column) -> float:
    if column.kind == "count":
        count = read_count(cell)
        if count.value is None:
            raise ValueError(f"{plain(cell)!r} stands for no number")
        return count.value
    try:
        number = float(str(cell).replace(",", ""))
    except ValueError:
        raise ValueError(f"{plain(cell)!r} is not a number") from None
    if not math.isfinite(number) or isinstance(cell, bool):
        raise ValueError(f"{cell} is not a number")
    return number


def _council(schema: Returns) -> str:
    return next(column.name for column in schema.columns if column.kind == "council")


def _csv(schema: Returns, rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    names = [column.name for column in schema.columns]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: tuple(row[name] for name in names)))
    return text.getvalue().encode()


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]
