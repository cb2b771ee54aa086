"""The widget on pages that were not made for it: of another origin, with hostile styles, policies and settings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from tests.serving import Server, Site
from tests.widget.chat import LAUNCH, Chat, NewChat

STYLES = {
    "reset": "* { all: unset }",
    "colours": """* { color: red; background: yellow; font: italic 40px serif; letter-spacing: 1em; text-transform: uppercase;
        line-height: 4 }""",
    "important": """* { color: red !important; display: inline !important; position: static !important; font-size: 40px !important;
        visibility: visible !important; width: 10px !important; transform: rotate(3deg) !important; pointer-events: none !important }
        button, textarea, dialog, ul, li { display: none !important } rolewise-chat { display: none !important; opacity: .1 !important }""",
    "size": "html { font-size: 300% } body { zoom: 1; transform: scale(.9); overflow: hidden; filter: grayscale(1) }",
    "stack": "body > * { z-index: 2147483647; position: relative }",
}


def looks(chat: Chat) -> dict[str, Any]:
    """How the widget's parts are laid out and coloured."""
    found: dict[str, Any] = chat.element.evaluate(
        """(host) => Object.fromEntries([
          '.launcher', '.panel', '.hello', '.chip', 'textarea', '.user', 'article li', 'td', 'h3',
        ].map((selector) => {
          const node = host.shadowRoot.querySelector(selector), style = getComputedStyle(node), box = node.getBoundingClientRect();
          return [selector, [style.color, style.backgroundColor, style.font, style.letterSpacing, style.textTransform, style.display,
            Math.round(box.width), Math.round(box.x)]];
        }))"""
    )
    return found


def page(server: Server, head: str = "", body: str = "<h1>Careers</h1>", data: str = "data-open", root: str = 'lang="en"') -> str:
    script = f'<script type="module" src="{server.address}/chat/widget.js" {data}></script>'
    return f"<!doctype html><html {root}><head>{head}<title>Site</title></head><body>{body}{script}</body></html>"


def talk(chat: Chat) -> dict[str, Any]:
    chat.ask("mle vs ds on degree")
    return looks(chat)


@pytest.mark.parametrize("style", STYLES)
def test_styles_of_the_page_do_not_get_in(new_chat: NewChat, web_server: Server, site: Site, style: str) -> None:
    plain = talk(new_chat(site.page("/plain", page(web_server))))
    chat = new_chat(site.page(f"/{style}", page(web_server, f"<style>{STYLES[style]}</style>")))
    assert talk(chat) == plain
    chat.window.get_by_role("button", name="Close the chat").click()
    expect(chat.window).to_be_hidden()


def test_styles_of_the_widget_do_not_get_out(new_chat: NewChat, web_server: Server, site: Site) -> None:
    body = (
        "<h1>Careers</h1><h2>Pay</h2><p class=lead>Text</p><ul class=chips><li><button class=chip>One</button></ul><table><tr><td>1</table>"
    )
    look = """() => [...document.querySelectorAll('body, body *:not(script, rolewise-chat)')].map((node) => {
      const style = getComputedStyle(node), box = node.getBoundingClientRect();
      return [node.tagName, style.cssText, style.font, style.color, style.margin, style.display, box.x, box.y, box.width, box.height];
    })"""
    without = new_chat(site.page("/without", f"<!doctype html><title>Site</title>{body}")).page.evaluate(look)
    chat = new_chat(
        site.page(
            "/with",
            f'<!doctype html><title>Site</title>{body}<script type="module" src="{web_server.address}/chat/widget.js" data-open></script>',
        )
    )
    talk(chat)
    assert chat.page.evaluate(look) == without


def test_a_strict_policy(new_chat: NewChat, web_server: Server, site: Site) -> None:
    policy = f"default-src 'none'; script-src {web_server.address}; connect-src {web_server.address}; require-trusted-types-for 'script'"
    chat = new_chat(site.page("/strict", page(web_server), Content_Security_Policy=policy))
    refused: list[str] = []
    chat.page.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
    chat.page.reload()
    chat.ask("mle vs ds on degree")
    assert not [text for text in refused if "favicon" not in text]
    assert chat.window.evaluate("(panel) => getComputedStyle(panel).position") == "fixed", "the styles were adopted"


def test_a_page_without_a_charset(new_chat: NewChat, web_server: Server, site: Site) -> None:
    chat = new_chat(site.page("/latin", page(web_server), Content_Type="text/html; charset=windows-1252"))
    expect(chat.log).to_contain_text("\u201cDelete my data\u201d")
    assert chat.input.get_attribute("placeholder") == "Ask a question \u2026"


