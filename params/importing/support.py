"""Supported people by council and nationally, by accommodation type."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from params.errors import InputError, unknown
from params.importing.sources import UNALLOCATED, Row, Sources, consecutive, expect, known_councils
from params.importing.table import (
    ASYLUMSTATS,
    EXPLORER,
    FEBRUARY_2026,
    HUMANIVERSE,
    MAY_2026,
    NOVEMBER_2024,
    QUARTER_END,
    Column,
    Table,
    people_column,
    text_column,
)

BASELINE = "2025-12-31"
FIRST_COMPARABLE_QUARTER = "2022-12-31"
LAST_SPLIT_QUARTER = "2024-09-30"
# Splits of support by accommodation, in the order in which the tables show them.
SPLIT = ("dispersal", "initial", "contingency_hotel", "contingency_other", "other", "subsistence")
# Published figures: an import that does not add up to them read the wrong file or lost rows.
PUBLISHED_SUPPORT = {
    "supported_total": 107_003,
    "dispersal": 68_538,
    "contingency": 32_667,
}
PUBLISHED_HOTEL = 30_657
PUBLISHED_CONTINGENCY_OTHER = 2_010


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
    known_councils(detail_file, rows, codes, unallocated=True)
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
    known_councils(total_file, rows, codes)
    total = {(row["quarter_end"], row["lad_code"]): row["people"] for row in rows}
    quarters = consecutive(total_file, "quarter_end", (row["quarter_end"] for row in rows))
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
            expect(
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
                    expect(
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
                expect(source, "people", f"the sum of the split at {quarter} in {code}", parts, published)
            by_council.append(row)

    columns = {
        "quarter_end": QUARTER_END,
        "lad_code": text_column("GSS code of the council"),
        "dispersal": people_column("in dispersal accommodation"),
        "initial": people_column("in initial accommodation"),
        "contingency_hotel": people_column("in contingency accommodation: hotels"),
        "contingency_other": people_column("in contingency accommodation other than hotels"),
        "other": people_column("in other accommodation"),
        "subsistence": people_column("receiving subsistence only"),
        "total": people_column("people supported whom the publication allocates to the council"),
        "split_status": text_column("published; hotel_split_estimated; total_only (split columns empty)"),
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
    known_councils(file, rows, codes)
    absent = sorted(set(codes) - {row["lad_code"] for row in rows})
    if absent:
        raise InputError(
            f"{file}: column lad_code: no row for {absent[0]} ({len(absent)} councils are missing)."
        )
    for row in rows:
        if row["quarter_end"] != BASELINE:
            raise InputError(f"{file}: column quarter_end: {row['quarter_end']}, expected {BASELINE}.")
        split = sum(row[name] for name in parts)
        expect(file, "supported_total", f"the total of {row['lad_code']}", row["supported_total"], split)
    for column, expected in PUBLISHED_SUPPORT.items():
        expect(file, column, f"the UK total at {BASELINE}", sum(row[column] for row in rows), expected)
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
    consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
    national = {row["quarter_end"]: row for row in rows}
    if BASELINE not in national:
        raise InputError(f"{file}: column quarter_end: no row for {BASELINE}.")
    for column, expected in (
        ("supported_total", PUBLISHED_SUPPORT["supported_total"]),
        ("acc_dispersal", PUBLISHED_SUPPORT["dispersal"]),
        ("acc_contingency_hotel", PUBLISHED_HOTEL),
        ("acc_contingency_other", PUBLISHED_CONTINGENCY_OTHER),
    ):
        expect(file, column, f"the value at {BASELINE}", national[BASELINE][column] or 0, expected)
    for row in rows:
        sections = row["section_95"] + row["section_98"] + row["section_4"]
        expect(
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
            expect(file, "supported_total", f"the total at {quarter}", row["supported_total"], parts)
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
            "total": people_column("all people in receipt of support"),
            "dispersal": people_column("in dispersal accommodation"),
            "contingency_hotel": people_column("in contingency hotels, vintage of the split"),
            "contingency_other": people_column("in contingency accommodation other than hotels"),
            "initial": people_column("in initial accommodation"),
            "other": people_column("in other accommodation"),
            "subsistence": people_column("receiving subsistence only"),
            "section_95": people_column("supported under section 95"),
            "section_98": people_column("supported under section 98"),
            "section_4": people_column("supported under section 4"),
            "hotel_latest_vintage": people_column("in contingency hotels, later vintage"),
            "unallocated": people_column("in the total and allocated to no council"),
        },
        rows=out,
    )
