"""Any file of quarterly series: read as people write them, refused with the row that is wrong, forecast apart."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import forecasts
from forecasts.members import ForecastWarning
from params import InputError

pytestmark = pytest.mark.unit


def write(folder: Path, text: str | bytes, name: str = "h.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(name: str, values: list[float], first: str = "2010Q1") -> list[str]:
    quarters = pd.period_range(first, periods=len(values), freq="Q")
    return [f"{name},{quarter},{value}" for quarter, value in zip(quarters, values, strict=True)]


def file(folder: Path, *rows: str) -> Path:
    return write(folder, "\n".join(["series,quarter,value", *rows]) + "\n")


PLAIN = "series,quarter,value\nclaims,2010Q1,5\nclaims,2010Q2,6.5\nclaims,2010Q3,7\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("2010Q", "2010 Q"),
        PLAIN.replace("2010Q", "2010-q"),
        PLAIN.replace(",", " , "),
        PLAIN.replace("\n", "\n\n"),
        PLAIN.replace("series,quarter,value", "Series,Quarter,VALUE"),
        PLAIN.replace("claims,", '"claims",'),
        "quarter,note,value,series\n2010Q2,x,6.5,claims\n2010Q1,,5.0,claims\n2010Q3,,7e0,claims\n",
        PLAIN + ",,\n",
    ],
)
def test_a_file_is_read_as_people_write_it(text: str, tmp_path: Path) -> None:
    found = forecasts.read_histories(write(tmp_path, text))
    assert list(found) == ["claims"]
    assert found["claims"].to_list() == [5.0, 6.5, 7.0]
    assert [str(q) for q in found["claims"].index] == ["2010Q1", "2010Q2", "2010Q3"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLAIN.replace("6.5", "-6.5"), r"row 3 \(claims, 2010Q2\): -6.5 is negative. Nearest: 0"),
        (PLAIN.replace("6.5", ""), r"row 3 \(claims, 2010Q2\): the value is missing"),
        (PLAIN.replace("6.5", "nan"), r"row 3 \(claims, 2010Q2\): 'nan' is not a number"),
        (PLAIN.replace("6.5", "inf"), r"row 3 \(claims, 2010Q2\): 'inf' is not a number"),
        (PLAIN.replace("6.5", "1e999"), r"row 3 \(claims, 2010Q2\): '1e999' is not a number"),
        (PLAIN.replace("6.5", '"6,500"'), r"row 3 \(claims, 2010Q2\): '6,500' is not a number. Nearest: 6500"),
        (PLAIN.replace("6.5", "1_000"), r"'1_000' is not a number"),
        (PLAIN.replace("claims,2010Q2,6.5\n", ""), r"row 3 \(claims, 2010Q3\): 2010Q2 is missing before it"),
        (PLAIN + "claims,2010Q2,9\n", r"row 5 \(claims, 2010Q2\): this quarter is already given in row 3"),
        (PLAIN.replace("2010Q2", "2010-06-30"), r"row 3 \(claims\): '2010-06-30' is not a quarter"),
        (PLAIN.replace("2010Q2", "2010Q5"), r"row 3 \(claims\): '2010Q5' is not a quarter"),
        (PLAIN.replace("2010Q2", ""), r"row 3 \(claims\): the quarter is missing"),
        (PLAIN.replace("claims,2010Q2", ",2010Q2"), r"row 3: the series has no name"),
        (PLAIN.replace("6.5", "6,5"), r"row 3: has 4 cells, the header 3"),
        (PLAIN.replace("value", "people", 1), r"row 1: has no column value"),
        (PLAIN.replace(",", ";"), r"row 1: has no column series.*Nearest: commas between the cells"),
        ("series,quarter,value,value\n", r"row 1: the column value is there twice"),
        ("", r"is empty"),
        ("series,quarter,value\n", r"has no rows below its header"),
        (PLAIN.encode("utf-16"), r"is not UTF-8 text"),
        (PLAIN.replace("claims,2010Q3,7\n", ""), r"claims has 2 quarters; a forecast needs at least 3"),
        (PLAIN.replace("claims,2010Q2", '"claims,2010Q2'), r"row \d: is not CSV"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"h.csv: .*{said}|h.csv: {said}"):
        forecasts.read_histories(write(tmp_path, text))


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, PLAIN, "claims.csv")
    with pytest.raises(InputError, match="claim.csv: no such file. Nearest: claims.csv"):
        forecasts.read_histories(tmp_path / "claim.csv")
    with pytest.raises(InputError, match="cannot be read"):
        forecasts.read_histories(tmp_path)


def test_what_comes_after_the_origin_has_no_part(tmp_path: Path) -> None:
    values = list(np.round(np.random.default_rng(1).uniform(50, 150, 24), 2))
    short = file(tmp_path, *lines("a", values[:16]))
    cut = forecasts.forecast_series(forecasts.read_histories(short, "2013Q4"), 4, 500).table
    whole = file(tmp_path, *lines("a", values))
    again = forecasts.forecast_series(forecasts.read_histories(whole, "2013Q4"), 4, 500).table
    pd.testing.assert_frame_equal(again, cut)
    later = ["a,2014Q1,-5", "a,2014Q3,", "a,2014Q3,x", "b,2020Q1,1"]
    spoilt = file(tmp_path, *lines("a", values[:16]), *later)
    with pytest.warns(ForecastWarning, match="b starts after 2013Q4: it is left out"):
        histories = forecasts.read_histories(spoilt, "2013Q4")
    pd.testing.assert_frame_equal(forecasts.forecast_series(histories, 4, 500).table, cut)


def test_series_that_an_origin_does_not_reach_are_left_out_and_said(tmp_path: Path) -> None:
    path = file(tmp_path, *lines("long", [5] * 20), *lines("ended", [5] * 8), *lines("new", [5] * 4, "2014Q1"))
    with pytest.warns(ForecastWarning) as told:
        found = forecasts.read_histories(path, "2014Q2")
    assert list(found) == ["long"]
    said = " ".join(str(w.message) for w in told)
    assert "ended ends in 2011Q4, before the origin 2014Q2" in said
    assert "new has 2 quarters up to 2014Q2" in said
    with pytest.raises(InputError, match="ends in .*before the origin 2031Q1. Nearest origin: 2014Q4"):
        forecasts.read_histories(path, "2031Q1")
    with pytest.raises(InputError, match="starts after 2005Q1"):
        forecasts.read_histories(path, "2005Q1")


def shapes() -> dict[str, np.ndarray]:
    """Series of every kind that an outside scorer could send."""
    rng = np.random.default_rng(8)
    season = np.resize([0.8, 1.1, 1.3, 0.8], 60)
    walk = np.exp(np.cumsum(0.1 * rng.standard_normal(60)))
    return {
        "single digits": rng.poisson(3, 60),
        "millions": 3e6 * walk,
        "seasonal": 400 * season * walk,
        "rising": 100 * np.arange(1.0, 61),
        "exploding": 1.2 ** np.arange(60),
        "falling to nothing": np.maximum(0, 200.0 - 4 * np.arange(60)),
        "level shift": np.where(np.arange(60) < 40, 100.0, 900.0) * walk,
        "intermittent": rng.poisson(6, 60) * (rng.random(60) < 0.3),
        "all zero": np.zeros(60),
        "zero then one": np.r_[np.zeros(59), 1.0],
        "constant": np.full(60, 42.0),
        "only season": np.resize([10.0, 20, 30, 40], 60),
        "to and fro": np.resize([1.0, 1e6], 60),
        "one jump": np.r_[np.full(59, 5.0), 5000.0],
        "fractions": 1e-3 * rng.random(60),
        "huge": 1e14 * walk,
        "three": np.array([3.0, 4, 5]),
        "eleven": 100 + rng.random(11),
        "twelve": 100 + 10 * rng.random(12),
    }


@pytest.mark.parametrize("name", list(shapes()))
def test_every_kind_of_series_gets_a_usable_answer(name: str) -> None:
    values = shapes()[name].astype(float)
    history = pd.Series(values, index=pd.period_range("2005Q1", periods=len(values), freq="Q"), name=name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy's as well: nothing overflows or divides by zero
        made = forecasts.forecast_series({name: history}, 12, 2000)
    table = made.table.pivot(index="target_quarter", columns="quantile", values="value").to_numpy()
    assert table.shape == (12, 23)
    assert np.isfinite(table).all()
    assert (np.diff(table, axis=1) >= 0).all()
    assert table.min() >= 0
    assert table.max() <= 100 * (values.max() + 1)
    assert (table[:, -1] > table[:, 0]).all(), "nobody is certain"
    plain = len(values) < 12 or name in ("all zero", "constant", "only season", "to and fro")
    assert any("plain wide random walk" in said for said in made.warnings) == plain


def test_a_series_does_not_depend_on_its_neighbours() -> None:
    index = pd.period_range("2005Q1", periods=40, freq="Q")
    rng = np.random.default_rng(2)
    one, two = (pd.Series(rng.uniform(50, 90, 40), index=index, name=name) for name in ("one", "two"))
    alone = forecasts.forecast_series({"one": one}, 4, 300, seed=5).table
    beside = forecasts.forecast_series({"two": two, "one": one}, 4, 300, seed=5).table
    pd.testing.assert_frame_equal(beside[beside["series"] == "one"].reset_index(drop=True), alone)
    assert not alone.equals(forecasts.forecast_series({"one": one}, 4, 300, seed=6).table)


def test_a_shock_multiplies_every_quantile() -> None:
    index = pd.period_range("2005Q1", periods=40, freq="Q")
    one = {"one": pd.Series(np.random.default_rng(2).uniform(50, 90, 40), index=index)}
    plain, doubled = (forecasts.forecast_series(one, 9, 300, shock=shock).table for shock in ("none", "doubling"))
    factor = 2 ** np.repeat([1 / 8, 2 / 8, 3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1, 1], 23)
    np.testing.assert_allclose(doubled["value"], plain["value"] * factor)
    with pytest.raises(InputError, match="shock: trebling is not a named shock. Nearest: tripling"):
        forecasts.forecast_series(one, shock="trebling")


def test_sample_paths_of_several_series_are_kept_as_they_are(tmp_path: Path) -> None:
    index = pd.period_range("2005Q1", periods=40, freq="Q")
    rng = np.random.default_rng(2)
    histories = {name: pd.Series(rng.uniform(0, 9, 40), index=index) for name in ("one", "two")}
    told: list[tuple[int, int]] = []
    made = forecasts.forecast_series(histories, 6, 50, told=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    first = forecasts.write_samples(made, 1, tmp_path / "a.nc").read_bytes()
    assert first == forecasts.write_samples(made, 1, tmp_path / "b.nc").read_bytes()
    with xr.open_dataset(tmp_path / "a.nc", engine="scipy") as kept:
        assert kept["value"].dims == ("series", "path", "ahead")
        np.testing.assert_array_equal(kept["value"].values[1], made.samples["two"])
        assert kept["origin"].astype(str).values.tolist() == ["2014Q4", "2014Q4"]
