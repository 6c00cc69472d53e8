"""Run records: what made a number, kept beside it in a folder that is either whole or absent.

A run folder is built in a hidden sibling, flushed to disk and renamed, so that a crash, a full disk or Ctrl-C
never leaves half a finished run under its id.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from evidence.verify import SUMS, file_sha256, sums_text
from params.errors import InputError, nearest
from params.releases.store import hashes as vintage_hashes

ROOM = Path(__file__).resolve().parent  # of everything that is said
REPOSITORY = ROOM.parent
RECORD_FILES = {"study": "study.json"}  # every other kind: record.json
RECORD_FILE = "record.json"
ID_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
ID_LENGTH = 100
# A changed version of one of these can change a number; the others only draw, print or edit.
PACKAGES = (
    *("llvmlite", "mesa", "networkx", "numba", "numpy", "pandas"),
    *("pydantic", "scipy", "statsmodels", "xarray", "zarr"),
)
# Modules of evidence that stand between the simulation and the stored number.
_EVIDENCE_SOURCES = ("studies/ensemble.py", "studies/reduction.py")


class RunError(RuntimeError):
    """A run could not be finished or read; the message is one clear line. Nothing is wrong with the input."""


def canonical_json(value: object) -> str:
    """Write a value so that equal values give equal text: sorted keys, shortest floats, ISO dates, no spaces.

    Raises:
        TypeError: for a value that is not plain data.
        ValueError: for NaN or infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a record")


def digest(value: object) -> str:
    """sha256 of the canonical JSON of a value, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    return file_sha256(path)


def make_id(name: str, content: object) -> str:
    """Build `<name>-<8 hex>` from a name (with hyphens) and everything the result depends on."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower())[: ID_LENGTH - 20].strip("-") or "unnamed"
    return f"{stem}-{digest(content)[:8]}"


@cache
def model_version(posterior: bool = True) -> str:
    """Hash of the code and reference tables that make numbers; it changes when a number could.

    Covers the source of `params`, `forecasts` and `sim`, the modules of `evidence` that aggregate results,
    the manifest of the reference tables and the adopted posterior draws. Assumptions are not in it: the run id holds
    them by value.

    Args:
        posterior: whether adopted posterior draws count; they do not for the calibration that makes them.
    """
    parts = {}
    for package in ("params", "forecasts", "sim"):
        folder = _package_folder(package)
        for path in sorted(folder.rglob("*.py")):
            parts[f"{package}/{path.relative_to(folder).as_posix()}"] = file_digest(path)
    for name in _EVIDENCE_SOURCES:
        parts[f"evidence/{name}"] = file_digest(ROOM / name)
    parts.update(reference_hashes())
    if posterior:
        parts.update(posterior_hashes())
    return digest(parts)[:16]


def posterior_hashes() -> dict[str, str]:
    """sha256 of the adopted posterior draws, empty where none were adopted."""
    path = _package_folder("params") / "posterior" / "posterior.csv"
    return {"params/posterior/posterior.csv": file_digest(path)} if path.is_file() else {}


