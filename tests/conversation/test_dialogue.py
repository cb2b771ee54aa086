"""Whole turns of a conversation, the language understanding's result built by hand: what is answered, asked back, declined, offered."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolewise import wording
from rolewise.answers.compose import Answers
from rolewise.cards import Card
from rolewise.channels.guard import is_own_payload
from rolewise.conversation.dialogue import Dialogue, question_from_payload
from rolewise.conversation.nearby import nearby
from rolewise.conversation.readings import Scorer
from rolewise.conversation.understanding import Understanding
from rolewise.knowledge import load
from rolewise.nlu.cues import cues
from rolewise.questions import Context, Evidence, Guess, Message, Part, Question, SubjectGuess
from rolewise.render.text import render
from rolewise.settings import settings as of_program

KNOWLEDGE = load(of_program().knowledge)
ROLES = tuple(KNOWLEDGE.roles)
TOPICS = [topic for topic in KNOWLEDGE.topics if topic != "compare"]


class Conversation:
    """Turns with one memory, stored and restored between them as the slot does."""

    def __init__(self) -> None:
        self.slot: Any = None
        self.cards: list[Card] = []

    @property
    def context(self) -> Context:
        return Context.restore(self.slot)

    def turn(self, message: Message, act: str = "answer") -> Card:
        context = Context.restore(self.slot)
        card = Dialogue(KNOWLEDGE, context).respond(message, act)
        self.slot = json.loads(json.dumps(context.store()))
        check(card)
        self.cards.append(card)
        return card

    def ask(self, text: str, topic: str | None, *roles: str, **options: Any) -> Card:
        return self.turn(said(text, topic, *roles, **options))

    def unsure(self, text: str = "what is the blah of the blah") -> Card:
        return self.turn(said(text, "tools", decision="decline", confidence=0.1), "fallback")

    def tap(self, payload: str) -> Card:
        return self.turn(Message(payload, "ask_x", tapped=question_from_payload(payload)))


def part(
    text: str, topic: str | None, *roles: str, decision: str = "answer", confidence: float = 0.9, second: str | None = None, **named: Any
) -> Part:
    intent = f"ask_{topic}" if topic else "follow_up"
    guesses = [Guess(intent, confidence)] + ([Guess(f"ask_{second}", confidence / 2)] if second else [])
    return Part(text, tuple(guesses), decision, roles, cues=cues(text), **named)


def said(text: str, topic: str | None, *roles: str, companies: tuple[str, ...] = (), **options: Any) -> Message:
    one = part(text, topic, *roles, **options)
    return Message(text, one.best.intent, (one,), companies=companies)


def asked(card: Card) -> list[tuple[str, list[str]]]:
    return [(question.topic, question.roles) for question in card.questions]


def check(card: Card) -> None:
    """What holds for every card: words in it, and at most four known things to tap."""
    assert card.lead or card.points
    assert len(card.suggestions) <= 4
    assert len({item.title for item in card.suggestions}) == len(card.suggestions)
    for item in card.suggestions:
        assert is_own_payload(item.payload, KNOWLEDGE), item
        assert item.title
    for question in card.questions:
        assert question.topic in KNOWLEDGE.topics
        assert set(question.roles) <= set(ROLES)
        assert (question.aspect is None) == (question.topic != "compare")


@pytest.fixture
def talk() -> Any:
    return Conversation()


# -- one question ---------------------------------------------------------------------------------------------------------


def test_answer(talk: Conversation) -> None:
    card = talk.ask("what does an mle do", "responsibilities", "mle")
    assert card.kind == "answer"
    assert asked(card) == [("responsibilities", ["mle"])]
    assert card.sources


def test_general_topic_needs_no_role(talk: Conversation) -> None:
    assert talk.ask("which one suits me", "choose").kind == "answer"


def test_role_without_a_topic_is_introduced(talk: Conversation) -> None:
    assert asked(talk.ask("data scientist", None, "ds")) == [("define_role", ["ds"])]


def test_pair_and_triple_are_compared(talk: Conversation) -> None:
    card = talk.ask("mle vs ds on degree", "degree", "mle", "ds")
    assert card.kind == "comparison"
    assert asked(card) == [("degree", ["mle", "ds"])]
    card = talk.ask("compare all three", "compare")
    assert card.kind == "comparison"
    assert card.table is not None
    assert len(card.table.columns) == 4
    card = talk.ask("mle vs swe", "compare", "mle", "swe")
    assert (card.questions[0].topic, card.questions[0].aspect) == ("compare", "overall")


def test_comparison_on_a_named_topic(talk: Conversation) -> None:
    card = talk.ask("compare mle and swe by pay", "compare", "mle", "swe", topics=("compare", "salary"))
    assert asked(card) == [("salary", ["mle", "swe"])]


PLACES = [(str(place).lower(), str(country.code)) for country in KNOWLEDGE.countries for place in (country.name, *country.places)]
LEVELS = [(str(level.name).lower(), str(level.id)) for level in KNOWLEDGE.levels]


TOWNS = {str(place): str(country.code) for country in KNOWLEDGE.countries for place in country.places}


@pytest.mark.parametrize("town", TOWNS)
def test_that_nothing_is_known_of_a_town_is_said_only_where_it_is_so(town: str) -> None:
    for role in KNOWLEDGE.roles:
        card = Conversation().ask(f"{role} salary in {town}", "salary", role, countries=(TOWNS[town],), places=(town.lower(),))
        sums = [text for text in card.points if town.lower() in text.lower() and re.search(r"[$£€]\d", text) and "a day" not in text]
        assert not sums or wording.NO_PLACE.partition("{place}")[2] not in card.lead


def test_a_town_whose_figure_is_known_is_answered_with_it() -> None:
    card = Conversation().ask("what does a data scientist earn in houston", "salary", "ds", countries=("US",), places=("houston",))
    assert "Houston" in card.lead and wording.NO_PLACE.partition("{place}")[2] not in card.lead


@pytest.mark.parametrize("act", ["answer", "fallback"])
@pytest.mark.parametrize("words", ["{}", "and {}?", "in {}"])
def test_a_place_or_a_level_that_is_all_that_was_said_is_asked_back(words: str, act: str) -> None:
    for name, code in PLACES:
        card = Conversation().turn(said(words.format(name), None, decision="decline", countries=(code,), places=(name,)), act)
        assert card.kind == "clarify" and f'/ask_salary{{"country":"{code}"}}' in [item.payload for item in card.suggestions]
        assert wording.NO_PLACE.partition("{place}")[2] not in card.lead
    for name, code in LEVELS:
        card = Conversation().turn(said(words.format(name), None, decision="decline", levels=(code,)), act)
        assert card.kind == "clarify" and f'/ask_salary{{"level":"{code}"}}' in [item.payload for item in card.suggestions]


# -- follow-ups -----------------------------------------------------------------------------------------------------------


def test_follow_up_keeps_the_role_and_says_so(talk: Conversation) -> None:
    talk.ask("what does an ml engineer do", "responsibilities", "mle")
    card = talk.ask("and the salary", "salary")
    assert asked(card) == [("salary", ["mle"])]
    assert card.lead.startswith("For machine learning engineers, as before:")


def test_follow_up_keeps_the_topic_and_switches_the_role(talk: Conversation) -> None:
    talk.ask("how much does an mle earn", "salary", "mle")
    card = talk.ask("what about data scientists?", None, "ds")
    assert asked(card) == [("salary", ["ds"])]
    assert asked(talk.ask("and skills", "skills")) == [("skills", ["ds"])]


def test_both(talk: Conversation) -> None:
    talk.ask("what does an mle do", "responsibilities", "mle")
    talk.ask("and a ds", None, "ds")
    card = talk.ask("compare the two", "compare")
    assert card.kind == "comparison"
    assert set(card.questions[0].roles) == {"mle", "ds"}
    card = talk.ask("salary of both", "salary")
    assert set(card.questions[0].roles) == {"mle", "ds"}


def test_all(talk: Conversation) -> None:
    talk.ask("what does an mle earn", "salary", "mle")
    card = talk.ask("for all three", None)
    assert asked(card) == [("salary", list(ROLES))]


def test_which_one(talk: Conversation) -> None:
    talk.ask("mle vs ds", "compare", "mle", "ds")
    card = talk.ask("which one pays better?", "salary")
    assert asked(card) == [("salary", ["mle", "ds"])]


def test_first_and_second_and_other(talk: Conversation) -> None:
    talk.ask("mle vs ds", "compare", "mle", "ds")
    assert asked(talk.ask("salary of the first one", "salary")) == [("salary", ["mle"])]
    talk.ask("mle vs ds", "compare", "mle", "ds")
    assert asked(talk.ask("salary of the second one", "salary")) == [("salary", ["ds"])]
    assert asked(talk.ask("and the other one", None)) == [("salary", ["mle"])]


def test_the_other_two(talk: Conversation) -> None:
    talk.ask("what does an mle earn", "salary", "mle")
    card = talk.ask("and the other two", None)
    assert set(card.questions[0].roles) == {"swe", "ds"}


def test_the_other_one_of_a_pair_just_compared_is_not_a_third(talk: Conversation) -> None:
    talk.ask("how much does an mle earn", "salary", "mle")
    talk.ask("and a ds", None, "ds")
    assert asked(talk.ask("tools of the other one", "tools")) == [("tools", ["mle"])]


def test_correction_of_the_role(talk: Conversation) -> None:
    talk.ask("what does an mle earn", "salary", "mle")
    card = talk.ask("no, i meant software engineer", None, "swe")
    assert asked(card) == [("salary", ["swe"])]
    assert card.lead.startswith("For software engineers then:")


def test_correction_of_the_topic(talk: Conversation) -> None:
    talk.ask("what does an mle earn", "salary", "mle")
    card = talk.ask("no, i meant the degree", "degree")
    assert asked(card) == [("degree", ["mle"])]


def test_compare_with_one_new_role(talk: Conversation) -> None:
    talk.ask("what does an mle earn", "salary", "mle")
    card = talk.ask("compare it with a ds", "compare", "ds")
    assert card.kind == "comparison"
    assert card.questions[0].roles == ["mle", "ds"]


def test_place_is_kept_and_left(talk: Conversation) -> None:
    talk.ask("salary of an mle in india", "salary", "mle", countries=("India",))
    assert "₹" in talk.cards[-1].lead
    card = talk.ask("and a swe", None, "swe")
    assert "software engineers in India" in card.lead
    card = talk.ask("and in the uk", None, countries=("UK",))
    assert asked(card) == [("salary", ["swe"])]
    assert "United Kingdom" in card.lead


def test_entry_level_after_an_answer(talk: Conversation) -> None:
    talk.ask("salary of a ds", "salary", "ds")
    card = talk.ask("and for juniors", None, levels=("entry",))
    assert asked(card) == [("salary", ["ds"])]
    assert "at entry level" in card.lead


def test_follow_up_at_the_start_is_no_answer(talk: Conversation) -> None:
    card = talk.ask("and the other one", None)
    assert card.kind in ("fallback", "clarify", "menu")
    assert card.suggestions


# -- several questions ----------------------------------------------------------------------------------------------------


def several(*parts: Part) -> Message:
    return Message(" and ".join(one.text for one in parts), parts[0].best.intent, parts)


def test_two_questions_in_order_and_the_role_is_shared(talk: Conversation) -> None:
    card = talk.turn(several(part("what does an mle do", "responsibilities", "mle"), part("do i need a master's", "degree")))
    assert asked(card) == [("responsibilities", ["mle"]), ("degree", ["mle"])]
    assert card.kind == "answer"


def test_role_named_later_is_shared(talk: Conversation) -> None:
    card = talk.turn(several(part("what are the skills", "skills"), part("the tools of a ds", "tools", "ds")))
    assert asked(card) == [("skills", ["ds"]), ("tools", ["ds"])]


def test_more_than_three_questions(talk: Conversation) -> None:
    parts = [part(f"{topic} of an mle", topic, "mle") for topic in ("skills", "tools", "salary", "degree")]
    card = talk.turn(several(*parts))
    assert asked(card) == [("skills", ["mle"]), ("tools", ["mle"]), ("salary", ["mle"])]
    assert wording.TOO_MANY in card.lead


def test_the_same_question_twice_is_answered_once(talk: Conversation) -> None:
    card = talk.turn(several(part("salary of an mle", "salary", "mle"), part("what does an mle earn", "salary", "mle")))
    assert asked(card) == [("salary", ["mle"])]


def test_two_questions_without_a_role_are_both_answered_in_general(talk: Conversation) -> None:
    card = talk.turn(several(part("which role suits me", "choose"), part("what do they do all day", "daily_tasks")))
    assert asked(card) == [("choose", []), ("daily_tasks", [])]
    for question in ("Which role suits me?", "What do these jobs do all day?"):
        assert any(point.startswith(question) for point in card.points)


PIECES = (("pay of a ds", "salary"), ("remote work of a ds", "remote_work"))
# What prefers all that is named.
ALL_NAMED = Scorer({"topics": {"all named": {"always": 9.0}}, "roles": {"named": {"always": 9.0}}, "act": {}})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pay, degree and remote work of a ds", ["salary", "degree", "remote_work"]),
        ("pay and remote work of a ds", ["salary", "remote_work"]),
        # "Overall" names no further topic.
        ("pay and remote work of a ds overall", ["salary", "remote_work"]),
    ],
)
def test_a_topic_named_beside_the_pieces_is_asked_too(text: str, named: list[str]) -> None:
    pieces = tuple(part(piece, topic, "ds", form=topic) for piece, topic in PIECES)
    dialogue = Dialogue(KNOWLEDGE, Context())
    card = dialogue.respond(Message(text, pieces[0].best.intent, pieces), "answer", scorer=ALL_NAMED)
    assert asked(card) == [(topic, ["ds"]) for topic in named]
    # Each keeps how its own piece asked.
    assert {question.topic: question.form for question in dialogue.context.questions if question.form} == {
        topic: topic for _, topic in PIECES
    }


def test_of_pieces_none_is_lost_for_another_topic() -> None:
    pieces = tuple(part(piece, topic, "ds") for piece, topic in PIECES)
    dialogue = Dialogue(KNOWLEDGE, Context())
    dialogue.respond(Message("pay, degree and remote work of a ds", pieces[0].best.intent, pieces), "answer")
    assert dialogue.considered is not None
    assert all({"salary", "remote_work"} <= set(reading.topics) for reading in dialogue.considered.readings)


# -- declined -------------------------------------------------------------------------------------------------------------


def test_other_title_is_declined_with_the_nearest_role(talk: Conversation) -> None:
    card = talk.ask("what does a data analyst earn", "salary", others=("data analyst",))
    assert card.kind == "fallback"
    assert "data analyst" in card.lead
    assert asked(card)[0] == ("salary", ["ds"])
    assert question_from_payload(card.suggestions[0].payload) == Question("salary", ("ds",))


def test_other_title_without_a_nearest_role(talk: Conversation) -> None:
    card = talk.ask("what does a nurse earn", "salary", others=("nurse",))
    assert card.kind == "fallback"
    assert "nurse" in card.lead
    assert card.suggestions


@pytest.mark.parametrize("title", [title.name for title in KNOWLEDGE.other_titles])
def test_every_other_title_is_declined(title: str) -> None:
    talk = Conversation()
    card = talk.ask(f"what does a {title} do", "responsibilities", others=(title,))
    assert card.kind == "fallback"
    assert f"I do not cover the job of {title}." in card.lead


def test_is_another_title_a_good_career(talk: Conversation) -> None:
    card = talk.ask("is nursing a good career", "good_career", others=("nurse",))
    assert card.kind == "fallback"
    assert "nurse" in card.lead


def test_other_title_as_origin_is_answered(talk: Conversation) -> None:
    card = talk.ask("i am a nurse, can i become a ds", "switch_role", "ds", others=("nurse",), origins=("nurse",))
    assert card.kind == "answer"
    assert asked(card) == [("switch_role", ["ds"])]


def test_other_title_beside_a_role_is_said(talk: Conversation) -> None:
    card = talk.ask("data analyst vs data scientist salary", "salary", "ds", others=("data analyst",))
    assert card.kind == "answer"
    assert "I do not cover the job of data analyst" in card.lead


def test_switch_to_another_title_is_declined(talk: Conversation) -> None:
    card = talk.ask("from swe to product manager", "switch_role", "swe", others=("product manager",), targets=("product manager",))
    assert card.kind == "fallback"
    assert "product manager" in card.lead


def test_company_is_declined(talk: Conversation) -> None:
    card = talk.ask("what does google pay an mle", "salary", "mle", companies=("google",))
    assert card.kind == "fallback"
    assert "a single employer" in card.lead
    assert asked(card) == [("salary", ["mle"])]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("I have driven for Uber since spring. What does a data scientist earn?", False),
        ("My brother is at Uber. What do they pay?", True),
        ("I applied to Uber on Friday. What does a data scientist earn?", True),
        ("I like maps. What does Uber pay?", True),
        ("what uber pays", True),
    ],
)
def test_a_company_in_the_story_beside_the_question_refuses_nothing(talk: Conversation, text: str, refused: bool) -> None:
    assert (talk.ask(text, "salary", "ds", companies=("Uber",)).kind == "fallback") == refused


def test_company_beside_a_course_is_only_a_name(talk: Conversation) -> None:
    assert talk.ask("is the google course good for a ds", "start_learning", "ds", companies=("google",)).kind == "answer"


def test_unsure_is_asked_back(talk: Conversation) -> None:
    card = talk.ask("what is the stuff", "tools", "mle", decision="ask", confidence=0.4, second="skills")
    assert card.kind == "clarify"
    assert asked(card) == [("tools", ["mle"])] or asked(card) == [("tools", ["mle"]), ("skills", ["mle"])]
    assert question_from_payload(card.suggestions[0].payload) == Question("tools", ("mle",))
    assert asked(talk.turn(Message("yes", "affirm"), "affirm")) == [("tools", ["mle"])]


def test_second_guess_of_an_unsure_message_keeps_the_role(talk: Conversation) -> None:
    card = talk.ask("what is the stuff", "tools", "mle", decision="ask", confidence=0.5, second="skills")
    assert asked(card) == [("tools", ["mle"]), ("skills", ["mle"])]


def test_twice_unsure_gives_the_menu(talk: Conversation) -> None:
    first, second = talk.unsure("blah"), talk.unsure("bluh")
    assert first.kind == "fallback"
    assert second.kind == "menu"
    assert second.points


def test_the_same_text_never_stands_twice_running(talk: Conversation) -> None:
    for number in range(8):
        talk.unsure(f"blah {number}")
    texts = [render(card) for card in talk.cards]
    assert all(first != second for first, second in pairwise(texts))


def test_the_same_question_back_never_stands_twice_running(talk: Conversation) -> None:
    for number in range(6):
        talk.ask(f"stuff {number}", "tools", "mle", decision="ask", confidence=0.4, second="skills")
    texts = [render(card) for card in talk.cards]
    assert all(first != second for first, second in pairwise(texts))


def test_a_refused_title_twice_is_not_the_same_text(talk: Conversation) -> None:
    for _ in range(4):
        talk.ask("what does a nurse earn", "salary", others=("nurse",))
    texts = [render(card) for card in talk.cards]
    assert all(first != second for first, second in pairwise(texts))


def test_an_answer_ends_being_unsure(talk: Conversation) -> None:
    talk.unsure()
    talk.ask("mle salary", "salary", "mle")
    assert talk.unsure().kind == "fallback"


def test_small_talk_ends_being_unsure(talk: Conversation) -> None:
    talk.unsure()
    talk.turn(Message("thanks", "thanks"), "thanks")
    assert talk.unsure().kind == "fallback"


def test_empty_message(talk: Conversation) -> None:
    card = talk.turn(Message("", ""), "answer")
    assert wording.EMPTY in card.lead


# -- taps and numbers -----------------------------------------------------------------------------------------------------


def test_number_picks_the_offered_one(talk: Conversation) -> None:
    first = talk.ask("mle salary", "salary", "mle")
    for text, index in (("2", 1), ("2.", 1), ("option 1", 0), ("number 2", 1), ("no. 1", 0)):
        other = Conversation()
        other.ask("mle salary", "salary", "mle")
        picked = question_from_payload(first.suggestions[index].payload)
        assert picked is not None
        card = other.turn(said(text, "skills", decision="decline", confidence=0.1), "fallback")
        assert asked(card) == [(picked.topic, list(picked.roles))], text


def test_number_that_was_not_offered(talk: Conversation) -> None:
    talk.ask("mle salary", "salary", "mle")
    offered = talk.cards[-1].suggestions
    card = talk.turn(said("9", "skills", decision="decline", confidence=0.1), "fallback")
    assert card.kind == "clarify" and card.suggestions == offered


def test_tap_of_unknown_ids(talk: Conversation) -> None:
    for question in (Question("hats", ("mle",)), Question("salary", ("cook",)), Question("compare", ("mle", "ds"), "hats")):
        card = talk.turn(Message("tap", "ask_x", tapped=question))
        assert card.kind in ("clarify", "fallback", "menu", "answer")


def test_yes_and_no(talk: Conversation) -> None:
    talk.ask("stuff", "tools", decision="ask", confidence=0.4)
    card = talk.turn(Message("no", "deny"), "deny")
    assert card.kind == "clarify"
    assert card.suggestions
    assert talk.turn(Message("yes", "affirm"), "affirm").kind == "answer"


def test_yes_without_anything_offered(talk: Conversation) -> None:
    assert talk.turn(Message("yes", "affirm"), "affirm").kind == "smalltalk"


# -- after an answer ------------------------------------------------------------------------------------------------------


def test_sources_of_the_last_answer(talk: Conversation) -> None:
    answer = talk.ask("mle salary", "salary", "mle")
    card = talk.turn(Message("where is that from?", "ask_source"), "source")
    assert {source.id for source in answer.sources} <= {source.id for source in card.sources}
    assert KNOWLEDGE.reviewed_on.isoformat() in card.lead
    assert len(card.points) == len(card.sources)
    assert asked(card) == [("salary", ["mle"])]


def test_an_answer_of_a_gap_alone_says_that_it_has_no_source() -> None:
    subject = next(one for one in KNOWLEDGE.subjects if one.gaps)
    alone = subject.copy(update={"facts": []})
    knowledge = KNOWLEDGE.copy(update={"subjects": [alone if one is subject else one for one in KNOWLEDGE.subjects]})
    context = Context()
    gap: dict[str, Any] = {
        "evidence": (Evidence(str(subject.id), 0, 5.0, None, True),),
        "subjects": (SubjectGuess(str(subject.id), 0.9, True),),
    }
    answer = Dialogue(knowledge, context).respond(said("how many are there", str(subject.topics[0]), **gap), "answer")
    assert answer.kind == "answer" and answer.lead == alone.gaps[0].text and not answer.sources
    card = Dialogue(knowledge, context).respond(Message("where is that from?", "ask_source"), "source")
    assert card.lead.startswith(wording.SOURCES_NONE.partition(";")[0]) and not card.points


def test_shorter_more_repeat(talk: Conversation) -> None:
    answer = talk.ask("mle salary", "salary", "mle")
    shorter = talk.turn(Message("shorter", "shorter"), "shorter")
    assert shorter.points == []
    more = talk.turn(Message("more", "more"), "more")
    assert len(more.points) > len(answer.points)
    assert wording.THAT_IS_ALL in talk.turn(Message("more", "more"), "more").lead
    again = talk.turn(Message("again", "repeat"), "repeat")
    assert (again.lead, again.points) == (answer.lead, answer.points)
    assert asked(shorter) == asked(more) == asked(again) == [("salary", ["mle"])]


@pytest.mark.parametrize("act", ["source", "repeat", "shorter", "more"])
def test_nothing_to_repeat(talk: Conversation, act: str) -> None:
    card = talk.turn(Message("x", act), act)
    assert wording.NOTHING_YET in card.lead
    assert card.suggestions


def test_rating(talk: Conversation) -> None:
    assert wording.RATED_NOTHING in talk.turn(Message("great", "feedback_positive"), "rate").lead
    talk.ask("mle salary", "salary", "mle")
    assert wording.RATED_UP in talk.turn(Message("great", "feedback_positive"), "rate").lead
    assert wording.RATED_DOWN in talk.turn(Message("bad", "feedback_negative"), "rate").lead


def test_start_over_forgets(talk: Conversation) -> None:
    talk.ask("mle salary", "salary", "mle")
    talk.turn(Message("start over", "start_over"), "start_over")
    assert asked(talk.ask("tools", "tools")) == [("tools", [])]


def test_start_over_forgets_only_where_it_is_surely_meant(talk: Conversation) -> None:
    talk.ask("what does a software engineer earn", "salary", "swe")
    guesses = (Guess("start_over", 0.55), Guess("ask_experience", 0.4))
    text = "would they let me start as a junior again"
    talk.turn(Message(text, "start_over", (Part(text, guesses, "answer"),)), "start_over")
    assert talk.context.roles == ("swe",)


@pytest.mark.parametrize("act", "greet goodbye thanks bot_challenge chitchat calm menu affirm deny stop".split())
def test_every_other_act_has_words(act: str) -> None:
    for before in ([], [said("mle salary", "salary", "mle")]):
        talk = Conversation()
        for message in before:
            talk.turn(message)
        assert talk.turn(Message("x", act), act).lead


def test_calm_twice_is_not_the_same(talk: Conversation) -> None:
    assert talk.turn(Message("x", "abuse"), "calm").lead != talk.turn(Message("x", "abuse"), "calm").lead


# -- suggestions ----------------------------------------------------------------------------------------------------------


def same(question: Question) -> tuple[str, ...]:
    """What is one question to a person: its subjects, or its topic and roles."""
    return question.subjects or (question.topic, *sorted(question.roles))


def offered(card: Card) -> list[Question]:
    return [question for item in card.suggestions if (question := question_from_payload(item.payload))]


def test_suggestions_are_new_and_can_be_tapped_for_long() -> None:
    talk = Conversation()
    card = talk.ask("what is an mle", "define_role", "mle")
    seen: set[tuple[str, ...]] = {("define_role", "mle")}
    for _ in range(25):
        questions = [question for item in card.suggestions if (question := question_from_payload(item.payload))]
        assert questions
        new = [question for question in questions if same(question) not in seen]
        assert len(new) >= len(questions) - 1, f"old ones offered: {questions}"
        card = talk.tap(new[0].payload())
        assert card.kind in ("answer", "comparison")
        seen.add(same(new[0]))


@pytest.mark.parametrize("roles", [(), ("mle",), ("swe", "ds"), ROLES], ids="-".join)
@pytest.mark.parametrize("topic", ["salary", "demand", "languages", "degree", "interview", "start_learning"])
def test_after_a_topic_specific_questions_of_it_are_offered(talk: Conversation, topic: str, roles: tuple[str, ...]) -> None:
    questions = offered(talk.tap(Question(topic, roles).payload()))
    specific = [question for question in questions if question.subjects]
    assert len(specific) in (1, 2) and len(questions) > len(specific)
    for question in specific:
        subject = KNOWLEDGE.subject(question.subjects[0])
        assert subject and topic in subject.topics and question.topic == topic and question.roles in (roles, ())
        assert any(not fact.roles or set(roles) <= set(fact.roles) for fact in subject.facts)


def test_of_several_roles_only_that_is_asked_which_differs_between_them() -> None:
    for question in nearby(Answers(KNOWLEDGE), "salary", ("swe", "ds")):
        subject = KNOWLEDGE.subject(question.subjects[0])
        named = {role for fact in subject.facts for role in fact.roles} if subject else set()
        assert question.roles == (("swe", "ds") if {"swe", "ds"} <= named else ())


def test_after_a_specific_question_another_one_then_the_topic_and_the_next(talk: Conversation) -> None:
    first = offered(talk.tap(Question("salary", ("ds",)).payload()))
    card = talk.tap(Question("salary", ("swe",), subjects=("negotiation",)).payload())
    another, general, following = offered(card)[:3]
    assert another.subjects and another.topic == "salary" and another.subjects != ("negotiation",)
    assert general == Question("salary", ("swe",)) and not following.subjects and following.topic != "salary"
    assert next(question.topic for question in first if not question.subjects) == following.topic
    general_is_old = offered(talk.tap(Question("salary", ("swe",), subjects=("two_offers",)).payload()))
    assert general in general_is_old
    talk.tap(general.payload())
    assert general not in offered(talk.tap(Question("salary", ("swe",), subjects=("pay_other_countries",)).payload()))


def test_a_subject_is_offered_until_it_is_answered_and_never_again(talk: Conversation) -> None:
    card = talk.tap(Question("salary", ("ds",)).payload())
    seen: set[str] = set()
    for _ in range(12):
        specific = [question for question in offered(card) if question.subjects]
        assert specific and not seen & {question.subjects[0] for question in specific}
        # The same of another role is no news either.
        assert talk.tap(Question("salary", ("swe",), subjects=specific[0].subjects).payload()).kind == "answer"
        seen.add(specific[0].subjects[0])
        card = talk.tap(Question("salary", ("ds",)).payload())


def test_suggested_titles_are_short_enough_for_a_button() -> None:
    for topic in TOPICS:
        for roles in [(), ("mle",), ("swe", "ds"), ROLES]:
            for question in nearby(Answers(KNOWLEDGE), topic, roles):
                assert len(Answers(KNOWLEDGE).title(question)) <= 80


def test_an_answer_does_not_offer_itself() -> None:
    for topic in TOPICS:
        for roles in [("mle",), ("swe", "ds"), ROLES]:
            talk = Conversation()
            card = talk.ask(topic, topic, *roles)
            assert 2 <= len(card.suggestions) <= 4
            assert Question(topic, roles).payload() not in [item.payload for item in card.suggestions]


# -- memory ---------------------------------------------------------------------------------------------------------------


def test_context_survives_the_slot(talk: Conversation) -> None:
    talk.ask("salary of an mle in the uk", "salary", "mle", countries=("UK",), levels=("entry",))
    talk.ask("and the tools", "tools")
    context = talk.context
    assert Context.restore(json.loads(json.dumps(context.store()))) == context
    assert context.questions == [Question("tools", ("mle",))]
    assert (context.country, context.level) == ("UK", "entry")


@pytest.mark.parametrize("data", [None, "", 5, [], {}, {"questions": 1}, {"questions": [{}]}, {"roles": None}])
def test_garbage_is_an_empty_context(data: Any) -> None:
    assert Context.restore(data) == Context()


def stored() -> dict:
    talk = Conversation()
    talk.ask("salary of an mle", "salary", "mle")
    return dict(talk.slot)


@pytest.mark.parametrize("field", sorted(Context().store()))
@pytest.mark.parametrize("value", [None, 5, "x", [5], [["a"]], {"a": 1}, [{}]], ids=str)
def test_a_garbled_field_does_not_end_the_conversation(field: str, value: Any) -> None:
    data = {**stored(), field: value}
    for act, message in (
        ("answer", said("and the tools", "tools")),
        ("repeat", Message("again", "repeat")),
        ("fallback", said("1", "tools", decision="decline", confidence=0.1)),
    ):
        talk = Conversation()
        talk.slot = data
        talk.turn(message, act)


def test_a_subject_that_is_gone_is_forgotten() -> None:
    gone, kept = Question("salary", ("ds",), subjects=("no_such_subject",)), Question("salary", ("ds",))
    context = Context(questions=[gone], offered=[("gone", gone.payload()), ("kept", kept.payload())])
    context.keep_known(KNOWLEDGE.topics, KNOWLEDGE.roles, KNOWLEDGE.subjects_by_id())
    assert context.questions == [kept] and context.offered == [("kept", kept.payload())]


def test_thanks_compares_nothing(talk: Conversation) -> None:
    talk.ask("what does a software engineer earn", "salary", "swe")
    text = "thanks, what is the difference between junior and senior data scientists"
    # What is held against each other are the levels, not the roles.
    assert asked(talk.ask(text, "career_path", "ds", levels=("entry", "senior"))) == [("career_path", ["ds"])]


def test_context_of_older_knowledge(talk: Conversation) -> None:
    """A role or topic that the knowledge no longer has is forgotten, not an error."""
    data = stored()
    data["roles"], data["mentioned"] = ["pastry_cook"], ["pastry_cook"]
    data["questions"] = [{"topic": "hats", "roles": ["pastry_cook"], "aspect": None, "country": None, "level": None}]
    for act, message in (
        ("answer", said("and the tools", "tools")),
        ("repeat", Message("x", "repeat")),
        ("thanks", Message("x", "thanks")),
    ):
        other = Conversation()
        other.slot = data
        assert other.turn(message, act).lead


MESSAGES = st.builds(
    said,
    st.sampled_from(
        ["and the other one", "both", "all three", "the second one", "which one", "no, i meant that", "it", "the other two", "2"]
    ),
    st.sampled_from([*KNOWLEDGE.topics, None]),
    decision=st.sampled_from(["answer", "ask", "decline"]),
    confidence=st.floats(0, 1),
    second=st.none() | st.sampled_from(TOPICS),
    countries=st.sampled_from([(), ("India",), ("UK",)]),
    others=st.sampled_from([(), (), ("nurse",), ("data analyst",)]),
)
ROLED = st.tuples(MESSAGES, st.lists(st.sampled_from(ROLES), max_size=3, unique=True)).map(
    lambda pair: Message(
        pair[0].text, pair[0].intent, tuple(Part(**{**one.__dict__, "roles": tuple(pair[1])}) for one in pair[0].parts)
    )
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(ROLED, st.sampled_from(["answer", "answer", "answer", "fallback", "affirm", "deny", "more", "source"])), max_size=8)
)
def test_no_conversation_fails(turns: Any) -> None:
    talk = Conversation()
    for message, act in turns:
        talk.turn(message, act)


# -- first messages -------------------------------------------------------------------------------------------------------------------


def again(text: str, confidence: float) -> Message:
    part = Part(text, (Guess("repeat", 0.9), Guess("ask_ai_impact", confidence)), "answer", ("swe",))
    return Message(text, "repeat", (part,))


def test_before_anything_was_answered_more_than_a_few_words_ask_for_something() -> None:
    text = "i drive a truck, so will ai take the jobs of programmers too or what"
    card = Conversation().turn(again(text, 0.35), "repeat")
    assert card.kind == "answer" and asked(card) == [("ai_impact", ["swe"])]
    unsure = Conversation().turn(again(text, 0.1), "repeat")
    assert unsure.kind in ("clarify", "answer") and unsure.questions
    # A few words do mean it.
    assert wording.NOTHING_YET in Conversation().turn(again("say that again", 0.35), "repeat").lead


@pytest.mark.parametrize(
    ("roles", "subjects"),
    [(("ds", "swe"), ("swe_or_ds",)), (("mle", "ds"), ("mle_or_ds",)), (("swe", "mle"), ("swe_or_mle",)), (ROLES, ())],
)
def test_the_choice_between_roles_is_that_between_those_named(roles: tuple[str, ...], subjects: tuple[str, ...]) -> None:
    # The encoder sees no roles: whichever pair is the nearest, it is as near to any.
    near: dict[str, Any] = {
        "subjects": (SubjectGuess("swe_or_mle", 0.9, True), SubjectGuess("swe_or_ds", 0.4)),
        "evidence": (Evidence("swe_or_mle", 1, 1.0), Evidence("swe_or_mle", 0, 0.8), Evidence("maths", 0, 0.5)),
    }
    talk = Conversation()
    card = talk.turn(said("which of these should i take, i like maths", "choose", *roles, **near))
    assert tuple(card.questions[0].subjects or ()) == subjects
    # Of roles that are carried over likewise.
    carried = talk.turn(said("how do they compare", "compare", **near))
    others = {"swe_or_mle", "swe_or_ds", "mle_or_ds"} - set(subjects)
    told = {str(claim.text) for name in others for claim in KNOWLEDGE.subject(name).claims}  # type: ignore[union-attr]
    for one in (card, carried):
        assert one.kind == "comparison" and set(one.questions[0].roles) == set(roles)
        assert not told & {one.lead, *one.points}


@pytest.mark.parametrize("text", ["no", "no, not that", "nope"])
def test_a_bare_no_repeats_nothing(text: str) -> None:
    talk = Conversation()
    talk.ask("how much", "salary", "swe")
    guesses = (Guess("deny", 0.9), Guess("source", 0.2), Guess("ask_salary", 0.1))
    card = talk.turn(Message(text, "deny", (Part(text, guesses, "answer"),)), "deny")
    assert card.kind == "clarify" and card.lead.startswith(wording.DENIED)


def test_the_story_beside_a_question_does_not_decline_it() -> None:
    story = part("what the army pays for is a degree.", "degree", decision="decline", confidence=0.5)
    question = part("what should i study for this job", "start_learning", "mle")
    message = Message(f"{story.text} {question.text}", "ask_start_learning", (story, question))
    card = Conversation().turn(message)
    assert card.kind == "answer" and asked(card) == [("start_learning", ["mle"])]


# -- what the matcher found, said whatever the reading ------------------------------------------------------------------------------

NEAR = Evidence("meetings", 0, 1.0)
OF_MEETINGS: dict[str, Any] = {"evidence": (NEAR,), "subjects": (SubjectGuess("meetings", 0.9, True),)}
MEETINGS = str(KNOWLEDGE.subject("meetings").facts[0].text)  # type: ignore[union-attr]


def test_a_reading_of_another_topic_keeps_what_is_asked_about() -> None:
    understanding = Understanding(KNOWLEDGE, Answers(KNOWLEDGE), Context())
    message = said("how many meetings are there", "daily_tasks", "swe", second="collaboration", **OF_MEETINGS)
    (question,) = understanding.asked_of(("collaboration",), ("swe",), message)
    assert (question.topic, question.subjects, question.evidence) == ("collaboration", ("meetings",), (NEAR,))
    # A topic that is carried over is not what this message is about.
    (carried,) = understanding.asked_of(("salary",), ("swe",), message)
    assert not carried.subjects and not carried.evidence


def test_what_is_declined_comes_with_the_nearest_facts() -> None:
    card = Conversation().turn(said("how many meetings", "daily_tasks", decision="decline", confidence=0.5, evidence=(NEAR,)), "fallback")
    assert card.kind == "fallback" and card.points == [MEETINGS] and card.sources
    assert MEETINGS in render(card).replace("\n  ", " ")


@pytest.mark.parametrize("scope, score", [(0.1, 1.0), (0.5, -4.0)])
def test_nothing_far_stands_beside_a_refusal(scope: float, score: float) -> None:
    evidence = (Evidence("meetings", 0, score, None, False),)
    message = said("lights", "daily_tasks", decision="decline", confidence=0.5, evidence=evidence, scope=scope)
    card = Conversation().turn(message, "fallback")
    assert card.kind == "fallback" and not card.points


def test_a_company_is_refused_with_what_is_known_in_general() -> None:
    card = Conversation().turn(said("how many meetings does Google have", "daily_tasks", companies=("Google",), **OF_MEETINGS))
    assert card.kind == "fallback" and card.lead == wording.COMPANY and card.points == [MEETINGS]


def test_a_far_title_told_in_passing_refuses_nothing() -> None:
    passing = said("my brother is a nurse, how many meetings are there", "daily_tasks", others=("nurse",), **OF_MEETINGS)
    assert Conversation().turn(passing).kind == "answer"
    about = said("how many meetings does a nurse have", "daily_tasks", others=("nurse",), evidence=(NEAR,))
    card = Conversation().turn(about)
    assert card.kind == "fallback" and not card.points


def test_a_neighbouring_title_takes_a_role_beside_it() -> None:
    alone = said("how many meetings does a data engineer have", "daily_tasks", others=("data engineer",), **OF_MEETINGS)
    card = Conversation().turn(alone)
    assert card.kind == "fallback" and "data engineer" in card.lead and card.points == [MEETINGS]


def test_a_title_alone_is_not_told_in_passing() -> None:
    of_it: dict[str, Any] = {
        "evidence": (Evidence("from_nurse_or_health", 0, 1.0),),
        "subjects": (SubjectGuess("from_nurse_or_health", 0.9, True),),
    }
    card = Conversation().turn(said("what about nurses", "good_career", others=("nurse",), **of_it))
    assert card.kind == "fallback" and "nurse" in card.lead


def test_a_title_that_the_nearest_fact_tells_of_is_not_told_in_passing() -> None:
    subject = KNOWLEDGE.subject("pay_vs_other_jobs")
    assert subject is not None
    place = next(place for place, fact in enumerate(subject.facts) if "for nurses" in fact.text)
    near: dict[str, Any] = {
        "evidence": (Evidence(str(subject.id), place, 1.0, None, True),),
        "subjects": (SubjectGuess(str(subject.id), 0.9, True),),
    }
    card = Conversation().turn(said("what do nurses earn", "salary", others=("nurse",), **near))
    assert card.kind == "fallback" and "nurse" in card.lead
    # Of oneself it is a comparison with the pay here.
    own = said("i am a nurse, would i earn more", "salary", others=("nurse",), origins=("nurse",), **near)
    assert Conversation().turn(own).kind == "answer"


def test_what_is_declined_or_asked_back_offers_the_nearest_specific_questions() -> None:
    declined = Conversation().turn(said("how many meetings", "daily_tasks", "swe", decision="decline", evidence=(NEAR,)), "fallback")
    unsure = Conversation().turn(
        said("what is the stuff", "tools", "swe", decision="ask", confidence=0.4, second="skills", evidence=(NEAR,))
    )
    title = Answers(KNOWLEDGE).title(Question("daily_tasks", ("swe",), subjects=("meetings",)))
    for card, kind, guess in ((declined, "fallback", "daily_tasks"), (unsure, "clarify", "tools")):
        assert card.kind == kind and 3 <= len(card.suggestions) <= 4
        # What was guessed keeps the first place.
        assert card.questions[0].topic == guess and title not in card.suggestions[0].title
        assert title in [item.title for item in card.suggestions] and ["meetings"] in [question.subjects for question in card.questions]
    far = (Evidence("meetings", 0, -4.0, None, False),)
    card = Conversation().turn(said("lights", "daily_tasks", decision="decline", confidence=0.5, evidence=far), "fallback")
    assert not any(question.subjects for question in card.questions)


def test_what_to_ask_next_begins_with_what_was_near() -> None:
    talk = Conversation()
    card = talk.ask("are there many meetings", "salary", "swe", evidence=(NEAR,), whole=False)
    assert Answers(KNOWLEDGE).title(Question("daily_tasks", ("swe",), subjects=("meetings",))) in [item.title for item in card.suggestions]


def test_a_title_that_somebody_wants_is_not_told_in_passing() -> None:
    wanted = said("how many meetings once I become a nurse", "daily_tasks", others=("nurse",), targets=("nurse",), **OF_MEETINGS)
    assert Conversation().turn(wanted).kind == "fallback"


def test_an_answer_is_said_again_with_what_it_rests_on() -> None:
    talk = Conversation()
    card = talk.ask("are there many meetings", "salary", "swe", evidence=(NEAR,), whole=False)
    assert card.lead == wording.NOT_EXACTLY.format(words="are there many meetings") and card.points[0] == MEETINGS
    again = talk.turn(said("again", None), "repeat")
    assert again.lead == wording.NOT_JUST_THAT and again.points == card.points and again.sources == card.sources
    source = talk.turn(said("where is that from", None), "source")
    assert {item.id for item in card.sources} <= {item.id for item in source.sources}


def test_what_is_carried_over_is_looked_up_anew() -> None:
    talk = Conversation()
    talk.ask("how many meetings are there", "daily_tasks", "swe", **OF_MEETINGS)
    assert talk.context.questions[0].evidence == (NEAR,)
    card = talk.ask("and data scientists?", None, "ds")
    assert card.questions[0].subjects == ["meetings"] and not talk.context.questions[0].evidence


def test_small_talk_and_other_languages_bring_no_facts() -> None:
    evidence = (Evidence("meetings", 0, 1.0),)
    assert not Conversation().turn(said("wie viele", "daily_tasks", decision="decline", evidence=evidence, scope=0.0), "fallback").points
    talk = Conversation()
    talk.ask("how much", "salary", "swe")
    no = Message("no, not that", "deny", (Part("no, not that", (Guess("deny", 0.9),), "answer", evidence=evidence),))
    assert not talk.turn(no, "deny").points
