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
