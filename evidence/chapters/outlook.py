"""What the forecasts say: fans of intake by group and of stocks, scenarios of hotels, early warnings.

How good such forecasts have been stands in `evidence.forecast.forecast_scores`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter, YearLocator
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import params
from evidence.chapters.baseline import official
from evidence.drawing.style import BAND80, BAND95, CATEGORIES, INK, MUTED, count_axis, panels
from evidence.exhibits import MODELLED, Exhibit, Pack
from evidence.results import QUANTILES
from evidence.wording import count, day, exact, listed, number, number_range, plain, sentence, share
from params import InputError

GROUPS = {"high": "High grant share", "mixed": "Mixed grant share", "low": "Low grant share"}
STOCKS = {"all": "All supported people", "dispersal": "Dispersal accommodation", "contingency_hotel": "Hotels"}
STOCK_HORIZON, STOCK_PATHS = 8, 1000


def intake_group_fans(pack: Pack) -> Exhibit:
    """Claims by quarter and decision group: published history, then the study's own paths."""
    import forecasts

    paths = forecasts.read_paths(pack.folder / "intake.nc")
    if "people_by_group" not in paths:
        raise InputError(f"{pack.study_id}: its intake has no groups. Nearest: run the study again.")
    groups = [str(name) for name in paths["group"].values]
    monthly = paths["people_by_group"].transpose("path", "month", "group").values.astype(np.int64)
    by_quarter = monthly.reshape(len(monthly), -1, 3, len(groups)).sum(axis=2)
    quarters = pd.PeriodIndex(paths["quarter_name"].values.astype(str), freq="Q")
    inside = quarters.end_time <= pd.Timestamp(pack.end) + pd.Timedelta(days=1)
    history = params.reference("intake_by_group")
    history = history[history["quarter_end"] >= "2010-01-01"]
    fans, lines = {}, {}
    for i, name in enumerate(groups):
        found = np.quantile(by_quarter[:, inside, i], list(QUANTILES.values()), axis=0)
        fans[name] = pd.DataFrame(
            {"quarter_end": quarters[inside].end_time.normalize()} | dict(zip(QUANTILES, found, strict=True))
        )
        lines[name] = history.loc[history["decision_group"] == name, ["quarter_end", "people"]]
    last = {name: fan.iloc[-1] for name, fan in fans.items()}
    widest = max(last, key=lambda name: last[name]["high80"] / max(last[name]["low80"], 1.0))
    when = f"{last[widest]['quarter_end']:%B %Y}"
    data = _tidy(lines, fans, "group")
    labels = {name: GROUPS.get(name, name) for name in groups}
    vintage = params.reference_record("intake_by_group")["vintage"]
    return pack.add(
        Exhibit(
            kind="figure",
            name="intake_group_fans",
            title=(
                f"Claims by nationalities with a {labels[widest].lower()} are the least certain: anywhere "
                f"{number_range(last[widest]['low80'], last[widest]['high80'])} in the quarter to {when}."
            ),
            subtitle=(
                "People claiming asylum in the quarter by decision group, United Kingdom: published, then forecast "
                "with 80% and 95% bands."
            ),
            data=data,
            units="people",
            alternative=" ".join(
                f"{labels[name]}: last published {exact(lines[name]['people'].iloc[-1])}; the forecast's 80% band in "
                f"the last quarter is {number_range(last[name]['low80'], last[name]['high80'])}."
                for name in groups
            ),
            notes=(
                f"Published by group only to {day(history['quarter_end'].max().to_datetime64())}, on an earlier "
                "release than the total; the forecast agrees with the total in every path.",
                "Groups of nationalities serve decision outcomes and household mix only. They are never used to "
                "allocate anyone.",
            ),
            draw=lambda: _fans(lines, fans, labels, "People claiming asylum in the quarter"),
            label=MODELLED,
            source=f"Home Office, Asy_D01 ({vintage}); study {pack.study_id}",
            basis={"interval": "80% and 95% intervals of the study's sample paths"},
        )
    )


