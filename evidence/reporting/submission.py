"""What a spending review asks for in its own form: the new-burdens proforma and the Green Book summary table.

Councils, the Home Office and other public bodies stay in ledgers of their own; nothing here adds one to another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers.closing_rate import WHOLE
from evidence.chapters.funding import CASH, LEDGER_NOTES, REAL, policy_years, ranged, span
from evidence.exhibits import Exhibit, Pack, read_index
from evidence.wording import change, count, listed, money, net_cost, sentence

LEAST_YEARS = 3  # new burdens doctrine: at least three years ahead
RATE = "appraisal.discount_rate"
NOT_KNOWN = "not known"
ONE_OFF = "One-off cost"
_SWITCHING = "Switching value: grant a person a year at which net cost is nil"


def new_burdens(pack: Pack) -> Exhibit:
    """Net additional cost to councils by option and year, one-off and recurring, as the proforma asks for it."""
    years, study = policy_years(pack), pack.study
    gross = results.council_gross_cost(study).sum("service").sel(financial_year=years)
    lines = {
        "Recurring gross cost": gross,
        "Recurring grant received": results.grant(study).sel(financial_year=years),
        "Recurring net cost": results.council_net_cost(study).sel(financial_year=years),
    }
    moved = results.minus_baseline(lines["Recurring net cost"], pack.baseline)
    lines[f"Net additional cost against {pack.quoted(pack.baseline)}"] = moved
    parts = [_with_total(flow, years).assign(line=line) for line, flow in lines.items()]
    data = pd.concat(parts, ignore_index=True)
    rows = []
    for arm, label in pack.labels.items():
        rows.append([label, ONE_OFF, *[NOT_KNOWN] * (len(years) + 1)])
        for line in lines:
            own = data[(data["arm"] == arm) & (data["line"] == line)]
            if len(own):
                rows.append([label, line, *ranged(own, money)])
    total = results.summarise(results.over_years(lines["Recurring net cost"], years))
    base = results.row(total, arm=pack.baseline)
    short = [] if len(years) >= LEAST_YEARS else [f"The doctrine asks for {LEAST_YEARS} years; this study has fewer."]
    return pack.add(
        Exhibit(
            kind="table",
            name="new_burdens",
            title=sentence(
                f"Over {span(years)}, councils carry {net_cost(base.low80, base.high80)} under "
                f"{pack.quoted(pack.baseline)}; the proforma shows {count(len(years), 'year', 'years')} by option"
            ),
            subtitle="New-burdens proforma: net additional cost to councils by option and financial year, cash, UK.",
            data=data,
            view=pd.DataFrame(rows, columns=["Funding option", "Line", *years, span(years)]),
            row_headers=2,
            units="GBP cash",
            notes=(
                *LEDGER_NOTES,
                "Each cell: the median, and below it the 80% interval. The years' medians need not add to the "
                "median of their sum.",
                f"{ONE_OFF}: {NOT_KNOWN}. No published source gives councils' one-off cost of setting up, and the "
                "model has none; a council's own figures are needed here.",
                *short,
            ),
            **pack.modelled(prices="Cash", baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def _with_total(flow: xr.DataArray, years: list[str]) -> pd.DataFrame:
    """A flow's summary by year, and below it that of all years together, summed inside each sample."""
    by_year = results.summarise(flow)
    total = results.summarise(results.over_years(flow, years)).assign(financial_year=span(years))
    return pd.concat([by_year, total], ignore_index=True)


def discount_rate(pack: Pack) -> float | None:
    """The real rate a year that this study's assumptions name, or None for a study made before they did."""
    steps = pack.record["assumptions"][pack.baseline].get(RATE)
    return float(steps[-1][1]) if steps else None


