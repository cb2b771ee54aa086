"""Labelled messages, and how their labels name the sentences of the knowledge: by the subject and how the sentence starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rolewise.knowledge import Knowledge

# A sentence is named by so much of its text.
START = 60


def places(knowledge: Knowledge) -> dict[tuple[str, str], tuple[int, int]]:
    """Where the sentences stand, (subject, sentence) as the index numbers them, by the id of their subject and their start."""
    return {
        (str(subject.id), str(claim.text)[:START]): (number, place)
        for number, subject in enumerate(knowledge.subjects)
        for place, claim in enumerate(subject.claims)
    }


def labelled(path: Path) -> list[dict[str, Any]]:
    """The labelled messages of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
