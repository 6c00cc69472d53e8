"""The rules for households in plain Python, one object a household: what the compiled kernels must agree with.

Slow and short. `Readable` takes the place of `sim.households.Households` in a model and has the same methods, so
that a whole model runs on it; the same named draws make the same history. Read this to see what a month does to a
household, `sim/kernels.py` and `sim/placing.py` to see how it is made fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from sim.households import Households, first_slot
from sim.kernels import NEVER
from sim.randomness import uniform
from sim.states import Accommodation, Outcome, Stage, Support

DAYS_A_MONTH = 30.4375


@dataclass(slots=True)
class Household:
    """What is known of one household; `sim.households.Columns` explains the fields."""

    slot: int
    claimed: int
    due: int
    council: int
    people: int
    school_age: int
    decision_group: int
    stage: int
    support: int
    accommodation: int


def pick(level: float, weights: Iterable[float]) -> int:
    """The first index whose cumulative weight exceeds the level times the total; -1 when all weights are zero."""
    edges = list(accumulate(weights))
    return next((index for index, edge in enumerate(edges) if edge > level * edges[-1]), -1)


def family(level: float, share: float, sizes: Sequence[float]) -> int:
    """People in a household: one, or a family of two or more."""
    return 1 if level >= share else 2 + pick(level / share, sizes)


def months(days: float, level: float) -> int:
    """Whole months for a length in days, rounded at random so that the mean is kept."""
    whole = int(days / DAYS_A_MONTH)
    return whole + (level < days / DAYS_A_MONTH - whole)


class Readable:
    """Households as a list of objects, oldest claim first, in the place of `Households`."""

    def __init__(self, start: Households) -> None:
        self.occupied = start.occupied
        self.everyone: list[Any] = []
        self.queue: list[Any] = []
        for row in start.live().tolist():
            self.join(*row)

    def join(self, *fields: int) -> Any:
        """A household more."""
        self.everyone.append(Household(*fields))
        return self.everyone[-1]

    def live(self) -> np.ndarray:
        """As `Households.live`."""
        names = Household.__slots__
        kinds = [np.uint32, *[np.int16] * 3, *[np.uint8] * 6]
        rows = [tuple(getattr(h, name) for name in names) for h in self.everyone]
        return np.array(rows, list(zip(names, kinds, strict=True)))

    def move(self, h: Any, kind: int, council: int) -> None:
        """Give a household another place (or none: UNPLACED, -1)."""
        if h.council >= 0:
            self.occupied[h.council, h.accommodation] -= h.people
        h.accommodation, h.council = kind, council
        if council >= 0:
            self.occupied[council, kind] += h.people

    def arrive(
        self, month: int, people: int, keys: Any, shares: tuple[float, ...], sizes: Any, group_shares: Any,
        subsistence_weight: Any,
    ) -> tuple[int, int]:  # fmt: skip
        """People claim and become households; some enter support, children alone do not."""
        size, uptake_key, group, children, subsistence, place = keys
        family_share, uptake, unaccompanied, subsistence_only, school_share = shares
        slot, left, supported, alone = first_slot(month), people, 0, 0
        while left > 0:
            level = uniform(uptake_key, slot, 0)
            child = level >= 1.0 - unaccompanied
            members = 1 if child else min(family(uniform(size, slot, 0), family_share, sizes), left)
            pupils = sum(uniform(children, slot, member) < school_share for member in range(1, members))
            h = self.join(
                slot, month, NEVER, -1, members, pupils, pick(uniform(group, slot, 0), group_shares), Stage.AWAITING,
                Support.NONE, Accommodation.UNPLACED,
            )  # fmt: skip
            if child:
                alone += 1
            elif level < uptake:
                h.support = Support.SUPPORTED
                supported += members
                if uniform(subsistence, slot, 0) < subsistence_only:
                    home = pick(uniform(place, slot, 0), subsistence_weight)
                    if home >= 0:
                        self.move(h, Accommodation.SUBSISTENCE, home)
            left -= members
            slot += 1
        return supported, alone

    def arrive_on_appeal(self, month: int, cases: int, keys: Any, share: float, sizes: Any) -> None:
        """Cases that enter appeal by other routes, outside support."""
        for slot in range(first_slot(month, on_appeal=True), first_slot(month, on_appeal=True) + cases):
            members = family(uniform(keys[0], slot, 0), share, sizes)
            self.join(slot, month, NEVER, -1, members, 0, 0, Stage.APPEAL, Support.NONE, Accommodation.UNPLACED)

    def serve(
        self, stage: Stage, size: Callable[[Any], int], month: int, key: Any, queue: int, capacity: int, oldest: float
    ) -> list[Any]:
        """Whose turn it is: part of capacity from the front of the queue, the rest at random, no capacity left over."""
        waiting = [h for h in self.everyone if h.stage == stage]
        front = oldest * min(capacity, queue)
        reach = next((i for i, upto in enumerate(accumulate(map(size, waiting))) if upto > front), len(waiting))
        served, waiting = waiting[:reach], waiting[reach:]
        taken = sum(map(size, served))
        chance = (capacity - taken) / max(queue - taken, 1)
        for lucky in (True, False):
            passed = []
            for h in waiting:
                fits = taken + size(h) <= capacity
                if fits and (not lucky or uniform(key, h.slot, month) < chance):
                    taken += size(h)
                    served.append(h)
                else:
                    passed.append(h)
            waiting = passed
        return served

    def refused_for_good(self, h: Any, month: int, key: Any, tail_entry: float) -> None:
        """No appeal left: some stay supported, the others leave in a month."""
        if h.support == Support.NONE:
            h.stage = Stage.GONE
        elif uniform(key, h.slot, 0) < tail_entry:
            h.stage, h.due = Stage.REFUSED, NEVER
        else:
            h.stage, h.due = Stage.LEAVING, month + 1

    def granted(self, h: Any, month: int, exit_days: Any, level: float) -> None:
        """Support ends after notice; a household outside support is not followed further."""
        if h.support == Support.NONE:
            h.stage = Stage.GONE
        else:
            h.stage, h.due = Stage.NOTICE, month + months(exit_days[int(h.people > 1)], level)

    def decide(
        self, month: int, keys: Any, queue: int, capacity: int, oldest: float, outcome_shares: Any, exit_days: Any,
        appeal_share: float, retained: float, tail_entry: float, withdrawn_days: float, outcomes: Any,
    ) -> int:  # fmt: skip
        """Initial decisions; returns appeals lodged."""
        order, outcome_key, exit_key, appeal_key, retained_key, tail_key = keys
        lodged = 0
        outcomes[:] = 0
        for h in self.serve(Stage.AWAITING, lambda h: h.people, month, order, queue, capacity, oldest):
            outcome = pick(uniform(outcome_key, h.slot, 0), outcome_shares[h.decision_group])
            outcomes[outcome] += h.people
            if outcome == Outcome.GRANTED:
                self.granted(h, month, exit_days, uniform(exit_key, h.slot, 0))
            elif outcome == Outcome.REFUSED and uniform(appeal_key, h.slot, 0) < appeal_share:
                lodged += 1
                loses = h.support == Support.SUPPORTED and uniform(retained_key, h.slot, 0) >= retained
                h.stage, h.due = Stage.APPEAL, month + 1 if loses else NEVER
            elif outcome == Outcome.REFUSED:
                self.refused_for_good(h, month, tail_key, tail_entry)
            elif h.support == Support.NONE:
                h.stage = Stage.GONE
            else:
                h.stage, h.due = Stage.LEAVING, month + months(withdrawn_days, uniform(exit_key, h.slot, 0))
        return lodged

    def decide_appeals(
        self, month: int, keys: Any, queue: int, capacity: int, oldest: float, allowed_share: float, exit_days: Any,
        tail_entry: float,
    ) -> tuple[int, int]:  # fmt: skip
        """Appeal decisions; returns cases decided and allowed."""
        order, outcome_key, exit_key, tail_key = keys
        served = self.serve(Stage.APPEAL, lambda h: 1, month, order, queue, capacity, oldest)
        allowed = 0
        for h in served:
            if uniform(outcome_key, h.slot, 0) < allowed_share:
                allowed += 1
                self.granted(h, month, exit_days, uniform(exit_key, h.slot, 1))
            elif h.due != NEVER:
                h.stage = Stage.LEAVING  # support was already ending
            else:
                self.refused_for_good(h, month, tail_key, tail_entry)
        return len(served), allowed

    def leave(
        self, month: int, keys: Any, tail_hazard: float, duty_share: Any, drift_share: float, drift_weight: Any,
        exits: Any, duties: Any,
    ) -> None:  # fmt: skip
        """Support ends; some who were granted status present as homeless, here or where they move."""
        tail_key, duty_key, drift_key, destination = keys
        exits[:] = 0
        duties[:] = 0
        reasons = {Stage.NOTICE: 0, Stage.LEAVING: 1, Stage.APPEAL: 2}
        for h in self.everyone:
            if h.due <= month:
                reason = reasons[Stage(h.stage)]
            elif h.stage == Stage.REFUSED and uniform(tail_key, h.slot, month) < tail_hazard:
                reason = 3
            else:
                continue
            exits[reason] += h.people
            home = h.council
            if home >= 0 and reason == 0:
                if uniform(drift_key, h.slot, 0) < drift_share:
                    home = pick(uniform(destination, h.slot, 0), drift_weight)
                duties[home] += uniform(duty_key, h.slot, 0) < duty_share[home]
            self.move(h, Accommodation.UNPLACED, -1)
            h.support, h.due = Support.NONE, NEVER
            if reason != 2:
                h.stage = Stage.GONE
        self.forget()

    def forget(self) -> None:
        """Leave out those who are gone."""
        self.everyone = [h for h in self.everyone if h.stage != Stage.GONE]

    def place(self, month: int, key: Any, councils: Any, vacancy: Any, weight: Any) -> int:
        """Into vacant dispersal beds: initial accommodation and hotels of the area, new claims, then other areas."""
        beds, weight, area_of = vacancy.tolist(), weight.tolist(), councils.area.tolist()
        areas = [councils.in_area(area).tolist() for area in range(len(councils.areas))]
        room = [sum(beds[home] for home in area) for area in areas]
        without = (Accommodation.UNPLACED, Accommodation.CONTINGENCY_HOTEL, Accommodation.INITIAL)
        waiting = [h for h in self.everyone if h.support == Support.SUPPORTED and h.accommodation in without]
        turns = [
            (Accommodation.INITIAL,), (Accommodation.CONTINGENCY_HOTEL,), (Accommodation.UNPLACED,), without[1:]
        ]  # fmt: skip
        for turn, kinds in enumerate(turns):
            for h in waiting:
                if h.accommodation not in kinds or not any(room):
                    continue
                stays = turn < 2
                area = area_of[h.council] if stays else pick(uniform(key, h.slot, 4 * month + turn), room)
                fitting = [home for home in areas[area] if beds[home] >= h.people]
                if not fitting:
                    continue
                level = uniform(key, h.slot, 4 * (month + 1000) + turn)
                home = fitting[pick(level, [weight[f] * beds[f] for f in fitting])]
                self.move(h, Accommodation.DISPERSAL, home)
                beds[home] -= h.people
                room[area] -= h.people
        self.queue = [h for h in waiting if h.accommodation == Accommodation.UNPLACED]
        return len(self.queue)

    def fill(self, month: int, key: Any, kind: int, room: Any, count: int) -> tuple[int, int]:
        """Those in the queue take beds of one kind: the council drawn, or the next one with room for them all."""
        edges, total, left = list(accumulate(room.tolist())), int(room.sum()), []
        for h in self.queue:
            home = -1
            if room.sum() >= h.people:
                mark = uniform(key, h.slot, month) * total
                first = next((i for i, edge in enumerate(edges) if edge > mark), room.size)
                turned = [(first + step) % room.size for step in range(room.size)]
                home = next((other for other in turned if room[other] >= h.people), -1)
            if home < 0:
                left.append(h)
                continue
            self.move(h, kind, home)
            room[home] -= h.people
        self.queue = left
        return len(left), sum(h.people for h in left)

    def displace(self, kind: int, surplus: Any, count: int) -> int:
        """Beds close: the newest claims lose them first."""
        if count == 0:
            self.queue = []
        for h in reversed(list(self.everyone)):
            if h.accommodation == kind and surplus[h.council] > 0:
                surplus[h.council] -= h.people
                self.move(h, Accommodation.UNPLACED, -1)
                self.queue.append(h)
        self.queue.sort(key=lambda h: h.slot)
        return len(self.queue)

    def census(self, present: Any) -> tuple[int, ...]:
        """Who lives where, and national counts, as `Households.census`."""
        present[:] = 0
        live = (Stage.AWAITING, Stage.APPEAL)
        for h in self.everyone:
            if h.council >= 0:
                present[h.council] += (h.people, h.school_age, h.people - h.school_age, h.people * (h.stage in live))
        supported = [h for h in self.everyone if h.support == Support.SUPPORTED]
        return (
            sum(h.people for h in self.everyone if h.stage == Stage.AWAITING),
            sum(h.stage == Stage.APPEAL for h in self.everyone),
            sum(h.people for h in supported),
            len(supported),
            sum(h.people for h in supported if h.stage == Stage.REFUSED),
        )
