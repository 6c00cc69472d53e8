"""Rolling origins of the stock forecast against persistence, with the bars published before it was built."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasts import history as door
from forecasts import quantiles, scores
from forecasts.paths import intake_paths
from forecasts.places import ACCOMMODATION, UNALLOCATED, split_quarters, stock_paths
from forecasts.stocks import FIRST_ORIGIN, MEMBERS, StockSettings, national, official
from params import Assumptions, InputError, load, reference

HORIZONS = (1, 2, 4, 8)
# The reform period: capacity moved by policy, and the stock-flow study's blind test starts here.
REFORM = "2022Q3"
SIZES = {"1,000 or more": 1000, "500 to 999": 500, "200 to 499": 200, "50 to 199": 50, "1 to 49": 1}


def rolling_stocks(
    first: str = FIRST_ORIGIN,
    last: str | None = None,
    horizon: int = 8,
    paths: int = 1000,
    seed: int = 1,
    assumptions: Assumptions | None = None,
) -> pd.DataFrame:
    """Forecast UK supported people from every origin with the figures up to it (latest vintage).

    Args:
        first: first origin, 2017Q4 or later.
        last: last origin; the last quarter but one when None.
        horizon: quarters ahead, 1 to 40.
        paths: sample paths from each origin.
        seed: of the sample paths.
        assumptions: the register with overrides; central when None.

    Returns:
        Columns model (`pool` or a member), origin, target_quarter, series, quantile, value.

    Raises:
        InputError: names the option and the nearest valid value.
    """
    whole, _ = official()
    claims, _ = door.official()
    latest = whole.supported.index[-2]
    start, end = door.quarter(first, "first"), latest if last is None else door.quarter(last, "last")
    for place, given in (("first", start), ("last", end)):
        if not pd.Period(FIRST_ORIGIN, "Q") <= given <= latest:
            near = FIRST_ORIGIN if given < pd.Period(FIRST_ORIGIN, "Q") else latest
            raise InputError(f"{place}: {given} is not between {FIRST_ORIGIN} and {latest}. Nearest: {near}.")
    if end < start:
        raise InputError(f"last: {end} is before the first origin. Nearest: {start}.")
    parts = []
    for origin in pd.period_range(start, end, freq="Q"):
        settings = StockSettings.read(origin.end_time.date(), assumptions)
        ahead = intake_paths(origin=str(origin), quarters=horizon, paths=paths, seed=seed, assumptions=assumptions)
        drawn = national(
            whole.up_to(origin), ahead["people_by_quarter"].values, claims.loc[:origin], settings, seed
        )
        for model, samples in {"pool": drawn.pool, **drawn.members}.items():
            table = quantiles.table(quantiles.of_samples(samples), origin, "supported")
            parts.append(table.assign(model=model))
    return pd.concat(parts, ignore_index=True)[["model", *quantiles.COLUMNS]]


def stock_scorecard(forecasts: pd.DataFrame, outturn: pd.Series | None = None) -> pd.DataFrame:
    """Score stock forecasts by model, period and horizon.

    Args:
        forecasts: as from `rolling_stocks`.
        outturn: supported people by quarter; the official series when None.

    Returns:
        Index model, period (`all`, `before 2022Q3`, `from 2022Q3`), horizon; columns forecasts, mae and wis in
        people, skill (1 minus the ratio of weighted interval scores to persistence), coverage_50, 80 and 95.
    """
    known = official()[0].supported if outturn is None else door.checked(outturn)
    wide = forecasts.pivot(index=["model", "origin", "target_quarter"], columns="quantile", values="value")
    levels = wide.columns.to_numpy(float)
    frame = wide.index.to_frame(index=False)
    origins = pd.PeriodIndex(frame["origin"], freq="Q")
    targets = pd.PeriodIndex(frame["target_quarter"], freq="Q")
    frame["horizon"] = targets.asi8 - origins.asi8
    inside = targets.isin(known.index)
    values, frame, origins = wide.to_numpy()[inside], frame[inside].reset_index(drop=True), origins[inside]
    observed = known.reindex(targets[inside]).to_numpy()
    frame["mae"] = np.abs(values[:, int(np.argmin(np.abs(levels - 0.5)))] - observed)
    frame["wis"] = scores.weighted_interval_score(values, observed, levels)
    for nominal in (50, 80, 95):
        frame[f"coverage_{nominal}"] = scores.inside(values, observed, nominal / 100, levels)
    reform = origins >= pd.Period(REFORM, "Q")
    periods = {"all": np.ones(len(frame), bool), f"before {REFORM}": ~reform, f"from {REFORM}": reform}
    measures = ["mae", "wis", "coverage_50", "coverage_80", "coverage_95"]
    rows = []
    for period, chosen in periods.items():
        part = frame[chosen]
        for (model, horizon), cell in part.groupby(["model", "horizon"], sort=False):
            rows.append(
                {"model": model, "period": period, "horizon": horizon, "forecasts": len(cell)}
                | {name: float(cell[name].mean()) for name in measures}
            )
    card = pd.DataFrame(rows).set_index(["model", "period", "horizon"])
    keys = [tuple(key) for key in card.index.tolist()]
    wis = dict(zip(keys, card["wis"].tolist(), strict=True))
    card["skill"] = [1 - wis[key] / wis[("persistence", *key[1:])] for key in keys]
    order = ["pool", *MEMBERS]
    return card.reindex([m for m in order if m in card.index.get_level_values(0)], level="model")


def persistence_bar(supported: pd.Series, first: str = REFORM) -> pd.DataFrame:
    """Mean absolute error of the last value by horizon, from origins at or after `first`.

    This is the naive bar of the project's stock-flow study (table 2.2: 5,654, 8,041, 7,977 and 7,271 people at 1, 2,
    4 and 8 quarters); it is worked out again here rather than quoted.

    Returns:
        Columns horizon, forecasts, mae (people).
    """
    rows = []
    for h in HORIZONS:
        change = (supported.shift(-h) - supported).loc[first:].dropna()
        rows.append({"horizon": h, "forecasts": len(change), "mae": float(change.abs().mean())})
    return pd.DataFrame(rows)


def naive_year_error(first: str, last: str, claims: pd.Series | None = None) -> float:
    """Mean absolute relative error of "each of the next four quarters is like the last one", over a span of origins.

    Args:
        first: first origin.
        last: last origin; origins without four quarters of outturn are left out.
        claims: people by quarter; the official intake when None.

    Returns:
        Error as a share of what happened.
    """
    known = door.official()[0] if claims is None else door.checked(claims)
    happened = known.rolling(4).sum().shift(-4)
    error = ((4 * known - happened) / happened).loc[first:last].dropna()
    return float(error.abs().mean())


def council_totals() -> pd.DataFrame:
    """People supported by quarter (rows) and council (columns), 2022Q4 on, as published."""
    rows = reference("support_by_council")
    index = pd.PeriodIndex(pd.to_datetime(rows["quarter_end"]), freq="Q", name="quarter")
    return rows.assign(quarter=index).pivot(index="quarter", columns="lad_code", values="total")


def council_bar(ahead: int = 4) -> pd.DataFrame:
    """Absolute relative error of a council's last value, by its size at the time, over every pair of quarters.

    The naive bar of the project's domain notes (table 4.2) worked out again. It includes origins in 2022Q4 because it
    is an error of persistence, not a growth rate.

    Returns:
        Columns size, pairs, median and ninetieth (percentile), as shares of the last value.
    """
    totals = council_totals()
    base = totals.iloc[:-ahead].to_numpy(float).ravel()
    later = totals.iloc[ahead:].to_numpy(float).ravel()
    found = base > 0
    error = np.abs(later[found] - base[found]) / base[found]
    size = _size(base[found])
    rows = []
    for name in SIZES:
        mine = error[size == name]
        low, high = np.quantile(mine, [0.5, 0.9])
        rows.append({"size": name, "pairs": len(mine), "median": low, "ninetieth": high})
    return pd.DataFrame(rows)


def rolling_places(
    horizon: int = 5, paths: int = 500, seed: int = 1, assumptions: Assumptions | None = None
) -> pd.DataFrame:
    """Forecast councils and hotels from each origin from 2023Q2 that has a split and an outturn.

    Dispersal grows at the pace of 2014 to 2021 (hotel scenario `slow`), which was known before the first origin. The
    noise by council size was measured up to 2024Q3, so targets after it are out of sample and earlier ones are not.

    Returns:
        Columns origin, target, horizon, place (council code, or `hotels` for the national figure), last, observed,
        q10, q50, q90 and wis.
    """
    totals = council_totals()
    published = reference("support_national")
    quarters = pd.PeriodIndex(pd.to_datetime(published["quarter_end"]), freq="Q")
    split, latest = (
        dict(zip(quarters, published[name].to_numpy(float), strict=True))
        for name in ("contingency_hotel", "hotel_latest_vintage")
    )
    by_quarter = {quarter: totals.iloc[row] for row, quarter in enumerate(pd.PeriodIndex(totals.index))}
    origins = [quarter for quarter in split_quarters() if quarter < totals.index[-1]]
    parts = []
    for origin in origins:
        ds = stock_paths(str(origin), horizon, paths, seed, "slow", assumptions or load())
        known = [h for h in range(1, horizon + 1) if origin + h in by_quarter]
        people = ds["people"].values
        allocated = ds["council"].values != UNALLOCATED
        kind = ACCOMMODATION.index("contingency_hotel")
        codes = ds["council"].values[allocated].astype(str)
        for h in known:
            sums = people[:, h - 1].sum(axis=2)[:, allocated]
            now, later = by_quarter[origin][codes], by_quarter[origin + h][codes]
            parts.append(_scored(sums, now, later, origin, h, codes))
            # The outturn is a later vintage; the last value is put on it too, or the revision would count as error.
            samples = people[:, h - 1, :, kind].sum(axis=1)[:, None] + latest[origin] - split[origin]
            last, seen = pd.Series([latest[origin]]), pd.Series([latest[origin + h]])
            parts.append(_scored(samples, last, seen, origin, h, np.array(["hotels"])))
    return pd.concat(parts, ignore_index=True)


def place_scorecard(scored: pd.DataFrame, horizon: int = 4) -> pd.DataFrame:
    """Score councils by size, and national hotels, at one horizon against the last value.

    Args:
        scored: as from `rolling_places`.
        horizon: quarters ahead.

    Returns:
        Columns place, forecasts, mae and persistence_mae (people), wis, coverage_80, and the same median relative
        error as `council_bar` for the forecast's middle and for the last value.
    """
    here = scored[scored["horizon"] == horizon]
    hotels = here["place"] == "hotels"
    groups = {"hotels, UK": here[hotels]}
    councils = here[~hotels & (here["last"] > 0)]
    size = _size(councils["last"].to_numpy(float))
    groups |= {f"councils, {name}": councils[size == name] for name in SIZES}
    rows = []
    for name, part in groups.items():
        error, naive = (part["q50"] - part["observed"]).abs(), (part["last"] - part["observed"]).abs()
        rows.append(
            {
                "place": name,
                "forecasts": len(part),
                "mae": error.mean(),
                "persistence_mae": naive.mean(),
                "wis": part["wis"].mean(),
                "coverage_80": part["observed"].between(part["q10"], part["q90"]).mean(),
                "median_error": (error / part["last"]).median(),
                "persistence_median_error": (naive / part["last"]).median(),
            }
        )
    return pd.DataFrame(rows)


def _size(people: np.ndarray) -> np.ndarray:
    names, edges = list(SIZES), list(SIZES.values())
    found = np.full(len(people), names[-1], dtype=object)
    for name, edge in reversed(list(zip(names, edges, strict=True))):
        found[people >= edge] = name
    return found


def _scored(
    samples: np.ndarray, last: pd.Series, observed: pd.Series, origin: pd.Period, horizon: int, places: np.ndarray
) -> pd.DataFrame:
    values = quantiles.of_samples(samples)
    levels = quantiles.LEVELS
    at = {f"q{round(100 * p)}": values[:, int(np.argmin(np.abs(levels - p)))] for p in (0.1, 0.5, 0.9)}
    seen = observed.to_numpy(float)
    return pd.DataFrame(
        {"origin": str(origin), "target": str(origin + horizon), "horizon": horizon, "place": places}
        | {"last": last.to_numpy(float), "observed": seen}
        | at
        | {"wis": scores.weighted_interval_score(values, seen, levels)}
    )
