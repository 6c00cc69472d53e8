"""One function for each figure: from a tidy table to a picture. Titles stand beside the picture, as text.

Tables have the columns of `results.summarise`: `central`, `low80`, `high80`, `low95`, `high95`, and the columns that
each function names. People and pounds are whole; labels are ready to print.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from math import ceil

import pandas as pd
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Annotation

from evidence.drawing.style import (
    BAND80,
    BAND95,
    CATEGORIES,
    INK,
    MUTED,
    count_axis,
    money_axis,
    money_scale,
    panels,
    time_axis,
)
from evidence.wording import money

_SHARED = {"sharex": True, "sharey": True}
_GAP = 2.5  # points between a printed figure and the line at zero
HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]


def intake_fan(history: pd.DataFrame, fan: pd.DataFrame) -> Figure:
    """Claims by quarter: published history, then the forecast's median with 80% and 95% bands.

    Args:
        history: quarter_end, people.
        fan: quarter_end, central, low80, high80, low95, high95.
    """
    figure, (axes,) = panels(1, 1, 3.9)
    axes.plot(history["quarter_end"], history["people"], color=INK, lw=1.6)
    joined = pd.concat([_as_fan(history.iloc[[-1]]), fan])
    x = joined["quarter_end"]
    axes.fill_between(x, joined["low95"], joined["high95"], color=CATEGORIES[0], alpha=BAND95, lw=0)
    axes.fill_between(x, joined["low80"], joined["high80"], color=CATEGORIES[0], alpha=BAND80, lw=0)
    axes.plot(x, joined["central"], color=CATEGORIES[0])
    last = fan.iloc[-1]
    for name, text in (("high95", "95% interval"), ("high80", "80% interval"), ("central", "median")):
        axes.annotate(f" {text}", (last["quarter_end"], last[name]), va="center", fontsize=8.5)
    peak = history.iloc[int(history["people"].to_numpy().argmax())]
    axes.annotate(
        "published", (peak["quarter_end"], peak["people"]), xytext=(-4, 4), textcoords="offset points", ha="right",
        fontsize=8.5,
    )  # fmt: skip
    axes.axvline(history["quarter_end"].iloc[-1], color=MUTED, lw=0.8, ls=":")
    axes.set_ylim(bottom=0)
    axes.set_xlim(history["quarter_end"].iloc[0], last["quarter_end"] + pd.Timedelta(days=390))
    axes.set_title("People claiming asylum in the quarter", fontweight="normal")
    count_axis(axes)
    time_axis(axes, 2)
    return figure


def _as_fan(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {"quarter_end": rows["quarter_end"]}
        | {name: rows["people"].astype(float) for name in ("central", "low80", "high80", "low95", "high95")}
    )


def stock_by_arm(table: pd.DataFrame, labels: Mapping[str, str], baseline: str, measure: str) -> Figure:
    """A national stock over time, one panel an arm: median and 80% band, with the baseline's median dashed.

    Args:
        table: arm, month_end, central, low80, high80.
        labels: name to print, by arm, in order.
        baseline: the arm shown dashed in the other panels.
        measure: what the y axis counts.
    """
    figure, grid = panels(ceil(len(labels) / 4), min(4, len(labels)), 3.2 * ceil(len(labels) / 4), **_SHARED)
    reference = table[table["arm"] == baseline]
    for axes in grid[len(labels) :]:
        axes.set_visible(False)
    for axes, (arm, label) in zip(grid, labels.items(), strict=False):
        own = table[table["arm"] == arm]
        axes.fill_between(own["month_end"], own["low80"], own["high80"], color=CATEGORIES[0], alpha=BAND80, lw=0)
        axes.plot(own["month_end"], own["central"], color=CATEGORIES[0])
        if arm != baseline:
            axes.plot(reference["month_end"], reference["central"], color=INK, lw=1.3, ls=(0, (3, 2)))
        axes.set_title(wrapped(label, 20), fontsize=9.5)
        axes.set_ylim(0, 1.05 * float(table["high80"].max()))
        count_axis(axes)
        time_axis(axes, 2)
    handles = [
        Patch(facecolor=CATEGORIES[0], alpha=BAND80, label="80% interval"),
        *grid[0].plot([], [], color=CATEGORIES[0], label="median"),
        *grid[0].plot([], [], color=INK, lw=1.3, ls=(0, (3, 2)), label=f"median, {_inside(labels[baseline])}"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    figure.suptitle(measure, x=0.005, ha="left", fontsize=9.5)
    return figure


def fans(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str], baseline: str) -> Figure:
    """National stocks over time, one panel a stock: one arm's median and bands, the baseline's median and 80% ends.

    Args:
        tables: by stock: arm, month_end, central, low80, high80, low95, high95, in people.
        labels: name to print, by arm: the baseline, and at most one other, which then has the bands.
        baseline: the arm drawn as lines where there is another.
    """
    shown = next((arm for arm in labels if arm != baseline), baseline)
    figure, grid = panels(1, len(tables), 3.4)
    for axes, (title, table) in zip(grid, tables.items(), strict=True):
        own = table[table["arm"] == shown]
        axes.fill_between(own["month_end"], own["low95"], own["high95"], color=CATEGORIES[0], alpha=BAND95, lw=0)
        axes.fill_between(own["month_end"], own["low80"], own["high80"], color=CATEGORIES[0], alpha=BAND80, lw=0)
        axes.plot(own["month_end"], own["central"], color=CATEGORIES[0])
        if shown != baseline:
            other = table[table["arm"] == baseline]
            axes.plot(other["month_end"], other["central"], color=INK, lw=1.3, ls=(0, (3, 2)))
            for end in ("low80", "high80"):
                axes.plot(other["month_end"], other[end], color=INK, lw=0.9, ls=(0, (1, 1.5)))
        axes.set_title(wrapped(title, 22), fontsize=9.5)
        axes.set_ylim(0, 1.05 * float(table["high95"].max()))
        count_axis(axes)
        time_axis(axes, 1)
        axes.tick_params("x", labelsize=8)
    handles = [
        *grid[0].plot([], [], color=CATEGORIES[0], label=f"median, {_inside(labels[shown])}"),
        Patch(facecolor=CATEGORIES[0], alpha=BAND80 + BAND95, label="80% interval"),
        Patch(facecolor=CATEGORIES[0], alpha=BAND95, label="95% interval"),
    ]
    if shown != baseline:
        name = _inside(labels[baseline])
        handles += grid[0].plot([], [], color=INK, lw=1.3, ls=(0, (3, 2)), label=f"median, {name}")
        handles += grid[0].plot([], [], color=INK, lw=0.9, ls=(0, (1, 1.5)), label="its 80% interval")
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    return figure


def _inside(label: str) -> str:
    """A label as it stands after a comma, cut where it would crowd a key."""
    return textwrap.shorten(label[:1].lower() + label[1:], 44, placeholder=" …")


def money_by_arm(table: pd.DataFrame, labels: Mapping[str, str], panel: str, order: Sequence[str]) -> Figure:
    """Pounds by arm: a dot for the central figure, a thick line for 80%, a thin line for 95%; one panel a period.

    Args:
        table: arm, the `panel` column, central, low80, high80, low95, high95, in pounds.
        labels: name to print, by arm, in order.
        panel: column that parts the panels, such as financial_year.
        order: its values, in order.
    """
    figure, grid = panels(1, len(order), 0.85 + 0.42 * len(labels), sharex=True, sharey=True)
    divisor, suffix = money_scale([*table["low95"], *table["high95"]])
    limits = money_limits(table)
    for axes, value in zip(grid, order, strict=True):
        dot_ranges(axes, table[table[panel] == value], "arm", labels, money)
        axes.set_title(value)
        axes.set_xlim(*limits)
        money_axis(axes, divisor, suffix, ticks=4 if len(order) > 2 else 5)
    range_key(figure)
    return figure


def ledgers_by_arm(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> Figure:
    """The three ledgers in three separate panels, each on its own scale, because they are never added.

    Args:
        tables: by ledger: arm, central, low80, high80, low95, high95, in pounds.
        labels: name to print, by arm, in order.
    """
    figure, grid = panels(1, len(tables), 0.95 + 0.42 * len(labels), sharey=True)
    for axes, (ledger, table) in zip(grid, tables.items(), strict=True):
        dot_ranges(axes, table, "arm", labels, money)
        axes.set_title(f"{ledger}\nledger", fontsize=9.5)
        divisor, suffix = money_scale([*table["low95"], *table["high95"]])
        axes.set_xlim(*money_limits(table))
        money_axis(axes, divisor, suffix, ticks=4)
    range_key(figure)
    return figure


def ledgers_over_years(
    tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str], baseline: str, years: Sequence[str]
) -> Figure:
    """The three ledgers by financial year in three panels, each on its own scale: medians, and the baseline's 80% band.

    Args:
        tables: by ledger: arm, financial_year, central, low80, high80, in pounds.
        labels: name to print, by arm, in order; at most four can be told apart.
        baseline: arm drawn with its band.
        years: financial years, in order.
    """
    if len(labels) > len(CATEGORIES):
        raise ValueError(f"{len(labels)} arms cannot be told apart in one panel; at most {len(CATEGORIES)}")
    figure, grid = panels(1, len(tables), 3.6)
    places = range(len(years))
    # Marks of one year would lie on each other; lines of several are read along.
    beside = {arm: 0.07 * (i - (len(labels) - 1) / 2) if len(years) == 1 else 0.0 for i, arm in enumerate(labels)}
    looks = dict(zip(labels, zip(CATEGORIES, ("o", "s", "^", "D"), strict=True), strict=False))
    for axes, (ledger, table) in zip(grid, tables.items(), strict=True):
        by_arm = {arm: table[table["arm"] == arm].set_index("financial_year").loc[list(years)] for arm in labels}
        own = by_arm[baseline]
        axes.fill_between(places, own["low80"], own["high80"], color=looks[baseline][0], alpha=BAND80, lw=0)
        if len(years) == 1:  # a band of one year has no width
            axes.vlines(beside[baseline], own["low80"], own["high80"], color=looks[baseline][0], alpha=BAND80, lw=8)
        for arm, (colour, marker) in reversed(looks.items()):
            at = [place + beside[arm] for place in places]
            axes.plot(at, by_arm[arm]["central"], color=colour, marker=marker, ms=5, lw=1.6)
        axes.set_title(f"{ledger}\nledger", fontsize=9.5)
        axes.set_xticks(list(places), years)
        if len(years) == 1:
            axes.set_xlim(-0.5, 0.5)
        ends = [*own["low80"], *own["high80"], *(v for one in by_arm.values() for v in one["central"])]
        low, high = min(0.0, *ends), max(0.0, *ends)
        axes.set_ylim(low - (0.06 * (high - low) if low < 0 else 0.0), high + 0.06 * (high - low))
        money_axis(axes, *money_scale(ends), which="y", ticks=4)
    handles: list[Artist] = [
        grid[0].plot([], [], color=colour, marker=marker, ms=5, label=labels[arm])[0]
        for arm, (colour, marker) in looks.items()
    ]
    band = f"80% interval, {_inside(labels[baseline])}"
    handles.append(Patch(facecolor=looks[baseline][0], alpha=BAND80, label=band))
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    return figure


def pressure_by_service(table: pd.DataFrame, services: Mapping[str, str], labels: Mapping[str, str]) -> Figure:
    """Councils whose demand exceeds capacity, by service line; one panel an arm.

    Args:
        table: arm, service, central, low80, high80, low95, high95, in councils.
        services: name to print, by service line, in order.
        labels: name to print, by arm, in order.
    """
    rows = ceil(len(labels) / 4)
    figure, grid = panels(rows, min(4, len(labels)), rows * (0.95 + 0.34 * len(services)), **_SHARED)
    for axes in grid[len(labels) :]:
        axes.set_visible(False)
    for axes, (arm, label) in zip(grid, labels.items(), strict=False):
        dot_ranges(axes, table[table["arm"] == arm], "service", services)
        axes.set_title(wrapped(label, 18), fontsize=9)
        axes.set_xlim(0, max(1.0, 1.05 * float(table["high95"].max())))
        count_axis(axes, "x", ticks=3)
    range_key(figure)
    return figure


def regions_over_time(table: pd.DataFrame, regions: Sequence[str], labels: Mapping[str, str], baseline: str) -> Figure:
    """People supported in each region: the baseline's median and 80% band, the other arms' medians as lines.

    Args:
        table: arm, place, month_end, central, low80, high80.
        regions: in the order of the panels.
        labels: name to print, by arm, in order; at most four can be told apart.
        baseline: arm drawn with its band.
    """
    if len(labels) > len(CATEGORIES):
        raise ValueError(f"{len(labels)} arms cannot be told apart in one panel; at most {len(CATEGORIES)}")
    columns = 4
    figure, grid = panels(ceil(len(regions) / columns), columns, 6.0, sharex=True)
    colours = dict(zip(labels, CATEGORIES, strict=False))
    for axes, region in zip(grid, regions, strict=False):
        here = table[table["place"] == region]
        own = here[here["arm"] == baseline]
        axes.fill_between(own["month_end"], own["low80"], own["high80"], color=colours[baseline], alpha=BAND80, lw=0)
        for arm in reversed(list(labels)):
            line = here[here["arm"] == arm]
            axes.plot(line["month_end"], line["central"], color=colours[arm], lw=2.0 if arm == baseline else 1.3)
        axes.set_title(wrapped(region, 18), fontsize=9)
        axes.set_ylim(0, 1.08 * float(max(own["high80"].max(), here["central"].max())))
        count_axis(axes, ticks=4)
        time_axis(axes, 2)
    for axes in grid[len(regions) :]:
        axes.set_visible(False)
    handles: list[Artist] = [grid[0].plot([], [], color=colours[a], lw=2, label=labels[a])[0] for a in labels]
    handles.append(Patch(facecolor=colours[baseline], alpha=BAND80, label=f"80% interval, {_inside(labels[baseline])}"))
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    return figure


def variance_bars(table: pd.DataFrame) -> Figure:
    """What makes each range: assumptions against chance and intake, as parts of 100% of variance.

    Args:
        table: outcome, assumptions, chance_and_intake (shares).
    """
    figure, (axes,) = panels(1, 1, 0.75 + 0.42 * len(table))
    rows = [float(i) for i in range(len(table))]
    left = table["assumptions"].to_numpy()
    axes.barh(rows, left, color=CATEGORIES[0], height=0.66)
    axes.barh(rows, 1 - left, left=left, color=CATEGORIES[1], height=0.66)
    for row, share in zip(rows, left, strict=True):
        if share >= 0.06:
            axes.text(share / 2, row, f"{share:.0%}", color="white", ha="center", va="center", fontweight="bold")
        if share <= 0.94:
            axes.text(
                (1 + share) / 2,
                row,
                f"{1 - share:.0%}",
                color=INK,
                ha="center",
                va="center",
                fontweight="bold",
            )
    axes.set_yticks(rows, [wrapped(t, 34) for t in table["outcome"]])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(False)
    axes.xaxis.set_visible(False)
    axes.spines[:].set_visible(False)
    handles = [
        Patch(facecolor=CATEGORIES[0], label="assumptions"),
        Patch(facecolor=CATEGORIES[1], label="chance and intake"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    return figure


def money_limits(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of an axis of pounds that holds zero, every interval and the figures beside the dots."""
    low, high = min(0.0, float(table["low95"].min())), max(0.0, float(table["high95"].max()))
    room = 0.15 * max(high - low, 1.0)
    return low - room, high + room


