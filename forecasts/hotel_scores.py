"""How good the early warning of contingency use was: every past origin, beside climatology and persistence.

Each origin uses the published quarters up to it and no later one. Climatology is how often the event happened in the
quarters up to the origin; persistence says that nothing changes. The Brier score is the mean squared difference
between the probability and what happened: 0 is perfect.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecasts.hotels import EVENTS, HORIZONS, LEVELS, contingency_paths, grouped, happened, history
from params import Assumptions

# Bounds of the classes of the reliability curve: narrow where most warnings lie.
CLASSES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
REPEATS = 400
# A class with fewer cases says nothing of how reliable it is.
FEWEST = 20


def origins() -> list[pd.Period]:
    """Origins that can be scored: at least one quarter before them and one after them has a published split."""
    quarters = list(pd.PeriodIndex(history().index))
    return [q for q in quarters[1:] if q - 1 in quarters and q + 1 in quarters]


def rolling(paths: int = 400, seed: int = 1, assumptions: Assumptions | None = None) -> pd.DataFrame:
    """Warn from every origin and note what happened.

    Returns:
        One row for each place, event, horizon and origin where the event was a question and its quarters are
        published: level, place, event, horizon, origin, probability, climatology, happened (0 or 1).
    """
    whole = history()
    quarters = list(pd.PeriodIndex(whole.index))
    parts = []
    for origin in origins():
        people, base, _ = contingency_paths(str(origin), HORIZONS[-1], paths, seed, assumptions)
        codes = [str(code) for code in base.people.index]
        published = whole.reindex(columns=codes, fill_value=0).to_numpy()
        for level in LEVELS:
            names, sums = grouped(people, codes, level)
            seen = {q: grouped(published[k], codes, level)[1]
                    for k, q in enumerate(quarters)}  # fmt: skip
            usual = climatology(seen, origin)
            for horizon in HORIZONS:
                targets = [origin + k for k in range(1, horizon + 1)]
                if not all(q in seen for q in targets):
                    continue
                truth = happened(seen[origin], np.stack([seen[q] for q in targets]))
                warned = happened(seen[origin], sums[:, :horizon])
                for event in EVENTS:
                    asked = truth[event][1]
                    parts.append(
                        pd.DataFrame(
                            {
                                "level": level,
                                "place": np.array(names)[asked],
                                "event": event,
                                "horizon": horizon,
                                "origin": str(origin),
                                "probability": warned[event][0].mean(axis=0)[asked],
                                "climatology": 1 - (1 - usual[event]) ** horizon,
                                "happened": truth[event][0][asked].astype(int),
                            }
                        )
                    )
    return pd.concat(parts, ignore_index=True)


def climatology(seen: Mapping[pd.Period, np.ndarray], origin: pd.Period) -> dict[str, float]:
    """How often each event happened in a quarter, up to an origin.

    Args:
        seen: people (place,) by published quarter.
        origin: last quarter that counts.
    """
    counts = {event: [0.5, 1.0] for event in EVENTS}
    for quarter in seen:
        if quarter + 1 in seen and quarter + 1 <= origin:
            for event, (met, asked) in happened(seen[quarter], seen[quarter + 1][None]).items():
                counts[event][0] += float(met[asked].sum())
                counts[event][1] += float(asked.sum())
    return {event: met / asked for event, (met, asked) in counts.items()}


def scorecard(cases: pd.DataFrame) -> pd.DataFrame:
    """Brier scores by level, event and horizon.

    Args:
        cases: as from `rolling`.

    Returns:
        Columns level, event, horizon, origins, cases, share (how often it happened), brier, climatology, persistence,
        hindsight (of the share itself, known only afterwards), skill (1 less the ratio of brier to climatology), and
        skill_low80, skill_high80 (whole origins drawn again, because the councils of one origin go together).
    """
    rng = np.random.default_rng(0)
    rows = []
    for (level, event, horizon), part in cases.groupby(["level", "event", "horizon"], sort=False):
        met = part["happened"].to_numpy(float)
        error = pd.DataFrame(
            {
                "origin": part["origin"],
                "brier": (part["probability"] - met) ** 2,
                "climatology": (part["climatology"] - met) ** 2,
            }
        )
        sums = error.groupby("origin")[["brier", "climatology"]].sum().to_numpy()
        drawn = sums[rng.integers(len(sums), size=(REPEATS, len(sums)))].sum(axis=1)
        low, high = np.quantile(1 - drawn[:, 0] / drawn[:, 1], [0.1, 0.9])
        share = float(met.mean())
        rows.append(
            {
                "level": level, "event": event, "horizon": horizon, "origins": len(sums), "cases": len(part),
                "share": share, "brier": float(error["brier"].mean()),
                "climatology": float(error["climatology"].mean()), "persistence": share,
                "hindsight": share * (1 - share), "skill": float(1 - sums[:, 0].sum() / sums[:, 1].sum()),
                "skill_low80": float(low), "skill_high80": float(high),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def reliability(cases: pd.DataFrame, level: str = "council") -> pd.DataFrame:
    """How often an event happened among the cases given a like probability.

    Args:
        cases: as from `rolling`.
        level: one of `LEVELS`.

    Returns:
        Columns event, low, high (bounds of the class), said (mean probability), happened (share), cases; classes with
        hardly any case are left out.
    """
    part = cases[cases["level"] == level]
    group = np.clip(np.searchsorted(CLASSES, part["probability"], side="right") - 1, 0, len(CLASSES) - 2)
    found = part.assign(group=group).groupby(["event", "group"], sort=True)
    table = found.agg(said=("probability", "mean"), happened=("happened", "mean"), cases=("happened", "size"))
    table = table[table["cases"] >= FEWEST].reset_index()
    edges = np.array(CLASSES)
    table.insert(1, "low", edges[table["group"]])
    table.insert(2, "high", edges[table["group"] + 1])
    return table.drop(columns="group")
