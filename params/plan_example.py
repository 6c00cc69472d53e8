"""The example change plan, made from published figures alone: illustrative, agreed by nobody.

Each region's share of people in dispersal accommodation moves in equal steps from where it was to its share of the
population at the end of 2029; inside a region a council does the same within its region's total. The national total
is held at its published level, because no plan of totals is published.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from params.assumptions import load
from params.errors import InputError
from params.plan import PLAN_FILE, STATES_FILE, TARGETS_FILE
from params.tables import reference

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# The year by which the Home Office's ten-year plan of 2019 was to have spread dispersal more evenly.
FINAL = date(2029, 12, 31)
# Great Britain's councils are all expected to take part from this day (written statement, 13 April 2022).
FULL_DISPERSAL = date(2022, 4, 13)
# Before this quarter end the published figure for dispersal accommodation includes people in hotels.
CLEAN = "2023-06-30"
ESTABLISHED = 10  # people; below it numbers flicker, and the model counts a council as taking part from ten
BARRIERS = {
    "not_known": "Not known",
    "saturation": "Local concentration is already high",
    "cluster_limit": "At or near the cluster limit of 1 in 200",
    "school_places": "No school places",
    "gp_capacity": "No GP or health capacity",
    "safety": "Crime or exploitation risk near the property",
    "community_tension": "Risk of disorder",
    "hmo_or_article_4": "Shared housing is saturated or needs planning consent",
    "licensing": "Licence refused or housing standards not met",
    "homelessness_stock": "Competes with the council's own temporary accommodation",
    "unsuitable": "Unsuitable for the household type",
    "rural_access": "Too far from services or transport",
    "property_history": "History of the property",
    "rent": "Rents above what the provider pays",
    "no_offer": "The provider has proposed nothing",
    "funding_gap": "Funding does not meet the council's cost",
    "service_pressure": "Services are over capacity",
    "trust": "Earlier hotels opened without notice",
}
ACTIONS = {
    "provider_search": "Provider to search for properties",
    "rent_review": "Provider and Home Office to review the rent offered",
    "service_build_up": "Services to be built up before people arrive",
    "legal_advice": "Access to legal advice to be arranged",
    "funding_case": "Funding case with the Home Office",
    "joint_visit": "Council and provider to visit properties together",
    "partnership_review": "Strategic migration partnership to review",
}


def example_folder(folder: Path, as_of: date | None = None) -> Path:
    """Write the example plan into a new folder, all or nothing.

    Args:
        folder: a folder that does not exist yet, or is empty.
        as_of: quarter end with published accommodation by council; the latest when None.

    Returns:
        The folder.

    Raises:
        InputError: the folder holds something, or cannot be written; or nothing is published for that date.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not an empty folder; nothing was written. Give a new folder.")
    partial = folder.with_name(f".{folder.name}.partial")
    content = example_files(as_of)
    try:
        partial.mkdir()
        for name, text in content.items():
            with (partial / name).open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        if folder.exists():
            folder.rmdir()
        os.rename(partial, folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}).") from None
    finally:
        if partial.is_dir():
            for path in partial.iterdir():
                path.unlink()
            partial.rmdir()
    return folder


def example_files(as_of: date | None = None) -> dict[str, str]:
    """Text of the three files of the example plan, by name.

    Raises:
        InputError: when no accommodation by council is published for that date.
    """
    stock, day = _position(as_of)
    return {PLAN_FILE: _plan_file(stock, day), TARGETS_FILE: _targets_file(stock, day), STATES_FILE: _states_file(day)}


def _position(as_of: date | None) -> tuple[pd.DataFrame, date]:
    """Councils with their region, population and people in dispersal accommodation on a published quarter end."""
    import pandas as pd

    support = reference("support_by_council")
    known = support[support["dispersal"].notna()]
    days = sorted(set(known["quarter_end"].dt.date))
    day = days[-1] if as_of is None else as_of
    if day not in days:
        near = min(days, key=lambda other: abs((other - day).days))
        raise InputError(f"as_of: no dispersal accommodation by council is published for {day}. Nearest: {near}.")
    councils = reference("councils").set_index("lad_code")
    here = known[known["quarter_end"] == pd.Timestamp(day)].set_index("lad_code")["dispersal"]
    stock = councils[["name", "region", "population"]].assign(people=here.reindex(councils.index).astype(int))
    return stock, day


def quarter_ends(after: date, to: date) -> list[date]:
    """Quarter ends after one date up to another."""
    import pandas as pd

    start = pd.Period(pd.Timestamp(after), "Q") + 1
    quarters = pd.period_range(start, pd.Period(pd.Timestamp(to), "Q"), freq="Q")
    return [end.date() for end in pd.DatetimeIndex(quarters.end_time)]


def _targets_file(stock: pd.DataFrame, day: date) -> str:
    regions = stock.groupby("region")[["people", "population"]].sum()
    total = int(regions["people"].sum())
    final = total * regions["population"] / regions["population"].sum()
    quarters = quarter_ends(day, FINAL)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["level", "place", "quarter_end", "people"])
    lines: list[tuple[str, str, date, int]] = []
    for k, quarter in enumerate([day, *quarters]):
        done = k / len(quarters)
        wanted = _whole(((1 - done) * regions["people"] + done * final).to_numpy(), total)
        lines += [("region", str(name), quarter, n) for name, n in zip(regions.index, wanted, strict=True)]
        for region, n in zip(regions.index, wanted, strict=True):
            inside = stock[stock["region"] == region]
            even = inside["population"] / inside["population"].sum()
            now = inside["people"] / inside["people"].sum() if inside["people"].sum() else even
            shares = ((1 - done) * now + done * even).to_numpy()
            here = _whole(shares * n, n)
            lines += [("council", code, quarter, m) for code, m in zip(list(inside.index), here, strict=True)]
    lines.sort(key=lambda line: (line[0] == "council", line[1], line[2]))
    writer.writerows(lines)
    return out.getvalue()


