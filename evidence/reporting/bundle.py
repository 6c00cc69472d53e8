"""What makes a report's folder a bundle that travels: its tables described, its origin, its licences and its own check.

Beside the page lie the metadata of every CSV (CSV on the Web), a research object crate that says what was run on what
(Process Run Crate), a plain text that says what is where, and `verify.py`, which needs only Python.
"""

from __future__ import annotations

import csv
import json
import mimetypes
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evidence import verify
from evidence.exhibits import heading, read_index
from evidence.records import Record, write_json
from evidence.verify import EXHIBITS

README, CSVW, CRATE = "README.txt", "csv-metadata.json", "ro-crate-metadata.json"
MUST_NOT = "It must not be used for placing individuals, for enforcement, or to target people, properties or areas."
_PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
_CODE_LICENCE = "https://spdx.org/licenses/MIT"
_OPEN_GOVERNMENT = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
_TYPES = (
    ("integer", re.compile(r"-?\d+")),
    ("number", re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
)


def complete(folder: Path, record: Record, study: Record, tables: Sequence[Mapping[str, Any]]) -> None:
    """Add everything but the page and the workbooks to a report's folder.

    Args:
        folder: folder of the report, with its exhibits.
        record: the report's record.
        study: the record of the study it was made from.
        tables: records of the reference tables.
    """
    shutil.copyfile(verify.__file__, folder / "verify.py")
    write_json(folder / EXHIBITS / CSVW, csv_metadata(folder / EXHIBITS))
    (folder / README).write_text(_readme(record, attributions(tables)), encoding="utf-8", newline="\r\n")
    write_json(folder / CRATE, crate(folder, record, study, tables))


def attributions(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """The attribution line of each licence and publisher present, once each, in order."""
    return list(dict.fromkeys(str(table["attribution"]) for table in tables))


def csv_metadata(folder: Path) -> dict[str, Any]:
    """Metadata of every CSV of a folder of exhibits, as one table group of CSV on the Web."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": "Exhibits of a report of the dispersal workbench",
        "tables": [
            {
                "url": f"{entry['id']}.csv",
                "dc:title": entry["title"],
                "dc:description": entry["subtitle"],
                "dc:identifier": entry["id"],
                "dc:source": entry["source"],
                "dc:type": entry["label"],
                "notes": [*entry["basis"].values(), *entry["notes"]],
                "schema:unitText": entry["units"],
                "tableSchema": {"columns": _columns(folder / f"{entry['id']}.csv")},
            }
            for entry in read_index(folder)
        ],
    }


def _columns(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return [
        {
            "name": re.sub(r"[^A-Za-z0-9_]", "_", name),
            "titles": name,
            "dc:description": heading(name),
            "datatype": _datatype([row[i] for row in rows if row[i]]),
            "null": "",
        }
        for i, name in enumerate(header)
    ]


def _datatype(cells: Sequence[str]) -> str:
    """The narrowest type that every cell has; `[c]` and its like make a column text."""
    return next((name for name, shape in _TYPES if cells and all(map(shape.fullmatch, cells))), "string")


def crate(
    folder: Path, record: Record, study: Record, tables: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Metadata of the folder as a research object crate: every file, what made it, from what, and when.

    Returns:
        JSON-LD of the profile Process Run Crate; it lists the record and the checksums, which are written after it.
    """
    from rocrate.model import ContextEntity  # type: ignore[import-untyped]
    from rocrate.rocrate import ROCrate  # type: ignore[import-untyped]

    made = ROCrate(gen_preview=False)
    root = made.root_dataset
    made.name, made.description = record.title, f"Report {record.id}. Modelled estimates, not official statistics."
    made.datePublished = record.created
    profile = _entity(made, ContextEntity, _PROCESS_RUN, "CreativeWork", name="Process Run Crate", version="0.5")
    root["conformsTo"] = profile
    root["license"] = _entity(
        made, ContextEntity, _OPEN_GOVERNMENT, "CreativeWork", name="Open Government Licence v3.0",
        description=" ".join(attributions(tables)),
    )  # fmt: skip
    software = _entity(
        made, ContextEntity, "#dispersal-workbench", "SoftwareApplication", name="Dispersal workbench",
        softwareVersion=f"model version {study.model_version}, commit {record.code.get('commit') or 'unknown'}",
        license=_CODE_LICENCE,
    )  # fmt: skip
    sources = [
        _entity(
            made, ContextEntity, f"#table-{table['name']}", "Dataset", name=f"{table['title']}",
            publisher=table["publisher"], version=table["vintage"], license=table["licence"], sha256=table["sha256"],
        )
        for table in tables
    ]  # fmt: skip
    origin = _entity(
        made, ContextEntity, f"#{study.id}", "Dataset", name=study.title, dateCreated=study.created,
        description=f"Study {study.id}: {json.dumps(study.settings.get('arms', {}), ensure_ascii=False)}",
    )  # fmt: skip
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    results = [
        made.add_file(
            str(folder / name) if (folder / name).is_file() else None,
            dest_path=name,
            properties={"encodingFormat": mimetypes.guess_type(name)[0] or "text/plain"},
        )
        for name in sorted(names | {verify.RECORD, verify.SUMS})
    ]
    action = _entity(
        made, ContextEntity, f"#{record.id}", "CreateAction", name=f"dispersal report {study.id}",
        endTime=record.created,
    )  # fmt: skip
    action["instrument"], action["object"], action["result"] = software, [origin, *sources], results
    root["mentions"] = action
    described: dict[str, Any] = made.metadata.generate()
    return described


def _entity(made: Any, kind: Any, identity: str, type_: str, **properties: object) -> Any:
    return made.add(kind(made, identity, properties={"@type": type_, **properties}))


def _readme(record: Record, lines: Sequence[str]) -> str:
    return f"""{record.title}
Report {record.id}

Modelled estimates, not official statistics. {MUST_NOT}

What is here
  report.html      the report: open it in any browser; it loads nothing from outside
  report.pdf       the same for print, where a browser was there to print it
  summary.html     the answer on two pages, and summary.pdf
  tables.xlsx      every table, one on each sheet; tables.ods holds the same
  exhibits/        data (CSV) and pictures (SVG, PNG) by evidence id; exhibits.json says what each is;
                   csv-metadata.json describes the columns
  assumptions_log.csv, data_log.csv, qa_log.csv, new_burdens.csv, green_book.csv
  notebooks/       the notebooks as executed
  record.json      what made this: assumptions, versions, checksums
  ro-crate-metadata.json   the same for machines (Process Run Crate)

Is it as it was made?
  python3 verify.py          (Windows: py verify.py)   checks every file against SHA256SUMS
  python3 verify.py E-7F3A2C                           checks one evidence id
  It needs Python 3.11 or later and nothing else. `sha256sum --check SHA256SUMS` does the first too.

Sources and licences
{"".join(f"  {line}\n" for line in lines)}  Code: MIT licence.
"""

