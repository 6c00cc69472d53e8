"""Three ledgers that are never added, in code and in what exhibits show; present values; local costs on one demand."""

from __future__ import annotations

import ast
import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import evidence
import params
from evidence import results
from evidence.chapters import cost_checks, funding, homelessness, ledgers, local_costs, unit_costs
from evidence.exhibits import Exhibit, Pack
from evidence.reporting import submission
from params.instruments import SERVICES, SUPPORTED
from params.prices import in_prices_of

pytestmark = pytest.mark.unit

LEDGER_OF = {
    **dict.fromkeys(("home_office_cost_in_month", "home_office_items", "home_office"), "Home Office"),
    **dict.fromkeys(
        ("council_gross_cost_in_month", "council_gross_cost", "council_net_cost", "grant_in_month", "grant"), "Councils"
    ),
    **dict.fromkeys(("other_public_cost_in_month", "other_public_items", "other_public"), "Other public bodies"),
}


@pytest.fixture
def pack(tmp_path) -> Pack:
    """A pack on an invented study: two arms, two draws, three replications, January 2026 to March 2027, three "
    "councils."""
    rng = np.random.default_rng(11)
    month = pd.date_range("2026-01-01", periods=15, freq="MS").values
    ends = pd.date_range("2025-12-31", periods=16, freq="ME").values
    lead, size = ("arm", "draw", "replication"), (2, 2, 3)
    codes, names = ["S12000049", "E08000003", "E08000035"], ["Glasgow City", "Manchester", "Leeds"]
    region = np.array(["Scotland", "North West", "Yorkshire and The Humber"])
    gross = rng.uniform(1e4, 9e4, (*size, 15, 3, len(SERVICES)))
    grant = rng.uniform(1e4, 5e4, (*size, 15, 3))
    grant[1, :, :, 3:] *= 3
    units = np.ones((*size, 15, 3, len(SERVICES))) * np.array([1000.0, 500.0, 0.2])[:, None]
    parts, whole = slice(0, 3), slice(3, 15)

    def years(values: np.ndarray) -> np.ndarray:
        return np.stack([values[:, :, :, part].sum(3) for part in (parts, whole)], 3)

    variables = {
        "council_gross_cost_in_month": ((*lead, "month", "service"), gross.sum(4)),
        "council_gross_cost_by_region_in_month": ((*lead, "month", "region_name", "service"), gross),
        "council_gross_cost_in_financial_year": ((*lead, "financial_year", "council", "service"), years(gross)),
        "service_units_in_financial_year": ((*lead, "financial_year", "council", "service"), years(units)),
        "grant_in_month": ((*lead, "month"), grant.sum(4)),
        "grant_by_region_in_month": ((*lead, "month", "region_name"), grant),
        "grant_in_financial_year": ((*lead, "financial_year", "council"), years(grant)),
        "price_level": ((*lead, "month"), 1.02 ** (np.arange(15) / 12) * np.ones((*size, 1))),
        "home_office_cost_in_month": ((*lead, "month", "home_office_item"), rng.uniform(1e7, 9e7, (*size, 15, 7))),
        "other_public_cost_in_month": ((*lead, "month", "other_body"), rng.uniform(1e6, 9e6, (*size, 15, 3))),
        "person_nights_in_month": ((*lead, "month", "accommodation"), rng.uniform(1e5, 9e5, (*size, 15, 6))),
        "homelessness_duties_in_financial_year": (
            (*lead, "financial_year", "council"), rng.uniform(1e2, 9e2, (*size, 2, 3))
        ),
    }
    coordinates = {
        "arm": ["base", "more"], "arm_label": ("arm", ["As it is", "More"]), "draw": [0, 1], "replication": [0, 1, 2],
        "month": month, "month_end": ends, "financial_year": ["2025-26 (part)", "2026-27"],
        "months_in_year": ("financial_year", [3, 12]), "region_name": list(region), "council": codes,
        "council_name": ("council", names), "region": ("council", region),
        "nation": ("council", ["Scotland", "England", "England"]), "service": list(SERVICES),
        "home_office_item": [*SUPPORTED[:5], "cash_support", results.GRANTS],
        "other_body": ["schools", "health", "tribunal"],
        "accommodation": list(SUPPORTED),
    }  # fmt: skip
    study = xr.Dataset(variables, coordinates, {"baseline": "base"})
    record = {"assumptions": {"base": {"services.benefit_share": [["1900-01-01", 0.5]]}}}
    return Pack("invented-00000000", study, record, tmp_path, None)


