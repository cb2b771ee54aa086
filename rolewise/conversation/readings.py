"""What a message may mean behind the ones before it: its readings, and which of them is the likeliest. Fitted by ``bench/fit_readings.py``.

A reading is an act, or topics with roles. The signs of a message (it names one role, it begins with "and", it corrects) are multiplied
with where a topic, the roles or the act of a reading come from (named, carried over, of the question before the last): each pair has its
weight, and one that is learned for software engineers holds for data scientists. What the hand-written rules read is one of the readings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from rolewise.answers.compose import PLACED_TOPICS
from rolewise.conversation.role_changes import RoleChange, backgrounds, mentions, role_change
from rolewise.nlu import cues
from rolewise.questions import COMPARE, INTENT_PREFIX, Context, Message, Part, question_from_payload, unique

WEIGHTS = Path(__file__).resolve().with_suffix(".json")

# What a reading does. ``again`` says the last answer once more, shorter, longer, or where it comes from; ``asks`` asks back.
ANSWER, AGAIN, SMALL_TALK, DECLINE, ASKS = "answer", "again", "small_talk", "decline", "asks"
AGAIN_INTENTS = ("source", "shorter", "more", "repeat")
# In the place of roles: questions with roles of their own each.
SEVERAL = "several"
SMALL_TALK_INTENTS = (
    "chitchat",
    "thanks",
    "goodbye",
    "greet",
    "affirm",
    "deny",
    "bot_challenge",
    "feedback_positive",
    "feedback_negative",
    "stop",
)
# The guesses of the classifier that are read, and the least probability of one.
MOST_GUESSES, LEAST_GUESS = 6, 0.01
# What may be meant by a message that says only how good or how different something is.
ALWAYS = (COMPARE, "choose", "define_role", "good_career")
# What is asked of several roles as a whole.
AS_A_WHOLE_TOPICS = (COMPARE, "choose")
# Origins that do not say that anything speaks for a topic.
SAYS_NOTHING = frozenset({"always", "several", "placed", *(f"is {topic}" for topic in ALWAYS)})

# Words that say nothing of a topic: what is left without them and the names is what a message says itself.
LITTLE = frozenset(
    "a an the and or n to of in on at for as with than vs versus s it its that this they them their he she"
    " there here same one ones people thing lot folks guys side person please pls too well also again now ok okay so then just only well me"
    " i you u no not but like my mine".split()
)


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


# Classes of words, each a sign by itself.
CLASSES: dict[str, re.Pattern[str]] = {
    "asks": _words(
        "what",
        "whats",
        "which",
        "whichs",
        "who",
        "whos",
        "how",
        "hows",
        "why",
        "when",
        "where",
        "wheres",
        "is",
        "are",
        "do",
        "does",
        "can",
        "should",
        "would",
        "will",
    ),
    "joins": re.compile(r"^\W*(?:\w+\W+)?(?:and|n|also|plus|or|then|what about|how about|wbt|hbu|same)\b|^\W*[+&]"),
    "adds": _words("too", "also", "add", "back", "include", "throw", "chuck", "put", "bring", "plus", "with", "as well", "in there"),
    "takes": _words(
        "without",
        "drop",
        "forget",
        "lose",
        "out",
        "not",
        "minus",
        "except",
        "but",
        "leave",
        "skip",
        "remove",
        "nvm",
        "never ?mind",
        "ditch",
        "scrap",
        "swap",
        "replace",
        "instead of",
        "anything but",
    ),
    "beside": _words(
        "side by side",
        "head to head",
        "together",
        "against",
        "next to",
        "beside",
        "compared?",
        "vs",
        "versus",
        "than",
        "differ\\w*",
        "diff",
        "different",
    ),
    "goes back": _words(
        "back", "before", "earlier", "previous", "first thing", "again", "at the start", "the beginning", "asked", "original"
    ),
    "limits": _words("just", "only", "alone", "instead", "rather"),
    "likewise": _words("same", "likewise", "ditto"),
    "anywhere": _words(
        "anywhere",
        "everywhere",
        "worldwide",
        "wherever",
        "globally",
        "general",
        "generally",
        "any",
        "whole world",
        "doesnt matter",
        "doesn't matter",
        "no matter",
    ),
    "doubts": _words(
        "really",
        "sure",
        "says who",
        "who says",
        "told",
        "proof",
        "prove",
        "link",
        "links",
        "sources?",
        "trust",
        "believe",
        "made up",
        "from",
        "according",
        "evidence",
        "reference",
    ),
    "in short": _words(
        "short",
        "shorter",
        "brief",
        "briefly",
        "fewer",
        "less",
        "tldr",
        "tl",
        "long",
        "sum",
        "summary",
        "simple",
        "simpler",
        "nutshell",
        "quick",
    ),
    "more": _words("more", "detail", "details", "expand", "elaborate", "further", "longer", "go on", "examples?"),
    "of several": re.compile(r"\b(?:most|best|least|worst|\w{3,}est)\b"),
    "of two": re.compile(r"\b(?:more|less|better|worse|\w{3,}(?:ier|er))\b"),
    "thanks": _words(
        "thanks?", "thx", "ty", "ta", "cheers", "thank you", "bye", "night", "lol", "haha", "great", "nice", "cool", "fair enough"
    ),
    "own": _words("i", "i'm", "im", "i've", "ive", "me", "my", "mine", "we", "our"),
    "theirs": _words("he", "she", "his", "her", "hers", "him", "son", "daughter", "wife", "husband", "brother", "sister", "they", "their"),
    "vague": _words("any good", "worth it", "good", "any better", "what about it", "and\\?", "realistic", "doable"),
    "choosing": _words("pick", "choose", "recommend", "go for", "suits?", "fits?", "best for me", "prefer", "should i"),
    "twice": _words("both", "two", "either", "them", "these", "those", "2"),
    "thrice": _words("three", "3", "all", "each", "every"),
    "it": _words("it", "that", "this", "there", "the job", "that one", "this one"),
    "negates": re.compile(
        r"^\W*(?:\w+\W+){0,2}?(?:no|nope|nah|sorry|oops|wait|hang on|actually|i mean|i meant)\b|\bi (?:mean|meant|wanted|said)\b"
    ),
    "announces": re.compile(r"\b(?:what|how) about\b|\bwbt\b"),
}


# From this confidence on, the topic of a question about one role that is named is the classifier's; and it is a sign that it is sure.
SURE_TOPIC = 0.7
# How much likelier than what the rules read another reading must be, in log-odds.
MARGIN = 0.1
# What asks for roles side by side as a whole.
AS_A_WHOLE = re.compile(r"\b(?:overall|as a whole|altogether)\b")
# A question of so many of a message's words, or fewer, was cut out of it.
CUT = 0.75
# What stands before something new and says nothing of it.
ANNOUNCING = re.compile(r"\b(?:what|how) (?:is it )?(?:about|with)\b")
# The classes that say what happens to roles, or to the answer, and nothing of a topic.
ABOUT_ROLES = ("adds", "takes", "limits", "likewise", "anywhere", "thanks", "twice", "thrice")
# The signs that of several roles some may be meant.
WHOSE = frozenset(f"words {name}" for name in ("takes", "limits", "twice", "goes back", "beside", "own")) | frozenset(
    f"cue {cue}" for cue in (cues.OTHER, cues.FIRST, cues.SECOND, cues.BOTH)
)
# So many words beside those of a class are little.
FEW_LEFT = 2


@dataclass(frozen=True)
class Reading:
    """One meaning of a message.

    Attributes:
        act: :data:`ANSWER`, :data:`AGAIN`, :data:`SMALL_TALK`, :data:`DECLINE` or :data:`ASKS`.
        topics: what is asked, in order; empty for an act that answers nothing new.
        roles: the roles of every question.
        rules: whether the rules read the message so.
    """

    act: str
    topics: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rules: bool = False

    @property
    def key(self) -> tuple[str, tuple[str, ...], frozenset[str]]:
        """What makes two readings the same."""
        return self.act, self.topics, frozenset(self.roles)


def nearly(one: Reading, other: Reading) -> bool:
    """Whether two readings hardly differ: to compare roles, or to choose between them."""
    same_roles = set(one.roles) == set(other.roles) != set()
    return same_roles and {one.topics, other.topics} <= {(COMPARE,), ("choose",)}


@dataclass
class Heard:
    """A message in its conversation, as far as readings need it.

    Attributes:
        message: the message.
        text: it, lower case and with plain apostrophes.
        context: the conversation before it.
        every: all roles there are.
        roles: the roles named, in order.
        change: which of them are added, which left out.
        had: those that somebody has already.
        rest: the text without the names of roles.
        guesses: the classifier's probability of each intent.
        topics: all topics there are.
        named_topics: the topics named and not left out, in order.
        dropped_topics: those left out.
        pointed: the roles pointed at.
    """

    message: Message
    text: str
    context: Context
    every: tuple[str, ...]
    roles: tuple[str, ...]
    change: RoleChange
    had: tuple[str, ...]
    rest: str
    guesses: Mapping[str, float] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()
    named_topics: tuple[str, ...] = ()
    dropped_topics: tuple[str, ...] = ()
    pointed: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        message: Message,
        context: Context,
        names: Mapping[str, Iterable[str]],
        topics: Mapping[str, Iterable[str]],
        pointed: tuple[str, ...] = (),
    ) -> Heard:
        """Hear a message.

        Args:
            message: the message; it has a part at least.
            context: the conversation before it.
            names: the names of each role, lower case.
            topics: the names of each topic, lower case.
            pointed: the roles that "both", "the second one" and the like point at.
        """
        text = message.text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        # Typing errors are mended in the parts, and the parts leave out what stands around a question.
        cleaned = " ".join(part.text for part in message.parts)
        found = mentions(text, names)
        roles = unique([*(role for _, _, role in found), *(role for part in message.parts for role in part.roles)])
        change = role_change(text, names, len(context.roles) > 1)
        if not change.dropped and not change.added:
            change = role_change(cleaned, names, len(context.roles) > 1)
        rest = text
        for start, end, _ in reversed(found):
            rest = f"{rest[:start]} {rest[end:]}"
        head = message.parts[0]
        guesses: dict[str, float] = {}
        for guess in head.guesses:
            guesses.setdefault(guess.intent, guess.confidence)
        # Where a topic is left out another one is meant: "demand, not pay".
        about = role_change(rest, topics, False)
        said = unique([*(topic for _, _, topic in mentions(rest, topics)), *(topic for part in message.parts for topic in part.topics)])
        wanted = tuple(topic for topic in said if topic not in about.dropped)
        left_out = about.dropped
        if wanted in ((), (COMPARE,)) and AS_A_WHOLE.search(rest):
            # Not on one topic any more.
            wanted, left_out = (COMPARE,), tuple(topic for topic in topics if topic != COMPARE)
        had = backgrounds(text, names)
        return cls(message, text, context, tuple(names), roles, change, had, rest, guesses, frozenset(topics), wanted, left_out, pointed)

    @property
    def part(self) -> Part:
        """The first part."""
        return self.message.parts[0]

    def asked(self, number: int) -> tuple[str, tuple[str, ...]] | None:
        """Topic and roles of an earlier question, -1 is the last one."""
        asked = self.context.asked
        if len(asked) < abs(number):
            return None
        topic, roles, *_ = (*asked[number].split(":"), "")
        return topic, tuple(role for role in roles.split(",") if role in self.every)


def signs(heard: Heard) -> dict[str, float]:
    """What is seen of a message and its conversation, before any reading: each from 0 to 1."""
    message, text, context, part = heard.message, heard.text, heard.context, heard.part
    rest = ANNOUNCING.sub(" ", heard.rest)
    for name in ABOUT_ROLES:
        rest = CLASSES[name].sub(" ", rest)
    left = sum(word not in LITTLE for word in re.findall(r"[\w']+", rest))
    nothing_named = not (heard.roles or heard.named_topics)
    # How the question itself begins, and what is said anywhere.
    held = {name for name, pattern in CLASSES.items() if pattern.search(part.text if name in ("joins", "announces") else text)}
    named, known = len(heard.roles), len(context.roles)
    # "Junior and senior data scientists": what is held against each other there are the levels.
    of_levels = len({level for one in message.parts for level in one.levels}) > 1 and named < 2
    if of_levels:
        held.discard("beside")
    small = sum(heard.guesses.get(name, 0.0) for name in SMALL_TALK_INTENTS)
    again = sum(heard.guesses.get(name, 0.0) for name in AGAIN_INTENTS)
    topics = [guess for guess in part.guesses if guess.topic]
    sure = bool(topics) and part.decision == "answer" and topics[0].confidence >= SURE_TOPIC
    found = {
        "always": 1.0,
        "fresh": not context.questions,
        "question mark": "?" in text,
        "left 0": left == 0,
        "left 1": left == 1,
        "left 2-3": left in (2, 3),
        "left 4-6": 4 <= left <= 6,
        "left more": left > 6,
        "names 0": named == 0,
        "names 1": named == 1,
        "names 2": named == 2,
        "names more": named > 2,
        "names new": bool(set(heard.roles) - set(context.roles)),
        "names known": bool(set(heard.roles) & set(context.roles)),
        "known 0": known == 0,
        "known 1": known == 1,
        "known 2": known == 2,
        "known more": known > 2,
        "known before": len(context.mentioned) > known,
        "names topic": len(heard.named_topics) == 1,
        "names topics": len(heard.named_topics) > 1,
        "names last topic": context.topic in heard.named_topics,
        "leaves topic": bool(heard.dropped_topics),
        "names place": bool(part.countries or part.levels),
        "placed": bool(context.country or context.level),
        "others": bool(part.others),
        "has": bool(heard.had),
        "added": bool(heard.change.added),
        "dropped": bool(heard.change.dropped),
        "several": len(context.questions) > 1,
        "several parts": len(message.parts) > 1,
        "pending": bool(context.pending),
        "unsure": context.unsure > 0,
        "last compared": context.topic in (COMPARE, "choose"),
        "sure": part.decision == "answer" and part.topic is not None,
        "sure of an act": part.decision == "answer" and part.topic is None and part.best.intent != "follow_up",
        "asks back": part.decision == "ask",
        "declines": part.decision == "decline",
        "topic": topics[0].confidence if topics else 0.0,
        "sure of its topic": sure,
        "asks of a subject": bool(part.asked),
        # What says much of its own means the same wherever it stands.
        "complete": bool(part.asked) and left > FEW_LEFT,
        "sure and complete": sure and left > FEW_LEFT,
        # "How long does that take": of something known, and pointing back.
        "asks on": bool(part.asked) and cues.POINTING in part.cues,
        "follow up": heard.guesses.get("follow_up", 0.0),
        "small talk": small,
        "again": again,
        "out of scope": heard.guesses.get("out_of_scope", 0.0),
        "quiz": heard.guesses.get("start_quiz", 0.0),
        "points": bool(heard.pointed),
        **{
            f"cue {cue}": cue in part.cues and not (of_levels and cue == cues.COMPARING)
            for cue in (cues.COMPARING, cues.POINTING, cues.BOTH, cues.ALL, cues.OTHER, cues.CORRECTION, cues.FIRST, cues.SECOND)
        },
        **{f"words {name}": name in held for name in CLASSES},
        # A word of doubt, or of length, and little else.
        **{
            f"only {name}": name in held and nothing_named and left <= FEW_LEFT
            for name in ("doubts", "in short", "more", "thanks", "vague", "anywhere")
        },
        "most of all": "of several" in held and len(context.mentioned) > known,
        "pair alone": named == 2 and left == 0 and "joins" not in held,
        "cut": len(part.text.split()) <= CUT * len(text.split()),
        "names elsewhere": bool(set(heard.roles) - set(part.roles)),
    }
    return {name: float(value) for name, value in found.items() if value}


class _Topics:
    """Topics that may be meant, in the order they were thought of, each with where it comes from."""

    def __init__(self, known: frozenset[str]) -> None:
        """Take up topics that are known only."""
        self.found: dict[tuple[str, ...], dict[str, float]] = {}
        self._known = known

    def add(self, topics: Sequence[str | None], origin: str, value: float = 1.0) -> None:
        """One more origin of these topics."""
        kept = unique(topic for topic in topics if topic and topic in self._known)
        if kept:
            origins = self.found.setdefault(kept, {})
            origins[origin] = max(value, origins.get(origin, value))


def topic_origins(heard: Heard, rules: Reading) -> dict[tuple[str, ...], dict[str, float]]:
    """The topics that may be meant, each with where it comes from."""
    topics = _Topics(heard.topics)
    _add_guessed(topics, heard.part)
    _add_named(topics, heard.named_topics)
    _add_remembered(topics, heard)
    for topic in ALWAYS:
        topics.add([topic], "always")
    parts = [part.topic for part in heard.message.parts]
    if len(parts) > 1:
        topics.add(parts[:3], "all parts")
        topics.add(parts[-1:], "last part")
    topics.add(rules.topics, "rules")
    for those, origins in topics.found.items():
        _mark_kind(those, origins, heard.guesses)
        if set(those) & set(heard.dropped_topics):
            origins["left out"] = 1.0
        _mark_agreement(those, origins, heard.named_topics)
        if set(those) & set(PLACED_TOPICS):
            origins["placed"] = 1.0
        # That nothing said it is a sign of its own.
        if not origins.keys() - SAYS_NOTHING:
            origins["unsaid"] = 1.0
    return topics.found


def _add_guessed(topics: _Topics, part: Part) -> None:
    """What the classifier guesses."""
    guesses = [guess for guess in part.guesses if guess.topic][:MOST_GUESSES]
    total = max(LEAST_GUESS, sum(guess.confidence for guess in guesses))
    for rank, guess in enumerate(guesses):
        if guess.confidence >= LEAST_GUESS or rank == 0:
            topics.add([guess.topic], "guess", guess.confidence)
            topics.add([guess.topic], "share", guess.confidence / total)
            topics.add([guess.topic], "log guess", 1 + np.log10(max(guess.confidence, LEAST_GUESS)) / 2)
            if rank < 2:
                topics.add([guess.topic], ("first guess", "second guess")[rank])
    # Of roles side by side it is often one thing that is asked, whatever the words that put them there make of it.
    about = [guess for guess in part.guesses if guess.topic and guess.topic not in AS_A_WHOLE_TOPICS]
    if about and topics.found.keys() & {(name,) for name in AS_A_WHOLE_TOPICS}:
        topics.add([about[0].topic], "best on one thing", about[0].confidence / max(LEAST_GUESS, sum(guess.confidence for guess in about)))


def _add_named(topics: _Topics, named: tuple[str, ...]) -> None:
    """What the message names."""
    for topic in named:
        topics.add([topic], "named")
    if named:
        topics.add([named[-1]], "named last")
    if len(named) > 1:
        topics.add(named[:3], "all named")


def _add_remembered(topics: _Topics, heard: Heard) -> None:
    """What the conversation was about, and what waits or was offered in it."""
    context = heard.context
    last = tuple(question.topic for question in context.questions)
    for topic in last:
        topics.add([topic], "of the last")
    topics.add(last[-1:], "last")
    if len(last) > 1:
        topics.add(last, "all of the last")
    for number, origin in ((-2, "before the last"), (-3, "the third last")):
        asked = heard.asked(number)
        if asked:
            topics.add([asked[0]], origin)
    if context.asked:
        topics.add([context.asked[0].split(":")[0]], "asked first")
    # "Both of those": what was asked one after the other.
    latest = unique(one.split(":")[0] for one in reversed(context.asked))
    for count, origin in ((2, "the last two topics"), (3, "the last three topics")):
        if len(latest) >= count:
            topics.add(latest[:count][::-1], origin)
    topics.add([context.pending], "pending")
    offered = [question_from_payload(payload) for _, payload in context.offered[:1]]
    if context.unsure and offered and offered[0]:
        topics.add([offered[0].topic], "offered")


def _mark_kind(topics: tuple[str, ...], origins: dict[str, float], guesses: Mapping[str, float]) -> None:
    """Whether it is several topics, or one of those that are not like the others."""
    if len(topics) > 1:
        origins["several"] = 1.0
        likely = [guesses.get(f"{INTENT_PREFIX}{topic}", 0.0) for topic in topics]
        origins["guess"], origins["weakest"] = sum(likely), min(likely)
        if COMPARE in topics or "choose" in topics:
            origins["several with a choice"] = 1.0
    elif topics[0] in ALWAYS or topics[0] == "switch_role":
        origins[f"is {topics[0]}"] = 1.0


def _mark_agreement(topics: tuple[str, ...], origins: dict[str, float], named: tuple[str, ...]) -> None:
    """Which origins agree."""
    _mark_rules(origins, ("last", "first guess", "second guess", "named", "before the last"))
    if {"last", "first guess"} <= origins.keys():
        origins["last and guess"] = 1.0
    if len(named) == 1 and topics == named and "first guess" in origins:
        origins["named and guess"] = 1.0


def _mark_rules(origins: dict[str, float], others: Iterable[str]) -> None:
    """With which other origins the rules agree."""
    if "rules" in origins:
        origins.update({f"rules and {origin}": 1.0 for origin in others if origin in origins})


class _Roles:
    """Sets of roles that may be meant, in the order they were thought of, each with its own order and with where it comes from."""

    def __init__(self) -> None:
        """No roles, so far."""
        self.found: dict[frozenset[str], tuple[tuple[str, ...], dict[str, float]]] = {}

    def add(self, roles: Iterable[str], origin: str) -> None:
        """One more origin of these roles."""
        kept = unique(roles)
        self.found.setdefault(frozenset(kept), (kept, {}))[1][origin] = 1.0

    def add_some(self, origins: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Further origins, of those roles that are any."""
        for origin, roles in origins:
            if roles:
                self.add(roles, origin)


