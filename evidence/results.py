"""From a study's dataset to tidy tables: central figures, intervals, paired differences and what makes the range.

Pure functions. Each sample is one (draw, replication) of one arm; sums over councils, services or months are taken
inside a sample, and quantiles only afterwards, because quantiles do not add. Arms are compared sample by sample,
which the shared random numbers allow. The three ledgers are never added together.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
import xarray as xr

SAMPLE = ("draw", "replication")
QUANTILES = {"low95": 0.025, "low80": 0.1, "central": 0.5, "high80": 0.9, "high95": 0.975}
STORED_PRECISION = 1e-6
GRANTS = "grants_to_councils"
HOTEL, DISPERSAL = "contingency_hotel", "dispersal"
# One line for each level at which a council's persistence error is measured: (label, people at least).
SIZE_BANDS = (("under 50", 0), ("50 to 199", 50), ("200 to 499", 200), ("500 or more", 500))


class Range(NamedTuple):
    """One row of a summary: the central figure and its intervals."""

    central: float
    low80: float
    high80: float
    low95: float
    high95: float


class Reached(NamedTuple):
    """When a stock first falls to a threshold.

    Attributes:
        share: of samples that get there within the horizon.
        central, early80, late80: month ends by which 50%, 10% and 90% of samples are there; NaT when later than the
            horizon.
    """

    share: float
    central: np.datetime64
    early80: np.datetime64
    late80: np.datetime64


def row(table: pd.DataFrame, **where: str) -> Range:
    """The one row of a summary whose columns have the given values."""
    chosen = np.logical_and.reduce([(table[c] == v).to_numpy() for c, v in where.items()])
    (position,) = np.flatnonzero(chosen)
    return Range(*(float(table[name].to_numpy()[position]) for name in Range._fields))


def top(table: pd.DataFrame, column: str, least: bool = False) -> str:
    """The label in `column` of the row with the largest (or least) central figure."""
    values = table["central"].to_numpy()
    return str(table[column].to_numpy()[values.argmin() if least else values.argmax()])


def arms(study: xr.Dataset) -> list[str]:
    """Arm names in the study's order."""
    return [str(a) for a in study["arm"].values]


def complete_years(study: xr.Dataset) -> list[str]:
    """Financial years of which the study simulates all twelve months."""
    return [str(y) for y in study["financial_year"].values[study["months_in_year"].values == 12]]


def yearly(flow: xr.DataArray) -> xr.DataArray:
    """Sum a monthly flow to UK financial years, April to March.

    Args:
        flow: any dims with month.

    Returns:
        The same dims with financial_year ("2027-28") in place of month, complete years only.
    """
    number = flow["month"].values.astype("datetime64[M]").astype(int)  # months since January 1970
    start = (number - 3) // 12 + 1970
    labels = np.array([f"{y}-{(y + 1) % 100:02d}" for y in start])
    whole = np.array([(start == y).sum() == 12 for y in start])
    years = xr.DataArray(labels[whole], dims="month", name="financial_year")
    return flow.isel(month=whole).groupby(years).sum("month", keep_attrs=True)


def nation_of_region(study: xr.Dataset) -> dict[str, str]:
    """The nation each region is in, from the councils' own rows."""
    return dict(zip(study["region"].values.astype(str), study["nation"].values.astype(str), strict=True))


def _to_place(values: xr.DataArray, study: xr.Dataset, place: str) -> xr.DataArray:
    """Regional values as they stand, or summed to nations inside each sample; the axis is called `place`."""
    if place == "nation":
        nation = nation_of_region(study)
        names = xr.DataArray([nation[str(r)] for r in values["region_name"].values], dims="region_name", name="place")
        return values.groupby(names).sum("region_name", keep_attrs=True)
    return values.rename(region_name="place")


