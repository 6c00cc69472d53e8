"""The benchmark's table and file, without measuring anything."""

from __future__ import annotations

import os
import subprocess
import sys

import benchmark
import pytest
from measures import Measured, Spent

pytestmark = pytest.mark.unit


def test_the_table_says_what_is_reached_and_what_could_not_be_measured():
    found = {name: Measured(target.reach * 2, target.reach, target.reach * 3) for name, target in
             benchmark.TARGETS.items()}  # fmt: skip
    found["time_over_c"] = None
    spent = Spent({"place": (0.3, 0.1)}, whole=0.35, locked=0.12, allocation=0.01, placement=0.13)
    text = benchmark.report(
        found, spent, {1000: (1001, 0.002)}, {"hotel person-nights": 55.0}, Measured(1.75, 1.5, 1.9)
    )
    lines = {line[:52].strip(): line for line in text.splitlines()}
    assert lines["two threads over one"].endswith("reached")
    assert lines["peak bytes a household at 1,000,000"].endswith("missed")
    assert lines["time over C, rules for households"].endswith("not measured")
    assert "0.350 s" in text and "12.0% is outside" in text and "13.0% of it" in text
    assert "75.0" in text and "1,001" in text and "1.75 (1.5 to 1.9)" in text


def test_a_target_at_most_and_a_target_at_least():
    assert benchmark.TARGETS["storing_share"].met(0.02) and not benchmark.TARGETS["storing_share"].met(0.021)
    assert benchmark.TARGETS["crn_variance_reduction"].met(30) and not benchmark.TARGETS["mesa_shell"].met(1.2)


def test_a_first_run_knows_that_it_will_compile(tmp_path):
    asked = "from sim import compiling; compiling.notice(); compiling.notice()"
    given = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", asked], env=given, capture_output=True, text=True, check=True)
    assert told.stderr == "compiling the model, once, about 50 s\n"
