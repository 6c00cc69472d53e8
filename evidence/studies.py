"""Studies: arms x draws x replications on all cores, into one store that can be resumed.

One task is one draw of one arm with all its replications. It writes whole chunks of its own and then its
receipt, with the sha256 of each chunk; a study is complete when every receipt is there and every hash agrees.
Tasks share nothing, so that one worker and many give the same bytes, and a task that was cut short is simply
done again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from evidence import intake
from evidence.ensemble import Design, command, load_arm, replicate, run_id
from evidence.progress import Progress, Silent, clock
from evidence.records import (
    Record,
    RunError,
    damaged,
    digest,
    exclusive,
    file_digest,
    find,
    make_id,
    model_version,
    package_versions,
    prepare_runs,
    read_record,
    record_path,
    reference_hashes,
    write_json,
    write_record,
)
from params.errors import InputError, nearest, unknown
from params.register import ROOT, describe, read_toml

if TYPE_CHECKING:
    import xarray as xr

    from params import Assumptions

STORE, RECEIPTS, INTAKE, LAYOUT = "store.zarr", "receipts", "intake.nc", "layout.json"
FAILURES = "failures"
_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)
_POLL_SECONDS = 0.25


class Arm(BaseModel):
    """One policy setting: a scenario and, at need, overrides by dotted name."""

    model_config = _STRICT
    label: str = Field(min_length=1, max_length=120)
    scenario: str
    overrides: dict[str, Any] = Field(default={}, alias="set")


class Study(BaseModel):
    """A study file as it is written in `params/studies`."""

    model_config = _STRICT
    title: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1)
    baseline: str
    draws: int
    replications: int
    seed: int
    start: date
    months: int
    arms: dict[str, Arm] = Field(min_length=1)

    @field_validator("arms")
    @classmethod
    def _names(cls, arms: dict[str, Arm]) -> dict[str, Arm]:
        for name in arms:
            if not re.match(_NAME, name):
                raise ValueError(f"{name!r} is not a name for an arm: small letters, digits and _, at most 40")
        return arms

    @property
    def design(self) -> Design:
        """How often, from when and for how long each arm runs."""
        return Design(self.draws, self.replications, self.seed, self.start, self.months)


@dataclass(frozen=True)
class Size:
    """How often a study is simulated, where a command asks for another number than the file's.

    Attributes:
        draws: draws, or None for the file's.
        replications: replications, or None for the file's.
        command: the command that asked, for the line that resumes it.
    """

    draws: int | None = None
    replications: int | None = None
    command: str = ""

    def given(self) -> dict[str, int]:
        """What replaces the file's numbers."""
        asked = {"draws": self.draws, "replications": self.replications}
        return {name: number for name, number in asked.items() if number is not None}

    def again(self, file: Path) -> str:
        """The line that resumes the study."""
        options = [f"--{name} {number}" for name, number in self.given().items()]
        return " ".join([self.command, *options]) if self.command else f"dispersal study {file}"


@dataclass(frozen=True)
class Task:
    """One draw of one arm, by name and by position on the store's axes."""

    arm: str
    draw: int
    place: tuple[int, int]

    @property
    def receipt(self) -> str:
        """Name of the file that vouches for the task's chunks."""
        return f"{self.arm}-{self.draw}.json"


@dataclass(frozen=True)
class Failure:
    """A replication that raised, with the line that repeats it."""

    arm: str
    draw: int
    replication: int
    message: str
    command: str


@dataclass(frozen=True)
class Plan:
    """A study with every arm resolved: all that its numbers depend on."""

    file: Path
    study: Study
    arms: Mapping[str, Assumptions]
    id: str
    again: str

    def tasks(self) -> list[Task]:
        """Every task, all arms of a draw together."""
        return [
            Task(arm, draw, (position, draw))
            for draw in range(self.study.draws)
            for position, arm in enumerate(self.arms)
        ]

    def drawn(self, arm: str, draw: int) -> Assumptions:
        """Assumptions of one draw of one arm."""
        return self.arms[arm].with_draw(draw, self.study.draws, self.study.seed)

    def command(self, task: Task, replication: int) -> str:
        """The line that repeats one replication as a run."""
        arm = self.study.arms[task.arm]
        return command(arm.scenario, arm.overrides, self.study.design, task.draw, replication)


