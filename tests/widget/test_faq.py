"""The page of questions and answers in a browser: with and without scripts, for everybody, and from it to the widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, expect

from tests.serving import Server
from tests.widget.chat import NewChat
from tests.widget.test_accessibility import violations

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark, 320 px": {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(new_chat: NewChat, web_server: Server, look: str) -> None:
    chat = new_chat(f"{web_server.address}/chat/faq#salary-mle", **LOOKS[look])
    expect(chat.launcher).to_be_visible()
    chat.page.locator("#salary-mle summary").click()
    chat.page.locator("#salary figure summary").first.click()
    chat.page.get_by_label("Find a question").fill("salary")
    expect(chat.page.get_by_role("search").get_by_role("status")).to_contain_text("questions found")
    chat.page.locator("details.question:visible > summary").first.click()
    assert not violations(chat)
    assert chat.page.evaluate("() => document.documentElement.scrollWidth") <= chat.page.evaluate("() => window.innerWidth")


def test_it_is_read_without_scripts(new_context: Callable[..., BrowserContext], web_server: Server) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{web_server.address}/chat")
    page.get_by_role("link", name="All answers").click()
    article = page.get_by_role("article", name="How much does a data scientist earn?")
    page.locator("#ds").get_by_role("link", name="How much does a data scientist earn?").click()
    expect(article).to_be_in_viewport()
    expect(article.locator(".lead")).to_contain_text("$120,230")
    article.get_by_text("Sources:").click()
    expect(article.locator("details").get_by_role("link").first).to_be_visible()
    expect(page.get_by_role("button", name="Ask the assistant").first).to_be_hidden()
    expect(page.get_by_role("search")).to_be_hidden()
    page.goto(f"{web_server.address}/chat/faq#subject-negotiation")
    expect(page.locator("#subject-negotiation .lead")).to_be_in_viewport()
    expect(page.locator("#subject-negotiation").get_by_role("link", name="Ask the assistant")).to_be_hidden()
    table = page.get_by_role("table").first
    expect(table.get_by_role("columnheader")).to_have_text(["Machine learning engineer", "Software engineer"])


def test_a_question_of_the_page_can_be_asked_in_the_widget(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat(f"{web_server.address}/chat/faq#degree-swe")
    chat.page.locator("#degree-swe").get_by_role("button", name="Ask the assistant").click()
    expect(chat.window).to_be_visible()
    expect(chat.answers.first).to_contain_text("Do I need a degree to be a software engineer?")
    assert chat.said()[0] == "Do I need a degree to be a software engineer?", "the question is shown, not the payload"


def test_a_specific_question_asks_for_its_very_answer(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat(f"{web_server.address}/chat/faq#subject-negotiation")
    subject = chat.page.locator("#subject-negotiation")
    subject.get_by_role("link", name="Ask the assistant").click()
    expect(chat.answers.first.locator(".lead")).to_have_text(subject.locator(".lead").inner_text())
    assert chat.said() == ["Should I negotiate my salary?"] * 2
    assert chat.page.url.endswith("#subject-negotiation"), "the page stays where it was"


def test_an_address_writes_a_question_and_does_not_send_it(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat(f"{web_server.address}/chat#ask=Do%20I%20need%20C%2B%2B%3F%20100%25")
    expect(chat.window).to_be_visible()
    expect(chat.input).to_have_value("Do I need C++? 100%")
    expect(chat.log.get_by_text("You are talking to a program")).to_be_visible()
    chat.page.wait_for_load_state("networkidle")
    assert not chat.questions.count() and not chat.answers.count()
    chat.input.press("Enter")
    expect(chat.questions.first).to_contain_text("Do I need C++? 100%")


def test_the_search_filters_says_how_many_and_asks_no_server(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat(f"{web_server.address}/chat/faq")
    page, field, told = chat.page, chat.page.get_by_label("Find a question"), chat.page.get_by_role("search").get_by_role("status")
    shown = page.locator("main :is(article, details.question):visible")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    every = shown.count()
    field.press_sequentially("C++ embed")
    expect(told).to_have_text(f"{shown.count()} question{'' if shown.count() == 1 else 's'} found")
    assert 0 < shown.count() < every / 10
    expect(page.locator("main > section:visible h2")).to_have_count(page.locator("main > section:visible").count())
    texts = shown.evaluate_all("(nodes) => nodes.map((node) => `${node.textContent} ${node.dataset.words ?? ''}`.toLowerCase())")
    assert all("c++" in text and "embed" in text for text in texts)
    expect(page.get_by_role("navigation", name="Topics")).to_be_hidden()
    field.fill("K8S")
    expect(shown.first).to_contain_text("Kubernetes")
    field.press("Escape")
    expect(field).to_have_value("")
    expect(told).to_have_text("")
    expect(shown).to_have_count(every)
    assert not asked


def test_what_the_search_does_not_find_can_be_asked(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat(f"{web_server.address}/chat/faq")
    chat.page.get_by_label("Find a question").fill("zebra")
    expect(chat.page.get_by_role("search").get_by_role("status")).to_have_text("No questions found")
    chat.page.get_by_role("button", name="Ask the assistant instead").click()
    expect(chat.questions.first).to_contain_text("zebra")


def test_an_address_of_a_question_is_shown_through_a_search(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat(f"{web_server.address}/chat/faq")
    chat.page.get_by_label("Find a question").fill("kubernetes")
    expect(chat.page.locator("details.question:visible").first).to_be_visible()
    chat.page.evaluate("() => { location.hash = 'subject-negotiation'; }")
    expect(chat.page.locator("#subject-negotiation .lead")).to_be_in_viewport()
    expect(chat.page.get_by_label("Find a question")).to_have_value("")


def test_it_is_served_with_its_policy_and_from_the_cache(web_server: Server) -> None:
    address = f"{web_server.address}/chat/faq"
    first = requests.get(address, timeout=60)
    assert first.status_code == 200 and first.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in first.headers["Content-Security-Policy"]
    assert first.headers["Content-Encoding"] == "gzip" and len(first.text) > 100_000
    again = requests.get(address, headers={"If-None-Match": first.headers["ETag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
