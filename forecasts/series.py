"""Forecasts of any quarterly series: read a file of `series, quarter, value` and forecast each series in it."""

from __future__ import annotations

import csv
import io
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasts import history as door
from forecasts import quantiles
from forecasts.files import put
from forecasts.members import ForecastWarning, Settings
from forecasts.paths import shock_multipliers
from forecasts.pool import draw
from params import Assumptions, InputError
from params.errors import nearest, unknown

if TYPE_CHECKING:
    import xarray as xr

_COLUMNS = ("series", "quarter", "value")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def read_histories(path: str | Path, origin: object | None = None) -> dict[str, pd.Series]:
    """Read a CSV file with the columns series, quarter and value, in any order and any order of rows.

    A byte order mark, Windows line ends, spaces around cells, blank lines and quarters written `2010Q1`,
    `2010 Q1` or `2010-Q1` are read as what they mean. Rows after the origin are passed over unread, except for
    their series and quarter. A series that has no row for the origin, or fewer than three up to it, cannot be
    forecast from there and is left out with a ForecastWarning.

    Args:
        path: the file.
        origin: last quarter to use, such as `2019Q4`; the last of each series when None.

    Returns:
        Checked histories (see `history.checked`) by name of the series, in the order of the file, each ending
        at its origin.

    Raises:
        InputError: names the row (the header is row 1, as in a spreadsheet) of a value that is missing,
            negative or not a number, of a quarter that is missing or repeated, and of a broken line; or no
            series is left.

    Example:
        >>> import pathlib, forecasts
        >>> rows = "".join(f"appeals,{2015 + i // 4}Q{i % 4 + 1},{1000 + 10 * i}\\n" for i in range(40))
        >>> _ = pathlib.Path("series.csv").write_text(f"series,quarter,value\\n{rows}")
        >>> histories = forecasts.read_histories("series.csv")
        >>> str(histories["appeals"].index[-1])
        '2024Q4'
    """
    source = Path(path)
    last = None if origin is None else door.quarter(origin, "--origin")
    found: dict[str, dict[pd.Period, tuple[int, str]]] = {}
    later: set[str] = set()
    for row, (name, label, value) in _rows(source):
        where = f"{source}: row {row}"
        if not name:
            raise InputError(f"{where}: the series has no name. Nearest: intake.")
        if not label:
            raise InputError(f"{where} ({name}): the quarter is missing. Nearest: a quarter like 2019Q4.")
        quarter = door.quarter(label, f"{where} ({name})")
        if last is not None and quarter > last:
            later.add(name)
            continue
        mine = found.setdefault(name, {})
        if quarter in mine:
            raise InputError(f"{where} ({name}, {quarter}): this quarter is already given in row {mine[quarter][0]}.")
        mine[quarter] = (row, value)
    histories: dict[str, pd.Series] = {}
    left_out: dict[str, str] = {name: f"starts after {last}" for name in later if name not in found}
    for name, mine in found.items():
        history = _history(source, name, mine)
        if last is not None and history.index[-1] < last:
            left_out[name] = f"ends in {history.index[-1]}, before the origin {last}"
        elif len(history) < door.LEAST:
            until = "" if last is None else f" up to {last}"
            left_out[name] = f"has {len(history)} quarters{until}; a forecast needs at least {door.LEAST}"
        else:
            histories[name] = history
    if not histories and not left_out:
        raise InputError(f"{source}: has no rows below its header. Nearest: series,quarter,value.")
    if not histories:
        name, why = next(iter(left_out.items()))
        raise InputError(f"{source}: {name} {why}." + _nearest_origin(found, last))
    for name, why in left_out.items():
        warnings.warn(f"{name} {why}: it is left out.", ForecastWarning, stacklevel=2)
    return histories


def _nearest_origin(found: Mapping[str, Mapping[pd.Period, object]], last: pd.Period | None) -> str:
    if last is None:
        return ""
    # Rows after the origin were passed over, so only an origin that comes too late has a known remedy.
    ends = [max(quarters) for quarters in found.values() if len(quarters) >= door.LEAST]
    return f" Nearest origin: {max(ends)}." if ends else " Nearest: a later --origin."