def role_origins(heard: Heard, rules: Reading) -> dict[frozenset[str], tuple[tuple[str, ...], dict[str, float]]]:
    """The sets of roles that may be meant, each in order and with where it comes from."""
    roles = _Roles()
    roles.add((), "none")
    if rules.act == ANSWER and SEVERAL not in rules.roles:
        roles.add(rules.roles, "rules")
    if heard.roles:
        _add_named_roles(roles, heard)
    _add_remembered_roles(roles, heard)
    if heard.pointed:
        roles.add(heard.pointed, "pointed at")
    roles.add(heard.every, "all")
    for kept, origins in roles.found.values():
        _mark_roles(set(kept), origins, heard)
    return roles.found


def _without(roles: Sequence[str], those: Iterable[str]) -> tuple[str, ...]:
    gone = set(those)
    return tuple(role for role in roles if role not in gone)


def _add_named_roles(roles: _Roles, heard: Heard) -> None:
    """What the message names, alone and together with what was talked about."""
    named, known, mentioned = heard.roles, heard.context.roles, heard.context.mentioned
    roles.add(named, "named")
    roles.add(heard.part.roles or named, "named in the question")
    roles.add(named[-1:], "named last")
    roles.add(named[:1], "named first")
    roles.add((*known, *named), "carried and named")
    roles.add((*mentioned[-2:], *named), "mentioned and named")
    roles.add_some(
        (
            ("named but those had", _without(named, heard.had)),
            ("carried but named", _without(known, named)),
            ("mentioned but named", _without(mentioned, named)),
            ("all but named", _without(heard.every, named)),
            ("changed", heard.change(known, heard.every) if heard.change else ()),
        )
    )


