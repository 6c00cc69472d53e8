"""Which assumptions drive the answer: each one alone, and groups of them by Sobol indices, from runs of the model.

The design covers the register's own distributions: every uncertain assumption (those that only fit together as one)
is a uniform level, and so are the intake path and the seed, so that intake and chance have indices of their own. The
run resumes where it was stopped: finished batches stay on disk.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evidence.answers.factors import CHANCE, INTAKE, factor_of, factors
from evidence.progress import Progress
from evidence.records import (
    Record,
    damaged,
    exclusive,
    file_digest,
    make_id,
    model_version,
    prepare_runs,
    read_record,
    record_path,
    reference_hashes,
    write_json,
    write_record,
)
from evidence.studies import indices, intake
from evidence.studies.engine import Interrupted
from evidence.studies.ensemble import Design, intake_path, load_arm
from params.errors import InputError
from params.posterior import AXIS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from params import Assumptions

KIND = "sensitivity"
ALONE, GROUPS = "alone.csv", "groups.csv"
OUTCOMES: Mapping[str, str] = {
    "council_net_cost": "Councils' net cost",
    "council_gross_cost": "Councils' gross cost",
    "hotels_at_end": "People in hotels at the end",
    "home_office_cost": "Home Office cost of accommodation and support",
}
LOW, HIGH = 0.1, 0.9
SEEDS = 64  # chance is one of this many seeds
BATCH = 64


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        base: base samples of the Sobol design, a power of two; it costs base x (groups + 2) runs.
        since: first month of the sums of money.
    """

    scenario: str = "current_grant"
    base: int = 64
    seed: int = 2026
    start: date = date(2025, 12, 31)
    months: int = 51
    since: str = "2027-04"

    @cached_property
    def assumptions(self) -> Assumptions:
        """Central values of the scenario."""
        return load_arm(self.scenario, {}, "sensitivity", "sensitivity")

    @cached_property
    def axes(self) -> list[str]:
        """Every axis of uncertainty: assumptions that a scenario leaves uncertain, the intake path and chance."""
        axis = self.assumptions.axes()
        moved = {a for name, a in axis.items() if any(step.drawn for step in self.assumptions.steps[name])}
        return [*sorted(moved), INTAKE, CHANCE]

    @cached_property
    def single(self) -> list[str]:
        """Axes that mean something alone: not chance, and not those along which fitted values lie in no order."""
        joint = {entry.joint.group for entry in self.assumptions.entries.values() if entry.joint}
        return [axis for axis in self.axes if axis not in joint | {AXIS, CHANCE}]

    @property
    def design(self) -> Design:
        """Start, months and seeds, as studies have them."""
        return Design(1, SEEDS, self.seed, self.start, self.months)

    @property
    def id(self) -> str:
        """Name of the run folder, from everything the numbers depend on."""
        content = {
            "plan": [self.scenario, self.base, self.seed, self.start.isoformat(), self.months, self.since],
            "axes": {axis: factor_of(axis) for axis in self.axes},
            "assumptions": self.assumptions.canonical(),
            "entries": {name: entry.model_dump(mode="json") for name, entry in self.assumptions.entries.items()},
            "model": model_version(),
            "reference": reference_hashes(),
        }
        return make_id("drivers", content)

    def points(self) -> NDArray[np.float64]:
        """Levels of every run (run, axis): the central run, each axis low and high, then the Sobol design."""
        centre = np.full((1, len(self.axes)), np.nan)  # not moved
        alone = np.full((2 * len(self.single), len(self.axes)), np.nan)
        for i, axis in enumerate(self.single):
            alone[[2 * i, 2 * i + 1], self.axes.index(axis)] = LOW, HIGH
        return np.concatenate([centre, alone, sobol_points(self.axes, self.base, self.seed)])


def identity() -> str:
    """Id of the sensitivity run as the project stands now."""
    return Plan().id


