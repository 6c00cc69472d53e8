"""How good forecasts of intake and of stocks have been: score cards beside naive forecasts, and coverage by era.

A forecast that has been no better than the last value is said to be so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evidence.drawing.style import CATEGORIES, panels
from evidence.exhibits import MODELLED, Exhibit, Pack
from evidence.wording import count, listed, number, share

# Enough paths for scores to the second figure. `dispersal backtest` keeps a finer one as a run; a report that wrote
# runs of its own would leave them behind when it fails.
BACKTEST_PATHS = 1000
BANDS = {"1": "1 quarter", "2-4": "2 to 4", "5-8": "5 to 8", "9-12": "9 to 12", "all": "all"}
MODELS = {"pool": "This forecast", "naive": "Naive: the last quarter", "seasonal_naive": "Same quarter of last year"}
STOCK_MODELS = {"pool": "This forecast", "persistence": "Persistence: the last value", "stock_flow": "Stock-flow alone"}
NOMINAL = 0.8


@lru_cache(maxsize=1)
def _intake_scores() -> pd.DataFrame:
    """Scores of the national backtest on the latest vintage by model, era and band; two exhibits use them."""
    from forecasts.backtest import FIRST_ORIGIN, LAST_ORIGIN, rolling_origins, scored, summary

    made = rolling_origins(first=FIRST_ORIGIN, last=LAST_ORIGIN, paths=BACKTEST_PATHS)
    return summary(scored(made[made["model"].isin(MODELS)]), eras=True).reset_index()


def score_card(pack: Pack) -> Exhibit:
    """How good forecasts of claims have been, beside two naive ones, by quarters ahead."""
    scores = _intake_scores()
    every = scores[(scores["era"] == "all") & scores["model"].isin(MODELS)]
    columns = [
        "model",
        "band",
        "forecasts",
        "skill_log",
        "skill_log_low",
        "skill_log_high",
        "coverage_80",
        "coverage_95",
    ]
    data = every[columns].reset_index(drop=True)
    rows = []
    for name, label in MODELS.items():
        by_band = {str(cell["band"]): cell for cell in data[data["model"] == name].to_dict("records")}
        row = {"Forecast": label}
        for band, heading in BANDS.items():
            cell = by_band[band]
            row[f"Skill, {heading}"] = (
                f"{_signed(cell['skill_log'])}\n{_signed(cell['skill_log_low'])} to {_signed(cell['skill_log_high'])}"
            )
        row["Inside 80% interval"] = share(by_band["all"]["coverage_80"])
        row["Inside 95% interval"] = share(by_band["all"]["coverage_95"])
        rows.append(row)
    skill = {str(cell["band"]): cell["skill_log"] for cell in data[data["model"] == "pool"].to_dict("records")}
    return pack.add(
        Exhibit(
            kind="table",
            name="intake_score_card",
            title=(
                f"One quarter ahead the forecast of claims has been {share(skill['1'])} better than a "
                f"random walk, and over all quarters ahead {share(skill['all'])} better."
            ),
            subtitle=(
                "Skill of quarterly forecasts of claims from every origin from 2010 to mid-2024: how much lower the "
                "weighted interval score on the log scale is than a random walk's, with a 90% interval."
            ),
            data=data,
            view=pd.DataFrame(rows),
            units="share",
            notes=(
                "Origins see no later quarter, but they see figures as since revised.",
                "Part of the skill comes from the upward drift of claims in these years and may not come again: on the "
                "series reversed in time less of it is left.",
            ),
            label=MODELLED,
            source="Home Office, Asy_D01; rolling origins of this forecast",
            basis={
                "yardstick": "Log random walk on the figures up to each origin",
                "interval": "90% block-bootstrap interval of skill",
            },
        )
    )


@lru_cache(maxsize=1)
def _stock_scores() -> pd.DataFrame:
    """Scores of the stock forecast by model, period and horizon; two exhibits of one report use them."""
    from forecasts.stock_scores import HORIZONS, rolling_stocks, stock_scorecard

    return stock_scorecard(rolling_stocks(horizon=max(HORIZONS), paths=BACKTEST_PATHS)).reset_index()


def stock_score_card(pack: Pack) -> Exhibit:
    """How good forecasts of supported people have been, against the last value, before and since reform."""
    from forecasts.stock_scores import HORIZONS, REFORM

    card = _stock_scores()
    data = card[card["horizon"].isin(HORIZONS) & card["model"].isin(STOCK_MODELS)].reset_index(drop=True)
    rows = []
    for (model, period), part in data.groupby(["model", "period"], sort=False):
        row = {"Forecast": STOCK_MODELS[str(model)], "Origins": str(period)}
        for cell in part.to_dict("records"):
            heading = count(cell["horizon"], "quarter", "quarters")
            row[heading] = f"{_signed(cell['skill'])}\nerror {number(cell['mae'])}"
        row["Inside 80% interval"] = share(float(np.average(part["coverage_80"], weights=part["forecasts"])))
        rows.append(row)
    lost = data[(data["model"] == "pool") & (data["period"] == f"from {REFORM}") & (data["skill"] < 0)]["horizon"]
    whole = data[(data["model"] == "pool") & (data["period"] == "all")].set_index("horizon")["skill"]
    ahead = listed([str(h) for h in lost])
    return pack.add(
        Exhibit(
            kind="table",
            name="stock_score_card",
            title=(
                f"One quarter ahead the forecast of supported people has been {share(whole[1])} better than the last "
                f"value; since {REFORM}, {ahead} quarters ahead, it has been worse than it."
                if len(lost)
                else f"One quarter ahead the forecast of supported people has been {share(whole[1])} better than "
                "the last value."
            ),
            subtitle=(
                "Skill of forecasts of supported people, United Kingdom, from every origin from 2017Q4: how much lower "
                "the weighted interval score is than that of persistence; and mean absolute error in people."
            ),
            data=data,
            view=pd.DataFrame(rows),
            row_headers=2,
            units="share; errors in people",
            notes=(
                "The speed of decisions is set by policy and cannot be forecast, so the forecast's interval is never "
                "narrower than that of persistence.",
            ),
            label=MODELLED,
            source="Home Office, Asy_D01, Asy_D02, Asy_D03 and Asy_D09; MoJ, Tribunal Statistics; rolling origins",
            basis={
                "yardstick": "Persistence: the last value with the spread of past changes",
                "interval": "No interval of skill: origins overlap, and few are independent",
            },
        )
    )


def coverage_by_era(pack: Pack) -> Exhibit:
    """How often what happened fell inside the 80% interval, by when the forecast was made."""
    from forecasts.stock_scores import REFORM

    scores = _intake_scores()
    claims = scores[(scores["model"] == "pool") & (scores["band"] == "all") & (scores["era"] != "all")]
    rows = [
        {"series": "Claims", "era": str(r["era"]), "forecasts": int(r["forecasts"]), "inside": float(r["coverage_80"])}
        for r in claims.to_dict("records")
    ]
    card = _stock_scores()
    for period in (f"before {REFORM}", f"from {REFORM}"):
        part = card[(card["model"] == "pool") & (card["period"] == period)]
        inside = float(np.average(part["coverage_80"], weights=part["forecasts"]))
        rows.append(
            {"series": "Supported people", "era": period, "forecasts": int(part["forecasts"].sum()), "inside": inside}
        )
    data = pd.DataFrame(rows)
    mine = data[data["series"] == "Claims"].sort_values("inside")
    worst, best = mine.iloc[0], mine.iloc[-1]
    return pack.add(
        Exhibit(
            kind="figure",
            name="coverage_by_era",
            title=(
                f"80% intervals for claims held {share(best['inside'])} of the time from origins of {best['era']} and "
                f"{share(worst['inside'])} from those of {worst['era']}."
            ),
            subtitle="Share of outturns inside the 80% interval by when the forecast was made, 1 to 12 quarters ahead "
            "(supported people: 1 to 8), United Kingdom.",
            data=data,
            units="share",
            alternative=" ".join(
                f"{r['series']}, {r['era']}: {share(r['inside'])} of {count(r['forecasts'], 'forecast', 'forecasts')}."
                for r in data.to_dict("records")
            ),
            notes=(
                "No method tried removed this: intervals learnt in calm years are too narrow when a shock comes. "
                "Forecasts from one era overlap, so each bar rests on few independent ones.",
            ),
            draw=lambda: _coverage(data),
            label=MODELLED,
            source="Home Office, Asy_D01 and Asy_D09; rolling origins of these forecasts",
            basis={"interval": "80% interval of each forecast"},
        )
    )


def _coverage(data: pd.DataFrame) -> Figure:
    """Bars of coverage by era, one panel a series, with the promised 80% as a line."""
    series = list(dict.fromkeys(data["series"]))
    sizes = [int((data["series"] == name).sum()) for name in series]
    figure, grid = panels(len(series), 1, 0.9 + 0.36 * sum(sizes), sharex=True, height_ratios=sizes)
    for axes, name in zip(grid, series, strict=True):
        _bars(axes, data[data["series"] == name])
        axes.set_title(name, fontsize=9.5)
    grid[0].annotate(
        " promised", (NOMINAL, 1.0), xycoords=("data", "axes fraction"), fontsize=8.5, va="bottom", ha="center"
    )
    return figure


def _bars(axes: Axes, rows: pd.DataFrame) -> None:
    at = np.arange(len(rows))
    axes.barh(at, rows["inside"], color=CATEGORIES[0], height=0.62)
    axes.axvline(NOMINAL, color=CATEGORIES[3], lw=1.4)
    for place, value in enumerate(rows["inside"].tolist()):
        axes.text(value - 0.01, place, share(value), va="center", ha="right", fontsize=8.5, color="white")
    labels: Sequence[str] = rows["era"].tolist()
    axes.set_yticks(at, labels)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(False)
    axes.xaxis.set_visible(False)
    axes.spines[:].set_visible(False)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
