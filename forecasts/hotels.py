"""Early warning of contingency accommodation: where its use may start, grow or end within a year, and how good that is.

The warning reads joint sample paths. National paths come from the stock forecast (claims, decisions, appeals), less
dispersal accommodation, which is the pipeline; they are shared among councils by what councils hold, with openings,
closures and changes of size. Every rate of that sharing is measured on the quarters up to the origin and on no later
one, so that the scores on past origins are what a reader would have had at the time (figures as revised since).

Contingency accommodation is hotels and other sites together, as published by council. No location is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd

from forecasts import history as door
from forecasts.paths import claims_after
from forecasts.places import ACCOMMODATION, Base, PlaceSettings, position, share_out, split_accommodation
from forecasts.stocks import StockSettings, national, official
from params import Assumptions, InputError, load, reference
from params.errors import unknown

IN_USE = 10  # people; published councils with fewer flicker in and out
GROWTH = 0.1  # a tenth more, and at least `IN_USE` people more, is growth
EVENTS = ("starts", "grows", "ends")
LEVELS = ("council", "region", "contract_area")
HORIZONS = (1, 2, 3, 4)
KINDS = ("contingency_hotel", "contingency_other")
_EMPTY = 0.5  # Jeffreys: half an event and half a non-event before anything is seen


@dataclass(frozen=True)
class Rates:
    """What the published quarters up to an origin say of councils' contingency use, a quarter.

    Attributes:
        opens: chance that a council without it gets it.
        again: the same for a council that had it before.
        closes: chance that a council of the median size loses it.
        size: how the log chance of closing changes with log size over the median size.
        middle: median people in councils that have it.
        entry: people in a council that just got it.
        noise: standard deviation of the log change where it continues.
        transitions: quarters seen.
    """

    opens: float
    again: float
    closes: float
    size: float
    middle: float
    entry: float
    noise: float
    transitions: int


def history() -> pd.DataFrame:
    """Published people in contingency accommodation by quarter (rows) and council (columns), where it is published."""
    rows = reference("support_by_council")
    rows = rows[rows["contingency_hotel"].notna()]
    index = pd.PeriodIndex(rows["quarter_end"], freq="Q", name="quarter")
    people = rows[list(KINDS)].sum(axis=1).astype(int)
    wide = rows.assign(quarter=index, people=people).pivot(index="quarter", columns="lad_code", values="people")
    return wide.rename_axis(columns=None)


def rates(seen: pd.DataFrame, half_life: float) -> Rates:
    """Measure the rates on consecutive published quarters, the latest counting most, because use closes in drives.

    Args:
        seen: as from `history`, up to the origin.
        half_life: quarters after which a quarter counts half.
    """
    quarters = pd.PeriodIndex(seen.index)
    pairs = [k for k in range(1, len(seen)) if quarters[k] == quarters[k - 1] + 1]
    values = seen.to_numpy()
    used = values >= IN_USE
    middle = float(np.median(values[-1][used[-1]])) if used[-1].any() else float(IN_USE)
    opened = idle = reopened = had = 0.0
    sizes, closed, weights, logs, entries = [], [], [], [], []
    for k in pairs:
        weight = 0.5 ** ((len(seen) - 1 - k) / half_life)
        was, now = used[k - 1], used[k]
        before = used[:k].any(axis=0) & ~was
        never = ~was & ~before
        opened, idle = opened + weight * (never & now).sum(), idle + weight * never.sum()
        reopened, had = reopened + weight * (before & now).sum(), had + weight * before.sum()
        sizes.append(np.log(values[k - 1][was] / middle))
        closed.append(~now[was])
        weights.append(np.full(int(was.sum()), weight))
        both = was & now
        logs.append(np.log(values[k][both] / values[k - 1][both]))
        entries.append(values[k][now & ~was])
    entry = float(np.median(np.concatenate(entries))) if any(len(e) for e in entries) else middle
    chance, slope = _closing(*(np.concatenate(x) for x in (sizes, closed, weights)))
    # Half the spread between the 10th and 90th percentile of a normal: steps of closing hotels do not inflate it.
    noise = float(np.diff(np.quantile(np.concatenate(logs), [0.1, 0.9]))[0] / 2.563)
    opens = (opened + _EMPTY) / (idle + 1)
    again = (reopened + opens) / (had + 1)
    return Rates(float(opens), float(again), chance, slope, middle, entry, noise, len(pairs))


def _closing(size: np.ndarray, ended: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Chance of closing at the median size and its slope in log size, by a logistic fit with a weak prior."""
    from scipy.optimize import minimize

    def loss(at: np.ndarray) -> float:
        odds = at[0] + at[1] * size
        # The prior (slope within about one of zero) matters only while hardly any closure has been seen.
        return float((weight * (np.logaddexp(0, odds) - odds * ended)).sum() + at[1] ** 2 / 2 + (at[0] + 3) ** 2 / 8)

    found = minimize(loss, np.array([-3.0, 0.0]), method="BFGS")
    return float(1 / (1 + np.exp(-found.x[0]))), float(found.x[1])


