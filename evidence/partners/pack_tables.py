"""Tables that only the partnership's packs show: the quarter by place, equity inside a region, funding, forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import params
from evidence import results
from evidence.chapters import pressure
from evidence.chapters.funding import ranged
from evidence.disclosure import BASE, CONFIDENTIAL
from evidence.drawing.style import CATEGORIES, count_axis, panels
from evidence.exhibits import DERIVED, MODELLED, OFFICIAL, Exhibit, Pack
from evidence.partners.council_states import STATE_WORDS
from evidence.partners.monitoring import actual, planned
from evidence.studies.projection import Projection
from evidence.wording import (
    count,
    day,
    exact,
    money,
    month,
    net_cost,
    number,
    number_range,
    people_change,
    sentence,
    short_day,
    the,
)
from params.places import council_name
from params.plan import Plan
from sim.equity import share_gap

SOURCE = "Home Office, Asy_D11 and Reg_02"
QUARTERS_SHOWN = 5


def _support() -> pd.DataFrame:
    table = params.reference("support_by_council")
    councils = params.reference("councils").set_index("lad_code")
    names = councils.loc[table["lad_code"], ["name", "region", "population"]].reset_index(drop=True)
    return pd.concat([table.reset_index(drop=True), names], axis=1)


def quarter_by_region(shelf: Pack, region: str = "") -> Exhibit:
    """People supported at the latest quarter ends by region, or by council of one region, with the quarter's change."""
    table = _support()
    place = "name" if region else "region"
    if region:
        table = table[table["region"] == region]
    wide = table.pivot_table(index=place, columns="quarter_end", values="total", aggfunc="sum")
    wide = wide.iloc[:, -QUARTERS_SHOWN:]
    last, before = wide.columns[-1], wide.columns[-2]
    data = wide.astype(int).assign(change=(wide[last] - wide[before]).astype(int))
    data = data.sort_values(last, ascending=False)
    # The split by accommodation can be older than the totals: it then stands under its own date.
    split = table[table["dispersal"].notna()]
    split = split[split["quarter_end"] == split["quarter_end"].max()]
    dated = short_day(split["quarter_end"].max())
    kinds = {"Dispersal": ["dispersal"], "Contingency": ["contingency_hotel", "contingency_other"]}
    for name, columns in kinds.items():
        data[name] = split.groupby(place)[columns].sum().sum(axis=1).astype(int)
    total, moved = int(data[last].sum()), int(data["change"].sum())
    view = data.map(lambda v: exact(v) if v >= 0 else f"−{exact(-v)}")
    view.columns = [
        short_day(name) if isinstance(name, pd.Timestamp) else "Change" if name == "change" else f"{name}, {dated}"
        for name in data.columns
    ]
    view.insert(0, "Council" if region else "Region", data.index)
    where = the(region) if region else "the United Kingdom"
    return shelf.add(
        Exhibit(
            kind="table",
            name="quarter_councils" if region else "quarter_regions",
            title=sentence(
                f"{exact(total)} people were supported in {where} on {day(np.datetime64(last))}, "
                f"{people_change(moved, moved).removeprefix('about ')} than a quarter earlier"
            ),
            subtitle=f"People supported at quarter ends by {'council' if region else 'region'}, and in what.",
            data=data.rename(columns=lambda name: _iso(name)).reset_index(names=place),
            view=view.reset_index(drop=True),
            units="people",
            label=OFFICIAL,
            source=SOURCE,
            notes=(
                "The others supported are in initial or other accommodation or on subsistence only. Change: in the "
                "latest quarter.",
            ),
        )
    )


def _iso(name: object) -> str:
    return str(name.date()) if isinstance(name, pd.Timestamp) else str(name).lower()


