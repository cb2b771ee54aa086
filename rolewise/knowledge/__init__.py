"""The knowledge: its shape, its loader, the names it defines. Nothing here knows Rasa or a question."""

from rolewise.knowledge.loader import UNSURE, KnowledgeError, load, loads
from rolewise.knowledge.model import (
    Claim,
    Comparison,
    Entry,
    Fact,
    Figure,
    Gap,
    Knowledge,
    Questionnaire,
    QuizOption,
    QuizQuestion,
    Role,
    Source,
    Statement,
    Subject,
    Topic,
)

__all__ = [
    "UNSURE",
    "Claim",
    "Comparison",
    "Entry",
    "Fact",
    "Figure",
    "Gap",
    "Knowledge",
    "KnowledgeError",
    "Questionnaire",
    "QuizOption",
    "QuizQuestion",
    "Role",
    "Source",
    "Statement",
    "Subject",
    "Topic",
    "load",
    "loads",
]
