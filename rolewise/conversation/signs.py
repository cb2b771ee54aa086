"""Messages that are a sign and no sentence: a thumb, or the number of something that was offered. What was offered is not known here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

UP, DOWN = "up", "down"

SKIN_TONES = "\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}-\N{EMOJI MODIFIER FITZPATRICK TYPE-6}"
# An emoji may be followed by its skin tone, the mark of its colourful form, or a frame: none of them changes what it says.
ORNAMENT = re.compile(rf"[{SKIN_TONES}\N{{VARIATION SELECTOR-15}}\N{{VARIATION SELECTOR-16}}\N{{COMBINING ENCLOSING KEYCAP}}]")
MINUS = re.compile("[\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}\N{NON-BREAKING HYPHEN}\N{HYPHEN}]")
# As Slack writes it, and as Mattermost, Discord and others do.
TONE = r"(?:_\w*tone\d?)?:(?::skin-tone-\d:)?"
THUMBS = {
    UP: rf"\N{{THUMBS UP SIGN}}|:(?:\+1|thumbsup|thumbs_up){TONE}|\+ ?1|plus one",
    DOWN: rf"\N{{THUMBS DOWN SIGN}}|:(?:-1|thumbsdown|thumbs_down){TONE}|- ?1|minus one",
}
RATINGS = {value: re.compile(rf"(?:(?:{sign})[\s.,!]*)+") for value, sign in THUMBS.items()}

CARDINALS = "one two three four five six seven eight nine".split()
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth".split()
WORDS = {word: number for words in (CARDINALS, ORDINALS) for number, word in enumerate(words, 1)} | {"zero": 0, "last": -1}
NOUN = r"(?:number|num|nr|option|answer|choice|question|suggestion|item|button)"
# What people say around the number of what they choose, and nothing else. A sign before it ("+2", "<3", "$2") makes it something else.
BEFORE = (
    r"(?:(?:ok|okay|yes|please|so|then|and|just|i|i'll|i'd|i'm|will|would|we|let's|lets|can|could|want|like|to|go|going|do|try|take|taking|"
    r"pick|choose|select|open|show|give|tell|me|about|with|for)[\s,]+)*"
)
AFTER = r"(?:[\s,]+(?:please|pls|plz|thanks|thank you|thx|then|now|ok))*"
PICK = re.compile(
    rf"[(\[]?{BEFORE}(?P<the>the[\s]+|my[\s]+)?(?:(?P<noun>{NOUN}\b|(?:{NOUN}|no|q)(?=[\s.:]*\d))[\s.:]*|\N{{NUMBER SIGN}}\s?)?"
    rf"(?:(?P<digits>\d{{1,2}})(?P<ordinal>st|nd|rd|th)?|(?P<word>{'|'.join(WORDS)})|(?P<letter>[a-d]))\b"
    rf"(?:[\s.]+(?:(?P<one>one)|(?P<after>{NOUN})))?[)\]]?{AFTER}[\s.,!?:)]*"
)


@dataclass(frozen=True)
class Pick:
    """One of several things offered.

    Attributes:
        number: counted from 1; -1 is the last one.
        pointing: said so that it may also mean one of the roles talked about: "the second one".
    """

    number: int
    pointing: bool = False


def rating(text: str) -> str | None:
    """The rating, ``up`` or ``down``, that a message is if it is nothing else: thumbs, or +1 and -1."""
    text = _plain(text)
    return next((value for value, pattern in RATINGS.items() if pattern.fullmatch(text)), None)


def pick(text: str) -> Pick | None:
    """The number that a message is if it says nothing else: ``2``, ``option two``, ``the 2nd one, please``."""
    text = _plain(text)
    match = PICK.fullmatch(text)
    if match is None:
        return None
    named = bool(match["noun"] or match["after"])
    if match["letter"]:
        # A letter alone is a letter: "a".
        return Pick("abcd".index(match["letter"]) + 1) if match["noun"] else None
    number = int(match["digits"]) if match["digits"] else WORDS[match["word"]]
    ordered = bool(match["ordinal"]) or match["word"] in (*ORDINALS, "last")
    if match["word"] == "last" and not (named or match["one"] or match["the"]):
        return None
    if (match["one"] or match["the"] or match["after"]) and not (ordered or match["noun"]):
        return None  # "one question" counts, it does not choose
    return Pick(number, pointing=ordered and not named and bool(match["the"] or match["one"]))


def number_of(text: str, titles: Iterable[str]) -> int | None:
    """The number, from 1, of the first title that has the same words as a text, whatever stands around and between them; None for none."""
    said = _words(text)
    return next((number for number, title in enumerate(titles, 1) if said == _words_of_title(title)), None) if said else None


# Titles are few and come again; what people say is kept nowhere.
@lru_cache(maxsize=1024)
def _words_of_title(title: str) -> list[str]:
    return _words(title)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w+#]+", _plain(text))


def _plain(text: str) -> str:
    """A text in lower case with one form of every digit, sign and space."""
    if text.isascii():
        # One form is all that there is of each.
        return " ".join(text.lower().split())
    figures = (str(int(unicodedata.numeric(character))) if _is_figure(character) else character for character in ORNAMENT.sub("", text))
    plain = MINUS.sub("-", unicodedata.normalize("NFKC", "".join(figures)).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return " ".join(plain.lower().split())


def _is_figure(character: str) -> bool:
    """Whether a character is a number of its own that is no ASCII digit: a full-width, circled, Roman or Arabic-Indic one."""
    return (
        not character.isascii() and unicodedata.category(character) in ("Nd", "Nl", "No") and unicodedata.numeric(character) in range(100)
    )
