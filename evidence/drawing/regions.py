"""Small multiples by region: people in dispersal accommodation and in hotels over time, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from evidence import results
from evidence.drawing.figures import wrapped
from evidence.drawing.style import BAND80, CATEGORIES, count_axis, panels, time_axis
from evidence.exhibits import Exhibit, Pack
from evidence.results import DISPERSAL, HOTEL
from evidence.wording import exact, listed, month, number, sentence, the
from params.errors import unknown

STOCKS: Mapping[str, str] = {DISPERSAL: "Dispersal accommodation", HOTEL: "Hotels"}


def accommodation_figure(pack: Pack, arm: str = "") -> Exhibit:
    """People in dispersal accommodation and in hotels by region, one panel a region.

    Args:
        pack: of a study or a comparison.
        arm: whose; the baseline's when empty.

    Raises:
        InputError: for an arm that the study does not have.
    """
    arm = arm or pack.baseline
    if arm not in pack.labels:
        raise unknown("regions", "an arm", arm, pack.labels)
    stocks = {kind: results.supported(pack.study, "region", kind).sel(arm=arm, drop=True) for kind in STOCKS}
    table = pd.concat([results.summarise(s).assign(accommodation=k) for k, s in stocks.items()], ignore_index=True)
    now = {k: s.isel(month_end=0, draw=0, replication=0).to_series() for k, s in stocks.items()}
    regions = list((now[DISPERSAL] + now[HOTEL]).sort_values(ascending=False).index)
    end = table[table["month_end"] == table["month_end"].max()].set_index(["accommodation", "place"])
    view = pd.DataFrame({"Region": regions})
    for kind, title in STOCKS.items():
        view[f"{title}, {month(pack.start)} (published)"] = [exact(now[kind][r]) for r in regions]
        view[f"{title}, {month(pack.end)}"] = [
            f"{number(end.at[(kind, r), 'central'])}\n"
            f"{number(end.at[(kind, r), 'low80'])} to {number(end.at[(kind, r), 'high80'])}"
            for r in regions
        ]
    fewer = [r for r in regions if end.at[(HOTEL, r), "high80"] < now[HOTEL][r]]
    if len(fewer) == len(regions):
        said = "in every region"
    else:
        said = f"in {listed([the(r) for r in fewer])}" if fewer else "in no region"
    spoken = "; ".join(
        f"{r}: dispersal {exact(now[DISPERSAL][r])} to {number(end.at[(DISPERSAL, r), 'central'])}, hotels "
        f"{exact(now[HOTEL][r])} to {number(end.at[(HOTEL, r), 'central'])}"
        for r in regions
    )
    return pack.add(
        Exhibit(
            kind="figure",
            name="regions_by_accommodation",
            title=sentence(
                f"By {month(pack.end)}, under {pack.quoted(arm)}, the whole range of people in hotels lies below "
                f"today's number {said}"
            ),
            subtitle="People at month ends by region; each panel has its own scale.",
            data=table,
            view=view,
            units="people",
            alternative=f"{len(regions)} panels of two lines with bands. Published start and central end: {spoken}.",
            notes=("Regions' intervals overlap widely: read the direction, not a ranking.",),
            draw=lambda: accommodation(table, regions),
            **pack.modelled(),
        )
    )


def accommodation(table: pd.DataFrame, regions: Sequence[str]) -> Figure:
    """One panel a region: medians and 80% bands of dispersal accommodation and hotels.

    Args:
        table: accommodation, place, month_end, central, low80, high80.
        regions: in the order of the panels.
    """
    columns = 4
    figure, grid = panels(ceil(len(regions) / columns), columns, 2.05 * ceil(len(regions) / columns), sharex=True)
    looks = dict(zip(STOCKS, ((CATEGORIES[0], "-"), (CATEGORIES[3], (0, (4, 1.5)))), strict=True))
    for axes, region in zip(grid, regions, strict=False):
        here = table[table["place"] == region]
        for kind, (colour, dashes) in looks.items():
            own = here[here["accommodation"] == kind]
            axes.fill_between(own["month_end"], own["low80"], own["high80"], color=colour, alpha=BAND80, lw=0)
            axes.plot(own["month_end"], own["central"], color=colour, ls=dashes)
        axes.set_title(wrapped(region, 18), fontsize=9)
        axes.set_ylim(0, max(1.0, 1.08 * float(here["high80"].max())))
        count_axis(axes, ticks=4)
        time_axis(axes, 2)
    for axes in grid[len(regions) :]:
        axes.set_visible(False)
    handles = [
        grid[0].plot([], [], color=colour, ls=dashes, label=f"{STOCKS[kind].lower()}, median")[0]
        for kind, (colour, dashes) in looks.items()
    ]
    bands = [
        Patch(facecolor=colour, alpha=BAND80, label=f"its 80% interval, {STOCKS[kind].lower()}")
        for kind, (colour, _) in looks.items()
    ]
    figure.legend(handles=[*handles, *bands], loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
    return figure
