"""Disclosure control of a whole release: round, suppress, and go on until the attacker learns no count below 5.

A release is a set of cells (one council, date, scenario and measure each) and of sums of them that are shown too:
totals of a region, totals of a row. Shown figures are rounded to 5 on the true value; counts below 5 are withheld,
zero included; further figures are withheld until neither a total, nor a row, nor another scenario, nor any earlier
release lets anyone narrow a withheld small count to fewer than five values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evidence.disclosure import BASE
from evidence.exchange.attack import Key, Statement, components, given_away, total
from params.errors import InputError


@dataclass
class Figures:
    """What a release would like to show.

    Attributes:
        cells: true whole number by key.
        sums: the cells that each shown total adds up, by the total's key.
        twins: keys of the same place, date and measure in other scenarios; all are withheld or none, because until
            their policies differ they are the same number.
        inner: cells that the release does not show, only sums of them.
        spare: totals that are sooner withheld than another part of theirs, such as the total of a row.
    """

    cells: dict[Key, int] = field(default_factory=dict)
    sums: dict[Key, tuple[Key, ...]] = field(default_factory=dict)
    twins: dict[Key, tuple[Key, ...]] = field(default_factory=dict)
    inner: set[Key] = field(default_factory=set)
    spare: set[Key] = field(default_factory=set)

    def value(self, key: Key) -> int:
        """The true number of a cell or a total."""
        return self.cells[key] if key in self.cells else sum(self.cells[cell] for cell in self.sums[key])

    def parts(self, key: Key) -> tuple[Key, ...]:
        """The cells of a total; a cell is its own part."""
        return self.sums.get(key, (key,))

    @property
    def keys(self) -> list[Key]:
        """Everything that could be shown."""
        return [*self.cells, *self.sums]


def rounded(value: int) -> int:
    """A count to the nearest 5."""
    return BASE * ((value + BASE // 2) // BASE)


def said(figures: Figures, hidden: set[Key]) -> list[Statement]:
    """What the shown figures tell an attacker who knows the rules: each is within 2 of the truth, and 5 or more."""
    half = BASE // 2
    return [
        total(figures.parts(key), max(BASE, rounded(figures.value(key)) - half), rounded(figures.value(key)) + half)
        for key in figures.keys
        if key not in hidden
    ]


def protect(figures: Figures, earlier: Sequence[Statement] = (), withheld: Iterable[Key] = ()) -> set[Key]:
    """Choose what to withhold.

    Args:
        figures: the release.
        earlier: what earlier releases, to anyone, already said about cells, of this release or others.
        withheld: small cells of earlier releases, which this one must not give away either.

    Returns:
        Keys of the cells and totals to withhold.

    Raises:
        InputError: everything would have to be withheld, because of what earlier releases said.
    """
    hidden: set[Key] = set()
    _hide({key for key in figures.keys if figures.value(key) < BASE} | figures.inner, figures, hidden)
    _second_of_each_total(figures, hidden)
    small = sorted({key for key in figures.cells if figures.cells[key] < BASE} | set(withheld))
    before = set(given_away(small, earlier))
    exposed = [key for key in small if key not in before]
    while True:
        everything = [*earlier, *said(figures, hidden)]
        # Withholding more only widens what is possible: a cell that was safe stays safe.
        exposed = given_away(exposed, everything)
        if not exposed:
            break
        chosen = {beside for key in exposed if (beside := _beside(key, figures, hidden, everything))}
        if not chosen:
            hidden |= set(figures.keys)
        _hide(chosen, figures, hidden)
        _second_of_each_total(figures, hidden)
    if earlier and hidden >= set(figures.keys):
        raise InputError(
            "share: with what earlier releases show, every figure would have to be withheld; nothing was released. "
            "Share a coarser geography."
        )
    return hidden


def _second_of_each_total(figures: Figures, hidden: set[Key]) -> None:
    """Withhold a second part of each shown total that has one withheld part, or whose withheld parts sum below 5."""
    for key, cells in figures.sums.items():
        while key not in hidden:
            inside = [cell for cell in cells if cell in hidden]
            if not inside or (len(inside) > 1 and sum(figures.cells[cell] for cell in inside) >= BASE):
                break
            _hide({_least_loss(key, figures, hidden)}, figures, hidden)


def _beside(key: Key, figures: Figures, hidden: set[Key], everything: Sequence[Statement]) -> Key | None:
    """What to withhold so that less is known of a cell: in a total of its own, else in what bears on it at all."""
    for over, cells in figures.sums.items():
        if key in cells and over not in hidden:
            return _least_loss(over, figures, hidden)
    around = {cell for cells, _ in components([key], everything) for cell in cells}
    open_keys = [k for k in figures.keys if k not in hidden and around.intersection(figures.parts(k))]
    # A total before a cell: the cells are what readers came for.
    return min(open_keys, key=lambda k: (k in figures.cells, figures.value(k), k), default=None)


def _least_loss(key: Key, figures: Figures, hidden: set[Key]) -> Key:
    """What to withhold of a total that says too much: the total if it is spare, else its smallest shown part."""
    shown = [cell for cell in figures.sums[key] if cell not in hidden]
    if key in figures.spare or not shown:
        return key
    return min(shown, key=lambda cell: (figures.cells[cell], cell))


def _hide(keys: Iterable[Key], figures: Figures, hidden: set[Key]) -> None:
    """Withhold figures, in every scenario."""
    for key in keys:
        hidden.add(key)
        hidden.update(figures.twins.get(key, ()))


def margins(cells: Iterable[Key], place: int, groups: Mapping[str, str]) -> dict[Key, tuple[Key, ...]]:
    """Totals of cells over the places of each group, such as councils of a region.

    Args:
        cells: keys of the cells.
        place: position of the place in a key.
        groups: group by place.

    Returns:
        The cells of each total, under the key with the group in the place's stead.
    """
    found: dict[Key, list[Key]] = {}
    for cell in cells:
        over = (*cell[:place], groups[cell[place]], *cell[place + 1 :])
        found.setdefault(over, []).append(cell)
    return {key: tuple(parts) for key, parts in found.items() if len(parts) > 1}
