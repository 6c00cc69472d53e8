"""Bottom-up: forecast groups of nationalities apart, with correlated paths, and add them up.

Groups differ in level, season and storminess, and one of them can grow while the rest do not; the sum of their
paths has that. Nationalities are numbers here and serve the forecast and the mix of decision groups only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasts.members import (
    Settings,
    from_logs,
    paired_noise,
    recent_volatility,
    seasonal_factors,
    seasonal_walk,
    t_scale,
)
from params import InputError, reference

DECISION_GROUPS = ("high", "mixed", "low")
_OTHER = "other"
_TABLE = "params/reference/intake_by_nationality.csv"


@dataclass(frozen=True)
class Claims:
    """Claims by quarter and nationality, one vintage from end to end.

    Attributes:
        people: people by quarter (rows, PeriodIndex) and number of the nationality (columns).
        decision_group: `high`, `mixed` or `low` by number of the nationality.
    """

    people: pd.DataFrame
    decision_group: pd.Series

    def up_to(self, origin: pd.Period) -> Claims:
        """The claims that were known at an origin."""
        return Claims(self.people.loc[:origin], self.decision_group)


def official() -> Claims:
    """People claiming asylum by quarter and nationality, November 2024 vintage, 2002Q1 to 2024Q3.

    Source: reference table `intake_by_nationality` (Home Office Asy_D01).
    """
    table = reference("intake_by_nationality")
    people = table.pivot(index="quarter_end", columns="nationality_code", values="people").astype(float)
    people.index = pd.PeriodIndex(people.index, freq="Q", name="quarter")
    if people.isna().to_numpy().any():
        raise InputError(f"{_TABLE}: a nationality lacks a quarter. Nearest: python -m params.importer.")
    which = table.drop_duplicates("nationality_code").set_index("nationality_code")["decision_group"]
    return Claims(people, which)


@dataclass(frozen=True)
class BottomUp:
    """A member of the pool that knows the claims of each nationality.

    The groups are chosen at each origin from claims up to it: the nationalities with most claims in the last
    years, and all others together by decision group. Each group is a seasonally adjusted log random walk with
    the larger of its recent and long-run volatility. Changes of groups are correlated as in the past, the
    correlations shrunk by their own sampling error; one t scale a path serves all groups.

    Vintages. The claims by nationality are of an older release than the total and end before it. They are not
    joined to it: in every quarter that both have, the groups are multiplied by one factor so that they add up
    to the total of the history; in the quarters after the groups' last, each path draws the groups forward and
    multiplies them so that they add up to the total that is known. So at the origin every path agrees with the
    published total, and how it is made up is as uncertain as it has become. What is assumed is that a revision
    touched all groups in proportion.

    The decision group of a nationality is that of the year to September 2024. It only says which of the
    smaller nationalities are walked together.
    """

    claims: Claims

    def __call__(
        self, history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
    ) -> np.ndarray:
        """Draw the sum of the groups; arguments and result as in `members.Member`."""
        if not self.can(history, settings):
            return seasonal_walk(history, horizon, paths, rng, settings)
        return self._paths(history, horizon, paths, rng, settings)[0].sum(axis=2)

    def can(self, history: pd.Series, settings: Settings) -> bool:
        """Whether groups and total have enough quarters in common."""
        known = self.claims.up_to(history.index[-1]).people.index
        return len(known) >= settings.minimum_quarters and bool(known.isin(history.index).all())

    def shares(
        self, history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
    ) -> np.ndarray:
        """Draw how the claims are made up by decision group.

        Returns:
            Shares (paths, horizon, 3) of `DECISION_GROUPS` that sum to 1, path by path those of the sums that
            `__call__` draws from an equal `rng`. Where the groups cannot be modelled yet, the shares of the
            last year known.
        """
        if not self.can(history, settings):
            last = self.claims.up_to(history.index[-1]).people.iloc[-4:].sum()
            made_up = last.groupby(self.claims.decision_group).sum().reindex(list(DECISION_GROUPS), fill_value=0.0)
            return np.broadcast_to((made_up / made_up.sum()).to_numpy(), (paths, horizon, 3))
        drawn, which = self._paths(history, horizon, paths, rng, settings)
        by_group = np.stack([drawn[:, :, which == group].sum(axis=2) for group in DECISION_GROUPS], axis=2)
        totals = by_group.sum(axis=2, keepdims=True)
        return np.where(totals > 0, by_group / np.where(totals > 0, totals, 1.0), 1 / 3)

    def _paths(
        self, history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sample paths (paths, horizon, groups) and the decision group of each group (groups,)."""
        groups, which = self._chosen(history, settings)
        factors = np.stack(
            [seasonal_factors(groups[name], settings.seasonal_quarters) for name in groups.columns], axis=1
        )
        quarters = pd.PeriodIndex(groups.index).quarter.to_numpy()
        adjusted = np.log1p(groups.to_numpy()) - factors[quarters - 1]
        changes = np.diff(adjusted, axis=0)
        long_run = np.sqrt((changes[-settings.floor_quarters :] ** 2).mean(axis=0))
        volatility = np.maximum(recent_volatility(changes, settings), long_run)
        root = np.linalg.cholesky(correlation(changes))
        scale = t_scale(paths, rng, settings.degrees)
        after = history.loc[groups.index[-1] :].to_numpy()[1:]
        level = np.repeat(adjusted[-1:], paths, axis=0)
        drawn = np.empty((paths, horizon, groups.shape[1]))
        for step in range(len(after) + horizon):
            level = level + scale * volatility * (paired_noise(rng, *level.shape) @ root.T)
            season = factors[(quarters[-1] + step) % 4]
            values = from_logs(level + season)
            if step < len(after):
                sums = values.sum(axis=1, keepdims=True)
                known = values * (after[step] / np.where(sums > 0, sums, 1.0))
                level = np.log1p(known) - season
            else:
                drawn[:, step - len(after)] = values
        return drawn, which

    def _chosen(self, history: pd.Series, settings: Settings) -> tuple[pd.DataFrame, np.ndarray]:
        """The groups up to the origin, adding up to the history, and the decision group of each."""
        people = self.claims.up_to(history.index[-1]).people
        recent = people.iloc[-settings.group_quarters :].sum().drop(_OTHER, errors="ignore")
        # Equal sums go to the lower number, so that the choice never depends on the order of columns.
        ranked = sorted(recent.index, key=lambda name: (-recent[name], name))
        apart = ranked[: settings.groups]
        groups = people[apart].copy()
        which = [str(self.claims.decision_group[name]) for name in apart]
        rest = people.drop(columns=apart)
        for group in DECISION_GROUPS:
            mine = [name for name in rest.columns if self.claims.decision_group[name] == group]
            if mine:
                groups[f"rest {group}"] = rest[mine].sum(axis=1)
                which.append(group)
        sums = groups.sum(axis=1)
        totals = history.reindex(groups.index)
        return groups.mul((totals / sums.where(sums > 0, 1.0)), axis=0), np.array(which)


def correlation(changes: np.ndarray) -> np.ndarray:
    """Correlation (groups, groups) of changes (quarters, groups), shrunk towards none by its sampling error.

    With ten groups and a few dozen quarters a sample correlation is mostly noise; the weight of the shrinkage
    is the sum of the sampling variances of the correlations over the sum of their squares.

    Source: Schaefer and Strimmer (2005), A shrinkage approach to large-scale covariance matrix estimation,
        Stat Appl Genet Mol Biol 4(1).
    """
    count, groups = changes.shape
    spread = changes.std(axis=0)
    standard = (changes - changes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    products = standard[:, :, None] * standard[:, None, :]
    sample = products.mean(axis=0)
    variance = ((products - sample) ** 2).sum(axis=0) * count / (count - 1) ** 3
    off = ~np.eye(groups, dtype=bool)
    squares = (sample[off] ** 2).sum()
    shrinkage = min(1.0, variance[off].sum() / squares) if squares > 0 else 1.0
    shrunk = (1 - shrinkage) * sample
    np.fill_diagonal(shrunk, 1.0)
    return shrunk
