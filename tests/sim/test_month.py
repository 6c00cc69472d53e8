"""A month in one go is the month phase by phase: the same history, to the last digit."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import xarray as xr

import params
import sim
from sim import month
from sim.council import entry_chance

pytestmark = pytest.mark.behaviour
PHASE_BY_PHASE = sim.Rules(entry_chance=lambda councils, now: entry_chance(councils, now))  # a rule in Python ends it
SETTINGS = {
    "central": {},
    "hard limits and an index": {"placement.rule": "index", "placement.cluster_hard": True, "placement.steering": 0.5},
    "shares of population": {"placement.rule": "population_share", "placement.steering": 1.0},
    "the equitable optimum": {"placement.rule": "equity_lp", "placement.steering": 1.0},
    "other grants": {"funding.grant_per_person": 900.0, "instruments.esol_tariff.from": date(2026, 4, 1)},
    "hotels close and open": {"hotels.close_rate": 0.2, "hotels.exit_share": 0.6, "hotels.new_council": 0.4},
    "nothing feeds back": {"feedback.consent_to_beds": False, "feedback.capacity_to_consent": False},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_months_in_one_go_and_phase_by_phase_are_the_same_history(steady_intake, setting):
    assumptions, intake = params.load(overrides=SETTINGS[setting]), steady_intake(18)
    claims = intake.copy(data=np.where(np.arange(18) % 9 < 6, 3_000, 16_000))  # hotels empty, then fill
    runs = [sim.simulate(assumptions, claims, 11, rules=rules) for rules in (None, PHASE_BY_PHASE)]
    xr.testing.assert_identical(*runs)
    assert runs[0].hotel_beds_closed_in_month.sum() > 0 and runs[0].hotel_beds_opened_in_month.sum() > 0


def test_a_model_that_a_rule_was_replaced_in_runs_phase_by_phase(steady_intake, monkeypatch):
    class Begun(Exception):
        """A month in one go has begun."""

    def begin(*given):
        raise Begun

    monkeypatch.setattr(month, "run", begin)
    with pytest.raises(Begun):
        sim.simulate(params.load(), steady_intake(1), 1)
    own = sim.Rules()
    for name in ("attraction", "offers", "objection_chance", "entry_chance", "grants"):
        rule = getattr(own, name)
        rules = sim.Rules(**{name: lambda *given, rule=rule: rule(*given)})
        sim.simulate(params.load(), steady_intake(1), 1, rules=rules)
    sim.simulate(params.load(), steady_intake(1), 1, rules=sim.Rules(allocation=lambda councils, now: np.ones(361)))
