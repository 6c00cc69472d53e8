"""How far the money can be trusted: grant history, contested prices, other schemes' tariffs, published totals.

Published figures stand beside the model's own and are never averaged with it. Where they disagree the exhibit says by
how much, and what in their scope could explain it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence import results
from evidence.chapters import grant_history
from evidence.chapters.funding import LEDGER_NOTES, policy_years
from evidence.exhibits import DERIVED, MIXED, QUOTED, Exhibit, Pack
from evidence.wording import listed, money, number, sentence, share
from params.prices import BASE_YEAR, deflator_vintage, in_prices_of

_SAME_ORDER = 2.0  # a factor: published totals differ in scope from the model's lines, so nothing closer is asked
_STATUS = {
    "published": "published",
    "assumed": "assumed: the source names the payment, not the rate",
    "not_published": "not published: recalled or taken from the year after",
    "scenario": "scenario",
}
DEFLATED = f"GDP deflator, HM Treasury, {deflator_vintage()}"


def history_table(pack: Pack) -> Exhibit:
    """Grant rules of 2021-22 to 2025-26 on published stocks: what each pays."""
    data = grant_history.history()
    view = pd.DataFrame(
        {
            "Paid in": data["year"],
            "Grant": data["label"],
            "Rate": [money(v) for v in data["rate"]],
            "Unit": data["unit"],
            "People or beds": [number(v) for v in data["quantity"]],
            "Pays, cash": [money(v) for v in data["amount"]],
            "In 2025-26 prices": [money(v) for v in data["amount_2025_26"]],
            "Rate is": [_STATUS[s] for s in data["status"]],
            "Count is": data["basis"],
        }
    )
    years = data.groupby("year")["amount"].sum()
    return pack.add(
        Exhibit(
            kind="table",
            name="grant_history",
            title=sentence(
                f"On published stocks, the grant rules come to {money(years.iloc[0])} in {years.index[0]} and "
                f"{money(years.iloc[-1])} in {years.index[-1]}"
            ),
            subtitle="Grants to councils for dispersal by year of payment; Great Britain, in 2022-23 United Kingdom.",
            data=data,
            view=view,
            row_headers=2,
            units="GBP cash, and 2025-26 prices",
            source="grants: see the column source; people: Home Office, Asy_D09 and Asy_D11",
            label=DERIVED,
            basis={"prices": f"Real: {DEFLATED}"},
            notes=tuple(f"{r['label']}: {r['note']}" for r in data.to_dict("records") if r["note"]),
        )
    )


def history_check(pack: Pack) -> Exhibit:
    """The same rules beside published totals, with what is not known."""
    data = grant_history.check(grant_history.history())
    known = data[data["ratio"].notna()]
    held = int((known["holds"] == "yes").sum())
    nothing = listed(list(data.loc[data["published"].isna(), "year"]))
    return pack.add(
        Exhibit(
            kind="table",
            name="grant_history_check",
            title=sentence(
                f"The encoded rules reproduce the order of magnitude of {held} of the {len(known)} totals there are to "
                f"compare with; for {nothing} none was found"
            ),
            subtitle="Grant rules on published stocks against published or derived totals, cash.",
            data=data,
            view=pd.DataFrame(
                {
                    "Paid in": data["year"],
                    "Rules": data["rules"],
                    "Rules pay": [money(v) for v in data["amount"]],
                    "Published": [money(v) for v in data["published"]],
                    "Rules as a share": [share(v) if np.isfinite(v) else "[z]" for v in data["ratio"]],
                    "Same order of magnitude": data["holds"],
                    "Source of the total": data["source"],
                }
            ),
            units="GBP cash",
            source="see the column source",
            label=DERIVED,
            notes=tuple(f"{r['year']}: {r['reading']}" for r in data.to_dict("records")),
        )
    )


def contested_table(pack: Pack) -> Exhibit:
    """Prices of a night that sources dispute: each with its source, and what the modelled nights cost at it."""
    year = policy_years(pack)[0]
    nights = results.yearly(pack.study["person_nights_in_month"].astype(float))
    modelled = results.summarise(nights.sel(arm=pack.baseline, financial_year=year, drop=True))
    quoted = params.reference("costs")
    entries = params.load().entries
    rows: list[dict[str, object]] = []
    for kind, item, what in (
        ("contingency_hotel", "hotel_per_person_per_night", "Hotel"),
        ("dispersal", "dispersal_per_person_per_night", "Dispersal accommodation"),
    ):
        found = results.row(modelled, accommodation=kind)
        prices = [
            (float(r["value"]), str(r["financial_year"]), str(r["source"]), str(r["confidence"]))
            for r in quoted[quoted["item"] == item].sort_values("value").to_dict("records")
        ]
        if kind == "dispersal":
            upper = entries["appraisal.dispersal_night_upper"]
            prices.append((float(upper.values()[-1]), BASE_YEAR, upper.source, "not verified"))
        own = entries[f"costs.night.{kind}"]
        prices.append((float(own.values()[-1]), BASE_YEAR, f"this model: drawn from {own.low:g} to "
            f"{own.high:g}", own.kind))
        for price, base, source, confidence in prices:
            real = in_prices_of(price, base)
            low, high = (real * night * 1.0 for night in (found.low80, found.high80))
            rows.append(
                {
                    "accommodation": what, "price": price, "price_base": base, "price_2025_26": real, "source": source,
                    "confidence": confidence, "nights": found.central, "cost": real * found.central, "low80": low,
                    "high80": high,
                }
            )  # fmt: skip
    data = pd.DataFrame(rows)
    hotel = data[(data["accommodation"] == "Hotel") & ~data["source"].str.startswith("this model")]
    return pack.add(
        Exhibit(
            kind="table",
            name="contested_prices",
            title=sentence(
                f"A hotel night is put at £{hotel['price'].min():.0f} to £{hotel['price'].max():.0f}: on the hotel "
                f"nights of {year} under {pack.quoted(pack.baseline)} that is {money(hotel['cost'].min())} or "
                f"{money(hotel['cost'].max())}, in 2025-26 prices"
            ),
            subtitle=f"Contested prices of a night, and the Home Office's cost at each on the modelled nights of "
                f"{year}.",
            data=data,
            view=pd.DataFrame(
                {
                    "Accommodation": data["accommodation"],
                    "Price of a night": [f"£{v:,.2f}" for v in data["price"]],
                    "Cash of": data["price_base"],
                    "In 2025-26 prices": [f"£{v:,.2f}" for v in data["price_2025_26"]],
                    "Source": data["source"],
                    "Confidence": data["confidence"],
                    f"Cost of {year}'s nights": [
                        f"{money(c)}\n{money(a)} to {money(b)}"
                        for c, a, b in zip(data["cost"], data["low80"], data["high80"], strict=True)
                    ],
                }
            ),
            row_headers=2,
            units="GBP a night; GBP, 2025-26 prices",
            notes=(
                "The prices are on different bases and dates: neither is averaged with another, and no one of them is "
                "taken as right. Home Office ledger only.",
                "Each cost: the median of modelled nights at that price, and below it the 80% interval of the nights.",
            ),
            **pack.modelled(prices=f"2025-26 prices, {DEFLATED}") | {"label": MIXED},
        )
    )


def comparators_table(pack: Pack) -> Exhibit:
    """Tariffs of other schemes beside the grant for dispersal."""
    table = params.reference("comparator_tariffs")
    table = table.assign(first_year_2025_26=[
        in_prices_of(v, b) for v, b in zip(table["first_year"], table["price_base"], strict=True)
    ])  # fmt: skip
    shown = table["first_year"].notna()
    first = table[shown].set_index(["scheme", "item"])["first_year"]
    own = float(first["Asylum dispersal"].iloc[0])
    ukraine, afghan = float(first["Homes for Ukraine"].iloc[1]), float(first["Afghan schemes"].iloc[0])
    return pack.add(
        Exhibit(
            kind="table",
            name="comparator_tariffs",
            title=sentence(
                f"In its first year a person under the Afghan schemes brings a council {money(afghan)}, under Homes "
                f"for Ukraine {money(ukraine)}, in asylum dispersal {money(own)}: different needs, duties and durations"
            ),
            subtitle="What councils are paid for people under other schemes, cash of the year shown.",
            data=table,
            view=pd.DataFrame(
                {
                    "Scheme": table["scheme"],
                    "Pays for": table["item"],
                    "Rate": [f"£{v:,.0f}" for v in table["value"]],
                    "Unit": table["unit"],
                    "First year": [f"£{v:,.0f}" if np.isfinite(v) else "[z]" for v in table["first_year"]],
                    "First year, 2025-26 prices": [
                        money(v) if np.isfinite(v) else "[z]" for v in table["first_year_2025_26"]
                    ],
                    "Cash of": table["price_base"],
                    "Source": table["source"],
                }
            ),
            row_headers=2,
            units="GBP",
            source="see the column source; quoted for comparison",
            label=QUOTED,
            basis={"prices": f"Cash; real: {DEFLATED}"},
            notes=(
                "A first year is a year of nights or weeks, or what is paid once; for the Afghan schemes a third of "
                "three years' support, whose split by year was not read. The column note of the data says more of "
                "each row.",
                "People under the other schemes have a right to work and to benefits from arrival, and no "
                "accommodation contract: the tariffs do not pay for the same things, so this compares rates, not "
                "generosity.",
            ),
        )
    )


def cost_totals_check(pack: Pack) -> Exhibit:
    """Modelled totals of council cost beside published ones, with what in the scope could explain a difference."""
    data = pd.DataFrame(_checks(pack))
    close = int(data["ratio"].between(1 / _SAME_ORDER, _SAME_ORDER).sum())
    furthest = data.loc[np.log(data["ratio"]).abs().idxmax()]
    said = {r["what"]: f"{r['what']}. Published: {r['scope']}. {r['why']}" for r in data.to_dict("records")}
    title = (
        f"{close} of {len(data)} modelled totals {'lies' if close == 1 else 'lie'} within a factor of two of the "
        f"published one; furthest apart is {furthest['what']}, modelled at {money(furthest['central'])} against "
        f"{money(furthest['published'])}"
    )
    return pack.add(
        Exhibit(
            kind="table",
            name="council_cost_totals",
            title=sentence(title),
            subtitle=f"Councils' cost as modelled under {pack.quoted(pack.baseline)} against published totals.",
            data=data,
            view=pd.DataFrame(
                {
                    "Cost": data["what"],
                    "Modelled": [
                        f"{money(c)}\n{money(a)} to {money(b)}"
                        for c, a, b in zip(data["central"], data["low80"], data["high80"], strict=True)
                    ],
                    "Modelled for": data["modelled_for"],
                    "Published": [money(v) for v in data["published"]],
                    "Published for": data["published_for"],
                    "Modelled over published": [f"{v:.2f}" for v in data["ratio"]],
                    "So": [_verdict(v) for v in data["ratio"]],
                }
            ),
            units="GBP cash",
            notes=(
                *LEDGER_NOTES,
                *said.values(),
                "Published figures have no line of the model's own scope: a ratio near one is no proof, and one far "
                "from it no disproof. Sources are in the data.",
            ),
            **pack.modelled(prices="Cash of the year named") | {"label": MIXED},
        )
    )


def _verdict(ratio: float) -> str:
    """What a ratio of modelled to published says of the model, in words."""
    if 1 / _SAME_ORDER <= ratio <= _SAME_ORDER:
        return "the same order"
    if ratio < 1 / _SAME_ORDER:
        return "modelled is far lower: scope explains a part, and the model may be too low here"
    return "modelled is far higher: scope explains a part, and the model may be too high here"


def _checks(pack: Pack) -> list[dict[str, object]]:
    study, base = pack.study, {"arm": pack.baseline}
    first = str(results.complete_years(study)[0])
    published = params.reference("council_costs")
    totals = published[published["measure"] == "total"]
    national = results.council_gross_cost(study).sel(base | {"financial_year": first}, drop=True)
    england = results.council_gross_cost(study, "nation").sel(
        base | {"financial_year": first, "place": "England", "service": "homelessness"}, drop=True
    )
    benefit = float(pack.record["assumptions"][pack.baseline]["services.benefit_share"][-1][1])
    glasgow = study["council_gross_cost_in_financial_year"].sel(base | {"service": "homelessness"}, drop=True)
    glasgow = glasgow.isel(council=int(np.flatnonzero(study["council_name"].values == "Glasgow City")[0]), drop=True)
    found: list[dict[str, object]] = []

    def compare(what: str, flow: xr.DataArray, when: str, row: Mapping[Hashable, object], why: str) -> None:
        summary = results.summarise(flow).iloc[0]
        value = float(str(row["value"]))
        found.append(
            {
                "what": what, "central": summary["central"], "low80": summary["low80"], "high80": summary["high80"],
                "modelled_for": when, "published": value, "published_for": row["financial_year"],
                "ratio": summary["central"] / value, "scope": row["scope"], "source": row["source"], "why": why,
            }
        )  # fmt: skip

    by_place = {(r["place"], r["financial_year"]): r for r in totals.to_dict("records")}
    months = dict(zip(study["financial_year"].values.astype(str), study["months_in_year"].values, strict=True))
    part = next((y for y, n in months.items() if n < 12), None)
    moved = (
        "The published figure is a council's own projected overspend, with every household granted status in "
        "earlier years and those who move to the city; the model counts temporary accommodation after a grant, "
        "net of benefit, at a judged unit cost. The table of the parts of homelessness cost says where they part."
    )
    if part:
        annual = glasgow.sel(financial_year=part, drop=True) * 12 / int(months[part])
        compare("Glasgow, homelessness after a grant of status", annual, f"{part}, as a year",
                by_place["Glasgow City", "2025-26"], moved)  # fmt: skip
    if ("Glasgow City", first) in by_place:
        compare("Glasgow, homelessness after a grant of status", glasgow.sel(financial_year=first, drop=True), first,
                by_place["Glasgow City", first], moved)  # fmt: skip
    compare(
        "Social care, with no recourse to public funds",
        national.sel(service="social_care", drop=True),
        first,
        by_place["Great Britain", "2024-25"],
        "The network counts every household without recourse, whatever its route, in the 91 councils that record; "
        "the model counts people on asylum support, in all councils, with safeguarding and age assessment, and no visa "
        "overstayers.",
    )
    compare(
        "Social care, held against households with an asylum claim",
        national.sel(service="social_care", drop=True),
        first,
        by_place["Great Britain, with an asylum claim", "2024-25"],
        "The model's line is wider: safeguarding, social work and age assessment for everybody supported, in all "
        "councils. With every care leaver counted as from the asylum route the published part would be about 41 "
        "million pounds.",
    )
    compare(
        "Temporary accommodation after a grant of status, before benefit, England",
        england / (1 - benefit),
        first,
        by_place["England, leaving asylum accommodation", "2024-25"],
        "All temporary accommodation cost 2.8 billion pounds in 2024-25; what part of it is due to people leaving "
        "asylum accommodation is not published. The model counts a share of duties and a stay of some months, "
        "both judged.",
    )
    named = {r["name"]: r for r in params.reference("published_totals").to_dict("records")}
    quoted = named["la_dispersal_grants_2024_25"]
    scope = "grants to councils for dispersal accommodation"
    compare(
        "Grants to councils for dispersal",
        results.grant(study).sel(base | {"financial_year": first}, drop=True),
        first,
        {"value": quoted["value"], "financial_year": "2024-25", "scope": scope, "source": quoted["source"]},
        "The rates changed: 2024-25 paid 750 pounds a bed and 3,500 for growth, the years since 1,200 and 100 a "
        "month. The rules of 2024-25 on its published stocks come to about half of the published total, for "
        "reasons not known.",
    )  # fmt: skip
    return found
