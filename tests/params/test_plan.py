"""The change plan: its door, its append-only log, and the example made from published figures."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import params
from params import InputError
from params.places import find_council, find_region
from params.plan import FOLDER, LOG_FILE, MOVES, PLAN_FILE, STATES, STATES_FILE, TARGETS_FILE, read_plan, set_state
from params.plan_example import example_files, example_folder

pytestmark = pytest.mark.unit
START = date(2025, 12, 31)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def example():
    return example_files(START)


@pytest.fixture
def folder(tmp_path, example):
    for name, text in example.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def record(folder, council="Adur", state="agreed_no_procurement", reason="Cabinet agreed", **given):
    given = {"role": "partnership officer", "since": date(2026, 9, 14), "now": NOW} | given
    return set_state(read_plan(folder), council, state, reason, **given)


def test_the_shipped_plan_is_the_example_made_from_published_figures_and_says_so(example):
    for name, text in example.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: run `dispersal plan example` again"
    plan = read_plan()
    assert plan.about.status == "illustrative" and "agreed by nobody" in plan.label
    assert all(state.inferred for state in plan.states.values())
    agreed = [code for code, state in plan.states.items() if state.state == "agreed_no_procurement"]
    assert agreed == [], "agreement is not published"


def test_targets_move_from_the_published_stock_to_population_shares_and_add_up_at_every_level():
    plan = read_plan()
    councils = params.reference("councils").set_index("lad_code")
    support = params.reference("support_by_council")
    stock = support[support["quarter_end"] == str(START)].set_index("lad_code")["dispersal"]
    regions, below = defaultdict(dict), defaultdict(lambda: defaultdict(int))
    for (level, place, quarter), people in plan.targets.items():
        if level == "region":
            regions[quarter][place] = people
        else:
            below[quarter][councils.loc[place, "region"]] += people
    for quarter, wanted in regions.items():
        assert sum(wanted.values()) == stock.sum()
        assert wanted == dict(below[quarter])
    assert regions[START] == stock.groupby(councils["region"]).sum().to_dict()
    population = councils.groupby("region")["population"].sum()
    last = max(regions)
    assert last == date(2029, 12, 31)
    for region, people in regions[last].items():
        assert abs(people - stock.sum() * population[region] / population.sum()) < 1


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (STATES_FILE, "E06000001,active", "E06000001,activ", "line 2: state: activ is not a state. Nearest: active"),
        (STATES_FILE, "lad_code,state,since", "lad_code,contact_name,since", r"line 1: contact_name is not a column"),
        (STATES_FILE, "E06000001,active,2023-06-30", "E06000001,active,30/06/2023", "not a date like 2026-03-31"),
        (STATES_FILE, "E06000002", "E06000001", "E06000001 is already in line 2; one row for each council"),
        (STATES_FILE, "E06000002", "E06000999", "'E06000999' is not the code or name of a council. Nearest: E0"),
        (TARGETS_FILE, "region,East Midlands,2026-03-31,", "region,East Midland,2026-03-31,", "Nearest: East Midlands"),
        (TARGETS_FILE, "2026-03-31", "2026-03-30", "2026-03-30 is not a quarter end. Nearest: 2026-03-31"),
        (TARGETS_FILE, ",5965\n", ",-1\n", "'-1' is not a whole number of people, 0 or more"),
        (TARGETS_FILE, ",5965\n", ",5965,9\n", "has 5 cells; the header has 4"),
        (PLAN_FILE, "at_most = ", "at_mst = ", r"milestones.0.at_mst is not a key. Nearest: at_most"),
        (PLAN_FILE, 'status = "illustrative"', 'status = "final"', "status: Input should be 'illustrative'"),
        (PLAN_FILE, 'place = "North West"', 'place = "North Wst"', "'North Wst' is not a region. Nearest: North West"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line_with_the_place_and_the_nearest_name(folder, name, old, new, said):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_plan(folder)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_of_states_alone_replaces_the_shipped_ones_and_may_come_from_a_spreadsheet(folder):
    text = (folder / STATES_FILE).read_text(encoding="utf-8").replace("\n", "\r\n")
    mine = folder / "partnership.csv"
    mine.write_text("\ufeff" + text.replace("E07000223,not_participating", "E07000223,agreed_no_procurement"))
    plan = read_plan(mine)
    assert plan.states["E07000223"].state == "agreed_no_procurement"
    assert plan.files[TARGETS_FILE] == f"{FOLDER.name}/{TARGETS_FILE}" and plan.folder == folder
    with pytest.raises(InputError, match="no such folder or file. Nearest: .*partnership.csv"):
        read_plan(folder / "partnrship.csv")


def test_a_recorded_state_stands_in_the_log_and_nothing_before_it_changes(folder):
    states = (folder / STATES_FILE).read_bytes()
    record(folder, barrier="rent")
    first = (folder / LOG_FILE).read_bytes()
    record(folder, "E07000223", "procuring", "First lease signed", since=date(2026, 10, 1))
    log = (folder / LOG_FILE).read_bytes()
    assert log.startswith(first) and log.count(b"\n") == 2
    assert (folder / STATES_FILE).read_bytes() == states
    plan = read_plan(folder)
    assert [(e.before, e.state) for e in plan.log] == [
        ("not_participating", "agreed_no_procurement"), ("agreed_no_procurement", "procuring")
    ]  # fmt: skip
    now = plan.states["E07000223"]
    assert (now.state, now.since, now.inferred) == ("procuring", date(2026, 10, 1), False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"council": "Adurr"}, r"'Adurr' is not the code or name of a council. Nearest: Adur \(E07000223\)"),
        ({"state": "agreed"}, "agreed is not a state. Nearest: agreed_no_procurement"),
        ({"since": date(2026, 11, 23)}, "in the future"),
        ({"state": "procuring", "since": date(2026, 9, 1)}, "before the last change of Adur .*, 2026-09-14"),
        ({"state": "paused_or_at_limit"}, "cannot become paused_or_at_limit. Next: procuring, active"),
        ({}, "is agreed_no_procurement since 2026-09-14; there is nothing to record"),
        ({"reason": " "}, "--reason: has 0 characters"),
        ({"barrier": "rents"}, "barrier: rents is not a barrier of this plan. Nearest: rent"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_is_written(folder, given, said):
    record(folder)
    before = (folder / LOG_FILE).read_bytes()
    with pytest.raises(InputError, match=said):
        record(folder, **given)
    assert (folder / LOG_FILE).read_bytes() == before


def test_a_new_barrier_in_the_same_state_keeps_the_day_it_began(folder):
    record(folder)
    record(folder, barrier="rent", since=date(2026, 11, 1))
    now = read_plan(folder).states["E07000223"]
    assert (now.barrier, now.since) == ("rent", date(2026, 9, 14))


def test_a_cut_or_edited_log_is_named_by_its_line(folder):
    record(folder)
    path = folder / LOG_FILE
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + whole[:40], encoding="utf-8")
    with pytest.raises(InputError, match="log.jsonl: line 2: is not a whole entry"):
        read_plan(folder)
    path.write_text(json.dumps(json.loads(whole) | {"phone": "0"}) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="log.jsonl: line 1: phone is not a key"):
        read_plan(folder)


def test_every_state_is_reached_and_left_by_the_machine():
    assert set(MOVES) == set(STATES)
    assert {state for moves in MOVES.values() for state in moves} == set(STATES)


def test_the_example_goes_into_an_empty_folder_or_nowhere(tmp_path):
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not an empty folder; nothing was written"):
        example_folder(tmp_path / "held")
    with pytest.raises(InputError, match="for 2025-12-30. Nearest: 2025-12-31"):
        example_folder(tmp_path / "new", date(2025, 12, 30))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["held", "notes.txt"]
    assert read_plan(example_folder(tmp_path / "new")).about.status == "illustrative"


@pytest.mark.parametrize(
    "text", ["Yorkshire and The Humber", "Yorkshire and the Humber", "YORKSHIRE & HUMBER", "yorkshire and humber"]
)
def test_a_region_is_known_in_any_of_its_spellings(text):
    assert find_region(text) == "Yorkshire and The Humber"


def test_a_council_is_known_by_code_or_name():
    assert find_council("e08000012") == find_council("Liverpool") == find_council(" liverpool ") == "E08000012"
    assert find_council("Kings Lynn and West Norfolk") == find_council("King’s Lynn & West Norfolk")


def test_the_local_log_is_no_part_of_the_repository():
    ignored = (Path(params.__file__).parents[1] / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"params/change_plan/{LOG_FILE}" in ignored
