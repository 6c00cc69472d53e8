"""What is done for many numbers at once gives what one at a time gives."""

from __future__ import annotations

import numpy as np
import pytest

from sim import kernels, placing, rows

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("share", [0.0, 0.002, 0.3, 1.0])
@pytest.mark.parametrize("size", [0, 63, 1024, 2500])
def test_rows_found_are_those_numpy_finds(share, size):
    column = (np.random.default_rng(size).random(size) < share).astype(np.uint8)
    found = np.full(size + rows.SLACK, 7, np.uint32)
    count = rows.between(column, size, 1, 1, found)
    np.testing.assert_array_equal(found[:count], np.flatnonzero(column))


def test_household_sizes_are_those_of_one_level_at_a_time():
    shares, levels = np.array([0.4, 0.3, 0.2, 0.07, 0.03]), np.random.default_rng(2).random(3000)
    one = [kernels.household_size(level, 0.4, shares) for level in levels]
    np.testing.assert_array_equal(kernels.household_sizes(levels, 0.4, shares), one)


def test_an_area_with_too_many_councils_is_refused():
    count = 300
    everywhere = np.ones(count)
    with pytest.raises(ValueError, match="more councils than places are kept for"):
        placing._side_by_side(np.array([0, count]), np.arange(count), everywhere, everywhere)
