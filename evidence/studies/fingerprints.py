"""A name for a function from a notebook: the hash of its source and of everything outside it that it uses."""

from __future__ import annotations

import dis
import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from evidence.records import digest, file_digest

_ROOMS = ("params", "forecasts", "sim", "evidence")  # the model version vouches for their source


class Unnamed(Exception):
    """A function that cannot be told apart from another by its source; the message says why."""


def fingerprint(function: Any) -> str:
    """sha256 by which two functions that compute the same from the same names are the same.

    It covers the source, default values, variables of enclosing functions and the globals that the code reads: plain
    values, arrays, other functions, modules (by version, or by their file where they have none).

    Args:
        function: a plain function, or one compiled by numba.

    Raises:
        Unnamed: its source is not known, or it uses something that has no such name; the message says which.

    Example:
        >>> from evidence.studies.fingerprints import fingerprint
        >>> import sim.provider
        >>> len(fingerprint(sim.provider.attraction))
        64
    """
    return digest(_function(function, ()))


def source(function: Any) -> str:
    """Source text of a function, for a record."""
    return inspect.getsource(getattr(function, "py_func", function))


def _function(function: Any, outer: tuple[CodeType, ...]) -> dict[str, Any]:
    plain = getattr(function, "py_func", function)
    if not isinstance(plain, FunctionType):
        raise Unnamed(f"{function!r} is not a plain function")
    name, code = plain.__name__, plain.__code__
    if code in outer:
        return {"again": outer.index(code)}
    if (plain.__module__ or "").partition(".")[0] in _ROOMS:
        return {"module": plain.__module__, "name": plain.__qualname__}
    try:
        text = source(function)
    except (OSError, TypeError):
        raise Unnamed(f"the source of {name} is not known") from None
    around = inspect.getclosurevars(plain).nonlocals
    used = {key: plain.__globals__[key] for key in sorted(set(_globals(code))) if key in plain.__globals__}
    inside = (*outer, code)
    return {
        "source": inspect.cleandoc(text),
        "defaults": [_value(f"a default of {name}", value, inside) for value in plain.__defaults__ or ()],
        "keyword_defaults": _named(name, plain.__kwdefaults__ or {}, inside),
        "around": _named(name, around, inside),
        "globals": _named(name, used, inside),
        "compiled": function is not plain,
    }


def _named(name: str, values: Mapping[str, Any], outer: tuple[CodeType, ...]) -> dict[str, Any]:
    return {key: _value(f"{name} uses {key}", value, outer) for key, value in values.items()}


def _globals(code: CodeType) -> Iterator[str]:
    """Names that a function's code, or a function inside it, reads from its module."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant)


def _value(where: str, value: Any, outer: tuple[CodeType, ...]) -> Any:
    import numpy as np

    if value is None or isinstance(value, bool | int | float | str | bytes | complex):
        return [type(value).__name__, repr(value)]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcUSmM":
        array = np.ascontiguousarray(value)
        return ["array", str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]
    if isinstance(value, tuple | list):
        return [type(value).__name__, [_value(where, each, outer) for each in value]]
    if isinstance(value, set | frozenset):
        return [type(value).__name__, sorted(digest(_value(where, each, outer)) for each in value)]
    if isinstance(value, Mapping):
        return ["mapping", [[_value(where, k, outer), _value(where, v, outer)] for k, v in value.items()]]
    if isinstance(value, ModuleType):
        return _module(where, value)
    if isinstance(value, BuiltinFunctionType):
        return ["builtin", value.__module__, value.__name__]
    if hasattr(value, "__wrapped__") and not isinstance(value, FunctionType):
        raise Unnamed(f"{where}, which wraps another function")
    if isinstance(getattr(value, "py_func", value), FunctionType):
        return _function(value, outer)
    home = sys.modules.get(getattr(value, "__module__", None) or "")
    if isinstance(value, type | np.ufunc) and home is not None and home.__name__ != "__main__":
        return ["of module", _module(where, home), getattr(value, "__qualname__", value.__name__)]
    raise Unnamed(f"{where}, a {type(value).__name__}")


def _module(where: str, module: ModuleType) -> list[str]:
    """A module by its version, a room of this project by its name, another by its file."""
    top = module.__name__.partition(".")[0]
    if top in _ROOMS or top in sys.stdlib_module_names:
        return ["module", module.__name__]
    version = getattr(sys.modules.get(top), "__version__", None)
    file = getattr(module, "__file__", None)
    installed = file and Path(file).is_relative_to(sysconfig.get_paths()["purelib"])
    if version is not None and installed:
        return ["module", module.__name__, str(version)]
    if file and Path(file).suffix == ".py":
        return ["module", module.__name__, file_digest(Path(file))]
    raise Unnamed(f"{where}, a module without version or source")
