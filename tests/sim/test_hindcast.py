"""Runs from a past quarter end: what is given, what was known, and how wide the answer is."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
import sim
from params.register import read_toml
from sim.hindcast import (
    PRIORS,
    given_flows,
    has_flows,
    known_at,
    later_names,
    published_flows,
    quarters_after,
    simulate_ensemble,
)
from sim.predictive import ERRORS, known_errors, places, quantiles, spread, widened
from sim.starts import KINDS, fitted

LEVELS = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
HOTEL = KINDS.index("contingency_hotel")


@pytest.fixture(scope="module")
def ensemble():
    return simulate_ensemble("2023-09-30", 3, 8, seed=1)


@pytest.mark.behaviour
def test_a_conditional_run_gets_the_flows_that_happened():
    overrides, intake = given_flows("2023-06-30", 12)
    run = sim.simulate(params.load(overrides=overrides), intake, seed=1, start="2023-06-30")
    flows = published_flows().loc[quarters_after(date(2023, 6, 30), 4)]
    by_quarter = run.decisions_in_month.values.reshape(4, 3, -1).sum(axis=1)
    np.testing.assert_array_equal(run.claims_in_month.values.reshape(4, 3).sum(axis=1), flows["people"])
    np.testing.assert_allclose(by_quarter.sum(axis=1), flows["outcomes"], atol=6)
    np.testing.assert_allclose(by_quarter[:, 0], flows["grants"], rtol=0.05)
    np.testing.assert_allclose(
        run.appeals_decided_in_month.values.reshape(4, 3).sum(axis=1), flows["disposals"], atol=3
    )
    lodged = run.appeals_lodged_in_month + run.appeals_unexplained_in_month
    expected = flows["receipts"] + 0.07 * flows["disposals"]
    np.testing.assert_allclose(lodged.values.reshape(4, 3).sum(axis=1), expected, rtol=0.06)


@pytest.mark.unit
def test_flows_that_are_not_published_are_refused():
    assert has_flows(date(2025, 9, 30), 1)
    assert not has_flows(date(2025, 9, 30), 2)
    with pytest.raises(params.InputError, match="2026-03-31 are not published"):
        given_flows("2025-12-31", 3)


@pytest.mark.unit
def test_what_was_measured_later_is_replaced_by_a_wider_prior():
    base = params.load()
    then, replaced = known_at(base, date(2022, 12, 31))
    assert set(replaced) == set(later_names(date(2022, 12, 31))) == set(read_toml(PRIORS))
    hazard = [then.with_draw(k, 201, 1).value("procurement.entry_hazard", date(2023, 1, 1)) for k in range(1, 201)]
    entry = base.entries["procurement.entry_hazard"]
    assert min(hazard) < entry.low and max(hazard) > entry.high
    now, none = known_at(base, date(2025, 12, 31))
    assert not none and now.canonical() == base.canonical()


@pytest.mark.unit
def test_what_a_user_sets_stays_set():
    set_ = params.load(overrides={"procurement.handback_rate": 0.02})
    then, replaced = known_at(set_, date(2022, 12, 31))
    assert "procurement.handback_rate" not in replaced
    assert then.with_draw(3, 5, 1).value("procurement.handback_rate", date(2023, 1, 1)) == 0.02


@pytest.mark.unit
def test_errors_look_no_further_than_the_start():
    assert not known_errors(date(2022, 12, 31))
    seen = known_errors(date(2023, 9, 30))["dispersal"]
    assert sorted(seen.changes) == [1, 2, 3]
    assert set(known_errors(date(2023, 12, 31))["subsistence"].changes) == set(seen.changes)


@pytest.mark.unit
def test_the_expected_spread_falls_with_size_and_grows_with_time():
    prior = read_toml(ERRORS)["dispersal"]
    for seen in (None, known_errors(date(2024, 9, 30))["dispersal"]):
        one, four = (spread(np.array([10.0, 150.0, 3000.0]), ahead, prior, seen) for ahead in (1, 4))
        assert (np.diff(one) < 0).all() and (four > one).all()


@pytest.mark.behaviour
def test_quantiles_are_monotone_and_cover_every_place(ensemble):
    found, where = quantiles(ensemble, LEVELS), places()
    assert found.shape == (3, len(where.code), len(KINDS) + 2, LEVELS.size)
    assert where.level.count("council") == 361
    assert (np.diff(found, axis=-1) >= 0).all() and found.min() >= 0
    assert ensemble.conditional and not ensemble.in_sample and len(ensemble.replaced) > 20


@pytest.mark.behaviour
def test_hotels_are_a_mixture_of_closing_and_change(ensemble):
    before = ensemble.before[:, HOTEL]
    large = before > 100
    left = list(widened(ensemble, 64, seed=1))[-1][:, large, HOTEL] / before[large]
    shut = (left == 0).mean()
    assert 0.01 < shut < 0.9
    # Between closed and little changed there are few: two lumps, not one bell.
    assert ((left > 0) & (left < 0.15)).mean() < shut


@pytest.mark.behaviour
def test_noise_keeps_national_totals_and_puts_nobody_in_an_empty_place(ensemble):
    for quarter, people in enumerate(widened(ensemble, 16, seed=1)):
        simulated = ensemble.people[:, quarter].sum(axis=1)
        dispersal = KINDS.index("dispersal")
        kept = people[:, :, dispersal].sum(axis=1).reshape(-1, 16)
        np.testing.assert_allclose(kept, np.repeat(simulated[:, [dispersal]], 16, axis=1), rtol=0.005)
        nobody = (ensemble.people[:, quarter] == 0).all(axis=0) & (ensemble.before == 0)
        assert people[:, nobody].max(initial=0) == 0


@pytest.mark.unit
def test_fitting_meets_both_margins_exactly():
    rng = np.random.default_rng(1)
    seed = rng.poisson(3, (40, 4)).astype(float)
    seed[3] = 0
    truth = rng.poisson(5, (40, 4))
    truth[7] = 0
    found = fitted(seed, truth.sum(axis=1), truth.sum(axis=0))
    np.testing.assert_array_equal(found.sum(axis=1), truth.sum(axis=1))
    np.testing.assert_array_equal(found.sum(axis=0), truth.sum(axis=0))
    assert found.min() >= 0


@pytest.mark.behaviour
def test_an_unconditional_run_takes_the_paths_it_is_given():
    import xarray as xr

    month = np.arange("2024-10", "2025-01", dtype="datetime64[M]").astype("datetime64[ns]")
    few, many = (
        simulate_ensemble(
            "2024-09-30", 1, 4, 1, xr.DataArray(np.full((2, 3), n), {"month": month}, dims=("path", "month"))
        )
        for n in (1000, 20000)
    )
    assert not few.conditional and few.status == "subsistence_estimated"
    assert (many.people.sum(axis=(1, 2, 3)) > few.people.sum(axis=(1, 2, 3))).all()
