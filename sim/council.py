"""Councils: who they are, how they answer a proposal, and how experience moves their willingness.

The 361 councils are Mesa agents; their state is rows of one array, so that a compiled rule says what one council does
and is run over all of them. A `Council` agent is a view of one row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mesa
import numpy as np
from numba import njit

from sim.numbers import numbers
from sim.randomness import uniform
from sim.states import Accommodation, Participation

_OUTSIDE, _AGREED, _PROCURING, _ACTIVE, _PAUSED, _WITHDRAWN = (int(s) for s in Participation)  # numba wants numbers
_DISPERSAL = int(Accommodation.DISPERSAL)
ESTABLISHED = 10  # people; the patterns count a council as taking part from ten, below that numbers flicker
NATIONS = ("England", "Scotland", "Wales", "Northern Ireland")
_ENGLAND, _SCOTLAND, _WALES, _ = range(len(NATIONS))


# A row of `Councils.rows`; `Councils` says what each column is.
ROW = np.dtype(
    [
        ("population", np.float64), ("relative_size", np.float64), ("rent_ratio", np.float64), ("area", np.int64),
        ("nation_row", np.int64), ("rural", np.bool_), ("frailty", np.float64), ("had_hotel", np.float64),
        ("people", np.int64), ("beds", np.int64), ("voids", np.int64), ("coming", np.int64), ("hotel_beds", np.int64),
        ("closing", np.int64), ("participation", np.int8), ("proposed_ever", np.bool_), ("willingness", np.float64),
        ("pressure", np.float64), ("funded", np.float64), ("temporary", np.float64), ("fair_weight", np.float64),
        ("maximum", np.float64), ("paused", np.bool_), ("local_weight", np.float64), ("held", np.int8),
        ("cluster_limit", np.float64), ("entry_hazard", np.float64), ("margin_and_scale", np.float64),
        ("entered", np.bool_), ("handed_back", np.int64), ("proposed", np.int64), ("first_proposal", np.float64),
        ("answered", np.int64), ("objects", np.bool_), ("dropped", np.bool_), ("reason", np.int64),
        ("kept", np.int64), ("opens_in", np.int64), ("opened", np.int64), ("hotels_opened", np.int64),
        ("hotels_closed", np.int64), ("surprised", np.float64),
    ],
    align=True,
)  # fmt: skip
_COLUMNS = frozenset(ROW.names or ())
_FIXED = ("population", "relative_size", "rent_ratio", "area", "nation_row", "rural")
FREE = -1  # participation that nobody holds


@dataclass(frozen=True)
class Places:
    """What no run changes of the councils, in the order of the reference table; `Councils` says what each is."""

    codes: np.ndarray
    names: np.ndarray
    region: np.ndarray
    nation: np.ndarray
    nation_row: np.ndarray
    area: np.ndarray
    areas: list[str]
    area_words: tuple[str, ...]  # names of the areas as the register spells them
    area_start: np.ndarray
    by_area: np.ndarray
    provider_of_area: list[str]
    population: np.ndarray
    relative_size: np.ndarray
    rural: np.ndarray
    upper_tier: np.ndarray
    rent_ratio: np.ndarray
    factors: Mapping[str, np.ndarray]


class Councils:
    """What is known of every council, in the order of the reference table: one row each, read as columns (council,).

    Rules written in Python read and write columns (`councils.beds`); compiled ones take `rows` and go through them
    council by council. Both are the same memory, so a column is never replaced: assigning to it copies into it.

    Attributes:
        rows: (council,) records of all columns below, of type `ROW`.
        population: residents, latest mid-year estimate.
        relative_size: population over the median council's.
        area: index of the contract area.
        nation_row: index into NATIONS; `nation` is the word.
        upper_tier: index of the upper-tier authority (the county of a district, otherwise the council itself).
        rent_ratio: two-bedroom rent over the mean of its contract area; 1 where no rent is known.
        factors: of the transparent index, by name, standardised (`equity.factors`).
        fixed_beds: (council, 6), of which initial, other contingency and other accommodation keep their size.
        frailty: what nothing measured explains, mean 1.
        had_hotel: people in hotels at the start.
        people: people in dispersal beds, refreshed each month.
        beds: dispersal bed spaces in use or ready for use, one person each; voids are not published.
        voids: dispersal beds between one household and the next, people who could live there.
        coming: dispersal beds proposed and not yet answered, or accepted and not yet open.
        hotel_beds: hotel beds paid for.
        closing: months until the council's last hotel closes under an exit plan; 0 where there is none.
        proposed_ever: whether there are dispersal beds, or have ever been proposed.
        willingness: 0 to 1.
        pressure: demand over capacity across service lines, weighted by cost.
        funded: share of gross cost met by grant, over about a year.
        temporary: households in temporary accommodation after a grant of status.
        fair_weight: fair shares by the transparent index, in people.
        population_2001: residents of the 2001 census; None where no local file gives them.
        maximum: most people in dispersal accommodation by local intelligence, infinite where nothing is said.
        paused: no new proposals, by local intelligence.
        local_weight: of placements and proposals, by local intelligence; 1 is neutral.
        held: state of participation that local intelligence holds, FREE where it does not.
        cluster_limit, entry_hazard, margin_and_scale: what follows from the assumptions alone (`under`).
        entered, handed_back, proposed, first_proposal, opened: what this month brought in dispersal.
        hotels_opened, hotels_closed, surprised: in hotel beds, and whether a hotel opened without notice.
        answered, objects, dropped, reason, kept, opens_in: this month's answers (`consultation.answer`).
        month: the calendar month, datetime64[M]; not a column.
    """

    population: np.ndarray
    relative_size: np.ndarray
    rent_ratio: np.ndarray
    area: np.ndarray
    nation_row: np.ndarray
    rural: np.ndarray
    frailty: np.ndarray
    had_hotel: np.ndarray
    people: np.ndarray
    beds: np.ndarray
    voids: np.ndarray
    coming: np.ndarray
    hotel_beds: np.ndarray
    closing: np.ndarray
    participation: np.ndarray
    proposed_ever: np.ndarray
    willingness: np.ndarray
    pressure: np.ndarray
    funded: np.ndarray
    temporary: np.ndarray
    fair_weight: np.ndarray
    maximum: np.ndarray
    paused: np.ndarray
    local_weight: np.ndarray
    held: np.ndarray
    cluster_limit: np.ndarray
    entry_hazard: np.ndarray
    margin_and_scale: np.ndarray
    entered: np.ndarray
    handed_back: np.ndarray
    proposed: np.ndarray
    first_proposal: np.ndarray
    answered: np.ndarray
    objects: np.ndarray
    dropped: np.ndarray
    reason: np.ndarray
    kept: np.ndarray
    opens_in: np.ndarray
    opened: np.ndarray
    hotels_opened: np.ndarray
    hotels_closed: np.ndarray
    surprised: np.ndarray
    month: np.datetime64

    def __init__(self, places: Places, stock: np.ndarray) -> None:
        """The councils at a start, with beds for the people in them.

        Args:
            stock: (council, 6) supported people by accommodation type.
        """
        self.rows = np.zeros(places.codes.size, ROW)
        for name in _COLUMNS:
            object.__setattr__(self, name, self.rows[name])
        self.codes, self.names, self.region, self.nation = places.codes, places.names, places.region, places.nation
        self.areas, self.provider_of_area, self.area_words = places.areas, places.provider_of_area, places.area_words
        self.by_area, self.area_start, self.upper_tier = places.by_area, places.area_start, places.upper_tier
        self.factors, self.fixed_beds = places.factors, stock
        self.population_2001: np.ndarray | None = None
        self._under: tuple[Any, Any] = (None, None)
        for name in _FIXED:
            self.rows[name] = getattr(places, name)
            getattr(self, name).setflags(write=False)  # a rule that writes into one would spoil the run unseen
        self.beds = self.people = stock[:, Accommodation.DISPERSAL]
        self.hotel_beds = self.had_hotel = stock[:, Accommodation.CONTINGENCY_HOTEL]
        self.participation = first_states(stock[:, Accommodation.DISPERSAL])
        self.proposed_ever = self.beds > 0
        self.frailty = self.fair_weight = self.pressure = self.local_weight = 1.0  # type: ignore[assignment]
        self.maximum, self.held = np.inf, FREE  # type: ignore[assignment]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _COLUMNS and name in self.__dict__:
            self.rows[name] = value
        else:
            object.__setattr__(self, name, value)

    @property
    def count(self) -> int:
        """Number of councils."""
        return int(self.rows.size)

    def in_area(self, area: int) -> np.ndarray:
        """Rows of one contract area."""
        return self.by_area[self.area_start[area] : self.area_start[area + 1]]

    def under(self, now: Any) -> np.ndarray:
        """The rows, once the columns that follow from the assumptions alone are what a month's make them.

        Most months have the assumptions of the month before, and populations and rents do not change.
        """
        residents = self._residents(now)
        if self._under[0] is not now or self._under[1] is not residents:
            _follow(self.rows, residents, numbers(now))
            self._under = now, residents
        return self.rows

    def _residents(self, now: Any) -> np.ndarray:
        """Residents that the cluster limit is a share of."""
        if now.placement.cluster_denominator == "census_2001" and self.population_2001 is not None:
            return self.population_2001
        return self.population

    def limit(self, now: Any) -> np.ndarray:
        """People in dispersal accommodation at the cluster limit, or at the local maximum where that is lower."""
        self.under(now)
        return np.minimum(self.cluster_limit, self.maximum)


@njit(cache=True)
def _follow(rows: np.ndarray, residents: np.ndarray, policy: np.ndarray) -> None:
    now = policy[0]
    for row in range(rows.size):
        own = rows[row]
        own.cluster_limit = np.floor(residents[row] * now.placement.cluster_limit)
        own.entry_hazard = now.procurement.entry_hazard * own.relative_size**now.procurement.entry_population
        own.entry_hazard *= own.rent_ratio**now.procurement.entry_rent
        own.margin_and_scale = own.population**now.procurement.population_elasticity
        own.margin_and_scale *= own.rent_ratio**now.procurement.rent_elasticity


@njit(cache=True)
def limit(own: Any) -> float:
    """`Councils.limit` of one council."""
    return min(own.cluster_limit, own.maximum)


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


@njit(cache=True)
def _gap(funded: float) -> float:
    """Share of gross cost that no grant meets, 0 to 1."""
    return min(max(1.0 - funded, 0.0), 1.0)


@njit(cache=True)
def terms(own: Any, now: Any) -> tuple[float, float, float, float, float]:
    """What pushes a council towards an objection, in log odds: the reasons of `Barrier` in order, but the last.

    A reason is nought where it, or the feedback behind it, is switched off.

    Source: elicited, but for the limit, which follows the slower growth seen from about 80% of the limit.
    """
    asked, coded, listens = now.consultation, now.barriers, now.feedback.capacity_to_consent
    used = own.people / max(limit(own), 1.0)
    return (
        coded.saturation * asked.limit * min(used, 1.0) ** 2,
        coded.cluster_limit * asked.limit * max(used - 0.8, 0.0),
        coded.service_pressure * listens * asked.pressure * max(own.pressure - 1.0, 0.0),
        coded.funding_gap * listens * asked.gap * _gap(own.funded),
        coded.trust * asked.willingness * (1.0 - own.willingness),
    )


@njit(cache=True)
def objects(own: Any, now: Any) -> float:
    """Probability that a council objects to a proposal this month.

    Objections to the property itself are those that would come where nothing else presses; without that barrier
    only what comes on top of them is left.
    """
    base = now.consultation.objection
    saturation, at_limit, pressed, gap, trust = terms(own, now)
    log_odds = base + (saturation + at_limit + pressed + gap + trust)
    without = 0.0 if now.barriers.unsuitable else 1.0 / (1.0 + np.exp(-base))
    return 1.0 / (1.0 + np.exp(-log_odds)) - without


@njit(cache=True)
def objection_weights(own: Any, now: Any) -> tuple[float, float, float, float, float, float]:
    """What each reason of `Barrier` weighs in an objection, the property itself (UNSUITABLE) included."""
    saturation, at_limit, pressed, gap, trust = terms(own, now)
    unsuitable = np.exp(now.consultation.objection) if now.barriers.unsuitable else 0.0
    return saturation, at_limit, pressed, gap, trust, unsuitable


def objection_chance(councils: Councils, now: Any) -> np.ndarray:
    """Probability (council,) that a council objects to a proposal this month; `objects` says how."""
    return np.asarray(chances_of_objection(councils.under(now), numbers(now)))


@njit(cache=True)
def chances_of_objection(rows: np.ndarray, policy: np.ndarray) -> np.ndarray:
    chance = np.empty(rows.size)
    for row in range(rows.size):
        chance[row] = objects(rows[row], policy[0])
    return chance


def entry_chance(councils: Councils, now: Any) -> np.ndarray:
    """Probability (council,) that a council outside dispersal agrees to take part this month.

    Source: entry hazards measured since June 2023; the part of willingness is elicited.
    """
    return np.asarray(chances_of_entry(councils.under(now), numbers(now)))


@njit(cache=True)
def chances_of_entry(rows: np.ndarray, policy: np.ndarray) -> np.ndarray:
    now, chance = policy[0], np.empty(rows.size)
    for row in range(rows.size):
        own = rows[row]
        hazard = own.entry_hazard * (now.procurement.foothold if own.people > 0 else 1.0)
        chance[row] = min(max(hazard * own.willingness / now.response.start_willingness, 0.0), 0.5)
    return chance


@njit(cache=True)
def enter(rows: np.ndarray, chance: np.ndarray, key: np.uint64, month: int) -> None:
    """Councils outside dispersal agree to take part by the given chances; held participation stays."""
    for row in range(rows.size):
        own = rows[row]
        own.entered = own.participation == _OUTSIDE and uniform(key, row, month) < chance[row]
        if own.entered:
            own.participation = _AGREED
        _hold(own)


@njit(cache=True)
def _hold(own: Any) -> None:
    """Put a council whose participation local intelligence holds back into it."""
    if own.held != FREE:
        own.participation = own.held


@njit(cache=True)
def respond(rows: np.ndarray, policy: np.ndarray, occupied: np.ndarray) -> None:
    """Move willingness and participation by this month's experience.

    Args:
        policy: (1,) the month's assumptions.
        occupied: (council, 7) people by accommodation type.
    """
    now = policy[0]
    for row in range(rows.size):
        own = rows[row]
        own.people = occupied[row, _DISPERSAL]
        _move_willingness(own, now)
        _move_state(own, now)
        _hold(own)


@njit(cache=True)
def _move_willingness(own: Any, now: Any) -> None:
    """Willingness after a month: towards what the council feels, and down where a hotel opened without notice."""
    listens = now.feedback.capacity_to_consent
    by_pressure, by_gap = listens * now.response.pressure, listens * now.response.gap
    target = now.response.ceiling - (by_pressure * max(own.pressure - 1.0, 0.0) + by_gap * _gap(own.funded))
    loss = now.hotels.trust_loss if now.feedback.hotels_to_trust else 0.0
    after = own.willingness + now.response.speed * (target - own.willingness) - loss * own.surprised
    own.willingness = min(max(after, 0.0), 1.0)


@njit(cache=True)
def _move_state(own: Any, now: Any) -> None:
    """Participation after a month."""
    pressed = now.feedback.capacity_to_consent and own.pressure > now.response.pause_pressure
    strained = own.people >= limit(own) or pressed
    if own.participation == _PROCURING and own.people >= ESTABLISHED:
        own.participation = _ACTIVE
    if own.participation == _ACTIVE and strained:
        own.participation = _PAUSED
    elif own.participation == _PAUSED and not strained:
        own.participation = _ACTIVE
    if own.participation == _PAUSED and own.beds == 0 and own.people == 0:
        own.participation = _WITHDRAWN


def first_states(dispersal: np.ndarray) -> np.ndarray:
    """Participation inferred from the published stock; no official list of states is published."""
    return np.where(
        dispersal >= ESTABLISHED, Participation.ACTIVE, Participation.NOT_PARTICIPATING
    ).astype(np.int8)


@njit(cache=True)
def of_nation(shares: Any, own: Any) -> float:
    """What an assumption that each nation's law sets apart is for a council."""
    if own.nation_row == _ENGLAND:
        return shares.england
    if own.nation_row == _SCOTLAND:
        return shares.scotland
    return shares.wales if own.nation_row == _WALES else shares.northern_ireland


