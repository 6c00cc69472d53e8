"""Exhibits: every figure, table and claim that leaves, each with its definition, its data and an evidence id.

An exhibit's id is the hash of what it says: its data and its definition, units, basis and sources among them. The same
content has the same id on any machine and from any study; a changed value changes that exhibit's id and no other. Which
study it came from stands in the index beside it.
"""

from __future__ import annotations

import base64
import csv
import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from evidence.disclosure import escape_formula
from evidence.drawing import style
from evidence.records import file_digest, write_json
from evidence.verify import DEFINED, INDEX, content_hash
from evidence.wording import SHORTHAND, day, number, plain, sentence
from params import InputError

MODELLED = "modelled estimate"
OFFICIAL = "official statistics, quoted exactly"
RECORDED = "record of this study"
MIXED = "published figures and modelled estimates, each marked"
DERIVED = "derived from published figures, not simulated"
QUOTED = "published figures, quoted exactly"
VIEWS = "views.json"
SHORTEST_ID = 6
_UNCITED = "No evidence id: only what stands in a report can be cited"
# Long tables open on request, so that the report stays readable from the top.
OPEN_ROWS = 16
_NUMERIC = re.compile(r"\[[cxz]\]|[−£]*\d")
_LONG = 60


@dataclass(frozen=True, repr=False)
class Exhibit:
    """One thing that may be cited.

    Attributes:
        kind: figure, table or claim.
        name: stable name, the same in every study.
        title: the finding in one sentence, with numbers from the data.
        subtitle: the measure, geography and period.
        data: the numbers, one tidy row each; this is the CSV.
        units: unit of the values, money with its price base.
        source: published sources with vintage.
        label: `MODELLED`, `OFFICIAL`, `RECORDED`, `MIXED`, `DERIVED` or `QUOTED`.
        basis: arms, draws, replications, price base and interval, as applicable.
        alternative: what the figure shows, in words, for those who cannot see it.
        notes: what a reader must know beside it.
        view: the table as shown (text cells; a line break parts a figure from its range); the data when None.
        row_headers: how many leading columns of the view name the row.
        summary: place of a claim in the report's summary, or None.
        draw: makes the picture from the data.
        id: evidence id, given when the exhibit is added to a pack; empty for what cannot be cited.
        pictures: the picture as SVG and PNG, made when the exhibit is added to a pack.
    """

    kind: Literal["figure", "table", "claim"]
    name: str
    title: str
    subtitle: str
    data: pd.DataFrame
    units: str
    source: str
    label: str
    basis: Mapping[str, str] = field(default_factory=dict)
    alternative: str = ""
    notes: tuple[str, ...] = ()
    view: pd.DataFrame | None = None
    row_headers: int = 1
    summary: int | None = None
    draw: Callable[[], Any] | None = None
    id: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    def definition(self) -> dict[str, Any]:
        """Everything it says except its data, as plain JSON."""
        plain = {"basis": dict(self.basis), "notes": list(self.notes)}
        return {key: plain.get(key, getattr(self, key)) for key in DEFINED}

    def content_hash(self, study_id: str) -> str:
        """sha256 of the definition and the data, the study's id left out of every sentence that names it."""
        return content_hash(self.definition(), to_csv(self.data), study_id)

    def __repr__(self) -> str:
        return f"{self.id or self.name}: {self.title}"

    def citation(self) -> str:
        """The line under the exhibit: label, units, basis, sources, evidence id."""
        units = f"Unit: {self.units}" if self.units != "text" else ""
        evidence = f"Evidence {self.id}" if self.id else _UNCITED
        parts = [self.label.capitalize(), units, *self.basis.values(), f"Source: {self.source}", evidence]
        return f"{'. '.join(p.rstrip('.') for p in parts if p)}."

    def shown(self) -> pd.DataFrame:
        """The table as a reader sees it."""
        return self.data.rename(columns=heading) if self.view is None else self.view

    def cells(self) -> dict[str, Any]:
        """The same as plain text: columns, rows and how many leading columns name a row."""
        view = self.shown()
        rows = [[_shown(v) for v in row] for row in view.itertuples(index=False, name=None)]
        return {"columns": [str(c) for c in view.columns], "row_headers": self.row_headers, "rows": rows}

    def drawn(self) -> dict[str, bytes]:
        """Draw the picture as SVG and PNG, stamped with the evidence id; nothing for tables and claims."""
        if self.draw is None:
            return {}
        with style.styled():
            figure = self.draw()
            style.stamp(figure, f"{self.id}   {self.label}".strip())
            return {kind: style.image(figure, kind) for kind in ("svg", "png")}

    def _repr_html_(self) -> str:
        return to_html(self, self.pictures.get("svg"))


