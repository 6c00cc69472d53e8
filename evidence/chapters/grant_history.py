"""What the grant rules of 2021-22 to 2025-26 pay on the published stocks, beside what was published of them.

No simulation: each rule of `params/instruments/history.toml` is applied, by the functions the model uses, to the
people published by council at quarter ends. Months take the stock of their quarter's end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd

import params
import sim
from params import Assumptions
from params.instruments import HISTORY, KINDS, SUPPORTED, Instrument, financial_year, library
from params.prices import in_prices_of
from sim.funding import Caseload, payment
from sim.states import Accommodation, Service

FIRST_BY_COUNCIL = date(2022, 12, 31)  # before it hotels and initial accommodation were allocated to no council
YEARS = ("2022-23", "2023-24", "2024-25", "2025-26", "2026-27")


@dataclass(frozen=True)
class Published:
    """What was published of a year's grants to councils.

    Attributes:
        value: GBP, NaN where nothing was published.
        source: publisher and publication.
        instruments: which rules it covers; all of the year's when empty.
        low, high: what the rules must come to, as a share of it, for the order of magnitude to hold.
        reading: how to read the comparison.
    """

    value: float
    source: str
    instruments: tuple[str, ...]
    low: float
    high: float
    reading: str


def published() -> dict[str, Published]:
    """Published totals by the year in which they were paid."""
    quoted = params.reference("costs").set_index("item")["value"]
    totals = {row["name"]: row for row in params.reference("published_totals").to_dict("records")}
    nobody = "no total was found"
    return {
        "2022-23": Published(
            float(quoted["adg_total_2022_23"]),
            "Ministerial written answer 106566, 30 December 2022",
            ("asylum_dispersal_grant_1",),
            0.9,
            1.1,
            "250 pounds for each person supported on 28 March 2022 is the total published; Grant 2 came on top, and "
            "its total was not published.",
        ),
        "2023-24": Published(
            np.nan, nobody, (), np.nan, np.nan, "Neither the split of grants 3 to 5 nor a total was found: the "
                "rates are "
            "recalled or assumed, and the amount is a guess."
        ),
        "2024-25": Published(
            float(totals["la_dispersal_grants_2024_25"]["value"]),
            str(totals["la_dispersal_grants_2024_25"]["source"]),
            (),
            0.4,
            1.0,
            "The published rules on published stocks come to about half of the NAO's total, the same order of "
            "magnitude. The rest is not known: payments for earlier years' grants, beds that opened while others "
            "closed (stocks show net growth only), Northern Ireland's arrangements and other grants to councils "
            "may each be part of it.",
        ),
        "2025-26": Published(
            scale_of(1200.0),
            "derived: 1,200 pounds for each person accommodated in Great Britain on 31 December 2025 (Home Office, "
            "Asy_D11); no outturn was found",
            ("asylum_grant_2025_26",),
            0.95,
            1.05,
            "An order of magnitude, not an outturn: the grant counts people on 30 March 2025, for whom the split "
            "between accommodation and subsistence only was not published and is estimated.",
        ),
        "2026-27": Published(np.nan, nobody, (), np.nan, np.nan, "No rate was found: not known. The model assumes "
        "that the "
                             "rates of 2025-26 continue."),
    }  # fmt: skip


def scale_of(rate: float, on: str = "2025-12-31") -> float:
    """What a yearly rate for each person accommodated in Great Britain on one published day comes to, GBP a year."""
    covered = _councils()["nation"] != "Northern Ireland"
    return float(rate * _at(date.fromisoformat(on))[covered, : Accommodation.SUBSISTENCE].sum())


@lru_cache
def _history() -> tuple[dict[str, object], ...]:
    return tuple(_rows())


def history() -> pd.DataFrame:
    """Each rule in each year: rate, unit, what it was applied to, GBP, and how far the rate is known.

    Returns:
        One row a rule and year, years of payment from 2022-23 to 2025-26. `basis` says whether the count was published
        by council, nationally, or estimated.
    """
    return pd.DataFrame(list(_history()))


def _rows() -> Iterator[dict[str, object]]:
    for name, own in library()[HISTORY].items():
        assert own.start is not None
        year = financial_year(own.start)
        amounts, quantity, basis = _paid(own, year)
        label = f"{year}-{(year + 1) % 100:02d}"
        yield {
            "year": label,
            "instrument": name,
            "label": own.label,
            "rate": float(own.rate),
            "unit": KINDS[own.kind].unit,
            "quantity": quantity,
            "amount": amounts,
            "amount_2025_26": in_prices_of(amounts, label),
            "status": own.status,
            "basis": basis,
            "source": own.source,
            "note": own.note,
        }


def check(table: pd.DataFrame) -> pd.DataFrame:
    """Years with the rules' total, the published total, their ratio and whether the order of magnitude holds."""
    rows = []
    for year, found in published().items():
        own = table[table["year"] == year]
        covered = own[own["instrument"].isin(found.instruments)] if found.instruments else own
        amount = float(covered["amount"].sum()) if len(covered) else np.nan
        ratio = amount / found.value
        known = np.isfinite(ratio)
        rows.append(
            {
                "year": year,
                "rules": ", ".join(covered["label"]) or "none known",
                "amount": amount,
                "published": found.value,
                "ratio": ratio,
                "holds": ("yes" if found.low <= ratio <= found.high else "no") if known else "not known",
                "source": found.source,
                "reading": found.reading,
            }
        )
    return pd.DataFrame(rows)


