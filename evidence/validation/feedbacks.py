"""What each feedback is worth: paired runs with it switched off, in beds, hotel nights and pounds, ledgers apart.

Worth is with the feedback less without it, in the same draw and replication. Two uncertainties stay apart: the interval
is over draws of the assumptions (each draw's mean over replications), the Monte Carlo error is what more replications
would take away from the central figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from evidence import records, results
from evidence.drawing import trust_figures
from evidence.exhibits import Exhibit, Exhibits, Pack
from evidence.progress import Progress
from evidence.results import HOTEL, SAMPLE
from evidence.studies import engine as studies
from evidence.studies import files as study_files
from evidence.wording import listed, money, month, number, sentence
from params.register import ROOT

FILE = ROOT / "studies" / "feedbacks.toml"
TOGETHER, INTERACTION = "all_off", "interaction"
FEWEST_DRAWS = 5  # with fewer an 80% interval over draws is narrower than it says
MEASURES: Mapping[str, str] = {
    "beds": "Dispersal beds at the end",
    "hotel_nights": "Hotel person-nights",
    "home_office": "Home Office cost",
    "councils": "Councils' net cost",
    "other_bodies": "Other public bodies' cost",
}
MONEY = ("home_office", "councils", "other_bodies")
LEDGER_NOTE = "The three ledgers are separate and are never added."


def run(
    runs: Path, draws: int | None, replications: int | None, workers: int | None, progress: Progress
) -> str:
    """Run the study of feedbacks, or resume it; returns its id.

    Args:
        runs: the folder of all runs.
        draws: draws of the assumptions; the study file's when None.
        replications: seeds for each draw; the study file's when None.
        workers: threads; every core when None.
        progress: told how far it is.

    Raises:
        InputError: a number that cannot be used; nothing is written.
    """
    size = study_files.Size(draws, replications, "dispersal feedbacks")
    return studies.run_study(FILE, runs, workers, progress, size)


def newest(runs: Path, model_version: str) -> str:
    """Id of the newest complete study of feedbacks that one version of the model made, or empty."""
    found = [records.read_record(runs / name) for name in records.listed(runs, "study")]
    fit = [
        r
        for r in found
        if r.status == "complete" and r.settings.get("file") == FILE.name and r.model_version == model_version
    ]
    return max(fit, key=lambda record: record.created).id if fit else ""


def measured(pack: Pack) -> dict[str, xr.DataArray]:
    """Every measure (arm, draw, replication): beds at the end, the others over the complete financial years."""
    study, years = pack.study, results.complete_years(pack.study)
    nights = results.yearly(study["person_nights_in_month"].sel(accommodation=HOTEL, drop=True).astype(float))
    ledgers = results.ledgers(study)
    return {
        "beds": study["beds_at_month_end"].isel(month_end=-1, drop=True).astype(float),
        "hotel_nights": results.over_years(nights, years),
        "home_office": results.over_years(ledgers["Home Office"], years),
        "councils": results.over_years(ledgers["Councils"], years),
        "other_bodies": results.over_years(ledgers["Other public bodies"], years),
    }


def worth(pack: Pack) -> pd.DataFrame:
    """What each feedback is worth, one row a feedback and measure.

    Returns:
        Columns `feedback`, `label`, `measure`, `central` (mean), `low80` and `high80` (over draws), `monte_carlo_error`
        (one standard error of the central figure) and `without` (the central figure of the arm without it). The row
        `interaction` is what all together are worth beyond the sum of each alone.
    """
    rows = []
    for measure, values in measured(pack).items():
        worth_of = -results.minus_baseline(values, pack.baseline)  # with less without
        single = [arm for arm in worth_of["arm"].values if arm != TOGETHER]
        beyond = worth_of.sel(arm=TOGETHER, drop=True) - worth_of.sel(arm=single).sum("arm")
        parts = {str(arm): worth_of.sel(arm=arm, drop=True) for arm in [*single, TOGETHER]} | {INTERACTION: beyond}
        for name, samples in parts.items():
            without = values.sel(arm=name, drop=True).mean() if name != INTERACTION else np.nan
            rows.append(
                {
                    "feedback": name,
                    "label": pack.labels.get(name, "Together less the sum of each"),
                    "measure": measure,
                    **spread(samples),
                    "without": float(without),
                }
            )
    return pd.DataFrame(rows)


def spread(samples: xr.DataArray) -> dict[str, float]:
    """Mean, 80% interval over draws and Monte Carlo standard error of paired differences.

    Args:
        samples: dims draw and replication.
    """
    values = samples.transpose(*SAMPLE).values.astype(float)
    draws, replications = values.shape
    by_draw = values.mean(axis=1)
    low, high = np.quantile(by_draw, [0.1, 0.9])
    inside = values.var(axis=1, ddof=1).mean() if replications > 1 else np.nan
    return {
        "central": float(values.mean()),
        "low80": float(low),
        "high80": float(high),
        "monte_carlo_error": float(np.sqrt(inside / values.size)),
    }


def shown(measure: str, value: float) -> str:
    """A value as its measure is written."""
    return money(value) if measure in MONEY else number(value)


def cell(row: pd.Series, measure: str, draws: int) -> str:
    """The central figure, and below it the interval over draws and the Monte Carlo error."""
    error = row["monte_carlo_error"]
    if not any((row["central"], row["low80"], row["high80"])) and not error > 0:
        return shown(measure, 0.0)
    parts = []
    if draws >= FEWEST_DRAWS:
        parts.append(f"{shown(measure, row['low80'])} to {shown(measure, row['high80'])}")
    if np.isfinite(error):
        parts.append(f"± {shown(measure, error)}")
    return "\n".join([shown(measure, row["central"]), "; ".join(parts)]) if parts else shown(measure, row["central"])


def view(table: pd.DataFrame, draws: int) -> pd.DataFrame:
    """The table as read: one row a feedback, one column a measure."""
    rows = []
    for _, own in table.groupby("feedback", sort=False):
        cells = {MEASURES[str(row["measure"])]: cell(row, str(row["measure"]), draws) for _, row in own.iterrows()}
        rows.append({"Feedback": str(own["label"].iloc[0]), **cells})
    return pd.DataFrame(rows)


def exhibits(pack: Pack) -> Exhibits:
    """The figure and the table of what each feedback is worth."""
    table, years, draws = worth(pack), results.complete_years(pack.study), pack.study.sizes["draw"]
    span = f"{years[0]} to {years[-1]}" if len(years) > 1 else years[0]
    beds = table[(table["measure"] == "beds") & ~table["feedback"].isin([TOGETHER, INTERACTION])]
    most = beds.iloc[int(np.abs(beds["central"].to_numpy()).argmax())]
    unsure = int((np.abs(beds["central"]) <= 2 * beds["monte_carlo_error"]).sum())
    title = sentence(
        f"Of the five feedbacks, {str(most['label']).lower()} moves beds most: {_signed(most['central'])} dispersal "
        f"beds by {month(pack.end)} with it than without"
    )
    notes = [
        LEDGER_NOTE,
        "Worth is with the feedback less without it from April 2026, in the same draw and replication. Cells: mean; "
        f"80% interval over {draws} draws of the assumptions; ± one Monte Carlo standard error of the mean.",
        f"Beds are those of {month(pack.end)}; nights and pounds (cash) are summed over {span}.",
    ]
    moved = {m: title for m, title in MEASURES.items() if table.loc[table["measure"] == m, "central"].any()}
    still = [title for m, title in MEASURES.items() if m not in moved]
    if still:
        notes.append(f"{listed(still)}: follows the people supported, whom no feedback moves.")
    if unsure:
        notes.append(f"{unsure} of the 5 are, in beds, within two Monte Carlo errors of nothing.")
    if draws < FEWEST_DRAWS:
        notes.append("Too few draws for an interval over assumptions.")
    common = pack.modelled(prices="Cash", interval="Mean, 80% interval over draws, Monte Carlo error apart")
    spoken = "; ".join(f"{r['label']} {number(r['central'])}" for _, r in beds.iterrows())
    return Exhibits(
        [
            pack.add(
                Exhibit(
                    kind="figure",
                    name="feedbacks_figure",
                    title=title,
                    subtitle=f"With the feedback less without it, {span}, UK; measures are never added.",
                    data=table,
                    view=view(table, draws),
                    units="beds; person-nights; GBP cash",
                    alternative=f"{len(moved)} panels of dots with ranges, one a measure. Dispersal beds: {spoken}.",
                    notes=tuple(notes),
                    draw=lambda: trust_figures.worth(table, moved, MONEY),
                    **common,
                )
            ),
            pack.add(
                Exhibit(
                    kind="table",
                    name="feedbacks",
                    title=_verdict(table, month(pack.end)),
                    subtitle=f"With the feedback less without it, {span}, UK.",
                    data=table,
                    view=view(table, draws),
                    units="beds; person-nights; GBP cash",
                    notes=tuple(notes),
                    **common,
                )
            ),
        ]
    )


def _signed(value: float) -> str:
    return f"{number(abs(value))} {'more' if value >= 0 else 'fewer'}"


def _verdict(table: pd.DataFrame, when: str) -> str:
    found = {str(r["measure"]): r for r in table[table["feedback"] == TOGETHER].to_dict("records")}
    nights = found["hotel_nights"]["central"]
    return sentence(
        f"Together the five feedbacks are worth {_signed(found['beds']['central'])} dispersal beds by {when} and "
        f"{_signed(nights)} hotel person-nights"
    )


def lines(pack: Pack) -> list[str]:
    """What the command prints: a block for each measure."""
    table, draws = worth(pack), pack.study.sizes["draw"]
    found = [
        "What each feedback is worth: with it less without it, in paired runs. Modelled estimates; ledgers apart.",
        f"{draws} draws x {pack.study.sizes['replication']} replications; "
        + ("mean, 80% interval over draws, " if draws >= FEWEST_DRAWS else "mean (too few draws for an interval), ")
        + "± Monte Carlo standard error.",
    ]
    for measure, title in MEASURES.items():
        found += ["", title]
        for _, row in table[table["measure"] == measure].iterrows():
            text, _, rest = cell(row, measure, draws).partition("\n")
            found.append(f"  {row['label']:<34}{text:>12}   {rest}")
    return found
