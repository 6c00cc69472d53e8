"""Sample paths of intake, by quarter and by month: the file that the simulation reads."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecasts import groups, quantiles
from forecasts import history as door
from forecasts.files import put
from forecasts.members import ForecastWarning, Settings
from forecasts.pool import BOTTOM_UP, QUANTILE_PATHS, draw
from params import Assumptions, InputError, reference
from params.errors import unknown

# NetCDF 3 holds whole numbers of 32 bits; a path this high is already far beyond anything that can happen.
MOST_PEOPLE = 2**31 - 1
# Quarters by which claims may end before the stock that a forecast starts from.
MOST_LATE = 2
_DAYS = {"units": "days since 2000-01-01", "calendar": "proleptic_gregorian", "dtype": "int32"}


def intake_paths(
    history: pd.Series | None = None,
    origin: str | None = None,
    quarters: int = 21,
    paths: int = 1000,
    seed: int = 1,
    assumptions: Assumptions | None = None,
    shock: str | None = None,
) -> xr.Dataset:
    """Forecast the number of people claiming asylum as joint sample paths by quarter and month.

    Args:
        history: people by quarter (PeriodIndex, no gaps, any order); the official UK series when None.
        origin: last quarter the forecast may see, like `2019Q4`; the last of the history when None.
        quarters: quarters ahead, 1 to 40.
        paths: number of sample paths, 1 to 100,000.
        seed: the same seed gives the same numbers; 0 to 2,147,483,647.
        assumptions: the register with a scenario or overrides; the central register when None.
        shock: `halving`, `doubling`, `tripling` or `none`; the register's `forecast.shock.applied` when None.

    Returns:
        Dataset with `people(path, month)` and `people_by_quarter(path, quarter)` in whole people, the months
        of a quarter summing to it exactly, and `people_quantiles(model, quarter, quantile)` for the pool and
        for every member, so that naive and seasonal naive can be shown beside it. The quantiles come from at
        least 4,000 paths, of which the dataset keeps the first: path order means nothing, so the first k
        paths are a fair sample for any k.

        The official series also has `people_by_group(path, month, group)` in whole people by decision group,
        which sums to `people` exactly. It serves decision outcomes and the mix of households only;
        unaccompanied children are in it and have their own share and rules in the simulation.

        `shock_multiplier(shock, quarter)` is what each named shock does to every path, applied or not.
        Attribute `warnings` says what was not done in the usual way (empty as a rule); each is also raised as
        a ForecastWarning.

    Raises:
        InputError: names the row of the history or the option, and the nearest valid value.

    Example:
        >>> import forecasts
        >>> paths = forecasts.intake_paths(quarters=1, paths=10)
        >>> paths["people"].sizes["path"], paths["people"].sizes["month"]
        (10, 3)
        >>> one = paths["people"].isel(path=0)  # what `sim.simulate` takes
    """
    quarters = door.whole("quarters", quarters, 1, door.MOST_QUARTERS)
    paths = door.whole("paths", paths, 1, door.MOST_PATHS)
    seed = door.whole("seed", seed, 0, door.MOST_SEED)
    whole, vintage = door.official() if history is None else (door.checked(history), "as supplied")
    known = door.up_to(whole, origin)
    last = known.index[-1]
    settings = Settings.read(last.end_time.date(), assumptions)
    applied = settings.shock if shock is None else shock
    multipliers = shock_multipliers(settings, quarters)
    if applied not in multipliers:
        raise unknown("shock", "a named shock", applied, multipliers)
    claims = groups.official() if history is None else None
    drawn = draw(known, quarters, max(paths, QUANTILE_PATHS), seed, settings, claims)
    for said in drawn.warnings:
        warnings.warn(said, ForecastWarning, stacklevel=2)
    models = {
        name: _people(samples * multipliers[applied]) for name, samples in {"pool": drawn.pool, **drawn.members}.items()
    }
    by_quarter = models["pool"][:paths]
    ahead = pd.period_range(last + 1, periods=quarters, freq="Q")
    shares, split = month_shares(ahead, last, settings)
    by_month = to_months(by_quarter, shares)
    months = pd.period_range(ahead[0].asfreq("M", "start"), periods=3 * quarters, freq="M")
    dataset = xr.Dataset(
        {
            "people": (
                ("path", "month"),
                by_month,
                {
                    "long_name": "people claiming asylum in the month",
                    "units": "people",
                    "cell_methods": "month: sum",
                },
            ),
            "people_by_quarter": (
                ("path", "quarter"),
                by_quarter,
                {
                    "long_name": "people claiming asylum in the quarter",
                    "units": "people",
                    "cell_methods": "quarter: sum",
                },
            ),
            "people_quantiles": (
                ("model", "quarter", "quantile"),
                np.stack([quantiles.of_samples(samples) for samples in models.values()]),
                {"long_name": "quantiles of people claiming asylum in the quarter", "units": "people"},
            ),
            "shock_multiplier": (
                ("shock", "quarter"),
                np.stack(list(multipliers.values())),
                {
                    "long_name": "what a named shock multiplies every path by: a what-if, not a forecast",
                    "units": "1",
                },
            ),
        },
        coords={
            "path": ("path", np.arange(paths, dtype="int32"), {"long_name": "sample path"}),
            "month": ("month", _first_days(months), {"long_name": "first day of the month"}),
            "quarter": ("quarter", _first_days(ahead), {"long_name": "first day of the quarter"}),
            "quarter_name": ("quarter", [str(q) for q in ahead], {"long_name": "quarter"}),
            "quantile": ("quantile", quantiles.LEVELS, {"long_name": "quantile level", "units": "1"}),
            "model": ("model", list(models), {"long_name": "the pool, then each member"}),
            "shock": ("shock", list(multipliers), {"long_name": "named shock"}),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": "Sample paths of people claiming asylum: modelled estimate, not official statistics",
            "series": str(known.name or "series"),
            "origin": str(last),
            "vintage": vintage,
            "data_sha256": door.sha256(known),
            "method": _method(settings, claims is not None),
            "shock_applied": applied,
            "month_split": split,
            "seed": seed,
            "warnings": "\n".join(drawn.warnings),
        },
    )
    if drawn.shares is None:
        return dataset
    return dataset.assign(
        people_by_group=(
            ("path", "month", "group"),
            to_groups(by_month, drawn.shares[:paths]),
            {
                "long_name": "people claiming asylum in the month by decision group",
                "units": "people",
                "cell_methods": "month: sum",
                "comment": "For decision outcomes and the mix of households only, never for allocation. "
                "Unaccompanied children are counted in and treated apart by the simulation.",
            },
        )
    ).assign_coords(group=("group", list(groups.DECISION_GROUPS), {"long_name": "decision group: by share of grants"}))



def claims_after(
    last: pd.Period, horizon: int, paths: int, seed: int, assumptions: Assumptions | None = None
) -> tuple[pd.Series, np.ndarray]:
    """Claims around the quarter that a forecast of stocks starts from.

    A release of people supported can be imported before that of claims: the quarters between are forecast too.

    Args:
        last: the quarter of the stocks.
        horizon: quarters after it.
        paths, seed, assumptions: as in `intake_paths`.

    Returns:
        People claiming by quarter up to `last` as far as published, and sample paths (path, quarter) after `last`.

    Raises:
        InputError: claims end more than two quarters before.
    """
    published = door.official()[0].loc[:last]
    seen = published.index[-1]
    late = (last - seen).n
    if late > MOST_LATE:
        raise InputError(f"origin: {last} is {late} quarters after the last published claims. Nearest: {seen}.")
    ahead = intake_paths(origin=str(seen), quarters=horizon + late, paths=paths, seed=seed, assumptions=assumptions)
    return published, np.asarray(ahead["people_by_quarter"].values)[:, late:]


def shock_multipliers(settings: Settings, quarters: int) -> dict[str, np.ndarray]:
    """What each named shock multiplies the quarters ahead by, `none` among them.

    A shock builds up in equal steps of the logarithm over `shock_quarters` and then stays.
    """
    steps = np.minimum(np.arange(1, quarters + 1) / settings.shock_quarters, 1.0)
    return {"none": np.ones(quarters), **{name: factor**steps for name, factor in settings.shocks.items()}}


def month_shares(ahead: pd.PeriodIndex, last: pd.Period, settings: Settings) -> tuple[np.ndarray, str]:
    """Split quarters into months: part by the months of past small-boat arrivals, the rest by calendar days.

    Claims are published by quarter only. Arrivals by small boat are published by month and make up a known
    share of claims. Only arrivals up to the origin are used; before there is a whole year of them the split
    is by days.

    Args:
        ahead: quarters to split.
        last: the origin.
        settings: share of claims that follows small boats, and the first year of arrivals used.

    Returns:
        Shares (quarters, 3) that sum to 1 by quarter, and one sentence that says how they were made.

    Source: reference table `small_boats` (Home Office).
    """
    firsts = [quarter.asfreq("M", "start") for quarter in ahead]
    days = np.array([[(first + step).days_in_month for step in range(3)] for first in firsts], dtype=float)
    by_days = days / days.sum(axis=1, keepdims=True)
    table = reference("small_boats")
    months = pd.PeriodIndex(pd.to_datetime(table["month"]), freq="M")
    # A year counts when all of it is known at the origin, so that every quarter has the same number of years.
    used = (months.year >= settings.split_from) & (months.year <= (last + 1).year - 1)
    if not used.any():
        return by_days, "Months of a quarter by calendar days."
    arrivals = table["people"].to_numpy(float)[used]
    profile = np.zeros((4, 3))
    np.add.at(profile, (months.quarter[used] - 1, (months.month[used] - 1) % 3), arrivals)
    by_boats = (profile / profile.sum(axis=1, keepdims=True))[ahead.quarter - 1]
    share = settings.small_boat_share
    said = (
        f"Months of a quarter: {share:.0%} of claims by the months of small-boat arrivals "
        f"{months[used].year.min()} to {months[used].year.max()}, the rest by calendar days."
    )
    return share * by_boats + (1 - share) * by_days, said


def to_months(by_quarter: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Share whole people among the months of each quarter by largest remainder.

    Args:
        by_quarter: whole people (paths, quarters).
        shares: shares (quarters, 3) that sum to 1 by quarter.

    Returns:
        Whole people (paths, 3 x quarters), at least 0; the three months of a quarter sum to it exactly.
    """
    return _largest_remainder(by_quarter, shares).reshape(len(by_quarter), -1)


