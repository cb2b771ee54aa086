"""The questionnaire: what an answer is taken for, what the answers speak for, and the form around it with the real model."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import yaml

from rolewise.channels.guard import is_own_payload
from rolewise.conversation.questionnaire import Move, Quiz, choice_from_payload, payload
from rolewise.knowledge import Knowledge, KnowledgeError, load, loads
from rolewise.questions import Guess, Message, Part
from rolewise.settings import PROJECT_ROOT, settings
from tests.conftest import Assistant, Turn
from tests.knowledge_text import joined

CHOSEN = {"topic": "choose", "roles": ["ds"], "aspect": None, "subjects": [], "form": None}


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load(settings().knowledge)


@pytest.fixture(scope="module")
def quiz(knowledge: Knowledge) -> Quiz:
    return Quiz(knowledge)


def said(text: str, intent: str = "out_of_scope", decision: str = "decline") -> Message:
    return Message(text, intent, (Part(text, (Guess(intent, 0.9),), decision),))


@pytest.mark.parametrize(
    ("question", "text", "options"),
    [
        ("interests", "I love making websites", ("build",)),
        ("interests", "anything with neural networks and AI", ("models",)),
        ("interests", "spotting patterns in numbers", ("insight",)),
        ("strengths", "explaining things, and maths", ("statistics",)),
        ("strengths", "debuging", ("code",)),
        ("degree", "I finished a bachelor's", ("bachelor",)),
        ("degree", "PhD in physics", ("master",)),
        ("degree", "no degree", ("none",)),
        ("coding", "just the basics", ("some",)),
        ("coding", "never", ("none",)),
        ("day", "when my model runs in production", ("live",)),
        ("day", "not sure", ("unsure",)),
        ("day", "skip this one", ("unsure",)),
        ("strengths", "dont know", ("unsure",)),
        ("degree", "no idea", ("unsure",)),
        ("degree", "no", ("none",)),
        ("degree", "I have a bachelor's degree, no master", ("bachelor",)),
        ("coding", "not a lot", ("some",)),
        ("interests", "websites or robots", ("build", "models")),
    ],
)
def test_words_are_matched_to_options(quiz: Quiz, question: str, text: str, options: tuple[str, ...]) -> None:
    reading = quiz.read(said(text), question)
    assert (reading.move, reading.question, reading.options) == (Move.ANSWER, question, options)


@pytest.mark.parametrize(
    ("text", "intent", "decision", "move"),
    [
        ("what does a data scientist earn?", "ask_salary", "answer", Move.INTERRUPT),
        ("how do I bake bread?", "out_of_scope", "decline", Move.INTERRUPT),
        ("stop", "stop", "answer", Move.INTERRUPT),
        ("thanks", "thanks", "answer", Move.INTERRUPT),
        ("go on", "more", "answer", Move.GO_ON),
        ("ok", "affirm", "answer", Move.GO_ON),
        ("back to the questions", "stop", "answer", Move.GO_ON),
        ("stop the questions", "stop", "answer", Move.INTERRUPT),
        ("which role suits me?", "start_quiz", "answer", Move.GO_ON),
        ("I don't like websites", "out_of_scope", "decline", Move.UNCLEAR),
        ("not sure, what does an mle earn?", "ask_salary", "answer", Move.INTERRUPT),
        ("mountains and rivers", "out_of_scope", "decline", Move.UNCLEAR),
    ],
)
def test_what_is_no_answer(quiz: Quiz, text: str, intent: str, decision: str, move: Move) -> None:
    assert quiz.read(said(text, intent, decision), "interests").move == move


def test_every_option_leads_somewhere(quiz: Quiz, knowledge: Knowledge) -> None:
    for question in quiz.content.questions:
        for option in question.options:
            assert option.speaks_for, (question.id, option.id)
            result = quiz.result({question.id: option.id})
            assert set(result.leading) <= set(knowledge.roles)
            assert all(result.reasons[role] for role, points in result.ranking if points)


def test_the_result_names_who_is_close(quiz: Quiz) -> None:
    clear = quiz.result({"interests": "build", "strengths": "code", "degree": "none", "day": "ship"})
    assert clear.leading == ("swe",) and len(clear.reasons["swe"]) == 4
    close = quiz.result({"interests": "build", "day": "live"})
    assert set(close.leading) == {"swe", "mle"}
    assert quiz.result({}).leading == () and quiz.result({"interests": "unsure"}).leading == ()


def test_each_role_can_win(quiz: Quiz, knowledge: Knowledge) -> None:
    for role in knowledge.roles:
        best = {
            question.id: max(question.options, key=lambda option: option.speaks_for[role].weight if role in option.speaks_for else 0).id
            for question in quiz.content.questions
        }
        assert quiz.result(best).leading == (role,)


def test_payloads_go_there_and_back(quiz: Quiz, knowledge: Knowledge) -> None:
    for question in quiz.content.questions:
        for _, button in quiz.suggestions(question):
            assert is_own_payload(button, knowledge)
            reading = quiz.read_choice(choice_from_payload(button) or "")
            assert (reading.move, reading.question) == (Move.ANSWER, question.id)
    assert is_own_payload("/start_quiz", knowledge)
    for foreign in (
        payload("interests", "nothing"),
        payload("nothing", "build"),
        '/start_quiz{"answer":"x"}',
        "/start_quiz{}",
        "/start_quizzes",
    ):
        assert not is_own_payload(foreign, knowledge)


def test_the_form_has_a_slot_and_an_action_for_each_question(quiz: Quiz) -> None:
    domain: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "domain.yml").read_text(encoding="utf-8"))
    slots = [f"suits_{question}" for question in quiz.questions]
    assert domain["forms"]["suits_form"]["required_slots"] == slots
    assert set(slots) <= set(domain["slots"])
    assert {f"action_ask_{slot}" for slot in slots} <= set(domain["actions"])


def test_faults_in_the_file_are_named() -> None:
    text = joined()
    with pytest.raises(KnowledgeError, match=r"questionnaire\.questions\.0\.options\.0\.speaks_for\.chef: there is no role 'chef'"):
        loads(
            text.replace(
                '            swe: {weight: 2, text: "You like building', '            chef: {weight: 2, text: "You like building', 1
            )
        )
    with pytest.raises(KnowledgeError, match="'unsure' is the name of having no answer"):
        loads(text.replace("        - id: build\n", "        - id: unsure\n", 1))


# -- with the real model --------------------------------------------------------------------------------------------------------


class Talk:
    """One conversation; a number taps."""

    def __init__(self, asker: Assistant) -> None:
        self.asker, self.sender = asker, uuid.uuid4().hex
        self.last: Turn = {}

    def __call__(self, *said: str | int) -> Turn:
        for text in said:
            text = self.last["card"]["suggestions"][text - 1]["payload"] if isinstance(text, int) else text
            self.last = self.asker.turn(self.sender, text)
        return self.last

    def slots(self) -> dict[str, Any]:
        tracker = self.asker.run(self.asker.asker.agent.tracker_store.retrieve(self.sender))
        return {name: slot.value for name, slot in tracker.slots.items()}


@pytest.fixture
def talk(asker: Assistant) -> Talk:
    return Talk(asker)


def test_a_result_names_reasons_sources_and_next_steps(talk: Talk) -> None:
    turn = talk("which role suits me?", 3, 3, 3, 2, 3)
    card = turn["card"]
    assert turn["kind"] == "answer" and turn["questions"] == [CHOSEN]
    assert "data scientist fits best" in card["lead"] and len(card["points"]) >= 4 and card["sources"] and card["caveat"]
    assert {"G2", "S1"} <= {source["id"] for source in card["sources"]}
    assert talk(1)["kind"] == "answer"


def test_numbers_tap_the_options(talk: Talk) -> None:
    assert talk("which role suits me?", "1", "2", "4")["card"]["lead"].startswith("Question 4 of 5")
    assert talk.slots()["suits_degree"] == "unsure"


def test_an_interruption_offers_the_way_back_in_one_reply(talk: Talk) -> None:
    turn = talk("which role suits me?", 1, "what does a data scientist earn?")
    assert turn["kind"] == "answer" and turn["questions"][0]["topic"] == "salary"
    back = turn["card"]["suggestions"][-1]
    assert back == {"title": "Back to question 2 of 5", "payload": "/start_quiz"}
    assert talk(back["payload"])["card"]["lead"].startswith("Question 2 of 5")


def test_an_unclear_answer_is_asked_again(talk: Talk) -> None:
    turn = talk("which role suits me?", "mountains and rivers")
    assert turn["kind"] == "clarify" and "could not match" in turn["card"]["lead"] and "Question 1 of 5" in turn["card"]["lead"]


def test_an_earlier_answer_can_be_changed(talk: Talk) -> None:
    first = talk("which role suits me?")["card"]["suggestions"]
    talk(1)
    assert talk(first[1]["payload"])["card"]["lead"].startswith("Question 2 of 5")
    assert talk.slots()["suits_interests"] == "models"


@pytest.mark.parametrize("leaving", ["please stop the quiz", "start over"])
def test_leaving_forgets_the_answers(talk: Talk, leaving: str) -> None:
    assert talk("which role suits me?", 1, 1, leaving)["kind"] == "smalltalk"
    assert not [name for name, value in talk.slots().items() if name.startswith(("suits_", "requested")) and value]
    again = talk("which role suits me?")
    assert again["card"]["lead"].endswith("Question 1 of 5: What draws you most?") and "nothing personal" in again["card"]["lead"]


def test_the_result_can_be_repeated_shortened_and_sourced(talk: Talk) -> None:
    result = talk("which role suits me?", 1, 1, 2, 3, 1)
    assert talk("say that again")["card"]["points"] == result["card"]["points"]
    assert len(talk("shorter please")["card"]["points"]) < len(result["card"]["points"])
    assert "S1" in talk("where is that from?")["answer"]
    (asked,) = talk("ok and what do they earn")["questions"]
    assert (asked["topic"], asked["roles"]) == ("salary", ["swe"])


def test_it_asks_for_nothing_personal(quiz: Quiz) -> None:
    asked = " ".join(question.text for question in quiz.content.questions).lower()
    assert not [word for word in ("name", "mail", "age", "old", "live", "phone", "where", "married") if f" {word}" in asked]


# -- ratings --------------------------------------------------------------------------------------------------------------------


def test_a_rating_is_an_event_with_its_reason(talk: Talk) -> None:
    answered = talk("what does a data scientist earn?")["card"]["answer_id"]
    talk("not helpful")
    assert talk.slots()["rating"] == {"answer_id": answered, "value": "down", "reason": None}
    talk("far too many numbers in it")
    assert talk.slots()["rating"] == {"answer_id": answered, "value": "down", "reason": "far too many numbers in it"}
    (asked,) = talk("and software engineers?")["questions"]
    assert (asked["topic"], asked["roles"]) == ("salary", ["swe"])


def test_a_question_after_a_rating_is_no_reason(talk: Talk) -> None:
    talk("what does a data scientist earn?", "thumbs down")
    assert talk("do I need a degree to be a data scientist?")["kind"] == "answer"
    assert talk.slots()["rating"]["reason"] is None


def test_without_a_questionnaire_the_advice_on_choosing_stands_in(knowledge: Knowledge) -> None:
    from rolewise.conversation.dialogue import Dialogue
    from rolewise.questions import Context

    for without in (knowledge.copy(update={"questionnaire": None}), knowledge):
        card = Dialogue(without, Context()).ask("interests" if without.questionnaire is None else "no such question")
        assert card.kind == "answer" and card.questions[0].topic == "choose"
