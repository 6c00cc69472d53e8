"""`dispersal hindcast`: the table, its labels and its refusals; and what `dispersal validate` concludes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import params
from evidence.cli import _code
from evidence.validation.rolling import Bars, blind_results
from evidence.validation.validate import verdict

COLUMNS = ["start", "target_quarter", "level", "code", "accommodation", "quantile", "value"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hindcast")
    words = ["hindcast", "--start", "2024-06-30", "--quarters", "2", "--samples", "8"]
    assert _code([*words, "--out", str(folder / "h.csv"), "--runs", str(folder / "runs")]) == 0
    return folder / "h.csv"


@pytest.mark.behaviour
def test_the_table_has_every_place_accommodation_and_level(table):
    rows = pd.read_csv(table)
    assert list(rows.columns) == COLUMNS
    assert set(rows["start"]) == {"2024-06-30"} and list(rows["target_quarter"].unique()) == ["2024Q3", "2024Q4"]
    councils = params.reference("councils")
    assert set(rows.loc[rows["level"] == "council", "code"]) == set(councils["lad_code"])
    assert set(rows.loc[rows["level"] == "region", "code"]) == set(councils["region"])
    assert set(rows.loc[rows["level"] == "nation", "code"]) == set(councils["nation"])
    assert list(rows.loc[rows["level"] == "uk", "code"].unique()) == ["UK"]
    kinds = {"initial", "dispersal", "contingency_hotel", "contingency_other", "other", "subsistence", "total"}
    assert set(rows["accommodation"]) == kinds
    groups = rows.groupby(["target_quarter", "level", "code", "accommodation"], sort=False)
    assert (groups.size() == 23).all()
    assert rows["value"].min() >= 0
    assert (groups["value"].diff().fillna(0) >= 0).all()


@pytest.mark.behaviour
def test_the_file_beside_it_says_what_it_is(table):
    about = json.loads(table.with_name("h.csv.json").read_text())
    assert about["settings"]["flows"] == "given" and about["in_sample"] is False
    assert "procurement.entry_hazard" in about["replaced"]
    assert any("partly estimated" in said for said in about["labels"])


@pytest.mark.behaviour
def test_measured_values_kept_are_labelled_in_sample(tmp_path, capsys):
    words = ["hindcast", "--start", "2025-09-30", "--quarters", "1", "--samples", "8", "--in-sample"]
    assert _code([*words, "--out", str(tmp_path / "h.csv"), "--runs", str(tmp_path / "runs")]) == 0
    assert "In-sample" in capsys.readouterr().out
    assert json.loads((tmp_path / "h.csv.json").read_text())["in_sample"] is True


@pytest.mark.behaviour
def test_ahead_of_the_last_quarter_the_intake_is_forecast(tmp_path, capsys):
    words = ["hindcast", "--start", "2025-12-31", "--quarters", "1", "--samples", "8"]
    assert _code([*words, "--out", str(tmp_path / "h.csv"), "--runs", str(tmp_path / "runs")]) == 0
    assert "Unconditional" in capsys.readouterr().out
    uk = pd.read_csv(tmp_path / "h.csv").query("level == 'uk' and accommodation == 'total'").set_index("quantile")
    assert 80_000 < uk.loc[0.5, "value"] < 120_000 and uk.loc[0.9, "value"] > uk.loc[0.1, "value"]


@pytest.mark.behaviour
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--start", "2022-12-30"], "Nearest: 2022-12-31"),
        (["--start", "soon"], "is not a date"),
        (["--start", "2023-06-30", "--quarters", "0"], "--quarters is 0"),
        (["--start", "2025-12-31", "--flows", "given"], "Nearest: forecast"),
        (["--start", "2023-06-30", "--flows", "all"], "is not one of"),
        (["--start", "2023-06-30", "--out", "no/such/folder/h.csv"], "its folder does not exist"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_leaves_nothing(words, message, tmp_path, capsys):
    assert _code(["hindcast", *words, "--runs", str(tmp_path / "runs")]) == 2
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said
    assert not list((tmp_path / "runs").glob("hindcast*"))


def checks(patterns, national):
    rows = [{"family": "validation", "name": str(n), "holds": n < patterns} for n in range(15)]
    return pd.DataFrame([*rows, {"family": "national", "name": "a", "holds": national}])


@pytest.mark.unit
@pytest.mark.parametrize(("patterns", "national", "passed"), [(13, True, True), (12, True, False), (15, False, False)])
def test_the_verdict_needs_thirteen_patterns_and_every_other_check(patterns, national, passed):
    assert verdict(checks(patterns, national))[0] is passed


@pytest.mark.unit
def test_the_blind_test_reads_only_conditional_hindcasts_four_quarters_ahead():
    errors = pd.DataFrame(
        {
            "kind": ["conditional", "conditional", "unconditional"],
            "ahead": [4, 1, 4],
            "accommodation": "total",
            "error": [-100.0, 9e9, 9e9],
            "persistence_error": [200.0, 0.0, 0.0],
        }
    )
    (result,) = blind_results(errors)
    assert result.value == 100 and result.holds and np.isnan(result.spread)


@pytest.mark.validation
def test_a_hindcast_is_scored_beside_the_naive_bars():
    from sim.hindcast import simulate_ensemble

    bars = Bars()
    ensemble = simulate_ensemble("2024-06-30", 2, 8, seed=1)
    rows, nation = bars.score(ensemble, seed=1)
    scores = pd.DataFrame(rows)
    assert (scores.groupby(["ahead", "accommodation"])["councils"].sum() == 361).all()
    assert set(scores.loc[scores["ahead"] == 2, "accommodation"]) == {"total"}  # no split is published for 2024Q4
    assert (scores[["model_wis", "persistence_wis"]] >= 0).all().all()
    errors = pd.DataFrame(nation).query("accommodation == 'total'").set_index("ahead")
    assert errors.loc[1, "persistence_error"] == 100_995 - 109_024
    assert errors.loc[1, "error"] == pytest.approx(errors.loc[1, "median"] - 109_024)
    assert abs(errors.loc[1, "error"]) < abs(errors.loc[1, "persistence_error"])
