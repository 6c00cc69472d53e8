"""Early warning: it speaks when a series changes, keeps quiet when nothing does, and counts its false alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecasts import signals
from forecasts.signals import FALLING, RISING, STEADY, ChartSettings, alarms, chart, history_of, run_length, surprises
from params import InputError, load

SEASON = (-0.15, -0.1, 0.15, 0.1)


@pytest.fixture(scope="module")
def settings() -> ChartSettings:
    return ChartSettings.read(date(2025, 12, 31))


def flow(changes: np.ndarray, frequency: str = "Q", first: str = "2000Q1") -> pd.Series:
    """A series of flows from log changes, with a season when quarterly."""
    logs = 10 + np.r_[0.0, np.cumsum(changes)]
    if frequency == "Q":
        logs = logs + np.resize(SEASON, len(logs))
    return pd.Series(np.exp(logs), pd.period_range(first, periods=len(logs), freq=frequency), name="flow")


def noise(n: int, seed: int, size: float = 0.08) -> np.ndarray:
    return size * np.random.default_rng(seed).standard_normal(n)


@pytest.mark.unit
@pytest.mark.parametrize(("step", "state"), [(0.25, RISING), (-0.25, FALLING)])
def test_a_change_of_course_raises_an_alarm_within_a_year_and_only_then(
    settings: ChartSettings, step: float, state: str
) -> None:
    changes = noise(60, 1)
    changes[48:54] += step
    run = history_of(flow(changes), settings)
    began = run.index[run["state"] == state][0]
    assert pd.Period("2012Q1", "Q") <= began <= pd.Period("2012Q4", "Q")
    assert (run.loc[: pd.Period("2011Q4", "Q"), "state"] == STEADY).all()


@pytest.mark.unit
def test_a_season_alone_raises_no_alarm(settings: ChartSettings) -> None:
    run = history_of(flow(noise(80, 2, 0.01)), settings)
    assert (run["state"] == STEADY).mean() > 0.9
    still = history_of(flow(np.zeros(40)), settings)
    assert (still["state"] == STEADY).all()


@pytest.mark.unit
def test_surprises_use_nothing_that_was_not_known(settings: ChartSettings) -> None:
    logs = np.log(flow(noise(50, 3)).to_numpy())
    later = logs.copy()
    later[41:] += 3.0
    full, changed = (surprises(x[None, :], 4, 16, settings)[0] for x in (logs, later))
    # The surprise of period 40 is number 23: fifty changes, the first sixteen unseen.
    np.testing.assert_array_equal(full[:24], changed[:24])
    assert full[24] != changed[24]


@pytest.mark.unit
def test_surprises_are_standard_on_pure_chance(settings: ChartSettings) -> None:
    logs = np.cumsum(np.random.default_rng(5).standard_normal((300, 120)), axis=1)
    found = surprises(logs, 4, 16, settings)
    assert found.mean() == pytest.approx(0, abs=0.02)
    # The larger of recent and long-run scale makes surprises a little smaller than standard.
    assert 0.8 < found.std() < 1.0


@pytest.mark.unit
def test_a_weather_month_is_not_a_change_of_course(settings: ChartSettings) -> None:
    months = 84
    stormy = flow(np.zeros(months), "M", "2015-01")
    wiggle = np.exp(0.4 * np.random.default_rng(6).standard_normal(len(stormy)))
    run = history_of(stormy * wiggle, settings)
    assert (run["state"] == STEADY).mean() > 0.9


@pytest.mark.unit
def test_an_alarm_lasts_until_the_chart_is_well_inside_its_limit(settings: ChartSettings) -> None:
    quiet = replace(settings, memory=1.0, limit=1.0, holdoff=0.5)
    levels, states = chart(np.array([[0.2, 1.5, 0.7, 0.4, -1.2, 0.9]]), quiet)
    np.testing.assert_allclose(levels[0], [0.2, 1.5, 0.7, 0.4, -1.2, 0.9])
    assert states[0].tolist() == [0, 1, 1, 0, -1, 0]


@pytest.mark.unit
def test_the_run_length_is_that_of_a_known_chart(settings: ChartSettings) -> None:
    # Memory 1 is a plain chart of independent surprises: beyond 2 standard deviations once in about 22 periods.
    plain = replace(settings, memory=1.0, limit=2.0, window=60.0, half_life=1e9)
    assert run_length(4, 200, plain) == pytest.approx(1 / 0.0455, rel=0.12)
    assert run_length(4, 16, replace(settings, limit=3.0)) > 2 * run_length(4, 16, settings)


@pytest.mark.unit
def test_an_alarm_is_false_when_the_year_after_is_like_the_year_before(settings: ChartSettings) -> None:
    lasting, passing = noise(60, 1), noise(60, 1)
    lasting[48:51] += 0.35
    passing[48] += 0.6
    passing[49] -= 1.0
    for changes, false in ((lasting, False), (passing, True)):
        found = alarms(flow(changes), settings)
        mine = found[(found["start"] >= "2012Q1") & (found["start"] <= "2012Q4") & (found["state"] == RISING)]
        assert mine["false"].tolist() == [false]


@pytest.mark.unit
def test_an_alarm_whose_year_is_not_over_is_not_judged(settings: ChartSettings) -> None:
    changes = noise(50, 1)
    changes[48:] += 0.6
    last = alarms(flow(changes), settings).iloc[-1]
    assert last["state"] == RISING
    assert last["false"] is None
    assert np.isnan(last["change"])


@pytest.mark.validation
def test_known_turns_of_the_official_series_were_signalled(settings: ChartSettings) -> None:
    found = {name: alarms(signals.series_of(name), settings) for name in signals.SERIES}
    # Claims fell by half with the pandemic; decisions and appeals with them; both rose with the 2023 clearance.
    for name in ("intake", "decisions", "appeals"):
        assert ((found[name]["start"] == "2020Q2") & (found[name]["state"] == FALLING)).any(), name
    for name, first in (("decisions", "2023Q3"), ("appeals", "2023Q4")):
        rising = found[name][found[name]["state"] == RISING]
        assert rising["start"].between("2023Q1", first).any(), name


@pytest.mark.validation
def test_every_watched_series_has_a_state_and_both_false_alarm_rates() -> None:
    found = signals.warn()
    assert found["series"].tolist() == list(signals.SERIES)
    assert found["state"].isin([STEADY, RISING, FALLING]).all()
    assert (found["false"] <= found["judged"]).all()
    assert (found["judged"] <= found["alarms"]).all()
    # A chart that cried wolf every year would be no use; one silent for decades would not be a warning.
    assert found["run_length"].between(3, 20).all()
    assert found["means"].str.len().min() > 20


@pytest.mark.unit
def test_a_series_that_is_not_watched_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Nearest: appeals"):
        signals.series_of("apeals")
    with pytest.raises(InputError, match="warning.limit"):
        ChartSettings.read(date(2025, 12, 31), load(overrides={"forecast_stocks.warning.limit": 0}))