def dot_ranges(
    axes: Axes,
    table: pd.DataFrame,
    row: str,
    labels: Mapping[str, str],
    show: Callable[[float], str] | None = None,
) -> None:
    """Central figures as dots with 80% and 95% lines, one labelled row each, and a line at zero.

    Args:
        show: how to print the central figure above its dot; not printed when None.
    """
    at = table.set_index(row).loc[list(labels)]
    for i, (_, line) in enumerate(at.iterrows()):
        axes.plot([line["low95"], line["high95"]], [i, i], color=CATEGORIES[0], lw=1.2, solid_capstyle="butt")
        axes.plot(
            [line["low80"], line["high80"]],
            [i, i],
            color=CATEGORIES[0],
            lw=5,
            alpha=0.55,
            solid_capstyle="butt",
        )
        axes.plot(line["central"], i, "o", color=CATEGORIES[0], ms=6.5, mec="white", mew=0.8)
        if show:
            axes.annotate(
                show(line["central"]), (line["central"], i), xytext=(0, 6), textcoords="offset points", ha="center",
                fontsize=8.5, path_effects=HALO,
            )  # fmt: skip
    axes.axvline(0, color=INK, lw=0.9, zorder=1.9)  # below the dots
    axes.set_yticks(range(len(labels)), [wrapped(t, 24) for t in labels.values()])
    axes.set_ylim(len(labels) - 0.5, -0.65)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")


