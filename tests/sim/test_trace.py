"""A council's history agrees with the run it comes from."""

from __future__ import annotations

import numpy as np
import pytest

import params
import sim
from params import InputError

pytestmark = pytest.mark.behaviour
HULL = "E06000010"


def test_the_history_agrees_with_the_run(steady_intake):
    history = sim.trace(params.load(), steady_intake(18), seed=4, council=HULL)
    run = sim.simulate(params.load(), steady_intake(18), seed=4).sel(council=HULL)
    np.testing.assert_array_equal(history["beds_opened"], run.beds_opened_in_month)
    np.testing.assert_array_equal(
        history["people_dispersal"], run.supported_at_month_end.sel(accommodation="dispersal")[1:]
    )
    np.testing.assert_allclose(history["grant"], run.grant_in_month, rtol=1e-6)
    answered = history[history["beds_answered"] > 0]
    assert set(answered["answer"]) <= {"accepted", "objected"} and len(answered)
    assert ((answered["answer"] == "objected") == (answered["reason"] != "")).all()


def test_an_unknown_council_names_the_nearest(steady_intake):
    with pytest.raises(InputError, match=r"E0600001X is not a council code\. Nearest: E0600"):
        sim.trace(params.load(), steady_intake(1), seed=1, council="E0600001X")
