"""Early warning of contingency accommodation as exhibits: chances by place, how good they have been, and notice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evidence.drawing.style import CATEGORIES, MUTED, panels
from evidence.exhibits import Exhibit, Pack
from evidence.partners.monitoring import points
from evidence.studies.projection import Projection, councils_of, published
from evidence.wording import count, day, exact, listed, number, sentence, share, the
from forecasts.hotels import EVENTS, GROWTH, HORIZONS, IN_USE, contingency_paths, grouped, happened

LEVEL_WORDS = {"council": "council", "region": "region", "contract_area": "contract area"}
_PAST = {"starts": "started", "grows": "grew", "ends": "ended"}
EVENT_WORDS = {"starts": "start", "grows": "grow", "ends": "end"}
# A council's chance is given in steps: finer ones would claim more than the record of the warning supports.
STEP = 0.05
# With fewer samples of a study a probability is off by more than seven points for want of samples alone.
FEWEST_SAMPLES = 48
DEFINITION = (
    f"In use: {IN_USE} people or more. Starts: from fewer to {IN_USE} or more. Grows: by {GROWTH:.0%} and {IN_USE} "
    f"people or more. Ends: to fewer than {IN_USE}. Each within the quarters named. Contingency accommodation is "
    "hotels and other sites together, as published by council; no location is known or held."
)


def warnings(projection: Projection) -> pd.DataFrame:
    """Chances by level, place, event and quarters ahead.

    A finished study brings its own samples if it has enough; else they are those whose past warnings are scored.

    Returns:
        Columns level, place (name of a region or area, code of a council), name, people (published), event, horizon,
        probability (missing where the event is no question).
    """
    codes, now, ahead = samples(projection)
    rows = []
    for level in LEVEL_WORDS:
        names, held = grouped(now, codes, level)
        _, later = grouped(ahead, codes, level)
        shown = councils_of(names)["name"].tolist() if level == "council" else names
        for horizon in HORIZONS:
            found = happened(held, later[:, :horizon])
            for event in EVENTS:
                met, asked = found[event]
                rows.append(
                    pd.DataFrame(
                        {
                            "level": level, "place": names, "name": shown, "people": held, "event": event,
                            "horizon": horizon, "probability": np.where(asked, met.mean(axis=0), np.nan),
                        }
                    )
                )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def samples(projection: Projection) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Council codes, published people (council,) and samples of the quarters ahead (sample, quarter, council)."""
    if _enough(projection):
        codes = [str(code) for code in projection.councils["lad_code"]]
        now = published().iloc[-1].reindex(codes).to_numpy(int)
        return codes, now, projection.contingency[:, : HORIZONS[-1]]
    ahead, base, _ = contingency_paths()
    codes = [str(code) for code in base.people.index]
    now = base.people[["contingency_hotel", "contingency_other"]].sum(axis=1).to_numpy(int)
    return codes, now, ahead


def _enough(projection: Projection) -> bool:
    return projection.from_study and len(projection.group) >= FEWEST_SAMPLES


def chance(probability: float, level: str) -> str:
    """A probability in words: whole percentages, for a council in steps of five."""
    if np.isnan(probability):
        return "[z]"
    if level != "council":
        return points(probability)
    steps = round(probability / STEP)
    # Words that begin with a digit stand in line with the other figures of a column.
    return "5% or less" if steps == 0 else "95% or more" if steps * STEP > 0.95 else f"{round(100 * steps * STEP)}%"


def places_table(shelf: Pack, projection: Projection, found: pd.DataFrame, level: str) -> Exhibit:
    """Chances that use grows or ends in each region or contract area."""
    data = found[found["level"] == level].drop(columns=["level", "name"])
    wide = data.pivot(index=["place", "people"], columns=["event", "horizon"], values="probability")
    wide = wide.loc[wide[("grows", 4)].sort_values(ascending=False, kind="stable").index]
    view = pd.DataFrame(
        {
            LEVEL_WORDS[level].capitalize(): [place for place, _ in wide.index],
            "People now": [exact(people) for _, people in wide.index],
        }
        | {
            f"{EVENT_WORDS[event].capitalize()}s within {count(horizon, 'quarter', 'quarters')}": [
                chance(p, level) for p in wide[(event, horizon)]
            ]
            for event, horizon in (("grows", 1), ("grows", 2), ("grows", 4), ("ends", 4))
        }
    )
    top = wide.index[0][0]
    where = the(top) if level == "region" else f"the contract area {top}"
    return shelf.add(
        Exhibit(
            kind="table",
            name=f"hotel_warning_{level}",
            title=sentence(
                f"Contingency use is likeliest to grow within a year in {where} "
                f"({chance(float(wide.iloc[0][('grows', 4)]), level)})"
            ),
            subtitle=f"Chance that contingency use grows or ends by {LEVEL_WORDS[level]}, from {_start(projection)}.",
            data=data,
            view=view,
            units="probability",
            notes=(DEFINITION, "The CSV has every event and 1 to 4 quarters."),
            **basis(projection),
        )
    )


