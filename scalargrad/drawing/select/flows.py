"""What flows between the vertices of a picture: values one by one, bundles, plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.arithmetic import is_value
from ...core.order import edges
from ...table.ops import DOT, OTHERWISE, WHERE
from .graph import BUNDLE, Constant, Flow, Named, Plan, Use, Vertex
from .survey import Survey


@dataclass(eq=False)
class _Arrow:
    """A value that goes into a vertex; into a box only once, however often it is used there."""

    value: Any
    target: Vertex | None
    position: int
    edges: list[tuple[Any, int]]
    backward: float = 0.0


class Flows:
    """Enters what flows between vertices; `home` finds the vertex of a node."""

    def __init__(self, survey: Survey, plan: Plan, home: Callable[[Any], Vertex]) -> None:
        self.survey = survey
        self.plan = plan
        self.home = home

    def connect(self, vertices: Sequence[Vertex], outside: Mapping[int, list[Any]]) -> None:
        """Enter what flows between the vertices, and to consumers that are not shown.

        Those stand beside the id of the node that they use.
        """
        arrows: dict[int, list[_Arrow]] = {}  # id of a value -> where it goes
        for vertex in vertices:
            for arrow in self._arrows(vertex):
                arrows.setdefault(id(arrow.value), []).append(arrow)
            for node in vertex.nodes if outside else ():
                if consumers := outside.get(id(node)):
                    arrows.setdefault(id(node), []).append(self._beyond(node, consumers))
        for vertex in vertices:
            self._flow(vertex, arrows)
        for vertex in vertices:
            vertex.inputs += self._constants(vertex)
            vertex.inputs.sort(key=lambda way: _place(vertex, way.position))

    def _arrows(self, vertex: Vertex) -> list[_Arrow]:
        if vertex.cut or vertex.is_leaf:
            return []
        arrows: list[_Arrow] = []
        once: dict[int, _Arrow] = {}
        for node in vertex.nodes:
            gradient = self.survey.gradients.get(node, 0.0)
            for position, operand, partial in edges(node):
                if vertex.is_box and self.home(operand) is vertex:
                    continue
                arrow = once.get(id(operand))
                if arrow is None:
                    entry = len(arrows) if vertex.is_box else position
                    arrow = _Arrow(operand, vertex, entry, [])
                    arrows.append(arrow)
                    if vertex.is_box:
                        once[id(operand)] = arrow
                arrow.edges.append((node, position))
                arrow.backward += gradient * partial
        return arrows

    def _beyond(self, value: Any, consumers: Sequence[Any]) -> _Arrow:
        """Return what goes to consumers that are not shown, as one arrow."""
        arrow = _Arrow(value, None, 0, [])
        for node in consumers:
            for position, operand, partial in edges(node):
                if operand is value:
                    arrow.edges.append((node, position))
                    arrow.backward += self.survey.gradients.get(node, 0.0) * partial
        return arrow

    def _flow(self, vertex: Vertex, arrows: Mapping[int, list[_Arrow]]) -> None:
        """Enter what leaves a vertex; what has one name, or goes one way together, is a bundle."""
        ways: dict[Any, list[Any]] = {}
        for node in vertex.nodes:
            going = arrows.get(id(node), [])
            if going or node is self.survey.root:
                name = None if node is self.survey.root else self.plan.names.get(id(node))
                ways.setdefault((name, *(arrow.target for arrow in going)), []).append(node)
        for (name, *_), values in ways.items():
            single = vertex.named is None and len(vertex.nodes) == 1
            plain = name is None or name.is_single
            if single or (plain and len(values) <= BUNDLE):
                for value in values:
                    self._enter(vertex, [value], None, arrows)
            else:
                self._enter(vertex, values, name or _shape(len(values), vertex.count), arrows)

    def _enter(
        self, vertex: Vertex, values: list[Any], named: Named | None,
        arrows: Mapping[int, list[_Arrow]],
    ) -> None:  # fmt: skip
        flow = Flow(vertex, values, named)
        red = named is None and self.survey.gradients and id(values[0]) not in self.plan.constants
        for arrow in arrows.get(id(values[0]), ()):
            idle = all(id(user) in self.plan.idle for user, _ in arrow.edges)
            back = arrow.backward if red and not idle else None
            use = Use(flow, arrow.target, arrow.position, arrow.edges, back)
            flow.uses.append(use)
            if arrow.target is not None:
                arrow.target.inputs.append(use)
        vertex.flows.append(flow)

    def _constants(self, vertex: Vertex) -> list[Constant]:
        """Return the plain numbers that go in; into a box only vectors, each of them once."""
        if vertex.cut or vertex.is_leaf or vertex.row in (WHERE, OTHERWISE):
            return []  # of two that are chosen from, a number is what was not
        if not vertex.is_box and not any(isinstance(way, Use) and way.flow.named
                                         for way in vertex.inputs):  # fmt: skip
            return [
                Constant(position, operand)
                for position, operand in enumerate(vertex.node.operands)
                if not is_value(operand)
            ]
        runs = list(dict.fromkeys(run for node in vertex.nodes for run in _runs(node)))
        if not vertex.is_box and runs and all(len(run) <= BUNDLE for _, run in runs):
            return [Constant(at + i, x) for at, run in runs for i, x in enumerate(run)]
        numbers = dict.fromkeys(run for _, run in runs if len(run) > 1)
        named: dict[Named, int] = {}
        for run in numbers:
            kind = self.plan.numbers.get(run) or Named("", f"({len(run)},)")
            named[kind] = named.get(kind, 0) + 1
        return [
            Constant(len(vertex.inputs), 0.0, _batch(kind, count)) for kind, count in named.items()
        ]


def _place(vertex: Vertex, position: int) -> int:
    """Return where an operand enters; those of a dot stand in the pairs that are multiplied."""
    if vertex.row is not DOT:
        return position
    side, pair = divmod(position, len(vertex.node.operands) // 2)
    return 2 * pair + side


def _shape(length: int, rows: int) -> Named:
    """Return what so many values are, which come from so many groups of one kind."""
    if rows > 1 and length > rows and length % rows == 0:
        return Named("", f"({rows}, {length // rows})")
    return Named("", f"({length},)")


def _runs(node: Any) -> Iterator[tuple[int, tuple[float, ...]]]:
    """Yield where plain numbers stand side by side among the operands of a node."""
    run: list[float] = []
    operands = node.operands
    for position, operand in enumerate(operands):
        if not is_value(operand):
            run.append(operand)
        if run and (is_value(operand) or position + 1 == len(operands)):
            end = position if is_value(operand) else position + 1
            yield end - len(run), tuple(run)
            run = []


def _batch(kind: Named, count: int) -> Named:
    """Return what several vectors of one shape are together, unless they have a name."""
    if kind.name or count == 1:
        return kind
    return Named("", f"({count}, {kind.shape[1:-2]})")
