"""Council services: what the people present need, what there is, and how capacity follows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.council import of_nation
from sim.states import Service

LINES = len(Service)
# Plain numbers, as numba wants them.
_SCHOOLS, _HOMELESSNESS, _ESOL = int(Service.SCHOOL_PLACES), int(Service.HOMELESSNESS), int(Service.ESOL)
_ADVICE, _UPPER_TIER = int(Service.LEGAL_ADVICE), (int(Service.SCHOOL_PLACES), int(Service.SOCIAL_CARE))
PEOPLE, CHILDREN, OTHERS, LIVE_CASES = range(4)  # columns of the census of each council


@njit(cache=True)
def by_line(group: Any) -> tuple[float, ...]:
    """What an assumption is for each service line, in the order of `Service`."""
    return (
        group.school_places, group.esol, group.homelessness, group.social_care, group.public_health,
        group.community, group.legal_advice, group.coordination,
    )


@njit(cache=True)
def house(rows: np.ndarray, duties: np.ndarray, policy: np.ndarray) -> None:
    """Temporary accommodation fills by this month's homelessness duties and empties as stays end.

    Args:
        duties: (council,) households owed a homelessness duty.
        policy: (1,) the month's assumptions.
    """
    now = policy[0]
    for row in range(rows.size):
        own = rows[row]
        begun = duties[row] * of_nation(now.services.temporary_share, own)
        own.temporary += begun - own.temporary / max(of_nation(now.services.temporary_stay, own), 1.0)


@njit(cache=True)
def settle(rows: np.ndarray, leaving: np.ndarray, policy: np.ndarray) -> None:
    """Temporary accommodation where it settles when as many leave support every month.

    Args:
        leaving: (council,) households that leave support after a grant in a month.
        policy: (1,) the month's assumptions.
    """
    now = policy[0]
    for row in range(rows.size):
        own = rows[row]
        housed = of_nation(now.move_on.duty_share, own) * of_nation(now.services.temporary_share, own)
        own.temporary = leaving[row] * housed * of_nation(now.services.temporary_stay, own)


@njit(cache=True)
def demand(rows: np.ndarray, present: np.ndarray, policy: np.ndarray, needed: np.ndarray) -> None:
    """Demand on each line, in the line's own unit.

    Args:
        present: (council, 4) supported people, school-age children, others, people with a live case.
        policy: (1,) the month's assumptions.
        needed: (council, service), filled.
    """
    now = policy[0]
    per = by_line(now.services.demand)
    for row in range(rows.size):
        for line in range(LINES):
            needed[row, line] = present[row, PEOPLE] * per[line]
        needed[row, _SCHOOLS] = present[row, CHILDREN] * per[_SCHOOLS]
        needed[row, _HOMELESSNESS] = rows[row].temporary * per[_HOMELESSNESS]
        needed[row, _ESOL] = present[row, OTHERS] * per[_ESOL]
        needed[row, _ADVICE] = present[row, LIVE_CASES] * per[_ADVICE]


def floor(needed: np.ndarray, people: float, now: Any) -> np.ndarray:
    """Capacity that any council has from ordinary services, (service,).

    Args:
        needed: (council, service) demand.
        people: supported people in the country.
    """
    return np.asarray(needed.sum(axis=0) / max(people, 1.0) * now.services.floor_people)


@njit(cache=True)
def recruit(
    rows: np.ndarray, capacity: np.ndarray, needed: np.ndarray, least: np.ndarray, policy: np.ndarray
) -> None:
    """Change capacity, (council, service), by a month of recruitment, in place.

    Capacity moves towards what the council provides unfunded plus what grant pays for, with a lag that is longer in
    rural councils, where voluntary groups and advice have to build up.

    Args:
        needed: (council, service) demand.
        least: (service,) capacity from ordinary services.
        policy: (1,) the month's assumptions.

    Source: elicited.
    """
    now = policy[0]
    lag, base = now.services.recruitment_lag, now.services.base_cover
    for row in range(rows.size):
        own, cover = rows[row], base
        if now.feedback.grant_to_capacity:
            cover += (1 - base) * min(max(own.funded, 0.0), 1.25)
        months = max(lag * now.services.rural_lag if own.rural else lag, 1.0)
        for line in range(LINES):
            target = max(needed[row, line] * cover, least[line])
            capacity[row, line] += (target - capacity[row, line]) / months


@njit(cache=True)
def press(
    rows: np.ndarray, needed: np.ndarray, capacity: np.ndarray, upper_tier: np.ndarray, policy: np.ndarray,
    found: np.ndarray,
) -> None:
    """Demand over capacity by line, and of every council over all lines, each weighted by the cost of what is needed.

    Schools and social care are duties of the upper tier: the districts of a county share one ratio.

    Args:
        needed, capacity: (council, service).
        upper_tier: (council,) index of the upper-tier authority.
        policy: (1,) the month's assumptions.
        found: (council, service) pressure, filled.
    """
    found[:] = 0.0
    for row in range(rows.size):
        for line in range(LINES):
            if capacity[row, line] > 0:
                found[row, line] = needed[row, line] / capacity[row, line]
    for line in _UPPER_TIER:
        asked, offered = np.zeros(upper_tier.max() + 1), np.zeros(upper_tier.max() + 1)
        for row in range(rows.size):
            asked[upper_tier[row]] += needed[row, line]
            offered[upper_tier[row]] += capacity[row, line]
        for row in range(rows.size):
            tier = upper_tier[row]
            found[row, line] = asked[tier] / offered[tier] if offered[tier] > 0 else 0.0
    now = policy[0]
    unit_cost = by_line(now.services.unit_cost)
    for row in range(rows.size):
        total, pressed = 0.0, 0.0
        for line in range(LINES):
            cost = needed[row, line] * unit_cost[line]
            total += cost
            pressed += found[row, line] * cost
        rows[row].pressure = pressed / total if total > 0 else 0.0
