"""Pictures of any result: one function each, in one style, with text for those who cannot see it, as SVG and PNG.

Every function takes what holds results (a comparison, a study, or the id of a finished one) and returns an exhibit,
which shows itself in a notebook with its table: `.pictures["svg"]`, `.pictures["png"]`, `.alternative` (made from the
data), `.data`, `.title`. `save` writes it to a file. They are the pictures of the report; only a report can be cited.

- Fan charts: `intake`, `supported`, `hotels`, `dispersal`.
- Hexagon map of councils with its table, after disclosure control: `councils`.
- Small multiples by region: `regions`, `regions_by_accommodation`.
- The three ledgers side by side, over all years and by year: `ledgers`, `ledgers_by_year`.
- Waterfall of changes: `waterfall`. Tornado and Sobol indices of a sensitivity run: `tornado`, `sobol`.
- Flow of people between kinds of accommodation: `flow`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import params
from evidence.answers import drivers, moves
from evidence.chapters import baseline, funding, pressure
from evidence.chapters import ledgers as money
from evidence.drawing import flows
from evidence.drawing import regions as by_region
from evidence.exhibits import Exhibit, Exhibits, Pack, open_pack
from evidence.records import runs_folder
from evidence.studies.ensemble import Design
from params import Assumptions, InputError


def intake(of: Any) -> Exhibit:
    """Claims by quarter: published history, then the forecast of a finished study as a fan."""
    return baseline.intake_fan(_pack(of))


def supported(of: Any) -> Exhibit:
    """People supported over time, a fan for each arm."""
    return funding.supported_figure(_pack(of))


def hotels(of: Any) -> Exhibit:
    """People in hotels over time, a fan for each arm."""
    return funding.hotels_figure(_pack(of))


def dispersal(of: Any) -> Exhibit:
    """People in dispersal accommodation over time, a fan for each arm."""
    return funding.dispersal_figure(_pack(of))


def councils(of: Any) -> Exhibits:
    """The hexagon map of councils at the end, and the table beside it; rounded to 5, suppressed below 5."""
    pack = _pack(of)
    return Exhibits((pressure.council_map(pack), pressure.council_table(pack)))


def regions(of: Any) -> Exhibit:
    """People supported in each region over time, one small panel a region."""
    return pressure.regions_figure(_pack(of))


def regions_by_accommodation(of: Any, arm: str = "") -> Exhibit:
    """People in dispersal accommodation and hotels in each region, one small panel a region.

    Args:
        of: what holds the results.
        arm: whose; the baseline's when empty.
    """
    return by_region.accommodation_figure(_pack(of), arm)


def ledgers(of: Any) -> Exhibit:
    """The three ledgers over the years of policy, side by side and never added."""
    return money.ledgers_figure(_pack(of))


def ledgers_by_year(of: Any) -> Exhibit:
    """The three ledgers by financial year, side by side and never added."""
    return money.ledger_years_figure(_pack(of))


def waterfall(of: Any, measure: str = "beds") -> Exhibit:
    """What each change contributes, the interaction of several, and the total.

    Args:
        of: a comparison, or a study of changes with an arm `together` (then people in hotels are shown).
        measure: of a comparison, as `Comparison.waterfall` takes it.
    """
    if hasattr(of, "waterfall"):
        made: Exhibit = of.waterfall(measure)
        return made
    shown = moves.figures(_pack(of), people_moved=1)
    assert isinstance(shown, Exhibits)
    return shown[0]


def tornado(of: Any, run: str) -> Exhibit:
    """How far each assumption alone moves councils' net cost.

    Args:
        of: a study of the runs folder that the sensitivity run is in.
        run: id of a finished sensitivity run (`drivers-...`, made by `dispersal answers`).
    """
    return _drivers(of, run)[0]


def sobol(of: Any, run: str) -> Exhibit:
    """What each group of assumptions explains of the answer, alone and with its interactions; as `tornado`."""
    return _drivers(of, run)[1]


def flow(
    assumptions: str | Assumptions = "central",
    *,
    draws: int = 5,
    replications: int = 1,
    months: int = 12,
    start: str = "2025-12-31",
    seed: int = 2026,
    runs: str | Path | None = None,
) -> Exhibit:
    """Simulate, and show how people flow between kinds of accommodation, into support and out of it.

    Args:
        assumptions: a scenario, or assumptions from `params.load`.
        draws, replications, months, start, seed: as for `evidence.compare`.
        runs: folder of all runs, where the intake forecast is kept; `$DISPERSAL_RUNS`, else `runs/`, when None.

    Raises:
        InputError: a number or a name that cannot be used.
    """
    chosen = params.load(assumptions) if isinstance(assumptions, str) else assumptions
    try:
        day = date.fromisoformat(start)
    except ValueError:
        raise InputError(f"start: {start!r} is not a date. Nearest: 2025-12-31.") from None
    design = Design(draws, replications, seed, day, months)
    design.check("flow")
    made = flows.exhibit(flows.simulated(chosen, design, runs_folder(runs)), chosen.scenario, design)
    return replace(made, pictures=made.drawn())


def save(exhibit: Exhibit, file: str | Path) -> Path:
    """Write a picture as SVG or PNG, by the file's ending; the text for those who cannot see it goes beside it.

    Returns:
        The file written; `<file>.txt` beside it holds title, text alternative and citation line.

    Raises:
        InputError: another ending, an exhibit without a picture, or a folder that is not there.
    """
    path = Path(file)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in ("svg", "png"):
        raise InputError(f"{path}: a picture is .svg or .png. Nearest: {path.with_suffix('.svg').name}.")
    if kind not in exhibit.pictures:
        raise InputError(f"{path}: {exhibit.name} is a {exhibit.kind} and has no picture.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist.")
    path.write_bytes(exhibit.pictures[kind])
    lines = [exhibit.title, exhibit.subtitle, exhibit.alternative, exhibit.citation()]
    path.with_name(f"{path.name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _drivers(of: Any, run: str) -> Exhibits:
    shown = drivers.figures(_pack(of), run)
    if not isinstance(shown, Exhibits):
        raise InputError("run: is empty. `dispersal answers` makes a sensitivity run and names it.")
    return shown


def _pack(of: Any) -> Pack:
    """What the report's functions read, from a comparison, a study, a pack or the id of a finished study."""
    if isinstance(of, str):
        return open_pack(of, str(runs_folder()))
    found = of if isinstance(of, Pack) else getattr(of, "pack", None)
    if not isinstance(found, Pack):
        raise InputError(f"picture: {type(of).__name__} holds no results; give a comparison, a study or a study's id.")
    return found
