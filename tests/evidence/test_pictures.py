"""The door of pictures: each kind drawn from one small comparison, with text and files, and the flow's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

import evidence
import params
import sim
from evidence import results
from evidence.drawing import flows, pictures
from params import InputError
from sim.flows import OUTSIDE
from sim.flows import flows as counted


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> evidence.Comparison:
    changes = {
        "More procurement": {"procurement.growth_factor@2026-04-01": 1.5},
        "More grant": {"funding.grant_per_person@2026-04-01": 2400},
        "Fewer homes handed back": {"procurement.handback_rate@2026-04-01": 0.006},
        "No steering": {"placement.steering": 0.0},
    }
    runs = tmp_path_factory.mktemp("pictures")
    return evidence.compare(changes, "current_grant", draws=2, replications=1, months=15, runs=runs)


@pytest.mark.behaviour
@pytest.mark.parametrize(
    "kind",
    [
        "supported", "hotels", "dispersal", "regions", "regions_by_accommodation", "ledgers", "ledgers_by_year",
        "waterfall",
    ],
)  # fmt: skip
def test_each_picture_is_drawn_with_its_text_from_the_data(comparison, kind):
    made = getattr(pictures, kind)(comparison)
    assert made.pictures["svg"].startswith(b"<?xml") and made.pictures["png"].startswith(b"\x89PNG")
    assert any(c.isdigit() for c in made.alternative) and made.label == "modelled estimate"
    assert {"low80", "high80"} <= set(made.data.columns) and len(made.shown())


@pytest.mark.behaviour
@pytest.mark.parametrize("kind", ["regions", "ledgers_by_year"])
def test_a_panel_of_more_arms_than_can_be_told_apart_says_how_many_it_draws(comparison, kind):
    made = getattr(pictures, kind)(comparison)
    assert "Drawn are 4 of 6 options; the data hold every one." in made.notes
    assert set(made.data["arm"]) == set(comparison.labels)


@pytest.mark.behaviour
def test_the_map_comes_with_its_table(comparison):
    drawn, table = pictures.councils(comparison)
    assert drawn.kind == "figure" and table.kind == "table" and len(table.shown()) == len(drawn.data)


@pytest.mark.behaviour
def test_the_panels_of_regions_add_up_to_the_nation(comparison):
    made = pictures.regions_by_accommodation(comparison)
    first = made.data["month_end"].min()
    own = made.data[(made.data["month_end"] == first) & (made.data["accommodation"] == results.HOTEL)]
    national = results.supported(comparison.study, accommodation=results.HOTEL).isel(month_end=0).values
    assert own["central"].sum() == national.flat[0]
    with pytest.raises(InputError, match="regions: nobody is not an arm. Valid: base, "):
        pictures.regions_by_accommodation(comparison, "nobody")


@pytest.mark.behaviour
def test_flows_account_for_every_person_of_the_stocks(steady_intake):
    given = (params.load(), steady_intake(3), 1)
    moved, run = counted(*given), sim.simulate(*given)
    stock = run["supported_at_month_end"].sum("council")
    inside = [str(kind) for kind in stock["accommodation"].values]
    arrived = moved.sel(destination=inside).sum("origin")
    left = moved.sel(origin=inside).sum("destination")
    np.testing.assert_array_equal(arrived.values, stock.isel(month_end=slice(1, None)).values)
    np.testing.assert_array_equal(left.values, stock.isel(month_end=slice(None, -1)).values)
    assert (moved.sel(origin=OUTSIDE, destination=OUTSIDE) == 0).all()


@pytest.mark.behaviour
def test_the_flow_has_intervals_and_is_saved_with_its_words(comparison, tmp_path):
    made = pictures.flow("current_grant", draws=2, months=3, runs=comparison.planned.runs)
    assert (made.data["origin"] != made.data["destination"]).all() and (made.data["low80"] <= made.data["high80"]).all()
    assert set(made.data["origin"]) <= set(flows.ACCOMMODATION) | {OUTSIDE}
    path = pictures.save(made, tmp_path / "flow.svg")
    assert path.read_bytes() == made.pictures["svg"]
    assert made.alternative in (tmp_path / "flow.svg.txt").read_text(encoding="utf-8")
    for file, message in (("flow.gif", r"a picture is \.svg or \.png"), ("no/flow.svg", "its folder does not exist")):
        with pytest.raises(InputError, match=message):
            pictures.save(made, tmp_path / file)


@pytest.mark.unit
def test_what_holds_no_results_is_refused():
    with pytest.raises(InputError, match="picture: int holds no results; give a comparison, a study or a study's id."):
        pictures.hotels(1)
    with pytest.raises(InputError, match="start: 'today' is not a date"):
        pictures.flow(start="today")
    with pytest.raises(InputError, match="flow: months is 0; it must be from 1 to 120"):
        pictures.flow(months=0)
