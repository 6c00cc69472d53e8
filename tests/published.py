"""Workbooks laid out as the official releases are, with their quirks, for tests that import them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import params
from params.tables import shipped

D11 = ["Date (as at…)", "Support Type", "UK Region / Nation", "Local Authority", "LAD Code", "Accommodation Type",
       "People"]  # fmt: skip
WORDS = {
    "dispersal": "Dispersal Accommodation",
    "initial": "Initial Accommodation",
    "contingency_hotel": "Contingency Accommodation - Hotel",
    "contingency_other": "Contingency Accommodation - Other",
    "other": "Other Accommodation",
    "subsistence": "Subsistence only",
}


def day(quarter: str) -> str:
    return dt.date.fromisoformat(quarter).strftime("%d %b %Y")


def council_rows(quarter: str, source: str = "2025-12-31", add: dict[str, int] | None = None) -> list[list[Any]]:
    """One row for each council and accommodation of a published quarter, told as if of `quarter`.

    Args:
        add: people to add to the dispersal accommodation of a council, by code.
    """
    councils = params.reference("councils").set_index("lad_code")
    stock = shipped("support_by_council").fillna(0)
    rows = []
    for row in stock[stock["quarter_end"] == source].itertuples():
        for kind, words in WORDS.items():
            people = int(getattr(row, kind)) + ((add or {}).get(row.lad_code, 0) if kind == "dispersal" else 0)
            if people:
                place = councils.loc[row.lad_code]
                rows.append([day(quarter), "Section 95", place["region"], place["name"], row.lad_code, words, people])
    return rows


def cover(title: str, published: str = "21 May 2026") -> list[list[Any]]:
    return [["Immigration System Statistics"], ["year ending March 2026"], [title], ["Home Office"],
            [f"Published: {published}"], ["Next update: 20 August 2026"]]  # fmt: skip


def write(path: Path, sheets: dict[str, list[list[Any]]], merge: dict[str, list[tuple]] | None = None) -> Path:
    """Write sheets as ODS or XLSX, by the path's suffix; `merge` names blocks of cells to merge (XLSX only)."""
    if path.suffix == ".ods":
        import odswriter

        with path.open("wb") as file, odswriter.writer(file) as book:
            for name, rows in sheets.items():
                sheet = book.new_sheet(name)
                for row in rows:
                    sheet.writerow(row)
        return path
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd mmm yyyy"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        for top, left, bottom, right in (merge or {}).get(name, []):
            sheet.merge_range(top, left, bottom, right, rows[top][left])
    book.close()
    return path


def d11(path: Path, rows: list[list[Any]], header: list[str] | None = None, **extra: Any) -> Path:
    """An Asy_D11 workbook: cover, notes and contents, then the data under its title."""
    return write(
        path,
        {
            "Cover_sheet": cover("Asylum seekers in receipt of support by local authority detailed datasets"),
            "Contents": [["Sheet", "Title", "Period covered"], ["Data_Asy_D11", "dataset", "2014 to 2026 Q1"]],
            "Notes": [["Note", "Text"], ["1", "Data are provisional."]],
            "Data_Asy_D11": [["Asy_D11: Asylum seekers in receipt of support, by local authority - dataset"],
                             header or D11, *rows, ["End of table"]],
        } | extra.pop("sheets", {}),
        **extra,
    )  # fmt: skip