def test_a_page_from_right_to_left(new_chat: NewChat, web_server: Server, site: Site) -> None:
    chat = new_chat(site.page("/rtl", page(web_server, root='lang="ar" dir="rtl"')))
    answer = chat.ask("mle vs ds on degree")
    box = chat.launcher.bounding_box()
    assert box and box["x"] < 100, "the launcher stands where a reader ends"
    assert answer.locator(".lead").evaluate("(lead) => getComputedStyle(lead).direction") == "ltr", "English is set as English"
    chat.ask("\u0645\u0631\u062d\u0628\u0627")
    directions = chat.questions.locator("span[dir]").evaluate_all("(nodes) => nodes.map((node) => getComputedStyle(node).direction)")
    assert directions == ["ltr", "rtl"]


def test_text_twice_as_large(playwright: Playwright, web_server: Server, tmp_path: Path) -> None:
    """The person's own font size, as set in the browser: 32 px instead of 16."""
    preferences = tmp_path / "Default" / "Preferences"
    preferences.parent.mkdir()
    preferences.write_text(json.dumps({"webkit": {"webprefs": {"default_font_size": 32}}}))
    context = playwright.chromium.launch_persistent_context(tmp_path, **LAUNCH, viewport={"width": 1280, "height": 860})
    try:
        page = context.new_page()
        page.goto(f"{web_server.address}/chat")
        chat = Chat(page)
        answer = chat.ask("mle vs ds on degree")
        assert answer.locator(".lead").evaluate("(lead) => parseFloat(getComputedStyle(lead).fontSize)") > 28
        panel, field = chat.window.bounding_box(), chat.input.bounding_box()
        assert panel and field
        assert panel["x"] >= 0 and panel["y"] >= 0 and panel["x"] + panel["width"] <= 1280
        assert field["y"] + field["height"] <= panel["y"] + panel["height"]
        assert chat.log.evaluate("(log) => log.clientHeight") > 200, "there is room left to read"
    finally:
        context.close()


def test_a_page_that_is_not_on_the_allow_list(new_chat: NewChat, web_server: Server, site: Site) -> None:
    address = site.page("/friend", page(web_server)).replace("127.0.0.1", "localhost")
    chat = new_chat(address)
    chat.input.fill("hello")
    chat.input.press("Enter")
    expect(chat.state).to_have_text(re.compile("server cannot be reached"))
    expect(chat.answers).to_have_count(0)


def test_as_an_element_with_its_own_words_and_colours(new_chat: NewChat, web_server: Server, site: Site) -> None:
    texts = {"title": "Berufsberatung", "label": "Ihre Frage", "send": "Senden", "starters": ["Was kostet das?"], "open": "Fragen Sie uns"}
    head = f"""<meta charset="utf-8"><script type="module" src="{web_server.address}/chat/widget.js"></script>
      <script type="application/json" id="words">{json.dumps(texts)}</script>
      <style>rolewise-chat {{ --rolewise-accent: rgb(120, 30, 90); --rolewise-header: rgb(120, 30, 90) }}
      rolewise-chat::part(chip) {{ border-radius: 3px }}</style>"""
    element = '<rolewise-chat lang="de" texts="#words" theme="dark"></rolewise-chat>'
    html = f'<!doctype html><html lang="de"><head>{head}<title>Seite</title></head><body>{element}</body></html>'
    chat = new_chat(site.page("/element", html))
    assert chat.element.count() == 1
    expect(chat.launcher).to_have_accessible_name("Fragen Sie uns")
    chat.launcher.click()
    window = chat.page.get_by_role("dialog", name="Berufsberatung")
    expect(window).to_be_visible()
    expect(window.get_by_role("button", name="Was kostet das?")).to_have_css("border-radius", "3px")
    expect(window.locator("header")).to_have_css("background-color", "rgb(120, 30, 90)")
    assert window.evaluate("(panel) => getComputedStyle(panel).colorScheme") == "dark"
    chat.page.get_by_label("Ihre Frage").fill("hello")
    chat.page.get_by_role("button", name="Senden").click()
    chat.answer(0)


def test_moved_in_the_page_it_goes_on(new_chat: NewChat) -> None:
    chat = new_chat()
    chat.ask("hello")
    chat.page.evaluate("() => document.querySelector('main').append(document.querySelector('rolewise-chat'))")
    chat.ask("mle vs ds")
    chat.page.keyboard.press("Escape")
    expect(chat.window).to_be_hidden()
