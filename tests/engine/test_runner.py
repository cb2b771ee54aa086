"""The planned order of a model's components gives what Rasa's own runner gives, and its nodes are still where it looks for them."""

from __future__ import annotations

from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from rolewise.engine.runner import PlannedRunner, parse_message
from rolewise.nlu.encoder import SentenceEncoder


@pytest.fixture
def runners(asker: Any) -> tuple[DaskGraphRunner, PlannedRunner]:
    planned = asker.asker.agent.processor.graph_runner
    assert type(planned) is PlannedRunner, "the batch interface runs a model as the server does"
    # Rasa's own with the same loaded nodes: loading a second model would take longer than all these tests.
    loaded = object.__new__(DaskGraphRunner)
    vars(loaded).update(vars(planned))
    return loaded, planned


@pytest.mark.parametrize("text", ["what does a data scientist earn", "mle vs swe", '/ask_salary{"role":["mle"]}', "🙂", ""])
def test_both_runners_understand_the_same(asker: Any, runners: tuple[DaskGraphRunner, PlannedRunner], text: str) -> None:
    target = asker.asker.agent.processor.model_metadata.nlu_target
    tracker = DialogueStateTracker("s", [])
    found = [
        runner.run({"__message__": [UserMessage(text)], "__tracker__": tracker}, [target])[target][0].as_dict(only_output_properties=True)
        for runner in (*runners, runners[1])
    ]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("text", ["what does a data scientist earn", "mle vs swe", '/ask_salary{"role":["mle"]}', "🙂", ""])
def test_awaited_understanding_is_the_same(asker: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    processor, run = asker.asker.agent.processor, asker.run
    message = UserMessage(text)
    wanted = run(processor.parse_message(message))

    def refuse(*_: Any) -> None:
        raise AssertionError("the event loop was kept")

    monkeypatch.setattr(SentenceEncoder, "encode", refuse)
    assert run(parse_message(processor, message)) == wanted


def test_both_runners_predict_the_same(asker: Any, runners: tuple[DaskGraphRunner, PlannedRunner]) -> None:
    processor = asker.asker.agent.processor
    tracker = DialogueStateTracker("s", processor.domain.slots)
    tracker.update(ActionExecuted("action_listen"))
    tracker.update(UserUttered("hello", {"name": "greet", "confidence": 1.0}))
    target = processor.model_metadata.core_target
    first, second = (runner.run({"__tracker__": tracker}, [target])[target] for runner in runners)
    assert first.probabilities == second.probabilities and first.policy_name == second.policy_name


def test_a_missing_input_is_said(asker: Any, runners: tuple[DaskGraphRunner, PlannedRunner]) -> None:
    with pytest.raises(GraphRunError):
        runners[1].run({}, [asker.asker.agent.processor.model_metadata.nlu_target])
