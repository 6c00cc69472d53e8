"""Every example in a public docstring runs and says what it says, and every verb of the four rooms has one."""

import doctest
import importlib
import inspect
import warnings
from pathlib import Path

import pytest

import evidence
import forecasts
import params
import sim

pytestmark = pytest.mark.behaviour
ROOMS = (params, forecasts, sim, evidence)
ROOT = Path(__file__).parents[2]
WITH_EXAMPLES = sorted(
    str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
    for room in ROOMS
    for path in (ROOT / room.__name__).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_every_verb_has_an_example(room):
    without = [
        name
        for name in room.__all__
        if inspect.isroutine(thing := getattr(room, name)) and ">>> " not in (inspect.getdoc(thing) or "")
    ]
    assert not without and ">>> " in room.__doc__


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """One folder for all examples, so that they share an intake forecast."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_say_what_happens(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DISPERSAL_RUNS", str(folder / "runs"))
    module, told = importlib.import_module(name), []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    with warnings.catch_warnings():
        warnings.simplefilter("error", sim.RuleWarning)
        for found in doctest.DocTestFinder(exclude_empty=True).find(module, name):
            runner.run(found, out=told.append)
    assert runner.failures == 0, "".join(told)
    assert runner.tries > 0
