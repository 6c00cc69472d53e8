"""The change plan: who is to support how many people by when, and what part each council takes in dispersal.

A plan is a folder of three files and a log, as `params/change_plan/` is:

| file | holds |
|---|---|
| `plan.toml` | title, whether it is illustrative or agreed, milestones, codes of barriers and of actions |
| `targets.csv` | people in dispersal accommodation: level (region or council), place, quarter_end, people |
| `states.csv` | each council's part: lad_code, state, since, barrier, action, basis |
| `log.jsonl` | changes of state since, one line each, only ever added to |

No official list of participating councils is published. The shipped states are inferred from the published stock and
say so in `basis`; a partnership puts its own file in their place.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from filelock import FileLock
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from params.errors import InputError, nearest, unknown
from params.places import council_name, find_council, find_region
from params.register import ROOT, describe, read_toml

FOLDER = ROOT / "change_plan"
PLAN_FILE, TARGETS_FILE, STATES_FILE, LOG_FILE = "plan.toml", "targets.csv", "states.csv", "log.jsonl"
State = Literal["not_participating", "agreed_no_procurement", "procuring", "active", "paused_or_at_limit", "withdrawn"]
STATES: tuple[str, ...] = get_args(State)
# Where a recorded state may go next. The order of the words is the usual course; what skips a step was not noted at
# the time, and a council that has withdrawn may agree again.
MOVES: Mapping[str, tuple[str, ...]] = {
    "not_participating": ("agreed_no_procurement", "procuring", "active"),
    "agreed_no_procurement": ("procuring", "active", "not_participating", "withdrawn"),
    "procuring": ("active", "agreed_no_procurement", "withdrawn"),
    "active": ("paused_or_at_limit", "withdrawn"),
    "paused_or_at_limit": ("active", "withdrawn"),
    "withdrawn": ("agreed_no_procurement", "procuring", "not_participating"),
}
LONGEST_REASON = 500
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _day(value: object) -> object:
    """A date from the text of a CSV cell or a line of JSON; the door behind it says what is wrong with any other."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is not a date like 2026-03-31") from None
    return value


def _whole(value: object) -> object:
    """A whole number from the text of a CSV cell."""
    if isinstance(value, str):
        if not value.strip().isdecimal() or len(value.strip()) > 9:
            raise ValueError(f"{value!r} is not a whole number of people, 0 or more")
        return int(value)
    return value


Day = Annotated[date, BeforeValidator(_day)]


class Milestone(BaseModel):
    """Something the plan wants to be true at a quarter end.

    Attributes:
        label: one line for a reader.
        by: quarter end at which it is judged.
        measure: `region_share` (share of all people in dispersal accommodation), `people` (in dispersal accommodation),
            `contingency` (people in contingency accommodation), `gap_between_regions` (people who would have to live in
            another region for each to hold its share of population), `councils` (with ten or more in dispersal).
        place: region or council; the UK when empty.
        at_least, at_most: the one of the two that is given is what is wanted.
    """

    model_config = _STRICT
    label: str = Field(min_length=3, max_length=160)
    by: date
    measure: Literal["region_share", "people", "contingency", "gap_between_regions", "councils"]
    place: str = ""
    at_least: float | None = Field(default=None, ge=0)
    at_most: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_side(self) -> Milestone:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("needs either at_least or at_most, and only one of them")
        if self.measure == "region_share" and not self.place:
            raise ValueError("region_share needs a place")
        if self.measure == "gap_between_regions" and self.place:
            raise ValueError("gap_between_regions is of the whole country; leave place out")
        _quarter_end(self.by)
        return self


class PlanFile(BaseModel):
    """`plan.toml`.

    Attributes:
        title: what a reader should call the plan.
        why: one sentence.
        status: `illustrative` for an example, `agreed` for a plan that those named in `source` agreed.
        source: who agreed it, or what it was made from.
        as_of: date of the position it starts from.
        milestones: in order of date.
        barriers: what stands in the way, by code.
        actions: what is done about it, by code.
    """

    model_config = _STRICT
    title: str = Field(min_length=3, max_length=160)
    why: str = Field(min_length=3)
    status: Literal["illustrative", "agreed"]
    source: str = Field(min_length=3)
    as_of: date
    milestones: list[Milestone] = Field(default=[])
    barriers: dict[str, str] = Field(min_length=1)
    actions: dict[str, str] = Field(min_length=1)


