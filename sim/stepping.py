"""The national core of the month (claims, decisions, appeals, leaving) at a step of any length.

It answers one question: what a monthly step changes against a weekly one. The same households claim on the same days
with the same draws whatever the step; beds, councils and money are left out, because they follow from these flows.
Rates are per month and are divided over the steps; lengths in days become whole steps, rounded at random so that the
mean is kept, as the model does with months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import params
from sim import households
from sim.households import Columns
from sim.kernels import household_size
from sim.randomness import Draws
from sim.starts import published_start
from sim.states import Outcome, Stage, Support

if TYPE_CHECKING:
    import pandas as pd

DAYS_A_MONTH = 30.4375
_NEVER = np.inf


@dataclass
class _Cases:
    """Households of the whole run, in order of claim; `step` is that of the claim, negative at the start."""

    people: np.ndarray
    step: np.ndarray
    stage: np.ndarray
    supported: np.ndarray
    due: np.ndarray  # the step in which support ends
    group: np.ndarray


def core(assumptions: params.Assumptions, claims: int, seed: int, months: int, steps_a_month: int) -> pd.DataFrame:
    """Simulate the national core from the latest published start.

    Args:
        assumptions: as for `sim.simulate`; those of the first month hold throughout, without drift.
        claims: people claiming a month, evenly over its days.
        seed: replication's seed.
        months: months simulated.
        steps_a_month: 1, or 4 for a step of about a week.

    Returns:
        One row a month end: people awaiting a decision, open appeals (cases), people supported, and people leaving
        support in the month.
    """
    import pandas as pd

    start = published_start("2025-12-31")
    now = assumptions.at(start.day)
    draws = Draws(seed)
    groups = start.decision_groups
    shares, granted = (groups[name].to_numpy(float) for name in ("share_of_claims", "grant_share"))
    outcome_edges = np.cumsum(households.outcome_shares(now, shares, granted, 0.0), axis=1)
    cases = _cases(households.start(start.stock, start.national, now, shares, draws).columns, now, draws,
                   claims, months, steps_a_month)  # fmt: skip
    rows = []
    left = 0
    for step in range(months * steps_a_month):
        _decide(cases, step, now, draws, outcome_edges, steps_a_month)
        _appeal(cases, step, now, draws, steps_a_month)
        left += _leave(cases, step, now, draws, steps_a_month)
        if (step + 1) % steps_a_month == 0:
            here = cases.step <= step
            rows.append(
                {
                    "awaiting": int(cases.people[here & (cases.stage == Stage.AWAITING)].sum()),
                    "open appeals": int((here & (cases.stage == Stage.APPEAL)).sum()),
                    "supported": int(cases.people[here & cases.supported].sum()),
                    "leaving support": left,
                }
            )
            left = 0
    return pd.DataFrame(rows, index=pd.RangeIndex(1, months + 1, name="month"))


def _cases(first: Columns, now: Any, draws: Draws, claims: int, months: int, steps_a_month: int) -> _Cases:
    """The households of the start and all that claim or enter appeal later."""
    n = int(np.count_nonzero(first.people))
    sizes = np.array([value for _, value in now.intake.family_size.items()], float)
    count = claims * months
    people = np.array([household_size(u, now.intake.family_share, sizes) for u in draws.each("size", count, 0)])
    people = people[np.cumsum(people) <= count]
    day = np.cumsum(people) / claims  # months since the start
    others = int(now.appeals.unexplained_inflow * months)
    other_day = (np.arange(others) + 0.5) / max(now.appeals.unexplained_inflow, 1)
    level = draws.each("uptake", people.size, 0)
    supported = (level < now.support.uptake) & (level < 1.0 - now.intake.unaccompanied_share)
    ends = np.floor((first.due[:n] + draws.each("leaving", n, 0)) * steps_a_month)
    notice = np.where(first.stage[:n] == Stage.NOTICE, ends, _NEVER)
    when = np.concatenate([np.full(n, -1.0), day, other_day])
    order = np.argsort(when, kind="stable")
    edges = np.cumsum(now_groups := _group_shares())
    claim_group = np.searchsorted(edges / edges[-1], draws.each("group", people.size, 0), side="right")
    return _Cases(
        people=np.concatenate([first.people[:n].astype(np.int64), people, np.ones(others, np.int64)])[order],
        step=np.floor(np.where(when < 0, -1, when * steps_a_month)).astype(np.int64)[order],
        stage=np.concatenate(
            [first.stage[:n], np.full(people.size, Stage.AWAITING), np.full(others, Stage.APPEAL)]
        ).astype(np.int64)[order],
        supported=np.concatenate([first.support[:n] == Support.SUPPORTED, supported, np.zeros(others, bool)])[order],
        due=np.concatenate([notice, np.full(people.size + others, _NEVER)])[order],
        group=np.concatenate(
            [first.decision_group[:n], np.minimum(claim_group, now_groups.size - 1), np.zeros(others)]
        ).astype(np.int64)[order],
    )


def _group_shares() -> np.ndarray:
    return np.asarray(params.reference("decision_groups")["share_of_claims"].to_numpy(float))


def _served(
    waiting: np.ndarray, size: np.ndarray, capacity: float, oldest: float, level: np.ndarray
) -> np.ndarray:
    """Rows served this step: the front of the queue, then at random, then the oldest again until capacity is used."""
    total = size.sum()
    capacity = min(capacity, float(total))
    front = np.cumsum(size) <= oldest * capacity
    chance = (capacity - size[front].sum()) / max(total - size[front].sum(), 1)
    rank = np.where(front, 0, np.where(level < chance, 1, 2))
    order = np.argsort(rank, kind="stable")
    return np.asarray(waiting[order[np.cumsum(size[order]) <= capacity]])


def _steps(days: Any, level: np.ndarray, steps_a_month: int) -> np.ndarray:
    """Whole steps for lengths in days, rounded at random so that the mean is kept."""
    return np.floor(np.asarray(days) / DAYS_A_MONTH * steps_a_month + level)


def _turn(capacity: float, step: int, steps_a_month: int) -> int:
    """This step's whole part of a monthly capacity."""
    return int(capacity * (step + 1) / steps_a_month) - int(capacity * step / steps_a_month)


