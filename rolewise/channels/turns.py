"""One turn of a conversation, the same for every channel: the guard, the assistant, and words back whatever happens."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
import uuid
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import UserMessage

from rolewise import wording
from rolewise.cards import Card, Kind, Suggestion
from rolewise.channels import limits, report
from rolewise.channels.guard import admit
from rolewise.channels.output import WholeMessages
from rolewise.knowledge.registry import knowledge_for
from rolewise.render import text as text_renderer
from rolewise.settings import settings
from rolewise.stores.database import StoreError
from rolewise.stores.turns import CutOff, DeletedError

logger = logging.getLogger(__name__)

# Characters of an earlier message that are shown again.
MAX_SHOWN = 80

OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


class TurnMessage(UserMessage):
    """A message that has passed the guard and whose turn is being watched.

    Attributes:
        title: what the person saw on the button, where it was one.
        cut_off: messages of the same person that got no answer, of which the answer to this one tells.
        repeated: it was answered before, and its answer is given again.
    """

    title = ""
    cut_off: tuple[CutOff, ...] = ()
    repeated = False


async def take_turn(
    on_new_message: OnNewMessage,
    text: str,
    sender: str,
    channel: str,
    metadata: dict[str, Any] | None = None,
    counted: bool = False,
    message_id: str | None = None,
    title: str = "",
) -> list[dict[str, Any]]:
    """Work on one message; whatever happens, the sender gets words back.

    Args:
        on_new_message: what Rasa gives a channel.
        text: as received; see :func:`rolewise.channels.guard.admit`.
        sender: the conversation's id.
        channel: the channel's name.
        metadata: kept with the message in the tracker store.
        counted: the channel has counted the message for the sender's rate limit already.
        message_id: the sender's own id of the message. Where the message was answered before, the stored answer is given.
        title: what the person saw on the button, where it was one.

    Returns:
        At least one item ``{recipient_id, text, buttons, custom: {card}}``. One for each message that was cut off comes first, with
        its id as ``unanswered``.

    Raises:
        TooManyMessagesError: the sender is over the rate limit; Sanic makes status 429 with ``Retry-After`` of it.
    """
    began = time.perf_counter()
    if not counted:
        limits.count_sender(sender)
    admitted = admit(text, knowledge_for(None), settings().max_chars)
    if admitted.refusal:
        items = [plain(sender, admitted.refusal, "fallback")]
        report.refused("message")
        return items
    collector = WholeMessages(channel)
    # When it came: the event's own time is that of its being understood.
    metadata = {**(metadata or {}), "received": time.time()}
    message = TurnMessage(admitted.text, collector, sender, input_channel=channel, message_id=message_id, metadata=metadata)
    message.title = title
    error_id = await watched(on_new_message, message)
    if error_id is None and not collector.messages:
        # Rasa goes on when an action cannot be run, and says nothing.
        error_id = failed("silence", "A turn brought no answer")
    items = [plain(sender, apology(error_id))] if error_id else collector.messages
    if message.repeated:
        report.repeated()
        return items
    report.turn(message, items, time.perf_counter() - began, error_id)
    if message.cut_off and not error_id:
        report.told(len(message.cut_off))
        items = [*(regret(sender, cut) for cut in message.cut_off), *items]
    return items


async def watched(on_new_message: OnNewMessage, message: UserMessage) -> str | None:
    """Let the assistant work on a message until the deadline.

    A turn that fails is not stored, so the conversation stands as before it.

    Returns:
        None, or the id under which the log has the failure.
    """
    try:
        await asyncio.wait_for(on_new_message(message), settings().deadline)
    except asyncio.TimeoutError:
        return failed("deadline", "A turn took longer than %s s and was given up", settings().deadline)
    except DeletedError:
        return failed("deleted", "A turn was given up: its conversation was deleted")
    except CancelledError:
        return failed("cancelled", "A turn was broken off: the client left, or the server stops")
    except (sqlite3.Error, StoreError) as error:
        return failed("store", "A turn could not be stored: %s", error)
    except Exception:
        return failed("exception", "A turn failed", exc_info=True)
    return None


def failed(reason: str, text: str, *values: object, exc_info: Any = None) -> str:
    """Count and log a failure; returns its id."""
    error_id = uuid.uuid4().hex[:8]
    report.error(reason)
    logger.error(f"{text} (error %s).", *values, error_id, exc_info=exc_info, extra={"error_id": error_id, "reason": reason})
    return error_id


def apology(error_id: str) -> str:
    """What a person reads when a turn failed."""
    return f"{wording.FAILED} (error {error_id})"


def regret(sender: str, cut: CutOff) -> dict[str, Any]:
    """What a person reads whose earlier message got no answer; a tap sends it again."""
    words = " ".join((cut.title or cut.text).split())
    shown = words if len(words) <= MAX_SHOWN else words[:MAX_SHOWN].rstrip() + "..."
    card = Card(kind="error", answer_id="unanswered", title="", lead=wording.CUT_OFF.format(text=shown))
    if cut.text:
        card.suggestions = [Suggestion(title=shown, payload=cut.text)]
    buttons = [{"title": item.title, "payload": item.payload} for item in card.suggestions]
    text = text_renderer.render(card)
    return {"recipient_id": sender, "text": text, "buttons": buttons, "custom": {"card": card.dict()}, "unanswered": cut.message_id}


def plain(sender: str, text: str, kind: Kind = "error") -> dict[str, Any]:
    """A message that the channel itself gives: a refusal or an apology, with its card."""
    card = Card(kind=kind, answer_id=kind, title="", lead=text)
    return {"recipient_id": sender, "text": text_renderer.render(card), "buttons": [], "custom": {"card": card.dict()}}
