"""Into which questions a message is cut, and where the people of other titles come from and want to go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rolewise.knowledge import load
from rolewise.nlu import names
from rolewise.nlu.split import Piece, pieces
from rolewise.settings import settings

Cut = Callable[[str], list[Piece]]


@pytest.fixture(scope="module")
def cut() -> Cut:
    nlp = names.build(load(settings().knowledge))

    def cut(text: str) -> list[Piece]:
        doc = nlp(text)
        return pieces(doc, names.mentions(doc))

    return cut


SPLIT = {
    "what does an mle do and do i need a master's?": ["what does an mle do", "do i need a master's?"],
    "what does an mle do? how much does it pay?": ["what does an mle do?", "how much does it pay?"],
    "what does an mle do\nhow much does it pay": ["what does an mle do", "how much does it pay"],
    "skills and tools of an mle": ["skills of an mle", "tools of an mle"],
    "skills, tools and salary for data scientists": [
        "skills for data scientists",
        "tools for data scientists",
        "salary for data scientists",
    ],
    "tell me about the salary and how do i become one": ["tell me about the salary", "how do i become one"],
    "do i need a degree or is a bootcamp enough": ["do i need a degree", "is a bootcamp enough"],
    "what does a data scientist do and how much do they earn": ["what does a data scientist do", "how much do they earn"],
    "what skills do i need and where do i start": ["what skills do i need", "where do i start"],
    "is it hard and is it worth it": ["is it hard", "is it worth it"],
    "what do they do, how much do they earn, and is it stressful": [
        "what do they do",
        "how much do they earn",
        "is it stressful",
    ],
    "explain what a swe does, then compare it with a ds": ["explain what a swe does", "compare it with a ds"],
    "salary & degree for mle": ["salary for mle", "degree for mle"],
    "can i work remotely and what are the hours": ["can i work remotely", "what are the hours"],
    "salary? degree?": ["salary?", "degree?"],
    "two things on data scientists: what do they earn, and do they need a degree?": [
        "two things on data scientists:",
        "what do they earn",
        "do they need a degree?",
    ],
    "pros and cons of being a swe": ["pros of being a swe", "cons of being a swe"],
    "what is the salary and the job market for a ds and what are the hours": [
        "what is the salary for a ds",
        "what is the job market for a ds",
        "what are the hours",
    ],
}


@pytest.mark.parametrize("text", SPLIT)
def test_split(cut: Cut, text: str) -> None:
    whole, *parts = cut(text)
    assert whole.text == text
    assert whole.kind == "whole"
    assert [part.text for part in parts] == SPLIT[text]


@pytest.mark.parametrize(
    "text",
    [
        "what does a ds do",
        "salary of ds and mle",
        "what is the difference between a data scientist and a software engineer",
        "which is better, mle or ds?",
        "what is it like to be a developer who works from home",
        "do mles use python and sql",
        "how do i know whether i should be a ds or mle",
        "i am worried because i have no degree and i want to know if that matters",
        "does the job involve research and development",
        "changing to software engineering: is a degree needed?",
        "mle vs swe vs ds",
        "",
        "?!",
    ],
)
def test_not_split(cut: Cut, text: str) -> None:
    found = cut(text)
    assert [(piece.text, piece.kind) for piece in found] == [(text, "whole")]


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("i like maths. which role suits me?", ["which role suits me?"]),
        ("hi, what does a software engineer earn", ["what does a software engineer earn"]),
        ("i am a nurse, can i become a data scientist", ["can i become a data scientist"]),
        ("thanks. what about salary?", ["what about salary?"]),
    ],
)
def test_what_is_said_before_a_question_is_no_question(cut: Cut, text: str, questions: list[str]) -> None:
    assert [part.text for part in cut(text)[1:] if part.question] == questions


def test_names_keep_their_place_in_a_piece(cut: Cut) -> None:
    for text in SPLIT:
        for piece in cut(text):
            for mention in piece.mentions:
                assert piece.text[mention.start : mention.end] == mention.text, (text, piece.text)


def test_every_listed_topic_keeps_the_role(cut: Cut) -> None:
    for piece in cut("skills, tools and salary for data scientists")[1:]:
        assert [mention.id for mention in piece.mentions if mention.label == names.ROLE] == ["ds"]
        assert len([mention for mention in piece.mentions if mention.label == names.TOPIC]) == 1


def test_masked_text_depends_on_no_role(cut: Cut) -> None:
    masked = {cut(f"what does a {role} earn?")[0].masked("xrole") for role in ("mle", "software engineer", "data scientist")}
    assert masked == {"what does a xrole earn?"}


@pytest.mark.parametrize(
    ("text", "origins", "targets"),
    [
        ("i am a nurse and want to become a data scientist", ["nurse"], []),
        ("from data analyst to data scientist", ["data analyst"], []),
        ("i'm a data analyst, how do i become an mle", ["data analyst"], []),
        ("data analyst -> data scientist", ["data analyst"], []),
        ("switching from civil engineer to swe", ["civil engineer"], []),
        ("i work as a teacher", ["teacher"], []),
        ("former accountant here", ["accountant"], []),
        ("i was a lawyer for ten years", ["lawyer"], []),
        ("my sister is a nurse", ["nurse"], []),
        ("mechanical engineer turned developer", ["mechanical engineer"], []),
        ("how do i become a data engineer", [], ["data engineer"]),
        ("data scientist to data engineer", [], ["data engineer"]),
        ("going from mle into product manager", [], ["product manager"]),
        ("i want to be a nurse", [], ["nurse"]),
        ("from nurse to teacher", ["nurse"], ["teacher"]),
        ("what does a data engineer earn", [], []),
        ("data analyst vs data scientist", [], []),
        ("can a data analyst become a swe", [], []),
        ("is nursing a good career", [], []),
        ("is a data analyst well paid", [], []),
        ("what does an mle earn", [], []),
    ],
)
def test_directions(cut: Cut, text: str, origins: list[str], targets: list[str]) -> None:
    assert cut(text)[0].directions() == (tuple(origins), tuple(targets))
