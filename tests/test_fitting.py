"""What the tags of a claim are worth for a question."""

from __future__ import annotations

from typing import Any

import pytest

from rolewise.fitting import TAGS, Fitting, tags
from rolewise.knowledge import Fact

ONE_EACH = Fitting(dict.fromkeys(TAGS, 1.0))


def fact(**more: Any) -> Fact:
    return Fact(**{"text": "It is so.", "forms": ["what"], "asks": ["Is it so?"], "sources": ["S1"], **more})


@pytest.mark.parametrize(
    ("claim", "roles", "levels", "held"),
    [
        (fact(), ["ds"], [], {"for_all"}),
        (fact(roles=["ds"]), ["ds"], [], {"for_the_role"}),
        (fact(roles=["ds"]), ["swe"], [], {"for_another_role"}),
        (fact(roles=["ds"]), [], [], {"for_a_role"}),
        (fact(level="entry"), [], ["entry"], {"for_all", "the_level"}),
        (fact(level="entry"), [], ["senior"], {"for_all", "another_level"}),
        (fact(level="entry"), [], [], {"for_all", "another_level"}),
    ],
)
def test_which_tags_hold(claim: Fact, roles: list[str], levels: list[str], held: set[str]) -> None:
    assert {name for name, value in zip(TAGS, tags(claim, roles, levels), strict=True) if value} == held


def test_the_place_that_is_asked_about_goes_before_none_and_that_before_another() -> None:
    here, nowhere, elsewhere = (ONE_EACH(claim, [], ["DE"], []) for claim in (fact(country="DE"), fact(), fact(country="US")))
    assert here > nowhere > elsewhere
    assert ONE_EACH(fact(country="US"), [], [], []) == nowhere


def test_the_shipped_weights_name_every_tag() -> None:
    assert len(Fitting.load().weights) == len(TAGS) and any(Fitting.load().weights)
    # A claim about another role never goes before one about the role that is asked about.
    shipped = Fitting.load()
    assert shipped(fact(roles=["ds"]), ["ds"], [], []) > shipped(fact(), ["ds"], [], []) > shipped(fact(roles=["swe"]), ["ds"], [], [])
