"""The explorer's levers: which assumptions they move, from when, and what they say where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import params
from evidence.wording import number
from params import Assumptions, InputError
from params.register import Assumption, Value, read_register

# The first financial year that a spending review could change, as in params/studies.
FROM = date(2027, 4, 1)
SCENARIO = "current_grant"  # what every lever departs from: the grant of 2025-26 carried forward


@dataclass(frozen=True)
class Lever:
    """One thing a person can move.

    Attributes:
        name: key of the lever in a `Position`.
        label: as read beside the control, with its unit.
        assumptions: dotted names it moves, all to the same value.
        low, high, step: of a number, in what the control shows.
        choices: of a choice, what is shown by value; None for a number.
        world: whether it is the world's and not a policy: then it holds from the start and in the comparator too.
    """

    name: str
    label: str
    assumptions: tuple[str, ...]
    low: int = 0
    high: int = 0
    step: int = 1
    choices: Mapping[str, str] | None = None
    world: bool = False

    def entry(self) -> Assumption:
        """The register's entry of the (first) assumption it moves."""
        return read_register()[self.assumptions[0]]

    def shown(self, value: Value) -> Value:
        """An assumption's value as the control shows it: percent of today's pace, residents for one person."""
        if self.name == "procurement":
            return round(100 * float(value))
        if self.name == "cluster_limit":
            return round(1 / float(value))
        return value if isinstance(value, str) else round(float(value))

    def value(self, shown: Value) -> Value:
        """The assumption's value that a control's value stands for."""
        if self.name == "procurement":
            return float(shown) / 100
        if self.name == "cluster_limit":
            return 1 / float(shown)
        return shown if isinstance(shown, str) else float(shown)

    def words(self, shown: Value) -> str:
        """A control's value as a reader meets it in a sentence or a table."""
        if self.choices is not None:
            return self.choices[str(shown)]
        amount = number(float(shown), 6)
        if self.name == "grant":
            return f"£{amount}"
        return {"procurement": f"{amount}%", "cluster_limit": f"1 in {amount}"}.get(self.name, f"{amount} days")


LEVERS: tuple[Lever, ...] = (
    Lever("grant", "Grant, £ a person a year", ("funding.grant_per_person",), 0, 20_000, 100),
    Lever(
        "notice", "Notice after a grant of status, days", ("decisions.notice_days", "decisions.notice_days_families"),
        7, 112, 7,
    ),
    Lever("procurement", "Procurement, % of today's pace", ("procurement.growth_factor",), 0, 300, 10),
    Lever(
        "rule", "Allocation rule", ("placement.rule",),
        choices={
            "status_quo": "Current practice", "population_share": "Population share",
            "index": "Transparent index", "equity_lp": "Least largest rate",
        },
    ),
    Lever("cluster_limit", "Cluster limit, residents for each person", ("placement.cluster_limit",), 50, 1000, 10),
    Lever(
        "denominator", "Residents counted for the limit", ("placement.cluster_denominator",),
        choices={"latest": "Latest estimate", "census_2001": "2001 census"},
    ),
    Lever(
        "intake", "Intake", ("forecast.shock.applied",), world=True,
        choices={
            "none": "As forecast", "halving": "Halves in two years", "doubling": "Doubles in two years",
            "tripling": "Triples in two years",
        },
    ),
)  # fmt: skip
BY_NAME: Mapping[str, Lever] = {lever.name: lever for lever in LEVERS}


@lru_cache
def today() -> Mapping[str, Value]:
    """Where each lever stands under the present policy on `FROM`, as its control shows it."""
    central = params.load(SCENARIO)
    return {lever.name: lever.shown(central.value(lever.assumptions[0], FROM)) for lever in LEVERS}


@dataclass(frozen=True)
class Difference:
    """One assumption that a position changes.

    Attributes:
        lever: the lever's label.
        before, after: what it was and is, in words.
        since: from when it differs.
        assumption: its dotted name.
        source: the register's source of the value before.
    """

    lever: str
    before: str
    after: str
    since: str
    assumption: str
    source: str


@dataclass(frozen=True)
class Position:
    """Where the levers stand: values as the controls show them, in the order of `LEVERS`.

    Example:
        >>> from evidence.explorer.levers import Position
        >>> Position.of(grant=2400).overrides()
        {'funding.grant_per_person@2027-04-01': 2400.0}
    """

    values: tuple[Value, ...]

    @classmethod
    def of(cls, **moved: Value) -> Position:
        """Today's position with some levers moved.

        Raises:
            InputError: a lever that does not exist, or a value outside its range.
        """
        from params.errors import unknown

        for name, value in moved.items():
            if name not in BY_NAME:
                raise unknown("explorer", "a lever", name, BY_NAME)
            lever = BY_NAME[name]
            if lever.choices is not None and value not in lever.choices:
                raise unknown(f"explorer: {name}", "one of its choices", str(value), lever.choices)
            whole = isinstance(value, int | float) and not isinstance(value, bool)
            if lever.choices is None and not (whole and lever.low <= float(value) <= lever.high):
                raise InputError(f"explorer: {name} is {value!r}; it must be from {lever.low:,} to {lever.high:,}.")
        return cls(tuple(moved.get(name, value) for name, value in today().items()))

    def __getitem__(self, lever: str) -> Value:
        return dict(zip(BY_NAME, self.values, strict=True))[lever]

    def moved(self, world: bool | None = None) -> dict[str, Value]:
        """Levers that do not stand where they do today, by name.

        Args:
            world: only those of the world (True) or of policy (False); all when None.
        """
        return {
            lever.name: self[lever.name]
            for lever in LEVERS
            if self[lever.name] != today()[lever.name] and world in (None, lever.world)
        }

    def overrides(self) -> dict[str, Value]:
        """What `params.load` takes on top of `SCENARIO`: a value by dotted name, from `FROM` on where it is policy."""
        found: dict[str, Value] = {}
        for name, shown in self.moved().items():
            lever = BY_NAME[name]
            since = "" if lever.world else f"@{FROM.isoformat()}"
            found |= {f"{assumption}{since}": lever.value(shown) for assumption in lever.assumptions}
        return found

    def assumptions(self) -> Assumptions:
        """The assumptions of this position.

        Raises:
            InputError: for a value that the register refuses, or a local file that is missing.
        """
        return params.load(SCENARIO, self.overrides())

    def comparator(self) -> Position:
        """What it is compared with: the same world under present policy; when only the world moved, the forecast's.

        One comparison answers one question. Policy and intake moved together would leave no telling which did what.
        """
        return Position.of(**self.moved(world=True)) if self.moved(world=False) else Position.of()

    def label(self) -> str:
        """Its name in charts and tables: 'As now', or what was moved."""
        parts = [f"{BY_NAME[name].label.partition(',')[0].lower()} {BY_NAME[name].words(value).lower()}"
                 for name, value in self.moved().items()]  # fmt: skip
        text = "; ".join(parts)
        return text[:1].upper() + text[1:] if text else "As now"

    def differences(self, base: Position) -> list[Difference]:
        """Every assumption that differs from another position, with the source of what it was."""
        found = []
        for lever in LEVERS:
            if self[lever.name] == base[lever.name]:
                continue
            entry = lever.entry()
            for assumption in lever.assumptions:
                found.append(
                    Difference(
                        lever.label, lever.words(base[lever.name]), lever.words(self[lever.name]),
                        "the start" if lever.world else f"{FROM.day} {FROM:%B %Y}", assumption, entry.source,
                    )
                )  # fmt: skip
        return found
