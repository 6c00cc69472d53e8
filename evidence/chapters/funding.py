"""What notebook 02 shows: council net cost under each funding option, the three ledgers apart, hotels and dispersal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.drawing import figures
from evidence.exhibits import Exhibit, Exhibits, Pack
from evidence.results import DISPERSAL, HOTEL, Range, Reached
from evidence.wording import (
    change,
    exact,
    listed,
    money,
    money_range,
    month,
    net_cost,
    number,
    number_range,
    people_change,
    sentence,
    share,
    the,
)

CASH, REAL = "cash", "real 2025-26 prices"
LEDGER_NOTES = (
    "Council ledger only. The Home Office, council and other public ledgers are separate and are never added.",
)


def policy_years(pack: Pack) -> list[str]:
    """Complete financial years from the first in which the options differ."""
    paid = results.grant(pack.study)
    differs = (results.minus_baseline(paid, pack.baseline) != 0).any(["arm", *results.SAMPLE])
    years = [str(y) for y in paid["financial_year"].values]
    first = next((i for i, d in enumerate(differs.values) if d), 0)
    return years[first:]


def span(years: Sequence[str]) -> str:
    """A run of financial years in words."""
    return years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}"


def ranged(table: pd.DataFrame, show: Callable[[float], str]) -> list[str]:
    """Cells with the central figure above its 80% interval."""
    return [
        show(c) if show(low) == show(high) else f"{show(c)}\n{show(low)} to {show(high)}"
        for c, low, high in zip(table["central"], table["low80"], table["high80"], strict=True)
    ]


def _wide(pack: Pack, table: pd.DataFrame, column: str, show: Callable[[float], str]) -> pd.DataFrame:
    """One row an option, one column a value of `column`, each cell with its interval."""
    cells = table.assign(cell=ranged(table, show)).pivot(index="arm", columns=column, values="cell")
    cells = cells.reindex([a for a in pack.labels if a in set(table["arm"])])[list(dict.fromkeys(table[column]))]
    cells.insert(0, "Funding option", [pack.labels[a] for a in cells.index])
    return cells.reset_index(drop=True).rename_axis(columns=None)


def _over_policy_years(pack: Pack, flow: xr.DataArray) -> xr.DataArray:
    return results.over_years(flow, policy_years(pack))


def answer_table(pack: Pack) -> Exhibit:
    """The first page: net cost by option in each year and in all, the difference it makes, and hotels."""
    years, study = policy_years(pack), pack.study
    cost = results.council_net_cost(study)
    by_year = results.summarise(cost.sel(financial_year=years)).assign(measure="council net cost, cash")
    total = results.summarise(results.over_years(cost, years))
    difference = results.summarise(results.minus_baseline(results.over_years(cost, years), pack.baseline))
    hotels = results.supported(study, accommodation=HOTEL)
    at_end = results.summarise(hotels.isel(month_end=-1, drop=True))
    half = results.first_month_at_most(hotels, _start(hotels) / 2)
    view = _wide(pack, by_year, "financial_year", money)
    view.columns = [view.columns[0], *(f"Net cost {y}" for y in years)]
    view[f"Net cost {span(years)}"] = ranged(results.ordered(total, "arm", results.arms(study)), money)
    shown = dict(zip(difference["arm"], ranged(difference, money), strict=True))
    view[f"Difference, {span(years)}"] = [shown.get(a, "£0\nbaseline") for a in pack.labels]
    view[f"People in hotels, {month(pack.end)}"] = ranged(at_end, number)
    view["Hotels first at half of today's"] = [_when_cell(half[a], pack) for a in pack.labels]
    data = pd.concat(
        [
            by_year,
            total.assign(financial_year=span(years), measure="council net cost, cash"),
            difference.assign(financial_year=span(years), measure="difference from the baseline, cash"),
            at_end.assign(financial_year=f"{pack.end}", measure="people in hotels"),
            _reached_table(half).assign(financial_year="", measure="first month end with hotels at half"),
        ],
        ignore_index=True,
    )
    dearest, cheapest = results.top(total, "arm"), results.top(total, "arm", least=True)
    return pack.add(
        Exhibit(
            kind="table",
            name="answer",
            title=(
                f"Over {span(years)}, councils carry the most under {pack.quoted(dearest)} and the least under "
                f"{pack.quoted(cheapest)}."
            ),
            subtitle="Council net cost (gross cost less grant), cash, and people in hotels, by funding option, UK.",
            data=data,
            view=view,
            units="GBP cash; people",
            summary=0,
            **pack.modelled(prices="Cash", baseline=f"Baseline {pack.quoted(pack.baseline)}"),
            notes=(
                *LEDGER_NOTES,
                "Each cell: the median, and below it the 80% interval. A negative net cost is a surplus of grant over "
                "cost. Differences are taken within each simulation, so they are surer than the two costs.",
            ),
        )
    )


def _start(stock: xr.DataArray) -> float:
    return float(stock.isel(month_end=0).values.flat[0])


def _when_cell(found: Reached, pack: Pack) -> str:
    """A month with its 80% range, saying 'later' for what lies beyond the horizon."""
    dates = (found.central, found.early80, found.late80)
    ends = ["later" if np.isnat(d) else f"{pd.Timestamp(d):%b %Y}" for d in dates]
    if set(ends) == {"later"}:
        return f"after {pd.Timestamp(pack.end):%b %Y}"
    return f"{ends[0]}\n{ends[1]} to {ends[2]}"


def _reached_table(found: Mapping[str, Reached]) -> pd.DataFrame:
    """The same as rows, one an option."""
    return pd.DataFrame([{"arm": arm, **reached._asdict()} for arm, reached in found.items()])


def when(found: Reached, end: np.datetime64) -> str:
    """When a stock falls to a threshold, in words, with the share of simulations in which it does not."""
    if found.share == 0:
        return f"in none of the simulations by {month(end)}"
    if np.isnat(found.early80):
        return f"by {month(end)} in only {share(found.share)} of simulations"
    early = month(found.early80)
    if np.isnat(found.late80):
        return f"in {early} at the earliest, and not by {month(end)} in {share(1 - found.share)} of simulations"
    late = month(found.late80)
    return f"in {early}" if early == late else f"between {early} and {late}"


def net_cost_claims(pack: Pack) -> Exhibits:
    """What councils carry under each option over the years it applies: one sentence an option."""
    years = policy_years(pack)
    cost = results.council_net_cost(pack.study)
    last = results.summarise(cost.sel(financial_year=years[-1], drop=True))
    total = results.over_years(cost, years)
    sums = results.summarise(total)
    differences = results.summarise(results.minus_baseline(total, pack.baseline))
    claims = []
    for place, arm in enumerate([pack.baseline, *pack.others], start=1):
        whole = results.row(sums, arm=arm)
        text = (
            f"Under {pack.quoted(arm)}, councils are left with {net_cost(whole.low80, whole.high80)} over {span(years)}"
        )
        if arm == pack.baseline:
            final = results.row(last, arm=arm)
            text += (
                f" (central {money(whole.central)}, cash, 80% interval); in {years[-1]} alone, "
                f"{net_cost(final.low80, final.high80)}"
            )
        else:
            found = results.row(differences, arm=arm)
            text += f": {change(found.low80, found.high80)} than under {pack.quoted(pack.baseline)}"
            text = text.replace("no different than", "no different from that")
        data = pd.DataFrame([whole._asdict()]).assign(arm=arm, measure="council net cost", period=span(years))
        claims.append(
            pack.add(
                Exhibit(
                    kind="claim",
                    name=f"net_cost_{arm}",
                    title=sentence(text),
                    subtitle=f"Council net cost, cash, United Kingdom, {span(years)}.",
                    data=data,
                    units="GBP cash",
                    summary=place,
                    **pack.modelled(prices="Cash"),
                )
            )
        )
    return Exhibits(claims)


def hotels_claim(pack: Pack) -> Exhibit:
    """By when hotels fall, under the baseline and the option that moves them most."""
    hotels = results.supported(pack.study, accommodation=HOTEL)
    start = _start(hotels)
    half = results.first_month_at_most(hotels, start / 2)
    at_end = results.summarise(hotels.isel(month_end=-1, drop=True))
    moved = results.summarise(results.minus_baseline(hotels.isel(month_end=-1, drop=True), pack.baseline))
    arm = str(moved["arm"].to_numpy()[(moved["low80"] + moved["high80"]).abs().to_numpy().argmax()])
    furthest = results.row(moved, arm=arm)
    base = results.row(at_end, arm=pack.baseline)
    text = (
        f"Hotels held {exact(start)} people at the end of {month(pack.start)}; under {pack.quoted(pack.baseline)} the "
        f"number first falls to half of that {when(half[pack.baseline], pack.end)}, and in {month(pack.end)} it is "
        f"{number_range(base.low80, base.high80)}"
    )
    if one_sided(furthest):
        text += (
            f"; the option that changes this most is {pack.quoted(arm)}, with "
            f"{people_change(furthest.low80, furthest.high80)} people"
        )
    else:
        text += "; no option moves that number clearly up or down"
    data = at_end.assign(measure="people in hotels at the end")
    return pack.add(
        Exhibit(
            kind="claim",
            name="hotels",
            title=sentence(text),
            subtitle="People in hotels, United Kingdom; 80% intervals.",
            data=pd.concat(
                [data, _reached_table(half).assign(measure="first at half"), moved.assign(measure="difference")]
            ),
            units="people",
            summary=len(pack.labels) + 1,
            **pack.modelled(),
        )
    )


def one_sided(row: Range) -> bool:
    """Whether an 80% interval of a difference lies on one side of zero and is not nothing."""
    return (row.low80 >= 0 or row.high80 <= 0) and row.low80 != row.high80


def home_office_claim(pack: Pack) -> Exhibit:
    """What the Home Office spends on accommodation and support under each option; not netted against councils."""
    years = policy_years(pack)
    items = results.home_office_items(pack.study).drop_sel(home_office_item=results.GRANTS)
    spent = results.over_years(items.sum("home_office_item"), years)
    total = results.summarise(spent)
    moved = results.summarise(results.minus_baseline(spent, pack.baseline))
    base = results.row(total, arm=pack.baseline)
    found = {a: results.row(moved, arm=a) for a in pack.others}
    parts = [f"{change(r.low80, r.high80)} under {pack.quoted(a)}" for a, r in found.items()]
    text = (
        f"In its own ledger, the Home Office spends {money_range(base.low80, base.high80)} on accommodation and "
        f"support over {span(years)} under {pack.quoted(pack.baseline)}; compared with that, it spends {listed(parts)}"
    )
    return pack.add(
        Exhibit(
            kind="claim",
            name="home_office",
            title=sentence(text),
            subtitle=f"Home Office cost of accommodation and support, without grants to councils, cash, {span(years)}.",
            data=pd.concat([total.assign(measure="cost"), moved.assign(measure="difference")]),
            units="GBP cash",
            summary=len(pack.labels) + 2,
            **pack.modelled(prices="Cash"),
        )
    )


def net_cost_figure(pack: Pack) -> Exhibit:
    """Council net cost by financial year and option."""
    years = policy_years(pack)
    cost = results.council_net_cost(pack.study).sel(financial_year=years)
    table = results.summarise(cost)
    last = table[table["financial_year"] == years[-1]]
    base = results.row(last, arm=pack.baseline)
    return pack.add(
        Exhibit(
            kind="figure",
            name="net_cost_by_year",
            title=(
                f"By {years[-1]} councils carry {net_cost(base.low80, base.high80)} a year under "
                f"{pack.quoted(pack.baseline)}."
            ),
            subtitle="Council net cost (gross cost less grant) by financial year and funding option, cash, UK.",
            data=table,
            view=_wide(pack, table, "financial_year", money),
            units="GBP cash",
            alternative=spoken(pack, last, f"Council net cost in {years[-1]}"),
            notes=LEDGER_NOTES,
            draw=lambda: figures.money_by_arm(table, pack.labels, "financial_year", years),
            **pack.modelled(prices="Cash"),
        )
    )


def spoken(pack: Pack, table: pd.DataFrame, what: str, show: Callable[[float], str] = money) -> str:
    """What a figure by option shows, in words."""
    rows = {arm: results.row(table, arm=arm) for arm in pack.labels if arm in set(table["arm"])}
    parts = [
        f"{pack.labels[a]} {show(r.central)}, 80% interval {show(r.low80)} to {show(r.high80)}" for a, r in rows.items()
    ]
    return f"Dots with ranges. {what}: {'; '.join(parts)}."


def difference_figure(pack: Pack) -> Exhibit:
    """Each option against the baseline, paired simulation by simulation."""
    years = policy_years(pack)
    cost = results.council_net_cost(pack.study).sel(financial_year=years)
    table = results.summarise(results.minus_baseline(cost, pack.baseline))
    total = results.summarise(results.minus_baseline(results.over_years(cost, years), pack.baseline))
    arm = results.top(total.assign(central=total["central"].abs()), "arm")
    biggest = results.row(total, arm=arm)
    return pack.add(
        Exhibit(
            kind="figure",
            name="net_cost_difference",
            title=(
                f"Over {span(years)}, {pack.quoted(arm)} leaves councils with a net cost "
                f"{change(biggest.low80, biggest.high80, 'lower', 'higher')} than "
                f"{pack.quoted(pack.baseline)}."
            ).replace("no different than", "no different from that of"),
            subtitle=(f"Difference in council net cost from {pack.quoted(pack.baseline)} by financial year, cash, UK."),
            data=table,
            view=_wide(pack, table, "financial_year", money),
            units="GBP cash",
            alternative=spoken(pack, total, f"Difference over {span(years)}"),
            notes=(*LEDGER_NOTES, "Differences are taken within each draw and replication, then summarised."),
            draw=lambda: figures.money_by_arm(table, pack.others, "financial_year", years),
            **pack.modelled(prices="Cash", baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def services_table(pack: Pack) -> Exhibit:
    """Where the gross cost falls, by service line, in the last year of the baseline and the other options."""
    year = policy_years(pack)[-1]
    cost = results.council_gross_cost(pack.study).sel(financial_year=year, drop=True)
    table = results.summarise(cost)
    base = table[table["arm"] == pack.baseline].sort_values("central", ascending=False)
    order = [str(s) for s in base["service"]]
    names = {s: pack.service_labels[s] for s in order}
    view = pd.DataFrame({"Service": [names[s] for s in order]})
    for arm, label in pack.labels.items():
        view[label] = ranged(results.ordered(table[table["arm"] == arm], "service", order), money)
    top = results.row(base, service=order[0])
    return pack.add(
        Exhibit(
            kind="table",
            name="gross_cost_by_service",
            title=(
                f"The largest part of councils' gross cost in {year} is {pack.services_in_text[order[0]]}: "
                f"{money_range(top.low80, top.high80)} under {pack.quoted(pack.baseline)}."
            ),
            subtitle=f"Councils' gross cost by service line and funding option, cash, United Kingdom, {year}.",
            data=table,
            view=view,
            units="GBP cash",
            notes=(
                *LEDGER_NOTES,
                "Gross cost, before any grant. Medians of parts do not add to the median of the whole.",
            ),
            **pack.modelled(prices="Cash"),
        )
    )


def places_table(pack: Pack, place: str) -> Exhibit:
    """Regions or nations: people now and at the end, and council net cost under each option in the last year.

    Args:
        place: "region" or "nation".
    """
    year = policy_years(pack)[-1]
    people = results.supported(pack.study, place).sel(arm=pack.baseline, drop=True)
    now = people.isel(month_end=0, draw=0, replication=0).to_series()
    order = list(now.sort_values(ascending=False).index)
    later = results.ordered(results.summarise(people.isel(month_end=-1, drop=True)), "place", order)
    cost = results.council_net_cost(pack.study, place).sel(financial_year=year, drop=True)
    table = results.summarise(cost)
    view = pd.DataFrame(
        {
            place.capitalize(): order,
            f"People, {month(pack.start)} (published)": [exact(now[p]) for p in order],
            f"People, {month(pack.end)}, baseline": ranged(later, number),
        }
    )
    for arm, label in pack.labels.items():
        view[f"Net cost, {label}"] = ranged(results.ordered(table[table["arm"] == arm], "place", order), money)
    base = table[table["arm"] == pack.baseline]
    top = results.top(base, "place")
    most = results.row(base, place=top)
    data = pd.concat(
        [
            table.assign(measure=f"council net cost {year}, cash"),
            later.assign(arm=pack.baseline, measure=f"people supported {pack.end}"),
        ],
        ignore_index=True,
    )
    return pack.add(
        Exhibit(
            kind="table",
            name=f"{place}s",
            title=sentence(
                f"Councils in {the(top)} carry the most under {pack.quoted(pack.baseline)} in {year}: "
                f"{net_cost(most.low80, most.high80)}"
            ),
            subtitle=f"People supported and council net cost in {year} by {place} and funding option, cash.",
            data=data,
            view=view,
            units="people; GBP cash",
            notes=(
                *LEDGER_NOTES,
                f"Medians of {place}s do not add to the median of the United Kingdom. Funding rules and homelessness "
                "law differ between nations.",
            ),
            **pack.modelled(prices="Cash", baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def places_claim(pack: Pack) -> Exhibit:
    """Where the net cost is greatest, for the summary."""
    year = policy_years(pack)[-1]
    cost = results.council_net_cost(pack.study, "region").sel(arm=pack.baseline, financial_year=year, drop=True)
    table = results.summarise(cost).sort_values("central", ascending=False)
    residents = pack.study["population"].groupby("region").sum().rename(region="place")
    each = results.summarise(cost / residents).sort_values("central", ascending=False)
    largest, highest = results.top(table, "place"), results.top(each, "place")
    first, second = results.row(table, place=largest), results.row(each, place=highest)
    also = "also " if largest == highest else ""
    return pack.add(
        Exhibit(
            kind="claim",
            name="regions_claim",
            title=sentence(
                f"In {year}, under {pack.quoted(pack.baseline)}, the largest regional net cost falls on councils in "
                f"{the(largest)} ({money_range(first.low80, first.high80)}); for each resident it is {also}highest "
                f"in {the(highest)} ({_pence_range(second.low80, second.high80)})"
            ),
            subtitle=f"Council net cost by region, cash, {year}.",
            data=pd.concat([table.assign(measure="net cost"), each.assign(measure="net cost for each resident")]),
            units="GBP cash",
            **pack.modelled(prices="Cash"),
        )
    )


def _pence_range(low: float, high: float) -> str:
    return f"between £{low:,.2f} and £{high:,.2f}"


def hotels_figure(pack: Pack) -> Exhibit:
    """People in hotels by option."""
    return _stock_figure(pack, HOTEL, "hotels", "People in hotels")


def dispersal_figure(pack: Pack) -> Exhibit:
    """People in dispersal accommodation by option."""
    return _stock_figure(pack, DISPERSAL, "dispersal", "People in dispersal accommodation")


def supported_figure(pack: Pack) -> Exhibit:
    """All people supported by option."""
    return _stock_figure(pack, None, "supported", "People supported")


def _stock_figure(pack: Pack, accommodation: str | None, name: str, measure: str) -> Exhibit:
    stock = results.supported(pack.study, accommodation=accommodation)
    table = results.summarise(stock)
    end = results.summarise(stock.isel(month_end=-1, drop=True))
    base = results.row(end, arm=pack.baseline)
    yearly = table[table["month_end"].isin(stock["month_end"].values[::12])].copy()
    yearly["month"] = [f"{d:%B %Y}" for d in yearly["month_end"]]
    return pack.add(
        Exhibit(
            kind="figure",
            name=name,
            title=(
                f"{measure} go from {exact(_start(stock))} to {number_range(base.low80, base.high80)} by "
                f"{month(pack.end)} under {pack.quoted(pack.baseline)}."
            ),
            subtitle=f"{measure} at month ends by funding option, United Kingdom.",
            data=table,
            view=_wide(pack, yearly, "month", number),
            units="people",
            alternative=(
                "Lines with bands, one panel a funding option. "
                + spoken(pack, end, f"{measure} in {month(pack.end)}", number).removeprefix("Dots with ranges. ")
            ),
            notes=("The table shows every twelfth month; the CSV has every month.",),
            draw=lambda: figures.stock_by_arm(table, pack.labels, pack.baseline, measure),
            **pack.modelled(),
        )
    )


def hotel_dates(pack: Pack) -> Exhibit:
    """When hotel numbers first fall to a half, a quarter and a tenth of the published start."""
    hotels = results.supported(pack.study, accommodation=HOTEL)
    start = _start(hotels)
    parts = {"a half": 0.5, "a quarter": 0.25, "a tenth": 0.1}
    found = {words: results.first_month_at_most(hotels, part * start) for words, part in parts.items()}
    data = pd.concat([_reached_table(f).assign(falls_to=words) for words, f in found.items()], ignore_index=True)
    view = pd.DataFrame({"Funding option": list(pack.labels.values())})
    for words, part in parts.items():
        view[f"First at {words} ({number(part * start)})"] = [_when_cell(found[words][a], pack) for a in pack.labels]
        view[f"Reached by {month(pack.end)}, {words}"] = [share(found[words][a].share) for a in pack.labels]
    return pack.add(
        Exhibit(
            kind="table",
            name="hotel_dates",
            title=sentence(
                f"Under {pack.quoted(pack.baseline)}, hotel numbers first fall to half of today's "
                f"{when(found['a half'][pack.baseline], pack.end)}"
            ),
            subtitle=(
                f"First month end with people in hotels at or below a share of the {exact(start)} published for "
                f"{month(pack.start)}: median, 80% interval, and share of simulations that reach it."
            ),
            data=data,
            view=view,
            units="month ends; share of simulations",
            notes=(f"Later: after {month(pack.end)}, the end of the simulation.",),
            **pack.modelled(),
        )
    )
