"""Ranks with the least total length of arrows, by network simplex.

A tree of tight arrows joins all nodes. Where an arrow of the tree is cut, one part may move against
the other; a cut value below 0 says that this makes arrows shorter. Then the part moves until
another arrow is tight, which takes the place of the first.

Source: E. R. Gansner, E. Koutsofios, S. C. North, K.-P. Vo, "A technique for drawing directed
graphs", 1993. Here all cut values are counted at once, and many exchanges follow, each in a part of
the tree that the earlier ones left alone: a count of them takes as long as a single exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

IDLE = 30  # counts in which nothing moved: a tree may go in circles
VISITS = 1_000_000  # of nodes of subtrees: more are too few for the best ranks of huge pictures


class Edge(NamedTuple):
    """An arrow that asks its target to stand at least so far behind its source."""

    source: int
    target: int
    least: int = 1
    weight: int = 1


def shortest(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return a rank a node, with the least total length; nodes come before their targets.

    >>> shortest(4, [Edge(0, 1), Edge(1, 3), Edge(2, 3)])
    [0, 1, 1, 2]
    """
    if not count:
        return []
    tree = _TightTree(count, edges)
    tree.improve()
    lowest = min(tree.rank[:count])
    return [rank - lowest for rank in tree.rank[:count]]


class _TightTree:
    """Nodes with ranks, each but the root with a tight edge to its parent."""

    def __init__(self, count: int, edges: Sequence[Edge]) -> None:
        self.edges = list(edges)
        self.root = count  # before it end all that go nowhere
        self.out: list[list[int]] = [[] for _ in range(count + 1)]
        self.into: list[list[int]] = [[] for _ in range(count + 1)]
        for number, edge in enumerate(self.edges):
            self._enter(number, edge)
        self.visits = 0
        self.rank = [0] * (count + 1)
        self.above = [-1] * (count + 1)  # the edge of the tree to the parent
        self.parent = [-1] * (count + 1)
        self.children: list[dict[int, None]] = [{} for _ in range(count + 1)]
        for node in reversed(range(count)):
            if not self.out[node]:
                self.edges.append(Edge(node, count, 1, 0))
                self._enter(len(self.edges) - 1, self.edges[-1])
            self._stand_late(node)
        self.surplus = [
            sum(self.edges[number].weight for number in self.out[node])
            - sum(self.edges[number].weight for number in self.into[node])
            for node in range(count + 1)
        ]

    def _enter(self, number: int, edge: Edge) -> None:
        self.out[edge.source].append(number)
        self.into[edge.target].append(number)

    def _stand_late(self, node: int) -> None:
        """Put a node as near to its targets as it may be."""

        def latest(number: int) -> int:
            return self.rank[self.edges[number].target] - self.edges[number].least

        tight = min(self.out[node], key=latest)  # the first of equal ones
        self.rank[node] = latest(tight)
        self._hang(node, tight, self.edges[tight].target)

    def _hang(self, node: int, edge: int, parent: int) -> None:
        self.above[node], self.parent[node] = edge, parent
        self.children[parent][node] = None

    def improve(self) -> None:
        """Exchange edges of the tree until no cut value is below 0."""
        idle = 0
        while idle < IDLE and self.visits < VISITS:
            wrong = self._wrong()
            if not wrong:
                return
            idle = 0 if self._exchange_all(wrong) else idle + 1

    def _wrong(self) -> list[int]:
        """Return the nodes above which the tree has a cut value below 0, the worst first."""
        order = [self.root]
        for node in order:
            order.extend(self.children[node])
        total = list(self.surplus)  # weight out of a subtree, less that into it
        wrong = []
        for node in reversed(order[1:]):
            total[self.parent[node]] += total[node]
            cut = total[node] if self._leaves(node) else -total[node]
            if cut < 0:
                wrong.append((cut, node))
        return [node for _, node in sorted(wrong)]

    def _exchange_all(self, wrong: list[int]) -> bool:
        """Exchange what does not touch earlier exchanges; tell whether any rank has changed."""
        stale = bytearray(len(self.parent))  # above these nodes cut values may have changed
        part = [-1] * len(self.parent)  # the top of the subtree that a node moves with
        changed = False
        for top in wrong:
            if stale[top]:
                continue
            subtree = self._subtree(top)
            self.visits += len(subtree)
            for node in subtree:
                part[node] = top
            edge, slack = self._entering(top, subtree, part)
            if edge < 0:
                continue
            if slack:
                changed = True
                step = -slack if self._leaves(top) else slack
                for node in subtree:
                    self.rank[node] += step
            inner, outer = self.edges[edge].source, self.edges[edge].target
            if part[inner] != top:
                inner, outer = outer, inner
            for node in subtree:
                stale[node] = 1
            for start in (self.parent[top], outer):
                node = start
                while node >= 0 and not stale[node]:
                    stale[node] = 1
                    node = self.parent[node]
            self._turn(top, inner, outer, edge)
        return changed

    def _leaves(self, node: int) -> bool:
        """Tell whether the edge to the parent leaves the node, or enters it."""
        return self.edges[self.above[node]].source == node

    def _subtree(self, top: int) -> list[int]:
        nodes = [top]
        for node in nodes:
            nodes.extend(self.children[node])
        return nodes

    def _entering(self, top: int, subtree: list[int], part: list[int]) -> tuple[int, int]:
        """Return the edge that is tight first when the subtree moves, and how far that is.

        A subtree whose edge to the parent leaves it moves to the left, another one to the right.
        """
        best, least = -1, -1
        numbers = self.into if self._leaves(top) else self.out
        for node in subtree:
            for number in numbers[node]:
                source, target, length, _ = self.edges[number]
                if part[source] == top and part[target] == top:
                    continue
                slack = self.rank[target] - self.rank[source] - length
                if best < 0 or slack < least:
                    best, least = number, slack
        return best, least

    def _turn(self, top: int, inner: int, outer: int, edge: int) -> None:
        """Hang a subtree on another edge: what was on the way to its top hangs the other way."""
        del self.children[self.parent[top]][top]
        node, parent = inner, outer
        while True:
            old_parent, old_edge = self.parent[node], self.above[node]
            if node != top:
                del self.children[old_parent][node]
            self._hang(node, edge, parent)
            if node == top:
                return
            node, parent, edge = old_parent, node, old_edge