def equity_inside(shelf: Pack, region: str) -> Exhibit:
    """Each council's share of its region's population and of its region's people in dispersal accommodation."""
    now, people = actual()
    councils = params.reference("councils").set_index("lad_code")
    here = councils[councils["region"] == region]
    data = here[["name", "population"]].assign(people=people.reindex(here.index))
    data["rate"] = 1e4 * data["people"] / data["population"]
    data["share_of_population"] = data["population"] / data["population"].sum()
    data["share_of_people"] = data["people"] / max(int(data["people"].sum()), 1)
    data = data.sort_values("rate", ascending=False).rename_axis("lad_code").reset_index()
    gap = share_gap(data["people"].to_numpy(float), data["population"].to_numpy(float))
    limit = 1e4 * params.load().at(now).placement.cluster_limit
    over = int((data["rate"] > limit).sum())
    view = pd.DataFrame(
        {
            "Council": data["name"],
            "Dispersal": [exact(v) for v in data["people"]],
            "For each 10,000 residents": [number(v) for v in data["rate"]],
            "Share of the region's population": [f"{100 * v:.1f}%" for v in data["share_of_population"]],
            "Share of the region's people": [f"{100 * v:.1f}%" for v in data["share_of_people"]],
        }
    )
    none = int((data["people"] == 0).sum())
    return shelf.add(
        Exhibit(
            kind="table",
            name="equity_inside_region",
            title=sentence(
                f"Within {the(region)}, {number(gap)} people live in another council than an even spread by population "
                f"would have them in; {count(none, 'council has', 'councils have')} nobody, "
                f"{over or 'none'} {'is' if over <= 1 else 'are'} above 1 in 200"
            ),
            subtitle=f"People in dispersal accommodation by council, {day(np.datetime64(now))}, and their even spread.",
            data=data,
            view=view,
            units="people; mid-2024 population",
            label=DERIVED,
            source=f"{SOURCE}; mid-2024 populations, Office for National Statistics",
        )
    )


def plan_council(shelf: Pack, plan: Plan, projection: Projection, code: str) -> Exhibit:
    """One council's part in the plan, its targets, and the range it may have, safe to publish."""
    now, people = actual()
    state = plan.states[code]
    k = list(projection.councils["lad_code"]).index(code)
    rows = [{"quarter_end": now, "plan": planned(plan, "council", now).get(code, np.nan), "low80": people[code],
             "high80": people[code], "published": 1}]  # fmt: skip
    for when in [q for q in projection.quarters if q.month == 12]:
        low, high = np.quantile(projection.dispersal[:, projection.quarters.index(when), k], [0.1, 0.9])
        rows.append(
            {"quarter_end": when, "plan": planned(plan, "council", when).get(code, np.nan), "low80": low,
             "high80": high, "published": 0}
        )  # fmt: skip
    data = pd.DataFrame(rows)
    modelled = data["published"] == 0
    for end in ("low80", "high80"):
        safe = [_counted(v) if m else int(v) for v, m in zip(data[end], modelled, strict=True)]
        data[end] = pd.Series(safe, dtype=object)
    view = pd.DataFrame(
        {
            "Date": [short_day(w) for w in data["quarter_end"]],
            "Plan": ["not set" if np.isnan(v) else exact(v) for v in data["plan"]],
            "Published, or projected 80% interval": [
                exact(a) if not m else _between(a, b)
                for a, b, m in zip(data["low80"], data["high80"], modelled, strict=True)
            ],
        }
    )
    return shelf.add(
        Exhibit(
            kind="table",
            name="plan_council",
            title=sentence(
                f"{council_name(code)} counts as “{STATE_WORDS[state.state]}” since {state.since.day} "
                f"{state.since:%B %Y}, {'inferred from the published stock' if state.inferred else 'as recorded'}"
            ),
            subtitle=f"People in dispersal accommodation: plan ({plan.label}), published and projected.",
            data=data,
            view=view,
            units="people; projected figures rounded to 5",
            notes=(f"Barrier: {plan.about.barriers.get(state.barrier, 'not known')}. "
                   f"Action: {plan.about.actions.get(state.action, 'none recorded')}.",),
            **projection.modelled(),
        )
    )  # fmt: skip


def _counted(value: float) -> int | str:
    """A modelled count of one place: rounded to 5, withheld below 5."""
    return CONFIDENTIAL if value < BASE else int(BASE * np.floor(value / BASE + 0.5))


def _between(low: int | str, high: int | str) -> str:
    if isinstance(high, str):
        return CONFIDENTIAL
    return f"{low if isinstance(low, str) else number(low)} to {number(high)}"


