"""Commands of the stock forecast, the archive of editions and early warning.

Only cyclopts is imported at the top, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

if TYPE_CHECKING:
    import pandas as pd

Folder = Annotated[
    Path | None,
    Parameter(name="--archive", help="Folder of the editions; the folder archive among all runs when not given."),
]
Runs = Annotated[
    Path | None,
    Parameter(name="--runs", env_var="DISPERSAL_RUNS", help="Folder of all runs; runs/ when not given."),
]
LEAST_MIDDLE = 200
_MODELLED = "Modelled estimates, not official statistics."


def mount(forecast: App, top: App) -> None:
    """Add the commands: `stocks`, `archive`, `rescore` and `diff` below `forecast`, and `warn` beside it."""
    forecast.command(
        stocks,
        help_epilogue="""Examples:
  dispersal forecast stocks
  dispersal forecast stocks --horizon 8 --hotels close --out stocks.csv
  dispersal forecast stocks --scores""",
    )
    forecast.command(
        archive,
        help_epilogue="""Examples:
  dispersal forecast archive
  dispersal forecast archive --vintage 2024-11""",
    )
    forecast.command(
        rescore,
        help_epilogue="""Examples:
  dispersal forecast rescore
  dispersal forecast rescore --outturn outturn.csv --out scores.csv