def reference_hashes() -> dict[str, str]:
    """sha256 of the manifest that lists every reference table with its own, and of each adopted vintage."""
    manifest = _package_folder("params") / "reference" / "manifest.json"
    if not manifest.is_file():
        raise InputError(f"{manifest}: no such file. Nearest: `python -m params.importer` writes the reference tables.")
    return {"params/reference/manifest.json": file_digest(manifest), **vintage_hashes()}


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RunError(f"package {name} is not installed; see the README on setting up")
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def code_state() -> dict[str, Any]:
    """Git commit and dirty flag of the repository; both None without a git checkout or git."""
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != REPOSITORY:
        return {"commit": None, "dirty": None}
    status = _git("status", "--porcelain", "--", ".", ":(exclude)runs")  # results are not code
    return {
        "commit": _git("rev-parse", "--verify", "HEAD"),
        "dirty": None if status is None else bool(status),
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def package_versions() -> dict[str, str]:
    """Versions of Python and of every package that can change a number."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


@dataclass(frozen=True)
class Record:
    """What a run folder is and what made it.

    Attributes:
        id: name of the folder.
        kind: `study`, `run`, `forecast` or `report`.
        title: one line for a reader.
        settings: what was asked for (seed, start, months, draws), as plain JSON.
        assumptions: canonical assumptions, by arm for a study, else under the scenario's name.
        model_version: hash of the code and reference tables that make numbers.
        inputs: sha256 by input file or table.
        parents: ids of the runs this one read.
        outputs: sha256 by file, relative to the folder.
        warnings: what a reader should know before using the numbers.
        status: `complete`, or `unfinished` for a study that can be resumed.
        code: git commit and whether there were uncommitted changes; both None without git.
        packages: versions of what can change a number, Python's among them.
        created: time in UTC, ISO 8601.
        extra: results that belong with the record, such as headline figures.
    """

    id: str
    kind: str
    title: str
    settings: Mapping[str, Any]
    assumptions: Mapping[str, Any]
    model_version: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    status: str = "complete"
    code: Mapping[str, Any] = field(default_factory=code_state)
    packages: Mapping[str, str] = field(default_factory=package_versions)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    extra: Mapping[str, Any] = field(default_factory=dict)


def write_json(path: Path, content: object) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def write_record(folder: Path, record: Record) -> None:
    """Write a record into its folder, all or nothing."""
    write_json(folder / RECORD_FILES.get(record.kind, RECORD_FILE), asdict(record))


def record_path(folder: Path) -> Path:
    """The file that holds the record of a run folder, whether or not it exists."""
    candidates = [folder / name for name in RECORD_FILES.values()]
    return next((path for path in candidates if path.is_file()), folder / RECORD_FILE)


def read_record(folder: Path) -> Record:
    """Read the record of a run folder.

    Raises:
        RunError: when the record is missing, damaged, or belongs to another folder.
    """
    path = record_path(folder)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {item.name for item in fields(Record)}
        record = Record(**{key: _frozen(given) for key, given in content.items() if key in known})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: not a readable record ({error})") from None
    if record.id != folder.name:
        raise RunError(f"{path}: is the record of {record.id}, not of {folder.name}")
    return record


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def hash_files(folder: Path) -> dict[str, str]:
    """sha256 of every file under a folder by its path in it; the record and the checksums are left out."""
    skip = {RECORD_FILE, SUMS, *RECORD_FILES.values()}
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: file_digest(path) for name, path in files.items() if name not in skip}


def damaged(folder: Path, outputs: Mapping[str, str]) -> list[str]:
    """Names of the outputs that are missing or whose bytes changed since they were recorded."""
    return [name for name, sha in outputs.items() if not (folder / name).is_file() or file_digest(folder / name) != sha]


def runs_folder(given: str | Path | None = None) -> Path:
    """The folder of all runs: the one given, else `$DISPERSAL_RUNS`, else `runs/` of the repository or here."""
    if given is not None or os.environ.get("DISPERSAL_RUNS"):
        return Path(given or os.environ["DISPERSAL_RUNS"])
    return (REPOSITORY if (REPOSITORY / "pyproject.toml").is_file() else Path.cwd()) / "runs"


def prepare_runs(runs: Path) -> Path:
    """Make the runs folder if needed and check that it can be written.

    Raises:
        InputError: when it cannot.
    """
    try:
        (runs / ".locks").mkdir(parents=True, exist_ok=True)
        probe = runs / ".locks" / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{runs}: results cannot be written here ({error.strerror}). Use --runs DIR.") from None
    return runs


@contextmanager
def exclusive(runs: Path, run_id: str, wait: float = 0) -> Iterator[None]:
    """Hold the only right to write one run.

    Args:
        runs: the folder of all runs.
        run_id: the run.
        wait: seconds to wait for another process that is writing it.

    Raises:
        RunError: when another process is still writing it.
    """
    lock = FileLock(prepare_runs(runs) / ".locks" / f"{run_id}.lock")
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise RunError(f"{run_id}: another process is writing it; wait for it to end, then run this again") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def sealed(runs: Path, record: Record, *, replace_existing: bool = False, wait: float = 0) -> Iterator[Path]:
    """Write a run folder that appears under its id only when it is whole.

    The record is written with the sha256 of every file found in the folder as its outputs, and last SHA256SUMS, which
    lists the same files and the record.

    Args:
        runs: the folder of all runs.
        record: the record; its `outputs` are filled in here.
        replace_existing: replace a folder that has this id (a rebuilt report); otherwise the first one stays.
        wait: seconds to wait for another process that is writing the same id.

    Yields:
        The hidden folder to write in.

    Raises:
        InputError: when the runs folder cannot be written.
        RunError: when another process is writing the same id.
    """
    with exclusive(runs, record.id, wait):
        target, partial, old = (runs / name for name in (record.id, f".{record.id}.partial", f".{record.id}.old"))
        if old.exists() and not target.exists():  # a crash between the two renames below
            os.rename(old, target)
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir()
        try:
            yield partial
            outputs = hash_files(partial)
            write_record(partial, replace(record, outputs=outputs))
            made = record_path(partial)
            (partial / SUMS).write_text(sums_text({**outputs, made.name: file_digest(made)}), "utf-8", newline="\n")
            _flush(partial)
            if target.exists() and replace_existing:
                os.rename(target, old)
            if not target.exists():
                os.rename(partial, target)
            _flush_folder(runs)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Ask the disk to hold everything under `folder`, so that the rename cannot overtake the data."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        elif path.is_dir():
            _flush_folder(path)
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder to flush it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def listed(runs: Path, kind: str | None = None) -> list[str]:
    """Ids of the runs in a folder, of one kind if given; hidden and foreign folders are passed over."""
    if not runs.is_dir():
        return []
    found = []
    for folder in sorted(runs.iterdir()):
        if not ID_PATTERN.fullmatch(folder.name) or not record_path(folder).is_file():
            continue
        try:
            record = read_record(folder)
        except RunError:
            continue
        if kind is None or record.kind == kind:
            found.append(folder.name)
    return found


def find(runs: Path, run_id: str, kind: str | None = None) -> Path:
    """Folder of a run by its id.

    Raises:
        InputError: when the id cannot be one (a path, too long, wrong characters) or does not exist; the
        message
            names the nearest existing id.
    """
    what = f"{'an' if (kind or 'run')[0] in 'aeiou' else 'a'} {kind or 'run'}"
    if len(run_id) > ID_LENGTH or not ID_PATTERN.fullmatch(run_id):
        shown = run_id if len(run_id) <= 40 else f"{run_id[:40]}..."
        hint = nearest(run_id[:ID_LENGTH], listed(runs, kind))
        raise InputError(
            f"{shown!r} is not the id of {what}: an id has small letters, digits and hyphens, "
            f"at most {ID_LENGTH}." + (f" Nearest: {hint}." if hint else "")
        )
    folder = runs / run_id
    ids = listed(runs, kind)
    if run_id in ids:
        return folder
    if record_path(folder).is_file():
        record = read_record(folder)
        raise InputError(f"{run_id}: is a {record.kind}, not {what}.")
    guess = nearest(run_id, ids)
    hint = f"Nearest: {guess}." if guess else ("" if not ids else f"Latest: {ids[-1]}.")
    raise InputError(f"{runs}: holds no {kind or 'run'} {run_id}. {hint}".rstrip())
