"""Make an exhibit again from its record and compare it byte for byte with the one that was published.

The exhibit's whole study is simulated again from the settings in the report's record, in a temporary folder; or, asked
for a sample, some of its parts are simulated again and compared with the study that is kept, and the exhibit is made
from that. Either way the notebook that made the exhibit is executed again, and what differs is said. Other studies that
the same notebook reads are taken as they are kept, after a check of every file, and the lines say so.
"""

from __future__ import annotations

import csv
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from evidence.exhibits import read_index
from evidence.progress import Progress
from evidence.records import (
    RunError,
    damaged,
    listed,
    package_versions,
    read_record,
    write_json,
)
from evidence.reporting.citations import Held, locate, origin
from evidence.studies import engine as studies
from evidence.studies import parts
from evidence.studies.ensemble import replicate
from evidence.studies.plans import Plan, changes, from_settings
from evidence.verify import EXHIBITS, INDEX, exhibit_problems, file_sha256
from params.errors import InputError

Say = Callable[[str], None]


def rerun(evidence_id: str, runs: Path, sample: int | None, progress: Progress) -> list[str]:
    """Make one exhibit again.

    Args:
        evidence_id: the exhibit.
        runs: the folder of all runs.
        sample: parts (one draw of one arm each) to simulate again; the whole study when None.
        progress: told how far it is.

    Returns:
        Lines that say what was done and that it agrees.

    Raises:
        InputError: for an unknown exhibit, or a sample that cannot be taken.
        RunError: when this checkout cannot make it, or what it makes differs.
    """
    held = locate(evidence_id, runs)[0]
    if held.record.kind != "report":
        raise InputError(f"{held.id}: is of a {held.record.kind}; its own command makes it again.")
    found = exhibit_problems(held.folder, held.id)
    if found:
        raise RunError(f"{held.id}: is not as it was published ({found[0]}); making it again would compare nothing.")
    with tempfile.TemporaryDirectory(prefix="dispersal-rerun-") as folder:
        temporary = Path(folder)
        planned = _planned(held)
        said = _environment(held)
        if sample is None:
            where = temporary / "runs"
            studies.run_plan(planned, where, progress=progress)
            said.append(f"  all {len(planned.parts)} parts of study {planned.id} simulated again")
            said += _kept(held, runs, where)
        else:
            where = runs
            said += _sampled(held, planned, runs, temporary, sample, progress)
        progress.say(f"  notebook {held.entry['notebook']}")
        made = _executed(held, where, temporary)
        return [f"{held.id}: made again and compared", *said, *_compared(held, made)]


def _planned(held: Held) -> Plan:
    """The study of the report's record, resolved by this checkout; refused when it is another study here."""
    made = origin(held, held.folder.parent)
    if made is None or made.kind != "study":
        raise InputError(f"{held.id}: was not made from a study that can be simulated again from its record.")
    planned = from_settings(made.settings)
    if planned.id == held.entry["study"]:
        return planned
    commit = made.code.get("commit")
    differs = changes(made.assumptions, held.record.model_version, planned)
    raise RunError(
        f"{held.id}: this checkout cannot make it again: {differs}. "
        f"{f'`git checkout {commit}` first.' if commit else 'Its commit is not known.'}"
    )


def _environment(held: Held) -> list[str]:
    """Whether this environment's packages are the record's: only then must every byte agree."""
    was, here = held.record.packages, package_versions()
    changed = [f"{name} {old} is here {here.get(name)}" for name, old in was.items() if here.get(name) != old]
    return ["  packages: as recorded" if not changed else f"  packages differ: {', '.join(changed)}"]


