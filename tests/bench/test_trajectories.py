"""Compiled, readable, plain-Mesa and C rules for households make the same history, month by month."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from c_kernel import NO_COMPILER, CHouseholds, available
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_mesa import PlainMesa
from readable import Readable

import params
import sim
from sim.model import Start
from sim.recorder import VARIABLES
from sim.run import prepare

pytestmark = pytest.mark.behaviour
FORMS = {"readable": Readable, "plain Mesa": PlainMesa, "C": CHouseholds.of}


def small(part: int) -> Start:
    """The published start, divided."""
    start = sim.published_start("2025-12-31")
    return replace(
        start,
        stock=start.stock // part,
        national={name: value // part for name, value in start.national.items()},
        baseline=start.baseline // part,
    )


def assert_same_history(form: str, assumptions, intake, seed: int, start) -> None:
    if form == "C" and not available():
        pytest.skip(NO_COMPILER)
    fast, other = (prepare(assumptions, intake, seed, start) for _ in range(2))
    other.households = FORMS[form](other.households)
    for _ in range(intake.size):
        for model in (fast, other):
            model.run_for(1)
        month = f"{form} differs in {fast.calendar[fast.month]}"
        assert fast.counts == other.counts, month
        np.testing.assert_array_equal(fast.households.occupied, other.households.occupied, month)
        np.testing.assert_array_equal(fast.present, other.present, month)
        np.testing.assert_array_equal(fast.households.live(), other.households.live(), month)
    for name in VARIABLES:
        np.testing.assert_array_equal(fast.recorder[name], other.recorder[name], f"{name} of {form}")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_makes_the_same_history(form, steady_intake):
    assert_same_history(form, params.load(), steady_intake(3, 1000), 5, small(8))


@settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    part=st.integers(60, 400),
    seed=st.integers(0, 2**62),
    claims=st.integers(0, 300),
    capacity=st.integers(0, 400),
    appeals=st.integers(0, 120),
    rule=st.sampled_from(["status_quo", "index", "equity_lp"]),
    draw=st.integers(0, 9),
)
def test_small_cases_agree_whatever_the_queues_and_rules(
    steady_intake, part, seed, claims, capacity, appeals, rule, draw
):
    changed = {"decisions.capacity": capacity, "appeals.capacity": appeals, "placement.rule": rule}
    assumptions = params.load(overrides=changed).with_draw(draw, 10, 3)
    for form in FORMS:
        if form != "C" or available():
            assert_same_history(form, assumptions, steady_intake(4, claims), seed, small(part))
