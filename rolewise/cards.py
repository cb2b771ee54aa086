"""The card: one neutral object for an answer, the same for every channel. How it looks is not decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Extra

MAX_SUGGESTIONS = 4

Kind = Literal["answer", "comparison", "clarify", "fallback", "menu", "smalltalk", "error"]


class CardModel(BaseModel):
    """A strict part of a card."""

    class Config:
        extra = Extra.forbid


class CardQuestion(CardModel):
    """What was answered or offered."""

    topic: str
    roles: list[str]
    aspect: str | None = None
    subjects: list[str] = []
    form: str | None = None


class CardTable(CardModel):
    """A table; each row has as many cells as there are columns, the first cell names the row."""

    caption: str
    columns: list[str]
    rows: list[list[str]]


class CardFigure(CardModel):
    """A figure to draw: a range from the 10th to the 90th percentile about its median, or ``middle`` alone; without numbers there is none.

    Figures of one unit, country and period are drawn beside each other.
    """

    label: str
    unit: str
    low: float | None = None
    middle: float | None = None
    high: float | None = None
    country: str
    period: str
    official: bool


class CardSource(CardModel):
    """A source as shown to a person."""

    id: str
    title: str
    publisher: str
    year: int | None = None
    url: str | None = None


class Suggestion(CardModel):
    """Something to tap: its title, and the message that tapping sends."""

    title: str
    payload: str


class Card(CardModel):
    """An answer, version 1; the JSON Schema is ``rolewise/card.schema.json``."""

    version: Literal[1] = 1
    kind: Kind
    answer_id: str
    questions: list[CardQuestion] = []
    title: str
    lead: str
    points: list[str] = []
    table: CardTable | None = None
    caveat: str | None = None
    figures: list[CardFigure] = []
    sources: list[CardSource] = []
    suggestions: list[Suggestion] = []

    def dict(self, **options: Any) -> dict[str, Any]:
        """As plain data; a card without figures has no such field, as it had none before there were figures."""
        return super().dict(**self._without_nothing(options))

    def json(self, **options: Any) -> str:
        """As JSON, likewise."""
        return super().json(**self._without_nothing(options))

    def _without_nothing(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return options if self.figures else {**options, "exclude": {*(options.get("exclude") or ()), "figures"}}
