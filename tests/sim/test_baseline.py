"""The first month equals the published figures, council by council."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
import sim
from sim.clock import months_after

pytestmark = pytest.mark.baseline


@pytest.fixture(scope="module", params=[0, 1])
def first(request, steady_intake):
    return sim.simulate(params.load(), steady_intake(1), seed=request.param).isel(month_end=0)


def test_national_figures(first):
    people = first.supported_at_month_end.sum("council")
    assert int(people.sum()) == 107_003
    assert int(people.sel(accommodation="dispersal")) == 68_538
    assert int(people.sel(accommodation="contingency_hotel")) == 30_657
    assert int(first.awaiting_at_month_end) == 64_426
    assert int(first.open_appeals_at_month_end) == 80_333


def test_every_council_and_accommodation_type(first):
    table = params.reference("support_by_council")
    table = table[table["quarter_end"] == "2025-12-31"].set_index("lad_code")
    for kind in first.accommodation.to_numpy():
        published = table.loc[first.council.to_numpy(), kind].to_numpy()
        np.testing.assert_array_equal(first.supported_at_month_end.sel(accommodation=kind), published, str(kind))


STARTS = [day for day in sim.start_days() if day != "2025-12-31"]


def published(start):
    table = params.reference("support_by_council")
    return table[table["quarter_end"] == start].set_index("lad_code")


@pytest.mark.parametrize("start", STARTS)
def test_any_quarter_end_can_be_the_start(start, steady_intake):
    month = months_after(date.fromisoformat(start), 1).astype("datetime64[ns]")
    run = sim.simulate(params.load(), steady_intake(1).assign_coords(month=month), seed=1, start=start)
    stock = run.supported_at_month_end.isel(month_end=0)
    kinds = [kind for kind in stock.accommodation.to_numpy() if kind != "subsistence"]
    rows = published(start).loc[run.council.to_numpy()]
    kept = kinds if not rows["subsistence_allocated"].iloc[0] else [*kinds, "subsistence"]
    np.testing.assert_array_equal(stock.sel(accommodation=kept).sum("accommodation"), rows["total"])
    if run.attrs["stock_status"] != "estimated":
        np.testing.assert_array_equal(stock.sel(accommodation=kinds), rows[kinds])


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("hindsight", [True, False])
def test_what_is_estimated_meets_the_national_figures_and_says_so(start, hindsight):
    stock = sim.published_start(start, hindsight).stock
    national = params.reference("support_national").set_index("quarter_end").loc[start]
    assert stock.min() >= 0
    status = sim.published_start(start, hindsight).status
    assert (status == "published") == (not np.isnan(published(start)["subsistence"]).any())
    # Before December 2023 a few hundred people are in no council; from then on all are.
    outside = int(national["unallocated"]) if status == "published" else 0
    assert stock.sum() == national["total"] - outside
    if status == "estimated":
        assert stock[:, 2].sum() == national["hotel_latest_vintage"]


def test_a_position_without_hindsight_knows_no_later_split():
    seen, unseen = (sim.published_start("2025-09-30", hindsight) for hindsight in (True, False))
    later = sim.published_start("2025-12-31").stock
    assert np.abs(seen.stock - later).sum() < np.abs(unseen.stock - later).sum()
