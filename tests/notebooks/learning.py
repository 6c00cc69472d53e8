"""The notebooks of notebooks/learn at a size for tests: executed once, in one kernel, and built into pages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from evidence.records import REPOSITORY

LEARN = REPOSITORY / "notebooks" / "learn"
# Fifteen months hold the financial year 2026-27, twenty-seven the next one as well.
QUICK: dict[str, dict[str, object]] = {
    "first_notebook": {"months": 15, "draws": 2, "replications": 2},
    "tutorials/notice": {"months": 15, "draws": 2, "replications": 2},
    "tutorials/first_cluster": {"months": 15, "draws": 2, "replications": 2},
    "tutorials/intake": {"first": "2024Q1", "paths": 100, "months": 15, "draws": 2, "replications": 2},
    "tutorials/full_recovery": {"months": 27, "draws": 2, "replications": 2},
    "tutorials/own_rule": {"months": 3, "draws": 1, "replications": 2},
}


def copied(folder: Path) -> Path:
    """The pages and notebooks in a folder of their own, notebooks at the quick size, runs kept beside them.

    Args:
        folder: receives `notebooks/learn`, `sim` and `runs`.

    Returns:
        The copy of `notebooks/learn`.
    """
    learn = folder / "notebooks" / "learn"
    shutil.copytree(LEARN, learn, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    (folder / "sim").mkdir()
    shutil.copy(REPOSITORY / "sim" / "ODD.md", folder / "sim")
    for name, quick in QUICK.items():
        path = learn / f"{name}.ipynb"
        notebook = load_notebook_node(str(path))
        nbformat.write(parameterize_notebook(notebook, quick | {"runs": str(folder / "runs")}), path)
    return learn


def execute(learn: Path) -> None:
    """Run every notebook of a copy in one kernel, emptied between two; the outputs go into the files."""
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(cwd=str(learn))
    try:
        for name in QUICK:
            path = learn / f"{name}.ipynb"
            notebook = nbformat.read(path, as_version=4)
            client = NotebookClient(notebook, km=kernel, timeout=300)
            client.execute()
            nbformat.write(notebook, path)
    finally:
        kernel.shutdown_kernel(now=True)


def build(learn: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the pages of a copy whose notebooks hold their outputs, as `make docs` does but for executing them."""
    command = [
        *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"),
        *("-c", str(LEARN), "-D", "nb_execution_mode=off", "-d", str(site.parent / "doctrees"), str(learn), str(site)),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)
