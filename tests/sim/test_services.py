"""Services: tiers, pressure and recruitment."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
from sim import services
from sim.council import NATIONS, ROW, destinations
from sim.numbers import numbers
from sim.states import Service

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def now():
    return params.load().at(date(2026, 6, 1))


def rows_of(count: int, **columns) -> np.ndarray:
    """Rows of councils of which only these columns matter."""
    rows = np.zeros(count, ROW)
    for name, values in columns.items():
        rows[name] = values
    return rows


def pressed(needed, capacity, upper_tier, now) -> tuple[np.ndarray, np.ndarray]:
    """Pressure by council and line, and by council."""
    rows, found = rows_of(len(needed), pressure=np.nan), np.full_like(needed, np.nan)
    services.press(rows, needed, capacity, upper_tier, numbers(now), found)
    return found, rows["pressure"]


def test_districts_of_a_county_share_schools_but_not_homelessness(now):
    needed = np.ones((3, len(Service)))
    needed[0] = 5.0
    capacity = np.ones((3, len(Service)))
    found, _ = pressed(needed, capacity, np.array([0, 0, 1]), now)
    np.testing.assert_allclose(found[:, Service.SCHOOL_PLACES], [3, 3, 1])
    np.testing.assert_allclose(found[:, Service.HOMELESSNESS], [5, 1, 1])


def test_nothing_needed_is_no_pressure_even_without_capacity(now):
    none = np.zeros((2, len(Service)))
    by_line, overall = pressed(none, none, np.arange(2), now)
    assert not by_line.any() and not overall.any()


def test_more_grant_brings_more_capacity_and_rural_councils_recruit_more_slowly(now):
    needed = np.full((4, len(Service)), 10.0)
    rows = rows_of(4, funded=[0.0, 1.0, 1.0, 2.0], rural=[False, False, True, False])
    start = np.full_like(needed, 5.0)
    after = start.copy()
    services.recruit(rows, after, needed, np.zeros(len(Service)), numbers(now))
    assert (after[1] > after[0]).all() and (after[2] < after[1]).all()
    assert (after > start).all()


def test_capacity_settles_at_what_is_covered(now):
    needed, capacity = np.full((1, len(Service)), 10.0), np.zeros((1, len(Service)))
    for _ in range(200):
        services.recruit(rows_of(1), capacity, needed, np.zeros(len(Service)), numbers(now))
    np.testing.assert_allclose(capacity, 10.0 * now.services.base_cover, rtol=1e-4)


def test_pressure_over_all_lines_lies_between_its_lines(now):
    needed = np.random.default_rng(1).uniform(1, 9, (5, len(Service)))
    by_line = np.random.default_rng(2).uniform(0.5, 2, (5, len(Service)))
    found, overall = pressed(needed, needed / by_line, np.arange(5), now)
    np.testing.assert_allclose(found, by_line)
    assert (overall >= by_line.min(axis=1)).all() and (overall <= by_line.max(axis=1)).all()


def test_those_who_move_after_a_grant_go_to_scotland_by_its_share_and_to_where_supported_people_are(now):
    scottish = np.array([False, False, True, True])
    nation = np.where(scottish, NATIONS.index("Scotland"), [NATIONS.index("England"), NATIONS.index("Wales")] * 2)
    rows = rows_of(4, population=[300_000, 100_000, 200_000, 600_000], nation_row=nation)
    found = destinations(rows, np.array([900, 100, 0, 500]), numbers(now))
    assert found.sum() == pytest.approx(1) and found[scottish].sum() == pytest.approx(now.move_on.drift_scotland)
    assert found[2] == 0 and found[0] > found[1] > 0
    nobody = destinations(rows, np.zeros(4, int), numbers(now))
    assert nobody.sum() == pytest.approx(1) and nobody[3] == pytest.approx(3 * nobody[2])
