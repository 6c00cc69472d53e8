"""The report as a bundle that travels: every form of it, its check, its accessibility, and no small count anywhere."""

import csv
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from python_calamine import CalamineWorkbook

import params
from evidence import cli, results, verify
from evidence.chapters import assurance, baseline, funding, ledgers
from evidence.disclosure import BASE
from evidence.exhibits import MODELLED, OFFICIAL, open_pack, read_index, read_views
from evidence.reporting import pages, submission
from evidence.studies import engine as studies
from evidence.wording import SHORTHAND

pytestmark = pytest.mark.notebooks
needs_browser = pytest.mark.skipif(pages.browser() is None, reason="Chromium is not on this machine")
FORMS = (
    *("report.html", "summary.html", "tables.xlsx", "tables.ods", "README.txt", "verify.py"),
    *("SHA256SUMS", "record.json", "ro-crate-metadata.json"),
    *("exhibits/csv-metadata.json", "exhibits/exhibits.json", "exhibits/views.json"),
    *("assumptions_log.csv", "data_log.csv", "qa_log.csv", "new_burdens.csv", "green_book.csv"),
)


@pytest.fixture(scope="module")
def index(made) -> list[dict]:
    return read_index(made / "exhibits")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


# --- whole, and checked --------------------------------------------------------------------------------------------


def test_every_form_of_the_report_is_there(made):
    assert all((made / name).is_file() for name in FORMS)
    text = (made / "README.txt").read_text(encoding="utf-8")
    for name in params.tables.reference_names():
        assert params.tables.reference_record(name)["attribution"] in text


def test_one_flipped_byte_of_any_file_is_named_and_nothing_else(made, tmp_path):
    folder = tmp_path / made.name
    shutil.copytree(made, folder)
    assert subprocess.run([sys.executable, "-I", "-S", folder / "verify.py"], stdout=subprocess.PIPE).returncode == 0
    for path in files(folder):
        content = path.read_bytes()
        at = len(content) // 2
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        found = verify.problems(folder)
        path.write_bytes(content)
        name = path.relative_to(folder).as_posix()
        assert found and all(name in line for line in found), (name, found)


# --- tables in other forms -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["tables.xlsx", "tables.ods"])
def book(request, made) -> CalamineWorkbook:
    return CalamineWorkbook.from_path(str(made / request.param))


def rows_of(book: CalamineWorkbook, sheet: str) -> list[list]:
    return book.get_sheet_by_name(sheet).to_python()


def test_a_workbook_begins_with_cover_contents_and_notes(book, index):
    tables = [e["id"] for e in index if e["kind"] != "claim"]
    assert book.sheet_names[:4] == ["Cover", "Contents", "Notes", "Findings"]
    assert sorted(book.sheet_names[4:]) == sorted(tables)
    listed = [str(row[0]) for row in rows_of(book, "Contents")]
    assert set(book.sheet_names[3:]) <= set(listed)


def test_each_sheet_holds_one_table_without_gaps_and_the_csv_numbers(book, made, index):
    for entry in (e for e in index if e["kind"] != "claim"):
        rows = rows_of(book, entry["id"])
        assert rows[0][0] == entry["title"], "the title stands in A1"
        with (made / "exhibits" / f"{entry['id']}.csv").open(encoding="utf-8", newline="") as file:
            header, *data = csv.reader(file)
        data = data or [[""] * len(header)]
        head = len(rows) - len(data) - 1
        assert all(row[0] != "" for row in rows[:head]) and all(cell != "" for row in rows[head:] for cell in row)
        assert len(set(rows[head])) == len(header) == len(rows[head])
        for shown, given in zip(rows[head + 1 :], data, strict=True):
            for cell, text in zip(shown, given, strict=True):
                if isinstance(cell, float | int) and not isinstance(cell, bool):
                    assert float(text) == cell
                elif not text:
                    assert cell == "[z]"
        used = {cell for row in rows[head:] for cell in row if cell in SHORTHAND}
        described = " ".join(str(row[0]) for row in rows[:head])
        assert all(mark in described for mark in used)


def test_workbooks_have_no_merged_cells_and_no_formulas(made):
    for name, merged, formula in (("tables.xlsx", "<mergeCell", "<f>"), ("tables.ods", "spanned", "table:formula")):
        with zipfile.ZipFile(made / name) as archive:
            for part in (n for n in archive.namelist() if n.endswith(".xml")):
                text = archive.read(part).decode()
                assert merged not in text and formula not in text, (name, part)


