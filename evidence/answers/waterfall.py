"""What each change contributes: paired runs that make each change alone and all of them together.

A study for a waterfall has a baseline, one arm for each change, and one arm, `together`, with all of them. In every
simulation the changes' contributions and the interaction add up to the total exactly; the interaction is what the
changes do to one another, and it has a name so that nobody spreads it over the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr

from evidence import results
from evidence.exhibits import Pack
from params import InputError

TOGETHER, INTERACTION = "together", "interaction"
INTERVAL = "Mean and 80% interval of all simulations; means add up"


def changes(pack: Pack) -> list[str]:
    """The arms that each make one change.

    Raises:
        InputError: when `together` does not make exactly the changes of the other arms, each in one arm.
    """
    assumptions = pack.record["assumptions"]
    arms = [arm for arm in pack.others if arm != TOGETHER]
    if TOGETHER not in pack.others or len(arms) < 2:
        raise InputError(f"{pack.study_id}: a waterfall needs two arms of one change each and an arm {TOGETHER!r}.")
    union: dict[str, Any] = {}
    for arm in arms:
        for name, steps in _differs(assumptions, arm, pack.baseline).items():
            if name in union:
                raise InputError(f"{pack.study_id}: {name} is changed in two arms; it needs one of its own.")
            union[name] = steps
    if union != _differs(assumptions, TOGETHER, pack.baseline):
        raise InputError(f"{pack.study_id}: the arm {TOGETHER!r} must make exactly the changes of the other arms.")
    return arms


def _differs(assumptions: Mapping[str, Any], arm: str, baseline: str) -> dict[str, Any]:
    return {name: steps for name, steps in assumptions[arm].items() if steps != assumptions[baseline][name]}


def steps(pack: Pack) -> dict[str, str]:
    """Names to print of the waterfall's steps, in order: each change, the interaction, the total."""
    labels = {arm: pack.labels[arm] for arm in changes(pack)}
    return labels | {INTERACTION: "Interaction of the changes", TOGETHER: pack.labels[TOGETHER]}


def contributions(pack: Pack, values: xr.DataArray) -> xr.DataArray:
    """Difference from the baseline that each change makes, their interaction, and the total, inside each sample.

    Args:
        pack: of a study for a waterfall.
        values: people or pounds (arm, draw, replication, ...).

    Returns:
        The same dims with `step` in place of `arm`. Differences are whole people or pounds, so that the steps before
        the total add up to it without a rounding error.
    """
    moved = results.minus_baseline(values.astype(float), pack.baseline).round()
    parts = moved.sel(arm=changes(pack)).rename(arm="step")
    total = moved.sel(arm=TOGETHER).rename(arm="step")
    interaction = (total - parts.sum("step")).assign_coords(step=INTERACTION)
    return xr.concat([parts, interaction.expand_dims("step"), total.expand_dims("step")], "step")


def summarise(samples: xr.DataArray) -> pd.DataFrame:
    """Mean and intervals of each step: means of parts add up to the mean of the total, as medians would not.

    Returns:
        The columns of `results.summarise` with the mean as `central`.
    """
    table = results.summarise(samples)
    keep = [str(d) for d in samples.dims if d not in results.SAMPLE]
    means = samples.mean(results.SAMPLE).transpose(*keep).values.ravel()
    return table.assign(central=means)
