"""Text as Slack's mrkdwn: escaping, links, cutting to a length. What a card looks like is not decided here."""

from __future__ import annotations

import re
from typing import Any

# What mrkdwn would take for formatting: signs at the start of a word, code, a quote, the name of an emoji. There is no escape for it.
FORMATTING = re.compile(r"(?<!\w)[*_~](?=\S)|`|^\s*>|:[\w+-]+:", re.MULTILINE)
WEB = re.compile(r"https?://[^\s<>|\"]+")
CUT = "…"
FENCE = "```"


def escape(text: str) -> str:
    """The three characters that Slack reads as control characters, and only those."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: str | None, label: str) -> str:
    """A label, as a link where the address is one of the web."""
    label = " ".join(label.split())
    if url and WEB.fullmatch(url):
        return f"<{escape(url)}|{escape(label)}>"
    return escape(label)


def shorten(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters, cut between words where it is too long."""
    if len(text) <= limit:
        return text
    head = text[: max(limit - len(CUT), 0)]
    space = head.rfind(" ")
    return (head[:space] if space > limit // 2 else head).rstrip() + CUT


def fit(text: str, limit: int) -> str:
    """A text escaped, in at most ``limit`` characters. It is cut before it is escaped: never in the middle of an escaped character."""
    written = escape(text)
    if len(written) <= limit:
        return written
    room, head = limit - len(CUT), ""
    for character in text:
        room -= len(escape(character))
        if room < 0:
            break
        head += character
    space = head.rfind(" ")
    return escape((head[:space] if space > len(head) // 2 else head).rstrip()) + CUT


def text_object(text: str, limit: int, label: str = "") -> dict[str, Any]:
    """A text object of Block Kit, behind a bold label if there is one.

    It is mrkdwn, without links that nobody made (``verbatim``); plain text where mrkdwn would take characters of the text for formatting.
    """
    if FORMATTING.search(text):
        return plain_text(f"{label} {text}" if label else text, limit)
    front = f"*{label}* " if label else ""
    return {"type": "mrkdwn", "text": front + fit(text, limit - len(front)), "verbatim": True}


def bold_object(text: str, limit: int) -> dict[str, Any]:
    """A text object in bold."""
    if FORMATTING.search(text):
        return plain_text(text, limit)
    return {"type": "mrkdwn", "text": f"*{fit(text, limit - 2)}*", "verbatim": True}


def fenced(text: str, limit: int) -> dict[str, Any]:
    """A text object whose lines stay as they are, each letter as wide as the others."""
    return {"type": "mrkdwn", "text": f"{FENCE}{fit(text.replace('`', chr(39)), limit - 2 * len(FENCE))}{FENCE}", "verbatim": True}


def plain_text(text: str, limit: int) -> dict[str, Any]:
    """A plain text object: nothing in it is formatted, linked or made an emoji."""
    return {"type": "plain_text", "text": shorten(text, limit), "emoji": False}
