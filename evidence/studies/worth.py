"""What each change of a comparison is worth, as tables and figures: beds, hotel nights and pounds, ledgers apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures
from evidence.answers import waterfall as steps_of
from evidence.exhibits import MODELLED, Exhibit, table_html
from evidence.results import HOTEL
from evidence.studies.comparison import Comparison
from evidence.studies.comparison_plans import BASE, INTERACTION, TOGETHER
from evidence.validation.feedbacks import FEWEST_DRAWS, LEDGER_NOTE, MEASURES, MONEY, cell, spread
from evidence.validation.feedbacks import shown as shown_value
from evidence.wording import MINUS, day, listed, money, month, sentence, share, whole
from params.errors import unknown

_TOTALS = {
    "hotel_nights": "person_nights_in_month",
    "home_office": "home_office_cost_in_month",
    "other_bodies": "other_public_cost_in_month",
}
POUNDS = "pounds"


def measured(study: xr.Dataset, measure: str) -> xr.DataArray:
    """One measure (arm, draw, replication): beds at the end, person-nights and GBP cash summed over the run."""
    if measure not in MEASURES:
        raise unknown("measure", "a measure", measure, MEASURES)
    if measure == "beds":
        return study["beds_at_month_end"].isel(month_end=-1, drop=True).astype(float)
    if measure == "councils":
        gross = _whole(study["council_gross_cost_in_month"])
        net = gross - _whole(study["grant_in_month"])
        # Results are stored in single precision: a difference below its resolution is no difference.
        return net.where(abs(net) > results.STORED_PRECISION * gross, 0.0)
    values = study[_TOTALS[measure]]
    return _whole(values.sel(accommodation=HOTEL, drop=True) if measure == "hotel_nights" else values)


def _whole(flow: xr.DataArray) -> xr.DataArray:
    """A flow summed over everything but the samples' axes."""
    return flow.astype(float).sum([d for d in flow.dims if d not in ("arm", *results.SAMPLE)])


def differences(study: xr.Dataset, measure: str) -> dict[str, xr.DataArray]:
    """Change less base (draw, replication), by change; with several also `interaction`, before `together`."""
    found = results.minus_baseline(measured(study, measure), BASE)
    parts = {str(arm): found.sel(arm=arm, drop=True) for arm in found["arm"].values}
    if TOGETHER not in parts:
        return parts
    together = parts.pop(TOGETHER)
    beyond = together - sum(parts.values(), xr.zeros_like(together))
    return parts | {INTERACTION: beyond, TOGETHER: together}


def table(study: xr.Dataset, labels: Mapping[str, str]) -> pd.DataFrame:
    """One row a change and measure; columns as `Comparison.worth` describes."""
    named = dict(labels) | {INTERACTION: "Interaction of the changes"}
    draws, rows = study.sizes["draw"], []
    for measure in MEASURES:
        base = float(measured(study, measure).sel(arm=BASE).mean())
        for change, samples in differences(study, measure).items():
            found = spread(samples)
            if draws < FEWEST_DRAWS:
                found |= {"low80": np.nan, "high80": np.nan}
            rows.append({"change": change, "label": named[change], "measure": measure, **found, "base": base})
    return pd.DataFrame(rows)


def exhibit(own: Comparison) -> Exhibit:
    """The table of a comparison."""
    worth, draws = own.worth, own.draws
    rows = [{"Change": own.labels[BASE]} | {
        MEASURES[m]: shown_value(m, float(worth.loc[worth["measure"] == m, "base"].iloc[0])) for m in MEASURES
    }]  # fmt: skip
    for _, part in worth.groupby("change", sort=False):
        cells = {MEASURES[str(r["measure"])]: _unbroken(cell(r, str(r["measure"]), draws)) for _, r in part.iterrows()}
        rows.append({"Change": str(part["label"].iloc[0]), **cells})
    interval = f"80% interval over {draws} draws of the assumptions; " if draws >= FEWEST_DRAWS else ""
    notes = [
        "The first row is the model as it is; the others are differences from it in the same simulations. Cells: mean; "
        f"{interval}± one Monte Carlo standard error of the mean.",
        LEDGER_NOTE,
    ]
    if draws < FEWEST_DRAWS:
        notes.append(f"{_draws(draws)}: too few for an interval over assumptions, which needs {FEWEST_DRAWS}.")
    return _made(
        own,
        kind="table",
        name="worth",
        title=_finding(own),
        data=worth,
        view=pd.DataFrame(rows),
        units="beds; person-nights; GBP cash",
        notes=(*notes, *_kept(own)),
    )


def _unbroken(text: str) -> str:
    """A cell whose interval and Monte Carlo error each stay on one line."""
    return text.replace(" to ", "\u00a0to\u00a0").replace("± ", "±\u00a0").replace(MINUS, f"{MINUS}\u2060")


