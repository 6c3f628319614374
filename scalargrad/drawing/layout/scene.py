"""From a graph to a scene: what is drawn and which texts it carries, without any position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...core.modes import Scope
from ...table.ops import ADD, SUM
from ...table.row import ROWS
from ..select.flowing import NOTE as IDLE
from ..select.flowing import is_idle, strokes
from ..select.graph import Constant, Flow, Graph, Use, Vertex, titled
from ..select.survey import is_leaf
from ..words import text
from ..words.exercise import Anchor
from ..words.rules import sign
from ..words.wording import Labels, Wording
from .items import Frame, Item, Link, Scene
from .ranks import assign_ranks

#: signs that a group may be named by: it is drawn as a circle then
_SIGNS = {row.symbol for row in ROWS.values()} | {"dot", "sum"}
#: what works on every pair of elements of two matrices
_ELEMENTWISE = ("+", "−", "×", "/")
#: what a sum does forward and backward; of matrices it adds up rows, whose mirror is a broadcast
_SUMS = {"+": ("+", "branch"), "Σ": ("sum", "broadcast"), "sum": ("sum", "broadcast")}


def compose(
    graph: Graph,
    wording: Wording,
    *,
    title: str = "",
    branches: bool = False,
    empty: Mapping[Anchor, int] | None = None,
    note: str = "",
    digits: int = 6,
    thickness: bool = False,
) -> Scene:
    """Return the scene of a graph.

    `empty` has the number of an exercise's box by its anchor; `branches` asks for
    branches in circles of their own, beside the sums that are their mirror; with `thickness` red
    arrows are as thick as their gradients.
    """
    items = _Composer(graph, wording, branches, empty or {}, thickness=thickness).run()
    if any(item.idle for item in items):
        note = f"{note}; {IDLE}" if note else IDLE
    result = next((item for item in items if item.kind == "result"), None)
    return Scene(items, result, text.harmless(title), note, _summary(graph, wording, digits))


class _Composer:
    """Makes the items of a scene, parents before consumers."""

    def __init__(
        self,
        graph: Graph,
        wording: Wording,
        branches: bool,
        empty: Mapping[Anchor, int],
        *,
        thickness: bool,
    ) -> None:
        self.graph = graph
        self.wording = wording
        self.branches = branches
        self.empty = empty
        self.strokes = strokes(graph) if thickness and graph.gradients else {}
        self.items: list[Item] = []
        self.item_of: dict[Vertex, Item] = {}
        self.ends: list[Item] = []
        self.frame_of: dict[Scope, Frame] = {}

    def run(self) -> list[Item]:
        graph = self.graph
        for index, vertex in enumerate(graph.vertices):
            item = self.item_of[vertex] = self._item(vertex)
            item.about = f"n{index}"
            if not vertex.cut:
                item.inputs = len(vertex.inputs)
                for port, way in enumerate(vertex.inputs):
                    if isinstance(way, Constant):
                        self._constant(item, port, way)
            self.items.append(item)
        for vertex in graph.vertices:
            self._leave(vertex)
        self.items += self.ends
        _drop_small_frames(self.items)
        assign_ranks(self.items)
        return self.items

    def _item(self, vertex: Vertex) -> Item:
        if vertex.is_leaf:
            flows = vertex.flows
            fixed = bool(flows) and self.wording.is_fixed(flows[0])
            return Item("leaf", self.wording.name(flows[0]) if flows else "", fixed=fixed)
        item = Item("folded" if vertex.cut else "operator", "")
        group = vertex.group if vertex.is_box else vertex.node.scope
        if vertex.is_box:
            assert group is not None
            item.text = text.harmless(vertex.title)
            if item.text not in _SIGNS or len(vertex.flows) > 1:
                item.kind = "box"
            group = group.outer
            if self.branches and item.kind == "operator" and item.text in _SUMS:
                item.under = _SUMS[item.text]
        else:
            row = vertex.row
            item.text = sign(vertex.node, row)
            item.ordered = row is None or not row.commutes
            item.idle = bool(self.strokes) and is_idle(vertex)
            if self.branches and row in (ADD, SUM):
                item.under = _SUMS[item.text][0], "branch"
        item.frames = self._frames(group)
        return item

    def _frames(self, group: Scope | None) -> tuple[Frame, ...]:
        frames: list[Frame] = []
        while group is not None:
            if group not in self.frame_of:
                title = titled(group, self.graph.sizes.get(group, ""))
                self.frame_of[group] = Frame(text.harmless(title), text.harmless(group.name))
            frames.append(self.frame_of[group])
            group = group.outer
        return tuple(reversed(frames))

    def _constant(self, item: Item, port: int, way: Constant) -> None:
        name = text.harmless(way.named.name) if way.named is not None else ""
        constant = Item("constant", name)
        labels = Labels(self.wording.constant(way), None)
        constant.links.append(Link(constant, item, port, labels))
        self.items.append(constant)

    def _leave(self, vertex: Vertex) -> None:
        """Connect what comes out of a vertex with where it goes."""
        item = self.item_of[vertex]
        item.outlets = max(1, len(vertex.flows))
        for outlet, flow in enumerate(vertex.flows):
            self._connect(item, outlet, flow)

    def _connect(self, item: Item, outlet: int, flow: Flow) -> None:
        is_root = flow.named is None and self.graph.is_result(flow.value)
        uses = [use for use in flow.uses if use.target is None or use.target in self.item_of]
        about = f"{item.about}.{outlet}"
        stem, name = self._boxed(self.wording.flow(flow), flow), self.wording.name(flow)
        forked = len(uses) + is_root > 1
        start, labels_of = item, {}
        if forked and (self.branches or item.outlets > 1):
            start = Item("branch", "", about, inputs=1, frames=item.frames)
            if self.branches:
                start.under = ("branch", "sum")
            item.links.append(Link(item, start, 0, stem, outlet, about, name))
            self.items.insert(self.items.index(item) + 1, start)
        elif forked:
            item.stem, item.stem_about = stem, about
        for use in uses:
            labels = self._boxed(self.wording.use(use), use)
            if not forked:  # the only arrow shows what comes out
                labels = replace(labels, forward=stem.forward, forward_box=stem.forward_box)
            elif stem.forward_box is not None:  # the forks do not tell what stands in a box
                labels = replace(labels, forward="", forward_box=None)
            labels_of[use] = labels
        for number, use in enumerate(uses):
            target, port = self._target(use)
            beside = outlet if start is item else 0
            link = Link(start, target, port, labels_of[use], beside, f"{about}.{number}", name)
            start.links.append(link)
            if self.branches and flow.named is not None and len(use.edges) > 1:
                self._broadcast(link, use)
        if is_root:
            result = Item("result", "" if is_leaf(flow.value) else name, inputs=1)
            self.ends.append(result)
            labels = replace(self._at_end(flow, stem) if uses else stem, backward_box=None)
            start.links.append(Link(start, result, 0, labels, about=f"{about}.r"))

    def _at_end(self, flow: Flow, stem: Labels) -> Labels:
        """Return the texts at the end of a result that is used besides: what begins there."""
        begins = [use for use in flow.uses if use.target is not None
                  and use.target not in self.item_of]  # fmt: skip
        return self.wording.use(begins[0]) if begins else stem

    def _broadcast(self, link: Link, use: Use) -> None:
        """Show on the way into a sum of matrices that every element goes into many rows."""
        flows = use.target.flows if use.target is not None else []
        elementwise = link.target.kind == "operator" and link.target.text in _ELEMENTWISE
        if not elementwise or len(flows) != 1 or flows[0].named is None:
            return
        shape = text.harmless(flows[0].named.shape)
        back = None if link.labels.backward is None else shape
        node = Item("branch", "", link.about, inputs=1, under=("broadcast", "sum"))
        node.frames = link.target.frames
        onward = Link(node, link.target, link.port, Labels(shape, back), about=link.about)
        node.links.append(onward)
        link.target, link.port = node, 0
        self.items.insert(self.items.index(self.item_of[use.target]), node)  # type: ignore[index]

    def _target(self, use: Use) -> tuple[Item, int]:
        if use.target is None:
            beyond = Item("beyond", "…", inputs=1)
            self.ends.append(beyond)
            return beyond, 0
        return self.item_of[use.target], use.target.inputs.index(use)

    def _boxed(self, labels: Labels, anchor: Flow | Use) -> Labels:
        """Return the texts with empty boxes where the exercise has them."""
        forward = self.empty.get(("forward", id(anchor)))
        backward = self.empty.get(("backward", id(anchor)))
        stroke = self.strokes.get(id(anchor)) if backward is None else None  # it tells an answer
        return replace(labels, forward_box=forward, backward_box=backward, stroke=stroke)


def _drop_small_frames(items: list[Item]) -> None:
    """Leave out frames around a single operator: they would say nothing."""
    count: dict[Frame, int] = {}
    for item in items:
        if item.is_shaped:
            for frame in item.frames:
                count[frame] = count.get(frame, 0) + 1
    for item in items:
        item.frames = tuple(frame for frame in item.frames if count.get(frame, 0) > 1)


def _summary(graph: Graph, wording: Wording, digits: int) -> str:
    """Return in one line what a picture says: its results, and the leaves by their names in it."""
    leaves = [
        f"{wording.name(flow) or 'unnamed'} = {text.number(vertex.node.data, digits)}"
        for vertex in graph.vertices
        if vertex.is_leaf and vertex.named is None
        for flow in vertex.flows
    ]
    shown = ", ".join(leaves[:12]) + (", …" if len(leaves) > 12 else "")
    results = ", ".join(
        f"{text.harmless(result.label) or 'result'} = {text.number(result.data, digits)}"
        for result in graph.results
    )
    return f"Computational graph: {results}" + (f" from {shown}" if shown else "")
