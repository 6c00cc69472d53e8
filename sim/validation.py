"""The model against what was published: patterns among councils, national stocks, and what theory fixes.

Every measure is a function of a panel of people by quarter and council, so the published panel and a simulated one
go through the same code. Nothing here changes the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

import params
from params import Assumptions
from params.assumptions import Step
from params.register import FOREVER, ROOT, read_toml
from sim.clock import months_after
from sim.council import ESTABLISHED
from sim.hindcast import MONTHS_A_QUARTER, given_flows, quarter_end
from sim.model import Start
from sim.starts import KINDS, largest_remainder, national, national_position, published_start

if TYPE_CHECKING:
    import xarray as xr

TARGETS = ROOT / "hindcast" / "targets.toml"
FREE_START, COHORT_START, LONG_START = "2023-06-30", "2022-12-31", "2015-06-30"
FIRST_END, END = "2024-09-30", "2025-12-31"  # ends of the two windows of entry and exit
CALM = ("2022-12-31", "2023-03-31", "2023-06-30", "2023-09-30")
DRIVE = ("2023-09-30", "2023-12-31", "2024-03-31", "2024-06-30")
_DISPERSAL, _HOTEL, _OTHER = (KINDS.index(k) for k in ("dispersal", "contingency_hotel", "contingency_other"))
_PER_YEAR = 4
_ERRORS = 2.5  # Monte Carlo standard errors that a theory check allows


@dataclass(frozen=True)
class Result:
    """One check: what was measured, what it must be, and whether it holds.

    Attributes:
        family: calibration, validation, national, cohort or theory.
        name: the pattern's number and title, or the name of the check.
        part: which part of it.
        value: measured, mean over replications.
        spread: standard deviation over replications (nan where there is one value).
        target: published value (nan where there is none).
        low: lowest value that holds.
        high: highest value that holds.
        note: what a reader should know.
    """

    family: str
    name: str
    part: str
    value: float
    spread: float
    target: float
    low: float
    high: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value lies inside; a value that could not be measured does not."""
        return bool(self.low <= self.value <= self.high)


Panel = Mapping[str, np.ndarray]  # people (council, 6) by quarter end


@lru_cache
def targets() -> dict[str, Any]:
    """The targets and tolerances of `params/hindcast/targets.toml`."""
    return read_toml(TARGETS)


# ---------------------------------------------------------------------- runs


def given(assumptions: Assumptions, start: str) -> tuple[Assumptions, xr.DataArray]:
    """Assumptions with the realised flows from a start to the last quarter published, and the intake."""
    months = _months_between(start, END)
    overrides, intake = given_flows(start, months)
    # Flows replace what the scenario says of them and nothing else.
    flows = params.load(assumptions.scenario, overrides)
    steps = dict(assumptions.steps) | {name: flows.steps[name] for name in overrides}
    # The drift of entry to support is the law's own error; a test of the law looks at its mean.
    steps["support.uptake_sd"] = (Step(FOREVER, 0.0, drawn=False),)
    return replace(assumptions, steps=MappingProxyType(steps)), intake


def panels(assumptions: Assumptions, start: str, replications: int, simulate: Simulate) -> list[xr.Dataset]:
    """Free runs from a published start to December 2025 with national flows given, one a replication."""
    moved, intake = given(assumptions, start)
    return simulate([(moved, intake, seed, published_start(start)) for seed in range(replications)])


Simulate = Callable[[Sequence[tuple[Assumptions, Any, int, Start]]], "list[xr.Dataset]"]


def panel_of(run: xr.Dataset) -> Panel:
    """People (council, 6) at each quarter end of a run."""
    stock = run["supported_at_month_end"]
    ends = stock["month_end"].values.astype("datetime64[D]").astype(str)
    return {end: stock.values[row].astype(float) for row, end in enumerate(ends) if row % MONTHS_A_QUARTER == 0}


def published_panel() -> Panel:
    """People (council, 6) at the quarter ends whose split is published."""
    table = params.reference("support_by_council")
    codes = params.reference("councils")["lad_code"]
    days = table.loc[table["dispersal"].notna(), "quarter_end"].unique()
    rows = {str(d.date()): table[table["quarter_end"] == d].set_index("lad_code").loc[codes, KINDS] for d in days}
    return {day: row.fillna(0).to_numpy(float) for day, row in rows.items()}


