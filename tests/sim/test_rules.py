"""A rule replaced from a notebook works at once, its answers are checked, its cost is said, and compiled it is free."""

import inspect
import warnings

import numpy as np
import pytest
import xarray as xr
from numba import njit

import params
import sim
from params import InputError
from sim.rules import Watched, watched

pytestmark = pytest.mark.behaviour
MONTHS = 2


@pytest.fixture(scope="module")
def run(steady_intake):
    central, intake = params.load(), steady_intake(MONTHS)

    def simulate(**rules) -> xr.Dataset:
        return sim.simulate(central, intake, seed=3, rules=sim.Rules(**rules))

    return simulate


@pytest.fixture(scope="module")
def original(run) -> xr.Dataset:
    return run()


def test_a_rule_that_says_what_the_model_says_changes_nothing(run, original):
    own = {
        "attraction": lambda councils, now: sim.Rules().attraction(councils, now),
        "offers": lambda *arguments: sim.Rules().offers(*arguments),
        "objection_chance": lambda councils, now: sim.Rules().objection_chance(councils, now),
        "entry_chance": lambda councils, now: sim.Rules().entry_chance(councils, now),
        "grants": lambda load, now: sim.Rules().grants(load, now),
        "allocation": lambda councils, now: np.ones(councils.count),
    }
    xr.testing.assert_identical(run(**own), original)


@pytest.mark.parametrize(
    ("rule", "function", "said"),
    [
        ("attraction", lambda councils, now: np.ones(3), r"returned shape \(3,\), not \(361,\).*a weight of 0 or more"),
        ("attraction", lambda councils, now: 1.0, r"returned shape \(\), not \(361,\)"),
        ("attraction", lambda councils, now: None, "returned None; does it end with return"),
        ("attraction", lambda councils, now: ["much"] * councils.count, "returned list, which is not numbers"),
        ("attraction", lambda councils, now: -councils.population, "returned -98180 for Hartlepool"),
        ("objection_chance", lambda councils, now: np.full(councils.count, np.nan), "returned nan for .*from 0 to 1"),
        ("entry_chance", lambda councils, now: np.full(councils.count, 1.5), "returned 1.5 for .*from 0 to 1"),
        ("grants", lambda load, now: load.accommodated - 1e9, r"returned -.* for .*GBP of the month"),
        ("offers", lambda area, councils, *_: np.full(councils.count, 0.5), "returned 0.5 for .*whole beds"),
        ("offers", lambda area, councils, *_: np.ones(councils.count), "returned 1 for .*none where pull is 0"),
        ("allocation", lambda councils, now: np.zeros(councils.count), "returned 0 for every council"),
    ],
)
def test_an_answer_that_cannot_be_used_names_rule_month_and_what_was_expected(run, rule, function, said):
    with pytest.raises(InputError, match=rf"^rule {rule} \(<lambda>\), 2026-01: {said}"):
        run(**{rule: function})


def test_the_month_named_is_the_one_it_happened_in(run):
    def fails_in_february(councils, now):
        return np.full(councils.count, np.nan if councils.month == np.datetime64("2026-02") else 0.1)

    with pytest.raises(InputError, match=r"^rule entry_chance \(fails_in_february\), 2026-02: returned nan"):
        run(entry_chance=fails_in_february)


def test_an_error_inside_a_rule_keeps_its_kind_and_says_where(run):
    with pytest.raises(AttributeError) as caught:
        run(attraction=lambda councils, now: councils.popluation)
    assert caught.value.__notes__ == ["in the rule attraction (<lambda>), 2026-01"]


def test_what_is_not_a_function_is_refused_at_once():
    with pytest.raises(InputError, match=r"rule grants: 150.0 is not a function of \(load, now\) .*GBP of the month"):
        sim.Rules(grants=150.0)
    with pytest.raises(InputError, match=r"rule attraction: None is not a function of \(councils, now\) .*a weight"):
        sim.Rules(attraction=None)


def test_a_rule_that_is_not_there_hears_the_nearest_and_the_right_ones_are_still_listed():
    with pytest.raises(InputError, match="sim.Rules: atraction is not a rule. Nearest: attraction."):
        sim.Rules(atraction=lambda councils, now: councils.population)
    with pytest.raises(InputError, match="sim.Rules: qqq is not a rule. Valid: allocation, attraction, entry_chance"):
        sim.Rules(qqq=max)
    assert list(inspect.signature(sim.Rules).parameters) == list(sim.Rules.__dataclass_fields__)


def test_a_rule_cannot_write_into_what_other_runs_share(run):
    def careless(councils, now):
        councils.population *= 2
        return councils.population

    with pytest.raises(ValueError, match="read-only"):
        run(attraction=careless)


def test_a_rule_may_answer_with_a_column_and_columns_come_as_plain_arrays(run):
    @njit("float64[::1](float64[::1], int64[::1])")
    def compiled(frailty, beds):
        return frailty * (beds >= 0)

    expected = run(attraction=lambda councils, now: councils.frailty + 0.0)
    for returns in (compiled, lambda councils, now: councils.frailty):
        xr.testing.assert_identical(run(attraction=returns), expected)
    run(attraction=lambda councils, now: councils.population)


def test_a_slow_rule_is_told_its_share_and_a_compiled_one_is_not(run):
    def slow(councils, now):
        return [sum(people / i for i in range(1, 200)) for people in councils.population]

    @njit
    def compiled(population, limit, procurement_population_elasticity):
        return population**procurement_population_elasticity * (limit > 0)

    with pytest.warns(sim.RuleWarning, match=r"rule attraction \(slow\) is plain Python and took \d+% of the run"):
        run(attraction=slow)
    with warnings.catch_warnings():
        warnings.simplefilter("error", sim.RuleWarning)
        quick = run(attraction=compiled)
    plain = run(attraction=lambda c, now: c.population**now.procurement.population_elasticity * (c.limit(now) > 0))
    xr.testing.assert_identical(quick, plain)


def test_a_compiled_rule_that_names_nothing_known_hears_the_nearest(run):
    @njit
    def misspelt(populaton):
        return populaton

    with pytest.raises(InputError, match="rule attraction: populaton is not a column or an assumption.*population"):
        run(attraction=misspelt)


def test_watched_rules_add_up_over_the_runs_that_share_them():
    rules = watched(sim.Rules(attraction=lambda councils, now: councils.population))
    assert isinstance(rules.attraction, Watched) and watched(rules) is rules
