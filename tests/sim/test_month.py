"""A month in one go is the month phase by phase: the same history, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import params
import sim
from sim import month as stretches
from sim.council import entry_chance

pytestmark = pytest.mark.behaviour
PHASE_BY_PHASE = sim.Rules(entry_chance=lambda councils, now: entry_chance(councils, now))  # a rule in Python ends it
SETTINGS = {
    "central": {},
    "hard limits and an index": {"placement.rule": "index", "placement.cluster_hard": True, "placement.steering": 0.5},
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


def test_only_rules_that_stand_between_the_stretches_may_be_replaced_in_one_go(steady_intake, monkeypatch):
    begun = []
    monkeypatch.setattr(stretches, "until_proposals", lambda *given: begun.append(given) or (_ for _ in ()).throw(Stop))

    class Stop(Exception):
        pass

    def run(**rules):
        sim.simulate(params.load(), steady_intake(1), 1, rules=sim.Rules(**rules))

    for rules in ({}, {"grants": lambda load, now: 0 * load.baseline}, {"allocation": lambda c, now: np.ones(c.count)}):
        with pytest.raises(Stop):
            run(**rules)
    run(entry_chance=PHASE_BY_PHASE.entry_chance)
    assert len(begun) == 3
