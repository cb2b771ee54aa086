"""What the report says of subjects and forms, counted from events as a store holds them; no model is needed."""

from __future__ import annotations

from typing import Any

from rolewise.insights import report
from rolewise.insights.events import turns_of
from rolewise.insights.figures import count
from rolewise.insights.page import page

Event = tuple[str, float | None, dict[str, Any]]
NAMES = report.Names({"tools": "Tools"}, {"ds": "Data scientist"}, {"ds": "DS"}, {"git": "Git <basics>"})


def answered(kind: str, *questions: dict[str, Any]) -> list[Event]:
    card = {"kind": kind, "answer_id": "a1", "questions": [{"topic": "tools", "roles": ["ds"], **question} for question in questions]}
    return [("user", 1.0, {"text": "git?"}), ("bot", 2.0, {"data": {"custom": {"card": card}}})]


def made(*conversations: list[Event]) -> dict[str, Any]:
    figures = count((str(number), turns_of(iter(events))) for number, events in enumerate(conversations))
    return report.data(figures, [], NAMES)


def test_answers_are_counted_by_subject_and_form() -> None:
    told = made(
        answered("answer", {"subjects": ["git", "excel"], "form": "yes_no"}),
        answered("comparison", {"subjects": ["git"], "form": None}, {"subjects": ["git"], "form": "why"}),
        answered("answer", {"subjects": [], "form": "yes_no"}),
        # Cards from before there were subjects.
        answered("answer", {}),
        # What is only offered is not answered.
        answered("clarify", {"subjects": ["excel"], "form": "how"}),
    )
    assert told["subjects"] == [
        {"subject": "git", "title": "Git <basics>", "answered": 2},
        {"subject": "excel", "title": "excel", "answered": 1},
    ]
    assert told["forms"] == [
        {"form": "yes_no", "answered": 2},
        {"form": "not known", "answered": 2},
        {"form": "why", "answered": 1},
    ]
    assert (told["totals"]["answered"], told["totals"]["answered without subject"]) == (4, 2)
    assert "subjects,git,answered,2\n" in report.as_csv(told)
    html = page(told)
    assert "<td>Git &lt;basics&gt;</td><td>2</td>" in html and "2 of 4 answers spoke of a topic in general" in html


def test_a_report_without_answers_has_its_tables() -> None:
    told = made()
    assert (told["subjects"], told["forms"]) == ([], []) and "What exactly was asked about" in page(told)
