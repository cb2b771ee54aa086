"""What makes ``rasa shell`` and ``rasa run`` work in a checkout by themselves. ``rolewise serve`` brings all of it itself."""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any
from urllib.parse import urlsplit

from rasa.core.actions.action import RemoteAction
from rasa.core.channels import console
from rasa.utils.endpoints import EndpointConfig

from rolewise.engine.inprocess import InProcessActions
from rolewise.settings import settings

# Seconds in which an action server has to take a connection.
REACHED = 1.0
PORTS = {"http": 80, "https": 443}


@functools.cache
def stand_in() -> None:
    """Run custom actions in this process where no action server can be reached, and let Ctrl-D end the shell of Rasa.

    The tracker store that endpoints.yml names calls it.
    """
    ends_with_its_input()
    if settings().actions != "inprocess":
        return
    run = RemoteAction.run

    async def run_somewhere(self: RemoteAction, *arguments: Any, **named: Any) -> Any:
        self.action_endpoint = await endpoint(self.action_endpoint)
        return await run(self, *arguments, **named)

    RemoteAction.run = run_somewhere


async def endpoint(named: EndpointConfig | None) -> EndpointConfig:
    """The action server that endpoints.yml names, where it takes connections; else the actions in this process."""
    if isinstance(named, InProcessActions):
        return named
    address = named.url if named is not None else ""
    if named is not None and await _reached(address):
        return named
    return _here(address)


@functools.cache
def _here(address: str) -> InProcessActions:
    """The actions in this process; once it is said that they are."""
    why = f"no action server answers at {address}" if address else "endpoints.yml names no action server"
    print(f"The actions run in this process: {why}.", file=sys.stderr, flush=True)
    return InProcessActions()


async def _reached(address: str) -> bool:
    parts = urlsplit(address)
    try:
        port = parts.port or PORTS[parts.scheme]
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), REACHED)
    except (OSError, KeyError, ValueError, asyncio.TimeoutError):
        return False
    writer.close()
    return True


@functools.cache
def ends_with_its_input() -> None:
    """Let the shell end where its input does: by Ctrl-D and Ctrl-C, Rasa's own ends in a trace and a server without a user."""
    ask = console._get_user_input

    async def ask_or_end(previous: Any) -> str | None:
        try:
            return await ask(previous)
        except (EOFError, KeyboardInterrupt):
            print()
            return None

    console._get_user_input = ask_or_end