def _paid(own: Instrument, year: int) -> tuple[float, float, str]:
    """What a rule pays in a financial year, what that is a multiple of, and how well the count is known."""
    now = _assumptions().at(date(year, 4, 1))
    total = sum(float(payment(load, own, now).sum()) for load in _months(year))
    months = 12.0 if KINDS[own.kind].unit.endswith("a month") else 1.0
    days = [date(year, 3, 31)]
    if own.kind != "per_person_on_date":
        days += [date.fromisoformat(day) for day in _quarter_ends(year)]
    return total, total / float(own.rate) / months, _basis(days)


def _months(year: int) -> Iterator[Caseload]:
    """A caseload for each month of a financial year."""
    first = date(year, 3, 31)
    by_council = first >= FIRST_BY_COUNCIL
    at = _at if by_council else _nationally
    for step in range(12):
        month = np.datetime64(f"{year}-04", "M") + np.timedelta64(step, "M")
        ends = [first, *(date.fromisoformat(d) for d in _quarter_ends(year))]
        quarter = step // 3
        people, before, baseline = at(ends[quarter + 1]), at(ends[quarter]), at(first)
        opened = np.maximum(people - before, 0)[:, Accommodation.DISPERSAL] * (step % 3 == 2)
        councils = _councils() if by_council else {"nation": np.array(["England"]), "rural": np.array([False])}
        none = np.zeros(len(people))
        yield Caseload(
            month=month,
            nation=councils["nation"],
            rural=councils["rural"],
            people=people,
            baseline=baseline[:, : Accommodation.SUBSISTENCE].sum(axis=1).astype(float),
            baseline_people=baseline,
            quarter_before=before,
            beds_opened=opened,
            first_proposals=none,
            duties=none,
            needed=np.zeros((len(people), len(Service))),
            gross=np.zeros((len(people), len(Service))),
        )


def _quarter_ends(year: int) -> list[str]:
    return [f"{year}-06-30", f"{year}-09-30", f"{year}-12-31", f"{year + 1}-03-31"]


def _basis(days: list[date]) -> str:
    """How well the counts of some quarter ends are known, all together."""
    if days[0] < FIRST_BY_COUNCIL:
        return "published nationally"
    usable = {min(day.isoformat(), _last_day()) for day in days}
    estimated = any(sim.published_start(day).status == "estimated" for day in usable)
    return "accommodation split estimated" if estimated else "published by council"


@lru_cache
def _assumptions() -> Assumptions:
    return params.load()


@lru_cache
def _councils() -> Mapping[str, np.ndarray]:
    table = params.reference("councils")
    return {"nation": table["nation"].to_numpy(str), "rural": (table["rural_class"] == "rural").to_numpy()}


@lru_cache
def _at(end: date) -> np.ndarray:
    """People (council, 6) at a quarter end; the last published one stands for later ones."""
    return sim.published_start(min(end.isoformat(), _last_day())).stock


@lru_cache
def _last_day() -> str:
    return sim.start_days()[-1]


@lru_cache
def _nationally(end: date) -> np.ndarray:
    """People (1, 6) in the United Kingdom at a quarter end; section 98 support not split stands as initial."""
    table = params.reference("support_national")
    row = table[table["quarter_end"] == pd.Timestamp(end)].iloc[0]
    found = {kind: float(row[kind]) if np.isfinite(row[kind]) else 0.0 for kind in SUPPORTED}
    found["initial"] += float(row["total"]) - sum(found.values())
    order = [kind.name.lower() for kind in list(Accommodation)[: Accommodation.UNPLACED]]
    return np.array([[found[kind] for kind in order]])
