"""Whether the rules still have to be compiled, so that a first run says what it waits for."""

from __future__ import annotations

import sys

from sim import month

SECONDS = 50  # about, on a core of 2024; once for each version of the rules and of Python


def needed() -> bool:
    """Whether numba will compile: it keeps no machine code for the rules as they stand.

    Numba tells this only to itself; where a later version keeps its code otherwise, nothing is said.
    """
    try:
        kept = month.run._cache._cache_file._load_index()  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return False
    return not kept and not month.run.signatures


def notice() -> None:
    """Say on standard error that a first run compiles, once for a process."""
    global _said
    if not _said and needed():
        print(f"compiling the model, once, about {SECONDS} s", file=sys.stderr, flush=True)
    _said = True


_said = False
