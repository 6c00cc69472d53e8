"""What each feedback is worth: paired, ledgers apart, two uncertainties apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from evidence import records
from evidence.exhibits import open_pack
from evidence.studies import engine as studies
from evidence.studies import files as study_files
from evidence.studies import plans as study_plans
from evidence.validation import feedbacks
from params import InputError
from params.register import read_register

pytestmark = pytest.mark.behaviour

STUDY = """
title = "Two feedbacks"
why = "To try the table on something small and real."
baseline = "all_on"
draws = 2
replications = 2
seed = 5
start = 2025-12-31
months = 15

[arms.all_on]
label = "Every feedback on"
scenario = "current_grant"

[arms.consent_to_beds]
label = "Consent to beds"
scenario = "current_grant"
set = { "feedback.consent_to_beds" = { value = false, from = 2026-04-01 } }

[arms.rent_to_handbacks]
label = "Rent to hand-backs"
scenario = "current_grant"
set = { "feedback.rent_to_handbacks" = { value = false, from = 2026-04-01 } }

[arms.all_off]
label = "All together"
scenario = "current_grant"
set = { "feedback.consent_to_beds" = { value = false, from = 2026-04-01 }, "feedback.rent_to_handbacks" = { value = false, from = 2026-04-01 } }
"""  # noqa: E501


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feedbacks")
    file = folder / "feedbacks.toml"
    file.write_text(STUDY, encoding="utf-8")
    runs = folder / "runs"
    return open_pack(studies.run_study(file, runs), str(runs)), runs


def test_the_study_file_switches_each_feedback_off_alone_and_all_together():
    planned = study_plans.plan(feedbacks.FILE)
    names = {name for name in read_register() if name.startswith("feedback.")}
    off = {arm: set(planned.arms[arm].differences(planned.arms["all_on"])) for arm in planned.arms}
    assert off.pop("all_on") == set() and off.pop(feedbacks.TOGETHER) == names
    assert off == {name.split(".")[1]: {name} for name in names}


def test_a_size_replaces_the_files_and_names_the_command_that_resumes():
    planned = study_plans.plan(feedbacks.FILE, study_files.Size(3, None, "dispersal feedbacks"))
    asked = study_files.read_study(feedbacks.FILE)
    assert planned.study.draws == 3 and planned.study.replications == asked.replications
    assert planned.again == "dispersal feedbacks --draws 3"
    assert planned.id != study_plans.plan(feedbacks.FILE).id
    with pytest.raises(InputError, match=r"dispersal feedbacks: draws is 0; it must be from 1"):
        study_plans.plan(feedbacks.FILE, study_files.Size(0, None, "dispersal feedbacks"))


def test_spread_keeps_draws_and_monte_carlo_error_apart():
    effect = np.arange(0.0, 110.0, 10.0)  # eleven draws
    noise = np.array([-3.0, 3.0])
    samples = xr.DataArray(effect[:, None] + noise, dims=("draw", "replication"))
    found = feedbacks.spread(samples)
    assert found["central"] == 50 and (found["low80"], found["high80"]) == (10, 90)
    assert found["monte_carlo_error"] == pytest.approx(np.sqrt(18 / 22))
    alike = feedbacks.spread(samples * 0 + 7)
    assert (alike["low80"], alike["high80"], alike["monte_carlo_error"]) == (7, 7, 0)
    assert np.isnan(feedbacks.spread(samples.isel(replication=[0]))["monte_carlo_error"])


def test_worth_is_with_less_without_in_the_same_simulation(small):
    pack, _ = small
    table = feedbacks.worth(pack).set_index(["feedback", "measure"])
    for measure, values in feedbacks.measured(pack).items():
        gap = (values.sel(arm="all_on") - values.sel(arm="consent_to_beds")).values
        assert table.loc[("consent_to_beds", measure), "central"] == pytest.approx(gap.mean())
        parts = table.xs(measure, level="measure")["central"]
        assert parts["consent_to_beds"] + parts["rent_to_handbacks"] + parts[feedbacks.INTERACTION] == pytest.approx(
            parts[feedbacks.TOGETHER]
        )
    assert table.loc[("consent_to_beds", "beds"), "central"] < 0, "objections can only stop beds"
    assert table.loc[("rent_to_handbacks", "beds"), "central"] < 0, "rent growth can only add hand-backs"


def test_the_exhibits_say_what_the_data_say(small):
    pack, _ = small
    figure, table = feedbacks.exhibits(pack)
    assert figure.id.startswith("E-") and table.id.startswith("E-") and figure.id != table.id
    assert figure.pictures["svg"] and "never added" in " ".join(table.notes)
    assert list(table.view.columns[1:]) == list(feedbacks.MEASURES.values())
    assert "Too few draws for an interval over assumptions." in table.notes
    assert "±" in table.view.iloc[0, 1] and " to " not in table.view.iloc[0, 1]
    printed = feedbacks.lines(pack)
    assert printed[1].startswith("2 draws x 2 replications; mean (too few draws for an interval)")
    assert [line for line in printed if line in feedbacks.MEASURES.values()] == list(feedbacks.MEASURES.values())


def test_a_measure_that_nothing_moves_is_a_plain_zero():
    still = pd.Series({"central": 0.0, "low80": 0.0, "high80": 0.0, "monte_carlo_error": np.nan})
    assert feedbacks.cell(still, "councils", 12) == "£0"
    assert feedbacks.cell(still.replace({np.nan: 5.0}), "beds", 12) == "0\n0 to 0; ± 5"


def test_the_newest_study_is_of_one_model_version(small):
    pack, runs = small
    assert feedbacks.newest(runs, records.model_version()) == pack.study_id
    assert feedbacks.newest(runs, "another") == ""
