"""Cleaning of what people type: abbreviations, typing errors, missing spaces. Nothing here knows a topic or a role."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from rolewise.control import CONTROL

TOKEN = re.compile(r"[^\W_]+(?:['’´`][^\W\d_]+)?(?:\+\+|#(?!\w))?|[^\w\s]|_")
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?$")
URL = re.compile(r"(?:https?://|www\.)\S+")
LONG_RUN = re.compile(r"([a-z])\1{2,}")

# Chat shorthand that the sentence encoder does not know. "r" and "c" are left alone: they are programming languages.
SHORTHAND = {
    "u": "you", "ur": "your", "pls": "please", "plz": "please", "thx": "thanks", "cuz": "because", "coz": "because",
    "bc": "because", "wanna": "want to", "gonna": "going to", "gotta": "have to", "idk": "i do not know",
    "rn": "right now", "yrs": "years", "yr": "year", "yoe": "years of experience", "exp": "experience",
    "dont": "do not", "cant": "can not", "wont": "will not", "isnt": "is not", "doesnt": "does not",
    "didnt": "did not", "im": "i am", "ive": "i have", "whats": "what is", "hows": "how is", "wats": "what is",
    "wat": "what", "wut": "what", "wht": "what", "hw": "how", "shud": "should", "cud": "could", "abt": "about",
    "b4": "before", "gr8": "great", "ppl": "people", "uni": "university", "mgr": "manager", "mgmt": "management",
    "eng": "engineer", "engg": "engineering", "engr": "engineer", "diff": "difference", "btw": "by the way",
    "tho": "though", "thru": "through", "wfh": "work from home", "wlb": "work life balance", "jr": "junior",
    "sr": "senior", "req": "required", "reqs": "requirements", "edu": "education", "avg": "average", "hrs": "hours",
    "govt": "government", "becum": "become", "nd": "and", "hv": "have",
}  # fmt: skip
# The two that people answer with instead of words.
EMOJI_WORDS = {"\N{THUMBS UP SIGN}": "thumbs up", "\N{THUMBS DOWN SIGN}": "thumbs down"}
SLASHED = {"w/o": "without", "w/": "with", "b/c": "because", "s/w": "software"}
SLASHED_PATTERN = re.compile(r"(?<!\w)(?:w/o|b/c|s/w|w/)(?=\s|$|\w)", re.IGNORECASE)

# Short words that a longer word may be split into; any other part needs three letters.
SHORT_PARTS = frozenset("a i to of is do an in as or it be my me we he on at by if so no up us".split())


# How many of the encoder's words, the most frequent first, are right as they are; how many an error may be corrected to.
KNOWN_WORDS = 20_000
COMMON_WORDS = 9_000
# How often the training messages must use a word for a three-letter error to be corrected to it.
FREQUENT = 60


@dataclass(frozen=True)
class Cleaned:
    """A cleaned text and where each of its characters came from.

    Attributes:
        text: lower case, corrected.
        origin: for each character of ``text`` the start and end, in characters, of the piece of the raw text behind it.
    """

    text: str
    origin: tuple[tuple[int, int], ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the raw text behind ``text[start:end]``."""
        if not self.origin or start >= len(self.origin):
            return 0, 0
        return self.origin[start][0], self.origin[max(start, end - 1)][1]


