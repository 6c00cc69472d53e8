"""Figures of how far the model can be trusted: feedbacks, posterior against prior, fit, patterns and hindcasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evidence.drawing.figures import wrapped
from evidence.drawing.style import BAND80, CATEGORIES, GRID, INK, MUTED, count_axis, money_axis, money_scale, panels


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


def posterior(known: pd.DataFrame) -> Figure:
    """Each fitted assumption on its own prior range: 80% interval and mean of the posterior, and the central value.

    Args:
        known: assumption, low, high, posterior_mean, posterior_low80, posterior_high80, central, identified.
    """
    figure, (axes,) = panels(1, 1, 0.9 + 0.36 * len(known))
    width = known["high"] - known["low"]
    rows = np.arange(len(known))

    def placed(name: str) -> pd.Series:
        return (known[name] - known["low"]) / width

    axes.hlines(rows, 0, 1, color=GRID, lw=7)
    for word, colour in zip(("yes", "weakly", "no"), CATEGORIES, strict=False):
        own = (known["identified"] == word).to_numpy()
        axes.hlines(
            rows[own], placed("posterior_low80")[own], placed("posterior_high80")[own], color=colour, lw=7, alpha=0.75,
            label={"yes": "posterior, identified", "weakly": "weakly", "no": "not identified"}[word],
        )  # fmt: skip
    axes.plot(placed("posterior_mean"), rows, "|", color=INK, ms=11, mew=1.8, label="mean")
    axes.plot(placed("central"), rows, "o", color="white", ms=5.5, mec=INK, mew=1.1, label="central value")
    axes.set_yticks(rows, known["assumption"])
    axes.set_ylim(len(known) - 0.5, -0.6)
    axes.set_xticks([0, 1], ["lowest of\nthe prior", "highest of\nthe prior"])
    axes.set_xlim(-0.03, 1.03)
    axes.grid(False)
    figure.legend(loc="outside lower left", ncols=5, frameon=False, fontsize=8.5)
    return figure


def supported(rows: pd.DataFrame) -> Figure:
    """Supported people at quarter ends: published, the prior's mean, the posterior's mean and 80% interval.

    Args:
        rows: day, target, prior_mean, posterior_mean, posterior_low80, posterior_high80.
    """
    figure, (axes,) = panels(1, 1, 3.8)
    colour = CATEGORIES[0]
    axes.fill_between(rows["day"], rows["posterior_low80"], rows["posterior_high80"], color=colour, alpha=BAND80, lw=0,
                      label="posterior, 80% interval")  # fmt: skip
    axes.plot(rows["day"], rows["posterior_mean"], color=colour, label="posterior mean")
    axes.plot(rows["day"], rows["prior_mean"], color=MUTED, lw=1.2, ls=(0, (3, 2)), label="prior mean")
    axes.plot(rows["day"], rows["target"], "o", color=INK, ms=3.2, label="published")
    axes.set_ylim(bottom=0)
    axes.set_title("People supported", fontweight="normal")
    count_axis(axes)
    figure.legend(loc="outside lower left", ncols=4, frameon=False, fontsize=8.5)
    return figure


def horizons(data: pd.DataFrame, kinds: Mapping[str, str], stocks: Mapping[str, str]) -> Figure:
    """Score of past forecasts over that of persistence by quarters ahead, one panel a stock, one line a kind.

    Args:
        data: kind, accommodation, ahead, wis_over_persistence.
        kinds: names to print, by kind.
        stocks: titles, by accommodation.
    """
    figure, grid = panels(1, len(stocks), 3.2, sharex=True, sharey=True)
    for axes, (stock, title) in zip(grid, stocks.items(), strict=True):
        axes.axhline(1, color=INK, lw=0.9)
        for (kind, name), colour, mark in zip(kinds.items(), CATEGORIES, "os", strict=False):
            own = data[(data["kind"] == kind) & (data["accommodation"] == stock)].sort_values("ahead")
            axes.plot(own["ahead"], own["wis_over_persistence"], f"-{mark}", color=colour, ms=4.5, label=name)
        axes.set_title(title, fontsize=9.5)
        axes.set_xlabel("Quarters ahead")
        axes.set_ylim(0, 1.08 * max(1.0, float(data["wis_over_persistence"].max())))
    grid[0].annotate("persistence = 1", (1, 0.9), va="top", fontsize=8.5)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
    return figure
