"""Calibration: which joint values of the calibrated assumptions the published record allows.

History matching in waves. The first wave is a scrambled Sobol design over the ranges of the register. A quadratic
emulator of every output, with its own error, is fitted to all points so far; the next wave is drawn from the
emulated posterior, first tempered, at last as it is. The last wave is the posterior: each of its rows is simulated,
so every figure of fit is the model's and none the emulator's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy.stats import qmc

import params
from params import Assumptions
from params.posterior import bounds, calibrated
from params.register import ROOT, read_toml
from sim import validation
from sim.clock import months_after
from sim.hindcast import MONTHS_A_QUARTER, quarter_end
from sim.model import Start
from sim.run import prepare
from sim.starts import KINDS, national, published_start, start_day
from sim.states import Stage, Support

WALKERS, STEPS = 256, 400
TEMPERATURE = 4.0  # of middle waves: wide enough that an emulator still in error cannot lose the right region
TAIL_DEGREES = 4.0  # Student's t: a target the model cannot reach does not drag all others
HALVES = 2.0  # a tolerance is two standard deviations of what the model may miss


@dataclass(frozen=True)
class Space:
    """A box of assumptions: names, and the low and high end of each."""

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray

    def values(self, place: np.ndarray) -> np.ndarray:
        """Values of places in the cube from -1 to 1."""
        return self.low + (place + 1) / 2 * (self.high - self.low)

    def places(self, values: np.ndarray) -> np.ndarray:
        """Places in the cube from -1 to 1 of values."""
        return 2 * (values - self.low) / (self.high - self.low) - 1


def register_space() -> Space:
    """The ranges of every calibrated assumption of the register."""
    entries = params.load().entries
    names = calibrated(entries)
    ends = np.array([bounds(entries[name], name) for name in names])
    return Space(tuple(names), ends[:, 0], ends[:, 1])


@dataclass(frozen=True)
class Target:
    """One published figure, the interval that counts as met, and whether the distance uses it.

    Attributes:
        name: name of the output held against it.
        label: what it is, for a reader.
        target: published value.
        low: lowest value that counts as met.
        high: highest value that counts as met.
        fitted: part of the distance; the others are reported only.
    """

    name: str
    label: str
    target: float
    low: float
    high: float
    fitted: bool = True


@dataclass(frozen=True)
class Targets:
    """What outputs are held against.

    Attributes:
        outputs: names of the outputs, one for each column.
        series: columns of a series whose errors are correlated in time, in order.
        published: published values of that series.
        spread: standard deviation of what the model may miss of the series.
        persistence: correlation of one error with the next.
        single: targets of single outputs.
    """

    outputs: tuple[str, ...]
    series: tuple[int, ...]
    published: np.ndarray
    spread: float
    persistence: float
    single: tuple[Target, ...]

    def distance(self, outputs: np.ndarray, error: np.ndarray | None = None) -> np.ndarray:
        """Minus twice the log likelihood, less a constant.

        Args:
            outputs: (point, output).
            error: (output,) variance of the outputs themselves: Monte Carlo error and that of an emulator.

        Returns:
            (point,), infinite where an output could not be measured.
        """
        variance = np.zeros(len(self.outputs)) if error is None else error
        found = np.zeros(len(outputs))
        if self.series:
            chosen = list(self.series)
            lag = np.abs(np.subtract.outer(np.arange(len(chosen)), np.arange(len(chosen))))
            covariance = self.spread**2 * self.persistence**lag + np.diag(variance[chosen])
            miss = outputs[:, chosen] - self.published
            found += np.einsum("pi,ij,pj->p", miss, np.linalg.inv(covariance), miss)
        for target in self.single:
            if not target.fitted:
                continue
            column = self.outputs.index(target.name)
            miss = outputs[:, column] - target.target
            allowed = np.where(miss < 0, target.target - target.low, target.high - target.target) / HALVES
            square = miss**2 / np.maximum(allowed**2 + variance[column], 1e-12)
            found += (TAIL_DEGREES + 1) * np.log1p(square / TAIL_DEGREES)
        return np.where(np.isfinite(found), found, np.inf)


# ---------------------------------------------------------------------- the emulator


class Emulator:
    """Ridge regression of each output on a quadratic in the places, with its leave-one-out error."""

    _PENALTIES = np.logspace(-4, 3, 15)

    def __init__(self, places: np.ndarray, outputs: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Fit to points.

        Args:
            places: (point, d) from -1 to 1.
            outputs: (point, output), finite.
            weight: (point,) how much each point counts.
        """
        root = np.sqrt(np.ones(len(places)) if weight is None else weight / weight.mean())[:, None]
        self._pairs = list(combinations_with_replacement(range(places.shape[1]), 2))
        self._middle, self._scale = outputs.mean(axis=0), np.maximum(outputs.std(axis=0), 1e-12)
        left, values, right = np.linalg.svd(self._basis(places) * root, full_matrices=False)
        wanted = (outputs - self._middle) / self._scale * root
        projected = left.T @ wanted
        self._weights = np.zeros((right.shape[1], outputs.shape[1]))
        self.variance = np.full(outputs.shape[1], np.inf)
        for penalty in self._PENALTIES:
            shrink = values**2 / (values**2 + penalty)
            leverage = np.minimum((left**2 * shrink).sum(axis=1), 0.999)[:, None]
            missed = (wanted - left @ (shrink[:, None] * projected)) / (1 - leverage)
            variance = (missed**2).mean(axis=0) * self._scale**2
            better = variance < self.variance
            self.variance = np.where(better, variance, self.variance)
            coefficients = right.T @ ((values / (values**2 + penalty))[:, None] * projected)
            self._weights[:, better] = coefficients[:, better]

    def _basis(self, places: np.ndarray) -> np.ndarray:
        squares = np.stack([places[:, i] * places[:, j] for i, j in self._pairs], axis=1)
        return np.concatenate([np.ones((len(places), 1)), places, squares], axis=1)

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Expected outputs (point, output) at places (point, d)."""
        return np.asarray(self._middle + self._scale * (self._basis(places) @ self._weights))


def sample(
    distance: Callable[[np.ndarray], np.ndarray], start: np.ndarray, temperature: float, rng: np.random.Generator
) -> np.ndarray:
    """Walkers of a differential evolution chain on the cube from -1 to 1, under exp(-distance / 2 temperature).

    Args:
        distance: of places (point, d).
        start: (walker, d) first places, an even number of them.
        temperature: 1 for the posterior itself.
        rng: random numbers.

    Returns:
        Last places (walker, d).

    Source: ter Braak 2006, differential evolution Markov chain; halves are moved in turn, each by the other's spread.
    """
    place, cost = start.copy(), distance(start)
    count, d = place.shape
    half = count // 2
    for step in range(STEPS):
        for own, other in ((np.arange(half), np.arange(half, count)), (np.arange(half, count), np.arange(half))):
            pair = np.stack([rng.permutation(other)[: own.size] for _ in range(2)])
            scale = 1.0 if step % 10 == 9 else 2.38 / np.sqrt(2 * d)
            jump = scale * (place[pair[0]] - place[pair[1]]) + rng.normal(0, 0.01, (own.size, d))
            tried = place[own] + jump
            inside = (np.abs(tried) <= 1).all(axis=1)
            new = np.where(inside, distance(np.clip(tried, -1, 1)), np.inf)
            with np.errstate(invalid="ignore"):
                accept = np.log(rng.random(own.size)) < (cost[own] - new) / 2 / temperature
            accept &= inside
            place[own[accept]], cost[own[accept]] = tried[accept], new[accept]
    return place


# ---------------------------------------------------------------------- waves


@dataclass(frozen=True)
class Fit:
    """Every point of a calibration.

    Attributes:
        space: what was fitted.
        targets: what it was fitted to.
        wave: (point,) number of the wave, from 1; the last is the posterior.
        values: (point, assumption).
        outputs: (point, output).
        distance: (point,).
        error: (output,) leave-one-out standard error of the last emulator.
    """

    space: Space
    targets: Targets
    wave: np.ndarray
    values: np.ndarray
    outputs: np.ndarray
    distance: np.ndarray
    error: np.ndarray

    @property
    def posterior(self) -> np.ndarray:
        """(draw, assumption) equally likely rows."""
        return np.asarray(self.values[self.wave == self.wave.max()])


Observe = Callable[[np.ndarray, Sequence[int]], np.ndarray]  # values (point, assumption), seeds -> (point, output)


def calibrate(space: Space, targets: Targets, observe: Observe, sizes: Sequence[int], seed: int) -> Fit:
    """Fit by history matching.

    Args:
        space: ranges, uniform before the fit.
        targets: what the outputs are held against.
        observe: simulates points, each under its own seed.
        sizes: points of each wave, at least two waves; the last is the posterior.
        seed: of the design, the walkers and the simulations.
    """
    rng = np.random.default_rng(seed)
    d = len(space.names)
    sobol = qmc.Sobol(d, rng=np.random.default_rng(seed)).random_base2((sizes[0] - 1).bit_length())[: sizes[0]]
    place = 2 * sobol - 1
    places, outputs = place, observe(space.values(place), _seeds(seed, 0, sizes[0]))
    wave = np.ones(sizes[0], int)
    error = np.zeros(len(targets.outputs))
    for number, size in enumerate(sizes[1:], start=2):
        known = np.isfinite(outputs).all(axis=1)
        far = targets.distance(outputs[known])
        near = 1 / (1 + (far - far.min()) / (TEMPERATURE * d))  # the emulator need be good only where fits are
        emulator = Emulator(places[known], outputs[known], near)
        error = np.sqrt(emulator.variance)

        def emulated(at: np.ndarray, emulator: Emulator = emulator) -> np.ndarray:
            return targets.distance(emulator(at), emulator.variance)

        candidates = rng.uniform(-1, 1, (WALKERS * 16, d))
        start = candidates[np.argsort(emulated(candidates), kind="stable")[:WALKERS]]
        temperature = 1.0 if number == len(sizes) else TEMPERATURE
        place = rng.permutation(sample(emulated, start, temperature, rng))[:size]
        places = np.concatenate([places, place])
        outputs = np.concatenate([outputs, observe(space.values(place), _seeds(seed, wave.size, size))])
        wave = np.concatenate([wave, np.full(size, number)])
    return Fit(space, targets, wave, space.values(places), outputs, targets.distance(outputs), error)


def centre(fit: Fit) -> np.ndarray:
    """The central values, (assumption,): the mean of the posterior, which lies on the ridges that its rows lie along.

    The best of many noisy distances would lie anywhere along what the data cannot identify.
    """
    return np.asarray(fit.posterior.mean(axis=0))


def _seeds(seed: int, first: int, count: int) -> range:
    """A seed for each point, so that chance between points is part of the emulator's error."""
    return range(seed * 100_000 + first, seed * 100_000 + first + count)