def test_csv_metadata_describes_every_column_of_every_csv(made):
    folder = made / "exhibits"
    group = json.loads((folder / "csv-metadata.json").read_text(encoding="utf-8"))
    assert {table["url"] for table in group["tables"]} == {path.name for path in folder.glob("*.csv")}
    for table in group["tables"]:
        with (folder / table["url"]).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        columns = table["tableSchema"]["columns"]
        assert [column["titles"] for column in columns] == header
        for i, column in enumerate(columns):
            if column["datatype"] in ("integer", "number"):
                assert all(np.isfinite(float(row[i])) for row in rows if row[i])


def test_the_crate_says_what_was_run_on_what(made):
    graph = {e["@id"]: e for e in json.loads((made / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]}
    (action,) = [e for e in graph.values() if e["@type"] == "CreateAction"]
    assert graph[action["instrument"]["@id"]]["@type"] == "SoftwareApplication"
    described = {item["@id"] for item in action["result"]}
    assert described == {path.relative_to(made).as_posix() for path in files(made)} - {"ro-crate-metadata.json"}
    assert {f"#table-{name}" for name in params.tables.reference_names()} < {item["@id"] for item in action["object"]}
    assert "process" in json.dumps(graph["./"]["conformsTo"])


# --- for every reader ----------------------------------------------------------------------------------------------


@needs_browser
def test_the_pdfs_are_tagged_and_the_summary_has_two_pages_at_most(made):
    from pypdf import PdfReader

    for name in ("report.pdf", "summary.pdf"):
        reader = PdfReader(made / name)
        root = reader.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"] == "en-GB"
        assert "Two ways of paying" in reader.metadata.title
        if name == "summary.pdf":
            assert len(reader.pages) <= 2


@needs_browser
def test_axe_finds_nothing_serious_in_the_pages(made):
    import axe_core_python
    from playwright.sync_api import sync_playwright

    script = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=pages.browser(), args=flags)
        for name in ("report.html", "summary.html"):
            page = browser.new_page()
            page.goto((made / name).as_uri())
            page.evaluate(script)
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            grave = [(v["id"], v["nodes"][0]["html"][:120]) for v in found if v["impact"] in ("serious", "critical")]
            assert not grave, (name, grave)
        browser.close()


# --- no small or exact modelled count of a council -----------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])")


