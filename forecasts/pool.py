"""The pool: an equal-weight mixture of the members' sample paths.

Evidence for who is in it. Skill on the log scale against a log random walk (0 is no better), over 1 to 12
quarters and in brackets for one quarter ahead. UK claims: 58 origins from 2010Q1 to 2024Q2, final vintage.
Two checks on data the members were not proposed on: the same series reversed in time, where its upward
drift becomes a fall, and the mean over the 25 nationality rows with more than 60 claims a quarter (November
2024 vintage).

| pool | UK claims | reversed | nationalities |
|---|---|---|---|
| seasonal walk + unobserved components (used) | .074 (.173) | .091 (.108) | .050 (.068) |
| the same + naive | .060 (.153) | .075 (.111) | .043 (.069) |
| the same + seasonal naive | .064 (.128) | .077 (.010) | .045 (.001) |
| the same + naive + seasonal naive | .058 (.136) | .071 (.043) | .044 (.034) |
| seasonal walk alone | .082 (.190) | .080 (.084) | .037 (.056) |
| unobserved components alone | .047 (.135) | .089 (.096) | .038 (.044) |
| seasonal naive alone | -.054 (-.373) | .005 (-.506) | -.058 (-.599) |

So naive and seasonal naive are always drawn and scored beside the pool, and their weights in it are 0. The
seasonal walk alone is better on UK claims, the data most looked at; the pool is better on the other two.
Half-life, seasonal window and tails were set with all three in sight, so skill on new data is likely to be a
little lower.
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
    # A random walk fitted to a series that jumps to and from zero has no ceiling of its own.
    mixed = np.minimum(mixed, np.expm1(np.log1p(history.max()) + np.log(settings.largest_growth)))
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
