"""What happens to households, month by month, as compiled loops over columns.

`h` is the `sim.households.Columns`, `n` the number of rows in use, in slot order (oldest claim first). Every kernel
draws by slot, releases the interpreter lock, and keeps `occupied` (people by council and accommodation) in step with
the columns. A kernel first collects the few rows that anything happens to, without branching, because a wrong guess
of the processor costs more than looking at ten households; it draws for a block of them at once, because the
processor makes eight draws in the time of one; then it applies the rule to those rows one at a time.
`tests/bench/readable.py` says the same rules without any of that, and tests hold the two together.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.randomness import uniform
from sim.rows import BLOCK, between, draw, lucky, search, search_each, take
from sim.states import Accommodation, Outcome, Stage, Support

# Of numpy's type: for Python's numbers numba would compile a rule anew for each value it is called with.
AWAITING, APPEAL, NOTICE, LEAVING, REFUSED, GONE = (np.int64(s) for s in Stage)
GRANTED, REFUSAL = np.int64(Outcome.GRANTED), np.int64(Outcome.REFUSED)
NONE, SUPPORTED = (np.int64(s) for s in Support)
INITIAL, DISPERSAL, HOTEL, OTHER_CONTINGENCY, OTHER, SUBSISTENCE, UNPLACED = (np.int64(a) for a in Accommodation)
NEVER = 32_000


@njit(cache=True, nogil=True)
def pick(level, weights):
    """Index chosen with probability proportional to `weights`; -1 when all are zero.

    It is the first whose cumulative weight exceeds the level times the total, so a weight of zero is never chosen.
    """
    total = 0.0
    for index in range(weights.size):
        total += weights[index]
    mark, upto = level * total, 0.0
    for index in range(weights.size):
        upto += weights[index]
        if upto > mark:
            return index
    return -1


@njit(cache=True, nogil=True)
def household_size(level, family_share, family_sizes):
    """People in a household: one, or a family of two or more from `family_sizes`, by one uniform."""
    if level >= family_share:
        return 1
    return 2 + pick(level / family_share, family_sizes)


@njit(cache=True, nogil=True)
def household_sizes(levels, family_share, family_sizes):
    """`household_size` for each of many uniforms."""
    edges, sizes = np.cumsum(family_sizes), np.ones(levels.size, np.uint8)
    for i in range(levels.size):
        sizes[i] += levels[i] < family_share
    for edge in edges[:-1]:
        for i in range(levels.size):
            sizes[i] += (levels[i] < family_share) & (edge <= levels[i] / family_share * edges[-1])
    return sizes


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
    groups, homes = np.cumsum(group_shares), np.cumsum(subsistence_weight)
    supported_people, children_alone, left = 0, 0, people
    while left > 0:
        slots = next_slot + np.arange(BLOCK)
        entry, subsistence = draw(keys[1], slots, 0), draw(keys[4], slots, 0)
        size = household_sizes(draw(keys[0], slots, 0), family_share, family_sizes)
        group = search_each(groups, draw(keys[2], slots, 0))
        for i in range(BLOCK):
            if left == 0:
                break
            who = slots[i]
            alone = entry[i] >= 1.0 - unaccompanied  # looked after by a council, outside asylum support
            supported = (entry[i] < uptake) & (not alone)
            members = 1 if alone else min(np.int64(size[i]), left)
            h.slot[n], h.claimed[n], h.people[n], h.decision_group[n] = who, month, members, group[i]
            h.school_age[n] = school_aged(keys[3], who, members, school_share)
            h.stage[n], h.due[n] = AWAITING, NEVER
            h.support[n], h.accommodation[n], h.council[n] = SUPPORTED if supported else NONE, UNPLACED, -1
            children_alone += alone
            supported_people += members * supported
            if supported & (subsistence[i] < subsistence_only) & (homes[-1] > 0):
                home = search(homes, uniform(keys[5], who, 0) * homes[-1])
                h.accommodation[n], h.council[n] = SUBSISTENCE, home
                occupied[home, SUBSISTENCE] += members
            left -= members
            n += 1
        next_slot += BLOCK
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
    waiting = between(h.stage, n, wanted, wanted, rows)
    front, taken, served = oldest_share * min(capacity, queue), 0, 0
    while served < waiting and taken < capacity:
        members = 1 if by_case else h.people[rows[served]]
        if taken + members > front:
            break
        taken += members
        served += 1
    rest, chosen = rows[served] if served < waiting else n, served
    chance = (capacity - taken) / max(queue - taken, 1)
    drawn = lucky(h.slot, key, month, chance, rows[served:waiting])
    for position in range(served, served + drawn):
        members = 1 if by_case else h.people[rows[position]]
        if taken + members <= capacity:
            rows[chosen] = rows[position]
            taken += members
            chosen += 1
    # What chance leaves over goes to the oldest, so that capacity is used in full.
    position, late = served, chosen
    for row in range(rest, n):
        if taken >= capacity:
            break
        if h.stage[row] != wanted:
            continue
        if position < chosen and rows[position] == row:
            position += 1
            continue
        members = 1 if by_case else h.people[row]
        if taken + members <= capacity:
            rows[late] = row
            taken += members
            late += 1
    return late, taken


@njit(cache=True, nogil=True)
def _refused_for_good(supported, stays, month):
    """Stage and due month with no appeal left: some stay supported (section 4, families), the others leave."""
    if not supported:
        return GONE, NEVER
    if stays:
        return REFUSED, NEVER
    return LEAVING, month + 1


@njit(cache=True, nogil=True)
def _after_decision(outcome, supported, appeals, keeps, stays, month, end):
    """Stage and due month after an initial decision: choices between values, which the processor need not guess."""
    if appeals:
        return APPEAL, (month + 1 if supported and not keeps else NEVER)
    if outcome == REFUSAL:
        return _refused_for_good(supported, stays, month)
    if not supported:
        return GONE, NEVER
    return (NOTICE if outcome == GRANTED else LEAVING), end


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
    edges = outcome_shares.copy()  # cumulative
    for group in range(edges.shape[0]):
        for outcome in range(1, edges.shape[1]):
            edges[group, outcome] += edges[group, outcome - 1]
    served, _ = _serve(h, n, AWAITING, False, month, keys[0], queue, capacity, oldest_share, rows)
    for start in range(0, served, BLOCK):
        these = rows[start : min(start + BLOCK, served)]
        who = take(h.slot, these)
        fate, exit_level, appeal = draw(keys[1], who, 0), draw(keys[2], who, 0), draw(keys[3], who, 0)
        retained, tail = draw(keys[4], who, 0), draw(keys[5], who, 0)
        for i in range(these.size):
            row = these[i]
            members, group, supported = h.people[row], h.decision_group[row], h.support[row] != NONE
            mark = fate[i] * edges[group, 3]
            outcome = (edges[group, 0] <= mark) + np.int64(edges[group, 1] <= mark) + (edges[group, 2] <= mark)
            outcomes[outcome] += members
            appeals = (outcome == REFUSAL) & (appeal[i] < appeal_share)
            lodged += appeals
            days = exit_days[1 if members > 1 else 0] if outcome == GRANTED else withdrawn_days
            end = month + months_until(days, exit_level[i])
            keeps, stays = retained[i] < support_retained, tail[i] < tail_entry
            h.stage[row], h.due[row] = _after_decision(outcome, supported, appeals, keeps, stays, month, end)
    return lodged


@njit(cache=True, nogil=True)
def _after_appeal(wins, supported, stays, month, end, due):
    """Stage and due month after an appeal decision."""
    if wins:
        return (NOTICE, end) if supported else (GONE, NEVER)
    if due != NEVER:
        return LEAVING, due  # support was already ending
    return _refused_for_good(supported, stays, month)


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
    for start in range(0, served, BLOCK):
        these = rows[start : min(start + BLOCK, served)]
        who = take(h.slot, these)
        fate, exit_level, tail = draw(keys[1], who, 0), draw(keys[2], who, 1), draw(keys[3], who, 0)
        for i in range(these.size):
            row = these[i]
            wins, supported = fate[i] < allowed_share, h.support[row] != NONE
            allowed += wins
            end = month + months_until(exit_days[1 if h.people[row] > 1 else 0], exit_level[i])
            stays = tail[i] < tail_entry
            h.stage[row], h.due[row] = _after_appeal(wins, supported, stays, month, end, h.due[row])
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
    destinations = np.cumsum(drift_weight)
    due = between(h.due, n, -NEVER, month, rows)
    refused = between(h.stage, n, REFUSED, REFUSED, rows[due:])
    tail = due + lucky(h.slot, keys[0], month, tail_hazard, rows[due : due + refused])
    for position in range(tail):
        row = rows[position]
        stage, who, home, members = h.stage[row], h.slot[row], h.council[row], h.people[row]
        reason = 3 if position >= due else 0 if stage == NOTICE else 1 if stage == LEAVING else 2
        exits[reason] += members
        if home >= 0:
            occupied[home, h.accommodation[row]] -= members
            if reason == 0:
                if uniform(keys[2], who, 0) < drift_share:
                    home = search(destinations, uniform(keys[3], who, 0) * destinations[-1])
                if uniform(keys[1], who, 0) < duty_share[home]:
                    duties[home] += 1
        h.support[row], h.accommodation[row], h.council[row], h.due[row] = NONE, UNPLACED, -1, NEVER
        if reason != 2:
            h.stage[row] = GONE


@njit(cache=True, nogil=True)
def close_up(column, rows):
    """Keep some rows of a column, in order, and move them to its front."""
    for place in range(rows.size):
        column[place] = column[rows[place]]


@njit(cache=True, nogil=True)
def census(h, n, occupied, present, rows):
    """Count who lives where: (council, 4) people, school-age children, adults and others, people with a live case.

    Returns:
        people awaiting a decision, open appeals (cases), people supported, households supported, people supported
        with no appeal left, rows of households that are gone.
    """
    awaiting, appeals, supported, households, refused, gone = 0, 0, 0, 0, 0, 0
    for row in range(n):
        stage, members, has = h.stage[row], h.people[row], h.support[row] != NONE
        awaiting += members * (stage == AWAITING)
        appeals += stage == APPEAL
        gone += stage == GONE
        supported += members * has
        households += has
        refused += members * (has & (stage == REFUSED))
    present[:] = 0
    housed = between(h.council, n, 0, NEVER, rows)
    # School-age children in the upper half of a number and people with a live case in the lower, added in one go.
    both = np.zeros(present.shape[0], np.int64)
    for position in range(housed):
        row = rows[position]
        live = (h.stage[row] == AWAITING) | (h.stage[row] == APPEAL)
        both[np.uint64(h.council[row])] += (np.int64(h.school_age[row]) << 32) + h.people[row] * live
    for home in range(present.shape[0]):
        for kind in range(occupied.shape[1]):
            present[home, 0] += occupied[home, kind]
        present[home, 1] = both[home] >> 32
        present[home, 2] = present[home, 0] - present[home, 1]
        present[home, 3] = both[home] & 0xFFFF_FFFF
    return awaiting, appeals, supported, households, refused, gone
