"""Grant instruments as data: what each kind pays for, and the strict door to `params/instruments/*.toml`.

An instrument is one kind, a rate, a scope (dates, nations, accommodation, service line) and modifiers (rural uplift,
taper, floor, cap, price link). `KINDS` says what each kind multiplies its rate by; `sim.funding` holds the functions.

    payment = rate x quantity x price link x taper x (1 + rural uplift where rural), then floor and cap, in scope only
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from params.errors import InputError, nearest, unknown
from params.register import ROOT, Assumption, describe, read_toml

FOLDER = "instruments"
STANDING = "standing"  # the file whose instruments are in force in every scenario, at the register's rates
HISTORY = "history"
NATIONS = ("England", "Scotland", "Wales", "Northern Ireland")
HOUSED = ("initial", "dispersal", "contingency_hotel", "contingency_other", "other")
SUPPORTED = (*HOUSED, "subsistence")
SERVICES = (
    "school_places", "esol", "homelessness", "social_care", "public_health", "community", "legal_advice",
    "coordination",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What an instrument of this kind pays for.

    Attributes:
        label: its name, for a reader.
        unit: unit of its rate.
        quantity: what a month's rate is multiplied by, in words.
        formula: the payment to one council in one month, before modifiers.
        counts_people: whether an accommodation scope means anything for it.
        accrues: whether it is paid every month, so that a floor and a cap a year mean anything.
    """

    label: str
    unit: str
    quantity: str
    formula: str
    counts_people: bool = False
    accrues: bool = False


KINDS: Mapping[str, Kind] = {
    "per_person_on_date": Kind(
        "Per person on a date",
        "GBP per person a year",
        "people accommodated on the last day of the financial year before, whatever happens later",
        "rate / 12 x people on the date",
        counts_people=True,
        accrues=True,
    ),
    "per_occupied_bed": Kind(
        "Per occupied bed",
        "GBP per person a year",
        "people accommodated at the end of the month",
        "rate / 12 x people now",
        counts_people=True,
        accrues=True,
    ),
    "net_growth_month": Kind(
        "Net growth, each month",
        "GBP per bed a month",
        "people accommodated above the last day of the financial year before, if any",
        "rate x max(people now - people on the date, 0)",
        counts_people=True,
        accrues=True,
    ),
    "net_growth_quarter": Kind(
        "Net growth of a quarter, once",
        "GBP per bed",
        "people accommodated at the quarter's end above the quarter before, if any; paid once, in its last month",
        "rate x max(people now - people a quarter ago, 0), in March, June, September and December",
        counts_people=True,
    ),
    "new_bed": Kind("New bed, once", "GBP per bed", "dispersal beds that open in the month", "rate x beds opened"),
    "setup": Kind(
        "Set-up, once", "GBP per council", "the month in which a council gets its first proposal", "rate x (1 or 0)"
    ),
    "per_service": Kind(
        "Per service line",
        "GBP per unit of demand a year",
        "demand on one service line, in the line's own unit (pupils, learners, households, people)",
        "rate / 12 x demand",
        accrues=True,
    ),
    "move_on": Kind(
        "Move-on payment",
        "GBP per household",
        "households owed a homelessness duty after a grant of status",
        "rate x duties in the month",
    ),
    "cost_recovery": Kind(
        "Cost recovery",
        "share",
        "the council's own modelled gross cost of the month, of one service line if one is named",
        "rate x gross cost",
        accrues=True,
    ),
}  # fmt: skip

MODIFIERS: Mapping[str, str] = {
    "indexed": "the rate is in prices of its first financial year and rises each April with general prices: "
    "x price level of the year / price level of the first year",
    "taper": "share of the rate in each financial year from the first one on; nothing after the last: x taper[year]",
    "rural_uplift": "share added in mainly rural councils: x (1 + rural_uplift)",
    "floor": "least a council with anybody in scope gets: max(payment, floor / 12), GBP per council a year",
    "cap": "most a council gets: min(payment, cap / 12), GBP per council a year",
}


