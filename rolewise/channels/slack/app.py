"""The Bolt app: what Slack may send, acknowledged at once and handed on. Signatures and the assistant's own posts are Bolt's business."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.agent import Agent
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from rolewise.channels.slack import home
from rolewise.channels.slack.client import library_logger
from rolewise.channels.slack.desk import Desk
from rolewise.channels.slack.hearing import Body, hear, hear_command, hear_press
from rolewise.channels.slack.work import Work
from rolewise.knowledge.registry import knowledge_for
from rolewise.render.blocks import ASK, RATE, SHARE

logger = logging.getLogger(__name__)

COMMAND = "/career"
# What the app subscribes to, as the events are called by their type; the manifests name the same.
EVENTS = ("app_mention", "message", "app_home_opened")
ANYTHING = re.compile(".")
PRESSED = re.compile(f"^({ASK}|{home.TOPIC}|{home.COMPARISON})")


class Identity:
    """Who the assistant is in its workspace; unknown until Slack has said it."""

    def __init__(self, token: str) -> None:
        """The bot of this token."""
        self.token = token
        self.user = self.bot = self.name = ""

    def result(self, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """What Bolt wants to know at each request. No call of Slack for it: the acknowledgement waits for nothing."""
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_user_id=self.user or None,
            bot_id=self.bot or None,
            bot_token=self.token,
        )


def build(identity: Identity, secret: str, web: AsyncWebClient, desk: Desk, work: Work) -> AsyncApp:
    """The app with its listeners.

    Args:
        identity: of the assistant.
        secret: what Slack signs its requests with; only needed over HTTP.
        web: a client of the Web API.
        desk: answers.
        work: where it does.
    """
    library_logger.setLevel(logging.ERROR)

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return identity.result(enterprise_id, team_id)

    unnamed = AsyncWebClient(base_url=web.base_url, session=web.session, logger=library_logger)
    app = AsyncApp(name="rolewise", logger=library_logger, client=unnamed, authorize=authorize, signing_secret=secret)

    @app.middleware
    async def defer(next: Callable[[], Awaitable[Any]]) -> BoltResponse | None:
        # Not acknowledged, Slack sends it again later: to this process when it has caught up, or to the next one.
        if not work.open:
            return BoltResponse(status=503)
        await next()
        return None

    _listen_to_messages(app, identity, desk, work)
    _listen_to_presses(app, desk, work)

    @app.event("app_home_opened")
    async def home_opened(event: Body) -> None:
        if event.get("tab", "home") == "home":
            work.begin(_publish(web, str(event["user"])))

    @app.event(ANYTHING)
    async def anything(event: Body) -> None:
        """An event that nobody needs is acknowledged, else it would come three times."""

    return app


def _listen_to_messages(app: AsyncApp, identity: Identity, desk: Desk, work: Work) -> None:
    @app.event("message")
    @app.event("app_mention")
    async def message(body: Body, context: AsyncBoltContext, request: AsyncBoltRequest) -> None:
        heard = hear(body, identity.user, identity.name)
        if heard:
            work.begin(desk.message(heard, again=is_retry(request)))

    @app.command(COMMAND)
    async def command(ack: AsyncAck, body: Body) -> None:
        await ack()
        work.begin(desk.command(hear_command(body), str(body.get("response_url") or "")))


def _listen_to_presses(app: AsyncApp, desk: Desk, work: Work) -> None:
    @app.action(PRESSED)
    async def pressed(ack: AsyncAck, body: Body) -> None:
        await ack()
        work.begin(desk.pressed(hear_press(body)))

    @app.action(RATE)
    async def rated(ack: AsyncAck, body: Body) -> None:
        await ack()
        work.begin(desk.rated(hear_press(body)))

    @app.action(SHARE)
    async def shared(ack: AsyncAck, body: Body) -> None:
        await ack()
        work.begin(desk.shared(hear_press(body)))


def is_retry(request: AsyncBoltRequest) -> bool:
    """Whether Slack says that it sends something once more; Bolt puts Socket Mode's word for it into the same header."""
    return request.headers.get("x-slack-retry-num", ["0"]) != ["0"]


async def _publish(web: AsyncWebClient, user: str) -> None:
    await web.views_publish(user_id=user, view=home.view(knowledge_for(None)))


def agent_of(app: Any) -> Callable[[], Agent]:
    """The agent of a Sanic app, whichever it has when it is asked for: the server puts its own in front while it starts."""
    return lambda: app.ctx.agent
