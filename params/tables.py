"""The reference tables: official figures that the project carries, each verified by its checksum."""

from __future__ import annotations

import copy
import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params.errors import InputError, unknown

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent / "reference"
_RESTORE = "Restore it with git, or write it again: python -m params.importer ../shared/data"


def reference(name: str, folder: Path | None = None) -> pd.DataFrame:
    """Return one reference table, freshly read and verified.

    Text stays text (codes and words such as "NA" are never taken for missing values), dates are
    datetime64[ns], whole numbers are int64, or float64 with NaN where a column has cells that are not known;
    other numbers are float64.

    Args:
        name: name of the table, such as `councils`; `reference_names()` lists them.
        folder: folder of the tables, if not the project's own.

    Returns:
        A frame of its own: changing it changes nothing else. Units and meaning of the columns are in
        `reference_record(name)["columns"]`.

    Raises:
        InputError: no such table, or the table is missing or damaged.
    """
    import pandas as pd

    record = reference_record(name, folder)
    content = _verified(name, record, folder)
    text = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_filter=False)
    if list(text.columns) != list(record["columns"]) or len(text) != record["rows"]:
        raise InputError(f"{_shown(folder)}/{name}.csv: the table does not match its manifest. {_RESTORE}")
    frame = {}
    for column, about in record["columns"].items():
        cells = text[column]
        if about["type"] == "text":
            frame[column] = cells
        elif about["type"] == "date":
            frame[column] = pd.to_datetime(cells, format="%Y-%m-%d").astype("datetime64[ns]")
        elif about["type"] == "integer" and not (cells == "").any():
            frame[column] = cells.astype("int64")
        else:
            frame[column] = cells.where(cells != "", "nan").astype("float64")
    return pd.DataFrame(frame)


def reference_record(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return what is known of one table: publisher, vintage, licence, columns, sources, checksum and so on.

    Raises:
        InputError: no such table, or the manifest is missing or damaged.
    """
    tables = _manifest(folder)["tables"]
    if name not in tables:
        problem = unknown(_shown(folder), "a reference table", str(name), tables)
        raise InputError(f"{problem} `dispersal check` lists them all.")
    return {"name": name, **copy.deepcopy(tables[name])}


def reference_names(folder: Path | None = None) -> list[str]:
    """Return the names of all reference tables, in order."""
    return sorted(_manifest(folder)["tables"])


def not_known(folder: Path | None = None) -> list[str]:
    """Return what the official sources do not say, and the project does not know: one sentence each."""
    return list(_manifest(folder)["not_known"])


def verify(folder: Path | None = None) -> list[dict[str, Any]]:
    """Read every table as a model would, and return its record, in order of name.

    Raises:
        InputError: the first table that is missing or damaged.
    """
    records = []
    for name in reference_names(folder):
        reference(name, folder)
        records.append(reference_record(name, folder))
    return records


def _shown(folder: Path | None) -> str:
    return "params/reference" if folder is None else str(folder)


def _manifest(folder: Path | None) -> dict[str, Any]:
    path = (folder or FOLDER) / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
        complete = isinstance(manifest["tables"], dict) and isinstance(manifest["not_known"], list)
    except FileNotFoundError:
        raise InputError(f"{_shown(folder)}/manifest.json: the manifest is missing. {_RESTORE}") from None
    except (OSError, ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise InputError(f"{_shown(folder)}/manifest.json: the manifest is damaged. {_RESTORE}")
    return manifest


def _verified(name: str, record: dict[str, Any], folder: Path | None) -> bytes:
    place = f"{_shown(folder)}/{name}.csv"
    try:
        content = ((folder or FOLDER) / f"{name}.csv").read_bytes()
    except OSError:
        raise InputError(f"{place}: the table is missing. {_RESTORE}") from None
    if hashlib.sha256(content).hexdigest() != record["sha256"]:
        raise InputError(
            f"{place}: the table is damaged or was edited (its sha256 is not the manifest's). {_RESTORE}"
        )
    return content
