"""What `dispersal verify` says: whether files and ids are as they were made, or an exhibit comes out the same again."""

from __future__ import annotations

from pathlib import Path

from evidence.records import RunError, damaged, find, read_record
from evidence.reporting.editions import standing, swapped
from evidence.studies import parts
from evidence.verify import SUMS, exhibit_problems, problems, read_sums
from params.errors import InputError


def _is_evidence(identity: str) -> bool:
    return identity[:2].upper() == "E-"


def checked(identity: str, runs: Path, sample: int | None = None) -> list[str]:
    """Check a folder's files, or an exhibit's files and id.

    Raises:
        InputError: for an unknown id.
        RunError: when something is not as it was made; names each file.
    """
    if sample is not None:
        raise InputError("--sample: goes with --rerun.")
    if _is_evidence(identity):
        return _exhibit(identity, runs)
    folder = find(runs, identity)
    if (folder / SUMS).is_file() or read_record(folder).kind == "report":
        found = problems(folder) + swapped(runs, identity)
        count = len(read_sums(folder)[0]) if not found else 0
    else:
        record = read_record(folder)
        found = parts.missing(folder, record) if record.kind == "study" else damaged(folder, record.outputs)
        found = [f"{name}: missing or changed since it was made" for name in found]
        count = len(record.outputs)
    if found:
        raise RunError("\n".join([*found, f"{identity}: not as it was made"]))
    warned = standing(runs, identity) if read_record(folder).kind == "report" else []
    return [f"{identity}: all {count} files are as they were made", *(f"Warning: {line}" for line in warned)]


def _exhibit(identity: str, runs: Path) -> list[str]:
    from evidence.reporting.citations import locate

    lines, wrong = [], []
    for held in locate(identity, runs):
        found = exhibit_problems(held.folder, held.id) + swapped(runs, held.record.id)
        wrong += [f"{held.record.id}/{line}" for line in found]
        if not found:
            count = len(held.entry["files"])
            files = "1 file" if count == 1 else f"{count} files"
            lines.append(f"{held.id}: the id fits its words and numbers, and {files} in {held.record.id} are as made")
        lines += [f"Warning: {line}" for line in standing(runs, held.record.id)]
    if wrong:
        raise RunError("\n".join([*wrong, f"{identity.upper()}: not as it was made"]))
    return lines


def again(identity: str, runs: Path, sample: int | None) -> list[str]:
    """Make an exhibit again and compare.

    Raises:
        InputError: when this is not an evidence id, or is unknown.
        RunError: when it cannot be made here, or comes out differently.
    """
    from evidence.progress import watched
    from evidence.reporting.rerun import rerun

    if not _is_evidence(identity):
        raise InputError(f"--rerun: {identity} is not an evidence id; a report is made again one exhibit at a time.")
    return rerun(identity, runs, sample, watched())
