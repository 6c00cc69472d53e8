"""Notebooks and report on a real study: what a reader opens, and what is refused."""

import ast
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import params
from evidence import records, results
from evidence.exhibits import DERIVED, MIXED, MODELLED, OFFICIAL, QUOTED, RECORDED, read_index, read_views
from evidence.records import RunError, damaged, read_record
from evidence.reporting import execution, report
from evidence.studies import engine as studies
from evidence.wording import money
from params import InputError

pytestmark = pytest.mark.notebooks

SOURCES = {name: records.REPOSITORY / "notebooks" / f"{name}.ipynb" for name in report.NOTEBOOKS}
VOID = {"meta", "link", "img", "br", "hr", "input", "col", "source", "wbr"}


class Page(HTMLParser):
    """Elements of a page in order, with the text of headings and the nesting checked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.headings: list[tuple[int, str]] = []
        self.open: list[str] = []
        self.tables_with_caption = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "caption":
            assert self.open[-1] == "table", "a caption must come first in its table"
            self.tables_with_caption += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1] if self.open else None}>"
        self.open.pop()

    def handle_data(self, data):
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings.append((int(self.open[-1][1]), data))

    def of(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def page(made) -> Page:
    return Page((made / report.PAGE).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def index(made) -> list[dict]:
    return json.loads((made / "exhibits" / "exhibits.json").read_text(encoding="utf-8"))


def exhibit(index: list[dict], name: str) -> dict:
    (entry,) = [e for e in index if e["name"] == name]
    return entry


# --- the committed notebooks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCES)
def test_a_notebook_is_stripped_and_begins_with_scalar_parameters(name):
    notebook = nbformat.read(SOURCES[name], as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert notebook.cells[0].metadata.tags == ["parameters"]
    for statement in ast.parse(notebook.cells[0].source).body:
        assert isinstance(statement, ast.Assign)
        assert isinstance(ast.literal_eval(statement.value), str | int | float | bool)


@pytest.mark.parametrize("name", SOURCES)
def test_a_notebook_holds_no_rule_of_its_own(name):
    """No definitions, loops or simulation; after the set-up each code cell is one call into evidence."""
    notebook = nbformat.read(SOURCES[name], as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for source in code[2:]:
        (statement,) = ast.parse(source).body
        assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call), source
    imported = [n for n in ast.walk(ast.parse(code[1])) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert {str(n.module).split(".")[0] for n in imported} == {"evidence"}
    assert notebook.cells[-1].source == "pack.claims()"


@pytest.mark.parametrize("name", SOURCES)
def test_the_text_of_a_notebook_holds_no_result(name):
    """Amounts and large counts in prose would not follow the study."""
    notebook = nbformat.read(SOURCES[name], as_version=4)
    prose = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.search(r"£|\d{1,3},\d{3}|\d+%", prose)


# --- the report ----------------------------------------------------------------------------------------------------


def test_the_report_holds_everything_and_nothing_of_this_machine(made, small):
    runs = small[1]
    names = {path.relative_to(made).as_posix() for path in made.rglob("*")}
    assert {report.PAGE, "record.json", "SHA256SUMS", "assumptions_log.csv", "exhibits/exhibits.json"} <= names
    assert {f"notebooks/{name}.ipynb" for name in report.NOTEBOOKS} <= names
    for path in made.rglob("*"):
        assert path.is_dir() or str(runs).encode() not in path.read_bytes(), path.name
    assert not damaged(made, read_record(made).outputs)


def test_a_finished_report_is_returned_at_once(made, small, asked):
    before = (made / report.PAGE).stat().st_mtime_ns
    said: list[str] = []
    assert report.build(*small, asked, say=said.append) == made / report.PAGE
    assert (made / report.PAGE).stat().st_mtime_ns == before and not said


def test_a_damaged_report_is_made_again_with_the_same_ids(small, short):
    page = report.build(*small)
    before = (page.parent / "exhibits" / "exhibits.json").read_text(encoding="utf-8")
    page.write_text("cut short")
    assert report.build(*small) == page
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert (page.parent / "exhibits" / "exhibits.json").read_text(encoding="utf-8") == before


def test_nothing_is_loaded_from_outside(made, page):
    text = (made / report.PAGE).read_text(encoding="utf-8")
    assert "@import" not in text and "url(" not in text
    assert not page.of("script", "iframe", "object", "embed", "link", "base")
    for attributes in page.of("img", "source", "audio", "video", "track", "input"):
        assert attributes["src"].startswith("data:")
        assert "srcset" not in attributes
    for attributes in page.of("a"):
        assert attributes["href"].startswith(("#", "data:text/csv")), attributes["href"][:60]


def test_the_page_can_be_read_by_everyone(page):
    assert page.of("html")[0]["lang"] == "en-GB"
    assert not page.open, f"left open: {page.open}"
    levels = [level for level, _ in page.headings]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert page.of("a")[0] == {"class": "skip", "href": "#main"}
    assert len(page.of("main")) == len(page.of("nav")) == len(page.of("header")) == len(page.of("footer")) == 1
    assert page.of("img") and all(len(attributes["alt"]) > 40 for attributes in page.of("img"))
    assert page.of("table") and page.tables_with_caption == len(page.of("table"))
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.of("th"))
    for attributes in page.of("div"):
        if attributes.get("class") in ("scroll", "picture"):
            assert attributes["tabindex"] == "0" and attributes["role"] == "region" and attributes["aria-label"]


def test_ids_are_unique_and_links_arrive(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in page.of("a"):
        if attributes["href"].startswith("#"):
            assert attributes["href"][1:] in ids, attributes["href"]


def test_every_exhibit_is_on_the_page_with_its_files(made, page, index):
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert len(index) > 25
    for entry in index:
        assert re.fullmatch(r"E-[0-9A-F]{6,}", entry["id"]) and entry["id"] in ids
        kinds = {name.rsplit(".", 1)[1] for name in entry["files"]}
        assert kinds == ({"csv", "svg", "png"} if entry["kind"] == "figure" else {"csv"})
        for name, sha256 in entry["files"].items():
            assert records.file_digest(made / "exhibits" / name) == sha256


def test_the_answer_comes_first(page):
    titles = [text for level, text in page.headings if level == 2]
    assert titles[0] == "Summary"
    order = ["What was modelled", "Intake forecast", "Funding options", "Council pressure", "How sure"]
    assert [t for t in titles if t in order] == order


def test_the_baseline_is_the_published_one(made, index):
    text = (made / report.PAGE).read_text(encoding="utf-8")
    assert "107,003 people were receiving asylum support on 31 December 2025, 68,538 of them" in text
    shown = pd.read_csv(made / "exhibits" / f"{exhibit(index, 'published_councils')['id']}.csv", keep_default_na=False)
    published = params.reference("support_by_council")
    published = published[published["quarter_end"] == "2025-12-31"].set_index("lad_code")
    assert len(shown) == len(published) == 361
    for name in ("total", "dispersal", "initial"):
        assert shown.set_index("lad_code")[name].to_dict() == published[name].astype(int).to_dict()
    totals = pd.read_csv(made / "exhibits" / f"{exhibit(index, 'published_position')['id']}.csv")
    assert (totals["published"] == totals["model at its start"]).all()


def test_what_was_published_since_is_held_against_the_model(made):
    text = (made / report.PAGE).read_text(encoding="utf-8")
    assert "Published since and not used: 93,293 people were supported on 30 June 2026" in text


def test_the_words_come_from_the_study(small, index):
    study = studies.open_study(*small)
    net = results.council_net_cost(study).sum("financial_year").sel(arm="as_it_is")
    low, high = np.quantile(net, [0.1, 0.9])
    claim = exhibit(index, "net_cost_as_it_is")["title"]
    assert f"between {money(low)} and {money(high)}" in claim
    gross = study["council_gross_cost_in_month"].isel(month=slice(3, 15)).sum(["month", "service"])
    by_hand = gross - study["grant_in_month"].isel(month=slice(3, 15)).sum("month")
    np.testing.assert_allclose(net, by_hand.sel(arm="as_it_is"), rtol=1e-5)


def test_no_modelled_council_count_below_5_is_in_the_table(made, index):
    table = pd.read_csv(made / "exhibits" / f"{exhibit(index, 'councils')['id']}.csv", keep_default_na=False, dtype=str)
    for name in ("people", "people_low80", "people_high80"):
        for value in table[name]:
            assert value in ("[c]", "[x]") or (int(value) >= 5 and int(value) % 5 == 0), value
    hidden = table["people"] == "[c]"
    costs = [c for c in table.columns if c.startswith("cost_as_it_is")]
    assert hidden.any() and (table.loc[hidden, costs] == "[c]").all(axis=None)
    small = table["published"].astype(int) < 200
    assert table.loc[small, "people"].isin(["[c]", "[x]"]).all()


def test_the_frame_withholds_modelled_figures_of_single_councils_with_small_counts(made, index):
    for name, columns in (("review_councils", ("cost_", "pressure_")), ("winners_councils", ("more",))):
        entry = next(e for e in index if e["name"] == name)
        table = pd.read_csv(made / "exhibits" / f"{entry['id']}.csv", dtype=str)
        modelled = table[[c for c in table.columns if c.startswith(columns)]]
        assert len(table) == 361 and modelled.shape[1]
        hidden = (modelled == "[c]").any(axis=1)
        assert hidden.any() and (modelled[hidden] == "[c]").all(axis=None)


def test_modelled_exhibits_say_that_they_are_modelled(index):
    for entry in index:
        assert entry["label"] in (MODELLED, OFFICIAL, RECORDED, MIXED, DERIVED, QUOTED)
        if entry["label"] in (MODELLED, MIXED):
            assert "interval" in entry["basis"] and entry["source"]


# --- what is refused -----------------------------------------------------------------------------------------------


def test_an_unknown_parameter_is_an_error_that_names_the_nearest(small, tmp_path):
    with pytest.raises(InputError, match=r"regoin is not a notebook parameter.*Nearest: region"):
        report.build(*small, report.Asked({"regoin": "Wales"}))
    with pytest.raises(InputError, match=r"studyid is not a parameter.*Nearest: study_id"):
        execution.execute(SOURCES["01_intake_forecast"], tmp_path / "x.ipynb", {"studyid": small[0]}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_parameter_that_the_build_sets_is_refused(small):
    with pytest.raises(InputError, match="out is not a notebook parameter"):
        report.build(*small, report.Asked({"out": "elsewhere"}))


def test_bad_local_unit_costs_are_refused_before_anything_is_made(small, tmp_path):
    study_id, runs = small
    before = sorted(runs.iterdir())
    (tmp_path / "costs.csv").write_text("service,councils\nesol,all\n", encoding="utf-8")
    with pytest.raises(InputError, match="costs.csv: line 1: the column value must be there once"):
        report.build(study_id, runs, report.Asked(unit_costs=tmp_path / "costs.csv"))
    assert sorted(runs.iterdir()) == before


def test_an_unknown_region_is_an_error_that_names_the_nearest(small, monkeypatch):
    monkeypatch.setattr(report, "NOTEBOOKS", ("03_council_pressure",))
    before = sorted(path.name for path in small[1].iterdir())
    with pytest.raises(InputError, match=r"Walse is not a region. Nearest: Wales"):
        report.build(*small, report.Asked({"region": "Walse"}))
    assert sorted(path.name for path in small[1].iterdir()) == before


def broken(tmp_path: Path, source: str) -> Path:
    """A copy of the project's notebooks in which one cell of the last is replaced."""
    folder = tmp_path / "notebooks"
    shutil.copytree(records.REPOSITORY / "notebooks", folder)
    path = folder / "09_submission.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-2].cell_type = "code"
    notebook.cells[-2] = nbformat.v4.new_code_cell(source)
    nbformat.write(notebook, path)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "failed with ZeroDivisionError"),
        ("import os\nos._exit(138)", "the kernel died|did not complete"),
    ],
)
def test_a_report_is_refused_when_a_cell_fails_or_the_kernel_dies(small, short, tmp_path, monkeypatch, source, message):
    monkeypatch.setattr(report, "REPOSITORY", broken(tmp_path, source))
    before = sorted(path.name for path in small[1].iterdir())
    with pytest.raises(RunError, match=message):
        report.build(*small)
    assert sorted(path.name for path in small[1].iterdir()) == before, "something was left behind"


