"""A newly released file goes in with one command: kept beside the old vintage, told, adopted, and read from then on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import published
import pytest

import params
from evidence import cli
from evidence.records import reference_hashes
from params.releases import store
from params.tables import shipped

pytestmark = pytest.mark.behaviour
LIVERPOOL = "E08000012"
SOURCES = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(autouse=True)
def vintages(tmp_path, monkeypatch):
    folder = tmp_path / "vintages"
    monkeypatch.setenv("DISPERSAL_VINTAGES", str(folder))
    return folder


@pytest.fixture
def say(capsys):
    def run(words: str, code: int = 0) -> str:
        assert cli._code(words.split()) == code
        out = capsys.readouterr()
        return out.err if code else out.out

    return run


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Asy_D11 of March 2026: December 2025 as published but for ten more people in Liverpool, and a new quarter."""
    rows = published.council_rows("2025-12-31", add={LIVERPOOL: 10}) + published.council_rows("2026-03-31")
    return published.d11(tmp_path_factory.mktemp("release") / "support-mar-2026.xlsx", rows)


def test_a_release_is_imported_told_adopted_and_read(release, say, vintages):
    before = reference_hashes()
    said = say(f"data import {release}")
    assert "Asy_D11, published 2026-05-21: " in said
    assert "2025-12-31  Liverpool, dispersal: 1,397 to 1,407 (+10)" in said
    assert "2025-12-31      107,003    107,013       +10" in said
    assert "2026-03-31    not given    107,003       new" in said
    assert "In force: Asy_D11@2026-05-21; Asy_D11@shipped stays beside it." in said

    stock = params.reference("support_by_council").set_index(["quarter_end", "lad_code"])
    assert stock.loc[(pd.Timestamp("2026-03-31"), LIVERPOOL), "total"] == 2189
    assert stock.loc[(pd.Timestamp("2025-12-31"), LIVERPOOL), "dispersal"] == 1407
    assert (stock.loc["2026-03-31", "split_status"] == "published").all()
    assert len(stock.loc["2026-03-31"]) == 361
    national = params.reference("support_national").set_index("quarter_end")
    assert national.loc["2026-03-31", ["total", "contingency_hotel", "unallocated"]].tolist() == [107_003, 30_657, 0]
    assert list(stock.dtypes) == list(shipped("support_by_council").set_index(["quarter_end", "lad_code"]).dtypes)

    added = set(reference_hashes().items()) - set(before.items())
    assert {name for name, _ in added} == {"params/vintages/Asy_D11/2026-05-21.csv"}, "run records must show it"
    about = params.reference_record("support_by_council")
    assert about["vintages"][0]["id"] == "Asy_D11@2026-05-21"
    assert about["rows"] == len(stock)
    record = json.loads((vintages / "Asy_D11" / "2026-05-21.json").read_text())
    assert record["publisher"] == "Home Office"
    assert record["licence"] == "Open Government Licence v3.0"
    assert len(record["sha256"]) == 64
    assert record["file"] == release.name, "no path of the machine"


def test_the_same_release_twice_changes_nothing_and_another_edition_stands_beside(release, say, tmp_path, vintages):
    say(f"data import {release}")
    kept = {path: path.read_bytes() for path in vintages.rglob("*.*")}
    assert "Already imported as Asy_D11@2026-05-21; nothing changed." in say(f"data import {release}")
    assert {path: path.read_bytes() for path in vintages.rglob("*.*")} == kept
    corrected = published.d11(tmp_path / "b.ods", published.council_rows("2026-03-31", add={LIVERPOOL: 1}))
    assert "In force: Asy_D11@2026-05-21.2" in say(f"data import {corrected}")
    assert kept.items() <= {path: path.read_bytes() for path in vintages.rglob("*.*")}.items() | {
        (path, content) for path, content in kept.items() if path.name == "adopted.json"
    }
    listed = say("data list")
    assert "Asy_D11@2026-05-21.2   2026-03-31 to 2026-03-31  published 2026-05-21  in force" in listed
    told = say("data diff Asy_D11@2026-05-21 Asy_D11@2026-05-21.2")
    assert "2026-03-31  Liverpool, total: 2,189 to 2,190 (+1)" in told


def test_an_older_vintage_or_a_part_of_one_is_kept_and_not_adopted(say, tmp_path):
    part = published.d11(tmp_path / "part.xlsx", published.council_rows("2026-03-31")[:40])
    said = say(f"data import {part}")
    assert "it looks like a part of a release" in said
    assert "Asy_D11@shipped, which stays in force" in said
    assert params.reference("support_by_council")["quarter_end"].max() == pd.Timestamp("2025-12-31")
    old = published.d11(tmp_path / "old.xlsx", published.council_rows("2024-09-30", source="2024-09-30"))
    assert "it ends at 2024-09-30, and what is in force at 2025-12-31" in say(f"data import {old}")


def test_what_is_adopted_can_be_changed_and_changed_back(release, say):
    say(f"data import {release}")
    assert say("data adopt Asy_D11@shipped") == "In force: Asy_D11@shipped\n"
    pd.testing.assert_frame_equal(params.reference("support_by_council"), shipped("support_by_council"))
    say("data adopt Asy_D11@2026-05-21")
    assert params.reference("support_by_council")["quarter_end"].max() == pd.Timestamp("2026-03-31")


