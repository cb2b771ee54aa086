"""A card as Block Kit, for Slack: blocks, the text that goes with them, and text alone where Slack takes no blocks. Every limit is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rolewise.cards import Card, CardSource, CardTable, Suggestion
from rolewise.render.figures import Chart, bars, charts, values
from rolewise.render.mrkdwn import FENCE, bold_object, escape, fenced, fit, link, plain_text, shorten, text_object

Block = dict[str, Any]

# The limits that Slack publishes, in characters and items; docs/slack.md says where.
MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_TEXT = 3000
MAX_CONTEXT = 10
MAX_BUTTONS = 25
MAX_BUTTON_TITLE = 75
MAX_BUTTON_VALUE = 2000
MAX_ROWS = 100
MAX_COLUMNS = 20
# Of the 10,000 characters of all cells, so that the rest of the answer has room beside them; and cells, as each press sends them back.
TABLE_ROOM, TABLE_CELLS = 7000, 200
MAX_BLOCK_ID = 255
MAX_URL = 2000
# Not published: `msg_blocks_too_long` was seen from about 13,000 characters in all blocks of a message on.
MAX_ALL = 12_000
# A message's text may have 40,000; from 4,000 on Slack advises against it.
MAX_MESSAGE = 3900

# Action ids, which Slack sends back; a button's is followed by its number.
ASK = "ask_"
SHARE = "share"
RATE = "rate"
# Between the parts of a block id or of a rating's value.
SEPARATOR = "|"

# Columns of bars of text: what a telephone shows without a break.
BARS_WIDTH = 40

# More sources than this are named in short, else they are longer than the answer.
MAX_SOURCE_LINES = 8

TITLED = ("answer", "comparison", "menu")
RATED = ("answer", "comparison")
NOTHING = "–"


def render(
    card: Card, tag: str = "", pressed: Iterable[str] = (), edition: int = 0, share: bool = False, shared_by: str = ""
) -> list[Block]:
    """The blocks of a card.

    Args:
        card: the card.
        tag: names the answer; it comes back when a button is pressed.
        pressed: payloads of suggestions that were pressed already; they are marked.
        edition: how many times the message was changed: Slack wants other block ids each time.
        share: a button that shows the answer to all.
        shared_by: the id of the person who did that.
    """
    top, body = (
        [*_shared(shared_by), *_header(card)],
        [*_lead(card), *_figures(card), *_table(card), *_points(card), *_caveat(card), *_sources(card)],
    )
    bottom = [*_buttons(card, tag, pressed, edition, share), *_rating(card, tag)]
    room = MAX_ALL - _weight([*top, *bottom])
    blocks = [*top, *_fitting(body, MAX_BLOCKS - len(top) - len(bottom), room), *bottom]
    return blocks or [{"type": "section", "text": plain_text(NOTHING, MAX_TEXT)}]


def summary(card: Card) -> str:
    """What is read aloud and shown in notifications beside the blocks: the complete short answer, without sources."""
    return fit("\n\n".join(_short(card)).strip(), MAX_MESSAGE) or NOTHING


def plain(card: Card) -> str:
    """The whole card as one message without blocks; suggestions are numbered, and a number can be typed."""
    heading = "Choose one (type the number or your own words):" if card.kind == "clarify" else "You can ask next (type the number):"
    numbered = [f"{number}. {_line(item.title)}" for number, item in enumerate(card.suggestions, 1)]
    parts = [*_short(card), *(["\n".join([heading, *numbered])] if numbered else [])]
    text = fit("\n\n".join(parts).strip(), MAX_MESSAGE) or NOTHING
    lines = ["\n\n*Sources*", *(f"\n• {_source(source)}" for source in card.sources)] if card.sources else []
    for number, line in enumerate(lines):
        if len(text) + len(line) > MAX_MESSAGE:
            return text + (f"\n• and {len(lines) - number} more" if number > 1 else "")
        text += line
    return text


def _short(card: Card) -> Iterator[str]:
    if card.title and card.kind in TITLED:
        yield _line(card.title)
    if card.lead.strip():
        yield card.lead.strip()
    for chart in charts(card.figures):
        yield "\n".join([_line(chart.caption), *(f"• {_line(figure.label)}: {_line(values(figure, chart))}" for figure in chart.figures)])
    if card.table:
        yield from _rows_as_text(card.table)
    if card.points:
        yield "\n".join(f"• {_line(point)}" for point in card.points)
    if card.caveat:
        yield f"Note: {_line(card.caveat)}"


# -- the blocks of a card, from top to bottom -------------------------------------------------------------------------------------


def _shared(user: str) -> list[Block]:
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": f"Shared by <@{user}>"}]}] if user else []


def _header(card: Card) -> list[Block]:
    title = _line(card.title)
    return [{"type": "header", "text": plain_text(title, MAX_HEADER)}] if title and card.kind in TITLED else []


def _lead(card: Card) -> Iterator[Block]:
    yield from _sections([card.lead.strip()])


def _points(card: Card) -> Iterator[Block]:
    yield from _sections([f"• {_line(point)}" for point in card.points if point.strip()])


def _caveat(card: Card) -> Iterator[Block]:
    caveat = _line(card.caveat or "")
    if caveat:
        yield {"type": "section", "text": text_object(caveat, MAX_TEXT, label="Note:")}


def _figures(card: Card) -> Iterator[Block]:
    """Charts as bars of text, in a typeface whose letters are all of one width."""
    for chart in charts(card.figures):
        yield {"type": "section", "text": bold_object(_line(chart.caption), MAX_TEXT)}
        if chart.legend:
            yield {"type": "context", "elements": [{"type": "mrkdwn", "text": escape(chart.legend), "verbatim": True}]}
        yield from ({"type": "section", "text": fenced(text, MAX_TEXT)} for text in _barred(chart))


def _barred(chart: Chart) -> Iterator[str]:
    """The bars of a chart, in as few texts as Slack takes; no row is torn."""
    text = ""
    for figure in chart.figures:
        row = "\n".join(bars(replace(chart, figures=(figure,)), BARS_WIDTH))
        if text and len(escape(f"{text}\n{row}")) > MAX_TEXT - 2 * len(FENCE):
            yield text
            text = row
        else:
            text = f"{text}\n{row}" if text else row
    yield text


def _table(card: Card) -> Iterator[Block]:
    """The caption and a table block; lines of text where a table block cannot hold the table."""
    if not card.table or not card.table.columns:
        return
    caption = _line(card.table.caption)
    if caption:
        yield {"type": "section", "text": bold_object(caption, MAX_TEXT)}
    width = len(card.table.columns)
    rows = [[_line(cell) or NOTHING for cell in [*row, *[""] * width][:width]] for row in [card.table.columns, *card.table.rows]]
    characters = sum(len(cell) for row in rows for cell in row)
    if width > MAX_COLUMNS or len(rows) > MAX_ROWS or characters > TABLE_ROOM or width * len(rows) > TABLE_CELLS:
        yield from _sections(_rows_as_text(card.table))
        return
    if rows[0][0] == NOTHING:
        # The corner is empty to the eye. Slack refuses a cell without a character.
        rows[0][0] = " "
    cells = [[_cell(cell, bold=number == 0 or column == 0) for column, cell in enumerate(row)] for number, row in enumerate(rows)]
    # Without a setting a long cell is cut off.
    yield {"type": "table", "rows": cells, "column_settings": [{"align": "left", "is_wrapped": True}] * width}


def _cell(text: str, bold: bool) -> Block:
    part: Block = {"type": "text", "text": text}
    if bold and text.strip(f" {NOTHING}"):
        part["style"] = {"bold": True}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [part]}]}


def _rows_as_text(table: CardTable) -> list[str]:
    """A table row by row, each cell with its column's name: readable aloud and on a narrow screen, without a table."""
    texts = []
    for row in table.rows:
        cells = [
            f"• {_line(column)}: {_line(cell)}" if column.strip() else f"• {_line(cell)}"
            for column, cell in zip(table.columns[1:], row[1:], strict=False)
            if cell.strip()
        ]
        texts.append("\n".join([_line(row[0]) if row else "", *cells]).strip())
    return texts


