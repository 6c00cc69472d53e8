"""Forecasts of supplied series and backtests as runs: made once and kept with their record."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.records import (
    Record,
    damaged,
    file_digest,
    make_id,
    model_version,
    read_record,
    record_path,
    reference_hashes,
    sealed,
)
from evidence.studies.intake import HORIZON_LIMIT, QUANTILES_FILE, SAMPLE_LIMIT, SEED_LIMIT, forecast_settings, within
from params.errors import InputError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from params import Assumptions

SAMPLES_FILE, SCORES_FILE, TRUTH_FILE = "samples.nc", "scores.csv", "truth.csv"
SAMPLES = 4000
NATIONAL = "intake"
Told = Callable[[int, int], None]


def forecast_file(
    runs: Path,
    file: Path,
    *,
    horizon: int,
    origin: str | None,
    seed: int,
    samples: int = SAMPLES,
    shock: str | None = None,
    keep_paths: bool = False,
    told: Told | None = None,
) -> Path:
    """Forecast every series of a file, or find the same forecast made earlier.

    What comes after the origin in the file has no part in the forecast, in its id or in its record.

    Args:
        runs: the folder of all runs.
        file: CSV file of series, quarter, value.
        horizon: quarters ahead.
        origin: last quarter used; the last of each series when None.
        seed: seed of the sample paths.
        samples: number of sample paths of each series.
        shock: a named shock applied to every path; the register's when None.
        keep_paths: also keep the sample paths. One series is kept in the form the simulation reads, in whole
            people by month; several are kept by quarter as they are.
        told: called with the number of series done and their total.

    Returns:
        The run folder, with `quantiles.csv`, `samples.nc` when asked for, and its record.

    Raises:
        InputError: names the row of the file or the option.
        RunError: when another process is making the same forecast.
    """
    within("horizon", horizon, 1, HORIZON_LIMIT, "quarters")
    within("samples", samples, *SAMPLE_LIMIT, "paths")
    within("seed", seed, 0, SEED_LIMIT, "")
    import forecasts
    from forecasts.history import sha256

    chosen = shocked(shock)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", forecasts.ForecastWarning)
        histories = forecasts.read_histories(file, origin)
    settings = {
        "horizon": horizon,
        "origins": {name: str(history.index[-1]) for name, history in histories.items()},
        "seed": seed,
        "samples": samples,
        "keep_paths": keep_paths,
    }
    inputs = {f"history of {name}": sha256(history) for name, history in histories.items()}
    forecast_id = _identity("forecast-file", settings, chosen, inputs)
    folder = runs / forecast_id
    if _sound(folder):
        return folder
    made = forecasts.forecast_series(histories, horizon, samples, seed, chosen, told=told)
    first = next(iter(histories))
    record = Record(
        id=forecast_id,
        kind="forecast",
        title=f"{first if len(histories) == 1 else f'{len(histories)} supplied series'}, {horizon} quarters ahead",
        settings=settings,
        assumptions={chosen.scenario: forecast_settings(chosen)},
        model_version=model_version(),
        inputs=inputs | reference_hashes(),
        warnings=(*_texts(heard), *made.warnings),
    )
    with sealed(runs, record, replace_existing=True) as partial:
        made.table.to_csv(partial / QUANTILES_FILE, index=False, lineterminator="\n")
        if keep_paths and len(histories) > 1:
            forecasts.write_samples(made, seed, partial / SAMPLES_FILE)
        elif keep_paths:
            with warnings.catch_warnings():
                # Told above already.
                warnings.simplefilter("ignore", forecasts.ForecastWarning)
                paths = forecasts.intake_paths(
                    histories[first], quarters=horizon, paths=samples, seed=seed, assumptions=chosen
                )
            forecasts.write_paths(paths, partial / SAMPLES_FILE)
    return folder


def backtest(
    runs: Path,
    file: Path | None = None,
    *,
    first: str | None = None,
    last: str | None = None,
    horizon: int = 12,
    seed: int = 1,
    samples: int = SAMPLES,
    told: Told | None = None,
) -> Path:
    """Forecast from every past origin and score it, or find the same backtest made earlier.

    The official intake is backtested by vintage: the older release on itself, the newer on itself, and what
    the older would have said scored on the newer, which adds the error of revision.

    Args:
        runs: the folder of all runs.
        file: CSV file of series, quarter, value; the official intake when None.
        first: first origin; 2010Q1 for the intake, else the first with enough history.
        last: last origin; 2024Q2 for the intake, else the last but one quarter.
        horizon: quarters ahead.
        seed: seed of the sample paths and of the bootstrap.
        samples: number of sample paths from each origin.
        told: called with the number of origins done and their total.

    Returns:
        The run folder, with `scores.csv` (by series, vintage, model, era and band), `quantiles.csv` (the
        pool's forecasts: origin, target_quarter, series, quantile, value), `truth.csv` (series, quarter,
        value) and its record.

    Raises:
        InputError: names the row of the file or the option.
        RunError: when another process is making the same backtest.
    """
    within("horizon", horizon, 1, HORIZON_LIMIT, "quarters")
    within("samples", samples, *SAMPLE_LIMIT, "paths")
    within("seed", seed, 0, SEED_LIMIT, "")
    import params
    from forecasts.history import VINTAGES, official, sha256

    chosen = params.load()
    heard: tuple[str, ...] = ()
    if file is None:
        histories = {vintage: official(vintage)[0] for vintage in VINTAGES}
    else:
        histories, heard = _histories(file)
    settings = {"first": first, "last": last, "horizon": horizon, "seed": seed, "samples": samples}
    inputs = {f"history of {name}": sha256(history) for name, history in histories.items()}
    backtest_id = _identity("backtest", settings, chosen, inputs)
    folder = runs / backtest_id
    if _sound(folder):
        return folder
    run = _Backtest(first, last, horizon, seed, samples, chosen, told)
    scores, quantiles, said = run.national(histories) if file is None else run.supplied(histories)
    truth = {NATIONAL: histories[VINTAGES[-1]]} if file is None else histories
    record = Record(
        id=backtest_id,
        kind="backtest",
        title=f"Backtest of {'UK asylum intake' if file is None else f'{len(histories)} supplied series'}",
        settings=settings,
        assumptions={chosen.scenario: forecast_settings(chosen)},
        model_version=model_version(),
        inputs=inputs | reference_hashes() | {"scores of": file_digest(Path(__file__))},
        warnings=(*heard, *said),
    )
    with sealed(runs, record, replace_existing=True) as partial:
        scores.to_csv(partial / SCORES_FILE, index=False, lineterminator="\n", float_format="%.6g")
        quantiles.to_csv(partial / QUANTILES_FILE, index=False, lineterminator="\n")
        _truth(truth).to_csv(partial / TRUTH_FILE, index=False, lineterminator="\n")
    return folder


class _Backtest:
    """One backtest while it is made."""

    def __init__(
        self,
        first: str | None,
        last: str | None,
        horizon: int,
        seed: int,
        samples: int,
        assumptions: Assumptions,
        told: Told | None,
    ) -> None:
        self.first, self.last, self.horizon = first, last, horizon
        self.seed, self.samples, self.assumptions, self.told = seed, samples, assumptions, told

    def national(self, histories: Mapping[str, pd.Series]) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
        """Scores, the pool's quantiles on the latest vintage, and warnings."""
        from forecasts import rolling_origins
        from forecasts.backtest import FIRST_ORIGIN, LAST_ORIGIN, scored
        from forecasts.history import quarter

        tables: list[pd.DataFrame] = []
        warned: list[str] = []
        forecasts_of = {}
        newest = list(histories.values())[-1].index[-2]
        if self.last is not None and not quarter(self.last, "--last") <= newest:
            raise InputError(
                f"--last: {self.last} is after {newest}, the last origin with an outturn. Nearest: {newest}."
            )
        for done, (vintage, history) in enumerate(histories.items()):
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                forecasts_of[vintage] = rolling_origins(
                    first=self.first or FIRST_ORIGIN,
                    last=self._last_of(history, LAST_ORIGIN),
                    horizon=self.horizon,
                    paths=self.samples,
                    seed=self.seed,
                    assumptions=self.assumptions,
                    vintage=vintage,
                    told=self._part(done, len(histories)),
                )
            warned += _texts(heard)
            tables.append(self._table(scored(forecasts_of[vintage], history), NATIONAL, vintage, vintage))
        older, latest = histories
        across = scored(forecasts_of[older], histories[latest])
        tables.append(self._table(across, NATIONAL, older, latest))
        return _joined(tables), _pool(forecasts_of[latest]), tuple(dict.fromkeys(warned))

    def supplied(self, histories: Mapping[str, pd.Series]) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
        """Scores by series and over all of them, the pool's quantiles, and warnings."""
        import pandas as pd

        from forecasts import rolling_origins
        from forecasts.backtest import LEAST_CHANGES, scored

        tables, frames, quantiles, warned = [], [], [], []
        for done, (name, history) in enumerate(histories.items()):
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                made = rolling_origins(
                    history,
                    first=self.first or str(history.index[LEAST_CHANGES]),
                    last=self.last,
                    horizon=self.horizon,
                    paths=self.samples,
                    seed=self.seed,
                    assumptions=self.assumptions,
                    told=self._part(done, len(histories)),
                )
            warned += [f"{name}: {text}" for text in _texts(heard)]
            frames.append(scored(made, history))
            quantiles.append(_pool(made))
            tables.append(self._table(frames[-1], name, "supplied", "supplied"))
        if len(frames) > 1:
            tables.insert(0, self._table(pd.concat(frames), "all series", "supplied", "supplied"))
        return _joined(tables), pd.concat(quantiles, ignore_index=True), tuple(dict.fromkeys(warned))

    def _table(self, frame: pd.DataFrame, series: str, seen: str, scored_on: str) -> pd.DataFrame:
        from forecasts import summary

        table = summary(frame, eras=True, seed=self.seed).reset_index()
        return table.assign(series=series, vintage=seen, outturn_vintage=scored_on)

    def _last_of(self, history: pd.Series, usual: str) -> str:
        """The last origin asked for, or the last that the vintage has where it ends earlier."""
        from forecasts.history import quarter

        return str(min(quarter(self.last or usual, "--last"), history.index[-2]))

    def _part(self, done: int, parts: int) -> Told | None:
        """Progress of one of several equal parts, as progress of the whole."""
        if self.told is None:
            return None
        told = self.told
        return lambda origins, total: told(done * total + origins, parts * total)


