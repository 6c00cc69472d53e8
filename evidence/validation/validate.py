"""The model held against what happened: patterns, national stocks, past quarters, theory, and a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.progress import Progress, Silent
from evidence.records import (
    Record,
    damaged,
    file_digest,
    listed,
    make_id,
    model_version,
    prepare_runs,
    read_record,
    reference_hashes,
    sealed,
)
from evidence.validation.rolling import blind_results, rolling, score_lines
from evidence.validation.truth import SAMPLE_LIMIT, SEED_LIMIT, prior_hashes, register, within

if TYPE_CHECKING:
    import pandas as pd

VALIDATION_FILES = {"checks": "checks.csv", "hindcasts": "hindcast_scores.csv", "national": "national_errors.csv"}
KIND = "validation"
LEAST_PATTERNS = 13


def validate(
    runs: Path, *, replications: int = 16, samples: int = 32, seed: int = 1, progress: Progress | None = None
) -> tuple[Path, bool]:
    """Hold the model against the published patterns, stocks, past quarters and theory, and keep every figure.

    Args:
        runs: the folder of all runs.
        replications: seeds of the free runs.
        samples: simulations of each rolling hindcast.
        seed: seed of the hindcasts.
        progress: told how far it is.

    Returns:
        The run folder, and whether at least 13 patterns and every national tolerance and theory check hold.
    """
    within("--replications", replications, 2, 100)
    within("--samples", samples, *SAMPLE_LIMIT)
    within("--seed", seed, 0, SEED_LIMIT)
    import pandas as pd

    import params
    from sim import validation

    prepare_runs(runs)
    shown = progress or Silent()
    assumptions = params.load()
    checks = []
    shown.say(f"Validation: {replications} free runs from {validation.FREE_START} and {validation.COHORT_START}")
    free = validation.panels(assumptions, validation.FREE_START, replications, _simulate)
    cohort = validation.panels(assumptions, validation.COHORT_START, replications, _simulate)
    checks += validation.pattern_results(
        [validation.panel_of(run) for run in free], [validation.panel_of(run) for run in cohort]
    )
    shown.say(f"  national stocks from {validation.LONG_START}, flows given; then theory")
    moved, path = validation.given(assumptions, validation.LONG_START)
    origin = validation.national_start(validation.LONG_START)
    long = _simulate([(moved, path, number, origin) for number in range(replications)])
    checks += validation.national_results(long, cohort)
    checks += validation.cohort_results(validation.followed(assumptions, replications))
    checks += validation.theory_results(assumptions, replications, _simulate)
    scores, errors = rolling(samples, seed, shown)
    checks += blind_results(errors)
    table = pd.DataFrame(
        [
            {
                **{name: getattr(check, name) for name in ("family", "name", "part", "value", "spread", "target")},
                "low": check.low,
                "high": check.high,
                "holds": check.holds,
                "note": check.note,
            }
            for check in checks
        ]
    )
    passed, sentence = verdict(table)
    settings = {"replications": replications, "samples": samples, "seed": seed}
    inputs = reference_hashes() | prior_hashes() | {_TARGETS: file_digest(validation.TARGETS)}
    made_by = [Path(__file__).with_name(name) for name in ("rolling.py", "validate.py")]
    inputs |= {f"evidence/{path.name}": file_digest(path) for path in made_by}
    record = Record(
        id=make_id("validation", settings | {"model": model_version()} | inputs | register()),
        kind=KIND,
        title="The model against published patterns, stocks, past quarters and theory",
        settings=settings,
        assumptions=register(),
        model_version=model_version(),
        inputs=inputs,
        warnings=(sentence,),
        extra={"passed": passed},
    )
    with sealed(runs, record, replace_existing=(runs / record.id).exists()) as partial:
        table.to_csv(partial / VALIDATION_FILES["checks"], index=False, lineterminator="\n")
        scores.to_csv(partial / VALIDATION_FILES["hindcasts"], index=False, lineterminator="\n")
        errors.to_csv(partial / VALIDATION_FILES["national"], index=False, lineterminator="\n")
    return runs / record.id, passed


_TARGETS = "params/hindcast/targets.toml"


def verdict(checks: pd.DataFrame) -> tuple[bool, str]:
    """Whether the model passes, and the sentence that says so."""
    patterns = checks[checks["family"].isin(["calibration", "validation"])].groupby("name", sort=False)["holds"].all()
    others = checks[checks["family"].isin(["national", "theory"])]
    failed = int((~others["holds"]).sum())
    passed = bool(patterns.sum() >= LEAST_PATTERNS and failed == 0)
    return passed, (
        f"{'Passed' if passed else 'Not passed'}: {int(patterns.sum())} of {len(patterns)} patterns hold "
        f"(at least {LEAST_PATTERNS} wanted); {failed} of {len(others)} national and theory checks fail."
    )


def newest(runs: Path, version: str) -> str:
    """Id of the newest sound validation of one version of the model, or empty."""
    found = [read_record(runs / name) for name in listed(runs, KIND)]
    fit = [r for r in found if r.model_version == version and not damaged(runs / r.id, r.outputs)]
    return max(fit, key=lambda record: record.created).id if fit else ""


def _simulate(jobs: Any) -> list[Any]:
    """Simulate (assumptions, intake, seed, start) jobs on every core, in order."""
    import os
    from concurrent.futures import ThreadPoolExecutor

    from sim import simulate

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: simulate(job[0], job[1], job[2], start=job[3]), jobs))


def validation_lines(folder: Path) -> list[str]:
    """What `dispersal validate` prints, from a kept validation."""
    import pandas as pd

    checks = pd.read_csv(folder / VALIDATION_FILES["checks"], keep_default_na=False, na_values=["", "nan"])
    lines = ["Measured on the model; flows given where the check allows. * marks a part that does not hold.", ""]
    titles = {
        "calibration": "Patterns used for calibration",
        "validation": "Patterns kept for validation",
        "national": "National stocks, conditional on flows",
        "cohort": "A claim cohort followed, apart from the national tolerances and not counted",
        "theory": "Theory, tolerances from Monte Carlo error",
    }
    for family, title in titles.items():
        lines.append(title)
        for name, parts in checks[checks["family"] == family].groupby("name", sort=False):
            lines.append(f"  {'holds' if parts['holds'].all() else 'FAILS'}  {name!s}")
            for part in parts.itertuples():
                note = f"   {part.note}" if isinstance(part.note, str) and part.note else ""
                lines.append(
                    f"         {'  ' if part.holds else '* '}{part.part:<50.50}{_figure(part.value):>10}   "
                    f"{_figure(part.low)} to {_figure(part.high)}{note}"
                )
        lines.append("")
    scores = pd.read_csv(folder / VALIDATION_FILES["hindcasts"])
    lines += score_lines(scores, pd.read_csv(folder / VALIDATION_FILES["national"]))
    return [*lines, "", verdict(checks)[1]]


def _figure(value: Any) -> str:
    number = float(value)
    if abs(number) == float("inf"):
        return "any"
    if number != number:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
