"""The official tables that can be imported: by which columns each is known, and what its words mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from params.releases.cells import plain

HOME_OFFICE = "Home Office"
STATISTICS = "Immigration System Statistics"
OGL = "Open Government Licence v3.0"

_DATE = (r"date", r"date as at.*", r"as at.*", r"quarter end.*", r"date.*", r"period.*", r"quarter", r"snapshot.*")
_QUARTER = (r"quarter", r"year quarter", r"calendar quarter", *_DATE)
_COUNCIL = (r"local authority", r"local authority name", r"la name", r"lad name", r"council", r"council name",
            r"lad\d* ?nm", r"la", r"ltla.*name", r"local authority district.*")  # fmt: skip
_CODE = (r"lad code", r"lad\d* ?cd", r"ltla.*code.*", r"la code", r"local authority code", r"ons code", r"gss code",
         r"area code", r"lad", r"ltla.*", r"code")  # fmt: skip
_UK_REGION = (r"uk region.*", r"uk nation.*", r"region nation", r"region or nation", r"region.*", r"nation")
_SUPPORT = (r"support type", r"type of support", r"support", r"section", r"support sub type")
_ACCOMMODATION = (r"accommodation type", r"type of accommodation", r"accommodation")
_PEOPLE = (r"people", r"number of people", r"people supported", r"supported people", r"persons", r"number of persons",
           r"no of people", r"asylum seekers.*", r"individuals", r"count", r"number", r"total", r"value")  # fmt: skip
_APPLICANT = (r"applicant type", r"type of applicant", r"applicant")
_NATIONALITY = (r"nationality", r"nationality group")
_UASC = (r"uasc", r"uasc status", r"unaccompanied.*")


@dataclass(frozen=True)
class Layout:
    """One official table.

    Attributes:
        table: its official name.
        title: what it counts.
        publisher, series: who publishes it, and in what.
        fields: patterns of the folded heading of each column that is read, best first.
        needed: fields that the header must have; alternatives joined by `|`.
        barred: fields whose presence says that it is another table.
        dimensions: columns of the tidy table, besides `people` and `status`.
    """

    table: str
    title: str
    fields: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]
    dimensions: tuple[str, ...]
    barred: tuple[str, ...] = ()
    publisher: str = HOME_OFFICE
    series: str = STATISTICS

    def missing(self, found: Mapping[str, int]) -> list[str]:
        """Fields that are needed and not among `found`."""
        return [need for need in self.needed if not any(name in found for name in need.split("|"))]

    @property
    def attribution(self) -> str:
        """The line that its licence asks for."""
        return (
            f"Source: {self.publisher}, {self.series}, {self.table}. Contains public sector information licensed "
            f"under the {OGL}."
        )


LAYOUTS = (
    Layout(
        "Reg_02",
        "People supported by council and accommodation, one quarter end",
        {
            "council": _COUNCIL,
            "code": _CODE,
            "region": _UK_REGION,
            "total": (r"supported asylum(?: total)?(?: population)?", r"asylum.*total.*"),
            "initial": (r".*initial accommodation.*",),
            "dispersal": (r".*dispersal accommodation.*",),
            "contingency": (r".*contingency accommodation.*",),
            "other": (r".*supported asylum other accommodation.*", r".*other accommodation.*"),
            "subsistence": (r".*subsistence only.*",),
        },
        ("council|code", "total", "dispersal"),
        ("quarter_end", "lad_code", "accommodation"),
        barred=("date",),
        series="Regional and local authority data on immigration groups",
    ),
    Layout(
        "tribunal",
        "Asylum and protection appeals: receipts, disposals and open caseload",
        {
            "year": (r"financial year", r"year"),
            "quarter": (r"quarter.*", r"period.*", r"date.*"),
            "outcome": (r"outcome", r"outcomes", r"disposal.*type", r"type of outcome"),
            "asylum": (r"asylum protection.*", r"asylum", r"asylum and protection.*", r"asylum.*"),
            "receipts": (r"receipts.*",),
            "disposals": (r"disposals.*", r"total disposals"),
            "open_cases": (r"open case.*", r"open appeals", r"outstanding.*", r"caseload outstanding.*"),
        },
        ("year|quarter", "asylum|receipts"),
        ("quarter_end", "measure"),
        barred=("claims",),
        publisher="Ministry of Justice",
        series="Tribunal Statistics Quarterly, First-tier Tribunal (Immigration and Asylum Chamber)",
    ),
    Layout(
        "Asy_D11",
        "People supported by council, support and accommodation",
        {
            "date": _DATE, "council": _COUNCIL, "code": _CODE, "region": _UK_REGION, "support": _SUPPORT,
            "accommodation": _ACCOMMODATION, "people": _PEOPLE,
        },
        ("date", "council|code", "people", "support|accommodation"),
        ("quarter_end", "lad_code", "support", "accommodation", "code_corrected"),
    ),
    Layout(
        "Asy_D09",
        "People supported by region, support and accommodation",
        {
            "date": _DATE, "region": _UK_REGION, "nationality": _NATIONALITY, "support": _SUPPORT,
            "accommodation": _ACCOMMODATION, "people": _PEOPLE,
        },
        ("date", "people", "support|accommodation"),
        ("quarter_end", "region", "support", "accommodation"),
        barred=("council", "code", "stage", "duration"),
    ),
    Layout(
        "Asy_D03",
        "People awaiting an initial decision",
        {
            "date": _DATE, "nationality": _NATIONALITY, "applicant": _APPLICANT,
            "stage": (r"application stage", r"claim stage", r"stage.*", r"case stage", r"status"),
            "duration": (r"duration.*", r"length of time.*", r"time.*wait.*", r"waiting time.*", r"time band"),
            "people": (r"claims", r"applications", r"asylum claims", r"asylum applications", r"cases", *_PEOPLE),
        },
        ("date", "people", "stage|duration"),
        ("quarter_end", "stage", "duration", "applicant"),
    ),
    Layout(
        "Asy_D02",
        "Outcomes of asylum claims at initial decision",
        {
            "date": _QUARTER, "year": (r"year",), "nationality": _NATIONALITY, "applicant": _APPLICANT,
            "case": (r"case type", r"type of case"),
            "outcome": (r"case outcome group", r"outcome group", r"decision group", r"outcome type",
                        r"case outcome", r"outcome", r"decision"),
            "people": (r"decisions", r"initial decisions", r"number of decisions", r"outcomes", *_PEOPLE),
        },
        ("date", "outcome", "people"),
        ("quarter_end", "outcome", "applicant"),
    ),
    Layout(
        "Asy_D01",
        "People who claimed asylum",
        {
            "date": _QUARTER, "year": (r"year",), "nationality": _NATIONALITY, "applicant": _APPLICANT, "uasc": _UASC,
            "people": (r"claims", r"applications", r"asylum claims", r"asylum applications", r"claims raised",
                       r"people claiming.*", r"number of claims"),
        },
        ("date", "people"),
        ("quarter_end", "applicant", "uasc"),
        barred=("outcome", "stage", "duration"),
    ),
)  # fmt: skip
TABLES = {layout.table: layout for layout in LAYOUTS}
# Fields that tell tables apart even where the table itself does not read them.
_SIGNS: dict[str, tuple[str, ...]] = {
    "date": _DATE,
    "council": _COUNCIL,
    "code": _CODE,
    "outcome": (r"case outcome.*", r"outcome.*"),
    "stage": (r"application stage", r"claim stage"),
    "duration": (r"duration.*",),
    "claims": (r".*claims.*", r".*applications.*", r"nationality.*", r"accommodation.*"),
}


def named(given: str) -> Layout | None:
    """The table a user names, as `Asy_D11`, `asy-d11`, `D11` or `tribunal`."""
    wanted = re.sub(r"[^a-z0-9]", "", given.lower())
    for name, layout in TABLES.items():
        official = re.sub(r"[^a-z0-9]", "", name.lower())
        if wanted in (official, official.removeprefix("asy"), official.removeprefix("reg")) or (
            official == "tribunal" and wanted.startswith(("tribunal", "fia", "appeal"))
        ):
            return layout
    return None


def fold_heading(cell: Any) -> str:
    """A column heading in small letters without notes, punctuation and trailing footnote numbers."""
    text = re.sub(r"[\[(](?:note|notes|footnote)[^\])]*[\])]", " ", plain(cell).lower())
    text = re.sub(r"[^a-z0-9]+", " ", text).strip()
    return re.sub(r"(?<=[a-z])(?:\s*\d+)+$", "", text).strip() or text


def columns_of(layout: Layout, headings: list[str]) -> dict[str, int]:
    """Which column holds each field of a table, from folded headings; a column serves one field only."""
    found: dict[str, int] = {}
    for field, patterns in layout.fields.items():
        for pattern in patterns:
            match = _first(headings, pattern, found.values())
            if match is not None:
                found[field] = match
                break
    return found


def barred(layout: Layout, headings: list[str]) -> bool:
    """Whether a heading says that this is another table."""
    return any(_first(headings, pattern, ()) is not None for sign in layout.barred for pattern in _SIGNS[sign])


def _first(headings: list[str], pattern: str, taken: Any) -> int | None:
    places = (i for i, heading in enumerate(headings) if heading and i not in taken and re.fullmatch(pattern, heading))
    return next(places, None)


# ----------------------------------------------------------------------------------------
# What the words in the cells mean


def accommodation(text: str) -> str:
    """The project's name of an accommodation type.

    Raises:
        ValueError: not one of the published types.
    """
    words = text.lower()
    if not words or words.startswith("n/a") or words in ("unknown", "not known", "not stated"):
        return "not_stated"
    for sign, name in (
        ("subsistence", "subsistence"),
        ("hotel", "contingency_hotel"),
        ("dispers", "dispersal"),
        ("initial", "initial"),
    ):
        if sign in words:
            return name
    if "contingency" in words:
        return "contingency_other" if "other" in words or "site" in words else "contingency"
    if "other" in words:
        return "other"
    raise ValueError(f"{text!r} is not an accommodation type; known: dispersal, initial, contingency (hotel, other), "
                     "other, subsistence only")  # fmt: skip


def support(text: str) -> str:
    """The section of the Act under which support is given.

    Raises:
        ValueError: not section 4, 95 or 98.
    """
    if not text or text.lower().startswith("n/a") or text.lower() == "unknown":
        return "not_stated"
    found = re.search(r"\b(?:section|s)?\s*\.?(4|95|98)\b", text, re.IGNORECASE)
    if not found:
        raise ValueError(f"{text!r} is not a support type; known: Section 4, Section 95, Section 98")
    return f"section_{found[1]}"


def outcome(text: str) -> str:
    """The group of an outcome at initial decision.

    Raises:
        ValueError: not a published group.
    """
    words = text.lower()
    for sign, name in (
        ("withdraw", "withdrawals"),
        ("grant", "grants"),
        ("refus", "refusals"),
        ("admin", "administrative"),
        ("void", "administrative"),
        ("leave", "grants"),
        ("permission", "grants"),
        ("protection", "grants"),
    ):
        if sign in words:
            return name
    raise ValueError(f"{text!r} is not an outcome; known: grant, refused, withdrawn, administrative outcome")


def duration(text: str) -> str:
    """The band of time waited: up to six months, more, or not given."""
    words = text.lower()
    if re.search(r"more than|over|greater|>|longer", words):
        return "gt_6_months"
    if re.search(r"\b6 months or less|up to 6|less than|under|<|within|or less|or fewer", words):
        return "le_6_months"
    return "all"


def stage(text: str) -> str:
    """The stage at which a claim is pending."""
    return "pending_further_review" if "further" in text.lower() else "pending_initial_decision"


def applicant(text: str) -> str:
    """Main applicant, dependant, or everyone."""
    words = text.lower()
    return "main_applicant" if "main" in words else "dependant" if "depend" in words else "all"


def uasc(text: str) -> str:
    """Whether the row counts unaccompanied children: yes, no, or not given."""
    words = text.lower()
    if not words:
        return "not_given"
    return "no" if words.startswith("no") else "yes"


WORDS: dict[str, Callable[[str], str]] = {
    "accommodation": accommodation,
    "support": support,
    "outcome": outcome,
    "duration": duration,
    "stage": stage,
    "applicant": applicant,
    "uasc": uasc,
}
