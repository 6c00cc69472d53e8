"""The command line: bad input ends in one clear line and 2, help loads nothing heavy, results are where it says."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from evidence import cli
from evidence.records import read_record

pytestmark = pytest.mark.behaviour

ROOT = Path(cli.__file__).resolve().parent.parent
HEAVY = ("numpy", "pandas", "xarray", "zarr", "pydantic", "scipy", "numba", "mesa", "matplotlib", "statsmodels")
COMMANDS = (
    *("check", "forecast", "run", "study", "report", "show", "plan", "hotels", "pack", "pathway"),
    *("cite", "find", "verify"),
)
STUDY = """
title = "Small"
why = "To try the command line."
baseline = "base"
draws = 1
replications = 1
seed = 1
start = 2025-12-31
months = 3
[arms.base]
label = "As it is"
scenario = "central"
"""


@pytest.mark.parametrize("words", [["--help"], *([command, "--help"] for command in COMMANDS), ["--version"]])
def test_help_teaches_by_example_and_loads_nothing_heavy(words):
    code = f"""
import sys
from evidence.cli import main
try:
    main({words!r})
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"
    if words == ["--version"]:
        assert done.stdout.strip()[0].isdigit()
    else:
        assert "Examples:" in done.stdout
        assert f"  dispersal {'check' if words == ['--help'] else words[0]}" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("chek", 'Did you mean "check"?'),
        ("run", "SCENARIO requires an argument"),
        ("run central extra", "extra"),
        ("run central --replicatons 3", "Did you mean --replications?"),
        ("run central --replications many", "unable to convert"),
        ("run centrl", "centrl is not a scenario. Nearest: central."),
        ("run ../central", "../central is not a scenario"),
        ("run central --replications 0", "replications is 0; it must be from 1"),
        ("run central --replications -3", "replications is -3; it must be from 1"),
        ("run central --seed -1", "seed is -1; it must be from 0"),
        ("run central --seed 99999999999999999999", "seed is 99999999999999999999; it must be from 0 to 2147483647"),
        ("run central --months 0", "months is 0; it must be from 1 to 120"),
        ("run central --months 1200", "months is 1200; it must be from 1 to 120"),
        ("run central --start 2026-01-31", "Nearest: 2025-12-31"),
        ("run central --start soon", "--start: 'soon' is not a date"),
        ("run central --draw 2 --draws 2", "--draw is 2; it must be from 0 to 1"),
        ("run central --only 8", "--only is 8; it must be from 0 to 7"),
        ("run central --set funding.grant_per_persn=1", "Nearest: funding.grant_per_person."),
        ("run central --set funding.grant_per_person=-5", "cannot be negative"),
        ("run central --set funding.grant_per_person=nan", "not a finite number"),
        ("run central --set funding.grant_per_person=lots", "must be a number"),
        ("run central --set funding.grant_per_person=1e", "'1e' is not a value"),
        ("run central --set funding.grant_per_person", "must read NAME=VALUE"),
        ("run central --set =3", "must read NAME=VALUE"),
        ("run central --set funding.grant_per_person=1 --set funding.grant_per_person=2", "is given twice"),
        ("run central --set funding.grant_per_person@2027-13-01=2", "2027-13-01 is not a date"),
        ("forecast --horizon 0", "--horizon is 0; it must be from 1 to 40 quarters."),
        ("forecast --horizon -4", "--horizon is -4; it must be from 1"),
        ("forecast --samples 0", "--samples is 0; it must be from 10"),
        ("forecast --seed 3000000000", "--seed is 3000000000; it must be from 0"),
        ("forecast --origin 2030Q1", "--origin: 2030Q1 is not between"),
        ("forecast --origin lately", "--origin: 'lately' is not a quarter"),
        ("forecast --out absent/forecast.csv", "absent/forecast.csv: is a folder, or its folder does not exist"),
        ("run central --months 3 --set funding.grant_per_person@2099-04-01=1", "the run ends in 2026-03"),
        ("run central --set funding.grant_per_person@=1", "the date must read like 2027-04-01"),
        ("study absent.toml", "absent.toml: no such study file"),
        ("study .", ".: no such study file"),
        ("study small.toml --workers 0", "--workers is 0; it must be from 1"),
        ("report ../small", "is not the id of a study"),
        ("report small-00000000", "holds no study small-00000000"),
        ("report small.toml", "small.toml: has not been run as it stands now. Run: dispersal study small.toml"),
        ("show /etc/passwd", "is not the id of a run"),
        ("show " + "a" * 300, "is not the id of a run"),
        ("show central-00000000", "holds no run central-00000000"),
        ("check --list fundin", "fundin is not a group of assumptions. Nearest: funding."),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_written(dispersal, tmp_path, words, said):
    (tmp_path / "small.toml").write_text(STUDY)
    code, out, err = dispersal(*words.split(" "))
    assert code == 2
    assert out == []
    assert len(err) == 1
    assert said in err[0]
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]


