"""The committed tables hold the published figures, and the reader refuses what it cannot vouch for."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from params import tables
from params.errors import InputError

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT.parent / "shared" / "data"
RESTORE = "Restore it with git, or write it again: python -m params.importer ../shared/data"
SPLIT = ["dispersal", "initial", "contingency_hotel", "contingency_other", "other", "subsistence"]

COLUMNS = {
    "councils": "lad_code name region nation council_type is_two_tier utla_code utla_name contract_area "
    "provider population households deprivation_decile rural_class rent_2bed rent_basis "
    "private_rented_households hex_q hex_r",
    "council_codes": "former_code lad_code former_name succeeded_on",
    "support_by_council": "quarter_end lad_code dispersal initial contingency_hotel contingency_other "
    "other subsistence total split_status",
    "support_national": "quarter_end total dispersal contingency_hotel contingency_other initial other "
    "subsistence section_95 section_98 section_4 unallocated",
    "dispersal_area_changes": "contract_area low high quarters",
    "intake": "quarter_end people vintage people_2024_11",
    "intake_by_group": "quarter_end decision_group people",
    "intake_by_nationality": "quarter_end nationality_code decision_group people",
    "decision_groups": "decision_group share_of_claims grant_share refusal_share withdrawal_share "
    "admin_share",
    "decisions": "quarter_end outcomes grants refusals withdrawals administrative",
    "awaiting": "quarter_end people",
    "awaiting_by_duration": "quarter_end duration_band people vintage",
    "appeals": "quarter_end receipts disposals open_cases",
    "claims_cohorts": "claim_year main_applicants initial_protection_share latest_protection_share",
    "small_boats": "month people",
    "costs": "category item financial_year value unit basis source source_url confidence note",
    "services": "lad_code measure period value basis",
    "gdp_deflator": "financial_year index status",
    "comparator_tariffs": "scheme item value unit first_year price_base source source_url confidence note",
    "council_costs": "service measure place financial_year value unit scope source source_url confidence",
    "published_totals": "name value unit date source note",
}


def at(frame: pd.DataFrame, quarter_end: str) -> pd.DataFrame:
    return frame[frame["quarter_end"] == quarter_end]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tables that a test may damage."""
    return Path(shutil.copytree(tables.FOLDER, tmp_path / "reference"))


def test_every_table_of_the_contract_is_there_with_its_columns():
    assert tables.reference_names() == sorted(COLUMNS)
    for name, columns in COLUMNS.items():
        missing = set(columns.split()) - set(tables.reference(name).columns)
        assert not missing, f"{name} lacks {missing}"


def test_every_table_is_verified_and_nothing_else_lies_in_the_folder():
    records = tables.verify()
    assert [record["name"] for record in records] == sorted(COLUMNS)
    files = {path.name for path in tables.FOLDER.iterdir()}
    assert files == {f"{name}.csv" for name in COLUMNS} | {"manifest.json"}


def test_every_record_says_where_the_table_comes_from():
    for name in tables.reference_names():
        record = tables.reference_record(name)
        for field in ("title", "publisher", "source_table", "via", "vintage", "licence", "attribution"):
            assert record[field].strip(), f"{name} has no {field}"
        assert all(re.fullmatch("[0-9a-f]{64}", source["sha256"]) for source in record["sources"])
        quoted = "@" in record["via"] or "source" in record["columns"]  # single figures, each with where it was read
        assert record["sources"] or quoted, f"{name} has no source file"
        for column, about in record["columns"].items():
            assert about["description"], f"{name}.{column} is not described"
            assert about["type"] in ("text", "date", "integer", "number")
            if about["type"] in ("integer", "number"):
                assert about["unit"], f"{name}.{column} has no unit"


def test_what_is_not_known_is_said():
    said = " ".join(tables.not_known())
    for what in ("2001 Census", "children", "Northern Ireland", "Rural-urban class"):
        assert what in said


