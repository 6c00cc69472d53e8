"""The flow of people between kinds of accommodation, as a picture and a table, with intervals over simulations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Curve

from evidence import results
from evidence.chapters.baseline import ACCOMMODATION
from evidence.drawing.style import CATEGORIES, INK, panels
from evidence.exhibits import MODELLED, Exhibit
from evidence.studies import intake
from evidence.studies.ensemble import Design, intake_path
from evidence.wording import day, month, sentence, whole
from params import Assumptions
from sim.flows import OUTSIDE, flows

HOTEL = results.HOTEL
_GAP = 0.035  # of the height, between two bars of one side
_OTHERS, _MUTED = "#8c8c8c", 0.45


def simulated(assumptions: Assumptions, design: Design, runs: Path) -> xr.DataArray:
    """People who moved, by origin and destination, summed over the months.

    Args:
        assumptions: of `params.load`.
        design: draws, replications, months, start and seed, as of a study.
        runs: folder of all runs, where the intake forecast is kept.

    Returns:
        People (draw, replication, origin, destination); who stayed is left out.
    """
    import forecasts

    source = intake.forecast(
        runs, horizon=design.quarters, origin=design.origin, seed=design.seed, assumptions=assumptions
    )
    paths = forecasts.read_paths(source / intake.PATHS_FILE)
    rows = []
    for draw in range(design.draws):
        drawn = assumptions.with_draw(draw, design.draws, design.seed)
        rows.append(
            [
                flows(
                    drawn, intake_path(paths, design, draw, k), design.seed_of(k), design.start.isoformat()
                ).sum("month")
                for k in range(design.replications)
            ]
        )
    moved = xr.concat([xr.concat(own, "replication") for own in rows], "draw")
    return moved.where(moved["origin"] != moved["destination"], 0)


def exhibit(moved: xr.DataArray, scenario: str, design: Design) -> Exhibit:
    """The flow as a picture with its table.

    Args:
        moved: from `simulated`.
        scenario: name of what was simulated.
        design: its design.
    """
    table = results.summarise(moved)
    table = table[table["high95"] > 0].sort_values("central", ascending=False).reset_index(drop=True)
    span = f"{day(design.start.isoformat())} to {month(_end(design))}"
    ends = pd.concat(
        [
            results.summarise(moved.sum(other)).rename(columns={side: "place"}).assign(side=side)
            for side, other in (("origin", "destination"), ("destination", "origin"))
        ]
    )
    into, out = (results.row(ends, side=side, place=OUTSIDE) for side in ("origin", "destination"))
    hotels = results.row(ends, side="origin", place=HOTEL)
    view = pd.DataFrame(
        {
            "From": [name(v) for v in table["origin"]],
            "To": [name(v, False) for v in table["destination"]],
            "People": [
                f"{whole(c)}\n{whole(low)} to {whole(high)}"
                for c, low, high in zip(table["central"], table["low80"], table["high80"], strict=True)
            ],
        }
    )
    largest = "; ".join(
        f"{name(o)} to {name(d, False).lower()} {whole(c)}"
        for o, d, c in zip(*(table[k].head(5) for k in ("origin", "destination", "central")), strict=True)
    )
    sizes = f"{design.draws} draws, {design.replications} replications"
    return Exhibit(
        kind="figure",
        name="flow",
        title=sentence(
            f"Between {whole(hotels.low80)} and {whole(hotels.high80)} people leave a hotel, for other "
            f"accommodation or for good ({span})"
        ),
        subtitle=f"People who moved between kinds of accommodation, {span}, scenario {scenario}; stays are left out.",
        data=table,
        view=view,
        row_headers=2,
        units="people",
        source="published stock of the start (Home Office, Asy_D11) and the intake forecast",
        label=MODELLED,
        basis={"interval": "Median and 80% interval of all simulations", "runs": sizes},
        alternative=(
            f"Bands from where people were to where they went, as wide as people are many: "
            f"{whole(into.central)} enter support, {whole(out.central)} leave it. Largest: {largest}."
        ),
        notes=("Moves from one month end to the next, summed; who entered and left within a month is not counted. "
               "Medians of flows need not add up.",),  # fmt: skip
        draw=lambda: sankey(table, ends),
    )


def name(place: str, origin: bool = True) -> str:
    """An end of a flow as read."""
    if place == OUTSIDE:
        return "Entered support" if origin else "Left support"
    return ACCOMMODATION[place]


def _end(design: Design) -> np.datetime64:
    start: date = design.start
    return np.datetime64(start, "M") + np.timedelta64(design.months, "M")


def sankey(table: pd.DataFrame, ends: pd.DataFrame) -> Figure:
    """Bands between where people were (left) and where they went (right), as wide as people are many.

    Args:
        table: origin, destination, central (people).
        ends: side (origin or destination), place, central and intervals: one row a bar.
    """
    shown = table[table["central"] > 0]
    figure, (axes,) = panels(1, 1, 5.0)
    total = float(shown["central"].sum())
    left, right = (_bars(shown, side, total) for side in ("origin", "destination"))
    for side, bars, x in (("origin", left, 0.0), ("destination", right, 1.0)):
        for place, (bottom, height) in bars.items():
            axes.barh(bottom + height / 2, 0.02, height=height, left=x - 0.01, color=INK)
            own = results.row(ends, side=side, place=place)
            axes.annotate(
                f"{name(place, side == 'origin')}\n{whole(own.central)} ({whole(own.low80)} to {whole(own.high80)})",
                (x, bottom + height / 2),
                xytext=(-8 if x == 0 else 8, 0), textcoords="offset points", va="center",
                ha="right" if x == 0 else "left", fontsize=8.5, linespacing=1.15,
            )  # fmt: skip
    _bands(axes, shown, left, right, total)
    axes.set_xlim(-0.42, 1.42)
    axes.set_ylim(min(b for b, _ in [*left.values(), *right.values()]) - 0.03, 1.03)
    axes.set_axis_off()
    handles = [
        Patch(facecolor=CATEGORIES[0], alpha=0.6, label="from or to a hotel"),
        Patch(facecolor=_OTHERS, alpha=_MUTED, label="other moves; in brackets the 80% interval"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
    return figure


def _bars(shown: pd.DataFrame, side: str, total: float) -> dict[str, tuple[float, float]]:
    """Bottom and height of each bar of one side, the largest on top; small ones keep room for their label."""
    sums = shown.groupby(side)["central"].sum().sort_values(ascending=False)
    bars, top = {}, 1.0
    for place, people in sums.items():
        height = float(people) / total
        bars[str(place)] = (top - height, height)
        top -= max(height, 0.06) + _GAP
    return bars


def _bands(
    axes: Axes, shown: pd.DataFrame, left: Mapping[str, tuple[float, float]],
    right: Mapping[str, tuple[float, float]], total: float,
) -> None:  # fmt: skip
    starts = {place: bottom + height for place, (bottom, height) in left.items()}
    ends = {place: bottom + height for place, (bottom, height) in right.items()}
    columns = (shown["origin"].astype(str), shown["destination"].astype(str), shown["central"].to_numpy(float) / total)
    moves = list(zip(*columns, strict=True))
    # At each side in the order of the other one, so that bands of one bar do not cross each other.
    lower: dict[tuple[str, str], float] = {}
    for origin, destination, width in sorted(moves, key=lambda m: (left[m[0]], right[m[1]]), reverse=True):
        starts[origin] -= width
        lower[origin, destination] = starts[origin]
    for origin, destination, width in sorted(moves, key=lambda m: (right[m[1]], left[m[0]]), reverse=True):
        ends[destination] -= width
        a, b = lower[origin, destination], ends[destination]
        points = [(0.01, a), (0.5, a), (0.5, b), (0.99, b), (0.99, b + width), (0.5, b + width), (0.5, a + width),
                  (0.01, a + width), (0.01, a)]  # fmt: skip
        codes = [Curve.MOVETO, *[Curve.CURVE4] * 3, Curve.LINETO, *[Curve.CURVE4] * 3, Curve.CLOSEPOLY]
        colour, alpha = (CATEGORIES[0], 0.6) if HOTEL in (origin, destination) else (_OTHERS, _MUTED)
        axes.add_patch(PathPatch(Curve(points, codes), facecolor=colour, lw=0, alpha=alpha))
