"""Claims for asylum, and the decision groups into which they fall."""

from __future__ import annotations

from collections import Counter, defaultdict

from params.errors import InputError
from params.importing.sources import Sources, consecutive, expect
from params.importing.table import (
    ASYLUMSTATS,
    FEBRUARY_2026,
    HUMANIVERSE,
    NOVEMBER_2024,
    QUARTER_END,
    Column,
    Table,
    people_column,
    share_column,
)

GROUP_QUARTERS = ("2023-12-31", "2024-03-31", "2024-06-30", "2024-09-30")
HIGH_GRANT_SHARE = 0.70
LOW_GRANT_SHARE = 0.30

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
    consecutive(file, "quarter_end", (row["quarter_end"] for row in rows))
    out = []
    for row in sorted(rows, key=lambda row: row["quarter_end"]):
        quarter = row["quarter_end"]
        expect(file, "people_best", f"claims at {quarter}", row["people_best"], row["people_rev_2026_02"])
        if quarter < FIRST_QUARTER_WITH_DEPENDANTS:
            continue
        if row["people"] is not None:
            people = (row["main_applicants"] or 0) + (row["dependants"] or 0)
            expect(file, "people", f"main applicants and dependants at {quarter}", people, row["people"])
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
            "people": people_column("claims, main applicants and dependants, revised basis"),
            "vintage": Column("date", "", "publication date of the release of `people`"),
            "people_2024_11": people_column("the same, November 2024 vintage; empty after 2024-09-30"),
            "main_applicants_2024_11": people_column("main applicants, November 2024 vintage"),
            "dependants_2024_11": people_column("dependants, November 2024 vintage"),
            "uasc_2024_11": people_column(
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
    for quarter in consecutive(claims_file, "quarter_end", by_quarter):
        expect(
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
            "share_of_claims": share_column("share of people who claimed in the four quarters"),
            "share_of_decisions": share_column(
                "share of initial decisions (grants and refusals) in the four quarters"
            ),
            "initial_grant_share": share_column("grants among grants and refusals"),
            "grant_share": share_column("grants among all outcomes"),
            "refusal_share": share_column("refusals among all outcomes"),
            "withdrawal_share": share_column("withdrawals among all outcomes"),
            "admin_share": share_column("administrative outcomes among all outcomes"),
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
            "people": people_column("claims, main applicants and dependants"),
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
            "people": people_column("claims, main applicants and dependants"),
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
