"""How councils answer proposals, and what becomes of the homes."""

from __future__ import annotations

import numpy as np
import pytest

import params
from sim.consultation import DRAWN, LONGEST_LAG, answer
from sim.council import objection_weights
from sim.numbers import numbers
from sim.randomness import Draws
from sim.run import councils_at
from sim.starts import published_start
from sim.states import Barrier

pytestmark = pytest.mark.behaviour
ASKED = 40  # beds proposed to every council
TICKS = 200


@pytest.fixture
def councils():
    """Councils under some pressure, none of them waiting for its first homes."""
    councils = councils_at(published_start("2025-12-31"))
    councils.pressure[:], councils.funded[:], councils.willingness[:] = 1.3, 0.4, 0.5
    councils.beds = np.maximum(councils.beds, 1)
    return councils


def now(**changes):
    overrides = {name.replace("__", "."): value for name, value in changes.items()}
    return params.load(overrides=overrides).at(published_start("2025-12-31").day)


def asked(councils, now, chance: float, beds=None):
    """Answers of many months, (tick, council) each: objects, dropped, reason, kept, months until they open."""
    beds = np.full(councils.count, ASKED) if beds is None else beds
    rows, found = councils.under(now), []
    for tick in range(TICKS):
        councils.coming = beds
        answer(rows, beds, np.full(councils.count, chance), numbers(now), Draws(1).keys(DRAWN), tick)
        np.testing.assert_array_equal(councils.answered, beds)
        np.testing.assert_array_equal(councils.coming, councils.kept, "on their way: what goes ahead, and no more")
        found.append(rows[["objects", "dropped", "reason", "kept", "opens_in"]].copy())
    answers = np.array(found)
    return [answers[name] for name in answers.dtype.names]


def test_only_councils_that_were_asked_answer(councils):
    beds = np.zeros(councils.count, np.int64)
    beds[7] = ASKED
    objects, dropped, _, kept, lag = asked(councils, now(), 1.0, beds)
    assert objects[:, 7].all()
    for column in (objects, dropped, kept, lag):
        assert not np.delete(column, 7, axis=1).any()


def test_homes_are_dropped_only_after_an_objection_and_as_often_as_assumed(councils):
    objects, dropped, _, kept, _ = asked(councils, now(), 0.3)
    assert objects.mean() == pytest.approx(0.3, abs=0.01)
    assert not (dropped & ~objects).any() and not kept[dropped].any()
    assert dropped[objects].mean() == pytest.approx(1 - now().consultation.proceed, abs=0.02)
    assert not asked(councils, now(feedback__consent_to_beds=False), 0.3)[1].any(), "consent does not matter"


def test_reasons_follow_what_presses(councils):
    objects, _, reasons, _, _ = asked(councils, now(), 1.0)
    assert objects.all()
    weights = np.array([objection_weights(row, numbers(now())[0]) for row in councils.under(now())])
    expected = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    given = np.bincount(reasons.ravel(), minlength=len(Barrier)) / reasons.size
    np.testing.assert_allclose(given, expected, atol=0.01)


def test_what_goes_ahead_opens_after_its_lag_and_at_the_assumed_rate_of_delivery(councils):
    own = now()
    *_, kept, lag = asked(councils, own, 0.0)
    assert kept.mean() == pytest.approx(ASKED * own.procurement.delivery, rel=0.01)
    usual = own.procurement.opening_lag + own.consultation.conditions * own.consultation.conditions_lag
    assert lag.min() >= 1 and lag.max() < 2 * LONGEST_LAG
    assert lag.mean() == pytest.approx(usual, rel=0.05)
    objecting = asked(councils, now(consultation__proceed=1.0), 1.0)[-1]
    assert objecting.mean() > lag.mean(), "an objection that is overcome takes longer"


def test_first_homes_of_a_rural_council_wait_for_what_people_will_need(councils):
    councils.beds[councils.rural] = 0
    lag = asked(councils, now(procurement__rural_setup_lag=7.0), 0.0)[-1].mean(axis=0)
    assert lag[councils.rural].mean() - lag[~councils.rural].mean() == pytest.approx(7, abs=0.3)
