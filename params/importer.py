"""Write the project's reference tables from the assembled official files.

    python -m params.importer ../shared/data

reads the source folder and writes `params/reference/<table>.csv` and `manifest.json`. The source files stay
where they are: the project commits only these compact tables. The same sources always give the same bytes.

The breaks and traps that the source folder's README lists are settled here, once; no model needs to know
them. Vintages are never spliced (an older one has its own column, with the vintage in its name), outcomes are
on one definition, people whom no council's row holds stay in the national table, and a figure that was
estimated is marked as such.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import hashlib
import io
import json
import math
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from params.errors import InputError, nearest, unknown

REFERENCE = Path(__file__).parent / "reference"
COMMAND = "python -m params.importer ../shared/data"

BASELINE = "2025-12-31"
FIRST_COMPARABLE_QUARTER = "2022-12-31"
LAST_SPLIT_QUARTER = "2024-09-30"
GROUP_QUARTERS = ("2023-12-31", "2024-03-31", "2024-06-30", "2024-09-30")
HIGH_GRANT_SHARE = 0.70
LOW_GRANT_SHARE = 0.30

# Splits of support by accommodation, in the order in which the tables show them.
SPLIT = ("dispersal", "initial", "contingency_hotel", "contingency_other", "other", "subsistence")
UNALLOCATED = "UNALLOCATED_"
NAO_RECONCILIATION = "reconciliation file (NAO copyright"

# Figures that the Home Office, ONS and the Ministry of Justice published: an import that does not add up to
# them read the wrong file or lost rows.
PUBLISHED_COUNCILS = 361
PUBLISHED_POPULATION = 69_281_437
PUBLISHED_SUPPORT = {
    "supported_total": 107_003,
    "dispersal": 68_538,
    "contingency": 32_667,
}
PUBLISHED_HOTEL = 30_657
PUBLISHED_CONTINGENCY_OTHER = 2_010
PUBLISHED_AWAITING = 64_426
PUBLISHED_OPEN_APPEALS = 80_333

Row = dict[str, Any]

OGL = "Open Government Licence v3.0"
OGL_LINE = "Contains public sector information licensed under the Open Government Licence v3.0."
HOME_OFFICE_LINE = f"Source: Home Office, Immigration System Statistics. {OGL_LINE}"
NOVEMBER_2024 = "Immigration System Statistics, year ending September 2024, published 2024-11-28"
FEBRUARY_2026 = "Immigration System Statistics, year ending December 2025, published 2026-02-26"
MAY_2026 = "Immigration System Statistics, year ending March 2026, published May 2026"
HUMANIVERSE = "humaniverse/asylum @ e7044ecf"
ASYLUMSTATS = "tompickup23/asylumstats @ 719b3b24"
EXPLORER = "chocolatetriflesgit/Asylum-data-explorer @ 7feb5107"

NOT_KNOWN = (
    "Population at the 2001 Census by council: not in the sources, so the 1:200 limit on that denominator "
    "needs a published source with provenance or a local file.",
    "Population of school age or of children by council.",
    "Rents and Local Housing Allowance by council in Northern Ireland; rents by council in England after "
    "March 2022.",
    "Rural-urban class for councils in Scotland and Northern Ireland (RUC 2021 covers England and Wales).",
    "Households for councils in Scotland and Northern Ireland; private rented households outside England.",
    "Support by accommodation type from December 2024 to September 2025, nationally (hotels apart) and by "
    "council; hotel and other contingency by council, and support by section by council, at December 2025.",
    "Dependants, unaccompanied children, nationality groups and waiting times after September 2024.",
    "Support by council after 31 December 2025: the national total of June 2026 only was seen.",
    "Population by council in any year but mid-2024: a rate over time needs a population series.",
)


# ----------------------------------------------------------------------------------------
# Reading


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


def _expect(file: str, column: str, what: str, found: float, expected: float) -> None:
    if found != expected:
        raise InputError(f"{file}: column {column}: {what} is {found:,}, expected {expected:,}.")


def _consecutive(file: str, column: str, dates: Iterable[str], months: int = 3) -> list[str]:
    """Return the distinct dates in order; raise when a period between the first and last is missing."""
    ordered = sorted(set(dates))
    ordinals = [int(date[:4]) * 12 + int(date[5:7]) for date in ordered]
    for earlier, later, date in zip(ordinals, ordinals[1:], ordered, strict=False):
        if later - earlier != months:
            raise InputError(f"{file}: column {column}: a period is missing after {date}.")
    return ordered


def _known_councils(file: str, rows: Iterable[Row], codes: Iterable[str], unallocated: bool = False) -> None:
    valid = set(codes)
    for row in rows:
        code = row["lad_code"]
        if code not in valid and not (unallocated and code.startswith(UNALLOCATED)):
            raise unknown(f"{file}: column lad_code", "the code of a council in councils.csv", code, valid)


# ----------------------------------------------------------------------------------------
# What a table is


@dataclass(frozen=True)
class Column:
    """One column: `kind` is how the reader parses it (text, date, integer or number; empty cells allowed)."""

    kind: str
    unit: str
    description: str


@dataclass(frozen=True)
class Table:
    """One reference table and everything a citation of it needs."""

    name: str
    title: str
    publisher: str
    source_table: str
    via: str
    vintage: str
    files: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: Sequence[Row]
    licence: str = OGL
    attribution: str = HOME_OFFICE_LINE
    notes: tuple[str, ...] = field(default=())

    def csv(self) -> bytes:
        """Return the table as CSV bytes: UTF-8, one newline a row, empty cell for not known."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(row[name]) for name in self.columns] for row in self.rows)
        return text.getvalue().encode("utf-8")

    def record(self, content: bytes, sha256: Mapping[str, str]) -> dict[str, Any]:
        """Return the table's entry in the manifest."""
        return {
            "title": self.title,
            "publisher": self.publisher,
            "source_table": self.source_table,
            "via": self.via,
            "vintage": self.vintage,
            "licence": self.licence,
            "attribution": self.attribution,
            "notes": list(self.notes),
            "columns": {
                name: {"type": column.kind, "unit": column.unit, "description": column.description}
                for name, column in self.columns.items()
            },
            "sources": [{"file": file, "sha256": sha256[file]} for file in sorted(self.files)],
            "rows": len(self.rows),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def _text(description: str, unit: str = "") -> Column:
    return Column("text", unit, description)


def _people(description: str) -> Column:
    return Column("integer", "people", description)


def _share(description: str) -> Column:
    return Column("number", "share", description)


QUARTER_END = Column("date", "", "last day of the quarter")


# ----------------------------------------------------------------------------------------
# Councils

# The index of each nation by which its own councils are ranked, and whether a higher value means more
# deprived (it does in all four).
DEPRIVATION_INDEX = {
    "England": "imd2025_avg_score",
    "Wales": "wimd2019_avg_score",
    "Scotland": "simd2020_extent",
    "Northern Ireland": "nimdm2017_extent",
}
RENTS = {
    # nation: (measure, period start, basis)
    "England": ("median_monthly_rent_gbp", "2021-04-01", "voa_median_2021_22"),
    "Scotland": ("lha_monthly_equivalent_gbp", "2024-04-01", "lha_2024_25"),
    "Wales": ("lha_monthly_equivalent_gbp", "2024-04-01", "lha_2024_25"),
}


def councils(sources: Sources) -> Table:
    """Build one row for each of the 361 lower-tier and unitary councils."""
    file = "councils.csv"
    wanted = {
        "lad_code": "text",
        "lad_name": "text",
        "region": "text",
        "country": "text",
        "population_mid2024": "count",
        "lad_code_2023": "text",
        "utla_code": "text",
        "utla_name": "text",
        "council_type": "text",
        "is_two_tier": "count",
        "households_census2021": "count?",
        "ruc21_code": "text",
        "ruc21_class": "text",
        "hex_q": "integer",
        "hex_r": "integer",
        "aasc_region": "text",
        "aasc_provider": "text",
        "area_km2": "number",
    } | {index: "number?" for index in DEPRIVATION_INDEX.values()}
    rows = sources.rows(file, wanted, key=["lad_code"])
    codes = {row["lad_code"] for row in rows}
    _expect(file, "lad_code", "the number of councils", len(rows), PUBLISHED_COUNCILS)
    population = sum(row["population_mid2024"] for row in rows)
    _expect(file, "population_mid2024", "the UK total", population, PUBLISHED_POPULATION)
    for column, expected in (("region", 12), ("country", 4), ("aasc_region", 7), ("aasc_provider", 3)):
        _expect(file, column, "the number of distinct values", len({row[column] for row in rows}), expected)
    areas = {(row["aasc_region"], row["aasc_provider"]) for row in rows}
    _expect(file, "aasc_provider", "the number of pairs of contract area and provider", len(areas), 7)
    hexes = {(row["hex_q"], row["hex_r"]) for row in rows}
    _expect(file, "hex_q", "the number of distinct hexes", len(hexes), PUBLISHED_COUNCILS)
    for row in rows:
        if row["country"] not in DEPRIVATION_INDEX:
            raise unknown(f"{file}: column country", "a nation", row["country"], DEPRIVATION_INDEX)

    rent = _two_bedroom_rents(sources, {row["lad_code"]: row["country"] for row in rows})
    stock_file = "housing_stock_la.csv"
    stock = sources.rows(stock_file, {"lad_code": "text", "prs_households_est": "count?"}, key=["lad_code"])
    _known_councils(stock_file, stock, codes)
    private_rented = {row["lad_code"]: row["prs_households_est"] for row in stock}
    decile = _deprivation_deciles(file, rows)

    out = []
    for row in sorted(rows, key=lambda row: row["lad_code"]):
        code = row["lad_code"]
        out.append(
            {
                "lad_code": code,
                "name": row["lad_name"],
                "region": row["region"],
                "nation": row["country"],
                "council_type": row["council_type"],
                "is_two_tier": row["is_two_tier"],
                "utla_code": row["utla_code"],
                "utla_name": row["utla_name"],
                "contract_area": row["aasc_region"],
                "provider": row["aasc_provider"],
                "population": row["population_mid2024"],
                "households": row["households_census2021"],
                "deprivation_decile": decile[code],
                "rural_class": _rural_class(file, row["ruc21_class"]),
                "ruc_code": row["ruc21_code"],
                "area_km2": row["area_km2"],
                "rent_2bed": rent.get(code),
                "rent_basis": RENTS[row["country"]][2] if code in rent else "not_known",
                "private_rented_households": private_rented.get(code),
                "lad_code_2023": row["lad_code_2023"],
                "hex_q": row["hex_q"],
                "hex_r": row["hex_r"],
            }
        )
    return Table(
        name="councils",
        title="Lower-tier and unitary councils of the United Kingdom",
        publisher="Office for National Statistics; Ministry of Housing, Communities and Local Government; "
        "Welsh Government; Scottish Government; Northern Ireland Statistics and Research Agency; Valuation "
        "Office Agency",
        source_table="Mid-2024 population estimates; Census 2021 households; Rural-Urban Classification "
        "2021; Indices of Deprivation 2025 (England), WIMD 2019, SIMD 2020, NIMDM 2017; Private rental "
        "market summary statistics April 2021 to March 2022; Local Housing Allowance rates 2024/25; ONS "
        "subnational tenure 2023",
        via="humaniverse geographr c026be5c, IMD 2f6c9050, demographr d0417101; odileeds/hexmaps 5383e24a; "
        "PolicyEngine/policyengine-uk-data ebf733c6; grahamstark/ScottishTaxBenefitModel.jl 92b244ac; "
        f"{ASYLUMSTATS}",
        vintage="boundaries at 1 April 2023 with the 2025 codes of Barnsley and Sheffield; population "
        "mid-2024; indices as named; rents 2021-22 (England) and 2024-25 (Scotland, Wales)",
        licence=f"{OGL}; hex layout: MIT licence",
        attribution="Source: Office for National Statistics licensed under the Open Government Licence "
        "v.3.0. Contains OS data © Crown copyright and database right 2024. "
        f"{OGL_LINE} Hex layout: ODI Leeds (Open Innovations), MIT licence.",
        files=(file, "rents.csv", stock_file),
        notes=(
            "deprivation_decile ranks councils within their own nation, in ten groups of equal size, by: "
            "England average score of the English Indices of Deprivation 2025; Wales average score of WIMD "
            "2019; Scotland extent of SIMD 2020; Northern Ireland extent of NIMDM 2017 (extent: the share of "
            "people in the most deprived small areas, weighted). Equal values are ordered by code. Deciles "
            "of two nations are not comparable; Northern Ireland has 11 councils for ten groups.",
            "rent_2bed has two bases: the median of private rents recorded by the VOA in England (2021-22) "
            "and the Local Housing Allowance converted to a month (weekly x 52 / 12) in Scotland and Wales "
            "(2024-25), through an approximate match of councils to rental market areas. Compare councils "
            "within one basis. Six English councils created since 2021 (Cumberland, Westmorland and Furness, "
            "North Yorkshire, Somerset, North and West Northamptonshire) carry the mean of the medians of "
            "their former districts.",
            "rural_class: urban; intermediate (intermediate urban and intermediate rural of RUC 2021); rural "
            "(majority rural); unknown in Scotland and Northern Ireland, which RUC 2021 does not cover.",
            "contract_area and provider follow the awards of September 2019 by region, not a contract "
            "schedule; later exceptions for single sites are not shown.",
            "private_rented_households is an estimate: Census 2021 households x the 2023 share of private "
            "renting; England only.",
            "City of London and Isles of Scilly have so few residents that ratios per head are extreme.",
        ),
        columns={
            "lad_code": _text("GSS code of the council; Barnsley and Sheffield have their 2025 codes"),
            "name": _text("name of the council"),
            "region": _text("region of England (9), or Scotland, Wales, Northern Ireland"),
            "nation": _text("England, Scotland, Wales or Northern Ireland"),
            "council_type": _text("type of authority"),
            "is_two_tier": Column(
                "integer", "switch", "1 where a county council runs education and social care"
            ),
            "utla_code": _text("GSS code of the upper-tier authority (own code where single-tier)"),
            "utla_name": _text("name of the upper-tier authority"),
            "contract_area": _text("asylum accommodation contract area (7)"),
            "provider": _text("accommodation provider of the contract area (3)"),
            "population": _people("usual residents, mid-2024 estimate"),
            "households": Column(
                "integer", "households", "Census 2021; empty in Scotland and Northern Ireland"
            ),
            "deprivation_decile": Column(
                "integer", "decile", "1 most deprived to 10 least, within the own nation"
            ),
            "rural_class": _text("urban, intermediate, rural or unknown"),
            "ruc_code": _text("Rural-Urban Classification 2021 code; empty in Scotland and Northern Ireland"),
            "area_km2": Column("number", "square kilometres", "area of the council"),
            "rent_2bed": Column(
                "number", "GBP a month", "rent of a two-bedroom home; empty in Northern Ireland"
            ),
            "rent_basis": _text("voa_median_2021_22, lha_2024_25 or not_known"),
            "private_rented_households": Column(
                "integer", "households", "estimate, England; empty if not known"
            ),
            "lad_code_2023": _text("GSS code before the 2025 changes, to join older files"),
            "hex_q": Column("integer", "hex column", "column in the hex cartogram (odd-r layout)"),
            "hex_r": Column("integer", "hex row", "row in the hex cartogram (odd-r layout), upwards"),
        },
        rows=out,
    )


def _two_bedroom_rents(sources: Sources, nation: Mapping[str, str]) -> dict[str, float]:
    file = "rents.csv"
    rows = sources.rows(
        file,
        {
            "lad_code": "text",
            "period_start": "date",
            "measure": "text",
            "bedrooms": "text",
            "value": "number",
        },
        key=["lad_code", "period_start", "measure", "bedrooms"],
    )
    _known_councils(file, rows, nation)
    found: dict[str, float] = {}
    for row in rows:
        measure, period, _ = RENTS.get(nation[row["lad_code"]], ("", "", ""))
        if (row["bedrooms"], row["measure"], row["period_start"]) == ("2", measure, period):
            found[row["lad_code"]] = row["value"]
    without = sorted(code for code in nation if nation[code] in RENTS and code not in found)
    if without:
        raise InputError(
            f"{file}: column value: no two-bedroom rent for {without[0]} ({len(without)} councils in all)."
        )
    return found


def _deprivation_deciles(file: str, rows: Sequence[Row]) -> dict[str, int]:
    decile: dict[str, int] = {}
    for nation, index in DEPRIVATION_INDEX.items():
        members = [row for row in rows if row["country"] == nation]
        for row in members:
            if row[index] is None:
                raise InputError(f"{file}: column {index}: no value for {row['lad_code']}.")
        members.sort(key=lambda row: (-row[index], row["lad_code"]))
        for rank, row in enumerate(members):
            decile[row["lad_code"]] = rank * 10 // len(members) + 1
    return decile


def _rural_class(file: str, official: str) -> str:
    if not official:
        return "unknown"
    for start, name in (("Urban:", "urban"), ("Intermediate ", "intermediate"), ("Majority rural:", "rural")):
        if official.startswith(start):
            return name
    raise InputError(f"{file}: column ruc21_class: {official!r} is not a class of RUC 2021.")


# ----------------------------------------------------------------------------------------
# Support


def support(sources: Sources, codes: Sequence[str]) -> tuple[Table, Table]:
    """Build support by council and quarter end, and the national series with the unallocated people."""
    detail_file, total_file = "supported_la_quarterly.csv", "supported_la_total_quarterly.csv"
    snapshot_file, national_file = "supported_la_snapshot_2025_12.csv", "supported_national_quarterly.csv"

    accommodation = {name: name for name in SPLIT} | {"subsistence_only": "subsistence"}
    detail: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    unallocated: Counter[str] = Counter()
    rows = sources.rows(
        detail_file,
        {
            "quarter_end": "date",
            "lad_code": "text",
            "support_type": "text",
            "accommodation_type": "text",
            "people": "count",
            "code_corrected": "count",
        },
        key=["quarter_end", "lad_code", "support_type", "accommodation_type"],
    )
    _known_councils(detail_file, rows, codes, unallocated=True)
    if not any(row["code_corrected"] for row in rows):
        # December 2022 was published with people in Yorkshire, Northern Ireland and Scotland coded to three
        # councils.
        raise InputError(
            f"{detail_file}: column code_corrected: the wrong codes of 2022-12-31 were not repaired."
        )
    for row in rows:
        if row["quarter_end"] < FIRST_COMPARABLE_QUARTER:
            continue
        if row["lad_code"].startswith(UNALLOCATED):
            unallocated[row["quarter_end"]] += row["people"]
        elif row["accommodation_type"] in accommodation:
            detail[row["quarter_end"], row["lad_code"]][accommodation[row["accommodation_type"]]] += row[
                "people"
            ]
        else:
            raise unknown(
                f"{detail_file}: column accommodation_type",
                "an accommodation type",
                row["accommodation_type"],
                accommodation,
            )

    rows = sources.rows(
        total_file,
        {"quarter_end": "date", "lad_code": "text", "people": "count"},
        key=["quarter_end", "lad_code"],
    )
    _known_councils(total_file, rows, codes)
    total = {(row["quarter_end"], row["lad_code"]): row["people"] for row in rows}
    quarters = _consecutive(total_file, "quarter_end", (row["quarter_end"] for row in rows))
    if quarters[-1] != BASELINE:
        raise InputError(
            f"{total_file}: column quarter_end: the last quarter is {quarters[-1]}, expected {BASELINE}."
        )
    comparable = [quarter for quarter in quarters if quarter >= FIRST_COMPARABLE_QUARTER]
    split_quarters = {quarter for quarter, _ in detail}

    snapshot = _snapshot(sources, snapshot_file, codes)
    national = _national(sources, national_file)
    allocated = {quarter: sum(total.get((quarter, code), 0) for code in codes) for quarter in quarters}
    for quarter in comparable:
        left_over = national[quarter]["supported_total"] - allocated[quarter]
        if quarter in split_quarters:
            _expect(
                detail_file, "people", f"the unallocated total at {quarter}", unallocated[quarter], left_over
            )
        elif left_over < 0:
            raise InputError(f"{total_file}: column people: councils at {quarter} exceed the national total.")

    not_in_hotels = split_contingency(
        {code: snapshot[code]["contingency"] for code in codes},
        {code: _latest_contingency(detail, code, split_quarters) for code in codes},
        national[BASELINE]["acc_contingency_other"],
    )

    by_council = []
    for quarter in comparable:
        for code in codes:
            published = total.get((quarter, code), 0)
            row = {"quarter_end": quarter, "lad_code": code, "total": published, **dict.fromkeys(SPLIT)}
            # People who receive subsistence only have no council in these quarters: their number is not zero.
            allocates_subsistence = not "2023-12-31" <= quarter <= "2024-12-31"
            if quarter in split_quarters:
                row |= {name: detail[quarter, code][name] for name in SPLIT}
                source = detail_file
                row["split_status"] = "published"
                if not allocates_subsistence:
                    _expect(
                        detail_file,
                        "people",
                        f"subsistence only at {quarter} in {code}",
                        row["subsistence"],
                        0,
                    )
                    row["subsistence"] = None
            elif quarter == BASELINE:
                here = snapshot[code]
                row |= {
                    "dispersal": here["dispersal"],
                    "initial": here["initial"],
                    "contingency_hotel": here["contingency"] - not_in_hotels[code],
                    "contingency_other": not_in_hotels[code],
                    "other": here["other"],
                    "subsistence": here["subsistence_only"],
                    "split_status": "hotel_split_estimated",
                }
                source = snapshot_file
            else:
                row["split_status"] = "total_only"
            row["subsistence_allocated"] = int(allocates_subsistence)
            if row["split_status"] != "total_only":
                parts = sum(row[name] or 0 for name in SPLIT)
                _expect(source, "people", f"the sum of the split at {quarter} in {code}", parts, published)
            by_council.append(row)

    columns = {
        "quarter_end": QUARTER_END,
        "lad_code": _text("GSS code of the council"),
        "dispersal": _people("in dispersal accommodation"),
        "initial": _people("in initial accommodation"),
        "contingency_hotel": _people("in contingency accommodation: hotels"),
        "contingency_other": _people("in contingency accommodation other than hotels"),
        "other": _people("in other accommodation"),
        "subsistence": _people("receiving subsistence only"),
        "total": _people("people supported whom the publication allocates to the council"),
        "split_status": _text("published; hotel_split_estimated; total_only (split columns empty)"),
        "subsistence_allocated": Column(
            "integer", "switch", "1 where subsistence-only people are in the total"
        ),
    }
    council_table = Table(
        name="support_by_council",
        title="People seeking asylum in receipt of support, by council and accommodation type",
        publisher="Home Office",
        source_table="Asy_D11 (local authority); Reg_02 for the split at 31 December 2025",
        via=f"{HUMANIVERSE} (to 2024-09-30); {EXPLORER} (totals from 2024-12-31); {ASYLUMSTATS} (2025-12-31)",
        vintage=f"to 2024-09-30: {NOVEMBER_2024}, wrong codes of 2022-12-31 repaired; from 2024-12-31: "
        f"{MAY_2026}; split at 2025-12-31: {FEBRUARY_2026}",
        files=(detail_file, total_file, snapshot_file, national_file),
        notes=(
            "Every one of the 361 councils has a row at every quarter end; where none was published the "
            "value is 0 (none, or suppressed: counts below 5 are otherwise published as they are).",
            "At 2025-12-31 contingency is published without its parts. contingency_hotel and "
            "contingency_other are estimated from the council's latest published split (2022-12-31 to "
            "2024-09-30), fitted by iterative proportional fitting to the national figures of 30,657 in "
            "hotels and 2,010 in other, in whole people; their sum is the published figure of each council.",
            "From 2024-12-31 to 2025-09-30 only totals are published. From 2023-12-31 to 2024-12-31 people "
            "on subsistence only are allocated to no council: the column is empty and the total leaves them "
            "out (subsistence_allocated is 0), so totals rise at 2025-03-31 without any real change.",
            "The series starts at 2022-12-31: section 98 support, and so hotels, is allocated to no council "
            "before. Never fit a council's trend across that date.",
            "Use accommodation types, not sections of the Act: people in hotels move from section 98 to "
            "section 95 in 2023. 2023-12-31 and 2024-03-31 look partly artefactual: score half-years there.",
        ),
        columns=columns,
        rows=by_council,
    )
    return council_table, _support_national(national_file, total_file, national, allocated)


def _snapshot(sources: Sources, file: str, codes: Sequence[str]) -> dict[str, Row]:
    parts = ("initial", "dispersal", "contingency", "other", "subsistence_only")
    counts = ("supported_total", *parts)
    rows = sources.rows(
        file, {"quarter_end": "date", "lad_code": "text"} | dict.fromkeys(counts, "count"), key=["lad_code"]
    )
    _known_councils(file, rows, codes)
    absent = sorted(set(codes) - {row["lad_code"] for row in rows})
    if absent:
        raise InputError(
            f"{file}: column lad_code: no row for {absent[0]} ({len(absent)} councils are missing)."
        )
    for row in rows:
        if row["quarter_end"] != BASELINE:
            raise InputError(f"{file}: column quarter_end: {row['quarter_end']}, expected {BASELINE}.")
        split = sum(row[name] for name in parts)
        _expect(file, "supported_total", f"the total of {row['lad_code']}", row["supported_total"], split)
    for column, expected in PUBLISHED_SUPPORT.items():
        _expect(file, column, f"the UK total at {BASELINE}", sum(row[column] for row in rows), expected)
    return {row["lad_code"]: row for row in rows}


def _national(sources: Sources, file: str) -> dict[str, Row]:
    counts = ("supported_total", "section_95", "section_98", "section_4")
    optional = (
        "hotel",
        "acc_contingency_hotel",
        "acc_contingency_other",
        "acc_dispersal",
        "acc_initial",
        "acc_other",
        "acc_subsistence_only",
    )
    rows = sources.rows(
        file,
        {"quarter_end": "date"} | dict.fromkeys(counts, "count") | dict.fromkeys(optional, "count?"),
        key=["quarter_end"],
    )
    _consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
    national = {row["quarter_end"]: row for row in rows}
    if BASELINE not in national:
        raise InputError(f"{file}: column quarter_end: no row for {BASELINE}.")
    for column, expected in (
        ("supported_total", PUBLISHED_SUPPORT["supported_total"]),
        ("acc_dispersal", PUBLISHED_SUPPORT["dispersal"]),
        ("acc_contingency_hotel", PUBLISHED_HOTEL),
        ("acc_contingency_other", PUBLISHED_CONTINGENCY_OTHER),
    ):
        _expect(file, column, f"the value at {BASELINE}", national[BASELINE][column] or 0, expected)
    for row in rows:
        sections = row["section_95"] + row["section_98"] + row["section_4"]
        _expect(
            file, "supported_total", f"the total at {row['quarter_end']}", row["supported_total"], sections
        )
    return national


def _latest_contingency(
    detail: Mapping[tuple[str, str], Counter[str]], code: str, quarters: Iterable[str]
) -> tuple[int, int] | None:
    """Return (hotel, other) at the last quarter end with anyone in contingency accommodation."""
    for quarter in sorted(quarters, reverse=True):
        if (quarter, code) in detail:
            here = detail[quarter, code]
            if here["contingency_hotel"] + here["contingency_other"] > 0:
                return here["contingency_hotel"], here["contingency_other"]
    return None


def split_contingency(
    contingency: Mapping[str, int], pattern: Mapping[str, tuple[int, int] | None], other_total: int
) -> dict[str, int]:
    """Estimate the people of each council who are in contingency accommodation other than hotels.

    Iterative proportional fitting on a table of councils x (hotel, other): the odds of "other" in each
    council's latest published split are multiplied by one factor, the same for all, such that the national
    total is met. A council without a published split is taken to use hotels only, which is what most have.

    Args:
        contingency: published people in contingency accommodation, by council.
        pattern: latest published (hotel, other) by council, or None.
        other_total: published national people in contingency accommodation other than hotels.

    Returns:
        People by council, whole, between 0 and the council's contingency, summing to `other_total` exactly.

    Raises:
        InputError: the published splits leave no way to meet the national total.
    """

    def fitted(factor: float) -> dict[str, float]:
        result = {}
        for code, people in contingency.items():
            hotel, other = pattern[code] or (1, 0)
            result[code] = people * factor * other / (factor * other + hotel)
        return result

    movable = {code for code, split in pattern.items() if split and split[1] > 0}
    if not 0 <= other_total <= sum(contingency[code] for code in movable):
        raise InputError(
            "supported_national_quarterly.csv: column acc_contingency_other: "
            f"{other_total:,} people cannot be placed in councils that have used such accommodation."
        )
    low, high = 0.0, 1e9
    for _ in range(200):
        middle = (low + high) / 2
        if sum(fitted(middle).values()) < other_total:
            low = middle
        else:
            high = middle
    exact = fitted(high)

    # Largest remainders, equal ones by code, so that the whole numbers meet the total whatever the order of
    # rows.
    whole = {code: int(math.floor(value + 1e-9)) for code, value in exact.items()}
    by_remainder = sorted(
        (code for code in contingency if whole[code] < contingency[code] and exact[code] > 0),
        key=lambda code: (round(whole[code] - exact[code], 6), code),
    )
    for code in by_remainder[: other_total - sum(whole.values())]:
        whole[code] += 1
    return whole


def _support_national(
    file: str, total_file: str, national: Mapping[str, Row], allocated: Mapping[str, int]
) -> Table:
    out = []
    for quarter in sorted(national):
        row = national[quarter]
        split = {
            "dispersal": row["acc_dispersal"],
            "contingency_hotel": row["acc_contingency_hotel"],
            "contingency_other": row["acc_contingency_other"],
            "initial": row["acc_initial"],
            "other": row["acc_other"],
            "subsistence": row["acc_subsistence_only"],
        }
        if quarter >= FIRST_COMPARABLE_QUARTER and split["dispersal"] is not None:
            parts = sum(value for value in split.values() if value is not None)
            _expect(file, "supported_total", f"the total at {quarter}", row["supported_total"], parts)
            # The parts already make the total, so a category that is not shown is empty of people.
            split = {name: value or 0 for name, value in split.items()}
        out.append(
            {
                "quarter_end": quarter,
                "total": row["supported_total"],
                **split,
                "section_95": row["section_95"],
                "section_98": row["section_98"],
                "section_4": row["section_4"],
                "hotel_latest_vintage": row["hotel"],
                "unallocated": row["supported_total"] - allocated[quarter] if quarter in allocated else None,
            }
        )
    return Table(
        name="support_national",
        title="People seeking asylum in receipt of support, United Kingdom",
        publisher="Home Office",
        source_table="Asy_D09",
        via=f"{HUMANIVERSE}; {ASYLUMSTATS}; {EXPLORER}",
        vintage=f"split to 2024-09-30: {NOVEMBER_2024}; totals, sections and hotels after it and the split "
        f"at 2025-12-31: {FEBRUARY_2026}",
        files=(file, total_file),
        notes=(
            "contingency_hotel is of the same vintage as the rest of the split, with which it adds up to the "
            "total; hotel_latest_vintage is the later series (up to 28 people lower), complete from "
            "2022-12-31. Use one or the other.",
            "Before 2022-12-31 people supported under section 98 have no accommodation type: dispersal and "
            "subsistence leave them out, and the other types are empty. Dispersal from about 2021-06-30 to "
            "2023-03-31 includes section 95 people in hotels.",
            "unallocated: people in the national total whom no council's row holds (section 98 before "
            "2022-12-31, section 4 before 2018, subsistence only from 2023-12-31 to 2024-12-31, and "
            "unknown).",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "total": _people("all people in receipt of support"),
            "dispersal": _people("in dispersal accommodation"),
            "contingency_hotel": _people("in contingency hotels, vintage of the split"),
            "contingency_other": _people("in contingency accommodation other than hotels"),
            "initial": _people("in initial accommodation"),
            "other": _people("in other accommodation"),
            "subsistence": _people("receiving subsistence only"),
            "section_95": _people("supported under section 95"),
            "section_98": _people("supported under section 98"),
            "section_4": _people("supported under section 4"),
            "hotel_latest_vintage": _people("in contingency hotels, later vintage"),
            "unallocated": _people("in the total and allocated to no council"),
        },
        rows=out,
    )


# ----------------------------------------------------------------------------------------
# Claims and decisions

FIRST_QUARTER_WITH_DEPENDANTS = "2002-03-31"


def intake(sources: Sources) -> Table:
    """Build claims by quarter on the revised basis, with the older vintage beside it, never spliced."""
    file = "intake_quarterly.csv"
    older = ("main_applicants", "dependants", "uasc")
    rows = sources.rows(
        file,
        {"quarter_end": "date", "people": "count?", "people_rev_2026_02": "count", "people_best": "count"}
        | dict.fromkeys(older, "count?"),
        key=["quarter_end"],
    )
    _consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
    out = []
    for row in sorted(rows, key=lambda row: row["quarter_end"]):
        quarter = row["quarter_end"]
        _expect(file, "people_best", f"claims at {quarter}", row["people_best"], row["people_rev_2026_02"])
        if quarter < FIRST_QUARTER_WITH_DEPENDANTS:
            continue
        if row["people"] is not None:
            people = (row["main_applicants"] or 0) + (row["dependants"] or 0)
            _expect(file, "people", f"main applicants and dependants at {quarter}", people, row["people"])
        out.append(
            {
                "quarter_end": quarter,
                "people": row["people_rev_2026_02"],
                "vintage": "2026-02-26",
                "people_2024_11": row["people"],
                **{f"{name}_2024_11": row[name] for name in older},
            }
        )
    return Table(
        name="intake",
        title="People who claimed asylum in the United Kingdom, by quarter",
        publisher="Home Office",
        source_table="Asy_D01",
        via=f"{HUMANIVERSE}; {ASYLUMSTATS}",
        vintage=f"people: {FEBRUARY_2026}; columns that end in _2024_11: {NOVEMBER_2024}",
        files=(file,),
        notes=(
            "Claims were revised from 2020Q1 (2022: 99,939 people before, 95,007 after). The two vintages "
            "are never spliced; main applicants, dependants and unaccompanied children exist only in the "
            "older one: apply their shares to the revised people.",
            "2001 is left out: dependants were not recorded.",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "people": _people("claims, main applicants and dependants, revised basis"),
            "vintage": Column("date", "", "publication date of the release of `people`"),
            "people_2024_11": _people("the same, November 2024 vintage; empty after 2024-09-30"),
            "main_applicants_2024_11": _people("main applicants, November 2024 vintage"),
            "dependants_2024_11": _people("dependants, November 2024 vintage"),
            "uasc_2024_11": _people(
                "unaccompanied asylum-seeking children, from 2006, November 2024 vintage"
            ),
        },
        rows=out,
    )


def decision_groups(sources: Sources) -> tuple[Table, Table, Table]:
    """Build the three decision groups, the claims of each, and the claims of each nationality under a number.

    The names of nationalities go no further than here.
    """
    file, claims_file = "decisions_by_nationality_quarterly.csv", "intake_by_nationality_quarterly.csv"
    outcomes = ("grants_protection", "grants_other_leave", "refusals", "withdrawals", "admin_outcomes")
    decided = sources.rows(
        file,
        {"quarter_end": "date", "nationality": "text"} | dict.fromkeys(outcomes, "count"),
        key=["quarter_end", "nationality"],
    )
    claimed = sources.rows(
        claims_file,
        {"quarter_end": "date", "nationality": "text", "people": "count"},
        key=["quarter_end", "nationality"],
    )
    absent = sorted(set(GROUP_QUARTERS) - {row["quarter_end"] for row in decided})
    if absent:
        raise InputError(f"{file}: column quarter_end: no rows for {absent[0]}.")
    national = _claims_of_the_older_vintage(sources)
    by_quarter: Counter[str] = Counter()
    for row in claimed:
        by_quarter[row["quarter_end"]] += row["people"]
    for quarter in _consecutive(claims_file, "quarter_end", by_quarter):
        _expect(
            claims_file, "people", f"the total at {quarter}", by_quarter[quarter], national.get(quarter, 0)
        )

    year: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in decided:
        if row["quarter_end"] in GROUP_QUARTERS:
            year[row["nationality"]].update({name: row[name] for name in outcomes})
    group: dict[str, str] = {}
    for nationality in {row["nationality"] for row in claimed} | {row["nationality"] for row in decided}:
        mine = year[nationality]
        grants = mine["grants_protection"] + mine["grants_other_leave"]
        initial = grants + mine["refusals"]
        share = grants / initial if initial else 0.5
        if share >= HIGH_GRANT_SHARE:
            group[nationality] = "high"
        else:
            group[nationality] = "low" if share <= LOW_GRANT_SHARE else "mixed"

    claims: Counter[tuple[str, str]] = Counter()
    for row in claimed:
        claims[row["quarter_end"], group[row["nationality"]]] += row["people"]
    year_claims = sum(by_quarter[quarter] for quarter in GROUP_QUARTERS)
    sums: dict[str, Counter[str]] = {name: Counter() for name in ("high", "mixed", "low")}
    for nationality, mine in year.items():
        sums[group[nationality]].update(mine)
    all_initial = sum(outcome[kind] for outcome in sums.values() for kind in outcomes[:3])
    out = []
    for name, outcome in sums.items():
        grants = outcome["grants_protection"] + outcome["grants_other_leave"]
        every = sum(outcome.values())
        out.append(
            {
                "decision_group": name,
                "nationalities": sum(1 for who, which in group.items() if which == name and who != "Other"),
                "share_of_claims": sum(claims[quarter, name] for quarter in GROUP_QUARTERS) / year_claims,
                "share_of_decisions": (grants + outcome["refusals"]) / all_initial,
                "initial_grant_share": grants / (grants + outcome["refusals"]),
                "grant_share": grants / every,
                "refusal_share": outcome["refusals"] / every,
                "withdrawal_share": outcome["withdrawals"] / every,
                "admin_share": outcome["admin_outcomes"] / every,
            }
        )
    meaning = (
        "A group is a set of nationalities by the share of grants among grants and refusals in the year to "
        f"September 2024: high {HIGH_GRANT_SHARE:.2f} or more, low {LOW_GRANT_SHARE:.2f} or less, mixed "
        "between. It serves decision outcomes only. Nationalities are not carried here and are never an "
        "allocation variable.",
        f"Nationalities that the source does not name separately are together in the group "
        f"{group.get('Other')!r} and are not counted in `nationalities`.",
    )
    which = Column("text", "", "high, mixed or low: by share of grants among grants and refusals")
    groups = Table(
        name="decision_groups",
        title="Asylum outcomes of three groups by grant share, year to September 2024",
        publisher="Home Office",
        source_table="Asy_D02 (outcomes, main applicants) and Asy_D01 (claims, people)",
        via=HUMANIVERSE,
        vintage=NOVEMBER_2024,
        files=(file, claims_file),
        notes=(
            *meaning,
            "Shares of outcomes are of initial decisions, withdrawals and administrative outcomes of main "
            "applicants in the four quarters: outcomes of a period, not of a cohort (see claims_cohorts for "
            "those).",
        ),
        columns={
            "decision_group": which,
            "nationalities": Column("integer", "nationalities", "nationalities named in the source"),
            "share_of_claims": _share("share of people who claimed in the four quarters"),
            "share_of_decisions": _share(
                "share of initial decisions (grants and refusals) in the four quarters"
            ),
            "initial_grant_share": _share("grants among grants and refusals"),
            "grant_share": _share("grants among all outcomes"),
            "refusal_share": _share("refusals among all outcomes"),
            "withdrawal_share": _share("withdrawals among all outcomes"),
            "admin_share": _share("administrative outcomes among all outcomes"),
        },
        rows=out,
    )
    quarters = sorted(quarter for quarter in by_quarter if quarter >= FIRST_QUARTER_WITH_DEPENDANTS)
    by_group = Table(
        name="intake_by_group",
        title="People who claimed asylum, by quarter and decision group",
        publisher="Home Office",
        source_table="Asy_D01",
        via=HUMANIVERSE,
        vintage=NOVEMBER_2024,
        files=(file, claims_file, "intake_quarterly.csv"),
        notes=(
            *meaning,
            "November 2024 vintage throughout: the groups add up to `people_2024_11` of the table intake; "
            "apply their shares to the revised people.",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "decision_group": which,
            "people": _people("claims, main applicants and dependants"),
        },
        rows=[
            {"quarter_end": quarter, "decision_group": name, "people": claims[quarter, name]}
            for quarter in quarters
            for name in ("high", "mixed", "low")
        ],
    )
    totals: Counter[str] = Counter()
    for row in claimed:
        if row["quarter_end"] >= FIRST_QUARTER_WITH_DEPENDANTS:
            totals[row["nationality"]] += row["people"]
    named = [name for name, _ in totals.most_common() if name != "Other"]
    code = {name: f"n{number:02d}" for number, name in enumerate(named, start=1)} | {"Other": "other"}
    by_nationality = Table(
        name="intake_by_nationality",
        title="People who claimed asylum, by quarter and nationality under a number",
        publisher="Home Office",
        source_table="Asy_D01",
        via=HUMANIVERSE,
        vintage=NOVEMBER_2024,
        files=(file, claims_file, "intake_quarterly.csv"),
        notes=(
            "Serves the intake forecast only: groups that move apart are forecast apart and added up. "
            "Nationalities have a number (most claims first) and no name, so that no household, council or "
            "allocation rule can be given one.",
            "November 2024 vintage throughout: the nationalities add up to `people_2024_11` of the table "
            "intake and, by decision group, to the table intake_by_group.",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "nationality_code": Column("text", "", "number of the nationality, or other: not named separately"),
            "decision_group": which,
            "people": _people("claims, main applicants and dependants"),
        },
        rows=sorted(
            (
                {
                    "quarter_end": row["quarter_end"],
                    "nationality_code": code[row["nationality"]],
                    "decision_group": group[row["nationality"]],
                    "people": row["people"],
                }
                for row in claimed
                if row["quarter_end"] >= FIRST_QUARTER_WITH_DEPENDANTS
            ),
            key=lambda row: (row["quarter_end"], row["nationality_code"]),
        ),
    )
    return groups, by_group, by_nationality


def _claims_of_the_older_vintage(sources: Sources) -> dict[str, int]:
    rows = sources.rows(
        "intake_quarterly.csv", {"quarter_end": "date", "people": "count?"}, key=["quarter_end"]
    )
    return {row["quarter_end"]: row["people"] for row in rows if row["people"] is not None}


def decisions(sources: Sources) -> Table:
    """Build outcomes of asylum claims by quarter, people, on one definition."""
    file = "decisions_quarterly.csv"
    revised = {
        "outcomes": "people_initial_decisions_rev_2026_02",
        "grants": "people_grants_total_rev_2026_02",
        "refusals": "people_refusals_rev_2026_02",
        "withdrawals": "people_withdrawals_rev_2026_02",
    }
    rows = sources.rows(
        file, {"quarter_end": "date"} | dict.fromkeys(revised.values(), "count"), key=["quarter_end"]
    )
    _consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
    out = []
    for row in sorted(rows, key=lambda row: row["quarter_end"]):
        if row["quarter_end"] < FIRST_QUARTER_WITH_DEPENDANTS:
            continue
        mine = {name: row[column] for name, column in revised.items()}
        administrative = mine["outcomes"] - mine["grants"] - mine["refusals"] - mine["withdrawals"]
        if administrative < 0:
            raise InputError(
                f"{file}: column {revised['outcomes']}: fewer outcomes at {row['quarter_end']} than their "
                "parts."
            )
        out.append({"quarter_end": row["quarter_end"], **mine, "administrative": administrative})
    return Table(
        name="decisions",
        title="Outcomes of asylum claims at initial decision, by quarter",
        publisher="Home Office",
        source_table="Asy_D02 (asylum cases only)",
        via=ASYLUMSTATS,
        vintage=FEBRUARY_2026,
        files=(file,),
        notes=(
            "outcomes = grants + refusals + withdrawals + administrative. What the Home Office calls initial "
            "decisions is grants + refusals. administrative is the difference between the published columns.",
            "Claims less outcomes does not equal the change in people awaiting a decision: the residual is "
            "up to -3,578 people a year on this vintage. Model it; do not hide it.",
            "2001 is left out: dependants were not recorded.",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "outcomes": _people("all outcomes"),
            "grants": _people("grants of protection and of other leave"),
            "refusals": _people("refusals"),
            "withdrawals": _people("withdrawn claims"),
            "administrative": _people("administrative outcomes, such as void or deceased"),
        },
        rows=out,
    )


def awaiting(sources: Sources) -> tuple[Table, Table]:
    """Build people awaiting an initial decision, in total and, where published, by time waited."""
    file = "awaiting_decision_quarterly.csv"
    rows = sources.rows(
        file,
        {
            "quarter_end": "date",
            "stage": "text",
            "duration_band": "text",
            "people": "count",
            "vintage": "date",
        },
        key=["quarter_end", "stage", "duration_band"],
    )
    bands = ("le_6_months", "gt_6_months")
    pending = [row for row in rows if row["stage"] == "pending_initial_decision"]
    for row in pending:
        if row["duration_band"] not in (*bands, "all"):
            raise unknown(
                f"{file}: column duration_band", "a duration band", row["duration_band"], (*bands, "all")
            )
    totals: Counter[str] = Counter()
    vintage: dict[str, str] = {}
    for row in pending:
        totals[row["quarter_end"]] += row["people"]
        vintage[row["quarter_end"]] = row["vintage"]
    quarters = _consecutive(file, "quarter_end", totals)
    _expect(
        file,
        "people",
        f"people awaiting an initial decision at {BASELINE}",
        totals[BASELINE],
        PUBLISHED_AWAITING,
    )
    released = Column("date", "", "publication date of the release that the row came from")
    total_table = Table(
        name="awaiting",
        title="People awaiting an initial decision on an asylum claim",
        vintage=f"to 2024-09-30: {NOVEMBER_2024}; after: {FEBRUARY_2026}",
        notes=(
            "People pending further review (published to 2022-12-31) are left out. The stock was not revised "
            "between the two releases, so they form one series.",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "people": _people("main applicants and dependants awaiting an initial decision"),
            "vintage": released,
        },
        rows=[{"quarter_end": q, "people": totals[q], "vintage": vintage[q]} for q in quarters],
        publisher="Home Office",
        source_table="Asy_D03",
        via=f"{HUMANIVERSE}; {ASYLUMSTATS}",
        files=(file,),
    )
    banded = sorted(
        (row for row in pending if row["duration_band"] in bands),
        key=lambda row: (row["quarter_end"], bands.index(row["duration_band"])),
    )
    duration_table = Table(
        name="awaiting_by_duration",
        title="People awaiting an initial decision on an asylum claim, by time waited",
        vintage=NOVEMBER_2024,
        notes=(
            "Bands are not available after 2024-09-30: a later stock by duration is an estimate from this "
            "one.",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "duration_band": _text("le_6_months (6 months or less) or gt_6_months (more)"),
            "people": _people("main applicants and dependants awaiting an initial decision"),
            "vintage": released,
        },
        rows=[
            {name: row[name] for name in ("quarter_end", "duration_band", "people", "vintage")}
            for row in banded
        ],
        publisher="Home Office",
        source_table="Asy_D03",
        via=f"{HUMANIVERSE}; {ASYLUMSTATS}",
        files=(file,),
    )
    return total_table, duration_table


def appeals(sources: Sources) -> Table:
    """Build asylum appeals at the First-tier Tribunal by quarter."""
    file = "tribunal_asylum_appeals_quarterly.csv"
    rows = sources.rows(
        file,
        {"quarter_end": "date", "receipts": "count", "disposals": "count", "open_caseload": "count?"},
        key=["quarter_end"],
    )
    _consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
    rows.sort(key=lambda row: row["quarter_end"])
    at_baseline = {row["quarter_end"]: row["open_caseload"] for row in rows}.get(BASELINE) or 0
    _expect(file, "open_caseload", f"open appeals at {BASELINE}", at_baseline, PUBLISHED_OPEN_APPEALS)
    return Table(
        name="appeals",
        title="Asylum and protection appeals, First-tier Tribunal (Immigration and Asylum Chamber)",
        publisher="Ministry of Justice",
        source_table="Tribunal Statistics Quarterly, FtTIAC, asylum and protection appeals",
        via="tompickup23/asylumstats @ 26813386 (transcribed by hand from the file's text)",
        vintage="Tribunal Statistics Quarterly, October to December 2025",
        attribution=f"Source: Ministry of Justice, Tribunal Statistics Quarterly. {OGL_LINE}",
        files=(file,),
        notes=(
            "Transcribed by hand: check against the release before quoting.",
            "The open caseload does not follow from receipts and disposals: it gains about 240 cases a "
            "quarter more.",
            "Cases, not people: one case can cover a family.",
        ),
        columns={
            "quarter_end": QUARTER_END,
            "receipts": Column("integer", "cases", "appeals received in the quarter"),
            "disposals": Column("integer", "cases", "appeals disposed of in the quarter"),
            "open_cases": Column(
                "integer", "cases", "appeals open at the quarter end; empty before 2015-06-30"
            ),
        },
        rows=[
            {
                "quarter_end": row["quarter_end"],
                "receipts": row["receipts"],
                "disposals": row["disposals"],
                "open_cases": row["open_caseload"],
            }
            for row in rows
        ],
    )


def claims_cohorts(sources: Sources) -> Table:
    """Build outcomes of the claims of each year, at initial decision and at the latest known stage."""
    file = "outcome_cohorts_annual.csv"
    ends = {
        "protection": "grants of protection",
        "other_leave": "grants of other leave",
        "refusals": "refusals",
        "withdrawals": "withdrawals",
        "admin": "administrative outcomes",
        "not_yet": "not yet decided",
    }
    stages = {"initial": "at initial decision", "latest": "at the latest known stage, after appeal"}
    measured = [f"{stage}_{end}" for stage in stages for end in ends]
    rows = sources.rows(
        file,
        {"claim_year": "count", "claims_main_applicants": "count"} | dict.fromkeys(measured, "count"),
        key=["claim_year"],
    )
    out = []
    for row in sorted(rows, key=lambda row: row["claim_year"]):
        claims = row["claims_main_applicants"]
        for stage in stages:
            known = sum(row[f"{stage}_{end}"] for end in ends)
            _expect(file, f"{stage}_*", f"the sum of outcomes of {row['claim_year']}", known, claims)
        out.append(
            {"claim_year": row["claim_year"], "main_applicants": claims}
            | {f"{name}_share": row[name] / claims for name in measured}
        )
    return Table(
        name="claims_cohorts",
        title="Outcomes of asylum claims by year of claim, main applicants",
        publisher="Home Office",
        source_table="Asy_D04",
        via=EXPLORER,
        vintage=MAY_2026,
        files=(file,),
        notes=(
            "Recent years are immature: read not_yet beside the other shares. The coverage of appeals is "
            "explained in the notes of Asy_D04.",
        ),
        columns={
            "claim_year": Column("integer", "year", "calendar year of the claim"),
            "main_applicants": Column("integer", "main applicants", "claims made in the year"),
        }
        | {
            f"{stage}_{end}_share": _share(f"{meaning} {when}, share of the year's claims")
            for stage, when in stages.items()
            for end, meaning in ends.items()
        },
        rows=out,
    )


def small_boats(sources: Sources) -> Table:
    """Build small boat arrivals by month."""
    file = "small_boat_arrivals_monthly.csv"
    rows = sources.rows(file, {"month": "date", "arrivals": "count", "partial": "count"}, key=["month"])
    _consecutive(file, "month", (row["month"] for row in rows), months=1)
    for row in rows:
        if row["partial"]:
            raise InputError(f"{file}: column partial: {row['month']} is not a complete month.")
    return Table(
        name="small_boats",
        title="People detected arriving by small boat, by month",
        publisher="Home Office",
        source_table="Small boat arrivals, time series (summed from days)",
        via=EXPLORER,
        vintage=MAY_2026,
        files=(file,),
        columns={
            "month": Column("date", "", "first day of the month"),
            "people": _people("people detected arriving by small boat"),
        },
        rows=[
            {"month": row["month"], "people": row["arrivals"]}
            for row in sorted(rows, key=lambda row: row["month"])
        ],
    )


# ----------------------------------------------------------------------------------------
# Costs and anchors

COST_COLUMNS = {
    "category": "text",
    "item": "text",
    "financial_year": "text",
    "value": "number",
    "unit": "text",
    "basis": "text",
    "source": "text",
    "source_url": "text",
    "confidence": "text",
    "note": "text",
}
# The price of a dispersal night is contested and has no better source; where a weak copy was read is not worth citing.
KEPT_AT_LOW_CONFIDENCE = ("dispersal_per_person_per_night",)


def _cost_rows(sources: Sources) -> list[Row]:
    return sources.rows(
        "costs.csv", COST_COLUMNS, key=["category", "item", "financial_year", "basis", "source"]
    )


def costs(sources: Sources) -> Table:
    """Build cost, rate and contract figures that the project cites, each with source and confidence."""
    kept = []
    for row in _cost_rows(sources):
        if row["category"] == "nao_component" or NAO_RECONCILIATION in row["source"]:
            continue
        if row["confidence"] == "low" and row["item"] not in KEPT_AT_LOW_CONFIDENCE:
            continue
        weak = {"source_url": "", "source": "Attributed to IPPR, 2024"} if row["confidence"] == "low" else {}
        year = row["financial_year"].replace("/", "-")
        row = row | weak
        kept.append(row | {"financial_year": year, "rights": _rights(row)})
    kept.sort(
        key=lambda row: tuple(row[name] for name in ("category", "item", "financial_year", "basis", "source"))
    )
    return Table(
        name="costs",
        title="Costs, contract values, grants and support rates",
        publisher="Home Office and others: see the column source",
        source_table="various: see the column source",
        via=f"{ASYLUMSTATS}, 7440378; {HUMANIVERSE}; web sources: see the column source_url",
        vintage="as of 2026-11-22; each row has its own financial year",
        licence=f"{OGL} where rights is open_official; otherwise single figures quoted with attribution",
        attribution=f"{OGL_LINE} Contains Parliamentary information licensed under the Open Parliament "
        "Licence v3.0. Figures of the National Audit Office and of the press are quoted from the source that "
        "each row names.",
        files=("costs.csv",),
        notes=(
            "Left out: the components of the NAO's reconciliation (NAO copyright; the one figure used as a "
            "check is in published_totals), and rows of low confidence, except the contested price of a "
            "night in dispersal accommodation, read in a secondary copy only.",
            "The hotel prices of a night (162.16 at March 2023, 118.87 at March 2025, 144.98 as an "
            "average) are on different bases, and so is hotel spend in 2024-25 (2.1bn in the accounts, "
            "1.3bn of contract cost): never average or add them. Items marked 'inside ASRA' are parts of "
            "another row.",
            "Trace a figure to its original release before quoting it.",
        ),
        columns={
            "category": _text("kind of figure"),
            "item": _text("what it is"),
            "financial_year": _text(
                "April to March, such as 2024-25; two full years for a span, such as 2019-2029"
            ),
            "value": Column("number", "see the column unit", "the figure, cash, of its own year"),
            "unit": _text("unit of value"),
            "basis": _text("outturn, forecast, plan, rate, point_in_time and so on"),
            "source": _text("where it was published"),
            "source_url": _text("where it was read"),
            "confidence": _text("high, medium or low"),
            "note": _text("what to know before using it"),
            "rights": _text(
                "open_official, nao_quoted (NAO copyright) or secondary_quoted (press, other sites)"
            ),
        },
        rows=kept,
    )


def _rights(row: Row) -> str:
    host = urlsplit(row["source_url"]).hostname or ""
    if "NAO" in row["source"]:
        return "nao_quoted"
    if host.endswith(("gov.uk", "parliament.uk")) or "written answer" in row["source"]:
        return "open_official"
    return "secondary_quoted"


@dataclass(frozen=True)
class Quoted:
    """A published figure that no source file holds, and where it was published."""

    name: str
    value: int
    unit: str
    date: str
    source: str
    note: str


QUOTED = (
    Quoted(
        "supported_people_2026_06",
        93_293,
        "people",
        "2026-06-30",
        "Home Office, people in receipt of asylum support",
        "national figure only; the file by council was not available, so this is a check on a projection, "
        "not a start",
    ),
    Quoted(
        "england_homelessness_duties_2023_24",
        18_700,
        "households",
        "2024-03-31",
        "MHCLG, statutory homelessness in England 2023-24",
        "derived: households leaving asylum accommodation are 3% of 146,430 prevention and 8% of 178,560 "
        "relief duties; rounded shares, so within about 15%",
    ),
)


def published_totals(sources: Sources, tables: Mapping[str, Table]) -> Table:
    """Build the anchors against which the model's start and the project's checks are held."""
    national = {row["quarter_end"]: row for row in tables["support_national"].rows}
    claims = {row["quarter_end"]: row["people"] for row in tables["intake"].rows}
    waiting = {row["quarter_end"]: row["people"] for row in tables["awaiting"].rows}
    appealed = {row["quarter_end"]: row["open_cases"] for row in tables["appeals"].rows}
    council_rows = tables["councils"].rows

    def of_year(series: Mapping[str, int], year: int) -> int:
        return sum(series[f"{year}-{end}"] for end in ("03-31", "06-30", "09-30", "12-31"))

    start, release = national[BASELINE], f"Home Office, {FEBRUARY_2026}"
    anchors: list[tuple[str, float, str, str, str, str]] = [
        ("supported_people", start["total"], "people", BASELINE, f"{release}, Asy_D09", ""),
    ]
    for name in SPLIT:
        anchors.append((f"supported_{name}", start[name], "people", BASELINE, f"{release}, Asy_D09", ""))
    contingency = start["contingency_hotel"] + start["contingency_other"]
    supported = {quarter: row["total"] for quarter, row in national.items()}
    for name, series in (("supported_people_peak", supported), ("awaiting_initial_decision_peak", waiting)):
        people, quarter = max((people, quarter) for quarter, people in series.items())
        anchors.append(
            (name, people, "people", quarter, f"Home Office, {NOVEMBER_2024}", "highest quarter end")
        )
    anchors += [
        ("supported_contingency", contingency, "people", BASELINE, f"{release}, Asy_D09", "hotel and other"),
        ("awaiting_initial_decision", waiting[BASELINE], "people", BASELINE, f"{release}, Asy_D03", ""),
        (
            "open_appeals",
            appealed[BASELINE] or 0,
            "cases",
            BASELINE,
            "Ministry of Justice, Tribunal Statistics Quarterly, FtTIAC",
            "cases, not people",
        ),
        (
            "councils",
            len(council_rows),
            "councils",
            "2023-04-01",
            "Office for National Statistics",
            "lower-tier and unitary authorities",
        ),
        (
            "uk_population",
            sum(row["population"] for row in council_rows),
            "people",
            "2024-06-30",
            "Office for National Statistics, mid-2024 population estimates",
            "",
        ),
    ]
    for year in (2022, 2023, 2024, 2025):
        total, source = of_year(claims, year), f"{release}, Asy_D01"
        anchors.append((f"claims_{year}", total, "people", f"{year}-12-31", source, "revised basis"))
    for name in ("grants", "refusals", "withdrawals", "outcomes"):
        total = of_year({row["quarter_end"]: row[name] for row in tables["decisions"].rows}, 2025)
        note = "grants, refusals, withdrawals and administrative outcomes" if name == "outcomes" else ""
        anchors.append((f"{name}_2025", total, "people", "2025-12-31", f"{release}, Asy_D02", note))
    anchors += [
        (quoted.name, quoted.value, quoted.unit, quoted.date, quoted.source, quoted.note) for quoted in QUOTED
    ]
    anchors += _quoted_from_costs(sources)

    names = ("name", "value", "unit", "date", "source", "note")
    rows = [dict(zip(names, anchor, strict=True)) for anchor in sorted(anchors)]
    return Table(
        name="published_totals",
        title="Published totals that the project's checks are held against",
        publisher="Home Office, Ministry of Justice, Office for National Statistics, MHCLG, National Audit "
        "Office",
        source_table="see the column source",
        via=f"{HUMANIVERSE}; {ASYLUMSTATS}; {EXPLORER}",
        vintage=f"{FEBRUARY_2026}, unless the column source says otherwise",
        licence=f"{OGL}; single figures of the National Audit Office quoted with attribution",
        attribution=f"{HOME_OFFICE_LINE} National Audit Office figures © National Audit Office, quoted with "
        "attribution.",
        files=(
            "supported_national_quarterly.csv",
            "supported_la_total_quarterly.csv",
            "intake_quarterly.csv",
            "awaiting_decision_quarterly.csv",
            "decisions_quarterly.csv",
            "tribunal_asylum_appeals_quarterly.csv",
            "councils.csv",
            "costs.csv",
        ),
        notes=("Years of claims and decisions end at the date shown.",),
        columns={
            "name": _text("short name, used by checks"),
            "value": Column("number", "see the column unit", "the published figure"),
            "unit": _text("unit of value"),
            "date": Column("date", "", "date of a stock; last day of the period of a flow"),
            "source": _text("publisher and publication"),
            "note": _text("what to know before using it"),
        },
        rows=rows,
    )


def _quoted_from_costs(sources: Sources) -> list[tuple[str, float, str, str, str, str]]:
    """Return the two single figures of the NAO's reconciliation that the project quotes."""
    wanted = {
        ("nao_la_dispersal_grants", "2024/25"): "la_dispersal_grants_2024_25",
        ("section_95_weekly_catered", "2024/25"): "section_95_weekly_catered_2024_25",
    }
    found = []
    for row in _cost_rows(sources):
        name = wanted.pop((row["item"], row["financial_year"]), None)
        if name:
            source = "National Audit Office, An analysis of the asylum system (NAO copyright, quoted)"
            found.append((name, row["value"], row["unit"], "2025-03-31", source, row["note"]))
    if wanted:
        item, year = next(iter(wanted))
        raise InputError(f"costs.csv: column item: no row {item} for {year}.")
    return found


# ----------------------------------------------------------------------------------------
# Writing


def build(folder: Path) -> dict[str, bytes]:
    """Build every table and the manifest in memory.

    Args:
        folder: the folder of source files.

    Returns:
        Content by file name, the manifest last. Nothing is written.

    Raises:
        InputError: a source is missing or wrong; the message names the file, the column and what is wrong.
    """
    sources = Sources(folder)
    council_table = councils(sources)
    by_council, national = support(sources, [row["lad_code"] for row in council_table.rows])
    groups, by_group, by_nationality = decision_groups(sources)
    total_waiting, waiting_by_duration = awaiting(sources)
    tables = {
        table.name: table
        for table in (
            council_table,
            by_council,
            national,
            intake(sources),
            by_group,
            by_nationality,
            groups,
            decisions(sources),
            total_waiting,
            waiting_by_duration,
            appeals(sources),
            claims_cohorts(sources),
            small_boats(sources),
            costs(sources),
        )
    }
    tables["published_totals"] = published_totals(sources, tables)

    content = {f"{name}.csv": table.csv() for name, table in tables.items()}
    manifest = {
        "format": 1,
        "written_by": COMMAND,
        "not_known": list(NOT_KNOWN),
        "tables": {
            name: table.record(content[f"{name}.csv"], sources.sha256)
            for name, table in sorted(tables.items())
        },
    }
    content["manifest.json"] = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    return content


def write(content: Mapping[str, bytes], into: Path) -> None:
    """Put the files in place: all beside their targets first, then one rename each, the manifest last.

    A failure before the renames leaves the previous tables untouched. Should the machine stop between two
    renames, the old manifest no longer matches and the reader says so, rather than mix two imports.

    Raises:
        InputError: the folder cannot be written.
    """
    staged: list[tuple[str, Path]] = []
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name in sorted(content, key=lambda name: (name == "manifest.json", name)):
            handle, temporary = tempfile.mkstemp(dir=into, prefix=f".{name}.")
            staged.append((temporary, into / name))
            with os.fdopen(handle, "wb") as file:
                file.write(content[name])
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
        while staged:
            temporary, target = staged[0]
            os.replace(temporary, target)
            staged.pop(0)
    except OSError as problem:
        raise InputError(f"{into}: the tables cannot be written ({problem.strerror}).") from None
    finally:
        for temporary, _ in staged:
            Path(temporary).unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Import the folder named on the command line; return 0, or 2 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m params.importer",
        description="Write params/reference/ from the assembled official files.",
        epilog=f"Example: {COMMAND}",
    )
    parser.add_argument("source", type=Path, help="folder of source files")
    parser.add_argument(
        "--into", type=Path, default=REFERENCE, help="folder of the tables (params/reference)"
    )
    options = parser.parse_args(arguments)
    try:
        content = build(options.source)
        write(content, options.into)
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    for name, table in sorted(content.items()):
        print(f"{name:28} {len(table):>9,} bytes  {table.count(b'\n'):>6,} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
