"""Studies: arms x draws x replications, on threads or a cluster, into one store that can be resumed and extended.

A part of a study is whole shards of the store; it is written with a receipt that holds the sha256 of each. A study is
complete when every receipt is there and every hash agrees.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.progress import Progress, Silent, clock
from evidence.records import (
    Record,
    RunError,
    damaged,
    digest,
    exclusive,
    file_digest,
    find,
    listed,
    model_version,
    package_versions,
    prepare_runs,
    read_record,
    record_path,
    reference_hashes,
    write_json,
    write_record,
)
from evidence.studies import intake
from evidence.studies.ensemble import run_id
from evidence.studies.files import Size
from evidence.studies.parts import (
    DISK,
    DONE,
    FAILED,
    INTAKE,
    LAYOUT,
    REFUSED,
    STORE,
    TIMEOUT,
    Attempt,
    Job,
    Outcome,
    missing,
    same_packages,
    vouched,
)
from evidence.studies.plans import RECEIPTS, Part, Plan, canonical, changes, parts_of, plan, planned_again
from params.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

FAILURES = "failures"
MOST_WORKERS = 1024


class Interrupted(KeyboardInterrupt):
    """Stopped by the user; the study can be resumed."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: where the work stood is of no interest to who stopped it."""
        return [str(self)]


def run_study(
    file: Path,
    runs: Path = Path("runs"),
    workers: int | None = None,
    progress: Progress | None = None,
    size: Size | None = None,
) -> str:
    """Run a study on threads, resume it where it stopped, or return at once when it is complete.

    Args:
        file: the study's TOML file.
        runs: the folder of all runs.
        workers: threads; every core when None. It changes the time taken and nothing else.
        progress: told how far it is.
        size: numbers that replace the file's.

    Returns:
        The study's id, the name of its folder in `runs`.

    Raises:
        InputError: when the file cannot be used; nothing is written.
        RunError: when a replication failed (the others are kept), when the disk is full, or when another
        process is
            writing the same study.
        Interrupted: after Ctrl-C; what was finished is kept.
    """
    _workers(workers)
    return run_plan(plan(file, size), runs, workers, progress)


def resume_study(
    study_id: str,
    runs: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
    seconds: float = TIMEOUT,
) -> str:
    """Resume a study by its id; arguments, return and errors as `run_plan`.

    Raises:
        InputError: no such study.
        RunError: code, assumptions or reference tables changed since it was begun; says which.
    """
    _workers(workers)
    planned = planned_again(read_record(find(runs, study_id, "study")))
    return run_plan(planned, runs, workers, progress, scheduler, seconds)


def run_plan(
    planned: Plan,
    runs: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
    seconds: float = TIMEOUT,
) -> str:
    """Run, resume or find a study that is planned.

    Args:
        planned: the study.
        runs: the folder of all runs.
        workers: threads, or workers asked of a cluster that is set up here.
        progress: told how far it is.
        scheduler: None for threads; an address, a kind of cluster, or a cluster's file.
        seconds: a replication may take.

    Returns:
        The study's id.

    Raises:
        InputError: for a scheduler or a number that cannot be used; nothing is written.
        RunError: as `run_study`; the cluster cannot be reached, or a worker's versions differ.
        Interrupted: after Ctrl-C; what was finished is kept.
    """
    _workers(workers)
    if not 1 <= seconds <= 86_400:
        raise InputError(f"--timeout is {seconds:g}; it must be from 1 to 86,400 seconds.")
    if scheduler is not None:
        from evidence.studies.clusters import chosen

        chosen(scheduler, workers)
    prepare_runs(runs)
    with exclusive(runs, planned.id):
        _Engine(planned, runs, workers, progress or Silent(), scheduler, seconds).run()
    return planned.id


def _workers(given: int | None) -> None:
    if given is not None and not 1 <= given <= MOST_WORKERS:
        raise InputError(f"--workers is {given}; it must be from 1 to {MOST_WORKERS}.")


