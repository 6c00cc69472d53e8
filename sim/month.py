"""A month in one go: the phases of `sim/model.py` in compiled code, without the interpreter in between.

The model's phases say what a month is. Here they are called in the same order from compiled code, which hands the
interpreter's lock back, so that months of several replications run beside each other on threads; what they do is
written where it always is. A model that a rule was replaced in runs phase by phase. Tests hold the two to the same
history.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sim import (
    allocation,
    children,
    consultation,
    costs,
    council,
    funding,
    home_office,
    households,
    kernels,
    placing,
    provider,
    services,
)
from sim import recorder as recording
from sim.randomness import Draws
from sim.states import Accommodation

_DISPERSAL, _HOTEL = int(Accommodation.DISPERSAL), int(Accommodation.CONTINGENCY_HOTEL)
FIXED = (Accommodation.INITIAL, Accommodation.CONTINGENCY_OTHER, Accommodation.OTHER)  # keep their size
_FIXED = tuple(int(kind) for kind in FIXED)
ARRIVE = ("size", "uptake", "group", "children", "subsistence", "subsistence place")
DECIDE = ("decide", "outcome", "exit", "appeal", "retained", "tail entry")
APPEAL = ("appeal order", "appeal outcome", "exit", "tail entry")
LEAVE = ("tail exit", "duty", "drift", "destination")
FIRST_HOME = ("first home", "first home size")
LAG = ("consultation lag", "consultation lag rounding")


class Keys(NamedTuple):
    """What every phase draws by, uint64; one key, or one for each decision of a phase."""

    arrive: np.ndarray
    decide: np.ndarray
    appeal: np.ndarray
    leave: np.ndarray
    hand_back: np.uint64
    entry: np.uint64
    first_home: np.ndarray
    lumps: np.ndarray
    offers: np.ndarray
    lag: np.ndarray
    answer: np.ndarray
    ready: np.uint64
    place: np.uint64
    fixed: np.ndarray
    closing: np.ndarray
    hotel: np.uint64
    opening: np.ndarray


def keys(draws: Draws, areas: int) -> Keys:
    """The keys of one replication."""
    return Keys(
        draws.keys(ARRIVE),
        draws.keys(DECIDE),
        draws.keys(APPEAL),
        draws.keys(LEAVE),
        draws.key("hand back"),
        draws.key("entry"),
        draws.keys(FIRST_HOME),
        draws.keys(tuple(provider.LUMPS.format(area) for area in range(areas))),
        draws.keys(tuple(provider.OFFER.format(area) for area in range(areas))),
        draws.keys(LAG),
        draws.keys(consultation.DRAWN),
        draws.key("ready again"),
        draws.key("place"),
        draws.keys(tuple(f"place {kind.name}" for kind in FIXED)),
        draws.keys(home_office.CLOSING),
        draws.key("place hotel"),
        draws.keys(home_office.OPENING),
    )


class Places(NamedTuple):
    """What a model holds of councils besides their rows; `DispersalModel` and `Councils` say what each is."""

    area: np.ndarray
    by_area: np.ndarray
    area_start: np.ndarray
    upper_tier: np.ndarray
    fixed_beds: np.ndarray
    occupied: np.ndarray
    present: np.ndarray
    consulting: np.ndarray
    pipeline: np.ndarray
    needed: np.ndarray
    capacity: np.ndarray
    pressure: np.ndarray
    least: np.ndarray
    served: np.ndarray
    gross: np.ndarray
    duties: np.ndarray
    exits: np.ndarray
    outcomes: np.ndarray
    looked_after: np.ndarray
    child_population: np.ndarray
    subsistence_weight: np.ndarray
    baseline: np.ndarray
    baseline_people: np.ndarray
    quarter_before: np.ndarray


@njit(cache=True, nogil=True)
def _until_proposals(
    h: Any, n: int, queue: np.ndarray, scratch: np.ndarray, rows: np.ndarray, p: Places, k: Keys,
    policy: np.ndarray, month: int, slots: tuple[int, int], people: int, cases: int, counts: tuple[int, int],
    noise: tuple[float, float, float], family_sizes: np.ndarray, groups: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[int, int, int, float, int, int, int]:
    """Arrive, decide, appeal, leave, and hand back homes.

    Args:
        h, n, queue, scratch: the columns of `Households`, rows in use, and room for row numbers.
        slots: first slots of the month's claims and of its other appeal cases.
        people, cases: who claim, and who enter appeal by other routes.
        counts: people awaiting a decision and open appeals at the end of the month before.
        noise: of decision capacity and of the odds of a grant; and the share of claims that enter support.
        groups: shares of the month's claims by decision group, and shares and grant rates that are usual.

    Returns:
        Rows in use, people newly supported, children alone, care leavers, appeals lodged, decided and allowed.
    """
    now = policy[0]
    shares = (
        now.intake.family_share, noise[2], now.intake.unaccompanied_share, now.support.subsistence_share,
        now.intake.school_age_share,
    )
    n, supported, alone = kernels.arrive(
        h, n, slots[0], month, people, k.arrive, shares, family_sizes, groups[0], p.subsistence_weight, p.occupied
    )
    n = kernels.arrive_on_appeal(h, n, slots[1], month, cases, k.arrive, shares[0], family_sizes)
    leavers = children.look_after(p.looked_after, alone, p.child_population, policy)

    awaiting, days = counts[0] + people, households.exit_days(policy)
    capacity = home_office.decision_capacity(policy, awaiting, noise[0])
    lodged = kernels.decide(
        h, n, month, k.decide, awaiting, capacity, now.decisions.oldest_share,
        households.shares_of_outcomes(policy, groups[1], groups[2], noise[1]), days, now.appeals.share_of_refused,
        now.support.retained_on_appeal, now.support.tail_entry, now.decisions.withdrawn_exit_days, p.outcomes, scratch,
    )
    decided, allowed = kernels.decide_appeals(
        h, n, month, k.appeal, counts[1] + lodged + cases, int(now.appeals.capacity), now.appeals.oldest_share,
        now.appeals.allowed_share, days, now.support.tail_entry, scratch,
    )

    weights = council.destinations(rows, p.present[:, 0], policy)
    council.count_housed(rows, p.occupied)
    kernels.leave(
        h, n, month, k.leave, 1 / now.support.tail_stay, council.duty_shares(rows, policy), now.move_on.drift_share,
        weights, p.occupied, p.exits, p.duties, scratch,
    )
    council.leave_empty(rows, p.occupied)

    surplus, any_surplus = provider.hand_back(rows, p.occupied, policy, k.hand_back, month)
    if any_surplus:
        placing.displace(h, n, _DISPERSAL, surplus, p.occupied, queue, 0)
    council.count_housed(rows, p.occupied)
    return n, supported, alone, leavers, lodged, decided, allowed


@njit(cache=True, nogil=True)
def _until_grants(
    h: Any, n: int, queue: np.ndarray, scratch: np.ndarray, rows: np.ndarray, p: Places, k: Keys,
    policy: np.ndarray, month: int, tick: int, rule: int, supported: int, before: int, reach: np.ndarray,
    turnaround: np.ndarray, level: float,
) -> tuple[int, int, int, int, int, int]:
    """Propose, consult, open homes, place people, open and close hotels, serve, and count what it costs councils.

    Args:
        tick: the month, counted from the warm-up.
        rule: of allocation, its place in `allocation.NAMES`.
        supported, before: people supported now, and three months ago.
        reach: (area,) most beds an area can gain.
        turnaround: (area,) months a bed stands empty between households.
        level: of council unit costs.

    Returns:
        The counts of `kernels.census`.
    """
    preference = allocation.weights(rows, rule) * rows["local_weight"]
    council.enter(rows, council.chances_of_entry(rows, policy), k.entry, month)
    pull = provider.pulls(rows, policy)
    share = provider.steered(rows, preference, pull, reach.size, policy)
    need = provider.need(rows, p.occupied, supported, before, share)
    provider.first_homes(rows, policy, k.first_home, tick)
    beds, weight = provider.shared_out(rows, need, reach, pull, policy)
    areas = np.arange(reach.size)
    provider.offer(rows, p.by_area, p.area_start, areas, beds, weight, policy, (k.lumps, k.offers), tick)
    consultation.send(rows, p.consulting, policy, k.lag, tick)
    provider.notice_proposals(rows)

    chance = council.chances_of_objection(rows, policy)
    consultation.answer(rows, p.consulting[tick], chance, policy, k.answer, tick)
    consultation.schedule(rows, p.pipeline, tick)
    consultation.open_homes(rows, p.pipeline[tick], turnaround, k.ready, month)

    vacancy = provider.vacancy(rows, p.occupied, policy)
    count = placing.place(
        h, n, month, k.place, p.area, p.area_start, p.by_area, vacancy, preference, p.occupied, queue, scratch
    )
    for place in range(len(_FIXED)):
        kind = _FIXED[place]
        room = np.maximum(p.fixed_beds[:, kind] - p.occupied[:, kind], 0)
        count, _ = placing.fill(h, month, k.fixed[place], kind, room, p.occupied, queue, count)

    home_office.close_empty(rows, p.occupied[:, _HOTEL], policy, k.closing, month)
    surplus, any_surplus = home_office.surplus(rows, p.occupied)
    if any_surplus:
        count = placing.displace(h, n, _HOTEL, surplus, p.occupied, queue, count)
    room = home_office.room(rows, p.occupied, False)
    count, unplaced = placing.fill(h, month, k.hotel, _HOTEL, room, p.occupied, queue, count)
    while unplaced > 0:
        home_office.open_lumps(rows, unplaced, policy, k.opening, month)
        room = home_office.room(rows, p.occupied, True)
        count, unplaced = placing.fill(h, month, k.hotel, _HOTEL, room, p.occupied, queue, count)

    counts = kernels.census(h, n, p.occupied, p.present, scratch)
    services.house(rows, p.duties, policy)
    services.demand(rows, p.present, policy, p.needed)
    services.recruit(rows, p.capacity, p.needed, p.least, policy)
    services.press(rows, p.needed, p.capacity, p.upper_tier, policy, p.pressure)
    costs.council(rows, p.needed, p.capacity, policy, level, p.served, p.gross)
    return counts


@njit(cache=True, nogil=True)
def _to_the_end(
    rows: np.ndarray, p: Places, policy: np.ndarray, month: int, terms: np.ndarray, ends_quarter: bool, days: int,
    levels: np.ndarray, appeals: int, kept: recording.Kept,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pay grants, keep the ledgers, let councils respond, and record.

    Args:
        terms: what grant instruments pay, from `funding.terms`.
        ends_quarter: whether the month is the last of its quarter.
        days: of the month.
        levels: of prices, of what contracts cost, and of council unit costs.
        appeals: decided this month.

    Returns:
        Person-nights, and the ledgers of the Home Office and of other public bodies.
    """
    grant = funding.pay(
        terms, ends_quarter, rows["nation_row"], rows["rural"], p.occupied, p.baseline, p.baseline_people,
        p.quarter_before, rows["opened"], rows["first_proposal"], p.duties, p.needed, p.gross,
    )
    if ends_quarter:
        p.quarter_before[:] = p.occupied
    paid = funding.settle(rows, grant, p.gross, 12)
    nights = costs.person_nights(p.occupied, days)
    home = costs.home_office(nights, paid, policy, levels[0], levels[1])
    people, pupils = p.present[:, services.PEOPLE].sum(), p.present[:, services.CHILDREN].sum()
    other = costs.other_public(pupils, people, appeals, policy, levels[0])
    council.respond(rows, policy, p.occupied)
    recording.keep_flows(kept, rows, p.duties, p.served, p.gross, grant, month)
    recording.keep_stocks(kept, rows, p.occupied, p.pressure, month + 1)
    return nights, home, other


