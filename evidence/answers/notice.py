"""Notice after a grant of status: what 28, 42 and 56 days cost and save in each ledger."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures
from evidence.answers.companions import NotMade
from evidence.chapters.funding import policy_years, ranged, span
from evidence.exhibits import Exhibit, Pack
from evidence.results import HOTEL
from evidence.wording import change, money, number, sentence

QUESTION = "What a notice period of 28, 42 or 56 days costs in each ledger"
DUTIES, NIGHTS = "Homelessness duties", "Person-nights in hotels"


def figure(own: Pack | None) -> Exhibit | NotMade:
    """Difference in each ledger from the notice in force, paired simulation by simulation.

    Args:
        own: the study of notice periods.
    """
    if own is None:
        return NotMade(QUESTION)
    years = policy_years(own)
    tables = {f"{name} ledger": _moved(own, flow) for name, flow in results.ledgers(own.study).items()}
    people = {DUTIES: _moved(own, _duties(own.study)), NIGHTS: _moved(own, _hotel_nights(own.study))}
    view = pd.DataFrame({"Notice": list(own.others.values())})
    for title, table in tables.items():
        view[title] = ranged(results.ordered(table, "arm", list(own.others)), money)
    for title, table in people.items():
        view[title] = ranged(results.ordered(table, "arm", list(own.others)), number)
    said = []
    for arm in own.others:
        home, councils = (results.row(tables[f"{n} ledger"], arm=arm) for n in ("Home Office", "Councils"))
        said.append(
            f"with {own.quoted(arm)} the Home Office spends {change(home.low80, home.high80)} and councils carry "
            f"{change(councils.low80, councils.high80)}"
        )
    spoken = "; ".join(
        f"{title}: " + ", ".join(f"{own.labels[a]} {money(results.row(t, arm=a).central)}" for a in own.others)
        for title, t in tables.items()
    )
    return own.add(
        Exhibit(
            kind="figure",
            name="notice",
            title=sentence(f"Against {own.quoted(own.baseline)}, over {span(years)}: {'; '.join(said)}"),
            subtitle=(
                f"Difference from {own.quoted(own.baseline)} in each ledger over {span(years)}, cash, United Kingdom; "
                "each panel has its own scale."
            ),
            data=pd.concat([t.assign(measure=title) for title, t in (tables | people).items()], ignore_index=True),
            view=view,
            units="GBP cash; households; person-nights",
            alternative=f"Dots with ranges in three panels. {spoken}.",
            notes=(
                "The three ledgers are different money and are never added. Home Office: accommodation, support and "
                "grants paid. Councils: gross cost less grant.",
                "The model lets a longer notice delay homelessness; it does not let more time find people a home, for "
                "which no published effect was found (the evaluation of the 56-day pilot was not out). A longer notice "
                "may therefore save councils more than is shown.",
            ),
            draw=lambda: pictures.ranges_in_panels(tables, "arm", own.others, dict.fromkeys(tables, money)),
            **own.modelled(prices="Cash", baseline=f"Baseline {own.quoted(own.baseline)}"),
        )
    )


def _moved(own: Pack, flow: xr.DataArray) -> pd.DataFrame:
    total = results.over_years(flow.astype(float), policy_years(own))
    return results.summarise(results.minus_baseline(total, own.baseline))


def _duties(study: xr.Dataset) -> xr.DataArray:
    return results.yearly(study["homelessness_duties_in_month"])


def _hotel_nights(study: xr.Dataset) -> xr.DataArray:
    nights = study["person_nights_in_month"].sel(accommodation=HOTEL, drop=True)
    return results.yearly(nights.astype(np.float64))
