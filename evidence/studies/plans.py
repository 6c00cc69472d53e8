"""A study resolved: every arm, every draw, and the parts that it is simulated in.

A part is whole shards of the store: some draws of one arm with some of their replications. Nothing else writes there,
so that one worker and many give the same bytes, and a part that was cut short is simply done again.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.records import Record, RunError, make_id, model_version, reference_hashes
from evidence.studies import designs, intake
from evidence.studies.ensemble import Design, command, load_arm
from evidence.studies.files import SOBOL, Size, Study, as_toml, design_of, parse_study, read_study
from params.errors import InputError, nearest, unknown
from params.register import ROOT

if TYPE_CHECKING:
    from params import Assumptions

RECEIPTS = "receipts"
PART_REPLICATIONS = 20  # about 20 MB of results with every council
LEAN_REPLICATIONS = 60  # where the study says what to keep


@dataclass(frozen=True)
class Part:
    """Some draws of one arm with some of their replications, by name and by position on the store's axes.

    Attributes:
        number: position among the study's parts.
        arm: name of the arm.
        place: position on the store's grid of shards: arm, draws, replications.
        draws: numbers of its draws.
        replications: numbers of its replications.
    """

    number: int
    arm: str
    place: tuple[int, int, int]
    draws: range
    replications: range

    @property
    def receipt(self) -> str:
        """Name of the file that vouches for the part's shards."""
        return f"{self.arm}-{self.draws.start}-{self.replications.start}.json"

    @property
    def size(self) -> int:
        """Simulations in it."""
        return len(self.draws) * len(self.replications)


