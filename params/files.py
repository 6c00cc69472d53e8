"""Files put in place whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from params.errors import InputError


def write_whole(path: Path, content: bytes, what: str, mode: int = 0o644) -> None:
    """Write a file under another name, make sure that it is on the disk, and only then give it its own.

    Args:
        path: where it goes; its folder is made if it is missing.
        content: what is in it.
        what: what it holds, for the message, such as "vintages".
        mode: who may read it; 0o600 keeps it to its owner.

    Raises:
        InputError: when it cannot be written here; an earlier file stays as it was.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        temporary = None
    except OSError as problem:
        raise InputError(f"{path.parent}: {what} cannot be written here ({problem.strerror}).") from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
