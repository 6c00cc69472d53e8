"""Each member draws what its description says, never looks past the origin, and says when it cannot model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import params
from forecasts.members import MEMBERS, ForecastWarning, Settings, seasonal_factors
from forecasts.pool import draw, mix
from params import InputError

pytestmark = pytest.mark.unit

EVERY = pytest.mark.parametrize("name", list(MEMBERS))


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.read(date(2025, 12, 31))


def history(values: np.ndarray | list[float], first: str = "2002Q1") -> pd.Series:
    index = pd.period_range(first, periods=len(values), freq="Q")
    return pd.Series(np.asarray(values, dtype=float), index=index, name="claims")


def walk(quarters: int, volatility: float, seed: int, season: tuple[float, ...] = (0, 0, 0, 0)) -> pd.Series:
    """A log random walk of a known volatility with a known season, from about 20,000 people."""
    rng = np.random.default_rng(seed)
    level = np.log(20_000) + np.cumsum(volatility * rng.standard_normal(quarters))
    return history(np.expm1(level + np.resize(season, quarters)))


@EVERY
def test_paths_have_the_asked_shape_and_are_never_negative(name: str, settings: Settings) -> None:
    # Values near zero and jumps from it are where a careless log scale goes below zero.
    values = np.random.default_rng(3).poisson(0.7, 40)
    drawn = MEMBERS[name](history(values), 9, 250, np.random.default_rng(1), settings)
    assert drawn.shape == (250, 9)
    assert np.isfinite(drawn).all()
    assert drawn.min() >= 0


@EVERY
def test_uncertainty_keeps_growing_beyond_twelve_quarters(name: str, settings: Settings) -> None:
    drawn = MEMBERS[name](walk(80, 0.15, 5), 40, 4000, np.random.default_rng(1), settings)
    spread = np.log1p(drawn).std(axis=0)
    assert spread[11] > 1.5 * spread[0]
    assert spread[39] / spread[11] == pytest.approx(np.sqrt(40 / 12), rel=0.2)


def test_the_walk_has_the_volatility_of_a_known_process(settings: Settings) -> None:
    def spread(name: str, seed: int) -> np.ndarray:
        drawn = MEMBERS[name](walk(160, 0.15, seed), 4, 4000, np.random.default_rng(1), settings)
        return np.log1p(drawn).std(axis=0) / np.sqrt(np.arange(1, 5))

    naive = np.mean([spread("naive", seed) for seed in range(20)], axis=0)
    np.testing.assert_allclose(naive, 0.15, rtol=0.05)
    # The larger of recent and long-run volatility lies above the truth on average, by a fifth at most.
    adjusted = np.mean([spread("seasonal_walk", seed) for seed in range(20)], axis=0)
    assert (adjusted > 0.15).all()
    assert (adjusted < 1.2 * 0.15).all()


def test_intervals_cover_a_known_random_walk(settings: Settings) -> None:
    hits: dict[str, list[np.ndarray]] = {"pool": [], "naive": []}
    for seed in range(150):
        whole = walk(100, 0.15, 1000 + seed)
        drawn = draw(whole.iloc[:92], 8, 400, seed, settings)
        outturn = whole.iloc[92:].to_numpy()
        for name, samples in (("pool", drawn.pool), ("naive", drawn.members["naive"])):
            low, high = np.quantile(samples, [0.1, 0.9], axis=0)
            hits[name].append((outturn >= low) & (outturn <= high))
    # 150 origins of 8 dependent quarters: the standard error of a coverage is about .02.
    assert np.mean(hits["naive"]) == pytest.approx(0.80, abs=0.06)
    # Members have t tails of the same variance, whose middle is narrower: .76 of normal changes fall within
    # their 80% interval. Official series have the tails (see the backtest).
    assert np.mean(hits["pool"]) == pytest.approx(0.76, abs=0.06)


@pytest.mark.parametrize("name", [name for name in MEMBERS if name not in ("naive", "seasonal_naive")])
def test_a_known_season_is_found(name: str, settings: Settings) -> None:
    season = (-0.15, -0.10, 0.15, 0.10)
    drawn = MEMBERS[name](walk(80, 0.05, 8, season), 8, 4000, np.random.default_rng(1), settings)
    found = np.median(np.log1p(drawn), axis=0)
    np.testing.assert_allclose(found[:4] - found[:4].mean(), season, atol=0.05)
    np.testing.assert_allclose(found[4:], found[:4], atol=0.03)


def test_seasonal_factors_follow_the_calendar_not_the_first_row(settings: Settings) -> None:
    season = np.array([-0.2, -0.1, 0.2, 0.1])
    for shift, first in enumerate(("2002Q1", "2002Q2", "2002Q3", "2002Q4")):
        given = history(np.expm1(9 + np.resize(np.roll(season, -shift), 40)), first)
        np.testing.assert_allclose(seasonal_factors(given, settings.seasonal_quarters), season, atol=1e-6)


def test_seasonal_naive_repeats_the_last_year(settings: Settings) -> None:
    given = history(np.random.default_rng(2).uniform(900, 1100, 40))
    drawn = MEMBERS["seasonal_naive"](given, 6, 20_000, np.random.default_rng(1), settings)
    last_year = given.iloc[-4:].to_numpy()
    np.testing.assert_allclose(np.median(drawn, axis=0), np.resize(last_year, 6), rtol=0.02)


def test_a_calm_spell_does_not_narrow_the_walk_below_its_long_run(settings: Settings) -> None:
    stormy = np.cumsum(0.3 * np.random.default_rng(4).standard_normal(60))
    calm = stormy[-1] + 0.01 * np.random.default_rng(5).standard_normal(20)
    given = history(np.expm1(9 + np.r_[stormy, calm]))
    drawn = MEMBERS["seasonal_walk"](given, 1, 20_000, np.random.default_rng(1), settings)
    assert np.log1p(drawn).std() > 0.2


def test_an_old_storm_is_forgotten_by_the_seven_year_walk(settings: Settings) -> None:
    stormy = np.cumsum(0.3 * np.random.default_rng(4).standard_normal(60))
    calm = stormy[-1] + np.cumsum(0.02 * np.random.default_rng(5).standard_normal(40))
    given = history(np.expm1(9 + np.r_[stormy, calm]))
    spread = {
        name: np.log1p(MEMBERS[name](given, 1, 20_000, np.random.default_rng(1), settings)).std()
        for name in ("seasonal_walk", "seven_year_walk")
    }
    assert spread["seven_year_walk"] < 0.05 < 0.2 < spread["seasonal_walk"]


def test_smoothing_looks_through_noise_and_follows_a_walk(settings: Settings) -> None:
    rng = np.random.default_rng(11)
    noise = history(np.expm1(9 + 0.2 * rng.standard_normal(80)))
    drawn = MEMBERS["exponential_smoothing"](noise, 8, 20_000, rng, settings)
    assert np.median(np.log1p(drawn), axis=0) == pytest.approx(9, abs=0.1)
    moving = walk(80, 0.2, 12)
    drawn = MEMBERS["exponential_smoothing"](moving, 1, 20_000, rng, settings)
    assert np.median(np.log1p(drawn)) == pytest.approx(np.log1p(moving.iloc[-1]), abs=0.1)


def test_momentum_carries_on_where_changes_persist_and_only_there(settings: Settings) -> None:
    rng = np.random.default_rng(13)
    change = np.zeros(90)
    for quarter in range(1, 90):
        change[quarter] = 0.8 * change[quarter - 1] + 0.03 * rng.standard_normal()
    change[-1] = 0.1
    given = history(np.expm1(9 + np.cumsum(change)))
    ahead = np.median(np.log1p(MEMBERS["momentum"](given, 8, 20_000, rng, settings)), axis=0)
    rise = ahead - np.log1p(given.iloc[-1])
    assert rise[0] == pytest.approx(0.08, abs=0.03)
    assert 0.2 < rise[-1] < 0.45
    plain = walk(90, 0.15, 21)
    still = np.median(np.log1p(MEMBERS["momentum"](plain, 8, 20_000, rng, settings)), axis=0)
    assert still - np.log1p(plain.iloc[-1]) == pytest.approx(0, abs=0.06)


def test_noise_without_a_season_gets_almost_no_factors(settings: Settings) -> None:
    kept = [np.abs(seasonal_factors(walk(60, 0.15, seed), settings.seasonal_quarters)).mean() for seed in range(40)]
    # Averages of ten changes of .15 would leave an echo of about .03 each.
    assert np.mean(kept) < 0.015


def test_no_path_of_the_pool_passes_its_ceiling(settings: Settings) -> None:
    given = history([1.0, 1e6] * 20)
    drawn = draw(given, 12, 2000, 1, settings)
    assert drawn.pool.max() <= settings.largest_growth * (1e6 + 1)
    assert drawn.members["naive"].max() > drawn.pool.max()


def test_a_stormy_spell_widens_the_walk(settings: Settings) -> None:
    given = walk(80, 0.05, 6)
    shaken = given.copy()
    shaken.iloc[-3:] *= [2.0, 0.5, 2.0]
    spread = [
        np.log1p(MEMBERS["seasonal_walk"](h, 1, 20_000, np.random.default_rng(1), settings)).std()
        for h in (given, shaken)
    ]
    assert spread[1] > 3 * spread[0]


@EVERY
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([120.0, 90.0, 100.0], "has 3 quarters, fewer than 12"),
        ([100.0] * 30, "is constant or only repeats its season"),
        ([0.0] * 12, "is constant or only repeats its season"),
        ([10.0, 20.0, 30.0, 40.0] * 6, "is constant or only repeats its season"),
    ],
)
def test_a_short_or_regular_history_gets_a_plain_wide_answer(
    name: str, values: list[float], said: str, settings: Settings
) -> None:
    with pytest.warns(ForecastWarning, match=said):
        drawn = MEMBERS[name](history(values), 5, 4000, np.random.default_rng(1), settings)
    spread = np.log1p(drawn).std(axis=0)
    # Half of a walk from zero is cut at zero, which takes part of its spread.
    share = 0.5 if max(values) == 0 else 0.85
    assert (spread > share * settings.plain_volatility * np.sqrt(np.arange(1, 6))).all()


def test_a_short_history_is_believed_little_by_little(settings: Settings) -> None:
    spread = []
    for quarters in (3, 7, 11):
        calm = history(1000 + np.resize([0.0, 3.0, -2.0, 4.0, 1.0], quarters))
        with pytest.warns(ForecastWarning):
            drawn = MEMBERS["naive"](calm, 1, 20_000, np.random.default_rng(1), settings)
        spread.append(np.log1p(drawn).std())
    assert settings.plain_volatility > spread[0] > spread[1] > spread[2] > settings.plain_volatility / 2


def test_a_plain_answer_to_fractions_is_wide_but_of_their_size(settings: Settings) -> None:
    with pytest.warns(ForecastWarning):
        drawn = MEMBERS["naive"](history([0.01, 0.012, 0.009]), 1, 20_000, np.random.default_rng(1), settings)
    low, high = np.quantile(drawn, [0.1, 0.9])
    assert 0.003 < low < 0.007 < 0.011 < high < 0.02


def test_a_plain_answer_keeps_the_season_that_is_certain(settings: Settings) -> None:
    with pytest.warns(ForecastWarning):
        drawn = MEMBERS["naive"](history([10.0, 20.0, 30.0, 40.0] * 6), 4, 20_000, np.random.default_rng(1), settings)
    np.testing.assert_allclose(np.median(drawn, axis=0), [10, 20, 30, 40], rtol=0.05)


def test_a_fit_that_does_not_converge_is_said_and_draws_the_seasonal_walk(settings: Settings) -> None:
    hurried = replace(settings, fit_iterations=1)
    given = walk(60, 0.15, 7, (-0.1, -0.1, 0.1, 0.1))
    with pytest.warns(ForecastWarning, match="did not converge at 2016Q4.*seasonal walk"):
        drawn = MEMBERS["unobserved_components"](given, 4, 300, np.random.default_rng(1), hurried)
    expected = MEMBERS["seasonal_walk"](given, 4, 300, np.random.default_rng(1), hurried)
    np.testing.assert_array_equal(drawn, expected)
    assert any("did not converge" in said for said in draw(given, 4, 300, 1, hurried).warnings)


def test_nothing_is_said_about_an_ordinary_history(settings: Settings) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw(walk(60, 0.15, 7), 4, 100, 1, settings).warnings == ()


@pytest.mark.parametrize("paths", [1, 7, 8])
def test_paths_come_in_mirrored_pairs_so_that_the_median_has_no_noise(paths: int, settings: Settings) -> None:
    given = walk(60, 0.15, 7)
    drawn = np.log1p(MEMBERS["naive"](given, 3, paths, np.random.default_rng(1), settings))
    assert drawn.shape == (paths, 3)
    moved = drawn - np.log1p(given.iloc[-1])
    pairs = moved[: 2 * (paths // 2)].reshape(-1, 2, 3)
    np.testing.assert_allclose(pairs[:, 0], -pairs[:, 1], atol=1e-9)


def test_a_members_paths_do_not_depend_on_who_else_is_in_the_pool(settings: Settings) -> None:
    given = walk(60, 0.15, 7)
    alone = replace(settings, weights={**dict.fromkeys(MEMBERS, 0.0), "naive": 1.0})
    drawn, solo = draw(given, 4, 200, 1, settings), draw(given, 4, 200, 1, alone)
    for name in MEMBERS:
        np.testing.assert_array_equal(drawn.members[name], solo.members[name])
    np.testing.assert_array_equal(np.sort(solo.pool, axis=0), np.sort(solo.members["naive"], axis=0))


@pytest.mark.parametrize(
    ("paths", "weights", "counts"),
    [
        (10, {"a": 0.5, "b": 0.5}, {"a": {5}, "b": {5}}),
        (11, {"a": 0.5, "b": 0.5}, {"a": {5, 6}, "b": {5, 6}}),
        (10, {"a": 0.7, "b": 0.2, "c": 0.1}, {"a": {7}, "b": {2}, "c": {1}}),
        (1, {"a": 1 / 3, "b": 2 / 3}, {"a": {0, 1}, "b": {0, 1}}),
        (9, {"a": 1.0, "b": 0.0}, {"a": {9}, "b": {0}}),
    ],
)
def test_each_member_gets_its_share_of_whole_paths(
    paths: int, weights: Mapping[str, float], counts: Mapping[str, set[int]]
) -> None:
    # A member's paths carry its own thousand, so that each path shows where it came from.
    samples = {name: 1000.0 * i + np.zeros((paths, 3)) for i, name in enumerate(weights)}
    mixed = mix(samples, weights, np.random.default_rng(1))
    assert mixed.shape == (paths, 3)
    assert (mixed == mixed[:, :1]).all(), "a path was cut and joined"
    for i, name in enumerate(weights):
        assert (mixed[:, 0] == 1000.0 * i).sum() in counts[name]


def test_the_first_paths_are_a_fair_sample_of_the_members() -> None:
    samples = {"a": np.zeros((1000, 1)), "b": np.ones((1000, 1))}
    mixed = mix(samples, {"a": 0.5, "b": 0.5}, np.random.default_rng(1))
    for first in (50, 100, 500):
        # Four standard deviations of a fair draw without replacement.
        assert abs(mixed[:first].mean() - 0.5) < 4 * 0.5 / np.sqrt(first)


def test_weights_are_scaled_and_come_from_the_register() -> None:
    changed = params.load(overrides={"forecast.pool_weight.naive": 1.0})
    weights = Settings.read(date(2025, 12, 31), changed).weights
    assert weights["naive"] == pytest.approx(0.5)
    assert weights["momentum"] == pytest.approx(0.1)
    assert sum(weights.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            {f"forecast.pool_weight.{name}": 0.0 for name in MEMBERS},
            "forecast.pool_weight.*must be above 0",
        ),
        ({"forecast.tail_degrees_of_freedom": 2}, "forecast.tail_degrees_of_freedom: 2 must be above 2"),
        ({"forecast.ewma_half_life": 0}, "forecast.ewma_half_life: 0 must be above 0"),
    ],
)
def test_settings_that_make_no_forecast_are_refused(overrides: Mapping[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Settings.read(date(2025, 12, 31), params.load(overrides=overrides))
