"""How much flows back: arrows as thick as their gradients, and units that let nothing through."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, sqrt

from ...core.order import edges
from .graph import Graph, Vertex

#: the thickness of the smallest and of the largest gradient
THINNEST, THICKEST = 0.8, 5.2
#: the steepest slopes of units, and the part of it below which one is saturated
_STEEPEST = {"relu": 1.0, "sigmoid": 0.25, "tanh": 1.0, "softplus": 1.0, "silu": 1.0, "gelu": 1.0}
_FLAT = 0.04
NOTE = "grey units let nothing back, or almost nothing"


def strokes(graph: Graph) -> dict[int, float]:
    """Return how thick the red arrows of a picture are, by the ids of flows and uses.

    It grows with the root of the gradient's size, so that small ones can be told apart too; of
    several values that go together it is the largest.
    """
    sizes: dict[int, float] = {}
    gradients: Mapping[object, float] = graph.gradients
    for flow in graph.flows:
        sizes[id(flow)] = max(abs(gradients.get(value, 0.0)) for value in flow.values)
        for use in flow.uses:
            sizes[id(use)] = sizes[id(flow)] if use.backward is None else abs(use.backward)
    largest = max((size for size in sizes.values() if isfinite(size)), default=0.0) or 1.0
    return {
        one: THINNEST
        + (THICKEST - THINNEST) * sqrt(min(size / largest, 1.0) if size == size else 0)
        for one, size in sizes.items()
    }


def is_idle(vertex: Vertex) -> bool:
    """Tell whether a unit is dead or saturated: its slope here is nothing beside its steepest."""
    if vertex.is_box or vertex.is_leaf or vertex.cut or vertex.row is None:
        return False
    steepest = _STEEPEST.get(vertex.row.name)
    slopes = [abs(partial) for _, _, partial in edges(vertex.node)] if steepest else []
    return bool(slopes) and max(slopes) <= _FLAT * (steepest or 0.0)
