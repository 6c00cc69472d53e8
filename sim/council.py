"""Councils: who they are, how they answer a proposal, and how experience moves their willingness.

The 361 councils are Mesa agents; their state is columns, so that a rule reads as one line of arithmetic over all of
them. A `Council` agent is a view of one row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mesa
import numpy as np
from numba import njit

from sim.states import Barrier, Participation, Service

_SATURATION, _LIMIT, _PRESSURE, _GAP, _TRUST = (int(b) for b in list(Barrier)[:-1])  # numba wants plain numbers
_PROCURING, _ACTIVE, _PAUSED, _WITHDRAWN = (int(state) for state in list(Participation)[Participation.PROCURING :])
ESTABLISHED = 10  # people; the patterns count a council as taking part from ten, below that numbers flicker
NATIONS = ("England", "Scotland", "Wales", "Northern Ireland")


@dataclass
class Councils:
    """Columns of length (council,), in the order of the reference table.

    Attributes:
        population: residents, latest mid-year estimate.
        area: index of the contract area.
        upper_tier: index of the upper-tier authority (the county of a district, otherwise the council itself).
        rent_ratio: two-bedroom rent over the mean of its contract area; 1 where no rent is known.
        factors: of the transparent index, by name, standardised (`equity.factors`).
        beds: dispersal bed spaces in use or ready for use, one person each; voids are not published.
        voids: dispersal beds between one household and the next, people who could live there.
        hotel_beds: hotel beds paid for.
        closing: months until the council's last hotel closes under an exit plan; 0 where there is none.
        frailty: what nothing measured explains, mean 1.
        fair_weight: fair shares by the transparent index, in people.
        willingness: 0 to 1.
        pressure: demand over capacity across service lines, weighted by cost.
        funded: share of gross cost met by grant, over about a year.
        population_2001: residents of the 2001 census; None where no local file gives them.
        maximum: most people in dispersal accommodation by local intelligence, infinite where nothing is said.
        paused: no new proposals, by local intelligence.
        local_weight: of placements and proposals, by local intelligence; 1 is neutral.
        held: state of participation that local intelligence holds, -1 where it does not.
        month: the calendar month, datetime64[M]; not a column.
    """

    codes: np.ndarray
    names: np.ndarray
    region: np.ndarray
    nation: np.ndarray
    area: np.ndarray
    areas: list[str]
    provider_of_area: list[str]
    population: np.ndarray
    rural: np.ndarray
    upper_tier: np.ndarray
    rent_ratio: np.ndarray
    factors: Mapping[str, np.ndarray]
    fixed_beds: np.ndarray  # (council, 6): initial, other contingency and other accommodation keep their size
    beds: np.ndarray
    hotel_beds: np.ndarray
    had_hotel: np.ndarray
    people: np.ndarray  # in dispersal beds, refreshed each month
    participation: np.ndarray
    willingness: np.ndarray
    frailty: np.ndarray
    fair_weight: np.ndarray
    population_2001: np.ndarray | None = None
    maximum: np.ndarray = field(init=False)
    paused: np.ndarray = field(init=False)
    local_weight: np.ndarray = field(init=False)
    held: np.ndarray = field(init=False)
    voids: np.ndarray = field(init=False)
    closing: np.ndarray = field(init=False)
    pressure: np.ndarray = field(init=False)
    funded: np.ndarray = field(init=False)
    area_start: np.ndarray = field(init=False)
    by_area: np.ndarray = field(init=False)
    area_words: list[str] = field(init=False)  # names of the areas as the register spells them
    _steady: dict[str, tuple[tuple[Any, ...], Any]] = field(init=False, default_factory=dict)
    month: np.datetime64 = field(init=False)

    def __post_init__(self) -> None:
        self.maximum, self.paused = np.full(self.count, np.inf), np.zeros(self.count, bool)
        self.local_weight, self.held = np.ones(self.count), np.full(self.count, -1, np.int8)
        self.voids = np.zeros(self.count, np.int64)
        self.closing = np.zeros(self.count, np.int64)
        self.pressure = np.ones(self.count)
        self.funded = np.zeros(self.count)
        self.area_words = [area.lower().replace(",", "").replace(" ", "_") for area in self.areas]
        self.by_area = np.argsort(self.area, kind="stable")
        self.area_start = np.searchsorted(self.area[self.by_area], np.arange(len(self.areas) + 1))

    @property
    def count(self) -> int:
        """Number of councils."""
        return int(self.codes.size)

    def in_area(self, area: int) -> np.ndarray:
        """Rows of one contract area."""
        return self.by_area[self.area_start[area] : self.area_start[area + 1]]

    def steady(self, name: str, make: Callable[..., Any], *of: Any) -> Any:
        """What `make(*of)` gives, made again only when one of its arguments is another object than last time.

        Most months have the assumptions of the month before, and populations and rents never change.
        """
        known = self._steady.get(name)
        if known is None or any(new is not old for new, old in zip(of, known[0], strict=True)):
            known = self._steady[name] = (of, make(*of))
        return known[1]

    def limit(self, now: Any) -> np.ndarray:
        """People in dispersal accommodation at the cluster limit, or at the local maximum where that is lower."""
        residents = self.population
        if now.placement.cluster_denominator == "census_2001" and self.population_2001 is not None:
            residents = self.population_2001
        return np.minimum(self.steady("limit", _cluster_limit, residents, now), self.maximum)


class Council(mesa.Agent):
    """One council, as a view of its row."""

    def __init__(self, model: mesa.Model, columns: Councils, row: int) -> None:
        super().__init__(model)
        self.columns = columns
        self.row = row

    @property
    def code(self) -> str:
        """Nine-character code of the council."""
        return str(self.columns.codes[self.row])

    @property
    def name(self) -> str:
        """Name of the council."""
        return str(self.columns.names[self.row])

    @property
    def participation(self) -> Participation:
        """State in the dispersal process."""
        return Participation(int(self.columns.participation[self.row]))

    @property
    def willingness(self) -> float:
        """Willingness to take more, 0 to 1."""
        return float(self.columns.willingness[self.row])

    @property
    def beds(self) -> int:
        """Dispersal bed spaces."""
        return int(self.columns.beds[self.row])

    @property
    def pressure(self) -> float:
        """Demand over capacity across its service lines."""
        return float(self.columns.pressure[self.row])


def objection_terms(councils: Councils, now: Any) -> np.ndarray:
    """What pushes a council towards an objection, by coded reason, in log odds.

    Returns:
        Array (council, barrier) of terms that are zero or more; their sum with the base is the log odds.

    Source: elicited, but for the limit, which follows the slower growth seen from about 80% of the limit.
    """
    columns = councils.people, councils.limit(now), councils.pressure, councils.funded, councils.willingness
    return np.asarray(_terms(*columns, councils.steady("barriers", _barrier_weights, now)))


@njit(cache=True)
def _gap(funded: float) -> float:
    """Share of gross cost that no grant meets, 0 to 1."""
    return min(max(1.0 - funded, 0.0), 1.0)


@njit(cache=True)
def _terms(
    people: np.ndarray, limit: np.ndarray, pressure: np.ndarray, funded: np.ndarray, willingness: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    terms = np.zeros((people.size, weight.size))
    for row in range(people.size):
        used = people[row] / max(limit[row], 1.0)
        terms[row, _SATURATION] = weight[_SATURATION] * min(used, 1.0) ** 2
        terms[row, _LIMIT] = weight[_LIMIT] * max(used - 0.8, 0.0)
        terms[row, _PRESSURE] = weight[_PRESSURE] * max(pressure[row] - 1.0, 0.0)
        terms[row, _GAP] = weight[_GAP] * _gap(funded[row])
        terms[row, _TRUST] = weight[_TRUST] * (1.0 - willingness[row])
    return terms


def _barrier_weights(now: Any) -> np.ndarray:
    """What each reason weighs in log odds, (barrier,); nought where it, or the feedback behind it, is switched off."""
    weights, asked = np.zeros(len(Barrier)), now.consultation
    weights[[Barrier.SATURATION, Barrier.CLUSTER_LIMIT]] = asked.limit
    weights[[Barrier.SERVICE_PRESSURE, Barrier.FUNDING_GAP]] = asked.pressure, asked.gap
    weights[[Barrier.SERVICE_PRESSURE, Barrier.FUNDING_GAP]] *= now.feedback.capacity_to_consent
    weights[Barrier.TRUST] = asked.willingness
    return weights * [bool(getattr(now.barriers, barrier.name.lower())) for barrier in Barrier]


def _cluster_limit(residents: np.ndarray, now: Any) -> np.ndarray:
    return np.asarray(np.floor(residents * now.placement.cluster_limit))


def objection_chance(councils: Councils, now: Any) -> np.ndarray:
    """Probability (council,) that a council objects to a proposal this month.

    Objections to the property itself are those that would come where nothing else presses; without that barrier
    only what comes on top of them is left.
    """
    log_odds = now.consultation.objection + objection_terms(councils, now).sum(axis=1)
    chance = 1.0 / (1.0 + np.exp(-log_odds))
    return chance if now.barriers.unsuitable else chance - 1.0 / (1.0 + np.exp(-now.consultation.objection))


def reasons_to_object(councils: Councils, now: Any) -> np.ndarray:
    """What each coded reason weighs in an objection, (council, barrier), the property itself (UNSUITABLE) included."""
    weights = objection_terms(councils, now)
    if now.barriers.unsuitable:
        weights[:, Barrier.UNSUITABLE] = np.exp(now.consultation.objection)
    return weights


def entry_chance(councils: Councils, now: Any) -> np.ndarray:
    """Probability (council,) that a council outside dispersal agrees to take part this month.

    Source: entry hazards measured since June 2023; the part of willingness is elicited.
    """
    chance = councils.steady("entry", _entry_hazard, councils.population, councils.rent_ratio, now)
    chance = np.where(councils.people > 0, chance * now.procurement.foothold, chance)
    return np.asarray(np.minimum(np.maximum(chance * councils.willingness / now.response.start_willingness, 0.0), 0.5))


def _entry_hazard(population: np.ndarray, rent_ratio: np.ndarray, now: Any) -> np.ndarray:
    """Monthly chance of entry by size and rent, (council,), before foothold and willingness."""
    relative = population / np.median(population)
    hazard = now.procurement.entry_hazard * relative**now.procurement.entry_population
    return np.asarray(hazard * rent_ratio**now.procurement.entry_rent)


def respond(councils: Councils, now: Any, surprised: np.ndarray) -> None:
    """Move willingness and participation by this month's experience, in place.

    Args:
        surprised: (council,) hotels that opened without notice.
    """
    listens = float(now.feedback.capacity_to_consent)
    own, loss = now.response, now.hotels.trust_loss if now.feedback.hotels_to_trust else 0.0
    weights = own.ceiling, listens * own.pressure, listens * own.gap, own.speed, loss
    _move_willingness(councils.willingness, councils.pressure, councils.funded, surprised, tuple(map(float, weights)))
    pause = float(own.pause_pressure) if listens else np.inf
    columns = councils.participation, councils.people, councils.beds, councils.limit(now), councils.pressure
    _move_states(*columns, pause)


@njit(cache=True)
def _move_willingness(
    willingness: np.ndarray, pressure: np.ndarray, funded: np.ndarray, surprised: np.ndarray,
    weights: tuple[float, ...],
) -> None:
    """Willingness after a month, in place."""
    ceiling, by_pressure, by_gap, speed, loss = weights
    for row in range(willingness.size):
        target = ceiling - (by_pressure * max(pressure[row] - 1.0, 0.0) + by_gap * _gap(funded[row]))
        after = willingness[row] + speed * (target - willingness[row]) - loss * surprised[row]
        willingness[row] = min(max(after, 0.0), 1.0)


@njit(cache=True)
def _move_states(
    state: np.ndarray, people: np.ndarray, beds: np.ndarray, limit: np.ndarray, pressure: np.ndarray, pause: float
) -> None:
    """Participation after a month, in place."""
    for row in range(state.size):
        strained = people[row] >= limit[row] or pressure[row] > pause
        if state[row] == _PROCURING and people[row] >= ESTABLISHED:
            state[row] = _ACTIVE
        if state[row] == _ACTIVE and strained:
            state[row] = _PAUSED
        elif state[row] == _PAUSED and not strained:
            state[row] = _ACTIVE
        if state[row] == _PAUSED and beds[row] == 0 and people[row] == 0:
            state[row] = _WITHDRAWN


def first_states(dispersal: np.ndarray) -> np.ndarray:
    """Participation inferred from the published stock; no official list of states is published."""
    return np.where(
        dispersal >= ESTABLISHED, Participation.ACTIVE, Participation.NOT_PARTICIPATING
    ).astype(np.int8)


@lru_cache(maxsize=256)
def lines(now_group: Any) -> np.ndarray:
    """Every service line's assumption from a group named by line, (service,); made once for a group."""
    found = np.array([getattr(now_group, service.name.lower()) for service in Service])
    found.flags.writeable = False
    return found