def _add_remembered_roles(roles: _Roles, heard: Heard) -> None:
    """What the conversation was about."""
    known, mentioned = heard.context.roles, heard.context.mentioned
    if known:
        roles.add(known, "carried")
        roles.add(known[:1], "first carried")
        roles.add(known[-1:], "last carried")
        for origin, rest in (("mentioned but carried", _without(mentioned, known)), ("all but carried", _without(heard.every, known))):
            roles.add_some(((origin, rest), (f"last {origin}", rest[-1:])))
    first, second = mentioned[:1], mentioned[1:2]
    roles.add_some((("mentioned", mentioned), ("last two", mentioned[-2:]), ("first mentioned", first), ("second mentioned", second)))
    asked = heard.asked(-2)
    if asked and asked[1]:
        roles.add(asked[1], "before the last")


def _mark_roles(those: set[str], origins: dict[str, float], heard: Heard) -> None:
    """Which origins agree, how many roles there are, and what is left out or invented."""
    _mark_rules(origins, ("carried", "named", "carried and named", "none", "carried but named"))
    named, context, change, had = set(heard.roles), heard.context, heard.change, set(heard.had)
    origins[f"size {min(len(those), 3)}"] = 1.0
    for origin, count in (
        ("never named", len(those - named - set(context.mentioned))),
        ("named and left", len(named - those - had - set(change.dropped))),
        ("carried and left", len(set(context.roles) - those)),
        ("dropped and kept", len(those & set(change.dropped))),
        ("had and kept", len(those & had)),
        ("added and left", len(set(change.added) - those)),
    ):
        if count:
            origins[origin] = min(count, 2) / 2


