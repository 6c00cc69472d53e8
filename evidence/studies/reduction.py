"""From one run's monthly results to what a study keeps.

Councils are kept at quarter ends (stocks) and by financial year (flows); everything else stays monthly.
Regions and the nation are summed here, run by run, because a quantile of a sum is not the sum of quantiles.

| variable of a run | becomes |
|---|---|
| `x_at_month_end(month_end, council, ...)` | `x_at_quarter_end(quarter_end, council, ...)` and, if it adds up, |
| | `x_by_region_at_month_end(month_end, region_name, ...)`, `x_at_month_end(month_end, ...)` for the nation |
| `x_in_month(month, council, ...)` | `x_in_financial_year(financial_year, council, ...)` and |
| | `x_by_region_in_month(month, region_name, ...)`, `x_in_month(month, ...)` for the nation |
| anything without councils | itself |

`financial_year` is a label such as "2027-28", April to March; a year that the run covers in part says so:
"2025-26 (part)". `months_in_year(financial_year)` counts the months.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

# A sum over councils means nothing for these: they are indices, shares and codes.
INTENSIVE_UNITS = ("1", "ratio", "share", "index", "code")
_STOCK, _FLOW = "_at_month_end", "_in_month"


def names() -> list[str]:
    """Names of everything that `reduce` keeps of a run, in its order."""
    from sim.recorder import VARIABLES

    return [name for stem, variable in VARIABLES.items() for name in _names(stem, variable.dims, _adds_up(variable))]


def _adds_up(variable: Any) -> bool:
    """Whether a sum over councils means something; takes a recorder's variable."""
    return variable.units not in INTENSIVE_UNITS


def _names(stem: str, dims: tuple[Hashable, ...], adds_up: bool) -> list[str]:
    if "council" not in dims:
        return [stem]
    for kind, kept in ((_STOCK, "_at_quarter_end"), (_FLOW, "_in_financial_year")):
        if stem.endswith(kind):
            base = stem.removesuffix(kind)
            return [f"{base}{kept}", *([f"{base}_by_region{kind}", stem] if adds_up else [])]
    return [stem]


def reduce(run: xr.Dataset, outputs: Collection[str] = ()) -> xr.Dataset:
    """Reduce one run to quarter ends, financial years and regions.

    Args:
        run: a dataset of `sim.simulate`: stocks on `month_end`, flows on `month`, councils on `council` with
        the
            coordinate `region(council)`.
        outputs: names to keep; everything when empty.

    Returns:
        The reduced dataset, float32 and int32, same units; added axes are `quarter_end`, `financial_year` and
        `region_name`.

    Raises:
        ValueError: when a council variable is neither a stock nor a flow, or a flow does not add up over
        time.
    """
    kept, axes = _reduced(run, outputs)
    coordinates = {
        name: coordinate
        for name, coordinate in run.coords.items()
        if not {"month_end", "month"} & set(coordinate.dims) or name in ("month_end", "month")
    }
    made = xr.Dataset(kept, coords={**coordinates, **axes}, attrs=run.attrs)
    if outputs:  # axes that nothing kept uses go too
        used = {dim for variable in made.data_vars.values() for dim in variable.dims} | {"month", "month_end"}
        made = made.drop_vars([name for name, own in made.coords.items() if not set(own.dims) <= used])
    return made


