"""The knowledge file: its shape, its loader, the names it defines. Nothing here knows Rasa or a question."""

from rolewise.knowledge.loader import UNSURE, KnowledgeError, load, loads
from rolewise.knowledge.model import (
    Comparison,
    Entry,
    Figure,
    Knowledge,
    Questionnaire,
    QuizOption,
    QuizQuestion,
    Role,
    Source,
    Statement,
    Topic,
)

__all__ = [
    "UNSURE",
    "Comparison",
    "Entry",
    "Figure",
    "Knowledge",
    "KnowledgeError",
    "Questionnaire",
    "QuizOption",
    "QuizQuestion",
    "Role",
    "Source",
    "Statement",
    "Topic",
    "load",
    "loads",
]
