"""The golden files of the Block Kit renderer: a card of each kind beside what Slack gets.

``python -m tests.render.golden`` writes them again. The cards are answers of the real assistant. The value of ``blocks`` can be
pasted into Slack's Block Kit Builder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rolewise.cards import Card
from rolewise.render.blocks import plain, render, summary

FOLDER = Path(__file__).parent / "slack"
KINDS = ("answer", "comparison", "clarify", "fallback")
TAG = "U024BE7LH|Ev0PV52K25"


def card(kind: str) -> Card:
    return Card(**json.loads((FOLDER / f"{kind}.card.json").read_text(encoding="utf-8")))


def rendered(kind: str) -> dict[str, Any]:
    return {"text": summary(card(kind)), "blocks": render(card(kind), TAG)}


def expected(kind: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8"))
    return loaded


def main() -> None:
    for kind in KINDS:
        text = json.dumps(rendered(kind), indent=2, ensure_ascii=False)
        (FOLDER / f"{kind}.json").write_text(f"{text}\n", encoding="utf-8")
        (FOLDER / f"{kind}.txt").write_text(f"{plain(card(kind))}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