def exhibits(pack: Pack) -> list[Exhibit]:
    made = (
        ledgers.ledgers_figure, ledgers.prices_table, ledgers.home_office_table, ledgers.ledger_years_figure,
        ledgers.present_value_table, ledgers.council_lines_table, ledgers.other_ledgers_table,
        cost_checks.contested_table, cost_checks.cost_totals_check, funding.home_office_claim, funding.net_cost_figure,
    )  # fmt: skip
    return [make(pack) for make in made]


def across(pack: Pack) -> np.ndarray:
    """Every sum and difference of two or three ledgers' medians that an exhibit could wrongly show."""
    found = []
    for real in (False, True):
        flows = results.ledgers(pack.study, real=real).values()
        tables = [results.summarise(flow)["central"].to_numpy() for flow in flows]
        tables += [results.summarise(results.over_years(flow, ["2026-27"]))["central"].to_numpy() for flow in flows]
        for count in (2, 3):
            for chosen in itertools.combinations(tables[:3], count):
                found += [sum(chosen), chosen[0] - chosen[1]]
    return np.concatenate([np.ravel(f) for f in found])


def matching(exhibit: Exhibit, sums: np.ndarray) -> list[float]:
    numbers = exhibit.data.select_dtypes("number").to_numpy(float).ravel()
    return [v for v in numbers if np.isfinite(v) and np.isclose(sums, v, rtol=1e-9, atol=0).any()]


def test_no_exhibit_shows_a_sum_across_ledgers(pack):
    sums = across(pack)
    for exhibit in exhibits(pack):
        assert not matching(exhibit, sums), exhibit.name
    by_year = ledgers.ledger_years_figure(pack).data
    both = by_year[(by_year["prices"] == "cash") & (by_year["arm"] == "base") & (by_year["ledger"] != "Councils")]
    wrong = Exhibit("table", "wrong", "t", "s", pd.DataFrame({"total": [both["central"].sum()]}), "GBP", "", "")
    assert matching(wrong, sums), "the detector finds nothing"


def ledgers_named(tree: ast.AST) -> set[str]:
    words = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    words |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    words |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return {LEDGER_OF[w] for w in words if w in LEDGER_OF}


