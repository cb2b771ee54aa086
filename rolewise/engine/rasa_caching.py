"""Spares Rasa what it works out anew at every message although it cannot have changed.

Each function stands for one such thing in Rasa 3.6.21, takes what Rasa gives at the first time, and gives the same again.
``tests/engine/test_rasa_caching.py`` holds each against Rasa's own, and fails when Rasa changes underneath.
"""

from __future__ import annotations

import ctypes
import functools
import gc
from collections.abc import Hashable
from types import SimpleNamespace
from typing import Any

import rasa.core.policies.memoization
import rasa.core.policies.rule_policy
import rasa.core.processor
from rasa.core.agent import Agent
from rasa.core.policies.rule_policy import RULES, RULES_FOR_LOOP_UNHAPPY_PATH, RulePolicy
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import ActionExecuted, Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

from rolewise.engine.runner import PlannedRunner

# How many answers of a policy's lookup are kept.
KEPT = 4096
# Modules of Rasa that copy things for nothing but debug lines.
COPYING = (rasa.core.processor, rasa.core.policies.rule_policy, rasa.core.policies.memoization)


def spare(agent: Agent) -> None:
    """Let a loaded agent answer without doing the same work twice."""
    agent.processor.graph_runner = PlannedRunner(agent.processor.graph_runner)
    event_types()
    empty_domain()
    states()
    rules()
    rules_of_texts()
    applied_events()
    debug_copies()


def settle() -> None:
    """What is loaded stays, so the garbage collector need not go through it again and again; what only loading took is given back."""
    gc.collect()
    gc.freeze()
    # The C library keeps what was freed on the way; glibc gives it back when it is asked to.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@functools.cache
def event_types() -> None:
    """The class of an event: Rasa walks through all subclasses, twice over, for every event that it reads."""
    Event.resolve_by_type = staticmethod(functools.lru_cache(Event.resolve_by_type))


@functools.cache
def empty_domain() -> None:
    """Whether a domain is empty: Rasa builds an empty one at every message, to compare."""
    method = Domain.is_empty

    @functools.wraps(method)
    def kept(self: Domain) -> bool:
        known = self.__dict__
        if "_thrift_empty" not in known:
            known["_thrift_empty"] = method(self)
        return bool(known["_thrift_empty"])

    Domain.is_empty = kept


@functools.cache
def rules() -> None:
    """The rules that apply: Rasa goes through all of them, state by state, at every prediction.

    They depend on as many of the last states as the longest rule has.
    """
    method = RulePolicy._get_possible_keys

    @functools.wraps(method)
    def kept(self: RulePolicy, lookup: dict[str, str], conversation: list[dict[str, Any]]) -> set[str]:
        known = self.__dict__.setdefault("_thrift_rules", {})
        if id(lookup) not in known:
            # With the rules themselves, so that no others can come to have their id.
            known[id(lookup)] = lookup, max((len(self._rule_key_to_state(rule)) for rule in lookup), default=1), {}
        _, longest, found = known[id(lookup)]
        last = conversation[-longest:]
        key = tuple(_frozen(state) for state in last)
        if key not in found:
            if len(found) >= KEPT:
                found.clear()
            found[key] = method(self, lookup, last)
        return set(found[key])

    RulePolicy._get_possible_keys = kept


@functools.cache
def rules_of_texts() -> None:
    """The rules that apply to the very words of a message: Rasa looks for them also where no rule has words, and none can be found."""
    method = RulePolicy._find_action_from_rules

    @functools.wraps(method)
    def kept(
        self: RulePolicy, tracker: DialogueStateTracker, domain: Domain, use_text_for_last_user_input: bool
    ) -> tuple[str | None, str | None, bool]:
        if use_text_for_last_user_input and not _may_match_text(self):
            return None, None, False
        found: tuple[str | None, str | None, bool] = method(self, tracker, domain, use_text_for_last_user_input)
        return found

    RulePolicy._find_action_from_rules = kept


def _may_match_text(policy: RulePolicy) -> bool:
    """Whether some rule may apply right after a message whose intent is not looked at."""
    known = policy.__dict__.get("_thrift_texts")
    if known is None or known[0] is not policy.lookup:
        keys = [*policy.lookup[RULES], *policy.lookup[RULES_FOR_LOOP_UNHAPPY_PATH]]
        known = policy.__dict__["_thrift_texts"] = policy.lookup, any(_matches_text(policy._rule_key_to_state(key)[-1]) for key in keys)
    return bool(known[1])