def act_origins(reading: Reading, heard: Heard, rules: Reading) -> dict[str, float]:
    """What a reading is as a whole."""
    context = heard.context
    origins = {reading.act: 1.0}
    if reading.key == rules.key:
        origins["rules"] = 1.0
        origins[f"rules {reading.act}"] = 1.0
    if reading.act == ANSWER:
        last = frozenset(context.roles), tuple(question.topic for question in context.questions)
        if (frozenset(reading.roles), reading.topics) == last:
            origins["as before"] = 1.0
        topic, size = reading.topics[-1], min(len(reading.roles), 2)
        if topic in (*ALWAYS, "switch_role"):
            origins[f"{topic} of {size}"] = 1.0
        if context.topic == topic and reading.roles == context.roles:
            origins["same question"] = 1.0
        if len(reading.topics) > 1 and size > 1:
            origins["several of several"] = 1.0
    return origins


SIDES = ("topics", "roles", "act")
Features = tuple[dict[str, float], dict[str, float], dict[str, float]]


@dataclass
class Candidates:
    """The readings of a message and, for each, what speaks for it: origins of topics, of roles and of the whole."""

    signs: dict[str, float]
    readings: list[Reading]
    origins: list[Features]

    def holding(self, topics: Iterable[str]) -> Candidates:
        """Those that ask about all of these topics, and what the rules read."""
        kept = [number for number, reading in enumerate(self.readings) if reading.rules or set(topics) <= set(reading.topics)]
        return Candidates(self.signs, [self.readings[number] for number in kept], [self.origins[number] for number in kept])


