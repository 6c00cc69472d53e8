"""The finished parts of a comparison on disk: one file each, whole or absent, so that a crash loses none.

A file is a zip archive of arrays, whose checksums are verified as it is read; one that is damaged counts as absent and
is simulated again.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence.records import Record, file_digest, read_record, record_path, write_record

if TYPE_CHECKING:
    import xarray as xr

Part = tuple[str, int, int]  # arm, draw, replication
FOLDER = "parts"
_ABOUT = "about"


class Nowhere:
    """Keeps nothing."""

    def read(self, part: Part) -> xr.Dataset | None:
        """Nothing was kept."""
        return None

    def write(self, part: Part, result: xr.Dataset) -> None:
        """Let it go."""

    def finish(self, record: Record) -> Record:
        """The record of what was not kept."""
        return replace(record, status="complete")


class Kept:
    """The parts of one comparison in its folder, whose lock the caller holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, part: Part) -> Path:
        return self.folder / FOLDER / f"{part[0]}-{part[1]}-{part[2]}.npz"

    def read(self, part: Part) -> xr.Dataset | None:
        """A part as it was written, or None when it is absent or damaged."""
        try:
            return _unpacked(self._path(part))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, part: Part, result: xr.Dataset) -> None:
        """Write a part, all or nothing."""
        path = self._path(part)
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("wb") as file:
            file.write(_packed(result))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)

    def finish(self, record: Record) -> Record:
        """Record the comparison as complete, with the sha256 of every part."""
        files = sorted((self.folder / FOLDER).glob("*.npz"))
        done = replace(record, status="complete", outputs={f"{FOLDER}/{f.name}": file_digest(f) for f in files})
        known = read_record(self.folder)
        if (known.status, known.outputs) != (done.status, done.outputs):
            write_record(self.folder, replace(done, created=known.created))
        return read_record(self.folder)


def begin(folder: Path, record: Record) -> Kept:
    """Begin keeping a comparison, or go on with one that was begun."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    if not record_path(folder).is_file():
        write_record(folder, record)
    return Kept(folder)


def _packed(result: xr.Dataset) -> bytes:
    """A dataset as the bytes of an archive of arrays, with dimensions and attributes as JSON."""
    about: dict[str, Any] = {"attrs": result.attrs, "data": {}, "coords": {}}
    arrays = {}
    for kind, variables in (("data", result.data_vars), ("coords", result.coords)):
        for name, variable in variables.items():
            about[kind][str(name)] = [list(variable.dims), variable.attrs]
            arrays[f"{kind}.{name}"] = variable.values
    text = json.dumps(about, default=lambda value: value.item() if isinstance(value, np.generic) else list(value))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **{_ABOUT: np.array(text)}, **arrays)
    return file.getvalue()


def _unpacked(path: Path) -> xr.Dataset:
    import xarray as xr

    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file[_ABOUT]))
        made = {
            kind: {name: (dims, file[f"{kind}.{name}"], attrs) for name, (dims, attrs) in about[kind].items()}
            for kind in ("data", "coords")
        }
    return xr.Dataset(made["data"], made["coords"], about["attrs"])
