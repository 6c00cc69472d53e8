"""Intake forecasts as runs: quantiles and sample paths, made once and kept with their record."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.records import (
    Record,
    RunError,
    damaged,
    make_id,
    model_version,
    read_record,
    record_path,
    reference_hashes,
    sealed,
)
from params.errors import InputError

if TYPE_CHECKING:
    from params import Assumptions

PATHS_FILE, QUANTILES_FILE = "paths.nc", "quantiles.csv"
HORIZON_LIMIT = 40  # quarters: ten years, the longest simulation
SAMPLE_LIMIT = (10, 10_000)
SEED_LIMIT = 2**31 - 1
SAMPLES = 1000
LOCK_SECONDS = 120


def forecast_settings(assumptions: Assumptions) -> dict[str, Any]:
    """The assumptions that the forecast reads, by dotted name."""
    return {name: steps for name, steps in assumptions.canonical().items() if name.startswith("forecast.")}


def forecast(
    runs: Path,
    *,
    horizon: int,
    origin: str | None,
    seed: int,
    samples: int = SAMPLES,
    assumptions: Assumptions | None = None,
) -> Path:
    """Forecast national intake, or find the same forecast made earlier.

    Args:
        runs: the folder of all runs.
        horizon: quarters ahead.
        origin: last quarter used, such as 2025Q4; the latest one when None.
        seed: seed of the sample paths.
        samples: number of sample paths.
        assumptions: the register with a scenario or overrides; central when None.

    Returns:
        The run folder, with `quantiles.csv` (the total, then each decision group), `paths.nc` and its record.

    Raises:
        InputError: when a value is out of range or the origin is not a quarter of the history.
        RunError: when another process is making the same forecast.
    """
    within("horizon", horizon, 1, HORIZON_LIMIT, "quarters")
    within("samples", samples, *SAMPLE_LIMIT, "paths")
    within("seed", seed, 0, SEED_LIMIT, "")
    import params
    from forecasts.history import official, up_to

    known, _ = official()
    origin = str(up_to(known, origin, "--origin").index[-1])
    settings = {"horizon": horizon, "origin": origin, "seed": seed, "samples": samples}
    chosen = assumptions or params.load()
    identity = {
        "settings": settings,
        "assumptions": forecast_settings(chosen),
        "model": model_version(),
        "reference": reference_hashes(),
    }
    forecast_id = make_id("forecast", identity)
    folder = runs / forecast_id
    if record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs):
        return folder
    stale = folder.exists()

    import pandas as pd

    import forecasts

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", forecasts.ForecastWarning)
        paths = forecasts.intake_paths(origin=origin, quarters=horizon, paths=samples, seed=seed, assumptions=chosen)
    record = Record(
        id=forecast_id,
        kind="forecast",
        title=f"UK asylum intake, {horizon} quarters from {origin}",
        settings=settings,
        assumptions={chosen.scenario: forecast_settings(chosen)},
        model_version=model_version(),
        inputs=reference_hashes(),
        warnings=tuple(str(w.message) for w in told if issubclass(w.category, forecasts.ForecastWarning)),
    )
    # Two studies may need the same forecast at once: the second waits, and the first one's folder stays.
    with sealed(runs, record, replace_existing=stale, wait=LOCK_SECONDS) as partial:
        forecasts.write_paths(paths, partial / PATHS_FILE)
        tables = [forecasts.quantile_table(paths), forecasts.group_quantile_table(paths)]
        pd.concat(tables).to_csv(partial / QUANTILES_FILE, index=False, lineterminator="\n")
    if damaged(folder, read_record(folder).outputs):
        raise RunError(f"{folder}: changed while it was written; run this again")
    return folder


def within(key: str, given: int, low: int, high: int, unit: str) -> None:
    """Check that an option lies in its range.

    Raises:
        InputError: when it does not.
    """
    if not low <= given <= high:
        raise InputError(f"--{key} is {given}; it must be from {low} to {high} {unit}".rstrip() + ".")
