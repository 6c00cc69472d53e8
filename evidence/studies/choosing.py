"""Evidence for two choices of method: how many draws and replications a study takes, and why its step is a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evidence import results
from evidence.drawing.style import CATEGORIES, MUTED, image, panels, styled

if TYPE_CHECKING:
    import xarray as xr
    from IPython.display import Image
    from matplotlib.figure import Figure

ENOUGH = 0.1  # Monte Carlo error as a share of the range's standard deviation below which more runs change little


def quantities(study: xr.Dataset, arm: str, baseline: str) -> dict[str, xr.DataArray]:
    """What a reader takes from a study, by draw and replication: two levels of an arm and its differences in pairs."""
    years = results.complete_years(study)
    hotels = results.supported(study, accommodation="contingency_hotel").isel(month_end=-1, drop=True)
    gross = results.over_years(results.council_gross_cost(study).sum("service"), years)
    beds = study["beds_at_month_end"].isel(month_end=-1, drop=True).astype(float)
    levels = {"people in hotels at the end": hotels, "councils' gross cost": gross}
    net = results.over_years(results.council_net_cost(study), years)
    gaps = {"councils' net cost": net, "councils' gross cost": gross, "dispersal beds at the end": beds}
    found = {f"{name} ({arm})": values.sel(arm=arm, drop=True) for name, values in levels.items()}
    for name, values in gaps.items():
        found[f"{name} ({arm} less {baseline})"] = results.minus_baseline(values, baseline).sel(arm=arm, drop=True)
    return found


def error(samples: xr.DataArray, draws: int, replications: int) -> float:
    """Monte Carlo standard error of a mean over draws and replications, as a share of the samples' standard deviation.

    Args:
        samples: dims draw and replication, at least two of each.
        draws: draws that the study would take.
        replications: replications of each draw that it would take.
    """
    share = results.variance_split(samples)["assumptions"]
    return float(np.sqrt(share / draws + (1.0 - share) / (draws * replications)))


def precision(samples: dict[str, xr.DataArray]) -> pd.DataFrame:
    """What makes each quantity's range, and how far the number of runs blurs it.

    Returns:
        One row for each quantity: central figure, standard deviation over all samples, the share of variance that
        assumptions make, and the Monte Carlo error of the central figure in its own unit and as a share of the
        standard deviation.
    """
    rows = {}
    for name, values in samples.items():
        spread, blur = float(values.std(ddof=1)), results.simulation_error(values)
        rows[name] = {
            "central": float(values.median()),
            "standard deviation": spread,
            "share made by assumptions": results.variance_split(values)["assumptions"],
            "Monte Carlo error": blur,
            "error / standard deviation": blur / spread if spread > 0 else 0.0,
        }
    return pd.DataFrame(rows).T


def replications_worth(samples: dict[str, xr.DataArray], budget: int, most: int = 32) -> pd.DataFrame:
    """Monte Carlo error of each mean when a number of runs is split into draws and replications in several ways.

    Args:
        samples: quantities by name.
        budget: runs an arm may take.
        most: replications of a draw at most.

    Returns:
        Error as a share of the standard deviation: a row for each number of replications of a draw, a column for each
        quantity.
    """
    splits = [r for r in (1, 2, 4, 8, 16, 32) if r <= most and budget // r >= 2]
    table = {name: [error(values, budget // r, r) for r in splits] for name, values in samples.items()}
    return pd.DataFrame(table, index=pd.Index(splits, name="replications of a draw"))


def error_figure(table: pd.DataFrame) -> Image:
    """`replications_worth` as lines, with the level below which more runs change little."""
    with styled():
        figure, (axes,) = panels(1, 1, 3.6)
        for (name, values), colour in zip(list(table.items())[-len(CATEGORIES) :], CATEGORIES, strict=False):
            axes.plot(table.index, values, marker="o", color=colour, label=str(name))
        axes.axhline(ENOUGH, color=MUTED, linewidth=0.8)
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(table.index), [str(r) for r in table.index])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Replications of a draw, runs of an arm unchanged")
        axes.set_title("Monte Carlo error over standard deviation")
        axes.legend(frameon=False, fontsize=8)
    best = ", ".join(f"{name} {values.min():.3g} at {values.idxmin()}" for name, values in table.items())
    return _shown(figure, f"Least Monte Carlo error over standard deviation: {best}")


def steps(claims: int, months: int, seeds: int, steps_a_month: int = 4) -> pd.DataFrame:
    """The national core by month and by week, in pairs of the same seed.

    Returns:
        Rows (quantity, month) for every third month: mean by week, mean difference of the monthly step from it with
        its 95% interval over seeds, the difference in per cent, and the standard deviation over seeds.
    """
    import params
    from sim.stepping import core

    central = params.load()
    runs = {
        step: np.array([core(central, claims, seed, months, step).to_numpy(float) for seed in range(seeds)])
        for step in (1, steps_a_month)
    }
    names: Sequence[str] = core(central, claims, 0, 1, 1).columns.tolist()
    by_week, gap = runs[steps_a_month], runs[1] - runs[steps_a_month]
    rows = []
    for column, name in enumerate(names):
        for month in range(2, months, 3):
            level, differs = by_week[:, month, column], gap[:, month, column]
            mean, half = differs.mean(), 1.96 * differs.std(ddof=1) / np.sqrt(seeds)
            rows.append(
                {
                    "quantity": name, "month": month + 1, "by week": level.mean(), "monthly less weekly": mean,
                    "low95": mean - half, "high95": mean + half, "per cent": 100 * mean / level.mean(),
                    "standard deviation by chance": level.std(ddof=1),
                }
            )  # fmt: skip
    return pd.DataFrame(rows).set_index(["quantity", "month"])


def steps_figure(table: pd.DataFrame) -> Image:
    """The difference that a monthly step makes, in per cent of the weekly one, with its 95% interval."""
    with styled():
        figure, (axes,) = panels(1, 1, 3.6)
        for name, colour in zip(table.index.get_level_values("quantity").unique(), CATEGORIES, strict=False):
            own = table.loc[name]
            scale = 100 / own["by week"]
            axes.plot(own.index, own["per cent"], color=colour, label=name)
            axes.fill_between(own.index, scale * own["low95"], scale * own["high95"], color=colour, alpha=0.2, lw=0)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.set_xlabel("Month")
        axes.set_title("Monthly less weekly step, per cent")
        axes.legend(frameon=False, fontsize=8)
    gaps = table["per cent"].to_numpy()
    worst = int(np.abs(gaps).argmax())
    quantity, month = table.index[worst]
    return _shown(figure, f"Largest difference {gaps[worst]:.3g} per cent, {quantity}, month {month}")


def _shown(figure: Figure, alt: str) -> Image:
    """A figure as a notebook shows it, with what a reader who cannot see it should know."""
    from IPython.display import Image

    with styled():
        return Image(image(figure, "png"), alt=alt)
