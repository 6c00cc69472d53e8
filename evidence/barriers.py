"""What each barrier is worth in beds: read from a finished study that switches the coded reasons off, one at a time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from evidence import records, results
from evidence.exhibits import Exhibit, Pack, open_pack
from evidence.wording import month, people_change, sentence

FILE = "barriers.toml"
HOW = (
    f"not computed yet: `dispersal study params/studies/{FILE}` simulates the model without each barrier, in pairs, "
    "and this section then shows the beds each is worth."
)


def newest(runs: Path) -> str | None:
    """Id of the newest finished study of barriers, or None."""
    found = [records.read_record(runs / name) for name in records.listed(runs, "study")]
    fit = [r for r in found if r.status == "complete" and r.settings.get("file") == FILE]
    return max(fit, key=lambda record: record.created).id if fit else None


def worth_table(shelf: Pack, runs: Path) -> Exhibit | None:
    """Beds more at the end without each barrier, in pairs with the baseline; None without a finished study."""
    study_id = newest(runs)
    if study_id is None:
        return None
    pack = open_pack(study_id, str(runs))
    beds = pack.study["beds_at_month_end"].isel(month_end=-1, drop=True).astype(float)
    table = results.summarise(results.minus_baseline(beds, pack.baseline))
    table.insert(1, "label", [pack.labels[str(arm)] for arm in table["arm"]])
    order = table["central"].to_numpy().argsort()[::-1]
    data = table.iloc[order].reset_index(drop=True)
    view = pd.DataFrame(
        {
            "Without": data["label"].str.removeprefix("Without: "),
            "Dispersal beds, median": [people_change(v, v).removeprefix("about ") for v in data["central"]],
            "80% interval": [people_change(a, b) for a, b in zip(data["low80"], data["high80"], strict=True)],
        }
    )
    alone = data[data["arm"] != "together"].iloc[0]
    pack.out = shelf.out
    return pack.add(
        Exhibit(
            kind="table",
            name="barriers_worth",
            title=sentence(
                f"By {month(pack.end)}, “{alone['label'].removeprefix('Without: ')}” is the single barrier worth most: "
                f"{people_change(alone['low80'], alone['high80'])} beds without it"
            ),
            subtitle=f"Dispersal beds at {month(pack.end)} without each barrier, against every barrier as it is.",
            data=data,
            view=view,
            units="beds",
            notes=("Paired runs: both arms have the same draws and chance. Barriers overlap, so they do not add up.",),
            **pack.modelled(),
        )
    )
