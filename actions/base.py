"""What every action does: read the message, let the dialogue answer, send the card, keep the context."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import message_of, send
from rolewise import wording
from rolewise.cards import Card
from rolewise.conversation.dialogue import Dialogue
from rolewise.knowledge.registry import KNOWLEDGE_KEY, knowledge_for
from rolewise.questions import Context, Message

logger = logging.getLogger(__name__)

CONTEXT_SLOT = "context"
RATING_SLOT = "rating"
QUIZ_FORM = "suits_form"


def dialogue_of(tracker: Tracker) -> Dialogue:
    """The dialogue of a conversation, with the knowledge that the message was understood with."""
    knowledge = knowledge_for((tracker.latest_message or {}).get(KNOWLEDGE_KEY))
    return Dialogue(knowledge, Context.restore(tracker.get_slot(CONTEXT_SLOT)))


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
            dialogue, message = dialogue_of(tracker), message_of(tracker)
            context, rated = dialogue.context, dialogue.context.rating
            if self.act and dialogue.starts_quiz(message, self.act):
                return [FollowupAction(QUIZ_FORM)]
            card = self.card(dialogue, message, tracker)
        except Exception:
            error_id = uuid.uuid4().hex[:8]
            logger.exception("%s failed (error %s).", self.name(), error_id)
            send(dispatcher, Card(kind="error", answer_id=error_id, title="", lead=f"{wording.FAILED} (error {error_id})"), channel)
            return []
        send(dispatcher, card, channel)
        events = [SlotSet(CONTEXT_SLOT, context.store()), *self.events(tracker, dialogue)]
        if context.rating and context.rating != rated:
            # An event of its own: whoever reads the tracker store finds every rating by the name of its slot.
            events.append(SlotSet(RATING_SLOT, context.rating))
        return events

    def card(self, dialogue: Dialogue, message: Message, tracker: Tracker) -> Card:
        """The card to answer with."""
        return dialogue.respond(message, self.act)

    def events(self, tracker: Tracker, dialogue: Dialogue) -> list[EventType]:
        """What changes beside the context."""
        form = (tracker.active_loop or {}).get("name")
        # The form stepped back for this message. Rasa would let it ask again at once; but one message gets one reply, which
        # offers the way back. The form has to be set anew, for it counts as rejected until it has run again.
        return [ActiveLoop(form), FollowupAction("action_listen")] if form else []