def _history(source: Path, name: str, rows: Mapping[pd.Period, tuple[int, str]]) -> pd.Series:
    previous: pd.Period | None = None
    values = []
    for quarter in sorted(rows):
        row, text = rows[quarter]
        where = f"{source}: row {row} ({name}, {quarter})"
        if previous is not None and quarter != previous + 1:
            raise InputError(f"{where}: {previous + 1} is missing before it. Nearest: {previous}.")
        if not text:
            raise InputError(f"{where}: the value is missing. Nearest: 0 or more.")
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(number):
            plain = text.replace(",", "").replace(" ", "")
            hint = plain if _NUMBER.fullmatch(plain) else "0 or more"
            raise InputError(f"{where}: {text[:40]!r} is not a number. Nearest: {hint}.")
        if number < 0:
            raise InputError(f"{where}: {text} is negative. Nearest: 0.")
        values.append(number)
        previous = quarter
    return pd.Series(values, index=pd.PeriodIndex(sorted(rows), freq="Q", name="quarter"), name=name, dtype=float)


def _rows(source: Path) -> list[tuple[int, tuple[str, str, str]]]:
    """Row number and the three cells of every line that is not blank."""
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        beside = sorted(p.name for p in source.parent.glob("*.csv")) if source.parent.is_dir() else []
        guess = nearest(source.name, beside)
        hint = f" Nearest: {guess}." if guess else ""
        raise InputError(f"{source}: no such file.{hint}") from None
    except UnicodeDecodeError:
        raise InputError(f"{source}: is not UTF-8 text. Nearest: save it as CSV UTF-8.") from None
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror}).") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    header: list[str] = []
    rows = []
    try:
        for cells in reader:
            tidy = [cell.strip() for cell in cells]
            if not any(tidy):
                continue
            if not header:
                header = _header(source, tidy)
                continue
            # The reader counts lines; a row of a spreadsheet is one line unless a cell holds a line break.
            if len(tidy) != len(header):
                raise InputError(
                    f"{source}: row {reader.line_num}: has {len(tidy)} cells, the header {len(header)}. "
                    "Nearest: series,quarter,value."
                )
            cell = dict(zip(header, tidy, strict=True))
            rows.append((reader.line_num, (cell["series"], cell["quarter"], cell["value"])))
    except csv.Error as error:
        raise InputError(f"{source}: row {reader.line_num}: is not CSV ({error}).") from None
    if not header:
        raise InputError(f"{source}: is empty. Nearest: series,quarter,value.")
    return rows


