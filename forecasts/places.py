"""Where supported people will be: the national paths split by accommodation, then by council, every path adding up.

The order of the split is the identity that the published figures obey: people in hotels are supported people less
those in all other accommodation. Dispersal accommodation grows at a rate set by scenario, the small lines stay near
their last values, and hotels are what remains. No trend is fitted to hotels.

Below the nation the last published value is as good as any model, so each council starts from it. Noise falls with
size, councils with hardly anyone can open, and hotels close council by council as well as change size. The results
are shares: national paths are shared out in whole people, so councils, regions, nations and accommodation types add
up exactly in every path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import pandas as pd

from forecasts import history as door
from forecasts import quantiles
from forecasts.paths import claims_after
from forecasts.stocks import METHOD, StockSettings, national, official
from params import Assumptions, InputError, load, reference
from params.errors import unknown

if TYPE_CHECKING:
    import xarray as xr

ACCOMMODATION = ("dispersal", "contingency_hotel", "contingency_other", "initial", "other", "subsistence")
SMALL_LINES = ("contingency_other", "initial", "other", "subsistence")
HOTELS = ("remainder", "slow", "fast", "close")
LEVELS = ("uk", "nation", "region", "council")
# People whom the publication gives to no council, kept as a place of their own so that totals stay exact.
UNALLOCATED = "unallocated"
OPEN = 10
# Dispersal counted people in hotels until the codes changed: no growth may start from an earlier quarter.
FIRST_BASE = "2023Q2"
_LATE = "Claims are published to {} only, and forecast from there."
CAUTION = (
    "Supported people: beats persistence one and two quarters ahead; since 2022Q3 it does not at four quarters and "
    "beyond, so the interval is never narrower than that of persistence. Councils: last value with shares; below 200 "
    "people use the range, not the middle."
)


@dataclass(frozen=True)
class PlaceSettings:
    """The register's numbers for the split by accommodation and council (`forecast_stocks.toml`).

    Attributes:
        growth: net growth of dispersal accommodation a quarter by hotel scenario, people.
        growth_spread: its standard deviation between paths, people.
        growth_noise: its standard deviation between quarters of a path, people.
        reversal: share of a quarter's noise that the next takes back.
        close_year: at whose end the scenario `close` has no hotels left.
        small_noise: quarterly log volatility of the small lines.
        spread: quarterly log volatility of a council with one person in dispersal.
        elasticity: how that volatility falls with size.
        common: share of a council's variance that it has in common with its region.
        entry_hazard: chance a quarter that a council under ten people opens.
        entry_size: people at entry.
        entry_ramp: growth a quarter after entry as a share of the size at entry.
        close_calm: chance a quarter that a council's hotels close.
        close_drive: the same when national hotel use falls fast.
        drive_fall: log fall of national hotel use over two quarters that makes the difference.
        open_rate: chance a quarter that a council without a hotel gets one.
        open_size: people at opening.
        hotel_noise: quarterly log volatility of a council whose hotels stay open.
    """

    growth: Mapping[str, float]
    growth_spread: float
    growth_noise: float
    reversal: float
    close_year: int
    small_noise: float
    spread: float
    elasticity: float
    common: float
    entry_hazard: float
    entry_size: float
    entry_ramp: float
    close_calm: float
    close_drive: float
    drive_fall: float
    open_rate: float
    open_size: float
    hotel_noise: float

    @classmethod
    def read(cls, on: date, assumptions: Assumptions | None = None) -> PlaceSettings:
        """Take the settings that hold on a date from the register, with the overrides of `assumptions`."""
        now = (assumptions or load()).at(on)
        growth = float(now.forecast_stocks.dispersal.growth)
        return cls(
            growth=MappingProxyType(
                {
                    "remainder": growth,
                    "slow": float(now.forecast_stocks.dispersal.growth_slow),
                    "fast": float(now.forecast_stocks.dispersal.growth_fast),
                    "close": growth,
                }
            ),
            growth_spread=float(now.forecast_stocks.dispersal.growth_spread),
            growth_noise=float(now.forecast_stocks.dispersal.noise),
            reversal=float(now.forecast_stocks.dispersal.reversal),
            close_year=round(now.forecast_stocks.hotels.close_year),
            small_noise=float(now.forecast_stocks.small_lines.noise),
            spread=float(now.forecast_stocks.council.spread),
            elasticity=float(now.forecast_stocks.council.spread_elasticity),
            common=float(now.forecast_stocks.council.common_share),
            entry_hazard=float(now.forecast_stocks.council.entry_hazard),
            entry_size=float(now.forecast_stocks.council.entry_size),
            entry_ramp=float(now.forecast_stocks.council.entry_ramp),
            close_calm=float(now.forecast_stocks.council.hotel_close_calm),
            close_drive=float(now.forecast_stocks.council.hotel_close_drive),
            drive_fall=float(now.forecast_stocks.council.drive_fall),
            open_rate=float(now.forecast_stocks.council.hotel_open_rate),
            open_size=float(now.forecast_stocks.council.hotel_open_size),
            hotel_noise=float(now.forecast_stocks.council.hotel_noise),
        )


@dataclass(frozen=True)
class Base:
    """The published position at an origin.

    Attributes:
        people: people by council (index lad_code, `unallocated` last if anyone is) and accommodation (columns).
        region: region by council.
        nation: nation by council.
        population: residents by council.
    """

    people: pd.DataFrame
    region: pd.Series
    nation: pd.Series
    population: pd.Series


def split_quarters() -> list[pd.Period]:
    """Quarters from 2023Q2 whose accommodation split is published by council: the only origins by place."""
    rows = reference("support_by_council")
    known = rows[rows["split_status"] != "total_only"]
    quarters = set(pd.PeriodIndex(pd.to_datetime(known["quarter_end"]), freq="Q"))
    return sorted(quarter for quarter in quarters if quarter >= pd.Period(FIRST_BASE, "Q"))


def published_base(origin: pd.Period) -> Base:
    """Read the published position by council and accommodation at one quarter end.

    Raises:
        InputError: when that quarter has no split by accommodation.
    """
    quarters = split_quarters()
    if origin not in quarters:
        near = min(quarters, key=lambda quarter: abs(quarter.ordinal - origin.ordinal))
        raise InputError(f"origin: {origin} has no split by council and accommodation to start from. Nearest: {near}.")
    return position(origin)


def position(origin: pd.Period) -> Base:
    """Read the published position at a quarter end that has one, whatever its footing (see `FIRST_BASE`)."""
    end = origin.end_time.normalize()
    rows = reference("support_by_council")
    # A line that is not allocated to councils (subsistence, 2023Q4 to 2024Q4) is empty in every council's row.
    people = rows[rows["quarter_end"] == end].set_index("lad_code")[list(ACCOMMODATION)].fillna(0).astype(int)
    councils = reference("councils").set_index("lad_code").loc[people.index]
    national_rows = reference("support_national")
    whole = national_rows[national_rows["quarter_end"] == end]
    left = {name: int(whole[name].iloc[0]) - int(people[name].sum()) for name in ACCOMMODATION}
    region, nation, population = councils["region"], councils["nation"], councils["population"].astype(float)
    if any(value > 0 for value in left.values()):
        people.loc[UNALLOCATED] = [max(left[name], 0) for name in ACCOMMODATION]
        region.loc[UNALLOCATED] = nation.loc[UNALLOCATED] = "Unallocated"
        population.loc[UNALLOCATED] = 0.0
    return Base(people, region, nation, population)


def stock_paths(
    origin: str | None = None,
    horizon: int = 8,
    paths: int = 1000,
    seed: int = 1,
    hotels: str = "remainder",
    assumptions: Assumptions | None = None,
) -> xr.Dataset:
    """Forecast people receiving asylum support by council and accommodation type, as joint sample paths.

    Args:
        origin: last quarter the forecast may see; the latest with a published split when None.
        horizon: quarters ahead, 1 to 40.
        paths: number of sample paths, 1 to 10,000.
        seed: the same seed gives the same numbers.
        hotels: policy scenario: `remainder` (dispersal grows at the pace of 2022 to 2025), `slow` (2014 to 2021),
            `fast` (twice the recent pace) or `close` (no hotels after the year in the register).
        assumptions: the register with a scenario or overrides; central when None.

    Returns:
        Dataset with `people(path, quarter, council, accommodation)` in whole people, which add up to
        `supported(path, quarter)` in every path; `awaiting` and `appeals` of the stock-flow member;
        `member_quantiles(model, quarter, quantile)` for the pool and each member.

    Raises:
        InputError: names the option and the nearest valid value.

    Example:
        >>> import forecasts
        >>> stocks = forecasts.stock_paths(horizon=1, paths=10)
        >>> bool((stocks["people"].sum(["council", "accommodation"]) == stocks["supported"]).all())
        True
    """
    import xarray as xr

    horizon = door.whole("horizon", horizon, 1, door.MOST_QUARTERS)
    paths = door.whole("paths", paths, 1, 10_000)
    seed = door.whole("seed", seed, 0, door.MOST_SEED)
    if hotels not in HOTELS:
        raise unknown("hotels", "a hotel scenario", str(hotels), HOTELS)
    last = split_quarters()[-1] if origin is None else door.quarter(origin)
    base = published_base(last)
    whole, vintage = official()
    known = whole.up_to(last)
    settings = StockSettings.read(last.end_time.date(), assumptions)
    claims, coming = claims_after(last, horizon, paths, seed, assumptions)
    drawn = national(known, coming, claims, settings, seed)
    supported = np.rint(drawn.pool).astype(np.int32)
    places = PlaceSettings.read(last.end_time.date(), assumptions)
    rng = np.random.default_rng([seed, last.year, last.quarter, crc32(hotels.encode())])
    split = split_accommodation(supported, base, last, hotels, places, rng)
    people = share_among_councils(split, base, places, rng)
    quarters = pd.period_range(last + 1, periods=horizon, freq="Q")
    models = {"pool": drawn.pool, **drawn.members}
    count = {"units": "people"}
    return xr.Dataset(
        {
            "people": (
                ("path", "quarter", "council", "accommodation"),
                people,
                {"long_name": "people receiving asylum support at quarter end", **count},
            ),
            "supported": (("path", "quarter"), supported, {"long_name": "people receiving asylum support", **count}),
            "awaiting": (("path", "quarter"), drawn.awaiting, {"long_name": "people awaiting a decision", **count}),
            "appeals": (("path", "quarter"), drawn.appeals, {"long_name": "open appeals", "units": "cases"}),
            "member_quantiles": (
                ("model", "quarter", "quantile"),
                np.stack([quantiles.of_samples(samples) for samples in models.values()]),
                {"long_name": "quantiles of people receiving asylum support", **count},
            ),
            "widened": (("quarter",), drawn.widened, {"long_name": "stretch to persistence's width", "units": "1"}),
        },
        coords={
            "quarter": [str(quarter) for quarter in quarters],
            "council": list(base.people.index),
            "region": ("council", base.region.to_numpy(str)),
            "nation": ("council", base.nation.to_numpy(str)),
            "accommodation": list(ACCOMMODATION),
            "quantile": quantiles.LEVELS,
            "model": list(models),
        },
        attrs={
            "title": "People receiving asylum support: modelled estimate, not official statistics",
            "series": "supported",
            "origin": str(last),
            "vintage": vintage,
            "data_sha256": known.sha256(),
            "method": METHOD,
            "hotels": hotels,
            "seed": seed,
            "caution": CAUTION if claims.index[-1] == last else f"{CAUTION} {_LATE.format(claims.index[-1])}",
        },
    )


def split_accommodation(
    supported: np.ndarray, base: Base, origin: pd.Period, hotels: str, settings: PlaceSettings, rng: np.random.Generator
) -> np.ndarray:
    """Split national paths by accommodation: hotels are supported people less all other accommodation.

    Args:
        supported: whole people (paths, horizon).
        base: published position at the origin.
        origin: last quarter seen.
        hotels: scenario, one of `HOTELS`.
        settings: the register's numbers.
        rng: random numbers.

    Returns:
        Whole people (paths, horizon, 6) in the order of `ACCOMMODATION`; they add up to `supported` exactly and
        none is negative.
    """
    paths, horizon = supported.shape
    start = base.people.sum()
    out = np.zeros((paths, horizon, len(ACCOMMODATION)), dtype=np.int64)
    left = supported.astype(np.int64)
    for name in SMALL_LINES:
        walk = np.cumsum(settings.small_noise * rng.standard_normal((paths, horizon)), axis=1)
        line = np.minimum(np.rint(start[name] * np.exp(walk)).astype(np.int64), left)
        out[:, :, ACCOMMODATION.index(name)] = line
        left = left - line
    noise = settings.growth_noise * rng.standard_normal((paths, horizon))
    noise[:, 1:] -= settings.reversal * noise[:, :-1].copy()
    growth = settings.growth[hotels] + settings.growth_spread * rng.standard_normal((paths, 1)) + noise
    dispersal = np.rint(start["dispersal"] + np.cumsum(growth, axis=1)).astype(np.int64)
    # Dispersal cannot hold more people than are supported: it then empties and hotels are at none.
    in_hotels = left - np.clip(dispersal, 0, left)
    if hotels == "close":
        quarters = 4 * (settings.close_year - origin.year) + 4 - origin.quarter
        if quarters < 1:
            raise InputError(
                f"forecast_stocks.hotels.close_year: {settings.close_year} ends by the origin {origin}. "
                f"Nearest: {origin.year + 1}."
            )
        still_open = np.maximum(0.0, 1 - np.arange(1, horizon + 1) / quarters)
        in_hotels = np.minimum(in_hotels, np.floor(start["contingency_hotel"] * still_open).astype(np.int64))
    out[:, :, ACCOMMODATION.index("contingency_hotel")] = in_hotels
    out[:, :, ACCOMMODATION.index("dispersal")] = left - in_hotels
    return out


def share_among_councils(
    split: np.ndarray, base: Base, settings: PlaceSettings, rng: np.random.Generator
) -> np.ndarray:
    """Share national paths among councils in whole people.

    Args:
        split: whole people (paths, horizon, accommodation).
        base: published position at the origin.
        settings: the register's numbers.
        rng: random numbers.

    Returns:
        Whole people (paths, horizon, council, accommodation), adding up to `split` exactly.
    """
    paths, horizon, _ = split.shape
    out = np.empty((paths, horizon, len(base.people), len(ACCOMMODATION)), dtype=np.int32)
    for k, name in enumerate(ACCOMMODATION):
        last = base.people[name].to_numpy(float)
        if name == "dispersal":
            weights = _dispersal_weights(last, base, paths, horizon, settings, rng)
        elif name == "contingency_hotel":
            weights = _hotel_weights(last, base, split[:, :, k], settings, rng)
        else:
            weights = np.broadcast_to(last, (paths, horizon, len(last)))
        spare = last if last.sum() > 0 else base.population.to_numpy()
        for h in range(horizon):
            out[:, h, :, k] = share_out(split[:, h, k], weights[:, h], spare)
    return out


def share_out(totals: np.ndarray, weights: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """Share whole people in proportion to weights, by largest remainder.

    Args:
        totals: whole people (rows,).
        weights: at least 0 (rows, places).
        spare: weights (places,) for a row whose own are all 0.

    Returns:
        Whole people (rows, places); each row adds up to its total.
    """
    weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, spare)
    exact = totals[:, None] * weights / weights.sum(axis=1, keepdims=True)
    whole = np.floor(exact).astype(np.int64)
    missing = totals - whole.sum(axis=1)
    order = np.argsort(whole - exact, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return (whole + (rank < missing[:, None])).astype(np.int32)


def _dispersal_weights(
    last: np.ndarray, base: Base, paths: int, horizon: int, settings: PlaceSettings, rng: np.random.Generator
) -> np.ndarray:
    """Each council from its last value, noisier when small; councils with hardly anyone may open and grow."""
    closed = (last < OPEN) & (base.population.to_numpy() > 0)
    spread = settings.spread * np.maximum(last, OPEN) ** -settings.elasticity
    regions, region = np.unique(base.region.to_numpy(str), return_inverse=True)
    population = base.population.to_numpy()
    # A council of twice the usual size is about twice as likely to open; the mean chance stays the register's.
    hazard = np.zeros(len(last))
    if closed.any():
        hazard[closed] = np.minimum(1.0, settings.entry_hazard * population[closed] / population[closed].mean())
    logs = np.zeros((paths, len(last)))
    since = np.full((paths, len(last)), -1)
    out = np.empty((paths, horizon, len(last)))
    for h in range(horizon):
        own = rng.standard_normal(logs.shape)
        common = rng.standard_normal((paths, len(regions)))[:, region]
        mixed = np.sqrt(settings.common) * common + np.sqrt(1 - settings.common) * own
        # The half variance keeps each council's mean where it was, whatever its noise.
        logs += spread * mixed - spread**2 / 2
        entering = (since < 0) & (rng.random(logs.shape) < hazard)
        since = np.where(entering | (since >= 0), since + 1, since)
        opened = np.where(since >= 0, settings.entry_size * (1 + settings.entry_ramp * since), 0.0)
        out[:, h] = (np.where(closed, np.maximum(last, opened), last)) * np.exp(logs)
    return out


def _hotel_weights(
    last: np.ndarray, base: Base, nationally: np.ndarray, settings: PlaceSettings, rng: np.random.Generator
) -> np.ndarray:
    """A mixture: a council's hotels close for good reasons of their own, or stay open and change size."""
    paths, horizon = nationally.shape
    # Over two quarters: hotel use fell by a sixth in single quarters of 2025 without a drive to close.
    before = np.column_stack([np.full((paths, min(2, horizon)), last.sum()), nationally[:, : max(horizon - 2, 0)]])
    falling = np.log1p(before) - np.log1p(nationally) > settings.drive_fall
    chance = np.where(falling, settings.close_drive, settings.close_calm)
    may_open = base.population.to_numpy() > 0
    size = np.tile(last, (paths, 1))
    out = np.empty((paths, horizon, len(last)))
    for h in range(horizon):
        step = settings.hotel_noise * rng.standard_t(3, size.shape) / np.sqrt(3)
        closing = rng.random(size.shape) < chance[:, [h]]
        opening = (size == 0) & may_open & (rng.random(size.shape) < settings.open_rate)
        size = np.where(closing, 0.0, size * np.exp(np.clip(step, -2.0, 2.0)))
        size = np.where(opening, settings.open_size, size)
        out[:, h] = size
    return out


