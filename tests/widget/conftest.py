"""What the widget's tests share: a real Chromium, and a page with the widget of the real server in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.serving import Server
from tests.widget.chat import LAUNCH, Chat, NewChat

# The first answer of a process takes longest, and the machine may be busy. Milliseconds.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


# Not of the session: an event loop runs as long as Playwright does, and tests of other modules run their own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver of the browsers."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A running Chromium."""
    browser = playwright.chromium.launch(**LAUNCH)
    yield browser
    browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes a browser with a memory of its own, as another person's."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def new_chat(new_context: Callable[..., BrowserContext], web_server: Server) -> Iterator[NewChat]:
    """Opens the demo page, or another address, in a fresh browser; a script error on any of the pages fails the test."""
    errors: list[str] = []

    def make(address: str | None = None, context: BrowserContext | None = None, **options: Any) -> Chat:
        page: Page = (context or new_context(**options)).new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address or f"{web_server.address}/chat")
        return Chat(page)

    yield make
    assert not errors


@pytest.fixture
def chat(new_chat: NewChat) -> Chat:
    """The demo page on a desktop."""
    return new_chat()


@pytest.fixture
def phone(new_chat: NewChat) -> Chat:
    """The demo page on a phone."""
    return new_chat(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True, reduced_motion="reduce")
