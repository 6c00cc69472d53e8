"""What the explorer shows of a look, each part as HTML: sentences, tables, charts with their text, the map."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape

import pandas as pd
from matplotlib.figure import Figure

from evidence.chapters.pressure import MAP_STEPS, RULES
from evidence.drawing import figures, style
from evidence.drawing.hexmap import LAYOUT
from evidence.exhibits import MODELLED, table_html
from evidence.explorer import findings, handover
from evidence.explorer.ensemble import AS_NOW
from evidence.explorer.findings import DIFFERENCE, LEDGERS, STOCKS, Found
from evidence.explorer.hexsvg import hexagons
from evidence.explorer.levers import Position
from evidence.studies.ensemble import Design
from evidence.wording import SHORTHAND, listed, money, month, whole


def how_far(made: Found) -> str:
    """How much of the ensemble is in: '15 of 40 simulations'."""
    return f"{made.look.simulations} of {made.look.total} simulations"


def _basis(made: Found) -> str:
    return f"{MODELLED.capitalize()}s; median and 80% interval; {how_far(made)} of each arm"


def said(made: Found) -> str:
    """The findings in sentences, under the name of the position."""
    against = f", compared with “{made.look.arms[AS_NOW]}”" if made.compared else ""
    paired = " Paired: both arms meet the same draws, intake and chance." if made.compared else ""
    lines = "".join(f"<li>{escape(text)}</li>" for text in findings.words(made))
    return (
        f"<h3>“{escape(made.look.position.label())}”{escape(against)}</h3><ul>{lines}</ul>"
        f'<p class="dx-quiet">{_basis(made)}.{paired}</p>'
    )


def people(made: Found) -> str:
    """The table of people."""
    return table_html(findings.people_view(made), f"People, {month(made.end)}. {_basis(made)}.")


def money_table(made: Found) -> str:
    """The table of ledgers."""
    return table_html(
        findings.money_view(made), f"Ledgers, {made.span}, GBP cash; different money, never added. {_basis(made)}."
    )


def chart(made: Found) -> str:
    """Fan charts of the three stocks."""
    spoken = "; ".join(f"{name} {_spoken(made, name)}" for name in STOCKS)
    return _picture(
        lambda: figures.fans(made.stocks, made.look.arms, AS_NOW),
        f"Three fan charts, one a stock, to {month(made.end)}. {spoken}.",
        made,
    )


def ledgers(made: Found) -> str:
    """The three ledgers as dots with ranges, side by side."""
    levels = made.money[made.money["arm"] != DIFFERENCE]
    by_ledger = {name: levels[levels["of"] == name] for name in LEDGERS}
    spoken = "; ".join(f"{name} {_spoken(made, name)}" for name in LEDGERS)
    return _picture(
        lambda: figures.ledgers_by_arm(by_ledger, made.look.arms),
        f"Dots with ranges, one panel a ledger, {made.span}. {spoken}.",
        made,
    )


def council_map(made: Found) -> str:
    """The hexagon map of the arm that was moved; the table beside it has every figure."""
    table, arm = made.councils, list(made.look.arms)[-1]
    cells = findings.cells(table, arm)
    tips = [f"{row.name}, {row.region}: {cell}".replace("\n", ", ")
            for row, cell in zip(table[["name", "region"]].itertuples(index=False), cells, strict=True)]  # fmt: skip
    withheld, over = int(table["rate"].isna().sum()), int((table["rate"] >= MAP_STEPS[-1]).sum())
    spoken = (
        f"Map of {len(table)} councils as equal hexagons: {over} have {MAP_STEPS[-1]} or more people supported for "
        f"each 10,000 residents, {withheld} are withheld. The table beside it has every council."
    )
    return (
        f"<p><strong>People supported for each 10,000 residents, {month(made.end)}, "
        f"“{escape(made.look.arms[arm])}”</strong>: median of {made.look.simulations} simulations; ranges are in the "
        f"table. {MODELLED.capitalize()}.</p>{hexagons(table, table['rate'], MAP_STEPS, tips, spoken)}"
        f'<p class="dx-quiet">{LAYOUT}</p>'
    )


def councils(made: Found, region: str) -> str:
    """The table of councils, of one region or (when it is empty) of all."""
    marks = " ".join(f"{mark} {text}." for mark, text in SHORTHAND.items() if mark != "[z]")
    return table_html(
        findings.council_view(made, region),
        f"People supported by council: median and 80% interval, {made.look.simulations} simulations; {MODELLED}s, "
        f"except the published column. {' '.join(RULES)} {marks}",
    )


def changed(position: Position) -> str:
    """Every assumption that differs from the comparator's, with the source of what it was."""
    comparator = position.comparator()
    rows = [(d.lever, d.before, d.after, d.since, d.assumption, d.source) for d in position.differences(comparator)]
    head = ["What", "Was", "Is", "From", "Assumption", "Source of what it was"]
    table = (
        table_html(pd.DataFrame(rows, columns=head), f"Against “{comparator.label()}”.")
        if rows
        else "<p>Nothing: this is present policy with the intake forecast.</p>"
    )
    return f"<h3>What was changed, and why it was what it was</h3>{table}"


def further(position: Position, design: Design) -> str:
    """The position as a scenario file to copy, and as a call of the API."""
    if not position.moved():
        return "<h3>Take it further</h3><p>Move a lever to get a scenario file and a study.</p>"
    text = handover.scenario_text(position)
    data, call = base64.b64encode(text.encode()).decode(), handover.call(position, design)
    return (
        "<h3>Take it further</h3><p>The levers as a scenario file (copy, download, or save below):</p>"
        f'<textarea readonly rows="{len(text.splitlines())}" aria-label="Scenario file">{escape(text)}</textarea>'
        f'<p><a download="scenario.toml" href="data:application/toml;base64,{data}">Download scenario.toml</a></p>'
        + (f"<p>The same numbers from Python: <code>{escape(call)}</code></p>" if call else "")
    )


def _picture(draw: Callable[[], Figure], spoken: str, made: Found) -> str:
    with style.styled():
        figure = draw()
        # A picture comes a moment after the tables: it says itself how much it shows.
        style.stamp(figure, f"{MODELLED}, {how_far(made)}")
        svg = base64.b64encode(style.image(figure, "svg")).decode()
    spoken = f"{spoken} {how_far(made).capitalize()}."
    return f'<img alt="{escape(spoken, quote=True)}" src="data:image/svg+xml;base64,{svg}">'


def _spoken(made: Found, of: str) -> str:
    table, show = (made.people, whole) if of in STOCKS else (made.money, money)
    parts = []
    for arm, label in made.look.arms.items():
        r = made.row(table, of, arm)
        parts.append(f"{show(r.central)} ({show(r.low80)} to {show(r.high80)}) under {label}")
    return listed(parts)
