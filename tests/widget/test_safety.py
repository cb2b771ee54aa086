"""Nothing from the server or from a person becomes HTML, and no address but http and https a link."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from rolewise.settings import PROJECT_ROOT
from tests.widget.chat import Chat, NewChat

SCRIPT = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script><svg onload='window.hacked=1'>{{7*7}}${7*7}"


def hostile(address: str) -> dict[str, Any]:
    """A card with script in every field."""
    return {
        "version": 1,
        "kind": "comparison",
        "answer_id": SCRIPT,
        "questions": [{"topic": SCRIPT, "roles": [SCRIPT], "aspect": SCRIPT}],
        "title": SCRIPT,
        "lead": SCRIPT,
        "points": [SCRIPT, SCRIPT],
        "table": {"caption": SCRIPT, "columns": [SCRIPT, SCRIPT, SCRIPT], "rows": [[SCRIPT, SCRIPT, SCRIPT]]},
        "caveat": SCRIPT,
        "sources": [{"id": SCRIPT, "title": SCRIPT, "publisher": SCRIPT, "year": SCRIPT, "url": address}],
        "suggestions": [{"title": SCRIPT, "payload": SCRIPT}],
    }


def send(chat: Chat, message: dict[str, Any]) -> None:
    """Put a message into the server's mouth; the server itself would never say it."""

    def answer(route: Route) -> None:
        sent = json.loads(route.request.post_data or "{}")["id"]
        lines = [{"type": "ack", "id": sent}, {"type": "message", "id": f"{sent}:0", "from": "bot", **message}, {"type": "end"}]
        route.fulfill(
            content_type="application/x-ndjson", body="".join(json.dumps({"seq": seq, **line}) + "\n" for seq, line in enumerate(lines))
        )

    chat.page.route("**/chat/message", answer)


def harmless(chat: Chat) -> None:
    chat.page.wait_for_timeout(300)
    assert chat.page.evaluate("() => window.hacked") is None
    assert (
        chat.element.evaluate("(host) => host.shadowRoot.querySelectorAll('img, script, iframe, object, embed, svg[onload]').length") == 0
    )


@pytest.mark.parametrize(
    "address",
    [
        "javascript:window.hacked=1",
        " JaVaScRiPt:window.hacked=1",
        "data:text/html,<script>1</script>",
        "vbscript:x",
        "file:///etc/passwd",
        SCRIPT,
    ],
)
def test_script_in_every_field_of_a_card_stays_text(chat: Chat, address: str) -> None:
    send(chat, {"text": SCRIPT, "card": hostile(address)})
    answer = chat.ask(SCRIPT)
    assert answer.inner_text().count("window.hacked=1") >= 3 * 12
    assert chat.questions.first.inner_text().endswith(SCRIPT)
    assert answer.get_by_role("link").count() == 0
    answer.get_by_role("list", name="You can ask next").get_by_role("button").click()
    chat.answer(1)
    answer.get_by_role("button", name="Not helpful").click()
    harmless(chat)


@pytest.mark.parametrize(
    "card",
    [None, {}, [], "card", {"version": 2}, {"version": 1}, {"version": 1, "points": "x", "table": [], "sources": {}, "suggestions": None}],
)
def test_a_card_of_another_shape_shows_its_text_or_what_there_is(chat: Chat, card: Any) -> None:
    send(chat, {"text": "complete by itself", "card": card})
    answer = chat.ask("hello")
    if not (isinstance(card, dict) and card.get("version") == 1):
        expect(answer).to_contain_text("complete by itself")
    harmless(chat)


def test_script_in_a_message_comes_back_from_the_history_as_text(chat: Chat) -> None:
    chat.ask(SCRIPT)
    chat.page.reload()
    chat.answer(0)
    expect(chat.questions.first).to_contain_text("window.hacked=1")
    harmless(chat)


def test_script_in_texts_and_contact_stays_text(new_chat: NewChat) -> None:
    chat = new_chat()
    chat.page.route("**/chat/config", lambda route: route.fulfill(json={"contact": "javascript:window.hacked=1", "max_chars": 2000}))
    chat.page.reload()
    expect(chat.log).to_contain_text("javascript:window.hacked=1")
    assert chat.log.get_by_role("link").count() == 0
    harmless(chat)


def test_no_module_can_parse_html() -> None:
    for file in sorted((PROJECT_ROOT / "widget").glob("*.js")):
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc|setHTML",
            file.read_text("utf-8"),
        )
        assert not found, f"{file.name}: {found}"
