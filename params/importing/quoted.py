"""Tables of single published figures that no source file holds: deflators, comparator tariffs, costs of councils.

Each row names where it was published and where it was read. A figure read in a secondary copy says so.
"""

from __future__ import annotations

from params.importing.table import OGL, OGL_LINE, Column, Table, text_column

_CONFIDENCE = text_column("high: read in a primary source; medium: in a secondary one that quotes it; low: derived")
_QUOTED_LINE = f"{OGL_LINE} Contains Parliamentary information licensed under the Open Parliament Licence v3.0."

_OUTTURN = (
    ("2018-19", 78.7948), ("2019-20", 80.8738), ("2020-21", 85.1002), ("2021-22", 85.3036), ("2022-23", 91.2996),
    ("2023-24", 96.1117), ("2024-25", 100.0),
)  # fmt: skip
# Levels that follow from the published yearly changes, which the copy read holds to its own precision.
_FORECAST = (
    ("2025-26", 103.2388), ("2026-27", 105.3095), ("2027-28", 107.3546), ("2028-29", 109.3571), ("2029-30", 111.3959),
    ("2030-31", 113.6416),
)  # fmt: skip


def gdp_deflator() -> Table:
    """Build the GDP deflator by financial year, one vintage."""
    rows = [{"financial_year": y, "index": i, "status": "outturn"} for y, i in _OUTTURN]
    rows += [{"financial_year": y, "index": i, "status": "forecast"} for y, i in _FORECAST]
    return Table(
        name="gdp_deflator",
        title="GDP deflator at market prices",
        publisher="HM Treasury, from the Office for National Statistics and the Office for Budget Responsibility",
        source_table="GDP deflators at market prices, and money GDP, March 2026 (Quarterly National Accounts)",
        via="conradsmewing/home-office-spending-model @ 0f91e16a, data/raw/gdp_deflator.csv",
        vintage="March 2026: outturn to 2024-25 of 31 March 2026, forecast of 3 March 2026",
        files=(),
        attribution=f"Source: HM Treasury. {OGL_LINE}",
        notes=(
            "Read in a third-party copy of the March 2026 release; a June 2026 release exists and was not seen. "
            "Trace it to the release before quoting it.",
            "The OBR forecasts yearly changes; levels after 2024-25 follow from them.",
        ),
        columns={
            "financial_year": text_column("April to March"),
            "index": Column("number", "2024-25 = 100", "price level of the year"),
            "status": text_column("outturn or forecast"),
        },
        rows=rows,
    )


