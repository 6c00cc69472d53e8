"""The words of the model as small integers: stages, accommodation, outcomes, participation, lines, barriers."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """Where a household is in the process."""

    AWAITING = 0  # an initial decision
    APPEAL = 1  # lodged, not yet decided
    NOTICE = 2  # granted, support not yet ended
    LEAVING = 3  # refused or withdrawn, support about to end
    REFUSED = 4  # appeal rights exhausted and still supported
    GONE = 5


class Support(IntEnum):
    """Whether a household is supported."""

    NONE = 0
    SUPPORTED = 1


class Accommodation(IntEnum):
    """Accommodation types as published; UNPLACED is inside a month only."""

    INITIAL = 0
    DISPERSAL = 1
    CONTINGENCY_HOTEL = 2
    CONTINGENCY_OTHER = 3
    OTHER = 4
    SUBSISTENCE = 5
    UNPLACED = 6


class Outcome(IntEnum):
    """Outcomes of a claim at the initial stage."""

    GRANTED = 0
    REFUSED = 1
    WITHDRAWN = 2
    ADMINISTRATIVE = 3


class Participation(IntEnum):
    """A council's part in dispersal. The first states are inferred from the published stock."""

    NOT_PARTICIPATING = 0
    AGREED_NO_PROCUREMENT = 1
    PROCURING = 2
    ACTIVE = 3
    PAUSED_OR_AT_LIMIT = 4
    WITHDRAWN = 5


class Service(IntEnum):
    """Council service lines."""

    SCHOOL_PLACES = 0
    ESOL = 1
    HOMELESSNESS = 2
    SOCIAL_CARE = 3
    PUBLIC_HEALTH = 4
    COMMUNITY = 5
    LEGAL_ADVICE = 6
    COORDINATION = 7


class Barrier(IntEnum):
    """Coded reasons of an objection."""

    SATURATION = 0
    CLUSTER_LIMIT = 1
    SERVICE_PRESSURE = 2
    FUNDING_GAP = 3
    TRUST = 4
    UNSUITABLE = 5


class HomeOfficeItem(IntEnum):
    """Lines of the Home Office ledger."""

    INITIAL = 0
    DISPERSAL = 1
    CONTINGENCY_HOTEL = 2
    CONTINGENCY_OTHER = 3
    OTHER = 4
    CASH_SUPPORT = 5
    GRANTS_TO_COUNCILS = 6


class OtherBody(IntEnum):
    """Lines of the ledger of other public bodies."""

    SCHOOLS = 0
    HEALTH = 1
    TRIBUNAL = 2


def words(enum: type[IntEnum], count: int | None = None) -> list[str]:
    """Lower-case names of an enumeration, the coordinate labels of the result."""
    return [member.name.lower() for member in enum][:count]
