"""Maps of councils as equal hexagons: one drawing for every map of the project.

The layout is schematic: each council is one hexagon, near its neighbours, and no hexagon is at a council's true place
or of its true size (open hexagon layout of local authorities, see the reference table `councils`). Nothing below the
council is on it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, RegularPolygon

import params
from evidence.drawing.style import MUTED, SEQUENCE, WITHHELD, panels

_HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]
_HATCH, _EDGE = "////", "#a6a6a6"
LAYOUT = "Schematic: one equal hexagon a council, near its neighbours; not its true place or size."


def hexmap(maps: Mapping[str, pd.Series], edges: Sequence[float], unit: str, withheld: str = "") -> Figure:
    """Draw one map, or several side by side on one scale, shaded in steps.

    Args:
        maps: by title (empty for none): value of each council, index lad_code, missing where it is withheld.
        edges: lower ends of the steps, rising, at most five.
        unit: what the steps count.
        withheld: why a hexagon is hatched; empty when none is.

    Raises:
        ValueError: more steps than shades.
    """
    if not 1 <= len(edges) <= len(SEQUENCE):
        raise ValueError(f"{len(edges)} steps cannot be told apart; at most {len(SEQUENCE)}")
    councils = params.reference("councils").set_index("lad_code")
    columns = min(3, len(maps))
    rows = ceil(len(maps) / columns)
    figure, grid = panels(rows, columns, 7.4 if len(maps) == 1 else 4.3 * rows)
    for axes, (title, values) in zip(grid, maps.items(), strict=False):
        _draw(axes, councils.loc[values.index], values, edges)
        if axes is grid[0]:  # names once: on small maps they would hide what they name
            _name_regions(axes, councils.loc[values.index], 8.5 if len(maps) == 1 else 5.5)
        axes.set_title("\n".join(textwrap.wrap(title, 34)), fontsize=9.5)
    for axes in grid[len(maps) :]:
        axes.set_visible(False)
    handles = [Patch(facecolor=WITHHELD, hatch=_HATCH, edgecolor=_EDGE, label=withheld)] if withheld else []
    for i, colour in enumerate(SEQUENCE[: len(edges)]):
        handles.append(Patch(facecolor=colour, edgecolor=MUTED, linewidth=0.4, label=step_name(edges, i)))
    look: dict[str, Any] = {"frameon": False, "title": unit, "alignment": "left", "title_fontsize": 9, "fontsize": 8}
    if len(maps) == 1:
        grid[0].legend(handles=handles[::-1], loc="upper right", **look)
    else:
        figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), columnspacing=1.2, **look)
    return figure


def step_name(edges: Sequence[float], i: int) -> str:
    """What one step holds: '5 to under 15', '50 or more'."""
    return f"{edges[i]:,g} or more" if i + 1 == len(edges) else f"{edges[i]:,g} to under {edges[i + 1]:,g}"


def _draw(axes: Axes, councils: pd.DataFrame, values: pd.Series, edges: Sequence[float]) -> None:
    x, y = places(councils)
    known = values.notna().to_numpy()
    step = np.maximum(np.searchsorted(edges, values.to_numpy(float), side="right") - 1, 0)
    for i, colour in enumerate(SEQUENCE[: len(edges)]):
        _hexagons(axes, x, y, known & (step == i), facecolor=colour)
    _hexagons(axes, x, y, ~known, facecolor=WITHHELD, hatch=_HATCH, edgecolor=_EDGE)
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.set_axis_off()


def places(councils: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Centres of the hexagons (x, y), upwards positive: odd rows stand half a hexagon to the right."""
    row = councils["hex_r"].to_numpy()
    return councils["hex_q"].to_numpy() + 0.5 * (row % 2), row * np.sqrt(3) / 2


def _name_regions(axes: Axes, councils: pd.DataFrame, size: float) -> None:
    x, y = places(councils)
    for region in councils["region"].unique():
        at = (councils["region"] == region).to_numpy()
        axes.annotate(
            "\n".join(textwrap.wrap(str(region), 14, break_long_words=False)), (x[at].mean(), y[at].mean()),
            ha="center", va="center", fontsize=size, fontweight="bold", path_effects=_HALO,
        )  # fmt: skip


def _hexagons(axes: Axes, x: np.ndarray, y: np.ndarray, chosen: np.ndarray, **look: str) -> None:
    shapes = [RegularPolygon((a, b), 6, radius=0.56) for a, b in zip(x[chosen], y[chosen], strict=True)]
    options: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.6} | look
    axes.add_collection(PatchCollection(shapes, **options))
