"""The points of a study's designs: arms from levers, and draws from levels of the register's distributions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evidence.studies import indices
from evidence.studies.files import FACTORIAL, LATIN_HYPERCUBE, MORRIS, ONE_AT_A_TIME, SOBOL, Arm, Sample, Study
from params.errors import InputError, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from params import Assumptions

MOST_ARMS = 10_000
LOW, HIGH = 0.1, 0.9  # where one assumption at a time is moved


@dataclass(frozen=True)
class Levels:
    """Draws of a design.

    Attributes:
        axes: what is moved, by name: an assumption, or a group of those that only fit together.
        values: probability levels (draw, axis); NaN leaves an axis central.
        step: draws that belong together, by which the design grows.
    """

    axes: tuple[str, ...]
    values: NDArray[np.float64]
    step: int

    def at(self, draw: int) -> dict[str, float]:
        """Levels of one draw, by axis; what stays central is left out."""
        row = zip(self.axes, self.values[draw], strict=True)
        return {axis: float(level) for axis, level in row if np.isfinite(level)}


def arms_of(study: Study, place: str) -> dict[str, Arm]:
    """The arms of a study, those that its levers make among them; the first is the baseline.

    Raises:
        InputError: a lever is set by the arm too, or there are too many combinations.
    """
    if study.levers is None:
        return study.arms
    base, levels = study.arms[study.baseline], study.levers.levels
    for name in levels:
        if name in base.overrides:
            raise InputError(f"{place}: arms.{study.baseline}.set: {name} is a lever too; its first level holds there.")
    chosen: Sequence[Mapping[str, Any]]
    if study.levers.design == FACTORIAL:
        count = int(np.prod([len(values) for values in levels.values()], dtype=float))
        if count > MOST_ARMS:
            raise InputError(f"{place}: levers: {count:,} combinations; at most {MOST_ARMS:,}.")
        chosen = [dict(zip(levels, values, strict=True)) for values in itertools.product(*levels.values())]
    else:
        first = {name: values[0] for name, values in levels.items()}
        chosen = [first, *(first | {name: value} for name, values in levels.items() for value in values[1:])]
    width = len(str(len(chosen)))
    made = {}
    for number, setting in enumerate(chosen):
        name = study.baseline if number == 0 else f"{study.baseline[: 39 - width]}_{number:0{width}d}"
        label = base.label if number == 0 else "; ".join(f"{key} {value}" for key, value in setting.items())
        made[name] = Arm(label=label[:400], scenario=base.scenario, set={**base.overrides, **setting})
    return made


def levels_of(sample: Sample, seed: int, assumptions: Assumptions, place: str) -> Levels:
    """Levels of every draw of a sample.

    Args:
        sample: the design.
        seed: of the study.
        assumptions: of the baseline, whose overrides are policy and are not drawn.
        place: names the file in errors.

    Raises:
        InputError: an assumption is unknown, or is not drawn here; a number of points that the design cannot have.
    """
    axes = tuple(_axes(sample, assumptions, f"{place}: sample.assumptions"))
    points = sample.points or 0
    centre = np.full((1, len(axes)), np.nan)
    if sample.design == ONE_AT_A_TIME:
        moved = np.full((2 * len(axes), len(axes)), np.nan)
        for number in range(len(axes)):
            moved[[2 * number, 2 * number + 1], number] = LOW, HIGH
        return Levels(axes, np.concatenate([centre, moved]), 1)
    try:
        if sample.design == SOBOL:
            return Levels(axes, indices.sobol_points(axes, points, seed), len(axes) + 2)
        if sample.design == MORRIS:
            return Levels(axes, indices.morris_points(axes, points, seed), len(axes) + 1)
    except InputError as error:
        raise InputError(f"{place}: sample: {str(error).replace('base is', 'points is')}") from None
    assert sample.design == LATIN_HYPERCUBE
    if points < 2:
        raise InputError(f"{place}: sample: points is {points}; a Latin hypercube needs at least 2, the first central.")
    from scipy.stats import qmc

    cube = qmc.LatinHypercube(d=len(axes), rng=seed).random(points - 1)
    return Levels(axes, np.concatenate([centre, cube]), 1)


def _axes(sample: Sample, assumptions: Assumptions, place: str) -> list[str]:
    axis = assumptions.axes()
    moved = {a for name, a in axis.items() if any(step.drawn for step in assumptions.steps[name])}
    if not sample.assumptions:
        return sorted(moved)
    found: list[str] = []
    for name in sample.assumptions:
        if name not in axis and name not in axis.values():
            if name in assumptions.entries:
                raise InputError(f"{place}: {name} has no distribution to draw from; make it a lever.")
            raise unknown(place, "an uncertain assumption", name, {*axis, *axis.values()})
        own = axis.get(name, name)
        if own not in moved:
            raise InputError(f"{place}: {name} is set by the baseline's scenario, so that no draw moves it.")
        if own in found:
            raise InputError(f"{place}: {name} is drawn together with another that is named ({own}).")
        found.append(own)
    return found
