"""What a reference table is: its columns, its rows, and everything that a citation of it needs."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from params.importing.sources import Row

OGL = "Open Government Licence v3.0"
OGL_LINE = "Contains public sector information licensed under the Open Government Licence v3.0."
HOME_OFFICE_LINE = f"Source: Home Office, Immigration System Statistics. {OGL_LINE}"
NOVEMBER_2024 = "Immigration System Statistics, year ending September 2024, published 2024-11-28"
FEBRUARY_2026 = "Immigration System Statistics, year ending December 2025, published 2026-02-26"
MAY_2026 = "Immigration System Statistics, year ending March 2026, published May 2026"
HUMANIVERSE = "humaniverse/asylum @ e7044ecf"
ASYLUMSTATS = "tompickup23/asylumstats @ 719b3b24"
EXPLORER = "chocolatetriflesgit/Asylum-data-explorer @ 7feb5107"


@dataclass(frozen=True)
class Column:
    """One column: `kind` is how the reader parses it (text, date, integer or number; empty cells allowed)."""

    kind: str
    unit: str
    description: str


@dataclass(frozen=True)
class Table:
    """One reference table and everything a citation of it needs."""

    name: str
    title: str
    publisher: str
    source_table: str
    via: str
    vintage: str
    files: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: Sequence[Row]
    licence: str = OGL
    attribution: str = HOME_OFFICE_LINE
    notes: tuple[str, ...] = field(default=())

    def csv(self) -> bytes:
        """Return the table as CSV bytes: UTF-8, one newline a row, empty cell for not known."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(row[name]) for name in self.columns] for row in self.rows)
        return text.getvalue().encode("utf-8")

    def record(self, content: bytes, sha256: Mapping[str, str]) -> dict[str, Any]:
        """Return the table's entry in the manifest."""
        return {
            "title": self.title,
            "publisher": self.publisher,
            "source_table": self.source_table,
            "via": self.via,
            "vintage": self.vintage,
            "licence": self.licence,
            "attribution": self.attribution,
            "notes": list(self.notes),
            "columns": {
                name: {"type": column.kind, "unit": column.unit, "description": column.description}
                for name, column in self.columns.items()
            },
            "sources": [{"file": file, "sha256": sha256[file]} for file in sorted(self.files)],
            "rows": len(self.rows),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def text_column(description: str, unit: str = "") -> Column:
    """A column of words or codes."""
    return Column("text", unit, description)


def people_column(description: str) -> Column:
    """A column of counts of people."""
    return Column("integer", "people", description)


def share_column(description: str) -> Column:
    """A column of shares between 0 and 1."""
    return Column("number", "share", description)


QUARTER_END = Column("date", "", "last day of the quarter")
