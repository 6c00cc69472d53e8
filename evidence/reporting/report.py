"""The report: notebooks executed, and everything a reader takes away made from what they show.

A report folder is whole or absent. Everything in it comes from one finished study: executed notebooks, exhibits with
their evidence ids, pages, workbooks, logs, checksums and the record.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence.answers import companions
from evidence.exhibits import read_index
from evidence.records import (
    REPOSITORY,
    ROOM,
    Record,
    code_state,
    digest,
    file_digest,
    find,
    make_id,
    read_record,
    record_path,
    sealed,
)
from evidence.reporting import bundle, editions, layout, logs, workbook
from evidence.reporting.execution import execute, execute_all, known_parameters, own_kernel
from evidence.reporting.layout import PAGE
from evidence.reporting.pages import TEMPLATES
from evidence.reporting.signoff import SignOff
from evidence.results import complete_years
from evidence.studies import engine as studies
from evidence.studies.files import compares_arms
from evidence.validation import trust
from evidence.verify import EXHIBITS, problems
from evidence.wording import SHORTHAND
from params import InputError
from params.errors import unknown

if TYPE_CHECKING:
    import xarray as xr

NOTEBOOKS = (
    *("01_intake_forecast", "02_funding_options", "03_council_pressure", "04_funding_ledgers"),
    *("05_answers", "06_joint_review", "07_calibration", "08_validation", "09_submission"),
)
READ_OTHERS = ("09_submission",)  # says where the other notebooks' switching values stand
PLAIN_NAMES = ("assumptions_log", "new_burdens", "green_book")
UNIT_COSTS = "unit_costs.csv"
EXECUTED = "notebooks"
# The build sets these; a user's value would send evidence elsewhere.
_OWN_PARAMETERS = ("study_id", "runs", "out", "unit_costs")


@dataclass(frozen=True)
class Asked:
    """What was asked for beside the study.

    Attributes:
        parameters: further notebook parameters by name, such as `region`.
        unit_costs: councils' own unit costs, a filled template; a copy travels with the report.
        signoff: who answered for this edition, by role; it travels with the report.
        cite: make an edition to be cited: the code must be committed, and it supersedes earlier editions.
    """

    parameters: Mapping[str, object] = field(default_factory=dict)
    unit_costs: Path | None = None
    signoff: SignOff | None = None
    cite: bool = False


def build(
    study_id: str,
    runs: Path = Path("runs"),
    asked: Asked | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Build the report of a finished study, or find the same report made earlier.

    Args:
        study_id: id of the study.
        runs: folder of all runs.
        asked: what was asked for beside it.
        say: told what is being done, one line at a time.

    Returns:
        Path of `report.html`.

    Raises:
        InputError: for an unknown or unfinished study, an unknown parameter, or a cited edition of code that is not
            committed; nothing is written.
        RunError: when a notebook does not complete; nothing is left under the report's id.
    """
    asked = asked or Asked()
    local = _local_costs(asked.unit_costs)
    sources = {name: _notebook(name) for name in NOTEBOOKS}
    _check_parameters(sources, asked.parameters)
    study = read_record(find(runs, study_id, "study"))
    if not compares_arms(study.settings):
        raise InputError(f"{study_id}: is a sweep; the report needs every result of arms named in the study's file.")
    _reportable(study_id, studies.open_study(study_id, runs))
    if asked.cite:
        editions.check_committed()
    extra: dict[str, object] = {
        **companions.finished(runs, study.model_version),
        **trust.companions(runs, study.model_version),
        **asked.parameters,
    }
    wanted = {name: _parameters_for(path, extra) for name, path in sources.items()}
    beside = [read_record(find(runs, name)) for name in (*companions.ids(extra), *trust.ids(extra))]
    validation = next((own for own in beside if own.id == extra.get(trust.VALIDATION)), None)
    record = _record(study, beside, sources, replace(asked, parameters=extra), local, validation)
    folder = runs / record.id
    if not (record_path(folder).is_file() and not problems(folder)):
        both = {name: (path, wanted[name]) for name, path in sources.items()}
        _make(folder, record, study, both, asked.signoff, local, validation, say)
    if asked.cite:
        editions.enter(runs, record.id, say)
    return folder / PAGE