def _matches_text(last: dict[str, Any]) -> bool:
    action = (last.get(PREVIOUS_ACTION) or {}).get(ACTION_NAME, ACTION_LISTEN_NAME)
    return action == ACTION_LISTEN_NAME and INTENT not in (last.get(USER) or {})


@functools.cache
def applied_events() -> None:
    """The events of a conversation that were not taken back: Rasa goes through all of them, seven times a turn."""
    method = DialogueStateTracker.applied_events

    @functools.wraps(method)
    def kept(self: DialogueStateTracker) -> list[Event]:
        known = self.__dict__.get("_thrift_applied")
        number, last = len(self.events), self.events[-1] if self.events else None
        if known is None or known[0] != number or known[1] is not last:
            known = self.__dict__["_thrift_applied"] = number, last, method(self)
        return list(known[2])

    DialogueStateTracker.applied_events = kept


@functools.cache
def debug_copies() -> None:
    """Deep copies for debug lines: Rasa makes them at every message, also when such lines are off.

    A line is written before anything can change what it shows.
    """
    for module in COPYING:
        module.copy = SimpleNamespace(deepcopy=lambda value: value)


def _frozen(value: Any) -> Hashable:
    """A state, or a part of it, as a key of a dictionary."""
    if isinstance(value, dict):
        return tuple(sorted((name, _frozen(part)) for name, part in value.items()))
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


@functools.cache
def states() -> None:
    """The states of a conversation: Rasa plays all its events again, five times a turn. Here only those are played that are new."""
    method = Domain.states_for_tracker_history

    @functools.wraps(method)
    def kept(
        self: Domain,
        tracker: DialogueStateTracker,
        omit_unset_slots: bool = False,
        ignore_rule_only_turns: bool = False,
        rule_only_data: dict[str, Any] | None = None,
    ) -> list[State]:
        if omit_unset_slots:
            whole: list[State] = method(self, tracker, omit_unset_slots, ignore_rule_only_turns, rule_only_data)
            return whole
        events = tracker.applied_events()
        played: _Played | None = tracker.__dict__.get("_thrift_played")
        if played is None or played.domain is not self or not played.begins(events):
            played = tracker.__dict__["_thrift_played"] = _Played(self, tracker)
        return played.states(events, ignore_rule_only_turns, rule_only_data)

    Domain.states_for_tracker_history = kept


class _Played:
    """A conversation's events as far as they have been played."""

    def __init__(self, domain: Domain, tracker: DialogueStateTracker) -> None:
        self.domain = domain
        self.events: list[Event] = []
        self.replay = tracker.init_copy()
        # Before each action: the state, the last action, whether a follow-up or a loop hides nothing, and whether the turn is hidden.
        self.before: list[tuple[State, Any, bool, bool]] = []

    def begins(self, events: list[Event]) -> bool:
        """Whether the events begin with those that were played."""
        return len(events) >= len(self.events) and all(old is new for old, new in zip(self.events, events, strict=False))

    def states(self, events: list[Event], ignore_rule_only_turns: bool, rule_only_data: dict[str, Any] | None) -> list[State]:
        """What ``Domain.states_for_tracker_history`` says, step by step, with the states that are there already."""
        for event in events[len(self.events) :]:
            if isinstance(event, ActionExecuted):
                self.before.append(self._now(event.hide_rule_turn))
            self.replay.update(event)
            self.events.append(event)
        found: list[State] = []
        last_action, hidden = None, False
        for state, action, plain, hide in [*self.before, self._now(False)]:
            now = {name: dict(part) for name, part in state.items()}
            if ignore_rule_only_turns:
                last_action = last_action if hidden else action
                hidden = hide if plain else hidden
                if hidden:
                    continue
                self.domain._remove_rule_only_features(now, rule_only_data)
                if found:
                    self.domain._substitute_rule_only_user_input(now, found[-1])
                if last_action:
                    now[PREVIOUS_ACTION] = dict(last_action)
            found.append(self.domain._clean_state(now))
        return found

    def _now(self, hide: bool) -> tuple[State, Any, bool, bool]:
        replay = self.replay
        plain = not replay.followup_action and replay.latest_action_name != replay.active_loop_name
        return self.domain.get_active_state(replay), replay.latest_action, plain, hide
