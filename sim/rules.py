"""The rules a researcher may replace by a function of their own; its answers are checked and its cost is measured."""

from __future__ import annotations

import inspect
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import wraps
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import numpy as np

import params
from params import InputError
from params.errors import unknown
from sim.allocation import Allocation
from sim.council import Councils, entry_chance, objection_chance
from sim.funding import Caseload, grants
from sim.provider import attraction, offers

NOTICEABLE = 0.05  # share of the run's time from which a plain Python rule is worth a warning
_ARGUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"offers": ("area", "councils", "beds", "pull", "now", "draws", "month"), "grants": ("load", "now")}
)
_COUNCILS = ("councils", "now")  # what every other rule is given
_EXPECTED = MappingProxyType(
    {
        "attraction": "a weight of 0 or more",
        "offers": "whole beds, 0 or more, and none where pull is 0",
        "objection_chance": "a chance from 0 to 1",
        "entry_chance": "a chance from 0 to 1",
        "grants": "GBP of the month, 0 or more",
        "allocation": "a weight of 0 or more, above 0 somewhere",
    }
)


class RuleWarning(UserWarning):
    """A rule in plain Python takes a noticeable share of the run."""


def _names_its_rules[R](rules: type[R]) -> type[R]:
    """Make a class of rules answer a rule it does not have as every other wrong name is answered."""
    begin, known = rules.__init__, {field.name for field in fields(rules)}  # type: ignore[arg-type]

    @wraps(begin)
    def named(self: R, *given: Any, **by_name: Any) -> None:
        for name in by_name:
            if name not in known:
                raise unknown("sim.Rules", "a rule", name, known)
        begin(self, *given, **by_name)

    rules.__init__ = named  # type: ignore[method-assign, assignment]
    return rules


