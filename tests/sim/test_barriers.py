"""Each coded barrier can be switched off, and only that barrier goes."""

from __future__ import annotations

import numpy as np
import pytest

import params
from sim.council import objection_chance, objection_weights
from sim.numbers import numbers
from sim.run import councils_at
from sim.starts import published_start
from sim.states import Barrier, words

pytestmark = pytest.mark.unit


@pytest.fixture
def pressed():
    """Councils on which every barrier presses."""
    councils = councils_at(published_start("2025-12-31"))
    councils.people = 0.9 * councils.limit(_now())
    councils.pressure[:], councils.funded[:], councils.willingness[:] = 1.4, 0.2, 0.3
    return councils


def _now(*off: str):
    assumptions = params.load("central", {f"barriers.{name}": False for name in off})
    return assumptions.at(published_start("2025-12-31").day)


def weights(councils, now) -> np.ndarray:
    """What each reason weighs, (council, barrier)."""
    return np.array([objection_weights(row, numbers(now)[0]) for row in councils.under(now)])


@pytest.mark.parametrize("barrier", words(Barrier))
def test_a_barrier_that_is_off_is_never_the_reason_and_lowers_the_chance(pressed, barrier):
    with_it, without = _now(), _now(barrier)
    code = words(Barrier).index(barrier)
    before, after = weights(pressed, with_it), weights(pressed, without)
    assert (before[:, code] > 0).all()
    assert not after[:, code].any()
    assert (objection_chance(pressed, without) < objection_chance(pressed, with_it)).all()
    kept = [b for b in Barrier if b != code]
    np.testing.assert_array_equal(after[:, kept], before[:, kept])


def test_without_any_barrier_nobody_objects(pressed):
    assert not objection_chance(pressed, _now(*words(Barrier))).any()
