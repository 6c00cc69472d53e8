"""The one public entry: assumptions, an intake path and a seed in; a labelled dataset out."""

from __future__ import annotations

import time
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

import params
from params import Assumptions, InputError
from params.prices import deflator_vintage
from sim import compiling, equity
from sim.clock import months_after
from sim.council import NATIONS, Councils, Places
from sim.households import SLOTS_A_MONTH
from sim.model import DispersalModel, Start
from sim.recorder import CASH
from sim.rules import Rules, warn_of_cost, watched
from sim.starts import published_start

if TYPE_CHECKING:
    import xarray as xr

    from sim.result import Result

_LARGEST_SEED = 2**63 - 1


def simulate(
    assumptions: Assumptions,
    intake: xr.DataArray,
    seed: int,
    start: str | Start = "2025-12-31",
    rules: Rules | None = None,
) -> Result:
    """Simulate one replication.

    Args:
        assumptions: from `params.load`, perhaps moved to a draw.
        intake: people claiming, whole numbers, from the month after `start`: dimension (month,), or (month, group)
            by decision group, which then sets the mix of outcomes and nothing else.
        seed: replication's seed, 0 or more; the same seed gives the same numbers.
        start: quarter end whose published stock the run starts from (attribute `stock_status` says what of it had
            to be estimated), or a position of one's own.
        rules: rules to replace, the model's own when None.

    Returns:
        An `xarray.Dataset` with stocks at month ends (the first is `start`) and flows in months; every variable has
        units. In a notebook it begins with what it is and a small picture.

    Raises:
        InputError: bad intake, seed or start, or a replaced rule whose answer cannot be used.

    Warns:
        RuleWarning: a replaced rule in plain Python took a noticeable share of the time.

    Example:
        >>> import numpy as np, xarray as xr, params, sim
        >>> months = np.arange("2026-01", "2026-03", dtype="datetime64[M]").astype("datetime64[ns]")
        >>> intake = xr.DataArray([7000, 7000], {"month": months}, dims="month")
        >>> result = sim.simulate(params.load(), intake, seed=1)
        >>> int(result.supported_at_month_end.isel(month_end=0).sum())
        107003
    """
    used = watched(rules or Rules())
    began = time.thread_time()
    model = prepare(assumptions, intake, seed, start, used)
    model.run_for(intake.sizes["month"])
    if used is not rules:  # a caller that watches its rules over many simulations speaks for itself
        warn_of_cost(used, time.thread_time() - began)
    return model.recorder.dataset(
        model.councils,
        {
            "title": "Modelled estimate of asylum dispersal; households are synthetic",
            "scenario": assumptions.scenario,
            "draw": assumptions.draw,
            "seed": int(seed),
            "start": model.start.day.isoformat(),
            "stock_status": model.start.status,
            "price_base": CASH,
            "deflator": f"HM Treasury GDP deflator, {deflator_vintage()}",
            "Conventions": "CF-1.11",
        },
    )


def prepare(
    assumptions: Assumptions,
    intake: xr.DataArray,
    seed: int,
    start: str | Start = "2025-12-31",
    rules: Rules | None = None,
) -> DispersalModel:
    """The model at its start, for a caller that wants to look at each month; arguments as in `simulate`."""
    position = start if isinstance(start, Start) else published_start(start)
    people = _people(intake, position.day)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"seed: {seed!r} must be a whole number from 0 to {_LARGEST_SEED}.")
    own = watched(rules or Rules())
    compiling.notice()
    return DispersalModel(assumptions, position, councils_at(position), people, int(seed), own)


def _people(intake: xr.DataArray, day: date) -> np.ndarray:
    """Check an intake path and return it as whole numbers, (month,) or (month, group) in the order of the groups."""
    if "group" in intake.dims:
        groups = params.reference("decision_groups")["decision_group"].tolist()
        if sorted(map(str, intake["group"].to_numpy())) != sorted(groups):
            raise InputError(f"intake: group must hold {', '.join(groups)}, once each.")
        intake = intake.transpose("month", "group").sel(group=groups)
    if intake.dims not in (("month",), ("month", "group")) or intake.size == 0:
        raise InputError(f"intake: needs the dimension month (and group), not {intake.dims} of {intake.size} values.")
    people = intake.to_numpy()
    wrong = ~np.isfinite(people) | (people < 0) | (people != np.floor(people))
    if wrong.any():
        first = np.argwhere(wrong)[0]
        raise InputError(f"intake: month {first[0] + 1}: {people[tuple(first)]} is not a whole number of people.")
    monthly = people.reshape(people.shape[0], -1).sum(axis=1)
    if monthly.max() >= SLOTS_A_MONTH // 2:
        raise InputError(f"intake: {monthly.max():,.0f} people in a month; the most is {SLOTS_A_MONTH // 2 - 1:,}.")
    months = intake["month"].to_numpy().astype("datetime64[M]")
    expected = months_after(day, months.size)
    if (months != expected).any():
        raise InputError(f"intake: begins {months[0]}; a run from {day} needs consecutive months from {expected[0]}.")
    return np.asarray(people, np.int64)


@lru_cache
def _places() -> Places:
    """Columns of the councils that no run changes."""
    table = params.reference("councils")
    areas = sorted(table["contract_area"].unique())
    rent = table["rent_2bed"].astype(float)
    mean = rent.groupby(table["contract_area"]).transform("mean")
    area = table["contract_area"].map(areas.index).to_numpy(np.int64)
    by_area = np.argsort(area, kind="stable")
    population = table["population"].to_numpy(float)
    places = Places(
        codes=table["lad_code"].to_numpy(str),
        names=table["name"].to_numpy(str),
        region=table["region"].to_numpy(str),
        nation=table["nation"].to_numpy(str),
        nation_row=table["nation"].map(NATIONS.index).to_numpy(np.int64),
        area=area,
        areas=areas,
        area_words=tuple(name.lower().replace(",", "").replace(" ", "_") for name in areas),
        area_start=np.searchsorted(area[by_area], np.arange(len(areas) + 1)),
        by_area=by_area,
        provider_of_area=[table.loc[table["contract_area"] == name, "provider"].iloc[0] for name in areas],
        population=population,
        relative_size=population / np.median(population),
        rural=(table["rural_class"] == "rural").to_numpy(),
        upper_tier=np.unique(table["utla_code"], return_inverse=True)[1],
        rent_ratio=(rent / mean).fillna(1.0).to_numpy(),
        factors=equity.factors(table),
    )
    for column in (*vars(places).values(), *places.factors.values()):
        if isinstance(column, np.ndarray):
            column.setflags(write=False)  # every run shares them: a rule that writes into one would change the others
    return places


def councils_at(start: Start) -> Councils:
    """Fresh columns of the councils at a start: beds equal the people in them."""
    return Councils(_places(), start.stock)
