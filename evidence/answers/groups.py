"""Groups of councils that answers are given for: type, tier, region, nation, deprivation and rurality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence.wording import the

# The City of London alone would show one council's figures as a group's.
TYPES: Mapping[str, str] = {
    "City of London": "London boroughs",
    "London borough": "London boroughs",
    "Metropolitan district": "Metropolitan districts",
    "Unitary authority": "English unitary councils",
    "Non-metropolitan district": "County districts",
    "Scottish council area": "Scottish councils",
    "Welsh unitary authority": "Welsh councils",
    "NI local government district": "Northern Ireland districts",
}
RURALITY: Mapping[str, str] = {
    "urban": "Urban councils",
    "intermediate": "Intermediate councils",
    "rural": "Rural councils",
    "unknown": "Not classified (Scotland, Northern Ireland)",
}
TIERS: Mapping[int, str] = {1: "Two-tier areas (districts of a county)", 0: "Single-tier councils"}


@dataclass(frozen=True)
class Grouping:
    """One way to group councils.

    Attributes:
        name: short name, for columns and exhibits.
        heading: what a table's first column is called.
        order: the groups as shown.
        of_council: the group of each council, by code.
        note: what a reader must know of it.
    """

    name: str
    heading: str
    order: tuple[str, ...]
    of_council: Mapping[str, str]
    note: str = ""


def grouping(name: str) -> Grouping:
    """A grouping by name: council_type, tier, region, nation, deprivation or rurality."""
    councils = params.reference("councils").set_index("lad_code")
    labels: pd.Series
    note = ""
    if name == "council_type":
        labels, order = councils["council_type"].map(TYPES), tuple(dict.fromkeys(TYPES.values()))
        heading = "Type of council"
        note = "London boroughs include the City of London. Costs of a county lie in the districts that host people."
    elif name == "tier":
        labels, order = councils["is_two_tier"].map(TIERS), tuple(TIERS.values())
        heading = "Tier"
        note = "Where there are two tiers, schools and social care are the county's; they are shown where people live."
    elif name == "rurality":
        labels, order = councils["rural_class"].map(RURALITY), tuple(RURALITY.values())
        heading = "Rurality"
        note = "Rural-urban classification 2021, which covers England and Wales only."
    elif name == "deprivation":
        labels = councils["deprivation_decile"].map(_decile)
        order = tuple(_decile(i) for i in range(1, 11))
        heading = "Deprivation decile"
        note = (
            "Tenths of councils ranked within their own nation by that nation's index; deciles of two nations are not "
            "comparable."
        )
    else:
        labels = councils[name].astype(str)
        order = tuple(sorted(labels.unique()))
        heading = name.capitalize()
    return Grouping(name, heading, order, dict(zip(councils.index.astype(str), labels.astype(str), strict=True)), note)


def _decile(number: int) -> str:
    ends = {1: " (most deprived)", 10: " (least deprived)"}
    return f"Decile {int(number)}{ends.get(int(number), '')}"


def in_text(group: str) -> str:
    """A group's name inside a sentence: `decile 3`, `county districts`, `the North West`, `London boroughs`."""
    proper = {*params.reference("councils")["region"], *params.reference("councils")["nation"]}
    if group in proper or group.startswith(("London", "English", "Scottish", "Welsh", "Northern")):
        return the(group)
    return group[0].lower() + group[1:]


def grouped(values: xr.DataArray, by: Grouping) -> xr.DataArray:
    """Sum councils to groups inside each sample; `group` stands in place of `council`."""
    return values.astype(float).dot(_members(values, by), dim="council")


def _members(values: xr.DataArray, by: Grouping) -> xr.DataArray:
    """1 where a council (row) is in a group (column), else 0."""
    labels = np.array([by.of_council[str(code)] for code in values["council"].values])
    member = (labels[:, None] == np.array(by.order)[None, :]).astype(float)
    return xr.DataArray(member, {"council": values["council"].values, "group": list(by.order)}, ("council", "group"))


def residents(by: Grouping) -> pd.Series:
    """Residents of each group, mid-2024."""
    return _by_group(by, params.reference("councils").set_index("lad_code")["population"].astype(float))


def council_counts(by: Grouping) -> pd.Series:
    """Number of councils in each group."""
    return _by_group(by, pd.Series(1, index=list(by.of_council)))


def _by_group(by: Grouping, values: pd.Series) -> pd.Series:
    return values.groupby(values.index.map(by.of_council)).sum().reindex(by.order)
