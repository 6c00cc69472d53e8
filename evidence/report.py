"""The report: three notebooks executed one at a time, and one accessible HTML file made from what they show.

A report folder is whole or absent. Everything in it comes from one finished study: executed notebooks, figures, the
data of each exhibit, the index of evidence ids, the assumptions log, checksums and the record.
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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence import studies, trust
from evidence.answers import companions
from evidence.exhibits import read_index
from evidence.pages import TEMPLATES, write_html
from evidence.records import (
    REPOSITORY,
    Record,
    RunError,
    code_state,
    damaged,
    digest,
    file_digest,
    find,
    make_id,
    read_record,
    record_path,
    sealed,
)
from evidence.results import complete_years
from evidence.verify import EXHIBITS
from evidence.wording import day, month
from params import InputError
from params.errors import unknown

if TYPE_CHECKING:
    import xarray as xr

NOTEBOOKS = (
    *("01_intake_forecast", "02_funding_options", "03_council_pressure", "04_funding_ledgers"),
    *("05_answers", "06_joint_review", "07_calibration", "08_validation"),
)
PAGE, LOG = "report.html", "assumptions_log.csv"
UNIT_COSTS = "unit_costs.csv"
EXECUTED = "notebooks"
SUMMARY = "Summary"
# Cells that make a notebook work but say nothing to a reader of the report.
_UNSEEN = {"parameters", "injected-parameters", "setup", "claims"}
# The build sets these; a user's value would send evidence elsewhere.
_OWN_PARAMETERS = ("study_id", "runs", "out", "unit_costs")


@dataclass(frozen=True)
class Section:
    """One section of the report: a second-level heading of a notebook and what follows it."""

    title: str
    html: str

    @property
    def anchor(self) -> str:
        """Name to link to."""
        return "-".join(self.title.lower().split())


def build(
    study_id: str,
    runs: Path = Path("runs"),
    parameters: Mapping[str, object] | None = None,
    unit_costs: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Build the report of a finished study, or find the same report made earlier.

    Args:
        study_id: id of the study.
        runs: folder of all runs.
        parameters: further notebook parameters by name, such as `region`.
        unit_costs: councils' own unit costs, a filled template; a copy travels with the report.
        say: told what is being done, one line at a time.

    Returns:
        Path of `report.html`.

    Raises:
        InputError: for an unknown or unfinished study or an unknown parameter; nothing is written.
        RunError: when a notebook does not complete; nothing is left under the report's id.
    """
    local = _local_costs(unit_costs)
    sources = {name: _notebook(name) for name in NOTEBOOKS}
    _check_parameters(sources, parameters or {})
    _reportable(study_id, studies.open_study(study_id, runs))
    study = read_record(find(runs, study_id, "study"))
    beside = companions.finished(runs, study.model_version) | trust.companions(runs, study.model_version)
    extra: dict[str, object] = {**beside, **(parameters or {})}
    wanted = {name: _parameters_for(path, extra) for name, path in sources.items()}
    record = _record(study, sources, extra, local)
    folder = runs / record.id
    if record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs):
        return folder / PAGE
    with sealed(runs, record, replace_existing=True) as partial:
        for name in (EXECUTED, EXHIBITS):
            (partial / name).mkdir()
        if local is not None:
            (partial / UNIT_COSTS).write_bytes(local)
        executed = []
        with _own_kernel():
            for name, path in sources.items():
                say(f"  notebook {name}")
                # The folder being written lies in the runs folder, so that no path of this machine is recorded.
                own = {"study_id": study_id, "runs": "..", "out": EXHIBITS} | wanted[name]
                if local is not None and "unit_costs" in _known_parameters(path):
                    own["unit_costs"] = UNIT_COSTS
                target = partial / EXECUTED / f"{name}.ipynb"
                execute(path, target, own, partial)
                executed.append(target)
        _page(partial, record, study, executed)
        _assumptions_log(partial)
    return folder / PAGE


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


