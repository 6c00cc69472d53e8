"""The model's document names the phases and assumptions that the code has, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sim
from params.register import read_register

pytestmark = pytest.mark.unit
TEXT = (Path(sim.__file__).parent / "ODD.md").read_text(encoding="utf-8")


def test_phases_stand_in_the_order_of_the_code():
    listed = re.search(r"in this order:\n\n(.+)\n", TEXT)[1]
    assert tuple(re.findall(r"`(\w+)`", listed)) == sim.PHASES
    headings = re.findall(r"^### (\w+)$", TEXT, re.M)
    assert tuple(headings) == sim.PHASES


def test_every_assumption_of_the_model_is_named_and_none_is_invented():
    names = [name for name in read_register() if not name.startswith(("forecast", "appraisal."))]
    groups = {name.split(".")[0] for name in names}
    named = {m for m in re.findall(r"`([a-z_]+\.[a-z_.]+)`", TEXT) if m.split(".")[0] in groups}
    invented = {m for m in named if m not in names and not any(n.startswith(f"{m}.") for n in names)}
    assert not invented, invented
    missing = [n for n in names if not any(n == m or n.startswith(f"{m}.") for m in named)]
    assert not missing, missing


def test_the_decision_sections_are_there_and_every_submodel_says_what_it_rests_on():
    concepts = TEXT.partition("## 4 Design concepts")[2].partition("\n## 5 ")[0]
    wanted = ["Theoretical and empirical background", "Decision-making", "Learning and memory", "Sensing", "Prediction"]
    wanted += ["Interaction", "Collectives", "Heterogeneity", "Stochasticity", "Observation", "Implementation"]
    assert [name for name in wanted if f"- **{name}.**" not in concepts] == []
    table = TEXT.partition("| submodel | what it rests on |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    assert tuple(name for name, _ in rows) == sim.PHASES and all(rest for _, rest in rows)
