"""What notebook 07 shows: posterior against prior, the fit by target, ridges, and what the data cannot identify."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evidence.drawing import trust_figures
from evidence.exhibits import MODELLED, Exhibit, Exhibits, Pack
from evidence.validation.trust import Absent, Calibration, adopted, published, within
from evidence.wording import count, day, listed, number, sentence, significant

COMMAND = "dispersal calibrate && dispersal calibrate --adopt ID"
RIDGE = 0.4  # correlation from which two assumptions are said to trade off
_SETS = {"set_a": "Set A", "set_b": "Set B"}
_IDENTIFIED = {"yes": "identified", "weakly": "weakly identified", "no": "not identified"}


def _source(own: Calibration) -> dict[str, object]:
    return {
        "label": MODELLED,
        "basis": {"interval": f"80% interval over {len(own.draws)} rows of the posterior"},
        "source": f"Home Office, MoJ and MHCLG series named in params/hindcast/targets.toml; {own.record['id']}",
    }


def posterior_figure(pack: Pack) -> Exhibit | Absent:
    """Each fitted assumption: the prior range, and where the posterior lies in it."""
    own = adopted(pack)
    if own is None or own.known is None:
        return Absent("Posterior against prior", COMMAND)
    known = own.known.sort_values("sd_ratio", kind="stable").reset_index(drop=True)
    counts = {word: int((known["identified"] == word).sum()) for word in _IDENTIFIED}
    view = pd.DataFrame(
        {
            "Assumption": known["assumption"],
            "Unit": known["unit"],
            "Prior range": [_span(r, "low", "high") for _, r in known.iterrows()],
            "Posterior": [
                f"{number(r['posterior_mean'])}\n{_span(r, 'posterior_low80', 'posterior_high80')}"
                for _, r in known.iterrows()
            ],
            "Central value": [number(v) for v in known["central"]],
            "Width left": [f"{v:.0%}" for v in known["sd_ratio"]],
            "Said of it": [_IDENTIFIED[str(word)] for word in known["identified"]],
        }
    )
    left = listed([str(n) for n in known.loc[known["identified"] == "no", "assumption"]] or ["none"])
    return pack.add(
        Exhibit(
            kind="figure",
            name="posterior",
            title=sentence(
                f"The published record identifies {counts['yes']} of {len(known)} fitted assumptions, "
                f"{counts['weakly']} weakly, and leaves {counts['no']} as wide as before"
            ),
            subtitle=f"{len(own.draws)} joint draws against each assumption's prior range (uniform).",
            data=known,
            view=view,
            units="as each row says",
            alternative=f"Bars of the posterior's 80% interval inside each prior range. Not identified: {left}.",
            notes=("Width left: standard deviation of the posterior over that of the prior.",),
            draw=lambda: trust_figures.posterior(known),
            **_source(own),  # type: ignore[arg-type]
        )
    )


def _span(row: pd.Series, low: str, high: str) -> str:
    return f"{number(row[low])} to {number(row[high])}"


def fit_table(pack: Pack) -> Exhibit | Absent:
    """Each target with its tolerance, and what prior, posterior and the published sets make of it."""
    own = adopted(pack)
    if own is None or own.fit is None:
        return Absent("Fit by target", COMMAND, said=own is None)
    series = own.fit["name"].str.match(r"supported_\d")
    fit = own.fit[~series & (own.fit["name"] != "distance")].reset_index(drop=True)
    inside = fit["inside"].astype(str) == "True"
    view = pd.DataFrame(
        {
            "Target": fit["label"],
            "Used": ["fitted" if f else "read only" for f in fit["fitted"]],
            "Published": [published(v) for v in fit["target"]],
            "Tolerance": [within(a, b) for a, b in zip(fit["low"], fit["high"], strict=True)],
            "Prior mean": [number(v) for v in fit["prior_mean"]],
            "Posterior": [
                f"{number(r['posterior_mean'])}\n{_span(r, 'posterior_low80', 'posterior_high80')}"
                for _, r in fit.iterrows()
            ],
            **{title: [number(v) for v in fit[name]] for name, title in _SETS.items() if name in fit},
            "Inside": ["yes" if i else "no" for i in inside],
        }
    )
    missed = [str(label) for label in fit.loc[~inside, "label"]]
    return pack.add(
        Exhibit(
            kind="table",
            name="calibration_fit",
            title=f"{int(inside.sum())} of {len(fit)} targets lie inside their tolerance at the posterior mean.",
            subtitle="Targets of the calibration and what is read beside them; realised flows given.",
            data=fit,
            view=view,
            units="as each target says",
            notes=(
                f"Outside: {listed(missed)}." if missed else "None outside.",
                "Sets A and B are the two published sets of support values that fit together, other values central.",
            ),
            **_source(own),  # type: ignore[arg-type]
        )
    )


def supported_figure(pack: Pack) -> Exhibit | Absent:
    """Supported people since 2015: published, prior and posterior."""
    own = adopted(pack)
    if own is None or own.fit is None:
        return Absent("Supported people in the calibration", COMMAND, said=True)
    rows = own.fit[own.fit["name"].str.match(r"supported_\d")].reset_index(drop=True)
    rows["day"] = pd.to_datetime(rows["name"].str.removeprefix("supported_"))
    miss = (rows["posterior_mean"] - rows["target"]).abs()
    worst = rows.loc[int(miss.to_numpy().argmax())]
    inside = int((rows["inside"].astype(str) == "True").sum())
    return pack.add(
        Exhibit(
            kind="figure",
            name="calibration_supported",
            title=sentence(
                f"With flows given, the posterior stays within its error of the published number of supported people "
                f"at {inside} of {len(rows)} quarter ends; it misses most, by {number(float(miss.max()))}, on "
                f"{day(np.datetime64(worst['day']))}"
            ),
            subtitle="People supported at quarter ends, UK.",
            data=rows[["day", "target", "prior_mean", "posterior_mean", "posterior_low80", "posterior_high80"]],
            units="people",
            alternative=(
                f"A line of published people from {number(rows['target'].iloc[0])} to "
                f"{number(rows['target'].iloc[-1])}, with the posterior's band about it."
            ),
            draw=lambda: trust_figures.supported(rows),
            **_source(own),  # type: ignore[arg-type]
        )
    )


def ridges(pack: Pack) -> Exhibit | Absent:
    """Pairs of assumptions that the data let trade off: only whole rows of the posterior fit."""
    own = adopted(pack)
    if own is None:
        return Absent("Trade-offs between fitted assumptions", COMMAND, said=True)
    names, related = list(own.draws.columns), own.draws.corr().to_numpy()
    pairs = [
        {"one": names[i], "other": names[j], "correlation": related[i, j]}
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    data = pd.DataFrame(pairs).sort_values("correlation", key=abs, ascending=False, kind="stable")
    data = data[data["correlation"].abs() >= RIDGE].reset_index(drop=True)
    view = data.assign(correlation=[f"{significant(v, 2):+.2f}" for v in data["correlation"]])
    return pack.add(
        Exhibit(
            kind="table",
            name="calibration_ridges",
            title=(
                f"{count(len(data), 'pair', 'pairs')} of fitted assumptions trade off: values picked singly fit worse."
                if len(data)
                else "No two fitted assumptions trade off strongly."
            ),
            subtitle=f"Correlations of at least {RIDGE} either way among {len(own.draws)} joint draws.",
            data=data,
            view=view.set_axis(["Assumption", "Trades off with", "Correlation"], axis=1),
            row_headers=2,
            units="correlation",
            **_source(own),  # type: ignore[arg-type]
        )
    )


def claims(pack: Pack) -> Exhibits | Absent:
    """What the calibration itself said, a claim each."""
    own = adopted(pack)
    if own is None:
        return Absent("What the data cannot identify", COMMAND, said=True)
    return Exhibits(
        pack.add(
            Exhibit(
                kind="claim",
                name=f"calibration_said_{number_}",
                title=str(line),
                subtitle="Said by the calibration.",
                data=pd.DataFrame({"said": [line]}),
                units="text",
                **_source(own),  # type: ignore[arg-type]
            )
        )
        for number_, line in enumerate(own.record.get("said", ()), start=1)
    )
