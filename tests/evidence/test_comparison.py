"""Changing the model in five lines: rules and assumptions in pairs, kept under a name, resumed after a crash."""

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numba import njit

import evidence
import params
import sim
from evidence.progress import Silent
from evidence.reporting.citations import cited
from evidence.studies.fingerprints import Unnamed, fingerprint
from params import InputError

pytestmark = pytest.mark.behaviour
SMALL = {"draws": 1, "replications": 1, "months": 3}
RATE = 200.0


def near_population(councils, now):
    """Providers go where people live, whatever the rent."""
    return councils.population


def nobody_objects(councils, now):
    """Councils agree to everything."""
    return np.zeros(councils.count)


def flat_grant(load, now):
    """A flat rate a month for everybody accommodated."""
    return load.accommodated * RATE


def to_the_emptiest(councils, now):
    """People go where there are fewest for each resident."""
    return 1 / (1 + councils.people / councils.population * 1e4)


def all_in_one_council(area, councils, beds, pull, now, draws, month):
    """A provider proposes everything in the one council it likes best."""
    chosen = np.zeros(councils.count)
    chosen[pull.argmax()] = round(beds) if pull.any() else 0
    return chosen


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder of runs with one intake forecast, shared because the forecast takes seconds."""
    return tmp_path_factory.mktemp("comparisons")


@pytest.fixture(scope="module")
def compare(runs):
    def call(changes, base="central", **asked) -> evidence.Comparison:
        return evidence.compare(changes, base, **(SMALL | asked), runs=runs, progress=Silent())

    return call


@pytest.fixture(scope="module")
def examples(compare) -> evidence.Comparison:
    return compare(
        {
            "Near people": sim.Rules(attraction=near_population),
            "Nobody objects": sim.Rules(objection_chance=nobody_objects),
            "Flat grant": sim.Rules(grants=flat_grant),
            "To the emptiest": sim.Rules(allocation=to_the_emptiest),
            "One council": sim.Rules(offers=all_in_one_council),
            "No hotels close": {"hotels.used_share": 1.0},
        }
    )


def test_each_replaced_rule_changes_the_model_in_pairs(examples):
    study = examples.study
    base = study.sel(arm="base")
    for arm in study["arm"].values[1:]:
        assert not study.sel(arm=arm).equals(base), arm
    assert float(study.sel(arm="change_2")["objections_in_month"].sum()) == 0
    people = study["supported_at_month_end"].isel(month_end=slice(1, None), accommodation=slice(0, 5))
    paid = study["grant_in_month"].sel(arm="change_3").values
    housed = people.sel(arm="change_3").sum("accommodation").values
    np.testing.assert_allclose(paid.squeeze(), RATE * housed.squeeze(), rtol=1e-6)
    # One seed and one intake path: what no change touches is the same to the last person.
    claims = study["claims_in_month"].values
    assert (claims == claims[:1]).all()


def test_changes_and_interaction_add_up_to_all_together(examples):
    for _, part in examples.worth.groupby("measure"):
        central = part.set_index("change")["central"]
        assert central["together"] == pytest.approx(central.drop("together").sum(), abs=1e-3)
    assert list(examples.worth["change"].unique()[-2:]) == ["interaction", "together"]
    assert examples.worth[["low80", "high80"]].isna().all().all(), "one draw says nothing of assumptions"
    assert set(examples.rules["rule"]) == {"attraction", "objection_chance", "grants", "allocation", "offers"}


def test_a_comparison_shows_itself_with_its_uncertainties_and_cost(examples):
    shown = examples._repr_html_()
    assert '<th scope="row">Nobody objects' in shown and "<caption>" in shown
    assert "Monte Carlo standard error" in shown and "too few for an interval" in shown
    assert "plain Python" in shown and "Not kept" in shown
    assert "Nobody objects" in repr(examples) and "Modelled estimates" in repr(examples)
    pounds = examples.waterfall("pounds")
    assert set(pounds.data["measure"]) == {"Home Office cost", "Councils' net cost", "Other public bodies' cost"}
    assert "Interaction of the changes" in pounds.alternative and pounds.pictures["svg"]
    with pytest.raises(InputError, match="measure: bed is not a measure. Nearest: beds."):
        examples.waterfall("bed")


def test_exhibits_of_comparisons_have_no_evidence_id_and_repeat_no_anchor_on_one_page(examples, compare):
    kept = compare({"Longer notice": {"decisions.notice_days": 56}}, name="longer")
    page = "".join(
        shown._repr_html_()
        for found in (examples, kept)
        for shown in (found, found.table(), found.waterfall(), evidence.pictures.hotels(found))
    )
    assert page.count("No evidence id: only what stands in a report can be cited") == 8
    assert "not-kept" not in page and "Evidence E-" not in page
    assert f"comparison {kept.id}" in page and "comparison (not kept)" in page
    anchors = re.findall(r"""\sid=["']?([^"'>]*)""", page)
    assert len(set(anchors)) == len(anchors) and all(re.fullmatch(r"\S+", anchor) for anchor in anchors)
    assert 'download="waterfall_beds.csv"' in page


def test_the_base_is_what_a_study_of_the_same_size_has(compare, runs):
    found = compare({"Longer notice": {"decisions.notice_days": 56}}, "current_grant")
    arms = {"The base": "current_grant", "Longer": params.load("current_grant", {"decisions.notice_days": 56})}
    study = evidence.study(arms, name="same", **SMALL, runs=runs, progress=Silent())
    assert study.arms == {"the_base": "The base", "longer": "Longer"}, "arms keep their order"
    assert study.record.settings["baseline"] == "the_base" and "the_base (baseline)" in study._repr_html_()
    for mine, its in (("base", "the_base"), ("change_1", "longer")):
        for name, values in study.data.sel(arm=its).data_vars.items():
            np.testing.assert_array_equal(values.values, found.study.sel(arm=mine)[name].values, err_msg=str(name))


def test_looks_grow_draw_by_draw_and_begin_with_central_values(compare, runs):
    changes = {"Nobody objects": sim.Rules(objection_chance=nobody_objects)}
    looks = list(evidence.refine(changes, draws=5, replications=1, months=1, runs=runs))
    assert [look.draws for look in looks] == [1, 2, 3, 4, 5]
    xr.testing.assert_identical(looks[0].study, compare(changes, months=1).study)
    xr.testing.assert_identical(looks[0].study, looks[-1].study.isel(draw=[0]))
    worth = looks[-1].worth
    assert worth["low80"].notna().all() and worth["monte_carlo_error"].isna().all()
    assert "80% interval over 5 draws" in looks[-1]._repr_html_()


def test_a_named_comparison_is_kept_and_only_what_is_missing_is_made_again(compare, runs):
    changes = {"Near people": sim.Rules(attraction=near_population)}
    first = compare(changes, name="near", replications=2)
    parts = runs / first.id / "parts"
    stamps = {path.name: path.stat().st_mtime_ns for path in parts.iterdir()}
    assert len(stamps) == 4 and first.record.status == "complete"
    assert "return councils.population" in first.record.extra["rules"]["change_1"]["attraction"]
    content = bytearray((parts / "base-0-1.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (parts / "base-0-1.npz").write_bytes(bytes(content))
    (parts / "change_1-0-0.npz").unlink()
    again = compare(changes, name="near", replications=2)
    xr.testing.assert_identical(again.study, first.study)
    changed = {n for n, stamp in stamps.items() if (parts / n).stat().st_mtime_ns != stamp}
    assert changed == {"base-0-1.npz", "change_1-0-0.npz"}
    listed = evidence.kept(runs).set_index("id")
    assert listed.loc[first.id, "kind"] == "comparison" and listed.loc[first.id, "status"] == "complete"


def test_who_tries_to_cite_a_comparison_hears_what_can_be_cited(compare, runs):
    changes = {"Longer notice": {"decisions.notice_days": 56}}
    rule = {"Near people": sim.Rules(attraction=near_population)}
    with pytest.raises(InputError, match="a study of the same arms .evidence.study. can be, by its report.$"):
        cited(compare(changes, name="longer").id, runs)
    with pytest.raises(InputError, match=r"by its report, once its own rules \(attraction\) are part of the model.$"):
        cited(compare(rule, name="nearer").id, runs)
    with pytest.raises(InputError, match="E-123456: no report in .* `dispersal report STUDY` makes a study's exhibits"):
        cited("E-123456", runs)


def test_a_rule_is_known_by_its_source_and_all_it_uses():
    def rule(rate):
        def inner(load, now):
            return load.accommodated * rate * RATE

        return inner

    before = fingerprint(rule(2.0))
    assert fingerprint(rule(2.0)) == before != fingerprint(rule(3.0))
    globals_of_rule, old = rule.__globals__, RATE
    try:
        globals_of_rule["RATE"] = 1.0
        assert fingerprint(rule(2.0)) != before
    finally:
        globals_of_rule["RATE"] = old

    @njit
    def compiled(population):
        return population

    assert len(fingerprint(compiled)) == 64
    held = object()
    with pytest.raises(Unnamed, match="<lambda> uses held, a object"):
        fingerprint(lambda councils, now: held)


def test_a_rule_that_cannot_be_known_again_is_run_and_said_not_to_be_kept(runs):
    class Told(Silent):
        lines: list[str] = []

        def say(self, text: str) -> None:
            self.lines.append(text)

    table = params.reference("councils")
    rule = sim.Rules(attraction=lambda councils, now: table["population"].to_numpy())
    found = evidence.compare({"By a table": rule}, **SMALL, name="by-table", runs=runs, progress=Told())
    assert found.id == ""
    assert re.match("Nothing is kept: .* uses table, a DataFrame, so that a later call could not", Told.lines[0])


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({}, {}, "changes: needs at least one change"),
        ({"A": sim.Rules()}, {}, "changes: 'A' replaces no rule"),
        ({"A": {"attraction": near_population}}, {}, r"'A': attraction is a rule; write sim.Rules\(attraction=...\)"),
        ({"A": near_population}, {}, "'A' is a function; it must be sim.Rules"),
        ({"A": {"decisions.notice_dys": 56}}, {}, "'A': decisions.notice_dys is not an assumption. Nearest"),
        ({"A": {"forecast.draws": 1}}, {}, "'A': forecast.draws is not an assumption"),
        (
            {"A": sim.Rules(grants=flat_grant), "B": sim.Rules(grants=lambda load, now: load.duties)},
            {},
            "two of them change the rule grants; compare those one at a time",
        ),
        ({"A": {"placement.steering": 0.0}}, {"base": "centrl"}, "base: centrl is not a scenario. Nearest: central."),
        ({"A": {"placement.steering": 0.0}}, {"draws": 0}, "compare: draws is 0; it must be from 1"),
        ({"A": {"placement.steering": 0.0}}, {"start": "2025-11-30"}, "compare: start is 2025-11-30; .*2025-12-31"),
        ({"A": {"placement.steering": 0.0}}, {"name": "../x"}, r"name: '\.\./x' must be small letters"),
        ({"A": {"placement.steering": 0.0}}, {"base": params.load().with_draw(1, 3, 1)}, "base: is not as params.load"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_written(tmp_path, changes, options, said):
    with pytest.raises(InputError, match=said):
        evidence.compare(changes, **(SMALL | options), runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


BEGUN = """
import sys
import evidence, sim, params
from evidence.progress import Silent

MANY = {"draws": 4, "replications": 2, "months": 3, "progress": Silent(), "workers": 1}

def near_population(councils, now):
    return councils.population

def compared(**where):
    return evidence.compare({"Near people": sim.Rules(attraction=near_population)}, **MANY, **where).study

def studied(name="crash", **where):
    arms = {f"GBP {rate}": params.load("central", {"funding.grant_per_person": rate}) for rate in (0, 500, 1000, 2000)}
    return evidence.study(arms, name=name, **MANY, **where).data

if __name__ == "__main__":
    globals()[sys.argv[1]](name="crash", runs=sys.argv[2])
"""


@pytest.mark.parametrize(
    ("verb", "finished"), [("compared", "crash-*/parts/*.npz"), ("studied", "crash-*/receipts/*.json")]
)
def test_a_kernel_killed_in_the_middle_loses_nothing_that_was_finished(runs, tmp_path, verb, finished):
    script = tmp_path / "begun.py"
    script.write_text(BEGUN)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, str(script), verb, str(runs)], env=environment)
    deadline = time.monotonic() + 300
    while len(list(runs.glob(finished))) < 2:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in runs.glob(finished)}
    begun = evidence.kept(runs).set_index("id")["status"].filter(like="crash")
    assert begun.iloc[0] == "unfinished"

    call = runpy.run_path(str(script))[verb]
    resumed = call(name="crash", runs=runs)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items()), "a finished part was done again"
    assert len(list(runs.glob(finished))) > len(before), "it was finished before it was killed"
    whole = call(runs=runs) if verb == "compared" else call(runs=copy_of_forecast(runs, tmp_path))
    assert resumed.drop_attrs().equals(whole.drop_attrs())


def copy_of_forecast(runs: Path, folder: Path) -> Path:
    """A folder of runs with nothing but the intake forecast."""
    for made in runs.glob("forecast-*"):
        shutil.copytree(made, folder / "runs" / made.name)
    return folder / "runs"
