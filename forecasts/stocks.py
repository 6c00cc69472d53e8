"""How many people will be supported: national sample paths from a pool of stock-flow, damped drift and persistence.

The stock-flow member follows claims through two queues, awaiting and appeals, and turns the queues into supported
people by a level law. Claims come from the intake forecast. Decision capacity is policy, so it is a scenario that
differs by path (hold, ease, match) with wide noise, and never a fitted trend.

Evidence, UK supported people, origins 2017Q4 to 2025Q3, final vintage: see `stock_scores.py`, which makes the table.
The pool beats persistence one and two quarters ahead in every period; at four and eight quarters it does so over the
whole span but not since 2022Q3. Its interval is therefore never narrower than that of persistence.

Only national totals are fitted here. They are on one footing throughout; the series by council and by accommodation
is not (December 2022), and nothing is fitted to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from zlib import crc32

import numpy as np
import pandas as pd

from forecasts import history as door
from params import Assumptions, InputError, load, reference, reference_record

# The level law needs changes of both queues; open appeals are published from 2015Q2.
LEAST_LAW = 8
FIRST_ORIGIN = "2017Q4"
METHOD = "stocks-1"
MEMBERS = ("persistence", "damped_drift", "stock_flow")
CAPACITY = ("hold", "ease", "match")


@dataclass(frozen=True)
class Known:
    """Published series up to an origin, each by quarter without gaps, in people (appeals in cases).

    Attributes:
        supported: people in receipt of asylum support at quarter end.
        awaiting: people awaiting an initial decision at quarter end.
        appeals: open appeal cases at quarter end.
        receipts: appeals received in the quarter.
        disposals: appeals disposed of in the quarter.
        outcomes: people with any initial outcome in the quarter.
        refusals: people refused in the quarter.
    """

    supported: pd.Series
    awaiting: pd.Series
    appeals: pd.Series
    receipts: pd.Series
    disposals: pd.Series
    outcomes: pd.Series
    refusals: pd.Series

    def up_to(self, origin: pd.Period) -> Known:
        """The same series without anything after the origin."""
        return Known(**{field.name: getattr(self, field.name).loc[:origin] for field in fields(self)})

    def sha256(self) -> str:
        """Hash of every value, so that a kept forecast says which figures it saw."""
        parts = (f"{field.name}:{door.sha256(getattr(self, field.name))}\n" for field in fields(self))
        return hashlib.sha256("".join(parts).encode()).hexdigest()


_COLUMNS = {
    "supported": ("support_national", "total"),
    "awaiting": ("awaiting", "people"),
    "appeals": ("appeals", "open_cases"),
    "receipts": ("appeals", "receipts"),
    "disposals": ("appeals", "disposals"),
    "outcomes": ("decisions", "outcomes"),
    "refusals": ("decisions", "refusals"),
}


def official() -> tuple[Known, str]:
    """Every published series the forecast reads, and the release of the supported total.

    Raises:
        InputError: when a table is missing, damaged or has a quarter missing.

    Source: reference tables support_national, awaiting, appeals and decisions (Home Office, Ministry of Justice).
    """
    found = {}
    for name, (table, column) in _COLUMNS.items():
        rows = reference(table)
        index = pd.PeriodIndex(pd.to_datetime(rows["quarter_end"]), freq="Q", name="quarter")
        values = pd.Series(rows[column].to_numpy(float), index=index, name=name).dropna()
        found[name] = door.checked(values, f"params/reference/{table}.csv")
    record = reference_record("support_national")
    return Known(**found), f"{record['publisher']} {record['source_table']}, {record['vintage']}"


@dataclass(frozen=True)
class StockSettings:
    """The register's numbers for the national stock (`params/assumptions/forecast_stocks.toml`).

    Attributes:
        cases_to_people: people for each appeal case.
        momentum: share of a log change that carries into the next quarter.
        half_life: half-life of the weights on past squared changes, quarters.
        degrees: degrees of freedom of the t scale of a path.
        volatility_quarters: quarters of decisions and disposals that make their volatility.
        weights: weight in the pool by member, summing to 1.
        level_window: quarters whose mean is the present level of decisions and disposals.
        returns: share of the gap to claims that decisions close each quarter, by capacity scenario.
        level_spread: standard deviation of a lasting log shift of decision capacity.
        least_volatility: least quarterly volatility of decisions.
        clearance: most of a queue that can be cleared in a quarter, as a share.
        smoothing: weight of the newest quarter in the level of claims.
        disposal_volatility: least quarterly volatility of disposals.
        receipts_window: quarters that make appeals for each refusal.
        slope_error: standard error of the law's slope as a share of it.
    """

    cases_to_people: float
    momentum: float
    half_life: float
    degrees: float
    volatility_quarters: int
    weights: Mapping[str, float]
    level_window: int
    returns: Mapping[str, float]
    level_spread: float
    least_volatility: float
    clearance: float
    smoothing: float
    disposal_volatility: float
    receipts_window: int
    slope_error: float

    @classmethod
    def read(cls, on: date, assumptions: Assumptions | None = None) -> StockSettings:
        """Take the settings that hold on a date from the register, with the overrides of `assumptions`.

        Raises:
            InputError: when a number cannot be used, naming its place in the register.
        """
        now = (assumptions or load()).at(on)
        weights = {
            "persistence": now.forecast_stocks.weight.persistence,
            "damped_drift": now.forecast_stocks.weight.damped_drift,
            "stock_flow": now.forecast_stocks.weight.stock_flow,
        }
        total = sum(weights.values())
        least = {
            "weight (all members together)": (total, 0.0),
            "volatility_half_life": (now.forecast_stocks.volatility_half_life, 0.0),
            "tail_degrees_of_freedom": (now.forecast_stocks.tail_degrees_of_freedom, 2.0),
            "longest_volatility": (now.forecast_stocks.longest_volatility, 0.0),
            "decisions.window": (now.forecast_stocks.decisions.window, 0.0),
            "decisions.receipts_window": (now.forecast_stocks.decisions.receipts_window, 0.0),
        }
        for name, (given, above) in least.items():
            if not given > above:
                raise InputError(f"forecast_stocks.{name}: {given:g} must be above {above:g}.")
        if not 0 <= now.forecast_stocks.momentum < 1:
            given = now.forecast_stocks.momentum
            raise InputError(f"forecast_stocks.momentum: {given:g} must be at least 0 and below 1.")
        return cls(
            cases_to_people=float(now.forecast_stocks.cases_to_people),
            momentum=float(now.forecast_stocks.momentum),
            half_life=float(now.forecast_stocks.volatility_half_life),
            degrees=float(now.forecast_stocks.tail_degrees_of_freedom),
            volatility_quarters=round(4 * now.forecast_stocks.longest_volatility),
            weights=MappingProxyType({name: weight / total for name, weight in weights.items()}),
            level_window=round(now.forecast_stocks.decisions.window),
            returns=MappingProxyType(
                {
                    "hold": float(now.forecast_stocks.decisions.return_hold),
                    "ease": float(now.forecast_stocks.decisions.return_ease),
                    "match": float(now.forecast_stocks.decisions.return_match),
                }
            ),
            level_spread=float(now.forecast_stocks.decisions.level_spread),
            least_volatility=float(now.forecast_stocks.decisions.least_volatility),
            clearance=float(now.forecast_stocks.decisions.clearance_limit),
            smoothing=float(now.forecast_stocks.decisions.claims_smoothing),
            disposal_volatility=float(now.forecast_stocks.decisions.disposal_volatility),
            receipts_window=round(now.forecast_stocks.decisions.receipts_window),
            slope_error=float(now.forecast_stocks.law.slope_error),
        )


@dataclass(frozen=True)
class Law:
    """Level law: supported = constant + slope x (awaiting + people in open appeals), with an AR(1) error.

    Attributes:
        constant: people.
        slope: supported people for each person in the two queues.
        memory: share of the error that is left a quarter later.
        error: the last error, people.
        innovation: standard deviation of the new error of a quarter, people.
    """

    constant: float
    slope: float
    memory: float
    error: float
    innovation: float


def level_law(known: Known, cases_to_people: float) -> Law:
    """Fit the level law by least squares on quasi-differences, repeated until its memory settles.

    Source: project stock-flow study, model L. One slope serves both queues, because before 2023 appeals never moved
    and their own coefficient cannot be learnt from those years.

    Raises:
        InputError: when there are too few quarters with every series.
    """
    queues = (known.awaiting + cases_to_people * known.appeals).dropna()
    both = queues.index.intersection(known.supported.index)
    if len(both) < LEAST_LAW:
        last = known.supported.index[-1]
        raise InputError(
            f"origin: {last} leaves {len(both)} quarters for the level law; it needs {LEAST_LAW}. "
            f"Nearest: {FIRST_ORIGIN}."
        )
    y, x = known.supported[both].to_numpy(), queues[both].to_numpy()
    memory = 0.0
    error = y
    constant = slope = 0.0
    for _ in range(30):
        design = np.column_stack([np.full(len(y) - 1, 1 - memory), x[1:] - memory * x[:-1]])
        constant, slope = np.linalg.lstsq(design, y[1:] - memory * y[:-1], rcond=None)[0]
        error = y - constant - slope * x
        # A memory of one would make the error a random walk and the constant unidentified.
        memory = float(np.clip(error[1:] @ error[:-1] / (error[:-1] @ error[:-1]), 0.0, 0.95))
    new = error[1:] - memory * error[:-1]
    innovation = float(np.sqrt(new @ new / (len(new) - 3)))
    return Law(float(constant), float(slope), memory, float(error[-1]), innovation)


@dataclass(frozen=True)
class National:
    """Sample paths of the national stock, in people.

    Attributes:
        pool: supported people (paths, horizon), never narrower than persistence.
        members: supported people (paths, horizon) by member.
        awaiting: people awaiting a decision (paths, horizon) of the stock-flow member.
        appeals: open appeal cases (paths, horizon) of the stock-flow member.
        capacity: capacity scenario of each path of the stock-flow member, an index of `CAPACITY`.
        widened: factor (horizon,) by which the pool was stretched to the width of persistence.
    """

    pool: np.ndarray
    members: Mapping[str, np.ndarray]
    awaiting: np.ndarray
    appeals: np.ndarray
    capacity: np.ndarray
    widened: np.ndarray


def national(known: Known, claims: np.ndarray, claimed: pd.Series, settings: StockSettings, seed: int) -> National:
    """Draw sample paths of the supported population.

    Args:
        known: published series up to the origin.
        claims: sample paths of people claiming (paths, horizon) after the origin.
        claimed: people claiming by quarter up to the origin.
        settings: the register's numbers.
        seed: at least 0.

    Raises:
        InputError: when there are too few quarters for the level law.
    """
    origin = known.supported.index[-1]
    paths, horizon = claims.shape

    def stream(name: str) -> np.random.Generator:
        return np.random.default_rng([seed, origin.year, origin.quarter, crc32(name.encode())])

    flow, awaiting, appeals, capacity = _stock_flow(known, claims, claimed, settings, stream("stock_flow"))
    members = {
        "persistence": _persistence(known.supported, paths, horizon, settings, stream("persistence")),
        "damped_drift": _damped_drift(known.supported, paths, horizon, settings, stream("damped_drift")),
        "stock_flow": flow,
    }
    from forecasts.pool import mix

    pool = mix(members, settings.weights, stream("pool"))
    pool, widened = _as_wide_as(pool, members["persistence"])
    return National(pool, MappingProxyType(members), awaiting, appeals, capacity, widened)


def _as_wide_as(pool: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stretch paths about their median, on the log scale, where their 80% interval is narrower than the other's."""
    logs, other = np.log(pool), np.log(least)
    middle = np.median(logs, axis=0)
    ours, theirs = (np.diff(np.quantile(x, [0.1, 0.9], axis=0), axis=0)[0] for x in (logs, other))
    factor = np.maximum(1.0, theirs / ours)
    return np.exp(middle + factor * (logs - middle)), factor


