"""What changed between two vintages of one official table: revisions by series, the largest, the UK by quarter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from params.errors import InputError
from params.releases.overlay import FEEDS, HEADLINE, keys_of
from params.releases.store import SHIPPED, Vintage, find
from params.tables import reference_record, with_vintages

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST = 5
_ESTIMATED = ("hotel_split_estimated",)


@dataclass(frozen=True)
class Revision:
    """The changes of one reference table.

    Attributes:
        table: the reference table.
        figures: one row a changed figure: `quarter_end`, `series`, `old`, `new` (NaN where there was or is none) and
            `estimated`, whether the old figure was an estimate.
        compared: figures that both vintages have.
        national: `old` and `new` UK sums of the headline column by quarter end, where either has the quarter.
    """

    table: str
    figures: pd.DataFrame
    compared: int
    national: pd.DataFrame

    @property
    def revised(self) -> pd.DataFrame:
        """Figures that both have, with different values."""
        return self.figures[self.figures["old"].notna() & self.figures["new"].notna()]

    @property
    def added(self) -> pd.DataFrame:
        """Figures that only the newer one has."""
        return self.figures[self.figures["old"].isna()]


def between(old: str, new: str) -> list[Revision]:
    """Compare two vintages named as `TABLE@LABEL`, of which either may be `TABLE@shipped`.

    Raises:
        InputError: a vintage does not exist, or they are of two tables.
    """
    first, second = find(old), find(new)
    tables = [one.table if one else given.partition("@")[0] for one, given in ((first, old), (second, new))]
    if tables[0] != tables[1]:
        raise InputError(f"data diff: {old} is {tables[0]} and {new} is {tables[1]}; compare vintages of one table.")
    return compare(tables[0], first, second)


def compare(table: str, old: Vintage | None, new: Vintage | None) -> list[Revision]:
    """Compare two vintages of one official table, each alone over the shipped tables; None is the shipped one.

    Returns:
        A revision for each reference table that the official table feeds.
    """
    return [
        _of_table(name, table, _alone(name, table, old), _alone(name, table, new))
        for name, feeds in FEEDS.items()
        if table in feeds
    ]


def against(table: str, in_force: Mapping[str, Vintage], new: Vintage) -> list[Revision]:
    """Compare a vintage with what is in force, all other tables being as they are."""
    return [
        _of_table(name, table, with_vintages(name, in_force), with_vintages(name, {**in_force, table: new}))
        for name, feeds in FEEDS.items()
        if table in feeds
    ]


def _alone(name: str, table: str, vintage: Vintage | None) -> pd.DataFrame:
    return with_vintages(name, {table: vintage} if vintage else {})


def _of_table(name: str, table: str, old: pd.DataFrame, new: pd.DataFrame) -> Revision:
    keys = keys_of(name)
    columns = reference_record(name)["columns"]
    values = [c for c, about in columns.items() if about["type"] in ("integer", "number") and about["unit"] != "switch"]
    before, after = (_long(frame, keys, values) for frame in (old, new))
    both = pd.concat({"old": before, "new": after}, axis=1)
    compared = int(both.notna().all(axis=1).sum())
    changed = both[(both["old"] != both["new"]) & both.notna().any(axis=1)].reset_index()
    named = _names() if "lad_code" in keys else {}
    changed["series"] = [
        ", ".join([*(named.get(key, key) for key in part), column])
        for *part, column in changed[[*keys[1:], "column"]].itertuples(index=False)
    ]
    estimated = set()
    if "split_status" in old:
        rows = old[old["split_status"].isin(_ESTIMATED)]
        estimated = set(zip(rows["quarter_end"], rows["lad_code"], strict=True))
        split = changed["column"].isin(["contingency_hotel", "contingency_other"])
        places = zip(changed["quarter_end"], changed["lad_code"], strict=True)
        changed["estimated"] = split & pd.Series([place in estimated for place in places], changed.index, dtype=bool)
    else:
        changed["estimated"] = False
    headline = HEADLINE[table][1] if HEADLINE[table][0] == name else values[0]
    sums = {k: frame.groupby("quarter_end")[headline].sum(min_count=1) for k, frame in (("old", old), ("new", new))}
    national = pd.concat(sums, axis=1)
    return Revision(name, changed[["quarter_end", "series", "old", "new", "estimated"]], compared, national)


def _long(frame: pd.DataFrame, keys: list[str], values: list[str]) -> pd.Series:
    long = frame.melt(keys, values, "column", "value")
    return long.set_index([*keys, "column"])["value"]


def _names() -> dict[str, str]:
    councils = with_vintages("councils", {})
    return dict(zip(councils["lad_code"], councils["name"], strict=True))


def lines(revisions: Iterable[Revision], old: str, new: str) -> list[str]:
    """The comparison as text, a block for each reference table."""
    told = [f"{new} against {old}:"]
    for revision in revisions:
        revised, added = revision.revised, revision.added
        gone = len(revision.figures) - len(revised) - len(added)
        series = revised["series"].nunique()
        quarters = sorted({str(day.date()) for day in added["quarter_end"]})
        told.append(
            f"  {revision.table}: {len(revised):,} of {revision.compared:,} figures revised, in {series:,} series; "
            f"{len(added):,} new{f' ({quarters[0]} to {quarters[-1]})' if len(quarters) > 1 else ''}"
            f"{f' ({quarters[0]})' if len(quarters) == 1 else ''}; {gone:,} no longer given"
        )
        estimates = int(revised["estimated"].sum())
        if estimates:
            told.append(f"    {estimates:,} of the revised replace estimates of hotels and other contingency")
        size = (revised["new"] - revised["old"]).abs()
        largest = revised.loc[size.sort_values(ascending=False, kind="stable").index[:LARGEST]]
        for quarter, series_name, before, after in largest[["quarter_end", "series", "old", "new"]].to_numpy().tolist():
            change = _signed(after - before)
            told.append(f"    {str(quarter)[:10]}  {series_name}: {before:,.0f} to {after:,.0f} ({change})")
        moved = revision.national[revision.national["old"] != revision.national["new"]].dropna(how="all")
        if not len(moved):
            told.append("    UK total: the same at every quarter end")
            continue
        told.append("    UK total         before     after    change")
        for quarter, before, after in moved.reset_index().to_numpy().tolist():
            change = "new" if pd.isna(before) else _signed(after - before)
            told.append(f"    {str(quarter)[:10]}  {_count(before)}{_count(after)}{change:>10}")
    return told


def _count(value: float) -> str:
    return f"{'not given' if pd.isna(value) else f'{value:,.0f}':>11}"


def _signed(value: float) -> str:
    return "gone" if pd.isna(value) else f"{'+' if value >= 0 else '−'}{abs(value):,.0f}"


def shipped_id(table: str) -> str:
    """The id of the shipped vintage of a table."""
    return f"{table}@{SHIPPED}"
