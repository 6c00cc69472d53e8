"""Studies from a notebook: run or resume one, open one, and see what it holds."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import params
from evidence.progress import Progress, watched
from evidence.records import find, listed, prepare_runs, read_record, runs_folder
from evidence.studies.engine import open_study, run_plan, soundness
from evidence.studies.files import Size, as_toml
from evidence.studies.parts import missing
from evidence.studies.plans import plan
from params import Assumptions, InputError, showing
from params.errors import unknown
from params.register import ROOT
from sim.starts import start_day

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from evidence.exhibits import Pack
    from evidence.records import Record

FOLDER = "studies"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def study(
    what: str | Path | Mapping[str, str | Assumptions],
    *,
    draws: int | None = None,
    replications: int | None = None,
    name: str | None = None,
    months: int = 24,
    start: str = "2025-12-31",
    seed: int = 2026,
    why: str = "A study from a notebook.",
    workers: int | None = None,
    scheduler: str | None = None,
    runs: str | Path | None = None,
    progress: Progress | None = None,
) -> Study:
    """Run a study, resume it where it stopped, or return at once when it is complete.

    Args:
        what: a study file, the name of one in `params/studies`, or arms: a scenario or assumptions from `params.load`
            by the label to print, the first of which is the baseline. Arms become a study file,
            `runs/studies/NAME.toml`, which `dispersal study` runs as well.
        draws: sets of the uncertain assumptions; the file's when None (5 for arms).
        replications: random seeds for each draw; the file's when None (4 for arms).
        name, months, start, seed, why: of a study made from arms; a file has its own.
        workers: threads; every core when None. It changes the time taken and nothing else.
        scheduler: a Dask cluster in place of threads, as `dispersal study --scheduler` takes it.
        runs: folder of all runs; `$DISPERSAL_RUNS`, else `runs/`, when None.
        progress: told how far it is; shown when None.

    Returns:
        The finished study.

    Raises:
        InputError: a file, scenario, assumption or number that cannot be used; nothing is run.
        RunError: a replication failed, or the disk is full; what was finished is kept.
        Interrupted: after Ctrl-C or an interrupt of the kernel; the same call resumes it.

    Example:
        >>> import evidence, params
        >>> more = params.load("current_grant", {"funding.grant_per_person": 1500})
        >>> arms = {"As now": "current_grant", "More": more}
        >>> done = evidence.study(arms, name="grant", draws=1, replications=1, months=3)
        >>> done.status, done.sizes["arms"]
        ('complete', 2)
    """
    folder = prepare_runs(runs_folder(runs))
    size = Size(draws, replications)
    if isinstance(what, Mapping):
        numbers = {"draws": 5 if draws is None else draws, "replications": 4 if replications is None else replications}
        design = numbers | {"seed": seed, "start": start_day(start).isoformat(), "months": months}
        file, size = _written(what, name, why, design, folder), Size()
    elif name is not None:
        raise InputError(f"name: is of a study made from arms; {what} has its own.")
    else:
        file = _file(what)
    return Study(run_plan(plan(file, size), folder, workers, progress or watched(), scheduler), folder)


def opened(study_id: str, runs: str | Path | None = None) -> Study:
    """Open a study that was run or begun.

    Args:
        study_id: name of its folder in `runs`.
        runs: folder of all runs; `$DISPERSAL_RUNS`, else `runs/`, when None.

    Raises:
        InputError: no such study; names the nearest.

    Example:
        >>> import evidence
        >>> evidence.opened("spending-review-00000000")
        Traceback (most recent call last):
        params.errors.InputError: ...holds no study spending-review-00000000...
    """
    folder = runs_folder(runs)
    return Study(find(folder, study_id, "study").name, folder)


def kept(runs: str | Path | None = None) -> pd.DataFrame:
    """What a folder of runs holds, newest first.

    Args:
        runs: folder of all runs; `$DISPERSAL_RUNS`, else `runs/`, when None.

    Returns:
        One row a run: `id`, `kind` (study, comparison, run, forecast, report), `title`, `status`, `created` (UTC).

    Example:
        >>> import evidence
        >>> list(evidence.kept().columns)
        ['id', 'kind', 'title', 'status', 'created']
    """
    import pandas as pd

    folder = runs_folder(runs)
    columns = ["id", "kind", "title", "status", "created"]
    records = sorted((read_record(folder / n) for n in listed(folder)), key=lambda r: r.created, reverse=True)
    return pd.DataFrame([[getattr(record, c) for c in columns] for record in records], columns=columns)


@dataclass(frozen=True, repr=False)
class Study:
    """A study in a folder of runs, finished or not.

    Attributes:
        id: name of its folder.
        runs: the folder of all runs.
    """

    id: str
    runs: Path

    @property
    def record(self) -> Record:
        """What made it: settings, assumptions by arm, inputs, code, packages."""
        return read_record(self.runs / self.id)

    @property
    def status(self) -> str:
        """`complete`, or `unfinished`: running it again finishes it."""
        return self.record.status

    @property
    def arms(self) -> dict[str, str]:
        """Label to print, by arm, in the study's order."""
        return {name: arm["label"] for name, arm in self.record.settings["arms"].items()}

    @property
    def sizes(self) -> dict[str, int]:
        """Arms, draws, replications and months."""
        settings = self.record.settings
        return {"arms": len(settings["arms"])} | {key: settings[key] for key in ("draws", "replications", "months")}

    @property
    def parts(self) -> tuple[int, int]:
        """Parts that are finished and sound, and all parts."""
        return soundness(self.record, missing(self.runs / self.id, self.record))

    @cached_property
    def data(self) -> xr.Dataset:
        """Results, dims (arm, draw, replication, ...), units as attributes; values are read from disk when used.

        Raises:
            InputError: the study is not complete.
        """
        return open_study(self.id, self.runs)

    @cached_property
    def pack(self) -> Pack:
        """The study as figures and tables read it.

        Raises:
            InputError: the study is not complete.
        """
        from evidence.exhibits import open_pack

        return open_pack(self.id, str(self.runs))

    def report(self) -> Path:
        """Build its report, or find the one made earlier, as `dispersal report` does; returns the report's folder.

        Raises:
            InputError: the study is not complete, or lacks what the report is about.
            RunError: a notebook of the report failed.
        """
        from evidence.reporting.report import build

        return build(self.id, self.runs, say=lambda line: print(line, flush=True))

    def _facts(self) -> list[tuple[str, str]]:
        record, sizes = self.record, self.sizes
        sound, total = self.parts
        unfinished = f"unfinished: {sound} of {total} parts are sound; dispersal study --resume {self.id} finishes it"
        baseline = record.settings["baseline"]
        return [
            ("Title", record.title),
            ("Why", str(record.settings.get("why", ""))),
            ("Status", record.status if record.status == "complete" and sound == total else unfinished),
            ("Size", ", ".join(f"{number:,} {what}" for what, number in sizes.items())),
            ("Start", str(record.settings["start"])),
            *((f"Arm {n}{' (baseline)' if n == baseline else ''}", label) for n, label in self.arms.items()),
            ("Made", f"{record.created} UTC, model version {record.model_version}"),
        ]

    def __repr__(self) -> str:
        facts = self._facts()
        wide = max(len(name) for name, _ in facts)
        return "\n".join([f"Study {self.id}", *(f"  {name:<{wide}}  {value}" for name, value in facts)])

    def _repr_html_(self) -> str:
        return showing.table(f"Study {self.id}", ["Item", "Value"], self._facts())


