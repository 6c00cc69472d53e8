"""Providers: where they look for homes, and what they hand back."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mesa
import numpy as np
from numba import njit

from sim.council import Councils, limit, objects
from sim.numbers import numbers
from sim.randomness import Draws, uniform
from sim.rows import search
from sim.states import Accommodation, Participation

# Plain numbers, as numba wants them.
_OUTSIDE, _AGREED, _PROCURING, _ACTIVE, _PAUSED, _ = (int(state) for state in Participation)
LUMPS, OFFER = "lumps {}", "offer {}"  # what is drawn for an area: a lump more or less, and where each goes
_DISPERSAL, _HOTEL = int(Accommodation.DISPERSAL), int(Accommodation.CONTINGENCY_HOTEL)


class Provider(mesa.Agent):
    """One of the three providers, with its contract areas."""

    def __init__(self, model: mesa.Model, name: str, areas: list[int]) -> None:
        super().__init__(model)
        self.name = name
        self.areas = np.array(areas)
        self._lumps, self._offers = (tuple(what.format(area) for area in areas) for what in (LUMPS, OFFER))

    def propose(
        self, councils: Councils, beds: np.ndarray, weight: np.ndarray, offers: Any, now: Any, draws: Draws, month: int
    ) -> None:
        """Add the beds proposed this month in this provider's areas to `councils.proposed`.

        Args:
            beds: (area,) beds it wants to propose.
            weight: (area, council) how much it wants them to be in each council, from `plan`.
            offers: the rule that chooses councils, `sim.provider.offers` unless a researcher replaced it.
        """
        if offers is _own_offers:
            keys = draws.keys(self._lumps), draws.keys(self._offers)
            where = councils.by_area, councils.area_start, self.areas
            offer(councils.rows, *where, beds, weight, numbers(now), keys, month)
            return
        for area in self.areas.tolist():
            councils.proposed += offers(area, councils, float(beds[area]), weight[area], now, draws, month)


def plan(
    councils: Councils, need: np.ndarray, pull: np.ndarray, now: Any
) -> tuple[np.ndarray, np.ndarray]:
    """How many beds are to be proposed in each area this month, and how they are shared among its councils.

    Part of what replaces losses goes to where homes are kept up, the rest to where providers want to be.

    Args:
        need: (area,) beds wanted beyond replacing what is handed back; negative when beds stand empty.
        pull: (council,) attraction of each council, times its weight by the allocation rule.

    Returns:
        Beds to propose (area,), and weights (area, council) that sum to one over an area's own councils.
    """
    reach = net_growth(councils, now)
    found: tuple[np.ndarray, np.ndarray] = shared_out(councils.under(now), need, reach, pull, numbers(now))
    return found


@njit(cache=True)
def shared_out(
    rows: np.ndarray, need: np.ndarray, reach: np.ndarray, pull: np.ndarray, policy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    now, areas = policy[0], need.size
    losses, growth = beds_wanted(rows, need, reach, policy)
    wanted, kept_up, sums = np.zeros(rows.size), np.zeros(rows.size), np.full((2, areas), 1e-300)
    for row in range(rows.size):
        own = rows[row]
        keeps, takes_more = openness(own, now)
        wanted[row] = pull[row] * takes_more
        kept_up[row] = own.beds * own.local_weight * keeps
        sums[0, own.area] += wanted[row]
        sums[1, own.area] += kept_up[row]
    weight = np.zeros((areas, rows.size))
    for row in range(rows.size):
        its = rows[row].area
        # Where stock is to shrink, all that is proposed replaces losses.
        share = now.procurement.refill * min(losses[its] / max(losses[its] + growth[its], 1e-9), 1.0)
        weight[its, row] = (1 - share) * wanted[row] / sums[0, its] + share * kept_up[row] / sums[1, its]
    return (losses + growth) / now.procurement.planned_conversion, weight


@njit(cache=True)
def beds_wanted(
    rows: np.ndarray, need: np.ndarray, reach: np.ndarray, policy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Beds wanted in each area this month, (area,): to replace losses, and for as much growth as can be procured.

    Growth may be negative, down to giving up the replacement of losses.

    Args:
        need: (area,) beds wanted beyond replacing what is handed back.
        reach: (area,) from `net_growth`.
        policy: (1,) the month's assumptions.

    Source: net growth by area measured from June 2023 to December 2025.
    """
    beds = np.zeros(need.size)
    for row in range(rows.size):
        beds[rows[row].area] += rows[row].beds
    losses = handback_rate(policy[0]) * beds
    return losses, np.maximum(np.minimum(need, reach), -losses)


