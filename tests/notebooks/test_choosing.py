"""The two notebooks that justify a choice of method, and what they are computed with."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import params
from evidence import records
from evidence.reporting import execution
from evidence.studies import choosing
from sim.stepping import core

FOLDER = records.REPOSITORY / "notebooks" / "choosing"


@pytest.mark.notebooks
def test_the_notebook_on_replications_reads_a_finished_study(small, tmp_path):
    given = {"study_id": small[0], "runs": str(small[1]), "arm": "more", "baseline": "as_it_is"}
    text = executed("replications", given, tmp_path)
    assert "Monte Carlo error" in text and "draws needed" in text and "image/png" in text


@pytest.mark.notebooks
def test_the_notebook_on_the_step_compares_month_and_week(tmp_path):
    given = {"months": 4, "seeds": 2}
    assert "image/png" in executed("step", given, tmp_path)


@pytest.mark.notebooks
@pytest.mark.parametrize("name", ["replications", "step"])
def test_the_notebooks_are_stripped_and_begin_with_scalars(name):
    cells = code(FOLDER / f"{name}.ipynb")
    assert cells[0]["metadata"]["tags"] == ["parameters"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
    assert "def " not in "".join("".join(cell["source"]) for cell in cells)


def executed(name, given, folder) -> str:
    source, target = FOLDER / f"{name}.ipynb", folder / "out.ipynb"
    assert execution.execute(source, target, given, folder) == len(code(source)) + 1  # and the parameters given
    return target.read_text(encoding="utf-8")


def code(notebook):
    found = json.loads(notebook.read_text(encoding="utf-8"))
    return [cell for cell in found["cells"] if cell["cell_type"] == "code"]


@pytest.mark.unit
def test_the_error_of_a_mean_falls_with_draws_and_with_replications_only_where_chance_is_at_work():
    generator = np.random.default_rng(1)
    chance = xr.DataArray(generator.normal(size=(40, 6)), dims=("draw", "replication"))
    fixed = xr.DataArray(np.repeat(generator.normal(size=(40, 1)), 6, axis=1), dims=("draw", "replication"))
    assert choosing.error(fixed, 100, 1) == pytest.approx(choosing.error(fixed, 100, 50)) == pytest.approx(0.1)
    assert choosing.error(chance, 100, 25) < 0.3 * choosing.error(chance, 100, 1)
    table = choosing.replications_worth({"fixed": fixed}, budget=64, most=16)
    assert list(table.index) == [1, 2, 4, 8, 16] and table["fixed"].is_monotonic_increasing


@pytest.mark.behaviour
@pytest.mark.parametrize("steps_a_month", [1, 4])
def test_the_core_conserves_people_at_either_step(steps_a_month):
    """Nobody decided, nobody allowed to appeal: the queue grows by the claims and support by those who enter it."""
    idle = params.load(overrides={"decisions.capacity": 0, "appeals.capacity": 0, "intake.unaccompanied_share": 0.0})
    table = core(idle, 3000, 2, 6, steps_a_month)
    assert np.diff(table["awaiting"]) == pytest.approx(3000, abs=8)
    entered = np.diff(table["supported"]) + table["leaving support"].to_numpy()[1:]
    uptake = idle.at(np.datetime64("2025-12-31").item()).support.uptake
    assert entered.mean() == pytest.approx(3000 * uptake, rel=0.05)