class Tables(HTMLParser):
    """Rows of every table of a page, each with the evidence id of the figure that it stands in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, list[str]]] = []
        self.exhibit, self.row, self.cell = "", [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "figure":
            self.exhibit = dict(attrs).get("id", "")
        elif tag == "tr":
            self.row = []
        elif tag in ("td", "th"):
            self.cell = ""
        elif tag == "br":
            self.cell += " "

    def handle_data(self, data):
        self.cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.row.append(self.cell)
        elif tag == "tr":
            self.rows.append((self.exhibit, self.row))


def rows_that_leave(made: Path, index: list[dict]) -> Iterator[tuple[str, str, list[str], list[str]]]:
    """File, evidence id, heading and cells of every row of every table, in every form in which tables leave."""
    views = read_views(made / "exhibits")
    books = {name: CalamineWorkbook.from_path(str(made / name)) for name in ("tables.xlsx", "tables.ods")}
    for entry in (e for e in index if e["kind"] != "claim"):
        name = f"exhibits/{entry['id']}.csv"
        with (made / name).open(encoding="utf-8", newline="") as file:
            forms = {name: list(csv.reader(file))}
        view = views[entry["id"]]
        forms["views.json"] = [view["columns"], *view["rows"]]
        for name, book in books.items():
            texts = [[_text(cell) for cell in row] for row in rows_of(book, entry["id"])]
            forms[name] = texts[next(i for i, row in enumerate(texts) if all(row)) :]
        for name, rows in forms.items():
            for row in rows[1:]:
                yield name, entry["id"], rows[0], row
    pages_shown = {"report.html": (made / "report.html").read_text(encoding="utf-8")}
    for path in (made / "notebooks").iterdir():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [o["data"].get("text/html", "") for c in cells for o in c.get("outputs", []) if "data" in o]
        pages_shown[path.name] = "".join("".join(html) for html in outputs)
    for name, html in pages_shown.items():
        for exhibit, row in Tables(html).rows:
            yield name, exhibit, [""] * len(row), row


def _text(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def test_no_exact_or_small_modelled_count_of_a_council_leaves_in_any_form(small, made, index):
    study = studies.open_study(*small)
    councils = params.reference("councils").set_index("lad_code")
    names = {code: code for code in councils.index} | {n: code for code, n in councils["name"].items()}
    published = published_numbers()
    summary = results.summarise(results.supported(study, "council"))
    columns = ["central", "low80", "high80", "low95", "high95"]
    exact = {code: set(rows[columns].to_numpy().ravel()) for code, rows in summary.groupby("council")}
    bands = {label for label, _ in results.SIZE_BANDS}
    modelled = {e["id"] for e in index if e["label"] == MODELLED}
    checked = Counter()
    for name, evidence, heading, row in rows_that_leave(made, index):
        code = next((names[cell] for cell in row[:2] if cell in names), None)
        if code is None or evidence not in modelled:
            continue
        for column, cell in zip(heading, row, strict=True):
            for found in NUMBER.findall("" if cell in bands else cell):
                value = float(found.replace(",", ""))
                checked[name] += 1
                if value in published[code]:
                    continue
                safe = value % BASE == 0 if value.is_integer() else value not in exact[code]
                assert safe and not (value == 0 and "people" in column.lower()), (name, evidence, column, row)
    assert len(checked) >= 6 and min(checked.values()) > 300, checked


def published_numbers() -> dict[str, set[float]]:
    """Every number that an official table gives for a council, which may be quoted exactly."""
    found: dict[str, set[float]] = defaultdict(set)
    for name in params.tables.reference_names():
        table = params.reference(name)
        if "lad_code" in table:
            for code, rows in table.select_dtypes("number").groupby(table["lad_code"]):
                found[code] |= set(rows.to_numpy().ravel())
    return found


def test_a_picture_names_no_council(made, index):
    councils = [re.escape(name) for name in params.reference("councils")["name"]]
    regions = set(params.reference("councils")["region"])
    known = re.compile("|".join(rf"\b{name}\b" for name in councils if name not in regions))
    modelled = [e for e in index if e["label"] == MODELLED and e["kind"] == "figure"]
    assert modelled
    for entry in modelled:
        svg = (made / "exhibits" / f"{entry['id']}.svg").read_text(encoding="utf-8")
        assert not known.search(svg) and "<title>" not in svg, entry["name"]


# --- ids -----------------------------------------------------------------------------------------------------------


def made_of(study_id: str, runs: Path) -> dict[str, str]:
    """Evidence ids by name of exhibits that do and do not depend on what other public bodies spend."""
    pack = open_pack(study_id, str(runs))
    shown = [
        baseline.published_totals(pack),
        baseline.published_regions(pack),
        baseline.intake_claim(pack),
        *funding.net_cost_claims(pack),
        funding.hotels_claim(pack),
        funding.home_office_claim(pack),
        ledgers.ledgers_figure(pack),
        submission.new_burdens(pack),
        submission.green_book(pack),
        assurance.assumptions_log(pack),
        assurance.options_log(pack),
    ]
    return {exhibit.name: exhibit.id for exhibit in shown}


def test_a_changed_assumption_changes_the_ids_that_depend_on_it_and_no_others(small, tmp_path, study_text):
    """What the health service spends stands in one ledger and moves nobody's decisions."""
    file = tmp_path / "two_ways.toml"
    changed = study_text.replace('label = "As it is"', 'label = "As it is"\nset = { "costs.health" = 2700 }')
    changed = changed.replace("[arms.more.set]", '[arms.more.set]\n"costs.health" = 2700')
    file.write_text(changed, encoding="utf-8")
    other = studies.run_study(file, tmp_path / "runs")
    assert other != small[0]
    before, after = made_of(*small), made_of(other, tmp_path / "runs")
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"ledgers", "green_book", "assumptions_log"}


# --- cite, find, verify --------------------------------------------------------------------------------------------


@pytest.fixture
def dispersal(small, capsys):
    """Run a command on the small study's runs folder; returns exit code, output and error text."""

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main([*words, "--runs", str(small[1])])
        printed = capsys.readouterr()
        return end.value.code, printed.out, printed.err

    return call


def named(index: list[dict], name: str) -> dict:
    return next(entry for entry in index if entry["name"] == name)


