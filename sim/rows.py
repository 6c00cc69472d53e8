"""Row numbers of the few households that something happens to, found and drawn for without branching.

A loop with a branch for each household costs more than looking at ten of them, because the processor guesses the way
and often wrongly. These compiled parts look at a block of rows at once instead: they compare for all, flag, and turn
the flags into row numbers eight at a time. `sim/kernels.py` and `sim/placing.py` are made of them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.lanes import bits, write_eight
from sim.randomness import uniform

BLOCK = 1024  # rows looked at, or drawn for, together
SLACK = 8  # row numbers written past the last that is kept, at most


def _places() -> np.ndarray:
    """For each pattern of eight flags: the places of those that are set, a byte each, packed into one word."""
    places = np.zeros((256, 8), np.uint8)
    for pattern in range(256):
        flagged = [place for place in range(8) if pattern >> place & 1]
        places[pattern, : len(flagged)] = flagged
    return places.view(np.uint64).ravel()


_PLACES = _places()
_SET = np.array([pattern.bit_count() for pattern in range(256)], np.uint8)


@njit(cache=True, nogil=True)
def append(flags, first, rows, count):
    """Append to `rows` the numbers, from `first` on, of the flags that are set, in order. Returns the new count.

    Sixty-four flags at a time are taken as one word, and passed over when none is set. Each eight of its bits pick
    their places from a table: no branch, and no step for each flag. Eight are written at once; the next eight
    overwrite those that were not set.

    Args:
        flags: (BLOCK,) true or false.
        rows: row numbers, `count` of them so far, and room for SLACK beyond what it may hold.
    """
    for start in range(0, BLOCK, 64):
        word = np.uint64(bits(flags, start))  # type: ignore[call-arg]
        if word == 0:
            continue
        for near in range(0, 64, 8):
            pattern = (word >> np.uint64(near)) & np.uint64(255)
            write_eight(rows, count, _PLACES[pattern], first + start + near)
            count += np.int64(_SET[pattern])
    return count


@njit(cache=True, nogil=True)
def between(column, n, low, high, rows):
    """Collect, in order, the rows whose value in a column is from `low` to `high`. Returns how many."""
    least, most = column.dtype.type(low), column.dtype.type(high)
    flags, count = np.zeros(BLOCK, np.bool_), 0
    for start in range(0, n, BLOCK):
        part = column[start : min(start + BLOCK, n)]
        for i in range(part.size):
            flags[i] = (part[i] >= least) & (part[i] <= most)
        flags[part.size :] = False
        count = append(flags, start, rows, count)
    return count


@njit(cache=True, nogil=True)
def lucky(slot, key, month, chance, rows):
    """Keep, in order, those of the rows whose draw is below a chance. Returns how many."""
    flags, places = np.zeros(BLOCK, np.bool_), np.empty(BLOCK, np.uint32)
    who, count = np.zeros(BLOCK, np.uint32), 0
    for start in range(0, rows.size, BLOCK):
        these = rows[start : start + BLOCK]
        for i in range(these.size):
            who[i] = slot[these[i]]
        for i in range(BLOCK):
            flags[i] = uniform(key, who[i], month) < chance
        flags[these.size :] = False
        found = append(flags, 0, places, 0)
        for i in range(found):
            rows[count + i] = these[places[i]]
        count += found
    return count


@njit(cache=True, nogil=True)
def take(column, rows):
    """Values of a column at some rows."""
    values = np.empty(rows.size, column.dtype)
    for i in range(rows.size):
        values[i] = column[rows[i]]
    return values


@njit(cache=True, nogil=True)
def draw(key, who, when):
    """A uniform for each of `who`."""
    levels = np.empty(who.size)
    for i in range(who.size):
        levels[i] = uniform(key, who[i], when)
    return levels


@njit(cache=True, nogil=True)
def search(edges, mark):
    """The first of rising `edges` that exceeds a mark below the last; the last where all are zero.

    A few hundred are counted faster than halved, because counting does not branch.
    """
    below = 0
    for index in range(edges.size - 1):
        below += edges[index] <= mark
    return below


@njit(cache=True, nogil=True)
def search_each(edges, levels):
    """`search` for each of many levels, shares of the last edge; at most 256 edges."""
    below = np.zeros(levels.size, np.uint8)
    for edge in edges[:-1]:
        for i in range(levels.size):
            below[i] += edge <= levels[i] * edges[-1]
    return below
