"""Every row at the points its own formulas compare with: derivatives to the third order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from branches import agree, branch_points, one_sided, orders
from engines import ENGINES, apply_row, engine_class
from mpmath import mp, mpf

import scalargrad as sg
from scalargrad.calculus.kinks import is_at_kink
from scalargrad.table.row import ROWS, ManyRow

#: in the last place of the largest derivative up to the order
ULPS = 4
TINY = mpf(2) ** -1074  # the last place where doubles end
#: the largest term of a derivative, where terms cancel
TERMS = {"binary_cross_entropy_with_logits": 0.5}
#: rows that are no functions of mathematics, or are met within others and their derivatives only;
#: the digits of round are no number
OWN = {"numbered", "normal_tail", "round"}
NAMES = [name for name in ROWS if name not in OWN and not name.startswith(("pow_", "xlogy_"))]
CLASSES = [engine_class(name) for name in ENGINES]


def test_points_are_those_that_the_formulas_compare_with() -> None:
    assert {(2.0, 0.0), (0.0, 2.0), (-0.0, 1.0), (2.0, 2.0)} <= set(branch_points("pow"))
    assert {(64.0, 0.5), (-64.0, 1.0)} <= set(branch_points("gauss"))
    assert len(NAMES) > 60


def node_of(name: str, operands: Sequence[Any], Value: type) -> Any:  # noqa: N803
    row = ROWS[name]
    lists = row.split(operands) if isinstance(row, ManyRow) else operands
    made = apply_row(Value, row, *lists)
    return made[0] if isinstance(made, list) else made


def derivatives(node: Any, by: Sequence[Any]) -> tuple[float, float]:
    """Return a derivative of a derivative ..., the last one as a number and in a graph."""
    for x in by[:-1]:
        node = sg.gradients(node, x, create_graph=True)
        if not node.parents and not any(node is x for x in by):  # it changes no more
            return 0.0, 0.0
    graph = sg.gradients(node, by[-1], create_graph=True)
    return sg.gradients(node, by[-1]), graph.data


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_to_the_third_order_are_right_on_every_branch(name: str) -> None:
    for point in branch_points(name):
        value = node_of(name, [CLASSES[0](x) for x in point], CLASSES[0]).data
        if math.isnan(value):
            continue
        # steps that grow without end have no limit; each of them is flat
        flat = [mpf(0)] if name == "floordiv" and math.isinf(value) else None
        known: dict[tuple[int, ...], list[Any]] = {}
        for order in orders(name, len(point)):
            times = tuple(map(order.count, range(len(point))))
            if times not in known:
                known[times] = flat or one_sided(name, point, times)
            check(name, point, order, known)


def check(
    name: str, point: Sequence[float], order: Sequence[int], known: dict[tuple[int, ...], list[Any]]
) -> None:
    """Compare one derivative, the operands by which nobody differentiates being plain or not."""
    limits = known[tuple(map(order.count, range(len(point))))]
    for Value in CLASSES:
        for others in (float, Value) if set(order) < set(range(len(point))) else (float,):
            operands = [Value(x) if i in order else others(x) for i, x in enumerate(point)]
            node = node_of(name, operands, Value)
            if is_excused(node, order, limits):
                continue
            for found in derivatives(node, [operands[i] for i in order]):
                about = f"{name}{point} by {order}: {found}, not {[*map(float, limits)]}"
                assert any(is_near(name, found, limit, known, point) for limit in limits), about


def is_excused(node: Any, order: Sequence[int], limits: Sequence[Any]) -> bool:
    """Tell whether a derivative is a matter of convention: the table of special points has it."""
    if not limits or (node.op == "copysign" and node.operands[1] == 0.0):
        return True
    row = ROWS[node.op]
    if row.kink and is_at_kink(node):  # of higher orders those that have a side have that one
        return len(order) == 1 or not agree(limits)
    return node.op == "pow" and node.operands[0] == 0.0 == node.operands[1] and len(order) == 1


def is_near(
    name: str,
    found: float,
    limit: Any,
    known: dict[tuple[int, ...], list[Any]],
    point: Sequence[float],
) -> bool:
    if not mp.isfinite(limit):  # of -0 there is no other side
        signed = any(x == 0.0 and math.copysign(1.0, x) < 0.0 for x in point)
        return found == limit or (signed and abs(found) == abs(limit))
    finite = [abs(x) for limits in known.values() for x in limits if mp.isfinite(x)]
    scale = max(*finite, TERMS.get(name, 0.0))
    return math.isfinite(found) and abs(found - limit) <= ULPS * max(mpf(2) ** -52 * scale, TINY)
