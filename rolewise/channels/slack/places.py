"""Where something is said in Slack, and which conversation that is. Two threads or two people are never one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rolewise.render.blocks import SEPARATOR


@dataclass(frozen=True)
class Place:
    """A person in a channel, and perhaps in a thread of it.

    Attributes:
        team: the workspace's id.
        channel: the channel's id; that of a direct message begins with ``D``.
        user: the person's id.
        thread: the timestamp of the thread's first message; empty outside of threads.
    """

    team: str
    channel: str
    user: str
    thread: str = ""

    @property
    def direct(self) -> bool:
        """Whether this is between two only."""
        return self.channel.startswith("D")

    @property
    def conversation(self) -> str:
        """The id of the conversation: one a person and direct channel; elsewhere one a person and thread, and one outside of threads."""
        thread = "" if self.direct else self.thread
        return "-".join(filter(None, ["slack", self.team, self.channel, thread, self.user]))

    @property
    def person(self) -> str:
        """What stands for the person wherever they write: whom rate limits are for."""
        return f"slack-{self.team}-{self.user}"

    @property
    def thread_id(self) -> str:
        """What stands for the thread, whoever writes in it."""
        return "-".join(["thread", self.team, self.channel, self.thread])

    def of(self, user: str) -> Place:
        """The same place for somebody else."""
        return replace(self, user=user)


@dataclass(frozen=True)
class Tag:
    """Which answer a message shows: to whom, and to which message of theirs. It travels in block ids and in the values of buttons."""

    user: str
    key: str

    def __str__(self) -> str:
        """The tag as text."""
        return f"{self.user}{SEPARATOR}{self.key}"

    @classmethod
    def read(cls, text: str) -> Tag:
        """The tag of a text; an empty one where it is none."""
        user, _, key = text.partition(SEPARATOR)
        return cls(user, key)
