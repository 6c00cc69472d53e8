"""The redistribution pathway: equity metrics side by side for today, the plan, each allocation rule and the optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import params
from evidence import records, results
from evidence.drawing.hexmap import LAYOUT, hexmap, step_name
from evidence.exhibits import DERIVED, Exhibit, Pack, open_pack
from evidence.partners.monitoring import actual, planned
from evidence.partners.plan_status import shelf_of, stated
from evidence.reporting import briefs
from evidence.studies.projection import councils_of, newest_study, project
from evidence.wording import day, exact, number, number_range, sentence, share, the
from params.plan import Plan, read_plan
from params.plan_example import quarter_ends
from sim import equity

FILE = "allocation.toml"
HOW = f"`dispersal study params/studies/{FILE}` simulates the four rules in pairs; this page then shows the result."
TODAY, PLAN, REACHABLE = "Today", "Plan", "Optimum reachable"
RULES = {
    "status_quo": "Current practice",
    "population_share": "Population share",
    "index": "Transparent index",
    "equity_lp": "Least largest rate",
}
METRICS: Mapping[str, str] = {
    "gap_between_regions": "People above their region's population share",
    "gap_between_councils": "People above their council's population share",
    "gap_by_index": "People above their council's share by the index",
    "hoover_index_councils": "Hoover index between councils (0 even, 1 uneven)",
    "gini_councils": "Gini of the rate between councils (0 even, 1 uneven)",
    "largest_rate": "Largest rate of a council, people for each 10,000 residents",
    "councils_above_cluster_limit": "Councils above the cluster limit of 1 in 200",
    "councils_with_ten": "Councils with ten people or more",
}
STEPS = (0, 2, 5, 10, 20)
WHAT = (
    "All columns are about people in dispersal accommodation, with today's national total, so that only the spread "
    "differs. The rules' columns show where each rule points when nothing else decides: where everybody would be in "
    "the end, not by when. Current practice points nowhere else than today.",
    "Optimum reachable: the least uneven rates that can be had by the plan's last date when nobody is moved and places "
    "close at the usual rate of hand-backs.",
)


def placements(plan: Plan) -> tuple[pd.DataFrame, date]:
    """People in dispersal accommodation of each council today, in the plan, by each rule and at the optimum.

    Returns:
        A column for each, index lad_code, all with today's total; and the plan's last date for councils.
    """
    now_day, people = actual()
    councils = params.reference("councils").set_index("lad_code").loc[people.index]
    population = councils["population"].to_numpy(float)
    now = params.load().at(now_day)
    total = float(people.sum())
    room = np.floor(population * now.placement.cluster_limit)
    last = max((quarter for level, _, quarter in plan.targets if level == "council"), default=now_day)
    wanted = planned(plan, "council", last).reindex(people.index)
    index = equity.index_weight(councils.reset_index(), now)
    quarters = len(quarter_ends(now_day, last))
    kept = people.to_numpy(float) * (1 - now.procurement.handback_rate) ** (3 * quarters)
    table = {
        TODAY: people.to_numpy(float),
        PLAN: (wanted * total / wanted.sum()).to_numpy() if wanted.notna().all() else np.full(len(people), np.nan),
        RULES["status_quo"]: people.to_numpy(float),
        RULES["population_share"]: total * population / population.sum(),
        RULES["index"]: total * index / index.sum(),
        RULES["equity_lp"]: equity.least_largest_rate(total, population, room),
        REACHABLE: least_uneven(total, population, kept, np.maximum(room, kept)),
    }
    return pd.DataFrame(table, index=people.index), last


def least_uneven(total: float, weight: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Share `total` at one common rate, but for places held at a least or a most: the rates are then least uneven.

    Args:
        total: people to place, between all of `least` and all of `most`.
        weight: (place,) positive.
        least, most: (place,) bounds, in people.
    """
    low, high = 0.0, float((most / weight).max())
    for _ in range(100):
        rate = (low + high) / 2
        low, high = (rate, high) if np.clip(rate * weight, least, most).sum() < total else (low, rate)
    return np.asarray(np.clip(high * weight, least, most))


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """Every metric of every column of people by council, index metric."""
    now_day, _ = actual()
    now = params.load().at(now_day)
    councils = params.reference("councils")
    population = councils.set_index("lad_code").loc[table.index, "population"].to_numpy(float)
    found = {}
    for name in table:
        stock = pd.DataFrame(0.0, index=table.index, columns=["contingency_hotel", "contingency_other", "subsistence"])
        stock["dispersal"] = stock["total"] = table[name]
        metrics = equity.metrics(stock, councils, now)
        found[name] = metrics.to_dict() | {
            "largest_rate": 1e4 * float((table[name] / population).max()),
            "councils_with_ten": float((table[name] >= 10).sum()),
        }
    return pd.DataFrame(found).loc[list(METRICS)]


