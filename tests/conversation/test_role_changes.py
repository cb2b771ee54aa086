"""Which roles a message adds to those that are talked about, leaves out, or puts in another's place; and which one somebody has already."""

from __future__ import annotations

import pytest

from rolewise.conversation.role_changes import RoleChange, backgrounds, mentions, role_change

NAMES = {
    "mle": ["machine learning engineer", "machine learning", "mle", "ml"],
    "swe": ["software engineer", "developer", "swe", "software"],
    "ds": ["data scientist", "data science", "ds"],
}
EVERY = tuple(NAMES)


@pytest.mark.parametrize(
    ("text", "added", "dropped"),
    [
        ("add data science to that", ["ds"], []),
        ("put the software one back in", ["swe"], []),
        ("and data scientists too", ["ds"], []),
        ("forget software engineers", [], ["swe"]),
        ("leave the ml ones out now", [], ["mle"]),
        ("anything but machine learning", [], ["mle"]),
        ("i am sick of being a developer", [], ["swe"]),
        ("swap swe for data scientist", ["ds"], ["swe"]),
        ("replace ds with an mle", ["mle"], ["ds"]),
        ("what does a data scientist earn", [], []),
        ("how do i switch from software engineer to data scientist", [], []),
        ("mle vs ds", [], []),
        ("no not for software, for data science", [], ["swe"]),
        ("why not data science", [], []),
        ("why are so many software engineers burnt out", [], []),
        ("how do i start in software with out any background", [], []),
    ],
)
def test_what_a_message_changes(text: str, added: list[str], dropped: list[str]) -> None:
    change = role_change(text, NAMES, several=True)
    assert (change.added, change.dropped) == (tuple(added), tuple(dropped))


def test_a_further_role_beside_one_is_asked_about_alone() -> None:
    assert not role_change("and data scientists too", NAMES, several=False)


@pytest.mark.parametrize(
    ("change", "roles", "after"),
    [
        (RoleChange(added=("ds",)), ("mle", "swe"), ("mle", "swe", "ds")),
        (RoleChange(dropped=("mle",)), ("mle", "swe", "ds"), ("swe", "ds")),
        (RoleChange(dropped=("mle",)), ("mle", "ds"), ("ds",)),
        (RoleChange(("ds",), ("swe",)), ("mle", "swe"), ("mle", "ds")),
        # "Not for software, for data science".
        (RoleChange(dropped=("swe",), kept=("ds",)), ("swe", "mle"), ("ds",)),
        # Nothing was talked about, or only what is left out: the others of all.
        (RoleChange(dropped=("mle",)), (), ("swe", "ds")),
        (RoleChange(dropped=("mle",)), ("mle",), ("swe", "ds")),
    ],
)
def test_the_roles_after_a_change(change: RoleChange, roles: tuple[str, ...], after: tuple[str, ...]) -> None:
    assert change(roles, EVERY) == after


def test_the_longest_name_counts_and_plurals_do() -> None:
    found = mentions("machine learning engineers or data science", NAMES)
    assert [(role, start) for start, _, role in found] == [("mle", 0), ("ds", 30)]


@pytest.mark.parametrize(
    ("text", "had"),
    [
        ("i'm a software engineer, is data science hiring", ("swe",)),
        ("just got laid off as a developer, is data science hiring", ("swe",)),
        ("developer here. how is the pay in machine learning", ("swe",)),
        ("is data science better than software", ()),
    ],
)
def test_the_role_that_somebody_has_already(text: str, had: tuple[str, ...]) -> None:
    assert backgrounds(text, NAMES) == had
