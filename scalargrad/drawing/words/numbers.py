"""The texts of a picture in numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..select.graph import Constant, Flow, Graph, Use
from ..select.survey import is_leaf
from . import text
from .cancelling import ZERO, LeftOver, left_over
from .inventing import free_loss
from .pieces import beside, equation, typeset
from .wording import Labels
from .writing import derivative


class Numbers:
    """Values above the arrows, gradients below; names and shapes where several go together."""

    def __init__(
        self,
        graph: Graph,
        *,
        digits: int,
        gradients: bool,
        loss: str = "L",
        constants: Collection[int] = frozenset(),
        elements: Mapping[int, str] | None = None,
        marks: bool = True,
    ) -> None:
        self.graph = graph
        self.digits = digits
        labels = [text.harmless(node.label) for node in graph.survey.nodes if node.label]
        mine = {text.harmless(result.label) for result in graph.results}
        self.loss: str = free_loss(text.harmless(loss), [one for one in labels if one not in mine])
        self.red: bool = bool(gradients and graph.gradients)
        self.constants = constants
        self.elements: Mapping[int, str] = elements or {}
        self.left_over: LeftOver = left_over(graph) if marks else frozenset()

    def number(self, value: float) -> str:
        """Return a number as this picture shows it."""
        return text.number(value, self.digits)

    def value(self, flow: Flow) -> str:
        """Return the value of a flow; where its terms cancel, a marked 0."""
        if ("forward", id(flow)) in self.left_over:
            return ZERO
        return self.number(flow.value.data)

    def is_red(self, flow: Flow) -> bool:
        """Tell whether something flows back here."""
        return self.red and any(id(value) not in self.constants for value in flow.values)

    def flow(self, flow: Flow) -> Labels:
        """Return value and gradient of what comes out; an interior name once, before its value."""
        if flow.named is not None:
            return self.bundle(flow)
        node = flow.value
        value = self.value(flow)
        if node.label and not is_leaf(node) and not self.graph.is_result(node):
            value = equation(text.harmless(node.label), value)
        if not self.is_red(flow):
            return Labels(value, None)
        return Labels(value, self._back(flow, self.graph.gradients[node]))

    def use(self, use: Use) -> Labels:
        """Return the value, and the part of the gradient that comes back here."""
        if use.flow.named is not None:
            return self.bundle(use.flow, part=True)
        back = use.backward if self.red else None
        return Labels(self.value(use.flow), None if back is None else self._back(use, back))

    def _back(self, place: Flow | Use, number: float) -> str:
        """Return what comes back; where its terms cancel, a marked 0."""
        return ZERO if ("backward", id(place)) in self.left_over else self.number(number)

    def bundle(self, flow: Flow, *, part: bool = False) -> Labels:
        """Return name and shape, of a leaf only the shape: its name stands before the arrow.

        What comes back along one of several arrows is a part of the gradient and has no name.
        """
        assert flow.named is not None
        name, shape = text.harmless(flow.named.name), text.harmless(flow.named.shape)
        forward = shape if flow.source.is_leaf or not name else beside(typeset(name), f" {shape}")
        whole = name and not (part and len(flow.uses) > 1)
        gradient = derivative(f"∂{self.loss}/∂{text.whole(name)}")
        backward = beside(gradient, f" {shape}") if whole else shape
        return Labels(forward, backward if self.is_red(flow) else None)

    def constant(self, constant: Constant) -> str:
        """Return a plain number, or the shape of several."""
        if constant.named is not None:
            return text.harmless(constant.named.shape)
        return self.number(constant.value)

    def name(self, flow: Flow) -> str:
        """Return the name of a leaf or of a bundle of them."""
        if flow.named is not None:
            return text.harmless(flow.named.name)
        return text.harmless(self.label(flow.value))

    def is_fixed(self, flow: Flow) -> bool:
        """Tell whether all that flows are constants of this picture."""
        return all(id(value) in self.constants for value in flow.values)

    def label(self, node: Any) -> str:
        """Return the label of a node, or its indices in a named list."""
        return str(node.label or self.elements.get(id(node), ""))
