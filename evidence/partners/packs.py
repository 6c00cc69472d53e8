"""Packs for the quarterly meeting: the United Kingdom, one region or one council, as a short page with its PDF.

A pack stands on published figures, the change plan and the forecast alone; a finished study adds pressure, funding and
the simulated path. What it shows of a study has the evidence id that the study's report gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence import records
from evidence.chapters import baseline, funding, outlook, pressure
from evidence.exhibits import Exhibit, Pack, open_pack
from evidence.forecast import forecast_scores
from evidence.partners import (
    barriers,
    council_states,
    hotel_notice,
    hotel_sheet,
    hotel_warning,
    monitoring,
    pack_tables,
    pathway,
)
from evidence.partners.plan_status import shelf_of, stated
from evidence.reporting import briefs
from evidence.studies.projection import Projection, newest_study, project
from evidence.wording import day, the
from forecasts import hotel_scores
from params.places import council_name, regions
from params.plan import Plan, read_plan

NO_STUDY = (
    "Needs a finished study: `dispersal study params/studies/spending_review.toml` makes one, and the next pack takes "
    "it."
)
QUARTERLY, REGION, COUNCIL = "quarterly", "region", "council"


@dataclass
class Desk:
    """What every pack of one sitting shares, made once.

    Attributes:
        runs: folder of all runs.
        plan: the change plan.
        projection: samples of the quarters ahead.
        today: the day the packs are made.
    """

    runs: Path
    plan: Plan
    projection: Projection
    today: date

    @cached_property
    def chances(self) -> pd.DataFrame:
        """Chances of contingency use, by place."""
        return hotel_warning.warnings(self.projection)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every scored case of the early warning."""
        return hotel_scores.rolling()

    def shelf(self, out: Path) -> Pack:
        """Where exhibits go that no study made; official ones need to know the quarter end."""
        shelf = shelf_of(self.projection, out)
        start = np.datetime64(self.projection.start, "ns")
        shelf.study = xr.Dataset(coords={"month_end": ("month_end", [start])})
        return shelf

    def study(self, out: Path) -> Pack | None:
        """The finished study, its exhibits going to the same folder; None without one."""
        if not self.projection.from_study:
            return None
        pack = open_pack(self.projection.study, str(self.runs))
        pack.out = out
        return pack


def desk(folder: Path | None, study: str | None, runs: Path) -> Desk:
    """Read the plan and make or read the projection.

    Raises:
        InputError: a plan or study that cannot be used.
    """
    return Desk(runs, read_plan(folder), project(study, runs), datetime.now(UTC).date())


def quarterly(at: Desk, say: Callable[[str], None]) -> Path:
    """Write the pack of the United Kingdom."""

    def make(out: Path) -> list[briefs.Section]:
        shelf, pack = at.shelf(out), at.study(out)
        plan, ahead = at.plan, at.projection
        table, last = pathway.placements(plan)
        card = hotel_scores.scorecard(at.scores)
        return _with_summary(
            [
                briefs.Section(
                    "The quarter’s figures",
                    [pack_tables.quarter_by_region(shelf), baseline.published_regions(pack or shelf)],
                ),
                briefs.Section(
                    "Change plan",
                    [
                        monitoring.regions_table(shelf, plan, ahead),
                        monitoring.trajectory(shelf, plan, ahead),
                        monitoring.milestones_table(shelf, plan, ahead),
                        council_states.states_table(shelf, plan, ahead),
                    ],
                ),
                briefs.Section("No procurement", [council_states.no_procurement(shelf, plan, at.today)]),
                briefs.Section(
                    "What each barrier is worth", [barriers.worth(at.runs, out) or _later(barriers.HOW)]
                ),
                briefs.Section(
                    "Hotels",
                    [
                        hotel_warning.totals_claim(shelf, ahead),
                        hotel_warning.places_table(shelf, ahead, at.chances, "region"),
                        hotel_warning.places_table(shelf, ahead, at.chances, "contract_area"),
                        hotel_warning.score_table(shelf, at.scores, card),
                        hotel_warning.reliability_figure(shelf, hotel_scores.reliability(at.scores)),
                        hotel_notice.notice_table(shelf, at.runs) or _later(hotel_notice.how()),
                    ],
                ),
                briefs.Section("Pressure on services", [pressure.pressure_figure(pack) if pack else NO_STUDY]),
                briefs.Section(
                    "Equity", [pathway.metrics_table(shelf, table, last, plan), pathway.regions_table(shelf, table)]
                ),
                briefs.Section("Funding position", [funding.places_table(pack, "region") if pack else NO_STUDY]),
                briefs.Section(
                    "Forecast and its score",
                    [outlook.stock_fans(pack or shelf), forecast_scores.stock_score_card(pack or shelf)],
                ),
                _decisions(at, shelf),
                _revisions(at, shelf),
            ]
        )

    return _write(at, QUARTERLY, "Quarterly pack: the United Kingdom", "the United Kingdom", make, say)


