"""A protocol says who may receive what; what leaves is controlled, logged, and gives an attacker nothing small."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pytest

import params
from evidence import cli
from evidence.exchange.attack import bounds, total
from evidence.exchange.sharing import release
from params.protocols import FOLDER, read_protocol

pytestmark = pytest.mark.behaviour

RETURN = FOLDER / "council_return.toml"
DAY = "2026-09-30"


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def say(capsys, runs):
    def run(words: str, code: int = 0) -> str:
        assert cli._code([*words.split(), "--runs", str(runs)]) == code
        out = capsys.readouterr()
        return out.err if code else out.out

    return run


@pytest.fixture
def altered(tmp_path):
    """A protocol with some of its text replaced."""

    def make(name: str, *changes: tuple[str, str]) -> Path:
        text = (FOLDER / f"{name}.toml").read_text()
        for old, new in changes:
            assert old in text, "the protocol no longer says what the test changes"
            text = text.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return make


def councils() -> list[str]:
    table = params.reference("councils")
    return list(table.loc[table["region"] == "North West", "lad_code"])


def a_return(path: Path) -> dict[tuple[str, str], int]:
    """A return of every council of the North West with many small counts; the truth by council and measure."""
    truth = {}
    rows = ["quarter_end,lad_code,homelessness_duties,school_places_sought"]
    for number, code in enumerate(councils()):
        duties, places = (number * 7) % 23, (number * 5) % 17
        truth[code, "homelessness_duties"], truth[code, "school_places_sought"] = duties, places
        rows.append(f"{DAY},{code},{duties},{places}")
    path.write_text("\n".join(rows) + "\n")
    return truth


def held_by_recipient(folder: Path, truth_of: list[str]) -> list:
    """Statements that a recipient can read off the CSV files of a release, knowing the rules."""
    said = []
    for file in folder.glob("*.csv"):
        for row in csv.DictReader(file.open()):
            for measure in ("homelessness_duties", "school_places_sought"):
                shown = row[measure]
                cells = [(row["lad_code"], measure)] if row["lad_code"] else [(code, measure) for code in truth_of]
                if shown not in ("", "[c]"):
                    assert int(shown) % 5 == 0
                    said.append(total(cells, max(5, int(shown) - 2), int(shown) + 2))
    return said


# Out


def test_published_figures_leave_exactly_and_the_release_says_what_it_is(say, runs, tmp_path):
    out = tmp_path / "for_them"
    said = say(f"share --protocol {FOLDER / 'regional_partnership.toml'} --out {out}")
    assert "illustrative: agreed by nobody" in said
    rows = list(csv.DictReader((out / "people_published.csv").open()))
    liverpool = next(row for row in rows if row["name"] == "Liverpool")
    assert (liverpool["dispersal"], liverpool["contingency"]) == ("1397", "415")
    assert {row["region"] for row in rows} == {"North West"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["files"].keys() == {"people_published.csv", "protocol.toml"}
    assert "placing individuals" in manifest["not_for"]
    assert not list(out.glob("held*")), "what the audit needs stays here"
    (entry,) = (json.loads(line) for line in (runs / "shared" / "log.jsonl").read_text().splitlines())
    assert entry["recipient"] == manifest["recipient"]
    assert entry["files"]["people_published.csv"] == manifest["files"]["people_published.csv"]


def test_what_councils_sent_in_leaves_without_a_small_count_that_anyone_can_find(say, runs, tmp_path, altered):
    truth = a_return(tmp_path / "return.csv")
    say(f"data import {tmp_path / 'return.csv'} --protocol {RETURN}")
    first = Path(release(RETURN, runs)[-1])
    # The same partnership asks for one council less, and another recipient for the region alone: they may collude.
    some = json.dumps(councils()[1:])
    fewer = altered("council_return", ('places = ["North West"]', f"places = {some}"))
    second = Path(release(fewer, runs)[-1])
    coarse = altered(
        "council_return",
        ('geography = "council"\nmeasures', 'geography = "region"\nmeasures'),
        ('recipient = "North West strategic migration partnership"', 'recipient = "A ministry"'),
    )
    third = Path(release(coarse, runs)[-1])
    everything = (
        held_by_recipient(first, councils()) + held_by_recipient(second, councils()[1:])
        + held_by_recipient(third, councils())
    )  # fmt: skip
    assert len(everything) > 40
    small = [cell for cell, value in truth.items() if value < 5]
    assert len(small) > 10
    for cell, (low, high) in bounds(small, everything).items():
        assert low <= truth[cell] <= high
        assert high >= 5 and high - low >= 5, f"{cell} is {truth[cell]}, and the attacker has {low} to {high}"
    rows = list(csv.DictReader((first / "returns_of_the_region.csv").open()))
    for row in rows[:-1]:
        for measure in ("homelessness_duties", "school_places_sought"):
            assert row[measure] == "[c]" or abs(int(row[measure]) - truth[row["lad_code"], measure]) <= 2
    assert len((runs / "shared" / "log.jsonl").read_text().splitlines()) == 3


def test_an_extract_by_region_shows_no_council(say, runs, tmp_path, altered):
    a_return(tmp_path / "return.csv")
    say(f"data import {tmp_path / 'return.csv'} --protocol {RETURN}")
    coarse = altered("council_return", ('geography = "council"\nmeasures', 'geography = "region"\nmeasures'))
    folder = Path(release(coarse, runs)[-1])
    (row,) = csv.DictReader((folder / "returns_of_the_region.csv").open())
    assert row["lad_code"] == ""
    assert int(row["homelessness_duties"]) > 100


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("regional_partnership", "2029-12-31", "2026-06-30",
         "valid_until: the protocol expired on 2026-06-30; nothing may be shared."),
        ("regional_partnership", "valid_from = 2026-01-01", "valid_from = 2029-01-01",
         "valid_from: the protocol is not in force before 2029-01-01."),
        ("regional_partnership", 'geography = "council"\nplaces', 'geography = "region"\nplaces',
         "extracts.people_published: geography council is finer than the protocol allows (region)."),
        ("regional_partnership", '["North West"]', '["North Wst"]',
         "places: North Wst is not a region, nation or council code. Nearest: North West."),
        ("regional_partnership", '["North West"]', '["Liverpool"]', "Nearest: E08000012."),
        ("regional_partnership", "recipient =", "recipent =", "recipient: is missing."),
        ("regional_partnership", "[[extracts]]", "colour = 1\n[[extracts]]", "colour: not a key of a protocol."),
        ("regional_partnership", '"dispersal", "initial"', '"dispersl", "initial"',
         "extracts.people_published: dispersl is not something this source has. Nearest: dispersal."),
        ("regional_partnership", 'source = "official"', 'source = "return"', "the protocol has no [returns]"),
        ("modelled_outlook", "2027-03-31", "2027-03-31", "there is no study in"),
        ("council_return", "high = 5000", "high = 5000", "no return has come in under"),
    ],
)  # fmt: skip
def test_what_a_protocol_does_not_allow_is_refused_in_one_line(say, runs, altered, name, old, new, said):
    path = altered(name, (old, new))
    error = say(f"share --protocol {path}", code=2)
    assert said in error
    assert error.count("\n") == 1
    assert not list((runs / "shared").glob("shared-*")) if (runs / "shared").exists() else True


def test_a_missing_protocol_and_a_folder_in_the_way_are_named(say, tmp_path):
    assert "no such protocol. Nearest: params/protocols/council_return.toml" in say(
        "share --protocol params/protocols/council_returns.toml", code=2
    )
    assert "exists already" in say(f"share --protocol {RETURN} --out {tmp_path}", code=2)


def test_a_changed_log_or_a_lost_release_stops_the_next_one(say, runs):
    protocol = FOLDER / "regional_partnership.toml"
    say(f"share --protocol {protocol}")
    say(f"share --protocol {protocol}")
    log = runs / "shared" / "log.jsonl"
    kept = log.read_text()
    log.write_text(kept.replace("regional coordination officer", "someone else", 1))
    assert "log.jsonl: line 2 was changed or lines before it were lost" in say(f"share --protocol {protocol}", code=2)
    log.write_text(kept)
    (folder,) = (runs / "shared").glob("shared-*")
    folder.rename(runs / "elsewhere")
    assert "its copy is gone" in say(f"share --protocol {protocol}", code=2)


def test_the_shipped_protocols_are_in_force_and_illustrative():
    for path in FOLDER.glob("*.toml"):
        assert read_protocol(path, dt.date(2026, 11, 22)).status == "illustrative"


# In


@pytest.mark.parametrize(
    ("heading", "cell", "said"),
    [
        ("Name", "A", "column 'Name' looks personal by its heading"),
        ("date_of_birth", "1", "looks personal by its heading"),
        ("clientPostcode", "1", "looks personal by its heading"),
        ("Nationality", "1", "looks personal by its heading"),
        ("NI Number", "1", "looks personal by its heading"),
        ("Port ref", "1", "looks personal by its heading"),
        ("E-mail", "1", "looks personal by its heading"),
        ("hotel", "1", "looks personal by its heading"),
        ("remarks", "write to a.person@example.org", "row 2, column 'remarks' holds what looks like an email address"),
        ("remarks", "lives at L1 8JQ", "holds what looks like a postcode"),
        ("remarks", "AB 12 34 56 C", "holds what looks like a National Insurance number"),
        ("remarks", "07700 900123", "holds what looks like a telephone number"),
        ("remarks", "M1234567", "holds what looks like a Home Office reference"),
        ("remarks", "12 Acacia Avenue", "holds what looks like a street address"),
        ("remarks", "4 May 1991", "holds what looks like a date of birth"),
        ("remarks", "none", "column 'remarks' is not in the protocol."),
    ],
)
def test_a_column_that_looks_personal_is_refused(say, runs, tmp_path, heading, cell, said):
    path = tmp_path / "return.csv"
    path.write_text(f"quarter_end,lad_code,homelessness_duties,school_places_sought,{heading}\n"
                    f"{DAY},E08000012,12,13,{cell}\n")  # fmt: skip
    error = say(f"data import {path} --protocol {RETURN}", code=2)
    assert said in error
    assert error.count("\n") == 1
    assert not (runs / "returns").exists(), "nothing is kept"


def test_every_wrong_row_of_a_return_is_told_with_its_column(say, runs, tmp_path):
    path = tmp_path / "return.csv"
    wrong = ["2026-09-29,E08000012,1,1", f"{DAY},E06000001,1,1", f"{DAY},E08000003,-1,many",
             f"{DAY},E08000004,,6000000", f"{DAY},E08000005,1,1",
             f"{DAY},E08000005,2,2",
             *[f"{DAY},E0800000{n},x,1" for n in (6, 7, 8)] * 7]
    head = "Quarter End,LAD code,Homelessness duties,School places sought"
    path.write_text("\n".join([head, *wrong]) + "\n")
    error = say(f"data import {path} --protocol {RETURN}", code=2)
    lines = error.splitlines()
    assert lines[0].startswith("return.csv: ") and lines[0].endswith(" problems; nothing came in.")
    assert "  row 2, column quarter_end: 2026-09-29 is not a quarter end" in lines
    assert "  row 3, column lad_code: E06000001 is outside the places of the protocol" in lines
    assert "  row 4, column homelessness_duties: -1 is negative" in lines
    assert "  row 5, column homelessness_duties: a value is missing" in lines
    assert "  row 5, column school_places_sought: 6e+06 is not between 0 and 20000" in lines
    assert "  row 7, column quarter_end: repeats the key of row 6" in lines
    assert len(lines) == 22 and lines[-1].startswith("  ... and ")
    assert not (runs / "returns").exists()


def test_a_good_return_is_kept_and_named(say, runs, tmp_path):
    path = tmp_path / "return.csv"
    path.write_text(f"quarter_end,lad_code,homelessness_duties,school_places_sought\n{DAY},Liverpool,12,13\n")
    said = say(f"data import {path} --protocol {RETURN}")
    assert "1 rows from 1 councils" in said
    (kept,) = (runs / "returns").rglob("*.csv")
    assert kept.read_text().splitlines()[1] == f"{DAY},E08000012,12,13,"
