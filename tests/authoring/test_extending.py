"""A fourth role and a new topic: edits of content files alone, then a model is trained and asked about them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.authoring.copies import Copy

# So many training messages an intent train in seconds. What lies outside needs more, or everything is taken for a question.
FEW, MORE = 12, {"out_of_scope": 100}

DRESS = [
    "dress code?",
    "what should I wear to the office",
    "do they wear suits",
    "is there a dress code for a software engineer",
    "can a data scientist come in jeans",
    "clothes for the job",
    "hoodie or shirt at work?",
    "Do machine learning engineers dress formally?",
    "do I need a tie",
    "what clothes do SWEs wear",
    "is casual clothing ok in this job",
    "business casual or not",
    "how do people dress in that role",
    "outfit for work as a data scientist",
    "can I wear sneakers to work",
]


def data_engineer(answers: dict[str, Any]) -> dict[str, Any]:
    """A role with its own words in every answer, so that an answer of another role is seen."""
    own = {}
    for topic in answers:
        words = topic.replace("_", " ")
        own[topic] = {
            "lead": {"text": f"For a data engineer, {words} is about pipelines and warehouses.", "sources": ["S1"]},
            "points": [{"text": f"Point {number} on {words} of data engineering.", "sources": ["S2"]} for number in (1, 2, 3)],
            "cell": {"text": f"Pipelines ({words})", "sources": ["S1"]},
        }
    return {
        "name": "data engineer",
        "plural": "data engineers",
        "short": "DE",
        "field": "data engineering",
        "aliases": ["data engineer", "data engineering", "big data engineer", "etl developer"],
        "answers": own,
    }


def extended(root: Path, few: bool) -> Copy:
    """A copy with the topic that ``rolewise new-topic`` made and somebody wrote, and with a fourth role; trained."""
    copy = Copy(root)
    # What a topic and a role bring by themselves: subjects would answer in their place.
    shutil.rmtree(copy.knowledge / "subjects")
    (root / "dress.txt").write_text("\n".join(DRESS), encoding="utf-8")
    made = copy.run(
        "new-topic", "dress_code", "--question", "What does {a_role} wear at work?", "--alias", "clothes", "--examples", "dress.txt"
    )
    assert made.returncode == 0, made.stderr
    faults = copy.run("check")
    assert faults.returncode == 2 and re.search(
        r"roles.yml:\d+: roles.mle.answers.dress_code.lead.text: is still to be written", faults.stderr
    )
    roles, names = copy.knowledge / "roles.yml", copy.knowledge / "names.yml"
    text = roles.read_text(encoding="utf-8")
    text = text.replace("text: TODO the answer", "text: Wear what you like, says the answer").replace("text: TODO", "text: Jeans and")
    text = text.replace("sources: [TODO]", "sources: [S1]")
    roles.write_text(text, encoding="utf-8")
    # A role takes an edit of the knowledge alone; its title was one of those that are declined.
    others = names.read_text(encoding="utf-8")
    names.write_text(re.sub(r"  - \{name: data engineer,[^}]*\}\n", "", others), encoding="utf-8")
    answers = yaml.load(text, Loader=yaml.CSafeLoader)["roles"]["ds"]["answers"]
    copy.add_role("de", data_engineer(answers))
    if few:
        copy.keep_few_examples(FEW, MORE)
    found = copy.run("check")
    assert found.returncode == 0, found.stderr
    assert "asks about a role that is covered" in found.stdout or few
    trained = copy.run("train")
    assert trained.returncode == 0, trained.stderr[-3000:]
    return copy


CONVERSATIONS = [
    ["what does a data engineer do all day", "how much do they earn?", "what about software engineers?"],
    ["data engineer vs data scientist on degree"],
    ["compare data engineers and software engineers"],
    ["how much do they earn?"],
    ["what should a data engineer wear at work?"],
    ["what clothes do software engineers wear", "and data engineers?"],
    ["dress code"],
    ["mle vs de on clothes"],
    ["hello"],
    ["what can you do"],
    ["what about nurses"],
]


@pytest.fixture(scope="module", params=[True, pytest.param(False, marks=pytest.mark.scale)], ids=["few examples", "all examples"])
def talked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the assistant of the changed copy says, by the first message of each conversation."""
    copy = extended(tmp_path_factory.mktemp("copy"), few=request.param)
    return {turns[0]: said for turns, said in zip(CONVERSATIONS, copy.ask(*CONVERSATIONS), strict=True)}


def asked(turn: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(question["topic"], question["roles"]) for question in turn["questions"]]


def test_the_fourth_role_is_answered_and_carried_on(talked: dict[str, list[dict[str, Any]]]) -> None:
    day, pay, other = talked["what does a data engineer do all day"]
    assert (day["kind"], asked(day)) == ("answer", [("daily_tasks", ["de"])])
    assert "For a data engineer, daily tasks is about pipelines" in day["answer"]
    assert asked(pay) == [("salary", ["de"])] and "salary is about pipelines" in pay["answer"]
    assert asked(other) == [("salary", ["swe"])]


def test_the_fourth_role_is_compared(talked: dict[str, list[dict[str, Any]]]) -> None:
    (degree,) = talked["data engineer vs data scientist on degree"]
    assert (degree["kind"], asked(degree)) == ("comparison", [("degree", ["de", "ds"])])
    assert degree["card"]["table"]["columns"] == ["", "Data engineer", "Data scientist"]
    assert degree["card"]["table"]["rows"][0][:2] == ["Education", "Pipelines (degree)"]
    (overall,) = talked["compare data engineers and software engineers"]
    assert (overall["kind"], asked(overall)) == ("comparison", [("compare", ["de", "swe"])])


def test_a_question_without_a_role_is_answered_in_general(talked: dict[str, list[dict[str, Any]]]) -> None:
    (pay,) = talked["how much do they earn?"]
    assert (pay["kind"], asked(pay)) == ("answer", [("salary", [])])


def test_the_new_topic_is_answered_compared_and_asked_back(talked: dict[str, list[dict[str, Any]]]) -> None:
    (wear,) = talked["what should a data engineer wear at work?"]
    assert (wear["kind"], asked(wear)) == ("answer", [("dress_code", ["de"])])
    clothes, others = talked["what clothes do software engineers wear"]
    assert asked(clothes) == [("dress_code", ["swe"])] and "Wear what you like" in clothes["answer"]
    assert asked(others) == [("dress_code", ["de"])]
    (open_,) = talked["dress code"]
    assert asked(open_) == [("dress_code", [])]
    assert open_["card"]["table"]["columns"][1:] == ["Machine learning engineer", "Software engineer", "Data scientist", "Data engineer"]
    (beside,) = talked["mle vs de on clothes"]
    assert (beside["kind"], asked(beside)) == ("comparison", [("dress_code", ["mle", "de"])])


def test_the_fixed_sentences_name_what_is_covered(talked: dict[str, list[dict[str, Any]]]) -> None:
    four = "four careers: machine learning engineer, software engineer, data scientist and data engineer."
    (hello,), (menu,), (nurses,) = talked["hello"], talked["what can you do"], talked["what about nurses"]
    assert four in hello["card"]["lead"] and four in menu["card"]["lead"] and four in nurses["card"]["lead"]
    assert menu["card"]["points"][-1] == "More: the dress code"
