"""The scores agree with an independent implementation and with what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, ttest_1samp

from forecasts import scores
from forecasts.quantiles import LEVELS, of_samples, table

pytestmark = pytest.mark.unit


def forecasts_and_outturns(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = np.sort(rng.lognormal(9, 0.6, (60, 23)), axis=1)
    return values, rng.lognormal(9, 0.8, 60)


@pytest.mark.parametrize("scale", ["natural", "log"])
def test_wis_agrees_with_scoringrules(scale: str) -> None:
    values, observed = forecasts_and_outturns(1)
    if scale == "log":
        ours = scores.log_score(values, observed)
        values, observed = np.log1p(values), np.log1p(observed)
    else:
        ours = scores.weighted_interval_score(values, observed)
    median, lower, upper = values[:, 11], values[:, :11], values[:, :11:-1]
    theirs = scoringrules.weighted_interval_score(observed, median, lower, upper, 2 * LEVELS[:11])
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_wis_is_twice_the_mean_pinball_loss_of_scoringrules() -> None:
    values, observed = forecasts_and_outturns(2)
    pinball = scoringrules.quantile_score(observed[:, None], values, LEVELS)
    np.testing.assert_allclose(scores.weighted_interval_score(values, observed), 2 * pinball.mean(axis=1), rtol=1e-10)


def test_wis_by_hand() -> None:
    # One interval from 10 to 30 at 80% and a median of 20; outturn 40: (2/3)(.1 x 30 + .5 x 20 + .9 x 10).
    found = scores.weighted_interval_score(np.array([10.0, 20.0, 30.0]), np.array(40.0), np.array([0.1, 0.5, 0.9]))
    assert found == pytest.approx(2 / 3 * (3 + 10 + 9))


def test_a_sure_and_right_forecast_scores_nothing() -> None:
    assert scores.weighted_interval_score(np.full((1, 23), 7.0), np.array([7.0]))[0] == 0


@pytest.mark.parametrize(("nominal", "low", "high"), [(0.5, 0.25, 0.75), (0.8, 0.1, 0.9), (0.95, 0.025, 0.975)])
def test_inside_uses_the_ends_of_the_interval(nominal: float, low: float, high: float) -> None:
    values = np.tile(LEVELS * 1000, (4, 1))
    observed = 1000 * np.array([low, high, low - 0.001, high + 0.001])
    assert scores.inside(values, observed, nominal).tolist() == [True, True, False, False]


def test_an_interval_without_its_levels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs the level 0\.15"):
        scores.inside(np.zeros((1, 3)), np.zeros(1), 0.7, np.array([0.1, 0.5, 0.9]))


def test_the_yardstick_is_a_log_random_walk() -> None:
    rng = np.random.default_rng(4)
    logs = np.log(5000) + np.cumsum(0.2 * rng.standard_normal(50))
    history = pd.Series(np.expm1(logs), index=pd.period_range("2010Q1", periods=50, freq="Q"))
    found = np.log1p(scores.log_random_walk(history, 12))
    np.testing.assert_allclose(found[:, 11], logs[-1])
    spread = (found[:, 20] - found[:, 11]) / 1.6448536
    expected = np.sqrt(np.mean(np.diff(logs) ** 2) * np.arange(1, 13))
    np.testing.assert_allclose(spread, expected, rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_quantiles_never_cross(values: list[float]) -> None:
    found = of_samples(np.array(values)[:, None])
    assert found.shape == (1, 23)
    assert (np.diff(found) >= 0).all()
    assert found.min() >= min(values)
    assert found.max() <= max(values)


def test_the_table_has_one_row_for_each_quarter_and_level() -> None:
    rows = table(np.arange(46.0).reshape(2, 23), pd.Period("2019Q4", freq="Q"), "claims")
    assert len(rows) == 46
    last = rows.iloc[-1]
    assert (last["origin"], last["target_quarter"], last["quantile"], last["value"]) == (
        "2019Q4",
        "2020Q2",
        0.99,
        45.0,
    )


def test_outturns_of_an_honest_forecast_spread_evenly() -> None:
    rng = np.random.default_rng(5)
    centre = rng.normal(100, 20, 4000)
    values = centre[:, None] + 10 * norm.ppf(LEVELS)
    places = scores.probability_transform(values, centre + 10 * rng.standard_normal(4000))
    share = np.histogram(places, bins=np.linspace(0, 1, 11))[0] / 4000
    np.testing.assert_allclose(share, 0.1, atol=0.02)


def test_the_place_of_an_outturn_by_hand() -> None:
    values = np.tile(LEVELS * 100, (5, 1))
    places = scores.probability_transform(values, np.array([0.0, 1.0, 47.5, 99.0, 500.0]))
    np.testing.assert_allclose(places, [0.005, 0.01, 0.475, 0.995, 0.995])
    # All quantiles alike, as for a count that is nearly always 0: the outturn is above all of them or below.
    flat = scores.probability_transform(np.zeros((2, 23)), np.array([0.0, 1.0]))
    np.testing.assert_allclose(flat, 0.995)


def test_diebold_mariano_of_one_step_is_a_t_test() -> None:
    difference = np.random.default_rng(6).normal(-0.2, 1, 40)
    assert scores.diebold_mariano(difference, 1) == pytest.approx(ttest_1samp(difference, 0).statistic)


def test_diebold_mariano_allows_for_overlap_and_says_when_it_cannot_tell() -> None:
    rng = np.random.default_rng(7)
    smooth = np.convolve(rng.normal(-0.3, 1, 110), np.ones(8) / 8, "valid")
    assert abs(scores.diebold_mariano(smooth, 8)) < 0.6 * abs(scores.diebold_mariano(smooth, 1))
    assert np.isnan(scores.diebold_mariano(smooth[:7], 1))
    assert np.isnan(scores.diebold_mariano(np.zeros(30), 1))


def test_the_interval_of_a_skill_covers_it() -> None:
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        yardstick = rng.gamma(4, 1, 60)
        low, high = scores.skill_interval(0.8 * yardstick * rng.gamma(20, 1 / 20, 60), yardstick, 4, rng, 300)
        hits += low <= 0.2 <= high
    assert 80 <= hits <= 99
    assert np.isnan(scores.skill_interval(np.ones(1), np.ones(1), 4, np.random.default_rng(1))).all()
