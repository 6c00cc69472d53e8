"""The archive: editions are kept once and never changed, re-scored on outturn, and their change fully explained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasts import archive as kept
from params import InputError, load

pytestmark = pytest.mark.behaviour


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An archive with a real data revision in it: the same claims in two vintages, and a later origin."""
    place = tmp_path_factory.mktemp("runs") / "archive"
    kept.archive(place, horizon=8, paths=300, vintage="2024-11")
    kept.archive(place, origin="2024Q3", horizon=8, paths=300)
    kept.archive(place, horizon=6, paths=300)
    return place


@pytest.fixture(scope="module")
def three(folder: Path) -> dict[str, kept.Edition]:
    """The three editions by what they are."""
    found = {}
    for edition in kept.editions(folder):
        if edition.origin == "2025Q4":
            found["latest"] = edition
        else:
            found["revised" if "supported" in edition.vintage else "earlier"] = edition
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---- kept once, never changed ------------------------------------------------------------------------------------


def test_an_edition_says_where_it_comes_from(folder: Path, three: dict[str, kept.Edition]) -> None:
    for edition in three.values():
        written = json.loads((folder / edition.id / "edition.json").read_text(encoding="utf-8"))
        assert written["origin"] == edition.origin
        assert "assumptions" in written["method"]["intake"]
        assert len(written["data_sha256"]) == 64
        assert edition.id.startswith(edition.origin)
    assert "2024-11-28" in three["earlier"].vintage["intake"]
    assert "2026-02-26" in three["latest"].vintage["intake"]
    assert set(three["earlier"].vintage) == {"intake"}


def test_the_same_edition_is_kept_once_and_another_beside_it(folder: Path, tmp_path: Path) -> None:
    first = kept.archive(tmp_path, horizon=2, paths=60)
    before = contents(tmp_path)
    assert kept.archive(tmp_path, horizon=2, paths=60) == first
    assert contents(tmp_path) == before
    other = kept.archive(tmp_path, horizon=2, paths=60, seed=2)
    assert other.id != first.id
    assert {name: content for name, content in contents(tmp_path).items() if name in before} == before


def test_an_origin_too_early_for_the_level_law_keeps_intake_alone(tmp_path: Path) -> None:
    edition = kept.archive(tmp_path, origin="2012Q4", horizon=2, paths=60)
    assert set(kept.read_quantiles(tmp_path, edition)["series"]) == {"intake"}
    assert set(edition.method) == {"intake"}


def test_another_method_is_another_edition(tmp_path: Path) -> None:
    usual = kept.archive(tmp_path, horizon=2, paths=60)
    changed = kept.archive(tmp_path, horizon=2, paths=60, assumptions=load(overrides={"forecast_stocks.momentum": 0.2}))
    assert usual.id != changed.id
    assert usual.method != changed.method
    assert usual.data_sha256 == changed.data_sha256


@pytest.mark.parametrize("name", ["quantiles.csv", "data.csv"])
def test_a_changed_edition_is_refused(tmp_path: Path, name: str) -> None:
    edition = kept.archive(tmp_path, horizon=2, paths=60)
    path = tmp_path / edition.id / name
    path.write_text(path.read_text(encoding="utf-8").replace("2025Q4", "2025Q3"), encoding="utf-8")
    with pytest.raises(InputError, match=f"{name}.*was changed after the edition was kept"):
        kept.editions(tmp_path)


def test_an_unreadable_record_and_an_unknown_edition_are_clear_errors(tmp_path: Path) -> None:
    edition = kept.archive(tmp_path, horizon=2, paths=60)
    with pytest.raises(InputError, match=f"no such edition. Nearest: {edition.id}"):
        kept.read_edition(tmp_path, edition.id[:-1])
    (tmp_path / edition.id / "edition.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        kept.read_edition(tmp_path, edition.id)


def test_a_folder_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="editions cannot be kept there"):
        kept.archive(blocked, horizon=2, paths=60)
    assert contents(tmp_path) == {"file": b"x"}


