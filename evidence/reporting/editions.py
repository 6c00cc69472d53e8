"""Editions: reports made to be cited, and which of them a later one has superseded.

The register of editions lies beside the reports, in `cited/editions.json` of the runs folder, which git keeps. It holds
the checksum of each edition's list of checksums, so that a whole edition cannot be swapped unseen; the edition's own
files are never touched when another supersedes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidence.records import code_state, exclusive, file_digest, find, read_record, write_json
from evidence.verify import SUMS
from params.errors import InputError

FOLDER, REGISTER = "cited", "editions.json"


def check_committed() -> None:
    """Refuse to make a cited edition of code that nobody else can get.

    Raises:
        InputError: without git, or with uncommitted changes.
    """
    state = code_state()
    if state["commit"] is None:
        raise InputError("--cite: this is not a git checkout, so nobody could find the code that made the numbers.")
    if state["dirty"] is not False:
        raise InputError(
            "--cite: the code has uncommitted changes, so nobody could make these numbers again. Commit them first "
            "(`git status` lists them), or leave --cite out."
        )


def read_editions(runs: Path) -> list[dict[str, Any]]:
    """Every edition in the order they were made: report, study file, title, commit, sums, superseded_by."""
    path = runs / FOLDER / REGISTER
    if not path.is_file():
        return []
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return entries


def enter(runs: Path, report_id: str, say: Callable[[str], None]) -> None:
    """Enter a report as the edition to cite, and mark the one it supersedes: the last of the same study file."""
    folder = find(runs, report_id, "report")
    record = read_record(folder)
    with exclusive(runs, "editions", wait=30):
        entries = read_editions(runs)
        known = next((entry for entry in entries if entry["report"] == report_id), None)
        if known is not None:
            if known["sums"] != (sums := file_digest(folder / SUMS)):
                known |= {"sums": sums, "made": record.created}
                say("  was made again: its checksums in the register are new")
                write_json(runs / FOLDER / REGISTER, entries)
            return
        new = {
            "report": report_id,
            "study_file": record.extra["studies"][record.settings["study"]]["settings"]["file"],
            "title": record.title,
            "commit": record.code["commit"],
            "made": record.created,
            "sums": file_digest(folder / SUMS),
            "superseded_by": None,
        }
        for entry in entries:
            if entry["study_file"] == new["study_file"] and entry["superseded_by"] is None:
                entry["superseded_by"] = report_id
                say(f"  supersedes {entry['report']}")
        (runs / FOLDER).mkdir(exist_ok=True)
        write_json(runs / FOLDER / REGISTER, [*entries, new])


def standing(runs: Path, report_id: str) -> list[str]:
    """What a reader must know of a report's standing: lines of warning, none for the current edition."""
    entry = next((e for e in read_editions(runs) if e["report"] == report_id), None)
    if entry is None:
        return [f"{report_id} is not an edition to cite: it was made without --cite."]
    if entry["superseded_by"]:
        return [f"{report_id} is superseded by {entry['superseded_by']}."]
    return []


def swapped(runs: Path, report_id: str) -> list[str]:
    """One line when an edition's list of checksums is not the registered one."""
    entry = next((e for e in read_editions(runs) if e["report"] == report_id), None)
    path = runs / report_id / SUMS
    if entry is None or not path.is_file() or file_digest(path) == entry["sums"]:
        return []
    return [f"{SUMS}: is not the one that was registered when this edition was made"]