class Instrument(BaseModel):
    """One grant instrument, as it is written in a TOML table."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)
    kind: str = Field(json_schema_extra={"enum": list(KINDS)})
    rate: float | str = Field(description="In the kind's unit; or the dotted name of an assumption that holds it.")
    label: str = Field(default="", max_length=120)
    start: date | None = Field(default=None, alias="from", description="First month paid, its first day.")
    end: date | None = Field(default=None, alias="to", description="Last month paid, its last day.")
    nations: list[str] = Field(default=list(NATIONS), json_schema_extra={"items": {"enum": list(NATIONS)}})
    accommodation: list[str] = Field(default=list(HOUSED), json_schema_extra={"items": {"enum": list(SUPPORTED)}})
    service: str = Field(default="", json_schema_extra={"enum": ["", *SERVICES]})
    rural_uplift: float = Field(default=0.0, ge=0, description=MODIFIERS["rural_uplift"])
    taper: list[float] = Field(default=[], description=MODIFIERS["taper"])
    indexed: bool = Field(default=False, description=MODIFIERS["indexed"])
    floor: float | None = Field(default=None, ge=0, description=MODIFIERS["floor"])
    cap: float | None = Field(default=None, ge=0, description=MODIFIERS["cap"])
    status: Literal["published", "assumed", "not_published", "scenario"] = Field(
        default="scenario", description="Whether the rate was published, assumed, or not published: then a guess."
    )
    source: str = ""
    as_of: date | None = None
    note: str = ""

    @field_validator("rate", mode="before")
    @classmethod
    def _number_or_name(cls, given: object) -> object:
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise ValueError(f"{given!r} must be a number in the kind's unit, or the name of an assumption")
        return given

    @field_validator("nations", "accommodation")
    @classmethod
    def _named(cls, given: list[str], info: Any) -> list[str]:
        options = NATIONS if info.field_name == "nations" else SUPPORTED
        for word in given:
            if word not in options:
                guess = nearest(word, options) or ", ".join(options)
                raise ValueError(f"{word!r} is not one of them. Nearest: {guess}")
        if not given or len(set(given)) != len(given):
            raise ValueError("needs at least one, each once")
        return given

    @field_validator("taper")
    @classmethod
    def _shares(cls, given: list[float]) -> list[float]:
        if any(not 0 <= part <= 1 for part in given):
            raise ValueError("each part must be from 0 to 1")
        return given

    @model_validator(mode="after")
    def _coherent(self) -> Instrument:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not a kind of instrument. Nearest: {nearest(self.kind, KINDS)}")
        kind = KINDS[self.kind]
        if isinstance(self.rate, float) and (self.rate < 0 or (kind.unit == "share" and self.rate > 1)):
            raise ValueError(f"rate {self.rate:g} is out of range for {kind.unit}")
        if self.kind == "per_service" and not self.service:
            raise ValueError(f"per_service needs a service, one of {', '.join(SERVICES)}")
        if self.service and self.kind not in ("per_service", "cost_recovery"):
            raise ValueError(f"service means nothing for {self.kind}")
        if self.service and self.service not in SERVICES:
            guess = nearest(self.service, SERVICES) or ", ".join(SERVICES)
            raise ValueError(f"service {self.service!r} is not a service line. Nearest: {guess}")
        if tuple(self.accommodation) != HOUSED and not kind.counts_people:
            raise ValueError(f"accommodation means nothing for {self.kind}")
        if (self.floor is not None or self.cap is not None) and not kind.accrues:
            raise ValueError(f"floor and cap are for payments every month; {self.kind} is paid once")
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise ValueError(f"floor {self.floor:g} is above cap {self.cap:g}")
        if self.start and self.start.day != 1:
            raise ValueError("from must be the first day of a month")
        if self.end and (self.end + timedelta(days=1)).day != 1:
            raise ValueError("to must be the last day of a month")
        if self.start and self.end and self.end < self.start:
            raise ValueError("to is before from")
        if (self.taper or self.indexed) and not self.start:
            raise ValueError("taper and indexed count financial years from a date: from is missing")
        return self

    def on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def changes(self) -> set[date]:
        """Days from which it pays or no longer pays."""
        return {day for day in (self.start, self.end and self.end + timedelta(days=1)) if day}

    def words(self) -> str:
        """Everything its numbers depend on, in one line that names each field: what a record keeps."""
        given = self.model_dump(by_alias=True, exclude_defaults=True)
        given = {key: value for key, value in given.items() if key not in _ABOUT}
        return "; ".join(f"{key} {_word(value)}" for key, value in given.items())


_ABOUT = ("label", "status", "source", "as_of", "note")
_FIELDS = tuple(field.alias or name for name, field in Instrument.model_fields.items())


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_word(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def financial_year(day: date) -> int:
    """The calendar year in which a day's financial year begins."""
    return day.year - (day.month < 4)


def build(name: str, table: Mapping[str, Any], place: object, entries: Mapping[str, Assumption]) -> Instrument:
    """One checked instrument.

    Raises:
        InputError: names the file, the key and the nearest valid name.
    """
    try:
        made = Instrument.model_validate(dict(table))
    except ValidationError as error:
        raise InputError(f"{place}: {FOLDER}.{name}: {describe(error, list(_FIELDS))}.") from None
    if isinstance(made.rate, str) and made.rate not in entries:
        raise unknown(f"{place}: {FOLDER}.{name}.rate", "an assumption", made.rate, entries)
    return made


