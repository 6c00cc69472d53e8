"""What notebook 08 shows: patterns, national stocks, theory, and past forecasts scored, from a kept validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evidence.drawing import trust_figures
from evidence.exhibits import MODELLED, Exhibit, Exhibits, Pack, open_pack
from evidence.records import read_record
from evidence.validation import feedbacks
from evidence.validation.rolling import NAIVE_BARS
from evidence.validation.trust import Absent, published, validation, within
from evidence.validation.validate import VALIDATION_FILES, verdict
from evidence.wording import number, sentence

COMMAND = "dispersal validate"
FAMILIES = {
    "calibration": ("Patterns used for calibration", "patterns that the calibration was fitted to hold in every part"),
    "validation": ("Patterns kept for validation", "patterns that nothing was fitted to hold in every part"),
    "national": ("National stocks", "national checks hold in every part, with realised flows given"),
    "cohort": ("A claim cohort", "cohort checks hold in every part; they stand apart from the national tolerances"),
    "theory": ("Theory", "checks that any such model must meet hold in every part"),
}
KINDS = {"conditional": "Flows given", "unconditional": "Nothing given"}
STOCKS = {"total": "All accommodated", "dispersal": "Dispersal", "contingency_hotel": "Hotels"}
HORIZONS = (1, 2, 4, 8)


def _modelled(folder: Path) -> dict[str, Any]:
    settings = read_record(folder).settings
    return {
        "label": MODELLED,
        "source": f"Home Office quarterly statistics and targets of params/hindcast/targets.toml; {folder.name}",
        "basis": {"runs": f"{settings['replications']} replications, {settings['samples']} samples a hindcast"},
    }


def _checks(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / VALIDATION_FILES["checks"], keep_default_na=False, na_values=["", "nan"])


def verdict_claim(pack: Pack, validation_run: str = "") -> Exhibit | Absent:
    """Whether the model passes, in one sentence."""
    folder = validation(pack, validation_run)
    if folder is None:
        return Absent("The model's validation", COMMAND)
    checks = _checks(folder)
    return pack.add(
        Exhibit(
            kind="claim",
            name="validation_verdict",
            title=verdict(checks)[1],
            subtitle="All checks.",
            data=checks.groupby(["family", "name"], sort=False)["holds"].all().reset_index(),
            units="checks",
            **_modelled(folder),
        )
    )


def checks_table(pack: Pack, family: str, validation_run: str = "") -> Exhibit | Absent:
    """One family of checks: what was measured, what it must be, and whether it holds.

    Args:
        family: calibration, validation, national, cohort or theory.
        validation_run: id of the validation; the newest of the model version when empty.
    """
    folder = validation(pack, validation_run)
    title, what = FAMILIES[family]
    if folder is None:
        return Absent(title, COMMAND, said=True)
    data = _checks(folder).query("family == @family").reset_index(drop=True)
    if data.empty:
        return Absent(title, COMMAND)
    holds, known = data.groupby("name", sort=False)["holds"].all(), "Expected" if family == "theory" else "Published"
    view = pd.DataFrame(
        {
            "Check": data["name"],
            "Part": data["part"],
            "Model": [_figure(v) for v in data["value"]],
            known: ["[z]" if np.isnan(v) else published(v) for v in data["target"]],
            "Must lie in": [within(a, b) for a, b in zip(data["low"], data["high"], strict=True)],
            "Holds": ["yes" if h else "no" for h in data["holds"]],
            "Note": data["note"].fillna(""),
        }
    )
    if data["note"].isna().all():
        view = view.drop(columns="Note")
    return pack.add(
        Exhibit(
            kind="table",
            name=f"validation_{family}",
            title=sentence(f"{int(holds.sum())} of {len(holds)} {what}"),
            subtitle=f"{title}: mean over replications against the tolerance.",
            data=data,
            view=view,
            row_headers=2,
            units="as each part says",
            **_modelled(folder),
        )
    )


def _figure(value: float) -> str:
    return "not modelled" if np.isnan(value) else number(value)


def _scores(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / VALIDATION_FILES["hindcasts"])


def _summed(rows: pd.DataFrame) -> dict[str, float]:
    """Scores of some hindcasts together: WIS over each bar's, coverage, bias and median error."""
    found = {}
    for bar in ("persistence", "population"):
        known = rows[rows[f"{bar}_wis"].notna()]
        found[f"wis_over_{bar}"] = known["model_wis"].sum() / known[f"{bar}_wis"].sum() if len(known) else np.nan
    people = rows["councils"].sum()
    return found | {
        "coverage_80": rows["model_inside_80"].sum() / people,
        "bias": rows["model_bias"].sum() / people,
        "median_error": float(np.average(rows["median_error"], weights=rows["councils"])),
        "persistence_median_error": float(np.average(rows["persistence_median_error"], weights=rows["councils"])),
    }


