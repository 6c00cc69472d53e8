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
        pull = pull * open_to_proposals(councils, now)
        kept_up = councils.beds * councils.local_weight * open_to_replacement(councils, now)
        for area in self.areas:
            rows = councils.in_area(area)
            losses, growth = beds_wanted(area, councils, float(need[area]), now)
            # Where stock is to shrink, all that is proposed replaces losses.
            refill = now.procurement.refill * min(losses / max(losses + growth, 1e-9), 1.0)
            weight = np.zeros(councils.count)
            weight[rows] = (1 - refill) * _shares(pull[rows]) + refill * _shares(kept_up[rows])
            beds = (losses + growth) / now.procurement.planned_conversion
            proposed += offers(area, councils, beds, weight, now, draws, month)
        return proposed


def beds_wanted(area: int, councils: Councils, need: float, now: Any) -> tuple[float, float]:
    """Beds a provider wants in an area this month: to replace losses, and for as much growth as it can procure.

    Growth may be negative, down to giving up the replacement of losses.

    Source: net growth by area measured from June 2023 to December 2025.
    """
    rows = councils.in_area(area)
    losses = handback_rate(now) * float(councils.beds[rows].sum())
    reach = getattr(now.procurement.net_growth, councils.area_words[area]) * now.procurement.growth_factor
    return losses, max(min(need, reach), -losses)


def open_to_proposals(councils: Councils, now: Any) -> np.ndarray:
    """Whether a provider may propose more homes in each council, (council,): it takes part and is below its limits."""
    more = councils.participation <= Participation.ACTIVE
    return np.asarray(open_to_replacement(councils, now) & more & (councils.beds < councils.limit(now)))


def open_to_replacement(councils: Councils, now: Any) -> np.ndarray:
    """Whether a provider may replace lost homes in each council, (council,).

    A council at an advisory limit, or one that has paused, keeps what it has; at a hard limit it does not.
    """
    state = councils.participation
    takes_part = (state >= Participation.AGREED_NO_PROCUREMENT) & (state <= Participation.PAUSED_OR_AT_LIMIT)
    most = councils.limit(now) if now.placement.cluster_hard else councils.maximum
    return np.asarray(takes_part & ~councils.paused & (councils.beds < most))


def _shares(weight: np.ndarray) -> np.ndarray:
    return np.asarray(weight / max(float(weight.sum()), 1e-300))


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
    rows = councils.in_area(area)
    weights = pull[rows]
    edges = np.cumsum(weights)
    if edges[-1] <= 0:
        return np.zeros(councils.count, np.int64)
    lump = int(now.procurement.lump)
    count = beds / lump
    lumps = int(count) + (draws.one(f"lumps {area}", 0, month) < count - int(count))
    picks = np.searchsorted(edges, draws.each(f"offer {area}", lumps, month) * edges[-1], side="right")
    return np.bincount(rows[np.minimum(picks, rows.size - 1)], minlength=councils.count) * lump


def first_homes(councils: Councils, now: Any, chance: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Beds proposed for a single home, (council,), in councils that take no part and have none.

    Rural councils are left out: a household alone there would be isolated.

    Args:
        chance: uniforms (council,), whether there is one.
        size: uniforms (council,), of one to `procurement.first_home_beds` beds.

    Source: footholds of one to three people in 3% of unopened councils a quarter since June 2023.
    """
    outside = (councils.participation == Participation.NOT_PARTICIPATING) & (councils.beds == 0) & ~councils.rural
    outside &= ~councils.paused & (councils.local_weight > 0)
    outside &= councils.maximum >= now.procurement.first_home_beds
    beds = 1 + np.floor(size * now.procurement.first_home_beds)
    return np.asarray(np.where(outside & (chance < now.procurement.first_home_chance), beds, 0), np.int64)


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
