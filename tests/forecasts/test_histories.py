"""A history that cannot be used is refused with the row that is wrong; one that can is put in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasts import history as door
from params import InputError

pytestmark = pytest.mark.unit


def series(quarters: list[str], values: list[object]) -> pd.Series:
    return pd.Series(values, index=pd.PeriodIndex(quarters, freq="Q"), name="claims")


FIVE = ["2019Q1", "2019Q2", "2019Q3", "2019Q4", "2020Q1"]


@pytest.mark.parametrize(
    ("quarters", "values", "said"),
    [
        (FIVE, [5.0, 6.0, -1.0, 8.0, 9.0], r"row 3 \(2019Q3\): -1.0 is negative. Nearest: 0"),
        (FIVE, [5.0, np.nan, 7.0, 8.0, 9.0], r"row 2 \(2019Q2\): nan is not a number"),
        (FIVE, [5.0, 6.0, 7.0, np.inf, 9.0], r"row 4 \(2019Q4\): inf is not a number"),
        (FIVE, [5.0, 6.0, 7.0, "many", 9.0], r"row 4 \(2019Q4\): 'many' is not a number"),
        (FIVE, [True, 6.0, 7.0, 8.0, 9.0], r"row 1 \(2019Q1\): True is not a number"),
        (
            ["2019Q1", "2019Q2", "2019Q4", "2020Q1"],
            [5.0, 6.0, 8.0, 9.0],
            r"row 3 \(2019Q4\): 2019Q3 is missing before it. Nearest: 2019Q2",
        ),
        (["2019Q1", "2019Q2", "2019Q1", "2019Q3"], [5.0, 6.0, 7.0, 8.0], r"row 3 \(2019Q1\).*already given"),
        (["2019Q1", "NaT", "2019Q3"], [5.0, 6.0, 7.0], r"row 2 \(NaT\): the quarter is missing"),
        (["2019Q1", "2019Q2"], [5.0, 6.0], r"has 2 quarters; a forecast needs at least 3"),
    ],
)
def test_a_bad_row_is_named(quarters: list[str], values: list[object], said: str) -> None:
    with pytest.raises(InputError, match=f"intake.csv: .*{said}"):
        door.checked(series(quarters, values), "intake.csv")


@pytest.mark.parametrize(
    "wrong",
    [
        [1.0, 2.0, 3.0],
        pd.Series([1.0, 2.0, 3.0]),
        pd.Series([1.0, 2.0, 3.0], index=pd.period_range("2019-01", periods=3, freq="M")),
        pd.Series([1.0, 2.0, 3.0], index=pd.period_range("2019Q1", periods=3, freq="Q-MAR")),
    ],
)
def test_anything_but_a_series_by_calendar_quarter_is_refused(wrong: object) -> None:
    with pytest.raises(InputError, match="Nearest: (series.set_axis|Q-DEC)"):
        door.checked(wrong)


def test_rows_in_any_order_are_put_in_order() -> None:
    shuffled = series(["2019Q3", "2019Q1", "2019Q2"], [3, 1, 2])
    assert door.checked(shuffled).to_list() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("2019-12", "'2019-12' is not a quarter. Nearest: a quarter written like 2019Q4"),
        ("2019Q5", "'2019Q5' is not a quarter"),
        ("2031Q1", "2031Q1 is not between 2019Q3 and 2020Q1.*Nearest: 2020Q1"),
        ("2019Q1", "2019Q1 is not between 2019Q3 and 2020Q1.*Nearest: 2019Q3"),
    ],
)
def test_an_origin_outside_the_history_names_the_nearest(origin: str, said: str) -> None:
    with pytest.raises(InputError, match=f"--origin: {said}"):
        door.up_to(door.checked(series(FIVE, [5, 6, 7, 8, 9])), origin, "--origin")


@pytest.mark.parametrize("written", ["2019Q4", "2019q4", " 2019-Q4 ", "2019 Q4"])
def test_an_origin_is_read_as_people_write_it(written: str) -> None:
    assert door.quarter(written) == pd.Period("2019Q4", freq="Q")


def test_the_hash_sees_every_value_and_quarter() -> None:
    base = door.checked(series(FIVE, [5, 6, 7, 8, 9]))
    later = base.set_axis(base.index + 1)
    changed = base.copy()
    changed.iloc[2] += 1e-9
    assert len({door.sha256(given) for given in (base, later, changed)}) == 3
    assert door.sha256(base) == door.sha256(base.rename("another name"))


def test_the_official_series_starts_with_dependants_and_is_one_vintage() -> None:
    intake, vintage = door.official()
    assert str(intake.index[0]) == "2002Q1"
    # Published annual totals on the revised basis; the older vintage had 99,939 for 2022.
    assert intake["2022Q1":"2022Q4"].sum() == 95_007
    assert intake["2024Q1":"2024Q4"].sum() == 104_764
    assert intake["2025Q4"] == 20_725
    assert vintage == "Home Office Asy_D01, release of 2026-02-26"
