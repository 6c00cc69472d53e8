"""`dispersal calibrate`: fit the calibrated assumptions, keep every point, and adopt joint draws."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.progress import Progress, Silent
from evidence.records import (
    Record,
    damaged,
    file_digest,
    find,
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
    import numpy as np
    import pandas as pd

    from sim.calibration import Fit
    from sim.calibration import Record as Published

KIND = "calibration"
FILES = {
    "posterior": "posterior.csv",
    "waves": "waves.csv",
    "fit": "fit.csv",
    "identifiability": "identifiability.csv",
}
POINTS, DRAWS = 128, 64
LIMITS = (16, 4096)
_SEED_LIMIT = 20_000
_IDENTIFIED, _WEAK = 0.5, 0.8  # posterior over prior standard deviation
_RIDGE_STRONG = 0.5
_RIDGE = ("support.people_per_open_appeal", "support.tail_entry", "support.tail_stay")


def calibrate(
    runs: Path,
    *,
    points: int = POINTS,
    draws: int = DRAWS,
    seed: int = 1,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fit the calibrated assumptions, or find the same fit made earlier.

    Args:
        runs: the folder of all runs.
        points: points of the first wave; the second has half as many.
        draws: rows of the posterior, each simulated.
        seed: seed of the design, the walkers and the simulations.
        workers: threads; every core when None. The numbers do not depend on it.
        progress: told how far it is.

    Returns:
        The run folder.

    Raises:
        InputError: something asked for cannot be used; nothing is written.
    """
    for place, given, (low, high) in (
        ("--points", points, LIMITS),
        ("--draws", draws, LIMITS),
        ("--seed", seed, (0, _SEED_LIMIT)),
        ("--workers", 1 if workers is None else workers, (1, 256)),
    ):
        if not low <= given <= high:
            raise InputError(f"{place} is {given}; it must be from {low} to {high}.")
    import params
    from sim import calibration, validation

    prepare_runs(runs)
    settings = {"points": points, "draws": draws, "seed": seed}
    assumptions = {"central": params.load().canonical()}
    version = model_version(posterior=False)
    space = calibration.register_space()
    ranges = {name: [float(a), float(b)] for name, a, b in zip(space.names, space.low, space.high, strict=True)}
    inputs = reference_hashes() | {
        f"params/hindcast/{path.name}": file_digest(path) for path in (validation.TARGETS, calibration.ALLOWED)
    }
    identity = make_id("calibrate", [settings, assumptions, version, inputs, ranges])
    folder = runs / identity
    shown = progress or Silent()
    if record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs):
        shown.say(f"Calibration {identity} was made earlier; nothing to do.")
        return folder
    sizes = (points, points // 2, draws)
    sets = coherent_sets()
    total = sum(sizes) + len(sets)
    shown.say(f"Calibration {identity}: {len(space.names)} assumptions, {total} points of three runs each")
    published = calibration.Record()
    count = 0

    def done() -> None:
        nonlocal count
        count += 1
        shown.update(count, 0)

    shown.begin(0, total)
    try:
        observe = calibration.observer(published, space.names, workers or os.cpu_count() or 1, done)
        fit = calibration.calibrate(space, published.targets, observe, sizes, seed)
        import numpy as np

        chosen = np.array([[values[name] for name in space.names] for values in sets.values()])
        apart = dict(zip(sets, observe(chosen, [seed] * len(sets)), strict=True))
        central = dict(zip(space.names, calibration.centre(fit).tolist(), strict=True))
    finally:
        shown.end()
    known = identifiability(fit, central)
    record = Record(
        id=identity,
        kind=KIND,
        title="Joint values of the calibrated assumptions that the published record allows",
        settings=settings,
        assumptions=assumptions,
        model_version=version,
        inputs=inputs,
        warnings=tuple(said(fit, known, apart)),
        extra={"ranges": ranges, "waves": list(sizes), "sets": sets, "central": central},
    )
    with sealed(runs, record, replace_existing=folder.exists()) as partial:
        for name, table in (
            ("posterior", posterior_table(fit)),
            ("waves", waves_table(fit)),
            ("fit", fit_table(fit, apart, published)),
            ("identifiability", known),
        ):
            table.to_csv(partial / FILES[name], index=False, lineterminator="\n", float_format="%.8g")
    return folder


def coherent_sets() -> dict[str, dict[str, float]]:
    """Central values of what is fitted, with each of the published sets of support values that fit together.

    The first of the joint values is the central one; the sets stand behind it.
    """
    import params
    from params.posterior import calibrated

    entries = params.load().entries
    centre = {name: float(entries[name].values()[-1]) for name in calibrated(entries)}
    joint = {name: entry.joint for name in centre if (entry := entries[name]).joint}
    count = min((len(given.values) for given in joint.values()), default=0)
    return {
        f"set_{chr(ord('a') + k - 1)}": centre | {name: given.values[k] for name, given in joint.items()}
        for k in range(1, count)
    }


# ---------------------------------------------------------------------- tables


def posterior_table(fit: Fit) -> pd.DataFrame:
    """Equally likely rows, one column for each assumption."""
    import pandas as pd

    return pd.DataFrame(fit.posterior, columns=list(fit.space.names))


def waves_table(fit: Fit) -> pd.DataFrame:
    """Every point: wave, values, outputs, distance."""
    import pandas as pd

    values = pd.DataFrame(fit.values, columns=list(fit.space.names))
    outputs = pd.DataFrame(fit.outputs, columns=list(fit.targets.outputs))
    ends = pd.Series(fit.wave, name="wave"), pd.Series(fit.distance, name="distance")
    return pd.concat([ends[0], values, outputs, ends[1]], axis=1)


def fit_table(fit: Fit, apart: dict[str, np.ndarray], published: Published) -> pd.DataFrame:
    """Each target with its tolerance, what prior and posterior make of it, and the published sets beside them.

    `distance` stands last: minus twice the log likelihood, less a constant; lower is better.
    """
    import numpy as np
    import pandas as pd

    first, last = fit.wave == 1, fit.wave == fit.wave.max()

    def row(name: str, label: str, values: np.ndarray, sets: dict[str, float]) -> dict[str, Any]:
        found: dict[str, Any] = {"name": name, "label": label}
        for when, chosen in (("prior", first), ("posterior", last)):
            own = values[chosen][np.isfinite(values[chosen])]
            low, high = np.quantile(own, [0.1, 0.9]) if own.size else (np.nan, np.nan)
            found |= {f"{when}_mean": own.mean() if own.size else np.nan, f"{when}_low80": low, f"{when}_high80": high}
        return found | sets

    rows = []
    for target in fit.targets.single:
        column = fit.targets.outputs.index(target.name)
        own = row(target.name, target.label, fit.outputs[:, column], {k: v[column] for k, v in apart.items()})
        limits = {"target": target.target, "low": target.low, "high": target.high, "fitted": target.fitted}
        rows.append(own | limits | {"inside": target.low <= own["posterior_mean"] <= target.high})
    for place, day in zip(fit.targets.series, published.days, strict=True):
        target_value = float(published.targets.published[fit.targets.series.index(place)])
        wide = 1.645 * fit.targets.spread  # 90% of quarters
        each = {name: values[place] for name, values in apart.items()}
        own = row(f"supported_{day}", f"Supported, {day}", fit.outputs[:, place], each)
        limits = {"target": target_value, "low": target_value - wide, "high": target_value + wide, "fitted": True}
        rows.append(own | limits | {"inside": limits["low"] <= own["posterior_mean"] <= limits["high"]})
    sets = {name: float(fit.targets.distance(values[None])[0]) for name, values in apart.items()}
    rows.append(row("distance", "Distance", fit.distance, sets))
    columns = ["name", "label", "fitted", "target", "low", "high", "prior_mean", "prior_low80", "prior_high80",
               "posterior_mean", "posterior_low80", "posterior_high80", "inside", *apart]  # fmt: skip
    return pd.DataFrame(rows)[columns]


def identifiability(fit: Fit, centre: dict[str, float]) -> pd.DataFrame:
    """How much the data say of each assumption, and what it cannot be told apart from.

    Args:
        fit: every point.
        centre: the row that gives the central values when adopted.
    """
    import numpy as np
    import pandas as pd

    import params

    entries, rows = params.load().entries, []
    draws = fit.posterior
    related = np.corrcoef(draws, rowvar=False)
    for column, name in enumerate(fit.space.names):
        own = draws[:, column]
        prior = float(fit.space.high[column] - fit.space.low[column]) / np.sqrt(12)
        ratio = float(own.std(ddof=1) / prior)
        others = np.abs(related[column])
        others[column] = -1
        nearest = np.argsort(-others)[:2]
        low, high = np.quantile(own, [0.025, 0.975])
        central = centre[name]
        row: dict[str, Any] = {
            "assumption": name,
            "unit": entries[name].unit,
            "low": fit.space.low[column],
            "high": fit.space.high[column],
            "central": central,
            "posterior_mean": own.mean(),
            "posterior_low80": np.quantile(own, 0.1),
            "posterior_high80": np.quantile(own, 0.9),
            "sd_ratio": ratio,
            "identified": "yes" if ratio < _IDENTIFIED else "weakly" if ratio < _WEAK else "no",
            "central_inside_95": bool(low <= central <= high),
        }
        for place, other in zip(("first", "second"), nearest, strict=True):
            row |= {f"{place}_with": fit.space.names[other], f"{place}_correlation": related[column, other]}
        rows.append(row)
    return pd.DataFrame(rows)


def said(fit: Fit, known: pd.DataFrame, apart: dict[str, np.ndarray]) -> list[str]:
    """What a reader must know of the fit, a sentence each."""
    import numpy as np

    last = fit.distance[fit.wave == fit.wave.max()]
    sets = ", ".join(
        f"{name.replace('_', ' ').replace('set a', 'set A').replace('set b', 'set B')} "
        f"{float(fit.targets.distance(values[None])[0]):.0f}"
        for name, values in apart.items()
    )
    lines = [
        f"Distance of the posterior {last.mean():.0f} on average ({last.min():.0f} to {last.max():.0f}); {sets}; "
        "lower is better.",
    ]
    weak = known.loc[known["identified"] == "no", "assumption"]
    if len(weak):
        lines.append(f"The data do not identify {', '.join(weak)}.")
    if set(_RIDGE) <= set(fit.space.names):
        appeal, entry, stay = (fit.posterior[:, fit.space.names.index(name)] for name in _RIDGE)
        ridge = float(np.corrcoef(appeal, np.log(entry * stay))[0, 1])
        what = "lie on a ridge" if ridge < -_RIDGE_STRONG else "lie on a weak ridge" if ridge < 0 else "show no ridge"
        lines.append(
            f"Support on appeal and the tail after refusal {what} (correlation {ridge:+.2f}); sets A and B stand "
            "beside the posterior in fit.csv, and only whole rows fit."
        )
    outside = known.loc[~known["central_inside_95"], "assumption"]
    if len(outside):
        lines.append(f"The central value lies outside 95% of the posterior for {', '.join(outside)}.")
    return lines


def lines(folder: Path) -> list[str]:
    """What `dispersal calibrate` prints, from a kept calibration."""
    import pandas as pd

    fit = pd.read_csv(folder / FILES["fit"])
    known = pd.read_csv(folder / FILES["identifiability"])
    text = ["Mean over rows of the posterior, 80% interval; * outside the tolerance; prior and sets beside it.", ""]
    text.append(f"{'':<76}{'target':>10}{'prior':>10}{'posterior':>10}{'80% interval':>22}{'A':>9}{'B':>9}")
    sets = [name for name in ("set_a", "set_b") if name in fit]
    for row in fit[~fit["name"].str.startswith("supported_")].to_dict("records"):
        mark = "  " if row["name"] == "distance" or str(row["inside"]) == "True" else "* "
        interval = f"{_figure(row['posterior_low80'])} to {_figure(row['posterior_high80'])}"
        text.append(
            f"{mark}{row['label']!s:<74.74}{_figure(row['target']):>10}{_figure(row['prior_mean']):>10}"
            f"{_figure(row['posterior_mean']):>10}{interval:>22}" + "".join(f"{_figure(row[s]):>9}" for s in sets)
        )
    text += ["", f"{'assumption':<34}{'central':>9}{'mean':>9}{'80% interval':>20}{'sd ratio':>9}  identified"]
    for row in known.to_dict("records"):
        interval = f"{_figure(row['posterior_low80'])} to {_figure(row['posterior_high80'])}"
        text.append(
            f"{row['assumption']!s:<34}{_figure(row['central']):>9}{_figure(row['posterior_mean']):>9}{interval:>20}"
            f"{row['sd_ratio']:>9.2f}  {row['identified']!s:<8}{row['first_with']} {row['first_correlation']:+.2f}"
        )
    return [*text, "", *read_record(folder).warnings]


def _figure(value: Any) -> str:
    number = float(value)
    if number != number:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


# ---------------------------------------------------------------------- adoption


def adopt(runs: Path, identity: str, root: Path | None = None) -> Path:
    """Make a calibration's joint draws those that every study uses, and its best row the register's central values.

    Args:
        runs: the folder of all runs.
        identity: id of a calibration.
        root: folder that holds `assumptions/`; params/ of the project when None.

    Returns:
        The folder written, whole or not at all; central values after it, file by file.

    Raises:
        InputError: no such calibration, damaged, or its draws do not fit the register.
    """
    import csv

    from params import posterior
    from params.register import ROOT, read_register

    base = root or ROOT
    folder = find(runs, identity, KIND)
    record = read_record(folder)
    harmed = damaged(folder, record.outputs)
    if harmed:
        raise InputError(f"{folder / harmed[0]}: is damaged; `dispersal calibrate` makes it again.")
    source = folder / FILES["posterior"]
    content = source.read_bytes()
    entries = read_register(base)
    posterior.checked(list(csv.reader(content.decode("utf-8").splitlines())), entries, source)
    about = posterior.about(
        record.id,
        content,
        entries,
        {
            "settings": record.settings,
            "model_version": record.model_version,
            "created": record.created,
            "inputs": record.inputs,
            "outputs": record.outputs,
            "said": list(record.warnings),
            "central": record.extra["central"],
        },
    )
    target = base / posterior.FOLDER
    partial, old = (base / f".{posterior.FOLDER}.{end}" for end in ("partial", "old"))
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        partial.mkdir()
        (partial / posterior.TABLE).write_bytes(content)
        for name in {FILES["fit"], FILES["identifiability"]} & set(record.outputs):  # what the report shows of the fit
            shutil.copyfile(folder / name, partial / name)
        write_json(partial / posterior.RECORD, about)
        if target.exists():
            target.rename(old)
        partial.rename(target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}).") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    posterior.set_central(base, record.extra["central"])
    posterior.read_posterior.cache_clear()
    return target