def _make(
    folder: Path,
    record: Record,
    study: Record,
    sources: Mapping[str, tuple[Path, Mapping[str, object]]],
    signoff: SignOff | None,
    local: bytes | None,
    validation: Record | None,
    say: Callable[[str], None],
) -> None:
    """Write the whole folder, or leave nothing."""
    tables = verified_tables()
    with sealed(folder.parent, record, replace_existing=True) as partial:
        for name in (EXECUTED, EXHIBITS):
            (partial / name).mkdir()
        if local is not None:
            (partial / UNIT_COSTS).write_bytes(local)
        # The folder being written lies in the runs folder, so that no path of this machine is recorded.
        own = {name: {**wanted, "study_id": study.id, "runs": ".."} for name, (_, wanted) in sources.items()}
        for name, (path, _) in sources.items():
            if local is not None and "unit_costs" in known_parameters(path):
                own[name]["unit_costs"] = UNIT_COSTS
        files = {name: path for name, (path, _) in sources.items()}
        executed, cells = execute_all(files, own, partial, partial / EXECUTED, READ_OTHERS, say)
        say("  logs, pages and workbooks")
        quality = logs.qa_log(record, study, tables, cells, weak_assumptions(study), validation, signoff)
        _plain_names(partial)
        logs.write_log(partial / logs.DATA_LOG, logs.data_log(tables))
        logs.write_log(partial / logs.QA_LOG, quality)
        layout.write(partial, record, study, executed, tables, quality, signoff)
        with ThreadPoolExecutor(1, "printer") as printer:  # the browser is a process of its own
            no_pdf = printer.submit(layout.print_pages, partial)
            _workbooks(partial, record, study, tables)
        if no_pdf.result():
            say(f"  {no_pdf.result()}")
        bundle.complete(partial, record, study, tables)


def _reportable(study_id: str, study: xr.Dataset) -> None:
    """Refuse a study that the report's questions cannot be asked of."""
    if study.sizes["arm"] < 2:
        raise InputError(f"{study_id}: has one arm; the report compares funding options. Nearest: a study of 2 arms.")
    if not complete_years(study):
        months = study.sizes["month"]
        start = np.datetime64(study["month_end"].values[0], "M")
        year = start.astype(object).year + (start.astype(object).month > 3)
        needed = int((np.datetime64(f"{year + 1}-03") - start).astype(int))
        raise InputError(
            f"{study_id}: its {months} months hold no complete financial year (April to March), and the report needs "
            f"one. Nearest: months = {needed}."
        )


def execute_alone(
    name: str, folder: Path, study_id: str, runs: Path, out: Path, parameters: Mapping[str, object], unit_costs: Path
) -> None:
    """Execute one of the project's notebooks on a study, to make its exhibits again.

    Args:
        name: the notebook.
        folder: folder it works in and is written to.
        study_id: id of a complete study.
        runs: folder that holds the study.
        out: folder of the exhibits.
        parameters: further notebook parameters by name.
        unit_costs: councils' own unit costs, if there is such a file.
    """
    source = _notebook(name)
    own = {"study_id": study_id, "runs": str(runs.resolve()), "out": str(out)}
    if unit_costs.is_file() and "unit_costs" in known_parameters(source):
        own["unit_costs"] = str(unit_costs.resolve())
    with own_kernel():
        execute(source, folder / source.name, {**_parameters_for(source, parameters), **own}, folder)


def _notebook(name: str) -> Path:
    path = REPOSITORY / "notebooks" / f"{name}.ipynb"
    if not path.is_file():
        raise InputError(f"{path}: no such notebook. The report needs the project's notebooks folder.")
    return path


def _parameters_for(source: Path, given: Mapping[str, object]) -> dict[str, object]:
    """Those of the given parameters that this notebook has."""
    known = known_parameters(source)
    return {name: value for name, value in given.items() if name in known}


