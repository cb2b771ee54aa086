"""Whether replies hold, or offer, what answers the messages of a writer whom nobody read: sentences that independent readers named."""

from __future__ import annotations

from collections.abc import Callable

from bench.labels import labelled
from bench.replies import ANSWERS, UNREAD, counted, offers
from tests.conftest import Assistant

# What was reached, less two standard errors of so many messages.
HOLDS = 0.52
# Of the messages that are not answered although a sentence would: a small number of them, so a low bound.
OFFERS = 0.3


def test_replies_to_unread_messages_hold_what_answers(asker: Assistant, announce: Callable[[str], None]) -> None:
    labels = labelled(UNREAD)
    replies = [asker.turn(f"reply{number}", label["text"]) for number, label in enumerate(labels)]
    found = counted(labels, replies)
    announce(
        f"Of the replies to unread messages {found['reply holds what answers']} % hold what answers, for {found['something known would']}"
        " % something is known that would."
    )
    assert found["reply holds what answers"] >= 100 * HOLDS
    missed = [pair for pair in zip(labels, replies, strict=True) if pair[0]["best"] and pair[1]["kind"] not in ANSWERS]
    assert sum(offers(*pair) for pair in missed) >= OFFERS * len(missed)
