"""What is kept of Rasa's work is what Rasa itself works out; and Rasa's own is still the one that was stood for."""

from __future__ import annotations

import ast
import hashlib
import inspect
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rasa.core.featurizers.tracker_featurizers import TrackerFeaturizer
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

from rolewise.engine import rasa_caching as thrift

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
    thrift.rules_of_texts()
    thrift.applied_events()
    thrift.debug_copies()


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
        ("RulePolicy._find_action_from_rules", "be6da6ee0f5429bd"),
        ("RulePolicy._predict", "f5182d8a10639e14"),
        ("RulePolicy._does_rule_match_state", "d3109c1a97de319c"),
        ("TrackerFeaturizer._choose_last_user_input", "0a4f5a414bf19fbb"),
        ("DialogueStateTracker.applied_events", "764d5065ea9997d6"),
    ],
)
def test_rasas_own_is_the_one_that_was_read(method: str, digest: str) -> None:
    name, attribute = method.split(".")
    known: list[type] = [Event, Domain, RulePolicy, DialogueStateTracker, TrackerFeaturizer]
    found = getattr({one.__name__: one for one in known}[name], attribute)
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
                assert tracker.applied_events() == own(DialogueStateTracker.applied_events)(tracker)
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


def rule_policy(asker: Any) -> RulePolicy:
    nodes = asker.asker.agent.processor.graph_runner._instantiated_nodes.values()
    return next(node._component for node in nodes if isinstance(node._component, RulePolicy))


def conversations(asker: Any, number: int) -> Iterator[DialogueStateTracker]:
    """Conversations that stop anywhere in a turn, in and out of the form."""
    domain = asker.asker.agent.domain
    intents, chance = sorted(domain.intents), random.Random(20)
    for _ in range(number):
        tracker = DialogueStateTracker("s", domain.slots)
        for _ in range(chance.randrange(4)):
            tracker.update(ActionExecuted("action_listen"), domain)
            tracker.update(UserUttered("text", {"name": chance.choice(intents), "confidence": 1.0}), domain)
            if chance.random() < 0.2:
                tracker.update(ActiveLoop(chance.choice(["suits_form", None])), domain)
            if chance.random() < 0.7:
                tracker.update(ActionExecuted(chance.choice(["action_answer", "action_fallback", "suits_form"])), domain)
            if chance.random() < 0.1:
                tracker.update(ActionExecutionRejected("suits_form"), domain)
        yield tracker


def test_the_rules_that_apply_are_rasas(asker: Any) -> None:
    policy, some = rule_policy(asker), set()
    lookup = policy.lookup["rules"]
    for tracker in conversations(asker, 300):
        states = policy._prediction_states(tracker, asker.asker.agent.domain)
        wanted = own(RulePolicy._get_possible_keys)(policy, lookup, states)
        for _ in range(2):
            assert policy._get_possible_keys(lookup, states) == wanted
        some |= wanted
    assert len(some) > 20


def test_no_rule_applies_to_words_where_none_has_any(asker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    policy, domain = rule_policy(asker), asker.asker.agent.domain
    assert not thrift._may_match_text(policy)
    predicted = set()
    for tracker in conversations(asker, 300):
        spared = policy._predict(tracker, domain)
        with monkeypatch.context() as patched:
            patched.setattr(RulePolicy, "_find_action_from_rules", own(RulePolicy._find_action_from_rules))
            whole = policy._predict(tracker, domain)
        assert vars(spared[0]) == vars(whole[0]) and spared[1] == whole[1]
        predicted.add(spared[1])
    assert len(predicted) > 20


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ({"user": {"text": "hello"}, "prev_action": {"action_name": "action_listen"}}, True),
        ({"prev_action": {"action_name": "action_listen"}}, True),
        ({"slots": {"known": (1.0,)}}, True),
        ({"user": {"intent": "ask"}, "prev_action": {"action_name": "action_listen"}}, False),
        ({"user": {"intent": "ask"}, "prev_action": {"action_name": "action_answer"}}, False),
        ({"prev_action": {"action_name": "action_answer"}}, False),
    ],
)
def test_a_rule_that_may_apply_to_words_is_found(rule: dict[str, Any], may: bool) -> None:
    assert thrift._matches_text(rule) is may


@pytest.mark.parametrize("module", thrift.COPYING, ids=lambda module: module.__name__)
def test_what_is_not_copied_is_only_written_to_the_log(module: Any) -> None:
    tree = ast.parse(inspect.getsource(module))
    lines = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "structlogger.debug"]

    def uses(root: ast.AST) -> set[ast.AST]:
        return {node for node in ast.walk(root) if isinstance(node, ast.Name) and node.id == "copy"}

    assert uses(tree) == set().union(*map(uses, lines)) != set()
    value: list[Any] = [{}]
    assert module.copy.deepcopy(value) is value
