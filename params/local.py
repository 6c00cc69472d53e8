"""What only a council or region knows: local intelligence in a scenario, and figures that no reference table holds.

Local intelligence sets a council's maximum, pause, weight or participation from a date, and always says why and who
says so. Populations that the official tables here lack (2001 census, children) come from one file,
`params/local/populations.csv`.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from params.errors import InputError, nearest, unknown
from params.register import Assumption, describe
from params.tables import reference

KEY = "local_intelligence"
# Which choice of which assumption asks for which column of the local file.
_ASKED = {
    ("placement.cluster_denominator", "census_2001"): "population_2001",
    ("children.population", "local_file"): "child_population",
}
COLUMNS = ("lad_code", "name", "population_2001", "child_population", "source", "as_of")
STATES = ("not_participating", "agreed_no_procurement", "procuring", "active", "paused_or_at_limit", "withdrawn")
# A population outside these limits, as a share of the latest residents, is taken for a slip.
_PLAUSIBLE = {"population_2001": (0.3, 2.0), "child_population": (0.05, 0.45)}
_SHORTEST_REASON = 10
_WORDS = ("reason", "by")


class LocalRule(BaseModel):
    """One thing said of one council, with its reason.

    Attributes:
        council: code of the council (a name is looked up).
        sets: `maximum` (people in dispersal accommodation: no placement or proposal above it), `pause` (no new
            proposals), `weight` (of placements and proposals; 1 is neutral, 0 the last choice) or `participation` (a
            state, held).
        value: people, true, a weight, or the state's name.
        start: first day it holds.
        until: first day it no longer holds.
        reason: why; stays in the record and is not exported.
        by: role of the person who says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)
    council: str
    sets: Literal["maximum", "pause", "weight", "participation"] = Field(alias="set")
    value: float | bool | str = True
    start: date = Field(alias="from")
    until: date | None = None
    reason: str
    by: str = Field(min_length=3)

    @field_validator("reason")
    @classmethod
    def _says_why(cls, reason: str) -> str:
        if len(reason.strip()) < _SHORTEST_REASON:
            raise ValueError(f"say why in at least {_SHORTEST_REASON} letters")
        return reason

    @model_validator(mode="after")
    def _fits(self) -> LocalRule:
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if self.sets in ("maximum", "weight") and not (number and float(self.value) >= 0):
            raise ValueError(f"value of a {self.sets} must be a number, 0 or more, not {self.value!r}")
        if self.sets == "pause" and self.value is not True:
            raise ValueError("value of a pause is true; leave it out, and end the pause with until")
        if self.sets == "participation" and self.value not in STATES:
            guess = nearest(str(self.value), STATES) or ", ".join(STATES)
            raise ValueError(f"{self.value!r} is not a state of participation. Nearest: {guess}")
        if self.until is not None and self.until <= self.start:
            raise ValueError("until must come after from")
        return self

    def holds(self, on: date) -> bool:
        """Whether it is in force on a day."""
        return self.start <= on and (self.until is None or on < self.until)

    def steps(self) -> list[list[Any]]:
        """Its dated values as a run's record has them."""
        ended = [] if self.until is None else [[self.until.isoformat(), "ended"]]
        return [[self.start.isoformat(), self.value], *ended]


@dataclass(frozen=True)
class Reason:
    """Why an assumption that needs a reason was changed.

    Attributes:
        name: the assumption.
        reason: why.
        by: role of the person who says so.
    """

    name: str
    reason: str
    by: str


@dataclass(frozen=True)
class Populations:
    """Figures of the local file.

    Attributes:
        sha256: of the file.
        columns: people by council in the order of the councils table, by column.
    """

    sha256: str
    columns: Mapping[str, tuple[float, ...]]


