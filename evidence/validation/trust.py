"""Where the evidence for trust is kept: the adopted calibration, the newest validation and study of feedbacks."""

from __future__ import annotations

import hashlib
import html
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.exhibits import Pack
from evidence.records import find
from evidence.validation import calibrate, feedbacks, validate
from evidence.wording import exact, number
from params import posterior

if TYPE_CHECKING:
    import pandas as pd

# Parameters of the notebooks of trust; empty ones find the newest result of the study's own model version.
VALIDATION, FEEDBACKS = "validation_run", "feedbacks_study"


_EXACT_FROM, _OPEN = 1000, 100_000


@dataclass(frozen=True)
class Absent:
    """Stands where an exhibit would, and says how to make it.

    Attributes:
        what: the exhibit.
        command: what makes it.
        said: whether another one beside it says so already; then it shows nothing.
    """

    what: str
    command: str
    said: bool = False

    def _repr_html_(self) -> str:
        if self.said:
            return ""
        return (
            f'<p class="notes">{html.escape(self.what)}: none kept for this version of the model. '
            f"<code>{html.escape(self.command)}</code> makes it; then build the report again.</p>"
        )


def ids(parameters: Mapping[str, object]) -> tuple[str, ...]:
    """Ids of the results of trust among some notebook parameters."""
    return tuple(str(parameters[name]) for name in (VALIDATION, FEEDBACKS) if parameters.get(name))


@dataclass(frozen=True)
class Calibration:
    """An adopted calibration.

    Attributes:
        record: of the adoption: id, settings, ranges, what was said.
        draws: joint draws, one column an assumption.
        fit: targets with prior, posterior and the published sets; None where it was not kept.
        known: what the data say of each assumption; None where it was not kept.
    """

    record: dict[str, Any]
    draws: pd.DataFrame
    fit: pd.DataFrame | None
    known: pd.DataFrame | None


def published(value: float) -> str:
    """A published figure, whole numbers exactly."""
    return exact(value) if abs(value) >= _EXACT_FROM and float(value).is_integer() else number(value)


def within(low: float, high: float) -> str:
    """A tolerance in words; an end far from any value is open."""
    if low <= -_OPEN:
        return f"up to {number(high)}"
    return f"{number(low)} or more" if high >= _OPEN else f"{number(low)} to {number(high)}"


def companions(runs: Path, version: str) -> dict[str, str]:
    """Ids of the newest validation and study of feedbacks of one model version, by notebook parameter."""
    found = {VALIDATION: validate.newest(runs, version), FEEDBACKS: feedbacks.newest(runs, version)}
    return {name: identity for name, identity in found.items() if identity}


def adopted(pack: Pack) -> Calibration | None:
    """The calibration whose draws the model uses; its tables beside the draws, or in the runs folder."""
    import pandas as pd

    folder = posterior.ROOT / posterior.FOLDER
    if posterior.read_posterior() is None:
        return None
    record = json.loads((folder / posterior.RECORD).read_text(encoding="utf-8"))
    tables: dict[str, pd.DataFrame | None] = {}
    for name in ("fit", "identifiability"):
        file, tables[name] = calibrate.FILES[name], None
        for place in (folder / file, pack.folder.parent / str(record["id"]) / file):
            content = place.read_bytes() if place.is_file() else b""
            if hashlib.sha256(content).hexdigest() == record["outputs"].get(file):
                tables[name] = pd.read_csv(io.BytesIO(content))
                break
    known = tables["identifiability"]
    if known is not None:  # adopting moved the central values
        known["central"] = known["assumption"].map(record["central"])
    return Calibration(record, pd.read_csv(folder / posterior.TABLE), tables["fit"], known)


def validation(pack: Pack, identity: str = "") -> Path | None:
    """Folder of a validation: the one named, else the newest of the study's model version, else None.

    Raises:
        InputError: there is no such validation.
    """
    runs = pack.folder.parent
    chosen = identity or validate.newest(runs, pack.record["model_version"])
    return find(runs, chosen, validate.KIND) if chosen else None