def test_a_notebook_counts_only_when_every_cell_says_completed():
    def cell(status, kind="code", source="x"):
        return {"cell_type": kind, "source": source, "metadata": {"papermill": {"status": status}}, "outputs": []}

    good, pending = cell("completed"), cell("pending")
    assert execution.unfinished_cells({"cells": [good, cell(None, "markdown"), cell(None, source=" ")]}) == []
    assert execution.unfinished_cells({"cells": [good, pending]}) == [1]
    unmarked = {"cell_type": "code", "source": "x", "metadata": {}, "outputs": []}
    failed = good | {"outputs": [{"output_type": "error"}]}
    assert execution.unfinished_cells({"cells": [unmarked, failed]}) == [0, 1]


def test_one_failing_notebook_ends_the_others_at_once(small, tmp_path):
    """The other kernel is in the middle of a long cell; nobody waits for it."""
    sources = {}
    for name, source in (("slow", "import time\ntime.sleep(300)"), ("failing", "raise ValueError('no')")):
        notebook = nbformat.v4.new_notebook()
        parameters = nbformat.v4.new_code_cell("out = ''", metadata={"tags": ["parameters"]})
        notebook.cells = [parameters, nbformat.v4.new_code_cell(source)]
        notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
        sources[name] = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, sources[name])
    (tmp_path / "exhibits").mkdir()
    with pytest.raises(RunError, match=r"failing.ipynb: cell \d+ failed with ValueError: no"):
        execution.execute_all(sources, {"slow": {}, "failing": {}}, tmp_path, tmp_path, (), lambda line: None)


