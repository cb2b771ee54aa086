"""One action an act of the dialogue."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.events import EventType

from actions.base import CardAction
from actions.quiz import leave_form
from rolewise.conversation.dialogue import Dialogue


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


class EndsQuiz(CardAction):
    """An act that ends a running questionnaire and forgets its answers."""

    def events(self, tracker: Tracker, dialogue: Dialogue) -> list[EventType]:
        """The form is left, its slots are empty; unless the message was a thumb or a number after all."""
        return leave_form(tracker) if dialogue.context.quiz is None else super().events(tracker, dialogue)


class ActionStartOver(EndsQuiz):
    """Forgets the conversation."""

    act = "start_over"


class ActionRate(CardAction):
    """Takes a rating."""

    act = "rate"


class ActionStop(EndsQuiz):
    """Stops what is going on."""

    act = "stop"
