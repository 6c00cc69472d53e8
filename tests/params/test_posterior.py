"""The adopted posterior: one row for all calibrated assumptions, and a strict door."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import date
from types import MappingProxyType

import numpy as np
import pytest

import params
from params import InputError
from params.posterior import bounds, calibrated, read_posterior
from params.register import ROOT, read_register

pytestmark = pytest.mark.unit
TODAY = date(2026, 11, 22)


@pytest.fixture
def root(tmp_path):
    """A copy of the register and scenarios, without an adopted posterior."""
    for name in ("assumptions", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def rows_inside(root, count: int = 4) -> tuple[list[str], np.ndarray]:
    """Names and rows that stand at evenly spread places of every range."""
    entries = read_register(root)
    names = calibrated(entries)
    ends = np.array([bounds(entries[name], name) for name in names])
    place = (np.arange(count) + 0.5)[:, None] / count
    return names, ends[:, 0] + place * (ends[:, 1] - ends[:, 0])


def write(root, names, rows, sha256: str | None = None) -> None:
    folder = root / "posterior"
    folder.mkdir(exist_ok=True)
    lines = [",".join(names), *(",".join(str(value) for value in row) for row in rows)]
    content = ("\n".join(lines) + "\n").encode()
    (folder / "posterior.csv").write_bytes(content)
    about = {"id": "calibrate-0000abcd", "sha256": sha256 or hashlib.sha256(content).hexdigest()}
    (folder / "record.json").write_text(json.dumps(about), encoding="utf-8")


def drawn_row(assumptions, names) -> tuple[float, ...]:
    return tuple(float(assumptions.value(name, TODAY)) for name in names)


def test_a_draw_takes_one_row_for_all_calibrated_assumptions(root):
    names, rows = rows_inside(root)
    write(root, names, rows)
    central = params.load(root=root)
    found = {drawn_row(central.with_draw(draw, 9, seed=1), names) for draw in range(1, 9)}
    assert found == {tuple(map(float, row)) for row in rows}


def test_draw_0_and_assumptions_not_calibrated_keep_their_own_places(root):
    names, rows = rows_inside(root)
    bare = params.load(root=root)
    assert bare.posterior is None
    write(root, names, rows)
    read_posterior.cache_clear()
    central = params.load(root=root)
    assert central.with_draw(0, 9, seed=1).canonical() == bare.canonical()
    moved = set(central.with_draw(3, 9, seed=1).differences(central))
    uncertain = {n for n, e in central.entries.items() if e.distribution != "fixed"}
    assert moved <= uncertain and "consultation.lag" in moved
    assert not {"funding.grant_per_person", "hotels.lump"} & moved


def test_a_scenario_that_sets_a_calibrated_assumption_keeps_it(root):
    names, rows = rows_inside(root)
    write(root, names, rows)
    held = params.load(overrides={"hotels.close_rate": 0.09}, root=root).with_draw(2, 5, seed=1)
    assert held.value("hotels.close_rate", TODAY) == 0.09
    assert drawn_row(held, [n for n in names if n != "hotels.close_rate"]) in {
        tuple(v for n, v in zip(names, map(float, row), strict=True) if n != "hotels.close_rate") for row in rows
    }
    with pytest.raises(InputError, match="it is drawn, not set alone"):
        params.load(overrides={"support.uptake": 0.5}, root=root)


def test_without_a_posterior_the_sets_that_fit_together_are_drawn_together(root):
    central = params.load(root=root)
    pairs = {drawn_row(central.with_draw(k, 9, 1), ["support.uptake", "support.tail_stay"]) for k in range(1, 9)}
    joint = [central.entries[name].joint.values for name in ("support.uptake", "support.tail_stay")]
    assert pairs == set(zip(*joint, strict=True)) and len(pairs) == 3


def test_replaced_entries_leave_the_posterior_aside(root):
    """A hindcast puts what was known then in place of what was fitted; later fits must not leak into it."""
    names, rows = rows_inside(root)
    write(root, names, rows)
    central = params.load(root=root)
    wide = central.entries["hotels.close_rate"].model_copy(update={"high": 0.2})
    entries = MappingProxyType(dict(central.entries) | {"hotels.close_rate": wide})
    known = replace(central, entries=entries).with_draw(1, 5, seed=1)
    assert drawn_row(known, names) not in {tuple(map(float, row)) for row in rows}


def test_an_unknown_column_names_the_nearest(root):
    names, rows = rows_inside(root)
    write(root, ["support.uptke" if n == "support.uptake" else n for n in names], rows)
    with pytest.raises(InputError, match=r"support\.uptke is not an assumption. Nearest: support\.uptake"):
        params.load(root=root)


def test_a_column_that_is_not_calibrated_is_refused(root):
    names, rows = rows_inside(root)
    write(root, [*names, "consultation.lag"], np.column_stack([rows, rows[:, 0]]))
    with pytest.raises(InputError, match=r"consultation\.lag is elicited; only calibrated"):
        params.load(root=root)


@pytest.mark.parametrize("wrong", ["nan", "inf", "0.99", "much"])
def test_a_value_out_of_range_or_no_number_is_refused(root, wrong):
    names, rows = rows_inside(root)
    text = [[str(value) for value in row] for row in rows]
    text[1][names.index("support.uptake")] = wrong
    write(root, names, text)
    with pytest.raises(InputError, match=r"line 3: support\.uptake: .*(range, 0\.46 to 0\.59|not a number)"):
        params.load(root=root)


def test_an_edited_table_is_refused(root):
    names, rows = rows_inside(root)
    write(root, names, rows, sha256="0" * 64)
    with pytest.raises(InputError, match="was changed after it was adopted"):
        params.load(root=root)


@pytest.mark.parametrize("name", ["posterior.csv", "record.json"])
def test_half_a_posterior_is_refused(root, name):
    names, rows = rows_inside(root)
    write(root, names, rows)
    (root / "posterior" / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: no such file"):
        params.load(root=root)


def test_a_missing_column_a_short_line_and_too_few_draws_are_refused(root):
    names, rows = rows_inside(root)
    write(root, names[1:], rows[:, 1:])
    with pytest.raises(InputError, match=f"{names[0]} has no column"):
        params.load(root=root)
    write(root, names, [*rows.tolist(), rows[0, 1:].tolist()])
    with pytest.raises(InputError, match=f"line 6 has {len(names) - 1} values"):
        params.load(root=root)
    write(root, names, rows[:1])
    with pytest.raises(InputError, match="at least two draws"):
        params.load(root=root)


def test_every_calibrated_assumption_has_a_range_around_its_central_value():
    entries = read_register()
    for name in calibrated(entries):
        low, high = bounds(entries[name], name)
        assert low < float(entries[name].values()[-1]) < high, name


def test_the_adopted_posterior_passes_its_own_door():
    adopted = read_posterior(ROOT)
    if adopted is None:
        assert not (ROOT / "posterior").exists()
        return
    assert set(adopted.names) == set(calibrated(read_register()))
    assert len(set(adopted.rows)) == len(adopted.rows) >= 32


def test_central_values_are_those_of_the_adopted_calibration():
    adopted = read_posterior(ROOT)
    if adopted is None:
        return
    central = json.loads((ROOT / "posterior" / "record.json").read_text(encoding="utf-8"))["central"]
    entries = read_register()
    assert {n: float(f"{v:.3g}") for n, v in central.items()} == {n: entries[n].values()[-1] for n in central}
