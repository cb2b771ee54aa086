"""The knowledge as a page to read: every question with its answer and sources, anchors for all, and schema.org's FAQPage.

It needs no script. With one, each answer has a button that asks the widget on the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rolewise.answers.compose import Answers, capital
from rolewise.cards import Card
from rolewise.knowledge import Knowledge
from rolewise.questions import COMPARE, OVERALL, Question

HERE = Path(__file__).resolve().parent
# Sets of roles that are compared: pairs, and all together.
PAIR = 2


@dataclass(frozen=True)
class Item:
    """A question with its answer.

    Attributes:
        anchor: its place on the page: ``salary-mle``, ``salary`` in general, ``compare-mle-swe``.
        question: the question.
        card: the whole answer.
        following: the anchors and titles of what people ask next.
    """

    anchor: str
    question: Question
    card: Card
    following: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """The questions of one topic."""

    anchor: str
    title: str
    items: tuple[Item, ...]


def anchor(question: Question) -> str:
    """Where a question stands on the page; each of its parts is an id of the knowledge, so nothing needs escaping."""
    return "-".join([question.topic, *(question.roles or ("general",))])


def sections(knowledge: Knowledge) -> Iterator[Section]:
    """Every topic with the questions that it answers, in the order of the knowledge file; comparisons last."""
    answers = Answers(knowledge)
    for topic_id, topic in knowledge.topics.items():
        if topic_id == COMPARE:
            continue
        questions = [Question(topic_id)] if topic.general else []
        questions += [Question(topic_id, (role,)) for role in knowledge.roles]
        yield Section(topic_id, str(topic.title), tuple(_item(answers, question) for question in questions))
    sets = [*combinations(knowledge.roles, PAIR), *([tuple(knowledge.roles)] if len(knowledge.roles) > PAIR else [])]
    if COMPARE in knowledge.topics and sets:
        compared = tuple(_item(answers, Question(COMPARE, tuple(roles), OVERALL)) for roles in sets)
        yield Section(COMPARE, str(knowledge.topics[COMPARE].title), compared)


def _item(answers: Answers, question: Question) -> Item:
    topics = answers.knowledge.topics
    role = question.roles[:1]
    following = [Question(topic, role) for topic in topics[question.topic].next if topic != COMPARE]
    known = [(anchor(one), answers.title(one)) for one in following if answers.knows(one)]
    return Item(anchor(question), question, answers.card([question], "faq", shown="full"), tuple(known[:3]))


def page(knowledge: Knowledge) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["capital"] = capital
    found = list(sections(knowledge))
    text: str = environment.get_template("faq.html").render(
        knowledge=knowledge, sections=found, data=embedded(structured(found)), scope=Answers(knowledge).scoped("{careers}")
    )
    return text


def structured(found: list[Section]) -> dict[str, Any]:
    """The questions and answers as schema.org has them."""
    return {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "mainEntity": [
            {"@type": "Question", "name": item.card.title, "acceptedAnswer": {"@type": "Answer", "text": _plain(item.card)}}
            for section in found
            for item in section.items
        ],
    }


def _plain(card: Card) -> str:
    return " ".join(part for part in (card.lead, *card.points, card.caveat) if part)


def embedded(data: dict[str, Any]) -> Markup:
    """JSON that can stand in a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