def waterfall(own: Comparison, measure: str) -> Exhibit:
    """The steps from nothing to all changes together, with the interaction between them."""
    if measure != POUNDS and measure not in MEASURES:
        raise unknown("measure", "a measure", measure, [*MEASURES, POUNDS])
    wanted = MONEY if measure == POUNDS else (measure,)
    show = money if measure in (*MONEY, POUNDS) else whole
    tables: dict[str, pd.DataFrame] = {}
    for each in wanted:
        parts = differences(own.study, each)
        tables[MEASURES[each]] = steps_of.summarise(xr.concat(parts.values(), pd.Index(list(parts), name="step")))
    labels = {s: {**own.labels, INTERACTION: "Interaction of the changes"}[s] for s in parts}
    total = list(labels)[-1]
    view = pd.DataFrame({"Step": list(labels.values())})
    for title, found in tables.items():
        at = results.ordered(found, "step", list(labels))
        view[title] = [
            f"{show(middle)}\n{show(low)} to {show(high)}"
            for middle, low, high in at[["central", "low80", "high80"]].to_numpy(float)
        ]
    spoken = ". ".join(
        f"{title}: " + "; ".join(f"{label} {show(results.row(found, step=s).central)}" for s, label in labels.items())
        for title, found in tables.items()
    )
    return _made(
        own,
        kind="figure",
        name=f"waterfall_{measure}",
        title=_finding(own, None if measure == POUNDS else measure),
        data=pd.concat([t.assign(measure=title) for title, t in tables.items()], ignore_index=True),
        view=view,
        units="GBP cash" if measure in (*MONEY, POUNDS) else "beds" if measure == "beds" else "person-nights",
        alternative=f"Waterfall of means. {spoken}.",
        notes=(
            "Each change was simulated alone and all together with the same chance and intake; steps and interaction "
            "add up to the total in every simulation. Lines are 80% intervals of all simulations.",
            *((LEDGER_NOTE,) if measure == POUNDS else ()),
            *_kept(own),
        ),
        draw=lambda: pictures.waterfall(tables, labels, total, show),
    )


def _made(own: Comparison, **said: object) -> Exhibit:
    study = own.study
    sizes = f"{study.sizes['arm']} arms, {_draws(own.draws)}, {own.planned.design.replications} replications"
    start, first, end = study["month_end"].values[0], study["month"].values[0], study["month_end"].values[-1]
    found = Exhibit(
        subtitle=f"Difference from “{own.labels[BASE]}”, United Kingdom, {month(first)} to {month(end)}.",
        label=MODELLED,
        source=f"people supported on {day(start)} (Home Office, Asy_D11 and Reg_02) and an intake forecast from claims "
        "to the same date (Home Office, Asy_D01)",
        basis={"runs": sizes},
        **said,  # type: ignore[arg-type]
    )
    return replace(found, pictures=found.drawn())


def _finding(own: Comparison, measure: str | None = "beds") -> str:
    """What the change, or all of them together, is worth, no surer than its interval or Monte Carlo error allows."""
    worth = own.worth
    total = list(own.labels)[-1]
    who = f"“{own.labels[total]}” makes" if total != TOGETHER else f"Together the {len(own.labels) - 2} changes make"
    parts = []
    for name in [measure] if measure else MONEY:
        row = worth[(worth["change"] == total) & (worth["measure"] == name)].iloc[0]
        pounds = name in MONEY
        what = MEASURES[name] if pounds else {"beds": "beds at the end", "hotel_nights": "hotel person-nights"}[name]
        low, high = row["low80"], row["high80"]
        if own.draws < FEWEST_DRAWS:
            error = 2 * row["monte_carlo_error"] if np.isfinite(row["monte_carlo_error"]) else 0.0
            low = high = 0.0 if abs(row["central"]) <= error else row["central"]
        words = _less_or_more(low, high, money if pounds else whole, "less" if pounds else "fewer")
        parts.append(f"no clear difference in {what}" if words is None else f"{words} {'in ' if pounds else ''}{what}")
    return sentence(f"{who} {listed(parts)}")


def _less_or_more(low: float, high: float, show: Callable[[float], str], less: str) -> str | None:
    """A range of differences in words; None when nothing is clear."""
    ends = sorted((show(abs(v)) for v in (low, high)), key=lambda text: abs(low if text == show(abs(low)) else high))
    if low < 0 < high:
        return f"from {show(-low)} {less} to {show(high)} more"
    if low == high == 0 or set(ends) == {show(0.0)}:
        return None
    span = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    return f"{span} {less if high <= 0 else 'more'}"


def _draws(draws: int) -> str:
    return "1 draw" if draws == 1 else f"{draws} draws"


def _kept(own: Comparison) -> tuple[str, ...]:
    if own.id:
        return (f"Kept as {own.id}.",)
    return ("Not kept: give the comparison a name to keep it; a finding to be cited needs a study.",)


def said(own: Comparison) -> str:
    """The comparison as plain text: a block a measure."""
    worth, draws = own.worth, own.draws
    lines = [f"Comparison {own.id or '(not kept)'}: {_finding(own)} Modelled estimates.",
             f"{_draws(draws)} x {own.planned.design.replications} replications; mean, "
             + ("80% interval over draws, " if draws >= FEWEST_DRAWS else "")
             + "± Monte Carlo standard error."]  # fmt: skip
    for measure, title in MEASURES.items():
        part = worth[worth["measure"] == measure]
        lines.append(f"{title}: {shown_value(measure, float(part['base'].iloc[0]))} as it is")
        for _, row in part.iterrows():
            text, _, rest = cell(row, measure, draws).partition("\n")
            lines.append(f"  {row['label']:<34}{text:>12}   {rest}".rstrip())
    return "\n".join(lines)


def shown(own: Comparison) -> str:
    """The comparison as HTML: its table, and the rules it replaced with what they cost."""
    parts = [exhibit(own)._repr_html_()]
    rules = own.rules
    if len(rules):
        view = pd.DataFrame(
            {
                "Rule": rules["rule"],
                "Function": rules["function"],
                "Written in": ["numba" if c else "plain Python" for c in rules["compiled"]],
                "Share of the run": [share(s) if np.isfinite(s) else "not measured" for s in rules["share"]],
            }
        )
        parts.append(table_html(view, "Rules that are replaced, and the processor time they took"))
    return "".join(parts)
