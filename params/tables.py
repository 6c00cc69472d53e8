"""The reference tables: official figures that the project carries, each verified by its checksum."""

from __future__ import annotations

import copy
import hashlib
import io
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params.errors import InputError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from params.releases.store import Vintage

FOLDER = Path(__file__).parent / "reference"
_RESTORE = "Restore it with git, or write it again: python -m params.importer ../shared/data"


def reference(name: str, folder: Path | None = None) -> pd.DataFrame:
    """Return one reference table, freshly read and verified, with the adopted vintages laid over it.

    An official table that was imported and adopted (`dispersal data list`) replaces the quarters that it has; the
    rest is the shipped table. `params.releases.store` states the rule.

    Text stays text (codes and words such as "NA" are never taken for missing values), dates are
    datetime64[ns], whole numbers are int64, or float64 with NaN where a column has cells that are not known;
    other numbers are float64.

    Args:
        name: name of the table, such as `councils`; `reference_names()` lists them.
        folder: folder of the tables, if not the project's own; no vintage is laid over those.

    Returns:
        A frame of its own: changing it changes nothing else. Units and meaning of the columns are in
        `reference_record(name)["columns"]`.

    Raises:
        InputError: no such table, or the table or an adopted vintage is missing or damaged.

    Example:
        >>> import params
        >>> councils = params.reference("councils")
        >>> councils["lad_code"].is_unique, len(councils)
        (True, 361)
    """
    if folder is not None:
        return shipped(name, folder)
    from params.releases.store import adopted

    return with_vintages(name, adopted())


def with_vintages(name: str, chosen: Mapping[str, Vintage]) -> pd.DataFrame:
    """Return one reference table with chosen vintages laid over it, whichever are adopted.

    Args:
        name: name of the table.
        chosen: vintage by official table, as `{"Asy_D11": ...}`; none for the shipped table.

    Raises:
        InputError: as `reference`.
    """
    if not chosen:
        return shipped(name)
    from params.releases.overlay import laid_over

    return laid_over(name, shipped(name), shipped_record(name)["columns"], chosen)


def shipped(name: str, folder: Path | None = None) -> pd.DataFrame:
    """Return one reference table as the project carries it, without any imported vintage.

    Raises:
        InputError: no such table, or the table is missing or damaged.
    """
    record = shipped_record(name, folder)
    content = _verified(name, record, folder)
    kinds = tuple((column, about["type"]) for column, about in record["columns"].items())
    frame = _typed(content, kinds)
    if frame is None or len(frame) != record["rows"]:
        raise InputError(f"{_shown(folder)}/{name}.csv: the table does not match its manifest. {_RESTORE}")
    return frame.copy()


@lru_cache(maxsize=32)
def _typed(content: bytes, kinds: tuple[tuple[str, str], ...]) -> pd.DataFrame | None:
    """A table's columns in their types, kept because a report reads the same few tables hundreds of times.

    Args:
        content: the CSV, verified.
        kinds: name and type of each column, as the manifest has them.

    Returns:
        None when the columns are not those.
    """
    import pandas as pd

    text = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_filter=False)
    if list(text.columns) != [column for column, _ in kinds]:
        return None
    frame = {}
    for column, kind in kinds:
        cells = text[column]
        if kind == "text":
            frame[column] = cells
        elif kind == "date":
            frame[column] = pd.to_datetime(cells, format="%Y-%m-%d").astype("datetime64[ns]")
        elif kind == "integer" and not (cells == "").any():
            frame[column] = cells.astype("int64")
        else:
            frame[column] = cells.where(cells != "", "nan").astype("float64")
    return pd.DataFrame(frame)


def reference_record(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return what is known of one table: publisher, vintage, licence, columns, sources, checksum and so on.

    `vintages` lists the adopted vintages laid over it: id, published, file, sha256, attribution.

    Raises:
        InputError: no such table, or the manifest or a vintage's record is missing or damaged.

    Example:
        >>> import params
        >>> params.reference_record("councils")["columns"]["population"]["unit"]
        'people'
    """
    record = shipped_record(name, folder)
    if folder is not None:
        return record | {"vintages": []}
    from params.releases.overlay import FEEDS
    from params.releases.store import adopted

    chosen = adopted()
    laid = [chosen[table] for table in FEEDS.get(name, ()) if table in chosen]
    if laid:
        newer = "; ".join(f"{v.id}, quarter ends {v.record['quarters'][0]} to {v.record['quarters'][1]}" for v in laid)
        record["vintage"] = f"{newer}; other quarters: {record['vintage']}"
        record["rows"] = len(with_vintages(name, chosen))
    about = ("published", "file", "sha256", "attribution")
    return record | {"vintages": [{"id": v.id, **{key: v.record[key] for key in about}} for v in laid]}


def shipped_record(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return what is known of one table as the project carries it.

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