@_names_its_rules
@dataclass(frozen=True)
class Rules:
    """The rules a researcher may replace, each by a function with the same arguments.

    A function is called once a month (`offers` once a month and contract area, `allocation` twice) and answers for all
    councils at once. Its answer is checked: another shape, a value that is not finite, or one outside what the rule
    may say raises an `InputError` that names the rule, the month and what was expected. Plain Python works at once,
    with a `RuleWarning` where it took a noticeable share of the run. A function compiled by `numba.njit` cannot take
    the arguments below, so it names what it wants: columns of `Councils` (of `Caseload` for `grants`), the cluster
    `limit`, and assumptions with underscores for dots, as in `def f(population, procurement_rent_elasticity)`. It gets
    columns as contiguous arrays (`float64[::1]` where a signature is given); a change made in one goes nowhere.

    Attributes:
        attraction: `(councils, now)`, how much a provider wants to be in each council, (council,), 0 or more.
        offers: `(area, councils, beds, pull, now, draws, month)`, where a provider proposes `beds` beds in a contract
            area, (council,) whole beds; `pull` is attraction after every limit. Returns what it proposes.
        objection_chance: `(councils, now)`, chance (council,) that a council objects to a proposal this month.
        entry_chance: `(councils, now)`, chance (council,) that a council outside dispersal agrees to take part.
        grants: `(load, now)`, grant to each council this month, (council,) GBP cash; `load` is a `Caseload`.
        allocation: `(councils, now)`, weight (council,) by which people are placed and proposals steered; None follows
            the assumption `placement.rule`.

    Raises:
        InputError: a name that is no rule, with the nearest; or what is given is not a function.

    In all of them `councils` is `sim.council.Councils` (columns of length (council,); `councils.month` is the calendar
    month), and `now` is the month's assumptions, as in `now.procurement.rent_elasticity`.

    Example:
        >>> import sim
        >>> rules = sim.Rules(grants=lambda load, now: load.accommodated * 100.0)
        >>> sorted(rules.replaced)
        ['grants']
    """

    attraction: Callable[..., np.ndarray] = attraction
    offers: Callable[..., np.ndarray] = offers
    objection_chance: Callable[..., np.ndarray] = objection_chance
    entry_chance: Callable[..., np.ndarray] = entry_chance
    grants: Callable[..., np.ndarray] = grants
    allocation: Allocation | None = None

    def __post_init__(self) -> None:
        for name, function in self.replaced.items():
            if not callable(function):
                takes = ", ".join(_ARGUMENTS.get(name, _COUNCILS))
                raise InputError(
                    f"rule {name}: {function!r} is not a function of ({takes}) that returns, for each council, "
                    f"{_EXPECTED[name]}."
                )

    @property
    def replaced(self) -> dict[str, Any]:
        """The functions that stand in place of the model's own, by rule."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        own = {field.name: field.default for field in fields(self)}
        return {name: function for name, function in given.items() if function is not own[name]}


class Watched:
    """A replaced rule in use: its answers are checked, and its time is added up over the simulations that share it.

    Attributes:
        rule: which rule it replaces.
        function: the researcher's function.
        compiled: whether numba compiled it.
        seconds: processor time spent in it.
    """

    def __init__(self, rule: str, function: Callable[..., Any]) -> None:
        self.rule, self.function = rule, function
        self.compiled = hasattr(function, "py_func")
        self.seconds = 0.0
        self._adding = threading.Lock()
        self._call = _by_name(rule, function) if self.compiled else function

    @property
    def name(self) -> str:
        """Rule and function, for messages."""
        return f"{self.rule} ({getattr(self.function, '__name__', type(self.function).__name__)})"

    def __call__(self, *arguments: Any) -> np.ndarray:
        began = time.thread_time()
        try:
            answer = self._call(*arguments)
        except Exception as error:
            error.add_note(f"in the rule {self.name}, {_month(self.rule, arguments)}")
            raise
        spent = time.thread_time() - began
        with self._adding:
            self.seconds += spent
        return self._checked(answer, arguments)

    def _checked(self, answer: Any, arguments: tuple[Any, ...]) -> np.ndarray:
        """The answer as an array (council,), or an InputError."""
        if answer is None:
            raise self._wrong(arguments, "returned None; does it end with return?")
        try:
            values = np.array(answer, float)  # a copy: a rule may return a column, which the month must not work on
        except (TypeError, ValueError):
            raise self._wrong(arguments, f"returned {type(answer).__name__}, which is not numbers") from None
        count = (arguments[0].baseline if self.rule == "grants" else _councils(self.rule, arguments).codes).size
        if values.shape != (count,):
            raise self._wrong(arguments, f"returned shape {values.shape}, not ({count},)")
        bad = ~np.isfinite(values) | (values < 0)
        if self.rule in ("objection_chance", "entry_chance"):
            bad |= values > 1
        if self.rule == "offers":
            bad |= (values != np.floor(values)) | ((values > 0) & (arguments[3] <= 0))
        if bad.any():
            row = int(bad.argmax())
            council = params.reference("councils").iloc[row]
            raise self._wrong(arguments, f"returned {values[row]:g} for {council['name']} ({council['lad_code']})")
        if self.rule == "allocation" and not values.any():
            raise self._wrong(arguments, "returned 0 for every council")
        return values.astype(np.int64) if self.rule == "offers" else values

    def _wrong(self, arguments: tuple[Any, ...], what: str) -> InputError:
        month = _month(self.rule, arguments)
        return InputError(f"rule {self.name}, {month}: {what}. Expected for each council: {_EXPECTED[self.rule]}.")


def watched(rules: Rules) -> Rules:
    """The same rules with each replaced one watched; those that are watched already keep adding up."""
    new = {n: Watched(n, f) for n, f in rules.replaced.items() if not isinstance(f, Watched)}
    return replace(rules, **new) if new else rules


def warn_of_cost(rules: Rules, seconds: float, stacklevel: int = 2) -> None:
    """Say which plain Python rules took a noticeable share of the processor time of the simulations they were in."""
    for own in rules.replaced.values():
        share = own.seconds / max(seconds, 1e-9)
        if not own.compiled and share >= NOTICEABLE:
            warnings.warn(
                f"rule {own.name} is plain Python and took {100 * share:.0f}% of the run; written with numpy over all "
                f"councils at once, or compiled by numba.njit, it costs next to nothing.",
                RuleWarning,
                stacklevel=stacklevel + 1,
            )


def _councils(rule: str, arguments: tuple[Any, ...]) -> Councils:
    return arguments[1] if rule == "offers" else arguments[0]


def _month(rule: str, arguments: tuple[Any, ...]) -> str:
    holder: Caseload | Councils = arguments[0] if rule == "grants" else _councils(rule, arguments)
    return str(holder.month)


def _by_name(rule: str, function: Any) -> Callable[..., Any]:
    """Call a compiled function with the columns and assumptions that its arguments name."""
    wanted = list(inspect.signature(function.py_func).parameters)
    named = _ARGUMENTS.get(rule, _COUNCILS)
    getters: list[Callable[[Mapping[str, Any]], Any]] = []

    def call(*arguments: Any) -> Any:
        given = dict(zip(named, arguments, strict=True))
        if not getters:
            getters.extend([_getter(rule, name, given) for name in wanted])
        return function(*(get(given) for get in getters))

    return call


def _getter(rule: str, name: str, given: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Any]:
    """How to find what one argument names: a plain argument of the rule, a column, or an assumption."""
    plain = [key for key in given if key not in ("councils", "load", "now", "draws")]
    if name in plain:
        return lambda now_given: now_given[name]
    holder = "load" if rule == "grants" else "councils"
    columns = [column for column in dir(given[holder]) if not column.startswith("_")]
    if name == "limit" and holder == "councils":
        return lambda now_given: now_given[holder].limit(now_given["now"])
    if name in columns:
        return lambda now_given: _in_one_piece(getattr(now_given[holder], name))
    assumptions = {path.replace(".", "_"): path for path in _paths("", given["now"])}
    if name not in assumptions:
        raise unknown(f"rule {rule}", "a column or an assumption", name, [*plain, *columns, *assumptions])
    found = attrgetter(assumptions[name])
    return lambda now_given: found(now_given["now"])


def _in_one_piece(column: Any) -> Any:
    """A column apart from the rows it lies in, so that a function compiled for plain arrays takes it."""
    return np.ascontiguousarray(column) if isinstance(column, np.ndarray) else column


def _paths(prefix: str, group: Any) -> Iterator[str]:
    """Dotted names of a month's assumptions."""
    for key, value in group.items():
        if hasattr(value, "items"):
            yield from _paths(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}"
