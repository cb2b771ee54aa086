"""What the widget remembers: reload, another tab, starting over, deleting."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.widget.chat import Chat, NewChat


def test_a_reload_brings_the_conversation_back(chat: Chat) -> None:
    chat.ask("mle vs ds on degree").get_by_role("button", name="Helpful", exact=True).click()
    expect(chat.state).to_have_text(re.compile("rating is kept"))
    chat.ask("and the salary?")
    chat.input.fill("half a quest")
    before = chat.said()
    chat.page.reload()
    chat.answer(1)
    assert chat.said() == before
    assert chat.answers.nth(0).get_by_role("table").is_visible()
    assert chat.answers.nth(0).get_by_role("button", name="Helpful", exact=True).get_attribute("aria-pressed") == "true"
    assert chat.input.input_value() == "half a quest"
    assert chat.focused() != "Your question"
    answer = chat.ask("and software engineers?")
    assert "SWE" in answer.inner_text() or "oftware engineer" in answer.inner_text()


def test_a_closed_window_stays_closed(chat: Chat) -> None:
    chat.window.get_by_role("button", name="Close the chat").click()
    chat.page.reload()
    expect(chat.launcher).to_be_visible()
    expect(chat.window).to_be_hidden()


def test_two_tabs_show_the_same(chat: Chat, new_chat: NewChat) -> None:
    chat.ask("mle vs ds on degree")
    other = new_chat(context=chat.page.context)
    other.answer(0)
    other.ask("and the salary?")
    chat.answer(1)
    chat.ask("what about software engineers?")
    other.answer(2)
    assert chat.said() == other.said() and len(chat.said()) == 6


def test_two_tabs_start_over_together(chat: Chat, new_chat: NewChat) -> None:
    chat.ask("mle vs ds on degree")
    other = new_chat(context=chat.page.context)
    other.answer(0)
    chat.choose("Start over")
    expect(chat.answers).to_have_count(1)
    chat.element.get_by_role("button", name="Keep it").click()
    expect(chat.answers).to_have_count(1)
    chat.choose("Start over")
    chat.element.get_by_role("group").get_by_role("button", name="Start over").click()
    expect(chat.answers).to_have_count(0)
    expect(other.answers).to_have_count(0)
    chat.page.reload()
    expect(chat.log).to_contain_text("What would you like to know?")
    expect(chat.answers).to_have_count(0)
    chat.ask("hello")
    other.answer(0)


def test_deleting_takes_the_conversation_and_its_token(chat: Chat) -> None:
    chat.ask("mle vs ds on degree")
    token = stored_token(chat)
    chat.choose("Delete my data")
    chat.element.get_by_role("group").get_by_role("button", name="Delete my data").click()
    expect(chat.state).to_have_text(re.compile("deleted"))
    expect(chat.answers).to_have_count(0)
    assert stored_token(chat) is None
    history = chat.page.request.get(chat.page.url.split("?")[0] + "/history", headers={"Authorization": f"Bearer {token}"})
    assert history.json() == {"messages": []}
    chat.ask("hello")
    assert stored_token(chat) not in (None, token)


def test_without_storage_it_still_answers(new_chat: NewChat) -> None:
    chat = new_chat()
    chat.page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get() { throw new Error('no') } })"
    )
    chat.page.reload()
    chat.open()
    chat.ask("mle vs ds on degree")
    chat.ask("and the salary?")


def stored_token(chat: Chat) -> str | None:
    token: str | None = chat.page.evaluate(
        """() => {
          const entry = Object.entries(localStorage).find(([key]) => key.startsWith('rolewise'));
          return (entry && JSON.parse(entry[1]).token) ?? null;
        }"""
    )
    return token
