"""The order of a graph: one iterative depth-first walk, and the edges of a node."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from .arithmetic import is_value

N = TypeVar("N")

_parents = attrgetter("parents")


def post_order(
    *roots: N,
    parents: Callable[[N], Sequence[N]] = _parents,
    key: Callable[[N], Hashable] = id,
) -> list[N]:
    """Return everything below some roots once, parents before what was computed from them.

    This is the post-order of a depth-first walk that enters parents from left to right.
    It is written with a stack of its own, so that a chain of a million nodes is no deeper
    for Python than a chain of two. Things are one where their keys are equal.
    """
    order: list[N] = []
    entered: set[Hashable] = set()
    stack: list[N | None] = [*reversed(roots)]
    while stack:
        node = stack.pop()
        if node is None:  # all parents of the node below this mark are done
            order.append(stack.pop())  # type: ignore[arg-type]
        elif key(node) not in entered:
            entered.add(key(node))
            stack += (node, None)
            stack += reversed(parents(node))  # the leftmost is popped first
    return order


def interior_order(root: Any) -> list[Any]:
    """Return the nodes below `root` that are no leaves, in the same order: a backward pass's."""
    return post_order(root, parents=_interior_parents) if root.parents else []


def _interior_parents(node: Any) -> list[Any]:
    return [parent for parent in node.parents if parent.parents]


def edges(node: Any) -> Iterator[tuple[int, Any, float]]:
    """Yield the position of every Value among the operands, the Value, and the partial by it.

    >>> import scalargrad as sg
    >>> x = sg.Value(3.0)
    >>> [(position, partial) for position, parent, partial in edges(2.0 * x)]
    [(1, 2.0)]
    """
    positions = (i for i, operand in enumerate(node.operands) if is_value(operand))
    return zip(positions, node.parents, node.partials, strict=True)
