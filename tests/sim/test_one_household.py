"""One household more changes nobody else, until it competes for a bed or a decision; more funding never costs beds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import params
import sim
from params import InputError
from sim.households import first_slot
from sim.run import prepare
from sim.states import Accommodation

pytestmark = pytest.mark.behaviour
# Without decisions the only thing that households compete for is a bed.
UNDECIDED = {"decisions.capacity": 0, "appeals.capacity": 0, "support.uptake_sd": 0.0}
IDENTITY = ["slot", "claimed", "people", "school_age", "decision_group"]
FATE = ["stage", "support", "due"]


def pair(steady_intake, month: int, seed: int, months: int, overrides: dict):
    """Two models side by side: the second has one more person claiming in one month."""
    models = []
    for more in (0, 1):
        intake = steady_intake(months, 3000)
        intake[month] += more
        models.append(prepare(params.load(overrides=overrides), intake, seed))
    return models


def others(model, month: int, last: int) -> np.ndarray:
    """Households but a month's claims from slot `last` on."""
    records = model.households.live()
    own = (records["slot"] >= last) & (records["slot"] < first_slot(month, on_appeal=True))
    return np.sort(records[~own], order="slot")


@settings(
    max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(month=st.integers(0, 3), seed=st.integers(0, 2**40))
def test_one_household_more_leaves_everyone_elses_history_as_it_was(steady_intake, month, seed):
    alone, joined = pair(steady_intake, month, seed, 6, UNDECIDED)
    last = None
    for step in range(6):
        for model in (alone, joined):
            model.run_for(1)
        if step < month:
            np.testing.assert_array_equal(*(others(model, month, 2**31) for model in (alone, joined)))
            continue
        if last is None:
            records = alone.households.live()
            claims = (records["claimed"] == month) & (records["slot"] < first_slot(month, on_appeal=True))
            last = int(records["slot"][claims].max())  # its size is what was left of the month
        one, two = others(alone, month, last), others(joined, month, last)
        for field in IDENTITY + FATE:
            np.testing.assert_array_equal(one[field], two[field], f"{field} of another household changed")
        # Initial accommodation is as full; only who has which bed may differ once it has looked for one.
        for kind in (Accommodation.INITIAL, Accommodation.SUBSISTENCE):
            gap = joined.households.occupied[:, kind].sum() - alone.households.occupied[:, kind].sum()
            assert abs(int(gap)) <= 8


def test_where_it_needs_no_bed_no_bed_changes_hands(steady_intake):
    """Outside support a household competes for nothing: every other household lives where it did."""
    unsupported = UNDECIDED | {"intake.unaccompanied_share": 1.0}
    alone, joined = pair(steady_intake, 2, 11, 6, unsupported)
    for model in (alone, joined):
        model.run_for(6)
    np.testing.assert_array_equal(alone.households.occupied, joined.households.occupied)
    np.testing.assert_array_equal(others(alone, 2, first_slot(2)), others(joined, 2, first_slot(2)))


def test_more_people_than_a_month_has_slots_are_refused(steady_intake):
    with pytest.raises(InputError, match=r"600,000 people in a month; the most is 524,287"):
        sim.simulate(params.load(), steady_intake(2, 600_000), seed=1)


def test_more_grant_never_yields_fewer_beds_on_average(steady_intake):
    rates, seeds = (0.0, 1200.0, 4800.0), range(4)

    def beds(rate: float, seed: int) -> float:
        changed = {"funding.grant_per_person@2026-04-01": rate}
        run = sim.simulate(params.load("central", changed), steady_intake(30), seed)
        return float(run["beds_at_month_end"].isel(month_end=-1).sum())

    found = np.array([[beds(rate, seed) for seed in seeds] for rate in rates])
    for less, more in zip(found, found[1:], strict=False):
        gained = more - less
        error = gained.std(ddof=1) / np.sqrt(len(gained))
        assert gained.mean() > -2.5 * error, "more grant, fewer beds than chance explains"
    assert found[-1].mean() > found[0].mean()


def test_every_council_runs_for_ten_years(steady_intake):
    run = sim.simulate(params.load(), steady_intake(120), seed=8)
    assert dict(run.sizes)["council"] == 361 and run.sizes["month"] == 120
    numbers = [v for v in run.data_vars.values() if v.dtype.kind == "f"]
    assert all(np.isfinite(v.values).all() for v in numbers)
    people = run["supported_at_month_end"]
    assert int(people.min()) >= 0 and isinstance(run, xr.Dataset)
    assert bool((people.sel(accommodation="dispersal") <= run["beds_at_month_end"]).all())
