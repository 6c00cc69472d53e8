"""Grant instruments: pure functions of the month's caseload. A scenario turns one on by giving it a rate.

Rates are cash: nothing is uprated unless a scenario dates a new rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Caseload:
    """What instruments may look at, columns of length (council,).

    Attributes:
        accommodated: people in any accommodation at the month's end.
        baseline: people accommodated at the end of the financial year before.
        beds_opened: dispersal beds opened this month.
        first_proposals: councils that received their first proposal this month (0 or 1).
        duties: homelessness duties this month, households.
        gross_cost: councils' gross cost this month, GBP.
    """

    accommodated: np.ndarray
    baseline: np.ndarray
    beds_opened: np.ndarray
    first_proposals: np.ndarray
    duties: np.ndarray
    gross_cost: np.ndarray


Instrument = Callable[[Caseload, Any], np.ndarray]

INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(
    {
        "grant_per_person": lambda load, rate: rate / 12 * load.baseline,
        "growth_per_bed_month": lambda load, rate: rate * np.maximum(load.accommodated - load.baseline, 0),
        "new_bed": lambda load, rate: rate * load.beds_opened,
        "capacity_per_person": lambda load, rate: rate / 12 * load.accommodated,
        "setup": lambda load, rate: rate * load.first_proposals,
        "move_on": lambda load, rate: rate * load.duties,
        "cost_recovery": lambda load, rate: rate * load.gross_cost,
    }
)


def grants(load: Caseload, now: Any) -> np.ndarray:
    """Grant to each council this month, (council,), GBP: the sum of every instrument at this month's rate.

    Source: Asylum Grant 2025-26 for the first two; the others are earlier grants and scenarios.
    """
    total = np.zeros(load.accommodated.size)
    for name, instrument in INSTRUMENTS.items():
        rate = getattr(now.funding, name)
        if rate:
            total += instrument(load, rate)
    return total
