"""A council's own unit costs: the template, and what a filled one is refused for, row by row."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from evidence.chapters import unit_costs
from params import InputError
from params.instruments import SERVICES
from params.prices import in_prices_of

pytestmark = pytest.mark.unit


@pytest.fixture
def filled(tmp_path: Path):
    """Write the template with some rows changed; returns its path."""

    def write(*rows: dict[str, str], encoding: str = "utf-8", line: str = "\n") -> Path:
        table = list(csv.DictReader(io.StringIO(unit_costs.template())))
        for change in rows:
            own = next(r for r in table if r["service"] == change.get("like", change.get("service", "esol")))
            if "like" in change:
                own = dict(own)
                table.append(own)
            own.update({k: v for k, v in change.items() if k != "like"})
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, unit_costs.COLUMNS, lineterminator=line)
        writer.writeheader()
        writer.writerows(table)
        path = tmp_path / "costs.csv"
        path.write_bytes(out.getvalue().encode(encoding))
        return path

    return write


ESOL = {"service": "esol", "councils": "Glasgow City; E08000003", "value": "1,000", "low": "900", "high": "£1200.50",
        "price_base": "2022-23", "source": "ledger 2022-23"}  # fmt: skip


def test_the_template_has_a_row_for_each_line_and_is_not_a_filled_one(tmp_path):
    path = tmp_path / "t.csv"
    unit_costs.write_template(path)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [r["service"] for r in rows] == list(SERVICES)
    assert all(r["unit"] and r["what_it_covers"] and not r["value"] for r in rows)
    with pytest.raises(InputError, match="no row has a value"):
        unit_costs.read(path)
    with pytest.raises(InputError, match="a template never replaces a file"):
        unit_costs.write_template(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_a_filled_row_is_read_in_2025_26_prices(filled, encoding, line):
    (own,) = unit_costs.read(filled(ESOL, encoding=encoding, line=line))
    assert own.councils == ("S12000049", "E08000003") and own.given == 1000
    assert own.value == pytest.approx(in_prices_of(1000, "2022-23"))
    assert own.high == pytest.approx(in_prices_of(1200.5, "2022-23"))


def test_all_councils_and_rows_for_others_do_not_mix(filled):
    (own,) = unit_costs.read(filled(ESOL | {"councils": "all"}))
    assert len(own.councils) == 361
    again = ESOL | {"like": "esol", "councils": "E08000003"}
    with pytest.raises(InputError, match=r"line 10: councils: E08000003 already has a cost of esol in line 3"):
        unit_costs.read(filled(ESOL, again))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"councils": ""}, "councils is missing"),
        ({"source": ""}, "source is missing"),
        ({"councils": "Glasgw City"}, "Nearest: Glasgow City"),
        ({"councils": "S12000049; Glasgow City"}, "named twice"),
        ({"value": "nan"}, "value 'nan' is not an amount in pounds"),
        ({"value": "-5"}, "value '-5' is not an amount"),
        ({"value": "1e3"}, "value '1e3' is not an amount"),
        ({"value": "99999999"}, "give pounds, not thousands"),
        ({"low": "1100"}, "value 1000 must lie in low 1100"),
        ({"price_base": "2022/23"}, "Nearest: 2022-23"),
        ({"unit": "GBP per week"}, "Nearest: 'GBP per person a year'"),
        ({"note": "x" * 501}, "note is longer than 500 characters"),
        ({"service": "homelesness", "like": "esol"}, "Nearest: homelessness"),
    ],
)
def test_a_bad_row_is_refused_with_file_line_and_column(filled, change, message):
    with pytest.raises(InputError) as error:
        unit_costs.read(filled(ESOL | change))
    assert message in str(error.value) and "costs.csv: line " in str(error.value)
    assert "\n" not in str(error.value)


def test_text_that_a_spreadsheet_would_run_is_disarmed(filled):
    (own,) = unit_costs.read(filled(ESOL | {"source": "=HYPERLINK(1)"}))
    assert own.source == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the column service must be there once"),
        (b"service,councils,valeu\n", "Nearest: value"),
        ("service,café\n".encode("latin-1"), "save it as 'CSV UTF-8'"),
        (b'service,"councils\n', "is not CSV"),
    ],
)
def test_a_file_that_is_no_template_is_refused(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        unit_costs.read(path)


def test_template_and_check_on_the_command_line(dispersal, filled, tmp_path):
    assert dispersal("unit-costs", "template", "--out", str(tmp_path / "new.csv"))[0] == 0
    code, out, _ = dispersal("unit-costs", "check", str(filled(ESOL)))
    assert code == 0 and "esol" in "\n".join(out) and "2 councils" in "\n".join(out)
    code, _, err = dispersal("unit-costs", "check", str(tmp_path / "absent.csv"))
    assert code == 2 and "template" in err[0] and len(err) == 1
