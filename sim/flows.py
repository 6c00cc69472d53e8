"""Who moves between which kinds of accommodation: counted household by household as the months go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.run import prepare
from sim.states import Accommodation, Support, words

if TYPE_CHECKING:
    import xarray as xr

    from params import Assumptions
    from sim.model import DispersalModel, Rules
    from sim.run import Start

OUTSIDE = "outside_support"
_OUT = int(Accommodation.UNPLACED)  # nobody is unplaced at a month end, so that its place stands for outside support


def flows(
    assumptions: Assumptions,
    intake: xr.DataArray,
    seed: int,
    start: str | Start = "2025-12-31",
    rules: Rules | None = None,
) -> xr.DataArray:
    """Simulate one replication and count people by where they were and are at the ends of every month.

    Args:
        assumptions, intake, seed, start, rules: as for `simulate`.

    Returns:
        People (month, origin, destination): each axis holds the accommodation types and `outside_support`, so that
        its row `outside_support` are those who entered and its column those who left. Who stays is on the diagonal.
        Who entered and left inside one month is not counted.

    Raises:
        InputError: bad intake, seed or start.
    """
    import xarray as xr

    model = prepare(assumptions, intake, seed, start, rules)
    names = [*words(Accommodation, _OUT), OUTSIDE]
    counted = np.zeros((intake.sizes["month"], len(names), len(names)), np.int64)
    before = _places(model)
    for month in range(intake.sizes["month"]):
        model.run_for(1)
        after = _places(model)
        slots = np.union1d(before[0], after[0])
        origin, people = _at(before, slots)
        destination, people_after = _at(after, slots)
        np.add.at(counted[month], (origin, destination), np.maximum(people, people_after))
        before = after
    return xr.DataArray(
        counted,
        {"month": intake["month"], "origin": names, "destination": names},
        dims=("month", "origin", "destination"),
        attrs={"units": "people", "long_name": "People by where they were and are at the ends of the month"},
    )


def _places(model: DispersalModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slots of supported households in order, with accommodation and people."""
    live = model.households.live()
    own = live[live["support"] == Support.SUPPORTED]
    own = own[np.argsort(own["slot"])]
    return own["slot"], own["accommodation"].astype(np.int64), own["people"].astype(np.int64)


def _at(places: tuple[np.ndarray, np.ndarray, np.ndarray], slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accommodation and people of some slots; outside support, and nobody, where a slot is not among the places."""
    own, accommodation, people = places
    at = np.minimum(np.searchsorted(own, slots), own.size - 1)
    known = own[at] == slots
    return np.where(known, accommodation[at], _OUT), np.where(known, people[at], 0)
