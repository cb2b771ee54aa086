"""The book of turns: every message is written down before it is worked on, and crossed out together with its answer.

So a turn that was cut off is known, a message that is sent again gets the answer it got, and a process that was thought dead cannot
save over what another one did. Plain SQL that SQLite and PostgreSQL both read; no Rasa.
"""

from __future__ import annotations

import os
import socket
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from rolewise.stores.database import StoreError
from rolewise.stores.link import Link

# A turn whose process has given no sign for so long was cut off, in seconds; a sign is given every second.
ABANDONED, SIGN = 4.0, 1.0
# Answered turns are remembered this long, so that a message sent again is known; in seconds.
REMEMBERED = 86400.0
# Messages cut off that are told of at once.
TOLD = 3
# How often a turn, or another change of a conversation, is worked on while other processes go on with it. Only where the locks are
# away, or a process lost its lease, is it more than once.
CONFLICTS = 4

ANSWERED = "answered"

# The clock is the database's: those of several machines differ. {now} stands for its expression.
BEGIN = """
INSERT INTO turns (sender_id, message_id, text, title, state, owner, started, seen)
SELECT :sender, :message, :text, :title, 'pending', :owner, {now}, {now}
WHERE NOT EXISTS (SELECT 1 FROM deleted WHERE sender_id = :sender)
ON CONFLICT (sender_id, message_id) DO UPDATE SET state = 'pending', owner = excluded.owner, seen = excluded.seen
WHERE turns.state <> 'answered'
"""
MINE = "FROM turns WHERE sender_id = :sender AND message_id = :message"
STANDING = """
SELECT message_id, state, first_id, last_id, text, title, started FROM turns
WHERE sender_id = :sender AND (message_id = :message OR (state = 'pending' AND seen < {now} - :abandoned)) ORDER BY started
"""
CUT_OFF = "FROM turns WHERE sender_id = :sender AND state = 'pending' AND seen < {now} - :abandoned"


class ConflictError(StoreError):
    """Another process went on with the conversation meanwhile: the turn has to be worked on again."""


class DeletedError(StoreError):
    """The conversation was deleted: nothing may begin or go on in it."""


@dataclass(frozen=True)
class CutOff:
    """A message that never got its answer."""

    message_id: str
    text: str
    title: str
    time: float


@dataclass
class Turn:
    """A message on its way through this process.

    Attributes:
        sender: the conversation's id.
        message_id: the sender's own id of the message, or one made up.
        cut_off: messages of the conversation before it that never got their answer; saving it notes that the person was told.
        token: tells this way of the message from another one: machine, process, and something made up.
    """

    sender: str
    message_id: str
    cut_off: list[CutOff] = field(default_factory=list)
    token: str = field(default_factory=lambda: f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid.uuid4().hex[:20]}")

    def key(self, **more: Any) -> dict[str, Any]:
        """Values for a statement about this turn."""
        return {"sender": self.sender, "message": self.message_id, "owner": self.token, **more}


# The turn that is being worked on, for the store, which Rasa hands nothing but a tracker.
current: ContextVar[Turn | None] = ContextVar("turn", default=None)


def begin(link: Link, now: str, turn: Turn, text: str, title: str) -> None:
    """Write a message down.

    Raises:
        DeletedError: its conversation was deleted.
    """
    written = link.execute(BEGIN.format(now=now), turn.key(text=storable(text), title=storable(title))).rowcount
    if written < 1 and is_deleted(link, turn.sender):
        raise DeletedError("the conversation was deleted")


def claim(link: Link, now: str, turn: Turn) -> tuple[int, int] | None:
    """See how a turn stands, as its conversation is locked for it.

    Returns:
        None where it is to be worked on. Where it was answered, the id of the last event before the answer, and of the last of it.

    Raises:
        DeletedError: its conversation was deleted.
    """
    rows = link.execute(STANDING.format(now=now), turn.key(abandoned=ABANDONED)).fetchall()
    mine = next((row for row in rows if row[0] == turn.message_id), None)
    if mine is None:
        raise DeletedError("the conversation was deleted while its turn was waiting")
    _, state, first, last, *_ = mine
    if state == ANSWERED:
        return int(first), int(last)
    cut_off = [CutOff(row[0], row[4] or "", row[5] or "", float(row[6])) for row in rows if row is not mine]
    turn.cut_off = cut_off[-TOLD:]
    return None


