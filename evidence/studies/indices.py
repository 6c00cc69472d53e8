"""Sensitivity designs and their indices: points of Sobol and Morris designs, and what their outputs say.

SALib computes; here is what it does not check. An output that is not finite is refused, because SALib would return
numbers all the same, and wrong ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from params.errors import InputError, unknown

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

EDGE = 1e-3  # levels stay this far from 0 and 1, where a distribution without bounds has no value
GRID = 4  # levels of a Morris design, as is usual
CONFIDENCE = 0.95


def problem(axes: Sequence[str], groups: Sequence[str] | None = None) -> dict[str, Any]:
    """A design as SALib describes it: each axis a level from 0 to 1, in the group it is learnt with."""
    found: dict[str, Any] = {"num_vars": len(axes), "names": list(axes), "bounds": [[0.0, 1.0]] * len(axes)}
    return found | ({"groups": list(groups)} if groups is not None else {})


def sobol_points(
    axes: Sequence[str], base: int, seed: int, groups: Sequence[str] | None = None
) -> NDArray[np.float64]:
    """Saltelli's design for first-order and total indices, (run, axis).

    Args:
        axes: names of the axes.
        base: base points, a power of two; it costs base x (groups or axes + 2) runs. A larger base keeps the rows of a
            smaller one and adds to them.
        seed: of the scrambling.
        groups: group of each axis; each axis is its own when None.

    Raises:
        InputError: base is no power of two.
    """
    if base < 2 or base & (base - 1):
        above = max(2, 1 << base.bit_length())
        raise InputError(f"base is {base}; a Sobol design needs a power of two. Nearest: {above}.")
    from SALib.sample import sobol

    points = sobol.sample(problem(axes, groups), base, calc_second_order=False, seed=seed)
    return np.clip(np.asarray(points, float), EDGE, 1 - EDGE)


def sobol_table(
    axes: Sequence[str], outputs: NDArray[np.float64], seed: int = 0, groups: Sequence[str] | None = None
) -> pd.DataFrame:
    """First-order and total indices, with half-widths of their 95% intervals (bootstrap).

    Args:
        axes: as the design had them.
        outputs: one outcome of each run of the design, in its order.
        seed: of the bootstrap.
        groups: group of each axis, as the design had them.

    Returns:
        One row a group: `factor`, `first`, `first_error`, `total`, `total_error`, as shares of variance.

    Raises:
        ValueError: when an output is not finite.
    """
    _finite(outputs, "Sobol indices")
    from SALib.analyze import sobol

    found = sobol.analyze(
        problem(axes, groups), outputs, calc_second_order=False, conf_level=CONFIDENCE, seed=seed
    )
    return pd.DataFrame(
        {
            "factor": list(dict.fromkeys(groups if groups is not None else axes)),
            "first": found["S1"],
            "first_error": found["S1_conf"],
            "total": found["ST"],
            "total_error": found["ST_conf"],
        }
    )


def morris_points(axes: Sequence[str], trajectories: int, seed: int) -> NDArray[np.float64]:
    """Morris's design: trajectories x (axes + 1) rows that move one axis at a time, (run, axis)."""
    if trajectories < 2:
        raise InputError(f"points is {trajectories}; a Morris design needs at least 2 trajectories.")
    from SALib.sample import morris

    points = morris.sample(_inner(axes), trajectories, num_levels=GRID, seed=seed)
    return np.asarray(points, float)


def morris_table(
    axes: Sequence[str], points: NDArray[np.float64], outputs: NDArray[np.float64], seed: int = 0
) -> pd.DataFrame:
    """Elementary effects of each axis, in the outcome's unit over its whole range of levels.

    Args:
        axes: as the design had them.
        points: the design, (run, axis).
        outputs: one outcome of each run, in the design's order.
        seed: of the bootstrap.

    Returns:
        One row an axis: `factor`, `mean` (mu), `absolute` (mu*), `absolute_error` (95% half-width) and `spread`
        (sigma: interactions or a bent response).

    Raises:
        ValueError: when an output is not finite.
    """
    _finite(outputs, "elementary effects")
    from SALib.analyze import morris

    found = morris.analyze(_inner(axes), points, outputs, conf_level=CONFIDENCE, num_levels=GRID, seed=seed)
    columns = {"mean": "mu", "absolute": "mu_star", "absolute_error": "mu_star_conf", "spread": "sigma"}
    return pd.DataFrame({"factor": list(axes), **{name: np.asarray(found[key]) for name, key in columns.items()}})