def net_growth(councils: Councils, now: Any) -> np.ndarray:
    """Most beds an area can gain in a month, (area,)."""
    return _net_growth(now, councils.area_words)


@lru_cache(maxsize=256)
def _net_growth(now: Any, areas: tuple[str, ...]) -> np.ndarray:
    most = np.array([getattr(now.procurement.net_growth, area) for area in areas]) * now.procurement.growth_factor
    most.flags.writeable = False
    return most


@njit(cache=True)
def openness(own: Any, now: Any) -> tuple[bool, bool]:
    """Whether a provider may replace lost homes in a council, and whether it may propose more.

    A council at an advisory limit, or one that has paused, keeps what it has; at a hard limit it does not. More homes
    go where a council takes part and is below its limits.
    """
    most = limit(own) if now.placement.cluster_hard else own.maximum
    keeps = _AGREED <= own.participation <= _PAUSED and not own.paused and own.beds < most
    return keeps, keeps and own.participation <= _ACTIVE and own.beds < limit(own)


def attraction(councils: Councils, now: Any) -> np.ndarray:
    """How much a provider wants to be in each council, (council,), before who is open to it.

    A provider looks for margin (rent below its area's mean), scale (population), headroom under the cluster limit,
    and little friction.

    Source: placement of gross increases since June 2023 follows population and low rent, not existing stock;
    friction is elicited.
    """
    return np.asarray(pulls(councils.under(now), numbers(now)))


@njit(cache=True)
def pulls(rows: np.ndarray, policy: np.ndarray) -> np.ndarray:
    now, pull = policy[0], np.empty(rows.size)
    for row in range(rows.size):
        own = rows[row]
        headroom = max(1.0 - own.people / max(limit(own), 1.0), 1e-6) ** now.procurement.headroom_elasticity
        ease = (1.0 - objects(own, now)) ** now.procurement.friction_elasticity
        pull[row] = own.margin_and_scale * headroom * ease * own.frailty
    return pull


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
    keys = draws.key(LUMPS.format(area)), draws.key(OFFER.format(area))
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
        proposed[rows[search(edges, uniform(keys[1], number, month) * edges[-1])]] += lump
    return proposed


@njit(cache=True)
def offer(
    rows: np.ndarray, by_area: np.ndarray, area_start: np.ndarray, areas: np.ndarray, beds: np.ndarray,
    weight: np.ndarray, policy: np.ndarray, keys: tuple[np.ndarray, np.ndarray], month: int,
) -> None:
    """`offers` in each of some areas, added to `proposed`."""
    now = policy[0]
    lump = int(now.procurement.lump)
    for place, area in enumerate(areas):
        its = by_area[area_start[area] : area_start[area + 1]]
        proposed = _in_lumps(its, beds[area], weight[area], lump, (keys[0][place], keys[1][place]), month)
        for row in its:
            rows[row].proposed += proposed[row]


_own_offers = offers


@njit(cache=True)
def first_home(own: Any, now: Any, chance: float, size: float) -> int:
    """Beds proposed for a single home in a council that takes no part and has none; nought in most months.

    Rural councils are left out: a household alone there would be isolated.

    Args:
        chance: uniform, whether there is one.
        size: uniform, of one to `procurement.first_home_beds` beds.

    Source: footholds of one to three people in 3% of unopened councils a quarter since June 2023.
    """
    most = now.procurement.first_home_beds
    outside = own.participation == _OUTSIDE and own.beds == 0 and not own.rural
    if not outside or chance >= now.procurement.first_home_chance:
        return 0
    return int(1 + size * most) if not own.paused and own.local_weight > 0 and own.maximum >= most else 0


