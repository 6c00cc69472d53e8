"""Directions that theory fixes, on averages over paired replications."""

from __future__ import annotations

import numpy as np
import pytest

import params
import sim

pytestmark = pytest.mark.behaviour
SEEDS = range(6)


def mean_of(measure, steady_intake, scenario="central", months=36, people=8000, **overrides):
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    assumptions = params.load(scenario, named)
    return np.array([float(measure(sim.simulate(assumptions, steady_intake(months, people), s))) for s in SEEDS])


def test_more_decision_capacity_never_lengthens_the_queue(steady_intake):
    def queue(run):
        return run.awaiting_at_month_end.isel(month_end=-1)

    low = mean_of(queue, steady_intake, months=18, decisions__capacity=7_000)
    high = mean_of(queue, steady_intake, months=18, decisions__capacity=11_000)
    assert (high <= low).all()


def test_full_funding_never_yields_fewer_beds_or_more_pressure_than_none(steady_intake):
    def beds(run):
        return run.beds_at_month_end.isel(month_end=-1).sum()

    def pressure(run):
        weight = run.supported_at_month_end.isel(month_end=-1).sum("accommodation")
        return run.service_pressure_at_month_end.isel(month_end=-1).mean("service").weighted(weight).mean()

    none = mean_of(beds, steady_intake, "no_grant", months=51)
    full = mean_of(beds, steady_intake, "full_cost_recovery", months=51)
    assert full.mean() > none.mean()
    strained = mean_of(pressure, steady_intake, "no_grant", months=51)
    eased = mean_of(pressure, steady_intake, "full_cost_recovery", months=51)
    assert (eased < strained).all()


def test_full_cost_recovery_leaves_no_gap_and_no_grant_pays_nothing(steady_intake):
    def gap(run):
        year = dict(month=slice("2028-04", "2029-03"))
        cost = run.council_gross_cost_in_month.sel(year).sum()
        return (cost - run.grant_in_month.sel(year).sum()) / cost

    np.testing.assert_allclose(mean_of(gap, steady_intake, "full_cost_recovery", months=40), 0.0, atol=1e-5)
    np.testing.assert_allclose(mean_of(gap, steady_intake, "no_grant", months=40), 1.0)


def test_a_longer_notice_period_keeps_more_people_on_support(steady_intake):
    def supported(run):
        return run.supported_at_month_end.isel(month_end=-1).sum()

    # From a date after the start: the stock of people in their notice period at the start is what it was.
    def notice(days):
        return {f"decisions__{name}@2026-04-01": days for name in ("notice_days", "notice_days_families")}

    short = mean_of(supported, steady_intake, months=12, **notice(28))
    long = mean_of(supported, steady_intake, months=12, **notice(56))
    assert (long > short).all()


def test_nobody_arriving_empties_the_hotels(steady_intake):
    def hotels(run):
        return run.supported_at_month_end.sel(accommodation="contingency_hotel").isel(month_end=-1).sum()

    assert mean_of(hotels, steady_intake, months=30, people=0).max() == 0


def test_the_first_queue_waits_as_littles_law_says_when_it_is_steady(steady_intake):
    def wait(run):
        """Months of claims in the queue, over the last year of a long steady run."""
        return run.awaiting_at_month_end.isel(month_end=slice(-12, None)).mean() / 8000

    # In a steady state that the queue cap rules, the queue left at a month's end is claims x (1 - cap) / cap.
    cap = params.load().at(np.datetime64("2030-01-01").item()).decisions.queue_cap
    assert mean_of(wait, steady_intake, months=48).mean() == pytest.approx((1 - cap) / cap, rel=0.02)