def _persistence(
    supported: pd.Series, paths: int, horizon: int, settings: StockSettings, rng: np.random.Generator
) -> np.ndarray:
    """The last value, as uncertain at each horizon as changes over that many quarters have been.

    A stock has momentum, so its changes over h quarters are larger than one-quarter changes times the root of h: the
    larger of the two is used.
    """
    logs = np.log(supported.to_numpy())
    changes = np.diff(logs)
    steps = np.arange(1, horizon + 1)
    spread = _volatility(changes, settings.half_life) * np.sqrt(steps)
    for h in steps:
        if len(logs) > h + LEAST_LAW:
            spread[h - 1] = max(spread[h - 1], float(np.sqrt(np.mean((logs[h:] - logs[:-h]) ** 2))))
    variance = np.maximum.accumulate(spread**2)
    new = np.sqrt(np.diff(variance, prepend=0.0))
    scale = _t_scale(paths, rng, settings.degrees)
    return np.exp(logs[-1] + np.cumsum(new * scale * rng.standard_normal((paths, horizon)), axis=1))


def _damped_drift(
    supported: pd.Series, paths: int, horizon: int, settings: StockSettings, rng: np.random.Generator
) -> np.ndarray:
    """Part of the last log change carries into the next, and so on; noise as large as that rule's past errors."""
    logs = np.log(supported.to_numpy())
    changes = np.diff(logs)
    volatility = _volatility(changes[1:] - settings.momentum * changes[:-1], settings.half_life)
    noise = volatility * _t_scale(paths, rng, settings.degrees) * rng.standard_normal((paths, horizon))
    drift = np.full(paths, changes[-1])
    out = np.empty((paths, horizon))
    level = np.full(paths, logs[-1])
    for h in range(horizon):
        drift = settings.momentum * drift + noise[:, h]
        level = level + drift
        out[:, h] = level
    return np.exp(out)


