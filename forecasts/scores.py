"""Scores of quantile forecasts against what happened. Lower is better; skill is 1 minus a ratio of scores."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasts.quantiles import LEVELS


def weighted_interval_score(values: np.ndarray, observed: np.ndarray, levels: np.ndarray = LEVELS) -> np.ndarray:
    """Weighted interval score: twice the mean quantile (pinball) loss over symmetric levels with the median.

    Args:
        values: quantiles (..., levels).
        observed: outturn (...), same unit.
        levels: quantile levels (levels,).

    Returns:
        Scores (...), in the unit of the values.

    Source: Bracher and others (2021), Evaluating epidemic forecasts in an interval format, PLOS Comput Biol
        17(2).
    """
    error = observed[..., None] - values
    return 2 * np.maximum(levels * error, (levels - 1) * error).mean(axis=-1)


def log_score(values: np.ndarray, observed: np.ndarray, levels: np.ndarray = LEVELS) -> np.ndarray:
    """Weighted interval score of log(1 + value): errors count in proportion to the value."""
    return weighted_interval_score(np.log1p(values), np.log1p(observed), levels)


def inside(values: np.ndarray, observed: np.ndarray, nominal: float, levels: np.ndarray = LEVELS) -> np.ndarray:
    """Whether the outturn fell inside the central interval of a nominal coverage.

    Args:
        values: quantiles (..., levels).
        observed: outturn (...).
        nominal: for example 0.8 for the interval from the 10th to the 90th percentile.

    Returns:
        Booleans (...); their mean is the coverage.

    Raises:
        ValueError: when the ends of the interval are not among the levels.
    """
    ends = []
    for level in ((1 - nominal) / 2, (1 + nominal) / 2):
        at = int(np.argmin(np.abs(levels - level)))
        if not np.isclose(levels[at], level):
            raise ValueError(f"an interval of {nominal} needs the level {level:g}; nearest is {levels[at]:g}")
        ends.append(values[..., at])
    # Outturns are whole people; an outturn equal to an end is inside, also after rounding of that end.
    slack = 1e-9 * np.maximum(1.0, np.abs(observed))
    return (observed >= ends[0] - slack) & (observed <= ends[1] + slack)


def log_random_walk(history: pd.Series, horizon: int, levels: np.ndarray = LEVELS) -> np.ndarray:
    """Exact quantiles (horizon, levels) of the log random walk, the yardstick of every skill.

    The standard deviation is the root mean square of all quarterly changes of log(1 + value) up to the
    origin, times the square root of the quarters ahead.
    """
    from scipy.stats import norm

    logs = np.log1p(history.to_numpy(float))
    spread = np.sqrt(np.mean(np.diff(logs) ** 2) * np.arange(1, horizon + 1))
    return np.maximum(np.expm1(logs[-1] + spread[:, None] * norm.ppf(levels)), 0.0)
