"""One part of a study, simulated and stored: the same function on a thread, in a process, and on a cluster's worker.

What a worker is told is a folder, a study's id and a number. It reads the study's record there through the strict door,
resolves it with its own code, and refuses when its code, packages or reference tables are not those of the record.
Nothing that it is sent is code.
"""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.records import (
    Record,
    RunError,
    damaged,
    digest,
    file_digest,
    package_versions,
    read_record,
    write_json,
)
from evidence.studies.ensemble import replicate
from evidence.studies.plans import RECEIPTS, Part, Plan, parts_of, planned_again
from params.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

STORE, INTAKE, LAYOUT = "store.zarr", "intake.nc", "layout.json"
DONE, STOPPED, FAILED, DISK, REFUSED = "done", "stopped", "failed", "disk", "refused"
TIMEOUT = 600.0  # seconds for one replication, the compilation of the kernel among them
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Job:
    """What every part of one study needs.

    Attributes:
        plan: the study, resolved.
        folder: its folder.
        paths: intake paths.
    """

    plan: Plan
    folder: Path
    paths: xr.Dataset


@dataclass(frozen=True)
class Outcome:
    """How a part ended.

    Attributes:
        number: of the part.
        state: `done`, `stopped`, `failed` (a replication raised or hung), `disk` or `refused`.
        message: what went wrong, in one line.
        draw: draw of the replication that failed.
        replication: replication that failed.
        trace: traceback of the failure.
    """

    number: int
    state: str
    message: str = ""
    draw: int = 0
    replication: int = 0
    trace: str = ""


