"""Costs, rates and contract values, each with source and rights."""

from __future__ import annotations

from urllib.parse import urlsplit

from params.importing.sources import Row, Sources
from params.importing.table import ASYLUMSTATS, HUMANIVERSE, OGL, OGL_LINE, Column, Table, text_column

NAO_RECONCILIATION = "reconciliation file (NAO copyright"

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


def cost_rows(sources: Sources) -> list[Row]:
    """Read the cost file, every row."""
    return sources.rows(
        "costs.csv", COST_COLUMNS, key=["category", "item", "financial_year", "basis", "source"]
    )


def costs(sources: Sources) -> Table:
    """Build cost, rate and contract figures that the project cites, each with source and confidence."""
    kept = []
    for row in cost_rows(sources):
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
            "category": text_column("kind of figure"),
            "item": text_column("what it is"),
            "financial_year": text_column(
                "April to March, such as 2024-25; two full years for a span, such as 2019-2029"
            ),
            "value": Column("number", "see the column unit", "the figure, cash, of its own year"),
            "unit": text_column("unit of value"),
            "basis": text_column("outturn, forecast, plan, rate, point_in_time and so on"),
            "source": text_column("where it was published"),
            "source_url": text_column("where it was read"),
            "confidence": text_column("high, medium or low"),
            "note": text_column("what to know before using it"),
            "rights": text_column(
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
