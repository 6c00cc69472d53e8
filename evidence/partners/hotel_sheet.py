"""A rapid-response sheet for one council: what is known, and who does what by when, in roles and not people.

Contact details are the council's own local file. It is read to say which roles lack a contact, and nothing of it is
printed, copied or kept.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from evidence.exhibits import OFFICIAL, Exhibit, Pack
from evidence.partners import hotel_warning
from evidence.partners.plan_status import shelf_of, stated
from evidence.reporting import briefs
from evidence.studies.projection import Projection, project, published
from evidence.wording import day, exact, listed, sentence
from forecasts.hotels import EVENTS, HORIZONS, IN_USE
from params.errors import InputError, unknown
from params.places import council_name, find_council

TEMPLATE = "starting point, to be adapted locally"
ROLES = {
    "gold_lead": "Director who leads the response",
    "smp_lead": "Strategic migration partnership lead",
    "home_office_lead": "Home Office regional engagement lead",
    "provider_lead": "Provider's regional lead",
    "safeguarding": "Designated safeguarding lead, adults and children",
    "school_admissions": "School admissions lead",
    "health": "Integrated care board inclusion-health lead",
    "public_health": "Public health on-call lead",
    "community_safety": "Community safety and police liaison lead",
    "voluntary_sector": "Voluntary sector coordinator",
    "communications": "Communications lead",
    "housing": "Housing and homelessness lead",
}


class Step(NamedTuple):
    """One thing to do: by when, by which role, what."""

    when: str
    role: str
    does: str


_DAY, _SOON, _BEFORE = "On the day notice comes", "Within 3 days", "Before anybody arrives"
_END = "When closure is planned"
STEPS = (
    Step(_DAY, "gold_lead", "Convenes the response group; logs when notice came and what was asked"),
    Step(_DAY, "home_office_lead", "Confirms capacity, household types, opening day and length of use"),
    Step(_DAY, "safeguarding", "Asks for the provider's safeguarding plan and site assessment"),
    Step("Within 1 day", "community_safety", "Assesses risk with the police; agrees who is told what"),
    Step("Within 1 day", "communications", "Agrees lines with the Home Office; addresses are never published"),
    Step(_SOON, "health", "Arranges registration and screening; asks for numbers by age group only"),
    Step(_SOON, "school_admissions", "Counts places by year group; plans transport and start dates"),
    Step(_SOON, "voluntary_sector", "Maps legal advice, English classes and clothing; agrees who may visit"),
    Step(_BEFORE, "provider_lead", "Walks round with council officers; fire, food and safeguarding checks"),
    Step(_BEFORE, "public_health", "Agrees outbreak and infection arrangements"),
    Step("First week", "safeguarding", "Looks for children and adults at risk; opens referral routes"),
    Step("First month", "gold_lead", "Reviews pressure by service line with the partnership; claims any grant due"),
    Step(_END, "housing", "Plans for people granted status; asks for notice of each move"),
    Step(_END, "smp_lead", "Agrees where people go next, so that schooling and care are not broken off"),
)
ASKS = (
    "How many people, in what kinds of household, from which day and until when?",
    "Why this area, and what dispersal accommodation is in the pipeline instead?",
    "What has the provider checked: fire, food, safeguarding, access, transport?",
    "Who pays for what: grant per person, health, schools, interpreting?",
    "What would end the use, and how much notice of closure will there be?",
)


def sheet(council: str, contacts: Path | None, study: str | None, runs: Path) -> list[str]:
    """Write the sheet into a folder of its own and say where it is.

    Args:
        council: code or exact name.
        contacts: the council's own file with columns role and contact, or None.
        study: id of a finished study, or None.
        runs: folder of all runs.

    Returns:
        Lines to print: roles without a contact, and the path of the page.

    Raises:
        InputError: a council, file or study that cannot be used; nothing is written.
    """
    code = find_council(council, "COUNCIL")
    absent = roles_without(contacts) if contacts else []
    projection = project(study, runs, HORIZONS[-1])
    said: list[str] = []

    def make(out: Path) -> list[briefs.Section]:
        shelf = shelf_of(projection, out)
        return [
            briefs.Section("What is known", [known_table(shelf, code), chances_table(shelf, projection, code)]),
            briefs.Section("Who does what by when", [_steps(shelf), *ROLE_NOTES]),
            briefs.Section("What to ask at once", [_asks(shelf)]),
        ]

    name = council_name(code)
    page = briefs.write(
        runs,
        f"sheet-{code}",
        f"Rapid-response sheet: contingency accommodation in {name}",
        "For the day a hotel is announced or opens without notice. A starting point for the council to adapt; not Home "
        "Office guidance.",
        {"kind": "sheet", "council": code, "projection": projection.study},
        (projection.study,) if projection.from_study else (),
        make,
        {
            "Council": f"{name} ({code})",
            "Figures": stated(projection),
            "Contacts": "In the council's own local file, by role; never in this sheet.",
        },
        said.append,
    )
    if contacts:
        said.append(f"Roles without a contact: {listed(absent)}." if absent else "Every role has a contact.")
    return [*said, str(page)]


ROLE_NOTES = (
    "Roles are held by posts, not by named people. Write names and numbers only into the council's own contact file, "
    "which `dispersal hotels sheet COUNCIL --contacts FILE` checks and never copies.",
)


def roles_without(contacts: Path) -> list[str]:
    """Roles of the sheet for which a contact file has no contact.

    Raises:
        InputError: the file cannot be read, has other columns, or names a role that the sheet does not have; a contact
            is never part of the message.
    """
    try:
        text = contacts.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{contacts}: is not UTF-8 text; save it as CSV UTF-8.") from None
    except OSError as error:
        raise InputError(f"{contacts}: cannot be read ({error.strerror}).") from None
    rows = csv.DictReader(io.StringIO(text))
    if set(rows.fieldnames or ()) != {"role", "contact"}:
        raise InputError(f"{contacts}: its first line must read role,contact.")
    found = set()
    for row in rows:
        role = (row["role"] or "").strip()
        if role not in ROLES:
            raise unknown(f"{contacts}: line {rows.line_num}: role", "a role of the sheet", role, ROLES)
        if (row["contact"] or "").strip():
            found.add(role)
    return [role for role in ROLES if role not in found]


def known_table(shelf: Pack, code: str) -> Exhibit:
    """Published people in contingency and dispersal accommodation of one council, quarter by quarter."""
    contingency, dispersal = published(), published("dispersal")
    data = pd.DataFrame(
        {
            "quarter_end": contingency.index,
            "contingency": contingency[code].to_numpy(),
            "dispersal": dispersal[code].reindex(contingency.index).to_numpy(),
        }
    )
    view = pd.DataFrame(
        {
            "Quarter end": [day(v) for v in data["quarter_end"].to_numpy()],
            "Contingency accommodation": [exact(v) for v in data["contingency"]],
            "Dispersal accommodation": [exact(v) for v in data["dispersal"]],
        }
    )
    last, peak = data.iloc[-1], int(data["contingency"].max())
    now = int(last["contingency"])
    words = f"{exact(now)} people in contingency accommodation" if now else "nobody in contingency accommodation"
    return shelf.add(
        Exhibit(
            kind="table",
            name="contingency_history_council",
            title=sentence(
                f"{council_name(code)} had {words} on {day(np.datetime64(last['quarter_end']))}; the most at a "
                f"published quarter end was {exact(peak)}"
            ),
            subtitle="People in contingency accommodation (hotels and other sites) and in dispersal accommodation.",
            data=data,
            view=view,
            units="people",
            label=OFFICIAL,
            source="Home Office, Asy_D11 and Reg_02",
            notes=(
                "No split by council was published from December 2024 to September 2025. Before June 2023 dispersal "
                "accommodation includes people in hotels.",
            ),
        )
    )


def chances_table(shelf: Pack, projection: Projection, code: str) -> Exhibit:
    """One council's chances that use starts, grows or ends."""
    found = hotel_warning.warnings(projection)
    data = found[(found["level"] == "council") & (found["place"] == code)].drop(columns=["level", "name"])
    wide = data.pivot(index="event", columns="horizon", values="probability").loc[list(EVENTS)].dropna()
    view = pd.DataFrame(
        {"Contingency use": [f"{hotel_warning.EVENT_WORDS[event]}s" for event in wide.index]}
        | {
            f"Within {h} quarter{'s' if h > 1 else ''}": [hotel_warning.chance(p, "council") for p in wide[h]]
            for h in HORIZONS
        }
    )
    data["probability"] = [hotel_warning.stepped(p) for p in data["probability"]]
    used = bool((data["people"] >= IN_USE).any())
    event = "grows" if used else "starts"
    return shelf.add(
        Exhibit(
            kind="table",
            name="hotel_warning_council",
            title=sentence(
                f"The chance that contingency use {event} within a year is "
                f"{hotel_warning.chance(float(wide[4][event]), 'council')}"
            ),
            subtitle=f"Chance that contingency use changes in {council_name(code)}.",
            data=data,
            view=view,
            units="probability, in steps of 5 points",
            notes=(hotel_warning.DEFINITION,),
            **hotel_warning.basis(projection),
        )
    )


def _steps(shelf: Pack) -> Exhibit:
    data = pd.DataFrame([(step.when, ROLES[step.role], step.does) for step in STEPS], columns=["when", "role", "does"])
    return shelf.add(
        Exhibit(
            kind="table",
            name="rapid_response_steps",
            title=f"{len(STEPS)} steps, each with the role that takes it.",
            subtitle="Order of work from notice to closure.",
            data=data,
            view=data.rename(columns={"when": "When", "role": "Role", "does": "Does"}),
            units="text",
            label=TEMPLATE,
            source="written for this workbench",
        )
    )


def _asks(shelf: Pack) -> Exhibit:
    data = pd.DataFrame({"question": list(ASKS), "answer": ""})
    return shelf.add(
        Exhibit(
            kind="table",
            name="rapid_response_questions",
            title=f"{len(ASKS)} questions for the Home Office and the provider.",
            subtitle="Write the answers, with the date, into the council's own record.",
            data=data,
            view=data.rename(columns={"question": "Question", "answer": "Answer and date"}),
            units="text",
            label=TEMPLATE,
            source="written for this workbench",
        )
    )