def national_start(day: str) -> Start:
    """A position before the published allocation: national stocks, spread over councils as in December 2022.

    Only the national totals of a run from it mean anything.
    """
    shape = published_start(COHORT_START)
    total = int(national("support_national", "total", day))
    stock = largest_remainder(total, shape.stock.ravel().astype(float)).reshape(shape.stock.shape)
    return Start(
        day=date.fromisoformat(day),
        stock=stock,
        national=national_position(date.fromisoformat(day)),
        baseline=stock[:, :-1].sum(axis=1).astype(float),
        decision_groups=shape.decision_groups,
        status="national_only",
    )


# ---------------------------------------------------------------------- patterns


def pattern_values(free: Panel, cohort: Panel) -> dict[str, float]:
    """Every measure of the fifteen patterns.

    Args:
        free: a run from June 2023, or the published panel.
        cohort: a run from December 2022, or the published panel.

    Returns:
        Values by the names of `targets.toml`; nan where a panel lacks the quarters.
    """
    dispersal = {day: stock[:, _DISPERSAL] for day, stock in free.items() if day >= FREE_START}
    hotels = {day: stock[:, _HOTEL] for day, stock in cohort.items()}
    first, middle, last = dispersal[FREE_START], dispersal[FIRST_END], dispersal[END]
    years = _quarters_between(FREE_START, END) / _PER_YEAR
    return {
        "gini_end": gini(last),
        "gini_fall": (gini(first) - gini(last)) / years,
        "top_10": top(last, 10),
        "top_50": top(last, 50),
        "zeros": float((last == 0).sum()),
        "under_10": float((last < ESTABLISHED).sum()),
        "entry_first": crossing(first, middle, up=True),
        "entry_second": crossing(middle, last, up=True),
        "exit_first": crossing(first, middle, up=False),
        "exit_second": crossing(middle, last, up=False),
        **_after_entry(dispersal),
        "slope_raw": size_slope(first, last, np.zeros(first.size, int)),
        "slope_area": size_slope(first, last, _areas()[0]),
        **_volatility(dispersal),
        **_elasticities(first, last),
        **_gross(dispersal),
        **_churn(dispersal),
        **_net(dispersal),
        "overlap_5": overlap(first, middle),
        "overlap_10": overlap(first, last),
        **_hotels(hotels, {day: stock[:, [_HOTEL, _OTHER]].sum(axis=1) for day, stock in cohort.items()}),
        **_population(last),
    }


def gini(people: np.ndarray) -> float:
    """Gini coefficient of people over councils, each council counting once."""
    ordered = np.sort(people)
    rank = np.arange(1, ordered.size + 1)
    return float((2 * rank - ordered.size - 1) @ ordered / (ordered.size * ordered.sum()))


def top(people: np.ndarray, count: int) -> float:
    """Share of people in the largest councils."""
    return float(np.sort(people)[-count:].sum() / people.sum())


def overlap(before: np.ndarray, after: np.ndarray) -> float:
    """1 less half the sum of absolute differences of shares."""
    return float(1 - np.abs(before / before.sum() - after / after.sum()).sum() / 2)


def crossing(before: np.ndarray, after: np.ndarray, up: bool) -> float:
    """Yearly chance of rising to ten people (or falling below), between the ends of a window of five quarters."""
    at_risk = (before < ESTABLISHED) == up
    crossed = at_risk & ((after >= ESTABLISHED) == up)
    years = _quarters_between(FREE_START, FIRST_END) / _PER_YEAR
    return float(1 - (1 - crossed.sum() / max(at_risk.sum(), 1)) ** (1 / years))


def size_slope(before: np.ndarray, after: np.ndarray, group: np.ndarray) -> float:
    """Slope of log growth on log size for councils with ten people or more, group effects removed."""
    kept = before >= ESTABLISHED
    x, y = np.log(before[kept]), np.log((after[kept] + 1) / (before[kept] + 1))
    number = group[kept]
    for values in (x, y):
        values -= (np.bincount(number, values) / np.maximum(np.bincount(number), 1))[number]
    return float(x @ y / (x @ x))


