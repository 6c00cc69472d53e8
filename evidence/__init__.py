"""What may be said: run records, studies, tables, figures, reports, and the command line.

Example:
    >>> import evidence
    >>> found = evidence.compare({"No steering": {"placement.steering": 0.0}}, draws=1, replications=2, months=3)
    >>> found.draws
    1

`compare` says what a changed rule or assumption is worth, in pairs; `refine` shows the same while it grows. `study`
runs a study or resumes it, `opened` opens one, `kept` lists what there is.
`explore` opens the interactive explorer and `pictures` draws any result. The command line (`dispersal --help`) does
the same for batches; a finished study becomes a report by `Study.report` or `dispersal report`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# The matrices here are small: threads of the linear algebra library would spend the time waiting for each other, and
# what runs side by side (notebooks, parts of a study) already keeps the cores busy. It reads this when NumPy loads it.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

if TYPE_CHECKING:
    from evidence.drawing import pictures
    from evidence.explorer.widget import explore
    from evidence.studies.comparison import Comparison, compare, refine
    from evidence.studies.notebook import Study, kept, opened, study

__all__ = ["Comparison", "Study", "compare", "explore", "kept", "opened", "pictures", "refine", "study"]

_HOME = {
    "Comparison": "studies.comparison",
    "Study": "studies.notebook",
    "compare": "studies.comparison",
    "explore": "explorer.widget",
    "kept": "studies.notebook",
    "opened": "studies.notebook",
    "refine": "studies.comparison",
    "study": "studies.notebook",
}


def __getattr__(name: str) -> Any:
    # The command line imports this package to print help; numpy, xarray and the model wait until a verb is used.
    if name == "pictures":
        return import_module("evidence.drawing.pictures")
    if name not in _HOME:
        raise AttributeError(f"module 'evidence' has no attribute {name!r}")
    return getattr(import_module(f"evidence.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
