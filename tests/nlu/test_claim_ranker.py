"""The claims that lead the replies to messages of a writer whom nobody read, as independent readers labelled them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rolewise.knowledge import load
from rolewise.nlu.claim_ranker import expanded, likely, log_odds
from rolewise.questions import Part
from rolewise.settings import settings
from tests.conftest import Assistant

ANSWERS = Path(__file__).parent.parent / "data" / "answers.jsonl"
# So much of its text names a claim in the labels.
SHOWN = 60
# What was reached, less two standard errors of so many messages: of those that some claim answers, for how many the first does, and for how
# many one of the first five.
FIRST, AMONG_FIVE = 0.50, 0.76


def test_features_are_expanded_by_their_products() -> None:
    assert expanded(np.array([[2.0, 3.0]])).tolist() == [[2.0, 3.0, 4.0, 6.0, 9.0]]


@pytest.mark.parametrize("probability", [0.01, 0.5, 0.9])
def test_odds_and_probabilities_are_each_others_inverse(probability: float) -> None:
    assert likely(log_odds(probability)) == pytest.approx(probability)


def test_unread_messages_get_the_claims_that_answer_them(asker: Assistant, announce: Callable[[str], None]) -> None:
    knowledge = load(settings().knowledge)
    first = among = answerable = 0
    for line in ANSWERS.read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        best = {tuple(name) for name in label["best"]}
        if not best:
            continue
        answerable += 1
        part = Part.from_dict(asker.parse(label["text"])["questions"][0])
        shown = []
        for item in part.evidence[:5]:
            subject = knowledge.subject(item.subject)
            assert subject is not None
            shown.append((item.subject, str(subject.claims[item.claim].text)[:SHOWN]))
        first += bool(shown) and shown[0] in best
        among += bool(best & set(shown))
    announce(f"Claims for {answerable} unread messages: the first answers {first / answerable:.1%}, one of five {among / answerable:.1%}.")
    assert first / answerable >= FIRST and among / answerable >= AMONG_FIVE
