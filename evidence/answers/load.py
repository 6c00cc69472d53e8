"""Who carries the load: people, cost, homelessness and pressure by deprivation, rurality and tier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence import results
from evidence.answers import pictures
from evidence.answers.groups import Grouping, council_counts, grouped, grouping, in_text, residents
from evidence.answers.net_cost import council_gross, council_net, pence
from evidence.chapters.funding import policy_years, ranged
from evidence.exhibits import Exhibit, Pack
from evidence.wording import exact, month, number, sentence

PEOPLE, GROSS, NET, DUTIES = (
    "People supported for each 10,000 residents",
    "Gross cost for each resident",
    "Net cost for each resident",
    "Homelessness duties for each 10,000 residents",
)


def carries(pack: Pack, name: str) -> Exhibit:
    """What each group of councils carries for its residents, under the baseline.

    Args:
        name: deprivation, rurality or tier.
    """
    by, year = grouping(name), policy_years(pack)[-1]
    tables = {title: results.summarise(values) for title, values in _measures(pack, by, year).items()}
    show = {PEOPLE: number, GROSS: pence, NET: pence, DUTIES: number}
    start = _published(pack, by)
    view = pd.DataFrame({by.heading: list(by.order), "Councils": [exact(v) for v in council_counts(by)]})
    view[f"People for each 10,000 residents, {month(pack.start)} (published)"] = [number(v) for v in start]
    for title, table in tables.items():
        view[title] = ranged(table, show[title])
    ends = tables[PEOPLE]
    most, least = results.top(ends, "group"), results.top(ends, "group", least=True)
    dearest = results.top(tables[NET], "group")
    data = pd.concat([t.assign(measure=title) for title, t in tables.items()], ignore_index=True)
    data = pd.concat(
        [data, pd.DataFrame({"group": start.index, "central": start.to_numpy(), "measure": f"{PEOPLE}, published"})],
        ignore_index=True,
    )
    spoken = "; ".join(f"{g} {number(results.row(tables[PEOPLE], group=g).central)}" for g in by.order)
    return pack.add(
        Exhibit(
            kind="figure",
            name=f"load_by_{name}",
            title=sentence(
                f"By {by.heading.lower()}, the most people for their residents in {month(pack.end)} are in "
                f"{in_text(most)} ({_span(ends, most)} for each 10,000) and the fewest in {in_text(least)} "
                f"({_span(ends, least)}); net cost for each resident is highest in {in_text(dearest)}"
            ),
            subtitle=(
                f"People supported at the end of {month(pack.end)}, cost and homelessness duties in {year}, for "
                f"residents of each group, under {pack.quoted(pack.baseline)}; cash, {_area(by)}."
            ),
            data=data,
            view=view,
            units="people, households and GBP cash, for residents at mid-2024",
            alternative=f"Dots with ranges in four panels. {PEOPLE}, median: {spoken}.",
            notes=tuple(filter(None, (by.note, "Cost to councils only. Intervals overlap: read the gradient."))),
            draw=lambda: pictures.ranges_in_panels(tables, "group", {g: g for g in by.order}, show),
            **pack.modelled(prices="Cash", population="Residents at mid-2024"),
        )
    )


def _area(by: Grouping) -> str:
    return "England, Wales, Scotland and Northern Ireland" if by.name == "rurality" else "United Kingdom"


def _span(table: pd.DataFrame, group: str) -> str:
    found = results.row(table, group=group)
    low, high = number(found.low80), number(found.high80)
    return f"about {low}" if low == high else f"{low} to {high}"


def _measures(pack: Pack, by: Grouping, year: str) -> dict[str, xr.DataArray]:
    study = pack.study.sel(arm=pack.baseline, drop=True)
    people = xr.DataArray(residents(by).to_numpy(), {"group": list(by.order)}, ("group",))
    stock = study["supported_at_quarter_end"].isel(quarter_end=-1, drop=True).sum("accommodation")
    duties = study["homelessness_duties_in_financial_year"].sel(financial_year=year, drop=True)
    return {
        PEOPLE: 1e4 * grouped(stock, by) / people,
        GROSS: council_gross(study, by).sel(financial_year=year, drop=True) / people,
        NET: council_net(study, by).sel(financial_year=year, drop=True) / people,
        DUTIES: 1e4 * grouped(duties, by) / people,
    }


def _published(pack: Pack, by: Grouping) -> pd.Series:
    """People supported for each 10,000 residents at the start, as published."""
    support = params.reference("support_by_council")
    now = support[support["quarter_end"] == pd.Timestamp(pack.start)].set_index("lad_code")["total"].astype(float)
    people = now.groupby(now.index.map(by.of_council)).sum().reindex(by.order)
    return 1e4 * people / residents(by).replace(0, np.nan)