def _end(cases: _Cases, rows: np.ndarray, step: int, days: Any, level: np.ndarray, steps_a_month: int) -> None:
    cases.due[rows] = step + _steps(days, level[rows], steps_a_month)
    cases.stage[rows] = np.where(cases.supported[rows], Stage.LEAVING, Stage.GONE)


def _refused_for_good(cases: _Cases, rows: np.ndarray, step: int, now: Any, draws: Draws, steps_a_month: int) -> None:
    count = cases.people.size
    stays = (draws.each("tail entry", count, 0)[rows] < now.support.tail_entry) & cases.supported[rows]
    cases.stage[rows[stays]] = Stage.REFUSED
    _end(cases, rows[~stays], step, DAYS_A_MONTH, draws.each("leaving", count, 0), steps_a_month)


def _exit_days(cases: _Cases, rows: np.ndarray, now: Any) -> np.ndarray:
    family = cases.people[rows] > 1
    notice = np.where(family, now.decisions.notice_days_families, now.decisions.notice_days)
    return np.asarray(notice + now.decisions.exit_lag_days)


def _decide(cases: _Cases, step: int, now: Any, draws: Draws, edges: np.ndarray, steps_a_month: int) -> None:
    waiting = np.flatnonzero((cases.stage == Stage.AWAITING) & (cases.step <= step))
    size, count = cases.people[waiting], cases.people.size
    most = now.decisions.queue_cap * size.sum() / steps_a_month
    capacity = min(_turn(now.decisions.capacity, step, steps_a_month), most)
    rows = _served(waiting, size, capacity, now.decisions.oldest_share, draws.each("decide", count, step)[waiting])
    level = draws.each("outcome", count, 0)[rows]
    outcome = (level[:, None] >= edges[cases.group[rows]]).sum(axis=1)
    exit_level = draws.each("exit", count, 0)
    granted, refused = rows[outcome == Outcome.GRANTED], rows[outcome == Outcome.REFUSED]
    _end(cases, granted, step, _exit_days(cases, granted, now), exit_level, steps_a_month)
    other = rows[(outcome != Outcome.GRANTED) & (outcome != Outcome.REFUSED)]
    _end(cases, other, step, now.decisions.withdrawn_exit_days, exit_level, steps_a_month)
    appeals = draws.each("appeal", count, 0)[refused] < now.appeals.share_of_refused
    cases.stage[refused[appeals]] = Stage.APPEAL
    keeps = draws.each("retained", count, 0)[refused] < now.support.retained_on_appeal
    loses = refused[appeals & ~keeps & cases.supported[refused]]
    cases.due[loses] = step + _steps(DAYS_A_MONTH, draws.each("leaving", count, 0)[loses], steps_a_month)
    _refused_for_good(cases, refused[~appeals], step, now, draws, steps_a_month)


def _appeal(cases: _Cases, step: int, now: Any, draws: Draws, steps_a_month: int) -> None:
    waiting = np.flatnonzero((cases.stage == Stage.APPEAL) & (cases.step <= step))
    count = cases.people.size
    level = draws.each("appeal order", count, step)[waiting]
    capacity = _turn(now.appeals.capacity, step, steps_a_month)
    rows = _served(waiting, np.ones(waiting.size, np.int64), capacity, now.appeals.oldest_share, level)
    allowed = draws.each("appeal outcome", count, 0)[rows] < now.appeals.allowed_share
    won, lost = rows[allowed], rows[~allowed]
    _end(cases, won, step, _exit_days(cases, won, now), draws.each("exit", count, 1), steps_a_month)
    ending = np.isfinite(cases.due[lost])
    cases.stage[lost[ending]] = Stage.LEAVING  # support was already ending
    _refused_for_good(cases, lost[~ending], step, now, draws, steps_a_month)


def _leave(cases: _Cases, step: int, now: Any, draws: Draws, steps_a_month: int) -> int:
    """End support that is due. Returns the people who leave."""
    tail = (cases.stage == Stage.REFUSED) & cases.supported
    hazard = 1.0 / (now.support.tail_stay * steps_a_month)
    due = cases.supported & (cases.due <= step)
    ended = tail & (draws.each("tail exit", cases.people.size, step) < hazard)
    leaving = (due | ended) & (cases.step <= step)
    cases.supported[leaving] = False
    cases.due[leaving] = _NEVER
    cases.stage[leaving & (cases.stage != Stage.APPEAL)] = Stage.GONE
    return int(cases.people[leaving].sum())
