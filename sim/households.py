"""Households as records: synthetic, made from published aggregates, never real people.

The first month's households reproduce the published people by council and accommodation type exactly. Household
composition, stage and waiting time are not published for each council: they are drawn from national figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from sim import kernels
from sim.randomness import Draws, uniform
from sim.states import Accommodation, Outcome, Stage

RECORD = np.dtype(
    [
        ("slot", np.uint32),  # rises with the claim, never reused: the identity that random draws are keyed by
        ("claimed", np.int16),  # month of claim, 0 is the first simulated month
        ("due", np.int16),  # month in which support ends, kernels.NEVER when nothing is due
        ("council", np.int16),  # row of the councils table, -1 when in none
        ("people", np.uint8),
        ("school_age", np.uint8),
        ("decision_group", np.uint8),
        ("stage", np.uint8),
        ("support", np.uint8),
        ("accommodation", np.uint8),
    ],
    align=True,
)


_MOST_GRANTED = 0.98  # of the outcomes of one decision group


SLOTS_A_MONTH = 2**20  # half of them for claims, half for appeals that no refusal explains


def first_slot(month: int, on_appeal: bool = False) -> int:
    """First slot of a month's arrivals: a month's own, so that one claim more leaves later households who they were."""
    return (month + 1) * SLOTS_A_MONTH + (SLOTS_A_MONTH // 2 if on_appeal else 0)


@dataclass
class Households:
    """Live households and the people they put into each council.

    Attributes:
        records: array of RECORD; rows up to `n` are in use, in order of claim.
        occupied: (council, 7) people by accommodation type, the last column unused between months.
    """

    records: np.ndarray
    n: int
    next_slot: int
    occupied: np.ndarray

    def reserve(self, extra: int) -> None:
        """Make room for `extra` more households."""
        if self.n + extra > self.records.size:
            grown = np.zeros(int((self.n + extra) * 1.1) + 1024, RECORD)
            grown[: self.n] = self.records[: self.n]
            self.records = grown

    def compact(self) -> None:
        """Forget households that are gone."""
        self.n = kernels.compact(self.records, self.n)


@njit(cache=True, nogil=True)
def _fill_cell(h, n, people, home, kind, key, family_share, family_sizes):
    """Append households of `people` people in all to one council and accommodation type."""
    left = people
    while left > 0:
        members = min(kernels.household_size(uniform(key, n, 0), family_share, family_sizes), left)
        h[n].people, h[n].council, h[n].accommodation = members, home, kind
        h[n].support = kernels.SUPPORTED
        left -= members
        n += 1
    return n


@njit(cache=True, nogil=True)
def _start_stages(h, n, order, quotas):
    """Give supported households a stage in random order until each stage has its people; the rest are REFUSED."""
    left = quotas.copy()
    for position in range(n):
        row = order[position]
        h[row].stage = kernels.REFUSED
        for stage in range(left.size):
            if left[stage] > 0:
                h[row].stage = stage
                left[stage] -= h[row].people
                break


def start(
    stock: np.ndarray, national: dict[str, float], now: Any, group_shares: np.ndarray, draws: Draws
) -> Households:
    """Make the households of the start date.

    Args:
        stock: (council, 6) supported people by accommodation type, as published.
        national: `awaiting` people, open `appeals` cases, people `granted_a_month` before the start.
        now: assumptions of the first month.
        group_shares: (decision group,) shares of claims.
        draws: the replication's draws.

    Returns:
        Households whose supported people equal `stock` in every cell, people awaiting and open appeals equal the
        published totals, supported or not.
    """
    sizes = family_sizes(now)
    people = int(stock.sum())
    records = np.zeros(int(people + national["awaiting"] + national["appeals"]) + 1024, RECORD)
    n = 0
    for home, kind in zip(*np.nonzero(stock), strict=True):
        n = _fill_cell(
            records, n, int(stock[home, kind]), home, kind, draws.key("start size"),
            now.intake.family_share_supported, sizes,
        )  # fmt: skip
    exit_months = (now.decisions.notice_days + now.decisions.exit_lag_days) / 30.4375
    quotas = np.zeros(3, np.int64)
    quotas[Stage.AWAITING] = now.support.uptake * national["awaiting"]
    quotas[Stage.APPEAL] = now.support.people_per_open_appeal * national["appeals"]
    quotas[Stage.NOTICE] = now.support.granted_supported * national["granted_a_month"] * exit_months
    order = np.argsort(draws.each("start stage", n, 0), kind="stable")
    _start_stages(records, n, order, quotas)
    supported = records[:n]
    awaiting = int(supported["people"][supported["stage"] == Stage.AWAITING].sum())
    appeals = int((supported["stage"] == Stage.APPEAL).sum())
    for stage, missing in (
        (Stage.AWAITING, int(national["awaiting"]) - awaiting),
        (Stage.APPEAL, int(national["appeals"]) - appeals),
    ):
        key = draws.key(f"start unsupported {stage.name}")
        n = _add_unsupported(records, n, missing, int(stage), key, now.intake.family_share, sizes)
    _start_times(records[:n], now, exit_months, group_shares, draws)
    records[:n] = records[:n][np.argsort(records["claimed"][:n], kind="stable")]
    records["slot"][:n] = np.arange(n)
    occupied = np.zeros((stock.shape[0], len(Accommodation)), np.int64)
    occupied[:, : stock.shape[1]] = stock
    return Households(records, n, n, occupied)


@njit(cache=True, nogil=True)
def _add_unsupported(h, n, missing, stage, key, family_share, family_sizes):
    """Append households outside support so that a published queue is met: people awaiting, or appeal cases."""
    while missing > 0:
        members = kernels.household_size(uniform(key, n, 0), family_share, family_sizes)
        if stage == kernels.AWAITING:
            members = min(members, missing)
        h[n].people, h[n].stage, h[n].council = members, stage, -1
        h[n].support, h[n].accommodation = kernels.NONE, kernels.UNPLACED
        missing -= members if stage == kernels.AWAITING else 1
        n += 1
    return n


def _start_times(records: np.ndarray, now: Any, exit_months: float, group_shares: np.ndarray, draws: Draws) -> None:
    """Waiting times, decision groups and children of the first households; waiting times only order the queues."""
    n = records.size
    mean_age = np.array([now.queues.awaiting_age, now.queues.appeal_age, now.queues.notice_age,
                         now.queues.notice_age, now.queues.tail_age])  # fmt: skip
    age = -np.log1p(-draws.each("start age", n, 0)) * mean_age[records["stage"]]
    records["claimed"] = -1 - np.minimum(age, 30_000).astype(np.int16)
    records["due"] = kernels.NEVER
    in_notice = records["stage"] == Stage.NOTICE
    records["due"][in_notice] = (draws.each("start due", n, 0) * exit_months).astype(np.int16)[in_notice]
    edges = np.cumsum(group_shares / group_shares.sum())
    records["decision_group"] = np.searchsorted(edges[:-1], draws.each("start group", n, 0), side="right")
    others = np.maximum(records["people"].astype(np.int64) - 1, 0)
    share = now.intake.school_age_share
    for member in range(1, int(others.max()) + 1 if n else 1):
        child = (member <= others) & (draws.each("start children", n, member) < share)
        records["school_age"] += child.astype(np.uint8)


def family_sizes(now: Any) -> np.ndarray:
    """Probabilities of a family of two, three, ... six people."""
    return np.array([value for _, value in now.intake.family_size.items()], float)


def outcome_shares(now: Any, groups: Any, drift: float) -> np.ndarray:
    """Probability of each initial outcome by decision group.

    The groups keep their measured order of grant rates; their mean is moved to this month's assumed national
    shares, and what is left after grants is split as nationally.

    Args:
        now: this month's assumptions.
        groups: reference table `decision_groups` with share_of_claims and grant_share.
        drift: noise on the log odds of a grant.

    Returns:
        Array (group, outcome); rows sum to one.
    """
    weight = groups["share_of_claims"].to_numpy(float)
    weight = weight / weight.sum()
    national = 1.0 / (1.0 + (1.0 / max(now.decisions.grant_share, 1e-9) - 1.0) * np.exp(-drift))
    granted = groups["grant_share"].to_numpy(float)
    full = np.zeros(weight.size, bool)
    for _ in range(weight.size):  # what a group at its ceiling cannot take goes to the others: the mean is kept
        wanted = national - _MOST_GRANTED * weight[full].sum()
        scale = wanted / max(float(weight[~full] @ granted[~full]), 1e-9)
        granted = np.where(full, _MOST_GRANTED, granted * scale)
        full = full | (granted >= _MOST_GRANTED)
        if not (granted > _MOST_GRANTED).any():
            break
    granted = np.minimum(granted, _MOST_GRANTED)
    other = max(1.0 - now.decisions.grant_share, 1e-9)
    shares = np.empty((weight.size, len(Outcome)))
    shares[:, Outcome.GRANTED] = granted
    shares[:, Outcome.WITHDRAWN] = (1 - granted) * now.decisions.withdrawn_share / other
    shares[:, Outcome.ADMINISTRATIVE] = (1 - granted) * now.decisions.administrative_share / other
    shares[:, Outcome.REFUSED] = 1.0 - shares[:, [Outcome.GRANTED, Outcome.WITHDRAWN, Outcome.ADMINISTRATIVE]].sum(1)
    return shares
