"""One small study and its report, shared by every test of notebooks and reports."""

from __future__ import annotations

from pathlib import Path

import learning
import pytest

from evidence.reporting import report
from evidence.studies import engine as studies

STUDY = """
title = "Two ways of paying"
why = "To try the report on something small and real."
baseline = "as_it_is"
draws = 2
replications = 2
seed = 7
start = 2025-12-31
months = 15

[arms.as_it_is]
label = "As it is"
scenario = "central"

[arms.more]
label = "More grant"
scenario = "central"
[arms.more.set]
"funding.grant_per_person" = { value = 2400, from = 2026-04-01 }
"""


@pytest.fixture(scope="session")
def study_text() -> str:
    """The study file of the small study."""
    return STUDY


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> tuple[str, Path]:
    """Id and runs folder of a real study of two arms, two draws and two replications."""
    folder = tmp_path_factory.mktemp("report")
    file = folder / "two_ways.toml"
    file.write_text(STUDY, encoding="utf-8")
    runs = folder / "runs"
    return studies.run_study(file, runs), runs


@pytest.fixture(scope="session")
def asked(small) -> report.Asked:
    """What the report of the small study has beside it: a companion study as small, of a notice of another length."""
    text = STUDY.replace("Two ways of paying", "Two notices").replace("More grant", "28 days")
    grant = '"funding.grant_per_person" = { value = 2400'
    assert grant in text
    file = small[1].parent / "two_notices.toml"
    file.write_text(text.replace(grant, '"decisions.notice_days" = { value = 28'), encoding="utf-8")
    return report.Asked({"notice_study": studies.run_study(file, small[1])})


@pytest.fixture(scope="session")
def made(small, asked) -> Path:
    """Folder of the report of the small study."""
    return report.build(*small, asked).parent


@pytest.fixture
def short(monkeypatch) -> tuple[str, ...]:
    """Reports of one notebook only, for what does not depend on which they are."""
    monkeypatch.setattr(report, "NOTEBOOKS", ("09_submission",))
    return report.NOTEBOOKS


@pytest.fixture(scope="session")
def learn(tmp_path_factory) -> Path:
    """The pages of notebooks/learn in a folder of their own, every notebook executed at its quick size."""
    folder = learning.copied(tmp_path_factory.mktemp("learn"))
    learning.execute(folder)
    return folder


@pytest.fixture(scope="session")
def site(learn) -> Path:
    """The built pages."""
    folder = learn.parents[1] / "site"
    done = learning.build(learn, folder)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr[-2000:]
    return folder