@njit(cache=True)
def first_homes(rows: np.ndarray, policy: np.ndarray, keys: np.ndarray, month: int) -> None:
    """Set `proposed` to what `first_home` says of every council; keys of whether there is one, and of its size."""
    for row in range(rows.size):
        level, size = uniform(keys[0], row, month), uniform(keys[1], row, month)
        rows[row].proposed = first_home(rows[row], policy[0], level, size)


@njit(cache=True)
def handback_rate(now: Any) -> float:
    """Share of beds lost in a month: the measured rate, higher when rents outrun contract prices."""
    squeeze = now.procurement.squeeze * now.procurement.rent_growth if now.feedback.rent_to_handbacks else 0.0
    return now.procurement.handback_rate * (1.0 + squeeze)


@njit(cache=True)
def hand_back(
    rows: np.ndarray, occupied: np.ndarray, policy: np.ndarray, key: np.uint64, month: int
) -> tuple[np.ndarray, bool]:
    """Beds are handed back in lumps, those that stand empty first.

    Returns:
        People (council,) above the beds that are left, negative where there is room, and whether there are any.
    """
    now, surplus = policy[0], np.empty(rows.size, np.int64)
    rate, most = handback_rate(now), int(now.procurement.lump)
    for row in range(rows.size):
        own = rows[row]
        lump = min(max(own.beds, 1), most)
        count = rate * own.beds / lump
        lumps = int(count) + (uniform(key, row, month) < count - int(count))
        own.handed_back = min(lumps * lump, own.beds)
        own.beds -= own.handed_back
        own.voids -= min(own.handed_back, own.voids)
        surplus[row] = occupied[row, _DISPERSAL] + own.voids - own.beds
    return surplus, bool(surplus.max() > 0)


@njit(cache=True)
def need(rows: np.ndarray, occupied: np.ndarray, supported: int, before: int, share: np.ndarray) -> np.ndarray:
    """Beds wanted in each area beyond replacing hand-backs: people in hotels, recent growth, less the pipeline.

    Args:
        supported: people supported now.
        before: people supported three months ago.
        share: (area,) what the national need is shared by.
    """
    vacant, hotels, placed, coming = 0, 0, 0, 0
    for row in range(rows.size):
        own = rows[row]
        vacant += own.beds - own.voids - occupied[row, _DISPERSAL]
        hotels += occupied[row, _HOTEL]
        coming += own.coming
        for kind in range(occupied.shape[1]):
            placed += occupied[row, kind]
    national = hotels + (supported - placed) + max(supported - before, 0) - max(vacant, 0) - coming
    return national * share / share.sum()


@njit(cache=True)
def steered(rows: np.ndarray, preference: np.ndarray, pull: np.ndarray, areas: int, policy: np.ndarray) -> np.ndarray:
    """Let the allocation rule steer proposals: multiply `pull` in place by preference as far as it is followed.

    Returns:
        (area,) residents, weighted alike.
    """
    now, share = policy[0], np.zeros(areas)
    for row in range(rows.size):
        steer = preference[row] ** now.placement.steering
        pull[row] *= steer
        share[rows[row].area] += rows[row].population * steer
    return share


@njit(cache=True)
def notice_proposals(rows: np.ndarray) -> None:
    """What a month's proposals make of the councils that had agreed, and which councils meet their first."""
    for row in range(rows.size):
        own = rows[row]
        if own.proposed > 0 and own.participation == _AGREED:
            own.participation = _PROCURING
        own.first_proposal = own.proposed > 0 and not own.proposed_ever
        own.proposed_ever = own.proposed_ever or own.proposed > 0


@njit(cache=True)
def vacancy(rows: np.ndarray, occupied: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """Dispersal beds that may be filled, (council,): ready, within limits, and not a lone home in a rural council."""
    now, vacant = policy[0], np.zeros(rows.size)
    for row in range(rows.size):
        own, here = rows[row], occupied[row, _DISPERSAL]
        most = limit(own) if now.placement.cluster_hard else own.maximum
        too_few = own.rural and own.beds < now.placement.minimum_cluster and here == 0
        if not too_few:
            vacant[row] = max(min(own.beds - own.voids - here, most - here), 0.0)
    return vacant
