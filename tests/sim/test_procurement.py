"""What providers propose, hand back and leave empty between households."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
from sim.model import _WARM_UP
from sim.numbers import numbers
from sim.provider import beds_wanted, first_homes, net_growth, openness, plan
from sim.randomness import Draws
from sim.run import councils_at, prepare
from sim.starts import published_start
from sim.states import Accommodation, Participation

pytestmark = pytest.mark.behaviour


@pytest.fixture
def councils():
    return councils_at(published_start("2023-06-30"))


def at(**changes):
    overrides = {name.replace("__", "."): value for name, value in changes.items()}
    return params.load(overrides=overrides).at(date(2024, 1, 1))


def open_to(councils, now) -> tuple[np.ndarray, np.ndarray]:
    """Where a provider may replace lost homes, and where it may propose more, (council,) each."""
    found = [openness(own, numbers(now)[0]) for own in councils.under(now)]
    keeps, takes_more = np.array(found).T
    return keeps, takes_more


def homes_of_a_month(councils, now) -> np.ndarray:
    """Beds of single homes proposed to councils without any, (council,)."""
    councils.proposed = -1
    first_homes(councils.under(now), numbers(now), Draws(1).keys(("first home", "first home size")), 0)
    return councils.proposed.copy()


def wanted(councils, need, now):
    return beds_wanted(councils.under(now), need, net_growth(councils, now), numbers(now))


def test_beds_wanted_replace_losses_and_grow_within_need_and_reach(councils):
    now = at()
    every = np.ones(len(councils.areas))
    losses, growth = (found[0] for found in wanted(councils, 1e9 * every, now))
    assert losses == pytest.approx(
        now.procurement.handback_rate * (1 + now.procurement.squeeze * now.procurement.rent_growth)
        * councils.beds[councils.in_area(0)].sum()
    )  # fmt: skip
    assert growth == pytest.approx(now.procurement.net_growth.midlands_and_east_of_england)
    assert wanted(councils, 5.0 * every, now)[1][0] == 5.0
    assert not sum(wanted(councils, -1e9 * every, now)).any(), "empty beds everywhere: nothing is replaced"


def test_nothing_is_proposed_to_councils_outside_or_at_the_hard_limit(councils):
    now = at(placement__cluster_hard=True)
    councils.participation[:] = Participation.ACTIVE
    councils.participation[0] = Participation.NOT_PARTICIPATING
    councils.beds[1] = councils.limit(now)[1]
    kept, found = open_to(councils, now)
    assert not kept[1], "at a hard limit nothing is replaced"
    assert not found[0] and not found[1] and found[2:].sum() > 0
    advisory = at(placement__cluster_hard=False)
    kept, found = open_to(councils, advisory)
    assert not found[1], "no more homes at the limit"
    assert kept[1], "but those it has are kept up"


def test_first_homes_are_small_and_never_in_rural_or_participating_councils(councils):
    beds = homes_of_a_month(councils, at(procurement__first_home_chance=1.0))
    assert set(np.unique(beds)) == {0, 1, 2, 3}
    assert not beds[councils.rural].any()
    assert not beds[councils.participation == Participation.ACTIVE].any()
    outside = ~councils.rural & (councils.participation == Participation.NOT_PARTICIPATING) & (councils.beds == 0)
    assert beds[outside].all(), "a chance of one, and each of them open to it"
    councils.paused[outside] = True
    assert not homes_of_a_month(councils, at(procurement__first_home_chance=1.0)).any()
    councils.paused = False
    assert not homes_of_a_month(councils, at(procurement__first_home_chance=0.0)).any()


def test_turnaround_leaves_beds_empty_and_none_does_not(steady_intake):
    voids = {}
    for months in (0.0, 1.4):
        # Without hand-backs, which take empty beds first, and without drift.
        still = {"procurement.handback_rate": 0.0, "procurement.turnaround_sd": 0.0}
        set_ = params.load(overrides={"procurement.turnaround": months, **still})
        model = prepare(set_, steady_intake(12), seed=5)
        model.run_for(12)
        voids[months] = float(model.councils.voids.sum())
        left = model.recorder["exits_in_month"][-3:].sum() / 3
    share = model.households.occupied[:, Accommodation.DISPERSAL].sum() / model.counts[2]
    assert voids[0.0] == 0
    # Little's law: beds standing empty are those left a month times the months they stand empty.
    assert voids[1.4] == pytest.approx(1.4 * left * share, rel=0.3)


def test_areas_relet_at_a_pace_of_their_own_about_the_same_mean(steady_intake):
    voids = []
    for spread in (0.0, 0.8):
        model = prepare(params.load(overrides={"procurement.turnaround_sd": spread}), steady_intake(24), seed=5)
        model.run_for(24)
        councils = model.councils
        by_area = [np.bincount(councils.area, column) for column in (councils.voids, councils.beds)]
        voids.append(by_area[0] / by_area[1])
    assert voids[1].std() > 1.5 * voids[0].std()
    assert voids[1].mean() == pytest.approx(voids[0].mean(), rel=0.6)


def test_refill_keeps_beds_nearer_to_where_they_were(steady_intake):
    def moved(refill: float) -> float:
        gaps = []
        for seed in range(4):
            set_ = params.load(overrides={"procurement.refill": refill, "procurement.handback_rate": 0.02})
            model = prepare(set_, steady_intake(24), seed=seed)
            first = model.councils.beds.copy()
            model.run_for(24)
            last = model.councils.beds
            gaps.append(np.abs(first / first.sum() - last / last.sum()).sum() / 2)
        return float(np.mean(gaps))

    assert moved(1.0) < moved(0.0)


def test_beds_on_their_way_are_those_still_to_be_answered_or_opened(steady_intake):
    model = prepare(params.load(), steady_intake(12), seed=3)
    for _ in range(12):
        model.run_for(1)
        done = model.month + 1 + _WARM_UP
        by_hand = model.consulting[done:].sum(axis=0) + model.pipeline[done:].sum(axis=0)
        assert by_hand.any()
        np.testing.assert_array_equal(model.councils.coming, by_hand)
        np.testing.assert_array_equal(model.recorder["pipeline_beds_at_month_end"][model.month + 1], by_hand)


@pytest.mark.parametrize("need", [-0.9, 0.0, 50.0])
def test_a_plan_shares_every_areas_beds_whether_it_grows_or_shrinks(councils, need):
    now = at()
    losses, _ = wanted(councils, np.zeros(len(councils.areas)), now)
    beds, weight = plan(councils, need * losses, np.ones(councils.count), now)
    assert weight.min() >= 0 and beds.min() > 0
    np.testing.assert_allclose(weight.sum(axis=1), 1)
    assert not weight[0, councils.area != 0].any(), "a provider proposes nothing outside the area"
