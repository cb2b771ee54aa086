"""The training messages of ``data/nlu.yml``: enough of each, none under two intents, not alike, none of them a test message."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from rapidfuzz import fuzz, process

from rolewise.authoring.training_data import (
    ANNOTATION,
    SMALL_TALK,
    in_dialogues,
    in_jsonl,
    in_test_stories,
    leaks,
    normalised,
)
from rolewise.knowledge.loader import load
from rolewise.nlu import names
from rolewise.settings import Settings

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
EVAL_DIR = Settings.from_environment(os.environ).eval_dir

MIN_TOPIC, MIN_SMALL_TALK, MIN_OUT_OF_SCOPE = 200, 50, 900

# Two messages of a topic are alike from this ratio on, once role names are masked; so many per cent of a topic may be.
ALIKE, MAX_ALIKE = 85, 10


@pytest.fixture(scope="module")
def examples() -> list[tuple[str, str]]:
    """(intent, message) of every training message, in the order of the file."""
    data = yaml.load((ROOT / "data" / "nlu.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    lines = [(block["intent"], line) for block in data["nlu"] for line in block["examples"].splitlines()]
    assert all(line.startswith("- ") for _, line in lines)
    return [(intent, line[2:]) for intent, line in lines]


@pytest.fixture(scope="module")
def knowledge():
    return load(ROOT / "knowledge")


def test_every_topic_has_enough_examples(examples, knowledge):
    counts = Counter(intent for intent, _ in examples)
    short = {topic: counts[f"ask_{topic}"] for topic in knowledge.topics if counts[f"ask_{topic}"] < MIN_TOPIC}
    assert not short, f"topics with fewer than {MIN_TOPIC} examples: {short}"


def test_small_talk_and_out_of_scope_have_enough_examples(examples):
    counts = Counter(intent for intent, _ in examples)
    short = {intent: counts[intent] for intent in SMALL_TALK if counts[intent] < MIN_SMALL_TALK}
    assert not short, f"intents with fewer than {MIN_SMALL_TALK} examples: {short}"
    assert counts["out_of_scope"] >= MIN_OUT_OF_SCOPE


def test_every_intent_is_a_topic_or_known(examples, knowledge):
    known = {f"ask_{topic}" for topic in knowledge.topics} | {*SMALL_TALK, "out_of_scope"}
    assert {intent for intent, _ in examples} == known


def test_no_example_reads_as_payload_or_entity(examples):
    odd = [text for _, text in examples if not text.strip() or text.startswith(("/", "- ")) or ANNOTATION.search(text)]
    assert not odd


def test_no_text_stands_twice(examples):
    intents = defaultdict(list)
    for intent, text in examples:
        intents[normalised(text)].append(intent)
    twice = {text: found for text, found in intents.items() if len(found) > 1}
    assert not twice


def test_few_messages_of_a_topic_are_alike(examples, knowledge):
    nlp = names.build(knowledge)
    masked = defaultdict(list)
    topical = [(intent, text) for intent, text in examples if intent.removeprefix("ask_") in knowledge.topics]
    for (intent, _), doc in zip(topical, nlp.pipe(text for _, text in topical), strict=True):
        text = doc.text
        for mention in reversed(names.mentions(doc)):
            if mention.label == names.ROLE:
                text = text[: mention.start] + "ROLE" + text[mention.end :]
        masked[intent].append(normalised(text))
    crowded = {}
    for intent, texts in masked.items():
        ratios = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=ALIKE, dtype=np.uint8, workers=-1)
        share = 100 * (np.triu(ratios, k=1).max(axis=0) >= ALIKE).mean()
        if share > MAX_ALIKE:
            crowded[intent] = f"{share:.1f} %"
    assert not crowded, f"more than {MAX_ALIKE} % of the messages are like an earlier one: {crowded}"


@pytest.mark.parametrize("name", ["questions.jsonl", "out_of_scope.jsonl", "small_talk.jsonl"])
def test_no_test_message_is_a_training_message(examples, name):
    assert not leaks(examples, in_jsonl(TESTS / "data" / name))


@pytest.fixture(scope="module")
def taught() -> list[tuple[str, str]]:
    """(subject, question) of what the sentence encoder is tuned with beside the training messages and the knowledge."""
    lines = (ROOT / "encoder" / "questions.tsv").read_text(encoding="utf-8").splitlines()
    return [(subject, question) for subject, _, question in (line.split("\t") for line in lines)]


@pytest.mark.parametrize("name", ["questions.jsonl", "messages.jsonl", "out_of_scope.jsonl", "small_talk.jsonl"])
def test_no_test_message_is_taught_to_the_encoder(taught, name):
    assert not leaks(taught, in_jsonl(TESTS / "data" / name))


@pytest.mark.parametrize(("name", "read"), [("test_stories.yml", in_test_stories), ("conversation/dialogues.yml", in_dialogues)])
def test_no_scripted_message_is_a_training_message(examples, name, read):
    if not (TESTS / name).is_file():
        pytest.skip(f"tests/{name} is absent")
    assert not leaks(examples, read(TESTS / name), set_phrases=True)


if EVAL_DIR:  # conftest.py says in the report's header when it is not set

    def test_no_evaluation_message_is_a_training_message(examples, taught):
        files = sorted(Path(str(EVAL_DIR)).rglob("*.jsonl"))
        assert files, f"ROLEWISE_EVAL_DIR={EVAL_DIR} holds no JSONL file"
        for file in files:
            found = leaks([*examples, *taught], in_jsonl(file))
            assert not found, f"{file.name}: {found}"
