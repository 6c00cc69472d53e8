"""What happened to one council in one replication, month by month, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import params
from params import Assumptions
from params.errors import unknown
from sim.run import prepare
from sim.states import Accommodation, Barrier, Participation, Service, words

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def trace(
    assumptions: Assumptions, intake: xr.DataArray, seed: int, council: str, start: str = "2025-12-31"
) -> pd.DataFrame:
    """Follow one council through a replication.

    Args:
        assumptions, intake, seed, start: as for `sim.simulate`.
        council: code of the council (`lad_code`).

    Returns:
        One row a month (index `month`): participation, willingness, beds proposed, how the council answered and with
        which reason, beds dropped, opened and handed back, people by accommodation type, pressure by service line,
        gross cost and grant in GBP. Synthetic: one of many possible histories.

    Raises:
        InputError: a council that does not exist, with the nearest code or name.

    Example:
        >>> import numpy as np, xarray as xr, params, sim
        >>> months = np.arange("2026-01", "2026-03", dtype="datetime64[M]").astype("datetime64[ns]")
        >>> intake = xr.DataArray([7000, 7000], {"month": months}, dims="month")
        >>> history = sim.trace(params.load(), intake, seed=1, council=params.council("Leeds").code)
        >>> history.index.tolist()
        ['2026-01', '2026-02']
    """
    import pandas as pd

    table = params.reference("councils")
    codes = table["lad_code"].tolist()
    if council not in codes:
        raise unknown("--council", "a council code", council, [*codes, *table["name"]])
    row = codes.index(council)
    model = prepare(assumptions, intake, seed, start)
    rows = []
    for month in model.calendar:
        model.run_for(1)
        rows.append({"month": str(month), **_observed(model, row)})
    return pd.DataFrame(rows).set_index("month")


def _observed(model: Any, row: int) -> dict[str, Any]:
    record, month, councils = model.recorder, model.month, model.councils
    answered, objects = int(councils.answered[row]), bool(councils.objects[row])
    people = record["supported_at_month_end"][month + 1][row]
    return {
        "participation": words(Participation)[councils.participation[row]],
        "willingness": float(councils.willingness[row]),
        "beds_proposed": int(record["beds_proposed_in_month"][month][row]),
        "beds_answered": answered,
        "answer": "" if not answered else "objected" if objects else "accepted",
        "reason": words(Barrier)[councils.reason[row]] if objects else "",
        "provider": "" if not objects else "dropped it" if councils.dropped[row] else "went ahead",
        "beds_opened": int(record["beds_opened_in_month"][month][row]),
        "beds_handed_back": int(record["beds_handed_back_in_month"][month][row]),
        "hotel_beds_opened": int(record["hotel_beds_opened_in_month"][month][row]),
        "hotel_opened_without_notice": bool(councils.surprised[row]),
        "hotel_beds_closed": int(record["hotel_beds_closed_in_month"][month][row]),
        "hotel_exit_plan_months": int(councils.closing[row]),
        "beds": int(councils.beds[row]),
        "beds_between_households": int(councils.voids[row]),
        **{f"people_{kind}": int(n) for kind, n in zip(words(Accommodation), people, strict=False)},
        "homelessness_duties": int(record["homelessness_duties_in_month"][month][row]),
        **{f"pressure_{line}": float(p) for line, p in zip(words(Service), model.pressure[row], strict=True)},
        "gross_cost": float(np.sum(record["council_gross_cost_in_month"][month][row])),
        "grant": float(record["grant_in_month"][month][row]),
    }
