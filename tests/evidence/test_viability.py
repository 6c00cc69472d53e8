"""Rural viability says by council what is published, what is elicited, and what nobody knows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import params
from evidence import cli
from evidence.partners import viability

pytestmark = pytest.mark.behaviour


@pytest.fixture(scope="module")
def table():
    return viability.matrix()


def test_the_matrix_holds_every_council_that_is_not_urban_with_its_published_people(table):
    councils = params.reference("councils")
    assert set(table["lad_code"]) == set(councils.loc[councils["rural_class"] != "urban", "lad_code"])
    stock = params.reference("support_by_council")
    latest = stock[(stock["quarter_end"] == "2025-12-31")].set_index("lad_code")["dispersal"]
    assert (table.set_index("lad_code")["people_in_dispersal"] == latest.reindex(table["lad_code"])).all()


def test_limits_follow_the_register_and_the_position_follows_the_limits(table):
    rutland = table[table["name"] == "Rutland"].iloc[0]
    assert rutland["largest_cluster"] == rutland["population"] // 200
    assert rutland["position"] == "below the smallest" and rutland["people_in_dispersal"] == 4
    over = table[table["position"] == "above the largest"]
    assert (over["people_in_dispersal"] > over["largest_cluster"]).all() and (over["room"] == 0).all()
    assert table.loc[table["rural_class"] != "rural", "smallest_cluster"].isna().all()


def test_first_homes_in_a_rural_council_take_longer_and_small_clusters_cost_more(table):
    rural = table[table["rural_class"] == "rural"]
    empty = rural["people_in_dispersal"] == 0
    assert rural.loc[empty, "months_to_next_homes"].min() > rural.loc[~empty, "months_to_next_homes"].max()
    some = rural[~empty].sort_values("people_in_dispersal")
    assert (np.diff(some["coordination_per_person_now"]) <= 0).all()
    for name in ("months_to_next_homes", "coordination_per_person_largest"):
        assert (table[f"{name}_low80"] < table[name]).all() and (table[name] < table[f"{name}_high80"]).all()


def test_what_is_not_published_is_not_filled_in(table):
    ireland = table[table["nation"] == "Northern Ireland"]
    assert ireland["temporary_accommodation_per_1000_households"].isna().all()
    assert (ireland["rural_class"] == "unknown").all()


def test_the_page_has_evidence_ids_and_says_what_is_known(tmp_path, capsys):
    out = tmp_path / "rural.csv"
    assert cli._code(["rural", "--region", "Wales", "--out", str(out), "--runs", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr().out
    assert "legal-aid providers" in said and "not known" in said
    assert set(pd.read_csv(out)["nation"]) == {"Wales"}
    (page,) = (tmp_path / "runs").glob("rural-viability-wales-*/page.html")
    text = page.read_text()
    index = json.loads((page.parent / "exhibits" / "exhibits.json").read_text())
    assert {entry["name"] for entry in index} >= {"rural_position", "viability_rural", "viability_basis"}
    assert all(entry["id"] in text for entry in index)
    assert "procurement.rural_setup_lag" in text and "elicited" in text


def test_a_region_that_does_not_exist_is_named(tmp_path, capsys):
    assert cli._code(["rural", "--region", "Walse", "--runs", str(tmp_path)]) == 2
    assert "Nearest: Wales" in capsys.readouterr().err
