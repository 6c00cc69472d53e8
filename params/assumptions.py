"""Assumptions as one run uses them: the register, one scenario, the overrides, and at most one draw."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from params.errors import InputError, nearest, unknown
from params.instruments import FOLDER as INSTRUMENTS
from params.instruments import Chosen, Instrument
from params.local import KEY as LOCAL
from params.local import Local, Reason, choose, reasoned
from params.posterior import AXIS, Posterior, read_posterior
from params.register import FOREVER, ROOT, Assumption, Value, find, read_register, read_toml

if TYPE_CHECKING:
    import pandas as pd

_OVERRIDE_KEYS = ("value", "from", "dated", "unit")


@dataclass(frozen=True)
class Step:
    """A value from a date on; `drawn` says whether a draw of the uncertain assumptions may move it."""

    start: date
    value: Value
    drawn: bool


class Group:
    """Read-only attributes for one month's assumptions: `now.funding.grant_per_person`."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self.__dict__.update(members)
        self.__dict__["_name"] = name

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"{self._name}.{key}: assumptions are frozen; use an override or a scenario.")

    def __getattr__(self, key: str) -> Any:
        guess = nearest(key, [k for k in self.__dict__ if not k.startswith("_")])
        raise AttributeError(f"{key} is not in {self.__dict__.get('_name', 'assumptions')}. Nearest: {guess}.")

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values of the group, in the register's order."""
        return ((k, v) for k, v in self.__dict__.items() if k != "_name")


