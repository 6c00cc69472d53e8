"""`dispersal trace`: one council's month in words, and errors that name the nearest."""

from __future__ import annotations

from datetime import date

import pytest

from evidence.checks import local_line
from evidence.studies.tracing import _local, trace
from params import InputError
from params.local import Local, read_rules

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


def test_local_intelligence_on_a_council_is_told_with_reason_and_role():
    said = {"from": date(2026, 7, 1), "reason": "Licensing is full for now", "by": "director of housing"}
    rules = read_rules([said | {"council": "Liverpool", "set": "pause"}], "a test")
    rules += read_rules([said | {"council": "Leeds", "set": "maximum", "value": 900, "until": date(2027, 1, 1)}], "it")
    assert _local(Local(rules).rows()) == [
        "  local        pause from 2026-07-01: Licensing is full for now (director of housing)",
        "  local        maximum 900 from 2026-07-01 until 2027-01-01: Licensing is full for now (director of housing)",
    ]
    assert [local_line(row) for row in Local(rules).rows()] == [
        "Liverpool: pause true from 2026-07-01, by director of housing: Licensing is full for now",
        "Leeds: maximum 900 from 2026-07-01 until 2027-01-01, by director of housing: Licensing is full for now",
    ]