def supported(study: xr.Dataset, place: str = "national", accommodation: str | None = None) -> xr.DataArray:
    """People supported.

    Args:
        place: "national", "region" or "nation" by month end (axis `place` for the last two), or "council" by quarter
            end.
        accommodation: one type, or None for all types together.
    """
    names = {"national": "supported_at_month_end", "council": "supported_at_quarter_end"}
    values = study[names.get(place, "supported_by_region_at_month_end")]
    if accommodation is None:
        values = values.sum("accommodation", keep_attrs=True)
    else:
        values = values.sel(accommodation=accommodation, drop=True)
    return values if place in names else _to_place(values, study, place)


def _kept(study: xr.Dataset, name: str) -> xr.DataArray:
    """A variable read from the store once and kept in memory: a report asks for money dozens of times."""
    study.variables[name].load()
    return study[name]


def _council_money(study: xr.Dataset, stem: str, place: str, real: bool) -> xr.DataArray:
    """A flow of councils' money by financial year, GBP cash or 2025-26 prices at each sample's own price level."""
    if place == "council":
        values = _kept(study, f"{stem}_in_financial_year").sel(financial_year=complete_years(study))
        if not real:
            return values.astype(float)
        return values / (yearly(study["price_level"]) / 12)
    values = _kept(study, f"{stem}_in_month" if place == "national" else f"{stem}_by_region_in_month").astype(float)
    if place != "national":
        values = _to_place(values, study, place)
    return yearly(values / study["price_level"] if real else values)


def council_gross_cost(study: xr.Dataset, place: str = "national", real: bool = False) -> xr.DataArray:
    """Councils' gross cost of dispersal by service line and financial year, GBP."""
    return _council_money(study, "council_gross_cost", place, real)


def grant(study: xr.Dataset, place: str = "national", real: bool = False) -> xr.DataArray:
    """Grant paid to councils by financial year, GBP."""
    return _council_money(study, "grant", place, real)


def council_net_cost(study: xr.Dataset, place: str = "national", real: bool = False) -> xr.DataArray:
    """Councils' gross cost of dispersal less the grant they receive, GBP by financial year (the council ledger)."""
    gross = council_gross_cost(study, place, real).sum("service")
    with xr.set_options(arithmetic_join="exact"):
        net = gross - grant(study, place, real)
    # Results are stored in single precision: a difference below its resolution is no difference.
    return net.where(abs(net) > STORED_PRECISION * gross, 0.0)


def ledgers(study: xr.Dataset, real: bool = False) -> dict[str, xr.DataArray]:
    """The three ledgers apart, GBP by financial year; nothing in this project adds them.

    The Home Office ledger has accommodation, support and the grants it pays; the council ledger has those grants as
    income. Added together they would count them twice over.
    """
    price = study["price_level"] if real else 1.0
    return {
        "Home Office": yearly(study["home_office_cost_in_month"].sum("home_office_item") / price),
        "Councils": council_net_cost(study, real=real),
        "Other public bodies": yearly(study["other_public_cost_in_month"].astype(float).sum("other_body") / price),
    }


def home_office_items(study: xr.Dataset) -> xr.DataArray:
    """The Home Office ledger by item, GBP cash by financial year."""
    return yearly(study["home_office_cost_in_month"].astype(float))


def other_public_items(study: xr.Dataset) -> xr.DataArray:
    """The ledger of other public bodies by body, GBP cash by financial year."""
    return yearly(study["other_public_cost_in_month"].astype(float))


def present_value(real: xr.DataArray, rate: float) -> xr.DataArray:
    """Present value of a real profile by financial year, its first year undiscounted, inside each sample.

    Args:
        real: GBP in constant prices, dimension financial_year in order.
        rate: real discount rate a year.

    Source: Green Book, year 0 is the first year of the appraisal.
    """
    factors = (1 + rate) ** -np.arange(real.sizes["financial_year"], dtype=float)
    return (real * xr.DataArray(factors, dims="financial_year")).sum("financial_year")


def over_years(flow: xr.DataArray, years: Sequence[str]) -> xr.DataArray:
    """Sum over financial years inside each sample."""
    return flow.sel(financial_year=list(years)).sum("financial_year", keep_attrs=True)


