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
FOURTH = "fourth"
LAST = "last"
OTHER = "other"
CORRECTION = "correction"
# One person's own case: an offer, a visa, a CV. No general fact answers it.
PERSONAL = "personal"
# Set where a text names one role in several wordings: "software developer or software engineer".
VARIANTS = "variants"
# Set where roles stand side by side: "DS or MLE"; not in "software knowledge for a data scientist".
JOINED = "joined"

MORE_OR_LESS = r"(?:more|most|better|best|less|least|happier|highest|lowest|\w+er|\w+est)"

# With as many roles, "all five" means them; "the five best courses" does not.
MORE_THAN_THREE = r"(?:four|five|six|seven|eight|nine|ten|[4-9]|10)"

PATTERNS: dict[str, re.Pattern[str]] = {
    COMPARING: re.compile(
        r"\bwhich (?:one|1|role|job|career|path|of)\b"
        rf"|\b(?:who(?:'s)?|which)\b.*\b{MORE_OR_LESS}\b"
        r"|\b(?:vs|versus|than|compared?|comparison|differences?|differ|between)\b"
    ),
    BOTH: re.compile(r"\b(?:both|(?:the|these|those|first|from|of) two|two of them|either of them|each of them|them both)\b"),
    ALL: re.compile(
        r"\b(?:(?:all|the|of the|any of the|each of the) (?:three|3)|three of them|all of them|all (?:the )?roles|every role"
        rf"|all (?:the )?{MORE_THAN_THREE}(?: of them| of these| roles| jobs| careers| options|(?=\W*$))|{MORE_THAN_THREE} of them)\b"
    ),
    FIRST: re.compile(r"\b(?:first|1st) (?:one|role|job)\b|\bthe (?:first|former)\b"),
    SECOND: re.compile(r"\b(?:second|2nd) (?:one|role|job)\b|\bthe (?:second|latter)\b"),
    THIRD: re.compile(r"\b(?:third|3rd) (?:one|role|job)\b|\bthe third\b"),
    FOURTH: re.compile(r"\b(?:fourth|4th) (?:one|role|job)\b|\bthe fourth\b"),
    LAST: re.compile(r"\blast (?:one|role|job)\b"),
    OTHER: re.compile(r"\bother (?:one|role|job|ones|two|2|way)\b|\bthe others?\b"),
    POINTING: re.compile(r"\b(?:it|its|they|them|their|(?:that|this)(?: (?:job|role|one|career))?|same|one)\b"),
    PERSONAL: re.compile(
        r"\b(?:i|we|he|she|they|my \w+)(?:'ve| have| has|'s)? (?:just |recently |finally )?"
        r"(?:got|get|received|have|has|was given|am offered|was offered|been offered|accepted|declined|turned down|signed)\b"
        r"[^.?!]{0,25}\boffers?\b"
        r"|\b(?:was|been|got|being) offered\b"
        r"|\b(?:take|accept|decline|negotiate|reject) (?:the|this|that|my|an|it|their) (?:\w+ )?(?:job )?offer\b"
        r"|\b(?:my|our|his|her) (?:salary offer|offer|visa)\b"
        r"|\b(?:visas?|h ?1 ?b|green card|work permit|relocation package)\b"
        r"|\b(?:review|check|rate|rewrite|fix|critique|roast|look at|feedback on) (?:my|this|the|a)"
        r" (?:cv|resume|cover letter|portfolio|linkedin|github)\b"
        # Asked to look at somebody's papers; "how can I improve my CV" is a question like any other.
        r"|(?:^|[.,;:!?]\s*|\b(?:(?:can|could|will|would|mind)\s+(?:you|u|ya|someone)|please|pls|plz)\s+(?:\w+\s+)?)"
        r"(?:(?:look|go|read|run|glance|cast an eye)\s+(?:over|through|at)|proof ?read|check|review)\s+"
        r"(?:my|her|his|our|their)\s+(?:\w+\s+)?(?:cv|resume|cover letter|portfolio|application|linkedin)\b"
    ),
    CORRECTION: re.compile(
        r"^(?:no|nope|nah|not|sorry|oops|wait|actually|i mean|i meant|rather)\b"
        r"|\b(?:i meant|i mean|not what i|instead of|i said|i was asking about|i wanted)\b"
    ),
}


def cues(text: str) -> frozenset[str]:
    """The cues found in a cleaned text."""
    return frozenset(name for name, pattern in PATTERNS.items() if pattern.search(text))