def evidence_id(content_hash: str, taken: Mapping[str, str]) -> str:
    """`E-` and six or more hexadecimal digits: the shortest that no other content already has.

    Args:
        content_hash: sha256 of the content, hexadecimal.
        taken: content hash by evidence id, for what has been given out.
    """
    for length in range(SHORTEST_ID, len(content_hash) + 1, 2):
        candidate = f"E-{content_hash[:length].upper()}"
        if taken.get(candidate, content_hash) == content_hash:
            return candidate
    raise RuntimeError(f"two contents share the sha256 {content_hash}")


def to_csv(data: pd.DataFrame) -> str:
    """CSV text: dates in ISO form, numbers short, text that a spreadsheet would run as a formula disarmed."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([escape_formula(str(c)) for c in data.columns])
    for row in data.itertuples(index=False, name=None):
        writer.writerow([escape_formula(_cell(v)) for v in row])
    return buffer.getvalue()


def _cell(value: object) -> object:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, pd.Timestamp | np.datetime64):
        return str(np.datetime64(value, "D"))
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        # Ten figures: beyond any meaning, and short of the last bits in which processors differ.
        short = float(f"{float(value):.10g}")
        return int(short) if short.is_integer() and abs(short) < 1e15 else short
    if isinstance(value, int | np.integer):
        return int(value)
    return str(value)


def table_html(view: pd.DataFrame, caption: str, row_headers: int = 1) -> str:
    """An accessible table: caption, column and row scopes, numbers right-aligned."""
    textual = [i < row_headers or not _looks_numeric(view.iloc[:, i]) for i in range(view.shape[1])]
    long = [any(len(_shown(v)) > _LONG for v in view.iloc[:, i]) for i in range(view.shape[1])]
    parts = [f"<table><caption>{html.escape(caption)}</caption><thead><tr>"]
    for i, name in enumerate(view.columns):
        parts.append(f'<th scope="col"{"" if textual[i] else " class=n"}>{_text(str(name))}</th>')
    parts.append("</tr></thead><tbody>")
    for row in view.itertuples(index=False, name=None):
        parts.append("<tr>")
        for i, value in enumerate(row):
            first, _, rest = _text(_shown(value)).partition("\n")
            cell = f'{first}<br><span class="range">{rest}</span>' if rest else first
            if i < row_headers:
                parts.append(f'<th scope="row">{cell}</th>')
            else:
                parts.append(f"<td{_td_class(textual[i], long[i])}>{cell}</td>")
        parts.append("</tr>")
    parts.append("</tbody></table>")
    return "".join(parts)


def _td_class(textual: bool, long: bool) -> str:
    if not textual:
        return " class=n"
    return " class=t" if long else ""


def _text(text: str) -> str:
    """Escaped text in which a financial year never breaks across lines."""
    return re.sub(r"\b20\d\d-\d\d\b(?!-)", r'<span class="nw">\g<0></span>', html.escape(text))


def _shown(value: object) -> str:
    cell = _cell(value)
    return number(float(cell)) if isinstance(cell, int | float) else str(cell)


def _looks_numeric(column: pd.Series) -> bool:
    cells = [_shown(v).partition("\n")[0] for v in column]
    filled = [c for c in cells if c]
    return bool(filled) and all(_NUMERIC.match(c) for c in filled)


def to_html(exhibit: Exhibit, svg: bytes | None) -> str:
    """One exhibit as an HTML fragment that loads nothing from outside."""
    anchor = f' id="{exhibit.id}"' if exhibit.id else ""
    if exhibit.kind == "claim":
        evidence = ", ".join(filter(None, (exhibit.label, exhibit.id)))
        return f'<p class="claim"{anchor}>{_text(exhibit.title)} <span class="evidence">{evidence}</span></p>'
    view = exhibit.shown()
    table = table_html(view, f"{exhibit.title} {exhibit.subtitle}", exhibit.row_headers)
    region = f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {html.escape(exhibit.title)}">'
    table = f"{region}{table}</div>"
    rows = len(view)
    parts = [
        f'<figure class="exhibit {exhibit.kind}"{anchor}>',
        f"<h3>{_text(exhibit.title)}</h3>",
        f'<p class="subtitle">{_text(exhibit.subtitle)}</p>',
    ]
    if svg is not None:
        alternative = html.escape(exhibit.alternative, quote=True)
        parts.append(
            f'<div class="picture" tabindex="0" role="region" aria-label="Figure: {html.escape(exhibit.title)}">'
            f'<img alt="{alternative}" src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"></div>'
        )
    if svg is not None or rows > OPEN_ROWS:
        what = "The data as a table" if svg is not None else "Open the table"
        parts.append(f"<details><summary>{what} ({rows} rows)</summary>{table}</details>")
    else:
        parts.append(table)
    shorthand = [f"{mark} {SHORTHAND[mark]}" for mark in SHORTHAND if _uses(view, mark)]
    notes = [*exhibit.notes, *(f"{s}." for s in shorthand)]
    if notes:
        parts.append(f'<p class="notes">{_text(" ".join(notes))}</p>')
    content, file = base64.b64encode(to_csv(exhibit.data).encode()).decode(), f"{exhibit.id or exhibit.name}.csv"
    parts.append(
        f"<figcaption>{_text(exhibit.citation())} "
        f'<a download="{file}" href="data:text/csv;charset=utf-8;base64,{content}">'
        f"Download {file}</a></figcaption></figure>"
    )
    return "".join(parts)


def heading(name: str) -> str:
    """A column's or a line's name as a heading."""
    return sentence(plain(name)).rstrip(".")


def _uses(view: pd.DataFrame, mark: str) -> bool:
    return any(mark in str(v) for column in view.columns for v in view[column])


class Pack:
    """The exhibits of one report, made from one finished study.

    Attributes:
        study_id: id of the study.
        study: its dataset (arm, draw, replication, ...).
        record: its run record, as plain JSON.
        folder: the study's folder.
        out: folder the exhibits' files go to, or None to keep them in the notebook.
    """

    def __init__(
        self, study_id: str, study: xr.Dataset, record: Mapping[str, Any], folder: Path, out: Path | None
    ) -> None:
        self.study_id = study_id
        self.study = study
        self.record = record
        self.folder = folder
        self.out = out
        self._shown: list[Exhibit] = []
        self._given: dict[str, str] = {}  # content hash by evidence id

    @property
    def labels(self) -> dict[str, str]:
        """Name to print, by arm, in the study's order."""
        names = zip(self.study["arm"].values, self.study["arm_label"].values, strict=True)
        return {str(arm): str(label) for arm, label in names}

    @property
    def service_labels(self) -> dict[str, str]:
        """Name to print, by service line, in the study's order."""
        return {str(s): heading(str(s)) for s in self.study["service"].values}

    @property
    def services_in_text(self) -> dict[str, str]:
        """The same names as they stand inside a sentence."""
        return {str(s): plain(str(s)) for s in self.study["service"].values}

    @property
    def baseline(self) -> str:
        """The arm the others are compared with."""
        return str(self.study.attrs["baseline"])

    @property
    def others(self) -> dict[str, str]:
        """Labels of every arm but the baseline."""
        return {arm: label for arm, label in self.labels.items() if arm != self.baseline}

    @property
    def told_apart(self) -> dict[str, str]:
        """Labels of the baseline and of as many other arms as one panel can tell apart, in the study's order."""
        others = list(self.others)[: len(style.CATEGORIES) - 1]
        return {arm: label for arm, label in self.labels.items() if arm == self.baseline or arm in others}

    @property
    def left_out(self) -> tuple[str, ...]:
        """The note of a figure that shows `told_apart` alone; nothing where that is every arm."""
        shown, every = len(self.told_apart), len(self.labels)
        return (f"Drawn are {shown} of {every} options; the data hold every one.",) if shown < every else ()

    @property
    def start(self) -> np.datetime64:
        """The published quarter end the study starts from."""
        return np.datetime64(self.study["month_end"].values[0], "D")

    @property
    def end(self) -> np.datetime64:
        """The last month end simulated."""
        return np.datetime64(self.study["month_end"].values[-1], "D")

    def quoted(self, arm: str) -> str:
        """An arm's label as it stands in a sentence."""
        return f"“{self.labels[arm]}”"

    def modelled(self, **basis: str) -> dict[str, Any]:
        """Label, source and basis that every modelled exhibit of this study carries.

        Args:
            basis: what applies beyond the interval and the number of simulations, such as the price base.
        """
        sizes = self.study.sizes
        made = f"{self.record.get('kind', 'study')} {self.study_id}"
        runs = f"{sizes['arm']} arms, {sizes['draw']} draws, {sizes['replication']} replications"
        return {
            "label": MODELLED,
            "source": (
                f"people supported on {day(self.start)} (Home Office, Asy_D11 and Reg_02) and an intake forecast "
                f"from claims to the same date (Home Office, Asy_D01); {made}"
            ),
            "basis": {"interval": "Median and 80% interval of all simulations", "runs": runs, **basis},
        }

    def add(self, exhibit: Exhibit) -> Exhibit:
        """Give an exhibit its evidence id, write its files, and return it to be shown.

        An exhibit of a comparison gets none: no report holds it, so that nobody could look it up.
        """
        if self.record.get("kind") == "comparison":
            return replace(exhibit, pictures=exhibit.drawn())
        content_hash = exhibit.content_hash(self.study_id)
        index = read_index(self.out) if self.out else []
        taken = {entry["id"]: entry["sha256"] for entry in index} | self._given
        exhibit = replace(exhibit, id=evidence_id(content_hash, taken))
        exhibit = replace(exhibit, pictures=exhibit.drawn())
        self._shown.append(exhibit)
        self._given[exhibit.id] = content_hash
        if self.out:
            entry = self._entry(exhibit, content_hash)
            for kind, content in {"csv": to_csv(exhibit.data).encode(), **exhibit.pictures}.items():
                path = self.out / f"{exhibit.id}.{kind}"
                path.write_bytes(content)
                entry["files"][path.name] = file_digest(path)
            if exhibit.id not in {e["id"] for e in index}:
                index.append(entry)
            write_json(self.out / INDEX, index)
            if exhibit.kind != "claim":
                write_json(self.out / VIEWS, read_views(self.out) | {exhibit.id: exhibit.cells()})
        return exhibit

    def _entry(self, exhibit: Exhibit, content_hash: str) -> dict[str, Any]:
        return {
            "id": exhibit.id,
            "sha256": content_hash,
            "study": self.study_id,
            "summary": exhibit.summary,
            "files": {},
            **exhibit.definition(),
        }

    @property
    def made(self) -> tuple[Exhibit, ...]:
        """The exhibits shown so far, in order."""
        return tuple(self._shown)

    def claims(self) -> Exhibit:
        """The list that ends a notebook: every claim it made, with evidence ids."""
        claims = [e for e in self._shown if e.kind == "claim"]
        view = pd.DataFrame({"Evidence": [e.id for e in claims], "Claim": [e.title for e in claims]})
        return Exhibit(
            kind="table",
            name="claims",
            title="Claims of this notebook.",
            subtitle="Each with its evidence id.",
            data=view,
            units="text",
            source=f"study {self.study_id}",
            label=RECORDED,
            id="claims",
        )

    def _repr_html_(self) -> str:
        record = self.record
        rows = [
            ("Study", self.study_id),
            ("Status", record["status"]),
            ("Title", record["title"]),
            ("Made", record["created"]),
            ("Commit", str(record["code"].get("commit"))),
            ("Model version", record["model_version"]),
        ]
        return table_html(pd.DataFrame(rows, columns=["Item", "Value"]), f"Record of study {self.study_id}")


