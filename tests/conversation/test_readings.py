"""What a message may mean behind the ones before it, and which of that is taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import yaml

from bench.conversations import UNREAD, right
from rolewise.conversation.readings import (
    AGAIN,
    ANSWER,
    DECLINE,
    SIDES,
    SMALL_TALK,
    WEIGHTS,
    Heard,
    Reading,
    Scorer,
    enumerated,
    nearly,
    signs,
)
from rolewise.questions import COMPARE, Context, Guess, Message, Part, Question

NAMES = {"mle": ["ml engineer"], "swe": ["programmer"], "ds": ["data scientist"]}
TOPICS = {"salary": ["pay"], "demand": ["demand"], "degree": ["degree"], "compare": [], "choose": [], "define_role": [], "good_career": []}
RULES = Reading(ANSWER, ("salary",), ("ds",), True)
# What is reached today of the turns and of the whole conversations, in percent, less what chance may take: of the four writers of the first
# round and of the two of the second, who were asked for people as they are: impatient, joking, holding the roles against each other.
LEAST = {"c": (79, 50), "d": (56, 8)}


def heard(text: str, context: Context, intent: str = "follow_up", confidence: float = 0.9) -> Heard:
    part = Part(text.lower(), (Guess(intent, confidence), Guess("ask_demand", 0.05)), "answer")
    return Heard.of(Message(text, intent, (part,)), context, NAMES, TOPICS)


def talked(*roles: str, topic: str = "salary", mentioned: tuple[str, ...] = ()) -> Context:
    asked = [f"{topic}:{','.join(roles)}"]
    return Context([Question(topic, roles)], roles, mentioned or roles, asked, answers=1)


def meant(found: Heard, rules: Reading = RULES) -> set[tuple[tuple[str, ...], frozenset[str]]]:
    return {(reading.topics, frozenset(reading.roles)) for reading in enumerated(found, rules).readings if reading.act == ANSWER}


@pytest.mark.parametrize(
    ("text", "context", "topics", "roles"),
    [
        ("and data scientists?", talked("mle"), ("salary",), {"ds"}),
        ("+ data scientist", talked("mle", "swe"), ("salary",), {"mle", "swe", "ds"}),
        ("take the programmers out", talked("mle", "swe", "ds"), ("salary",), {"mle", "ds"}),
        ("only what is left", talked("ds", mentioned=("mle", "swe", "ds")), ("salary",), {"mle", "swe"}),
        ("side by side", talked("ds", mentioned=("mle", "ds")), ("salary",), {"mle", "ds"}),
        ("demand, not pay", talked("mle"), ("demand",), {"mle"}),
        ("pay and demand", talked("mle"), ("salary", "demand"), {"mle"}),
        ("I'm a data scientist. programmer or ml engineer?", talked("ds"), ("choose",), {"swe", "mle"}),
    ],
)
def test_what_is_meant_is_among_the_readings(text: str, context: Context, topics: tuple[str, ...], roles: set[str]) -> None:
    assert (topics, frozenset(roles)) in meant(heard(text, context))


def test_several_topics_of_the_last_answer_go_together_to_another_role() -> None:
    context = talked("mle")
    context.questions = [Question("salary", ("mle",)), Question("degree", ("mle",))]
    assert (("salary", "degree"), frozenset({"ds"})) in meant(heard("same for a data scientist", context))


def test_topics_asked_one_after_the_other_go_together_to_another_role() -> None:
    context = talked("mle")
    context.asked = ["salary:mle", "demand:mle", "demand:mle", "degree:mle"]
    found = meant(heard("both of those for data scientists", context))
    assert {(("demand", "degree"), frozenset({"ds"})), (("salary", "demand", "degree"), frozenset({"ds"}))} <= found


def test_of_the_roles_that_are_talked_about_none_is_lost_where_nothing_says_so() -> None:
    for context in (talked("ds", mentioned=("mle", "ds")), talked("mle", "swe", mentioned=("ds", "mle", "swe"))):
        found = {roles for _, roles in meant(heard("merci, and in montreal", context), Reading(DECLINE, rules=True))}
        assert all(set(context.roles) <= roles or (not roles and len(context.roles) == 1) for roles in found)


def test_of_roles_side_by_side_one_thing_may_be_asked() -> None:
    guesses = (Guess("ask_compare", 0.8), Guess("ask_demand", 0.1), Guess("ask_salary", 0.05))
    part = Part("data scientist or programmer, who has more work", guesses, "answer")
    candidates = enumerated(Heard.of(Message(part.text, "ask_compare", (part,)), Context(), NAMES, TOPICS), RULES)
    found = {reading.topics: topics for reading, (topics, _, _) in zip(candidates.readings, candidates.origins, strict=True)}
    assert found["demand",]["best on one thing"] == pytest.approx(0.1 / 0.15)
    assert "best on one thing" not in found["salary",] and "best on one thing" not in found[COMPARE,]


def test_a_topic_that_is_left_out_for_another_is_not_meant() -> None:
    asked = {topics for topics, _ in meant(heard("demand, not pay", talked("mle")), Reading(DECLINE, rules=True))}
    assert ("demand",) in asked
    assert ("salary",) not in asked


def test_all_three_are_all_three() -> None:
    part = Part("compare all three", (Guess("ask_compare", 0.9),), "answer", cues=frozenset({"all"}))
    found = Heard.of(Message(part.text, "ask_compare", (part,)), talked("mle", "ds"), NAMES, TOPICS, ("mle", "swe", "ds"))
    assert {roles for _, roles in meant(found, Reading(DECLINE, rules=True))} == {frozenset({"mle", "swe", "ds"})}


def test_the_rules_reading_is_there_once_and_the_acts_are_too() -> None:
    for rules in (RULES, Reading(SMALL_TALK, rules=True), Reading(ANSWER, ("salary", "degree"), ("several",), True)):
        found = enumerated(heard("ok", talked("ds")), rules).readings
        assert sum(reading.rules for reading in found) == 1
        assert {AGAIN, SMALL_TALK, DECLINE} <= {reading.act for reading in found}


def test_nothing_is_said_again_before_it_was_said() -> None:
    assert AGAIN not in {reading.act for reading in enumerated(heard("says who", Context()), RULES).readings}


def test_signs_are_shares() -> None:
    found = signs(heard("no, and the other one without data scientists?", talked("mle", "ds")))
    assert {"names 1", "known 2", "question mark", "words negates"} <= found.keys()
    assert all(0 < value <= 1 for value in found.values())


def test_the_scorer_adds_a_weight_for_each_pair_of_an_origin_and_a_sign() -> None:
    candidates = enumerated(heard("and data scientists?", talked("mle")), Reading(DECLINE, rules=True))
    assert not Scorer({side: {} for side in SIDES})(candidates).any()
    scorer = Scorer({"topics": {"last": {"names 1": 2.0}}, "roles": {"named": {"always": 1.0}}, "act": {}})
    best = scorer.best(candidates)
    assert (best.act, best.topics, best.roles) == (ANSWER, ("salary",), ("ds",))
    assert np.isclose(scorer(candidates).max(), 3.0)


def test_what_the_rules_read_stays_where_nothing_speaks_against_it() -> None:
    candidates = enumerated(heard("and data scientists?", talked("mle")), RULES)
    assert Scorer({side: {} for side in SIDES}).best(candidates).rules


def test_to_compare_two_roles_and_to_choose_between_them_hardly_differ() -> None:
    pair = ("mle", "ds")
    assert nearly(Reading(ANSWER, ("choose",), pair), Reading(ANSWER, (COMPARE,), ("ds", "mle")))
    assert not nearly(Reading(ANSWER, ("choose",), pair), Reading(ANSWER, ("choose",), ("ds",)))
    assert not nearly(Reading(ANSWER, ("choose",)), Reading(ANSWER, (COMPARE,)))


def test_the_shipped_weights_are_of_the_origins_and_signs_that_there_are() -> None:
    weights = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    assert set(weights) == set(SIDES)
    assert all(weights[side] for side in SIDES)


@pytest.mark.parametrize(
    ("turns", "topic", "roles"),
    [
        (["put all three side by side", "which is paid best"], "salary", {"ds", "mle", "swe"}),
        (["is there demand for data scientists", "any good?"], "good_career", {"ds"}),
        (["what does a data scientist earn", "how do i become an ml engineer"], "start_learning", {"mle"}),
        (["how do i become an ml engineer", "how long does that take"], "start_learning", {"mle"}),
    ],
)
def test_kinds_that_rules_do_not_carry_over_to(
    converse: Callable[[Iterable[str]], list[dict[str, Any]]], turns: list[str], topic: str, roles: set[str]
) -> None:
    (question,) = converse(turns)[-1]["questions"]
    assert (question["topic"], set(question["roles"])) == (topic, roles)


@pytest.mark.parametrize("round_", LEAST)
def test_so_many_turns_of_strangers_are_understood(converse: Callable[[Iterable[str]], list[dict[str, Any]]], round_: str) -> None:
    conversations = [
        one for one in yaml.load(UNREAD.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) if one["name"].startswith(round_)
    ]
    marks = [
        [right(*pair) for pair in zip(one["turns"], converse([str(turn["say"]) for turn in one["turns"]]), strict=True)]
        for one in conversations
    ]
    turns = 100 * np.mean([good for one in marks for good in one])
    whole = 100 * np.mean([all(one) for one in marks])
    # Which of them fail is not told: they are only counted.
    told = f"{turns:.1f} % of the turns, {whole:.1f} % whole"
    assert turns >= LEAST[round_][0], told
    assert whole >= LEAST[round_][1], told
