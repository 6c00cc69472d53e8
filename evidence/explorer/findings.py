"""What a look found: people, three ledgers and councils as tables with intervals, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence import results
from evidence.chapters.pressure import BACKTEST_QUARTERS, LEAST_FOR_CENTRAL
from evidence.disclosure import BASE, CONFIDENTIAL, NOT_GIVEN, protect, ranges_only
from evidence.explorer.ensemble import AS_NOW, MOVED, Look
from evidence.explorer.levers import FROM
from evidence.results import DISPERSAL, HOTEL, Range
from evidence.wording import change, exact, listed, money, month, number, people_change, sentence, whole

STOCKS: Mapping[str, str | None] = {
    "People supported": None,
    "People in hotels": HOTEL,
    "People in dispersal accommodation": DISPERSAL,
}
LEDGERS = {
    "Home Office": "Home Office cost", "Councils": "councils' cost less grant",
    "Other public bodies": "cost to other public bodies",
}  # fmt: skip
DIFFERENCE = "Difference"
_ENDS = ("central", "low80", "high80")


@dataclass(frozen=True)
class Found:
    """Everything shown of one look.

    Attributes:
        look: what it was made from.
        years: complete financial years that policy can change, over which money is summed.
        stocks: by stock: arm, month_end, central, low80, high80, low95, high95, in people.
        people: stock, arm (with `Difference`), central and intervals at the last month end, in people.
        money: ledger, arm (with `Difference`), central and intervals over `years`, GBP cash; never added.
        errors: Monte Carlo standard error of each difference, by stock or ledger (NaN when nothing was moved).
        councils: one row a council, after disclosure control.
    """

    look: Look
    years: tuple[str, ...]
    stocks: Mapping[str, pd.DataFrame]
    people: pd.DataFrame
    money: pd.DataFrame
    errors: Mapping[str, float]
    councils: pd.DataFrame

    @property
    def end(self) -> np.datetime64:
        """The last month end simulated."""
        return np.datetime64(self.look.study["month_end"].values[-1], "D")

    @property
    def span(self) -> str:
        """The years of the money in words."""
        return self.years[0] if len(self.years) == 1 else f"{self.years[0]} to {self.years[-1]}"

    @property
    def compared(self) -> bool:
        """Whether there are two arms."""
        return MOVED in self.look.arms

    def row(self, table: pd.DataFrame, of: str, arm: str) -> Range:
        """One row of `people` or `money`."""
        return results.row(table, of=of, arm=arm)


def found(look: Look) -> Found:
    """Summarise a look: medians and intervals over its simulations, differences simulation by simulation."""
    study = look.study
    flows = results.ledgers(study)
    years = tuple(str(y) for y in flows["Councils"]["financial_year"].values if int(str(y)[:4]) >= FROM.year)
    stocks = {name: results.supported(study, accommodation=kind).astype(float) for name, kind in STOCKS.items()}
    ends = {name: values.isel(month_end=-1, drop=True) for name, values in stocks.items()}
    sums = {name: results.over_years(flow, years) for name, flow in flows.items()}
    return Found(
        look, years, {name: results.summarise(values) for name, values in stocks.items()}, _levels(ends),
        _levels(sums), {name: _error(values) for name, values in (ends | sums).items()}, councils(look),
    )  # fmt: skip


def _levels(samples: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Every arm's own level and, where there are two, their difference in the same simulation."""
    parts = []
    for name, values in samples.items():
        parts.append(results.summarise(values).assign(of=name))
        if values.sizes["arm"] > 1:
            moved = results.summarise(results.minus_baseline(values, AS_NOW))
            parts.append(moved.assign(of=name, arm=DIFFERENCE))
    return pd.concat(parts, ignore_index=True)


def _error(values: xr.DataArray) -> float:
    if values.sizes["arm"] == 1:
        return float("nan")
    return results.simulation_error(results.minus_baseline(values, AS_NOW).isel(arm=0, drop=True))


@lru_cache
def _base() -> tuple[pd.DataFrame, pd.DataFrame]:
    """What no look changes: councils with people supported at the start, and how far councils' stocks have moved."""
    rows = params.reference("councils")[["lad_code", "name", "region", "population", "hex_q", "hex_r"]].copy()
    support = params.reference("support_by_council")
    history = support.pivot(index="quarter_end", columns="lad_code", values="total")
    rows["published"] = history.iloc[-1].reindex(rows["lad_code"]).fillna(0).astype(int).to_numpy()
    rows["band"] = results.size_band(rows["published"])
    return rows, results.persistence_ratios(history, BACKTEST_QUARTERS)


