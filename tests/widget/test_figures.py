"""Figures in the widget: drawn as the page of questions draws them, for everybody, and by a module that other answers do without."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from rolewise.answers.compose import Answers
from rolewise.knowledge import load
from rolewise.questions import Question
from rolewise.render.figures import charts, svg
from rolewise.settings import settings
from tests.widget.chat import Chat, NewChat
from tests.widget.test_accessibility import LOOKS, violations

PAY = Question("salary", ("mle", "swe", "ds"))
GROWTH = Question("demand", ("swe", "ds"))
MODULE = "**/chat/figures.js"


def ask(chat: Chat, question: Question) -> Locator:
    return chat.open().ask(question.payload())


def expected(question: Question) -> ElementTree.Element:
    (chart,) = charts(Answers(load(settings().knowledge)).card([question], "a1").figures)
    return ElementTree.fromstring(str(svg(chart, "x")))


def bars(parts: list[dict[str, Any]]) -> list[tuple[str, list[float]]]:
    """What is drawn and where, to a tenth of a unit."""
    return [(part["class"], [round(float(part[name]), 1) for name in ("x", "y", "width", "height")]) for part in parts]


@pytest.mark.parametrize("question", [PAY, GROWTH], ids=["pay", "growth"])
def test_it_draws_what_the_page_draws(chat: Chat, question: Question) -> None:
    image = ask(chat, question).get_by_role("img")
    wanted = expected(question)
    expect(image).to_have_accessible_name(str(wanted.findtext("title")))
    expect(image).to_have_accessible_description(str(wanted.findtext("desc")))
    assert image.get_attribute("viewBox") == wanted.get("viewBox")
    assert image.locator("text").all_text_contents() == [part.text for part in wanted.iter("text")]
    places = image.locator("rect").evaluate_all(
        "(parts) => parts.map((part) => Object.fromEntries([...part.attributes].map((one) => [one.name, one.value])))"
    )
    assert bars(places) == bars([dict(part.attrib) for part in wanted.iter("rect")]) != []


def test_the_same_is_there_as_a_table(chat: Chat) -> None:
    answer = ask(chat, Question("salary", ("ds",)))
    expect(answer.get_by_role("table")).to_have_count(0)
    answer.get_by_text("The same as a table").click()
    row = answer.get_by_role("table").get_by_role("row").nth(1)
    expect(row.get_by_role("rowheader")).to_have_text("Data scientist")
    expect(row.get_by_role("cell")).to_have_text(["10th percentile$67,240", "Median$120,230", "90th percentile$199,130"])


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(new_chat: NewChat, look: str) -> None:
    chat = new_chat(**LOOKS[look])
    answer = ask(chat, PAY)
    expect(answer.get_by_role("img")).to_be_visible()
    answer.get_by_text("The same as a table").click()
    assert not violations(chat)
    assert chat.log.evaluate("(log) => log.scrollWidth <= log.clientWidth")


def test_forced_colours_are_the_systems(new_chat: NewChat) -> None:
    chat = new_chat(forced_colors="active")
    image = ask(chat, PAY).get_by_role("img")
    text, bar, median = (
        image.locator(part).first.evaluate("(part) => getComputedStyle(part).fill") for part in ("text", ".range", ".median")
    )
    assert text == bar == chat.page.get_by_role("heading", level=1).evaluate("(node) => getComputedStyle(node).color") != median
    assert not violations(chat, "color-contrast")


def test_other_answers_do_without_the_module(chat: Chat) -> None:
    loaded: list[str] = []
    chat.page.on("request", lambda request: loaded.append(request.url))
    ask(chat, Question("skills", ("ds",)))
    chat.page.wait_for_load_state("networkidle")
    assert not [url for url in loaded if url.endswith("figures.js")]
    ask(chat, PAY)
    expect(chat.answers.nth(1).get_by_role("img")).to_be_visible()
    assert len([url for url in loaded if url.endswith("figures.js")]) == 1


def test_an_answer_is_complete_where_the_module_does_not_come(new_chat: NewChat) -> None:
    chat = new_chat()
    chat.page.route(MODULE, lambda route: route.abort())
    answer = ask(chat, Question("salary", ("ds",)))
    expect(answer.locator(".lead")).to_contain_text("$120,230")
    expect(answer.get_by_role("list").first).to_be_visible()
    expect(answer.locator(".figures")).to_be_hidden()


def test_a_page_replaces_the_words_of_charts(new_chat: NewChat) -> None:
    chat = new_chat()
    chat.element.evaluate("(element) => { element.t = { ...element.t, figureTable: 'Als Tabelle' }; }")
    expect(ask(chat, Question("salary", ("ds",))).get_by_text("Als Tabelle")).to_be_visible()


EVIL = "<img src=x onerror=alert(1)>"


def test_whatever_a_figure_says_stays_text(chat: Chat) -> None:
    figure = {"label": EVIL, "unit": EVIL, "low": 1, "middle": "2", "high": None, "country": EVIL, "period": EVIL, "official": True}
    drawn = chat.page.evaluate(
        """async (figures) => {
          const { draw } = await import('/chat/figures.js');
          const nodes = draw(figures, {});
          const images = nodes.flatMap((node) => [...node.querySelectorAll('img')]);
          return { count: nodes.length, images: images.length, text: nodes[0].textContent };
        }""",
        [figure],
    )
    assert (drawn["count"], drawn["images"]) == (1, 0) and EVIL in drawn["text"]
