"""Calibration: a known truth is found again, and nothing but what is marked calibrated moves."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

import params
from params.register import read_register
from sim import calibration, validation
from sim.calibration import Emulator, Space, Target, Targets, calibrate, observer, register_space
from sim.hindcast import given_flows
from sim.run import prepare
from sim.starts import published_start

SPACE = Space(("a", "b", "idle"), np.array([0.0, 10.0, -1.0]), np.array([1.0, 30.0, 1.0]))
TRUTH = np.array([0.3, 22.0, 0.0])


def cheap(values: np.ndarray, seeds) -> np.ndarray:
    """A series that grows with `a` and bends with `b`, and one figure; the third value does nothing."""
    time = np.linspace(0, 1, 6)
    noise = np.array([np.random.default_rng(seed).normal(0, 0.2, 7) for seed in seeds])
    a, b = values[:, :1], values[:, 1:2]
    return np.hstack([20 * a * time + b, 100 * a - b]) + noise


def cheap_targets() -> Targets:
    exact = cheap(TRUTH[None], [7])[0]
    names = tuple(f"day{k}" for k in range(6))
    figure = Target("figure", "a figure", float(exact[6]), float(exact[6]) - 4, float(exact[6]) + 4)
    return Targets((*names, "figure"), tuple(range(6)), exact[:6], 1.0, 0.5, (figure,))


@pytest.mark.unit
def test_a_known_truth_is_found_and_what_does_nothing_stays_wide():
    fit = calibrate(SPACE, cheap_targets(), cheap, (32, 24, 64), seed=3)
    rows = fit.posterior
    ratio = rows.std(axis=0) / ((SPACE.high - SPACE.low) / np.sqrt(12))
    low, high = np.quantile(rows, [0.02, 0.98], axis=0)
    assert ((low <= TRUTH) & (high >= TRUTH)).all()
    assert ratio[0] < 0.25 and ratio[1] < 0.35 and 0.8 < ratio[2] < 1.2
    assert fit.distance[fit.wave == 3].mean() < fit.distance[fit.wave == 1].mean() / 5
    assert ((fit.values >= SPACE.low) & (fit.values <= SPACE.high)).all()
    assert np.bincount(fit.wave).tolist() == [0, 32, 24, 64]


@pytest.mark.unit
def test_the_seed_fixes_the_fit():
    one, same, other = (calibrate(SPACE, cheap_targets(), cheap, (16, 8, 16), seed) for seed in (1, 1, 2))
    assert (one.values == same.values).all() and (one.outputs == same.outputs).all()
    assert (one.posterior != other.posterior).any()


@pytest.mark.unit
def test_an_emulator_is_exact_for_a_quadratic_and_knows_when_it_is_not():
    rng = np.random.default_rng(1)
    places = rng.uniform(-1, 1, (80, 3))
    smooth = 1 + places[:, 0] - 2 * places[:, 1] * places[:, 2] + places[:, 2] ** 2
    rough = np.sign(np.sin(9 * places[:, 0]))
    fitted = Emulator(places, np.stack([smooth, rough], axis=1))
    new = rng.uniform(-1, 1, (50, 3))
    wanted = 1 + new[:, 0] - 2 * new[:, 1] * new[:, 2] + new[:, 2] ** 2
    assert np.abs(fitted(new)[:, 0] - wanted).max() < 0.01
    missed = fitted(new)[:, 1] - np.sign(np.sin(9 * new[:, 0]))
    assert fitted.variance[0] < 1e-3 and 0.5 < fitted.variance[1] / (missed**2).mean() < 2


@pytest.mark.unit
def test_distance_is_that_of_correlated_errors_and_forgives_one_wild_target():
    targets = cheap_targets()
    exact = np.append(targets.published, targets.single[0].target)
    covariance = 0.5 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    shift = np.array([1.0, 1, 1, 1, 1, 1])
    off = exact.copy()
    off[:6] += shift
    assert targets.distance(exact[None])[0] == 0
    assert targets.distance(off[None])[0] == pytest.approx(shift @ np.linalg.solve(covariance, shift))
    steps = [targets.distance((exact + np.append(np.zeros(6), miss))[None])[0] for miss in (2, 20, 40)]
    assert steps[0] == pytest.approx(5 * np.log(1.25)) and steps[2] - steps[1] < steps[1]
    assert targets.distance(np.full((1, 7), np.nan))[0] == np.inf
    assert targets.distance(off[None], np.ones(7))[0] < targets.distance(off[None])[0]


@pytest.mark.unit
def test_only_assumptions_marked_calibrated_are_fitted():
    space, central = register_space(), params.load()
    assert {read_register()[name].kind for name in space.names} == {"calibrated"}
    assert not [name for name in space.names if name.startswith("forecast")]
    row = dict(zip(space.names, space.values(np.full(len(space.names), 0.9)), strict=True))
    assert set(central.moved(row).differences(central)) == set(space.names)


@pytest.mark.behaviour
def test_the_model_itself_gives_back_the_values_it_was_run_with():
    """Half a year from December 2022: entries to support and duties are made by known values, then fitted."""
    names, truth = ("support.uptake", "move_on.duty_share.england"), np.array([0.50, 0.68])
    register = read_register()
    space = Space(names, *(np.array([getattr(register[n], end) for n in names]) for end in ("low", "high")))
    months = 6
    overrides, intake = given_flows("2022-12-31", months)
    base = params.load(overrides=overrides).moved({"support.uptake_sd": 0.0})
    start = published_start("2022-12-31")

    def observe(values: np.ndarray, seeds) -> np.ndarray:
        rows = []
        for row, seed in zip(values, seeds, strict=True):
            model = prepare(base.moved(dict(zip(names, row, strict=True))), intake, seed, start)
            model.run_for(months)
            entered = model.recorder["newly_supported_in_month"].sum()
            rows.append([float(entered), float(model.recorder["homelessness_duties_in_month"].sum())])
        return np.array(rows)

    made = observe(truth[None], [999])[0]
    single = tuple(
        Target(name, name, value, value * 0.96, value * 1.04)
        for name, value in zip(("entered", "duties"), made, strict=True)
    )
    targets = Targets(("entered", "duties"), (), np.zeros(0), 1.0, 0.0, single)
    fit = calibrate(space, targets, observe, (16, 8, 16), seed=1)
    error = np.abs(fit.posterior.mean(axis=0) - truth)
    assert error[0] < 0.015 and error[1] < 0.04
    assert ((fit.posterior >= space.low) & (fit.posterior <= space.high)).all()


@pytest.mark.behaviour
def test_every_output_is_measured_and_threads_do_not_change_it():
    record = calibration.Record()
    used = {part["name"] for p in validation.targets()["pattern"] if p["use"] == "validation" for part in p["parts"]}
    assert not used & set(record.targets.outputs)
    space = register_space()
    values = space.values(np.zeros((1, len(space.names))))
    told: list[int] = []
    one = observer(record, space.names, 1, lambda: told.append(1))(values, [5])
    assert np.isfinite(one).all() and one.shape == (1, len(record.targets.outputs)) and told == [1]
    assert (observer(record, space.names, 2)(values, [5]) == one).all()
    supported = dict(zip(record.targets.outputs, one[0], strict=True))["supported_2025-12-31"]
    assert 60_000 < supported < 150_000
    assert record.central.value("support.uptake_sd", date(2026, 1, 1)) > 0
