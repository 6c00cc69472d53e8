"""Every example in the how-to pages is run, or where a run is long, checked against the command it calls.

What a block's class says: none, the lines are run in a temporary folder, in order, with the files that the page writes;
`long`, the command line is parsed and its files are there; `not-run`, it is a make target or a script elsewhere;
`own-scenario`, the scenario above it is read and simulated; `filled-template`, it is run after a row was filled in.
"""

import re
import shlex
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

import params
import sim
from evidence import cli
from evidence.studies import clusters
from params.register import ROOT

pytestmark = pytest.mark.notebooks

REPOSITORY = Path(cli.__file__).resolve().parent.parent
LEARN = REPOSITORY / "notebooks" / "learn"
PAGES = sorted([*LEARN.glob("howto/*.md"), *LEARN.glob("model/*.md")])
FENCE = re.compile(r"^```(?:\{code-block\} *)?(console|python|toml)\n((?::\w+:[^\n]*\n)*)(.*?)^```", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One code block of a page."""

    language: str
    look: str
    caption: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """The lines a reader types, as words."""
        return [shlex.split(line[2:]) for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(page: Path) -> list[Block]:
    found = []
    for language, options, text in FENCE.findall(page.read_text(encoding="utf-8")):
        given = dict(re.findall(r":(\w+): *(.*)\n", options))
        found.append(Block(language, given.get("class", ""), given.get("caption", ""), text.lstrip("\n")))
    return found


def name(page: Path) -> str:
    return page.stem


def test_no_code_on_a_page_escapes_these_tests():
    for page in PAGES:
        fences = re.findall(r"^```(?:\{code-block\} *)?(\w+)$", page.read_text(encoding="utf-8"), re.M)
        assert sorted(fences) == sorted(block.language for block in blocks(page)), page.name
        for block in blocks(page):
            assert block.language != "console" or block.commands, f"{page.name}: a console block without a $ line"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=name)
def test_the_examples_of_a_page_work(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPERSAL_RUNS", str(tmp_path / "runs"))
    for block in blocks(page):
        if block.language == "python":
            exec(compile(block.text, page.name, "exec"), {})  # noqa: S102
        elif block.language == "toml":
            tomllib.loads(block.text)
            if block.caption and "/" not in block.caption:
                Path(block.caption).write_text(block.text, encoding="utf-8")
        elif block.look == "not-run":
            assert all(known_outside(words) for words in block.commands), block.text
        else:
            for words in block.commands:
                assert words[0] == "dispersal", words
                if block.look == "filled-template":
                    filled(Path(words[-1]))
                if block.look in ("long", "own-scenario"):
                    parsed(words[1:])
                else:
                    done(words[1:], capsys)


def known_outside(words: list[str]) -> bool:
    """Whether a line that is not ours to run names a make target or a file that a report or environment holds."""
    targets = re.findall(r"^([a-z]+):.*##", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.M)
    return words[0] == "make" and words[1] in targets or words in ([".", ".venv/bin/activate"], ["python", "verify.py"])


def parsed(words: list[str]) -> None:
    """The command takes these words, and files of the project that it names are there."""
    cli.app.parse_args(words, exit_on_error=False, print_error=False)
    for word in words:
        assert not word.startswith("params/") or (REPOSITORY / word).exists(), word


def done(words: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 0, (words, capsys.readouterr().err)


def filled(file: Path) -> None:
    """What the page asks for: one row with a value, councils, price base and source."""
    lines = file.read_text(encoding="utf-8").splitlines()
    row = lines[2].split(",")
    row[1:4], row[6:8] = ["all", "900", "700"], ["2024-25", "our ledger"]
    row[4] = "1100"
    file.write_text("\n".join([lines[0], lines[1], ",".join(row), *lines[3:]]) + "\n", encoding="utf-8")


@pytest.fixture
def own_params(tmp_path) -> Path:
    """A copy of the numbers to which scenarios can be added."""
    return shutil.copytree(ROOT, tmp_path / "params", ignore=shutil.ignore_patterns("*.py", "__pycache__", "vintages"))


def test_the_scenarios_of_the_page_are_read_and_change_the_model(own_params, steady_intake):
    written = [b for b in blocks(LEARN / "howto" / "scenario.md") if b.caption.startswith("params/scenarios/")]
    assert len(written) == 2
    for block in written:
        own_params.parent.joinpath(block.caption).write_text(block.text, encoding="utf-8")
        own = params.load(Path(block.caption).stem, root=own_params)
        assert own.canonical() != params.load().canonical() and len(own.why) > 20
        sim.simulate(own, steady_intake(2), seed=1)


def test_the_cluster_files_of_the_page_are_read(tmp_path):
    written = [b for b in blocks(LEARN / "howto" / "cluster.md") if b.language == "toml"]
    assert len(written) == 2
    for block in written:
        file = tmp_path / block.caption
        file.write_text(block.text, encoding="utf-8")
        assert clusters.read_cluster(file)


def examples() -> list[list[str]]:
    """Every command line in the epilogues of `--help`, which the page of commands shows."""
    found, waiting = [], [cli.app]
    while waiting:
        app = waiting.pop()
        waiting += [app[word] for word in app if not word.startswith("-")]
        for line in (app.help_epilogue or "").splitlines():
            if line.startswith("  dispersal "):
                found += [shlex.split(part, comments=True)[1:] for part in line.split("&&")]
    return found


def test_every_example_of_the_commands_is_a_command_line_that_is_taken():
    assert len(examples()) > 40
    for words in examples():
        parsed(words)
