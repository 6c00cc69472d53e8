"""Rolling origins: forecast again from each past quarter with only the quarters up to it, and score that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from forecasts import groups, quantiles, scores
from forecasts import history as door
from forecasts.files import put
from forecasts.members import Settings
from forecasts.pool import QUANTILE_PATHS, draw
from params import Assumptions, InputError
from params.errors import unknown

# The log random walk needs a few changes before its spread means anything.
LEAST_CHANGES = 8
BANDS = {"1": (1, 1), "2-4": (2, 4), "5-8": (5, 8), "9-12": (9, 12)}
ERAS = {
    "to 2009": (None, "2009Q4"),
    "2010-16": ("2010Q1", "2016Q4"),
    "2017-19": ("2017Q1", "2019Q4"),
    "2020-21": ("2020Q1", "2021Q4"),
    "2022 on": ("2022Q1", None),
}
# Coverage, PIT and skill of the national backtest are stated for these origins (design note on forecasting).
FIRST_ORIGIN, LAST_ORIGIN = "2010Q1", "2024Q2"
_PIT_BINS = 10


def rolling_origins(
    history: pd.Series | None = None,
    first: str = FIRST_ORIGIN,
    last: str | None = None,
    horizon: int = 12,
    paths: int = QUANTILE_PATHS,
    seed: int = 1,
    assumptions: Assumptions | None = None,
    vintage: str | None = None,
    told: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Forecast from every origin with the history up to it.

    Seasonal factors, volatility, fitted parameters and the choice of groups see no quarter after the origin. All
    quarters of a history are of one vintage: a forecast made at the time saw figures since revised.

    Args:
        history: values by quarter; the official intake when None.
        first: first origin.
        last: last origin; the last quarter but one of the history when None.
        horizon: quarters ahead, 1 to 40.
        paths: sample paths from each origin; more make the quantiles smoother.
        seed: of the sample paths.
        assumptions: the register with overrides; the central register when None.
        vintage: of the official intake, `2024-11` or `2026-02` (the latest, when None).
        told: called with the number of origins done and their total.

    Returns:
        Columns model (`pool` or a member), origin, target_quarter, series, quantile, value, for the 23
        levels. The official intake has the member `bottom_up`, which adds up groups of nationalities.

    Raises:
        InputError: names the option and the nearest valid value.

    Example:
        >>> import forecasts
        >>> rolled = forecasts.rolling_origins(first="2025Q1", last="2025Q2", horizon=1, paths=50)
        >>> sorted(rolled["origin"].unique())
        ['2025Q1', '2025Q2']
    """
    whole = door.official(vintage)[0] if history is None else door.checked(history)
    claims = groups.official() if history is None else None
    horizon = door.whole("horizon", horizon, 1, door.MOST_QUARTERS)
    paths = door.whole("paths", paths, 1, door.MOST_PATHS)
    seed = door.whole("seed", seed, 0, door.MOST_SEED)
    if len(whole) < LEAST_CHANGES + 2:
        raise InputError(f"history: has {len(whole)} quarters; a backtest needs at least {LEAST_CHANGES + 2}.")
    earliest, latest = whole.index[LEAST_CHANGES], whole.index[-2]
    start = door.quarter(first, "first")
    end = latest if last is None else door.quarter(last, "last")
    for place, given in (("first", start), ("last", end)):
        if not earliest <= given <= latest:
            near = earliest if given < earliest else latest
            raise InputError(f"{place}: {given} is not between {earliest} and {latest}. Nearest: {near}.")
    if end < start:
        raise InputError(f"last: {end} is before the first origin. Nearest: {start}.")
    series = str(whole.name or "series")
    origins = pd.period_range(start, end, freq="Q")
    parts = []
    for done, origin in enumerate(origins, start=1):
        known = whole.loc[:origin]
        settings = Settings.read(origin.end_time.date(), assumptions)
        drawn = draw(known, horizon, paths, seed, settings, claims)
        for model, samples in {"pool": drawn.pool, **drawn.members}.items():
            parts.append(quantiles.table(quantiles.of_samples(samples), origin, series).assign(model=model))
        if told:
            told(done, len(origins))
    return pd.concat(parts, ignore_index=True)[["model", *quantiles.COLUMNS]]