def metrics_table(shelf: Pack, table: pd.DataFrame, last: date, plan: Plan) -> Exhibit:
    """The metrics side by side."""
    found = measured(table.dropna(axis=1))
    view = found.map(_metric)
    view.insert(0, "Metric", [METRICS[name] for name in found.index])
    gap = dict(zip(found.columns, found.loc["gap_between_regions"].to_numpy(float), strict=True))
    return shelf.add(
        Exhibit(
            kind="table",
            name="pathway_metrics",
            title=sentence(
                f"{number(gap[TODAY])} people live in another region than an even spread would have them in; the "
                f"optimum reachable by {day(np.datetime64(last))} without moving anybody leaves "
                f"{number(gap[REACHABLE])}"
            ),
            subtitle="Equity metrics of dispersal accommodation side by side; none is the one definition of fair.",
            data=found.reset_index(names="metric"),
            view=view.reset_index(drop=True),
            units="as each metric says",
            notes=(*WHAT, _coincide(table), f"Plan: {plan.label}."),
            **_basis(),
        )
    )


def _metric(value: float) -> str:
    near = round(value, 2) + 0.0
    return f"{near:.2f}" if 0 < near < 1 else number(near)


def _coincide(table: pd.DataFrame) -> str:
    same = np.allclose(table[RULES["population_share"]], table[RULES["equity_lp"]], rtol=1e-3, atol=0.5)
    if same:
        return "The cluster limit binds nowhere at this total, so the least largest rate is the population share."
    return "The cluster limit binds, so the least largest rate differs from the population share."


def regions_table(shelf: Pack, table: pd.DataFrame) -> Exhibit:
    """The same placements summed to regions."""
    region = params.reference("councils").set_index("lad_code")["region"].reindex(table.index)
    data = table.dropna(axis=1).groupby(region).sum()
    change = (data[REACHABLE] - data[TODAY]).sort_values()
    data = data.loc[change.index]
    view = data.map(lambda v: number(v))
    view[TODAY] = [exact(v) for v in data[TODAY]]
    view.insert(0, "Region", data.index)
    more, less = str(change.index[-1]), str(change.index[0])
    return shelf.add(
        Exhibit(
            kind="table",
            name="pathway_regions",
            title=sentence(
                f"On the pathway {the(more)} gains most ({number(change[more])} people) and {the(less)} loses most "
                f"({number(-change[less])}) without moving anybody"
            ),
            subtitle="People in dispersal accommodation by region: today, the plan, each rule and the optimum.",
            data=data.reset_index(),
            view=view.reset_index(drop=True),
            units="people",
            notes=WHAT,
            **_basis(),
        )
    )


def pathway_map(shelf: Pack, table: pd.DataFrame, last: date) -> Exhibit:
    """Councils as hexagons: today, the plan and the optimum reachable, on one scale; the table has every council."""
    councils = councils_of(list(table.index)).set_index("lad_code")
    shown = [name for name in (TODAY, PLAN, REACHABLE) if table[name].notna().all()]
    rates = 1e4 * table[shown].div(councils["population"], axis=0)
    bands = rates.apply(
        lambda column: [step_name(STEPS, int(np.searchsorted(STEPS, v, side="right")) - 1) for v in column]
    )
    data = pd.concat([councils[["name", "region"]], bands], axis=1).rename_axis("lad_code").reset_index()
    data = data.sort_values(["region", "name"])
    top = step_name(STEPS, len(STEPS) - 1)
    counts = {name: int((bands[name] == top).sum()) for name in shown}
    spoken = "; ".join(
        f"{name}: " + ", ".join(f"{label} in {int((bands[name] == label).sum())}" for label in _labels())
        for name in shown
    )
    titles = {TODAY: "Today (published)", PLAN: f"Plan, {last.year}", REACHABLE: f"Optimum reachable, {last.year}"}
    return shelf.add(
        Exhibit(
            kind="figure",
            name="pathway_map",
            title=sentence(
                f"{counts[TODAY]} councils have {top} people in dispersal accommodation for each 10,000 residents "
                f"today; at the optimum reachable {counts[REACHABLE]} do"
            ),
            subtitle="People in dispersal accommodation for each 10,000 residents by council; one hexagon a council.",
            data=data,
            view=data.drop(columns="lad_code").rename(columns={"name": "Council", "region": "Region"} | titles),
            units="people for each 10,000 residents, mid-2024 population, in steps",
            alternative=f"{len(shown)} maps of equal hexagons in {len(STEPS)} shades, councils in each step. {spoken}.",
            notes=(LAYOUT,),
            draw=lambda: hexmap({titles[name]: rates[name] for name in shown}, STEPS, "For each 10,000 residents"),
            **_basis(),
        )
    )


def _labels() -> list[str]:
    return [step_name(STEPS, i) for i in range(len(STEPS))]


def _basis() -> dict[str, Any]:
    return {
        "label": DERIVED,
        "source": (
            "people in dispersal accommodation (Home Office, Asy_D11 and Reg_02), mid-2024 populations (Office for "
            "National Statistics), equity and placement assumptions of the register"
        ),
    }


