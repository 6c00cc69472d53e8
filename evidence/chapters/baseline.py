"""What notebook 01 shows: what was modelled, the published position it starts from, and the intake forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import params
from evidence.drawing import figures
from evidence.exhibits import OFFICIAL, RECORDED, Exhibit, Pack, heading
from evidence.results import QUANTILES
from evidence.wording import day, exact, listed, month, number, number_range, sentence, the
from params.local import KEY as LOCAL
from params.tables import reference_record

ACCOMMODATION = {
    "dispersal": "Dispersal accommodation",
    "contingency_hotel": "Contingency: hotels",
    "contingency_other": "Contingency: other",
    "initial": "Initial accommodation",
    "other": "Other accommodation",
    "subsistence": "Subsistence only",
}
# Far enough back to show the two earlier regimes without flattening the latest years.
HISTORY_FROM = "2010-01-01"


def official(name: str) -> dict[str, Any]:
    """Label and source line of an exhibit that quotes one reference table exactly."""
    record = reference_record(name)
    return {"label": OFFICIAL, "source": f"{record['publisher']}, {record['source_table']}. {vintage(name)}"}


def vintage(name: str) -> str:
    """Release of a table's latest rows: parts of its vintage about earlier rows and other columns are left out."""
    parts = reference_record(name)["vintage"].split("; ")
    return "; ".join(p.removeprefix("people: ") for p in parts if not p.startswith(("to ", "columns ")))


def arms_table(pack: Pack) -> Exhibit:
    """What each funding option is, from the study file and its scenario."""
    settings = pack.record["settings"]
    rows = []
    for arm, label in pack.labels.items():
        scenario = settings["arms"][arm]["scenario"]
        changed = sorted(set(changes(pack, arm)["assumption"]))
        rows.append(
            {
                "funding option": label,
                "what it is": params.load(scenario).why,
                "assumptions that differ": listed(changed) if changed else "none: this is the baseline",
            }
        )
    sizes = pack.study.sizes
    first, last = pack.study["month"].values[[0, -1]]
    return pack.add(
        Exhibit(
            kind="table",
            name="funding_options",
            title=f"{len(rows)} funding options were simulated from {month(first)} to {month(last)}.",
            subtitle=(
                f"Each with {sizes['draw']} draws of the uncertain assumptions and {sizes['replication']} "
                f"replications of chance and intake, the same in every option."
            ),
            data=pd.DataFrame(rows),
            units="text",
            source=f"study {pack.study_id}, {settings['file']}",
            label=RECORDED,
        )
    )


_ABSENT = [["1900-01-01", "not in force"]]  # an instrument that only one arm has


def changes(pack: Pack, arm: str) -> pd.DataFrame:
    """Assumptions of an arm that differ from the baseline's, from the study's own record: assumption, from, value."""
    ours, theirs = (pack.record["assumptions"][name] for name in (arm, pack.baseline))
    rows = [
        {
            "assumption": name,
            "from": start if start > "1900-01-01" else "",
            "value": value,
            "baseline": _last(theirs.get(name, _ABSENT)),
        }
        for name, steps in ours.items()
        if steps != theirs.get(name) and not name.startswith(f"{LOCAL}.")  # in a table of its own
        for start, value in steps
        if [start, value] not in [list(s) for s in theirs.get(name, _ABSENT)]
    ]
    return pd.DataFrame(rows, columns=["assumption", "from", "value", "baseline"])


def _last(steps: list[Any]) -> Any:
    return steps[-1][1]


def _published(pack: Pack) -> pd.DataFrame:
    table = params.reference("support_by_council")
    return table[table["quarter_end"] == pd.Timestamp(pack.start)]


def published_totals(pack: Pack) -> Exhibit:
    """People supported at the start by accommodation type, as published, with the model's own start beside it."""
    rows = _published(pack)
    modelled = pack.study["supported_at_month_end"].isel(month_end=0, arm=0, draw=0, replication=0)
    published = [int(rows[a].sum()) for a in ACCOMMODATION]
    start = [int(modelled.sel(accommodation=a)) for a in ACCOMMODATION]
    names = [*ACCOMMODATION.values(), "All people supported"]
    data = pd.DataFrame(
        {
            "accommodation": names,
            "published": [*published, sum(published)],
            "model at its start": [*start, sum(start)],
        }
    )
    return pack.add(
        Exhibit(
            kind="table",
            name="published_position",
            title=(
                f"{exact(sum(published))} people were receiving asylum support on {day(pack.start)}, "
                f"{exact(published[0])} of them in dispersal accommodation and {exact(published[1])} in hotels."
            ),
            subtitle=f"People by type of accommodation, United Kingdom, {day(pack.start)}, and the model's start.",
            data=data,
            view=data.rename(columns=heading).map(_quoted),
            units="people",
            **official("support_by_council"),
            notes=("The model starts from the published stock: every simulation of every option has these figures.",),
        )
    )