def _may_be(low: int | str, high: int | str) -> str:
    """The same range in a sentence."""
    if isinstance(high, str):
        return "is too small a number to give"
    return f"may be {f'up to {number(high)}' if isinstance(low, str) else number_range(low, high)}"


def forecast_region(shelf: Pack, projection: Projection, region: str) -> Exhibit:
    """People supported in one region, quarter by quarter."""
    names, supported = projection.regions(projection.supported)
    _, dispersal = projection.regions(projection.dispersal)
    _, contingency = projection.regions(projection.contingency)
    k = names.index(region)
    rows = []
    for q, when in enumerate(projection.quarters[:8]):
        row: dict[str, Any] = {"quarter_end": when}
        for name, values in (("supported", supported), ("dispersal", dispersal), ("contingency", contingency)):
            low, central, high = np.quantile(values[:, q, k], [0.1, 0.5, 0.9])
            row |= {name: _counted(central), f"{name}_low80": _counted(low), f"{name}_high80": _counted(high)}
        rows.append(row)
    data = pd.DataFrame(rows)
    view = pd.DataFrame({"Quarter end": [short_day(w) for w in data["quarter_end"]]})
    for name, heading in (("supported", "All supported"), ("dispersal", "Dispersal"), ("contingency", "Contingency")):
        view[heading] = [
            f"{c if isinstance(c, str) else number(c)}\n{_between(a, b)}"
            for c, a, b in zip(data[name], data[f"{name}_low80"], data[f"{name}_high80"], strict=True)
        ]
    last = data.iloc[min(3, len(data) - 1)]
    return shelf.add(
        Exhibit(
            kind="table",
            name="forecast_region",
            title=sentence(
                f"A year ahead {number_range(float(last['supported_low80']), float(last['supported_high80']))} people "
                f"may be supported in {the(region)}"
            ),
            subtitle=f"People supported in {the(region)} by quarter: median and 80% interval.",
            data=data,
            view=view,
            units="people, rounded to 5",
            **projection.modelled(),
        )
    )


def forecast_council(shelf: Pack, projection: Projection, code: str) -> Exhibit:
    """People supported in one council a year and two ahead: a range, no narrower than the record of such forecasts."""
    from forecasts.stock_scores import council_bar

    support = params.reference("support_by_council")
    history = support.pivot(index="quarter_end", columns="lad_code", values="total")
    held = int(history[code].iloc[-1])
    k = list(projection.councils["lad_code"]).index(code)
    ratios = results.persistence_ratios(history, 4)
    rows = []
    for q in (3, 7):
        low, high = np.quantile(projection.supported[:, q, k], [0.1, 0.9])
        rows.append({"quarter_end": projection.quarters[q], "central": held, "low80": low, "high80": high})
    names = {"central": "central", "low80": "low80", "high80": "high80"}
    table = pd.DataFrame(rows)
    wide = results.at_least_backtest(table, results.size_band(table["central"].astype(float)), ratios, names)
    for end in ("low80", "high80"):
        wide[end] = pd.Series([_counted(v) for v in wide[end]], dtype=object)
    data = wide.drop(columns="central")
    bar = council_bar()
    band = results.size_band(pd.Series([float(held)])).iloc[0]
    return shelf.add(
        Exhibit(
            kind="table",
            name="forecast_council",
            title=sentence(
                f"{exact(held) if held else 'no'} people are supported in {council_name(code)}; a year ahead it "
                f"{_may_be(*data.iloc[0][['low80', 'high80']])}"
            ),
            subtitle="People supported: 80% interval; no central figure, because for one council the last value is it.",
            data=data,
            view=pd.DataFrame(
                {
                    "Quarter end": [short_day(w) for w in data["quarter_end"]],
                    "80% interval": [_between(a, b) for a, b in zip(data["low80"], data["high80"], strict=True)],
                }
            ),
            units="people, rounded to 5",
            notes=(
                f"Among councils with {band} people the range is at least as wide as what happened to them in four "
                f"quarters since December 2022 (median error of the last value by size: "
                f"{', '.join(f'{r.size} {r.median:.0%}' for r in bar.itertuples())}).",
            ),
            **projection.modelled(),
        )
    )


