"""Options compared: which types of council and which regions are better or worse off, and by how much."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from evidence import results
from evidence.answers import pictures
from evidence.answers.groups import Grouping, council_counts, grouping, in_text, residents
from evidence.answers.net_cost import council_net, pence
from evidence.chapters.funding import LEDGER_NOTES, policy_years, ranged, span
from evidence.disclosure import CONFIDENTIAL, protect
from evidence.exhibits import Exhibit, Pack
from evidence.wording import exact, listed, sentence

BETTER, WORSE, UNCLEAR = "better off", "worse off", "not clear"
_NEGLIGIBLE = 500.0  # GBP over the years compared: below this a council is neither better nor worse off


def by_group(pack: Pack, name: str) -> Exhibit:
    """Change in net cost for each resident under each option, and how many councils gain or lose.

    Args:
        name: council_type or region.
    """
    by, years = grouping(name), policy_years(pack)
    cost = results.over_years(council_net(pack.study, by), years)
    people = xr.DataArray(residents(by).to_numpy(), {"group": list(by.order)}, ("group",))
    table = results.summarise(results.minus_baseline(cost, pack.baseline) / people)
    classes = classified(pack)
    counts = (
        classes.assign(group=classes["council"].map(by.of_council))
        .groupby(["arm", "group", "class"])
        .size()
        .unstack(fill_value=0)
        .reindex(columns=[BETTER, WORSE, UNCLEAR], fill_value=0)
    )
    view = pd.DataFrame({by.heading: list(by.order), "Councils": [exact(v) for v in council_counts(by)]})
    for arm, label in pack.others.items():
        own = results.ordered(table[table["arm"] == arm], "group", by.order)
        view[f"{label}: change for each resident"] = ranged(own, pence)
        found = counts.loc[arm].reindex(by.order, fill_value=0)
        view[f"{label}: better / worse / not clear"] = [" / ".join(map(exact, row)) for row in found.to_numpy()]
    said = [_most_moved(table, arm, pack, by) for arm in pack.others]
    data = table.merge(counts.reset_index(), on=["arm", "group"])
    spoken = "; ".join(
        f"{pack.labels[a]}: {', '.join(f'{g} {pence(results.row(table, arm=a, group=g).central)}' for g in by.order)}"
        for a in pack.others
    )
    return pack.add(
        Exhibit(
            kind="figure",
            name=f"winners_by_{name}",
            title=sentence(
                f"Compared with {pack.quoted(pack.baseline)} and for each resident, {listed(said)} over {span(years)}"
            ),
            subtitle=(
                f"Change in council net cost for each resident over {span(years)} by {by.heading.lower()} and funding "
                "option, cash; below zero, councils are better off."
            ),
            data=data,
            view=view,
            units="GBP cash for each resident; councils",
            alternative=f"Dots with ranges, one panel an option. {spoken}.",
            notes=tuple(
                filter(
                    None,
                    (
                        *LEDGER_NOTES,
                        by.note,
                        "A council counts as better or worse off when its whole 80% interval lies on one side of zero. "
                        "What is a gain to councils is a cost to the Home Office ledger.",
                    ),
                )
            ),
            draw=lambda: pictures.ranges_in_panels(
                {label: table[table["arm"] == arm] for arm, label in pack.others.items()}, "group",
                {g: g for g in by.order}, dict.fromkeys(pack.others.values(), pence), same_scale=True,
            ),
            **pack.modelled(prices="Cash", baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )  # fmt: skip


def _most_moved(table: pd.DataFrame, arm: str, pack: Pack, by: Grouping) -> str:
    """The group whose central figure moves most under one option, in words."""
    own = table[table["arm"] == arm]
    group = str(own["group"].to_numpy()[own["central"].abs().to_numpy().argmax()])
    found = results.row(own, group=group)
    who = in_text(group) if by.name == "council_type" else f"councils in {in_text(group)}"
    verb = "gain" if found.central < 0 else "lose"
    low, high = sorted((abs(found.low80), abs(found.high80)))
    if found.low80 < 0 < found.high80:
        return f"no group clearly gains or loses most under {pack.quoted(arm)}"
    return f"{who} {verb} most under {pack.quoted(arm)} ({pence(low)} to {pence(high)})"


def classified(pack: Pack) -> pd.DataFrame:
    """Whether each council is better or worse off under each option than under the baseline (arm, council, class)."""
    cost = results.over_years(results.council_net_cost(pack.study, "council"), policy_years(pack))
    moved = results.summarise(results.minus_baseline(cost, pack.baseline))
    better, worse = moved["high80"] < -_NEGLIGIBLE, moved["low80"] > _NEGLIGIBLE
    moved["class"] = np.select([better, worse], [BETTER, WORSE], UNCLEAR)
    return moved[["arm", "council", "class"]]


def councils(pack: Pack) -> Exhibit:
    """Every council's class under each option; withheld where it could give a small count away."""
    stock = results.supported(pack.study, "council").isel(quarter_end=-1, drop=True)
    people = results.summarise(stock).pivot(index="council", columns="arm", values="central")
    codes = [str(c) for c in pack.study["council"].values]
    rows = pd.DataFrame(
        {"lad_code": codes, "name": pack.study["council_name"].values, "region": pack.study["region"].values}
    )
    classes = classified(pack).pivot(index="council", columns="arm", values="class")
    for arm in pack.labels:
        rows[f"people_{arm}"] = people.loc[codes, arm].to_numpy()
    for arm in pack.others:
        rows[arm] = classes.loc[codes, arm].to_numpy()
    safe = protect(rows, [f"people_{arm}" for arm in pack.labels], {arm: f"people_{arm}" for arm in pack.others})
    for arm in pack.others:  # the baseline's count stands behind every difference too
        safe[arm] = safe[arm].mask(safe[f"people_{pack.baseline}"] == CONFIDENTIAL, CONFIDENTIAL)
    safe = safe.drop(columns=[f"people_{arm}" for arm in pack.labels]).sort_values(["region", "name"])
    hidden = int((safe[list(pack.others)] == CONFIDENTIAL).any(axis=1).sum())
    said = [f"{_count(safe[a], BETTER)} better off and {_count(safe[a], WORSE)} worse off under {pack.quoted(a)}"
            for a in pack.others]  # fmt: skip
    return pack.add(
        Exhibit(
            kind="table",
            name="winners_councils",
            title=sentence(
                f"Of {len(safe)} councils, compared with {pack.quoted(pack.baseline)}, {listed(said)}; {hidden} are "
                "withheld"
            ),
            subtitle=(
                f"Net cost over {span(policy_years(pack))} compared with {pack.quoted(pack.baseline)}, by council and "
                "funding option."
            ),
            data=safe,
            view=safe.drop(columns="lad_code").rename(
                columns={"name": "Council", "region": "Region"} | {a: pack.labels[a] for a in pack.others}
            ),
            units="text",
            notes=("No amounts, and no ranking: intervals of single councils overlap.",),
            **pack.modelled(baseline=f"Baseline {pack.quoted(pack.baseline)}"),
        )
    )


def _count(column: pd.Series, word: str) -> str:
    found = int((column == word).sum())
    return exact(found) if found else "none"