_AFGHAN = "Written answer 83673 (ACRS and ARAP, arrivals from 1 September 2021)"
_AFGHAN_URL = "https://www.parallelparliament.co.uk/question/83673/asylum-housing"
_UKRAINE = "Homes for Ukraine funding instructions and grant determinations"
_UASC = "Lords written answer HL5515, 14 February 2023"
_UASC_URL = "https://parallelparliament.co.uk/question/HL5515/asylum-care-leavers"
_LEAVING = "Home Office leaving care funding instruction 2023-24"
_LEAVING_URL = (
    "https://www.gov.uk/government/publications/unaccompanied-asylum-seeking-children-uasc-grant-instructions/"
    "leaving-care-funding-instructions-to-local-authorities-2023-to-2024-accessible"
)
_GRANT = "Asylum Grant 2025-26 funding instruction, 31 March 2025; rate via asylumstats"
_GRANT_URL = "https://www.gov.uk/government/publications/asylum-dispersal-grant-funding-instruction"
_TARIFFS = (
    # scheme, item, value, unit, first-year equivalent, price year, source, where, confidence, note
    ("Asylum dispersal", "General support", 1200, "GBP per person a year", 1200, "2025-26", _GRANT, _GRANT_URL, "high",
     "once a year for each person on one date; nothing after a grant of status"),
    ("Afghan schemes", "Integration", 20520, "GBP per person over 3 years", 6840, "2021-22", _AFGHAN, _AFGHAN_URL,
     "high", "a third of three years' support stands for the first year; the split by year was not read"),
    ("Afghan schemes", "Education", 4500, "GBP per child, once", None, "2021-22", _AFGHAN, _AFGHAN_URL, "high",
     "up to"),
    ("Afghan schemes", "English language", 850, "GBP per adult, once", None, "2021-22", _AFGHAN, _AFGHAN_URL, "high",
     "for adults who need it"),
    ("Afghan schemes", "Health", 2600, "GBP per person, once", None, "2021-22", _AFGHAN, _AFGHAN_URL, "high",
     "paid to health bodies, not to councils"),
    ("Homes for Ukraine", "General support, arrivals to December 2022", 10500, "GBP per person, once", 10500, "2022-23",
     _UKRAINE, "", "high", ""),
    ("Homes for Ukraine", "General support, arrivals from January 2023", 5900, "GBP per person, once", 5900, "2022-23",
     _UKRAINE, "", "high", ""),
    ("Homes for Ukraine", "Child in care", 64150, "GBP per child a year", 64150, "2022-23", _UKRAINE, "", "high", ""),
    ("Homes for Ukraine", "Care leaver", 16850, "GBP per person a year", 16850, "2022-23", _UKRAINE, "", "high", ""),
    ("Unaccompanied children", "Child, where at or above the transfer threshold", 143, "GBP per child a night", 52195,
     "2022-23", _UASC, _UASC_URL, "high", "threshold 0.07% of children when set; 365 nights"),
    ("Unaccompanied children", "Child, elsewhere", 114, "GBP per child a night", 41610, "2022-23", _UASC, _UASC_URL,
     "high", "365 nights"),
    ("Unaccompanied children", "Former child, care leaver", 270, "GBP per person a week", 14040, "2023-24", _LEAVING,
     _LEAVING_URL, "high", "52 weeks"),
    ("Unaccompanied children", "Transfer, lump sum", 15000, "GBP per child, once", None, "2022-23",
     "Home Office, National Transfer Scheme pilot, December 2022, used again in 2024", "", "high", ""),
)  # fmt: skip


def comparator_tariffs() -> Table:
    """Build the tariffs of other schemes, for comparison only."""
    names = (
        "scheme", "item", "value", "unit", "first_year", "price_base", "source", "source_url", "confidence", "note",
    )  # fmt: skip
    return Table(
        name="comparator_tariffs",
        title="What councils are paid for people under other schemes",
        publisher="Home Office, MHCLG",
        source_table="various: see the column source",
        via="web copies: see the column source_url",
        vintage="as of 2026-11-22; each row has its own year",
        files=(),
        licence=f"{OGL}; Open Parliament Licence v3.0",
        attribution=_QUOTED_LINE,
        notes=(
            "Schemes differ in whom they cover, what the tariff must pay for and for how long: a comparison of rates, "
            "not of generosity.",
            "Rates are cash of the year shown. Homes for Ukraine rates were read in an excerpt of the determinations.",
        ),
        columns={
            "scheme": text_column("whom the tariff is for"),
            "item": text_column("what it pays for"),
            "value": Column("number", "see the column unit", "the rate, cash"),
            "unit": text_column("unit of value"),
            "first_year": Column("number", "GBP per person", "the rate over the first year, where one can be given"),
            "price_base": text_column("financial year whose cash it is"),
            "source": text_column("where it was published"),
            "source_url": text_column("where it was read"),
            "confidence": _CONFIDENCE,
            "note": text_column("what to know before comparing"),
        },
        rows=[dict(zip(names, row, strict=True)) for row in _TARIFFS],
    )


