"""The one public entry: assumptions, an intake path and a seed in; a labelled dataset out."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

import params
from params import Assumptions, InputError
from sim.clock import months_after
from sim.council import Councils, first_states
from sim.model import DispersalModel, Rules, Start
from sim.states import Accommodation

if TYPE_CHECKING:
    import xarray as xr

_KINDS = ["initial", "dispersal", "contingency_hotel", "contingency_other", "other", "subsistence"]
_LARGEST_SEED = 2**63 - 1


def simulate(
    assumptions: Assumptions,
    intake: xr.DataArray,
    seed: int,
    start: str = "2025-12-31",
    rules: Rules | None = None,
) -> xr.Dataset:
    """Simulate one replication.

    Args:
        assumptions: from `params.load`, perhaps moved to a draw.
        intake: people claiming, dimension (month,), whole numbers, from the month after `start`.
        seed: replication's seed, 0 or more; the same seed gives the same numbers.
        start: quarter end whose published stock the run starts from.
        rules: rules to replace, the model's own when None.

    Returns:
        Dataset with stocks at month ends (the first is `start`) and flows in months; every variable has units.

    Raises:
        InputError: bad intake, seed or start.

    Example:
        >>> import numpy as np, xarray as xr, params, sim
        >>> months = np.arange("2026-01", "2026-03", dtype="datetime64[M]").astype("datetime64[ns]")
        >>> intake = xr.DataArray([7000, 7000], {"month": months}, dims="month")
        >>> result = sim.simulate(params.load(), intake, seed=1)
        >>> int(result.supported_at_month_end.isel(month_end=0).sum())
        107003
    """
    model = prepare(assumptions, intake, seed, start, rules)
    model.run_for(intake.size)
    return model.recorder.dataset(
        model.councils,
        {
            "title": "Modelled estimate of asylum dispersal; households are synthetic",
            "scenario": assumptions.scenario,
            "draw": assumptions.draw,
            "seed": int(seed),
            "start": start,
            "Conventions": "CF-1.11",
        },
    )


def prepare(
    assumptions: Assumptions, intake: xr.DataArray, seed: int, start: str = "2025-12-31", rules: Rules | None = None
) -> DispersalModel:
    """The model at its start, for a caller that wants to look at each month; arguments as in `simulate`."""
    people = _people(intake, start)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"seed: {seed!r} must be a whole number from 0 to {_LARGEST_SEED}.")
    position = published_start(start)
    return DispersalModel(assumptions, position, councils_at(position), people, int(seed), rules or Rules())


def _people(intake: xr.DataArray, start: str) -> np.ndarray:
    """Check an intake path and return it as whole numbers (month,)."""
    if intake.dims != ("month",) or intake.size == 0:
        raise InputError(f"intake: needs the one dimension month, not {intake.dims} of {intake.size} values.")
    people = intake.to_numpy()
    wrong = ~np.isfinite(people) | (people < 0) | (people != np.floor(people))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(f"intake: month {first + 1}: {people[first]} is not a whole number of people.")
    months = intake["month"].to_numpy().astype("datetime64[M]")
    expected = months_after(_start_day(start), months.size)
    if (months != expected).any():
        raise InputError(f"intake: begins {months[0]}; a run from {start} needs consecutive months from {expected[0]}.")
    return np.asarray(people, np.int64)


def _start_day(start: str) -> date:
    try:
        return date.fromisoformat(start)
    except ValueError:
        raise InputError(f"start: {start!r} is not a date; a quarter end like 2025-12-31 is needed.") from None


def start_days() -> list[str]:
    """Quarter ends a run can start from: those with a published accommodation split by council."""
    stock = params.reference("support_by_council")
    split = stock[stock["dispersal"].notna()]
    return [str(day.date()) for day in sorted(split["quarter_end"].unique())]


@lru_cache
def published_start(start: str) -> Start:
    """The published position on a quarter end.

    Raises:
        InputError: not a quarter end with a published split; names the nearest one.
    """
    day = _start_day(start)
    if start not in start_days():
        earlier = min(start_days(), key=lambda d: abs((date.fromisoformat(d) - day).days))
        raise InputError(f"start: no published accommodation split by council on {start}. Nearest: {earlier}.")
    codes = params.reference("councils")["lad_code"]
    table = params.reference("support_by_council")
    stock = table[table["quarter_end"] == start].set_index("lad_code").loc[codes, _KINDS].fillna(0)
    return Start(
        day=day,
        stock=stock.to_numpy(np.int64),
        national={
            "awaiting": _national("awaiting", "people", start),
            "appeals": _national("appeals", "open_cases", start),
            "granted_a_month": _national("decisions", "grants", start) / 3,
        },
        baseline=_accommodated_before(table, codes, day),
        decision_groups=params.reference("decision_groups"),
    )


def _national(table: str, column: str, day: str) -> float:
    """One figure of a national table at a quarter end."""
    rows = params.reference(table)
    found = rows.loc[rows["quarter_end"] == day, column]
    if found.empty or found.isna().all():
        raise InputError(f"start: the table {table} has no {column} on {day}.")
    return float(found.iloc[0])


def _accommodated_before(table: Any, codes: Any, day: date) -> np.ndarray:
    """People accommodated by council when the financial year began, the base of the grant per person.

    Where only a council's total is published, subsistence-only people are taken out at the latest split's share.
    """
    year = day.year if day.month > 3 else day.year - 1
    began = f"{year}-03-31"
    rows = table[table["quarter_end"] == began].set_index("lad_code").reindex(codes)
    latest = table[(table["quarter_end"] <= str(day)) & table["subsistence"].notna()]
    latest = latest[latest["quarter_end"] == latest["quarter_end"].max()].set_index("lad_code").reindex(codes)
    share = (latest["subsistence"] / latest["total"].where(latest["total"] > 0)).fillna(0)
    accommodated = rows["total"].where(rows["subsistence"].notna(), rows["total"] * (1 - share))
    accommodated = accommodated - rows["subsistence"].fillna(0)
    return accommodated.fillna(0).to_numpy(float)


@lru_cache
def _static() -> dict[str, Any]:
    """Columns of the councils that no run changes."""
    table = params.reference("councils")
    areas = sorted(table["contract_area"].unique())
    rent = table["rent_2bed"].astype(float)
    mean = rent.groupby(table["contract_area"]).transform("mean")
    return {
        "codes": table["lad_code"].to_numpy(str),
        "names": table["name"].to_numpy(str),
        "region": table["region"].to_numpy(str),
        "nation": table["nation"].to_numpy(str),
        "area": table["contract_area"].map(areas.index).to_numpy(np.int64),
        "areas": areas,
        "provider_of_area": [table.loc[table["contract_area"] == area, "provider"].iloc[0] for area in areas],
        "population": table["population"].to_numpy(float),
        "rural": (table["rural_class"] == "rural").to_numpy(),
        "upper_tier": np.unique(table["utla_code"], return_inverse=True)[1],
        "rent_ratio": (rent / mean).fillna(1.0).to_numpy(),
    }


def councils_at(start: Start) -> Councils:
    """Fresh columns of the councils at a start: beds equal the people in them."""
    dispersal = start.stock[:, Accommodation.DISPERSAL]
    hotel = start.stock[:, Accommodation.CONTINGENCY_HOTEL]
    return Councils(
        **_static(),
        fixed_beds=start.stock.copy(),
        beds=dispersal.copy(),
        hotel_beds=hotel.copy(),
        had_hotel=hotel.astype(float),
        people=dispersal.copy(),
        participation=first_states(dispersal),
        willingness=np.zeros(dispersal.size),
        frailty=np.ones(dispersal.size),
        fair_weight=np.ones(dispersal.size),
    )
