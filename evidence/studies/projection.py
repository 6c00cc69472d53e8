"""Where people may be, as joint samples by council and quarter: from a finished study, else from the stock forecast.

Monitoring asks both the same questions (will a milestone be met, will hotel use start), so both come in one shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import params
from evidence.exhibits import MODELLED
from evidence.wording import day

CONTINGENCY = ("contingency_hotel", "contingency_other")
# Joint paths of the stock forecast: enough for a probability to be good to about two points in a hundred.
PATHS = 500
# Studies that answer one question with arms of their own; the projection of a pack is not taken from them.
_QUESTIONS = ("allocation.toml", "hotel_notice.toml", "feedbacks.toml")
SEED = 1


@dataclass(frozen=True)
class Projection:
    """Samples of the quarters ahead.

    Attributes:
        dispersal: people in dispersal accommodation (sample, quarter, council).
        contingency: people in contingency accommodation, hotels and other (sample, quarter, council).
        supported: everybody supported (sample, quarter, council).
        quarters: quarter ends.
        councils: code, name, region, contract_area and population, in the order of the last axis.
        start: published quarter end that the samples start from.
        group: samples of one group share their assumptions (group of each sample), for Monte Carlo error.
        source: what the exhibits made from it name as their source.
        study: id of the study, or what the forecast is when there is none.
        from_study: whether a finished study stands behind it.
    """

    dispersal: np.ndarray
    contingency: np.ndarray
    supported: np.ndarray
    quarters: list[date]
    councils: pd.DataFrame
    start: date
    group: np.ndarray
    source: str
    study: str
    from_study: bool

    def at(self, day: date) -> int | None:
        """Position of a quarter end, or None when it is beyond the samples."""
        return self.quarters.index(day) if day in self.quarters else None

    def regions(self, values: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Sum (sample, quarter, council) to regions: their names and (sample, quarter, region)."""
        return self.summed(values, "region")

    def summed(self, values: np.ndarray, column: str) -> tuple[list[str], np.ndarray]:
        """Sum (sample, quarter, council) over the councils that share a value of one column."""
        names, code = np.unique(self.councils[column].to_numpy(str), return_inverse=True)
        member = (code[:, None] == np.arange(len(names))).astype(np.int64)
        return [str(name) for name in names], np.asarray(values @ member)

    def chance(self, met: np.ndarray) -> tuple[float, float]:
        """Share of samples in which a condition holds, and its Monte Carlo standard error.

        Args:
            met: (sample,) true or false.
        """
        means = pd.Series(met.astype(float)).groupby(self.group).mean().to_numpy()
        error = float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")
        return float(met.mean()), error

    def modelled(self) -> dict[str, Any]:
        """Label, source and basis that every exhibit made from it carries."""
        runs = f"{len(self.group)} joint samples"
        return {
            "label": MODELLED,
            "source": self.source,
            "basis": {"interval": "Median and 80% interval", "runs": runs},
        }


def councils_of(codes: list[str]) -> pd.DataFrame:
    """Reference rows of councils in a given order: code, name, region, nation, contract_area, population."""
    table = params.reference("councils").set_index("lad_code").loc[codes]
    return table[["name", "region", "nation", "contract_area", "population"]].reset_index()


def from_forecast(quarters: int = 16, origin: str | None = None, paths: int = PATHS) -> Projection:
    """Samples of the stock forecast.

    Args:
        quarters: quarters ahead.
        origin: last quarter it may see; the latest with a published split when None.
        paths: sample paths.

    Raises:
        InputError: an origin without a published split.
    """
    from forecasts.places import ACCOMMODATION, UNALLOCATED, stock_paths

    ds = stock_paths(origin, quarters, paths, SEED)
    known = ds["council"].values != UNALLOCATED
    people = ds["people"].values[:, :, known]
    place = {name: k for k, name in enumerate(ACCOMMODATION)}
    start = pd.Period(ds.attrs["origin"], "Q").end_time.date()
    return Projection(
        dispersal=people[..., place["dispersal"]],
        contingency=people[..., [place[name] for name in CONTINGENCY]].sum(axis=-1),
        supported=people.sum(axis=-1),
        quarters=[pd.Period(str(q), "Q").end_time.date() for q in ds["quarter"].values],
        councils=councils_of([str(code) for code in ds["council"].values[known]]),
        start=start,
        group=np.arange(paths),
        source=f"stock forecast from {day(np.datetime64(start))} ({ds.attrs['vintage']})",
        study=f"stocks-{ds.attrs['origin']}-{ds.attrs['data_sha256'][:8]}",
        from_study=False,
    )