@njit(cache=True, nogil=True)
def run(
    h: Any, n: int, queue: np.ndarray, scratch: np.ndarray, rows: np.ndarray, p: Places, k: Keys,
    policy: np.ndarray, month: int, tick: int, slots: tuple[int, int], people: int, cases: int,
    counts: tuple[int, int, int], before: int, noise: tuple[float, float, float], family_sizes: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray, np.ndarray], rule: int, reach: np.ndarray, turnaround: np.ndarray,
    levels: np.ndarray, terms: np.ndarray, ends_quarter: bool, days: int, kept: recording.Kept,
) -> Any:
    """The phases from `arrive` to `record`, in their order.

    Args:
        counts: people awaiting a decision, open appeals and people supported, at the end of the month before.
        before: people supported three months ago.
        h, n and the rest: as in the stretches above.

    Returns:
        Rows in use; people newly supported, children alone, care leavers, appeals lodged, decided and allowed; the
        counts of `kernels.census`; person-nights and the ledgers of the Home Office and of other public bodies.
    """
    n, supported, alone, leavers, lodged, decided, allowed = _until_proposals(
        h, n, queue, scratch, rows, p, k, policy, month, slots, people, cases, (counts[0], counts[1]), noise,
        family_sizes, groups,
    )
    here = counts[2] + supported - p.exits.sum()
    census = _until_grants(
        h, n, queue, scratch, rows, p, k, policy, month, tick, rule, here, before, reach, turnaround, levels[2]
    )
    money = _to_the_end(rows, p, policy, month, terms, ends_quarter, days, levels, decided, kept)
    return n, (supported, alone, leavers, lodged, decided, allowed), census, money
