"""The widget in a page, as a person finds it: by roles and names, never by classes where there is a name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

# The Chromium of the machine; where there is none, the one that Playwright installs for itself.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LAUNCH: dict[str, Any] = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}


class Chat:
    """A page with a widget in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("rolewise-chat")
        self.launcher = self.element.locator(".launcher")
        self.window = page.get_by_role("dialog", name="Careers assistant")
        self.input = page.get_by_label("Your question")
        self.log = page.get_by_role("log", name="Conversation")
        self.answers = self.log.locator("article")
        self.questions = self.log.locator(".user")
        self.state = self.element.locator(".state")
        self.announcer = self.element.get_by_role("status")

    def open(self) -> Chat:
        # A page may open it by itself at the same moment, and the click then closes it.
        for _ in range(5):
            if self.window.is_visible():
                break
            self.launcher.click()
            self.page.wait_for_timeout(500)
        expect(self.window).to_be_visible()
        return self

    def ask(self, text: str) -> Locator:
        """Type a question and send it; gives the answer."""
        count = self.answers.count()
        self.input.fill(text)
        self.input.press("Enter")
        return self.answer(count)

    def answer(self, number: int) -> Locator:
        """The answer of this number, from 0, when it is there and the widget is at rest."""
        expect(self.answers).to_have_count(number + 1, timeout=60_000)
        expect(self.element.locator(".typing")).to_have_count(0)
        return self.answers.nth(number)

    def choose(self, name: str) -> None:
        """Choose an item of the menu."""
        self.page.get_by_role("button", name="More options").click()
        self.element.get_by_role("button", name=name).first.click()

    def said(self) -> list[str]:
        """What stands in the conversation, questions and answers' headings, in order."""
        texts: list[str] = self.log.locator(".user, article h3").all_inner_texts()
        return [text.replace("You said:", "").strip() for text in texts]

    def focused(self) -> str:
        """Name or label of what has the keyboard, through the shadow root."""
        name: str = self.page.evaluate(
            """() => {
              const at = document.activeElement, inner = at.shadowRoot ? at.shadowRoot.activeElement : at;
              const label = inner?.labels?.[0]?.innerText;
              return (label || inner?.getAttribute('aria-label') || inner?.innerText || inner?.tagName || '').trim();
            }"""
        )
        return name


NewChat = Callable[..., Chat]
