"""How far the model can be trusted: forecasts from past quarter ends, and the model against what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.progress import Progress, Silent
from evidence.records import (
    Record,
    damaged,
    file_digest,
    make_id,
    model_version,
    prepare_runs,
    read_record,
    record_path,
    reference_hashes,
    sealed,
    write_json,
)
from params.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

HINDCAST_FILE = "quantiles.csv"
HORIZON_LIMIT = 12  # quarters: the longest that anything published can score
SAMPLE_LIMIT = (8, 2000)
SAMPLES = 96
SEED_LIMIT = 2**31 - 1
FLOWS = ("auto", "given", "forecast")


def hindcast(
    runs: Path,
    *,
    start: str,
    quarters: int,
    samples: int = SAMPLES,
    seed: int = 1,
    flows: str = "auto",
    in_sample: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Forecast supported people by place and accommodation from a quarter end, or find the same forecast made earlier.

    Args:
        runs: the folder of all runs.
        start: quarter end.
        quarters: quarters ahead.
        samples: simulations.
        seed: seed of draws, replications and intake paths.
        flows: `given` takes realised claims, outcomes and appeals after the start, `forecast` knows nothing after
            it, `auto` gives them where all are published.
        in_sample: keep measured assumptions for starts before they were measured.
        progress: told how far it is.

    Returns:
        The run folder, with `quantiles.csv` and its record.

    Raises:
        InputError: something asked for cannot be used; nothing is written.
    """
    _within("--quarters", quarters, 1, HORIZON_LIMIT)
    _within("--samples", samples, *SAMPLE_LIMIT)
    _within("--seed", seed, 0, SEED_LIMIT)
    from sim.hindcast import has_flows, simulate_ensemble
    from sim.starts import published_start

    position = published_start(start, hindsight=False)
    if flows not in FLOWS:
        raise InputError(f"--flows: {flows!r} is not one of {', '.join(FLOWS)}. Nearest: auto.")
    published = has_flows(position.day, quarters)
    if flows == "given" and not published:
        raise InputError(
            f"--flows given: claims, outcomes and appeals are not published for {quarters} quarters after {start}. "
            "Nearest: forecast."
        )
    given = published and flows != "forecast"
    prepare_runs(runs)
    settings: dict[str, Any] = {
        "start": start,
        "quarters": quarters,
        "samples": samples,
        "seed": seed,
        "flows": "given" if given else "forecast",
        "in_sample": in_sample,
    }
    inputs = reference_hashes() | _prior_hashes()
    identity = make_id(f"hindcast-{start}", settings | {"model": model_version()} | inputs | _register())
    folder = runs / identity
    shown = progress or Silent()
    if record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs):
        shown.say(f"Hindcast {identity} was made earlier; nothing to do.")
        return folder
    paths, parents = None, tuple[str, ...]()
    if not given:
        import forecasts
        from evidence import intake

        made = intake.forecast(runs, horizon=quarters, origin=_quarter_name(start), seed=seed)
        paths, parents = forecasts.read_paths(made / intake.PATHS_FILE)["people"], (made.name,)
    shown.say(f"Hindcast {identity}: {samples} simulations of {quarters} quarters")
    shown.begin(0, samples)
    try:
        ensemble = simulate_ensemble(
            start, quarters, samples, seed, paths, in_sample, done=lambda done: shown.update(done, 0)
        )
    finally:
        shown.end()
    shown.say("  quantiles by council, region, nation and the United Kingdom")
    table = quantile_rows(ensemble, seed)
    record = Record(
        id=identity,
        kind="hindcast",
        title=f"Supported people from {start}, {quarters} quarters ahead: modelled estimates",
        settings=settings,
        assumptions=_register(),
        model_version=model_version(),
        inputs=inputs,
        parents=parents,
        warnings=tuple(labels(ensemble)),
        extra={"in_sample": ensemble.in_sample, "replaced": list(ensemble.replaced), "stock_status": ensemble.status},
    )
    with sealed(runs, record, replace_existing=folder.exists()) as partial:
        table.to_csv(partial / HINDCAST_FILE, index=False, lineterminator="\n", float_format="%.10g")
    return folder