def robust_sd(values: np.ndarray) -> float:
    """Interquartile range over that of a standard normal."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float((high - low) / 1.34898)


def placement_elasticities(gross: np.ndarray, columns: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Elasticities of a conditional logit of placements within groups (Poisson pseudo-likelihood, group effects).

    Args:
        gross: (council,) people placed, 0 or more.
        columns: (council, k) logs of what they may follow.
        group: (council,) group whose total is given.
    """
    beta = np.zeros(columns.shape[1])
    totals = np.bincount(group, gross)
    for _ in range(50):
        score = columns @ beta
        weight = np.exp(score - score.max())
        share = weight / np.bincount(group, weight)[group]
        fitted = totals[group] * share
        mean = np.stack([np.bincount(group, share * column)[group] for column in columns.T], axis=1)
        centred = columns - mean
        step = np.linalg.solve((centred * fitted[:, None]).T @ centred, columns.T @ (gross - fitted))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(beta)


def _after_entry(dispersal: Panel) -> dict[str, float]:
    """Median size four and eight quarters after a council first has ten people, from its own quarter of entry."""
    days = sorted(dispersal)
    sizes: dict[int, list[float]] = {4: [], 8: []}
    inside = dispersal[days[0]] >= ESTABLISHED
    for day in days[1:]:
        entered = ~inside & (dispersal[day] >= ESTABLISHED)
        for ahead, found in sizes.items():
            later = _quarter_later(day, ahead)
            if later in dispersal:
                found += dispersal[later][entered].tolist()
        inside |= entered
    if not sizes[8]:  # published quarters end in 2024: those in by then, at the end
        entered = (dispersal[FREE_START] < ESTABLISHED) & (dispersal[FIRST_END] >= ESTABLISHED)
        sizes[8] = dispersal[END][entered].tolist()
    return {f"entered_{ahead}": float(np.median(found)) if found else np.nan for ahead, found in sizes.items()}


def _volatility(dispersal: Panel) -> dict[str, float]:
    """Robust spread of quarterly log changes by size to September 2024, and its exponent."""
    days = [day for day in sorted(dispersal) if day <= FIRST_END]
    size, change = [], []
    for before, after in zip(days, days[1:], strict=False):
        old, new = dispersal[before], dispersal[after]
        size.append(old)
        change.append(np.log((new + 1) / (old + 1)))
    people, moves = np.concatenate(size), np.concatenate(change)
    edges = [5, 20, 50, 100, 200, 500, 1000, np.inf]
    spread = {}
    for low, high in zip(edges, edges[1:], strict=False):
        chosen = (people >= low) & (people < high)
        if chosen.sum() > 5:
            spread[low] = (np.exp(np.log(people[chosen]).mean()), max(robust_sd(moves[chosen]), 1e-6), chosen.sum())
    middle, sd, count = (np.array(column) for column in zip(*spread.values(), strict=True))
    slope = np.polyfit(np.log(middle), np.log(sd), 1, w=np.sqrt(count))[0]
    return {
        "volatility_exponent": float(-slope),
        "volatility_small": float(spread[20][1]),
        "volatility_large": float(spread[500][1]),
    }


def _elasticities(first: np.ndarray, last: np.ndarray) -> dict[str, float]:
    area, _ = _areas()
    table = params.reference("councils")
    population = np.log(table["population"].to_numpy(float))
    gross = np.maximum(last - first, 0.0)
    stock, people = placement_elasticities(gross, np.stack([np.log(first + 5), population], axis=1), area)
    england = (table["nation"] == "England").to_numpy() & table["rent_2bed"].notna().to_numpy()
    rent = np.log(table["rent_2bed"].to_numpy(float)[england])
    inside = area[england]
    both = placement_elasticities(gross[england], np.stack([population[england], rent], axis=1), inside)
    return {"elasticity_stock": stock, "elasticity_population": people, "elasticity_rent": float(both[1])}


def _gross(dispersal: Panel) -> dict[str, float]:
    days = [day for day in sorted(dispersal) if day <= FIRST_END]
    falls, rises = [], []
    for before, after in zip(days, days[1:], strict=False):
        change, stock = dispersal[after] - dispersal[before], dispersal[before].sum()
        falls.append(-change[change < 0].sum() / stock)
        rises.append(change[change > 0].sum() / stock)
    return {"gross_falls": float(np.mean(falls)), "gross_rises": float(np.mean(rises))}


