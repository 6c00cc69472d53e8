"""From simulations to predictive distributions: how far councils move beyond what the model holds, and quantiles.

Nothing here is fitted to what happened after a start: the size of the errors comes from the published history up to
the start, pooled with priors of `params/hindcast/errors.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

import params
from params.register import ROOT, read_toml
from sim.council import ESTABLISHED
from sim.hindcast import Hindcast
from sim.starts import KINDS

ERRORS = ROOT / "hindcast" / "errors.toml"
ACCOMMODATION = (*KINDS, "total")
_BANDS = (20, 50, 100, 250, 500)  # people; the bands of the published naive bars, with the ends split
_HOTEL_SIZE = 20  # people; fewer in a hotel come and go by the household
_MOST = 2.0  # largest log change that noise makes: beyond it one council would take the whole country
_TAILS = 6  # degrees of freedom of national errors
_HOTEL, _DISPERSAL = KINDS.index("contingency_hotel"), KINDS.index("dispersal")


def widened(hindcast: Hindcast, copies: int, seed: int) -> Iterator[np.ndarray]:
    """Samples of each quarter with the errors that the history up to the start shows and the simulation lacks.

    Council changes are heavier-tailed and less even than the model's. Where the spread of a council's simulated
    log changes is below the spread known at the start, for its size, accommodation type and horizon, the
    difference is added as heavy-tailed noise that shares a little of its variance within a contract area; hotels
    also close altogether with the probability known at the start. Half of the copies keep the councils' shares of the
    start instead of the simulated ones (where ten people or more are): which of the two forecasts better was not
    known at any start, and a pool of both is the safer forecast. National totals by accommodation type keep the
    simulated ones, moved by the error of the national law given flows, which hotels absorb. Without flows most
    samples keep the national total of the start, with the errors the last value has made: decision capacity is
    policy, and beyond a quarter nothing measured beats the last value.

    Args:
        hindcast: as from `simulate_ensemble`.
        copies: noisy copies of each sample.
        seed: of the noise.

    Yields:
        People (sample x copies, council, 6), one quarter at a time.
    """
    errors = read_toml(ERRORS)
    common = errors["common"]
    known = known_errors(hindcast.start)
    area = _areas()
    rng = np.random.default_rng([seed, hindcast.start.toordinal()])
    count = len(hindcast.people) * copies
    before = hindcast.before.astype(float)
    national = np.zeros(count)
    for ahead in range(1, len(hindcast.quarters) + 1):
        simulated = hindcast.people[:, ahead - 1].astype(float)
        people = np.repeat(simulated, copies, axis=0)
        totals = people.sum(axis=1)
        keep = rng.random(count) < common["shares_kept"]
        growth = np.divide(totals, before.sum(axis=0), out=np.ones_like(totals), where=before.sum(axis=0) > 0)
        people = np.where(keep[:, None, None] & (before >= ESTABLISHED), before * growth[:, None, :], people)
        for kind, name in enumerate(KINDS):
            wanted = spread(before[:, kind], ahead, errors[name], known.get(name))
            size = np.maximum(before[:, kind], 1.0)
            shown = np.log((simulated[:, :, kind] + 1) / (size + 1)).std(axis=0)
            extra = np.sqrt(np.maximum(wanted**2 - shown**2, 0.0))
            noise = _noise(rng, (count, extra.size), area, common)
            noise = np.clip(extra * noise, -_MOST, _MOST)
            moved = (people[:, :, kind] + 0.5) * np.exp(noise) - 0.5
            people[:, :, kind] = np.where(people[:, :, kind] > 0, moved, 0.0)  # nobody comes of nobody
        hotels = people[:, :, _HOTEL]
        hotels *= _open(rng, before[:, _HOTEL], totals[:, _HOTEL], simulated[:, :, _HOTEL], ahead, errors, known)
        np.maximum(people, 0.0, out=people)
        national = common["national_persistence"] * national + common["national_sd"] * rng.standard_normal(count)
        expected = common["national_sd"] ** 2 * (common["national_persistence"] ** (2 * np.arange(ahead))).sum()
        shown = np.log(simulated.sum(axis=(1, 2))).var()
        lacking = np.sqrt(max(expected - shown, 0.0) / expected)
        moved = lacking * national * totals.sum(axis=1)
        if not hindcast.conditional:
            moved = np.where(_persists(count, copies, ahead, errors), _stays(rng, hindcast, totals, ahead), moved)
        target = totals.copy()
        target[:, _HOTEL] = np.maximum(totals[:, _HOTEL] + moved, 0.0)
        # A fall that hotels cannot take falls on dispersal accommodation.
        target[:, _DISPERSAL] += np.minimum(totals[:, _HOTEL] + moved, 0.0)
        np.maximum(target, 0.0, out=target)
        now = people.sum(axis=1)
        people *= np.divide(target, now, out=np.ones_like(now), where=now > 0)[:, None, :]
        yield np.rint(people)


def _persists(count: int, copies: int, ahead: int, errors: Mapping[str, Any]) -> np.ndarray:
    """Which samples (count,) of an unconditional forecast keep the national total of the start."""
    rule = errors["unconditional"]
    simulated = rule["simulated_first"] if ahead == 1 else rule["simulated_later"]
    return np.asarray(np.arange(count) % copies >= round(simulated * copies))


def _stays(rng: np.random.Generator, hindcast: Hindcast, totals: np.ndarray, ahead: int) -> np.ndarray:
    """People (count,) to add to simulated totals so that the national total is the start's, with the errors of that.

    The errors are those of the last value on the published national series up to the start: the root mean square log
    change over as many quarters, heavy-tailed.
    """
    table = params.reference("support_national")
    series = np.log(table.loc[table["quarter_end"] <= np.datetime64(hindcast.start), "total"].to_numpy(float))
    spread = np.sqrt(np.mean((series[ahead:] - series[:-ahead]) ** 2))
    heavy = rng.standard_t(_TAILS, len(totals)) * np.sqrt((_TAILS - 2) / _TAILS)
    return np.asarray(hindcast.before.sum() * np.exp(np.clip(spread * heavy, -_MOST, _MOST)) - totals.sum(axis=1))


@dataclass(frozen=True)
class Seen:
    """What one accommodation type did up to a start.

    Attributes:
        changes: by horizon, (case, 2): people at the origin, and the log change less the national median.
        closed: by horizon, cases that closed altogether, and cases.
    """

    changes: dict[int, np.ndarray]
    closed: dict[int, tuple[int, int]]


def known_errors(start: date) -> dict[str, Seen]:
    """Changes of council stocks between published quarters up to a start, by accommodation type and horizon."""
    import pandas as pd

    table = params.reference("support_by_council")
    table = table[table["quarter_end"] <= np.datetime64(start)]
    found = {}
    for kind in KINDS:
        wide = table.pivot(index="quarter_end", columns="lad_code", values=kind).dropna(how="all")
        days = pd.DatetimeIndex(wide.index)
        quarter = days.year * 4 + days.quarter
        values = wide.to_numpy(float)
        changes: dict[int, list[np.ndarray]] = {}
        closed: dict[int, tuple[int, int]] = {}
        for first in range(len(values)):
            for last in range(first + 1, len(values)):
                ahead = int(quarter[last] - quarter[first])
                old, new = values[first], values[last]
                base = old > 0
                shut = base & (new == 0)
                was, cases = closed.get(ahead, (0, 0))
                big = old >= _HOTEL_SIZE
                closed[ahead] = (was + int((shut & big).sum()), cases + int((base & big).sum()))
                stays = base & ~shut if kind == "contingency_hotel" else base
                move = np.log((new[stays] + 0.5) / (old[stays] + 0.5))
                if move.size:
                    changes.setdefault(ahead, []).append(np.column_stack([old[stays], move - np.median(move)]))
        if changes:
            found[kind] = Seen({h: np.concatenate(parts) for h, parts in changes.items()}, closed)
    return found


def spread(people: np.ndarray, ahead: int, prior: Mapping[str, Any], seen: Seen | None) -> np.ndarray:
    """Standard deviation (council,) of the log change over some quarters that was to be expected at a start.

    The prior's law of size and time, moved by what was seen for councils of like size: each band of sizes and
    horizon pools its robust variance with the prior's, and a horizon not yet seen takes the nearest one that was,
    carried on by the prior's law of time.

    Source: `params/hindcast/errors.toml`; reference table `support_by_council`.
    """

    def law(size: np.ndarray, quarters: int) -> np.ndarray:
        return np.asarray(prior["sd"] * (np.maximum(size, 5) / 100) ** -prior["size"] * quarters ** prior["time"])

    expected = law(people, ahead)
    if seen is None:
        return expected
    near = min(seen.changes, key=lambda h: (abs(h - ahead), h))
    cases = seen.changes[near]
    band, council_band = np.digitize(cases[:, 0], _BANDS), np.digitize(people, _BANDS)
    for number in range(len(_BANDS) + 1):
        inside = band == number
        if not inside.any():
            continue
        relative = cases[inside, 1] / law(cases[inside, 0], near)
        low, high = np.quantile(relative, [0.1, 0.9])
        ratio = ((high - low) / 2.5631) ** 2
        pooled = (ratio * relative.size + prior["weight"]) / (relative.size + prior["weight"])
        expected[council_band == number] *= np.sqrt(pooled)
    return expected


def _noise(rng: np.random.Generator, shape: tuple[int, int], area: np.ndarray, common: Mapping[str, Any]) -> np.ndarray:
    """Heavy-tailed noise (sample, council) of unit variance with a share common to a contract area."""
    freedom, share = common["degrees_of_freedom"], common["area_correlation"]
    together = rng.standard_normal((shape[0], area.max() + 1))[:, area]
    normal = np.sqrt(share) * together + np.sqrt(1 - share) * rng.standard_normal(shape)
    scale = np.sqrt(rng.chisquare(freedom, shape) / freedom)
    return np.asarray(normal / scale * np.sqrt((freedom - 2) / freedom))


def _open(
    rng: np.random.Generator,
    before: np.ndarray,
    totals: np.ndarray,
    simulated: np.ndarray,
    ahead: int,
    errors: Mapping[str, Any],
    known: Mapping[str, Seen],
) -> np.ndarray:
    """1 where a council still has hotels and 0 where they closed beyond the closings simulated, (sample, council).

    A council's chance of closing is a base rate a quarter, pooled with the closings seen up to the start, and in a
    sample whose national hotel population falls, a share of that fall; small ones close sooner.
    """
    rule = errors["closing"]
    rate = rule["quarterly"]
    seen = known.get("contingency_hotel")
    if seen and 1 in seen.closed:
        shut, cases = seen.closed[1]
        rate = (shut + rate * rule["weight"]) / (cases + rule["weight"])
    fall = np.clip(1 - totals / max(before.sum(), 1.0), 0.0, 1.0)
    part = rng.uniform(rule["of_fall_low"], rule["of_fall_high"], fall.size)
    middle = np.median(before[before > 0]) if (before > 0).any() else 1.0
    weight = np.where(before > 0, (np.maximum(before, 10.0) / middle) ** rule["size"], 0)
    chance = 1 - np.exp(-(rate * ahead + (part * fall)[:, None]) * weight[None, :])
    already = (simulated == 0).mean(axis=0)
    beyond = np.clip((chance - already) / np.maximum(1 - already, 1e-9), 0.0, 1.0)
    beyond[:, before == 0] = 0.0
    return np.asarray(rng.random(beyond.shape) >= beyond, float)


def _areas() -> np.ndarray:
    table = params.reference("councils")["contract_area"]
    return np.asarray(table.map(sorted(table.unique()).index).to_numpy(np.int64))


@dataclass(frozen=True)
class Places:
    """The rows of a hindcast's results: every council, then regions, nations and the United Kingdom.

    Attributes:
        level: uk, nation, region or council.
        code: council code, the name of a region or nation, or UK.
        member: (place, council) 1 where a council belongs to a place.
    """

    level: tuple[str, ...]
    code: tuple[str, ...]
    member: np.ndarray


def places() -> Places:
    """Every place a hindcast speaks of, in the order of its rows."""
    table = params.reference("councils")
    names = [("council", code, table["lad_code"] == code) for code in table["lad_code"]]
    for level in ("region", "nation"):
        names += [(level, name, table[level] == name) for name in sorted(table[level].unique())]
    names.append(("uk", "UK", table["lad_code"].notna()))
    return Places(
        level=tuple(level for level, _, _ in names),
        code=tuple(str(code) for _, code, _ in names),
        member=np.array([inside for _, _, inside in names], np.float64),
    )


def quantiles(hindcast: Hindcast, levels: np.ndarray, copies: int = 16, seed: int = 1) -> np.ndarray:
    """Predictive quantiles of people by quarter, place and accommodation.

    Args:
        hindcast: as from `simulate_ensemble`.
        levels: quantile levels (level,), rising.
        copies: noisy copies of each sample.
        seed: of the noise.

    Returns:
        Array (quarter, place, accommodation, level), accommodation as `ACCOMMODATION`, then people without those on
        subsistence only, which some published council totals leave out. Never falling over levels.
    """
    where = places()
    councils = hindcast.before.shape[0]
    found = np.zeros((len(hindcast.quarters), len(where.code), len(ACCOMMODATION) + 1, levels.size))
    for number, people in enumerate(widened(hindcast, copies, seed)):
        for kind in range(len(ACCOMMODATION) + 1):
            chosen = (
                people.sum(axis=2)
                if kind == len(KINDS)
                else (people[:, :, :-1].sum(axis=2) if kind > len(KINDS) else people[:, :, kind])
            )
            values = np.concatenate([chosen, chosen @ where.member[councils:].T], axis=1)
            if kind <= len(KINDS):
                values[:, -1] += hindcast.outside.sum() if kind == len(KINDS) else hindcast.outside[kind]
            at = np.quantile(values, levels, axis=0)
            found[number, :, kind] = np.maximum.accumulate(at, axis=0).T
    return found
