"""Several results in one picture: a node that is not drawn depends on all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextvars import Context
from typing import Any

from ...core.order import post_order
from .survey import is_leaf

#: a gradient that differs by less from what came back from other results is theirs
_NOISE = 1e-9


def together(results: Sequence[Any]) -> Any:
    """Return a node whose pass is that of all results, each with the upstream it was given.

    It is made outside of any scope. Where no pass has been, none has been of it.
    """
    first = results[0]
    upstream = _upstream(results)
    partials = tuple(upstream.get(id(result), 0.0) for result in results)
    operands = tuple(results)
    node = Context().run(first._record, 0.0, "", operands, operands, partials)
    if upstream:
        node._grad = 1.0
    return node


def unreached(results: Sequence[Any]) -> set[int]:
    """Return the ids of what only results without a pass depend on: nothing flows back there."""
    reached: set[int] = set()
    others: set[int] = set()
    for result in results:
        (others if result._grad is None else reached).update(map(id, post_order(result)))
    return others - reached if reached else set()


def _upstream(results: Sequence[Any]) -> dict[int, float]:
    """Return what passes began with, by the ids of results: not what came back from other ones.

    A node holds the gradient of the latest pass through it, so that is either of the two.
    """
    passed = [result for result in results if result._grad is not None]
    if not passed:
        return {}
    last = Context().run(passed[0]._record, 0.0, "", tuple(passed), tuple(passed),
                         (1.0,) * len(passed))  # fmt: skip
    place = {id(node): index for index, node in enumerate(post_order(last))}
    found: dict[int, float] = {}
    came: dict[int, float] = {}
    for result in sorted(passed, key=lambda one: place[id(one)], reverse=True):  # consumers first
        known, held = came.get(id(result), 0.0), float(result.grad)
        from_others = known and (is_leaf(result) or math.isclose(held, known, rel_tol=_NOISE))
        found[id(result)] = 0.0 if from_others else held
        _, gradients = result._sweep(found[id(result)])
        for other in passed:
            if other is not result:
                came[id(other)] = came.get(id(other), 0.0) + gradients.get(other, 0.0)
    return found
