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
    from evidence import pictures
    from evidence.comparison import Comparison, compare, refine
    from evidence.explorer.widget import explore
    from evidence.notebook_studies import Study, kept, opened, study

__all__ = ["Comparison", "Study", "compare", "explore", "kept", "opened", "pictures", "refine", "study"]

_HOME = {
    "Comparison": "comparison",
    "Study": "notebook_studies",
    "compare": "comparison",
    "explore": "explorer.widget",
    "kept": "notebook_studies",
    "opened": "notebook_studies",
    "refine": "comparison",
    "study": "notebook_studies",
}


def __getattr__(name: str) -> Any:
    # The command line imports this package to print help; numpy, xarray and the model wait until a verb is used.
    if name == "pictures":
        return import_module("evidence.pictures")
    if name not in _HOME:
        raise AttributeError(f"module 'evidence' has no attribute {name!r}")
    return getattr(import_module(f"evidence.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
