"""The two time axes of a run: months for flows, month ends for stocks."""

from __future__ import annotations

from datetime import date

import numpy as np

_MONTH, _DAY = np.timedelta64(1, "M"), np.timedelta64(1, "D")


def months_after(start: date, count: int) -> np.ndarray:
    """The `count` calendar months after a date, datetime64[M]."""
    return np.datetime64(start, "M") + np.arange(1, count + 1) * _MONTH


def month_ends_from(start: date, count: int) -> np.ndarray:
    """The last day of the month of `start` and of the `count` months after it, datetime64[D]."""
    return np.asarray((np.datetime64(start, "M") + np.arange(1, count + 2) * _MONTH).astype("datetime64[D]") - _DAY)