def _churn(dispersal: Panel) -> dict[str, float]:
    """Elasticities of a quarter's gross rises and falls, and how unevenly rises and areas move.

    To September 2024; area quarters are given. Falls are those of councils that had somebody. Dispersion is Pearson's
    chi-squared for each degree of freedom, in people: 1 if people were placed one by one.
    """
    area, names = _areas()
    population = np.log(params.reference("councils")["population"].to_numpy(float))
    days = [day for day in sorted(dispersal) if day <= FIRST_END]
    before = np.stack([dispersal[day] for day in days[:-1]])
    change = np.stack([dispersal[day] for day in days[1:]]) - before
    group = area + len(names) * np.arange(len(before))[:, None]
    columns = np.stack([np.log(before + 5), np.broadcast_to(population, before.shape)], axis=-1)
    totals = np.stack([np.bincount(area, dispersal[day], len(names)) for day in days])
    rises, (stock, people) = _placed(np.maximum(change, 0).ravel(), columns.reshape(-1, 2), group.ravel())
    had = before > 0
    _, (falls,) = _placed(np.maximum(-change, 0)[had], np.log(before[had])[:, None], group[had])
    return {
        "rises_stock": float(stock),
        "rises_population": float(people),
        "rises_dispersion": rises,
        "area_spread": float((np.diff(totals, axis=0) / totals[:-1]).std(axis=0).mean()),
        "falls_stock": float(falls),
    }


def _placed(gross: np.ndarray, columns: np.ndarray, group: np.ndarray) -> tuple[float, np.ndarray]:
    """Dispersion and elasticities of a conditional logit of placements."""
    beta = placement_elasticities(gross, columns, group)
    weight = np.exp(columns @ beta)
    fitted = np.bincount(group, gross)[group] * weight / np.bincount(group, weight)[group]
    some = fitted > 0
    free = some.sum() - beta.size - np.unique(group[some]).size
    return float(((gross - fitted)[some] ** 2 / fitted[some]).sum() / free), beta


def _net(dispersal: Panel) -> dict[str, float]:
    """Area quarters inside the range of 2014 to 2021, and the largest national rises.

    The range is a share of the area's stock. In people it would not carry over: areas hold 1.5 to 3 times as many as
    then, and only half of the published quarters since June 2023 lie inside.
    """
    area, names = _areas()
    days = sorted(dispersal)
    totals = {day: np.bincount(area, dispersal[day], len(names)) for day in days}
    usual = params.reference("dispersal_area_changes").set_index("contract_area")
    limits = usual.loc[names, ["low", "high"]].to_numpy(float)
    change = [
        (totals[after] - totals[before]) / totals[before]
        for before, after in zip(days, days[1:], strict=False)
        if _quarters_between(before, after) == 1
    ]
    inside = [(limits[:, 0] <= share) & (share <= limits[:, 1]) for share in change]
    largest = {}
    for name, ahead in (("uk_four", 4), ("uk_eight", 8)):
        rises = [
            float(totals[_quarter_later(day, ahead)].sum() - totals[day].sum())
            for day in days
            if _quarter_later(day, ahead) in totals
        ]
        largest[name] = max(rises) if rises else np.nan
    return {"area_inside": float(np.mean(inside)), **largest}


def _hotels(hotels: Panel, contingency: Panel) -> dict[str, float]:
    """Councils whose hotels close, by regime, and what is left of December 2022."""
    sizes: list[float] = []
    rate, lost, fall = {}, 0.0, 0.0
    for name, window in (("closing_calm", CALM), ("closing_drive", DRIVE)):
        closed = cases = 0
        for before, after in zip(window, window[1:], strict=False):
            has = hotels[before] >= ESTABLISHED
            shut = has & (hotels[after] < ESTABLISHED)
            closed, cases = closed + int(shut.sum()), cases + int(has.sum())
            sizes += hotels[before][shut].tolist()
            if window is DRIVE:
                lost += float((hotels[before] - hotels[after])[shut].sum())
                fall += float((hotels[before] - hotels[after]).sum())
        rate[name] = closed / max(cases, 1)
    had = hotels[COHORT_START] >= ESTABLISHED
    return {
        **rate,
        "closing_size": float(np.median(sizes)) if sizes else np.nan,
        "closing_share": lost / fall if fall > 0 else np.nan,
        "hotel_top_10": top(contingency[END], 10),
        "cohort_left": float((contingency[END][had] >= ESTABLISHED).mean()),
    }


