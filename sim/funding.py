"""Grants: what each kind of instrument multiplies its rate by. Pure functions of a month's caseload.

`params.instruments` explains the kinds, with unit and formula, and reads the instruments themselves from TOML. Rates
are cash: nothing is uprated unless an instrument says so or a scenario dates a new rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
from numba import njit

from params.instruments import HOUSED, NATIONS, Instrument, financial_year
from sim.costs import price_level
from sim.states import Accommodation, Service

_SUBSISTENCE = int(Accommodation.SUBSISTENCE)  # those before it house people
_LAST_OF_QUARTER = (3, 6, 9, 12)


@dataclass(frozen=True)
class Caseload:
    """What instruments may look at: the month, and columns of length (council,).

    Attributes:
        month: the calendar month, datetime64[M].
        nation: nation of each council.
        rural: whether it is mainly rural.
        people: (council, accommodation) people at the month's end.
        baseline: people accommodated at the end of the financial year before.
        baseline_people: (council, accommodation) the same by accommodation type.
        quarter_before: (council, accommodation) people at the end of the quarter before.
        beds_opened: dispersal beds opened this month.
        first_proposals: councils that received their first proposal this month (0 or 1).
        duties: homelessness duties this month, households.
        needed: (council, service) demand on each service line, in the line's own unit.
        gross: (council, service) councils' gross cost this month, GBP.
    """

    month: np.datetime64
    nation: np.ndarray
    rural: np.ndarray
    people: np.ndarray
    baseline: np.ndarray
    baseline_people: np.ndarray
    quarter_before: np.ndarray
    beds_opened: np.ndarray
    first_proposals: np.ndarray
    duties: np.ndarray
    needed: np.ndarray
    gross: np.ndarray

    @property
    def accommodated(self) -> np.ndarray:
        """People in any accommodation at the month's end."""
        return np.asarray(_accommodated(self.people))

    @property
    def gross_cost(self) -> np.ndarray:
        """Councils' gross cost over all service lines this month, GBP."""
        return np.asarray(self.gross.sum(axis=1))

    @property
    def day(self) -> date:
        """First day of the month."""
        return date.fromisoformat(f"{self.month}-01")


@njit(cache=True)
def _accommodated(people: np.ndarray) -> np.ndarray:
    housed = np.zeros(people.shape[0])
    for row in range(people.shape[0]):
        for kind in range(_SUBSISTENCE):
            housed[row] += people[row, kind]
    return housed


def _now(load: Caseload, own: Instrument) -> np.ndarray:
    return load.accommodated if tuple(own.accommodation) == HOUSED else _of(load.people, own)


def _on_date(load: Caseload, own: Instrument) -> np.ndarray:
    return load.baseline if tuple(own.accommodation) == HOUSED else _of(load.baseline_people, own)


def _of(people: np.ndarray, own: Instrument) -> np.ndarray:
    kinds = [Accommodation[word.upper()] for word in own.accommodation]
    return np.asarray(people[:, kinds].sum(axis=1).astype(float))


def _quarter_growth(load: Caseload, own: Instrument, rate: float) -> np.ndarray:
    if load.day.month not in _LAST_OF_QUARTER:
        return np.zeros(load.baseline.size)
    return rate * np.maximum(_of(load.people, own) - _of(load.quarter_before, own), 0)


def _service_demand(load: Caseload, own: Instrument, rate: float) -> np.ndarray:
    return rate / 12 * load.needed[:, Service[own.service.upper()]]


def _cost(load: Caseload, own: Instrument, rate: float) -> np.ndarray:
    return rate * (load.gross[:, Service[own.service.upper()]] if own.service else load.gross_cost)


AMOUNTS: Mapping[str, Callable[[Caseload, Instrument, float], np.ndarray]] = MappingProxyType(
    {
        "per_person_on_date": lambda load, own, rate: rate / 12 * _on_date(load, own),
        "per_occupied_bed": lambda load, own, rate: rate / 12 * _now(load, own),
        "net_growth_month": lambda load, own, rate: rate * np.maximum(_now(load, own) - _on_date(load, own), 0),
        "net_growth_quarter": _quarter_growth,
        "new_bed": lambda load, own, rate: rate * load.beds_opened,
        "setup": lambda load, own, rate: rate * load.first_proposals,
        "per_service": _service_demand,
        "move_on": lambda load, own, rate: rate * load.duties,
        "cost_recovery": _cost,
    }
)


def payment(load: Caseload, own: Instrument, now: Any) -> np.ndarray:
    """What one instrument pays each council this month, (council,), GBP cash.

    Args:
        load: the month's caseload.
        own: the instrument, its rate a number; whether it is in force is the caller's business.
        now: the month's assumptions, of which the price level is read where the rate is linked to prices.

    Source: `params.instruments` gives each kind's formula and the order of the modifiers.
    """
    paid = AMOUNTS[own.kind](load, own, float(own.rate) * _share_of_rate(load.day, own, now))
    if own.rural_uplift:
        paid = paid * np.where(load.rural, 1 + own.rural_uplift, 1.0)
    if own.floor is not None:
        paid = np.where(_in_scope(load, own), np.maximum(paid, own.floor / 12), paid)
    if own.cap is not None:
        paid = np.minimum(paid, own.cap / 12)
    if tuple(own.nations) != NATIONS:
        paid = paid * np.isin(load.nation, own.nations)
    return np.asarray(paid)


def _in_scope(load: Caseload, own: Instrument) -> np.ndarray:
    return np.asarray((_now(load, own) > 0) | (_on_date(load, own) > 0))


def _share_of_rate(day: date, own: Instrument, now: Any) -> float:
    """Taper and price link: what is left of the rate in a month's financial year."""
    if own.start is None or not (own.taper or own.indexed):
        return 1.0
    years = financial_year(day) - financial_year(own.start)
    share = 1.0
    if own.taper:
        share = own.taper[years] if years < len(own.taper) else 0.0
    if own.indexed:
        first, this = (np.datetime64(f"{financial_year(d)}-04", "M") for d in (own.start, day))
        share *= price_level(this, now) / price_level(first, now)
    return share


def grants(load: Caseload, now: Any) -> np.ndarray:
    """Grant to each council this month, (council,), GBP: the sum of every instrument in force.

    Source: Asylum Grant 2025-26 for the first two standing instruments; the others are earlier grants and scenarios.
    """
    total = np.zeros(load.baseline.size)
    for own in now.instruments:
        if own.rate:
            total += payment(load, own, now)
    return total


@njit(cache=True)
def settle(rows: np.ndarray, grant: np.ndarray, gross: np.ndarray, months: int) -> float:
    """Move `funded`, the share of gross cost that grants meet, towards this month's share.

    Args:
        grant: (council,) GBP.
        gross: (council, service) GBP.
        months: over which it follows: 1 to take this month's share at once.

    Returns:
        Grants to all councils, GBP.
    """
    for row in range(rows.size):
        cost = gross[row].sum()
        share = grant[row] / cost if cost > 0 else 1.0
        rows[row].funded += (share - rows[row].funded) / months
    return grant.sum()