# ---------------------------------------------------------------------- the model's own targets

ALLOWED = ROOT / "hindcast" / "calibration.toml"
_FITTED_PATTERNS = "calibration"


class Record:
    """The published record, and the runs of the model that are held against it."""

    def __init__(self, central: Assumptions | None = None) -> None:
        """Read the published series and prepare the three starts; `central` holds what is not fitted."""
        self.central = central or params.load()
        self._runs: dict[str, tuple[Assumptions, Any, Start]] = {}
        for day in (validation.LONG_START, validation.COHORT_START, validation.FREE_START):
            moved, intake = validation.given(self.central, day)
            position = validation.national_start(day) if day == validation.LONG_START else published_start(day)
            self._runs[day] = (_quiet(moved), intake, position)
        self.days = _quarter_ends(validation.LONG_START)
        self.cohort_days = _quarter_ends(validation.COHORT_START)
        self.targets = self._targets()

    def _targets(self) -> Targets:
        file, rule, allowed = validation.targets(), validation.targets()["national"], read_toml(ALLOWED)
        published = np.array([national("support_national", "total", day) for day in self.days])
        single = [
            Target("rmse", "Supported: root mean square error", 0, 0, rule["supported_rmse"], False),
            Target("mean_error", "Supported: mean error", 0, -rule["supported_mean_error"],
                   rule["supported_mean_error"], False),
            Target("inside", "Supported: share of quarters within 6,000", 1, rule["supported_quarters"], 1, False),
        ]  # fmt: skip
        for day, wide in rule["ratio"]:
            target = national("support_national", "total", str(day)) / national("awaiting", "people", str(day))
            single.append(Target(f"ratio_{day}", f"Supported over awaiting, {day}", target, target - wide,
                                 target + wide, False))  # fmt: skip
        single.append(Target("hotel_mae", "Hotels, supported simulated: mean absolute error", 0, 0,
                             rule["hotel_mae_simulated"], False))  # fmt: skip
        single.append(Target("hotel_given", "Hotels, supported given: mean absolute error", 0, 0, rule["hotel_mae"]))
        for day in (validation.FIRST_END, validation.END):
            target, wide = national("support_national", "dispersal", day), rule["dispersal_people"]
            single.append(Target(f"dispersal_{day}", f"Dispersal accommodation, {day}", target, target - wide,
                                 target + wide))  # fmt: skip
        duties, wide = rule["duties"], rule["duties_share"] * rule["duties"]
        single.append(Target("duties", "Homelessness duties, England, 2023-24", duties, duties - wide, duties + wide))
        for pattern in file["pattern"]:
            if pattern["use"] == _FITTED_PATTERNS:
                single += [
                    Target(part["name"], f"{pattern['number']} {pattern['title']}: {part['label']}", part["target"],
                           part["low"], part["high"])
                    for part in pattern["parts"]
                ]  # fmt: skip
        single += [Target(**churn) for churn in file["churn"]]
        label = "People supported for each open appeal, December 2025: simulated less assumed at a start"
        single.append(Target("appeal_coherence", label, 0, -allowed["coherence"], allowed["coherence"]))
        outputs = (*(f"supported_{day}" for day in self.days), *(target.name for target in single))
        persistence = float(self.central.at(published_start(validation.END).day).support.uptake_persistence)
        spread = float(allowed["supported_error"])
        return Targets(outputs, tuple(range(len(self.days))), published, spread, persistence, tuple(single))

    def outputs(self, values: Mapping[str, float], seed: int) -> np.ndarray:
        """Simulate the three starts with one set of values and measure every output."""
        runs = {day: self._run(day, values, seed) for day in self._runs}
        long = runs[validation.LONG_START]["supported_at_month_end"].sum(axis=(1, 2), dtype=float)
        supported = long[MONTHS_A_QUARTER::MONTHS_A_QUARTER]
        awaiting = runs[validation.LONG_START]["awaiting_at_month_end"][MONTHS_A_QUARTER::MONTHS_A_QUARTER]
        error = supported - self.targets.published
        rule = validation.targets()["national"]
        cohort = runs[validation.COHORT_START]["supported_at_month_end"][::MONTHS_A_QUARTER].astype(float)
        free = runs[validation.FREE_START]["supported_at_month_end"][::MONTHS_A_QUARTER].astype(float)
        whole = cohort.sum(axis=1)
        hotels = [national("support_national", "hotel_latest_vintage", day) for day in self.cohort_days]
        totals = [national("support_national", "total", day) for day in self.cohort_days]
        others = whole[1:].sum(axis=1) - whole[1:, _HOTEL]
        found = validation.pattern_values(
            dict(zip(_with_start(validation.FREE_START), free, strict=True)),
            dict(zip(_with_start(validation.COHORT_START), cohort, strict=True)),
        )
        found |= {f"supported_{day}": float(people) for day, people in zip(self.days, supported, strict=True)}
        found |= {
            "rmse": float(np.sqrt((error**2).mean())),
            "mean_error": float(error.mean()),
            "inside": float((np.abs(error) <= rule["supported_people"]).mean()),
            "hotel_mae": float(np.abs(whole[1:, _HOTEL] - hotels).mean()),
            # Hotels are what the rest does not hold: given the published total, the error is that of the rest.
            "hotel_given": float(np.abs(np.array(totals) - others - hotels).mean()),
            "duties": self._duties(runs[validation.COHORT_START]["homelessness_duties_in_month"]),
        }
        for day, _ in rule["ratio"]:
            row = self.days.index(str(day))
            found[f"ratio_{day}"] = float(supported[row] / awaiting[row])
        for day in (validation.FIRST_END, validation.END):
            found[f"dispersal_{day}"] = float(whole[1 + self.cohort_days.index(day), _DISPERSAL])
        # A start of December 2025 assumes what the model must itself lead to there.
        ends = runs[validation.COHORT_START]
        reached = float(ends["stages"][Stage.APPEAL] / max(int(ends["open_appeals_at_month_end"][-1]), 1))
        assumed = values.get(_PER_APPEAL, self._centre(_PER_APPEAL))
        found["appeal_coherence"] = reached - assumed
        return np.array([found[name] for name in self.targets.outputs])

    def _centre(self, name: str) -> float:
        return float(self.central.entries[name].values()[-1])

    def _run(self, day: str, values: Mapping[str, float], seed: int) -> dict[str, np.ndarray]:
        """Arrays of one run, and people supported by stage at its end."""
        assumptions, intake, position = self._runs[day]
        model = prepare(assumptions.moved(values), intake, seed, position)
        model.run_for(intake.size)
        names = ("supported_at_month_end", "awaiting_at_month_end", "homelessness_duties_in_month",
                 "open_appeals_at_month_end")  # fmt: skip
        found = {name: model.recorder[name] for name in names}
        live = model.households.live()
        supported = live[live["support"] == Support.SUPPORTED]
        found["stages"] = np.bincount(supported["stage"], supported["people"], len(Stage))
        return found

    def _duties(self, duties: np.ndarray) -> float:
        months = months_after(published_start(validation.COHORT_START).day, len(duties)).astype(str)
        year = (months >= "2023-04") & (months <= "2024-03")
        england = (params.reference("councils")["nation"] == "England").to_numpy()
        return float(duties[year][:, england].sum())


