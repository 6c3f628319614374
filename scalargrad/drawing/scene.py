"""From a graph to a scene: what is drawn and which texts it carries, without any position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..arithmetic import Arithmetic
from ..graph import Graph
from ..rows import ROWS
from . import text
from .exercise import Box, Place

Kind = Literal["operator", "leaf", "constant", "folded", "result"]


@dataclass(frozen=True)
class Labels:
    """The two texts of an arrow pair; `backward` is None where nothing flows back.

    An exercise leaves an empty box in the place of a text; boxes have numbers.
    """

    forward: str
    backward: str | None
    forward_box: int | None = None
    backward_box: int | None = None


@dataclass(eq=False)
class Item:
    """A circle, or an end of an arrow."""

    kind: Kind
    text: str  # the symbol, or the name
    rank: int = 0
    inputs: int = 0  # how many arrows come in
    ordered: bool = False  # whether it matters which operand is first
    links: list[Link] = field(default_factory=list)  # the arrows that go out
    stem: Labels | None = None  # the texts before the branch dot, where there is one

    @property
    def is_circled(self) -> bool:
        """Whether it is an operator, its operands shown or folded."""
        return self.kind in ("operator", "folded")


@dataclass(eq=False)
class Link:
    """An arrow pair from one item to a port of another."""

    source: Item
    target: Item
    port: int
    labels: Labels


@dataclass(eq=False)
class Scene:
    """Everything a picture shows."""

    items: list[Item]
    result: Item
    title: str
    note: str  # what was left out
    summary: str  # for readers who cannot see the picture


def compose(
    graph: Graph, *, digits: int, gradients: bool, title: str, boxes: Sequence[Box] = ()
) -> Scene:
    """Return the scene of a graph, with empty boxes where an exercise has them."""
    numbers = {box.place: box.number for box in boxes}
    items: list[Item] = []
    item_of: dict[int, Item] = {}
    for node in graph.nodes:
        item = item_of[id(node)] = Item(_kind(graph, node), _text(graph, node))
        if item.kind == "operator":
            row = ROWS.get(node.op)
            item.ordered = row is None or not row.commutes
            item.inputs = len(node.operands)
            for port, operand in enumerate(node.operands):
                if not isinstance(operand, Arithmetic):
                    constant = Item("constant", "")
                    value = text.number(operand, digits)
                    constant.links.append(Link(constant, item, port, Labels(value, None)))
                    items.append(constant)
        items.append(item)
    result = Item("result", text.harmless(graph.root.label) if graph.root.parents else "", inputs=1)
    red = graph.gradients if gradients else {}
    for node in graph.nodes:
        _connect(graph, node, item_of, result, digits, red, numbers)
    items.append(result)
    _rank(items)
    return Scene(items, result, text.harmless(title), _note(graph), _summary(graph, digits))


def _connect(
    graph: Graph,
    node: Any,
    item_of: dict[int, Item],
    result: Item,
    digits: int,
    red: dict[int, float],
    boxes: Mapping[Place, int],
) -> None:
    item = item_of[id(node)]
    value = text.number(node.data, digits)
    empty = boxes.get(("forward", id(node), None))
    gradient = text.number(red[id(node)], digits) if red else None
    for use in graph.uses[id(node)]:
        back = text.number(use.backward, digits) if red and use.backward is not None else None
        box = boxes.get(("backward", id(use.consumer), use.position))
        labels = Labels(value, back, empty, box)
        item.links.append(Link(item, item_of[id(use.consumer)], use.position, labels))
    if node is graph.root:
        item.links.append(Link(item, result, 0, Labels(value, gradient, empty)))
    named = value
    if node.label and node.parents and node is not graph.root:
        named = f"{text.harmless(node.label)} = {value}"
    if len(item.links) > 1:
        item.stem = Labels(named, gradient, empty, boxes.get(("backward", id(node), None)))
        for link in item.links:  # what stands on the stem in a box is not told by the forks
            link.labels = replace(link.labels, forward="" if empty else value, forward_box=None)
    elif item.links:
        item.links[0].labels = replace(item.links[0].labels, forward=named)


def _kind(graph: Graph, node: Any) -> Kind:
    if id(node) in graph.folded:
        return "folded"
    return "operator" if node.parents else "leaf"


def _text(graph: Graph, node: Any) -> str:
    if not node.parents:
        return text.harmless(node.label)
    row = ROWS.get(node.op)
    return row.symbol if row is not None else text.harmless(node.op)


def _rank(items: list[Item]) -> None:
    """Give each item its column: operators by the longest path, leaves next to a consumer."""
    for item in items:  # parents come before consumers
        for link in item.links:
            link.target.rank = max(link.target.rank, item.rank + 1)
    for item in items:
        if item.kind in ("leaf", "constant", "folded"):
            item.rank = min(link.target.rank for link in item.links) - 1


def _note(graph: Graph) -> str:
    if not graph.left_out:
        return ""
    count = f"more than {graph.left_out:,}" if graph.more else f"{graph.left_out:,}"
    return f"dashed: {count} earlier nodes are folded; max_nodes= shows more"


def _summary(graph: Graph, digits: int) -> str:
    leaves = [
        f"{text.harmless(node.label) or 'unnamed'} = {text.number(node.data, digits)}"
        for node in graph.nodes
        if not node.parents
    ]
    shown = ", ".join(leaves[:12]) + (", …" if len(leaves) > 12 else "")
    name = text.harmless(graph.root.label) or "result"
    value = text.number(graph.root.data, digits)
    return f"Computational graph: {name} = {value}" + (f" from {shown}" if shown else "")