def _population(people: np.ndarray) -> dict[str, float]:
    table = params.reference("councils")
    population = table["population"].to_numpy(float)
    share = people / population
    region = table["region"].map(sorted(table["region"].unique()).index).to_numpy()
    gap = people / people.sum() - population / population.sum()
    return {
        "over_04": float((share >= 0.004).sum()),
        "over_05": float((share >= 0.005).sum()),
        "dissimilarity_councils": float(50 * np.abs(gap).sum()),
        "dissimilarity_regions": float(50 * np.abs(np.bincount(region, gap)).sum()),
    }


def pattern_results(free: Sequence[Panel], cohort: Sequence[Panel]) -> list[Result]:
    """The fifteen patterns on runs from June 2023 and December 2022, paired by replication."""
    found = [pattern_values(one, two) for one, two in zip(free, cohort, strict=True)]
    published = published_values()
    results = []
    for pattern in targets()["pattern"]:
        for part in pattern["parts"]:
            values = np.array([value[part["name"]] for value in found])
            same = published[part["name"]]
            note = "" if part["low"] <= same <= part["high"] else f"the published figures, measured alike: {same:.3g}"
            results.append(
                Result(
                    pattern["use"], f"{pattern['number']} {pattern['title']}", part["label"], float(values.mean()),
                    float(values.std()), part["target"], part["low"], part["high"], note,
                )
            )  # fmt: skip
    return results


@lru_cache
def published_values() -> dict[str, float]:
    """Every measure of the patterns on the published panel, by the code that measures a simulated one."""
    return pattern_values(published_panel(), published_panel())


# ---------------------------------------------------------------------- calendar and places


def _areas() -> tuple[np.ndarray, list[str]]:
    column = params.reference("councils")["contract_area"]
    names = sorted(column.unique())
    return np.asarray(column.map(names.index).to_numpy(np.int64)), names


def _number(day: str) -> int:
    return int(day[:4]) * 4 + (int(day[5:7]) - 1) // MONTHS_A_QUARTER


def _quarters_between(first: str, last: str) -> int:
    return _number(last) - _number(first)


def _months_between(first: str, last: str) -> int:
    return MONTHS_A_QUARTER * _quarters_between(first, last)


def _quarter_later(day: str, ahead: int) -> str:
    return quarter_end(months_after(date.fromisoformat(day), ahead * MONTHS_A_QUARTER)[-1])


# ---------------------------------------------------------------------- national stocks


def national_results(long: Sequence[xr.Dataset], cohort: Sequence[xr.Dataset]) -> list[Result]:
    """National stocks conditional on flows, means over replications, against their tolerances.

    Args:
        long: runs from June 2015 (`national_start`), for awaiting, appeals and supported people.
        cohort: runs from December 2022, for accommodation, section 4 and homelessness duties.
    """
    rule = targets()["national"]
    results: list[Result] = []

    def add(name: str, part: str, value: float, target: float, low: float, high: float, note: str = "") -> None:
        results.append(Result("national", name, part, float(value), np.nan, target, float(low), float(high), note))

    awaiting, appeals, supported = (
        _mean_stock(long, name) for name in ("awaiting_at_month_end", "open_appeals_at_month_end", "supported")
    )
    truth = {
        "awaiting": _published("awaiting", "people"),
        "appeals": _published("appeals", "open_cases"),
        "supported": _published("support_national", "total"),
    }
    days = [day for day in awaiting if day > LONG_START]
    since = f"{LONG_START[:4]}Q2 on"
    miss = [abs(awaiting[d] - truth["awaiting"][d]) for d in days]
    allowed = [max(rule["awaiting_share"] * truth["awaiting"][d], rule["awaiting_people"]) for d in days]
    worst = max(zip(miss, allowed, days, strict=True), key=lambda row: row[0] / row[1])
    closes = _accounts_close(days)
    held = sum(m <= a for m, a in zip(miss, allowed, strict=True))
    note = f"worst {worst[2]}: {worst[0]:,.0f} off, {worst[1]:,.0f} allowed; the published accounts alone keep {closes}"
    add("Awaiting", f"quarters inside, of {len(days)} ({since})", held, len(days), len(days), len(days), note)
    drift = (awaiting[END] - awaiting["2019-12-31"]) - (truth["awaiting"][END] - truth["awaiting"]["2019-12-31"])
    add("Awaiting", "error gained in 24 quarters from 2019", drift, 0, -rule["awaiting_end"], rule["awaiting_end"])
    early = str(rule["appeals_early_until"])
    inside = [
        abs(appeals[d] - truth["appeals"][d])
        <= (rule["appeals_early_cases"] if d <= early else rule["appeals_share"] * truth["appeals"][d])
        for d in days
    ]
    add("Open appeals", f"quarters inside, of {len(days)} ({since})", sum(inside), len(days), len(days), len(days))
    end = truth["appeals"][END]
    add("Open appeals", "December 2025", appeals[END], end, end * (1 - rule["appeals_end_share"]),
        end * (1 + rule["appeals_end_share"]))  # fmt: skip
    error = np.array([supported[d] - truth["supported"][d] for d in days])
    add("Supported", "share of quarters within 6,000", (np.abs(error) <= rule["supported_people"]).mean(), 1.0,
        rule["supported_quarters"], 1.0)  # fmt: skip
    add("Supported", "root mean square error", np.sqrt((error**2).mean()), 0, 0, rule["supported_rmse"])
    add("Supported", "mean error", error.mean(), 0, -rule["supported_mean_error"], rule["supported_mean_error"])
    for day, wide in rule["ratio"]:
        key = str(day)
        target = truth["supported"][key] / truth["awaiting"][key]
        add("Supported over awaiting", key, supported[key] / awaiting[key], target, target - wide, target + wide)
    results += _accommodation_results(cohort, truth["supported"], rule)
    return results


