"""From a quoted number back to what made it: `cite` an evidence id, `find` a quoted sentence or figure.

Every report in the runs folder is searched, each from its own files alone, so that a bundle somebody was sent can be
asked as well as one made here.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.exhibits import OFFICIAL, read_index, read_views
from evidence.records import Record, RunError, digest, listed, read_record
from evidence.reporting.editions import read_editions, standing
from evidence.reporting.logs import DATA_LOG
from evidence.reporting.quotes import Quote
from evidence.studies.plans import run_again
from evidence.verify import EXHIBITS, INDEX
from params.errors import InputError, nearest

_ID = re.compile(r"E-[0-9A-F]{6,64}")
MOST_SHOWN = 20


@dataclass(frozen=True)
class Held:
    """One exhibit in one report."""

    folder: Path
    record: Record
    entry: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its evidence id."""
        return str(self.entry["id"])


@dataclass(frozen=True)
class Origin:
    """The study that an exhibit came from: what was asked, with which assumptions by option, by which code."""

    kind: str
    settings: Mapping[str, Any]
    assumptions: Mapping[str, Any]
    code: Mapping[str, Any]


def origin(held: Held, runs: Path) -> Origin | None:
    """What made an exhibit's study, from the report itself, else from the study's folder; None when neither has it."""
    study = str(held.entry["study"])
    known = held.record.extra.get("studies", {}).get(study)
    if known is not None:
        return Origin(**known)
    if study not in listed(runs):
        return None
    record = read_record(runs / study)
    return Origin(record.kind, record.settings, record.assumptions, record.code)


def every_report(runs: Path) -> list[tuple[Path, Record]]:
    """Folders that hold exhibits, those to cite now first, then the newest first, superseded ones last."""
    entries = {entry["report"]: entry for entry in read_editions(runs)}

    def rank(report: tuple[Path, Record]) -> int:
        edition = entries.get(report[0].name)
        return 1 if edition is None else (2 if edition["superseded_by"] else 0)

    found = [(runs / name, read_record(runs / name)) for name in listed(runs)]
    found = [(folder, record) for folder, record in found if (folder / EXHIBITS / INDEX).is_file()]
    found.sort(key=lambda report: report[1].created, reverse=True)
    return sorted(found, key=rank)


def locate(evidence_id: str, runs: Path) -> list[Held]:
    """Every report that holds an exhibit, the one to cite first.

    Raises:
        InputError: when it is not an evidence id, or no report here holds it; names the nearest, or what can be done.
    """
    wanted = evidence_id.upper()
    if not _ID.fullmatch(wanted):
        told = f"{evidence_id!r} is not an evidence id: E- and at least six digits or letters A to F."
        raise InputError(f"{told} {_instead(evidence_id, runs)}".rstrip())
    known, held = set(), []
    for folder, record in every_report(runs):
        for entry in read_index(folder / EXHIBITS):
            known.add(entry["id"])
            if entry["id"] == wanted:
                held.append(Held(folder, record, entry))
    if not held:
        guess = nearest(wanted, sorted(known))
        hint = f"Nearest: {guess}." if guess else "`dispersal report STUDY` makes a study's exhibits citable."
        raise InputError(f"{wanted}: no report in {runs} holds it. {hint}")
    return held


def _instead(identity: str, runs: Path) -> str:
    """What can be cited in place of a run that somebody names; empty for what is no run."""
    if identity not in listed(runs):
        return ""
    record = read_record(runs / identity)
    if (runs / identity / EXHIBITS / INDEX).is_file():
        return "It is cited exhibit by exhibit; `dispersal find` lists their ids."
    if record.kind == "study":
        return f"`dispersal report {identity}` makes the study's exhibits citable."
    if record.kind != "comparison":
        return f"{identity} is of the kind {record.kind}, which is not cited; exhibits of a report are."
    rules = sorted({rule for arm in record.settings["arms"].values() for rule in arm["rules"]})
    first = f", once its own rules ({', '.join(rules)}) are part of the model" if rules else ""
    return f"A comparison is not cited; a study of the same arms (evidence.study) can be, by its report{first}."


