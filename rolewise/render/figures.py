"""A card's figures as charts: in words, as bars of text, and as SVG for a page. The widget draws the same by itself (``figures.js``)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup, escape

from rolewise import wording
from rolewise.cards import CardFigure

SIGNS = {"USD": "$", "GBP": "£", "INR": "₹", "EUR": "€"}

# Bars of text: their longest line, and what they are made of.
LONGEST_BAR = 60
START, LINE, MIDDLE, END, FULL = "├", "─", "┼", "┤", "■"

# SVG, in its own units: how wide the whole is, how high a row, one without a bar, and a bar.
WIDTH, ROW, EMPTY_ROW, BAR = 320, 62, 44, 12


@dataclass(frozen=True)
class Chart:
    """Figures of one unit, country and period, drawn on one scale.

    Attributes:
        caption: what is drawn, without a full stop.
        legend: how to read a bar; None where that needs no words.
        figures: the rows.
        official: whether every figure is official.
        start, end: the scale; zero is always on it.
    """

    caption: str
    legend: str | None
    figures: tuple[CardFigure, ...]
    official: bool
    start: float
    end: float

    def at(self, value: float, width: float) -> float:
        """Where a value stands on a scale of this width."""
        return (value - self.start) / (self.end - self.start) * width

    def columns(self) -> list[str]:
        """The heads of the columns of the same as a table, behind the one that names the row."""
        return list(wording.RANGE_COLUMNS) if self.legend else [wording.VALUE_COLUMN]

    def rows(self) -> list[list[str]]:
        """The same as a table: the name, then a cell a column."""
        return [[figure.label, *self._cells(figure)] for figure in self.figures]

    def _cells(self, figure: CardFigure) -> list[str]:
        numbers = [figure.low, figure.middle, figure.high] if self.legend else [figure.middle]
        return [wording.NO_OFFICIAL_FIGURE if number is None else short(number, figure.unit) for number in numbers]


def charts(figures: Iterable[CardFigure]) -> list[Chart]:
    """The charts of a card."""
    groups: dict[tuple[str, str, str], list[CardFigure]] = {}
    for figure in figures:
        groups.setdefault((figure.unit, figure.country, figure.period), []).append(figure)
    return [_chart(group) for group in groups.values() if any(map(numbers, group))]


def _chart(group: list[CardFigure]) -> Chart:
    first = group[0]
    official = all(figure.official for figure in group if numbers(figure))
    about = ", ".join(filter(None, (first.country, first.period, wording.OFFICIAL if official else "")))
    ranged = any(figure.low is not None or figure.high is not None for figure in group)
    found = [0.0, *(number for figure in group for number in numbers(figure))]
    start, end = min(found), max(found)
    caption = f"{first.unit[:1].upper()}{first.unit[1:]} ({about})"
    return Chart(caption, wording.RANGE_LEGEND if ranged else None, tuple(group), official, start, end if end > start else start + 1)


def numbers(figure: CardFigure) -> list[float]:
    """The numbers of a figure, the lowest first."""
    return sorted(number for number in (figure.low, figure.middle, figure.high) if number is not None)


def amount(value: float, unit: str) -> str:
    """A number with its unit: ``$112,590 a year``, ``34%``, ``82,500 jobs``."""
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    for code, sign in SIGNS.items():
        if unit.startswith(code):
            return f"{sign}{number}{unit[len(code) :]}"
    return f"{number}%" if unit.startswith("percent") else f"{number} {unit}"


def short(value: float, unit: str) -> str:
    """The number alone, where the caption names the period it is paid for."""
    return amount(value, unit).removesuffix(" a year")


def values(figure: CardFigure, chart: Chart) -> str:
    """A figure in words: ``$82,460 to $214,670, median $135,980``."""
    found = numbers(figure)
    if not found:
        return wording.NO_OFFICIAL_FIGURE
    words = " to ".join(short(number, figure.unit) for number in dict.fromkeys((found[0], found[-1])))
    if len(found) > 2:
        words += f", median {short(found[1], figure.unit)}"
    return words if figure.official or chart.official else f"{words}, {wording.NOT_OFFICIAL}"


def bars(chart: Chart, width: int) -> list[str]:
    """Two lines a figure, the words and under them the bar, at most ``width`` columns."""
    lines: list[str] = []
    for figure in chart.figures:
        lines += textwrap.wrap(f"{figure.label}: {values(figure, chart)}", width, break_long_words=True, break_on_hyphens=False)
        if numbers(figure):
            lines.append(_bar(chart, figure, min(width, LONGEST_BAR)))
    return lines


def _bar(chart: Chart, figure: CardFigure, width: int) -> str:
    places = [round(chart.at(number, width - 1)) for number in numbers(figure)]
    if len(places) == 1:
        zero = round(chart.at(0, width - 1))
        first, last = sorted((zero, places[0]))
        return " " * first + FULL * max(last - first, 1)
    first, last = places[0], places[-1]
    line = START + LINE * max(last - first - 1, 0) + END
    if len(places) > 2:
        line = line[: places[1] - first] + MIDDLE + line[places[1] - first + 1 :]
    return " " * first + line


def svg(chart: Chart, identity: str) -> Markup:
    """A chart as an image for everybody: named, described, its values as text.

    Args:
        chart: what is drawn.
        identity: the start of its ids, once on the page.
    """
    tops = list(accumulate((ROW if numbers(figure) else EMPTY_ROW for figure in chart.figures), initial=0))
    rows = Markup().join(_row(chart, figure, top) for figure, top in zip(chart.figures, tops, strict=False))
    described = " ".join(filter(None, ["; ".join(f"{one.label}: {values(one, chart)}" for one in chart.figures) + ".", chart.legend]))
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-title" aria-describedby="{id}-desc">'
        '<title id="{id}-title">{title}</title><desc id="{id}-desc">{desc}</desc>{rows}</svg>'
    ).format(width=WIDTH, height=tops[-1], id=identity, title=chart.caption, desc=described, rows=rows)


def _row(chart: Chart, figure: CardFigure, top: int) -> Markup:
    found = [chart.at(number, WIDTH) for number in numbers(figure)]
    shapes = Markup()
    if found:
        low, high = sorted((chart.at(0, WIDTH), found[0])) if len(found) == 1 else (found[0], found[-1])
        shapes += _rect("track", 0, top + 27, WIDTH, 2) + _rect("range", low, top + 22, max(high - low, 2), BAR)
    if len(found) > 2:
        shapes += _rect("median", min(max(found[1] - 1.5, 0), WIDTH - 3), top + 19, 3, BAR + 6)
    words = '<text class="name" x="0" y="{first}">{name}</text><text x="0" y="{second}">{values}</text>'
    return (
        Markup(words).format(first=top + 14, name=figure.label, second=top + (51 if found else 33), values=values(figure, chart)) + shapes
    )


def _rect(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    text = f'<rect class="{kind}" x="{x:.4g}" y="{y}" width="{width:.4g}" height="{height}"/>'
    return Markup(text)


def figure_table(chart: Chart) -> Markup:
    """The same as an HTML table."""
    heads = Markup().join(Markup('<th scope="col">{}</th>').format(name) for name in chart.columns())
    rows = Markup().join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(row[0], Markup().join(Markup("<td>{}</td>").format(cell) for cell in row[1:]))
        for row in chart.rows()
    )
    caption = escape(chart.caption)
    return Markup("<table><caption>{}</caption><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table>").format(caption, heads, rows)
