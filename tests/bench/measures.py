"""What the benchmark measures, each as the ratio of two things timed in turn in one run, or as a count.

Times are processor time of the thread (`time.thread_time`), which other programs disturb less than the clock; only
what is a rate by the clock (two threads, replications a minute) is timed by it.
"""

from __future__ import annotations

import collections
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from c_kernel import CHouseholds
from plain_mesa import PlainMesa

import params
import sim
from sim import month as one_go
from sim.allocation import RULES
from sim.households import SLOTS_A_MONTH, Households
from sim.model import PHASES, DispersalModel
from sim.rules import Rules
from sim.run import councils_at, prepare

CLAIMS = 8_000  # people a month, about what is claimed now
SEED = 7
TEN_YEARS = 120
_RULES = ("arrive", "arrive_on_appeal", "decide", "decide_appeals", "leave", "place", "fill", "displace", "census")


@dataclass(frozen=True)
class Measured:
    """A figure with the range of its single measurements (medians of pairs: their 10th to 90th percentile)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Any) -> Measured:
        """Median and range."""
        found = np.asarray(values, float)
        return cls(float(np.median(found)), *map(float, np.percentile(found, (10, 90))))


def intake(months: int, people: int = CLAIMS) -> xr.DataArray:
    """Steady claims from January 2026."""
    month = (np.datetime64("2026-01") + np.arange(months)).astype("datetime64[ns]")
    return xr.DataArray(np.full(months, people), {"month": month}, dims="month", name="people")


def sized(factor: float, months: int, seed: int = SEED) -> DispersalModel:
    """A country of another size: people, queues, flows, capacities and residents all times a factor."""
    start = sim.published_start("2025-12-31")
    start = replace(
        start,
        stock=(start.stock * factor).astype(np.int64),
        national={name: value * factor for name, value in start.national.items()},
        baseline=start.baseline * factor,
    )
    central = params.load()
    names = ("decisions.capacity", "appeals.capacity", "appeals.unexplained_inflow", "procurement.growth_factor")
    values = {name: float(central.entries[name].values()[-1]) * factor for name in names}
    people = min(int(CLAIMS * factor), SLOTS_A_MONTH // 2 - 1)
    councils = councils_at(start)
    councils.population = councils.population * factor
    return DispersalModel(central.moved(values), start, councils, intake(months, people).to_numpy(), seed, Rules())


def households(model: DispersalModel) -> int:
    """Live households."""
    return int(model.households.live().size)


def seconds(action: Callable[[], Any]) -> float:
    """Processor time of one call."""
    began = time.thread_time()
    action()
    return time.thread_time() - began


# ---------------------------------------------------------------- ratios


def over_plain_mesa(pairs: int) -> Measured:
    """Time of a month with one Mesa agent a household over that of the model, 100,000 households."""
    fast, plain = (sized(100_000 / households(sized(1.0, 1)), 1 + pairs) for _ in range(2))
    plain.households = PlainMesa(plain.households)  # type: ignore[assignment]
    for model in (fast, plain):
        model.run_for(1)
    return Measured.of([seconds(lambda: plain.run_for(1)) / seconds(lambda: fast.run_for(1)) for _ in range(pairs)])


def over_c(months: int) -> Measured:
    """Time of the month's rules for households over that of the same rules in C, month by month in turn."""
    ours, c = (sized(1.0, months + 2) for _ in range(2))
    c.households = CHouseholds.of(c.households)
    clocks = [_clocked(model.households) for model in (ours, c)]
    spent = []
    for month in range(months + 2):
        for model in (ours, c) if month % 2 else (c, ours):
            model.run_phases()
        spent.append([sum(clock.values()) for clock in clocks])
        for clock in clocks:
            clock.clear()
    mine, other = np.array(spent[2:]).T
    return Measured.of(mine / other)


