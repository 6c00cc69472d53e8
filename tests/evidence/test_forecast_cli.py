"""`dispersal forecast --history` and `dispersal backtest` as a user and an outside scorer meet them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecasts
from evidence.forecast.forecasting import Counter
from evidence.records import damaged, read_record

pytestmark = pytest.mark.behaviour

COLUMNS = ["origin", "target_quarter", "series", "quantile", "value"]


def history(path: Path, series: int = 2, quarters: int = 40, first: str = "2010Q1") -> Path:
    rng = np.random.default_rng(9)
    index = pd.period_range(first, periods=quarters, freq="Q")
    rows = ["series,quarter,value"]
    for number in range(series):
        values = 50 * 3.0**number * np.exp(np.cumsum(0.1 * rng.standard_normal(quarters)))
        rows += [f"s{number},{q},{v:.2f}" for q, v in zip(index, values, strict=True)]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_file_of_series_is_forecast_the_same_every_time(dispersal, tmp_path):
    history(tmp_path / "h.csv")
    words = ("forecast", "--history", "h.csv", "--origin", "2017Q4", "--out", "q.csv", "--paths", "p.nc")
    code, out, err = dispersal(*words)
    assert code == 0
    assert not any("warning" in line for line in err)
    table = pd.read_csv(tmp_path / "q.csv")
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * 12 * 23
    assert set(table["origin"]) == {"2017Q4"}
    assert sorted(table["target_quarter"].unique())[::11] == ["2018Q1", "2020Q4"]
    wide = table.pivot(index=["series", "target_quarter"], columns="quantile", values="value").to_numpy()
    assert (np.diff(wide, axis=1) >= 0).all()
    assert wide.min() >= 0
    folder = tmp_path / out[-1]
    record = read_record(folder)
    assert (record.kind, record.settings["origins"]) == ("forecast", {"s0": "2017Q4", "s1": "2017Q4"})
    assert not damaged(folder, record.outputs)
    first = (tmp_path / "q.csv").read_bytes(), (tmp_path / "p.nc").read_bytes()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert dispersal(*words)[1] == out
    assert ((tmp_path / "q.csv").read_bytes(), (tmp_path / "p.nc").read_bytes()) == first
    dispersal(*words, "--seed", "2")
    assert (tmp_path / "q.csv").read_bytes() != first[0]


def test_rows_after_the_origin_change_no_byte_and_no_id(dispersal, tmp_path):
    whole = history(tmp_path / "whole.csv", series=1).read_text().splitlines()
    (tmp_path / "cut.csv").write_text("\n".join(whole[:33]) + "\n")
    (tmp_path / "spoilt.csv").write_text("\ufeff" + "\r\n".join([*whole[:33], "s0,2018 Q1,-9", "s0,2019 Q1,x"]))
    found = {}
    for name in ("whole", "cut", "spoilt"):
        words = ("forecast", "--history", f"{name}.csv", "--origin", "2017Q4", "--out", f"{name}.out")
        code, out, _ = dispersal(*words)
        assert code == 0
        found[name] = (out[-1], (tmp_path / f"{name}.out").read_bytes())
    assert found["whole"] == found["cut"] == found["spoilt"]


def test_one_series_has_paths_that_the_simulation_reads(dispersal, tmp_path):
    history(tmp_path / "h.csv", series=1)
    code, _, _ = dispersal("forecast", "--history", "h.csv", "--horizon", "5", "--samples", "60", "--paths", "p.nc")
    assert code == 0
    paths = forecasts.read_paths(tmp_path / "p.nc")
    assert paths["people"].shape == (60, 15)
    assert paths.attrs["series"] == "s0"


def test_a_shock_is_applied_and_kept_apart(dispersal, tmp_path):
    history(tmp_path / "h.csv", series=1)
    values = {}
    for words in (("--history", "h.csv"), ()):
        for shock in ("none", "tripling"):
            code, out, _ = dispersal("forecast", *words, "--shock", shock, "--samples", "50", "--out", "q.csv")
            assert code == 0
            assert read_record(tmp_path / out[-1]).assumptions["central"]["forecast.shock.applied"]
            table = pd.read_csv(tmp_path / "q.csv")
            median = table[(table["quantile"] == 0.5) & (table["series"].isin(["s0", "intake"]))]
            values[bool(words), shock] = median["value"].to_numpy()
        np.testing.assert_allclose(values[bool(words), "tripling"][7:], 3 * values[bool(words), "none"][7:], rtol=1e-3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("forecast --history h.csv --origin 2031Q1", "h.csv: s0 ends in 2019Q4, before the origin 2031Q1"),
        ("forecast --history h.csv --origin 2001Q1", "h.csv: s0 starts after 2001Q1"),
        ("forecast --history h.csv --origin lately", "--origin: 'lately' is not a quarter"),
        ("forecast --history g.csv", "g.csv: no such file. Nearest: h.csv."),
        ("forecast --history bad.csv", "bad.csv: row 4 (s, 2010Q3): -1 is negative. Nearest: 0."),
        ("forecast --history h.csv --horizon 41", "--horizon is 41; it must be from 1 to 40 quarters."),
        ("forecast --history h.csv --samples 3", "--samples is 3; it must be from 10"),
        ("forecast --history h.csv --shock doublin", "--shock: doublin is not a named shock. Nearest: doubling."),
        ("forecast --shock doublin", "--shock: doublin is not a named shock. Nearest: doubling."),
        ("forecast --history h.csv --out absent/q.csv", "absent/q.csv: is a folder, or its folder does not exist"),
        ("backtest --first 1999Q1", "first: 1999Q1 is not between 2004Q1"),
        ("backtest --last 2030Q1", "--last: 2030Q1 is after 2025Q3"),
        ("backtest --history bad.csv", "bad.csv: row 4 (s, 2010Q3): -1 is negative. Nearest: 0."),
        ("backtest --history short.csv", "short.csv: no series has 10 quarters, the least for a backtest."),
        ("backtest --horizon 0", "--horizon is 0; it must be from 1 to 40 quarters."),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(words, said, dispersal, tmp_path):
    history(tmp_path / "h.csv", series=1)
    history(tmp_path / "short.csv", series=1, quarters=6)
    (tmp_path / "bad.csv").write_text("series,quarter,value\ns,2010Q1,1\ns,2010Q2,2\ns,2010Q3,-1\n")
    code, out, err = dispersal(*words.split())
    assert (code, out) == (2, [])
    assert err[-1].startswith(said), err
    kept = tmp_path / "runs"
    assert not kept.is_dir() or [p.name for p in kept.iterdir() if not p.name.startswith(".")] == []


def test_a_short_or_constant_series_is_answered_with_a_warning(dispersal, tmp_path):
    rows = ["series,quarter,value", "new,2025Q1,3", "new,2025Q2,0.5", "new,2025Q3,4"]
    rows += [f"flat,{q},7" for q in pd.period_range("2016Q1", periods=39, freq="Q")]
    (tmp_path / "h.csv").write_text("\n".join(rows))
    code, _, err = dispersal("forecast", "--history", "h.csv", "--out", "q.csv")
    assert code == 0
    assert [line.split(":")[1].strip() for line in err if line.startswith("warning")] == ["new", "flat"]
    table = pd.read_csv(tmp_path / "q.csv").set_index(["series", "target_quarter", "quantile"])["value"]
    for name in ("new", "flat"):
        assert table[name, "2026Q3", 0.9] > 2 * table[name, "2026Q3", 0.1]


def test_a_backtest_of_a_file_is_kept_with_a_table_a_scorer_reads(dispersal, tmp_path):
    history(tmp_path / "h.csv", series=2, quarters=30)
    words = ("backtest", "--history", "h.csv", "--first", "2014Q1", "--horizon", "4", "--samples", "200")
    code, out, err = dispersal(*words, "--out", "q.csv")
    assert code == 0
    assert not any("warning" in line for line in err)
    assert any(line.split()[:1] == ["seasonal_naive"] for line in out)
    folder = tmp_path / out[-1]
    record = read_record(folder)
    assert record.kind == "backtest"
    assert set(record.outputs) == {"quantiles.csv", "scores.csv", "truth.csv"}
    assert (tmp_path / "q.csv").read_bytes() == (folder / "quantiles.csv").read_bytes()
    scores = pd.read_csv(folder / "scores.csv", dtype={"band": str})
    assert set(scores["series"]) == {"all series", "s0", "s1"}
    assert {"pool", "naive", "seasonal_naive"} <= set(scores["model"])
    assert {"wis", "wis_log", "coverage_50", "pit_1", "mase", "skill_log_low", "dm_log"} <= set(scores.columns)
    rows = scores[(scores["model"] == "pool") & (scores["era"] == "all") & (scores["band"] == "all")]
    by_series = rows.set_index("series")
    assert by_series.loc["all series", "forecasts"] == by_series.loc[["s0", "s1"], "forecasts"].sum()
    assert list(pd.read_csv(folder / "quantiles.csv").columns) == COLUMNS
    truth = pd.read_csv(folder / "truth.csv")
    assert list(truth.columns) == ["series", "quarter", "value"]
    assert len(truth) == 60
    assert dispersal(*words)[1][-1] == out[-1]


@pytest.mark.validation
def test_the_national_backtest_has_both_vintages_and_ends_in_time(dispersal, tmp_path):
    started = time.monotonic()
    code, out, _ = dispersal("backtest")
    spent = time.monotonic() - started
    assert code == 0
    assert spent < 180
    table = pd.read_csv(tmp_path / out[-1] / "scores.csv", dtype={"band": str})
    table = table[(table["model"] == "pool") & (table["band"] == "all") & (table["era"] == "all")]
    by_vintage = table.set_index(["vintage", "outturn_vintage"])["skill_log"]
    assert set(by_vintage.index) == {("2024-11", "2024-11"), ("2026-02", "2026-02"), ("2024-11", "2026-02")}
    assert by_vintage.between(0.07, 0.30).all()
    said = json.loads((tmp_path / out[-1] / "record.json").read_text())["inputs"]
    assert {"history of 2024-11", "history of 2026-02"} <= set(said)


def test_progress_waits_two_seconds_and_then_says_how_far(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    counter = Counter("series")
    for done in range(1, 11):
        clock[0] = 0.6 * done
        counter(done, 10)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 7
    assert lines[0] == "   40%  4 of 10 series   0:04 left"
    assert lines[-1].startswith("  100%  10 of 10 series")
