"""The pictures of micrograd's notebooks, as DOT: a box a Value, a circle an operation."""

from __future__ import annotations

import re
from typing import Any

import graphviz

from ..core.order import post_order
from ..errors import InputError, unwanted

_DIRECTIONS = ("LR", "TB")

#: what means something in a record of DOT
_SPECIAL, _ESCAPED = re.compile(r"[\\{}|<>]"), r"\\\g<0>"


def trace(root: Any) -> tuple[set[Any], set[tuple[Any, Any]]]:
    """Return the nodes of a graph, and its edges: pairs of an operand and its result.

    >>> from scalargrad.micrograd.engine import Value
    >>> nodes, edges = trace(Value(2.0) * 3)
    >>> len(nodes), len(edges)
    (3, 2)
    """
    nodes = post_order(root, parents=lambda node: list(node._prev))
    return set(nodes), {(child, node) for node in nodes for child in node._prev}


def draw_dot(root: Any, format: str = "svg", rankdir: str = "LR") -> graphviz.Digraph:
    """Return the graph as the notebooks of micrograd draw it.

    A Value with a `label` shows it before its number, as in the first lecture. `rankdir` is "LR",
    from left to right, or "TB", from top to bottom. To show or to render it, the program `dot` of
    Graphviz is needed; `scalargrad.draw` needs none.

    Raises: `ValueError` for another direction.

    >>> from scalargrad.micrograd.engine import Value
    >>> draw_dot(Value(2.0) * 3).source.splitlines()[0]
    'digraph {'
    """
    if rankdir not in _DIRECTIONS:
        must = "rankdir must be one of LR, TB"
        raise InputError(unwanted("draw_dot", must, rankdir, 'pass "LR"'))
    dot = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    nodes = post_order(root, parents=lambda node: list(node._prev))
    for node in nodes:
        name = str(id(node))
        parts = f"data {node.data:.4f} | grad {node.grad or 0:.4f}"
        if label := getattr(node, "label", ""):
            parts = f"{_SPECIAL.sub(_ESCAPED, str(label))} | {parts}"
        dot.node(name, label=f"{{ {parts} }}", shape="record")
        if node._op:
            dot.node(name + node._op, label=node._op)
            dot.edge(name + node._op, name)
    for node in nodes:
        for child in node._prev:
            dot.edge(str(id(child)), str(id(node)) + node._op)
    return dot
