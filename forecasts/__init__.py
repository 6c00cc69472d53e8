"""Who will arrive: forecasts of the number of people claiming asylum, as sample paths that the simulation
reads.

Example:
    >>> import forecasts
    >>> paths = forecasts.intake_paths(quarters=2, paths=200, seed=1)
    >>> forecasts.quantile_table(paths).query("quantile == 0.5")["target_quarter"].tolist()
    ['2026Q1', '2026Q2']

A history is a series of one value a quarter (`history.py`). Each member of the pool turns it into sample
paths (`members.py`; `groups.py` for the one that adds up groups), the pool mixes them (`pool.py`), and
`paths.py` splits quarters into months and keeps the dataset. `series.py` forecasts any file of quarterly
series. `backtest.py` forecasts again from past origins and `scores.py` says how good the forecasts were.

Stocks follow from claims: `stocks.py` forecasts supported people nationally, `places.py` splits them by accommodation
and council so that every path adds up, and `stock_scores.py` scores both. `archive.py` keeps editions, scores them
again and explains their change; `signals.py` warns early.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecasts.backtest import rolling_origins, scorecard, scored, summary, write_quantiles
    from forecasts.members import ForecastWarning
    from forecasts.paths import group_quantile_table, intake_paths, quantile_table, read_paths, write_paths
    from forecasts.places import stock_paths, stock_table
    from forecasts.series import forecast_series, read_histories, write_samples

__all__ = [
    "ForecastWarning",
    "forecast_series",
    "group_quantile_table",
    "intake_paths",
    "quantile_table",
    "read_histories",
    "read_paths",
    "rolling_origins",
    "scorecard",
    "scored",
    "stock_paths",
    "stock_table",
    "summary",
    "write_paths",
    "write_quantiles",
    "write_samples",
]

_HOME = {
    "ForecastWarning": "members",
    "forecast_series": "series",
    "group_quantile_table": "paths",
    "intake_paths": "paths",
    "quantile_table": "paths",
    "read_histories": "series",
    "read_paths": "paths",
    "rolling_origins": "backtest",
    "scorecard": "backtest",
    "scored": "backtest",
    "stock_paths": "places",
    "stock_table": "places",
    "summary": "backtest",
    "write_paths": "paths",
    "write_quantiles": "backtest",
    "write_samples": "series",
}


def __getattr__(name: str) -> Any:
    # The command line imports this package to print help; numpy, pandas and xarray wait until a verb is used.
    if name not in _HOME:
        raise AttributeError(f"module 'forecasts' has no attribute {name!r}")
    return getattr(import_module(f"forecasts.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
