"""What notice of a hotel changes: read from a finished study whose arms differ in the days of notice councils get."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from evidence import results
from evidence.exhibits import Exhibit, Pack, open_pack
from evidence.studies.projection import newest_study
from evidence.wording import change, month, people_change, sentence
from params.register import read_register

FILE = "hotel_notice.toml"
LEVER = "hotels.notice_days"


def how() -> str:
    """What a reader is told when there is no finished study of notice."""
    if LEVER not in read_register():
        return "not known: the model has no length of notice yet, only the share of openings without any."
    return (
        f"not computed yet: `dispersal study params/studies/{FILE}` simulates 0, 14, 28 and 56 days of notice, in "
        "pairs, and this section then shows what they change."
    )


def notice_table(shelf: Pack, runs: Path) -> Exhibit | None:
    """What each notice changes against the study's baseline, in pairs; None without a finished study."""
    study_id = newest_study(runs, FILE)
    if study_id is None:
        return None
    pack = open_pack(study_id, str(runs))
    study = pack.study
    beds = study["beds_at_month_end"].isel(month_end=-1, drop=True).astype(float)
    hotels = results.supported(study, accommodation=results.HOTEL).isel(month_end=-1, drop=True).astype(float)
    cost = results.over_years(results.council_net_cost(study), results.complete_years(study))
    measures = {
        "dispersal beds": (beds, people_change),
        "people in hotels": (hotels, people_change),
        "councils' net cost": (cost, change),
    }
    tables, view = [], {"Notice": list(pack.others.values())}
    for name, (values, words) in measures.items():
        table = results.summarise(results.minus_baseline(values, pack.baseline)).set_index("arm").loc[list(pack.others)]
        tables.append(table.reset_index().assign(measure=name))
        view[sentence(name)[:-1]] = [words(a, b) for a, b in zip(table["low80"], table["high80"], strict=True)]
    longest = list(pack.others)[-1]
    row = results.row(pd.concat(tables), arm=longest, measure="dispersal beds")
    pack.out = shelf.out
    return pack.add(
        Exhibit(
            kind="table",
            name="hotel_notice",
            title=sentence(
                f"With {pack.quoted(longest)} there are {people_change(row.low80, row.high80)} dispersal beds by "
                f"{month(pack.end)} than with {pack.quoted(pack.baseline)} (80% interval)"
            ),
            subtitle=(
                f"What notice of hotels changes against {pack.quoted(pack.baseline)}: stocks at {month(pack.end)}, net "
                "cost over all complete financial years, cash; 80% intervals."
            ),
            data=pd.concat(tables, ignore_index=True),
            view=pd.DataFrame(view),
            units="beds, people; GBP cash",
            notes=("Paired runs. What notice does to a council's readiness is elicited, not measured.",),
            **pack.modelled(prices="Cash"),
        )
    )
