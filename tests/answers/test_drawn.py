"""The figures that cards carry to be drawn: official ones alone, of the roles asked about, and none on any other card."""

from __future__ import annotations

import json

import pytest

from rolewise.answers.compose import Answers
from rolewise.cards import Card
from rolewise.conversation.dialogue import Dialogue
from rolewise.knowledge import Knowledge, load
from rolewise.questions import Context, Message, Question
from rolewise.settings import settings

KNOWLEDGE = load(settings().knowledge)
ANSWERS = Answers(KNOWLEDGE)


def card(question: Question, shown: str = "normal") -> Card:
    return ANSWERS.card([question], "a1", shown=shown)


def official(role: str, level: str) -> list[float]:
    figures = KNOWLEDGE.roles[role].answers["salary"].figures
    return [figure.value for figure in figures if (figure.kind, figure.country, figure.level) == ("official", "US", level)]  # type: ignore[misc]


@pytest.mark.parametrize("role", ["swe", "ds"])
def test_pay_is_drawn_from_the_lowest_to_the_highest_tenth(role: str) -> None:
    (figure,) = card(Question("salary", (role,))).figures
    assert (figure.low, figure.high) == (official(role, "p10")[0], official(role, "p90")[0])
    assert figure.middle in official(role, "all")
    assert figure.official and figure.country == "US" and figure.unit == "USD a year" and figure.period
    assert figure.label.lower() == KNOWLEDGE.roles[role].name
    assert set(KNOWLEDGE.roles[role].answers["salary"].figures[0].sources) <= {s.id for s in card(Question("salary", (role,))).sources}


def test_roles_stand_side_by_side_and_one_without_numbers_says_so() -> None:
    for roles in [("mle", "swe", "ds"), ()]:
        mle, swe, ds = card(Question("salary", roles)).figures
        assert (mle.low, mle.middle, mle.high, mle.official) == (None, None, None, False)
        assert swe.middle and ds.middle and swe.period == ds.period == mle.period
    assert [figure.label for figure in card(Question("salary", ("ds", "swe"))).figures] == ["Data scientist", "Software engineer"]


def test_growth_is_the_roles_own_and_not_that_of_all_jobs() -> None:
    mle, swe, ds = card(Question("demand", ("mle", "swe", "ds"))).figures
    everyone = next(figure.value for figure in KNOWLEDGE.roles["mle"].answers["demand"].figures if figure.kind == "official")
    assert mle.middle is None and swe.middle and ds.middle and ds.middle > swe.middle
    assert everyone not in (swe.middle, ds.middle)
    assert (ds.low, ds.high, ds.unit) == (None, None, "percent growth")


@pytest.mark.parametrize(
    "question",
    [
        Question("salary", ("mle",)),
        Question("demand", ("mle",)),
        Question("salary", ("ds",), None, "UK"),
        Question("salary", ("ds",), None, "US", "entry"),
        Question("skills", ("ds",)),
        Question("compare", ("swe", "ds"), "overall"),
        Question("salary", ("ds",), subjects=("negotiation",)),
    ],
    ids=str,
)
def test_other_cards_have_no_such_field(question: Question) -> None:
    assert KNOWLEDGE.subject("negotiation")
    found = card(question)
    assert found.figures == []
    assert "figures" not in found.dict() and "figures" not in json.loads(found.json())
    assert list(found.dict()) == [name for name in Card.__fields__ if name != "figures"]


def test_a_card_with_figures_is_the_same_after_a_journey() -> None:
    found = card(Question("salary", ("ds",)))
    assert Card.parse_obj(json.loads(found.json())) == Card(**found.dict()) == found
    assert found.copy(update={"lead": "x"}).figures == found.figures


def test_two_questions_draw_once_what_both_are_about() -> None:
    found = ANSWERS.card([Question("salary", ("ds",)), Question("salary", ("swe", "ds"))], "a1")
    assert [figure.label for figure in found.figures] == ["Data scientist", "Software engineer"]


def test_neither_the_short_answer_nor_the_sources_draw() -> None:
    assert not card(Question("salary", ("ds",)), "short").figures
    assert card(Question("salary", ("ds",)), "full").figures
    dialogue = Dialogue(KNOWLEDGE, Context())
    asked = dialogue.respond(Message("tap", "ask_salary", tapped=Question("salary", ("ds",))), "answer")
    assert asked.figures
    assert not dialogue.respond(Message("where is that from", "ask_source"), "source").figures


def test_a_knowledge_without_official_figures_draws_nothing() -> None:
    data = json.loads(KNOWLEDGE.json())
    for role in data["roles"].values():
        for topic in ("salary", "demand"):
            for figure in role["answers"][topic]["figures"]:
                figure["kind"] = "private"
    other = Answers(Knowledge.parse_obj(data))
    assert not other.card([Question("salary")], "a1").figures and not other.card([Question("demand", ("ds",))], "a1").figures