class Exhibits(tuple[Exhibit, ...]):
    """Several exhibits shown one below the other."""

    def _repr_html_(self) -> str:
        return "".join(exhibit._repr_html_() for exhibit in self)


def open_pack(study_id: str, runs: str = "runs", out: str = "") -> Pack:
    """Open a finished study for a notebook.

    Args:
        study_id: id of the study.
        runs: folder of all runs.
        out: folder for the exhibits' files; empty to show them only.

    Raises:
        InputError: when there is no such study, or it is not finished.
    """
    from evidence import records
    from evidence.studies import engine as studies

    if not study_id:
        raise InputError(
            "study_id: is empty. `dispersal study params/studies/spending_review.toml` makes a study and names it."
        )
    study = studies.open_study(study_id, Path(runs))
    folder = Path(runs) / study_id
    return Pack(study_id, study, asdict(records.read_record(folder)), folder, Path(out) if out else None)


def read_index(folder: Path) -> list[dict[str, Any]]:
    """The exhibits of a folder, in the order they were made; empty when there are none yet."""
    entries: list[dict[str, Any]] = _read(folder / INDEX, [])
    return entries


def read_views(folder: Path) -> dict[str, Any]:
    """The tables of a folder's exhibits as shown, by evidence id: columns, row_headers and rows of text."""
    views: dict[str, Any] = _read(folder / VIEWS, {})
    return views


def _read(path: Path, empty: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else empty
