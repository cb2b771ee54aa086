"""Output that stands in the documents is what the commands put out; `python -m tests.transcripts` writes conversations anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from rolewise.knowledge import load
from rolewise.settings import PROJECT_ROOT, settings
from tests import transcripts
from tests.authoring.copies import Copy
from tests.serving import Server

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (PROJECT_ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
SHOWN = [(path, shown) for path in transcripts.DOCUMENTS for shown in transcripts.blocks(path)]
OUTPUTS = re.findall(r"<!-- output: (.*?) -->\n```\n(.*?)```\n<!-- end -->", TUTORIAL, re.DOTALL)


@pytest.mark.parametrize(("path", "shown"), SHOWN, ids=[path.name for path, _ in SHOWN])
def test_a_conversation_goes_as_it_stands_there(path: Path, shown: str, converse: Callable[[list[str]], list[dict[str, Any]]]) -> None:
    real = transcripts.renewed(shown, lambda messages: [turn["answer"] for turn in converse(messages)])
    assert shown == real, f"{path.name}: run .venv/bin/python -m tests.transcripts"


def test_there_are_conversations_in_both() -> None:
    assert {path for path, _ in SHOWN} == set(transcripts.DOCUMENTS)


# -- JSON ---------------------------------------------------------------------------------------------------------------------


def fits(shown: Any, real: Any) -> bool:
    """Whether a shortened value shows the real one: "..." is what was left out, of objects also fields; a confidence is about right."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(name in real and fits(value, real[name]) for name, value in shown.items())
    if isinstance(shown, list):
        whole = shown[-1:] != ["..."]
        first = shown if whole else shown[:-1]
        return (len(real) == len(first) if whole else len(real) > len(first)) and all(map(fits, first, real))
    if isinstance(shown, str):
        start, left_out, rest = shown.partition("...")
        return isinstance(real, str) and (real.startswith(start) and not rest if left_out else real == shown)
    return bool(abs(shown - real) < 0.1) if isinstance(shown, float) else bool(shown == real)


def after(text: str, fence: str = "```") -> str:
    """The first code block behind these words of the README."""
    found = re.search(rf"^{fence}(?:json)?\n(.*?)^```$", README[README.index(text) :], re.DOTALL | re.MULTILINE)
    assert found
    return found.group(1)


def test_the_answer_over_http_is_shown_as_it_is(web_server: Server) -> None:
    command = after("or ask it something here")
    body = re.search(r"-d '(.*)'", command)
    assert body and "localhost:5005/webhooks/rest/webhook" in command
    shown = json.loads(after("The answer is a list with one item a message"))
    real = requests.post(web_server.webhook, json={**json.loads(body.group(1)), "sender": "readme"}, timeout=120).json()
    real[0]["recipient_id"] = "me"
    assert shown[0]["text"].endswith("...") and fits(shown, real)
    assert requests.get(f"{web_server.address}/chat/ready", timeout=60).json() == {"status": "ok"}


def test_a_line_of_a_batch_is_shown_as_it_is(converse: Callable[[list[str]], list[dict[str, Any]]]) -> None:
    asked = [json.loads(line) for line in after("each line is a conversation of its own").splitlines()]
    shown = [json.loads(line.replace("{...}", '"..."')) for line in after("<!-- transcript -->\n```\n{").splitlines()]
    assert [line["id"] for line in shown] == [line["id"] for line in asked] and "error" in shown[-1]
    for question, line in zip(asked[:-1], shown[:-1], strict=True):
        real = json.loads(json.dumps(converse(question.get("turns") or [question["text"]])))
        for turn, one in zip(line["turns"], real, strict=True):
            assert list(turn) == list(one), "the fields of a turn, in their order"
            assert turn.pop("card") == "..." and turn["questions"] == one["questions"] and fits(turn, one)


# -- the tutorial ---------------------------------------------------------------------------------------------------------------


def outputs(command: str) -> list[str]:
    return [shown for one, shown in OUTPUTS if one == command]


def named() -> tuple[str, str]:
    """The role and the topic whose answer the tutorial has changed."""
    found = re.search(r"look for `(\w+):` and under it for `(\w+):`", TUTORIAL)
    assert found
    return found.group(1), found.group(2)


def test_the_question_of_the_tutorial_is_answered_with_the_sentence_that_was_changed(
    converse: Callable[[list[str]], list[dict[str, Any]]],
) -> None:
    role, topic = named()
    question = re.search(r'Ask "([^"]*)" again: your sentence is the first', TUTORIAL)
    assert question
    (turn,) = converse([question.group(1)])
    assert turn["card"]["lead"] == load(settings().knowledge).roles[role].answers[topic].lead.text


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Copy, str, str]:
    """A copy whose answer was changed as the tutorial says, with the words that stand there now and its sources."""
    copy = Copy(tmp_path_factory.mktemp("tutorial") / "copy")
    role, topic = named()
    path = copy.knowledge / "roles.yml"
    text = path.read_text(encoding="utf-8")
    lead = re.compile(rf"(?s)^  {role}:.*?^      {topic}:\n        lead:\n          text: (\S+ \S+).*?sources: (\[[^\]]*\])", re.MULTILINE)
    found = lead.search(text)
    assert found
    sources = found.group(2)
    path.write_text(text[: found.start(1)] + "As we see it, it" + text[found.end(1) :], encoding="utf-8")
    return copy, "As we see it, it", sources


def test_check_says_what_the_tutorial_shows(changed: tuple[Copy, str, str]) -> None:
    copy, words, sources = changed
    good, bad = outputs("make check")
    run = copy.run("check")
    assert run.returncode == 0 and run.stdout.endswith(good) and run.stdout.count("(warning)\n") == 2
    path = copy.knowledge / "roles.yml"
    text = path.read_text(encoding="utf-8")
    at = text.index(sources, text.index(words))
    path.write_text(text[:at] + sources.replace("]", ", S99]") + text[at + len(sources) :], encoding="utf-8")
    run = copy.run("check")
    path.write_text(text, encoding="utf-8")
    assert run.returncode == 2 and run.stderr + run.stdout == bad, run.stderr + run.stdout


def test_the_report_is_where_the_tutorial_says_and_holds_what_was_asked(web_server: Server, changed: tuple[Copy, str, str]) -> None:
    copy, *_ = changed
    question = "is a hammock a good desk for a data scientist"
    web_server.say(question, "tutorial")
    (shown,) = outputs("make report")
    run = copy.run("report", "--store", str(web_server.store), ROLEWISE_MODELS=str(settings().models))
    assert run.returncode == 0 and run.stdout == shown, run.stdout + run.stderr[-2000:]
    assert "hammock" in (copy.root / shown.splitlines()[0]).read_text(encoding="utf-8")
