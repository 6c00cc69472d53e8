"""Read an official release into tidy rows, put right what is known to be wrong, and hold it against its own totals."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from params.errors import InputError
from params.releases.cells import Count, plain, read_count, read_day, read_quarter
from params.releases.geography import Findings, Gazetteer, fold, fold_region
from params.releases.layouts import WORDS, Layout, named
from params.releases.recognise import Place, find_tables, nearest_table, published_on
from params.releases.tribunal import read_tribunal
from params.releases.workbook import Workbook, read_workbook

_TOTAL = re.compile(
    r"(?:(?:grand|sub|uk|overall|national|all)[- ]?)*totals?\b.*|.*\btotals?|all(?: [a-z]+){0,3}|united kingdom|uk",
    re.IGNORECASE,
)
REG_02_PARTS = ("initial", "dispersal", "contingency", "other", "subsistence")
Key = tuple[str, ...]


@dataclass
class Release:
    """One official table as one file published it.

    Attributes:
        layout: which table.
        file, sha256: the file's name and checksum.
        sheet, header_row: where it was found; rows counted from 1 as a spreadsheet does.
        published: ISO day of publication, if the file states it.
        rows: `people` (or None) and `status` by the values of `layout.dimensions`.
        findings: what was put right about councils and regions.
        marks: cells without a number, by reason.
        totals: how many totals of the file were checked.
    """

    layout: Layout
    file: str
    sha256: str
    sheet: str
    header_row: int
    published: str | None
    rows: dict[Key, Count] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    marks: Counter[str] = field(default_factory=Counter)
    totals: int = 0
    read: int = 0

    @property
    def quarters(self) -> list[str]:
        """Quarter ends, in order."""
        return sorted({key[0] for key in self.rows})

    def add(self, key: Key, count: Count) -> None:
        """Add a row; rows with one key (councils that merged) add up, and a cell without a number stays without."""
        self.read += 1
        if count.value is None:
            self.marks[count.status] += 1
        old = self.rows.get(key)
        if old is None:
            self.rows[key] = count
        elif old.value is None or count.value is None:
            self.rows[key] = old if old.value is None else count
        else:
            worse = old.status if count.status == "published" else count.status
            self.rows[key] = Count(old.value + count.value, worse)


def read_release(path: Path, as_: str | None = None) -> list[Release]:
    """Read every official table that a file holds.

    Args:
        path: an ODS, XLSX or CSV file as published.
        as_: name of the one table to read, if not every one that is recognised.

    Raises:
        InputError: one line that names the file and, where there is one, the sheet, row and column.
    """
    layout = None
    if as_ is not None and (layout := named(as_)) is None:
        raise InputError(f"--as: {as_} is not a table that can be imported. {nearest_table(as_)}")
    book = read_workbook(path)
    published = published_on(book)
    releases = []
    for places in find_tables(book, layout):
        first = places[0]
        release = Release(first.layout, book.file, book.sha256, first.sheet.name, first.header + 1, published)
        if first.layout.table == "tribunal":
            read_tribunal(release.add, places, book.file)
            release.sheet = ", ".join(place.sheet.name for place in places)
        elif first.layout.table == "Reg_02":
            _read_reg_02(release, first, book)
        else:
            _read_tidy(release, first, book)
        if not release.rows:
            raise InputError(f"{book.file}: sheet {first.sheet.name} has a header and no rows of data.")
        releases.append(release)
    return releases


class Problems:
    """What is wrong with the rows of one sheet: the first is told, the others are counted."""

    def __init__(self, place: Place, file: str) -> None:
        self.place, self.file = place, file
        self.first: str | None = None
        self.count = 0

    def add(self, row: int, column: str, what: str) -> None:
        """Note a problem of one cell."""
        self.count += 1
        if self.first is None:
            self.first = f"{self.file}: sheet {self.place.sheet.name}, row {row}, column {column}: {what}"

    def settle(self) -> None:
        """Raise an InputError when anything was noted."""
        if self.first:
            more = f" ({self.count - 1} more rows like it.)" if self.count > 1 else ""
            raise InputError(self.first.rstrip(".") + "." + more)


def _read_tidy(release: Release, place: Place, book: Workbook) -> None:
    gazetteer = Gazetteer()
    problems = Problems(place, book.file)
    columns = place.columns
    kept: list[tuple[str, dict[str, str], Count]] = []
    totals: list[tuple[int, str | None, dict[str, str], int]] = []
    above: dict[str, Any] = {}
    for number, row in enumerate(place.sheet.rows[place.header + 1 :], start=place.header + 2):
        cells = {name: row[index] if index < len(row) else "" for name, index in columns.items()}
        if not _is_data(row, cells):
            continue
        words = {name: plain(cell) for name, cell in cells.items() if name not in ("people", "date", "year")}
        total = any(_TOTAL.fullmatch(text) for text in [*words.values(), plain(cells["date"])] if text)
        if not total:
            _fill_down(cells, words, above)
        try:
            count = read_count(cells["people"])
        except ValueError as error:
            problems.add(number, place.heading("people"), str(error))
            continue
        try:
            quarter = read_quarter(_period(cells))
        except ValueError as error:
            problems.add(number, place.heading("date"), str(error))
            continue
        if total or _is_subtotal(words, gazetteer):
            if count.value is not None:
                totals.append((number, quarter, words, count.value))
        elif quarter is None:
            if count.value is not None:
                problems.add(number, place.heading("date"), f"{plain(cells['date'])!r} is not a date")
        else:
            kept.append((quarter, words, count))
            try:
                _add(release, quarter, words, count, gazetteer)
            except ValueError as error:
                problems.add(number, _column_of(place, words), str(error))
    problems.settle()
    _check_totals(release, place, kept, totals, gazetteer)
    _check_pivots(release, place, book, kept)


def _is_data(row: list[Any], cells: dict[str, Any]) -> bool:
    """Whether a row is more than a blank line, a note or `End of table`."""
    filled = [cell for cell in row if cell not in ("", None)]
    return len(filled) > 1 and (cells["people"] not in ("", None) or len(filled) > 2)


def _fill_down(cells: dict[str, Any], words: dict[str, str], above: dict[str, Any]) -> None:
    """Take from the row above what a merged cell left empty, and remember this row for the next."""
    if cells["date"] in ("", None) and "date" in above:
        cells["date"] = above["date"]
        for name in ("region", "support", "council", "code"):
            if name in words and not words[name] and (name not in ("council", "code") or _no_council(words)):
                words[name] = above.get(name, "")
    above |= {"date": cells["date"], **words}


def _no_council(words: dict[str, str]) -> bool:
    return not words.get("council") and not words.get("code")


def _period(cells: dict[str, Any]) -> Any:
    """The period of a row: its date, or its year and a bare quarter such as `Q4`."""
    quarter = plain(cells["date"])
    if re.fullmatch(r"(?:Q|Quarter )[1-4]", quarter, re.IGNORECASE) and cells.get("year") not in ("", None):
        year = cells["year"]
        return f"{int(year) if isinstance(year, float) else plain(year)} Q{quarter[-1]}"
    return cells["date"]


def _is_subtotal(words: dict[str, str], gazetteer: Gazetteer) -> bool:
    """Whether the council column of a row holds a region: a subtotal by region."""
    name = words.get("council", "")
    return bool(name) and fold_region(name) in gazetteer.regions and fold(name) not in gazetteer.names


def _add(release: Release, quarter: str, words: dict[str, str], count: Count, gazetteer: Gazetteer) -> None:
    """Add one row to the tidy table.

    Raises:
        ValueError: a word or council that is not known.
    """
    if words.get("case", "").lower().startswith("resettle"):
        return
    values = {name: WORDS[name](words.get(name, "")) for name in release.layout.dimensions if name in WORDS}
    values["quarter_end"] = quarter
    if "lad_code" in release.layout.dimensions:
        code, wrong = gazetteer.resolve(words.get("code", ""), words.get("council", ""), quarter, release.findings)
        values |= {"lad_code": code, "code_corrected": str(int(wrong))}
        gazetteer.note_region(words.get("region", ""), code, release.findings)
    if "region" in release.layout.dimensions:
        folded = fold_region(words.get("region", ""))
        values["region"] = gazetteer.regions.get(folded, "not_allocated")
        if folded in gazetteer.regions:
            release.findings.regions.setdefault(values["region"], set()).add(words["region"])
    release.add(tuple(values[name] for name in release.layout.dimensions), count)


def _column_of(place: Place, words: dict[str, str]) -> str:
    """The column to name for a row whose words could not be used."""
    for name in ("support", "accommodation", "outcome"):
        if name in place.columns:
            try:
                WORDS[name](words[name])
            except ValueError:
                return place.heading(name)
    return place.heading("code" if "code" in place.columns else "council")


# ----------------------------------------------------------------------------------------
# Totals that the file itself has


def _check_totals(
    release: Release,
    place: Place,
    kept: list[tuple[str, dict[str, str], Count]],
    totals: list[tuple[int, str | None, dict[str, str], int]],
    gazetteer: Gazetteer,
) -> None:
    """Hold the rows against the total rows of their own sheet; each total covers the words it names."""
    for number, quarter, words, value in totals:
        wanted = {name: text for name, text in words.items() if text and not _TOTAL.fullmatch(text)}
        council = wanted.pop("council", "")
        code = wanted.pop("code", "")
        if council and fold_region(council) in gazetteer.regions:
            wanted["region"] = council
        elif council or (code and gazetteer.code_of(code)):
            wanted["council" if council else "code"] = council or code
        if "region" in wanted and fold_region(wanted["region"]) not in gazetteer.regions:
            continue  # a nation or a group of regions: no column says which rows it covers
        inside = [
            count
            for when, row, count in kept
            if (quarter is None or when == quarter) and all(_same(name, row, text) for name, text in wanted.items())
        ]
        found = sum(count.value or 0 for count in inside)
        withheld = any(count.value is None for count in inside)
        if found != value and not (withheld and found < value):
            of = f"at {quarter}" if quarter else "in all"
            raise InputError(
                f"{release.file}: sheet {place.sheet.name}, row {number}: the rows {of} add up to {found:,}, and the "
                f"file's own total is {value:,}."
            )
        release.totals += 1


def _same(name: str, row: dict[str, str], text: str) -> bool:
    here = row.get(name, "")
    return (fold_region(here) == fold_region(text)) if name == "region" else here.lower() == text.lower()


def _check_pivots(
    release: Release, place: Place, book: Workbook, kept: list[tuple[str, dict[str, str], Count]]
) -> None:
    """Hold the rows against the grand totals of the file's pivot sheet, where it shows all of them by quarter end."""
    sums: Counter[str] = Counter()
    for quarter, _, count in kept:
        sums[quarter] += count.value or 0
    for sheet in book.sheets:
        if sheet is place.sheet or release.layout.table.lower() not in sheet.name.lower():
            continue
        filters = [plain(row[1]) for row in sheet.rows[:20] if len(row) > 1 and "type" in plain(row[0]).lower()]
        if any(chosen not in ("(All)", "") for chosen in filters):
            continue  # its totals are of a part
        days: dict[int, str] = {}
        for number, row in enumerate(sheet.rows, start=1):
            named = {i: day.isoformat() for i, cell in enumerate(row[1:], 1) if (day := read_day(cell))}
            days = named if len(named) > 1 else days
            if not days or not row or plain(row[0]).lower() not in ("grand total", "total", "united kingdom"):
                continue
            for index, quarter in days.items():
                cell = row[index] if index < len(row) else ""
                if not isinstance(cell, int | float) or quarter not in sums:
                    continue
                if int(cell) != sums[quarter]:
                    raise InputError(
                        f"{release.file}: sheet {sheet.name}, row {number}: its total at {quarter} is {int(cell):,}, "
                        f"and the rows of {place.sheet.name} add up to {sums[quarter]:,}."
                    )
                release.totals += 1


