"""The attacker: what someone who holds every released table can work out about a figure that was withheld.

A released figure is a statement about the true whole numbers behind it: a sum of cells lies between two ends. From
all statements together, linear programming (HiGHS) gives the least and most that any cell can be. Disclosure control
uses it to check itself before a release; tests use it against controls that were weakened on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

Key = tuple[str, ...]

# A cell whose possible values span fewer than this, or cannot reach it, counts as given away.
SAFE_WIDTH = 5
# A stock of people this size or more says nothing about a count below 5.
_FAR = 9.0


@dataclass(frozen=True)
class Statement:
    """What one released figure says: the sum of `weights` times cells lies between `low` and `high`."""

    weights: Mapping[Key, float]
    low: float
    high: float


def total(cells: Iterable[Key], low: float, high: float) -> Statement:
    """The statement that a plain sum of cells lies between two ends."""
    return Statement(dict.fromkeys(cells, 1.0), low, high)


def difference(cell: Key, other: Key, low: float, high: float) -> Statement:
    """The statement that one cell less another lies between two ends, as a table of changes has it."""
    return Statement({cell: 1.0, other: -1.0}, low, high)


def bounds(targets: Sequence[Key], statements: Iterable[Statement]) -> dict[Key, tuple[float, float]]:
    """The least and most that each cell can be, given every statement; cells are whole numbers from 0.

    Args:
        targets: cells to bound.
        statements: everything that the attacker holds.

    Returns:
        Both ends by cell; infinity where nothing limits it.

    Raises:
        ValueError: the statements contradict one another.
    """
    found: dict[Key, tuple[float, float]] = {}
    for cells, said in components(targets, statements):
        system = _System(cells, said)
        for cell in targets:
            if cell in system.place:
                low, high = -system.reach({cell: -1.0}), system.reach({cell: 1.0})
                found[cell] = (float(np.ceil(low - 1e-6)), float(np.floor(high + 1e-6)))
    return {cell: found.get(cell, (0.0, np.inf)) for cell in targets}


def given_away(targets: Sequence[Key], statements: Iterable[Statement]) -> list[Key]:
    """Cells below 5 about which the statements say too much: fewer than 5 values possible, or surely below 5.

    The same verdict as `bounds` gives, found faster: one solution in which many cells are large clears them all.
    """
    exposed: list[Key] = []
    wanted = set(targets)
    for cells, said in components(targets, statements):
        system = _System(cells, said)
        open_cells = [cell for cell in cells if cell in wanted]
        while open_cells:
            values = system.push(open_cells)
            left = [cell for cell in open_cells if values[cell] < _FAR - 1e-6]
            if len(left) == len(open_cells):
                break
            open_cells = left
        for cell in open_cells:
            high = float(np.floor(system.reach({cell: 1.0}) + 1e-6))
            low = float(np.ceil(-system.reach({cell: -1.0}) - 1e-6)) if high < _FAR else 0.0
            if high < SAFE_WIDTH or high - low < SAFE_WIDTH:
                exposed.append(cell)
    return exposed


def components(
    targets: Sequence[Key], statements: Iterable[Statement]
) -> list[tuple[list[Key], list[Statement]]]:
    """Split cells and statements into parts that say nothing about one another; parts without a target are left out."""
    parent: dict[Key, Key] = {}

    def root(cell: Key) -> Key:
        parent.setdefault(cell, cell)
        while parent[cell] != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    kept = [statement for statement in statements if statement.weights]
    for statement in kept:
        first, *others = statement.weights
        top = root(first)
        for cell in others:
            parent[root(cell)] = top
    wanted = {root(cell) for cell in targets if cell in parent}
    cells: dict[Key, list[Key]] = {top: [] for top in wanted}
    said: dict[Key, list[Statement]] = {top: [] for top in wanted}
    for cell in parent:
        if root(cell) in wanted:
            cells[root(cell)].append(cell)
    for statement in kept:
        if (top := root(next(iter(statement.weights)))) in wanted:
            said[top].append(statement)
    return [(cells[top], said[top]) for top in wanted]


class _System:
    """The statements about one group of cells as a linear program."""

    def __init__(self, cells: list[Key], statements: list[Statement]) -> None:
        self.place = {cell: index for index, cell in enumerate(cells)}
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        ends: list[float] = []
        lower = np.zeros(len(cells))
        upper = np.full(len(cells), np.inf)
        for statement in statements:
            if len(statement.weights) == 1:  # a shown cell is a pair of ends, not a row
                (cell, weight), *_ = statement.weights.items()
                if weight == 1:
                    at = self.place[cell]
                    lower[at] = max(lower[at], statement.low)
                    upper[at] = min(upper[at], statement.high)
                    continue
            for sign, end in ((1.0, statement.high), (-1.0, -statement.low)):
                if np.isfinite(end):
                    for cell, weight in statement.weights.items():
                        rows.append(len(ends))
                        columns.append(self.place[cell])
                        values.append(sign * weight)
                    ends.append(end)
        self.lower, self.upper, self.ends = lower, upper, np.array(ends)
        self.matrix = csr_matrix((values, (rows, columns)), shape=(len(ends), len(cells))) if ends else None

    def reach(self, objective: Mapping[Key, float]) -> float:
        """The most that a weighted sum of cells can be."""
        return self._solve(objective, self.upper)[0]

    def push(self, cells: Iterable[Key]) -> dict[Key, float]:
        """One possible state in which as many of `cells` as can be are large."""
        capped = self.upper.copy()
        chosen = list(cells)
        for cell in chosen:
            at = self.place[cell]
            capped[at] = max(self.lower[at], min(capped[at], _FAR))
        values = self._solve(dict.fromkeys(chosen, 1.0), capped)[1]
        return {cell: float(values[self.place[cell]]) for cell in chosen}

    def _solve(self, objective: Mapping[Key, float], upper: np.ndarray) -> tuple[float, np.ndarray]:
        costs = np.zeros(len(self.place))
        for cell, weight in objective.items():
            costs[self.place[cell]] = -weight
        limits_of = list(zip(self.lower, [None if np.isinf(value) else value for value in upper], strict=True))
        limits = {} if self.matrix is None else {"A_ub": self.matrix, "b_ub": self.ends}
        solved = linprog(costs, bounds=limits_of, method="highs", **limits)
        if solved.status == 3:  # nothing limits it
            return np.inf, np.full(len(costs), np.inf)
        if solved.status != 0:
            raise ValueError("the released figures contradict one another")
        return -float(solved.fun), solved.x
