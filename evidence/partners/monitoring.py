"""The change plan monitored: people against plan by region, where they are heading, and milestones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evidence.drawing.style import BAND80, CATEGORIES, INK, panels, time_axis
from evidence.exhibits import Exhibit, Pack
from evidence.studies.projection import Projection, published
from evidence.wording import count, day, exact, listed, number, sentence, share, short_day, the
from params.plan import Milestone, Plan
from params.plan_example import ESTABLISHED
from sim.equity import share_gap


def actual() -> tuple[date, pd.Series]:
    """The latest published quarter end with dispersal accommodation by council, and people by council."""
    wide = published("dispersal")
    return wide.index[-1].date(), wide.iloc[-1]


def _regional(people: pd.Series, projection: Projection) -> pd.Series:
    region = projection.councils.set_index("lad_code")["region"]
    return people.groupby(region.reindex(people.index)).sum()


def planned(plan: Plan, level: str, on: date) -> pd.Series:
    """People wanted at a quarter end by place, empty where the plan says nothing of that date."""
    rows = {place: people for (kind, place, quarter), people in plan.targets.items() if kind == level and quarter == on}
    return pd.Series(rows, dtype=float)


def target_dates(plan: Plan, projection: Projection) -> list[date]:
    """Year ends with targets for regions that the projection reaches, or its last quarter with targets."""
    dates = sorted({quarter for level, _, quarter in plan.targets if level == "region"})
    reached = [quarter for quarter in dates if quarter in projection.quarters]
    ends = [quarter for quarter in reached if quarter.month == 12]
    return ends or reached[-1:]


def regions_table(shelf: Pack, plan: Plan, projection: Projection, region: str = "") -> Exhibit:
    """Every region's people and share of dispersal accommodation: actual, plan and projected, year end by year end."""
    now, people = actual()
    held = _regional(people, projection)
    names, projected = projection.regions(projection.dispersal)
    total = np.maximum(projected.sum(axis=2, keepdims=True), 1)
    shares = projected / total
    dates = target_dates(plan, projection)
    chosen = [dates[len(dates) // 2 - 1], dates[-1]] if len(dates) > 2 and not region else dates
    rows: list[dict[str, Any]] = []
    at_now = planned(plan, "region", now)
    for name in [region] if region else names:
        k = names.index(name)
        row: dict[str, Any] = {
            "region": name,
            "actual": int(held[name]),
            "actual_share": held[name] / held.sum(),
            "plan_now": at_now.get(name, np.nan),
        }
        for when in chosen:
            targets = planned(plan, "region", when)
            position = projection.at(when)
            low, central, high = np.quantile(shares[:, position, k], [0.1, 0.5, 0.9])
            people_low, people_central, people_high = np.quantile(projected[:, position, k], [0.1, 0.5, 0.9])
            row |= {
                f"plan_{when}": targets.get(name, np.nan),
                f"plan_share_{when}": targets.get(name, np.nan) / targets.sum(),
                f"projected_{when}": people_central,
                f"projected_{when}_low80": people_low,
                f"projected_{when}_high80": people_high,
                f"share_{when}": central,
                f"share_{when}_low80": low,
                f"share_{when}_high80": high,
            }
        rows.append(row)
    data = pd.DataFrame(rows)
    last = chosen[-1]
    data["gap"] = data["actual_share"] - data[f"plan_share_{last}"]
    data = data.sort_values("gap", ascending=False).reset_index(drop=True)
    if region:
        view, title = _region_view(data.iloc[0], chosen, now), _region_title(data.iloc[0], last, now)
    else:
        view, title = _regions_view(data, chosen, now), _regions_title(data, last)
    return shelf.add(
        Exhibit(
            kind="table",
            name="plan_region" if region else "plan_regions",
            title=title,
            subtitle=(
                f"People in dispersal accommodation: actual on {day(np.datetime64(now))}, plan and projection. "
                f"{plan.about.title} ({plan.label})."
            ),
            data=data,
            view=view,
            units="people; shares of all people in dispersal accommodation",
            notes=(
                f"Plan: {plan.about.source}.",
                "Shares are compared, because the national total may go another way than the plan assumed.",
            ),
            **projection.modelled(),
        )
    )


def _regions_view(data: pd.DataFrame, chosen: list[date], now: date) -> pd.DataFrame:
    view: dict[str, Any] = {
        "Region": data["region"],
        f"Actual {short_day(now)}": [exact(v) for v in data["actual"]],
        "Plan that day": [_target(v) for v in data["plan_now"]],
        "Share": [_percent(v) for v in data["actual_share"]],
    }
    for when in chosen:
        view[f"Plan share {short_day(when)}"] = [_percent(v) for v in data[f"plan_share_{when}"]]
        ends = zip(*(data[f"share_{when}{end}"] for end in ("", "_low80", "_high80")), strict=True)
        view[f"Projected share {short_day(when)}"] = [
            f"{_percent(central)}\n{_percent(low)} to {_percent(high)}" for central, low, high in ends
        ]
    return pd.DataFrame(view)


def _regions_title(data: pd.DataFrame, last: date) -> str:
    inside = data[f"plan_share_{last}"].between(data[f"share_{last}_low80"], data[f"share_{last}_high80"])
    top, bottom = data.iloc[0], data.iloc[-1]
    return sentence(
        f"At the end of {last.year} the plan's share lies inside the projected 80% interval in {int(inside.sum())} of "
        f"{len(data)} regions; {the(top['region'])} has the most above its planned share today "
        f"({_percent(top['actual_share'])} against {_percent(top[f'plan_share_{last}'])}), {the(bottom['region'])} the "
        f"most below ({_percent(bottom['actual_share'])} against {_percent(bottom[f'plan_share_{last}'])})"
    )


def _region_view(row: pd.Series, chosen: list[date], now: date) -> pd.DataFrame:
    lines = [
        {"Date": f"{short_day(now)} (actual)", "Plan, people": _target(row["plan_now"]), "Projected, people":
         exact(row["actual"]), "Plan, share": "", "Projected, share": _percent(row["actual_share"])}
    ]  # fmt: skip
    for when in chosen:
        people = [number(row[f"projected_{when}{end}"]) for end in ("", "_low80", "_high80")]
        shares = [_percent(row[f"share_{when}{end}"]) for end in ("", "_low80", "_high80")]
        lines.append(
            {
                "Date": short_day(when),
                "Plan, people": _target(row[f"plan_{when}"]),
                "Projected, people": f"{people[0]}\n{people[1]} to {people[2]}",
                "Plan, share": _percent(row[f"plan_share_{when}"]),
                "Projected, share": f"{shares[0]}\n{shares[1]} to {shares[2]}",
            }
        )
    return pd.DataFrame(lines)


def _region_title(row: pd.Series, last: date, now: date) -> str:
    return sentence(
        f"{the(row['region'])} has {exact(row['actual'])} people in dispersal accommodation, "
        f"{_percent(row['actual_share'])} of the UK's; the plan's share for the end of {last.year} is "
        f"{_percent(row[f'plan_share_{last}'])}, and the projection is between {_percent(row[f'share_{last}_low80'])} "
        f"and {_percent(row[f'share_{last}_high80'])}"
    )


def trajectory(shelf: Pack, plan: Plan, projection: Projection, region: str = "") -> Exhibit:
    """Shares of dispersal accommodation by region over time: published, projected with its fan, and the plan."""
    names, projected = projection.regions(projection.dispersal)
    shares = projected / np.maximum(projected.sum(axis=2, keepdims=True), 1)
    low, central, high = np.quantile(shares, [0.1, 0.5, 0.9], axis=0)
    wide = published("dispersal")
    wide = wide[wide.index >= "2023-06-30"]  # before, people in hotels were counted in
    regional = wide.T.groupby(projection.councils.set_index("lad_code")["region"].reindex(wide.columns)).sum().T
    regional = regional.div(regional.sum(axis=1), axis=0)
    rows: list[dict[str, Any]] = []
    shown = [region] if region else names
    for name in shown:
        k = names.index(name)
        rows += [
            {"region": name, "quarter_end": when.date(), "series": "published", "share": value}
            for when, value in zip(pd.DatetimeIndex(regional.index), regional[name].to_numpy(), strict=True)
        ]
        rows += [
            {"region": name, "quarter_end": when, "series": "projected", "share": central[q, k], "low80": low[q, k],
             "high80": high[q, k]}
            for q, when in enumerate(projection.quarters)
        ]  # fmt: skip
    dates = sorted({quarter for level, _, quarter in plan.targets if level == "region"})
    for when in dates:
        targets = planned(plan, "region", when)
        wanted = targets / targets.sum()
        rows += [
            {"region": name, "quarter_end": when, "series": "plan", "share": wanted[name]}
            for name in shown
            if name in wanted
        ]
    data = pd.DataFrame(rows)
    last = target_dates(plan, projection)[-1]
    position = projection.quarters.index(last)
    targets = planned(plan, "region", last)
    ends = {
        name: (
            float(targets.get(name, np.nan)) / float(targets.sum()),
            float(low[position, names.index(name)]),
            float(high[position, names.index(name)]),
        )
        for name in shown
    }
    spoken = [f"{n}: plan {_percent(p)}, projected {_percent(a)} to {_percent(b)}" for n, (p, a, b) in ends.items()]
    return shelf.add(
        Exhibit(
            kind="figure",
            name="plan_trajectory_region" if region else "plan_trajectory",
            title=_trajectory_title(ends, last),
            subtitle=(
                f"Share of the UK's people in dispersal accommodation{f', {region}' if region else ' by region'}: "
                f"published, projected, and plan ({plan.label})."
            ),
            data=data,
            units="share",
            alternative=f"Lines with 80% bands. At the end of {last.year}: {'; '.join(spoken)}.",
            notes=("Published points are joined by straight lines; no split was published for 2024Q4 to 2025Q3.",),
            draw=lambda: _draw_trajectory(data, shown),
            **projection.modelled(),
        )
    )


def _trajectory_title(ends: Mapping[str, tuple[float, float, float]], last: date) -> str:
    beyond = [name for name, (wanted, low, high) in ends.items() if wanted < low or wanted > high]
    if len(ends) == 1:
        where = "outside" if beyond else "inside"
        return sentence(f"The plan's share for the end of {last.year} lies {where} the projected range")
    if not beyond:
        return sentence(f"Every region's plan for the end of {last.year} lies inside its projected range")
    return sentence(
        f"On present course {len(beyond)} of {len(ends)} regions miss the plan for the end of {last.year}: "
        f"{listed([the(name) for name in beyond])}"
    )


def _draw_trajectory(data: pd.DataFrame, shown: list[str]) -> Figure:
    columns = min(4, len(shown))
    figure, grid = panels(-(-len(shown) // columns), columns, 6.4 if len(shown) > 4 else 3.4, sharex=True)
    for axes, name in zip(grid, shown, strict=False):
        mine = data[data["region"] == name].assign(x=lambda t: pd.to_datetime(t["quarter_end"]))
        lines = {series: rows for series, rows in mine.groupby("series")}
        fan = lines["projected"]
        axes.fill_between(fan["x"], 100 * fan["low80"], 100 * fan["high80"], color=CATEGORIES[0], alpha=BAND80, lw=0)
        axes.plot(fan["x"], 100 * fan["share"], color=CATEGORIES[0])
        axes.plot(lines["published"]["x"], 100 * lines["published"]["share"], color=INK, lw=1.6)
        if "plan" in lines:
            axes.plot(lines["plan"]["x"], 100 * lines["plan"]["share"], color=CATEGORIES[2], lw=1.8, ls=(0, (3, 2)))
        if len(shown) > 1:
            axes.set_title(name.replace(" and The ", " and\nThe "), fontsize=9)
        top = 100 * float(mine[["share", "high80"]].max().max())
        axes.set_ylim(0, 1.15 * top)
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:g}%")
        time_axis(axes, 2 if len(shown) > 1 else 1)
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    first = grid[0]
    handles = [
        *first.plot([], [], color=INK, lw=1.6, label="published"),
        *first.plot([], [], color=CATEGORIES[0], label="projected, with 80% band"),
        *first.plot([], [], color=CATEGORIES[2], lw=1.8, ls=(0, (3, 2)), label="plan"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    return figure


def judged(milestone: Milestone, projection: Projection, people: pd.Series, contingency: pd.Series) -> dict[str, Any]:
    """One milestone's value today, its projected range at its date, and the probability of meeting it.

    Args:
        people, contingency: published people by council in dispersal and in contingency accommodation.
    """
    position = projection.at(milestone.by)
    codes = projection.councils["lad_code"]
    today = _measured(
        milestone,
        projection,
        people.reindex(codes).to_numpy()[None, None, :],
        contingency.reindex(codes).to_numpy()[None, None, :],
    )[0, 0]
    row: dict[str, Any] = {
        "by": milestone.by,
        "milestone": milestone.label,
        "measure": milestone.measure,
        "place": milestone.place or "United Kingdom",
        "at_least": np.nan if milestone.at_least is None else milestone.at_least,
        "at_most": np.nan if milestone.at_most is None else milestone.at_most,
        "today": float(today),
    }
    if position is None:
        return row | {"central": np.nan, "low80": np.nan, "high80": np.nan, "probability": np.nan, "error": np.nan}
    at = slice(position, position + 1)
    values = _measured(milestone, projection, projection.dispersal[:, at], projection.contingency[:, at])[:, 0]
    met = values >= milestone.at_least if milestone.at_least is not None else values <= float(milestone.at_most or 0)
    probability, error = projection.chance(met)
    low, central, high = np.quantile(values, [0.1, 0.5, 0.9])
    return row | {"central": central, "low80": low, "high80": high, "probability": probability, "error": error}


def _measured(milestone: Milestone, projection: Projection, dispersal: np.ndarray, contingency: np.ndarray) -> Any:
    """A milestone's measure (sample, quarter) from people (sample, quarter, council)."""
    table = projection.councils
    if milestone.measure == "gap_between_regions":
        names, regional = projection.regions(dispersal)
        population = table.groupby("region")["population"].sum().loc[names].to_numpy(float)
        return np.apply_along_axis(share_gap, 2, regional.astype(float), population)
    inside = np.ones(len(table), bool)
    if milestone.place:
        inside = ((table["region"] == milestone.place) | (table["lad_code"] == milestone.place)).to_numpy()
    if milestone.measure == "contingency":
        return contingency[..., inside].sum(axis=2)
    if milestone.measure == "councils":
        return (dispersal[..., inside] >= ESTABLISHED).sum(axis=2)
    here = dispersal[..., inside].sum(axis=2)
    return here if milestone.measure == "people" else here / np.maximum(dispersal.sum(axis=2), 1)


def milestones_table(shelf: Pack, plan: Plan, projection: Projection, region: str = "") -> Exhibit | None:
    """Every milestone with the probability of meeting it; those of one region and of the UK when a region is given."""
    _, people = actual()
    contingency = published().iloc[-1]
    wanted = [m for m in plan.about.milestones if not region or m.place in ("", region)]
    if not wanted:
        return None
    data = pd.DataFrame([judged(m, projection, people, contingency) for m in wanted])
    unit = {"region_share": _percent}
    shown = [(unit.get(r["measure"], number), r) for _, r in data.iterrows()]
    view = pd.DataFrame(
        {
            "By": [short_day(v) for v in data["by"]],
            "Milestone": data["milestone"],
            "Today": [show(r["today"]) for show, r in shown],
            "Projected": [
                "beyond the projection"
                if np.isnan(r["central"])
                else f"{show(r['central'])}\n{show(r['low80'])} to {show(r['high80'])}"
                for show, r in shown
            ],
            "Probability": [chance_words(r["probability"], r["error"]) for _, r in data.iterrows()],
        }
    )
    likely = int((data["probability"] >= 0.5).sum())
    known = int(data["probability"].notna().sum())
    return shelf.add(
        Exhibit(
            kind="table",
            name="plan_milestones_region" if region else "plan_milestones",
            title=sentence(
                f"{likely or 'none'} of {count(known, 'milestone', 'milestones')} {'are' if likely > 1 else 'is'} more "
                "likely than not to be met on present course"
            ),
            subtitle=f"Milestones of the plan ({plan.label}) and the probability of meeting each.",
            data=data,
            view=view,
            row_headers=2,
            units="people, councils or shares, as the milestone says; probability",
            notes=(
                "Probability: share of the joint samples in which the milestone holds at its date; in brackets, where "
                "it matters, plus or minus two Monte Carlo standard errors. It is conditional on the projection being "
                "right about the process.",
            ),
            **projection.modelled(),
        )
    )


def chance_words(probability: float, error: float) -> str:
    """A probability as a percentage, with two standard errors where they are a point or more."""
    if np.isnan(probability):
        return "not known"
    shown = points(probability)
    return shown if np.isnan(error) or 200 * error < 1 else f"{shown} (±{round(200 * error)} points)"


def points(probability: float) -> str:
    """A probability as a whole percentage; no sample, or every sample, is not certainty."""
    if probability < 0.01:
        return "1% or less"
    return "99% or more" if probability > 0.99 else share(probability)


def _percent(value: float) -> str:
    return "not set" if np.isnan(value) else f"{100 * value:.1f}%"


def _target(value: float) -> str:
    return "not set" if np.isnan(value) else exact(value)
