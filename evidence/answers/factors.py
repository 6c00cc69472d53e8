"""Groups of uncertain assumptions that could be learnt together, and what a review would collect to learn them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from params.posterior import AXIS

INTAKE, CHANCE = "intake_path", "chance"


@dataclass(frozen=True)
class Factor:
    """One group of uncertain assumptions.

    Attributes:
        name: short name, for columns.
        label: as a reader sees it.
        prefixes: dotted names, or their beginnings, of the axes in the group.
        collect: what a joint review would have to collect; empty where no collection could tell.
    """

    name: str
    label: str
    prefixes: tuple[str, ...]
    collect: str = ""


# In this order: an axis belongs to the first group with a prefix of its name.
FACTORS = (
    Factor(
        "homelessness",
        "Homelessness after a grant: share, stay, cost, benefit",
        ("services.unit_cost.homelessness", "services.temporary", "services.benefit_share", "move_on."),
        "From each housing authority: households owed a duty after asylum support, by nation's law; nights in "
        "temporary accommodation; gross cost; what housing benefit repays.",
    ),
    Factor(
        "service_costs",
        "Unit costs of the other service lines",
        ("services.unit_cost.", "services.fixed_cost", "services.rural_cost", "services.demand."),
        "From a sample of councils of each type: spending by service line on people in asylum support, on one "
        "template, with the number of people it served, in one price base.",
    ),
    Factor(
        "service_capacity",
        "Service capacity and how fast it grows",
        ("services.",),
        "Posts and places by service line, vacancies, and time from funding to a filled post.",
    ),
    Factor(
        "consent",
        "How councils answer proposals, and why",
        ("consultation.", "response."),
        "A log of every proposed property: date, answer, coded reason, what the provider did, date it opened.",
    ),
    Factor(
        "procurement",
        "How fast and where providers find and keep homes",
        ("procurement.", "placement."),
        "From providers, by contract area and month: homes proposed, opened, handed back, and beds that stand empty.",
    ),
    Factor(
        "hotels",
        "How hotels open and close",
        ("hotels.",),
        "Notice given of each hotel, dates of opening and closing, beds paid for and beds used, by council.",
    ),
    Factor(
        "people",
        "Families, children and ages of those supported",
        ("intake.", "children."),
        "Household size, school-age children and age bands of supported people by council, as aggregates.",
    ),
    Factor(
        "fitted",
        "Support and entry, fitted together to the published record",
        (AXIS, "support"),
        "Entries to and exits from support by stage and month: published, they would replace most of what is fitted.",
    ),
    Factor(
        "decisions",
        "Decision and appeal capacity, and how many are granted",
        ("decisions.", "appeals."),
        "The Home Office's and the tribunal's own capacity plans; much of it is policy and cannot be collected.",
    ),
    Factor(
        "prices",
        "Price growth",
        ("prices.",),
        "Nothing: later official forecasts will tell.",
    ),
    Factor(
        "central_costs",
        "Unit costs of the Home Office and other public bodies",
        ("costs.",),
        "Contract prices by accommodation type from the Home Office; cost of school places and health care used.",
    ),
)
OUTSIDE = (
    Factor(INTAKE, "How many people claim", (INTAKE,), "Nothing: claims are forecast, and the forecast is scored."),
    Factor(CHANCE, "Chance within the model", (CHANCE,), "Nothing: it is what no evidence removes."),
)


def factor_of(axis: str) -> str:
    """Name of the group of one axis; an axis that no group names stands in one of its register group's name."""
    for factor in (*FACTORS, *OUTSIDE):
        if axis.startswith(factor.prefixes):
            return factor.name
    return axis.split(".")[0]


def factors(axes: Iterable[str]) -> Mapping[str, Factor]:
    """The groups that some axes belong to, by name, in the order above; groups without an entry come last."""
    present = list(dict.fromkeys(factor_of(axis) for axis in axes))
    known = {factor.name: factor for factor in (*FACTORS, *OUTSIDE)}
    order = [name for name in known if name in present] + [name for name in present if name not in known]
    return {name: known.get(name, Factor(name, name.replace("_", " ").capitalize(), (f"{name}.",))) for name in order}