def councils_table(shelf: Pack, projection: Projection, found: pd.DataFrame, region: str = "") -> Exhibit:
    """Chances by council: those with the largest chance that something changes come first."""
    data = found[found["level"] == "council"].drop(columns="level")
    home = projection.councils.set_index("lad_code")["region"]
    data = data.assign(region=home.reindex(data["place"]).to_numpy())
    if region:
        data = data[data["region"] == region]
    wide = data.pivot(index=["place", "name", "people"], columns=["event", "horizon"], values="probability")
    order = wide[[("starts", 4), ("grows", 4), ("ends", 4)]].max(axis=1).sort_values(ascending=False, kind="stable")
    wide = wide.loc[order.index]
    used = wide.index.get_level_values("people") >= IN_USE
    view = pd.DataFrame(
        {
            "Council": [name for _, name, _ in wide.index],
            "People now": [exact(people) for _, _, people in wide.index],
        }
        | {
            f"{EVENT_WORDS[event].capitalize()}s within {count(horizon, 'quarter', 'quarters')}": [
                chance(p, "council") for p in wide[(event, horizon)]
            ]
            for event in EVENTS
            for horizon in (1, 4)
        }
    )
    ends = wide[used][("ends", 4)]
    likely = int((ends >= 0.5).sum())
    data["probability"] = [stepped(p) for p in data["probability"]]
    return shelf.add(
        Exhibit(
            kind="table",
            name="hotel_warning_councils_region" if region else "hotel_warning_councils",
            title=sentence(
                f"{int(used.sum())} of {len(wide)} councils{f' in {the(region)}' if region else ''} have contingency "
                f"accommodation in use; in {likely or 'none'} of them it is more likely than not to end within a year"
            ),
            subtitle=f"Chance that contingency use starts, grows or ends by council, from {_start(projection)}.",
            data=data,
            view=view,
            units="probability, in steps of 5 points",
            notes=(
                DEFINITION,
                "People now: published. A chance is not a plan: nobody has proposed anything by being in this table. "
                "See how good such warnings have been before using one.",
            ),
            **basis(projection),
        )
    )


def stepped(probability: float) -> float | None:
    """A council's probability in the steps in which it may be given."""
    return None if np.isnan(probability) else round(STEP * round(probability / STEP), 2)


def _start(projection: Projection) -> str:
    return day(np.datetime64(projection.start))


def basis(projection: Projection) -> dict[str, Any]:
    """Label, source and basis of an exhibit of chances."""
    made = projection.modelled()
    made["basis"] = {"interval": "Probability: share of the joint samples", "runs": made["basis"]["runs"]}
    if not _enough(projection):
        made["basis"]["runs"] = "500 joint samples"
        made["source"] = (
            f"stock forecast and contingency use by council to {_start(projection)} (Home Office, Asy_D09, Asy_D11 and "
            "Reg_02), rates measured up to that date"
        )
    return made


def score_table(shelf: Pack, cases: pd.DataFrame, card: pd.DataFrame) -> Exhibit:
    """Brier scores beside climatology and persistence, with what skill there was."""
    scored = card[card["share"] > 0].reset_index(drop=True)
    view = pd.DataFrame(
        {
            "Place": [LEVEL_WORDS[v].capitalize() for v in scored["level"]],
            "Event": [EVENT_WORDS[v] + "s" for v in scored["event"]],
            "Quarters": [str(v) for v in scored["horizon"]],
            "Cases": [exact(v) for v in scored["cases"]],
            "Happened": [share(v) for v in scored["share"]],
            "Brier": [f"{v:.3f}" for v in scored["brier"]],
            "Climatology": [f"{v:.3f}" for v in scored["climatology"]],
            "Persistence": [f"{v:.3f}" for v in scored["persistence"]],
            "Skill": [
                f"{_signed(middle)}\n{_signed(low)} to {_signed(high)}"
                for middle, low, high in zip(*(scored[f"skill{end}"] for end in ("", "_low80", "_high80")), strict=True)
            ],
        }
    )
    better = scored["skill_low80"] > 0
    council = scored[scored["level"] == "council"]
    good, none = [], []
    for event in EVENTS:
        mine = council[council["event"] == event]
        ahead = [str(h) for h, low in zip(mine["horizon"], mine["skill_low80"], strict=True) if low > 0]
        if ahead:
            good.append(f"use {event} ({listed(ahead)} {'quarter' if ahead == ['1'] else 'quarters'} ahead)")
        else:
            none.append(f"use {event}")
    did = f"it did for whether {listed(good)}" if good else "it did for no event"
    did += f" and never for whether {listed(none)}" if none and good else ""
    first, last = cases["origin"].min(), cases["origin"].max()
    return shelf.add(
        Exhibit(
            kind="table",
            name="hotel_warning_score",
            title=sentence(
                f"The warning beat climatology by more than chance in {int(better.sum())} of {len(scored)} rows; for "
                f"councils, {did}"
            ),
            subtitle=f"Brier scores of the early warning: origins {first} to {last}, history from December 2022.",
            data=card,
            view=view,
            row_headers=3,
            units="Brier score; skill is 1 less its ratio to climatology's",
            notes=(
                "Each origin used published figures up to it and no later one. Climatology: how often the event had "
                "happened up to the origin. Persistence: nothing changes. In brackets and below the skill: its 80% "
                "range when whole origins are drawn again; six origins are few.",
                "Beside the share known only afterwards (column hindsight of the CSV), the warning is better in "
                f"{int((scored['brier'] < scored['hindsight']).sum())} of {len(scored)} rows.",
                "Use never ended in a whole region or contract area, so that is not scored. The split by council was "
                "not published from 2024Q4 to 2025Q3, so later origins cannot be scored yet.",
            ),
            label="modelled estimate",
            source="early warning held against contingency use by council (Home Office, Asy_D11)",
        )
    )


