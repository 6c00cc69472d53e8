"""Monitoring the plan: milestones judged on joint samples, councils left waiting, the printed status."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from evidence.partners import council_states, monitoring
from evidence.partners.plan_status import lines, shelf_of
from evidence.studies.projection import Projection, councils_of, from_forecast
from params import InputError, reference
from params.plan import LOG_FILE, Milestone, read_plan, set_state

pytestmark = pytest.mark.behaviour
TODAY = date(2026, 11, 22)


def samples(people: np.ndarray) -> Projection:
    """Samples in which dispersal is as given and nobody is anywhere else."""
    codes = list(reference("councils")["lad_code"])
    return Projection(
        dispersal=people, contingency=np.zeros_like(people), supported=people, quarters=[date(2026, 3, 31)],
        councils=councils_of(codes), start=date(2025, 12, 31), group=np.arange(len(people)) // 2,
        source="made by hand", study="by-hand", from_study=False,
    )  # fmt: skip


def test_the_probability_of_a_milestone_is_the_share_of_samples_that_meet_it():
    people = np.zeros((4, 1, 361), int)
    people[:3, 0, :300] = 10
    held = pd.Series(0, index=reference("councils")["lad_code"])
    wanted = Milestone(label="Three hundred councils", by=date(2026, 3, 31), measure="councils", at_least=300)
    row = monitoring.judged(wanted, samples(people), held, held)
    assert row["probability"] == 0.75 and row["today"] == 0 and row["error"] == pytest.approx(0.25)
    later = wanted.model_copy(update={"by": date(2031, 3, 31)})
    assert np.isnan(monitoring.judged(later, samples(people), held, held)["probability"])
    assert monitoring.chance_words(0.0, 0.0) == "1% or less", "no sample is not certainty"


def test_the_gap_between_regions_is_nothing_when_each_holds_its_share():
    population = reference("councils")["population"].to_numpy()
    held = pd.Series(population, index=reference("councils")["lad_code"])
    wanted = Milestone(label="No gap", by=date(2026, 3, 31), measure="gap_between_regions", at_most=1)
    row = monitoring.judged(wanted, samples(np.tile(population, (2, 1, 1))), held, held)
    assert row["central"] == pytest.approx(0, abs=1e-6) and row["probability"] == 1


def test_a_council_that_agreed_is_counted_under_no_procurement_with_its_days_and_barrier(tmp_path):
    (tmp_path / LOG_FILE).touch()
    set_state(read_plan(tmp_path), "Adur", "agreed_no_procurement", "A private word with J. Smith", role="SMP manager",
              since=date(2026, 9, 14), barrier="rent")  # fmt: skip
    printed = lines(tmp_path, "south east", None, tmp_path / "runs")
    at = printed.index("no procurement")
    assert "1 council is recorded in the South East as having volunteered or agreed" in printed[at + 1]
    row = next(line for line in printed[at:] if line.strip().startswith("Adur"))
    assert "volunteered or agreed" in row and "14 Sep 2026" in row and "Rents above what the provider pays" in row
    days = (pd.Timestamp.now("UTC").date() - date(2026, 9, 14)).days
    assert f"{days:,}" in row
    assert "barriers.toml" in "\n".join(printed), "says how to find what a barrier is worth"
    assert "J. Smith" not in "\n".join(printed), "a reason is never exported"


def test_every_council_without_dispersal_is_named_and_none_with_it():
    found = council_states.waiting(read_plan(), TODAY)
    support = reference("support_by_council")
    latest = support[support["quarter_end"] == support["quarter_end"].max()]
    assert set(found["lad_code"]) == set(latest.loc[latest["dispersal"] == 0, "lad_code"])
    assert set(found["recorded"]) == {"nothing"} and (found["days"] > 0).all()


def test_a_wrong_region_or_study_ends_in_one_line(tmp_path):
    with pytest.raises(InputError, match="--region: 'North Wst' is not a region. Nearest: North West"):
        lines(None, "North Wst", None, tmp_path)
    with pytest.raises(InputError, match="holds no study nothing-12345678"):
        lines(None, None, "nothing-12345678", tmp_path)


def test_the_same_table_has_the_same_evidence_id_and_another_region_another():
    projection = from_forecast(8, paths=20)
    plan = read_plan()
    ids = [monitoring.regions_table(shelf_of(projection), plan, projection, r).id for r in ("", "", "London")]
    assert ids[0] == ids[1] != ids[2]
    picture = monitoring.trajectory(shelf_of(projection), plan, projection, "London")
    assert picture.pictures["svg"].startswith(b"<?xml") and "2027" in picture.alternative
