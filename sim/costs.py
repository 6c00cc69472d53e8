"""Three ledgers that are never added together: councils, the Home Office, other public bodies.

All amounts are cash of the month. Unit costs are held at 2025-26 prices and carried by `price_level`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from sim.services import LINES, by_line
from sim.states import Accommodation, HomeOfficeItem, OtherBody, Participation, Service

BASE_MONTH = np.datetime64("2025-10")  # the middle of 2025-26, the price base
ITEMS, BODIES = len(HomeOfficeItem), len(OtherBody)
_CASH, _GRANTS = int(HomeOfficeItem.CASH_SUPPORT), int(HomeOfficeItem.GRANTS_TO_COUNCILS)
_SCHOOLS, _HEALTH, _TRIBUNAL = int(OtherBody.SCHOOLS), int(OtherBody.HEALTH), int(OtherBody.TRIBUNAL)
_DISPERSAL, _OTHER, _SUBSISTENCE = (int(Accommodation[k]) for k in ("DISPERSAL", "OTHER", "SUBSISTENCE"))
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


def levels(months: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Levels of general prices, of what contracts cost, and of council unit costs: (month, 3), 1 in 2025-26.

    Args:
        months: calendar months, datetime64[M].
        every: (month,) assumptions, from `sim.numbers.by_month`.
    """
    now = every.view(np.recarray)
    growth = np.stack([now.prices.inflation, now.prices.contract_growth, now.prices.council_cost_growth], axis=1)
    grown = (1 + growth) ** ((months - BASE_MONTH).astype(float) / 12)[:, None]
    grown[:, 1:] *= grown[:, :1]
    return np.asarray(grown)


@njit(cache=True)
def council(
    rows: np.ndarray, needed: np.ndarray, capacity: np.ndarray, policy: np.ndarray, level: float,
    served: np.ndarray, gross: np.ndarray,
) -> None:
    """Demand that is met, and councils' gross cost of it this month.

    Statutory lines serve what is demanded, the others what their capacity allows. Temporary accommodation counts
    without the part that housing benefit meets. Councils that take part carry a fixed coordination cost; distance
    makes services dearer in rural councils. Costs lie where people live, whichever tier pays.

    Args:
        needed, capacity: (council, service), in each line's own unit.
        policy: (1,) the month's assumptions.
        level: of council unit costs, 1 in 2025-26.
        served: (council, service), filled, in each line's own unit.
        gross: (council, service), filled, GBP.

    Source: unit costs elicited around published comparators; see the register.
    """
    now = policy[0]
    unit_cost, statutory = by_line(now.services.unit_cost), by_line(now.services.statutory)
    for row in range(rows.size):
        own = rows[row]
        dearer = now.services.rural_cost if own.rural else 1.0
        for line in range(LINES):
            met = needed[row, line] if statutory[line] else min(needed[row, line], capacity[row, line])
            served[row, line] = met
            cost = met * unit_cost[line] / 12
            if line == _HOMELESSNESS:
                cost *= 1 - now.services.benefit_share
            if line == _COORDINATION and own.participation != _OUTSIDE and own.participation != _WITHDRAWN:
                cost += now.services.fixed_cost / 12
            gross[row, line] = cost * dearer * level


@njit(cache=True)
def person_nights(occupied: np.ndarray, days: int) -> np.ndarray:
    """Person-nights by accommodation type, (6,), from people at the month's end, (council, 7)."""
    nights = np.zeros(_SUBSISTENCE + 1)
    for row in range(occupied.shape[0]):
        for kind in range(nights.size):
            nights[kind] += occupied[row, kind] * days
    return nights


@njit(cache=True)
def home_office(nights: np.ndarray, grant: float, policy: np.ndarray, prices: float, contracts: float) -> np.ndarray:
    """The Home Office ledger this month, (home office item,), GBP.

    Args:
        nights: (6,) person-nights by accommodation type.
        grant: grants paid to councils this month, GBP.
        policy: (1,) the month's assumptions.
        prices: general price level.
        contracts: level of what a night costs, 1 in 2025-26.
    """
    now, ledger, cash = policy[0], np.zeros(ITEMS), 0.0
    for item, night in enumerate(_nights(now.costs.night)):
        ledger[item] = nights[item] * night * contracts
    for kind in range(nights.size):
        self_catered = kind in (_DISPERSAL, _OTHER, _SUBSISTENCE)
        cash += nights[kind] * (now.costs.cash_self_catered if self_catered else now.costs.cash_catered)
    ledger[_CASH] = cash / 7 * prices
    ledger[_GRANTS] = grant
    return ledger


@njit(cache=True)
def _nights(night: Any) -> tuple[float, ...]:
    """What a night costs by accommodation type that is paid for, in the order of `Accommodation`."""
    return night.initial, night.dispersal, night.contingency_hotel, night.contingency_other, night.other


@njit(cache=True)
def other_public(
    children: float, people: float, appeals: int, policy: np.ndarray, prices: float
) -> np.ndarray:
    """The ledger of other public bodies this month, (other body,), GBP: schools, health, tribunal.

    Args:
        children: of school age, supported.
        people: supported.
        appeals: decided this month.
        policy: (1,) the month's assumptions.
        prices: general price level.
    """
    now, ledger = policy[0], np.zeros(BODIES)
    ledger[_SCHOOLS] = children * now.costs.school_place / 12 * prices
    ledger[_HEALTH] = people * now.costs.health / 12 * prices
    ledger[_TRIBUNAL] = appeals * now.costs.tribunal * prices
    return ledger
