"""Quantiles of sample paths, at the 23 levels that forecast hubs use."""

from __future__ import annotations

import numpy as np
import pandas as pd

LEVELS = np.array([0.01, 0.025, *np.round(np.arange(1, 20) * 0.05, 2), 0.975, 0.99])
COLUMNS = ["origin", "target_quarter", "series", "quantile", "value"]


def of_samples(samples: np.ndarray) -> np.ndarray:
    """Quantiles by horizon of sample paths.

    Args:
        samples: sample paths (paths, horizon).

    Returns:
        Values (horizon, 23), never falling from one level to the next, in the unit of the samples. Quantiles
        of different quarters or groups do not add up; paths do.
    """
    # Interpolation can fall by one part in 1e16 where many paths share a value; a quantile never falls.
    return np.maximum.accumulate(np.quantile(samples, LEVELS, axis=0).T, axis=1)


def table(values: np.ndarray, origin: pd.Period, series: str) -> pd.DataFrame:
    """Lay quantiles out as one row for each target quarter and level.

    Args:
        values: quantiles (horizon, 23) as from `of_samples`.
        origin: last quarter the forecast saw.
        series: name of the series.

    Returns:
        Columns origin, target_quarter (both like 2019Q4), series, quantile, value.
    """
    horizon = len(values)
    targets = [str(origin + ahead) for ahead in range(1, horizon + 1)]
    return pd.DataFrame(
        {
            "origin": str(origin),
            "target_quarter": np.repeat(targets, len(LEVELS)),
            "series": series,
            "quantile": np.tile(LEVELS, horizon),
            "value": values.ravel(),
        }
    )