def test_exhibits_of_notebooks_that_ran_together_are_put_together_in_order(tmp_path):
    whole, part = tmp_path / "whole", tmp_path / "part"

    def shelf(folder, *entries):
        folder.mkdir(exist_ok=True)
        index = [{"id": own, "sha256": sha, "files": {f"{own}.csv": sha}} for own, sha in entries]
        (folder / "exhibits.json").write_text(json.dumps(index))
        (folder / "views.json").write_text(json.dumps({own: {"rows": [sha]} for own, sha in entries}))
        for own, sha in entries:
            (folder / f"{own}.csv").write_text(sha)

    shelf(whole, ("E-AAAAAA", "1"))
    shelf(part, ("E-AAAAAA", "1"), ("E-BBBBBB", "2"))
    assert execution.merge(part, whole) and not part.exists()
    assert [entry["id"] for entry in read_index(whole)] == ["E-AAAAAA", "E-BBBBBB"]
    assert list(read_views(whole)) == ["E-AAAAAA", "E-BBBBBB"] and (whole / "E-BBBBBB.csv").read_text() == "2"
    shelf(part, ("E-BBBBBB", "other content"), ("E-CCCCCC", "3"))
    assert not execution.merge(part, whole), "one id for two contents"
    assert (whole / "E-BBBBBB.csv").read_text() == "2" and not (whole / "E-CCCCCC.csv").exists()


def test_an_unknown_study_names_the_nearest(small):
    study_id, runs = small
    with pytest.raises(InputError, match=f"Nearest: {study_id}"):
        report.build(f"{study_id[:-1]}x", runs)


def test_a_study_too_short_for_a_financial_year_is_refused(tmp_path, study_text):
    file = tmp_path / "short.toml"
    text = study_text.replace("months = 15", "months = 6").replace("draws = 2", "draws = 1")
    file.write_text(text, encoding="utf-8")
    runs = tmp_path / "runs"
    study_id = studies.run_study(file, runs)
    with pytest.raises(InputError, match="6 months hold no complete financial year.*months = 15"):
        report.build(study_id, runs)
    assert not list(runs.glob("report-*"))
