"""The shape of the knowledge, as pydantic models; ``knowledge.schema.json`` is generated from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, Extra, Field, PrivateAttr, constr

if TYPE_CHECKING:
    Id = str
    Text = str
    Name = str
    SourceId = str
    Url = str
else:
    Id = constr(regex=r"^[a-z][a-z0-9_]*$")
    Text = constr(strip_whitespace=True, min_length=2)
    Name = constr(strip_whitespace=True, min_length=1)
    SourceId = constr(regex=r"^[A-Z][A-Za-z0-9]*$")
    Url = constr(regex=r"^https?://\S+$")

MAX_LEAD_WORDS = 45
MAX_CELL_CHARS = 60
MAX_FACT_WORDS = 35

# How a thing is asked. "other" is what fits none.
Form = Literal[
    "what", "which", "how", "how_much", "how_long", "how_many", "when", "yes_no", "why", "worth_it", "choose", "experience", "other"
]

SubjectKind = Literal[
    "skill", "language", "tool", "activity", "level", "sector", "place", "background", "life_stage", "route", "resource", "variant",
    "market", "search", "interview", "pay", "work_life", "growth", "choice",
]  # fmt: skip


class Model(BaseModel):
    """A strict model: a key that is not known is an error, not a silent loss."""

    class Config:
        extra = Extra.forbid
        allow_mutation = False


class Source(Model):
    """Where a statement comes from."""

    title: Text
    publisher: Text
    year: int | None = Field(None, ge=1950, le=2100)
    url: Url | None = None
    note: str | None = None


class Statement(Model):
    """One sentence or phrase and the ids of the sources that carry it."""

    text: Text
    sources: list[str] = Field(..., min_items=1)


class Figure(Model):
    """One sourced number; ``value`` is a number or a ``[low, high]`` range in ``unit``."""

    label: Text
    value: float | tuple[float, float]
    unit: Text
    country: Text
    period: Text
    level: str = "all"
    kind: Literal["official", "private", "proxy", "survey"]
    sources: list[str] = Field(..., min_items=1)


class Entry(Model):
    """What is known of one topic of one role (or, as ``general``, of all roles)."""

    lead: Statement
    points: list[Statement] = Field(..., min_items=3, max_items=7)
    cell: Statement | None = None
    caveat: str | None = None
    figures: list[Figure] = []
    no_figure: str | None = None
    reviewed_on: date | None = None


class Role(Model):
    """A covered role: its names, and its answers by topic."""

    name: Text
    plural: Text
    short: Text
    field: Text
    aliases: list[Text] = Field(..., min_items=1)
    weak_aliases: list[Text] = []
    misspellings: list[Text] = []
    answers: dict[Id, Entry]


class Topic(Model):
    """A topic: how it is titled, asked, named, and what people ask next."""

    title: Text
    label: Text
    question: Text
    compare_question: Text
    general_question: Text | None = None
    aliases: list[Text] = []
    misspellings: list[Text] = []
    next: list[Id] = []
    general: Entry | None = None


class Amount(Model):
    """A number inside a fact; country and level are the fact's unless they are named here."""

    value: float | tuple[float, float]
    unit: Text
    period: Text
    country: str | None = None
    level: str | None = None


class Claim(Model):
    """What a fact and a gap share: a sentence that stands by itself as an answer, and the questions that it answers."""

    text: Text
    roles: list[Id] = []
    forms: list[Form] = Field(..., min_items=1)
    asks: list[Text] = Field(..., min_items=1)
    yes_no: dict[str, Text] = {}
    country: str | None = None
    level: Id | None = None


class Fact(Claim):
    """One sourced sentence about a subject.

    ``roles``: those it holds for; empty: all. ``asks``: questions in people's words that it answers straight away, without the
    name of a role. ``yes_no``: questions that it answers with yes or no, each with the opening words of that answer.
    ``reading``: our own reading of the sources, which may have none that says just this.
    """

    figures: list[Amount] = []
    strength: Literal["sound", "weak", "dated"] = "sound"
    reading: bool = False
    sources: list[str]
    reviewed_on: date | None = None


class Gap(Claim):
    """What people ask about a subject and no source says: the sentence that states it, with the nearest that there is."""