class Interrupted(KeyboardInterrupt):
    """Stopped by the user; the study can be resumed."""


def read_study(file: Path) -> Study:
    """Read a study file.

    Raises:
        InputError: names the file, the key and the nearest valid name.
    """
    table = read_toml(file)
    try:
        study = Study.model_validate(table)
    except ValidationError as error:
        # Two misspelt keys: the first is named, with the keys of its own table.
        keys = [found["loc"] for found in error.errors() if found["type"] == "extra_forbidden"]
        model = Arm if keys and len(keys[0]) > 1 else Study
        options = [field.alias or name for name, field in model.model_fields.items()]
        raise InputError(f"{file}: {describe(error, options)}.") from None
    if study.baseline not in study.arms:
        raise unknown(f"{file}: baseline", "an arm", study.baseline, study.arms)
    return study


def plan(file: Path, size: Size | None = None) -> Plan:
    """Read a study file and resolve every arm, before anything is computed.

    Args:
        file: the study's TOML file.
        size: draws and replications that replace the file's.

    Raises:
        InputError: for anything in the file that cannot be used.
    """
    if not file.is_file():
        beside = [path for path in file.parent.glob("*.toml") if path.name != "pyproject.toml"]
        known = {path.stem: str(path) for path in beside}
        known = {path.stem: f"params/studies/{path.name}" for path in (ROOT / "studies").glob("*.toml")} | known
        guess = nearest(file.stem, known)
        raise InputError(f"{file}: no such study file. Nearest: {known[guess] if guess else min(known.values())}.")
    size = size or Size()
    study = read_study(file).model_copy(update=size.given())
    study.design.check(size.command or str(file))
    arms = {
        name: load_arm(arm.scenario, arm.overrides, f"{file}: arms.{name}.scenario", f"{file}: arms.{name}.set")
        for name, arm in study.arms.items()
    }
    for name, arm in arms.items():
        if intake.forecast_settings(arm) != intake.forecast_settings(arms[study.baseline]):
            raise InputError(
                f"{file}: arms.{name}: its forecast assumptions are not those of {study.baseline}; "
                f"the arms of one study share its intake forecast."
            )
    content = {
        "study": study.model_dump(mode="json", by_alias=True),
        "arms": [[name, arm.canonical()] for name, arm in arms.items()],  # a list: their order is the store's
        "model": model_version(),
        "reference": reference_hashes(),
    }
    return Plan(file, study, arms, make_id(file.stem, content), size.again(file))


def run_study(
    file: Path,
    runs: Path = Path("runs"),
    workers: int | None = None,
    progress: Progress | None = None,
    size: Size | None = None,
) -> str:
    """Run a study, resume it where it stopped, or return at once when it is complete.

    Args:
        file: the study's TOML file.
        runs: the folder of all runs.
        workers: threads; every core when None. It changes the time taken and nothing else.
        progress: told how far it is.
        size: draws and replications that replace the file's.

    Returns:
        The study's id, the name of its folder in `runs`.

    Raises:
        InputError: when the file cannot be used; nothing is written.
        RunError: when a replication failed (the others are kept), when the disk is full, or when another
        process is
            writing the same study.
        Interrupted: after Ctrl-C; what was finished is kept.
    """
    count = workers if workers is not None else os.cpu_count() or 1
    if not 1 <= count <= 1024:
        raise InputError(f"--workers is {count}; it must be from 1 to 1024.")
    planned = plan(file, size)
    prepare_runs(runs)
    with exclusive(runs, planned.id):
        _Engine(planned, runs, count, progress or Silent()).run()
    return planned.id


