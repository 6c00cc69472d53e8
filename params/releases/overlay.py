"""Lay imported vintages over the shipped reference tables: a quarter comes whole from one vintage, never from two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from params.importing.support import FIRST_COMPARABLE_QUARTER, SPLIT, split_contingency

if TYPE_CHECKING:
    import pandas as pd

    from params.releases.store import Vintage

# The official tables that each reference table is made of, the first before the second for one quarter.
FEEDS = {
    "support_by_council": ("Asy_D11", "Reg_02"),
    "support_national": ("Asy_D09", "Asy_D11"),
    "intake": ("Asy_D01",),
    "decisions": ("Asy_D02",),
    "awaiting": ("Asy_D03",),
    "awaiting_by_duration": ("Asy_D03",),
    "appeals": ("tribunal",),
}
# The column of each reference table whose UK sum says whether a vintage is complete, and that a reader looks at first.
HEADLINE = {
    "Asy_D11": ("support_by_council", "total"),
    "Reg_02": ("support_by_council", "total"),
    "Asy_D09": ("support_national", "total"),
    "Asy_D01": ("intake", "people"),
    "Asy_D02": ("decisions", "outcomes"),
    "Asy_D03": ("awaiting", "people"),
    "tribunal": ("appeals", "receipts"),
}
_KEYS = {"support_by_council": ["quarter_end", "lad_code"], "awaiting_by_duration": ["quarter_end", "duration_band"]}


def keys_of(name: str) -> list[str]:
    """Columns that identify a row of a reference table."""
    return _KEYS.get(name, ["quarter_end"])


def laid_over(
    name: str, base: pd.DataFrame, columns: Mapping[str, Any], chosen: Mapping[str, Vintage]
) -> pd.DataFrame:
    """A reference table with chosen vintages laid over it.

    Args:
        name: the reference table.
        base: the shipped table.
        columns: its columns as the manifest describes them.
        chosen: vintage by official table; those that do not feed this table are passed over.

    Returns:
        A frame with the base's columns and types, in the base's order.
    """
    if not any(table in chosen for table in FEEDS.get(name, ())):
        return base
    return _typed(base, _BUILD[name](base, chosen), keys_of(name), columns)


def _read(vintage: Vintage) -> pd.DataFrame:
    import pandas as pd

    frame = vintage.rows()
    frame["quarter_end"] = pd.to_datetime(frame["quarter_end"], format="%Y-%m-%d")
    return frame


def _typed(base: pd.DataFrame, rows: pd.DataFrame, keys: list[str], columns: Mapping[str, Any]) -> pd.DataFrame:
    """Put `rows` in place of the base's rows of the same keys, and everything in the base's types and order."""
    import pandas as pd

    new = rows.set_index(keys)
    kept = base[~base.set_index(keys).index.isin(new.index)]
    whole = pd.concat([kept, rows[base.columns]], ignore_index=True).sort_values(keys, kind="stable")
    for column, about in columns.items():
        if about["type"] == "text":
            whole[column] = whole[column].fillna("").astype(base[column].dtype)
        elif about["type"] == "date":
            whole[column] = pd.to_datetime(whole[column]).astype("datetime64[ns]")
        elif about["type"] == "integer" and whole[column].notna().all():
            whole[column] = whole[column].astype("int64")
        else:
            whole[column] = whole[column].astype("float64")
    return whole.reset_index(drop=True)


# ----------------------------------------------------------------------------------------
# Support


def _support_by_council(base: pd.DataFrame, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    import pandas as pd

    codes = sorted(base["lad_code"].unique())
    parts = []
    if "Asy_D11" in chosen:
        rows = _read(chosen["Asy_D11"])
        rows = rows[(rows["quarter_end"] >= FIRST_COMPARABLE_QUARTER) & rows["lad_code"].isin(codes)]
        parts += [_split(quarter, here, codes) for quarter, here in rows.groupby("quarter_end")]
    done = {part["quarter_end"].iloc[0] for part in parts}
    if "Reg_02" in chosen:
        rows = _read(chosen["Reg_02"])
        rows = rows[rows["lad_code"].isin(codes) & ~rows["quarter_end"].isin(done)]
        for quarter, here in rows.groupby("quarter_end"):
            parts.append(_snapshot(quarter, here, codes, pd.concat([base, *parts], ignore_index=True)))
    return pd.concat(parts, ignore_index=True) if parts else base.iloc[:0]


def _split(quarter: Any, rows: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    """One quarter of Asy_D11: a row for every council, none published meaning none (or suppressed)."""
    wide = rows.pivot_table(index="lad_code", columns="accommodation", values="people", aggfunc="sum")
    wide = wide.reindex(codes).fillna(0)
    total = wide.sum(axis=1)
    frame = wide.reindex(columns=list(SPLIT), fill_value=0.0)
    unsplit = (total - frame.sum(axis=1)).abs().max() > 0  # some rows name no accommodation
    allocated = bool(frame["subsistence"].sum() > 0)
    if unsplit:
        frame.loc[:, :] = float("nan")
        allocated = True
    elif not allocated:
        frame["subsistence"] = float("nan")
    frame = frame.assign(
        quarter_end=quarter,
        total=total,
        split_status="total_only" if unsplit else "published",
        subsistence_allocated=int(allocated),
    )
    return frame.rename_axis("lad_code").reset_index()


def _snapshot(quarter: Any, rows: pd.DataFrame, codes: list[str], known: pd.DataFrame) -> pd.DataFrame:
    """One quarter of Reg_02, its contingency split into hotels and other by each council's latest published split."""
    wide = rows.pivot_table(index="lad_code", columns="accommodation", values="people", aggfunc="sum")
    wide = wide.reindex(codes).reindex(columns=["total", "initial", "dispersal", "contingency", "other", "subsistence"])
    wide = wide.fillna(0)
    before = known[(known["split_status"] == "published") & (known["quarter_end"] <= quarter)]
    before = before[before["contingency_hotel"] + before["contingency_other"] > 0].sort_values("quarter_end")
    latest = before.groupby("lad_code").last()
    pattern = {
        code: (int(latest.at[code, "contingency_hotel"]), int(latest.at[code, "contingency_other"]))
        if code in latest.index
        else None
        for code in codes
    }
    people = dict(zip(codes, wide["contingency"].astype(int), strict=True))
    # Without a national figure for the day, each council keeps the shares of its latest published split.
    expected = sum(people[code] * p[1] / (p[0] + p[1]) for code, p in pattern.items() if p)
    other = split_contingency(people, pattern, round(expected))
    frame = wide[["dispersal", "initial", "other", "subsistence", "total"]].assign(
        contingency_other=[float(other[code]) for code in codes],
        contingency_hotel=[float(people[code] - other[code]) for code in codes],
        quarter_end=quarter,
        split_status="hotel_split_estimated",
        subsistence_allocated=1,
    )
    return frame.rename_axis("lad_code").reset_index()


