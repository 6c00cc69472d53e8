"""Editions of the forecast, kept for good: scored again when outturn arrives, and explained against each other.

An edition is a folder that is written once and never changed: what was forecast (`quantiles.csv`), the figures it saw
(`data.csv`), and its origin, vintage, hashes and method (`edition.json`). Because the figures are kept, a later
program can forecast from them again, and the change between two editions splits exactly into three parts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasts import groups, quantiles, scores
from forecasts import history as door
from forecasts.files import put
from forecasts.members import Settings
from forecasts.pool import QUANTILE_PATHS, draw
from forecasts.stocks import FIRST_ORIGIN, METHOD, Known, StockSettings, national, official
from params import Assumptions, InputError, load, reference
from params.errors import nearest, unknown

SERIES = ("intake", "supported")
STEPS = ("method", "revision", "new_quarter")
ORDER = (
    "Order of substitution: first the method (the earlier edition's figures, forecast again by the later edition's "
    "method), then data revision (the same quarters as the later edition has them), then the new quarters. Another "
    "order would share the same total out differently."
)
# Claims by nationality are kept under the nationality's number, each a series of its own.
_NATIONALITY = "nationality "
FILES = ("edition.json", "quantiles.csv", "data.csv")
_SHOWN = {"low80": 0.1, "median": 0.5, "high80": 0.9}


@dataclass(frozen=True)
class Edition:
    """One kept forecast.

    Attributes:
        id: origin and eight hexadecimal digits of its content.
        origin: last quarter it saw.
        vintage: release of the figures, by series.
        data_sha256: hash of every figure it saw.
        quantiles_sha256: hash of its file of quantiles.
        method: what made it, by series, with a hash of the assumptions.
        horizon: quarters ahead.
        paths: sample paths.
        seed: of the sample paths.
        made: when, UTC.
        said: what was not done in the usual way.
    """

    id: str
    origin: str
    vintage: Mapping[str, str]
    data_sha256: str
    quantiles_sha256: str
    method: Mapping[str, str]
    horizon: int
    paths: int
    seed: int
    made: str
    said: tuple[str, ...] = field(default=())


def archive(
    folder: Path,
    origin: str | None = None,
    horizon: int = 8,
    paths: int = QUANTILE_PATHS,
    seed: int = 1,
    vintage: str | None = None,
    assumptions: Assumptions | None = None,
) -> Edition:
    """Forecast UK intake and supported people and keep the edition; the same edition is kept once.

    Args:
        folder: folder of all editions; made when missing.
        origin: last quarter the forecast may see; the last of the vintage when None.
        horizon: quarters ahead, 1 to 40.
        paths: number of sample paths.
        seed: of the sample paths.
        vintage: of the official intake, `2024-11` or `2026-02` (the latest, when None). The earlier one has intake
            alone, because decisions are not kept in it; so have origins before 2017Q4, too early for the level law.
        assumptions: the register with overrides; central when None.

    Raises:
        InputError: names the option and the nearest valid value; nothing is left half-written.
    """
    horizon = door.whole("horizon", horizon, 1, door.MOST_QUARTERS)
    paths = door.whole("paths", paths, 1, 10_000)
    seed = door.whole("seed", seed, 0, door.MOST_SEED)
    chosen = assumptions or load()
    data, releases = _figures(vintage, origin)
    tables, method, said = _forecast(data, horizon, paths, seed, chosen)
    quantile_text = _text(pd.concat(tables.values(), ignore_index=True))
    data_text = _text(_long(data))
    last = str(data["intake"].index[-1])
    content = {
        "origin": last,
        "vintage": releases,
        "data_sha256": _sha256(data_text),
        "quantiles_sha256": _sha256(quantile_text),
        "method": method,
        "horizon": horizon,
        "paths": paths,
        "seed": seed,
    }
    identity = f"{last}-{_sha256(json.dumps(content, sort_keys=True))[:8]}"
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    edition = Edition(id=identity, made=made, said=tuple(said), **content)  # type: ignore[arg-type]
    kept = folder / identity
    if kept.exists():
        return read_edition(folder, identity)
    partial = folder / f".{identity}.{os.getpid()}.part"
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{folder}: editions cannot be kept there ({error.strerror}).") from None
    try:
        put(partial / "quantiles.csv", quantile_text.encode())
        put(partial / "data.csv", data_text.encode())
        put(partial / "edition.json", (json.dumps(asdict(edition), indent=1, sort_keys=True) + "\n").encode())
        partial.rename(kept)
    except OSError as error:
        raise InputError(f"{kept}: cannot be written ({error.strerror}).") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return edition


def editions(folder: Path) -> list[Edition]:
    """Every edition in the folder, oldest origin first, then by when it was made."""
    if not folder.is_dir():
        return []
    found = [read_edition(folder, entry.parent.name) for entry in sorted(folder.glob("[!.]*/edition.json"))]
    return sorted(found, key=lambda edition: (edition.origin, edition.made, edition.id))


def read_edition(folder: Path, identity: str) -> Edition:
    """Read one edition and check that it is as it was written.

    Raises:
        InputError: no such edition, or a file of it is missing or was changed.
    """
    place = folder / identity
    if not (place / "edition.json").is_file():
        beside = [entry.parent.name for entry in sorted(folder.glob("[!.]*/edition.json"))]
        near = nearest(identity, beside) or (beside[-1] if beside else "dispersal forecast archive")
        raise InputError(f"{place}: no such edition. Nearest: {near}.")
    try:
        kept = json.loads((place / "edition.json").read_text(encoding="utf-8"))
        edition = Edition(**{f.name: kept[f.name] for f in fields(Edition)} | {"said": tuple(kept["said"])})
        hashes = {name: _sha256((place / name).read_text(encoding="utf-8")) for name in FILES[1:]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place}: the edition is damaged ({error}). An edition is never repaired.") from None
    for name, expected in (("quantiles.csv", edition.quantiles_sha256), ("data.csv", edition.data_sha256)):
        if hashes[name] != expected:
            raise InputError(f"{place / name}: was changed after the edition was kept. An edition is never repaired.")
    return edition


def read_quantiles(folder: Path, edition: Edition) -> pd.DataFrame:
    """What an edition forecast: origin, target_quarter, series, quantile, value."""
    return pd.read_csv(folder / edition.id / "quantiles.csv")


def read_data(folder: Path, edition: Edition) -> dict[str, pd.Series]:
    """The figures an edition saw, by name, each by quarter."""
    rows = pd.read_csv(folder / edition.id / "data.csv")
    found = {}
    for name, part in rows.groupby("series", sort=False):
        index = pd.PeriodIndex(part["quarter"], freq="Q", name="quarter")
        found[str(name)] = pd.Series(part["value"].to_numpy(float), index=index, name=str(name))
    return found


def outturn_of(path: Path | None = None) -> dict[str, pd.Series]:
    """What happened, by series: from the reference tables, or from a CSV of series, quarter, value.

    Supported people include the single later figure that is published without detail (June 2026).

    Raises:
        InputError: when the file is missing or names its row that cannot be used.
    """
    if path is None:
        known, _ = official()
        later = reference("published_totals")
        later = later[later["name"].str.fullmatch(r"supported_people_\d{4}_\d{2}")]
        index = pd.PeriodIndex(pd.to_datetime(later["date"]), freq="Q", name="quarter")
        extra = pd.Series(later["value"].to_numpy(float), index=index)
        supported = pd.concat([known.supported, extra[~index.isin(known.supported.index)]])
        return {"intake": door.official()[0], "supported": supported.rename("supported")}
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a CSV of series, quarter, value ({error}).") from None
    if list(rows.columns) != ["series", "quarter", "value"]:
        raise InputError(f"{path}: its columns are {', '.join(rows.columns)}. Nearest: series, quarter, value.")
    found: dict[str, dict[pd.Period, float]] = {}
    for number, (name, when, text) in enumerate(rows.itertuples(index=False, name=None), start=2):
        if name not in SERIES:
            raise unknown(f"{path}: row {number}", "a series of an edition", name, SERIES)
        quarter = door.quarter(when, f"{path}: row {number}")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"{path}: row {number}: {text!r} is not a number of people. Nearest: 0 or more.")
        if quarter in found.setdefault(name, {}):
            raise InputError(f"{path}: row {number}: {name} {quarter} is given twice.")
        found[name][quarter] = value
    return {name: pd.Series(values).sort_index() for name, values in found.items()}


def rescore(folder: Path, outturn: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Score every kept edition on the quarters that have happened since, and keep the scores beside it.

    Scores are one file for each outturn, never overwritten.

    Args:
        folder: folder of all editions.
        outturn: what happened, as from `outturn_of`.

    Returns:
        One row an edition and series: quarters scored, mae, wis (people), wis_log, skill_log against the log random
        walk on the figures that the edition saw, and how many quarters fell inside the 80 and 95% intervals. Editions
        with no outturn yet have 0 quarters.

    Raises:
        InputError: when there are no editions, or one is damaged.
    """
    kept = editions(folder)
    if not kept:
        raise InputError(f"{folder}: keeps no editions. Nearest: dispersal forecast archive.")
    rows = []
    for edition in kept:
        table, data = read_quantiles(folder, edition), read_data(folder, edition)
        scored = []
        for name in table["series"].unique():
            seen = outturn.get(str(name), pd.Series(dtype=float))
            mine = table[table["series"] == name]
            wide = mine.pivot(index="target_quarter", columns="quantile", values="value")
            targets = pd.PeriodIndex(wide.index, freq="Q")
            there = targets.isin(seen.index)
            row: dict[str, Any] = {"edition": edition.id, "series": name, "origin": edition.origin}
            rows.append(row | {"quarters": int(there.sum())})
            if there.any():
                rows[-1] |= _score(wide.to_numpy()[there], targets[there], seen, data[str(name)], edition.origin)
                scored.append(rows[-1])
        if scored:
            text = _text(pd.DataFrame(scored))
            place = folder / edition.id / f"scores-{_sha256(text)[:8]}.csv"
            if not place.exists():
                put(place, text.encode())
    return pd.DataFrame(rows)


