"""The server: Rasa's public ``serve_application`` with the actions in this process; and `rasa shell` the same way."""

from __future__ import annotations

import asyncio
import time
import uuid
from asyncio import AbstractEventLoop, Task
from pathlib import Path

import rasa.core.run
from rasa.core.channels.channel import UserMessage
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.core.utils import AvailableEndpoints
from sanic import Sanic

from rolewise.channels import connections, report
from rolewise.channels.front import Front
from rolewise.channels.health import protect
from rolewise.channels.output import WholeMessages
from rolewise.engine.inprocess import with_actions
from rolewise.engine.kernels import SLOW, slow_kernel
from rolewise.engine.rasa_caching import settle, spare
from rolewise.engine.standalone import ends_with_its_input
from rolewise.settings import PROJECT_ROOT, settings
from rolewise.stores.base import ConversationStore
from rolewise.stores.leases import LeaseLockStore
from rolewise.stores.tracker_store import with_stores

# Enough to load and compile what is loaded and compiled at first use.
WARM_UP = ("What does a machine learning engineer do?", "and what do data scientists earn in London", "compare the two")


def endpoints() -> AvailableEndpoints:
    """The project's endpoints: stores checked, the actions in this process unless the settings say otherwise.

    Raises:
        StoreError: a store cannot be loaded.
    """
    return with_actions(with_stores(AvailableEndpoints.read_endpoints(str(PROJECT_ROOT / "endpoints.yml"))))


def serve(model: Path, began: float) -> None:
    """Serve the channels of credentials.yml until stopped.

    Args:
        model: the archive to answer with.
        began: when the start began, of the monotonic clock.

    Raises:
        StoreError: a store cannot be loaded.
        RuntimeError: the model cannot be loaded.
    """
    served = endpoints()
    kernel = slow_kernel()
    if kernel:
        print(SLOW.format(kernel=kernel), flush=True)
    print("Loading the model ...", flush=True)
    report.log_json()
    connections.install()
    rasa.core.run.serve_application(
        str(model),
        interface=settings().host,
        port=settings().port,
        credentials=str(PROJECT_ROOT / "credentials.yml"),
        endpoints=served,
        enable_api=False,
        server_listeners=[(Startup(served, began), "main_process_start")],
    )


class Startup:
    """What happens around Rasa's own start: the app is protected before it, the model warmed up after it, running turns end last."""

    def __init__(self, endpoints: AvailableEndpoints, began: float) -> None:
        """Serve with these endpoints; ``began`` is when the start began, of the monotonic clock."""
        self.endpoints = endpoints
        self.began = began
        self.watching: Task[None] | None = None

    def __call__(self, app: Sanic, loop: AbstractEventLoop) -> None:
        """Register everything; Rasa has registered the loading of its model already, so ours comes after it."""
        self.health = protect(app)
        app.register_listener(self.warm_up, "before_server_start")
        app.register_listener(self.announce, "after_server_start")
        app.register_listener(self.retire, "before_server_stop")
        app.register_listener(self.close, "after_server_stop")

    async def warm_up(self, app: Sanic, loop: AbstractEventLoop) -> None:
        """Answer some messages in a conversation that is kept nowhere, then let the channels in."""
        agent = app.ctx.agent
        if not agent.is_ready():
            raise RuntimeError("the model could not be loaded; the reason stands above")
        spare(agent)
        agent.tracker_store = agent.processor.tracker_store = InMemoryTrackerStore(agent.domain)
        for text in WARM_UP:
            await agent.handle_message(UserMessage(text, WholeMessages("rest"), "warm-up", input_channel="rest"))
        # Rasa wraps the store so that a failure turns into memory without a word; a turn that cannot be stored must fail instead.
        store = self.endpoints.tracker_store
        store.domain = agent.domain
        agent.tracker_store = agent.processor.tracker_store = store
        self.health.store, self.health.locks = store, self.endpoints.lock_store
        if isinstance(store, ConversationStore):
            self.watching = loop.create_task(store.watch())
        app.ctx.agent = Front(agent)
        settle()
        self.health.warm = True

    async def announce(self, app: Sanic, loop: AbstractEventLoop) -> None:
        """Say where it is, now that it answers."""
        report.log_json()
        seconds = time.monotonic() - self.began
        address = f"http://{settings().host}:{settings().port}"
        print(f"Serving on {address}/chat and {address}/webhooks/rest/webhook, ready after {seconds:.0f} s.", flush=True)

    async def retire(self, app: Sanic, loop: AbstractEventLoop) -> None:
        """No longer ready, but answering while whoever sends it work finds that out; then Sanic lets running turns end."""
        self.health.leave()
        await asyncio.sleep(settings().drain)

    async def close(self, app: Sanic, loop: AbstractEventLoop) -> None:
        """Let go of the stores."""
        if self.watching:
            self.watching.cancel()
        if isinstance(self.endpoints.lock_store, LeaseLockStore):
            await self.endpoints.lock_store.close()
        if isinstance(self.endpoints.tracker_store, ConversationStore):
            self.endpoints.tracker_store.close()


def shell(model: Path) -> None:
    """`rasa shell` with the actions available."""
    ends_with_its_input()
    rasa.core.run.serve_application(
        str(model),
        channel="cmdline",
        interface=settings().host,
        port=settings().port,
        endpoints=endpoints(),
        conversation_id=uuid.uuid4().hex,
        enable_api=False,
    )
