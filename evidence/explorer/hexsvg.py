"""The explorer's hexagon map: the same layout and shades as every map, as SVG text with a tooltip for each council."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import cos, pi, sin

import numpy as np
import pandas as pd

from evidence.drawing.hexmap import places, step_name
from evidence.drawing.style import INK, MUTED, SEQUENCE, WITHHELD

_SIZE, _RADIUS = 10.0, 5.6
_CORNERS = [(sin(i * pi / 3) * _RADIUS, cos(i * pi / 3) * _RADIUS) for i in range(6)]


def hexagons(councils: pd.DataFrame, rate: pd.Series, edges: Sequence[float], tips: Sequence[str], said: str) -> str:
    """Draw councils as hexagons shaded in steps, hatched where withheld.

    Args:
        councils: one row a council with `hex_q` and `hex_r`.
        rate: what the steps count, missing where it is withheld.
        edges: lower ends of the steps, rising.
        tips: what is read over each hexagon; already through disclosure control.
        said: the picture in words.
    """
    x, y = places(councils)
    # Room to the left for the name of Northern Ireland, which is wider than the place.
    x, y = _SIZE * (x - x.min() + 2.5), _SIZE * (y.max() - y + 1)
    step = np.maximum(np.searchsorted(edges, rate.to_numpy(float), side="right") - 1, 0)
    known = rate.notna().to_numpy()
    shapes = []
    for i, tip in enumerate(tips):
        points = " ".join(f"{x[i] + dx:.1f},{y[i] + dy:.1f}" for dx, dy in _CORNERS)
        fill = SEQUENCE[step[i]] if known[i] else "url(#dx-withheld)"
        shapes.append(f'<polygon points="{points}" fill="{fill}"><title>{escape(tip)}</title></polygon>')
    names = [(step_name(edges, i), SEQUENCE[i]) for i in range(len(edges))]
    key = "".join(
        f'<li><span style="background:{colour}"></span>{escape(name)}</li>' for name, colour in names
    ) + '<li><span class="dx-hatch"></span>withheld</li>'  # fmt: skip
    return (
        f'<svg role="img" aria-label="{escape(said, quote=True)}" viewBox="0 0 {x.max() + _SIZE:.0f} '
        f'{y.max() + _SIZE:.0f}" stroke="white" stroke-width="0.6"><defs><pattern id="dx-withheld" width="3" '
        f'height="3" patternUnits="userSpaceOnUse"><rect width="3" height="3" fill="{WITHHELD}" stroke="none"/>'
        f'<path d="M0 3L3 0" stroke="{MUTED}" stroke-width="0.5"/></pattern></defs>{"".join(shapes)}'
        f'{_regions(councils, x, y)}</svg><ul class="dx-key">{key}</ul>'
    )


def _regions(councils: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> str:
    """Names of regions at the middle of their councils."""
    parts = []
    for region in councils["region"].unique():
        at = (councils["region"] == region).to_numpy()
        words = str(region).replace(" and The ", " and the ").split(" and ")
        lines = [words[0], *(f"and {w}" for w in words[1:])]
        top = y[at].mean() - 4 * (len(lines) - 1)
        spans = "".join(f'<tspan x="{x[at].mean():.0f}" y="{top + 8 * i:.0f}">{escape(line)}</tspan>'
                        for i, line in enumerate(lines))  # fmt: skip
        parts.append(f"<text>{spans}</text>")
    return (
        f'<g font-size="7.5" font-weight="bold" text-anchor="middle" fill="{INK}" stroke="white" stroke-width="2.2" '
        f'paint-order="stroke" pointer-events="none">{"".join(parts)}</g>'
    )
