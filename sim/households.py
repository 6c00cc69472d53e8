"""Households as columns: synthetic, made from published aggregates, never real people.

The first month's households reproduce the published people by council and accommodation type exactly. Household
composition, stage and waiting time are not published for each council: they are drawn from national figures.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sim import kernels, placing
from sim.numbers import numbers
from sim.randomness import Draws
from sim.rows import BLOCK, SLACK, between, draw, take
from sim.states import Accommodation, Outcome, Stage

_GRANTED, _REFUSED, _WITHDRAWN, _ADMINISTRATIVE = (int(outcome) for outcome in Outcome)  # numba wants plain numbers
_MOST_GRANTED = 0.98  # of the outcomes of one decision group
_GONE_SHARE = 1 / 6  # of the rows, before the columns are closed up
_SLICES = 4096  # of the interval from zero to one
_ROOM = 1.1  # rows kept free beyond those asked for, so that columns are seldom moved

SLOTS_A_MONTH = 2**20  # half of them for claims, half for appeals that no refusal explains


def first_slot(month: int, on_appeal: bool = False) -> int:
    """First slot of a month's arrivals: a month's own, so that one claim more leaves later households who they were."""
    return (month + 1) * SLOTS_A_MONTH + (SLOTS_A_MONTH // 2 if on_appeal else 0)


class Columns(NamedTuple):
    """One array for each thing known of a household, 15 bytes a household in all.

    Attributes:
        slot: rises with the claim, never reused: the identity that random draws are keyed by.
        claimed: month of claim, 0 is the first simulated month.
        due: month in which support ends, kernels.NEVER when nothing is due.
        council: row of the councils table, -1 when in none.
    """

    slot: np.ndarray
    claimed: np.ndarray
    due: np.ndarray
    council: np.ndarray
    people: np.ndarray
    school_age: np.ndarray
    decision_group: np.ndarray
    stage: np.ndarray
    support: np.ndarray
    accommodation: np.ndarray


_TYPES: tuple[type[np.integer], ...] = (np.uint32, np.int16, np.int16, np.int16, *[np.uint8] * 6)  # of the columns


def empty(rows: int) -> Columns:
    """Columns of zeros."""
    return Columns(*(np.zeros(rows, kind) for kind in _TYPES))


class Households:
    """Live households and the people they put into each council.

    The methods are the month's rules for households, in compiled form. Whatever has the same methods can take its
    place in a model; `tests/bench` holds three others to the same trajectories.

    Attributes:
        columns: rows up to `n` are in use, in order of claim.
        occupied: (council, 7) people by accommodation type, the last column unused between months.
        queue: rows of households without a place, filled by `place` and worked off by `fill` in the same month.
        scratch: room for row numbers, of which no rule expects anything.
        gone: rows of households that are gone, at the last census.
    """

    def __init__(self, columns: Columns, n: int, occupied: np.ndarray) -> None:
        self.columns = columns
        self.n = n
        self.gone = 0
        self.occupied = occupied
        self._make_room()

    def _make_room(self) -> None:
        self.queue, self.scratch = (np.empty(self.columns.slot.size + SLACK, np.uint32) for _ in range(2))

    def reserve(self, extra: int) -> None:
        """Make room for `extra` more households."""
        if self.gone > _GONE_SHARE * self.n:
            self._close_up()
        if self.n + extra > self.columns.slot.size:
            size = int((self.n + extra) * _ROOM) + 1024
            columns = list(self.columns)
            self.columns = self.queue = self.scratch = None  # type: ignore[assignment]  # so that no two copies stand
            for place, column in enumerate(columns):
                columns[place] = np.zeros(size, column.dtype)
                columns[place][: self.n] = column[: self.n]
            self.columns = Columns(*columns)
            self._make_room()

    def live(self) -> np.ndarray:
        """Households as records with the names of the columns, a copy, without those that are gone."""
        rows = np.flatnonzero(self.columns.stage[: self.n] != Stage.GONE)
        columns = self.columns._asdict()
        found = np.empty(rows.size, [(name, column.dtype) for name, column in columns.items()])
        for name, column in columns.items():
            found[name] = column[rows]
        return found

    def arrive(
        self, month: int, people: int, keys: np.ndarray, shares: tuple[float, ...], sizes: np.ndarray,
        group_shares: np.ndarray, subsistence_weight: np.ndarray,
    ) -> tuple[int, int]:  # fmt: skip
        """Add the households that claim this month; see `kernels.arrive`. Returns people newly supported, children."""
        self.reserve(people)
        self.n, supported, alone = kernels.arrive(
            self.columns, self.n, first_slot(month), month, people, keys, shares, sizes, group_shares,
            subsistence_weight, self.occupied,
        )  # fmt: skip
        return supported, alone

    def arrive_on_appeal(self, month: int, cases: int, keys: np.ndarray, share: float, sizes: np.ndarray) -> None:
        """Add appeal cases that first refusals do not explain; see `kernels.arrive_on_appeal`."""
        self.reserve(cases)
        slot = first_slot(month, on_appeal=True)
        self.n = kernels.arrive_on_appeal(self.columns, self.n, slot, month, cases, keys, share, sizes)

    def decide(self, month: int, *rule: Any) -> int:
        """Initial decisions; see `kernels.decide`. Returns appeals lodged, in households."""
        return int(kernels.decide(self.columns, self.n, month, *rule, self.scratch))  # type: ignore[call-arg]

    def decide_appeals(self, month: int, *rule: Any) -> tuple[int, int]:
        """Appeal decisions; see `kernels.decide_appeals`. Returns cases decided, cases allowed."""
        decided, allowed = kernels.decide_appeals(self.columns, self.n, month, *rule, self.scratch)  # type: ignore[call-arg]
        return decided, allowed

    def leave(
        self, month: int, keys: np.ndarray, tail_hazard: float, duty_share: np.ndarray, drift_share: float,
        drift_weight: np.ndarray, exits: np.ndarray, duties: np.ndarray,
    ) -> None:  # fmt: skip
        """End support that is due; see `kernels.leave`."""
        kernels.leave(
            self.columns, self.n, month, keys, tail_hazard, duty_share, drift_share, drift_weight, self.occupied,
            exits, duties, self.scratch,
        )  # fmt: skip

    def place(self, month: int, key: np.uint64, councils: Any, vacancy: np.ndarray, weight: np.ndarray) -> int:
        """Move households into vacant dispersal beds; see `placing.place`. Returns households left in the queue."""
        return int(
            placing.place(
                self.columns, self.n, month, key, councils.area, councils.area_start, councils.by_area, vacancy,
                weight, self.occupied, self.queue, self.scratch,
            )
        )  # fmt: skip

    def fill(self, month: int, key: np.uint64, kind: int, room: np.ndarray, count: int) -> tuple[int, int]:
        """Give queueing households a bed of one kind; see `placing.fill`. Returns households left, people in them."""
        left, people = placing.fill(self.columns, month, key, kind, room, self.occupied, self.queue, count)
        return left, people

    def displace(self, kind: int, surplus: np.ndarray, count: int) -> int:
        """Take people out of beds that close; see `placing.displace`. Returns households in the queue."""
        return int(
            placing.displace(self.columns, self.n, kind, surplus, self.occupied, self.queue, count)
        )

    def census(self, present: np.ndarray) -> tuple[int, int, int, int, int]:
        """Count everybody; see `kernels.census`. Returns its counts of people, households and cases."""
        *counts, self.gone = kernels.census(self.columns, self.n, self.occupied, present, self.scratch)
        return tuple(counts)

    def _close_up(self) -> None:
        """Forget households that are gone."""
        left = between(self.columns.stage, self.n, Stage.AWAITING, Stage.REFUSED, self.scratch)
        for column in self.columns:
            kernels.close_up(column, self.scratch[:left])
        self.n, self.gone = left, 0


@njit(cache=True, nogil=True)
def _fill_cells(h, stock, key, family_share, family_sizes):
    """Make households of as many people as each council and accommodation type has. Returns the rows in use."""
    n, drawn, sizes = 0, 0, np.empty(0, np.uint8)
    for home in range(stock.shape[0]):
        for kind in range(stock.shape[1]):
            left = stock[home, kind]
            while left > 0:
                if n == drawn:
                    drawn += BLOCK
                    sizes = kernels.household_sizes(draw(key, np.arange(n, drawn), 0), family_share, family_sizes)
                members = min(np.int64(sizes[n - drawn]), left)
                h.people[n], h.council[n], h.accommodation[n] = members, home, kind
                h.support[n] = kernels.SUPPORTED
                left -= members
                n += 1
    return n


@njit(cache=True, nogil=True)
def _start_stages(h, levels, quotas):
    """Give supported households a stage in random order until each stage has its people; the rest are REFUSED.

    The order need not be made: a stage has the levels up to that of the household that fills it, which is looked for
    among the few whose levels lie close.

    Args:
        levels: (household,) uniform, the random order.
        quotas: (stage,) people.

    Returns:
        People awaiting a decision, and households with an appeal.
    """
    people = h.people[: levels.size]
    near = np.zeros(_SLICES, np.int64)  # people by slice of levels
    for row in range(levels.size):
        near[np.int64(levels[row] * _SLICES)] += people[row]
    part, before, taken, last = 0, 0, 0, np.empty(quotas.size)  # people in the slices before, and with a stage
    for stage in range(quotas.size):
        last[stage] = last[stage - 1] if stage else -1.0
        if quotas[stage] <= 0:
            continue
        wanted = taken + quotas[stage]
        while part < _SLICES and before + near[part] < wanted:
            before += near[part]
            part += 1
        rows = np.flatnonzero((levels * _SLICES).astype(np.int64) == part)
        taken = before
        for row in rows[np.argsort(levels[rows])]:
            if taken < wanted:
                taken += people[row]
                last[stage] = levels[row]
        if part == _SLICES:
            last[stage] = 1.0
    awaiting, appeals = 0, 0
    for row in range(levels.size):
        stage = 0
        for upto in last:
            stage += levels[row] > upto
        h.stage[row] = stage if stage < last.size else kernels.REFUSED
        awaiting += people[row] * (stage == kernels.AWAITING)
        appeals += stage == kernels.APPEAL
    return awaiting, appeals


def start(
    stock: np.ndarray, national: dict[str, float], now: Any, group_shares: np.ndarray, draws: Draws
) -> Households:
    """Make the households of the start date.

    Args:
        stock: (council, 6) supported people by accommodation type, as published.
        national: `awaiting` people, open `appeals` cases, people `granted_a_month` before the start.
        now: assumptions of the first month.
        group_shares: (decision group,) shares of claims.
        draws: the replication's draws.

    Returns:
        Households whose supported people equal `stock` in every cell, people awaiting and open appeals equal the
        published totals, supported or not.
    """
    sizes = family_sizes(now)
    supported, share = draws.key("start size"), now.intake.family_share_supported
    columns = empty(int(int(stock.sum()) + national["awaiting"] + national["appeals"]) + 1024)
    n = _fill_cells(columns, stock, supported, share, sizes)
    exit_months = (now.decisions.notice_days + now.decisions.exit_lag_days) / 30.4375
    quotas = np.zeros(3, np.int64)
    quotas[Stage.AWAITING] = now.support.uptake * national["awaiting"]
    quotas[Stage.APPEAL] = now.support.people_per_open_appeal * national["appeals"]
    quotas[Stage.NOTICE] = now.support.granted_supported * national["granted_a_month"] * exit_months
    awaiting, appeals = _start_stages(columns, draws.each("start stage", n, 0), quotas)
    for wanted, missing in (
        (Stage.AWAITING, int(national["awaiting"]) - awaiting),
        (Stage.APPEAL, int(national["appeals"]) - appeals),
    ):
        key = draws.key(f"start unsupported {wanted.name}")
        n = _add_unsupported(columns, n, missing, int(wanted), key, now.intake.family_share, sizes)
    used = Columns(*(column[:n] for column in columns))
    _start_times(
        used, draws.keys(("start age", "start due", "start group", "start children")), _mean_ages(now), exit_months,
        group_shares, now.intake.school_age_share,
    )  # fmt: skip
    order = _oldest_first(used.claimed)
    for column in used:
        column[:] = take(column, order)
    used.slot[:] = np.arange(n)
    occupied = np.zeros((stock.shape[0], len(Accommodation)), np.int64)
    occupied[:, : stock.shape[1]] = stock
    return Households(columns, n, occupied)


@njit(cache=True, nogil=True)
def _add_unsupported(h, n, missing, stage, key, family_share, family_sizes):
    """Append households outside support so that a published queue is met: people awaiting, or appeal cases."""
    first = n
    while missing > 0:
        place = (n - first) % BLOCK
        if place == 0:
            sizes = kernels.household_sizes(draw(key, np.arange(n, n + BLOCK), 0), family_share, family_sizes)
        members = np.int64(sizes[place])
        if stage == kernels.AWAITING:
            members = min(members, missing)
        h.people[n], h.stage[n], h.council[n] = members, stage, -1
        h.support[n], h.accommodation[n] = kernels.NONE, kernels.UNPLACED
        missing -= members if stage == kernels.AWAITING else 1
        n += 1
    return n


@njit(cache=True, nogil=True)
def _oldest_first(claimed):
    """Rows in order of the month of claim, those of one month in the order they stand in."""
    lowest = claimed.min() if claimed.size else 0
    place = np.zeros((claimed.max() if claimed.size else 0) - lowest + 2, np.int64)
    for month in claimed:
        place[month - lowest + 1] += 1
    place = np.cumsum(place)
    order = np.empty(claimed.size, np.uint32)
    for row in range(claimed.size):
        month = claimed[row] - lowest
        order[place[month]] = row
        place[month] += 1
    return order


def _mean_ages(now: Any) -> np.ndarray:
    """Mean months since the claim, by stage."""
    own = now.queues
    return np.array([own.awaiting_age, own.appeal_age, own.notice_age, own.notice_age, own.tail_age], float)


@njit(cache=True, nogil=True)
def _start_times(h, keys, mean_age, exit_months, group_shares, school_share):
    """Waiting times, decision groups and children of the first households; waiting times only order the queues.

    Args:
        h: the columns; their row numbers are what draws are keyed by.
        keys: uint64 keys (age, due, group, children).
        mean_age: (stage,) months.
        exit_months: from a grant to the end of support.
        group_shares: (decision group,) shares of claims.
        school_share: probability that a family member after the first is of school age.
    """
    n, edges = h.slot.size, np.cumsum(group_shares / group_shares.sum())
    for first in range(0, n, BLOCK):
        size = min(BLOCK, n - first)
        who = np.arange(first, first + BLOCK)
        age, due, group = -np.log1p(-draw(keys[0], who, 0)), draw(keys[1], who, 0), draw(keys[2], who, 0)
        for i in range(size):
            h.claimed[first + i] = -1 - np.int64(min(age[i] * mean_age[h.stage[first + i]], 30_000.0))
        for i in range(size):
            h.due[first + i] = np.int64(due[i] * exit_months) if h.stage[first + i] == kernels.NOTICE else kernels.NEVER
        h.decision_group[first : first + size] = 0
        for edge in edges[:-1]:
            for i in range(size):
                h.decision_group[first + i] += edge <= group[i]
    h.school_age[:] = 0
    families = np.empty(n + SLACK, np.uint32)
    for place in range(between(h.people, n, 2, 255, families)):
        row = families[place]
        h.school_age[row] = kernels.school_aged(keys[3], row, h.people[row], school_share)


@njit(cache=True)
def exit_days(policy):
    """Days from a grant to the end of support, for a person alone and for a family."""
    now = policy[0]
    lag = now.decisions.exit_lag_days
    return np.array([now.decisions.notice_days + lag, now.decisions.notice_days_families + lag])


def family_sizes(now: Any) -> np.ndarray:
    """Probabilities of a family of two, three, ... six people."""
    return np.array([value for _, value in now.intake.family_size.items()], float)


def outcome_shares(now: Any, weight: np.ndarray, granted: np.ndarray, drift: float) -> np.ndarray:
    """Probability of each initial outcome by decision group.

    The groups keep their measured order of grant rates; their mean is moved to this month's assumed national
    shares, and what is left after grants is split as nationally.

    Args:
        now: this month's assumptions.
        weight: (group,) shares of claims.
        granted: (group,) measured share of outcomes that are grants.
        drift: noise on the log odds of a grant.

    Returns:
        Array (group, outcome); rows sum to one.
    """
    return np.asarray(shares_of_outcomes(numbers(now), weight, granted, drift))


@njit(cache=True)
def shares_of_outcomes(policy, weight, granted, drift):
    """`outcome_shares` in compiled form; `policy` is (1,) the month's assumptions."""
    now, weight = policy[0], weight / weight.sum()
    grant_share, withdrawn_share = now.decisions.grant_share, now.decisions.withdrawn_share
    administrative_share = now.decisions.administrative_share
    national = 1.0 / (1.0 + (1.0 / max(grant_share, 1e-9) - 1.0) * np.exp(-drift))
    granted, full = granted.copy(), np.zeros(weight.size, np.bool_)
    for _ in range(weight.size):  # what a group at its ceiling cannot take goes to the others: the mean is kept
        taken, open_to_more = 0.0, 0.0
        for group in range(weight.size):
            if full[group]:
                taken += _MOST_GRANTED * weight[group]
            else:
                open_to_more += weight[group] * granted[group]
        scale, over = (national - taken) / max(open_to_more, 1e-9), False
        for group in range(weight.size):
            granted[group] = _MOST_GRANTED if full[group] else granted[group] * scale
            over |= granted[group] > _MOST_GRANTED
            full[group] |= granted[group] >= _MOST_GRANTED
        if not over:
            break
    shares = np.empty((weight.size, 4))
    other = max(1.0 - grant_share, 1e-9)
    for group in range(weight.size):
        own = shares[group]
        own[_GRANTED] = min(granted[group], _MOST_GRANTED)
        own[_WITHDRAWN] = (1 - own[_GRANTED]) * withdrawn_share / other
        own[_ADMINISTRATIVE] = (1 - own[_GRANTED]) * administrative_share / other
        own[_REFUSED] = 1.0 - (own[_GRANTED] + own[_WITHDRAWN] + own[_ADMINISTRATIVE])
    return shares
