"""What notebook 03 shows of trust: what makes the range, simulation error, the naive backtest, the assumptions log."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

import params
from evidence import results
from evidence.chapters.baseline import changes
from evidence.chapters.funding import policy_years, span
from evidence.drawing import figures
from evidence.exhibits import RECORDED, Exhibit, Pack
from evidence.results import HOTEL
from evidence.wording import count, day, exact, listed, money, month, number, percent, sentence, share
from params.instruments import FOLDER as INSTRUMENTS
from params.instruments import KINDS as INSTRUMENT_KINDS
from params.instruments import library
from params.local import KEY as LOCAL

KINDS = {
    "measured": "measured from published data",
    "calibrated": "fitted so that the model reproduces published series",
    "policy": "set by policy or by the option",
    "elicited": "judged, because nothing published gives it",
}


def outcomes(pack: Pack) -> dict[str, tuple[xr.DataArray, bool]]:
    """The figures the answer rests on, by name, each (draw, replication), with whether it is money."""
    years = policy_years(pack)
    total = results.over_years(results.council_net_cost(pack.study), years)
    moved = results.minus_baseline(total, pack.baseline)
    base = pack.quoted(pack.baseline)
    hotels = results.supported(pack.study, accommodation=HOTEL).isel(month_end=-1, drop=True)
    people = results.supported(pack.study).isel(month_end=-1, drop=True)
    found: dict[str, tuple[xr.DataArray, bool]] = {
        f"Council net cost {span(years)}, {base}": (total.sel(arm=pack.baseline, drop=True), True)
    }
    for arm in pack.others:
        found[f"Difference that {pack.quoted(arm)} makes to it"] = (moved.sel(arm=arm, drop=True), True)
    found[f"People in hotels, {month(pack.end)}, {base}"] = (hotels.sel(arm=pack.baseline, drop=True), False)
    found[f"People supported, {month(pack.end)}, {base}"] = (people.sel(arm=pack.baseline, drop=True), False)
    return found


def _split(pack: Pack) -> pd.DataFrame:
    rows = []
    for name, (samples, is_money) in outcomes(pack).items():
        summary = results.summarise(samples).iloc[0]
        error = results.simulation_error(samples)
        split = results.variance_split(samples)
        rows.append({"outcome": name, "money": is_money, **split, "simulation_error": error, **summary})
    return pd.DataFrame(rows)


def variance_figure(pack: Pack) -> Exhibit:
    """How much of each range comes from assumptions and how much from chance and intake."""
    table = _split(pack)
    known = table[table["assumptions"].notna()]
    view = pd.DataFrame(
        {
            "Outcome": table["outcome"],
            "Assumptions": [_share(v) for v in table["assumptions"]],
            "Chance and intake": [_share(v) for v in table["chance_and_intake"]],
        }
    )
    pairs = zip(known["outcome"], known["assumptions"], strict=True)
    spoken = "; ".join(f"{outcome}: {share(part)} assumptions" for outcome, part in pairs)
    return pack.add(
        Exhibit(
            kind="figure",
            name="variance",
            title=(
                "No outcome varies enough in this study to say what makes its range."
                if known.empty
                else f"{share(known['assumptions'].iloc[0])} of the variance of councils' net cost comes from "
                f"assumptions, {share(known['chance_and_intake'].iloc[0])} from chance and intake."
            ),
            subtitle="Share of variance between draws of the assumptions, and within a draw, of the main outcomes.",
            data=table.drop(columns=["money", "simulation_error"]),
            view=view,
            units="share of variance",
            alternative=f"Stacked bars. {spoken}.",
            notes=(
                "Better evidence on assumptions narrows the first part; only time narrows the second. An outcome "
                "that does not vary has no split.",
                f"Estimated from {pack.study.sizes['draw']} draws, so rough: 100% chance means that the draws could "
                "not be told apart from it.",
            ),
            draw=lambda: figures.variance_bars(known.reset_index(drop=True)),
            **pack.modelled(),
        )
    )


def _share(value: float) -> str:
    return "[z]" if pd.isna(value) else share(value)


def variance_claim(pack: Pack) -> Exhibit:
    """What makes the range, in one sentence for the summary."""
    table = _split(pack)
    first = table.iloc[0]
    log = _register(pack)
    uncertain = log[log["distribution"] != "fixed"]
    elicited = int((uncertain["kind"] == "elicited").sum())
    makes = (
        f"Of the variance of councils' net cost under {pack.quoted(pack.baseline)}, {share(first['assumptions'])} "
        f"comes from assumptions and {share(first['chance_and_intake'])} from chance and intake"
        if pd.notna(first["assumptions"])
        else "This study is too small to say how much of the range comes from assumptions"
    )
    return pack.add(
        Exhibit(
            kind="claim",
            name="what_makes_the_range",
            title=sentence(
                f"{makes}; {elicited} of the {len(uncertain)} uncertain assumptions are judged, not measured or fitted"
            ),
            subtitle="Share of variance between draws and within a draw; assumptions by kind.",
            data=pd.DataFrame([{**first.drop(["money"]), "uncertain": len(uncertain), "elicited": elicited}]),
            units="share of variance; assumptions",
            summary=len(pack.labels) + 3,
            **pack.modelled(),
        )
    )


def simulation_error(pack: Pack) -> Exhibit:
    """How far the central figures could move if the study had more draws and replications."""
    table = _split(pack)
    show = [money if m else number for m in table["money"]]
    width = table["high80"] - table["low80"]
    relative = (table["simulation_error"] / width.where(width > 0)).fillna(0.0)
    view = pd.DataFrame(
        {
            "Outcome": table["outcome"],
            "Central": [f(v) for f, v in zip(show, table["central"], strict=True)],
            "80% interval": [
                f"{f(a)} to {f(b)}" for f, a, b in zip(show, table["low80"], table["high80"], strict=True)
            ],
            "Standard error of the central figure": [
                f(v) if pd.notna(v) else "[z]" for f, v in zip(show, table["simulation_error"], strict=True)
            ],
            "As a share of the interval": [share(v) for v in relative],
        }
    )
    worst = relative.max()
    return pack.add(
        Exhibit(
            kind="table",
            name="simulation_error",
            title=sentence(
                f"The limited number of simulations leaves a standard error of up to {share(worst)} of the width of "
                "the 80% interval in the central figures"
            ),
            subtitle="Monte Carlo standard error of central figures, by bootstrap over draws.",
            data=table.drop(columns="money").assign(share_of_interval=relative),
            view=view,
            units="GBP cash; people",
            **pack.modelled(),
        )
    )


def backtest_table(pack: Pack) -> Exhibit:
    """How wrong 'no change' has been for councils: the bar that council intervals respect."""
    support = params.reference("support_by_council")
    totals = support.pivot(index="quarter_end", columns="lad_code", values="total")
    parts = [results.persistence_ratios(totals, q).assign(quarters=q) for q in (4, 8)]
    data = pd.concat(parts, ignore_index=True)[["quarters", "band", "low", "high", "pairs"]]
    view = pd.DataFrame(
        {
            "People supported in the council": data["band"],
            "Quarters ahead": [str(q) for q in data["quarters"]],
            "80% of councils ended between": [
                f"{percent(a)} and {percent(b)} of their start" for a, b in zip(data["low"], data["high"], strict=True)
            ],
            "Comparisons": [number(v, 6) for v in data["pairs"]],
        }
    )
    large = data[(data["quarters"] == 4)].iloc[-1]
    return pack.add(
        Exhibit(
            kind="table",
            name="naive_backtest",
            title=sentence(
                f"Even in councils with {large['band']} people, the number a year later was anywhere from "
                f"{percent(large['low'])} to {percent(large['high'])} of its start in four cases out of five"
            ),
            subtitle=(
                f"People supported by council against the same council earlier, "
                f"{totals.index[0]:%B %Y} to {totals.index[-1]:%B %Y}."
            ),
            data=data,
            view=view,
            units="later over earlier",
            label=RECORDED,
            source="computed from Home Office, Asy_D11, as published",
            notes=(
                "No modelled interval of people in a council is narrower than the one-year row of its size. Published "
                "totals leave out people on subsistence only from December 2023 to December 2024, which widens the "
                "rows a little.",
            ),
        )
    )


def national_backtest(pack: Pack) -> Exhibit:
    """The model's national ranges beside the error of assuming no change, at the same distance ahead."""
    history = params.reference("support_national").set_index("quarter_end")
    measures = {"People supported": ("total", None), "People in hotels": ("hotel_latest_vintage", HOTEL)}
    rows = []
    for measure, (column, accommodation) in measures.items():
        known = history[column].dropna()
        stock = results.supported(pack.study, accommodation=accommodation).sel(arm=pack.baseline, drop=True)
        for quarters in (q for q in (2, 4, 8) if 3 * q < stock.sizes["month_end"]):
            later = (known.shift(-quarters) / known).dropna()
            model = results.summarise(
                stock.isel(month_end=3 * quarters, drop=True) / stock.isel(month_end=0, drop=True)
            )
            low, high = later.quantile([0.1, 0.9])
            rows.append(
                {
                    "measure": measure,
                    "quarters": quarters,
                    "past_low80": low,
                    "past_high80": high,
                    "comparisons": len(later),
                    "model_low80": model["low80"].iloc[0],
                    "model_high80": model["high80"].iloc[0],
                }
            )
    data = pd.DataFrame(rows)
    model_width, past_width = (data[f"{n}_high80"] - data[f"{n}_low80"] for n in ("model", "past"))
    data["model_narrower"] = model_width < past_width
    narrower = int(data["model_narrower"].sum())
    view = pd.DataFrame(
        {
            "Measure": data["measure"],
            "Quarters ahead": [str(q) for q in data["quarters"]],
            "Past: later as a share of earlier": [
                f"{percent(a)} to {percent(b)}" for a, b in zip(data["past_low80"], data["past_high80"], strict=True)
            ],
            "Comparisons": [str(n) for n in data["comparisons"]],
            "Model: as a share of its start": [
                f"{percent(a)} to {percent(b)}" for a, b in zip(data["model_low80"], data["model_high80"], strict=True)
            ],
            "Narrower than the past": ["yes" if n else "no" for n in data["model_narrower"]],
        }
    )
    verdict = (
        f"In {narrower} of {len(data)} comparisons the model's range is narrower than past changes were; plan for the "
        "wider of the two there"
        if narrower
        else "The model's ranges are at least as wide as past changes were"
    )
    return pack.add(
        Exhibit(
            kind="table",
            name="national_backtest",
            title=sentence(verdict),
            subtitle=f"80% ranges of national stocks relative to their start, under {pack.quoted(pack.baseline)}.",
            data=data,
            view=view,
            row_headers=2,
            units="later over earlier",
            **pack.modelled(past="Past: every published quarter end, Home Office, Asy_D09"),
            notes=(
                "Few and overlapping comparisons, above all of hotels, which were first published for December 2022.",
                *_published_since(pack),
            ),
        )
    )