def simulated_table(shelf: Pack, runs: Path) -> Exhibit | None:
    """How far each rule gets in simulation by the end of a finished study; None without one."""
    study_id = newest_study(runs, FILE)
    if study_id is None:
        return None
    pack = open_pack(study_id, str(runs))
    pack.out = shelf.out
    stock = results.supported(pack.study, "council", results.DISPERSAL).isel(quarter_end=-1, drop=True)
    councils = params.reference("councils").set_index("lad_code").loc[pack.study["council"].values]
    population = councils["population"].to_numpy(float)
    names, code = np.unique(councils["region"].to_numpy(str), return_inverse=True)
    residents = np.bincount(code, population)
    measures: Mapping[str, Callable[[np.ndarray], float]] = {
        METRICS["gap_between_regions"]: lambda p: equity.share_gap(np.bincount(code, p, len(names)), residents),
        METRICS["gap_between_councils"]: lambda p: equity.share_gap(p, population),
        METRICS["gini_councils"]: lambda p: equity.gini(p, population),
        METRICS["councils_with_ten"]: lambda p: float((p >= 10).sum()),
    }
    parts = []
    for name, measure in measures.items():
        values = np.apply_along_axis(measure, stock.get_axis_num("council"), stock.values.astype(float))
        kept = stock.isel(council=0, drop=True).copy(data=values)
        parts.append(results.summarise(kept).assign(metric=name))
    data = pd.concat(parts, ignore_index=True)
    cells = [
        f"{_metric(c)}\n{_metric(a)} to {_metric(b)}"
        for c, a, b in zip(data["central"], data["low80"], data["high80"], strict=True)
    ]
    view = data.assign(cell=cells).pivot(index="metric", columns="arm", values="cell")
    view = view.loc[list(measures), list(pack.labels)].rename(columns=pack.labels)
    view.insert(0, "Metric", view.index)
    base = results.row(data, arm=pack.baseline, metric=METRICS["gap_between_regions"])
    best = data[data["metric"] == METRICS["gap_between_regions"]].reset_index(drop=True)
    arm = str(best["arm"][int(best["central"].to_numpy().argmin())])
    low = results.row(data, arm=arm, metric=METRICS["gap_between_regions"])
    return pack.add(
        Exhibit(
            kind="table",
            name="pathway_simulated",
            title=sentence(
                f"In simulation {pack.quoted(arm)} ends with the smallest gap between regions, "
                f"{number_range(low.low80, low.high80)} people against {number_range(base.low80, base.high80)} under "
                f"{pack.quoted(pack.baseline)}"
            ),
            subtitle=f"Equity metrics of dispersal accommodation on {day(pack.end)} under each rule, simulated.",
            data=data,
            view=view.reset_index(drop=True).rename_axis(columns=None),
            units="as each metric says",
            notes=("Rules choose among beds that providers find; they do not move anybody.",),
            **pack.modelled(),
        )
    )


def page(folder: Path | None, study: str | None, runs: Path, say: Callable[[str], None]) -> Path:
    """Write the pathway's page.

    Args:
        folder: a plan of one's own, or None.
        study: id of a finished study for the projection, or None.
        runs: folder of all runs.
        say: told one line when there is no PDF.

    Raises:
        InputError: a plan or study that cannot be used.
    """
    from evidence.partners import monitoring

    plan = read_plan(folder)
    projection = project(study, runs)
    simulated = newest_study(runs, FILE)

    def make(out: Path) -> list[briefs.Section]:
        shelf = shelf_of(projection, out)
        table, last = placements(plan)
        return [
            briefs.Section("Metrics side by side", [metrics_table(shelf, table, last, plan)]),
            briefs.Section("Region by region", [regions_table(shelf, table)]),
            briefs.Section("Map of councils", [pathway_map(shelf, table, last)]),
            briefs.Section("How far each rule gets", [simulated_table(shelf, runs) or f"Not simulated yet: {HOW}"]),
            briefs.Section("Where things are heading", [monitoring.trajectory(shelf, plan, projection)]),
        ]

    gap = share(1 - _closed(plan))
    return briefs.write(
        runs,
        "pathway",
        "Equity and the redistribution pathway",
        f"How evenly dispersal accommodation is spread, what each rule would do, and what could be reached without "
        f"moving anybody: {gap} of today's gap between regions would remain.",
        {
            "kind": "pathway",
            "plan": plan.about.title,
            "targets": records.digest([[*map(str, key), people] for key, people in plan.targets.items()]),
            "projection": projection.study,
            "simulated": simulated or "",
        },
        [name for name in (projection.study if projection.from_study else "", simulated) if name],
        make,
        {
            "Plan": f"{plan.about.title} ({plan.label})",
            "Figures": f"People in dispersal accommodation on {day(np.datetime64(actual()[0]))}. {stated(projection)}",
            "Equity": "Named metrics side by side; the joint definition is for the partnership to choose.",
        },
        say,
    )


def _closed(plan: Plan) -> float:
    """Share of today's gap between regions that the optimum reachable closes."""
    table, _ = placements(plan)
    gap = measured(table[[TODAY, REACHABLE]]).loc["gap_between_regions"]
    today, reachable = gap.to_numpy(float)
    return float(1 - reachable / max(today, 1.0))
