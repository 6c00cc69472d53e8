"""Rates that drift: the part of the future that no assumption fixes and no council causes."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from sim.randomness import Draws


class Drift:
    """AR(1) noise in months, stated in quarters because it is measured on quarterly series.

    The same seed drifts alike in every arm.

    Attributes:
        value: the noise of the month, (place,).
        variance: how far it may have drifted by now; half of it keeps the mean of its exponential at one.
    """

    def __init__(self, decision: str, places: int = 1) -> None:
        """Name the decision, and how many places drift each on its own; one for what is national."""
        self._decision = decision
        self.value = np.zeros(places)
        self.variance = 0.0

    def step(self, persistence: float, spread: float, draws: Draws, month: int) -> np.ndarray:
        """Move one month and return the noise, (place,).

        Args:
            persistence: share of a deviation left after a quarter, 0 to 1.
            spread: standard deviation of a quarter's innovation; three monthly ones make it up.
        """
        level = np.minimum(np.maximum(draws.each(self._decision, self.value.size, month), 1e-12), 1 - 1e-12)
        self.value = persistence ** (1 / 3) * self.value + spread / math.sqrt(3) * ndtri(level)
        self.variance = persistence ** (2 / 3) * self.variance + spread**2 / 3
        return self.value