def test_the_tables_are_compact_and_name_no_machine():
    files = sorted(tables.FOLDER.iterdir())
    assert sum(path.stat().st_size for path in files) < 700_000
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "\r" not in text
        assert not re.search(r"(^|[\s\"'])/(home|root|tmp|work|usr)/", text), path.name


@pytest.mark.skipif(
    not SOURCES.is_dir(), reason="the source files (../shared/data) are not beside the repository"
)
def test_no_table_is_a_copy_of_a_source_file():
    def checksums(folder: Path) -> set[str]:
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}

    assert not checksums(SOURCES) & checksums(tables.FOLDER)


def test_no_nationality_is_carried():
    names = r"\b(Afghanistan|Albania|Eritrea|Ethiopia|India|Iran|Iraq|Pakistan|Sudan|Syria|Turkey|Yemen)\b"
    for path in tables.FOLDER.iterdir():
        assert not re.search(names, path.read_text(encoding="utf-8")), path.name


def test_councils_cover_the_united_kingdom():
    councils = tables.reference("councils")
    assert len(councils) == councils["lad_code"].nunique() == 361
    assert councils["population"].sum() == 69_281_437
    assert councils["nation"].value_counts().to_dict() == {
        "England": 296, "Scotland": 32, "Wales": 22, "Northern Ireland": 11,
    }  # fmt: skip
    assert councils["region"].nunique() == 12
    assert councils.groupby("contract_area")["provider"].nunique().to_dict() == dict.fromkeys(
        councils["contract_area"].unique(), 1
    )
    assert councils["contract_area"].nunique() == 7
    assert councils["provider"].nunique() == 3
    assert not councils.duplicated(["hex_q", "hex_r"]).any()
    recoded = councils.set_index("name")["lad_code"]
    assert (recoded["Barnsley"], recoded["Sheffield"]) == ("E08000038", "E08000039")


def test_deprivation_deciles_are_ten_equal_groups_in_each_nation():
    councils = tables.reference("councils")
    for nation, deciles in councils.groupby("nation")["deprivation_decile"]:
        sizes = deciles.value_counts().reindex(range(1, 11), fill_value=0)
        assert sizes.max() - sizes.min() <= 1, nation
    decile = councils.set_index("name")["deprivation_decile"]
    assert decile[["Middlesbrough", "Glasgow City", "Belfast", "Blaenau Gwent"]].tolist() == [1, 1, 1, 1]
    assert decile[["Hart", "Orkney Islands", "Monmouthshire"]].tolist() == [10, 10, 10]


def test_rents_have_one_basis_for_each_nation_and_none_where_not_known():
    councils = tables.reference("councils")
    basis = councils.groupby("nation")["rent_basis"].unique().map(list).to_dict()
    assert basis == {
        "England": ["voa_median_2021_22"], "Scotland": ["lha_2024_25"], "Wales": ["lha_2024_25"],
        "Northern Ireland": ["not_known"],
    }  # fmt: skip
    assert (councils["rent_2bed"].isna() == (councils["nation"] == "Northern Ireland")).all()
    assert councils["rent_2bed"].dropna().between(300, 3_000).all()


def test_rural_class_is_unknown_only_where_the_classification_does_not_reach():
    councils = tables.reference("councils")
    unknown = set(councils.loc[councils["rural_class"] == "unknown", "nation"])
    assert unknown == {"Scotland", "Northern Ireland"}
    assert set(councils["rural_class"]) == {"urban", "intermediate", "rural", "unknown"}


def test_the_baseline_is_the_published_stock():
    start = at(tables.reference("support_by_council"), "2025-12-31")
    assert start["total"].sum() == 107_003
    assert start["dispersal"].sum() == 68_538
    assert start["contingency_hotel"].sum() == 30_657
    assert start["contingency_other"].sum() == 2_010
    assert (start[SPLIT].sum(axis=1) == start["total"]).all()
    assert set(start["split_status"]) == {"hotel_split_estimated"}
    glasgow = start.set_index("lad_code").loc["S12000049"]
    assert (glasgow["total"], glasgow["dispersal"], glasgow["initial"]) == (3_835, 3_426, 257)