def read_rules(given: object, place: str) -> tuple[LocalRule, ...]:
    """Check the local intelligence of a scenario.

    Args:
        given: the list of tables under `local_intelligence`.
        place: the file, for errors.

    Raises:
        InputError: an unknown council or key, no reason, or two rules for one thing at one time.
    """
    if not isinstance(given, list) or not all(isinstance(table, Mapping) for table in given):
        raise InputError(f"{place}: {KEY} must be tables: [[{KEY}]] with council, set, value, from, reason and by.")
    rules = []
    for number, table in enumerate(given, start=1):
        where = f"{place}: {KEY} {number}"
        try:
            rule = LocalRule.model_validate(dict(table))
        except ValidationError as error:
            options = [field.alias or name for name, field in LocalRule.model_fields.items()]
            raise InputError(f"{where}: {describe(error, options)}.") from None
        rules.append(rule.model_copy(update={"council": _code(rule.council, where)}))
    return tuple(rules)


def refuse_overlaps(rules: Sequence[LocalRule], place: str) -> None:
    """Raise an InputError when two rules set one thing of one council at one time."""
    for position, rule in enumerate(rules):
        for other in rules[:position]:
            same = (rule.council, rule.sets) == (other.council, other.sets)
            if same and rule.start < (other.until or date.max) and other.start < (rule.until or date.max):
                raise InputError(f"{place}: {KEY}: the {rule.sets} of {rule.council} is set twice for the same time.")


@dataclass(frozen=True)
class Local:
    """What a scenario says that no table holds.

    Attributes:
        rules: of single councils.
        reasons: why assumptions that need a reason were changed.
        populations: the local file, where an assumption asks for it.
    """

    rules: tuple[LocalRule, ...] = ()
    reasons: tuple[Reason, ...] = ()
    populations: Populations | None = None

    def canonical(self) -> dict[str, list[list[Any]]]:
        """What a run's numbers and record depend on, in the form of `Assumptions.canonical`; reasons by their hash."""
        found: dict[str, list[list[Any]]] = {}
        for rule in sorted(self.rules, key=lambda r: (r.council, r.sets, r.start)):
            found.setdefault(f"{KEY}.{rule.council}.{rule.sets}", []).extend(rule.steps())
        words = [f"{r.council}/{r.sets}/{r.start}/{r.by}/{r.reason}" for r in self.rules]
        words += [f"{r.name}/{r.by}/{r.reason}" for r in self.reasons]
        if words:
            sha = hashlib.sha256("\n".join(sorted(words)).encode()).hexdigest()
            found[f"{KEY}.reasons"] = [["1900-01-01", sha]]
        if self.populations:
            found[f"{KEY}.populations_file"] = [["1900-01-01", self.populations.sha256]]
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Every rule and reason as plain JSON, for a run's record."""
        names = {code: name for code, (name, _) in _councils().items()} if self.rules else {}
        return [
            {"council": r.council, "name": names[r.council], "set": r.sets, "value": r.value,
             "from": r.start.isoformat(), "until": r.until.isoformat() if r.until else "", "by": r.by,
             "reason": r.reason}
            for r in self.rules
        ] + [{"assumption": r.name, "by": r.by, "reason": r.reason} for r in self.reasons]  # fmt: skip


def choose(
    root: Path, said: Sequence[tuple[object, str]], reasons: Sequence[Reason], values: Mapping[str, Sequence[object]]
) -> Local:
    """Everything local of a scenario and those it extends.

    Args:
        root: folder that holds `local/`.
        said: the `local_intelligence` of each scenario file, and the file.
        reasons: given with overrides.
        values: every value of each assumption, by dotted name; some ask for the local file.

    Raises:
        InputError: as `read_rules` and `read_populations`.
    """
    rules: list[LocalRule] = []
    for given, place in said:
        rules += read_rules(given, place)
        refuse_overlaps(rules, place)
    wanted = [column for (name, value), column in _ASKED.items() if value in values.get(name, ())]
    return Local(tuple(rules), tuple(reasons), read_populations(root, wanted))