def _header(source: Path, cells: list[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    for column in _COLUMNS:
        if names.count(column) > 1:
            raise InputError(f"{source}: row 1: the column {column} is there twice.")
        if column not in names:
            shown = ", ".join(cells)[:60]
            raise InputError(f"{source}: row 1: has no column {column} (it reads {shown!r}). Nearest: {_like(names)}.")
    return names


def _like(names: list[str]) -> str:
    separated = len(names) == 1 and re.search(r"[;\t|]", names[0])
    return "commas between the cells" if separated else "series,quarter,value"


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of several series.

    Attributes:
        table: columns origin, target_quarter, series, quantile, value, at the 23 levels, in the unit of each
            series.
        samples: sample paths (paths, horizon) of the pool by name of the series. Series are drawn apart: paths
            of two of them are not joint.
        origins: last quarter used, by name of the series.
        warnings: what was not done in the usual way, each once.
    """

    table: pd.DataFrame
    samples: Mapping[str, np.ndarray]
    origins: Mapping[str, pd.Period]
    warnings: tuple[str, ...]


def forecast_series(
    histories: Mapping[str, pd.Series],
    horizon: int = 12,
    paths: int = 4000,
    seed: int = 1,
    assumptions: Assumptions | None = None,
    shock: str | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Forecasts:
    """Forecast each series from the last quarter of its history.

    A series' numbers depend on its own history, its name and the seed, not on what else is forecast.

    Args:
        histories: checked histories by name, as from `read_histories`.
        horizon: quarters ahead, 1 to 40.
        paths: sample paths of each series.
        seed: of the sample paths.
        assumptions: the register with overrides; the central register when None.
        shock: a named shock that multiplies every path, or `none`; the register's when None.
        told: called with the number of series done and their total.

    Raises:
        InputError: names the option and the nearest valid value.

    Example:
        >>> import pathlib, forecasts
        >>> rows = "".join(f"appeals,{2015 + i // 4}Q{i % 4 + 1},{1000 + 10 * i}\\n" for i in range(40))
        >>> _ = pathlib.Path("series.csv").write_text(f"series,quarter,value\\n{rows}")
        >>> histories = forecasts.read_histories("series.csv")
        >>> found = forecasts.forecast_series(histories, horizon=2, paths=20)
        >>> found.samples["appeals"].shape  # paths, quarters ahead
        (20, 2)
    """
    horizon = door.whole("horizon", horizon, 1, door.MOST_QUARTERS)
    paths = door.whole("paths", paths, 1, door.MOST_PATHS)
    seed = door.whole("seed", seed, 0, door.MOST_SEED)
    tables, samples, origins, said = [], {}, {}, []
    for done, (name, history) in enumerate(histories.items(), start=1):
        origin = history.index[-1]
        settings = Settings.read(origin.end_time.date(), assumptions)
        multipliers = shock_multipliers(settings, horizon)
        applied = settings.shock if shock is None else shock
        if applied not in multipliers:
            raise unknown("shock", "a named shock", applied, multipliers)
        drawn = draw(history.rename(name), horizon, paths, seed, settings)
        samples[name] = drawn.pool * multipliers[applied]
        origins[name] = origin
        tables.append(quantiles.table(quantiles.of_samples(samples[name]), origin, name))
        said += [f"{name}: {text}" for text in drawn.warnings]
        if told:
            told(done, len(histories))
    return Forecasts(pd.concat(tables, ignore_index=True), samples, origins, tuple(dict.fromkeys(said)))


def write_samples(forecasts: Forecasts, seed: int, path: str | Path) -> Path:
    """Write the sample paths of several series as NetCDF 3; the same forecasts give the same bytes.

    The file holds `value(series, path, ahead)` in the unit of each series and, by series, its origin.

    Raises:
        InputError: when the file cannot be written; nothing is left half-written.

    Example:
        >>> import pathlib, forecasts
        >>> rows = "".join(f"appeals,{2015 + i // 4}Q{i % 4 + 1},{1000 + 10 * i}\\n" for i in range(40))
        >>> _ = pathlib.Path("series.csv").write_text(f"series,quarter,value\\n{rows}")
        >>> histories = forecasts.read_histories("series.csv")
        >>> found = forecasts.forecast_series(histories, horizon=2, paths=20, seed=1)
        >>> forecasts.write_samples(found, 1, "samples.nc").name
        'samples.nc'
    """
    import xarray as xr

    names = list(forecasts.samples)
    dataset: xr.Dataset = xr.Dataset(
        {
            "value": (
                ("series", "path", "ahead"),
                np.stack([forecasts.samples[name] for name in names]),
                {"long_name": "value in the quarter", "units": "as supplied, by series"},
            ),
            "origin": ("series", [str(forecasts.origins[name]) for name in names], {"long_name": "last quarter used"}),
        },
        coords={
            "series": ("series", names, {"long_name": "name of the series"}),
            "ahead": (
                "ahead",
                np.arange(1, forecasts.samples[names[0]].shape[1] + 1, dtype="int32"),
                {"long_name": "quarters after the origin", "units": "quarters"},
            ),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": "Sample paths: modelled estimate, not official statistics",
            "comment": "Series are drawn apart: a path of one series does not belong with that of another.",
            "seed": seed,
        },
    )
    out = Path(path)
    put(out, bytes(dataset.to_netcdf(engine="scipy", format="NETCDF3_64BIT")))
    return out