def _signed(value: float) -> str:
    return f"{'' if value >= 0 else '−'}{abs(value):.2f}"


def reliability_figure(shelf: Pack, table: pd.DataFrame) -> Exhibit:
    """The reliability curve: of the cases given a like probability, how many happened."""
    spoken = []
    for event in EVENTS:
        mine = table[table["event"] == event]
        pairs = [f"{share(a)} said, {share(b)} happened" for a, b in zip(mine["said"], mine["happened"], strict=True)]
        spoken.append(f"{EVENT_WORDS[event]}s: {', '.join(pairs)}")
    off = {
        event: float(np.average(part["happened"] - part["said"], weights=part["cases"]))
        for event, part in table.groupby("event")
    }
    words = [
        f"{_PAST[event]} {'more' if off[event] > 0 else 'less'} often than said"
        for event in EVENTS
        if abs(off[event]) > 0.02
    ]
    return shelf.add(
        Exhibit(
            kind="figure",
            name="hotel_warning_reliability",
            title=sentence(f"Contingency use {listed(words)}" if words else "What was said happened"),
            subtitle="Share of councils in which the event happened, by the probability given; all quarters ahead.",
            data=table,
            units="probability and share",
            alternative=f"One panel an event with a line of equal shares. {'; '.join(spoken)}.",
            notes=("Classes with fewer than 20 cases are left out; the size of a dot follows the number of cases.",),
            draw=lambda: _draw_reliability(table),
            label="modelled estimate",
            source="early warning held against contingency use by council (Home Office, Asy_D11)",
        )
    )


def _draw_reliability(table: pd.DataFrame) -> Figure:
    figure, grid = panels(1, len(EVENTS), 3.2)
    for axes, event in zip(grid, EVENTS, strict=True):
        mine = table[table["event"] == event]
        top = 1.12 * float(max(mine["said"].max(), mine["happened"].max()))
        axes.plot([0, top], [0, top], color=MUTED, lw=0.9, ls=":")
        axes.plot(mine["said"], mine["happened"], color=CATEGORIES[0], lw=1.2)
        size = 18 + 140 * mine["cases"] / table["cases"].max()
        axes.scatter(mine["said"], mine["happened"], s=size, color=CATEGORIES[0], edgecolor="white", zorder=3)
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        axes.set_title(f"{EVENT_WORDS[event].capitalize()}s")
        axes.set_xlabel("probability given")
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    grid[0].set_ylabel("share that happened")
    return figure


def totals_claim(shelf: Pack, projection: Projection) -> Exhibit:
    """People in contingency accommodation a year ahead, in one sentence."""
    _, now, ahead = samples(projection)
    totals = ahead.sum(axis=2)
    last = min(HORIZONS[-1], totals.shape[1]) - 1
    low, central, high = np.quantile(totals[:, last], [0.1, 0.5, 0.9])
    data = pd.DataFrame([{"now": int(now.sum()), "low80": low, "central": central, "high80": high}])
    return shelf.add(
        Exhibit(
            kind="claim",
            name="contingency_year_ahead",
            title=sentence(
                f"{exact(now.sum())} people were in contingency accommodation on {_start(projection)}; a year later it "
                f"may be between {number(low)} and {number(high)} (80% interval)"
            ),
            subtitle="People in contingency accommodation, United Kingdom.",
            data=data,
            units="people",
            **basis(projection),
        )
    )