def _published_since(pack: Pack) -> tuple[str, ...]:
    """What was published after the study's start and not used, against the model's own range for that day."""
    totals = params.reference("published_totals")
    later = totals[totals["name"].str.startswith("supported_people_")]
    stock = results.supported(pack.study).sel(arm=pack.baseline, drop=True)
    sentences = []
    for _, row in later.iterrows():
        if row["date"] <= pack.start or row["date"] not in stock["month_end"].values:
            continue
        model = results.summarise(stock.sel(month_end=row["date"], drop=True)).iloc[0]
        value = float(row["value"])
        inside = next((name for name in ("80", "95") if model[f"low{name}"] <= value <= model[f"high{name}"]), None)
        where = f"inside the {inside}% interval" if inside else "outside the 95% interval"
        sentences.append(
            f"Published since and not used: {exact(int(value))} people were supported on {day(row['date'])}, {where}; "
            f"the model's 80% interval for that day is {number(model['low80'])} to {number(model['high80'])}."
        )
    return tuple(sentences)


def _register(pack: Pack) -> pd.DataFrame:
    """The register with the values the study's baseline used, one row an assumption."""
    entries = params.load().entries
    used = pack.record["assumptions"][pack.baseline]
    rows = []
    for name, steps in used.items():
        if name.startswith(f"{INSTRUMENTS}."):
            rows.append(_instrument(name, steps))
            continue
        if name.startswith(f"{LOCAL}."):
            continue  # in a table of its own
        entry = entries.get(name)
        if entry is None:  # the register has moved on since the study; its record still says what was used
            rows.append({"assumption": name, "value": _dated(steps), "kind": "elicited", "distribution": "fixed"})
            continue
        rows.append(
            {
                "assumption": name,
                "value": _dated(steps),
                "low": entry.low,
                "high": entry.high,
                "unit": entry.unit,
                "distribution": entry.distribution,
                "kind": entry.kind,
                "source": entry.source,
                "as of": entry.as_of.isoformat(),
                "quality": entry.quality,
                "impact": entry.impact,
                "note": entry.note,
            }
        )
    return pd.DataFrame(rows)


