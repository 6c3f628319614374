"""The order of a graph: an iterative depth-first walk over anything with `parents`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class HasParents(Protocol):
    """Anything that knows the values it was computed from."""

    @property
    def parents(self) -> Sequence[HasParents]: ...


N = TypeVar("N", bound=HasParents)


def post_order(root: N, *, leaves: bool = True) -> list[N]:
    """Return every node below `root`, parents before the nodes computed from them.

    This is the post-order of a depth-first walk that enters parents from left to right.
    It is written with a stack of its own, so that a chain of a million nodes is no deeper
    for Python than a chain of two. A backward pass leaves the leaves out.
    """
    if not (leaves or root.parents):
        return []
    order: list[N] = []
    entered: set[N] = set()
    stack: list[N | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all parents of the node below this mark are done
            order.append(stack.pop())  # type: ignore[arg-type]
        elif node not in entered:
            entered.add(node)
            stack.append(node)
            stack.append(None)
            for parent in reversed(node.parents):  # the leftmost is popped first
                if leaves or parent.parents:
                    stack.append(parent)  # type: ignore[arg-type]
    return order


def order_above(outputs: Sequence[N], is_end: Callable[[N], bool]) -> list[N]:
    """Return the nodes from some ends to several outputs, parents before what comes from them.

    What is only below an end is left out.
    """
    order: list[N] = []
    entered: set[int] = set()
    stack: list[N | None] = [*reversed(outputs)]
    while stack:
        node = stack.pop()
        if node is None:  # all parents of the node below this mark are done
            order.append(stack.pop())  # type: ignore[arg-type]
        elif id(node) not in entered:
            entered.add(id(node))
            stack += (node, None)
            if not is_end(node):
                stack += reversed(node.parents)  # type: ignore[arg-type]
    return order