@dataclass(frozen=True, repr=False)
class Assumptions:
    """Everything one run assumes. In a notebook it shows what differs from the register, and its sources.

    Attributes:
        scenario: name of the scenario file.
        why: the scenario's one sentence.
        entries: the register, by dotted name.
        steps: dated values in force, by dotted name.
        overridden: where each overridden name was set.
        draw: number of the draw, 0 for central values.
        local: what the scenario says of single councils, why, and the local file where it asks for one.
        posterior: joint draws of the calibrated assumptions, where a calibration was adopted.
        instruments: grant instruments by name, in the order in which they are paid.
        given: the overrides given in code or by `--set`, as `load` took them.
    """

    scenario: str
    why: str
    entries: Mapping[str, Assumption]
    steps: Mapping[str, tuple[Step, ...]]
    overridden: Mapping[str, str]
    draw: int = 0
    local: Local = Local()
    posterior: Posterior | None = None
    instruments: Mapping[str, Instrument] = MappingProxyType({})
    given: Mapping[str, object] = MappingProxyType({})
    _made: dict[int, Any] = field(init=False, compare=False, default_factory=dict)

    def value(self, name: str, on: date) -> Value:
        """Value of one assumption on a date; before its first date the first value holds."""
        find(self.entries, name, "assumptions")
        steps = self.steps[name]
        return next((s.value for s in reversed(steps) if s.start <= on), steps[0].value)

    def at(self, on: date) -> Any:
        """Every assumption on a date, as nested read-only attributes."""
        tree: dict[str, Any] = {}
        for name in self.entries:
            *groups, leaf = name.split(".")
            node = tree
            for group in groups:
                node = node.setdefault(group, {})
            node[leaf] = self.value(name, on)
        tree[INSTRUMENTS] = tuple(self._paid(own, on) for own in self.instruments.values() if own.on(on))
        return _freeze("assumptions", tree)

    def _paid(self, instrument: Instrument, on: date) -> Instrument:
        """An instrument with its rate on a date as a number."""
        if isinstance(instrument.rate, float):
            return instrument
        return instrument.model_copy(update={"rate": float(self.value(instrument.rate, on))})

    def by_month(self, months: Sequence[date]) -> list[Any]:
        """`at` for each of some dates in order; dates between two changes share one object."""
        dated = {step.start for steps in self.steps.values() for step in steps}
        changes = sorted(dated.union(*(instrument.changes() for instrument in self.instruments.values())))
        found: dict[int, Any] = {}
        for month in months:
            found.setdefault(bisect_right(changes, month), month)
        for position, month in found.items():
            if position not in self._made:  # kept, because a study's replications ask for the same months
                self._made[position] = self.at(month)
        return [self._made[bisect_right(changes, month)] for month in months]

    def with_draw(self, draw: int, draws: int, seed: int) -> Assumptions:
        """The same assumptions with the uncertain ones moved to draw number `draw`.

        Draw 0 is the central values. Draws 1 to `draws - 1` are a Latin hypercube over every uncertain entry of
        the register, so draw k moves the same assumption to the same place in every arm. Calibrated assumptions
        are one axis of it, along the rows of the adopted posterior, because only values of one row fit together.
        An assumption that a scenario overrides is that scenario's policy and is not drawn.

        Raises:
            InputError: when `draw` is not one of the draws.
        """
        if not 0 <= draw < draws:
            raise InputError(f"draw {draw}: must be from 0 to {draws - 1}.")
        if draw == 0:
            return self
        axes = sorted(set(self.axes().values()))
        levels = dict(zip(axes, map(float, _hypercube(len(axes), draws - 1, seed)[draw - 1]), strict=True))
        return replace(self.at_levels(levels), draw=draw)

    def axes(self) -> dict[str, str]:
        """The axis along which each uncertain assumption is drawn, by name.

        Most have an axis of their own. Those that only fit together share one: the adopted posterior, where one
        was adopted and its entries are the register's, or a joint set.
        """
        fitted = self._joint.names if self._joint else ()
        return {
            name: AXIS if name in fitted else entry.joint.group if entry.joint else name
            for name, entry in self.entries.items()
            if entry.distribution != "fixed"
        }

    def at_levels(self, levels: Mapping[str, float]) -> Assumptions:
        """The same assumptions with some axes at given probability levels of their distributions.

        Args:
            levels: from 0 to 1 by axis; an axis that is not named stays central.
        """
        axis = self.axes()
        for name in levels:
            if name not in axis.values():
                raise unknown("at_levels", "an axis of uncertain assumptions", name, sorted(set(axis.values())))
        values = {n: quantile(self.entries[n], levels[a]) for n, a in axis.items() if a != AXIS and a in levels}
        return self.moved(values | (self._joint.row(levels[AXIS]) if self._joint and AXIS in levels else {}))

    @property
    def _joint(self) -> Posterior | None:
        """The posterior; a hindcast that replaces fitted entries by what was known then has no use for it."""
        return self.posterior if self.posterior and self.posterior.holds_for(self.entries) else None

    def moved(self, values: Mapping[str, float]) -> Assumptions:
        """The same assumptions with some uncertain ones at other values; what a scenario overrides stays.

        Where values are dated, the latest becomes the value given and the others that may be drawn scale alike.
        """
        steps = dict(self.steps)
        for name, value in values.items():
            centre = float(find(self.entries, name, "assumptions").values()[-1])
            steps[name] = tuple(replace(s, value=_moved(s, centre, value)) for s in steps[name])
        return replace(self, steps=MappingProxyType(steps))

    def canonical(self) -> dict[str, Any]:
        """What the run's numbers depend on, as plain JSON: every name with its dated values."""
        found = {n: [[s.start.isoformat(), s.value] for s in self.steps[n]] for n in sorted(self.entries)}
        paid = {f"{INSTRUMENTS}.{n}": [[FOREVER.isoformat(), i.words()]] for n, i in self.instruments.items()}
        return found | paid | self.local.canonical()

    def differences(self, base: Assumptions) -> dict[str, tuple[tuple[Step, ...], tuple[Step, ...]]]:
        """Names whose values differ from `base`, with base's steps and ours."""
        return {n: (base.steps[n], self.steps[n]) for n in self.entries if base.steps[n] != self.steps[n]}

    def changes(self) -> pd.DataFrame:
        """What differs from the register, one row an assumption or grant instrument.

        Returns:
            Columns `name`, `base` and `value` (in words, with dates where values are dated), `unit`, `set_in` (scenario
            file, `code` for overrides in code or by `--set`, or the draw) and `source` (of the register's value).

        Example:
            >>> import params
            >>> changed = params.load("central", {"decisions.notice_days@2027-04-01": 56}).changes()
            >>> changed[["name", "set_in"]].to_dict("records")
            [{'name': 'decisions.notice_days', 'set_in': 'code'}]
        """
        import pandas as pd

        rows = []
        for name, entry in self.entries.items():
            own, base = self.steps[name], _base_steps(entry)
            if [(s.start, s.value) for s in own] != [(s.start, s.value) for s in base]:
                where = f"draw {self.draw}" if self.draw else "levels"
                where = _place(self.overridden[name]) if name in self.overridden else where
                rows.append([name, _words(base), _words(own), entry.unit, where, entry.source])
        for name, instrument in self.instruments.items():
            places = {_place(p) for key, p in self.overridden.items() if key.startswith(f"{INSTRUMENTS}.{name}.")}
            if places:
                rows.append([f"{INSTRUMENTS}.{name}", "", instrument.words(), "", ", ".join(sorted(places)), ""])
        return pd.DataFrame(rows, columns=["name", "base", "value", "unit", "set_in", "source"])

    def _summary(self) -> str:
        drawn = f"draw {self.draw}" if self.draw else "central values"
        found = len(self.changes())
        differs = "no difference" if not found else "1 difference" if found == 1 else f"{found} differences"
        return f"{drawn}, {differs} from the register"

    def __repr__(self) -> str:
        rows = self.changes()[["name", "base", "value", "unit"]].to_numpy(str)
        shown = [f"  {name}: {base or 'none'} -> {value} {unit}".rstrip() for name, base, value, unit in rows]
        more = [f"  ... and {len(shown) - 12} more: .changes()"] if len(shown) > 12 else []
        return "\n".join([f"Assumptions {self.scenario!r}: {self._summary()}", *shown[:12], *more])

    def _repr_html_(self) -> str:
        from params import showing

        changed = self.changes()
        text = showing.heading(f"Assumptions: {self.scenario}", f"{self.why} ({self._summary()})")
        if changed.empty:
            return text
        columns = ["Assumption", "Register", "Here", "Unit", "Set in", "Source of the register's value"]
        return text + showing.table(f"Differences of {self.scenario} from the register", columns, changed.to_numpy())


