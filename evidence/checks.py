"""What `dispersal check` and `dispersal show` say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from evidence.records import damaged, find, model_version, read_record
from evidence.studies import engine as studies
from evidence.studies import parts
from evidence.studies import plans as study_plans
from params import posterior
from params.assumptions import scenario_names
from params.errors import unknown
from params.instruments import KINDS, MODIFIERS, library
from params.register import ROOT, Assumption, read_register

SHOWN_ARMS = 20


def everything() -> list[str]:
    """Validate assumptions, scenarios, studies and reference tables; lines that list what was read.

    Raises:
        InputError: the first thing that cannot be used, naming the file, the key and the nearest valid name.
    """
    import params
    from params.tables import verify

    register = read_register()
    groups = Counter(name.split(".")[0] for name in register)
    lines = [f"Assumptions: {len(register)} in {len(groups)} files of params/assumptions"]
    lines += [f"  {group:<24}{count:>5}" for group, count in sorted(groups.items())]

    names = scenario_names()
    lines.append(f"Scenarios: {len(names)} in params/scenarios")
    for name in names:
        loaded = params.load(name)
        lines.append(f"  {name:<24}{len(loaded.overridden):>5} changed   {loaded.why}")

    shelves = library()
    lines.append(f"Grant instruments: {sum(map(len, shelves.values()))} of {len(KINDS)} kinds in params/instruments")
    lines += [f"  {file:<24}{len(own):>5}   {', '.join(own)}" for file, own in shelves.items()]

    lines += _posterior()
    files = sorted((ROOT / "studies").glob("*.toml"))
    lines.append(f"Studies: {len(files)} in params/studies")
    for file in files:
        study = study_plans.plan(file).study
        lines.append(
            f"  {file.name:<24}{len(study.arms):>5} arms x {study.draws} draws x {study.replications} "
            f"replications, {study.months} months from {study.start}"
        )

    lines += _protocols() + _plan()
    tables = verify()
    lines.append(f"Reference tables: {len(tables)} in params/reference, every checksum verified")
    lines += [f"  {table['name']:<24}{table['rows']:>5} rows   {_vintage(table)}" for table in tables]
    return lines


def _protocols() -> list[str]:
    """The data-sharing protocols, and until when each holds."""
    from params import protocols

    files = sorted(protocols.FOLDER.glob("*.toml"))
    lines = [f"Data-sharing protocols: {len(files)} in params/protocols"]
    for file in files:
        agreed = protocols.checked(file)
        lines.append(f"  {file.name:<24} {agreed.status}, until {agreed.valid_until}   {agreed.title}")
    return lines


def _plan() -> list[str]:
    """The shipped change plan, and what is recorded beside it."""
    from params.plan import read_plan

    plan = read_plan()
    recorded = sum(not state.inferred for state in plan.states.values())
    return [
        "Change plan: params/change_plan",
        f"  {len(plan.targets)} targets, {len(plan.about.milestones)} milestones, {recorded} of {len(plan.states)} "
        f"states recorded   {plan.label}",
    ]


def _posterior() -> list[str]:
    """Which joint draws are adopted, and whether the model has changed since they were fitted."""
    adopted = posterior.read_posterior()
    if adopted is None:
        return ["Posterior: none adopted; calibrated assumptions are drawn from their own ranges"]
    about = json.loads((posterior.ROOT / posterior.FOLDER / posterior.RECORD).read_text(encoding="utf-8"))
    same = about.get("model_version") == model_version(posterior=False)
    lines = [
        f"Posterior: {len(adopted.rows)} joint draws of {len(adopted.names)} calibrated assumptions from {adopted.run}"
    ]
    if not same:
        lines.append("  the model has changed since they were fitted; `dispersal calibrate` fits them again")
    return lines


def assumptions_of(group: str) -> list[str]:
    """Lines that show each assumption of a group (or of all), or the grant instruments: value, unit, range, source.

    Raises:
        InputError: when there is no such group; names the nearest.
    """
    if group == "instruments":
        return _instruments()
    register = read_register()
    groups = sorted({name.rpartition(".")[0] for name in register} | {name.split(".")[0] for name in register})
    if group != "all" and group not in groups:
        raise unknown("--list", "a group of assumptions", group, [*groups, "instruments", "all"])
    lines = []
    for name, entry in register.items():
        if group == "all" or name.startswith(f"{group}."):
            lines += [
                f"{name} = {_value(entry)} {entry.unit}{_range(entry)}",
                f"    {entry.kind}; {entry.source}",
            ]
    return lines


def _instruments() -> list[str]:
    """The kinds of grant instrument with unit and formula, the modifiers, and every instrument of the library."""
    lines = ["Kinds: what a council is paid in a month, before modifiers"]
    for name, kind in KINDS.items():
        lines += [f"  {name:<20}{kind.formula}", f"  {'':<20}rate in {kind.unit}; {kind.quantity}"]
    lines.append("Modifiers, in this order")
    lines += [f"  {name:<20}{meaning}" for name, meaning in MODIFIERS.items()]
    for file, own in library().items():
        lines.append(f"params/instruments/{file}.toml")
        lines += [f"  {name:<32}{instrument.words()} ({instrument.status})" for name, instrument in own.items()]
    return lines


def described(identity: str, runs: Path) -> list[str]:
    """Lines that say what a run is, what made it, and whether its files are as they were recorded.

    Raises:
        InputError: when there is no such run.
    """
    folder = find(runs, identity)
    record = read_record(folder)
    commit = record.code.get("commit")
    state = {True: " with uncommitted changes", False: "", None: ""}[record.code.get("dirty")]
    lines = [
        f"{record.id}: {record.kind}, {record.status}",
        f"  {record.title}",
        f"  made {record.created} UTC by model version {record.model_version}",
        f"  code: {f'commit {commit[:12]}{state}' if commit else 'no commit known'}",
        f"  packages: {', '.join(f'{name} {version}' for name, version in record.packages.items())}",
    ]
    lines += [f"  {key}: {_plain(value)}" for key, value in record.settings.items() if key != "arms"]
    arms = record.settings.get("arms", {})
    if len(arms) > SHOWN_ARMS:
        lines.append(f"  {len(arms):,} arms; the first {SHOWN_ARMS}:")
    for name, arm in list(arms.items())[:SHOWN_ARMS]:
        lines.append(f"  arm {name}: {arm['label']} (scenario {arm['scenario']}{_overrides(arm['set'])})")
    lines += [f"  made from {parent}" for parent in record.parents]
    lines += [f"  input {name}: sha256 {sha[:16]}" for name, sha in record.inputs.items()]
    lines += [f"  warning: {warning}" for warning in record.warnings]
    for arm, rows in record.extra.get("local_intelligence", {}).items():
        lines += [f"  local intelligence in {arm}: {local_line(row)}" for row in rows]
    if record.kind == "study":
        absent = parts.missing(folder, record)
        sound, total = studies.soundness(record, absent)
        lines.append(f"  {sound} of {total} parts are finished and sound")
    else:
        absent = damaged(folder, record.outputs)
        lines.append(f"  {len(record.outputs) - len(absent)} of {len(record.outputs)} files are as they were recorded")
    lines += [f"  missing or damaged: {name}" for name in absent[:5]]
    return lines


def local_line(row: dict[str, Any]) -> str:
    """One rule of local intelligence, or one reason for a changed assumption, as its record has it."""
    what = str(row.get("assumption", ""))
    if not what:
        until = f" until {row['until']}" if row["until"] else ""
        what = f"{row['name']}: {row['set']} {_plain(row['value'])} from {row['from']}{until}"
    return f"{what}, by {row['by']}: {row['reason']}"


def _vintage(table: dict[str, Any]) -> str:
    return ", ".join(str(table[key]) for key in ("publisher", "vintage") if table.get(key))


def _value(entry: Assumption) -> str:
    if entry.value is not None:
        return _plain(entry.value)
    return ", ".join(f"{_plain(step.value)} from {step.start}" for step in entry.dated)


def _range(entry: Assumption) -> str:
    return "" if entry.low is None else f" ({entry.low:g} to {entry.high:g}, {entry.distribution})"


def _overrides(overrides: dict[str, Any]) -> str:
    return "".join(f", {name}={_plain(value)}" for name, value in overrides.items())


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)
