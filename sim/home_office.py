"""The Home Office: how much it decides, and when hotels open and close."""

from __future__ import annotations

import math
from typing import Any

import mesa
import numpy as np
from numba import njit

from sim.council import Councils
from sim.numbers import numbers
from sim.randomness import Draws, uniform
from sim.rows import search
from sim.states import Accommodation

CLOSING = ("hotel closes", "hotel exit", "hotel blocks", "hotel shrinks")
OPENING = ("hotel opens", "hotel notice")
_HOTEL = int(Accommodation.CONTINGENCY_HOTEL)


class HomeOffice(mesa.Agent):
    """Opens and closes hotels; how much it decides is `decision_capacity`."""

    def open_hotels(self, councils: Councils, shortfall: int, now: Any, draws: Draws, month: int) -> np.ndarray:
        """Open hotels for people without a place; see `open_lumps`. Returns beds opened this month, (council,)."""
        open_lumps(councils.rows, shortfall, numbers(now), draws.keys(OPENING), month)
        return councils.hotels_opened

    def close_hotels(self, councils: Councils, used: np.ndarray, now: Any, draws: Draws, month: int) -> np.ndarray:
        """Close beds that stand empty; see `close_empty`. Returns beds closed, (council,)."""
        close_empty(councils.rows, used, numbers(now), draws.keys(CLOSING), month)
        return councils.hotels_closed


@njit(cache=True)
def decision_capacity(policy: np.ndarray, queue: int, noise: float) -> int:
    """People who get an initial decision this month, at most.

    The assumed level with persistent noise, limited to a share of the queue so that a working stock remains.

    Args:
        policy: (1,) the month's assumptions.
        queue: people awaiting a decision.
        noise: of the month, on the log of the level.

    Source: quarterly AR(1) of log outcomes in the stock-flow study, taken to months.
    """
    now = policy[0]
    return int(min(now.decisions.capacity * math.exp(noise), now.decisions.queue_cap * queue))


@njit(cache=True)
def open_lumps(rows: np.ndarray, shortfall: int, policy: np.ndarray, keys: np.ndarray, month: int) -> None:
    """Open hotels, one lump at a time, until the people without a place have a bed; some open without notice.

    Args:
        shortfall: people without a place.
        policy: (1,) the month's assumptions.
        keys: of `OPENING`.

    Source: openings since 2023 are almost all in councils that had hotels; notice is elicited.
    """
    now = policy[0]
    before, hosts, residents, upto = rows["hotel_beds"].copy(), 0.0, 0.0, 0.0
    for row in range(rows.size):
        hosts += rows[row].had_hotel
        residents += rows[row].population
    edges, new_council = np.empty(rows.size), now.hotels.new_council
    for row in range(rows.size):
        own = rows[row]
        upto += (1 - new_council) * (own.had_hotel / max(hosts, 1.0)) + new_council * own.population / residents
        edges[row] = upto
    lump = int(now.hotels.lump)
    for number in range(int(math.ceil(shortfall / lump))):
        row = search(edges, uniform(keys[0], number, month) * edges[-1])
        own = rows[row]
        own.hotels_opened += lump
        own.hotel_beds += lump
        own.closing = 0  # whoever needs beds again ends the plan
        # More beds where there is a hotel already surprise nobody.
        if before[row] == 0 and uniform(keys[1], number, month) < surprise_chance(now):
            own.surprised = 1.0


