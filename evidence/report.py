"""The report: notebooks executed one at a time, and everything a reader takes away made from what they show.

A report folder is whole or absent. Everything in it comes from one finished study: executed notebooks, exhibits with
their evidence ids, pages, workbooks, logs, checksums and the record.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence import bundle, editions, layout, logs, studies, trust, workbook
from evidence.answers import companions
from evidence.exhibits import read_index
from evidence.layout import PAGE
from evidence.pages import TEMPLATES
from evidence.records import (
    REPOSITORY,
    Record,
    RunError,
    code_state,
    digest,
    file_digest,
    find,
    make_id,
    read_record,
    record_path,
    sealed,
    write_json,
)
from evidence.results import complete_years
from evidence.signoff import SignOff
from evidence.verify import EXHIBITS, INDEX, problems
from evidence.wording import SHORTHAND
from params import InputError
from params.errors import unknown

if TYPE_CHECKING:
    import xarray as xr

NOTEBOOKS = (
    *("01_intake_forecast", "02_funding_options", "03_council_pressure", "04_funding_ledgers"),
    *("05_answers", "06_joint_review", "07_calibration", "08_validation", "09_submission"),
)
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
    _reportable(study_id, studies.open_study(study_id, runs))
    study = read_record(find(runs, study_id, "study"))
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
        executed, cells = [], 0
        with _own_kernel():
            for name, (path, wanted) in sources.items():
                say(f"  notebook {name}")
                # The folder being written lies in the runs folder, so that no path of this machine is recorded.
                own = {**wanted, "study_id": study.id, "runs": "..", "out": EXHIBITS}
                if local is not None and "unit_costs" in _known_parameters(path):
                    own["unit_costs"] = UNIT_COSTS
                executed.append(partial / EXECUTED / f"{name}.ipynb")
                cells += execute(path, executed[-1], own, partial)
                _note_origin(partial / EXHIBITS, name)
        say("  logs, pages and workbooks")
        quality = logs.qa_log(record, study, tables, cells, weak_assumptions(study), validation, signoff)
        _plain_names(partial)
        logs.write_log(partial / logs.DATA_LOG, logs.data_log(tables))
        logs.write_log(partial / logs.QA_LOG, quality)
        no_pdf = layout.write(partial, record, study, executed, tables, quality, signoff)
        if no_pdf:
            say(f"  {no_pdf}")
        _workbooks(partial, record, study, tables)
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


def execute(source: Path, target: Path, parameters: Mapping[str, object], cwd: Path) -> int:
    """Execute one notebook; it counts only when every code cell completed.

    Args:
        source: notebook as committed.
        target: where the executed notebook goes.
        parameters: scalars for the cell tagged `parameters`.
        cwd: folder the notebook works in.

    Returns:
        The number of code cells that completed.

    Raises:
        InputError: for a parameter that the notebook does not have, or a value it refuses.
        RunError: when a cell failed, or the kernel died before the last cell.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    for name in parameters:
        _known_parameter(source, name)
    try:
        papermill.execute_notebook(
            str(source.resolve()),
            str(target),
            parameters=dict(parameters),
            kernel_name="python3",
            cwd=str(cwd),
            progress_bar=False,
            log_output=False,
        )
    except PapermillExecutionError as error:
        first = str(error.evalue).strip().splitlines()[0] if str(error.evalue).strip() else "no message"
        if error.ename == InputError.__name__:
            raise InputError(f"{source.name}: {error.evalue}") from error
        raise RunError(f"{source.name}: cell {error.cell_index} failed with {error.ename}: {first}") from error
    except RuntimeError as error:  # nbclient's DeadKernelError among others
        raise RunError(f"{source.name}: the kernel died ({error})") from error
    notebook = json.loads(target.read_text(encoding="utf-8"))
    unfinished = unfinished_cells(notebook)
    if unfinished:
        raise RunError(f"{source.name}: cell {unfinished[0]} did not complete; the report is not made")
    done = _code_cells(notebook)
    if any(cell not in done for cell in _code_cells(json.loads(source.read_text(encoding="utf-8")))):
        raise RunError(f"{source.name}: a cell is missing from what was executed; the report is not made")
    # Papermill notes where the files lay on this machine; a report that travels says their names only.
    notebook["metadata"]["papermill"] |= {"input_path": source.name, "output_path": target.name}
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(done)


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
    if unit_costs.is_file() and "unit_costs" in _known_parameters(source):
        own["unit_costs"] = str(unit_costs.resolve())
    with _own_kernel():
        execute(source, folder / source.name, {**_parameters_for(source, parameters), **own}, folder)