def range_key(figure: Figure) -> None:
    """The key of dots and ranges, after which the printed figures are moved off the line at zero."""
    axes = figure.axes[0]
    handles = [
        *axes.plot([], [], "o", color=CATEGORIES[0], ms=6.5, label="central"),
        *axes.plot([], [], color=CATEGORIES[0], lw=5, alpha=0.55, label="80% interval"),
        *axes.plot([], [], color=CATEGORIES[0], lw=1.2, label="95% interval"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    off_zero(figure)


def off_zero(figure: Figure, rightwards: bool = False) -> None:
    """Move the figures printed beside dots and bars off the line at zero, which would run through them.

    Panels differ in width and scale, so the layout is settled first.

    Args:
        rightwards: always to the right of the line; else to the side of the value.
    """
    figure.draw_without_rendering()
    gap = _GAP * figure.dpi / 72
    for axes in figure.axes:
        zero = axes.transData.transform((0.0, 0.0))[0]
        for text in axes.texts:
            box = text.get_window_extent()
            if not isinstance(text, Annotation) or not box.x0 - gap < zero < box.x1 + gap:
                continue
            right, left = zero + gap - box.x0, zero - gap - box.x1
            stays = rightwards or text.xy[0] >= 0 or box.x0 + left < axes.bbox.x0
            along, up = text.xyann
            text.xyann = (along + (right if stays else left) * 72 / figure.dpi, up)


def wrapped(text: str, width: int) -> str:
    """A text on as few lines as `width` letters allow, all about as long as each other."""
    lines = textwrap.wrap(text, width, break_long_words=False)
    for narrower in range(max(map(len, text.split()), default=width), width):
        balanced = textwrap.wrap(text, narrower, break_long_words=False)
        if len(balanced) == len(lines):
            return "\n".join(balanced)
    return "\n".join(lines)
