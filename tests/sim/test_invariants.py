"""What must hold in every month of every run, whatever the assumptions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import params
import sim

pytestmark = pytest.mark.behaviour

DRAWS, DRAW_SEED = 40, 7


@pytest.fixture(scope="module")
def central(steady_intake):
    return sim.simulate(params.load(), steady_intake(30), seed=3)


def assert_conserves_and_fits(run: xr.Dataset) -> None:
    supported = run.supported_at_month_end.sum(["council", "accommodation"]).to_numpy()
    flow = run.newly_supported_in_month.to_numpy() - run.exits_in_month.sum("exit").to_numpy()
    np.testing.assert_array_equal(np.diff(supported), flow, "supported people are not conserved")
    awaiting = run.awaiting_at_month_end.to_numpy()
    decided = run.decisions_in_month.sum("outcome").to_numpy()
    np.testing.assert_array_equal(np.diff(awaiting), run.claims_in_month.to_numpy() - decided)
    appeals = run.open_appeals_at_month_end.to_numpy()
    entered = run.appeals_lodged_in_month + run.appeals_unexplained_in_month
    np.testing.assert_array_equal(np.diff(appeals), (entered - run.appeals_decided_in_month).to_numpy())

    people = run.supported_at_month_end
    assert int(people.min()) >= 0
    used = people.sel(accommodation="dispersal") + run.voids_at_month_end
    assert int(run.voids_at_month_end.min()) >= 0
    assert bool((used <= run.beds_at_month_end).all()), "a bed was used twice, or while it stood empty"
    assert bool((people.sel(accommodation="contingency_hotel") <= run.hotel_beds_at_month_end).all())
    beds = run.beds_at_month_end.to_numpy()
    opened, lost = run.beds_opened_in_month.to_numpy(), run.beds_handed_back_in_month.to_numpy()
    np.testing.assert_array_equal(np.diff(beds, axis=0), opened - lost, "beds appear or vanish")


def test_people_and_beds_are_conserved_every_month(central):
    assert_conserves_and_fits(central)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.integers(1, DRAWS - 1), seed=st.integers(0, 2**62), people=st.integers(0, 30_000))
def test_invariants_hold_for_any_draw_seed_and_intake(steady_intake, draw, seed, people):
    assumptions = params.load().with_draw(draw, DRAWS, DRAW_SEED)
    assert_conserves_and_fits(sim.simulate(assumptions, steady_intake(8, people), seed=seed))


def test_decisions_and_appeals_stay_within_capacity(central):
    now = params.load().at(central.month.to_numpy()[0].astype("datetime64[D]").item())
    assert int(central.appeals_decided_in_month.max()) <= now.appeals.capacity
    queue = central.awaiting_at_month_end.to_numpy()[:-1] + central.claims_in_month.to_numpy()
    assert (central.decisions_in_month.sum("outcome").to_numpy() <= now.decisions.queue_cap * queue).all()


def test_no_one_is_placed_above_the_hard_cluster_limit(steady_intake):
    hard = sim.simulate(params.load(overrides={"placement.cluster_hard": True}), steady_intake(12), seed=3)
    people = hard.supported_at_month_end.sel(accommodation="dispersal")
    limit = np.floor(hard.population * 0.005)
    above = people.isel(month_end=slice(1, None)) > limit
    rose = people.diff("month_end") > 0
    assert not bool((above & rose).any())


def test_an_advisory_limit_keeps_up_homes_above_it(steady_intake):
    soft = sim.simulate(params.load(overrides={"placement.cluster_hard": False}), steady_intake(12), seed=3)
    hard = sim.simulate(params.load(overrides={"placement.cluster_hard": True}), steady_intake(12), seed=3)
    glasgow = dict(council="S12000049", accommodation="dispersal")
    last = -1
    assert soft.supported_at_month_end.sel(glasgow)[last] > hard.supported_at_month_end.sel(glasgow)[last]


def test_no_isolated_placement_in_a_rural_council(steady_intake):
    run = sim.simulate(params.load(), steady_intake(30), seed=5)
    councils = params.reference("councils").set_index("lad_code").loc[run.council.to_numpy()]
    rural = (councils["rural_class"] == "rural").to_numpy()
    people = run.supported_at_month_end.sel(accommodation="dispersal").to_numpy()
    beds = run.beds_at_month_end.to_numpy()
    first_people = rural & (people[:-1] == 0) & (people[1:] > 0)
    assert first_people.any(), "no rural council received anyone, so nothing was tested"
    assert beds[1:][first_people].min() >= 8


def test_every_supported_person_has_a_place(central):
    nights = central.person_nights_in_month.sum("accommodation").to_numpy()
    supported = central.supported_at_month_end.sum(["council", "accommodation"]).to_numpy()[1:]
    np.testing.assert_allclose(nights, supported * central.month.dt.days_in_month.to_numpy())


def test_ledgers_are_kept_apart_and_grants_agree(central):
    paid = central.home_office_cost_in_month.sel(home_office_item="grants_to_councils").to_numpy()
    np.testing.assert_allclose(paid, central.grant_in_month.sum("council").to_numpy(), rtol=1e-5)
    money = ("council_gross_cost", "grant", "home_office_cost", "other_public_cost")
    for name in (f"{stem}_in_month" for stem in money):
        assert central[name].attrs["units"] == "GBP"
        assert "nominal" in central[name].attrs["price_base"]