def _score(
    values: np.ndarray, targets: pd.PeriodIndex, seen: pd.Series, data: pd.Series, origin: str
) -> dict[str, float | str]:
    observed = seen.reindex(targets).to_numpy(float)
    ahead = targets.asi8 - pd.Period(origin, "Q").ordinal
    walk = scores.log_random_walk(data, int(ahead.max()))[ahead - 1]
    levels = quantiles.LEVELS
    ours = scores.log_score(values, observed, levels)
    return {
        "latest": str(targets[-1]),
        "mae": float(np.abs(values[:, int(np.argmin(np.abs(levels - 0.5)))] - observed).mean()),
        "wis": float(scores.weighted_interval_score(values, observed, levels).mean()),
        "wis_log": float(ours.mean()),
        "skill_log": float(1 - ours.sum() / scores.log_score(walk, observed, levels).sum()),
        "inside_80": int(scores.inside(values, observed, 0.8).sum()),
        "inside_95": int(scores.inside(values, observed, 0.95).sum()),
    }


def diff(folder: Path, earlier: str, later: str, assumptions: Assumptions | None = None) -> pd.DataFrame:
    """Explain the change between two editions: method, data revision and new quarters, with nothing left over.

    Args:
        folder: folder of all editions.
        earlier: id of the earlier edition.
        later: id of the later one; made by the present program and assumptions.
        assumptions: the register with the overrides of the later edition; central when None.

    Returns:
        For every series and target quarter in both, and each of low80, median and high80: columns earlier, method,
        revision, new_quarter, later, remainder (people). The remainder is what the three parts leave unexplained: 0.

    Raises:
        InputError: when an edition is missing, the later one has the earlier origin, they have no target in common,
            or the present program does not make the later edition again.
    """
    first, second = read_edition(folder, earlier), read_edition(folder, later)
    if pd.Period(second.origin, "Q") < pd.Period(first.origin, "Q"):
        raise InputError(f"diff: {later} has an earlier origin than {earlier}. Nearest: give them the other way round.")
    chosen = assumptions or load()
    old, new = read_data(folder, first), read_data(folder, second)
    shared = [name for name in SERIES if _needs(name) <= old.keys() and _needs(name) <= new.keys()]

    def again(data: Mapping[str, pd.Series], horizon: int) -> dict[str, pd.DataFrame]:
        return _forecast(data, horizon, second.paths, second.seed, chosen)[0]

    cut = pd.Period(first.origin, "Q")
    revised = {name: series.loc[:cut] for name, series in new.items()}
    kept_old, kept_new = read_quantiles(folder, first), read_quantiles(folder, second)
    stages = [kept_old, *(pd.concat(again(data, first.horizon).values()) for data in (old, revised)), kept_new]
    remade = pd.concat(again(new, second.horizon).values())
    made, was = ((1000 * table["value"]).round().to_numpy() for table in (remade, kept_new))
    if not np.array_equal(made, was):
        raise InputError(
            f"diff: {later} was made by another method or other assumptions than this program has now, so its change "
            "cannot be explained. Nearest: dispersal forecast archive, then compare with the new edition."
        )
    keys = ["series", "target_quarter", "quantile"]
    lined = [stage.set_index(keys)["value"] for stage in stages]
    rows = []
    for name in shared:
        targets = [
            target
            for target in kept_new.loc[kept_new["series"] == name, "target_quarter"].unique()
            if (name, target, 0.5) in lined[0].index
        ]
        for target in targets:
            for label, level in _SHOWN.items():
                # In thousandths of a person, the digits that editions keep, so that sums are exact.
                at = [round(1000 * float(stage[(name, target, level)])) for stage in lined]
                parts = [after - before for before, after in zip(at[:-1], at[1:], strict=True)]
                numbers = {"earlier": at[0], **dict(zip(STEPS, parts, strict=True)), "later": at[-1]}
                numbers["remainder"] = at[-1] - at[0] - sum(parts)
                rows.append(
                    {"series": name, "target_quarter": target, "statistic": label}
                    | {key: value / 1000 for key, value in numbers.items()}
                )
    if not rows:
        raise InputError(f"diff: {earlier} and {later} forecast no quarter in common. Nearest: a later horizon.")
    return pd.DataFrame(rows)


