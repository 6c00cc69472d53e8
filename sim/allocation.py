"""Allocation rules: which councils should receive people, and so where beds should be found.

A rule gives each council a weight. Placement prefers vacant beds by it, and providers' proposals follow it as far as
`placement.steering` says; under the status quo neither does. No rule looks at who the people are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from sim import equity
from sim.council import Councils

Allocation = Callable[[Councils, Any], np.ndarray]


def status_quo(councils: Councils, now: Any) -> np.ndarray:
    """Where providers have beds, and nothing else."""
    return np.ones(councils.count)


def population_share(councils: Councils, now: Any) -> np.ndarray:
    """Councils below their share of population first, in proportion to what they are short of."""
    return _short_of(councils, councils.population)


def index(councils: Councils, now: Any) -> np.ndarray:
    """Councils below their share by the transparent index first (`equity.index_weight`)."""
    return _short_of(councils, councils.fair_weight)


def equity_lp(councils: Councils, now: Any) -> np.ndarray:
    """Councils below the min-max optimum within the cluster limit first.

    Water-filling inside the month; `equity.least_largest_rate` is the linear programme it equals.
    """
    target = equity.water_fill(float(councils.people.sum()), councils.population, councils.limit(now) + 1.0)
    return _shortfall(councils, target)


def _short_of(councils: Councils, weight: np.ndarray) -> np.ndarray:
    return _shortfall(councils, councils.people.sum() * weight / weight.sum())


def _shortfall(councils: Councils, target: np.ndarray) -> np.ndarray:
    """People each council is short of its target; a little everywhere, so that a bed is never left empty."""
    return np.asarray(np.maximum(target - councils.people, 0.0) + 1.0)


RULES: Mapping[str, Allocation] = MappingProxyType(
    {"status_quo": status_quo, "population_share": population_share, "index": index, "equity_lp": equity_lp}
)
