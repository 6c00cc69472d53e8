"""Tables from samples: paired before they are summarised, summed before they are ranked, ledgers apart."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from evidence import results

pytestmark = pytest.mark.unit


def samples(values, arms=("base", "more")):
    values = np.asarray(values, float)
    return xr.DataArray(
        values,
        {"arm": list(arms), "draw": range(values.shape[1]), "replication": range(values.shape[2])},
        ("arm", "draw", "replication"),
    )


@pytest.fixture
def study():
    """Two arms, three draws, two replications, four councils in two regions, 15 months from January 2026."""
    rng = np.random.default_rng(3)
    arm, draw, replication, months, councils, services = 2, 3, 2, 15, 4, 2
    month = pd.date_range("2026-01-01", periods=months, freq="MS").values
    lead = ("arm", "draw", "replication")
    gross = rng.uniform(1e5, 2e5, (arm, draw, replication, months, councils, services))
    grant = rng.uniform(1e4, 5e4, (arm, draw, replication, months, councils))
    region = np.array(["A", "A", "B", "B"])
    regional = {
        name: np.stack([values[:, :, :, :, region == r].sum(4) for r in "AB"], 4)
        for name, values in (("gross", gross), ("grant", grant))
    }
    level = 1.02 ** (np.arange(months) / 12) * np.ones((arm, draw, replication, 1))
    whole = slice(3, 15)
    return xr.Dataset(
        {
            "council_gross_cost_in_month": ((*lead, "month", "service"), gross.sum(4)),
            "council_gross_cost_by_region_in_month": ((*lead, "month", "region_name", "service"), regional["gross"]),
            "council_gross_cost_in_financial_year": (
                (*lead, "financial_year", "council", "service"),
                np.stack([gross[:, :, :, :3].sum(3), gross[:, :, :, whole].sum(3)], 3),
            ),
            "grant_in_month": ((*lead, "month"), grant.sum(4)),
            "grant_by_region_in_month": ((*lead, "month", "region_name"), regional["grant"]),
            "grant_in_financial_year": (
                (*lead, "financial_year", "council"),
                np.stack([grant[:, :, :, :3].sum(3), grant[:, :, :, whole].sum(3)], 3),
            ),
            "price_level": ((*lead, "month"), level),
            "home_office_cost_in_month": (
                (*lead, "month", "home_office_item"),
                rng.uniform(1e6, 2e6, (arm, draw, replication, months, 2)),
            ),
            "other_public_cost_in_month": (
                (*lead, "month", "other_body"),
                rng.uniform(1e5, 2e5, (arm, draw, replication, months, 2)),
            ),
        },
        {
            "arm": ["base", "more"],
            "draw": range(draw),
            "replication": range(replication),
            "month": month,
            "financial_year": ["2025-26 (part)", "2026-27"],
            "months_in_year": ("financial_year", [3, 12]),
            "region_name": ["A", "B"],
            "council": list("wxyz"),
            "region": ("council", region),
            "nation": ("council", ["England", "England", "Wales", "Wales"]),
            "home_office_item": ["dispersal", results.GRANTS],
        },
        {"baseline": "base"},
    )


def test_a_difference_is_paired_before_it_is_summarised():
    # The two arms range over 0 to 1,000, but in every sample the second is 10 more: the difference has no range.
    base = np.array([[0.0, 1000.0], [400.0, 600.0]])
    table = results.summarise(results.minus_baseline(samples([base, base + 10]), "base"))
    assert list(table["arm"]) == ["more"]
    assert table[["central", "low80", "high80", "low95", "high95"]].to_numpy().tolist() == [[10.0] * 5]


def test_regions_are_summed_inside_a_sample():
    # Two councils move in opposite directions: their sum never moves, and quantiles of parts would say it does.
    swing = np.array([[[0.0, 100.0], [100.0, 0.0]]])
    values = xr.DataArray(swing, dims=("arm", "draw", "council"), coords={"arm": ["base"]}).expand_dims("replication")
    table = results.summarise(values.sum("council"))
    assert (table["low95"] == 100).all() and (table["high95"] == 100).all()


def test_summary_columns_are_the_quantiles_of_all_samples():
    values = np.arange(100.0).reshape(1, 20, 5)
    row = results.row(results.summarise(samples(values, ["base"])), arm="base")
    assert (row.central, row.low80, row.high80) == (49.5, *np.quantile(np.arange(100.0), [0.1, 0.9]))


def test_only_complete_financial_years_are_summed(study):
    assert results.complete_years(study) == ["2026-27"]
    net = results.council_net_cost(study)
    assert list(net["financial_year"].values) == ["2026-27"]
    gross = study["council_gross_cost_in_month"].isel(month=slice(3, 15)).sum(["month", "service"])
    expected = gross - study["grant_in_month"].isel(month=slice(3, 15)).sum("month")
    np.testing.assert_allclose(net.isel(financial_year=0), expected)


@pytest.mark.parametrize("place", ["region", "nation"])
def test_places_add_up_to_the_nation_in_every_sample(study, place):
    parts = results.council_net_cost(study, place).sum("place")
    np.testing.assert_allclose(parts, results.council_net_cost(study))


def test_councils_add_up_to_the_nation_in_every_sample(study):
    np.testing.assert_allclose(
        results.council_net_cost(study, "council").sum("council"), results.council_net_cost(study)
    )


def test_real_terms_divide_each_month_by_its_own_price_level(study):
    month = slice(3, 15)
    level = study["price_level"].isel(month=month)
    gross = (study["council_gross_cost_in_month"].isel(month=month).sum("service") / level).sum("month")
    expected = gross - (study["grant_in_month"].isel(month=month) / level).sum("month")
    real = results.council_net_cost(study, real=True)
    np.testing.assert_allclose(real.isel(financial_year=0), expected)
    assert (abs(real) < abs(results.council_net_cost(study))).all(), "prices rose after 2025-26"


def test_a_net_cost_below_storage_precision_is_nothing(study):
    repaid = study.assign(grant_in_month=study["council_gross_cost_in_month"].sum("service") * (1 + 1e-9))
    assert (results.council_net_cost(repaid) == 0).all()


def test_the_three_ledgers_are_separate(study):
    ledgers = results.ledgers(study)
    assert list(ledgers) == ["Home Office", "Councils", "Other public bodies"]
    np.testing.assert_allclose(ledgers["Councils"], results.council_net_cost(study))
    with_grants = results.home_office_items(study).sum("home_office_item")
    np.testing.assert_allclose(ledgers["Home Office"], with_grants)


def test_variance_split_recovers_its_parts():
    rng = np.random.default_rng(1)
    draws, replications = 400, 20
    noise = rng.normal(0, 1, (draws, replications))
    half = rng.normal(0, 1, (draws, 1)) + noise
    split = results.variance_split(samples([half], ["base"]).isel(arm=0, drop=True))
    assert split["assumptions"] == pytest.approx(0.5, abs=0.06)
    assert split["assumptions"] + split["chance_and_intake"] == pytest.approx(1)
    only_chance = results.variance_split(samples([noise], ["base"]).isel(arm=0, drop=True))
    assert only_chance["assumptions"] < 0.02


def test_variance_split_of_one_draw_or_no_variance_is_not_known():
    one = samples(np.ones((1, 1, 5)), ["base"]).isel(arm=0, drop=True)
    flat = samples(np.ones((1, 3, 5)), ["base"]).isel(arm=0, drop=True)
    assert np.isnan(results.variance_split(one)["assumptions"])
    assert np.isnan(results.variance_split(flat)["assumptions"])


def test_simulation_error_shrinks_with_draws_and_matches_theory():
    rng = np.random.default_rng(2)
    few, many = (samples([rng.normal(0, 1, (n, 1))], ["base"]).isel(arm=0, drop=True) for n in (40, 4000))
    assert results.simulation_error(many) == pytest.approx(np.sqrt(np.pi / 2 / 4000), rel=0.25)
    assert results.simulation_error(few) > 4 * results.simulation_error(many)
    values = few
    assert results.simulation_error(values) == results.simulation_error(values)


def test_first_month_at_a_threshold_counts_those_that_never_get_there():
    ends = pd.date_range("2026-01-31", periods=4, freq="ME").values
    paths = np.array([[[10, 5, 4, 9], [10, 9, 5, 2]], [[10, 9, 8, 5], [10, 9, 9, 9]]], float)
    stock = xr.DataArray(paths[None], {"arm": ["base"], "month_end": ends}, ("arm", "draw", "replication", "month_end"))
    found = results.first_month_at_most(stock, 5)["base"]
    assert found.share == 0.75
    assert found.early80 == ends[1] and found.central == ends[2]
    assert np.isnat(found.late80), "one sample in four is later than the horizon"


def test_councils_over_capacity_are_counted():
    pressure = xr.DataArray([[0.5, 1.0, 1.2], [2.0, 3.0, 0.1]], dims=("service", "council"))
    assert list(results.councils_over_capacity(pressure).values) == [1, 2]


def test_intervals_are_never_narrower_than_the_naive_backtest():
    ratios = pd.DataFrame({"band": ["500 or more"], "low": [0.8], "high": [1.3]})
    table = pd.DataFrame({"c": [999.0, 999.0], "lo": [980.0, 100.0], "hi": [1010.0, 5000.0]})
    band = pd.Series(["500 or more"] * 2)
    wide = results.at_least_backtest(table, band, ratios, {"central": "c", "low80": "lo", "high80": "hi"})
    assert wide["lo"].tolist() == pytest.approx([799.0, 100.0]) and wide["hi"].tolist() == pytest.approx(
        [1299.0, 5000.0]
    )
    assert wide["c"].tolist() == [999.0, 999.0]


def test_persistence_is_measured_by_size():
    dates = pd.date_range("2024-03-31", periods=3, freq="QE")
    totals = pd.DataFrame({"small": [9, 19, 39], "large": [999, 999, 999]}, index=dates)
    table = results.persistence_ratios(totals, 1).set_index("band")
    assert table.loc["under 50", "low"] == table.loc["under 50", "high"] == 2.0
    assert table.loc["500 or more", "high"] == 1.0 and table.loc["under 50", "pairs"] == 2


def test_an_unknown_value_is_never_dropped_from_an_ordered_table():
    table = pd.DataFrame({"region": ["B", "A", "C"]})
    assert list(results.ordered(table, "region", ["A", "B", "C"])["region"]) == ["A", "B", "C"]
    with pytest.raises(KeyError):
        results.ordered(table, "region", ["A", "B"])
