"""Rates that drift: the part of the future that no assumption fixes and no council causes."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from scipy.special import ndtri

from sim.randomness import Draws, uniform


def drift(
    decision: str, persistence: np.ndarray, spread: np.ndarray, draws: Draws, places: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """AR(1) noise in months, stated in quarters because it is measured on quarterly series.

    The same seed drifts alike in every arm.

    Args:
        decision: name that the draws are keyed by.
        persistence: (month,) share of a deviation left after a quarter, 0 to 1.
        spread: (month,) standard deviation of a quarter's innovation; three monthly ones make it up.
        places: how many drift each on its own; one for what is national.

    Returns:
        The noise, (month, place); and how far it may have drifted by then, (month, 1), a variance: half of it taken
        off keeps the mean of the noise's exponential at one.
    """
    levels = np.clip(_levels(draws.key(decision), persistence.size, places), 1e-12, 1 - 1e-12)
    noise: tuple[np.ndarray, np.ndarray] = _walk(ndtri(levels), persistence, spread)
    return noise


@njit(cache=True)
def _levels(key: np.uint64, months: int, places: int) -> np.ndarray:
    levels = np.empty((months, places))
    for month in range(months):
        for place in range(places):
            levels[month, place] = uniform(key, place, month)
    return levels


@njit(cache=True)
def _walk(shocks: np.ndarray, persistence: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    noise, variance = np.empty_like(shocks), np.empty((shocks.shape[0], 1))
    before, spread_before = np.zeros(shocks.shape[1]), 0.0
    for month in range(shocks.shape[0]):
        left, own = persistence[month], spread[month]
        before = left ** (1 / 3) * before + own / math.sqrt(3) * shocks[month]
        spread_before = left ** (2 / 3) * spread_before + own**2 / 3
        noise[month], variance[month, 0] = before, spread_before
    return noise, variance
