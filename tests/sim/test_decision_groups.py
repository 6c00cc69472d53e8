"""Decision groups of those who claim set outcomes, and nothing about where anyone lives."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import params
import sim
from params import InputError

pytestmark = pytest.mark.behaviour
GROUPS = ["high", "mixed", "low"]


def of_one_group(steady_intake, group, months=18):
    total = steady_intake(months)
    return xr.concat([total * (g == group) for g in GROUPS], xr.IndexVariable("group", GROUPS)).transpose()


def test_a_group_with_more_grants_is_granted_more(steady_intake):
    shares = {}
    for group in GROUPS:
        run = sim.simulate(params.load(), of_one_group(steady_intake, group), seed=1)
        last = run.decisions_in_month.isel(month=slice(-3, None)).sum("month")
        shares[group] = float(last.sel(outcome="granted") / last.sum())
    assert shares["high"] > shares["mixed"] > shares["low"]


def test_groups_add_up_to_the_claims(steady_intake):
    path = of_one_group(steady_intake, "high", 3)
    run = sim.simulate(params.load(), path, seed=1)
    np.testing.assert_array_equal(run.claims_in_month, steady_intake(3))


def test_where_people_are_placed_does_not_depend_on_their_group(steady_intake):
    undecided = params.load(overrides={"decisions.capacity": 0})  # a decision is all that a group may change
    runs = [sim.simulate(undecided, of_one_group(steady_intake, g, 6), seed=1) for g in ("high", "low")]
    xr.testing.assert_equal(*(r.supported_at_month_end for r in runs))


def test_unknown_groups_are_an_error(steady_intake):
    path = of_one_group(steady_intake, "high", 2).assign_coords(group=["high", "mixed", "lower"])
    with pytest.raises(InputError, match="group must hold high, mixed, low"):
        sim.simulate(params.load(), path, seed=1)