@pytest.mark.parametrize("words", ["run central --months 3", "forecast", "study small.toml"])
def test_a_runs_folder_that_cannot_be_written(dispersal, tmp_path, words):
    (tmp_path / "small.toml").write_text(STUDY)
    (tmp_path / "taken").write_text("")
    code, out, err = dispersal(*words.split(), "--runs", str(tmp_path / "taken" / "runs"))
    assert (code, out) == (2, [])
    assert err == [f"{tmp_path}/taken/runs: results cannot be written here (Not a directory). Use --runs DIR."]


def test_a_run_is_kept_shown_and_not_made_twice(dispersal, tmp_path):
    words = ("run", "central", "--replications", "2", "--months", "4", "--set", "funding.grant_per_person=900")
    code, out, err = dispersal(*words)
    assert code == 0
    folder = tmp_path / out[-1].split()[0]
    assert out[-1].startswith("runs/central-")
    record = read_record(folder)
    assert record.settings["set"] == {"funding.grant_per_person": 900}
    assert "  2025-12-31     107,003   as published" in out
    assert "Modelled estimates" in out[0]

    again, printed, said = dispersal(*words)
    assert (again, printed) == (0, out)
    assert "made earlier" in said[0]

    code, out, _ = dispersal("show", folder.name)
    assert code == 0
    assert out[0] == f"{folder.name}: run, complete"
    assert f"  {len(record.outputs)} of {len(record.outputs)} files are as they were recorded" in out
    next((folder / "results.zarr" / "claims_in_month" / "c").rglob("0")).rename(folder / "moved")
    _, out, _ = dispersal("show", folder.name)
    assert any(line.startswith("  missing or damaged: results.zarr/claims_in_month") for line in out)

    code, _, err = dispersal("show", folder.name[:-1] + ("0" if folder.name[-1] != "0" else "1"))
    assert code == 2
    assert f"Nearest: {folder.name}." in err[0]


def test_a_dated_change_leaves_what_came_before_alone(dispersal, tmp_path):
    from evidence.studies.runs import open_run

    plain, dated = (
        dispersal("run", "central", "--replications", "1", "--months", "6", *more)[1][-1].split()[0]
        for more in ([], ["--set", "funding.grant_per_person@2026-04-01=5000"])
    )
    first, second = (open_run(Path(p).name, tmp_path / "runs")["grant_in_month"].sum("council") for p in (plain, dated))
    before = slice("2026-01", "2026-03")
    assert (first.sel(month=before) == second.sel(month=before)).all()
    assert (first.sel(month="2026-04") < second.sel(month="2026-04")).all()


def test_a_forecast_is_kept_and_copied_and_the_same_again(dispersal, tmp_path):
    words = ("forecast", "--horizon", "3", "--samples", "50", "--out", "q.csv", "--paths", "p.nc")
    code, out, _ = dispersal(*words)
    assert code == 0
    folder = tmp_path / out[-1]
    assert (tmp_path / "q.csv").read_bytes() == (folder / "quantiles.csv").read_bytes()
    assert (tmp_path / "p.nc").read_bytes() == (folder / "paths.nc").read_bytes()
    table = pd.read_csv(tmp_path / "q.csv")
    assert list(table.columns) == ["origin", "target_quarter", "series", "quantile", "value"]
    assert list(dict.fromkeys(table["series"])) == ["intake", "intake_high", "intake_mixed", "intake_low"]
    assert len(table) == 4 * 3 * 23
    first = (tmp_path / "q.csv").read_bytes()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert dispersal(*words)[1] == out
    assert (tmp_path / "q.csv").read_bytes() == first


