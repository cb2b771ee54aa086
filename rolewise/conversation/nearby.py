"""The specific questions to offer beside the broad ones: subjects of a topic that fit the roles. What was asked is not known here."""

from __future__ import annotations

from collections.abc import Iterator

from rolewise.answers.compose import Answers
from rolewise.knowledge import Subject
from rolewise.questions import Question

# The longest title of a suggestion, in characters: longer ones are no buttons.
MAX_TITLE = 80


def nearby(answers: Answers, topic: str, roles: tuple[str, ...]) -> Iterator[Question]:
    """Questions about subjects of a topic, those first that belong to it foremost and of which most is known for the roles."""
    fitting = [(subject, _facts(subject, roles)) for subject in answers.knowledge.subjects if topic in subject.topics]
    best = sorted(fitting, key=lambda pair: (pair[0].topics[0] != topic, -pair[1]))
    for subject, facts in best:
        # What no fact tells apart by role is not asked of several.
        named = {role for fact in subject.facts for role in fact.roles}
        question = Question(topic, roles if len(roles) == 1 or named.issuperset(roles) else (), subjects=(str(subject.id),))
        if facts and len(answers.title(question)) <= MAX_TITLE:
            yield question


def _facts(subject: Subject, roles: tuple[str, ...]) -> int:
    """How many facts hold for all of the roles."""
    return sum(1 for fact in subject.facts if not fact.roles or set(roles) <= set(fact.roles))
