"""A card as complete plain text, at most 80 columns wide, tables aligned: for the shell, screen readers and notifications."""

from __future__ import annotations

import functools
import textwrap

from rolewise import wording
from rolewise.cards import Card, CardSource, CardTable
from rolewise.render.figures import Chart, bars, charts

WIDTH = 80


def render(card: Card, numbered: bool = False) -> str:
    """Write a card as text.

    Args:
        card: the card.
        numbered: number the suggestions, for a channel without buttons where the number can be typed.

    Returns:
        Text of lines of at most 80 characters; only an address longer than that is wider, so that it can be opened.
    """
    blocks: list[str] = []
    if card.title and card.kind in ("answer", "comparison", "menu"):
        blocks.append(_wrap(card.title))
    if card.lead:
        blocks.append("\n".join(_wrap(line) for line in card.lead.split("\n")))
    blocks += [_chart(chart) for chart in charts(card.figures)]
    if card.table:
        blocks.append(table(card.table))
    if card.points:
        # Of several questions the words of one that no source answers stand among the points.
        blocks.append("\n".join((_wrap if wording.QUOTING in point else _wrap_once)(point, "- ") for point in card.points))
    if card.caveat:
        blocks.append(_wrap_once(f"Note: {card.caveat}"))
    if card.sources:
        blocks.append("\n".join(["Sources:", *(_wrap_once(source_line(source), "  ") for source in card.sources)]))
    if card.suggestions:
        heading = _heading(card, numbered)
        lines = [
            _wrap(f"{number}. {item.title}" if numbered else f"* {item.title}", "  ") for number, item in enumerate(card.suggestions, 1)
        ]
        blocks.append("\n".join([heading, *lines]))
    return "\n\n".join(blocks)


def _heading(card: Card, numbered: bool) -> str:
    if card.kind == "clarify":
        return "Choose one (type the number or your own words):" if numbered else "Choose one, or say it in your own words:"
    return "You can ask next (type the number or your own question):" if numbered else "You can ask next:"


def _chart(chart: Chart) -> str:
    heading = _wrap(" ".join(part for part in (f"{chart.caption}.", chart.legend) if part))
    return "\n".join([heading, *bars(chart, WIDTH)])


def source_line(source: CardSource) -> str:
    """One source on one line: id, title, publisher, year, address."""
    year = str(source.year) if source.year else "undated"
    return f"[{source.id}] {source.title}, {source.publisher}, {year}" + (f", {source.url}" if source.url else "")


def _wrap(text: str, prefix: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=prefix,
        subsequent_indent=" " * len(prefix),
        break_long_words="://" not in text,
        break_on_hyphens=False,
    )


@functools.lru_cache(maxsize=2048)
def _wrap_once(text: str, prefix: str = "") -> str:
    """For what comes from the knowledge and stands in many answers; never for words of a person, which are to be forgotten."""
    return _wrap(text, prefix)


def table(data: CardTable) -> str:
    """A table in aligned columns, cells wrapped so that the whole is at most 80 characters wide."""
    count = len(data.columns)
    gaps = 2 * (count - 1)
    rows = [data.columns, *data.rows]
    first = min(max(len(row[0]) for row in rows), 18)
    wanted = [max(len(row[column]) for row in rows) for column in range(1, count)]
    room = WIDTH - gaps - first
    widths = [first, *(_share(wanted, room))]
    lines = [_wrap(data.caption)] if data.caption else []
    for number, row in enumerate(rows):
        cells = [textwrap.wrap(cell, width, break_long_words=True) or [""] for cell, width in zip(row, widths, strict=False)]
        for line in range(max(map(len, cells))):
            lines.append(
                "  ".join(
                    (cell[line] if line < len(cell) else "").ljust(width) for cell, width in zip(cells, widths, strict=False)
                ).rstrip()
            )
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _share(wanted: list[int], room: int) -> list[int]:
    """Widths of at most ``room`` in all: what is wanted where it fits, an equal share for the rest."""
    widths = [0] * len(wanted)
    open_columns = list(range(len(wanted)))
    while open_columns:
        share = room // len(open_columns)
        small = [column for column in open_columns if wanted[column] <= share]
        if not small:
            for column in open_columns:
                widths[column] = share
            break
        for column in small:
            widths[column] = wanted[column]
            room -= wanted[column]
            open_columns.remove(column)
    return widths
