"""Answers: what they compute, on numbers that can be checked by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import params
from evidence import exhibits, results
from evidence.answers import (
    closing_rate,
    companions,
    factors,
    groups,
    joint_review,
    load,
    sensitivity,
    summary,
    waterfall,
)
from evidence.progress import Silent
from evidence.studies import engine as studies
from evidence.studies import plans as study_plans
from params import InputError

pytestmark = pytest.mark.unit
CODES = params.reference("councils")["lad_code"].tolist()


@pytest.mark.parametrize("name", ["council_type", "tier", "region", "nation", "deprivation", "rurality"])
def test_every_council_is_in_one_group_and_sums_keep_the_total(name):
    by = groups.grouping(name)
    values = xr.DataArray(np.arange(2.0 * len(CODES)).reshape(2, -1), {"council": CODES}, ("draw", "council"))
    summed = groups.grouped(values, by)
    np.testing.assert_allclose(summed.sum("group"), values.sum("council"))
    assert set(by.of_council) == set(CODES)
    assert groups.council_counts(by).sum() == len(CODES)
    assert groups.residents(by).sum() == params.reference("councils")["population"].sum()


def test_no_group_of_types_is_one_council():
    assert groups.council_counts(groups.grouping("council_type")).min() > 5


def cost_at(rates: list[float], *per_sample: list[float]) -> xr.DataArray:
    arms = [f"rate_{r:g}" for r in rates]
    return xr.DataArray(
        [[list(s) for s in per_sample]],
        {"arm": arms},
        ("draw", "replication", "arm"),
    )


def test_the_closing_rate_is_read_off_the_line_between_two_rates():
    rates = [1000.0, 2000.0, 4000.0]
    cost = cost_at(rates, [30.0, 10.0, -10.0], [5.0, -5.0, -25.0], [0.0, -10.0, -30.0])
    found = closing_rate.crossing(cost, np.array(rates)).values.ravel()
    np.testing.assert_allclose(found, [3000.0, 1500.0, 1000.0])


def test_a_gap_that_no_rate_closes_has_no_number_and_a_surplus_is_below_the_lowest():
    rates = [1000.0, 2000.0]
    found = closing_rate.crossing(cost_at(rates, [30.0, 10.0], [-5.0, -15.0]), np.array(rates)).values.ravel()
    assert np.isinf(found[0])
    assert found[1] == pytest.approx(500.0)


STUDY = """
title = "Two changes"
why = "To try a waterfall on something small and real."
baseline = "as_now"
draws = 2
replications = 2
seed = 7
start = 2025-12-31
months = 15
arms.as_now = { label = "As now", scenario = "central" }
arms.pace = { label = "Pace", scenario = "central", set = { "procurement.growth_factor" = 1.5 } }
arms.keep = { label = "Keep", scenario = "central", set = { "procurement.handback_rate" = 0.006 } }
"""
BOTH = """arms.together = { label = "Both", scenario = "central", set = { "procurement.growth_factor" = 1.5, \
"procurement.handback_rate" = 0.006 } }
"""


@pytest.fixture(scope="module")
def changes(tmp_path_factory) -> exhibits.Pack:
    """A real study of two changes, alone and together."""
    folder = tmp_path_factory.mktemp("waterfall")
    file = folder / "two_changes.toml"
    file.write_text(STUDY + BOTH, encoding="utf-8")
    identity = studies.run_study(file, folder / "runs")
    return exhibits.open_pack(identity, str(folder / "runs"))


def test_contributions_and_interaction_make_the_total_exactly_in_every_simulation(changes):
    money = results.yearly(changes.study["home_office_cost_in_month"].astype(float).sum("home_office_item"))
    steps = waterfall.contributions(changes, money)
    assert list(steps["step"].values) == ["pace", "keep", "interaction", "together"]
    parts = steps.sel(step=["pace", "keep", "interaction"]).sum("step")
    np.testing.assert_array_equal(parts, steps.sel(step="together"))
    assert (steps.sel(step="together") != 0).any(), "the changes changed nothing"
    table = waterfall.summarise(steps).set_index("step")["central"]
    assert table[["pace", "keep", "interaction"]].groupby("step").sum().sum() == pytest.approx(table["together"].sum())


def test_a_waterfall_refuses_a_total_that_is_not_its_parts(changes):
    record = json.loads(json.dumps(dict(changes.record)))
    record["assumptions"]["together"]["procurement.growth_factor"] = [["1900-01-01", 1.4]]
    other = exhibits.Pack(changes.study_id, changes.study, record, changes.folder, None)
    with pytest.raises(InputError, match="must make exactly the changes of the other arms"):
        waterfall.contributions(other, changes.study["claims_in_month"])


@pytest.mark.parametrize("name", companions.STUDIES)
def test_companion_studies_hold_and_start_at_their_baseline(name):
    planned = study_plans.plan(companions.study_file(name))
    base = planned.arms[planned.study.baseline]
    for arm, assumptions in planned.arms.items():
        moved = assumptions.differences(base)
        assert bool(moved) == (arm != planned.study.baseline), arm
        for before, after in moved.values():
            assert after[: len(before)] == before, "an arm changes what was before April 2027"


def test_a_report_without_companions_says_how_to_make_them(changes, tmp_path):
    assert companions.open_companion(changes, "") is None
    assert companions.finished(tmp_path, "of another version") == {}
    shown = closing_rate.figures(None)._repr_html_()
    assert "grant rate" in shown
    assert companions.COMMAND in shown


AXES = ["services.unit_cost.esol", "prices.inflation", factors.INTAKE]


def test_indices_of_a_sum_are_the_shares_of_variance():
    points = sensitivity.sobol_points(AXES, base=512, seed=1)
    outputs = points @ np.array([3.0, 2.0, 1.0])
    table = sensitivity.sobol_table(AXES, outputs).set_index("factor")
    expected = {"service_costs": 9 / 14, "prices": 4 / 14, factors.INTAKE: 1 / 14}
    for name, share in expected.items():
        assert table.loc[name, "first"] == pytest.approx(share, abs=0.04)
        assert table.loc[name, "total"] == pytest.approx(share, abs=0.04)


def test_indices_are_refused_where_an_output_is_not_finite():
    outputs = np.ones(len(sensitivity.sobol_points(AXES, base=4, seed=1)))
    outputs[3] = np.nan
    with pytest.raises(ValueError, match=r"1 of 20 outputs are not finite \(first: run 3\)"):
        sensitivity.sobol_table(AXES, outputs)


def test_a_base_that_is_no_power_of_two_is_refused():
    with pytest.raises(InputError, match="base is 48; a Sobol design needs a power of two. Nearest: 64"):
        sensitivity.sobol_points(AXES, base=48, seed=1)


def test_the_design_moves_every_uncertain_assumption_and_holds_the_first_run_central():
    planned = sensitivity.Plan(base=2)
    points = planned.points()
    moved = {n for n, e in planned.assumptions.entries.items() if e.distribution != "fixed"}
    assert {planned.assumptions.axes()[n] for n in moved} <= set(planned.axes)
    assert np.isnan(points[0]).all()
    single = points[1 : 1 + 2 * len(planned.single)]
    assert (np.isfinite(single).sum(axis=1) == 1).all()
    assert set(single[np.isfinite(single)]) == {sensitivity.LOW, sensitivity.HIGH}
    assert np.isfinite(points[1 + len(single) :]).all()


def test_one_run_of_the_design_is_the_model_at_those_levels(tmp_path):
    planned = sensitivity.Plan(months=15, since="2026-04")
    from evidence.studies import intake
    from forecasts import read_paths

    folder = intake.forecast(
        tmp_path, horizon=5, origin="2025Q4", seed=planned.seed, assumptions=planned.assumptions
    )
    evaluate = sensitivity.evaluator(planned, read_paths(folder / intake.PATHS_FILE))
    rows = planned.points()
    column = planned.axes.index("services.unit_cost.homelessness")
    low, high = (next(r for r in rows if r[column] == level and np.isfinite(r).sum() == 1) for level in (0.1, 0.9))
    cheap, dear = evaluate(low), evaluate(high)
    assert set(cheap) == set(sensitivity.OUTCOMES)
    assert cheap["council_net_cost"] < dear["council_net_cost"]
    assert cheap == evaluate(low), "the same levels must give the same numbers"


def test_a_group_of_factors_has_a_label_and_says_what_to_collect():
    assert all(f.collect for f in factors.FACTORS)
    every = factors.factors([*params.load().axes().values(), factors.INTAKE, factors.CHANCE])
    assert all(every[name].label for name in every)


def test_the_frame_counts_change_on_one_definition_of_people(changes):
    rows = joint_review.published(changes)
    support = params.reference("support_by_council")
    now = support[support["quarter_end"] == pd.Timestamp("2025-12-31")].set_index("lad_code")
    before = support[support["quarter_end"] == pd.Timestamp("2024-12-31")].set_index("lad_code")
    assert before["subsistence_allocated"].max() == 0, "the test needs a year ago without people on subsistence only"
    assert rows["change"].sum() == now["total"].sum() - now["subsistence"].sum() - before["total"].sum()




def test_a_finding_on_the_first_page_is_the_figure_s_own_title_and_numbers(changes, tmp_path):
    pack = exhibits.Pack(changes.study_id, changes.study, changes.record, changes.folder, tmp_path)
    figure = load.carries(pack, "deprivation")
    (claim,) = summary.claims(pack, None)
    assert (claim.kind, claim.title, claim.source) == ("claim", figure.title, figure.source)
    pd.testing.assert_frame_equal(claim.data, figure.data)
    assert claim.id != figure.id
    assert not claim.pictures


def test_a_sensitivity_run_goes_on_from_its_batches_and_vouches_for_its_tables(tmp_path):
    planned = sensitivity.Plan(base=2, months=15, since="2026-04")
    folder = tmp_path / planned.id / "batches"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(1)
    rows = [dict.fromkeys(sensitivity.OUTCOMES, float(draw.normal())) for _ in planned.points()]
    for start in range(0, len(rows), sensitivity.BATCH):
        (folder / f"{start:05d}.json").write_text(json.dumps(rows[start : start + sensitivity.BATCH]), encoding="utf-8")
    identity = sensitivity.run(tmp_path, 1, Silent(), planned)
    record, alone, indices = sensitivity.read(tmp_path, identity)
    assert record.status == "complete"
    assert len(alone) == len(sensitivity.OUTCOMES) * len(planned.single)
    assert set(indices["factor"]) == set(factors.factors(planned.axes))
    (tmp_path / identity / sensitivity.ALONE).write_text("changed", encoding="utf-8")
    with pytest.raises(InputError, match="is no complete sensitivity run"):
        sensitivity.read(tmp_path, identity)


def test_the_command_refuses_a_number_of_workers_it_cannot_use(dispersal):
    code, _, errors = dispersal("answers", "--workers", "0")
    assert code == 2
    assert errors == ["--workers is 0; it must be from 1 to 1024."]
