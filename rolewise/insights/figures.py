"""The figures of a report, counted turn by turn. What is held grows with topics, days and channels, not with events."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from rolewise.insights.events import ANSWERED, ASKED_BACK, DECLINED, OUTCOMES, Turn

# Messages that are told apart in the search for what was not answered. Beyond, those heard once are let go.
MAX_PHRASES = 20_000
# Steps of the histogram of times, in per cent of the time.
STEP = 0.05
# Conversations of more messages than this count as so many.
LONGEST = 15

LOST, THUMBS_DOWN = "not answered", "thumbs down"


class Times:
    """A histogram of durations whose steps grow with them: any quantile is right to a few per cent, whatever their number."""

    def __init__(self) -> None:
        """No times."""
        self.steps: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count a time."""
        self.steps[math.ceil(math.log(max(seconds, 1e-4)) / math.log1p(STEP))] += 1

    def quantile(self, share: float) -> float | None:
        """The time that this share of all stays within, in seconds; None without any."""
        wanted, seen = share * self.steps.total(), 0
        for step in sorted(self.steps):
            seen += self.steps[step]
            if seen >= wanted:
                return float((1 + STEP) ** step)
        return None

    def within(self, edges: Sequence[float]) -> list[int]:
        """How many lie up to each edge and above the one before it; one more for the rest."""
        counts = [0] * (len(edges) + 1)
        for step, number in self.steps.items():
            counts[sum((1 + STEP) ** step > edge for edge in edges)] += number
        return counts


@dataclass
class Tally:
    """How a group of turns went."""

    outcomes: Counter[str] = field(default_factory=Counter)
    up: int = 0
    down: int = 0

    def add(self, turn: Turn) -> None:
        """Count a turn."""
        self.outcomes[turn.outcome] += 1
        self.up += turn.rating == "up"
        self.down += turn.rating == "down"

    @property
    def asked(self) -> int:
        """The messages that asked something: small talk and the questionnaire are none."""
        return sum(self.outcomes[outcome] for outcome in OUTCOMES)

    def share(self, outcome: str) -> float | None:
        """The share of an outcome among what was asked."""
        return self.outcomes[outcome] / self.asked if self.asked else None

    @property
    def liked(self) -> float | None:
        """The share of thumbs up among the ratings."""
        return self.up / (self.up + self.down) if self.up + self.down else None

    def row(self) -> dict[str, Any]:
        """As plain data."""
        shares = {f"{outcome} share": _rounded(self.share(outcome)) for outcome in OUTCOMES}
        counts = {outcome: self.outcomes[outcome] for outcome in OUTCOMES}
        return {
            "messages": self.outcomes.total(),
            "asked": self.asked,
            **counts,
            **shares,
            "up": self.up,
            "down": self.down,
            "liked": _rounded(self.liked),
        }


@dataclass
class Phrase:
    """A message that got no answer, or a bad one, and how often it came."""

    text: str
    why: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    last: float = 0.0

    @property
    def count(self) -> int:
        """How often."""
        return self.why.total()


