"""One turn of a conversation, the same for every channel: the guard, the assistant, and words back whatever happens."""

from __future__ import annotations

import logging
import uuid
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import UserMessage

from rolewise import wording
from rolewise.cards import Card, Kind
from rolewise.channels.guard import admit
from rolewise.channels.output import WholeMessages
from rolewise.knowledge.registry import knowledge_for
from rolewise.render import text as text_renderer
from rolewise.settings import settings

logger = logging.getLogger(__name__)

OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


async def take_turn(
    on_new_message: OnNewMessage, text: str, sender: str, channel: str, metadata: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Work on one message; whatever happens, the sender gets words back.

    Args:
        on_new_message: what Rasa gives a channel.
        text: as received; see :func:`rolewise.channels.guard.admit`.
        sender: the conversation's id.
        channel: the channel's name.
        metadata: kept with the message in the tracker store.

    Returns:
        At least one item ``{recipient_id, text, buttons, custom: {card}}``.
    """
    admitted = admit(text, knowledge_for(None), settings().max_chars)
    if admitted.refusal:
        return [plain(sender, admitted.refusal, "fallback")]
    collector = WholeMessages(channel)
    try:
        await on_new_message(UserMessage(admitted.text, collector, sender, input_channel=channel, metadata=metadata))
    except (Exception, CancelledError):
        error_id = uuid.uuid4().hex[:8]
        logger.exception("A turn failed (error %s).", error_id)
        return [plain(sender, f"{wording.FAILED} (error {error_id})")]
    return collector.messages or [plain(sender, wording.FAILED)]


def plain(sender: str, text: str, kind: Kind = "error") -> dict[str, Any]:
    """A message that the channel itself gives: a refusal or an apology, with its card."""
    card = Card(kind=kind, answer_id=kind, title="", lead=text)
    return {"recipient_id": sender, "text": text_renderer.render(card), "buttons": [], "custom": {"card": card.dict()}}