def _sources(card: Card) -> Iterator[Block]:
    if not card.sources:
        return
    lines = ["*Sources*", *map(_source, card.sources)]
    if len(card.sources) > MAX_SOURCE_LINES:
        lines = ["*Sources*", *_joined(map(_source_in_short, card.sources), " · ")]
    elements = [{"type": "mrkdwn", "text": text, "verbatim": True} for text in _joined(lines)]
    for start in range(0, len(elements), MAX_CONTEXT):
        yield {"type": "context", "elements": elements[start : start + MAX_CONTEXT]}


def _source(source: CardSource) -> str:
    """One source as mrkdwn, its title a link: in small print, so that a formatting character in a title costs nothing but looks."""
    year = str(source.year) if source.year else "undated"
    label, publisher = shorten(source.title, 300), escape(shorten(_line(source.publisher), 200))
    url = source.url if source.url and len(source.url) <= MAX_URL else None
    return f"[{escape(source.id)}] {link(url, label)}, {publisher}, {year}"


def _source_in_short(source: CardSource) -> str:
    """A source among many, its id a link; "where is that from?" gives their titles."""
    year = str(source.year) if source.year else "undated"
    url = source.url if source.url and len(source.url) <= MAX_URL else None
    return f"{link(url, source.id)} {escape(shorten(_line(source.publisher), 200))}, {year}"


