"""Counts how many first messages get a reply that holds what answers them: `python bench/replies.py [--show]`.

The whole way, from the message to the card, where bench/fit_matching.py counts what the matcher finds. Readers said of each message which
sentences of the knowledge, and which topics' answers, answer it. bench/data/answers.jsonl may be read; tests/data/answers.jsonl is only
counted, so --show does not show it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.conversations import ANSWERS, held  # noqa: E402
from bench.labels import labelled  # noqa: E402
from rolewise import wording  # noqa: E402

READ, UNREAD = ROOT / "bench" / "data" / "answers.jsonl", ROOT / "tests" / "data" / "answers.jsonl"

Reply = dict[str, Any]


def says(label: dict[str, Any], texts: Sequence[str]) -> bool:
    """Whether some of the texts holds a sentence that answers a message."""
    return any(start in text for _, start in label["best"] for text in texts)


def is_of_topic(label: dict[str, Any], reply: Reply) -> bool:
    """Whether a reply is the answer as a whole of a topic that answers a message."""
    whole = (question for question in reply["questions"] if not question["subjects"])
    return reply["kind"] in ANSWERS and any(question["topic"] in label["topics"] for question in whole)


def leads(reply: Reply) -> list[str]:
    """What a card says first: its lead, or of several questions each answer behind its question."""
    card = reply["card"]
    titles = tuple(card["title"].split("; ")) if len(reply["questions"]) > 1 else ()
    return [card["lead"], *(point for point in card["points"] if titles and point.startswith(titles))]


def is_honest(reply: Reply) -> bool:
    """Whether a lead says that no source answers."""
    return any(wording.QUOTING in text for text in leads(reply))


def holds(label: dict[str, Any], reply: Reply) -> bool:
    """Whether a reply says anywhere what answers a message."""
    return says(label, [reply["card"]["lead"], *reply["card"]["points"]]) or is_of_topic(label, reply)


def offers(label: dict[str, Any], reply: Reply) -> bool:
    """Whether a reply that answers nothing offers a question to tap whose subject has what answers a message."""
    offered = {subject for question in reply["questions"] for subject in question["subjects"]}
    return reply["kind"] not in ANSWERS and any(subject in offered for subject, _ in label["best"])


def counted(labels: Sequence[dict[str, Any]], replies: Sequence[Reply]) -> dict[str, float]:
    """What the replies hold, in percent of the messages."""
    pairs = list(zip(labels, replies, strict=True))
    found = {
        "lead answers": [says(label, leads(reply)) or (is_of_topic(label, reply) and not is_honest(reply)) for label, reply in pairs],
        "reply holds what answers": [holds(label, reply) for label, reply in pairs],
        "something known would": [bool(label["best"] or label["topics"]) for label in labels],
        "lead says that none does": [is_honest(reply) for reply in replies],
        "not answered": [reply["kind"] not in ANSWERS for reply in replies],
        "not answered, but what answers is offered": [offers(*pair) for pair in pairs],
    }
    return {"messages": len(labels), **{name: round(100 * sum(marks) / len(marks), 1) for name, marks in found.items()}}


def replies_to(labels: Sequence[dict[str, Any]]) -> list[Reply]:
    """The reply to each message, each in a conversation of its own."""
    found = held([{"name": str(number), "turns": [{"say": label["text"]}]} for number, label in enumerate(labels)])
    return [found[str(number)][-1] for number in range(len(labels))]


def main() -> None:
    """Print the figures of both files side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="list the messages of the first file whose reply holds nothing that answers")
    options = parser.parse_args()
    for name, path in (("may be read", READ), ("only counted", UNREAD)):
        labels = labelled(path)
        replies = replies_to(labels)
        print(f"{name}: {counted(labels, replies)}")
        for label, reply in zip(labels, replies, strict=True) if options.show and path == READ else ():
            if (label["best"] or label["topics"]) and not holds(label, reply):
                print(f"{label['text']} -> {reply['card']['title']} | {reply['card']['lead']}")


if __name__ == "__main__":
    main()