def test_support_has_every_council_at_every_quarter_end():
    support = tables.reference("support_by_council")
    councils = tables.reference("councils")
    quarters = pd.date_range("2022-12-31", "2025-12-31", freq="QE")
    assert sorted(support["quarter_end"].unique()) == list(quarters)
    for _, quarter in support.groupby("quarter_end"):
        assert quarter["lad_code"].tolist() == councils["lad_code"].tolist()
    assert (support["total"] >= 0).all()


def test_splits_add_up_where_published_and_are_empty_where_not():
    support = tables.reference("support_by_council")
    total_only = support["split_status"] == "total_only"
    assert set(support.loc[total_only, "quarter_end"].dt.strftime("%Y-%m")) == {
        "2024-12", "2025-03", "2025-06", "2025-09",
    }  # fmt: skip
    assert support.loc[total_only, SPLIT].isna().all(axis=None)
    assert (support.loc[~total_only, SPLIT].sum(axis=1) == support.loc[~total_only, "total"]).all()


def test_subsistence_that_no_council_is_allocated_is_unknown_and_not_zero():
    support = tables.reference("support_by_council")
    unallocated = support["quarter_end"].between("2023-12-31", "2024-12-31")
    assert (support["subsistence_allocated"] == (~unallocated).astype(int)).all()
    assert support.loc[unallocated, "subsistence"].isna().all()


def test_wrong_codes_of_december_2022_are_repaired():
    support = at(tables.reference("support_by_council"), "2022-12-31").set_index("lad_code")
    assert support.loc["E06000010", "total"] == 942, (
        "Hull was published with 4,777 people, most of them elsewhere"
    )


def test_councils_and_unallocated_people_make_the_national_total():
    national = tables.reference("support_national").set_index("quarter_end")
    councils = tables.reference("support_by_council").groupby("quarter_end")["total"].sum()
    assert (
        national["unallocated"].reindex(councils.index) + councils == national["total"][councils.index]
    ).all()
    sections = national[["section_95", "section_98", "section_4"]].sum(axis=1)
    assert (sections == national["total"]).all()
    split = national.loc["2022-12-31":, SPLIT].dropna()
    assert len(split) == 9
    assert (split.sum(axis=1) == national["total"][split.index]).all()
    assert national.loc[:"2022-09-30", "contingency_hotel"].isna().all()


def test_claims_keep_their_vintages_apart():
    intake = tables.reference("intake").set_index("quarter_end")
    assert intake.index[0] == pd.Timestamp("2002-03-31")
    assert intake.index[-1] == pd.Timestamp("2025-12-31")
    by_year = intake.groupby(intake.index.year)[["people", "people_2024_11"]].sum()
    assert by_year.loc[2022].tolist() == [95_007, 99_939]
    assert by_year.loc[2024, "people"] == 104_764
    assert intake.loc["2024-12-31":, "people_2024_11"].isna().all()
    before = intake.loc[:"2019-12-31"]
    assert (before["people"] == before["people_2024_11"]).all()


def test_claims_by_group_add_up_to_the_older_vintage():
    groups = tables.reference("intake_by_group").groupby("quarter_end")["people"].sum()
    older = tables.reference("intake").set_index("quarter_end")["people_2024_11"].dropna()
    pd.testing.assert_series_equal(groups.astype(float), older, check_names=False, check_freq=False)


def test_claims_by_nationality_have_numbers_and_add_up_to_the_groups():
    claims = tables.reference("intake_by_nationality")
    assert sorted(claims["nationality_code"].unique()) == [*(f"n{k:02d}" for k in range(1, 27)), "other"]
    assert (claims.groupby("nationality_code")["decision_group"].nunique() == 1).all()
    by = ["quarter_end", "decision_group"]
    groups = tables.reference("intake_by_group").groupby(by)["people"].sum()
    pd.testing.assert_series_equal(claims.groupby(by)["people"].sum(), groups)


