"""One look for every figure, after the UK Government Analysis Function's guidance on charts.

Titles are text beside the image, not in it; at most four categories; labels beside what they name; y-axis titles
horizontal, above the axis; thousands separators; no second axis. Colours are told apart by readers with colour
vision deficiency, and never carry meaning alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator, YearLocator
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator

from evidence.wording import MINUS, number

INK, MUTED, GRID = "#1f1f1f", "#595959", "#d9d9d9"
CATEGORIES = ("#12436D", "#28A197", "#801650", "#F46A25")
# A sequential scale of the same dark blue, light to dark, for maps.
SEQUENCE = ("#e3edf6", "#aecbe4", "#6da3cd", "#2f73aa", "#12436D")
WITHHELD = "#f2f2f2"
WIDTH = 8.0
BAND80, BAND95 = 0.30, 0.14

_RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.9,
    "patch.linewidth": 0.0,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    # The salt and paths for letters make the bytes of a figure depend on its content alone.
    "svg.hashsalt": "dispersal workbench",
    "svg.fonttype": "path",
}


def styled() -> Any:
    """Context in which figures are drawn and saved."""
    options: Any = sns.axes_style("ticks") | _RC
    return matplotlib.rc_context(options)


def panels(rows: int, columns: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of the project's width with a grid of axes, row by row.

    Figures are made without pyplot, so that nothing is kept between them and a notebook never shows one twice.
    """
    figure = Figure(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.1, wspace=0.03))
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    flat = [axes for row in grid for axes in row]
    for axes in flat:
        sns.despine(ax=axes)
    return figure, flat


def count_axis(axes: Axes, which: str = "y", ticks: int = 5) -> None:
    """Thousands separators and round steps on one axis."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda v, _: number(v, 4)))


def time_axis(axes: Axes, years: int) -> None:
    """A year every `years` years under the axis; months where what is drawn is too short for two of them."""
    first, last = axes.get_xlim()  # in days
    if last - first >= 365 * min(years, 2):
        axes.xaxis.set_major_locator(YearLocator(years))
        axes.xaxis.set_major_formatter(DateFormatter("%Y"))
        return
    axes.xaxis.set_major_locator(MonthLocator((1, 7) if last - first > 300 else (1, 4, 7, 10)))
    axes.xaxis.set_major_formatter(DateFormatter("%b\n%Y"))


def money_axis(axes: Axes, divisor: float, suffix: str, which: str = "x", ticks: int = 4) -> None:
    """Pounds in one unit along one axis: £100m, £200m."""

    def label(value: float, _: int) -> str:
        text = number(abs(value) / divisor, 4)
        sign = MINUS if value < 0 else ""
        return "£0" if value == 0 else f"{sign}£{text}{suffix}"

    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(label))


def money_scale(values: Sequence[float]) -> tuple[float, str]:
    """Divisor and suffix that keep an axis in short numbers: billions, millions or pounds."""
    largest = max((abs(v) for v in values), default=0.0)
    if largest >= 2e9:
        return 1e9, "bn"
    return (1e6, "m") if largest >= 1e6 else (1.0, "")


def stamp(figure: Figure, text: str) -> None:
    """Write the evidence id under a figure, so that a copied picture still says what it is."""
    figure.supxlabel(text, x=0.995, ha="right", fontsize=7, color=MUTED)


def image(figure: Figure, kind: str) -> bytes:
    """Bytes of a figure as `svg` or `png`, the same for the same content."""
    buffer = BytesIO()
    if kind == "svg":
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    else:
        figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()
