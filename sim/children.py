"""Unaccompanied children: their own flow, looked after by upper-tier councils outside asylum support.

Where entry councils look after children above the National Transfer Scheme's threshold, the others take them in turn.
Child population by council is in no reference table: it is an equal share of residents, or comes from the local file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def threshold(child_population: Any, now: Any) -> Any:
    """Children an authority is expected to look after at most.

    Args:
        child_population: residents under eighteen, of one authority or (authority,).

    Source: 0.1% of the child population since 24 August 2022.
    """
    return child_population * now.children.threshold


@njit(cache=True)
def look_after(looked_after: np.ndarray, arriving: int, child_population: np.ndarray, policy: np.ndarray) -> float:
    """Move children looked after, (authority,), on by a month, in place: some turn eighteen, then arrivals are placed.

    Arrivals go where there is room below the threshold, in proportion to that room; what every authority at its
    threshold leaves is shared in proportion to child population.

    Args:
        arriving: children claiming this month.
        child_population: (authority,) residents under eighteen.
        policy: (1,) the month's assumptions.

    Returns:
        Care leavers of the month.
    """
    now, left, room, residents = policy[0], 0.0, np.empty(looked_after.size), child_population.sum()
    for place in range(looked_after.size):
        leaving = looked_after[place] / now.children.stay
        left += leaving
        looked_after[place] -= leaving
        room[place] = max(threshold(child_population[place], now) - looked_after[place], 0.0)
    every = room.sum()
    within = min(float(arriving), every)
    for place in range(looked_after.size):
        looked_after[place] += room[place] * within / max(every, 1e-9)
        looked_after[place] += (arriving - within) * child_population[place] / residents
    return left


@njit(cache=True)
def full(looked_after: np.ndarray, child_population: np.ndarray, policy: np.ndarray) -> int:
    """Authorities that look after as many children as the threshold says."""
    count = 0
    for place in range(looked_after.size):
        count += looked_after[place] >= 0.999 * threshold(child_population[place], policy[0])
    return count
