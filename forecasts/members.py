"""The members of the pool: each turns a history into sample paths of the quarters that follow.

Every member has one signature, so that a new one (or a group's forecast added up) is one more function here:

    member(history, horizon, paths, rng, settings) -> ndarray (paths, horizon), same unit as the history

All work on log(1 + value): changes of intake are proportional, and a path can then never be negative. None
carries a trend: on rolling origins a trend made every model of UK intake worse. `momentum` lets the last
change fade out, in so far as the history shows that changes persist.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import wraps
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pandas as pd

from params import Assumptions, InputError, load

# exp(700) is still a finite double; a short wild series forty quarters ahead would otherwise reach infinity.
_HIGHEST_LOG = 700.0
SHOCKS = ("halving", "doubling", "tripling")
# Weights of past one-quarter errors that exponential smoothing chooses from.
_SMOOTHING = np.linspace(0.05, 1.0, 39)
# A fitted persistence of changes beyond these would let one odd quarter run away with ten years.
_PERSISTENCE = (-0.6, 0.9)
# How many quarters of a short history's own changes weigh as much as the volatility assumed for want of them.
_PRIOR_QUARTERS = 6


class ForecastWarning(UserWarning):
    """A forecast was made, but not in the usual way; the text says how and why."""


@dataclass(frozen=True)
class Settings:
    """The register's numbers for the forecast (`params/assumptions/forecast.toml`).

    Attributes:
        half_life: half-life of the weights on past squared log changes, quarters.
        degrees: degrees of freedom of the t scale of a path.
        seasonal_quarters: quarters before the origin that make the seasonal factors.
        floor_quarters: quarters before the origin that make the long-run volatility.
        recent_quarters: quarters before the origin that make the volatility of `seven_year_walk` and `momentum`.
        minimum_quarters: the shortest history that a member models.
        fit_iterations: steps of the search for the unobserved components; ten times as many for the second.
        plain_volatility: least quarterly standard deviation of log change for a history it does not model.
        largest_growth: no path of the pool goes above this many times the largest value of the history.
        largest_intake_growth: the same where the history is claims by nationality added up.
        weights: weight in the pool by member, summing to 1, before `bottom_up_weight`.
        bottom_up_weight: share of the pool that adds up groups, where the history has groups.
        groups: nationalities forecast apart; the rest are together by decision group.
        group_quarters: quarters before the origin whose claims choose those nationalities.
        small_boat_share: share of a quarter's claims that follows the months of small-boat arrivals.
        split_from: first year of small-boat arrivals used to split quarters.
        shocks: factor that every path has reached after `shock_quarters`, by name of the shock.
        shock_quarters: quarters over which a shock builds up.
        shock: name of the shock that is applied, or `none`.
    """

    half_life: float
    degrees: float
    seasonal_quarters: int
    floor_quarters: int
    recent_quarters: int
    minimum_quarters: int
    fit_iterations: int
    plain_volatility: float
    largest_growth: float
    largest_intake_growth: float
    weights: Mapping[str, float]
    bottom_up_weight: float
    groups: int
    group_quarters: int
    small_boat_share: float
    split_from: int
    shocks: Mapping[str, float]
    shock_quarters: int
    shock: str

    @classmethod
    def read(cls, on: date, assumptions: Assumptions | None = None) -> Settings:
        """Take the settings that hold on a date from the register, with the overrides of `assumptions`.

        Raises:
            InputError: when a number cannot be used, naming its place in the register.
        """
        now = (assumptions or load()).at(on).forecast
        weights = {name: float(getattr(now.pool_weight, name)) for name in MEMBERS}
        total = sum(weights.values())
        for name, given, least in (
            ("pool_weight (all members together)", total, 0.0),
            ("ewma_half_life", now.ewma_half_life, 0.0),
            ("tail_degrees_of_freedom", now.tail_degrees_of_freedom, 2.0),
            ("seasonal_window", now.seasonal_window, 1.0),
            ("volatility_floor_window", now.volatility_floor_window, 1.0),
            ("recent_window", now.recent_window, 1.0),
            ("bottom_up.groups", now.bottom_up.groups, 0.0),
            ("bottom_up.window", now.bottom_up.window, 0.0),
            ("shock.quarters", now.shock.quarters, 0.0),
            *((f"shock.{name}", getattr(now.shock, name), 0.0) for name in SHOCKS),
            ("minimum_history", now.minimum_history, 8.0),
            ("fit_iterations", now.fit_iterations, 0.0),
            ("plain_volatility", now.plain_volatility, 0.0),
            ("largest_growth", now.largest_growth, 1.0),
            ("largest_intake_growth", now.largest_intake_growth, 1.0),
        ):
            if not given > least:
                raise InputError(f"forecast.{name}: {given:g} must be above {least:g}.")
        return cls(
            half_life=float(now.ewma_half_life),
            degrees=float(now.tail_degrees_of_freedom),
            seasonal_quarters=round(4 * now.seasonal_window),
            floor_quarters=round(4 * now.volatility_floor_window),
            recent_quarters=round(4 * now.recent_window),
            minimum_quarters=round(now.minimum_history),
            fit_iterations=round(now.fit_iterations),
            plain_volatility=float(now.plain_volatility),
            largest_growth=float(now.largest_growth),
            largest_intake_growth=float(now.largest_intake_growth),
            weights=MappingProxyType({name: weight / total for name, weight in weights.items()}),
            bottom_up_weight=float(now.bottom_up.weight),
            groups=round(now.bottom_up.groups),
            group_quarters=round(4 * now.bottom_up.window),
            small_boat_share=float(now.month_split.small_boat_share),
            split_from=round(now.month_split.first_year),
            shocks=MappingProxyType({name: float(getattr(now.shock, name)) for name in SHOCKS}),
            shock_quarters=round(now.shock.quarters),
            shock=str(now.shock.applied),
        )


class Member(Protocol):
    """What every member of the pool is."""

    def __call__(
        self, history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
    ) -> np.ndarray:
        """Draw sample paths of the `horizon` quarters after the history's last.

        Args:
            history: checked history (see `history.checked`), ending at the origin.
            horizon: quarters ahead.
            paths: number of sample paths.
            rng: the member's own stream of random numbers.
            settings: the register's numbers.

        Returns:
            Sample paths (paths, horizon), at least 0, in the unit of the history. Paths 0 and 1, 2 and 3, and
            so on are a mirrored pair; pairs are independent of each other.
        """
        ...


def _modelled(member: Member) -> Member:
    """Give a history too short or regular to model a plain wide random walk, with a ForecastWarning."""

    @wraps(member)
    def modelled(
        history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
    ) -> np.ndarray:
        values = history.to_numpy()
        few = len(values) < settings.minimum_quarters
        # Without any change but the season's, every model would be certain of a future that nobody knows.
        regular = np.array_equal(values[4:], values[:-4]) if not few else bool((values == values[0]).all())
        if not few and not regular:
            return member(history, horizon, paths, rng, settings)
        what = (
            f"has {len(values)} quarters, fewer than {settings.minimum_quarters}"
            if few
            else "is constant or only repeats its season"
        )
        warnings.warn(
            f"the history to {history.index[-1]} {what}: the forecast is a plain wide random walk.",
            ForecastWarning,
            stacklevel=2,
        )
        factors = np.zeros(4) if few else seasonal_factors(history, settings.seasonal_quarters)
        changes = np.diff(np.log1p(values) - factors[_quarters(history) - 1])
        # A relative change of values far below 1 is as much smaller on the scale of log(1 + value).
        plain = settings.plain_volatility * (values.max() / (1 + values.max()) if values.max() > 0 else 1.0)
        own = _root_mean_square(changes)
        if not regular:
            shrunk = (len(changes) * own**2 + _PRIOR_QUARTERS * plain**2) / (len(changes) + _PRIOR_QUARTERS)
            plain = float(np.sqrt(shrunk))
        volatility = max(plain, own)
        walk = _walk(volatility, horizon, paths, rng, settings.degrees)
        return _from_adjusted(history, factors, walk)

    return modelled


@_modelled
def naive(history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings) -> np.ndarray:
    """Log random walk: the last value, with normal changes as large as the history's root mean square change.

    Arguments and result as in `Member`. The yardstick that every other forecast is scored against.
    """
    logs = np.log1p(history.to_numpy())
    return from_logs(logs[-1] + _walk(_root_mean_square(np.diff(logs)), horizon, paths, rng))


@_modelled
def seasonal_naive(
    history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
) -> np.ndarray:
    """The same quarter of the last year, with normal yearly log changes as large as the history's.

    Arguments and result as in `Member`. Each year ahead adds one more yearly change.
    """
    logs = np.log1p(history.to_numpy())
    volatility = _root_mean_square(logs[4:] - logs[:-4])
    years = -(-horizon // 4)
    change = volatility * paired_noise(rng, paths, years, 4).cumsum(axis=1)
    return from_logs((logs[-4:] + change).reshape(paths, 4 * years)[:, :horizon])


@_modelled
def seasonal_walk(
    history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
) -> np.ndarray:
    """Seasonally adjusted log random walk with exponentially weighted volatility and t tails.

    Arguments and result as in `Member`. The seasonal factors come only from quarters up to the origin. The
    volatility is the larger of the recent (EWMA) and the long-run level: a calm spell does not last. The walk
    goes on for as long as the horizon, so that the variance keeps growing with time.

    Source: project forecasting design note, second row of its table of measured models.
    """
    adjusted, factors = _adjusted(history, settings)
    changes = np.diff(adjusted)
    volatility = max(recent_volatility(changes, settings), _root_mean_square(changes[-settings.floor_quarters :]))
    walk = _walk(volatility, horizon, paths, rng, settings.degrees)
    return _from_adjusted(history, factors, walk)


@_modelled
def seven_year_walk(
    history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
) -> np.ndarray:
    """Seasonally adjusted log random walk with the volatility of the last seven years and t tails.

    Arguments and result as in `Member`. It forgets an old storm, which the seasonal walk's long-run floor keeps.
    """
    adjusted, factors = _adjusted(history, settings)
    volatility = _root_mean_square(np.diff(adjusted)[-settings.recent_quarters :])
    return _from_adjusted(history, factors, _walk(volatility, horizon, paths, rng, settings.degrees))


@_modelled
def exponential_smoothing(
    history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
) -> np.ndarray:
    """Seasonally adjusted exponential smoothing of logs, ETS(A,N,N), with t tails.

    Arguments and result as in `Member`. The smoothing weight has the least squared one-quarter errors; at 1 it
    is a random walk, at small weights it looks through noise. Volatility is the larger of the errors' recent
    (EWMA) and long-run level.
    """
    adjusted, factors = _adjusted(history, settings)
    level = np.full(len(_SMOOTHING), adjusted[:4].mean())
    errors = np.empty((len(adjusted), len(_SMOOTHING)))
    for row, value in enumerate(adjusted):
        errors[row] = value - level
        level = level + _SMOOTHING * errors[row]
    # The first four quarters made the starting level, so their errors say nothing.
    errors = errors[4:]
    best = int(np.argmin((errors**2).sum(axis=0)))
    mine, weight = errors[:, best], _SMOOTHING[best]
    long_run = np.sqrt((mine**2).sum() / (len(mine) - 2))
    volatility = max(recent_volatility(mine, settings), long_run)
    noise = volatility * t_scale(paths, rng, settings.degrees) * paired_noise(rng, paths, horizon)
    moved = level[best] + weight * (np.cumsum(noise, axis=1) - noise)
    return from_logs(moved + noise + _season_ahead(history, factors, horizon))


@_modelled
def momentum(history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings) -> np.ndarray:
    """Seasonally adjusted log walk whose changes persist as far as the history shows, with t tails.

    Arguments and result as in `Member`. The persistence of one quarter's change into the next is fitted by
    least squares and shrunk by what chance alone would give (by 1 - 1/t squared, to zero at most), so that a
    series without momentum, such as intake, keeps nearly none and a stock such as people waiting keeps its own.
    Volatility is the larger of the errors' recent (EWMA) and seven-year level.
    """
    adjusted, factors = _adjusted(history, settings)
    changes = np.diff(adjusted)
    before, after = changes[:-1], changes[1:]
    total = before @ before
    persistence = 0.0
    if total > 0:
        fitted = (before @ after) / total
        error = np.mean((after - fitted * before) ** 2) / total
        shrunk = fitted * max(0.0, 1 - error / fitted**2) if fitted else 0.0
        persistence = float(np.clip(shrunk, *_PERSISTENCE))
    errors = after - persistence * before
    volatility = max(recent_volatility(errors, settings), _root_mean_square(errors[-settings.recent_quarters :]))
    noise = volatility * t_scale(paths, rng, settings.degrees) * paired_noise(rng, paths, horizon)
    change = np.full(paths, changes[-1])
    walk = np.empty((paths, horizon))
    for ahead in range(horizon):
        change = persistence * change + noise[:, ahead]
        walk[:, ahead] = change
    return _from_adjusted(history, factors, np.cumsum(walk, axis=1))


@_modelled
def unobserved_components(
    history: pd.Series, horizon: int, paths: int, rng: np.random.Generator, settings: Settings
) -> np.ndarray:
    """Local level plus stochastic seasonal on logs, by maximum likelihood (statsmodels).

    Arguments and result as in `Member`. Paths start from the filtered state and its covariance and carry
    level, seasonal and irregular noise, each path with one t scale. When the likelihood cannot be maximised,
    the member draws the seasonal walk instead and says so in a ForecastWarning.

    Source: project forecasting design note, fourth row of its table of measured models.
    """
    fitted = _fit(np.log1p(history.to_numpy()), settings.fit_iterations)
    if fitted is None:
        warnings.warn(
            f"unobserved components did not converge at {history.index[-1]}: "
            "its share of the pool is drawn from the seasonal walk.",
            ForecastWarning,
            stacklevel=2,
        )
        return seasonal_walk(history, horizon, paths, rng, settings)
    # The level, three seasonal states and three variances are fitted to the data that measures the noise.
    spent = len(fitted.state) + 3
    scale = t_scale(paths, rng, settings.degrees) * np.sqrt(len(history) / (len(history) - spent))
    spread = _square_root(fitted.covariance)
    state = fitted.state + scale * (paired_noise(rng, paths, 4) @ spread.T)
    noise = scale[:, :, None] * paired_noise(rng, paths, 3, horizon)
    logs = np.empty((paths, horizon))
    for ahead in range(horizon):
        logs[:, ahead] = state[:, 0] + state[:, 1] + fitted.irregular * noise[:, 0, ahead]
        state = state @ fitted.transition.T
        state[:, 0] += fitted.level * noise[:, 1, ahead]
        state[:, 1] += fitted.seasonal * noise[:, 2, ahead]
    return from_logs(logs)


MEMBERS: Mapping[str, Member] = MappingProxyType(
    {
        "seasonal_walk": seasonal_walk,
        "unobserved_components": unobserved_components,
        "exponential_smoothing": exponential_smoothing,
        "seven_year_walk": seven_year_walk,
        "momentum": momentum,
        "naive": naive,
        "seasonal_naive": seasonal_naive,
    }
)


def seasonal_factors(history: pd.Series, window: int) -> np.ndarray:
    """Seasonal factors of log value by calendar quarter, from the last `window` quarterly changes.

    The factors are shrunk towards none by how much of the difference between quarters chance alone would
    give (by 1 - 1/F, F being the variance between quarters over that within them). A series without a season
    then keeps almost none, instead of an echo of its noise.

    Returns:
        Factors (4,) that sum to 0, first quarter first.
    """
    changes = np.diff(np.log1p(history.to_numpy()))[-window:]
    quarters = _quarters(history)[1:][-window:]
    of = [changes[quarters == quarter] for quarter in (1, 2, 3, 4)]
    means = np.array([part.mean() for part in of])
    between = sum(len(part) * (mean - changes.mean()) ** 2 for part, mean in zip(of, means, strict=True)) / 3
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in of) / (len(changes) - 4)
    kept = max(0.0, 1 - within / between) if between > 0 else 0.0
    factors = np.cumsum(means - means.mean())
    return kept * (factors - factors.mean())


def recent_volatility(changes: np.ndarray, settings: Settings) -> Any:
    """Exponentially weighted root mean square of changes, the last counting most.

    Args:
        changes: changes (quarters,) or (quarters, groups).
        settings: the half-life of the weights.

    Returns:
        One number, or an array (groups,).
    """
    age = np.arange(len(changes))[::-1]
    return np.sqrt(np.average(changes**2, axis=0, weights=0.5 ** (age / settings.half_life)))


@dataclass(frozen=True)
class _Fitted:
    """Next quarter's state (4,) with its covariance, and the standard deviations of the noise."""

    state: np.ndarray
    covariance: np.ndarray
    transition: np.ndarray
    irregular: float
    level: float
    seasonal: float


