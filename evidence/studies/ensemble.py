"""The design of an ensemble, and one replication of it.

Scenario, draw and replication are three things: a draw is one set of the uncertain assumptions, a replication
one random seed. Replication k has the same seed in every arm and draw, and draw d with replication k meets
the same intake path in every arm, so that the difference between two arms is the policy's.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from evidence.records import make_id, model_version, reference_hashes
from params.errors import InputError, unknown

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from params import Assumptions
    from sim import Rules

LIMITS = {
    "draws": (1, 100_000),
    "replications": (1, 10_000),
    "months": (1, 120),
    "seed": (0, 2**31 - 1),
}
MONTHS_A_QUARTER = 3


@dataclass(frozen=True)
class Design:
    """How often, from when and for how long an assumption set is simulated.

    Attributes:
        draws: sets of the uncertain assumptions; draw 0 holds the central values.
        replications: random seeds for each draw.
        seed: what every other seed comes from.
        start: a quarter end with published accommodation by council.
        months: months simulated after the start.
        first: replications before the study was extended, or None; those keep their intake paths.
        compared: whether draws are compared with each other, so that all meet the same intake paths.
    """

    draws: int
    replications: int
    seed: int
    start: date
    months: int
    first: int | None = None
    compared: bool = False

    def check(self, place: str) -> None:
        """Raise an InputError that names the place and the key unless every value can be used."""
        for key, (low, high) in LIMITS.items():
            given = getattr(self, key)
            if not low <= given <= high:
                raise InputError(f"{place}: {key} is {given}; it must be from {low} to {high}.")
        from sim import start_days

        starts = start_days()
        if self.start.isoformat() not in starts:
            guess = min(starts, key=lambda day: abs((date.fromisoformat(day) - self.start).days))
            raise InputError(
                f"{place}: start is {self.start}; it must be a quarter end with published "
                f"accommodation by council. Nearest: {guess}."
            )

    @property
    def origin(self) -> str:
        """The last quarter whose intake is known at the start, such as 2025Q4."""
        return f"{self.start.year}Q{(self.start.month + 2) // MONTHS_A_QUARTER}"

    @property
    def quarters(self) -> int:
        """Quarters of intake the months need."""
        return -(-self.months // MONTHS_A_QUARTER)

    def canonical(self) -> dict[str, Any]:
        """The design as plain JSON."""
        plain = asdict(self) | {"start": self.start.isoformat()}
        if self.first in (None, self.replications):
            del plain["first"]
        if not self.compared:
            del plain["compared"]
        return plain

    def seed_of(self, replication: int) -> int:
        """Seed of a replication, the same in every arm and draw."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{replication}".encode()).digest()[:6])

    def path_of(self, draw: int, replication: int, totals: NDArray[Any]) -> int:
        """Number of the intake path that a draw and replication meet, the same in every arm.

        Paths are taken evenly over the range of their totals (van der Corput's sequence over their ranks), so that a
        few hundred of them show the width of the forecast better than as many taken at random.

        Args:
            totals: (path,) people claiming over the run.
        """
        import numpy as np

        first = self.first or self.replications
        turn, within = divmod(replication, first)
        position = replication if self.compared else (turn * self.draws + draw) * first + within
        level = 0.5 / totals.size
        scale = 0.5
        while position:
            level += scale * (position & 1)
            position >>= 1
            scale /= 2
        return int(np.argsort(totals, kind="stable")[int(level * totals.size) % totals.size])


def load_arm(scenario: str, overrides: Mapping[str, object], place: str, override_place: str) -> Assumptions:
    """Assumptions of one arm.

    Args:
        scenario: name of a scenario.
        overrides: values by dotted name.
        place: where the scenario was named, for the error.
        override_place: where the overrides were written, for the error.

    Raises:
        InputError: for an unknown scenario or assumption, a wrong type, unit or value.
    """
    import params

    names = params.scenario_names()
    if scenario not in names:
        raise unknown(place, "a scenario", scenario, names)
    try:
        return params.load(scenario, overrides)
    except InputError as error:
        message = str(error)
        if message.startswith("--set: "):
            raise InputError(f"{override_place}: {message.removeprefix('--set: ')}") from None
        raise


def run_id(drawn: Assumptions, design: Design, draw: int, only: int | None = None) -> str:
    """Id of the run of one drawn assumption set: `<scenario>-<8 hex>` of everything its numbers depend on."""
    content = {
        "assumptions": drawn.canonical(),
        "design": design.canonical(),
        "draw": draw,
        "only": only,
        "model": model_version(),
        "reference": reference_hashes(),
    }
    return make_id(drawn.scenario, content)


def command(scenario: str, overrides: Mapping[str, object], design: Design, draw: int, replication: int) -> str:
    """One line that repeats one replication of a study as a run."""
    words = ["dispersal", "run", scenario]
    for name, value in overrides.items():
        words += ["--set", f"{name}={_toml(value)}"]
    words += ["--replications", str(design.replications), "--only", str(replication)]
    words += ["--draws", str(design.draws), "--draw", str(draw), "--seed", str(design.seed)]
    words += ["--start", design.start.isoformat(), "--months", str(design.months)]
    return shlex.join(words)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(given)}" for key, given in value.items()) + "}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def intake_path(paths: xr.Dataset, design: Design, draw: int, replication: int) -> xr.DataArray:
    """The intake path of a draw and replication, (month,) or (month, group) where decision groups are known."""
    months = slice(0, design.months)
    number = design.path_of(draw, replication, paths["people"].isel(month=months).sum("month").values)
    people = paths["people_by_group"] if "people_by_group" in paths else paths["people"]
    return people.isel(path=number, month=months).reset_coords(drop=True)


def replicate(
    drawn: Assumptions, paths: xr.Dataset, design: Design, draw: int, replication: int, rules: Rules | None = None
) -> xr.Dataset:
    """Simulate one replication.

    Args:
        drawn: assumptions with the draw already applied.
        paths: intake paths, `people(path, month)`, from the month after the start; `people_by_group` where known.
        design: the ensemble this belongs to.
        draw: number of the draw, which with the replication picks the intake path.
        replication: number of the replication, which picks the seed.
        rules: rules in place of the model's own.

    Returns:
        The run's monthly results, `design.months` long.

    Raises:
        ValueError: when a result is not finite, so that a missing number never enters a store.
    """
    import numpy as np

    import sim

    intake = intake_path(paths, design, draw, replication)
    run = sim.simulate(drawn, intake, design.seed_of(replication), start=design.start.isoformat(), rules=rules)
    for name in run.data_vars:
        values = run.variables[name].values
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{name} has values that are not finite")
    return run
