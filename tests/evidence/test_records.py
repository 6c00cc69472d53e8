"""Run records: canonical hashing, folders that are whole or absent, ids that cannot reach outside."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import records
from evidence.records import Record, RunError, canonical_json, digest, find, make_id, read_record, sealed
from params import InputError

pytestmark = pytest.mark.unit

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def record(identity: str = "central-0b1c2d3e", kind: str = "run") -> Record:
    return Record(id=identity, kind=kind, title="A run", settings={"seed": 1}, assumptions={}, model_version="0" * 16)


@given(st.dictionaries(st.text(max_size=5), PLAIN, max_size=5))
def test_the_hash_does_not_depend_on_the_order_of_keys(content):
    turned = dict(reversed(list(content.items())))
    assert digest(content) == digest(turned)


@given(PLAIN)
def test_canonical_text_keeps_every_value(content):
    assert json.loads(canonical_json(content)) == content


def test_the_hash_tells_apart_what_differs():
    contents = [
        {"a": 1},
        {"a": 1.5},
        {"a": "1"},
        {"a": True},
        {"a": None},
        {"b": 1},
        {"a": [1]},
        {"a": date(2026, 4, 1)},
    ]
    assert len({digest(content) for content in contents}) == len(contents)
    assert canonical_json({"day": date(2026, 4, 1), "x": 0.1}) == '{"day":"2026-04-01","x":0.1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, Path("x")])
def test_what_cannot_be_written_exactly_is_refused(value):
    with pytest.raises((ValueError, TypeError)):
        canonical_json({"value": value})


def test_the_model_version_follows_the_code_and_tables(tmp_path, monkeypatch):
    records.model_version.cache_clear()
    before = records.model_version()
    package = tmp_path / "sim"
    package.mkdir()
    (package / "run.py").write_text("rate = 1\n")
    real = records._package_folder
    monkeypatch.setattr(records, "_package_folder", lambda name: package if name == "sim" else real(name))
    records.model_version.cache_clear()
    first = records.model_version()
    (package / "run.py").write_text("rate = 2\n")
    records.model_version.cache_clear()
    second = records.model_version()
    monkeypatch.undo()
    records.model_version.cache_clear()
    assert len({before, first, second}) == 3
    assert records.model_version() == before


def test_code_state_is_unknown_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    records.code_state.cache_clear()
    assert records.code_state() == {"commit": None, "dirty": None}
    records.code_state.cache_clear()


def test_a_sealed_folder_holds_its_record_and_the_hash_of_every_file(tmp_path):
    with sealed(tmp_path, record()) as partial:
        (partial / "deep").mkdir()
        (partial / "deep" / "data.csv").write_text("a\n1\n")
        assert not (tmp_path / "central-0b1c2d3e").exists(), "a reader could see a run that is not finished"
    folder = tmp_path / "central-0b1c2d3e"
    read = read_record(folder)
    assert set(read.outputs) == {"deep/data.csv"}
    assert records.damaged(folder, read.outputs) == []
    (folder / "deep" / "data.csv").write_text("a\n2\n")
    assert records.damaged(folder, read.outputs) == ["deep/data.csv"]


def test_a_failure_inside_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), sealed(tmp_path, record()) as partial:
        (partial / "data.csv").write_text("half")
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == [".locks"]


def test_a_full_disk_leaves_nothing(tmp_path):
    code = """
import resource, sys
from pathlib import Path
from evidence.records import Record, sealed
record = Record(id="central-0b1c2d3e", kind="run", title="t", settings={}, assumptions={}, model_version="0")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with sealed(Path(sys.argv[1]), record) as partial:
    (partial / "small").write_bytes(b"0" * 1000)
    (partial / "large").write_bytes(b"0" * 100_000)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert "OSError" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [".locks"]


def test_the_first_folder_of_an_id_stays_unless_it_is_replaced(tmp_path):
    for text, again in (("first", False), ("second", False), ("third", True)):
        with sealed(tmp_path, record(), replace_existing=again) as partial:
            (partial / "data").write_text(text)
        if text == "second":
            assert (tmp_path / "central-0b1c2d3e" / "data").read_text() == "first"
    assert (tmp_path / "central-0b1c2d3e" / "data").read_text() == "third"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".locks", "central-0b1c2d3e"]


def test_a_replacement_cut_off_between_its_renames_is_put_right(tmp_path):
    with sealed(tmp_path, record()) as partial:
        (partial / "data").write_text("kept")
    (tmp_path / "central-0b1c2d3e").rename(tmp_path / ".central-0b1c2d3e.old")
    with sealed(tmp_path, record()) as partial:
        (partial / "data").write_text("new")
    assert (tmp_path / "central-0b1c2d3e" / "data").read_text() == "kept"


def test_two_writers_of_one_id_are_kept_apart(tmp_path):
    with (
        sealed(tmp_path, record()),
        pytest.raises(RunError, match="another process is writing it"),
        sealed(tmp_path, record()),
    ):
        pass


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("../central-0b1c2d3e", "is not the id of a run"),
        ("/etc/passwd", "is not the id of a run"),
        ("central-0b1c2d3e/..", "is not the id of a run"),
        ("central\n", "is not the id of a run"),
        ("Central-0B1C2D3E", "Nearest: central-0b1c2d3e"),
        ("a" * 300, "at most 100"),
        ("", "is not the id of a run"),
        ("central-0b1c2d3f", "Nearest: central-0b1c2d3e"),
    ],
)
def test_an_id_that_cannot_be_found_names_the_nearest(tmp_path, identity, said):
    with sealed(tmp_path, record()):
        pass
    with pytest.raises(InputError, match="id|holds no run") as error:
        find(tmp_path, identity)
    assert said in str(error.value)
    assert len(str(error.value)) < 300


def test_an_id_of_another_kind_is_refused(tmp_path):
    with sealed(tmp_path, record()):
        pass
    assert find(tmp_path, "central-0b1c2d3e", "run").name == "central-0b1c2d3e"
    with pytest.raises(InputError, match="is a run, not a study"):
        find(tmp_path, "central-0b1c2d3e", "study")


def test_a_record_that_was_edited_into_nonsense_is_named(tmp_path):
    with sealed(tmp_path, record()):
        pass
    (tmp_path / "central-0b1c2d3e" / "record.json").write_text("{")
    with pytest.raises(RunError, match="record.json: not a readable record"):
        find(tmp_path, "central-0b1c2d3e")


def test_a_runs_folder_that_cannot_be_written_is_bad_input(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="results cannot be written here"):
        records.prepare_runs(tmp_path / "file" / "runs")


@given(st.text(max_size=200))
def test_every_name_makes_an_id_that_can_be_found(name):
    identity = make_id(name, {"x": 1})
    assert records.ID_PATTERN.fullmatch(identity)
    assert len(identity) <= records.ID_LENGTH
