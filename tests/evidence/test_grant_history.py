"""The encoded grant rules reproduce the published order of magnitude on published stocks; prices have a vintage."""

from __future__ import annotations

import math

import pytest

import params
from evidence.chapters import grant_history
from params.instruments import library
from params.prices import deflator_vintage, in_prices_of

pytestmark = pytest.mark.baseline


@pytest.fixture(scope="module")
def table():
    return grant_history.history()


def amount(table, instrument: str) -> float:
    return float(table.loc[table["instrument"] == instrument, "amount"].iloc[0])


def test_250_pounds_on_28_march_2022_is_about_21_million_paid_in_2022_23(table):
    assert amount(table, "asylum_dispersal_grant_1") == pytest.approx(21e6, rel=0.05)
    assert table.set_index("instrument").loc["asylum_dispersal_grant_1", "year"] == "2022-23"


def test_1200_pounds_a_person_is_about_121_million_a_year(table):
    assert grant_history.scale_of(1200.0) == pytest.approx(121e6, rel=0.005)
    assert amount(table, "asylum_grant_2025_26") == pytest.approx(121e6, rel=0.02)


def test_the_rules_of_2024_25_come_to_the_order_of_the_national_audit_office_s_247_million(table):
    paid = table.loc[table["year"] == "2024-25", "amount"].sum()
    assert 0.4 * 247e6 < paid < 247e6
    assert amount(table, "grant_6_existing") == pytest.approx(750 * 97_904)


def test_what_was_not_published_is_said_and_never_filled_in(table):
    found = grant_history.check(table).set_index("year")
    assert list(found.index) == list(grant_history.YEARS)
    for year in ("2023-24", "2026-27"):
        assert math.isnan(found.loc[year, "published"]) and found.loc[year, "holds"] == "not known"
    assert math.isnan(found.loc["2026-27", "amount"])
    assert set(found.loc[["2022-23", "2024-25", "2025-26"], "holds"]) == {"yes"}
    status = {name: own.status for name, own in library()["history"].items()}
    assert {s for n, s in status.items() if n.startswith("grants_3_to_5")} == {"not_published"}
    assert status["grant_6_growth"] == "assumed"


def test_northern_ireland_has_arrangements_of_its_own(table):
    support = params.reference("support_by_council")
    covered = support[support["quarter_end"].eq("2024-03-31") & ~support["lad_code"].str.startswith("N")]
    people = covered["total"].sum()  # that quarter allocates nobody on subsistence only to a council
    assert amount(table, "grant_6_existing") == pytest.approx(750 * people)


def test_history_on_the_command_line(dispersal, tmp_path):
    code, out, _ = dispersal("funding", "history", "--out", str(tmp_path / "history.csv"))
    text = "\n".join(out)
    assert code == 0
    assert "rules £21.3m, published £21m" in text and "published £247m" in text and "No rate was found" in text
    assert (tmp_path / "history.csv").read_text(encoding="utf-8").startswith("year,instrument,label,rate,unit")


def test_prices_move_by_the_deflator_s_vintage_and_the_model_s_inflation_follows_it():
    assert in_prices_of(100.0, "2022-23") == pytest.approx(100 * 103.2388 / 91.2996)
    assert in_prices_of(in_prices_of(7.0, "2025-26", "2029-30"), "2029-30") == pytest.approx(7.0)
    assert "March 2026" in deflator_vintage()
    with pytest.raises(params.InputError, match="2041-42: the GDP deflator covers .* 2018-19 to 2030-31"):
        in_prices_of(1.0, "2041-42")
    inflation = float(params.load().entries["prices.inflation"].values()[-1])
    for years, label in enumerate(("2026-27", "2027-28", "2028-29", "2029-30"), start=1):
        assert (1 + inflation) ** years == pytest.approx(in_prices_of(1.0, "2025-26", label), rel=0.002)