def contingency_paths(
    origin: str | None = None,
    horizon: int = 4,
    paths: int = 500,
    seed: int = 1,
    assumptions: Assumptions | None = None,
) -> tuple[np.ndarray, Base, Rates]:
    """Draw joint sample paths of people in contingency accommodation by council.

    Args:
        origin: last quarter the paths may see, from 2023Q1, with a published split; the latest when None.
        horizon: quarters ahead.
        paths: sample paths.
        seed: the same seed gives the same numbers.
        assumptions: the register with overrides; central when None.

    Returns:
        People (path, quarter, council); the published position at the origin; the rates measured up to it.

    Raises:
        InputError: no split is published at that origin, or no quarter before it.
    """
    whole = history()
    quarters = pd.PeriodIndex(whole.index)
    last = quarters[-1] if origin is None else door.quarter(origin)
    if last not in quarters[1:]:
        near = min(quarters[1:], key=lambda q: abs(q.ordinal - last.ordinal))
        raise InputError(f"origin: {last} has no published contingency accommodation to start from. Nearest: {near}.")
    base = position(last)
    on = last.end_time.date()
    now = (assumptions or load()).at(on)
    measured = rates(whole.loc[:last], 4 * now.forecast_stocks.hotels.rate_half_life)
    known = official()[0].up_to(last)
    settings = StockSettings.read(on, assumptions)
    claims, coming = claims_after(last, horizon, paths, seed, assumptions)
    drawn = national(known, coming, claims, settings, seed)
    places = PlaceSettings.read(on, assumptions)
    rng = np.random.default_rng([seed, last.year, last.quarter, crc32(b"contingency")])
    supported = np.rint(drawn.pool).astype(np.int64)
    # Dispersal grows at the pace of 2014 to 2021, which was known before the first origin; see the register.
    split = split_accommodation(supported, base, last, "slow", places, rng)
    total = split[:, :, [ACCOMMODATION.index(kind) for kind in KINDS]].sum(axis=2)
    held = base.people[list(KINDS)].sum(axis=1)
    had = (whole.loc[:last].max() >= IN_USE).reindex(held.index, fill_value=False).to_numpy()
    weights = _weights(held.to_numpy(float), had, base.population.to_numpy() > 0, (paths, horizon), measured, rng)
    out = np.empty(weights.shape, dtype=np.int32)
    for h in range(horizon):
        out[:, h] = share_out(total[:, h], weights[:, h], held.to_numpy(float))
    return out, base, measured


def _weights(
    held: np.ndarray, had: np.ndarray, place: np.ndarray, shape: tuple[int, int], measured: Rates,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Each council's part of the national total: closures by size, openings, and noise where use continues."""
    paths, horizon = shape
    size = np.tile(held, (paths, 1))
    opening = np.where(had, measured.again, measured.opens)
    out = np.empty((paths, horizon, len(held)))
    odds = np.log(measured.closes / (1 - measured.closes))
    for h in range(horizon):
        level = np.log(np.maximum(size, 1.0) / measured.middle)
        closing = 1 / (1 + np.exp(-(odds + measured.size * level)))
        ends = (size > 0) & (rng.random(size.shape) < closing)
        starts = (size < IN_USE) & place & (rng.random(size.shape) < opening)
        step = measured.noise * rng.standard_normal(size.shape)
        size = np.where(ends, 0.0, size * np.exp(step))
        size = np.where(starts, measured.entry, size)
        out[:, h] = size
    return out


def grouped(people: np.ndarray, codes: list[str], level: str) -> tuple[list[str], np.ndarray]:
    """Sum councils (last axis) to the places of a level: their names and people (..., place).

    Raises:
        InputError: when the level is not one of `LEVELS`.
    """
    if level not in LEVELS:
        raise unknown("level", "a level", level, LEVELS)
    table = reference("councils").set_index("lad_code").reindex(codes)
    names = pd.Series(codes) if level == "council" else table[level].reset_index(drop=True)
    known = table["region"].notna().to_numpy()
    places, code = np.unique(names[known].to_numpy(str), return_inverse=True)
    if level == "council":
        return [str(p) for p in places], people[..., known][..., np.argsort(code)]
    member = (code[:, None] == np.arange(len(places))).astype(np.int64)
    return [str(p) for p in places], people[..., known] @ member


def happened(now: np.ndarray, ahead: np.ndarray) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Whether each event happens within the quarters given, and where it can.

    Args:
        now: people (place,) at the origin.
        ahead: people (..., quarter, place) after it.

    Returns:
        By event: true or false (..., place), and for which places (place,) it is a question.
    """
    used = now >= IN_USE
    more = np.maximum(now * (1 + GROWTH), now + IN_USE)
    return {
        "starts": ((ahead >= IN_USE).any(axis=-2), ~used),
        "grows": ((ahead >= more).any(axis=-2), used),
        "ends": ((ahead < IN_USE).any(axis=-2), used),
    }
