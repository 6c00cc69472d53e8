"""What the notebooks of calibration and validation show, and what they say when nothing was kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from evidence.chapters import calibration_exhibits, validation_exhibits
from evidence.exhibits import Exhibit, Pack
from evidence.records import Record, sealed
from evidence.validation import calibrate, trust, validate
from evidence.validation.trust import Absent, published, within
from evidence.wording import exact
from params import InputError, posterior

pytestmark = pytest.mark.unit
VERSION = "0123456789abcdef"


def kept_validation(runs: Path, created: str, version: str = VERSION, nth: int = 1) -> str:
    """A validation of a few rows in the form that `dispersal validate` keeps."""
    row = {"spread": 0.1, "target": 50.0, "low": 35.0, "high": 65.0, "note": ""}
    checks = [
        row | {"family": "validation", "name": "3 Councils", "part": "nobody", "value": 40.0, "holds": True},
        row | {"family": "validation", "name": "3 Councils", "part": "under ten", "value": 70.0, "holds": False},
        row | {"family": "validation", "name": "5 Exit", "part": "a year", "value": 50.0, "holds": True},
        row | {"family": "cohort", "name": "Claims", "part": "removed, %", "value": np.nan, "holds": False,
               "note": "not modelled"},
    ]  # fmt: skip
    score = {"start": "2024-03-31", "accommodation": "total", "councils": 10, "model_wis": 8.0, "model_inside_80": 8,
             "persistence_wis": 10.0, "population_wis": 16.0, "model_bias": -20.0, "median_error": 0.1,
             "persistence_median_error": 0.2}  # fmt: skip
    scores = [score | {"kind": kind, "ahead": ahead, "band": band} for kind in ("conditional", "unconditional")
              for ahead in (1, 4) for band in ("under 50", "500 or more")]  # fmt: skip
    error = {"start": "2024-03-31", "accommodation": "total", "error": -300.0, "persistence_error": 900.0,
             "inside_80": True}  # fmt: skip
    errors = [error | {"kind": kind, "ahead": 1} for kind in ("conditional", "unconditional")]
    record = Record(
        id=f"validation-0000000{nth}", kind=validate.KIND, title="Held against what happened",
        settings={"replications": 2, "samples": 8, "seed": 1}, assumptions={}, model_version=version, created=created,
    )  # fmt: skip
    with sealed(runs, record) as partial:
        tables = {"checks": checks, "hindcasts": scores, "national": errors}
        for name, rows in tables.items():
            pd.DataFrame(rows).to_csv(partial / validate.VALIDATION_FILES[name], index=False)
    return record.id


@pytest.fixture
def pack(tmp_path) -> Pack:
    return Pack("a-study", xr.Dataset(), {"model_version": VERSION}, tmp_path / "runs" / "a-study", None)


def runs_of(pack: Pack) -> Path:
    return pack.folder.parent


def test_the_newest_sound_validation_of_the_same_model_version_is_read(pack):
    runs = runs_of(pack)
    kept_validation(runs, "2026-01-01T00:00:00+00:00", nth=1)
    last = kept_validation(runs, "2026-01-03T00:00:00+00:00", nth=2)
    kept_validation(runs, "2026-01-04T00:00:00+00:00", version="another", nth=3)
    assert trust.companions(runs, VERSION) == {trust.VALIDATION: last}
    assert trust.validation(pack) == runs / last
    (runs / last / validate.VALIDATION_FILES["checks"]).write_text("harmed", encoding="utf-8")
    assert trust.validation(pack) == runs / "validation-00000001"
    with pytest.raises(InputError, match="Nearest: validation-0000000"):
        trust.validation(pack, "validation-00000009")


def test_without_a_validation_each_exhibit_says_how_to_make_one(pack):
    shown = [
        validation_exhibits.verdict_claim(pack),
        *(validation_exhibits.checks_table(pack, family) for family in validation_exhibits.FAMILIES),
        validation_exhibits.national_hindcasts(pack),
        validation_exhibits.hindcast_figure(pack),
        validation_exhibits.hindcast_bands(pack),
    ]
    assert all(isinstance(one, Absent) and one.command == "dispersal validate" for one in shown)
    told = [one.what for one in shown if one._repr_html_()]
    assert told == ["The model's validation", "Past national forecasts"], "each section says it once"
    assert "<code>dispersal validate</code>" in shown[0]._repr_html_()
    feedbacks = validation_exhibits.worth_of_feedbacks(pack)
    assert isinstance(feedbacks, Absent) and feedbacks.command == "dispersal feedbacks"


def test_the_exhibits_say_what_was_kept(pack):
    kept_validation(runs_of(pack), "2026-01-01T00:00:00+00:00")
    claim = validation_exhibits.verdict_claim(pack)
    assert claim.title.startswith("Not passed: 1 of 2 patterns hold (at least 13 wanted)")
    table = validation_exhibits.checks_table(pack, "validation")
    assert table.title == "1 of 2 patterns that nothing was fitted to hold in every part."
    assert list(table.view["Holds"]) == ["yes", "no", "yes"] and "Note" not in table.view
    cohort = validation_exhibits.checks_table(pack, "cohort")
    assert cohort.view.loc[0, "Model"] == "not modelled" and cohort.view.loc[0, "Note"] == "not modelled"
    assert isinstance(validation_exhibits.checks_table(pack, "theory"), Absent), "an older validation may lack a family"
    national = validation_exhibits.national_hindcasts(pack)
    assert national.title.startswith("Nationally, past forecasts were nearer than no change in 1 of 1 with flows given")
    figure = validation_exhibits.hindcast_figure(pack)
    assert figure.title.startswith("By council the model's past forecasts beat persistence in 4 of 4")
    assert figure.pictures["svg"]
    bands = validation_exhibits.hindcast_bands(pack)
    assert bands.title == "80% ranges by council covered 70% to 90% of what happened in 8 of 8 rows."
    four = bands.view[(bands.view["Quarters"] == "4") & (bands.view["People at the start"] == "500 or more")].iloc[0]
    assert four["WIS / persistence"] == "0.80" and four["WIS / population share"] == "0.50"
    assert four["Published bar"] == "11%" and four["Bias, people"] == "−2"


def test_published_figures_are_exact_and_open_ends_are_said():
    assert published(65311.0) == exact(65311) == "65,311" and published(0.285) == "0.285"
    assert within(-100000, 8860) == "up to 8,860" and within(-5, np.inf) == "−5 or more" and within(0, 1) == "0 to 1"


# --- calibration ---------------------------------------------------------------------------------------------------


@pytest.fixture
def calibration(tmp_path, monkeypatch, pack):
    """An adopted calibration with its tables, in a folder of its own."""
    names = list(posterior.read_posterior().names)
    draws = np.random.default_rng(1).random((12, len(names)))
    draws[:, 1] = 1 - draws[:, 0]
    fit = pd.DataFrame(
        [
            {"name": "dispersal", "label": "Dispersal", "target": 65311, "low": 62311, "high": 68311, "inside": True},
            {"name": "entry", "label": "Entry", "target": 0.3, "low": 0.2, "high": 0.35, "inside": False},
            {"name": "supported_2024-03-31", "label": "S", "target": 100.0, "low": 50, "high": 150, "inside": True},
            {"name": "supported_2024-06-30", "label": "S", "target": 120.0, "low": 50, "high": 150, "inside": True},
        ]
    ).assign(fitted=True, prior_mean=1.0, prior_low80=0.5, prior_high80=2.0, posterior_mean=110.0)
    fit = fit.assign(posterior_low80=90.0, posterior_high80=130.0, set_a=1.0, set_b=2.0)
    known = pd.DataFrame({"assumption": names}).assign(unit="share", low=0.0, high=1.0, central=0.5, sd_ratio=0.4)
    known = known.assign(posterior_mean=0.5, posterior_low80=0.4, posterior_high80=0.6, identified="yes")
    known.loc[0, ["identified", "sd_ratio"]] = ["no", 1.0]
    run = runs_of(pack) / "calibrate-00000001"
    record = Record(id=run.name, kind=calibrate.KIND, title="Fit", settings={}, assumptions={}, model_version=VERSION,
                    warnings=("The data do not identify one.",))  # fmt: skip
    with sealed(runs_of(pack), record) as partial:
        tables = {"posterior": pd.DataFrame(draws, columns=names), "fit": fit, "identifiability": known}
        for name, table in tables.items():
            table.to_csv(partial / calibrate.FILES[name], index=False)
    root = tmp_path / "params"
    (root / posterior.FOLDER).mkdir(parents=True)
    monkeypatch.setattr(trust.posterior, "ROOT", root)
    monkeypatch.setattr(trust.posterior, "read_posterior", lambda: object())
    return root / posterior.FOLDER, run


def adopt(calibration) -> None:
    """Write what adoption writes, without the check of ranges."""
    import json

    folder, run = calibration
    record = json.loads((run / "record.json").read_text(encoding="utf-8"))
    names = pd.read_csv(run / calibrate.FILES["posterior"]).columns
    about = {"id": record["id"], "outputs": record["outputs"], "said": record["warnings"]}
    about["central"] = dict.fromkeys(names, 0.25)
    (folder / posterior.RECORD).write_text(json.dumps(about), encoding="utf-8")
    for name in ("posterior", "fit", "identifiability"):
        (folder / calibrate.FILES[name]).write_bytes((run / calibrate.FILES[name]).read_bytes())


def test_an_adopted_calibration_is_shown(calibration, pack):
    adopt(calibration)
    figure = calibration_exhibits.posterior_figure(pack)
    count = len(figure.data)
    assert figure.title == (
        f"The published record identifies {count - 1} of {count} fitted assumptions, 0 weakly, and leaves 1 as wide as "
        "before."
    )
    assert (figure.data["central"] == 0.25).all(), "the row adopted, not what was central before the fit"
    table = calibration_exhibits.fit_table(pack)
    assert table.title == "1 of 2 targets lie inside their tolerance at the posterior mean."
    assert table.view.loc[0, "Published"] == "65,311" and table.notes[0] == "Outside: Entry."
    assert "2 of 2 quarter ends" in calibration_exhibits.supported_figure(pack).title
    ridges = calibration_exhibits.ridges(pack)
    assert ridges.data.iloc[0]["correlation"] == pytest.approx(-1.0)
    (claim,) = calibration_exhibits.claims(pack)
    assert isinstance(claim, Exhibit) and claim.title == "The data do not identify one."


def test_tables_that_are_not_those_of_the_adopted_run_are_not_shown(calibration, pack):
    adopt(calibration)
    folder, run = calibration
    (folder / calibrate.FILES["fit"]).write_text("name\nother\n", encoding="utf-8")
    assert isinstance(calibration_exhibits.fit_table(pack), Exhibit), "the run itself still has the true table"
    (run / calibrate.FILES["fit"]).unlink()
    assert isinstance(calibration_exhibits.fit_table(pack), Absent)
    assert isinstance(calibration_exhibits.posterior_figure(pack), Exhibit)
