"""Adopting a calibration: whole and checked, or not at all."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import params
from evidence.cli import main
from evidence.records import Record, read_record, sealed
from evidence.validation import calibrate
from params import InputError
from params.posterior import bounds, calibrated
from params.register import ROOT, read_register

pytestmark = pytest.mark.behaviour
NAME = "calibrate-0000abcd"


@pytest.fixture
def root(tmp_path):
    for name in ("assumptions", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / "params" / name)
    return tmp_path / "params"


@pytest.fixture
def runs(tmp_path):
    """A runs folder with one calibration of eight rows."""
    entries = read_register()
    ends = {name: bounds(entries[name], name) for name in calibrated(entries)}
    place = (np.arange(8) + 0.5) / 8
    table = pd.DataFrame({name: low + place * (high - low) for name, (low, high) in ends.items()})
    record = Record(
        NAME, calibrate.KIND, "made for a test", {"seed": 1}, {}, "0", warnings=("A sentence.",),
        extra={"central": table.iloc[3].to_dict()},
    )  # fmt: skip
    with sealed(tmp_path / "runs", record) as partial:
        table.to_csv(partial / calibrate.FILES["posterior"], index=False)
    return tmp_path / "runs"


def test_an_adopted_calibration_is_what_draws_use(runs, root):
    folder = calibrate.adopt(runs, NAME, root)
    assert sorted(path.name for path in folder.iterdir()) == ["posterior.csv", "record.json"]
    about = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert about["id"] == NAME and about["outputs"] == dict(read_record(runs / NAME).outputs)
    central = params.load(root=root)
    assert central.posterior.run == NAME and len(central.posterior.rows) == 8
    before = params.load(root=ROOT).canonical()
    for name, value in about["central"].items():
        assert central.entries[name].values()[-1] == float(f"{value:.3g}")
    changed = {n for n, v in central.canonical().items() if v != before[n]}
    assert changed <= set(about["central"]), "only what was fitted moves"
    calibrate.adopt(runs, NAME, root)  # again, over the old one
    assert sorted(path.name for path in root.iterdir()) == ["assumptions", "posterior", "scenarios"]


def test_a_damaged_or_unfitting_calibration_is_not_adopted(runs, root):
    table = runs / NAME / calibrate.FILES["posterior"]
    table.write_bytes(table.read_bytes() + b"1\n")
    with pytest.raises(InputError, match=r"posterior\.csv: is damaged"):
        calibrate.adopt(runs, NAME, root)
    assert not (root / "posterior").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--points", "3"], "--points is 3; it must be from 16 to 4096."),
        (["--draws", "5000"], "--draws is 5000; it must be from 16 to 4096."),
        (["--seed", "-1"], "--seed is -1; it must be from 0 to 20000."),
        (["--adopt", "calibrate-0000abce"], "holds no calibration calibrate-0000abce. Nearest: calibrate-0000abcd."),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(runs, capsys, words, message):
    before = sorted(path.name for path in runs.iterdir())
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", *words, "--runs", str(runs)])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in runs.iterdir()) == before


def test_sets_that_fit_together_are_told_apart():
    sets = calibrate.coherent_sets()
    assert sets["set_a"]["support.people_per_open_appeal"] == 0.37
    assert sets["set_b"]["support.people_per_open_appeal"] == 0.55
    assert {n for n in sets["set_a"] if sets["set_a"][n] != sets["set_b"][n]} == {
        n for n in sets["set_a"] if n.startswith("support.") and n != "support.granted_supported"
    }
