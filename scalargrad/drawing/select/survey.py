"""What there is in a graph: surveyed in one walk, and handed down to all that draw it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar

from ...core.node_rows import row_of
from ...core.order import post_order
from ...table.row import ManyRow, Row

T = TypeVar("T")

#: beyond this many nodes the rest is neither looked at nor counted
COUNT_LIMIT = 100_000


#: what a node was computed from: the one accessor by which pictures walk a graph
parents_of: Callable[[Any], Sequence[Any]] = attrgetter("parents")


def is_leaf(node: Any) -> bool:
    """Tell whether a node was not computed."""
    return not node.parents


class _Answers(dict[Any, T]):
    """What was asked of nodes, each once."""

    def __init__(self, ask: Callable[[Any], T]) -> None:
        self.ask = ask

    def __missing__(self, node: Any) -> T:
        answer = self[node] = self.ask(node)
        return answer


class Survey:
    """A graph as one walk meets it, breadth first from its root; it asks every node once.

    `nodes` are those nearest to the root; `is_cut` says that there are more than are counted.
    With an `upstream` there are gradients even where no pass has been: of a pass that begins with
    it and is not committed.
    """

    def __init__(self, root: Any, upstream: float | None = None, *, several: bool = False) -> None:
        self.root = root
        #: whether the root only holds several results together
        self.several: bool = several
        self._upstream = upstream
        #: what each node was computed from, also beyond those that are counted
        self.parents: _Answers[Sequence[Any]] = _Answers[Sequence[Any]](parents_of)
        #: the row of each node, or None
        self.rows: _Answers[Row | ManyRow | None] = _Answers[Row | ManyRow | None](row_of)
        self.nodes: list[Any]
        self.is_cut: bool
        self.nodes, self.is_cut = self._walk()

    def _walk(self) -> tuple[list[Any], bool]:
        nodes, parents = [self.root], self.parents
        parents[self.root] = parents_of(self.root)
        for node in nodes:  # grows as it goes
            for parent in parents[node]:
                if parent not in parents:
                    if len(nodes) >= COUNT_LIMIT:
                        return nodes, True
                    parents[parent] = parents_of(parent)
                    nodes.append(parent)
        return nodes, False

    @property
    def results(self) -> Sequence[Any]:
        """What the graph leads to: its root, or what that holds together."""
        return self.parents[self.root] if self.several else (self.root,)

    @cached_property
    def order(self) -> list[Any]:
        """The nodes that are counted, parents first."""
        if self.is_cut:
            return self.nodes[::-1]
        return post_order(self.root, parents=self.parents.__getitem__)

    @cached_property
    def gradients(self) -> Mapping[Any, float]:
        """The gradients of the root's own latest pass, or of one that is not committed.

        What a node holds may come from a pass of another root, so the pass is computed anew; only
        in a huge graph, where that takes long, the nodes are believed.
        """
        root = self.root
        passed = root._grad is not None and (root.grad or not is_leaf(root))
        if not passed and self._upstream is None:
            return {}  # not computed yet
        if passed and self.is_cut:
            return _Held(self.nodes)
        gradients: Mapping[Any, float]
        _, gradients = root._sweep(root.grad if passed else self._upstream)
        return gradients


class _Held(Mapping[Any, float]):
    """The gradients that nodes hold, also those that are not counted."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        self.nodes = nodes

    def __getitem__(self, node: Any) -> float:
        return float(node._grad or 0.0)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)
