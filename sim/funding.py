"""Grants: what each kind of instrument multiplies its rate by. Pure functions of a month's caseload.

`params.instruments` explains the kinds, with unit and formula, and reads the instruments themselves from TOML. Rates
are cash: nothing is uprated unless an instrument says so or a scenario dates a new rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from params.instruments import HOUSED, KINDS, NATIONS, Instrument, financial_year
from sim.costs import price_level
from sim.states import Accommodation, Service

_SUBSISTENCE = int(Accommodation.SUBSISTENCE)  # the last kind that is published; those before it house people
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
        return np.asarray(self.people[:, :_SUBSISTENCE].sum(axis=1).astype(float))

    @property
    def gross_cost(self) -> np.ndarray:
        """Councils' gross cost over all service lines this month, GBP."""
        return np.asarray(self.gross.sum(axis=1))

    @property
    def day(self) -> date:
        """First day of the month."""
        return date.fromisoformat(f"{self.month}-01")


_CODES = {kind: code for code, kind in enumerate(KINDS)}
(
    _PER_PERSON_ON_DATE, _PER_OCCUPIED_BED, _NET_GROWTH_MONTH, _NET_GROWTH_QUARTER, _NEW_BED, _SETUP, _PER_SERVICE,
    _MOVE_ON, _COST_RECOVERY,
) = (
    _CODES[kind] for kind in (
        "per_person_on_date", "per_occupied_bed", "net_growth_month", "net_growth_quarter", "new_bed", "setup",
        "per_service", "move_on", "cost_recovery",
    )
)  # fmt: skip
_TERM = np.dtype(
    [
        ("kind", np.int64), ("rate", np.float64), ("rural_uplift", np.float64), ("floor", np.float64),
        ("cap", np.float64), ("service", np.int64), ("housed", np.bool_), ("counted", np.float64, (_SUBSISTENCE + 1,)),
        ("nations", np.float64, (len(NATIONS),)),
    ],
    align=True,
)  # fmt: skip


@lru_cache(maxsize=8192)
def terms(now: Any, day: date) -> np.ndarray:
    """What each instrument in force pays in a month, (instrument,), as records that compiled rules read.

    Its rate is that of the month: tapered, or linked to prices. A floor or cap of infinity is none; service is -1
    where an instrument looks at none.

    Args:
        now: the month's assumptions.
        day: first day of the month.
    """
    return _terms([own for own in now.instruments if own.rate], day, now)


def _terms(instruments: Sequence[Instrument], day: date, now: Any) -> np.ndarray:
    found = np.zeros(len(instruments), _TERM)
    for term, own in zip(found, instruments, strict=True):
        term["kind"] = _CODES[own.kind]
        term["rate"] = float(own.rate) * _share_of_rate(day, own, now)
        term["rural_uplift"] = own.rural_uplift
        term["floor"] = -np.inf if own.floor is None else own.floor / 12
        term["cap"] = np.inf if own.cap is None else own.cap / 12
        term["service"] = Service[own.service.upper()] if own.service else -1
        term["housed"] = tuple(own.accommodation) == HOUSED
        term["counted"][[Accommodation[word.upper()] for word in own.accommodation]] = True
        term["nations"] = [nation in own.nations for nation in NATIONS]
    found.flags.writeable = False
    return found


@njit(cache=True)
def pay(
    terms: np.ndarray, ends_quarter: bool, nation_row: np.ndarray, rural: np.ndarray, people: np.ndarray,
    baseline: np.ndarray, baseline_people: np.ndarray, quarter_before: np.ndarray, beds_opened: np.ndarray,
    first_proposals: np.ndarray, duties: np.ndarray, needed: np.ndarray, gross: np.ndarray,
) -> np.ndarray:
    """Grant to each council this month, (council,), GBP cash: the sum of what every instrument pays.

    Args:
        terms: (instrument,) from `terms`.
        ends_quarter: whether the month is the last of its quarter.
        nation_row: (council,) index into NATIONS.
        rural, people and what follows: as in `Caseload`.

    Source: `params.instruments` gives each kind's formula and the order of the modifiers.
    """
    paid = np.zeros(rural.size)
    for term in terms:
        for row in range(rural.size):
            now_here = _counted(term, people[row])
            on_date = baseline[row] if term.housed else _counted(term, baseline_people[row])
            amount = 0.0
            if term.kind == _PER_PERSON_ON_DATE:
                amount = term.rate / 12 * on_date
            elif term.kind == _PER_OCCUPIED_BED:
                amount = term.rate / 12 * now_here
            elif term.kind == _NET_GROWTH_MONTH:
                amount = term.rate * max(now_here - on_date, 0.0)
            elif term.kind == _NET_GROWTH_QUARTER:
                amount = term.rate * max(now_here - _counted(term, quarter_before[row]), 0.0) * ends_quarter
            elif term.kind == _NEW_BED:
                amount = term.rate * beds_opened[row]
            elif term.kind == _SETUP:
                amount = term.rate * first_proposals[row]
            elif term.kind == _PER_SERVICE:
                amount = term.rate / 12 * needed[row, term.service]
            elif term.kind == _MOVE_ON:
                amount = term.rate * duties[row]
            elif term.kind == _COST_RECOVERY:
                amount = term.rate * (gross[row, term.service] if term.service >= 0 else gross[row].sum())
            if rural[row]:
                amount *= 1 + term.rural_uplift
            if now_here > 0 or on_date > 0:
                amount = max(amount, term.floor)
            paid[row] += min(amount, term.cap) * term.nations[nation_row[row]]
    return paid


@njit(cache=True)
def _counted(term: Any, people: np.ndarray) -> float:
    """People of one council in the accommodation that an instrument looks at."""
    total = 0.0
    for kind in range(_SUBSISTENCE + 1):
        total += people[kind] * term.counted[kind]
    return total


def payment(load: Caseload, own: Instrument, now: Any) -> np.ndarray:
    """What one instrument pays each council this month, (council,), GBP cash.

    Args:
        load: the month's caseload.
        own: the instrument, its rate a number; whether it is in force is the caller's business.
        now: the month's assumptions, of which the price level is read where the rate is linked to prices.
    """
    return _paid(load, _terms([own], load.day, now))


def _paid(load: Caseload, terms: np.ndarray) -> np.ndarray:
    nation_row = (load.nation[:, None] == np.array(NATIONS)).argmax(axis=1)
    columns = (
        load.people, load.baseline, load.baseline_people, load.quarter_before, load.beds_opened, load.first_proposals,
        load.duties, load.needed, load.gross,
    )  # fmt: skip
    numbers = (np.ascontiguousarray(column, float) for column in columns)
    rural = np.ascontiguousarray(load.rural)
    return np.asarray(pay(terms, load.day.month in _LAST_OF_QUARTER, nation_row, rural, *numbers))


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
    return _paid(load, terms(now, load.day))


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
