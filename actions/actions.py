"""One action an act of the dialogue; all of them do the same: read the message, let the dialogue answer, send the card."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import message_of, send
from rolewise import wording
from rolewise.cards import Card
from rolewise.dialogue import Dialogue
from rolewise.knowledge.registry import KNOWLEDGE_KEY, knowledge_for
from rolewise.questions import Context

logger = logging.getLogger(__name__)

CONTEXT_SLOT = "context"


class CardAction(Action):
    """An action that answers with one card; ``act`` names the method of the dialogue."""

    act = ""

    def name(self) -> str:
        """``action_`` and the act."""
        return f"action_{self.act}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Answer; a failure becomes an apology with an id that the log has, too."""
        channel = tracker.get_latest_input_channel()
        try:
            knowledge = knowledge_for((tracker.latest_message or {}).get(KNOWLEDGE_KEY))
            context = Context.restore(tracker.get_slot(CONTEXT_SLOT))
            card = Dialogue(knowledge, context).respond(message_of(tracker), self.act)
        except Exception:
            error_id = uuid.uuid4().hex[:8]
            logger.exception("%s failed (error %s).", self.name(), error_id)
            send(dispatcher, Card(kind="error", answer_id=error_id, title="", lead=f"{wording.FAILED} (error {error_id})"), channel)
            return []
        send(dispatcher, card, channel)
        return [SlotSet(CONTEXT_SLOT, context.store())]


class ActionAnswer(CardAction):
    """Answers questions and elliptic follow-ups."""

    act = "answer"


class ActionFallback(CardAction):
    """Declines, with the nearest things to tap."""

    act = "fallback"


class ActionGreet(CardAction):
    """Greets."""

    act = "greet"


class ActionGoodbye(CardAction):
    """Says goodbye."""

    act = "goodbye"


class ActionThanks(CardAction):
    """Takes thanks."""

    act = "thanks"


class ActionAffirm(CardAction):
    """Takes a yes."""

    act = "affirm"


class ActionDeny(CardAction):
    """Takes a no."""

    act = "deny"


class ActionBotChallenge(CardAction):
    """Says that this is a program."""

    act = "bot_challenge"


class ActionMenu(CardAction):
    """Says what can be asked."""

    act = "menu"


class ActionCalm(CardAction):
    """Stays calm when people are rude."""

    act = "calm"


class ActionChitchat(CardAction):
    """Leads back from small talk."""

    act = "chitchat"


class ActionSource(CardAction):
    """Shows where the last answer came from."""

    act = "source"


class ActionRepeat(CardAction):
    """Says the last answer again."""

    act = "repeat"


class ActionShorter(CardAction):
    """Says the last answer in short."""

    act = "shorter"


class ActionMore(CardAction):
    """Says all that is known on the last question."""

    act = "more"


class ActionStartOver(CardAction):
    """Forgets the conversation."""

    act = "start_over"


class ActionSuitsMe(CardAction):
    """Helps to find the role that suits."""

    act = "suits_me"


class ActionRate(CardAction):
    """Takes a rating."""

    act = "rate"


class ActionStop(CardAction):
    """Stops what is going on."""

    act = "stop"
