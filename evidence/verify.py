"""Check a folder of results against its own checksums. Python's standard library only: it runs anywhere.

    python verify.py              checks every file of the folder this file lies in
    python verify.py FOLDER       checks another folder
    python verify.py E-7F3A2C     checks that an evidence id fits the words and numbers it stands for

Every file is read and its sha256 compared with SHA256SUMS, and with record.json, which lists the same files. It names
each file that was changed, is missing, or was added, and ends with 1; it ends with 0 when all is as it was made.
Nothing is opened but the files of the folder, and nothing in them is run.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUMS, RECORD = "SHA256SUMS", "record.json"
EXHIBITS, INDEX = "exhibits", "exhibits.json"
# What an operating system leaves in a folder that somebody looked into.
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
ANY_STUDY = "this study"
# What an exhibit says beside its data; with the data it makes the evidence id.
DEFINED = (
    *("kind", "name", "title", "subtitle", "units", "source", "label"),
    *("basis", "alternative", "notes"),
)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(definition: Mapping[str, Any], data: str, study_id: str) -> str:
    """sha256 of what an exhibit says: its definition and its data as CSV text.

    The study's id stands for all its assumptions, so it is left out wherever a sentence names it: an exhibit that a
    changed assumption does not reach keeps its id.
    """
    content = {"data": data, "definition": dict(definition)}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256((text.replace(study_id, ANY_STUDY) if study_id else text).encode()).hexdigest()


def sums_text(outputs: Mapping[str, str]) -> str:
    """Checksums in the form that `sha256sum --check` reads."""
    return "".join(f"{sha}  {name}\n" for name, sha in sorted(outputs.items()))


def read_sums(folder: Path) -> tuple[dict[str, str], list[str]]:
    """The checksums of a folder by file, and the lines that are none."""
    known, odd = {}, []
    for number, line in enumerate((folder / SUMS).read_bytes().splitlines(), start=1):
        found = re.fullmatch(rb"([0-9a-f]{64})  ([^\x00-\x1f\\:]+)", line)
        name = found[2].decode("utf-8", "replace") if found else ""
        if found and not name.startswith("/") and not {"", ".", ".."} & set(name.split("/")):
            known[name] = found[1].decode()
        else:
            odd.append(f"{SUMS}: line {number} is not a checksum and a file's name")
    return known, odd


def problems(folder: Path) -> list[str]:
    """One line for each file of a folder that is not as it was made; empty when all is well.

    A file counts as changed when it differs from the checksums, unless the record vouches for it: then it is
    SHA256SUMS that was changed.
    """
    if not (folder / SUMS).is_file():
        return [f"{SUMS}: missing, so nothing can be checked"]
    known, found = read_sums(folder)
    recorded = _recorded(folder)
    there = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file() or p.is_symlink()}
    there = {name: path for name, path in there.items() if path.name not in LITTER and name != SUMS}
    for name in sorted(set(known) | set(there)):
        if name not in there:
            listed = name in recorded or not recorded or name == RECORD
            found.append(f"{name}: missing" if listed else f"{SUMS}: names {name}, which the record does not")
        elif there[name].is_symlink():
            found.append(f"{name}: is a link to another place, not a file of this folder")
        elif name not in known:
            listed = name in recorded or name == RECORD
            found.append(f"{SUMS}: does not name {name}" if listed else f"{name}: extra, it was not there when made")
        else:
            sha256 = file_sha256(there[name])
            if sha256 != known[name] and sha256 == recorded.get(name):
                found.append(f"{SUMS}: changed; its line for {name} is wrong")
            elif sha256 != known[name]:
                either = f", or its line in {SUMS} was" if name == RECORD else ""
                found.append(f"{name}: changed since it was made{either}")
    return found


def _recorded(folder: Path) -> dict[str, str]:
    """What the record lists; empty when it cannot be read, which its own checksum then shows."""
    try:
        outputs = json.loads((folder / RECORD).read_text(encoding="utf-8"))["outputs"]
        return {str(name): str(sha256) for name, sha256 in outputs.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def exhibit_problems(folder: Path, evidence_id: str) -> list[str]:
    """One line for each thing about an exhibit that does not fit its evidence id; empty when all is well.

    Args:
        folder: folder of a report.
        evidence_id: such as E-7F3A2C.

    Raises:
        KeyError: when the report has no such exhibit.
    """
    index = json.loads((folder / EXHIBITS / INDEX).read_text(encoding="utf-8"))
    entry = next((e for e in index if e["id"] == evidence_id), None)
    if entry is None:
        raise KeyError(evidence_id)
    found = []
    for name, sha256 in entry["files"].items():
        path = folder / EXHIBITS / Path(name).name
        if not path.is_file():
            found.append(f"{EXHIBITS}/{name}: missing")
        elif file_sha256(path) != sha256:
            found.append(f"{EXHIBITS}/{name}: changed since it was made")
    data = folder / EXHIBITS / f"{evidence_id}.csv"
    if data.is_file():
        text = data.read_bytes().decode("utf-8", "replace")
        sha256 = content_hash({key: entry[key] for key in DEFINED}, text, entry["study"])
        if sha256 != entry["sha256"] or not f"E-{sha256.upper()}".startswith(evidence_id):
            found.append(f"{EXHIBITS}/{INDEX}: {evidence_id} does not fit its words and numbers")
    return found


def main(words: list[str]) -> int:
    """Check and say; 0 when all is well, 1 when not, 2 when asked for what is not there."""
    here = Path(__file__).resolve().parent
    if words and re.fullmatch("E-[0-9A-Fa-f]{6,64}", words[0]):
        try:
            found = exhibit_problems(here, words[0].upper())
        except (KeyError, OSError, ValueError):
            print(f"{words[0]}: not in {EXHIBITS}/{INDEX}, or that file cannot be read")
            return 2
        what = f"{words[0]}: the id fits its words and numbers, and its files are as they were made."
    else:
        folder = Path(words[0]) if words else here
        found = problems(folder)
        what = "" if found else f"All {len(read_sums(folder)[0])} files are as they were made."
    print("\n".join(found) if found else what)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
