"""Counts how many turns of conversations by independent writers are understood: `python bench/conversations.py [--show]`.

bench/data/conversations.yml may be read; tests/data/conversations.yml is only counted, so --show does not show it. So also of first
messages, which mean the same wherever they stand: how many are answered in a topic that serves, and of those that are not for the assistant
how many are answered, each alone and behind an answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
READ, UNREAD = ROOT / "bench" / "data" / "conversations.yml", ROOT / "tests" / "data" / "conversations.yml"
FIRST_READ, FIRST_UNREAD = ROOT / "bench" / "data" / "tuning.jsonl", ROOT / "tests" / "data" / "messages.jsonl"
# What is asked before a first message.
BEFORE = "what does a data scientist earn"
# The command beside the interpreter that runs this.
ROLEWISE = Path(sys.executable).with_name("rolewise")

Turn = dict[str, Any]


def fits(wanted: Turn, got: Turn) -> bool:
    """Whether a question is one of those wanted."""
    return ("topic" not in wanted or got["topic"] in wanted["topic"]) and (
        "roles" not in wanted or set(wanted["roles"]) == set(got["roles"])
    )


def right(wanted: Turn, got: Turn) -> bool:
    """Whether a turn was understood."""
    if got["kind"] not in wanted["kind"]:
        return False
    if "questions" not in wanted or got["kind"] not in ("answer", "comparison"):
        return True
    return len(wanted["questions"]) == len(got["questions"]) and all(map(fits, wanted["questions"], got["questions"]))


def held(conversations: list[dict[str, Any]]) -> dict[str, list[Turn]]:
    """The replies to the turns of each conversation, by its name."""
    lines = [json.dumps({"id": one["name"], "turns": [str(turn["say"]) for turn in one["turns"]]}) for one in conversations]
    found = subprocess.run([ROLEWISE, "ask", "--jsonl"], input="\n".join(lines), text=True, capture_output=True, cwd=ROOT, check=True)
    return {reply["id"]: reply["turns"] for reply in map(json.loads, found.stdout.splitlines())}


def counted(path: Path, show: bool) -> dict[str, float]:
    """The shares of turns and of whole conversations that are understood, in percent."""
    conversations = yaml.safe_load(path.read_text(encoding="utf-8"))
    replies = held(conversations)
    marks = {one["name"]: [right(*pair) for pair in zip(one["turns"], replies[one["name"]], strict=True)] for one in conversations}
    for one in conversations if show else ():
        for wanted, got, good in zip(one["turns"], replies[one["name"]], marks[one["name"]], strict=True):
            questions = [(question["topic"], question["roles"]) for question in got["questions"]]
            print(f"{one['name']}: {wanted['say']} -> {got['kind']} {questions}" if not good else "", end="\n" if not good else "")
    turns = [good for marked in marks.values() for good in marked]
    whole = [all(marked) for marked in marks.values()]
    return {"turns": len(turns), "right": round(100 * sum(turns) / len(turns), 1), "whole": round(100 * sum(whole) / len(whole), 1)}


def inside(path: Path) -> dict[str, int]:
    """How many first messages for the assistant are answered in a topic that serves, alone and behind an answer."""

    def serves(line: dict[str, Any], reply: Turn) -> bool:
        return any(question["topic"] in line["topics"] for question in reply["questions"])

    return _alone_and_behind([line for line in _first(path) if line["in_scope"]], serves)


def outside(path: Path) -> dict[str, int]:
    """How many messages that are not for the assistant are answered, alone and behind an answer."""
    return _alone_and_behind(
        [line for line in _first(path) if not line["in_scope"]], lambda _, reply: reply["kind"] in ("answer", "comparison")
    )


def _first(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _alone_and_behind(lines: list[dict[str, Any]], counts: Callable[[dict[str, Any], Turn], bool]) -> dict[str, int]:
    found = {"messages": len(lines)}
    for name, before in (("alone", []), ("behind an answer", [BEFORE])):
        asked = [{"name": str(number), "turns": [{"say": say} for say in (*before, line["text"])]} for number, line in enumerate(lines)]
        found[name] = sum(counts(line, turns[-1]) for line, turns in zip(lines, held(asked).values(), strict=True))
    return found


def main() -> None:
    """Print the figures of both files side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="list the turns of the first file that are not understood")
    options = parser.parse_args()
    print(f"may be read: {counted(READ, options.show)}")
    print(f"only counted: {counted(UNREAD, False)}")
    print(f"first messages, answered in a topic that serves; may be read: {inside(FIRST_READ)}")
    print(f"first messages, answered in a topic that serves; only counted: {inside(FIRST_UNREAD)}")
    print(f"not for the assistant, but answered; may be read: {outside(FIRST_READ)}")
    print(f"not for the assistant, but answered; only counted: {outside(FIRST_UNREAD)}")


if __name__ == "__main__":
    main()
