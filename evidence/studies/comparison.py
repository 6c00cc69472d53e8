"""What a change is worth: the model as it is against the model with one rule or assumption changed, run in pairs.

Every arm meets the same random numbers and the same intake paths, so that a difference is the change's. Two
uncertainties stay apart: the interval is over draws of the assumptions, the Monte Carlo error is what more replications
would take away.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evidence.progress import Progress, Silent, watched
from evidence.records import Record, exclusive, prepare_runs
from evidence.studies import intake, kept_parts
from evidence.studies.comparison_plans import BASE, TOGETHER, Change, Planned, plan
from evidence.studies.engine import Interrupted
from evidence.studies.ensemble import Design, replicate
from params import Assumptions, InputError
from sim.rules import warn_of_cost
from sim.starts import start_day

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from evidence.exhibits import Exhibit, Pack

_POLL_SECONDS = 0.25


def compare(
    changes: Mapping[str, Change],
    base: str | Assumptions = "central",
    *,
    draws: int = 5,
    replications: int = 4,
    months: int = 24,
    start: str = "2025-12-31",
    seed: int = 2026,
    workers: int | None = None,
    name: str | None = None,
    runs: str | Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run the model as it is and with each change, in pairs, and say what each change is worth.

    Args:
        changes: a change by the label to print. A change is `sim.Rules(...)` with the rules that are replaced, or
            assumptions by dotted name as `params.load` takes them. With two changes or more, an arm with all of
            them shows their interaction.
        base: scenario, or assumptions from `params.load`, that everything is compared with.
        draws: sets of the uncertain assumptions; the first holds the central values. An interval needs five.
        replications: random seeds for each draw.
        months: months simulated after the start.
        start: a quarter end with published accommodation by council.
        seed: what every other seed comes from.
        workers: threads; every core when None. It changes the time taken and nothing else.
        name: keep every finished simulation under this name, so that the same call resumes after a crash. Rules are
            known by the hash of their source and of what they use; one that cannot be known so is not kept, and
            that is said.
        runs: folder of all runs; `$DISPERSAL_RUNS`, else `runs/`, when None. The intake forecast is kept there.
        progress: told how far it is; shown when None.

    Returns:
        The comparison, which shows its table in a notebook.

    Raises:
        InputError: a change, base or number that cannot be used, or a rule whose answer cannot be.
        Interrupted: after Ctrl-C or an interrupt of the kernel.

    Warns:
        sim.RuleWarning: a plain Python rule took a noticeable share of the time.

    Example:
        >>> import evidence, sim
        >>> nobody = sim.Rules(objection_chance=lambda councils, now: 0 * councils.population)
        >>> found = evidence.compare({"Nobody objects": nobody}, draws=1, replications=2, months=3)
        >>> sorted(found.worth["measure"].unique())
        ['beds', 'councils', 'home_office', 'hotel_nights', 'other_bodies']
    """
    *_, done = refine(
        changes, base, draws=draws, replications=replications, months=months, start=start, seed=seed, workers=workers,
        name=name, runs=runs, progress=progress or watched(),
    )  # fmt: skip
    for arm, own in done.planned.rules.items():
        if arm != TOGETHER:
            warn_of_cost(own, done.seconds.get(arm, 0.0))
    return done


def refine(
    changes: Mapping[str, Change],
    base: str | Assumptions = "central",
    *,
    draws: int = 5,
    replications: int = 4,
    months: int = 24,
    start: str = "2025-12-31",
    seed: int = 2026,
    workers: int | None = None,
    name: str | None = None,
    runs: str | Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Comparison]:
    """Compare as `compare` does, and show what is known after each draw.

    Args:
        changes, base, draws, replications, months, start, seed, workers, name, runs: as for `compare`.
        progress: told how far it is; silent when None.

    Yields:
        A comparison of the draws so far: central values first, one draw more each time; the last is that of `compare`.

    Raises:
        InputError: as `compare`.

    Example:
        >>> import evidence
        >>> looks = evidence.refine({"No steering": {"placement.steering": 0.0}}, draws=2, replications=1, months=3)
        >>> [look.draws for look in looks]
        [1, 2]
    """
    if workers is not None and not 1 <= workers <= 1024:
        raise InputError(f"workers: is {workers}; it must be from 1 to 1024.")
    design = Design(draws, replications, seed, start_day(start), months)
    shown = progress or Silent()
    return _Engine(plan(changes, base, design, name, runs, shown), workers or os.cpu_count() or 1, shown).looks()


