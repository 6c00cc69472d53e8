"""The pool: a mixture of the members' sample paths, equal weights, half of it bottom-up where groups are known.

Evidence for who is in it. Skill on the log scale against a log random walk (0 is no better), over 1 to 12
quarters and in brackets for one quarter ahead, origins 2010Q1 to 2024Q2. UK: claims, 2026-02 vintage.
Reversed: claims (2024-11 vintage) backwards in time, where the upward drift of the period becomes a fall.
Nationalities: mean of 27 (2024-11 vintage). Queues: mean of 13 series of decisions, appeals, people waiting and
people supported. Simulated: mean of 8 known processes, from random walks to noise, trends and rare counts. Every
second origin for the last three.

| pool | UK | reversed | nationalities | queues | simulated |
|---|---|---|---|---|---|
| five members and bottom-up, half each (used for UK claims) | .176 (.219) | .099 (.177) | | | |
| five members (used for any other series) | .072 (.175) | .071 (.124) | .053 (.026) | .035 (-.002) | .201 (.302) |
| the same without momentum | .073 (.174) | .072 (.118) | .051 (.025) | .021 (-.027) | .207 (.307) |
| the same with naive | .066 (.163) | .068 (.126) | .050 (.030) | .032 (.001) | .193 (.287) |
| the same with seasonal naive | .074 (.171) | .063 (.077) | .054 (.012) | .033 (-.055) | .200 (.298) |
| bottom-up alone | .224 (.241) | .082 (.209) | | | |
| seasonal walk alone | .075 (.185) | .075 (.118) | .030 (.009) | .018 (-.014) | .111 (.221) |
| unobserved components alone | .047 (.135) | .056 (.070) | .029 (-.017) | .001 (-.167) | .231 (.325) |
| exponential smoothing alone | .068 (.175) | .074 (.096) | .048 (.024) | .015 (-.069) | .228 (.342) |
| seven-year walk alone | .067 (.159) | .054 (.125) | .033 (.000) | .017 (-.011) | .119 (.214) |
| momentum alone | .071 (.173) | .051 (.125) | .050 (.014) | .049 (-.000) | .165 (.267) |
| seasonal naive alone | -.053 (-.372) | -.051 (-.752) | -.064 (-.658) | -.101 (-1.405) | .102 (-.036) |

No member is best everywhere and the pool is never far from the best, which is the reason for a pool. Naive and
seasonal naive are always drawn and scored beside it; their weights in it are 0. Bottom-up leads by far on UK
claims. One quarter ahead the lead stays when time is reversed; over 1 to 12 quarters nearly all of it goes: it
was growth of single groups that paid off in this period. So it has half the weight and not all of it.

Members, shrinkage of the season and settings were chosen with these data in sight, so skill on new data is
likely to be a little lower.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd

from forecasts import groups
from forecasts.members import MEMBERS, ForecastWarning, Settings

BOTTOM_UP = "bottom_up"
# Quantiles of fewer paths carry sampling noise that costs score at the outer levels.
QUANTILE_PATHS = 4000


@dataclass(frozen=True)
class Drawn:
    """Sample paths at one origin, all in the unit of the history.

    Attributes:
        pool: sample paths of the pool (paths, horizon), in an order that means nothing: the first k are a
            fair sample for any k.
        members: sample paths (paths, horizon) of every member, in the pool or not.
        warnings: what was not done in the usual way, each once.
        shares: shares (paths, horizon, 3) of the pool's paths by decision group, where groups are known.
    """

    pool: np.ndarray
    members: Mapping[str, np.ndarray]
    warnings: tuple[str, ...]
    shares: np.ndarray | None = None


def draw(
    history: pd.Series,
    horizon: int,
    paths: int,
    seed: int,
    settings: Settings,
    claims: groups.Claims | None = None,
) -> Drawn:
    """Draw every member's sample paths and mix them.

    The random numbers are keyed by seed, series, origin and member, so that a member's paths do not depend on
    which others are in the pool, and the origins of a backtest do not share their sampling noise.

    Args:
        history: checked history that ends at the origin.
        horizon: quarters ahead.
        paths: number of sample paths of the pool, and of each member.
        seed: at least 0.
        settings: the register's numbers, with the weights.
        claims: claims by nationality that add up to the history but for revisions; adds the member
            `bottom_up`, which sees none of them after the origin.
    """
    everyone, weights = dict(MEMBERS), dict(settings.weights)
    bottom_up = None if claims is None else groups.BottomUp(claims.up_to(history.index[-1]))
    if bottom_up is not None:
        everyone[BOTTOM_UP] = bottom_up
        weights = {name: weight * (1 - settings.bottom_up_weight) for name, weight in weights.items()}
        weights[BOTTOM_UP] = settings.bottom_up_weight
    members: dict[str, np.ndarray] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ForecastWarning)
        for name, member in everyone.items():
            members[name] = member(history, horizon, paths, _stream(seed, history, name), settings)
    for other in (w for w in caught if not issubclass(w.category, ForecastWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    said = [str(w.message) for w in caught if issubclass(w.category, ForecastWarning)]
    mixed = mix(members, weights, _stream(seed, history, "pool"))
    # A random walk with fat tails has no ceiling of its own, and over ten years a few paths would pass all reason.
    growth = settings.largest_growth if claims is None else settings.largest_intake_growth
    mixed = np.minimum(mixed, np.expm1(np.log1p(history.max()) + np.log(growth)))
    shares = None
    if bottom_up is not None:
        made_up = bottom_up.shares(history, horizon, paths, _stream(seed, history, BOTTOM_UP), settings)
        shares = made_up[_partners(mixed, members[BOTTOM_UP])]
    return Drawn(mixed, members, tuple(dict.fromkeys(said)), shares)


def _partners(pool: np.ndarray, bottom_up: np.ndarray) -> np.ndarray:
    """For each path of the pool, the bottom-up path of the same rank in mean log value.

    A path of another member says how many people come, not who. It takes its composition from a bottom-up
    path that is as high among its own kind, because a high path is often high through one group.
    """
    rank = np.argsort(np.argsort(np.log1p(pool).mean(axis=1), kind="stable"), kind="stable")
    return np.argsort(np.log1p(bottom_up).mean(axis=1), kind="stable")[rank]


def mix(samples: Mapping[str, np.ndarray], weights: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """Take each member's share of the paths and shuffle whole paths.

    Args:
        samples: sample paths (paths, horizon) by member, the same shape for all.
        weights: weights by member, summing to 1.
        rng: decides who gets the paths left over by rounding, and the order.

    Returns:
        Mixture (paths, horizon).
    """
    names = [name for name in samples if weights[name] > 0]
    paths = len(samples[names[0]])
    exact = paths * np.array([weights[name] for name in names])
    counts = np.floor(exact + 1e-9).astype(int)
    spare = paths - counts.sum()
    if spare:
        left = np.maximum(exact - counts, 0.0)
        counts[rng.choice(len(names), spare, replace=False, p=left / left.sum())] += 1
    chosen = np.concatenate([samples[name][:count] for name, count in zip(names, counts, strict=True)])
    return rng.permutation(chosen, axis=0)


def _stream(seed: int, history: pd.Series, name: str) -> np.random.Generator:
    origin = history.index[-1]
    return np.random.default_rng(
        [seed, crc32(str(history.name).encode()), origin.year, origin.quarter, crc32(name.encode())]
    )