class _Engine:
    """One process's work on one study, holding its lock."""

    def __init__(self, planned: Plan, runs: Path, workers: int, progress: Progress) -> None:
        self.plan, self.runs, self.workers, self.progress = planned, runs, workers, progress
        self.folder = runs / planned.id
        self.stop = threading.Event()
        self.failures: list[Failure] = []
        self.finished = 0  # replications of this process; whole tasks are counted from receipts
        self._counting = threading.Lock()

    def run(self) -> None:
        """Finish the study, or leave it so that the next call resumes it."""
        study = self.plan.study
        if record_path(self.folder).is_file():
            record = read_record(self.folder)
            if record.status == "complete" and not missing(self.folder, record):
                self.progress.say(f"Study {self.plan.id} is complete; nothing to do.")
                return
            _same_packages(self.folder, record)
        self.progress.say(
            f"Study {self.plan.id}: {len(study.arms)} arms x {study.draws} draws x {study.replications} "
            f"replications, {study.months} months, {self.workers} {'thread' if self.workers == 1 else 'threads'}"
        )
        try:
            self._prepare()
            self._simulate()
        except KeyboardInterrupt:
            raise Interrupted(
                f"Stopped. What was finished is kept; resume with: {self.plan.again}"
            ) from None
        except OSError as error:
            raise RunError(
                f"{self.folder}: {error.strerror or error}; what was finished is kept. "
                f"Resume with: {self.plan.again}"
            ) from error
        if self.failures:
            raise RunError(self._failed())
        self._seal()

    def _seal(self) -> None:
        """Record the study as complete, with what vouches for every chunk."""
        record = read_record(self.folder)
        outputs = {INTAKE: record.outputs[INTAKE], LAYOUT: file_digest(self.folder / LAYOUT)}
        for task in self.plan.tasks():
            outputs[f"{RECEIPTS}/{task.receipt}"] = file_digest(self.folder / RECEIPTS / task.receipt)
        changed = [name for name, sha in record.outputs.items() if outputs.get(name) != sha]
        if changed:
            raise RunError(
                f"{self.folder}: what was made again differs from what was recorded ({changed[0]}); "
                f"move the folder away to begin again"
            )
        shutil.rmtree(self.folder / FAILURES, ignore_errors=True)
        write_record(self.folder, replace(record, status="complete", outputs=outputs))

    def _prepare(self) -> None:
        """Make the record, the intake forecast and the store's layout, whichever is missing or damaged."""
        study, design = self.plan.study, self.plan.study.design
        started = time.monotonic()
        self.progress.say("  intake forecast (made once)")
        source = intake.forecast(
            self.runs,
            horizon=design.quarters,
            origin=design.origin,
            seed=study.seed,
            assumptions=self.plan.arms[study.baseline],
        )
        (self.folder / RECEIPTS).mkdir(parents=True, exist_ok=True)
        known = read_record(source).outputs[intake.PATHS_FILE]
        if record_path(self.folder).is_file() and read_record(self.folder).outputs.get(INTAKE) != known:
            raise RunError(
                f"{self.folder}: was begun with another intake forecast and cannot be resumed; "
                f"move the folder away to begin again"
            )
        if damaged(self.folder, {INTAKE: known}):
            partial = self.folder / f".{INTAKE}.partial"
            shutil.copyfile(source / intake.PATHS_FILE, partial)
            partial.replace(self.folder / INTAKE)
        if not record_path(self.folder).is_file():
            said = {name: rows for name, arm in self.plan.arms.items() if (rows := arm.local.rows())}
            record = Record(
                id=self.plan.id,
                kind="study",
                title=study.title,
                settings=study.model_dump(mode="json", by_alias=True) | {"file": self.plan.file.name},
                assumptions={name: arm.canonical() for name, arm in self.plan.arms.items()},
                model_version=model_version(),
                inputs={**reference_hashes(), "study": digest(study.model_dump(mode="json", by_alias=True))},
                parents=(source.name,),
                outputs={INTAKE: known},
                status="unfinished",
                extra={"local_intelligence": said} if said else {},
            )
            write_record(self.folder, record)

        import forecasts

        self.paths = forecasts.read_paths(self.folder / INTAKE)
        self.progress.say(f"  {clock(time.monotonic() - started)} for that; compiling the monthly kernel (once)")
        self._layout()

    def _layout(self) -> None:
        """Run one replication, which compiles the kernel, and write the store's metadata if need be."""
        from evidence import store
        from evidence.reduction import reduce

        started = time.monotonic()
        for task in self.plan.tasks():
            try:
                drawn = self.plan.drawn(task.arm, task.draw)
                template = reduce(replicate(drawn, self.paths, self.plan.study.design, task.draw, 0))
                break
            except (OSError, KeyboardInterrupt):
                raise
            except Exception as error:
                self._note(task, 0, error)
        else:
            raise RunError(self._failed())
        self.failures.clear()  # the tasks meet them again
        self.progress.say(f"  {clock(time.monotonic() - started)} for that")
        layout = self.folder / LAYOUT
        if layout.is_file() and not damaged(self.folder, json.loads(layout.read_text(encoding="utf-8"))):
            return
        study = self.plan.study
        leading = {"arm": len(study.arms), "draw": study.draws, "replication": study.replications}
        written = store.create(self.folder / STORE, self._labelled(template), leading, whole=("replication",))
        write_json(layout, {f"{STORE}/{name}": sha for name, sha in written.items()})

    def _labelled(self, template: xr.Dataset) -> xr.Dataset:
        """The template with the study's axes and what a reader must know as attributes."""
        study, arms = self.plan.study, list(self.plan.arms)
        ids = [[run_id(self.plan.drawn(a, d), study.design, d) for d in range(study.draws)] for a in arms]
        return template.assign_coords(
            arm=("arm", arms, {"long_name": "arm: one policy setting"}),
            arm_label=("arm", [study.arms[arm].label for arm in arms], {"long_name": "arm, for a reader"}),
            draw=("draw", list(range(study.draws)), {"long_name": "draw: one set of assumptions"}),
            replication=(
                "replication", list(range(study.replications)), {"long_name": "replication: one random seed"}
            ),
            run_id=(("arm", "draw"), ids, {"long_name": "id of the same simulation as a single run"}),
            study_id=((), self.plan.id, {"long_name": "study"}),
        ).drop_attrs(deep=False).assign_attrs(
            {
                "Conventions": "CF-1.11",
                "title": study.title,
                "why": study.why,
                "source": f"dispersal workbench, model version {model_version()}",
                "comment": "Modelled estimates from synthetic households; not official statistics.",
                "study_id": self.plan.id,
                "baseline": study.baseline,
                "arm_labels": {name: arm.label for name, arm in study.arms.items()},
                "seed": str(study.seed),
                "start": study.start.isoformat(),
                "price_base": template.attrs["price_base"],
                "deflator": template.attrs["deflator"],
                "model_version": model_version(),
            }
        )  # fmt: skip

    def _simulate(self) -> None:
        """Run every task without a valid receipt."""
        study, tasks = self.plan.study, self.plan.tasks()
        known = read_record(self.folder).outputs
        left = deque(t for t in tasks if not _vouched(self.folder, t, known.get(f"{RECEIPTS}/{t.receipt}")))
        total, earlier = len(tasks) * study.replications, (len(tasks) - len(left)) * study.replications
        self.progress.begin(earlier, total)
        running: set[Future[None]] = set()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="study")
        try:
            while left or running:
                while left and len(running) < self.workers:
                    running.add(pool.submit(self._task, left.popleft()))
                done, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                self.progress.update(earlier + self.finished, len(self.failures))
        finally:
            # The running tasks see this between two replications and write nothing more.
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            self.progress.end()

    def _task(self, task: Task) -> None:
        """Simulate one draw of one arm, write its chunks, then its receipt."""
        import numpy as np

        from evidence import store
        from evidence.reduction import reduce

        replication, runs = 0, []
        try:
            drawn = self.plan.drawn(task.arm, task.draw)
            for replication in range(self.plan.study.replications):
                if self.stop.is_set():
                    return
                runs.append(reduce(replicate(drawn, self.paths, self.plan.study.design, task.draw, replication)))
                with self._counting:
                    self.finished += 1
            block = {str(name): np.stack([run[name].values for run in runs]) for name in runs[0].data_vars}
            chunks = store.write_chunk(self.folder / STORE, task.place, block)
        except OSError:
            raise
        except Exception as error:
            self._note(task, replication, error)
            return
        receipt = {
            "arm": task.arm,
            "draw": task.draw,
            "chunks": {f"{STORE}/{k}": v for k, v in chunks.items()},
        }
        write_json(self.folder / RECEIPTS / task.receipt, receipt | {"seal": digest(receipt)})

    def _note(self, task: Task, replication: int, error: Exception) -> None:
        """Keep a failure: one line for the person, the traceback in a file beside the receipts."""
        lines = str(error).strip().splitlines()
        message = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
        failure = Failure(task.arm, task.draw, replication, message, self.plan.command(task, replication))
        folder = self.folder / FAILURES
        folder.mkdir(exist_ok=True)
        name = f"{task.arm}-{task.draw}-{replication}.txt"
        (folder / name).write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        with self._counting:
            self.failures.append(failure)

    def _failed(self) -> str:
        first = self.failures[0]
        more = f" ({len(self.failures) - 1} more failed)" if len(self.failures) > 1 else ""
        return (
            f"{self.plan.id}: arm {first.arm}, draw {first.draw}, replication {first.replication} failed: "
            f"{first.message}{more}. The rest is kept; repeat it with:\n{first.command}"
        )