class _Engine:
    """Simulates the parts of a comparison on threads: one part is one replication of one draw of one arm."""

    def __init__(self, planned: Planned, workers: int, progress: Progress) -> None:
        self.planned, self.workers, self.progress = planned, workers, progress
        self.seconds = dict.fromkeys(planned.arms, 0.0)
        self._stop = threading.Event()
        self._adding = threading.Lock()

    def looks(self) -> Iterator[Comparison]:
        """The comparison after each draw."""
        planned, design = self.planned, self.planned.design
        prepare_runs(planned.runs)
        with exclusive(planned.runs, planned.id) if planned.id else nullcontext():
            forecast = intake.forecast(
                planned.runs, horizon=design.quarters, origin=design.origin, seed=design.seed,
                assumptions=planned.arms[BASE],
            )  # fmt: skip

            import forecasts

            paths = forecasts.read_paths(forecast / intake.PATHS_FILE)
            record = planned.record(forecast)
            store = kept_parts.begin(planned.runs / planned.id, record) if planned.id else kept_parts.Nowhere()
            parts = {
                (arm, draw, replication)
                for draw in range(design.draws)
                for arm in planned.arms
                for replication in range(design.replications)
            }
            known = {part: found for part in parts if (found := store.read(part)) is not None}
            total, earlier = len(parts), len(known)
            self.progress.begin(earlier, total)
            try:
                for draw in range(design.draws):
                    left = [part for part in sorted(parts) if part[1] == draw and part not in known]
                    with closing(self._simulated(left, paths)) as simulated:
                        for part, result in simulated:
                            store.write(part, result)
                            known[part] = result
                            self.progress.update(len(known), 0)
                    last = draw == design.draws - 1
                    if last:
                        record = store.finish(record)
                    yield Comparison(planned, known, draw + 1, record, dict(self.seconds))
            except KeyboardInterrupt:
                kept = f"what was finished is kept as {planned.id}; the same call resumes it"
                raise Interrupted(f"Stopped; {kept if planned.id else 'nothing was to be kept (no name)'}.") from None
            finally:
                self.progress.end()

    def _simulated(
        self, left: list[kept_parts.Part], paths: xr.Dataset
    ) -> Generator[tuple[kept_parts.Part, xr.Dataset]]:
        """Simulate some parts, each handed over as soon as it is done."""
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="compare")
        running: dict[Future[xr.Dataset | None], kept_parts.Part] = {pool.submit(self._part, p, paths): p for p in left}
        try:
            while running:
                done, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    part, result = running.pop(future), future.result()
                    assert result is not None
                    yield part, result
        finally:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            self._stop.clear()

    def _part(self, part: kept_parts.Part, paths: xr.Dataset) -> xr.Dataset | None:
        from evidence.studies.reduction import reduce

        if self._stop.is_set():
            return None
        arm, draw, replication = part
        planned, design = self.planned, self.planned.design
        began = time.thread_time()
        drawn = planned.arms[arm].with_draw(draw, design.draws, design.seed)
        run = reduce(replicate(drawn, paths, design, draw, replication, planned.rules.get(arm)))
        with self._adding:
            self.seconds[arm] += time.thread_time() - began
        return run


