"""Charts as SVG that stands inside a page: colours and fonts are the page's own, so that they follow light and dark.

Each has a name for screen readers, a title on every mark, and nothing that runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

# In the units of the picture: as wide as its place on the page, so that its words are as large as the page's. HALF stands beside another.
WIDTH, HALF = 1100.0, 540.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 12.0, 24.0


@dataclass(frozen=True)
class Series:
    """The values of one kind, a value a column; ``style`` is its class in the page's style sheet."""

    name: str
    style: str
    values: Sequence[float]


def columns(
    name: str, labels: Sequence[str], series: Sequence[Series], height: float = 240.0, every: int = 1, width: float = WIDTH
) -> Markup:
    """Columns stacked by kind.

    Args:
        name: what the chart shows.
        labels: one a column.
        series: the kinds, the lowest first.
        height: of the picture.
        every: how many columns there are from one label to the next.
        width: of the picture.
    """
    count = max(1, len(labels))
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    top = nice(max(totals, default=1.0) or 1.0)
    wide, high = (width - LEFT - RIGHT) / count, height - TOP - BOTTOM
    parts = [_grid(top, width, height)]
    for at, label in enumerate(labels):
        x, y = LEFT + at * wide, height - BOTTOM
        told = [
            f"{label}: {totals[at]:,.0f}",
            *(f"{one.name} {one.values[at]:,.0f}" for one in series if len(series) > 1 and one.values[at]),
        ]
        marks = []
        for one in series:
            size = high * one.values[at] / top
            y -= size
            if size > 0:
                marks.append(_rect(x + wide * 0.12, y, wide * 0.76, size, one.style))
        parts.append(Markup("<g>{}{}</g>").format(_title("\n".join(told)), Markup("").join(marks)))
        if at % every == 0:
            parts.append(_text(x + wide / 2, height - 7, label, "middle"))
    return _svg(name, width, height, parts)


def heat(
    name: str, rows: Sequence[str], head: Sequence[str], values: Sequence[Sequence[float]], left: float = 44.0, every: int = 1
) -> Markup:
    """A field a cell, the darker the more."""
    most = max((value for row in values for value in row), default=0.0) or 1.0
    wide, high = (HALF - left - RIGHT) / max(1, len(head)), 25.0
    parts = []
    for down, row in enumerate(values):
        parts.append(_text(left - 8, 16 + down * high, rows[down], "end"))
        for across, value in enumerate(row):
            cell = _rect(
                left + across * wide + 1, down * high + 1, wide - 2, high - 2, "heat", f"fill-opacity:{0.06 + 0.94 * value / most:.3f}"
            )
            parts.append(Markup("<g>{}{}</g>").format(_title(f"{rows[down]} {head[across]}: {value:,.0f}"), cell))
    foot = len(rows) * high + 16
    parts += [_text(left + (at + 0.5) * wide, foot, label, "middle") for at, label in enumerate(head) if at % every == 0]
    return _svg(name, HALF, foot + 6, parts)


def bars(name: str, labels: Sequence[str], series: Sequence[Series], notes: Sequence[str], left: float = 190.0) -> Markup:
    """Bars that lie, stacked by kind, a note at the end of each."""
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    room, high = WIDTH - left - 110, 27.0
    most = max(totals, default=1.0) or 1.0
    parts = []
    for at, label in enumerate(labels):
        x, y = left, at * high + 3
        marks = []
        for one in series:
            size = room * one.values[at] / most
            if size > 0:
                marks.append(_rect(x, y, max(size, 0.5), high - 9, one.style))
            x += size
        told = [f"{label}: {totals[at]:,.0f}", *(f"{one.name} {one.values[at]:,.0f}" for one in series if one.values[at])]
        parts += [
            _text(left - 10, y + 13, label, "end", "label"),
            Markup("<g>{}{}</g>").format(_title("\n".join(told)), Markup("").join(marks)),
            _text(x + 8, y + 13, notes[at], "start"),
        ]
    return _svg(name, WIDTH, len(labels) * high + 4, parts)


def nice(value: float) -> float:
    """A round number not below this one, for the top of a scale."""
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next(size * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if size * step >= value)


def _grid(top: float, width: float, height: float) -> Markup:
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = height - BOTTOM - share * (height - TOP - BOTTOM)
        lines.append(Markup('<line class="rule" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, width - RIGHT, y, y))
        lines.append(_text(LEFT - 8, y + 4, f"{top * share:,.0f}" if top >= 2 else f"{top * share:.1f}", "end"))
    return Markup("").join(lines)


def _svg(name: str, width: float, height: float, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">').format(width, height, name)
    return head + Markup("").join(parts) + Markup("</svg>")


def _rect(x: float, y: float, width: float, height: float, style: str, more: str = "") -> Markup:
    extra = Markup(' style="{}"').format(more) if more else Markup("")
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"{}/>').format(
        style, x, y, width, height, extra
    )


def _text(x: float, y: float, text: str, anchor: str, style: str = "tick") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(style, x, y, anchor, text)


def _title(text: str) -> Markup:
    return Markup("<title>") + escape(text) + Markup("</title>")
