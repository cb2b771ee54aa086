"""The ``slack`` channel: on when the environment has its tokens, by Socket Mode, over HTTP, or both. Off, it changes nothing."""

from __future__ import annotations

import asyncio
import inspect
import logging

import aiohttp
from rasa.core.channels.channel import InputChannel
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse
from slack_bolt.adapter.sanic.async_handler import to_async_bolt_request, to_sanic_response
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from rolewise.channels import report
from rolewise.channels.health import Protected
from rolewise.channels.slack.app import Identity, agent_of, build
from rolewise.channels.slack.client import library_logger, patient, session, web_client
from rolewise.channels.slack.desk import NAME, Desk
from rolewise.channels.slack.posts import Posts
from rolewise.channels.slack.thinking import Thinking
from rolewise.channels.slack.work import Work
from rolewise.channels.turns import OnNewMessage
from rolewise.settings import Settings, settings

logger = logging.getLogger(__name__)

UNREADABLE = "the body is not what Slack sends"
# Seconds between two looks whether the socket still lives, and between two tries to ask Slack who we are.
PING = 5.0
ASK_AGAIN = 30.0


class SlackChannel(InputChannel):
    """Rolewise in Slack; docs/slack.md says how to get there."""

    def __init__(self) -> None:
        """Not connected."""
        self._line: Line | None = None

    @classmethod
    def name(cls) -> str:
        """The channel's name, which actions see as the input channel."""
        return NAME

    def url_prefix(self) -> str:
        """Where the routes are; the slash takes them out of ``/webhooks``."""
        return "/slack"

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """The routes of the channel, and what begins and ends with the server."""
        module = inspect.getmodule(self)
        routes = Protected("rolewise_slack", module.__name__ if module else None)
        on, level, why = configured(settings())
        logging.getLogger(__package__).setLevel(logging.INFO)
        logger.log(level, "%s", why)

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            return response.json({"status": "ok", "slack": "on" if on else "off"})

        if on:
            self._attach(routes, on_new_message)
        return routes

    def _attach(self, routes: Blueprint, on_new_message: OnNewMessage) -> None:
        @routes.listener("after_server_start")
        async def begin(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
            self._line = Line(app, on_new_message)
            self._line.begin()

        @routes.listener("before_server_stop")
        async def end(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
            if self._line:
                await self._line.end()

        if settings().slack_signing_secret:

            @routes.route("/events", methods=["POST"])
            async def receive(request: Request) -> HTTPResponse:
                if self._line is None:
                    return response.empty(503)
                return await self._line.handle(request)


class Line:
    """The connection to Slack while the server runs."""

    def __init__(self, app: Sanic, on_new_message: OnNewMessage) -> None:
        """Inside the server's event loop."""
        self.pool = session()
        self.web = web_client(self.pool, patient(), settings().slack_bot_token)
        self.work = Work()
        self.identity = Identity(settings().slack_bot_token)
        thinking = Thinking(web_client(self.pool, [], settings().slack_bot_token))
        desk = Desk(agent_of(app), on_new_message, Posts(self.web, self.pool), thinking)
        self.bolt = build(self.identity, settings().slack_signing_secret, self.web, desk, self.work)
        self.socket: AsyncSocketModeHandler | None = None
        self._starting: list[asyncio.Future[None]] = []

    def begin(self) -> None:
        """Connect in the background: a Slack that is not there must not keep the server from starting."""
        self._starting = [asyncio.ensure_future(introduce(self.web, self.identity))]
        if settings().slack_app_token:
            self._starting.append(asyncio.ensure_future(self._connect()))

    async def _connect(self) -> None:
        self.socket = socket(self.bolt, self.pool)
        if await admitted(self.socket):
            await self.socket.connect_async()
            logger.info("Slack: connected by Socket Mode.")

    async def handle(self, request: Request) -> HTTPResponse:
        """A request of Slack over HTTP."""
        try:
            # Bolt reads the body before it looks at the signature, and expects what Slack sends.
            read = to_async_bolt_request(request)
        except (ValueError, AttributeError, TypeError, KeyError):
            report.refused("400")
            return response.json({"error": UNREADABLE}, status=400)
        answer = to_sanic_response(await self.bolt.async_dispatch(read))
        if answer.status >= 400:
            report.refused(str(answer.status))
        return answer

    async def end(self) -> None:
        """Take nothing more, let running turns end and their answers reach Slack, then hang up."""
        for task in self._starting:
            task.cancel()
        if self.socket:
            await self.socket.close_async()
        await self.work.finish(settings().deadline)
        await self.pool.close()


def configured(chosen: Settings) -> tuple[bool, int, str]:
    """Whether the channel is on, and a sentence on that for the log with its level: half a configuration is a warning.

    Args:
        chosen: the settings.
    """
    ways = " and ".join(way for way, there in (("Socket Mode", chosen.slack_app_token), ("HTTP", chosen.slack_signing_secret)) if there)
    if chosen.slack_bot_token and ways:
        return True, logging.INFO, f"Slack is on, by {ways}."
    if chosen.slack_bot_token:
        missing = "SLACK_APP_TOKEN (for Socket Mode) or SLACK_SIGNING_SECRET (for HTTP) is missing"
        return False, logging.WARNING, f"Slack is off: SLACK_BOT_TOKEN is set, {missing}."
    if ways:
        return False, logging.WARNING, f"Slack is off: what {ways} needs is set, SLACK_BOT_TOKEN is missing."
    return False, logging.INFO, "Slack is off: SLACK_BOT_TOKEN is not set."


async def introduce(web: AsyncWebClient, identity: Identity) -> None:
    """Ask Slack who the assistant is, until it says so or says that the token is worth nothing."""
    while True:
        try:
            said = await web.auth_test()
        except SlackApiError as error:
            if error.response.status_code < 500:
                logger.error("Slack does not accept SLACK_BOT_TOKEN: %s.", error.response.get("error"))
                return
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            logger.warning("Slack cannot be reached (%s); it is tried again.", type(error).__name__)
        else:
            identity.user, identity.bot, identity.name = (str(said.get(name) or "") for name in ("user_id", "bot_id", "user"))
            logger.info("Slack: here as %s in %s.", said.get("user"), said.get("team"))
            return
        await asyncio.sleep(ASK_AGAIN)


async def admitted(handler: AsyncSocketModeHandler) -> bool:
    """Get the address of the socket; False where Slack says that the token is worth nothing, which no further try would change."""
    try:
        handler.client.wss_uri = await handler.client.issue_new_wss_url()
    except SlackApiError as error:
        if error.response.status_code < 500:
            logger.error("Slack does not accept SLACK_APP_TOKEN: %s.", error.response.get("error"))
            return False
    except (aiohttp.ClientError, asyncio.TimeoutError):
        pass  # slack_sdk goes on trying.
    return True


def socket(bolt: AsyncApp, pool: aiohttp.ClientSession) -> AsyncSocketModeHandler:
    """A Socket Mode connection, which slack_sdk opens again whenever it is lost."""
    token = settings().slack_app_token
    return AsyncSocketModeHandler(bolt, token, logger=library_logger, web_client=web_client(pool, patient()), ping_interval=PING)
