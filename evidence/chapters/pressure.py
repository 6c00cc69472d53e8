"""What notebook 03 shows of councils: pressure on services, regions over time, the map and the council table.

Every modelled council figure here has passed disclosure control; published figures stand as published.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import params
from evidence import results
from evidence.chapters.funding import policy_years
from evidence.disclosure import BASE, CONFIDENTIAL, NOT_GIVEN, protect, ranges_only
from evidence.drawing import figures
from evidence.drawing.hexmap import hexmap, step_name
from evidence.exhibits import Exhibit, Pack
from evidence.wording import count_range, exact, listed, month, number, sentence, the
from params.errors import unknown

# Below this the published record of forecasts says that only a range means anything.
LEAST_FOR_CENTRAL = 200
# A council's money leaves in steps that no single person's cost can be read from.
MONEY_STEP = 10_000
MAP_STEPS = (0, 5, 15, 30, 50)
BACKTEST_QUARTERS = 4
RULES = (
    f"Modelled people are rounded to {BASE}.",
    f"Councils with fewer than {LEAST_FOR_CENTRAL} people supported at the start have ranges only.",
)


def pressure_figure(pack: Pack) -> Exhibit:
    """How many councils have more demand than capacity at the end, by service line and option."""
    pressure = pack.study["service_pressure_at_quarter_end"].isel(quarter_end=-1, drop=True)
    over = results.councils_over_capacity(pressure)
    table = results.summarise(over)
    base = table[table["arm"] == pack.baseline].sort_values("central", ascending=False)
    order = {str(s): pack.service_labels[str(s)] for s in base["service"]}
    most = next(iter(order))
    top = results.row(base, service=most)
    councils = pack.study.sizes["council"]
    cells = table.assign(
        cell=[
            f"{exact(round(c))}\n{exact(round(a))} to {exact(round(b))}"
            for c, a, b in zip(table["central"], table["low80"], table["high80"], strict=True)
        ]
    )
    view = cells.pivot(index="service", columns="arm", values="cell").loc[list(order), list(pack.labels)]
    view.columns = list(pack.labels.values())
    view.insert(0, "Service", list(order.values()))
    end = month(pack.study["quarter_end"].values[-1])
    spoken = "; ".join(f"{label} {exact(round(results.row(base, service=s).central))}" for s, label in order.items())
    return pack.add(
        Exhibit(
            kind="figure",
            name="pressure_by_service",
            title=sentence(
                f"{order[most]} is the most stretched service: in {end}, demand exceeds capacity in "
                f"{count_range(top.low80, top.high80)} of {councils} councils under {pack.quoted(pack.baseline)}"
            ),
            subtitle=f"Councils whose demand exceeds capacity, by service line and funding option, {end}.",
            data=table,
            view=view.reset_index(drop=True).rename_axis(columns=None),
            units="councils",
            alternative=(
                f"Dots with ranges, one panel a funding option. Under {pack.quoted(pack.baseline)}, councils over "
                f"capacity: {spoken}."
            ),
            notes=("Demand and capacity are modelled; no source publishes either by council.",),
            draw=lambda: figures.pressure_by_service(table, order, pack.labels),
            **pack.modelled(),
        )
    )


def pressure_claim(pack: Pack) -> Exhibit:
    """What each option does to the most stretched service."""
    over = results.councils_over_capacity(pack.study["service_pressure_at_quarter_end"].isel(quarter_end=-1, drop=True))
    base = results.summarise(over.sel(arm=pack.baseline, drop=True)).sort_values("central", ascending=False)
    service = results.top(base, "service")
    moved = results.summarise(results.minus_baseline(over.sel(service=service, drop=True), pack.baseline))
    found = {arm: results.row(moved, arm=arm) for arm in pack.others}
    parts = [f"{_moves(r.low80, r.high80)} under {pack.quoted(arm)}" for arm, r in found.items()]
    return pack.add(
        Exhibit(
            kind="claim",
            name="pressure",
            title=sentence(
                f"Compared with {pack.quoted(pack.baseline)}, the number of councils over capacity in "
                f"{pack.services_in_text[service]} is {listed(parts)} (80% intervals)"
            ),
            subtitle="Councils whose demand exceeds capacity at the end of the study.",
            data=moved.assign(service=service),
            units="councils",
            **pack.modelled(baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def _moves(low: float, high: float) -> str:
    """A change in a number of councils, in words."""
    low, high = round(low), round(high)
    if low == high == 0:
        return "no different"
    if high <= 0:
        return f"{count_range(-high, -low)} lower"
    if low >= 0:
        return f"{count_range(low, high)} higher"
    return f"from {-low} lower to {high} higher"


def regions_figure(pack: Pack) -> Exhibit:
    """People supported in each region over time."""
    people = results.supported(pack.study, "region")
    table = results.summarise(people)
    now = people.isel(month_end=0, arm=0, draw=0, replication=0).to_series().sort_values(ascending=False)
    regions = list(now.index)
    end = table[(table["month_end"] == table["month_end"].max()) & (table["arm"] == pack.baseline)].set_index("place")
    ratio = (end["central"] / now).reindex(regions)
    highest, lowest = the(str(ratio.idxmax())), the(str(ratio.idxmin()))
    view = pd.DataFrame(
        {
            "Region": regions,
            f"{month(pack.start)} (published)": [exact(now[r]) for r in regions],
            f"{month(pack.end)}, baseline": [
                f"{number(end.loc[r, 'central'])}\n{number(end.loc[r, 'low80'])} to {number(end.loc[r, 'high80'])}"
                for r in regions
            ],
        }
    )
    spoken = "; ".join(f"{r} {exact(now[r])} to {number(end.loc[r, 'central'])}" for r in regions)
    return pack.add(
        Exhibit(
            kind="figure",
            name="regions_over_time",
            title=sentence(
                f"Relative to today, numbers end highest in {highest} and lowest in {lowest} "
                f"under {pack.quoted(pack.baseline)}"
            ),
            subtitle="People supported at month ends by region and funding option; each panel has its own scale.",
            data=table,
            view=view,
            units="people",
            alternative=f"Twelve panels of lines. Published start and central figure in {month(pack.end)}: {spoken}.",
            notes=("Regions' intervals overlap widely: read the direction, not a ranking.", *pack.left_out),
            draw=lambda: figures.regions_over_time(table, regions, pack.told_apart, pack.baseline),
            **pack.modelled(baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def _council_rows(pack: Pack) -> pd.DataFrame:
    """One row a council: code, name, region, residents, hexagon, published people, band of size."""
    councils = params.reference("councils").set_index("lad_code")
    support = params.reference("support_by_council")
    support = support[support["quarter_end"] == pd.Timestamp(pack.start)].set_index("lad_code")
    rows = councils.loc[pack.study["council"].values, ["name", "region", "nation", "population", "hex_q", "hex_r"]]
    rows["published"] = support["total"].reindex(rows.index).astype(int)
    rows["band"] = results.size_band(rows["published"])
    return rows.rename_axis("lad_code").reset_index()


def council_estimates(pack: Pack) -> pd.DataFrame:
    """Modelled people and net cost of every council, safe to publish.

    Returns:
        One row a council. People at the last quarter end under the baseline (`people`, `people_low80`,
        `people_high80`) and, by arm, net cost in the last policy year in GBP (`cost_<arm>`, `_low80`, `_high80`);
        whole numbers, `[c]` or `[x]`.
    """
    year = policy_years(pack)[-1]
    rows = _council_rows(pack)
    stock = results.supported(pack.study, "council").isel(quarter_end=-1, drop=True)
    people = results.summarise(stock)
    cost = results.summarise(results.council_net_cost(pack.study, "council").sel(financial_year=year, drop=True))
    counts, money = [], {}
    for arm in pack.labels:
        own = people[people["arm"] == arm].set_index("council").loc[rows["lad_code"]]
        # Another arm's count is needed to know which of its costs would give a small count away; it is not shown.
        rows[f"people_{arm}"] = own["central"].to_numpy()
        counts.append(f"people_{arm}")
        if arm == pack.baseline:
            rows["people_low80"], rows["people_high80"] = own["low80"].to_numpy(), own["high80"].to_numpy()
        spent = cost[cost["arm"] == arm].set_index("council").loc[rows["lad_code"]]
        for name, column in (("", "central"), ("_low80", "low80"), ("_high80", "high80")):
            rows[f"cost_{arm}{name}"] = MONEY_STEP * np.round(spent[column].to_numpy() / MONEY_STEP).astype(int)
            money[f"cost_{arm}{name}"] = f"people_{arm}"
    totals = _published_history()
    ratios = results.persistence_ratios(totals, BACKTEST_QUARTERS)
    names = {"central": f"people_{pack.baseline}", "low80": "people_low80", "high80": "people_high80"}
    rows = results.at_least_backtest(rows, rows["band"], ratios, names)
    safe = protect(rows, [*counts, "people_low80", "people_high80"], money)
    central = [f"people_{pack.baseline}", *(f"cost_{arm}" for arm in pack.labels)]
    safe = ranges_only(safe, central, rows["published"], LEAST_FOR_CENTRAL)
    hidden = safe.drop(columns=[f"people_{arm}" for arm in pack.others])
    return hidden.rename(columns={f"people_{pack.baseline}": "people"})


def _published_history() -> pd.DataFrame:
    """People supported by council at each published quarter end, subsistence-only people left out where they can be."""
    support = params.reference("support_by_council")
    return support.pivot(index="quarter_end", columns="lad_code", values="total")


def council_table(pack: Pack, region: str = "") -> Exhibit:
    """Every council: published people now, modelled people at the end, net cost under each option.

    Args:
        region: one region only; empty for all.

    Raises:
        InputError: for a region that does not exist.
    """
    year, end = policy_years(pack)[-1], month(pack.end)
    # Disclosure control sees every council first, so that a regional extract says no more than the whole.
    table = council_estimates(pack).sort_values(["region", "name"]).reset_index(drop=True)
    if region:
        if region not in set(table["region"]):
            raise unknown("parameter region", "a region", region, set(table["region"]))
        table = table[table["region"] == region].reset_index(drop=True)
    view = pd.DataFrame(
        {
            "Council": table["name"],
            "Region": table["region"],
            f"{month(pack.start)} (published)": [exact(v) for v in table["published"]],
            f"{end}, baseline": _cells(table, "people", 1),
        }
    )
    for arm, label in pack.labels.items():
        view[f"Net cost {year}, {label} (£000)"] = _cells(table, f"cost_{arm}", 1000)
    hidden = int((table["people"] == CONFIDENTIAL).sum())
    low, high = (pd.to_numeric(table[name], errors="coerce") for name in ("people_low80", "people_high80"))
    shown = table["people"] != CONFIDENTIAL
    lower = int((shown & (high < table["published"])).sum())
    higher = int((shown & (low > table["published"])).sum())
    return pack.add(
        Exhibit(
            kind="table",
            name="councils",
            title=(
                f"By {end}, the range of people supported lies below today's number in {lower} councils, above it in "
                f"{higher}, and holds it in {len(table) - lower - higher - hidden}; {hidden} are withheld."
            ),
            subtitle=f"People supported in {end} and council net cost in {year} by council and funding option, cash.",
            data=table.drop(columns=["hex_q", "hex_r"]),
            view=view,
            units=f"people; GBP cash, rounded to £{MONEY_STEP:,}",
            notes=(
                *RULES,
                "Each cell: the median, and below it the 80% interval; no interval of people is narrower than the "
                f"error of assuming no change {BACKTEST_QUARTERS} quarters ahead, by size of council.",
                "Read along a row. Intervals overlap: do not rank councils.",
            ),
            **pack.modelled(prices="Cash", baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def _cells(table: pd.DataFrame, name: str, unit: int) -> list[str]:
    """Central figure above its range, or the range alone, or the mark that replaces both."""
    cells = []
    columns = (name, f"{name}_low80", f"{name}_high80")
    for central, low, high in zip(*(table[c] for c in columns), strict=True):
        if central == CONFIDENTIAL:
            cells.append(CONFIDENTIAL)
            continue
        ends = [v if isinstance(v, str) else number(v / unit) for v in (low, high)]
        if ends[0] == ends[1]:
            cells.append(ends[0])
            continue
        text = f"{ends[0]} to {ends[1]}"
        cells.append(text if central == NOT_GIVEN else f"{number(central / unit)}\n{text}")
    return cells


def council_map(pack: Pack) -> Exhibit:
    """Councils as hexagons: modelled people supported for each 10,000 residents at the end."""
    end = month(pack.end)
    table = council_estimates(pack)
    people = _central(pack, table)
    rate = 1e4 * people / table["population"]
    steps = np.searchsorted(MAP_STEPS, rate, side="right") - 1
    shown = pd.Series(rate.to_numpy(), index=table["lad_code"])
    limit = MAP_STEPS[-1]
    over = int((rate >= limit).sum())
    names = [step_name(MAP_STEPS, i) for i in range(len(MAP_STEPS))]
    bands = [CONFIDENTIAL if np.isnan(r) else names[s] for r, s in zip(rate, steps, strict=True)]
    data = table[["lad_code", "name", "region"]].assign(band=bands).sort_values(["region", "name"])
    counts = data["band"].value_counts()
    spoken = "; ".join(f"{name}: {int(counts.get(name, 0))} councils" for name in (*names, CONFIDENTIAL))
    return pack.add(
        Exhibit(
            kind="figure",
            name="council_map",
            title=(
                f"In {end}, under {pack.quoted(pack.baseline)}, {over or 'none'} of {len(table)} councils "
                f"{'are' if over > 1 else 'is'} at or above {limit} people for each 10,000 residents, the advisory "
                f"limit of 1 in {10_000 // limit}."
            ),
            subtitle=f"People supported for each 10,000 residents by council, median, {end}; one hexagon a council.",
            data=data,
            view=data.drop(columns="lad_code").set_axis(["Council", "Region", "For each 10,000 residents"], axis=1),
            units="people for each 10,000 residents, mid-2024 population, in steps",
            alternative=f"Map of equal hexagons in five steps of shading. {spoken}.",
            notes=(*RULES, "People supported in every type of accommodation; the limit is advisory."),
            draw=lambda: hexmap({"": shown}, MAP_STEPS, "People for each\n10,000 residents", "withheld [c]"),
            **pack.modelled(),
        )
    )


def _central(pack: Pack, table: pd.DataFrame) -> pd.Series:
    """Rounded median people of each council that is not suppressed; the map shows bands, which small ones may have."""
    stock = results.supported(pack.study, "council").isel(quarter_end=-1, drop=True).sel(arm=pack.baseline, drop=True)
    median = results.summarise(stock).set_index("council")["central"].loc[table["lad_code"]].to_numpy()
    rounded = pd.Series(BASE * np.floor(median / BASE + 0.5), index=table.index)
    return rounded.mask(table["people"] == CONFIDENTIAL)
