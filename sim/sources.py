"""When kept machine code still holds: numba looks at a rule's own file only, this at all files the rule is made from.

A rule compiled from a function of another module carries that function's code within it. Numba would go on using it
after the other module changed, and a run would answer by rules that are no longer there.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import config
from numba.core import caching

_ROOM = Path(__file__).resolve().parent


@lru_cache
def digest(file: Path) -> bytes:
    """A digest of a module of this package and of all those that it imports, directly or not."""
    found, open_ends = {file}, [file]
    while open_ends:
        new = _imported(open_ends.pop()) - found
        found |= new
        open_ends += new
    return sha256(b"".join(sha256(own.read_bytes()).digest() for own in sorted(found))).digest()


def _imported(file: Path) -> frozenset[Path]:
    """Modules beside a file that it imports from."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            room, _, module = (node.module or "").partition(".")
            if room == file.parent.name:
                names |= {module} if module else {alias.name for alias in node.names}
    return frozenset(beside for name in names if (beside := file.parent / f"{name}.py").is_file())


class _OfThisPackage:
    """Where numba keeps the machine code of this package's functions, and what says that it holds."""

    _py_file: str

    def get_source_stamp(self) -> bytes:
        return digest(Path(self._py_file))

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        ours = Path(py_file).resolve().parent == _ROOM
        return super().from_function(py_func, py_file) if ours else None  # type: ignore[misc]


class GivenFolder(_OfThisPackage, caching.UserProvidedCacheLocator):
    """In NUMBA_CACHE_DIR, where that is set."""


class BesideTheFile(_OfThisPackage, caching.InTreeCacheLocator):
    """In __pycache__, where that can be written."""


class OfTheUser(_OfThisPackage, caching.UserWideCacheLocator):
    """In the user's own cache."""


_ours = [f"{__name__}.{own.__name__}" for own in (GivenFolder, BesideTheFile, OfTheUser)]
_usual = config.CACHE_LOCATOR_CLASSES or ",".join(own.__name__ for own in caching.CacheImpl._locator_classes)  # type: ignore[attr-defined]
config.CACHE_LOCATOR_CLASSES = ",".join([*_ours, _usual])  # type: ignore[attr-defined]
