"""Commands of the partnership's own systems: the change plan, hotels, packs and the redistribution pathway.

Only cyclopts is imported at the top, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

if TYPE_CHECKING:
    pass

Runs = Annotated[
    Path | None,
    Parameter(name="--runs", env_var="DISPERSAL_RUNS", help="Folder of all runs; runs/ when not given."),
]
PlanFolder = Annotated[
    Path | None,
    Parameter(
        name="--plan",
        env_var="DISPERSAL_PLAN",
        help="Folder of your own plan, or a file of states; the shipped example when not given.",
    ),
]
Study = Annotated[
    str | None,
    Parameter(name="--study", help="Id of a finished study; the newest that matches when not given."),
]
plan_app = App(
    name="plan",
    help="The change plan: targets, milestones, each council's part, and where things are heading.",
    help_epilogue="""Examples:
  dispersal plan status
  dispersal plan set-state E07000117 agreed_no_procurement --reason "Cabinet agreed"
  dispersal plan example our-plan""",
    help_format="plaintext",
)
hotels_app = App(
    name="hotels",
    help="Contingency accommodation: early warning, how good it has been, and a sheet for the day it is announced.",
    help_epilogue="""Examples:
  dispersal hotels warn --region Wales
  dispersal hotels score
  dispersal hotels sheet E08000012""",
    help_format="plaintext",
)
pack_app = App(
    name="pack",
    help="Packs for the quarterly meeting: the United Kingdom, a region or a council, as a page and a PDF.",
    help_epilogue="""Examples:
  dispersal pack quarterly
  dispersal pack region "North West"
  dispersal pack region --all
  dispersal pack council E08000012""",
    help_format="plaintext",
)


def mount(top: App) -> None:
    """Add the commands to the top level."""
    top.command(plan_app)
    top.command(pack_app)
    top.command(hotels_app)
    top.command(
        pathway,
        help_epilogue="""Examples:
  dispersal pathway
  dispersal pathway --plan our-plan""",
    )


@plan_app.command(
    help_epilogue="""Examples:
  dispersal plan status
  dispersal plan status --region "North West"
  dispersal plan status --plan our-plan --study spending-review-7f3a1b2c"""
)
def status(*, region: str | None = None, study: Study = None, plan: PlanFolder = None, runs: Runs = None) -> None:
    """Show actual against plan, the projected path, milestones, councils without procurement, and barriers.

    Args:
        region: One region or nation only.
    """
    from evidence import cli
    from evidence.partners import plan_status

    print("\n".join(plan_status.lines(plan, region, study, cli._runs(runs))))


@plan_app.command(
    name="set-state",
    help_epilogue="""Examples:
  dispersal plan set-state E07000117 agreed_no_procurement --reason "Cabinet agreed" --date 2026-09-14
  dispersal plan set-state Burnley procuring --reason "First lease signed" --role "SMP manager" --plan our-plan

States: not_participating, agreed_no_procurement, procuring, active, paused_or_at_limit, withdrawn.""",
)
def set_state(
    council: str,
    state: str,
    /,
    *,
    reason: str,
    date: str | None = None,
    role: str = "partnership officer",
    barrier: str = "",
    action: str = "",
    plan: PlanFolder = None,
) -> None:
    """Record a council's change of state in the plan's log; nothing that is there is changed.

    Args:
        council: Code or exact name of the council.
        state: The new state.
        reason: Why, in one line. It stays in the log and is never exported; name no person.
        date: First day of the new state, as in 2026-09-14; today when not given.
        role: Role of whoever records it, not a name.
        barrier: Code of what stands in the way, as in plan.toml.
        action: Code of what is being done, as in plan.toml.
    """
    from datetime import UTC, datetime

    from evidence import cli
    from params.places import council_name
    from params.plan import LOG_FILE, read_plan
    from params.plan import set_state as record

    read = read_plan(plan)
    now = datetime.now(UTC)
    since = cli._date("--date", date) if date else now.date()
    entry = record(read, council, state, reason, role=role, since=since, barrier=barrier, action=action, now=now)
    print(f"{council_name(entry.lad_code)} ({entry.lad_code}): {entry.before} to {entry.state} from {entry.since}")
    print(cli._shown(read.folder / LOG_FILE))


@plan_app.command(
    help_epilogue="""Examples:
  dispersal plan example our-plan"""
)
def example(folder: Path, /, *, as_of: str | None = None) -> None:
    """Write the example plan, made from published figures, into a new folder to start your own from.

    Args:
        folder: A folder that does not exist yet.
        as_of: Quarter end the plan starts from; the latest published when not given.
    """
    from evidence import cli
    from params.plan_example import example_folder

    print("Illustrative: made from published figures, agreed by nobody. Replace targets.csv and states.csv.")
    print(cli._shown(example_folder(folder, cli._date("--as-of", as_of) if as_of else None)))


@hotels_app.command(
    help_epilogue="""Examples:
  dispersal hotels warn
  dispersal hotels warn --region Wales --out warning.csv"""
)
def warn(*, region: str | None = None, out: Path | None = None, study: Study = None, runs: Runs = None) -> None:
    """Say how likely contingency use is to start, grow or end within one to four quarters, by place.

    Args:
        region: Councils of one region or nation only.
        out: Write every probability to this CSV file.
    """
    from evidence import cli
    from evidence.partners import hotel_status

    cli._writable(out)
    print("\n".join(hotel_status.warning_lines(region, study, cli._runs(runs), out)))


@hotels_app.command(
    help_epilogue="""Examples:
  dispersal hotels score"""
)
def score(*, out: Path | None = None) -> None:
    """Score the early warning on every past origin, beside climatology and persistence (about twenty seconds).

    Args:
        out: Write every scored case to this CSV file.
    """
    from evidence import cli
    from evidence.partners import hotel_status

    cli._writable(out)
    print("\n".join(hotel_status.score_lines(out)))


@hotels_app.command(
    help_epilogue="""Examples:
  dispersal hotels sheet E08000012
  dispersal hotels sheet Liverpool --contacts contacts.csv

