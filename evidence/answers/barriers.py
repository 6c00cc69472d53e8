"""What each barrier to homes is worth in beds: each coded reason of objection switched off, alone and all together."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures, waterfall
from evidence.answers.companions import NotMade
from evidence.answers.waterfall import INTERACTION, INTERVAL, TOGETHER
from evidence.chapters.funding import ranged
from evidence.exhibits import Exhibit, Pack
from evidence.results import HOTEL
from evidence.wording import month, people_change, sentence, whole

QUESTION = "What each barrier is worth in beds"
BEDS, HOTELS = "Dispersal beds", "People in hotels"


def figure(own: Pack | None) -> Exhibit | NotMade:
    """Beds that open, and people who leave hotels, when a barrier is gone.

    Args:
        own: the study of barriers.
    """
    if own is None:
        return NotMade(QUESTION)
    steps = {step: _short(label) for step, label in waterfall.steps(own).items()}
    measures = {
        BEDS: own.study["beds_at_month_end"].isel(month_end=-1, drop=True),
        HOTELS: results.supported(own.study, accommodation=HOTEL).isel(month_end=-1, drop=True),
    }
    tables = {
        title: waterfall.summarise(waterfall.contributions(own, values.astype(float)))
        for title, values in measures.items()
    }
    view = pd.DataFrame({"Barrier taken away": list(steps.values())})
    for title, table in tables.items():
        view[f"{title}, {month(own.end)}"] = ranged(results.ordered(table, "step", list(steps)), whole)
    told = _reasons(own)
    view["Share of beds objected to for this reason"] = [f"{told[s]:.0%}" if s in told else "[z]" for s in steps]
    beds = tables[BEDS]
    total = results.row(beds, step=TOGETHER)
    alone = beds[~beds["step"].isin([TOGETHER, INTERACTION])]
    most = alone.iloc[int(alone["central"].to_numpy().argmax())]
    spoken = "; ".join(f"{label} {whole(results.row(beds, step=s).central)}" for s, label in steps.items())
    return own.add(
        Exhibit(
            kind="figure",
            name="barriers",
            title=sentence(
                f"Of the coded barriers, {steps[str(most['step'])].lower()} is worth most: "
                f"{whole(most['low80'])} to {whole(most['high80'])} beds by {month(own.end)}; without any of them "
                f"there would be {people_change(total.low80, total.high80)} beds"
            ),
            subtitle=(
                f"Change in dispersal beds and in people in hotels at the end of {month(own.end)} when a reason for "
                "objecting is switched off from April 2027, United Kingdom."
            ),
            data=pd.concat([t.assign(measure=title) for title, t in tables.items()], ignore_index=True),
            view=view,
            units="beds; people",
            alternative=f"Waterfalls in two panels. Beds, mean: {spoken}.",
            notes=(
                "Objections for one reason are switched off alone and all together with the same chance and intake; "
                "what pressure, gaps and lost trust do to councils' willingness stays. The steps and the interaction "
                "add up exactly.",
                "Beds are wanted only while people are in hotels: where procurement and not consent limits what opens, "
                "a barrier is worth little. Strengths of the barriers are elicited: no published figure exists.",
            ),
            draw=lambda: pictures.waterfall(tables, steps, TOGETHER, whole),
            **own.modelled(interval=INTERVAL, baseline=f"Baseline {own.quoted(own.baseline)}"),
        )
    )


def _short(label: str) -> str:
    """`Without: trust` as `Trust`."""
    words = label.removeprefix("Without: ")
    return words[0].upper() + words[1:]


def _reasons(own: Pack) -> dict[str, float]:
    """Share of beds objected to by coded reason, under the baseline and over all simulations."""
    beds: xr.DataArray = own.study["objections_in_month"].sel(arm=own.baseline).sum(["month", *results.SAMPLE])
    total = max(float(beds.sum()), 1.0)
    return {str(b): float(beds.sel(barrier=b)) / total for b in beds["barrier"].values}
