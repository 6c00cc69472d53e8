"""Prices: from the cash of one financial year to that of another, by one vintage of the GDP deflator."""

from __future__ import annotations

from functools import lru_cache

from params.errors import InputError
from params.tables import reference, reference_record

BASE_YEAR = "2025-26"  # the year whose prices the register's unit costs and every real figure are in


@lru_cache
def _index() -> dict[str, float]:
    table = reference("gdp_deflator")
    return dict(zip(table["financial_year"], table["index"].astype(float), strict=True))


def deflator_years() -> list[str]:
    """Financial years that the deflator covers, outturn and forecast."""
    return list(_index())


@lru_cache
def deflator_vintage() -> str:
    """The vintage of the deflator, for a citation."""
    return str(reference_record("gdp_deflator")["vintage"])


def in_prices_of(value: float, base: str, year: str = BASE_YEAR) -> float:
    """An amount in the cash of `base`, in prices of `year`.

    Args:
        value: GBP, cash of the financial year `base`.
        base: such as 2022-23.
        year: the year whose prices are wanted.

    Raises:
        InputError: a year the deflator does not cover.
    """
    for asked in (base, year):
        if asked not in _index():
            first, last = deflator_years()[0], deflator_years()[-1]
            raise InputError(f"{asked}: the GDP deflator covers the financial years {first} to {last}.")
    return value * _index()[year] / _index()[base]


def discount_factor(years: float, rate: float) -> float:
    """Present value of one pound `years` from now at a real rate a year.

    Source: Green Book, standard discounting: 1 / (1 + rate) ** years.
    """
    return float((1 + rate) ** -years)
