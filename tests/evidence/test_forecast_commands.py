"""Stocks, archive and early warning from the command line, and what the report says of the forecasts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evidence import cli
from evidence.chapters import outlook
from evidence.exhibits import Pack
from evidence.forecast import forecast_scores
from evidence.forecast.forecast_archive import exportable
from evidence.records import read_record
from evidence.studies.engine import open_study, run_study
from params import reference

pytestmark = pytest.mark.behaviour

STUDY = """
title = "Small"
why = "To try what the report says of forecasts."
baseline = "base"
draws = 1
replications = 1
seed = 1
start = 2025-12-31
months = 24
[arms.base]
label = "As it is"
scenario = "central"
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Pack:
    folder = tmp_path_factory.mktemp("outlook")
    file = folder / "small.toml"
    file.write_text(STUDY, encoding="utf-8")
    runs = folder / "runs"
    identity = run_study(file, runs)
    record = read_record(runs / identity)
    return Pack(identity, open_study(identity, runs), {"settings": record.settings}, runs / identity, None)


@pytest.mark.parametrize(
    "words", [("forecast", "stocks"), ("forecast", "archive"), ("forecast", "rescore"), ("forecast", "diff"), ("warn",)]
)
def test_help_teaches_by_example_and_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    heavy = ("numpy", "pandas", "xarray", "scipy", "matplotlib", "statsmodels", "pydantic")
    code = f"""
import sys
from evidence.cli import main
try:
    main({[*words, "--help"]!r})
finally:
    print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""
    root = Path(cli.__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"
    assert f"  dispersal {' '.join(words)}" in done.stdout


# ---- stocks ------------------------------------------------------------------------------------------------------


def test_stocks_prints_ranges_and_writes_every_level(dispersal, tmp_path: Path) -> None:
    code, out, _ = dispersal("forecast", "stocks", "--horizon", "2", "--samples", "80", "--out", "stocks.csv")
    assert code == 0
    assert any(line.startswith("  2026Q1") and "between" in line for line in out)
    assert any("does not" in line and "persistence" in line for line in out), "where it is no better must be said"
    table = pd.read_csv(tmp_path / "stocks.csv", dtype=str, keep_default_na=False)
    assert list(table.columns) == [
        "origin", "target_quarter", "series", "level", "code", "accommodation", "quantile", "value",
    ]  # fmt: skip
    assert set(table["level"]) == {"uk", "nation", "region", "council"}


def test_an_export_rounds_councils_to_five_and_withholds_small_counts_only_there() -> None:
    values = {"quantile": [0.1, 0.9, 0.4, 0.6, 0.5], "value": [0.0, 4.9, 7.6, 102.4, 1234.4]}
    table = pd.DataFrame({"level": ["council"] * 4 + ["uk"], **values})
    assert exportable(table)["value"].tolist() == ["[c]", "[c]", 10, 100, 1234]


def test_the_middle_of_a_small_council_is_not_given() -> None:
    levels, values = ["council"] * 4 + ["region"], [3.0, 199.0, 200.0, 812.0, 60.0]
    table = pd.DataFrame({"level": levels, "quantile": 0.5, "value": values})
    assert exportable(table)["value"].tolist() == ["[c]", "[x]", 200, 810, 60]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("forecast", "stocks", "--hotels", "clos"), "Nearest: close"),
        (("forecast", "stocks", "--horizon", "0"), "horizon: 0"),
        (("forecast", "stocks", "--out", "no/such/folder.csv"), "folder.csv"),
        (("forecast", "archive", "--vintage", "2024-10"), "Nearest: 2024-11"),
        (("forecast", "rescore"), "dispersal forecast archive"),
        (("forecast", "rescore", "--outturn", "none.csv"), "none.csv"),
        (("forecast", "diff"), "a change needs two"),
        (("forecast", "diff", "a", "b"), "no such edition"),
        (("warn", "--out", "no/such/folder.csv"), "folder.csv"),
    ],
)
def test_bad_input_is_one_line_and_two(dispersal, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, _, err = dispersal(*words)
    assert code == 2
    assert len(err) == 1
    assert said in err[0]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# ---- archive and warnings ----------------------------------------------------------------------------------------


def test_editions_are_kept_scored_and_explained(dispersal, tmp_path: Path) -> None:
    small = ("--samples", "200", "--horizon", "8")
    assert dispersal("forecast", "archive", "--vintage", "2024-11", *small)[0] == 0
    assert dispersal("forecast", "archive", *small)[0] == 0
    kept = sorted(path.name for path in (tmp_path / "runs" / "archive").iterdir())
    assert [name[:6] for name in kept] == ["2024Q3", "2025Q4"]
    code, out, _ = dispersal("forecast", "rescore", "--out", "scores.csv")
    assert code == 0
    assert any(kept[0] in line and "5 quarters to 2025Q4" in line for line in out)
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 3
    code, out, _ = dispersal("forecast", "diff", "--out", "change.csv")
    assert code == 0
    assert "Left unexplained: 0 people." in out
    change = pd.read_csv(tmp_path / "change.csv")
    whole = change["earlier"] + change["method"] + change["revision"] + change["new_quarter"]
    np.testing.assert_allclose(whole, change["later"], atol=1e-6)
    # Naming the earlier edition alone compares it with the last.
    assert dispersal("forecast", "diff", kept[0])[1] == [line for line in out if line != "change.csv"]


def test_an_archive_elsewhere_is_used_when_named(dispersal, tmp_path: Path) -> None:
    code, _, _ = dispersal("forecast", "archive", "--horizon", "2", "--samples", "60", "--archive", "kept")
    assert code == 0
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert not (tmp_path / "runs").exists()


def test_warn_says_state_since_when_false_alarms_and_meaning_on_one_line_a_series(dispersal, tmp_path: Path) -> None:
    code, out, _ = dispersal("warn", "--out", "signals.csv")
    assert code == 0
    lines = out[:-1]
    assert [line.split()[0] for line in lines] == ["intake", "small_boats", "decisions", "appeals"]
    for line in lines:
        assert " since " in line
        assert "false in" in line and "by chance" in line
        assert line.endswith(".")
    assert len(pd.read_csv(tmp_path / "signals.csv")) == 4


# ---- the report section ------------------------------------------------------------------------------------------


def test_the_plain_sentence_has_the_two_published_errors(pack: Pack) -> None:
    claim = outlook.what_is_known(pack)
    assert "by 9% on average in 2010 to 2019 and by 23% since 2020" in claim.title
    assert claim.kind == "claim"


def test_group_fans_add_up_to_the_study_intake(pack: Pack) -> None:
    import forecasts

    exhibit = outlook.intake_group_fans(pack)
    paths = forecasts.read_paths(pack.folder / "intake.nc")
    total = np.quantile(paths["people_by_quarter"].values, 0.5, axis=0)
    middle = exhibit.data[exhibit.data["series"] == "forecast"].groupby("quarter_end")["central"].sum()
    # Medians do not add up, but three of them lie near that of the sum.
    np.testing.assert_allclose(middle.to_numpy(), total[: len(middle)], rtol=0.15)
    assert "never used to allocate" in " ".join(exhibit.notes)


def test_stock_fans_start_from_the_published_figures_and_quote_what_came_later(pack: Pack) -> None:
    exhibit = outlook.stock_fans(pack)
    published = exhibit.data[exhibit.data["series"] == "published"]
    last = published.groupby("accommodation")["people"].last()
    assert last.to_dict() == {"all": 107_003, "dispersal": 68_538, "contingency_hotel": 30_657}
    # Dispersal before 2023Q2 counted people in hotels too: one line must not join the two.
    dispersal_from = published.loc[published["accommodation"] == "dispersal", "quarter_end"].min()
    assert dispersal_from >= pd.Timestamp("2023-06-30")
    assert any("93,293" in note and "not used" in note for note in exhibit.notes)
    assert any("persistence" in note for note in exhibit.notes)


def test_the_stock_score_card_says_where_the_last_value_was_better(pack: Pack) -> None:
    exhibit = forecast_scores.stock_score_card(pack)
    pool = exhibit.data[exhibit.data["model"] == "pool"].set_index(["period", "horizon"])["skill"]
    assert (pool["from 2022Q3", 4] < 0) == ("worse than it" in exhibit.title)
    assert set(exhibit.data["model"]) == set(forecast_scores.STOCK_MODELS)


def test_early_warning_titles_follow_the_data(pack: Pack) -> None:
    exhibit = outlook.early_warning(pack)
    moving = exhibit.data.loc[exhibit.data["state"] != "steady", "series"]
    assert ("No watched flow" in exhibit.title) == moving.empty
    assert len(exhibit.data) == 4


def test_the_warning_charts_are_in_alarm_exactly_beyond_the_limit_or_after_it(pack: Pack) -> None:
    data = outlook.warning_charts(pack).data
    assert (data.loc[data["level"].abs() > 1, "state"] != "steady").all()
    assert (data.loc[data["level"].abs() < 0.5, "state"] == "steady").all()
    assert data.groupby("series")["period_end"].max().eq(pd.Timestamp("2025-12-31")).all()


def test_the_report_section_leaves_no_run_behind(pack: Pack) -> None:
    before = sorted(path.name for path in pack.folder.parent.iterdir())
    forecast_scores.score_card(pack)
    forecast_scores.coverage_by_era(pack)
    assert sorted(path.name for path in pack.folder.parent.iterdir()) == before


def test_scores_and_coverage_name_the_naive_rules_and_the_eras(pack: Pack) -> None:
    card = forecast_scores.score_card(pack)
    assert set(card.data["model"]) == {"pool", "naive", "seasonal_naive"}
    coverage = forecast_scores.coverage_by_era(pack)
    claims = coverage.data[coverage.data["series"] == "Claims"].set_index("era")["inside"]
    # Known and not repaired: intervals learnt in calm years were too narrow in 2020 and 2021.
    assert claims["2020-21"] < 0.65 < claims["2010-16"]
    assert f"{claims['2020-21']:.0%}" in coverage.title


def test_hotel_scenarios_are_four_and_the_stated_aim_is_not_a_forecast(pack: Pack) -> None:
    exhibit = outlook.hotel_scenarios(pack)
    assert len(exhibit.view) == 4
    last = exhibit.data[exhibit.data["quarter_end"] == exhibit.data["quarter_end"].max()].set_index("scenario")
    middle = last["central"]
    assert middle["Dispersal grows twice as fast"] < middle["Dispersal grows as in 2014 to 2021"]
    now = float(reference("support_national")["hotel_latest_vintage"].iloc[-1])
    # Eight of the sixteen quarters to the end of 2029 are over, so no path holds more than half of today's people.
    assert last.loc["No hotels after 2029 (stated aim)", "high95"] <= np.ceil(now / 2)