def destinations(population: np.ndarray, supported: np.ndarray, scottish: np.ndarray, now: Any) -> np.ndarray:
    """Where households that move to another council after a grant go, (council,) shares that sum to 1.

    Scotland has no priority-need test, so a single person who is homeless is owed a home there: `drift_scotland` of
    those who move go to it, to where supported people are. The others follow population and supported people.

    Args:
        population: (council,) residents.
        supported: (council,) people supported.
        scottish: (council,) whether the council is in Scotland.

    Source: share going to Scotland elicited around published counts of Glasgow; the mix elsewhere elicited.
    """
    own = float(now.move_on.drift_population), float(now.move_on.drift_scotland)
    return np.asarray(_destinations(population, supported, scottish, *own))


@njit(cache=True)
def _destinations(
    population: np.ndarray, supported: np.ndarray, scottish: np.ndarray, mix: float, share: float
) -> np.ndarray:
    residents, people = population.sum(), max(float(supported.sum()), 1.0)
    in_scotland, scots = 0.0, 0.0
    for row in range(population.size):
        if scottish[row]:
            in_scotland += supported[row]
            scots += population[row]
    elsewhere = np.empty(population.size)
    for row in range(population.size):
        elsewhere[row] = mix * population[row] / residents + (1 - mix) * supported[row] / people
        elsewhere[row] *= not scottish[row]
    total = elsewhere.sum()
    for row in range(population.size):
        elsewhere[row] *= (1 - share) / total
        if scottish[row]:
            part = supported[row] / in_scotland if in_scotland > 0 else population[row] / scots
            elsewhere[row] = share * part
    return elsewhere
