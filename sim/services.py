"""Council services: what the people present need, what there is, and how capacity follows."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.council import lines
from sim.states import Service

UPPER_TIER = (Service.SCHOOL_PLACES, Service.SOCIAL_CARE)  # a county's duties where there are two tiers
PEOPLE, CHILDREN, OTHERS, LIVE_CASES = range(4)  # columns of the census of each council


def demand(present: np.ndarray, temporary: np.ndarray, now: Any) -> np.ndarray:
    """Demand on each line, (council, service), in the line's own unit.

    Args:
        present: (council, 4) supported people, school-age children, others, people with a live case.
        temporary: (council,) households in temporary accommodation after a grant of status.
    """
    drivers = np.empty((present.shape[0], len(Service)))
    drivers[:] = present[:, [PEOPLE]]
    drivers[:, Service.SCHOOL_PLACES] = present[:, CHILDREN]
    drivers[:, Service.ESOL] = present[:, OTHERS]
    drivers[:, Service.HOMELESSNESS] = temporary
    drivers[:, Service.LEGAL_ADVICE] = present[:, LIVE_CASES]
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
    cover = now.services.base_cover
    if now.feedback.grant_to_capacity:
        cover = cover + (1 - now.services.base_cover) * np.minimum(np.maximum(funded, 0.0), 1.25)[:, None]
    target = np.maximum(needed * cover, least)
    lag = now.services.recruitment_lag * np.where(rural, now.services.rural_lag, 1.0)
    return np.asarray(capacity + (target - capacity) / np.maximum(lag, 1.0)[:, None])


def pressure(needed: np.ndarray, capacity: np.ndarray, upper_tier: np.ndarray) -> np.ndarray:
    """Demand over capacity, (council, service); 0 where nothing is needed.

    Schools and social care belong to the upper tier: districts of a county share its demand and capacity.

    Args:
        upper_tier: (council,) index of the upper-tier authority.
    """
    needed, capacity = needed.copy(), capacity.copy()
    for service in UPPER_TIER:
        for amount in (needed, capacity):
            amount[:, service] = np.bincount(upper_tier, amount[:, service])[upper_tier]
    return np.asarray(np.divide(needed, capacity, out=np.zeros_like(needed), where=capacity > 0))


def overall_pressure(by_line: np.ndarray, needed: np.ndarray, now: Any) -> np.ndarray:
    """Pressure across lines, (council,), each line weighted by the cost of what is needed."""
    cost = needed * lines(now.services.unit_cost)
    total = cost.sum(axis=1)
    return np.asarray(np.divide((by_line * cost).sum(axis=1), total, out=np.zeros(total.size), where=total > 0))
