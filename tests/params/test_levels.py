"""Assumptions at chosen probability levels, as draws and sensitivity designs use them."""

from __future__ import annotations

from datetime import date

import pytest

import params
from params import InputError
from params.posterior import AXIS

pytestmark = pytest.mark.unit
DAY = date(2027, 4, 1)


def test_an_axis_moves_what_lies_on_it_and_nothing_else():
    central = params.load()
    low, high = (central.at_levels({"consultation.lag": level}) for level in (0.05, 0.95))
    assert set(high.differences(central)) == {"consultation.lag"}
    assert low.value("consultation.lag", DAY) < central.value("consultation.lag", DAY) < high.value(
        "consultation.lag", DAY
    )


def test_fitted_assumptions_move_together():
    central = params.load()
    moved = set(central.at_levels({AXIS: 0.3}).differences(central))
    assert moved == {name for name, axis in central.axes().items() if axis == AXIS}
    assert len(moved) > 1


def test_an_unknown_axis_is_refused_by_name():
    with pytest.raises(InputError, match=r"consultation\.lg is not an axis.*Nearest: consultation\.lag"):
        params.load().at_levels({"consultation.lg": 0.5})
