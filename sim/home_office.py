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
        noise = self._drift.step(now.decisions.capacity_persistence, now.decisions.capacity_sd, draws, month)
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
        np.add.at(opened, rows, lump)
        silent = draws.each("hotel notice", lumps, month) < now.hotels.unannounced
        new = councils.hotel_beds[rows] == 0  # more beds where there is a hotel already surprise nobody
        np.add.at(unannounced, rows[silent & new], 1.0)
        return opened, np.minimum(unannounced, 1.0)

    def close_hotels(
        self, councils: Councils, used: np.ndarray, now: Any, draws: Draws, month: int
    ) -> np.ndarray:
        """Beds to close this month, (council,): the beds above need and buffer, a lump at a time, smallest first.

        Args:
            used: (council,) people in hotels.

        Source: closings are likelier in small hotels; the rate is that of a closing drive.
        """
        closed = np.zeros(councils.count, np.int64)
        surplus = councils.hotel_beds.sum() - used.sum() * (1 + now.hotels.spare)
        budget = min(surplus, now.hotels.close_rate * councils.hotel_beds.sum())
        if budget <= 0:
            return closed
        # A race with rates inverse to size: small hotels tend to close first.
        size = np.maximum(councils.hotel_beds, 1)
        race = np.where(councils.hotel_beds > 0, -np.log1p(-draws.each("hotel closes", councils.count, month)), np.inf)
        for row in np.argsort(race * size, kind="stable"):
            lump = min(int(now.hotels.lump), int(councils.hotel_beds[row]))
            if lump == 0 or lump > budget:
                break
            closed[row] = lump
            budget -= lump
        return closed
