"""What Slack would refuse: messages and views checked by its published limits. Nothing here knows the renderer.

From Slack's reference of blocks, block elements and composition objects, and of chat.postMessage and views.publish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]

# An escaped character, a link, or a mention; anything else with one of the three control characters is a fault of the sender.
MARKUP = re.compile(r"&(?:amp|lt|gt);|<https?://[^\s<>|]+(?:\|[^<>|]+)?>|<@[A-Z0-9]+>")
FIELDS = {
    "header": {"text"},
    "section": {"text", "accessory"},
    "context": {"elements"},
    "actions": {"elements"},
    "context_actions": {"elements"},
    "divider": set(),
    "table": {"rows", "column_settings"},
}
IN_HOME = {"header", "section", "context", "actions", "divider"}


def message_faults(fields: dict[str, Any]) -> list[str]:
    """What is wrong with a message; empty for a good one."""
    text, blocks = fields.get("text"), fields.get("blocks") or []
    faults = []
    if not isinstance(text, str) or not text.strip():
        faults.append("text: no_text; screen readers and notifications read it")
    elif len(text) > 4000:
        faults.append(f"text: {len(text)} of 4,000 characters")
    else:
        faults += [f"text: {fault}" for fault in escaping_faults(text)]
    if len(blocks) > 50:
        faults.append(f"blocks: {len(blocks)} of 50")
    return [*faults, *block_faults(blocks, set(FIELDS))]


def view_faults(view: dict[str, Any]) -> list[str]:
    """What is wrong with the view of a Home tab."""
    blocks = view.get("blocks") or []
    faults = [] if view.get("type") == "home" and 1 <= len(blocks) <= 100 else ["view: a home has 1 to 100 blocks"]
    return [*faults, *block_faults(blocks, IN_HOME)]


def block_faults(blocks: list[Block], allowed: set[str]) -> Iterator[str]:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "block_id: not unique"
    if sum(block.get("type") == "table" for block in blocks) > 1:
        yield "blocks: more than one table"
    for number, block in enumerate(blocks):
        kind = block.get("type")
        if kind not in allowed:
            yield f"/{number}: unsupported type {kind}"
            continue
        unknown = set(block) - FIELDS[str(kind)] - {"type", "block_id"}
        if unknown:
            yield f"/{number}: unknown fields {unknown}"
        if not 0 < len(block.get("block_id", "x")) <= 255:
            yield f"/{number}: block_id"
        yield from (f"/{number} {kind}: {fault}" for fault in CHECKS[str(kind)](block))


def header(block: Block) -> Iterator[str]:
    yield from text_object(block.get("text"), 150, plain=True)


def section(block: Block) -> Iterator[str]:
    yield from text_object(block.get("text"), 3000)
    if "accessory" in block:
        yield from element(block["accessory"], {"button", "static_select"})


def context(block: Block) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"{len(elements)} elements of 1 to 10"
    for item in elements:
        yield from text_object(item, 3000)


def actions(block: Block) -> Iterator[str]:
    yield from elements_of(block, 25, {"button", "static_select"})


def context_actions(block: Block) -> Iterator[str]:
    yield from elements_of(block, 5, {"feedback_buttons"})


def elements_of(block: Block, most: int, kinds: set[str]) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= most:
        yield f"{len(elements)} elements of 1 to {most}"
    ids = [item.get("action_id") for item in elements]
    if len(ids) != len(set(ids)):
        yield "action_id: not unique"
    for item in elements:
        yield from element(item, kinds)


def element(item: Block, kinds: set[str]) -> Iterator[str]:
    kind = item.get("type")
    if kind not in kinds:
        yield f"unsupported element {kind}"
        return
    if not 0 < len(item.get("action_id", "")) <= 255:
        yield "action_id: 1 to 255 characters"
    if kind == "button":
        yield from button(item, {"type", "action_id", "text", "value", "style", "accessibility_label", "url"})
    elif kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            yield from button(item.get(name) or {}, {"text", "value", "accessibility_label"})
        if set(item) != {"type", "action_id", "positive_button", "negative_button"}:
            yield f"fields {set(item)}"
    else:
        options = item.get("options") or []
        yield from text_object(item.get("placeholder"), 150, plain=True)
        if not 1 <= len(options) <= 100:
            yield f"{len(options)} options of 1 to 100"
        for option in options:
            yield from text_object(option.get("text"), 75, plain=True)
            if not 0 < len(option.get("value", "")) <= 150:
                yield f"option value of {len(option.get('value', ''))} characters of 1 to 150"


def button(item: Block, fields: set[str]) -> Iterator[str]:
    yield from text_object(item.get("text"), 75, plain=True)
    if not 0 < len(item.get("value", "")) <= 2000:
        yield f"value of {len(item.get('value', ''))} characters of 1 to 2,000"
    if not 0 < len(item.get("accessibility_label", "x")) <= 75:
        yield "accessibility_label of more than 75 characters"
    if item.get("style", "primary") not in ("primary", "danger"):
        yield f"style {item['style']}"
    if set(item) - fields:
        yield f"unknown fields {set(item) - fields}"


def table(block: Block) -> Iterator[str]:
    rows, settings = block.get("rows") or [], block.get("column_settings") or []
    if not 1 <= len(rows) <= 100:
        yield f"{len(rows)} rows of 1 to 100"
    if len({len(row) for row in rows}) > 1 or not all(1 <= len(row) <= 20 for row in rows):
        yield "1 to 20 cells a row, the same number in each"
    if len(settings) > 20:
        yield f"{len(settings)} column settings of 20"
    for setting in settings:
        if set(setting) - {"align", "is_wrapped"} or setting.get("align") not in ("left", "center", "right"):
            yield f"column setting {setting}"
    texts = [text for row in rows for cell in row for text in cell_texts(cell)]
    if not all(texts):
        yield "an empty cell: must be more than 0 characters"
    if sum(map(len, texts)) > 10_000:
        yield f"{sum(map(len, texts))} characters of 10,000"


def cell_texts(cell: Block) -> list[str]:
    """The texts of a cell; an empty one stands for whatever is wrong."""
    if cell.get("type") == "raw_text":
        return [cell.get("text", "")]
    if cell.get("type") != "rich_text" or not cell.get("elements"):
        return [""]
    parts = [part for group in cell["elements"] for part in group.get("elements") or [{}] if group.get("type") == "rich_text_section"]
    return [part.get("text", "") if part.get("type") in ("text", "link") else "" for part in parts] or [""]


def text_object(item: Any, most: int, plain: bool = False) -> Iterator[str]:
    if not isinstance(item, dict) or item.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        yield f"no text object: {item}"
        return
    text = item.get("text", "")
    if not text.strip() or len(text) > most:
        yield f"{len(text)} characters of 1 to {most}"
    if set(item) - {"type", "text", "emoji" if item["type"] == "plain_text" else "verbatim"}:
        yield f"unknown fields in {item}"
    if item["type"] == "mrkdwn":
        yield from escaping_faults(text)


def escaping_faults(text: str) -> list[str]:
    """Control characters of mrkdwn that are neither escaped nor markup."""
    rest = MARKUP.sub("", text)
    return [f"unescaped {sign} in {text[:80]!r}" for sign in "&<>" if sign in rest]


CHECKS = {
    "header": header,
    "section": section,
    "context": context,
    "actions": actions,
    "context_actions": context_actions,
    "divider": lambda block: iter(()),
    "table": table,
}
