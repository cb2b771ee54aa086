"""The custom actions, through rasa-sdk's executor with trackers as Rasa sends them: what each kind of channel gets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from rasa_sdk.executor import ActionExecutor

from rolewise.cards import Card
from rolewise.knowledge.loader import content_hash, load
from rolewise.questions import Context, Question
from rolewise.settings import PROJECT_ROOT, settings

DOMAIN: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "domain.yml").read_text(encoding="utf-8"))
ACTIONS: list[str] = DOMAIN["actions"]
VALIDATION = "validate_suits_form"
# These leave the questionnaire, and empty what it has asked.
LEAVING = {"action_start_over", "action_stop", "action_suits_result"}
CARD_CHANNELS = ["web", "slack", "rest", "ask"]
SALARY = Context(questions=[Question("salary", ("mle",))], roles=("mle",), mentioned=("mle",), answers=1, answer_id="a1").store()


@pytest.fixture(scope="module")
def executor() -> ActionExecutor:
    found = ActionExecutor()
    found.register_package("actions")
    return found


def part(intent: str, confidence: float = 0.9, decision: str = "answer", **names: Any) -> dict[str, Any]:
    """One question of the NLU output."""
    lists: dict[str, list[str]] = {
        key: [] for key in ("roles", "others", "origins", "targets", "topics", "countries", "levels", "places", "cues")
    }
    guesses = [{"name": intent, "confidence": confidence}]
    return {"text": "as typed", "topic": intent.removeprefix("ask_"), "guesses": guesses, "decision": decision, **lists, **names}


def call(
    action: str, channel: str | None, intent: str, context: Any = None, questions: Any = None, text: str = "as typed"
) -> dict[str, Any]:
    """The body that Rasa posts to an action server."""
    parse = {
        "text": text,
        "intent": {"name": intent, "confidence": 0.9},
        "intent_ranking": [{"name": intent, "confidence": 0.9}],
        "entities": [],
        "questions": [part(intent, roles=["mle"])] if questions is None else questions,
        "knowledge": content_hash(load(settings().knowledge)),
    }
    return {
        "next_action": action,
        "sender_id": "somebody",
        "tracker": {
            "sender_id": "somebody",
            "slots": {"context": context, "session_started_metadata": None},
            "latest_message": parse,
            "latest_event_time": 1700000000.0,
            "followup_action": None,
            "paused": False,
            "events": [
                {"event": "action", "name": "action_listen", "timestamp": 1700000000.0},
                {"event": "user", "text": text, "parse_data": parse, "input_channel": channel, "timestamp": 1700000000.0},
            ],
            "latest_input_channel": channel,
            "active_loop": {},
            "latest_action": {"action_name": "action_listen"},
            "latest_action_name": "action_listen",
        },
        "domain": DOMAIN,
        "version": "3.6.21",
    }


async def run(executor: ActionExecutor, body: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The one message and the events of an action; both have to survive JSON."""
    result = json.loads(json.dumps(await executor.run(body)))
    assert set(result) == {"events", "responses"}
    assert len(result["responses"]) == 1
    return result["responses"][0], result["events"]


def test_the_domain_and_the_package_name_the_same_actions(executor: ActionExecutor) -> None:
    assert {name for name in executor.actions if name not in ("action_", "action_ask_suits_")} == set(ACTIONS)


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != VALIDATION])
@pytest.mark.parametrize("context", [None, SALARY], ids=["at the start", "after an answer"])
async def test_every_action_sends_a_card_with_complete_text(executor: ActionExecutor, action: str, context: Any) -> None:
    intent = "ask_salary" if action == "action_answer" else "feedback_positive" if action == "action_rate" else "greet"
    response, events = await run(executor, call(action, "rest", intent, context))
    card = Card.parse_obj(response["custom"]["card"])
    assert card.kind != "error"
    assert " ".join(card.lead.split()) in " ".join(response["text"].split())
    assert all(len(line) <= 80 or "http" in line for line in response["text"].splitlines())
    more = ["requested_slot"] if action in LEAVING else ["rating"] if action == "action_rate" and context else []
    assert [event["name"] for event in events if event["event"] == "slot"] == ["context", *more]


