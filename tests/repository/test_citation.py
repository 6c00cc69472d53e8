"""What the repository says about citing it stays true."""

import tomllib
from pathlib import Path

import pytest
import yaml

from evidence import cli

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]


def test_the_citation_file_agrees_with_the_project_and_names_a_command_that_exists():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert {"cff-version", "title", "message", "authors", "date-released"} <= set(citation)
    assert "`dispersal cite E-...`" in citation["message"] and "cite" in cli.app
    assert all("@" not in str(author) and "given-names" not in author for author in citation["authors"])