def _buttons(card: Card, tag: str, pressed: Iterable[str], edition: int, share: bool) -> list[Block]:
    marked = set(pressed)
    fitting = [item for item in card.suggestions if item.title.strip() and 0 < len(item.payload) <= MAX_BUTTON_VALUE]
    buttons = [_button(number, item, item.payload in marked) for number, item in enumerate(fitting[: MAX_BUTTONS - share])]
    if share:
        text = plain_text("Share with the channel", MAX_BUTTON_TITLE)
        buttons.append({"type": "button", "action_id": SHARE, "text": text, "value": shorten(tag, MAX_BUTTON_VALUE) or NOTHING})
    block_id = f"{ASK}{SEPARATOR}{tag}{SEPARATOR}{edition}"[:MAX_BLOCK_ID]
    return [{"type": "actions", "block_id": block_id, "elements": buttons}] if buttons else []


def _button(number: int, item: Suggestion, pressed: bool) -> Block:
    title = _line(item.title)
    button = {
        "type": "button",
        "action_id": f"{ASK}{number}",
        "text": plain_text(f"✓ {title}" if pressed else title, MAX_BUTTON_TITLE),
        "value": item.payload,
    }
    if pressed:
        button["style"] = "primary"
        button["accessibility_label"] = shorten(f"Asked: {title}", MAX_BUTTON_TITLE)
    return button


def _rating(card: Card, tag: str) -> list[Block]:
    """Feedback buttons under what can be rated."""
    if card.kind not in RATED or not card.answer_id:
        return []
    values = {word: SEPARATOR.join((word, card.answer_id, tag)) for word in ("up", "down")}
    if max(map(len, values.values())) > MAX_BUTTON_VALUE:
        return []
    buttons = {
        "positive_button": {
            "text": plain_text("Helpful", MAX_BUTTON_TITLE),
            "accessibility_label": "This answer helped",
            "value": values["up"],
        },
        "negative_button": {
            "text": plain_text("Not helpful", MAX_BUTTON_TITLE),
            "accessibility_label": "This answer did not help",
            "value": values["down"],
        },
    }
    return [{"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": RATE, **buttons}]}]


# -- keeping the limits -----------------------------------------------------------------------------------------------------------


def _sections(texts: Iterable[str]) -> Iterator[Block]:
    """Section blocks, as few as hold the texts, one text a line."""
    group: list[str] = []
    for text in filter(None, texts):
        if group and len(escape("\n".join([*group, text]))) > MAX_TEXT:
            yield {"type": "section", "text": text_object("\n".join(group), MAX_TEXT)}
            group = []
        group.append(text)
    if group:
        yield {"type": "section", "text": text_object("\n".join(group), MAX_TEXT)}


def _joined(lines: Iterable[str], separator: str = "\n") -> list[str]:
    """Lines of mrkdwn joined to texts of at most :data:`MAX_TEXT` characters; a longer one is left out, as a link cannot be cut."""
    texts: list[str] = []
    for line in (line for line in lines if len(line) <= MAX_TEXT):
        if texts and len(texts[-1]) + len(separator) + len(line) <= MAX_TEXT:
            texts[-1] += separator + line
        else:
            texts.append(line)
    return texts


def _fitting(blocks: list[Block], count: int, room: int) -> list[Block]:
    """The blocks from the top on for which there is room; a section that does not fit any more is cut, and ends the message."""
    kept: list[Block] = []
    for block in blocks:
        weight = _weight([block])
        if len(kept) == count:
            break
        if weight > room:
            # Bars cut off would leave the fence open.
            if block["type"] == "section" and room > MAX_BUTTON_TITLE and not block["text"]["text"].startswith(FENCE):
                kept.append({"type": "section", "text": {**block["text"], "text": _cut(block["text"]["text"], room)}})
            break
        kept.append(block)
        room -= weight
    return kept


def _cut(written: str, limit: int) -> str:
    """An escaped text cut to a length, without half an escaped character at its end."""
    return re.sub(r"&[a-z]{0,3}(?=…$)", "", shorten(written, limit))


def _weight(value: Any) -> int:
    """The characters in all texts of blocks."""
    if isinstance(value, dict):
        return sum(len(item) if key in ("text", "value") and isinstance(item, str) else _weight(item) for key, item in value.items())
    return sum(map(_weight, value)) if isinstance(value, list) else 0


def _line(text: str) -> str:
    """A text on one line, without spaces at its ends."""
    return " ".join(text.split())
