"""Councils' unit costs three ways, apart: the model's central ones, what is published, and councils' own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence import results
from evidence.chapters import unit_costs
from evidence.chapters.cost_checks import DEFLATED
from evidence.chapters.funding import LEDGER_NOTES, policy_years
from evidence.chapters.unit_costs import LocalCost
from evidence.disclosure import BASE, CONFIDENTIAL
from evidence.exhibits import RECORDED, Exhibit, Exhibits, Pack, heading
from evidence.wording import money, number, sentence
from params.instruments import SERVICES
from params.prices import in_prices_of


def unit_costs_tables(pack: Pack, file: str = "") -> Exhibits:
    """Unit costs by service line: the register's, what is published, and a council's own, apart; then their effect.

    Args:
        file: a filled template (`dispersal unit-costs template`), or nothing.
    """
    local = unit_costs.read(Path(file)) if file else ()
    shown = [_unit_costs_table(pack, local)]
    if local:
        shown.append(_local_effect_table(pack, local))
    return Exhibits(shown)


def _sourced() -> dict[str, tuple[float, float, str]]:
    """Published unit costs in 2025-26 prices by line, lowest and highest, where they share the line's unit."""
    table = params.reference("council_costs")
    met = float(table.loc[table["measure"] == "share_met_by_councils", "value"].iloc[0])
    found: dict[str, tuple[float, float, str]] = {}
    for service in SERVICES:
        own = table[(table["service"] == service) & (table["measure"] == "unit_cost")]
        own = own[own["unit"] == unit_costs.unit(service)]
        if len(own):
            values = [in_prices_of(v, b) for v, b in zip(own["value"], own["financial_year"], strict=True)]
            values = [v * met for v in values] if service == "homelessness" else values
            found[service] = min(values), max(values), "; ".join(dict.fromkeys(own["source"].astype(str)))
    return found


def _pounds(low: float, high: float) -> str:
    return money(low) if money(low) == money(high) else f"{money(low)} to {money(high)}"


def _unit_costs_table(pack: Pack, local: Sequence[LocalCost]) -> Exhibit:
    entries = params.load().entries
    net = 1 - float(entries["services.benefit_share"].values()[-1])
    sourced = _sourced()
    rows = []
    for service in SERVICES:
        entry = entries[f"services.unit_cost.{service}"]
        factor = net if service == "homelessness" else 1.0
        central, low, high = (factor * float(v or 0) for v in (entry.values()[-1], entry.low, entry.high))
        own = [r for r in local if r.service == service]
        rows.append(
            {
                "service": service, "unit": entry.unit, "central": central, "low": low, "high": high,
                "rests_on": entry.kind, "sourced_low": sourced.get(service, (np.nan,))[0],
                "sourced_high": sourced.get(service, (0, np.nan))[1],
                "source": sourced.get(service, ("", "", "nothing found"))[2],
                "local_low": min((r.low for r in own), default=np.nan),
                "local": float(np.mean([r.value for r in own])) if own else np.nan,
                "local_high": max((r.high for r in own), default=np.nan),
                "local_councils": len({code for r in own for code in r.councils}),
                "local_source": "; ".join(dict.fromkeys(r.source for r in own)),
            }
        )  # fmt: skip
    data = pd.DataFrame(rows)
    found = int(data["sourced_low"].notna().sum())
    given = int(data["local"].notna().sum())
    own_costs = f"; this report was given local costs of {given}" if local else "; no council's own costs were given"
    view = pd.DataFrame(
        {
            "Service": [heading(s) for s in data["service"]],
            "Unit": data["unit"],
            "Central (this model)": [
                f"{money(c)}\n{money(a)} to {money(b)}"
                for c, a, b in zip(data["central"], data["low"], data["high"], strict=True)
            ],
            "Published": [
                _pounds(a, b) if np.isfinite(a) else "not known"
                for a, b in zip(data["sourced_low"], data["sourced_high"], strict=True)
            ],
            "Local": [
                (f"{money(c)}\n{money(a)} to {money(b)}" if a < b else money(c)) if np.isfinite(c) else "not given"
                for c, a, b in zip(data["local"], data["local_low"], data["local_high"], strict=True)
            ],
            "Councils giving it": [str(n) for n in data["local_councils"]],
            "Published by": data["source"],
        }
    )
    return pack.add(
        Exhibit(
            kind="table",
            name="unit_costs",
            title=sentence(f"A comparable unit cost is published for {found} of {len(data)} service lines{own_costs}"),
            subtitle="Councils' unit costs by service line: central, published and local, kept apart, 2025-26 prices.",
            data=data,
            view=view,
            row_headers=2,
            units="GBP a unit and year, 2025-26 prices",
            source="assumptions register; see the columns source and local_source",
            label=RECORDED,
            basis={"prices": f"2025-26 prices, {DEFLATED}"},
            notes=(
                "Homelessness is net of housing benefit. Below each central value stands the range it is drawn "
                "from. Local figures are as councils gave them, checked for form, not audited; where several "
                "differ, their plain mean and outer range are shown.",
                "Published figures differ in scope; the reference table council_costs says how.",
            ),
        )
    )


