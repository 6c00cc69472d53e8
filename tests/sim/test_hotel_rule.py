"""How hotels open, shrink and close."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
from sim.home_office import HomeOffice, surprise_chance
from sim.numbers import numbers
from sim.randomness import Draws
from sim.run import councils_at, prepare
from sim.starts import published_start
from sim.states import Accommodation

pytestmark = pytest.mark.behaviour
HOTEL = Accommodation.CONTINGENCY_HOTEL
START = "2023-09-30"


def at(**changes):
    overrides = {name.replace("__", "."): value for name, value in changes.items()}
    return params.load(overrides=overrides).at(date(2024, 1, 1))


@pytest.fixture
def estate(steady_intake):
    """Councils with the hotels of September 2023, people in them, and a Home Office to ask."""
    model = prepare(params.load(), steady_intake(1), seed=1)
    councils = councils_at(published_start(START))
    return model.home_office, councils, councils.hotel_beds.copy()


def close_for(home_office: HomeOffice, councils, used, now, months: int, seed: int = 1) -> np.ndarray:
    """Beds closed by month and council, people unchanged."""
    closed = []
    for month in range(months):
        before = councils.hotel_beds.copy()
        closed.append(home_office.close_hotels(councils, used, now, Draws(seed), month).copy())
        np.testing.assert_array_equal(councils.hotel_beds, before - closed[-1])
    return np.array(closed)


def test_no_hotel_closes_while_hotels_are_as_full_as_usual(estate):
    home_office, councils, people = estate
    now = at(hotels__used_share=0.85)
    councils.hotel_beds = np.ceil(people / 0.85).astype(int)
    assert close_for(home_office, councils, people, now, 6).sum() <= councils.count  # rounding up at the start
    assert not councils.closing.any()


def test_closing_keeps_to_its_pace_and_stops_at_what_is_needed(estate):
    home_office, councils, people = estate
    now = at(hotels__used_share=0.85, hotels__close_rate=0.05, hotels__exit_months=1.0)
    used = people // 2
    closed = close_for(home_office, councils, used, now, 60)
    block = now.hotels.block + people.max()  # a block, or the last hotel of one council, is not divided
    assert closed.sum(axis=1).max() <= 0.05 * people.sum() + block
    left = people.sum() - closed.sum()
    assert used.sum() / 0.85 - block <= left <= used.sum() / 0.85 + block


def test_an_exit_plan_ends_a_councils_hotels_in_its_months_and_takes_nobody_new(steady_intake):
    moved = params.load(overrides={"hotels.exit_months": 3.0, "hotels.close_rate": 0.2, "hotels.exit_share": 0.6})
    model = prepare(moved, steady_intake(24, 2000), seed=2)
    before: dict[int, list[int]] = {}
    ended = 0
    for _ in range(24):
        planned = {int(row): int(model.councils.closing[row]) for row in np.flatnonzero(model.councils.closing)}
        people = model.households.occupied[:, HOTEL].copy()
        model.run_for(1)
        for row, months in planned.items():
            before.setdefault(row, []).append(months)
            if model.recorder["hotel_beds_opened_in_month"][model.month][row]:
                continue  # needed again: the plan was given up
            assert model.households.occupied[row, HOTEL] <= people[row], "somebody moved into a closing hotel"
            if months == 1:
                assert model.councils.hotel_beds[row] == 0
                ended += 1
    assert ended > 5
    assert max(max(months) for months in before.values()) == 3


def test_exits_take_small_hotels_first_and_shrinking_follows_beds(estate):
    home_office, councils, people = estate
    now = at(hotels__used_share=0.85, hotels__close_rate=0.1, hotels__exit_share=0.4, hotels__exit_months=1.0)
    sizes = []
    for seed in range(20):
        councils.hotel_beds, councils.closing[:] = people.copy(), 0
        close_for(home_office, councils, people // 3, now, 3, seed)
        sizes += people[(people > 0) & (councils.hotel_beds == 0)].tolist()
    assert np.median(sizes) < 0.6 * np.median(people[people > 0])


def test_notice_makes_surprise_rarer_and_none_makes_it_certain():
    chances = [surprise_chance(numbers(at(hotels__notice_days=float(days)))[0]) for days in (0, 14, 28, 56)]
    assert chances[0] == 1.0
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] < 0.1


def test_notice_costs_less_trust_and_nothing_else_in_the_month_of_opening(steady_intake):
    runs = {}
    for days in (0.0, 56.0):
        set_ = params.load(overrides={"hotels.notice_days": days, "hotels.new_council": 0.5})
        model = prepare(set_, steady_intake(6, 25_000), seed=4)
        model.run_for(6)
        runs[days] = model
    opened = [runs[d].recorder["hotel_beds_opened_in_month"][0] for d in (0.0, 56.0)]
    np.testing.assert_array_equal(*opened)
    willing = [float(runs[d].councils.willingness.mean()) for d in (0.0, 56.0)]
    assert willing[0] < willing[1]
