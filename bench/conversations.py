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
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
READ, UNREAD = ROOT / "bench" / "data" / "conversations.yml", ROOT / "tests" / "data" / "conversations.yml"
# Held by the tests, and learned from: they say what must stay, and are no measure.
GOLDEN = ROOT / "tests" / "conversation" / "dialogues.yml"
GOLDEN_OPEN = GOLDEN.with_name("dialogues_open.txt")
FIRST_READ, FIRST_UNREAD = ROOT / "bench" / "data" / "tuning.jsonl", ROOT / "tests" / "data" / "messages.jsonl"
# Writers were found in two rounds; the second was asked for people as they are: impatient, joking, holding the roles against each other.
ROUNDS = {"c": "first round", "d": "second round"}
# What is asked before a first message.
BEFORE = "what does a data scientist earn"
# The command beside the interpreter that runs this.
ROLEWISE = Path(sys.executable).with_name("rolewise")

# The kinds of a card that answers.
ANSWERS = ("answer", "comparison")

Turn = dict[str, Any]


def golden_open() -> set[str]:
    """The names of the golden dialogues that are known to fail."""
    lines = map(str.strip, GOLDEN_OPEN.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def several(value: Any) -> list[Any]:
    """What golden dialogues write as one, or as a list."""
    return value if isinstance(value, list) else [value]


def fits(wanted: Turn, got: Turn) -> bool:
    """Whether a question is one of those wanted."""
    return ("topic" not in wanted or got["topic"] in wanted["topic"]) and (
        "roles" not in wanted or set(wanted["roles"]) == set(got["roles"])
    )


def right(wanted: Turn, got: Turn) -> bool:
    """Whether a turn was understood."""
    if got["kind"] not in wanted["kind"]:
        return False
    if "questions" not in wanted or got["kind"] not in ANSWERS:
        return True
    return len(wanted["questions"]) == len(got["questions"]) and all(map(fits, wanted["questions"], got["questions"]))


def held(conversations: list[dict[str, Any]]) -> dict[str, list[Turn]]:
    """The replies to the turns of each conversation, by its name."""
    lines = [json.dumps({"id": one["name"], "turns": [str(turn["say"]) for turn in one["turns"]]}) for one in conversations]
    found = subprocess.run([ROLEWISE, "ask", "--jsonl"], input="\n".join(lines), text=True, capture_output=True, cwd=ROOT, check=True)
    return {reply["id"]: reply["turns"] for reply in map(json.loads, found.stdout.splitlines())}


def counted(path: Path, show: bool) -> dict[str, dict[str, float]]:
    """The shares of turns and of whole conversations that are understood, in percent, by the round in which they were written."""
    conversations = yaml.safe_load(path.read_text(encoding="utf-8"))
    replies = held(conversations)
    marks = {one["name"]: [right(*pair) for pair in zip(one["turns"], replies[one["name"]], strict=True)] for one in conversations}
    for one in conversations if show else ():
        for wanted, got, good in zip(one["turns"], replies[one["name"]], marks[one["name"]], strict=True):
            questions = [(question["topic"], question["roles"]) for question in got["questions"]]
            print(f"{one['name']}: {wanted['say']} -> {got['kind']} {questions}" if not good else "", end="\n" if not good else "")
    found = {}
    for first_letter, name in ROUNDS.items():
        mine = [marked for one, marked in marks.items() if one.startswith(first_letter)]
        turns, whole = [good for marked in mine for good in marked], [all(marked) for marked in mine]
        rates = {"right": round(100 * sum(turns) / len(turns), 1), "whole": round(100 * sum(whole) / len(whole), 1)}
        found[name] = {"conversations": len(mine), "turns": len(turns), **rates}
    return found


def first(path: Path) -> dict[str, dict[str, int]]:
    """What becomes of first messages alone and behind an answer.

    Of those for the assistant it is counted how many are answered in a topic that serves, of the others how many are answered at all.
    """
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    places: dict[str, list[str]] = {"alone": [], "behind an answer": [BEFORE]}
    replies = held(
        [
            {"name": f"{place} {number}", "turns": [{"say": say} for say in (*before, line["text"])]}
            for place, before in places.items()
            for number, line in enumerate(lines)
        ]
    )

    def counts(line: dict[str, Any], reply: Turn) -> bool:
        if line["in_scope"]:
            return any(question["topic"] in line["topics"] for question in reply["questions"])
        return reply["kind"] in ANSWERS

    found: dict[str, dict[str, int]] = {}
    for name, inside in (("for the assistant, answered in a topic that serves", True), ("not for it, but answered", False)):
        mine = [number for number, line in enumerate(lines) if line["in_scope"] == inside]
        numbers = {place: sum(counts(lines[number], replies[f"{place} {number}"][-1]) for number in mine) for place in places}
        found[name] = {"messages": len(mine), **numbers}
    return found


def main() -> None:
    """Print the figures of both files side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="list the turns of the first file that are not understood")
    options = parser.parse_args()
    for name, path, show in (("may be read", READ, options.show), ("only counted", UNREAD, False)):
        for round_, shares in counted(path, show).items():
            print(f"{name}, {round_}: {shares}")
    for name, path in (("may be read", FIRST_READ), ("only counted", FIRST_UNREAD)):
        for what, counts in first(path).items():
            print(f"first messages {what}; {name}: {counts}")


if __name__ == "__main__":
    main()
