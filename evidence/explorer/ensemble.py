"""A paired ensemble that grows in the background: a quick look first, then more simulations until it is whole or moved.

Simulation n of any position has the same seed, the same draw of the assumptions and the same intake path, so that two
positions differ by what was moved and by nothing else. They are those of `evidence.compare` with the same draws,
replications, months and seed: simulation n is draw `n % draws` of replication `n // draws`.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.explorer.levers import Position
from evidence.studies.ensemble import Design, replicate
from params.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

# An odd number of replications: the intake paths of each then lie evenly over the forecast, not to one side of it.
DESIGN = Design(draws=8, replications=5, seed=2026, start=date(2025, 12, 31), months=51)
BATCH = 5  # simulations of each arm in the quick look, and between one picture and the next
FEWEST_MONTHS = 27  # to March 2028, so that there is a financial year for policy to change
KEPT_POSITIONS = 12
AS_NOW, MOVED = "as_now", "moved"
# What the explorer shows is made of these; the rest of a simulation is dropped, so that many positions can be kept.
_KEPT = (
    "supported_at_month_end", "supported_by_region_at_month_end", "supported_at_quarter_end", "price_level",
    "council_gross_cost_in_month", "grant_in_month", "home_office_cost_in_month", "other_public_cost_in_month",
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What is known of a position at one moment.

    Attributes:
        position: where the levers stand.
        comparator: what it is compared with (itself when nothing was moved).
        study: results with dims (arm, draw, replication, ...) as a study has them; the arms are `as_now` and `moved`
            (`as_now` alone when nothing was moved), every simulation is one `draw`, and `replication` has length 1.
        simulations: of each arm so far.
        total: of each arm when it is whole.
    """

    position: Position
    comparator: Position
    study: xr.Dataset
    simulations: int
    total: int

    @property
    def whole(self) -> bool:
        """Whether nothing more will come."""
        return self.simulations == self.total

    @property
    def arms(self) -> dict[str, str]:
        """Labels by arm, the comparator first."""
        labels = {AS_NOW: self.comparator.label()}
        return labels if self.position == self.comparator else labels | {MOVED: self.position.label()}


def checked(draws: int, replications: int, months: int) -> Design:
    """The explorer's design with other sizes.

    Raises:
        InputError: a number that cannot be used.
    """
    design = replace(DESIGN, draws=draws, replications=replications, months=months)
    design.check("explore")
    if months < FEWEST_MONTHS:
        raise InputError(f"explore: months is {months}; it must be at least {FEWEST_MONTHS}, to the end of 2027-28.")
    return design


class Stopped(Exception):
    """The levers were moved on, or the ensemble was closed."""


