"""What is being worked on in the background after Slack has its acknowledgement: bounded, and brought to an end before the server stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)

# More than this at once is not acknowledged: Slack sends it again after a minute.
MAX_WAITING = 500


class Work:
    """Background tasks."""

    def __init__(self, most: int = MAX_WAITING) -> None:
        """Nothing to do yet; at most this much at once."""
        self.most = most
        self.closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> bool:
        """Whether more can be taken on."""
        return not self.closed and len(self._tasks) < self.most

    def begin(self, task: Coroutine[Any, Any, Any]) -> None:
        """Work on something; a failure is logged."""
        running = asyncio.ensure_future(_watched(task))
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Take on nothing more, let what runs end, and break off what has not ended by then."""
        self.closed = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _watched(task: Coroutine[Any, Any, Any]) -> None:
    try:
        await task
    except Exception:
        logger.exception("Something that Slack sent could not be worked on.")
