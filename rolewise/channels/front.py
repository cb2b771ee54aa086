"""What a server puts between its channels and the assistant: messages in the order they came, and the guard for Rasa's own channels."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage

from rolewise.channels import limits, report
from rolewise.channels.guard import admit
from rolewise.channels.limits import TooManyMessagesError
from rolewise.channels.output import WholeMessages
from rolewise.channels.turns import TurnMessage, apology, watched
from rolewise.engine.runner import parse_message
from rolewise.knowledge.registry import knowledge_for
from rolewise.settings import settings
from rolewise.stores.base import ConversationStore
from rolewise.stores.turns import CONFLICTS, ConflictError, Turn, current


class Front:
    """Stands where the channels expect the agent; everything but messages goes to the agent as it is.

    Understanding a message keeps the event loop busy. One message is understood at a time, and between two the loop looks after
    connections, timers and health checks; so a crowd of messages delays those, and each other's deadlines, by one message at most. In a
    crowd, and where the process may use a second core, that one makes the sentence vectors while the loop answers others.
    """

    def __init__(self, agent: Agent) -> None:
        """Stand before this agent."""
        self._agent = agent
        self._turnstile = asyncio.Lock()
        self._running = 0
        self._leaving: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        """Whatever else the agent has."""
        return getattr(self._agent, name)

    async def handle_message(self, message: UserMessage) -> Any:
        """Work on a message. One of a channel of Rasa's own passes the guard first, whatever the message says about itself."""
        if isinstance(message, TurnMessage):
            return await self._understood(message)
        began = time.perf_counter()
        # What the request says of its channel becomes a label of the metrics: only names of channels may.
        message.input_channel = message.output_channel.name() if message.output_channel else None
        try:
            limits.count_sender(message.sender_id)
        except TooManyMessagesError as error:
            report.refused("sender rate")
            return await _say(message, str(error))
        admitted = admit(message.text if isinstance(message.text, str) else "", knowledge_for(None), settings().max_chars)
        if admitted.refusal:
            report.refused("message")
            return await _say(message, admitted.refusal)
        message.text = admitted.text
        error_id = await watched(self._understood, message)
        if error_id:
            await _say(message, apology(error_id))
        report.turn(message, [], time.perf_counter() - began, error_id)
        return None

    async def _understood(self, message: UserMessage) -> Any:
        """Work on a message."""
        self._running += 1
        try:
            return await self._worked_on(message)
        finally:
            self._running -= 1

    async def _worked_on(self, message: UserMessage) -> Any:
        """With a store that has a book of turns a message is written down before it is worked on, and crossed out with its answer."""
        store = self._agent.tracker_store
        if not isinstance(store, ConversationStore):
            await self._parse(message)
            return await self._agent.handle_message(message)
        turn, well = Turn(message.sender_id, message.message_id), False
        try:
            await store.begin(turn, message.text or "", getattr(message, "title", ""))
            await self._parse(message)
            for again in range(CONFLICTS):
                try:
                    done = await self._answered(store, turn, message)
                    well = True
                    return done
                except ConflictError:
                    report.conflicted()
                    # What a channel has sent already cannot be taken back; what was only collected can.
                    if not isinstance(message.output_channel, WholeMessages) or again == CONFLICTS - 1:
                        raise
                    message.output_channel.messages.clear()
        finally:
            store.end(turn)
            if not well:
                # The apology does not wait for it, and it happens also where the turn was broken off.
                task = asyncio.get_running_loop().create_task(store.give_up(turn))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def _parse(self, message: UserMessage) -> None:
        assert self._agent.processor is not None
        async with self._turnstile:
            # Handing a message to another core and back is worth it only where somebody is waiting for this one.
            if beside := self._running > 1 and settings().cores > 1:
                message.parse_data = await parse_message(self._agent.processor, message)
            else:
                message.parse_data = await self._agent.processor.parse_message(message)
                # The next one in line waits for the loop to go round once.
                await asyncio.sleep(0)
        if beside:
            # The next one in line comes to its sentence vectors first: they are made while this one is answered.
            await asyncio.sleep(0)

    async def _answered(self, store: ConversationStore, turn: Turn, message: UserMessage) -> Any:
        """Answer a message with its conversation locked; one that was answered before gets that answer."""
        assert self._agent.processor is not None
        async with self._agent.lock_store.lock(turn.sender):
            given = await store.claim(turn)
            if given is not None:
                if isinstance(message.output_channel, WholeMessages):
                    message.output_channel.repeat(turn.sender, given)
                if isinstance(message, TurnMessage):
                    message.repeated = True
                return None
            reset = current.set(turn)
            try:
                done = await self._agent.processor.handle_message(message)
            finally:
                current.reset(reset)
        if isinstance(message, TurnMessage):
            message.cut_off = tuple(turn.cut_off)
        return done


async def _say(message: UserMessage, text: str) -> None:
    await message.output_channel.send_response(message.sender_id, {"text": text})
