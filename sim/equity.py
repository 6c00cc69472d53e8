"""Equity as named metrics side by side; no single number is "fair", and none is hidden.

People are those accommodated (subsistence only left out) unless said otherwise. All functions take arrays over the
same places, councils or regions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    import pandas as pd


def share_gap(people: np.ndarray, weight: np.ndarray) -> float:
    """People who would have to live elsewhere for places to hold them in proportion to `weight`.

    Args:
        people: (place,) people.
        weight: (place,) what a fair share is proportional to: population, or population adjusted.
    """
    return float(np.maximum(people - people.sum() * weight / weight.sum(), 0.0).sum())


def hoover(people: np.ndarray, weight: np.ndarray) -> float:
    """Hoover index: the share gap as a share of people, from 0 (in proportion) to 1."""
    return share_gap(people, weight) / max(float(people.sum()), 1.0)


def gini(people: np.ndarray, population: np.ndarray) -> float:
    """Population-weighted Gini of people per resident: 0 when every place has the same rate."""
    order = np.argsort(people / population)
    residents = np.concatenate([[0.0], np.cumsum(population[order]) / population.sum()])
    held = np.concatenate([[0.0], np.cumsum(people[order]) / max(float(people.sum()), 1.0)])
    return float(1.0 - ((held[1:] + held[:-1]) * np.diff(residents)).sum())


def above_limit(people: np.ndarray, population: np.ndarray, limit: float) -> np.ndarray:
    """Which places hold more than `limit` people a resident (1 in 200 is 0.005)."""
    return np.asarray(people / population > limit)


def index_weight(councils: pd.DataFrame, now: Any, gained: np.ndarray | None = None) -> np.ndarray:
    """Fair shares by a transparent index: population, less where a place is more deprived, dearer or more rural.

    Each factor is standardised over councils and multiplies the population by exp(-weight x factor). The weights are
    the register's `equity.*`; a factor that is not known for a council counts as average.

    Args:
        councils: reference table of councils.
        gained: (council,) people accommodated gained since the financial year began, per resident: the pace of change
            that `equity.cohesion` weighs; not known when None.

    Returns:
        Weights (council,), in people.

    Source: the Home Office index is not published; this one is a stand-in whose parts can be seen. Cohesion has no
    weight by default, and only the pace of change stands for it: a score of residents' attitudes would reward
    hostility.
    """
    return weighed(councils["population"].to_numpy(float), factors(councils), now, gained)


def factors(councils: pd.DataFrame) -> dict[str, np.ndarray]:
    """The factors of the index that do not change, each standardised over councils; 0 where one is not known.

    Args:
        councils: reference table of councils.
    """
    rent = councils["rent_2bed"].astype(float)
    found: dict[str, Any] = {
        "deprivation": -councils["deprivation_decile"].astype(float),  # decile 1 is the most deprived
        "rent": np.log(rent / rent.groupby(councils["rent_basis"]).transform("mean")),
        "rural": (councils["rural_class"] == "rural").astype(float),
    }
    return {name: _standardised(values.to_numpy()) for name, values in found.items()}


def weighed(
    population: np.ndarray, known: Mapping[str, np.ndarray], now: Any, gained: np.ndarray | None = None
) -> np.ndarray:
    """`index_weight` from factors that are standardised already.

    Args:
        population: (council,) residents.
        known: from `factors`.
    """
    own = dict(known) if gained is None else {**known, "cohesion": _standardised(gained)}
    log_weight = np.zeros(population.size)
    for name, standard in own.items():
        log_weight -= getattr(now.equity, name) * standard
    return np.asarray(population * np.exp(log_weight))


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = float(np.nanstd(values, ddof=1))
    return np.nan_to_num((values - np.nanmean(values)) / spread) if spread > 0 else np.zeros(values.size)


def metrics(stock: pd.DataFrame, councils: pd.DataFrame, now: Any) -> pd.Series:
    """Every metric at once, for one stock.

    Args:
        stock: people by council (index lad_code), a column for each accommodation type and `total`.
        councils: reference table of councils, any order.

    Returns:
        Series of metrics by name; people unless the name says share, index or councils.
    """
    councils = councils.set_index("lad_code").loc[stock.index].reset_index()
    population = councils["population"].to_numpy(float)
    accommodated = (stock["total"] - stock["subsistence"]).to_numpy(float)
    contingency = (stock["contingency_hotel"] + stock["contingency_other"]).to_numpy(float)
    import pandas as pd

    region = pd.DataFrame({"region": councils["region"], "people": accommodated, "population": population})
    region = region.groupby("region").sum()
    return pd.Series(
        {
            "gap_between_councils": share_gap(accommodated, population),
            "gap_between_regions": share_gap(region["people"].to_numpy(), region["population"].to_numpy()),
            "hoover_index_councils": hoover(accommodated, population),
            "gini_councils": gini(accommodated, population),
            "councils_above_cluster_limit": float(
                above_limit(stock["total"].to_numpy(float), population, now.placement.cluster_limit).sum()
            ),
            "gap_by_index": share_gap(accommodated, index_weight(councils, now)),
            "gap_dispersal_between_councils": share_gap(stock["dispersal"].to_numpy(float), population),
            "contingency_share": float(contingency.sum() / max(accommodated.sum(), 1.0)),
        }
    )


@njit(cache=True)
def water_fill(total: float, weight: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Share `total` people in proportion to `weight` without exceeding `room` anywhere.

    Places that reach their room stop; the rest goes to the others at one common rate. This is the allocation that
    minimises the largest people per weight, the answer of `least_largest_rate` without a solver.

    Args:
        total: people to place; what exceeds all room is left out.
        weight: (place,) positive.
        room: (place,) people who fit.

    Returns:
        People (place,), summing to the smaller of `total` and all room.
    """
    order, total = np.argsort(room / weight), min(total, float(room.sum()))
    level = room[order] / weight[order]
    filled = np.cumsum(room[order])
    open_weight = weight[order].sum() - np.cumsum(weight[order])
    reached = filled + level * open_weight  # people placed when place k has just filled
    k = int(np.searchsorted(reached, total))
    before = filled[k - 1] if k else 0.0
    rate = (total - before) / weight[order][k:].sum() if k < room.size else np.inf
    return np.minimum(room, rate * weight)


def least_largest_rate(total: float, weight: np.ndarray, room: np.ndarray) -> np.ndarray:
    """The equitable optimum by linear programming (HiGHS): the smallest possible largest rate.

    A yardstick outside the month, from which how far a rule is can be told; `water_fill` is its fast equal.

    Args:
        total: people to place.
        weight: (place,) positive.
        room: (place,) most people a place may hold.

    Returns:
        People (place,).

    Raises:
        ValueError: when `total` does not fit into `room`.
    """
    from scipy.optimize import linprog

    if not 0 <= total <= room.sum():
        raise ValueError(f"{total:,.0f} people do not fit into {room.sum():,.0f} places")
    n = weight.size
    at_most = np.hstack([np.diag(1.0 / weight), -np.ones((n, 1))])
    bounds = [*((0.0, r) for r in room), (0.0, None)]
    found = linprog(
        [*np.zeros(n), 1.0], A_ub=at_most, b_ub=np.zeros(n), A_eq=[[*np.ones(n), 0.0]], b_eq=[total], bounds=bounds
    )
    return np.asarray(found.x[:n])