def from_study(study_id: str, runs: Path, arm: str = "") -> Projection:
    """Samples of one arm of a finished study.

    Args:
        study_id: id of the study.
        runs: folder of all runs.
        arm: name of the arm; the study's baseline when empty.

    Raises:
        InputError: no such study, an unfinished one, or no such arm.
    """
    from evidence.studies import engine as studies
    from params.errors import unknown

    study = studies.open_study(study_id, runs)
    chosen = arm or str(study.attrs["baseline"])
    names = [str(name) for name in study["arm"].values]
    if chosen not in names:
        raise unknown(study_id, "an arm of this study", chosen, names)
    stock = study["supported_at_quarter_end"].sel(arm=chosen)
    ends = pd.DatetimeIndex(stock["quarter_end"].values)
    start = ends[0].date()
    stock = stock.isel(quarter_end=slice(1, None)).transpose(
        "draw", "replication", "quarter_end", "council", "accommodation"
    )
    draws, replications = stock.shape[:2]
    people = stock.values.reshape(draws * replications, *stock.shape[2:])
    kinds = [str(name) for name in stock["accommodation"].values]
    label = str(study["arm_label"].sel(arm=chosen).item())
    return Projection(
        dispersal=people[..., kinds.index("dispersal")],
        contingency=people[..., [kinds.index(name) for name in CONTINGENCY]].sum(axis=-1),
        supported=people.sum(axis=-1),
        quarters=[end.date() for end in ends[1:]],
        councils=councils_of([str(code) for code in stock["council"].values]),
        start=start,
        group=np.repeat(np.arange(draws), replications),
        source=f"study {study_id}, “{label}”, from people supported on {day(np.datetime64(start))}",
        study=study_id,
        from_study=True,
    )


def published(column: str | None = None) -> pd.DataFrame:
    """Published people by quarter end (rows) and council (columns), where the split by accommodation is known.

    Args:
        column: a type of accommodation; contingency (hotels and other, as published together) when None.
    """
    table = params.reference("support_by_council")
    if column is None:
        table = table.assign(contingency=table[list(CONTINGENCY)].sum(axis=1, min_count=2))
        column = "contingency"
    wide = table[table[column].notna()].pivot(index="quarter_end", columns="lad_code", values=column).astype(int)
    return wide.rename_axis(columns=None)


def project(study_id: str | None, runs: Path, quarters: int = 16) -> Projection:
    """Samples of the study named; else of the newest finished study that matches; else of the stock forecast.

    A study matches when it starts from the latest published quarter end and today's model made it.

    Raises:
        InputError: a study that does not exist or is not finished.
    """
    chosen = study_id or newest_study(runs)
    return from_study(chosen, runs) if chosen else from_forecast(quarters)


def newest_study(runs: Path, file: str = "") -> str | None:
    """Id of the newest finished study made by today's model from the latest published quarter end, or None.

    Args:
        runs: folder of all runs.
        file: name of the study file it was made from; any that compares funding options when empty.
    """
    from evidence import records
    from evidence.answers.companions import STUDIES
    from evidence.studies.files import compares_arms

    aside = {*_QUESTIONS, *(f"{name}.toml" for name in STUDIES.values())}
    start = str(params.reference("support_by_council")["quarter_end"].max().date())
    found = [records.read_record(runs / name) for name in records.listed(runs, "study")]
    fit = [
        record
        for record in found
        if record.status == "complete"
        and (record.settings.get("file") == file if file else record.settings.get("file") not in aside)
        and record.settings.get("start") == start
        and compares_arms(record.settings)
        and record.model_version == records.model_version()
    ]
    return max(fit, key=lambda record: record.created).id if fit else None