def sobol_points(axes: Sequence[str], base: int, seed: int) -> NDArray[np.float64]:
    """Saltelli's design over groups of assumptions: base x (groups + 2) rows, (run, axis)."""
    return indices.sobol_points(axes, base, seed, [factor_of(axis) for axis in axes])


def sobol_table(axes: Sequence[str], outputs: NDArray[np.float64], seed: int = 0) -> pd.DataFrame:
    """Indices of each group in the order of the factors; columns and errors as in `indices.sobol_table`."""
    table = indices.sobol_table(axes, outputs, seed, [factor_of(axis) for axis in axes])
    return table.set_index("factor").loc[list(factors(axes))].reset_index()


def outcomes(run: xr.Dataset, since: str) -> dict[str, float]:
    """The answers of one run.

    Args:
        run: a dataset of `sim.simulate`.
        since: first month of the sums of money, such as 2027-04.
    """
    later = run.sel(month=slice(since, None))
    gross = float(later["council_gross_cost_in_month"].values.sum(dtype=float))
    ledger = later["home_office_cost_in_month"].drop_sel(home_office_item="grants_to_councils")
    hotels = run["supported_at_month_end"].isel(month_end=-1).sel(accommodation="contingency_hotel")
    return {
        "council_net_cost": gross - float(later["grant_in_month"].values.sum(dtype=float)),
        "council_gross_cost": gross,
        "hotels_at_end": float(hotels.sum()),
        "home_office_cost": float(ledger.values.sum(dtype=float)),
    }


def run(runs: Path, workers: int | None, progress: Progress, planned: Plan | None = None) -> str:
    """Run the sensitivity analysis, resume it, or return at once when it is complete; returns its id.

    Raises:
        Interrupted: after Ctrl-C; finished batches are kept.
        RunError: when another process is writing it.
    """
    planned = planned or Plan()
    folder = runs / planned.id
    prepare_runs(runs)
    with exclusive(runs, planned.id):
        if record_path(folder).is_file():
            record = read_record(folder)
            if record.status == "complete" and not damaged(folder, record.outputs):
                progress.say(f"Sensitivity {planned.id} is complete; nothing to do.")
                return planned.id
        points = planned.points()
        groups = len({factor_of(axis) for axis in planned.axes})
        progress.say(
            f"Sensitivity {planned.id}: {len(planned.single)} assumptions alone, {groups} groups, {len(points):,} runs "
            f"of {planned.months} months"
        )
        record = _begun(folder, planned, runs)
        try:
            values = _values(folder, planned, points, workers or os.cpu_count() or 1, progress)
        except KeyboardInterrupt:
            raise Interrupted("Stopped. What was finished is kept; resume with: dispersal answers") from None
        _finish(folder, planned, record, values)
    return planned.id


def _begun(folder: Path, planned: Plan, runs: Path) -> Record:
    """The record of a run that has begun, with the intake forecast that it reads."""
    design = planned.design
    source = intake.forecast(
        runs, horizon=design.quarters, origin=design.origin, seed=planned.seed, assumptions=planned.assumptions
    )
    record = Record(
        id=planned.id,
        kind=KIND,
        title="Which assumptions drive councils' net cost",
        settings={
            "scenario": planned.scenario, "base": planned.base, "seed": planned.seed,
            "start": planned.start.isoformat(), "months": planned.months, "since": planned.since,
        },
        assumptions={planned.scenario: planned.assumptions.canonical()},
        model_version=model_version(),
        inputs=reference_hashes(),
        parents=(source.name,),
        status="unfinished",
    )  # fmt: skip
    (folder / "batches").mkdir(parents=True, exist_ok=True)
    if not record_path(folder).is_file():
        write_record(folder, record)
    return record


