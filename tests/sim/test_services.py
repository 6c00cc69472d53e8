"""Services: tiers, pressure and recruitment."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
from sim import services
from sim.council import destinations
from sim.states import Service

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def now():
    return params.load().at(date(2026, 6, 1))


def test_districts_of_a_county_share_schools_but_not_homelessness():
    needed = np.ones((3, len(Service)))
    needed[0] = 5.0
    capacity = np.ones((3, len(Service)))
    found = services.pressure(needed, capacity, upper_tier=np.array([0, 0, 1]))
    np.testing.assert_allclose(found[:, Service.SCHOOL_PLACES], [3, 3, 1])
    np.testing.assert_allclose(found[:, Service.HOMELESSNESS], [5, 1, 1])


def test_nothing_needed_is_no_pressure_even_without_capacity():
    none = np.zeros((2, len(Service)))
    assert not services.pressure(none, none, np.arange(2)).any()


def test_more_grant_brings_more_capacity_and_rural_councils_recruit_more_slowly(now):
    needed = np.full((4, len(Service)), 10.0)
    funded, rural = np.array([0.0, 1.0, 1.0, 2.0]), np.array([False, False, True, False])
    start = np.full_like(needed, 5.0)
    after = services.next_capacity(start, needed, funded, np.zeros(len(Service)), rural, now)
    assert (after[1] > after[0]).all() and (after[2] < after[1]).all()
    assert (after > start).all()


def test_capacity_settles_at_what_is_covered(now):
    needed, capacity = np.full((1, len(Service)), 10.0), np.zeros((1, len(Service)))
    for _ in range(200):
        capacity = services.next_capacity(
            capacity, needed, np.zeros(1), np.zeros(len(Service)), np.zeros(1, bool), now
        )
    np.testing.assert_allclose(capacity, 10.0 * now.services.base_cover, rtol=1e-4)


def test_pressure_over_all_lines_lies_between_its_lines(now):
    needed = np.random.default_rng(1).uniform(1, 9, (5, len(Service)))
    by_line = np.random.default_rng(2).uniform(0.5, 2, (5, len(Service)))
    overall = services.overall_pressure(by_line, needed, now)
    assert (overall >= by_line.min(axis=1)).all() and (overall <= by_line.max(axis=1)).all()


def test_those_who_move_after_a_grant_go_to_scotland_by_its_share_and_to_where_supported_people_are(now):
    population = np.array([300_000, 100_000, 200_000, 600_000])
    supported, scottish = np.array([900, 100, 0, 500]), np.array([False, False, True, True])
    found = destinations(population, supported, scottish, now)
    assert found.sum() == pytest.approx(1) and found[scottish].sum() == pytest.approx(now.move_on.drift_scotland)
    assert found[2] == 0 and found[0] > found[1] > 0
    nobody = destinations(population, np.zeros(4, int), scottish, now)
    assert nobody.sum() == pytest.approx(1) and nobody[3] == pytest.approx(3 * nobody[2])
