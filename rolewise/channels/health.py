"""What every server of ours has beside its channels: limits for all of them, errors as JSON, health checks and metrics."""

from __future__ import annotations

import logging
import math
import time
from asyncio import AbstractEventLoop
from collections.abc import Iterable
from typing import Any

from sanic import Blueprint, Sanic, response
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

from rolewise.channels import connections, limits, origins, report
from rolewise.channels.conversations import stores
from rolewise.channels.limits import TooManyMessagesError
from rolewise.channels.turns import apology, failed
from rolewise.settings import settings
from rolewise.stores.base import ConversationStore
from rolewise.stores.leases import LeaseLockStore

logger = logging.getLogger(__name__)

# Seconds that a connection is kept for the next request: more than nginx keeps it, or nginx would send one over a closed one.
KEEP_ALIVE_SECONDS = 75
# Seconds that the answer of a readiness check holds: a crowd of checks writes to the store no more often.
READY_SECONDS = 1.0
# The name of Rasa's app where its HTTP API is on, which takes models and training data.
WITH_API = "rasa_server"


class Health:
    """Whether the server can answer a message now."""

    def __init__(self) -> None:
        """Not yet."""
        self.warm = False
        self.store: Any = None
        self.locks: Any = None
        self._checked: float = -READY_SECONDS
        self._reason: str | None = None
        self._leaving = False
        self._connections: set[Any] = set()

    async def reason(self) -> str | None:
        """None when a message can be answered and stored, or why not."""
        if not self.warm:
            return "starting or stopping"
        if time.monotonic() > self._checked + READY_SECONDS:
            try:
                if isinstance(self.store, ConversationStore):
                    await self.store.probe()
                elif self.store is not None:
                    await self.store.exists("ready")
                self._reason = None
                if isinstance(self.locks, LeaseLockStore):
                    await self.locks.probe()
                    report.degraded("locks", self.locks.degraded)
            except Exception as error:
                self._reason = "the store cannot be used"
                logger.error("The store cannot be used: %s.", error)
            self._checked = time.monotonic()
        return self._reason

    def loaded(self, app: Sanic, loop: AbstractEventLoop) -> None:
        """The model is loaded. Where Rasa's own command did that, nothing was warmed up, and Rasa wrapped the store."""
        agent = getattr(app.ctx, "agent", None)
        if not self.warm and agent is not None and agent.is_ready():
            self.store, self.locks, self.warm = stores(agent.tracker_store)[0], agent.lock_store, True

    def away(self) -> list[str]:
        """Parts that are not vital and cannot be used."""
        return ["locks"] if isinstance(self.locks, LeaseLockStore) and self.locks.degraded else []

    def leave(self) -> None:
        """No longer ready, and every connection ends with the answer that is on its way over it.

        Sanic keeps them open also while it stops. A proxy would go on sending messages over those that it holds, and what is being
        answered when Sanic's patience ends would be cut off.
        """
        self.warm = False
        self._leaving = True
        for connection in list(self._connections):
            # One that was opened just now has nothing to end yet: its first request will.
            if http := getattr(connection, "_http", None):
                http.keep_alive = False

    def arrived(self, request: Request) -> None:
        """A request has come."""
        if request.stream is not None:
            # All connections of the server, not only this one.
            self._connections = request.stream.protocol.connections
            if self._leaving:
                request.stream.keep_alive = False


class Headed(Blueprint):
    """Routes of which each that answers GET answers HEAD, too, as RFC 9110 wants: Sanic leaves out the body, and keeps its length."""

    def route(self, uri: str, methods: Iterable[str] | None = None, **options: Any) -> Any:  # type: ignore[override]
        """Add a route."""
        wanted = [*(methods or ("GET",))]
        return super().route(uri, methods=[*wanted, "HEAD"] if "GET" in wanted else wanted, **options)


class Protected(Headed):
    """The routes of a channel, on an app that they protect: also where Rasa's own commands serve them."""

    def register(self, app: Sanic, options: dict[str, Any]) -> None:
        """Add the routes."""
        protect(app)
        super().register(app, options)


def protect(app: Sanic) -> Health:
    """Put limits, error answers, health checks and metrics on an app, before it starts; of one that has them, its health."""
    health = getattr(app.ctx, "health", None)
    if isinstance(health, Health):
        return health
    connections.install()
    app.ctx.health = health = Health()
    if app.name != WITH_API:
        app.config.REQUEST_MAX_SIZE = settings().max_body
    app.config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE_SECONDS
    # A turn ends at its deadline; only then may Sanic step in.
    app.config.RESPONSE_TIMEOUT = math.ceil(settings().deadline) + 30
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = settings().deadline + 2
    app.config.ACCESS_LOG = False
    if settings().proxies:
        app.config.PROXIES_COUNT = settings().proxies
    app.register_middleware(health.arrived, "request")
    app.register_listener(limit_first, "before_server_start")
    app.register_listener(health.loaded, "after_server_start")
    app.register_middleware(origins.refuse_cross_site, "request")
    app.error_handler.add(SanicException, refuse)
    app.error_handler.add(Exception, apologise)
    app.blueprint(routes(health))
    return health


def routes(health: Health) -> Blueprint:
    """``/chat/ready``, ``/chat/live`` and ``/metrics``."""
    blueprint = Headed("rolewise_health")

    @blueprint.route("/chat/live", methods=["GET"])
    async def live(request: Request) -> HTTPResponse:
        return response.json({"status": "ok"})

    @blueprint.route("/chat/ready", methods=["GET"])
    async def ready(request: Request) -> HTTPResponse:
        reason = await health.reason()
        if reason:
            return response.json({"status": "not ready", "reason": reason}, status=503)
        away = health.away()
        return response.json({"status": "ok", "degraded": away} if away else {"status": "ok"})

    if settings().metrics == "on":

        @blueprint.route("/metrics", methods=["GET"])
        async def metrics(request: Request) -> HTTPResponse:
            return response.raw(report.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return blueprint


def limit_first(app: Sanic, loop: AbstractEventLoop) -> None:
    """Put the limit of addresses in front of all middleware: Sanic-CORS puts its own there as the app starts, and answers a preflight."""
    app.request_middleware.appendleft(limit)


def limit(request: Request) -> HTTPResponse | None:
    """Request middleware: 429 for an address that asks too much. It raises nothing: it also stands before answers to what failed."""
    try:
        limits.count_address(request)
    except TooManyMessagesError as error:
        return refuse(request, error)
    return None


def refuse(request: Request, error: SanicException) -> HTTPResponse:
    """A refusal of Sanic's, or the rate limits', as JSON with its reason."""
    status = getattr(error, "status_code", 500)
    if status >= 500 and status != 503:
        return apologise(request, error)
    report.refused("rate" if isinstance(error, TooManyMessagesError) else str(status))
    return response.json({"error": str(error)}, status=status, headers=getattr(error, "headers", None))


def apologise(request: Request, error: Exception) -> HTTPResponse:
    """A failure outside of a turn: an id that the log has, too, and nothing of the trace."""
    error_id = failed("request", "A request failed", exc_info=(type(error), error, error.__traceback__))
    return response.json({"error": apology(error_id)}, status=500)