def test_decision_groups_are_shares_that_respect_the_thresholds():
    groups = tables.reference("decision_groups").set_index("decision_group")
    assert groups.index.tolist() == ["high", "mixed", "low"]
    outcomes = groups[["grant_share", "refusal_share", "withdrawal_share", "admin_share"]]
    np.testing.assert_allclose(outcomes.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(groups[["share_of_claims", "share_of_decisions"]].sum(), 1, atol=1e-5)
    grants = groups["grant_share"] / (groups["grant_share"] + groups["refusal_share"])
    np.testing.assert_allclose(grants, groups["initial_grant_share"], atol=1e-5)
    assert grants["high"] >= 0.70 and 0.30 < grants["mixed"] < 0.70 and grants["low"] <= 0.30
    assert groups["nationalities"].sum() == 26


def test_outcomes_are_on_one_definition():
    decisions = tables.reference("decisions").set_index("quarter_end")
    parts = decisions[["grants", "refusals", "withdrawals", "administrative"]]
    assert (parts.sum(axis=1) == decisions["outcomes"]).all()
    assert decisions.loc["2025-12-31"].tolist() == [39_395, 13_194, 20_602, 4_755, 844]


def test_queues_are_the_published_ones():
    awaiting = tables.reference("awaiting").set_index("quarter_end")["people"]
    assert awaiting["2025-12-31"] == 64_426
    assert awaiting["2023-06-30"] == 175_457
    bands = tables.reference("awaiting_by_duration").groupby("quarter_end")["people"].sum()
    assert (bands == awaiting[bands.index]).all()
    assert bands.index[-1] == pd.Timestamp("2024-09-30")
    assert tables.reference("appeals").set_index("quarter_end").loc["2025-12-31", "open_cases"] == 80_333


def test_cohort_shares_add_up():
    cohorts = tables.reference("claims_cohorts")
    for stage in ("initial_", "latest_"):
        shares = cohorts[[column for column in cohorts if column.startswith(stage)]]
        assert shares.shape[1] == 6
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


def test_small_boats_are_whole_months():
    months = tables.reference("small_boats")["month"]
    assert months.tolist() == list(pd.date_range("2018-01-01", "2025-12-01", freq="MS"))


def test_costs_leave_out_the_components_of_the_national_audit_office():
    costs = tables.reference("costs")
    assert "nao_component" not in set(costs["category"])
    assert not costs["source"].str.contains("reconciliation file").any()
    nights = costs[costs["item"].isin(["hotel_per_person_per_night", "dispersal_per_person_per_night"])]
    assert sorted(nights["value"]) == [14.41, 118.87, 144.98, 162.16]
    low = costs[costs["confidence"] == "low"]
    assert set(low["item"]) == {"dispersal_per_person_per_night"}
    assert not low["source_url"].any()
    assert set(costs["rights"]) == {"open_official", "nao_quoted", "secondary_quoted"}


def test_published_totals_are_the_anchors():
    totals = tables.reference("published_totals").set_index("name")
    for name, value in {
        "supported_people": 107_003, "supported_dispersal": 68_538, "supported_contingency_hotel": 30_657,
        "supported_contingency_other": 2_010, "awaiting_initial_decision": 64_426, "open_appeals": 80_333,
        "supported_people_2026_06": 93_293, "supported_people_peak": 123_758, "uk_population": 69_281_437,
        "councils": 361, "la_dispersal_grants_2024_25": 247_000_000, "claims_2022": 95_007,
    }.items():  # fmt: skip
        assert totals.loc[name, "value"] == value, name
    assert totals.loc["la_dispersal_grants_2024_25", "source"].startswith("National Audit Office")
    assert (totals["source"] != "").all()


def test_types_are_what_the_manifest_says():
    support = tables.reference("support_by_council")
    assert support["quarter_end"].dtype == "datetime64[ns]"
    assert support["total"].dtype == "int64"
    assert support["dispersal"].dtype == "float64"
    assert pd.api.types.is_string_dtype(support["lad_code"])


def test_text_that_looks_missing_is_kept(folder: Path):
    content = (folder / "small_boats.csv").read_bytes().replace(b"month,people\n", b"month,people,mark\n")
    lines = content.decode().splitlines()
    content = "\n".join([lines[0]] + [f"{line},NA" for line in lines[1:]] + [""]).encode()
    (folder / "small_boats.csv").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"]["small_boats"]["sha256"] = hashlib.sha256(content).hexdigest()
    manifest["tables"]["small_boats"]["columns"]["mark"] = {
        "type": "text",
        "unit": "",
        "description": "a mark",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert set(tables.reference("small_boats", folder)["mark"]) == {"NA"}


def test_a_frame_can_be_changed_without_changing_the_next_one():
    first = tables.reference("councils")
    first.loc[:, "population"] = 0
    record = tables.reference_record("councils")
    record["columns"].clear()
    assert tables.reference("councils")["population"].sum() == 69_281_437


@pytest.mark.parametrize(
    ("name", "nearest"), [("councls", "councils"), ("support_by_councils", "support_by_council")]
)
def test_an_unknown_table_names_the_nearest_and_the_command(name: str, nearest: str):
    with pytest.raises(InputError) as caught:
        tables.reference(name)
    assert str(caught.value) == (
        f"params/reference: {name} is not a reference table. Nearest: {nearest}. "
        "`dispersal check` lists them all."
    )


def test_a_name_that_is_a_path_is_an_unknown_table():
    with pytest.raises(InputError, match=r"params/reference: \.\./councils is not a reference table"):
        tables.reference("../councils")


def test_a_missing_table_is_named_with_the_way_to_restore_it(folder: Path):
    (folder / "councils.csv").unlink()
    with pytest.raises(InputError) as caught:
        tables.reference("councils", folder)
    assert str(caught.value) == f"{folder}/councils.csv: the table is missing. {RESTORE}"
    with pytest.raises(InputError, match=r"councils\.csv: the table is missing"):
        tables.verify(folder)


def test_one_changed_figure_is_noticed(folder: Path):
    path = folder / "support_by_council.csv"
    content = bytearray(path.read_bytes())
    place = content.index(b"376")
    content[place] = ord("4")
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"support_by_council\.csv: the table is damaged or was edited"):
        tables.reference("support_by_council", folder)
    assert len(tables.reference("councils", folder)) == 361, "another table is still good"


def test_a_table_cut_short_behind_a_matching_checksum_is_noticed(folder: Path):
    path = folder / "councils.csv"
    content = b"\n".join(path.read_bytes().splitlines()[:-1]) + b"\n"
    path.write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"]["councils"]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"councils\.csv: the table does not match its manifest"):
        tables.reference("councils", folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tables": 1, "not_known": []}', b"\xff\xfe"])
def test_a_damaged_manifest_is_named(folder: Path, content: bytes):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        tables.reference_names(folder)
    assert str(caught.value) == f"{folder}/manifest.json: the manifest is damaged. {RESTORE}"


def test_a_missing_manifest_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"manifest\.json: the manifest is missing"):
        tables.reference("councils", tmp_path)


def test_asking_for_records_does_not_import_pandas():
    code = (
        "import sys; from params import tables; tables.reference_record('councils'); "
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_services_name_a_basis_for_every_figure_and_one_basis_for_each_nation():
    found = tables.reference("services").merge(tables.reference("councils")[["lad_code", "nation"]], on="lad_code")
    bases = found.groupby(["measure", "nation"])["basis"].nunique()
    assert (bases == 1).all(), bases[bases != 1]
    national = found[found["basis"] != "United Kingdom"]
    assert all(basis.startswith(nation) for basis, nation in zip(national["basis"], national["nation"], strict=True))
