"""Spreadsheets: what a hostile or odd cell becomes, and that the same table stands in both."""

import zipfile

import pytest
from python_calamine import CalamineWorkbook

from evidence.reporting.workbook import ODS, XLSX, Sheet, write

pytestmark = pytest.mark.unit
ROWS = [["=1+1", 3.0, 2026.0], ["@SUM(A1)", 1234567.25, 2027.0], ["https://example.org", "[c]", 2028.0]]


@pytest.fixture
def folder(tmp_path):
    sheet = Sheet("E-7F3A2C", "Costs rise.", ("By year.", "Unit: GBP."), ("Name", "Value", "Year"), ROWS)
    write(tmp_path, [sheet], "Title", ["Modelled estimates."], ["A note."])
    return tmp_path


@pytest.mark.parametrize("name", [XLSX, ODS])
def test_cells_arrive_as_text_and_numbers_and_nothing_runs(folder, name):
    book = CalamineWorkbook.from_path(str(folder / name))
    assert book.sheet_names == ["Cover", "Contents", "Notes", "E-7F3A2C"]
    rows = book.get_sheet_by_name("E-7F3A2C").to_python()
    assert rows[0][0] == "Costs rise." and rows[-3:] == ROWS and rows[-4] == ["Name", "Value", "Year"]
    assert any(str(row[0]).startswith("[c] confidential") for row in rows)
    with zipfile.ZipFile(folder / name) as archive:
        text = "".join(archive.read(part).decode() for part in archive.namelist() if part.endswith((".xml", ".rels")))
    assert "<f>" not in text and "table:formula" not in text and "TargetMode" not in text


def test_numbers_show_with_separators_and_years_without(folder):
    with zipfile.ZipFile(folder / XLSX) as archive:
        styles = archive.read("xl/styles.xml").decode()
    assert 'numFmtId="3"' in styles or "#,##0" in styles