# ----------------------------------------------------------------------------------------
# Reg_02: a snapshot, one row a council


def _read_reg_02(release: Release, place: Place, book: Workbook) -> None:
    gazetteer = Gazetteer()
    problems = Problems(place, book.file)
    quarter = _as_at(place, book)
    parts = [name for name in REG_02_PARTS if name in place.columns]
    sums: Counter[str] = Counter()
    totals: list[tuple[int, str, int]] = []
    for number, row in enumerate(place.sheet.rows[place.header + 1 :], start=place.header + 2):
        cells = {name: row[index] if index < len(row) else "" for name, index in place.columns.items()}
        if sum(cell not in ("", None) for cell in row) < 3:
            continue
        council, code = plain(cells.get("council", "")), plain(cells.get("code", ""))
        counts: dict[str, Count] = {}
        for name in ("total", *parts):
            try:
                counts[name] = read_count(cells[name])
            except ValueError as error:
                problems.add(number, place.heading(name), str(error))
        if len(counts) <= len(parts):
            continue
        if _TOTAL.fullmatch(council) or council.lower() in ("england", "great britain"):
            if counts["total"].value is not None and not council.lower().startswith(("england", "great")):
                totals.append((number, council, counts["total"].value))
            continue
        if not gazetteer.code_of(code) and fold_region(council) in gazetteer.regions:
            continue
        known = [counts[name].value for name in parts]
        stated = counts["total"].value
        if stated is not None and None not in known and sum(v or 0 for v in known) != stated:
            problems.add(
                number, place.heading("total"), f"the parts add up to {sum(v or 0 for v in known):,}, not to {stated:,}"
            )
            continue
        try:
            resolved, _ = gazetteer.resolve(code, council, quarter, release.findings)
        except ValueError as error:
            problems.add(number, place.heading("code" if "code" in place.columns else "council"), str(error))
            continue
        gazetteer.note_region(plain(cells.get("region", "")), resolved, release.findings)
        sums["total"] += stated or 0
        for name, count in counts.items():
            release.add((quarter, resolved, name), count)
    problems.settle()
    for number, council, value in totals:
        if value != sums["total"] and value != 0:
            raise InputError(
                f"{book.file}: sheet {place.sheet.name}, row {number} ({council}): the total is {value:,}, and the "
                f"councils add up to {sums['total']:,}."
            )
        release.totals += 1


def _as_at(place: Place, book: Workbook) -> str:
    """The quarter end of a snapshot, from its title or the cover's `year ending`."""
    texts = [plain(cell) for row in place.sheet.rows[: place.header + 1] for cell in row]
    texts += [plain(cell) for sheet in book.sheets for row in sheet.rows[:30] for cell in row[:3]]
    for pattern in (r"as (?:at|of) (.*)", r"(?:year|quarter) ending (.*)"):
        for text in texts:
            if stated := re.search(pattern, text, re.IGNORECASE):
                try:
                    found = read_quarter(re.sub(r"[).,;].*$", "", stated[1]))
                except ValueError:
                    continue
                if found:
                    return found
    raise InputError(f"{book.file}: sheet {place.sheet.name}: its title does not say as at which quarter end it is.")
