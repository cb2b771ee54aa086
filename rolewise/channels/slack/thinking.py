"""The status in a thread while an answer takes its time. It never costs the answer, and where it is not allowed it is left."""

from __future__ import annotations

import asyncio
import logging
from typing import TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from rolewise import wording
from rolewise.channels.slack.places import Place

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Seconds until the status is worth a request: most answers are there before.
PATIENCE = 0.5
# Seconds that the answer waits for a status that is on its way; one that came after the answer would stay for two minutes.
LAST = 2.0


class Thinking:
    """Shows the status where the workspace allows it."""

    def __init__(self, web: AsyncWebClient) -> None:
        """Show it with this client, which should not try again."""
        self.web = web
        self.allowed = True

    async def while_waiting(self, place: Place, running: asyncio.Future[Result]) -> Result:
        """Wait for an answer; where it takes its time, show the status meanwhile. Slack takes it away when the answer is posted."""
        status: asyncio.Future[None] | None = None
        try:
            done, _ = await asyncio.wait([running], timeout=PATIENCE)
            if not done and self.allowed and place.thread:
                status = asyncio.ensure_future(self._show(place))
            result = await running
            if status:
                await asyncio.wait([status], timeout=LAST)
            return result
        finally:
            if status:
                status.cancel()

    async def _show(self, place: Place) -> None:
        try:
            await self.web.assistant_threads_setStatus(channel_id=place.channel, thread_ts=place.thread, status=wording.SLACK_THINKING)
        except SlackApiError as error:
            if error.response.status_code != 429:
                self.allowed = False
                logger.info("Slack does not let the status be shown (%s); it is left from now on.", error.response.get("error"))
        except Exception as error:
            logger.info("The status could not be shown: %s.", type(error).__name__)
