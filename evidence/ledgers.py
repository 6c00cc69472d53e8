"""The three ledgers as exhibits: the Home Office, councils, other public bodies. Nothing here adds one to another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evidence import figures, results
from evidence.baseline import ACCOMMODATION
from evidence.exhibits import Exhibit, Pack
from evidence.funding import CASH, LEDGER_NOTES, REAL, policy_years, ranged, span, spoken
from evidence.results import HOTEL
from evidence.wording import money, money_range, plain, sentence


def ledgers_figure(pack: Pack) -> Exhibit:
    """The three ledgers in three panels, never added."""
    years = policy_years(pack)
    tables = {
        ledger: results.summarise(results.over_years(flow, years))
        for ledger, flow in results.ledgers(pack.study).items()
    }
    data = pd.concat([t.assign(ledger=ledger) for ledger, t in tables.items()], ignore_index=True)
    real = {
        ledger: results.summarise(results.over_years(flow, years))
        for ledger, flow in results.ledgers(pack.study, real=True).items()
    }
    view = pd.DataFrame(
        [
            [ledger, pack.labels[arm], *(ranged(t[t["arm"] == arm], money)[0] for t in (tables[ledger], real[ledger]))]
            for ledger in tables
            for arm in pack.labels
        ],
        columns=["Ledger", "Funding option", "Cash", "Real 2025-26 prices"],
    )
    data = pd.concat(
        [data.assign(prices=CASH), *(t.assign(ledger=name, prices=REAL) for name, t in real.items())], ignore_index=True
    )
    home, councils = (results.row(tables[n], arm=pack.baseline) for n in ("Home Office", "Councils"))
    return pack.add(
        Exhibit(
            kind="figure",
            name="ledgers",
            title=(
                f"Under {pack.quoted(pack.baseline)}, over {span(years)}, the Home Office ledger stands at "
                f"{money(home.central)} and the council ledger at {money(councils.central)}; they are different "
                "money and are not added."
            ),
            subtitle=f"The three ledgers, each on its own scale, cash, United Kingdom, {span(years)} together.",
            data=data,
            view=view,
            row_headers=2,
            units="GBP",
            alternative=" ".join(spoken(pack, t, f"{n} ledger") for n, t in tables.items()),
            notes=(
                "Home Office: accommodation, support and the grants it pays. Councils: gross cost less those grants. "
                "Other public bodies: schools, health and the tribunal. A grant stands in two ledgers, as cost and as "
                "income: that is one reason why they are never added.",
                "The three panels have different scales.",
            ),
            draw=lambda: figures.ledgers_by_arm(tables, pack.labels),
            **pack.modelled(prices="Cash in the figure; real 2025-26 prices beside it in the table"),
        )
    )


def prices_table(pack: Pack) -> Exhibit:
    """Net cost in cash with real 2025-26 prices beside it."""
    both = {CASH: results.council_net_cost(pack.study), REAL: results.council_net_cost(pack.study, real=True)}
    data = pd.concat([results.summarise(c).assign(prices=name) for name, c in both.items()], ignore_index=True)
    years = list(dict.fromkeys(data["financial_year"]))
    rows = []
    for arm, label in pack.labels.items():
        for prices in both:
            own = data[(data["arm"] == arm) & (data["prices"] == prices)]
            rows.append([label, sentence(prices).rstrip("."), *ranged(own, money)])
    whole = [float(np.median(results.over_years(c, years).sel(arm=pack.baseline))) for c in both.values()]
    return pack.add(
        Exhibit(
            kind="table",
            name="net_cost_prices",
            title=(
                f"Under {pack.quoted(pack.baseline)}, the central net cost of {span(years)} is {money(whole[0])} in "
                f"cash and {money(whole[1])} in 2025-26 prices."
            ),
            subtitle="Council net cost by financial year and funding option, cash, then real 2025-26 prices.",
            data=data,
            view=pd.DataFrame(rows, columns=["Funding option", "Prices", *years]),
            row_headers=2,
            units="GBP",
            notes=LEDGER_NOTES,
            **pack.modelled(prices="Cash and real 2025-26 prices"),
        )
    )


def home_office_table(pack: Pack) -> Exhibit:
    """The Home Office ledger by item and option, over the years the options differ."""
    years = policy_years(pack)
    table = results.summarise(results.over_years(results.home_office_items(pack.study), years))
    items = list(dict.fromkeys(table["home_office_item"]))
    view = pd.DataFrame({"Item": [ACCOMMODATION.get(i, sentence(plain(i)).rstrip(".")) for i in items]})
    for arm, label in pack.labels.items():
        view[label] = ranged(table[table["arm"] == arm], money)
    hotel = results.row(table, home_office_item=HOTEL, arm=pack.baseline)
    return pack.add(
        Exhibit(
            kind="table",
            name="home_office_items",
            title=sentence(
                f"Hotels cost the Home Office {money_range(hotel.low80, hotel.high80)} over {span(years)} under "
                f"{pack.quoted(pack.baseline)}"
            ),
            subtitle=f"Home Office ledger by item and funding option, cash, United Kingdom, {span(years)}.",
            data=table,
            view=view,
            units="GBP cash",
            notes=("Home Office ledger only. Medians of items do not add to the median of the ledger.",),
            **pack.modelled(prices="Cash"),
        )
    )
