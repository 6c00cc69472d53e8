"""Figures of how far the model can be trusted: feedbacks, posterior against prior, fit, patterns and hindcasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evidence.figures import wrapped
from evidence.style import CATEGORIES, INK, count_axis, money_axis, money_scale, panels


def worth(table: pd.DataFrame, measures: Mapping[str, str], in_pounds: Sequence[str]) -> Figure:
    """What each feedback is worth, one panel a measure: a dot, the interval over draws, the Monte Carlo error.

    Args:
        table: feedback, label, measure, central, low80, high80, monte_carlo_error.
        measures: titles by measure, in order.
        in_pounds: measures that are money.
    """
    columns = 2 if len(measures) in (2, 4) else 3
    figure, grid = panels(-(-len(measures) // columns), columns, 6.2, sharey=True)
    labels = list(dict.fromkeys(table["label"]))
    for axes, (measure, title) in zip(grid, measures.items(), strict=False):
        own = table[table["measure"] == measure].set_index("label").loc[labels]
        rows = np.arange(len(own))
        axes.hlines(rows, own["low80"], own["high80"], color=CATEGORIES[0], lw=5, alpha=0.45)
        error = 2 * own["monte_carlo_error"].fillna(0.0)
        axes.hlines(rows, own["central"] - error, own["central"] + error, color=INK, lw=1.3)
        axes.plot(own["central"], rows, "o", color=CATEGORIES[0], ms=6, mec="white", mew=0.8)
        axes.axvline(0, color=INK, lw=0.9)
        axes.set_yticks(rows, [wrapped(label, 22) for label in labels])
        axes.set_ylim(len(own) - 0.5, -0.5)
        axes.set_title(wrapped(title, 26), fontsize=9.5)
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        if measure in in_pounds:
            money_axis(axes, *money_scale([*own["low80"], *own["high80"]]), ticks=3)
        else:
            count_axis(axes, "x", ticks=3)
    for axes in grid[len(measures) :]:
        axes.set_visible(False)
    handles = [
        *grid[0].plot([], [], "o", color=CATEGORIES[0], ms=6, label="mean"),
        *grid[0].plot([], [], color=CATEGORIES[0], lw=5, alpha=0.45, label="80% interval over draws"),
        *grid[0].plot([], [], color=INK, lw=1.3, label="two Monte Carlo errors either side"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    return figure
