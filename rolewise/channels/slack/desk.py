"""Where the channel works: each message once, in order, through the same turn as on every channel, and its answer on the way to Slack."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage

from rolewise import wording
from rolewise.cards import Card
from rolewise.channels import conversations, limits, report
from rolewise.channels.guard import admit
from rolewise.channels.slack.hearing import Heard, Press
from rolewise.channels.slack.places import Place, Tag
from rolewise.channels.slack.posts import Message, Posts
from rolewise.channels.slack.thinking import Thinking
from rolewise.channels.turns import OnNewMessage, TurnMessage, take_turn
from rolewise.conversation.asking import asking
from rolewise.conversation.questionnaire import QUIZ_INTENT
from rolewise.conversation.signs import DOWN, UP
from rolewise.knowledge.registry import knowledge_for
from rolewise.render.blocks import SEPARATOR
from rolewise.settings import settings

logger = logging.getLogger(__name__)

NAME = "slack"
# Ids of messages, conversations and threads that are remembered in memory; what is older is looked up in the tracker store.
MAX_KNOWN = 20_000
# Seconds for another process that has answered the same message to post its answer.
SETTLE = 1.0

# Sends an answer to where it belongs; the two arguments are the card and which answer it is.
Send = Callable[[Card, Tag], Awaitable[Any]]


class Recent:
    """The latest keys of many, in memory."""

    def __init__(self) -> None:
        """None yet."""
        self._keys: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str, value: float = 0.0) -> bool:
        """Remember a key; whether it is new."""
        new = key not in self._keys
        self._keys[key] = value
        if len(self._keys) > MAX_KNOWN:
            self._keys.popitem(last=False)
        return new

    def get(self, key: str) -> float:
        """What was remembered with a key."""
        return self._keys.get(key, 0.0)


def card_of(message: dict[str, Any]) -> Card:
    """The card of an answer; of one that has only text, as an action of somebody else's may give, one made of the text."""
    card = message.get("card") or (message.get("custom") or {}).get("card")
    return Card(**card) if card else Card(kind="smalltalk", answer_id="", title="", lead=str(message.get("text") or ""))


