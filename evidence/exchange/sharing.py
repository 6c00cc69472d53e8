"""Data out: an extract under a protocol, with disclosure control, a manifest, and an entry in the log."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import params
from evidence.disclosure import BASE, CONFIDENTIAL, NOT_GIVEN, escape_formula
from evidence.exchange import holdings
from evidence.exchange.extracts import LEAST_FOR_CENTRAL, Table, add_totals, read_extract
from evidence.exchange.protection import Figures, Key, protect, rounded
from evidence.records import code_state, exclusive, file_digest, hash_files, make_id, prepare_runs
from params.errors import InputError
from params.protocols import Protocol, read_protocol

RULES = (
    "Modelled and locally supplied counts are rounded to 5; counts below 5, zero included, are withheld [c]; further "
    "counts are withheld [c] so that no total, row, scenario or earlier release gives one away. Published official "
    "figures are exact."
)
NOT_FOR = "Not to be used for placing individuals, enforcement, or targeting people or places."


def release(
    path: Path,
    runs: Path,
    out: Path | None = None,
    today: dt.date | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Make a release and say what is in it.

    Args:
        path: the protocol.
        runs: the folder of all runs; the release is kept in `shared/` there.
        out: a folder to copy it to, which must not exist.
        today: the day of the release.
        say: told what takes time.

    Raises:
        InputError: the protocol is not in force, asks for what it does not allow or what does not exist, or a count
            cannot be protected. Nothing is released then.
    """
    agreed = read_protocol(path, today)
    if not agreed.extracts:
        raise InputError(f"{path.name}: extracts: there are none, so nothing goes out under this protocol.")
    if out is not None and out.exists():
        raise InputError(f"{out}: exists already; name a new folder for the release.")
    home = holdings.folder(prepare_runs(runs))
    home.mkdir(exist_ok=True)
    with exclusive(runs, holdings.FOLDER, wait=60):
        figures = Figures()
        tables = [read_extract(path.name, agreed, extract, runs, figures) for extract in agreed.extracts]
        add_totals(figures, tables)
        if figures.cells:
            say(f"Holding {len(figures.keys):,} figures against each other and every earlier release")
        hidden = protect(figures, *holdings.held(runs))
        content = {f"{table.extract.name}.csv": _csv(table, figures, hidden) for table in tables}
        identity = make_id(f"shared-{path.stem}", {"protocol": file_digest(path), "files": content})
        partial = Path(tempfile.mkdtemp(dir=home, prefix=f".{identity}."))
        partial.chmod(0o755)
        try:
            for name, text in content.items():
                (partial / name).write_text(text, encoding="utf-8")
            shutil.copyfile(path, partial / "protocol.toml")
            manifest = _manifest(identity, agreed, tables, hash_files(partial))
            (partial / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")
            small = [list(key) for key, value in figures.cells.items() if value < BASE]
            shown = [
                {"of": [list(cell) for cell in figures.parts(key)], "shown": rounded(figures.value(key))}
                for key in figures.keys
                if key not in hidden
            ]
            entry = {
                "protocol": path.name,
                "protocol_sha256": file_digest(path),
                "recipient": agreed.recipient,
                "role": agreed.role,
                "purpose": agreed.purpose,
                "geography": agreed.geography,
                "places": agreed.places,
                "valid_until": agreed.valid_until,
            }
            kept = holdings.keep(runs, identity, partial, {"shown": shown, "small": small}, entry)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    if out is not None:
        _hand_over(kept, out)
    return _told(agreed, tables, figures, hidden, out or kept, kept)


def _csv(table: Table, figures: Figures, hidden: set[Key]) -> str:
    """One extract as CSV text: a row for each place and date, then the totals of the regions."""
    councils = params.reference("councils").set_index("lad_code")
    ranged = bool(table.ranges)
    measures = list(table.extract.measures)
    columns = [column for m in measures for column in ([m, f"{m}_low80", f"{m}_high80"] if ranged else [m])]
    by_row = bool(table.rows) and _row_total(table, next(iter(table.rows))) in figures.sums
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    over = ["total"] if by_row else []
    writer.writerow(["date", "scenario", "lad_code", "name", "region", *columns, *over, "label"])
    if table.extract.geography == "council":
        for (day, arm, code), cells in sorted(table.rows.items()):
            shown: list[Any] = []
            for measure in measures:
                shown += _cells(cells.get(measure), code, table, figures, hidden)
            if by_row:
                shown.append(_shown(_row_total(table, (day, arm, code)), figures, hidden))
            place = [code, councils.at[code, "name"], councils.at[code, "region"]]
            writer.writerow([escape_formula(v) for v in [day, arm, *place, *shown, table.label]])
    groups = {(day, arm, str(councils.at[code, "region"])) for day, arm, code in table.rows}
    for day, arm, region in sorted(groups):
        shown = []
        for measure in measures:
            shown.append(_region(table, day, arm, region, measure, figures, hidden))
            shown += [""] * (2 * ranged)
        writer.writerow([day, arm, "", "Total of the councils covered", region, *shown, *([""] * by_row), table.label])
    return text.getvalue()


def _row_total(table: Table, row: tuple[str, str, str]) -> Key:
    day, arm, code = row
    return (table.source, arm, day, code, "total")


def _cells(
    key: Key | None, code: str, table: Table, figures: Figures, hidden: set[Key]
) -> list[Any]:
    """A measure of one row: the figure, and where it is modelled its interval."""
    if key is None or (key not in table.official and key not in figures.cells):
        return ["not known"] + [""] * (2 * bool(table.ranges))
    if key in table.official:
        return [table.official[key]]
    central = _shown(key, figures, hidden)
    if not table.ranges:
        return [central]
    if central == CONFIDENTIAL:
        return [CONFIDENTIAL] * 3
    low, high = table.ranges[key]
    ends = [CONFIDENTIAL if end < 5 else rounded(end) for end in (low, high)]
    return [NOT_GIVEN if code in table.small else central, *ends]


def _shown(key: Key, figures: Figures, hidden: set[Key]) -> object:
    return CONFIDENTIAL if key in hidden else rounded(figures.value(key))


def _region(
    table: Table, day: str, arm: str, region: str, measure: str, figures: Figures, hidden: set[Key]
) -> object:
    """The total of a region over the councils that the release covers; exact for official figures."""
    key = (table.source, arm, day, region, measure)
    if key in figures.sums:
        return _shown(key, figures, hidden)
    councils = params.reference("councils").set_index("lad_code")["region"]
    cells = [
        cells[measure] for (d, a, code), cells in table.rows.items()
        if (d, a) == (day, arm) and councils[code] == region and measure in cells
    ]  # fmt: skip
    if table.official:
        return sum(table.official[cell] for cell in cells if cell in table.official)
    return _shown(cells[0], figures, hidden) if cells else "not known"


def _manifest(
    identity: str, protocol: Protocol, tables: Iterable[Table], files: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "release": identity,
        "title": protocol.title,
        "protocol_status": protocol.status,
        "recipient": protocol.recipient,
        "role": protocol.role,
        "purpose": protocol.purpose,
        "basis": protocol.basis,
        "geography": protocol.geography,
        "places": protocol.places,
        "valid_until": protocol.valid_until.isoformat(),
        "rules": RULES,
        "not_for": NOT_FOR,
        "shorthand": {
            CONFIDENTIAL: "withheld: below 5, zero included, or to protect such a count",
            NOT_GIVEN: f"fewer than {LEAST_FOR_CENTRAL} people supported now: use the range",
        },
        "extracts": [
            {"file": f"{t.extract.name}.csv", "label": t.label, "source": t.source, "note": t.note} for t in tables
        ],
        "code": code_state()["commit"],
        "files": dict(files),
    }


def _hand_over(kept: Path, out: Path) -> None:
    """Copy a release, without what stays here, to a folder that appears whole or not at all."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(kept, partial, ignore=shutil.ignore_patterns(holdings.HELD))
        os.replace(partial, out)
    except OSError as problem:
        shutil.rmtree(partial, ignore_errors=True)
        raise InputError(f"{out}: cannot be written ({problem.strerror}); the release is in {kept}.") from None


def _told(
    protocol: Protocol, tables: Sequence[Table], figures: Figures, hidden: set[Key], where: Path, kept: Path
) -> list[str]:
    small = sum(1 for key in figures.cells if figures.cells[key] < 5)
    also = sum(1 for key in figures.cells if key in hidden) - small
    told = [f"{protocol.title}: for {protocol.recipient} ({protocol.role}), until {protocol.valid_until}"]
    if protocol.status == "illustrative":
        told.append("  This protocol is illustrative: agreed by nobody.")
    for table in tables:
        told.append(f"  {table.extract.name}.csv: {len(table.rows):,} rows, {table.label} ({table.source})")
    if figures.cells:
        told.append(
            f"  Withheld: {small:,} counts below 5 and {also:,} more to protect them, of {len(figures.cells):,}; the "
            "attack on this and all earlier releases finds none of them"
        )
    told.append(f"  Logged in {kept.parent / holdings.LOG} as {kept.name}")
    return [*told, str(where)]
