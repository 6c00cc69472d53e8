"""What dispersal costs councils, by financial year, service line, nation, region and type of council."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures
from evidence.answers.groups import Grouping, council_counts, grouped, grouping, in_text, residents
from evidence.chapters.funding import LEDGER_NOTES, policy_years, ranged
from evidence.exhibits import Exhibit, Pack
from evidence.wording import exact, money, money_range, net_cost, sentence

GRANT, NET = "Grant received", "Net cost"


def by_service(pack: Pack) -> Exhibit:
    """Gross cost by service line, grant and net cost in each year, under the baseline."""
    study, years = pack.study, policy_years(pack)
    gross = results.council_gross_cost(study).sel(arm=pack.baseline, financial_year=years, drop=True)
    paid = results.grant(study).sel(arm=pack.baseline, financial_year=years, drop=True)
    net = results.council_net_cost(study).sel(arm=pack.baseline, financial_year=years, drop=True)
    lines = results.summarise(gross).rename(columns={"service": "line"})
    lines["line"] = lines["line"].map(pack.service_labels)
    last = lines[lines["financial_year"] == years[-1]].sort_values("central", ascending=False)
    order = [*last["line"], GRANT, NET]
    table = pd.concat(
        [lines, results.summarise(paid).assign(line=GRANT), results.summarise(net).assign(line=NET)], ignore_index=True
    )
    view = pd.DataFrame({"Line": order})
    for year in years:
        own = results.ordered(table[table["financial_year"] == year], "line", order)
        view[year] = ranged(own, money)
    whole, first = results.row(table, line=NET, financial_year=years[-1]), last.iloc[0]
    return pack.add(
        Exhibit(
            kind="figure",
            name="net_cost_by_service",
            title=sentence(
                f"In {years[-1]}, under {pack.quoted(pack.baseline)}, councils carry "
                f"{net_cost(whole.low80, whole.high80)}; the largest line, {_inside(first['line'])}, costs "
                f"{money_range(first['low80'], first['high80'])} before grant"
            ),
            subtitle="Councils' gross cost by service line, grant and net cost by financial year, cash, UK.",
            data=table,
            view=view,
            units="GBP cash",
            alternative=_spoken(table[table["financial_year"] == years[-1]], "line", order, f"In {years[-1]}"),
            notes=(*LEDGER_NOTES, "Grant is not paid by service line. Medians of parts do not add to the whole."),
            draw=lambda: pictures.ranges_in_panels(
                {y: table[table["financial_year"] == y] for y in years}, "line", {o: o for o in order},
                dict.fromkeys(years, money), same_scale=True,
            ),
            **pack.modelled(prices="Cash"),
        )
    )  # fmt: skip


def _inside(line: str) -> str:
    """A line's heading as it stands inside a sentence."""
    return line if line.isupper() else line[0].lower() + line[1:]


def _spoken(table: pd.DataFrame, column: str, order: list[str], when: str) -> str:
    rows = [(name, results.row(table, **{column: name})) for name in order]
    parts = "; ".join(f"{n} {money(r.central)}, 80% interval {money(r.low80)} to {money(r.high80)}" for n, r in rows)
    return f"Dots with ranges. {when}: {parts}."


def council_net(study: xr.Dataset, by: Grouping) -> xr.DataArray:
    """Net cost of each group of councils by financial year, GBP cash (arm, draw, replication, financial_year, group).

    Councils are summed inside each sample.
    """
    whole = results.complete_years(study)
    paid = study["grant_in_financial_year"].sel(financial_year=whole)
    return council_gross(study, by) - grouped(paid, by)


def council_gross(study: xr.Dataset, by: Grouping) -> xr.DataArray:
    """Gross cost of each group of councils by financial year, GBP cash."""
    spent = study["council_gross_cost_in_financial_year"].sel(financial_year=results.complete_years(study))
    return grouped(spent.sum("service"), by)


def by_group(pack: Pack, name: str) -> Exhibit:
    """Net cost of each group of councils in each year, under the baseline.

    Args:
        name: council_type, region or nation.
    """
    by, years = grouping(name), policy_years(pack)
    cost = council_net(pack.study, by).sel(arm=pack.baseline, drop=True)
    table = results.summarise(cost.sel(financial_year=years))
    people = xr.DataArray(residents(by).to_numpy(), {"group": list(by.order)}, ("group",))
    each = results.summarise(cost.sel(financial_year=years[-1], drop=True) / people)
    last = table[table["financial_year"] == years[-1]].sort_values("central", ascending=False)
    order = [str(g) for g in last["group"]]
    view = pd.DataFrame({by.heading: order, "Councils": [exact(council_counts(by)[g]) for g in order]})
    for year in years:
        own = results.ordered(table[table["financial_year"] == year], "group", order)
        view[f"Net cost {year}"] = ranged(own, money)
    view[f"For each resident, {years[-1]}"] = ranged(results.ordered(each, "group", order), pence)
    top, dense = results.row(last, group=order[0]), results.top(each, "group")
    most = results.row(each, group=dense)
    data = pd.concat(
        [table.assign(measure="net cost"), each.assign(measure="net cost for each resident", financial_year=years[-1])]
    )
    return pack.add(
        Exhibit(
            kind="figure",
            name=f"net_cost_by_{name}",
            title=sentence(
                f"By {by.heading.lower()}, the largest net cost in {years[-1]} under {pack.quoted(pack.baseline)} is "
                f"in {in_text(order[0])} ({money_range(top.low80, top.high80)}); for each resident it is highest in "
                f"{in_text(dense)} ({pence(most.low80)} to {pence(most.high80)})"
            ),
            subtitle=f"Council net cost by {by.heading.lower()} and financial year, cash, United Kingdom.",
            data=data,
            view=view,
            units="GBP cash",
            alternative=_spoken(last, "group", order, f"Net cost in {years[-1]}"),
            notes=tuple(filter(None, (*LEDGER_NOTES, by.note, "Medians of parts do not add to the whole."))),
            draw=lambda: pictures.ranges_in_panels(
                {y: table[table["financial_year"] == y] for y in years}, "group", {o: o for o in order},
                dict.fromkeys(years, money), same_scale=True,
            ),
            **pack.modelled(prices="Cash"),
        )
    )  # fmt: skip


def pence(value: float) -> str:
    """Pounds and pence for each resident, with a true minus sign."""
    return f"{'−' if value <= -0.005 else ''}£{abs(value):,.2f}" if np.isfinite(value) else "not known"