class Desk:
    """Answers what was heard."""

    def __init__(self, agent: Callable[[], Agent], on_new_message: OnNewMessage, posts: Posts, thinking: Thinking) -> None:
        """Answer with this agent, which may be replaced while the server starts."""
        self.agent = agent
        self.on_new_message = on_new_message
        self.posts = posts
        self.thinking = thinking
        self._known = Recent()
        self._begun = Recent()
        self._told = Recent()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # -- messages ---------------------------------------------------------------------------------------------------------------------

    async def message(self, heard: Heard, again: bool = False) -> None:
        """Answer a message of a channel where it was said.

        Args:
            heard: the message.
            again: Slack says that it sends it once more.
        """
        if not self._known.add(heard.key):
            return
        place = heard.place
        if not heard.addressed and not await self._follows(heard):
            return
        self._begun.add(place.conversation)
        self._begun.add(place.thread_id)

        async def send(card: Card, tag: Tag) -> None:
            await self.posts.answer(place, Message.of(card, tag), tag.key)

        await self._answer(heard, send, again)

    async def command(self, heard: Heard, url: str) -> None:
        """Answer a slash command to its asker only."""
        await self._privately(heard, url)

    async def pressed(self, press: Press) -> None:
        """Answer a suggestion that was pressed, or a choice in the App Home, and mark it in the message that holds it."""
        heard = Heard(press.key, press.place, press.value, title=press.title)
        if not press.place.channel:
            place = await self.posts.open_direct(press.place)
            if place:
                await self.message(replace(heard, place=place))
            return
        if press.only_visible_to_presser:
            await asyncio.gather(self._privately(heard, press.response), self._mark(press))
            return
        place = press.place
        if not place.direct and not place.thread:
            # An answer that was shared: going on with it opens a thread under it.
            place = replace(place, thread=press.time)
        await asyncio.gather(self.message(replace(heard, place=place)), self._mark(press))

    async def _privately(self, heard: Heard, url: str) -> None:
        if not self._known.add(heard.key):
            return

        async def send(card: Card, tag: Tag) -> None:
            await self.posts.respond(heard.place, url, Message.of(card, tag, share=True), replace_original=False)

        await self._answer(heard, send, again=False, url=url)

    async def _answer(self, heard: Heard, send: Send, again: bool, url: str = "") -> None:
        """One turn, and its answer sent.

        The turn begins at once, so that it is written down before anything else is waited for; turns of a conversation stand in line
        at the server. Here their answers do.
        """
        place, tag = heard.place, Tag(heard.place.user, heard.key)
        try:
            limits.count_sender(place.person)
        except limits.TooManyMessagesError as error:
            report.refused("rate")
            await self._slow_down(place, error, url)
            return
        turn = asyncio.ensure_future(self._turn(heard))
        try:
            async with self._lock(place.conversation):
                items, repeated = await self.thinking.while_waiting(place, turn)
                if repeated or again:
                    await asyncio.sleep(SETTLE)
                    if await self.posts.is_posted(place, heard.time, heard.key):
                        return
                for item in items:
                    # What is said of an earlier message is no answer that could be marked or found again.
                    await send(card_of(item), Tag(place.user, "") if "unanswered" in item else tag)
        finally:
            turn.cancel()

    async def _turn(self, heard: Heard) -> tuple[list[dict[str, Any]], bool]:
        """The answer to a message, and whether it was given before, by whichever process."""
        place, repeated = heard.place, False

        async def noted(message: UserMessage) -> None:
            nonlocal repeated
            await self.on_new_message(message)
            repeated = isinstance(message, TurnMessage) and message.repeated

        metadata = conversations.metadata_of(heard.key, heard.title)
        title = metadata[conversations.TITLE]
        text = heard.text or wording.SLACK_HELP
        items = await take_turn(noted, text, place.conversation, NAME, metadata, counted=True, message_id=heard.key, title=title)
        return items, repeated

    async def _slow_down(self, place: Place, error: limits.TooManyMessagesError, url: str) -> None:
        """Say once that it is too much: an answer to each message of a flood would be one, too."""
        now = time.monotonic()
        if self._told.get(place.person) > now:
            return
        self._told.add(place.person, now + float(error.headers["Retry-After"]))
        await self.posts.whisper(place, url, f"{str(error)[:1].upper()}{str(error)[1:]}.")

    async def _follows(self, heard: Heard) -> bool:
        """Whether a message in a thread, without a mention, is for the assistant.

        It is where its author has a conversation in the thread. Where others have one, it is when it calls the assistant by name, or
        asks, in form, something that can be answered: what else people say to each other there is not answered.
        """
        place, store = heard.place, self.agent().tracker_store
        if place.conversation in self._begun or await store.exists(place.conversation):
            return True
        takes_part = place.thread_id in self._begun
        if not takes_part and heard.opener:
            takes_part = await store.exists(place.of(heard.opener).conversation)
        return takes_part and (heard.called or await self._asks(heard.text))

    async def _asks(self, text: str) -> bool:
        """Whether a text asks something that can be answered."""
        admitted = admit(asking(text), knowledge_for(None), settings().max_chars)
        if admitted.refusal:
            return False
        parsed = await self.agent().parse_message(admitted.text)
        asks = str((parsed.get("intent") or {}).get("name") or "").startswith(("ask_", QUIZ_INTENT))
        return asks and any(part["decision"] == "answer" for part in parsed.get("questions") or [])

    # -- what is done with an answer --------------------------------------------------------------------------------------------------

    async def rated(self, press: Press) -> None:
        """Keep a rating, as an event of the conversation that holds the answer."""
        value, answer_id, tag = [*press.value.split(SEPARATOR, 2), "", ""][:3]
        if value not in (UP, DOWN):
            return
        conversation = press.place.of(Tag.read(tag).user).conversation
        try:
            limits.count_sender(press.place.person)
            await conversations.keep_rating(self.agent(), conversation, answer_id, value, "")
        except limits.TooManyMessagesError:
            report.refused("rate")
            return
        except conversations.UnknownAnswer:
            await self.posts.whisper(press.place, press.response, wording.SLACK_UNRATED)
            return
        report.rated(value)
        await self.posts.whisper(press.place, press.response, wording.SLACK_RATED)

    async def shared(self, press: Press) -> None:
        """Show an answer that only its asker sees to the whole channel; that needs no membership of the assistant in it."""
        tag = Tag.read(press.value)
        card = await self._card(press.place, tag)
        if card is None:
            await self.posts.whisper(press.place, press.response, wording.SLACK_UNSHARED)
            return
        message = Message.of(card, tag, shared_by=press.place.user)
        if await self.posts.respond(press.place, press.response, message, response_type="in_channel", replace_original=False):
            await self.posts.remove(press)

    async def _mark(self, press: Press) -> None:
        """Mark a pressed suggestion in the message that holds it."""
        card = await self._card(press.place, press.tag)
        if card is None:
            return
        pressed = {*press.pressed, press.value}
        options: dict[str, Any] = {"pressed": pressed, "edition": press.edition + 1, "share": press.only_visible_to_presser}
        await self.posts.change(press, Message.of(card, press.tag, **options))

    async def _card(self, place: Place, tag: Tag) -> Card | None:
        """The card of an answer, from the tracker store."""
        events = await conversations.events_of(self.agent(), place.of(tag.user).conversation)
        said = conversations.answer_to(conversations.history(events), tag.key)
        return next(map(card_of, said), None)

    def _lock(self, conversation: str) -> asyncio.Lock:
        lock = self._locks.get(conversation)
        if lock is None:
            lock = self._locks[conversation] = asyncio.Lock()
        return lock
