"""What compiled rules are handed: a month's assumptions as one record, and councils as rows that columns share."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

import params
from sim import costs, services
from sim.council import NATIONS, ROW, Councils, duty_shares
from sim.numbers import by_month, numbers
from sim.run import councils_at
from sim.starts import published_start
from sim.states import Accommodation, Service, words

pytestmark = pytest.mark.unit
DAY = date(2026, 6, 1)


@pytest.fixture
def councils() -> Councils:
    return councils_at(published_start("2025-12-31"))


def leaves(group, path=()):
    """Every assumption of a month, by its path of names."""
    for name, value in group.items():
        if hasattr(value, "items"):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


def test_every_number_and_switch_reads_as_it_does_in_plain_python_and_nothing_else_is_there():
    now = params.load().at(DAY)
    record, found = numbers(now)[0], 0
    for path, value in leaves(now):
        held = record
        for name in path[:-1]:
            held = held[name]
        if isinstance(value, bool | int | float):
            found += 1
            assert held[path[-1]] == value and isinstance(held[path[-1]], np.bool_) == isinstance(value, bool), path
        else:
            assert path[-1] not in (held.dtype.names or ()), f"{path} is not a number"
    assert found > 100


def test_the_record_is_read_only_as_a_month_and_as_a_run():
    months = params.load().by_month([DAY, date(2027, 6, 1)])
    every = by_month(months)
    assert every["prices"]["inflation"].tolist() == [now.prices.inflation for now in months]
    for record in (numbers(months[0]), every):
        with pytest.raises(ValueError, match="read-only"):
            record["procurement"]["lump"] = 1.0


@pytest.mark.parametrize("scenario", params.scenario_names())
def test_all_assumptions_have_one_layout_which_compiled_rules_know_at_once(scenario):
    other = params.load(scenario, {"procurement.lump": 5.0}).with_draw(1, 4, 1)
    assert numbers(other.at(date(2030, 1, 1))).dtype is numbers(params.load().at(DAY)).dtype


def test_a_column_that_is_assigned_to_is_copied_into_the_rows(councils):
    beds, given = councils.beds, np.arange(councils.count)
    councils.beds = given
    assert councils.beds is beds and np.shares_memory(councils.beds, councils.rows)
    given[:] = 0
    np.testing.assert_array_equal(councils.rows["beds"], np.arange(councils.count))
    councils.beds += 1
    councils.willingness = 0.5
    assert councils.rows["beds"][0] == 1 and (councils.rows["willingness"] == 0.5).all()


def test_every_column_is_declared_and_what_no_run_changes_is_read_only(councils):
    assert set(Councils.__annotations__) - {"month"} == set(ROW.names)
    for name in ("population", "relative_size", "rent_ratio", "area", "nation_row", "rural"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(councils, name)[0] = 0
    assert all(getattr(councils, name).flags.writeable for name in ("beds", "people", "participation", "pressure"))


def test_columns_that_follow_from_assumptions_follow_another_months(councils):
    wide, narrow = (params.load(overrides={"placement.cluster_limit": limit}).at(DAY) for limit in (1 / 100, 1 / 200))
    for now, part in ((wide, 100), (narrow, 200), (wide, 100)):
        np.testing.assert_array_equal(councils.limit(now), councils.population // part)
        np.testing.assert_array_equal(councils.under(now)["cluster_limit"], councils.cluster_limit)


def test_lines_and_nights_are_in_the_order_of_their_names():
    # Compiled rules cannot look a name up, so these spell every one out.
    lines = SimpleNamespace(**dict(zip(words(Service), Service, strict=True)))
    assert services.by_line.py_func(lines) == tuple(Service)
    paid = list(Accommodation)[: Accommodation.SUBSISTENCE]
    assert costs._nights.py_func(SimpleNamespace(**{kind.name.lower(): kind for kind in paid})) == tuple(paid)


def test_every_council_has_the_law_of_its_own_nation(councils):
    np.testing.assert_array_equal(np.array(NATIONS)[councils.nation_row], councils.nation)
    share = {nation: (row + 1) / 10 for row, nation in enumerate(NATIONS)}
    moved = {f"move_on.duty_share.{nation.lower().replace(' ', '_')}": value for nation, value in share.items()}
    found = duty_shares(councils.rows, numbers(params.load(overrides=moved).at(DAY)))
    np.testing.assert_allclose(found, [share[nation] for nation in councils.nation])
