"""Changes to the roles that are talked about: one added, one left out, one put in another's place; read from the words of a message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

FILLING = r"(?:\s+(?:the|an?|as|any|more|that|being|with|to|be|do|doing|about|for|as|her|his|my))*\s*$"
# Before a role: it is left out.
LEAVING = re.compile(
    r"\b(?:without|drop|forget|leave|exclude|except|minus|skip|remove|ditch|ignore|take out|leave out|(?:anything|everything|all) but"
    r"|(?<!why )not|instead of|rather than|sick of|tired of|done with|fed up|stop being|quit|leaving)" + FILLING
)
ADDING = re.compile(r"\b(?:add|include|put|throw|bring|plus)" + FILLING)
REPLACING = re.compile(r"\b(?:swap|replace|exchange|change|switch)" + FILLING)
# Behind a role, with a word or two between: "leave the ML ones out", "put data science back in".
TAKING = re.compile(r"\b(?:leave|take|keep|cut|rule|count|put|let)" + FILLING)
OUT = re.compile(r"^\W*(?:\w+\W+){0,2}?(?:out|off|away|aside)\b")
IN = re.compile(r"^\W*(?:\w+\W+){0,2}?(?:in|back|to (?:that|it|this|the)|too|as well|also)\b")
# Before a role, or behind it: somebody has it already.
BEING = re.compile(
    r"\b(?:i'?m|i am|i was|i've been|been|as|work(?:ing|ed)? as|being|my \w+(?:'s| is)|(?:he|she)(?:'s| is))"
    r"(?:\s+(?:an?|the|just|now|currently|already|junior|senior))*\s*$"
)
HERE = re.compile(r"^\W*(?:here|by day|atm|at the moment|by training|for \d+ years?)\b")
BY = re.compile(r"^\s*(?:for|with|by)(?:\s+(?:the|an?))?\s*$")


@dataclass(frozen=True)
class RoleChange:
    """Which roles a message adds to those that are talked about, and which it takes away."""

    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    # Named, and neither added nor taken away: beside one that is taken away these are what is meant.
    kept: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.dropped)

    def __call__(self, roles: Sequence[str], every: Sequence[str]) -> tuple[str, ...]:
        """The roles after the change: of those that are talked about, or of all where fewer than two are and one is taken away."""
        if self.dropped and self.kept and not self.added:
            return self.kept
        known = roles if len(roles) > 1 or not self.dropped or set(roles) - set(self.dropped) else every
        known = every if self.dropped and not known else known
        return tuple(dict.fromkeys(role for role in (*known, *self.added) if role not in self.dropped))


@lru_cache(maxsize=16)
def _finder(names: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[dict[str, str], re.Pattern[str]]:
    """The role of each name, and what finds the names in a text, the longest first; kept, as each message is looked at often."""
    owner = {name: role for role, own in names for name in own}
    longest = sorted(owner, key=len, reverse=True)
    return owner, re.compile("|".join(rf"\b{re.escape(name)}s?\b" for name in longest) or r"(?!)")


def mentions(text: str, names: Mapping[str, Iterable[str]]) -> list[tuple[int, int, str]]:
    """Where the names of roles stand in a text: start, end and role, in order.

    Args:
        text: the text, lower case.
        names: the names of each role, lower case.
    """
    owner, pattern = _finder(tuple((role, tuple(own)) for role, own in names.items()))
    found = []
    for match in pattern.finditer(text):
        said = match.group()
        found.append((match.start(), match.end(), owner.get(said) or owner[said[:-1]]))
    return found


def role_change(text: str, names: Mapping[str, Iterable[str]], several: bool) -> RoleChange:
    """What a message changes in the roles that are talked about.

    Args:
        text: the message, lower case.
        names: the names of each role.
        several: whether several roles are talked about: only then does "and data scientists too" add one.
    """
    found = mentions(text, names)
    added: list[str] = []
    dropped: list[str] = []
    kept: list[str] = []
    for number, (start, end, role) in enumerate(found):
        before = text[found[number - 1][1] if number else 0 : start]
        after = text[end : found[number + 1][0] if number + 1 < len(found) else len(text)]
        if number and BY.match(before) and dropped and dropped[-1] == found[number - 1][2]:
            added.append(role)
        elif LEAVING.search(before) or (TAKING.search(before) and OUT.match(after)) or (REPLACING.search(before) and BY.match(after)):
            dropped.append(role)
        elif ADDING.search(before) or (several and IN.match(after)):
            added.append(role)
        else:
            kept.append(role)
    return RoleChange(tuple(added), tuple(dropped), tuple(dict.fromkeys(role for role in kept if role not in (*added, *dropped))))


def backgrounds(text: str, names: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The roles that a message says somebody has already: "I'm a software engineer", "laid off as a developer", "backend dev here"."""
    found = mentions(text, names)
    own = [role for start, end, role in found if BEING.search(text[:start]) or HERE.match(text[end:])]
    return tuple(dict.fromkeys(own))