def _quoted(value: object) -> object:
    """A published count exactly; text as it is."""
    return exact(int(value)) if isinstance(value, int | np.integer) else value


def published_regions(pack: Pack) -> Exhibit:
    """People supported at the start by region, as published."""
    councils = params.reference("councils").set_index("lad_code")
    rows = _published(pack).set_index("lad_code")
    rows["region"] = councils["region"]
    rows["population"] = councils["population"]
    rows["contingency"] = rows["contingency_hotel"] + rows["contingency_other"]
    names = ["total", "dispersal", "contingency", "initial", "other", "subsistence", "population"]
    data = rows.groupby("region")[names].sum().astype(int).sort_values("total", ascending=False).reset_index()
    data["per_10000"] = 1e4 * data["total"] / data["population"]
    view = pd.DataFrame(
        {"Region": data["region"]}
        | {
            heading: [exact(v) for v in data[name]]
            for name, heading in (
                ("total", "All supported"),
                ("dispersal", "Dispersal"),
                ("contingency", "Contingency (hotels and other)"),
                ("initial", "Initial"),
                ("other", "Other"),
                ("subsistence", "Subsistence only"),
            )
        }
        | {"For each 10,000 residents": [number(v) for v in data["per_10000"]]}
    )
    top, most = data.iloc[0], data.iloc[int(data["per_10000"].to_numpy().argmax())]
    rate = f"{number(most['per_10000'])} for each 10,000 residents"
    also = f"and, {rate}, the most for its size" if top["region"] == most["region"] else ""
    return pack.add(
        Exhibit(
            kind="table",
            name="published_regions",
            title=sentence(
                f"{the(top['region'])} supports the most people ({exact(top['total'])}) {also}"
                if also
                else f"{the(top['region'])} supports the most people ({exact(top['total'])}); {the(most['region'])} "
                f"the most for its size ({rate})"
            ),
            subtitle=f"People supported by region and type of accommodation, {day(pack.start)}.",
            data=data,
            view=view,
            units="people; rates use the mid-2024 population",
            **official("support_by_council"),
        )
    )


def published_councils(pack: Pack) -> Exhibit:
    """Every council's published row at the start, quoted exactly."""
    councils = params.reference("councils").set_index("lad_code")
    rows = _published(pack).set_index("lad_code")
    rows["contingency"] = rows["contingency_hotel"] + rows["contingency_other"]
    names = ["total", "dispersal", "contingency", "initial", "other", "subsistence"]
    data = councils[["name", "region"]].join(rows[names].astype(int), validate="one_to_one")
    data = data.sort_values(["region", "name"]).reset_index()
    headings = [
        "Council",
        "Region",
        "All supported",
        "Dispersal",
        "Contingency",
        "Initial",
        "Other",
        "Subsistence only",
    ]
    view = data.drop(columns="lad_code").set_axis(headings, axis=1)
    view = view.map(_quoted)
    nobody = int((data["total"] == 0).sum())
    return pack.add(
        Exhibit(
            kind="table",
            name="published_councils",
            title=(
                f"{len(data) - nobody} of {len(data)} councils had people supported on {day(pack.start)}; "
                f"{int((data['dispersal'] > 0).sum())} had dispersal accommodation."
            ),
            subtitle=f"People supported by council and type of accommodation, {day(pack.start)}.",
            data=data,
            view=view,
            units="people",
            **official("support_by_council"),
            notes=("Contingency is hotels and other contingency together, as published for councils at this date.",),
        )
    )


def _paths(pack: Pack) -> tuple[xr.DataArray, pd.PeriodIndex]:
    """Claims (path, quarter) of the study's own intake file, and its quarters, as far as the study runs."""
    import forecasts

    by_quarter = forecasts.read_paths(pack.folder / "intake.nc")["people_by_quarter"]
    quarters = pd.PeriodIndex(by_quarter["quarter_name"].values.astype(str), freq="Q")
    inside = quarters.end_time <= pd.Timestamp(pack.end) + pd.Timedelta(days=1)
    return by_quarter.transpose("path", "quarter").isel(quarter=inside), quarters[inside]