def settle(link: Link, turn: Turn, follows: int, last: int) -> None:
    """Cross a turn out, in the transaction that stores its events.

    Args:
        link: has stored them.
        turn: it is.
        follows: the id of the event before them.
        last: the id of the last of them.

    Raises:
        DeletedError: its conversation was deleted.
        ConflictError: somebody else has answered it, or said that it was not answered.
    """
    update = (
        "UPDATE turns SET state = 'answered', text = NULL, title = NULL, last_id = :last, "
        "first_id = CASE WHEN state = 'answered' THEN first_id ELSE :first END "
        "WHERE sender_id = :sender AND message_id = :message AND (state = 'pending' OR last_id = :first)"
    )
    if link.execute(update, turn.key(first=follows, last=last)).rowcount < 1:
        if link.execute(f"SELECT 1 {MINE}", turn.key()).fetchone() is None:
            raise DeletedError("the conversation was deleted while its turn was running")
        raise ConflictError("another process has dealt with the turn")
    for cut in turn.cut_off:
        tell(link, turn.sender, cut.message_id)


def tell(link: Link, sender: str, message_id: str) -> None:
    """Note that a person was told that a message was not answered."""
    update = "UPDATE turns SET state = 'unanswered' WHERE sender_id = :sender AND message_id = :message AND state = 'pending'"
    link.execute(update, {"sender": sender, "message": message_id})


def give_up(link: Link, turn: Turn) -> None:
    """Forget a turn that ended with an apology, unless its message is on its way once more."""
    link.execute(f"DELETE {MINE} AND state = 'pending' AND owner = :owner", turn.key())


def sign(link: Link, now: str, turns: list[Turn]) -> None:
    """Say that these turns are still being worked on."""
    for turn in turns:
        link.execute(
            f"UPDATE turns SET seen = {now} WHERE sender_id = :sender AND message_id = :message AND owner = :owner AND state = 'pending'",
            turn.key(),
        )


def unanswered(link: Link, now: str, sender: str) -> list[CutOff]:
    """The messages of a conversation that were cut off, the oldest first."""
    rows = link.execute(
        f"SELECT message_id, text, title, started {CUT_OFF.format(now=now)} ORDER BY started", {"sender": sender, "abandoned": ABANDONED}
    ).fetchall()
    return [CutOff(message, text or "", title or "", float(started)) for message, text, title, started in rows]


def is_deleted(link: Link, sender: str) -> bool:
    """Whether a person has deleted this conversation."""
    return link.execute("SELECT 1 FROM deleted WHERE sender_id = :sender", {"sender": sender}).fetchone() is not None


def erase(link: Link, now: str, sender: str, for_good: bool) -> int:
    """Remove a conversation; ``for_good``: whatever is on its way does not begin it again. Returns how many events it had."""
    at = {"sender": sender}
    if for_good:
        link.execute(f"INSERT INTO deleted (sender_id, at) VALUES (:sender, {now}) ON CONFLICT (sender_id) DO NOTHING", at)
    link.execute("DELETE FROM turns WHERE sender_id = :sender", at)
    return link.execute("DELETE FROM events WHERE sender_id = :sender", at).rowcount


def prune(link: Link, now: str, deleted_for: float) -> None:
    """Forget turns answered long ago; and deleted conversations whose token has expired since, in seconds."""
    link.execute(f"DELETE FROM turns WHERE started < {now} - :age AND state = 'answered'", {"age": REMEMBERED})
    link.execute(f"DELETE FROM turns WHERE started < {now} - :age", {"age": max(REMEMBERED, deleted_for)})
    link.execute(f"DELETE FROM deleted WHERE at < {now} - :age", {"age": deleted_for})


def storable(text: str) -> str:
    """A text that every database takes: no half of a surrogate pair, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