def _accommodation_results(
    cohort: Sequence[xr.Dataset], supported: Mapping[str, float], rule: Mapping[str, Any]
) -> list[Result]:
    """Hotels, dispersal accommodation and duties of runs from December 2022."""
    results: list[Result] = []

    def add(name: str, part: str, value: float, target: float, low: float, high: float, note: str = "") -> None:
        results.append(Result("national", name, part, float(value), np.nan, target, float(low), float(high), note))

    mean = {day: np.mean([panel_of(run)[day].sum(axis=0) for run in cohort], axis=0) for day in panel_of(cohort[0])}
    hotels = _published("support_national", "hotel_latest_vintage")
    days = [day for day in mean if day > COHORT_START]
    simulated = np.array([mean[d][_HOTEL] - hotels[d] for d in days])
    # Hotels are what the rest does not hold: given the published total, the error is that of all other accommodation.
    others = np.array([hotels[d] - (supported[d] - (mean[d].sum() - mean[d][_HOTEL])) for d in days])
    add("Hotels, supported given", "largest error", np.abs(others).max(), 0, 0, rule["hotel_people"])
    add("Hotels, supported given", "mean absolute error", np.abs(others).mean(), 0, 0, rule["hotel_mae"])
    add("Hotels, supported simulated", "mean absolute error", np.abs(simulated).mean(), 0, 0,
        rule["hotel_mae_simulated"])  # fmt: skip
    dispersal = _published("support_national", "dispersal")
    for day in (FIRST_END, END):
        width = rule["dispersal_people"]
        add("Dispersal accommodation", day, mean[day][_DISPERSAL], dispersal[day], dispersal[day] - width,
            dispersal[day] + width)  # fmt: skip
    section_4 = np.mean([float(run["section_4_at_month_end"].values[-1]) for run in cohort])
    wanted, width = _published("support_national", "section_4")[END], rule["section_4_people"]
    add("Section 4", END, float(section_4), wanted, wanted - width, wanted + width,
        "entry and stay rest on the published stock to December 2024")
    england = cohort[0]["nation"].values == "England"
    duties = np.mean([
        float(run["homelessness_duties_in_month"].sel(month=slice("2023-04", "2024-03")).values[:, england].sum())
        for run in cohort
    ])  # fmt: skip
    add("Homelessness duties, England", "2023-24", duties, rule["duties"], rule["duties"] * (1 - rule["duties_share"]),
        rule["duties"] * (1 + rule["duties_share"]))  # fmt: skip
    return results


