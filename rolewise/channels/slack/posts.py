"""Answers on their way to Slack: one post each, as text alone where Slack refuses the blocks; what is finally lost is said in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from rolewise.cards import Card
from rolewise.channels import report
from rolewise.channels.slack.client import FIRST_PAUSE, MAX_TRIES, response_client
from rolewise.channels.slack.hearing import Press
from rolewise.channels.slack.places import Place, Tag
from rolewise.render import blocks

logger = logging.getLogger(__name__)

BLOCKS_REFUSED = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long")
# The metadata of a post, which says to which message it is the answer.
EVENT = "rolewise_answer"
# Messages looked through for one of them.
LOOK_BACK = 100

Fields = dict[str, Any]


class RefusedError(Exception):
    """Slack does not take it; the argument is Slack's word for the reason."""


@dataclass(frozen=True)
class Message:
    """A card as Slack gets it.

    Attributes:
        text: the short answer, for notifications and screen readers.
        blocks: the answer.
        plain: the whole answer as text, for when the blocks are refused.
    """

    text: str
    blocks: list[blocks.Block]
    plain: str

    @classmethod
    def of(cls, card: Card, tag: Tag, **options: Any) -> Message:
        """The message of a card; options as for :func:`rolewise.render.blocks.render`."""
        return cls(blocks.summary(card), blocks.render(card, str(tag), **options), blocks.plain(card))


class Posts:
    """Sends to Slack. A request is tried again as :mod:`rolewise.channels.slack.client` says, and only then given up."""

    def __init__(self, web: AsyncWebClient, pool: aiohttp.ClientSession) -> None:
        """Send with this client and these connections."""
        self.web = web
        self.pool = pool

    async def answer(self, place: Place, message: Message, key: str) -> bool:
        """Post an answer into its channel and thread; whether Slack took it."""
        where: Fields = {"channel": place.channel, "thread_ts": place.thread or None, "unfurl_links": False, "unfurl_media": False}
        metadata = {"event_type": EVENT, "event_payload": {"message": key}}
        return await _kept(place, lambda fields: self.web.chat_postMessage(**where, metadata=metadata, **fields), message)

    async def change(self, press: Press, message: Message) -> None:
        """Show a message of ours anew. The one that stands there is good, too: a failure is logged, and nothing else is tried."""
        fields: Fields = {"text": message.text, "blocks": message.blocks}
        try:
            if press.only_visible_to_presser:
                await self._respond(press.response, {"replace_original": True, **fields})
            else:
                await self.web.chat_update(channel=press.place.channel, ts=press.time, **fields)
        except Exception as error:
            logger.warning("A pressed button could not be marked: %s.", _reason(error))

    async def respond(self, place: Place, url: str, message: Message, **options: Any) -> bool:
        """Answer a command or a press at its own address: seen by one person only, unless the options say otherwise."""
        return await _kept(place, lambda fields: self._respond(url, {"response_type": "ephemeral", **options, **fields}), message)

    async def remove(self, press: Press) -> None:
        """Take away a message that only the presser sees; where that fails it stays."""
        try:
            await self._respond(press.response, {"delete_original": True})
        except Exception as error:
            logger.warning("A shared answer could not be taken away from its asker: %s.", _reason(error))

    async def whisper(self, place: Place, url: str, text: str) -> bool:
        """Say something to one person, without an answer's looks."""
        if url:
            thread = {"thread_ts": place.thread} if place.thread else {}
            return await self.respond(place, url, Message(text, [], text), replace_original=False, **thread)
        to: Fields = {"channel": place.channel, "user": place.user, "thread_ts": place.thread or None}
        return await _kept(place, lambda fields: self.web.chat_postEphemeral(**to, **fields), Message(text, [], text))

    async def is_posted(self, place: Place, time: str, key: str) -> bool:
        """Whether the answer to a message stands in the channel; also where Slack does not say."""
        if not time:
            return True
        span: Fields = {"channel": place.channel, "oldest": time, "limit": LOOK_BACK, "include_all_metadata": True}
        try:
            found = await (
                self.web.conversations_replies(ts=place.thread, **span) if place.thread else self.web.conversations_history(**span)
            )
        except (SlackApiError, aiohttp.ClientError, asyncio.TimeoutError) as error:
            logger.warning("Slack does not say whether a message was answered, so it is left as it is: %s.", _reason(error))
            return True
        said = [message.get("metadata") or {} for message in found.get("messages") or []]
        return any((metadata.get("event_payload") or {}).get("message") == key for metadata in said)

    async def open_direct(self, place: Place) -> Place | None:
        """The direct channel of a person, for an answer to what was chosen in the App Home."""
        try:
            opened = await self.web.conversations_open(users=place.user)
        except (SlackApiError, aiohttp.ClientError, asyncio.TimeoutError) as error:
            _lost(place, _reason(error))
            return None
        return Place(place.team, str((opened.get("channel") or {}).get("id")), place.user)

    async def _respond(self, url: str, fields: Fields) -> None:
        client = response_client(url, self.pool)
        # This client of slack_sdk waits out 429 and lost connections, and leaves other failures of Slack's servers to its caller.
        for number in range(MAX_TRIES):
            response = await client.send_dict(fields)
            if response.status_code < 500:
                break
            await asyncio.sleep(FIRST_PAUSE * 2**number)
        if response.status_code != 200:
            raise RefusedError(response.body.strip() or str(response.status_code))


async def _kept(place: Place, send: Callable[[Fields], Awaitable[Any]], message: Message) -> bool:
    """Send a message, as text alone where its blocks are refused; what is lost all the same is logged and counted."""
    fields: Fields = {"text": message.text, **({"blocks": message.blocks} if message.blocks else {})}
    try:
        try:
            await send(fields)
        except (SlackApiError, RefusedError) as error:
            if not message.blocks or not any(word in _reason(error) for word in BLOCKS_REFUSED):
                raise
            logger.warning("Slack refused the blocks of an answer (%s); it goes out as text.", _reason(error))
            await send({"text": message.plain})
    except asyncio.CancelledError:
        _lost(place, "the server stops")
        raise
    except Exception as error:
        _lost(place, _reason(error))
        return False
    return True


def _reason(error: Exception) -> str:
    """Slack's word for a failure, or the kind of the error; never what a message says."""
    if isinstance(error, SlackApiError):
        return str(error.response.get("error") if isinstance(error.response.data, dict) else error.response.status_code)
    return str(error) if isinstance(error, RefusedError) else type(error).__name__


def _lost(place: Place, reason: str) -> None:
    report.error("slack")
    extra = {"conversation": report.pseudonym(place.conversation), "reason": reason}
    logger.error("Slack did not take an answer, it is lost: %s.", reason, extra=extra)
