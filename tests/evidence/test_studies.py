"""The study engine: the same bytes however it is run, resumed or repaired, and faults that are named."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from two_arms import STUDY, receipts, write_study

import params
import sim
from evidence.records import RunError, exclusive, read_record
from evidence.studies import parts
from evidence.studies.engine import open_study, run_study
from evidence.studies.ensemble import Design
from evidence.studies.plans import plan
from evidence.studies.reduction import reduce, values
from evidence.studies.runs import open_run, run_scenario
from params import InputError

pytestmark = pytest.mark.behaviour

ARMS, DRAWS, REPLICATIONS = ["base", "more"], 2, 2
LONGER = STUDY.replace("draws = 2", "draws = 7").replace("replications = 2", "replications = 4")
PARTS = 14  # of the longer study: one draw of one arm each


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, Path, str]:
    """A study file, a runs folder and the id of the complete study in it; never changed."""
    folder = tmp_path_factory.mktemp("finished")
    file = write_study(folder)
    return file, folder / "runs", run_study(file, folder / "runs", workers=2)


@pytest.fixture
def copied(finished, tmp_path) -> tuple[Path, Path, str]:
    file, runs, study_id = finished
    shutil.copytree(runs, tmp_path / "runs")
    return file, tmp_path / "runs", study_id


def test_one_worker_and_two_write_the_same_bytes(finished, tmp_path):
    file, runs, study_id = finished
    assert run_study(file, tmp_path, workers=1) == study_id
    assert receipts(tmp_path, study_id) == receipts(runs, study_id)
    assert sorted(receipts(runs, study_id)) == ["base-0-0.json", "more-0-0.json"]


def test_a_study_opens_with_names_units_and_what_made_it(finished):
    _, runs, study_id = finished
    study = open_study(study_id, runs)
    assert study_id.startswith("two-arms-")
    assert list(study["arm"].values) == ARMS
    assert (study.sizes["draw"], study.sizes["replication"]) == (DRAWS, REPLICATIONS)
    assert study.attrs["baseline"] == "base"
    assert str(study["study_id"].values) == study_id
    assert list(study["financial_year"].values) == ["2025-26 (part)", "2026-27 (part)"]
    assert [str(day)[:10] for day in study["quarter_end"].values] == [
        "2025-12-31",
        "2026-03-31",
        "2026-06-30",
    ]
    for name, variable in study.data_vars.items():
        assert variable.attrs.get("units") and variable.attrs.get("long_name"), name
        assert variable.dtype in (np.float32, np.int32), name
        assert np.isfinite(variable.values).all(), name
        assert (variable.values != np.iinfo(np.int32).min).all(), name


def test_sums_over_councils_are_kept_for_regions_and_the_nation(finished):
    _, runs, study_id = finished
    study = open_study(study_id, runs)
    councils = study["supported_at_quarter_end"]
    nation = study["supported_at_month_end"].sel(month_end=study["quarter_end"].values)
    np.testing.assert_array_equal(councils.sum("council").values, nation.values)
    regions = study["supported_by_region_at_month_end"].sel(month_end=study["quarter_end"].values)
    by_hand = councils.groupby("region").sum("council").transpose(..., "quarter_end", "region", "accommodation")
    assert list(by_hand["region"].values) == list(regions["region_name"].values)
    np.testing.assert_array_equal(by_hand.values, regions.values)
    cost = study["council_gross_cost_in_financial_year"].sum(["council", "financial_year"], dtype="float64")
    monthly = study["council_gross_cost_in_month"].sum("month", dtype="float64")
    np.testing.assert_allclose(cost.values, monthly.values, rtol=1e-5)


def test_financial_years_run_from_april_and_say_when_they_are_part():
    run = sim.simulate(params.load("central"), steady_intake(months=20), seed=1)
    reduced = reduce(run)
    assert list(reduced["financial_year"].values) == ["2025-26 (part)", "2026-27", "2027-28 (part)"]
    assert list(reduced["months_in_year"].values) == [3, 12, 5]
    opened = run["beds_opened_in_month"].sel(month=slice("2026-04", "2027-03")).sum("month")
    kept = reduced["beds_opened_in_financial_year"].sel(financial_year="2026-27")
    np.testing.assert_array_equal(kept.values, opened.values)
    beds = run["beds_at_month_end"].sel(month_end="2026-09-30").squeeze()
    np.testing.assert_array_equal(reduced["beds_at_quarter_end"].sel(quarter_end="2026-09-30").squeeze(), beds)


@pytest.mark.parametrize("name", ["beds_at_month_end", "beds_opened_in_month"])
def test_a_council_variable_of_no_known_kind_is_refused(name):
    run = sim.simulate(params.load("central"), steady_intake(months=3), seed=1)
    with pytest.raises(ValueError, match="is neither a stock at month ends nor a flow in months"):
        reduce(run.rename({name: "beds_somehow"}))


@pytest.mark.parametrize("outputs", [(), ("grant_in_month", "supported_at_quarter_end")])
def test_values_alone_are_those_of_the_labelled_results(outputs):
    run = sim.simulate(params.load("central"), steady_intake(months=7), seed=1)
    labelled, plain = reduce(run, outputs), values(run, outputs)
    assert list(plain) == list(labelled.data_vars)
    for name, found in plain.items():
        np.testing.assert_array_equal(found, labelled[name].values)
        assert found.dtype == labelled[name].dtype


def steady_intake(months: int) -> xr.DataArray:
    first = np.datetime64("2026-01", "M")
    month = np.arange(first, first + np.timedelta64(months, "M")).astype("datetime64[ns]")
    return xr.DataArray(np.full(months, 7000), {"month": month}, dims="month")


def test_arms_are_paired_and_draws_and_replications_differ(finished):
    _, runs, study_id = finished
    study = open_study(study_id, runs)
    claims = study["claims_in_month"]
    np.testing.assert_array_equal(claims.sel(arm="base"), claims.sel(arm="more"))
    supported = study["supported_at_quarter_end"].sel(arm="base")
    assert not np.array_equal(supported.isel(replication=0), supported.isel(replication=1))
    assert not np.array_equal(supported.isel(draw=0), supported.isel(draw=1))
    grant = study["grant_in_month"].sum("month")
    assert (grant.sel(arm="more") > grant.sel(arm="base")).all()


def test_a_single_run_repeats_an_arm_and_draw_exactly(finished, tmp_path):
    file, runs, study_id = finished
    study = open_study(study_id, runs)
    planned = plan(file)
    identity = run_scenario("central", {"funding.grant_per_person": 2000}, planned.design, draw=1, runs=tmp_path)
    assert identity == str(study["run_id"].sel(arm="more", draw=1).values)
    run = open_run(identity, tmp_path)
    for replication in range(REPLICATIONS):
        one = reduce(run.isel(replication=replication, drop=True).drop_vars("run_id").load())
        kept = study.sel(arm="more", draw=1, replication=replication)
        for name in one.data_vars:
            np.testing.assert_array_equal(one[name].values, kept[name].values, err_msg=str(name))


def test_a_finished_study_is_not_simulated_again(copied, monkeypatch):
    file, runs, study_id = copied
    before = {path: path.stat().st_mtime_ns for path in (runs / study_id).rglob("*") if path.is_file()}
    monkeypatch.setattr(sim, "simulate", None)  # a call would raise
    assert run_study(file, runs) == study_id
    assert {path: path.stat().st_mtime_ns for path in (runs / study_id).rglob("*") if path.is_file()} == before


def damage_chunk(folder: Path) -> None:
    chunk = folder / "store.zarr" / "supported_at_quarter_end" / "c" / "1" / "0" / "0" / "0" / "0" / "0"
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(bytes(content))


def lose_chunk(folder: Path) -> None:
    shutil.rmtree(folder / "store.zarr" / "claims_in_month" / "c" / "0")


def edit_receipt(folder: Path) -> None:
    path = folder / "receipts" / "more-0-0.json"
    receipt = json.loads(path.read_text())
    receipt["shards"] = dict(list(receipt["shards"].items())[1:])
    path.write_text(json.dumps(receipt))


def lose_receipt(folder: Path) -> None:
    (folder / "receipts" / "base-0-0.json").unlink()


def damage_metadata(folder: Path) -> None:
    path = folder / "store.zarr" / "supported_at_quarter_end" / "zarr.json"
    path.write_text(path.read_text().replace("people", "pounds"))


def lose_coordinates(folder: Path) -> None:
    shutil.rmtree(folder / "store.zarr" / "council")


def damage_intake(folder: Path) -> None:
    (folder / "intake.nc").write_bytes((folder / "intake.nc").read_bytes()[:-100])


@pytest.mark.parametrize(
    "damage",
    [damage_chunk, lose_chunk, edit_receipt, lose_receipt, damage_metadata, lose_coordinates, damage_intake],
    ids=lambda damage: damage.__name__,
)
def test_what_is_damaged_is_found_and_made_again(copied, damage):
    file, runs, study_id = copied
    sound = {p.relative_to(runs): p.read_bytes() for p in (runs / study_id).rglob("*") if p.is_file()}
    damage(runs / study_id)
    with pytest.raises(InputError, match=r"is not complete .*Finish it with: dispersal study"):
        open_study(study_id, runs)
    assert run_study(file, runs) == study_id
    open_study(study_id, runs).load()
    assert {p.relative_to(runs): p.read_bytes() for p in (runs / study_id).rglob("*") if p.is_file()} == sound


def start(file: Path, runs: Path) -> subprocess.Popen[str]:
    code = "from evidence.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "study", str(file), "--runs", str(runs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_receipt(runs: Path, process: subprocess.Popen[str]) -> None:
    while not list(runs.glob("*/receipts/*.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_ctrl_c_leaves_a_study_that_the_same_command_resumes(tmp_path):
    file = write_study(tmp_path, LONGER)
    stopped = start(file, tmp_path / "runs")
    wait_for_receipt(tmp_path / "runs", stopped)
    stopped.send_signal(signal.SIGINT)
    out, err = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert out == ""
    assert err.strip().splitlines()[-1] == (f"Stopped. What was finished is kept; resume with: dispersal study {file}")
    study_id = plan(file).id
    kept = receipts(tmp_path / "runs", study_id)
    assert 0 < len(kept) < PARTS
    with pytest.raises(InputError, match=f"{study_id}: is not complete"):
        open_study(study_id, tmp_path / "runs")

    resumed = start(file, tmp_path / "runs")
    out, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, err
    assert out.splitlines()[-1].split()[0].endswith(study_id)
    whole = receipts(tmp_path / "runs", study_id)
    assert len(whole) == PARTS
    assert {name: whole[name] for name in kept} == kept
    run_study(file, tmp_path / "again", workers=1)
    assert receipts(tmp_path / "again", study_id) == whole


def test_a_killed_process_loses_nothing_that_was_finished(tmp_path):
    file = write_study(tmp_path, LONGER)
    killed = start(file, tmp_path / "runs")
    wait_for_receipt(tmp_path / "runs", killed)
    killed.kill()
    killed.communicate()
    study_id = plan(file).id
    folder = tmp_path / "runs" / study_id
    kept = {path: path.stat().st_mtime_ns for path in (folder / "receipts").glob("*.json")}
    assert kept
    run_study(file, tmp_path / "runs")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert open_study(study_id, tmp_path / "runs").sizes["draw"] == 7


def test_two_writers_of_one_study(copied):
    file, runs, study_id = copied
    lose_receipt(runs / study_id)
    with (
        exclusive(runs, study_id),
        pytest.raises(RunError, match=f"{study_id}: another process is writing it"),
    ):
        run_study(file, runs)
    assert not (runs / study_id / "receipts" / "base-0-0.json").exists()
    assert run_study(file, runs) == study_id


def test_two_studies_that_need_the_same_forecast_run_at_once(tmp_path):
    files = [write_study(tmp_path, STUDY, name) for name in ("first.toml", "second.toml")]
    both = [start(file, tmp_path / "runs") for file in files]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    names = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / "runs").iterdir())
    assert names == [".locks", "first", "forecast", "second"]


def failing_once(monkeypatch, when, error):
    """Inject a fault into the real simulation; every other replication is the real thing."""
    real, calls, lock = sim.simulate, [], threading.Lock()

    def simulate(assumptions, intake, seed, **given):
        with lock:
            calls.append(seed)
        if when(assumptions, seed):
            raise error
        return real(assumptions, intake, seed, **given)

    monkeypatch.setattr(sim, "simulate", simulate)
    return calls


def test_a_replication_that_raises_is_named_and_the_rest_goes_on(tmp_path, monkeypatch):
    file = write_study(tmp_path)
    bad = plan(file).design.seed_of(1)
    with monkeypatch.context() as patch:
        failing_once(
            patch,
            lambda assumptions, seed: (
                seed == bad and assumptions.draw == 1 and "funding.grant_per_person" in assumptions.overridden
            ),
            ValueError("more people than beds\nin E06000001"),
        )
        with pytest.raises(RunError) as told:
            run_study(file, tmp_path / "runs")
    study_id = plan(file).id
    said, command = str(told.value).splitlines()
    assert "arm more, draw 1, replication 1 failed: ValueError: more people than beds" in said
    assert command == (
        "dispersal run central --set funding.grant_per_person=2000 --replications 2 --only 1 --draws 2 "
        "--draw 1 --seed 2026 --start 2025-12-31 --months 6"
    )
    assert sorted(receipts(tmp_path / "runs", study_id)) == ["base-0-0.json"]
    assert "Traceback" in (tmp_path / "runs" / study_id / "failures" / "more-1-1.txt").read_text()
    assert read_record(tmp_path / "runs" / study_id).status == "unfinished"

    assert run_study(file, tmp_path / "runs") == study_id
    assert read_record(tmp_path / "runs" / study_id).status == "complete"
    assert not (tmp_path / "runs" / study_id / "failures").exists()


def test_a_first_replication_that_raises_does_not_stop_the_others(tmp_path, monkeypatch):
    file = write_study(tmp_path)
    with monkeypatch.context() as patch:
        failing_once(patch, lambda assumptions, seed: not assumptions.overridden, ValueError("no"))
        with pytest.raises(RunError, match=r"arm base, draw 0, replication 0 failed: ValueError: no\. "):
            run_study(file, tmp_path / "runs", workers=1)
    assert sorted(receipts(tmp_path / "runs", plan(file).id)) == ["more-0-0.json"]


def test_a_number_that_is_not_finite_never_enters_the_store(tmp_path, monkeypatch):
    file, real = write_study(tmp_path), sim.simulate

    def spoilt(*arguments, **given):
        run = real(*arguments, **given)
        run["willingness_at_month_end"][1, 7] = np.nan
        return run

    monkeypatch.setattr(sim, "simulate", spoilt)
    with pytest.raises(RunError, match="willingness_at_month_end has values that are not finite"):
        run_study(file, tmp_path / "runs")


def test_a_full_disk_keeps_what_was_finished(tmp_path, monkeypatch):
    file = write_study(tmp_path)
    with monkeypatch.context() as patch:
        failing_once(patch, lambda assumptions, seed: assumptions.overridden, OSError(28, os.strerror(28)))
        with pytest.raises(RunError, match=r"No space left on device; what was finished is kept"):
            run_study(file, tmp_path / "runs", workers=1)
    assert sorted(receipts(tmp_path / "runs", plan(file).id)) == ["base-0-0.json"]
    assert run_study(file, tmp_path / "runs") == plan(file).id


def test_results_of_two_sets_of_packages_are_not_mixed(copied, monkeypatch):
    file, runs, study_id = copied
    lose_receipt(runs / study_id)
    now = parts.package_versions()
    monkeypatch.setattr(parts, "package_versions", lambda: now | {"numpy": "1.0"})
    with pytest.raises(RunError, match=rf"begun with other packages \(numpy {now['numpy']} is now 1.0\)"):
        run_study(file, runs)


def test_the_id_follows_what_the_numbers_depend_on(tmp_path):
    same = plan(write_study(tmp_path, "# a comment\n" + STUDY)).id
    assert plan(write_study(tmp_path)).id == same
    changes = [
        ("seed = 2026", "seed = 2027"),
        ("draws = 2", "draws = 3"),
        ("months = 6", "months = 9"),
        ('"funding.grant_per_person" = 2000', '"funding.grant_per_person" = 2001'),
        ("[arms.more", "[arms.other"),
    ]
    ids = {plan(write_study(tmp_path, STUDY.replace(*change))).id for change in changes}
    assert len(ids) == len(changes) and same not in ids


def test_seeds_and_paths_are_shared_by_arms_and_spread_over_draws():
    design = Design(draws=3, replications=4, seed=7, start=None, months=6)
    assert len({design.seed_of(k) for k in range(1000)}) == 1000
    totals = np.random.default_rng(1).permutation(1000)
    taken = [design.path_of(d, k, totals) for d in range(3) for k in range(4)]
    assert len(set(taken)) == 12
    # Spread evenly over the totals: one in each eighth after eight, whatever the order of the paths.
    assert sorted(totals[taken[:8]] // 125) == list(range(8))
    assert design.path_of(2, 3, np.arange(10)) in range(10)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("draws = 2", "drawz = 2"), "drawz is not a key. Nearest: draws."),
        (("draws = 2", "draws = 0"), "draws is 0; it must be from 1"),
        (("draws = 2", "draws = -1"), "draws is -1; it must be from 1"),
        (("draws = 2", 'draws = "2"'), "draws: Input should be a valid integer"),
        (("draws = 2", "draws = 2.0"), "draws: Input should be a valid integer"),
        (("draws = 2", "draws = true"), "draws: Input should be a valid integer"),
        (("replications = 2", "replications = 0"), "replications is 0; it must be from 1"),
        (("months = 6", "months = 1200"), "months is 1200; it must be from 1 to 120"),
        (("seed = 2026", "seed = 99999999999999999999"), "seed"),
        (("seed = 2026", "seed = -1"), "seed is -1; it must be from 0"),
        (("start = 2025-12-31", "start = 2025-12-30"), "Nearest: 2025-12-31"),
        (("start = 2025-12-31", 'start = "2025-12-31"'), "start: Input should be a valid date"),
        (('baseline = "base"', 'baseline = "bass"'), "baseline: bass is not an arm. Nearest: base."),
        (
            ('scenario = "central"', 'scenario = "centrl"'),
            "arms.base.scenario: centrl is not a scenario. Nearest: central",
        ),
        (('label = "As it is"', 'lable = "As it is"'), "arms.base.lable is not a key. Nearest: label."),
        (('label = "As it is"', ""), "arms.base.label is missing"),
        (('"funding.grant_per_person"', '"funding.grant_per_persn"'), "Nearest: funding.grant_per_person."),
        (
            ('"funding.grant_per_person" = 2000', '"funding.grant_per_person" = "lots"'),
            "arms.more.set: funding.grant",
        ),
        (('"funding.grant_per_person" = 2000', '"funding.grant_per_person" = nan'), "not a finite number"),
        (("arms.more", "arms.'../more'"), "is not a name for an arm"),
        (('title = "Two arms"', 'title = "Two arms'), "not valid TOML"),
        (('title = "Two arms"', ""), "title is missing"),
    ],
)
def test_a_study_that_cannot_be_used_is_refused_before_anything_is_written(tmp_path, change, said):
    assert change[0] in STUDY
    file = write_study(tmp_path, STUDY.replace(*change))
    with pytest.raises(InputError) as error:
        run_study(file, tmp_path / "runs")
    assert said in str(error.value)
    assert str(file) in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_arms_share_one_intake_forecast(tmp_path):
    text = STUDY.replace('"funding.grant_per_person" = 2000', '"forecast.tail_degrees_of_freedom" = 12')
    with pytest.raises(InputError, match="arms.more: its forecast assumptions are not those of base"):
        plan(write_study(tmp_path, text))


@pytest.mark.parametrize("workers", [0, -1, 5000])
def test_workers_out_of_range(tmp_path, workers):
    with pytest.raises(InputError, match=rf"--workers is {workers}; it must be from 1"):
        run_study(write_study(tmp_path), tmp_path / "runs", workers=workers)
    assert not (tmp_path / "runs").exists()