class Target(BaseModel):
    """One row of `targets.csv`: people in dispersal accommodation wanted at a quarter end."""

    model_config = _STRICT
    level: Literal["region", "council"]
    place: str = Field(min_length=1)
    quarter_end: Day
    people: Annotated[int, BeforeValidator(_whole), Field(ge=0)]

    @model_validator(mode="after")
    def _dated(self) -> Target:
        _quarter_end(self.quarter_end)
        return self


class CouncilState(BaseModel):
    """One row of `states.csv`, or what the log has made of it since.

    Attributes:
        lad_code: code of the council.
        state: its part in dispersal.
        since: first day of that state, as far as is known.
        barrier: code from the plan of what stands in the way; empty when not known.
        action: code from the plan of what is being done; empty when nothing is recorded.
        basis: who says so; `inferred: ...` for a state that is read off the published stock.
    """

    model_config = _STRICT
    lad_code: str
    state: State
    since: Day
    barrier: str = ""
    action: str = ""
    basis: str = Field(min_length=3, max_length=200)

    @property
    def inferred(self) -> bool:
        """Whether nobody recorded it: it is read off the published stock."""
        return self.basis.startswith("inferred")


class Entry(BaseModel):
    """One line of the log: a council's change of state, why, and who recorded it in which role. Never a name."""

    model_config = _STRICT
    recorded: str
    lad_code: str
    state: State
    since: Day
    before: State
    reason: str = Field(min_length=3, max_length=LONGEST_REASON)
    role: str = Field(min_length=2, max_length=80)
    barrier: str = ""
    action: str = ""


@dataclass(frozen=True)
class Plan:
    """A plan that has been read and checked.

    Attributes:
        about: the plan file.
        targets: by (level, place, quarter end), people; places are region names and council codes.
        states: by council code, with the log applied.
        log: every recorded change, in order.
        folder: where the log is kept.
        files: where each part was read, for those who ask.
    """

    about: PlanFile
    targets: Mapping[tuple[str, str, date], int]
    states: Mapping[str, CouncilState]
    log: tuple[Entry, ...]
    folder: Path
    files: Mapping[str, str]

    @property
    def label(self) -> str:
        """What every table of the plan says of it."""
        return "illustrative plan, agreed by nobody" if self.about.status == "illustrative" else "agreed plan"


def read_plan(given: Path | None = None) -> Plan:
    """Read a plan and check every row of it.

    Args:
        given: a folder laid out like `params/change_plan/`, whose missing files are taken from there; or a
            file of states (CSV), whose folder keeps the log; the shipped example when None.

    Raises:
        InputError: names the file, the line, the key and the nearest valid name.
    """
    folder, parts = _files(given)
    about = read_plan_file(parts[PLAN_FILE])
    targets = dict(_targets(parts[TARGETS_FILE]))
    states = dict(_states(parts[STATES_FILE], about))
    log = tuple(_log(folder / LOG_FILE, about))
    for entry in log:
        states[entry.lad_code] = _applied(entry)
    for code in _all_codes():
        if code not in states:
            raise InputError(
                f"{parts[STATES_FILE]}: has no row for {code} ({council_name(code)}); every council needs one. "
                f"`dispersal plan example FOLDER` writes a file with all of them."
            )
    shown = {name: f"{path.parent.name}/{path.name}" for name, path in parts.items()}
    return Plan(about, targets, states, log, folder, shown)


def _files(given: Path | None) -> tuple[Path, dict[str, Path]]:
    names = (PLAN_FILE, TARGETS_FILE, STATES_FILE)
    if given is None:
        return FOLDER, {name: FOLDER / name for name in names}
    if given.is_dir():
        found = [name for name in names if (given / name).is_file()]
        if not found and not (given / LOG_FILE).is_file():
            raise InputError(f"{given}: holds none of {', '.join(names)}. `dispersal plan example FOLDER` does.")
        return given, {name: (given if name in found else FOLDER) / name for name in names}
    if not given.is_file():
        beside = [path.name for path in given.parent.iterdir()] if given.parent.is_dir() else []
        guess = nearest(given.name, beside)
        raise InputError(f"{given}: no such folder or file." + (f" Nearest: {given.parent / guess}." if guess else ""))
    if given.suffix.lower() != ".csv":
        raise InputError(f"{given}: is not a plan: give a folder, or a file of states that ends in .csv.")
    return given.parent, {name: FOLDER / name for name in names} | {STATES_FILE: given}


