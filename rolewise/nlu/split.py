"""Cuts a message into the questions it may hold: by sentence, by coordinated clause, by coordinated topics."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spacy.tokens import Doc, Token

from rolewise.nlu.names import OTHER_TITLE, ROLE, TOPIC, Mention

MASK = "xrole"
ENCODER_MASK = "engineer"

STARTERS = frozenset(
    "what what's whats how how's which who who's whom whose where where's when why do does did is are am was were can could should shall "
    "will would may might must has have had isn't aren't don't doesn't can't".split()
)
REQUESTS = frozenset("tell explain compare describe list give show define name".split())
LINKS = frozenset("and or but also plus & , ; then so as well + /".split())
FILLERS = frozenset("so and but also please hi hello hey ok okay well now then plus or anyway honestly , - ; : & thanks just".split())
# A piece that is no question by its form counts as one only when it is this short and names its topic.
SHORT_PIECE_WORDS = 6
# Between a role and another title: the two are asked about together.
JOINS = frozenset({"/", "or", "and", "&", ",", "and/or"})
NOUN_LINKS = frozenset("and & , or plus / + the a as well its their on about for in".split())
COORDINATORS = frozenset("and & , or plus / +".split())
# Words that people begin with and that say nothing of what they ask, where a question follows.
LEAD_IN = re.compile(
    r"^(?:(?:ok|okay|alright|all right|so|well|hmm+|um+|oh|ah|hey|hi|hello|lol|cool|great|nice|thanks|thank you|sorry|please|also|now|then"
    r"|but|right|yeah|yes|wait|anyway|actually|honestly|just)[\s,.:;!-]+)+(?=(?:what|how|which|who|why|where|when|do|does|did|is|are"
    r"|can|could|should|will|would)\b(?! about\b))"
)


@dataclass(frozen=True)
class Piece:
    """A piece of a cleaned text that may be a question of its own.

    Attributes:
        text: the piece.
        mentions: the names in it; their spans are in ``text``.
        question: whether it has the form of a question or a request.
        kind: ``whole``, ``sentence``, ``clause`` or ``topics``.
    """

    text: str
    mentions: tuple[Mention, ...]
    question: bool
    kind: str

    def may_ask(self) -> bool:
        """Whether it can be a question of its own: by its form, as one of several listed topics, or short and naming its topic."""
        if self.question or self.kind == "topics":
            return True
        return len(self.text.split()) <= SHORT_PIECE_WORDS and any(mention.label == TOPIC for mention in self.mentions)

    def directions(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The other job titles that somebody comes from, and those that somebody wants to reach."""
        origins: list[str] = []
        targets: list[str] = []
        for mention in self.mentions:
            if mention.label == OTHER_TITLE:
                before = self.text[: mention.start]
                after = self.text[mention.end :].lstrip()
                if TARGET.search(before):
                    targets.append(mention.id)
                elif ORIGIN.search(before) or after.startswith(("->", "-->", "turned", "background", "by trade", "by training", "to ")):
                    origins.append(mention.id)
        return tuple(dict.fromkeys(origins)), tuple(dict.fromkeys(targets))

    def masked(self, mask: str) -> str:
        """The text with the names of roles replaced, so that what is learned does not depend on the role.

        A title that is not covered goes where it only stands beside a role: "data analyst / data scientist" asks about the role.
        """
        lead_in = LEAD_IN.match(self.text)
        out, position = [], lead_in.end() if lead_in else 0
        for mention in self._without_companions():
            out += [self.text[position : mention.start], mask]
            position = mention.end
        return "".join([*out, self.text[position:]])

    def _without_companions(self) -> list[Mention]:
        """The mentions of roles, each widened over titles that are joined to it by a slash, "or" or "and"."""
        found: list[Mention] = []
        named = [mention for mention in self.mentions if mention.label in (ROLE, OTHER_TITLE)]
        for index, mention in enumerate(named):
            if mention.label != ROLE:
                continue
            start, end = mention.start, mention.end
            before = named[index - 1] if index else None
            if before is not None and before.label == OTHER_TITLE and self.text[before.end : start].strip() in JOINS:
                start = before.start
            after = named[index + 1] if index + 1 < len(named) else None
            if after is not None and after.label == OTHER_TITLE and self.text[end : after.start].strip() in JOINS:
                end = after.end
            found.append(Mention(ROLE, mention.id, start, end, self.text[start:end]))
        return found