@njit(cache=True)
def close_empty(rows: np.ndarray, used: np.ndarray, policy: np.ndarray, keys: np.ndarray, month: int) -> None:
    """Close hotel beds that stand empty beyond what is usual, at a limited pace; the first of a month's hotel rules.

    Part of the fall comes from councils that lose their hotels altogether, under an exit plan of some months; the
    rest is spread over hotels everywhere, a block of rooms at a time, and ends hotels only where they are no bigger
    than that. No plan starts while hotels fill.

    Args:
        used: (council,) people in hotels.
        policy: (1,) the month's assumptions.
        keys: of `CLOSING`.

    Source: the decomposition of the fall of 2023Q4 to 2024Q2 in the council patterns study: a quarter to three
    fifths by councils that lost all hotels, small ones first; the rest lower use where hotels stayed.
    """
    now, closed, beds, people = policy[0], np.zeros(rows.size, np.int64), 0, 0
    for row in range(rows.size):
        own = rows[row]
        beds += own.hotel_beds
        people += used[row]
        own.hotels_opened, own.surprised = 0, 0.0
        if own.closing > 0:
            closed[row] = -(-own.hotel_beds // own.closing)
            own.closing -= 1
    budget = min(beds - people / now.hotels.used_share, now.hotels.close_rate * beds)
    if budget > 0:
        _plan_exits(rows, now.hotels.exit_share * budget, now, keys, month)
        _shrink(rows, closed, budget, now, keys, month)
    for row in range(rows.size):
        rows[row].hotels_closed = min(closed[row], rows[row].hotel_beds)
        rows[row].hotel_beds -= rows[row].hotels_closed


@njit(cache=True)
def _plan_exits(rows: np.ndarray, beds: float, now: Any, keys: np.ndarray, month: int) -> None:
    """Put councils on an exit plan until their hotels hold as many beds as are to go this way."""
    # A race with rates inverse to size: councils with small hotels tend to lose them first.
    race = np.full(rows.size, np.inf)
    for row in range(rows.size):
        if rows[row].hotel_beds > 0 and rows[row].closing == 0:
            race[row] = -np.log1p(-uniform(keys[0], row, month)) * rows[row].hotel_beds
    months = max(int(np.round(now.hotels.exit_months)), 1)
    for row in np.argsort(race, kind="mergesort"):
        size = rows[row].hotel_beds
        # Certain while whole hotels fit.
        if np.isinf(race[row]) or uniform(keys[1], row, month) >= beds / size:
            break
        rows[row].closing = months
        beds -= size


@njit(cache=True)
def _shrink(rows: np.ndarray, closed: np.ndarray, budget: float, now: Any, keys: np.ndarray, month: int) -> None:
    """Close blocks of rooms in hotels that stay, in proportion to their beds, until the budget is used."""
    edges, upto = np.empty(rows.size), 0.0
    for row in range(rows.size):
        upto += rows[row].hotel_beds if rows[row].closing == 0 else 0
        edges[row] = upto
    blocks = max(budget - closed.sum(), 0.0) / now.hotels.block
    count = int(blocks) + (uniform(keys[2], 0, month) < blocks - int(blocks))
    if upto > 0:
        for number in range(count):
            closed[search(edges, uniform(keys[3], number, month) * upto)] += int(now.hotels.block)


@njit(cache=True)
def surplus(rows: np.ndarray, occupied: np.ndarray) -> tuple[np.ndarray, bool]:
    """People (council,) in hotels above the beds that are left, negative where there is room; and whether any are."""
    above = np.empty(rows.size, np.int64)
    for row in range(rows.size):
        above[row] = occupied[row, _HOTEL] - rows[row].hotel_beds
    return above, bool(above.max() > 0)


@njit(cache=True)
def room(rows: np.ndarray, occupied: np.ndarray, closing: bool) -> np.ndarray:
    """Hotel beds (council,) that people may move into.

    Args:
        closing: whether those under an exit plan count: they take nobody new unless hotels are short.
    """
    free = np.zeros(rows.size, np.int64)
    for row in range(rows.size):
        if closing or rows[row].closing == 0:
            free[row] = max(rows[row].hotel_beds - occupied[row, _HOTEL], 0)
    return free


@njit(cache=True)
def surprise_chance(now: Any) -> float:
    """Probability that a hotel in a council without one finds it unprepared, by the notice that it gets.

    Source: elicited; councils need `hotels.preparation_days` on average, some more and some less.
    """
    return math.exp(-now.hotels.notice_days / max(now.hotels.preparation_days, 1e-9))
