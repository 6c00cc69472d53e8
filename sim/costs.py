"""Three ledgers that are never added together: councils, the Home Office, other public bodies.

All amounts are cash of the month. Unit costs are held at 2025-26 prices and carried by `price_level`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from sim.council import lines
from sim.states import Accommodation, HomeOfficeItem, OtherBody, Participation, Service

BASE_MONTH = np.datetime64("2025-10")  # the middle of 2025-26, the price base
_SELF_CATERED = [Accommodation.DISPERSAL, Accommodation.OTHER, Accommodation.SUBSISTENCE]
_PAID_NIGHTS = list(Accommodation)[: Accommodation.SUBSISTENCE]
_HOMELESSNESS, _COORDINATION = int(Service.HOMELESSNESS), int(Service.COORDINATION)  # numba wants plain numbers
_OUTSIDE, _WITHDRAWN = int(Participation.NOT_PARTICIPATING), int(Participation.WITHDRAWN)


def price_level(month: np.datetime64, now: Any) -> float:
    """General price level, 1 in 2025-26."""
    return real_growth(month, now.prices.inflation)


@lru_cache(maxsize=4096)
def real_growth(month: np.datetime64, rate: float) -> float:
    """A unit cost's growth above general prices since 2025-26."""
    years = float((month.astype("datetime64[M]") - BASE_MONTH).astype(int)) / 12
    return float((1 + rate) ** years)


def served(needed: np.ndarray, capacity: np.ndarray, now: Any) -> np.ndarray:
    """Demand that is met, and paid for, (council, service), in each line's own unit.

    Statutory lines serve what is demanded, the others what their capacity allows.
    """
    return np.where(lines(now.services.statutory), needed, np.minimum(needed, capacity))


def council_gross(
    served: np.ndarray, participation: np.ndarray, rural: np.ndarray, month: np.datetime64, now: Any
) -> np.ndarray:
    """Councils' gross cost this month, (council, service), GBP.

    Temporary accommodation counts without the part that housing benefit meets. Councils that take part carry a fixed
    coordination cost; distance makes services dearer in rural councils. Costs lie where people live, whichever tier
    pays.

    Args:
        served: (council, service) demand met, in each line's own unit.
        participation: (council,) states.
        rural: (council,) whether the council is mainly rural.

    Source: unit costs elicited around published comparators; see the register.
    """
    level = price_level(month, now) * real_growth(month, now.prices.council_cost_growth)
    own = now.services
    prices = float(own.benefit_share), own.fixed_cost / 12, float(own.rural_cost), level
    return np.asarray(_gross(served, participation, rural, lines(own.unit_cost), prices))


@njit(cache=True)
def _gross(
    served: np.ndarray, participation: np.ndarray, rural: np.ndarray, unit_cost: np.ndarray,
    prices: tuple[float, float, float, float],
) -> np.ndarray:
    benefit_share, fixed_cost, rural_cost, level = prices
    cost = np.empty_like(served)
    for row in range(served.shape[0]):
        dearer = rural_cost if rural[row] else 1.0
        for line in range(served.shape[1]):
            cost[row, line] = served[row, line] * unit_cost[line] / 12
        cost[row, _HOMELESSNESS] *= 1 - benefit_share
        if participation[row] != _OUTSIDE and participation[row] != _WITHDRAWN:
            cost[row, _COORDINATION] += fixed_cost
        for line in range(served.shape[1]):
            cost[row, line] = cost[row, line] * dearer * level
    return cost


def person_nights(people: np.ndarray, days: int) -> np.ndarray:
    """Person-nights by accommodation type, (6,), from people at the month's end."""
    return np.asarray(people[: Accommodation.UNPLACED] * days)


def home_office(nights: np.ndarray, grant: float, month: np.datetime64, now: Any) -> np.ndarray:
    """The Home Office ledger this month, (home office item,), GBP.

    Args:
        nights: (6,) person-nights by accommodation type.
        grant: grants paid to councils this month, GBP.
    """
    level = price_level(month, now) * real_growth(month, now.prices.contract_growth)
    ledger = np.zeros(len(HomeOfficeItem))
    night, week = _rates(now.costs)
    ledger[: night.size] = nights[: night.size] * night * level
    ledger[HomeOfficeItem.CASH_SUPPORT] = nights @ week / 7 * price_level(month, now)
    ledger[HomeOfficeItem.GRANTS_TO_COUNCILS] = grant
    return ledger


@lru_cache(maxsize=256)
def _rates(costs: Any) -> tuple[np.ndarray, np.ndarray]:
    """What a night costs by accommodation type that is paid for, (5,), and cash support a week by type, (6,)."""
    night = np.array([getattr(costs.night, kind.name.lower()) for kind in _PAID_NIGHTS])
    week = np.full(len(_PAID_NIGHTS) + 1, float(costs.cash_catered))
    week[_SELF_CATERED] = costs.cash_self_catered
    return night, week


def other_public(children: float, people: float, appeals: int, month: np.datetime64, now: Any) -> np.ndarray:
    """The ledger of other public bodies this month, (other body,), GBP: schools, health, tribunal."""
    ledger = np.zeros(len(OtherBody))
    ledger[OtherBody.SCHOOLS] = children * now.costs.school_place / 12
    ledger[OtherBody.HEALTH] = people * now.costs.health / 12
    ledger[OtherBody.TRIBUNAL] = appeals * now.costs.tribunal
    return ledger * price_level(month, now)