def _values(folder: Path, planned: Plan, points: NDArray[np.float64], workers: int, progress: Progress) -> pd.DataFrame:
    """Outcomes of every run, in order; a batch that is on disk is read and not run."""
    import forecasts

    paths = forecasts.read_paths(folder.parent / read_record(folder).parents[0] / intake.PATHS_FILE)
    evaluate = evaluator(planned, paths)
    starts = range(0, len(points), BATCH)
    files = {start: folder / "batches" / f"{start:05d}.json" for start in starts}
    done = sum(min(BATCH, len(points) - start) for start, file in files.items() if file.is_file())
    counting = threading.Lock()

    def one(point: NDArray[np.float64]) -> dict[str, float]:
        nonlocal done
        found = evaluate(point)
        with counting:
            done += 1
            progress.update(done, 0)
        return found

    progress.begin(done, len(points))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="sensitivity")
    try:
        for start, file in files.items():
            if not file.is_file():
                write_json(file, list(pool.map(one, points[start : start + BATCH])))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        progress.end()
    return pd.DataFrame([row for file in files.values() for row in json.loads(file.read_text(encoding="utf-8"))])


def evaluator(planned: Plan, paths: xr.Dataset) -> Callable[[NDArray[np.float64]], dict[str, float]]:
    """A function from one row of levels to the outcomes of one run; NaN leaves an axis where it is centrally.

    Args:
        planned: the design.
        paths: intake paths.
    """
    import sim

    design = planned.design
    totals = paths["people"].isel(month=slice(0, design.months)).sum("month").values
    order = np.argsort(totals, kind="stable")
    width = len(order)

    def evaluate(point: NDArray[np.float64]) -> dict[str, float]:
        levels = {axis: float(x) for axis, x in zip(planned.axes, point, strict=True) if np.isfinite(x)}
        path = int(order[min(int(levels.pop(INTAKE, 0.5) * width), width - 1)])
        seed = design.seed_of(int(levels.pop(CHANCE, 0.0) * SEEDS))
        people = intake_path(paths.isel(path=[path]), design, 0, 0)
        made = sim.simulate(planned.assumptions.at_levels(levels), people, seed, start=planned.start.isoformat())
        return outcomes(made, planned.since)

    return evaluate


def _finish(folder: Path, planned: Plan, record: Record, values: pd.DataFrame) -> None:
    """Write the two tables and the record that vouches for them."""
    alone, groups = tables(planned, values)
    for name, table in ((ALONE, alone), (GROUPS, groups)):
        partial = folder / f".{name}.partial"
        table.to_csv(partial, index=False, float_format="%.10g")
        os.replace(partial, folder / name)
    outputs = {name: file_digest(folder / name) for name in (ALONE, GROUPS)}
    write_record(folder, replace(record, status="complete", outputs=outputs))


def tables(planned: Plan, values: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcomes with each axis alone low and high, and Sobol indices of each group, from all runs in order."""
    count = len(planned.single)
    centre, alone, design = values.iloc[0], values.iloc[1 : 1 + 2 * count], values.iloc[1 + 2 * count :]
    single, grouped = [], []
    for name in OUTCOMES:
        low, high = alone[name].to_numpy()[::2], alone[name].to_numpy()[1::2]
        single.append(
            pd.DataFrame(
                {"outcome": name, "axis": planned.single, "central": centre[name], "at_low": low, "at_high": high}
            )
        )
        outputs = design[name].to_numpy(float)
        grouped.append(
            sobol_table(planned.axes, outputs).assign(
                outcome=name, runs=outputs.size, mean=outputs.mean(), variance=outputs.var()
            )
        )
    return pd.concat(single, ignore_index=True), pd.concat(grouped, ignore_index=True)


def read(runs: Path, identity: str) -> tuple[Record, pd.DataFrame, pd.DataFrame]:
    """Record and tables of a finished run, checked against their recorded hashes.

    Raises:
        InputError: when it is not complete, or a table was changed.
    """
    folder = runs / identity
    record = read_record(folder)
    wrong = damaged(folder, record.outputs)
    if record.kind != KIND or record.status != "complete" or wrong:
        raise InputError(f"{identity}: is no complete sensitivity run ({wrong[0] if wrong else record.status}).")
    return record, pd.read_csv(folder / ALONE), pd.read_csv(folder / GROUPS)
