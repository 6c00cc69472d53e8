"""How councils answer the proposals that reach them, and when homes that go ahead will open.

One council at a time, as a compiled loop over those that have something to answer: most have nothing in most months.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.council import Councils, reasons_to_object
from sim.randomness import Draws, uniform
from sim.states import Barrier

LONGEST_LAG = 60  # months; longer lags are cut, so that a pipeline fits its array
_DRAWN = (
    "answer", "proceed", "reason", "conditions", "opening lag", "opening lag rounding", "conditions lag",
    "conditions lag rounding", "delivery",
)  # fmt: skip
_UNSUITABLE = int(Barrier.UNSUITABLE)


@njit(cache=True)
def months_of_lag(mean: float, level: float, rounding: float) -> int:
    """Whole months with a given mean: a half of it for certain, the rest exponential; two uniforms."""
    months = mean / 2 - np.log1p(-level) * mean / 2
    return min(int(months + rounding), LONGEST_LAG - 1)


@njit(cache=True)
def lags(mean: float, count: int, keys: np.ndarray, tick: int) -> np.ndarray:
    """`months_of_lag` for every council, (council,); keys of the draw and of its rounding."""
    months = np.empty(count, np.int64)
    for row in range(count):
        months[row] = months_of_lag(mean, uniform(keys[0], row, tick), uniform(keys[1], row, tick))
    return months


def answers(
    beds: np.ndarray, chance: np.ndarray, councils: Councils, now: Any, draws: Draws, tick: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What councils answer, and what becomes of the homes.

    Args:
        beds: (council,) beds proposed that are answered now.
        chance: (council,) of an objection.
        tick: month that the draws are keyed by.

    Returns:
        By council: whether it objects, whether the beds are dropped for it, the coded reason (which says nothing where
        there is no objection), beds that go ahead, and months until they open.
    """
    first = councils.rural & (councils.beds == 0)
    asked, built = now.consultation, now.procurement
    proceeds = float(asked.proceed) if now.feedback.consent_to_beds else 1.0
    numbers = proceeds, asked.conditions, built.opening_lag, asked.conditions_lag, built.delivery
    setup = round(built.rural_setup_lag)
    keys = draws.keys(_DRAWN)
    weights = reasons_to_object(councils, now)
    return _answers(beds, chance, weights, first, setup, tuple(map(float, numbers)), keys, tick)


@njit(cache=True)
def _answers(
    beds: np.ndarray, chance: np.ndarray, weights: np.ndarray, first: np.ndarray, setup: int,
    numbers: tuple[float, ...], keys: np.ndarray, tick: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    proceed, conditions, opening_lag, conditions_lag, delivery = numbers
    objects, dropped = np.zeros(beds.size, np.bool_), np.zeros(beds.size, np.bool_)
    reasons, kept, lags = np.full(beds.size, _UNSUITABLE), np.zeros(beds.size, np.int64), np.zeros(beds.size, np.int64)
    for row in range(beds.size):
        if beds[row] == 0:
            continue
        if uniform(keys[0], row, tick) < chance[row]:
            objects[row] = True
            reasons[row] = _reason(uniform(keys[2], row, tick), weights[row])
            if uniform(keys[1], row, tick) >= proceed:
                dropped[row] = True
                continue
        lag = max(months_of_lag(opening_lag, uniform(keys[4], row, tick), uniform(keys[5], row, tick)), 1)
        if objects[row] or uniform(keys[3], row, tick) < conditions:
            lag += months_of_lag(conditions_lag, uniform(keys[6], row, tick), uniform(keys[7], row, tick))
        if first[row]:
            # A rural council's first homes wait for what people will need there: access, voluntary groups, advice.
            lag += setup
        lags[row] = min(lag, 2 * LONGEST_LAG - 1)
        built = beds[row] * delivery
        kept[row] = int(built)
        kept[row] += uniform(keys[8], row, tick) < built - kept[row]
    return objects, dropped, reasons, kept, lags


@njit(cache=True)
def _reason(level: float, weights: np.ndarray) -> int:
    """The reason given, drawn in proportion to what each weighs."""
    mark, edge = level * weights.sum(), 0.0
    for reason in range(weights.size - 1):
        edge += weights[reason]
        if mark < edge:
            return reason
    return weights.size - 1
