"""Providers: where they look for homes, and what they hand back."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
from numba import njit

from sim.council import Councils, objection_chance
from sim.randomness import Draws, uniform
from sim.states import Participation

# Plain numbers, as numba wants them.
_AGREED, _ACTIVE = int(Participation.AGREED_NO_PROCUREMENT), int(Participation.ACTIVE)
_PAUSED = int(Participation.PAUSED_OR_AT_LIMIT)


class Provider(mesa.Agent):
    """One of the three providers, with its contract areas."""

    def __init__(self, model: mesa.Model, name: str, areas: list[int]) -> None:
        super().__init__(model)
        self.name = name
        self.areas = areas

    def propose(
        self, councils: Councils, beds: np.ndarray, weight: np.ndarray, offers: Any, now: Any, draws: Draws, month: int
    ) -> np.ndarray:
        """Beds proposed this month, (council,), in this provider's areas.

        Args:
            beds: (area,) beds it wants to propose.
            weight: (area, council) how much it wants them to be in each council, from `plan`.
            offers: the rule that chooses councils, `sim.provider.offers` unless a researcher replaced it.
        """
        proposed = np.zeros(councils.count, np.int64)
        for area in self.areas:
            proposed += offers(area, councils, float(beds[area]), weight[area], now, draws, month)
        return proposed


def plan(councils: Councils, need: np.ndarray, pull: np.ndarray, now: Any) -> tuple[np.ndarray, np.ndarray]:
    """How many beds are to be proposed in each area this month, and how they are shared among its councils.

    Part of what replaces losses goes to where homes are kept up, the rest to where providers want to be.

    Args:
        need: (area,) beds wanted beyond replacing what is handed back; negative when beds stand empty.
        pull: (council,) attraction of each council, times its weight by the allocation rule.

    Returns:
        Beds to propose (area,), and weights (area, council) that sum to one over an area's own councils.
    """
    losses, growth = beds_wanted(councils, need, now)
    keeps, takes_more = openness(councils, now)
    kept_up, wanted = councils.beds * councils.local_weight * keeps, pull * takes_more
    weight = _weights(councils.area, losses, growth, wanted, kept_up, float(now.procurement.refill))
    return (losses + growth) / now.procurement.planned_conversion, weight


@njit(cache=True)
def _weights(
    area: np.ndarray, losses: np.ndarray, growth: np.ndarray, wanted: np.ndarray, kept_up: np.ndarray, refill: float
) -> np.ndarray:
    weight, sums = np.zeros((losses.size, area.size)), np.full((2, losses.size), 1e-300)
    for row in range(area.size):
        sums[0, area[row]] += wanted[row]
        sums[1, area[row]] += kept_up[row]
    for row in range(area.size):
        its = area[row]
        # Where stock is to shrink, all that is proposed replaces losses.
        share = refill * min(losses[its] / max(losses[its] + growth[its], 1e-9), 1.0)
        weight[its, row] = (1 - share) * wanted[row] / sums[0, its] + share * kept_up[row] / sums[1, its]
    return weight


def beds_wanted(councils: Councils, need: np.ndarray, now: Any) -> tuple[np.ndarray, np.ndarray]:
    """Beds wanted in each area this month, (area,): to replace losses, and for as much growth as can be procured.

    Growth may be negative, down to giving up the replacement of losses.

    Source: net growth by area measured from June 2023 to December 2025.
    """
    losses = handback_rate(now) * np.bincount(councils.area, councils.beds, len(councils.areas))
    reach = councils.steady("reach", _reach, councils.area_words, now)
    return losses, np.maximum(np.minimum(need, reach), -losses)


def _reach(areas: list[str], now: Any) -> np.ndarray:
    return np.array([getattr(now.procurement.net_growth, area) for area in areas]) * now.procurement.growth_factor


def openness(councils: Councils, now: Any) -> tuple[np.ndarray, np.ndarray]:
    """Whether a provider may replace lost homes in each council, and whether it may propose more, (council,) each.

    A council at an advisory limit, or one that has paused, keeps what it has; at a hard limit it does not. More homes
    go where a council takes part and is below its limits.
    """
    limit = councils.limit(now)
    most = limit if now.placement.cluster_hard else councils.maximum
    found: tuple[np.ndarray, np.ndarray] = _openness(
        councils.participation, councils.paused, councils.beds, limit, most
    )
    return found


@njit(cache=True)
def _openness(
    state: np.ndarray, paused: np.ndarray, beds: np.ndarray, limit: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    keeps, takes_more = np.zeros(state.size, np.bool_), np.zeros(state.size, np.bool_)
    for row in range(state.size):
        keeps[row] = _AGREED <= state[row] <= _PAUSED and not paused[row] and beds[row] < most[row]
        takes_more[row] = keeps[row] and state[row] <= _ACTIVE and beds[row] < limit[row]
    return keeps, takes_more


def attraction(councils: Councils, now: Any) -> np.ndarray:
    """How much a provider wants to be in each council, (council,), before who is open to it.

    A provider looks for margin (rent below its area's mean), scale (population), headroom under the cluster limit,
    and little friction.

    Source: placement of gross increases since June 2023 follows population and low rent, not existing stock;
    friction is elicited.
    """
    limit = councils.limit(now)
    headroom = np.maximum(1.0 - councils.people / np.maximum(limit, 1.0), 1e-6)
    return np.asarray(
        councils.steady("margin and scale", _margin_and_scale, councils.population, councils.rent_ratio, now)
        * headroom**now.procurement.headroom_elasticity
        * (1.0 - objection_chance(councils, now)) ** now.procurement.friction_elasticity
        * councils.frailty
    )


def _margin_and_scale(population: np.ndarray, rent_ratio: np.ndarray, now: Any) -> np.ndarray:
    scale = population**now.procurement.population_elasticity
    return np.asarray(scale * rent_ratio**now.procurement.rent_elasticity)


def offers(
    area: int, councils: Councils, beds: float, pull: np.ndarray, now: Any, draws: Draws, month: int
) -> np.ndarray:
    """Choose where a provider proposes homes this month.

    Args:
        area: index of the contract area.
        beds: beds it wants to propose.
        pull: (council,) how much the provider wants to be in each council; nought where it may not propose.
        draws: the replication's draws, keyed by area, lump and month.

    Returns:
        Beds proposed (council,), in whole lumps.
    """
    keys = draws.key(f"lumps {area}"), draws.key(f"offer {area}")
    return np.asarray(_in_lumps(councils.in_area(area), beds, pull, int(now.procurement.lump), keys, month))


@njit(cache=True)
def _in_lumps(
    rows: np.ndarray, beds: float, pull: np.ndarray, lump: int, keys: tuple[np.uint64, np.uint64], month: int
) -> np.ndarray:
    """Share beds among the councils of some rows, one lump at a time; arguments as in `offers`."""
    proposed = np.zeros(pull.size, np.int64)
    edges = np.cumsum(pull[rows])
    if edges[-1] <= 0:
        return proposed
    lumps = int(beds / lump)
    lumps += uniform(keys[0], 0, month) < beds / lump - lumps
    for number in range(lumps):
        place = np.searchsorted(edges, uniform(keys[1], number, month) * edges[-1], side="right")
        proposed[rows[min(place, rows.size - 1)]] += lump
    return proposed


def first_homes(councils: Councils, now: Any, chance: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Beds proposed for a single home, (council,), in councils that take no part and have none.

    Rural councils are left out: a household alone there would be isolated.

    Args:
        chance: uniforms (council,), whether there is one.
        size: uniforms (council,), of one to `procurement.first_home_beds` beds.

    Source: footholds of one to three people in 3% of unopened councils a quarter since June 2023.
    """
    most = now.procurement.first_home_beds
    drawn = chance < now.procurement.first_home_chance
    outside = drawn & (councils.participation == Participation.NOT_PARTICIPATING) & (councils.beds == 0)
    outside &= ~councils.rural & ~councils.paused & (councils.local_weight > 0) & (councils.maximum >= most)
    return np.asarray(outside * (1 + size * most).astype(np.int64))


def handback_rate(now: Any) -> float:
    """Share of beds lost in a month: the measured rate, higher when rents outrun contract prices."""
    squeeze = now.procurement.squeeze * now.procurement.rent_growth if now.feedback.rent_to_handbacks else 0.0
    return float(now.procurement.handback_rate * (1.0 + squeeze))


def hand_back(councils: Councils, now: Any, draw: np.ndarray) -> np.ndarray:
    """Beds handed back this month, (council,), in lumps.

    Args:
        draw: uniforms (council,).
    """
    return np.asarray(_handed_back(councils.beds, handback_rate(now), int(now.procurement.lump), draw))


@njit(cache=True)
def _handed_back(beds: np.ndarray, rate: float, most: int, draw: np.ndarray) -> np.ndarray:
    lost = np.zeros_like(beds)
    for row in range(beds.size):
        lump = min(max(beds[row], 1), most)
        count = rate * beds[row] / lump
        lumps = int(count) + (draw[row] < count - int(count))
        lost[row] = min(lumps * lump, beds[row])
    return lost