def enumerated(heard: Heard, rules: Reading) -> Candidates:
    """The readings of a message in its conversation.

    Args:
        heard: the message.
        rules: what the rules read; its act may be one that is no answer.
    """
    readings: list[Reading] = []
    origins: list[Features] = []

    def add(reading: Reading, topics: dict[str, float], roles: dict[str, float]) -> None:
        readings.append(reading)
        origins.append((topics, roles, act_origins(reading, heard, rules)))

    by_topic, by_role = topic_origins(heard, rules), role_origins(heard, rules)
    last = tuple(question.topic for question in heard.context.questions)
    # What was left out in favour of something else is not meant, and what the classifier is sure of is.
    left_out = set(heard.dropped_topics) if heard.named_topics else set()
    head = heard.part
    # "All three" says which roles are meant.
    all_of_them = cues.ALL in head.cues and bool(heard.pointed) and not heard.roles
    asks = "?" in heard.message.text and head.decision == "answer" and len(heard.roles) == 1
    sure = head.topic if asks and rules.topics == (head.topic,) and head.best.confidence >= SURE_TOPIC else None
    says_new = bool(heard.roles or heard.named_topics or head.countries or head.levels or head.asked)
    seen, known = signs(heard), set(heard.context.roles)
    # Of the roles that are talked about none is lost where nothing says so.
    keeps_all = bool(known) and not (heard.roles or heard.pointed or WHOSE & seen.keys())
    for topics, about in by_topic.items():
        for kept, whose in by_role.values():
            reading = Reading(ANSWER, topics, kept)
            is_rules = reading.key == rules.key
            if keeps_all and not is_rules and not known <= set(kept) and (kept or len(known) > 1):
                continue
            if all_of_them and set(kept) != set(heard.pointed):
                continue
            if not is_rules and ((topics == (COMPARE,) and len(kept) == 1) or set(topics) & left_out or (sure and topics != (sure,))):
                continue
            if topics == last and set(kept) == set(heard.context.roles) and not says_new and not is_rules:
                # The same once more: that is what "again" is for.
                continue
            add(Reading(ANSWER, rules.topics, rules.roles, True) if is_rules else reading, about, whose)
    for act in (AGAIN, SMALL_TALK, DECLINE):
        if act != AGAIN or heard.context.questions:
            reading = Reading(act)
            add(Reading(act, rules=reading.key == rules.key), {}, {})
    if not any(reading.rules for reading in readings):
        reading = Reading(rules.act, rules.topics, rules.roles, True)
        add(reading, {"of the rules alone": 1.0} if rules.act == ANSWER else {}, {})
    return Candidates(seen, readings, origins)