def _local_effect_table(pack: Pack, local: Sequence[LocalCost]) -> Exhibit:
    """The same simulated demand priced three ways, for the councils that gave their costs."""
    year = policy_years(pack)[0]
    pick = {"arm": pack.baseline, "financial_year": year}
    study = pack.study
    units = study["service_units_in_financial_year"].sel(pick, drop=True).astype(float) / 12
    cost = results.council_gross_cost(study, "council", real=True).sel(pick, drop=True)
    sourced, codes = _sourced(), study["council"].values.astype(str)
    rows = []
    for service in SERVICES:
        own = [r for r in local if r.service == service]
        if not own:
            continue
        prices = np.array([[0.0, 0.0, 0.0]] * codes.size)
        for r in own:
            prices[np.isin(codes, r.councils)] = r.low, r.value, r.high
        covered = prices[:, 1] > 0
        demand = units.sel(service=service, drop=True).isel(council=covered)
        met = results.summarise(demand.sum("council")).iloc[0]
        hidden = met["central"] < BASE
        local_cost = [
            results.summarise((demand * xr.DataArray(prices[covered, k], dims="council")).sum("council")).iloc[0]
            for k in range(3)
        ]
        central = results.summarise(cost.sel(service=service, drop=True).isel(council=covered).sum("council")).iloc[0]
        low, high, _ = sourced.get(service, (np.nan, np.nan, ""))
        row: dict[str, object] = {
            "service": service, "councils": int(covered.sum()), "units": np.floor(met["central"] / BASE + 0.5) * BASE,
            "central": central["central"], "central_low80": central["low80"], "central_high80": central["high80"],
            "sourced_low": met["central"] * low, "sourced_high": met["central"] * high,
            "local": local_cost[1]["central"], "local_low": local_cost[0]["low80"],
            "local_high": local_cost[2]["high80"],
        }  # fmt: skip
        rows.append({k: CONFIDENTIAL if hidden and k not in ("service", "councils") else v for k, v in row.items()})
    data = pd.DataFrame(rows)
    known = data[data["local"] != CONFIDENTIAL]
    gap = float(sum(known["local"].astype(float)) - sum(known["central"].astype(float)))

    def cell(value: object, low: object, high: object) -> str:
        if value == CONFIDENTIAL:
            return CONFIDENTIAL
        return f"{money(float(str(value)))}\n{money(float(str(low)))} to {money(float(str(high)))}"

    return pack.add(
        Exhibit(
            kind="table",
            name="local_costs",
            title=sentence(
                f"At their own unit costs, the lines that councils gave would cost them {money(abs(gap))} "
                f"{'more' if gap > 0 else 'less'} in {year} than at the model's"
            ),
            subtitle=f"The same modelled demand of {year} at central, published and local unit costs, 2025-26 prices.",
            data=data,
            view=pd.DataFrame(
                {
                    "Service": [heading(str(s)) for s in data["service"]],
                    "Councils": data["councils"].astype(str),
                    "Units a year": [v if v == CONFIDENTIAL else number(float(str(v))) for v in data["units"]],
                    "Central (this model)": [
                        cell(r["central"], r["central_low80"], r["central_high80"]) for r in data.to_dict("records")
                    ],
                    "At published cost": [
                        CONFIDENTIAL if r["local"] == CONFIDENTIAL
                        else _pounds(float(str(r["sourced_low"])), float(str(r["sourced_high"])))
                        for r in data.to_dict("records")
                    ],
                    "At local cost": [
                        cell(r["local"], r["local_low"], r["local_high"]) for r in data.to_dict("records")
                    ],
                }
            ),
            units="units a year; GBP, 2025-26 prices",
            notes=(
                *LEDGER_NOTES,
                "The central column carries the model's own ranges, rural uplift and growth of unit costs above "
                "prices; the local column holds the cost given, over the low and high ends given and the 80% "
                "interval of demand.",
                "The three are kept apart: nothing is averaged, and the rest of this report uses central costs only.",
            ),
            **pack.modelled(prices=f"2025-26 prices, {DEFLATED}"),
        )
    )  # fmt: skip