def pressure_region(pack: Pack, region: str) -> Exhibit:
    """Councils of one region whose demand exceeds capacity, by service line and option, at the end of the study."""
    codes = [c for c, r in zip(pack.study["council"].values, pack.study["region"].values, strict=True) if r == region]
    ratio = pack.study["service_pressure_at_quarter_end"].isel(quarter_end=-1, drop=True).sel(council=codes)
    table = results.summarise(results.councils_over_capacity(ratio))
    labels = pack.service_labels
    base = table[table["arm"] == pack.baseline].sort_values("central", ascending=False)
    order = [str(s) for s in base["service"]]
    view = pd.DataFrame({"Service": [labels[s] for s in order]})
    for arm, label in pack.labels.items():
        own = table[table["arm"] == arm].set_index("service").loc[order]
        view[label] = [
            f"{round(c)}\n{round(a)} to {round(b)}"
            for c, a, b in zip(own["central"], own["low80"], own["high80"], strict=True)
        ]
    top = base.iloc[0]
    return pack.add(
        Exhibit(
            kind="table",
            name="pressure_region",
            title=sentence(
                f"In {the(region)} {pack.services_in_text[order[0]]} is the most stretched service: demand exceeds "
                f"capacity in {round(top['low80'])} to {round(top['high80'])} of {len(codes)} councils by "
                f"{month(pack.end)}"
            ),
            subtitle=f"Councils of {the(region)} whose demand exceeds capacity, by service line and option.",
            data=table.assign(region=region),
            view=view,
            units="councils",
            notes=("Demand and capacity are modelled; no source publishes either by council.",),
            **pack.modelled(),
        )
    )


def funding_region(pack: Pack, region: str) -> Exhibit:
    """Councils' net cost in one region by financial year and option."""
    cost = results.council_net_cost(pack.study, "region").sel(place=region, drop=True)
    table = results.summarise(cost)
    years = list(dict.fromkeys(table["financial_year"]))
    view = pd.DataFrame({"Financial year": years})
    for arm, label in pack.labels.items():
        view[label] = ranged(table[table["arm"] == arm], money)
    last = results.row(table, arm=pack.baseline, financial_year=years[-1])
    return pack.add(
        Exhibit(
            kind="table",
            name="funding_region",
            title=sentence(
                f"Councils in {the(region)} carry {net_cost(last.low80, last.high80)} in {years[-1]} under "
                f"{pack.quoted(pack.baseline)} (80% interval)"
            ),
            subtitle=f"Councils' gross cost of dispersal less grant in {the(region)} by option, cash.",
            data=table.assign(region=region),
            view=view,
            units="GBP cash",
            notes=("Council ledger only: the Home Office and other public bodies have ledgers of their own.",),
            **pack.modelled(prices="Cash"),
        )
    )


def council_row(pack: Pack, code: str) -> Exhibit:
    """One council's modelled people and net cost at the end of the study; disclosure control sees all councils."""
    rows = pressure.council_estimates(pack)
    row = rows[rows["lad_code"] == code].drop(columns=["hex_q", "hex_r"])
    one = row.iloc[0]
    lines = [("People supported, baseline", one["people"], one["people_low80"], one["people_high80"])]
    lines += [
        (f"Net cost, {label} (£)", one[f"cost_{arm}"], one[f"cost_{arm}_low80"], one[f"cost_{arm}_high80"])
        for arm, label in pack.labels.items()
    ]
    view = pd.DataFrame(
        {
            "Measure": [line[0] for line in lines],
            "Central": [_shown(line[1]) for line in lines],
            "80% interval": [
                CONFIDENTIAL if CONFIDENTIAL in line[1:] else f"{_shown(line[2])} to {_shown(line[3])}"
                for line in lines
            ],
        }
    )
    withheld = one["people"] == CONFIDENTIAL
    return pack.add(
        Exhibit(
            kind="table",
            name="council_position",
            title=(
                f"The modelled position of {council_name(code)} is withheld to protect small counts."
                if withheld
                else f"By {month(pack.end)} {_shown(one['people_low80'])} to {_shown(one['people_high80'])} people may "
                f"be supported in {council_name(code)}."
            ),
            subtitle="People at the end of the study and council net cost in its last complete financial year, cash.",
            data=row,
            view=view,
            units="people; GBP cash",
            notes=pressure.RULES,
            **pack.modelled(prices="Cash"),
        )
    )


