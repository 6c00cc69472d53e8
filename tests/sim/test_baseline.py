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


@pytest.mark.parametrize("start", [day for day in sim.start_days() if day != "2025-12-31"])
def test_any_published_quarter_end_can_be_the_start(start, steady_intake):
    month = months_after(date.fromisoformat(start), 1).astype("datetime64[ns]")
    intake = steady_intake(1).assign_coords(month=month)
    run = sim.simulate(params.load(), intake, seed=1, start=start)
    table = params.reference("support_by_council")
    published = table.loc[table["quarter_end"] == start, sim.run._KINDS].sum().sum()
    assert int(run.supported_at_month_end.isel(month_end=0).sum()) == int(published)