def to_groups(by_month: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Share the whole people of each month among groups by largest remainder.

    Args:
        by_month: whole people (paths, 3 x quarters).
        shares: shares (paths, quarters, groups) that sum to 1.

    Returns:
        Whole people (paths, 3 x quarters, groups), at least 0; the groups of a month sum to it exactly.
    """
    return _largest_remainder(by_month, np.repeat(shares, 3, axis=1))


def _largest_remainder(totals: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Whole parts (..., parts) of whole totals (...) by shares that broadcast to them, summing exactly."""
    exact = totals[..., None] * shares
    parts = np.floor(exact).astype(np.int64)
    left = totals - parts.sum(axis=-1)
    # The first `left` parts in order of remainder get one person more; equal remainders go to the earlier.
    order = np.argsort(parts - exact, axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1, kind="stable")
    parts += rank < left[..., None]
    return parts.astype(np.int32)


def quantile_table(dataset: xr.Dataset, model: str = "pool") -> pd.DataFrame:
    """Lay a forecast's quantiles out as rows.

    Args:
        dataset: as from `intake_paths` or `read_paths`.
        model: `pool` or a member.

    Returns:
        Columns origin, target_quarter, series, quantile, value (people), at the 23 levels.

    Raises:
        InputError: when there is no such model.

    Example:
        >>> import forecasts
        >>> table = forecasts.quantile_table(forecasts.intake_paths(quarters=1, paths=10))
        >>> table.columns.tolist()
        ['origin', 'target_quarter', 'series', 'quantile', 'value']
    """
    models = [str(name) for name in dataset["model"].values]
    if model not in models:
        raise unknown("model", "a model of this forecast", model, models)
    values = dataset["people_quantiles"].values[models.index(model)]
    return quantiles.table(values, door.quarter(dataset.attrs["origin"]), str(dataset.attrs["series"]))


def group_quantile_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Lay out the quantiles of each decision group, as series such as `intake_high`.

    Quantiles of groups do not add up to those of the total; paths do.

    Returns:
        Columns as in `quantile_table`; no rows when the dataset has no groups.

    Example:
        >>> import forecasts
        >>> table = forecasts.group_quantile_table(forecasts.intake_paths(quarters=1, paths=10))
        >>> sorted(table["series"].unique())
        ['intake_high', 'intake_low', 'intake_mixed']
    """
    if "people_by_group" not in dataset:
        return pd.DataFrame(columns=quantiles.COLUMNS)
    by_month = dataset["people_by_group"].values
    by_quarter = by_month.reshape(len(by_month), -1, 3, by_month.shape[2]).sum(axis=2)
    origin, series = door.quarter(dataset.attrs["origin"]), str(dataset.attrs["series"])
    return pd.concat(
        [
            quantiles.table(quantiles.of_samples(by_quarter[:, :, place]), origin, f"{series}_{group}")
            for place, group in enumerate(dataset["group"].values)
        ],
        ignore_index=True,
    )


def write_paths(dataset: xr.Dataset, path: str | Path) -> Path:
    """Write sample paths as NetCDF 3; the same dataset gives the same bytes.

    Returns:
        The path written.

    Raises:
        InputError: when the file cannot be written; nothing is left half-written.

    Example:
        >>> import forecasts
        >>> forecasts.write_paths(forecasts.intake_paths(quarters=1, paths=10), "intake.nc").name
        'intake.nc'
    """
    out = Path(path)
    encoding = {"month": _DAYS, "quarter": _DAYS}
    put(out, bytes(dataset.to_netcdf(engine="scipy", format="NETCDF3_64BIT", encoding=encoding)))
    return out


def read_paths(path: str | Path) -> xr.Dataset:
    """Read sample paths written by `write_paths`, whole and checked.

    Raises:
        InputError: when the file is missing, is not such a file, or its months do not sum to its quarters.

    Example:
        >>> import forecasts
        >>> file = forecasts.write_paths(forecasts.intake_paths(quarters=1, paths=10), "intake.nc")
        >>> forecasts.read_paths(file)["people"].attrs["units"]
        'people'
    """
    source = Path(path)
    try:
        with xr.open_dataset(source, engine="scipy") as opened:
            dataset = opened.load()
    except FileNotFoundError:
        beside = sorted(p.name for p in source.parent.glob("*.nc")) if source.parent.is_dir() else []
        raise InputError(f"{source}: no such file. Nearest: {beside[0] if beside else 'dispersal forecast'}.") from None
    except (OSError, ValueError, TypeError, IndexError, KeyError) as error:
        raise InputError(f"{source}: is not a NetCDF file of sample paths ({error}).") from None
    for name in ("people", "people_by_quarter", "people_quantiles"):
        if name not in dataset:
            raise InputError(f"{source}: has no variable {name}, so it is not a file of sample paths.")
    dataset = dataset.assign_coords(
        {name: dataset[name].astype("datetime64[ns]") for name in ("month", "quarter")}
        | {name: dataset[name].astype(str) for name in ("quarter_name", "model", "shock", "group") if name in dataset}
    )
    people, by_quarter = dataset["people"].values, dataset["people_by_quarter"].values
    sums = people.reshape(len(people), -1, 3).sum(axis=2)
    if people.min() < 0 or not np.array_equal(sums, by_quarter):
        raise InputError(f"{source}: is damaged: its months do not sum to its quarters.")
    if "people_by_group" in dataset:
        by_group = dataset["people_by_group"].values
        if by_group.min() < 0 or not np.array_equal(by_group.sum(axis=2), people):
            raise InputError(f"{source}: is damaged: its groups do not sum to its months.")
    return dataset


def _people(samples: np.ndarray) -> np.ndarray:
    return np.rint(np.minimum(samples, MOST_PEOPLE)).astype(np.int32)


def _first_days(periods: pd.PeriodIndex) -> np.ndarray:
    return periods.to_timestamp(how="start").to_numpy().astype("datetime64[ns]")


def _method(settings: Settings, bottom_up: bool) -> str:
    left = 1 - settings.bottom_up_weight if bottom_up else 1.0
    weights = {name: weight * left for name, weight in settings.weights.items()}
    if bottom_up:
        weights[BOTTOM_UP] = settings.bottom_up_weight
    inside = ", ".join(f"{name} {weight:.3g}" for name, weight in weights.items() if weight > 0)
    return (
        f"pool of sample paths (weights: {inside}); log scale; volatility at least its long-run level; "
        f"t tails, {settings.degrees:g} degrees of freedom; random-walk variance at every horizon; no trend"
    )