def _sampled(
    held: Held, planned: Plan, runs: Path, temporary: Path, sample: int, progress: Progress
) -> list[str]:
    """Simulate some parts again and hold every number of them against the study that is kept."""
    import numpy as np

    import forecasts
    from evidence.studies import intake
    from evidence.studies.reduction import reduce

    tasks = planned.pairs()
    if not 1 <= sample <= len(tasks):
        raise InputError(f"--sample is {sample}; it must be from 1 to {len(tasks)}, the parts of {planned.id}.")
    kept = studies.open_study(planned.id, runs)
    design = planned.design
    made = intake.forecast(
        temporary / "runs", horizon=design.quarters, origin=design.origin, seed=design.seed,
        assumptions=planned.arms[planned.study.baseline],
    )  # fmt: skip
    paths = forecasts.read_paths(made / intake.PATHS_FILE)
    chosen = random.sample(tasks, sample)
    progress.begin(0, sample)
    for done, (arm, draw) in enumerate(chosen, start=1):
        drawn = planned.drawn(arm, draw)
        for replication in range(design.replications):
            again = reduce(replicate(drawn, paths, design, draw, replication), planned.study.outputs)
            stored = kept.sel(arm=arm, draw=draw, replication=replication)
            for name, values in again.data_vars.items():
                if not np.array_equal(values.values, stored[name].values):
                    raise RunError(
                        f"{held.id}: arm {arm}, draw {draw}, replication {replication}: {name} differs when "
                        "simulated again"
                    )
        progress.update(done, 0)
    progress.end()
    names = ", ".join(f"{arm} draw {draw}" for arm, draw in chosen)
    return [
        f"  {sample} of {len(tasks)} parts simulated again, taken at random ({names}): every number agrees",
        "  the other parts are taken from the study kept here; leave --sample out to simulate them too",
    ]


def _kept(held: Held, runs: Path, where: Path) -> list[str]:
    """Put the other studies that the report reads beside the one simulated again, each checked against its record."""
    own, said = str(held.entry["study"]), []
    for name in held.record.parents:
        if name == own or name not in listed(runs):
            continue
        record = read_record(runs / name)
        is_study = record.kind == "study"
        absent = parts.missing(runs / name, record) if is_study else damaged(runs / name, record.outputs)
        if absent:
            raise RunError(f"{name}/{absent[0]}: missing or changed, and the notebook of {held.id} reads it")
        shutil.copytree(runs / name, where / name)
        said.append(f"  {name} taken as it is kept here; an exhibit of its own makes it again")
    return said


def _executed(held: Held, runs: Path, temporary: Path) -> Path:
    """Execute the notebook that made an exhibit, with the exhibits of earlier notebooks beside it."""
    from evidence.reporting.report import NOTEBOOKS, UNIT_COSTS, execute_alone

    name = str(held.entry["notebook"])
    made = temporary / EXHIBITS
    made.mkdir()
    earlier = NOTEBOOKS[: NOTEBOOKS.index(name)]
    before = [entry for entry in read_index(held.folder / EXHIBITS) if entry["notebook"] in earlier]
    write_json(made / INDEX, before)
    for file in (file for entry in before for file in entry["files"]):
        shutil.copyfile(held.folder / EXHIBITS / file, made / file)  # a notebook may read what an earlier one showed
    parameters, local = held.record.settings["parameters"], held.folder / UNIT_COSTS
    execute_alone(name, temporary, held.record.settings["study"], runs, made, parameters, local)
    return made


def _compared(held: Held, made: Path) -> list[str]:
    """That the exhibit made again is the one published.

    Raises:
        RunError: when it is not; says what differs.
    """
    again = {entry["name"]: entry for entry in read_index(made)}.get(held.entry["name"])
    if again is None:
        raise RunError(f"{held.id}: its notebook no longer makes {held.entry['name']}")
    if again["sha256"] != held.entry["sha256"]:
        raise RunError(f"{held.id}: made again it is {again['id']}; {_difference(held, made / f'{again["id"]}.csv')}")
    files = held.entry["files"]
    wrong = [name for name, sha256 in files.items() if file_sha256(made / name) != sha256]
    if wrong:
        raise RunError(f"{held.id}: words and numbers agree, but {', '.join(wrong)} was drawn differently")
    return [f"  words, numbers and {len(files)} {'file' if len(files) == 1 else 'files'} agree byte for byte"]


def _difference(held: Held, path: Path) -> str:
    """What differs between two versions of an exhibit's data, or that only the words do."""
    with (held.folder / EXHIBITS / f"{held.id}.csv").open(encoding="utf-8", newline="") as file:
        before = list(csv.reader(file))
    with path.open(encoding="utf-8", newline="") as file:
        after = list(csv.reader(file))
    if before == after:
        return "its numbers agree and its words differ"
    if [len(row) for row in before] != [len(row) for row in after]:
        return "its table has another shape"
    pairs = [(a, b) for old, new in zip(before, after, strict=True) for a, b in zip(old, new, strict=True) if a != b]
    return f"{len(pairs)} of {sum(map(len, before))} cells differ, the first {pairs[0][0]!r} and now {pairs[0][1]!r}"
