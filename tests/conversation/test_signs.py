"""Thumbs and numbers as messages, with the real model: what they rate and pick, in an answer's suggestions and in the questionnaire."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from rolewise import wording
from tests.conftest import Turn

Converse = Callable[[Iterable[str]], list[Turn]]

SALARY = "what does a data scientist earn"
TONES = ["", "\U0001f3fb", "\U0001f3fd", "\U0001f3ff"]
UP = [
    *(f"\U0001f44d{tone}" for tone in TONES),
    "\U0001f44d\U0001f44d\U0001f3fe",
    ":+1:",
    ":thumbsup:",
    ":+1::skin-tone-2:",
    ":+1_medium_light_skin_tone:",
    ":thumbsup_tone3:",
    ":thumbsup::skin-tone-6:",
    ":+1: :+1:",
    "+1",
    "+1!",
    "+ 1",
    "\uff0b\uff11",
    "plus one",
]
DOWN = [
    *(f"\U0001f44e{tone}" for tone in TONES),
    "\U0001f44e\ufe0f",
    ":-1:",
    ":thumbsdown:",
    ":-1::skin-tone-3:",
    ":thumbsdown::skin-tone-5:",
    "-1",
    "-1.",
    "- 1",
    "\u22121",
    "\u20131",
    "\uff0d\uff11",
    "minus one",
]
SECOND = [
    "2",
    "option 2",
    "Option two",
    "nr 2",
    "nr. 2",
    "no. 2",
    "number two",
    "#2",
    "(2)",
    "2)",
    "2?",
    "second",
    "2nd",
    "2nd please",
    "2 please",
    "2, thanks",
    "second option",
    "the 2nd option please",
    "I'll take 2",
    "let's go with 2",
    "pick 2",
    "option b",
    "Q2",
    "choice 2",
    "answer 2",
    "2nd question",
    "the second one",
    "\uff12",
    "\uff12nd",
    "\u2461",
    "\u2777",
    "\u2161",
    "\u0662",
    "2\ufe0f\u20e3",
]


@pytest.mark.parametrize(("sign", "value"), [*((sign, "up") for sign in UP), *((sign, "down") for sign in DOWN)])
def test_a_thumb_is_the_rating_that_it_says_and_no_question(converse: Converse, sign: str, value: str) -> None:
    _, rated = converse([SALARY, sign])
    assert rated["kind"] == "smalltalk" and rated["questions"] == []
    assert rated["card"]["lead"] == (wording.RATED_UP if value == "up" else wording.RATED_DOWN)


def test_a_thumb_rates_in_the_questionnaire_too_and_answers_none_of_its_questions(converse: Converse) -> None:
    for sign, said in ("+1", wording.RATED_UP), ("-1", wording.RATED_DOWN):
        *_, rated, back = converse([SALARY, "start the questionnaire", sign, "go on"])
        assert rated["card"]["lead"] == said and rated["card"]["suggestions"][-1]["title"] == "Back to question 1 of 5"
        assert back["card"]["lead"].startswith("Question 1 of 5")


def test_a_thumb_before_any_answer_rates_nothing(converse: Converse) -> None:
    assert [turn["card"]["lead"] for turn in converse(["+1", "-1"])] == [wording.RATED_NOTHING] * 2


@pytest.mark.parametrize("words", SECOND)
def test_words_that_pick_the_second_offer_open_it(converse: Converse, words: str) -> None:
    first, picked = converse([SALARY, words])
    assert picked["kind"] == "answer" and picked["card"]["title"] == first["card"]["suggestions"][1]["title"]


@pytest.mark.parametrize(
    ("words", "place"), [("first", 0), ("1st", 0), ("third", 2), ("3rd one", 2), ("the last one", -1), ("last option", -1)]
)
def test_other_places_are_picked_as_well(converse: Converse, words: str, place: int) -> None:
    first, picked = converse([SALARY, words])
    assert picked["card"]["title"] == first["card"]["suggestions"][place]["title"]


@pytest.mark.parametrize("words", ["second", "2nd", "option two", "nr 2", "the second one", "2 please", "\uff12", "\u2461"])
def test_words_that_pick_an_option_of_the_questionnaire_choose_it(converse: Converse, words: str) -> None:
    *_, after = converse(["start the questionnaire", words, "third", "option 1", "2.", words])
    assert after["kind"] == "answer" and after["card"]["title"] == wording.QUIZ_TITLE
    assert after["card"]["lead"] == converse(["start the questionnaire", "2", "3", "1", "2", "2"])[-1]["card"]["lead"]


@pytest.mark.parametrize("words", ["7", "option 9", "ninth", "0", "99 please"])
def test_a_number_of_nothing_that_was_offered_is_asked_about(converse: Converse, words: str) -> None:
    first, again, picked = converse([SALARY, words, "3"])
    assert again["kind"] == "clarify" and again["card"]["suggestions"] == first["card"]["suggestions"]
    assert picked["card"]["title"] == first["card"]["suggestions"][2]["title"]


def test_a_number_where_nothing_was_offered_is_asked_about(converse: Converse) -> None:
    assert [turn["kind"] for turn in converse(["2 please"])] == ["clarify"]
    assert [turn["kind"] for turn in converse([SALARY, "bye", "second"])][-1] == "clarify"


def test_a_number_that_is_none_of_the_options_asks_the_question_again(converse: Converse) -> None:
    *_, again = converse(["start the questionnaire", "option 9"])
    assert again["card"]["lead"].startswith(wording.QUIZ_UNCLEAR)


@pytest.mark.parametrize("words", ["<3", ":3", "+2", "-2", "$2", "2%", "1 and 2", "2 years", "one question"])
def test_what_only_holds_a_number_picks_nothing(converse: Converse, words: str) -> None:
    first, turn = converse([SALARY, words])
    assert turn["card"]["title"] not in [suggestion["title"] for suggestion in first["card"]["suggestions"]]


def test_the_second_one_is_a_role_where_two_were_compared(converse: Converse) -> None:
    assert (
        converse(["compare MLE and data scientist salary", "the second one"])[-1]["card"]["title"] == "How much does a data scientist earn?"
    )


def test_the_title_of_an_offer_typed_as_it_stands_is_what_it_opens(converse: Converse) -> None:
    offered = converse([SALARY])[0]["card"]["suggestions"]
    for number, offer in enumerate(offered, 1):
        typed, picked = converse([SALARY, offer["title"]])[-1], converse([SALARY, str(number)])[-1]
        assert typed["card"]["title"] == picked["card"]["title"] == offer["title"]