class Cleaner:
    """Cleans a text by a vocabulary; unknown words are corrected to words of the training messages first, then to common English."""

    def __init__(
        self, known: Iterable[str], domain: dict[str, int], common: Iterable[str], misspelt: Mapping[str, str] | None = None
    ) -> None:
        """Keep the vocabulary.

        Args:
            known: words that are left as they are.
            domain: words of the training messages, with how often they stand there: what an unknown word is corrected to.
            common: common English words: what it is corrected to when no word of the domain is near.
            misspelt: words that are often misspelt so, and how they are spelled.
        """
        self.domain = domain
        self.common = frozenset(common)
        self.misspelt = dict(misspelt or {})
        self.known = frozenset(known) | frozenset(domain) | self.common
        self._candidates: dict[int, list[str]] = {}
        for word in sorted(self.common | domain.keys()):
            if WORD.match(word) and len(word) >= 3:
                self._candidates.setdefault(len(word), []).append(word)
        self._cache: dict[str, str] = {}

    @classmethod
    def from_messages(
        cls, messages: Iterable[str], names: Iterable[str], english: Sequence[str], misspelt: Mapping[str, str] | None = None
    ) -> Cleaner:
        """Gather the vocabulary.

        Args:
            messages: the training messages.
            names: names and aliases of the knowledge, which are right by definition.
            english: English words, the most frequent first (the encoder's whole words are in that order).
            misspelt: words that are often misspelt so, and how they are spelled.
        """
        counts: Counter[str] = Counter()
        for message in messages:
            counts.update(token.lower() for token in TOKEN.findall(message))
        english = [word for word in english if WORD.match(word) and len(word) > 1]
        spelled = frozenset(english)
        named: Counter[str] = Counter()
        for name in names:
            named.update(token.lower() for token in TOKEN.findall(name))
        domain = {word: count for word, count in counts.items() if WORD.match(word) and count >= 2 and word in spelled}
        domain.update({word: max(counts[word], 3) for word in named if WORD.match(word)})
        # A rare word that is no English may be an error that two writers share.
        known = set(english[:KNOWN_WORDS]) | {word for word, count in counts.items() if count >= (2 if word in spelled else 6)}
        return cls(sorted(known), dict(sorted(domain.items())), english[:COMMON_WORDS], misspelt)

    def clean(self, raw: str) -> Cleaned:
        """Clean one text; the empty text stays empty."""
        blanked = URL.sub(lambda match: " " * len(match.group()), CONTROL.sub(" ", raw))
        pieces: list[tuple[str, int, int]] = []
        slashed = {match.start(): match for match in SLASHED_PATTERN.finditer(blanked)}
        position = 0
        for match in TOKEN.finditer(blanked):
            if match.start() < position:
                continue
            if match.start() in slashed:
                whole = slashed[match.start()]
                pieces.append((SLASHED[whole.group().lower()], whole.start(), whole.end()))
                position = whole.end()
                continue
            token = unicodedata.normalize("NFKC", match.group()).lower().replace("’", "'").replace("´", "'").replace("`", "'")
            position = match.end()
            if match.group() in EMOJI_WORDS:
                pieces.append((EMOJI_WORDS[match.group()], match.start(), match.end()))
                continue
            if not token.isascii() and not any(character.isalnum() for character in token):
                continue  # emoji and ornaments carry no word
            pieces.append((self._word(token, _dotted(blanked, *match.span())), match.start(), match.end()))
        return _join(pieces, blanked)

    def _word(self, token: str, dotted: bool = False) -> str:
        if token in SHORTHAND and not dotted:
            return SHORTHAND[token]
        if token in self.misspelt:
            return self.misspelt[token]
        if token in self.known or not WORD.match(token) or len(token) < 3:
            return token
        if token not in self._cache:
            if len(self._cache) > 50_000:
                self._cache.clear()
            self._cache[token] = self._correct(token)
        return self._cache[token]

    def _correct(self, token: str) -> str:
        if "'" in token:
            stem, _, ending = token.partition("'")
            return token if stem in self.known else f"{self._word(stem)}'{ending}"
        shorter = LONG_RUN.sub(r"\1", token)
        for candidate in (LONG_RUN.sub(r"\1\1", token), shorter):
            if candidate in self.known:
                return candidate
        if len(shorter) > 30:
            return token
        limit = 1 if len(shorter) < 6 else 2
        parts = self._split(shorter) if len(shorter) >= 6 else None
        found: tuple[int, int, int, str] | None = None
        for length in range(max(3, len(shorter) - limit), len(shorter) + limit + 1):
            for word, distance, _ in process.extract(
                shorter, self._candidates.get(length, ()), scorer=OSA.distance, score_cutoff=limit, limit=50
            ):
                count = self.domain.get(word, 0)
                if (len(shorter) == 3 and count < FREQUENT) or (not count and distance > 1):
                    continue
                rank = (int(distance) + (not count), int(word[0] != shorter[0]), -count, word)
                if found is None or rank < found:
                    found = rank
        if parts and (found is None or found[0] > 1):
            return parts
        return found[3] if found else token

    def _split(self, token: str) -> str | None:
        """The token as two or three known words, or None: ``softwareengineer`` to ``software engineer``."""
        best: tuple[float, str] | None = None
        for first in range(1, len(token) - 1):
            head, rest = token[:first], token[first:]
            if not self._part(head):
                continue
            if self._part(rest):
                score: float = min(self.domain.get(head, 0), self.domain.get(rest, 0))
                best = max(best or (-1.0, ""), (score, f"{head} {rest}"))
                continue
            for second in range(2, len(rest) - 1):
                middle, tail = rest[:second], rest[second:]
                if self._part(middle) and self._part(tail):
                    score = min(self.domain.get(head, 0), self.domain.get(middle, 0), self.domain.get(tail, 0)) / 10
                    best = max(best or (-1.0, ""), (score, f"{head} {middle} {tail}"))
        return best[1] if best else None

    def _part(self, word: str) -> bool:
        return word in SHORT_PARTS if len(word) < 3 else self.domain.get(word, 0) >= 5

    def known_share(self, text: str) -> float:
        """The share, 0 to 1, of the words of a cleaned text that the training messages use; 1.0 without words."""
        words = [token for token in TOKEN.findall(text) if any(character.isalpha() for character in token)]
        if not words:
            return 1.0
        return sum(word in self.domain or word.partition("'")[0] in self.domain for word in words) / len(words)


def _dotted(text: str, start: int, end: int) -> bool:
    """Whether a token is a part of something like ``u.k.`` or ``n/a``, so that it is no shorthand."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return bool(re.search(r"\w[./]$", before) or re.match(r"[./]\w", after))


def _join(pieces: list[tuple[str, int, int]], raw: str) -> Cleaned:
    """Put the pieces together: one space where the raw text had any, and around hyphens and slashes that join no words."""
    text: list[str] = []
    origin: list[tuple[int, int]] = []
    end_before: int | None = None
    for index, (piece, start, end) in enumerate(pieces):
        if end_before is not None:
            between = raw[end_before:start]
            loose = _loose(pieces, index) or _loose(pieces, index - 1)
            if between or loose or (text[-1][-1:].isalnum() and piece[:1].isalnum()):
                text.append("\n" if "\n" in between else " ")
                origin.append((end_before, start))
        text.append(piece)
        origin.extend([(start, end)] * len(piece))
        end_before = end
    return Cleaned("".join(text), tuple(origin))


def _loose(pieces: list[tuple[str, int, int]], index: int) -> bool:
    """Whether a hyphen, dash or slash stands at the end or the beginning of a word instead of inside one."""
    piece, start, end = pieces[index]
    if piece not in "-/\u2013\u2014":
        return False
    before = index > 0 and pieces[index - 1][2] == start
    after = index + 1 < len(pieces) and pieces[index + 1][1] == end
    return not (before and after) or piece in "\u2013\u2014"
