"""A read-only picture of a graph: which nodes to show, who uses whom, what flows back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from .arithmetic import Arithmetic

#: beyond this many nodes the rest is no longer counted
COUNT_LIMIT = 100_000


@dataclass(frozen=True)
class Use:
    """One place where a value is an operand."""

    consumer: Any
    position: int  # among the operands of the consumer
    backward: float | None  # what flows back here: gradient of the consumer × partial


@dataclass(frozen=True)
class Graph:
    """The nodes of a graph that are shown, parents first, and their uses."""

    root: Any
    nodes: tuple[Any, ...]
    folded: frozenset[int]  # ids of shown interior nodes whose operands are not shown
    left_out: int
    more: bool  # whether counting stopped before the end
    uses: dict[int, tuple[Use, ...]]  # id of a node -> its uses, in order of the consumers
    gradients: dict[int, float]  # id of a node -> its gradient in the pass of this root; or empty


def look(root: Any, max_nodes: int) -> Graph:
    """Return what to show of the graph below `root`: at most `max_nodes`, nearest first."""
    near = _nearest(root, max_nodes)
    nodes = _ordered(root, near)
    folded = frozenset(
        id(node) for node in nodes if any(id(parent) not in near for parent in node.parents)
    )
    total, more = _count(root)
    gradients = _gradients(root, nodes, more)
    uses: dict[int, list[Use]] = {id(node): [] for node in nodes}
    for node in nodes:
        if id(node) in folded:
            continue
        partials = iter(node.partials)
        for position, operand in enumerate(node.operands):
            if isinstance(operand, Arithmetic):
                partial = next(partials)
                back = gradients[id(node)] * partial if gradients else None
                uses[id(operand)].append(Use(node, position, back))
    frozen = {key: tuple(value) for key, value in uses.items()}
    return Graph(root, tuple(nodes), folded, total - len(nodes), more, frozen, gradients)


def _gradients(root: Any, nodes: list[Any], huge: bool) -> dict[int, float]:
    """Return the gradients of the root's own latest pass.

    What a node holds may come from a pass of another root, so the pass is computed anew; only in
    a huge graph, where that takes long, the nodes are believed.
    """
    if root._grad is None or not (root.parents or root.grad):
        return {}  # not computed yet
    if huge:
        return {id(node): node.grad for node in nodes}
    _, grads = root._sweep(root.grad)
    return {id(node): grads[node] for node in nodes}


def _nearest(root: Any, limit: int) -> set[int]:
    """Return the ids of the nodes closest to the root; a node enters with all its parents."""
    near = {id(root)}
    queue = deque([root])
    while queue:
        node = queue.popleft()
        fresh = {id(parent) for parent in node.parents} - near
        if len(near) + len(fresh) > limit:
            break
        for parent in node.parents:
            if id(parent) in fresh:
                fresh.discard(id(parent))
                near.add(id(parent))
                queue.append(parent)
    return near


def _ordered(root: Any, near: set[int]) -> list[Any]:
    """Return the shown nodes, parents before consumers, left operands first."""
    order: list[Any] = []
    entered: set[int] = set()
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            order.append(stack.pop())
        elif id(node) not in entered:
            entered.add(id(node))
            stack += [node, None]
            if all(id(parent) in near for parent in node.parents):
                stack.extend(reversed(node.parents))
    return order


def _count(root: Any) -> tuple[int, bool]:
    """Return how many nodes there are, and whether counting stopped before the end."""
    seen = {id(root)}
    stack = [root]
    while stack and len(seen) < COUNT_LIMIT:
        for parent in stack.pop().parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                stack.append(parent)
    return len(seen), bool(stack)
