"""What recipients already hold: the append-only log of releases, and a copy of each, under `runs/shared/`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidence.disclosure import BASE
from evidence.exchange.attack import Key, Statement, total
from evidence.records import canonical_json, file_digest, hash_files
from params.errors import InputError

FOLDER = "shared"
LOG = "log.jsonl"
# What a release says, for the audit of later ones; it stays here and is not given to the recipient.
HELD = "held.json"


def folder(runs: Path) -> Path:
    """Where copies of releases and their log are kept."""
    return runs / FOLDER


def entries(runs: Path) -> list[dict[str, Any]]:
    """The log, oldest first, with its chain checked.

    Raises:
        InputError: a line was changed or lost.
    """
    path = folder(runs) / LOG
    if not path.is_file():
        return []
    found: list[dict[str, Any]] = []
    before = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            chained = entry["before"] == before
        except (ValueError, KeyError, TypeError):
            chained = False
        if not chained:
            raise InputError(f"{path}: line {number} was changed or lines before it were lost; restore the log.")
        before = hashlib.sha256(line.encode()).hexdigest()
        found.append(entry)
    return found


def append(runs: Path, entry: Mapping[str, Any]) -> None:
    """Add a line to the log; each line carries the sha256 of the line before it."""
    path = folder(runs) / LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    before = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else ""
    line = canonical_json({**entry, "at": datetime.now(UTC).isoformat(timespec="seconds"), "before": before})
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def held(runs: Path) -> tuple[list[Statement], list[Key]]:
    """What all earlier releases, to anyone, say about cells: recipients may pool what they hold.

    Returns:
        The statements, and the small cells that those releases withheld.

    Raises:
        InputError: the log is damaged, or a release in it is gone or was changed.
    """
    said: list[Statement] = []
    small: list[Key] = []
    logged = {entry["release"]: entry for entry in entries(runs)}
    kept = sorted(path.parent for path in folder(runs).glob(f"*/{HELD}") if not path.parent.name.startswith("."))
    for release in sorted(set(logged) - {path.name for path in kept}):
        raise InputError(
            f"{folder(runs) / release}: this release is in the log and its copy is gone, so what its recipient holds "
            "cannot be checked; restore it."
        )
    for path in kept:
        if path.name in logged and file_digest(path / HELD) != logged[path.name]["held_sha256"]:
            raise InputError(f"{path / HELD}: was changed after the release; restore it.")
        content = json.loads((path / HELD).read_text(encoding="utf-8"))
        small += [tuple(cell) for cell in content["small"]]
        for figure in content["shown"]:
            low = max(BASE, figure["shown"] - BASE // 2)
            said.append(total((tuple(cell) for cell in figure["of"]), low, figure["shown"] + BASE // 2))
    return said, small


def keep(runs: Path, release: str, partial: Path, content: Mapping[str, Any], entry: Mapping[str, Any]) -> Path:
    """Put a finished release in place, then in the log; a release that is in place counts even if the log is not.

    Args:
        runs: the folder of all runs.
        release: its id.
        partial: the hidden folder in which it was written.
        content: the figures it shows, each with the cells it is a sum of, and the small cells it withholds.
        entry: what the log says of it.
    """
    (partial / HELD).write_text(canonical_json(content), encoding="utf-8")
    target = folder(runs) / release
    digest = file_digest(partial / HELD)
    files = {name: sha for name, sha in hash_files(partial).items() if name != HELD}
    if target.exists():
        shutil.rmtree(partial)
    else:
        os.replace(partial, target)
    append(runs, {**entry, "release": release, "files": files, "held_sha256": digest})
    return target
