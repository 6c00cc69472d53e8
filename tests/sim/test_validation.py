"""The measures of validation, on figures whose answer is known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
import sim
from sim import section_4, validation
from sim.followup import follow
from sim.run import prepare
from sim.validation import crossing, gini, overlap, placement_elasticities, size_slope, top


@pytest.mark.validation
def test_the_published_panel_gives_the_published_patterns():
    panel = validation.published_panel()
    results = validation.pattern_results([panel], [panel])
    assert len({result.name for result in results}) == 15
    # The range of quarterly changes is that of 2014 to 2021: the quarters of 2023 and 2024 were rougher.
    apart = [result.part for result in results if not result.holds]
    assert apart == ["area quarters inside p5 to p95 of 2014-21"]
    close = {
        "December 2025",
        "nobody, December 2025",
        "rent (England)",
        "within contract area",
        "dissimilarity by region",
    }
    for result in results:
        if result.part in close:
            assert result.value == pytest.approx(result.target, rel=0.01), result


@pytest.mark.unit
def test_concentration_measures_at_their_limits():
    equal, alone = np.full(50, 7.0), np.eye(1, 50)[0] * 9
    assert gini(equal) == pytest.approx(0) and gini(alone) == pytest.approx(1 - 1 / 50)
    assert top(alone, 1) == 1 and top(equal, 10) == pytest.approx(0.2)
    assert overlap(equal, 3 * equal) == pytest.approx(1) and overlap(alone, np.roll(alone, 1)) == 0


@pytest.mark.unit
def test_entry_is_a_yearly_chance():
    before, after = np.zeros(100), np.where(np.arange(100) < 50, 20, 0)
    assert crossing(before, after, up=True) == pytest.approx(1 - 0.5 ** (4 / 5))
    assert crossing(after, before, up=False) == 1


@pytest.mark.unit
def test_placement_elasticities_recover_what_made_the_placements():
    rng = np.random.default_rng(2)
    columns, group = rng.normal(size=(4000, 2)), rng.integers(0, 5, 4000)
    placed = rng.poisson(np.exp(columns @ [1.2, -2.0] + group)).astype(float)
    np.testing.assert_allclose(placement_elasticities(placed, columns, group), [1.2, -2.0], atol=0.03)


@pytest.mark.unit
def test_the_size_slope_is_zero_for_even_growth():
    before = np.linspace(100, 900, 60)
    assert size_slope(before, 2 * before + 1, np.zeros(60, int)) == pytest.approx(0, abs=1e-9)


@pytest.mark.unit
def test_a_check_without_a_value_does_not_hold():
    assert not validation.Result("national", "a", "b", np.nan, np.nan, 1, 0, 2).holds


@pytest.mark.validation
def test_given_flows_reproduce_both_queues_since_2015():
    assumptions, intake = validation.given(params.load(), validation.LONG_START)
    start = validation.national_start(validation.LONG_START)
    long = [sim.simulate(assumptions, intake, seed, start=start) for seed in range(2)]
    cohort = validation.panels(params.load(), validation.COHORT_START, 1, lambda jobs: [
        sim.simulate(a, path, seed, start=s) for a, path, seed, s in jobs
    ])  # fmt: skip
    results = {(r.name, r.part): r for r in validation.national_results(long, cohort)}
    for name, part in results:
        if name in ("Awaiting", "Open appeals"):
            assert results[name, part].holds, results[name, part]


@pytest.mark.validation
def test_theory_holds():
    def simulate(jobs):
        return [sim.simulate(a, path, seed, start=start) for a, path, seed, start in jobs]

    results = validation.theory_results(params.load(), 3, simulate)
    assert [result for result in results if not result.holds] == []


@pytest.mark.unit
def test_section_4_follows_those_who_enter_support_after_refusal():
    now = params.load().at(date(2026, 1, 1))
    gain, stay = now.support.section_four_entry, now.support.section_four_stay
    settled = 100 * gain * stay
    assert section_4.next_stock(settled, 100, 10**6, now) == pytest.approx(settled)
    assert section_4.next_stock(4000.0, 0, 10**6, now) == pytest.approx(4000 * (1 - 1 / stay))
    assert section_4.next_stock(4000.0, 500, 3000, now) == 3000, "section 4 is a part of those supported after refusal"


@pytest.mark.behaviour
def test_a_claim_cohort_is_followed_to_its_outcomes():
    moved, intake = validation.given(params.load(overrides={"decisions.withdrawn_share": 0.0}), "2023-12-31")
    model = prepare(moved, intake, 1, "2023-12-31")
    shares = follow(model, 24)
    decided = sum(shares[name] for name in ("granted", "refused", "withdrawn", "administrative"))
    assert decided + shares["undecided"] == pytest.approx(1.0)
    assert shares["granted"] <= shares["protected"] < 1
    assert 0 < shares["on_appeal"] <= shares["refused"]
    assert model.month == 23
    # Following changes nothing: the same months simulated alone give the same stocks.
    alone = prepare(moved, intake, 1, "2023-12-31")
    alone.run_for(24)
    for name in ("supported_at_month_end", "section_4_at_month_end", "open_appeals_at_month_end"):
        np.testing.assert_array_equal(model.recorder[name], alone.recorder[name])


@pytest.mark.unit
def test_the_cohort_check_says_what_the_model_lacks():
    one = {"protected": 0.36}
    by_part = {result.part: result for result in validation.cohort_results([one, one])}
    assert by_part["protected, %"].holds and by_part["removed or unresolved, %"].holds
    removed = by_part["of these removed, %"]
    assert np.isnan(removed.value) and not removed.holds and removed.note == "not modelled"
    assert {result.family for result in by_part.values()} == {"cohort"}
