"""Random walks through conversations with the real model: whatever is said in whatever order, certain things always hold."""

from __future__ import annotations

import statistics
import time
import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolewise.channels.guard import is_own_payload
from rolewise.knowledge.registry import knowledge_for
from tests.conftest import Assistant, Turn

SAID = [
    "what does a machine learning engineer do?",
    "and the salary?",
    "what about data scientists",
    "compare the two",
    "who earns the most",
    "which one is harder?",
    "no, I meant software engineer",
    "the other one",
    "both",
    "why?",
    "in London",
    "for a junior",
    "no matter where",
    "tell me more",
    "shorter",
    "say that again",
    "where is that from?",
    "which role suits me?",
    "I like building things",
    "not sure",
    "go on",
    "yes",
    "no",
    "stop",
    "start over",
    "thanks",
    "you are useless",
    "are you a robot",
    "good answer",
    "not helpful",
    "it was too long",
    "hello",
    "bye",
    "help",
    "1",
    "3",
    "9",
    "how do I bake bread",
    "what does a data engineer do",
    "is Google a good employer",
    "wie werde ich Arzt",
    "asdf qwer zxcv",
    "🙂",
    "what skills and tools does a swe need, and is it stressful?",
    "mle vs swe vs ds",
    "/restart",
    "",
]
# A message, or which of the last suggestions is tapped.
STEPS = st.one_of(st.sampled_from(SAID), st.integers(0, 3))
WALKS = st.lists(STEPS, min_size=3, max_size=12)


def step(asker: Assistant, sender: str, said: str | int, last: Turn | None) -> Turn:
    offered = last["card"]["suggestions"] if last else []
    text = said if isinstance(said, str) else offered[said % len(offered)]["payload"] if offered else "hello"
    return asker.turn(sender, text)


def told(turn: Turn) -> dict[str, Any]:
    """What a person is told."""
    return {key: turn[key] for key in ("kind", "questions", "answer", "card")}


def check(turn: Turn) -> None:
    assert turn["kind"] != "error", turn
    assert turn["answer"].strip() and turn["card"]["lead"].strip()
    assert all(len(line) <= 80 or "://" in line for line in turn["answer"].splitlines())
    suggestions = turn["card"]["suggestions"]
    assert len(suggestions) <= 4 and len({item["title"] for item in suggestions}) == len(suggestions)
    assert all(is_own_payload(item["payload"], knowledge_for(None)) for item in suggestions)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(walk=WALKS)
def test_every_turn_is_answered_and_every_suggestion_too(asker: Assistant, walk: list[str | int]) -> None:
    sender, last = uuid.uuid4().hex, None
    for said in walk:
        turn = step(asker, sender, said, last)
        check(turn)
        if isinstance(said, int) and last and last["card"]["suggestions"]:
            assert turn["kind"] in ("answer", "comparison", "clarify"), (said, last["card"]["suggestions"], turn["kind"])
        last = turn


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(first=WALKS, second=WALKS)
def test_two_conversations_never_mix(asker: Assistant, first: list[str | int], second: list[str | int]) -> None:
    alone = []
    for walk in (first, second):
        sender = uuid.uuid4().hex
        turns: list[Turn] = []
        for said in walk:
            turns.append(step(asker, sender, said, turns[-1] if turns else None))
        alone.append([told(turn) for turn in turns])
    senders = [uuid.uuid4().hex, uuid.uuid4().hex]
    beside: list[list[Turn]] = [[], []]
    for index in range(max(len(first), len(second))):
        for one, walk in enumerate((first, second)):
            if index < len(walk):
                beside[one].append(step(asker, senders[one], walk[index], beside[one][-1] if beside[one] else None))
    assert [[told(turn) for turn in turns] for turns in beside] == alone


def test_the_dialogue_takes_no_longer_in_a_long_conversation() -> None:
    """The state of the dialogue alone; what a server's store adds is measured with the server."""
    from rolewise.conversation.dialogue import Dialogue
    from rolewise.questions import Context, Guess, Message, Part

    knowledge = knowledge_for(None)
    topics, roles = list(knowledge.topics), list(knowledge.roles)

    def answered(data: Any, number: int) -> tuple[Any, float]:
        """What is remembered after one more turn, and what it cost this thread."""
        topic = topics[number % len(topics)]
        part = Part("a question", (Guess(f"ask_{topic}", 0.9),), "answer", roles=(roles[number % len(roles)],))
        began = time.thread_time()
        context = Context.restore(data)
        Dialogue(knowledge, context).respond(Message("a question", f"ask_{topic}", (part,)), "answer")
        after = context.store()
        return after, time.thread_time() - began

    short: Any = None
    long: Any = Context().store()
    for number in range(400):
        long, _ = answered(long, number)
        short = long if number == 50 else short
    # In turns, so that both are measured on the same machine, whatever else it does.
    pairs = [(answered(short, number)[1], answered(long, number)[1]) for number in range(100)]
    assert statistics.median(cost for _, cost in pairs) <= 2 * statistics.median(cost for cost, _ in pairs)