def of_study(study_id: str, outcome: str, runs: Path) -> tuple[pd.DataFrame, str]:
    """Indices of one result of a finished study, over its baseline's draws; each draw is the mean of its replications.

    Args:
        study_id: id of a study with a Sobol or Morris sample.
        outcome: a result stored for the nation: flows are summed over the run, stocks taken at its end.
        runs: the folder of all runs.

    Returns:
        The table of `sobol_table` or `morris_table`, most important first, and the outcome's unit.

    Raises:
        InputError: another design, or no such result.
    """
    from evidence.records import find, read_record
    from evidence.studies.engine import open_study
    from evidence.studies.files import MORRIS, SOBOL

    settings = read_record(find(runs, study_id, "study")).settings
    design = (settings.get("sample") or {}).get("design")
    if design not in (SOBOL, MORRIS):
        raise InputError(f"{study_id}: has no Sobol or Morris sample. Nearest: a study of params/studies/sobol.toml.")
    study = open_study(study_id, runs)
    outputs = _measured(study, outcome)
    if np.ptp(outputs) == 0:
        raise InputError(f"{study_id}: {outcome} is the same in every draw; nothing that was moved moves it.")
    axes = [str(name) for name in study["assumption"].values]
    if design == SOBOL:
        table = sobol_table(axes, outputs).sort_values("total", ascending=False)
    else:
        table = morris_table(axes, study["level"].values, outputs).sort_values("absolute", ascending=False)
    return table.reset_index(drop=True), str(study[outcome].attrs["units"])


def _measured(study: xr.Dataset, outcome: str) -> NDArray[np.float64]:
    """One number a draw of the baseline: what a result comes to, mean over replications."""
    national = [str(name) for name, own in study.data_vars.items() if not {"council", "region_name"} & set(own.dims)]
    if outcome not in national:
        raise unknown("--outcome", "a national result of this study", outcome, national)
    values = study[outcome].sel(arm=study.attrs["baseline"]).astype(float)
    values = values.isel(month_end=-1) if "month_end" in values.dims else values
    kept = ("draw", "replication")
    return np.asarray(values.sum([dim for dim in values.dims if dim not in kept]).mean("replication").values, float)


def lines(study_id: str, outcome: str, runs: Path) -> list[str]:
    """What `dispersal indices` says; arguments as `of_study`, whose first result is taken when `outcome` is empty."""
    from evidence.records import find, read_record

    settings = read_record(find(runs, study_id, "study")).settings
    wanted = outcome or next(iter(settings.get("outputs") or ["council_gross_cost_in_month"]))
    table, unit = of_study(study_id, wanted, runs)
    told = f"{wanted}: {'sum over the run' if wanted.endswith('_in_month') else 'at the end'}, UK, modelled estimate"
    if "total" in table:
        head = f"  {'':<44}{'alone':>16}{'with interactions':>20}   share of variance, ± half of the 95% interval"
        rows = [
            f"  {r.factor:<44}{f'{r.first:.2f} ± {r.first_error:.2f}':>16}{f'{r.total:.2f} ± {r.total_error:.2f}':>20}"
            for r in table.itertuples()
        ]
    else:
        head = f"  {'':<44}{'effect':>24}{'spread':>12}   {unit}, 5th to 95th percentile, ± half of the 95% interval"
        rows = [
            f"  {r.factor:<44}{f'{r.absolute:,.3g} ± {r.absolute_error:,.3g}':>24}{f'{r.spread:,.3g}':>12}"
            for r in table.itertuples()
        ]
    return [told, head, *rows]


def _inner(axes: Sequence[str]) -> dict[str, Any]:
    """Morris moves on the levels of a grid, whose ends must be inside a distribution without bounds."""
    return problem(axes) | {"bounds": [[0.05, 0.95]] * len(axes)}


def _finite(outputs: NDArray[np.float64], what: str) -> None:
    wrong = ~np.isfinite(outputs)
    if wrong.any():
        raise ValueError(
            f"{int(wrong.sum())} of {outputs.size} outputs are not finite (first: run {int(wrong.argmax())}); "
            f"{what} from them would be wrong"
        )
