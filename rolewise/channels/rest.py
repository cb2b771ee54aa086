"""The ``rest`` channel: Rasa's REST webhook with whole messages, the card, and the guard in front."""

from __future__ import annotations

import inspect
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from rolewise.channels.guard import is_sender
from rolewise.channels.turns import take_turn

INVALID_BODY = "the body must be a JSON object with 'message' (text) and 'sender' (text)"
INVALID_MESSAGE = "'message' must be a text that is not empty"
INVALID_SENDER = "'sender' must be a text of 1 to 200 characters, without control characters"
INVALID_METADATA = "'metadata' must be at most 4000 characters of JSON"
# It is stored with the message.
MAX_METADATA = 4000


def is_short(metadata: dict[str, Any]) -> bool:
    """Whether metadata may be stored with a message."""
    try:
        return len(json.dumps(metadata)) <= MAX_METADATA
    except RecursionError:
        return False


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
            if not is_sender(sender):
                return response.json({"error": INVALID_SENDER}, status=400)
            metadata = body.get("metadata")
            metadata = metadata if isinstance(metadata, dict) else None
            if metadata is not None and not is_short(metadata):
                return response.json({"error": INVALID_METADATA}, status=400)
            return response.json(await take_turn(on_new_message, text, sender, self.name(), metadata))

        return routes
