"""The grant rate at which councils' gap closes: a switching value with its interval, by type of council."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures
from evidence.answers.companions import NotMade
from evidence.answers.groups import council_counts, grouping, in_text
from evidence.answers.net_cost import council_net
from evidence.chapters.funding import LEDGER_NOTES, policy_years, ranged, span
from evidence.drawing.style import money_scale
from evidence.exhibits import Exhibit, Exhibits, Pack
from evidence.wording import exact, money, net_cost, sentence, share
from params import InputError

RATE = "funding.grant_per_person"
WHOLE = "United Kingdom"
QUESTION = "The grant rate at which the gap closes"


def figures(own: Pack | None) -> Exhibits | NotMade:
    """At what grant per person net cost is zero, in all and for each type of council, and the curves behind it.

    Args:
        own: the study of grant rates.
    """
    if own is None:
        return NotMade(QUESTION)
    by, years, rates = grouping("council_type"), policy_years(own), rates_of(own)
    cost = results.over_years(council_net(own.study, by), years)
    whole = cost.sum("group").expand_dims(group=[WHOLE])
    cost = xr.concat([whole, cost], "group").transpose("group", "draw", "replication", "arm")
    closing = crossing(cost.sel(arm=list(rates)), np.array(list(rates.values())))
    order = [WHOLE, *by.order]
    table = _summary(closing, rates[own.baseline])
    curves = results.summarise(cost)
    curves["rate"] = curves["arm"].map(rates)
    curves = curves.sort_values(["group", "rate"])
    top = max(rates.values())
    counts = council_counts(by)
    view = pd.DataFrame({by.heading: order, "Councils": [exact(counts.sum()), *(exact(v) for v in counts)]})
    at = table.set_index("group").loc[order]
    view["Rate that closes the gap"] = [_cell(line, top) for _, line in at.iterrows()]
    view["Closed in half of simulations at"] = [_rate(line["central"], top) for _, line in at.iterrows()]
    view["Closed in 90% of simulations at"] = [_rate(line["high80"], top) for _, line in at.iterrows()]
    current = rates[own.baseline]
    view[f"Closed at {money(current)}"] = [share(float(line["closed_now"])) for _, line in at.iterrows()]
    first = at.loc[WHOLE]
    groups = at.drop(WHOLE)
    highest = str(groups["central"].idxmax())
    divisor, suffix = money_scale([float(curves["high80"].abs().max())])
    drawn = table.assign(**{name: table[name].clip(upper=top) for name in results.QUANTILES})
    rate_title, said = "Grant per person a year at which net cost is zero", f"over {span(years)}"
    rate = own.add(
        Exhibit(
            kind="figure",
            name="closing_rate",
            title=sentence(
                f"Councils' gap {said} closes at a grant of {_words(first, top)} a person a year, against "
                f"{money(current)} in 2025-26; the rate is highest in {in_text(highest)} "
                f"({_words(groups.loc[highest], top)})"
            ),
            subtitle=f"Grant per person from April 2027 at which council net cost {said} is zero, by type of council.",
            data=table,
            view=view,
            units="GBP per person a year",
            alternative="Dots with ranges. " + "; ".join(f"{g} {_words(at.loc[g], top)}" for g in order) + ".",
            notes=(
                *LEDGER_NOTES,
                "Each rate was simulated, because grant also buys capacity and so raises gross cost; between two rates "
                "net cost is read off a straight line within each simulation. £100 a month for growth is paid besides. "
                "The grant follows people accommodated a year before, so that a rate that closes a group's gap leaves "
                f"single councils above and below. Rates above {money(top)} were not simulated.",
                by.note,
            ),
            draw=lambda: pictures.ranges_in_panels(
                {rate_title: drawn}, "group", {g: g for g in order}, {rate_title: money}
            ),
            **own.modelled(prices="Cash"),
        )
    )
    at_current = results.row(curves, group=WHOLE, arm=own.baseline)
    at_top = results.row(curves, group=WHOLE, arm=list(rates)[-1])
    shown = curves.assign(cell=ranged(curves, money)).pivot(index="group", columns="rate", values="cell").loc[order]
    shown.columns = pd.Index([f"Net cost at {money(r)}" for r in rates.values()])
    behind = own.add(
        Exhibit(
            kind="figure",
            name="net_cost_by_rate",
            title=sentence(
                f"At {money(current)} a person councils are left with {net_cost(at_current.low80, at_current.high80)} "
                f"{said}; at {money(top)}, the highest rate simulated, with {net_cost(at_top.low80, at_top.high80)}"
            ),
            subtitle=f"Council net cost {said} against the grant per person from April 2027, by type of council, cash.",
            data=curves.drop(columns="arm"),
            view=shown.rename_axis(by.heading).reset_index(),
            units="GBP cash",
            alternative="Falling lines with bands, one panel a type of council, each crossing zero at the rates above.",
            notes=(*LEDGER_NOTES, "Each panel has its own scale. Below zero, grant exceeds cost.", by.note),
            draw=lambda: pictures.lines_by_group(curves, order, "rate", divisor, suffix),
            **own.modelled(prices="Cash"),
        )
    )
    return Exhibits((rate, behind))


def rates_of(own: Pack) -> Mapping[str, float]:
    """The grant per person at the end of the study, by arm, rising.

    Raises:
        InputError: when two arms pay the same rate.
    """
    assumptions = own.record["assumptions"]
    rates = {arm: float(assumptions[arm][RATE][-1][1]) for arm in own.labels}
    if len(set(rates.values())) < len(rates):
        raise InputError(f"{own.study_id}: its arms must each have another {RATE}.")
    return dict(sorted(rates.items(), key=lambda item: item[1]))


def crossing(cost: xr.DataArray, rates: np.ndarray) -> xr.DataArray:
    """The rate at which net cost is zero, inside each sample; infinite when it is not within the rates simulated.

    Args:
        cost: GBP (..., arm), arms in order of rates.
        rates: GBP per person a year, rising.

    Returns:
        GBP per person a year; below the lowest rate it is carried on along the first straight line, but not below 0.
    """
    values = cost.values
    closed = values <= 0
    first = np.where(closed.any(-1), closed.argmax(-1), values.shape[-1])
    upper = np.clip(first, 1, values.shape[-1] - 1)
    low, high = (np.take_along_axis(values, (upper - i)[..., None], -1)[..., 0] for i in (1, 0))
    fall = np.where(low == high, np.nan, low - high)
    found = rates[upper - 1] + (rates[upper] - rates[upper - 1]) * low / fall
    found = np.where(first == values.shape[-1], np.inf, np.maximum(found, 0.0))
    return cost.isel(arm=0, drop=True).copy(data=np.where(np.isnan(found), np.inf, found))


def _summary(closing: xr.DataArray, current: float) -> pd.DataFrame:
    """Quantiles, which may be infinite, and the share of simulations whose gap is closed at the current rate."""
    flat = closing.values.reshape(closing.sizes["group"], -1)
    table = pd.DataFrame({"group": closing["group"].values})
    for name, q in results.QUANTILES.items():
        table[name] = np.quantile(flat, q, axis=1, method="inverted_cdf")
    return table.assign(closed_now=(flat <= current).mean(axis=1))


def _rate(value: float, top: float) -> str:
    return money(value) if np.isfinite(value) else f"above {money(top)}"


def _cell(line: Any, top: float) -> str:
    return f"{_rate(line['central'], top)}\n{_rate(line['low80'], top)} to {_rate(line['high80'], top)}"


def _words(line: Any, top: float) -> str:
    """An interval of rates in words."""
    return f"between {_rate(line['low80'], top)} and {_rate(line['high80'], top)}"