def green_book(pack: Pack) -> Exhibit:
    """Each option in each ledger: cash and real profile first, present value second, against the baseline."""
    years, rate = policy_years(pack), discount_rate(pack)
    cash, real = (
        {n: f.sel(financial_year=years) for n, f in results.ledgers(pack.study, real=is_real).items()}
        for is_real in (False, True)
    )
    measures = {
        CASH: {name: results.over_years(flow, years) for name, flow in cash.items()},
        REAL: {name: results.over_years(flow, years) for name, flow in real.items()},
    }
    if rate is not None:
        present = {name: results.present_value(flow, rate) for name, flow in real.items()}
        measures[f"present value at {rate_text(rate)}"] = present
    parts = []
    for measure, by_ledger in measures.items():
        for ledger, total in by_ledger.items():
            about = {"ledger": ledger, "measure": measure}
            moved = results.minus_baseline(total, pack.baseline)
            parts.append(results.summarise(total).assign(**about, against="nothing"))
            parts.append(results.summarise(moved).assign(**about, against="baseline"))
    data = pd.concat(parts, ignore_index=True)
    last = list(measures)[-1]
    rows = []
    for ledger in cash:
        for arm, label in pack.labels.items():
            own = data[(data["ledger"] == ledger) & (data["arm"] == arm)]
            cells = ranged(own[own["against"] == "nothing"], money)
            difference = ranged(own[(own["against"] == "baseline") & (own["measure"] == last)], money)
            rows.append([ledger, label, *cells, *(difference or ["£0\nbaseline"])])
    switching = _switching(pack)
    rows += [["Councils", _SWITCHING, f"{_or_not(s.central)}\n{_or_not(s.low80)} to {_or_not(s.high80)}",
              *["[z]"] * (len(measures) - 1), f"see {s.evidence}"] for s in switching]
    heads = [sentence(m).rstrip(".") for m in measures]
    councils = data[(data["ledger"] == "Councils") & (data["against"] == "baseline") & (data["measure"] == last)]
    found = {arm: results.row(councils, arm=arm) for arm in pack.others}
    spoken = listed([f"{change(r.low80, r.high80)} under {pack.quoted(arm)}" for arm, r in found.items()])
    return pack.add(
        Exhibit(
            kind="table",
            name="green_book",
            title=sentence(
                f"Compared with {pack.quoted(pack.baseline)}, {'' if rate is None else 'the present value of '}"
                f"councils' net cost over {span(years)} is {spoken}"
            ).replace("no different under", "the same under"),
            subtitle=f"Green Book summary: options by ledger over {span(years)}, cash, real, then present value.",
            data=data,
            view=pd.DataFrame(rows, columns=["Ledger", "Funding option", *heads, f"Difference, {last}"]),
            row_headers=2,
            units="GBP",
            notes=(
                "Ledgers are never added: a grant is a cost in one and income in another. Each cell: the median, and "
                "below it the 80% interval.",
                f"Present values: real 2025-26 prices, discounted at {rate_text(rate)} a year, the first year "
                f"({years[0]}) undiscounted; only {span(years)} is in them."
                if rate is not None
                else "No present value: this study's assumptions name no discount rate.",
                "Costs only. Effects on people, such as homelessness, stand in the report by count and are not valued "
                "in pounds.",
                *(
                    [f"Switching value: the grant a person a year, in cash, at which councils' net cost in the United "
                     f"Kingdom is nil; {s.evidence} has it by type of council." for s in switching]
                    or ["Switching values are not in this report: `dispersal answers` makes them."]
                ),
            ),
            **pack.modelled(prices="Cash, real 2025-26 prices and present value, as each column says"),
        )
    )


def rate_text(rate: float) -> str:
    """A rate as people write it: 3.5%."""
    return f"{100 * rate:g}%"


class _Switch(NamedTuple):
    """The grant at which the gap closes, GBP a person a year, and the exhibit that has it."""

    evidence: str
    central: float
    low80: float
    high80: float


def _or_not(rate: float) -> str:
    return money(rate) if np.isfinite(rate) else "not reached"


def _switching(pack: Pack) -> list[_Switch]:
    """The switching value of this report, from the exhibit that computes it; empty when it has none."""
    index = read_index(pack.out) if pack.out else []
    found = []
    for entry in index:
        if entry["name"] == "closing_rate" and pack.out:
            table = pd.read_csv(pack.out / f"{entry['id']}.csv")
            own = results.row(table, group=WHOLE)
            found.append(_Switch(entry["id"], own.central, own.low80, own.high80))
    return found