def cited(evidence_id: str, runs: Path) -> list[str]:
    """Lines of `dispersal cite`: the citation, and the data, assumptions, code and seed that made the number."""
    held = locate(evidence_id, runs)
    first = held[0]
    record, entry, made = first.record, first.entry, origin(first, runs)
    commit = record.code.get("commit")
    lines = [
        f"{entry['id']}: {entry['kind']}, {entry['label']}",
        f"  “{entry['title']}”",
        f"  {entry['subtitle']}",
        *(f"  {text}" for text in entry["basis"].values()),
        f"  Unit: {entry['units']}. Source: {entry['source']}",
        "",
        "Cite as",
        f"  “{entry['title']}” ({entry['label']}). Evidence {entry['id']}, in: {record.title}. Dispersal workbench, "
        f"{record.kind} {record.id}, {record.created[:10]}, {_commit(record.code)}.",
        "",
        *_data(first),
        "",
        *_assumptions(first, made),
        "",
        "Study",
        *_study(first, made),
    ]
    if record.kind == "report":
        lines += ["", "Made again by", f"  git checkout {commit or '<the commit>'}"]
        lines.append(f"  dispersal verify --rerun {entry['id']}")
    others = [other.record.id for other in held[1:]]
    if others:
        lines += ["", f"The same words and numbers, so the same id, also in: {', '.join(others)}"]
    return [*lines, *(f"Warning: {line}" for line in standing(runs, record.id))]


def _study(held: Held, made: Origin | None) -> list[str]:
    if made is None:
        return [f"  {held.entry['study']}: its record is not here"]
    settings = made.settings
    by = f"  simulated by {_commit(made.code)}, model version {held.record.model_version}"
    if made.kind != "study":
        return [f"  {held.entry['study']}: {made.kind}, seed {settings.get('seed', 'not recorded')}", by]
    return [
        f"  {held.entry['study']}: {len(settings['arms'])} arms x {settings['draws']} draws x "
        f"{settings['replications']} replications, {settings['months']} months from {settings['start']}, "
        f"seed {settings['seed']}",
        f"  {run_again(settings)}",
        by,
    ]


def _commit(state: Mapping[str, Any]) -> str:
    if not state.get("commit"):
        return "code of no known commit"
    return f"commit {state['commit'][:12]}{' with uncommitted changes: not for citation' if state.get('dirty') else ''}"


def _data(held: Held) -> list[str]:
    """The official tables behind an exhibit: those its source names, or all that the study read."""
    if not (held.folder / DATA_LOG).is_file():
        known = held.record.inputs.get("params/reference/manifest.json", "not recorded")
        return [f"Data: the reference tables of the manifest with sha256 {known}"]
    with (held.folder / DATA_LOG).open(encoding="utf-8", newline="") as file:
        tables = list(csv.DictReader(file))
    named = [t for t in tables if f"{t['publisher']}, {t['source_table']}" in held.entry["source"]]
    chosen = named if held.entry["label"] == OFFICIAL and named else tables
    shown = "  {name}: {publisher}, {source_table}. {vintage} [{sha256:.12}]"
    rows = [shown.format(**table) for table in chosen]
    what = "quoted here" if chosen is named else "that the study read"
    return [f"Data: {len(chosen)} official {'table' if len(chosen) == 1 else 'tables'} {what}", *rows]


def _assumptions(held: Held, made: Origin | None) -> list[str]:
    """The assumptions by option: how many, their hash, and those that differ from the baseline's."""
    if held.entry["label"] == OFFICIAL:
        return ["Assumptions: none; published figures quoted exactly"]
    if made is None or not made.assumptions:
        return ["Assumptions: in the study's own record"]
    arms = made.assumptions
    base = made.settings.get("baseline", next(iter(arms)))
    log = next((e["id"] for e in read_index(held.folder / EXHIBITS) if e["name"] == "assumptions_log"), None)
    lines = [f"Assumptions: {len(arms[base])}{f', each with its source in {log}' if log else ''}"]
    for name, values in arms.items():
        differs = {key: value for key, value in values.items() if value != arms[base].get(key)}
        changed = "the baseline" if name == base else f"{len(differs)} differ from {base}"
        lines.append(f"  {name} [{digest(values)[:12]}]: {changed}")
        lines += [f"    {key} = {_steps(value)} (baseline {_steps(arms[base][key])})" for key, value in differs.items()]
    return [*lines, *_moved_on(arms[base])]


