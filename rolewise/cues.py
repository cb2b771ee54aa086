"""Dialogue cues in a text: that it compares, points back, corrects, asks for all. Plain patterns over cleaned text."""

from __future__ import annotations

import re

COMPARING = "comparing"
POINTING = "pointing"
BOTH = "both"
ALL = "all"
FIRST = "first"
SECOND = "second"
THIRD = "third"
OTHER = "other"
CORRECTION = "correction"

PATTERNS: dict[str, re.Pattern[str]] = {
    COMPARING: re.compile(
        r"\bwhich (?:one|1|role|job|career|path|of)\b|\bwho(?:'s| is| are)?\b.*\b(?:more|most|better|best|less|least|\w+er|happier|highest|lowest)\b"
        r"|\b(?:vs|versus|than|compared?|comparison|difference|differences|differ)\b|\bbetween\b|\bwhich\b.*\b(?:more|most|better|best|less|least|\w+er|\w+est)\b"
    ),
    BOTH: re.compile(r"\b(?:both|the two|these two|those two|two of them|either of them|each of them|them both)\b"),
    ALL: re.compile(r"\b(?:all three|all 3|the three|all of them|each of the three|of the three|three of them|all the roles|all roles|every role|any of the three)\b"),
    FIRST: re.compile(r"\b(?:the )?(?:first|1st) (?:one|role|job)\b|\bthe first\b|\bthe former\b"),
    SECOND: re.compile(r"\b(?:the )?(?:second|2nd) (?:one|role|job)\b|\bthe second\b|\bthe latter\b"),
    THIRD: re.compile(r"\b(?:the )?(?:third|3rd|last) (?:one|role|job)\b|\bthe third\b"),
    OTHER: re.compile(r"\b(?:the )?other (?:one|role|job|ones|two|2|way)\b|\bthe others?\b"),
    POINTING: re.compile(r"\b(?:it|its|they|them|their|that (?:job|role|one|career)|this (?:job|role|one|career)|same|one)\b"),
    CORRECTION: re.compile(
        r"^(?:no|nope|nah|not|sorry|oops|wait|actually|i mean|i meant|rather)\b|\b(?:i meant|i mean|not what i|instead of|i said|i was asking about|i wanted)\b"
    ),
}  # fmt: skip


def cues(text: str) -> frozenset[str]:
    """The cues found in a cleaned text."""
    return frozenset(name for name, pattern in PATTERNS.items() if pattern.search(text))
