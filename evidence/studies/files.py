"""A study file: its arms, its draws or designs, its outputs, read through a strict door and written back as TOML.

A study is arms x draws x replications. Levers make arms: one policy setting each, by a full factorial or one lever at
a time. A sample makes draws: sets of the uncertain assumptions at chosen levels of the register's own distributions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evidence.studies.ensemble import Design
from params.errors import InputError, nearest, unknown
from params.register import describe, read_toml

_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)
FACTORIAL, ONE_AT_A_TIME = "factorial", "one_at_a_time"
LATIN_HYPERCUBE, SOBOL, MORRIS = "latin_hypercube", "sobol", "morris"
LEVER_DESIGNS = (FACTORIAL, ONE_AT_A_TIME)
SAMPLE_DESIGNS = (LATIN_HYPERCUBE, SOBOL, MORRIS, ONE_AT_A_TIME)


def _design(given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise ValueError(f"{given} is not a design here. Nearest: {nearest(given, known) or ', '.join(known)}")
    return given


class Arm(BaseModel):
    """One policy setting: a scenario and, at need, overrides by dotted name."""

    model_config = _STRICT
    label: str = Field(min_length=1, max_length=400)
    scenario: str
    overrides: dict[str, Any] = Field(default={}, alias="set")


class Levers(BaseModel):
    """Policy settings that make arms: every combination of their levels, or one lever at a time.

    Attributes:
        design: `factorial` or `one_at_a_time`.
        levels: values by dotted name, or by `name@date` for a change from a date on; the first is the baseline's.
    """

    model_config = _STRICT
    design: str
    levels: dict[str, list[Any]] = Field(min_length=1)

    @field_validator("design")
    @classmethod
    def _known(cls, design: str) -> str:
        return _design(design, LEVER_DESIGNS)

    @field_validator("levels")
    @classmethod
    def _distinct(cls, levels: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for name, values in levels.items():
            if len(values) < 2 or len({json.dumps(value, default=str) for value in values}) < len(values):
                raise ValueError(f"{name} needs at least two levels, each once")
        return levels


class Sample(BaseModel):
    """Draws at chosen levels of the register's own distributions.

    Attributes:
        design: `latin_hypercube`, `sobol`, `morris` or `one_at_a_time` (central, then each at its 10th and 90th
            percentile).
        assumptions: uncertain assumptions by dotted name; every one when left out. What is not named stays central.
        points: draws of a Latin hypercube, base points of a Sobol design, trajectories of a Morris design.
    """

    model_config = _STRICT
    design: str
    assumptions: list[str] = []
    points: int | None = None

    @field_validator("design")
    @classmethod
    def _known(cls, design: str) -> str:
        return _design(design, SAMPLE_DESIGNS)

    @model_validator(mode="after")
    def _counted(self) -> Sample:
        if (self.points is None) != (self.design == ONE_AT_A_TIME):
            raise ValueError(
                f"design {self.design!r} {'needs' if self.points is None else 'takes no'} points"
            )
        if len(set(self.assumptions)) < len(self.assumptions):
            raise ValueError("an assumption is named twice")
        return self


class Study(BaseModel):
    """A study file as it is written in `params/studies`.

    Attributes:
        draws: sets of the uncertain assumptions, central ones first; left out where `sample` says how they are chosen.
        outputs: results to keep, by name; all of them when left out.
    """

    model_config = _STRICT
    title: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1)
    baseline: str
    draws: int | None = None
    replications: int
    seed: int
    start: date
    months: int
    outputs: list[str] = []
    arms: dict[str, Arm] = Field(min_length=1)
    levers: Levers | None = None
    sample: Sample | None = None

    @field_validator("arms")
    @classmethod
    def _names(cls, arms: dict[str, Arm]) -> dict[str, Arm]:
        for name in arms:
            if not re.match(_NAME, name):
                raise ValueError(f"{name!r} is not a name for an arm: small letters, digits and _, at most 40")
        return arms

    @model_validator(mode="after")
    def _drawn_once(self) -> Study:
        if self.draws is None and self.sample is None:
            raise ValueError("draws is missing")
        if self.draws is not None and self.sample is not None:
            raise ValueError("draws: the sample's design says how many; leave it out")
        if self.levers is not None and len(self.arms) > 1:
            raise ValueError("arms: with levers there is one arm, which they change")
        return self


@dataclass(frozen=True)
class Size:
    """How often a study is simulated, where a command asks for another number than the file's.

    Attributes:
        draws: draws, or None for the file's.
        replications: replications, or None for the file's.
        command: the command that asked, for the line that resumes it.
        extend: what the study is extended to: base points of a Sobol design, else replications.
    """

    draws: int | None = None
    replications: int | None = None
    command: str = ""
    extend: int | None = None

    def given(self) -> dict[str, int]:
        """What replaces the file's numbers."""
        asked = {"draws": self.draws, "replications": self.replications}
        return {name: number for name, number in asked.items() if number is not None}

    def again(self, file: Path) -> str:
        """The line that resumes the study."""
        words = [f"--{name} {number}" for name, number in self.given().items()]
        words += [f"--extend {self.extend}"] if self.extend is not None else []
        return " ".join([self.command or f"dispersal study {file}", *words])


