"""The logs that travel with a report: data with their vintages, quality assurance, and what the words mean.

Quality assurance here means what was checked for this edition, by whom or by what, and with what result; nothing is
listed that was not done, and what was not done says so.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evidence.disclosure import escape_formula
from evidence.records import Record
from evidence.reporting.signoff import SignOff
from evidence.studies.plans import parts_of
from evidence.wording import count

DATA_LOG, QA_LOG = "data_log.csv", "qa_log.csv"
_DATA = ("name", "title", "publisher", "source_table", "vintage", "retrieved", "licence", "attribution", "sha256")

FIT_FOR = (
    "comparing funding options with each other, with the range of the difference",
    "the size of councils' net cost as a range, and what moves it most",
    "the order of months in which national hotel use could fall",
    "saying which evidence would narrow the answer",
)
NOT_FIT_FOR = (
    "placing individuals, enforcement, or targeting people, properties or areas",
    "the budget of one council: take the range in its row and its own unit costs",
    "ranking councils whose ranges overlap",
    "a forecast of policy: options hold only what they state",
    "adding ledgers into one total",
)
GLOSSARY = {
    "Arm, or option": "one policy setting; all arms meet the same people, chance and assumptions",
    "Baseline": "the option that the others are compared with",
    "Cash": "pounds of the year in which they are spent; real prices take general inflation out",
    "Central figure": "the median: half of the simulations lie above it and half below",
    "Contingency accommodation": "hotels and other places used when no dispersal bed is free",
    "Dispersal accommodation": "homes that the Home Office's providers rent for people seeking asylum",
    "Draw": "one set of the uncertain assumptions",
    "80% interval": "four simulations in five lie inside it; it holds what the assumptions' ranges and chance allow",
    "Evidence id": "E- and a code made from the words and numbers it stands for; other content has another code",
    "Initial accommodation": "where people stay first, before a dispersal home",
    "Ledger": "one body's account: the Home Office, councils, or other public bodies; ledgers are never added",
    "Modelled estimate": "a figure made by simulation, never an official statistic",
    "Move-on period": "the time between a decision and the end of asylum support",
    "Net cost": "what councils spend on dispersal less the grant they receive for it",
    "Present value": "later pounds counted for less, at the Green Book's rate, so that years can be compared",
    "Replication": "one random seed: one way that chance can fall",
    "Section 95, 98 and 4": "the laws that support people while they wait, on arrival, and after refusal",
    "Switching value": "the value of one assumption at which the preferred option changes",
    "Vintage": "the release that a figure came from",
}


def data_log(tables: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """One row for each official table the project carries: publisher, source, vintage, licence, checksum."""
    return [{key: str(table.get(key, "")) for key in _DATA} for table in tables]


def qa_log(
    record: Record,
    study: Record,
    tables: Sequence[Mapping[str, Any]],
    cells: int,
    weak: int,
    validation: Record | None,
    signoff: SignOff | None,
) -> list[dict[str, str]]:
    """What was checked for this edition, and with what result.

    Args:
        record: the report's record.
        study: the study's record; it is complete, or there would be no report.
        tables: records of the reference tables, just verified.
        cells: notebook code cells, all completed.
        weak: assumptions of high impact that rest on weak evidence.
        validation: the validation of this model version, if it was run.
        signoff: the sign-off record, if one was given.
    """
    commit, dirty = record.code.get("commit"), record.code.get("dirty")
    code = f"commit {commit}" if commit and not dirty else f"commit {commit} with uncommitted changes: not for citation"
    parts = len(parts_of(study.settings))
    passed = "Not run for this model version; the command dispersal validate runs it."
    if validation is not None:
        warned = " ".join(validation.warnings) or "Every criterion is met."
        passed = f"{validation.id}: {warned}"
    signed = "None was given: this edition is not signed off."
    if signoff is not None:
        signed = f"Version {signoff.version} of {signoff.date}; assured by the {signoff.assurer.role}."
    rows = (
        ("Data", "Every reference table against its checksum", f"{len(tables)} of {len(tables)} agree"),
        (
            "Assumptions",
            "Every value against its unit, range and type; each has a source, and ratings of quality and impact",
            f"{len(next(iter(study.assumptions.values())))} accepted; "
            f"{count(weak, 'assumption', 'assumptions')} of high impact on weak evidence",
        ),
        ("Study", "Every part against the checksum taken when it was simulated", f"{parts} of {parts} agree"),
        ("Notebooks", "Every code cell completed, in order, in a fresh process", f"{cells} of {cells} completed"),
        ("Model", "Held against published patterns, national stocks, past quarters and theory", passed),
        (
            "Disclosure",
            "Modelled council figures rounded to 5, below 5 withheld, and what would give them away",
            "Applied before anything is written",
        ),
        ("Code", "Tests and style run on each change; this edition's code", code if commit else "not a git checkout"),
        (
            "Reproduction",
            "The command dispersal verify --rerun simulates again and compares every byte of an exhibit",
            "On request; not part of making the report",
        ),
        ("Sign-off", "Commissioner, analyst, assurer and approver, by role", signed),
    )
    return [dict(zip(("Area", "Check", "Result"), row, strict=True)) for row in rows]


def write_log(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write a log as CSV, no cell of which a spreadsheet would run as a formula."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([escape_formula(cell) for cell in row.values()] for row in rows)
