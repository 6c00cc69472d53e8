"""How objects show themselves in a notebook: accessible tables, and a small line chart with its description."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

WIDTH, HEIGHT, EDGE, TOP = 420, 96, 6, 20
INK, LINE = "#1f1f1f", "#12436D"


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: bool = False) -> str:
    """A table with a caption and scopes; the first cell of each row names it.

    Args:
        caption: what the table says.
        columns: headings.
        rows: text cells.
        numeric: right-align every cell but the first.
    """
    side = ' style="text-align:right"' if numeric else ' style="text-align:left"'
    heads = "".join(f'<th scope="col"{side if i else ""}>{html.escape(c)}</th>' for i, c in enumerate(columns))
    body = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(first)}</th>'
        + "".join(f"<td{side}>{html.escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    head = f"<thead><tr>{heads}</tr></thead>"
    return f"<table><caption>{html.escape(caption)}</caption>{head}<tbody>{body}</tbody></table>"


def heading(text: str, below: str) -> str:
    """A line in bold and a plain one under it."""
    return f"<p><strong>{html.escape(text)}</strong><br>{html.escape(below)}</p>"


def line_chart(values: Sequence[float | None], first: str, last: str, description: str) -> str:
    """A small line chart from zero, gaps where a value is None, as an image that loads nothing.

    Args:
        values: in order of time, zero or more.
        first, last: labels of the two ends of the axis.
        description: what the chart shows, for those who cannot see it.
    """
    most = max((v for v in values if v is not None), default=0.0) or 1.0
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    bottom = HEIGHT - 20
    runs: list[list[str]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{EDGE + i * step:.1f},{bottom - value / most * (bottom - TOP):.1f}")
    drawn = "".join(
        f'<polyline points="{" ".join(run)}" fill="none" stroke="{LINE}" stroke-width="2"/>'
        if len(run) > 1
        else "".join(f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="2.5" fill="{LINE}"/>' for p in run)
        for run in runs
    )
    text = f'font-family="sans-serif" font-size="11" fill="{INK}"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<line x1="{EDGE}" y1="{bottom}" x2="{WIDTH - EDGE}" y2="{bottom}" stroke="{INK}" stroke-width="0.8"/>'
        f'{drawn}<text x="{EDGE}" y="{HEIGHT - 5}" {text}>{html.escape(first)}</text>'
        f'<text x="{WIDTH - EDGE}" y="{HEIGHT - 5}" text-anchor="end" {text}>{html.escape(last)}</text>'
        f'<text x="{EDGE}" y="{TOP - 6}" {text}>most {most:,.0f}</text></svg>'
    )
    image = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{html.escape(description, quote=True)}" src="data:image/svg+xml;base64,{image}">'