def minus_baseline(values: xr.DataArray, baseline: str) -> xr.DataArray:
    """Every arm but the baseline minus the baseline, in the same draw and replication."""
    others = [a for a in values["arm"].values if a != baseline]
    with xr.set_options(arithmetic_join="exact"):
        return values.sel(arm=others) - values.sel(arm=baseline, drop=True)


def summarise(samples: xr.DataArray) -> pd.DataFrame:
    """Central figure and intervals over all draws and replications.

    Args:
        samples: dims draw and replication, and any others.

    Returns:
        One row for each combination of the other dims, in their order, with columns of those dims and `central`
        (median), `low80`, `high80`, `low95`, `high95`.
    """
    keep = [str(d) for d in samples.dims if d not in SAMPLE]
    values = samples.transpose(*keep, *SAMPLE).values.astype(float)
    flat = values.reshape(*values.shape[: len(keep)], -1)
    found = np.quantile(flat, list(QUANTILES.values()), axis=-1)
    index = pd.MultiIndex.from_product([samples[d].values for d in keep], names=keep) if keep else pd.RangeIndex(1)
    table = pd.DataFrame({name: found[i].ravel() for i, name in enumerate(QUANTILES)}, index=index)
    table = table[["central", "low80", "high80", "low95", "high95"]]
    return table.reset_index() if keep else table.reset_index(drop=True)


def sample_shares(samples: xr.DataArray) -> pd.DataFrame:
    """Share of samples in which a condition holds, one row for each combination of the other dims."""
    keep = [str(d) for d in samples.dims if d not in SAMPLE]
    table = samples.astype(float).mean(SAMPLE).rename("share").to_dataframe().reset_index()
    return table[[*keep, "share"]]


def variance_split(samples: xr.DataArray) -> dict[str, float]:
    """What makes one outcome's range: assumptions (between draws) against chance and intake (within a draw).

    Replication k has one seed in every draw and an intake path of its own in each, so the design is crossed: a
    two-way analysis of variance separates the draws' own variance from what a replication shares across draws and
    from the rest, and both of these are chance and intake. Estimates below zero are set to zero.

    Args:
        samples: dims draw and replication.

    Returns:
        `assumptions` and `chance_and_intake` as shares of variance: NaN with fewer than two draws or replications,
        or without any variance.
    """
    values = samples.transpose(*SAMPLE).values.astype(float)
    draws, replications = values.shape
    if draws < 2 or replications < 2:
        return {"assumptions": np.nan, "chance_and_intake": np.nan}
    by_draw, by_replication = values.mean(1, keepdims=True), values.mean(0, keepdims=True)
    rest = values - by_draw - by_replication + values.mean()
    mean_draw = replications * by_draw.var(ddof=1)
    mean_replication = draws * by_replication.var(ddof=1)
    mean_rest = (rest**2).sum() / ((draws - 1) * (replications - 1))
    of_draw = max(0.0, (mean_draw - mean_rest) / replications)
    total = of_draw + max(0.0, (mean_replication - mean_rest) / draws) + mean_rest
    share = of_draw / total if total > 0 else np.nan
    return {"assumptions": share, "chance_and_intake": 1 - share}


def simulation_error(samples: xr.DataArray, repeats: int = 500) -> float:
    """Monte Carlo standard error of the central figure: a bootstrap over whole draws, which are independent.

    With one draw its replications are resampled instead. The same samples give the same answer.

    Args:
        samples: dims draw and replication.
        repeats: bootstrap repeats.
    """
    values = samples.transpose(*SAMPLE).values.astype(float)
    if len(values) == 1:
        values = values.T
    chosen = np.random.default_rng(0).integers(len(values), size=(repeats, len(values)))
    return float(np.median(values[chosen].reshape(repeats, -1), axis=1).std(ddof=1))


