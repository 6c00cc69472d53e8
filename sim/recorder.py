"""What is observed: preallocated arrays, one line a variable, turned into a labelled dataset at the end.

Stocks are at month ends (the first is the start date), flows are in months: two time axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from sim.clock import month_ends_from, months_after
from sim.costs import BASE_MONTH
from sim.states import (
    Accommodation,
    Barrier,
    HomeOfficeItem,
    OtherBody,
    Outcome,
    Participation,
    Service,
    words,
)

if TYPE_CHECKING:
    from sim.result import Result

CASH = "cash of the month (nominal)"
EXITS = ("after_grant", "after_refusal_or_withdrawal", "on_appeal", "from_tail")


@dataclass(frozen=True)
class Variable:
    """One recorded variable: dimensions, unit, and what a reader should call it."""

    dims: tuple[str, ...]
    units: str
    long_name: str
    dtype: type = np.float32


_C, _S = ("council",), ("council", "service")
VARIABLES: Mapping[str, Variable] = {
    "supported_at_month_end": Variable(
        ("month_end", "council", "accommodation"), "people", "Supported people", np.int32
    ),
    "beds_at_month_end": Variable(("month_end", *_C), "beds", "Dispersal bed spaces", np.int32),
    "voids_at_month_end": Variable(("month_end", *_C), "beds", "Dispersal beds between households", np.int32),
    "hotel_beds_at_month_end": Variable(("month_end", *_C), "beds", "Hotel beds paid for", np.int32),
    "pipeline_beds_at_month_end": Variable(("month_end", *_C), "beds", "Dispersal beds proposed or accepted, not open",
                                           np.int32),
    "awaiting_at_month_end": Variable(("month_end",), "people", "People awaiting an initial decision", np.int32),
    "open_appeals_at_month_end": Variable(("month_end",), "cases", "Open appeals", np.int32),
    "section_4_at_month_end": Variable(("month_end",), "people", "People on section 4 support (part of those refused)"),
    "participation_at_month_end": Variable(("month_end", *_C), "1", "Participation of the council", np.int8),
    "willingness_at_month_end": Variable(("month_end", *_C), "1", "Willingness to take more, 0 to 1"),
    "service_pressure_at_month_end": Variable(("month_end", *_S), "1", "Service demand over capacity"),
    "temporary_accommodation_at_month_end": Variable(
        ("month_end", *_C), "households", "Households in temporary accommodation after a grant of status"
    ),
    "children_looked_after_at_month_end": Variable(("month_end",), "people", "Unaccompanied children looked after"),
    "authorities_at_transfer_threshold_at_month_end": Variable(
        ("month_end",), "1", "Upper-tier authorities at the transfer scheme's threshold", np.int32
    ),
    "care_leavers_in_month": Variable(("month",), "people", "Unaccompanied children turning eighteen"),
    "claims_in_month": Variable(("month",), "people", "People claiming asylum", np.int32),
    "newly_supported_in_month": Variable(("month",), "people", "People entering support", np.int32),
    "unaccompanied_children_in_month": Variable(("month",), "people", "Unaccompanied children claiming", np.int32),
    "decisions_in_month": Variable(("month", "outcome"), "people", "Initial outcomes", np.int32),
    "appeals_lodged_in_month": Variable(("month",), "cases", "Appeals lodged after refusal", np.int32),
    "appeals_unexplained_in_month": Variable(("month",), "cases", "Appeals entering by other routes (residual)",
                                             np.int32),
    "appeals_decided_in_month": Variable(("month",), "cases", "Appeals decided", np.int32),
    "appeals_allowed_in_month": Variable(("month",), "cases", "Appeals allowed", np.int32),
    "exits_in_month": Variable(("month", "exit"), "people", "People leaving support", np.int32),
    "homelessness_duties_in_month": Variable(("month", *_C), "households", "Homelessness duties after a grant",
                                             np.int32),
    "beds_proposed_in_month": Variable(("month", *_C), "beds", "Dispersal beds proposed", np.int32),
    "beds_objected_in_month": Variable(("month", *_C), "beds", "Proposed beds the council objected to", np.int32),
    "beds_dropped_in_month": Variable(("month", *_C), "beds", "Proposed beds dropped after objection", np.int32),
    "beds_opened_in_month": Variable(("month", *_C), "beds", "Dispersal beds opened", np.int32),
    "beds_handed_back_in_month": Variable(("month", *_C), "beds", "Dispersal beds handed back", np.int32),
    "objections_in_month": Variable(("month", "barrier"), "beds", "Proposed beds objected to, by reason", np.int32),
    "hotel_beds_opened_in_month": Variable(("month", *_C), "beds", "Hotel beds opened", np.int32),
    "hotel_beds_closed_in_month": Variable(("month", *_C), "beds", "Hotel beds closed", np.int32),
    "person_nights_in_month": Variable(("month", "accommodation"), "person-nights", "Person-nights"),
    "service_units_in_month": Variable(("month", *_S), "unit-months", "Service demand met, in each line's own unit"),
    "council_gross_cost_in_month": Variable(("month", *_S), "GBP", "Councils' gross cost"),
    "grant_in_month": Variable(("month", *_C), "GBP", "Grant to councils"),
    "home_office_cost_in_month": Variable(("month", "home_office_item"), "GBP", "Home Office cost", np.float64),
    "other_public_cost_in_month": Variable(("month", "other_body"), "GBP", "Cost to other public bodies", np.float64),
    "price_level": Variable(("month",), "1", "General price level, 1 in 2025-26", np.float64),
}  # fmt: skip

_LABELS: Mapping[str, list[str]] = {
    "accommodation": words(Accommodation, Accommodation.UNPLACED),
    "outcome": words(Outcome),
    "service": words(Service),
    "barrier": words(Barrier),
    "home_office_item": words(HomeOfficeItem),
    "other_body": words(OtherBody),
    "exit": list(EXITS),
}


class Kept(NamedTuple):
    """The variables that are read off the councils every month, (month, council) or (month end, council)."""

    beds_at_month_end: np.ndarray
    voids_at_month_end: np.ndarray
    hotel_beds_at_month_end: np.ndarray
    pipeline_beds_at_month_end: np.ndarray
    participation_at_month_end: np.ndarray
    willingness_at_month_end: np.ndarray
    temporary_accommodation_at_month_end: np.ndarray
    supported_at_month_end: np.ndarray
    service_pressure_at_month_end: np.ndarray
    beds_proposed_in_month: np.ndarray
    beds_objected_in_month: np.ndarray
    beds_dropped_in_month: np.ndarray
    beds_opened_in_month: np.ndarray
    beds_handed_back_in_month: np.ndarray
    hotel_beds_opened_in_month: np.ndarray
    hotel_beds_closed_in_month: np.ndarray
    homelessness_duties_in_month: np.ndarray
    service_units_in_month: np.ndarray
    council_gross_cost_in_month: np.ndarray
    grant_in_month: np.ndarray
    objections_in_month: np.ndarray


@njit(cache=True)
def keep_stocks(kept: Kept, rows: np.ndarray, occupied: np.ndarray, pressure: np.ndarray, index: int) -> None:
    """Record councils' stocks at a month's end.

    Args:
        occupied: (council, 7) people by accommodation type.
        pressure: (council, service) demand over capacity.
        index: of the month end.
    """
    for row in range(rows.size):
        own = rows[row]
        kept.beds_at_month_end[index, row] = own.beds
        kept.voids_at_month_end[index, row] = own.voids
        kept.hotel_beds_at_month_end[index, row] = own.hotel_beds
        kept.pipeline_beds_at_month_end[index, row] = own.coming
        kept.participation_at_month_end[index, row] = own.participation
        kept.willingness_at_month_end[index, row] = own.willingness
        kept.temporary_accommodation_at_month_end[index, row] = own.temporary
        for kind in range(kept.supported_at_month_end.shape[2]):
            kept.supported_at_month_end[index, row, kind] = occupied[row, kind]
        for line in range(pressure.shape[1]):
            kept.service_pressure_at_month_end[index, row, line] = pressure[row, line]


@njit(cache=True)
def keep_flows(
    kept: Kept, rows: np.ndarray, duties: np.ndarray, served: np.ndarray, gross: np.ndarray, grant: np.ndarray,
    month: int,
) -> None:
    """Record what the month brought to councils.

    Args:
        duties: (council,) households owed a homelessness duty.
        served: (council, service) demand met, in each line's own unit.
        gross: (council, service) cost, GBP.
        grant: (council,) GBP.
    """
    for row in range(rows.size):
        own = rows[row]
        kept.beds_proposed_in_month[month, row] = own.proposed
        kept.beds_objected_in_month[month, row] = own.answered * own.objects
        kept.beds_dropped_in_month[month, row] = own.answered * own.dropped
        kept.beds_opened_in_month[month, row] = own.opened
        kept.beds_handed_back_in_month[month, row] = own.handed_back
        kept.hotel_beds_opened_in_month[month, row] = own.hotels_opened
        kept.hotel_beds_closed_in_month[month, row] = own.hotels_closed
        kept.homelessness_duties_in_month[month, row] = duties[row]
        kept.grant_in_month[month, row] = grant[row]
        for line in range(served.shape[1]):
            kept.service_units_in_month[month, row, line] = served[row, line]
            kept.council_gross_cost_in_month[month, row, line] = gross[row, line]
        kept.objections_in_month[month, own.reason] += own.answered * own.objects


class Recorder:
    """Holds one array for each variable; `recorder["grant_in_month"][month] = ...` is the only way results leave.

    Attributes:
        kept: those of the arrays that `keep_stocks` and `keep_flows` fill.
    """

    def __init__(self, start: date, months: int, councils: int) -> None:
        self._start = start
        sizes = {"month": months, "month_end": months + 1, "council": councils}
        sizes |= {dim: len(labels) for dim, labels in _LABELS.items()}
        self._sizes = sizes
        self._arrays: dict[str, np.ndarray] = {
            name: np.zeros([sizes[dim] for dim in variable.dims], variable.dtype)
            for name, variable in VARIABLES.items()
        }
        self.kept = Kept(*(self._arrays[name] for name in Kept._fields))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def dataset(self, councils: Any, attrs: dict[str, Any]) -> Result:
        """The labelled result.

        Args:
            councils: `sim.council.Councils`.
            attrs: attributes of the whole dataset.
        """
        from sim.result import Result

        months = months_after(self._start, self._sizes["month"])
        ends = month_ends_from(self._start, self._sizes["month"])
        area = np.array(councils.areas)[councils.area]
        provider = np.array(councils.provider_of_area)[councils.area]
        coords: dict[str, Any] = {dim: (dim, labels) for dim, labels in _LABELS.items()}
        coords |= {
            "month": ("month", months.astype("datetime64[ns]"), {"long_name": "Month, its first day"}),
            "month_end": ("month_end", ends.astype("datetime64[ns]"), {"long_name": "Last day of the month"}),
            "council": ("council", councils.codes, {"long_name": "Council code"}),
            "council_name": ("council", councils.names),
            "region": ("council", councils.region),
            "nation": ("council", councils.nation),
            "contract_area": ("council", area),
            "provider": ("council", provider),
            "population": ("council", councils.population.astype(np.int64), {"units": "people"}),
        }
        variables: dict[str, Any] = {}
        for name, variable in VARIABLES.items():
            described: dict[str, Any] = {"units": variable.units, "long_name": variable.long_name}
            if variable.units == "GBP":
                described["price_base"] = CASH
            if name == "price_level":
                described["price_base"] = str(BASE_MONTH)
            if name == "participation_at_month_end":
                described |= {"flag_values": [int(s) for s in Participation],
                              "flag_meanings": " ".join(words(Participation))}  # fmt: skip
            variables[name] = (variable.dims, self._arrays[name], described)
        return Result(variables, coords, attrs)
