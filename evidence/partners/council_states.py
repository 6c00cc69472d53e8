"""Councils in the change plan: the part each plays, who waits without procurement, and the log of decisions."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from evidence.exhibits import Exhibit, Pack
from evidence.partners.monitoring import actual
from evidence.studies.projection import Projection, councils_of
from evidence.wording import count, day, exact, sentence, short_day, the
from params.places import council_name
from params.plan import Plan

PLAN_RECORD = "record of the change plan"
INFERRED = (
    "No official list of participating councils is published: a state marked inferred is read off the published "
    "stock, and a partnership's own file takes its place (--plan FOLDER)."
)
STATE_WORDS = {
    "not_participating": "not participating",
    "agreed_no_procurement": "agreed, no procurement",
    "procuring": "procuring",
    "active": "active",
    "paused_or_at_limit": "paused or at limit",
    "withdrawn": "withdrawn",
}


def waiting(plan: Plan, on: date, region: str = "") -> pd.DataFrame:
    """Councils without procurement: those recorded as having agreed, then those of which nothing is recorded.

    Args:
        plan: as read.
        on: the day to count to.
        region: one region only; empty for all.

    Returns:
        Columns lad_code, council, region, recorded (`agreed` or `nothing`), since, days, barrier, action, people (in
        dispersal accommodation, published).
    """
    _, people = actual()
    table = councils_of(list(people.index)).set_index("lad_code")
    rows = []
    for code, state in plan.states.items():
        agreed = state.state == "agreed_no_procurement"
        expected = state.inferred and people[code] == 0
        if (region and table.loc[code, "region"] != region) or not (agreed or expected):
            continue
        since = state.since
        rows.append(
            {
                "lad_code": code,
                "council": council_name(code),
                "region": table.loc[code, "region"],
                "recorded": "agreed" if agreed else "nothing",
                "since": since,
                "days": (on - since).days,
                "barrier": plan.about.barriers.get(state.barrier, "Not known"),
                "action": plan.about.actions.get(state.action, "None recorded"),
                "people": int(people[code]),
            }
        )
    columns = ["lad_code", "council", "region", "recorded", "since", "days", "barrier", "action", "people"]
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values(["recorded", "days", "council"], ascending=[True, False, True]).reset_index(drop=True)


def no_procurement(shelf: Pack, plan: Plan, on: date, region: str = "") -> Exhibit:
    """Councils that volunteered or agreed and have had no procurement, with days waiting and barrier."""
    data = waiting(plan, on, region)
    agreed = data[data["recorded"] == "agreed"]
    others = data[data["recorded"] == "nothing"]
    where = f" in {the(region)}" if region else ""
    view = pd.DataFrame(
        {
            "Council": data["council"],
            "Region": data["region"],
            "Recorded": [
                "volunteered or agreed"
                if recorded == "agreed"
                else "nothing"
                if home == "Northern Ireland"
                else "nothing; expected by policy"
                for recorded, home in zip(data["recorded"], data["region"], strict=True)
            ],
            "Since": [short_day(v) for v in data["since"]],
            "Days waiting": [exact(v) for v in data["days"]],
            "Barrier": data["barrier"],
            "Action": data["action"],
        }
    )
    if region:
        view = view.drop(columns="Region")
    if view.empty:
        view = pd.DataFrame([["None", *[""] * (view.shape[1] - 1)]], columns=view.columns)
    longest = f", the longest for {exact(agreed['days'].max())} days" if len(agreed) else ""
    return shelf.add(
        Exhibit(
            kind="table",
            name="no_procurement_region" if region else "no_procurement",
            title=sentence(
                f"{len(agreed) or 'no'} {'council is' if len(agreed) < 2 else 'councils are'} recorded{where} as "
                f"having volunteered or agreed without procurement{longest}; "
                f"of {count(len(others), 'other', 'others')} without dispersal accommodation nothing is recorded"
            ),
            subtitle=f"Councils without procurement on {day(np.datetime64(on))}. No procurement.",
            data=data,
            view=view,
            units="days",
            source="states of the change plan; people in dispersal accommodation, Home Office, Asy_D11 and Reg_02",
            label=PLAN_RECORD,
            notes=(
                INFERRED,
                "Councils of which nothing is recorded have nobody in dispersal accommodation in the latest published "
                "figures. Their days count from when the last person left, else from 13 April 2022, when every council "
                "in Great Britain became an expected dispersal area, else (Northern Ireland) from the first figure. "
                "Whether they agreed is not published.",
            ),
        )
    )


def states_table(shelf: Pack, plan: Plan, projection: Projection) -> Exhibit:
    """How many councils of each region are in each state of the plan."""
    region = projection.councils.set_index("lad_code")["region"]
    rows = [{"region": region[c], "state": s.state, "inferred": s.inferred} for c, s in plan.states.items()]
    data = pd.DataFrame(rows).groupby(["region", "state"]).size().unstack(fill_value=0)
    data = data.reindex(columns=list(STATE_WORDS), fill_value=0)
    recorded = sum(not s.inferred for s in plan.states.values())
    headings = {"region": "Region"} | {word: sentence(text)[:-1] for word, text in STATE_WORDS.items()}
    view = data.reset_index().rename(columns=headings)
    return shelf.add(
        Exhibit(
            kind="table",
            name="plan_states",
            title=sentence(
                f"{exact(int(data['active'].sum()))} of {len(rows)} councils are active; the state of "
                f"{exact(recorded) if recorded else 'none'} was recorded, that of the others inferred from the "
                "published stock"
            ),
            subtitle="Councils by part in dispersal and region.",
            data=data.reset_index(),
            view=view.rename_axis(columns=None),
            units="councils",
            source="states of the change plan",
            label=PLAN_RECORD,
            notes=(INFERRED,),
        )
    )


def log_table(shelf: Pack, plan: Plan, projection: Projection, region: str = "", council: str = "") -> Exhibit | None:
    """Decisions and actions recorded in the log, newest first; reasons stay in the log. None when there are none."""
    where = projection.councils.set_index("lad_code")["region"]
    entries = [
        entry
        for entry in reversed(plan.log)
        if (not region or where[entry.lad_code] == region) and (not council or entry.lad_code == council)
    ]
    if not entries:
        return None
    data = pd.DataFrame(
        {
            "recorded": entry.recorded[:10],
            "lad_code": entry.lad_code,
            "council": council_name(entry.lad_code),
            "before": entry.before,
            "state": entry.state,
            "since": entry.since,
            "barrier": plan.about.barriers.get(entry.barrier, ""),
            "action": plan.about.actions.get(entry.action, ""),
            "role": entry.role,
        }
        for entry in entries
    )
    view = pd.DataFrame(
        {
            "Recorded": [short_day(date.fromisoformat(v)) for v in data["recorded"]],
            "Council": data["council"],
            "Decision": [
                f"{STATE_WORDS[b]} to {STATE_WORDS[s]}" for b, s in zip(data["before"], data["state"], strict=True)
            ],
            "From": [short_day(v) for v in data["since"]],
            "Barrier": data["barrier"],
            "Action": data["action"],
            "Recorded by": data["role"],
        }
    )
    return shelf.add(
        Exhibit(
            kind="table",
            name="decisions_log",
            title=sentence(f"{count(len(data), 'decision has', 'decisions have')} been recorded"),
            subtitle="Changes of state in the plan's log, newest first.",
            data=data,
            view=view,
            row_headers=2,
            units="text",
            source="log of the change plan",
            label=PLAN_RECORD,
            notes=("Reasons are kept in the log and are not exported.",),
        )
    )
