"""What a protocol lets out, read from its source: published figures, a study's modelled ones, or local returns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import params
from evidence.exchange.protection import Figures, Key, margins
from evidence.records import listed
from params.errors import InputError, unknown
from params.protocols import MEASURES, Extract, Protocol, councils_of

# Councils with fewer people get ranges only: a central figure there would mislead.
LEAST_FOR_CENTRAL = 200
_SAMPLES = ("draw", "replication")


@dataclass
class Table:
    """One extract before control.

    Attributes:
        extract: what the protocol asks for.
        source: id of the data: the same id means the same numbers.
        label: official, modelled estimate or local return.
        note: attribution or how the figures were made.
        rows: by row key (date, arm, place), the key of the cell of each measure.
        official: exact published values, by cell.
        ranges: low and high end by cell, where there is one.
        small: places with ranges only.
    """

    extract: Extract
    source: str
    label: str
    note: str
    rows: dict[tuple[str, str, str], dict[str, Key]] = field(default_factory=dict)
    official: dict[Key, int] = field(default_factory=dict)
    ranges: dict[Key, tuple[int, int]] = field(default_factory=dict)
    small: frozenset[str] = frozenset()


def read_extract(name: str, protocol: Protocol, extract: Extract, runs: Path, figures: Figures) -> Table:
    """Read one extract and put what is to be controlled among the figures of the release."""
    make = {"official": _official, "study": _study, "return": _return}[extract.source]
    codes = councils_of(protocol)
    return make(f"{name}: extracts.{extract.name}", protocol, extract, codes, runs, figures)


def _official(
    at: str, protocol: Protocol, extract: Extract, codes: list[str], runs: Path, figures: Figures
) -> Table:
    _known(at, extract.measures, MEASURES)
    if extract.of != "latest":
        raise InputError(f"{at}: of: {extract.of} is not an official source. Nearest: latest.")
    stock = params.reference("support_by_council")
    split = stock[stock["dispersal"].notna()]
    days = sorted({str(day.date()) for day in split["quarter_end"]})
    wanted = _dates(at, extract, days) or [days[-1]]
    about = params.reference_record("support_by_council")
    vintage = ", ".join(v["id"] for v in about["vintages"]) or f"{about['sha256'][:8]} as shipped"
    table = Table(extract, f"support_by_council, {vintage}", "official statistics", about["attribution"])
    for day in wanted:
        here = split[split["quarter_end"] == day].set_index("lad_code").loc[codes]
        here = here.assign(contingency=here["contingency_hotel"] + here["contingency_other"])
        for code, row in zip(codes, here[extract.measures].to_dict("records"), strict=True):
            cells: dict[str, Key] = {m: (table.source, "", day, code, m) for m in extract.measures}
            table.rows[day, "", code] = cells
            table.official |= {cells[str(m)]: int(value) for m, value in row.items() if not np.isnan(value)}
    return table


def _study(at: str, protocol: Protocol, extract: Extract, codes: list[str], runs: Path, figures: Figures) -> Table:
    from evidence.studies.engine import open_study

    _known(at, extract.measures, MEASURES)
    studies = listed(runs, "study")
    if extract.of == "latest" and not studies:
        raise InputError(
            f"{at}: of: there is no study in {runs}. Nearest: dispersal study params/studies/spending_review.toml."
        )
    identity = max(studies, key=lambda one: os.stat(runs / one).st_mtime) if extract.of == "latest" else extract.of
    study = open_study(identity, runs)
    start = str(study["month_end"].values[0])[:10]
    days = [str(day)[:10] for day in study["quarter_end"].values if str(day)[:10] > start]
    arms = _known(at, extract.arms, [str(arm) for arm in study["arm"].values]) or [str(a) for a in study["arm"].values]
    table = Table(
        extract,
        identity,
        "modelled estimate",
        f"Median and 80% interval of {study.sizes['draw']} draws x {study.sizes['replication']} replications of study "
        f"{identity}, model version {study.attrs.get('model_version', 'not known')}; totals add the central figures.",
        small=_small(codes),
    )
    people = study["supported_at_quarter_end"].sel(council=codes)
    people = people.assign_coords(quarter_end=[str(day)[:10] for day in study["quarter_end"].values])
    for day in _dates(at, extract, days) or days[-1:]:
        for arm in arms:
            here = people.sel(arm=arm, quarter_end=day).load()
            for measure in extract.measures:
                kinds = ["contingency_hotel", "contingency_other"] if measure == "contingency" else [measure]
                spread = here.sel(accommodation=kinds).sum("accommodation").quantile([0.1, 0.5, 0.9], _SAMPLES)
                ends = spread.transpose("council", "quantile").values
                for code, (low, middle, high) in zip(codes, ends, strict=True):
                    key: Key = (identity, arm, day, code, measure)
                    table.rows.setdefault((day, arm, code), {})[measure] = key
                    figures.cells[key] = round(float(middle))
                    table.ranges[key] = (round(float(low)), round(float(high)))
    for mine in [key for key in figures.cells if key[0] == identity]:
        figures.twins[mine] = tuple((identity, arm, *mine[2:]) for arm in arms if arm != mine[1])
    return table


def _return(at: str, protocol: Protocol, extract: Extract, codes: list[str], runs: Path, figures: Figures) -> Table:
    from evidence.exchange.returns import latest_return

    if protocol.returns is None:
        raise InputError(f"{at}: source: the protocol has no [returns], so there is no local return to share.")
    counts = [column.name for column in protocol.returns.columns if column.kind == "count"]
    _known(at, extract.measures, counts)
    council = next(column.name for column in protocol.returns.columns if column.kind == "council")
    when = next((c.name for c in protocol.returns.columns if c.kind in ("quarter_end", "date")), None)
    file, frame = latest_return(protocol.title, runs)
    table = Table(extract, file.stem, "local return", f"Sent in by councils under {protocol.title}; not published.")
    frame = frame[frame[council].isin(codes)]
    days = sorted(set(frame[when])) if when else [""]
    wanted = _dates(at, extract, days) or days
    for row in frame.to_dict("records"):
        day = row[when] if when else ""
        if day not in wanted:
            continue
        for measure in extract.measures:
            if row[measure] != "":
                key = (table.source, "", day, row[council], measure)
                table.rows.setdefault((day, "", row[council]), {})[measure] = key
                figures.cells[key] = figures.cells.get(key, 0) + int(row[measure])
    if not table.rows:
        raise InputError(f"{at}: the return {file.name} has no rows of the protocol's places.")
    return table


def _small(codes: Sequence[str]) -> frozenset[str]:
    """Councils with too few people supported for a central figure."""
    stock = params.reference("support_by_council")
    latest = stock[stock["quarter_end"] == stock["quarter_end"].max()].set_index("lad_code")["total"]
    return frozenset(code for code in codes if latest[code] < LEAST_FOR_CENTRAL)


def _known(at: str, given: Sequence[str], valid: Sequence[str]) -> list[str]:
    for name in given:
        if name not in valid:
            raise unknown(at, "something this source has", name, valid)
    return list(given)


def _dates(at: str, extract: Extract, days: Sequence[str]) -> list[str]:
    return _known(at, [day.isoformat() for day in extract.dates], days)


def add_totals(figures: Figures, tables: Sequence[Table]) -> None:
    """Add the totals that a release shows: each region by measure, each council's row over measures.

    What an extract by region adds up is not shown itself.
    """
    councils = params.reference("councils")
    region = dict(zip(councils["lad_code"], councils["region"], strict=True))
    cells = list(figures.cells)
    figures.sums |= margins(cells, 3, region)
    sources = {cell[0] for cell in cells}
    measures = {source: {cell[4] for cell in cells if cell[0] == source} for source in sources}
    stocks = [key for key in cells if measures[key[0]] <= set(MEASURES)]  # counts of one kind, which may be added
    rows = margins(stocks, 4, {key[4]: "total" for key in stocks})
    figures.sums |= rows
    figures.spare |= set(rows)
    arms = {source: sorted({cell[1] for cell in cells if cell[0] == source}) for source in measures}
    for key in figures.sums:
        figures.twins[key] = tuple((key[0], arm, *key[2:]) for arm in arms[key[0]] if arm != key[1])
    coarse = {t.source for t in tables if t.extract.geography == "region"} - {
        t.source for t in tables if t.extract.geography == "council"
    }
    figures.inner |= {key for key in figures.keys if key[0] in coarse and key[3] in region}


