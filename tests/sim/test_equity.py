"""Equity metrics: the published position, and what each metric must do."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import params
from sim import equity

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def published():
    stock = params.reference("support_by_council")
    stock = stock[stock["quarter_end"] == "2025-12-31"].set_index("lad_code")
    councils = params.reference("councils")
    return stock, councils, params.load().at(date(2025, 12, 31))


@pytest.mark.baseline
def test_the_published_position_at_the_end_of_2025(published):
    found = equity.metrics(*published)
    assert found["gap_between_regions"] == pytest.approx(18_610, abs=1)
    assert found["gap_between_councils"] == pytest.approx(40_018, abs=1)
    assert found["gini_councils"] == pytest.approx(0.52, abs=0.005)
    assert found["councils_above_cluster_limit"] == 3


@pytest.mark.baseline
def test_three_councils_are_above_one_in_two_hundred(published):
    stock, councils, now = published
    councils = councils.set_index("lad_code").loc[stock.index]
    people, residents = stock["total"].to_numpy(float), councils["population"].to_numpy(float)
    above = equity.above_limit(people, residents, 0.005)
    assert set(councils["name"][above]) == {"Hillingdon", "Glasgow City", "Hounslow"}


def test_proportional_places_have_no_gap():
    population = np.array([10.0, 20.0, 70.0])
    assert equity.share_gap(population * 3, population) == pytest.approx(0)
    assert equity.gini(population * 3, population) == pytest.approx(0)
    assert equity.share_gap(np.array([100.0, 0, 0]), population) == pytest.approx(90)


def test_a_more_deprived_council_has_a_smaller_fair_share(published):
    _, councils, now = published
    weight = equity.index_weight(councils, now) / councils["population"].to_numpy()
    decile = councils["deprivation_decile"].to_numpy()
    assert weight[decile == 1].mean() < weight[decile == 10].mean()


places = st.integers(2, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(1, 100), min_size=n, max_size=n), st.lists(st.floats(0, 50), min_size=n, max_size=n)
    )
)


@given(places, st.floats(0, 400))
def test_water_filling_is_the_min_max_optimum(place, total):
    weight, room = (np.array(v) for v in place)
    filled = equity.water_fill(total, weight, room)
    total = min(total, room.sum())
    assert filled.sum() == pytest.approx(total, abs=1e-6)
    assert (filled <= room + 1e-9).all() and (filled >= 0).all()
    best = equity.least_largest_rate(total, weight, room)
    assert (filled / weight).max() == pytest.approx((best / weight).max(), rel=1e-6, abs=1e-6)


def test_the_optimum_says_when_people_do_not_fit():
    with pytest.raises(ValueError, match="500 people do not fit into 60 places"):
        equity.least_largest_rate(500.0, np.ones(3), np.full(3, 20.0))