outturn.csv has the columns series, quarter, value; the series are intake and supported.""",
    )
    forecast.command(
        diff,
        help_epilogue="""Examples:
  dispersal forecast diff
  dispersal forecast diff 2024Q3-1a2b3c4d 2025Q4-5e6f7a8b --out change.csv""",
    )
    top.command(
        warn,
        help_epilogue="""Examples:
  dispersal warn
  dispersal warn --out signals.csv""",
    )


def stocks(
    *,
    horizon: int = 8,
    origin: str | None = None,
    seed: int = 1,
    samples: int = 1000,
    hotels: str = "remainder",
    scores: bool = False,
    out: Path | None = None,
) -> None:
    """Forecast supported people: UK, nations, regions, councils and accommodation types, adding up in every path.

    Args:
        horizon: Quarters ahead.
        origin: Last quarter used; the latest with a published split when not given.
        seed: Seed of the sample paths; the same seed gives the same file.
        samples: Number of sample paths.
        hotels: Policy scenario: remainder, slow, fast or close.
        scores: Print scores against persistence from past origins as well (about ten seconds).
        out: Write the quantiles to this CSV file; councils are rounded to 5; [c] stands for under 5,
            [x] for a median under 200.
    """
    from evidence.wording import number, number_range
    from forecasts.places import stock_paths, stock_table

    writable(out)
    paths = stock_paths(origin, horizon, samples, seed, hotels)
    table = stock_table(paths, ("uk", "nation", "region", "council") if out else ("uk",))
    print(f"{_MODELLED} Median and 80% interval; UK; from {paths.attrs['origin']}; hotel scenario {hotels}.")
    for kind, label in (("all", "People supported"), ("dispersal", "Dispersal"), ("contingency_hotel", "Hotels")):
        print(label)
        mine = table[(table["level"] == "uk") & (table["accommodation"] == kind)]
        for target, rows in mine.groupby("target_quarter", sort=False):
            at = rows.set_index("quantile")["value"]
            print(f"  {target}{number(at[0.5]):>10}   {number_range(at[0.1], at[0.9])}")
    print(paths.attrs["caution"])
    if scores:
        _print_stock_scores()
    if out:
        write_text(out, exportable(table).to_csv(index=False, lineterminator="\n"))
        print(out)


def exportable(table: pd.DataFrame) -> pd.DataFrame:
    """Make a table of quantiles safe to leave: councils rounded to 5, values under 5 withheld, the rest whole people.

    A council's median under 200 people is not given: there the range is the forecast, and a middle would mislead.
    Quantiles of councils do not add up to quantiles of a region, so a withheld cell cannot be worked out from a sum.
    """
    import numpy as np

    from evidence.disclosure import BASE, CONFIDENTIAL, NOT_GIVEN, round_counts

    councils = (table["level"] == "council").to_numpy()
    values = table["value"].to_numpy(float)
    shown = np.where(councils, round_counts(table["value"]).to_numpy(), np.rint(values)).astype(int).astype(object)
    shown[councils & (table["quantile"] == 0.5).to_numpy() & (values < LEAST_MIDDLE)] = NOT_GIVEN
    shown[councils & (values < BASE)] = CONFIDENTIAL
    return table.assign(value=shown)


def archive(
    *,
    origin: str | None = None,
    horizon: int = 8,
    samples: int = 4000,
    seed: int = 1,
    vintage: str | None = None,
    archive_: Folder = None,
    runs: Runs = None,
) -> None:
    """Keep an edition of the forecast of intake and supported people; an edition is never changed.

    Args:
        origin: Last quarter used; the last of the vintage when not given.
        horizon: Quarters ahead.
        samples: Number of sample paths.
        seed: Seed of the sample paths.
        vintage: 2024-11 for claims as they stood then (without supported people); the latest when not given.
    """
    from forecasts import archive as kept

    folder = _archive(archive_, runs)
    edition = kept.archive(folder, origin, horizon, samples, seed, vintage)
    for said in edition.said:
        print(said)
    print(f"{edition.id}   origin {edition.origin}   {'; '.join(edition.vintage.values())}")
    print("next: dispersal forecast rescore, or dispersal forecast diff")


def rescore(
    *, outturn: Path | None = None, out: Path | None = None, archive_: Folder = None, runs: Runs = None
) -> None:
    """Score every kept edition on the quarters that have happened since, and keep the scores beside it.

    Args:
        outturn: CSV of series, quarter, value; the reference tables when not given.
        out: Also write the scores to this CSV file.
    """
    from evidence.wording import count, number
    from forecasts import archive as kept

    writable(out)
    scored = kept.rescore(_archive(archive_, runs), kept.outturn_of(outturn))
    for row in scored.to_dict("records"):
        line = f"{row['edition']}   {row['series']:<10}"
        if row["quarters"]:
            line += (
                f"{count(row['quarters'], 'quarter', 'quarters')} to {row['latest']}: mean error {number(row['mae'])} "
                f"people, WIS {number(row['wis'])}, skill {row['skill_log']:+.2f} on the log scale, "
                f"{row['inside_80']:.0f} of {row['quarters']} inside the 80% interval"
            )
        else:
            line += "no outturn yet"
        print(line)
    if out:
        write_text(out, scored.to_csv(index=False, lineterminator="\n"))
        print(out)


def diff(
    earlier: str | None = None,
    later: str | None = None,
    /,
    *,
    out: Path | None = None,
    archive_: Folder = None,
    runs: Runs = None,
) -> None:
    """Explain the change between two editions: method, data revision and new quarters, with nothing left over.

    Args:
        earlier: Id of the earlier edition; the last but one when not given.
        later: Id of the later edition; the last when not given.
        out: Also write every line of the split to this CSV file.
    """
    from evidence.wording import number
    from forecasts import archive as kept
    from params.errors import InputError

    writable(out)
    folder = _archive(archive_, runs)
    names = [edition.id for edition in kept.editions(folder)]
    if later is None:
        others = [name for name in names if name != earlier]
        if len(others) < (2 if earlier is None else 1):
            raise InputError(f"{folder}: keeps {len(names)} editions; a change needs two. Nearest: "
                             "dispersal forecast archive.")  # fmt: skip
        earlier, later = (others[-2] if earlier is None else earlier), others[-1]
    change = kept.diff(folder, str(earlier), later)
    print(f"From {earlier} to {later}, median forecast in people. {kept.ORDER}")
    for row in change[change["statistic"] == "median"].to_dict("records"):
        parts = ", ".join(f"{step.replace('_', ' ')} {_signed(row[step])}" for step in kept.STEPS)
        shown = f"{number(row['earlier'])} to {number(row['later'])}"
        print(f"  {row['series']:<10}{row['target_quarter']}  {shown}: {parts}")
    print(f"Left unexplained: {number(float(change['remainder'].abs().max()))} people.")
    if out:
        write_text(out, change.to_csv(index=False, lineterminator="\n"))
        print(out)


def warn(*, out: Path | None = None) -> None:
    """Say for intake, small boats, decisions and appeals whether they are changing by more than chance.

    Args:
        out: Also write the signals to this CSV file.
    """
    from forecasts.signals import warn as signals

    writable(out)
    found = signals()
    print("\n".join(warning_lines(found)))
    if out:
        write_text(out, found.to_csv(index=False, lineterminator="\n"))
        print(out)


def warning_lines(found: pd.DataFrame) -> list[str]:
    """One line a series: state, since when, false alarms on history and on simulated chance, and what it means."""
    from evidence.wording import count, number

    lines = []
    for row in found.to_dict("records"):
        judged = count(row["judged"], "past alarm", "past alarms")
        lines.append(
            f"{row['series']:<12}{row['state']} since {row['since']} (to {row['to']}, chart at "
            f"{100 * abs(row['level']):.0f}% of its limit); {row['false']} of {judged} false in "
            f"{number(row['watched_years'], 2)} years, one false alarm in {number(row['run_length'], 2)} years by "
            f"chance; {row['means']}."
        )
    return lines


def _print_stock_scores() -> None:
    from forecasts.stock_scores import HORIZONS, place_scorecard, rolling_places, rolling_stocks, stock_scorecard

    card = stock_scorecard(rolling_stocks())
    card = card[card.index.get_level_values("horizon").isin(HORIZONS)]
    print("UK supported people against persistence, rolling origins 2017Q4 to 2025Q3:")
    print(card.round({"mae": 0, "wis": 0}).round(2).to_string())
    print("Hotels and councils four quarters ahead, rolling origins from 2023Q2:")
    print(place_scorecard(rolling_places()).round(2).to_string(index=False))


def _signed(value: Any) -> str:
    from evidence.wording import number

    text = number(float(value))
    return text if value <= 0 else f"+{text}"


def _archive(given: Path | None, runs: Path | None) -> Path:
    from evidence.cli import _runs

    return _runs(runs) / "archive" if given is None else given


def writable(target: Path | None) -> None:
    """Refuse a target whose folder does not exist, before any work is done.

    Raises:
        InputError: says so.
    """
    from evidence.cli import _writable

    _writable(target)


def write_text(target: Path, text: str) -> None:
    """Write a text file in one step.

    Raises:
        InputError: when it cannot be written; nothing is left half-written.
    """
    from forecasts.files import put

    put(target, text.encode())
