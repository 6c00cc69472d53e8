"""Is it additional? What grant changes against a stated counterfactual, and what else may pay for the same."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures
from evidence.chapters.funding import LEDGER_NOTES, policy_years, ranged, span
from evidence.exhibits import RECORDED, Exhibit, Pack
from evidence.results import HOTEL
from evidence.wording import listed, number, sentence

BOUGHT, HOME_OFFICE, BEDS, HOTELS = (
    "Extra council spending for each £1 of grant",
    "Home Office accommodation and support for each £1 of grant",
    "Dispersal beds at the end",
    "People in hotels at the end",
)
NOT_KNOWN = "not known"


def counterfactual(pack: Pack) -> str:
    """The arm with the least grant over the years that the options differ."""
    paid = results.over_years(results.grant(pack.study), policy_years(pack)).mean(results.SAMPLE)
    return str(paid["arm"].values[int(paid.values.argmin())])


def figure(pack: Pack) -> Exhibit:
    """What each option adds to what would happen without it, and how much of each pound is additional."""
    study, years, without = pack.study, policy_years(pack), counterfactual(pack)
    added = results.minus_baseline(results.over_years(results.grant(study), years), without)
    paying = [str(a) for a in added["arm"].values if bool((added.sel(arm=a) > 0).all())]
    if not paying:
        return _nothing_paid(pack, years, without)
    labels = {arm: pack.labels[arm] for arm in paying}
    gross = _added(results.over_years(results.council_gross_cost(study).sum("service"), years), without, paying)
    items = results.home_office_items(study).drop_sel(home_office_item=results.GRANTS).sum("home_office_item")
    home = _added(results.over_years(items, years), without, paying)
    beds = study["beds_at_month_end"].isel(month_end=-1, drop=True).astype(float)
    hotels = results.supported(study, accommodation=HOTEL).isel(month_end=-1, drop=True).astype(float)
    paid = added.sel(arm=paying)
    samples = {
        BOUGHT: gross / paid,
        HOME_OFFICE: home / paid,
        BEDS: _added(beds, without, paying),
        HOTELS: _added(hotels, without, paying),
    }
    tables = {title: results.summarise(values) for title, values in samples.items()}
    show = {BOUGHT: pounds, HOME_OFFICE: pounds, BEDS: number, HOTELS: number}
    view = pd.DataFrame({"Funding option": list(labels.values())})
    for title, table in tables.items():
        view[title] = ranged(table, show[title])
    rows = {arm: results.row(tables[BOUGHT], arm=arm) for arm in paying}
    said = [f"{pounds(r.low80)} to {pounds(r.high80)} under {pack.quoted(a)}" for a, r in rows.items()]
    return pack.add(
        Exhibit(
            kind="figure",
            name="additionality",
            title=sentence(
                f"Of each £1 of grant, what councils would not otherwise spend is {listed(said)}; the rest meets cost "
                f"that they carry in the counterfactual, {pack.quoted(without)}"
            ),
            subtitle=(
                f"Difference from the counterfactual {pack.quoted(without)}, over {span(years)} or at its end, by "
                "funding option, cash, United Kingdom."
            ),
            data=pd.concat([t.assign(measure=title) for title, t in tables.items()], ignore_index=True),
            view=view,
            units="GBP for each GBP of grant; beds; people",
            alternative=f"Dots with ranges in four panels. {BOUGHT}: {'; '.join(said)}.",
            notes=(
                *LEDGER_NOTES,
                f"Stated counterfactual: {pack.quoted(without)} from the first year shown, with the same people, "
                "intake, chance and assumptions. Dispersal itself goes on in it: the counterfactual to a grant is no "
                "grant, not no dispersal.",
                "Differences are taken within each simulation.",
            ),
            draw=lambda: pictures.ranges_in_panels(tables, "arm", labels, show),
            **pack.modelled(prices="Cash", baseline=f"Counterfactual {pack.quoted(without)}"),
        )
    )


def _nothing_paid(pack: Pack, years: list[str], without: str) -> Exhibit:
    """Stands in the figure's place in a study whose options do not differ in the years it simulates whole."""
    return pack.add(
        Exhibit(
            kind="claim",
            name="additionality",
            title=sentence(f"Over {span(years)} no option pays more than {pack.quoted(without)}, so nothing adds"),
            subtitle="Grant by funding option.",
            data=pd.DataFrame({"arm": list(pack.labels), "financial_years": span(years)}),
            units="GBP cash",
            **pack.modelled(prices="Cash"),
        )
    )


def _added(values: xr.DataArray, without: str, arms: list[str]) -> xr.DataArray:
    return results.minus_baseline(values, without).sel(arm=arms)


def pounds(value: float) -> str:
    """Pounds and pence, with a true minus sign."""
    return f"{'−' if value <= -0.005 else ''}£{abs(value):,.2f}"


# For each service line: other public money that may meet the same cost, and how this study treats it.
OVERLAPS = (
    ("School places", "Schools' national funding formula: pupils, and English as an additional language",
     "Follows a census with a lag, to schools. Only the gap before it is counted as council cost; the funding itself "
     "stands in the ledger of other public bodies.", NOT_KNOWN),
    ("ESOL", "Adult skills funding", "Not deducted: entitlement of people seeking asylum differs by nation and by time "
     "since the claim.", NOT_KNOWN),
    ("Homelessness", "Housing benefit for temporary accommodation; homelessness prevention grant and its equivalents",
     "The share met by housing benefit is deducted (assumption services.benefit_share). Homelessness grants are not: "
     "they follow all homelessness, not this part of it.", NOT_KNOWN),
    ("Social care", "Grant for unaccompanied children and care leavers", "Unaccompanied children have a grant of their "
     "own; their cost and their grant are both left out of these totals.", "£143 or £114 a child a night"),
    ("Public health", "Public health grant; NHS funding by population", "NHS care stands in the ledger of other public "
     "bodies. The public health grant is not deducted.", NOT_KNOWN),
    ("Community", "Community and cohesion funds by bid", "Not deducted: bids are one-off.", NOT_KNOWN),
    ("Legal advice", "Legal aid", "Legal aid is not a council cost and is left out; only councils' own contribution is "
     "counted.", NOT_KNOWN),
    ("Coordination", "Funding of strategic migration partnerships", "Not deducted: it pays partnerships, not councils.",
     NOT_KNOWN),
)  # fmt: skip


def overlaps(pack: Pack) -> Exhibit:
    """Which other funding may meet the same cost, and whether it is counted here."""
    table = pd.DataFrame(OVERLAPS, columns=["service", "other_funding", "treatment", "amount_published"])
    unknown = int((table["amount_published"] == NOT_KNOWN).sum())
    return pack.add(
        Exhibit(
            kind="table",
            name="overlaps",
            title=sentence(
                f"Every service line has other public money beside it; how much of it reaches people seeking asylum is "
                f"not known for {unknown} of {len(table)} lines"
            ),
            subtitle="Possible double counting by service line: other funding, and how this study treats it.",
            data=table,
            view=table.set_axis(["Service", "Other public funding", "Treatment here", "Amount published"], axis=1),
            units="text",
            source=f"assumptions of study {pack.study_id}; grant rates as in the reference table of costs",
            label=RECORDED,
            notes=("Not known: no published amount for this part of the funding was found.",),
        )
    )
