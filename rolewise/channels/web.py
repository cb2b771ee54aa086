"""The ``web`` channel under ``/chat``: the widget's files and its routes. A signed token opens one conversation, and only that."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from rolewise.channels import conversations, files, limits, origins, report
from rolewise.channels.bodies import json_object
from rolewise.channels.guard import is_message_id
from rolewise.channels.health import Protected
from rolewise.channels.tokens import TokenError, conversation_of, mint
from rolewise.channels.turns import OnNewMessage, take_turn
from rolewise.control import strip_control
from rolewise.conversation.dialogue import MAX_REASON
from rolewise.conversation.signs import DOWN, UP
from rolewise.knowledge.registry import knowledge_for
from rolewise.settings import settings

logger = logging.getLogger(__name__)

NDJSON = "application/x-ndjson; charset=utf-8"
# A line is sent at least this often while an answer is made, so that a proxy can tell a process that hangs from one that works. Seconds.
HEARTBEAT = 2.0

INVALID_TOKEN = "the token is missing, changed or expired: POST /chat/session gives a new one"
INVALID_MESSAGE = (
    "the body must be a JSON object with 'id' (8 to 64 letters, digits, '-', '_'), 'text' (text) and, if you like, 'title' (text)"
)
INVALID_RATING = "the body must be a JSON object with 'answer_id' (text), 'value' ('up' or 'down') and, if you like, 'reason' (text)"
UNKNOWN_ANSWER = "this conversation holds no answer of that id"
FAILED = "something went wrong on the server"

Handler = Callable[..., Awaitable[HTTPResponse | None]]


class WebChannel(InputChannel):
    """The widget's channel. docs/widget.md describes its routes."""

    @classmethod
    def name(cls) -> str:
        """The channel's name, which actions see as the input channel."""
        return "web"

    def url_prefix(self) -> str:
        """Where the routes are; the slash takes them out of ``/webhooks``."""
        return "/chat"

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """The routes of the channel."""
        module = inspect.getmodule(self)
        routes = Protected("rolewise_web", module.__name__ if module else None)
        routes.middleware(origins.refuse_strangers, "request")
        routes.middleware(origins.share, "response")
        self._add_files(routes)
        self._add_conversation(routes, on_new_message)
        return routes

    def _add_files(self, routes: Blueprint) -> None:
        """The demo page, the page of questions and answers, and the widget."""

        @routes.route("/", methods=["GET"])
        async def page(request: Request) -> HTTPResponse:
            return files.give(request, files.PAGE)

        faq = files.Faq()

        @routes.route("/faq", methods=["GET"])
        async def questions_and_answers(request: Request) -> HTTPResponse:
            return await faq.give(request, knowledge_for(None))

        for name in files.TYPES:
            if name != files.PAGE:
                routes.add_route(functools.partial(give_file, name=name), f"/{name}", methods=["GET"], name=f"file_{name}")

    def _add_conversation(self, routes: Blueprint, on_new_message: OnNewMessage) -> None:
        """The routes that the widget calls; each answers OPTIONS too, so that a preflight finds it."""

        @routes.route("/config", methods=["GET", "OPTIONS"])
        async def config(request: Request) -> HTTPResponse:
            return answer({"contact": settings().contact or None, "max_chars": settings().max_chars})

        @routes.route("/session", methods=["POST", "OPTIONS"])
        async def session(request: Request) -> HTTPResponse:
            return answer({"token": mint()})

        @routes.route("/message", methods=["POST", "OPTIONS"])
        @with_token
        async def message(request: Request, conversation: str) -> HTTPResponse | None:
            body = json_object(request) or {}
            message_id, text, title = body.get("id"), body.get("text"), body.get("title", "")
            if not is_message_id(message_id):
                return answer({"error": INVALID_MESSAGE}, 400)
            if not isinstance(text, str) or not text.strip() or not isinstance(title, str):
                return answer({"error": INVALID_MESSAGE}, 400)
            if await conversations.is_deleted(request.app.ctx.agent, conversation):
                return answer({"error": INVALID_TOKEN}, 401, {"WWW-Authenticate": "Bearer"})
            limits.count_sender(conversation)  # here, where the answer can still have the status 429
            metadata = conversations.metadata_of(message_id, title)
            turn = self._turn(on_new_message, conversation, message_id, text, metadata)
            # The turn goes on when the browser goes away: it finds the answer in the history.
            task = asyncio.ensure_future(turn)
            stream = await request.respond(content_type=NDJSON, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
            async for line in lines(message_id, task):
                await stream.send(json.dumps(line, separators=(",", ":")) + "\n")
            await stream.eof()
            return None

        @routes.route("/history", methods=["GET", "OPTIONS"])
        @with_token
        async def history(request: Request, conversation: str) -> HTTPResponse:
            agent = request.app.ctx.agent
            events = await conversations.events_of(agent, conversation)
            said = conversations.history(conversations.since_start_over(events))
            return answer({"messages": [*said, *await conversations.unanswered(agent, conversation, events)]})

        @routes.route("/rating", methods=["POST", "OPTIONS"])
        @with_token
        async def rating(request: Request, conversation: str) -> HTTPResponse:
            body = json_object(request) or {}
            answer_id, value, reason = body.get("answer_id"), body.get("value"), body.get("reason", "")
            if not isinstance(answer_id, str) or value not in (UP, DOWN) or not isinstance(reason, str):
                return answer({"error": INVALID_RATING}, 400)
            limits.count_sender(conversation)
            try:
                reason = strip_control(reason).strip()[:MAX_REASON]
                await conversations.keep_rating(request.app.ctx.agent, conversation, answer_id, value, reason)
            except conversations.UnknownAnswer:
                return answer({"error": UNKNOWN_ANSWER}, 404)
            report.rated(value)
            return answer({"status": "ok"})

        @routes.route("/start-over", methods=["POST", "OPTIONS"])
        @with_token
        async def start_over(request: Request, conversation: str) -> HTTPResponse:
            await conversations.start_over(request.app.ctx.agent, conversation)
            return answer({"status": "ok"})

        @routes.route("/conversation", methods=["DELETE", "OPTIONS"])
        @with_token
        async def delete(request: Request, conversation: str) -> HTTPResponse:
            await conversations.delete(request.app.ctx.agent, conversation)
            return answer({"status": "ok"})

    async def _turn(
        self, on_new_message: OnNewMessage, conversation: str, message_id: str, text: str, metadata: dict[str, Any]
    ) -> list[conversations.Message]:
        """Answer a message, once: one that was answered before, by whichever process, gets the stored answer."""
        title = metadata[conversations.TITLE]
        items = await take_turn(on_new_message, text, conversation, self.name(), metadata, counted=True, message_id=message_id, title=title)
        # What is said of earlier messages stands before the answer, and is not part of it.
        first = -sum(1 for item in items if "unanswered" in item)
        return [
            conversations.bot_message(message_id, number, item["text"], item.get("custom"), time.time())
            for number, item in enumerate(items, first)
        ]


async def lines(message_id: str, turn: asyncio.Future[list[conversations.Message]]) -> AsyncIterator[dict[str, Any]]:
    """The lines of a reply, numbered from 0: ``ack``, ``message`` for each message (or ``error``), and always ``end``.

    Args:
        message_id: the id of the message that is answered.
        turn: gives the messages. Until it does, there is a line ``wait`` every :data:`HEARTBEAT` seconds.
    """
    numbers = iter(range(1_000_000))
    yield {"seq": next(numbers), "type": "ack", "id": message_id}
    while not turn.done():
        await asyncio.wait([turn], timeout=HEARTBEAT)
        if not turn.done():
            yield {"seq": next(numbers), "type": "wait"}
    try:
        for message in turn.result():
            yield {"seq": next(numbers), "type": "message", **message}
    except (Exception, asyncio.CancelledError):
        error_id = uuid.uuid4().hex[:8]
        logger.exception("A turn of the web channel failed (error %s).", error_id)
        yield {"seq": next(numbers), "type": "error", "error": f"{FAILED} (error {error_id})"}
    yield {"seq": next(numbers), "type": "end"}


def with_token(handler: Handler) -> Handler:
    """Hand a route the conversation of the request's bearer token, or answer 401; what is raised becomes a 500 with an id."""

    @functools.wraps(handler)
    async def route(request: Request) -> HTTPResponse | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            conversation = conversation_of(token.strip() if kind.lower() == "bearer" else "")
        except TokenError:
            return answer({"error": INVALID_TOKEN}, 401, {"WWW-Authenticate": "Bearer"})
        try:
            return await handler(request, conversation)
        except limits.TooManyMessagesError:
            raise
        except Exception:
            if request.stream and request.stream.response:
                raise  # the answer has begun; no second one can be sent
            error_id = uuid.uuid4().hex[:8]
            logger.exception("%s failed (error %s).", request.path, error_id)
            return answer({"error": f"{FAILED} (error {error_id})"}, 500)

    return route


def answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> HTTPResponse:
    """A JSON answer that nobody keeps."""
    return response.json(body, status=status, headers={"Cache-Control": "no-store", **(headers or {})})


async def give_file(request: Request, name: str) -> HTTPResponse:
    """One of the files of the widget."""
    return files.give(request, name)
