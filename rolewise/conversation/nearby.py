"""The specific questions to offer beside the broad ones: those nearest to what was said, and subjects of a topic that fit the roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rolewise.answers.compose import Answers
from rolewise.questions import Evidence, Question

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


def nearest(answers: Answers, evidence: Iterable[Evidence], roles: tuple[str, ...]) -> Iterator[Question]:
    """Questions about the subjects of the claims nearest to a message, in their order; none in the words of a topic's own question."""
    for question in answers.nearest_questions(evidence, roles):
        title = answers.title(question)
        if len(title) <= MAX_TITLE and title != answers.title(Question(question.topic, question.roles)):
            yield question