def reasoned(entry: Assumption, name: str, given: object, place: str, reasons: list[Reason]) -> object:
    """An override without its reason, which is kept; some assumptions are not changed without one.

    Raises:
        InputError: a reason is needed, or `reason` and `by` do not both say something.
    """
    words = [given.get(key) for key in _WORDS] if isinstance(given, Mapping) else [None, None]
    if words == [None, None] and not entry.reason_needed:
        return given
    if not all(isinstance(word, str) and word.strip() for word in words):
        example = '{ value = ..., reason = "why", by = "role" }'
        raise InputError(f"{place}: {name}: needs a reason and whose it is to be changed. Nearest: {name} = {example}.")
    reasons.append(Reason(name, str(words[0]), str(words[1])))
    return {key: value for key, value in given.items() if key not in _WORDS} if isinstance(given, Mapping) else given


@lru_cache
def _councils() -> dict[str, tuple[str, float]]:
    table = reference("councils")
    return {
        str(code): (str(name), float(people))
        for code, name, people in zip(table["lad_code"], table["name"], table["population"], strict=True)
    }


def _code(given: str, where: str) -> str:
    if given in _councils():
        return given
    codes = {name: code for code, (name, _) in _councils().items()}
    if given in codes:
        return codes[given]
    raise unknown(where, "a council", given, [*_councils(), *codes])


def read_populations(root: Path, columns: Sequence[str]) -> Populations | None:
    """The columns of `root/local/populations.csv` that are asked for; None when none is.

    Raises:
        InputError: no such file; an unknown, double or missing council; a figure that cannot be one; no source.
    """
    if not columns:
        return None
    path = root / "local" / "populations.csv"
    try:
        content = path.read_bytes()
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file, and {columns[0]} is in no reference table. Copy populations.template.csv to "
            f"{path.name} beside it and fill the column in, with source and date."
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}).") from None
    found = _parsed(lines, path)
    for name in columns:
        absent = [code for code in _councils() if code not in found[name]]
        if absent:
            raise InputError(
                f"{path}: {name} is missing for {len(absent)} of {len(_councils())} councils, the first {absent[0]} "
                f"({_councils()[absent[0]][0]}); every council needs it."
            )
    ordered = {name: tuple(found[name][code] for code in _councils()) for name in columns}
    return Populations(hashlib.sha256(content).hexdigest(), ordered)


def _parsed(lines: list[list[str]], path: Path) -> dict[str, dict[str, float]]:
    """People by column and council code, every cell that is filled in checked."""
    if not lines or tuple(lines[0]) != COLUMNS:
        raise InputError(f"{path}: the columns must be {', '.join(COLUMNS)}.")
    found: dict[str, dict[str, float]] = {name: {} for name in _PLAUSIBLE}
    seen: set[str] = set()
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path}: line {number}"
        if len(cells) != len(COLUMNS):
            raise InputError(f"{where}: has {len(cells)} cells; it must have {len(COLUMNS)}.")
        row = dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))
        code = _code(row["lad_code"], where)
        if code in seen:
            raise InputError(f"{where}: {code} stands twice.")
        seen.add(code)
        for name in found:
            if row[name]:
                found[name][code] = _people(row[name], name, code, where)
                _sourced(row, where)
    return found


def _people(text: str, name: str, code: str, where: str) -> float:
    try:
        people = float(text)
    except ValueError:
        raise InputError(f"{where}: {name}: {text!r} is not a number of people.") from None
    low, high = _PLAUSIBLE[name]
    residents = _councils()[code][1]
    if people != int(people) or not low <= people / residents <= high:
        raise InputError(
            f"{where}: {name}: {text} cannot be right for {_councils()[code][0]}: whole people, from {low:g} to "
            f"{high:g} of its {residents:,.0f} residents now."
        )
    return people


def _sourced(row: Mapping[str, str], where: str) -> None:
    if len(row["source"]) < 3:
        raise InputError(f"{where}: source is missing; say where the figure was published.")
    try:
        date.fromisoformat(row["as_of"])
    except ValueError:
        raise InputError(f"{where}: as_of: {row['as_of']!r} is not a date like 2001-04-29.") from None
