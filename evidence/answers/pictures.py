"""One function for each kind of figure that answers use: from tidy tables with intervals to a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from evidence.drawing.figures import HALO, dot_ranges, off_zero, range_key, wrapped
from evidence.drawing.style import BAND80, CATEGORIES, INK, MUTED, count_axis, money_axis, money_scale, panels
from evidence.wording import MINUS, number

_EDGED = [patheffects.withStroke(linewidth=1.9, foreground="white")]  # a line seen on dark bars too
_TITLE_WIDTH = {1: 80, 2: 40, 3: 20, 4: 16}


def ranges_in_panels(
    tables: Mapping[str, pd.DataFrame],
    row: str,
    labels: Mapping[str, str],
    show: Mapping[str, Callable[[float], str]],
    same_scale: bool = False,
) -> Figure:
    """Dots with 80% and 95% lines: one labelled row a group, one panel a measure.

    Args:
        tables: by panel title: the `row` column, central, low80, high80, low95, high95.
        row: column that names the rows.
        labels: name to print, by row, in order.
        show: by panel title, how to print a central figure; a panel whose figures print with £ has an axis of pounds.
        same_scale: whether the panels share one scale.
    """
    columns = min(4, len(tables))
    rows = -(-len(tables) // columns)
    figure, grid = panels(rows, columns, rows * (1.0 + 0.4 * len(labels)), sharey=True)
    whole = pd.concat(list(tables.values()))
    for axes, (title, table) in zip(grid, tables.items(), strict=False):
        dot_ranges(axes, table, row, labels, show[title])
        axes.set_title(wrapped(title, _TITLE_WIDTH[columns]), fontsize=9.5)
        scaled = whole if same_scale else table
        axes.set_xlim(*_limits(scaled))
        _axis(axes, scaled, show[title], 5 if columns < 3 else 3)
    for axes in grid[len(tables) :]:
        axes.set_visible(False)
    range_key(figure)
    return figure


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of an axis that holds zero, every interval and the figures beside the dots."""
    low, high = min(0.0, float(table["low95"].min())), max(0.0, float(table["high95"].max()))
    room = 0.15 * (high - low) if high > low else 1.0
    return low - room, high + room


