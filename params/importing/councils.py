"""The table of councils: population, nation, region, contract area, deprivation, rurality and rents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from params.errors import InputError, unknown
from params.importing.sources import Row, Sources, expect, known_councils
from params.importing.table import ASYLUMSTATS, OGL, OGL_LINE, Column, Table, people_column, text_column

# Published figures: an import that does not add up to them read the wrong file or lost rows.
PUBLISHED_COUNCILS = 361
PUBLISHED_POPULATION = 69_281_437

# The index of each nation by which its own councils are ranked, and whether a higher value means more
# deprived (it does in all four).
DEPRIVATION_INDEX = {
    "England": "imd2025_avg_score",
    "Wales": "wimd2019_avg_score",
    "Scotland": "simd2020_extent",
    "Northern Ireland": "nimdm2017_extent",
}
RENTS = {
    # nation: (measure, period start, basis)
    "England": ("median_monthly_rent_gbp", "2021-04-01", "voa_median_2021_22"),
    "Scotland": ("lha_monthly_equivalent_gbp", "2024-04-01", "lha_2024_25"),
    "Wales": ("lha_monthly_equivalent_gbp", "2024-04-01", "lha_2024_25"),
}


def councils(sources: Sources) -> Table:
    """Build one row for each of the 361 lower-tier and unitary councils."""
    file = "councils.csv"
    wanted = {
        "lad_code": "text",
        "lad_name": "text",
        "region": "text",
        "country": "text",
        "population_mid2024": "count",
        "lad_code_2023": "text",
        "utla_code": "text",
        "utla_name": "text",
        "council_type": "text",
        "is_two_tier": "count",
        "households_census2021": "count?",
        "ruc21_code": "text",
        "ruc21_class": "text",
        "hex_q": "integer",
        "hex_r": "integer",
        "aasc_region": "text",
        "aasc_provider": "text",
        "area_km2": "number",
    } | {index: "number?" for index in DEPRIVATION_INDEX.values()}
    rows = sources.rows(file, wanted, key=["lad_code"])
    codes = {row["lad_code"] for row in rows}
    expect(file, "lad_code", "the number of councils", len(rows), PUBLISHED_COUNCILS)
    population = sum(row["population_mid2024"] for row in rows)
    expect(file, "population_mid2024", "the UK total", population, PUBLISHED_POPULATION)
    for column, expected in (("region", 12), ("country", 4), ("aasc_region", 7), ("aasc_provider", 3)):
        expect(file, column, "the number of distinct values", len({row[column] for row in rows}), expected)
    areas = {(row["aasc_region"], row["aasc_provider"]) for row in rows}
    expect(file, "aasc_provider", "the number of pairs of contract area and provider", len(areas), 7)
    hexes = {(row["hex_q"], row["hex_r"]) for row in rows}
    expect(file, "hex_q", "the number of distinct hexes", len(hexes), PUBLISHED_COUNCILS)
    for row in rows:
        if row["country"] not in DEPRIVATION_INDEX:
            raise unknown(f"{file}: column country", "a nation", row["country"], DEPRIVATION_INDEX)

    rent = _two_bedroom_rents(sources, {row["lad_code"]: row["country"] for row in rows})
    stock_file = "housing_stock_la.csv"
    stock = sources.rows(stock_file, {"lad_code": "text", "prs_households_est": "count?"}, key=["lad_code"])
    known_councils(stock_file, stock, codes)
    private_rented = {row["lad_code"]: row["prs_households_est"] for row in stock}
    decile = _deprivation_deciles(file, rows)

    out = []
    for row in sorted(rows, key=lambda row: row["lad_code"]):
        code = row["lad_code"]
        out.append(
            {
                "lad_code": code,
                "name": row["lad_name"],
                "region": row["region"],
                "nation": row["country"],
                "council_type": row["council_type"],
                "is_two_tier": row["is_two_tier"],
                "utla_code": row["utla_code"],
                "utla_name": row["utla_name"],
                "contract_area": row["aasc_region"],
                "provider": row["aasc_provider"],
                "population": row["population_mid2024"],
                "households": row["households_census2021"],
                "deprivation_decile": decile[code],
                "rural_class": _rural_class(file, row["ruc21_class"]),
                "ruc_code": row["ruc21_code"],
                "area_km2": row["area_km2"],
                "rent_2bed": rent.get(code),
                "rent_basis": RENTS[row["country"]][2] if code in rent else "not_known",
                "private_rented_households": private_rented.get(code),
                "lad_code_2023": row["lad_code_2023"],
                "hex_q": row["hex_q"],
                "hex_r": row["hex_r"],
            }
        )
    return Table(
        name="councils",
        title="Lower-tier and unitary councils of the United Kingdom",
        publisher="Office for National Statistics; Ministry of Housing, Communities and Local Government; "
        "Welsh Government; Scottish Government; Northern Ireland Statistics and Research Agency; Valuation "
        "Office Agency",
        source_table="Mid-2024 population estimates; Census 2021 households; Rural-Urban Classification "
        "2021; Indices of Deprivation 2025 (England), WIMD 2019, SIMD 2020, NIMDM 2017; Private rental "
        "market summary statistics April 2021 to March 2022; Local Housing Allowance rates 2024/25; ONS "
        "subnational tenure 2023",
        via="humaniverse geographr c026be5c, IMD 2f6c9050, demographr d0417101; odileeds/hexmaps 5383e24a; "
        "PolicyEngine/policyengine-uk-data ebf733c6; grahamstark/ScottishTaxBenefitModel.jl 92b244ac; "
        f"{ASYLUMSTATS}",
        vintage="boundaries at 1 April 2023 with the 2025 codes of Barnsley and Sheffield; population "
        "mid-2024; indices as named; rents 2021-22 (England) and 2024-25 (Scotland, Wales)",
        licence=f"{OGL}; hex layout: MIT licence",
        attribution="Source: Office for National Statistics licensed under the Open Government Licence "
        "v.3.0. Contains OS data © Crown copyright and database right 2024. "
        f"{OGL_LINE} Hex layout: ODI Leeds (Open Innovations), MIT licence.",
        files=(file, "rents.csv", stock_file),
        notes=(
            "deprivation_decile ranks councils within their own nation, in ten groups of equal size, by: "
            "England average score of the English Indices of Deprivation 2025; Wales average score of WIMD "
            "2019; Scotland extent of SIMD 2020; Northern Ireland extent of NIMDM 2017 (extent: the share of "
            "people in the most deprived small areas, weighted). Equal values are ordered by code. Deciles "
            "of two nations are not comparable; Northern Ireland has 11 councils for ten groups.",
            "rent_2bed has two bases: the median of private rents recorded by the VOA in England (2021-22) "
            "and the Local Housing Allowance converted to a month (weekly x 52 / 12) in Scotland and Wales "
            "(2024-25), through an approximate match of councils to rental market areas. Compare councils "
            "within one basis. Six English councils created since 2021 (Cumberland, Westmorland and Furness, "
            "North Yorkshire, Somerset, North and West Northamptonshire) carry the mean of the medians of "
            "their former districts.",
            "rural_class: urban; intermediate (intermediate urban and intermediate rural of RUC 2021); rural "
            "(majority rural); unknown in Scotland and Northern Ireland, which RUC 2021 does not cover.",
            "contract_area and provider follow the awards of September 2019 by region, not a contract "
            "schedule; later exceptions for single sites are not shown.",
            "private_rented_households is an estimate: Census 2021 households x the 2023 share of private "
            "renting; England only.",
            "City of London and Isles of Scilly have so few residents that ratios per head are extreme.",
        ),
        columns={
            "lad_code": text_column("GSS code of the council; Barnsley and Sheffield have their 2025 codes"),
            "name": text_column("name of the council"),
            "region": text_column("region of England (9), or Scotland, Wales, Northern Ireland"),
            "nation": text_column("England, Scotland, Wales or Northern Ireland"),
            "council_type": text_column("type of authority"),
            "is_two_tier": Column(
                "integer", "switch", "1 where a county council runs education and social care"
            ),
            "utla_code": text_column("GSS code of the upper-tier authority (own code where single-tier)"),
            "utla_name": text_column("name of the upper-tier authority"),
            "contract_area": text_column("asylum accommodation contract area (7)"),
            "provider": text_column("accommodation provider of the contract area (3)"),
            "population": people_column("usual residents, mid-2024 estimate"),
            "households": Column(
                "integer", "households", "Census 2021; empty in Scotland and Northern Ireland"
            ),
            "deprivation_decile": Column(
                "integer", "decile", "1 most deprived to 10 least, within the own nation"
            ),
            "rural_class": text_column("urban, intermediate, rural or unknown"),
            "ruc_code": text_column("Rural-Urban Classification 2021 code; empty in Scotland and Northern Ireland"),
            "area_km2": Column("number", "square kilometres", "area of the council"),
            "rent_2bed": Column(
                "number", "GBP a month", "rent of a two-bedroom home; empty in Northern Ireland"
            ),
            "rent_basis": text_column("voa_median_2021_22, lha_2024_25 or not_known"),
            "private_rented_households": Column(
                "integer", "households", "estimate, England; empty if not known"
            ),
            "lad_code_2023": text_column("GSS code before the 2025 changes, to join older files"),
            "hex_q": Column("integer", "hex column", "column in the hex cartogram (odd-r layout)"),
            "hex_r": Column("integer", "hex row", "row in the hex cartogram (odd-r layout), upwards"),
        },
        rows=out,
    )


def _two_bedroom_rents(sources: Sources, nation: Mapping[str, str]) -> dict[str, float]:
    file = "rents.csv"
    rows = sources.rows(
        file,
        {
            "lad_code": "text",
            "period_start": "date",
            "measure": "text",
            "bedrooms": "text",
            "value": "number",
        },
        key=["lad_code", "period_start", "measure", "bedrooms"],
    )
    known_councils(file, rows, nation)
    found: dict[str, float] = {}
    for row in rows:
        measure, period, _ = RENTS.get(nation[row["lad_code"]], ("", "", ""))
        if (row["bedrooms"], row["measure"], row["period_start"]) == ("2", measure, period):
            found[row["lad_code"]] = row["value"]
    without = sorted(code for code in nation if nation[code] in RENTS and code not in found)
    if without:
        raise InputError(
            f"{file}: column value: no two-bedroom rent for {without[0]} ({len(without)} councils in all)."
        )
    return found


def _deprivation_deciles(file: str, rows: Sequence[Row]) -> dict[str, int]:
    decile: dict[str, int] = {}
    for nation, index in DEPRIVATION_INDEX.items():
        members = [row for row in rows if row["country"] == nation]
        for row in members:
            if row[index] is None:
                raise InputError(f"{file}: column {index}: no value for {row['lad_code']}.")
        members.sort(key=lambda row: (-row[index], row["lad_code"]))
        for rank, row in enumerate(members):
            decile[row["lad_code"]] = rank * 10 // len(members) + 1
    return decile


def _rural_class(file: str, official: str) -> str:
    if not official:
        return "unknown"
    for start, name in (("Urban:", "urban"), ("Intermediate ", "intermediate"), ("Majority rural:", "rural")):
        if official.startswith(start):
            return name
    raise InputError(f"{file}: column ruc21_class: {official!r} is not a class of RUC 2021.")
