"""The stock forecast: every path adds up, no figure after the origin is seen, and the published bars are met."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import params
from forecasts import stock_scores, stocks
from forecasts.places import (
    ACCOMMODATION,
    HOTELS,
    PlaceSettings,
    published_base,
    share_out,
    split_accommodation,
    split_quarters,
    stock_paths,
    stock_table,
)
from forecasts.stocks import CAPACITY, Known, StockSettings, level_law, national
from params import InputError, load, reference

HOTEL = ACCOMMODATION.index("contingency_hotel")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def settings() -> StockSettings:
    return StockSettings.read(date(2025, 12, 31))


@pytest.fixture(scope="module")
def known() -> Known:
    return stocks.official()[0]


@pytest.fixture(scope="module")
def latest():
    return stock_paths(horizon=6, paths=300, seed=3)


def drawn(known: Known, settings: StockSettings, claims_a_quarter: float = 25_000, horizon: int = 8) -> stocks.National:
    """The national forecast from given figures with the same claims in every quarter of every path."""
    claims = np.full((600, horizon), claims_a_quarter)
    return national(known, claims, pd.Series([claims_a_quarter] * 8), settings, seed=1)


def changed(known: Known, **series: pd.Series) -> Known:
    """The figures with some series replaced."""
    return Known(**({name: getattr(known, name) for name in known.__dataclass_fields__} | series))


# ---- every path adds up -------------------------------------------------------------------------------------------


@pytest.mark.behaviour
def test_councils_regions_nations_and_accommodation_add_up_in_every_path(latest) -> None:
    people = latest["people"].values
    assert np.issubdtype(people.dtype, np.integer)
    assert people.min() >= 0
    np.testing.assert_array_equal(people.sum(axis=(2, 3)), latest["supported"].values)
    for level in ("region", "nation"):
        sums = latest["people"].groupby(level).sum()
        np.testing.assert_array_equal(sums.sum((level, "accommodation")).values, latest["supported"].values)


@pytest.mark.behaviour
def test_the_table_holds_every_level_and_never_falls_from_one_quantile_to_the_next(latest) -> None:
    table = stock_table(latest)
    councils = reference("councils")
    assert table.groupby("level")["code"].nunique().to_dict() == {
        "uk": 1,
        "nation": councils["nation"].nunique(),
        "region": councils["region"].nunique(),
        "council": len(councils),
    }
    assert set(table["accommodation"]) == {*ACCOMMODATION, "all"}
    keys = ["target_quarter", "level", "code", "accommodation"]
    assert (table.groupby(keys)["value"].diff().dropna() >= 0).all()
    assert not table.duplicated([*keys, "quantile"]).any()


@pytest.mark.behaviour
def test_the_same_seed_gives_the_same_paths_and_another_does_not() -> None:
    first, again, other = (stock_paths(horizon=2, paths=40, seed=seed)["people"].values for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.unit
def test_whole_people_are_shared_by_largest_remainder_and_a_row_without_weights_by_the_spare_ones() -> None:
    shared = share_out(np.array([10, 7, 0]), np.array([[1.0, 1, 1], [0, 0, 0], [5, 1, 1]]), np.array([0.0, 3, 4]))
    np.testing.assert_array_equal(shared, [[4, 3, 3], [0, 3, 4], [0, 0, 0]])


@pytest.mark.behaviour
def test_people_given_to_no_council_are_a_place_of_their_own() -> None:
    base = published_base(pd.Period("2024Q1", "Q"))
    assert base.people.loc["unallocated", "subsistence"] == 3630
    row = reference("support_national").set_index("quarter_end").loc["2024-03-31"]
    assert base.people.to_numpy().sum() == row["total"]


# ---- hotels are an identity, with policy scenarios ---------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize("scenario", HOTELS)
def test_hotels_are_what_other_accommodation_leaves(scenario: str) -> None:
    base = published_base(pd.Period("2025Q4", "Q"))
    places = PlaceSettings.read(date(2025, 12, 31))
    supported = np.full((200, 20), 100_000)
    supported[:50] = 60_000  # fewer than the dispersal estate holds
    split = split_accommodation(supported, base, pd.Period("2025Q4", "Q"), scenario, places, np.random.default_rng(1))
    assert split.min() >= 0
    np.testing.assert_array_equal(split.sum(axis=2), supported)
    # With fewer people than dispersal holds, hotels are empty rather than negative.
    assert (split[:50, 8:, HOTEL] == 0).mean() > 0.9
    if scenario == "close":
        assert split[:, 15:, HOTEL].max() == 0  # 2029Q4 is the 16th quarter after 2025Q4
        assert split[50:, 13, HOTEL].max() > 0


@pytest.mark.unit
def test_faster_dispersal_growth_leaves_fewer_people_in_hotels() -> None:
    base = published_base(pd.Period("2025Q4", "Q"))
    places = PlaceSettings.read(date(2025, 12, 31))
    supported = np.full((400, 8), 107_000)
    middle = {
        name: np.median(
            split_accommodation(supported, base, pd.Period("2025Q4", "Q"), name, places, np.random.default_rng(1))[
                :, -1, HOTEL
            ]
        )
        for name in ("slow", "remainder", "fast")
    }
    assert middle["slow"] > middle["remainder"] > middle["fast"]
    # Eight quarters at 1,000 a quarter: the gap between scenarios is the gap between their rates.
    assert middle["slow"] - middle["remainder"] == pytest.approx(8 * 350, abs=900)


@pytest.mark.behaviour
def test_hotels_close_council_by_council_as_well_as_change_size(latest) -> None:
    base = published_base(pd.Period("2025Q4", "Q"))
    open_now = base.people["contingency_hotel"].to_numpy() >= 10
    hotels = latest["people"].values[:, :, open_now, HOTEL]
    rising = hotels.sum(axis=2)[:, 0] >= base.people["contingency_hotel"].sum()
    closed = (hotels[rising][:, 0] == 0).mean()
    # Where national use does not fall, councils still close at about the calm rate of 2% a quarter.
    assert 0.005 < closed < 0.05
    assert (hotels[:, 0] > 0).any(axis=0).all()


# ---- what the forecast may see -----------------------------------------------------------------------------------


@pytest.mark.unit
def test_nothing_after_the_origin_changes_a_forecast(known: Known, settings: StockSettings) -> None:
    origin = pd.Period("2022Q3", "Q")
    cut = known.up_to(origin)
    assert all(getattr(cut, name).index[-1] <= origin for name in cut.__dataclass_fields__)
    later = {name: getattr(known, name).copy() for name in known.__dataclass_fields__}
    for series in later.values():
        series.loc["2022Q4":] *= 3
    np.testing.assert_array_equal(drawn(cut, settings).pool, drawn(Known(**later).up_to(origin), settings).pool)
    np.testing.assert_array_equal(drawn(cut, settings).pool, drawn(cut, settings).pool)


@pytest.mark.unit
def test_no_module_of_the_stock_forecast_fits_the_council_series() -> None:
    # Councils are read at one quarter (the base) and as outturn; a fit would need them as a series in places.py.
    tree = ast.parse((ROOT / "forecasts" / "places.py").read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & {"polyfit", "lstsq", "OLS", "pct_change", "shift"}


@pytest.mark.behaviour
def test_only_origins_with_a_published_split_can_be_forecast_by_council() -> None:
    with pytest.raises(InputError, match=r"2025Q2 has no split.*Nearest: 2025Q4"):
        stock_paths("2025Q2")
    # Dispersal counted people in hotels at the end of 2022, so no growth may start there.
    with pytest.raises(InputError, match=r"2022Q4 has no split.*Nearest: 2023Q2"):
        stock_paths("2022Q4")
    assert split_quarters()[-1] == pd.Period("2025Q4", "Q")


@pytest.mark.behaviour
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hotels": "remander"}, "Nearest: remainder"),
        ({"horizon": 0}, "horizon: 0 is out of range"),
        ({"origin": "2030Q1"}, "Nearest: 2025Q4"),
        ({"origin": "soon"}, "is not a quarter"),
    ],
)
def test_bad_input_is_one_clear_error(given: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        stock_paths(**given)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"forecast_stocks.momentum": 1.0}, "forecast_stocks.momentum"),
        ({"forecast_stocks.tail_degrees_of_freedom": 2}, "tail_degrees_of_freedom: 2 must be above 2"),
        ({f"forecast_stocks.weight.{name}": 0.0 for name in stocks.MEMBERS}, "all members together"),
    ],
)
def test_settings_that_make_no_forecast_are_refused(overrides: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        StockSettings.read(date(2025, 12, 31), load(overrides=overrides))


# ---- the members -------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_the_level_law_recovers_a_known_process() -> None:
    rng = np.random.default_rng(4)
    index = pd.period_range("2000Q1", periods=200, freq="Q")
    queues = pd.Series(60_000 + np.cumsum(rng.normal(0, 4000, 200)), index)
    error = np.zeros(200)
    for t in range(1, 200):
        error[t] = 0.6 * error[t - 1] + rng.normal(0, 500)
    supported = 25_000 + 0.5 * queues + error
    nothing = pd.Series(0.0, index)
    law = level_law(Known(supported, queues, nothing, nothing, nothing, nothing, nothing), 1.3)
    assert law.slope == pytest.approx(0.5, abs=0.03)
    assert law.constant == pytest.approx(25_000, abs=2500)
    assert law.memory == pytest.approx(0.6, abs=0.15)
    assert law.innovation == pytest.approx(500, rel=0.15)


@pytest.mark.validation
def test_the_level_law_agrees_with_the_published_study(known: Known) -> None:
    # Stock-flow study: constant 21,700 to 29,600; slope of awaiting .462 to .547; innovation about 2,900.
    law = level_law(known, 1.3)
    assert 21_700 < law.constant < 29_600
    assert 0.462 < law.slope < 0.547
    assert law.innovation == pytest.approx(2900, rel=0.15)


@pytest.mark.unit
def test_more_claims_mean_more_supported_people(known: Known, settings: StockSettings) -> None:
    few, many = (np.median(drawn(known, settings, claims).members["stock_flow"][:, -1]) for claims in (5_000, 45_000))
    assert many > few + 20_000


@pytest.mark.unit
def test_decision_capacity_is_a_scenario_that_differs_by_path(known: Known, settings: StockSettings) -> None:
    found = drawn(known, settings)
    assert np.bincount(found.capacity).tolist() == [200, 200, 200]
    # Decisions run above claims at the origin: the queue falls fastest where capacity is held.
    queue = [np.median(found.awaiting[found.capacity == i, -1]) for i in range(len(CAPACITY))]
    assert queue[0] < queue[1] < queue[2]


@pytest.mark.unit
def test_the_pool_is_never_narrower_than_persistence(known: Known, settings: StockSettings) -> None:
    for origin in ("2018Q4", "2022Q3", "2025Q4"):
        found = drawn(known.up_to(pd.Period(origin, "Q")), settings)
        ours, theirs = (
            np.diff(np.quantile(np.log(samples), [0.1, 0.9], axis=0), axis=0)
            for samples in (found.pool, found.members["persistence"])
        )
        assert (ours >= theirs * (1 - 1e-9)).all()
        assert (found.widened >= 1).all()


@pytest.mark.unit
def test_persistence_is_as_wide_as_changes_over_the_same_span_have_been(settings: StockSettings, known: Known) -> None:
    # A smooth rise has tiny surprises quarter by quarter and large changes over two years.
    index = known.supported.index
    smooth = pd.Series(np.exp(10 + 0.04 * np.arange(len(index))), index)
    found = drawn(changed(known, supported=smooth), settings).members["persistence"]
    spread = np.log(found).std(axis=0)
    assert spread[7] == pytest.approx(8 * 0.04, rel=0.15)
    assert spread[7] > np.sqrt(8) * spread[0] * 1.5


# ---- scores, and the bars published before -----------------------------------------------------------------------


@pytest.mark.validation
def test_the_published_persistence_bar_is_met_exactly(known: Known) -> None:
    bar = stock_scores.persistence_bar(known.supported).set_index("horizon")
    assert bar["forecasts"].to_dict() == {1: 13, 2: 12, 4: 10, 8: 6}
    assert bar["mae"].round().to_dict() == {1: 5654, 2: 8041, 4: 7977, 8: 7271}


@pytest.mark.validation
def test_the_published_council_bar_is_met() -> None:
    bar = stock_scores.council_bar().set_index("size")
    assert bar["median"].round(2).tolist() == [0.11, 0.11, 0.20, 0.40, 1.00]
    np.testing.assert_allclose(bar["ninetieth"], [0.26, 0.36, 0.80, 1.03, 9.5], rtol=0.03)


@pytest.mark.validation
def test_the_naive_year_error_is_9_percent_in_the_2010s_and_23_percent_since() -> None:
    assert stock_scores.naive_year_error("2010Q4", "2019Q3") == pytest.approx(0.09, abs=0.005)
    assert stock_scores.naive_year_error("2020Q1", "2025Q3") == pytest.approx(0.23, abs=0.005)


@pytest.mark.validation
def test_the_pool_beats_persistence_where_it_is_said_to_and_not_where_it_is_said_not_to() -> None:
    card = stock_scores.stock_scorecard(stock_scores.rolling_stocks(paths=600))["skill"]
    for period in ("all", "before 2022Q3", "from 2022Q3"):
        assert card["pool", period, 1] > 0.05
        assert card["pool", period, 2] > 0.0
    assert card["pool", "all", 4] > 0.05
    assert card["pool", "all", 8] > 0.0
    # If this turns positive the caution on every stock forecast is out of date.
    assert card["pool", "from 2022Q3", 4] < 0
    assert card["pool", "from 2022Q3", 8] < 0
    assert card["persistence"].abs().max() == 0


@pytest.mark.validation
def test_councils_are_no_worse_than_their_last_value_a_quarter_ahead() -> None:
    scored = stock_scores.rolling_places(horizon=1, paths=200)
    card = stock_scores.place_scorecard(scored, horizon=1).set_index("place")
    large = card.drop(index="councils, 1 to 49")
    assert (large["mae"] < 1.02 * large["persistence_mae"]).all()
    assert card["coverage_80"].drop("hotels, UK").between(0.55, 0.9).all()


@pytest.mark.validation
def test_the_published_figure_for_june_2026_lies_inside_the_95_percent_interval(latest) -> None:
    later = reference("published_totals").set_index("name").loc["supported_people_2026_06"]
    assert str(later["date"])[:10] == "2026-06-30"
    low, high = np.quantile(latest["supported"].sel(quarter="2026Q2"), [0.025, 0.975])
    assert low < float(later["value"]) < high


# ---- the register ------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_every_number_of_the_stock_forecast_in_the_register_is_read() -> None:
    entries = {name for name in params.load().entries if name.startswith("forecast_stocks.")}
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "forecasts").glob("*.py")))
    unread = {name for name in entries if f"now.{name}" not in text}
    assert entries
    assert not unread
