"""Where households live: into vacant dispersal beds, into beds of other kinds, and out of beds that close.

Compiled like the rules in `sim/kernels.py`, with the same arguments. An index that is unsigned is one that numba need
not look at, whether it counts from the end.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.kernels import DISPERSAL, HOTEL, INITIAL, NONE, UNPLACED
from sim.lanes import WIDTH, lower, passed, product
from sim.randomness import uniform
from sim.rows import BLOCK, append, between

_PART = 16 * BLOCK  # rows looked through together, because often few are needed
_AREA = WIDTH * WIDTH  # councils an area has at most
_STEP = WIDTH.bit_length() - 1  # a place divided by WIDTH is moved by so many bits


@njit(cache=True, nogil=True)
def _side_by_side(area_start, by_area, vacancy, weight):
    """The beds of each area's councils, so arranged that a council is found by its cumulative weight in two steps.

    Returns:
        (area * _AREA,) the council, its beds, the weight of a bed in whole units, and the cumulative weight of beds
        within each WIDTH councils; (area * WIDTH,) the weight of all beds in WIDTH councils before; (area,) the weight
        of all beds, and how many there are.

    Raises:
        ValueError: an area has more councils than there is room for.
    """
    areas = area_start.size - 1
    councils, beds, unit, edges = (
        np.zeros(areas * _AREA, np.int64), np.zeros(areas * _AREA, np.int64), np.zeros(areas * _AREA, np.int64),
        np.zeros(areas * _AREA, np.int64),
    )  # fmt: skip
    before, pull, room = np.zeros(areas * WIDTH, np.int64), np.zeros(areas, np.int64), np.zeros(areas, np.int64)
    whole = 0.0
    for home in range(vacancy.size):
        whole += weight[home] * vacancy[home]
    scale = 2.0**50 / max(whole, 1e-200)  # weights in whole units, so that sums stay exact as beds are taken
    for area in range(areas):
        if area_start[area + 1] - area_start[area] > _AREA:
            raise ValueError("an area has more councils than places are kept for")
        to = area * _AREA
        for position in range(area_start[area], area_start[area + 1]):
            home = by_area[position]
            councils[to] = home
            if vacancy[home] > 0:
                beds[to], unit[to] = np.int64(vacancy[home]), np.int64(np.ceil(weight[home] * scale))
            room[area] += beds[to]
            to += 1
        for block in range(area * WIDTH, area * WIDTH + WIDTH):
            before[block], upto = pull[area], 0
            for place in range(block * WIDTH, block * WIDTH + WIDTH):
                upto += unit[place] * beds[place]
                edges[place] = upto
            pull[area] += upto
    return councils, beds, unit, edges, before, pull, room


@njit(cache=True, nogil=True, inline="always")
def _home_for_one(mark, before, edges, first):
    """Place of the council whose beds hold a mark below the weight of all an area's beds; `first` of its blocks."""
    block = first + passed(before, first, mark) - 1  # type: ignore[call-arg]
    return block * WIDTH + passed(edges, block * WIDTH, mark - before[np.uint64(block)])


@njit(cache=True, nogil=True, inline="always")
def _home_for_family(level, members, beds, unit, first, end):
    """Which council of an area gets a household, by weight times vacancy where there is room for all of it.

    Args:
        beds: vacant beds by place.
        unit: weight of a bed; where all weights are zero, it is the last council with room.
        first, end: the area's places.

    Returns:
        The council's place, -1 when nowhere is room.
    """
    total, chosen = 0, -1
    for block in range(first, end, WIDTH):
        total += product(unit, beds, block, members)  # type: ignore[call-arg]
    if total == 0:
        for place in range(first, end):
            if beds[place] >= members:
                chosen = place
    mark = np.int64(level * total)
    for block in range(first, end, WIDTH):
        here = np.int64(product(unit, beds, block, members))  # type: ignore[call-arg]
        if here > mark:
            chosen = block
            for place in range(block, block + WIDTH):
                mark -= unit[place] * beds[place] * (beds[place] >= members)
                chosen += mark >= 0
            break
        mark -= here
    return chosen


@njit(cache=True, nogil=True)
def _wanting(support, accommodation, turn, start, end, rows):
    """Collect, in order, the rows from one to another whose turn it is. Returns how many."""
    one = np.uint8(INITIAL if turn == 0 or turn == 3 else HOTEL if turn == 1 else UNPLACED)
    other = np.uint8(HOTEL) if turn == 3 else one
    flags, count = np.zeros(BLOCK, np.bool_), 0
    for first in range(start, end, BLOCK):
        size = min(BLOCK, end - first)
        if turn == 2:
            kind, has = accommodation[first : first + size], support[first : first + size]
            for i in range(size):
                flags[i] = (kind[i] == one) & (has[i] != NONE)
        else:  # whoever is housed is supported
            kind = accommodation[first : first + size]
            for i in range(size):
                flags[i] = (kind[i] == one) | (kind[i] == other)
        flags[size:] = False
        count = append(flags, first, rows, count)
    return count


