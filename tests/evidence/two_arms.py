"""A small study file of two arms, for tests of the engine: as text, written to a folder, and the receipts it leaves."""

from __future__ import annotations

from pathlib import Path

STUDY = """
title = "Two arms"
why = "To try the engine."
baseline = "base"
draws = 2
replications = 2
seed = 2026
start = 2025-12-31
months = 6
[arms.base]
label = "As it is"
scenario = "central"
[arms.more]
label = "More grant"
scenario = "central"
[arms.more.set]
"funding.grant_per_person" = 2000
"""


def write_study(folder: Path, text: str = STUDY, name: str = "two_arms.toml") -> Path:
    """Write a study file; its path."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def receipts(runs: Path, study_id: str) -> dict[str, str]:
    """What each finished part of a study says it is, by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in (runs / study_id / "receipts").iterdir()}
