"""Shared by every test: a test must say which family it belongs to."""

from __future__ import annotations

import evidence  # noqa: F401  (first: it keeps linear algebra to one thread, which NumPy asks when it is loaded)

# isort: split
import numpy as np
import pytest
import xarray as xr

FAMILIES = {"unit", "behaviour", "baseline", "validation", "notebooks", "bench"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    without = [item.nodeid for item in items if not FAMILIES & {mark.name for mark in item.iter_markers()}]
    if without:
        raise pytest.UsageError(f"tests without a family ({', '.join(sorted(FAMILIES))}): {without[:5]}")


@pytest.fixture(scope="session")
def steady_intake():
    """A function of months: 8,000 people claiming each month from January 2026."""

    def path(months: int, people: int = 8000) -> xr.DataArray:
        month = (np.datetime64("2026-01") + np.arange(months) * np.timedelta64(1, "M")).astype("datetime64[ns]")
        return xr.DataArray(np.full(months, people), {"month": month}, dims="month", name="people")

    return path
