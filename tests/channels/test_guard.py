"""The guard in front of every channel: what is refused, what passes, and that no command from outside reaches Rasa."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolewise import wording
from rolewise.answers.compose import Answers
from rolewise.channels.guard import Admitted, admit, is_own_payload
from rolewise.knowledge import load
from rolewise.questions import Question
from rolewise.settings import settings as of_program

KNOWLEDGE = load(of_program().knowledge)
LIMIT = 2000


def admitted(text: str) -> Admitted:
    return admit(text, KNOWLEDGE, LIMIT)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t \r\n", "\x00", "\x00\x07\x1b", "\u200b", "\u200b \u200d\ufeff", "\u202e", "\u2060", "\u00ad", "\u00a0\u2003"],
    ids=ascii,
)
def test_nothing_in_it(text: str) -> None:
    assert admitted(text).text == ""
    assert admitted(text).refusal == wording.EMPTY


def test_control_and_zero_width_characters_go() -> None:
    assert admitted("sal\x00a\u200bry\u202e of an MLE\x1b").text == "salary of an MLE"


def test_line_ends_and_other_scripts_stay() -> None:
    assert admitted("  what skills?\nAnd 給料は？ 💻 ").text == "what skills?\nAnd 給料は？ 💻"


def test_longest_text() -> None:
    assert admitted("x" * LIMIT).text == "x" * LIMIT
    assert admitted("x" * LIMIT).refusal is None


def test_text_over_the_limit_is_refused_with_both_numbers() -> None:
    refused = admitted("x" * (LIMIT + 1))
    assert refused.text == ""
    assert refused.refusal is not None
    assert "2001" in refused.refusal
    assert "2000" in refused.refusal


def test_what_does_not_count() -> None:
    assert admitted(" \u200b" * 3 + "x" * LIMIT + "\n\x00").refusal is None


@pytest.mark.parametrize(
    "question",
    [
        Question("salary", ("mle",)),
        Question("salary", ("mle", "swe", "ds")),
        Question("salary", ("ds",), None, "UK", "entry"),
        Question("compare", ("mle", "ds"), "overall"),
        Question("compare", (), "overall"),
        Question("compare", ("swe", "ds"), "tools"),
        Question("choose"),
    ],
)
def test_own_payloads_pass(question: Question) -> None:
    assert admitted(question.payload()).text == question.payload()
    assert admitted(f" \u200b{question.payload()}\n").text == question.payload()


def test_every_payload_of_a_card_passes() -> None:
    answers = Answers(KNOWLEDGE)
    questions = [Question(topic, roles) for topic in KNOWLEDGE.topics for roles in [(), ("mle",), ("swe", "ds"), ("mle", "swe", "ds")]]
    for start in range(0, len(questions), 4):
        for suggestion in answers.suggestions(questions[start : start + 4]):
            assert admitted(suggestion.payload).text == suggestion.payload


FOREIGN = [
    "/",
    "///",
    "/ /",
    "/restart",
    "/session_start",
    "/back",
    "/greet",
    "/out_of_scope",
    "  /restart",
    "\u200b/restart",
    "\x00/restart",
    "//restart",
    "/ /restart",
    "/\n/restart",
    "/\u00a0/restart",
    "/\u2003/session_start",
    "/\u2028/restart",
    "/\u3000/restart",
    '/ask_salary{"role":["x"]}',
    '  /ask_salary{"role":["x"]}',
    '/ask_salary{"role":["mle"],"context":{"unsure":9}}',
    '/ask_salary{"role":{"a":{"b":[1]}}}',
    '/ask_salary{"role":[["mle"]]}',
    '/ask_salary{"role":[1,2,3]}',
    '/ask_salary{"role":5}',
    '/ask_salary{"role":null}',
    '/ask_salary{"role":["mle","mle"]}',
    '/ask_salary{"role":["mle","swe","ds","mle"]}',
    '/ask_salary{"country":"ZZ"}',
    '/ask_salary{"country":["UK"]}',
    '/ask_salary{"level":"boss"}',
    '/ask_compare{"aspect":"hats"}',
    "/ask_salary[]",
    "/ask_salary{bad json",
    "/ask_salary{bad json}",
    '/ask_salary{"role":["mle"]}; /restart',
    '/ask_salary{"role":["mle"]}{"role":["ds"]}',
    "/ask_hats",
    "/ask_",
    "/intent{bad json",
    '/ask_salary@0.9{"role":["mle"]}',
    "/ASK_SALARY",
    '/ask_salary{"role":' + "[" * 1900 + "}",
    '/ask_salary{"a":' * 100 + "}" * 100,
]


@pytest.mark.parametrize("text", FOREIGN, ids=lambda text: ascii(text)[:50])
def test_foreign_commands_become_plain_words(text: str) -> None:
    result = admitted(text)
    assert result.refusal is None
    assert result.text
    # Rasa strips a text before it looks at its first character.
    assert not result.text.strip().startswith("/")


def test_the_words_of_a_foreign_command_stay() -> None:
    assert admitted("/restart the conversation").text == "restart the conversation"


@pytest.mark.parametrize("text", ["and/or", "AI/ML salary", "24/7?", "a /restart"])
def test_slash_inside_is_no_command(text: str) -> None:
    assert admitted(text).text == text


def commands() -> st.SearchStrategy[str]:
    topics = st.sampled_from([*KNOWLEDGE.topics, "hats", "", "Salary"])
    values = st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["mle", "x", "UK"]) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "a"]), inner, max_size=2),
        max_leaves=6,
    )
    entities = st.dictionaries(st.sampled_from(["role", "aspect", "country", "level", "other"]), values, max_size=3)
    spaces = st.text(" \t\n/\u00a0\u200b\u2003", max_size=4)
    return st.builds(lambda before, topic, data: f"{before}/ask_{topic}{json.dumps(data)}", spaces, topics, entities)


@settings(max_examples=300, deadline=None)
@given(st.text() | commands() | st.text('/ \n\u00a0\u2028{}[]":aks_', max_size=30))
def test_no_text_raises_and_none_is_a_foreign_command(text: str) -> None:
    result = admitted(text)
    assert (result.refusal is None) == bool(result.text)
    if result.text.strip().startswith("/"):
        assert is_own_payload(result.text, KNOWLEDGE)
        assert set(result.text[1:].split("{")[0]) <= set("abcdefghijklmnopqrstuvwxyz_")
