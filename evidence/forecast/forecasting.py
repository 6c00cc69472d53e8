"""The forecasting verbs of the command line: `forecast` with what hangs below it, and `backtest`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

Runs = Annotated[
    Path | None,
    Parameter(
        name="--runs",
        env_var="DISPERSAL_RUNS",
        help="Folder of all runs; runs/ of this repository when not given.",
    ),
]

forecast_app = App(
    name="forecast",
    help_epilogue="""Examples:
  dispersal forecast --horizon 12
  dispersal forecast --horizon 8 --origin 2024Q2 --out forecast.csv
  dispersal forecast --history series.csv --origin 2019Q4 --out forecast.csv
  dispersal forecast --shock doubling --paths doubling.nc""",
)


def mount(top: App) -> None:
    """Add `forecast` and `backtest` to the command line."""
    top.command(forecast_app)
    top.command(
        backtest,
        help_epilogue="""Examples:
  dispersal backtest
  dispersal backtest --history series.csv --first 2012Q1 --out quantiles.csv""",
    )


@forecast_app.default
def forecast(
    *,
    history: Path | None = None,
    origin: str | None = None,
    horizon: int = 12,
    seed: int = 1,
    samples: int | None = None,
    shock: str | None = None,
    out: Path | None = None,
    paths: Path | None = None,
    runs: Runs = None,
) -> None:
    """Forecast UK asylum intake, or any quarterly series: quantiles and sample paths, kept in runs/.

    Without --history: people claiming asylum in the UK, in total and by decision group.

    Args:
        history: A CSV file with the columns series, quarter and value; every series in it is forecast.
        origin: Last quarter used, such as 2024Q2; the latest when not given. Later rows are passed over.
        horizon: Quarters ahead.
        seed: Seed of the sample paths; the same seed gives the same files.
        samples: Number of sample paths; 1000 for the intake, 4000 for each series of a file.
        shock: A what-if over eight quarters: halving, doubling or tripling.
        out: Also write the quantile table to this CSV file.
        paths: Also write the sample paths to this NetCDF file.
    """
    from evidence import cli
    from evidence.forecast import backtests
    from evidence.studies import intake

    for target in (out, paths):
        cli._writable(target)
    root = cli._runs(runs)
    if history is None:
        folder = intake.forecast(
            root,
            horizon=horizon,
            origin=origin,
            seed=seed,
            samples=intake.SAMPLES if samples is None else samples,
            assumptions=None if shock is None else backtests.shocked(shock),
        )
        sample_file = intake.PATHS_FILE
    else:
        folder = backtests.forecast_file(
            root,
            history,
            horizon=horizon,
            origin=origin,
            seed=seed,
            samples=backtests.SAMPLES if samples is None else samples,
            shock=shock,
            keep_paths=paths is not None,
            told=Counter("series"),
        )
        sample_file = backtests.SAMPLES_FILE
    for target, name in ((out, intake.QUANTILES_FILE), (paths, sample_file)):
        if target is not None:
            cli._copy(folder / name, target)
    _warn(folder)
    print(cli._shown(folder))


def backtest(
    *,
    history: Path | None = None,
    first: str | None = None,
    last: str | None = None,
    horizon: int = 12,
    seed: int = 1,
    samples: int = 4000,
    out: Path | None = None,
    runs: Runs = None,
) -> None:
    """Forecast from every past quarter, score it against what happened, and keep both in runs/<backtest-id>/.

    Naive and seasonal naive are always in the table. The UK intake is scored by vintage as well.

    Args:
        history: A CSV file with the columns series, quarter and value; the UK intake when not given.
        first: First origin; 2010Q1 for the intake, else the first with nine quarters of history.
        last: Last origin; 2024Q2 for the intake, else the last quarter but one.
        horizon: Quarters ahead.
        seed: Seed of the sample paths and of the bootstrap.
        samples: Number of sample paths from each origin.
        out: Also write the pool's quantiles to this CSV file, as a scorer reads them.
    """
    from evidence import cli
    from evidence.forecast import backtests
    from evidence.studies import intake

    cli._writable(out)
    root = cli._runs(runs)
    folder = backtests.backtest(
        root,
        history,
        first=first,
        last=last,
        horizon=horizon,
        seed=seed,
        samples=samples,
        told=Counter("origins"),
    )
    if out is not None:
        cli._copy(folder / intake.QUANTILES_FILE, out)
    print("\n".join(_card(backtests.score_table(folder))))
    _warn(folder)
    print(cli._shown(folder))


class Counter:
    """Says how far a job is, on standard error, once it has taken two seconds: a line for each tenth."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._started = time.monotonic()
        self._shown = 0

    def __call__(self, done: int, total: int) -> None:
        """Show the line if it is due."""
        spent = time.monotonic() - self._started
        tenth = 10 * done // total
        if spent < 2 or tenth <= self._shown:
            return
        from evidence.progress import clock

        self._shown = tenth
        left = clock(spent / done * (total - done))
        print(
            f"  {100 * done // total:>3}%  {done:,} of {total:,} {self._what}   {left} left",
            file=sys.stderr,
            flush=True,
        )


def _warn(folder: Path) -> None:
    from evidence.records import read_record

    for text in read_record(folder).warnings:
        print(f"warning: {text}", file=sys.stderr, flush=True)


def _card(table: Any) -> Sequence[str]:
    """The score card as text: skill and coverage by model and band, first series, latest vintage, all eras."""
    first = table[(table["era"] == "all") & (table["series"] == table["series"].iloc[0])]
    vintage = first["vintage"].iloc[-1] if first["outturn_vintage"].nunique() == 1 else first["outturn_vintage"].max()
    mine = first[(first["vintage"] == vintage) & (first["outturn_vintage"] == vintage)]
    bands = list(dict.fromkeys(mine["band"]))
    lines = [
        f"{mine['series'].iloc[0]}: skill on the log scale against a log random walk, by quarters ahead; "
        "coverage of the 50, 80 and 95% intervals",
        "",
        f"  {'':<22}" + "".join(f"{band:>7}" for band in bands) + "   50%  80%  95%",
    ]
    overall = mine[mine["band"] == "all"].sort_values("skill_log", ascending=False)["model"]
    for model in ["pool", *(name for name in overall if name != "pool")]:
        by_band = mine[mine["model"] == model].set_index("band")
        skill = "".join(f"{by_band.loc[band, 'skill_log']:>7.3f}" for band in bands)
        cover = "  ".join(f"{by_band.loc['all', f'coverage_{level}']:.2f}"[1:].rjust(3) for level in (50, 80, 95))
        lines.append(f"  {model:<22}{skill}   {cover}")
    return [*lines, ""]