def _tidy(lines: Mapping[str, pd.DataFrame], fans: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """History and fans as one table: series (published or forecast), the column, quarter_end, people, quantiles."""
    published = [frame.assign(**{"series": "published", column: name}) for name, frame in lines.items()]
    forecast = [frame.assign(**{"series": "forecast", column: name}) for name, frame in fans.items()]
    data = pd.concat([*published, *forecast], ignore_index=True)
    return data[["series", column, "quarter_end", "people", *QUANTILES]]


def _stock_table(pack: Pack, hotels: str = "remainder") -> tuple[pd.DataFrame, Mapping[str, Any]]:
    from forecasts.places import stock_paths, stock_table

    origin = str(pd.Period(pd.Timestamp(pack.start), "Q"))
    paths = stock_paths(origin, STOCK_HORIZON, STOCK_PATHS, seed=1, hotels=hotels)
    return stock_table(paths, ("uk",)), paths.attrs


def _wide(table: pd.DataFrame, accommodation: str) -> pd.DataFrame:
    """A fan from a table of quantiles: quarter_end, central, low80, high80, low95, high95."""
    mine = table[table["accommodation"] == accommodation]
    wide = mine.pivot(index="target_quarter", columns="quantile", values="value")
    ends = pd.PeriodIndex(wide.index, freq="Q").end_time.normalize()
    return pd.DataFrame({"quarter_end": ends} | {name: wide[level].to_numpy() for name, level in QUANTILES.items()})


def stock_fans(pack: Pack) -> Exhibit:
    """Supported people, dispersal and hotels: published history, then the statistical forecast."""
    table, attrs = _stock_table(pack)
    published = params.reference("support_national")
    published = published[published["quarter_end"] <= pack.start]
    hotels = published["hotel_latest_vintage"]
    columns = {
        "all": published["total"].astype(float),
        "dispersal": published["dispersal"],
        "contingency_hotel": hotels,
    }
    # Dispersal before the change of codes in 2023Q2 includes people in hotels, so it is not shown as one line with it.
    from_ = {"all": "2014-01-01", "dispersal": "2023-06-01", "contingency_hotel": "2022-12-01"}
    lines, fans = {}, {}
    for name, values in columns.items():
        line = pd.DataFrame({"quarter_end": published["quarter_end"], "people": values})
        lines[name] = line[line["quarter_end"] >= from_[name]].dropna()
        fans[name] = _wide(table, name)
    last = {name: fan.iloc[-1] for name, fan in fans.items()}
    when = f"{last['all']['quarter_end']:%B %Y}"
    data = _tidy(lines, fans, "accommodation")
    return pack.add(
        Exhibit(
            kind="figure",
            name="stock_fans",
            title=(
                f"By {when} {number_range(last['all']['low80'], last['all']['high80'])} people may be supported, and "
                f"{_up_to(last['contingency_hotel'])} of them in hotels."
            ),
            subtitle=(
                "People supported at quarter end, United Kingdom: published, then a statistical forecast with 80% and "
                "95% bands. It is a check on the simulation, not part of it."
            ),
            data=data,
            units="people",
            alternative=" ".join(
                f"{label}: last published {exact(lines[name]['people'].iloc[-1])}; in the quarter to {when} the median "
                f"is {number(last[name]['central'])} and the 80% band "
                f"{number_range(last[name]['low80'], last[name]['high80'])}."
                for name, label in STOCKS.items()
            ),
            notes=(
                str(attrs["caution"]),
                "Hotels are supported people less all other accommodation; dispersal grows at its pace of 2022 to "
                "2025. No trend is fitted to hotels.",
                *_later_figure(fans["all"], pack.start),
            ),
            draw=lambda: _fans(lines, fans, STOCKS, "People supported at quarter end"),
            label=MODELLED,
            source=f"Home Office, Asy_D09 and Asy_D11; MoJ, Tribunal Statistics; forecast from {attrs['origin']}",
            basis={
                "interval": f"80% and 95% intervals of {STOCK_PATHS:,} sample paths",
                "method": str(attrs["method"]),
            },
        )
    )


def _later_figure(fan: pd.DataFrame, start: np.datetime64) -> tuple[str, ...]:
    """A figure published after the start without detail, and whether the forecast held it."""
    rows = params.reference("published_totals")
    later = rows[rows["name"].str.fullmatch(r"supported_people_\d{4}_\d{2}") & (pd.to_datetime(rows["date"]) > start)]
    notes = []
    for row in later.to_dict("records"):
        when = pd.Timestamp(str(row["date"]))
        here = fan[fan["quarter_end"] == when]
        if len(here):
            value, at = float(row["value"]), here.iloc[0]
            held = "outside the 95% interval"
            for label, low, high in (("95%", "low95", "high95"), ("80%", "low80", "high80")):
                if float(at[low]) <= value <= float(at[high]):
                    held = f"inside the {label} interval"
            notes.append(
                f"Published since, and not used: {exact(value)} people on {day(when.to_datetime64())}, {held}."
            )
    return tuple(notes)


def _up_to(row: pd.Series) -> str:
    low, high = float(row["low80"]), float(row["high80"])
    return f"up to {number(high)}" if low < 500 else number_range(low, high)


def hotel_scenarios(pack: Pack) -> Exhibit:
    """People in hotels under each policy scenario of the stock forecast."""
    labels = {
        "slow": "Dispersal grows as in 2014 to 2021",
        "remainder": "Dispersal grows as in 2022 to 2025",
        "fast": "Dispersal grows twice as fast",
        "close": "No hotels after 2029 (stated aim)",
    }
    rows = []
    for scenario, label in labels.items():
        table, attrs = _stock_table(pack, scenario)
        fan = _wide(table, "contingency_hotel")
        for ahead in (4, STOCK_HORIZON):
            row = fan.iloc[ahead - 1]
            rows.append(
                {"scenario": label, "quarter_end": row["quarter_end"]} | {name: row[name] for name in QUANTILES}
            )
    data = pd.DataFrame(rows)
    data["range"] = [
        f"{number(r['central'])}\n{number(r['low80'])} to {number(r['high80'])}" for r in data.to_dict("records")
    ]
    view = data.pivot(index="scenario", columns="quarter_end", values="range").loc[list(labels.values())]
    view.columns = pd.Index([day(str(when)[:10]) for when in view.columns])
    middle = data[data["quarter_end"] == data["quarter_end"].max()].set_index("scenario")["central"]
    return pack.add(
        Exhibit(
            kind="table",
            name="hotel_scenarios",
            title=(
                f"With dispersal growing twice as fast as lately, the median of people in hotels in two years is "
                f"{number(middle[labels['fast']])} rather than {number(middle[labels['remainder']])}; the ranges "
                "overlap."
            ),
            subtitle="People in hotels, United Kingdom: median and 80% interval of the forecast by scenario.",
            data=data.drop(columns="range"),
            view=view.reset_index().rename(columns={"scenario": "Scenario"}),
            units="people",
            notes=(
                "In the last row people who leave hotels go to dispersal accommodation, whatever growth that takes.",
            ),
            label=MODELLED,
            source=f"Home Office, Asy_D09 and Asy_D11; forecast from {attrs['origin']}",
            basis={"interval": f"Median and 80% interval of {STOCK_PATHS:,} sample paths"},
        )
    )


def early_warning(pack: Pack) -> Exhibit:
    """The present state of each watched flow, with its false alarms."""
    from forecasts.signals import warn

    data = warn()
    view = pd.DataFrame(
        {
            "Series": [sentence(plain(name)).rstrip(".") for name in data["series"]],
            "State": [f"{state}\nsince {since}" for state, since in zip(data["state"], data["since"], strict=True)],
            "Chart, share of its limit": [share(abs(level)) for level in data["level"]],
            "False among past alarms": [
                f"{false} of {judged}" for false, judged in zip(data["false"], data["judged"], strict=True)
            ],
            "Years watched": [number(years, 2) for years in data["watched_years"]],
            "Years to a false alarm by chance": [number(years, 2) for years in data["run_length"]],
            "What it means": [sentence(text) for text in data["means"]],
        }
    )
    moving = data[data["state"] != "steady"]
    found = (
        listed([f"{plain(r['series'])} ({r['state']} since {r['since']})" for r in moving.to_dict("records")])
        if len(moving)
        else ""
    )
    return pack.add(
        Exhibit(
            kind="table",
            name="early_warning",
            title=sentence(
                f"Changing by more than chance: {found}"
                if found
                else "No watched flow was changing by more than chance when the study started"
            ),
            subtitle="Control charts of seasonally adjusted log changes, United Kingdom, each to its latest period.",
            data=data,
            view=view,
            units="as stated",
            notes=(
                "An alarm was false when the year from it differed from the year before by less than a tenth in its "
                "direction. Few alarms are on record, so the rate on history is uncertain; the rate by chance is "
                "simulated.",
            ),
            label=MODELLED,
            source="Home Office, Asy_D01, Asy_D02 and small boats; MoJ, Tribunal Statistics",
            basis={
                "method": "Exponentially weighted control chart of standardised surprises",
                "interval": "The chart has a limit rather than an interval; its false alarms are in the table",
            },
        )
    )


def warning_charts(pack: Pack) -> Exhibit:
    """The control chart of each watched flow over its history, in units of its limit."""
    from forecasts.signals import SERIES, ChartSettings, history_of, series_of

    parts = []
    for name in SERIES:
        values = series_of(name)
        run = history_of(values, ChartSettings.read(values.index[-1].end_time.date()))
        ends = pd.PeriodIndex(run.index).end_time.normalize()
        parts.append(pd.DataFrame({"series": name, "period_end": ends, "level": run["level"], "state": run["state"]}))
    data = pd.concat(parts, ignore_index=True)
    alarms = data[data["state"] != "steady"].groupby("series")["period_end"].agg(["min", "count"])
    longest = data.groupby("series").size()
    beyond = {name: int(alarms["count"].get(name, 0)) for name in SERIES}
    most = max(beyond, key=lambda name: beyond[name] / longest[name])
    return pack.add(
        Exhibit(
            kind="figure",
            name="warning_charts",
            title=sentence(
                f"{plain(most)} changed by more than chance in {count(beyond[most], 'period', 'periods')} of "
                f"{exact(longest[most])}, the most of the watched flows"
            ),
            subtitle=(
                "Control charts of claims, small-boat arrivals, decisions and appeals received, United Kingdom, in "
                "units of the limit, as they would have run at the time."
            ),
            data=data,
            units="ratio to the limit",
            alternative=" ".join(
                f"{sentence(plain(name))[:-1]}: in alarm in {beyond[name]} of {longest[name]} periods, last value "
                f"{data.loc[data['series'] == name, 'level'].iloc[-1]:.2f} of the limit."
                for name in SERIES
            ),
            notes=("An alarm lasts until the chart is back inside half its limit.",),
            draw=lambda: _charts(data),
            label=MODELLED,
            source="Home Office, Asy_D01, Asy_D02 and small boats; MoJ, Tribunal Statistics",
            basis={"interval": "Limits at 1 and −1"},
        )
    )


def what_is_known(pack: Pack) -> Exhibit:
    """The plain sentence on what is known of next year's claims."""
    from forecasts.stock_scores import naive_year_error

    spans = {"2010 to 2019": ("2010Q4", "2019Q3"), "since 2020": ("2020Q1", "2025Q3")}
    errors = {label: naive_year_error(*span) for label, span in spans.items()}
    before, since = errors.values()
    source = official("intake") | {"label": MODELLED, "basis": {"interval": "Mean over every origin of the span"}}
    return pack.add(
        Exhibit(
            kind="claim",
            name="what_is_known",
            title=sentence(
                f"Taking next year's claims to go on as in the last quarter was wrong by {share(before)} on average in "
                f"2010 to 2019 and by {share(since)} since 2020"
            ),
            subtitle="Mean absolute error of the next four quarters' claims, as a share of them, United Kingdom.",
            data=pd.DataFrame([{"origins": label, "error": value} for label, value in errors.items()]),
            units="share",
            summary=None,
            **source,
        )
    )


def _fans(
    lines: Mapping[str, pd.DataFrame], fans: Mapping[str, pd.DataFrame], labels: Mapping[str, str], measure: str
) -> Figure:
    """One panel a series: published line, then median with 80% and 95% bands."""
    figure, grid = panels(1, len(fans), 3.4)
    for axes, (name, fan) in zip(grid, fans.items(), strict=True):
        line = lines[name]
        if fan["quarter_end"].iloc[0] - line["quarter_end"].iloc[-1] < pd.Timedelta(days=100):
            known = {column: line["people"].iloc[-1] for column in QUANTILES}
            fan = pd.concat([pd.DataFrame([{"quarter_end": line["quarter_end"].iloc[-1], **known}]), fan])
        axes.plot(
            line["quarter_end"], line["people"], color=INK, lw=1.5, marker="o" if len(line) < 20 else None, ms=2.5
        )
        axes.fill_between(fan["quarter_end"], fan["low95"], fan["high95"], color=CATEGORIES[0], alpha=BAND95, lw=0)
        axes.fill_between(fan["quarter_end"], fan["low80"], fan["high80"], color=CATEGORIES[0], alpha=BAND80, lw=0)
        axes.plot(fan["quarter_end"], fan["central"], color=CATEGORIES[0])
        axes.axvline(fans[name]["quarter_end"].iloc[0] - pd.offsets.QuarterEnd(), color=MUTED, lw=0.8, ls=":")
        axes.set_title(labels[name], fontsize=9.5)
        axes.set_ylim(bottom=0)
        count_axis(axes)
        span = fan["quarter_end"].iloc[-1].year - line["quarter_end"].iloc[0].year
        axes.xaxis.set_major_locator(YearLocator(4 if span > 10 else 2))
        axes.xaxis.set_major_formatter(DateFormatter("%Y"))
    handles = [
        *grid[0].plot([], [], color=INK, lw=1.5, label="published"),
        *grid[0].plot([], [], color=CATEGORIES[0], label="median"),
        Patch(facecolor=CATEGORIES[0], alpha=BAND80, label="80% interval"),
        Patch(facecolor=CATEGORIES[0], alpha=BAND95, label="95% interval"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=8.5)
    figure.suptitle(measure, x=0.005, ha="left", fontsize=9.5)
    return figure


def _charts(data: pd.DataFrame) -> Figure:
    """One panel a series: the chart as a line, its limits dashed, periods in alarm marked."""
    names = list(dict.fromkeys(data["series"]))
    figure, grid = panels(2, 2, 4.4, sharey=True, sharex=True)
    for axes, name in zip(grid, names, strict=True):
        mine = data[data["series"] == name]
        axes.plot(mine["period_end"], mine["level"], color=CATEGORIES[0], lw=1.4)
        alarm = mine[mine["state"] != "steady"]
        axes.plot(alarm["period_end"], alarm["level"], "o", color=CATEGORIES[3], ms=4)
        for limit in (-1, 1):
            axes.axhline(limit, color=MUTED, lw=0.9, ls=(0, (4, 3)))
        axes.axhline(0, color=INK, lw=0.6)
        axes.set_title(sentence(plain(name))[:-1], fontsize=9.5)
        axes.xaxis.set_major_locator(YearLocator(5))
        axes.xaxis.set_major_formatter(DateFormatter("%Y"))
    handles = [
        *grid[0].plot([], [], color=CATEGORIES[0], lw=1.4, label="chart"),
        *grid[0].plot([], [], color=MUTED, lw=0.9, ls=(0, (4, 3)), label="limit"),
        *grid[0].plot([], [], "o", color=CATEGORIES[3], ms=4, label="in alarm"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    figure.suptitle("Weighted surprises, in units of the limit", x=0.005, ha="left", fontsize=9.5)
    return figure


