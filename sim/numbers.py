"""A month's assumptions as compiled rules read them: one record, with the names that they have everywhere else.

`now.procurement.lump` reads the same in plain Python and in a compiled rule. Choices in words, and grant instruments,
are not numbers: they stay with the Python part of the month.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np


def by_month(months: Sequence[Any]) -> np.ndarray:
    """`numbers` of every month of a run, (month,), from the assumptions of each."""
    first = numbers(months[0])
    every = np.empty(len(months), first.dtype)
    for month, now in enumerate(months):
        every[month] = numbers(now)[0]
    every.flags.writeable = False
    return every


@lru_cache(maxsize=256)
def numbers(now: Any) -> np.ndarray:
    """The numbers and switches among a month's assumptions, (1,), as a record nested like them.

    It is an array of one, because numba is handed an array in a tenth of the time of a single record.

    Args:
        now: a month's assumptions, from `Assumptions.at`.
    """
    record = np.zeros(1, _made_of(_layout(now)))
    _fill(record, now)
    record.flags.writeable = False
    return record


def _layout(group: Any) -> tuple[tuple[str, Any], ...]:
    """Names of a group with what each is: a nested layout, `bool` or `float`."""
    found: list[tuple[str, Any]] = []
    for name, value in group.items():
        if hasattr(value, "items"):
            found.append((name, _layout(value)))
        elif isinstance(value, bool | int | float):
            found.append((name, bool if isinstance(value, bool) else float))
    return tuple(found)


@lru_cache
def _made_of(layout: tuple[tuple[str, Any], ...]) -> np.dtype[np.void]:
    """The type of a record; the same object for the same layout, which numba recognises at once."""
    fields = [(name, _made_of(kind) if isinstance(kind, tuple) else kind) for name, kind in layout if kind != ()]
    return np.dtype(fields, align=True)


def _fill(record: np.ndarray, group: Any) -> None:
    for name in record.dtype.names or ():
        value = getattr(group, name)
        if hasattr(value, "items"):
            _fill(record[name], value)
        else:
            record[name] = value
