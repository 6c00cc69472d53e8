"""The keyed generator: uniform, independent between keys, and a pure function of who and when."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sim import kernels
from sim.randomness import Draws, decision_key, uniform

pytestmark = pytest.mark.unit


def test_uniform_over_who_and_over_when():
    key = decision_key(1, "answer")
    across = np.array([uniform(key, who, 5) for who in range(20_000)])
    along = np.array([uniform(key, 5, when) for when in range(20_000)])
    for sample in (across, along):
        assert sample.min() >= 0 and sample.max() < 1
        assert stats.kstest(sample, "uniform").pvalue > 1e-4
        assert abs(np.corrcoef(sample[:-1], sample[1:])[0, 1]) < 0.03


def test_decisions_and_seeds_are_independent():
    first = Draws(1).each("answer", 20_000, 3)
    for other in (Draws(1).each("entry", 20_000, 3), Draws(2).each("answer", 20_000, 3)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.03
        assert not np.isin(first, other).any()


def test_a_draw_does_not_depend_on_how_many_others_are_drawn():
    np.testing.assert_array_equal(Draws(4).each("offer", 5, 9), Draws(4).each("offer", 500, 9)[:5])


def test_signed_and_unsigned_arguments_give_the_same_draw():
    key = decision_key(3, "x")
    values = {uniform(key, who, 7) for who in (11, np.int64(11), np.uint32(11), np.uint64(11))}
    assert len(values) == 1


def test_large_slots_do_not_collide():
    key = decision_key(3, "x")
    slots = [0, 1, 2**20, 2**31, 2**32 - 1]
    assert len({uniform(key, slot, month) for slot in slots for month in (0, 1, 2**20 - 1)}) == 15


def test_pick_follows_the_weights():
    weights = np.array([0.0, 1.0, 3.0, 0.0])
    chosen = [kernels.pick(u, weights) for u in np.linspace(0, 1, 4001)[:-1]]
    assert set(chosen) == {1, 2}
    assert np.mean(np.array(chosen) == 2) == pytest.approx(0.75, abs=0.001)
    assert kernels.pick(0.999999, weights) == 2
    assert kernels.pick(0.5, np.zeros(3)) == -1


def test_months_keep_the_mean():
    levels = (np.arange(10_000) + 0.5) / 10_000
    months = [kernels.months_until(64.0, u) for u in levels]
    assert np.mean(months) == pytest.approx(64.0 / 30.4375, rel=1e-3)
