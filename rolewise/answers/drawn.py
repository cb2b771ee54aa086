"""Which figures of the knowledge a card draws: official pay from the 10th to the 90th percentile, and growth. Not how they look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rolewise import wording
from rolewise.cards import CardFigure
from rolewise.knowledge import Figure, Knowledge
from rolewise.questions import Question

# The country whose official statistics know the roles; drawn where no other was asked about.
HOME = "US"

Found = tuple[CardFigure, list[str]]
Finder = Callable[[Knowledge, str, str], "Found | None"]


def drawn(knowledge: Knowledge, question: Question) -> tuple[list[CardFigure], list[str]]:
    """What to draw for a question: a figure a role, empty ones for roles without official numbers.

    Returns:
        The figures and the ids of their sources; none where no role has numbers, and for what is more special than a topic and a place.
    """
    find = FINDERS.get(question.topic)
    if find is None or question.subjects or question.level:
        return [], []
    roles = question.roles or tuple(knowledge.roles)
    found = {role: find(knowledge, role, question.country or HOME) for role in roles}
    some = next((item for item in found.values() if item), None)
    if some is None:
        return [], []
    empty = {"low": None, "middle": None, "high": None, "official": False}
    figures = [item[0] if item else some[0].copy(update={**empty, "label": _name(knowledge, role)}) for role, item in found.items()]
    return figures, [source for item in found.values() if item for source in item[1]]


def _official(knowledge: Knowledge, role: str, topic: str, country: str) -> list[Figure]:
    entry = knowledge.roles[role].answers.get(topic)
    return [figure for figure in entry.figures if figure.kind == "official" and figure.country == country] if entry else []


def pay(knowledge: Knowledge, role: str, country: str) -> Found | None:
    """The pay of a role: 10th percentile, median and 90th percentile of one edition; the latest stands first in the knowledge."""
    figures = [figure for figure in _official(knowledge, role, "salary", country) if "a year" in figure.unit]
    low = next((figure for figure in figures if figure.level == "p10"), None)
    if low is None:
        return None
    edition = [figure for figure in figures if (figure.period, figure.unit) == (low.period, low.unit)]
    middle = next((figure for figure in edition if figure.level == "all" and "median" in figure.label.lower()), None)
    high = next((figure for figure in edition if figure.level == "p90"), None)
    if middle is None or high is None:
        return None
    low_value, middle_value, high_value = (_number(figure) for figure in (low, middle, high))
    figure = CardFigure(
        label=_name(knowledge, role),
        unit=low.unit,
        low=low_value,
        middle=middle_value,
        high=high_value,
        country=country,
        period=low.period,
        official=True,
    )
    return figure, [source for part in (low, middle, high) for source in part.sources]


def growth(knowledge: Knowledge, role: str, country: str) -> Found | None:
    """The projected growth of a role's employment.

    A figure that other roles have, too, is of all jobs: it stands in the knowledge for comparison, and is no figure of this role.
    """
    others = [figure for other in knowledge.roles if other != role for figure in _growing(knowledge, other, country)]
    shared = {(figure.value, figure.period) for figure in others}
    own = next((figure for figure in _growing(knowledge, role, country) if (figure.value, figure.period) not in shared), None)
    if own is None:
        return None
    unit = wording.PERCENT_GROWTH
    figure = CardFigure(label=_name(knowledge, role), unit=unit, middle=_number(own), country=country, period=own.period, official=True)
    return figure, list(own.sources)


def _growing(knowledge: Knowledge, role: str, country: str) -> Iterator[Figure]:
    for figure in _official(knowledge, role, "demand", country):
        if figure.unit == "percent" and "growth" in figure.label.lower() and not isinstance(figure.value, Sequence):
            yield figure


def _number(figure: Figure) -> float:
    return float(figure.value[0] if isinstance(figure.value, tuple) else figure.value)


def _name(knowledge: Knowledge, role: str) -> str:
    name = str(knowledge.roles[role].name)
    return name[:1].upper() + name[1:]


FINDERS: dict[str, Finder] = {"salary": pay, "demand": growth}
