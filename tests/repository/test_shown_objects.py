"""Objects show themselves: what differs and why, what is not known, what a picture says to those who cannot see it."""

import re

import pytest

import params
import sim
from evidence.progress import Cell
from params import InputError, showing

pytestmark = pytest.mark.unit


def test_assumptions_show_their_differences_with_sources():
    own = params.load("capacity_first", {"decisions.notice_days@2027-04-01": 56})
    changes = own.changes().set_index("name")
    assert changes.loc["decisions.notice_days", "value"].endswith("56 from 2027-04-01")
    assert changes.loc["decisions.notice_days", "set_in"] == "code"
    assert changes.loc["funding.setup", "set_in"] == "params/scenarios/capacity_first.toml"
    assert set(changes["source"]) == {params.load().entries[name].source for name in changes.index}
    shown = own._repr_html_()
    assert "<caption>" in shown and '<th scope="col"' in shown and "params/scenarios/capacity_first.toml" in shown
    assert "4 differences" in repr(own) and "decisions.notice_days" in repr(own)
    assert repr(params.load()) == "Assumptions 'central': central values, no difference from the register"
    assert "draw 2" in repr(params.load().with_draw(2, 5, 1)) and "more: .changes()" in repr(own.with_draw(2, 5, 1))


def test_an_override_loads_again_as_it_was_given():
    given = {"decisions.notice_days@2027-04-01": 56, "funding.grant_per_person": 1500}
    own = params.load("current_grant", given)
    assert params.load(own.scenario, own.given).canonical() == own.canonical()


def test_a_council_shows_its_published_history_and_what_is_not_known():
    leeds = params.council("leeds")
    table = params.reference("support_by_council")
    published = table[table["lad_code"] == leeds.code].set_index("quarter_end")["total"]
    assert leeds.history["total"].equals(published.sort_index())
    shown = leeds._repr_html_()
    lacking = int(leeds.history.drop(columns=["split_status", "subsistence_allocated"]).isna().sum().sum())
    assert lacking and shown.count(">not known</td>") == lacking
    alt = re.search(r'alt="([^"]*)"', shown).group(1)
    assert f"{published.iloc[-1]:,.0f}" in alt and "[e]" in shown and "Open Government Licence" in shown
    assert leeds.name in repr(leeds)
    with pytest.raises(InputError, match="'Leds' is not the code or name of a council. Nearest: Leeds"):
        params.council("Leds")


def test_a_result_says_what_it_is_and_what_is_computed_from_it_does_not(steady_intake):
    run = sim.simulate(params.load("no_grant"), steady_intake(2), seed=5)
    shown = run._repr_html_()
    people = run["supported_at_month_end"].sum(["council", "accommodation"]).values
    about = ("no_grant, draw 0, seed 5", "2025-12-31", "361 council", "2 month", "modelled estimate")
    for said in (*about, f"{people[-1]:,}"):
        assert said in shown, said
    assert f"{people[0]:,}" in re.search(r'alt="([^"]*)"', shown).group(1)
    for other in (run - run, run.isel(month_end=0), run[["grant_in_month"]]):
        assert "One simulated history" not in other._repr_html_()


def test_a_chart_leaves_gaps_and_escapes_what_it_is_told():
    image = showing.line_chart([1.0, None, 3.0, 2.0], "a<b", "c", 'says "x"')
    assert 'alt="says &quot;x&quot;"' in image
    assert "<script>" not in showing.table("<script>", ["<b>"], [["<i>", "1"]])


def test_progress_under_a_cell_says_what_is_done_and_left(capsys):
    progress = Cell()
    progress.begin(2, 10)
    progress.end()
    assert capsys.readouterr().out == "", "work that ends at once shows nothing"
    progress._PATIENCE = progress._BETWEEN = 0.0
    progress.begin(2, 10)
    progress.update(6, 1)
    assert "6 of 10 simulations, 1 failed, 0:0" in capsys.readouterr().out
