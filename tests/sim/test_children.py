"""Unaccompanied children: conserved, and shared out under the threshold."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
import sim
from sim import children

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def now():
    return params.load().at(date(2026, 6, 1))


def test_children_are_conserved(steady_intake):
    run = sim.simulate(params.load(), steady_intake(6), seed=1)
    change = np.diff(run.children_looked_after_at_month_end.to_numpy())
    flow = (run.unaccompanied_children_in_month - run.care_leavers_in_month).to_numpy()
    np.testing.assert_allclose(change, flow, atol=0.01)


def test_an_authority_at_the_threshold_takes_no_more_while_others_have_room(now):
    population = np.array([100_000.0, 300_000.0])
    full = children.threshold(population, now)[0]
    after = children.transfer(np.array([full, 0.0]), 10, population, now)
    np.testing.assert_allclose(after, [full, 10.0])


def test_beyond_every_threshold_children_are_shared_by_population(now):
    population = np.array([100_000.0, 300_000.0])
    full = children.threshold(population, now)
    after = children.transfer(full, 40, population, now)
    np.testing.assert_allclose(after - full, [10.0, 30.0])
