"""What happened to one council in one simulated history, in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.studies import intake
from evidence.studies.ensemble import Design, intake_path, load_arm
from params.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 120  # months: the longest run
_LINES = ("school_places", "esol", "homelessness", "social_care", "public_health", "community", "legal_advice",
          "coordination")  # fmt: skip


def trace(
    council: str, month: str, scenario: str, overrides: Mapping[str, object], seed: int, start: str, runs: Path
) -> list[str]:
    """Tell what happened to a council in a month of replication 0, and why.

    Args:
        council: code of the council.
        month: calendar month, as in 2026-09.
        scenario, overrides: as for `dispersal run`.
        seed: seed of the study or run whose replication 0 is told.
        start: quarter end the history starts from.
        runs: folder of all runs; the intake forecast is kept there.

    Returns:
        Lines of text.

    Raises:
        InputError: an unknown council or a month outside the history.
    """
    import numpy as np

    import forecasts
    import params
    import sim

    councils = params.reference("councils").set_index("lad_code")
    if council not in councils.index:
        options = [*councils.index, *councils["name"]]
        guess = nearest(council, options)
        if guess in set(councils["name"]):
            guess = f"{councils.index[councils['name'] == guess][0]} ({guess})"
        hint = f"Nearest: {guess}" if guess else "Codes are in params/reference/councils.csv"
        raise InputError(f"--council: {council or 'empty'} is not a council code. {hint}.")
    first = np.datetime64(_day(start), "M")
    try:
        months = int((np.datetime64(month, "M") - first) / np.timedelta64(1, "M"))
    except ValueError:
        raise InputError(f"--month: {month} is not a month. Nearest: one like 2026-09.") from None
    if months > LONGEST:
        raise InputError(f"--month: {month} is too far ahead. Nearest: {first + np.timedelta64(LONGEST, 'M')}.")
    design = Design(1, 1, seed, _day(start), max(months, 1))
    design.check("dispersal trace")
    if months < 1:
        nearest_month = first + np.timedelta64(1, "M")
        raise InputError(f"--month: {month} is not after the start, {start}. Nearest: {nearest_month}.")
    assumptions = load_arm(scenario, overrides, "dispersal trace", "--set")
    source = intake.forecast(
        runs, horizon=design.quarters, origin=design.origin, seed=design.seed, assumptions=assumptions
    )
    paths = forecasts.read_paths(source / intake.PATHS_FILE)
    path = intake_path(paths, design, 0, 0)
    history = sim.trace(assumptions, path, design.seed_of(0), council, start)
    said = [row for row in assumptions.local.rows() if row.get("council") == council]
    return [*_told(str(councils.loc[council, "name"]), history, scenario), *_local(said)]


def _local(rows: list[dict[str, Any]]) -> list[str]:
    """Local intelligence on the council, a line a rule, with the reason and whose it is."""
    lines = []
    for row in rows:
        value = f"{row['value']:,.10g} " if isinstance(row["value"], float) else f"{row['value']} "
        until = f" until {row['until']}" if row["until"] else ""
        what = f"{row['set']} {'' if row['value'] is True else value}from {row['from']}{until}"
        lines.append(f"  local        {what}: {row['reason']} ({row['by']})")
    return lines


def _day(start: str) -> Any:
    from datetime import date

    try:
        return date.fromisoformat(start)
    except ValueError:
        raise InputError(f"--start: {start} is not a date. Nearest: one like 2025-12-31.") from None


def _told(name: str, history: Any, scenario: str) -> list[str]:
    """The last month of a history, and how the council came to it."""
    now, before = history.iloc[-1], history.iloc[-2] if len(history) > 1 else history.iloc[-1]
    so_far = history["beds_answered"] > 0
    objections = history[history["answer"] == "objected"]
    lines = [
        f"{name}, {history.index[-1]}, scenario {scenario}: one simulated history of many, synthetic.",
        f"  state        {now['participation'].replace('_', ' ')}; willingness {now['willingness']:.2f} "
        f"(month before {before['willingness']:.2f})",
        f"  offers       {now['beds_proposed']} beds proposed this month",
        f"  answer       {_answer(now)}",
        f"  beds         {now['beds']} dispersal beds: {now['beds_opened']} opened, "
        f"{now['beds_handed_back']} handed back this month",
        f"  people       {now['people_dispersal']} in dispersal "
        f"({now['people_dispersal'] - before['people_dispersal']:+d} since the month before), "
        f"{now['people_contingency_hotel']} in hotels, {now['people_initial']} in initial, "
        f"{now['people_subsistence']} on subsistence only",
        f"  hotels       {now['hotel_beds_opened']} beds opened"
        + (", without notice" if now["hotel_opened_without_notice"] else ""),
        f"  move-on      {now['homelessness_duties']} households owed a homelessness duty",
        "  pressure     " + ", ".join(f"{line.replace('_', ' ')} {now[f'pressure_{line}']:.2f}" for line in _LINES),
        f"  ledger       gross cost {_pounds(now['gross_cost'])}, grant {_pounds(now['grant'])}, "
        f"net {_pounds(now['gross_cost'] - now['grant'])} this month",
        f"  until now    months with an answer: {int(so_far.sum())}; objections: {len(objections)}"
        + (f" (most often {objections['reason'].mode()[0].replace('_', ' ')})" if len(objections) else "")
        + f"; {int(history['beds_opened'].sum())} beds opened, {int(history['beds_handed_back'].sum())} handed back",
    ]
    return lines


def _answer(now: Any) -> str:
    if not now["beds_answered"]:
        return "no proposal was due for an answer"
    if now["answer"] == "accepted":
        return f"accepted {now['beds_answered']} beds"
    return (
        f"objected to {now['beds_answered']} beds for {now['reason'].replace('_', ' ')}; the provider {now['provider']}"
    )


def _pounds(amount: float) -> str:
    """Pounds to three significant figures; negative amounts are a surplus of grant."""
    if not amount:
        return "£0"
    digits = 2 - len(str(int(abs(amount)))) + 1
    return f"{'−' if amount < 0 else ''}£{round(abs(amount), digits):,.0f}"
