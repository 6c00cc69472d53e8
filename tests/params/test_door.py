"""The strict door: every wrong input ends in one clear error that names the place and the nearest valid name."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import params
from params import InputError
from params.register import ROOT, read_register

pytestmark = pytest.mark.unit
TODAY = date(2026, 11, 22)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("assumptions", "scenarios"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"funding.grant_per_persn": 1}, r"grant_per_persn is not an assumption\. Nearest: funding\.grant_per_person"),
        ({"grant_per_person": 1}, r"Nearest: funding\.grant_per_person"),
        ({"funding.grant_per_person": "1200"}, r"'1200' must be a number in GBP per person a year"),
        ({"funding.grant_per_person": True}, r"True must be a number"),
        ({"funding.grant_per_person": float("nan")}, r"nan is not a finite number"),
        ({"funding.grant_per_person": float("inf")}, r"inf is not a finite number"),
        ({"funding.grant_per_person": -1}, r"-1 is out of range"),
        ({"decisions.grant_share": 1.2}, r"1\.2 is out of range: share runs from 0 to 1"),
        ({"placement.rule": "status_qo"}, r"not one of its choices\. Nearest: status_quo"),
        ({"placement.cluster_hard": 1}, r"must be true or false"),
        ({"funding.grant_per_person": {"value": 1, "unit": "GBP"}}, r"unit 'GBP' is wrong\. Nearest: 'GBP per p"),
        ({"funding.grant_per_person": {"valu": 1}}, r"valu is not a key of an override\. Nearest: value"),
        ({"funding.grant_per_person": {"value": 1, "from": "2027-04-01"}}, r"from must be a date"),
        ({"funding.grant_per_person@": 1}, r"the date must read like 2027-04-01"),
        ({"funding.grant_per_person@2027": 1}, r"the date must read like 2027-04-01"),
        ({"funding.grant_per_person@2027-13-01": 1}, r"is not a date"),
        ({"funding.grant_per_person": 1, "funding.grant_per_person@2028-04-01": 2}, r"already set in --set"),
        ({"support.uptake": 0.5}, r"one of a set of values that fit together"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_one_clear_error(overrides, message):
    with pytest.raises(InputError, match=message) as error:
        params.load("central", overrides)
    assert "\n" not in str(error.value)


def test_an_unknown_scenario_names_the_nearest():
    with pytest.raises(InputError, match=r"no_grnt is not a scenario\. Nearest: no_grant"):
        params.load("no_grnt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[funding]\nnew_bed = 1\n", "why is missing"),
        ('why = "x"\nextends = "b"\n', "b is not a scenario"),
        ('why = "x"\nextends = "a"\n', "a extends a: a circle"),
        ('why = "x"\n[fundin]\nnew_bed = 1\n', r"fundin\.new_bed is not an assumption. Nearest: funding\.new_bed"),
        ('why = "x"\n[funding]\nnew_bed = nan\n', "nan is not a finite number"),
        ('why = "x"\nextends = "no_grant"\n[funding]\ngrant_per_person = 5\n', r"already set in .*a\.toml"),
        ('why = "x"\n[funding\n', r"a\.toml: not valid TOML"),
        ('why = "x"\n[funding]\nnew_bed = {dated = [{from = 2028-04-01, value = 1}, {from = 2027-04-01, value = 2}]}\n',
         "in order of date"),
    ],
)  # fmt: skip
def test_a_wrong_scenario_file_is_one_clear_error(copy, text, message):
    (copy / "scenarios" / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        params.load("a", root=copy)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "beds"', 'unit = "bed"', r"hotels\.toml: hotels\.lump: unit 'bed' is not a unit\. Nearest: 'beds'"),
        ("quality = ", "qualty = ", r"qualty is not a key\. Nearest: quality"),
        ('kind = "measured"', 'kind = "guessed"', r"kind: Input should be"),
        ("value = 87", "value = nan", r"finite|nan"),
        ("value = 87", 'value = "87"', r"must be a number in beds"),
        ("low = 0.72", "low = 0.9", r"must lie in low"),
        ("as_of = 2026-11-22", 'as_of = "today"', r"as_of"),
    ],
)
def test_a_wrong_register_entry_is_one_clear_error(copy, old, new, message):
    path = copy / "assumptions" / "hotels.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1) if old != 'unit = "beds"' else
                    path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")  # fmt: skip
    with pytest.raises(InputError, match=message):
        params.load(root=copy)


def test_a_byte_order_mark_and_windows_line_ends_are_read(copy):
    path = copy / "assumptions" / "hotels.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_text(encoding="utf-8").replace("\n", "\r\n").encode())
    assert params.load(root=copy).value("hotels.lump", TODAY) == 87


def test_every_assumption_is_rated_and_sourced_and_uncertain_ones_have_a_range():
    for name, entry in read_register().items():
        assert entry.note.strip() and entry.source.strip(), name
        if entry.distribution not in ("fixed", "joint"):
            assert entry.low < entry.high, name


def test_dated_values_hold_from_their_date():
    central = params.load()
    days = {date(2024, 12, 8): 28, date(2024, 12, 9): 56, date(2025, 9, 1): 28, date(2026, 3, 9): 42}
    assert {day: central.value("decisions.notice_days", day) for day in days} == days


def test_an_override_from_a_date_leaves_what_came_before():
    changed = params.load(overrides={"decisions.notice_days@2027-04-01": 28})
    assert changed.value("decisions.notice_days", date(2027, 3, 31)) == 42
    assert changed.value("decisions.notice_days", date(2027, 4, 1)) == 28
    assert list(changed.differences(params.load())) == ["decisions.notice_days"]


def test_assumptions_are_frozen_and_a_misspelt_read_names_the_nearest():
    now = params.load().at(TODAY)
    with pytest.raises(AttributeError, match="frozen"):
        now.funding.new_bed = 3
    with pytest.raises(AttributeError, match="Nearest: grant_per_person"):
        _ = now.funding.grant_per_persn


class TestDraws:
    def test_draw_zero_is_central(self):
        central = params.load()
        assert central.with_draw(0, 8, 1).canonical() == central.canonical()

    def test_draws_fill_each_range_evenly_and_stay_inside(self):
        central, draws = params.load(), 41
        for name, entry in read_register().items():
            if entry.kind == "calibrated":
                continue  # drawn along the posterior
            if entry.distribution in ("uniform", "triangular"):
                values = [central.with_draw(k, draws, 5).value(name, date(2035, 1, 1)) for k in range(1, draws)]
                assert entry.low <= min(values) and max(values) <= entry.high, name
                assert len(set(values)) == draws - 1, name

    def test_values_that_fit_together_are_drawn_together(self, copy):
        central = params.load(root=copy)  # no posterior there
        pairs = {
            tuple(central.with_draw(k, 20, 5).value(f"support.{n}", TODAY) for n in ("uptake", "tail_entry"))
            for k in range(1, 20)
        }
        joint = [central.entries[f"support.{n}"].joint.values for n in ("uptake", "tail_entry")]
        assert pairs == set(zip(*joint, strict=True)) and len(pairs) == 3

    def test_a_draw_is_the_same_in_every_arm_but_for_what_the_arm_sets(self):
        base, arm = (params.load(s).with_draw(3, 8, 5) for s in ("current_grant", "no_grant"))
        assert set(arm.differences(base)) == {"funding.grant_per_person", "funding.growth_per_bed_month"}

    def test_a_known_value_is_never_drawn(self):
        for k in range(1, 8):
            drawn = params.load().with_draw(k, 8, 5)
            assert drawn.value("decisions.capacity", date(2024, 6, 1)) == 9300
        later = [params.load().with_draw(k, 8, 5).value("decisions.capacity", TODAY) for k in range(8)]
        assert np.unique(later).size == 8

    def test_a_draw_outside_the_design_is_an_error(self):
        with pytest.raises(InputError, match="must be from 0 to 7"):
            params.load().with_draw(8, 8, 1)
