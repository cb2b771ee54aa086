"""The metrics of a turn: what was answered is counted by subject and by form."""

from __future__ import annotations

from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage

from rolewise.channels import report


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    own = report.Metrics()
    monkeypatch.setattr(report, "metrics", lambda: own)


def turn(kind: str, *questions: dict[str, Any]) -> str:
    """The metrics after one turn with a card of this kind."""
    item = {"text": "An answer.", "custom": {"card": {"kind": kind, "questions": list(questions)}}}
    report.turn(UserMessage("git?", input_channel="rest"), [item], 0.1, None)
    return report.exposition().decode()


def test_answers_are_counted_by_subject_and_form() -> None:
    told = turn("answer", {"topic": "tools", "subjects": ["git", "excel"], "form": "why"}, {"topic": "pros", "subjects": [], "form": None})
    for line in ('subjects_total{subject="git"} 1.0', 'subjects_total{subject="none"} 1.0', 'forms_total{form="why"} 1.0'):
        assert f"rolewise_{line}\n" in told
    assert 'rolewise_forms_total{form="unknown"} 1.0\n' in told and 'subject="excel"' in told


@pytest.mark.parametrize("kind", ["clarify", "fallback"])
def test_what_is_only_offered_is_not_counted(kind: str) -> None:
    told = turn(kind, {"topic": "tools", "subjects": ["git"], "form": "why"})
    assert "subject=" not in told and "form=" not in told


def test_a_card_without_questions_is_no_answer() -> None:
    assert "subject=" not in turn("smalltalk")


@pytest.mark.parametrize(
    ("text", "intent", "kind", "value"),
    [
        ("-1", "out_of_scope", "smalltalk", "down"),
        ("+1", "out_of_scope", "smalltalk", "up"),
        ("very helpful", "feedback_positive", "smalltalk", "up"),
        ("1st", "feedback_positive", "answer", None),
        ("2nd question", "feedback_negative", "comparison", None),
        ("hello", "greet", "smalltalk", None),
    ],
)
def test_a_rating_is_counted_as_what_it_says(text: str, intent: str, kind: str, value: str | None) -> None:
    message = UserMessage(text, input_channel="rest", parse_data={"intent": {"name": intent}})
    report.turn(message, [{"text": "An answer.", "custom": {"card": {"kind": kind, "questions": []}}}], 0.1, None)
    told = report.exposition().decode()
    for one in ("up", "down"):
        assert (f'rolewise_ratings_total{{rating="{one}"}} 1.0' in told) is (one == value)