def over_bare_month(months: int) -> Measured:
    """Time of a month run by Mesa's clock over that of its phases alone.

    Two models take turns at either, so that where their columns lie in memory favours neither.
    """
    models = [sized(1.0, months + 3) for _ in range(2)]
    found = []
    for month in range(months + 3):
        clocked, bare = models if month % 2 else models[::-1]
        pair = [(0, partial(clocked.run_for, 1)), (1, bare.run_month)]
        took = dict((way, seconds(run)) for way, run in (pair if month // 2 % 2 else pair[::-1]))
        found.append(took[0] / took[1])
    found = found[2:]
    return Measured.of([np.sqrt(one * other) for one, other in zip(found, found[1:], strict=False)])


def two_over_one(pairs: int, months: int) -> tuple[Measured, Measured]:
    """Replications a second on two threads over those on one, and on two processes over one, by the clock.

    Two processes share no interpreter: what they reach is what the machine gives.
    """
    work = partial(two_replications, months)
    work()
    threads, processes = [], []
    with _asked(months) as first, _asked(months) as second:
        one = _clock([work])
        for _ in range(pairs):  # each between two of one thread, because other programs come and go
            both, before, one = _clock([work, work]), one, _clock([work])
            threads.append((before + one) / both)
            both, before, one = _clock([first, second]), one, _clock([work])
            processes.append((before + one) / both)
    return Measured.of(threads), Measured.of(processes)


def two_replications(months: int) -> None:
    """The work that is timed: as in a study, replications share their assumptions."""
    for seed in range(2):
        sim.simulate(central(), intake(months), seed)


@cache
def central() -> params.Assumptions:
    """The central assumptions."""
    return params.load()


_ANSWER = """
import itertools, sys
sys.path.insert(0, {folder!r})
import measures
for _ in itertools.chain([None], sys.stdin):
    measures.two_replications({months})
    print("done", flush=True)
"""


@contextmanager
def _asked(months: int) -> Iterator[Callable[[], None]]:
    """A process that does the work whenever it is asked to; it has done it once already."""
    code = _ANSWER.format(folder=str(Path(__file__).parent), months=months)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()

        def ask() -> None:
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()

        yield ask
        process.stdin.close()


def _clock(work: list[Callable[[], None]]) -> float:
    running = [threading.Thread(target=own) for own in work]
    began = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return time.perf_counter() - began


# ---------------------------------------------------------------- one model, looked at closely


def _clocked(people: Households) -> dict[str, float]:
    """Time the rules for households of one model from now on; returns seconds by rule, which grow as it runs."""
    spent: dict[str, float] = collections.defaultdict(float)
    for name in _RULES:
        setattr(people, name, _timed(getattr(people, name), spent, name))
    return spent


def _timed(rule: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        began = time.thread_time()
        try:
            return rule(*arguments)
        finally:
            spent[name] += time.thread_time() - began

    return call


@dataclass(frozen=True)
class Spent:
    """Where a replication of ten years spends its time.

    Attributes:
        phases: by phase (and the set-up), run one after the other: seconds in rules for households, and in all else.
        whole: seconds of a replication as it is run, in one go.
        locked: the part of it outside the compiled months, most of which holds the interpreter's lock.
        allocation: share in the whole of the allocation rule that costs most, asked once a month.
        placement: share in the whole of moving people into dispersal beds by that rule's weights.
    """

    phases: dict[str, tuple[float, float]]
    whole: float
    locked: float
    allocation: float
    placement: float


def spent(months: int) -> Spent:
    """Run a replication phase by phase, and others in one go, with clocks."""
    prepare(central(), intake(months), SEED).run_phases()  # what a process does once is no part of a replication
    began = time.thread_time()
    model = prepare(central(), intake(months), SEED)
    table = {"set-up": (0.0, time.thread_time() - began)}
    inside, whole = _clocked(model.households), collections.defaultdict(float)
    compiled: dict[str, float] = collections.defaultdict(float)
    for _ in range(months):
        model.month += 1
        for phase in PHASES:
            before = sum(inside.values())
            whole[phase] += seconds(getattr(model, phase))
            compiled[phase] += sum(inside.values()) - before
    table |= {phase: (compiled[phase], whole[phase] - compiled[phase]) for phase in PHASES}
    found, compiled = [], collections.defaultdict(float)
    for _ in range(3):
        compiled.clear()
        with _instead(one_go, "run", _timed(one_go.run, compiled, "months")):
            took = seconds(lambda: sim.simulate(central(), intake(months), SEED))
        found.append((took, 1 - sum(compiled.values()) / took))
    took, locked = np.median(found, axis=0)
    asked = [[seconds(partial(rule, model.councils, model.now)) for _ in range(101)] for rule in RULES.values()]
    rule = months * max(map(float, np.median(asked, axis=1)))
    return Spent(table, float(took), float(locked), rule / float(took), inside["place"] / float(took))


def growth(sizes: list[int], months: int) -> tuple[dict[int, tuple[int, float]], float]:
    """How the time of a month grows with the number of households.

    Returns:
        By size asked for: households and seconds a month; and the exponent from the second size to the last.
    """
    national = households(sized(1.0, 1))
    found = {}
    for size in sizes:
        model = sized(size / national, months + 1)
        took = [seconds(partial(model.run_for, 1)) for _ in range(months + 1)]
        found[size] = households(model), float(np.median(took[1:]))
    (few, short), (many, long) = found[sizes[1]], found[sizes[-1]]
    return found, float(np.log(long / short) / np.log(many / few))


_PEAK = """
import sys
sys.path.insert(0, {folder!r})
import measures
measures.sized({factor}, 4).run_for(4)
print(measures.peak_bytes())
"""


def bytes_a_household(many: int = 1_000_000, few: int = 10_000) -> float:
    """Peak memory of a process with a million households above one with ten thousand, for each household more."""
    national = households(sized(1.0, 1))
    peaks = []
    for size in (few, many):
        code = _PEAK.format(folder=str(Path(__file__).parent), factor=size / national)
        out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        peaks.append(int(out.stdout))
    return (peaks[1] - peaks[0]) / (many - few)


def peak_bytes() -> int:
    """Peak memory of this process so far.

    Linux says it in /proc for the program itself; what `getrusage` says begins with the process that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


# ---------------------------------------------------------------- studies


STUDY = """
title = "Benchmark: national replications of ten years"
why = "How many replications a minute are simulated and stored."
baseline = "central"
draws = 2
replications = {replications}
seed = 1
start = 2025-12-31
months = 120

[arms.central]
label = "Central"
scenario = "central"
"""


def stored(replications: int) -> tuple[float, float, float]:
    """Run a study on two threads.

    Returns:
        Replications of ten years a minute, simulated and stored, by the clock and without the intake forecast, which
        is made once; the share of the processor time that went into writing; and people supported, on average (the
        forecast's paths rise far above today's claims in ten years, and a month's time follows the people).
    """
    from evidence.studies import engine as studies
    from evidence.studies import store

    name = next(name for name in ("write_shard", "write_chunk") if hasattr(store, name))
    spent: dict[str, float] = collections.defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        for count in (1, replications // 2):
            file = Path(folder) / f"benchmark_{count}.toml"
            file.write_text(STUDY.format(replications=count), encoding="utf-8")
            spent.clear()
            with _instead(store, name, _timed(getattr(store, name), spent, "writing")):
                clock, cpu = time.perf_counter(), time.process_time()
                study = studies.run_study(file, runs, workers=2)
                clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
        stock = studies.open_study(study, runs)["supported_at_month_end"]
        people = float(stock.sum("accommodation").mean())
    return 60 * 2 * (replications // 2) / clock, spent["writing"] / cpu, people


@contextmanager
def _instead(module: Any, name: str, other: Any) -> Iterator[None]:
    own = getattr(module, name)
    setattr(module, name, other)
    try:
        yield
    finally:
        setattr(module, name, own)


PAIR = """
title = "Benchmark: two arms"
why = "How much less a difference between arms varies when they share their random numbers."
baseline = "current"
draws = 1
replications = {replications}
seed = 1
start = 2025-12-31
months = {months}
outputs = ["beds_at_month_end", "person_nights_in_month", "council_gross_cost_in_month"]

[arms.current]
label = "Current grant"
scenario = "current_grant"

[arms.capacity]
label = "Capacity first"
scenario = "capacity_first"
"""


def common_random_numbers(replications: int, months: int) -> dict[str, float]:
    """Variance of the difference between two arms of a study, other replications over the same, by outcome.

    A replication is a seed and an intake path, as studies have them; arms that share nothing differ in both.
    """
    from evidence.studies import engine as studies

    with tempfile.TemporaryDirectory() as folder:
        file, runs = Path(folder) / "benchmark_pair.toml", Path(folder) / "runs"
        file.write_text(PAIR.format(replications=replications, months=months), encoding="utf-8")
        study = studies.open_study(studies.run_study(file, runs, workers=2), runs).isel(draw=0)
        outcomes = {
            "dispersal beds at the end": study["beds_at_month_end"].isel(month_end=-1),
            "hotel person-nights": study["person_nights_in_month"].sel(accommodation="contingency_hotel").sum("month"),
            "council gross cost": study["council_gross_cost_in_month"].sum(["month", "service"]),
        }
        found = {name: values.transpose("arm", "replication").values.astype(float) for name, values in outcomes.items()}
    return {
        name: float(values.var(axis=1, ddof=1).sum() / (values[1] - values[0]).var(ddof=1))
        for name, values in found.items()
    }
