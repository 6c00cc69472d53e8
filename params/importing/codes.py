"""Codes and names of councils that no longer exist, each with the council that succeeded it."""

from __future__ import annotations

from collections.abc import Sequence

from params.importing.sources import Sources, known_councils
from params.importing.table import OGL_LINE, Column, Table, text_column

# The day from which the successor exists, by its code, where the boundaries changed. A successor that is not here
# has the same area as its predecessor under a new code.
SUCCEEDED = {
    "E06000058": "2019-04-01",
    "E06000059": "2019-04-01",
    "E07000244": "2019-04-01",
    "E07000245": "2019-04-01",
    "E06000060": "2020-04-01",
    "E06000061": "2021-04-01",
    "E06000062": "2021-04-01",
    "E06000063": "2023-04-01",
    "E06000064": "2023-04-01",
    "E06000065": "2023-04-01",
    "E06000066": "2023-04-01",
}
# Names of merged councils, from the register of geographic codes of the Office for National Statistics: the source
# file has the name of the successor only.
FORMER_NAMES = {
    "E06000028": "Bournemouth",
    "E06000029": "Poole",
    "E07000048": "Christchurch",
    "E07000004": "Aylesbury Vale",
    "E07000005": "Chiltern",
    "E07000006": "South Bucks",
    "E07000007": "Wycombe",
    "E07000026": "Allerdale",
    "E07000028": "Carlisle",
    "E07000029": "Copeland",
    "E07000027": "Barrow-in-Furness",
    "E07000030": "Eden",
    "E07000031": "South Lakeland",
    "E07000049": "East Dorset",
    "E07000050": "North Dorset",
    "E07000051": "Purbeck",
    "E07000052": "West Dorset",
    "E07000053": "Weymouth and Portland",
    "E07000150": "Corby",
    "E07000151": "Daventry",
    "E07000152": "East Northamptonshire",
    "E07000153": "Kettering",
    "E07000154": "Northampton",
    "E07000155": "South Northamptonshire",
    "E07000156": "Wellingborough",
    "E07000163": "Craven",
    "E07000164": "Hambleton",
    "E07000165": "Harrogate",
    "E07000166": "Richmondshire",
    "E07000167": "Ryedale",
    "E07000168": "Scarborough",
    "E07000169": "Selby",
    "E07000187": "Mendip",
    "E07000188": "Sedgemoor",
    "E07000189": "South Somerset",
    "E07000190": "Taunton Deane",
    "E07000191": "West Somerset",
    "E07000246": "Somerset West and Taunton",
    "E07000201": "Forest Heath",
    "E07000204": "St Edmundsbury",
    "E07000205": "Suffolk Coastal",
    "E07000206": "Waveney",
}


def council_codes(sources: Sources, codes: Sequence[str]) -> Table:
    """Build the former codes, each with its successor, the day of the change and the former name."""
    file = "lad_code_lookup.csv"
    rows = sources.rows(
        file, {"source_lad_code": "text", "lad_code": "text", "lad_name": "text"}, key=["source_lad_code"]
    )
    known_councils(file, rows, codes)
    return Table(
        name="council_codes",
        title="Former codes of councils and their successors",
        publisher="Office for National Statistics",
        source_table="Register of geographic codes; code history",
        via="lookup assembled from humaniverse geographr c026be5c",
        vintage="boundaries at 1 April 2023 with the 2025 codes of Barnsley and Sheffield",
        attribution=f"Source: Office for National Statistics. {OGL_LINE}",
        files=(file,),
        notes=(
            "succeeded_on is empty where only the code changed (the area is the same); former_name is empty "
            "where the name did not change.",
        ),
        columns={
            "former_code": text_column("GSS code no longer in use"),
            "lad_code": text_column("GSS code of the council that succeeded it"),
            "former_name": text_column("name of the former council; empty if the successor's"),
            "succeeded_on": Column("date", "", "day from which the successor exists; empty for a new code only"),
        },
        rows=[
            {
                "former_code": row["source_lad_code"],
                "lad_code": row["lad_code"],
                "former_name": FORMER_NAMES.get(row["source_lad_code"], ""),
                "succeeded_on": SUCCEEDED.get(row["lad_code"]),
            }
            for row in sorted(rows, key=lambda row: row["source_lad_code"])
        ],
    )
