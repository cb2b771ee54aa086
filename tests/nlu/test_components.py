"""The NLU of the loaded model: what it puts into a message, that it is the same every time, and what it says of wrong weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rolewise.nlu.encoder import WEIGHTS, weights_directory
from rolewise.questions import Part
from rolewise.settings import PROJECT_ROOT
from tests.conftest import Assistant

MESSAGES = [
    "what does a data scientist earn",
    "MLE vs SWE?",
    "wht degre do i ned 4 machne lerning enginer",
    "how do I fix CUDA out of memory",
    "hi",
    "what does a nurse earn in London as a junior 💰",
    "what does an ml engineer earn, and does a software engineer need a degree?",
]
PART = set(Part("", (), "answer").as_dict())

FRESH = """
import asyncio, json, sys
from rolewise.commands import cli
from rolewise.engine.imports import light, newest
from rolewise.settings import settings
cli.quiet()
light(newest(settings().models))
cli.logs("ERROR")
from rolewise.commands.ask import Asker

async def main():
    asker = await Asker.load()
    return [await asker.agent.parse_message(text) for text in json.loads(sys.argv[1])]

print("PARSED " + json.dumps(asyncio.run(main())))
print("LOADED " + " ".join(name for name in ("tensorflow", "jax", "sklearn", "scipy.stats", "matplotlib") if sys.modules.get(name)))
"""


def types(value: Any) -> set[type]:
    """The types of all values in nested data."""
    if isinstance(value, dict):
        return {dict}.union(*map(types, value), *map(types, value.values()))
    if isinstance(value, (list, tuple)):
        return {type(value)}.union(*map(types, value))
    return {type(value)}


@pytest.mark.parametrize("text", MESSAGES)
def test_output_has_questions_knowledge_and_ranking(asker: Assistant, text: str) -> None:
    parsed = asker.parse(text)
    assert parsed["text"] == text
    assert parsed["knowledge"]
    ranking = parsed["intent_ranking"]
    assert ranking and all(set(guess) == {"name", "confidence"} for guess in ranking)
    confidences = [guess["confidence"] for guess in ranking]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert parsed["intent"]["name"] in (ranking[0]["name"], "nlu_fallback")
    assert parsed["intent"]["confidence"] == ranking[0]["confidence"]
    assert parsed["questions"] and all(set(question) == PART for question in parsed["questions"])
    for entity in parsed["entities"]:
        assert text[entity["start"] : entity["end"]]


@pytest.mark.parametrize("text", MESSAGES)
def test_output_is_plain_data(asker: Assistant, text: str) -> None:
    ours = {key: value for key, value in asker.parse(text).items() if key != "text_tokens"}
    assert types(ours) <= {dict, list, str, float, int, bool, type(None)}
    assert json.loads(json.dumps(ours)) == ours


def test_entities_stand_where_they_were_typed(asker: Assistant) -> None:
    parsed = asker.parse("  What does a DATA   sientist earn?")
    (role,) = [entity for entity in parsed["entities"] if entity["entity"] == "role"]
    assert role["value"] == "ds"
    assert parsed["text"][role["start"] : role["end"]] == role["text"] == "DATA   sientist"


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_has_no_intent(asker: Assistant, text: str) -> None:
    parsed = asker.parse(text)
    assert parsed["intent"] == {"name": None, "confidence": 0.0}
    assert parsed["intent_ranking"] == []
    assert parsed["questions"] == []
    assert parsed["entities"] == []


@pytest.mark.parametrize(
    ("text", "topics", "roles"),
    [
        ("what does an ml engineer earn, and does a software engineer need a degree?", ["salary", "degree"], [["mle"], ["swe"]]),
        ("What skills does a data scientist need? Can they work from home?", ["skills", "remote_work"], [["ds"], []]),
        ("how much does a data scientist earn and is it hard", ["salary", "difficulty"], [["ds"], []]),
        # What is listed is asked, though two roles beside a word suggest a comparison.
        ("swe and mle: skills, degree, pay?", ["skills", "degree", "salary"], [["swe", "mle"]] * 3),
        ("two things on a data scientist's job: what does it pay, and is it hard?", ["salary", "difficulty"], [[], []]),
    ],
)
def test_a_message_of_several_parts_has_several_questions(asker: Assistant, text: str, topics: list[str], roles: list[list[str]]) -> None:
    questions = asker.parse(text)["questions"]
    assert [question["topic"] for question in questions] == topics
    assert [question["roles"] for question in questions] == roles


@pytest.mark.parametrize("text", ["which tools and frameworks do machine learning engineers use", "what does a data scientist earn"])
def test_a_message_of_one_part_has_one_question(asker: Assistant, text: str) -> None:
    assert len(asker.parse(text)["questions"]) == 1


STORY = ("I look after two kids and spent ten years in a warehouse in Leeds.", "My sister says that I worry too much about everything.")


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    ("question", "topic", "role"),
    [
        ("Which languages should a data scientist know?", "languages", "ds"),
        ("How much does a software engineer earn?", "salary", "swe"),
        ("do machine learning engineers need a degree?", "degree", "mle"),
    ],
)
def test_a_question_is_heard_wherever_it_stands_in_a_story(asker: Assistant, question: str, topic: str, role: str, place: int) -> None:
    text = " ".join([*STORY[:place], question, *STORY[place:]])
    (part,) = asker.parse(text)["questions"]
    assert (part["topic"], part["roles"], part["decision"]) == (topic, [role], "answer")


def test_a_text_is_understood_the_same_again_and_in_another_process(asker: Assistant) -> None:
    first = [asker.parse(text) for text in MESSAGES]
    assert [asker.parse(text) for text in reversed(MESSAGES)] == first[::-1]
    fresh = subprocess.run([sys.executable, "-c", FRESH, json.dumps(MESSAGES)], cwd=PROJECT_ROOT, capture_output=True, text=True)
    (line,) = [line for line in fresh.stdout.splitlines() if line.startswith("PARSED ")] or [fresh.stderr]
    assert json.loads(line.removeprefix("PARSED ")) == json.loads(json.dumps(first))
    assert "LOADED " in fresh.stdout.splitlines(), "to answer takes none of these"


def encoder_error(directory: Path, cache: Path) -> str:
    """What a training would end with, given these weights."""
    code = (
        "from rolewise.nlu.encoder import EncoderError, converted\ntry:\n    converted()\nexcept EncoderError as error:\n    print(error)"
    )
    environment = {**os.environ, "ROLEWISE_ENCODER": str(directory), "ROLEWISE_CACHE": str(cache)}
    run = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_changed_weights_are_refused_with_the_remedy(tmp_path: Path) -> None:
    weights = bytearray((weights_directory() / WEIGHTS).read_bytes())
    weights[len(weights) // 2] ^= 1
    (tmp_path / WEIGHTS).write_bytes(weights)
    error = encoder_error(tmp_path, tmp_path / "cache")
    assert str(tmp_path / WEIGHTS) in error and "sha256" in error
    assert "make setup" in error and "ROLEWISE_ENCODER" in error


def test_absent_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    error = encoder_error(tmp_path, tmp_path / "cache")
    assert "is absent" in error
    assert "make setup" in error and "ROLEWISE_ENCODER" in error
