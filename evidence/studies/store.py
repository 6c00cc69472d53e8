"""A sharded Zarr store that many tasks fill, each with whole shards of its own.

Metadata and coordinates are written once, up front. A task then writes one shard of every variable and gets the sha256
of each file back for its receipt; a shard that was never written reads as NaN without an error in Zarr, so
completeness is decided by receipts and hashes, never by what can be read. A shard is one file; within it a chunk is one
position on each axis but the last of those that tasks share, so that one draw can be read without its neighbours.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from evidence.records import file_digest

_COMPRESSION = ZstdCodec(level=3)


def create(path: Path, template: xr.Dataset, leading: Mapping[str, int], part: Mapping[str, int]) -> dict[str, str]:
    """Write metadata and coordinates of a store; shards that are there already stay.

    Args:
        path: folder of the store.
        template: variables of one block without the leading axes, and every coordinate of the store.
        leading: length of each leading axis, such as `{"arm": 4, "draw": 12, "replication": 8}`.
        part: positions of a shard along leading axes; 1 along an axis that is not named.

    Returns:
        sha256 by file of what was written, relative to `path`.
    """
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    coordinates = template.drop_vars(list(template.data_vars)).assign_attrs(plain_attributes(template.attrs))
    for coordinate in coordinates.variables.values():
        coordinate.attrs = plain_attributes(coordinate.attrs)
    coordinates.to_zarr(partial, zarr_format=3, consolidated=False)
    group = zarr.open_group(partial, mode="a", zarr_format=3)
    axes, lengths = tuple(leading), tuple(leading.values())
    shard = tuple(part.get(axis, 1) for axis in leading)
    chunk = tuple(1 if number < len(shard) - 1 else along for number, along in enumerate(shard))
    for name, variable in template.data_vars.items():
        group.create_array(
            str(name),
            shape=(*lengths, *variable.shape),
            shards=(*shard, *variable.shape),
            chunks=(*chunk, *variable.shape),
            dtype=variable.dtype,
            compressors=_COMPRESSION,
            fill_value=np.nan if variable.dtype.kind == "f" else np.iinfo(variable.dtype).min,
            dimension_names=(*axes, *map(str, variable.dims)),
            attributes=plain_attributes(variable.attrs),
            config={"write_empty_chunks": True},
        )
    written = {p.relative_to(partial).as_posix(): file_digest(p) for p in sorted(partial.rglob("*")) if p.is_file()}
    for name in written:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(partial / name, path / name)
    shutil.rmtree(partial)
    _array.cache_clear()
    return written


def write_shard(path: Path, place: Sequence[int], block: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Write one whole shard of every variable.

    Args:
        path: folder of the store.
        place: position on the grid of shards, along each leading axis.
        block: values by variable, (leading axes of a shard, ...).

    Returns:
        sha256 by shard file, relative to the store.

    Raises:
        ValueError: when variables or shapes differ from the store's.
    """
    written = {}
    for name, values in block.items():
        array = _array(path, name)
        if array.shards != values.shape or array.dtype != values.dtype:
            raise ValueError(f"{name}{values.shape} does not fit the store's shards")
        array[tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, values.shape, strict=False))] = values
        shard = "/".join([name, "c", *map(str, place), *("0" for _ in values.shape[len(place) :])])
        written[shard] = file_digest(path / shard)
    return written


@lru_cache(maxsize=512)
def _array(path: Path, name: str) -> Any:
    """An array of a store, opened once in a process."""
    array = zarr.open_array(path / name, mode="r+", zarr_format=3)
    # A store that was opened again has forgotten this; an all-zero chunk must be a file like any other.
    return array.with_config({"write_empty_chunks": True})


def open_store(path: Path) -> xr.Dataset:
    """Open a store with names, units and coordinates; values are read when they are used."""
    opened = xr.open_zarr(path, consolidated=False, chunks=None)
    names = [*map(str, opened.data_vars), *map(str, opened.coords)]
    return opened[sorted(names)]  # a folder's own order differs between machines


def plain_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes that every CF reader takes: text, numbers, lists of numbers; all else as one JSON string."""
    plain: dict[str, Any] = {}
    for key, value in attributes.items():
        if value is None:
            continue
        if isinstance(value, np.generic | np.ndarray):
            value = value.tolist()
        if isinstance(value, bool):
            value = int(value)
        elif isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, tuple | list) and all(type(item) in (int, float) for item in value):
            value = list(value)
        elif not isinstance(value, str | int | float):
            value = json.dumps(value, sort_keys=True, ensure_ascii=False)
        plain[str(key)] = value
    return plain