def read_plan_file(path: Path) -> PlanFile:
    """Read `plan.toml`.

    Raises:
        InputError: names the file, the key and the nearest valid name.
    """
    table = read_toml(path)
    try:
        plan = PlanFile.model_validate(table)
    except ValidationError as error:
        keys = [found["loc"] for found in error.errors() if found["type"] == "extra_forbidden"]
        model: Any = Milestone if keys and len(keys[0]) > 1 else PlanFile
        raise InputError(f"{path}: {describe(error, list(model.model_fields))}.") from None
    milestones = []
    for number, milestone in enumerate(plan.milestones, 1):
        where = f"{path}: milestone {number}: place"
        milestones.append(milestone.model_copy(update={"place": _place(milestone, where)}))
    return plan.model_copy(update={"milestones": sorted(milestones, key=lambda m: m.by)})


def _place(milestone: Milestone, where: str) -> str:
    if not milestone.place:
        return ""
    if milestone.measure == "region_share":
        return find_region(milestone.place, where)
    try:
        return find_region(milestone.place, where)
    except InputError as no_region:
        try:
            return find_council(milestone.place, where)
        except InputError:
            raise no_region from None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; save it as CSV UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None


def _rows(path: Path, model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Rows of a CSV file through the door, each with the place to name in an error."""
    wanted = list(model.model_fields)
    required = [name for name, item in model.model_fields.items() if item.is_required()]
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    header = [name.strip() for name in next(reader, [])]
    if not header:
        raise InputError(f"{path}: is empty; its first line must read {','.join(wanted)}.")
    for name in header:
        if name not in wanted:
            raise unknown(f"{path}: line 1", "a column", name, wanted)
        if header.count(name) > 1:
            raise InputError(f"{path}: line 1: the column {name} is there twice.")
    for name in required:
        if name not in header:
            raise InputError(f"{path}: line 1: the column {name} is missing; the columns are {','.join(wanted)}.")
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}: line {reader.line_num}"
        if len(cells) != len(header):
            raise InputError(f"{where}: has {len(cells)} cells; the header has {len(header)}.")
        yield where, _checked(model, dict(zip(header, (cell.strip() for cell in cells), strict=True)), where)


def _checked(model: type[BaseModel], content: object, where: str) -> Any:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "literal_error":
            key = str(first["loc"][-1])
            options = [str(word) for word in get_args(model.model_fields[key].annotation)]
            raise unknown(f"{where}: {key}", f"a {key}", str(first["input"]), options) from None
        raise InputError(f"{where}: {describe(error, list(model.model_fields))}.") from None


def _targets(path: Path) -> Iterator[tuple[tuple[str, str, date], int]]:
    seen: dict[tuple[str, str, date], str] = {}
    for where, row in _rows(path, Target):
        find = find_region if row.level == "region" else find_council
        key = (row.level, find(row.place, f"{where}: place"), row.quarter_end)
        if key in seen:
            raise InputError(f"{where}: {row.place} at {row.quarter_end} is already in {seen[key]}.")
        seen[key] = f"line {where.rsplit(' ', 1)[-1]}"
        yield key, row.people


def _states(path: Path, about: PlanFile) -> Iterator[tuple[str, CouncilState]]:
    seen: dict[str, str] = {}
    for where, row in _rows(path, CouncilState):
        code = find_council(row.lad_code, f"{where}: lad_code")
        if code in seen:
            raise InputError(f"{where}: {code} is already in {seen[code]}; one row for each council.")
        seen[code] = f"line {where.rsplit(' ', 1)[-1]}"
        _known_codes(row, about, where)
        yield code, row.model_copy(update={"lad_code": code})


def _known_codes(row: CouncilState | Entry, about: PlanFile, where: str) -> None:
    if row.barrier and row.barrier not in about.barriers:
        raise unknown(f"{where}: barrier", "a barrier of this plan", row.barrier, about.barriers)
    if row.action and row.action not in about.actions:
        raise unknown(f"{where}: action", "an action of this plan", row.action, about.actions)


def _log(path: Path, about: PlanFile) -> Iterator[Entry]:
    if not path.is_file():
        return
    for number, line in enumerate(_text(path).splitlines(), 1):
        where = f"{path}: line {number}"
        try:
            content = json.loads(line)
        except ValueError:
            raise InputError(f"{where}: is not a whole entry; the log is only written by `plan set-state`.") from None
        entry = _checked(Entry, content, where)
        find_council(entry.lad_code, f"{where}: lad_code")
        _known_codes(entry, about, where)
        yield entry


def _applied(entry: Entry) -> CouncilState:
    return CouncilState(
        lad_code=entry.lad_code,
        state=entry.state,
        since=entry.since,
        barrier=entry.barrier,
        action=entry.action,
        basis=f"recorded {entry.recorded[:10]} by {entry.role}",
    )


def _all_codes() -> list[str]:
    from params.tables import reference

    return list(reference("councils")["lad_code"])


def _quarter_end(day: date) -> None:
    """Refuse a day that ends no quarter.

    Raises:
        ValueError: names the nearest quarter end.
    """
    ends = [date(year, month, last) for year in (day.year - 1, day.year, day.year + 1)
            for month, last in ((3, 31), (6, 30), (9, 30), (12, 31))]  # fmt: skip
    if day not in ends:
        raise ValueError(f"{day} is not a quarter end. Nearest: {min(ends, key=lambda end: abs((end - day).days))}")


def set_state(
    plan: Plan,
    council: str,
    state: str,
    reason: str,
    *,
    role: str,
    since: date,
    barrier: str = "",
    action: str = "",
    now: datetime | None = None,
) -> Entry:
    """Add one change of a council's state to the plan's log; nothing that is there is changed.

    Args:
        plan: as read.
        council: code or exact name.
        state: one of `STATES`.
        reason: why, in one line; it stays in the log and is never exported.
        role: the role of whoever records it, not their name.
        since: first day of the new state.
        barrier, action: codes of the plan, or empty.
        now: time of recording; the clock when None.

    Raises:
        InputError: an unknown council, state or code; a move the state machine does not have; a date in the future or
            before the last change; or a log that cannot be written. Nothing is written then.
    """
    code = find_council(council, "COUNCIL")
    if state not in STATES:
        raise unknown("STATE", "a state", state, STATES)
    recorded = now or datetime.now(UTC)
    line = " ".join(reason.split())
    if not 3 <= len(line) <= LONGEST_REASON:
        raise InputError(f"--reason: has {len(line)} characters; it must have from 3 to {LONGEST_REASON}.")
    if since > recorded.date():
        raise InputError(f"--date: {since} is in the future; a state is recorded once it holds.")
    path = plan.folder / LOG_FILE
    try:
        with FileLock(plan.folder / f".{LOG_FILE}.lock", timeout=10):
            # Read again under the lock: two people may record at once, and the second must see the first.
            entries = [entry for entry in _log(path, plan.about) if entry.lad_code == code]
            before = entries[-1].state if entries else plan.states[code].state
            since = _check_move(code, state, entries, since, (barrier, action))
            entry = Entry(
                recorded=recorded.isoformat(timespec="seconds"),
                lad_code=code,
                state=state,  # type: ignore[arg-type]
                since=since,
                before=before,
                reason=line,
                role=" ".join(role.split()),
                barrier=barrier,
                action=action,
            )
            _known_codes(entry, plan.about, "plan set-state")
            text = json.dumps(entry.model_dump(mode="json"), ensure_ascii=False) + "\n"
            with path.open("ab") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
    except ValidationError as error:
        raise InputError(f"plan set-state: {describe(error, list(Entry.model_fields))}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}). Use --plan FOLDER.") from None
    return entry


def _check_move(code: str, state: str, entries: list[Entry], since: date, codes: tuple[str, str]) -> date:
    """The first day of the new state; a new barrier or action in the same state leaves its first day alone."""
    if not entries:  # the first recorded state puts a fact in the place of an inference, so it may be any
        return since
    name, last = f"{council_name(code)} ({code})", entries[-1]
    if last.state == state:
        if codes == (last.barrier, last.action):
            raise InputError(f"{name} is {state} since {last.since}; there is nothing to record.")
        return last.since
    if since < last.since:
        raise InputError(f"--date: {since} is before the last change of {name}, {last.since}.")
    if state not in MOVES[last.state]:
        raise InputError(f"{name} is {last.state} and cannot become {state}. Next: {', '.join(MOVES[last.state])}.")
    return since
