"""Which assumptions drive the answer, and what better evidence on each would be worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import params
from evidence.answers import pictures, sensitivity
from evidence.answers.companions import NotMade
from evidence.answers.factors import CHANCE, FACTORS, INTAKE, OUTSIDE, factor_of
from evidence.exhibits import MODELLED, Exhibit, Exhibits, Pack
from evidence.records import Record
from evidence.wording import listed, money, month, plain, sentence, share

QUESTION = "Which assumptions drive the answer"
OUTCOME = "council_net_cost"
SHOWN, NAMED = 12, 5
_NORMAL80 = 2.563  # width of a normal distribution's 80% interval in standard deviations
_NATION = {n: n.replace("_", " ").title() for n in ("england", "wales", "scotland", "northern_ireland")}


def figures(pack: Pack, drivers_run: str) -> Exhibits | NotMade:
    """The tornado and the Sobol indices.

    Args:
        pack: of the main study, whose report the exhibits join.
        drivers_run: id of a finished sensitivity run, or empty.
    """
    if not drivers_run:
        return NotMade(QUESTION)
    record, alone, groups = sensitivity.read(pack.folder.parent, drivers_run)
    return Exhibits((_tornado(pack, record, alone), _indices(pack, record, groups)))


def information(pack: Pack, drivers_run: str) -> Exhibit | NotMade:
    """What a joint review must still collect, ranked by how much knowing it would narrow the answer.

    Args:
        pack: of the main study.
        drivers_run: id of a finished sensitivity run, or empty.
    """
    if not drivers_run:
        return NotMade("What a review must still collect, ranked by how much it moves the answer")
    record, alone, groups = sensitivity.read(pack.folder.parent, drivers_run)
    return _information(pack, record, alone, groups)


def label_of(axis: str) -> str:
    """An assumption as a reader sees it: `services.unit_cost.esol` reads "unit cost, ESOL (services)"."""
    if axis == INTAKE:
        return "how many people claim"
    group, *rest = axis.split(".")
    words = [_NATION.get(part, plain(part)) for part in rest]
    return f"{', '.join(words)} ({plain(group)})" if words else plain(group)


def _basis(record: Record, **basis: str) -> dict[str, Any]:
    settings = record.settings
    return {
        "label": MODELLED,
        "source": f"runs of the model from {settings['start']}; sensitivity run {record.id}",
        "basis": {"runs": f"Scenario {settings['scenario']}, {settings['months']} months", **basis},
    }


def _period(record: Record) -> str:
    first = np.datetime64(record.settings["since"], "M")
    last = np.datetime64(record.settings["start"][:7], "M") + record.settings["months"]
    return f"{month(first)} to {month(last)}"


def ranked(alone: pd.DataFrame, outcome: str = OUTCOME) -> pd.DataFrame:
    """Assumptions moved one at a time, widest swing first."""
    own = alone[alone["outcome"] == outcome].copy()
    own["swing"] = (own["at_high"] - own["at_low"]).abs()
    return own.sort_values(["swing", "axis"], ascending=[False, True]).reset_index(drop=True)


def _tornado(pack: Pack, record: Record, alone: pd.DataFrame) -> Exhibit:
    table = ranked(alone)
    table["label"] = [label_of(axis) for axis in table["axis"]]
    central = float(table["central"].iloc[0])
    shown = table.head(SHOWN)
    five = [f"“{label}” ({money(s)})" for label, s in zip(table["label"].head(NAMED), table["swing"], strict=False)]
    view = table[["label", "at_low", "at_high", "swing"]].copy()
    for name in ("at_low", "at_high", "swing"):
        view[name] = [money(v) for v in table[name]]
    entries = params.load().entries
    view.insert(1, "unit", [entries[a].unit if a in entries else "people" for a in table["axis"]])
    view["quality"] = [entries[a].quality if a in entries else "[z]" for a in table["axis"]]
    view.columns = pd.Index(
        [
            "Assumption",
            "Unit",
            "Net cost at its 10th percentile",
            "Net cost at its 90th percentile",
            "Swing",
            "Evidence",
        ]
    )
    return pack.add(
        Exhibit(
            kind="figure",
            name="tornado",
            title=sentence(f"The five assumptions that move councils' net cost most, alone, are {listed(five)}"),
            subtitle=(
                f"Councils' net cost, {_period(record)}, cash, UK, with one assumption moved and the others "
                f"central ({money(central)}); the {len(shown)} widest of {len(table)}."
            ),
            data=table,
            view=view,
            units="GBP cash",
            alternative=f"Bars on both sides of {money(central)}: " + "; ".join(
                f"{label} {money(low)} to {money(high)}"
                for label, low, high in zip(shown["label"], shown["at_low"], shown["at_high"], strict=True)
            ) + ".",
            notes=(
                "Each bar runs from the assumption's 10th to its 90th percentile in its own distribution, with the "
                "same chance and intake. Assumptions that were fitted together only move together: they stand in the "
                "next figure. Evidence: the rating of the assumption's evidence in the register.",
                "Many ranges reach further up than down, so that the median of all simulations lies above the answer "
                "with every assumption central.",
            ),
            draw=lambda: pictures.tornado(shown, central, money),
            **_basis(record, interval="One run for each end", prices="Cash"),
        )
    )  # fmt: skip


def _indices(pack: Pack, record: Record, groups: pd.DataFrame) -> Exhibit:
    table = _by_total(groups)
    table["label"] = [_label(f) for f in table["factor"]]
    runs, deviation = int(table["runs"].iloc[0]), float(np.sqrt(table["variance"].iloc[0]))
    noise = table[table["factor"] == CHANCE].iloc[0]
    first = table.iloc[0]
    view = pd.DataFrame({"Group of assumptions": table["label"]})
    for name, title in (("first", "Alone (first order)"), ("total", "With its interactions (total)")):
        view[title] = [
            f"{_percent(v)}\n± {_percent(e)}" for v, e in zip(table[name], table[f"{name}_error"], strict=True)
        ]
    return pack.add(
        Exhibit(
            kind="figure",
            name="sobol",
            title=sentence(
                f"Of the variance of councils' net cost, {first['label'][0].lower()}{first['label'][1:]} makes "
                f"{_percent(first['total'])} with its interactions (± {_percent(first['total_error'])}); chance alone "
                f"makes {_percent(noise['total'])}"
            ),
            subtitle=(
                f"Sobol indices of councils' net cost, {_period(record)}, by group of assumptions, with 95% confidence "
                "intervals."
            ),
            data=table,
            view=view,
            units="share of variance",
            alternative="Dots with error bars, first-order and total. "
            + "; ".join(
                f"{label} {_percent(first_order)} and {_percent(whole)}"
                for label, first_order, whole in zip(table["label"], table["first"], table["total"], strict=True)
            )
            + ".",
            notes=(
                f"{runs:,} runs in Saltelli's design over the register's own distributions; standard deviation of the "
                f"answer {money(deviation)}. First-order indices can come out below zero within their error. How many "
                "people claim and chance within the model are groups of their own, so that what no assumption explains "
                "stands apart.",
            ),
            draw=lambda: pictures.indices(table),
            **_basis(record, interval="95% intervals, bootstrap"),
        )
    )


def _label(factor: str) -> str:
    return {f.name: f.label for f in (*FACTORS, *OUTSIDE)}.get(factor, factor.replace("_", " ").capitalize())


def _percent(value: float) -> str:
    return f"{'−' if value <= -0.005 else ''}{abs(value):.0%}"


def _by_total(groups: pd.DataFrame) -> pd.DataFrame:
    own = groups[groups["outcome"] == OUTCOME]
    return own.sort_values(["total", "factor"], ascending=[False, True]).reset_index(drop=True)


def worth(groups: pd.DataFrame) -> pd.DataFrame:
    """What knowing each group exactly would be worth: the share of variance it would remove, in expectation.

    Under squared-error loss, the loss of a grant set to the expected cost, the expected value of partial perfect
    information is the first-order share of variance. No such share exceeds the group's total, whose estimate is the
    surer of the two, so that it caps the share.

    Returns:
        One row a group, most valuable first: `factor`, `share` (0 to 1), `error` (95% half-width), `width_now` and
        `width_known`, the 80% interval before and, in expectation, after, in GBP for a normal distribution.
    """
    own = groups[groups["outcome"] == OUTCOME].copy()
    own["share"] = np.minimum(own["first"].clip(lower=0.0), own["total"].clip(0.0, 1.0))
    own["error"] = own["first_error"]
    own["width_now"] = _NORMAL80 * np.sqrt(own["variance"])
    own["width_known"] = own["width_now"] * np.sqrt(1.0 - own["share"])
    columns = ["factor", "share", "error", "total", "width_now", "width_known"]
    return own.sort_values(["share", "factor"], ascending=[False, True])[columns].reset_index(drop=True)


def _information(pack: Pack, record: Record, alone: pd.DataFrame, groups: pd.DataFrame) -> Exhibit:
    table = worth(groups)
    collect = {f.name: f.collect for f in FACTORS}
    table = table[table["factor"].isin(collect)].reset_index(drop=True)
    table["label"] = [_label(f) for f in table["factor"]]
    table["collect"] = table["factor"].map(collect)
    swings = ranked(alone)
    swings["factor"] = [factor_of(axis) for axis in swings["axis"]]
    widest = swings.drop_duplicates("factor").set_index("factor")["axis"]
    table["widest_assumption"] = [
        label_of(str(widest[f])) if f in widest else "fitted together" for f in table["factor"]
    ]
    view = pd.DataFrame(
        {
            "What is not known": table["label"],
            "Narrows the answer by": [
                f"{_percent(1 - k / n)}\nof {money(n)}"
                for n, k in zip(table["width_now"], table["width_known"], strict=True)
            ],
            "Share of variance": [
                f"{_percent(s)}\n± {_percent(e)}" for s, e in zip(table["share"], table["error"], strict=True)
            ],
            "Widest assumption in it": table["widest_assumption"],
            "To be collected": table["collect"],
        }
    )
    first, second = table.iloc[0], table.iloc[1]
    return pack.add(
        Exhibit(
            kind="table",
            name="value_of_information",
            title=sentence(
                f"A review that learnt one thing should learn {first['label'][0].lower()}{first['label'][1:]}: "
                f"{share(float(first['share']))} of the variance of councils' net cost would go, and with it the 80% "
                f"interval would narrow from {money(first['width_now'])} to {money(first['width_known'])}; next comes "
                f"{second['label'][0].lower()}{second['label'][1:]}"
            ),
            subtitle=(
                "What a joint review must still collect, ranked by the expected value of partial perfect information "
                f"on councils' net cost, {_period(record)}."
            ),
            data=table,
            view=view,
            units="share of variance; GBP cash",
            notes=(
                "Narrows the answer by: the expected fall in the width of the 80% interval of councils' net cost if "
                "the group were known exactly, for squared-error loss and a normal distribution. Neighbouring ranks "
                "are within each other's error.",
                "Not ranked, because the model holds no number for them: costs of people who never enter support, "
                "experience of services, community relations, and anything by protected characteristic.",
            ),
            **_basis(record, interval="95% half-widths of shares, bootstrap"),
        )
    )