class Attempt:
    """A part being simulated in a thread of its own, which can be given up when one replication hangs.

    Args:
        job: the study.
        part: what to simulate.
        stop: set when the study stops; looked at between two replications.
        counted: called after each replication.
        wake: set when the thread ends.
        keep: whether to store the results.
    """

    def __init__(
        self,
        job: Job,
        part: Part,
        stop: threading.Event | None = None,
        counted: Callable[[], None] = lambda: None,
        wake: threading.Event | None = None,
        keep: bool = True,
    ) -> None:
        self.part = part
        self.outcome: Outcome | None = None
        self.template: xr.Dataset | None = None  # the first replication's results
        self._keep = keep
        self._job, self._stop, self._counted = job, stop or threading.Event(), counted
        self._wake = wake or threading.Event()
        self._given_up = threading.Event()
        self._at = (part.draws.start, part.replications.start)
        self._since = time.monotonic()
        # A daemon: a replication that hangs must not hold the process when everything else is done.
        self._thread = threading.Thread(target=self._run, name=f"part-{part.number}", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(seconds)

    def overdue(self, seconds: float) -> Outcome | None:
        """The outcome of a replication that has run for longer than `seconds`; the attempt then writes nothing."""
        taken = time.monotonic() - self._since
        if self.outcome is not None or taken <= seconds:
            return None
        self._given_up.set()
        draw, replication = self._at
        return Outcome(self.part.number, FAILED, f"TimeoutError: no end after {taken:.0f} s", draw, replication)

    def _run(self) -> None:
        try:
            self.outcome = self._simulated()
            # A model holds itself in circles, and Python looks for those too seldom for memory to stay flat.
            gc.collect()
        finally:
            self._wake.set()

    def _simulated(self) -> Outcome:
        number = self.part.number
        try:
            block = self._block()
            if block is None or self._given_up.is_set():
                return Outcome(number, STOPPED)
            if self._keep:
                _store(self._job.folder, self.part, block)
            return Outcome(number, DONE)
        except OSError as error:
            return Outcome(number, DISK, error.strerror or str(error) or type(error).__name__)
        except Exception as error:
            lines = str(error).strip().splitlines()
            message = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
            return Outcome(number, FAILED, message, *self._at, "".join(traceback.format_exception(error)))

    def _block(self) -> dict[str, Any] | None:
        """Results of every replication, by variable; None when the study stops."""
        import numpy as np

        from evidence.studies import reduction

        job, part = self._job, self.part
        block: dict[str, Any] = {}
        for i, draw in enumerate(part.draws):
            self._at = (draw, part.replications.start)
            drawn = job.plan.drawn(part.arm, draw)
            for j, replication in enumerate(part.replications):
                if self._stop.is_set() or self._given_up.is_set():
                    return None
                self._at, self._since = (draw, replication), time.monotonic()
                run = replicate(drawn, job.paths, job.plan.design, draw, replication)
                found = reduction.values(run, job.plan.study.outputs)
                if self.template is None:
                    self.template = reduction.reduce(run, job.plan.study.outputs)
                    lengths = (1, len(part.draws), len(part.replications))
                    block = {name: np.empty((*lengths, *own.shape), own.dtype) for name, own in found.items()}
                for name, own in found.items():
                    block[name][0, i, j] = own
                self._counted()
        self._since = time.monotonic()
        return block


def _store(folder: Path, part: Part, block: Mapping[str, Any]) -> None:
    """Write a part's shards, then the receipt that vouches for them."""
    from evidence.studies import store

    shards = store.write_shard(folder / STORE, part.place, block)
    receipt = {
        "arm": part.arm,
        "draws": [part.draws.start, part.draws.stop],
        "replications": [part.replications.start, part.replications.stop],
        "shards": {f"{STORE}/{name}": sha for name, sha in shards.items()},
    }
    try:
        write_json(folder / RECEIPTS / part.receipt, receipt | {"seal": digest(receipt)})
    except FileNotFoundError:
        # A cluster may run a part twice at once; the other one's receipt has the same bytes.
        if not vouched(folder, part):
            raise


def remote_part(folder: str, study_id: str, number: int, seconds: float) -> dict[str, Any]:
    """Simulate one part on a worker; returns an `Outcome` as plain data.

    Args:
        folder: the study's folder, on a disk that every worker shares.
        study_id: id of the study.
        number: of the part.
        seconds: a replication may take.
    """
    try:
        job = _job(folder, study_id)
    except (RunError, InputError, OSError) as error:
        return vars(Outcome(number, REFUSED, f"worker on {socket.gethostname()}: {error}"))
    attempt = Attempt(job, job.plan.parts[number])
    while attempt.outcome is None:
        attempt.wait(_POLL_SECONDS)
        hung = attempt.overdue(seconds)
        if hung is not None:
            return vars(hung)
    return vars(attempt.outcome)


_OPENING = threading.Lock()


def _job(folder: str, study_id: str) -> Job:
    with _OPENING:  # threads of one worker read a study once
        return _opened(folder, study_id)


@lru_cache(maxsize=2)
def _opened(folder: str, study_id: str) -> Job:
    """A study as this worker's own code and packages resolve it.

    Raises:
        RunError: the folder is not shared with this worker, or code, packages or reference tables differ.
    """
    import forecasts

    place = Path(folder)
    if place.name != study_id or not place.is_dir():
        raise RunError(f"{folder} is not there; the runs folder must be on a disk that every worker shares")
    record = read_record(place)
    same_packages(record)
    planned = planned_again(record)
    wrong = damaged(place, {INTAKE: record.outputs[INTAKE]})
    if wrong:
        raise RunError(f"{place / wrong[0]} is not the file that was recorded")
    gc.freeze()  # so that looking for circles between parts takes milliseconds
    return Job(planned, place, forecasts.read_paths(place / INTAKE))


def same_packages(record: Record) -> None:
    """Refuse to mix results of two sets of packages in one study.

    Raises:
        RunError: names what differs.
    """
    now = package_versions()
    changed = [f"{name} {was} is now {now.get(name)}" for name, was in record.packages.items() if now.get(name) != was]
    if changed:
        raise RunError(
            f"{record.id}: was begun with other packages ({', '.join(changed)}) and cannot be resumed; "
            f"move the folder away to begin again"
        )


def vouched(folder: Path, part: Part, sha256: str | None = None) -> bool:
    """Whether a part's receipt is there, is the recorded one, and agrees with every shard on disk."""
    path = folder / RECEIPTS / part.receipt
    try:
        if sha256 is not None and file_digest(path) != sha256:
            return False
        receipt = json.loads(path.read_text(encoding="utf-8"))
        mine = [part.arm, [part.draws.start, part.draws.stop], [part.replications.start, part.replications.stop]]
        sealed = receipt.pop("seal") == digest(receipt)
        same = [receipt["arm"], receipt["draws"], receipt["replications"]] == mine
        return sealed and same and not damaged(folder, receipt["shards"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def missing(folder: Path, record: Record) -> list[str]:
    """What a study lacks or has damaged: files, and parts by their receipts."""
    absent = damaged(folder, {INTAKE: record.outputs[INTAKE]} if INTAKE in record.outputs else {})
    try:
        absent += damaged(folder, json.loads((folder / LAYOUT).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError):
        absent.append(LAYOUT)
    for part in parts_of(record.settings):
        name = f"{RECEIPTS}/{part.receipt}"
        if not vouched(folder, part, record.outputs.get(name)):
            absent.append(name)
    return absent
