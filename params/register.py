"""The assumptions register: every number the model and the forecasts use, one TOML table each.

A file `params/assumptions/funding.toml` with a table `[grant_per_person]` is the assumption
`funding.grant_per_person`; tables may nest (`[unit_cost.esol]` in `services.toml` is `services.unit_cost.esol`).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from params.errors import InputError, nearest, unknown
from params.units import UNITS

ROOT = Path(__file__).resolve().parent
Value = float | bool | str
FOREVER = date(1900, 1, 1)
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DatedValue(BaseModel):
    """A value that holds from a date until the next one; `known` values are facts and are never drawn."""

    model_config = _STRICT | ConfigDict(populate_by_name=True)
    start: date = Field(alias="from")
    value: float | bool | str
    known: bool = False


class Joint(BaseModel):
    """Values that only make sense together: a draw takes the same position in every member of the group."""

    model_config = _STRICT
    group: str
    values: list[float] = Field(min_length=2)


class Assumption(BaseModel):
    """One number (or switch, or choice) with its range, source and rating.

    `low` and `high` are the ends of a uniform or triangular range, and the 5th and 95th percentiles of a
    lognormal one. Where values are dated, they are ends for the latest value, and a draw scales the others alike. With
    `reason_needed` it is changed only with a reason and the role of who gives it.
    """

    model_config = _STRICT
    unit: str
    kind: Literal["measured", "elicited", "calibrated", "policy"]
    source: str = Field(min_length=3)
    as_of: date
    quality: Literal["red", "amber", "green"]
    impact: Literal["red", "amber", "green"]
    note: str
    value: float | bool | str | None = None
    dated: list[DatedValue] = Field(default=[])
    low: float | None = None
    high: float | None = None
    distribution: Literal["fixed", "uniform", "triangular", "lognormal", "joint"] = "fixed"
    joint: Joint | None = None
    choices: list[str] = Field(default=[])
    reason_needed: bool = False

    @model_validator(mode="after")
    def _coherent(self) -> Assumption:
        if self.unit not in UNITS:
            guess = nearest(self.unit, UNITS)
            raise ValueError(f"unit {self.unit!r} is not a unit. Nearest: {guess!r}")
        if (self.value is None) == (not self.dated):
            raise ValueError("needs either value or dated, and only one of them")
        starts = [step.start for step in self.dated]
        if starts != sorted(set(starts)):
            raise ValueError("dated values must be in order of date, each date once")
        for given in self.values():
            self.check(given)
        if self.distribution in ("uniform", "triangular", "lognormal"):
            last = self.values()[-1]
            if self.low is None or self.high is None or isinstance(last, bool | str):
                raise ValueError(f"distribution {self.distribution!r} needs a number, low and high")
            if not self.low <= last <= self.high or self.low == self.high:
                raise ValueError(f"value {last} must lie in low {self.low} to high {self.high}")
            if self.distribution == "lognormal" and self.low <= 0:
                raise ValueError("a lognormal range must be above 0")
        if (self.distribution == "joint") != (self.joint is not None):
            raise ValueError("distribution 'joint' and the joint table go together")
        if self.joint and self.value != self.joint.values[0]:
            raise ValueError("value must be the first of the joint values")
        return self

    def values(self) -> list[Value]:
        """Every value the assumption takes, in order of date."""
        return [step.value for step in self.dated] if self.value is None else [self.value]

    def check(self, given: object) -> None:
        """Raise ValueError unless `given` is of the right type and inside the unit's natural limits."""
        if self.unit == "switch":
            if not isinstance(given, bool):
                raise ValueError(f"{given!r} must be true or false")
            return
        if self.unit == "choice":
            if not isinstance(given, str) or given not in self.choices:
                guess = nearest(str(given), self.choices) or ", ".join(self.choices)
                raise ValueError(f"{given!r} is not one of its choices. Nearest: {guess}")
            return
        if isinstance(given, bool | str) or not isinstance(given, int | float):
            raise ValueError(f"{given!r} must be a number in {self.unit}")
        if not math.isfinite(given):
            raise ValueError(f"{given!r} is not a finite number")
        if self.unit in ("share", "share a month") and not 0 <= given <= 1:
            raise ValueError(f"{given} is out of range: {self.unit} runs from 0 to 1")
        if self.unit == "count" and given != int(given):
            raise ValueError(f"{given} must be a whole number")
        if self.unit not in ("elasticity", "logit", "log", "share a year", "ratio") and given < 0:
            raise ValueError(f"{given} is out of range: {self.unit} cannot be negative")


def read_toml(path: Path) -> dict[str, Any]:
    """Read one TOML file, or raise an InputError that names the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        siblings = [p.name for p in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        guess = nearest(path.name, siblings)
        raise InputError(f"{path}: no such file.{f' Nearest: {guess}.' if guess else ''}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error}).") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None


def describe(error: ValidationError, options: list[str]) -> str:
    """Say in one line what pydantic found first, with the nearest valid key for a misspelt one."""
    # A misspelt key is reported before the key that is missing because of it.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        leaf = str(first["loc"][-1])
        return f"{key} is not a key. Nearest: {nearest(leaf, options) or ', '.join(options)}"
    if first["type"] == "missing":
        return f"{key} is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def _tables(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each assumption table with its dotted name; a table is one when its values are not all tables."""
    for key, inner in table.items():
        name = f"{prefix}.{key}"
        if isinstance(inner, Mapping) and inner and all(isinstance(v, Mapping) for v in inner.values()):
            yield from _tables(name, inner)
        elif isinstance(inner, Mapping):
            yield name, inner
        else:
            raise InputError(f"{prefix}.toml: {key} is not a table. An assumption is a table with value and unit.")


@lru_cache
def read_register(root: Path = ROOT) -> dict[str, Assumption]:
    """Read and check every assumption under `root/assumptions`.

    Returns:
        Assumptions by dotted name, in the order of the files.

    Raises:
        InputError: names the file, the key and the nearest valid name.
    """
    folder = root / "assumptions"
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise InputError(f"{folder}: no assumptions found (expected *.toml files).")
    entries: dict[str, Assumption] = {}
    for path in files:
        for name, table in _tables(path.stem, read_toml(path)):
            try:
                entries[name] = Assumption.model_validate(dict(table))
            except ValidationError as error:
                options = [field for field in Assumption.model_fields]
                raise InputError(f"{path}: {name}: {describe(error, options)}.") from None
    return entries


def find(entries: Mapping[str, Assumption], name: str, place: object) -> Assumption:
    """Look up an assumption, or raise an InputError with the nearest name."""
    if name not in entries:
        raise unknown(place, "an assumption", name, entries)
    return entries[name]