class _Engine:
    """One process's work on one study, holding its lock."""

    def __init__(
        self, planned: Plan, runs: Path, workers: int | None, progress: Progress, scheduler: str | None, seconds: float
    ) -> None:
        self.plan, self.runs, self.workers, self.progress = planned, runs, workers, progress
        self.scheduler, self.seconds = scheduler, seconds
        self.folder = runs / planned.id
        self.failures: list[Outcome] = []
        self.finished = 0  # replications of this process; whole parts are counted from receipts
        self._counting = threading.Lock()

    def run(self) -> None:
        """Finish the study, or leave it so that the next call resumes it."""
        study = self.plan.study
        if record_path(self.folder).is_file():
            record = read_record(self.folder)
            if record.status == "complete" and not missing(self.folder, record):
                self.progress.say(f"Study {self.plan.id} is complete; nothing to do.")
                return
            same_packages(record)
        self.progress.say(
            f"Study {self.plan.id}: {len(study.arms)} arms x {self.plan.draws} draws x {study.replications} "
            f"replications, {study.months} months"
        )
        again = f"what was finished is kept. Resume with: {self.plan.again}"
        try:
            self._prepare()
            self._simulate()
            if self.failures:
                raise RunError(self._failed())
            self._seal()
        except KeyboardInterrupt:
            raise Interrupted(
                f"Stopped. What was finished is kept; resume with: {self.plan.again}"
            ) from None
        except OSError as error:
            raise RunError(f"{self.folder}: {error.strerror or error}; {again}") from error

    def _prepare(self) -> None:
        """Make the record, the intake forecast and the store's layout, whichever is missing or damaged."""
        study, design = self.plan.study, self.plan.design
        started = time.monotonic()
        self.progress.say("  intake forecast (made once)")
        source = intake.forecast(
            self.runs,
            horizon=design.quarters,
            origin=design.origin,
            seed=study.seed,
            assumptions=self.plan.arms[study.baseline],
        )
        known = read_record(source).outputs[intake.PATHS_FILE]
        begun = record_path(self.folder).is_file()
        if begun and read_record(self.folder).outputs.get(INTAKE) != known:
            raise RunError(
                f"{self.folder}: was begun with another intake forecast and cannot be resumed; "
                f"move the folder away to begin again"
            )
        if not begun:
            for line in _others(self.plan, self.runs):
                self.progress.say(f"  {line}")
        (self.folder / RECEIPTS).mkdir(parents=True, exist_ok=True)
        if damaged(self.folder, {INTAKE: known}):
            partial = self.folder / f".{INTAKE}.partial"
            shutil.copyfile(source / intake.PATHS_FILE, partial)
            partial.replace(self.folder / INTAKE)
        if not begun:
            said = {name: rows for name, arm in self.plan.arms.items() if (rows := arm.local.rows())}
            record = Record(
                id=self.plan.id,
                kind="study",
                title=study.title,
                settings=self.plan.settings,
                assumptions=canonical(self.plan),
                model_version=model_version(),
                inputs={**reference_hashes(), "study": digest(study.model_dump(mode="json", by_alias=True))},
                parents=(source.name,),
                outputs={INTAKE: known},
                packages=package_versions(),
                status="unfinished",
                extra={"family": self.plan.family} | ({"local_intelligence": said} if said else {}),
            )
            write_record(self.folder, record)

        import forecasts

        self.job = Job(self.plan, self.folder, forecasts.read_paths(self.folder / INTAKE))
        self.progress.say(f"  {clock(time.monotonic() - started)} for that")
        self._layout()
        self._adopt()

    def _layout(self) -> None:
        """Run one replication, which compiles the kernel, and write the store's metadata if need be."""
        from evidence.studies import store

        layout = self.folder / LAYOUT
        if layout.is_file() and not damaged(self.folder, json.loads(layout.read_text(encoding="utf-8"))):
            return
        started = time.monotonic()
        template = self._template()
        self.progress.say(f"  {clock(time.monotonic() - started)} for that")
        study, (draws, replications) = self.plan.study, self.plan.settings["part"]
        leading = {"arm": len(study.arms), "draw": self.plan.draws, "replication": study.replications}
        part = {"draw": draws, "replication": replications}
        written = store.create(self.folder / STORE, labelled(self.plan, template), leading, part)
        write_json(layout, {f"{STORE}/{name}": sha for name, sha in written.items()})

    def _template(self) -> xr.Dataset:
        """Results of the first replication that can be simulated."""
        for part in self.plan.parts:
            one = replace(part, draws=part.draws[:1], replications=part.replications[:1])
            trial, outcome = Attempt(self.job, one, keep=False), None
            while outcome is None:
                trial.wait(0.25)
                outcome = trial.outcome or trial.overdue(self.seconds)
            if outcome.state == DISK:
                raise OSError(outcome.message)
            if trial.template is not None:
                self.failures.clear()  # the parts meet them again
                return trial.template
            self._note(outcome)
        raise RunError(self._failed())

    def _adopt(self) -> None:
        """Take over the sound parts of the study that this one extends, or of other extensions of it."""
        here = self.folder / RECEIPTS
        wanted = {part.receipt: part for part in self.plan.parts if not (here / part.receipt).exists()}
        adopted = 0
        for name in listed(self.runs, "study"):
            record = read_record(self.runs / name)
            if not wanted or name == self.plan.id or record.extra.get("family") != self.plan.family:
                continue
            for part in parts_of(record.settings):
                sha256 = record.outputs.get(f"{RECEIPTS}/{part.receipt}")
                if part.receipt in wanted and vouched(self.runs / name, part, sha256):
                    self._copy(self.runs / name, wanted.pop(part.receipt))
                    adopted += 1
        if adopted:
            self.progress.say(f"  {adopted} of {len(self.plan.parts)} parts taken from the study that this one extends")

    def _copy(self, source: Path, part: Part) -> None:
        """Copy a part's shards, then its receipt."""
        receipt = f"{RECEIPTS}/{part.receipt}"
        shards = json.loads((source / receipt).read_text(encoding="utf-8"))["shards"]
        for name in (*shards, receipt):
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.partial")
            shutil.copyfile(source / name, partial)
            partial.replace(target)

    def _simulate(self) -> None:
        """Run every part without a valid receipt."""
        parts, known = self.plan.parts, read_record(self.folder).outputs
        left = [part for part in parts if not vouched(self.folder, part, known.get(f"{RECEIPTS}/{part.receipt}"))]
        total = sum(part.size for part in parts)
        earlier = total - sum(part.size for part in left)
        if not left:
            return
        gc.freeze()  # so that looking for circles between parts takes milliseconds
        with self._pool(left) as outcomes:
            self.progress.begin(earlier, total)
            try:
                for outcome in outcomes:
                    if outcome is not None:
                        self._ended(outcome)
                    self.progress.update(earlier + self.finished, len(self.failures))
            finally:
                outcomes.close()
                self.progress.end()
                gc.unfreeze()

    @contextmanager
    def _pool(self, left: list[Part]) -> Iterator[Generator[Outcome | None]]:
        """What simulates the parts."""
        from evidence.studies import scheduling

        if self.scheduler is None:
            workers = self.workers or os.cpu_count() or 1
            self.progress.say(f"  on {workers} {'thread' if workers == 1 else 'threads'}")
            yield scheduling.on_threads(self.job, left, workers, self.seconds, self._count)
            return
        from evidence.studies.clusters import connected

        with connected(self.scheduler, self.workers, self.progress.say) as client:
            yield scheduling.on_cluster(client, self.job, left, self.seconds)

    def _count(self, replications: int = 1) -> None:
        with self._counting:
            self.finished += replications

    def _ended(self, outcome: Outcome) -> None:
        """Take note of a part that ended."""
        if outcome.state == DISK:
            raise OSError(outcome.message)
        if outcome.state == REFUSED:
            raise RunError(f"{self.plan.id}: {outcome.message.rstrip(".")}. Resume with: {self.plan.again}")
        if outcome.state == FAILED:
            self._note(outcome)
        elif outcome.state == DONE and self.scheduler is not None:
            self._count(self.plan.parts[outcome.number].size)

    def _note(self, outcome: Outcome) -> None:
        """Keep a failure; its traceback goes to a file beside the receipts."""
        folder = self.folder / FAILURES
        folder.mkdir(exist_ok=True)
        arm = self.plan.parts[outcome.number].arm
        name = f"{arm}-{outcome.draw}-{outcome.replication}.txt"
        (folder / name).write_text(outcome.trace or outcome.message, encoding="utf-8")
        self.failures.append(outcome)

    def _failed(self) -> str:
        first = self.failures[0]
        arm = self.plan.parts[first.number].arm
        more = f" ({len(self.failures) - 1} more failed)" if len(self.failures) > 1 else ""
        return (
            f"{self.plan.id}: arm {arm}, draw {first.draw}, replication {first.replication} failed: "
            f"{first.message}{more}. The rest is kept; repeat it with:\n"
            f"{self.plan.command(arm, first.draw, first.replication)}"
        )

    def _seal(self) -> None:
        """Record the study as complete, with what vouches for every shard."""
        record = read_record(self.folder)
        outputs = {INTAKE: record.outputs[INTAKE], LAYOUT: file_digest(self.folder / LAYOUT)}
        for part in self.plan.parts:
            outputs[f"{RECEIPTS}/{part.receipt}"] = file_digest(self.folder / RECEIPTS / part.receipt)
        changed = [name for name, sha in record.outputs.items() if outputs.get(name) != sha]
        if changed:
            raise RunError(
                f"{self.folder}: what was made again differs from what was recorded ({changed[0]}); "
                f"move the folder away to begin again"
            )
        shutil.rmtree(self.folder / FAILURES, ignore_errors=True)
        write_record(self.folder, replace(record, status="complete", outputs=outputs))