_NRPF = "NRPF Network, local authority support for households with no recourse to public funds 2024-25"
_NRPF_URL = (
    "https://guidance.nrpfnetwork.org.uk/reader/local-authority-support-for-households-with-no-recourse-to-public-"
    "funds-2024-25/introduction/"
)
_TA = "MHCLG revenue outturn 2024-25, quoted by the Chartered Institute of Housing, 18 September 2025"
_TA_URL = (
    "https://www.cih.org/news/cih-responds-to-the-latest-local-authority-expenditure-statistics-on-homelessness-and-"
    "temporary-accommodation"
)
_GLASGOW = "Glasgow City Council, report of the executive director of finance, August 2025, quoted in the press"
_GLASGOW_URL = "https://www.europesays.com/uk/355105"
_GLASGOW_OUTTURN_URL = (
    "https://10196.read.newszop.com/english-news/publisher-reachdailyexpress_english/news/major-uk-city-in-110m-crisis-"
    "as-generous-migrant-plan-backfires-spectacularly/articleshow/1450482068186f92953b7492056d3bcf737afbf7"
)
_SCOTLAND_2023 = "Scottish Government, Homelessness in Scotland 2023-24"
_SCOTLAND_2023_URL = (
    "https://gov.scot/publications/homelessness-in-scotland-2023-24/pages/the-extent-of-homelessness-in-scotland"
)
_SCOTLAND_2024 = "Scottish Government, Homelessness in Scotland 2024-25, release notice of 16 September 2025"
_SCOTLAND_2024_URL = "https://www.wired-gov.net/wg/news.nsf/articles/homelessness+statistics+202425+16092025150500?open"
_DUTIES = "MHCLG, statutory homelessness in England 2023-24"
_NFF = "Department for Education, national funding formula 2022-23, EAL factor, written answer"
_LGA_TA = "Local Government Association, 27 February 2025"
_LGA_TA_URL = (
    "https://www.wired-gov.net/wg/news.nsf/articles/lga+spending+review+76+million+funding+gap+in+councils+temporary+"
    "accommodation+budgets+27022025162500?open"
)
_COSTS = (
    # service, measure, place, year, value, unit, scope, source, where, confidence
    ("school_places", "unit_cost", "England", "2022-23", 565, "GBP per child a year",
     "formula funding for a primary pupil with English as an additional language, for three years: what schools are "
     "paid, not what an in-year place costs a council", _NFF, "", "high"),
    ("school_places", "unit_cost", "England", "2022-23", 1530, "GBP per child a year",
     "the same for a secondary pupil", _NFF, "", "high"),
    ("esol", "unit_cost", "United Kingdom", "2021-22", 850, "GBP per person a year",
     "what the Afghan schemes pay for an adult who needs it, once", _AFGHAN, _AFGHAN_URL, "high"),
    ("homelessness", "unit_cost", "England", "2024-25", 22500, "GBP per household a year",
     "gross spend on temporary accommodation over about 125,000 households, all causes of homelessness, before housing "
     "benefit; derived", _TA, _TA_URL, "medium"),
    ("homelessness", "share_met_by_councils", "England", "2023-24", 0.461, "share",
     "about 1.06 of nearly 2.3 billion pounds of temporary accommodation met from councils' reserves or grant; derived",
     _LGA_TA, _LGA_TA_URL, "medium"),
    ("homelessness", "total", "England", "2024-25", 2_800_000_000, "GBP",
     "gross spend on temporary accommodation, all causes of homelessness", _TA, _TA_URL, "medium"),
    ("homelessness", "total", "England, leaving asylum accommodation", "2024-25", 224_000_000, "GBP",
     "8% of that spend: the share of relief duties of 2023-24 owed to households leaving asylum accommodation, as "
     "if they stayed as long and cost as much as others; derived", _TA, _TA_URL, "low"),
    ("homelessness", "total", "Glasgow City", "2024-25", 27_000_000, "GBP",
     "overspend on homelessness from people granted leave to remain, before 12.4 million pounds from reserves; outturn",
     _GLASGOW, _GLASGOW_OUTTURN_URL, "medium"),
    ("homelessness", "total", "Glasgow City", "2025-26", 43_000_000, "GBP",
     "overspend on homelessness from people granted leave to remain, projected; about 44% of applications come from "
     "people granted elsewhere in the United Kingdom", _GLASGOW, _GLASGOW_URL, "medium"),
    ("homelessness", "total", "Glasgow City", "2026-27", 66_000_000, "GBP",
     "overspend on homelessness from people granted leave to remain, projected on unchanged policy", _GLASGOW,
     _GLASGOW_URL, "medium"),
    ("homelessness", "households", "Glasgow City", "2023-24", 2709, "households a year",
     "applications by households in the country with refugee status or leave to remain, 1,384 the year before",
     _SCOTLAND_2023, _SCOTLAND_2023_URL, "high"),
    ("homelessness", "households", "England, leaving asylum accommodation", "2023-24", 14300, "households a year",
     "relief duties: 8% of 178,560, a rounded share; another 4,400 were owed a prevention duty; derived", _DUTIES, "",
     "low"),
    ("homelessness", "share_from_elsewhere", "Glasgow City", "2025-26", 0.44, "share",
     "applications by households granted leave elsewhere in the United Kingdom, projected; 33% in November 2023",
     _GLASGOW, _GLASGOW_OUTTURN_URL, "medium"),
    ("homelessness", "months_a_household", "Scotland", "2024-25", 6.1, "months",
     "17,240 households in temporary accommodation on 31 March 2025 over 34,067 assessed as homeless in the year, all "
     "causes; derived", _SCOTLAND_2024, _SCOTLAND_2024_URL, "low"),
    ("homelessness", "stay", "Scotland", "2024-25", 238, "days",
     "mean time in temporary accommodation of cases that closed, all causes; 305 days so far in cases still open",
     _SCOTLAND_2024, _SCOTLAND_2024_URL, "medium"),
    ("homelessness", "months_a_household", "England", "2023-24", 7.9, "months",
     "117,450 households in temporary accommodation in March 2024 over 178,560 owed a relief duty in the year, all "
     "causes; derived", _DUTIES, "", "low"),
    ("homelessness", "hotel_unit_cost", "Glasgow City", "2024-25", 32000, "GBP per household a year",
     "45.2 million pounds on hotels and bed and breakfast over about 1,400 households placed there in 2023-24, all "
     "causes; derived", "Glasgow City Council, freedom of information answer quoted in the press, 2025",
     "https://www.europesays.com/?p=2348823", "low"),
    ("social_care", "unit_cost", "Great Britain", "2024-25", 16400, "GBP per household a year",
     "support of a household with no recourse to public funds, asylum or not; not adjusted for how long it lasted; "
     "derived", _NRPF, _NRPF_URL, "medium"),
    ("social_care", "total", "Great Britain", "2024-25", 94_000_000, "GBP",
     "91 councils that record on NRPF Connect, 5,724 households with no recourse to public funds for any reason", _NRPF,
     _NRPF_URL, "medium"),
    ("social_care", "total", "Great Britain, with an asylum claim", "2024-25", 13_200_000, "GBP",
     "the same times 8 of 57 million pounds, the part of 2020-21 when an asylum claim was recorded for 15% of families "
     "(26.8 million) and 31% of adults with care needs (12.9 million); care leavers (17.2 million) left out; derived",
     "NRPF Network, NRPF Connect data 2020-21 and 2024-25", "https://nrpfnetwork.org.uk/nrpf-connect/nrpf-connect-data",
     "low"),
)  # fmt: skip