@dataclass(frozen=True, repr=False)
class Comparison:
    """What each change is worth, by the draws simulated so far.

    Attributes:
        planned: arms, labels, design and id.
        parts: reduced results by arm, draw and replication.
        draws: draws that are complete.
        record: what made it, as of a study.
        seconds: processor time simulated by arm in this process.
    """

    planned: Planned
    parts: Mapping[kept_parts.Part, xr.Dataset]
    draws: int
    record: Record
    seconds: Mapping[str, float]

    @property
    def id(self) -> str:
        """Name of its folder in `runs`, empty when nothing is kept."""
        return self.planned.id

    @property
    def labels(self) -> dict[str, str]:
        """Name to print, by arm, the base first."""
        return dict(self.planned.labels)

    @cached_property
    def study(self) -> xr.Dataset:
        """Every result, dims (arm, draw, replication, ...) as those of a study; see `evidence.studies.reduction`."""
        import xarray as xr

        design, arms = self.planned.design, list(self.planned.arms)
        template = self.parts[BASE, 0, 0]
        rows = [
            [[self.parts[arm, draw, number] for number in range(design.replications)] for draw in range(self.draws)]
            for arm in arms
        ]
        made = {
            name: (
                ("arm", "draw", "replication", *variable.dims),
                np.stack([np.stack([np.stack([r[name].values for r in d]) for d in own]) for own in rows]),
                variable.attrs,
            )
            for name, variable in template.data_vars.items()
        }
        labelled = {
            "arm": ("arm", arms, {"long_name": "arm: one setting"}),
            "arm_label": ("arm", list(self.labels.values()), {"long_name": "arm, for a reader"}),
            "draw": ("draw", list(range(self.draws)), {"long_name": "draw: one set of assumptions"}),
            "replication": ("replication", list(range(design.replications)), {"long_name": "replication: one seed"}),
        }
        attrs = {
            "title": self.record.title,
            "comment": "Modelled estimates from synthetic households; not official statistics.",
            "source": f"dispersal workbench, model version {self.record.model_version}",
            "study_id": self.record.id,
            "baseline": BASE,
            "start": design.start.isoformat(),
            "seed": str(design.seed),
            "price_base": template.attrs["price_base"],
            "deflator": template.attrs["deflator"],
            "model_version": self.record.model_version,
        }
        return xr.Dataset(made, {**template.coords, **labelled}, attrs)

    @property
    def pack(self) -> Pack:
        """The same as figures and tables read it; nothing in it can be cited."""
        from dataclasses import asdict

        from evidence.exhibits import Pack

        folder = self.planned.runs / self.id if self.id else self.planned.runs
        return Pack(self.record.id, self.study, asdict(self.record), folder, None)

    def samples(self, measure: str) -> xr.DataArray:
        """One measure, (arm, draw, replication): beds at the end, nights and GBP cash summed over the run.

        Args:
            measure: `beds`, `hotel_nights`, `home_office`, `councils` or `other_bodies`.

        Raises:
            InputError: another measure; names the nearest.
        """
        from evidence.studies.worth import measured

        return measured(self.study, measure)

    @cached_property
    def worth(self) -> pd.DataFrame:
        """What each change is worth: one row a change and measure, change less base in the same simulation.

        Returns:
            Columns `change` (arm, or `interaction`: all together less the sum of each), `label`, `measure`, `central`
            (mean), `low80` and `high80` (over draws; NaN under five draws), `monte_carlo_error` (one standard error)
            and `base` (the mean of the measure in the base).
        """
        from evidence.studies.worth import table

        return table(self.study, self.labels)

    @property
    def rules(self) -> pd.DataFrame:
        """Rules that are replaced: `change`, `rule`, `function`, `compiled`, and `share` of the run it took (NaN
        when every simulation was kept from earlier)."""
        import pandas as pd

        rows = [
            {
                "change": self.labels[arm],
                "rule": rule,
                "function": own.name.partition("(")[2].removesuffix(")"),
                "compiled": own.compiled,
                "share": own.seconds / self.seconds[arm] if self.seconds.get(arm) else np.nan,
            }
            for arm, rules in self.planned.rules.items()
            if arm != TOGETHER
            for rule, own in rules.replaced.items()
        ]
        return pd.DataFrame(rows, columns=["change", "rule", "function", "compiled", "share"])

    def table(self) -> Exhibit:
        """The table of what each change is worth, with intervals and Monte Carlo errors apart."""
        from evidence.studies.worth import exhibit

        return exhibit(self)

    def waterfall(self, measure: str = "beds") -> Exhibit:
        """What each change contributes, the interaction of several, and the total: steps that add up.

        Args:
            measure: as for `samples`, or `pounds` for the three ledgers side by side.

        Raises:
            InputError: another measure; names the nearest.
        """
        from evidence.studies.worth import waterfall

        return waterfall(self, measure)

    def __repr__(self) -> str:
        from evidence.studies.worth import said

        return said(self)

    def _repr_html_(self) -> str:
        from evidence.studies.worth import shown

        return shown(self)
