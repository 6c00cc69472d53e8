"""The published totals against which the start of the model and the checks of the project are held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from params.errors import InputError
from params.importing.costs import cost_rows
from params.importing.sources import Sources
from params.importing.support import BASELINE, SPLIT
from params.importing.table import (
    ASYLUMSTATS,
    EXPLORER,
    FEBRUARY_2026,
    HOME_OFFICE_LINE,
    HUMANIVERSE,
    NOVEMBER_2024,
    OGL,
    Column,
    Table,
    text_column,
)


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
            "name": text_column("short name, used by checks"),
            "value": Column("number", "see the column unit", "the published figure"),
            "unit": text_column("unit of value"),
            "date": Column("date", "", "date of a stock; last day of the period of a flow"),
            "source": text_column("publisher and publication"),
            "note": text_column("what to know before using it"),
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
    for row in cost_rows(sources):
        name = wanted.pop((row["item"], row["financial_year"]), None)
        if name:
            source = "National Audit Office, An analysis of the asylum system (NAO copyright, quoted)"
            found.append((name, row["value"], row["unit"], "2025-03-31", source, row["note"]))
    if wanted:
        item, year = next(iter(wanted))
        raise InputError(f"costs.csv: column item: no row {item} for {year}.")
    return found
