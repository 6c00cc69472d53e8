"""Runs from a past quarter end: what is given, what was known then, and what is widened because it was not.

A conditional run gets the realised claims, initial outcomes and appeals of the months after its start: it tests
structure. An unconditional run gets what was known at its start, and an intake path from outside.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

import params
from params import Assumptions, InputError
from params.assumptions import Step
from params.register import FOREVER, ROOT, Assumption, describe, find, read_toml
from sim.clock import months_after
from sim.starts import KINDS, largest_remainder, published_start, start_day

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

MONTHS_A_QUARTER = 3
PRIORS = ROOT / "hindcast" / "priors.toml"


def given_flows(start: str | date, months: int) -> tuple[dict[str, Any], xr.DataArray]:
    """What happened after a start, as assumptions and an intake path for `sim.simulate`.

    Initial outcomes by kind, and appeals received and decided, become dated values by quarter, with the capacity
    noise off and no limit on the share of the queue decided. Appeals beyond those that refusals explain enter as
    the residual inflow, and the residual of the appeals stock itself stays.

    Args:
        start: quarter end the run starts from.
        months: months of the run, all of them published.

    Returns:
        Overrides for `params.load`, and people claiming (month,) in whole numbers.

    Raises:
        InputError: flows are not published for every month asked for.

    Source: reference tables `intake`, `decisions` and `appeals`; claims are split into months by calendar days.
    """
    day = start if isinstance(start, date) else start_day(start)
    flows = published_flows()
    calendar = months_after(day, months)
    quarters = [quarter_end(month) for month in calendar]
    missing = [q for q in quarters if q not in flows.index]
    if missing:
        raise InputError(f"start: flows of {missing[0]} are not published. Nearest: {flows.index[-1]}.")
    rows = flows.loc[sorted(set(quarters))]
    now = params.load().at(day)
    refused = rows["refusals"] * households_a_person(now)
    share = np.minimum(now.appeals.share_of_refused, rows["receipts"] / refused)
    others = np.maximum(rows["receipts"] - share * refused, 0) + appeals_residual(day) * rows["disposals"]
    outcomes = rows["outcomes"]
    dated = {
        "decisions.capacity": outcomes / MONTHS_A_QUARTER,
        "decisions.grant_share": rows["grants"] / outcomes,
        "decisions.withdrawn_share": rows["withdrawals"] / outcomes,
        "decisions.administrative_share": rows["administrative"] / outcomes,
        "appeals.capacity": rows["disposals"] / MONTHS_A_QUARTER,
        "appeals.share_of_refused": share,
        "appeals.unexplained_inflow": others / MONTHS_A_QUARTER,
    }
    overrides: dict[str, Any] = {"decisions.capacity_sd": 0.0, "decisions.grant_odds_sd": 0.0}
    overrides["decisions.queue_cap"] = 1.0
    for name, values in dated.items():
        steps = [{"from": _first_day(q), "value": float(v)} for q, v in values.items()]
        overrides[name] = {"dated": steps}
    return overrides, _monthly(rows["people"], calendar)


def appeals_residual(day: date) -> float:
    """Cases that the open appeals gain beyond receipts less disposals, for each case disposed of.

    Cases set aside, remitted or reopened come back without a new receipt: over every span of the published series
    the gain is nearer a share of disposals than a number a quarter. Measured on the quarters up to the start; before
    there is a year of them, up to December 2022.

    Source: reference table `appeals` (MoJ Tribunal Statistics Quarterly).
    """
    table = params.reference("appeals")
    known = table[table["open_cases"].notna()]
    until = known["quarter_end"] <= np.datetime64(day)
    if until.sum() < 4:
        until = known["quarter_end"] <= np.datetime64("2022-12-31")
    rows = known[until]
    gain = rows["open_cases"].diff() - rows["receipts"] + rows["disposals"]
    return float(gain.iloc[1:].sum() / rows["disposals"].iloc[1:].sum())


def households_a_person(now: Any) -> float:
    """Households for each person claiming: families and single people, and children who come alone."""
    alone = now.intake.unaccompanied_share
    return float((1 - alone) / people_a_household(now) + alone)


def people_a_household(now: Any) -> float:
    """Mean people in a claiming household."""
    sizes = [share for _, share in now.intake.family_size.items()]
    family = float(np.average(np.arange(2, 2 + len(sizes)), weights=sizes))
    return 1 + float(now.intake.family_share) * (family - 1)


def published_flows() -> pd.DataFrame:
    """Claims, initial outcomes and appeals by quarter end (text, such as 2025-12-31), where all are published."""
    tables = [params.reference(name).set_index("quarter_end") for name in ("intake", "decisions", "appeals")]
    joined = tables[0][["people"]].join(tables[1], how="inner").join(tables[2], how="inner")
    joined.index = [str(day.date()) for day in joined.index]
    return joined


def quarter_end(month: np.datetime64) -> str:
    """The last day of the quarter of a month, as the tables write it."""
    number = int(month.astype("datetime64[M]").astype(int))
    after = np.datetime64(number - number % MONTHS_A_QUARTER + MONTHS_A_QUARTER, "M")
    return str(after.astype("datetime64[D]") - np.timedelta64(1, "D"))


def _first_day(quarter: str) -> date:
    day = date.fromisoformat(quarter)
    return date(day.year, day.month - 2, 1)


def _monthly(quarterly: pd.Series, calendar: np.ndarray) -> xr.DataArray:
    """Whole people by month, the months of a quarter by calendar days and summing to it exactly."""
    import xarray as xr

    one = np.timedelta64(1, "M")
    people: dict[Any, int] = {}
    for quarter, total in quarterly.items():
        months = np.datetime64(_first_day(str(quarter)), "M") + np.arange(MONTHS_A_QUARTER) * one
        days = ((months + one).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(int)
        people |= dict(zip(months.tolist(), largest_remainder(int(total), days), strict=True))
    values = np.array([people[month] for month in calendar.tolist()])
    month = calendar.astype("datetime64[ns]")
    return xr.DataArray(values, {"month": month}, dims="month", name="people", attrs={"units": "people"})


# ---------------------------------------------------------------------- what was known


def known_at(assumptions: Assumptions, start: date) -> tuple[Assumptions, list[str]]:
    """The assumptions as a forecaster of the start date could have held them.

    An assumption measured on later data is drawn from a wide prior that rests on what was published before the
    start; the rest stay as they are. Central values move to the priors' too.

    Args:
        assumptions: the register with a scenario and overrides; what an override sets stays set.
        start: the start of the hindcast.

    Returns:
        Assumptions, and the names replaced.

    Raises:
        InputError: the file of priors is damaged or names an assumption that does not exist.
    """
    entries, steps, replaced = dict(assumptions.entries), dict(assumptions.steps), []
    for name, prior in read_toml(PRIORS).items():
        entry = find(entries, name, PRIORS)
        if name in assumptions.overridden or start >= prior["known_from"]:
            continue
        change = {key: prior[key] for key in ("value", "low", "high", "distribution", "source")}
        content = entry.model_dump(by_alias=True) | change | {"joint": None, "dated": []}
        try:
            entries[name] = Assumption.model_validate(content)
        except ValidationError as error:
            raise InputError(f"{PRIORS}: {name}: {describe(error, list(Assumption.model_fields))}.") from None
        steps[name] = (Step(FOREVER, prior["value"], drawn=True),)
        replaced.append(name)
    return replace(assumptions, entries=MappingProxyType(entries), steps=MappingProxyType(steps)), replaced


def last_flows(start: date) -> dict[str, Any]:
    """Overrides that hold decision and appeal capacity and outcome shares at the last quarter known at a start.

    They are policy: nothing measured forecasts them, so an unconditional run keeps them, with the model's own wide
    and persistent noise on decision capacity.
    """
    flows = published_flows()
    last = dict(zip(flows.columns, flows.loc[start.isoformat()].to_numpy(float), strict=True))
    return {
        "decisions.capacity": last["outcomes"] / MONTHS_A_QUARTER,
        "decisions.grant_share": last["grants"] / last["outcomes"],
        "decisions.withdrawn_share": last["withdrawals"] / last["outcomes"],
        "decisions.administrative_share": last["administrative"] / last["outcomes"],
        "appeals.capacity": last["disposals"] / MONTHS_A_QUARTER,
    }


# ---------------------------------------------------------------------- the ensemble


@dataclass(frozen=True)
class Hindcast:
    """People by sample, before and after a start.

    Attributes:
        start: quarter end it starts from.
        quarters: quarter ends it foretells (text).
        conditional: whether realised claims, outcomes and appeals were given.
        in_sample: whether measured assumptions use data after the start.
        replaced: assumptions drawn from wide priors.
        status: how much of the starting stock was published.
        before: (council, 6) people at the start.
        people: (sample, quarter, council, 6) people that the simulation foretells.
        outside: (6,) people at the start who are allocated to no council; they stay in the national figure.
    """

    start: date
    quarters: tuple[str, ...]
    conditional: bool
    in_sample: bool
    replaced: tuple[str, ...]
    status: str
    before: np.ndarray
    people: np.ndarray
    outside: np.ndarray


def has_flows(start: date, quarters: int) -> bool:
    """Whether claims, outcomes and appeals are published for every quarter after a start."""
    known = published_flows().index
    return all(quarter in known for quarter in quarters_after(start, quarters))


def quarters_after(start: date, count: int) -> list[str]:
    """The quarter ends after a start, as text."""
    return [quarter_end(month) for month in months_after(start, count * MONTHS_A_QUARTER)[::MONTHS_A_QUARTER]]


def simulate_ensemble(
    start: str,
    quarters: int,
    samples: int,
    seed: int,
    paths: xr.DataArray | None = None,
    in_sample: bool = False,
    scenario: str = "central",
    workers: int | None = None,
    done: Callable[[int], None] | None = None,
) -> Hindcast:
    """Simulate from a past quarter end, one draw of the uncertain assumptions and one seed for each sample.

    Args:
        start: quarter end.
        quarters: quarters ahead.
        samples: simulations.
        seed: of draws and replications.
        paths: intake paths (path, month) from the month after the start; realised flows are given when None.
        in_sample: keep the register's measured values for starts before they were measured.
        workers: threads; the machine's cores when None.
        done: told the number of simulations finished.

    Raises:
        InputError: no such start, or flows not published and no paths.
    """
    from concurrent.futures import ThreadPoolExecutor

    from sim.run import simulate

    position = published_start(start, hindsight=False)
    months = quarters * MONTHS_A_QUARTER
    if paths is None:
        overrides, given = given_flows(position.day, months)
    else:
        # From the latest quarter on the register's own scenario of capacity holds.
        past = start < published_flows().index[-1]
        overrides, given = (last_flows(position.day) if past else {}), paths.isel(month=slice(0, months))
    base = params.load(scenario, overrides)
    replaced: list[str] = []
    if not in_sample:
        base, replaced = known_at(base, position.day)
    kept = [name for name in later_names(position.day) if name not in replaced and name not in overrides]

    def one(sample: int) -> np.ndarray:
        drawn = base.with_draw(sample + 1, samples + 1, seed)
        if replaced:
            drawn = _coherent(drawn)
        intake = given.isel(path=sample % given.sizes["path"]) if "path" in given.dims else given
        run = simulate(drawn, intake.reset_coords(drop=True), seed + sample, start=position)
        stock = run["supported_at_month_end"].values[MONTHS_A_QUARTER::MONTHS_A_QUARTER]
        return np.asarray(stock, np.int32)

    people = np.zeros((samples, quarters, *position.stock.shape), np.int32)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for sample, stock in enumerate(pool.map(one, range(samples))):
            people[sample] = stock
            if done:
                done(sample + 1)
    return Hindcast(
        start=position.day,
        quarters=tuple(quarters_after(position.day, quarters)),
        conditional=paths is None,
        in_sample=in_sample and bool(kept),
        replaced=tuple(replaced),
        status=position.status,
        before=position.stock,
        people=people,
        outside=_outside(start, position.stock),
    )


def later_names(start: date) -> list[str]:
    """Assumptions whose value in the register was measured on data after a start."""
    return [name for name, prior in read_toml(PRIORS).items() if start < prior["known_from"]]


def _coherent(drawn: Assumptions) -> Assumptions:
    """People supported for each open appeal, made to follow from the values drawn for those who appeal."""
    now = drawn.at(date(1900, 1, 1))
    value = people_a_household(now) * now.support.uptake * now.support.retained_on_appeal
    steps = dict(drawn.steps) | {"support.people_per_open_appeal": (Step(FOREVER, value, drawn=False),)}
    return replace(drawn, steps=MappingProxyType(steps))


def _outside(start: str, stock: np.ndarray) -> np.ndarray:
    """People (6,) in the national figure and in no council, by the published national split where there is one."""
    rows = params.reference("support_national")
    row = rows[rows["quarter_end"] == start].iloc[0]
    people = np.array([float(row[kind]) for kind in KINDS])
    return np.where(np.isnan(people), 0, people - stock.sum(axis=0)).clip(0)
