"""What becomes of those who claimed in one month: the check that published outcomes of a claim cohort allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim import kernels
from sim.randomness import uniform
from sim.states import Outcome, Stage

if TYPE_CHECKING:
    from sim.model import DispersalModel


def follow(model: DispersalModel, months: int) -> dict[str, float]:
    """Run a model for some months and say what became of those who claimed in its first.

    A household outside support leaves the model once decided, so outcomes are read where they are drawn.

    Args:
        model: a model at its start; it is run.
        months: months to run, the first of them the month of claim.

    Returns:
        Shares of the people who claimed: `granted`, `refused`, `withdrawn` and `administrative` (initial outcomes),
        `undecided`, `on_appeal`, and `protected` (granted at first or allowed on appeal).
    """
    from sim.model import PHASES

    slots, claimed = np.zeros(0, np.int64), 1
    outcomes, allowed = np.zeros(len(Outcome)), 0
    households = model.households
    for month in range(months):
        model.month += 1
        for phase in PHASES:
            stage = Stage.AWAITING if phase == "decide" else Stage.APPEAL
            before = households.live() if phase in ("decide", "appeal") else None
            getattr(model, phase)()
            if phase == "arrive" and month == 0:
                own = households.live()
                own = own[(own["claimed"] == 0) & (own["stage"] == Stage.AWAITING)]
                slots, claimed = own["slot"].astype(np.int64), int(own["people"].sum(dtype=np.int64))
            elif before is not None:
                after = households.live()
                waiting = after["slot"][after["stage"] == stage]
                own = before[(before["stage"] == stage) & np.isin(before["slot"], slots)]
                decided = own[~np.isin(own["slot"], waiting)]
                key = model.draws.key("outcome" if phase == "decide" else "appeal outcome")
                for household in decided:
                    level, members = uniform(key, household["slot"], 0), int(household["people"])
                    if phase == "decide":
                        outcomes[kernels.pick(level, model.outcome_shares[household["decision_group"]])] += members
                    elif level < model.now.appeals.allowed_share:
                        allowed += members
    still = households.live()
    still = still[np.isin(still["slot"], slots)]
    people = {outcome.name.lower(): float(outcomes[outcome]) for outcome in Outcome}
    for name, stage in (("undecided", Stage.AWAITING), ("on_appeal", Stage.APPEAL)):
        people[name] = float(still["people"][still["stage"] == stage].sum(dtype=np.int64))
    people["protected"] = float(outcomes[Outcome.GRANTED] + allowed)
    return {name: value / claimed for name, value in people.items()}