@lru_cache
def _tables(root: Path) -> dict[str, dict[str, Mapping[str, Any]]]:
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    seen: dict[str, Path] = {}
    for path in sorted((root / FOLDER).glob("*.toml")):
        own = read_toml(path)
        for name, table in own.items():
            if not isinstance(table, Mapping):
                raise InputError(f"{path}: {name} is not a table. An instrument is a table with kind and rate.")
            if name in seen:
                raise InputError(f"{path}: {name} is already defined in {seen[name]}; each instrument once.")
            seen[name] = path
        found[path.stem] = own
    return found


def library(root: Path = ROOT, entries: Mapping[str, Assumption] | None = None) -> dict[str, dict[str, Instrument]]:
    """Every instrument of `params/instruments`, by file and name, checked.

    Raises:
        InputError: the first that cannot be used.
    """
    from params.register import read_register

    known = entries if entries is not None else read_register(root)
    return {
        file: {name: build(name, table, root / FOLDER / f"{file}.toml", known) for name, table in tables.items()}
        for file, tables in _tables(root).items()
    }


def _definitions(root: Path) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for file, tables in _tables(root).items():
        for name, table in tables.items():
            yield file, name, table


class Chosen:
    """The instruments of one scenario while its files and overrides are read."""

    def __init__(self, root: Path, entries: Mapping[str, Assumption]) -> None:
        self._root, self._entries = root, entries
        self._library = {name: table for _, name, table in _definitions(root)}
        self._standing = [name for file, name, _ in _definitions(root) if file == STANDING]
        self._given: dict[str, dict[str, Any]] = {}
        self._where: dict[str, str] = {}

    def add(self, table: object, place: str) -> None:
        """Take the table `[instruments]` of a scenario."""
        if not isinstance(table, Mapping) or any(not isinstance(own, Mapping) for own in table.values()):
            raise InputError(f"{place}: {FOLDER} must be tables, such as [{FOLDER}.rural_grant] with kind and rate.")
        for name, own in table.items():
            self._given.setdefault(name, {})
            for key, value in own.items():
                self.set(name, key, value, place)

    def override(self, dotted: str, value: object, place: str) -> None:
        """Take one override such as `instruments.rural_grant.rate`."""
        parts = dotted.split(".")
        if len(parts) != 3 or "@" in dotted:
            raise InputError(f"{place}: {dotted}: must read {FOLDER}.NAME.FIELD, such as {FOLDER}.rural_grant.rate.")
        if parts[1] not in self._library and parts[1] not in self._given:
            raise unknown(place, "an instrument", dotted, [f"{FOLDER}.{name}.{parts[2]}" for name in self._library])
        self.set(parts[1], parts[2], value, place)

    def set(self, name: str, key: str, value: object, place: str) -> None:
        """Set one field; a field set twice is an error."""
        dotted = f"{FOLDER}.{name}.{key}"
        if key not in _FIELDS:
            raise unknown(place, "a field of an instrument", dotted, [f"{FOLDER}.{name}.{field}" for field in _FIELDS])
        if dotted in self._where:
            raise InputError(f"{place}: {dotted} is already set in {self._where[dotted]}; one value for each field.")
        if key == "rate" and name in self._standing:
            rate = self._library[name]["rate"]
            raise InputError(f"{place}: {dotted}: its rate is an assumption. Nearest: {rate}.")
        self._given.setdefault(name, {})[key] = value
        self._where[dotted] = place

    def where(self) -> dict[str, str]:
        """Where each field was set, by dotted name."""
        return dict(self._where)

    def build(self) -> dict[str, Instrument]:
        """Standing instruments first, in their file's order, then those the scenario names."""
        made = {}
        for name in [*self._standing, *(n for n in self._given if n not in self._standing)]:
            own = self._given.get(name, {})
            place = next((p for d, p in self._where.items() if d.startswith(f"{FOLDER}.{name}.")), self._root / FOLDER)
            if name not in self._library and "kind" not in own:
                hint = nearest(name, self._library)
                raise InputError(
                    f"{place}: {FOLDER}.{name}: is not in params/{FOLDER} and has no kind of its own."
                    f"{f' Nearest: {hint}.' if hint else ''}"
                )
            made[name] = build(name, {**self._library.get(name, {}), **own}, place, self._entries)
        return made
