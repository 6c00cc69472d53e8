"""Councils' own unit costs: a template to fill in, and the strict door to a filled one.

A row says what one unit of one service line costs one council, or each of several, with its price base and source.
Lines and councils left out keep the register's central values. Costs are per unit of demand met, net of income for
it, and in 2025-26 prices once read.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evidence.disclosure import escape_formula
from params import reference
from params.errors import InputError, nearest, unknown
from params.instruments import SERVICES
from params.prices import deflator_years, in_prices_of
from params.register import read_register

COLUMNS = ("service", "councils", "value", "low", "high", "unit", "price_base", "source", "note", "what_it_covers")
ALL = "all"
_FILLED = ("councils", "value", "low", "high", "price_base", "source", "note")
_LARGEST_BYTES, _LONGEST_CELL, _MOST = 2_000_000, 500, 1e7

COVERS: Mapping[str, str] = {
    "school_places": "Council cost of one school-age child for a year: in-year admission, transport, language "
    "support and places found before funding follows. Not the school's own budget.",
    "esol": "One adult learning English for a year, as far as the council pays.",
    "homelessness": "One household in temporary accommodation for a year after a grant of status, net of housing "
    "benefit and rent collected.",
    "social_care": "Safeguarding, children's and adults' social care, age assessment and support of people without "
    "recourse to public funds, for one supported person a year: divide the line's cost by people supported.",
    "public_health": "Public-health coordination and commissioning for one supported person a year. Not NHS cost.",
    "community": "Community safety, cohesion, protest and grants to voluntary bodies for one supported person a year.",
    "legal_advice": "The council's contribution to advice for one person with a live case a year.",
    "coordination": "Coordination, commissioning, data, housing enforcement and licensing for one supported person "
    "a year, fixed staff included.",
}  # fmt: skip


def unit(service: str) -> str:
    """Unit of a service line's unit cost, from the register."""
    return read_register()[f"services.unit_cost.{service}"].unit


@dataclass(frozen=True)
class LocalCost:
    """One row: what a unit of a service line costs each of some councils.

    Attributes:
        service: the model's service line.
        councils: council codes it holds for.
        value, low, high: GBP a unit and year, 2025-26 prices.
        given: the value as written, cash of `price_base`.
        price_base: financial year whose cash it was.
        source, note: as written.
        row: line of the file.
    """

    service: str
    councils: tuple[str, ...]
    value: float
    low: float
    high: float
    given: float
    price_base: str
    source: str
    note: str
    row: int