def _stock_flow(
    known: Known, claims: np.ndarray, claimed: pd.Series, settings: StockSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Claims through awaiting and appeals to supported people; returns supported, awaiting, appeals, capacity."""
    paths, horizon = claims.shape
    law = level_law(known, settings.cases_to_people)
    window = settings.level_window
    recent = slice(-settings.volatility_quarters - 1, None)
    scale = _t_scale(paths, rng, settings.degrees)[:, 0]
    speed = max(
        settings.least_volatility,
        _volatility(np.diff(np.log(known.outcomes.to_numpy()[recent])), settings.half_life),
    )
    disposal_speed = max(
        settings.disposal_volatility,
        _volatility(np.diff(np.log(known.disposals.to_numpy()[recent])), settings.half_life),
    )
    # The scenarios are shared out evenly, then shuffled, so that any number of paths has each of them.
    capacity = rng.permutation(np.resize(np.arange(len(CAPACITY)), paths))
    closing = np.array([settings.returns[name] for name in CAPACITY])[capacity]
    decisions = np.log(known.outcomes.iloc[-window:].mean()) + settings.level_spread * rng.standard_normal(paths)
    disposals = np.full(paths, np.log(known.disposals.iloc[-window:].mean()))
    refused = known.refusals.iloc[-4:].sum() / known.outcomes.iloc[-4:].sum()
    appealed = known.receipts.iloc[-settings.receipts_window :].sum()
    appealed /= known.refusals.iloc[-settings.receipts_window :].sum()
    # The published appeals stock grows by more than receipts less disposals; the gap is steady, so it is added.
    gap = (known.appeals.diff() - known.receipts + known.disposals).dropna().mean()
    level = np.full(paths, np.log(claimed.iloc[-4:].mean()))
    awaiting = np.full(paths, known.awaiting.iloc[-1])
    appeals = np.full(paths, known.appeals.iloc[-1])
    start = float(awaiting[0] + settings.cases_to_people * appeals[0])
    slope = law.slope * (1 + settings.slope_error * rng.standard_normal(paths))
    error = np.full(paths, law.error)
    supported, waits, cases = (np.empty((paths, horizon)) for _ in range(3))
    for h in range(horizon):
        arriving = claims[:, h].astype(float)
        level = level + settings.smoothing * (np.log(np.maximum(arriving, 1.0)) - level)
        decisions = decisions + closing * (level - decisions) + speed * scale * rng.standard_normal(paths)
        decided = np.minimum(np.exp(decisions), settings.clearance * (awaiting + arriving))
        awaiting = awaiting + arriving - decided
        lodged = appealed * refused * decided
        disposals = disposals + disposal_speed * scale * rng.standard_normal(paths)
        disposed = np.minimum(np.exp(disposals), settings.clearance * (appeals + lodged))
        appeals = np.maximum(appeals + lodged - disposed + gap, 0.0)
        error = law.memory * error + law.innovation * scale * rng.standard_normal(paths)
        queues = awaiting + settings.cases_to_people * appeals
        supported[:, h] = law.constant + law.slope * start + slope * (queues - start) + error
        waits[:, h], cases[:, h] = awaiting, appeals
    # The law has a constant without a mechanism: far below it the law says nothing, and a stock is at least one.
    return np.maximum(supported, 1.0), waits, cases, capacity


def _volatility(changes: np.ndarray, half_life: float) -> float:
    """The larger of recent (exponentially weighted) and long-run root mean square change."""
    weights = 0.5 ** (np.arange(len(changes))[::-1] / half_life)
    return float(np.sqrt(max(np.average(changes**2, weights=weights), np.mean(changes**2))))


def _t_scale(paths: int, rng: np.random.Generator, degrees: float) -> np.ndarray:
    """One scale a path (paths, 1): makes normal noise t at every horizon and keeps its variance."""
    return np.sqrt((degrees - 2) / rng.chisquare(degrees, (paths, 1)))