def _check_parameters(sources: Mapping[str, Path], given: Mapping[str, object]) -> None:
    """Refuse a parameter that no notebook has, or that the build itself sets."""
    known = {name for path in sources.values() for name in known_parameters(path)} - set(_OWN_PARAMETERS)
    for name in given:
        if name not in known:
            raise unknown("report", "a notebook parameter", name, known)


def _local_costs(file: Path | None) -> bytes | None:
    """A filled unit-cost template as bytes, once every row of it has been checked."""
    if file is None:
        return None
    from evidence.chapters.unit_costs import read

    read(file)
    return file.read_bytes()


def _record(
    study: Record,
    beside: Sequence[Record],
    sources: Mapping[str, Path],
    asked: Asked,
    local: bytes | None,
    validation: Record | None,
) -> Record:
    """The report's record; its id follows from the study, the notebooks, and the code that turns one into the other."""
    code = sorted([*ROOM.rglob("*.py"), *TEMPLATES.glob("*")])
    inputs = {f"notebooks/{path.name}": file_digest(path) for path in sources.values()}
    if local is not None:
        inputs["unit_costs"] = hashlib.sha256(local).hexdigest()
    content = {
        "study": study.id,
        "outputs": dict(study.outputs),
        "inputs": inputs,
        "code": {path.relative_to(ROOM).as_posix(): file_digest(path) for path in code},
        "parameters": dict(asked.parameters),
        "signoff": asked.signoff.canonical() if asked.signoff else None,
        "validation": validation.id if validation else None,
        "cited": code_state()["commit"] if asked.cite else None,
    }
    return Record(
        id=make_id(f"report-{study.id}", content),
        kind="report",
        title=study.title,
        settings={key: content[key] for key in ("study", "parameters", "signoff", "validation")} | {"cite": asked.cite},
        assumptions=study.assumptions,
        model_version=study.model_version,
        inputs=inputs | {"code": digest(content["code"])},
        parents=(study.id, *(record.id for record in beside)),
        warnings=study.warnings,
        # What made each study travels along, so that a number can be traced without the studies' folders.
        extra={"studies": {own.id: _origin(own) for own in (study, *beside)}},
    )


def _origin(study: Record) -> dict[str, Any]:
    return {key: getattr(study, key) for key in ("kind", "settings", "assumptions", "code")}


def _plain_names(folder: Path) -> None:
    """Copy the data of the tables that a person looks for under names that say what they are."""
    for entry in read_index(folder / EXHIBITS):
        if entry["name"] in PLAIN_NAMES:
            shutil.copyfile(folder / EXHIBITS / f"{entry['id']}.csv", folder / f"{entry['name']}.csv")


def verified_tables() -> list[dict[str, Any]]:
    """Records of the reference tables, each just read and checked."""
    from params.tables import verify

    return verify()


def weak_assumptions(study: Record) -> int:
    """How many of a study's assumptions are rated of high impact and rest on weak evidence."""
    import params

    entries, used = params.load().entries, next(iter(study.assumptions.values()))
    rated = [entries[name] for name in used if name in entries]
    return sum(entry.impact == "red" and entry.quality == "red" for entry in rated)


def _workbooks(folder: Path, record: Record, study: Record, tables: Sequence[Mapping[str, Any]]) -> None:
    labels = {name: arm["label"] for name, arm in study.settings["arms"].items()}
    cover = (
        f"Report {record.id}, from study {study.id}.",
        f"Modelled estimates, not official statistics. {bundle.MUST_NOT}",
        "The sheet Contents lists every table by evidence id; Findings holds the sentences that may be quoted.",
        *bundle.attributions(tables),
    )
    notes = (
        "Central figures are medians of all simulations; quantiles are taken after sums, so they do not add up.",
        "Councils, the Home Office and other public bodies keep separate ledgers, which are never added.",
        "Modelled figures for councils are rounded to 5, and withheld below 5 and where another would give them away.",
        *(f"{mark} {meaning}." for mark, meaning in SHORTHAND.items()),
    )
    workbook.write(folder, workbook.sheets(folder, labels), record.title, cover, notes)
