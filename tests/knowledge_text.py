"""The knowledge files as the text of one file, for tests that break it somewhere."""

from __future__ import annotations

from rolewise.knowledge.files import SUBJECTS, files
from rolewise.settings import PROJECT_ROOT

KNOWLEDGE = PROJECT_ROOT / "knowledge"


def joined() -> str:
    """All files of the shipped knowledge one behind the other, the subjects last."""
    texts = [file.read_text(encoding="utf-8") for file in files(KNOWLEDGE)]
    heads = [text for text in texts if f"\n{SUBJECTS}:\n" not in text]
    subjects = [text.partition(f"\n{SUBJECTS}:\n")[2] for text in texts if f"\n{SUBJECTS}:\n" in text]
    # What has a version stands first, as in a file of one piece.
    return "\n".join([*sorted(heads, key=lambda text: "\nversion:" not in text), f"{SUBJECTS}:\n", *subjects])
