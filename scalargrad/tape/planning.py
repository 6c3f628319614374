"""Plans a tape for the machine."""

from __future__ import annotations

from array import array
from itertools import chain
from typing import Any

#: instead of a share of the cost: a plan is not to be vectorised
NEVER = -1.0


def plan_tape(
    native: Any,
    tape: Any,
    output: int,
    *,
    by_inputs: bool,
    by_captured: bool,
    is_fast: bool,
    is_for_points: bool,
    vector_share: float,
) -> Any:
    """Return a plan for batches or for points.

    One for points is vectorised if that takes at most a share of the cost; else there is None.
    """
    sides = ((g.comparison, g.left, g.right, g.outcome) for g in tape.guards)  # a RecordedGuard
    guards = array("I", chain.from_iterable(sides))
    return native.plan(
        inputs=tape.inputs, captured=tape.direct, ops=tape.ops, starts=tape.starts,
        operands=tape.operands, results=tape.results, constants=tape.constants,
        outputs=tape.outputs, guards=guards, by_inputs=by_inputs, by_captured=by_captured,
        root=output, is_fast=is_fast, is_for_points=is_for_points,
        vector_share=vector_share,
    )  # fmt: skip
