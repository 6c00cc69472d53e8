"""What happens to households, month by month, as compiled loops over columns.

`h` is the `sim.households.Columns`, `n` the number of rows in use, in slot order (oldest claim first). Every kernel
draws by slot, releases the interpreter lock, and keeps `occupied` (people by council and accommodation) in step with
the columns. A kernel first collects the few rows that anything happens to, without branching, because a wrong guess
of the processor costs more than looking at ten households; then it applies the rule to those rows one at a time.
`tests/bench/readable.py` says the same rules without any of that, and tests hold the two together.
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
_BLOCK = 1024  # households whose draws are made at once, so that the processor makes several in one instruction


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
        rows in use, people newly supported, unaccompanied children.
    """
    family_share, uptake, unaccompanied, subsistence_only, school_share = shares
    supported_people, children_alone, left = 0, 0, people
    while left > 0:
        level = uniform(keys[1], next_slot, 0)
        alone = level >= 1.0 - unaccompanied
        members = 1 if alone else min(household_size(uniform(keys[0], next_slot, 0), family_share, family_sizes), left)
        h.slot[n], h.claimed[n], h.people[n] = next_slot, month, members
        h.school_age[n] = school_aged(keys[3], next_slot, members, school_share)
        h.decision_group[n] = pick(uniform(keys[2], next_slot, 0), group_shares)
        h.stage[n], h.due[n] = AWAITING, NEVER
        h.support[n], h.accommodation[n], h.council[n] = NONE, UNPLACED, -1
        if alone:
            children_alone += 1  # looked after by a council, outside asylum support
        elif level < uptake:
            h.support[n] = SUPPORTED
            supported_people += members
            if uniform(keys[4], next_slot, 0) < subsistence_only:
                home = pick(uniform(keys[5], next_slot, 0), subsistence_weight)
                if home >= 0:
                    h.accommodation[n], h.council[n] = SUBSISTENCE, home
                    occupied[home, SUBSISTENCE] += members
        left -= members
        n += 1
        next_slot += 1
    return n, supported_people, children_alone


@njit(cache=True, nogil=True)
def arrive_on_appeal(h, n, next_slot, month, cases, keys, family_share, family_sizes):
    """Append appeal cases that first refusals do not explain: households outside support, straight into appeal.

    Returns:
        Rows in use.
    """
    for _ in range(cases):
        h.slot[n], h.claimed[n], h.school_age[n], h.decision_group[n] = next_slot, month, 0, 0
        h.people[n] = household_size(uniform(keys[0], next_slot, 0), family_share, family_sizes)
        h.stage[n], h.due[n], h.support[n] = APPEAL, NEVER, NONE
        h.accommodation[n], h.council[n] = UNPLACED, -1
        n += 1
        next_slot += 1
    return n


@njit(cache=True, nogil=True)
def school_aged(key, who, members, share):
    """School-age children in a household: each member after the first is one with probability `share`."""
    count = 0
    for member in range(1, members):
        if uniform(key, who, member) < share:
            count += 1
    return count


@njit(cache=True, nogil=True)
def _all_in(column, n, wanted, rows):
    """Collect the rows whose column (stage, accommodation) has one value, in order. Returns how many."""
    count = 0
    for row in range(n):
        rows[count] = row
        count += column[row] == wanted
    return count


