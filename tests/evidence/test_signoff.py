"""Sign-off by roles, never by people; and editions, of which a later one supersedes an earlier without touching it."""

import subprocess

import pytest

from evidence import records
from evidence.records import Record, sealed
from evidence.reporting import editions
from evidence.reporting.signoff import read_signoff
from params import InputError

pytestmark = pytest.mark.unit
GOOD = """
version = "1.0"
date = 2026-11-22
[commissioner]
role = "Head of local government finance"
date = 2026-11-02
[analyst]
role = "Senior analyst"
date = 2026-11-20
[assurer]
role = "Head of analysis, another directorate"
date = 2026-11-21
[approver]
role = "Chief executive"
date = 2026-11-22
"""


def read(folder, text: str):
    file = folder / "signoff.toml"
    file.write_text(text, encoding="utf-8")
    return read_signoff(file)


def test_a_record_of_roles_is_read(tmp_path):
    rows = read(tmp_path, GOOD).rows()
    assert [row["Role"] for row in rows] == ["commissioner", "analyst", "assurer", "approver"]
    assert rows[2]["Held by"] == "Head of analysis, another directorate" and rows[2]["Date"] == "2026-11-21"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("Chief executive", "a.person@example.org", "approver.role: names a person or a way to reach one"),
        ("Chief executive", "Dr Smith", "approver.role: names a person"),
        ("Chief executive", "Approver, 020 7946 0000", "approver.role: names a person or a way to reach"),
        ("[approver]", "[aprover]", "aprover is not a key. Nearest: approver"),
        ('role = "Chief executive"\n', 'rol = "Chief executive"\n', "approver.rol is not a key. Nearest: role"),
        ('version = "1.0"', 'version = "final"', "version: "),
        ("[approver]\n", "[approver]\nname = 'x'\n", "approver.name is not a key"),
        ("Head of analysis, another directorate", "senior analyst", "the assurer is the analyst"),
        ("date = 2026-11-21", "date = 2026-12-01", "the assurer answers on a later day"),
        ("date = 2026-11-21", 'date = "soon"', "assurer.date: "),
    ],
)
def test_what_it_must_not_hold_is_refused_by_name(tmp_path, before, after, said):
    assert before in GOOD
    with pytest.raises(InputError, match="signoff.toml: ") as error:
        read(tmp_path, GOOD.replace(before, after))
    assert said in str(error.value)


def test_a_missing_record_is_an_error_that_says_where_to_look(tmp_path):
    with pytest.raises(InputError, match="signoff.toml: no such file. `dispersal report --help`"):
        read_signoff(tmp_path / "signoff.toml")


# --- editions ------------------------------------------------------------------------------------------------------


def edition(runs, name: str, file: str = "review.toml") -> str:
    made = {"study": {"settings": {"file": file}}}
    record = Record(name, "report", "Title", {"study": "study"}, {}, "m", packages={}, extra={"studies": made})
    with sealed(runs, record) as partial:
        (partial / "report.html").write_text(name)
    editions.enter(runs, name, lambda line: None)
    return name


def test_a_later_edition_supersedes_the_earlier_and_touches_none_of_its_files(tmp_path):
    first, other = edition(tmp_path, "report-a"), edition(tmp_path, "report-other", "another.toml")
    before = {path: path.read_bytes() for path in (tmp_path / first).iterdir()}
    second = edition(tmp_path, "report-b")
    assert {path: path.read_bytes() for path in (tmp_path / first).iterdir()} == before
    assert editions.standing(tmp_path, first) == [f"{first} is superseded by {second}."]
    assert editions.standing(tmp_path, second) == editions.standing(tmp_path, other) == []
    editions.enter(tmp_path, first, lambda line: None)
    assert [e["superseded_by"] for e in editions.read_editions(tmp_path)] == [second, None, None]


def test_an_edition_swapped_as_a_whole_is_found_by_the_register(tmp_path):
    name = edition(tmp_path, "report-a")
    assert editions.swapped(tmp_path, name) == []
    record = records.read_record(tmp_path / name)
    with sealed(tmp_path, record, replace_existing=True) as partial:
        (partial / "report.html").write_text("another story, with checksums of its own")
    (line,) = editions.swapped(tmp_path, name)
    assert line.startswith("SHA256SUMS: is not the one that was registered")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository of its own in the place of this one."""
    monkeypatch.setattr(records, "REPOSITORY", tmp_path)
    records.code_state.cache_clear()
    yield tmp_path
    records.code_state.cache_clear()


def git(folder, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_a_cited_edition_needs_committed_code(repository):
    with pytest.raises(InputError, match="--cite: this is not a git checkout"):
        editions.check_committed()
    git(repository, "init")
    (repository / "code.py").write_text("1")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "x")
    (repository / "runs").mkdir()
    (repository / "runs" / "result").write_text("results are not code")
    records.code_state.cache_clear()
    editions.check_committed()
    (repository / "code.py").write_text("2")
    records.code_state.cache_clear()
    with pytest.raises(InputError, match="--cite: the code has uncommitted changes.*Commit them first"):
        editions.check_committed()
