"""The Home Office: how much it decides, and when hotels open and close."""

from __future__ import annotations

import math
from typing import Any

import mesa
import numpy as np

from sim.council import Councils
from sim.noise import Drift
from sim.randomness import Draws


class HomeOffice(mesa.Agent):
    """Decision and appeal capacity, allocation and hotels."""

    def __init__(self, model: mesa.Model) -> None:
        super().__init__(model)
        self._drift = Drift("decision capacity")

    def decision_capacity(self, now: Any, queue: int, draws: Draws, month: int) -> int:
        """People who get an initial decision this month, at most.

        The assumed level with persistent noise, limited to a share of the queue so that a working stock remains.

        Source: quarterly AR(1) of log outcomes in the stock-flow study, taken to months.
        """
        noise = float(self._drift.step(now.decisions.capacity_persistence, now.decisions.capacity_sd, draws, month)[0])
        return int(min(now.decisions.capacity * math.exp(noise), now.decisions.queue_cap * queue))

    def open_hotels(
        self, councils: Councils, shortfall: int, now: Any, draws: Draws, month: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Open hotels, one lump at a time, until the people without a place have a bed.

        Returns:
            Beds opened (council,), and openings without notice (council,).

        Source: openings since 2023 are almost all in councils that had hotels; notice is elicited.
        """
        opened = np.zeros(councils.count, np.int64)
        unannounced = np.zeros(councils.count)
        if shortfall <= 0:
            return opened, unannounced
        share = councils.had_hotel / max(councils.had_hotel.sum(), 1.0)
        weights = (1 - now.hotels.new_council) * share + now.hotels.new_council * councils.population / (
            councils.population.sum()
        )
        edges = np.cumsum(weights)
        lump = int(now.hotels.lump)
        lumps = math.ceil(shortfall / lump)
        rows = np.searchsorted(edges, draws.each("hotel opens", lumps, month) * edges[-1], side="right")
        rows = np.minimum(rows, councils.count - 1)
        opened += lump * np.bincount(rows, minlength=councils.count)
        silent = draws.each("hotel notice", lumps, month) < surprise_chance(now)
        new = councils.hotel_beds[rows] == 0  # more beds where there is a hotel already surprise nobody
        unannounced += np.bincount(rows[silent & new], minlength=councils.count)
        return opened, np.minimum(unannounced, 1.0)

    def close_hotels(
        self, councils: Councils, used: np.ndarray, now: Any, draws: Draws, month: int
    ) -> np.ndarray:
        """Beds to close this month, (council,): those that stand empty beyond what is usual, at a limited pace.

        Part of the fall comes from councils that lose their hotels altogether, under an exit plan of some months;
        the rest is spread over hotels everywhere, a block of rooms at a time, and ends hotels only where they are
        no bigger than that. No plan starts while hotels fill.

        Args:
            used: (council,) people in hotels.

        Source: the decomposition of the fall of 2023Q4 to 2024Q2 in the council patterns study: a quarter to three
        fifths by councils that lost all hotels, small ones first; the rest lower use where hotels stayed.
        """
        beds = councils.hotel_beds
        closed = np.zeros(councils.count, np.int64)
        leaving = councils.closing > 0
        closed[leaving] = -(-beds[leaving] // councils.closing[leaving])
        councils.closing[leaving] -= 1
        empty = float(beds.sum()) - float(used.sum()) / now.hotels.used_share
        budget = min(empty, now.hotels.close_rate * float(beds.sum()))
        if budget <= 0:
            return closed
        _plan_exits(councils, now.hotels.exit_share * budget, now, draws, month)
        staying = np.where(councils.closing > 0, 0, beds)
        blocks = max(budget - float(closed.sum()), 0.0) / now.hotels.block
        count = int(blocks) + (draws.one("hotel blocks", 0, month) < blocks - int(blocks))
        edges = np.cumsum(staying)
        if count and edges[-1] > 0:
            rows = np.searchsorted(edges, draws.each("hotel shrinks", count, month) * edges[-1], side="right")
            blocks_closed = np.bincount(np.minimum(rows, councils.count - 1), minlength=councils.count)
            closed += int(now.hotels.block) * blocks_closed
        return np.minimum(closed, beds)


def _plan_exits(councils: Councils, beds: float, now: Any, draws: Draws, month: int) -> None:
    """Put councils on an exit plan until their hotels hold as many beds as are to go this way."""
    has = (councils.hotel_beds > 0) & (councils.closing == 0)
    # A race with rates inverse to size: councils with small hotels tend to lose them first.
    race = np.where(has, -np.log1p(-draws.each("hotel closes", councils.count, month)), np.inf)
    order = np.argsort(race * np.maximum(councils.hotel_beds, 1), kind="stable")
    months = max(round(now.hotels.exit_months), 1)
    for row in order[: int(has.sum())]:
        size = float(councils.hotel_beds[row])
        if draws.one("hotel exit", int(row), month) >= beds / size:  # certain while whole hotels fit
            break
        councils.closing[row] = months
        beds -= size


def surprise_chance(now: Any) -> float:
    """Probability that a hotel in a council without one finds it unprepared, by the notice that it gets.

    Source: elicited; councils need `hotels.preparation_days` on average, some more and some less.
    """
    return math.exp(-float(now.hotels.notice_days) / max(float(now.hotels.preparation_days), 1e-9))