def _needs(name: str) -> set[str]:
    return {"intake"} if name == "intake" else {"intake"} | {f.name for f in fields(Known)}


def _figures(vintage: str | None, origin: str | None) -> tuple[dict[str, pd.Series], dict[str, str]]:
    """The figures of a vintage up to an origin, by name, and the release of each forecast series."""
    claims, release = door.official(vintage)
    known = door.up_to(claims, origin)
    data = {"intake": known} | _nationalities(known)
    if vintage not in (None, door.VINTAGES[-1]) or known.index[-1] < pd.Period(FIRST_ORIGIN, "Q"):
        return data, {"intake": release}
    stocks, stock_release = official()
    until = stocks.up_to(known.index[-1])
    data |= {f.name: getattr(until, f.name) for f in fields(Known)}
    return data, {"intake": release, "supported": stock_release}


def _nationalities(known: pd.Series) -> dict[str, pd.Series]:
    people = groups.official().up_to(known.index[-1]).people
    return {f"{_NATIONALITY}{code}": people[code].rename(f"{_NATIONALITY}{code}") for code in people.columns}


def _claims(data: Mapping[str, pd.Series]) -> groups.Claims:
    """The kept claims by nationality, as the pool reads them; which decision group each is in is not data."""
    known = groups.official()
    kept = {code: data[f"{_NATIONALITY}{code}"] for code in known.people.columns}
    return groups.Claims(pd.DataFrame(kept)[list(known.people.columns)], known.decision_group)