class Phrases:
    """The messages that got no answer or a thumbs down, bounded in number."""

    def __init__(self, most: int = MAX_PHRASES) -> None:
        """None yet."""
        self.most = most
        self.found: dict[str, Phrase] = {}
        self.let_go = 0

    def add(self, text: str, why: str, turn: Turn) -> None:
        """Count a message."""
        key = " ".join(text.lower().split())[:300]
        if not key:
            return
        if key not in self.found and len(self.found) >= self.most:
            self._thin_out()
        phrase = self.found.setdefault(key, Phrase(text.strip()[:300]))
        phrase.why[why] += 1
        phrase.last = max(phrase.last, turn.time)
        if turn.nearest:
            phrase.topics[turn.nearest] += 1
        if turn.reason and len(phrase.reasons) < 5:
            phrase.reasons.append(turn.reason)

    def _thin_out(self) -> None:
        """Let the rarer half go, the older first."""
        kept = sorted(self.found.items(), key=lambda item: (item[1].count, item[1].last), reverse=True)[: self.most // 2]
        self.let_go += sum(phrase.count for phrase in self.found.values()) - sum(phrase.count for _, phrase in kept)
        self.found = dict(kept)

    def listed(self) -> list[Phrase]:
        """The most frequent first."""
        return sorted(self.found.values(), key=lambda phrase: (-phrase.count, phrase.text))


class Figures:
    """All figures of a report."""

    def __init__(self) -> None:
        """Everything at zero."""
        self.conversations = self.sessions = self.tapped = 0
        self.first: float | None = None
        self.last: float | None = None
        self.total = Tally()
        self.channels: defaultdict[str, Tally] = defaultdict(Tally)
        self.channel_conversations: Counter[str] = Counter()
        self.topics: defaultdict[str, Tally] = defaultdict(Tally)
        self.roles: defaultdict[str, Tally] = defaultdict(Tally)
        self.cells: Counter[tuple[str, str]] = Counter()
        self.days: defaultdict[str, Tally] = defaultdict(Tally)
        self.day_conversations: Counter[str] = Counter()
        self.hours: Counter[tuple[int, int]] = Counter()
        self.times = Times()
        self.lengths: Counter[int] = Counter()
        self.ends: Counter[str] = Counter()
        self.end_topics: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.subjects: Counter[str] = Counter()
        self.forms: Counter[str] = Counter()
        self.without_subject = 0
        self.phrases = Phrases()

    def add(self, turns: list[Turn]) -> None:
        """Count a conversation."""
        self.conversations += 1
        self.sessions += len({turn.session for turn in turns})
        self.channel_conversations[turns[0].channel] += 1
        self.day_conversations[_day(turns[0].time)] += 1
        self.lengths[min(len(turns), LONGEST)] += 1
        for index, turn in enumerate(turns):
            following = turns[index + 1] if index + 1 < len(turns) and turns[index + 1].session == turn.session else None
            self._count(turn)
            if following is None:
                self._end(turn)
            self._listen(turn, following)

    def _count(self, turn: Turn) -> None:
        self.first = turn.time if self.first is None else min(self.first, turn.time)
        self.last = turn.time if self.last is None else max(self.last, turn.time)
        self.tapped += turn.tapped
        self.kinds[turn.kind or "none"] += 1
        for tally in (self.total, self.channels[turn.channel], self.days[_day(turn.time)]):
            tally.add(turn)
        moment = datetime.fromtimestamp(turn.time, tz=timezone.utc)
        self.hours[moment.weekday(), moment.hour] += 1
        if turn.seconds is not None:
            self.times.add(turn.seconds)
        if turn.outcome == DECLINED and turn.nearest:
            # What was offered to tap was not asked: the nearest topic stands for it.
            self.topics[turn.nearest].add(turn)
        elif turn.outcome in OUTCOMES:
            for topic in dict.fromkeys(topic for topic, _ in turn.topics):
                self.topics[topic].add(turn)
        if turn.outcome == ANSWERED:
            for role in dict.fromkeys(role for _, roles in turn.topics for role in roles):
                self.roles[role].add(turn)
            for topic, roles in turn.topics:
                for role in roles or ("",):
                    self.cells[topic, role] += 1
            self.subjects.update(turn.subjects)
            self.without_subject += not turn.subjects
            self.forms.update(turn.forms)

    def _end(self, turn: Turn) -> None:
        """The last turn of a session."""
        self.ends[turn.outcome] += 1
        for topic, _ in turn.topics[:1]:
            self.end_topics[topic] += 1

    def _listen(self, turn: Turn, following: Turn | None) -> None:
        """Keep what got no answer: declined, or asked back and not answered after it; and what got a thumbs down."""
        if turn.tapped:
            return
        in_vain = turn.outcome == ASKED_BACK and (following is None or following.outcome not in (ANSWERED, ASKED_BACK))
        if turn.outcome == DECLINED or in_vain:
            self.phrases.add(turn.text, LOST, turn)
        if turn.rating == "down":
            self.phrases.add(turn.text, THUMBS_DOWN, turn)


def count(conversations: Iterable[tuple[str, list[Turn]]]) -> Figures:
    """The figures of conversations, each looked at once."""
    figures = Figures()
    for _, turns in conversations:
        figures.add(turns)
    return figures


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, tz=timezone.utc).strftime("%Y-%m-%d")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