def test_a_start_can_be_taken_from_a_new_quarter_once_its_queues_are_imported(release, say, tmp_path):
    from sim.starts import published_start

    say(f"data import {release}")
    with pytest.raises(params.InputError, match="the table awaiting has no people on 2026-03-31"):
        published_start("2026-03-31")
    date = published.day("2026-03-31")
    waiting = [["Asy_D03"], ["Date (as at…)", "Application stage", "Applicant type", "Claims"],
               [date, "Pending initial decision", "Main Applicant", 60_000],
               [date, "Pending initial decision", "Dependant", 1_000]]  # fmt: skip
    decided = [["Asy_D02"], ["Year", "Quarter", "Case type", "Case outcome group", "Applicant type", "Decisions"],
               *([2026, "Q1", "Asylum Case", word, "Main applicant", n] for word, n in
                 (("Grant of Protection", 12_000), ("Refused", 20_000), ("Withdrawn", 4_000))),
               [2026, "Q1", "Asylum Case", "Refused", "Dependant", 900]]  # fmt: skip
    appeals = {f"FIA_{n}": [[f"FIA_{n}: {what}"], ["Financial Year", "Quarter", "Asylum/Protection"],
                            ["2025/26", "Q4", cases]]
               for n, what, cases in ((1, "Receipts", 17_000), (4, "Open caseload", 85_000))}  # fmt: skip
    for name, sheets in (("w", {"Data_Asy_D03": waiting}), ("d", {"Data_Asy_D02": decided}), ("t", appeals)):
        say(f"data import {published.write(tmp_path / f'{name}.xlsx', sheets)}")
    start = published_start("2026-03-31")
    assert {"awaiting": 61_000, "appeals": 85_000, "granted_a_month": 4_000}.items() <= start.national.items()
    assert start.stock.sum() == 107_003
    assert start.status == "published"


def test_claims_keep_the_older_vintage_in_its_own_columns(say, tmp_path):
    claims = [["Asy_D01"], ["Year", "Quarter", "Nationality", "Applicant type", "UASC", "Claims"]]
    claims += [[2026, "2026 Q1", "Iran", kind, "", n] for kind, n in (("Main applicant", 20_000), ("Dependant", 4_000))]
    say(f"data import {published.write(tmp_path / 'c.xlsx', {'Cover': published.cover('x'), 'Data_Asy_D01': claims})}")
    last = params.reference("intake").iloc[-1]
    assert (last["people"], last["vintage"]) == (24_000, pd.Timestamp("2026-05-21"))
    assert pd.isna(last["people_2024_11"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("data import nothing.xlsx", "nothing.xlsx: no such file."),
        ("data import . ", "is a folder"),
        ("data diff Asy_D11@shiped Asy_D11@shipped",
         "data: Asy_D11@shiped is not a vintage. Nearest: Asy_D11@shipped."),
        ("data diff Asy_D11@shipped Asy_D01@shipped", "compare vintages of one table"),
        ("data adopt Asy_D11@../../x", "is not a vintage"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_ends_in_one_line(say, words, said, vintages):
    error = say(words, code=2)
    assert said in error
    assert error.count("\n") == 1
    assert not vintages.exists(), "nothing was written"


def test_a_changed_or_lost_vintage_is_noticed(release, say, vintages):
    say(f"data import {release}")
    path = vintages / "Asy_D11" / "2026-05-21.csv"
    path.write_bytes(path.read_bytes().replace(b",1407,", b",1408,"))
    with pytest.raises(params.InputError, match="the vintage was changed after its import; import its file again"):
        params.reference("support_by_council")
    path.with_suffix(".json").unlink()
    with pytest.raises(params.InputError, match="Asy_D11@2026-05-21 is adopted and missing"):
        params.reference("support_by_council")


def test_nothing_is_shipped_as_adopted(monkeypatch):
    monkeypatch.delenv("DISPERSAL_VINTAGES")
    assert store.folder().name == "vintages"


def test_a_forecast_starts_from_stocks_released_before_the_claims(release, say):
    from forecasts.places import stock_paths

    say(f"data import {release}")
    ahead = stock_paths(horizon=2, paths=20)
    assert ahead.attrs["origin"] == "2026Q1"
    assert "Claims are published to 2025Q4 only" in ahead.attrs["caution"]
    assert ahead["people"].sum(["council", "accommodation"]).equals(ahead["supported"].astype("int64"))


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the source files (../shared/data) are not beside the repository")
def test_a_release_with_its_wrong_codes_and_unallocated_people_gives_the_shipped_table(say, tmp_path):
    nowhere = {"UNALLOCATED_NA_SUBSISTENCE_ONLY_DEC2023_SEP2024": "N/A - Subsistence Only (Dec 2023 - Dec 2024)",
               "UNALLOCATED_UNKNOWN": "Unknown"}  # fmt: skip
    wrong = {"Northern Ireland": "N09000003", "Scotland": "S12000033"}
    rows = []
    with (SOURCES / "supported_la_quarterly.csv").open(encoding="utf-8") as file:
        for source in csv.DictReader(file):
            if source["quarter_end"] < "2022-12-31":
                continue
            code, name, region = (source[column] for column in ("lad_code", "lad_name", "region"))
            if code in nowhere:
                code = name = region = nowhere[code]
            elif source["code_corrected"] == "1":
                code = wrong.get(region, "E06000010")  # as the release of November 2024 had it
            kind = published.WORDS[source["accommodation_type"].removesuffix("_only")]
            support = source["support_type"].replace("_", " ").title()
            rows.append([published.day(source["quarter_end"]), support, region, name, code, kind, source["people"]])
    said = say(f"data import {published.d11(tmp_path / 'support-sep-2024.xlsx', rows)}")
    assert "rows at 2022-12-31 carry another council's code; they go by their name" in said
    assert "support_by_council: 0 of 22,743 figures revised, in 0 series; 0 new; 0 no longer given" in said
