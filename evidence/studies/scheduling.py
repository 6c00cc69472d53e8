"""Where the parts of a study are simulated: threads of this process, or a Dask cluster's workers.

Both yield how each part ended, and nothing while they wait, so that the study's engine treats them alike. Dask runs a
task at least once: parts are idempotent, and a part whose worker died is given to another one, a few times.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evidence.records import RunError
from evidence.studies.parts import FAILED, Attempt, Job, Outcome, remote_part, vouched
from evidence.studies.plans import Part

if TYPE_CHECKING:
    from distributed import Client, Future

_POLL_SECONDS = 0.25
_TRIES = 3  # a part that costs this many workers is the part's fault
_NO_WORKERS_SECONDS = 120.0
_SHARED_DISK_SECONDS = 15.0  # a network disk may show another machine's files late


def on_threads(
    job: Job, parts: Sequence[Part], workers: int, seconds: float, counted: Callable[[], None]
) -> Generator[Outcome | None]:
    """Simulate parts on threads of this process.

    Args:
        job: the study.
        parts: what to simulate.
        workers: threads.
        seconds: a replication may take; one that takes longer is given up, and another thread takes its place.
        counted: called after each replication, from its thread.

    Yields:
        How a part ended, or None when nothing has ended for a moment.
    """
    left, running = deque(parts), list[Attempt]()
    stop, wake = threading.Event(), threading.Event()
    try:
        while left or running:
            while left and len(running) < workers:
                running.append(Attempt(job, left.popleft(), stop, counted, wake))
            wake.wait(_POLL_SECONDS)
            wake.clear()
            ended = [(attempt, attempt.outcome or attempt.overdue(seconds)) for attempt in running]
            running = [attempt for attempt, outcome in ended if outcome is None]
            yield None
            for _, outcome in ended:
                if outcome is not None:
                    yield outcome
    finally:
        # The running threads see this between two replications and write nothing more.
        stop.set()
        for attempt in running:
            while attempt.outcome is None and attempt.overdue(seconds) is None:
                attempt.wait(_POLL_SECONDS)


def on_cluster(client: Client, job: Job, parts: Sequence[Part], seconds: float) -> Generator[Outcome | None]:
    """Simulate parts on a cluster's workers; arguments and yields as `on_threads`.

    Raises:
        RunError: when there are no workers for two minutes, or a worker's files are not to be seen here.
    """
    from distributed import KilledWorker

    left, running = deque(parts), dict[Part, Any]()
    alone = deque[Part]()  # whoever dies with a bad part is not to blame: the last try is with nobody beside it
    tried: Counter[Part] = Counter()
    alive = time.monotonic()
    try:
        while left or running or alone:
            threads = sum(client.nthreads().values())
            if threads:
                alive = time.monotonic()
            elif time.monotonic() - alive > _NO_WORKERS_SECONDS:
                raise RunError(f"the cluster has had no workers for {_NO_WORKERS_SECONDS:.0f} seconds")
            while left and len(running) < 2 * threads:  # one in hand, one in the queue
                part = left.popleft()
                running[part] = _submitted(client, job, part, seconds)
            if threads and alone and not running:
                part = alone.popleft()
                running[part] = _submitted(client, job, part, seconds)
            time.sleep(_POLL_SECONDS / 5)
            yield None
            for part in [part for part, future in running.items() if future.done()]:
                future = running.pop(part)
                if future.status == "finished":
                    outcome = Outcome(**future.result())
                    if outcome.state == "done":
                        _seen(job, part)
                    yield outcome
                    continue
                tried[part] += 1
                error = future.exception() if future.status == "error" else None
                if tried[part] < _TRIES and (error is None or isinstance(error, KilledWorker)):
                    (left if tried[part] < _TRIES - 1 else alone).append(part)
                    continue
                said = repr(error)
                if isinstance(error, KilledWorker):
                    last = f"draw {part.draws[-1]}, replication {part.replications[-1]}"
                    said = f"its worker died {tried[part]} times, here or up to {last}"
                yield Outcome(part.number, FAILED, said, part.draws.start, part.replications.start)
    finally:
        with suppress(Exception):  # a cluster that has gone has nothing to cancel
            client.cancel(list(running.values()))


def _submitted(client: Client, job: Job, part: Part, seconds: float) -> Future:
    folder = str(job.folder.resolve())
    return client.submit(remote_part, folder, job.plan.id, part.number, seconds, pure=False)


def _seen(job: Job, part: Part) -> None:
    """Check that what a worker stored is on this machine's disk too."""
    until = time.monotonic() + _SHARED_DISK_SECONDS
    while not vouched(job.folder, part):
        if time.monotonic() > until:
            raise RunError(
                f"{job.folder}: {part.receipt} was stored by a worker and is not sound here; the runs folder must be "
                f"on a disk that every worker shares"
            )
        time.sleep(1)