def quantile_rows(ensemble: Any, seed: int) -> pd.DataFrame:
    """A hindcast as rows: start, target_quarter, level, code, accommodation, quantile, value (people)."""
    import numpy as np
    import pandas as pd

    from forecasts.quantiles import LEVELS
    from sim.predictive import ACCOMMODATION, places, quantiles

    values = quantiles(ensemble, LEVELS, seed=seed)[:, :, : len(ACCOMMODATION)]
    where = places()
    index = pd.MultiIndex.from_product(
        [[_quarter_name(q) for q in ensemble.quarters], range(len(where.code)), ACCOMMODATION, LEVELS]
    )
    place = index.get_level_values(1).to_numpy()
    return pd.DataFrame(
        {
            "start": ensemble.start.isoformat(),
            "target_quarter": index.get_level_values(0),
            "level": np.array(where.level)[place],
            "code": np.array(where.code)[place],
            "accommodation": index.get_level_values(2),
            "quantile": index.get_level_values(3),
            "value": np.round(values.ravel(), 1),
        }
    )


def labels(ensemble: Any) -> list[str]:
    """What a reader must know of a hindcast, a sentence each."""
    said = []
    if ensemble.conditional:
        said.append("Conditional: realised claims, initial outcomes and appeals after the start were given.")
    else:
        said.append(
            "Unconditional: nothing after the start was given; decision capacity is policy, so beyond a quarter most "
            "of the weight is on the last national total and the errors it has made."
        )
    if ensemble.in_sample:
        said.append("In-sample: some measured assumptions rest on data after the start.")
    elif ensemble.replaced:
        said.append(
            f"Out of sample: {len(ensemble.replaced)} assumptions measured later were drawn from wide priors; "
            "the widths use data to the start only."
        )
    if ensemble.status != "published":
        said.append(f"The stock at the start is partly estimated ({ensemble.status}).")
    return said


