"""From where the levers stand to files: a scenario that anyone can load, and a study that answers in full."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

from evidence.explorer.ensemble import AS_NOW, MOVED
from evidence.explorer.levers import SCENARIO, Position
from evidence.studies.ensemble import Design
from params.errors import InputError
from params.register import ROOT

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# A full study: as many draws and replications as the main one, so that its intervals are as firm.
DRAWS, REPLICATIONS = 16, 6


def scenario_text(position: Position) -> str:
    """The position as a scenario file, valid for `params.load` and `dispersal check`."""
    lines = [f"why = {_quoted(_why(position))}", f'extends = "{SCENARIO}"']
    tables: dict[str, list[str]] = {}
    for name, value in position.overrides().items():
        dotted, _, day = name.partition("@")
        group, _, leaf = dotted.rpartition(".")
        given = f"{{ from = {day}, value = {_value(value)} }}" if day else _value(value)
        tables.setdefault(group, []).append(f"{leaf} = {given}")
    for group, given_lines in tables.items():
        lines += ["", f"[{group}]", *given_lines]
    return "\n".join(lines) + "\n"


def study_text(position: Position, design: Design) -> str:
    """The position as a study file: the arm and what it is compared with, in the same world.

    Where only the world was moved there is one arm: the arms of a study share their intake forecast.
    """
    comparator = position.comparator()
    alone = comparator["intake"] != position["intake"]
    arms = {MOVED: position} if alone else {AS_NOW: comparator, MOVED: position}
    if position == comparator:
        arms = {AS_NOW: comparator}
    lines = [
        f"title = {_quoted(f'From the explorer: {position.label()}'[:200])}",
        f"why = {_quoted(_why(position))}",
        f'baseline = "{next(iter(arms))}"',
        f"draws = {DRAWS}",
        f"replications = {REPLICATIONS}",
        f"seed = {design.seed}",
        f"start = {design.start.isoformat()}",
        f"months = {design.months}",
    ]
    for arm, own in arms.items():
        lines += ["", f"[arms.{arm}]", f"label = {_quoted(own.label()[:120])}", f'scenario = "{SCENARIO}"']
        given = own.overrides()
        lines += [f"[arms.{arm}.set]"] if given else []
        for key, value in given.items():
            dotted, _, day = key.partition("@")
            lines.append(f'"{dotted}" = ' + (f"{{ value = {_value(value)}, from = {day} }}" if day else _value(value)))
    return "\n".join(lines) + "\n"


def save_scenario(position: Position, name: str, root: Path = ROOT) -> Path:
    """Write the scenario to `params/scenarios`.

    Raises:
        InputError: a name that cannot be used, or one that is taken by something else.
    """
    return _write(root / "scenarios" / f"{_named(name)}.toml", scenario_text(position))


def save_study(position: Position, design: Design, name: str, root: Path = ROOT) -> tuple[Path, str]:
    """Write the study to `params/studies`.

    Returns:
        The file, and the command that runs it.

    Raises:
        InputError: a name that cannot be used, or one that is taken by something else.
    """
    path = _write(root / "studies" / f"{_named(name)}.toml", study_text(position, design))
    shown = path.relative_to(root.parent) if path.is_relative_to(root.parent) else path
    return path, f"dispersal study {shlex.quote(str(shown))}"


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"name: {name!r} must be small letters, digits and _, at most 40. Nearest: more_grant.")
    return name


def _write(path: Path, text: str) -> Path:
    """Write a file that is not there yet, whole or not at all; the same text again changes nothing."""
    if path.exists():
        if path.read_text(encoding="utf-8") == text:
            return path
        raise InputError(f"{path.name}: is there already and says something else; choose another name.")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)  # unlike a rename, it never replaces a file that appeared meanwhile
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from None
    finally:
        partial.unlink(missing_ok=True)
    return path


def _why(position: Position) -> str:
    moved = position.moved()
    return f"From the explorer: {position.label()}." if moved else "From the explorer: present policy, nothing moved."


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def call(position: Position, design: Design) -> str:
    """The call of the API that gives the same numbers when the ensemble is whole.

    Empty where only the world was moved: the arms of `evidence.compare` share their intake forecast.
    """
    comparator = position.comparator()
    if comparator["intake"] != position["intake"]:
        return ""
    changes = {k: v for k, v in position.overrides().items() if k not in comparator.overrides()}
    base = f'params.load("{SCENARIO}", {comparator.overrides()!r})' if comparator.moved() else f'"{SCENARIO}"'
    return (
        f"evidence.compare({{{position.label()!r}: {changes!r}}}, base={base}, draws={design.draws}, "
        f"replications={design.replications}, months={design.months}, seed={design.seed})"
    )