@njit(cache=True, nogil=True)
def _some_in(stage, slot, first, n, wanted, key, month, chance, rows):
    """Collect, in order, the rows from `first` on that are at a stage and whose draw is below a chance.

    Returns how many.
    """
    count = 0
    hit = np.empty(_BLOCK, np.bool_)
    for start in range(first, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        who, there = slot[start:stop], stage[start:stop]
        for i in range(who.size):
            hit[i] = (uniform(key, who[i], month) < chance) & (there[i] == wanted)
        for i in range(who.size):
            rows[count] = start + i
            count += hit[i]
    return count


@njit(cache=True, nogil=True)
def _serve(h, n, wanted, by_case, month, key, queue, capacity, oldest_share, rows):
    """Whose turn it is in a queue: part of capacity from its front, the rest at random.

    Args:
        wanted: the stage that queues.
        by_case: whether capacity counts households, not people.
        queue: people (or cases) in the queue.
        capacity: people (or cases) served this month at most.
        rows: filled with the rows served.

    Returns:
        Rows served, and people (or cases) in them.
    """
    front, taken, served, row = oldest_share * min(capacity, queue), 0, 0, 0
    while row < n and taken < capacity:
        if h.stage[row] == wanted:
            members = 1 if by_case else h.people[row]
            if taken + members > front:
                break
            rows[served] = row
            taken += members
            served += 1
        row += 1
    rest, lucky = row, served
    chance = (capacity - taken) / max(queue - taken, 1)
    drawn = _some_in(h.stage, h.slot, rest, n, wanted, key, month, chance, rows[served:])
    for position in range(served, served + drawn):
        members = 1 if by_case else h.people[rows[position]]
        if taken + members <= capacity:
            rows[lucky] = rows[position]
            taken += members
            lucky += 1
    # What chance leaves over goes to the oldest, so that capacity is used in full.
    position, late = served, lucky
    for row in range(rest, n):
        if taken >= capacity:
            break
        if h.stage[row] != wanted:
            continue
        if position < lucky and rows[position] == row:
            position += 1
            continue
        members = 1 if by_case else h.people[row]
        if taken + members <= capacity:
            rows[late] = row
            taken += members
            late += 1
    return late, taken


@njit(cache=True, nogil=True)
def _after_refusal(h, row, month, key, tail_entry):
    """Refused with no appeal left: some stay supported (section 4, families), the others leave in a month."""
    if h.support[row] == NONE:
        h.stage[row] = GONE
    elif uniform(key, h.slot[row], 0) < tail_entry:
        h.stage[row], h.due[row] = REFUSED, NEVER
    else:
        h.stage[row], h.due[row] = LEAVING, month + 1


@njit(cache=True, nogil=True)
def decide(
    h, n, month, keys, queue, capacity, oldest_share, outcome_shares, exit_days, appeal_share, support_retained,
    tail_entry, withdrawn_days, outcomes, rows,
):
    """Initial decisions within capacity.

    Args:
        keys: uint64 keys (order, outcome, exit, appeal, retained, tail).
        queue: people awaiting a decision.
        capacity: people decided this month at most.
        outcome_shares: (group, outcome) probabilities.
        exit_days: (2,) mean days from a grant to the end of support, for one person alone and for a family.
        outcomes: (outcome,) people, filled.
        rows: room for row numbers.

    Returns:
        Appeals lodged, in households.
    """
    lodged = 0
    outcomes[:] = 0
    served, _ = _serve(h, n, AWAITING, False, month, keys[0], queue, capacity, oldest_share, rows)
    for row in rows[:served]:
        who, members = h.slot[row], h.people[row]
        outcome = pick(uniform(keys[1], who, 0), outcome_shares[h.decision_group[row]])
        outcomes[outcome] += members
        if outcome == REFUSAL:
            if uniform(keys[3], who, 0) < appeal_share:
                lodged += 1
                h.stage[row], h.due[row] = APPEAL, NEVER
                if h.support[row] == SUPPORTED and uniform(keys[4], who, 0) >= support_retained:
                    h.due[row] = month + 1
            else:
                _after_refusal(h, row, month, keys[5], tail_entry)
        elif h.support[row] == NONE:
            h.stage[row] = GONE
        elif outcome == GRANTED:
            notice = exit_days[1 if members > 1 else 0]
            h.stage[row], h.due[row] = NOTICE, month + months_until(notice, uniform(keys[2], who, 0))
        else:
            h.stage[row], h.due[row] = LEAVING, month + months_until(withdrawn_days, uniform(keys[2], who, 0))
    return lodged


@njit(cache=True, nogil=True)
def decide_appeals(h, n, month, keys, queue, capacity, oldest_share, allowed_share, exit_days, tail_entry, rows):
    """Appeal decisions within capacity, in cases (one case is one household), served as initial decisions are.

    Args:
        keys: uint64 keys (order, outcome, exit, tail).
        queue: open cases.
        rows: room for row numbers.

    Returns:
        cases decided, cases allowed.
    """
    allowed = 0
    served, taken = _serve(h, n, APPEAL, True, month, keys[0], queue, capacity, oldest_share, rows)
    for row in rows[:served]:
        who = h.slot[row]
        if uniform(keys[1], who, 0) < allowed_share:
            allowed += 1
            if h.support[row] == NONE:
                h.stage[row] = GONE
            else:
                notice = exit_days[1 if h.people[row] > 1 else 0]
                h.stage[row], h.due[row] = NOTICE, month + months_until(notice, uniform(keys[2], who, 1))
        elif h.due[row] != NEVER:
            h.stage[row] = LEAVING  # support was already ending
        else:
            _after_refusal(h, row, month, keys[3], tail_entry)
    return taken, allowed


@njit(cache=True, nogil=True)
def leave(
    h, n, month, keys, tail_hazard, duty_share, drift_share, drift_weight, occupied, exits, duties, rows
):
    """End support that is due; count move-on homelessness duties where people present.

    Args:
        keys: uint64 keys (tail, duty, drift, destination).
        duty_share: (council,) probability that a household leaving after a grant is owed a duty.
        drift_share: probability that it moves to another council first.
        drift_weight: (council,) where those who move go.
        exits: (4,) people leaving support: after a grant, after refusal or withdrawal, on appeal, from the tail.
        duties: (council,) households, filled.
        rows: room for row numbers.
    """
    exits[:] = 0
    duties[:] = 0
    due = 0
    for row in range(n):
        rows[due] = row
        due += h.due[row] <= month
    count = due + _some_in(h.stage, h.slot, 0, n, REFUSED, keys[0], month, tail_hazard, rows[due:])
    for position in range(count):
        row = rows[position]
        reason = 3
        if position < due:
            stage = h.stage[row]
            reason = 0 if stage == NOTICE else 1 if stage == LEAVING else 2
        who, home = h.slot[row], h.council[row]
        exits[reason] += h.people[row]
        if home >= 0:
            occupied[home, h.accommodation[row]] -= h.people[row]
            if reason == 0:
                if uniform(keys[2], who, 0) < drift_share:
                    home = pick(uniform(keys[3], who, 0), drift_weight)
                if uniform(keys[1], who, 0) < duty_share[home]:
                    duties[home] += 1
        h.support[row], h.accommodation[row], h.council[row], h.due[row] = NONE, UNPLACED, -1, NEVER
        if reason != 2:
            h.stage[row] = GONE


@njit(cache=True, nogil=True)
def keep(column, stage, n):
    """Close up one column over households that are gone, keeping the order. Returns the rows left."""
    kept = 0
    for row in range(n):
        column[kept] = column[row]
        kept += stage[row] != GONE
    return kept


@njit(cache=True, nogil=True)
def _choose(level, members, vacancy, weight, pull):
    """Which council of an area gets a household, by weight times vacancy where there is room; -1 when nowhere is.

    `pull` is the sum of weight times vacancy over the area: for one person it is the total to draw from, so that the
    councils are walked once; a family needs the sum over councils with room for all of it.
    """
    total = pull
    if members > 1:
        total = 0.0
        for council in range(vacancy.size):
            if vacancy[council] >= members:
                total += weight[council] * vacancy[council]
    mark, last = level * total, -1
    for council in range(vacancy.size):
        if vacancy[council] >= members:
            last = council
            mark -= weight[council] * vacancy[council]
            if mark < 0.0:
                return council
    return last


@njit(cache=True, nogil=True)
def place(
    h, n, month, key, area_of, area_start, by_area, vacancy, weight, occupied, queue, waiting
):
    """Move households into vacant dispersal beds, longest waiting first.

    Three passes: initial accommodation within its own contract area, hotels within theirs, then everyone still
    waiting (new claims first of all) to whatever area has beds. A bed is one person; none is used twice.

    Args:
        vacancy: (council,) beds that may be filled.
        weight: (council,) the allocation rule's preference.
        queue: filled with the rows of households that are left without a place, in order.
        waiting: room for row numbers.

    Returns:
        Households left in the queue.
    """
    areas = area_start.size - 1
    room, pull = np.zeros(areas), np.zeros(areas)
    for home in range(vacancy.size):
        room[area_of[home]] += vacancy[home]
        pull[area_of[home]] += weight[home] * vacancy[home]
    total = room.sum()
    beds, prefer = vacancy[by_area], weight[by_area]  # the councils of an area side by side
    # The largest household an area may still have room for in one council: lowered when a search fails, so that a
    # family that fits nowhere costs one search a month and not one each.
    largest = np.full(areas, 255)
    count = 0
    for row in range(n):
        kind = h.accommodation[row]
        waiting[count] = row
        count += (h.support[row] != NONE) & ((kind == UNPLACED) | (kind == HOTEL) | (kind == INITIAL))
    for turn in range(4):
        wanted = INITIAL if turn == 0 else HOTEL if turn == 1 else UNPLACED
        for position in range(count):
            if total < 1:
                break
            row = waiting[position]
            kind = h.accommodation[row]
            if (turn < 3 and kind != wanted) or (turn == 3 and kind != HOTEL and kind != INITIAL):
                continue
            who, members = h.slot[row], h.people[row]
            area = area_of[h.council[row]] if turn < 2 else pick(uniform(key, who, 4 * month + turn), room)
            if room[area] < members or largest[area] < members:
                continue
            level = uniform(key, who, 4 * (month + 1000) + turn)
            its = slice(area_start[area], area_start[area + 1])
            chosen = _choose(level, members, beds[its], prefer[its], pull[area])
            if chosen < 0:
                largest[area] = members - 1
                continue
            beds[its][chosen] -= members
            home = by_area[its][chosen]
            if h.council[row] >= 0:
                occupied[h.council[row], kind] -= members
            h.accommodation[row], h.council[row] = DISPERSAL, home
            occupied[home, DISPERSAL] += members
            room[area] -= members
            pull[area] -= weight[home] * members
            total -= members
    left = 0
    for position in range(count):
        if h.accommodation[waiting[position]] == UNPLACED:
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
        members = h.people[row]
        home = -1
        if room >= members:
            first = np.searchsorted(edges, uniform(key, h.slot[row], month) * start, side="right")
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
        h.accommodation[row], h.council[row] = kind, home
        occupied[home, kind] += members
        vacancy[home] -= members
        room -= members
    return left, people


@njit(cache=True, nogil=True)
def displace(h, n, kind, surplus, occupied, queue, count, rows):
    """Take people out of beds that close, newest claims first, until no council has a surplus.

    Args:
        surplus: (council,) people above the beds left, reduced in place to zero or less.
        queue: households without a place; those displaced join it, in order of claim.
        count: households in the queue.
        rows: room for row numbers.

    Returns:
        Households in the queue.
    """
    housed, over = _all_in(h.accommodation, n, kind, rows), (surplus > 0).sum()
    for position in range(housed - 1, -1, -1):
        row = rows[position]
        home = h.council[row]
        if surplus[home] > 0:
            occupied[home, kind] -= h.people[row]
            surplus[home] -= h.people[row]
            h.accommodation[row], h.council[row] = UNPLACED, -1
            queue[count] = row
            count += 1
            over -= surplus[home] <= 0
            if over == 0:
                break
    queue[:count].sort()
    return count


@njit(cache=True, nogil=True)
def census(h, n, present, rows):
    """Count who lives where: (council, 4) people, school-age children, adults and others, people with a live case.

    Returns:
        people awaiting a decision, open appeals (cases), people supported, households supported, people supported
        with no appeal left, rows of households that are gone.
    """
    present[:] = 0
    awaiting, appeals, supported, households, refused, gone = 0, 0, 0, 0, 0, 0
    for row in range(n):
        stage, members, has = h.stage[row], h.people[row], h.support[row] != NONE
        awaiting += members * (stage == AWAITING)
        appeals += stage == APPEAL
        gone += stage == GONE
        supported += members * has
        households += has
        refused += members * (has & (stage == REFUSED))
    housed = 0
    for row in range(n):
        rows[housed] = row
        housed += h.council[row] >= 0
    for row in rows[:housed]:
        home, members, children = h.council[row], h.people[row], h.school_age[row]
        present[home, 0] += members
        present[home, 1] += children
        present[home, 2] += members - children
        present[home, 3] += members * ((h.stage[row] == AWAITING) | (h.stage[row] == APPEAL))
    return awaiting, appeals, supported, households, refused, gone
