"""Conversations that stand in the documents as output of `rolewise ask`; `python -m tests.transcripts` writes them anew."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rolewise.settings import PROJECT_ROOT

DOCUMENTS = (PROJECT_ROOT / "README.md", PROJECT_ROOT / "docs" / "tutorial.md")
BLOCK = re.compile(r"(?<=<!-- transcript -->\n```\n)> .*?(?=^```$)", re.DOTALL | re.MULTILINE)
QUESTION = re.compile(r"^> (.*)\n", re.MULTILINE)
# A paragraph in round brackets stands for those that are left out.
LEFT_OUT = re.compile(r"\(.*\)")


def turns(shown: str) -> list[tuple[str, str]]:
    """(question, answer) of a block."""
    _, *parts = QUESTION.split(shown)
    return [(question, answer.strip("\n")) for question, answer in zip(parts[::2], parts[1::2], strict=True)]


def shortened(shown: str, answer: str) -> str:
    """An answer as a document shows it: whole, or with the same paragraphs left out."""
    paragraphs, real = shown.split("\n\n"), answer.strip("\n").split("\n\n")
    at = next((index for index, paragraph in enumerate(paragraphs) if LEFT_OUT.fullmatch(paragraph)), None)
    if at is None:
        return "\n\n".join(real)
    after = len(paragraphs) - at - 1
    return "\n\n".join([*real[:at], paragraphs[at], *(real[-after:] if after else [])])


def renewed(shown: str, hold: Callable[[list[str]], Iterable[str]]) -> str:
    """A block with the answers of today; ``hold`` gives those of a conversation's messages."""
    said = turns(shown)
    answers = hold([question for question, _ in said])
    parts = [f"> {question}\n\n{shortened(old, new)}\n" for (question, old), new in zip(said, answers, strict=True)]
    return "\n".join(parts)


def blocks(path: Path) -> Iterator[str]:
    """The conversations in a document."""
    yield from BLOCK.findall(path.read_text(encoding="utf-8"))


def typed(messages: list[str]) -> list[str]:
    """The answers of the command."""
    command = Path(sys.executable).parent / "rolewise"
    run = subprocess.run([str(command), "ask"], input="\n".join(messages) + "\n", capture_output=True, text=True, check=True)
    return [answer for _, answer in turns(run.stdout)]


def main() -> None:
    """Write the conversations of the documents anew."""
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        path.write_text(BLOCK.sub(lambda match: renewed(match.group(), typed), text), encoding="utf-8")


if __name__ == "__main__":
    main()
