"""The pool beats a log random walk on past origins, its intervals cover, and no origin sees its future."""

from __future__ import annotations

import json
import subprocess
import sys
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
    assert set(card.index.get_level_values("model")) == {"pool", "bottom_up", *MEMBERS}
    # The sampled naive is the exact log random walk but for its sampling noise.
    assert card.loc[("naive", "all"), "skill_log"] == pytest.approx(0, abs=0.005)
    assert card.loc[("seasonal_naive", "1"), "skill_log"] < 0


def test_without_groups_the_pool_still_has_skill_and_covers(past: pd.DataFrame) -> None:
    # What an outside scorer sees who supplies the history and no nationalities.
    whole = door.official()[0].rename("UK people")
    own = forecasts.rolling_origins(whole, first="2010Q1", last="2024Q2", horizon=12)
    card = forecasts.scorecard(own, whole)
    assert "bottom_up" not in card.index.get_level_values("model")
    for band, least in (("1", 0.14), ("2-4", 0.08), ("5-8", 0.05), ("9-12", 0.03), ("all", 0.07)):
        assert card.loc[("pool", band), "skill_log"] >= least
    assert 0.76 <= card.loc[("pool", "all"), "coverage_80"] <= 0.85
    assert 0.92 <= card.loc[("pool", "all"), "coverage_95"] <= 0.97


def test_adding_up_groups_makes_the_pool_better(card: pd.DataFrame) -> None:
    others = [name for name in MEMBERS if name not in ("naive", "seasonal_naive")]
    best = max(card.loc[(name, "all"), "skill_log"] for name in others)
    assert card.loc[("pool", "all"), "skill_log"] > best + 0.05


def test_eras_share_out_the_origins_and_show_that_coverage_is_not_stable(past: pd.DataFrame) -> None:
    table = forecasts.summary(forecasts.scored(past), eras=True).loc["pool"]
    whole = table.loc[("all", "all")]
    parts = table.drop(index="all", level="era").xs("all", level="band")
    assert parts["forecasts"].sum() == whole["forecasts"]
    assert (parts["wis_log"] * parts["forecasts"]).sum() / whole["forecasts"] == pytest.approx(whole["wis_log"])
    assert parts.loc["2010-16", "coverage_80"] > 0.85 > 0.65 > parts.loc["2020-21", "coverage_80"]
    assert (table["skill_log_low"] <= table["skill_log"]).all()
    assert (table["skill_log"] <= table["skill_log_high"]).all()
    assert table[[f"pit_{number}" for number in range(1, 11)]].sum(axis=1).to_numpy() == pytest.approx(1)


def test_each_vintage_is_scored_on_itself_and_ends_where_it_ends() -> None:
    older, newer = (
        forecasts.rolling_origins(first="2022Q1", last="2022Q4", horizon=2, paths=500, vintage=vintage)
        for vintage in ("2024-11", "2026-02")
    )
    assert not older["value"].equals(newer["value"])
    early = [
        forecasts.rolling_origins(first="2015Q1", last="2015Q1", horizon=2, paths=500, vintage=vintage)
        for vintage in ("2024-11", "2026-02")
    ]
    pd.testing.assert_frame_equal(*early)
    with pytest.raises(InputError, match="last: 2024Q3 is not between .* and 2024Q2"):
        forecasts.rolling_origins(last="2024Q3", vintage="2024-11")
    with pytest.raises(InputError, match="vintage: 2024-12 is not a vintage.*Nearest: 2024-11"):
        forecasts.rolling_origins(vintage="2024-12")


SCORER = Path(__file__).resolve().parents[3] / "shared" / "check" / "score_forecasts.py"


@pytest.mark.skipif(not SCORER.is_file(), reason="the outside scorer (../shared/check) is not beside the repository")
def test_the_outside_scorer_agrees_and_passes(past: pd.DataFrame, card: pd.DataFrame, tmp_path: Path) -> None:
    whole = door.official()[0]
    truth = pd.DataFrame({"series": "intake", "quarter": whole.index.astype(str), "value": whole.to_numpy()})
    truth.to_csv(tmp_path / "truth.csv", index=False)
    forecasts.write_quantiles(past, tmp_path / "pool.csv")
    words = ["truth.csv", "pool.csv", "--start-origin", "2010Q1", "--end-origin", "2024Q2", "--json", "out.json"]
    words += ["--thresholds", str(SCORER.with_name("forecast_thresholds.json"))]
    done = subprocess.run([sys.executable, str(SCORER), *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    theirs = json.loads((tmp_path / "out.json").read_text())["results"]
    names = {"WIS": "wis", "WIS_skill": "skill", "WISlog": "wis_log", "WISlog_skill": "skill_log", "MASE": "mase"}
    names |= {"cov50": "coverage_50", "cov80": "coverage_80", "cov95": "coverage_95", "DM_t_log": "dm_log"}
    names |= {"above_median": "above_median", "bias_log": "bias_log", "PIT_dev": "pit_deviation", "n": "forecasts"}
    for band, key in (("1", "1-1"), ("2-4", "2-4"), ("5-8", "5-8"), ("9-12", "9-12"), ("all", "1-12")):
        found = theirs[f"intake|{key}"]
        mine = card.loc[("pool", band)]
        for name, ours in names.items():
            assert mine[ours] == pytest.approx(found[name], rel=1e-6, abs=1e-9, nan_ok=True), (band, name)
        # Resampled blocks differ; their spread does not.
        for end in ("lo90", "hi90"):
            ours = {"lo90": "low", "hi90": "high"}[end]
            assert mine[f"skill_log_{ours}"] == pytest.approx(found[f"WISlog_skill_{end}"], abs=0.02)
        np.testing.assert_allclose([mine[f"pit_{number}"] for number in range(1, 11)], found["PIT"], atol=6e-4)


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
    past = forecasts.rolling_origins(first="2019Q4", last="2019Q4", horizon=8, seed=4)
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
