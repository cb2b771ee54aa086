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

from rolewise.channels import origins
from rolewise.channels.bodies import json_object
from rolewise.channels.guard import is_message_id, is_sender
from rolewise.channels.health import Protected
from rolewise.channels.turns import take_turn
from rolewise.settings import settings

INVALID_BODY = "the body must be a JSON object with 'message' (text) and 'sender' (text)"
INVALID_TYPE = "the Content-Type must be application/json"
INVALID_MESSAGE = "'message' must be a text that is not empty"
INVALID_SENDER = "'sender' must be a text of 1 to 200 characters, without control characters"
INVALID_ID = "'message_id' must be a text of 8 to 64 letters, digits, '-' and '_'"
INVALID_METADATA = "'metadata' must be a JSON object of at most 4000 characters"
# It is stored with the message.
MAX_METADATA = 4000


def is_json(request: Request) -> bool:
    """Whether a request says that its body is JSON: for any other type a browser lets every page send it without asking first."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def is_short(metadata: dict[str, Any]) -> bool:
    """Whether metadata may be stored with a message."""
    try:
        return len(json.dumps(metadata)) <= MAX_METADATA
    except RecursionError:
        return False


class RestChannel(InputChannel):
    """``POST /webhooks/rest/webhook`` with ``{"sender", "message", "message_id"?, "metadata"?}``; answers one item a bot message.

    A message that is sent again with its ``message_id`` gets the answer it had. Behind a proxy the header ``X-Request-ID`` serves where
    there is none: a proxy that asks another process repeats it.
    """

    @classmethod
    def name(cls) -> str:
        """The channel's name and part of its address."""
        return "rest"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes of the channel."""
        module = inspect.getmodule(self)
        routes = Protected("rolewise_rest", module.__name__ if module else None)
        routes.middleware(origins.refuse_strangers, "request")
        routes.middleware(origins.share, "response")

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @routes.route("/webhook", methods=["POST", "OPTIONS"])
        async def receive(request: Request) -> HTTPResponse:
            if not is_json(request):
                return response.json({"error": INVALID_TYPE}, status=415)
            body = json_object(request)
            if body is None:
                return response.json({"error": INVALID_BODY}, status=400)
            text, sender = body.get("message"), body.get("sender")
            if not isinstance(text, str) or not text.strip():
                return response.json({"error": INVALID_MESSAGE}, status=400)
            message_id, request_id = body.get("message_id"), request.headers.get("x-request-id")
            repeatable = request_id if settings().proxies and is_message_id(request_id) else None
            if message_id is not None and not is_message_id(message_id):
                return response.json({"error": INVALID_ID}, status=400)
            if sender is None:
                # Without a sender everybody would share one conversation; each message gets its own instead.
                sender = repeatable or uuid.uuid4().hex
            message_id = message_id or repeatable
            if not is_sender(sender):
                return response.json({"error": INVALID_SENDER}, status=400)
            metadata = body.get("metadata")
            if metadata is not None and not (isinstance(metadata, dict) and is_short(metadata)):
                return response.json({"error": INVALID_METADATA}, status=400)
            items = await take_turn(on_new_message, text, sender, self.name(), metadata, message_id=message_id)
            return response.json(items)

        return routes
