"""`dispersal trace`: one council's month in words, and errors that name the nearest."""

from __future__ import annotations

import pytest

from evidence.tracing import trace
from params import InputError

pytestmark = pytest.mark.behaviour


def told(tmp_path, council="E08000012", month="2026-04", start="2025-12-31"):
    return trace(council, month, "central", {}, 1, start, tmp_path)


def test_a_month_is_told_with_its_reasons(tmp_path):
    text = "\n".join(told(tmp_path))
    assert text.startswith("Liverpool, 2026-04, scenario central: one simulated history of many, synthetic.")
    for part in ("state", "offers", "answer", "beds", "people", "pressure", "ledger"):
        assert f"\n  {part} " in text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"council": "Liverpol"}, r"Liverpol is not a council code\. Nearest: E08000012 \(Liverpool\)"),
        ({"month": "soon"}, r"--month: soon is not a month"),
        ({"month": "2025-11"}, r"not after the start, 2025-12-31\. Nearest: 2026-01"),
        ({"month": "2040-03"}, r"--month: 2040-03 is too far ahead\. Nearest: 2035-12"),
        ({"council": ""}, r"--council: empty is not a council code"),
        ({"start": "then"}, r"--start: then is not a date"),
    ],
)
def test_what_cannot_be_told_is_one_clear_error(tmp_path, asked, message):
    with pytest.raises(InputError, match=message):
        told(tmp_path, **asked)
    assert not list(tmp_path.glob("*-*")), "something was written"
