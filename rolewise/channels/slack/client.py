"""Slack's clients as this channel uses them: what is waited out, how long it is tried again, and when an answer is given up."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler, AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.builtin_interval_calculators import BackoffRetryIntervalCalculator
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from rolewise.settings import settings

# Slack's own libraries tell of every message that they do not know; errors are enough.
library_logger = logging.getLogger("rolewise.channels.slack.library")

# Seconds that a request may take.
TIMEOUT = 30
# "Too many requests" is always waited out; this is only an end to it.
MAX_WAITS = 50
# Slack not there: tried again after 0.5, 1, 2 ... s, for about four minutes in all.
MAX_TRIES, FIRST_PAUSE = 9, 0.5


class ServerErrors(AsyncRetryHandler):
    """Tries again what Slack's servers could not do, whichever 5xx they said; slack_sdk's own knows two of them."""

    async def _can_retry_async(
        self, *, state: RetryState, request: HttpRequest, response: HttpResponse | None = None, error: Exception | None = None
    ) -> bool:
        return response is not None and response.status_code >= 500


def session() -> aiohttp.ClientSession:
    """One pool of connections for all requests to Slack; made inside the event loop that uses it."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))


def patient() -> list[AsyncRetryHandler]:
    """The retry handlers for what must not be lost."""
    backoff = BackoffRetryIntervalCalculator(FIRST_PAUSE)
    unreachable: list[type[Exception]] = [aiohttp.ClientConnectionError, asyncio.TimeoutError]
    return [
        AsyncRateLimitErrorRetryHandler(MAX_WAITS),
        AsyncConnectionErrorRetryHandler(MAX_TRIES, backoff, unreachable),
        ServerErrors(MAX_TRIES, backoff),
    ]


def web_client(pool: aiohttp.ClientSession | None, tries: list[AsyncRetryHandler], token: str | None = None) -> AsyncWebClient:
    """A client of the Web API at the address of the settings."""
    base = settings().slack_api_url.rstrip("/") + "/"
    return AsyncWebClient(token, base_url=base, session=pool, timeout=TIMEOUT, retry_handlers=tries, logger=library_logger)


def response_client(url: str, pool: aiohttp.ClientSession | None) -> AsyncWebhookClient:
    """A client of the address where the answer to a command or a press goes."""
    return AsyncWebhookClient(url, session=pool, timeout=TIMEOUT, retry_handlers=patient(), logger=library_logger)
