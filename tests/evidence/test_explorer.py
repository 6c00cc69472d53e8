"""The explorer: its levers, its ensemble against the model called directly, disclosure, findings and hand-over."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import pytest

import evidence
import params
from evidence import results
from evidence.disclosure import CONFIDENTIAL
from evidence.explorer import findings, handover, showing
from evidence.explorer.ensemble import AS_NOW, MOVED, Ensemble, checked
from evidence.explorer.levers import FROM, LEVERS, Position, today
from evidence.explorer.widget import Explorer
from evidence.studies import engine as studies
from evidence.wording import number
from params import InputError
from params.register import ROOT

DESIGN = checked(draws=2, replications=1, months=27)
MORE = {"grant": 4800, "procurement": 150}


@pytest.fixture(scope="module")
def explorer(tmp_path_factory):
    """An explorer of two simulations, moved as a person would and finished."""
    runs = tmp_path_factory.mktemp("explorer")
    made = Explorer(lambda **told: Ensemble(runs, design=DESIGN, batch=1, **told), root=runs)
    for name, value in MORE.items():
        made.controls[name].value = value
    assert made.wait(500), made.parts["status"].value
    yield made
    made.close()


@pytest.fixture(scope="module")
def from_the_api(explorer) -> evidence.Comparison:
    """The same question to the API: the very call that the explorer offers to copy."""
    call = handover.call(Position.of(**MORE), DESIGN)
    assert call.startswith("evidence.compare(") and showing.escape(call) in explorer.parts["copy"].value
    return evidence.compare(
        {"More": Position.of(**MORE).overrides()}, base="current_grant", draws=2, replications=1, months=27,
        seed=DESIGN.seed, runs=explorer._ensemble._runs,
    )  # fmt: skip


@pytest.mark.behaviour
def test_the_screen_shows_the_numbers_of_the_api(explorer, from_the_api):
    made, study = explorer.found, from_the_api.study
    base = str(study.attrs["baseline"])
    for name, kind in findings.STOCKS.items():
        stock = results.supported(study, accommodation=kind).isel(month_end=-1, drop=True).astype(float)
        moved = results.summarise(results.minus_baseline(stock, base)).iloc[0]
        shown = made.row(made.people, name, findings.DIFFERENCE)
        assert shown == results.Range(*(moved[end] for end in results.Range._fields))
        assert f">{number(round(shown.central))}<" in explorer.parts["people"].value
    for name, flow in results.ledgers(study).items():
        total = results.over_years(flow, made.years)
        for ours, theirs in ((AS_NOW, base), (MOVED, from_the_api.study["arm"].values[1])):
            row = results.summarise(total.sel(arm=theirs, drop=True)).iloc[0]
            assert made.row(made.money, name, ours).central == row["central"]
    paid = made.look.study["grant_in_month"]
    np.testing.assert_array_equal(paid.values, study["grant_in_month"].transpose(*paid.dims).values)


@pytest.mark.behaviour
def test_every_figure_says_what_it_is_and_how_much_of_it_there_is(explorer):
    parts = {name: part.value for name, part in explorer.parts.items()}
    for name in ("said", "people", "money", "councils"):
        assert "odelled estimate" in parts[name] and "80% interval" in parts[name], name
        assert "2 of 2 simulations" in parts[name] or "2 simulations" in parts[name], name
    for name in ("chart", "ledgers"):
        alternative = re.search(r'alt="([^"]+)"', parts[name]).group(1)
        assert " to " in alternative and "Grant £4,800" in alternative
    assert "All simulations are in" in parts["status"]
    assert not set(explorer.found.money["of"]) - set(findings.LEDGERS), "a sum of ledgers would be a row of its own"
    assert explorer.found.years == ("2027-28",)


@pytest.mark.behaviour
def test_no_modelled_count_of_a_council_leaves_unprotected(explorer):
    made = explorer.found
    exact = results.supported(made.look.study, "council").isel(quarter_end=-1, drop=True).astype(float)
    medians = results.summarise(exact)
    for arm in (AS_NOW, MOVED):
        own = medians[medians["arm"] == arm].set_index("council")["central"].loc[made.councils["lad_code"]].to_numpy()
        small = (own < 5).nonzero()[0]
        assert len(small) and (made.councils[arm].to_numpy()[small] == CONFIDENTIAL).all()
        assert (made.councils["difference"].to_numpy()[small] == CONFIDENTIAL).all()
        given = pd.to_numeric(made.councils[arm], errors="coerce").dropna()
        assert (given % 5 == 0).all()
    assert made.councils.loc[made.councils[MOVED] == CONFIDENTIAL, "rate"].isna().all()
    tips = re.findall(r"<title>(.+?)</title>", html.unescape(explorer.parts["map"].value))
    assert len(tips) == len(made.councils)
    numbers = [int(n.replace(",", "")) for tip in tips for n in re.findall(r"\d[\d,]*", tip)]
    assert all(n % 5 == 0 for n in numbers)
    assert sum(CONFIDENTIAL in tip for tip in tips) >= len(small)


@pytest.mark.behaviour
def test_going_back_shows_what_is_kept_and_a_region_narrows_the_table(explorer):
    explorer.region.value = "Wales"
    assert "Cardiff" in explorer.parts["councils"].value and "Leeds" not in explorer.parts["councils"].value
    explorer.move(denominator="census_2001")
    explorer.move(denominator="latest")
    assert explorer.wait(300)
    assert explorer.found.look.position == Position.of(**MORE)
    with pytest.raises(InputError, match="explorer: grnt is not a lever. Nearest: grant"):
        explorer.move(grnt=1)


@pytest.mark.behaviour
def test_what_cannot_be_simulated_is_said_in_one_line(explorer):
    if (ROOT / "local" / "populations.csv").is_file():
        pytest.skip("the 2001 census is filled in here, so that its absence cannot be told")
    told: list[str] = []
    runs = explorer._ensemble._runs
    ensemble = Ensemble(runs, look=lambda _: None, say=lambda _: None, fail=told.append, design=DESIGN)
    ensemble.move(Position.of(denominator="census_2001"))
    for _ in range(2000):
        if told:
            break
        ensemble._thread.join(0.05)
    ensemble.close()
    assert "populations.csv: no such file" in told[0] and "\n" not in told[0]


@pytest.mark.unit
def test_levers_stand_at_present_policy_and_move_what_they_say():
    now = params.load("current_grant")
    for lever in LEVERS:
        for name in lever.assumptions:
            assert lever.shown(now.value(name, FROM)) == today()[lever.name]
    assert Position.of().overrides() == {} and Position.of().label() == "As now"
    moved = Position.of(grant=2400, notice=56, procurement=150, rule="index", cluster_limit=100, intake="doubling")
    given = moved.assumptions()
    assert given.value("decisions.notice_days_families", FROM) == 56
    assert given.value("procurement.growth_factor", FROM) == 1.5
    assert given.value("placement.cluster_limit", FROM) == 0.01
    changed = {d.assumption for d in moved.differences(moved.comparator())}
    assert changed == set(given.differences(moved.comparator().assumptions()))


@pytest.mark.unit
def test_policy_is_compared_in_its_own_world_and_a_world_with_the_forecast():
    assert Position.of(grant=2400, intake="doubling").comparator() == Position.of(intake="doubling")
    assert Position.of(intake="doubling").comparator() == Position.of()
    assert Position.of().comparator() == Position.of()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("levers", "message"),
    [
        ({"grnt": 1}, "explorer: grnt is not a lever. Nearest: grant"),
        ({"grant": -1}, "explorer: grant is -1; it must be from 0 to 20,000."),
        ({"grant": float("nan")}, "explorer: grant is nan; it must be from 0 to 20,000."),
        ({"grant": True}, "explorer: grant is True; it must be from 0 to 20,000."),
        ({"rule": "indx"}, "explorer: rule: indx is not one of its choices. Nearest: index"),
    ],
)
def test_a_lever_refuses_what_it_cannot_take(levers, message):
    with pytest.raises(InputError) as refused:
        Position.of(**levers)
    assert str(refused.value).startswith(message)


@pytest.mark.unit
@pytest.mark.parametrize(
    "moved",
    [
        {"grant": 2400, "notice": 56},
        {"procurement": 150, "cluster_limit": 150},
        {"rule": "index", "intake": "doubling"},
    ],
)
def test_a_saved_scenario_loads_as_the_same_assumptions(moved, tmp_path):
    for name in ("assumptions", "posterior", "instruments", "local"):
        (tmp_path / name).symlink_to(ROOT / name)
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    for path in (ROOT / "scenarios").glob("*.toml"):
        (scenarios / path.name).write_bytes(path.read_bytes())
    position = Position.of(**moved)
    path = handover.save_scenario(position, "more", tmp_path)
    assert params.load("more", root=tmp_path).canonical() == position.assumptions().canonical()
    assert handover.save_scenario(position, "more", tmp_path) == path
    with pytest.raises(InputError, match="more.toml: is there already and says something else"):
        handover.save_scenario(Position.of(grant=1), "more", tmp_path)
    for name in ("../more", "More", "", "a" * 41):
        with pytest.raises(InputError, match="must be small letters"):
            handover.save_scenario(position, name, tmp_path)
    assert sorted(p.name for p in scenarios.iterdir() if p.stem.startswith(("more", ".more"))) == ["more.toml"]


@pytest.mark.unit
def test_a_saved_study_runs_the_same_arms_and_its_command_names_it(tmp_path):
    (tmp_path / "studies").mkdir()
    position = Position.of(grant=2400, intake="doubling")
    path, command = handover.save_study(position, DESIGN, "my_study", tmp_path)
    planned = studies.plan(path)
    assert planned.arms[MOVED].canonical() == position.assumptions().canonical()
    assert planned.arms[AS_NOW].canonical() == position.comparator().assumptions().canonical()
    assert planned.study.baseline == AS_NOW and command.endswith("my_study.toml")
    alone, _ = handover.save_study(Position.of(intake="halving"), DESIGN, "world", tmp_path)
    assert list(studies.plan(alone).arms) == [MOVED]
    assert handover.call(Position.of(intake="halving"), DESIGN) == ""


@pytest.mark.unit
def test_markup_of_a_label_never_reaches_the_page_as_markup(explorer):
    assert "<script" not in "".join(part.value for part in explorer.parts.values())
    assert "&lt;b&gt;" in showing.escape("<b>")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 1, 27), "explore: draws is 0; it must be from 1 to "),
        ((2, 1, 26), "explore: months is 26; it must be at least 27, to the end of 2027-28."),
    ],
)
def test_sizes_that_cannot_be_used_are_refused(sizes, message):
    with pytest.raises(InputError) as refused:
        checked(*sizes)
    assert str(refused.value).startswith(message)


@pytest.mark.unit
def test_the_first_simulations_of_the_usual_design_meet_the_whole_range_of_intake():
    from evidence.explorer.ensemble import BATCH
    from evidence.explorer.ensemble import DESIGN as USUAL

    ranks = np.array([USUAL.path_of(draw, 0, np.arange(1000)) for draw in range(BATCH)]) / 1000
    assert ranks.min() < 0.25 and ranks.max() > 0.75 and 0.25 < np.median(ranks) < 0.75