def _code_cells(notebook: Mapping[str, Any]) -> list[str]:
    """Source of every code cell that is not empty."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [source for source in sources if source.strip()]


def unfinished_cells(notebook: Mapping[str, Any]) -> list[int]:
    """Positions of code cells that did not complete, by Papermill's own mark on each cell.

    A dead kernel leaves no exception behind, so the absence of an error says nothing.
    """
    positions = []
    for position, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        mark = cell["metadata"].get("papermill", {})
        failed = any(output.get("output_type") == "error" for output in cell["outputs"])
        if mark.get("status") != "completed" or mark.get("exception") or failed:
            positions.append(position)
    return positions


def _notebook(name: str) -> Path:
    path = REPOSITORY / "notebooks" / f"{name}.ipynb"
    if not path.is_file():
        raise InputError(f"{path}: no such notebook. The report needs the project's notebooks folder.")
    return path


def _known_parameters(source: Path) -> list[str]:
    import papermill

    return list(papermill.inspect_notebook(str(source)))


def _known_parameter(source: Path, name: str) -> None:
    known = _known_parameters(source)
    if name not in known:
        raise unknown(source.name, "a parameter of this notebook", name, known)


def _parameters_for(source: Path, given: Mapping[str, object]) -> dict[str, object]:
    """Those of the given parameters that this notebook has."""
    known = _known_parameters(source)
    return {name: value for name, value in given.items() if name in known}


def _check_parameters(sources: Mapping[str, Path], given: Mapping[str, object]) -> None:
    """Refuse a parameter that no notebook has, or that the build itself sets."""
    known = {name for path in sources.values() for name in _known_parameters(path)} - set(_OWN_PARAMETERS)
    for name in given:
        if name not in known:
            raise unknown("report", "a notebook parameter", name, known)


def _local_costs(file: Path | None) -> bytes | None:
    """A filled unit-cost template as bytes, once every row of it has been checked."""
    if file is None:
        return None
    from evidence.unit_costs import read

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
    room = Path(__file__).parent
    code = sorted([*room.rglob("*.py"), *TEMPLATES.glob("*")])
    inputs = {f"notebooks/{path.name}": file_digest(path) for path in sources.values()}
    if local is not None:
        inputs["unit_costs"] = hashlib.sha256(local).hexdigest()
    content = {
        "study": study.id,
        "outputs": dict(study.outputs),
        "inputs": inputs,
        "code": {path.relative_to(room).as_posix(): file_digest(path) for path in code},
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


@contextmanager
def _own_kernel() -> Iterator[None]:
    """Make `python3` mean this interpreter, whatever kernels and start-up files the user has installed."""
    with tempfile.TemporaryDirectory(prefix="dispersal-kernel-") as temporary:
        home = Path(temporary)
        spec = home / "kernels" / "python3"
        spec.mkdir(parents=True)
        launch = ["-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        command = [sys.executable, *launch]
        content = {"argv": command, "display_name": "Python 3", "language": "python"}
        (spec / "kernel.json").write_text(json.dumps(content), encoding="utf-8")
        paths = [str(home), *filter(None, [os.environ.get("JUPYTER_PATH")])]
        wanted = {
            "JUPYTER_PATH": os.pathsep.join(paths),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _note_origin(exhibits: Path, notebook: str) -> None:
    """Note in the index which notebook made an exhibit, so that it can be made again alone."""
    write_json(exhibits / INDEX, [{"notebook": notebook} | entry for entry in read_index(exhibits)])


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
