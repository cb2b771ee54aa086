"""The committed JSON Schemas are those of the models; the shipped knowledge and the cards keep to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rolewise.answers.compose import Answers
from rolewise.authoring import schemas
from rolewise.cards import Card
from rolewise.knowledge import load
from rolewise.questions import Question
from tests.knowledge_text import joined

ROOT = Path(__file__).parent.parent.parent
KNOWLEDGE_SCHEMA = ROOT / "knowledge" / "knowledge.schema.json"
CARD_SCHEMA = ROOT / "rolewise" / "card.schema.json"


def validator(path: Path) -> jsonschema.Draft7Validator:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.fixture(scope="module")
def careers() -> Any:
    """The knowledge file as an editor reads it: dates are text."""
    text = joined()
    return json.loads(json.dumps(yaml.load(text, Loader=yaml.CSafeLoader), default=str))


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers(load(ROOT / "knowledge"))


@pytest.mark.parametrize("path", [KNOWLEDGE_SCHEMA, CARD_SCHEMA], ids=lambda path: path.name)
def test_committed_schema_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == schemas.text(schemas.SCHEMAS[path]), "run: python -m rolewise.authoring.schemas"


def test_shipped_knowledge_is_valid(careers: dict[str, Any]) -> None:
    faults = [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator(KNOWLEDGE_SCHEMA).iter_errors(careers)]
    assert not faults


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        (("roles", "mle"), {"nickname": "em"}),
        (("topics", "salary"), {"title": 5}),
        (("topics",), {"Bad Id": {}}),
        (("roles", "ds", "answers", "salary"), {"points": []}),
        ((), {"version": 2}),
    ],
)
def test_faulty_knowledge_is_invalid(careers: dict[str, Any], where: Any, fault: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(careers))
    place = broken
    for key in where:
        place = place[key]
    place.update(fault)
    assert not validator(KNOWLEDGE_SCHEMA).is_valid(broken)


@pytest.mark.parametrize(
    "question",
    [
        Question("salary", ("mle",)),
        Question("tools", ("swe", "ds")),
        Question("compare", ("mle", "swe", "ds"), "overall"),
        Question("choose"),
        Question("salary", ("ds",), country="UK", level="entry"),
    ],
)
@pytest.mark.parametrize("shown", ["short", "normal", "full"])
def test_cards_are_valid(answers: Answers, question: Question, shown: str) -> None:
    card = answers.card([question], "a1", note="As before.", shown=shown, suggestions=[Question("pros", ("mle",))])
    validator(CARD_SCHEMA).validate(json.loads(card.json()))


def test_card_of_words_alone_is_valid() -> None:
    validator(CARD_SCHEMA).validate(json.loads(Card(kind="smalltalk", answer_id="s0", title="", lead="Hello.").json()))


@pytest.mark.parametrize("fault", [{"kind": "shout"}, {"lead": None}, {"table": {"caption": "x"}}, {"extra": 1}, {"version": 2}])
def test_faulty_cards_are_invalid(answers: Answers, fault: dict[str, Any]) -> None:
    card = json.loads(answers.card([Question("salary", ("mle",))], "a1").json())
    assert not validator(CARD_SCHEMA).is_valid({**card, **fault})


def test_writing_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "SCHEMAS", {tmp_path / path.name: model for path, model in schemas.SCHEMAS.items()})
    assert sorted(path.name for path in schemas.write()) == ["card.schema.json", "knowledge.schema.json"]
    assert schemas.write() == []
