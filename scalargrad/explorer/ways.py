"""The ways from one value to the result: each a product of partials, all together its gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.order import edges
from ..drawing.page.steps import Walk
from ..drawing.select.graph import Flow
from ..drawing.words.rules import sign

#: ways that are listed; of more there is only the number
MOST_WAYS = 32


@dataclass(frozen=True)
class Way:
    """One way: what it passes in the picture, the signs of its operations, their partials."""

    passed: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    factors: tuple[float, ...] = ()

    @property
    def product(self) -> float:
        """What comes back on this way alone, of an upstream 1."""
        return math.prod(reversed(self.factors))  # from the result back, as the pass goes

    def on(self, passed: Sequence[str], sign: str, factor: float) -> Way:
        """Return the way with one operation more."""
        return Way((*self.passed, *passed), (*self.signs, sign), (*self.factors, factor))


def ways_of(walk: Walk, flow: Flow) -> tuple[list[Way], int]:
    """Return the ways from a value to the result, and their number; no way where there are many.

    Where not all of the graph is shown, the number is 0.
    """
    if walk.graph.left_out or walk.graph.boxed:
        return [], 0
    count = _counted(walk)[id(flow)]
    if count > MOST_WAYS:
        return [], count
    ways: list[Way] = []
    waiting = [(flow, Way())]
    while waiting:
        here, way = waiting.pop()
        shown = walk.shown[id(here)]
        stem = [shown.about] * shown.forked
        if here.value is walk.graph.root:
            ways.append(replace(way, passed=(*way.passed, *stem, f"{shown.about}.r")))
        for number, use in reversed([*enumerate(here.uses)]):
            target = use.target
            assert target is not None  # all is shown
            node, position = use.edges[0]
            passed = [*stem, f"{shown.about}.{number}", walk.about_of[id(target)]]
            gone = way.on(passed, sign(node, target.row), _partial(node, position))
            waiting.append((target.flows[0], gone))
    return ways, count


def _counted(walk: Walk) -> dict[int, int]:
    """Return how many ways each value has, from the result back."""
    counts: dict[int, int] = {}
    for vertex in reversed(walk.graph.vertices):
        for flow in vertex.flows:
            targets = [use.target.flows[0] for use in flow.uses if use.target is not None]
            ends = flow.value is walk.graph.root
            counts[id(flow)] = ends + sum(counts[id(target)] for target in targets)
    return counts


def _partial(node: Any, position: int) -> float:
    return next(partial for at, _, partial in edges(node) if at == position)
