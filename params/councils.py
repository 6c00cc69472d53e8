"""One council as it is known: who it is, and the people it supported by quarter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from params import showing
from params.places import find_council
from params.tables import reference, reference_record

if TYPE_CHECKING:
    import pandas as pd

KINDS = {
    "dispersal": "Dispersal",
    "initial": "Initial",
    "contingency_hotel": "Hotels",
    "contingency_other": "Other contingency",
    "other": "Other",
    "subsistence": "Subsistence only",
    "total": "Total",
}
NOT_KNOWN = "not known"


@dataclass(frozen=True, repr=False)
class Council:
    """A council and its published history.

    Attributes:
        code: nine-character code (`lad_code`).
        name, region, nation, council_type, contract_area, provider: as the reference table has them.
        population: residents, latest mid-year estimate.
        rural: whether it is mainly rural.
        hex_q, hex_r: axial coordinates on the hexagon map.
    """

    code: str
    name: str
    region: str
    nation: str
    council_type: str
    contract_area: str
    provider: str
    population: int
    rural: bool
    hex_q: int
    hex_r: int

    @cached_property
    def history(self) -> pd.DataFrame:
        """People supported at quarter ends, one row each (index `quarter_end`).

        Returns:
            Columns in people: `dispersal`, `initial`, `contingency_hotel`, `contingency_other`, `other`, `subsistence`
            and `total`, NaN where nothing was published; and `split_status`: published, total_only, or
            hotel_split_estimated (hotels apart from other contingency are estimated, their sum is published); and
            `subsistence_allocated`, false where the total leaves out people on subsistence only.
        """
        table = reference("support_by_council")
        own = table[table["lad_code"] == self.code].set_index("quarter_end")
        own = own.assign(subsistence_allocated=own["subsistence_allocated"] == 1)
        return own[[*KINDS, "split_status", "subsistence_allocated"]].sort_index()

    def __repr__(self) -> str:
        latest = self.history.iloc[-1]
        return (
            f"{self.name} ({self.code}), {self.region}: {latest['total']:,.0f} people supported on "
            f"{_day(self.history.index[-1])}, {latest['dispersal']:,.0f} of them in dispersal accommodation"
        )

    def _repr_html_(self) -> str:
        history = self.history
        totals = history["total"]
        record = reference_record("support_by_council")
        said = (
            f"People supported in {self.name}: {totals.iloc[0]:,.0f} on {_day(history.index[0])}, "
            f"{totals.max():,.0f} at the most ({_day(totals.idxmax())}), {totals.iloc[-1]:,.0f} on "
            f"{_day(history.index[-1])}."
        )
        rows = [
            [_day(day), *(_cell(row[kind], kind, row["split_status"]) for kind in KINDS)]
            for day, row in history.iloc[::-1].iterrows()
        ]
        chart = showing.line_chart(
            [float(v) for v in totals], f"{history.index[0]:%b %Y}", f"{history.index[-1]:%b %Y}", said
        )
        about = f"{self.region}, {self.council_type.lower()}, {self.population:,} residents; {self.provider} provides"
        without = history.index[~history["subsistence_allocated"]]
        notes = (
            "Published figures, exact. [e]: contingency accommodation is published without its parts, which are "
            f"estimated. Totals from {_day(without[0])} to {_day(without[-1])} leave out people on subsistence only, "
            f"who were not allocated to councils then. {record['attribution']}"
        )
        return (
            showing.heading(f"{self.name} ({self.code})", f"{about} ({self.contract_area}).")
            + chart
            + showing.table(
                f"People supported in {self.name} at quarter ends", ["Quarter end", *KINDS.values()], rows, numeric=True
            )
            + f"<p>{notes}</p>"
        )


def _day(day: Any) -> str:
    return f"{day.day} {day:%B %Y}"


def _cell(value: float, kind: str, status: str) -> str:
    if value != value:
        return NOT_KNOWN
    estimated = status == "hotel_split_estimated" and kind.startswith("contingency")
    return f"{value:,.0f}{' [e]' if estimated else ''}"


def council(given: str) -> Council:
    """Find a council by its code or name.

    Args:
        given: `lad_code`, or the name in any usual spelling.

    Raises:
        InputError: no such council; names the nearest.

    Example:
        >>> import params
        >>> birmingham = params.council("Birmingham")
        >>> birmingham.code, birmingham.region
        ('E08000025', 'West Midlands')
        >>> bool(birmingham.history["total"].notna().all())
        True

    Source: Home Office, Immigration System Statistics, for the people supported; ONS for residents.
    """
    code = find_council(given)
    table = reference("councils").set_index("lad_code")
    row: Any = table.loc[code]
    facts = ("name", "region", "nation", "council_type", "contract_area", "provider")
    return Council(
        code=code,
        **{fact: str(row[fact]) for fact in facts},
        population=int(row["population"]),
        rural=str(row["rural_class"]) == "rural",
        hex_q=int(row["hex_q"]),
        hex_r=int(row["hex_r"]),
    )
