"""Early warning of contingency use: what counts as an event, rates up to the origin, and scores that can fail."""

import numpy as np
import pandas as pd
import pytest

from forecasts import hotels
from forecasts.hotel_scores import climatology, origins, reliability, scorecard
from params import InputError

pytestmark = pytest.mark.unit


def quarterly(rows: list[list[int]], first: str = "2023Q1") -> pd.DataFrame:
    index = pd.period_range(first, periods=len(rows), freq="Q", name="quarter")
    return pd.DataFrame(rows, index=index, columns=[f"c{k}" for k in range(len(rows[0]))])


def test_an_event_is_a_crossing_of_ten_or_a_tenth_more_within_the_quarters():
    now = np.array([0, 9, 10, 100, 100, 300])
    ahead = np.array([[0, 12, 9, 109, 111, 311], [10, 0, 12, 100, 100, 335]])
    found = hotels.happened(now, ahead)
    assert found["starts"][0].tolist()[:2] == [True, True]
    assert found["starts"][1].tolist() == [True, True, False, False, False, False]
    assert found["ends"][0][2:].tolist() == [True, False, False, False]
    assert found["grows"][0][2:].tolist() == [False, False, True, True]


def test_a_quarter_counts_half_after_its_half_life_and_small_uses_close_more():
    still = [[100, 12] + [100] * 8] * 4
    closed = [*still[:3], [100, 0] + [100] * 8]
    assert hotels.rates(quarterly(closed), 2).closes > hotels.rates(quarterly(still), 2).closes
    assert hotels.rates(quarterly(closed), 2).size < -0.1
    early = [[100] * 10, [100] * 9 + [0], *[[100] * 9 + [0]] * 4]
    assert hotels.rates(quarterly(early), 1).closes < hotels.rates(quarterly(early), 8).closes


def test_a_gap_between_published_quarters_is_no_quarter():
    seen = quarterly([[100, 0, 50]] * 3)
    later = pd.concat([seen, quarterly([[0, 100, 50]], "2025Q4")])
    assert hotels.rates(later, 2).transitions == hotels.rates(seen, 2).transitions == 2


def test_paths_see_nothing_after_their_origin_and_add_up_to_whole_people():
    whole = hotels.history()
    people, base, measured = hotels.contingency_paths("2023Q3", 2, 20)
    assert measured == hotels.rates(whole.loc[:"2023Q3"], 2)
    assert people.shape == (20, 2, len(base.people)) and (people >= 0).all()
    again, _, _ = hotels.contingency_paths("2023Q3", 2, 20)
    np.testing.assert_array_equal(people, again)
    names, regions = hotels.grouped(people, list(base.people.index), "region")
    assert len(names) == 12
    allocated = base.people.index != "unallocated"
    np.testing.assert_array_equal(regions.sum(axis=-1), people[..., allocated].sum(axis=-1))


@pytest.mark.parametrize(("origin", "near"), [("2022Q4", "2023Q1"), ("2025Q2", "2025Q4")])
def test_an_origin_without_a_published_split_names_the_nearest(origin, near):
    with pytest.raises(InputError, match=f"origin: {origin} has no published contingency.*Nearest: {near}"):
        hotels.contingency_paths(origin)


def test_climatology_knows_only_the_quarters_up_to_the_origin():
    quarters = pd.period_range("2023Q1", periods=3, freq="Q")
    seen = dict(zip(quarters, np.array([[100, 100, 0], [100, 100, 0], [0, 0, 100]]), strict=True))
    before, after = (climatology(seen, q) for q in quarters[1:])
    assert before["ends"] == pytest.approx(0.5 / 3) and after["ends"] == pytest.approx(2.5 / 5)
    assert before["starts"] == pytest.approx(0.5 / 2) and after["starts"] == pytest.approx(1.5 / 3)


def test_every_origin_has_a_published_quarter_before_and_after_it():
    assert [str(q) for q in origins()][:1] == ["2023Q1"]
    assert "2024Q3" not in [str(q) for q in origins()], "2024Q4 has no split by council"


def cases(probability, met, base=0.5):
    n = len(met)
    return pd.DataFrame(
        {
            "level": "council", "place": [str(k) for k in range(n)], "event": "ends", "horizon": 1,
            "origin": ["2023Q1", "2023Q2"] * (n // 2), "probability": probability, "climatology": base, "happened": met,
        }
    )  # fmt: skip


def test_a_perfect_warning_has_skill_one_and_a_shuffled_one_less_than_none():
    met = np.array([0, 1] * 20)
    perfect, wrong = (scorecard(cases(p, met)).iloc[0] for p in (met, 1 - met))
    assert perfect["brier"] == 0 and perfect["skill"] == 1 and perfect["persistence"] == 0.5
    assert wrong["brier"] == 1 and wrong["skill"] == pytest.approx(-3)
    assert perfect["climatology"] == perfect["hindsight"] == 0.25


def test_the_reliability_curve_counts_what_happened_among_like_probabilities():
    met = np.array([1] * 10 + [0] * 30)
    table = reliability(cases(np.full(40, 0.25), met))
    assert table[["said", "happened", "cases"]].to_numpy().tolist() == [[0.25, 0.25, 40]]
    assert reliability(cases(np.full(10, 0.25), met[:10])).empty, "ten cases say nothing"
