"""The result of a simulation: a labelled dataset that says in a notebook what it is."""

from __future__ import annotations

import xarray as xr

from params import showing

_PICTURED = "supported_at_month_end"


class Result(xr.Dataset):
    """One replication as `sim.simulate` returns it: an `xarray.Dataset` with a summary and a small picture on top.

    What is computed from it is shown as any dataset is.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        plain: str = super()._repr_html_()
        if not {"scenario", "seed", "start"} <= set(self.attrs) or self.get(_PICTURED, xr.DataArray()).ndim != 3:
            return plain
        people = self[_PICTURED].sum(["council", "accommodation"]).values
        hotels = self[_PICTURED].sel(accommodation="contingency_hotel").sum("council").values
        first, last = (f"{end:%b %Y}" for end in self["month_end"].to_index()[[0, -1]])
        said = (
            f"People supported in the United Kingdom: {people[0]:,} at the end of {first} (published), "
            f"{people[-1]:,} at the end of {last}; in hotels {hotels[0]:,}, then {hotels[-1]:,}."
        )
        about = self.attrs
        rows = [
            ("Scenario", f"{about['scenario']}, draw {about['draw']}, seed {about['seed']}"),
            ("Start", f"stock of {about['start']} (Home Office, Asy_D11; {about['stock_status'].replace('_', ' ')})"),
            ("Prices", f"{about['price_base']}; {about['deflator']}"),
            ("Size", ", ".join(f"{size:,} {str(dim).replace('_', ' ')}" for dim, size in self.sizes.items())),
            ("People supported", f"{people[0]:,} to {people[-1]:,}"),
            ("In hotels", f"{hotels[0]:,} to {hotels[-1]:,}"),
        ]
        return (
            showing.heading(
                "One simulated history: a modelled estimate",
                "One replication says nothing of the uncertainty; its households are synthetic.",
            )
            + showing.line_chart([float(v) for v in people], first, last, said)
            + showing.table("What this result is", ["Item", "Value"], rows)
            + f"<details><summary>Every variable ({len(self.data_vars)})</summary>{plain}</details>"
        )
