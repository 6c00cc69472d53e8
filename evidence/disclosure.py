"""Disclosure control for modelled council figures: round to 5, suppress below 5, and protect what is suppressed.

Published official figures never pass through here: they are quoted exactly. Modelled counts do, because a reader
can take a count of synthetic people in one council as a count of real people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

BASE = 5
CONFIDENTIAL = "[c]"
NOT_GIVEN = "[x]"


def round_counts(values: pd.Series) -> pd.Series:
    """Round people to the nearest 5, halves up, so that no exact modelled count leaves."""
    steps = np.floor(values.to_numpy(dtype=float) / BASE + 0.5)
    return pd.Series((steps * BASE).astype(int), index=values.index)


def suppressed(counts: pd.Series, region: pd.Series) -> pd.Series:
    """Which cells of one column must not be shown.

    Primary: below 5, zero included. Secondary: in a region where exactly one council is suppressed, the smallest of
    the others too, so that nobody can subtract the shown councils from a regional total and recover the cell. Two
    suppressed councils whose total is itself below 5 still give each other away, so the next smallest joins them.

    Args:
        counts: people (council,), before rounding.
        region: the region of each council, same index.

    Returns:
        Boolean series on the same index.
    """
    hidden = counts < BASE
    for _, members in counts.groupby(region, sort=True):
        while 0 < hidden[members.index].sum() < len(members):
            inside = members[hidden[members.index]]
            if len(inside) > 1 and inside.sum() >= BASE:
                break
            shown = members[~hidden[members.index]]
            hidden[shown.sort_values(kind="stable").index[0]] = True
    return hidden


def protect(
    table: pd.DataFrame,
    counts: Sequence[str],
    follow: Mapping[str, str] | None = None,
    region: str = "region",
) -> pd.DataFrame:
    """Make a council table safe to export.

    Args:
        table: one row a council, with a region column.
        counts: columns of modelled people; each is suppressed on its own values and rounded to 5.
        follow: columns that would give a count away (a cost, a ratio), each with the count column it follows:
            where that one is suppressed, so is this.
        region: name of the region column.

    Returns:
        A copy in which protected columns hold whole numbers or `[c]`.
    """
    safe = table.copy()
    hidden = {name: suppressed(table[name].astype(float), table[region]) for name in counts}
    for name in counts:
        safe[name] = round_counts(table[name]).astype(object).mask(hidden[name], CONFIDENTIAL)
    for name, leader in (follow or {}).items():
        safe[name] = table[name].astype(object).mask(hidden[leader], CONFIDENTIAL)
    return safe


def ranges_only(table: pd.DataFrame, central: Sequence[str], size: pd.Series, least: int) -> pd.DataFrame:
    """Withhold central figures of councils with fewer than `least` people: there only ranges mean anything.

    Args:
        table: one row a council, already protected.
        central: columns that hold a central figure.
        size: people supported there now (council,), published.
        least: people below which no central figure is given.
    """
    safe = table.copy()
    small = size < least
    for name in central:
        safe[name] = safe[name].astype(object).mask(small & (safe[name] != CONFIDENTIAL), NOT_GIVEN)
    return safe


def escape_formula(value: object) -> object:
    """Disarm a text cell that a spreadsheet would run as a formula; numbers and numeric text pass unchanged."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
