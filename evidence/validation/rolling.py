"""Rolling hindcasts scored: from every quarter end since December 2022, beside naive bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidence.progress import Progress
from evidence.validation.truth import quarter_name

if TYPE_CHECKING:
    import pandas as pd

# Median absolute error of persistence by council, four quarters ahead, in per cent. Source: the model's design notes.
NAIVE_BARS = {"500 or more": 11, "200 to 499": 20, "50 to 199": 40, "under 50": 100}
BANDS = {
    "none": (0, 1),
    "under 50": (1, 50),
    "50 to 199": (50, 200),
    "200 to 499": (200, 500),
    "500 or more": (500, 1e9),
}
_ROLLING = 8  # quarters ahead, at most


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
    bars = Bars()
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
                    made = intake_paths(origin=quarter_name(start), quarters=ahead, paths=samples, seed=seed)
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


class Bars:
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
                    for band, (low, high) in BANDS.items():
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
                for band, (low, high) in BANDS.items():
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


def score_lines(scores: pd.DataFrame, errors: pd.DataFrame) -> list[str]:
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
