"""The three ledgers as exhibits: the Home Office, councils, other public bodies. Nothing here adds one to another."""

from __future__ import annotations

import numpy as np
import pandas as pd

import params
from evidence import results
from evidence.chapters.baseline import ACCOMMODATION
from evidence.chapters.funding import CASH, LEDGER_NOTES, REAL, policy_years, ranged, span, spoken
from evidence.drawing import figures
from evidence.exhibits import RECORDED, Exhibit, Pack
from evidence.results import HOTEL
from evidence.wording import money, money_range, net_cost, plain, sentence
from params.instruments import KINDS, MODIFIERS
from params.prices import deflator_vintage

LEDGERS = ("Home Office", "Councils", "Other public bodies")
LEDGER_NOTE = (
    "A grant stands in two ledgers, as cost and as income: that is one reason why ledgers are never added, and a "
    "present value of one is not set against another's."
)


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


def price_basis() -> str:
    """How real figures were made, for the line under an exhibit."""
    return (
        "Real figures are 2025-26 prices at each simulation's own price path, drawn around the GDP deflator's forecast "
        f"(HM Treasury, {deflator_vintage()})"
    )


def ledger_years_figure(pack: Pack) -> Exhibit:
    """Each ledger by financial year and option, cash first and real beside it; one block a ledger, no total of them."""
    years = policy_years(pack)
    parts, rows = [], []
    for prices, real in ((CASH, False), (REAL, True)):
        for ledger, flow in results.ledgers(pack.study, real=real).items():
            table = results.summarise(flow.sel(financial_year=years))
            parts.append(table.assign(ledger=ledger, prices=prices))
    data = pd.concat(parts, ignore_index=True)
    for ledger in LEDGERS:
        for arm, label in pack.labels.items():
            for prices in (CASH, REAL):
                own = data[(data["ledger"] == ledger) & (data["arm"] == arm) & (data["prices"] == prices)]
                rows.append([ledger, label, sentence(prices).rstrip("."), *ranged(own, money)])
    base = data[(data["arm"] == pack.baseline) & (data["prices"] == CASH) & (data["financial_year"] == years[-1])]
    home, councils, others = (results.row(base, ledger=name) for name in LEDGERS)
    cash = {ledger: data[(data["ledger"] == ledger) & (data["prices"] == CASH)] for ledger in LEDGERS}
    said = [spoken(pack, t[t["financial_year"] == years[-1]], f"{n} ledger in {years[-1]}") for n, t in cash.items()]
    return pack.add(
        Exhibit(
            kind="figure",
            name="ledgers_by_year",
            title=sentence(
                f"In {years[-1]}, under {pack.quoted(pack.baseline)}, the Home Office ledger stands at "
                f"{money(home.central)}, that of councils at {money(councils.central)} and that of other public "
                f"bodies at {money(others.central)}, in cash: three ledgers that are never added"
            ),
            subtitle="The three ledgers by financial year and funding option, UK: cash drawn, real prices in the "
                "table.",
            data=data,
            view=pd.DataFrame(rows, columns=["Ledger", "Funding option", "Prices", *years]),
            row_headers=3,
            units="GBP",
            alternative=f"Lines by year, one panel a ledger. {' '.join(said).replace('Dots with ranges. ', '')}",
            notes=(LEDGER_NOTE, "The three panels have different scales.", price_basis() + ".", *pack.left_out),
            draw=lambda: figures.ledgers_over_years(cash, pack.told_apart, pack.baseline, years),
            **pack.modelled(prices="Cash and real 2025-26 prices"),
        )
    )