class Ensemble:
    """Simulates where the levers stand, a batch at a time, in a thread of its own.

    Args:
        runs: folder of all runs, where intake forecasts are kept.
        look: told of every batch, in the ensemble's thread.
        say: told in words what is being waited for.
        fail: told in one line why a position cannot be simulated.
        design: draws, replications, seed, start and months.
        batch: simulations between one look and the next.
        workers: threads that simulate; every core when None. The numbers do not depend on it.

    Attributes:
        design: as given.
    """

    def __init__(
        self,
        runs: Path,
        look: Callable[[Look], None],
        say: Callable[[str], None],
        fail: Callable[[str], None],
        design: Design = DESIGN,
        batch: int = BATCH,
        workers: int | None = None,
    ) -> None:
        self.design = design
        self._runs, self._batch = runs, batch
        self._look, self._say, self._fail = look, say, fail
        self._paths: dict[Hashable, xr.Dataset] = {}
        self._kept: OrderedDict[Position, dict[int, xr.Dataset]] = OrderedDict()
        self._wanted: Position | None = None
        self._changed = threading.Condition()
        self._moves, self._closed = 0, False
        self._pool = ThreadPoolExecutor(workers or os.cpu_count() or 1, thread_name_prefix="explorer")
        self._thread = threading.Thread(target=self._work, name="explorer", daemon=True)
        self._thread.start()

    @property
    def total(self) -> int:
        """Simulations of each arm when it is whole."""
        return self.design.draws * self.design.replications

    def move(self, position: Position) -> None:
        """Simulate another position; what is under way for the one before is given up, what is finished is kept."""
        with self._changed:
            self._wanted, self._moves = position, self._moves + 1
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, and wait until nothing runs any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    # ------------------------------------------------------------------ in its own thread

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._wanted is not None)
                if self._closed or self._wanted is None:
                    return
                position, move, self._wanted = self._wanted, self._moves, None
            try:
                for look in self._looks(position, move):
                    self._look(look)
            except Stopped:
                continue
            except InputError as error:
                self._fail(str(error))
            except Exception as error:  # a fault of the program must reach the person, not die in a thread
                self._fail(f"{type(error).__name__}: {error}")

    def _current(self, move: int) -> None:
        if self._closed or move != self._moves:
            raise Stopped

    def _looks(self, position: Position, move: int) -> Iterator[Look]:
        comparator = position.comparator()
        for each in dict.fromkeys((comparator, position)):
            self._intake(each)
        done = 0
        while done < self.total:
            upto = min(done + self._batch, self.total)
            self._simulate(dict.fromkeys((comparator, position)), range(done, upto), move)
            done = upto
            self._current(move)
            yield Look(position, comparator, self._study(position, comparator, done), done, self.total)

    def _simulate(self, positions: dict[Position, None], numbers: range, move: int) -> None:
        """Simulate what is missing of some positions; gives up between two simulations when the levers move."""
        running: list[Future[None]] = []
        for number in numbers:
            for position in positions:
                kept = self._kept.setdefault(position, {})
                self._kept.move_to_end(position)
                if number not in kept:
                    running.append(self._pool.submit(self._one, position, number, kept, move))
        try:
            for future in running:
                future.result()
        finally:
            for future in running:
                future.cancel()
        while len(self._kept) > KEPT_POSITIONS:
            self._kept.popitem(last=False)

    def _one(self, position: Position, number: int, kept: dict[int, xr.Dataset], move: int) -> None:
        from evidence.studies.reduction import reduce

        self._current(move)
        draw, replication = number % self.design.draws, number // self.design.draws
        drawn = position.assumptions().with_draw(draw, self.design.draws, self.design.seed)
        run = reduce(replicate(drawn, self._intake(position), self.design, draw, replication))
        # Councils are shown at the end alone.
        kept[number] = run[list(_KEPT)].isel(quarter_end=[-1])

    def _intake(self, position: Position) -> xr.Dataset:
        """Intake paths of the position's world, made once and kept in runs/ as a study's are."""
        from evidence.studies import intake

        world = position["intake"]
        if world not in self._paths:
            import forecasts

            self._say("Making the intake forecast (once for each kind of intake)")
            design = self.design
            source = intake.forecast(
                self._runs, horizon=design.quarters, origin=design.origin, seed=design.seed,
                assumptions=position.assumptions(),
            )  # fmt: skip
            self._paths[world] = forecasts.read_paths(source / intake.PATHS_FILE)
        return self._paths[world]

    def _study(self, position: Position, comparator: Position, simulations: int) -> xr.Dataset:
        """The first simulations of both as one dataset, paired."""
        import numpy as np
        import xarray as xr

        arms = [comparator] if position == comparator else [comparator, position]
        runs = [[self._kept[arm][n] for n in range(simulations)] for arm in arms]
        first = runs[0][0]
        variables: dict[str, Any] = {}
        for name in _KEPT:
            values = np.stack([np.stack([run[name].values for run in own]) for own in runs])[:, :, np.newaxis]
            variables[name] = (("arm", "draw", "replication", *first[name].dims), values, first[name].attrs)
        coords = {name: c for name, c in first.coords.items()}
        coords |= {"arm": [AS_NOW, MOVED][: len(arms)], "draw": range(simulations), "replication": [0]}
        return xr.Dataset(variables, coords, {"baseline": AS_NOW, "price_base": first.attrs["price_base"]})
