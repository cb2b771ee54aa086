"""The ``rest`` channel: Rasa's REST webhook with whole messages, the card, and the guard in front."""

from __future__ import annotations

import inspect
import logging
import uuid
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from rolewise import wording
from rolewise.cards import Card, Kind
from rolewise.channels.guard import admit
from rolewise.channels.output import WholeMessages
from rolewise.knowledge.registry import knowledge_for
from rolewise.render import text as text_renderer
from rolewise.settings import settings

logger = logging.getLogger(__name__)

INVALID_BODY = "the body must be a JSON object with 'message' (text) and 'sender' (text)"
INVALID_MESSAGE = "'message' must be a text that is not empty"
INVALID_SENDER = "'sender' must be a text of 1 to 200 characters"


class RestChannel(InputChannel):
    """``POST /webhooks/rest/webhook`` with ``{"sender", "message", "metadata"?}``; answers a list with one item a bot message."""

    @classmethod
    def name(cls) -> str:
        """The channel's name and part of its address."""
        return "rest"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes of the channel."""
        module = inspect.getmodule(self)
        routes = Blueprint("rolewise_rest", module.__name__ if module else None)

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @routes.route("/webhook", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            try:
                body = request.json
            except Exception:
                body = None
            if not isinstance(body, dict):
                return response.json({"error": INVALID_BODY}, status=400)
            text, sender = body.get("message"), body.get("sender")
            if not isinstance(text, str) or not text.strip():
                return response.json({"error": INVALID_MESSAGE}, status=400)
            if sender is None:
                # Without a sender everybody would share one conversation; each message gets its own instead.
                sender = uuid.uuid4().hex
            if not isinstance(sender, str) or not 1 <= len(sender) <= 200:
                return response.json({"error": INVALID_SENDER}, status=400)
            metadata = body.get("metadata")
            return response.json(await self.turn(on_new_message, text, sender, metadata if isinstance(metadata, dict) else None))

        return routes

    async def turn(
        self, on_new_message: Callable[[UserMessage], Awaitable[Any]], text: str, sender: str, metadata: dict[str, Any] | None
    ) -> list[dict[str, Any]]:
        """Work on one message; whatever happens, the sender gets words back."""
        admitted = admit(text, knowledge_for(None), settings().max_chars)
        if admitted.refusal:
            return [plain(sender, admitted.refusal, "fallback")]
        collector = WholeMessages(self.name())
        try:
            await on_new_message(UserMessage(admitted.text, collector, sender, input_channel=self.name(), metadata=metadata))
        except (Exception, CancelledError):
            error_id = uuid.uuid4().hex[:8]
            logger.exception("A turn failed (error %s).", error_id)
            return [plain(sender, f"{wording.FAILED} (error {error_id})")]
        return collector.messages or [plain(sender, wording.FAILED)]


def plain(sender: str, text: str, kind: Kind = "error") -> dict[str, Any]:
    """A message that the channel itself gives: a refusal or an apology, with its card."""
    card = Card(kind=kind, answer_id=kind, title="", lead=text)
    return {"recipient_id": sender, "text": text_renderer.render(card), "buttons": [], "custom": {"card": card.dict()}}