def _forecast(
    data: Mapping[str, pd.Series], horizon: int, paths: int, seed: int, assumptions: Assumptions
) -> tuple[dict[str, pd.DataFrame], dict[str, str], list[str]]:
    """Quantiles by series from these figures and nothing else, the method of each, and what was said on the way."""
    used = {name: value for name, value in assumptions.canonical().items() if name.startswith("forecast")}
    made_with = f"assumptions {_sha256(json.dumps(used, default=str, sort_keys=True))[:8]}"
    last = data["intake"].index[-1]
    pool = Settings.read(last.end_time.date(), assumptions)
    drawn = draw(data["intake"], horizon, max(paths, QUANTILE_PATHS), seed, pool, _claims(data))
    weights = ", ".join(f"{name} {weight:.3g}" for name, weight in pool.weights.items() if weight > 0)
    claims = np.rint(drawn.pool)
    tables = {"intake": quantiles.table(quantiles.of_samples(claims), last, "intake")}
    method = {
        "intake": f"pool of {weights}, and bottom-up with {pool.bottom_up_weight:.3g} of the whole; {made_with}"
    }
    if _needs("supported") <= data.keys():
        known = Known(**{f.name: data[f.name] for f in fields(Known)})
        stocks = national(
            known, claims[:paths], data["intake"], StockSettings.read(last.end_time.date(), assumptions), seed
        )
        tables["supported"] = quantiles.table(quantiles.of_samples(np.rint(stocks.pool)), last, "supported")
        method["supported"] = f"{METHOD}; {made_with}"
    for table in tables.values():
        # Kept to a thousandth of a person, so that a file read back is the forecast, digit for digit.
        table["value"] = table["value"].round(3)
    return tables, method, list(drawn.warnings)


def _long(data: Mapping[str, pd.Series]) -> pd.DataFrame:
    parts: Iterable[pd.DataFrame] = (
        pd.DataFrame({"series": name, "quarter": series.index.astype(str), "value": series.to_numpy(float)})
        for name, series in data.items()
    )
    return pd.concat(parts, ignore_index=True)


def _text(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
