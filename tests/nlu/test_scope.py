"""Whether messages are taken for this assistant's: those of a writer whom nobody read, and what says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rolewise.nlu.matching import SCOPE_FEATURES, Match, Matcher
from rolewise.questions import Guess, Part
from tests.conftest import Assistant

MESSAGES = Path(__file__).parent.parent / "data" / "messages.jsonl"
# What was reached, less two standard errors of so many messages.
ANSWERED, LET_IN = 0.86, 0.16


@pytest.mark.parametrize(
    ("best", "named", "wanted"),
    [
        ("ask_salary", ("salary",), (1, 1)),
        ("ask_salary", ("degree",), (0, 1)),
        ("ask_salary", (), (0, 0)),
        ("out_of_scope", ("salary",), (1, 1)),
    ],
)
def test_a_topic_that_is_named_counts(best: str, named: tuple[str, ...], wanted: tuple[int, int]) -> None:
    part = Part("text", (Guess(best, 0.5), Guess("ask_salary", 0.2)), "answer", topics=named)
    found = dict(zip(SCOPE_FEATURES, Matcher.scope_features(part, Match())[0], strict=True))
    assert (found["topic_named"], found["topics_named"]) == wanted


def test_unread_messages_are_told_apart(asker: Assistant, announce: Callable[[str], None]) -> None:
    answered: dict[bool, list[bool]] = {True: [], False: []}
    for line in MESSAGES.read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        parts = asker.parse(label["text"])["questions"]
        answered[label["in_scope"]].append(any(part["decision"] == "answer" and part["topic"] for part in parts))
    inside, outside = (sum(found) / len(found) for found in (answered[True], answered[False]))
    announce(f"Of unread messages for the assistant {inside:.1%} are answered, of those that are not {outside:.1%}.")
    assert inside >= ANSWERED and outside <= LET_IN