def write_out(folder: Path, out: Path) -> Path:
    """Copy a hindcast's table, and beside it what it is, as `<name>.json`; returns the second file."""
    import shutil

    record = read_record(folder)
    partial = out.with_name(f".{out.name}.partial")
    try:
        shutil.copyfile(folder / HINDCAST_FILE, partial)
        partial.replace(out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{out}: cannot be written ({error.strerror}).") from None
    about = {"id": record.id, "title": record.title, "settings": record.settings, "labels": record.warnings}
    beside = out.with_name(f"{out.name}.json")
    write_json(beside, about | {"in_sample": record.extra["in_sample"], "replaced": record.extra["replaced"]})
    return beside


def _register() -> dict[str, Any]:
    import params

    return {"central": params.load().canonical()}


def _prior_hashes() -> dict[str, str]:
    from sim.hindcast import PRIORS
    from sim.predictive import ERRORS

    found = {f"params/hindcast/{path.name}": file_digest(path) for path in (PRIORS, ERRORS)}
    return found | {"evidence/truth.py": file_digest(Path(__file__))}  # it lays out and scores the numbers


def _quarter_name(day: str) -> str:
    return f"{day[:4]}Q{(int(day[5:7]) + 2) // 3}"


def _within(place: str, given: int, low: int, high: int) -> None:
    if not low <= given <= high:
        raise InputError(f"{place} is {given}; it must be from {low} to {high}.")


# ---------------------------------------------------------------------- validation

VALIDATION_FILES = {"checks": "checks.csv", "hindcasts": "hindcast_scores.csv", "national": "national_errors.csv"}
LEAST_PATTERNS = 13
# Median absolute error of persistence by council, four quarters ahead, in per cent. Source: the model's design notes.
NAIVE_BARS = {"500 or more": 11, "200 to 499": 20, "50 to 199": 40, "under 50": 100}
_BANDS = {
    "none": (0, 1),
    "under 50": (1, 50),
    "50 to 199": (50, 200),
    "200 to 499": (200, 500),
    "500 or more": (500, 1e9),
}
_ROLLING = 8  # quarters ahead, at most


def validate(
    runs: Path, *, replications: int = 8, samples: int = 32, seed: int = 1, progress: Progress | None = None
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
    _within("--replications", replications, 2, 100)
    _within("--samples", samples, *SAMPLE_LIMIT)
    _within("--seed", seed, 0, SEED_LIMIT)
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
    inputs = reference_hashes() | _prior_hashes() | {_TARGETS: file_digest(validation.TARGETS)}
    record = Record(
        id=make_id("validation", settings | {"model": model_version()} | inputs | _register()),
        kind="validation",
        title="The model against published patterns, stocks, past quarters and theory",
        settings=settings,
        assumptions=_register(),
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


def _simulate(jobs: Any) -> list[Any]:
    """Simulate (assumptions, intake, seed, start) jobs on every core, in order."""
    import os
    from concurrent.futures import ThreadPoolExecutor

    from sim import simulate

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: simulate(job[0], job[1], job[2], start=job[3]), jobs))


def rolling(samples: int, seed: int, progress: Progress) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast from every quarter end since December 2022 and score what happened.

    Two kinds, never mixed: conditional on realised flows, and knowing nothing after the start. By council the bars
    are persistence, and growth by population share of the realised national change, both with the errors they made
    over the whole published history, the test quarters among them: bars with hindsight, harder than any real one.

    Returns:
        Council scores by kind, horizon, size band and accommodation; and national errors by kind, start and horizon.
    """
    import pandas as pd

    from forecasts import intake_paths
    from sim import start_days
    from sim.hindcast import simulate_ensemble

    days = start_days()
    starts = days[:-1]
    bars = _Bars()
    council, nation = [], []
    total = 2 * len(starts)
    progress.say(f"  rolling hindcasts from {len(starts)} quarter ends, with flows given and without")
    progress.begin(0, total)
    try:
        for number, start in enumerate(starts):
            ahead = min(_ROLLING, len(days) - 1 - number)
            for place, conditional in enumerate((True, False)):
                paths = None
                if not conditional:
                    made = intake_paths(origin=_quarter_name(start), quarters=ahead, paths=samples, seed=seed)
                    paths = made["people"]
                ensemble = simulate_ensemble(start, ahead, samples, seed, paths)
                kind = "conditional" if conditional else "unconditional"
                rows, national_rows = bars.score(ensemble, seed)
                council += [{"kind": kind, **row} for row in rows]
                nation += [{"kind": kind, **row} for row in national_rows]
                progress.update(2 * number + place + 1, 0)
    finally:
        progress.end()
    return pd.DataFrame(council), pd.DataFrame(nation)


class _Bars:
    """Published stocks, and the naive forecasts that a hindcast is held against."""

    KINDS = ("total", "dispersal", "contingency_hotel")

    def __init__(self) -> None:
        import numpy as np

        import params
        from forecasts.quantiles import LEVELS
        from sim import start_days

        table = params.reference("support_by_council")
        councils = params.reference("councils")
        national = params.reference("support_national")
        self.levels = LEVELS
        self.days = start_days()
        self.share = (councils["population"] / councils["population"].sum()).to_numpy(float)
        self.total_uk = {str(d.date()): v for d, v in zip(national["quarter_end"], national["total"], strict=True)}
        self.hotel_uk = {
            str(d.date()): v for d, v in zip(national["quarter_end"], national["hotel_latest_vintage"], strict=True)
        }
        self.stocks: dict[str, dict[str, Any]] = {kind: {} for kind in self.KINDS}
        for day in self.days:
            rows = table[table["quarter_end"] == day].set_index("lad_code").loc[councils["lad_code"]]
            for kind in self.KINDS:
                values = rows[kind].to_numpy(float)
                if kind == "total" and rows["subsistence"].notna().all():
                    values = values - rows["subsistence"].to_numpy(float)  # some quarters leave it out: so do all
                if not np.isnan(values).any():
                    self.stocks[kind][day] = values
        self.errors = {
            (bar, kind): self._errors(bar, kind) for bar in ("persistence", "population") for kind in self.KINDS
        }

    def _point(self, bar: str, kind: str, before: Any, first: str, last: str) -> Any:
        import numpy as np

        if bar == "persistence":
            return before
        change = self.stocks[kind][last].sum() - self.stocks[kind][first].sum()
        return np.maximum(before + self.share * change, 0.0)

    def _errors(self, bar: str, kind: str) -> dict[tuple[int, str], Any]:
        """Log errors by quarters ahead and size band, pooled over every pair of published quarters."""
        import numpy as np

        stocks, found = self.stocks[kind], dict[tuple[int, str], list[Any]]()
        for number, first in enumerate(self.days):
            for ahead, last in enumerate(self.days[number + 1 :], start=1):
                if first in stocks and last in stocks:
                    old = stocks[first]
                    error = np.log((stocks[last] + 1) / (self._point(bar, kind, old, first, last) + 1))
                    for band, (low, high) in _BANDS.items():
                        found.setdefault((ahead, band), []).append(error[(old >= low) & (old < high)])
        return {key: np.quantile(np.concatenate(parts), self.levels) for key, parts in found.items()}

    def score(self, ensemble: Any, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Scores of one hindcast by council, and its national errors."""
        import numpy as np

        from forecasts.scores import inside, weighted_interval_score
        from sim.predictive import ACCOMMODATION, quantiles

        values = quantiles(ensemble, self.levels, seed=seed)
        start, rows, nation = ensemble.start.isoformat(), [], []
        median = int(np.argmin(np.abs(self.levels - 0.5)))
        uk = values.shape[1] - 1
        for number, day in enumerate(ensemble.quarters):
            ahead = number + 1
            for name, series in (("total", self.total_uk), ("contingency_hotel", self.hotel_uk)):
                at = values[number, uk, ACCOMMODATION.index(name)]
                outturn, before = np.array(series[day]), series[start]
                nation.append({
                    "start": start, "quarter": day, "ahead": ahead, "accommodation": name, "outturn": float(outturn),
                    "median": float(at[median]), "error": float(at[median] - outturn),
                    "persistence_error": float(before - outturn),
                    "wis": float(weighted_interval_score(at[None], outturn[None])[0]),
                    "inside_80": bool(inside(at[None], outturn[None], 0.8)[0]),
                })  # fmt: skip
            for kind in self.KINDS:
                if day not in self.stocks[kind]:
                    continue
                column = len(ACCOMMODATION) if kind == "total" else ACCOMMODATION.index(kind)
                held = ensemble.before[:, :-1].sum(axis=1) if kind == "total" else ensemble.before[:, column]
                outturn, councils = self.stocks[kind][day], self.stocks[kind][day].size
                forecast = values[number, :councils, column]
                for band, (low, high) in _BANDS.items():
                    chosen = (held >= low) & (held < high)
                    if not chosen.any():
                        continue
                    row: dict[str, Any] = {
                        "start": start, "ahead": ahead, "accommodation": kind, "band": band, "councils": chosen.sum(),
                    }  # fmt: skip
                    tried = {"model": forecast[chosen]}
                    for bar in ("persistence", "population"):
                        error = self.errors[bar, kind].get((ahead, band))
                        if error is None or (bar == "population" and start not in self.stocks[kind]):
                            continue
                        point = self._point(bar, kind, held.astype(float), start, day)[chosen]
                        tried[bar] = np.maximum((point + 1)[:, None] * np.exp(error) - 1, 0.0)
                    for who, made in tried.items():
                        row[f"{who}_wis"] = float(weighted_interval_score(made, outturn[chosen]).sum())
                        row[f"{who}_inside_80"] = int(inside(made, outturn[chosen], 0.8).sum())
                    miss = forecast[chosen][:, median] - outturn[chosen]
                    row["model_bias"] = float(miss.sum())
                    row["median_error"] = float(np.median(np.abs(miss) / np.maximum(outturn[chosen], 1)))
                    naive = np.abs(held[chosen] - outturn[chosen]) / np.maximum(outturn[chosen], 1)
                    row["persistence_median_error"] = float(np.median(naive))
                    rows.append(row)
        return rows, nation


def blind_results(errors: pd.DataFrame) -> list[Any]:
    """The blind test: national hindcasts with flows given, four quarters ahead, against the published bar."""
    import numpy as np

    from sim.validation import Result, targets

    four = errors[(errors["kind"] == "conditional") & (errors["ahead"] == 4) & (errors["accommodation"] == "total")]
    bar = float(four["persistence_error"].abs().mean())
    most = float(targets()["national"]["blind_mae_four"])
    value = float(four["error"].abs().mean())
    name = "Blind test, supported, four quarters"
    note = f"{len(four)} starts; persistence {bar:,.0f} on the same starts"
    return [Result("national", name, "mean absolute error", value, np.nan, np.nan, 0.0, most, note)]


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
    lines += _score_lines(scores, pd.read_csv(folder / VALIDATION_FILES["national"]))
    return [*lines, "", verdict(checks)[1]]


def _score_lines(scores: pd.DataFrame, errors: pd.DataFrame) -> list[str]:
    """Rolling hindcasts as text: national errors, then council scores by horizon and by size band."""
    lines = ["Rolling hindcasts, national: mean absolute error (persistence), coverage of the 80% interval"]
    for (kind, what), group in errors.groupby(["kind", "accommodation"], sort=False):
        cells = [
            f"{ahead!s}q {rows['error'].abs().mean():,.0f} ({rows['persistence_error'].abs().mean():,.0f}) "
            f"{rows['inside_80'].mean():.0%}"
            for ahead, rows in group.groupby("ahead")
            if ahead in (1, 2, 4, 8)
        ]
        lines.append(f"  {kind!s:<14}{what!s:<18}{'   '.join(cells)}")
    lines += [
        "",
        "Rolling hindcasts by council: WIS over that of persistence, and of growth by population share (below 1 is",
        "better; both bars have hindsight errors), coverage of the 80% interval, bias in people",
    ]
    for (kind, what), group in scores.groupby(["kind", "accommodation"], sort=False):
        lines.append(f"  {kind!s}, {what!s}: {_ratio_cells(group)}")
        for ahead, rows in group.groupby("ahead"):
            lines.append(f"    {f'{ahead} quarters ahead':<20}{_ratio_cells(rows)}")
        for name, rows in group.groupby("band", sort=False):
            band = str(name)
            four = rows[rows["ahead"] == 4]
            bar = f"   naive bar {NAIVE_BARS[band]}%" if band in NAIVE_BARS and len(four) and what == "total" else ""
            median = f"; 4q {_ratio_cells(four)}, median error {four['median_error'].mean():.0%}" if len(four) else ""
            lines.append(f"    {band:<20}{_ratio_cells(rows)}{median}{bar}")
    return lines


def _ratio_cells(rows: pd.DataFrame) -> str:
    cells = []
    for bar in ("persistence", "population"):
        known = rows[rows[f"{bar}_wis"].notna()]
        cells.append(f"{known['model_wis'].sum() / known[f'{bar}_wis'].sum():.2f}" if len(known) else "  - ")
    people = rows["councils"].sum()
    return (
        f"{cells[0]} {cells[1]}  cover {rows['model_inside_80'].sum() / people:.0%}  "
        f"bias {rows['model_bias'].sum() / people:+.0f}"
    )


def _figure(value: Any) -> str:
    number = float(value)
    if abs(number) == float("inf"):
        return "any"
    if number != number:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
