"""Designs: arms from levers, draws from samples, indices of known functions, studies that grow and lose nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import params
from evidence.studies import designs, indices
from evidence.studies.engine import open_study, resume_study, run_plan
from evidence.studies.ensemble import Design
from evidence.studies.files import Sample, Size, Study, parse_study
from evidence.studies.plans import from_settings, plan
from evidence.studies.runs import open_run, run_point
from params import InputError
from params.register import ROOT

pytestmark = pytest.mark.behaviour
AXES = ["procurement.delivery", "consultation.objection"]
BASE = """
title = "A design"
why = "To try it."
baseline = "base"
replications = 2
seed = 7
start = 2025-12-31
months = 3
outputs = ["supported_at_month_end", "grant_in_month", "council_gross_cost_in_month"]
[arms.base]
label = "As it is"
scenario = "central"
"""
SOBOL = BASE + """
[sample]
design = "sobol"
points = 2
assumptions = ["procurement.delivery", "services.unit_cost.esol"]
"""
LEVERS = BASE.replace("replications = 2", "draws = 1\nreplications = 2") + """
[levers]
design = "factorial"
[levers.levels]
"funding.grant_per_person@2026-02-01" = [1200, 2400]
"placement.rule" = ["status_quo", "population_share", "index"]
"""


def study(levers: dict | None = None, **sample) -> Study:
    table = {
        "title": "t", "why": "w", "baseline": "base", "replications": 1, "seed": 1, "months": 3,
        "start": date(2025, 12, 31), "arms": {"base": {"label": "b", "scenario": "central"}},
    }  # fmt: skip
    table |= {"levers": levers} if levers else {}
    return parse_study(table | ({"sample": sample} if sample else {"draws": 1}), "a.toml")


def write(folder: Path, text: str, name: str = "design.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_factorial_has_every_combination_and_the_first_is_the_baseline():
    made = designs.arms_of(study({"design": "factorial", "levels": {"a": [1, 2, 3], "b": [False, True]}}), "a.toml")
    assert list(made) == ["base", *(f"base_{n}" for n in range(1, 6))]
    assert [tuple(arm.overrides.values()) for arm in made.values()] == [
        (1, False), (1, True), (2, False), (2, True), (3, False), (3, True),
    ]  # fmt: skip
    assert made["base"].label == "b" and made["base_5"].label == "a 3; b True"


def test_one_at_a_time_moves_one_lever_from_the_baseline():
    made = designs.arms_of(study({"design": "one_at_a_time", "levels": {"a": [1, 2, 3], "b": [0, 9]}}), "a.toml")
    assert [tuple(arm.overrides.values()) for arm in made.values()] == [(1, 0), (2, 0), (3, 0), (1, 9)]


def levels(design: str, points: int | None = None, assumptions: list[str] = AXES) -> designs.Levels:
    return designs.levels_of(Sample(design=design, points=points, assumptions=assumptions), 3, params.load(), "a.toml")


def test_samples_have_the_rows_their_designs_ask_for():
    single = levels("one_at_a_time").values
    np.testing.assert_array_equal(np.isnan(single).sum(axis=1), [2, 1, 1, 1, 1])
    np.testing.assert_array_equal(single[1:3, 0], [0.1, 0.9])
    cube = levels("latin_hypercube", 9).values
    assert np.isnan(cube[0]).all()
    assert sorted(np.floor(cube[1:, 1] * 8)) == list(range(8))
    assert levels("sobol", 8).values.shape == (8 * 4, 2)
    morris = levels("morris", 3).values.reshape(3, 3, 2)
    assert (np.count_nonzero(np.diff(morris, axis=1), axis=2) == 1).all()


def test_a_larger_sobol_design_keeps_the_points_of_a_smaller_one():
    np.testing.assert_array_equal(levels("sobol", 16).values[: 8 * 4], levels("sobol", 8).values)


def test_every_uncertain_assumption_is_moved_where_none_is_named():
    found = levels("latin_hypercube", 2, [])
    assert set(found.axes) == set(params.load().axes().values())
    moved = params.load().at_levels(found.at(1))
    again = params.load().with_draw(1, 2, 3)
    assert moved.canonical() == again.canonical()


def ishigami(points: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * points - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_sobol_indices_of_a_function_whose_indices_are_known():
    axes = ["a", "b", "c"]
    table = indices.sobol_table(axes, ishigami(indices.sobol_points(axes, 512, 1))).set_index("factor")
    for axis, first, total in (("a", 0.314, 0.558), ("b", 0.442, 0.442), ("c", 0.0, 0.244)):
        assert table.loc[axis, "first"] == pytest.approx(first, abs=0.06)
        assert table.loc[axis, "total"] == pytest.approx(total, abs=0.06)
        assert 0 < table.loc[axis, "first_error"] < 0.2


def test_morris_effects_of_a_linear_function_are_its_slopes():
    axes = ["a", "b", "c"]
    points = indices.morris_points(axes, 8, 1)
    table = indices.morris_table(axes, points, points @ [10.0, -3.0, 0.0]).set_index("factor")
    slopes = table["mean"] / 0.9  # levels run from 0.05 to 0.95
    np.testing.assert_allclose(slopes, [10, -3, 0], atol=1e-6)
    np.testing.assert_allclose(table["spread"], 0, atol=1e-6)


def test_indices_of_outputs_that_are_not_finite_are_refused():
    outputs = np.ones(len(indices.morris_points(["a", "b"], 2, 1)))
    outputs[3] = np.nan
    with pytest.raises(ValueError, match=r"1 of 6 outputs are not finite \(first: run 3\)"):
        indices.morris_table(["a", "b"], indices.morris_points(["a", "b"], 2, 1), outputs)


def test_replications_that_are_added_leave_the_intake_paths_of_the_others():
    totals = np.random.default_rng(1).permutation(500)
    before, after = Design(3, 4, 7, None, 6), Design(3, 8, 7, None, 6, first=4)
    own = {(d, k): before.path_of(d, k, totals) for d in range(3) for k in range(4)}
    assert own == {(d, k): after.path_of(d, k, totals) for d in range(3) for k in range(4)}
    assert len({after.path_of(d, k, totals) for d in range(3) for k in range(8)}) == 24
    shared = Design(3, 4, 7, None, 6, compared=True)
    assert shared.path_of(0, 2, totals) == shared.path_of(2, 2, totals)


@pytest.fixture(scope="module")
def sobol(tmp_path_factory) -> tuple[Path, Path, str]:
    """A complete Sobol study of two base points; never changed."""
    folder = tmp_path_factory.mktemp("sobol")
    file = write(folder, SOBOL)
    return file, folder / "runs", run_plan(plan(file), folder / "runs", workers=2)


def stamped(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "receipts").iterdir()}


def test_a_sobol_study_is_opened_analysed_and_extended(sobol):
    file, runs, study_id = sobol
    before = open_study(study_id, runs)
    assert before.sizes["draw"] == 2 * 4
    assert list(before["assumption"].values) == ["procurement.delivery", "services.unit_cost.esol"]
    assert set(before.data_vars) == {"supported_at_month_end", "grant_in_month", "council_gross_cost_in_month"}
    claims = before["supported_at_month_end"].isel(month_end=0)
    assert (claims == claims.isel(draw=0, replication=0)).all()

    size = Size(extend=4)
    extended = run_plan(plan(file, size), runs, workers=2)
    assert extended != study_id
    kept, grown = stamped(runs / study_id), stamped(runs / extended)
    assert {name: grown[name] for name in kept} == kept and len(grown) == 2 * len(kept)
    after = open_study(extended, runs)
    assert after.sizes["draw"] == 4 * 4
    first = after.isel(draw=slice(0, 8))
    for name in before.data_vars:
        np.testing.assert_array_equal(before[name].values, first[name].values)
    np.testing.assert_array_equal(before["level"].values, first["level"].values)

    table, unit = indices.of_study(extended, "council_gross_cost_in_month", runs)
    assert unit == "GBP" and len(table) == 2 and np.isfinite(table["total"]).all()
    with pytest.raises(InputError, match="--outcome: suported_at_month_end is not a national result .* Nearest: supp"):
        indices.of_study(study_id, "suported_at_month_end", runs)
    assert resume_study(extended, runs) == extended

    # One point of it, repeated alone, has the numbers of the study.
    again = open_run(run_point(extended, "base", 9, 1, runs), runs)
    people = again["supported_at_month_end"].sum("council", dtype="float64").isel(replication=0)
    np.testing.assert_array_equal(people, after["supported_at_month_end"].sel(arm="base", draw=9, replication=1))
    assert plan(file, size).command("base", 9, 1) == f"dispersal run {extended} --arm base --draw 9 --only 1"


def test_a_sweep_of_levers_keeps_what_it_is_asked_and_takes_more_replications(tmp_path):
    file = write(tmp_path, LEVERS)
    study_id = run_plan(plan(file), tmp_path / "runs", workers=2)
    before = open_study(study_id, tmp_path / "runs")
    assert before.sizes["arm"] == 6
    assert [json.loads(v) for v in before["setting"].sel(arm="base_4").values] == [2400, "population_share"]
    grant = before["grant_in_month"].isel(draw=0)
    early = grant.sel(month="2026-01")
    assert (early.sel(arm="base_3") == early.sel(arm="base")).all()
    assert (grant.sel(arm="base_3", month="2026-03") > grant.sel(arm="base", month="2026-03")).all()

    with pytest.raises(InputError, match=r"--extend is 5; replications are stored in parts of 2. Nearest: 6"):
        plan(file, Size(extend=5))
    with pytest.raises(InputError, match=r"--extend is 2; the study has 2 replications, and only more can be added"):
        plan(file, Size(extend=2))
    extended = run_plan(plan(file, Size(extend=4)), tmp_path / "runs", workers=2)
    kept, grown = stamped(tmp_path / "runs" / study_id), stamped(tmp_path / "runs" / extended)
    assert {name: grown[name] for name in kept} == kept and len(grown) == 2 * len(kept)
    # Any reader of Zarr opens the store, with names, units and run ids.
    plain = xr.open_zarr(tmp_path / "runs" / extended / "store.zarr", consolidated=False)
    assert plain["grant_in_month"].dims == ("arm", "draw", "replication", "month")
    assert plain["grant_in_month"].attrs["units"] == "GBP"
    assert len(set(plain["run_id"].values.ravel())) == 6


def test_a_record_brings_back_every_shipped_study():
    for file in sorted((ROOT / "studies").glob("*.toml")):
        planned = plan(file)
        assert from_settings(json.loads(json.dumps(planned.settings))).id == planned.id, file


@pytest.mark.parametrize("name", ["sweep", "sobol", "screening"])
def test_the_shipped_designs_hold(name):
    from evidence.studies.files import read_study

    found = read_study(ROOT / "studies" / f"{name}.toml")
    if name == "sweep":
        assert len(designs.arms_of(found, name)) * found.replications == 200 * 50
    else:
        assert len(designs.levels_of(found.sample, found.seed, params.load(), name).values) > 200


@pytest.mark.parametrize(
    ("text", "change", "said"),
    [
        (SOBOL, ('"sobol"', '"sobel"'), "sample.design: sobel is not a design here. Nearest: sobol"),
        (SOBOL, ("points = 2", "points = 3"), "points is 3; a Sobol design needs a power of two. Nearest: 4"),
        (SOBOL, ("points = 2", ""), "design 'sobol' needs points"),
        (SOBOL, ("points", "point"), "sample.point is not a key. Nearest: points"),
        (SOBOL, ("procurement.delivery", "procurement.delivry"), "Nearest: procurement.delivery"),
        (SOBOL, ("procurement.delivery", "placement.rule"), "placement.rule has no distribution to draw from; make it"),
        (SOBOL, ("replications", "draws = 4\nreplications"), "draws: the sample's design says how many; leave it out"),
        (SOBOL, ("grant_in", "grants_in"), "outputs: grants_in_month is not a result. Nearest: grant_in_month"),
        (SOBOL, ('"sobol"', '"one_at_a_time"'), "design 'one_at_a_time' takes no points"),
        (LEVERS, ('"factorial"', '"factoral"'), "levers.design: factoral is not a design here. Nearest: factorial"),
        (LEVERS, ("[1200, 2400]", "[1200]"), "needs at least two levels, each once"),
        (LEVERS, ("[1200, 2400]", "[1200, 1200]"), "needs at least two levels, each once"),
        (LEVERS, ("grant_per_person", "grant_per_persn"), "Nearest: funding.grant_per_person"),
        (LEVERS, ('"index"', '"indx"'), "Nearest: index"),
        (LEVERS, ("draws = 1\n", ""), "draws is missing"),
    ],
)  # fmt: skip
def test_a_design_that_cannot_be_used_is_refused(tmp_path, text, change, said):
    assert change[0] in text
    file = write(tmp_path, text.replace(*change))
    with pytest.raises(InputError) as told:
        plan(file)
    assert said in str(told.value) and str(file) in str(told.value)
