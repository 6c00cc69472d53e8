"""Quotations compared as a reader means them, and numbers never found inside longer ones."""

import pytest

from evidence.reporting.quotes import Quote, plain
from params import InputError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("£1,200", "a grant of £1200 a person"),
        ("£1200", "from £1,200 to £1,500"),
        ("£310 million", "between £310m and £460m"),
        ("£310m", "about £310 million a year"),
        ("£1.2bn", "£1.2 billion"),
        ("12 per cent", "rose by 12%"),
        ("“Current grant”", 'under "current grant", councils'),
        ("councils'  net\u00a0cost", "Councils’ net cost"),
        ("-£8m", "−£8m"),
        ("68,538", "68538"),
        ("Councils are left with more.", "councils are left with more; others not"),
    ],
)
def test_ways_of_writing_make_no_difference(quote, text):
    assert Quote.of(quote).in_text(text)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("£1,200", "£1,200,000"),
        ("£1,200", "£11,200"),
        ("£310m", "£310bn"),
        ("200", "1,200"),
        ("200", "200.5"),
        ("3.5", "13.5"),
        ("12", "12%"),
        ("rent", "current"),
    ],
)
def test_a_figure_or_word_is_not_found_inside_a_longer_one(quote, text):
    assert not Quote.of(quote).in_text(text)


def test_an_amount_finds_the_number_it_was_rounded_from():
    assert Quote.of("£94.9m").in_number("94906317.96") and Quote.of("94,906,317.96").in_number("94906317.96")
    assert Quote.of("£310 million").in_number("309800000")
    assert not Quote.of("£310m").in_number("312000000") and not Quote.of("52").in_number("52.2")
    assert Quote.of("-£8m").in_number("-8000000") and not Quote.of("£8m").in_number("-8000000")
    assert not Quote.of("some words").in_number("310")


@pytest.mark.parametrize("quote", ["", " ", "“”", "5"])
def test_too_little_to_look_for_is_refused(quote):
    with pytest.raises(InputError, match="too short to look for"):
        Quote.of(quote)


def test_plain_text_is_stable():
    text = "Over 2026-27, £1,200 — “a head” — is 3.5 per cent"
    assert plain(plain(text)) == plain(text)