@lru_cache(maxsize=4)
def _hypercube(axes: int, points: int, seed: int) -> Any:
    """Levels (point, axis) of a Latin hypercube, made once for all draws of a study."""
    from scipy.stats import qmc

    return qmc.LatinHypercube(d=axes, rng=seed).random(points)


def _place(where: str) -> str:
    """Where a value was set, as a reader knows it: a file of params, or code."""
    path = Path(where)
    if path.is_relative_to(ROOT):
        return f"params/{path.relative_to(ROOT).as_posix()}"
    return "code" if where == "--set" else where


def _words(steps: Sequence[Step]) -> str:
    """Values in words, each with the date it holds from where there are several."""
    if len(steps) == 1 and steps[0].start == FOREVER:
        return _word(steps[0].value)
    return "; ".join(_word(s.value) if s.start == FOREVER else f"{_word(s.value)} from {s.start}" for s in steps)


def _word(value: Value) -> str:
    if isinstance(value, bool | str):
        return str(value).lower()
    return f"{value:,.6g}"


def _moved(step: Step, centre: float, drawn: float) -> Value:
    if not step.drawn:
        return step.value
    return drawn if step.value == centre or centre == 0 else float(step.value) * drawn / centre


def quantile(entry: Assumption, level: float) -> float:
    """Value of an uncertain assumption at a probability level, from its distribution and range."""
    if entry.joint:
        return entry.joint.values[min(int(level * len(entry.joint.values)), len(entry.joint.values) - 1)]
    low, high, mode = float(entry.low or 0), float(entry.high or 0), float(entry.values()[-1])
    if entry.distribution == "uniform":
        return low + level * (high - low)
    if entry.distribution == "triangular":
        split = (mode - low) / (high - low)
        if level < split:
            return low + math.sqrt(level * (high - low) * (mode - low))
        return high - math.sqrt((1 - level) * (high - low) * (high - mode))
    from scipy.stats import norm

    middle, spread = (math.log(high) + math.log(low)) / 2, (math.log(high) - math.log(low)) / 2
    return math.exp(middle + spread * norm.ppf(level) / norm.ppf(0.95))


