"""Published indicators of pressure on services by council: GPs, homelessness, other people hosted."""

from __future__ import annotations

from params.importing.sources import Row, Sources, expect, known_councils
from params.importing.table import ASYLUMSTATS, OGL_LINE, Column, Table, text_column

FILE = "services.csv"
# What each source's figures stand on: those of two bases are not comparable.
BASES = {
    "NHSE_gp_workforce": "England, full-time equivalent GPs",
    "Wales_gp": "Wales, headcount of GPs",
    "Scotland_gp": "Scotland, headcount of GPs",
    "NI_gp": "Northern Ireland, headcount of GPs",
    "MHCLG_HCLIC": "England, one quarter",
    "WG_homelessness": "Wales, a year",
    "SG_homelessness": "Scotland",
    "HO_REG02_2025Q4": "United Kingdom",
}
MEASURES = {
    "patients_per_gp": "patients_per_gp",
    "homeless_households_per_1000_households": "homeless_per_1000_households",
    "homeless_or_threatened_per_1000_households": "homeless_or_threatened_per_1000_households",
    "households_in_temporary_accommodation_per_1000_households": "temporary_accommodation_per_1000_households",
    "homes_for_ukraine_arrivals_cumulative": "homes_for_ukraine_arrivals",
    "afghan_resettlement_programme_population": "afghan_resettlement_population",
}
COUNCILS_WITH_GPS = 361


def services(sources: Sources, codes: list[str]) -> Table:
    """Build published indicators by council, one row each, every one with the basis it stands on.

    Args:
        sources: the folder of source files.
        codes: codes of every council.
    """
    wanted = {"lad_code": "text", "measure": "text", "period": "text", "value": "number", "source_id": "text"}
    read = sources.rows(FILE, wanted, key=["lad_code", "measure"])
    known_councils(FILE, read, codes)
    rows: list[Row] = [
        {
            "lad_code": row["lad_code"],
            "measure": MEASURES[row["measure"]],
            "period": "not stated" if row["period"].startswith("not stated") else row["period"].split(" (")[0],
            "value": row["value"],
            "basis": BASES[row["source_id"]],
        }
        for row in read
        if row["measure"] in MEASURES
    ]
    with_gps = len({row["lad_code"] for row in rows if row["measure"] == "patients_per_gp"})
    expect(FILE, "measure", "the number of councils with patients_per_gp", with_gps, COUNCILS_WITH_GPS)
    rows.sort(key=lambda row: (row["measure"], row["lad_code"]))
    return Table(
        name="services",
        title="Published indicators of pressure on services by council",
        publisher="NHS England; Welsh Government; Scottish Government; Department of Health Northern Ireland; "
        "Ministry of Housing, Communities and Local Government; Home Office",
        source_table="GP workforce and registered patients; statutory homelessness; Reg_02",
        via=f"humaniverse healthyr ed2003ef; {ASYLUMSTATS}",
        vintage="see the columns period and basis",
        attribution="Source: NHS England, Ministry of Housing, Communities and Local Government, Home Office, Welsh "
        f"Government, Scottish Government and Department of Health Northern Ireland. {OGL_LINE}",
        files=(FILE,),
        notes=(
            "A measure is comparable between councils of one basis only: GPs are full-time equivalents in England and "
            "heads elsewhere; homelessness is one quarter in England, a year in Wales, and of an unstated period in "
            "Scotland, and follows each nation's law.",
            "Read through open packages, not from the publishers' own files: check before quoting.",
            "A council that is missing was not published or not read.",
        ),
        columns={
            "lad_code": text_column("code of the council"),
            "measure": text_column("what is measured"),
            "period": text_column("date, span or year it refers to, as published"),
            "value": Column("number", "in the measure's name: households per 1,000, patients, or people", "the figure"),
            "basis": text_column("nation and definition; rows of two bases are not comparable"),
        },
        rows=rows,
    )
