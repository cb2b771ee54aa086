"""The questionnaire as a Rasa form: its questions, its validation, its result."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions.base import CONTEXT_SLOT, QUIZ_FORM, CardAction, dialogue_of
from actions.conversation import message_of
from rolewise.cards import Card
from rolewise.conversation.dialogue import Dialogue
from rolewise.conversation.questionnaire import QUIZ_INTENT, Move, Quiz
from rolewise.questions import Message

# A question's slot is this and its id in the knowledge file.
SLOT_PREFIX = "suits_"


def answers(tracker: Tracker) -> dict[str, str]:
    """By question id the options chosen so far, joined by ``+``."""
    return {name[len(SLOT_PREFIX) :]: str(value) for name, value in tracker.slots.items() if name.startswith(SLOT_PREFIX) and value}


def leave_form(tracker: Tracker) -> list[EventType]:
    """The form is left and its answers are forgotten."""
    filled = [SlotSet(SLOT_PREFIX + question, None) for question in answers(tracker)]
    return [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None), *filled]


class ValidateSuitsForm(Action):
    """Decides what a message does while the questionnaire runs: it answers, goes on, or interrupts."""

    def name(self) -> str:
        """The name by which Rasa finds the validation of a form."""
        return f"validate_{QUIZ_FORM}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Set the slot that is answered; without an event the form steps back, and the rules answer the message."""
        dialogue = dialogue_of(tracker)
        message = dialogue.numbered(message_of(tracker))
        slot = str(tracker.get_slot(REQUESTED_SLOT) or "")
        if not dialogue.asks(slot[len(SLOT_PREFIX) :] or None):
            return []  # a new model has no such question: the rules answer
        quiz = Quiz(dialogue.knowledge)
        if slot:
            reading = quiz.read(message, slot[len(SLOT_PREFIX) :])
        elif message.chosen:
            reading = quiz.read_choice(message.chosen)
        else:
            return []
        if reading.move == Move.INTERRUPT:
            return []
        if reading.move == Move.ANSWER:
            return [SlotSet(SLOT_PREFIX + reading.question, "+".join(reading.options))]
        # Any slot set keeps the form going: it asks its question again, with this remark.
        dialogue.context.note = reading.move.value
        return [SlotSet(CONTEXT_SLOT, dialogue.context.store())]


class AskQuestion(CardAction):
    """Asks one question of the questionnaire."""

    question = ""

    def name(self) -> str:
        """The name by which Rasa finds what asks for a slot."""
        return f"action_ask_{SLOT_PREFIX}{self.question}"

    def card(self, dialogue: Dialogue, message: Message, tracker: Tracker) -> Card:
        """The question; where the form was begun by what is no more than a thumb or a number, the answer to that."""
        message = dialogue.numbered(message)
        if dialogue.context.quiz is None and message.chosen is None and (message.tapped or dialogue.is_sign(message)):
            return dialogue.respond(message, "fallback")
        if dialogue.context.quiz is None and message.parts and message.intent == QUIZ_INTENT:
            # "Which should I choose, not ML though" asks about the roles as well as for the questionnaire.
            return dialogue.respond(message, QUIZ_INTENT)
        return dialogue.ask(self.question)

    def events(self, tracker: Tracker, dialogue: Dialogue) -> list[EventType]:
        """The form is running and there is nothing to set; where nothing was asked it ends."""
        return [] if dialogue.context.quiz == self.question else [*leave_form(tracker), FollowupAction("action_listen")]


class AskInterests(AskQuestion):
    """Asks what draws the person."""

    question = "interests"


class AskStrengths(AskQuestion):
    """Asks what the person is good at."""

    question = "strengths"


class AskDegree(AskQuestion):
    """Asks what the person studied."""

    question = "degree"


class AskCoding(AskQuestion):
    """Asks how much the person has coded."""

    question = "coding"


class AskDay(AskQuestion):
    """Asks what a good day would be."""

    question = "day"


class SuitsResult(CardAction):
    """Says which role the answers speak for."""

    def name(self) -> str:
        """The name that the rule of the form's end has."""
        return "action_suits_result"

    def card(self, dialogue: Dialogue, message: Message, tracker: Tracker) -> Card:
        """The result."""
        return dialogue.quiz_result(answers(tracker))

    def events(self, tracker: Tracker, dialogue: Dialogue) -> list[EventType]:
        """The answers live on in the context only, for "repeat": the next questionnaire starts empty."""
        return leave_form(tracker)
