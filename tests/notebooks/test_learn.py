"""The first notebook and the tutorials run from top to bottom, and the pages are built from them."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from learning import LEARN, QUICK

pytestmark = pytest.mark.notebooks


def pages(kind: str) -> list[str]:
    """Names of the pages of a kind, without what JupyterLab leaves beside them."""
    found = [path.relative_to(LEARN) for path in LEARN.rglob(f"*.{kind}")]
    return [path.with_suffix("").as_posix() for path in found if ".ipynb_checkpoints" not in path.parts]


def cells(notebook: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == kind]


def test_every_notebook_has_a_quick_size():
    assert set(pages("ipynb")) == set(QUICK)


@pytest.mark.parametrize("name", QUICK)
def test_a_notebook_is_stripped_and_its_parameters_are_scalars(name):
    code = cells(LEARN / f"{name}.ipynb", "code")
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert code[0].metadata.tags == ["parameters"]
    given = {}
    for statement in ast.parse(code[0].source).body:
        assert isinstance(statement, ast.Assign)
        given[statement.targets[0].id] = ast.literal_eval(statement.value)
    assert QUICK[name].keys() | {"runs"} <= given.keys()
    assert all(isinstance(value, str | int | float | bool) for value in given.values())


@pytest.mark.parametrize("name", QUICK)
def test_the_text_of_a_notebook_holds_no_result(name):
    """Amounts and percentages in prose would not follow the study, but for the names of intervals and rules."""
    prose = " ".join(cell.source for cell in cells(LEARN / f"{name}.ipynb", "markdown"))
    assert not re.search(r"£\d|\d{1,3},\d{3}|(?!80%|95%)\b\d+%", prose)


@pytest.mark.parametrize("name", QUICK)
def test_a_notebook_ran_to_its_end_and_shows_something_in_every_table(learn, name):
    code = cells(learn / f"{name}.ipynb", "code")
    assert all(cell.execution_count for cell in code)
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    shown = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    tables = [text for text in shown if "dataframe" in text]
    assert tables and not [text for text in tables if re.search(r"<tbody>\s*</tbody>", text)]
    prose = [cell.source for cell in cells(learn / f"{name}.ipynb", "markdown")]
    assert any("odelled estimate" in text for text in shown + prose), "nothing says that it is modelled"


def test_a_study_of_a_notebook_is_kept_where_it_was_told(learn):
    kept = {path.name.rsplit("-", 1)[0] for path in (learn.parents[1] / "runs").iterdir() if path.is_dir()}
    assert {"first-notebook", "learn-notice", "learn-first-cluster", "learn-full-recovery"} <= kept


def test_the_site_holds_every_page_and_lists_what_is_outside(site):
    for name in [*QUICK, *pages("md")]:
        assert (site / f"{name}.html").is_file(), name
    assert (site / "external-links.txt").is_file()
    text = (site / "reference" / "assumptions.html").read_text(encoding="utf-8")
    assert 'id="std-assumption-procurement.handback_rate"' in text or "procurement.handback_rate" in text
    assert "dispersal hindcast" in (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "Process and schedule" in (site / "model" / "odd.html").read_text(encoding="utf-8")


def test_a_broken_link_a_picture_without_words_and_a_foreign_script_are_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(LEARN / "_ext"))
    from offline import checked

    (tmp_path / "a.html").write_text(
        '<h2 id="there">x</h2><a href="b.html#there">1</a><a href="c.html">2</a><a href="#nowhere">3</a>'
        '<img src="data:image/png;base64,AA"><script src="https://cdn.example/x.js"></script>'
        '<a href="https://www.gov.uk/">out</a>'
    )
    (tmp_path / "b.html").write_text('<p id="there">y</p>')
    wrong, external = checked(tmp_path)
    assert sorted(wrong) == [
        "a.html: #nowhere has no such place",
        "a.html: a picture without alternative text: data:image/png;base64,AA",
        "a.html: c.html is not there",
        "a.html: loads https://cdn.example/x.js from outside",
    ]
    assert external == ["https://www.gov.uk/"]
