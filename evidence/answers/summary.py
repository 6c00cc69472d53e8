"""The findings of the answers as claims, for the first page of the report."""

from __future__ import annotations

from dataclasses import replace

from evidence.exhibits import Exhibit, Exhibits, Pack

# In the order a reader meets them; one that was not made is left out.
FINDINGS = (
    "closing_rate",
    "winners_by_council_type",
    "load_by_deprivation",
    "notice",
    "moves_people",
    "barriers",
    "tornado",
)
_AFTER = 20  # the main study's own claims come first


def claims(pack: Pack, *companions: Pack | None) -> Exhibits:
    """One claim for each finding that the packs have shown: its title, its numbers, an evidence id of its own.

    Args:
        pack: of the main study.
        companions: packs of the companion studies; None where one was not made.
    """
    made = []
    for place, name in enumerate(FINDINGS, start=_AFTER):
        for own in (pack, *companions):
            found = next((e for e in own.made if e.name == name), None) if own else None
            if own and found:
                made.append(own.add(_claim(found, place)))
    return Exhibits(made)


def _claim(found: Exhibit, place: int) -> Exhibit:
    return replace(
        found, kind="claim", name=f"{found.name}_claim", summary=place, view=None, draw=None, alternative="", notes=(),
        id="", pictures={},
    )  # fmt: skip
