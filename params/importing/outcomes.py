"""What becomes of claims: decisions, people waiting, appeals, cohorts; and arrivals by small boat."""

from __future__ import annotations

from collections import Counter

from params.errors import InputError, unknown
from params.importing.claims import FIRST_QUARTER_WITH_DEPENDANTS
from params.importing.sources import Sources, consecutive, expect
from params.importing.support import BASELINE
from params.importing.table import (
    ASYLUMSTATS,
    EXPLORER,
    FEBRUARY_2026,
    HUMANIVERSE,
    MAY_2026,
    NOVEMBER_2024,
    OGL_LINE,
    QUARTER_END,
    Column,
    Table,
    people_column,
    share_column,
    text_column,
)

# Published figures: an import that does not add up to them read the wrong file or lost rows.
PUBLISHED_AWAITING = 64_426
PUBLISHED_OPEN_APPEALS = 80_333


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
    consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
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
            "outcomes": people_column("all outcomes"),
            "grants": people_column("grants of protection and of other leave"),
            "refusals": people_column("refusals"),
            "withdrawals": people_column("withdrawn claims"),
            "administrative": people_column("administrative outcomes, such as void or deceased"),
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
    quarters = consecutive(file, "quarter_end", totals)
    expect(
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
            "people": people_column("main applicants and dependants awaiting an initial decision"),
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
            "duration_band": text_column("le_6_months (6 months or less) or gt_6_months (more)"),
            "people": people_column("main applicants and dependants awaiting an initial decision"),
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
    consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
    rows.sort(key=lambda row: row["quarter_end"])
    at_baseline = {row["quarter_end"]: row["open_caseload"] for row in rows}.get(BASELINE) or 0
    expect(file, "open_caseload", f"open appeals at {BASELINE}", at_baseline, PUBLISHED_OPEN_APPEALS)
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
            expect(file, f"{stage}_*", f"the sum of outcomes of {row['claim_year']}", known, claims)
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
            f"{stage}_{end}_share": share_column(f"{meaning} {when}, share of the year's claims")
            for stage, when in stages.items()
            for end, meaning in ends.items()
        },
        rows=out,
    )


def small_boats(sources: Sources) -> Table:
    """Build small boat arrivals by month."""
    file = "small_boat_arrivals_monthly.csv"
    rows = sources.rows(file, {"month": "date", "arrivals": "count", "partial": "count"}, key=["month"])
    consecutive(file, "month", (row["month"] for row in rows), months=1)
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
            "people": people_column("people detected arriving by small boat"),
        },
        rows=[
            {"month": row["month"], "people": row["arrivals"]}
            for row in sorted(rows, key=lambda row: row["month"])
        ],
    )