def shocked(shock: str | None) -> Assumptions:
    """The central register with a named shock applied, or as it is for None.

    Raises:
        InputError: names the nearest shock.
    """
    import params
    from forecasts.members import SHOCKS

    if shock is None:
        return params.load()
    if shock not in ("none", *SHOCKS):
        raise unknown("--shock", "a named shock", shock, ("none", *SHOCKS))
    return params.load(overrides={"forecast.shock.applied": shock})


def score_table(folder: Path) -> pd.DataFrame:
    """Scores of a backtest by series, vintage, outturn vintage, model, era and band.

    Raises:
        InputError: when the folder is not a backtest.
    """
    import pandas as pd

    path = folder / SCORES_FILE
    if not path.is_file():
        raise InputError(f"{folder}: has no {SCORES_FILE}, so it is not a backtest. Nearest: `dispersal backtest`.")
    return pd.read_csv(path, dtype={"band": str, "vintage": str, "outturn_vintage": str})


def _histories(file: Path) -> tuple[dict[str, pd.Series], tuple[str, ...]]:
    """The series of a file that are long enough to backtest, and what was left out."""
    import forecasts
    from forecasts.backtest import LEAST_CHANGES

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", forecasts.ForecastWarning)
        every = forecasts.read_histories(file)
    least = LEAST_CHANGES + 2
    histories = {name: history for name, history in every.items() if len(history) >= least}
    if not histories:
        raise InputError(f"{file}: no series has {least} quarters, the least for a backtest.")
    short = [
        f"{name} has {len(history)} quarters; a backtest needs at least {least}: it is left out."
        for name, history in every.items()
        if name not in histories
    ]
    return histories, (*_texts(heard), *short)


def _identity(name: str, settings: Mapping[str, Any], assumptions: Assumptions, inputs: Mapping[str, str]) -> str:
    content = {
        "settings": settings,
        "assumptions": forecast_settings(assumptions),
        "model": model_version(),
        "code": file_digest(Path(__file__)),
        "inputs": inputs,
        "reference": reference_hashes(),
    }
    return make_id(name, content)


def _sound(folder: Path) -> bool:
    return record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs)


def _texts(heard: list[warnings.WarningMessage]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(warning.message) for warning in heard))


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    table = pd.concat(tables, ignore_index=True)
    keys = ["series", "vintage", "outturn_vintage", "model", "era", "band"]
    return table[[*keys, *(name for name in table.columns if name not in keys)]]


def _pool(made: pd.DataFrame) -> pd.DataFrame:
    return made[made["model"] == "pool"].drop(columns="model")


def _truth(histories: Mapping[str, pd.Series]) -> pd.DataFrame:
    import pandas as pd

    parts = [
        pd.DataFrame({"series": name, "quarter": [str(q) for q in history.index], "value": history.to_numpy()})
        for name, history in histories.items()
    ]
    return pd.concat(parts, ignore_index=True)
