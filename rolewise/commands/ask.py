"""The batch interface: questions in, answers out, through the same model, policies and actions as the server, in one process."""

from __future__ import annotations

import asyncio
import codecs
import json
import logging
import re
import uuid
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from rasa.core.agent import Agent, load_agent
from rasa.core.channels.channel import UserMessage
from rasa.core.utils import AvailableEndpoints
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.core.events import UserUttered

from rolewise import wording
from rolewise.cards import Card
from rolewise.channels.conversations import remove, stores
from rolewise.channels.guard import admit
from rolewise.channels.output import WholeMessages
from rolewise.control import strip_control
from rolewise.engine.inprocess import with_actions
from rolewise.engine.rasa_caching import spare
from rolewise.knowledge.registry import knowledge_for
from rolewise.render import text as text_renderer
from rolewise.settings import PROJECT_ROOT, settings

logger = logging.getLogger(__name__)

CHANNEL = "ask"
# A byte order mark of UTF-16, and then a character of ASCII: bytes that only begin like it are no text at all.
UTF_16 = re.compile(rb"\xff\xfe[^\x00]\x00|\xfe\xff\x00[^\x00]", re.DOTALL)


class Asker:
    """Holds a loaded model and answers conversations with it; trackers live in memory and are dropped after each."""

    def __init__(self, agent: Agent) -> None:
        """Ask this agent."""
        self.agent = agent

    @classmethod
    async def load(cls, model: Path | None = None) -> Asker:
        """Load a model.

        Args:
            model: an archive or a directory of them; None takes the newest of the models directory.

        Raises:
            FileNotFoundError: there is no model.
        """
        path = model or settings().models
        if not path.exists():
            raise FileNotFoundError(f"there is no model at {path}: run 'make train'")
        agent = await load_agent(model_path=str(path), endpoints=with_actions(_endpoints()))
        if not agent.is_ready():
            raise FileNotFoundError(f"there is no usable model at {path}: run 'make train'")
        spare(agent)
        return cls(agent)

    async def conversation(self, turns: Iterable[str]) -> list[dict[str, Any]]:
        """Answer the turns of one conversation, in order."""
        sender = f"ask-{uuid.uuid4().hex}"
        answers = [await self.turn(sender, text) for text in turns]
        if self.agent.tracker_store is not None:
            for store in stores(self.agent.tracker_store):
                remove(store, sender)
        return answers

    async def turn(self, sender: str, text: str) -> dict[str, Any]:
        """Answer one message of a conversation; a failure is an answer of kind ``error``."""
        admitted = admit(text, knowledge_for(None), settings().max_chars)
        if admitted.refusal:
            return _turn(text, None, 0.0, Card(kind="fallback", answer_id="refused", title="", lead=admitted.refusal))
        collector = WholeMessages(CHANNEL)
        intent, confidence = None, 0.0
        try:
            await self.agent.handle_message(UserMessage(admitted.text, collector, sender, input_channel=CHANNEL))
            tracker = await self.agent.tracker_store.retrieve(sender)
            # Not tracker.latest_message: replayed, Rasa leaves out what a form has answered.
            said = next((event for event in reversed(tracker.events) if isinstance(event, UserUttered)), None) if tracker else None
            if said is not None:
                parse = said.parse_data or {}
                best = next(iter(parse.get("intent_ranking") or []), None) or parse.get("intent") or {}
                # Without a word there is no guess, and Rasa's name for that is none either.
                intent = None if best.get("name") == DEFAULT_NLU_FALLBACK_INTENT_NAME else best.get("name")
                confidence = float(best.get("confidence") or 0.0)
            item = collector.messages[-1]
            return _turn(text, intent, confidence, Card.parse_obj(item["custom"]["card"]), item["text"])
        except Exception:
            logger.exception("A turn failed.")
            return _turn(text, intent, confidence, Card(kind="error", answer_id="error", title="", lead=wording.FAILED))


def _endpoints() -> AvailableEndpoints:
    """No stores: a batch keeps its conversations in memory. The action server's address counts only with ROLEWISE_ACTIONS=http."""
    found = AvailableEndpoints.read_endpoints(str(PROJECT_ROOT / "endpoints.yml"))
    return AvailableEndpoints(action=found.action)


def _turn(text: str, intent: str | None, confidence: float, card: Card, answer: str | None = None) -> dict[str, Any]:
    return {
        "text": text,
        "intent": intent,
        "confidence": round(confidence, 4),
        "kind": card.kind,
        "questions": [question.dict() for question in card.questions],
        "answer": answer if answer is not None else text_renderer.render(card),
        "card": card.dict(),
    }


def conversations(lines: Iterable[bytes]) -> Iterator[tuple[Any, list[str] | str]]:
    """Read JSON lines: the id and the turns of each, or the id and what is wrong with the line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        identity: Any = None
        try:
            data = json.loads(line.decode("utf-8"))
            if not isinstance(data, dict):
                raise ValueError("a line must be a JSON object")
            identity = data.get("id")
            turns = data.get("turns", [data["text"]] if "text" in data else None)
            if not isinstance(turns, list) or not turns or not all(isinstance(turn, str) for turn in turns):
                raise ValueError("'turns' must be a list of texts, or 'text' a text")
            yield identity, turns
        except (ValueError, RecursionError) as error:
            yield identity, f"line {number}: {error}"


def lines(source: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file or a pipe as UTF-8, without byte order marks: those at the heads of files that were put together, too.

    What begins with the mark of UTF-16, as shells of Windows write it, is read as that, and whole.
    """
    source = iter(source)
    first = next(source, b"")
    if UTF_16.match(first):
        whole = b"".join([first, *source]).decode("utf-16", "replace")
        source = (line.encode("utf-8", "replace") for line in whole.split("\n"))
        first = next(source, b"")
    for line in chain([first], source):
        yield line.removeprefix(codecs.BOM_UTF8)


async def run(source: BinaryIO, target: TextIO, jsonl: bool, model: Path | None = None) -> int:
    """Answer everything in ``source``; returns the exit status: 1 when a line could not be read."""
    asker = await Asker.load(model)
    failed = False
    if not jsonl:
        sender = f"ask-{uuid.uuid4().hex}"
        for line in lines(source):
            text = line.decode("utf-8", "replace").strip()
            if text:
                answer = await asker.turn(sender, text)
                target.write(f"> {strip_control(text)}\n\n{answer['answer']}\n\n")
                target.flush()
        return 0
    for identity, turns in conversations(lines(source)):
        if isinstance(turns, str):
            failed = True
            result: dict[str, Any] = {"id": identity, "error": turns}
        else:
            result = {"id": identity, "turns": await asker.conversation(turns)}
        written = json.dumps(result, ensure_ascii=False)
        # Half a surrogate pair cannot be written as UTF-8; it goes out as it came in, escaped.
        target.write((written if _writable(written) else json.dumps(result)) + "\n")
        target.flush()
    return 1 if failed else 0


def _writable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def main(source: BinaryIO, target: TextIO, jsonl: bool, model: Path | None) -> int:
    """Run the batch interface to its end."""
    return asyncio.run(run(source, target, jsonl, model))
