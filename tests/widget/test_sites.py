"""The widget on sites that change the page around it: a new body, an element put back, an emptied storage, a path of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, Route, expect

from rolewise.settings import PROJECT_ROOT
from tests.services import Nginx
from tests.serving import Server, Site
from tests.widget.chat import Chat, NewChat

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True, "reduced_motion": "reduce"}
BODY = "<h1>Second page</h1><p>Text</p>"
# What sites do to the document when the next page is loaded by script, each with the one after it as HTML.
VISITS = {
    "turbo": "(html) => { const body = document.createElement('body'); body.innerHTML = html; document.body.replaceWith(body) }",
    "turbolinks": "(html) => { const body = document.createElement('body'); body.innerHTML = html;"
    " document.documentElement.replaceChild(body, document.body) }",
    "pjax": "(html) => { document.body.innerHTML = html }",
    "htmx": "(html) => { const range = document.createRange(); range.selectNodeContents(document.body);"
    " document.body.replaceChildren(range.createContextualFragment(html)) }",
    "morph": "(html) => { document.querySelector('rolewise-chat').remove(); document.querySelector('h1').textContent = 'Second page' }",
    "body later": "(html) => { document.body.remove(); setTimeout(() => {"
    " const body = document.createElement('body'); body.innerHTML = html; document.documentElement.append(body) }, 200) }",
}


def page(server: Server, place: str = "head") -> str:
    script = f'<script type="module" src="{server.address}/chat/widget.js" data-theme="dark"></script>'
    head, body = (script, "") if place == "head" else ("", script)
    start = f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}<title>Site</title></head>'
    return f"{start}<body><h1>First</h1>{body}</body></html>"


def is_modal(chat: Chat) -> bool:
    modal: bool = chat.window.evaluate("(panel) => panel.matches(':modal')")
    return modal


@pytest.mark.parametrize("visit", VISITS)
def test_what_the_tag_put_into_the_page_is_there_after_a_visit(new_chat: NewChat, web_server: Server, site: Site, visit: str) -> None:
    chat = new_chat(site.page(f"/{visit.replace(' ', '-')}", page(web_server, "body" if visit == "pjax" else "head")))
    chat.open()
    chat.ask("mle vs ds on degree")
    said = chat.said()
    for _ in range(2):
        chat.page.evaluate(VISITS[visit], BODY)
        expect(chat.page.get_by_role("heading", name="Second page")).to_be_visible()
        expect(chat.window).to_be_visible()
        assert chat.element.count() == 1 and chat.element.get_attribute("theme") == "dark" and chat.said() == said
    chat.ask("and the salary?")
    chat.window.get_by_role("button", name="Close the chat").click()
    chat.page.evaluate(VISITS[visit], BODY)
    expect(chat.launcher).to_be_visible()
    expect(chat.window).to_be_hidden()


def test_a_copy_that_the_site_brings_back_shows_the_conversation_and_leaves_again(
    new_chat: NewChat, web_server: Server, site: Site
) -> None:
    """What Turbo does on the way back: it shows a clone of the page, then the page itself."""
    chat = new_chat(site.page("/back", page(web_server)))
    chat.open()
    chat.ask("mle vs ds on degree")
    said = chat.said()
    chat.page.evaluate("() => { window.copy = document.body.cloneNode(true) }")
    chat.page.evaluate(VISITS["turbo"], BODY)
    expect(chat.window).to_be_visible()
    chat.page.evaluate("() => document.body.replaceWith(window.copy)")
    chat.answer(0)
    assert chat.element.count() == 1 and chat.said() == said
    chat.ask("and the salary?")
    chat.page.evaluate(VISITS["turbo"], BODY)
    chat.answer(1)
    assert chat.element.count() == 1 and len(chat.said()) == 4


def test_an_element_of_the_page_itself_goes_with_it(new_chat: NewChat, web_server: Server, site: Site) -> None:
    html = page(web_server).replace("<h1>", "<rolewise-chat></rolewise-chat><h1>")
    chat = new_chat(site.page("/own", html))
    expect(chat.launcher).to_be_visible()
    chat.page.evaluate(VISITS["turbo"], BODY)
    chat.page.wait_for_timeout(500)
    assert chat.element.count() == 0


def test_put_back_on_a_phone_it_fills_the_screen_and_is_modal_as_before(new_chat: NewChat) -> None:
    chat = new_chat(**PHONE)
    chat.open()
    chat.ask("hello")
    assert is_modal(chat)
    for wait in 0, 300:
        chat.page.evaluate(
            "async (wait) => { const chat = document.querySelector('rolewise-chat'); chat.remove();"
            " await new Promise((resolve) => setTimeout(resolve, wait)); document.body.append(chat) }",
            wait,
        )
        expect(chat.window).to_be_visible()
        box = chat.window.bounding_box()
        assert is_modal(chat) and box and (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
    chat.ask("mle vs ds on degree")
    # What took it out of the top layer by other means is repaired by open().
    for broken in "panel.close(); panel.setAttribute('open', '')", "panel.removeAttribute('open')":
        chat.element.evaluate(f"(chat) => {{ const panel = chat.shadowRoot.querySelector('dialog'); {broken} }}")
        chat.page.evaluate("() => document.querySelector('rolewise-chat').open()")
        assert is_modal(chat)


def in_order(chat: Chat, *questions: str) -> None:
    """Each question stands once, directly before its answer."""
    expect(chat.questions).to_have_count(len(questions))
    chat.answer(len(questions) - 1)
    nodes = chat.log.locator(".list > .message")
    assert [re.sub("^You said:\\s*", "", text).strip() for text in chat.questions.all_inner_texts()] == list(questions)
    assert nodes.evaluate_all("(nodes) => nodes.map((node) => node.classList.contains('user'))") == [True, False] * len(questions)


def test_asked_and_replaced_at_once_all_stands_in_the_order_in_which_it_was_said(new_chat: NewChat) -> None:
    chat = new_chat()
    chat.ask("mle vs ds on degree")
    chat.ask("and the salary?")
    other = new_chat(context=chat.page.context)
    other.answer(1)
    chat.page.evaluate(
        "() => { const old = document.querySelector('rolewise-chat'); old.ask('what does a data scientist do');"
        " old.replaceWith(document.createElement('rolewise-chat')) }"
    )
    questions = ["mle vs ds on degree", "and the salary?", "what does a data scientist do"]
    in_order(chat, *questions)
    in_order(other, *questions)
    chat.ask("and software engineers?")
    in_order(other, *questions, "and software engineers?")
    chat.page.reload()
    in_order(chat, *questions, "and software engineers?")


@pytest.mark.parametrize("delay", [0, 300])
def test_a_visit_while_an_answer_is_on_its_way_keeps_the_order(new_chat: NewChat, delay: int) -> None:
    chat = new_chat()
    chat.ask("mle vs ds on degree")

    def late(route: Route) -> None:
        chat.page.wait_for_timeout(delay)
        route.continue_()

    other = new_chat(context=chat.page.context)
    other.answer(0)
    # The page goes while the answer is on its way; the next one finds question and answer in the history, or one of them, or none.
    chat.page.route("**/chat/history", late)
    chat.input.fill("what does a data scientist do")
    with chat.page.expect_request("**/chat/message"):
        chat.input.press("Enter")
    chat.page.reload()
    in_order(chat, "mle vs ds on degree", "what does a data scientist do")
    in_order(other, "mle vs ds on degree", "what does a data scientist do")


def test_two_tabs_that_ask_while_the_server_is_away_agree_on_the_order(new_chat: NewChat) -> None:
    chat = new_chat()
    chat.ask("hello")
    other = new_chat(context=chat.page.context)
    other.answer(0)
    context = chat.page.context
    context.set_offline(True)
    for tab, text in (chat, "mle vs ds on degree"), (other, "and the salary?"):
        tab.input.fill(text)
        tab.input.press("Enter")
    context.set_offline(False)
    for tab in chat, other:
        in_order(tab, "hello", "mle vs ds on degree", "and the salary?")


def test_what_is_asked_in_quick_succession_is_answered_in_order(new_chat: NewChat) -> None:
    chat = new_chat()
    questions = ["hello", "mle vs ds on degree", "and the salary?", "thanks", "what does a data scientist do"]
    for text in questions:
        chat.input.fill(text)
        chat.input.press("Enter")
    in_order(chat, *questions)
    chat.page.reload()
    in_order(chat, *questions)


COMPOSED = """(input) => {
  const key = (name, more) => input.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, ...more }));
  return [key('Enter', { keyCode: 229 }), key('Enter', { keyCode: 229, isComposing: true }), key('Enter', { isComposing: true }),
    key('Escape', { keyCode: 229 })];
}"""


def test_a_key_that_an_input_method_takes_sends_nothing_and_closes_nothing(chat: Chat) -> None:
    chat.input.fill("\u30c7\u30fc\u30bf")
    asked: list[Request] = []
    chat.page.on("request", lambda request: asked.append(request))
    # As Safari tells of it, as others do, and the key that leaves a composition.
    assert chat.input.evaluate(COMPOSED) == [True] * 4
    chat.page.wait_for_timeout(300)
    assert not asked and chat.questions.count() == 0 and chat.input.input_value() == "\u30c7\u30fc\u30bf"
    expect(chat.window).to_be_visible()
    chat.input.fill("hello")
    chat.input.press("Enter")
    chat.answer(0)


def token(page: Page) -> str | None:
    found: str | None = page.evaluate(
        "() => { const entry = Object.entries(localStorage).find(([key]) => key.startsWith('rolewise:'));"
        " return (entry && JSON.parse(entry[1]).token) ?? null }"
    )
    return found


@pytest.mark.parametrize("how", ["localStorage.clear()", "for (const key of Object.keys(localStorage)) localStorage.removeItem(key)"])
def test_an_emptied_storage_empties_the_windows_and_begins_a_new_conversation(new_chat: NewChat, how: str) -> None:
    chat = new_chat()
    chat.ask("mle vs ds on degree")
    other = new_chat(context=chat.page.context)
    other.answer(0)
    before = token(chat.page)
    chat.page.evaluate(how)
    for tab in chat, other:
        expect(tab.answers).to_have_count(0)
        expect(tab.questions).to_have_count(0)
    answer = chat.ask("and the salary?")
    assert token(chat.page) not in (None, before)
    assert "as before" not in answer.inner_text(), "the new conversation knows nothing of the old one"
    in_order(other, "and the salary?")


def test_an_emptied_storage_empties_a_window_that_is_alone(chat: Chat) -> None:
    chat.ask("mle vs ds on degree")
    before = token(chat.page)
    chat.page.evaluate("localStorage.clear()")
    expect(chat.answers).to_have_count(0)
    chat.ask("hello")
    in_order(chat, "hello")
    assert token(chat.page) not in (None, before)


def test_an_answer_on_its_way_does_not_come_back_after_the_storage_was_emptied(chat: Chat) -> None:
    chat.ask("hello")

    def late(route: Route) -> None:
        response = route.fetch()
        chat.page.evaluate("localStorage.clear()")
        chat.page.wait_for_timeout(1500)
        route.fulfill(response=response)

    chat.page.route("**/chat/message", late)
    chat.input.fill("mle vs ds on degree")
    chat.input.press("Enter")
    expect(chat.questions).to_have_count(0)
    chat.page.wait_for_timeout(2500)
    expect(chat.answers).to_have_count(0)


@pytest.fixture(scope="module", params=["1.1", "1.0"])
def proxy(request: pytest.FixtureRequest, web_server: Server) -> Iterator[Nginx]:
    """nginx with the configuration that the documents give for a path; also speaking the older HTTP, as nginx does untold."""
    document = (PROJECT_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (location,) = re.findall(r"^```nginx\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    location = location.replace("127.0.0.1:5005", f"127.0.0.1:{web_server.port}").replace(
        "http_version 1.1", f"http_version {request.param}"
    )
    nginx = Nginx([web_server.port])
    (nginx.directory / "rolewise.conf").write_text(f"server {{\n    include listen.conf;\n{location}}}\n")
    nginx.start()
    yield nginx
    nginx.close()


@pytest.mark.parametrize("path", ["/careers/chat", "/careers/chat/"])
def test_under_a_path_of_another_site_everything_is_found(new_chat: NewChat, proxy: Nginx, path: str) -> None:
    chat = new_chat("about:blank")
    lost: list[str] = []
    chat.page.on("response", lambda response: lost.append(f"{response.status} {response.url}") if response.status >= 400 else None)
    chat.page.goto(proxy.address + path)
    chat.ask("mle vs ds on degree")
    assert chat.page.locator("img").first.evaluate("(image) => image.complete && image.naturalWidth > 0")
    chat.page.get_by_role("link", name="All answers").click()
    expect(chat.page).to_have_url(f"{proxy.address}/careers/chat/faq")
    expect(chat.page.get_by_role("searchbox", name="Find a question")).to_be_visible()
    chat.open()
    chat.answer(0)
    chat.page.get_by_role("link", name="Ask it something else").click()
    chat.answer(0)
    chat.ask("and the salary?")
    chat.page.goto(f"{proxy.address}/careers/chat/faq/")
    expect(chat.page).to_have_url(f"{proxy.address}/careers/chat/faq")
    assert not lost
