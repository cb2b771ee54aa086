"""axe-core's rules for WCAG 2.2 A and AA, in every state of the widget, and what axe cannot see."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Route, expect

from tests.widget.chat import Chat, NewChat

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}


def violations(chat: Chat, *left_out: str) -> list[str]:
    """What axe finds in the whole page, shadow root included, without the rules that are left out."""
    chat.page.wait_for_function(
        "() => document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity || one.playState === 'finished')"
    )
    result = Axe().run(chat.page, options={**RULES, "rules": {rule: {"enabled": False} for rule in left_out}}).response
    assert any("rolewise-chat" in str(node["target"]) for one in result["passes"] for node in one["nodes"]), "axe did not see the widget"
    return [f"{one['id']}: {node['html']} {node['failureSummary']}" for one in result["violations"] for node in one["nodes"]]


def closed(chat: Chat) -> None:
    if chat.window.is_visible():
        chat.window.get_by_role("button", name="Close the chat").click()
    expect(chat.window).to_be_hidden()


def opened(chat: Chat) -> None:
    expect(chat.open().log.get_by_role("link")).to_be_visible()


def answering(chat: Chat) -> None:
    def hold(route: Route) -> None:
        """Never answered."""

    chat.open().page.route("**/chat/message", hold)
    chat.input.fill("mle vs ds")
    chat.input.press("Enter")
    expect(chat.element.locator(".typing")).to_be_visible()


def answer(chat: Chat) -> None:
    chat.open().ask("how much does a data scientist earn").get_by_role("button", name="Not helpful").click()
    expect(chat.answers.first.get_by_label("What was missing?")).to_be_visible()
    chat.answers.first.locator(".sources summary").click()


def table(chat: Chat) -> None:
    expect(chat.open().ask("compare all three roles").get_by_role("table")).to_be_visible()


def clarify(chat: Chat) -> None:
    expect(chat.open().ask("which role suits me?")).to_have_attribute("data-kind", "clarify")


def declined(chat: Chat) -> None:
    expect(chat.open().ask("how do i fix cuda out of memory").get_by_role("link", name="https://careers.example")).to_be_visible()


def offline(chat: Chat) -> None:
    chat.open().ask("hello")
    chat.page.context.set_offline(True)
    chat.input.fill("mle vs ds")
    chat.input.press("Enter")
    expect(chat.state).to_have_text(re.compile("You are offline"))
    expect(chat.log.get_by_text("Not sent yet")).to_be_visible()


def error(chat: Chat) -> None:
    chat.open().page.route("**/chat/message", lambda route: route.fulfill(status=400, body="{}"))
    chat.input.fill("mle vs ds")
    chat.input.press("Enter")
    expect(chat.log.get_by_role("button", name="Send again")).to_be_visible()


def confirming(chat: Chat) -> None:
    chat.open().choose("Delete my data")
    expect(chat.element.get_by_role("group")).to_be_visible()


STATES = [closed, opened, answering, answer, table, clarify, declined, offline, error, confirming]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "320 px": NARROW,
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(new_chat: NewChat, state: Any, look: str) -> None:
    chat = new_chat(**LOOKS[look])
    state(chat)
    assert not violations(chat)


def test_axe_finds_nothing_in_forced_colours(new_chat: NewChat) -> None:
    chat = new_chat(forced_colors="active")
    table(chat)
    # axe reads -webkit-text-fill-color, which the browser does not force: it takes the text for white on white. The colours
    # of the text are the system's own.
    assert not violations(chat, "color-contrast")
    heading = chat.page.get_by_role("heading", name="Careers assistant")
    assert heading.evaluate("(node) => getComputedStyle(node).color") == chat.page.get_by_role("heading", level=1).evaluate(
        "(node) => getComputedStyle(node).color"
    )
    assert chat.launcher.evaluate("(button) => getComputedStyle(button).borderTopStyle") == "solid"


@pytest.mark.parametrize("look", ["light", "320 px"])
def test_everything_to_press_is_large_enough(new_chat: NewChat, look: str) -> None:
    chat = new_chat(**LOOKS[look])
    answer(chat)
    chat.page.get_by_role("button", name="More options").click()
    small = []
    for target in chat.element.locator("button:visible, a:visible, summary:visible, textarea:visible, input:visible").all():
        box = target.bounding_box()
        if box and (box["width"] < 24 or box["height"] < 24):
            small.append((target.inner_text(), box))
    assert not small


def test_every_heading_and_region_has_a_name(chat: Chat) -> None:
    table(chat)
    assert all(heading.inner_text().strip() for heading in chat.element.get_by_role("heading").all())
    region = chat.answers.first.get_by_role("region")
    expect(region).to_have_accessible_name(re.compile("Machine learning engineer"))
    assert region.get_attribute("tabindex") == "0"


@pytest.mark.parametrize("question", ["compare all three roles", "mle vs ds on degree"])
def test_nothing_scrolls_sideways_at_320_px(new_chat: NewChat, question: str) -> None:
    chat = new_chat(**NARROW)
    rows = chat.open().ask(question).get_by_role("row")
    assert rows.first.get_by_role("columnheader").count() >= 3
    assert rows.nth(1).get_by_role("cell").first.inner_text().startswith("Machine learning engineer"), "a stacked cell says whose it is"
    assert chat.page.evaluate("() => document.documentElement.scrollWidth") <= 320
    assert chat.log.evaluate("(log) => log.scrollWidth <= log.clientWidth")
    assert chat.answers.first.get_by_role("region").evaluate("(region) => region.scrollWidth <= region.clientWidth")
