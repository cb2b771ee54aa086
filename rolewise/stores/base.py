"""What every tracker store of ours does: the last turns in, the new events out, and the book of turns beside them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SerializedTrackerAsText, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, Event
from rasa.shared.core.trackers import DialogueStateTracker

from rolewise.settings import settings
from rolewise.stores import turns as book
from rolewise.stores.database import StoreError
from rolewise.stores.link import Link, last_id
from rolewise.stores.tail import StoredTracker, Tail, latest, load, read, row, session
from rolewise.stores.turns import ConflictError, CutOff, Turn

logger = logging.getLogger(__name__)

# Turns of a conversation that a tracker is made of. The policies look at the last four states, two a turn, the actions at the last
# message and the slots.
TURNS = 3
# Conversations whose latest events are kept in memory.
CACHED = 200
# Seconds between two prunings of the book of turns; a process begins with one.
PRUNING = 3600.0

Result = TypeVar("Result")


class ConversationStore(TrackerStore, SerializedTrackerAsText):
    """A tracker store whose trackers are made of the last turns, with a book of the turns that are on their way.

    A subclass says how a piece of work is done on a connection (:meth:`reading`, :meth:`writing`) and how it inserts rows.
    """

    # The database's clock: seconds since the epoch.
    now: str

    def __init__(self, domain: Domain | None = None, event_broker: EventBroker | None = None, turns: int = TURNS) -> None:
        """Keep conversations.

        Args:
            domain: of the model.
            event_broker: where events are published, as with every store of Rasa.
            turns: turns of a conversation that a tracker is made of.
        """
        super().__init__(domain, event_broker)
        self.turns = turns
        self._recent: OrderedDict[str, Tail] = OrderedDict()
        self._running: dict[int, tuple[Turn, float]] = {}

    # -- for the subclass -----------------------------------------------------------------------------------------------------

    @abstractmethod
    async def reading(self, work: Callable[[Link], Result]) -> Result:
        """Do a piece of work that changes nothing. May be done twice."""

    @abstractmethod
    async def writing(self, work: Callable[[Link], Result], sender: str | None = None) -> Result:
        """Do a piece of work in one transaction, alone among those of this conversation. It may be done twice, so it looks first.

        Without a conversation its statements may stand for themselves.
        """

    @abstractmethod
    def insert(self, link: Link, rows: list[tuple[Any, ...]]) -> int:
        """Insert rows of ``events``, without their id; returns the id that the last one got."""

    @abstractmethod
    async def probe(self) -> None:
        """Write something that changes nothing; raises when that cannot be done."""

    @abstractmethod
    def close(self) -> None:
        """Let go of every connection."""

    # -- what Rasa calls ------------------------------------------------------------------------------------------------------

    async def keys(self) -> Iterable[str]:
        """The ids of all conversations."""
        rows = await self.reading(lambda link: link.execute("SELECT DISTINCT sender_id FROM events", {}).fetchall())
        return [sender for (sender,) in rows]

    async def exists(self, conversation_id: str) -> bool:
        """Whether there is such a conversation."""
        return await self.reading(lambda link: last_id(link, conversation_id)) > 0

    def init_tracker(self, sender_id: str) -> DialogueStateTracker:
        """A tracker without events."""
        return StoredTracker(sender_id, self.domain.slots, max_event_history=self.max_event_history)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The last turns of the conversation's latest session, or None when there is no such conversation."""
        known = self._recent.get(sender_id)

        def fetch(link: Link) -> Tail | None:
            last = last_id(link, sender_id)
            # Another process may have gone on with the conversation, or removed it.
            if not last or (known is not None and known.last == last):
                return known if last else None
            return Tail(last, load(link, sender_id, self.turns))

        tail = await self.reading(fetch)
        if tail is None:
            self._recent.pop(sender_id, None)
            return None
        self._remember(sender_id, tail)
        tracker = self._tracker(sender_id, tail.events)
        tracker.last = tail.last
        return tracker

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """The whole conversation, all sessions of it."""
        mine = "SELECT data FROM events WHERE sender_id = :sender ORDER BY id"
        rows = await self.reading(lambda link: link.execute(mine, {"sender": conversation_id}).fetchall())
        return self._tracker(conversation_id, read(rows)) if rows else None

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events that are new, and cross out the turn that they answer.

        Raises:
            StoreError: they could not be stored; none of them is.
            ConflictError: another process went on with the conversation meanwhile.
            DeletedError: the conversation was deleted meanwhile.
        """
        if self.event_broker is not None:
            await self.stream_events(tracker)
        sender = tracker.sender_id
        if not isinstance(tracker, StoredTracker):
            # Made elsewhere: as in Rasa's own store it holds the latest session from its start.
            full = await self.retrieve_full_tracker(sender)
            known = len(session(list(full.events))) if full else 0
        else:
            known = tracker.stored
        new = list(itertools.islice(tracker.events, known, None))
        if not new:
            return
        follows = tracker.last if isinstance(tracker, StoredTracker) else None
        last = await self._append(sender, [row(sender, event) for event in new], follows)
        if isinstance(tracker, StoredTracker):
            tracker.stored, tracker.last = len(tracker.events), last
            self._remember(sender, Tail(last, tuple(latest(list(tracker.events), self.turns))))
        else:
            self._recent.pop(sender, None)

    # -- what the channels call -----------------------------------------------------------------------------------------------

    async def spoken(self, conversation_id: str, limit: int) -> list[Event]:
        """The latest messages of both sides, ratings and restarts among them, the oldest first; at most ``limit`` events."""
        statement = (
            "SELECT data FROM events WHERE sender_id = :sender AND (type_name IN ('user', 'bot', 'restart') "
            "OR (type_name = 'slot' AND action_name = 'rating')) ORDER BY id DESC LIMIT :limit"
        )
        rows = await self.reading(lambda link: link.execute(statement, {"sender": conversation_id, "limit": limit}).fetchall())
        return read(rows[::-1])

    async def begin(self, turn: Turn, text: str, title: str = "") -> None:
        """Write a message down before it is worked on; :meth:`end` must follow, and :meth:`give_up` where it failed.

        Raises:
            StoreError: it could not be written.
            DeletedError: its conversation was deleted.
        """
        await self.writing(lambda link: book.begin(link, self.now, turn, text, title))
        self._running[id(turn)] = (turn, asyncio.get_running_loop().time())

    async def claim(self, turn: Turn) -> list[BotUttered] | None:
        """See how a turn stands, with its conversation locked: None where it is to be worked on, or the answer that it got before.

        Raises:
            StoreError: the store cannot be read.
            DeletedError: its conversation was deleted.
        """
        statement = "SELECT data FROM events WHERE sender_id = :sender AND id > :first AND id <= :last AND type_name = 'bot' ORDER BY id"

        def look(link: Link) -> list[Any] | None:
            answered = book.claim(link, self.now, turn)
            if answered is None:
                return None
            return link.execute(statement, {"sender": turn.sender, "first": answered[0], "last": answered[1]}).fetchall()

        rows = await self.reading(look)
        return None if rows is None else [event for event in read(rows) if isinstance(event, BotUttered)]

    def end(self, turn: Turn) -> None:
        """A turn is over in this process."""
        self._running.pop(id(turn), None)

    async def give_up(self, turn: Turn) -> None:
        """Forget a turn that ended with an apology, so that its message can be sent again.

        Where the store is away it stays in the book as one that was not answered, which is true.
        """
        try:
            await self.writing(lambda link: book.give_up(link, turn))
        except Exception as error:
            logger.warning("A turn that failed stays in the book: %s.", error)

    async def unanswered(self, conversation_id: str) -> list[CutOff]:
        """The messages of a conversation that were cut off, the oldest first."""
        return await self.reading(lambda link: book.unanswered(link, self.now, conversation_id))

    async def is_deleted(self, conversation_id: str) -> bool:
        """Whether a person has deleted this conversation."""
        return await self.reading(lambda link: book.is_deleted(link, conversation_id))

    async def erase(self, conversation_id: str) -> None:
        """Remove a conversation for good: nothing that is on its way in any process begins it again."""
        self._recent.pop(conversation_id, None)
        await self.writing(lambda link: book.erase(link, self.now, conversation_id, for_good=True), conversation_id)

    async def watch(self) -> None:
        """Give signs of the turns that take long, and prune the book now and then; until cancelled."""
        clock = asyncio.get_running_loop().time
        pruned = clock() - PRUNING
        while True:
            try:
                await self._give_signs()
                if clock() >= pruned + PRUNING:
                    pruned = clock()
                    await self._prune()
            except Exception as error:
                logger.warning("The book of turns could not be kept: %s.", error)
            await asyncio.sleep(book.SIGN)

    # -- inside ---------------------------------------------------------------------------------------------------------------

    async def _give_signs(self) -> None:
        limit = asyncio.get_running_loop().time() - book.SIGN
        late = [turn for turn, began in list(self._running.values()) if began < limit]
        if late:
            await self.writing(lambda link: book.sign(link, self.now, late))

    async def _prune(self) -> None:
        # A deleted conversation may be forgotten when no token opens it any more.
        kept = (settings().token_days + 1) * 86400.0
        await self.writing(lambda link: book.prune(link, self.now, kept))

    def _tracker(self, sender: str, events: Iterable[Event]) -> StoredTracker:
        tracker = StoredTracker(sender, self.domain.slots)
        for event in events:
            tracker.update(event)
        tracker.stored = len(tracker.events)
        return tracker

    def _remember(self, sender: str, tail: Tail) -> None:
        self._recent[sender] = tail
        self._recent.move_to_end(sender)
        if len(self._recent) > CACHED:
            self._recent.popitem(last=False)

    async def _append(self, sender: str, rows: list[tuple[Any, ...]], follows: int | None) -> int:
        """Write rows of one conversation in one transaction; returns the id of the last.

        ``follows`` is the id of the event that they follow, 0 for none. Where the conversation was deleted, restored or gone on with
        meanwhile, they would be half a conversation, or one that was to be forgotten.
        """
        turn = book.current.get()

        def append(link: Link) -> int:
            last = last_id(link, sender)
            if follows is not None and last != follows:
                # The connection may have broken after the rows were stored and before that was known.
                since = "SELECT data FROM events WHERE sender_id = :sender AND id > :follows ORDER BY id"
                if link.execute(since, {"sender": sender, "follows": follows}).fetchall() == [(one[-1],) for one in rows]:
                    return last
                raise ConflictError("the conversation was changed or deleted while its turn was running")
            added = self.insert(link, rows)
            if turn is not None and turn.sender == sender:
                book.settle(link, turn, last, added)
            return added

        return await self.writing(append, sender)


__all__ = ["CACHED", "TURNS", "ConversationStore", "StoreError"]
