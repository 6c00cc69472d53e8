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


def probability_transform(values: np.ndarray, observed: np.ndarray, levels: np.ndarray = LEVELS) -> np.ndarray:
    """Where in its forecast each outturn fell (PIT): even between 0 and 1 for an honest forecast.

    Args:
        values: quantiles (forecasts, levels).
        observed: outturn (forecasts,).
        levels: quantile levels (levels,).

    Returns:
        Probabilities (forecasts,), linear between quantiles; beyond the outer ones, half of what is left.
    """
    below = (values <= observed[:, None]).sum(axis=1)
    row = np.arange(len(values))
    low = np.clip(below - 1, 0, len(levels) - 2)
    left, right = values[row, low], values[row, low + 1]
    width = right - left
    part = np.where(width > 0, (observed - left) / np.where(width > 0, width, 1.0), 0.5)
    inside = levels[low] + part * (levels[low + 1] - levels[low])
    outside = np.where(below == 0, levels[0] / 2, (1 + levels[-1]) / 2)
    return np.where((below == 0) | (below == len(levels)), outside, inside)


def diebold_mariano(difference: np.ndarray, steps: int) -> float:
    """Diebold-Mariano statistic of a series of score differences, with the small-sample correction.

    Args:
        difference: score of the forecast minus that of the yardstick, by origin in order (origins,).
        steps: quarters ahead of the furthest forecast in it: differences overlap by that many origins.

    Returns:
        A t statistic, negative where the forecast is better; NaN for fewer than eight origins or no difference.

    Source: Harvey, Leybourne and Newbold (1997), Testing the equality of prediction mean squared errors,
        Int J Forecasting 13(2); weights of the autocovariances fall linearly, so that the variance is positive.
    """
    count = len(difference)
    correction = (count + 1 - 2 * steps + steps * (steps - 1) / count) / count if count else 0.0
    if count < 8 or np.abs(difference).max() < 1e-4 or correction <= 0:
        return float("nan")
    centred = difference - difference.mean()
    variance = float(centred @ centred) / count
    for lag in range(1, min(steps, count - 1)):
        variance += 2 * (1 - lag / steps) * float(centred[lag:] @ centred[:-lag]) / count
    return float(difference.mean() / np.sqrt(max(variance, 1e-300) / count) * np.sqrt(correction))


def skill_interval(
    score: np.ndarray, yardstick: np.ndarray, block: int, rng: np.random.Generator, times: int = 1000
) -> tuple[float, float]:
    """90% interval of a skill by moving-block bootstrap over origins.

    Args:
        score: sum of scores by origin in order (origins,).
        yardstick: the same of the yardstick.
        block: origins in a block: neighbours share most of their outturn, so they are drawn together.
        rng: of the blocks.
        times: bootstrap samples.

    Returns:
        The 5th and 95th percentile of 1 - sum(score) / sum(yardstick); NaN for fewer than two origins.
    """
    count = len(score)
    if count < 2:
        return float("nan"), float("nan")
    length = min(block, max(1, count // 3))
    starts = rng.integers(0, count - length + 1, (times, -(-count // length)))
    drawn = (starts[:, :, None] + np.arange(length)).reshape(times, -1)[:, :count]
    below = yardstick[drawn].sum(axis=1)
    skills = 1 - score[drawn].sum(axis=1) / np.where(below > 0, below, np.nan)
    low, high = np.nanpercentile(skills, [5, 95]) if np.isfinite(skills).any() else (np.nan, np.nan)
    return float(low), float(high)