def hindcast_figure(pack: Pack, validation_run: str = "") -> Exhibit | Absent:
    """Past forecasts by council against persistence, by quarters ahead."""
    folder = validation(pack, validation_run)
    if folder is None:
        return Absent("Past forecasts by council", COMMAND, said=True)
    rows = [
        {"kind": kind, "accommodation": what, "ahead": ahead, **_summed(own)}
        for (kind, what, ahead), own in _scores(folder).groupby(["kind", "accommodation", "ahead"], sort=False)
    ]
    data = pd.DataFrame(rows)
    better = data["wis_over_persistence"] < 1
    return pack.add(
        Exhibit(
            kind="figure",
            name="hindcast_horizons",
            title=sentence(
                f"By council the model's past forecasts beat persistence in {int(better.sum())} of {len(data)} "
                "combinations of accommodation, horizon and what was given"
            ),
            subtitle="Weighted interval score over that of persistence (below 1 is better), every start since 2022.",
            data=data,
            units="ratio; shares; people a council",
            alternative="; ".join(
                f"{STOCKS[str(what)]}, {KINDS[str(kind)].lower()}: {own['wis_over_persistence'].iloc[0]:.2f} at one "
                f"quarter, {own['wis_over_persistence'].iloc[-1]:.2f} at the last"
                for (kind, what), own in data.groupby(["kind", "accommodation"], sort=False)
            ),
            notes=("Both bars know the errors they made over the whole history: harder than any real one.",),
            draw=lambda: trust_figures.horizons(data, KINDS, STOCKS),
            **_modelled(folder),
        )
    )


def hindcast_bands(pack: Pack, validation_run: str = "") -> Exhibit | Absent:
    """Past forecasts of people accommodated by size of council, one, two, four and eight quarters ahead."""
    folder = validation(pack, validation_run)
    if folder is None:
        return Absent("Past forecasts by size of council", COMMAND, said=True)
    scores = _scores(folder)
    chosen = scores[(scores["accommodation"] == "total") & scores["ahead"].isin(HORIZONS)]
    rows = [
        {"kind": kind, "ahead": ahead, "band": band, **_summed(own)}
        for (kind, ahead, band), own in chosen.groupby(["kind", "ahead", "band"], sort=False)
    ]
    data = pd.DataFrame(rows)
    view = pd.DataFrame(
        {
            "Given": [KINDS[k] for k in data["kind"]],
            "Quarters": [str(a) for a in data["ahead"]],
            "People at the start": data["band"],
            "WIS / persistence": [f"{v:.2f}" for v in data["wis_over_persistence"]],
            "WIS / population share": ["[z]" if np.isnan(v) else f"{v:.2f}" for v in data["wis_over_population"]],
            "80% covers": [f"{v:.0%}" for v in data["coverage_80"]],
            "Bias, people": [number(v) for v in data["bias"]],
            "Median error": [f"{v:.0%}" for v in data["median_error"]],
            "Of persistence": [f"{v:.0%}" for v in data["persistence_median_error"]],
            "Published bar": [
                f"{NAIVE_BARS[b]}%" if a == 4 and b in NAIVE_BARS else "[z]"
                for a, b in zip(data["ahead"], data["band"], strict=True)
            ],
        }
    )
    honest = data["coverage_80"].between(0.7, 0.9)
    return pack.add(
        Exhibit(
            kind="table",
            name="hindcast_bands",
            title=sentence(
                f"80% ranges by council covered 70% to 90% of what happened in {int(honest.sum())} of {len(data)} rows"
            ),
            subtitle="Past forecasts of people accommodated by council, by what was given, horizon and size.",
            data=data,
            view=view,
            row_headers=3,
            units="ratio; shares; people a council",
            **_modelled(folder),
        )
    )


def national_hindcasts(pack: Pack, validation_run: str = "") -> Exhibit | Absent:
    """National errors of past forecasts beside those of assuming no change."""
    folder = validation(pack, validation_run)
    if folder is None:
        return Absent("Past national forecasts", COMMAND)
    errors = pd.read_csv(folder / VALIDATION_FILES["national"])
    rows = [
        {
            "kind": kind,
            "accommodation": what,
            "ahead": ahead,
            "starts": len(own),
            "mean_absolute_error": own["error"].abs().mean(),
            "persistence_error": own["persistence_error"].abs().mean(),
            "bias": own["error"].mean(),
            "coverage_80": own["inside_80"].mean(),
        }
        for (kind, what, ahead), own in errors[errors["ahead"].isin(HORIZONS)].groupby(
            ["kind", "accommodation", "ahead"], sort=False
        )
    ]
    data = pd.DataFrame(rows)
    better = {k: (o["mean_absolute_error"] < o["persistence_error"]) for k, o in data.groupby("kind", sort=False)}
    view = pd.DataFrame(
        {
            "Given": [KINDS[k] for k in data["kind"]],
            "Stock": ["Supported" if a == "total" else STOCKS[a] for a in data["accommodation"]],
            "Quarters": [str(a) for a in data["ahead"]],
            "Starts": [str(n) for n in data["starts"]],
            "Mean absolute error": [number(v) for v in data["mean_absolute_error"]],
            "Of no change": [number(v) for v in data["persistence_error"]],
            "Bias": [number(v) for v in data["bias"]],
            "80% covers": [f"{v:.0%}" for v in data["coverage_80"]],
        }
    )
    said = " and ".join(f"{int(v.sum())} of {len(v)} with {KINDS[str(k)].lower()}" for k, v in better.items())
    return pack.add(
        Exhibit(
            kind="table",
            name="hindcast_national",
            title=sentence(f"Nationally, past forecasts were nearer than no change in {said}"),
            subtitle="Supported people and hotels, every start since December 2022, UK.",
            data=data,
            view=view,
            row_headers=3,
            units="people",
            **_modelled(folder),
        )
    )


def worth_of_feedbacks(pack: Pack, feedbacks_study: str = "") -> Exhibits | Absent:
    """What each feedback is worth, from a study of its own."""
    runs = pack.folder.parent
    chosen = feedbacks_study or feedbacks.newest(runs, pack.record["model_version"])
    if not chosen:
        return Absent("What each feedback is worth", "dispersal feedbacks")
    own = open_pack(chosen, str(runs), "" if pack.out is None else str(pack.out))
    return feedbacks.exhibits(own)