def sums_across(tree: ast.AST) -> list[int]:
    """Lines where an addition names two ledgers, or where the ledgers as a whole are summed."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and len(ledgers_named(node)) > 1:
            lines.append(node.lineno)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum":
            inside = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
            if "ledgers" in inside or len(ledgers_named(node)) > 1:
                lines.append(node.lineno)
    return lines


def test_no_code_of_evidence_adds_one_ledger_to_another():
    for path in Path(evidence.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not sums_across(tree), f"{path.name}: {sums_across(tree)}"
    assert sums_across(ast.parse("results.home_office_items(s).sum() + results.council_net_cost(s)")) == [1]
    assert sums_across(ast.parse("sum(results.ledgers(study).values())")) == [1]


def test_the_ledgers_stand_in_the_order_of_their_names_and_grants_in_two(pack):
    assert tuple(results.ledgers(pack.study)) == ledgers.LEDGERS
    shown = ledgers.council_lines_table(pack).data.set_index("line")["central"]
    gross = results.council_gross_cost(pack.study).sel(arm="base").sum("service")
    assert shown["gross cost, all lines"] == pytest.approx(float(np.median(gross)))
    net = results.council_net_cost(pack.study).sel(arm="base")
    assert shown["net cost"] == pytest.approx(float(np.median(net)))


def test_a_present_value_discounts_from_the_second_year_on():
    profile = xr.DataArray([[100.0, 100.0, 100.0]], dims=("draw", "financial_year"))
    assert results.present_value(profile, 0.035).item() == pytest.approx(100 + 100 / 1.035 + 100 / 1.035**2)
    assert results.present_value(profile, 0.0).item() == pytest.approx(300)


@pytest.fixture
def own_costs(tmp_path):
    """A filled template: the cost of social care in some councils, 2024-25 prices."""

    def write(councils: str, value: str = "500") -> str:
        rows = list(csv.DictReader(unit_costs.template().splitlines()))
        row = next(r for r in rows if r["service"] == "social_care")
        row |= {"councils": councils, "value": value, "price_base": "2024-25", "source": "ledger"}
        path = tmp_path / "own.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, unit_costs.COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return str(path)

    return write


def test_local_costs_price_the_same_demand_and_stand_apart(pack, own_costs):
    table, effect = local_costs.unit_costs_tables(pack, own_costs("Glasgow City; Manchester"))
    row = effect.data.iloc[0]
    assert row["councils"] == 2 and row["units"] == 1500
    assert row["local"] == pytest.approx(1500 * in_prices_of(500, "2024-25"))
    real = results.council_gross_cost(pack.study, "council", real=True).sel(
        arm="base", financial_year="2026-27", service="social_care", council=["S12000049", "E08000003"]
    )
    assert row["central"] == pytest.approx(float(np.median(real.sum("council"))))
    social = table.data.set_index("service").loc["social_care"]
    assert social["local_councils"] == 2 and social["central"] != social["local"] and np.isnan(social["sourced_low"])
    assert "rest of this report uses central costs only" in " ".join(effect.notes)


def test_a_small_demand_is_withheld_with_everything_that_would_give_it_away(pack, own_costs):
    _, effect = local_costs.unit_costs_tables(pack, own_costs("Leeds"))
    shown = effect.data.iloc[0].drop(["service", "councils"])
    assert set(shown) == {"[c]"}
    assert "[c]" in effect.shown().to_string() and "£0" not in effect.shown().iloc[0].to_string()


def test_without_a_file_only_central_and_published_unit_costs_are_shown(pack):
    (table,) = local_costs.unit_costs_tables(pack)
    assert "no council's own costs were given" in table.title
    assert set(table.shown()["Local"]) == {"not given"}
    assert (table.data["source"] == "nothing found").sum() == table.data["sourced_low"].isna().sum() > 0


def test_contested_prices_stay_ranges_with_their_sources(pack):
    data = cost_checks.contested_table(pack).data
    for kind, ends in {"Hotel": (118.87, 162.16), "Dispersal accommodation": (14.41, 23.25)}.items():
        own = data[(data["accommodation"] == kind) & ~data["source"].str.startswith("this model")]
        assert (own["price"].min(), own["price"].max()) == ends
        assert own["source"].nunique() >= 2 and (own["source"] != "").all()


def test_published_totals_are_compared_and_disagreement_is_said(pack):
    exhibit = cost_checks.cost_totals_check(pack)
    published = set(exhibit.data["published"])
    assert {43e6, 94e6} <= published
    verdicts = exhibit.shown()["So"]
    assert verdicts[(exhibit.data["ratio"] < 0.5).to_numpy()].str.contains("far lower").all()
    assert "Glasgow" in " ".join(exhibit.notes)


def test_homelessness_cost_is_taken_apart_and_what_is_not_published_is_not_known(pack):
    exhibit = homelessness.parts_table(pack)
    data = exhibit.data.set_index(["place", "part"])
    for place in ("England", "Glasgow City"):
        own = data.loc[place]
        for end in ("central", "low80", "high80"):
            made = own.loc["households", end] * own.loc["months", end] / 12 * own.loc["price", end]
            assert own.loc["gross_cost", end] == pytest.approx(made)
        assert (own["low80"] <= own["central"]).all() and (own["central"] <= own["high80"]).all()
    assert data.loc[("Glasgow City", "households"), "published"] == 2709
    shown = exhibit.shown().set_index(["Place", "Part"])
    assert shown.loc[("Glasgow City", "Share left to the council after benefit"), "Published"] == "not known"
    relief = params.reference("council_costs").query("measure == 'households' and confidence == 'low'")["value"].item()
    months, price = (data.loc[("England", part), "published"] for part in ("months", "price"))
    assert data.loc[("England", "gross_cost"), "published"] == pytest.approx(relief * months / 12 * price)


def test_the_green_book_table_carries_the_switching_value_and_says_where_it_stands(pack, tmp_path):
    without = submission.green_book(pack)
    assert any("`dispersal answers` makes them" in note for note in without.notes)
    pack.out = tmp_path
    index = [{"id": "E-ABCDEF", "sha256": "0" * 64, "name": "closing_rate", "files": {}}]
    (tmp_path / "exhibits.json").write_text(json.dumps(index), encoding="utf-8")
    rows = "United Kingdom,1000,1990,2310,2690,3000,0\nLondon boroughs,1,2,3,4,5,0\n"
    (tmp_path / "E-ABCDEF.csv").write_text(f"group,low95,low80,central,high80,high95,closed_now\n{rows}")
    row = submission.green_book(pack).shown().iloc[-1].tolist()
    assert row[1].startswith("Switching value") and row[2] == "£2,310\n£1,990 to £2,690" and row[-1] == "see E-ABCDEF"