@njit(cache=True)
def duty_shares(rows: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Share of households owed a homelessness duty when support ends after a grant, (council,)."""
    now, shares = policy[0], np.empty(rows.size)
    for row in range(rows.size):
        shares[row] = of_nation(now.move_on.duty_share, rows[row])
    return shares


@njit(cache=True)
def count_housed(rows: np.ndarray, occupied: np.ndarray) -> None:
    """Set `people` to those in dispersal beds; `occupied` is (council, 7) people by accommodation type."""
    for row in range(rows.size):
        rows[row].people = occupied[row, _DISPERSAL]


@njit(cache=True)
def leave_empty(rows: np.ndarray, occupied: np.ndarray) -> None:
    """Beds that people have left since they were counted stand empty for a while."""
    for row in range(rows.size):
        rows[row].voids += rows[row].people - occupied[row, _DISPERSAL]


@njit(cache=True)
def destinations(rows: np.ndarray, supported: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Where households that move to another council after a grant go, (council,) shares that sum to 1.

    Scotland has no priority-need test, so a single person who is homeless is owed a home there: `drift_scotland` of
    those who move go to it, to where supported people are. The others follow population and supported people.

    Args:
        supported: (council,) people supported.
        policy: (1,) the month's assumptions.

    Source: share going to Scotland elicited around published counts of Glasgow; the mix elsewhere elicited.
    """
    now = policy[0]
    mix, share = now.move_on.drift_population, now.move_on.drift_scotland
    residents, people, in_scotland, scots = 0.0, max(float(supported.sum()), 1.0), 0.0, 0.0
    for row in range(rows.size):
        residents += rows[row].population
        if rows[row].nation_row == _SCOTLAND:
            in_scotland += supported[row]
            scots += rows[row].population
    weights, total = np.zeros(rows.size), 0.0
    for row in range(rows.size):
        if rows[row].nation_row != _SCOTLAND:
            weights[row] = mix * rows[row].population / residents + (1 - mix) * supported[row] / people
            total += weights[row]
    for row in range(rows.size):
        weights[row] *= (1 - share) / total
        if rows[row].nation_row == _SCOTLAND:
            part = supported[row] / in_scotland if in_scotland > 0 else rows[row].population / scots
            weights[row] = share * part
    return weights
