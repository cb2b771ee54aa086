"""What is kept of Rasa's work is what Rasa itself works out; and Rasa's own is still the one that was stood for."""

from __future__ import annotations

import hashlib
import inspect
import random
from collections.abc import Callable
from typing import Any

import pytest
from rasa.core.policies.rule_policy import RulePolicy
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    BotUttered,
    Event,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from rolewise import thrift

DOMAIN = Domain.from_dict(
    {
        "intents": ["ask", "greet", {"tell": {"use_entities": ["role"]}}],
        "entities": ["role"],
        "slots": {
            "topic": {"type": "categorical", "values": ["pay", "tools"], "mappings": [{"type": "custom"}]},
            "known": {"type": "bool", "initial_value": False, "mappings": [{"type": "custom"}]},
        },
        "actions": ["action_answer", "action_greet"],
        "forms": {"form": {"required_slots": []}},
    }
)


@pytest.fixture(scope="module", autouse=True)
def thrifty() -> None:
    thrift.event_types()
    thrift.empty_domain()
    thrift.states()
    thrift.rules()


def own(method: Any) -> Callable[..., Any]:
    """Rasa's own, behind what stands for it."""
    found: Callable[..., Any] = method.__wrapped__
    return found


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        ("Event.resolve_by_type", "b5cf570fa7f286c7"),
        ("Domain.is_empty", "884be90ef485f1d2"),
        ("Domain.states_for_tracker_history", "035111ce73ac90ba"),
        ("RulePolicy._get_possible_keys", "2915fd81711e194c"),
        ("RulePolicy._is_rule_applicable", "64a108b016b46e57"),
    ],
)
def test_rasas_own_is_the_one_that_was_read(method: str, digest: str) -> None:
    name, attribute = method.split(".")
    found = getattr({"Event": Event, "Domain": Domain, "RulePolicy": RulePolicy}[name], attribute)
    source = inspect.getsource(inspect.unwrap(found))
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == digest, source


def test_an_event_keeps_its_class() -> None:
    def classes(parent: type[Event]) -> set[type[Event]]:
        return {parent}.union(*(classes(child) for child in parent.__subclasses__()))

    names = {event.type_name for event in classes(Event) if "type_name" in vars(event) and not inspect.isabstract(event)}
    assert {"user", "bot", "action", "slot"} <= names
    for name in names:
        assert Event.resolve_by_type(name) is Event.resolve_by_type(name) is own(Event.resolve_by_type)(name)
    for _ in range(2):
        with pytest.raises(ValueError, match="no such event"):
            Event.resolve_by_type("no such event")


def test_a_domain_stays_empty_or_not() -> None:
    for domain in (Domain.empty(), DOMAIN):
        assert domain.is_empty() == domain.is_empty() == own(Domain.is_empty)(domain)


def happening(chance: random.Random) -> list[Event]:
    """What may come next in a conversation, ordinary things more often than odd ones."""
    said = UserUttered(
        "text",
        {"name": chance.choice(["ask", "greet", "tell"]), "confidence": 1.0},
        [{"entity": "role", "value": "swe"}] if chance.random() < 0.5 else [],
    )
    turn = [ActionExecuted("action_listen"), said, ActionExecuted(chance.choice(["action_answer", "action_greet"])), BotUttered("text")]
    for event in turn:
        if isinstance(event, ActionExecuted):
            event.hide_rule_turn = chance.random() < 0.4
    odd: list[list[Event]] = [
        [SlotSet("topic", chance.choice(["pay", "tools", None]))],
        [SlotSet("known", True)],
        [ActiveLoop("form"), ActionExecuted("form", hide_rule_turn=True)],
        [ActionExecuted("form")],
        [ActionExecutionRejected("form")],
        [ActiveLoop(None)],
        [FollowupAction("action_greet")],
        [ActionReverted()],
        [UserUtteranceReverted()],
        [Restarted()],
        [SessionStarted()],
    ]
    return list(turn) if chance.random() < 0.6 else chance.choice(odd)


@pytest.mark.parametrize("seed", range(40))
def test_the_states_of_a_conversation_are_rasas(seed: int) -> None:
    chance = random.Random(seed)
    tracker = DialogueStateTracker("s", DOMAIN.slots)
    hidden = {"rule_only_slots": ["known"], "rule_only_loops": ["form"]}
    for _ in range(25):
        for event in happening(chance):
            tracker.update(event, DOMAIN)
            for ignore, only in ((False, None), (True, hidden), (True, None), (False, None)):
                found = DOMAIN.states_for_tracker_history(tracker, ignore_rule_only_turns=ignore, rule_only_data=only)
                assert found == own(Domain.states_for_tracker_history)(DOMAIN, tracker, False, ignore, only)
                # A policy may change what it was given; the next one must not see that.
                for state in found:
                    for part in state.values():
                        part["changed"] = True
                    state.clear()
        if chance.random() < 0.2:
            # As it comes back from a store.
            tracker = DialogueStateTracker.from_events("s", list(tracker.events), DOMAIN.slots, domain=DOMAIN)


def test_the_rules_that_apply_are_rasas(asker: Any) -> None:
    agent = asker.asker.agent
    nodes = agent.processor.graph_runner._instantiated_nodes.values()
    policy = next(node._component for node in nodes if isinstance(node._component, RulePolicy))
    lookup = policy.lookup["rules"]
    intents = sorted(agent.domain.intents)
    chance, some = random.Random(20), set()
    for _ in range(300):
        tracker = DialogueStateTracker("s", agent.domain.slots)
        for _ in range(chance.randrange(4)):
            tracker.update(ActionExecuted("action_listen"), agent.domain)
            tracker.update(UserUttered("text", {"name": chance.choice(intents), "confidence": 1.0}), agent.domain)
            if chance.random() < 0.7:
                tracker.update(ActionExecuted(chance.choice(["action_answer", "action_fallback"])), agent.domain)
        states = policy._prediction_states(tracker, agent.domain)
        wanted = own(RulePolicy._get_possible_keys)(policy, lookup, states)
        for _ in range(2):
            assert policy._get_possible_keys(lookup, states) == wanted
        some |= wanted
    assert len(some) > 20
