"""Disclosure control: no small count leaves, and none can be worked out from what does."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.disclosure import CONFIDENTIAL, NOT_GIVEN, escape_formula, protect, ranges_only, round_counts, suppressed

pytestmark = pytest.mark.unit

COUNTS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 40) | st.floats(0, 400)), min_size=1, max_size=40)


def frame(rows):
    return pd.DataFrame(rows, columns=["region", "people"]).assign(people=lambda d: d["people"].astype(float))


@given(COUNTS)
def test_what_is_shown_is_a_multiple_of_5_and_at_least_5(rows):
    safe = protect(frame(rows), ["people"])["people"]
    shown = [v for v in safe if v != CONFIDENTIAL]
    assert all(v % 5 == 0 and v >= 5 for v in shown)


@given(COUNTS)
def test_no_region_has_one_hidden_council_or_hidden_councils_that_sum_below_5(rows):
    table = frame(rows)
    hidden = suppressed(table["people"], table["region"])
    for _, members in table.groupby("region"):
        inside = members["people"][hidden[members.index]]
        if 0 < len(inside) < len(members):
            assert len(inside) > 1 and inside.sum() >= 5


@given(COUNTS)
def test_every_count_below_5_is_hidden(rows):
    table = frame(rows)
    assert suppressed(table["people"], table["region"])[table["people"] < 5].all()


def test_the_smallest_other_council_joins_a_single_small_one():
    table = pd.DataFrame({"region": ["A"] * 3 + ["B"] * 2, "people": [3.0, 40.0, 25.0, 60.0, 70.0]})
    assert list(protect(table, ["people"])["people"]) == [CONFIDENTIAL, 40, CONFIDENTIAL, 60, 70]


def test_nothing_is_hidden_where_nothing_is_small():
    table = pd.DataFrame({"region": ["A", "A"], "people": [5.0, 12.0]})
    assert list(protect(table, ["people"])["people"]) == [5, 10]


def test_halves_round_up_so_that_no_shown_count_is_below_5():
    assert list(round_counts(pd.Series([5.0, 7.4, 7.5, 12.5]))) == [5, 5, 10, 15]


def test_a_cost_is_hidden_where_its_count_is():
    table = pd.DataFrame({"region": ["A"] * 4, "people": [2.0, 3.0, 50.0, 60.0], "cost": [9.0, 14.0, 200.0, 250.0]})
    safe = protect(table, ["people"], {"cost": "people"})
    assert list(safe["cost"]) == [CONFIDENTIAL, CONFIDENTIAL, 200.0, 250.0]


def test_small_councils_lose_their_central_figure_and_keep_their_range():
    table = pd.DataFrame({"people": [120, CONFIDENTIAL, 350], "people_low80": [60, CONFIDENTIAL, 300]})
    safe = ranges_only(table, ["people"], pd.Series([150, 90, 400]), least=200)
    assert list(safe["people"]) == [NOT_GIVEN, CONFIDENTIAL, 350]
    assert list(safe["people_low80"]) == [60, CONFIDENTIAL, 300]


def test_the_given_table_is_left_as_it_was():
    table = pd.DataFrame({"region": ["A", "A"], "people": [1.0, 12.0]})
    before = table.copy()
    protect(table, ["people"])
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("text", ["=1+1", "+44", "-x", "@SUM(A1)", "\tx"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(text):
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Kent", "[c]", -5, 2.5, None])
def test_other_cells_pass_unchanged(value):
    assert escape_formula(value) == value