# What stands before a title that somebody comes from, and before one that somebody wants to reach.
ORIGIN = re.compile(
    r"(?:\bfrom|\bam|\bi'm|\bwas|\bbeen|\bas|\bformer|\bex|\bcurrently|(?<=[a-z]\s)is\W+(?:a|an)|\bbeing|\bleave|\bleaving|\bquit|\bquitting)\W+"
    r"(?:(?:a|an|the|my|being|job|career|as|current|trained|qualified|registered|working|full time|old)\W+){0,3}"
    r"(?:(?:(?<=\ba\s)|(?<=\ban\s))(?:\w+\s){1,2})?$"
)
TARGET = re.compile(
    r"(?:\bto|\binto|\bbecome|\bbecoming|\bbe|\btoward|\btowards|\bbecame|->|\bvs|\bversus)\W*(?:(?:a|an|the|be|become|being|good|great|job|as)\W+){0,3}$"
)


def pieces(doc: Doc, mentions: list[Mention]) -> list[Piece]:
    """The message as a whole first, then the pieces it can be cut into; only the whole where there is nothing to cut.

    Args:
        doc: the cleaned text with sentence ends.
        mentions: the names in it.
    """
    whole = Piece(doc.text, tuple(mentions), _is_question(list(doc)), "whole")
    found: list[Piece] = []
    for sentence in doc.sents:
        tokens = [token for token in sentence if not token.is_space]
        if not tokens:
            continue
        start = 0
        cuts = [index for index in range(1, len(tokens)) if _starts_clause(tokens, index)]
        if [tokens[cut - 1].lower_ for cut in cuts] == [":"]:
            # A headline and its one question: "Software engineering: is a degree needed".
            cuts = []
        for cut in [*cuts, len(tokens)]:
            part = tokens[start:cut]
            while part and part[-1].lower_ in LINKS:
                part = part[:-1]
            if any(token.is_alpha for token in part):
                found.append(_piece(doc, part, mentions, "clause" if cuts else "sentence"))
            start = cut
    found = [new for piece in found for new in (_by_topics(piece, doc) or [piece])]
    return [whole] if len(found) < 2 else [whole, *found]


def _starts_clause(tokens: list[Token], index: int) -> bool:
    """Whether a new question begins here: a question word after a link, or an auxiliary with its subject after one."""
    word = tokens[index].lower_
    if word not in STARTERS and word not in REQUESTS:
        return False
    before = tokens[index - 1].lower_
    if before == ":" and word in STARTERS:
        # "Two things about data scientists: what do they earn".
        return True
    if before not in LINKS:
        return False
    if word in ("which", "who", "where", "when", "whose", "have", "has", "had", "what", "how", "why", "is", "are") and before == "or":
        return True
    following = tokens[index + 1].lower_ if index + 1 < len(tokens) else ""
    if (
        before == ","
        and word != "when"
        and (tokens[0].lower_ == "and" or [token.lower_ for token in tokens[:2]] in (["what", "about"], ["how", "about"]))
    ):
        return bool(following)
    if before == "," and word in ("which", "who", "where", "when"):
        return following in STARTERS or (word in ("who", "where") and following != "")
    return bool(following)


def _piece(doc: Doc, tokens: list[Token], mentions: list[Mention], kind: str) -> Piece:
    start, end = tokens[0].idx, tokens[-1].idx + len(tokens[-1])
    inside = tuple(Mention(m.label, m.id, m.start - start, m.end - start, m.text) for m in mentions if m.start >= start and m.end <= end)
    return Piece(doc.text[start:end], inside, _is_question(tokens), kind)


def _is_question(tokens: list[Token]) -> bool:
    words = [token.lower_ for token in tokens if not token.is_space]
    if "?" in words or "vs" in words or "versus" in words:
        return True
    while words and words[0] in FILLERS:
        words = words[1:]
    return bool(words) and (words[0] in STARTERS or words[0] in REQUESTS)


def _by_topics(piece: Piece, doc: Doc) -> list[Piece]:
    """One piece a topic where topics are listed: "skills and tools of an mle" to "skills of an mle", "tools of an mle"."""
    topics = [mention for mention in piece.mentions if mention.label == TOPIC]
    run: list[Mention] = []
    for mention in topics:
        between = set(_words(piece.text[run[-1].end : mention.start])) if run else set()
        if run and not (between <= NOUN_LINKS and between & COORDINATORS):
            if len(run) > 1:
                break
            run = []
        run.append(mention)
    if len(run) < 2 or len({mention.id for mention in run}) < 2:
        return []
    head, tail = piece.text[: run[0].start], piece.text[run[-1].end :]
    out = []
    for topic in run:
        text = head + topic.text + tail
        shift = len(head) + len(topic.text) - run[-1].end
        kept = [m for m in piece.mentions if m.end <= run[0].start]
        kept.append(Mention(topic.label, topic.id, len(head), len(head) + len(topic.text), topic.text))
        kept += [Mention(m.label, m.id, m.start + shift, m.end + shift, m.text) for m in piece.mentions if m.start >= run[-1].end]
        out.append(Piece(text, tuple(kept), piece.question, "topics"))
    return out


def _words(text: str) -> list[str]:
    return text.replace(",", " , ").replace("/", " / ").replace("&", " & ").split()
