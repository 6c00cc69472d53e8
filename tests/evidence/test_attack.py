"""Disclosure control against an attacker who holds everything released; the attacker wins where control is weakened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.exchange.attack import bounds, difference, given_away, total
from evidence.exchange.protection import Figures, margins, protect, rounded, said
from params.errors import InputError

pytestmark = pytest.mark.unit

REGIONS = {"a": "north", "b": "north", "c": "north", "d": "south", "e": "south", "f": "south", "g": "south"}


def release(counts: dict[tuple[str, str, str], int], source: str = "s") -> Figures:
    """Figures of (arm, council, measure), with totals by region and by row."""
    figures = Figures()
    for (arm, council, measure), value in counts.items():
        figures.cells[source, arm, "2027-03-31", council, measure] = value
    cells = list(figures.cells)
    figures.sums = margins(cells, 3, REGIONS)
    rows = margins(cells, 4, {cell[4]: "total" for cell in cells})
    figures.sums |= rows
    figures.spare = set(rows)
    arms = sorted({cell[1] for cell in cells})
    for key in figures.keys:
        figures.twins[key] = tuple((key[0], arm, *key[2:]) for arm in arms if arm != key[1])
    return figures


def small(figures: Figures) -> list:
    return [cell for cell, value in figures.cells.items() if value < 5]


def as_they_are(figures: Figures, hidden: set) -> list:
    """A weak control: what is shown is not rounded."""
    keys = [key for key in figures.keys if key not in hidden]
    return [total(figures.parts(key), figures.value(key), figures.value(key)) for key in keys]


COUNTS = st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 40, 112]), min_size=28, max_size=28)
NAMES = [(arm, council, measure) for arm in ("base", "other") for council in REGIONS for measure in ("x", "y")]


# The attacker


def test_the_attacker_subtracts():
    said = [total("abc", 10, 10), total("c", 7, 7)]
    assert bounds(["a", "b", "c", "z"], said) == {"a": (0, 3), "b": (0, 3), "c": (7, 7), "z": (0, np.inf)}
    assert given_away(["a", "b"], said) == ["a", "b"]


def test_the_attacker_follows_a_chain_over_rows_totals_and_changes():
    said = [total(["a", "b"], 12, 12), total(["b", "c"], 20, 20), difference("c", "d", 3, 3), total(["d"], 9, 9)]
    assert bounds(["a"], said) == {"a": (4, 4)}


def test_statements_that_contradict_are_refused():
    with pytest.raises(ValueError, match="contradict"):
        bounds(["a"], [total("ab", 3, 3), total("b", 5, 5)])


@settings(max_examples=8, deadline=None)
@given(COUNTS, st.sets(st.integers(0, 27)))
def test_the_fast_verdict_is_the_verdict_of_the_bounds(values, hide):
    figures = release(dict(zip(NAMES, values, strict=True)))
    hidden = {list(figures.cells)[i] for i in hide} | set(small(figures))
    everything = as_they_are(figures, hidden)
    found = bounds(small(figures), everything)
    slow = {cell for cell, (low, high) in found.items() if high < 5 or high - low < 5}
    assert set(given_away(small(figures), everything)) == slow
    assert all(low <= figures.cells[cell] <= high for cell, (low, high) in found.items()), "the truth is possible"


# The control


@settings(max_examples=10, deadline=None)
@given(COUNTS)
def test_no_count_below_5_is_narrowed_to_fewer_than_5_values(values):
    figures = release(dict(zip(NAMES, values, strict=True)))
    hidden = protect(figures)
    for cell, (low, high) in bounds(small(figures), said(figures, hidden)).items():
        assert high >= 5, f"surely below 5: {cell}"
        assert high - low >= 5
    assert hidden >= set(small(figures))
    for key in hidden:
        assert set(figures.twins[key]) <= hidden, "another scenario shows what this one withholds"


def test_the_attacker_beats_a_control_that_withholds_the_small_count_only():
    figures = release({("base", c, "x"): n for c, n in zip(REGIONS, (30, 40, 3, 9, 9, 9, 9), strict=True)})
    only = set(small(figures))
    (cell,) = only
    assert bounds([cell], as_they_are(figures, only)) == {cell: (3, 3)}, "subtraction gives it exactly"
    protected = protect(figures)
    low, high = bounds([cell], said(figures, protected))[cell]
    assert high - low >= 5 and high >= 5


def test_the_attacker_beats_rounding_alone_where_a_total_has_few_parts():
    counts = {("base", c, "x"): n for c, n in zip(REGIONS, (10, 0, 0, 9, 9, 9, 9), strict=True)}
    figures = release(counts)
    alone = set(small(figures))
    assert given_away(small(figures), said(figures, alone)), "10 of 10 in one council: the others have below 5"
    assert not given_away(small(figures), said(figures, protect(figures)))


def test_the_attacker_beats_a_control_that_forgets_the_other_scenario():
    figures = release({(arm, c, "x"): n for arm in ("base", "other") for c, n in
                       zip(REGIONS, (3, 30, 40, 9, 9, 9, 9), strict=True)})  # fmt: skip
    cell = ("s", "base", "2027-03-31", "a", "x")
    beside = ("s", "base", "2027-03-31", "b", "x")
    forgetful = {cell, beside, ("s", "other", "2027-03-31", "a", "x"), ("s", "other", "2027-03-31", "c", "x")}
    # Until their policies differ two scenarios are the same numbers, and every reader knows.
    same = [difference(("s", "base", *key[2:]), key, 0, 0) for key in figures.cells if key[1] == "other"]
    assert given_away([cell], [*as_they_are(figures, forgetful), *same]) == [cell]
    assert not given_away([cell], [*said(figures, protect(figures)), *same])


def test_the_attacker_beats_a_control_that_forgets_an_earlier_release():
    north = {("base", c, "x"): n for c, n in zip("abc", (52, 48, 0), strict=True)}
    first = release(north)
    cell = ("s", "base", "2027-03-31", "c", "x")
    held = said(first, protect(first))
    second = release({name: value for name, value in north.items() if name[1] != "c"})
    forgetful = protect(second)
    assert given_away([cell], [*held, *said(second, forgetful)]) == [cell]
    assert not given_away([cell], [*held, *said(second, protect(second, held, [cell]))])


def test_a_release_of_which_nothing_may_be_shown_is_refused():
    figures = Figures({("s", "b"): 40})
    earlier = [total([("s", "a"), ("s", "b")], 42, 42)]
    with pytest.raises(InputError, match=r"every figure would have to be withheld; nothing was released"):
        protect(figures, earlier, [("s", "a")])


def test_what_earlier_releases_gave_away_is_not_blamed_on_this_one():
    figures = Figures({("s", "a"): 2, ("s", "b"): 40})
    assert protect(figures, [total([("s", "a")], 2, 2)]) == {("s", "a")}


def test_a_shown_figure_is_within_2_of_the_truth():
    assert [rounded(n) for n in (5, 7, 8, 12, 13)] == [5, 5, 10, 10, 15]
