"""The warnings of ``rolewise check`` about subjects: each kind is found, and nothing else is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rolewise.authoring.subject_check import A_LINE_EACH, doubts
from rolewise.knowledge import Knowledge, load
from rolewise.knowledge.model import Subject
from rolewise.settings import PROJECT_ROOT

TODAY = date(2026, 12, 1)


def fact(*asks: str, **more: Any) -> dict[str, Any]:
    return {"text": "It can be learned.", "forms": ["what"], "asks": list(asks), "sources": ["S1"], **more}


def figures(*periods: str) -> list[dict[str, Any]]:
    return [{"value": 1, "unit": "percent", "period": period} for period in periods]


def subject(identity: str, *facts: dict[str, Any], aliases: tuple[str, ...] = (), **more: Any) -> Subject:
    return Subject.parse_obj(
        {
            "id": identity,
            "kind": "tool",
            "name": identity,
            "question": f"What is {identity}?",
            "topics": ["tools"],
            "aliases": [identity, *aliases],
            "facts": list(facts),
            **more,
        }
    )


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    return load(PROJECT_ROOT / "knowledge")


def found(shipped: Knowledge, *subjects: Subject) -> list[str]:
    knowledge = shipped.copy(update={"subjects": list(subjects)})
    return [f"{'.'.join(map(str, loc))}: {reason}" for loc, reason in doubts(knowledge, TODAY, 365)]


def test_subjects_with_nothing_in_doubt_are_not_named(shipped: Knowledge) -> None:
    assert found(shipped, subject("abacus", fact("Is it old?"), fact("Is it slow?")), subject("slide_rule", fact("Is it old?"))) == []


def test_a_subject_of_which_nothing_is_known(shipped: Knowledge) -> None:
    gap = {"text": "Nobody has counted it.", "forms": ["what"], "asks": ["How many are there?"]}
    assert found(shipped, subject("abacus", gaps=[gap])) == ["subjects.0: 'abacus' has no facts"]


def test_a_name_of_two_subjects(shipped: Knowledge) -> None:
    told = found(
        shipped, subject("abacus", fact("a?"), aliases=("Counting frame",)), subject("rule", fact("b?"), aliases=("counting-frame",))
    )
    assert told == ["subjects.1.aliases.1: 'counting-frame' names both 'abacus' and 'rule'"]


@pytest.mark.parametrize(
    ("about", "old"),
    [
        ({"figures": figures("May 2018", "2020")}, True),
        ({"figures": figures("2018 to 2023")}, False),
        ({"figures": figures("2018", "2024")}, False),
        ({"figures": figures("2018", "undated")}, False),
        ({"figures": figures("2018"), "strength": "dated"}, False),
        ({"figures": figures("2018"), "reviewed_on": "2026-01-10"}, False),
        ({"figures": figures("2018"), "reviewed_on": "2025-01-10"}, True),
        ({}, False),
    ],
)
def test_a_fact_on_old_figures(shipped: Knowledge, about: dict[str, Any], old: bool) -> None:
    told = found(shipped, subject("abacus", fact("a?", **about)))
    assert bool(told) == old and all("subjects.0.facts.0: a fact of 'abacus' has no figure later than 20" in line for line in told)


def test_a_question_that_leads_to_two_facts(shipped: Knowledge) -> None:
    told = found(shipped, subject("abacus", fact("Is it old?"), fact("Is it slow?", "is it OLD")))
    assert told == ["subjects.0.facts.1.asks.1: 'is it OLD' stands under facts.0 of 'abacus', too"]


def test_a_question_that_names_a_role(shipped: Knowledge) -> None:
    told = found(shipped, subject("abacus", fact("Do Data Scientists use it?", "Is it used in data science?")))
    assert told == ["subjects.0.facts.0.asks.0: names a role: Do Data Scientists use it?"]


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("Yes, many do.", True),
        ("No: pass rates did not differ.", True),
        ("It depends: some firms ask for it.", True),
        ("No source counts them.", False),
        ("Both the pay and the hours differ.", False),
        ("Sometimes a test comes first.", False),
    ],
)
def test_a_fact_or_gap_that_begins_like_a_reply(shipped: Knowledge, text: str, reply: bool) -> None:
    gap = {"text": text, "forms": ["what"], "asks": ["How many are there?"]}
    told = found(shipped, subject("abacus", fact("Is it old?") | {"text": text}, gaps=[gap]))
    assert len(told) == (2 if reply else 0)
    assert all(f"begins like a reply, but is said under other questions, too: {text}" in line for line in told)


def test_what_is_found_often_is_told_in_one_line(shipped: Knowledge) -> None:
    gap = {"text": "Nobody has counted it.", "forms": ["what"], "asks": ["How many are there?"]}
    subjects = [subject(f"tool_{number}", gaps=[gap]) for number in range(A_LINE_EACH + 1)]
    assert len(found(shipped, *subjects[:-1])) == A_LINE_EACH
    (told,) = found(shipped, *subjects)
    assert told == "subjects.0: 11 subjects have no facts; the first 3: 'tool_0' has no facts; 'tool_1' has no facts; 'tool_2' has no facts"
