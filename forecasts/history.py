"""The door for histories: one value a quarter, every quarter, nothing negative, nothing after the origin."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import pandas as pd

from params import InputError, reference, reference_record
from params.errors import unknown

# Limits of what can be asked for. The seed is kept in files whose whole numbers have 32 bits.
LEAST = 3
MOST_QUARTERS = 40
MOST_PATHS = 100_000
MOST_SEED = 2**31 - 1
VINTAGES = ("2024-11", "2026-02")
_OFFICIAL = "params/reference/intake.csv"


def official(vintage: str | None = None) -> tuple[pd.Series, str]:
    """People claiming asylum in the United Kingdom by quarter, and the vintage of the figures.

    The series is one release from end to end: claims were revised from 2020Q1, and the older vintage is
    never spliced to the newer. It starts in 2002Q1 because 2001 has no dependants.

    Args:
        vintage: one of `VINTAGES`; the latest when None. The older one ends in 2024Q3.

    Returns:
        Series named `intake` with a quarterly PeriodIndex, in people, and the release that the figures came from.

    Raises:
        InputError: when the table is missing, damaged or mixes vintages, or there is no such vintage.

    Source: reference table `intake` (Home Office Asy_D01).
    """
    if vintage is not None and vintage not in VINTAGES:
        raise unknown("vintage", "a vintage of the intake table", vintage, VINTAGES)
    table = reference("intake")
    vintages = sorted({str(release)[:10] for release in table["vintage"]})
    if len(vintages) > 1:
        raise InputError(f"{_OFFICIAL}: mixes vintages ({', '.join(vintages)}). Nearest: {vintages[-1]} alone.")
    index = pd.PeriodIndex(pd.to_datetime(table["quarter_end"]), freq="Q", name="quarter")
    older = vintage == VINTAGES[0]
    values = table["people_2024_11" if older else "people"].to_numpy(float)
    series = pd.Series(values, index=index, name="intake")
    if older:
        series = series.loc[: series.last_valid_index()]
    record = reference_record("intake")
    release = reference_record("intake_by_nationality")["vintage"].split()[-1] if older else vintages[0]
    return checked(series, _OFFICIAL), f"{record['publisher']} {record['source_table']}, release of {release}"


def checked(series: Any, place: str = "history") -> pd.Series:
    """Return a history in order of quarter, or say which row cannot be used.

    Args:
        series: values by quarter (PeriodIndex with quarterly frequency), in people or any other positive
            unit.
        place: the file or option the history came from, for the error.

    Returns:
        Series of floats, quarterly PeriodIndex without gaps, at least three values.

    Raises:
        InputError: names the row (counted from 1) and the quarter of the first value that is missing,
            repeated, negative or not a number.
    """
    if not isinstance(series, pd.Series) or not isinstance(series.index, pd.PeriodIndex):
        raise InputError(
            f"{place}: must be a pandas Series by quarter (PeriodIndex), not {_kind(series)}. Nearest: "
            "series.set_axis(pd.PeriodIndex(quarters, freq='Q'))."
        )
    if series.index.freqstr != "Q-DEC":
        raise InputError(f"{place}: its frequency is {series.index.freqstr}, not calendar quarters. Nearest: Q-DEC.")
    numbers = [_number(value) for value in series]
    labels = [str(quarter) for quarter in series.index]
    for row, (label, given, number) in enumerate(zip(labels, series, numbers, strict=True), start=1):
        where = f"{place}: row {row} ({label})"
        if label == "NaT":
            raise InputError(f"{where}: the quarter is missing. Nearest: a quarter like 2019Q4.")
        if number is None or not np.isfinite(number):
            raise InputError(f"{where}: {given!r} is not a number of people. Nearest: 0 or more.")
        if number < 0:
            raise InputError(f"{where}: {given} is negative. Nearest: 0.")
    repeated = series.index.duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        raise InputError(
            f"{place}: row {row + 1} ({series.index[row]}): this quarter is already given in an earlier row."
        )
    if len(series) < LEAST:
        raise InputError(f"{place}: has {len(series)} quarters; a forecast needs at least {LEAST}.")
    tidy = pd.Series(numbers, index=series.index, name=series.name, dtype=float).sort_index()
    gaps = np.flatnonzero(np.diff(pd.PeriodIndex(tidy.index).asi8) > 1)
    if gaps.size:
        before, after = tidy.index[gaps[0]], tidy.index[gaps[0] + 1]
        row = int(np.flatnonzero(series.index == after)[0]) + 1
        raise InputError(f"{place}: row {row} ({after}): {before + 1} is missing before it. Nearest: {before}.")
    return tidy


def quarter(text: object, place: str = "origin") -> pd.Period:
    """Read a quarter written like 2019Q4.

    Raises:
        InputError: when it does not read so.
    """
    match = re.fullmatch(r"\s*(\d{4})[ -]?[Qq]([1-4])\s*", str(text))
    if not match:
        raise InputError(f"{place}: {str(text)[:40]!r} is not a quarter. Nearest: a quarter written like 2019Q4.")
    return pd.Period(year=int(match[1]), quarter=int(match[2]), freq="Q-DEC")


def up_to(history: pd.Series, origin: object | None, place: str = "origin") -> pd.Series:
    """Cut a checked history after its origin, the last quarter a forecast may see; None means all of it.

    Raises:
        InputError: when the origin is not a quarter of the history, or leaves fewer than three values.
    """
    if origin is None:
        return history
    last = quarter(origin, place)
    first, end = history.index[LEAST - 1], history.index[-1]
    if not first <= last <= end:
        near = first if last < first else end
        raise InputError(
            f"{place}: {last} is not between {first} and {end}, the origins of this history. Nearest: {near}."
        )
    return history.loc[:last]


def sha256(history: pd.Series) -> str:
    """Hash of the quarters and values that a forecast used, whatever file they came from."""
    lines = "".join(f"{period},{float(value)!r}\n" for period, value in history.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def whole(place: str, given: object, low: int, high: int) -> int:
    """Return a whole number between two limits, or raise an InputError with the nearest one."""
    if isinstance(given, bool) or not isinstance(given, int | np.integer):
        raise InputError(f"{place}: {given!r} is not a whole number. Nearest: {low} to {high}.")
    if not low <= given <= high:
        raise InputError(f"{place}: {given} is out of range {low} to {high}. Nearest: {low if given < low else high}.")
    return int(given)


def _number(given: object) -> float | None:
    if isinstance(given, bool | np.bool_ | str):
        return None
    try:
        return float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _kind(given: object) -> str:
    if isinstance(given, pd.Series):
        return f"a Series by {type(given.index).__name__}"
    return type(given).__name__