def stock_table(dataset: xr.Dataset, levels: tuple[str, ...] = LEVELS) -> pd.DataFrame:
    """Lay the forecast's quantiles out as rows, each sum made along the paths before any quantile.

    Args:
        dataset: as from `stock_paths`.
        levels: which of `uk`, `nation`, `region` and `council` to give.

    Returns:
        Columns origin, target_quarter, series, level, code, accommodation (`all` or a type), quantile, value.
        Quantiles do not add up; paths do.

    Raises:
        InputError: when a level is not one of these.

    Example:
        >>> import forecasts
        >>> table = forecasts.stock_table(forecasts.stock_paths(horizon=1, paths=10), levels=("uk",))
        >>> sorted(map(str, table["code"].unique()))
        ['UK']
    """
    people = dataset["people"].values
    names = {
        "uk": np.full(people.shape[2], "UK"),
        "nation": dataset["nation"].values.astype(str),
        "region": dataset["region"].values.astype(str),
        "council": dataset["council"].values.astype(str),
    }
    quarters = dataset["quarter"].values.astype(str)
    kinds = [*ACCOMMODATION, "all"]
    parts = []
    for level in levels:
        if level not in names:
            raise unknown("levels", "a level", level, LEVELS)
        codes = list(dict.fromkeys(names[level]))
        for code in codes:
            here = people[:, :, names[level] == code].sum(axis=2, dtype=np.int64)
            both = np.concatenate([here, here.sum(axis=2, keepdims=True)], axis=2)
            values = np.quantile(both, quantiles.LEVELS, axis=0)
            values = np.maximum.accumulate(values, axis=0).transpose(2, 1, 0)
            parts.append(
                pd.DataFrame(
                    {
                        "target_quarter": np.tile(np.repeat(quarters, len(quantiles.LEVELS)), len(kinds)),
                        "level": level,
                        "code": code,
                        "accommodation": np.repeat(kinds, values[0].size),
                        "quantile": np.tile(quantiles.LEVELS, values[..., 0].size),
                        "value": values.ravel(),
                    }
                )
            )
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "origin", dataset.attrs["origin"])
    table.insert(2, "series", dataset.attrs["series"])
    return table
