"""The vintages of official tables: each import kept beside the others, and a note of which one is adopted.

One rule says which figures are read: the adopted vintage of an official table where it has a quarter, and the shipped
reference table (`params/reference`) for the rest. Importing adopts a complete vintage that is at least as new as
what is in force; `dispersal data adopt` chooses any other, or `shipped`. Nothing is ever written over.

`params/vintages/` holds `<table>/<label>.csv`, the same name with `.json` for what it is, and `adopted.json`.
The variable DISPERSAL_VINTAGES names another folder.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params.errors import InputError, unknown
from params.files import write_whole
from params.releases.layouts import OGL, TABLES

if TYPE_CHECKING:
    import pandas as pd

    from params.releases.read import Release

SHIPPED = "shipped"
_ADOPTED = "adopted.json"
_LABEL = re.compile(r"[0-9a-z][0-9a-z.\-]{0,40}")


def folder() -> Path:
    """The folder of vintages: DISPERSAL_VINTAGES, else `params/vintages`."""
    return Path(os.environ.get("DISPERSAL_VINTAGES") or Path(__file__).parent.parent / "vintages")


@dataclass(frozen=True)
class Vintage:
    """One imported vintage of one official table, with its record."""

    table: str
    label: str
    record: dict[str, Any]
    content: bytes | None = field(default=None, repr=False)  # of a vintage that is not kept yet

    @property
    def id(self) -> str:
        """`Asy_D11@2026-05-21`."""
        return f"{self.table}@{self.label}"

    @property
    def path(self) -> Path:
        """Its CSV file."""
        return folder() / self.table / f"{self.label}.csv"

    def rows(self) -> pd.DataFrame:
        """The tidy rows: dimensions as text, people as float64 (NaN where no number was published), status.

        Raises:
            InputError: the file is missing or not as it was imported.
        """
        import pandas as pd

        try:
            content = self.path.read_bytes() if self.content is None else self.content
        except OSError:
            raise InputError(f"{self.path}: the vintage is missing; import its file again.") from None
        if hashlib.sha256(content).hexdigest() != self.record["csv_sha256"]:
            raise InputError(f"{self.path}: the vintage was changed after its import; import its file again.")
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_filter=False)
        frame["people"] = pd.to_numeric(frame["people"].replace("", None)).astype(float)
        return frame


def vintages(table: str | None = None) -> list[Vintage]:
    """Every imported vintage, by table and label; the shipped tables are not among them.

    Raises:
        InputError: a record is damaged.
    """
    found = []
    for name in [table] if table else sorted(TABLES):
        for path in sorted((folder() / name).glob("*.json")):
            if not path.name.startswith("."):
                found.append(Vintage(name, path.stem, _read(path)))
    return found


def find(given: str) -> Vintage | None:
    """The vintage that `TABLE@LABEL` names, or None for `TABLE@shipped`.

    Raises:
        InputError: there is none; names the nearest.
    """
    table, _, label = given.partition("@")
    all_of = vintages()
    if not label:
        matches = [vintage for vintage in all_of if vintage.label == given]
        if len(matches) == 1:
            return matches[0]
    if table in TABLES and label == SHIPPED:
        return None
    for vintage in all_of:
        if vintage.id.lower() == given.lower():
            return vintage
    known = [vintage.id for vintage in all_of] + [f"{name}@{SHIPPED}" for name in TABLES]
    raise unknown("data", "a vintage", given, known)


def adopted() -> dict[str, Vintage]:
    """The adopted vintage of each table that has one.

    Raises:
        InputError: the note of what is adopted is damaged, or names a vintage that is gone.
    """
    path = folder() / _ADOPTED
    if not path.is_file():
        return {}
    chosen = _read(path)
    result = {}
    for table, label in sorted(chosen.items()):
        if table not in TABLES or not isinstance(label, str) or not _LABEL.fullmatch(label):
            raise InputError(f"{path}: {table} = {label!r} is not a vintage. Nearest: {SHIPPED}.")
        if label == SHIPPED:
            continue
        about = folder() / table / f"{label}.json"
        if not about.is_file():
            raise InputError(f"{path}: {table}@{label} is adopted and missing; import it again or adopt {SHIPPED}.")
        result[table] = Vintage(table, label, _read(about))
    return result


def adopt(table: str, label: str) -> None:
    """Let one vintage of a table (or `shipped`) be read from now on."""
    path = folder() / _ADOPTED
    chosen = _read(path) if path.is_file() else {}
    write_whole(path, _json({**chosen, table: label}), "vintages")


def draft(release: Release, checks: list[str]) -> tuple[Vintage, bool]:
    """Make a release a vintage without keeping it yet; return it and whether it is new.

    A release with the content of a kept vintage is that vintage.
    """
    content = _tidy(release)
    digest = hashlib.sha256(content).hexdigest()
    name = release.layout.table
    for vintage in vintages(name):
        if vintage.record["csv_sha256"] == digest:
            return vintage, False
    stem = release.published or f"to-{release.quarters[-1]}"
    taken = {vintage.label for vintage in vintages(name)}
    label = next(
        candidate
        for candidate in [stem, *(f"{stem}.{number}" for number in range(2, 10_000))]
        if candidate not in taken
    )
    record = {
        "table": name,
        "title": release.layout.title,
        "publisher": release.layout.publisher,
        "published": release.published,
        "licence": OGL,
        "attribution": release.layout.attribution,
        "file": release.file,
        "sha256": release.sha256,
        "sheet": release.sheet,
        "header_row": release.header_row,
        "imported": dt.date.today().isoformat(),
        "quarters": [release.quarters[0], release.quarters[-1], len(release.quarters)],
        "rows_read": release.read,
        "rows": len(release.rows),
        "checks": checks,
        "csv_sha256": digest,
    }
    return Vintage(name, label, record, content), True


def keep(vintage: Vintage) -> None:
    """Write a drafted vintage to the folder.

    Raises:
        InputError: the folder cannot be written.
    """
    if vintage.content is not None:
        # The record comes last: a vintage without it does not exist.
        write_whole(vintage.path, vintage.content, "vintages")
        write_whole(vintage.path.with_suffix(".json"), _json(vintage.record), "vintages")


def hashes() -> dict[str, str]:
    """sha256 of the adopted vintages, for the record of a run; empty where none is adopted."""
    return {f"params/vintages/{v.table}/{v.label}.csv": v.record["csv_sha256"] for v in adopted().values()}


def _tidy(release: Release) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*release.layout.dimensions, "people", "status"])
    for key in sorted(release.rows):
        count = release.rows[key]
        writer.writerow([*key, "" if count.value is None else count.value, count.status])
    return text.getvalue().encode()


def _json(content: object) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{path}: is damaged; restore it with git or import the file again.")
    return content