def _axis(axes: Axes, table: pd.DataFrame, show: Callable[[float], str], ticks: int) -> None:
    if "£" in show(1.0):
        largest = float(max(abs(table["low95"]).max(), abs(table["high95"]).max()))
        if largest >= 1000:
            divisor, suffix = money_scale([largest])
            money_axis(axes, divisor, suffix, ticks=ticks)
            return
        axes.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(lambda value, _: f"{MINUS if value < 0 else ''}£{abs(value):g}")
        return
    count_axis(axes, "x", ticks=ticks)
    if show(1.0).endswith("%"):
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def waterfall(
    tables: Mapping[str, pd.DataFrame],
    labels: Mapping[str, str],
    total: str,
    show: Callable[[float], str],
) -> Figure:
    """Steps that add up: each bar begins where the one before ended, and the last is the total from zero.

    Args:
        tables: by panel title: step, central (a mean), low80, high80.
        labels: name to print, by step, in order; the last is the total.
        total: the step that is the total.
        show: how to print a central figure.
    """
    figure, grid = panels(1, len(tables), 1.0 + 0.48 * len(labels), sharey=True)
    for axes, (title, table) in zip(grid, tables.items(), strict=True):
        at = table.set_index("step").loc[list(labels)]
        level, edges = 0.0, [0.0]
        for i, (step, line) in enumerate(at.iterrows()):
            start = 0.0 if step == total else level
            colour = CATEGORIES[0] if step == total else CATEGORIES[1]
            axes.barh(i, line["central"], left=start, height=0.6, color=colour)
            ends = (start + line["low80"], start + line["high80"])
            axes.plot(ends, (i, i), color=INK, lw=1.1, solid_capstyle="butt", path_effects=_EDGED)
            axes.annotate(
                show(line["central"]), (max(start, start + line["central"], *ends), i), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=8.5, path_effects=HALO, zorder=5,
            )  # fmt: skip
            level = start + line["central"]
            edges += [level, *ends]
            if step != total:
                axes.plot((level, level), (i + 0.3, i + 0.7), color=MUTED, lw=0.8)
        room = 0.06 * max(max(edges) - min(edges), 1.0)
        axes.set_xlim(min(edges) - room, max(edges) + (6.5 if len(tables) > 1 else 3) * room)
        axes.axvline(0, color=INK, lw=0.9)
        axes.set_title(wrapped(title, _TITLE_WIDTH[len(tables)]), fontsize=9.5)
        axes.set_yticks(range(len(labels)), [wrapped(t, 26) for t in labels.values()])
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        if not any(edges):
            axes.set_xlim(-1, 4)
            axes.set_xticks([0], [show(0.0)])
        elif "£" in show(1.0):
            divisor, suffix = money_scale(edges)
            money_axis(axes, divisor, suffix, ticks=3 if len(tables) > 1 else 5)
        else:
            count_axis(axes, "x", ticks=3 if len(tables) > 1 else 5)
    handles = [
        Patch(facecolor=CATEGORIES[1], label="each change alone, and the interaction"),
        Patch(facecolor=CATEGORIES[0], label="all together"),
        *grid[0].plot([], [], color=INK, lw=1.1, label="80% interval of the step"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    off_zero(figure, rightwards=True)
    return figure


def lines_by_group(table: pd.DataFrame, groups: Sequence[str], x: str, divisor: float, suffix: str) -> Figure:
    """Net cost against a rate, one small panel a group: median and 80% band, and the line of no gap.

    Args:
        table: group, the `x` column (GBP), central, low80, high80 in GBP.
        groups: in the order of the panels.
        x: column along the axis.
        divisor: pounds that make one unit of the y axis.
        suffix: its name, such as m.
    """
    columns = 4
    rows = -(-len(groups) // columns)
    figure, grid = panels(rows, columns, 2.1 * rows + 0.4, sharex=True)
    for axes, group in zip(grid, groups, strict=False):
        own = table[table["group"] == group]
        axes.fill_between(own[x], own["low80"], own["high80"], color=CATEGORIES[0], alpha=BAND80, lw=0)
        axes.plot(own[x], own["central"], color=CATEGORIES[0])
        axes.axhline(0, color=INK, lw=0.9)
        axes.set_title(wrapped(group, 20), fontsize=9)
        money_axis(axes, divisor, suffix, "y", ticks=4)
        money_axis(axes, 1000.0, "k", "x", ticks=3)
    for axes in grid[len(groups) :]:
        axes.set_visible(False)
    handles = [
        *grid[0].plot([], [], color=CATEGORIES[0], label="median net cost"),
        Patch(facecolor=CATEGORIES[0], alpha=BAND80, label="80% interval"),
        *grid[0].plot([], [], color=INK, lw=0.9, label="no gap"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    figure.supxlabel("Grant per person a year", fontsize=9)
    return figure


def tornado(table: pd.DataFrame, central: float, show: Callable[[float], str]) -> Figure:
    """How far each assumption alone moves the answer, from its low to its high end.

    Args:
        table: label, at_low, at_high, in the order shown.
        central: the answer with every assumption central.
        show: how to print a figure.
    """
    figure, (axes,) = panels(1, 1, 0.9 + 0.36 * len(table))
    for i, ends in enumerate(zip(table["at_low"].tolist(), table["at_high"].tolist(), strict=True)):
        for value, colour in zip(ends, (CATEGORIES[1], CATEGORIES[0]), strict=True):
            axes.barh(i, value - central, left=central, height=0.62, color=colour)
            right = value >= central
            axes.annotate(
                show(value), (value, i), xytext=(4 if right else -4, 0), textcoords="offset points", va="center",
                ha="left" if right else "right", fontsize=8,
            )  # fmt: skip
    edges = [*table["at_low"].tolist(), *table["at_high"].tolist(), central]
    room = 0.14 * max(max(edges) - min(edges), 1.0)
    axes.set_xlim(min(edges) - room, max(edges) + room)
    axes.axvline(central, color=INK, lw=0.9)
    axes.set_yticks(range(len(table)), [wrapped(t[:1].upper() + t[1:], 44) for t in table["label"]])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    divisor, suffix = money_scale(edges)
    money_axis(axes, divisor, suffix)
    handles = [
        Patch(facecolor=CATEGORIES[1], label="assumption at its 10th percentile"),
        Patch(facecolor=CATEGORIES[0], label="assumption at its 90th percentile"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
    return figure


def indices(table: pd.DataFrame) -> Figure:
    """Sobol indices: what a group alone explains, and what it explains with everything it interacts with.

    Args:
        table: label, first, first_error, total, total_error (95% half-widths), in the order shown.
    """
    figure, (axes,) = panels(1, 1, 0.9 + 0.42 * len(table))
    rows = np.arange(len(table))
    for offset, name, colour, marker, text in (
        (-0.14, "first", CATEGORIES[0], "o", "alone (first order)"),
        (0.14, "total", CATEGORIES[2], "s", "with its interactions (total)"),
    ):
        axes.errorbar(
            table[name], rows + offset, xerr=table[f"{name}_error"], fmt=marker, color=colour, ms=5.5, lw=1.4,
            label=text,
        )  # fmt: skip
    axes.axvline(0, color=INK, lw=0.9)
    axes.set_yticks(rows, [wrapped(t, 40) for t in table["label"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    axes.xaxis.set_major_formatter(lambda value, _: number(100 * value, 3) + "%")
    figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
    return figure
