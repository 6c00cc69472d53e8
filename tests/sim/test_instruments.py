"""Grant instruments: each kind's formula on a small caseload, the modifiers, the door, and what scenarios may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import params
import sim
from params.instruments import KINDS, NATIONS, SERVICES, Instrument, build, library
from params.register import read_register
from sim.costs import price_level
from sim.funding import Caseload, grants, payment
from sim.states import Accommodation, Service

pytestmark = pytest.mark.unit
NOW = params.load().at(date(2027, 6, 1))
TOGETHER = ["initial", "dispersal", "contingency_hotel", "contingency_other", "other"]


@pytest.fixture
def load() -> Caseload:
    """Three councils: an English town, a rural Welsh one, a Scottish city with nobody at first."""
    people = np.array([[0, 120, 30, 0, 0, 50], [0, 10, 0, 0, 0, 2], [5, 40, 0, 0, 0, 0]])
    baseline = np.array([[0, 90, 60, 0, 0, 50], [0, 12, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0]])
    needed = np.arange(24.0).reshape(3, 8)
    return Caseload(
        month=np.datetime64("2027-06"),
        nation=np.array(["England", "Wales", "Scotland"]),
        rural=np.array([False, True, False]),
        people=people,
        baseline=baseline[:, : Accommodation.SUBSISTENCE].sum(axis=1).astype(float),
        baseline_people=baseline,
        quarter_before=baseline,
        beds_opened=np.array([6, 0, 40]),
        first_proposals=np.array([0.0, 0.0, 1.0]),
        duties=np.array([4, 0, 1]),
        needed=needed,
        gross=needed * 1000,
    )


def instrument(kind: str, rate: float = 1200.0, **given: object) -> Instrument:
    return build("tried", {"kind": kind, "rate": rate, **given}, "test", read_register())


def paid(load: Caseload, kind: str, rate: float = 1200.0, **given: object) -> list[float]:
    return payment(load, instrument(kind, rate, **given), NOW).tolist()


FORMULAS = [
    ("per_person_on_date", {}, [15_000, 1200, 0]),
    ("per_person_on_date", {"accommodation": ["dispersal"]}, [9000, 1200, 0]),
    ("per_occupied_bed", {}, [15_000, 1000, 4500]),
    ("net_growth_month", {"rate": 100.0}, [0, 0, 4500]),
    ("net_growth_month", {"rate": 100.0, "accommodation": ["dispersal"]}, [3000, 0, 4000]),
    ("net_growth_quarter", {"rate": 3500.0, "accommodation": ["dispersal", "initial"]}, [105_000, 0, 157_500]),
    ("new_bed", {"rate": 3500.0}, [21_000, 0, 140_000]),
    ("setup", {"rate": 150_000.0}, [0, 0, 150_000]),
    ("per_service", {"rate": 120.0, "service": "esol"}, [10, 90, 170]),
    ("move_on", {"rate": 5000.0}, [20_000, 0, 5000]),
    ("cost_recovery", {"rate": 0.5}, [14_000, 46_000, 78_000]),
    ("cost_recovery", {"rate": 0.5, "service": "coordination"}, [3500, 7500, 11_500]),
]


def test_every_kind_has_its_formula_and_the_words_are_the_model_s():
    assert {kind for kind, *_ in FORMULAS} == set(KINDS)
    assert [s.name.lower() for s in Service] == list(SERVICES)
    assert [a.name.lower() for a in Accommodation][: Accommodation.SUBSISTENCE] == TOGETHER
    assert set(params.reference("councils")["nation"]) == set(NATIONS)


@pytest.mark.parametrize(("kind", "given", "expected"), FORMULAS)
def test_each_kind_pays_by_its_formula(load, kind, given, expected):
    assert paid(load, kind, **given) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"rural_uplift": 0.5}, [15_000, 1800, 0]),
        ({"nations": ["Wales", "Scotland"]}, [0, 1200, 0]),
        ({"cap": 60_000.0}, [5000, 1200, 0]),
        ({"floor": 24_000.0}, [15_000, 2000, 2000]),  # the third hosts people now, so the floor is its
        ({"from": date(2026, 4, 1), "taper": [1.0, 0.5]}, [7500, 600, 0]),
        ({"from": date(2024, 4, 1), "taper": [1.0, 0.5]}, [0, 0, 0]),
    ],
)
def test_modifiers_compose_with_a_kind(load, given, expected):
    assert paid(load, "per_person_on_date", **given) == pytest.approx(expected)


def test_growth_by_quarter_is_paid_in_the_quarter_s_last_month_only(load):
    other = replace(load, month=np.datetime64("2027-05"))
    assert paid(other, "net_growth_quarter") == [0, 0, 0]
    assert sum(paid(load, "net_growth_quarter")) > 0


def test_a_linked_rate_rises_with_general_prices_each_april_and_not_within_a_year(load):
    linked = instrument("per_person_on_date", **{"from": date(2025, 4, 1), "indexed": True})
    flat = instrument("per_person_on_date")
    ratio = payment(load, linked, NOW)[0] / payment(load, flat, NOW)[0]
    years = [price_level(np.datetime64(f"{y}-04"), NOW) for y in (2025, 2027)]
    assert ratio == pytest.approx(years[1] / years[0])
    march = replace(load, month=np.datetime64("2028-03"))
    assert payment(march, linked, NOW)[0] == pytest.approx(payment(load, linked, NOW)[0])


@st.composite
def caseloads(draw) -> Caseload:
    """Some councils in any nation with any people, in any month of four years."""
    count = draw(st.integers(1, 5))
    stock = arrays(np.int64, (count, 6), elements=st.integers(0, 5000))
    flow = arrays(np.int64, (count,), elements=st.integers(0, 400))
    lines = arrays(float, (count, 8), elements=st.floats(0, 1e6))
    baseline = draw(stock)
    return Caseload(
        month=np.datetime64("2026-04") + np.timedelta64(draw(st.integers(0, 47)), "M"),
        nation=np.array(draw(st.lists(st.sampled_from(NATIONS), min_size=count, max_size=count))),
        rural=draw(arrays(bool, (count,))),
        people=draw(stock),
        baseline=baseline[:, : Accommodation.SUBSISTENCE].sum(axis=1).astype(float),
        baseline_people=baseline,
        quarter_before=draw(stock),
        beds_opened=draw(flow),
        first_proposals=draw(flow).clip(0, 1).astype(float),
        duties=draw(flow),
        needed=draw(lines),
        gross=draw(lines),
    )


@settings(max_examples=40, deadline=None)
@given(caseloads(), st.sampled_from(sorted(KINDS)), st.floats(0, 1))
def test_laws_of_every_kind(load, kind, rate):
    """Never negative, proportional to the rate, parted by nation without loss, within floor and cap."""
    service = {"service": "esol"} if kind == "per_service" else {}
    whole = payment(load, instrument(kind, rate, **service), NOW)
    assert (whole >= 0).all()
    assert payment(load, instrument(kind, rate / 2, **service), NOW) * 2 == pytest.approx(whole)
    nations = [payment(load, instrument(kind, rate, nations=[n], **service), NOW) for n in NATIONS]
    assert sum(nations) == pytest.approx(whole)
    uplifted = payment(load, instrument(kind, rate, rural_uplift=0.25, **service), NOW)
    assert uplifted == pytest.approx(whole * np.where(load.rural, 1.25, 1.0))
    if KINDS[kind].accrues:
        bounded = payment(load, instrument(kind, rate, floor=1200.0, cap=6000.0, **service), NOW)
        assert (bounded <= 500 + 1e-9).all()
        hosts = (load.accommodated > 0) | (load.baseline > 0)
        assert (bounded[hosts] >= 100 - 1e-9).all()


def test_instruments_add_up_and_none_looks_at_another(load):
    two = {"instruments.esol_tariff.from": date(2027, 4, 1), "instruments.move_on_payment.rate": 100.0}
    now = params.load(overrides=two).at(date(2027, 6, 1))
    assert grants(load, now) == pytest.approx(
        grants(load, NOW) + paid(load, "per_service", 850.0, service="esol") + np.array(paid(load, "move_on", 100.0))
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"instruments.rural_grnt.rate": 1}, "Nearest: instruments.rural_grant.rate"),
        ({"instruments.rural_grant.rat": 1}, "not a field of an instrument. Nearest: instruments.rural_grant.rate"),
        ({"instruments.grant_per_person.rate": 1}, "its rate is an assumption. Nearest: funding.grant_per_person"),
        ({"instruments.rural_grant.rate": "funding.grant_per_persn"}, "Nearest: funding.grant_per_person"),
        ({"instruments.rural_grant.nations": ["Englnd"]}, "Nearest: England"),
        ({"instruments.rural_grant.kind": "per_persn_on_date"}, "Nearest: per_person_on_date"),
        ({"instruments.rural_grant.rate": -1.0}, "rate -1 is out of range"),
        ({"instruments.rural_grant.taper": [0.5]}, "from is missing"),
        ({"instruments.rural_grant.taper": [1.5]}, "each part must be from 0 to 1"),
        ({"instruments.rural_grant.service": "esol"}, "service means nothing for per_person_on_date"),
        ({"instruments.esol_tariff.service": "esl"}, "Nearest: esol"),
        ({"instruments.esol_tariff.accommodation": ["dispersal"]}, "accommodation means nothing for per_service"),
        ({"instruments.move_on_payment.cap": 3.0}, "move_on is paid once"),
        ({"instruments.rural_grant.floor": 3.0, "instruments.rural_grant.cap": 2.0}, "floor 3 is above cap 2"),
        ({"instruments.rural_grant.from": date(2027, 4, 2)}, "the first day of a month"),
        ({"instruments.rural_grant.rate": True}, "rate: True must be a number in the kind's unit"),
        ({"instruments.rural_grant.to": date(2028, 3, 15)}, "to must be the last day of a month"),
        ({"instruments.rural_grant.rate": float("nan")}, "finite number"),
        ({"instruments.rural_grant": 1}, "must read instruments.NAME.FIELD"),
        ({"instruments.rural_grant.rate@2027-04-01": 1}, "must read instruments.NAME.FIELD"),
    ],
)
def test_a_wrong_instrument_is_refused_in_one_line(given, message):
    with pytest.raises(params.InputError) as error:
        params.load(overrides=given)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_scenario_may_define_one_change_one_and_not_set_a_field_twice(tmp_path):
    for folder in ("assumptions", "instruments"):
        (tmp_path / folder).symlink_to(params.register.ROOT / folder)
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "first.toml").write_text(
        'why = "A new instrument, and a change to a standing one."\n'
        "[instruments.grant_per_person]\nrural_uplift = 0.2\n"
        '[instruments.own]\nkind = "new_bed"\nrate = 10\nfrom = 2027-04-01\nto = 2028-03-31\n'
    )
    (scenarios / "second.toml").write_text(
        'why = "Sets a field again."\nextends = "first"\n[instruments.own]\nrate = 20\n'
    )
    (scenarios / "third.toml").write_text('why = "No kind."\n[instruments.nobody]\nrate = 20\n')
    first = params.load("first", root=tmp_path)
    in_force = {day: [i.kind for i in first.at(day).instruments][7:] for day in (date(2027, 3, 1), date(2027, 4, 1))}
    assert list(in_force.values()) == [[], ["new_bed"]]
    last, after = first.by_month([date(2028, 3, 1), date(2028, 4, 1)])
    assert (len(last.instruments), len(after.instruments)) == (8, 7)
    assert "rural_uplift 0.2" in first.canonical()["instruments.grant_per_person"][0][1]
    with pytest.raises(params.InputError, match=r"instruments\.own\.rate is already set in .*second\.toml"):
        params.load("second", root=tmp_path)
    with pytest.raises(params.InputError, match="instruments.nobody: is not in params/instruments and has no kind"):
        params.load("third", root=tmp_path)


def test_every_instrument_of_the_library_says_where_its_rate_comes_from():
    for file, own in library().items():
        for name, made in own.items():
            if file == "history":
                assert made.source and made.as_of and made.start and made.end, name
            if file != "standing":
                assert made.source, name


@pytest.mark.behaviour
def test_an_option_by_instruments_is_identical_to_its_baseline_until_it_starts(steady_intake):
    months = 20
    base = sim.simulate(params.load(), steady_intake(months), seed=7)
    names = ("rural_grant", "move_on_payment")
    option = params.load(overrides={f"instruments.{name}.from": date(2027, 4, 1) for name in names})
    other = sim.simulate(option, steady_intake(months), seed=7)
    before = dict(month=slice(None, "2027-03"), month_end=slice(None, "2027-03-31"))
    xr.testing.assert_equal(base.sel(before), other.sel(before))
    more = (other - base).grant_in_month.sel(month=slice("2027-04", None)).sum("council")
    assert (more > 0).all()