@njit(cache=True, nogil=True)
def _living(council, there, rows):
    """Keep, in order, those of the rows who live in councils marked as `there`. Returns how many."""
    flags, kept, count = np.zeros(BLOCK, np.bool_), np.empty(BLOCK, np.uint32), 0
    for first in range(0, rows.size, BLOCK):
        these = rows[first : first + BLOCK]
        for i in range(these.size):
            flags[i] = there[np.uint64(council[these[i]])]
        flags[these.size :] = False
        found = append(flags, 0, kept, 0)
        for i in range(found):
            rows[count + i] = these[kept[i]]
        count += found
    return count


@njit(cache=True, nogil=True)
def place(
    h, n, month, key, area_of, area_start, by_area, vacancy, weight, occupied, queue, waiting
):
    """Move households into vacant dispersal beds, longest waiting first.

    Four turns: initial accommodation within its own contract area, hotels within theirs, then new claims to whatever
    area has beds, then everyone still waiting. A bed is one person; none is used twice.

    Args:
        vacancy: (council,) beds that may be filled.
        weight: (council,) the allocation rule's preference.
        queue: filled with the rows of households that are left without a place, in order.
        waiting: room for row numbers.

    Returns:
        Households left in the queue.
    """
    councils, beds, unit, edges, before, pull, room = _side_by_side(area_start, by_area, vacancy, weight)
    total = room.sum()
    # The largest household an area may still have room for in one council: lowered when a search fails, so that a
    # family that fits nowhere costs one search a month and not one each.
    largest = np.full(room.size, 255)
    who, sizes, homes, levels = (
        np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.int16), np.empty(BLOCK)
    )  # fmt: skip
    beds_there = np.empty(area_of.size, np.bool_)
    for turn in range(4):
        full, nobody = True, False
        for start in range(0, n, _PART):
            if total < 1 or nobody:
                break
            found = _wanting(h.support, h.accommodation, turn, start, min(start + _PART, n), waiting)
            for first in range(0, found, BLOCK):
                if total < 1 or nobody:
                    break
                rows = waiting[first : min(first + BLOCK, found)]
                if turn < 2:
                    if full:  # an area, since this was last asked
                        full, nobody = False, True
                        for home in range(area_of.size):
                            beds_there[home] = min(room[area_of[home]], largest[area_of[home]]) > 0
                            nobody &= not (beds_there[home] and occupied[home, INITIAL if turn == 0 else HOTEL] > 0)
                    rows = rows[: _living(h.council, beds_there, rows)]
                count = rows.size
                for i in range(count):
                    row = rows[i]
                    who[i], sizes[i], homes[i] = h.slot[row], h.people[row], h.council[row]
                for i in range(count):
                    levels[i] = uniform(key, who[i], 4 * (month + 1000) + turn)
                for i in range(count):
                    if total < 1:
                        break
                    members = np.int64(sizes[i])
                    if turn < 2:
                        area = np.uint64(area_of[np.uint64(homes[i])])
                    else:
                        mark, area = np.int64(uniform(key, who[i], 4 * month + turn) * total), np.uint64(0)
                        for other in range(room.size):
                            mark -= room[other]
                            area += np.uint64(mark >= 0)
                    if min(room[area], largest[area]) < members:
                        continue
                    place, block = np.int64(area) * _AREA, np.int64(area) * WIDTH  # the area's first
                    if members == 1 and pull[area] > 0:
                        chosen = _home_for_one(np.int64(levels[i] * pull[area]), before, edges, block)
                    else:
                        end = place + area_start[area + np.uint64(1)] - area_start[area]
                        chosen = _home_for_family(levels[i], members, beds, unit, place, end)
                        if chosen < 0:
                            largest[area] = members - 1
                            full |= members == 1
                            continue
                    at, row = np.uint64(chosen), rows[i]
                    lost, council = unit[at] * members, np.uint64(councils[at])
                    lower(edges, chosen & -WIDTH, chosen & (WIDTH - 1), lost)  # type: ignore[call-arg]
                    lower(before, block, ((chosen - place) >> _STEP) + 1, lost)
                    pull[area] -= lost
                    if homes[i] >= 0:
                        occupied[np.uint64(homes[i]), h.accommodation[row]] -= members
                    h.accommodation[row], h.council[row] = DISPERSAL, council
                    occupied[council, DISPERSAL] += members
                    beds[at] -= members
                    room[area] -= members
                    total -= members
                    full |= room[area] == 0
    return _wanting(h.support, h.accommodation, 2, 0, n, queue)


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
    housed = np.empty(_PART, np.uint32)
    for start in range((n - 1) // _PART * _PART, -1, -_PART):
        size = min(_PART, n - start)
        those = between(h.accommodation[start : start + size], size, kind, kind, housed)
        those = _living(h.council[start : start + size], surplus > 0, housed[:those])
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
