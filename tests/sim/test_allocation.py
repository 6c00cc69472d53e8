"""Allocation rules steer people and proposals, and never look at who the people are."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import params
import sim
from sim import allocation, equity

pytestmark = pytest.mark.behaviour


@pytest.fixture(scope="module")
def gap_by_rule(steady_intake):
    """Share gap of dispersal accommodation between councils after four years, by rule, mean of three seeds."""
    found = {}
    for rule in allocation.RULES:
        assumptions = params.load(overrides={"placement.rule": rule, "placement.steering": 1.0})
        gaps = []
        for seed in range(3):
            run = sim.simulate(assumptions, steady_intake(48), seed=seed)
            people = run.supported_at_month_end.sel(accommodation="dispersal").isel(month_end=-1)
            gaps.append(equity.share_gap(people.to_numpy().astype(float), run.population.to_numpy().astype(float)))
        found[rule] = float(np.mean(gaps))
    return found


def test_rules_that_aim_at_population_come_closer_to_it_than_the_status_quo(gap_by_rule):
    assert gap_by_rule["population_share"] < gap_by_rule["status_quo"]
    assert gap_by_rule["equity_lp"] < gap_by_rule["status_quo"]


def test_every_rule_in_the_register_exists():
    entry = params.load().entries["placement.rule"]
    assert set(entry.choices) == set(allocation.RULES)


def test_no_rule_reads_anything_about_people_but_their_number():
    source = inspect.getsource(allocation) + inspect.getsource(equity)
    for word in ("nationality", "religion", "ethnicity", "decision_group"):
        assert word not in source
