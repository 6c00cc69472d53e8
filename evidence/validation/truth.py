"""Forecasts from past quarter ends: supported people by place and accommodation, as if the start were today."""

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
    within("--quarters", quarters, 1, HORIZON_LIMIT)
    within("--samples", samples, *SAMPLE_LIMIT)
    within("--seed", seed, 0, SEED_LIMIT)
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
    inputs = reference_hashes() | prior_hashes()
    identity = make_id(f"hindcast-{start}", settings | {"model": model_version()} | inputs | register())
    folder = runs / identity
    shown = progress or Silent()
    if record_path(folder).is_file() and not damaged(folder, read_record(folder).outputs):
        shown.say(f"Hindcast {identity} was made earlier; nothing to do.")
        return folder
    paths, parents = None, tuple[str, ...]()
    if not given:
        import forecasts
        from evidence.studies import intake

        made = intake.forecast(runs, horizon=quarters, origin=quarter_name(start), seed=seed)
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
        assumptions=register(),
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
        [[quarter_name(q) for q in ensemble.quarters], range(len(where.code)), ACCOMMODATION, LEVELS]
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


def register() -> dict[str, Any]:
    import params

    return {"central": params.load().canonical()}


def prior_hashes() -> dict[str, str]:
    from sim.hindcast import PRIORS
    from sim.predictive import ERRORS

    found = {f"params/hindcast/{path.name}": file_digest(path) for path in (PRIORS, ERRORS)}
    return found | {"evidence/validation/truth.py": file_digest(Path(__file__))}  # it lays out and scores the numbers


def quarter_name(day: str) -> str:
    """A quarter end as 2023Q1."""
    return f"{day[:4]}Q{(int(day[5:7]) + 2) // 3}"


def within(place: str, given: int, low: int, high: int) -> None:
    if not low <= given <= high:
        raise InputError(f"{place} is {given}; it must be from {low} to {high}.")
