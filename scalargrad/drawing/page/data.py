"""A walk as data for a page: its steps, texts and rows as plain lists and texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..select.graph import Graph
from ..select.survey import is_leaf
from ..words.answers import LEAST, NOISE
from ..words.rules import Quantity, Rule, spoken
from .live_graph import LIVE, LiveGraph, finite
from .steps import Step, Walk

#: so many inputs have a row with a slider
INPUTS = 100


@dataclass(frozen=True)
class Encoder:
    """Writes the numbers of a walk as indices of nodes in the live graph."""

    walk: Walk
    live_graph: LiveGraph
    digits: int

    def encode(self) -> dict[str, Any]:
        """Return all but the nodes, which are complete only after this."""
        graph, result = self.walk.graph, self.walk.result
        return {
            "name": self.walk.result_name,
            "result": result.value_keys[-1] if result is not None else "",
            "digits": self.digits,
            "least": LEAST,
            "noise": NOISE,
            "live": self.live_graph.live,
            "remark": self._remark(graph),
            "root": self.live_graph.index(graph.root),
            "upstream": finite(graph.gradients[graph.root]),
            "steps": [self._step(step) for step in self.walk.steps],
            "texts": {key: self._rule(rule) for key, rule in self.walk.texts().items()},
            "rows": self._rows(),
        }

    def _rule(self, rule: Rule) -> list[Any]:
        return [piece if isinstance(piece, str) else self._quantity(piece) for piece in rule]

    def _quantity(self, quantity: Quantity) -> list[Any]:
        """Return what a quantity is, and of which nodes; a plain number is a text for ever."""
        if quantity.kind == "plain":
            return ["plain", spoken((quantity,), self.digits)]
        if quantity.kind in ("data", "gradient"):
            return [quantity.kind, self.live_graph.index(quantity.edges[0][0])]
        edges = (
            entry for node, at in quantity.edges for entry in (self.live_graph.index(node), at)
        )
        return [quantity.kind, *edges]

    def _step(self, step: Step) -> dict[str, Any]:
        fields = {
            "side": step.side,
            "rules": [self._rule(rule) for rule in step.rules],
            "shows": step.shows,
            "reads": step.reads,
            "what": step.what,
            "lit": step.lit,
            "note": self._rule(step.note),
            "asks": self._quantity(step.asks) if step.asks is not None else None,
            "question": step.question,
            "flow": step.flow,
            "total": self._quantity(step.total) if step.total is not None else None,
            "left": step.left,
            "terms": self._rule(step.terms),
        }
        return {name: field for name, field in fields.items() if field}

    def _rows(self) -> list[dict[str, Any]]:
        """Return a row for every input, and for every value that has a name."""
        fixed = self.live_graph.why_fixed()
        rows: list[dict[str, Any]] = []
        inputs = 0
        for shown in self.walk.singles:
            node = shown.flow.value
            is_input = is_leaf(node)
            inputs += is_input
            name = shown.name or (self.walk.input_name(shown) if is_input else "")
            if shown is self.walk.result:
                name = self.walk.result_name
            if name and (not is_input or inputs <= INPUTS):
                rows.append(
                    {
                        "name": name,
                        "node": self.live_graph.index(node),
                        "about": shown.about,
                        "key": shown.value_keys[0],
                        "red": shown.red,
                        "input": is_input,
                        "fixed": fixed.get(id(node), ""),
                    }
                )
        return rows

    def _remark(self, graph: Graph) -> str:
        """Say which inputs have no slider."""
        if not self.live_graph.live:
            return f"Only a graph of at most {LIVE:,} nodes has sliders; this one is larger."
        remarks = []
        inputs = sum(is_leaf(shown.flow.value) for shown in self.walk.singles)
        if inputs > INPUTS:
            remarks.append(f"{inputs - INPUTS:,} more inputs have no slider.")
        if not any(vertex.is_leaf for vertex in graph.vertices):
            remarks.append("No input is in the picture, so there is no slider.")
        if any(vertex.named is not None for vertex in graph.vertices):
            remarks.append("Inputs that are drawn together have no slider.")
        return " ".join(remarks)
