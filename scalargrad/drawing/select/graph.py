"""A read-only picture of a graph: what to show, which values flow where, what flows back."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ...core.arithmetic import is_value
from ...core.modes import Scope
from ...core.order import edges

#: beyond this many nodes the rest is neither looked at nor counted
COUNT_LIMIT = 100_000
#: so often one box of a circle is shown node by node; then ever more at once
ONE_BY_ONE = 8
#: up to so many values between two groups have an arrow each; more are one bundle
BUNDLE = 4


@dataclass(frozen=True)
class Named:
    """What a bundle is: a vector or a matrix, with its name where it has one."""

    name: str
    shape: str  # such as (2,) or (2, 3)

    @property
    def is_single(self) -> bool:
        """Whether it is one value, which is shown by its number."""
        return self.shape == "()"


@dataclass(eq=False)
class Vertex:
    """A circle, box or name: one node, the nodes of a folded group, or a bundle of leaves."""

    nodes: list[Any]
    group: Scope | None = None  # of a box
    count: int = 1  # how many groups of one kind it stands for
    named: Named | None = None  # of a bundle of leaves
    cut: bool = False  # its operands are not shown
    inputs: list[Use | Constant] = field(default_factory=list)  # in order of the operands
    flows: list[Flow] = field(default_factory=list)  # what comes out

    @property
    def node(self) -> Any:
        """The node of a circle or a name."""
        return self.nodes[0]

    @property
    def is_box(self) -> bool:
        """Whether it is a folded group."""
        return self.group is not None

    @property
    def title(self) -> str:
        """The name of a box."""
        times = f" ×{self.count}" if self.count > 1 else ""
        return self.group.name + times if self.group is not None else ""

    @property
    def is_leaf(self) -> bool:
        """Whether it is a leaf, or a bundle of them."""
        return not (self.is_box or self.node.parents)


@dataclass(eq=False)
class Flow:
    """What leaves a vertex on one line: a value, or a bundle of them."""

    source: Vertex
    values: list[Any]
    named: Named | None = None  # of a bundle
    uses: list[Use] = field(default_factory=list)

    @property
    def value(self) -> Any:
        """The only value."""
        return self.values[0]


@dataclass(eq=False)
class Use:
    """One arrow: where a flow goes in."""

    flow: Flow
    target: Vertex | None  # None for nodes that are not shown
    position: int  # among the operands of the target
    edges: list[tuple[Any, int]]  # the nodes that use the value, and its position there
    backward: float | None  # what flows back, the sum of gradient × partial; None for a bundle


@dataclass(eq=False)
class Constant:
    """A plain number, or a bundle of them, that goes in."""

    position: int
    value: float
    named: Named | None = None


@dataclass(eq=False)
class Graph:
    """The vertices that are shown, parents first."""

    root: Any
    vertices: list[Vertex]
    gradients: Mapping[Any, float]  # of every node, in the pass of this root; or empty
    left_out: int
    more: bool  # whether counting stopped before the end
    boxed: int  # how many nodes stand in boxes

    @property
    def flows(self) -> Iterator[Flow]:
        """Everything that flows, producers first."""
        return (flow for vertex in self.vertices for flow in vertex.flows)


@dataclass(frozen=True)
class Plan:
    """What a picture is asked for beside the root."""

    max_nodes: int
    homes: Mapping[int, Vertex] = field(default_factory=dict)  # id of a node -> its box or bundle
    names: Mapping[int, Named] = field(default_factory=dict)  # id of a value -> its matrix
    numbers: Mapping[tuple[float, ...], Named] = field(default_factory=dict)  # names of plain runs
    constants: Collection[int] = frozenset()  # ids of Values to which nothing flows back
    around: Any = None  # show what is near this node
    depth: int = 2  # so many arrows
    upstream: float | None = None  # of a root that no pass has reached


def look(root: Any, plan: Plan) -> Graph:
    """Return what to show of the graph below `root`: the nearest vertices."""
    met, more = meet(root)
    seer = _Seer(root, plan, _gradients(root, met, more, plan.upstream))
    for turn in count():
        outside: Mapping[int, list[Any]] = {}
        if plan.around is None:
            near = seer.nearest()
        else:
            near, outside = seer.around(met)
        vertices, twisted = seer.ordered(near, 2 ** max(0, turn - ONE_BY_ONE))
        if not twisted:
            break
        for box in twisted:
            seer.dissolve(box)
    seer.connect(vertices, outside)
    shown = {id(node) for vertex in vertices for node in vertex.nodes}
    left_out = sum(id(node) not in shown for node in met)
    more &= plan.around is not None or any(vertex.cut for vertex in vertices)
    boxed = sum(len(vertex.nodes) for vertex in vertices if vertex.is_box)
    return Graph(root, vertices, seer.gradients, left_out, more, boxed)


def meet(root: Any) -> tuple[list[Any], bool]:
    """Return the nodes nearest to the root, and whether there are more than are counted."""
    met = [root]
    seen = {id(root)}
    for node in met:  # grows as it goes
        for parent in node.parents:
            if id(parent) not in seen:
                if len(met) >= COUNT_LIMIT:
                    return met, True
                seen.add(id(parent))
                met.append(parent)
    return met, False


def _gradients(
    root: Any, met: Sequence[Any], huge: bool, upstream: float | None
) -> Mapping[Any, float]:
    """Return the gradients of the root's own latest pass, or of one that is not committed.

    What a node holds may come from a pass of another root, so the pass is computed anew; only in
    a huge graph, where that takes long, the nodes are believed.
    """
    passed = root._grad is not None and (root.parents or root.grad)
    if not passed and upstream is None:
        return {}  # not computed yet
    if passed and huge:
        return _Held(met)
    _, grads = root._sweep(root.grad if passed else upstream)
    found: Mapping[Any, float] = grads
    return found


class _Held(Mapping[Any, float]):
    """The gradients that nodes hold, also those that were not met."""

    def __init__(self, met: Sequence[Any]) -> None:
        self.met = met

    def __getitem__(self, node: Any) -> float:
        return float(node.grad)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.met)

    def __len__(self) -> int:
        return len(self.met)


@dataclass(eq=False)
class _Arrow:
    """A value that goes into a vertex; into a box only once, however often it is used there."""

    value: Any
    target: Vertex | None
    position: int
    edges: list[tuple[Any, int]]
    backward: float = 0.0


class _Seer:
    """Turns nodes into vertices, and edges into flows."""

    def __init__(self, root: Any, plan: Plan, gradients: Mapping[Any, float]) -> None:
        self.root = root
        self.plan = plan
        self.gradients = gradients
        self.homes = dict(plan.homes)

    def home(self, node: Any) -> Vertex:
        """Return the vertex of a node: its own, unless it stands in a box or a bundle."""
        vertex = self.homes.get(id(node))
        if vertex is None:
            vertex = self.homes[id(node)] = Vertex([node])
        return vertex

    def parents(self, vertex: Vertex) -> list[Vertex]:
        """Return the vertices that a vertex depends on, each once, leftmost first."""
        homes = (self.home(parent) for node in vertex.nodes for parent in node.parents)
        return list(dict.fromkeys(home for home in homes if home is not vertex))

    # -- which vertices ----------------------------------------------------------------

    def nearest(self) -> set[Vertex]:
        """Return the vertices closest to the root; a vertex enters with all that it needs."""
        start = self.home(self.root)
        near = {start}
        queue = deque([start])
        while queue:
            parents = self.parents(queue.popleft())
            fresh = [parent for parent in parents if parent not in near]
            if len(near) + len(fresh) > min(self.plan.max_nodes, COUNT_LIMIT):
                break
            near.update(fresh)
            queue.extend(fresh)
        return near

    def around(self, met: Sequence[Any]) -> tuple[set[Vertex], dict[int, list[Any]]]:
        """Return what is near a node, and who uses it that is not shown, by the id of a node."""
        consumers: dict[Vertex, list[Any]] = {}
        for node in met:
            for home in dict.fromkeys(map(self.home, node.parents)):
                consumers.setdefault(home, []).append(node)
        start = self.home(self.plan.around)
        far = {start: 0}
        queue = deque([start])
        while queue:
            vertex = queue.popleft()
            if far[vertex] == self.plan.depth:
                continue
            users = [self.home(node) for node in consumers.get(vertex, ())]
            for other in dict.fromkeys([*self.parents(vertex), *users]):
                if other not in far and len(far) < self.plan.max_nodes:
                    far[other] = far[vertex] + 1
                    queue.append(other)
        near = set(far)
        for vertex in far:  # what uses something shown is shown with all that it needs
            parents = self.parents(vertex)
            if any(parent in far for parent in parents):
                near.update(parents)
        outside: dict[int, list[Any]] = {}
        for vertex in near:
            for consumer in consumers.get(vertex, ()):
                home = self.home(consumer)
                if home not in near or not near.issuperset(self.parents(home)):
                    for parent in dict.fromkeys(consumer.parents):
                        if self.home(parent) is vertex:
                            outside.setdefault(id(parent), []).append(consumer)
        return near, outside

    def ordered(self, near: set[Vertex], most: int) -> tuple[list[Vertex], list[Vertex]]:
        """Return the shown vertices, parents before consumers, left operands first.

        Beside it boxes that need their own outcome from outside, at most so many of each circle.
        """
        order: list[Vertex] = []
        twisted: list[Vertex] = []
        entered: set[Vertex] = set()
        path: list[Vertex] = []  # entered, and not in the order yet
        depth: dict[Vertex, int] = {}  # where they are in the path
        broken = [-1]  # where the boxes are that break a circle
        starts = [self.home(self.root)] if self.plan.around is None else self._ends(near)
        stack: list[Vertex | None] = [*reversed(starts)]
        while stack:
            vertex = stack.pop()
            if vertex is None:
                done = stack.pop()
                assert done is not None
                order.append(done)
                path.pop()
                if depth.pop(done) == broken[-1]:
                    broken.pop()
            elif vertex in depth:
                if broken[-1] < depth[vertex]:  # else this circle is broken already
                    circle = [vertex, *path[: depth[vertex] : -1]]
                    boxes = [v for v in circle if v.is_box][:most]
                    broken += sorted(depth[box] for box in boxes)
                    twisted += boxes
            elif vertex not in entered:
                entered.add(vertex)
                depth[vertex] = len(path)
                path.append(vertex)
                stack += [vertex, None]
                parents = self.parents(vertex)
                vertex.cut = not near.issuperset(parents)
                if not vertex.cut:
                    stack.extend(reversed(parents))
        return order, twisted

    def dissolve(self, box: Vertex) -> None:
        """Show the nodes of a box one by one."""
        for node in box.nodes:
            del self.homes[id(node)]

    def _ends(self, near: set[Vertex]) -> list[Vertex]:
        """Return the shown vertices that no other one needs, in a stable order."""
        needed = {
            parent
            for vertex in near
            if near.issuperset(parents := self.parents(vertex))
            for parent in parents
        }
        places = {id(node): place for place, node in enumerate(meet(self.root)[0])}
        ends = [vertex for vertex in near if vertex not in needed]
        return sorted(ends, key=lambda vertex: places.get(id(vertex.node), len(places)))

    # -- what flows --------------------------------------------------------------------

    def connect(self, vertices: Sequence[Vertex], outside: Mapping[int, list[Any]]) -> None:
        """Enter what flows between the vertices, and to consumers that are not shown."""
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
            vertex.inputs.sort(key=lambda way: way.position)

    def _arrows(self, vertex: Vertex) -> list[_Arrow]:
        if vertex.cut or vertex.is_leaf:
            return []
        found: list[_Arrow] = []
        once: dict[int, _Arrow] = {}
        for node in vertex.nodes:
            gradient = self.gradients.get(node, 0.0)
            for position, operand, partial in edges(node):
                if vertex.is_box and self.home(operand) is vertex:
                    continue
                arrow = once.get(id(operand))
                if arrow is None:
                    place = len(found) if vertex.is_box else position
                    arrow = _Arrow(operand, vertex, place, [])
                    found.append(arrow)
                    if vertex.is_box:
                        once[id(operand)] = arrow
                arrow.edges.append((node, position))
                arrow.backward += gradient * partial
        return found

    def _beyond(self, value: Any, consumers: Sequence[Any]) -> _Arrow:
        """Return what goes to consumers that are not shown, as one arrow."""
        arrow = _Arrow(value, None, 0, [])
        for node in consumers:
            for position, operand, partial in edges(node):
                if operand is value:
                    arrow.edges.append((node, position))
                    arrow.backward += self.gradients.get(node, 0.0) * partial
        return arrow

    def _flow(self, vertex: Vertex, arrows: Mapping[int, list[_Arrow]]) -> None:
        """Enter what leaves a vertex; what has one name, or goes one way together, is a bundle."""
        ways: dict[Any, list[Any]] = {}
        for node in vertex.nodes:
            going = arrows.get(id(node), [])
            if going or node is self.root:
                name = None if node is self.root else self.plan.names.get(id(node))
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
        red = named is None and self.gradients and id(values[0]) not in self.plan.constants
        for arrow in arrows.get(id(values[0]), ()):
            back = arrow.backward if red else None
            use = Use(flow, arrow.target, arrow.position, arrow.edges, back)
            flow.uses.append(use)
            if arrow.target is not None:
                arrow.target.inputs.append(use)
        vertex.flows.append(flow)

    def _constants(self, vertex: Vertex) -> list[Constant]:
        """Return the plain numbers that go in; into a box only vectors, each of them once."""
        if vertex.cut or vertex.is_leaf:
            return []
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