class Scorer:
    """How likely a reading is: for each pair of a sign and an origin a weight."""

    def __init__(self, weights: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
        """Take the weights: by side, by origin and by sign."""
        self.weights = weights

    @classmethod
    @cache
    def load(cls, path: Path = WEIGHTS) -> Scorer:
        """Read the weights, a file once. Raises OSError or ValueError."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def __call__(self, candidates: Candidates) -> np.ndarray:
        """The log-odds of each reading against the others."""
        seen = candidates.signs
        # Readings share the origins of their topics and those of their roles: each is looked at once.
        worth: dict[tuple[str, str], float] = {}
        sums: dict[tuple[str, int], float] = {}

        def value(side: str, origin: str) -> float:
            known = worth.get((side, origin))
            if known is None:
                pairs = self.weights[side].get(origin, {})
                known = worth[side, origin] = sum(pairs.get(sign, 0.0) * strength for sign, strength in seen.items())
            return known

        def total(side: str, origins: dict[str, float]) -> float:
            known = sums.get((side, id(origins)))
            if known is None:
                known = sums[side, id(origins)] = sum(value(side, origin) * strength for origin, strength in origins.items())
            return known

        return np.array([sum(map(total, SIDES, origins)) for origins in candidates.origins])

    def best(self, candidates: Candidates) -> Reading:
        """The likeliest reading; that of the rules where none is likelier by :data:`MARGIN`, or the likeliest hardly differs from it."""
        scores = self(candidates)
        own = next(number for number, reading in enumerate(candidates.readings) if reading.rules)
        best, rules = candidates.readings[int(scores.argmax())], candidates.readings[own]
        return rules if scores.max() < scores[own] + MARGIN or nearly(best, rules) else best
