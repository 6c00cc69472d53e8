"""Unaccompanied children: their own flow, looked after by upper-tier councils outside asylum support.

Where entry councils look after children above the National Transfer Scheme's threshold, the others take them in turn.
Child population by council is in no reference table: it is an equal share of residents, or comes from the local file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.equity import water_fill


def threshold(child_population: np.ndarray, now: Any) -> np.ndarray:
    """Children each authority is expected to look after at most, (authority,).

    Args:
        child_population: (authority,) residents under eighteen.

    Source: 0.1% of the child population since 24 August 2022.
    """
    return np.asarray(child_population * now.children.threshold)


def transfer(looked_after: np.ndarray, arriving: int, child_population: np.ndarray, now: Any) -> np.ndarray:
    """Children looked after once this month's arrivals are placed, (authority,).

    Arrivals go where there is room below the threshold, in proportion to that room; when every authority is at the
    threshold, in proportion to child population.

    Args:
        looked_after: (authority,) children now.
        arriving: children claiming this month.
        child_population: (authority,) residents under eighteen.
    """
    room = np.maximum(threshold(child_population, now) - looked_after, 0.0)
    within = min(float(arriving), float(room.sum()))
    placed = water_fill(within, np.maximum(room, 1e-9), room) if within > 0 else np.zeros_like(looked_after)
    return np.asarray(looked_after + placed + (arriving - placed.sum()) * child_population / child_population.sum())


def grow_up(looked_after: np.ndarray, now: Any) -> np.ndarray:
    """Children who turn eighteen and become care leavers this month, (authority,)."""
    return np.asarray(looked_after / now.children.stay)
