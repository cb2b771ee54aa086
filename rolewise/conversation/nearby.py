"""The specific questions to offer beside the broad ones: subjects of a topic that fit the roles. What was asked is not known here."""

from __future__ import annotations

from collections.abc import Iterator

from rolewise.answers.compose import Answers
from rolewise.questions import Question

# The longest title of a suggestion, in characters: longer ones are no buttons.
MAX_TITLE = 80


def nearby(answers: Answers, topic: str, roles: tuple[str, ...]) -> Iterator[Question]:
    """Questions about subjects of a topic, those first that belong to it foremost and of which most is known for the roles."""
    for subject, facts in answers.knowledge.subjects_of(topic, roles):
        # What no fact tells apart by role is not asked of several.
        named = {role for fact in subject.facts for role in fact.roles}
        question = Question(topic, roles if len(roles) == 1 or named.issuperset(roles) else (), subjects=(str(subject.id),))
        if facts and len(answers.title(question)) <= MAX_TITLE:
            yield question
