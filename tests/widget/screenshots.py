"""Makes the pictures of the documents: `scripts/screenshots`. They show the real server, model and widget."""

from __future__ import annotations

import signal
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from rolewise.settings import PROJECT_ROOT
from tests.serving import Server
from tests.widget.chat import LAUNCH, Chat

IMAGES = PROJECT_ROOT / "docs" / "images"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 1.5, "has_touch": True, "is_mobile": True}
# Flat colours: a palette keeps a picture small, and nobody sees the difference.
COLOURS = 96


def shoot(browser: Browser, address: str, name: str, questions: list[str], large: bool = False, **options: Any) -> None:
    """Ask the questions in a fresh browser and keep the picture of the last answer."""
    context = browser.new_context(reduced_motion="reduce", **options)
    page = context.new_page()
    page.goto(address)
    chat = Chat(page).open()
    for question in questions:
        chat.ask(question)
    if large:
        page.get_by_role("button", name="Larger window").click()
    # The outline of the keyboard's place is not part of the looks.
    page.evaluate("() => document.querySelector('rolewise-chat').shadowRoot.activeElement?.blur()")
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(IMAGES / f"{name}.png", optimize=True)
    context.close()
    print(f"docs/images/{name}.png: {(IMAGES / f'{name}.png').stat().st_size / 1024:.0f} KB", flush=True)


def main() -> None:
    """Start a server and make all pictures."""
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        server = Server(Path(directory))
        try:
            address = f"{server.start().address}/chat"
            browser = playwright.chromium.launch(**LAUNCH)
            shoot(browser, address, "widget-light", ["do I need a degree to be a data scientist?"], color_scheme="light", **DESKTOP)
            shoot(browser, address, "widget-dark", ["compare all three roles"], large=True, color_scheme="dark", **DESKTOP)
            shoot(browser, address, "widget-phone", ["mle vs ds on degree"], color_scheme="light", **PHONE)
            browser.close()
        finally:
            server.kill(signal.SIGTERM)


if __name__ == "__main__":
    main()