def _whole(exact: np.ndarray, total: int) -> list[int]:
    """Whole people by largest remainder, adding up to `total`."""
    import numpy as np

    floor = np.floor(exact).astype(int)
    order = np.argsort(floor - exact, kind="stable")
    floor[order[: total - int(floor.sum())]] += 1
    return [int(n) for n in floor]


def inferred_states(day: date) -> Iterator[tuple[str, str, date, str, str]]:
    """What the published stock lets one say of each council's part: code, state, since, barrier, basis.

    Ten people or more in dispersal accommodation is `active` (at or above the cluster limit `paused_or_at_limit`),
    one to nine `procuring`, nobody `not_participating`, nobody after ten or more `withdrawn`. Who agreed or
    volunteered is not published, so no council is inferred to have agreed.
    """
    import pandas as pd

    support = reference("support_by_council")
    support = support[support["dispersal"].notna() & support["quarter_end"].between(CLEAN, str(day))]
    table = support.pivot(index="lad_code", columns="quarter_end", values="dispersal").astype(int)
    ends = [end.date() for end in pd.DatetimeIndex(table.columns)]
    councils = reference("councils").set_index("lad_code")
    limit = load().at(day).placement.cluster_limit * councils["population"]
    for code in sorted(table.index):
        people = table.loc[code].to_numpy()
        words = [_word(int(n), bool((people[:k] >= ESTABLISHED).any()), float(limit[code]))
                 for k, n in enumerate(people)]  # fmt: skip
        first = len(words) - 1
        while first and words[first - 1] == words[-1]:
            first -= 1
        since = ends[first]
        how = f"inferred from people in dispersal accommodation (Asy_D11, {ends[-1]})"
        if first == 0 and words[-1] == "not_participating" and councils["nation"][code] != "Northern Ireland":
            since, how = FULL_DISPERSAL, f"{how}; since full dispersal was announced"
        elif first == 0:
            how = f"{how}; at the first published quarter end or before"
        barrier = "cluster_limit" if words[-1] == "paused_or_at_limit" else ""
        yield str(code), words[-1], since, barrier, how


def _word(people: int, hosted: bool, limit: float) -> str:
    if people == 0:
        return "withdrawn" if hosted else "not_participating"
    if people < ESTABLISHED:
        return "procuring"
    return "paused_or_at_limit" if people >= limit else "active"


def _states_file(day: date) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["lad_code", "state", "since", "barrier", "action", "basis"])
    for code, state, since, barrier, basis in inferred_states(day):
        writer.writerow([code, state, since, barrier, "", basis])
    return out.getvalue()


def _plan_file(stock: pd.DataFrame, day: date) -> str:
    regions = stock.groupby("region")[["people", "population"]].sum()
    share = regions["people"] / regions["people"].sum()
    final = regions["population"] / regions["population"].sum()
    excess = share - final
    gap = float((excess.clip(lower=0) * regions["people"].sum()).sum())
    half = date(2027, 12, 31)
    above, below = str(excess.idxmax()), str(excess.idxmin())
    hosting = int((stock["people"] >= ESTABLISHED).sum())
    middle = len(quarter_ends(day, half)) / len(quarter_ends(day, FINAL))

    def between(region: str) -> float:
        return round(float((1 - middle) * share[region] + middle * final[region]), 3)

    milestones = [
        (f"Gap between regions {middle:.0%} closed", half, "gap_between_regions", "", "at_most",
         round((1 - middle) * gap)),
        (f"{above} at {between(above):.1%} of dispersal accommodation or less", half, "region_share", above,
         "at_most", between(above)),
        (f"{below} at {between(below):.1%} of dispersal accommodation or more", half, "region_share", below,
         "at_least", between(below)),
        (f"{hosting + 30} councils with ten or more people in dispersal accommodation", half, "councils", "",
         "at_least", hosting + 30),
        ("Nobody in contingency accommodation", FINAL, "contingency", "", "at_most", 0),
        ("Gap between regions nine tenths closed", FINAL, "gap_between_regions", "", "at_most", round(0.1 * gap)),
    ]  # fmt: skip
    lines = [
        "# Illustrative: made by `dispersal plan example` from published figures, agreed by nobody.",
        "# A partnership's own plan goes in a folder of its own: `dispersal plan status --plan FOLDER`.",
        'title = "Example change plan: each region at its population share by 2029"',
        'why = "Shows what monitoring a plan looks like; no plan of targets by council is published."',
        'status = "illustrative"',
        f'source = "made from people in dispersal accommodation on {day} (Home Office, Asy_D11 and Reg_02) and '
        'mid-2024 populations (Office for National Statistics); the national total is held"',
        f"as_of = {day}",
        "",
    ]
    for label, by, measure, place, side, value in milestones:
        lines += ["[[milestones]]", f"label = {_quoted(label)}", f"by = {by}", f'measure = "{measure}"']
        lines += [f"place = {_quoted(place)}"] if place else []
        lines += [f"{side} = {value}", ""]
    for name, codes in (("barriers", BARRIERS), ("actions", ACTIONS)):
        lines += [f"[{name}]", *(f"{code} = {_quoted(text)}" for code, text in codes.items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _quoted(text: str) -> str:
    """A TOML string: JSON's quoting is the same for text without control characters."""
    return json.dumps(text, ensure_ascii=False)
