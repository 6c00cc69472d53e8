"""What each barrier is worth in beds, where a finished study of barriers stands among the runs."""

from __future__ import annotations

from pathlib import Path

from evidence.answers import barriers as answer
from evidence.exhibits import Exhibit, open_pack
from evidence.studies.projection import newest_study

FILE = "barriers.toml"
HOW = (
    f"not computed yet: `dispersal study params/studies/{FILE}` simulates the model without each barrier, in pairs, "
    "and this section then shows the beds each is worth."
)


def worth(runs: Path, out: Path | None = None) -> Exhibit | None:
    """The report's own answer, with its evidence id; None without a finished study made by today's model.

    Args:
        runs: folder of all runs.
        out: folder of the exhibits' files, or None to show it only.
    """
    study_id = newest_study(runs, FILE)
    if study_id is None:
        return None
    found = answer.figure(open_pack(study_id, str(runs), "" if out is None else str(out)))
    return found if isinstance(found, Exhibit) else None