def _support_national(base: pd.DataFrame, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    import pandas as pd

    from params.tables import with_vintages

    council = with_vintages("support_by_council", chosen).groupby("quarter_end")["total"].sum()
    parts: dict[Any, dict[str, Any]] = {}
    for table in ("Asy_D11", "Asy_D09"):  # Asy_D09 last: it is the national table
        if table not in chosen:
            continue
        for quarter, rows in _read(chosen[table]).groupby("quarter_end"):
            old = base[base["quarter_end"] == quarter]
            parts[quarter] = _national(quarter, rows, old.iloc[0] if len(old) else None, council)
    return pd.DataFrame(list(parts.values()), columns=base.columns)


def _national(quarter: Any, rows: pd.DataFrame, old: Any, council: pd.Series) -> dict[str, Any]:
    kinds = rows.groupby("accommodation")["people"].sum()
    sections = rows.groupby("support")["people"].sum()
    total = float(rows["people"].sum())
    comparable = str(quarter)[:10] >= FIRST_COMPARABLE_QUARTER
    complete = comparable and abs(sum(kinds.get(kind, 0) for kind in SPLIT) - total) < 0.5
    row: dict[str, Any] = {"quarter_end": quarter, "total": total}
    for kind in SPLIT:
        here = float(kinds.get(kind, 0))
        # Before December 2022 people supported under section 98 have no accommodation: an empty type is not none.
        row[kind] = here if complete or (here and not comparable) else float("nan")
    for section in ("section_95", "section_98", "section_4"):
        # No row of a section means nobody, unless the file tells no sections at all.
        row[section] = float("nan") if set(sections.index) == {"not_stated"} else float(sections.get(section, 0))
    row["hotel_latest_vintage"] = row["contingency_hotel"]
    if not complete and old is not None:
        row["hotel_latest_vintage"] = old["hotel_latest_vintage"]
    if quarter in council.index:
        row["unallocated"] = total - float(council[quarter])
    else:
        row["unallocated"] = float("nan") if old is None else old["unallocated"]
    return row


# ----------------------------------------------------------------------------------------
# Claims, decisions, queues


def _intake(base: pd.DataFrame, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    vintage = chosen["Asy_D01"]
    people = _by_quarter(vintage)
    people = people[people.index >= base["quarter_end"].min()]
    frame = base.set_index("quarter_end").reindex(people.index)  # the older vintage stays in its own columns
    return frame.assign(people=people, vintage=_released(vintage)).reset_index(names="quarter_end")


def _decisions(base: pd.DataFrame, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    rows = _everyone(_read(chosen["Asy_D02"]))
    rows = rows[rows["quarter_end"] >= base["quarter_end"].min()]
    wide = rows.pivot_table(index="quarter_end", columns="outcome", values="people", aggfunc="sum")
    wide = wide.reindex(columns=["grants", "refusals", "withdrawals", "administrative"]).fillna(0)
    return wide.assign(outcomes=wide.sum(axis=1)).reset_index(names="quarter_end")


def _awaiting(base: pd.DataFrame, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    vintage = chosen["Asy_D03"]
    rows = _everyone(_read(vintage))
    rows = rows[rows["stage"] == "pending_initial_decision"]
    people = rows.groupby("quarter_end")["people"].sum()
    return people.to_frame().assign(vintage=_released(vintage)).reset_index(names="quarter_end")


def _awaiting_by_duration(base: pd.DataFrame, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    vintage = chosen["Asy_D03"]
    rows = _everyone(_read(vintage))
    rows = rows[rows["stage"] == "pending_initial_decision"]
    banded = rows.groupby("quarter_end")["duration"].transform(
        lambda bands: set(bands) == {"le_6_months", "gt_6_months"}
    )
    grouped = rows[banded].groupby(["quarter_end", "duration"])["people"].sum().reset_index()
    return grouped.rename(columns={"duration": "duration_band"}).assign(vintage=_released(vintage))


def _appeals(base: pd.DataFrame, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    rows = _read(chosen["tribunal"])
    wide = rows.pivot_table(index="quarter_end", columns="measure", values="people", aggfunc="sum")
    measures = ["receipts", "disposals", "open_cases"]
    old = base.set_index("quarter_end").reindex(wide.index)[measures]
    wide = wide.reindex(columns=measures)
    return wide.fillna(old).reset_index(names="quarter_end")


def _by_quarter(vintage: Vintage) -> pd.Series:
    return _everyone(_read(vintage)).groupby("quarter_end")["people"].sum()


def _everyone(rows: pd.DataFrame) -> pd.DataFrame:
    """Main applicants and dependants; rows of both together only where the two are not told apart."""
    apart = rows["applicant"] != "all"
    return rows[apart] if apart.any() else rows


def _released(vintage: Vintage) -> Any:
    import pandas as pd

    return pd.Timestamp(vintage.record["published"] or vintage.record["imported"])


_BUILD: dict[str, Callable[[pd.DataFrame, Mapping[str, Any]], pd.DataFrame]] = {
    "support_by_council": _support_by_council,
    "support_national": _support_national,
    "intake": _intake,
    "decisions": _decisions,
    "awaiting": _awaiting,
    "awaiting_by_duration": _awaiting_by_duration,
    "appeals": _appeals,
}