def _freeze(name: str, tree: Mapping[str, Any]) -> Group:
    return Group(name, {k: _freeze(k, v) if isinstance(v, Mapping) else v for k, v in tree.items()})


def _base_steps(entry: Assumption) -> tuple[Step, ...]:
    uncertain = entry.distribution != "fixed"
    if entry.value is not None:
        return (Step(FOREVER, entry.value, uncertain),)
    return tuple(Step(d.start, d.value, uncertain and not d.known) for d in entry.dated)


def _flatten(
    prefix: str, table: Mapping[str, Any], entries: Mapping[str, Assumption]
) -> Iterator[tuple[str, object]]:
    for key, given in table.items():
        name = f"{prefix}.{key}" if prefix else key
        if name in entries or not isinstance(given, Mapping):
            yield name, given
        else:
            yield from _flatten(name, given, entries)


def _apply(
    steps: dict[str, tuple[Step, ...]],
    overridden: dict[str, str],
    reasons: list[Reason],
    entries: Mapping[str, Assumption],
    name: str,
    given: object,
    place: str,
) -> None:
    """Override one assumption: a bare value for all time, or a table with `value` and `from` for a dated change."""
    name, dated, day = name.partition("@")
    entry = find(entries, name, place)
    if name in overridden:
        raise InputError(f"{place}: {name} is already set in {overridden[name]}; one override for each assumption.")
    if dated:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
            raise InputError(f"{place}: {name}@{day}: the date must read like 2027-04-01.")
        own = given if isinstance(given, Mapping) else {"value": given}
        given = {**own, "from": _day(day, f"{place}: {name}")}
    given = reasoned(entry, name, given, place, reasons)
    new = _override_steps(entry, name, given, place)
    if entry.joint:
        raise InputError(f"{place}: {name}: is one of a set of values that fit together; it is drawn, not set alone.")
    steps[name] = (*(s for s in steps[name] if s.start < new[0].start), *new)
    overridden[name] = place


def _override_steps(entry: Assumption, name: str, given: object, place: str) -> list[Step]:
    """Read an override: a bare value (for all time), `{from, value}`, or `{dated = [{from, value}, ...]}`."""
    if not isinstance(given, Mapping):
        return [_step(entry, name, FOREVER, given, place)]
    for key in given:
        if key not in _OVERRIDE_KEYS:
            raise unknown(f"{place}: {name}", "a key of an override", key, _OVERRIDE_KEYS)
    if "unit" in given and given["unit"] != entry.unit:
        raise InputError(f"{place}: {name}: unit {given['unit']!r} is wrong. Nearest: {entry.unit!r}.")
    if ("value" in given) == ("dated" in given) or ("dated" in given and "from" in given):
        raise InputError(f"{place}: {name}: needs a value (with or without from), or dated values.")
    if "value" in given:
        return [_step(entry, name, given.get("from", FOREVER), given["value"], place)]
    dated = given["dated"]
    if not isinstance(dated, list) or not dated or any(
        not isinstance(d, Mapping) or set(d) != {"from", "value"} for d in dated
    ):
        raise InputError(f"{place}: {name}: dated must be a list of {{ from = ..., value = ... }}.")
    new = [_step(entry, name, d["from"], d["value"], place) for d in dated]
    if [s.start for s in new] != sorted({s.start for s in new}):
        raise InputError(f"{place}: {name}: dated values must be in order of date, each date once.")
    return new


