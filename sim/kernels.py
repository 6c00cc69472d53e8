"""What happens to households, month by month, as compiled loops over columns.

Every kernel walks households in slot order (oldest claim first), draws by slot, releases the interpreter lock, and
keeps `occupied` (people by council and accommodation) in step with the records. `h` is an array of
`sim.households.RECORD`, `n` the number of rows in use; one record is one cache line's worth, so that an event on a
household costs one access to memory.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.randomness import uniform
from sim.states import Accommodation, Outcome, Stage, Support

AWAITING, APPEAL, NOTICE, LEAVING, REFUSED, GONE = (int(s) for s in Stage)
GRANTED, REFUSAL = int(Outcome.GRANTED), int(Outcome.REFUSED)
NONE, SUPPORTED = (int(s) for s in Support)
INITIAL, DISPERSAL, HOTEL, OTHER_CONTINGENCY, OTHER, SUBSISTENCE, UNPLACED = (int(a) for a in Accommodation)
NEVER = 32_000


@njit(cache=True, nogil=True)
def pick(level, weights):
    """Index chosen with probability proportional to `weights`; -1 when all are zero."""
    total = 0.0
    for weight in weights:
        total += weight
    if total <= 0.0:
        return -1
    mark = level * total
    last = -1
    for index in range(weights.size):
        if weights[index] > 0.0:
            last = index
            mark -= weights[index]
            if mark < 0.0:
                return index
    return last


@njit(cache=True, nogil=True)
def household_size(level, family_share, family_sizes):
    """People in a household: one, or a family of two or more from `family_sizes`, by one uniform."""
    if level >= family_share:
        return 1
    return 2 + pick(level / family_share, family_sizes)


@njit(cache=True, nogil=True)
def months_until(days, level):
    """Whole months for a length in days, rounded up or down at random so that the mean is kept."""
    months = days / 30.4375
    whole = int(months)
    return whole + (1 if level < months - whole else 0)


@njit(cache=True, nogil=True)
def arrive(
    h, n, next_slot, month, people, keys, shares, family_sizes, group_shares, subsistence_weight, occupied
):
    """Append the households that claim this month.

    Args:
        people: people claiming, exactly as many as are appended.
        keys: uint64 keys (size, uptake, group, children, subsistence, place).
        shares: family share of households, uptake, unaccompanied share, subsistence-only share, school-age share.
        subsistence_weight: (council,) where people on subsistence only live.

    Returns:
        rows in use, next slot, people newly supported, unaccompanied children.
    """
    family_share, uptake, unaccompanied, subsistence_only, school_share = shares
    supported_people, children_alone, left = 0, 0, people
    while left > 0:
        level = uniform(keys[1], next_slot, 0)
        alone = level >= 1.0 - unaccompanied
        members = 1 if alone else min(household_size(uniform(keys[0], next_slot, 0), family_share, family_sizes), left)
        h[n].slot, h[n].claimed, h[n].people = next_slot, month, members
        h[n].school_age = school_aged(keys[3], next_slot, members, school_share)
        h[n].decision_group = pick(uniform(keys[2], next_slot, 0), group_shares)
        h[n].stage, h[n].due = AWAITING, NEVER
        h[n].support, h[n].accommodation, h[n].council = NONE, UNPLACED, -1
        if alone:
            children_alone += 1  # looked after by a council, outside asylum support
        elif level < uptake:
            h[n].support = SUPPORTED
            supported_people += members
            if uniform(keys[4], next_slot, 0) < subsistence_only:
                home = pick(uniform(keys[5], next_slot, 0), subsistence_weight)
                if home >= 0:
                    h[n].accommodation, h[n].council = SUBSISTENCE, home
                    occupied[home, SUBSISTENCE] += members
        left -= members
        n += 1
        next_slot += 1
    return n, next_slot, supported_people, children_alone


@njit(cache=True, nogil=True)
def arrive_on_appeal(h, n, next_slot, month, cases, keys, family_share, family_sizes):
    """Append appeal cases that first refusals do not explain: households outside support, straight into appeal."""
    for _ in range(cases):
        h[n].slot, h[n].claimed, h[n].school_age, h[n].decision_group = next_slot, month, 0, 0
        h[n].people = household_size(uniform(keys[0], next_slot, 0), family_share, family_sizes)
        h[n].stage, h[n].due, h[n].support = APPEAL, NEVER, NONE
        h[n].accommodation, h[n].council = UNPLACED, -1
        n += 1
        next_slot += 1
    return n, next_slot


@njit(cache=True, nogil=True)
def school_aged(key, who, members, share):
    """School-age children in a household: each member after the first is one with probability `share`."""
    count = 0
    for member in range(1, members):
        if uniform(key, who, member) < share:
            count += 1
    return count


@njit(cache=True, nogil=True)
def _after_refusal(h, row, month, key, tail_entry):
    """Refused with no appeal left: some stay supported (section 4, families), the others leave in a month."""
    if h[row].support == NONE:
        h[row].stage = GONE
    elif uniform(key, h[row].slot, 0) < tail_entry:
        h[row].stage, h[row].due = REFUSED, NEVER
    else:
        h[row].stage, h[row].due = LEAVING, month + 1


@njit(cache=True, nogil=True)
def decide(
    h, n, month, keys, queue, capacity, oldest_share, outcome_shares, exit_days, appeal_share, support_retained,
    tail_entry, withdrawn_days, outcomes,
):
    """Initial decisions within capacity: part from the front of the queue, the rest at random.

    Args:
        keys: uint64 keys (order, outcome, exit, appeal, retained, tail).
        queue: people awaiting a decision.
        capacity: people decided this month at most.
        outcome_shares: (group, outcome) probabilities.
        exit_days: (2,) mean days from a grant to the end of support, for one person alone and for a family.
        outcomes: (outcome,) people, filled.

    Returns:
        Appeals lodged, in households.
    """
    lodged = 0
    outcomes[:] = 0
    front, taken, chance = oldest_share * min(capacity, queue), 0, -1.0
    for _ in range(2):  # what chance leaves over goes to the oldest, so that capacity is used in full
        for row in range(n):
            if taken >= capacity:
                break
            if h[row].stage != AWAITING:
                continue
            who, members = h[row].slot, h[row].people
            if chance < 0.0 and taken + members > front:
                chance = (capacity - taken) / max(queue - taken, 1)
            if chance >= 0.0 and (taken + members > capacity or uniform(keys[0], who, month) >= chance):
                continue
            taken += members
            outcome = pick(uniform(keys[1], who, 0), outcome_shares[h[row].decision_group])
            outcomes[outcome] += members
            if outcome == REFUSAL:
                if uniform(keys[3], who, 0) < appeal_share:
                    lodged += 1
                    h[row].stage, h[row].due = APPEAL, NEVER
                    if h[row].support == SUPPORTED and uniform(keys[4], who, 0) >= support_retained:
                        h[row].due = month + 1
                else:
                    _after_refusal(h, row, month, keys[5], tail_entry)
            elif h[row].support == NONE:
                h[row].stage = GONE
            elif outcome == GRANTED:
                notice = exit_days[1 if members > 1 else 0]
                h[row].stage, h[row].due = NOTICE, month + months_until(notice, uniform(keys[2], who, 0))
            else:
                h[row].stage, h[row].due = LEAVING, month + months_until(withdrawn_days, uniform(keys[2], who, 0))
        chance = 1.0
    return lodged


@njit(cache=True, nogil=True)
def decide_appeals(h, n, month, keys, queue, capacity, oldest_share, allowed_share, exit_days, tail_entry):
    """Appeal decisions within capacity, in cases (one case is one household), served as initial decisions are.

    Args:
        keys: uint64 keys (order, outcome, exit, tail).
        queue: open cases.

    Returns:
        cases decided, cases allowed.
    """
    allowed = 0
    front, taken, chance = oldest_share * min(capacity, queue), 0, -1.0
    for _ in range(2):  # as for initial decisions
        for row in range(n):
            if taken >= capacity:
                break
            if h[row].stage != APPEAL:
                continue
            who = h[row].slot
            if chance < 0.0 and taken + 1 > front:
                chance = (capacity - taken) / max(queue - taken, 1)
            if chance >= 0.0 and (taken + 1 > capacity or uniform(keys[0], who, month) >= chance):
                continue
            taken += 1
            if uniform(keys[1], who, 0) < allowed_share:
                allowed += 1
                if h[row].support == NONE:
                    h[row].stage = GONE
                else:
                    notice = exit_days[1 if h[row].people > 1 else 0]
                    h[row].stage, h[row].due = NOTICE, month + months_until(notice, uniform(keys[2], who, 1))
            elif h[row].due != NEVER:
                h[row].stage = LEAVING  # support was already ending
            else:
                _after_refusal(h, row, month, keys[3], tail_entry)
        chance = 1.0
    return taken, allowed


@njit(cache=True, nogil=True)
def leave(
    h, n, month, keys, tail_hazard, duty_share, drift_share, drift_weight, occupied, exits, duties
):
    """End support that is due; count move-on homelessness duties where people present.

    Args:
        keys: uint64 keys (tail, duty, drift, destination).
        duty_share: (council,) probability that a household leaving after a grant is owed a duty.
        drift_share: probability that it moves to another council first.
        drift_weight: (council,) where those who move go.
        exits: (4,) people leaving support: after a grant, after refusal or withdrawal, on appeal, from the tail.
        duties: (council,) households, filled.
    """
    exits[:] = 0
    duties[:] = 0
    for row in range(n):
        reason = -1
        if h[row].due <= month:
            if h[row].stage == NOTICE:
                reason = 0
            elif h[row].stage == LEAVING:
                reason = 1
            elif h[row].stage == APPEAL:
                reason = 2
        elif h[row].stage == REFUSED and uniform(keys[0], h[row].slot, month) < tail_hazard:
            reason = 3
        if reason < 0:
            continue
        who, home = h[row].slot, h[row].council
        exits[reason] += h[row].people
        if home >= 0:
            occupied[home, h[row].accommodation] -= h[row].people
            if reason == 0:
                if uniform(keys[2], who, 0) < drift_share:
                    home = pick(uniform(keys[3], who, 0), drift_weight)
                if uniform(keys[1], who, 0) < duty_share[home]:
                    duties[home] += 1
        h[row].support, h[row].accommodation, h[row].council, h[row].due = NONE, UNPLACED, -1, NEVER
        if reason != 2:
            h[row].stage = GONE


@njit(cache=True, nogil=True)
def compact(h, n):
    """Drop households that are gone, keeping the order. Returns the rows in use."""
    kept = 0
    for row in range(n):
        if h[row].stage != GONE:
            if kept != row:
                h[kept] = h[row]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _choose_council(level, members, area, area_start, by_area, vacancy, weight, pull):
    """Council of an area with room for the household, by weight times vacancy; -1 when none has room.

    `pull` is the sum of weight times vacancy over the area: for one person it is the total to draw from, so that the
    councils are walked once; a family needs the sum over councils with room for all of it.
    """
    total = pull
    if members > 1:
        total = 0.0
        for position in range(area_start[area], area_start[area + 1]):
            home = by_area[position]
            if vacancy[home] >= members:
                total += weight[home] * vacancy[home]
    mark, last = level * total, -1
    for position in range(area_start[area], area_start[area + 1]):
        home = by_area[position]
        if vacancy[home] >= members:
            last = home
            mark -= weight[home] * vacancy[home]
            if mark < 0.0:
                return home
    return last


@njit(cache=True, nogil=True)
def place(
    h, n, month, key, area_of, area_start, by_area, vacancy, weight, occupied, queue
):
    """Move households into vacant dispersal beds, longest waiting first.

    Three passes: initial accommodation within its own contract area, hotels within theirs, then everyone still
    waiting (new claims first of all) to whatever area has beds. A bed is one person; none is used twice.

    Args:
        vacancy: (council,) beds that may be filled, reduced in place.
        weight: (council,) the allocation rule's preference.
        queue: filled with the rows of households that are left without a place, in order.

    Returns:
        Households left in the queue.
    """
    areas = area_start.size - 1
    room, pull = np.zeros(areas), np.zeros(areas)
    for home in range(vacancy.size):
        room[area_of[home]] += vacancy[home]
        pull[area_of[home]] += weight[home] * vacancy[home]
    total = room.sum()
    # The largest household an area may still have room for in one council: lowered when a search fails, so that a
    # family that fits nowhere costs one search a month and not one each.
    largest = np.full(areas, 255)
    waiting = np.empty(n, np.int64)
    count = 0
    for row in range(n):
        kind = h[row].accommodation
        if h[row].support != NONE and kind in (UNPLACED, HOTEL, INITIAL):
            waiting[count] = row
            count += 1
    for turn in range(4):
        wanted = INITIAL if turn == 0 else HOTEL if turn == 1 else UNPLACED
        for position in range(count):
            if total < 1:
                break
            row = waiting[position]
            kind = h[row].accommodation
            if (turn < 3 and kind != wanted) or (turn == 3 and kind != HOTEL and kind != INITIAL):
                continue
            who, members = h[row].slot, h[row].people
            area = area_of[h[row].council] if turn < 2 else pick(uniform(key, who, 4 * month + turn), room)
            if room[area] < members or largest[area] < members:
                continue
            level = uniform(key, who, 4 * (month + 1000) + turn)
            home = _choose_council(level, members, area, area_start, by_area, vacancy, weight, pull[area])
            if home < 0:
                largest[area] = members - 1
                continue
            if h[row].council >= 0:
                occupied[h[row].council, kind] -= members
            h[row].accommodation, h[row].council = DISPERSAL, home
            occupied[home, DISPERSAL] += members
            vacancy[home] -= members
            room[area] -= members
            pull[area] -= weight[home] * members
            total -= members
    left = 0
    for position in range(count):
        if h[waiting[position]].accommodation == UNPLACED:
            queue[left] = waiting[position]
            left += 1
    return left


@njit(cache=True, nogil=True)
def fill(h, month, key, kind, vacancy, occupied, queue, count):
    """Give households in the queue a bed of one kind (initial, contingency), where there is room.

    Args:
        vacancy: (council,) beds, reduced in place.
        queue: rows of households without a place, in order; closed up in place.
        count: households in the queue.

    Returns:
        households still in the queue, people in them.
    """
    # Councils are drawn by the vacancy at the start of the month: one search a household instead of a sum over 361.
    edges = np.cumsum(vacancy)
    room = edges[-1]
    start = room
    left, people = 0, 0
    for position in range(count):
        row = queue[position]
        members = h[row].people
        home = -1
        if room >= members:
            first = np.searchsorted(edges, uniform(key, h[row].slot, month) * start, side="right")
            for step in range(vacancy.size):
                other = (first + step) % vacancy.size
                if vacancy[other] >= members:
                    home = other
                    break
        if home < 0:
            queue[left] = row
            left += 1
            people += members
            continue
        h[row].accommodation, h[row].council = kind, home
        occupied[home, kind] += members
        vacancy[home] -= members
        room -= members
    return left, people


@njit(cache=True, nogil=True)
def displace(h, n, kind, surplus, occupied, queue, count):
    """Take people out of beds that close, newest claims first, until no council has a surplus.

    Args:
        surplus: (council,) people above the beds left, reduced in place to zero or less.
        queue: households without a place; those displaced join it, in order of claim.
        count: households in the queue.

    Returns:
        Households in the queue.
    """
    for row in range(n - 1, -1, -1):
        home = h[row].council
        if h[row].support != NONE and h[row].accommodation == kind and surplus[home] > 0:
            occupied[home, kind] -= h[row].people
            surplus[home] -= h[row].people
            h[row].accommodation, h[row].council = UNPLACED, -1
            queue[count] = row
            count += 1
    queue[:count].sort()
    return count


@njit(cache=True, nogil=True)
def census(h, n, present):
    """Count who lives where: (council, 4) people, school-age children, adults and others, people with a live case.

    Returns:
        people awaiting a decision, open appeals (cases), people supported, households supported.
    """
    present[:] = 0
    awaiting, appeals, supported, households = 0, 0, 0, 0
    for row in range(n):
        if h[row].stage == AWAITING:
            awaiting += h[row].people
        elif h[row].stage == APPEAL:
            appeals += 1
        if h[row].support == NONE:
            continue
        supported += h[row].people
        households += 1
        home = h[row].council
        if home >= 0:
            present[home, 0] += h[row].people
            present[home, 1] += h[row].school_age
            present[home, 2] += h[row].people - h[row].school_age
            if h[row].stage == AWAITING or h[row].stage == APPEAL:
                present[home, 3] += h[row].people
    return awaiting, appeals, supported, households
