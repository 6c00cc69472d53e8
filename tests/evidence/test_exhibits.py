"""Exhibits: ids from content, data as safe CSV, and HTML that anyone can read and nothing outside is loaded by."""

import csv
import json
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from evidence.exhibits import MODELLED, Exhibit, Pack, evidence_id, read_index, read_views, table_html, to_csv, to_html
from evidence.records import file_digest

pytestmark = pytest.mark.unit


def picture() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [0, 1])
    return figure


def exhibit(**changes) -> Exhibit:
    base = Exhibit(
        kind="figure",
        name="cost",
        title="Cost is £310m in 2028-29.",
        subtitle="Net cost, UK.",
        data=pd.DataFrame({"year": ["2027-28", "2028-29"], "central": [250.0, 310.0]}),
        units="GBP cash",
        source="study",
        label=MODELLED,
        basis={"interval": "80% interval"},
        alternative="Line that rises from £250m to £310m.",
        draw=picture,
    )
    return replace(base, **changes)


def pack(folder=None) -> Pack:
    return Pack("study-00000000", xr.Dataset(), {}, folder, folder)


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_the_same_content_has_the_same_id():
    assert pack().add(exhibit()).id == pack().add(exhibit()).id


@pytest.mark.parametrize(
    "change",
    [
        {"data": pd.DataFrame({"year": ["2027-28", "2028-29"], "central": [250.0, 310.1]})},
        {"title": "Cost is £311m in 2028-29."},
        {"units": "GBP real 2025-26"},
        {"source": "another study"},
        {"basis": {"interval": "95% interval"}},
        {"alternative": "Another line."},
        {"notes": ("A note.",)},
    ],
)
def test_a_change_changes_that_id_and_no_other(change):
    table = exhibit(kind="table", name="other", draw=None)
    before, after = pack(), pack()
    first = [before.add(exhibit()).id, before.add(table).id]
    second = [after.add(exhibit(**change)).id, after.add(table).id]
    assert first[0] != second[0] and first[1] == second[1]


def test_the_study_is_not_part_of_the_id_wherever_a_sentence_names_it():
    """Its id stands for every assumption, also those that this exhibit does not depend on."""
    of = {name: exhibit(source=f"Asy_D01; study {name}", notes=(f"From {name}.",)) for name in ("s-a1", "s-b2")}
    assert len({made.content_hash(name) for name, made in of.items()}) == 1
    assert all(f"study {name}" in made.citation() for name, made in of.items())


def test_what_is_only_shown_is_not_part_of_the_id():
    assert exhibit(view=pd.DataFrame({"Year": ["a"]})).content_hash("s") == exhibit().content_hash("s")


def test_an_id_is_short_and_grows_only_on_collision():
    first, second = "ab12cd34" + "0" * 56, "ab12cdff" + "1" * 56
    short = evidence_id(first, {})
    assert short == "E-AB12CD"
    assert evidence_id(second, {short: first}) == "E-AB12CDFF"
    assert evidence_id(first, {short: first}) == short


def test_bits_beyond_ten_figures_do_not_change_an_id():
    table = exhibit().data.assign(central=[250.0, np.nextafter(310.0, 400.0)])
    assert exhibit(data=table).content_hash("s") == exhibit().content_hash("s")


def test_csv_cells_are_short_dated_and_disarmed():
    data = pd.DataFrame(
        {
            "name": ["=HYPERLINK(1)", "@x", "-", "Kent"],
            "value": [1.0, 1 / 3, np.nan, -2.5],
            "when": pd.to_datetime(["2025-12-31", None, None, None]),
            "hidden": ["[c]", 5, True, None],
        }
    )
    rows = list(csv.reader(StringIO(to_csv(data))))
    assert rows[1] == ["'=HYPERLINK(1)", "1", "2025-12-31", "[c]"]
    assert rows[2] == ["'@x", "0.3333333333", "", "5"]
    assert rows[3] == ["'-", "", "", "yes"]
    assert rows[4] == ["Kent", "-2.5", "", ""]


def test_files_are_written_indexed_and_the_same_bytes_again(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        made = pack(folder)
        made.add(exhibit())
        made.add(exhibit(kind="claim", name="claim", draw=None))
    first, second = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in folders)
    assert first == second
    entries = read_index(folders[0])
    assert [e["kind"] for e in entries] == ["figure", "claim"]
    figure = entries[0]
    assert sorted(name.split(".")[1] for name in figure["files"]) == ["csv", "png", "svg"]
    assert read_views(folders[0])[figure["id"]]["rows"] == [["2027-28", "250"], ["2028-29", "310"]]
    for name, sha256 in figure["files"].items():
        assert file_digest(folders[0] / name) == sha256
    assert json.loads(first["exhibits.json"])[0]["label"] == MODELLED


def test_the_same_exhibit_twice_is_indexed_once(tmp_path):
    made = pack(tmp_path)
    made.add(exhibit())
    made.add(exhibit())
    assert len(read_index(tmp_path)) == 1


def test_a_second_notebook_lengthens_an_id_that_the_first_has_given_to_other_content(tmp_path):
    first = pack(tmp_path).add(exhibit())
    index = read_index(tmp_path)
    index[0]["sha256"] = "0" * 64  # as if other content had this id
    (tmp_path / "exhibits.json").write_text(json.dumps(index))
    again = pack(tmp_path).add(exhibit())
    assert again.id.startswith(first.id) and len(again.id) == len(first.id) + 2


def test_a_figure_is_stamped_with_its_id():
    shown = pack().add(exhibit())
    other = replace(shown, id="E-FFFFFF")
    assert shown.drawn() == dict(shown.pictures)
    assert shown.drawn()["svg"] != other.drawn()["svg"]


def test_html_has_the_alternative_the_caption_and_loads_nothing():
    html = pack().add(exhibit())._repr_html_()
    elements = Elements(html)
    (image,) = elements.of("img")
    assert image["alt"] == "Line that rises from £250m to £310m."
    for tag, attributes in elements.found:
        for name in ("src", "href"):
            if name in attributes:
                assert str(attributes[name]).startswith("data:"), (tag, attributes[name][:40])
    assert "@import" not in html and "url(" not in html and "<script" not in html
    assert "modelled estimate" in html.lower() and "GBP cash" in html and "80% interval" in html


def test_every_table_has_a_caption_and_scopes():
    elements = Elements(table_html(pd.DataFrame({"Region": ["A"], "People": [1234]}), "People by region"))
    assert [th["scope"] for th in elements.of("th")] == ["col", "col", "row"]
    assert len(elements.of("caption")) == 1


def test_markup_in_data_stays_text():
    html = to_html(exhibit(title="<script>x</script>", data=pd.DataFrame({"a": ["<b>bold</b>"]}), draw=None), None)
    assert "<script>" not in html and "<b>bold</b>" not in html


def test_a_wide_number_is_shown_with_three_figures_and_text_exactly():
    html = table_html(pd.DataFrame({"Region": ["A"], "Modelled": [68538.0], "Published": ["68,538"]}), "c")
    assert "68,500" in html and "68,538" in html


def test_a_financial_year_never_breaks_across_lines():
    assert '<span class="nw">2027-28</span>' in table_html(pd.DataFrame({"2027-28": ["x"]}), "c")


def test_the_last_cell_lists_claims_with_their_ids():
    made = pack()
    claim = made.add(exhibit(kind="claim", name="claim", draw=None))
    made.add(exhibit())
    listed = made.claims().data
    assert listed.to_dict("list") == {"Evidence": [claim.id], "Claim": [claim.title]}
