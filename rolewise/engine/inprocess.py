"""Custom actions inside the server's process: the same executor as the action server, without the HTTP hop."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

import fastjsonschema
import ujson
from rasa.core.actions.action import RemoteAction
from rasa.core.utils import AvailableEndpoints
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

from rolewise.settings import settings

PACKAGE = "actions"


class InProcessActions(EndpointConfig):
    """Stands where Rasa expects the address of the action server, and runs the actions here.

    Rasa calls one method of it, ``request``; the call goes through JSON as it would over HTTP, so that an action cannot change
    what the server holds.
    """

    def __init__(self, package: str = PACKAGE) -> None:
        """Load the actions of a package."""
        # An action gets the domain when domain.yml says so of it (send_domain), as Rasa documents it for action servers.
        super().__init__(url=f"inprocess://{package}", enable_selective_domain=True)
        self.executor = ActionExecutor()
        self.executor.register_package(package)

    async def request(
        self,
        method: str = "post",
        subpath: str | None = None,
        content_type: str | None = None,
        compress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Run one action. Raises ClientResponseError as the HTTP client does for a rejected or unknown action."""
        call = ujson.loads(ujson.dumps(kwargs["json"]))
        try:
            action = self.executor.actions.get(call["next_action"])
            if action is None or inspect.iscoroutinefunction(action):
                return await self.executor.run(call)
            return await asyncio.to_thread(asyncio.run, self.executor.run(call))
        except ActionExecutionRejection as rejection:
            detail = {"error": rejection.message, "action_name": rejection.action_name}
            raise ClientResponseError(400, "rejected", json.dumps(detail)) from rejection
        except ActionNotFoundException as missing:
            detail = {"error": missing.message, "action_name": missing.action_name}
            raise ClientResponseError(404, "not found", json.dumps(detail)) from missing


@functools.cache
def compile_response_validator() -> None:
    """Let Rasa check action responses with a validator that is compiled once, to Python functions.

    Rasa 3.6.21 checks its constant response schema against the metaschema at every action call, about 12 ms of the event loop.
    The schema stays the same. What does not fit goes to Rasa's own check, which says why, in its words.
    """
    checked = RemoteAction._validate_action_result
    fits = response_validator(RemoteAction.action_response_format_spec())

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        return fits(result) or bool(checked(self, result))

    RemoteAction._validate_action_result = validate


def response_validator(schema: dict[str, Any]) -> Callable[[Any], bool]:
    """Whether a response fits Rasa's schema; it may say no of one that does.

    The schema has an event fit one of more than twenty kinds, and not two. Each kind has a name of its own, so only that one has to be
    looked at.
    """
    event = schema["properties"]["events"]["items"]
    common = {name: rule for name, rule in event.items() if name != "oneOf"}
    kinds = {kind["properties"]["event"]["const"]: {**common, "allOf": [kind]} for kind in event["oneOf"]}
    if len(kinds) < len(event["oneOf"]):
        raise ValueError("two kinds of events have the same name")
    whole = fastjsonschema.compile({**schema, "properties": {**schema["properties"], "events": {"type": "array"}}})
    by_kind = {name: fastjsonschema.compile(kind) for name, kind in kinds.items()}

    def fits(result: Any) -> bool:
        try:
            whole(result)
            for one in result.get("events", ()):
                by_kind[one["event"]](one)
        except (fastjsonschema.JsonSchemaException, KeyError, TypeError):
            return False
        return True

    return fits


def with_actions(endpoints: AvailableEndpoints) -> AvailableEndpoints:
    """The endpoints, with the actions in this process unless the settings say ``http``."""
    compile_response_validator()
    if settings().actions == "inprocess":
        endpoints.action = InProcessActions()
    return endpoints