def cohort_results(shares: Sequence[Mapping[str, float]]) -> list[Result]:
    """Those who claimed in January 2023, followed to September 2025, against the National Audit Office's sample.

    A check of its own, apart from the national tolerances: the model has no removals.

    Args:
        shares: of `sim.followup.follow`, one a replication.
    """
    rule = targets()["claim_cohort"]
    name, wide = f"Claims of January 2023 by {rule['until']}", rule["points"]
    protected = 100 * np.array([share["protected"] for share in shares])

    def made(part: str, values: np.ndarray, target: float, note: str) -> Result:
        return Result("cohort", name, part, float(values.mean()), float(values.std()), target, target - wide,
                      target + wide, note)  # fmt: skip

    return [
        made("protected, %", protected, rule["protected"], "published quarterly shares of outcomes grant more than "
             "the cohort was granted"),
        made("removed or unresolved, %", 100 - protected, rule["removed"] + rule["unresolved"], ""),
        made("of these removed, %", np.array([np.nan]), rule["removed"], "not modelled"),
    ]  # fmt: skip


def followed(assumptions: Assumptions, replications: int) -> list[dict[str, float]]:
    """The claim cohort of `targets.toml` followed with the published flows given, one dictionary a replication."""
    from sim.followup import follow
    from sim.run import prepare

    moved, intake = given(assumptions, COHORT_START)
    months = targets()["claim_cohort"]["months"]
    return [follow(prepare(moved, intake, seed, COHORT_START), months) for seed in range(replications)]


def _mean_stock(runs: Sequence[xr.Dataset], name: str) -> dict[str, float]:
    """Mean over replications of a national stock, by quarter end."""
    found: list[np.ndarray] = []
    for run in runs:
        stock = run["supported_at_month_end"].sum(["council", "accommodation"]) if name == "supported" else run[name]
        found.append(stock.values[::MONTHS_A_QUARTER].astype(float))
    ends = runs[0]["month_end"].values[::MONTHS_A_QUARTER].astype("datetime64[D]").astype(str)
    return dict(zip(ends.tolist(), np.mean(found, axis=0).tolist(), strict=True))


def _published(table: str, column: str) -> dict[str, float]:
    rows = params.reference(table).dropna(subset=[column])
    return {str(d.date()): float(v) for d, v in zip(rows["quarter_end"], rows[column], strict=True)}


def _accounts_close(days: Sequence[str]) -> int:
    """Quarters in which published claims less outcomes, added up, stay within the tolerance for awaiting.

    The published stock does not follow from the published flows; no model that is given the flows can do better.
    """
    rule = targets()["national"]
    stock, claims, outcomes = (
        _published(t, c) for t, c in (("awaiting", "people"), ("intake", "people"), ("decisions", "outcomes"))
    )
    level, inside = stock[LONG_START], 0
    for day in days:
        level += claims[day] - outcomes[day]
        inside += abs(level - stock[day]) <= max(rule["awaiting_share"] * stock[day], rule["awaiting_people"])
    return inside


# ---------------------------------------------------------------------- theory