def template() -> str:
    """The template as CSV text: one row a service line, with its unit and what it covers, the rest to be filled in."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for service in SERVICES:
        filled = {"service": service, "unit": unit(service), "what_it_covers": COVERS[service]}
        writer.writerow([filled.get(column, "") for column in COLUMNS])
    return text.getvalue()


def write_template(out: Path) -> None:
    """Write the template, whole or not at all.

    Raises:
        InputError: the file exists or cannot be written.
    """
    if out.exists():
        raise InputError(f"{out}: exists; a template never replaces a file. Nearest: {out.stem}_2.csv.")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out}: its folder does not exist.")
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(template(), encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{out}: cannot be written ({error.strerror}).") from None


def read(path: Path) -> tuple[LocalCost, ...]:
    """Read a filled template.

    Returns:
        Its rows with a value, in the file's order.

    Raises:
        InputError: the first row that cannot be used; the message names file, line, column and the nearest valid word.
    """
    rows = list(_rows(path))
    found: list[LocalCost] = []
    taken: dict[tuple[str, str], int] = {}
    for line, row in rows:
        own = _local(f"{path}: line {line}", line, row)
        if own is None:
            continue
        for code in own.councils:
            if (code, own.service) in taken:
                earlier = taken[code, own.service]
                raise InputError(
                    f"{path}: line {line}: councils: {code} already has a cost of {own.service} in line {earlier}."
                )
            taken[code, own.service] = line
        found.append(own)
    if not found:
        raise InputError(f"{path}: no row has a value. Fill in value, councils, price_base and source of at least one.")
    return tuple(found)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file. `dispersal unit-costs template --out FILE` writes one.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    if len(content) > _LARGEST_BYTES:
        raise InputError(f"{path}: is larger than {_LARGEST_BYTES:,} bytes; unit costs are not.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8; in the spreadsheet, save it as 'CSV UTF-8'.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        for name in header:
            if name not in COLUMNS:
                raise unknown(f"{path}: line 1", "a column of the template", name, COLUMNS)
        for name in COLUMNS:
            if header.count(name) != 1 and (name != "what_it_covers" or name in header):
                raise InputError(f"{path}: line 1: the column {name} must be there once.")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{path}: line {reader.line_num}: has {len(cells)} cells, not {len(header)}; put text with "
                    f"commas in quotes."
                )
            long = next((name for name, c in zip(header, cells, strict=True) if len(c) > _LONGEST_CELL), None)
            if long:
                raise InputError(f"{path}: line {reader.line_num}: {long} is longer than {_LONGEST_CELL} characters.")
            yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: is not CSV ({error}).") from None


def _local(place: str, line: int, row: Mapping[str, str]) -> LocalCost | None:
    """One checked row; None for a service line left as the template has it."""
    service = row["service"]
    if service not in SERVICES:
        raise unknown(f"{place}: service", "a service line", service, SERVICES)
    if not any(row[name] for name in _FILLED):
        return None
    for name in ("councils", "value", "price_base", "source"):
        if not row[name]:
            raise InputError(f"{place}: {name} is missing; a cost without it cannot be used.")
    if row["unit"] != unit(service):
        raise InputError(f"{place}: unit {row['unit']!r} is not the unit of {service}. Nearest: {unit(service)!r}.")
    if row["price_base"] not in deflator_years():
        years = deflator_years()
        raise unknown(f"{place}: price_base", "a financial year of the GDP deflator", row["price_base"], years)
    value = _money(place, "value", row["value"])
    low = _money(place, "low", row["low"]) if row["low"] else value
    high = _money(place, "high", row["high"]) if row["high"] else value
    if not low <= value <= high:
        raise InputError(f"{place}: value {value:g} must lie in low {low:g} to high {high:g}.")
    base = row["price_base"]
    return LocalCost(
        service=service,
        councils=_councils(place, row["councils"]),
        value=in_prices_of(value, base),
        low=in_prices_of(low, base),
        high=in_prices_of(high, base),
        given=value,
        price_base=base,
        source=str(escape_formula(row["source"])),
        note=str(escape_formula(row["note"])),
        row=line,
    )


def _money(place: str, column: str, text: str) -> float:
    plain = text.replace(",", "").removeprefix("£")
    try:
        value = float(plain) if re.fullmatch(r"\d+(\.\d+)?", plain) else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{place}: {column} {text!r} is not an amount in pounds. Nearest: 1250 or 1,250.50.")
    if value > _MOST:
        raise InputError(f"{place}: {column} {text} is more than {_MOST:,.0f} pounds a unit; give pounds, not "
            f"thousands.")
    return value


def _councils(place: str, text: str) -> tuple[str, ...]:
    table = reference("councils")
    by_name = {str(name).lower(): str(code) for code, name in zip(table["lad_code"], table["name"], strict=True)}
    codes = {str(code) for code in table["lad_code"]}
    if text.lower() == ALL:
        return tuple(sorted(codes))
    found = []
    for word in (part.strip() for part in text.split(";")):
        code = word if word in codes else by_name.get(word.lower())
        if code is None:
            guess = nearest(word, [*codes, *(str(n) for n in table["name"])])
            raise InputError(
                f"{place}: councils: {word!r} is not a council's code or name, or 'all'; part several with semicolons."
                f"{f' Nearest: {guess}.' if guess else ''}"
            )
        if code in found:
            raise InputError(f"{place}: councils: {word} is named twice.")
        found.append(code)
    return tuple(found)


def described(rows: Sequence[LocalCost]) -> list[str]:
    """Lines that show what was read: each line's local cost in 2025-26 prices beside the register's."""
    register = read_register()
    lines = ["GBP a unit and year, 2025-26 prices (GDP deflator); central is the register's value", ""]
    for row in rows:
        entry = register[f"services.unit_cost.{row.service}"]
        central = float(entry.values()[-1])
        if row.service == "homelessness":
            central *= 1 - float(register["services.benefit_share"].values()[-1])
        places = f"{len(row.councils)} councils" if len(row.councils) > 1 else row.councils[0]
        lines.append(
            f"  {row.service:<15}{row.value:>10,.0f}   ({row.low:,.0f} to {row.high:,.0f}; given {row.given:,.0f} in "
            f"{row.price_base})   central {central:>8,.0f}   {places}   {row.source}"
        )
    return lines