def region(at: Desk, name: str, say: Callable[[str], None]) -> Path:
    """Write the pack of one region, spelt as the reference tables spell it."""

    def make(out: Path) -> list[briefs.Section]:
        shelf, pack = at.shelf(out), at.study(out)
        plan, ahead = at.plan, at.projection
        table, _ = pathway.placements(plan)
        return _with_summary(
            [
                briefs.Section("The quarter’s figures", [pack_tables.quarter_by_region(shelf, name)]),
                briefs.Section(
                    "Change plan",
                    [
                        monitoring.regions_table(shelf, plan, ahead, name),
                        monitoring.trajectory(shelf, plan, ahead, name),
                        monitoring.milestones_table(shelf, plan, ahead, name),
                    ],
                ),
                briefs.Section("No procurement", [council_states.no_procurement(shelf, plan, at.today, name)]),
                briefs.Section(
                    "Hotels",
                    [
                        hotel_warning.councils_table(shelf, ahead, at.chances, name),
                        hotel_warning.places_table(shelf, ahead, at.chances, "region"),
                        "How good such warnings have been: the quarterly pack, or `dispersal hotels score`.",
                    ],
                ),
                briefs.Section("Pressure on services", [pack_tables.pressure_region(pack, name) if pack else NO_STUDY]),
                briefs.Section(
                    "Equity", [pack_tables.equity_inside(shelf, name), pathway.regions_table(shelf, table)]
                ),
                briefs.Section("Funding position", [pack_tables.funding_region(pack, name) if pack else NO_STUDY]),
                briefs.Section(
                    "Forecast and its score",
                    [
                        pack_tables.forecast_region(shelf, ahead, name),
                        forecast_scores.stock_score_card(pack or shelf),
                        pressure.council_table(pack, name) if pack else None,
                    ],
                ),
                _decisions(at, shelf, name),
                _revisions(at, shelf),
            ]
        )

    return _write(at, f"{REGION}-{name}", f"Regional pack: {name}", the(name), make, say)


def council(at: Desk, code: str, say: Callable[[str], None]) -> Path:
    """Write the pack of one council."""
    name = council_name(code)
    home = str(params.reference("councils").set_index("lad_code").loc[code, "region"])

    def make(out: Path) -> list[briefs.Section]:
        shelf, pack = at.shelf(out), at.study(out)
        plan, ahead = at.plan, at.projection
        return _with_summary(
            [
                briefs.Section("The quarter’s figures", [hotel_sheet.known_table(shelf, code)]),
                briefs.Section("Change plan", [pack_tables.plan_council(shelf, plan, ahead, code)]),
                briefs.Section(
                    "Hotels",
                    [
                        hotel_sheet.chances_table(shelf, ahead, code),
                        f"For the day a hotel is announced: `dispersal hotels sheet {code}`.",
                    ],
                ),
                briefs.Section("Equity", [pack_tables.equity_inside(shelf, home)]),
                briefs.Section(
                    "Pressure and funding position",
                    [
                        pack_tables.council_row(pack, code) if pack else NO_STUDY,
                        pack_tables.pressure_region(pack, home) if pack else None,
                    ],
                ),
                briefs.Section("Forecast and its score", [pack_tables.forecast_council(shelf, ahead, code)]),
                _decisions(at, shelf, council=code),
                _revisions(at, shelf),
            ]
        )

    return _write(at, f"{COUNCIL}-{code}", f"Council pack: {name}", name, make, say)


def every_region(at: Desk, say: Callable[[str], None]) -> list[Path]:
    """Write the packs of all twelve regions and nations, one after the other."""
    made = []
    for position, name in enumerate(regions(), 1):
        say(f"  {position} of {len(regions())}  {name}")
        made.append(region(at, name, say))
    return made


def _later(how: str) -> str:
    return how[:1].upper() + how[1:]


def _decisions(at: Desk, shelf: Pack, region: str = "", council: str = "") -> briefs.Section:
    found = council_states.log_table(shelf, at.plan, at.projection, region, council)
    return briefs.Section(
        "Decisions and actions",
        [found or "No decision is recorded. `dispersal plan set-state COUNCIL STATE --reason ...` records one."],
    )


def _revisions(at: Desk, shelf: Pack) -> briefs.Section:
    return briefs.Section("Changed since the last edition", [pack_tables.revisions(shelf, at.runs / "archive")])


def _with_summary(sections: list[briefs.Section]) -> list[briefs.Section]:
    """The finding of each section's first exhibit in front, with its evidence id."""
    first = [next((item for item in section.shown if isinstance(item, Exhibit)), None) for section in sections]
    lines = [f"{item.title} ({item.id})" for item in first if item is not None]
    return [briefs.Section("In short", lines), *sections]


def _write(
    at: Desk,
    name: str,
    title: str,
    where: str,
    make: Callable[[Path], list[briefs.Section]],
    say: Callable[[str], None],
) -> Path:
    start = day(np.datetime64(at.projection.start))
    studies = [newest_study(at.runs, file) for file in (barriers.FILE, hotel_notice.FILE)]
    studies.append(at.projection.study if at.projection.from_study else None)
    editions = sorted(path.name for path in (at.runs / "archive").glob("*")) if (at.runs / "archive").is_dir() else []
    content = {
        "kind": name,
        "projection": at.projection.study,
        "on": at.today.isoformat(),  # days waiting are counted to it
        "plan": records.digest(
            {
                "about": at.plan.about.model_dump(mode="json"),
                "targets": [[*map(str, key), people] for key, people in at.plan.targets.items()],
                "states": [state.model_dump(mode="json") for state in at.plan.states.values()],
                "log": [entry.model_dump(mode="json") for entry in at.plan.log],
            }
        ),
        "studies": [study or "" for study in studies],
        "editions": editions,
    }
    return briefs.write(
        at.runs,
        f"pack-{name}",
        f"{title}, {start}",
        f"Where {where} stands against the change plan, what may come, and how sure that is: for the quarterly "
        "meeting.",
        content,
        [study for study in studies if study],
        make,
        {
            "Published figures to": start,
            "Projection": stated(at.projection),
            "Plan": f"{at.plan.about.title} ({at.plan.label})",
            "States of councils": council_states.INFERRED,
            "Made": day(np.datetime64(at.today)),
        },
        say,
    )