def council_costs() -> Table:
    """Build what is published about councils' costs: unit costs and totals, each with its scope."""
    names = (
        "service", "measure", "place", "financial_year", "value", "unit", "scope", "source", "source_url", "confidence",
    )  # fmt: skip
    return Table(
        name="council_costs",
        title="What is published about councils' costs of dispersal, by service line",
        publisher=(
            "MHCLG, Scottish Government, NRPF Network, Local Government Association, Glasgow City Council, Department "
            "for Education"
        ),
        source_table="various: see the column source",
        via="web copies: see the column source_url",
        vintage="as of 2026-11-22; each row has its own year",
        files=(),
        licence=f"{OGL} where official; otherwise single figures quoted with attribution",
        attribution=_QUOTED_LINE,
        notes=(
            "No row has the scope of the model's service line: read the column scope before comparing.",
            "Nothing was found for public health, community, legal advice and coordination.",
        ),
        columns={
            "service": text_column("the model's service line"),
            "measure": text_column(
                "unit_cost, hotel_unit_cost, total, share_met_by_councils, households, share_from_elsewhere, "
                "months_a_household or stay"
            ),
            "place": text_column("where"),
            "financial_year": text_column("April to March; the price base is its cash"),
            "value": Column("number", "see the column unit", "the figure"),
            "unit": text_column("unit of value"),
            "scope": text_column("what it covers, and what makes it differ from the model's line"),
            "source": text_column("where it was published"),
            "source_url": text_column("where it was read"),
            "confidence": _CONFIDENCE,
        },
        rows=[dict(zip(names, row, strict=True)) for row in _COSTS],
    )
