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
    assert not violations(chat)
    assert chat.page.evaluate("() => document.documentElement.scrollWidth") <= chat.page.evaluate("() => window.innerWidth")


def test_it_is_read_without_scripts(new_context: Callable[..., BrowserContext], web_server: Server) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{web_server.address}/chat")
    page.get_by_role("link", name="All answers").click()
    article = page.get_by_role("article", name="How much does a data scientist earn?")
    page.locator("#ds").get_by_role("link", name="How much does a data scientist earn?").click()
    expect(article).to_be_in_viewport()
    expect(article.locator(".lead")).to_contain_text("112,590")
    article.locator("summary").click()
    expect(article.locator("details").get_by_role("link").first).to_be_visible()
    expect(page.get_by_role("button", name="Ask the assistant").first).to_be_hidden()
    table = page.get_by_role("table").first
    expect(table.get_by_role("columnheader")).to_have_text(["Machine learning engineer", "Software engineer"])


def test_a_question_of_the_page_can_be_asked_in_the_widget(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat(f"{web_server.address}/chat/faq#degree-swe")
    chat.page.locator("#degree-swe").get_by_role("button", name="Ask the assistant").click()
    expect(chat.window).to_be_visible()
    expect(chat.answers.first).to_contain_text("Do I need a degree to be a software engineer?")


def test_it_is_served_with_its_policy_and_from_the_cache(web_server: Server) -> None:
    address = f"{web_server.address}/chat/faq"
    first = requests.get(address, timeout=60)
    assert first.status_code == 200 and first.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in first.headers["Content-Security-Policy"]
    assert first.headers["Content-Encoding"] == "gzip" and len(first.text) > 100_000
    again = requests.get(address, headers={"If-None-Match": first.headers["ETag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