async def test_the_form_is_validated_without_a_word(executor: ActionExecutor) -> None:
    body = call(VALIDATION, "rest", "out_of_scope", None, [part("out_of_scope", decision="decline")], "building websites")
    body["tracker"]["latest_message"]["questions"][0]["text"] = "building websites"
    body["tracker"]["slots"]["requested_slot"] = "suits_interests"
    result = await executor.run(body)
    assert result["responses"] == []
    assert [(event["name"], event["value"]) for event in result["events"]] == [("suits_interests", "build")]


@pytest.mark.parametrize("channel", CARD_CHANNELS)
async def test_card_channels_get_text_buttons_and_card(executor: ActionExecutor, channel: str) -> None:
    response, _ = await run(executor, call("action_answer", channel, "ask_salary"))
    card = Card.parse_obj(response["custom"]["card"])
    assert card.kind == "answer"
    assert [question.dict() for question in card.questions] == [
        {"topic": "salary", "roles": ["mle"], "aspect": None, "subjects": [], "form": None}
    ]
    assert response["buttons"] == [suggestion.dict() for suggestion in card.suggestions]
    assert 1 <= len(response["buttons"]) <= 4
    assert "1." not in response["text"].splitlines()[-1]


async def test_the_shell_gets_text_alone_with_numbered_suggestions(executor: ActionExecutor) -> None:
    response, events = await run(executor, call("action_answer", "cmdline", "ask_salary"))
    assert not response["buttons"] and not response["custom"] and not response["attachment"]
    numbers = re.findall(r"^  (\d)\. \S", response["text"], re.MULTILINE)
    offered = events[0]["value"]["offered"]
    assert numbers == [str(number) for number in range(1, len(offered) + 1)]
    assert all(" ".join(title.split()) in " ".join(response["text"].split()) for title, _ in offered)


async def test_a_number_typed_in_the_shell_is_the_suggestion(executor: ActionExecutor) -> None:
    _, events = await run(executor, call("action_answer", "cmdline", "ask_salary"))
    context = events[0]["value"]
    response, _ = await run(
        executor, call("action_fallback", "rest", "out_of_scope", context, [part("out_of_scope", decision="decline")], "2")
    )
    card = Card.parse_obj(response["custom"]["card"])
    assert card.kind in ("answer", "comparison")
    assert Question(card.questions[0].topic, tuple(card.questions[0].roles), card.questions[0].aspect).payload() == context["offered"][1][1]


async def test_stock_socketio_gets_text_and_buttons(executor: ActionExecutor) -> None:
    response, _ = await run(executor, call("action_answer", "socketio", "ask_salary"))
    assert response["text"] and response["buttons"]
    assert not response["custom"]


@pytest.mark.parametrize(
    ("context", "questions"),
    [
        pytest.param(None, [{"text": "half a question"}], id="broken parse data"),
        pytest.param({**SALARY, "questions": [{"topic": "no such topic", "roles": ["mle"]}]}, [part("follow_up")], id="broken slot"),
        pytest.param({**SALARY, "roles": ["no such role"]}, [part("ask_degree")], id="slot with an unknown role"),
    ],
)
async def test_what_cannot_be_worked_on_gets_words_and_never_an_exception(
    executor: ActionExecutor, context: Any, questions: list[dict[str, Any]]
) -> None:
    response, _ = await run(executor, call("action_answer", "rest", "ask_salary", context, questions))
    assert Card.parse_obj(response["custom"]["card"]).lead
    assert response["text"]


@pytest.mark.parametrize("channel", [*CARD_CHANNELS, "cmdline", "socketio"])
async def test_an_exception_becomes_an_apology_with_the_id_of_the_log(
    executor: ActionExecutor, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    response, events = await run(executor, call("action_answer", channel, "ask_salary", None, [{"text": "half a question"}]))
    found = re.search(r"\(error\s+([0-9a-f]{8})\)", response["text"])
    assert found and "sorry" not in found.group()
    assert "Something went wrong" in response["text"]
    assert "Traceback" not in response["text"] and "KeyError" not in response["text"]
    assert events == []
    assert found.group(1) in caplog.text
    if channel in CARD_CHANNELS:
        card = Card.parse_obj(response["custom"]["card"])
        assert (card.kind, card.answer_id) == ("error", found.group(1))
