"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from params import InputError


def put(path: Path, content: bytes) -> None:
    """Write a file in one step, so that a reader never sees half of it.

    Raises:
        InputError: when the folder is missing or cannot be written to; nothing is left behind.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from None
