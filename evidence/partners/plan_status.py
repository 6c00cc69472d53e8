"""What `dispersal plan status` prints: the tables of the change plan as lines of text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import xarray as xr

from evidence.exhibits import Exhibit, Pack
from evidence.partners import barriers, council_states, monitoring
from evidence.studies.projection import Projection, project
from evidence.wording import day
from params.places import find_region
from params.plan import Plan, read_plan

NO_PROCUREMENT = "no procurement"
LEAST_COLUMN = 6


def lines(folder: Path | None, region: str | None, study: str | None, runs: Path) -> list[str]:
    """Everything the command prints.

    Raises:
        InputError: a plan, region or study that cannot be used.
    """
    wanted = find_region(region, "--region") if region else ""
    plan = read_plan(folder)
    projection = project(study, runs)
    shelf = shelf_of(projection)
    today = datetime.now(UTC).date()
    found = [
        ("actual against plan", monitoring.regions_table(shelf, plan, projection, wanted)),
        ("milestones", monitoring.milestones_table(shelf, plan, projection, wanted)),
        (NO_PROCUREMENT, council_states.no_procurement(shelf, plan, today, wanted)),
        ("what each barrier is worth", barriers.worth(runs)),
        ("decisions and actions", council_states.log_table(shelf, plan, projection, wanted)),
    ]
    out = [*_head(plan, projection), ""]
    for heading, exhibit in found:
        out += [heading]
        if exhibit is None:
            out += ["  " + (barriers.HOW if "barrier" in heading else "none recorded"), ""]
            continue
        out += [f"  {exhibit.title}", *(f"  {line}" for line in text_table(exhibit)), f"  Evidence {exhibit.id}", ""]
    return out


def _head(plan: Plan, projection: Projection) -> list[str]:
    recorded = sum(not state.inferred for state in plan.states.values())
    made = "modelled estimates" if projection.from_study else "forecasts, modelled estimates"
    return [
        f"{plan.about.title} ({plan.label})",
        f"Plan: {plan.files['plan.toml']}, {plan.files['targets.csv']}, {plan.files['states.csv']}.",
        f"Part of each council: {recorded} recorded, {len(plan.states) - recorded} inferred from the published stock "
        f"(no official list is published).",
        f"Projection: {projection.source.partition(' (')[0]}; {made}, median and 80% interval, not official "
        "statistics.",
    ]


def shelf_of(projection: Projection, out: Path | None = None) -> Pack:
    """A collection of exhibits made from a projection; their ids follow from what it is."""
    return Pack(projection.study, xr.Dataset(), {}, Path(), out)


def text_table(exhibit: Exhibit) -> list[str]:
    """A table as aligned text, with a range in brackets behind its figure."""
    view = exhibit.view if exhibit.view is not None else exhibit.data
    if view.empty:
        return ["none"]
    cells = [[str(name) for name in view.columns], *(_row(row) for row in view.itertuples(index=False, name=None))]
    widths = [max(LEAST_COLUMN, *(len(row[i]) for row in cells)) for i in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _row(row: tuple[object, ...]) -> list[str]:
    shown = []
    for value in row:
        first, _, rest = str("" if value is pd.NaT else value).partition("\n")
        shown.append(f"{first} ({rest})" if rest else first)
    return shown


def stated(projection: Projection) -> str:
    """One line that says what stands behind the figures and, without a study, how to make one."""
    if projection.from_study:
        return f"Projection from study {projection.study}."
    return (
        f"No finished study from {day(pd.Timestamp(projection.start).to_datetime64())} was found, so the projection is "
        "the stock forecast. `dispersal study params/studies/spending_review.toml` makes a study."
    )