def parts_of(settings: Mapping[str, Any]) -> list[Part]:
    """Every part of a study from the settings in its record, all arms of a draw together.

    Raises:
        RunError: when an earlier version of the workbench stored it.
    """
    if "part" not in settings:
        raise RunError(
            f"{settings['file']}: was stored by an earlier version of the workbench; "
            f"move its folder away and run it again: {run_again(settings)}"
        )
    arms, (draws, replications) = list(settings["arms"]), settings["part"]
    cells = [
        (arm, position, d, r)
        for d in range(-(-settings["draws"] // draws))
        for r in range(-(-settings["replications"] // replications))
        for position, arm in enumerate(arms)
    ]
    return [
        Part(
            number,
            arm,
            (position, d, r),
            range(d * draws, min((d + 1) * draws, settings["draws"])),
            range(r * replications, min((r + 1) * replications, settings["replications"])),
        )
        for number, (arm, position, d, r) in enumerate(cells)
    ]


def run_again(settings: Mapping[str, Any]) -> str:
    """The line that runs a recorded study; a file that is not in `params/studies` is named without its folder."""
    name = str(settings["file"])
    return f"dispersal study {f'params/studies/{name}' if (ROOT / 'studies' / name).is_file() else name}"


@dataclass(frozen=True)
class Plan:
    """A study with every arm resolved: all that its numbers depend on.

    Attributes:
        file: where the study was read.
        study: the study, with the arms and draws that its designs make.
        arms: assumptions of each arm.
        levels: draws of its sample, or None where draws are those of the register.
        first: replications, and points of the sample, before it was extended.
        id: name of its folder.
        family: digest shared by the study and its extensions.
        again: the command that resumes it.
    """

    file: Path
    study: Study
    arms: Mapping[str, Assumptions]
    levels: designs.Levels | None
    first: tuple[int, int | None]
    id: str
    family: str
    again: str

    @property
    def draws(self) -> int:
        """Draws of each arm."""
        return self.study.draws or 0

    @property
    def design(self) -> Design:
        """How often, from when and for how long each arm runs."""
        return design_of(self.study, self.draws, self.first[0])

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What was asked for, as plain JSON: the study, its file, its part's size, what it was extended from."""
        return self.study.model_dump(mode="json", by_alias=True) | {
            "file": self.file.name,
            "part": list(_part_size(self)),
            "first": list(self.first),
        }

    @cached_property
    def parts(self) -> list[Part]:
        """Every part."""
        return parts_of(self.settings)

    def pairs(self) -> list[tuple[str, int]]:
        """Every arm and draw."""
        return [(arm, draw) for draw in range(self.draws) for arm in self.arms]

    def drawn(self, arm: str, draw: int) -> Assumptions:
        """Assumptions of one draw of one arm."""
        if self.levels is None:
            return self.arms[arm].with_draw(draw, self.draws, self.study.seed)
        return replace(self.arms[arm].at_levels(self.levels.at(draw)), draw=draw)

    def command(self, arm: str, draw: int, replication: int) -> str:
        """The line that repeats one replication as a run."""
        if self.levels is not None or self.first[0] != self.study.replications:
            return f"dispersal run {self.id} --arm {arm} --draw {draw} --only {replication}"
        own = self.study.arms[arm]
        return command(own.scenario, own.overrides, self.design, draw, replication)


def _part_size(planned: Plan) -> tuple[int, int]:
    """Draws and replications of a part: they divide the study's own, so that an extension adds whole parts."""
    most = LEAN_REPLICATIONS if planned.study.outputs else PART_REPLICATIONS
    replications, points = planned.first
    draws = points * planned.levels.step if points is not None and planned.levels else planned.draws
    along = _divisor(replications, most)
    return _divisor(draws, max(1, most // along)), along


def _divisor(number: int, most: int) -> int:
    return max(d for d in range(1, min(number, most) + 1) if number % d == 0)


def plan(file: Path, size: Size | None = None) -> Plan:
    """Read a study file and resolve every arm, before anything is computed.

    Args:
        file: the study's TOML file.
        size: numbers that replace the file's.

    Raises:
        InputError: for anything in the file that cannot be used.
    """
    if not file.is_file():
        beside = [path for path in file.parent.glob("*.toml") if path.name != "pyproject.toml"]
        known = {path.stem: str(path) for path in beside}
        known = {path.stem: f"params/studies/{path.name}" for path in (ROOT / "studies").glob("*.toml")} | known
        guess = nearest(file.stem, known)
        raise InputError(f"{file}: no such study file. Nearest: {known[guess] if guess else min(known.values())}.")
    return resolved(read_study(file), file, size or Size())


def planned_again(record: Record) -> Plan:
    """The plan of a study that was begun, from the settings in its record.

    Raises:
        RunError: when here it would be another study; says what changed since.
    """
    found = from_settings(record.settings)
    if found.id != record.id:
        said = changes(record.assumptions, record.model_version, found)
        raise RunError(f"{record.id}: cannot be resumed here: {said}")
    return replace(found, again=f"dispersal study --resume {record.id}")


def from_settings(recorded: Mapping[str, Any]) -> Plan:
    """The study of a record's settings as this checkout resolves it, whose id is another one where something changed.

    Raises:
        RunError: an earlier version of the workbench stored it.
    """
    parts_of(recorded)
    settings = dict(recorded)
    replications, points = settings["first"]
    extend = None
    if points is not None and settings["sample"]["points"] != points:
        extend, settings["sample"] = settings["sample"]["points"], settings["sample"] | {"points": points}
    elif settings["replications"] != replications:
        extend, settings["replications"] = settings["replications"], replications
    file = Path(str(settings["file"]))
    study = parse_study(tomllib.loads(as_toml(settings)), f"record of {file}")
    return resolved(study, file, Size(extend=extend))


def changes(assumptions: Mapping[str, Any], version: str, planned: Plan) -> str:
    """What differs between a study's record and the same study here, in one line.

    Args:
        assumptions: by arm, of the record.
        version: of the model, in the record.
        planned: the study here.
    """
    told = []
    if version != model_version():
        told.append(f"the model is version {model_version()} here and was {version}")
    here = {f"{arm}: {key}": value for arm, values in canonical(planned).items() for key, value in values.items()}
    was = {f"{arm}: {key}": value for arm, values in assumptions.items() for key, value in values.items()}
    differs = [name for name in sorted({*was, *here}) if _plain(here.get(name)) != _plain(was.get(name))]
    if differs:
        more = " and more" if len(differs) > 3 else ""
        told.append(f"assumptions differ ({', '.join(differs[:3])}{more})")
    return "; ".join(told) or "the study differs"


def canonical(planned: Plan) -> dict[str, dict[str, Any]]:
    """Assumptions by arm as a record has them; where levers make the arms, the baseline's alone."""
    wanted = [planned.study.baseline] if planned.study.levers else list(planned.arms)
    return {name: planned.arms[name].canonical() for name in wanted}


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def resolved(study: Study, file: Path, size: Size) -> Plan:
    """Resolve a study's arms and draws; arguments as in `plan`.

    Raises:
        InputError: for anything that cannot be used.
    """
    from evidence.studies import reduction

    study = study.model_copy(update=size.given())
    place = str(file)
    study = study.model_copy(update={"arms": designs.arms_of(study, place)})
    points = study.sample.points if study.sample and study.sample.design == SOBOL else None
    first = (study.replications, points)
    study = _extended(study, size.extend, place)
    design_of(study, 1 if study.draws is None else study.draws, first[0]).check(size.command or place)
    for name in study.outputs:
        if name not in reduction.names():
            raise unknown(f"{place}: outputs", "a result", name, reduction.names())
    arms = {
        name: load_arm(arm.scenario, arm.overrides, f"{file}: arms.{name}.scenario", f"{file}: arms.{name}.set")
        for name, arm in study.arms.items()
    }
    for name, arm in arms.items():
        if intake.forecast_settings(arm) != intake.forecast_settings(arms[study.baseline]):
            raise InputError(
                f"{file}: arms.{name}: its forecast assumptions are not those of {study.baseline}; "
                f"the arms of one study share its intake forecast."
            )
    levels = None
    if study.sample is not None:
        levels = designs.levels_of(study.sample, study.seed, arms[study.baseline], place)
        study = study.model_copy(update={"draws": len(levels.values)})
        design_of(study, len(levels.values), first[0]).check(place)
    asked = study.model_dump(mode="json", by_alias=True)
    content = {
        "study": asked,
        "arms": [[name, arm.canonical()] for name, arm in arms.items()],  # a list: their order is the store's
        "levels": None if levels is None else [list(levels.axes), levels.step],
        "model": model_version(),
        "reference": reference_hashes(),
    }
    identity = make_id(file.stem, content | {"first": list(first)})
    grown = {"draws": None, "replications": None, "sample": None}
    design = study.sample.design if study.sample else None
    base = content | {"study": asked | grown, "first": list(first), "sample": design}
    found = Plan(file, study, arms, levels, first, identity, make_id("family", base), size.again(file))
    if size.extend is not None and points is None and size.extend % _part_size(found)[1]:
        whole = _part_size(found)[1]
        raise InputError(
            f"{place}: --extend is {size.extend}; replications are stored in parts of {whole}. "
            f"Nearest: {-(-size.extend // whole) * whole}."
        )
    return found


def _extended(study: Study, number: int | None, place: str) -> Study:
    """A study with more base points of its Sobol design, or else more replications."""
    if number is None:
        return study
    sobol = study.sample is not None and study.sample.design == SOBOL
    now = study.sample.points if study.sample and sobol else study.replications
    if number <= (now or 0):
        what = "base points" if sobol else "replications"
        raise InputError(f"{place}: --extend is {number}; the study has {now} {what}, and only more can be added.")
    if study.sample and sobol:
        return study.model_copy(update={"sample": study.sample.model_copy(update={"points": number})})
    return study.model_copy(update={"replications": number})
