"""Homelessness cost taken apart: households, months, price and who pays, as modelled and as published, side by side.

A total that is far from a published one says nothing about why. Its parts do: each is held against a published figure
of its own, and what the published parts multiply to shows whether they explain the published total.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import params
from evidence import results
from evidence.exhibits import MIXED, Exhibit, Pack
from evidence.wording import money, number, sentence, share

GLASGOW, ENGLAND = "Glasgow City", "England"
_LAW = {GLASGOW: "scotland", ENGLAND: "england"}
NOT_KNOWN = "not known"


def parts_table(pack: Pack) -> Exhibit:
    """The parts of homelessness cost after a grant of status in England and in Glasgow, modelled and published."""
    year = results.complete_years(pack.study)[0]
    rows = [row for place in (ENGLAND, GLASGOW) for row in _parts(pack, place, year)]
    data = pd.DataFrame(rows)
    own = {row["part"]: row for row in rows if row["place"] == GLASGOW}
    duties, total = own["households"], own["gross_cost"]
    return pack.add(
        Exhibit(
            kind="table",
            name="homelessness_parts",
            title=sentence(
                f"In Glasgow the model has {number(duties['low80'])} to {number(duties['high80'])} households owed a "
                f"duty in {year} against "
                f"{number(duties['published'])} applications in {duties['published_for']}; published parts make "
                f"{money(total['published'])} a year before benefit, modelled ones {money(total['low80'])} to "
                f"{money(total['high80'])}"
            ),
            subtitle=f"Parts of homelessness cost after a grant of status under {pack.quoted(pack.baseline)}, {year}.",
            data=data,
            view=pd.DataFrame(
                {
                    "Place": data["place"],
                    "Part": data["what"],
                    "Modelled": [
                        f"{_as(r['unit'], r['central'])}\n{_as(r['unit'], r['low80'])} to {_as(r['unit'], r['high80'])}"
                        for r in rows
                    ],
                    "Published": [_as(r["unit"], r["published"]) for r in rows],
                    "Published for": data["published_for"],
                    "Scope and source of the published figure": data["scope"],
                }
            ),
            row_headers=2,
            units="as the column unit of the data says",
            notes=(
                "Households: median and 80% interval of all simulations. Months, price and benefit: the central "
                "assumption and its range in the register; the cost is their product, low with low and high with high.",
                "A grant in one year is not a grant in another: 67,678 people were granted status in the year to March "
                "2024, and the model's year has the grants that its own caseload brings.",
                "What is left between the two is not known: whether an application is a household the model has, how "
                "long those who came in the years of many decisions still stay, and how much of a hotel's price "
                "benefit repays in Scotland.",
            ),
            **pack.modelled(prices="Cash for published figures, 2025-26 prices for assumptions") | {"label": MIXED},
        )
    )


def _parts(pack: Pack, place: str, year: str) -> list[dict[str, Any]]:
    study, table = pack.study, params.reference("council_costs")
    table = table[table["service"] == "homelessness"]
    here = study["council_name" if place == GLASGOW else "nation"].values.astype(str) == place
    flow = study["homelessness_duties_in_financial_year"].sel(arm=pack.baseline, financial_year=year, drop=True)
    found = results.summarise(flow.isel(council=np.flatnonzero(here)).sum("council")).iloc[0]
    modelled = {"households": (found["central"], found["low80"], found["high80"])}
    entries, law = params.load().entries, _LAW[place]
    ranges = {
        name: _range(entries[full])
        for name, full in (
            ("share", f"services.temporary_share.{law}"),
            ("stay", f"services.temporary_stay.{law}"),
            ("price", "services.unit_cost.homelessness"),
            ("benefit", "services.benefit_share"),
        )
    }
    modelled["months"] = _product(ranges["share"], ranges["stay"])
    modelled["price"] = ranges["price"]
    central, low, high = ranges["benefit"]
    modelled["left"] = (1 - central, 1 - high, 1 - low)
    gross = _product(modelled["households"], modelled["months"], modelled["price"])
    modelled["gross_cost"] = (gross[0] / 12, gross[1] / 12, gross[2] / 12)
    published = _published(table, place)
    months, price = published["months"][0], published["price"][0]
    households = published["relief" if place == ENGLAND else "households"][0]
    published["gross_cost"] = (households * months / 12 * price, published["households"][1], "the product of the three")
    units = {"households": "households", "months": "months", "price": "GBP", "left": "share", "gross_cost": "GBP"}
    said = {
        "households": "Households owed a duty in the year",
        "months": "Months in temporary accommodation for each",
        "price": "Price of a household for a year, before benefit",
        "left": "Share left to the council after benefit",
        "gross_cost": "Cost in a year, before benefit",
    }
    return [
        {
            "place": place, "part": part, "what": said[part], "unit": units[part],
            "central": modelled[part][0], "low80": modelled[part][1], "high80": modelled[part][2],
            "published": published[part][0], "published_for": published[part][1], "scope": published[part][2],
        }
        for part in units
    ]  # fmt: skip


def _range(entry: Any) -> tuple[float, float, float]:
    """Central value, low and high of an assumption in the register."""
    return float(entry.values()[-1]), float(entry.low), float(entry.high)


def _product(*ranges: tuple[float, float, float]) -> tuple[float, float, float]:
    central, low, high = np.prod(np.array(ranges, float), axis=0)
    return float(central), float(low), float(high)


def _published(table: pd.DataFrame, place: str) -> dict[str, tuple[float, str, str]]:
    """Published value, year and scope by part; NaN where none is known."""

    def one(measure: str, where: str) -> tuple[float, str, str]:
        row = table[(table["measure"] == measure) & (table["place"] == where)].iloc[0]
        return float(row["value"]), str(row["financial_year"]), f"{row['scope']}. {row['source']}"

    if place == GLASGOW:
        return {
            "households": one("households", GLASGOW),
            "months": one("months_a_household", "Scotland"),
            "price": one("hotel_unit_cost", GLASGOW),
            "left": (np.nan, "", NOT_KNOWN),
        }
    totals = {r["name"]: r for r in params.reference("published_totals").to_dict("records")}
    duties = totals["england_homelessness_duties_2023_24"]
    return {
        "households": (
            float(duties["value"]), "2023-24", f"{duties['note']}. {duties['source']}. The cost below takes the relief "
            "duties only: a household that prevention kept housed needs no temporary accommodation",
        ),
        "relief": one("households", "England, leaving asylum accommodation"),
        "months": one("months_a_household", ENGLAND),
        "price": one("unit_cost", ENGLAND),
        "left": one("share_met_by_councils", ENGLAND),
    }  # fmt: skip


def _as(unit: str, value: float) -> str:
    """A value in its unit; not known where there is none."""
    if not np.isfinite(value):
        return NOT_KNOWN
    return money(value) if unit == "GBP" else share(value) if unit == "share" else number(value)
