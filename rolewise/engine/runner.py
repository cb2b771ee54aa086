"""Runs a model's graph of components in an order that is planned once, where Rasa plans it anew for every message and prediction."""

from __future__ import annotations

import copy
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.graph import GraphNode, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.runner.interface import GraphRunner
from rasa.shared.core.trackers import DialogueStateTracker


class PlannedRunner(DaskGraphRunner):
    """Rasa's runner with the same nodes and results, without Dask.

    It takes the nodes, the schema and the context of a loaded runner, and asks a node for its component; those four private names are
    what it knows of Rasa 3.6.21.
    """

    def __init__(self, loaded: DaskGraphRunner) -> None:
        """Take over the nodes of a runner whose model is loaded."""
        self._graph_schema: GraphSchema = loaded._graph_schema
        self._instantiated_nodes: dict[str, GraphNode] = loaded._instantiated_nodes
        self._execution_context = loaded._execution_context
        self._plans: dict[tuple[str, ...], list[tuple[str, list[str]]]] = {}

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """Run what the targets need; returns the output of each target by its name.

        Raises:
            GraphRunError: a node lacks an input.
        """
        wanted, plan, done = self._begin(inputs, targets)
        for name, needs in plan:
            done[name] = self._instantiated_nodes[name](*(done.get(need, need) for need in needs))
        return dict(done[name] for name in wanted)

    async def run_async(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """As :meth:`run`; a component with a coroutine ``ahead`` has it awaited, with what it is about to get, before it runs."""
        wanted, plan, done = self._begin(inputs, targets)
        for name, needs in plan:
            node = self._instantiated_nodes[name]
            ahead = getattr(node._component, "ahead", None)
            if ahead is not None:
                await ahead(*(done[need][1] for need in needs))
            done[name] = node(*(done.get(need, need) for need in needs))
        return dict(done[name] for name in wanted)

    def _begin(
        self, inputs: dict[str, Any] | None, targets: list[str] | None
    ) -> tuple[tuple[str, ...], list[tuple[str, list[str]]], dict[str, tuple[str, Any]]]:
        """The targets, the plan for them, and what is there before the first node."""
        wanted = tuple(targets or self._graph_schema.target_names)
        plan = self._plans.get(wanted)
        if plan is None:
            plan = self._plans.setdefault(wanted, self._plan(wanted))
        return wanted, plan, {name: (name, value) for name, value in (inputs or {}).items()}

    def _plan(self, targets: tuple[str, ...]) -> list[tuple[str, list[str]]]:
        """The nodes that the targets need, each after those it needs itself."""
        nodes = self._graph_schema.minimal_graph_schema(list(targets)).nodes
        plan: dict[str, list[str]] = {}

        def visit(name: str) -> None:
            if name in plan or name not in nodes:
                return
            needs = list(nodes[name].needs.values())
            for need in needs:
                visit(need)
            plan[name] = needs

        for target in targets:
            visit(target)
        return list(plan.items())


class _Found(GraphRunner):
    """Says what was found already."""

    def __init__(self, results: dict[str, Any]) -> None:
        self._results = results

    @classmethod
    def create(cls, *arguments: Any, **named: Any) -> GraphRunner:
        raise NotImplementedError

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        return self._results


async def parse_message(processor: MessageProcessor, message: UserMessage) -> dict[str, Any]:
    """What ``processor.parse_message`` says of a message, with the event loop free for others while a component lets it."""
    runner, target = processor.graph_runner, processor.model_metadata.nlu_target
    if processor.http_interpreter or not isinstance(runner, PlannedRunner) or not target:
        return dict(await processor.parse_message(message))
    tracker = DialogueStateTracker.from_events(message.sender_id, [])
    found = await runner.run_async({PLACEHOLDER_MESSAGE: [message], PLACEHOLDER_TRACKER: tracker}, [target])
    # Rasa makes its own of the results, and asks nothing but the runner for them.
    with_results = copy.copy(processor)
    with_results.graph_runner = _Found(found)
    return dict(await with_results.parse_message(message, tracker))
