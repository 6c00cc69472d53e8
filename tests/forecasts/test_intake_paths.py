"""The file of sample paths: people are conserved, the same seed gives the same bytes, nothing leaks back."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import forecasts
import params
from forecasts import history as door
from forecasts.paths import to_months
from forecasts.quantiles import COLUMNS, LEVELS
from params import InputError, reference

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def forecast() -> xr.Dataset:
    return forecasts.intake_paths(quarters=21, paths=400, seed=3)


def test_months_sum_to_their_quarter_in_every_path(forecast: xr.Dataset) -> None:
    by_month = forecast["people"].values.reshape(400, 21, 3)
    np.testing.assert_array_equal(by_month.sum(axis=2), forecast["people_by_quarter"].values)
    assert by_month.min() >= 0
    assert np.issubdtype(by_month.dtype, np.integer)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1)),
)
def test_largest_remainder_conserves_people_and_stays_within_one(
    totals: list[int], weights: tuple[float, float, float]
) -> None:
    shares = np.array(weights) / sum(weights)
    quarters = np.array([totals])
    months = to_months(quarters, np.tile(shares, (len(totals), 1))).reshape(len(totals), 3)
    np.testing.assert_array_equal(months.sum(axis=1), totals)
    assert np.abs(months - np.outer(totals, shares)).max() < 1 + 1e-6


def test_the_months_follow_the_calendar_from_the_origin(forecast: xr.Dataset) -> None:
    assert forecast["month"].dtype == np.dtype("datetime64[ns]")
    expected = pd.date_range("2026-01-01", periods=63, freq="MS")
    np.testing.assert_array_equal(forecast["month"].values, expected.values.astype("datetime64[ns]"))
    np.testing.assert_array_equal(forecast["quarter"].values, forecast["month"].values[::3])
    assert list(forecast["quarter_name"].values[[0, 20]]) == ["2026Q1", "2031Q1"]


def test_months_within_a_quarter_lean_the_way_small_boats_do(forecast: xr.Dataset) -> None:
    means = forecast["people"].mean("path").values[:12].reshape(4, 3)
    assert means[0].argmax() == 2, "March has most arrivals of the first quarter"
    assert means[3].argmax() == 0, "October has most arrivals of the last quarter"


def test_an_origin_before_small_boat_records_splits_by_days() -> None:
    early = forecasts.intake_paths(origin="2015Q4", quarters=1, paths=2000)
    assert "calendar days" in early.attrs["month_split"]
    assert "small-boat" not in early.attrs["month_split"]
    total = early["people"].sum("path").values
    np.testing.assert_allclose(total / total.sum(), np.array([31, 29, 31]) / 91, atol=1e-3)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    def written(name: str, seed: int) -> bytes:
        ds = forecasts.intake_paths(quarters=8, paths=100, seed=seed)
        return forecasts.write_paths(ds, tmp_path / name).read_bytes()

    first = written("a.nc", 1)
    assert first == written("b.nc", 1)
    assert first != written("c.nc", 2)


def test_a_file_is_read_back_as_it_was_written(forecast: xr.Dataset, tmp_path: Path) -> None:
    path = forecasts.write_paths(forecast, tmp_path / "intake.nc")
    again = forecasts.read_paths(path)
    xr.testing.assert_identical(again, forecast)
    assert again["month"].dtype == np.dtype("datetime64[ns]")
    assert [p.name for p in tmp_path.iterdir()] == ["intake.nc"]


def test_a_forecast_does_not_see_what_came_after_its_origin() -> None:
    whole, _ = door.official()
    altered = whole.copy()
    altered.loc["2016Q1":] = altered.loc["2016Q1":].to_numpy()[::-1] * 3 + 7
    seen = [forecasts.intake_paths(h, origin="2015Q4", quarters=12, paths=200) for h in (whole, altered)]
    xr.testing.assert_identical(seen[0], seen[1])
    altered.loc["2015Q4"] += 1000
    changed = forecasts.intake_paths(altered, origin="2015Q4", quarters=12, paths=200)
    assert not np.array_equal(changed["people"].values, seen[0]["people"].values)


def test_quantiles_rise_with_the_level_for_every_model(forecast: xr.Dataset) -> None:
    values = forecast["people_quantiles"].values
    assert (np.diff(values, axis=2) >= 0).all()
    assert values.min() >= 0
    assert list(forecast["model"].values) == [
        "pool",
        "seasonal_walk",
        "unobserved_components",
        "exponential_smoothing",
        "seven_year_walk",
        "momentum",
        "naive",
        "seasonal_naive",
        "bottom_up",
    ]


def test_the_quantile_table_is_the_quantiles_of_the_paths(forecast: xr.Dataset) -> None:
    table = forecasts.quantile_table(forecast)
    assert list(table.columns) == COLUMNS
    assert len(table) == 21 * 23
    assert set(table["origin"]) == {"2025Q4"}
    assert table["target_quarter"].iloc[[0, -1]].to_list() == ["2026Q1", "2031Q1"]
    medians = table[table["quantile"] == 0.5]["value"].to_numpy()
    # The quantiles come from ten times as many paths, of which these are the first.
    np.testing.assert_allclose(medians, np.median(forecast["people_by_quarter"].values, axis=0), rtol=0.2)
    every = forecasts.quantile_table(forecasts.intake_paths(quarters=21, paths=4000, seed=3))
    pd.testing.assert_frame_equal(table, every)
    whole = forecasts.intake_paths(quarters=21, paths=4000, seed=3)["people_by_quarter"].values
    np.testing.assert_array_equal(whole[:400], forecast["people_by_quarter"].values)
    np.testing.assert_allclose(medians, np.median(whole, axis=0))
    assert table["quantile"].unique() == pytest.approx(LEVELS)
    other = forecasts.quantile_table(forecast, "seasonal_naive")
    assert not np.array_equal(other["value"], table["value"])


def test_the_file_says_what_made_it(forecast: xr.Dataset) -> None:
    for name in ("people", "people_by_quarter", "people_quantiles"):
        assert forecast[name].attrs["units"] == "people"
        assert forecast[name].attrs["long_name"]
    said = forecast.attrs
    assert (said["origin"], said["seed"], said["series"], said["warnings"]) == ("2025Q4", 3, "intake", "")
    assert said["data_sha256"] == door.sha256(door.official()[0])
    assert "seasonal_walk 0.1" in said["method"] and "bottom_up 0.5" in said["method"]
    assert said["shock_applied"] == "none"
    assert said["vintage"] == door.official()[1]


def test_groups_sum_to_people_in_every_path_and_month(forecast: xr.Dataset) -> None:
    by_group = forecast["people_by_group"]
    assert by_group.dims == ("path", "month", "group")
    assert list(by_group["group"].values) == ["high", "mixed", "low"]
    np.testing.assert_array_equal(by_group.values.sum(axis=2), forecast["people"].values)
    assert by_group.values.min() >= 0
    shares = by_group.sum("month") / by_group.sum(("month", "group"))
    assert (shares.std("path") > 0.05).all(), "how intake is made up is uncertain too"
    near, far = (by_group.isel(month=m) / forecast["people"].isel(month=m) for m in (0, 62))
    assert (far.std("path") > near.std("path")).all(), "and more so later"


def test_groups_follow_the_shares_last_published_at_an_origin_they_reach() -> None:
    ds = forecasts.intake_paths(origin="2015Q4", quarters=1, paths=2000)
    table = reference("intake_by_group").pivot(index="quarter_end", columns="decision_group", values="people")
    last_year = table.loc["2015-01-01":"2015-12-31"].sum()
    drawn = ds["people_by_group"].sum(("path", "month")).to_series()
    expected = (last_year / last_year.sum())[drawn.index]
    np.testing.assert_allclose(drawn / drawn.sum(), expected, atol=0.05)


def test_group_quantiles_are_rows_of_their_own(forecast: xr.Dataset) -> None:
    table = forecasts.group_quantile_table(forecast)
    assert list(dict.fromkeys(table["series"])) == ["intake_high", "intake_mixed", "intake_low"]
    assert len(table) == 3 * 21 * 23
    wide = table.pivot(index=["series", "target_quarter"], columns="quantile", values="value").to_numpy()
    assert (np.diff(wide, axis=1) >= 0).all()
    assert wide.min() >= 0


def test_a_supplied_history_has_no_groups() -> None:
    ds = forecasts.intake_paths(door.official()[0], quarters=2, paths=100)
    assert "people_by_group" not in ds
    assert "bottom_up" not in ds["model"].values
    assert forecasts.group_quantile_table(ds).empty


@pytest.mark.parametrize(("shock", "factor"), [("halving", 0.5), ("doubling", 2.0), ("tripling", 3.0)])
def test_a_shock_builds_up_over_eight_quarters_in_every_path(shock: str, factor: float, forecast: xr.Dataset) -> None:
    shocked = forecasts.intake_paths(quarters=21, paths=400, seed=3, shock=shock)
    ratio = shocked["people_by_quarter"].values / forecast["people_by_quarter"].values
    multiplier = forecast["shock_multiplier"].sel(shock=shock).values
    np.testing.assert_allclose(multiplier[[0, 3, 7, 20]], factor ** np.array([1 / 8, 1 / 2, 1, 1]))
    np.testing.assert_allclose(np.median(ratio, axis=0), multiplier, rtol=1e-3)
    np.testing.assert_array_equal(shocked["people_by_group"].sum("group"), shocked["people"])
    assert shocked.attrs["shock_applied"] == shock
    by_register = forecasts.intake_paths(
        quarters=21, paths=400, seed=3, assumptions=params.load(overrides={"forecast.shock.applied": shock})
    )
    xr.testing.assert_identical(by_register, shocked)


def test_a_warning_is_kept_in_the_file(tmp_path: Path) -> None:
    short = pd.Series([120.0, 90.0, 100.0], index=pd.period_range("2025Q1", periods=3, freq="Q"), name="new")
    with pytest.warns(forecasts.ForecastWarning, match="has 3 quarters"):
        ds = forecasts.intake_paths(short, quarters=4, paths=100)
    again = forecasts.read_paths(forecasts.write_paths(ds, tmp_path / "short.nc"))
    assert "has 3 quarters, fewer than 12" in again.attrs["warnings"]
    assert again.attrs["series"] == "new"
    values = again["people_quantiles"].sel(model="pool").values
    assert (values[:, -1] > 2 * values[:, 0]).all(), "the answer must be wide"


def test_a_wild_series_stays_within_what_a_file_can_hold() -> None:
    wild = pd.Series([1.0, 1e9] * 10, index=pd.period_range("2021Q1", periods=20, freq="Q"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", forecasts.ForecastWarning)
        ds = forecasts.intake_paths(wild, quarters=40, paths=50)
    assert ds["people"].values.min() >= 0
    assert np.isfinite(ds["people_quantiles"].values).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"quarters": 0}, "quarters: 0 is out of range 1 to 40. Nearest: 1"),
        ({"quarters": 41}, "quarters: 41 is out of range 1 to 40. Nearest: 40"),
        ({"quarters": 2.5}, "quarters: 2.5 is not a whole number"),
        ({"quarters": True}, "quarters: True is not a whole number"),
        ({"paths": 0}, "paths: 0 is out of range 1 to 100000. Nearest: 1"),
        ({"seed": -1}, "seed: -1 is out of range 0 to 2147483647. Nearest: 0"),
        ({"seed": 2**40}, "seed: .* Nearest: 2147483647"),
        ({"origin": "1999Q4"}, "origin: 1999Q4 is not between 2002Q3 and 2025Q4.*Nearest: 2002Q3"),
        ({"shock": "doublin"}, "shock: doublin is not a named shock. Nearest: doubling"),
        ({"origin": "soon"}, "origin: 'soon' is not a quarter"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        forecasts.intake_paths(**options)  # type: ignore[arg-type]


def test_a_file_that_is_not_one_is_refused(forecast: xr.Dataset, tmp_path: Path) -> None:
    good = forecasts.write_paths(forecast, tmp_path / "intake.nc")
    with pytest.raises(InputError, match="intak.nc: no such file. Nearest: intake.nc"):
        forecasts.read_paths(tmp_path / "intak.nc")
    text = tmp_path / "text.nc"
    text.write_text("origin,target_quarter\n")
    with pytest.raises(InputError, match="text.nc: is not a NetCDF file"):
        forecasts.read_paths(text)
    cut = tmp_path / "cut.nc"
    cut.write_bytes(good.read_bytes()[:2000])
    with pytest.raises(InputError, match="cut.nc: "):
        forecasts.read_paths(cut)
    other = tmp_path / "other.nc"
    forecast[["people_by_quarter"]].to_netcdf(other, engine="scipy")
    with pytest.raises(InputError, match="other.nc: has no variable people"):
        forecasts.read_paths(other)
    edited = forecast.copy(deep=True)
    edited["people"][0, 0] += 1
    with pytest.raises(InputError, match="edited.nc: is damaged: its months do not sum"):
        forecasts.read_paths(forecasts.write_paths(edited, tmp_path / "edited.nc"))
    moved = forecast.copy(deep=True)
    moved["people_by_group"][0, 0, 0] += 1
    with pytest.raises(InputError, match="moved.nc: is damaged: its groups do not sum"):
        forecasts.read_paths(forecasts.write_paths(moved, tmp_path / "moved.nc"))
    with pytest.raises(InputError, match="model: seasonal_nave is not .*Nearest: seasonal_naive"):
        forecasts.quantile_table(forecast, "seasonal_nave")


def test_nothing_is_left_behind_when_a_file_cannot_be_written(forecast: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing.*cannot be written"):
        forecasts.write_paths(forecast, tmp_path / "missing" / "intake.nc")
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(InputError, match="taken: cannot be written"):
        forecasts.write_paths(forecast, taken)
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_importing_the_package_is_cheap() -> None:
    heavy = "numpy", "pandas", "xarray", "statsmodels"
    code = f"import sys, forecasts; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