_PER_APPEAL = "support.people_per_open_appeal"
_DISPERSAL, _HOTEL = KINDS.index("dispersal"), KINDS.index("contingency_hotel")


def _quarter_ends(start: str) -> list[str]:
    """Quarter ends after a start, to the last one published."""
    months = months_after(start_day(start), 12 * 50)
    days = [quarter_end(month) for month in months[::MONTHS_A_QUARTER]]
    return [day for day in days if day <= validation.END]


def _with_start(start: str) -> list[str]:
    return [start, *_quarter_ends(start)]


def _quiet(assumptions: Assumptions) -> Assumptions:
    """Without the drift of entries: it is the model's own error, which the distance allows for."""
    return assumptions.moved({"support.uptake_sd": 0.0})


def observer(record: Record, names: Sequence[str], workers: int, done: Callable[[], None] | None = None) -> Observe:
    """Simulate points of a design on threads, in order.

    Args:
        record: what the model is held against.
        names: assumption of each column of the points.
        workers: threads; the numbers do not depend on it.
        done: told after each point.
    """
    from concurrent.futures import ThreadPoolExecutor

    def observe(values: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
        def one(point: int) -> np.ndarray:
            return record.outputs(dict(zip(names, map(float, values[point]), strict=True)), seeds[point])

        with ThreadPoolExecutor(workers) as pool:
            return np.array(list(_told(pool.map(one, range(len(values))), done)))

    return observe


def _told(results: Iterator[np.ndarray], done: Callable[[], None] | None) -> Iterator[np.ndarray]:
    for result in results:
        if done:
            done()
        yield result
