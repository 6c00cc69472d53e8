"""The pool beats a log random walk on past origins, its intervals cover, and no origin sees its future."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecasts
from forecasts import history as door
from forecasts.members import MEMBERS
from params import InputError

pytestmark = pytest.mark.validation


@pytest.fixture(scope="module")
def past() -> pd.DataFrame:
    return forecasts.rolling_origins(first="2010Q1", last="2024Q2", horizon=12, paths=2000)


@pytest.fixture(scope="module")
def card(past: pd.DataFrame) -> pd.DataFrame:
    return forecasts.scorecard(past)


@pytest.mark.parametrize(("band", "least"), [("1", 0.14), ("2-4", 0.08), ("5-8", 0.05), ("9-12", 0.03)])
def test_the_pool_has_skill_in_every_band(card: pd.DataFrame, band: str, least: float) -> None:
    assert card.loc[("pool", band), "skill_log"] >= least


def test_the_pool_has_skill_overall_but_not_too_much(card: pd.DataFrame) -> None:
    # A skill above .30 on a series this close to a random walk means that the future leaked.
    assert 0.07 <= card.loc[("pool", "all"), "skill_log"] < 0.30
    assert card.loc[("pool", "all"), "skill"] > 0


def test_the_intervals_of_the_pool_cover(card: pd.DataFrame) -> None:
    pool = card.loc[("pool", "all")]
    assert 0.76 <= pool["coverage_80"] <= 0.85
    assert 0.92 <= pool["coverage_95"] <= 0.97


def test_naive_and_seasonal_naive_are_scored_beside(card: pd.DataFrame) -> None:
    assert set(card.index.get_level_values("model")) == {"pool", *MEMBERS}
    # The sampled naive is the exact log random walk but for its sampling noise.
    assert card.loc[("naive", "all"), "skill_log"] == pytest.approx(0, abs=0.005)
    assert card.loc[("seasonal_naive", "1"), "skill_log"] < 0


def test_the_pool_has_skill_on_the_reversed_series() -> None:
    # Backwards, the upward drift of the period becomes a fall: what is left is season and volatility.
    whole, _ = door.official()
    reversed_ = pd.Series(whole.to_numpy()[::-1], index=whole.index, name="reversed")
    past = forecasts.rolling_origins(reversed_, first="2010Q1", last="2024Q2", paths=1000)
    assert forecasts.scorecard(past, reversed_).loc[("pool", "all"), "skill_log"] >= 0.05


def test_no_origin_sees_its_future() -> None:
    whole, _ = door.official()
    altered = whole.copy()
    altered.loc["2018Q1":] = altered.loc["2018Q1":].to_numpy()[::-1] * 2
    options = {"first": "2016Q1", "last": "2017Q4", "horizon": 6, "paths": 200}
    pd.testing.assert_frame_equal(
        forecasts.rolling_origins(whole, **options), forecasts.rolling_origins(altered, **options)
    )


def test_a_backtest_forecasts_what_a_forecast_from_that_origin_did() -> None:
    past = forecasts.rolling_origins(first="2019Q4", last="2019Q4", horizon=8, paths=500, seed=4)
    then = forecasts.quantile_table(forecasts.intake_paths(origin="2019Q4", quarters=8, paths=500, seed=4))
    pool = past[past["model"] == "pool"].reset_index(drop=True)
    assert (pool["target_quarter"] == then["target_quarter"]).all()
    # A forecast counts whole people.
    np.testing.assert_allclose(pool["value"], then["value"], atol=0.5)


def test_the_score_of_a_known_forecast_can_be_worked_out() -> None:
    index = pd.period_range("2015Q1", periods=20, freq="Q")
    truth = pd.Series(100.0 + 10 * (np.arange(20) % 2), index=index, name="claims")
    targets = [str(q) for q in index[12:14]]
    levels = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
    right = pd.DataFrame(
        [("pool", "2017Q4", t, "claims", q, truth[t]) for t in targets for q in levels],
        columns=["model", "origin", "target_quarter", "series", "quantile", "value"],
    )
    card = forecasts.scorecard(right, truth)
    assert card.loc[("pool", "all"), "wis"] == 0
    assert card.loc[("pool", "all"), "skill_log"] == 1
    assert card.loc[("pool", "1"), "forecasts"] == 1
    off = right.assign(value=right["value"] + 5)
    card = forecasts.scorecard(off, truth)
    # Every quantile is 5 too high: twice 5 times the mean of 1 - level.
    assert card.loc[("pool", "all"), "wis"] == pytest.approx(5.0)
    assert card.loc[("pool", "all"), "coverage_95"] == 0


def test_the_table_for_a_scorer_holds_one_model(past: pd.DataFrame, tmp_path: Path) -> None:
    written = pd.read_csv(forecasts.write_quantiles(past, tmp_path / "pool.csv"))
    assert list(written.columns) == ["origin", "target_quarter", "series", "quantile", "value"]
    assert len(written) == 58 * 12 * 23
    assert not written.duplicated(["origin", "target_quarter", "series", "quantile"]).any()
    assert (written["value"] >= 0).all()
    with pytest.raises(InputError, match="model: niave is not .*Nearest: naive"):
        forecasts.write_quantiles(past, tmp_path / "niave.csv", "niave")
    assert not (tmp_path / "niave.csv").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"first": "2001Q1"}, "first: 2001Q1 is not between 2004Q1 and 2025Q3. Nearest: 2004Q1"),
        ({"last": "2025Q4"}, "last: 2025Q4 is not between 2004Q1 and 2025Q3. Nearest: 2025Q3"),
        ({"first": "2020Q1", "last": "2019Q4"}, "last: 2019Q4 is before the first origin. Nearest: 2020Q1"),
        ({"horizon": 0}, "horizon: 0 is out of range 1 to 40. Nearest: 1"),
        ({"paths": -3}, "paths: -3 is out of range"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        forecasts.rolling_origins(**options)  # type: ignore[arg-type]
