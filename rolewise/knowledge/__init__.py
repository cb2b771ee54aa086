"""The knowledge file: its shape, its loader, the names it defines. Nothing here knows Rasa or a question."""

from rolewise.knowledge.loader import KnowledgeError, load, loads
from rolewise.knowledge.model import Comparison, Entry, Figure, Knowledge, Role, Source, Statement, Topic

__all__ = [
    "Comparison",
    "Entry",
    "Figure",
    "Knowledge",
    "KnowledgeError",
    "Role",
    "Source",
    "Statement",
    "Topic",
    "load",
    "loads",
]
