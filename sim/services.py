"""Council services: what the people present need, what there is, and how capacity follows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.council import lines
from sim.states import Service

_UPPER_TIER = (int(Service.SCHOOL_PLACES), int(Service.SOCIAL_CARE))  # a county's duties where there are two tiers
PEOPLE, CHILDREN, OTHERS, LIVE_CASES = range(4)  # columns of the census of each council
_DRIVERS = np.full(len(Service), PEOPLE)  # which of them a line's demand follows
_DRIVERS[[Service.SCHOOL_PLACES, Service.ESOL, Service.LEGAL_ADVICE]] = CHILDREN, OTHERS, LIVE_CASES


def demand(present: np.ndarray, temporary: np.ndarray, now: Any) -> np.ndarray:
    """Demand on each line, (council, service), in the line's own unit.

    Args:
        present: (council, 4) supported people, school-age children, others, people with a live case.
        temporary: (council,) households in temporary accommodation after a grant of status.
    """
    drivers = present.take(_DRIVERS, axis=1).astype(float)
    drivers[:, Service.HOMELESSNESS] = temporary
    return drivers * lines(now.services.demand)


def floor(needed: np.ndarray, people: float, now: Any) -> np.ndarray:
    """Capacity that any council has from ordinary services, (service,).

    Args:
        needed: (council, service) demand.
        people: supported people in the country.
    """
    return np.asarray(needed.sum(axis=0) / max(people, 1.0) * now.services.floor_people)


def next_capacity(
    capacity: np.ndarray, needed: np.ndarray, funded: np.ndarray, least: np.ndarray, rural: np.ndarray, now: Any
) -> np.ndarray:
    """Capacity after a month of recruitment, (council, service).

    Capacity moves towards what the council provides unfunded plus what grant pays for, with a lag that is longer in
    rural councils, where voluntary groups and advice have to build up.

    Args:
        funded: (council,) share of gross cost met by grant.
        least: (service,) capacity from ordinary services.
        rural: (council,) whether the council is mainly rural.

    Source: elicited.
    """
    lag = now.services.recruitment_lag
    lags = max(lag, 1.0), max(lag * now.services.rural_lag, 1.0)
    paid_for = bool(now.feedback.grant_to_capacity)
    base = float(now.services.base_cover)
    return np.asarray(_recruited(capacity, needed, funded, least, rural, base, paid_for, lags))


@njit(cache=True)
def _recruited(
    capacity: np.ndarray, needed: np.ndarray, funded: np.ndarray, least: np.ndarray, rural: np.ndarray, base: float,
    paid_for: bool, lags: tuple[float, float],
) -> np.ndarray:
    after = np.empty_like(capacity)
    for row in range(capacity.shape[0]):
        cover = base
        if paid_for:
            cover += (1 - base) * min(max(funded[row], 0.0), 1.25)
        lag = lags[1] if rural[row] else lags[0]
        for line in range(capacity.shape[1]):
            target = max(needed[row, line] * cover, least[line])
            after[row, line] = capacity[row, line] + (target - capacity[row, line]) / lag
    return after


@njit(cache=True)
def pressure(needed: np.ndarray, capacity: np.ndarray, upper_tier: np.ndarray) -> np.ndarray:
    """Demand over capacity, (council, service); 0 where nothing is needed.

    Schools and social care belong to the upper tier: districts of a county share its demand and capacity.

    Args:
        upper_tier: (council,) index of the upper-tier authority.
    """
    found = np.zeros_like(needed)
    for row in range(needed.shape[0]):
        for line in range(needed.shape[1]):
            if capacity[row, line] > 0:
                found[row, line] = needed[row, line] / capacity[row, line]
    for line in _UPPER_TIER:
        asked, offered = np.zeros(upper_tier.max() + 1), np.zeros(upper_tier.max() + 1)
        for row in range(needed.shape[0]):
            asked[upper_tier[row]] += needed[row, line]
            offered[upper_tier[row]] += capacity[row, line]
        for row in range(needed.shape[0]):
            tier = upper_tier[row]
            found[row, line] = asked[tier] / offered[tier] if offered[tier] > 0 else 0.0
    return found


def overall_pressure(by_line: np.ndarray, needed: np.ndarray, now: Any) -> np.ndarray:
    """Pressure across lines, (council,), each line weighted by the cost of what is needed."""
    return np.asarray(_weighted(by_line, needed, lines(now.services.unit_cost)))


@njit(cache=True)
def _weighted(by_line: np.ndarray, needed: np.ndarray, unit_cost: np.ndarray) -> np.ndarray:
    overall = np.zeros(needed.shape[0])
    for row in range(needed.shape[0]):
        total, pressed = 0.0, 0.0
        for line in range(needed.shape[1]):
            cost = needed[row, line] * unit_cost[line]
            total += cost
            pressed += by_line[row, line] * cost
        if total > 0:
            overall[row] = pressed / total
    return overall