def first_month_at_most(stock: xr.DataArray, threshold: float) -> dict[str, Reached]:
    """When a national stock first falls to a threshold, by arm.

    Args:
        stock: people (arm, draw, replication, month_end).
        threshold: people.
    """
    ends = stock["month_end"].values
    below = stock.transpose("arm", *SAMPLE, "month_end").values <= threshold
    never = len(ends)
    first = np.where(below.any(-1), below.argmax(-1), never)
    # The last place stands for "later than the horizon".
    dates = np.append(ends, np.array("NaT", ends.dtype))
    found = {}
    for arm, months in zip(stock["arm"].values, first, strict=True):
        central, early, late = (dates[int(np.quantile(months, q, method="inverted_cdf"))] for q in (0.5, 0.1, 0.9))
        found[str(arm)] = Reached(float((months < never).mean()), central, early, late)
    return found


def councils_over_capacity(pressure: xr.DataArray) -> xr.DataArray:
    """Number of councils whose demand exceeds capacity, by service line, inside each sample.

    Args:
        pressure: demand over capacity, with dims council and service.
    """
    return (pressure > 1).sum("council").assign_attrs(units="councils")


def per_resident(values: xr.DataArray, population: xr.DataArray, people: int = 10_000) -> xr.DataArray:
    """A quantity for each `people` residents; areas with nobody resident are missing."""
    return people * values / population.where(population > 0)


def size_band(people: pd.Series) -> pd.Series:
    """The size band of each council by people supported."""
    edges = [least for _, least in SIZE_BANDS] + [np.inf]
    return pd.cut(people, edges, right=False, labels=[label for label, _ in SIZE_BANDS]).astype(str)


def persistence_ratios(totals: pd.DataFrame, quarters: int) -> pd.DataFrame:
    """How far councils' stocks moved from their last value, by size band: the naive backtest.

    Args:
        totals: people (quarter_end x lad_code), published.
        quarters: how far ahead.

    Returns:
        One row for each size band: `low` and `high`, the 10th and 90th percentile of later over earlier (both plus
        one, so that empty councils count), and `pairs`, how many were compared.
    """
    earlier, later = totals.iloc[:-quarters], totals.iloc[quarters:]
    pairs = pd.DataFrame(
        {
            "band": size_band(pd.Series(earlier.to_numpy().ravel())),
            "ratio": ((later.to_numpy() + 1) / (earlier.to_numpy() + 1)).ravel(),
        }
    )
    grouped = pairs.groupby("band")["ratio"]
    table = pd.DataFrame({"low": grouped.quantile(0.1), "high": grouped.quantile(0.9), "pairs": grouped.size()})
    return table.reindex([label for label, _ in SIZE_BANDS]).reset_index()


def at_least_backtest(
    table: pd.DataFrame, band: pd.Series, ratios: pd.DataFrame, names: Mapping[str, str]
) -> pd.DataFrame:
    """Widen 80% intervals that are narrower than the naive backtest error of the council's size band.

    Args:
        table: one row a council with the columns named by `names`.
        band: size band of each row.
        ratios: from `persistence_ratios`.
        names: which columns are `central`, `low80` and `high80`.

    Returns:
        A copy; only intervals change, never central figures.
    """
    bars = ratios.set_index("band").reindex(band.to_numpy())
    wide = table.copy()
    central = table[names["central"]].to_numpy() + 1
    wide[names["low80"]] = np.minimum(table[names["low80"]], np.maximum(0, central * bars["low"].to_numpy() - 1))
    wide[names["high80"]] = np.maximum(table[names["high80"]], central * bars["high"].to_numpy() - 1)
    return wide


def ordered(table: pd.DataFrame, column: Hashable, order: Sequence[str]) -> pd.DataFrame:
    """Rows in a given order of one column; a value outside the order is an error, not a silent loss."""
    rank = {name: i for i, name in enumerate(order)}
    return table.sort_values(by=cast(str, column), key=lambda s: s.map(rank.__getitem__), kind="stable").reset_index(
        drop=True
    )
