"""The order of a graph: one iterative depth-first walk, and the edges of a node."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from .arithmetic import is_value


def post_order(
    *roots: Any,
    parents: Callable[[Any], Sequence[Any]] | None = None,
    key: Callable[[Any], Hashable] | None = None,
    leaves: bool = True,
) -> list[Any]:
    """Return everything below some roots once, parents before what was computed from them.

    This is the post-order of a depth-first walk that enters parents from left to right.
    It is written with a stack of its own, so that a chain of a million nodes is no deeper
    for Python than a chain of two. Things are one where they, or their keys, are equal.
    """
    order: list[Any] = []
    entered: set[Hashable] = set()
    stack = [*reversed(roots)]
    while stack:
        node = stack.pop()
        if node is None:  # all parents of the node below this mark are done
            order.append(stack.pop())
        elif (own := node if key is None else key(node)) not in entered:
            entered.add(own)
            stack.append(node)
            stack.append(None)
            for parent in reversed(node.parents if parents is None else parents(node)):
                if leaves or parent.parents:
                    stack.append(parent)  # the leftmost is popped first
    return order


def interior_order(root: Any) -> list[Any]:
    """Return the nodes below `root` that are no leaves, in the order of a backward pass."""
    return post_order(root, leaves=False) if root.parents else []


def edges(node: Any) -> Iterator[tuple[int, Any, float]]:
    """Yield the position of every Value among the operands, the Value, and the partial by it.

    >>> import scalargrad as sg
    >>> x = sg.Value(3.0)
    >>> [(position, partial) for position, parent, partial in edges(2.0 * x)]
    [(1, 2.0)]
    """
    positions = (i for i, operand in enumerate(node.operands) if is_value(operand))
    return zip(positions, node.parents, node.partials, strict=True)
