"""The rules for households as they would be written in plain Mesa, one agent a household: the yardstick of speed."""

from __future__ import annotations

from typing import Any

import mesa
from readable import Household, Readable

from sim.households import Households
from sim.states import Stage


class HouseholdAgent(mesa.Agent):
    """One household; the fields are those of `readable.Household`."""

    def __init__(self, model: mesa.Model, *fields: int) -> None:
        super().__init__(model)
        for name, value in zip(Household.__slots__, fields, strict=True):
            setattr(self, name, value)


class PlainMesa(Readable):
    """The readable rules over the agents of a Mesa model."""

    def __init__(self, start: Households) -> None:
        self.model = mesa.Model()
        super().__init__(start)

    @property
    def everyone(self) -> Any:
        """Every household, oldest claim first."""
        return self.model.agents

    @everyone.setter
    def everyone(self, none: list[Any]) -> None:
        """Mesa keeps its agents itself."""

    def join(self, *fields: int) -> HouseholdAgent:
        """A household more."""
        return HouseholdAgent(self.model, *fields)

    def forget(self) -> None:
        """Take those who are gone out of the model."""
        for h in list(self.model.agents):
            if h.stage == Stage.GONE:
                h.remove()
