"""The server: Rasa's public ``serve_application`` with the actions in this process; and `rasa shell` the same way."""

from __future__ import annotations

import uuid

import rasa.core.run
from rasa.core.utils import AvailableEndpoints

from rolewise.inprocess import with_actions
from rolewise.settings import PROJECT_ROOT, settings
from rolewise.train import train


def endpoints() -> AvailableEndpoints:
    """The project's endpoints, with the actions in this process unless the settings say otherwise."""
    return with_actions(AvailableEndpoints.read_endpoints(str(PROJECT_ROOT / "endpoints.yml")))


def serve() -> None:
    """Train if need be, then serve the channels of credentials.yml until stopped."""
    model = train()
    print(f"Serving on http://{settings().host}:{settings().port} (POST /webhooks/rest/webhook).", flush=True)
    rasa.core.run.serve_application(
        str(model),
        interface=settings().host,
        port=settings().port,
        credentials=str(PROJECT_ROOT / "credentials.yml"),
        endpoints=endpoints(),
        enable_api=False,
    )


def shell() -> None:
    """`rasa shell` with the actions available."""
    model = train()
    rasa.core.run.serve_application(
        str(model),
        channel="cmdline",
        interface=settings().host,
        port=settings().port,
        endpoints=endpoints(),
        conversation_id=uuid.uuid4().hex,
        enable_api=False,
    )
