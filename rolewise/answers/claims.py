"""Choosing what is said about a subject: facts and gaps put in order by how likely they answer the message and by their tags.

The order is explainable: a claim stands where it does because readers found that claims so near to a message answer it, and because of its
roles, place and level.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rolewise.fitting import Fitting
from rolewise.knowledge import Claim, Fact, Subject
from rolewise.questions import Question

# All in log-odds. A claim that the message is not near to; what its form, and to be the first of its subject, are worth then.
FAR, FORM, FIRST = -6.0, 0.5, 0.4
# A claim so far behind the best one is left to "more", but for so many of the subjects that are asked about.
REACH, LEAST = 2.5, 2
# How far ahead of the claims of a subject that is asked about another one's has to be to become the lead.
AHEAD = 0.5
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
        exact: whether the claim answers the very question, or nothing speaks against it.
        likely: whether the message makes it likely that it does.
        place: its place among the subject's facts and, behind them, gaps.
    """

    subject: Subject
    claim: Claim
    score: float
    opening: str | None = None
    exact: bool = True
    place: int = 0
    likely: bool = False

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


def ranked(subject: Subject, question: Question, fitting: Fitting) -> list[Choice]:
    """The claims of a subject that concern a question, the best first.

    Claims that hold for none of the question's roles are left out, unless nothing else is known.
    """
    near = {(item.subject, item.claim): item for item in question.evidence}
    found: list[Choice] = []
    for number, claim in enumerate(subject.claims):
        item = near.get((str(subject.id), number))
        known = item.score if item else FAR + (FORM if question.form in claim.forms else 0.0) + (FIRST if number == 0 else 0.0)
        score = known + fitting(claim, question.roles, *([value] if value else [] for value in (question.country, question.level)))
        opening = item.opening if item and question.form in (None, "yes_no", "worth_it") else None
        # Of a question that was tapped, or carried on, nothing is known that speaks against a claim.
        exact = not question.evidence or bool(item and item.exact)
        found.append(Choice(subject, claim, score, opening, exact, number, bool(item and item.exact)))
    wanted = set(question.roles)
    fitting_ = [choice for choice in found if not wanted or not choice.claim.roles or wanted & set(choice.claim.roles)]
    return sorted(fitting_ or found, key=lambda choice: -choice.score)


def choose(subjects: Sequence[Subject], beside: Sequence[Subject], question: Question, points: int, fitting: Fitting) -> list[Choice]:
    """What to say of one or several subjects: the lead first, then at most ``points`` more.

    Each subject asked about, and each of several roles, speaks before a second claim of another does.

    Args:
        subjects: those asked about, the surest first.
        beside: others that the message is near to; of these only claims speak that it is near to.
        question: what is asked.
        points: how many claims come behind the lead at most.
        fitting: what the tags of a claim are worth.
    """
    rankings = [ranked(subject, question, fitting) for subject in subjects]
    firsts = [ranking[0] for ranking in rankings if ranking]
    if not firsts:
        return []
    best = max(firsts, key=lambda choice: choice.score)
    known = {(item.subject, item.claim) for item in question.evidence}
    others = [
        choice
        for subject in beside
        for choice in ranked(subject, question, fitting)
        if (str(subject.id), choice.place) in known and (choice.likely or choice.score >= best.score - REACH)
    ]
    pool = sorted([*(choice for ranking in rankings for choice in ranking), *others], key=lambda choice: -choice.score)
    lead = best if best.score >= pool[0].score - AHEAD else pool[0]
    chosen = [lead, *(choice for choice in firsts if choice is not lead)]
    for role in question.roles if len(question.roles) > 1 else ():
        # Of roles side by side each is spoken of.
        own = next((choice for choice in pool if role in choice.claim.roles), None)
        chosen += [own] if own and not any(role in choice.claim.roles for choice in chosen) else []
    chosen += [choice for choice in pool if choice not in chosen and (choice.score >= lead.score - REACH or choice.likely)]
    rest = [choice for ranking in rankings for choice in ranking[: LEAST + 1] if choice not in chosen]
    return [*chosen, *rest[: max(0, LEAST + 1 - len(chosen))]][: points + 1]
