"""Allocation rules: which councils should receive people, and so where beds should be found.

A rule gives each council a weight. Placement prefers vacant beds by it, and providers' proposals follow it as far as
`placement.steering` says; under the status quo neither does. No rule looks at who the people are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numba import njit

from sim.council import Councils, limit
from sim.equity import water_fill

Allocation = Callable[[Councils, Any], np.ndarray]
NAMES = ("status_quo", "population_share", "index", "equity_lp")
_STATUS_QUO, _POPULATION_SHARE, _INDEX, _ = range(len(NAMES))


def status_quo(councils: Councils, now: Any) -> np.ndarray:
    """Where providers have beds, and nothing else."""
    return np.ones(councils.count)


def population_share(councils: Councils, now: Any) -> np.ndarray:
    """Councils below their share of population first, in proportion to what they are short of."""
    return np.asarray(weights(councils.under(now), _POPULATION_SHARE))


def index(councils: Councils, now: Any) -> np.ndarray:
    """Councils below their share by the transparent index first (`equity.index_weight`)."""
    return np.asarray(weights(councils.under(now), _INDEX))


def equity_lp(councils: Councils, now: Any) -> np.ndarray:
    """Councils below the min-max optimum within the cluster limit first.

    Water-filling inside the month; `equity.least_largest_rate` is the linear programme it equals.
    """
    return np.asarray(weights(councils.under(now), NAMES.index("equity_lp")))


@njit(cache=True)
def weights(rows: np.ndarray, rule: int) -> np.ndarray:
    """Weight of each council (council,) by one of the rules: its place in `NAMES`.

    But for the status quo it is the people a council is short of its target; a little everywhere, so that a bed is
    never left empty.
    """
    if rule == _STATUS_QUO:
        return np.ones(rows.size)
    people, share, room = 0, np.empty(rows.size), np.empty(rows.size)
    for row in range(rows.size):
        own = rows[row]
        people += own.people
        share[row] = own.fair_weight if rule == _INDEX else own.population
        room[row] = limit(own) + 1.0
    if rule in (_INDEX, _POPULATION_SHARE):
        target = people * share / share.sum()
    else:
        target = water_fill(float(people), share, room)
    for row in range(rows.size):
        target[row] = max(target[row] - rows[row].people, 0.0) + 1.0
    return target


RULES: Mapping[str, Allocation] = MappingProxyType(
    dict(zip(NAMES, (status_quo, population_share, index, equity_lp), strict=True))
)