def scored(forecasts: pd.DataFrame, history: pd.Series | None = None) -> pd.DataFrame:
    """Score every quantile forecast of one series whose outturn is known.

    Args:
        forecasts: table as from `rolling_origins`.
        history: the whole history with the outturn; the official intake when None.

    Returns:
        One row for each model, origin and target: series, ahead (quarters), scores on the natural and the log
        scale (`wis`, `wis_log`), those of the exact log random walk (`walk`, `walk_log`), absolute error of
        the median over the mean absolute change up to the origin (`mase`), whether the outturn was inside the
        50, 80 and 95% interval, its place in the forecast (`pit`), whether it was above the median, and the
        log error of the median (`bias_log`, positive for a forecast too high).

    Example:
        >>> import forecasts
        >>> rolled = forecasts.rolling_origins(first="2025Q1", last="2025Q1", horizon=1, paths=50)
        >>> forecasts.scored(rolled)["ahead"].unique().tolist()
        [1]
    """
    whole = door.official()[0] if history is None else door.checked(history)
    wide = forecasts.pivot(index=["model", "series", "origin", "target_quarter"], columns="quantile", values="value")
    levels = wide.columns.to_numpy(float)
    frame = wide.index.to_frame(index=False)
    origins = pd.PeriodIndex(frame["origin"], freq="Q")
    targets = pd.PeriodIndex(frame["target_quarter"], freq="Q")
    frame["ahead"] = targets.asi8 - origins.asi8
    frame["at"] = origins.asi8
    known = targets.isin(whole.index) & origins.isin(whole.index)
    values, frame = wide.to_numpy()[known], frame[known].reset_index(drop=True)
    observed = whole.reindex(targets[known]).to_numpy()
    longest = int(frame["ahead"].max())
    walks = {o: scores.log_random_walk(whole.loc[:o], longest, levels) for o in frame["origin"].unique()}
    walk = np.array([walks[o][h - 1] for o, h in zip(frame["origin"], frame["ahead"], strict=True)])
    change = whole.diff().abs().expanding().mean()
    scale = np.maximum(change.reindex(origins[known]).to_numpy(), 1e-9)
    median = values[:, int(np.argmin(np.abs(levels - 0.5)))]
    frame["wis"] = scores.weighted_interval_score(values, observed, levels)
    frame["wis_log"] = scores.log_score(values, observed, levels)
    frame["walk"] = scores.weighted_interval_score(walk, observed, levels)
    frame["walk_log"] = scores.log_score(walk, observed, levels)
    frame["mase"] = np.abs(observed - median) / scale
    for nominal in (50, 80, 95):
        frame[f"coverage_{nominal}"] = scores.inside(values, observed, nominal / 100, levels)
    frame["pit"] = scores.probability_transform(values, observed, levels)
    frame["above_median"] = observed > median
    frame["bias_log"] = np.log1p(median) - np.log1p(observed)
    return frame


