"""What `dispersal hotels warn` and `dispersal hotels score` print."""

from __future__ import annotations

from pathlib import Path

from evidence.exhibits import Exhibit, to_csv
from evidence.forecast.forecast_archive import write_text
from evidence.partners import hotel_notice, hotel_warning
from evidence.partners.plan_status import shelf_of, stated, text_table
from evidence.studies.projection import Projection, from_forecast, project
from forecasts import hotel_scores
from forecasts.hotels import HORIZONS
from params.places import find_region

MOST_COUNCILS = 15


def warning_lines(region: str | None, study: str | None, runs: Path, out: Path | None) -> list[str]:
    """Chances by region, contract area and council; all of them into a file when one is named.

    Raises:
        InputError: a region or study that cannot be used.
    """
    wanted = find_region(region, "--region") if region else ""
    projection = project(study, runs, HORIZONS[-1])
    shelf = shelf_of(projection)
    found = hotel_warning.warnings(projection)
    lines = [
        "Early warning of contingency accommodation: modelled estimates, not official statistics.",
        stated(projection),
        "",
        hotel_warning.totals_claim(shelf, projection).title,
        "",
    ]
    if not wanted:
        for level in ("region", "contract_area"):
            lines += _shown(hotel_warning.places_table(shelf, projection, found, level))
    councils = hotel_warning.councils_table(shelf, projection, found, wanted)
    lines += _shown(councils, MOST_COUNCILS)
    notice = hotel_notice.notice_table(shelf, runs)
    lines += ["what notice changes", *(_shown(notice) if notice else [f"  {hotel_notice.how()}", ""])]
    lines += [hotel_warning.DEFINITION, "How good such warnings have been: dispersal hotels score"]
    if out:
        table = found if not wanted else found[found["place"].isin(councils.data["place"])]
        rounded = table["probability"].where(table["level"] != "council", (20 * table["probability"]).round() / 20)
        write_text(out, to_csv(table.assign(probability=rounded)))
        lines.append(str(out))
    return lines


def score_lines(out: Path | None) -> list[str]:
    """The score card and the reliability curve as text; every case into a file when one is named."""
    cases = hotel_scores.rolling()
    card = hotel_scores.scorecard(cases)
    shelf = shelf_of(_forecast())
    lines = _shown(hotel_warning.score_table(shelf, cases, card))
    figure = hotel_warning.reliability_figure(shelf, hotel_scores.reliability(cases))
    lines += [figure.title, f"  {figure.alternative}", f"  Evidence {figure.id}"]
    if out:
        write_text(out, to_csv(cases))
        lines.append(str(out))
    return lines


def _forecast() -> Projection:
    return from_forecast(1, paths=10)


def _shown(exhibit: Exhibit, most: int = 60) -> list[str]:
    rows = text_table(exhibit)
    more = [f"  ... and {len(rows) - 1 - most} more; --out writes them all"] if len(rows) - 1 > most else []
    return [exhibit.title, *(f"  {row}" for row in rows[: most + 1]), *more, f"  Evidence {exhibit.id}", ""]
