"""Providers: where they look for homes, and what they hand back."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np

from sim.council import Councils, objection_chance
from sim.randomness import Draws
from sim.states import Participation


class Provider(mesa.Agent):
    """One of the three providers, with its contract areas."""

    def __init__(self, model: mesa.Model, name: str, areas: list[int]) -> None:
        super().__init__(model)
        self.name = name
        self.areas = areas

    def propose(
        self, councils: Councils, need: np.ndarray, pull: np.ndarray, offers: Any, now: Any, draws: Draws, month: int
    ) -> np.ndarray:
        """Beds proposed this month, (council,), in this provider's areas.

        Args:
            need: (area,) beds wanted beyond replacing what is handed back; negative when beds stand empty.
            pull: (council,) attraction of each council, times its weight by the allocation rule.
            offers: the rule that chooses councils, `sim.provider.offers` unless a researcher replaced it.
        """
        proposed = np.zeros(councils.count, np.int64)
        for area in self.areas:
            rows = councils.in_area(area)
            beds = beds_to_propose(area, councils, float(need[area]), now)
            proposed[rows] += offers(area, councils, beds, pull, now, draws, month)[rows]
        return proposed


def area_word(name: str) -> str:
    """Contract area's name as the register spells it."""
    return name.lower().replace(",", "").replace(" ", "_")


def beds_to_propose(area: int, councils: Councils, need: float, now: Any) -> float:
    """Beds a provider proposes in an area: replacement of losses and as much growth as it can procure.

    Source: net growth by area measured from June 2023 to December 2025; providers propose more than they expect to
    open because some proposals fall.
    """
    rows = councils.in_area(area)
    losses = handback_rate(now) * councils.beds[rows].sum()
    reach = getattr(now.procurement.net_growth, area_word(councils.areas[area])) * now.procurement.growth_factor
    return max(0.0, losses + min(need, reach)) / now.procurement.planned_conversion


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
        councils.population**now.procurement.population_elasticity
        * councils.rent_ratio**now.procurement.rent_elasticity
        * headroom**now.procurement.headroom_elasticity
        * (1.0 - objection_chance(councils, now)) ** now.procurement.friction_elasticity
        * councils.frailty
    )


def offers(
    area: int, councils: Councils, beds: float, pull: np.ndarray, now: Any, draws: Draws, month: int
) -> np.ndarray:
    """Choose where a provider proposes homes this month.

    Args:
        area: index of the contract area.
        beds: beds it wants to propose.
        pull: (council,) how much the provider wants to be in each council.
        draws: the replication's draws, keyed by area, lump and month.

    Returns:
        Beds proposed (council,): whole lumps, in councils that take part and are below the cluster limit.
    """
    rows = councils.in_area(area)
    state = councils.participation[rows]
    takes_part = (state >= Participation.AGREED_NO_PROCUREMENT) & (state <= Participation.ACTIVE)
    below = (councils.beds[rows] < councils.limit(now)[rows]) | (not now.placement.cluster_hard)
    weights = np.where(takes_part & below, pull[rows], 0.0)
    chosen = np.zeros(councils.count, np.int64)
    if weights.sum() <= 0:
        return chosen
    lump = int(now.procurement.lump)
    count = beds / lump
    lumps = int(count) + (draws.one(f"lumps {area}", 0, month) < count - int(count))
    edges = np.cumsum(weights)
    picks = np.searchsorted(edges, draws.each(f"offer {area}", lumps, month) * edges[-1], side="right")
    np.add.at(chosen, rows[np.minimum(picks, rows.size - 1)], lump)
    return chosen


def handback_rate(now: Any) -> float:
    """Share of beds lost in a month: the measured rate, higher when rents outrun contract prices."""
    squeeze = now.procurement.squeeze * now.procurement.rent_growth if now.feedback.rent_to_handbacks else 0.0
    return float(now.procurement.handback_rate * (1.0 + squeeze))


def hand_back(councils: Councils, now: Any, draw: np.ndarray) -> np.ndarray:
    """Beds handed back this month, (council,), in lumps.

    Args:
        draw: uniforms (council,).
    """
    lump = np.minimum(np.maximum(councils.beds, 1), now.procurement.lump)
    count = handback_rate(now) * councils.beds / lump
    lumps = np.floor(count) + (draw < count - np.floor(count))
    return np.asarray(np.minimum(lumps * lump, councils.beds), np.int64)
