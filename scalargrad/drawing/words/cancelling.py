"""What is left where terms of opposite sign cancel: an error of rounding, shown as a marked 0."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ...core.arithmetic import is_value
from ...core.order import edges
from ...table.ops import ADD, DOT, MEAN, SUB, SUM
from ..select.graph import Flow, Graph, Vertex
from .pieces import Beside, Sign, Typeset
from .wording import Side

#: so many units in the last place of the sum of all sizes are an error of rounding
ULPS = 4
#: what stands for it, and what is said of it below
ZERO = Typeset([Beside((Sign("0"), Sign("*", faint=True)))])
NOTE = "0* is what rounding leaves where terms cancel"

#: the texts of which it is so: forward by the id of a flow, backward of a flow or a use
LeftOver = frozenset[tuple[Side, int]]


def is_left_over(total: float, terms: Sequence[float]) -> bool:
    """Tell whether a sum is but an error of rounding.

    >>> is_left_over(0.1 + 0.2 - 0.3, [0.1 + 0.2, -0.3]), is_left_over(1e-17, [1e-17])
    (True, False)
    """
    if not total or not min(terms, default=0.0) < 0.0 < max(terms):
        return False
    scale = math.fsum(map(abs, terms))
    limit = ULPS * math.ulp(scale)  # nan where a term is
    return abs(total) <= limit and abs(math.fsum(terms) - total) <= limit


def left_over(graph: Graph) -> LeftOver:
    """Return which numbers of a picture are what is left where terms cancel."""
    found: set[tuple[Side, int]] = set()
    back = _Back(graph)
    for vertex in graph.vertices:
        for flow in vertex.flows:
            if flow.named is None:
                if is_left_over(flow.value.data, _terms(vertex, flow.value)):
                    found.add(("forward", id(flow)))
                found.update(("backward", one) for one in back.of(flow))
    return frozenset(found)


def _terms(vertex: Vertex, node: Any) -> list[float]:
    """Return the terms of which a value is the sum; none where it is no sum."""
    if vertex.is_box or vertex.row not in (ADD, SUB, SUM, MEAN, DOT):
        return []
    numbers = [float(x.data if is_value(x) else x) for x in node.operands]
    if vertex.row is SUB:
        return [numbers[0], -numbers[1]]
    if vertex.row is MEAN:
        return [number / len(numbers) for number in numbers]
    if vertex.row is DOT:
        return [x * y for x, y in zip(*DOT.split(numbers), strict=True)]
    return numbers


class _Back:
    """Finds what comes back along the arrows of a flow, term by term."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.partials: dict[int, list[float]] = {}  # id of a node -> by position

    def of(self, flow: Flow) -> Iterator[int]:
        """Yield the ids of a flow and of its uses, where the sum is left over."""
        total: list[float] = []
        for use in flow.uses if self.graph.gradients else ():
            terms = [self._term(*edge) for edge in use.edges] if use.backward is not None else []
            if use.backward is not None and is_left_over(use.backward, terms):
                yield id(use)
            total += terms
        if total and is_left_over(self.graph.gradients[flow.value], total):
            yield id(flow)

    def _term(self, node: Any, position: int) -> float:
        if id(node) not in self.partials:
            known = {place: partial for place, _, partial in edges(node)}
            self.partials[id(node)] = [known.get(i, 0.0) for i in range(len(node.operands))]
        return self.graph.gradients.get(node, 0.0) * self.partials[id(node)][position]
