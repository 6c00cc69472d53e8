"""Faults of a study: a replication that hangs, a disk that fills up, inputs that change, and the line that says so."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from two_arms import STUDY, receipts, write_study

import sim
from evidence.records import REPOSITORY, RunError, read_record
from evidence.studies import plans as study_plans
from evidence.studies.engine import open_study, resume_study, run_plan, run_study
from evidence.studies.plans import plan
from params import InputError

pytestmark = pytest.mark.behaviour
SHORTER = STUDY.replace("months = 6", "months = 3")  # its record is larger than any of its shards


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, Path, str]:
    """A study file, a runs folder and the id of the complete study in it; never changed."""
    folder = tmp_path_factory.mktemp("finished")
    file = write_study(folder, SHORTER)
    return file, folder / "runs", run_study(file, folder / "runs", workers=2)


@pytest.fixture
def begun(finished, tmp_path) -> tuple[Path, Path, str]:
    """The study without one of its two parts, and not yet complete."""
    file, runs, study_id = finished
    shutil.copytree(runs, tmp_path / "runs")
    folder = tmp_path / "runs" / study_id
    (folder / "receipts" / "more-0-0.json").unlink()
    for shard in (folder / "store.zarr").glob("*/c/1"):
        shutil.rmtree(shard)
    record = json.loads((folder / "study.json").read_text())
    record |= {"status": "unfinished", "outputs": {"intake.nc": record["outputs"]["intake.nc"]}}
    (folder / "study.json").write_text(json.dumps(record))
    return file, tmp_path / "runs", study_id


def test_a_replication_that_hangs_is_given_up_and_named(finished, begun, monkeypatch):
    _, runs, study_id = begun
    planned, released, real = plan(finished[0]), threading.Event(), sim.simulate
    bad = planned.design.seed_of(1)

    def hanging(assumptions, intake, seed, **given):
        if seed == bad and assumptions.draw == 1:
            released.wait(120)
        return real(assumptions, intake, seed, **given)

    with monkeypatch.context() as patch:
        patch.setattr(sim, "simulate", hanging)
        with pytest.raises(RunError) as told:
            run_plan(planned, runs, workers=1, seconds=6)
    said, command = str(told.value).splitlines()
    assert "arm more, draw 1, replication 1 failed: TimeoutError: no end after" in said
    assert command.startswith("dispersal run central --set funding.grant_per_person=2000 --replications 2 --only 1")
    assert sorted(receipts(runs, study_id)) == ["base-0-0.json"]
    released.set()  # what wakes up later writes nothing
    assert resume_study(study_id, runs, workers=1) == study_id
    assert receipts(runs, study_id) == receipts(finished[1], study_id)


@pytest.mark.parametrize(("largest", "kept"), [(10_000, 1), (40_000, 2)], ids=["a shard", "the record"])
def test_a_disk_that_is_full_stops_the_study_and_keeps_the_rest(finished, begun, largest, kept):
    file, runs, study_id = begun

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    code = "from evidence.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "study", str(file), "--runs", str(runs), "--workers", "1"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, preexec_fn=small_files, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "File too large; what was finished is kept. Resume with: dispersal study" in last
    assert len(receipts(runs, study_id)) == kept
    assert read_record(runs / study_id).status == "unfinished"
    assert not list((runs / study_id / "store.zarr").rglob("*.partial"))
    run_study(file, runs)
    assert receipts(runs, study_id) == receipts(finished[1], study_id)


def test_a_study_is_not_resumed_with_other_code_or_assumptions(begun, monkeypatch):
    file, runs, study_id = begun
    kept = receipts(runs, study_id)
    with monkeypatch.context() as patch:
        patch.setattr(study_plans, "model_version", lambda: "another")
        with pytest.raises(RunError, match=f"{study_id}: cannot be resumed here: the model is version another here"):
            resume_study(study_id, runs)
        other = plan(file).id
    assert other != study_id
    real = study_plans.load_arm
    with monkeypatch.context() as patch:
        patch.setattr(
            study_plans, "load_arm", lambda name, given, *places: real(name, {**given, "hotels.lump": 50}, *places)
        )
        with pytest.raises(RunError, match=r"assumptions differ \(base: hotels.lump, more: hotels.lump\)"):
            resume_study(study_id, runs)
        said: list[str] = []
        begun_anew = run_plan(plan(file), runs, workers=2, progress=Told(said))
    assert f"  {study_id} is unfinished and is not resumed: assumptions differ" in "\n".join(said)
    assert begun_anew != study_id and receipts(runs, study_id) == kept
    assert resume_study(study_id, runs) == study_id
    assert read_record(runs / study_id).status == "complete"


class Told:
    """Keeps what a person would be told."""

    def __init__(self, said: list[str]) -> None:
        self.say = said.append

    def begin(self, done: int, total: int) -> None:
        """Nothing."""

    def update(self, done: int, failed: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


def test_an_unfinished_study_says_how_to_finish_it(begun):
    _, runs, study_id = begun
    with pytest.raises(InputError) as told:
        open_study(study_id, runs)
    assert str(told.value) == (
        f"{study_id}: is not complete (1 of 2 parts are sound, first missing: receipts/more-0-0.json). "
        f"Finish it with: dispersal study --resume {study_id}"
    )


def test_an_earlier_layout_is_named(begun):
    _, runs, study_id = begun
    path = runs / study_id / "study.json"
    record = json.loads(path.read_text())
    del record["settings"]["part"]
    for file, where in (("two_arms.toml", ""), ("spending_review.toml", "params/studies/")):
        record["settings"]["file"] = file
        path.write_text(json.dumps(record))
        with pytest.raises(RunError) as told:
            open_study(study_id, runs)
        assert str(told.value) == (
            f"{file}: was stored by an earlier version of the workbench; "
            f"move its folder away and run it again: dispersal study {where}{file}"
        )


def test_a_file_and_an_id_are_not_taken_together(dispersal):
    code, _, err = dispersal("study", "a.toml", "--resume", "a-00000000")
    assert code == 2 and err == [
        "dispersal study: takes a study's file (with or without --extend), or --resume with its id."
    ]
    code, _, err = dispersal("study", "--resume", "a-00000000")
    assert code == 2 and "holds no study a-00000000" in err[0]


@pytest.mark.parametrize("seconds", [0, -1, 1e6])
def test_a_timeout_out_of_range(finished, tmp_path, seconds):
    with pytest.raises(InputError, match="--timeout is .*; it must be from 1 to 86,400 seconds"):
        run_plan(plan(finished[0]), tmp_path / "runs", seconds=seconds)
    assert not (tmp_path / "runs").exists()
