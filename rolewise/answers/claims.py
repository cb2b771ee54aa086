"""Choosing what is said about a subject: facts and gaps put in order by their tags and by their nearness to the message.

The order is explainable: a claim stands where it does because of its roles, form, place and level, and among equals because it is nearest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rolewise.knowledge import Claim, Fact, Subject
from rolewise.questions import Question

# What each tag adds to the nearness of a claim (a cosine, 0 to 1).
FOR_ALL_ROLES, FOR_THE_ROLE, FORM, LEAD_OF_SUBJECT = 0.06, 0.12, 0.06, 0.04
THE_PLACE, ANOTHER_PLACE, THE_LEVEL, ANOTHER_LEVEL = 0.5, -0.15, 0.15, -0.1
# A claim that the message is not near to by any of its questions.
FAR = 0.2
# A claim so far behind the best one is left to "more".
REACH = 0.3
# How far behind the claims of a subject that is surely asked about those of one that is only near are put; and how far ahead one of
# these has to be all the same to become the lead.
BESIDE, AHEAD = 0.05, 0.1
# An opening whose words are among so many first words of the claim is said already.
REPEATED = 7


@dataclass(frozen=True, eq=False)
class Choice:
    """A claim chosen for a question. Two are never the same: to compare whole subjects word by word would take most of an answer's time.

    Attributes:
        subject: its subject.
        claim: the fact or the gap.
        score: how well it fits; only comparable within a question.
        opening: what answers the message before the claim does: "Yes"; or None.
        exact: whether the claim answers the very question.
        place: its place among the subject's facts and, behind them, gaps.
    """

    subject: Subject
    claim: Claim
    score: float
    opening: str | None = None
    exact: bool = True
    place: int = 0

    @property
    def sources(self) -> list[str]:
        """The ids of its sources; a gap has none."""
        return self.claim.sources if isinstance(self.claim, Fact) else []

    def text(self) -> str:
        """The claim, behind its opening where it has one."""
        said = str(self.claim.text)
        if not self.opening or set(_words(self.opening)) <= set(_words(said)[:REPEATED]):
            return said
        return f"{self.opening}. {said}"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def ranked(subject: Subject, question: Question) -> list[Choice]:
    """The claims of a subject that concern a question, the best first.

    Claims that hold for none of the question's roles are left out, unless nothing else is known.
    """
    near = {(item.subject, item.claim): item for item in question.evidence}
    found: list[Choice] = []
    for number, claim in enumerate([*subject.facts, *subject.gaps]):
        item = near.get((str(subject.id), number))
        score = (item.score if item else FAR) + _fit(claim, question) + (LEAD_OF_SUBJECT if number == 0 else 0.0)
        opening = item.opening if item and question.form in (None, "yes_no", "worth_it") else None
        # Of a question that was tapped, or carried on, nothing is known that speaks against a claim.
        exact = not question.evidence or bool(item and item.exact)
        found.append(Choice(subject, claim, score, opening, exact, number))
    wanted = set(question.roles)
    fitting = [choice for choice in found if not wanted or not choice.claim.roles or wanted & set(choice.claim.roles)]
    return sorted(fitting or found, key=lambda choice: -choice.score)


def _fit(claim: Claim, question: Question) -> float:
    """What the tags of a claim add for a question."""
    score = FORM if question.form in claim.forms else 0.0
    if not claim.roles:
        score += FOR_ALL_ROLES
    elif set(question.roles) & set(claim.roles):
        score += FOR_THE_ROLE
    if question.country and claim.country:
        score += THE_PLACE if claim.country == question.country else ANOTHER_PLACE
    if claim.level:
        score += THE_LEVEL if claim.level == question.level else ANOTHER_LEVEL
    return score


def choose(subjects: Sequence[Subject], beside: Sequence[Subject], question: Question, points: int) -> list[Choice]:
    """What to say of one or several subjects: the lead first, then at most ``points`` more.

    Each subject asked about, and each role asked about (all, where none was named), speaks before a second claim of another does.

    Args:
        subjects: those asked about, the surest first.
        beside: others that the message is near to; of these only claims speak that it is near to.
        question: what is asked.
        points: how many claims come behind the lead at most.
    """
    rankings = [ranked(subject, question) for subject in subjects]
    known = {(item.subject, item.claim) for item in question.evidence}
    others = [
        replace(choice, score=choice.score - BESIDE)
        for subject in beside
        for choice in ranked(subject, question)
        if choice.exact and (str(subject.id), choice.place) in known
    ]
    pool = sorted([*(choice for ranking in rankings for choice in ranking), *others], key=lambda choice: -choice.score)
    firsts = [ranking[0] for ranking in rankings if ranking]
    if not firsts:
        return []
    lead = firsts[0] if firsts[0].score >= pool[0].score - AHEAD else pool[0]
    chosen = [lead, *(choice for choice in firsts if choice is not lead)]
    near = [choice for choice in pool if choice not in chosen and choice.score >= lead.score - REACH]
    for fresh in (True, False):
        for choice in near:
            if len(chosen) <= points and choice not in chosen and (not fresh or _new_role(choice, chosen)):
                chosen.append(choice)
    return chosen[: points + 1]


def _new_role(choice: Choice, chosen: Sequence[Choice]) -> bool:
    """Whether a claim speaks of a role that no chosen one speaks of by name."""
    return bool(set(choice.claim.roles) - {role for other in chosen for role in other.claim.roles})
