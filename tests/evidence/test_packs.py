"""Packs and the pathway: what a partner receives stands on its own, says what it is, and gives no small count away."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from evidence.chapters import baseline
from evidence.exhibits import OFFICIAL, open_pack
from evidence.partners import council_states, pack_tables, packs, pathway
from evidence.records import damaged, read_record
from evidence.reporting import briefs
from evidence.studies.engine import run_study
from evidence.verify import EXHIBITS
from params import InputError, reference
from params.plan import read_plan
from sim.equity import water_fill

pytestmark = pytest.mark.behaviour
STUDY = """
title = "Small"
why = "To fill a pack."
baseline = "base"
draws = 2
replications = 2
seed = 1
start = 2025-12-31
months = 15
[arms.base]
label = "Current grant"
scenario = "current_grant"
[arms.none]
label = "No grant"
scenario = "no_grant"
"""


class Page(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def desk(runs):
    return packs.desk(None, None, runs)


@pytest.fixture(scope="module")
def rutland(desk):
    """The pack of a small council: its figures are the ones that could give somebody away."""
    return packs.council(desk, "E06000017", lambda line: None)


def test_a_pack_stands_on_its_own_and_every_exhibit_has_its_evidence_id(rutland):
    text = rutland.read_text(encoding="utf-8")
    page = Page(text)
    assert ("html", {"lang": "en-GB"}) in page.tags and [t for t, _ in page.tags].count("h1") == 1
    sources = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href") and v]
    assert all(v.startswith(("data:", "#")) for v in sources), "nothing is loaded from outside"
    index = json.loads((rutland.parent / EXHIBITS / "exhibits.json").read_text(encoding="utf-8"))
    shown = {a["id"] for t, a in page.tags if t == "figure"}
    assert shown == {entry["id"] for entry in index if entry["kind"] != "claim"} and len(shown) >= 5
    assert all((rutland.parent / EXHIBITS / f"{i}.csv").is_file() for i in shown)
    assert "placing individuals, enforcement, or targeting" in text and "not official statistics" in text
    assert "spending_review.toml" in text, "says how to make the study it lacks"


def test_a_pack_is_whole_and_the_same_one_is_found_again(rutland, desk, runs):
    record = read_record(rutland.parent)
    assert record.kind == "pack" and not damaged(rutland.parent, record.outputs)
    made = rutland.stat().st_mtime_ns
    assert packs.council(desk, "E06000017", lambda line: None) == rutland
    assert rutland.stat().st_mtime_ns == made
    assert not [path.name for path in runs.iterdir() if path.name.endswith(".partial")]


def test_no_modelled_count_of_a_council_is_small_or_exact(rutland):
    index = json.loads((rutland.parent / EXHIBITS / "exhibits.json").read_text(encoding="utf-8"))
    modelled = [entry for entry in index if entry["name"] in ("plan_council", "forecast_council")]
    assert len(modelled) == 2
    for entry in modelled:
        data = pd.read_csv(rutland.parent / EXHIBITS / f"{entry['id']}.csv", dtype=str)
        if "published" in data:
            data = data[data["published"] == "0"]
        for cell in data[["low80", "high80"]].to_numpy().ravel():
            assert cell == "[c]" or (int(cell) % 5 == 0 and int(cell) >= 5), cell


def test_a_page_that_cannot_be_finished_leaves_nothing(tmp_path):
    def fails(out):
        (out / "half.csv").write_text("half")
        raise InputError("no such figure")

    with pytest.raises(InputError, match="no such figure"):
        briefs.write(tmp_path, "pack-x", "X", "X.", {"kind": "x"}, (), fails, {})
    assert [path.name for path in tmp_path.iterdir()] == [".locks"]


@pytest.fixture(scope="module")
def studied(runs, tmp_path_factory):
    file = tmp_path_factory.mktemp("studies") / "small.toml"
    file.write_text(STUDY, encoding="utf-8")
    study_id = run_study(file, runs)
    return packs.desk(None, study_id, runs)


def test_what_a_pack_shows_of_a_study_has_the_id_the_report_gives_it(studied, runs, tmp_path):
    report = open_pack(studied.projection.study, str(runs))
    assert baseline.published_regions(studied.shelf(tmp_path)).id == baseline.published_regions(report).id
    assert studied.projection.from_study and studied.projection.dispersal.shape == (4, 5, 361)
    (tmp_path / "pack").mkdir()
    pack = studied.study(tmp_path / "pack")
    wales = {"pressure": pack_tables.pressure_region(pack, "Wales"), "cost": pack_tables.funding_region(pack, "Wales")}
    assert pack_tables.pressure_region(open_pack(pack.study_id, str(runs)), "Wales").id == wales["pressure"].id
    assert set(wales["cost"].data["financial_year"]) == {"2026-27"} and "Wales" in wales["cost"].title


def test_a_councils_row_of_a_study_is_withheld_whole_or_given_in_fives(studied, tmp_path):
    pack = studied.study(tmp_path)
    for code in ("E09000001", "E08000012"):
        row = pack_tables.council_row(pack, code).data.iloc[0]
        counts = [row[name] for name in ("people_low80", "people_high80")]
        assert all(v == "[c]" or (v % 5 == 0 and v >= 5) for v in counts)
        if row["people"] == "[c]":
            assert row["cost_base"] == "[c]", "a cost would give the count away"


def test_twelve_regions_have_an_even_spread_within_and_between(desk, tmp_path):
    shelf = desk.shelf(tmp_path)
    support = reference("support_by_council")
    total = support.loc[support["quarter_end"] == support["quarter_end"].max(), "total"].sum()
    by_region = pack_tables.quarter_by_region(shelf)
    assert by_region.label == OFFICIAL and len(by_region.data) == 12 and by_region.data["2025-12-31"].sum() == total
    inside = pack_tables.equity_inside(shelf, "Wales")
    assert inside.data["share_of_people"].sum() == pytest.approx(1)


def test_the_least_uneven_spread_keeps_within_its_bounds_and_adds_up():
    rng = np.random.default_rng(1)
    weight = rng.uniform(1, 9, 40)
    most = rng.uniform(2, 30, 40)
    np.testing.assert_allclose(
        pathway.least_uneven(100.0, weight, np.zeros(40), most), water_fill(100.0, weight, most), rtol=1e-6
    )
    least = rng.uniform(0, 2, 40)
    found = pathway.least_uneven(150.0, weight, least, most)
    assert found.sum() == pytest.approx(150) and (found >= least - 1e-9).all() and (found <= most + 1e-9).all()
    free = (found > least + 1e-6) & (found < most - 1e-6)
    assert np.ptp(found[free] / weight[free]) < 1e-6, "one rate wherever no bound holds"


def test_every_column_of_the_pathway_has_todays_total_and_the_plan_and_rules_close_the_gap():
    table, last = pathway.placements(read_plan())
    assert last.year == 2029 and table.shape == (361, 7)
    np.testing.assert_allclose(table.sum(), table[pathway.TODAY].sum(), rtol=1e-6)
    found = pathway.measured(table)
    gap = found.loc["gap_between_councils"]
    assert gap["Population share"] == pytest.approx(0, abs=1)
    assert gap[pathway.TODAY] == gap["Current practice"] > gap[pathway.REACHABLE] > gap["Population share"]
    assert found.loc["gap_by_index", "Transparent index"] == pytest.approx(0, abs=1)


def test_a_log_entry_reaches_the_pack_without_its_reason(desk, tmp_path):
    from params.plan import LOG_FILE, set_state

    (tmp_path / LOG_FILE).touch()
    set_state(read_plan(tmp_path), "Adur", "agreed_no_procurement", "said at dinner", role="SMP manager",
              since=desk.plan.about.as_of)  # fmt: skip
    plan = read_plan(tmp_path)
    table = council_states.log_table(desk.shelf(tmp_path), plan, desk.projection, "South East")
    assert "dinner" not in table.data.to_csv() and table.data["role"].tolist() == ["SMP manager"]
    assert council_states.log_table(desk.shelf(tmp_path), plan, desk.projection, "Wales") is None


def test_revisions_say_what_is_missing_without_two_editions(desk, tmp_path):
    said = pack_tables.revisions(desk.shelf(tmp_path), tmp_path / "archive")
    assert re.match(r"0 editions are kept; a change needs two\. `dispersal forecast archive`", said)
