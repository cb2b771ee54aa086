"""How a server understands a message: in its event loop when it is alone, and beside it in a crowd."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from rolewise.channels.front import Front
from rolewise.channels.output import WholeMessages
from rolewise.channels.turns import TurnMessage
from rolewise.nlu.encoder import SentenceEncoder
from rolewise.settings import settings

TEXTS = ["what does a data scientist earn", "what tools do software engineers use", "do I need a degree to be an mle", "mle vs swe"]


def message(text: str, sender: str) -> TurnMessage:
    return TurnMessage(text, WholeMessages("rest"), sender, input_channel="rest")


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Where sentence vectors were made, in the order in which it began."""
    found: list[str] = []
    encode, encode_async = SentenceEncoder.encode, SentenceEncoder.encode_async

    def kept(self: SentenceEncoder, texts: list[str]) -> Any:
        found.append("loop")
        return encode(self, texts)

    async def freed(self: SentenceEncoder, texts: list[str]) -> Any:
        found.append("beside")
        return await encode_async(self, texts)

    monkeypatch.setattr(SentenceEncoder, "encode", kept)
    monkeypatch.setattr(SentenceEncoder, "encode_async", freed)
    yield found
    settings.cache_clear()


@pytest.mark.parametrize(("cores", "crowd"), [("2", "beside"), ("1", "loop")])
def test_a_crowd_is_understood_beside_the_loop_where_there_is_a_core_for_it(
    asker: Any, used: list[str], monkeypatch: pytest.MonkeyPatch, cores: str, crowd: str
) -> None:
    monkeypatch.setenv("ROLEWISE_CORES", cores)
    settings.cache_clear()
    front = Front(asker.asker.agent)

    async def together() -> list[str]:
        messages = [message(text, f"{cores}-{number}") for number, text in enumerate(TEXTS)]
        await asyncio.gather(*map(front.handle_message, messages))
        return [one.output_channel.messages[0]["text"] for one in messages]

    async def alone(text: str, sender: str) -> str:
        one = message(text, sender)
        await front.handle_message(one)
        return str(one.output_channel.messages[0]["text"])

    answers = asker.run(together())
    assert used.count(crowd) >= len(TEXTS) - 1
    used.clear()
    assert answers == [asker.run(alone(text, f"{cores}-alone-{number}")) for number, text in enumerate(TEXTS)]
    assert used == ["loop"] * len(TEXTS)


def test_who_leaves_while_being_understood_holds_up_nobody(asker: Any) -> None:
    front = Front(asker.asker.agent)

    async def leave() -> None:
        gone = [asyncio.create_task(front.handle_message(message(TEXTS[0], f"gone-{number}"))) for number in range(3)]
        stays = message(TEXTS[1], "stays")
        staying = asyncio.create_task(front.handle_message(stays))
        for task in gone:
            await asyncio.sleep(0.001)
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        await staying
        assert "software engineer" in stays.output_channel.messages[0]["text"].lower()
        assert front._running == 0

    asker.run(leave())