def _instrument(name: str, steps: list[Any]) -> dict[str, Any]:
    """A grant instrument as a row of the log: its rule in words, with the source its file gives."""
    known = {f"{INSTRUMENTS}.{n}": i for own in library().values() for n, i in own.items()}
    own = known.get(name)
    unit = INSTRUMENT_KINDS[own.kind].unit if own else ""
    return {
        "assumption": name,
        "value": _dated(steps),
        "unit": unit,
        "distribution": "fixed",
        "kind": "policy",
        "source": own.source if own and own.source else "set by the option's scenario",
        "as of": own.as_of.isoformat() if own and own.as_of else "",
        "quality": "green",
        "impact": "red",
        "note": own.note if own else "",
    }


def _dated(steps: list[Any]) -> str:
    shown = [f"{_plain(value)}" if start <= "1900-01-01" else f"{_plain(value)} from {start}" for start, value in steps]
    return "; ".join(shown)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,g}" if isinstance(value, float) else str(value)


def kinds_table(pack: Pack) -> Exhibit:
    """How many assumptions rest on what, and which judged ones matter most."""
    log = _register(pack)
    rows = []
    for kind, meaning in KINDS.items():
        own = log[log["kind"] == kind]
        rows.append(
            {
                "kind": kind,
                "meaning": meaning,
                "assumptions": len(own),
                "high impact": int((own["impact"] == "red").sum()),
                "high impact on weak evidence": int(((own["impact"] == "red") & (own["quality"] == "red")).sum()),
            }
        )
    data = pd.DataFrame(rows)
    weak = log[(log["kind"] == "elicited") & (log["impact"] == "red")]
    names = listed(list(weak["assumption"])) if len(weak) else "none"
    elicited = int((log["kind"] == "elicited").sum())
    return pack.add(
        Exhibit(
            kind="table",
            name="assumption_kinds",
            title=f"{elicited} of {len(log)} assumptions could not be measured or fitted and are judged.",
            subtitle="Assumptions by what they rest on, with their rated impact on the answer.",
            data=data,
            units="assumptions",
            source=f"assumptions register; study {pack.study_id}",
            label=RECORDED,
            notes=(f"Judged and of high impact: {names}.",),
        )
    )


