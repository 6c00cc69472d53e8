"""Bottom-up: the groups agree with the published total, see nothing later, and are made up as published."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecasts import groups
from forecasts import history as door
from forecasts.groups import BottomUp, Claims, correlation
from forecasts.members import Settings
from forecasts.pool import draw
from params import reference

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.read(date(2025, 12, 31))


@pytest.fixture(scope="module")
def claims() -> Claims:
    return groups.official()


@pytest.fixture(scope="module")
def intake() -> pd.Series:
    return door.official()[0]


def known(claims: Claims, origin: str) -> BottomUp:
    return BottomUp(claims.up_to(pd.Period(origin, freq="Q")))


def test_nationalities_add_up_to_the_older_vintage(claims: Claims) -> None:
    older, said = door.official("2024-11")
    pd.testing.assert_series_equal(claims.people.sum(axis=1), older, check_names=False)
    assert said.endswith("release of 2024-11-28")
    assert str(older.index[-1]) == "2024Q3"


def test_the_first_quarter_ahead_lies_around_the_published_total(
    claims: Claims, intake: pd.Series, settings: Settings
) -> None:
    # 2022Q4: the older vintage had 30,043 people, the revised one 29,183. 2025Q4: no groups for five quarters.
    for origin in ("2015Q4", "2022Q4", "2025Q4"):
        history = intake.loc[:origin]
        drawn = known(claims, origin)(history, 1, 4000, np.random.default_rng(1), settings)
        assert np.median(drawn) == pytest.approx(history.iloc[-1], rel=0.12)


def test_groups_are_multiplied_to_the_total_of_the_history(
    claims: Claims, intake: pd.Series, settings: Settings
) -> None:
    chosen, which = known(claims, "2023Q2")._chosen(intake.loc[:"2023Q2"], settings)
    np.testing.assert_allclose(chosen.sum(axis=1), intake.loc[:"2023Q2"])
    assert len(which) == chosen.shape[1] == settings.groups + 3
    by_decision = chosen.T.groupby(which).sum().T
    table = reference("intake_by_group").pivot(index="quarter_end", columns="decision_group", values="people")
    published = table.loc[:"2023-06-30"]
    published = published.div(published.sum(axis=1), axis=0)
    mine = by_decision.div(by_decision.sum(axis=1), axis=0)
    np.testing.assert_allclose(mine[published.columns].to_numpy(), published.to_numpy(), atol=1e-9)


def test_no_group_sees_what_came_after_the_origin(claims: Claims, intake: pd.Series, settings: Settings) -> None:
    later = claims.people.copy()
    later.loc["2018Q1":] = later.loc["2018Q1":].to_numpy()[::-1, ::-1] * 5
    altered = Claims(later, claims.decision_group)
    history = intake.loc[:"2017Q4"]
    seen = [draw(history, 6, 200, 1, settings, given) for given in (claims, altered)]
    np.testing.assert_array_equal(seen[0].pool, seen[1].pool)
    np.testing.assert_array_equal(seen[0].shares, seen[1].shares)
    changed = Claims(claims.people.assign(n01=claims.people["n01"] * 2), claims.decision_group)
    assert not np.array_equal(draw(history, 6, 200, 1, settings, changed).pool, seen[0].pool)


def test_the_choice_of_groups_follows_the_last_years(claims: Claims, intake: pd.Series, settings: Settings) -> None:
    early = known(claims, "2009Q4")._chosen(intake.loc[:"2009Q4"], settings)[0].columns
    late = known(claims, "2023Q4")._chosen(intake.loc[:"2023Q4"], settings)[0].columns
    assert set(early) != set(late)
    last = claims.people.loc["2019Q1":"2023Q4"].sum().drop("other")
    assert set(late[: settings.groups]) == set(last.nlargest(settings.groups).index)


def test_who_claims_is_less_certain_the_longer_ago_it_was_published(
    claims: Claims, intake: pd.Series, settings: Settings
) -> None:
    spread = {}
    for origin in ("2024Q3", "2025Q4"):
        history = intake.loc[:origin]
        shares = known(claims, origin).shares(history, 1, 2000, np.random.default_rng(1), settings)
        np.testing.assert_allclose(shares.sum(axis=2), 1)
        spread[origin] = shares.std(axis=0).mean()
    assert spread["2025Q4"] > 1.5 * spread["2024Q3"]


def test_shares_belong_to_the_paths_that_are_drawn(claims: Claims, intake: pd.Series, settings: Settings) -> None:
    # With one group apart and a history that is nearly all of it, the sum moves with its group's share.
    member, history = known(claims, "2019Q4"), intake.loc[:"2019Q4"]
    sums = member(history, 12, 1000, np.random.default_rng(5), settings)
    paths, which = member._paths(history, 12, 1000, np.random.default_rng(5), settings)
    shares = member.shares(history, 12, 1000, np.random.default_rng(5), settings)
    np.testing.assert_array_equal(paths.sum(axis=2), sums)
    np.testing.assert_allclose(shares[:, :, 0] * sums, paths[:, :, which == "high"].sum(axis=2))


def test_no_path_passes_the_ceiling_even_in_ten_years(claims: Claims, intake: pd.Series, settings: Settings) -> None:
    drawn = draw(intake, 40, 2000, 1, settings, claims).pool
    ceiling = settings.largest_intake_growth * (intake.max() + 1)
    assert drawn.max() == pytest.approx(ceiling, rel=1e-3), "some path meets it"
    assert (drawn[:, :12] >= 0.999 * ceiling).any(axis=1).mean() < 0.01, "but hardly one within three years"


def test_a_history_too_short_for_groups_still_has_shares(claims: Claims, intake: pd.Series, settings: Settings) -> None:
    drawn = draw(intake.loc[:"2003Q4"], 4, 200, 1, settings, claims)
    assert any("has 8 quarters" in said for said in drawn.warnings)
    assert drawn.shares is not None
    np.testing.assert_allclose(drawn.shares.sum(axis=2), 1)
    assert drawn.shares.std() > 0


def test_correlated_groups_are_wider_than_independent_ones(
    claims: Claims, intake: pd.Series, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = intake.loc[:"2024Q2"]
    together = known(claims, "2024Q2")(history, 4, 4000, np.random.default_rng(1), settings)
    monkeypatch.setattr(groups, "correlation", lambda changes: np.eye(changes.shape[1]))
    apart = known(claims, "2024Q2")(history, 4, 4000, np.random.default_rng(1), settings)
    assert np.log(together[:, 3]).std() > 1.1 * np.log(apart[:, 3]).std()


def test_correlation_is_found_in_long_histories_and_shrunk_in_short_ones() -> None:
    rng = np.random.default_rng(3)
    root = np.linalg.cholesky(0.6 * np.ones((5, 5)) + 0.4 * np.eye(5))
    long = correlation(rng.standard_normal((2000, 5)) @ root.T)
    off = ~np.eye(5, dtype=bool)
    assert long[off] == pytest.approx(0.6, abs=0.06)
    noise = [np.abs(correlation(rng.standard_normal((30, 5)))[off]).mean() for _ in range(20)]
    # The sample correlations of thirty quarters of nothing average .15.
    assert np.mean(noise) < 0.08
    np.linalg.cholesky(correlation(rng.standard_normal((6, 11))))


def test_the_weight_of_bottom_up_is_its_share_of_the_paths(
    claims: Claims, intake: pd.Series, settings: Settings
) -> None:
    history = intake.loc[:"2019Q4"]
    alone = draw(history, 4, 400, 1, replace(settings, bottom_up_weight=1.0), claims)
    np.testing.assert_array_equal(np.sort(alone.pool, axis=0), np.sort(alone.members["bottom_up"], axis=0))
    half = draw(history, 4, 400, 1, settings, claims)
    theirs = {tuple(row) for row in half.members["bottom_up"]}
    assert sum(tuple(row) in theirs for row in half.pool) == 200