def _step(entry: Assumption, name: str, start: object, given: object, place: str) -> Step:
    """One checked value of an override; a policy that is set is not drawn."""
    if type(start) is not date:
        raise InputError(f"{place}: {name}: from must be a date like 2027-04-01, not {start!r}.")
    try:
        entry.check(given)
    except ValueError as error:
        raise InputError(f"{place}: {name}: {error}.") from None
    value: Value = given if isinstance(given, bool | str) else float(given)  # type: ignore[arg-type]
    return Step(start, value, drawn=False)


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{place}: {text} is not a date.") from None


def scenario_names(root: Path = ROOT) -> list[str]:
    """Names of the scenarios under `root/scenarios`.

    Example:
        >>> import params
        >>> "current_grant" in params.scenario_names()
        True
    """
    return sorted(path.stem for path in (root / "scenarios").glob("*.toml"))


def load(
    scenario: str = "central", overrides: Mapping[str, object] | None = None, root: Path = ROOT
) -> Assumptions:
    """Read the register, then one scenario (with those it extends), then the overrides given in code or `--set`.

    Args:
        scenario: name of a file in `params/scenarios`, without `.toml`.
        overrides: values by dotted name; `"a.b@2027-04-01"` changes the value from that date on.
        root: folder that holds `assumptions/` and `scenarios/`.

    Returns:
        Frozen assumptions with central values.

    Raises:
        InputError: an unknown scenario or name, a wrong type or unit, a value out of range, or two overrides of
            one name; the message names the file, the key and the nearest valid name.

    Example:
        >>> import params
        >>> params.load("current_grant", {"decisions.notice_day": 56})
        Traceback (most recent call last):
        params.errors.InputError: --set: decisions.notice_day is not an assumption. Nearest: decisions.notice_days.
        >>> dated = params.load("current_grant", {"decisions.notice_days@2027-04-01": 56})
        >>> dated.changes()["name"].tolist()
        ['decisions.notice_days']
    """
    entries = read_register(root)
    steps = {name: _base_steps(entry) for name, entry in entries.items()}
    overridden: dict[str, str] = {}
    chosen = Chosen(root, entries)
    said, reasons = list[tuple[object, str]](), list[Reason]()
    why, name, chain = "", scenario, list[str]()
    while name:
        if name in chain:
            raise InputError(f"{root / 'scenarios'}: {' extends '.join([*chain, name])}: a circle.")
        if name not in scenario_names(root):
            raise unknown(root / "scenarios", "a scenario", name, scenario_names(root))
        path = root / "scenarios" / f"{name}.toml"
        table = read_toml(path)
        sentence, extends = table.pop("why", None), table.pop("extends", "")
        if not isinstance(sentence, str) or not sentence.strip():
            raise InputError(f"{path}: why is missing; say in one sentence what the scenario is for.")
        if not isinstance(extends, str):
            raise InputError(f"{path}: extends must be the name of a scenario, not {extends!r}.")
        why = why or sentence
        chosen.add(table.pop(INSTRUMENTS, {}), str(path))
        said.append((table.pop(LOCAL, []), str(path)))
        for key, given in _flatten("", table, entries):
            _apply(steps, overridden, reasons, entries, key, given, str(path))
        chain.append(name)
        name = extends
    for key, given in (overrides or {}).items():
        if key.startswith(f"{INSTRUMENTS}."):
            chosen.override(key, given, "--set")
            continue
        _apply(steps, overridden, reasons, entries, key, given, "--set")
    return Assumptions(
        scenario,
        why,
        MappingProxyType(entries),
        MappingProxyType(steps),
        MappingProxyType(overridden | chosen.where()),
        instruments=MappingProxyType(chosen.build()),
        local=choose(root, said, reasons, {name: [s.value for s in steps[name]] for name in steps}),
        posterior=read_posterior(root),
        given=MappingProxyType(dict(overrides or {})),
    )