def assumptions_log(pack: Pack) -> Exhibit:
    """The whole register as the study used it."""
    data = _register(pack)
    view = pd.DataFrame(
        {
            "Assumption": data["assumption"],
            "Value": data["value"],
            "Range": [_range(r) for _, r in data.iterrows()],
            "Unit": data["unit"],
            "Kind": data["kind"],
            "Quality": data["quality"],
            "Impact": data["impact"],
            "Source": data["source"],
        }
    )
    return pack.add(
        Exhibit(
            kind="table",
            name="assumptions_log",
            title=f"The study rests on {len(data)} assumptions, each with its source.",
            subtitle=f"Values under {pack.quoted(pack.baseline)}, ranges of the draws, and ratings.",
            data=data,
            view=view,
            units="as each row says",
            source=f"assumptions register; study {pack.study_id}",
            label=RECORDED,
            notes=("Quality rates the evidence and impact the effect on the answer: red, amber or green.",),
        )
    )


def _range(row: pd.Series) -> str:
    if row["distribution"] == "fixed":
        return "fixed"
    return f"{_plain(row['low'])} to {_plain(row['high'])}" if pd.notna(row["low"]) else "joint draws"


def local_log(pack: Pack) -> Exhibit:
    """What each option says of single councils or changes for a written reason: whose word, not the words."""
    said = pack.record["extra"].get(LOCAL, {})
    rows = [
        {
            "option": pack.labels[arm],
            "council or assumption": row.get("name", row.get("assumption", "")),
            "sets": row.get("set", "value"),
            "value": _plain(row.get("value", "as the log says")),
            "from": row.get("from", ""),
            "until": row.get("until", ""),
            "by": row["by"],
        }
        for arm, own in said.items()
        for row in own
    ]
    columns = ["option", "council or assumption", "sets", "value", "from", "until", "by"]
    title = f"{count(len(rows), 'rule', 'rules')} of local intelligence hold, each with a recorded reason."
    return pack.add(
        Exhibit(
            kind="table",
            name="local_intelligence",
            title=title if rows else "No option uses local intelligence.",
            subtitle="Maxima, pauses, weights and states of participation set for single councils, by role.",
            data=pd.DataFrame(rows, columns=columns),
            row_headers=2,
            units="as each row says",
            source=f"study {pack.study_id}",
            label=RECORDED,
            notes=("Reasons are kept in the study's record and are not exported.",),
        )
    )


def options_log(pack: Pack) -> Exhibit:
    """What each option changes in the assumptions, and from when."""
    parts = [changes(pack, arm).assign(option=label) for arm, label in pack.others.items()]
    data = pd.concat(parts, ignore_index=True)[["option", "assumption", "from", "value", "baseline"]]
    shown = data[["value", "baseline"]].map(_plain)
    return pack.add(
        Exhibit(
            kind="table",
            name="options_log",
            title=(
                f"The options differ from {pack.quoted(pack.baseline)} in "
                f"{count(data['assumption'].nunique(), 'assumption', 'assumptions')}."
            ),
            subtitle="Values that each option sets, with the date from which they hold.",
            data=data,
            view=data.assign(value=shown["value"], baseline=shown["baseline"]).set_axis(
                ["Option", "Assumption", "From", "Value", "Baseline's value"], axis=1
            ),
            row_headers=2,
            units="as the assumption's row in the log says",
            source=f"study {pack.study_id}",
            label=RECORDED,
        )
    )
