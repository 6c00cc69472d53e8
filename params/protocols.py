"""Data-sharing protocols: who may receive or send what, at which geography, for which purpose, until when."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from params.errors import InputError, nearest

FOLDER = Path(__file__).parent / "protocols"
# Coarse to fine: a protocol for a geography allows every coarser one.
GEOGRAPHIES = ("nation", "region", "council")
MEASURES = ("dispersal", "initial", "contingency", "other", "subsistence")
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
_NAME = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Extract(BaseModel):
    """One table that a recipient may have.

    `official` is people supported as published, exact; `study` is modelled people of a finished study; `return` is
    what councils sent in under a protocol. The last two pass disclosure control.
    """

    model_config = _STRICT
    name: _NAME
    source: Literal["official", "study", "return"]
    geography: Literal["region", "council"]
    measures: list[str] = Field(min_length=1)
    of: str = "latest"
    dates: list[dt.date] = Field(default=[])
    arms: list[str] = Field(default=[])


class Column(BaseModel):
    """One column of a local return."""

    model_config = _STRICT
    name: _NAME
    kind: Literal["count", "number", "text", "date", "council", "quarter_end"]
    note: str = Field(min_length=3)
    required: bool = True
    low: float | None = None
    high: float | None = None
    choices: list[str] = Field(default=[])


class Returns(BaseModel):
    """What councils send in: the columns of a return, and those that identify a row."""

    model_config = _STRICT
    columns: list[Column] = Field(min_length=2)
    key: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _coherent(self) -> Returns:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError("a column is named twice")
        for name in self.key:
            if name not in names:
                raise ValueError(f"key: {name} is not a column. Nearest: {nearest(name, names) or names[0]}")
        if not any(column.kind == "council" for column in self.columns):
            raise ValueError("no column is of the kind council")
        return self


class Protocol(BaseModel):
    """An agreement to share data: parties, purpose, places, term, and what goes out or comes in."""

    model_config = _STRICT
    title: str = Field(min_length=3)
    status: Literal["illustrative", "agreed"]
    recipient: str = Field(min_length=3)
    role: str = Field(min_length=3)
    purpose: str = Field(min_length=10)
    basis: str = Field(min_length=3)
    valid_from: dt.date
    valid_until: dt.date
    geography: Literal["nation", "region", "council"]
    places: list[str] = Field(min_length=1)
    extracts: list[Extract] = Field(default=[])
    returns: Returns | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Protocol:
        if self.valid_until < self.valid_from:
            raise ValueError(f"valid_until: {self.valid_until} is before valid_from, {self.valid_from}")
        if not self.extracts and self.returns is None:
            raise ValueError("neither [[extracts]] nor [returns]: nothing goes out or comes in")
        names = [extract.name for extract in self.extracts]
        if len(set(names)) < len(names):
            raise ValueError("two extracts have one name")
        for extract in self.extracts:
            if GEOGRAPHIES.index(extract.geography) > GEOGRAPHIES.index(self.geography):
                raise ValueError(
                    f"extracts.{extract.name}: geography {extract.geography} is finer than the protocol allows "
                    f"({self.geography})"
                )
        return self


def read_protocol(path: Path, today: dt.date | None = None) -> Protocol:
    """Read a protocol that is in force.

    Args:
        path: its TOML file.
        today: the day on which it must be in force; today when not given.

    Raises:
        InputError: it cannot be read, a key or value is wrong, a place does not exist, or its term has not begun or
            is over. The message names file, key and nearest valid name.
    """
    protocol = checked(path)
    name = path.name
    day = today or dt.date.today()
    if day < protocol.valid_from:
        raise InputError(f"{name}: valid_from: the protocol is not in force before {protocol.valid_from}.")
    if day > protocol.valid_until:
        raise InputError(f"{name}: valid_until: the protocol expired on {protocol.valid_until}; nothing may be shared.")
    return protocol


def checked(path: Path) -> Protocol:
    """Read a protocol, whether or not it is in force.

    Raises:
        InputError: it cannot be read, or a key, value or place is wrong.
    """
    name = path.name
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        guess = nearest(path.stem, [found.stem for found in FOLDER.glob("*.toml")])
        hint = f" Nearest: {FOLDER.parent.name}/{FOLDER.name}/{guess}.toml." if guess else ""
        raise InputError(f"{path}: no such protocol.{hint}") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{path}: cannot be read ({getattr(problem, 'strerror', 'not UTF-8 text')}).") from None
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"{name}: not TOML: {' '.join(str(problem).split())}.") from None
    try:
        protocol = Protocol.model_validate(content)
    except ValidationError as problem:
        raise InputError(f"{name}: {_told(problem)}") from None
    _known_places(name, protocol)
    return protocol


def councils_of(protocol: Protocol) -> list[str]:
    """Codes of the councils inside the protocol's places."""
    from params.tables import reference

    councils = reference("councils")
    inside = councils["region"].isin(protocol.places) | councils["lad_code"].isin(protocol.places)
    inside |= councils["nation"].isin(protocol.places)
    if "United Kingdom" in protocol.places:
        inside |= True
    return list(councils.loc[inside, "lad_code"])


def protocol_schema() -> dict[str, Any]:
    """JSON Schema of a protocol, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Protocol.model_json_schema()}


def _known_places(name: str, protocol: Protocol) -> None:
    from params.tables import reference

    councils = reference("councils")
    known = {"United Kingdom", *councils["nation"], *councils["region"], *councils["lad_code"]}
    for place in protocol.places:
        if place not in known:
            by_name = dict(zip(councils["name"], councils["lad_code"], strict=True))
            guess = by_name.get(place) or nearest(place, known)
            raise InputError(f"{name}: places: {place} is not a region, nation or council code. Nearest: {guess}.")


def _told(problem: ValidationError) -> str:
    """The first problem of a validation, with its key and the nearest valid one."""
    first = problem.errors(include_url=False)[0]
    at = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        models: dict[str, type[BaseModel]] = {"extracts": Extract, "returns": Returns, "columns": Column}
        groups = [models[str(part)] for part in first["loc"][:-1] if str(part) in models]
        inside = groups[-1] if groups else Protocol
        guess = nearest(str(first["loc"][-1]), inside.model_fields)
        return f"{at}: not a key of a protocol." + (f" Nearest: {guess}." if guess else "")
    if first["type"] == "missing":
        return f"{at}: is missing."
    text = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{at}: {text}." if at else f"{text}."