class Subject(Model):
    """A specific thing that people ask about, inside a topic or across topics: a tool, a level, a place, a background."""

    id: Id
    kind: SubjectKind
    name: Name
    question: Text
    role_question: Text | None = None
    topics: list[Id] = Field(..., min_items=1, max_items=3)
    aliases: list[Name] = Field(..., min_items=1)
    misspellings: list[Name] = []
    facts: list[Fact] = []
    gaps: list[Gap] = []

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The facts and, behind them, the gaps: a claim is named by its place among them."""
        return (*self.facts, *self.gaps)

    def roles_weighed(self) -> frozenset[str]:
        """The roles that it helps to choose between: all that it tells is of them, and its first claim of all of them; or none."""
        first, every = frozenset(self.claims[0].roles), {role for claim in self.claims for role in claim.roles}
        weighs = self.topics[0] == "choose" and len(first) > 1 and first == every and all(claim.roles for claim in self.claims)
        return frozenset(map(str, first)) if weighs else frozenset()

    def count_facts(self, roles: tuple[str, ...]) -> int:
        """How many facts hold for all of the roles."""
        return sum(1 for fact in self.facts if not fact.roles or set(roles) <= set(fact.roles))


class Comparison(Model):
    """The hand-written sentences for one set of roles: overall, and by topic."""

    roles: list[Id] = Field(..., min_items=2)
    lead: Statement
    topics: dict[Id, Statement] = {}


class OtherTitle(Model):
    """A job title that is recognised and not covered; ``kind_of`` names the role it is a special form of."""

    name: Text
    aliases: list[Text] = []
    nearest: Id | None = None
    kind_of: Id | None = None


class Country(Model):
    """A country that people name: its other names, and places in it, for which there are no figures of their own."""

    code: Text
    name: Text
    aliases: list[Text] = []
    places: list[Text] = []


class Level(Model):
    """A level of experience that people name."""

    id: Id
    name: Text
    aliases: list[Text] = []


class Reason(Statement):
    """Why an answer to the questionnaire speaks for a role, and how strongly: 1 a little, 2 clearly, 3 strongly."""

    weight: int = Field(..., ge=1, le=3)


class QuizOption(Model):
    """One answer that can be chosen; ``words`` let a typed one be matched to it."""

    id: Id
    title: Text
    words: list[Text] = Field(..., min_items=1)
    speaks_for: dict[Id, Reason]


class QuizQuestion(Model):
    """One question of the questionnaire. With "not sure" its options fill the four places of a card."""

    id: Id
    text: Text
    options: list[QuizOption] = Field(..., min_items=2, max_items=3)


class Questionnaire(Model):
    """The questionnaire "which role suits me?". The ids of its questions belong to slots in the domain (``suits_<id>``)."""

    intro: Text
    unsure: Text
    advice: Statement
    limits: Text
    questions: list[QuizQuestion] = Field(..., min_items=1)


class MenuLine(Model):
    """One line of "what can I ask?": its heading, and by topic the words that stand for it."""

    title: Text
    topics: dict[Id, Text]


class Wanted(Model):
    """A question that people ask and that has no answer yet: a note of the authors', never shown to anybody else."""

    question: Text
    asked: int = Field(1, ge=1)
    noted_on: date
    topic: Id | None = None
    roles: list[Id] = []
    sources: list[str] = []


class _LookedUp(NamedTuple):
    """What is asked of the subjects at every message, and the list that it was gathered from.

    Attributes:
        subjects: the list.
        by_id: each by its id.
        roles: the roles that claims name.
        choices: by the roles that it helps to choose between, the first subject that does.
        of_topics: what :meth:`Knowledge.subjects_of` found so far.
    """

    subjects: list[Subject]
    by_id: dict[str, Subject]
    roles: frozenset[str]
    choices: dict[frozenset[str], Subject]
    of_topics: dict[tuple[str, frozenset[str]], list[tuple[Subject, int]]]


class Knowledge(Model):
    """The whole knowledge file."""

    version: Literal[1]
    reviewed_on: date
    topics: dict[Id, Topic]
    roles: dict[Id, Role]
    comparisons: list[Comparison] = []
    sources: dict[SourceId, Source]
    other_titles: list[OtherTitle] = []
    companies: list[Text] = []
    companies_cased: list[Text] = []
    countries: list[Country] = []
    levels: list[Level] = []
    subjects: list[Subject] = []
    questionnaire: Questionnaire | None = None
    menu: list[MenuLine] = []
    wanted: list[Wanted] = []
    _gathered: _LookedUp | None = PrivateAttr(None)

    def _looked_up(self) -> _LookedUp:
        # A copy with other subjects takes the private attributes along.
        if self._gathered is None or self._gathered.subjects is not self.subjects:
            roles = {role for subject in self.subjects for claim in subject.claims for role in claim.roles}
            by_id = {str(subject.id): subject for subject in self.subjects}
            choices = {subject.roles_weighed(): subject for subject in reversed(self.subjects)}
            self._gathered = _LookedUp(self.subjects, by_id, frozenset(roles), choices, {})
        return self._gathered

    def comparison(self, roles: list[str]) -> Comparison | None:
        """The comparison written for exactly these roles, in any order, or None."""
        wanted = set(roles)
        return next((c for c in self.comparisons if set(c.roles) == wanted), None)

    def subject(self, identity: str) -> Subject | None:
        """The subject of this id, or None."""
        return self.subjects_by_id().get(identity)

    def subjects_by_id(self) -> Mapping[str, Subject]:
        """All subjects, each by its id."""
        return self._looked_up().by_id

    def choice_between(self, roles: Iterable[str]) -> Subject | None:
        """The subject that helps to choose between exactly these roles, or None."""
        wanted = frozenset(roles)
        return self._looked_up().choices.get(wanted) if wanted else None

    def subjects_of(self, topic: str, roles: tuple[str, ...]) -> Sequence[tuple[Subject, int]]:
        """The subjects of a topic and how many facts of each hold for all of the roles; foremost of the topic first, then most facts."""
        known, key = self._looked_up().of_topics, (topic, frozenset(roles))
        if key not in known:
            fitting = [(subject, subject.count_facts(roles)) for subject in self.subjects if topic in subject.topics]
            known[key] = sorted(fitting, key=lambda pair: (pair[0].topics[0] != topic, -pair[1]))
        return known[key]

    def roles_of_claims(self) -> frozenset[str]:
        """The roles that some fact or gap names: what is said of no role by name was found out of these."""
        return self._looked_up().roles

    def subject_named(self, name: str, kind: str) -> Subject | None:
        """The subject of a kind that has this name or alias, or None."""
        wanted = name.lower().replace("-", " ")
        return next(
            (
                subject
                for subject in self.subjects
                if subject.kind == kind and wanted in {str(alias).lower().replace("-", " ") for alias in (subject.name, *subject.aliases)}
            ),
            None,
        )

    def title_of_other(self, name: str) -> OtherTitle | None:
        """The other job title of this name, or None."""
        return next((t for t in self.other_titles if t.name == name), None)
