"""Arms are paired: same numbers for the same seed, and no difference before a policy differs."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import params
import sim
from sim.states import Barrier

pytestmark = pytest.mark.behaviour
MONTHS = 24


@pytest.fixture(scope="module")
def baseline(steady_intake):
    return sim.simulate(params.load("current_grant"), steady_intake(MONTHS), seed=7)


def test_the_same_seed_gives_the_same_numbers(baseline, steady_intake):
    again = sim.simulate(params.load("current_grant"), steady_intake(MONTHS), seed=7)
    xr.testing.assert_identical(baseline, again)


def test_another_seed_gives_other_numbers(baseline, steady_intake):
    other = sim.simulate(params.load("current_grant"), steady_intake(MONTHS), seed=8)
    assert not baseline.supported_at_month_end.equals(other.supported_at_month_end)


@pytest.mark.parametrize("arm", ["no_grant", "full_cost_recovery", "capacity_first"])
def test_an_arm_is_identical_to_its_baseline_until_its_policy_starts(arm, baseline, steady_intake):
    other = sim.simulate(params.load(arm), steady_intake(MONTHS), seed=7)
    before = dict(month=slice(None, "2027-03"), month_end=slice(None, "2027-03-31"))
    xr.testing.assert_equal(baseline.sel(before), other.sel(before))
    assert not baseline.equals(other), "the policy changed nothing"


@pytest.mark.parametrize(
    ("switch", "variable"),
    [
        ("grant_to_capacity", "service_pressure_at_month_end"),
        ("capacity_to_consent", "willingness_at_month_end"),
        ("consent_to_beds", "beds_dropped_in_month"),
        ("hotels_to_trust", "willingness_at_month_end"),
        ("rent_to_handbacks", "beds_handed_back_in_month"),
    ],
)
def test_each_feedback_can_be_switched_off(switch, variable, steady_intake):
    intake = steady_intake(MONTHS, 12_000)  # enough people that hotels open, some without notice
    on = sim.simulate(params.load(), intake, seed=7)
    off = sim.simulate(params.load(overrides={f"feedback.{switch}": False}), intake, seed=7)
    assert not on[variable].equals(off[variable])


def test_intake_moves_nothing_before_the_people_arrive(steady_intake):
    low, high = steady_intake(8), steady_intake(8)
    high[5] = 20_000
    pair = [sim.simulate(params.load(), intake, seed=2) for intake in (low, high)]
    before = dict(month=slice(None, 5), month_end=slice(None, 6))
    xr.testing.assert_equal(pair[0].isel(before), pair[1].isel(before))


def test_a_rule_can_be_replaced_in_a_line(baseline, steady_intake):
    def always_objects(councils, now):
        return np.ones(councils.count)

    rules = sim.Rules(objection_chance=always_objects)
    run = sim.simulate(params.load("current_grant"), steady_intake(MONTHS), seed=7, rules=rules)
    answered = run.objections_in_month.sum()
    assert float(answered) > 1.5 * float(baseline.objections_in_month.sum())
    assert run.sizes["barrier"] == len(Barrier)


def test_results_do_not_depend_on_what_ran_before(baseline, steady_intake):
    sim.simulate(params.load("no_grant"), steady_intake(6), seed=99)
    again = sim.simulate(params.load("current_grant"), steady_intake(MONTHS), seed=7)
    xr.testing.assert_identical(baseline, again)