@pytest.mark.parametrize(
    ("given", "said"),
    [({"vintage": "2024-12"}, "Nearest: 2024-11"), ({"horizon": 0}, "horizon"), ({"origin": "1990Q1"}, "1990Q1")],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, given: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        kept.archive(tmp_path / "archive", **given)
    assert not (tmp_path / "archive").exists()


# ---- scored again when outturn arrives ---------------------------------------------------------------------------


def test_editions_are_scored_on_the_quarters_that_have_happened(folder: Path, three: dict[str, kept.Edition]) -> None:
    scored = kept.rescore(folder, kept.outturn_of()).set_index(["edition", "series"])
    assert scored.loc[(three["revised"].id, "intake"), "quarters"] == 5
    assert scored.loc[(three["latest"].id, "intake"), "quarters"] == 0
    # One later figure of supported people is published without detail, for June 2026.
    assert scored.loc[(three["latest"].id, "supported"), "latest"] == "2026Q2"
    assert scored.loc[(three["latest"].id, "supported"), "quarters"] == 1


def test_a_score_is_that_of_the_forecast_against_the_file_given(
    folder: Path, three: dict[str, kept.Edition], tmp_path: Path
) -> None:
    edition = three["latest"]
    table = kept.read_quantiles(folder, edition)
    mine = table[(table["series"] == "intake") & (table["target_quarter"] == "2026Q1")].set_index("quantile")["value"]
    outturn = tmp_path / "outturn.csv"
    outturn.write_text(f"series,quarter,value\nintake,2026Q1,{mine[0.5] + 1000}\n", encoding="utf-8")
    row = kept.rescore(folder, kept.outturn_of(outturn)).set_index(["edition", "series"]).loc[(edition.id, "intake")]
    assert row["quarters"] == 1
    assert row["mae"] == pytest.approx(1000)
    levels, values = mine.index.to_numpy(), mine.to_numpy()
    error = mine[0.5] + 1000 - values
    assert row["wis"] == pytest.approx(2 * np.maximum(levels * error, (levels - 1) * error).mean())
    assert row["inside_95"] == 1


def test_scores_are_kept_beside_the_edition_and_never_overwritten(folder: Path, tmp_path: Path) -> None:
    kept.rescore(folder, kept.outturn_of())
    before = contents(folder)
    assert any(Path(name).name.startswith("scores-") for name in before)
    kept.rescore(folder, kept.outturn_of())
    assert contents(folder) == before
    outturn = tmp_path / "outturn.csv"
    outturn.write_text("series,quarter,value\nintake,2026Q1,24321\n", encoding="utf-8")
    kept.rescore(folder, kept.outturn_of(outturn))
    after = contents(folder)
    assert before.items() <= after.items()
    assert len(after) > len(before)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("series,quarter,people\nintake,2026Q1,1\n", "its columns are series, quarter, people"),
        ("series,quarter,value\nintak,2026Q1,1\n", "row 2.*Nearest: intake"),
        ("series,quarter,value\nintake,2026-01,1\n", "row 2.*is not a quarter"),
        ("series,quarter,value\nintake,2026Q1,1\nintake,2026Q2,-4\n", "row 3.*'-4' is not a number of people"),
        ("series,quarter,value\nintake,2026Q1,\n", "row 2"),
        ("series,quarter,value\nintake,2026Q1,1\nintake,2026Q1,2\n", "row 3.*given twice"),
    ],
)
def test_an_outturn_file_that_cannot_be_used_names_its_row(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "outturn.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        kept.outturn_of(path)


def test_missing_files_and_empty_archives_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        kept.outturn_of(tmp_path / "none.csv")
    with pytest.raises(InputError, match="keeps no editions"):
        kept.rescore(tmp_path, kept.outturn_of())


# ---- the change between editions ---------------------------------------------------------------------------------


def test_the_change_splits_into_method_revision_and_new_quarters_with_nothing_left(
    folder: Path, three: dict[str, kept.Edition]
) -> None:
    change = kept.diff(folder, three["earlier"].id, three["latest"].id)
    assert (change["remainder"] == 0).all()
    total = (1000 * (change["later"] - change["earlier"])).round().astype(int)
    parts = sum((1000 * change[step]).round().astype(int) for step in kept.STEPS)
    assert (total == parts).all()
    assert set(change["series"]) == {"intake"}
    assert set(change["target_quarter"]) == {"2026Q1", "2026Q2", "2026Q3"}
    # Claims were revised down from 2020 on, and the last quarter of 2025 was low.
    median = change[change["statistic"] == "median"]
    assert (median["revision"] < 0).all()
    assert (median["new_quarter"] < 0).all()
    # Nothing in the method differs between two editions of one program.
    assert (change["method"] == 0).all()


def test_a_revision_alone_and_new_quarters_alone_are_told_apart(folder: Path, three: dict[str, kept.Edition]) -> None:
    revision = kept.diff(folder, three["earlier"].id, three["revised"].id)
    assert (revision["new_quarter"] == 0).all()
    assert (revision["revision"] != 0).all()
    quarters = kept.diff(folder, three["revised"].id, three["latest"].id)
    assert (quarters["revision"] == 0).all()
    assert (quarters["new_quarter"] != 0).any()
    assert set(quarters["series"]) == {"intake", "supported"}


def test_a_change_of_method_alone_is_the_method(tmp_path: Path) -> None:
    before = kept.archive(tmp_path, horizon=3, paths=200, assumptions=load(overrides={"forecast_stocks.momentum": 0.0}))
    now = kept.archive(tmp_path, horizon=3, paths=200)
    change = kept.diff(tmp_path, before.id, now.id)
    supported = change[change["series"] == "supported"]
    assert (supported["method"] != 0).any()
    assert (change[["revision", "new_quarter", "remainder"]] == 0).all(axis=None)
    assert (change.loc[change["series"] == "intake", "method"] == 0).all()


def test_an_edition_that_this_program_does_not_make_again_is_not_explained(tmp_path: Path) -> None:
    before = kept.archive(tmp_path, horizon=3, paths=200)
    other = kept.archive(tmp_path, horizon=3, paths=200, assumptions=load(overrides={"forecast_stocks.momentum": 0.0}))
    with pytest.raises(InputError, match="another method or other assumptions.*forecast archive"):
        kept.diff(tmp_path, before.id, other.id)


def test_editions_the_wrong_way_round_or_without_a_common_quarter_are_refused(
    folder: Path, three: dict[str, kept.Edition], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="the other way round"):
        kept.diff(folder, three["latest"].id, three["earlier"].id)
    short = kept.archive(tmp_path, origin="2024Q3", horizon=2, paths=60)
    long = kept.archive(tmp_path, horizon=2, paths=60)
    with pytest.raises(InputError, match="no quarter in common"):
        kept.diff(tmp_path, short.id, long.id)


def test_the_figures_kept_are_the_figures_seen(folder: Path, three: dict[str, kept.Edition]) -> None:
    data = kept.read_data(folder, three["revised"])
    assert data["intake"].index[-1] == pd.Period("2024Q3", "Q")
    assert data["intake"].iloc[-1] == 29_225
    assert kept.read_data(folder, three["earlier"])["intake"].iloc[-1] == 30_107
    assert data["supported"].iloc[-1] == 109_024
