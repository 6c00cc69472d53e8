"""Unaccompanied children: conserved, and shared out under the threshold."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
import sim
from sim import children
from sim.numbers import numbers

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def now():
    return params.load().at(date(2026, 6, 1))


def test_children_are_conserved(steady_intake):
    run = sim.simulate(params.load(), steady_intake(6), seed=1)
    change = np.diff(run.children_looked_after_at_month_end.to_numpy())
    flow = (run.unaccompanied_children_in_month - run.care_leavers_in_month).to_numpy()
    np.testing.assert_allclose(change, flow, atol=0.01)


POPULATION = np.array([100_000.0, 300_000.0])


def a_month_later(before, arriving: int, now) -> np.ndarray:
    """Children looked after by two authorities; those who leave are as many as turn eighteen."""
    after = np.array(before)
    left = children.look_after(after, arriving, POPULATION, numbers(now))
    assert left == pytest.approx(sum(before) / now.children.stay)
    assert after.sum() == pytest.approx(sum(before) - left + arriving)
    return after


def reaching(children_: np.ndarray, now) -> np.ndarray:
    """How many there are a month before, of whom so many are left once some have turned eighteen."""
    return children_ / (1 - 1 / now.children.stay)


def test_an_authority_at_the_threshold_takes_no_more_while_others_have_room(now):
    full = children.threshold(POPULATION, numbers(now)[0])[0]
    after = a_month_later([reaching(full, now), 0.0], 10, now)
    np.testing.assert_allclose(after, [full, 10.0])


def test_beyond_every_threshold_children_are_shared_by_population(now):
    full = children.threshold(POPULATION, numbers(now)[0])
    after = a_month_later(reaching(full, now), 40, now)
    np.testing.assert_allclose(after - full, [10.0, 30.0])
    assert children.full(after, POPULATION, numbers(now)) == 2


def test_room_is_filled_in_proportion_to_it_and_an_authority_with_room_is_not_full(now):
    after = a_month_later([0.0, 0.0], 40, now)
    np.testing.assert_allclose(after, [10.0, 30.0])
    assert children.full(after, POPULATION, numbers(now)) == 0