def test_cite_traces_a_number_to_data_assumptions_code_and_seed(made, index, dispersal, small):
    entry = named(index, "net_cost_more")
    code, said, _ = dispersal("cite", entry["id"].lower())
    assert code == 0 and entry["title"] in said
    record = json.loads((made / "record.json").read_text(encoding="utf-8"))
    table = params.tables.reference_record("support_by_council")
    for part in (
        record["id"], small[0], "seed 7", record["model_version"], table["vintage"], table["sha256"][:12],
        f"dispersal verify --rerun {entry['id']}", "1 differ from as_it_is", "funding.grant_per_person",
        "is not an edition to cite: it was made without --cite",
    ):  # fmt: skip
        assert part in said, part


def test_a_published_figure_is_cited_with_its_own_tables_and_no_assumptions(index, dispersal):
    entry = named(index, "published_regions")
    code, said, _ = dispersal("cite", entry["id"])
    assert code == 0 and entry["label"] == OFFICIAL
    assert "Assumptions: none; published figures quoted exactly" in said and "quoted here" in said


def test_an_unknown_evidence_id_names_the_nearest(index, dispersal):
    wrong = index[0]["id"][:-1] + ("0" if index[0]["id"][-1] != "0" else "1")
    code, _, said = dispersal("cite", wrong)
    assert code == 2 and re.search(r"no report in .* holds it. Nearest: E-", said)
    assert dispersal("cite", "../x")[0] == 2 and "is not an evidence id" in dispersal("cite", "E-xyz")[2]


def test_a_quoted_sentence_figure_or_cell_finds_its_evidence(made, index, dispersal):
    claim = named(index, "net_cost_as_it_is")
    low = re.search(r"£[\d.]+(?:m|bn)", claim["title"])[0]
    spelt = low.replace("£", "£ ").replace("m", " million").replace("bn", " billion")
    for quote in (claim["title"].upper().replace(" ", "  ").replace("“", '"').replace("”", '"'), low, spelt):
        code, said, _ = dispersal("find", quote)
        assert code == 0 and claim["id"] in said, quote
    answer = named(index, "answer")
    cell = read_views(made / "exhibits")[answer["id"]]["rows"][0][1].partition("\n")[0]
    assert answer["id"] in dispersal("find", cell)[1]
    assert named(index, "published_position")["id"] in dispersal("find", "68,538")[1]
    assert named(index, "published_position")["id"] in dispersal("find", "68538")[1]
    code, _, said = dispersal("find", "a sentence that nobody wrote")
    assert code == 1 and "carries it" in said


def test_verify_names_the_file_that_was_changed_and_the_id_that_no_longer_fits(made, index, dispersal):
    entry = named(index, "net_cost_as_it_is")
    path = made / "exhibits" / f"{entry['id']}.csv"
    content = path.read_bytes()
    assert dispersal("verify", entry["id"])[0] == dispersal("verify", made.name)[0] == 0
    path.write_bytes(content.replace(b"1", b"2", 1))
    try:
        for identity in (made.name, entry["id"]):
            code, _, said = dispersal("verify", identity)
            assert code == 1 and f"exhibits/{entry['id']}.csv: changed since it was made" in said
        assert dispersal("verify", "--rerun", entry["id"])[0] == 1
    finally:
        path.write_bytes(content)
    assert dispersal("verify", entry["id"], "--sample", "1")[0] == 2


def test_an_exhibit_is_made_again_from_its_record_byte_for_byte_also_when_it_is_of_a_companion_study(
    index, dispersal, small, asked
):
    entry = named(index, "notice")
    assert entry["study"] == asked.parameters["notice_study"] != small[0]
    code, said, _ = dispersal("verify", "--rerun", entry["id"])
    assert code == 0
    assert "packages: as recorded" in said and "agree byte for byte" in said
    assert f"all 2 parts of study {entry['study']} simulated again" in said
    assert f"{small[0]} taken as it is kept here" in said


def test_a_sample_is_held_against_the_study_that_is_kept(index, dispersal):
    code, said, _ = dispersal("verify", "--rerun", named(index, "new_burdens")["id"], "--sample", "1")
    assert code == 0 and "1 of 4 parts simulated again" in said and "every number agrees" in said
    code, _, said = dispersal("verify", "--rerun", named(index, "new_burdens")["id"], "--sample", "9")
    assert code == 2 and "must be from 1 to 4" in said
