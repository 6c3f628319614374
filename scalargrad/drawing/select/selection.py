"""Which vertices a picture shows: those near the root or near one node, in a stable order."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import Any

from .flows import Flows
from .graph import Graph, Plan, Vertex
from .survey import Survey

#: so often one box of a circle is shown node by node; then ever more at once
ONE_BY_ONE = 8


def select(survey: Survey, plan: Plan) -> Graph:
    """Return what to show of a graph: the nearest vertices, and what flows between them."""
    selection = _Selection(survey, plan)
    for turn in count():
        outside: Mapping[int, list[Any]] = {}
        if plan.around is None:
            near = selection.nearest()
        else:
            near, outside = selection.around()
        vertices, twisted = selection.ordered(near, 2 ** max(0, turn - ONE_BY_ONE))
        if not twisted:
            break
        for box in twisted:
            selection.dissolve(box)
    Flows(survey, plan, selection.home).connect(vertices, outside)
    shown = {id(node) for vertex in vertices for node in vertex.nodes}
    if survey.several:  # what holds the results together is not drawn
        vertices = [vertex for vertex in vertices if vertex.node is not survey.root]
    left_out = sum(id(node) not in shown for node in survey.nodes)
    is_cut = plan.around is not None or any(vertex.cut for vertex in vertices)
    boxed = sum(len(vertex.nodes) for vertex in vertices if vertex.is_box)
    return Graph(survey, vertices, left_out, survey.is_cut and is_cut, boxed, plan.sizes)


class _Selection:
    """Turns nodes into vertices, and chooses among them."""

    def __init__(self, survey: Survey, plan: Plan) -> None:
        self.survey = survey
        self.plan = plan
        self.homes = dict(plan.homes)
        self._parents: dict[Vertex, list[Vertex]] = {}

    def home(self, node: Any) -> Vertex:
        """Return the vertex of a node: its own, unless it stands in a box or a bundle."""
        vertex = self.homes.get(id(node))
        if vertex is None:
            vertex = self.homes[id(node)] = Vertex([node], row=self.survey.rows[node])
        return vertex

    def parents(self, vertex: Vertex) -> list[Vertex]:
        """Return the vertices that a vertex depends on, each once, leftmost first."""
        if vertex not in self._parents:
            parents = (parent for node in vertex.nodes for parent in self.survey.parents[node])
            homes = dict.fromkeys(map(self.home, parents))
            self._parents[vertex] = [home for home in homes if home is not vertex]
        return self._parents[vertex]

    def nearest(self) -> set[Vertex]:
        """Return the vertices closest to the root; a vertex enters with all that it needs."""
        start = self.home(self.survey.root)
        results = self.parents(start) if self.survey.several else [start]
        near = {start, *results}
        queue = deque(results)
        most = min(self.plan.max_nodes + self.survey.several, len(self.survey.nodes))
        while queue:
            parents = self.parents(queue.popleft())
            fresh = [parent for parent in parents if parent not in near]
            if len(near) + len(fresh) > most:
                break
            near.update(fresh)
            queue.extend(fresh)
        return near

    def around(self) -> tuple[set[Vertex], dict[int, list[Any]]]:
        """Return what is near a node, and who uses it that is not shown, by the id of a node."""
        consumers: dict[Vertex, list[Any]] = {}
        for node in self.survey.nodes[self.survey.several :]:  # without what holds results
            for home in dict.fromkeys(map(self.home, self.survey.parents[node])):
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
                    for parent in dict.fromkeys(self.survey.parents[consumer]):
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
        starts = [self.home(self.survey.root)] if self.plan.around is None else self._ends(near)
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
        self._parents.clear()

    def _ends(self, near: set[Vertex]) -> list[Vertex]:
        """Return the shown vertices that no other one needs, in a stable order."""
        needed = {
            parent
            for vertex in near
            if near.issuperset(parents := self.parents(vertex))
            for parent in parents
        }
        distances = {id(node): index for index, node in enumerate(self.survey.nodes)}
        ends = [vertex for vertex in near if vertex not in needed]
        return sorted(ends, key=lambda end: distances.get(id(end.node), len(distances)))
