"""What may be wrong with the subjects of the knowledge. None of it keeps a model from being trained; errors are found by the loader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from rolewise.authoring.training_data import normalised
from rolewise.knowledge import Fact, Knowledge
from rolewise.knowledge.files import SUBJECTS
from rolewise.knowledge.positions import Loc

Found = list[tuple[Loc, str]]

# Figures whose last year is longer ago than this are old.
OLD_YEARS = 5
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# A claim is said under other questions than the one it was written to, too, where a word like these in front says something else.
REPLY = re.compile(
    r"(?:yes|no|both|neither|maybe|partly|sometimes|mostly|rarely|never|none|it depends|not really)\b(?=[,:;.])", re.IGNORECASE
)
# More of a kind than this are told in one line, with so many of them.
A_LINE_EACH, SHOWN = 10, 3


def doubts(knowledge: Knowledge, today: date, review_days: int) -> Found:
    """What somebody should look at, each with its place; what is found often is one item a kind, at the place of the first.

    Args:
        knowledge: without errors.
        today: what years and reviews are held against.
        review_days: how long the review of a fact lets old figures stand.
    """
    kinds = {
        "subjects have no facts": without_facts(knowledge),
        "names stand for two subjects": named_twice(knowledge),
        "facts rest on old figures": on_old_figures(knowledge, today, review_days),
        "questions lead to two facts": asked_twice(knowledge),
        "questions name a role": naming_a_role(knowledge),
        "facts or gaps begin like a reply": beginning_like_a_reply(knowledge),
    }
    return [item for what, found in kinds.items() for item in _told(what, found)]


def _told(what: str, found: Found) -> Found:
    if len(found) <= A_LINE_EACH:
        return found
    first = "; ".join(reason for _, reason in found[:SHOWN])
    return [(found[0][0], f"{len(found)} {what}; the first {SHOWN}: {first}")]


def without_facts(knowledge: Knowledge) -> Found:
    """Subjects of which nothing is known: their gaps say only that."""
    return [((SUBJECTS, number), f"'{one.id}' has no facts") for number, one in enumerate(knowledge.subjects) if not one.facts]


def named_twice(knowledge: Knowledge) -> Found:
    """Names that stand for a subject already: which of the two is meant, the words of the name cannot say."""
    owners: dict[str, str] = {}
    found: Found = []
    for number, subject in enumerate(knowledge.subjects):
        names: list[tuple[Loc, str]] = [((SUBJECTS, number, "name"), str(subject.name))]
        names += [((SUBJECTS, number, "aliases", place), str(alias)) for place, alias in enumerate(subject.aliases)]
        for loc, name in names:
            owner = owners.setdefault(name.casefold().replace("-", " "), str(subject.id))
            if owner != subject.id:
                found.append((loc, f"'{name}' names both '{owner}' and '{subject.id}'"))
    return found


def on_old_figures(knowledge: Knowledge, today: date, review_days: int) -> Found:
    """Facts all of whose figures are old, unless they say so (``strength: dated``) or somebody has reviewed them since."""
    reviewed_from, year_from = today - timedelta(days=review_days), today.year - OLD_YEARS
    found: Found = []
    for loc, fact in _facts(knowledge):
        years = [max(map(int, named), default=today.year) for named in (YEAR.findall(figure.period) for figure in fact.figures)]
        fresh = fact.reviewed_on is not None and fact.reviewed_on >= reviewed_from
        if years and max(years) < year_from and fact.strength != "dated" and not fresh:
            subject = knowledge.subjects[int(loc[1])].id
            found.append((loc, f"a fact of '{subject}' has no figure later than {max(years)} and is not marked 'strength: dated'"))
    return found


def asked_twice(knowledge: Knowledge) -> Found:
    """Questions that two claims of a subject say they answer."""
    found: Found = []
    for number, subject in enumerate(knowledge.subjects):
        owners: dict[str, Loc] = {}
        for loc, ask in _asks(knowledge, number):
            owner = owners.setdefault(normalised(ask), loc[2:4])
            if owner != loc[2:4]:
                found.append((loc, f"'{ask}' stands under {'.'.join(map(str, owner))} of '{subject.id}', too"))
    return found


def naming_a_role(knowledge: Knowledge) -> Found:
    """Questions with the name of a role in them: whom a claim is about stands under ``roles``."""
    names = sorted({str(name) for role in knowledge.roles.values() for name in (role.name, role.plural)}, key=len, reverse=True)
    named = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)
    return [
        (loc, f"names a role: {ask}")
        for number in range(len(knowledge.subjects))
        for loc, ask in _asks(knowledge, number)
        if named.search(ask)
    ]


def beginning_like_a_reply(knowledge: Knowledge) -> Found:
    """Claims that make sense behind their own question alone: "Yes, many do"."""
    return [
        ((SUBJECTS, number, part, place, "text"), f"begins like a reply, but is said under other questions, too: {claim.text}")
        for number, subject in enumerate(knowledge.subjects)
        for part, claims in (("facts", subject.facts), ("gaps", subject.gaps))
        for place, claim in enumerate(claims)
        if REPLY.match(str(claim.text))
    ]


def _facts(knowledge: Knowledge) -> Iterator[tuple[Loc, Fact]]:
    for number, subject in enumerate(knowledge.subjects):
        for place, fact in enumerate(subject.facts):
            yield (SUBJECTS, number, "facts", place), fact


def _asks(knowledge: Knowledge, number: int) -> Iterator[tuple[Loc, str]]:
    """Every question under ``asks`` of a subject."""
    subject = knowledge.subjects[number]
    for part, claims in (("facts", subject.facts), ("gaps", subject.gaps)):
        for place, claim in enumerate(claims):
            for index, ask in enumerate(claim.asks):
                yield (SUBJECTS, number, part, place, "asks", index), str(ask)
