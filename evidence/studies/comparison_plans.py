"""A comparison resolved: the base, each change alone, and all of them together, with their rules and assumptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import sim
from evidence.progress import Progress
from evidence.records import Record, make_id, model_version, package_versions, reference_hashes, runs_folder
from evidence.studies import intake
from evidence.studies.ensemble import Design, load_arm
from evidence.studies.fingerprints import Unnamed, fingerprint, source
from params import Assumptions, InputError
from sim.rules import Watched
from sim.rules import watched as watched_rules

Change = sim.Rules | Mapping[str, object]
BASE, TOGETHER, INTERACTION = "base", "together", "interaction"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Planned:
    """A comparison with every arm resolved.

    Attributes:
        design: how often, from when and for how long each arm runs.
        arms: assumptions by arm: the base, each change, and all of them together where there are several.
        rules: replaced rules by arm, watched; arms that replace none are left out.
        labels: name to print, by arm.
        id: name of its folder in `runs`, or empty when nothing is kept.
        runs: the folder of all runs.
    """

    design: Design
    arms: Mapping[str, Assumptions]
    rules: Mapping[str, sim.Rules]
    labels: Mapping[str, str]
    id: str
    runs: Path

    def record(self, forecast: Path) -> Record:
        """What the comparison is, before anything is simulated."""
        arms = {
            arm: {
                "label": self.labels[arm],
                "scenario": own.scenario,
                "set": dict(own.given),
                "rules": {n: w.name for n, w in self.rules[arm].replaced.items()} if arm in self.rules else {},
            }
            for arm, own in self.arms.items()
        }
        sources = {
            arm: {rule: source(own.function) for rule, own in rules.replaced.items()}
            for arm, rules in self.rules.items()
            if self.id
        }
        return Record(
            id=self.id or "(not kept)",
            kind="comparison",
            title="; ".join(label for arm, label in self.labels.items() if arm not in (BASE, TOGETHER)),
            settings=self.design.canonical() | {"baseline": BASE, "arms": arms},
            assumptions={name: arm.canonical() for name, arm in self.arms.items()},
            model_version=model_version(),
            inputs=reference_hashes(),
            parents=(forecast.name,),
            status="unfinished",
            extra={"rules": sources} if sources else {},
        )


def plan(
    changes: Mapping[str, Change],
    base: str | Assumptions,
    design: Design,
    name: str | None,
    runs: str | Path | None,
    progress: Progress,
) -> Planned:
    """Resolve every arm, before anything is computed."""
    design.check("compare")
    if not isinstance(changes, Mapping) or not changes:
        raise InputError("changes: needs at least one change by its label, such as {'No steering': {...}}.")
    own = load_arm(base, {}, "base", "base") if isinstance(base, str) else base
    if load_arm(own.scenario, own.given, "base", "base").canonical() != own.canonical():
        raise InputError("base: is not as params.load returned it; compare draws the uncertain assumptions itself.")
    single = {f"change_{i}": label for i, label in enumerate(changes, 1)}
    made: dict[str, Mapping[str, object]] = {}
    rules: dict[str, sim.Rules] = {}
    for arm, label in single.items():
        change = changes[label]
        if isinstance(change, sim.Rules):
            if not change.replaced:
                raise InputError(f"changes: {label!r} replaces no rule.")
            made[arm], rules[arm] = {}, watched_rules(change)
        elif isinstance(change, Mapping):
            made[arm] = _known(change, label)
        else:
            raise InputError(
                f"changes: {label!r} is a {type(change).__name__}; it must be sim.Rules(...) or assumptions by name."
            )
    if len(changes) > 1:
        single |= {TOGETHER: "All together"}
        made[TOGETHER] = _together([made[arm] for arm in made], "assumption")
        replaced = _together([own_rules.replaced for own_rules in rules.values()], "rule")
        if replaced:
            rules[TOGETHER] = sim.Rules(**{n: Watched(n, w.function) for n, w in replaced.items()})
    labels = {BASE: f"As it is ({own.scenario})"} | single
    arms = {BASE: own} | {
        arm: load_arm(own.scenario, {**own.given, **given}, "base", f"changes: {single[arm]!r}")
        for arm, given in made.items()
    }
    for arm, label in single.items():
        if intake.forecast_settings(arms[arm]) != intake.forecast_settings(own):
            raise InputError(f"changes: {label!r}: changes the intake forecast, which all arms share; change the base.")
        if arm not in rules and arms[arm].canonical() == own.canonical():
            raise InputError(f"changes: {label!r} changes nothing.")
    folder = runs_folder(runs)
    planned = Planned(design, arms, rules, labels, "", folder)
    if name is None:
        return planned
    if not _NAME.fullmatch(name):
        raise InputError(f"name: {name!r} must be small letters, digits, _ and -, begin with a letter, at most 40.")
    try:
        prints = {arm: {n: fingerprint(w.function) for n, w in own.replaced.items()} for arm, own in rules.items()}
    except Unnamed as error:
        progress.say(
            f"Nothing is kept: {error}, so that a later call could not know it again. Only the intake forecast is."
        )
        return planned
    content = {
        "design": design.canonical(),
        "labels": list(labels.items()),
        "arms": [[arm, given.canonical()] for arm, given in arms.items()],
        "rules": prints,
        "model": model_version(),
        "reference": reference_hashes(),
        "packages": package_versions(),
    }
    return replace(planned, id=make_id(name, content))


def _known(change: Mapping[str, object], label: str) -> Mapping[str, object]:
    """Assumptions by name; a rule given by its name is told how to be given."""
    for key in change:
        if key in {field.name for field in fields(sim.Rules)}:
            raise InputError(f"changes: {label!r}: {key} is a rule; write sim.Rules({key}=...).")
    if not change:
        raise InputError(f"changes: {label!r} changes nothing.")
    return change


def _together(parts: list[Any], what: str) -> dict[str, Any]:
    """All changes in one; two that change the same thing cannot be told apart."""
    found: dict[str, Any] = {}
    for part in parts:
        for key in part:
            if key.partition("@")[0] in {known.partition("@")[0] for known in found}:
                raise InputError(f"changes: two of them change the {what} {key}; compare those one at a time.")
        found.update(part)
    return found
