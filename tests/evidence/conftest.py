"""Shared by the tests of commands."""

from __future__ import annotations

import pytest

from evidence import cli


@pytest.fixture
def dispersal(tmp_path, capsys, monkeypatch):
    """Run a command in this process with its own runs folder; returns exit code, output and error lines."""
    monkeypatch.setenv("DISPERSAL_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main(list(words))
        printed = capsys.readouterr()
        return end.value.code, printed.out.splitlines(), printed.err.splitlines()

    return call
