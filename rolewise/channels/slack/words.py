"""The words that a person says in a message of Slack, from its text as Slack sends it. Names, quotes and formatting are none."""

from __future__ import annotations

import re

MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
# <#C1|general>, <!here>, <!subteam^S1|@team>, <!date^...|yesterday>, <https://...|label>, <mailto:...|label>
MARKUP = re.compile(r"<([#!]?)([^<>|]+)(?:\|([^<>]*))?>")

# What somebody else said, or a program: a quote of one line, a quote of all that follows, a block of code.
CODE = re.compile(r"```.*?```", re.DOTALL)
LONG_QUOTE = re.compile(r"^\s*(?:&gt;|>){3}.*", re.DOTALL | re.MULTILINE)
QUOTE = re.compile(r"^\s*(?:&gt;|>).*$", re.MULTILINE)

# Formatting stands around words, never inside of one; one kind of it may stand around another.
FORMATTING = re.compile(r"(?<![\w/])([*_~`])(?=\S)((?:(?!\1)[^\n])+)(?<=\S)\1(?![\w/])")

# Slack writes emoji by their names, and people make their own.
EMOJI = re.compile(r"(?<![\w:])(?::(?:[\w+'-]*[^\W\d_][\w+'-]*|\d{3,4}|[+-]1):)+(?![\w:])")
NAME = re.compile(r":([\w+'-]+):")
FIGURES = {name: str(number) for number, name in enumerate("zero one two three four five six seven eight nine".split())}
MEANINGS = {
    **dict.fromkeys(("+1", "thumbsup", "thumbs_up"), "\N{THUMBS UP SIGN}"),
    **dict.fromkeys(("-1", "thumbsdown", "thumbs_down"), "\N{THUMBS DOWN SIGN}"),
    **FIGURES,
}
# Stands for a message of nothing but emoji: it is not empty, and has no word.
SMILE = "\N{SLIGHTLY SMILING FACE}"

WEB = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)


def spoken(text: str, bot: str) -> str:
    """What a message says in words of its own.

    Mentions of the assistant, quotes, code and formatting go; names that Slack put in, of people, channels and links, are not what is
    asked, so that no role is read out of one. What people typed stays, also where Slack has made a link of it.

    Args:
        text: as Slack sends it.
        bot: the assistant's own user id; empty when it is not known.
    """
    text = own(text)
    text = MENTION.sub(lambda found: " " if bot and found.group(1) == bot else "@somebody", text)
    text = _unformatted(text)
    text = MARKUP.sub(_shown, text)
    without = EMOJI.sub(_meant, text)
    text = without if without.strip() or not text.strip() else SMILE
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def own(text: str) -> str:
    """A text without what it quotes: lines of others, and code."""
    for said_by_others in (CODE, LONG_QUOTE, QUOTE):
        text = said_by_others.sub("\n", text)
    return text


def _unformatted(text: str) -> str:
    for _ in range(4):  # bold, italic, struck through and fixed may all stand around one word
        text, found = FORMATTING.subn(r"\2", text)
        if not found:
            break
    return text


def _meant(emoji: re.Match[str]) -> str:
    """What a run of emoji says: thumbs and figures say something, others are ornaments."""
    return f" {''.join(MEANINGS.get(name, '') for name in NAME.findall(emoji.group()))} "


def _shown(markup: re.Match[str]) -> str:
    sign, target, label = markup.group(1), markup.group(2), markup.group(3) or ""
    if sign == "#":
        return " "
    if sign == "!":
        kind, _, _ = target.partition("^")
        return (label if kind == "date" else "@somebody") if "^" in target or label else f"@{kind}"
    if not WEB.match(target):
        return "@somebody" if target.startswith("mailto:") else " "
    # Slack makes links of what looks like one: there the label is what was typed.
    return label if label and _bare(label) == _bare(target) else target


def _bare(address: str) -> str:
    return WEB.sub("", address).rstrip("/").lower()