def theory_results(assumptions: Assumptions, replications: int, simulate: Simulate) -> list[Result]:
    """What must be true of any such model, with tolerances from the Monte Carlo error of paired replications."""
    import xarray as xr

    start, changed = published_start(END), date(2026, 2, 1)
    seeds = range(replications)

    def runs(months: int, people: int, scenario: str | None = None, **change: float) -> list[xr.Dataset]:
        moved = assumptions if scenario is None else params.load(scenario)
        steps = dict(moved.steps)
        for name, value in change.items():
            dotted = name.replace("__", ".")
            # From the second month on: the people of the start are the same in every arm.
            steps[dotted] = (*(s for s in steps[dotted] if s.start < changed), Step(changed, value, drawn=False))
        month = months_after(start.day, months).astype("datetime64[ns]")
        intake = xr.DataArray(np.full(months, people), {"month": month}, dims="month")
        held = replace(moved, steps=MappingProxyType(steps))
        return simulate([(held, intake, seed, start) for seed in seeds])

    results: list[Result] = []

    def add(name: str, part: str, values: np.ndarray, target: float, low: float, high: float) -> None:
        results.append(Result("theory", name, part, float(np.mean(values)), float(np.std(values)), target, low, high))

    def error(values: np.ndarray) -> float:
        return float(_ERRORS * np.std(values, ddof=1) / np.sqrt(len(values)))

    steady = runs(48, 8000)
    claims = np.array([run["claims_in_month"].values[-12:].mean() for run in steady])
    decided = np.array([run["decisions_in_month"].values[-12:].sum(axis=1).mean() for run in steady])
    queue = np.array([run["awaiting_at_month_end"].values[-12:].mean() for run in steady])
    limit = assumptions.at(date(2029, 12, 1)).decisions.queue_cap
    wait = queue / claims
    add("Little's law", "months of claims in a steady queue", wait, (1 - limit) / limit,
        (1 - limit) / limit - error(wait) - 0.05, (1 - limit) / limit + error(wait) + 0.05)  # fmt: skip
    add("Little's law", "decisions over claims when steady", decided / claims, 1.0, 1 - error(decided / claims) - 0.01,
        1 + error(decided / claims) + 0.01)  # fmt: skip
    for part, gap in _conservation(steady[0]).items():
        add("Conservation", part, np.array([gap]), 0.0, 0.0, 0.0)

    def monotone(part: str, difference: np.ndarray) -> None:
        add("Monotone", part, difference, np.nan, -error(difference), np.inf)

    slow, fast = runs(18, 8000, decisions__capacity=7000.0), runs(18, 8000, decisions__capacity=11000.0)
    monotone("more decision capacity, shorter queue (people)", _ends(slow, _queue) - _ends(fast, _queue))
    short, long = runs(12, 8000, decisions__notice_days=28.0), runs(12, 8000, decisions__notice_days=56.0)
    monotone("longer notice, more people supported", _ends(long, _supported) - _ends(short, _supported))
    none, full = runs(48, 8000, "no_grant"), runs(48, 8000, "full_cost_recovery")
    monotone("full funding, no fewer dispersal beds than none", _ends(full, _beds) - _ends(none, _beds))
    unmet = np.array([_gap(run) for run in full])
    add("Limits", "full cost recovery: share of cost not met", unmet, 0.0, -1e-4, 1e-4)
    paid = np.array([float(run["grant_in_month"].values[-12:].sum()) for run in none])
    add("Limits", "no grant: pounds paid in the last year", paid, 0.0, 0.0, 0.0)
    empty = np.array([float(run["supported_at_month_end"].values[-1, :, _HOTEL].sum()) for run in runs(36, 0)])
    add("Limits", "nobody arrives: people in hotels after three years", empty, 0.0, 0.0, 0.0)
    return results


def _conservation(run: xr.Dataset) -> dict[str, float]:
    """Largest monthly gap in each account of people or cases."""

    def gap(stock: np.ndarray, into: np.ndarray, out: np.ndarray) -> float:
        return float(np.abs(np.diff(stock.astype(float)) - into + out).max())

    supported = run["supported_at_month_end"].values.sum(axis=(1, 2))
    return {
        "awaiting: claims less outcomes": gap(
            run["awaiting_at_month_end"].values, run["claims_in_month"].values,
            run["decisions_in_month"].values.sum(axis=1),
        ),
        "appeals: lodged and unexplained less decided": gap(
            run["open_appeals_at_month_end"].values,
            run["appeals_lodged_in_month"].values + run["appeals_unexplained_in_month"].values,
            run["appeals_decided_in_month"].values,
        ),
        "supported: newly supported less exits": gap(
            supported, run["newly_supported_in_month"].values, run["exits_in_month"].values.sum(axis=1)
        ),
    }  # fmt: skip


def _ends(runs: Sequence[xr.Dataset], measure: Callable[[xr.Dataset], float]) -> np.ndarray:
    return np.array([measure(run) for run in runs])


def _queue(run: xr.Dataset) -> float:
    return float(run["awaiting_at_month_end"].values[-1])


def _supported(run: xr.Dataset) -> float:
    return float(run["supported_at_month_end"].values[-1].sum())


def _beds(run: xr.Dataset) -> float:
    return float(run["beds_at_month_end"].values[-1].sum())


def _gap(run: xr.Dataset) -> float:
    """Share of councils' cost that grant does not meet in the last whole financial year of a run."""
    year = {"month": slice("2028-04", "2029-03")}
    cost = float(run["council_gross_cost_in_month"].sel(year).sum())
    return (cost - float(run["grant_in_month"].sel(year).sum())) / cost
