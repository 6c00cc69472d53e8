"""Rural viability: by council, what access is like, how long support takes to build up, what size works, what it costs.

What is published is quoted exactly; what nobody publishes is an elicited assumption with its range, or "not known".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence.exhibits import Exhibit, Pack, to_csv
from evidence.forecast.forecast_archive import write_text
from evidence.reporting import briefs
from evidence.reporting.briefs import Section
from evidence.wording import count, day, exact, money, number, sentence
from params.assumptions import quantile
from params.places import find_region
from params.register import read_register

TITLE = "Rural viability"
LABEL = "published figures, quoted exactly; limits, lag and cost from elicited assumptions"
DRAWS = 2_000
SEED = 1
NOT_KNOWN = "not known"
NAMES = {"rural": "Rural", "intermediate": "Semi-rural", "unknown": "Unclassed"}
_UNKNOWN = "The Rural-Urban Classification 2021 covers England and Wales; no class is published for these councils."
# What the letters ask about and no source seen publishes by council.
NOT_PUBLISHED = (
    "Travel time to services, bus frequency, legal-aid providers, voluntary groups and school places by council: not "
    "known; no published source was found."
)
# The register's assumptions behind the matrix, and what each stands for in it.
BEHIND = {
    "placement.minimum_cluster": "Smallest cluster",
    "placement.cluster_limit": "Largest cluster, share of residents",
    "consultation.lag": "Council's answer",
    "procurement.opening_lag": "Lease, works and licence",
    "procurement.rural_setup_lag": "Set-up before the first homes",
    "services.recruitment_lag": "Recruitment of services",
    "services.rural_lag": "Recruitment in a rural council, factor",
    "services.fixed_cost": "Coordination, fixed cost",
    "services.rural_cost": "Cost in a rural council, factor",
}


def matrix() -> pd.DataFrame:
    """One row a council that is not urban: access, people now, limits, lag and cost.

    Returns:
        Tidy columns; NaN where nothing is published. Months and pounds carry `_low80` and `_high80`. Pounds are of
        2025-26, a year and person, for the fixed cost of coordination alone: it is what a small cluster spreads over
        few people.
    """
    councils = params.reference("councils")
    stock = params.reference("support_by_council")
    stock = stock[stock["dispersal"].notna()]
    latest = stock[stock["quarter_end"] == stock["quarter_end"].max()].set_index("lad_code")
    drawn = _draws()
    smallest = round(float(np.median(drawn["placement.minimum_cluster"])))
    table = councils[councils["rural_class"] != "urban"].copy()
    table["people_in_dispersal"] = latest["dispersal"].reindex(table["lad_code"]).to_numpy()
    share = float(np.median(drawn["placement.cluster_limit"]))
    table["largest_cluster"] = np.floor(table["population"] * share + 1e-9)
    rural = table["rural_class"] == "rural"
    table["smallest_cluster"] = np.where(rural, float(smallest), np.nan)
    table["room"] = (table["largest_cluster"] - table["people_in_dispersal"]).clip(lower=0)
    table["position"] = _position(table)
    table["residents_per_km2"] = table["population"] / table["area_km2"]
    access = params.reference("services")
    for name in ("patients_per_gp", "temporary_accommodation_per_1000_households"):
        chosen = access[access["measure"] == name].set_index("lad_code")
        table[name] = chosen["value"].reindex(table["lad_code"]).to_numpy()
        table[f"{name}_basis"] = chosen["basis"].reindex(table["lad_code"]).fillna(NOT_KNOWN).to_numpy()
    opening = drawn["consultation.lag"] + drawn["procurement.opening_lag"]
    empty = table["people_in_dispersal"] == 0
    for is_rural in (True, False):
        here = rural if is_rural else ~rural
        # A rural council's first homes wait for what people will need there; later ones do not.
        first = opening + drawn["procurement.rural_setup_lag"] * is_rural
        _spread(table, here & empty, "months_to_next_homes", first[:, None])
        _spread(table, here & ~empty, "months_to_next_homes", opening[:, None])
        staffed = drawn["services.recruitment_lag"] * np.where(is_rural, drawn["services.rural_lag"], 1.0)
        _spread(table, here, "months_to_staff_services", staffed[:, None])
        fixed = drawn["services.fixed_cost"] * np.where(is_rural, drawn["services.rural_cost"], 1.0)
        sizes = {"now": "people_in_dispersal", "smallest": "smallest_cluster", "largest": "largest_cluster"}
        for when, size in sizes.items():
            people = table.loc[here, size].astype(float).where(lambda n: n > 0).to_numpy()
            _spread(table, here, f"coordination_per_person_{when}", fixed[:, None] / people[None, :])
    keep = [
        *("lad_code", "name", "region", "nation", "rural_class", "population", "residents_per_km2", "patients_per_gp"),
        *("patients_per_gp_basis", "temporary_accommodation_per_1000_households"),
        *("temporary_accommodation_per_1000_households_basis", "people_in_dispersal", "smallest_cluster"),
        *("largest_cluster", "room", "position"),
        *(c for c in table.columns if c.startswith(("months_", "coordination_"))),
    ]
    order = {"rural": 0, "intermediate": 1, "unknown": 2}
    return table[keep].sort_values(["rural_class", "region", "name"], key=_ordered(order)).reset_index(drop=True)


def page(region: str | None, runs: Path, say: Callable[[str], None] = lambda line: None) -> Path:
    """Write the matrix as a page with CSV files and evidence ids; return the page's path.

    Args:
        region: one region or nation only.
        runs: the folder of all runs.
        say: told one line when there is no PDF.

    Raises:
        InputError: there is no such region.
    """
    where = _place(region)
    title = f"{TITLE}: {where}" if where else TITLE

    def make(out: Path) -> list[Section]:
        shelf = Pack("rural-viability", xr.Dataset(), {}, Path(), out)
        table = _inside(matrix(), where)
        sections = [Section("In short", [summary(shelf, table, where), NOT_PUBLISHED])]
        for kind, name in NAMES.items():
            part = table[table["rural_class"] == kind]
            if len(part):
                sections.append(Section(f"{name} councils", [_UNKNOWN if kind == "unknown" else None,
                                                             viability_table(shelf, part, kind)]))  # fmt: skip
        return [*sections, Section("What is measured and what is elicited", [basis_table(shelf)])]

    stock = params.reference_record("support_by_council")
    return briefs.write(
        runs,
        "rural-viability" + (f"-{where.lower()}" if where else ""),
        title,
        "Whether a rural or semi-rural council can host people safely: what is near, how long support takes to build "
        "up, and between which sizes a cluster works.",
        {"region": where, "assumptions": {name: _range_of(name) for name in BEHIND}},
        (),
        make,
        {
            "People": f"in dispersal accommodation on {_when()}, as published ({stock['publisher']})",
            "Limits": "smallest cluster: elicited; largest: one person for every 200 residents, advisory",
            "Ranges": "80% intervals over the ranges of the elicited assumptions",
        },
        say,
    )


def summary(shelf: Pack, table: pd.DataFrame, where: str) -> Exhibit:
    """The finding on rural councils in one sentence."""
    rural = table[table["rural_class"] == "rural"]
    none = int((rural["people_in_dispersal"] == 0).sum())
    few = int(rural["position"].eq("below the smallest").sum())
    over = int(rural["position"].eq("above the largest").sum())
    smallest = rural["smallest_cluster"].iloc[0] if len(rural) else np.nan
    place = f" in {where}" if where else " in England and Wales"
    finding = (
        f"Of {len(rural)} rural councils{place}, {none} have nobody in dispersal accommodation, {few} have fewer than "
        f"the {smallest:.0f} that a viable cluster is taken to need, and {over or 'none'} have more than one for every "
        f"200 residents; together they have room for {exact(rural['room'].sum())} more people below that advisory limit"
        if len(rural)
        else f"No council{place} is classed as rural"
    )
    data = pd.DataFrame(
        [{"rural_councils": len(rural), "none": none, "below_smallest": few, "above_largest": over,
          "room": rural["room"].sum()}]
    )  # fmt: skip
    return shelf.add(
        Exhibit(
            kind="claim", name="rural_position", title=sentence(finding), data=data, units="councils and people",
            subtitle="Rural councils by people in dispersal accommodation.", source=_source(), label=LABEL, summary=1,
        )
    )  # fmt: skip


def viability_table(shelf: Pack, part: pd.DataFrame, kind: str) -> Exhibit:
    """The matrix of one class of councils."""
    nobody = part[part["people_in_dispersal"] == 0]
    first = (nobody if len(nobody) else part)[[f"months_to_next_homes{end}" for end in ("_low80", "_high80")]].iloc[0]
    shown = pd.DataFrame(
        {
            "Council": part["name"],
            "Region": part["region"],
            "Residents per km²": part["residents_per_km2"].map(number),
            "Patients per GP": [_known(value, number) for value in part["patients_per_gp"]],
            "In temporary accommodation, per 1,000 households": [
                _known(value, number) for value in part["temporary_accommodation_per_1000_households"]
            ],
            "People now": part["people_in_dispersal"].map(exact),
            "Smallest cluster": ["none" if np.isnan(value) else exact(value) for value in part["smallest_cluster"]],
            "Largest cluster": part["largest_cluster"].map(exact),
            "Room": part["room"].map(exact),
            "Where it stands": part["position"],
            "Months to next homes": _ranges(part, "months_to_next_homes", number),
            "Coordination now, £ a person": _ranges(part, "coordination_per_person_now", money),
        }
    )
    many = count(len(part), f"{NAMES[kind].lower()} council", f"{NAMES[kind].lower()} councils")
    staffed = part[[f"months_to_staff_services{end}" for end in ("", "_low80", "_high80")]].iloc[0]
    costs = part[[f"coordination_per_person_smallest{end}" for end in ("", "_low80", "_high80")]].iloc[0]
    smallest = "" if costs.isna().any() else (
        f" At the smallest cluster coordination costs {money(costs.iloc[0])} a person and year, 80% interval "
        f"{money(costs.iloc[1])} to {money(costs.iloc[2])}."
    )  # fmt: skip
    return shelf.add(
        Exhibit(
            kind="table",
            name=f"viability_{kind}",
            title=sentence(
                f"{len(nobody)} of {many} have nobody in dispersal accommodation; homes there would open "
                f"{first.iloc[0]:.0f} to {first.iloc[1]:.0f} months after a proposal"
            ),
            subtitle=f"{NAMES[kind]} councils: access, people, size of cluster, lag and cost, {_when()}.",
            data=part,
            view=shown,
            units="see each column; pounds of 2025-26 a person and year",
            source=_source(),
            label=LABEL,
            basis={"interval": "80% interval over the ranges of the elicited assumptions"},
            notes=(
                "Patients per GP compare within one nation only: full-time equivalents in England, heads elsewhere. "
                "Temporary accommodation follows each nation's law and period.",
                "Months and pounds rest on elicited assumptions; no source publishes them by council. Pounds are the "
                f"fixed cost of coordination alone, spread over the people of a cluster.{smallest}",
                f"Services take {staffed.iloc[0]:.0f} months to staff, 80% interval {staffed.iloc[1]:.0f} to "
                f"{staffed.iloc[2]:.0f}: the build-up that homes have to wait for or run ahead of.",
                "The smallest cluster is applied to rural councils only.",
            ),
        )
    )


def basis_table(shelf: Pack) -> Exhibit:
    """What the matrix rests on: each published measure and each assumption, with source and rating."""
    register = read_register()
    published = {
        "Rural class, residents and area": "councils",
        "People in dispersal accommodation": "support_by_council",
        "Patients per GP; temporary accommodation": "services",
    }
    rows = []
    for name, table in published.items():
        about = params.reference_record(table)
        rows.append({"what": name, "kind": "published", "value": "by council", "range": "exact",
                     "source": f"{about['publisher']}; {about['source_table']}", "quality": ""})  # fmt: skip
    for name, what in BEHIND.items():
        entry = register[name]
        spread = f"{entry.low:g} to {entry.high:g}" if entry.low is not None and entry.high is not None else "fixed"
        rows.append({"what": what, "kind": entry.kind, "value": f"{entry.values()[-1]:g} {entry.unit}", "range": spread,
                     "source": f"{name}: {entry.source}", "quality": entry.quality})  # fmt: skip
    for what in NOT_PUBLISHED.split(": not known")[0].removesuffix(" by council").replace(" and ", ", ").split(", "):
        rows.append({"what": sentence(what).rstrip("."), "kind": NOT_KNOWN, "value": NOT_KNOWN, "range": "",
                     "source": "no published source by council was found", "quality": ""})  # fmt: skip
    data = pd.DataFrame(rows)
    elicited = int(data["kind"].eq("elicited").sum())
    return shelf.add(
        Exhibit(
            kind="table", name="viability_basis",
            title=sentence(
                f"Of the {len(BEHIND)} assumptions behind the matrix {elicited} are judgement, not measurement"
            ),
            subtitle="Published measures, assumptions with their range and rating, and what is not known.",
            data=data, units="text", source="the assumptions register and the manifest of reference tables",
            label="record of the project's sources",
        )
    )  # fmt: skip


def lines(region: str | None) -> list[str]:
    """The position of councils as text, for the terminal.

    Raises:
        InputError: there is no such region.
    """
    table = _inside(matrix(), _place(region))
    counts = table.groupby(["rural_class", "position"], sort=False).size().reset_index(name="councils")
    told = [f"{NAMES[kind]} councils, {where}: {councils}" for kind, where, councils in counts.to_numpy().tolist()]
    return [*told, NOT_PUBLISHED]


def write_csv(region: str | None, out: Path) -> None:
    """Write the matrix to a CSV file, whole or not at all."""
    write_text(out, to_csv(_inside(matrix(), _place(region))))


def _place(region: str | None) -> str:
    return find_region(region, "--region") if region else ""


def _inside(table: pd.DataFrame, where: str) -> pd.DataFrame:
    return table[(table["region"] == where) | (table["nation"] == where)] if where else table


def _draws() -> dict[str, np.ndarray]:
    """Values of each assumption, drawn from its own range; fixed ones repeat their value."""
    register = read_register()
    generator = np.random.default_rng(SEED)
    found = {}
    for name in BEHIND:
        entry = register[name]
        levels = generator.random(DRAWS)
        if entry.distribution in ("fixed", "joint"):
            found[name] = np.full(DRAWS, float(entry.values()[-1]))
        else:
            found[name] = np.array([quantile(entry, float(level)) for level in levels])
    return found


def _range_of(name: str) -> list[object]:
    entry = read_register()[name]
    return [entry.values()[-1], entry.low, entry.high]


def _spread(table: pd.DataFrame, here: pd.Series, column: str, samples: np.ndarray) -> None:
    """Put the median and the 80% interval of samples (draw, council or 1) into the rows chosen."""
    for suffix, level in (("", 0.5), ("_low80", 0.1), ("_high80", 0.9)):
        values = np.quantile(samples, level, axis=0)
        table.loc[here, f"{column}{suffix}"] = np.broadcast_to(values, int(here.sum()))


def _position(table: pd.DataFrame) -> pd.Series:
    people, least = table["people_in_dispersal"], table["smallest_cluster"]
    words = np.select(
        [people == 0, people > table["largest_cluster"], people < least],
        ["nobody yet", "above the largest", "below the smallest"],
        "within both limits",
    )
    words = np.where((words == "within both limits") & least.isna(), "below the largest", words)
    return pd.Series(words, index=table.index)


def _ordered(order: dict[str, int]) -> Callable[[pd.Series], pd.Series]:
    return lambda column: column.map(order) if column.name == "rural_class" else column


def _known(value: float, shown: Callable[[float], str]) -> str:
    return NOT_KNOWN if pd.isna(value) else shown(value)


def _ranges(part: pd.DataFrame, column: str, shown: Callable[[float], str]) -> list[str]:
    columns = part[[column, f"{column}_low80", f"{column}_high80"]].to_numpy(float)
    return [
        "nobody yet" if np.isnan(middle) else f"{shown(middle)}\n{shown(low)} to {shown(high)}"
        for middle, low, high in columns
    ]


def _when() -> str:
    stock = params.reference("support_by_council")
    return day(stock.loc[stock["dispersal"].notna(), "quarter_end"].max().to_datetime64())


def _source() -> str:
    return (
        f"people in dispersal accommodation on {_when()} (Home Office, Asy_D11 and Reg_02); mid-2024 population, area "
        "and Rural-Urban Classification 2021 (Office for National Statistics); patients per GP and temporary "
        f"accommodation ({params.reference_record('services')['publisher']})"
    )
