"""Write the project's reference tables from the assembled official files.

    python -m params.importer ../shared/data

reads the source folder and writes `params/reference/<table>.csv` and `manifest.json`. The source files stay
where they are: the project commits only these compact tables. The same sources always give the same bytes.

The breaks and traps that the source folder's README lists are settled here, once; no model needs to know
them. Vintages are never spliced (an older one has its own column, with the vintage in its name), outcomes are
on one definition, people whom no council's row holds stay in the national table, and a figure that was
estimated is marked as such.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from params.errors import InputError
from params.importing.anchors import published_totals
from params.importing.area_changes import area_changes
from params.importing.claims import decision_groups, intake
from params.importing.codes import council_codes
from params.importing.costs import costs
from params.importing.councils import councils
from params.importing.outcomes import appeals, awaiting, claims_cohorts, decisions, small_boats
from params.importing.quoted import comparator_tariffs, council_costs, gdp_deflator
from params.importing.services import services
from params.importing.sources import COMMAND, Sources
from params.importing.support import support

REFERENCE = Path(__file__).parent / "reference"

NOT_KNOWN = (
    "Population at the 2001 Census by council: not in the sources, so the 1:200 limit on that denominator "
    "needs a published source with provenance or a local file.",
    "Population of school age or of children by council.",
    "Rents and Local Housing Allowance by council in Northern Ireland; rents by council in England after "
    "March 2022.",
    "Rural-urban class for councils in Scotland and Northern Ireland (RUC 2021 covers England and Wales).",
    "Households for councils in Scotland and Northern Ireland; private rented households outside England.",
    "Support by accommodation type from December 2024 to September 2025, nationally (hotels apart) and by "
    "council; hotel and other contingency by council, and support by section by council, at December 2025.",
    "Dependants, unaccompanied children, nationality groups and waiting times after September 2024.",
    "Support by council after 31 December 2025: the national total of June 2026 only was seen.",
    "Population by council in any year but mid-2024: a rate over time needs a population series.",
)


def build(folder: Path) -> dict[str, bytes]:
    """Build every table and the manifest in memory.

    Args:
        folder: the folder of source files.

    Returns:
        Content by file name, the manifest last. Nothing is written.

    Raises:
        InputError: a source is missing or wrong; the message names the file, the column and what is wrong.
    """
    sources = Sources(folder)
    council_table = councils(sources)
    codes = [row["lad_code"] for row in council_table.rows]
    by_council, national = support(sources, codes)
    groups, by_group, by_nationality = decision_groups(sources)
    total_waiting, waiting_by_duration = awaiting(sources)
    tables = {
        table.name: table
        for table in (
            council_table,
            council_codes(sources, codes),
            area_changes(sources, council_table.rows),
            by_council,
            national,
            intake(sources),
            by_group,
            by_nationality,
            groups,
            decisions(sources),
            total_waiting,
            waiting_by_duration,
            appeals(sources),
            claims_cohorts(sources),
            small_boats(sources),
            costs(sources),
            services(sources, [row["lad_code"] for row in council_table.rows]),
            gdp_deflator(),
            comparator_tariffs(),
            council_costs(),
        )
    }
    tables["published_totals"] = published_totals(sources, tables)

    content = {f"{name}.csv": table.csv() for name, table in tables.items()}
    manifest = {
        "format": 1,
        "written_by": COMMAND,
        "not_known": list(NOT_KNOWN),
        "tables": {
            name: table.record(content[f"{name}.csv"], sources.sha256)
            for name, table in sorted(tables.items())
        },
    }
    content["manifest.json"] = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    return content


def write(content: Mapping[str, bytes], into: Path) -> None:
    """Put the files in place: all beside their targets first, then one rename each, the manifest last.

    A failure before the renames leaves the previous tables untouched. Should the machine stop between two
    renames, the old manifest no longer matches and the reader says so, rather than mix two imports.

    Raises:
        InputError: the folder cannot be written.
    """
    staged: list[tuple[str, Path]] = []
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name in sorted(content, key=lambda name: (name == "manifest.json", name)):
            handle, temporary = tempfile.mkstemp(dir=into, prefix=f".{name}.")
            staged.append((temporary, into / name))
            with os.fdopen(handle, "wb") as file:
                file.write(content[name])
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
        while staged:
            temporary, target = staged[0]
            os.replace(temporary, target)
            staged.pop(0)
    except OSError as problem:
        raise InputError(f"{into}: the tables cannot be written ({problem.strerror}).") from None
    finally:
        for temporary, _ in staged:
            Path(temporary).unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Import the folder named on the command line; return 0, or 2 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m params.importer",
        description="Write params/reference/ from the assembled official files.",
        epilog=f"Example: {COMMAND}",
    )
    parser.add_argument("source", type=Path, help="folder of source files")
    parser.add_argument(
        "--into", type=Path, default=REFERENCE, help="folder of the tables (params/reference)"
    )
    options = parser.parse_args(arguments)
    try:
        content = build(options.source)
        write(content, options.into)
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    for name, table in sorted(content.items()):
        print(f"{name:28} {len(table):>9,} bytes  {table.count(b'\n'):>6,} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
