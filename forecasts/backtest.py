"""Rolling origins: forecast again from each past quarter with only the quarters up to it, and score that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from forecasts import history as door
from forecasts import quantiles, scores
from forecasts.files import put
from forecasts.members import Settings
from forecasts.pool import draw
from params import Assumptions, InputError
from params.errors import unknown

# The log random walk needs a few changes before its spread means anything.
LEAST_CHANGES = 8
BANDS = {"1": (1, 1), "2-4": (2, 4), "5-8": (5, 8), "9-12": (9, 12)}


def rolling_origins(
    history: pd.Series | None = None,
    first: str = "2010Q1",
    last: str | None = None,
    horizon: int = 12,
    paths: int = 2000,
    seed: int = 1,
    assumptions: Assumptions | None = None,
) -> pd.DataFrame:
    """Forecast from every origin with the history up to it.

    Seasonal factors, volatility and fitted parameters see no quarter after the origin. The vintage is the
    latest: a forecast made at the time saw figures since revised.

    Args:
        history: values by quarter; the official intake when None.
        first: first origin.
        last: last origin; the last quarter but one of the history when None.
        horizon: quarters ahead, 1 to 40.
        paths: sample paths from each origin; more make the quantiles smoother.
        seed: of the sample paths.
        assumptions: the register with overrides; the central register when None.

    Returns:
        Columns model (`pool` or a member), origin, target_quarter, series, quantile, value, for the 23
        levels.

    Raises:
        InputError: names the option and the nearest valid value.
    """
    whole = door.official()[0] if history is None else door.checked(history)
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
    parts = []
    for origin in pd.period_range(start, end, freq="Q"):
        known = whole.loc[:origin]
        settings = Settings.read(origin.end_time.date(), assumptions)
        drawn = draw(known, horizon, paths, seed, settings)
        for model, samples in {"pool": drawn.pool, **drawn.members}.items():
            parts.append(quantiles.table(quantiles.of_samples(samples), origin, series).assign(model=model))
    return pd.concat(parts, ignore_index=True)[["model", *quantiles.COLUMNS]]


def scorecard(forecasts: pd.DataFrame, history: pd.Series | None = None) -> pd.DataFrame:
    """Score quantile forecasts by model and band of horizon against the outturn.

    Args:
        forecasts: table as from `rolling_origins`, one series.
        history: the whole history with the outturn; the official intake when None.

    Returns:
        One row for each model and band (1, 2-4, 5-8, 9-12 and all, quarters ahead): number of forecasts, mean
        weighted interval score in people (`wis`) and on the log scale (`wis_log`), skill of each against the
        exact log random walk, and coverage of the 50, 80 and 95% intervals. Targets without an outturn are
        left out.
    """
    whole = door.official()[0] if history is None else door.checked(history)
    wide = forecasts.pivot(index=["model", "origin", "target_quarter"], columns="quantile", values="value")
    levels = wide.columns.to_numpy(float)
    frame = wide.index.to_frame(index=False)
    origins = pd.PeriodIndex(frame["origin"], freq="Q")
    targets = pd.PeriodIndex(frame["target_quarter"], freq="Q")
    frame["ahead"] = targets.asi8 - origins.asi8
    known = targets.isin(whole.index) & origins.isin(whole.index)
    values, frame = wide.to_numpy()[known], frame[known].reset_index(drop=True)
    observed = whole.reindex(targets[known]).to_numpy()
    longest = int(frame["ahead"].max())
    walks = {o: scores.log_random_walk(whole.loc[:o], longest, levels) for o in frame["origin"].unique()}
    walk = np.array([walks[o][h - 1] for o, h in zip(frame["origin"], frame["ahead"], strict=True)])
    frame["wis"] = scores.weighted_interval_score(values, observed, levels)
    frame["wis_log"] = scores.log_score(values, observed, levels)
    frame["walk"] = scores.weighted_interval_score(walk, observed, levels)
    frame["walk_log"] = scores.log_score(walk, observed, levels)
    for nominal in (50, 80, 95):
        frame[f"coverage_{nominal}"] = scores.inside(values, observed, nominal / 100, levels)
    rows = []
    for model in forecasts["model"].unique():
        mine = frame[frame["model"] == model]
        for band, (low, high) in {**BANDS, "all": (1, longest)}.items():
            part = mine[mine["ahead"].between(low, high)]
            if len(part):
                rows.append(_row(str(model), band, part))
    return pd.DataFrame(rows).set_index(["model", "band"])


def write_quantiles(forecasts: pd.DataFrame, path: str | Path, model: str = "pool") -> Path:
    """Write one model's quantiles as CSV for a scorer: origin, target_quarter, series, quantile, value.

    Raises:
        InputError: when the table has no such model or the file cannot be written; nothing is left
            half-written.
    """
    models = list(dict.fromkeys(forecasts["model"]))
    if model not in models:
        raise unknown("model", "a model of this table", model, models)
    out = Path(path)
    mine = forecasts.loc[forecasts["model"] == model, quantiles.COLUMNS]
    put(out, mine.to_csv(index=False, lineterminator="\n").encode())
    return out


def _row(model: str, band: str, part: pd.DataFrame) -> dict[str, object]:
    return {
        "model": model,
        "band": band,
        "forecasts": len(part),
        "wis": part["wis"].mean(),
        "wis_log": part["wis_log"].mean(),
        "skill": 1 - part["wis"].sum() / part["walk"].sum(),
        "skill_log": 1 - part["wis_log"].sum() / part["walk_log"].sum(),
        **{name: part[name].mean() for name in ("coverage_50", "coverage_80", "coverage_95")},
    }
