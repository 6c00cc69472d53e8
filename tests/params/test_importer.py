"""The importer writes the same tables from the same sources, and says plainly what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from params import importer, tables
from params.errors import InputError
from params.importing.sources import Sources
from params.importing.support import split_contingency

pytestmark = pytest.mark.unit

SOURCES = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_sources = pytest.mark.skipif(
    not SOURCES.is_dir(), reason="the source files (../shared/data) are not beside the repository"
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[str, Callable[[bytes], bytes]], Path]:
    """Return a function that makes a copy of the source folder in which one file is altered."""

    def make(file: str, change: Callable[[bytes], bytes]) -> Path:
        copy = tmp_path / "data"
        copy.mkdir()
        for path in SOURCES.iterdir():
            if path.name != file:
                (copy / path.name).symlink_to(path)
        (copy / file).write_bytes(change((SOURCES / file).read_bytes()))
        return copy

    return make


def swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content, "the source file no longer has what the test alters"
        return content.replace(old, new, 1)

    return change


# The sources as they are


@needs_sources
def test_the_committed_tables_are_what_the_sources_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert importer.main([str(SOURCES), "--into", str(tmp_path / "reference")]) == 0
    assert contents(tmp_path / "reference") == contents(tables.FOLDER)
    assert "councils.csv" in capsys.readouterr().out


@needs_sources
def test_byte_order_mark_and_windows_line_ends_change_no_table(altered):
    folder = altered("councils.csv", lambda content: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    given_back = importer.build(folder)
    assert given_back["councils.csv"] == (tables.FOLDER / "councils.csv").read_bytes()
    assert given_back["manifest.json"] != (tables.FOLDER / "manifest.json").read_bytes(), (
        "another source file"
    )


@needs_sources
def test_the_order_of_source_rows_changes_no_table(altered):
    def reverse(content: bytes) -> bytes:
        header, *rows = content.splitlines()
        return b"\n".join([header, *reversed(rows)]) + b"\n"

    given_back = importer.build(altered("councils.csv", reverse))
    for name, table in contents(tables.FOLDER).items():
        if name != "manifest.json":
            assert given_back[name] == table, name


@needs_sources
@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("councils.csv", swapped(b",98180,", b",-98180,"),
         "column population_mid2024, row 2: -98180 is negative."),
        ("councils.csv", swapped(b",98180,", b",98181,"),
         "column population_mid2024: the UK total is 69,281,438, expected 69,281,437."),
        ("councils.csv", swapped(b",98180,", b",nan,"),
         "column population_mid2024, row 2: 'nan' is not a finite number."),
        ("councils.csv", swapped(b"population_mid2024", b"population_mid2025"),
         "no column population_mid2024. Nearest: population_mid2025."),
        ("councils.csv", swapped(b"E06000002,Middlesbrough", b"E06000001,Middlesbrough"),
         "row 3 repeats the key lad_code = E06000001."),
        ("supported_la_snapshot_2025_12.csv", swapped(b"S12000049", b"S12000046"),
         "column lad_code: S12000046 is not the code of a council in councils.csv. Nearest: S12000049."),
        ("supported_la_snapshot_2025_12.csv", swapped(b",3835,257,3426,", b",3836,257,3427,"),
         "column supported_total: the UK total at 2025-12-31 is 107,004, expected 107,003."),
        ("supported_la_snapshot_2025_12.csv", swapped(b",3835,257,3426,", b",3835,257,3427,"),
         "column supported_total: the total of S12000049 is 3,835, expected 3,836."),
        ("supported_la_quarterly.csv", swapped(b"E06000001,Hartlepool", b"E06000099,Hartlepool"),
         "column lad_code: E06000099 is not the code of a council in councils.csv."),
        ("awaiting_decision_quarterly.csv", swapped(b",64426,", b",64427,"),
         "column people: people awaiting an initial decision at 2025-12-31 is 64,427, expected 64,426."),
        ("tribunal_asylum_appeals_quarterly.csv", swapped(b",80333,", b",80330,"),
         "column open_caseload: open appeals at 2025-12-31 is 80,330, expected 80,333."),
        ("tribunal_asylum_appeals_quarterly.csv", swapped(b"2025-09-30,", b"2025-13-30,"),
         "column quarter_end, row 75: '2025-13-30' is not an ISO date."),
        ("intake_quarterly.csv", swapped(b",30134,30134,", b",30134,30135,"),
         "column people_best: claims at 2025-09-30 is 30,135, expected 30,134."),
        ("intake_by_nationality_quarterly.csv", swapped(b",1433,3771,5204,", b",1433,3771,5205,"),
         "column people: the total at 2024-09-30 is 30,108, expected 30,107."),
        ("small_boat_arrivals_monthly.csv", swapped(b"2025-12-01,2180,36,0", b"2025-12-01,2180,36,1"),
         "column partial: 2025-12-01 is not a complete month."),
        ("rents.csv", swapped(b"median_monthly_rent_gbp,2,", b"median_monthly_rent_gbp,4,"),
         "column value: no two-bedroom rent for E06000001 (1 councils in all)."),
        ("decisions_quarterly.csv", lambda content: b"", "the file is empty."),
        ("costs.csv", swapped(b"nao_la_dispersal_grants", b"nao_grants"),
         "column item: no row nao_la_dispersal_grants for 2024/25."),
    ],
)  # fmt: skip
def test_a_wrong_source_is_named_with_its_column(altered, file: str, change, message: str):
    with pytest.raises(InputError) as caught:
        importer.build(altered(file, change))
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


@needs_sources
def test_a_lost_quarter_is_noticed(altered):
    def lose(content: bytes) -> bytes:
        return b"\n".join(line for line in content.split(b"\n") if not line.startswith(b"2023-06-30"))

    with pytest.raises(InputError, match="column quarter_end: a period is missing after 2023-03-31"):
        importer.build(altered("supported_la_total_quarterly.csv", lose))


@needs_sources
def test_unrepaired_codes_are_refused(altered):
    def undo(content: bytes) -> bytes:
        return b"\n".join(
            line.removesuffix(b",1") + b",0" * line.endswith(b",1") for line in content.split(b"\n")
        )

    with pytest.raises(
        InputError, match="column code_corrected: the wrong codes of 2022-12-31 were not repaired"
    ):
        importer.build(altered("supported_la_quarterly.csv", undo))


@needs_sources
def test_a_failed_import_leaves_the_previous_tables_and_exits_2(altered, tmp_path: Path, capsys):
    into = tmp_path / "reference"
    assert importer.main([str(SOURCES), "--into", str(into)]) == 0
    before = contents(into)
    folder = altered("costs.csv", swapped(b"567856116.0", b"-1"))
    assert importer.main([str(folder), "--into", str(into)]) == 2
    assert capsys.readouterr().err == "costs.csv: column value, row 2: -1 is negative.\n"
    assert contents(into) == before


def test_a_missing_source_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    missing = tmp_path / "nothing"
    assert importer.main([str(missing), "--into", str(tmp_path / "reference")]) == 2
    assert capsys.readouterr().err == (
        f"{missing}: no such folder of source files. Usage: python -m params.importer ../shared/data\n"
    )
    assert not (tmp_path / "reference").exists()


# Reading one file


def read(folder: Path, content: bytes, kind: str = "count"):
    (folder / "a.csv").write_bytes(content)
    return Sources(folder).rows("a.csv", {"code": "text", "people": kind}, key=["code"])


def test_columns_are_picked_by_name_and_typed(tmp_path: Path):
    rows = read(tmp_path, b"people,extra,code\n12.0,x,NA\n0,y,E1\n")
    assert rows == [{"code": "NA", "people": 12}, {"code": "E1", "people": 0}]


def test_an_empty_cell_is_none_only_where_allowed(tmp_path: Path):
    assert read(tmp_path, b"code,people\nE1,\n", "count?") == [{"code": "E1", "people": None}]
    with pytest.raises(InputError, match=r"^a\.csv: column people, row 2: a value is missing\.$"):
        read(tmp_path, b"code,people\nE1,\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.csv: the file is empty."),
        (b"code,people\n", "a.csv: the file has a header and no rows."),
        (b"code,peple\nE1,1\n", "a.csv: no column people. Nearest: peple."),
        (b"code,people,people\nE1,1,1\n", "a.csv: column people appears more than once."),
        (b"code,people\nE1\n", "a.csv: row 2 has 1 cells; the header has 2."),
        (b"code,people\nE1,1\nE1,2\n", "a.csv: row 3 repeats the key code = E1."),
        (b"code,people\nE1,-1\n", "a.csv: column people, row 2: -1 is negative."),
        (b"code,people\nE1,1.5\n", "a.csv: column people, row 2: 1.5 is not a whole number."),
        (b"code,people\nE1,inf\n", "a.csv: column people, row 2: 'inf' is not a finite number."),
        (b"code,people\nE1,[c]\n", "a.csv: column people, row 2: '[c]' is not a number."),
        (b"code,people\nYnys M\xf4n,1\n", "a.csv: not UTF-8 text (byte 18)."),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert str(caught.value) == message


def test_a_missing_file_names_the_nearest(tmp_path: Path):
    (tmp_path / "council.csv").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        Sources(tmp_path).rows("councils.csv", {}, key=[])
    assert (
        str(caught.value)
        == f"councils.csv: no such file in the folder {tmp_path.name}. Nearest: council.csv."
    )


# Estimating the hotel split


@given(
    st.lists(
        st.tuples(st.integers(0, 3_000), st.none() | st.tuples(st.integers(0, 500), st.integers(0, 500))),
        min_size=1,
    ),
    st.floats(0, 1),
)
def test_the_estimated_split_meets_the_total_in_whole_people_and_never_exceeds_a_council(councils, share):
    contingency = {f"E{number:08}": people for number, (people, _) in enumerate(councils)}
    pattern = {
        f"E{number:08}": split if split and sum(split) else None for number, (_, split) in enumerate(councils)
    }
    reachable = sum(contingency[code] for code, split in pattern.items() if split and split[1])
    fixed = sum(contingency[code] for code, split in pattern.items() if split and split[1] and not split[0])
    total = fixed + round(share * (reachable - fixed))
    estimate = split_contingency(contingency, pattern, total)
    assert sum(estimate.values()) == total
    for code, other in estimate.items():
        assert 0 <= other <= contingency[code]
        split = pattern[code]
        if not split or not split[1]:
            assert other == 0, "a council that has used hotels only"
        elif not split[0]:
            assert other == contingency[code], "a council that has used no hotel"


def test_the_estimated_split_keeps_the_order_of_the_published_shares():
    estimate = split_contingency(dict.fromkeys("abc", 1_000), {"a": (90, 10), "b": (50, 50), "c": None}, 800)
    assert estimate["b"] > estimate["a"] > estimate["c"] == 0


def test_a_total_that_no_split_can_meet_is_refused():
    with pytest.raises(InputError, match="column acc_contingency_other: 20 people cannot be placed"):
        split_contingency({"a": 10, "b": 10}, {"a": (1, 1), "b": (1, 0)}, 20)


# Writing


def test_nothing_is_left_half_written(tmp_path: Path):
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(InputError, match="the tables cannot be written"):
        importer.write({"a.csv": b"1", "b.csv": b"2", "manifest.json": b"{}"}, tmp_path)
    assert not (tmp_path / "manifest.json").exists(), "the manifest comes last"
    assert not list(tmp_path.glob(".*")), "temporary files are removed"


def test_a_target_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "reference").write_text("in the way")
    with pytest.raises(InputError, match="reference: the tables cannot be written"):
        importer.write({"manifest.json": b"{}"}, tmp_path / "reference")