def test_a_study_ends_with_where_it_lies(dispersal, tmp_path):
    (tmp_path / "small.toml").write_text(STUDY)
    code, out, err = dispersal("study", "small.toml", "--workers", "1")
    assert code == 0
    assert out[-1].startswith("runs/small-")
    identity = out[-1].split()[0].removeprefix("runs/")
    assert out[-1].endswith(f"next: dispersal report {identity}")
    assert any("100%  1 of 1   0 failed" in line for line in err)
    assert json.loads((tmp_path / "runs" / identity / "study.json").read_text())["status"] == "complete"
    code, out, _ = dispersal("show", identity)
    assert f"{identity}: study, complete" in out
    assert "  1 of 1 parts are finished and sound" in out
    assert "  arm base: As it is (scenario central)" in out


def test_a_failed_study_ends_with_1_and_the_line_that_repeats_it(dispersal, tmp_path, monkeypatch):
    import sim

    def failing(*_: object, **__: object) -> None:
        raise ArithmeticError("a council has fewer than no beds")

    (tmp_path / "small.toml").write_text(STUDY)
    with monkeypatch.context() as patch:
        patch.setattr(sim, "simulate", failing)
        code, out, err = dispersal("study", "small.toml")
    assert (code, out) == (1, [])
    assert "arm base, draw 0, replication 0 failed: ArithmeticError: a council has fewer than no beds" in err[-2]
    assert err[-1].startswith("dispersal run central --replications 1 --only 0")
    code, out, _ = dispersal(*err[-1].split()[1:])
    assert code == 0, "the line cannot be typed"


def test_check_lists_everything_that_is_read(dispersal):
    code, out, _ = dispersal("check")
    assert code == 0
    assert any(line.split()[:2] == ["councils", "361"] for line in out)
    assert any(line.strip().startswith("spending_review.toml") for line in out)
    code, out, _ = dispersal("check", "--list", "funding")
    assert code == 0
    assert any(line.startswith("funding.grant_per_person = ") for line in out)
    assert all(line.startswith(("funding.", "    ")) for line in out)


def test_check_names_a_study_that_cannot_be_used(dispersal, tmp_path, monkeypatch):
    from evidence import checks

    folder = tmp_path / "params" / "studies"
    folder.mkdir(parents=True)
    (folder / "small.toml").write_text(STUDY.replace("central", "centrl"))
    monkeypatch.setattr(checks, "ROOT", tmp_path / "params")
    code, out, err = dispersal("check")
    assert (code, out) == (2, [])
    assert err == [f"{folder}/small.toml: arms.base.scenario: centrl is not a scenario. Nearest: central."]


def test_a_run_of_few_replications_claims_no_range(dispersal):
    code, out, _ = dispersal("run", "central", "--replications", "2", "--months", "3")
    assert code == 0
    assert "too few replications for a range" in out[0]
    assert not any(" to " in line for line in out[1:-1])


def test_a_written_reason_is_kept_with_the_run(dispersal, tmp_path):
    word = 'equity.cohesion={value=0.2, reason="agreed in the task group", by="chair"}'
    code, out, _ = dispersal("run", "central", "--months", "1", "--replications", "1", "--set", word)
    assert code == 0
    code, shown, _ = dispersal("show", out[-1].split()[-1])
    assert code == 0
    assert "  local intelligence in central: equity.cohesion, by chair: agreed in the task group" in shown
    code, _, error = dispersal("run", "central", "--months", "1", "--set", "equity.cohesion=0.2")
    assert code == 2 and "needs a reason" in error[0]