contacts.csv has the columns role and contact. It stays with the council: nothing of it is copied or printed."""
)
def sheet(council: str, /, *, contacts: Path | None = None, study: Study = None, runs: Runs = None) -> None:
    """Write a rapid-response sheet for one council: what is known, who does what by when, in roles and not people.

    Args:
        council: Code or exact name of the council.
        contacts: The council's own file of contacts; checked for a contact of every role, never exported.
    """
    from evidence import cli
    from evidence.partners import hotel_sheet

    for line in hotel_sheet.sheet(council, contacts, study, cli._runs(runs)):
        print(line)


def pathway(*, plan: PlanFolder = None, study: Study = None, runs: Runs = None) -> None:
    """Write the page of equity metrics side by side: today, the plan, each allocation rule and the optimum."""
    from evidence import cli
    from evidence.partners.pathway import page

    print(cli._shown(page(plan, study, cli._runs(runs), print)))


@pack_app.command(
    help_epilogue="""Examples:
  dispersal pack quarterly
  dispersal pack quarterly --plan our-plan --study spending-review-7f3a1b2c"""
)
def quarterly(*, plan: PlanFolder = None, study: Study = None, runs: Runs = None) -> None:
    """Write the pack of the United Kingdom: the quarter, plan, hotels, pressure, equity, funding, forecast, changes."""
    from evidence import cli
    from evidence.partners import packs

    print(cli._shown(packs.quarterly(packs.desk(plan, study, cli._runs(runs)), print)))


@pack_app.command(
    help_epilogue="""Examples:
  dispersal pack region "North West"
  dispersal pack region "yorkshire & humber" --plan our-plan
  dispersal pack region --all"""
)
def region(
    name: str | None = None,
    /,
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    plan: PlanFolder = None,
    study: Study = None,
    runs: Runs = None,
) -> None:
    """Write the pack of one region or nation, or of all twelve.

    Args:
        name: The region, in any of its usual spellings.
        all_: All twelve regions and nations, one after the other.
    """
    from evidence import cli
    from evidence.partners import packs
    from params.errors import InputError
    from params.places import find_region, regions

    if all_ == (name is not None):
        raise InputError(f"pack region: give the name of a region or --all. Valid: {', '.join(regions())}.")
    wanted = find_region(name, "REGION") if name else ""
    desk = packs.desk(plan, study, cli._runs(runs))
    for path in [packs.region(desk, wanted, print)] if wanted else packs.every_region(desk, print):
        print(cli._shown(path))


@pack_app.command(
    help_epilogue="""Examples:
  dispersal pack council E08000012
  dispersal pack council Liverpool"""
)
def council(code: str, /, *, plan: PlanFolder = None, study: Study = None, runs: Runs = None) -> None:
    """Write the pack of one council, with disclosure control.

    Args:
        code: Code or exact name of the council.
    """
    from evidence import cli
    from evidence.partners import packs
    from params.places import find_council

    wanted = find_council(code, "COUNCIL")
    print(cli._shown(packs.council(packs.desk(plan, study, cli._runs(runs)), wanted, print)))
