"""A single run: one assumption set, a few replications, every month kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.progress import Progress, Silent
from evidence.records import (
    Record,
    damaged,
    find,
    model_version,
    prepare_runs,
    read_record,
    record_path,
    reference_hashes,
    sealed,
)
from evidence.studies import intake
from evidence.studies.ensemble import Design, load_arm, replicate, run_id
from params.errors import InputError, unknown

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from params import Assumptions

STORE = "results.zarr"
# What the summary of a run shows: label, variable, how to take it from the whole country.
STOCKS = (
    ("people supported", "supported_at_month_end", None),
    ("in dispersal accommodation", "supported_at_month_end", "dispersal"),
    ("in hotels", "supported_at_month_end", "contingency_hotel"),
    ("awaiting a first decision", "awaiting_at_month_end", None),
)
FLOWS = (
    ("homelessness duties, households", "homelessness_duties_in_month", 1.0),
    ("councils' gross cost, £m cash", "council_gross_cost_in_month", 1e6),
    ("grant to councils, £m cash", "grant_in_month", 1e6),
    ("Home Office cost, £m cash", "home_office_cost_in_month", 1e6),
)


def run_scenario(
    scenario: str,
    overrides: Mapping[str, object],
    design: Design,
    *,
    draw: int = 0,
    only: int | None = None,
    runs: Path = Path("runs"),
    progress: Progress | None = None,
) -> str:
    """Simulate one scenario and keep every month of every replication.

    The same scenario, overrides, seed, draw and replications give the numbers that a study has for that arm
    and draw.

    Args:
        scenario: name of a scenario.
        overrides: values by dotted name, as `params.load` takes them.
        design: replications, seed, start, months and the number of draws that `draw` is one of.
        draw: number of the draw; 0 holds the central values.
        only: run this replication alone, to repeat one of a larger ensemble.
        runs: the folder of all runs.
        progress: told how far it is.

    Returns:
        The run's id, the name of its folder in `runs`.

    Raises:
        InputError: when something asked for cannot be used; nothing is written.
    """
    shown = progress or Silent()
    design.check("dispersal run")
    if not 0 <= draw < design.draws:
        raise InputError(f"--draw is {draw}; it must be from 0 to {design.draws - 1} (--draws is {design.draws}).")
    if only is not None and not 0 <= only < design.replications:
        raise InputError(
            f"--only is {only}; it must be from 0 to {design.replications - 1} (--replications is "
            f"{design.replications})."
        )
    assumptions = load_arm(scenario, overrides, "dispersal run", "--set")
    _within_the_run(overrides, design)
    drawn = assumptions.with_draw(draw, design.draws, design.seed)
    return _kept(assumptions, drawn, overrides, design, draw, only, runs, shown)


def run_point(
    study_id: str, arm: str, draw: int, only: int | None, runs: Path = Path("runs"), progress: Progress | None = None
) -> str:
    """Repeat one arm and draw of a study as a run, or one replication of it, keeping every month; returns the run's id.

    Args:
        study_id: id of the study, complete or begun.
        arm: name of the arm.
        draw: number of the draw.
        only: this replication alone; all of them when None.
        runs: the folder of all runs.
        progress: told how far it is.

    Raises:
        InputError: no such study, arm, draw or replication.
        RunError: code or assumptions changed since the study was begun.
    """
    from evidence.studies.plans import planned_again

    planned = planned_again(read_record(find(runs, study_id, "study")))
    if arm not in planned.arms:
        raise unknown("--arm", f"an arm of {study_id}", arm, planned.arms)
    for name, given, count in (("draw", draw, planned.draws), ("only", only, planned.study.replications)):
        if given is not None and not 0 <= given < count:
            raise InputError(f"--{name} is {given}; it must be from 0 to {count - 1} in {study_id}.")
    own = planned.study.arms[arm]
    drawn, shown = planned.drawn(arm, draw), progress or Silent()
    return _kept(planned.arms[arm], drawn, own.overrides, planned.design, draw, only, runs, shown)


def _kept(
    assumptions: Assumptions,
    drawn: Assumptions,
    overrides: Mapping[str, object],
    design: Design,
    draw: int,
    only: int | None,
    runs: Path,
    shown: Progress,
) -> str:
    """Simulate a drawn assumption set, and keep it as a run; arguments as in `run_scenario`."""
    from evidence.studies import store

    prepare_runs(runs)
    scenario = drawn.scenario
    identity = run_id(drawn, design, draw, only)
    folder = runs / identity
    if record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs):
        shown.say(f"Run {identity} was made earlier; nothing to do.")
        return identity
    wanted = list(range(design.replications)) if only is None else [only]
    shown.say(f"Run {identity}: {len(wanted)} replications, {design.months} months; intake forecast first")
    source = intake.forecast(
        runs, horizon=design.quarters, origin=design.origin, seed=design.seed, assumptions=assumptions
    )

    import numpy as np

    import forecasts

    paths = forecasts.read_paths(source / intake.PATHS_FILE)
    record = Record(
        id=identity,
        kind="run",
        title=f"{scenario}: {drawn.why}",
        settings=design.canonical() | {"scenario": scenario, "set": dict(overrides), "draw": draw, "only": only},
        assumptions={scenario: drawn.canonical()},
        model_version=model_version(),
        inputs=reference_hashes() | {intake.PATHS_FILE: read_record(source).outputs[intake.PATHS_FILE]},
        parents=(source.name,),
        extra={"local_intelligence": {scenario: drawn.local.rows()}} if drawn.local.rows() else {},
    )
    shown.begin(0, len(wanted))
    try:
        with sealed(runs, record, replace_existing=True) as partial:
            for position, replication in enumerate(wanted):
                run = replicate(drawn, paths, design, draw, replication)
                if position == 0:
                    store.create(partial / STORE, _labelled(run, record, wanted), {"replication": len(wanted)}, {})
                block = {str(name): variable.values[np.newaxis] for name, variable in run.data_vars.items()}
                store.write_shard(partial / STORE, (position,), block)
                shown.update(position + 1, 0)
    finally:
        shown.end()
    return identity


def _within_the_run(overrides: Mapping[str, object], design: Design) -> None:
    """Refuse a dated change that comes after the run: it would read as a policy without effect."""
    months = design.start.year * 12 + design.start.month + design.months
    last = f"{(months - 1) // 12:04d}-{(months - 1) % 12 + 1:02d}"
    for name in overrides:
        day = name.partition("@")[2]
        if day and day[:7] > last:
            raise InputError(f"--set: {name}: the run ends in {last}, before this date; raise --months or change it.")


def _labelled(run: xr.Dataset, record: Record, replications: list[int]) -> xr.Dataset:
    return run.assign_coords(
        replication=("replication", replications, {"long_name": "replication: one random seed"}),
        run_id=((), record.id, {"long_name": "run"}),
    ).drop_attrs(deep=False).assign_attrs(
        {
            "Conventions": "CF-1.11",
            "title": record.title,
            "source": f"dispersal workbench, model version {record.model_version}",
            "comment": "Modelled estimates from synthetic households; not official statistics.",
            **{key: str(value) for key, value in record.settings.items() if key not in ("set", "only")},
        }
    )  # fmt: skip


def open_run(identity: str, runs: Path = Path("runs")) -> xr.Dataset:
    """Open a run, dims `(replication, month | month_end, council, ...)`, after checking its files.

    Raises:
        InputError: when there is no such run, or its files are damaged.
    """
    from evidence.studies.store import open_store

    folder = find(runs, identity, "run")
    changed = damaged(folder, read_record(folder).outputs)
    if changed:
        raise InputError(f"{identity}: {changed[0]} is missing or damaged; make it again with the same command.")
    return open_store(folder / STORE)


def summary(run: xr.Dataset) -> pd.DataFrame:
    """Headline figures of a run: stocks at each 31 March, flows by complete financial year.

    Args:
        run: a dataset of `open_run`.

    Returns:
        A row for each measure and date or year: `measure`, `when`, `central` (median over replications), `low`
        and `high` (ends of the 80% interval over replications), and `published`, true for the official figures
        that the run starts from.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []

    def add(measure: str, when: str, values: xr.DataArray, published: bool = False) -> None:
        low, central, high = (float(v) for v in values.quantile([0.1, 0.5, 0.9], dim="replication"))
        figures = {"central": central, "low": low, "high": high, "published": published}
        rows.append({"measure": measure, "when": when, **figures})

    ends = run["month_end"].values
    shown = [day for day in ends if day in (ends[0], ends[-1]) or str(day)[5:7] == "03"]
    for label, name, kind in STOCKS:
        stock = run[name] if kind is None else run[name].sel(accommodation=kind)
        for day in shown:
            at = stock.sel(month_end=day)
            total = at.sum([d for d in at.dims if d != "replication"], dtype="float64")
            add(label, str(day)[:10], total, published=day == ends[0])
    months = pd.DatetimeIndex(run["month"].values)
    year = months.year.where(months.month >= 4, months.year - 1)
    for label, name, scale in FLOWS:
        for first in dict.fromkeys(year):
            if (year == first).sum() == 12:
                flow = run[name].isel(month=(year == first).nonzero()[0])
                total = flow.sum([d for d in flow.dims if d != "replication"], dtype="float64") / scale
                add(label, f"{first}-{(first + 1) % 100:02d}", total)
    return pd.DataFrame(rows, columns=["measure", "when", "central", "low", "high", "published"])