def execute(source: Path, target: Path, parameters: Mapping[str, object], cwd: Path) -> None:
    """Execute one notebook; it counts only when every code cell completed.

    Args:
        source: notebook as committed.
        target: where the executed notebook goes.
        parameters: scalars for the cell tagged `parameters`.
        cwd: folder the notebook works in.

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
    # Papermill notes where the files lay on this machine; a report that travels says their names only.
    notebook["metadata"]["papermill"] |= {"input_path": source.name, "output_path": target.name}
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


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
    study: Record, sources: Mapping[str, Path], parameters: Mapping[str, object], local: bytes | None
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
        "parameters": dict(parameters),
    }
    return Record(
        id=make_id(f"report-{study.id}", content),
        kind="report",
        title=study.title,
        settings={"study": study.id, "parameters": dict(parameters)},
        assumptions=study.assumptions,
        model_version=study.model_version,
        inputs=inputs | {"code": digest(content["code"])},
        parents=(study.id, *companions.ids(parameters), *trust.ids(parameters)),
        warnings=study.warnings,
    )


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


def sections(notebook: Mapping[str, Any]) -> list[Section]:
    """Parts of an executed notebook that a reader of the report sees: its text and its exhibits, by second heading."""
    from nbconvert.filters import markdown2html

    found: list[tuple[str, list[str]]] = []
    for cell in notebook["cells"]:
        if _UNSEEN & set(cell["metadata"].get("tags", [])):
            continue
        if cell["cell_type"] == "markdown":
            for block in _blocks("".join(cell["source"])):
                heading, _, text = block.partition("\n")
                if heading.startswith("## "):
                    found.append((heading.removeprefix("## ").strip(), []))
                    block = text
                if found and block.strip():
                    found[-1][1].append(markdown2html(block))
            continue
        for output in cell["outputs"]:
            html = output.get("data", {}).get("text/html")
            if html and found:
                found[-1][1].append("".join(html))
    return [Section(title, "\n".join(parts)) for title, parts in found]


def joined(parts: Sequence[Section]) -> list[Section]:
    """Sections of one title as one, in the first one's place: several notebooks add to the summary."""
    found: dict[str, list[str]] = {}
    for part in parts:
        found.setdefault(part.title, []).append(part.html)
    return [Section(title, "\n".join(html)) for title, html in found.items()]


def _blocks(text: str) -> list[str]:
    """Markdown parted before each second-level heading; the notebook's own title is left out."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("# "):
            continue
        if line.startswith("## "):
            blocks.append([])
        blocks[-1].append(line)
    return ["\n".join(block) for block in blocks if block]


def _page(folder: Path, record: Record, study: Record, executed: list[Path]) -> None:
    from evidence.baseline import vintage
    from params.tables import reference_names, reference_record

    parts = joined([s for path in executed for s in sections(json.loads(path.read_text(encoding="utf-8")))])
    # A reader wants the answer first; it stands where its notebook computes it.
    parts.sort(key=lambda section: section.title != SUMMARY)
    tables = [reference_record(name) for name in reference_names()]
    write_html(
        "report.html.j2",
        folder / PAGE,
        record=record,
        study=study,
        start=day(study.settings["start"]),
        end=month(np.datetime64(study.settings["start"], "M") + np.timedelta64(study.settings["months"], "M")),
        vintages={"support": vintage("support_by_council"), "intake": vintage("intake")},
        code=code_state(),
        sections=parts,
        exhibits=read_index(folder / EXHIBITS),
        tables=tables,
        attributions=list(dict.fromkeys(table["attribution"] for table in tables)),
    )


def _assumptions_log(folder: Path) -> None:
    """Copy the log's data under a name that a person looks for."""
    entry = next(e for e in read_index(folder / EXHIBITS) if e["name"] == "assumptions_log")
    shutil.copyfile(folder / EXHIBITS / f"{entry['id']}.csv", folder / LOG)
