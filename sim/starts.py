"""The position a run starts from: what was published on a quarter end, and an estimate of what was not.

Three things are not published by council for some quarters: the accommodation split (December 2024 to September
2025), where people on subsistence only live (December 2023 to December 2024), and hotels apart from other
contingency accommodation (December 2025). They are estimated from the nearest published split, so that every
published council total and the published national hotel series are met exactly, and the start says so.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

import params
from params import InputError
from sim.model import Start

KINDS = ["initial", "dispersal", "contingency_hotel", "contingency_other", "other", "subsistence"]
_HOTEL, _SUBSISTENCE = KINDS.index("contingency_hotel"), KINDS.index("subsistence")
# The weight of a council in an accommodation type it had nobody in: people move in, but seldom.
_SELDOM = 0.01


def start_day(start: str) -> date:
    """Read a quarter end.

    Raises:
        InputError: not a date.
    """
    try:
        return date.fromisoformat(start)
    except ValueError:
        raise InputError(f"start: {start!r} is not a date; a quarter end like 2025-12-31 is needed.") from None


def start_days() -> list[str]:
    """Quarter ends a run can start from: those with published support by council, the split known or estimated.

    Example:
        >>> import sim
        >>> sim.start_days()[0]
        '2022-12-31'
    """
    return [str(day.date()) for day in sorted(params.reference("support_by_council")["quarter_end"].unique())]


@lru_cache
def published_start(start: str, hindsight: bool = True) -> Start:
    """The position on a quarter end: published where it is, estimated where it is not.

    Args:
        start: quarter end, such as 2025-12-31.
        hindsight: whether a split published for a later quarter may fill a gap; a forecast that is to be scored
            on later quarters must not look ahead.

    Raises:
        InputError: not a quarter end with published support by council; names the nearest one.

    Example:
        >>> import sim
        >>> sim.published_start("2025-12-31").stock.shape  # councils, accommodation types
        (361, 6)
    """
    day = start_day(start)
    if start not in start_days():
        near = min(start_days(), key=lambda d: abs((date.fromisoformat(d) - day).days))
        raise InputError(f"start: no support by council is published for {start}. Nearest: {near}.")
    codes = params.reference("councils")["lad_code"]
    table = params.reference("support_by_council")
    stock, status = _stock(table, codes, start, hindsight)
    return Start(
        day=day,
        stock=stock,
        national=national_position(day),
        baseline=_accommodated_before(table, codes, day, stock),
        decision_groups=params.reference("decision_groups"),
        status=status,
    )


def national_position(day: date) -> dict[str, float]:
    """The national figures of a start, from the tables of its quarter; `Start.national` says what they are."""
    start = day.isoformat()
    before = (np.datetime64(day, "M") - np.timedelta64(2, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    claims = params.reference("intake").set_index("quarter_end")["people"].dropna()
    growth = national("support_national", "total", start) - national("support_national", "total", str(before))
    return {
        "awaiting": national("awaiting", "people", start),
        "appeals": national("appeals", "open_cases", start),
        "section_4": national("support_national", "section_4", start),
        "granted_a_month": national("decisions", "grants", start) / 3,
        # A release of people supported may come before the claims of its quarter: then those of the last one known.
        "claims_a_month": float(claims[claims.index <= np.datetime64(day)].iloc[-1]) / 3,
        "growth_a_month": growth / 3,
    }


def national(table: str, column: str, day: str) -> float:
    """One figure of a national table at a quarter end.

    Raises:
        InputError: the table has no such figure.
    """
    rows = params.reference(table)
    found = rows.loc[rows["quarter_end"] == day, column]
    if found.empty or found.isna().all():
        raise InputError(f"start: the table {table} has no {column} on {day}.")
    return float(found.iloc[0])


def _stock(table: Any, codes: Any, start: str, hindsight: bool) -> tuple[np.ndarray, str]:
    """People (council, 6) on a quarter end, and how much of it was published."""
    rows = table[table["quarter_end"] == start].set_index("lad_code").loc[codes]
    word = str(rows["split_status"].iloc[0])
    stock = rows[KINDS].fillna(0).to_numpy(np.int64).copy()
    allocated = bool(rows["subsistence_allocated"].iloc[0])
    if not allocated:
        weight = _nearest(table, codes, start, hindsight, "subsistence")[:, _SUBSISTENCE]
        stock[:, _SUBSISTENCE] = largest_remainder(_unallocated(start), weight)
        word = "subsistence_estimated"
    if rows["dispersal"].isna().any():
        totals = rows["total"].to_numpy(np.int64)
        known = [k for k in range(len(KINDS)) if allocated or k != _SUBSISTENCE]
        near = _nearest(table, codes, start, hindsight, "dispersal")
        near[:, _SUBSISTENCE] = _nearest(table, codes, start, hindsight, "subsistence")[:, _SUBSISTENCE]
        wanted = _national_split(start, int(totals.sum()), known, hindsight)
        stock[:, known] = fitted(near[:, known], totals, wanted)
        word = "estimated"
    return stock, word


def _nearest(table: Any, codes: Any, start: str, hindsight: bool, kind: str) -> np.ndarray:
    """People (council, 6) of the nearest quarter that published one accommodation type by council."""
    usable = table[table[kind].notna()]
    days = [day for day in usable["quarter_end"].unique() if hindsight or str(day.date()) <= start]
    wanted = date.fromisoformat(start)
    # Between two quarters at one distance the earlier is taken: it was known then.
    nearest = min(sorted(days), key=lambda day: abs((day.date() - wanted).days))
    rows = usable[usable["quarter_end"] == nearest].set_index("lad_code").loc[codes]
    return np.array(rows[KINDS].fillna(0), np.int64)


def _unallocated(start: str) -> int:
    """People on subsistence only on a quarter end when they were allocated to no council."""
    rows = params.reference("support_national")
    row = rows[rows["quarter_end"] == start].iloc[0]
    return int(row["unallocated"] if np.isnan(row["subsistence"]) else row["subsistence"])


def _national_split(start: str, total: int, known: list[int], hindsight: bool) -> np.ndarray:
    """National people by the accommodation types `known` that sum to `total`, hotels as published.

    The small types keep their level of the nearest published quarters, and dispersal accommodation takes the rest:
    over the published quarters the small types move by hundreds, dispersal by thousands.
    """
    rows = params.reference("support_national")
    hotels = int(rows.loc[rows["quarter_end"] == start, "hotel_latest_vintage"].iloc[0])
    days = (rows["quarter_end"] - np.datetime64(start)).dt.days
    published = rows[KINDS].notna().all(axis=1) & (hindsight | (days <= 0))
    people = np.zeros(len(KINDS))
    for kind, name in enumerate(KINDS):
        people[kind] = np.interp(0, days[published], rows.loc[published, name])
    people = np.round(people).astype(np.int64)
    people[_HOTEL] = hotels
    chosen = people[known]
    chosen[known.index(KINDS.index("dispersal"))] += total - chosen.sum()
    return np.asarray(chosen)


def fitted(seed: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Whole numbers with exact row and column sums, as near in proportion to `seed` as those allow.

    Args:
        seed: (row, column) people of the nearest published split.
        rows: (row,) whole row sums.
        columns: (column,) whole column sums; the same total as `rows`.

    Source: iterative proportional fitting, then rounding by largest remainder.
    """
    share = columns / columns.sum()
    # A row with nobody in the seed gets the national split; an empty cell may fill, but seldom.
    cells = np.where(seed.sum(axis=1, keepdims=True) > 0, seed + _SELDOM * share, share)
    for _ in range(500):
        cells *= _ratio(rows, cells.sum(axis=1))[:, None]
        cells *= _ratio(columns, cells.sum(axis=0))
        if np.abs(cells.sum(axis=1) - rows).max() < 1e-6:
            break
    whole = np.floor(cells + 1e-9).astype(np.int64)
    left_rows, left_columns = rows - whole.sum(axis=1), columns - whole.sum(axis=0)
    order = np.argsort(-(cells - whole), axis=None, kind="stable")
    for row, column in zip(*np.unravel_index(order, cells.shape), strict=True):
        if left_rows[row] > 0 and left_columns[column] > 0:
            whole[row, column] += 1
            left_rows[row] -= 1
            left_columns[column] -= 1
    for row in np.flatnonzero(left_rows > 0):
        for column in np.argsort(-cells[row], kind="stable"):
            more = min(left_rows[row], left_columns[column])
            if more > 0:
                whole[row, column] += more
                left_rows[row] -= more
                left_columns[column] -= more
    return np.asarray(whole)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(whole.size), where=whole > 0)


