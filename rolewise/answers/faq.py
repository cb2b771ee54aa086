"""The knowledge as a page to read: every question with its answer and sources, anchors for all, and schema.org's FAQPage.

Specific questions stand folded under their topic and name their sources by links to one list at the end, which keeps the page small.
It needs no script. With one, the questions can be searched, and each answer has a button that asks the widget on the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rolewise import wording
from rolewise.answers.compose import Answers, capital
from rolewise.cards import Card
from rolewise.knowledge import Knowledge, Subject
from rolewise.questions import COMPARE, OVERALL, Question
from rolewise.render.figures import Chart, charts, figure_table, svg

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

    @property
    def charts(self) -> list[tuple[Markup, Markup, Chart]]:
        """What the card draws: the image, the same as a table, and the chart."""
        found = enumerate(charts(self.card.figures), 1)
        return [(svg(chart, f"{self.anchor}-chart{number}"), figure_table(chart), chart) for number, chart in found]


@dataclass(frozen=True)
class Specific:
    """A question about a subject, with its answer.

    Attributes:
        anchor: its place on the page: ``subject-negotiation``.
        question: the question.
        card: the whole answer.
        words: other names of the subject, for the search; none that the title has.
    """

    anchor: str
    question: Question
    card: Card
    words: str


@dataclass(frozen=True)
class Section:
    """The questions of one topic, in general and specific ones."""

    anchor: str
    title: str
    items: tuple[Item, ...]
    specific: tuple[Specific, ...] = ()


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
        items = tuple(_item(answers, question) for question in questions)
        yield Section(topic_id, str(topic.title), items, _specific(answers, topic_id))
    sets = [*combinations(knowledge.roles, PAIR), *([tuple(knowledge.roles)] if len(knowledge.roles) > PAIR else [])]
    if COMPARE in knowledge.topics and sets:
        compared = tuple(_item(answers, Question(COMPARE, tuple(roles), OVERALL)) for roles in sets)
        yield Section(COMPARE, str(knowledge.topics[COMPARE].title), compared, _specific(answers, COMPARE))


def _item(answers: Answers, question: Question) -> Item:
    topics = answers.knowledge.topics
    role = question.roles[:1]
    following = [Question(topic, role) for topic in topics[question.topic].next if topic != COMPARE]
    known = [(anchor(one), answers.title(one)) for one in following if answers.knows(one)]
    return Item(anchor(question), question, answers.card([question], "faq", shown="full"), tuple(known[:3]))


def _specific(answers: Answers, topic: str) -> tuple[Specific, ...]:
    """The subjects that belong to a topic foremost."""
    found = []
    for subject in answers.knowledge.subjects:
        if subject.topics[0] == topic:
            question = Question(topic, subjects=(str(subject.id),))
            card = answers.card([question], "faq", shown="full")
            found.append(Specific(f"subject-{subject.id}", question, card, _words(subject)))
    return tuple(found)


def _words(subject: Subject) -> str:
    known = _spelled(str(subject.question))
    return " ".join(dict.fromkeys(word for name in (subject.name, *subject.aliases) for word in _spelled(str(name)) if word not in known))


def _spelled(text: str) -> list[str]:
    return re.findall(r"[\w+#.]*[\w+#]", text.lower())


def page(knowledge: Knowledge) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["capital"] = capital
    answers = Answers(knowledge)
    found = list(sections(knowledge))
    named = {source.id for section in found for one in section.specific for source in one.card.sources}
    text: str = environment.get_template("faq.html").render(
        knowledge=knowledge,
        sections=found,
        sources=answers.sources(identity for identity in knowledge.sources if identity in named),
        count=sum(len(section.specific) for section in found),
        data=embedded(structured(found)),
        scope=answers.scoped("{careers}"),
        wording=wording,
    )
    return text


def structured(found: list[Section]) -> dict[str, Any]:
    """The questions and answers as schema.org has them: those of the topics, as the specific ones would double the page."""
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