def intake_fan(pack: Pack) -> Exhibit:
    """Claims by quarter: history and the forecast's fan."""
    by_quarter, quarters = _paths(pack)
    found = np.quantile(by_quarter.values, list(QUANTILES.values()), axis=0)
    fan = pd.DataFrame({"quarter_end": quarters.end_time.normalize()} | dict(zip(QUANTILES, found, strict=True)))
    history = params.reference("intake")
    history = history[history["quarter_end"] >= HISTORY_FROM][["quarter_end", "people"]]
    history = history[history["quarter_end"] < fan["quarter_end"].iloc[0]]
    last = fan.iloc[-1]
    latest = history["people"].iloc[-4:].sum()
    data = pd.concat([history.assign(series="published"), fan.assign(series="forecast")], ignore_index=True)
    when = f"{last['quarter_end']:%B %Y}"
    return pack.add(
        Exhibit(
            kind="figure",
            name="intake_fan",
            title=(
                f"Quarterly claims could be anywhere {number_range(last['low80'], last['high80'])} "
                f"by the quarter to {when}: intake is close to a random walk."
            ),
            subtitle="People claiming asylum by quarter, UK: published, then forecast with 80% and 95% bands.",
            data=data,
            units="people",
            alternative=(
                f"Line of published claims from {history['quarter_end'].iloc[0]:%Y}, last value "
                f"{exact(history['people'].iloc[-1])}. The forecast's median is {number(fan['central'].iloc[0])} in "
                f"the first quarter and {number(last['central'])} in the quarter to {when}; its 80% band widens from "
                f"{number_range(fan['low80'].iloc[0], fan['high80'].iloc[0])} to "
                f"{number_range(last['low80'], last['high80'])}."
            ),
            notes=(
                f"{exact(latest)} people claimed in the four quarters to {day(pack.start)}.",
                f"Forecast: {by_quarter.sizes['path']:,} sample paths.",
            ),
            draw=lambda: figures.intake_fan(history, fan),
            **_intake_basis(pack),
        )
    )


def _intake_basis(pack: Pack) -> dict[str, Any]:
    basis = pack.modelled()
    record = reference_record("intake")
    return basis | {
        "source": f"{record['publisher']}, {record['source_table']}. {vintage('intake')}; study {pack.study_id}",
        "basis": {"interval": "80% and 95% intervals of the sample paths"},
    }


def intake_years(pack: Pack) -> Exhibit:
    """Claims by calendar year, summed along each path before any quantile."""
    by_quarter, quarters = _paths(pack)
    years = [y for y in dict.fromkeys(quarters.year) if (quarters.year == y).sum() == 4]
    totals = np.stack([by_quarter.values[:, quarters.year == y].sum(1) for y in years])
    found = np.quantile(totals, list(QUANTILES.values()), axis=1)
    data = pd.DataFrame({"year": years} | dict(zip(QUANTILES, found, strict=True)))
    view = pd.DataFrame(
        {
            "Calendar year": [str(y) for y in years],
            "Central": [number(v) for v in data["central"]],
            "80% interval": [f"{number(a)} to {number(b)}" for a, b in zip(data["low80"], data["high80"], strict=True)],
            "95% interval": [f"{number(a)} to {number(b)}" for a, b in zip(data["low95"], data["high95"], strict=True)],
        }
    )
    first, last = data.iloc[0], data.iloc[-1]
    return pack.add(
        Exhibit(
            kind="table",
            name="intake_years",
            title=(
                f"Yearly claims range from {_width(first)} in {int(first['year'])}, and from {_width(last)} "
                f"in {int(last['year'])}."
            ),
            subtitle="People claiming asylum by calendar year, United Kingdom, forecast.",
            data=data,
            view=view,
            units="people",
            **_intake_basis(pack),
        )
    )


def _width(row: pd.Series) -> str:
    return f"{number(row['low80'])} to {number(row['high80'])}"


def intake_claim(pack: Pack) -> Exhibit:
    """Claims over the years ahead, in one sentence."""
    by_quarter, quarters = _paths(pack)
    low, central, high = np.quantile(by_quarter.values.sum(1), [0.1, 0.5, 0.9])
    ahead = len(quarters)
    return pack.add(
        Exhibit(
            kind="claim",
            name="intake_total",
            title=sentence(
                f"Over the {ahead} quarters after {day(pack.start)}, {number_range(low, high)} people are expected "
                f"to claim asylum (80% interval; central {number(central)})"
            ),
            subtitle="People claiming asylum, United Kingdom.",
            data=pd.DataFrame([{"low80": low, "central": central, "high80": high, "quarters": ahead}]),
            units="people",
            **_intake_basis(pack),
        )
    )
