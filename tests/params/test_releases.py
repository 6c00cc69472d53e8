"""Official releases are recognised and read as published, whatever a spreadsheet does to them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import published
import pytest
from published import D11, cover, d11, write

from params.errors import InputError
from params.releases.cells import read_count, read_quarter
from params.releases.read import Release, read_release

pytestmark = pytest.mark.unit

Q = "31 Dec 2025"
LEEDS, HULL, BELFAST = "E08000035", "E06000010", "N09000003"
DISPERSAL, HOTEL = "Dispersal Accommodation", "Contingency Accommodation - Hotel"
YORKSHIRE = "Yorkshire and The Humber"


def row(people: object, name: str = "Leeds", code: str = LEEDS, date: object = Q, kind: str = DISPERSAL) -> list:
    return [date, "Section 95", YORKSHIRE, name, code, kind, people]


def read(path: Path, as_: str | None = None) -> Release:
    (release,) = read_release(path, as_)
    return release


def people(release: Release, *wanted: str) -> int | None:
    found = [count.value for key, count in release.rows.items() if all(word in key for word in wanted)]
    return None if None in found else sum(found)


@pytest.fixture
def book(tmp_path):
    return tmp_path / "release.xlsx"


# Finding the table


@pytest.mark.parametrize("suffix", [".xlsx", ".ods"])
def test_a_release_is_found_behind_its_cover_contents_and_notes(tmp_path, suffix):
    release = read(d11(tmp_path / f"support{suffix}", [row(1397), row(12, kind=HOTEL)]))
    assert (release.layout.table, release.sheet, release.header_row) == ("Asy_D11", "Data_Asy_D11", 2)
    assert release.published == "2026-05-21"
    assert release.rows[("2025-12-31", LEEDS, "section_95", "dispersal", "0")].value == 1397
    assert people(release, "contingency_hotel") == 12


@pytest.mark.parametrize(
    ("header", "order"),
    [
        (["People", "LAD Code", "Accommodation Type", "Local Authority", "Date", "UK Region", "Support Type"],
         [6, 4, 5, 3, 0, 2, 1]),
        (["date ", " support type", "uk  region", "LOCAL AUTHORITY", "lad code", "accommodation type", "people"],
         range(7)),
        (["Date (as at…) [note 1]", "Support Type", "UK Region / Nation", "Local Authority [note 2]", "LAD Code",
          "Accommodation Type [note 3]", "People [note 4]"], range(7)),
        (["Quarter ending", "Type of support", "Region", "Local authority name", "LA code", "Accommodation",
          "Number of people"], range(7)),
    ],
)  # fmt: skip
def test_columns_are_found_by_meaning_not_by_place(book, header, order):
    cells = [row(5), row(1234, "Belfast", BELFAST)]
    release = read(d11(book, [[cells_[i] for i in order] for cells_ in cells], header=header))
    assert people(release, LEEDS) == 5
    assert people(release, BELFAST) == 1234


def test_extra_columns_a_renamed_sheet_and_a_deeper_header_change_nothing(book):
    rows = [["x", *row(7), "a note"], ["x", *row(9, kind=HOTEL), ""]]
    title = [["People in receipt of support"], ["This sheet contains one table."], [], ["Back to contents"], []]
    release = read(write(book, {"Sheet 3": [*title, ["Row", *D11, "Comment"], *rows]}))
    assert (release.layout.table, release.header_row, people(release, LEEDS)) == ("Asy_D11", 6, 16)


def test_a_heading_that_is_merged_over_two_rows_is_read(book):
    rows = [["Date", "Support", "", "Area", "", "Accommodation", ""],
            ["", "Type", "", "Local Authority", "LAD Code", "Type", "People"], row(7)]  # fmt: skip
    assert people(read(write(book, {"Data_Asy_D11": rows})), LEEDS) == 7


def test_merged_and_blank_repeated_cells_take_the_value_above(tmp_path):
    rows = [row(7), ["", "", "", "", "", HOTEL, 3], ["", "", "", "Belfast", BELFAST, DISPERSAL, 2]]
    path = d11(tmp_path / "a.xlsx", rows, merge={"Data_Asy_D11": [(2, 0, 4, 0), (2, 3, 3, 3), (2, 4, 3, 4)]})
    for release in (read(path), read(d11(tmp_path / "a.ods", rows))):
        assert people(release, LEEDS) == 10
        assert people(release, BELFAST) == 2


def test_a_table_of_another_kind_is_not_taken_for_one_that_is_known(book):
    sheet = [["IER_D02: asylum claims by small boat arrivals"], ["Quarter", "Nationality", "Claims"],
             ["2025 Q4", "All", 10]]  # fmt: skip
    write(book, {"Data_IER_D02": sheet})
    with pytest.raises(InputError, match=r"^release.xlsx: holds none of the tables that can be imported"):
        read_release(book)
    sheet[-1][1] = "Iran"
    assert read(write(book, {"Data_IER_D02": sheet}), "Asy_D01").layout.table == "Asy_D01"


def test_two_tables_of_one_workbook_are_both_read(book):
    claims = [["Asy_D01: claims"], ["Year", "Quarter", "Nationality", "Applicant type", "UASC", "Claims"],
              [2025, "2025 Q4", "Iran", "Main applicant", "Non-UASC", 30],
              [2025, "2025 Q4", "Iran", "Dependant", "", 4]]
    decided = [["Asy_D02: decisions"], ["Year", "Quarter", "Nationality", "Case type", "Case outcome group",
                                        "Case outcome", "Applicant type", "Decisions"],
               [2025, "Q4", "Iran", "Asylum Case", "Grant of Protection", "Refugee Permission", "Dependant", 3],
               [2025, "Q4", "Iran", "Asylum Case", "Withdrawn", "Implicit Withdrawal", "Main applicant", 2],
               [2025, "Q4", "Iran", "Resettlement Case", "Grant of Protection", "x", "Main applicant", 99]]  # fmt: skip
    first, second = read_release(write(book, {"Data_Asy_D01": claims, "Data_Asy_D02": decided}))
    assert people(first, "2025-12-31") == 34
    assert (people(second, "grants"), people(second, "withdrawals")) == (3, 2)
    assert not any("Iran" in key for release in (first, second) for key in release.rows), "nationality is not kept"


def test_awaiting_reg_02_regional_and_tribunal_tables_are_read(tmp_path):
    waiting = [["Asy_D03"],
               ["Date (as at…)", "Nationality", "Application stage", "Duration", "Applicant type", "Claims"],
               [Q, "Iran", "Pending initial decision", "6 months or less", "Main Applicant", 8],
               [Q, "Iran", "Pending initial decision", "More than 6 months", "Dependant", 5],
               [Q, "Iran", "Pending further review", "N/A", "Main Applicant", 2]]  # fmt: skip
    release = read(write(tmp_path / "w.xlsx", {"Data_Asy_D03": waiting}))
    assert people(release, "pending_initial_decision", "gt_6_months") == 5
    regional = [["Asy_D09"], ["Date (as at…)", "Nationality", "Region", "Support Type", "Accommodation Type",
                              "UK Region / Nation", "People"],
                [Q, "Iran", "Middle East", "Section 98", HOTEL, "Yorkshire and the Humber", 4],
                [Q, "Iraq", "Middle East", "Section 98", HOTEL, YORKSHIRE, 6]]  # fmt: skip
    release = read(write(tmp_path / "r.xlsx", {"Data_Asy_D09": regional}))
    assert release.rows[("2025-12-31", YORKSHIRE, "section_98", "contingency_hotel")].value == 10
    names = ["Local authority", "Region / Nation", "LTLA (ONS code)", "Homes for Ukraine (arrivals)",
             "Supported Asylum (total) (population)",
             *(f"of which, Supported Asylum - {kind} Accommodation (population)"
               for kind in ("Initial", "Dispersal", "Contingency", "Other")),
             "of which, Subsistence only (population)", "All 3 pathways (total)", "Population"]  # fmt: skip
    snapshot = [["Reg_02: Immigration groups, by Local Authority, as at 31 December 2025"], names,
                ["Leeds", YORKSHIRE, LEEDS, 9, 16, 1, 10, 3, 0, 2, 25, 800000],
                ["Unknown", "Unknown", "Unknown", 1, 0, 0, 0, 0, 0, 0, 1, "-"],
                ["United Kingdom - total", "", "", 10, 16, 1, 10, 3, 0, 2, 26, 69000000], ["End of table"]]  # fmt: skip
    release = read(write(tmp_path / "g.ods", {"Cover": cover("Regional data"), "Reg_02": snapshot}))
    assert (release.quarters, release.totals) == (["2025-12-31"], 1)
    assert people(release, LEEDS, "contingency") == 3
    appeals = {
        "FIA_1": [["FIA_1: Receipts"], [],
                  ["Financial Year", "Quarter", "Asylum/Protection/Revocation of Protection5,6", "EEA5", "Total"],
                  ["2024/25r", "", 9999, 1, 1], ["2025/26", "Q3p", "8,001", 2, 3], ["", "Q4p", 7000, 2, 3],
                  ["Source: HMCTS"]],
        "FIA_2": [["FIA_2: Disposals"], ["Financial Year", "Quarter", "Outcome", "Asylum/Protection", "Total"],
                  ["2025/26", "Q3", "Disposals", 5000, 1], ["", "", "Allowed", 2500, 1]],
        "FIA_4": [["FIA_4: Open caseload"], ["Financial Year", "Quarter", "Asylum/Protection", "Total"],
                  ["2025/26", "Q3", 80333, 1]],
    }  # fmt: skip
    for name in ("FIA_1", "FIA_4"):
        appeals[name][1 + (name == "FIA_1")][1] = ""  # the tribunal leaves this heading empty
    release = read(write(tmp_path / "t.ods", appeals))
    assert {key: count.value for key, count in release.rows.items()} == {
        ("2025-12-31", "receipts"): 8001,
        ("2026-03-31", "receipts"): 7000,
        ("2025-12-31", "disposals"): 5000,
        ("2025-12-31", "open_cases"): 80333,
    }


def test_a_tribunal_table_with_one_column_a_measure_is_read(book):
    rows = [["Quarter", "Receipts", "Disposals", "Open caseload"], ["Q3 2025/26", "8,001", "-", 80333]]
    release = read(write(book, {"Appeals": rows}), "tribunal")
    assert release.rows[("2025-12-31", "disposals")].value == 0
    assert release.rows[("2025-12-31", "open_cases")].value == 80333


# Putting right


def test_a_wrong_code_goes_by_its_name_as_at_december_2022(book):
    date = "31 Dec 2022"
    rows = [row(942, "Kingston upon Hull, City of", HULL, date), row(300, "Leeds", HULL, date, HOTEL)]
    release = read(d11(book, rows))
    assert (people(release, HULL), people(release, LEEDS)) == (942, 300)
    assert release.findings.corrected == {"2022-12-31": 1}
    assert release.rows[("2022-12-31", LEEDS, "section_95", "contingency_hotel", "1")].value == 300


def test_former_councils_add_up_in_their_successor_and_late_use_is_noticed(book):
    rows = [row(5, "Craven", "E07000163", "31 Mar 2023"), row(6, "Selby", "E07000169", "31 Mar 2023"),
            row(7, "Craven", "E07000163", "30 Jun 2023"), row(8, "Barnsley", "E08000016", "30 Jun 2023")]  # fmt: skip
    release = read(d11(book, rows))
    assert people(release, "E06000065", "2023-03-31") == 11
    assert people(release, "E08000038") == 8
    assert set(release.findings.late) == {"E07000163"}


def test_people_of_no_council_stay_unallocated_and_spellings_of_a_region_are_told(book):
    nowhere = "N/A - Section 98 (pre-Dec 2022)"
    rows = [row(5), row(6), [Q, "Section 98", nowhere, nowhere, nowhere, nowhere, 900],
            [Q, "Section 4", "Yorkshire & the Humber", "Leeds", LEEDS, DISPERSAL, 1]]  # fmt: skip
    release = read(d11(book, rows))
    assert people(release, "UNALLOCATED") == 900
    assert release.findings.regions[YORKSHIRE] == {YORKSHIRE, "Yorkshire & the Humber"}


@pytest.mark.parametrize(
    "cell",
    ["31 Dec 2025", "31 December 2025", "2025-12-31", "31/12/2025", "Dec 2025", "2025 Q4", "Q4 2025", "2025Q4", 46022.0,
     dt.date(2025, 12, 31), dt.datetime(2025, 12, 31), "Oct to Dec 2025", "31 Dec 2025 [note 3]", "31 Dec 2025 [p]"],
)  # fmt: skip
def test_a_quarter_end_is_read_however_it_is_written(cell):
    assert read_quarter(cell) == "2025-12-31"


@pytest.mark.parametrize(
    ("cell", "value", "status"),
    [(5.0, 5, "published"), ("1,234", 1234, "published"), ("[c]", None, "confidential"), ("c", None, "confidential"),
     ("[x]", None, "not_available"), ("[z]", None, "not_applicable"), (":", None, "not_available"),
     ("..", None, "not_available"), ("*", None, "confidential"), ("120 [e]", 120, "estimated"), ("", None, "empty"),
     ("95 [r]", 95, "revised"), ("12 [note 2]", 12, "published"), ("1 234", 1234, "published")],
)  # fmt: skip
def test_a_count_or_the_reason_that_there_is_none(cell, value, status):
    count = read_count(cell)
    assert (count.value, count.status) == (value, status)


@pytest.mark.parametrize("cell", [-1, 1.5, "about 5", float("nan"), True, "-4", "1.5", dt.date(2025, 1, 1)])
def test_what_is_no_count_is_refused(cell):
    with pytest.raises(ValueError, match=r"is not|is negative"):
        read_count(cell)


def test_a_cell_without_a_number_stays_without_and_is_counted(book):
    release = read(d11(book, [row("[c]"), row("3 [e]", kind=HOTEL)]))
    assert people(release, "dispersal") is None
    assert release.marks == {"confidential": 1}


# Totals of the file


def test_totals_of_the_file_are_checked_and_not_counted_as_people(book):
    rows = [row(5), row(2, "Belfast", BELFAST), [Q, "", YORKSHIRE, "Total", "", "", 5],
            [Q, "All", "All", "Yorkshire and the Humber", "E12000003", "All", 5], [Q, "Total", "", "", "", "", 7],
            ["Total", "", "", "", "", "", 7]]  # fmt: skip
    rows[1][2] = "Northern Ireland"
    release = read(d11(book, rows))
    assert people(release) == 7
    assert release.totals == 4
    rows[4][-1] = 8
    with pytest.raises(InputError, match=r"row 7: the rows at 2025-12-31 add up to 7, and the file's own total is 8"):
        read_release(d11(book, rows))


def test_the_pivot_of_the_file_is_held_against_its_data(book):
    pivot = [["Asy_D11 - pivot table"], ["Support Type", "(All)"], ["Row Labels", "30 Sep 2025", Q], ["x", 3, 4],
             ["Grand Total", 4, 5]]  # fmt: skip
    rows = [row(4, date="30 Sep 2025"), row(5)]
    assert read(d11(book, rows, sheets={"Asy_D11": pivot})).totals == 2
    pivot[-1][-1] = 6
    with pytest.raises(InputError, match="sheet Asy_D11, row 5: its total at 2025-12-31 is 6"):
        read_release(d11(book, rows, sheets={"Asy_D11": pivot}))


# What cannot be used


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(5), row("many")], "sheet Data_Asy_D11, row 4, column People: 'many' is not a count or a known mark"),
        ([row(-5)], "row 3, column People: -5 is negative."),
        ([row(5, date="30 Dec 2025")], "row 3, column Date (as at…): 2025-12-30 is not a quarter end."),
        ([row(5, date="soon")], "row 3, column Date (as at…): 'soon' is not a date."),
        ([row(5, "Leedes", "E08000099")], "row 3, column LAD Code: Leedes (E08000099) is no council. Nearest: Leeds."),
        ([row(5, kind="Castle")], "row 3, column Accommodation Type: 'Castle' is not an accommodation type"),
        ([row(5, kind="Castle")] * 3, "(2 more rows like it.)"),
        ([], "sheet Data_Asy_D11 has a header and no rows of data."),
    ],
)
def test_a_wrong_row_is_named_in_one_line(book, rows, said):
    with pytest.raises(InputError) as caught:
        read_release(d11(book, rows))
    assert str(caught.value).startswith("release.xlsx: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"", "the file is empty"),
        ("a.xlsx", b"not a workbook", "not a readable workbook"),
        ("a.pdf", b"%PDF", "not an ODS, XLSX or CSV file"),
        ("a.csv", b"a,b\n1,2\n", "holds none of the tables"),
        ("a.csv", b"\xff\xfe\x00", "holds none of the tables"),
    ],
)
def test_a_file_that_is_no_release_is_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_release(tmp_path / name)


def test_a_missing_column_and_a_misspelt_table_are_named(book):
    d11(book, [cells[:4] + cells[5:] for cells in [row(5)]], header=[*D11[:3], "Place", *D11[5:]])
    with pytest.raises(InputError, match=r"nearest, sheet Data_Asy_D11, has no column for council or code\.$"):
        read_release(book, "d11")
    with pytest.raises(InputError, match=r"^--as: Asy_D12 is not a table that can be imported. Nearest: Asy_D0?1"):
        read_release(book, "Asy_D12")


def test_the_fixture_says_what_the_reference_says():
    rows = published.council_rows("2025-12-31")
    assert sum(cells[-1] for cells in rows) == 107_003
