"""The shape of the knowledge file, as pydantic models; ``careers.schema.json`` is generated from them."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, Extra, Field, constr

Id = constr(regex=r"^[a-z][a-z0-9_]*$")
Text = constr(strip_whitespace=True, min_length=2)

MAX_LEAD_WORDS = 45
MAX_CELL_CHARS = 60


class Model(BaseModel):
    """A strict model: a key that is not known is an error, not a silent loss."""

    class Config:
        extra = Extra.forbid
        allow_mutation = False


class Source(Model):
    """Where a statement comes from."""

    title: Text  # type: ignore[valid-type]
    publisher: Text  # type: ignore[valid-type]
    year: int | None = Field(None, ge=1950, le=2100)
    url: constr(regex=r"^https?://\S+$") | None = None  # type: ignore[valid-type]
    note: str | None = None


class Statement(Model):
    """One sentence or phrase and the ids of the sources that carry it."""

    text: Text  # type: ignore[valid-type]
    sources: list[str] = Field(..., min_items=1)


class Figure(Model):
    """One sourced number; ``value`` is a number or a ``[low, high]`` range in ``unit``."""

    label: Text  # type: ignore[valid-type]
    value: float | tuple[float, float]
    unit: Text  # type: ignore[valid-type]
    country: Text  # type: ignore[valid-type]
    period: Text  # type: ignore[valid-type]
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

    name: Text  # type: ignore[valid-type]
    plural: Text  # type: ignore[valid-type]
    short: Text  # type: ignore[valid-type]
    field: Text  # type: ignore[valid-type]
    aliases: list[Text] = Field(..., min_items=1)  # type: ignore[valid-type]
    weak_aliases: list[Text] = []  # type: ignore[valid-type]
    misspellings: list[Text] = []  # type: ignore[valid-type]
    answers: dict[Id, Entry]  # type: ignore[valid-type]


class Topic(Model):
    """A topic: how it is titled, asked, named, and what people ask next."""

    title: Text  # type: ignore[valid-type]
    label: Text  # type: ignore[valid-type]
    question: Text  # type: ignore[valid-type]
    compare_question: Text  # type: ignore[valid-type]
    aliases: list[Text] = []  # type: ignore[valid-type]
    misspellings: list[Text] = []  # type: ignore[valid-type]
    next: list[Id] = []  # type: ignore[valid-type]
    general: Entry | None = None


class Comparison(Model):
    """The hand-written sentences for one set of roles: overall, and by topic."""

    roles: list[Id] = Field(..., min_items=2)  # type: ignore[valid-type]
    lead: Statement
    topics: dict[Id, Statement] = {}  # type: ignore[valid-type]


class OtherTitle(Model):
    """A job title that is recognised and not covered; ``kind_of`` names the role it is a special form of."""

    name: Text  # type: ignore[valid-type]
    aliases: list[Text] = []  # type: ignore[valid-type]
    nearest: Id | None = None  # type: ignore[valid-type]
    kind_of: Id | None = None  # type: ignore[valid-type]


class Country(Model):
    """A country that people name, with its cities and other names."""

    code: Text  # type: ignore[valid-type]
    name: Text  # type: ignore[valid-type]
    aliases: list[Text] = []  # type: ignore[valid-type]


class Level(Model):
    """A level of experience that people name."""

    id: Id  # type: ignore[valid-type]
    name: Text  # type: ignore[valid-type]
    aliases: list[Text] = []  # type: ignore[valid-type]


class Knowledge(Model):
    """The whole knowledge file."""

    version: Literal[1]
    reviewed_on: date
    topics: dict[Id, Topic]  # type: ignore[valid-type]
    roles: dict[Id, Role]  # type: ignore[valid-type]
    comparisons: list[Comparison] = []
    sources: dict[constr(regex=r"^[A-Z][A-Za-z0-9]*$"), Source]  # type: ignore[valid-type]
    other_titles: list[OtherTitle] = []
    companies: list[Text] = []  # type: ignore[valid-type]
    companies_cased: list[Text] = []  # type: ignore[valid-type]
    countries: list[Country] = []
    levels: list[Level] = []

    def comparison(self, roles: list[str]) -> Comparison | None:
        """The comparison written for exactly these roles, in any order, or None."""
        wanted = set(roles)
        return next((c for c in self.comparisons if set(c.roles) == wanted), None)

    def title_of_other(self, name: str) -> OtherTitle | None:
        """The other job title of this name, or None."""
        return next((t for t in self.other_titles if t.name == name), None)
