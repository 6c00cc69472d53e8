"""Machine code that numba keeps is used only while every module it was made from is as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from sim import kernels, provider, sources

pytestmark = pytest.mark.unit


def written(folder, **modules: str):
    room = folder / "sim"
    room.mkdir(parents=True)
    for name, text in modules.items():
        (room / f"{name}.py").write_text(text, encoding="utf-8")
    return room


def test_a_module_that_is_imported_by_an_import_counts_and_another_does_not(tmp_path):
    rules = {
        "first": "from sim.second import limit\n",
        "second": "def own():\n    from sim import third\n",
        "third": "import numpy\nfrom params import load\nMOST = 1\n",
        "apart": "from sim.apart import itself\nMOST = 1\n",
    }
    before = written(tmp_path / "before", **rules)
    after = written(tmp_path / "after", **{**rules, "third": rules["third"].replace("1", "2")})
    for name in ("first", "second", "third"):
        assert sources.digest(before / f"{name}.py") != sources.digest(after / f"{name}.py"), name
    assert sources.digest(before / "apart.py") == sources.digest(after / "apart.py")


@pytest.mark.parametrize("rule", [kernels.census, provider.pulls])
def test_numba_asks_for_the_digest(rule):
    where = rule._cache._impl.locator
    assert type(where).__module__ == sources.__name__, "numba does not look where it is told to"
    assert where.get_source_stamp() == sources.digest(sources._ROOM / f"{rule.__module__.split('.')[1]}.py")


def test_a_changed_rule_changes_what_calls_it_from_another_file(tmp_path):
    rule = "from numba import njit\n{}\n@njit(cache=True)\ndef {}():\n    return {}\n"
    outer = rule.format("from sim.inner import inner", "outer", "10 * inner()")
    package = written(tmp_path, __init__="from sim import sources\n", outer=outer)
    shutil.copy(sources.__file__, package)
    asked = "from sim.outer import outer; print(outer(), sum(outer.stats.cache_hits.values()))"
    usual = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}

    def answered(value: int) -> str:
        (package / "inner.py").write_text(rule.format("", "inner", value), encoding="utf-8")
        run = [sys.executable, "-c", asked]
        return subprocess.run(run, cwd=tmp_path, env=usual, capture_output=True, text=True, check=True).stdout

    assert answered(1) == "10 0\n", "compiled"
    assert answered(1) == "10 1\n", "kept"
    assert answered(2) == "20 0\n", "compiled again, because `outer` contains `inner`"