def _same_packages(folder: Path, record: Record) -> None:
    """Refuse to mix results of two sets of packages in one study."""
    now = package_versions()
    changed = [f"{name} {was} is now {now.get(name)}" for name, was in record.packages.items() if now.get(name) != was]
    if changed:
        raise RunError(
            f"{folder}: was begun with other packages ({', '.join(changed)}) and cannot be resumed; "
            f"move the folder away to begin again"
        )


def _vouched(folder: Path, task: Task, sha256: str | None = None) -> bool:
    """Whether a task's receipt is there, is the recorded one, and agrees with every chunk on disk."""
    path = folder / RECEIPTS / task.receipt
    try:
        if sha256 is not None and file_digest(path) != sha256:
            return False
        receipt = json.loads(path.read_text(encoding="utf-8"))
        sealed = receipt.pop("seal") == digest(receipt) and (receipt["arm"], receipt["draw"]) == (
            task.arm,
            task.draw,
        )
        return sealed and not damaged(folder, receipt["chunks"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def missing(folder: Path, record: Record) -> list[str]:
    """What a study lacks or has damaged: files, and tasks by their receipts."""
    settings = record.settings
    tasks = [
        Task(arm, draw, (position, draw))
        for draw in range(settings["draws"])
        for position, arm in enumerate(settings["arms"])
    ]
    absent = damaged(folder, {INTAKE: record.outputs[INTAKE]} if INTAKE in record.outputs else {})
    try:
        absent += damaged(folder, json.loads((folder / LAYOUT).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError):
        absent.append(LAYOUT)
    for task in tasks:
        name = f"{RECEIPTS}/{task.receipt}"
        if not _vouched(folder, task, record.outputs.get(name)):
            absent.append(name)
    return absent


def open_study(study_id: str, runs: Path = Path("runs")) -> xr.Dataset:
    """Open a complete study after checking every chunk against its receipt.

    Args:
        study_id: the study's id.
        runs: the folder of all runs.

    Returns:
        Dims `(arm, draw, replication, ...)`, as `evidence.reduction` describes; values are read when used.

    Raises:
        InputError: when there is no such study, or it is not complete; the message says how to finish it.
    """
    from evidence.store import open_store

    folder = find(runs, study_id, "study")
    record = read_record(folder)
    absent = missing(folder, record)
    if record.status != "complete" or absent:
        total = len(record.settings["arms"]) * record.settings["draws"]
        lacking = sum(1 for name in absent if name.startswith(f"{RECEIPTS}/"))
        raise InputError(
            f"{study_id}: is not complete ({total - lacking} of {total} parts are sound"
            f"{f', first missing: {absent[0]}' if absent else ''}). "
            f"Finish it with: dispersal study params/studies/{record.settings['file']}"
        )
    return open_store(folder / STORE)


def resolve(given: str, runs: Path) -> str:
    """Study id from an id or from a study file whose study is complete or begun.

    Raises:
        InputError: when neither exists.
    """
    file = Path(given)
    if file.suffix != ".toml":
        return find(runs, given, "study").name
    planned = plan(file)
    if not record_path(runs / planned.id).is_file():
        raise InputError(f"{file}: has not been run as it stands now. Run: dispersal study {file}")
    return planned.id
