"""Warning tables and the rapid-response sheet: steps for councils, roles and never contacts, one line if wrong."""

import json

import pytest

from evidence.partners import hotel_notice, hotel_sheet, hotel_warning
from evidence.partners.hotel_status import warning_lines
from evidence.partners.plan_status import shelf_of
from evidence.studies.projection import from_forecast
from params import InputError

pytestmark = pytest.mark.behaviour


@pytest.fixture(scope="module")
def projection():
    return from_forecast(4, paths=20)


def test_a_councils_chance_is_given_in_steps_of_five_points_also_in_the_data(projection):
    found = hotel_warning.warnings(projection)
    table = hotel_warning.councils_table(shelf_of(projection), projection, found, "Wales")
    chances = table.data["probability"].dropna()
    assert ((20 * chances).round(9) % 1 == 0).all() and chances.between(0, 1).all()
    assert set(table.data["region"]) == {"Wales"}
    asked = table.data.dropna(subset=["probability"])
    assert (asked.loc[asked["event"] == "starts", "people"] < 10).all()
    assert (asked.loc[asked["event"] != "starts", "people"] >= 10).all()


def test_what_is_printed_says_what_it_is_and_how_good_it_has_been(tmp_path):
    said = "\n".join(warning_lines("wales", None, tmp_path, None))
    assert "not official statistics" in said and "dispersal hotels score" in said and "no location is known" in said
    assert "what notice changes" in said and hotel_notice.how() in said


def test_a_contact_is_never_printed_copied_or_kept(tmp_path):
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("role,contact\nsafeguarding,Jo Bloggs 07700 900123\nhealth,\n", encoding="utf-8")
    runs = tmp_path / "runs"
    said = hotel_sheet.sheet("Stockton-on-Tees", contacts, None, runs)
    assert said[-2].startswith("Roles without a contact: gold_lead") and "safeguarding" not in said[-2]
    assert "health" in said[-2]
    for path in runs.rglob("*"):
        if path.is_file():
            assert b"Bloggs" not in path.read_bytes() and b"900123" not in path.read_bytes(), path
    page = next(runs.glob("sheet-*/page.html")).read_text(encoding="utf-8")
    assert "Designated safeguarding lead" in page and "Must not be used for" in page
    index = json.loads(next(runs.glob("sheet-*/exhibits/exhibits.json")).read_text(encoding="utf-8"))
    assert all(f'id="{entry["id"]}"' in page for entry in index)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,phone\nJo,0\n", "its first line must read role,contact"),
        ("role,contact\nsafegarding,Jo 0770\n", "line 2: role: safegarding is not a role of the sheet. Nearest: safeg"),
    ],
)
def test_a_wrong_contact_file_is_one_line_without_the_contact(tmp_path, text, said):
    contacts = tmp_path / "contacts.csv"
    contacts.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        hotel_sheet.sheet("Leeds", contacts, None, tmp_path / "runs")
    assert "Jo" not in str(caught.value) and not (tmp_path / "runs").exists()