def councils(look: Look) -> pd.DataFrame:
    """People supported in every council at the end, safe to show: rounded to 5, suppressed below 5, [c] or [x].

    Returns:
        One row a council: code, name, region, residents, place on the map, people published at the start
        (`published`), and by arm `<arm>`, `<arm>_low80` and `<arm>_high80`; `difference` and its ends are the
        paired difference, where both arms may be shown; `rate` is people for each 10,000 residents from the rounded
        count, for the map's steps, missing where it is withheld.
    """
    rows, ratios = _base()
    rows = rows.set_index("lad_code").loc[look.study["council"].values].rename_axis("lad_code").reset_index()
    stock = results.supported(look.study, "council").isel(quarter_end=-1, drop=True).astype(float)
    levels = results.summarise(stock)
    counts: list[str] = []
    for arm in look.arms:
        own = levels[levels["arm"] == arm].set_index("council").loc[rows["lad_code"]]
        names = {end: arm if end == "central" else f"{arm}_{end}" for end in _ENDS}
        for end, name in names.items():
            rows[name] = own[end].to_numpy()
        rows = results.at_least_backtest(rows, rows["band"], ratios, names)
        counts += names.values()
    safe = protect(rows, counts)
    shown = MOVED if MOVED in look.arms else AS_NOW
    if shown == MOVED:
        moved = results.summarise(results.minus_baseline(stock, AS_NOW)).set_index("council").loc[rows["lad_code"]]
        hidden = (safe[AS_NOW] == CONFIDENTIAL) | (safe[MOVED] == CONFIDENTIAL)
        for end in _ENDS:
            name = "difference" if end == "central" else f"difference_{end}"
            steps = pd.Series(_rounded(moved[end].to_numpy()), index=rows.index).astype(object)
            safe[name] = steps.mask(hidden, CONFIDENTIAL)
    central = [*look.arms, *(["difference"] if shown == MOVED else [])]
    people = pd.to_numeric(safe[shown], errors="coerce")
    safe["rate"] = 1e4 * people / rows["population"]
    return ranges_only(safe, central, rows["published"], LEAST_FOR_CENTRAL)


def _rounded(values: np.ndarray) -> np.ndarray:
    return (BASE * np.sign(values) * np.floor(np.abs(values) / BASE + 0.5)).astype(int)


def people_view(made: Found) -> pd.DataFrame:
    """People at the end as read: one row a stock, each arm and the difference with its range."""
    return _view(made, made.people, list(STOCKS), f"People in {month(made.end)}", whole)


def money_view(made: Found) -> pd.DataFrame:
    """The three ledgers as read, side by side and never added."""
    return _view(made, made.money, list(LEDGERS), "Ledger", money)


def _view(
    made: Found, table: pd.DataFrame, rows: list[str], heading: str, show: Callable[[float], str]
) -> pd.DataFrame:
    view = pd.DataFrame({heading: rows})
    arms = made.look.arms | ({DIFFERENCE: DIFFERENCE} if made.compared else {})
    for arm, label in arms.items():
        view[label] = [_cell(made.row(table, of, arm), show) for of in rows]
    if made.compared:
        view["Simulation error"] = [f"± {show(made.errors[of])}" for of in rows]
    return view


def _cell(values: Range, show: Callable[[float], str]) -> str:
    central, low, high = show(values.central), show(values.low80), show(values.high80)
    return f"{central}\n{low} to {high}" if low != high else central


def council_view(made: Found, region: str = "") -> pd.DataFrame:
    """Councils as read; the same disclosure control whatever the region.

    Args:
        region: one region only; empty for all.
    """
    table = made.councils.sort_values(["region", "name"])
    table = table[table["region"] == region] if region else table
    view = pd.DataFrame(
        {
            "Council": table["name"],
            "Region": table["region"],
            "31 December 2025 (published)": [exact(v) for v in table["published"]],
        }
    )
    for arm, label in made.look.arms.items():
        view[f"{month(made.end)}, {label}"] = cells(table, arm)
    if made.compared:
        view[DIFFERENCE] = cells(table, "difference")
    return view.reset_index(drop=True)


def cells(table: pd.DataFrame, name: str) -> list[str]:
    """One arm's people in each council as read: the central figure above its range, or what stands for it."""
    found = []
    for central, low, high in zip(*(table[f"{name}{end}"] for end in ("", "_low80", "_high80")), strict=True):
        ends = " to ".join(v if isinstance(v, str) else number(v) for v in (low, high))
        if central == CONFIDENTIAL:
            found.append(CONFIDENTIAL)
        else:
            found.append(ends if central == NOT_GIVEN else f"{number(central)}\n{ends}")
    return found


def words(made: Found) -> list[str]:
    """The findings in sentences, each with its 80% interval."""
    end = month(made.end)
    if not made.compared:
        rows = {name: made.row(made.people, name, AS_NOW) for name in STOCKS}
        return [
            sentence(f"{name}, {end}: {whole(r.low80)} to {whole(r.high80)}, with {whole(r.central)} in the middle")
            for name, r in rows.items()
        ]
    said = []
    for name in ("People in hotels", "People in dispersal accommodation", "People supported"):
        r = made.row(made.people, name, DIFFERENCE)
        said.append(sentence(f"{name}, {end}: {people_change(round(r.low80), round(r.high80))}"))
    for name, what in LEDGERS.items():
        r = made.row(made.money, name, DIFFERENCE)
        said.append(sentence(f"{what}, {made.span}: {change(r.low80, r.high80)}"))
    unsure = [name.lower() for name in STOCKS if _unsure(made, name)]
    unsure += [what for name, what in LEDGERS.items() if _unsure(made, name)]
    if unsure:
        said.append(sentence(f"Could go either way: {listed(unsure)}"))
    return said


def _unsure(made: Found, name: str) -> bool:
    r = made.row(made.people if name in STOCKS else made.money, name, DIFFERENCE)
    return r.low80 < 0 < r.high80
