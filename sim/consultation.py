"""How councils answer the proposals that reach them, and when homes that go ahead will open.

One council at a time, as a compiled loop over those that have something to answer: most have nothing in most months.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.council import objection_weights
from sim.randomness import uniform
from sim.states import Barrier

LONGEST_LAG = 60  # months; longer lags are cut, so that a pipeline fits its array
DRAWN = (  # the decisions that `answer` draws for
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
def send(rows: np.ndarray, consulting: np.ndarray, policy: np.ndarray, keys: np.ndarray, tick: int) -> None:
    """Proposals set off for the councils, each to be answered after a lag of its own.

    Args:
        consulting: (tick, council) beds by when they are answered; filled.
        keys: of the lag and of its rounding.
        tick: month that the draws are keyed by.
    """
    now = policy[0]
    for row in range(rows.size):
        own = rows[row]
        own.coming += own.proposed
        if own.proposed > 0:
            lag = months_of_lag(now.consultation.lag, uniform(keys[0], row, tick), uniform(keys[1], row, tick))
            consulting[tick + lag, row] += own.proposed


@njit(cache=True)
def answer(
    rows: np.ndarray, beds: np.ndarray, chance: np.ndarray, policy: np.ndarray, keys: np.ndarray, tick: int
) -> None:
    """Councils answer the proposals that have reached them; what goes ahead is on its way.

    Sets of every council: beds `answered`, whether it `objects`, whether the beds are `dropped` for it, the coded
    `reason` (which says nothing where there is no objection), beds `kept`, and in how many months it `opens_in`.

    Args:
        beds: (council,) beds proposed that are answered now.
        chance: (council,) of an objection.
        keys: of `DRAWN`.
        tick: month that the draws are keyed by.
    """
    for row in range(rows.size):
        own = rows[row]
        own.answered, own.objects, own.dropped, own.kept, own.opens_in = beds[row], False, False, 0, 0
        own.reason = _UNSUITABLE
        if beds[row] > 0:
            _answer(own, row, chance[row], policy[0], keys, tick)
        own.coming += own.kept - own.answered


@njit(cache=True)
def _answer(own: Any, row: int, chance: float, now: Any, keys: np.ndarray, tick: int) -> None:
    """The answer of one council."""
    if uniform(keys[0], row, tick) < chance:
        own.objects = True
        own.reason = _reason(uniform(keys[2], row, tick), objection_weights(own, now))
        if uniform(keys[1], row, tick) >= (now.consultation.proceed if now.feedback.consent_to_beds else 1.0):
            own.dropped = True
            return
    mean = now.procurement.opening_lag
    lag = max(months_of_lag(mean, uniform(keys[4], row, tick), uniform(keys[5], row, tick)), 1)
    if own.objects or uniform(keys[3], row, tick) < now.consultation.conditions:
        mean = now.consultation.conditions_lag
        lag += months_of_lag(mean, uniform(keys[6], row, tick), uniform(keys[7], row, tick))
    if own.rural and own.beds == 0:
        # A rural council's first homes wait for what people will need there: access, voluntary groups, advice.
        lag += int(np.round(now.procurement.rural_setup_lag))
    own.opens_in = min(lag, 2 * LONGEST_LAG - 1)
    built = own.answered * now.procurement.delivery
    own.kept = int(built) + (uniform(keys[8], row, tick) < built - int(built))


@njit(cache=True)
def _reason(level: float, weights: tuple[float, ...]) -> int:
    """The reason given, drawn in proportion to what each weighs."""
    total = 0.0
    for weight in weights:
        total += weight
    mark, edge = level * total, 0.0
    for reason in range(len(weights) - 1):
        edge += weights[reason]
        if mark < edge:
            return reason
    return len(weights) - 1


@njit(cache=True)
def schedule(rows: np.ndarray, pipeline: np.ndarray, tick: int) -> None:
    """Put what goes ahead into the pipeline, (tick, council) beds by when they open."""
    for row in range(rows.size):
        pipeline[tick + rows[row].opens_in, row] += rows[row].kept


@njit(cache=True)
def open_homes(rows: np.ndarray, due: np.ndarray, turnaround: np.ndarray, key: np.uint64, month: int) -> None:
    """Homes whose works and licences are done open, and some of those left empty are ready for new households.

    Args:
        due: (council,) beds that open.
        turnaround: (area,) months a bed stands empty between households, on average.
    """
    for row in range(rows.size):
        own = rows[row]
        ready = own.voids / (1 + turnaround[own.area])
        own.voids -= int(ready) + (uniform(key, row, month) < ready - int(ready))
        own.opened = due[row]
        own.beds += own.opened
        own.coming -= own.opened
