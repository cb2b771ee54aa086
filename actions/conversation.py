"""From a Rasa tracker to a message and back: what an action reads, and how it sends a card to each kind of channel."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from rolewise.cards import Card
from rolewise.conversation.questionnaire import QUIZ_INTENT, choice_from_payload
from rolewise.questions import COMPARE, INTENT_PREFIX, OVERALL, Message, Part, Question, question_from_payload, unique
from rolewise.render import text as text_renderer

# `rasa shell`: its button menu swallows typed questions, so suggestions are numbered in the text instead.
TEXT_ONLY_CHANNELS = frozenset({"cmdline"})
# Rasa's own channels cannot carry a card.
NO_CARD_CHANNELS = frozenset({"socketio"})


def message_of(tracker: Tracker) -> Message:
    """The latest message as the dialogue sees it."""
    latest: dict[str, Any] = tracker.latest_message or {}
    text = str(latest.get("text") or "")
    intent = str((latest.get("intent") or {}).get("name") or "")
    ranking = latest.get("intent_ranking") or []
    if intent == "nlu_fallback" and ranking:
        intent = str(ranking[0]["name"])
    entities = latest.get("entities") or []
    parts = tuple(Part.from_dict(part) for part in latest.get("questions") or [])
    companies = unique(
        text[entity["start"] : entity["end"]] or str(entity["value"]) for entity in entities if entity.get("entity") == "company"
    )
    tapped = None if parts else _tapped(text, intent, entities)
    chosen = None if parts else _chosen(text, intent, entities)
    rated, reason = (next(iter(_values(entities, name)), None) for name in ("answer_id", "reason"))
    return Message(text, intent, parts, tapped, companies, chosen, rated, reason)


def _tapped(text: str, intent: str, entities: list[dict[str, Any]]) -> Question | None:
    """The question of a payload: from its text, or from intent and entities where a channel replaced the text."""
    question = question_from_payload(text)
    if question is not None or not intent.startswith(INTENT_PREFIX):
        return question

    topic = intent[len(INTENT_PREFIX) :]
    aspect = next(iter(_values(entities, "aspect")), OVERALL if topic == COMPARE else None)
    country, level, form = (next(iter(_values(entities, name)), None) for name in ("country", "level", "form"))
    return Question(topic, unique(_values(entities, "role")), aspect, country, level, unique(_values(entities, "subject")), form)


def _chosen(text: str, intent: str, entities: list[dict[str, Any]]) -> str | None:
    """The answer tapped in the questionnaire, as :attr:`Message.chosen` has it."""
    if intent != QUIZ_INTENT:
        return None
    return choice_from_payload(text) or next(iter(_values(entities, "answer")), "")


def _values(entities: list[dict[str, Any]], name: str) -> list[str]:
    return [str(entity["value"]) for entity in entities if entity.get("entity") == name]


def send(dispatcher: CollectingDispatcher, card: Card, channel: str | None) -> None:
    """Send a card in the form that a channel can show; complete plain text goes with it always."""
    if channel in TEXT_ONLY_CHANNELS:
        dispatcher.utter_message(text=text_renderer.render(card, numbered=True))
        return
    buttons = [{"title": item.title, "payload": item.payload} for item in card.suggestions]
    text = text_renderer.render(card)
    if channel in NO_CARD_CHANNELS:
        dispatcher.utter_message(text=text, buttons=buttons)
    else:
        dispatcher.utter_message(text=text, buttons=buttons, json_message={"card": card.dict()})
