"""Random programs over all rows, against a forward mode of exact partials by mpmath.

Each node is checked at the floats that its operands really held: its value against the oracle,
then its gradients by carrying exact tangents forward through the oracles' derivatives. The
same pass carries the size of all paths, which is what rounding may be measured against.
"""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import math
from typing import Any

import pytest
from engines import apply_row
from hypothesis import assume, event, given
from hypothesis import strategies as st
from mpmath import mp, mpf
from oracles import ORACLES, derivative, exactly, many_terms
from row_programs import LEAVES, NAMES, PROFILE, STEPS, build, number_of

from scalargrad.core.order import post_order
from scalargrad.table.row import ROWS, ManyRow, Row

TINY = mpf(2) ** -52


def truth(node: Any, index: int) -> tuple[Any, list[Any], list[Any]]:
    """Return the exact value of a node at the floats of its operands, its partials, their scale."""
    row, oracle = ROWS[node.op], ORACLES[node.op]
    numbers = [number_of(operand) for operand in node.operands]
    length = len(numbers) // row.arity if isinstance(row, ManyRow) else 1

    def value(*operands: Any) -> Any:
        if isinstance(row, Row):
            return oracle.value(*operands)
        split = [operands[i : i + length] for i in range(0, len(operands), length)]
        computed = oracle.value(*split)
        return computed[index] if isinstance(computed, list) else computed

    values = [i for i, operand in enumerate(node.operands) if not isinstance(operand, float)]
    if isinstance(row, Row):
        closed = [*oracle.derivatives, None, None]
        partials = [
            exactly(closed[i], *numbers) if closed[i] else derivative(value, numbers, i)
            for i in values
        ]
        terms = [*oracle.partial_scales, None, None]
        scales = [exactly(terms[i], *numbers) if terms[i] else abs(p)
                  for i, p in zip(values, partials, strict=True)]  # fmt: skip
    else:
        lists = [numbers[i : i + length] for i in range(0, len(numbers), length)]
        partials = [derivative(value, numbers, i) for i in values]
        every = many_terms(row.name, lists, index)[1]
        scales = [every[i] or abs(p) for i, p in zip(values, partials, strict=True)]
    return exactly(value, *numbers), partials, scales


def check_forward_and_backward(leaves: list[Any], root: Any) -> int:
    """Compare every value and every leaf gradient with the oracles; return how many nodes."""
    order = post_order(root)
    tangents: dict[Any, dict[Any, Any]] = {leaf: {leaf: mpf(1)} for leaf in leaves}
    sizes: dict[Any, dict[Any, Any]] = {leaf: {leaf: mpf(1)} for leaf in leaves}
    count = 0
    for node in order:
        if not node.parents:
            continue
        count += 1
        index = index_of_result(node)
        exact, partials, scales = truth(node, index)
        largest = max([abs(exact), 1, *(abs(mpf(number_of(o))) for o in node.operands)])
        assert abs(mpf(node.data) - exact) <= 16 * TINY * largest, node
        tangents[node], sizes[node] = {}, {}
        for parent, partial, scale in zip(node.parents, partials, scales, strict=True):
            for leaf, tangent in tangents[parent].items():
                old = tangents[node].get(leaf, 0)
                tangents[node][leaf] = old + partial * tangent
            for leaf, size in sizes[parent].items():
                sizes[node][leaf] = sizes[node].get(leaf, 0) + max(abs(partial), scale) * size
    root.backward()
    for leaf in leaves:
        exact, size = tangents[root].get(leaf, mpf(0)), sizes[root].get(leaf, mpf(0))
        allowed = (10 * count + 4) * TINY * size + mpf(2) ** -1060
        assert abs(mpf(leaf.grad) - exact) <= allowed, (leaf, mp.nstr(exact, 20))
    return count


def index_of_result(node: Any) -> int:
    """Return which of several results a node is: the one whose value it holds."""
    if node.op not in ("softmax", "log_softmax"):
        return 0
    numbers = [number_of(operand) for operand in node.operands]
    results = ROWS[node.op].value(numbers)
    indices = [
        i for i, result in enumerate(results)
        if result == node.data
        and (isinstance(node.operands[i], float) or _own(node, i))
    ]  # fmt: skip
    return indices[0]


def _own(node: Any, index: int) -> bool:
    """Tell whether the partial by the operand at an index is that of its own entry."""
    parent_index = sum(not isinstance(o, float) for o in node.operands[:index])
    return node.partials[parent_index] >= 0.0


@PROFILE
@given(numbers=LEAVES, program=STEPS)
def test_random_program_has_the_exact_values_and_gradients(Value, numbers, program):
    leaves, pool = build(Value, numbers, program)
    interior = [node for node in pool if node.parents]
    assume(interior)

    root = apply_row(Value, ROWS["sum"], interior)
    count = check_forward_and_backward(leaves, root)

    event(f"{count // 5 * 5} nodes or a few more")


@pytest.mark.parametrize("name", NAMES)
def test_random_program_around_each_row_has_the_exact_gradients(Value, name):
    # the same check where the row surely takes part, twice, with a value that is shared
    picks = [4, 0, 1, 2, 1, 0]
    program = [
        ("tanh", picks, False), ("add", picks, False), (name, picks, False),
        ("mul", [3, 4, 5, 4, 2, 1], False), (name, [1, 2, 0, 0, 1, 3], True),
    ]  # fmt: skip

    leaves, pool = build(Value, [0.75, 1.25, -0.5], program)

    assert name in {node.op for node in pool}
    check_forward_and_backward(
        leaves, apply_row(Value, ROWS["sum"], [n for n in pool if n.parents])
    )


@PROFILE
@given(numbers=LEAVES, program=STEPS)
def test_random_program_gives_the_same_bits_twice_and_accumulates(Value, numbers, program):
    leaves, pool = build(Value, numbers, program)
    again, pool_again = build(Value, numbers, program)

    pool[-1].backward()
    pool_again[-1].backward()
    first = [leaf.grad.hex() for leaf in leaves]
    assert first == [leaf.grad.hex() for leaf in again]

    before = [leaf.grad for leaf in leaves]
    pool[-1].backward()
    assert [leaf.grad for leaf in leaves] == [2 * grad for grad in before]


@PROFILE
@given(numbers=LEAVES, program=STEPS, upstream=st.sampled_from([-2.0, 0.5, 4.0]))
def test_random_program_is_linear_in_the_upstream_gradient(Value, numbers, program, upstream):
    leaves, pool = build(Value, numbers, program)

    pool[-1].backward()
    once = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = 0.0
    pool[-1].backward(upstream)

    scaled = [upstream * grad for grad in once]
    assert all(
        a == b or math.isclose(a, b, rel_tol=0, abs_tol=1e-300)
        for a, b in zip([leaf.grad for leaf in leaves], scaled, strict=True)
    )
