"""Local intelligence in the model: what a rule changes, from when, and nothing before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import xarray as xr

import params
import sim
from params.assumptions import Step
from params.local import Local, Populations, read_rules
from params.register import FOREVER
from sim import equity
from sim.states import Participation

pytestmark = pytest.mark.behaviour
MONTHS, FROM = 20, date(2026, 7, 1)
ABOUT = {"from": FROM, "reason": "to see what it changes", "by": "tester"}
BUSY = "E08000025"  # Birmingham, where proposals come every few months


def with_rule(**rule: object) -> params.Assumptions:
    return replace(params.load(), local=Local(read_rules([ABOUT | rule], "a test")))


@pytest.fixture(scope="module")
def without(steady_intake):
    return sim.simulate(params.load(), steady_intake(MONTHS, 12_000), seed=4)


def run(steady_intake, **rule: object) -> xr.Dataset:
    return sim.simulate(with_rule(**rule), steady_intake(MONTHS, 12_000), seed=4)


def same_before(one: xr.Dataset, other: xr.Dataset) -> bool:
    before = dict(month=slice(None, "2026-06"), month_end=slice(None, "2026-06-30"))
    return one.sel(before).equals(other.sel(before))


def test_a_pause_stops_proposals_until_it_ends(steady_intake, without):
    paused = run(steady_intake, council=BUSY, set="pause", until=date(2027, 1, 1))
    proposed = paused["beds_proposed_in_month"].sel(council=BUSY)
    assert int(proposed.sel(month=slice("2026-07", "2026-12")).sum()) == 0
    assert int(without["beds_proposed_in_month"].sel(council=BUSY, month=slice("2026-07", "2026-12")).sum()) > 0
    assert int(proposed.sel(month=slice("2027-01", None)).sum()) > 0
    assert same_before(paused, without) and not paused.equals(without)


@pytest.mark.parametrize("hard", [True, False])
def test_nobody_is_placed_above_a_maximum_and_nobody_is_moved_out(steady_intake, without, hard):
    held = float(without["supported_at_month_end"].sel(council=BUSY, accommodation="dispersal").isel(month_end=6))
    rule = with_rule(council=BUSY, set="maximum", value=held - 50)
    rule = replace(params.load(overrides={"placement.cluster_hard": hard}), local=rule.local)
    limited = sim.simulate(rule, steady_intake(MONTHS, 12_000), seed=4)
    people = limited["supported_at_month_end"].sel(council=BUSY, accommodation="dispersal").to_numpy()[6:]
    above = people[1:] > held - 50
    assert not (above & (np.diff(people) > 0)).any(), "someone was placed above the maximum"
    assert people[1] > held - 120, "people were moved out at once"


def test_a_weight_of_zero_makes_a_council_the_last_choice(steady_intake, without):
    last = run(steady_intake, council=BUSY, set="weight", value=0)
    assert int(last["beds_proposed_in_month"].sel(council=BUSY, month=slice("2026-07", None)).sum()) == 0
    people = [one["supported_at_month_end"].sel(council=BUSY, accommodation="dispersal") for one in (last, without)]
    assert int(people[0].isel(month_end=-1)) < int(people[1].isel(month_end=-1))
    assert same_before(last, without)


def test_a_held_participation_stays_until_it_ends(steady_intake, without):
    out = run(steady_intake, council=BUSY, set="participation", value="withdrawn", until=date(2027, 2, 1))
    state = out["participation_at_month_end"].sel(council=BUSY).to_numpy()
    assert (state[7:14] == Participation.WITHDRAWN).all() and state[6] != Participation.WITHDRAWN
    assert int(out["beds_proposed_in_month"].sel(council=BUSY, month=slice("2026-07", "2027-01")).sum()) == 0


def test_the_limit_may_rest_on_the_2001_census(steady_intake):
    residents = params.reference("councils")["population"].to_numpy(float)
    chosen = params.load(overrides={"placement.cluster_limit": 0.001, "placement.cluster_hard": True})
    small = Populations("0" * 64, {"population_2001": tuple(residents * 0.5)})
    step = (Step(FOREVER, "census_2001", False),)
    steps = dict(chosen.steps) | {"placement.cluster_denominator": step}
    halved = replace(chosen, steps=steps, local=Local(populations=small))
    run = sim.simulate(halved, steady_intake(6), seed=2)
    people = run["supported_at_month_end"].sel(accommodation="dispersal").to_numpy()
    above = people[1:] > np.floor(residents * 0.5 * 0.001)
    assert not (above & (np.diff(people, axis=0) > 0)).any()
    latest = sim.simulate(chosen, steady_intake(6), seed=2)
    assert not latest.equals(run)


def test_a_known_child_population_sets_the_threshold(steady_intake):
    residents = params.reference("councils")["population"].to_numpy(float)
    few = Populations("0" * 64, {"child_population": tuple(np.round(residents * 0.06))})
    step = (Step(FOREVER, "local_file", False),)
    base = params.load()
    known = replace(base, steps=dict(base.steps) | {"children.population": step}, local=Local(populations=few))
    counts = [
        sim.simulate(a, steady_intake(6), seed=2)["authorities_at_transfer_threshold_at_month_end"].to_numpy()[-1]
        for a in (base, known)
    ]
    assert counts[1] > counts[0], "fewer children, a lower threshold, more authorities at it"


def test_the_pace_of_change_counts_only_with_a_weight(steady_intake):
    councils = params.reference("councils")
    gained = np.where(np.arange(len(councils)) == 5, 0.01, 0.0)
    plain = params.load().at(FROM)
    reasoned = {"value": 0.5, "reason": "to see what it changes", "by": "tester"}
    weighed = params.load(overrides={"equity.cohesion": reasoned}).at(FROM)
    base = equity.index_weight(councils, plain, gained)
    np.testing.assert_array_equal(base, equity.index_weight(councils, plain))
    changed = equity.index_weight(councils, weighed, gained)
    assert changed[5] < base[5] and (changed[:5] > base[:5]).all()
