"""Whether replies hold what answers the messages of a writer whom nobody read: sentences that independent readers named."""

from __future__ import annotations

from collections.abc import Callable

from bench.labels import labelled
from bench.replies import UNREAD, counted
from tests.conftest import Assistant

# What was reached, less two standard errors of so many messages.
HOLDS = 0.52


def test_replies_to_unread_messages_hold_what_answers(asker: Assistant, announce: Callable[[str], None]) -> None:
    labels = labelled(UNREAD)
    found = counted(labels, [asker.turn(f"reply{number}", label["text"]) for number, label in enumerate(labels)])
    announce(
        f"Of the replies to unread messages {found['reply holds what answers']} % hold what answers, for {found['something known would']}"
        " % something is known that would."
    )
    assert found["reply holds what answers"] >= 100 * HOLDS