def _fit(logs: np.ndarray, iterations: int) -> _Fitted | None:
    """Fit the unobserved-components model, or return None when no optimiser converges on finite numbers."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    model = UnobservedComponents(logs, level="llevel", seasonal=4)
    with warnings.catch_warnings():
        # Convergence is read from the result below; statsmodels' own warning would say it twice.
        warnings.simplefilter("ignore")
        try:
            result = model.fit(disp=0, maxiter=iterations)
            if not result.mle_retvals["converged"]:
                # The gradient search can stop short of its tolerance at a variance of zero; the simplex does
                # not.
                result = model.fit(start_params=result.params, method="nm", maxiter=10 * iterations, disp=0)
        except (np.linalg.LinAlgError, ValueError):
            return None
    noise = dict(zip(model.param_names, np.sqrt(result.params), strict=True))
    fitted = _Fitted(
        state=result.filter_results.predicted_state[:, -1],
        covariance=result.filter_results.predicted_state_cov[:, :, -1],
        transition=np.asarray(model["transition"]),
        irregular=float(noise["sigma2.irregular"]),
        level=float(noise["sigma2.level"]),
        seasonal=float(noise["sigma2.seasonal"]),
    )
    finite = all(np.isfinite(part).all() for part in (fitted.state, fitted.covariance, result.params))
    return fitted if finite and result.mle_retvals["converged"] else None


def _adjusted(history: pd.Series, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Seasonally adjusted logs (quarters,) and the seasonal factors (4,)."""
    factors = seasonal_factors(history, settings.seasonal_quarters)
    return np.log1p(history.to_numpy()) - factors[_quarters(history) - 1], factors


