"""The sign-off record: which roles answered for an edition, when, and for which version. Roles, never people.

A TOML file that the organisation fills in; it travels with the report and the report shows it:

    version = "1.0"
    date = 2026-11-22

    [commissioner]
    role = "Head of local government finance"
    date = 2026-11-02

    [analyst] ...  [assurer] ...  [approver] ...
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from params.errors import InputError
from params.register import describe, read_toml

ROLES = {
    "commissioner": "asked the question and answers for its use",
    "analyst": "made the analysis",
    "assurer": "checked it, and is not the analyst",
    "approver": "released it",
}
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)
# A title before a name, or a way to reach somebody: the record holds posts, not people.
_PERSONAL = re.compile(r"@|https?:|\b(mr|mrs|ms|miss|mx|dr|prof|sir|dame|lord|lady)\b\.?\s|\+?\d[\d ]{6,}", re.I)


class Role(BaseModel):
    """One role's part: the post that held it and the day it answered."""

    model_config = _STRICT
    role: str = Field(min_length=3, max_length=120)
    date: date

    @field_validator("role")
    @classmethod
    def _a_post(cls, value: str) -> str:
        if _PERSONAL.search(value):
            raise ValueError("names a person or a way to reach one; give the post, such as 'Head of finance'")
        return value


class SignOff(BaseModel):
    """Who answered for an edition, by role."""

    model_config = _STRICT
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}$")
    date: date
    commissioner: Role
    analyst: Role
    assurer: Role
    approver: Role

    @model_validator(mode="after")
    def _assured_by_another_and_in_order(self) -> SignOff:
        if self.assurer.role.casefold() == self.analyst.role.casefold():
            raise ValueError("the assurer is the analyst; assurance must be by another")
        late = [name for name in ROLES if getattr(self, name).date > self.date]
        if late:
            raise ValueError(f"the {late[0]} answers on a later day than the record's own date")
        return self

    def rows(self) -> list[dict[str, str]]:
        """One row a role, for a table."""
        return [
            {
                "Role": name,
                "What it did": what,
                "Held by": getattr(self, name).role,
                "Date": getattr(self, name).date.isoformat(),
            }
            for name, what in ROLES.items()
        ]

    def canonical(self) -> dict[str, Any]:
        """The record as plain JSON."""
        return self.model_dump(mode="json")


def read_signoff(file: Path) -> SignOff:
    """Read a sign-off record.

    Raises:
        InputError: names the file and the key; a role held by a named person is refused.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file. `dispersal report --help` shows what a sign-off record holds.")
    table = read_toml(file)
    try:
        return SignOff.model_validate(table)
    except ValidationError as error:
        nested = any(len(found["loc"]) > 1 for found in error.errors() if found["type"] == "extra_forbidden")
        options = list((Role if nested else SignOff).model_fields)
        raise InputError(f"{file}: {describe(error, options)}.") from None
