"""How fast dispersal accommodation changed by contract area before hotels were counted with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from params.importing.sources import UNALLOCATED, Row, Sources, consecutive, known_councils
from params.importing.table import HUMANIVERSE, NOVEMBER_2024, Column, Table, text_column

FILE = "supported_la_quarterly.csv"
# After March 2021 the series holds section 95 people in hotels, until the codes changed in June 2023.
LAST_CLEAN_QUARTER = "2021-03-31"
PERCENTILES = (0.05, 0.95)


def area_changes(sources: Sources, councils: Sequence[Row]) -> Table:
    """Build the usual range of a quarter's net change by contract area, as a share of the area's stock."""
    area_of = {row["lad_code"]: row["contract_area"] for row in councils}
    rows = sources.rows(
        FILE,
        {
            "quarter_end": "date",
            "lad_code": "text",
            "support_type": "text",
            "accommodation_type": "text",
            "people": "count",
        },
        key=["quarter_end", "lad_code", "support_type", "accommodation_type"],
    )
    known_councils(FILE, rows, area_of, unallocated=True)
    people: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        wanted = row["support_type"] == "section_95" and row["accommodation_type"] == "dispersal"
        if wanted and row["quarter_end"] <= LAST_CLEAN_QUARTER and not row["lad_code"].startswith(UNALLOCATED):
            people[area_of[row["lad_code"]]][row["quarter_end"]] += row["people"]
    quarters = consecutive(FILE, "quarter_end", (quarter for area in people.values() for quarter in area))
    return Table(
        name="dispersal_area_changes",
        title="Usual range of a quarter's net change in section 95 dispersal by contract area, 2014 to 2021",
        publisher="Home Office",
        source_table="Asy_D11",
        via=HUMANIVERSE,
        vintage=NOVEMBER_2024,
        files=(FILE,),
        columns={
            "contract_area": text_column("contract area of the accommodation contracts"),
            "low": Column("number", "share", "5th percentile of the change in a quarter over the stock before it"),
            "high": Column("number", "share", "95th percentile of the same"),
            "quarters": Column("integer", "quarters", "changes the percentiles are taken of"),
        },
        rows=[_range(area, [people[area][quarter] for quarter in quarters]) for area in sorted(people)],
        notes=(
            f"Changes of the quarters from {quarters[1]} to {quarters[-1]}; later quarters to March 2023 hold people "
            "in hotels.",
            "Shares and not people: areas held 1.5 to 3 times as many people by December 2025.",
        ),
    )


def _range(area: str, people: Sequence[int]) -> Row:
    stock = np.array(people, float)
    low, high = np.quantile(np.diff(stock) / stock[:-1], PERCENTILES)
    return {"contract_area": area, "low": float(low), "high": float(high), "quarters": len(people) - 1}