def _moved_on(used: Mapping[str, Any]) -> list[str]:
    """Assumptions whose value in this checkout's register is another than the report's baseline used."""
    import params

    now = json.loads(json.dumps(params.load().canonical()))
    moved = sorted(key for key in used if now.get(key) != used[key])
    if not moved:
        return []
    return [f"  {len(moved)} of the baseline's differ from the register as it stands here: {', '.join(moved)}"]


def _steps(steps: Any) -> str:
    if not isinstance(steps, list):
        return str(steps)
    shown = [(start, f"{value:g}" if isinstance(value, float) else str(value)) for start, value in steps]
    return ", ".join(value if start <= "1900-01-01" else f"{value} from {start}" for start, value in shown)


@dataclass(frozen=True)
class Hit:
    """Where a quotation stands in one exhibit."""

    held: Held
    where: str


def find_quote(text: str, runs: Path) -> list[Hit]:
    """Exhibits that carry a quoted sentence, phrase, amount or table cell, words before numbers.

    Spaces, quotation marks, capitals, thousands separators and the names of units make no difference; an amount also
    finds the exact number that it is rounded from.

    Args:
        text: what was quoted.
        runs: the folder of all runs.

    Raises:
        InputError: when there is nothing to look for.
        RunError: when nothing here carries it.
    """
    quote = Quote.of(text)
    ranked = [hit for folder, record in every_report(runs) for hit in _hits(folder, record, quote)]
    if not ranked:
        raise RunError(f"{text!r}: no exhibit of the reports in {runs} carries it. Try fewer words, or one figure.")
    return [hit for _, hit in sorted(ranked, key=lambda pair: pair[0])]


def _hits(folder: Path, record: Record, quote: Quote) -> Iterator[tuple[int, Hit]]:
    views = read_views(folder / EXHIBITS)
    for entry in read_index(folder / EXHIBITS):
        held = Held(folder, record, entry)
        said = [("title", entry["title"]), ("subtitle", entry["subtitle"]), ("alternative text", entry["alternative"])]
        said += [("note", note) for note in entry["notes"]]
        where = next((place for place, text in said if quote.in_text(text)), None)
        if where:
            yield 0, Hit(held, where)
            continue
        view = views.get(entry["id"], {"columns": [], "rows": [], "row_headers": 0})
        cell = _cell(view["rows"], view["columns"], view["row_headers"], quote)
        if cell:
            yield 1, Hit(held, f"table cell: {cell}")
            continue
        with (folder / EXHIBITS / f"{entry['id']}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        cell = _cell(rows, header, 1, quote, exact=False)
        if cell:
            yield 2, Hit(held, f"data: {cell}")


def _cell(rows: Any, columns: Any, headers: int, quote: Quote, exact: bool = True) -> str:
    for row in rows:
        for i, cell in enumerate(row):
            if quote.in_text(cell) if exact else quote.in_number(cell):
                return f"{', '.join(row[:headers])}; {columns[i]}: {' '.join(cell.split())}"
    return ""


def found_lines(text: str, runs: Path) -> list[str]:
    """Lines of `dispersal find`."""
    hits = find_quote(text, runs)
    lines = []
    for hit in hits[:MOST_SHOWN]:
        superseded = any("superseded" in line for line in standing(runs, hit.held.record.id))
        lines += [
            f"{hit.held.id}  {hit.held.entry['label']}, {hit.where}{'  (superseded)' if superseded else ''}",
            f"    “{hit.held.entry['title']}”  {hit.held.record.id}",
        ]
    if len(hits) > MOST_SHOWN:
        lines.append(f"{len(hits) - MOST_SHOWN} more; a longer quotation finds fewer.")
    return [*lines, f"next: dispersal cite {hits[0].held.id}"]
