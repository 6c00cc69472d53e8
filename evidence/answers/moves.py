"""Moving people from hotels to dispersal accommodation: what each change contributes, ledgers apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures, waterfall
from evidence.answers.companions import NotMade
from evidence.answers.waterfall import INTERVAL, TOGETHER
from evidence.chapters.baseline import ACCOMMODATION
from evidence.chapters.funding import policy_years, ranged, span
from evidence.exhibits import Exhibit, Exhibits, Pack, heading
from evidence.results import HOTEL, Range
from evidence.wording import change, exact, money, number, number_range, sentence, whole
from params import InputError

QUESTION = "What moving people from hotels to dispersal accommodation costs and saves"
MOVED = "People in hotels, average over the years"


def figures(own: Pack | None, people_moved: int) -> Exhibits | NotMade:
    """The waterfall of people, that of each ledger, and the lines of each ledger.

    Args:
        own: the study of moves.
        people_moved: how many people moved for a year the last table is sized for.

    Raises:
        InputError: when fewer than one person would move.
    """
    if people_moved < 1:
        raise InputError(f"people_moved is {people_moved}; it must be 1 or more.")
    if own is None:
        return NotMade(QUESTION)
    return Exhibits((_people(own), _money(own), _lines(own, people_moved)))


def hotel_average(own: Pack) -> xr.DataArray:
    """People in hotels, the average of the month ends of the years in which the changes hold."""
    years = policy_years(own)
    stock = results.supported(own.study, accommodation=HOTEL)
    held = stock.sel(month_end=slice(f"{years[0][:4]}-04-01", f"{int(years[-1][:4]) + 1}-03-31"))
    return held.astype(float).mean("month_end")


def _people(own: Pack) -> Exhibit:
    steps, years = waterfall.steps(own), policy_years(own)
    table = waterfall.summarise(waterfall.contributions(own, hotel_average(own)))
    total = results.row(table, step=TOGETHER)
    alone = table[~table["step"].isin([TOGETHER, waterfall.INTERACTION])].sort_values("central")
    best = Range(*alone[list(Range._fields)].iloc[0])
    change_made = steps[str(alone["step"].iloc[0])]
    view = _view(table, steps, whole)
    return own.add(
        Exhibit(
            kind="figure",
            name="moves_people",
            title=sentence(
                f"All changes together move {number_range(-total.high80, -total.low80)} people out of hotels on "
                f"average over {span(years)}; alone, “{change_made}” moves most ({number(-best.central)})"
            )
            if total.high80 <= 0
            else sentence(f"All changes together do not surely move people out of hotels over {span(years)}"),
            subtitle=f"Change in people in hotels, average of month ends over {span(years)}, United Kingdom.",
            data=table,
            view=view,
            units="people",
            alternative=_spoken(table, steps, whole),
            notes=(_ADDS_UP,),
            draw=lambda: pictures.waterfall({MOVED: table}, steps, TOGETHER, whole),
            **own.modelled(interval=INTERVAL, baseline=f"Baseline {own.quoted(own.baseline)}"),
        )
    )


_ADDS_UP = (
    "Each change was simulated alone and all together with the same chance and intake. In every simulation the steps "
    "and the interaction add up to the total exactly; the interaction is what the changes do to one another."
)


def _money(own: Pack) -> Exhibit:
    steps, years = waterfall.steps(own), policy_years(own)
    tables = {
        f"{name} ledger": waterfall.summarise(waterfall.contributions(own, results.over_years(flow, years)))
        for name, flow in results.ledgers(own.study).items()
    }
    view = pd.DataFrame({"Step": list(steps.values())})
    for title, table in tables.items():
        view[title] = ranged(results.ordered(table, "step", list(steps)), money)
    home, councils, others = (results.row(t, step=TOGETHER) for t in tables.values())
    return own.add(
        Exhibit(
            kind="figure",
            name="moves_ledgers",
            title=sentence(
                f"With all changes together, over {span(years)}, the Home Office spends {_more(home)}, councils carry "
                f"{_more(councils)} net of grant, and other public bodies spend {_more(others)}"
            ),
            subtitle=f"Change in each ledger over {span(years)}, cash, United Kingdom; each panel has its own scale.",
            data=pd.concat([t.assign(ledger=title) for title, t in tables.items()], ignore_index=True),
            view=view,
            units="GBP cash",
            alternative=" ".join(f"{title}. {_spoken(t, steps, money)}" for title, t in tables.items()),
            notes=(_ADDS_UP, "The three ledgers are different money and are never added."),
            draw=lambda: pictures.waterfall(tables, steps, TOGETHER, money),
            **own.modelled(interval=INTERVAL, prices="Cash", baseline=f"Baseline {own.quoted(own.baseline)}"),
        )
    )


def _more(found: Range) -> str:
    """A difference in what is spent, in words."""
    return change(found.low80, found.high80).replace("no different", "the same")


def _lines(own: Pack, people_moved: int) -> Exhibit:
    """What the total is made of, by line of each ledger, in all and for a number of people moved for a year."""
    years, study = policy_years(own), own.study
    parts = {
        "Home Office": _named(results.home_office_items(study), "home_office_item"),
        "Councils": {
            **_named(results.council_gross_cost(study), "service"),
            "Grant received": -results.grant(study),
        },
        "Other public bodies": _named(results.yearly(study["other_public_cost_in_month"].astype(float)), "other_body"),
    }
    person_years = waterfall.contributions(own, hotel_average(own)).sel(step=TOGETHER, drop=True) * len(years)
    rows = []
    for ledger, flows in parts.items():
        for line, flow in flows.items():
            total = waterfall.contributions(own, results.over_years(flow, years)).sel(step=TOGETHER, drop=True)
            found = waterfall.summarise(total).iloc[0]
            each = float(total.mean() / -person_years.mean()) if float(person_years.mean()) < 0 else float("nan")
            rows.append({"ledger": ledger, "line": line, **found, "for_people_moved": people_moved * each})
    table = pd.DataFrame(rows)
    view = table[["ledger", "line"]].set_axis(["Ledger", "Line"], axis=1)
    view[f"Change over {span(years)}"] = ranged(table, money)
    view[f"For {exact(people_moved)} people moved for a year"] = [money(v) for v in np.rint(table["for_people_moved"])]
    hotels = table[table["line"] == ACCOMMODATION[HOTEL]].iloc[0]
    return own.add(
        Exhibit(
            kind="table",
            name="moves_lines",
            title=sentence(
                f"Hotels cost the Home Office {_more(Range(*hotels[list(Range._fields)]))} over {span(years)}, "
                f"{money(abs(hotels['for_people_moved']))} for {exact(people_moved)} people moved for a year"
            ),
            subtitle=f"All changes together: each ledger by line, cash, United Kingdom, {span(years)}.",
            data=table,
            view=view,
            row_headers=2,
            units="GBP cash",
            notes=(
                "Means, so that lines add up inside a ledger; ledgers are never added. The last column takes the mean "
                f"change in proportion, {exact(people_moved)} people out of hotels for a year; the notebook's "
                "parameter people_moved sets another number. The next person moved is taken to be like the average.",
            ),
            **own.modelled(interval=INTERVAL, prices="Cash", baseline=f"Baseline {own.quoted(own.baseline)}"),
        )
    )


def _named(flow: xr.DataArray, axis: str) -> Mapping[str, xr.DataArray]:
    """A flow parted along an axis, by the name to print."""
    names = [str(n) for n in flow[axis].values]
    return {ACCOMMODATION.get(n, heading(n)): flow.sel({axis: n}, drop=True) for n in names}


def _view(table: pd.DataFrame, steps: Mapping[str, str], show: Callable[[float], str]) -> pd.DataFrame:
    own = results.ordered(table, "step", list(steps))
    return pd.DataFrame({"Step": list(steps.values()), "Mean and 80% interval": ranged(own, show)})


def _spoken(table: pd.DataFrame, steps: Mapping[str, str], show: Callable[[float], str]) -> str:
    rows = {step: results.row(table, step=step) for step in steps}
    parts = "; ".join(
        f"{label} {show(rows[s].central)}, 80% interval {show(rows[s].low80)} to {show(rows[s].high80)}"
        for s, label in steps.items()
    )
    return f"Waterfall of means. {parts}."