def largest_remainder(total: int, weight: np.ndarray) -> np.ndarray:
    """Whole numbers in proportion to `weight` that sum to `total`."""
    exact = total * weight / weight.sum()
    whole = np.floor(exact).astype(np.int64)
    short = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:short]] += 1
    return np.asarray(whole)


def _accommodated_before(table: Any, codes: Any, day: date, stock: np.ndarray) -> np.ndarray:
    """People accommodated by council when the financial year began, the base of the grant per person.

    Where only a council's total is published, subsistence-only people are taken out at the latest split's share.
    Before 2023 nothing comparable is published by council: the start itself is the base.
    """
    year = day.year if day.month > 3 else day.year - 1
    began = f"{year}-03-31"
    if began not in start_days():
        return np.asarray(stock[:, :_SUBSISTENCE].sum(axis=1), float)
    rows = table[table["quarter_end"] == began].set_index("lad_code").reindex(codes)
    latest = table[(table["quarter_end"] <= str(day)) & table["subsistence"].notna()]
    latest = latest[latest["quarter_end"] == latest["quarter_end"].max()].set_index("lad_code").reindex(codes)
    share = (latest["subsistence"] / latest["total"].where(latest["total"] > 0)).fillna(0)
    without = rows["subsistence_allocated"] == 0  # the published total leaves subsistence out
    accommodated = rows["total"].where(rows["subsistence"].notna() | without, rows["total"] * (1 - share))
    accommodated = accommodated - rows["subsistence"].fillna(0)
    return np.asarray(accommodated.fillna(0).to_numpy(float))
