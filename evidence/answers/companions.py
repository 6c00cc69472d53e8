"""The studies that answers need beside the main one: which they are, whether they are finished, how to make them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evidence.answers import sensitivity
from evidence.exhibits import Pack, open_pack
from evidence.progress import Progress
from evidence.records import find, read_record, record_path
from evidence.studies import engine as studies
from evidence.studies import plans as study_plans
from params.register import ROOT

COMMAND = "dispersal answers"
# The notebook's parameter that holds the study's id, and the study's file in params/studies.
STUDIES: Mapping[str, str] = {
    "rates_study": "grant_rates",
    "notice_study": "notice",
    "moves_study": "hotels_to_dispersal",
    "barriers_study": "barriers",
}
SENSITIVITY = "drivers_run"


@dataclass(frozen=True)
class NotMade:
    """Stands in the report where an answer would, and says how to make it."""

    question: str

    def _repr_html_(self) -> str:
        return (
            f'<p class="notes">{html.escape(self.question)} is not in this report: its own study has not been run with '
            f"this version of the model. <code>{COMMAND}</code> makes it; then build the report again.</p>"
        )


def study_file(name: str) -> Path:
    """The study file behind a notebook parameter."""
    return ROOT / "studies" / f"{STUDIES[name]}.toml"


def finished(runs: Path, model_version: str) -> dict[str, str]:
    """Ids of the companion studies that are complete and of one model version, by notebook parameter.

    Args:
        runs: the folder of all runs.
        model_version: of the study they stand beside; results of two versions are never mixed in one report.
    """
    found = {}
    ids = {name: study_plans.plan(study_file(name)).id for name in STUDIES} | {SENSITIVITY: sensitivity.identity()}
    for name, identity in ids.items():
        folder = runs / identity
        if not record_path(folder).is_file():
            continue
        record = read_record(folder)
        if record.status == "complete" and record.model_version == model_version:
            found[name] = identity
    return found


def ids(parameters: Mapping[str, object]) -> tuple[str, ...]:
    """Ids of the companions among some notebook parameters."""
    return tuple(str(parameters[name]) for name in (*STUDIES, SENSITIVITY) if parameters.get(name))


def make(runs: Path, workers: int | None, progress: Progress) -> dict[str, str]:
    """Run every companion study and the sensitivity analysis, or resume them; what is complete is left as it is.

    Returns:
        Ids by notebook parameter.
    """
    made = {name: studies.run_study(study_file(name), runs, workers, progress) for name in STUDIES}
    return made | {SENSITIVITY: sensitivity.run(runs, workers, progress)}


def open_companion(pack: Pack, study_id: str) -> Pack | None:
    """A companion study as a pack that adds its exhibits to the same report; None when there is none.

    Args:
        pack: of the main study.
        study_id: id of the companion, or empty.

    Raises:
        InputError: when the id is given and there is no such study, or it is not complete.
    """
    if not study_id:
        return None
    runs = pack.folder.parent
    find(runs, study_id, "study")
    return open_pack(study_id, str(runs), "" if pack.out is None else str(pack.out))
