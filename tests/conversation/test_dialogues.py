"""The golden dialogues of ``dialogues.yml``, held with the real model; a failing one prints its whole transcript.

Those named in ``dialogues_open.txt`` are known to fail: they run all the same, and the closing line counts them.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from bench.conversations import GOLDEN, golden_open, several
from bench.conversations import fits as fits_label
from tests.conftest import Assistant, Turn

DIALOGUES: list[dict[str, Any]] = yaml.load(GOLDEN.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
OPEN = golden_open()
RUN_ALL = os.environ.get("DIALOGUES") == "all"


def cases() -> Iterator[Any]:
    for dialogue in DIALOGUES:
        known = dialogue["name"] in OPEN and not RUN_ALL
        yield pytest.param(
            dialogue,
            id=dialogue["name"],
            marks=[pytest.mark.xfail(strict=False, reason="known open, see dialogues_open.txt")] if known else [],
        )


def folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def fits(wanted: dict[str, Any], got: dict[str, Any]) -> bool:
    label = {**wanted, "topic": several(wanted["topic"])}
    return fits_label(label, got) and ("aspect" not in wanted or wanted["aspect"] == got["aspect"])


def faults(expected: dict[str, Any], turn: Turn) -> list[str]:
    """What is wrong with an answered turn, in words."""
    found = []
    if turn["kind"] not in several(expected["kind"]):
        found.append(f"kind is {turn['kind']}, expected {' or '.join(several(expected['kind']))}")
    if "questions" in expected:
        wanted, got = expected["questions"], turn["questions"]
        if len(wanted) != len(got) or not all(map(fits, wanted, got)):
            found.append(f"questions are {shown(got)}, expected {shown(wanted)}")
    for offer in expected.get("offers", []):
        if not any(fits(offer, question) for question in turn["questions"]):
            found.append(f"{shown([offer])} is not offered")
    text = folded(turn["answer"])
    found += [f"the text lacks {part!r}" for part in expected.get("text", []) if folded(part) not in text]
    found += [f"the text has {part!r}" for part in expected.get("not_text", []) if folded(part) in text]
    return found


def shown(questions: list[dict[str, Any]]) -> str:
    return (
        "["
        + ", ".join(
            f"{'|'.join(several(question['topic']))}({'+'.join(question['roles']) if 'roles' in question else 'any'})"
            for question in questions
        )
        + "]"
    )


def hold(asker: Assistant, dialogue: dict[str, Any]) -> tuple[list[str], bool]:
    """Hold a dialogue to its end. Returns the transcript and whether all was as expected."""
    sender, transcript, good = uuid.uuid4().hex, [f"# {dialogue['name']}"], True
    suggestions: list[dict[str, str]] = []
    for number, expected in enumerate(dialogue["turns"], 1):
        if "tap" in expected and expected["tap"] > len(suggestions):
            transcript.append(f"   !! turn {number}: there are {len(suggestions)} suggestions, none to tap as number {expected['tap']}")
            return transcript, False
        text = expected["say"] if "say" in expected else suggestions[expected["tap"] - 1]["payload"]
        turn = asker.turn(sender, text)
        suggestions = turn["card"]["suggestions"]
        transcript.append(f"{number}. > {text}")
        transcript.append(f"   {turn['intent']} {turn['confidence']:.2f} -> {turn['kind']} {shown(turn['questions'])}")
        transcript += [f"   | {line}" for line in turn["answer"].splitlines() if line.strip()]
        transcript.append(f"   to tap: {[suggestion['title'] for suggestion in suggestions]}")
        wrong = faults(expected, turn)
        good = good and not wrong
        transcript += [f"   !! turn {number}: {fault}" for fault in wrong]
    return transcript, good


@pytest.fixture(scope="module")
def tally(announce: Callable[[str], None]) -> Iterator[list[bool]]:
    """Collects which dialogues went well, and prints the sum at the end."""
    results: list[bool] = []
    yield results
    announce(f"Golden dialogues: {sum(results)} of {len(results)} as expected, {len(OPEN)} of {len(DIALOGUES)} listed as open.")


@pytest.mark.parametrize("dialogue", cases())
def test_dialogue(asker: Assistant, dialogue: dict[str, Any], tally: list[bool]) -> None:
    transcript, good = hold(asker, dialogue)
    tally.append(good)
    if not good:
        pytest.fail("\n" + "\n".join(transcript), pytrace=False)


def test_open_dialogues_exist() -> None:
    assert not OPEN - {dialogue["name"] for dialogue in DIALOGUES}
