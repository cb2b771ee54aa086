"""The whole way of a person through the widget: by mouse, by keyboard, on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.serving import Person, Server
from tests.widget.chat import Chat, NewChat


def test_by_mouse(chat: Chat, web_server: Server) -> None:
    page = chat.page
    expect(chat.window).to_be_visible()
    assert chat.focused() != "Your question", "a window that opens by itself must leave the keyboard where it is"
    expect(chat.log).to_contain_text("You are talking to a program, not a person.")
    expect(chat.log.get_by_role("link", name="https://careers.example")).to_be_visible()

    chat.log.get_by_role("button", name="What does a data scientist do?").click()
    answer = chat.answer(0)
    expect(answer.get_by_role("heading")).to_be_visible()
    expect(answer.locator("li").first).to_be_visible()

    table = chat.ask("mle vs ds on degree").get_by_role("table")
    expect(table).to_have_accessible_name(re.compile("education"))
    assert table.get_by_role("columnheader").all_inner_texts()[1:] == ["Machine learning engineer", "Data scientist"]
    assert table.get_by_role("rowheader").count() == table.get_by_role("row").count() - 1
    sources = chat.answers.nth(1).locator("details")
    sources.locator("summary").click()
    link = sources.get_by_role("link").first
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    assert re.match("https?://", link.get_attribute("href") or "")

    chip = chat.answers.nth(1).get_by_role("list", name="You can ask next").get_by_role("button").first
    title = chip.inner_text()
    chip.click()
    chat.answer(2)
    assert title in chat.questions.nth(2).inner_text(), "a tapped suggestion is shown in words, not as its payload"

    last = chat.answers.nth(2)
    last.get_by_role("button", name="Not helpful").click()
    expect(chat.state).to_have_text(re.compile("rating is kept"))
    last.get_by_label("What was missing?").fill("more figures")
    last.get_by_role("button", name="Send").click()
    expect(last.get_by_label("What was missing?")).to_be_hidden()
    expect(last.get_by_role("button", name="Not helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    token = page.evaluate("() => JSON.parse(Object.entries(localStorage).find(([key]) => key.startsWith('rolewise'))[1]).token")
    assert [message.get("rating") for message in Person(web_server.address, token).history()][-1] == "down"

    page.get_by_role("button", name="Larger window").click()
    box = chat.window.bounding_box()
    assert box and box["width"] > 600
    chat.window.get_by_role("button", name="Close the chat").click()
    expect(chat.window).to_be_hidden()


def test_an_answer_can_be_copied(new_chat: NewChat) -> None:
    chat = new_chat(permissions=["clipboard-read", "clipboard-write"])
    chat.ask("mle vs ds on degree").get_by_role("button", name="Copy this answer").click()
    expect(chat.state).to_have_text(re.compile("Copied"))
    text = chat.page.evaluate("() => navigator.clipboard.readText()")
    assert "Sources:" in text and "Data scientist" in text


def test_several_questions_in_one_have_their_own_headings(chat: Chat) -> None:
    answer = chat.ask("what does an ml engineer do and do i need a master's?")
    assert answer.locator("h4").count() == 2
    titles, items = answer.locator("h4").all_inner_texts(), answer.locator("li").all_inner_texts()
    assert not [item for item in items if item.startswith(tuple(f"{title} " for title in titles))]


def test_by_keyboard_alone(new_chat: NewChat, web_server: Server) -> None:
    chat = new_chat()
    keyboard = chat.page.keyboard
    chat.launcher.focus()
    keyboard.press("Enter")
    expect(chat.window).to_be_hidden()
    assert chat.focused().startswith("Ask the careers assistant")
    keyboard.press("Enter")
    expect(chat.window).to_be_visible()
    assert chat.focused() == "Your question"

    keyboard.type("mle vs ds on degree")
    keyboard.press("Enter")
    chat.answer(0)
    assert chat.focused() == "Your question", "an answer must not take the keyboard away"

    seen = []
    for _ in range(40):
        keyboard.press("Shift+Tab")
        seen.append(chat.focused())
        if seen[-1] == "More options":
            break
    for name in ("Helpful", "Not helpful", "Copy this answer", "Larger window", "Close the chat", "Conversation"):
        assert name in seen, f"{name} is not reached by Tab: {seen}"
    assert any("education" in name for name in seen), "the table can be scrolled by keyboard"

    keyboard.press("Enter")
    keyboard.press("Tab")
    assert chat.focused() == "Larger window"
    keyboard.press("Tab")
    keyboard.press("Tab")
    assert chat.focused() == "Start over"
    keyboard.press("Enter")
    assert chat.focused() == "Start over"
    expect(chat.element.get_by_role("group", name=re.compile("Start over\\?"))).to_be_visible()
    keyboard.press("Escape")
    assert chat.focused() == "More options"
    expect(chat.window).to_be_visible()
    keyboard.press("Escape")
    expect(chat.window).to_be_hidden()
    assert chat.focused().startswith("Ask the careers assistant")


def test_shift_enter_makes_a_line_and_a_composed_word_is_not_sent(chat: Chat) -> None:
    chat.input.fill("one")
    chat.input.press("Shift+Enter")
    assert chat.input.input_value() == "one\n"
    chat.input.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    assert chat.questions.count() == 0


def test_an_overlong_message_is_kept_in_the_input(chat: Chat) -> None:
    expect(chat.log.get_by_role("link")).to_be_visible()
    chat.input.fill("x" * 2001)
    chat.input.press("Enter")
    expect(chat.state).to_have_text(re.compile("2001 characters; up to 2000"))
    assert len(chat.input.input_value()) == 2001
    assert chat.questions.count() == 0


def test_on_a_phone(phone: Chat) -> None:
    page = phone.page
    expect(phone.window).to_be_hidden()
    box = phone.launcher.bounding_box()
    assert box and box["width"] <= 60
    phone.launcher.tap()
    expect(phone.window).to_be_visible()
    assert phone.window.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 780}
    assert phone.focused() == "Careers assistant", "the keyboard of the phone would hide the greeting"
    phone.log.get_by_role("button", name="Which role suits me?").tap()
    phone.answer(0)
    table = phone.ask("compare all three roles").get_by_role("table")
    assert table.get_by_role("rowheader").count() >= 3, "stacked, a table is still a table"
    cell = table.get_by_role("cell").first
    assert "Machine learning engineer" in cell.inner_text(), "a stacked cell says whose it is"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.tagName") in ("ROLEWISE-CHAT", "BODY"), "the keyboard got behind the window"
    page.keyboard.press("Escape")
    expect(phone.window).to_be_hidden()


def test_unread_answers_are_counted(chat: Chat) -> None:
    chat.open().input.fill("mle vs ds")
    chat.page.evaluate(
        """() => {
          const element = document.querySelector('rolewise-chat');
          element.shadowRoot.querySelector('form.composer').requestSubmit();
          element.close();
        }"""
    )
    expect(chat.launcher).to_have_accessible_name(re.compile(r"\(1 unread\)"))
    expect(chat.launcher.locator(".badge")).to_have_text("1")
    chat.launcher.click()
    expect(chat.launcher.locator(".badge")).to_be_hidden()


def test_answers_are_announced_once_and_history_is_not(chat: Chat) -> None:
    chat.open().page.evaluate(
        """() => {
          window.heard = [];
          const announcer = document.querySelector('rolewise-chat').shadowRoot.querySelector('[role=status]');
          new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) =>
            window.heard.push(node.textContent)))).observe(announcer, { childList: true });
        }"""
    )
    chat.ask("mle vs ds on degree")
    heard = chat.page.evaluate("() => window.heard.filter((text) => text.startsWith('Assistant:'))")
    assert len(heard) == 1 and "Table:" in heard[0] and "You can ask next:" in heard[0]
    assert chat.log.get_attribute("aria-live") == "off"
    chat.page.reload()
    chat.answer(0)
    expect(chat.announcer).to_have_text("")


@pytest.mark.parametrize("reduced", ["reduce", "no-preference"])
def test_motion_is_left_out_for_those_who_ask(new_chat: NewChat, reduced: str) -> None:
    chat = new_chat(reduced_motion=reduced)
    name = chat.window.evaluate("(panel) => getComputedStyle(panel).animationName")
    assert (name == "none") == (reduced == "reduce")


def test_a_button_of_the_page_asks(chat: Chat) -> None:
    chat.page.get_by_role("button", name="What does it pay?").click()
    chat.answer(0)
    assert chat.questions.first.inner_text().endswith("How much does a data scientist earn?")
