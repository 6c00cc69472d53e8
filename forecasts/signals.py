"""Early warning: a control chart on each series of flows, with its false alarms counted.

The chart is an exponentially weighted mean of standardised surprises. A surprise is a log change less what its season
usually brings, over the one-step forecast scale; both are known before the change is. It says that a flow has started
to move in one direction by more than chance would, not how far it will go.

Two false-alarm rates stand beside every signal. On history, an alarm was false when the year that followed it did not
differ from the year before by at least a tenth in its direction. In simulation, the same chart with the same
estimated scale and seasons watches changes that are pure chance; the mean wait for its first alarm is the average run
length.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from params import Assumptions, InputError, load, reference

STEADY, RISING, FALLING = "steady", "rising", "falling"
SERIES = {
    "intake": ("intake", "quarter_end", "people", "Q", "people claiming asylum"),
    "small_boats": ("small_boats", "month", "people", "M", "people arriving by small boat"),
    "decisions": ("decisions", "quarter_end", "outcomes", "Q", "initial decisions and other outcomes"),
    "appeals": ("appeals", "quarter_end", "receipts", "Q", "appeals received"),
}
RUNS, RUN_LENGTH = 400, 300
_MEANS = {
    RISING: "rising by more than chance: plan for the upper part of the forecast's range",
    FALLING: "falling by more than chance: the lower part of the forecast's range is likelier",
    STEADY: "no sign of a change beyond chance: plan on the whole range",
}


@dataclass(frozen=True)
class ChartSettings:
    """The register's numbers for early warning (`forecast_stocks.warning`).

    Attributes:
        memory: weight of the newest surprise.
        limit: control limit in standard deviations of the chart.
        window: years that set seasons and scale.
        quarters_needed: least quarterly changes before the chart starts.
        months_needed: least monthly changes before the chart starts.
        holdoff: share of the limit below which an alarm ends.
        real_change: least change of the year after over the year before that makes an alarm true.
        half_life: half-life of the recent scale, quarters.
        monthly_level: share of a month's surprise that lasts; the rest, such as weather, is gone a month later.
    """

    memory: float
    limit: float
    window: float
    quarters_needed: int
    months_needed: int
    holdoff: float
    real_change: float
    half_life: float
    monthly_level: float

    @classmethod
    def read(cls, on: date, assumptions: Assumptions | None = None) -> ChartSettings:
        """Take the settings that hold on a date from the register, with the overrides of `assumptions`.

        Raises:
            InputError: when the memory or the limit cannot be used.
        """
        now = (assumptions or load()).at(on)
        if not 0 < now.forecast_stocks.warning.memory <= 1:
            raise InputError("forecast_stocks.warning.memory: must be above 0 and at most 1.")
        if not now.forecast_stocks.warning.limit > 0:
            raise InputError("forecast_stocks.warning.limit: must be above 0.")
        return cls(
            memory=float(now.forecast_stocks.warning.memory),
            limit=float(now.forecast_stocks.warning.limit),
            window=float(now.forecast_stocks.warning.window),
            quarters_needed=round(now.forecast_stocks.warning.quarters_needed),
            months_needed=round(now.forecast_stocks.warning.months_needed),
            holdoff=float(now.forecast_stocks.warning.holdoff),
            real_change=float(now.forecast_stocks.warning.real_change),
            half_life=float(now.forecast_stocks.volatility_half_life),
            monthly_level=float(now.forecast_stocks.warning.monthly_level),
        )


def series_of(name: str, assumptions: Assumptions | None = None) -> pd.Series:
    """A watched series by quarter or month, in people or cases, from its first useful value to its last.

    Raises:
        InputError: when there is no such series, or a period of it is missing.
    """
    from params.errors import unknown

    if name not in SERIES:
        raise unknown("series", "a watched series", name, SERIES)
    table, when, column, frequency, _ = SERIES[name]
    rows = reference(table)
    index = pd.PeriodIndex(pd.to_datetime(rows[when]), freq=frequency)
    found = pd.Series(rows[column].to_numpy(float), index=index, name=name).dropna()
    if (np.diff(pd.PeriodIndex(found.index).asi8) != 1).any():
        raise InputError(f"params/reference/{table}.csv: a period is missing or out of order.")
    if name == "small_boats":
        now = (assumptions or load()).at(found.index[-1].end_time.date())
        found = found.loc[str(round(now.forecast_stocks.warning.boats_from)) :]
    return found


def surprises(logs: np.ndarray, seasons: int, needed: int, settings: ChartSettings) -> np.ndarray:
    """Standardise log changes by season, level and scale that were known the period before.

    Quarterly flows are taken as random walks: all of a surprise lasts. Months of small-boat arrivals depend on the
    weather, so only part of a surprise lasts, and the expected change takes the rest back (exponential smoothing).

    Args:
        logs: log values (runs, periods), whose first period is in the first season.
        seasons: periods in a year.
        needed: changes seen before the first surprise.
        settings: the register's numbers.

    Returns:
        Surprises (runs, periods - 1 - needed), standard normal when changes are independent and normal, up to the
        error of the estimated season and scale.
    """
    from scipy.signal import lfilter

    changes = np.diff(logs, axis=1)
    passing = _passing(seasons, settings)
    window = round(settings.window * seasons)
    half_life = settings.half_life * seasons / 4
    season = (np.arange(changes.shape[1]) + 1) % seasons
    out = np.empty((len(changes), changes.shape[1] - needed))
    for t in range(needed, changes.shape[1]):
        past, when = changes[:, max(0, t - window) : t], season[max(0, t - window) : t]
        # Drift stays in: a steady rise is what the chart is to find.
        usual = np.stack([past[:, when == s].mean(axis=1) for s in range(seasons)], axis=1)
        usual -= usual.mean(axis=1, keepdims=True)
        left = lfilter([1.0], [1.0, -passing], past - usual[:, when], axis=1)
        n = past.shape[1]
        weights = 0.5 ** (np.arange(n)[::-1] / half_life)
        recent = (left**2 @ weights) / weights.sum()
        # The seasons were fitted to the changes that measure the scale, and are themselves uncertain at the next.
        spent, error = n / max(n - seasons + 1, 1), 1 + (seasons - 1) / n
        scale = np.sqrt(np.maximum(recent, (left**2).mean(axis=1)) * spent * error)
        expected = usual[:, season[t]] - passing * left[:, -1]
        out[:, t - needed] = (changes[:, t] - expected) / np.maximum(scale, 1e-9)
    return out


def chart(found: np.ndarray, settings: ChartSettings) -> tuple[np.ndarray, np.ndarray]:
    """Run the chart over surprises.

    Args:
        found: surprises (runs, periods).
        settings: the register's numbers.

    Returns:
        The chart in units of its limit (runs, periods), beyond -1 or 1 in alarm; and the state (runs, periods): 1
        rising, -1 falling, 0 steady. An alarm lasts until the chart is back inside a share of the limit.
    """
    runs, periods = found.shape
    level, state = np.zeros(runs), np.zeros(runs, dtype=int)
    levels, states = np.empty((runs, periods)), np.empty((runs, periods), dtype=int)
    for t in range(periods):
        level = (1 - settings.memory) * level + settings.memory * found[:, t]
        spread = settings.memory / (2 - settings.memory) * (1 - (1 - settings.memory) ** (2 * (t + 1)))
        relative = level / (settings.limit * np.sqrt(spread))
        alarm = np.where(np.abs(relative) > 1, np.sign(relative).astype(int), 0)
        holds = (state != 0) & (np.sign(relative) == state) & (np.abs(relative) > settings.holdoff)
        state = np.where(alarm != 0, alarm, np.where(holds, state, 0))
        levels[:, t], states[:, t] = relative, state
    return levels, states


def run_length(seasons: int, needed: int, settings: ChartSettings, seed: int = 1) -> float:
    """Mean wait, in periods, for the first alarm on chance alone: the process that the chart takes as usual.

    Surprises are independent, normal and without season; seasons and scale are estimated as for a real series. Runs
    that end without an alarm count their whole length (the estimator for waits that are cut off).
    """
    rng = np.random.default_rng([seed, seasons, needed])
    noise = rng.standard_normal((RUNS, RUN_LENGTH + needed + 1))
    logs = np.cumsum((1 - _passing(seasons, settings)) * noise, axis=1) + _passing(seasons, settings) * noise
    states = chart(surprises(logs, seasons, needed, settings), settings)[1] != 0
    ever = states.any(axis=1)
    waits = np.where(ever, states.argmax(axis=1) + 1, states.shape[1])
    return float(waits.sum() / max(ever.sum(), 1))


def history_of(values: pd.Series, settings: ChartSettings) -> pd.DataFrame:
    """The chart over a series' history, as it would have run at the time.

    Args:
        values: the series by quarter or month.
        settings: the register's numbers.

    Returns:
        Index period; columns level (in units of the limit) and state. Empty when the series is too short.
    """
    seasons, needed = _shape(values, settings)
    if len(values) - 1 <= needed:
        return pd.DataFrame({"level": [], "state": []})
    logs = np.log1p(values.to_numpy())[None, :]
    levels, states = chart(surprises(logs, seasons, needed, settings), settings)
    names = np.array([FALLING, STEADY, RISING])
    return pd.DataFrame({"level": levels[0], "state": names[states[0] + 1]}, index=values.index[needed + 1 :])


def alarms(values: pd.Series, settings: ChartSettings) -> pd.DataFrame:
    """Every alarm of a series' history, and whether it was followed by a change.

    Returns:
        Columns start, state, change (year from the alarm on over the year before it, less 1; missing when that year
        is not over) and false (missing likewise).
    """
    run = history_of(values, settings)
    seasons, _ = _shape(values, settings)
    rows = []
    before = run["state"].shift(fill_value=STEADY)
    skipped = len(values) - len(run)
    for place in np.flatnonzero((run["state"] != STEADY) & (run["state"] != before)).tolist():
        start, state, at = run.index[place], str(run["state"].iloc[place]), skipped + place
        after, earlier = values.iloc[at : at + seasons], values.iloc[max(0, at - seasons) : at]
        row: dict[str, object] = {"start": str(start), "state": state, "change": np.nan, "false": None}
        if len(after) == seasons and len(earlier) == seasons and earlier.sum() > 0:
            change = float(after.sum() / earlier.sum() - 1)
            row["change"] = change
            row["false"] = (change if state == RISING else -change) < settings.real_change
        rows.append(row)
    return pd.DataFrame(rows, columns=["start", "state", "change", "false"])


def warn(assumptions: Assumptions | None = None, seed: int = 1) -> pd.DataFrame:
    """The present state of every watched series, with both false-alarm rates.

    Args:
        assumptions: the register with overrides; central when None.
        seed: of the simulated series.

    Returns:
        One row a series: series, what, to (last period), state, since (first period of this state), level (in units
        of the limit), alarms and judged (alarms whose following year is over), false, watched_years, and run_length
        (years between false alarms on simulated chance), means.
    """
    rows = []
    for name, (_, _, _, _, what) in SERIES.items():
        values = series_of(name, assumptions)
        settings = ChartSettings.read(values.index[-1].end_time.date(), assumptions)
        seasons, needed = _shape(values, settings)
        run = history_of(values, settings)
        past = alarms(values, settings)
        judged = past[past["false"].notna()]
        state = str(run["state"].iloc[-1])
        same = (run["state"] == state).to_numpy()
        since = run.index[0] if same.all() else run.index[len(same) - int(np.argmin(same[::-1]))]
        rows.append(
            {
                "series": name,
                "what": what,
                "to": str(run.index[-1]),
                "state": state,
                "since": str(since),
                "level": float(run["level"].iloc[-1]),
                "alarms": len(past),
                "judged": len(judged),
                "false": int(judged["false"].astype(bool).sum()),
                "watched_years": len(run) / seasons,
                "run_length": run_length(seasons, needed, settings, seed) / seasons,
                "means": _MEANS[state],
            }
        )
    return pd.DataFrame(rows)


def _passing(seasons: int, settings: ChartSettings) -> float:
    """Share of a surprise that is gone a period later."""
    return 1 - settings.monthly_level if seasons == 12 else 0.0


def _shape(values: pd.Series, settings: ChartSettings) -> tuple[int, int]:
    monthly = pd.PeriodIndex(values.index).freqstr.startswith("M")
    return (12, settings.months_needed) if monthly else (4, settings.quarters_needed)