def read_study(file: Path) -> Study:
    """Read a study file.

    Raises:
        InputError: names the file, the key and the nearest valid name.
    """
    return parse_study(read_toml(file), str(file))


def parse_study(table: Mapping[str, Any], place: str) -> Study:
    """Check the table of a study file; `place` names it in errors.

    Raises:
        InputError: names the place, the key and the nearest valid name.
    """
    try:
        study = Study.model_validate(dict(table))
    except ValidationError as error:
        # Two misspelt keys: the first is named, with the keys of its own table.
        keys = [found["loc"] for found in error.errors() if found["type"] == "extra_forbidden"]
        tables: Mapping[Any, type[BaseModel]] = {"levers": Levers, "sample": Sample}
        model = tables.get(keys[0][0], Arm) if keys and len(keys[0]) > 1 else Study
        options = [field.alias or name for name, field in model.model_fields.items()]
        raise InputError(f"{place}: {describe(error, options)}.") from None
    if study.baseline not in study.arms:
        raise unknown(f"{place}: baseline", "an arm", study.baseline, study.arms)
    return study


def design_of(study: Study, draws: int, first_replications: int) -> Design:
    """How often, from when and for how long each arm runs.

    Args:
        study: the study.
        draws: draws that its sample makes, or its own.
        first_replications: replications before the study was extended.
    """
    # Where draws are compared with each other, all meet the same intake: their difference is the assumption's.
    compared = study.sample is not None and study.sample.design != LATIN_HYPERCUBE
    return Design(draws, study.replications, study.seed, study.start, study.months, first_replications, compared)


def compares_arms(settings: Mapping[str, Any]) -> bool:
    """Whether a study has every result of arms that a person named, as reports and packs need; not a sweep's."""
    return not any(settings.get(key) for key in ("outputs", "levers", "sample"))


def as_toml(settings: Mapping[str, Any]) -> str:
    """A study file from the settings in a record, as it was before levers made arms of it."""
    levers = settings.get("levers")
    tables = {"arms", "levers", "sample", *(["draws"] if settings.get("sample") else [])}
    plain = {key: settings.get(key) for key in Study.model_fields if key not in tables}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items() if value is not None]
    for name, arm in settings["arms"].items():
        if levers and name != settings["baseline"]:
            continue
        lines += [f"[arms.{name}]", f"label = {_value(arm['label'])}", f"scenario = {_value(arm['scenario'])}"]
        own = {key: value for key, value in arm["set"].items() if not levers or key not in levers["levels"]}
        if own:
            lines += [f"[arms.{name}.set]", *(f"{_value(key)} = {_value(value)}" for key, value in own.items())]
    for key in ("levers", "sample"):
        if settings.get(key):
            lines += [f"[{key}]", *(f"{k} = {_value(v)}" for k, v in settings[key].items() if v is not None)]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A TOML value; JSON's text, numbers, booleans and lists are the same, and a date in a table stays a date."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_value(key)} = {_value(given)}" for key, given in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    return json.dumps(value, ensure_ascii=False)