def _shown(value: object) -> str:
    return str(value) if isinstance(value, str) else number(float(value))  # type: ignore[arg-type]


def revisions(shelf: Pack, archive: Path) -> Exhibit | str:
    """The change of the forecast since the last edition, in three parts; else one sentence on what is missing."""
    from forecasts import archive as kept
    from params.errors import InputError

    names = [edition.id for edition in kept.editions(archive)]
    if len(names) < 2:
        return (
            f"{count(len(names), 'edition is', 'editions are')} kept; a change needs two. `dispersal forecast archive` "
            "keeps this quarter's, and the next pack shows what changed and why."
        )
    try:
        change = kept.diff(archive, names[-2], names[-1])
    except InputError as error:
        return f"The change since edition {names[-2]} cannot be explained: {error}"
    data = change[(change["statistic"] == "median")].drop(columns="statistic")
    ends = data.groupby("series").tail(1).reset_index(drop=True)
    view = pd.DataFrame(
        {
            "Forecast": [f"{r['series']}, {r['target_quarter']}" for _, r in ends.iterrows()],
            f"Edition {names[-2]}": [number(v) for v in ends["earlier"]],
            "Method": [_signed(v) for v in ends["method"]],
            "Data revision": [_signed(v) for v in ends["revision"]],
            "New quarters": [_signed(v) for v in ends["new_quarter"]],
            f"Edition {names[-1]}": [number(v) for v in ends["later"]],
        }
    )
    top = ends.iloc[-1]
    moved = float(top["later"] - top["earlier"])
    return shelf.add(
        Exhibit(
            kind="figure",
            name="revision_waterfall",
            title=sentence(
                f"Since edition {names[-2]} the forecast of {top['series']} people for {top['target_quarter']} is "
                f"{people_change(moved, moved).replace('about ', '')}"
            ),
            subtitle="Median forecast: what the method, revised data and new quarters changed. Nothing is left over.",
            data=data,
            view=view,
            units="people",
            alternative="; ".join(
                f"{r['series']} {r['target_quarter']}: {number(r['earlier'])}, method {_signed(r['method'])}, data "
                f"revision {_signed(r['revision'])}, new quarters {_signed(r['new_quarter'])}, now {number(r['later'])}"
                for r in ends.to_dict("records")
            ),
            notes=(kept.ORDER,),
            draw=lambda: _waterfall(ends),
            label=MODELLED,
            source="kept editions of the forecast",
        )
    )


def _signed(value: float) -> str:
    return number(value) if value <= 0 else f"+{number(value)}"


def _waterfall(ends: pd.DataFrame) -> Figure:
    figure, grid = panels(1, len(ends), 3.4)
    for axes, row in zip(grid, ends.to_dict("records"), strict=True):
        steps = [("earlier", 0.0, row["earlier"])]
        level = row["earlier"]
        for name, label in (("method", "method"), ("revision", "data\nrevision"), ("new_quarter", "new\nquarters")):
            steps.append((label, level, row[name]))
            level += row[name]
        steps.append(("now", 0.0, row["later"]))
        for i, (_, base, height) in enumerate(steps):
            colour = CATEGORIES[0] if i in (0, len(steps) - 1) else CATEGORIES[1] if height >= 0 else CATEGORIES[2]
            axes.bar(i, height, bottom=base, color=colour, width=0.7)
            text = number(height) if i in (0, len(steps) - 1) else _signed(height)
            axes.annotate(text, (i, max(base, base + height)), ha="center", va="bottom", fontsize=8.5)
        axes.set_xticks(range(len(steps)), [label for label, _, _ in steps])
        axes.set_title(f"{row['series']}, {row['target_quarter']}")
        top = max(row["earlier"], row["later"])
        axes.set_ylim(0, 1.15 * top)
        count_axis(axes)
    return figure