def summary(frame: pd.DataFrame, eras: bool = False, seed: int = 1) -> pd.DataFrame:
    """Average scored forecasts by model, era of the origin and band of quarters ahead.

    Args:
        frame: one or more results of `scored`, one above the other.
        eras: a row for each era beside the row for all of them.
        seed: of the bootstrap.

    Returns:
        Indexed by model, era and band: number of `forecasts` and `origins`; mean scores `wis` (in the unit of
        the series) and `wis_log`; `skill` and `skill_log` against the exact log random walk, each with its 90%
        block-bootstrap interval (`_low`, `_high`); `dm_log`, the Diebold-Mariano statistic of the log score
        (below about -1.7: better than chance would explain); `mase`; coverage of the 50, 80 and 95%
        intervals; `above_median`; `bias_log`; `pit_1` to `pit_10`, the shares of outturns by tenth of the
        forecast, and `pit_deviation`, half the sum of their distances from a tenth.

    Example:
        >>> import forecasts
        >>> rolled = forecasts.rolling_origins(first="2025Q1", last="2025Q1", horizon=1, paths=50)
        >>> list(forecasts.summary(forecasts.scored(rolled)).index.names)
        ['model', 'era', 'band']
    """
    longest = int(frame["ahead"].max())
    periods = {"all": (None, None), **(ERAS if eras else {})}
    rows = []
    for model in ["pool", *(name for name in frame["model"].unique() if name != "pool")]:
        for era, (start, end) in periods.items():
            low = -np.inf if start is None else pd.Period(start, freq="Q").ordinal
            high = np.inf if end is None else pd.Period(end, freq="Q").ordinal
            mine = frame[(frame["model"] == model) & frame["at"].between(low, high)]
            for band, (near, far) in {**BANDS, "all": (1, longest)}.items():
                part = mine[mine["ahead"].between(near, far)]
                if len(part):
                    rows.append({"model": model, "era": era, "band": band, **_row(part, far, seed)})
    return pd.DataFrame(rows).set_index(["model", "era", "band"])


def scorecard(forecasts: pd.DataFrame, history: pd.Series | None = None) -> pd.DataFrame:
    """Score quantile forecasts of one series by model and band of quarters ahead (see `scored` and `summary`).

    Example:
        >>> import forecasts
        >>> rolled = forecasts.rolling_origins(first="2025Q1", last="2025Q1", horizon=1, paths=50)
        >>> int(forecasts.scorecard(rolled).loc[("pool", "all"), "forecasts"])
        1
    """
    return summary(scored(forecasts, history)).droplevel("era")


def write_quantiles(forecasts: pd.DataFrame, path: str | Path, model: str = "pool") -> Path:
    """Write one model's quantiles as CSV for a scorer: origin, target_quarter, series, quantile, value.

    Raises:
        InputError: when the table has no such model or the file cannot be written; nothing is left
            half-written.

    Example:
        >>> import forecasts
        >>> rolled = forecasts.rolling_origins(first="2025Q1", last="2025Q1", horizon=1, paths=50)
        >>> forecasts.write_quantiles(rolled, "quantiles.csv").name
        'quantiles.csv'
    """
    models = list(dict.fromkeys(forecasts["model"]))
    if model not in models:
        raise unknown("model", "a model of this table", model, models)
    out = Path(path)
    mine = forecasts.loc[forecasts["model"] == model, quantiles.COLUMNS]
    put(out, mine.to_csv(index=False, lineterminator="\n").encode())
    return out


def _row(part: pd.DataFrame, furthest: int, seed: int) -> dict[str, object]:
    by_origin = part.groupby("at")[["wis", "walk", "wis_log", "walk_log"]]
    sums, block = by_origin.sum(), max(4, furthest)
    row: dict[str, object] = {"forecasts": len(part), "origins": len(sums)}
    for kind in ("", "_log"):
        mine, walk = sums[f"wis{kind}"], sums[f"walk{kind}"]
        low, high = scores.skill_interval(mine.to_numpy(), walk.to_numpy(), block, np.random.default_rng(seed))
        row |= {
            f"wis{kind}": part[f"wis{kind}"].mean(),
            f"skill{kind}": 1 - mine.sum() / walk.sum() if walk.sum() > 0 else float("nan"),
            f"skill{kind}_low": low,
            f"skill{kind}_high": high,
        }
    means = by_origin.mean()
    row["dm_log"] = scores.diebold_mariano((means["wis_log"] - means["walk_log"]).to_numpy(), furthest)
    row |= {name: part[name].mean() for name in ("mase", "coverage_50", "coverage_80", "coverage_95")}
    row |= {name: part[name].mean() for name in ("above_median", "bias_log")}
    share = np.histogram(part["pit"], bins=np.linspace(0, 1, _PIT_BINS + 1))[0] / len(part)
    row |= {f"pit_{number}": value for number, value in enumerate(share, start=1)}
    return row | {"pit_deviation": np.abs(share - 1 / _PIT_BINS).sum() / 2}
