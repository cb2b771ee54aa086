"""What hand-written rules, and groups of signs and origins, are worth in conversations: `python bench/ablate_readings.py`.

One at a time is switched off, the weights of the readings are fitted anew, and the conversations are held again: those of writers left out
of the fit, a quarter of the writers at a time, and those that are only counted. What brings nothing can go, unless it is about places, of
which the labels tell nothing, or the golden dialogues need it. The rules are switched off as rules: the readings may still see the same.
Of groups only the features go, the readings stay. Two or three minutes a line.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.conversations import UNREAD  # noqa: E402
from bench.fit_readings import Design, Learned, shares  # noqa: E402
from rolewise.commands import cli  # noqa: E402
from rolewise.conversation import dialogue, understanding  # noqa: E402
from rolewise.conversation.readings import Candidates, enumerated  # noqa: E402
from rolewise.conversation.understanding import Understanding  # noqa: E402

FOLDS = 4
NEVER = re.compile(r"(?!)")


def _no(*_: Any) -> bool:
    return False


def _none(*_: Any) -> tuple[str, ...]:
    return ()


# Where each rule is, and what stands in its place while it is off.
RULES: dict[str, tuple[Any, str, Any]] = {
    "comparing on: than a role": (Understanding, "_compares_on", _no),
    "letting a place go": (Understanding, "_drops_place", _no),
    "a role of the story around": (Understanding, "_said_around", _none),
    "in general": (understanding, "IN_GENERAL", NEVER),
    "other jobs": (understanding, "OTHER_JOBS", NEVER),
    "the last of two roles": (understanding, "SUBJECT_LAST_TOPICS", frozenset()),
    "a role that somebody has": (understanding, "backgrounds", _none),
}

# Signs by how they begin.
SIGNS: dict[str, tuple[str, ...]] = {
    "classes of words": ("words ", "only ", "most of all", "pair alone"),
    "cues": ("cue ", "points"),
    "what the classifier says": ("sure", "asks back", "declines", "topic", "follow up", "small talk", "again", "out of scope", "quiz"),
    "what is named, and what is left": ("names ", "left "),
    "what is known": ("known ", "last compared", "several", "pending", "unsure", "placed"),
}
# Origins likewise.
ORIGINS: dict[str, tuple[str, ...]] = {
    "what the rules read": ("rules", "of the rules"),
    "the classifier's guesses": (
        *("guess", "share", "log guess", "first guess", "second guess", "weakest"),
        *("named and guess", "last and guess", "rules and first guess", "rules and second guess"),
    ),
    "before the last": (
        *("before the last", "rules and before the last", "the third last"),
        *("asked first", "the last two topics", "the last three topics"),
    ),
    "sets left or added": (
        *("carried but", "mentioned but", "last mentioned but", "all but", "last all but", "named but", "changed"),
        *("carried and named", "mentioned and named", "rules and carried and named", "rules and carried but named"),
    ),
}


def _kept(values: dict[str, float], without: tuple[str, ...]) -> dict[str, float]:
    return {name: value for name, value in values.items() if not name.startswith(without)}


def signless(candidates: Candidates, without: tuple[str, ...]) -> Candidates:
    """The readings without some signs."""
    return Candidates(_kept(candidates.signs, without), candidates.readings, candidates.origins)


def originless(candidates: Candidates, without: tuple[str, ...]) -> Candidates:
    """The readings without some origins."""
    found = [tuple(_kept(side, without) for side in sides) for sides in candidates.origins]
    return Candidates(candidates.signs, candidates.readings, found)  # type: ignore[arg-type]


def thinned(thin: Callable[[Candidates, tuple[str, ...]], Candidates], without: tuple[str, ...]) -> tuple[Any, str, Any]:
    """Where readings are enumerated, and what enumerates them with less."""
    return dialogue, "enumerated", lambda heard, rules: thin(enumerated(heard, rules), without)


def line(learned: Learned, unread: list[dict[str, Any]]) -> str:
    """How conversations go with weights fitted to what is there now."""
    examples, alone = learned.examples()
    design = Design(examples)
    marks: list[list[bool]] = []
    for fold in range(FOLDS):
        names = learned.writers[fold::FOLDS]
        marks += learned.talk.held(learned.of_writers(*names), design.fitted(names), False)[1]
    counted = learned.talk.held(unread, design.fitted(), False)[1]
    return f"rules alone {alone}; writers left out {shares(marks)}; only counted {shares(counted)}"


def main() -> None:
    """Print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a file that keeps what the trained model says of the messages")
    parser.add_argument("--only", nargs="*", help="these alone, by name")
    options = parser.parse_args()
    cli.logs("ERROR")
    off = {
        **RULES,
        **{f"signs: {name}": thinned(signless, those) for name, those in SIGNS.items()},
        **{f"origins: {name}": thinned(originless, those) for name, those in ORIGINS.items()},
    }
    unknown = set(options.only or ()) - off.keys()
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(off)}")
    unread = yaml.safe_load(UNREAD.read_text(encoding="utf-8"))
    learned = Learned.load(options.keep, unread)
    print(f"nothing off: {line(learned, unread)}", flush=True)
    for name, (where, attribute, instead) in off.items():
        if options.only is None or name in options.only:
            with mock.patch.object(where, attribute, instead):
                print(f"{name} off: {line(learned, unread)}", flush=True)


if __name__ == "__main__":
    main()
