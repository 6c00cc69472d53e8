"""The equality-impact panel: what published aggregates can and cannot say by protected characteristic."""

from __future__ import annotations

import pandas as pd

import params
from evidence.exhibits import OFFICIAL, Exhibit, Pack
from evidence.wording import exact, sentence, share

NOT_KNOWN = "not known"


def panel(pack: Pack) -> Exhibit:
    """For each protected characteristic: what is published, what the model does with it, what nobody can say."""
    rows = pd.DataFrame(
        [*_age(), *_others()],
        columns=["characteristic", "published", "in_the_model", "cannot_say"],
    )
    missing = int((rows["published"] == NOT_KNOWN).sum())
    return pack.add(
        Exhibit(
            kind="table",
            name="equality_panel",
            title=sentence(
                f"For {missing} of {len(rows)} characteristics nothing is published on supported people that was read "
                "here; no characteristic is used to allocate"
            ),
            subtitle=(
                "Public sector equality duty (Equality Act 2010, section 149) and children's welfare: what the data "
                "can and cannot say."
            ),
            data=rows,
            view=rows.set_axis(
                ["Characteristic", "What is published", "What the model does", "What it cannot say"], axis=1
            ),
            units="text; people",
            source="Home Office, Immigration System Statistics (reference tables intake and support_national)",
            label=OFFICIAL,
            notes=(
                "This panel is a frame for an equality-impact assessment and not one: a council's or the Home Office's "
                "own assessment needs data on people's characteristics that no published table holds.",
                "Nationality, religion and ethnicity are never allocation variables in this model.",
            ),
        )
    )


def _age() -> list[tuple[str, str, str, str]]:
    """Age, from the last year for which claims are split."""
    intake = params.reference("intake").dropna(subset=["uasc_2024_11", "dependants_2024_11"]).tail(4)
    people, alone, dependants = (
        float(intake[c].sum()) for c in ("people_2024_11", "uasc_2024_11", "dependants_2024_11")
    )
    last = pd.Timestamp(intake["quarter_end"].iloc[-1])
    when = f"year to {last:%B %Y}"
    return [
        (
            "Age",
            f"Claims, {when}: {exact(alone)} unaccompanied children and {exact(dependants)} dependants (of any age) of "
            f"{exact(people)} people ({share((alone + dependants) / people)}).",
            "Households have children by assumption; school places follow them. Unaccompanied children are a stock of "
            "their own.",
            "Ages of supported people by council; older people; age disputes.",
        )
    ]


def _others() -> list[tuple[str, str, str, str]]:
    nationalities = params.reference("intake_by_nationality")["nationality_code"].nunique()
    return [
        ("Sex", NOT_KNOWN, "Not represented.", "Women and men by accommodation or council; safety in shared homes."),
        (
            "Disability",
            NOT_KNOWN,
            "Not represented. From September 2025 to March 2026 disabled people kept 56 days of notice; the model "
            "gives that to families only.",
            "Accessible places needed and found; social care cost due to disability.",
        ),
        (
            "Race (nationality, ethnic or national origin)",
            f"Claims by nationality, nationally ({nationalities} groups held here under numbers).",
            "Groups of nationalities by grant rate set the mix of outcomes. Never used to place anyone.",
            "Who is accommodated where; effects of placement on ties to people and places.",
        ),
        ("Religion or belief", NOT_KNOWN, "Not represented, and never used to place anyone.", "Any effect."),
        (
            "Pregnancy and maternity",
            NOT_KNOWN,
            "Not represented; extra payments of £5.25 to £9.50 a week are left out.",
            "Continuity of maternity care after a move.",
        ),
        ("Sexual orientation; gender reassignment", NOT_KNOWN, "Not represented.", "Safety in shared homes."),
        ("Marriage and civil partnership", NOT_KNOWN, "Families stay together by construction.", "Any effect."),
        (
            "Children's welfare (section 55)",
            "As under age.",
            "School-age children by council, as an estimate; a move between councils does not keep a school place.",
            "Time out of school; moves for each child.",
        ),
    ]
