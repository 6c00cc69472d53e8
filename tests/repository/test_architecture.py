"""The architecture as a test: import direction, phases, names of assumptions, and files kept in step."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import params
import sim
from params.register import read_register
from params.schema import write_schemas
from sim.model import DispersalModel

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "params": {"params"},
    "forecasts": {"params", "forecasts"},
    "sim": {"params", "sim"},
    "evidence": {"params", "forecasts", "sim", "evidence"},
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names & set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        assert imported(path) <= MAY_IMPORT[room], path


def test_every_phase_is_a_method_of_the_model_with_a_docstring():
    for phase in sim.PHASES:
        assert getattr(DispersalModel, phase).__doc__, phase


def names_read(path: Path) -> set[str]:
    """Dotted names read from this month's assumptions: `now.funding.grant_per_person`, `self.now.x.y`, or by the name
    that a group of them has in a function, after `asked = now.consultation` or as the argument of `_nights(now.x)`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    given: dict[str, list[tuple[str, ast.expr]]] = {name: [] for name in functions}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            arguments = functions[node.func.id].args.args
            given[node.func.id] += [(own.arg, value) for own, value in zip(arguments, node.args, strict=False)]
    found = {after_now(node, {}) for node in ast.walk(tree)}
    for name, function in functions.items():
        pairs = [*given[name], *assigned(function)]
        groups = {name: group for name, value in pairs if (group := after_now(value, {}))}
        found |= {after_now(node, groups) for node in ast.walk(function)}
    return {name for name in (each.removesuffix(".items") for each in found) if "." in name}


def assigned(function: ast.FunctionDef) -> list[tuple[str, ast.expr]]:
    pairs = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            named = zip(elements(node.targets[0]), elements(node.value), strict=False)
            pairs += [(target.id, value) for target, value in named if isinstance(target, ast.Name)]
    return pairs


def elements(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def after_now(node: ast.AST, groups: dict[str, str]) -> str:
    """What an attribute reads of this month's assumptions, dotted; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not parts or not isinstance(node, ast.Name):
        return ""
    parts = ["now", groups[node.id], *parts] if node.id in groups else [node.id, *parts]
    return ".".join(parts[parts.index("now") + 1 :]) if "now" in parts else ""


def test_the_model_reads_only_assumptions_that_exist_and_every_one_of_them():
    elsewhere = ("forecast.", "forecast_stocks.", "appraisal.")  # read by the forecasts and by evidence
    names = {name for name in read_register() if not name.startswith(elsewhere)}
    prefixes = {".".join(n.split(".")[:k]) for n in names for k in range(1, n.count(".") + 2)}
    read = set().union(*(names_read(path) for path in (ROOT / "sim").glob("*.py")))
    assert read, "no reads found"
    assert read <= prefixes, f"not in the register: {sorted(read - prefixes)}"
    groups_by_word = {"funding", "equity"}  # by instrument, by factor
    unread = {n for n in names if n not in read and not any(n.startswith(f"{r}.") for r in read | groups_by_word)}
    assert not unread, f"in the register, read by nothing: {sorted(unread)}"


def test_environment_yml_is_in_step_with_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert "-r requirements.lock" in pip
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = next(d for d in environment["dependencies"] if isinstance(d, str) and d.startswith("python"))
    assert python == "python" + project["requires-python"] + ",<3.15"


def test_the_lock_holds_every_dependency_with_hashes_and_no_host():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    locked = {m[1].lower() for m in re.finditer(r"^([A-Za-z0-9._-]+)==", lock, re.M)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    names = {re.split(r"[<>=!\[; ]", line)[0].lower() for line in wanted}
    assert names <= locked, names - locked
    assert lock.count("--hash=sha256:") >= len(locked)


def test_the_schemas_are_in_step_with_the_register(tmp_path):
    write_schemas(tmp_path)
    for made in tmp_path.glob("*.json"):
        committed = ROOT / "params" / "schema" / made.name
        assert committed.read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), (
            f"{made.name} is out of date: run python -m params.schema"
        )


def test_every_scenario_loads_and_says_why():
    for name in params.scenario_names():
        assert len(params.load(name).why) > 20