def _file(what: str | Path) -> Path:
    """A study file as given, or one of `params/studies` by name."""
    if isinstance(what, Path) or what.endswith(".toml"):
        return Path(what)
    names = [path.stem for path in (ROOT / "studies").glob("*.toml")]
    if what not in names:
        raise unknown("what", "a study in params/studies", what, names)
    return ROOT / "studies" / f"{what}.toml"


def _written(
    arms: Mapping[str, str | Assumptions], name: str | None, why: str, design: dict[str, Any], runs: Path
) -> Path:
    """Write arms as a study file; one that is there and says the same stays."""
    if name is None or not _NAME.fullmatch(name):
        raise InputError(f"name: {name!r} must be small letters, digits, _ and -, begin with a letter, at most 40.")
    if not arms:
        raise InputError("what: needs at least one arm.")
    keys = {label: _key(label, number) for number, label in enumerate(arms, 1)}
    if len(set(keys.values())) < len(keys):
        keys = {label: f"arm_{number}" for number, label in enumerate(arms, 1)}
    settings = {"title": f"{name}: {'; '.join(arms)}", "why": why, "baseline": next(iter(keys.values()))} | design
    made: dict[str, Any] = {}
    for label, given in arms.items():
        if isinstance(given, Assumptions):
            if params.load(given.scenario, given.given).canonical() != given.canonical():
                raise InputError(f"{label}: is not as params.load returned it; a study draws the assumptions itself.")
            made[keys[label]] = {"label": label, "scenario": given.scenario, "set": dict(given.given)}
        else:
            made[keys[label]] = {"label": label, "scenario": given, "set": {}}
    text = as_toml(json.loads(json.dumps(settings | {"arms": made}, default=str)))
    file = runs / FOLDER / f"{name}.toml"
    file.parent.mkdir(exist_ok=True)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        partial = file.with_name(f".{file.name}.partial")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, file)
    return file


def _key(label: str, number: int) -> str:
    """Name of an arm from its label."""
    words = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30]
    return words if words[:1].isalpha() else f"arm_{number}"