def values(run: xr.Dataset, outputs: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """The values of `reduce` by name, without the labels, which are the same for every replication of a study."""
    return {str(name): found for name, (_, found, _) in _reduced(run, outputs)[0].items()}


def _reduced(run: xr.Dataset, outputs: Collection[str]) -> tuple[dict[Hashable, Any], dict[str, Any]]:
    """Variables of the reduced dataset, and the axes that it adds, as `xarray.Dataset` takes them."""
    quarter = np.flatnonzero(run["month_end"].values.astype("datetime64[M]").astype(int) % 3 == 2)
    years, first_month, months = _financial_years(run["month"].values)
    councils = _Regions(run["region"].values)
    kept: dict[Hashable, tuple[tuple[Hashable, ...], NDArray[Any], Mapping[str, Any]]] = {}
    for name in run.data_vars:
        stem, variable = str(name), run.variables[name]
        dims, values = variable.dims, variable.values
        adds_up = variable.attrs.get("units") not in INTENSIVE_UNITS and "flag_values" not in variable.attrs
        if outputs and not set(outputs).intersection(_names(stem, dims, adds_up)):
            continue
        if "council" not in dims:
            kept[stem] = (dims, _compact(values), variable.attrs)
            continue
        by_region, nationally = (
            _renamed(dims, "council", "region_name"),
            tuple(d for d in dims if d != "council"),
        )
        if stem.endswith(_STOCK) and dims[:2] == ("month_end", "council"):
            base = stem.removesuffix(_STOCK)
            at_quarters = _renamed(dims, "month_end", "quarter_end")
            kept[f"{base}_at_quarter_end"] = (at_quarters, _compact(values[quarter]), variable.attrs)
            if adds_up:
                regions = councils.sum(values)
                kept[f"{base}_by_region{_STOCK}"] = (by_region, _compact(regions), variable.attrs)
                kept[stem] = (nationally, _compact(regions.sum(axis=1)), variable.attrs)
        elif stem.endswith(_FLOW) and dims[:2] == ("month", "council") and adds_up:
            base = stem.removesuffix(_FLOW)
            in_years = _renamed(dims, "month", "financial_year")
            regions = councils.sum(values)
            kept[f"{base}_in_financial_year"] = (
                in_years, _compact(_sums(values, first_month, axis=0)), variable.attrs
            )  # fmt: skip
            kept[f"{base}_by_region{_FLOW}"] = (by_region, _compact(regions), variable.attrs)
            kept[stem] = (nationally, _compact(regions.sum(axis=1)), variable.attrs)
        else:
            raise ValueError(f"{stem}{dims}: is neither a stock at month ends nor a flow in months that adds up")
    if outputs:
        kept = {name: kept[name] for name in kept if name in set(outputs)}
    axes = {
        "quarter_end": ("quarter_end", run["month_end"].values[quarter], {"long_name": "quarter end"}),
        "financial_year": ("financial_year", years, {"long_name": "financial year, April to March"}),
        "months_in_year": ("financial_year", months, {"long_name": "months of the year covered", "units": "months"}),
        "region_name": ("region_name", councils.names, {"long_name": "region or nation"}),
    }
    return kept, axes


class _Regions:
    """Sums over the councils of each region, in the same order on every machine."""

    def __init__(self, region: NDArray[Any]) -> None:
        self.names, code = np.unique(region.astype(str), return_inverse=True)
        self._order = np.argsort(code, kind="stable")
        self._first = np.searchsorted(code[self._order], np.arange(len(self.names)))

    def sum(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum (time, council, ...) to (time, region, ...)."""
        return _sums(values.take(self._order, axis=1), self._first, axis=1)


def _financial_years(
    month: NDArray[np.datetime64],
) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.int32]]:
    """Labels of the financial years of months, the position of each one's first month, and its months."""
    number = month.astype("datetime64[M]").astype(np.int64)  # months since January 1970
    year = (number - 3) // 12 + 1970
    starts, first, counts = np.unique(year, return_index=True, return_counts=True)
    labels = [f"{y}-{(y + 1) % 100:02d}{'' if n == 12 else ' (part)'}" for y, n in zip(starts, counts, strict=True)]
    return np.array(labels, dtype=str), first, counts.astype(np.int32)


def _sums(values: NDArray[Any], first: NDArray[np.intp], axis: int) -> NDArray[Any]:
    wide = np.int64 if values.dtype.kind in "iub" else np.float64
    return np.add.reduceat(values, first, axis=axis, dtype=wide)


def _compact(values: NDArray[Any]) -> NDArray[Any]:
    """Values as float32 or int32; a whole number that does not fit becomes float32."""
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    if values.dtype.kind not in "iub":
        raise ValueError(f"results of type {values.dtype} cannot be stored")
    limits = np.iinfo(np.int32)
    fits = values.dtype.itemsize < 4 or not values.size or (values.min() >= limits.min and values.max() <= limits.max)
    return values.astype(np.int32 if fits else np.float32, copy=False)


def _renamed(dims: tuple[Hashable, ...], old: str, new: str) -> tuple[Hashable, ...]:
    return tuple(new if dim == old else dim for dim in dims)