def present_value_table(pack: Pack) -> Exhibit:
    """Present value of each ledger by option, and what each option changes in it; second to cash and real profiles."""
    years = policy_years(pack)
    rate = float(params.load().entries["appraisal.discount_rate"].values()[-1])
    parts, rows = [], []
    for ledger, flow in results.ledgers(pack.study, real=True).items():
        real = flow.sel(financial_year=years)
        value = results.present_value(real, rate)
        shown = {
            "real total": results.summarise(real.sum("financial_year")),
            "present value": results.summarise(value),
            "change in present value": results.summarise(results.minus_baseline(value, pack.baseline)),
        }
        parts += [table.assign(ledger=ledger, measure=measure) for measure, table in shown.items()]
        for arm, label in pack.labels.items():
            cells = [ranged(table[table["arm"] == arm], money) for table in shown.values()]
            rows.append([ledger, label, *(own[0] if own else "£0\nbaseline" for own in cells)])
    data = pd.concat(parts, ignore_index=True)
    councils = data[(data["ledger"] == LEDGERS[1]) & (data["measure"] == "present value")]
    base = results.row(councils, arm=pack.baseline)
    return pack.add(
        Exhibit(
            kind="table",
            name="present_values",
            title=sentence(
                f"At {rate:.1%} a year, councils' net cost of {span(years)} under {pack.quoted(pack.baseline)} has a "
                f"present value of {money(base.central)} (80% interval {money(base.low80)} to {money(base.high80)})"
            ),
            subtitle=f"Present value of each ledger, real 2025-26 prices, {span(years)}, by funding option.",
            data=data,
            view=pd.DataFrame(
                rows,
                columns=["Ledger", "Funding option", "Real total", f"Present value at {rate:.1%}", "Less baseline's"],
            ),
            row_headers=2,
            units="GBP, 2025-26 prices",
            notes=(
                f"Green Book, February 2026: {rate:.1%} real, the first year ({years[0]}) undiscounted. Read the "
                f"cash and "
                "real profiles first.",
                LEDGER_NOTE,
                price_basis() + ".",
            ),
            **pack.modelled(prices="Real 2025-26 prices", baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def council_lines_table(pack: Pack) -> Exhibit:
    """The council ledger under the baseline: gross cost by service line, the grant, and what is left, by year."""
    years = policy_years(pack)
    base = {"arm": pack.baseline, "financial_year": years}
    gross = results.council_gross_cost(pack.study).sel(base)
    lines = results.summarise(gross)
    sums = {
        "gross cost, all lines": gross.sum("service"),
        "grant": results.grant(pack.study).sel(base),
        "net cost": results.council_net_cost(pack.study).sel(base),
    }
    summed = {name: results.summarise(flow) for name, flow in sums.items()}
    last = lines[lines["financial_year"] == years[-1]].sort_values("central", ascending=False)
    by_year = results.ordered(lines, "financial_year", years)
    rows = [[pack.service_labels[str(s)], *ranged(by_year[by_year["service"] == s], money)] for s in last["service"]]
    rows += [[sentence(name).rstrip("."), *ranged(table, money)] for name, table in summed.items()]
    named = lines.rename(columns={"service": "line"})
    data = pd.concat([named, *(t.assign(line=name) for name, t in summed.items())], ignore_index=True)
    net, grant = (results.row(summed[n], financial_year=years[-1]) for n in ("net cost", "grant"))
    return pack.add(
        Exhibit(
            kind="table",
            name="council_ledger",
            title=sentence(
                f"Under {pack.quoted(pack.baseline)}, grant pays {money(grant.central)} of councils' cost in "
                f"{years[-1]} and leaves {net_cost(net.low80, net.high80)}"
            ),
            subtitle="Council ledger by service line: gross cost, grant, net cost, cash, United Kingdom.",
            data=data,
            view=pd.DataFrame(rows, columns=["Line", *years]),
            units="GBP cash",
            notes=(
                *LEDGER_NOTES,
                "Grant is paid for dispersal as a whole, not by line, so no line has a net cost. Medians of lines "
                "do not add to the median of all.",
            ),
            **pack.modelled(prices="Cash"),
        )
    )


def other_ledgers_table(pack: Pack) -> Exhibit:
    """The Home Office ledger by item and that of other public bodies by body, by year, under the baseline."""
    years = policy_years(pack)
    base = {"arm": pack.baseline, "financial_year": years}
    parts = {
        LEDGERS[0]: results.home_office_items(pack.study).sel(base).rename(home_office_item="item"),
        LEDGERS[2]: results.other_public_items(pack.study).sel(base).rename(other_body="item"),
    }
    tables = {ledger: results.summarise(flow) for ledger, flow in parts.items()}
    names = ACCOMMODATION | {k: sentence(plain(k)).rstrip(".") for t in tables.values() for k in t["item"].astype(str)
                             if k not in ACCOMMODATION}  # fmt: skip
    rows = [
        [ledger, names[item], *ranged(table[table["item"] == item], money)]
        for ledger, table in tables.items()
        for item in dict.fromkeys(table["item"].astype(str))
    ]
    hotel = results.row(tables[LEDGERS[0]], item=HOTEL, financial_year=years[-1])
    return pack.add(
        Exhibit(
            kind="table",
            name="other_ledgers",
            title=sentence(
                f"In {years[-1]}, under {pack.quoted(pack.baseline)}, hotels cost the Home Office "
                f"{money_range(hotel.low80, hotel.high80)}"
            ),
            subtitle="Home Office by item and other public bodies by body, cash, United Kingdom, two ledgers apart.",
            data=pd.concat([t.assign(ledger=ledger) for ledger, t in tables.items()], ignore_index=True),
            view=pd.DataFrame(rows, columns=["Ledger", "Item", *years]),
            row_headers=2,
            units="GBP cash",
            notes=(LEDGER_NOTE, "Grants to councils are a cost here and an income of councils."),
            **pack.modelled(prices="Cash"),
        )
    )


def kinds_table(pack: Pack) -> Exhibit:
    """What a grant can pay for: each kind of instrument with its formula and unit, and the modifiers."""
    rows = [["Kind", kind.label, kind.formula, kind.unit, kind.quantity] for kind in KINDS.values()]
    rows += [["Modifier", sentence(plain(n)).rstrip("."), "", "", meaning] for n, meaning in MODIFIERS.items()]
    data = pd.DataFrame(rows, columns=["type", "name", "formula", "unit", "meaning"])
    return pack.add(
        Exhibit(
            kind="table",
            name="instrument_kinds",
            title=f"A funding option can be made of {len(KINDS)} kinds of grant and {len(MODIFIERS)} modifiers.",
            subtitle="What each kind pays one council in one month, before modifiers, which apply in the order shown.",
            data=data,
            view=data.set_axis(["Type", "Name", "Payment in a month", "Unit of the rate", "What it counts"], axis=1),
            row_headers=2,
            units="text",
            source="params/instruments of this project",
            label=RECORDED,
        )
    )
