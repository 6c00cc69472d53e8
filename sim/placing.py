"""Where households live: into vacant dispersal beds, into beds of other kinds, and out of beds that close.

Compiled like the rules in `sim/kernels.py`, with the same arguments.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.kernels import DISPERSAL, HOTEL, INITIAL, NONE, UNPLACED
from sim.randomness import uniform
from sim.rows import BLOCK, append, between, search, take

_PLACED = 255  # in a list of those who wait


@njit(cache=True, nogil=True)
def _home_for_family(level, members, beds, unit):
    """Which council of an area gets a household, by weight times vacancy where there is room for all of it.

    Args:
        beds: (council,) vacant beds.
        unit: (council,) weight of a bed; where all weights are zero, it is the last council with room.

    Returns:
        The council's place in the area, -1 when nowhere is room.
    """
    total, last = 0, -1
    for council in range(beds.size):
        if beds[council] >= members:
            total += unit[council] * beds[council]
            last = council
    mark, upto = np.int64(level * total), 0
    for council in range(beds.size):
        if beds[council] >= members:
            upto += unit[council] * beds[council]
            if upto > mark:
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
    pull, total = 0.0, 0
    for home in range(vacancy.size):
        pull += weight[home] * vacancy[home]
    scale = 2.0**50 / max(pull, 1e-200)  # weights in whole units, so that sums stay exact as beds are taken
    # The councils of an area side by side: beds, weight of a bed, cumulative weight of all beds.
    beds, unit, edges = (np.zeros(vacancy.size, np.int64), np.zeros(vacancy.size, np.int64),
                         np.zeros(vacancy.size, np.int64))  # fmt: skip
    room = np.zeros(areas, np.int64)
    for area in range(areas):
        upto = 0
        for position in range(area_start[area], area_start[area + 1]):
            home = by_area[position]
            if vacancy[home] > 0:
                beds[position], unit[position] = np.int64(vacancy[home]), np.int64(np.ceil(weight[home] * scale))
            upto += unit[position] * beds[position]
            edges[position] = upto
            room[area] += beds[position]
        total += room[area]
    # The largest household an area may still have room for in one council: lowered when a search fails, so that a
    # family that fits nowhere costs one search a month and not one each.
    largest = np.full(areas, 255)
    count = _waiting(h.support, h.accommodation, n, waiting)
    kinds, turns = take(h.accommodation, waiting[:count]), np.empty(count, np.uint32)
    for turn in range(4):
        if turn < 3:
            wanted = INITIAL if turn == 0 else HOTEL if turn == 1 else UNPLACED
            those = between(kinds, count, wanted, wanted, turns)
        else:
            those = between(kinds, count, INITIAL, HOTEL, turns)  # nobody who waits is in dispersal, between them
        for turn_place in range(those):
            if total < 1:
                break
            position = turns[turn_place]
            row = waiting[position]
            who, members = h.slot[row], h.people[row]
            if turn < 2:
                area = area_of[h.council[row]]
            else:
                mark, area, upto = np.int64(uniform(key, who, 4 * month + turn) * total), 0, 0
                for other in range(areas):
                    upto += room[other]
                    area += upto <= mark
            if room[area] < members or largest[area] < members:
                continue
            level = uniform(key, who, 4 * (month + 1000) + turn)
            first, end = area_start[area], area_start[area + 1]
            its = edges[first:end]
            if members == 1 and its[-1] > 0:
                chosen = search(its, np.int64(level * its[-1]))
            else:
                chosen = _home_for_family(level, members, beds[first:end], unit[first:end])
            if chosen < 0:
                largest[area] = members - 1
                continue
            lost = unit[first + chosen] * members
            for other in range(its.size):
                its[other] -= lost * (other >= chosen)
            chosen += first
            home = by_area[chosen]
            if h.council[row] >= 0:
                occupied[h.council[row], kinds[position]] -= members
            h.accommodation[row], h.council[row], kinds[position] = DISPERSAL, home, _PLACED
            occupied[home, DISPERSAL] += members
            beds[chosen] -= members
            room[area] -= members
            total -= members
    left = between(kinds, count, UNPLACED, UNPLACED, turns)
    for position in range(left):
        queue[position] = waiting[turns[position]]
    return left


@njit(cache=True, nogil=True)
def _waiting(support, accommodation, n, rows):
    """Collect, in order, the supported households that a dispersal bed is wanted for. Returns how many."""
    flags, count = np.zeros(BLOCK, np.bool_), 0
    for start in range(0, n, BLOCK):
        has, kind = support[start : min(start + BLOCK, n)], accommodation[start : min(start + BLOCK, n)]
        for i in range(has.size):
            flags[i] = (has[i] != NONE) & ((kind[i] == UNPLACED) | (kind[i] == HOTEL) | (kind[i] == INITIAL))
        flags[has.size :] = False
        count = append(flags, start, rows, count)
    return count


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
    # The council is that of a bed drawn from those vacant at the start of the month: no search.
    start = 0
    for home in range(vacancy.size):
        start += vacancy[home]
    room = start
    council_of = np.empty(start, np.int16)
    bed = 0
    for home in range(vacancy.size):
        council_of[bed : bed + vacancy[home]] = home
        bed += vacancy[home]
    largest = 255  # household there may still be room for in one council
    left, people = 0, 0
    for position in range(count):
        row = queue[position]
        members = h.people[row]
        home = -1
        if members <= min(room, largest):
            home = council_of[np.int64(uniform(key, h.slot[row], month) * start)]
            if vacancy[home] < members:
                home = _next_with_room(vacancy, home, members)
            if home < 0:
                largest = members - 1
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
def _next_with_room(vacancy, first, members):
    """The first council with room, from one on and round again; -1 when none has."""
    for home in range(first, vacancy.size):
        if vacancy[home] >= members:
            return home
    for home in range(first):
        if vacancy[home] >= members:
            return home
    return -1


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
    over = 0
    for home in range(surplus.size):
        over += surplus[home] > 0
    part = 16 * BLOCK  # rows looked through together, from the newest back, because few are needed as a rule
    housed = np.empty(part, np.uint32)
    for start in range((n - 1) // part * part, -1, -part):
        size = min(part, n - start)
        those = between(h.accommodation[start : start + size], size, kind, kind, housed)
        for position in range(those - 1, -1, -1):
            row = start + housed[position]
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