def _others(planned: Plan, runs: Path) -> list[str]:
    """Lines about unfinished studies of the same file that are not resumed, and what changed since they were begun."""
    told = []
    for name in listed(runs, "study"):
        record = read_record(runs / name)
        settings = {key: value for key, value in record.settings.items() if key != "first"}
        mine = {key: value for key, value in planned.settings.items() if key != "first"}
        why = changes(record.assumptions, record.model_version, planned)
        if record.status == "unfinished" and settings == mine and record.id != planned.id:
            told.append(f"{name} is unfinished and is not resumed: {why}")
    return told


def labelled(planned: Plan, template: xr.Dataset) -> xr.Dataset:
    """The template with a study's axes and what a reader must know as attributes."""
    study, arms = planned.study, list(planned.arms)
    ids = [[run_id(planned.drawn(a, d), planned.design, d) for d in range(planned.draws)] for a in arms]
    found = template.assign_coords(
        arm=("arm", arms, {"long_name": "arm: one policy setting"}),
        arm_label=("arm", [study.arms[arm].label for arm in arms], {"long_name": "arm, for a reader"}),
        draw=("draw", list(range(planned.draws)), {"long_name": "draw: one set of assumptions"}),
        replication=(
            "replication", list(range(study.replications)), {"long_name": "replication: one random seed"}
        ),
        run_id=(("arm", "draw"), ids, {"long_name": "id of the same simulation as a single run"}),
        study_id=((), planned.id, {"long_name": "study"}),
    ).drop_attrs(deep=False)  # fmt: skip
    if planned.levels is not None:
        about = {"units": "1", "long_name": "probability level of the assumption in a draw; none where it is central"}
        found = found.assign_coords(
            assumption=("assumption", list(planned.levels.axes), {"long_name": "uncertain assumption"}),
            level=(("draw", "assumption"), planned.levels.values, about),
        )
    if study.levers is not None:
        levers = list(study.levers.levels)
        setting = [[json.dumps(study.arms[arm].overrides[lever], default=str) for lever in levers] for arm in arms]
        found = found.assign_coords(
            lever=("lever", levers, {"long_name": "policy setting that arms differ in"}),
            setting=(("arm", "lever"), setting, {"long_name": "value of the lever in an arm"}),
        )
    return found.assign_attrs(
        {
            "Conventions": "CF-1.11",
            "title": study.title,
            "why": study.why,
            "source": f"dispersal workbench, model version {model_version()}",
            "comment": "Modelled estimates from synthetic households; not official statistics.",
            "study_id": planned.id,
            "baseline": study.baseline,
            "arm_labels": {name: arm.label for name, arm in study.arms.items()},
            "seed": str(study.seed),
            "start": study.start.isoformat(),
            "price_base": template.attrs["price_base"],
            "deflator": template.attrs["deflator"],
            "model_version": model_version(),
        }
    )


def open_study(study_id: str, runs: Path = Path("runs")) -> xr.Dataset:
    """Open a complete study after checking every shard against its receipt.

    Args:
        study_id: the study's id.
        runs: the folder of all runs.

    Returns:
        Dims `(arm, draw, replication, ...)`, as `evidence.studies.reduction` describes; values are read when used.

    Raises:
        InputError: when there is no such study, or it is not complete; the message says how to finish it.
    """
    from evidence.studies.store import open_store

    folder = find(runs, study_id, "study")
    record = read_record(folder)
    absent = missing(folder, record)
    if record.status != "complete" or absent:
        sound, total = soundness(record, absent)
        raise InputError(
            f"{study_id}: is not complete ({sound} of {total} parts are sound"
            f"{f', first missing: {absent[0]}' if absent else ''}). "
            f"Finish it with: dispersal study --resume {study_id}"
        )
    return open_store(folder / STORE)


def soundness(record: Record, absent: list[str]) -> tuple[int, int]:
    """Sound parts of a study, and all its parts.

    Args:
        record: the study's.
        absent: what `missing` found.
    """
    total = len(parts_of(record.settings))
    return total - sum(name.startswith(f"{RECEIPTS}/") for name in absent), total


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
