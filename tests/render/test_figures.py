"""Figures as text bars and as SVG: true to scale, complete in words, within the width, and whatever they say stays text."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from rolewise.cards import Card, CardFigure
from rolewise.render import blocks, text
from rolewise.render.figures import amount, bars, charts, figure_table, svg, values
from tests.channels.slack.limits import message_faults

EVIL = "</title><script>alert('x')</script> ``` & <b>"
SVG = "{http://www.w3.org/2000/svg}"


def figure(
    label: str = "Data scientist", low: float | None = 50, middle: float | None = 100, high: float | None = 200, **more: object
) -> CardFigure:
    fields = {"unit": "USD a year", "country": "US", "period": "May 2025", "official": True, **more}
    return CardFigure.parse_obj({"label": label, "low": low, "middle": middle, "high": high, **fields})


def card(*figures: CardFigure) -> Card:
    return Card(kind="answer", answer_id="a1", title="What do they earn?", lead="This much.", figures=list(figures))


PAY = [
    figure("Machine learning engineer", None, None, None, official=False),
    figure("Software engineer"),
    figure(low=25, middle=75, high=100),
]


def test_a_bar_stands_where_its_numbers_are() -> None:
    (chart,) = charts(PAY)
    lines = bars(chart, 80)
    assert lines[:2] == ["Machine learning engineer: no official figure", "Software engineer: $50 to $200, median $100"]
    first, second = lines[2], lines[4]
    width = len(first)
    assert width <= 80
    assert [first.index(mark) for mark in "├┼┤"] == [round(share * (width - 1)) for share in (0.25, 0.5, 1)]
    assert [second.index(mark) for mark in "├┼┤"] == [round(share * (width - 1)) for share in (0.125, 0.375, 0.5)]


def test_one_number_is_drawn_from_zero() -> None:
    (chart,) = charts([figure("A", None, 15, None, unit="percent growth"), figure("B", None, 30, None, unit="percent growth")])
    assert chart.legend is None and chart.caption == "Percent growth (US, May 2025, official)"
    half, whole = bars(chart, 80)[1], bars(chart, 80)[3]
    assert abs(2 * len(half) - len(whole)) <= 1 and set(half) == {"■"}
    (falling,) = charts([figure("A", None, -10, None), figure("B", None, 10, None)])
    down, up = bars(falling, 41)[1], bars(falling, 41)[3]
    assert down == "■" * 20 and up == " " * 20 + "■" * 20


def test_figures_of_another_kind_are_another_chart() -> None:
    found = charts([figure(), figure(period="May 2024"), figure(country="UK", unit="GBP a year"), figure("Software engineer")])
    assert [len(chart.figures) for chart in found] == [2, 1, 1]
    assert not charts([figure(low=None, middle=None, high=None)])


def test_what_is_not_official_is_called_so() -> None:
    (chart,) = charts([figure(), figure("Survey", official=False)])
    assert "official" not in chart.caption
    assert values(chart.figures[1], chart).endswith(", not official") and not values(chart.figures[0], chart).endswith("official")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(112590, "USD a year", "$112,590 a year"), (34, "percent growth", "34%"), (15.8, "percent", "15.8%"), (82500, "jobs", "82,500 jobs")],
)
def test_numbers_have_their_units(value: float, unit: str, words: str) -> None:
    assert amount(value, unit) == words


def test_the_text_of_a_card_draws_them_under_the_lead() -> None:
    found = text.render(card(*PAY))
    assert found.index("This much.") < found.index("USD a year (US, May 2025, official).") < found.index("├")
    assert max(map(len, found.splitlines())) <= 80


def test_slack_draws_them_in_letters_of_one_width_and_reads_them_without_bars() -> None:
    found = blocks.render(card(*PAY))
    (drawn,) = [block["text"]["text"] for block in found if "```" in str(block)]
    assert drawn.startswith("```") and drawn.endswith("```") and "├" in drawn
    assert max(map(len, drawn.strip("`").splitlines())) <= 40
    assert "*USD a year (US, May 2025, official)*" in [block["text"]["text"] for block in found if block["type"] == "section"]
    for read in (blocks.summary(card(*PAY)), blocks.plain(card(*PAY))):
        assert "• Software engineer: $50 to $200, median $100" in read and "├" not in read


def test_the_image_is_named_described_and_true_to_scale() -> None:
    (chart,) = charts(PAY)
    image = ElementTree.fromstring(str(svg(chart, "pay")).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))
    assert image.get("role") == "img" and image.get("viewBox") == "0 0 320 168", "a row without a bar is lower"
    parts = {part.get("id"): part.text for part in image.iter() if part.get("id")}
    assert parts[image.get("aria-labelledby")] == chart.caption
    described = str(parts[image.get("aria-describedby")])
    assert "Software engineer: $50 to $200, median $100" in described and "Machine learning engineer: no official figure" in described
    words = [part.text for part in image.iter(f"{SVG}text")]
    assert words[2:4] == ["Software engineer", "$50 to $200, median $100"]
    ranges = [(part.get("x"), part.get("width")) for part in image.iter(f"{SVG}rect") if part.get("class") == "range"]
    assert ranges == [("80", "240"), ("40", "120")]


def test_the_table_has_the_same_numbers() -> None:
    (chart,) = charts(PAY)
    assert chart.columns() == ["10th percentile", "Median", "90th percentile"]
    assert chart.rows()[1] == ["Software engineer", "$50", "$100", "$200"]
    assert "<td>$100</td>" in figure_table(chart) and '<th scope="row">Software engineer</th>' in figure_table(chart)


def test_whatever_a_figure_says_stays_text() -> None:
    (chart,) = charts([figure(EVIL, unit=EVIL, country=EVIL, period=EVIL)])
    for markup in (svg(chart, "x"), figure_table(chart)):
        assert "<script" not in markup and "<b>" not in markup
    sections = [block["text"]["text"] for block in blocks.render(card(*chart.figures)) if block["type"] == "section"]
    (drawn,) = [section for section in sections if section.startswith("```")]
    assert drawn.count("```") == 2 and "&lt;script&gt;" in drawn


WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=400)
NUMBERS = st.none() | st.floats(-1e12, 1e12)
HOSTILE = st.lists(st.builds(figure, WORDS, NUMBERS, NUMBERS, NUMBERS, unit=WORDS, official=st.booleans()), max_size=12)


@examples(max_examples=60, deadline=None)
@given(HOSTILE)
def test_no_figure_breaks_a_limit(figures: list[CardFigure]) -> None:
    found = card(*figures)
    assert max(map(len, text.render(found).splitlines())) <= 80
    assert not message_faults({"text": blocks.summary(found), "blocks": blocks.render(found)})
    assert all(str(block).count("```") in (0, 2) for block in blocks.render(found))
    for chart in charts(figures):
        svg(chart, "x"), figure_table(chart)
