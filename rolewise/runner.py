"""Runs a model's graph of components in an order that is planned once, where Rasa plans it anew for every message and prediction."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import GraphNode, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner


class PlannedRunner(DaskGraphRunner):
    """Rasa's runner with the same nodes and results, without Dask.

    It takes the nodes and the schema of a loaded runner; those two private names are what it knows of Rasa 3.6.21.
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
        wanted = tuple(targets or self._graph_schema.target_names)
        plan = self._plans.get(wanted)
        if plan is None:
            plan = self._plans.setdefault(wanted, self._plan(wanted))
        done: dict[str, tuple[str, Any]] = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, needs in plan:
            done[name] = self._instantiated_nodes[name](*(done.get(need, need) for need in needs))
        return dict(done[name] for name in wanted)

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