def _season_ahead(history: pd.Series, factors: np.ndarray, horizon: int) -> np.ndarray:
    """Seasonal factors (horizon,) of the quarters after the history."""
    return factors[(history.index[-1].quarter + np.arange(horizon)) % 4]


def _from_adjusted(history: pd.Series, factors: np.ndarray, walk: np.ndarray) -> np.ndarray:
    """Values (paths, horizon) of a walk from the last seasonally adjusted level, with the season put back."""
    level = np.log1p(history.iloc[-1]) - factors[history.index[-1].quarter - 1]
    return from_logs(level + walk + _season_ahead(history, factors, walk.shape[1]))


def _quarters(history: pd.Series) -> np.ndarray:
    return pd.PeriodIndex(history.index).quarter.to_numpy()


def _square_root(covariance: np.ndarray) -> np.ndarray:
    """A matrix whose product with its transpose is the covariance, also when that is singular."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _walk(
    volatility: float, horizon: int, paths: int, rng: np.random.Generator, degrees: float | None = None
) -> np.ndarray:
    """Cumulative log changes (paths, horizon) of a standard deviation a quarter; normal without degrees."""
    scale = 1.0 if degrees is None else t_scale(paths, rng, degrees)
    return np.cumsum(volatility * scale * paired_noise(rng, paths, horizon), axis=1)


def t_scale(paths: int, rng: np.random.Generator, degrees: float) -> np.ndarray:
    """One scale a pair of paths (paths, 1): makes `paired_noise` t at every horizon and keeps its variance."""
    return np.repeat(np.sqrt((degrees - 2) / rng.chisquare(degrees, (-(-paths // 2), 1))), 2, axis=0)[:paths]


def paired_noise(rng: np.random.Generator, paths: int, *shape: int) -> np.ndarray:
    """Standard normal noise (paths, *shape) in which every second path mirrors the one before it.

    Paths are then as many above the middle as below it, so that a median carries no sampling noise.
    """
    half = rng.standard_normal((-(-paths // 2), *shape))
    return np.stack([half, -half], axis=1).reshape(-1, *shape)[:paths]


def _root_mean_square(changes: np.ndarray) -> float:
    return float(np.sqrt(np.mean(changes**2)))


def from_logs(logs: np.ndarray) -> np.ndarray:
    """Values of log(1 + value), at least 0 and finite."""
    return np.maximum(np.expm1(np.minimum(logs, _HIGHEST_LOG)), 0.0)
