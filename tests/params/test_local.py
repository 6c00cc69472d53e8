"""Local intelligence and the local file: nothing is taken without a reason, a source or a council that exists."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest

import params
from params import InputError
from params.local import COLUMNS
from params.register import ROOT
from params.schema import scenario_schema

pytestmark = pytest.mark.unit

RULE = """
[[local_intelligence]]
council = "Hillingdon"
set = "maximum"
value = 900
from = 2026-07-01
until = 2028-04-01
reason = "Licensing of shared houses is full until the new scheme opens"
by = "director of housing"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("assumptions", "scenarios", "local"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def scenario(root: Path, text: str, name: str = "own") -> params.Assumptions:
    (root / "scenarios" / f"{name}.toml").write_text(f'why = "To try it."\n{text}', encoding="utf-8")
    return params.load(name, root=root)


def test_a_rule_is_read_by_name_and_holds_between_its_dates(root):
    (rule,) = scenario(root, RULE).local.rules
    assert rule.council == "E09000017" and rule.value == 900
    days = [date(2026, 6, 1), date(2026, 7, 1), date(2028, 3, 1), date(2028, 4, 1)]
    assert [rule.holds(day) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("reason = ", "#", r"local_intelligence 1: reason is missing\."),
        ("Licensing of shared houses is full until the new scheme opens", "because", r"reason: say why in at least"),
        ("by = ", "#", r"local_intelligence 1: by is missing\."),
        ('"Hillingdon"', '"Hillington"', r"Hillington is not a council\. Nearest: Hillingdon\."),
        ('"maximum"', '"maxima"', r"set: Input should be 'maximum', 'pause', 'weight' or 'participation'"),
        ("value = 900", "value = -1", r"a maximum must be a number, 0 or more, not -1"),
        ("value = 900", "valu = 900", r"valu is not a key\. Nearest: value"),
        ("until = 2028-04-01", "until = 2026-07-01", r"until must come after from"),
        ('set = "maximum"\nvalue = 900', 'set = "pause"\nvalue = 900', r"value of a pause is true; leave it out"),
        ('set = "maximum"\nvalue = 900', 'set = "participation"\nvalue = "activ"', r"Nearest: active"),
        ("[[local_intelligence]]", "[local_intelligence]", r"local_intelligence must be tables"),
        (RULE, RULE + RULE, r"the maximum of E09000017 is set twice for the same time"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_used_is_one_clear_error(root, old, new, message):
    with pytest.raises(InputError, match=message) as error:
        scenario(root, RULE.replace(old, new))
    assert "\n" not in str(error.value) and "own.toml" in str(error.value)


def test_rules_of_a_scenario_reach_those_that_extend_it_and_clash_across_them(root):
    scenario(root, RULE, "first")
    assert len(scenario(root, 'extends = "first"').local.rules) == 1
    with pytest.raises(InputError, match="is set twice"):
        scenario(root, 'extends = "first"\n' + RULE)


def test_rules_and_their_reasons_are_part_of_what_a_run_is(root):
    said = scenario(root, RULE).canonical()
    assert said["local_intelligence.E09000017.maximum"] == [["2026-07-01", 900], ["2028-04-01", "ended"]]
    other = scenario(root, RULE.replace("Licensing", "The licensing")).canonical()
    assert said["local_intelligence.reasons"] != other["local_intelligence.reasons"]
    assert not [name for name in params.load().canonical() if name.startswith("local_intelligence")]


def test_a_cohesion_weight_is_not_changed_without_a_written_reason(root):
    for given in (0.2, {"value": 0.2}, {"value": 0.2, "reason": "agreed in the task group", "by": " "}):
        with pytest.raises(InputError, match=r"equity\.cohesion: needs a reason and whose it is"):
            params.load(overrides={"equity.cohesion": given})
    given = {"value": 0.2, "reason": "agreed in the task group", "by": "chair"}
    moved = params.load(overrides={"equity.cohesion": given})
    assert moved.at(date(2027, 1, 1)).equity.cohesion == 0.2
    assert params.load().at(date(2027, 1, 1)).equity.cohesion == 0.0
    assert moved.local.rows() == [{"assumption": "equity.cohesion"} | {k: given[k] for k in ("by", "reason")}]


def test_editors_know_the_keys_of_a_rule():
    keys = scenario_schema()["properties"]["local_intelligence"]["items"]["properties"]
    assert {"council", "set", "value", "from", "until", "reason", "by"} == set(keys)


# --- the local file ------------------------------------------------------------------------------------------------


def filled(root: Path, change=lambda row: row, share: float = 0.9, column: str = "population_2001") -> None:
    with (ROOT / "local" / "populations.template.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    people = params.reference("councils").set_index("lad_code")["population"]
    with (root / "local" / "populations.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            about = {"source": "a census", "as_of": "2001-04-29", column: round(share * people[row["lad_code"]])}
            kept = change(row | about)
            if kept:
                writer.writerow(kept)


CENSUS = {"placement.cluster_denominator": "census_2001"}


def test_the_template_lists_every_council_and_nothing_else():
    with (ROOT / "local" / "populations.template.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    councils = params.reference("councils")
    assert [(r["lad_code"], r["name"]) for r in rows] == list(zip(councils["lad_code"], councils["name"], strict=True))
    assert not any(r["population_2001"] or r["child_population"] for r in rows)


def test_the_file_is_read_in_the_order_of_the_councils_and_its_hash_is_part_of_the_run(root):
    filled(root)
    found = params.load(overrides=CENSUS, root=root)
    people = params.reference("councils")["population"]
    assert found.local.populations.columns["population_2001"] == tuple(round(0.9 * p) for p in people)
    before = found.canonical()["local_intelligence.populations_file"]
    filled(root, share=0.8)
    assert params.load(overrides=CENSUS, root=root).canonical()["local_intelligence.populations_file"] != before
    assert params.load(root=root).local.populations is None, "a file that nothing asks for is not part of a run"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row | {"lad_code": row["lad_code"].replace("E06000001", "E0600001")}, r"line 2: E0600001 is not"),
        (lambda row: None if row["lad_code"] == "E06000001" else row, r"missing for 1 of 361 councils, .*Hartlepool"),
        (lambda row: row | {"lad_code": row["lad_code"].replace("E06000002", "E06000001")}, r"line 3: .* stands twice"),
        (lambda row: row | {"population_2001": "1"}, r"1 cannot be right for Hartlepool"),
        (lambda row: row | {"population_2001": "many"}, r"'many' is not a number of people"),
        (lambda row: row | {"source": ""}, r"line 2: source is missing"),
        (lambda row: row | {"as_of": "April 2001"}, r"'April 2001' is not a date like 2001-04-29"),
    ],
)
def test_a_figure_that_cannot_be_used_is_one_clear_error(root, change, message):
    filled(root, change)
    with pytest.raises(InputError, match=message) as error:
        params.load(overrides=CENSUS, root=root)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("asked", "column"),
    [(CENSUS, "population_2001"), ({"children.population": "local_file"}, "child_population")],
)
def test_without_the_file_the_error_says_what_to_do(root, asked, column):
    with pytest.raises(InputError, match=rf"{column} is in no reference table\. Copy populations\.template\.csv"):
        params.load(overrides=asked, root=root)


def test_other_columns_are_refused(root):
    (root / "local" / "populations.csv").write_text("code,people\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"the columns must be lad_code, name, population_2001"):
        params.load(overrides=CENSUS, root=root)
