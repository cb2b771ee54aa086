"""How well the tags of a claim fit a question: its roles, its place and its level. What each is worth comes from ``bench/fit_matching.py``.

The message is not known here: a question that was tapped, or carried on from the one before, has tags, too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from operator import mul
from pathlib import Path

from rolewise.knowledge import Claim

WEIGHTS = Path(__file__).resolve().parent / "fitting.json"

TAGS = (
    "for_all",  # it holds for every role
    "for_the_role",  # it is about a role that is asked about
    "for_another_role",  # it is about others than those that are
    "for_a_role",  # it is about some, and none is asked about
    "the_level",  # it is about a level that is asked about
    "another_level",  # about another one, or about one where none is asked about
)


# A fact for just the place that is asked about goes before all others, and one for another place behind: no weight, but a rule.
THE_PLACE, ANOTHER_PLACE = 2.0, -1.0


def tags(claim: Claim, roles: Collection[str], levels: Collection[str]) -> tuple[float, ...]:
    """Which of :data:`TAGS` hold for a claim and what is asked, 1 or 0 each."""
    own, level = set(claim.roles), claim.level
    about = bool(own & set(roles))
    found = (
        not own,
        about,
        bool(own and roles and not about),
        bool(own and not roles),
        bool(level and level in levels),
        bool(level and level not in levels),
    )
    return tuple(map(float, found))


class Fitting:
    """What the tags add to the log-odds that a claim answers a question."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        """Take the weight of each of :data:`TAGS`; those that are absent count nothing."""
        self.weights = tuple(weights.get(name, 0.0) for name in TAGS)

    @classmethod
    @cache
    def load(cls, path: Path = WEIGHTS) -> Fitting:
        """Read the weights, a file once: every turn asks for them. Raises OSError or ValueError."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def __call__(self, claim: Claim, roles: Collection[str], countries: Collection[str], levels: Collection[str]) -> float:
        """What the tags of a claim add for what is asked."""
        place = (THE_PLACE if claim.country in countries else ANOTHER_PLACE) if claim.country and countries else 0.0
        return sum(map(mul, self.weights, tags(claim, roles, levels))) + place
