"""Local intelligence inside the month: what a scenario says of single councils, with reasons, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from params.local import LocalRule
from sim.council import FREE, Councils
from sim.states import Participation


class Intelligence:
    """The rules of a run, put in force and taken back month by month."""

    def __init__(self, rules: Sequence[LocalRule], councils: Councils) -> None:
        rows = {str(code): row for row, code in enumerate(councils.codes)}
        self._rules = [(rows[rule.council], rule) for rule in rules]

    def apply(self, councils: Councils, month: np.datetime64) -> None:
        """Set the columns that local rules govern to what holds on the first of a month, in place."""
        if not self._rules:
            return
        day: date = month.astype("datetime64[D]").item()
        councils.maximum[:] = np.inf
        councils.paused[:] = False
        councils.local_weight[:] = 1.0
        councils.held[:] = FREE
        for row, rule in self._rules:
            if not rule.holds(day):
                continue
            if rule.sets == "maximum":
                councils.maximum[row] = float(rule.value)
            elif rule.sets == "pause":
                councils.paused[row] = True
            elif rule.sets == "weight":
                councils.local_weight[row] = float(rule.value)
            else:
                councils.held[row] = Participation[str(rule.value).upper()]
        hold(councils)


def hold(councils: Councils) -> None:
    """Put councils whose participation is held back into it, in place."""
    kept = councils.held != FREE
    councils.participation[kept] = councils.held[kept]
