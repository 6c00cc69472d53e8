"""Council services: what the people present need, what there is, and how capacity follows."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.council import line
from sim.states import Service

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
    return drivers * np.array([line(now.services.demand, service) for service in Service])


def floor(needed: np.ndarray, people: float, now: Any) -> np.ndarray:
    """Capacity that any council has from ordinary services, (service,).

    Args:
        needed: (council, service) demand.
        people: supported people in the country.
    """
    return np.asarray(needed.sum(axis=0) / max(people, 1.0) * now.services.floor_people)


def next_capacity(
    capacity: np.ndarray, needed: np.ndarray, funded: np.ndarray, least: np.ndarray, now: Any
) -> np.ndarray:
    """Capacity after a month of recruitment, (council, service).

    Capacity moves towards what the council provides unfunded plus what grant pays for, with a lag.

    Args:
        funded: (council,) share of gross cost met by grant.
        least: (service,) capacity from ordinary services.

    Source: elicited.
    """
    cover = now.services.base_cover
    if now.feedback.grant_to_capacity:
        cover = cover + (1 - now.services.base_cover) * np.clip(funded, 0.0, 1.25)[:, None]
    target = np.maximum(needed * cover, least)
    return np.asarray(capacity + (target - capacity) / max(now.services.recruitment_lag, 1.0))


def overall_pressure(needed: np.ndarray, capacity: np.ndarray, now: Any) -> np.ndarray:
    """Demand over capacity across lines, (council,), each line weighted by its unit cost."""
    weight = np.array([line(now.services.unit_cost, service) for service in Service])
    have = capacity @ weight
    return np.asarray(np.divide(needed @ weight, have, out=np.zeros(have.size), where=have > 0))
