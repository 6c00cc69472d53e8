"""The joint review's frame: costs, pressure and social impact by type of council, region and council.

What is published is quoted with its source; what is modelled is labelled; what nobody publishes says "not known".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence import results
from evidence.answers import pictures
from evidence.answers.groups import Grouping, council_counts, grouped, grouping, in_text, residents
from evidence.chapters.funding import LEDGER_NOTES, policy_years, ranged
from evidence.chapters.pressure import MONEY_STEP
from evidence.disclosure import CONFIDENTIAL, protect
from evidence.exhibits import MIXED, Exhibit, Pack
from evidence.wording import exact, money, month, number, sentence, share
from params.errors import unknown

NOT_KNOWN = "not known"
OFFICIAL, MODEL = "published", "modelled estimate"
_PER = 10_000


def costs(pack: Pack, name: str) -> Exhibit:
    """Gross cost by service line in each group of councils, under the baseline.

    Args:
        name: council_type or region.
    """
    by, year = grouping(name), policy_years(pack)[-1]
    spent = pack.study["council_gross_cost_in_financial_year"].sel(arm=pack.baseline, financial_year=year, drop=True)
    samples = grouped(spent, by)
    table = results.summarise(samples)
    per_head = results.summarise(samples.sum("service") / _residents(by))
    top = results.top(per_head, "group")
    return _panels(
        pack,
        by,
        table,
        name=f"review_costs_by_{name}",
        title=f"For each resident, gross cost in {year} is highest in {in_text(top)}",
        subtitle=f"Councils' gross cost by service line and {by.heading.lower()}, {year}, cash, before grant.",
        units="GBP cash",
        show=money,
        notes=LEDGER_NOTES,
        prices="Cash",
    )


def pressure(pack: Pack, name: str) -> Exhibit:
    """Share of councils with more demand than capacity, by service line and group, under the baseline.

    Args:
        name: council_type or region.
    """
    by = grouping(name)
    ratio = pack.study["service_pressure_at_quarter_end"].isel(quarter_end=-1, drop=True)
    over = grouped(ratio.sel(arm=pack.baseline, drop=True) > 1, by) / _counts(by)
    table = results.summarise(over)
    mean = results.summarise(over.mean("service"))
    top = results.top(mean, "group")
    end = month(pack.study["quarter_end"].values[-1])
    return _panels(
        pack,
        by,
        table,
        name=f"review_pressure_by_{name}",
        title=f"In {end}, the largest share of councils over capacity, taken over all lines, is in {in_text(top)}",
        subtitle=f"Share of councils whose demand exceeds capacity, by service line and {by.heading.lower()}, {end}.",
        units="share of councils",
        show=share,
        notes=("Demand and capacity are modelled; no source publishes either by council.",),
    )


def _panels(
    pack: Pack,
    by: Grouping,
    table: pd.DataFrame,
    *,
    name: str,
    title: str,
    subtitle: str,
    units: str,
    show: Callable[[float], str],
    notes: tuple[str, ...],
    **basis: str,
) -> Exhibit:
    """One panel a service line, one row a group."""
    lines = pack.service_labels
    tables = {label: table[table["service"] == line] for line, label in lines.items()}
    view = pd.DataFrame({by.heading: list(by.order), "Councils": [exact(v) for v in council_counts(by)]})
    for label, own in tables.items():
        view[label] = ranged(results.ordered(own, "group", list(by.order)), show)
    spoken = "; ".join(
        f"{label}: {', '.join(f'{g} {show(results.row(own, group=g).central)}' for g in by.order)}"
        for label, own in tables.items()
    )
    return pack.add(
        Exhibit(
            kind="figure",
            name=name,
            title=sentence(title),
            subtitle=subtitle,
            data=table,
            view=view,
            units=units,
            alternative=f"Dots with ranges, one panel a service line. {spoken}.",
            notes=tuple(filter(None, (*notes, by.note, "Each panel has its own scale."))),
            draw=lambda: pictures.ranges_in_panels(
                tables, "group", {g: g for g in by.order}, dict.fromkeys(tables, show)
            ),
            **pack.modelled(**basis),
        )
    )


def _residents(by: Grouping) -> xr.DataArray:
    return xr.DataArray(residents(by).to_numpy(), {"group": list(by.order)}, ("group",))


def _counts(by: Grouping) -> xr.DataArray:
    return xr.DataArray(council_counts(by).to_numpy(float), {"group": list(by.order)}, ("group",))


def published(pack: Pack) -> pd.DataFrame:
    """Published indicators of every council (row, by code); missing where nobody publishes one."""
    rows = params.reference("councils").set_index("lad_code")
    support = params.reference("support_by_council")
    now = support[support["quarter_end"] == pd.Timestamp(pack.start)].set_index("lad_code")
    year_ago = pd.Timestamp(pack.start) - pd.offsets.QuarterEnd(4)
    before = support[support["quarter_end"] == year_ago].set_index("lad_code")
    services = params.reference("services").pivot(index="lad_code", columns="measure", values="value")
    found = rows[["name", "region", "nation", "population", "deprivation_decile", "rural_class"]].copy()
    found["people"] = now["total"].astype(float)
    # At some quarter ends people on subsistence only are in no council's row: they are left out at both ends.
    left_out = now["subsistence"].where(before["subsistence_allocated"] == 0, 0).reindex(found.index).astype(float)
    found["change"] = found["people"] - left_out - before["total"].reindex(found.index).astype(float)
    found["contingency"] = (now["contingency_hotel"] + now["contingency_other"]).astype(float)
    return found.join(services.reindex(found.index))


def indicators(pack: Pack, name: str) -> Exhibit:
    """Social-impact indicators of each group of councils, each with its provenance, and what is not known.

    Args:
        name: council_type or region.
    """
    by, year = grouping(name), policy_years(pack)[-1]
    rows = published(pack)
    group = rows.index.map(by.of_council)
    people = residents(by)
    sums = rows[["people", "change", "contingency", "homes_for_ukraine_arrivals", "afghan_resettlement_population"]]
    totals = sums.groupby(group).sum().reindex(by.order)
    middle = rows.groupby(group).median(numeric_only=True).reindex(by.order)
    homeless = middle["homeless_per_1000_households"].fillna(middle["homeless_or_threatened_per_1000_households"])
    hosted = totals["homes_for_ukraine_arrivals"] + totals["afghan_resettlement_population"]
    vintage = f"Home Office, Asy_D11 and Reg_02, {month(pack.start)}"
    entries: list[tuple[str, str, str, list[str]]] = [
        ("Pace of change: change in people supported over the last year, for each 10,000 residents", OFFICIAL,
         f"{vintage}; subsistence only left out where the earlier date has it in no council",
         [number(v) for v in _PER * totals["change"] / people]),
        ("Pace of change: the next year, for each 10,000 residents", MODEL, "this study",
         _ranged(pack, by, _next_year(pack, by) * _PER / _residents(by))),
        ("Access to services: patients for each GP, median council", OFFICIAL,
         "NHS England 2024, Wales and Northern Ireland 2024, Scotland 2022; full-time equivalents in England, heads "
         "elsewhere", [number(v) for v in middle["patients_per_gp"]]),
        ("Access to services: school places, ESOL places, legal advice, dentists", NOT_KNOWN, "not published by "
         "council, or not read", [NOT_KNOWN] * len(by.order)),
        ("Homelessness: homeless households for each 1,000 households, median council", OFFICIAL,
         "MHCLG, October to December 2023; Welsh Government 2022-23 and Scottish Government include those threatened",
         [number(v) for v in homeless]),
        ("Homelessness: temporary accommodation for each 1,000 households, median council", OFFICIAL,
         "MHCLG, 31 December 2023; Welsh Government 2022-23; Scottish Government",
         [number(v) for v in middle["temporary_accommodation_per_1000_households"]]),
        (f"Homelessness: duties after a grant of status, {year}, for each 10,000 residents", MODEL, "this study",
         _ranged(pack, by, _duties(pack, by, year) * _PER / _residents(by))),
        ("Homelessness: rough sleeping after a grant of status", NOT_KNOWN, "not published by council", [NOT_KNOWN]
         * len(by.order)),
        ("Contingency presence: councils with people in hotels or other contingency", OFFICIAL, vintage,
         [f"{exact(a)} of {exact(b)}" for a, b in zip((rows["contingency"] > 0).groupby(group).sum().reindex(by.order),
                                                      council_counts(by), strict=True)]),
        ("Contingency presence: people in contingency, for each 10,000 residents", OFFICIAL, vintage,
         [number(v) for v in _PER * totals["contingency"] / people]),
        ("Deprivation: councils in the three most deprived tenths of their nation", OFFICIAL,
         "Indices of Deprivation 2025, WIMD 2019, SIMD 2020, NIMDM 2017",
         [f"{exact(a)} of {exact(b)}" for a, b in zip((rows["deprivation_decile"] <= 3).groupby(group).sum()
                                                      .reindex(by.order), council_counts(by), strict=True)]),
        ("Others hosted: Homes for Ukraine arrivals and Afghan resettlement, for each 10,000 residents", OFFICIAL,
         vintage, [number(v) for v in _PER * hosted / people]),
        ("Community relations, and residents' and people's own experience", NOT_KNOWN, "no published measure by "
         "council that a model may use", [NOT_KNOWN] * len(by.order)),
    ]  # fmt: skip
    view = pd.DataFrame(
        [[title, provenance, source, *values] for title, provenance, source, values in entries],
        columns=["Indicator", "Provenance", "Source and date", *by.order],
    )
    missing = sum(e[1] == NOT_KNOWN for e in entries)
    pace = totals["change"] / people
    return pack.add(
        Exhibit(
            kind="table",
            name=f"review_indicators_by_{name}",
            title=sentence(
                f"The fastest rise over the last published year was in {in_text(str(pace.idxmax()))} "
                f"({number(float(_PER * pace.max()))} people for each 10,000 residents); {missing} of {len(entries)} "
                "social-impact indicators are not known"
            ),
            subtitle=f"Social-impact indicators by {by.heading.lower()}, each with its provenance.",
            data=view,
            view=view,
            units="as named in each row",
            label=MIXED,
            source="the column Source and date",
            basis={"interval": "Modelled rows: median and 80% interval of all simulations", "study": pack.study_id},
            notes=tuple(
                filter(None, (by.note, "Published figures of two nations stand on different definitions: compare "
                                       "groups within one nation."))
            ),
        )
    )  # fmt: skip


def _ranged(pack: Pack, by: Grouping, samples: xr.DataArray) -> list[str]:
    own = samples.sel(arm=pack.baseline, drop=True)
    return ranged(results.ordered(results.summarise(own), "group", list(by.order)), number)


def _next_year(pack: Pack, by: Grouping) -> xr.DataArray:
    """People supported four quarters after the start less those at the start, by group."""
    stock = grouped(results.supported(pack.study, "council").isel(quarter_end=[0, 4]), by)
    return stock.isel(quarter_end=1) - stock.isel(quarter_end=0)


def _duties(pack: Pack, by: Grouping, year: str) -> xr.DataArray:
    return grouped(pack.study["homelessness_duties_in_financial_year"].sel(financial_year=year, drop=True), by)


def councils(pack: Pack, region: str = "") -> Exhibit:
    """The frame for single councils: published indicators, and ranges of cost and pressure by service line.

    Args:
        region: one region only; empty for all.

    Raises:
        InputError: for a region that does not exist.
    """
    year = policy_years(pack)[-1]
    rows = published(pack).reset_index()
    if region and region not in set(rows["region"]):
        raise unknown("parameter region", "a region", region, set(rows["region"]))
    study = pack.study.sel(arm=pack.baseline, drop=True)
    order = [str(c) for c in study["council"].values]
    rows = rows.set_index("lad_code").loc[order].reset_index()
    stock = study["supported_at_quarter_end"].isel(quarter_end=-1, drop=True).sum("accommodation")
    rows["modelled"] = results.summarise(stock)["central"].to_numpy()
    spent = study["council_gross_cost_in_financial_year"].sel(financial_year=year, drop=True)
    ratio = study["service_pressure_at_quarter_end"].isel(quarter_end=-1, drop=True)
    services = [str(s) for s in study["service"].values]
    costed = {"all": spent.sum("service")} | {line: spent.sel(service=line, drop=True) for line in services}
    columns: dict[str, np.ndarray] = {}
    for end in ("low80", "high80"):
        for line, values in costed.items():
            steps = np.round(results.summarise(values)[end].to_numpy() / MONEY_STEP)
            columns[f"cost_{line}_{end}"] = (MONEY_STEP * steps).astype(int)
        for line in services:
            over = results.summarise(ratio.sel(service=line, drop=True))
            columns[f"pressure_{line}_{end}"] = over[end].round(1).to_numpy()
    columns["pressure_lines_over"] = np.sum([columns[f"pressure_{line}_low80"] > 1 for line in services], axis=0)
    rows = rows.assign(**columns)
    safe = (
        protect(rows, ["modelled"], dict.fromkeys(columns, "modelled"))
        .drop(columns="modelled")
        .sort_values(["region", "name"])
    )
    hidden = int((safe["cost_all_low80"] == CONFIDENTIAL).sum())
    known = safe.copy()
    for column in safe.columns[safe.isna().any()]:
        known[column] = safe[column].astype(object).where(safe[column].notna(), NOT_KNOWN)
    if region:
        known = known[known["region"] == region]
    view = pd.DataFrame(
        {
            "Council": known["name"],
            "Region": known["region"],
            "People (published)": [exact(v) for v in known["people"]],
            "Change in a year (published)": [f"{v:+,.0f}".replace("-", "−") for v in known["change"]],
            "In contingency (published)": [exact(v) for v in known["contingency"]],
            "Deprivation decile": known["deprivation_decile"].astype(str),
            "Patients for each GP": [_or_not(v) for v in known["patients_per_gp"]],
            "Homeless for each 1,000 households": [_or_not(v) for v in _homeless(known)],
            f"Gross cost {year}, all lines (£000)": _interval(known, "cost_all", 1000),
            f"Lines surely over capacity, of {len(services)}": known["pressure_lines_over"].astype(str),
        }
    )
    return pack.add(
        Exhibit(
            kind="table",
            name="review_councils",
            title=sentence(
                f"The frame for {len(known)} councils: published indicators, and ranges of cost and pressure by line; "
                f"{hidden} of {len(safe)} councils have their modelled figures withheld"
            ),
            subtitle=(
                f"Published indicators at {month(pack.start)}; modelled gross cost in {year}, cash, and demand over "
                f"capacity at the end of {month(pack.end)}, under {pack.quoted(pack.baseline)}, 80% intervals."
            ),
            data=known,
            view=view,
            units="as named in each column",
            label=MIXED,
            source=f"reference tables councils, support_by_council and services; study {pack.study_id}",
            basis={"interval": "80% interval of all simulations", "prices": "Cash"},
            notes=(
                f"Money is rounded to £{MONEY_STEP:,}; single councils have ranges and no central figure. Do not rank "
                "councils. The CSV has cost and pressure by service line. A line is surely over capacity when its "
                "whole range is above 1. Homelessness and GPs of two nations stand on different definitions.",
            ),
        )
    )


def _homeless(rows: pd.DataFrame) -> pd.Series:
    first, second = rows["homeless_per_1000_households"], rows["homeless_or_threatened_per_1000_households"]
    return first.where(first != NOT_KNOWN, second)


def _or_not(value: object) -> str:
    return value if isinstance(value, str) else number(float(value))  # type: ignore[arg-type]


def _interval(rows: pd.DataFrame, stem: str, unit: int) -> list[str]:
    cells = []
    for low, high in zip(rows[f"{stem}_low80"], rows[f"{stem}_high80"], strict=True):
        if low == CONFIDENTIAL:
            cells.append(CONFIDENTIAL)
            continue
        first, last = number(low / unit), number(high / unit)
        cells.append(first if first == last else f"{first} to {last}")
    return cells
