"""Figures: each draws from its table alone, says nothing by colour alone, and is the same bytes every time."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from evidence.answers import pictures
from evidence.drawing import figures, style
from evidence.drawing.hexmap import hexmap
from evidence.wording import money

pytestmark = pytest.mark.unit

LABELS = {"base": "Current grant", "none": "No grant", "full": "Full cost recovery"}
# The longest name stands at the right edge, where it once ran over.
REGIONS = ["North East", "London", "Wales", "Yorkshire and The Humber", "Scotland"]
NAMES = ("central", "low80", "high80", "low95", "high95")


def ranges(rows: dict, centre: float = 100.0) -> pd.DataFrame:
    size = len(next(iter(rows.values())))
    level = centre + np.arange(size, dtype=float)
    spread = {"central": 0, "low80": -20, "high80": 20, "low95": -40, "high95": 40}
    return pd.DataFrame(rows | {name: level + spread[name] for name in NAMES})


def monthly(places=("",)) -> pd.DataFrame:
    months = pd.date_range("2025-12-31", periods=13, freq="ME")
    rows = [(arm, place, month) for arm in LABELS for place in places for month in months]
    arm, place, month = zip(*rows, strict=True)
    return ranges({"arm": list(arm), "place": list(place), "month_end": list(month)})


def by_year() -> pd.DataFrame:
    rows = [(arm, year) for arm in LABELS for year in ("2027-28", "2028-29")]
    return ranges({"arm": [r[0] for r in rows], "financial_year": [r[1] for r in rows]}, 3e8)


def councils() -> pd.Series:
    """Three councils with a value and one without."""
    return pd.Series([1.0, 12.0, 60.0, np.nan], index=["E06000001", "E06000002", "W06000001", "S12000033"])


def fan():
    ends = pd.date_range("2026-03-31", periods=6, freq="QE")
    history = pd.DataFrame({"quarter_end": pd.date_range("2020-03-31", periods=24, freq="QE"), "people": range(24)})
    return figures.intake_fan(history, ranges({"quarter_end": list(ends)}))


DRAWN = {
    "intake_fan": fan,
    "stock_by_arm": lambda: figures.stock_by_arm(monthly(), LABELS, "base", "People in hotels"),
    "money_by_arm": lambda: figures.money_by_arm(by_year(), LABELS, "financial_year", ["2027-28", "2028-29"]),
    "ledgers_by_arm": lambda: figures.ledgers_by_arm(
        {name: ranges({"arm": list(LABELS)}, size) for name, size in (("Home Office", 4e9), ("Councils", 3e8))}, LABELS
    ),
    "pressure_by_service": lambda: figures.pressure_by_service(
        ranges({"arm": [a for a in LABELS for _ in "xy"], "service": ["esol", "schools"] * 3}),
        {"esol": "ESOL", "schools": "Schools"},
        LABELS,
    ),
    "regions_over_time": lambda: figures.regions_over_time(monthly(REGIONS), REGIONS, LABELS, "base"),
    "hexmap": lambda: hexmap({"": councils()}, (0, 5, 50), "People", "withheld"),
    "two_hexmaps": lambda: hexmap({"Today": councils(), "Plan": councils()}, (0, 5, 50), "People", "withheld"),
    "variance_bars": lambda: figures.variance_bars(
        pd.DataFrame({"outcome": ["Cost", "Hotels"], "assumptions": [0.7, 0.0], "chance_and_intake": [0.3, 1.0]})
    ),
}


def drawn(name):
    with style.styled():
        figure = DRAWN[name]()
        return figure, style.image(figure, "svg"), style.image(figure, "png")


def words(figure) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in figure.findobj(lambda o: hasattr(o, "get_text"))]


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_table_gives_the_same_bytes(name):
    assert drawn(name)[1:] == drawn(name)[1:]


@pytest.mark.parametrize("name", DRAWN)
def test_no_date_and_no_machine_in_the_bytes(name):
    svg = drawn(name)[1].decode()
    assert "dc:date" not in svg and "/home" not in svg and 'href="http' not in svg


@pytest.mark.parametrize("name", DRAWN)
def test_no_picture_holds_a_second_axis(name):
    figure = drawn(name)[0]
    boxes = [tuple(np.round(axes.get_position().bounds, 4)) for axes in figure.axes if axes.get_visible()]
    assert len(boxes) == len(set(boxes)), "two axes in one place"


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_runs_over_the_edge(name):
    pixels = imread(BytesIO(drawn(name)[2]))[..., :3]
    for border in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]):
        assert (border == 1).all(), "something touches the edge of the picture"


def near_nought(levels=(0.0, 8e6, -9e6, 9e8)) -> pd.DataFrame:
    """A figure on the line at zero, one just above it and one just below, and one far away that sets the scale."""
    spread = {"central": 0, "low80": -4e7, "high80": 4e7, "low95": -6e7, "high95": 6e7}
    table = {name: np.array(levels) + spread[name] for name in NAMES}
    return pd.DataFrame({"arm": list("abcd"), "step": list("abcd"), "financial_year": "2027-28"} | table)


@pytest.mark.parametrize("kind", ["ledgers", "panels", "waterfall"])
def test_no_printed_figure_stands_on_the_line_at_zero(kind):
    # In the waterfall the second step begins and ends a little below zero.
    levels = (-9e7, -2e8, 0.0, -2.9e8) if kind == "waterfall" else (0.0, 8e6, -9e6, 9e8)
    tables = {name: near_nought(levels) for name in ("One", "Two", "Three", "Four")}
    labels = {name: name.upper() for name in "abcd"}
    with style.styled():
        figure = {
            "ledgers": lambda: figures.ledgers_by_arm(tables, labels),
            "panels": lambda: pictures.ranges_in_panels(tables, "arm", labels, dict.fromkeys(tables, money)),
            "waterfall": lambda: pictures.waterfall(tables, labels, "d", money),
        }[kind]()
        figure.draw_without_rendering()
        for axes in figure.axes:
            zero = axes.transData.transform((0, 0))[0]
            boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
            assert {money(level) for level in levels} == set(boxes)
            assert not [said for said, box in boxes.items() if box.x0 < zero < box.x1]


def test_a_short_span_is_marked_by_months_and_a_long_one_by_years():
    with style.styled():
        figure = DRAWN["stock_by_arm"]()
        longer = DRAWN["intake_fan"]()
        for drawn_figure in (figure, longer):
            drawn_figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["Jan\n2026", "Jul\n2026", "Jan\n2027"]
    assert {"2020", "2024", "2026"} <= {label.get_text() for label in longer.axes[0].get_xticklabels()}


def test_marks_of_one_year_stand_side_by_side_and_inside_the_axes():
    own = near_nought()
    with style.styled():
        figure = figures.ledgers_over_years({"Councils": own}, {n: n.upper() for n in "abcd"}, "d", ["2027-28"])
    axes = figure.axes[0]
    marks = [line.get_xydata()[0] for line in axes.lines if len(line.get_xydata())]
    assert len({x for x, _ in marks}) == 4
    low, high = axes.get_ylim()
    assert all(low + 0.02 * (high - low) < y < high for _, y in marks)


def test_lines_of_a_label_are_about_as_long_as_each_other():
    assert figures.wrapped("Every barrier as it is", 20) == "Every barrier\nas it is"
    assert figures.wrapped("Homelessness", 4) == "Homelessness"
    assert figures.wrapped("", 4) == ""


def test_each_arm_is_named_in_words():
    for name in ("stock_by_arm", "money_by_arm", "ledgers_by_arm", "pressure_by_service", "regions_over_time"):
        text = " ".join(words(drawn(name)[0]))
        assert all(label in text for label in LABELS.values()), name


def test_money_is_printed_in_one_unit_beside_its_dot():
    text = words(drawn("money_by_arm")[0])
    assert "£300m" in text and "£200m" in text


def test_the_three_ledgers_stand_on_their_own_scales():
    with style.styled():
        figure = DRAWN["ledgers_by_arm"]()
    first, second = figure.axes
    assert first.get_xlim() != second.get_xlim()
    assert not first.get_shared_x_axes().joined(first, second)


def test_a_withheld_council_is_hatched_and_never_shaded():
    with style.styled():
        figure = DRAWN["hexmap"]()
    hatched = [c for c in figure.axes[0].collections if c.get_hatch()]
    assert [len(c.get_paths()) for c in hatched] == [1]
    assert sum(len(c.get_paths()) for c in figure.axes[0].collections) == 4


def test_maps_side_by_side_share_their_steps_and_no_two_councils_a_hexagon():
    with style.styled():
        figure = DRAWN["two_hexmaps"]()
    shades = [{tuple(c.get_facecolor()[0]) for c in axes.collections if len(c.get_paths())} for axes in figure.axes]
    assert shades[0] == shades[1] and len(shades[0]) == 4
    with pytest.raises(ValueError, match="6 steps cannot be told apart"):
        hexmap({"": councils()}, (0, 1, 2, 3, 4, 5), "People")


def test_more_arms_than_can_be_told_apart_are_refused():
    many = {f"arm{i}": f"Arm {i}" for i in range(5)}
    with pytest.raises(ValueError, match="cannot be told apart"):
        figures.regions_over_time(monthly(["A"]), ["A"], many, "arm0")
