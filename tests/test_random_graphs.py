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
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from oracles import ORACLES, derivative, exactly, many_terms

from scalargrad.core.order import post_order
from scalargrad.table.row import ROWS, ManyRow, Row

PROFILE = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
#: helpers that serve other rows only; nobody can build a node of them
NAMES = [n for n in ROWS if n not in ("sech2", "gauss", "erfc", "sign")]
LEAVES = st.lists(st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3), min_size=2, max_size=4)
PICK = st.integers(0, 10**6)
STEPS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.lists(PICK, min_size=6, max_size=6), st.booleans()),
    min_size=1,
    max_size=10,
)
TINY = mpf(2) ** -52


class Step:
    """One operation of a program: its nodes, and what it was computed from."""

    def __init__(self, row: Row | ManyRow, lists: list[list[Any]]) -> None:
        self.row, self.lists = row, lists
        self.operands = [operand for operands in lists for operand in operands]
        self.numbers = [_number(operand) for operand in self.operands]


def _number(operand: Any) -> float:
    return operand if isinstance(operand, float) else operand.data


def fits(row: Row | ManyRow, lists: list[list[Any]]) -> bool:
    """Tell whether all operands are where the row is regular and no two choices are equal."""
    for operands, (low, high) in zip(lists, row.sample, strict=True):
        for operand in operands:
            if not low <= _number(operand) <= high or operand in row_kinks(row):
                return False
    numbers = [_number(operand) for operands in lists for operand in operands]
    chooses = row.name in ("maximum", "minimum", "max", "min", "mae", "hinge")
    return not (chooses and len(set(numbers)) < len(numbers))


def row_kinks(row: Row | ManyRow) -> tuple[float, ...]:
    return (0.0, *getattr(row, "kinks", ()))


def squashed(Value: type, operand: Any, ends: tuple[float, float]) -> Any:
    """Return the operand, or a node of it that lies inside the row's range."""
    low, high = ends
    if low <= _number(operand) <= high:
        return operand
    half = (high - low) * 0.49
    return Value._binary(ROWS["add"], squash(Value, operand, half), (low + high) * 0.5)


def squash(Value: type, operand: Any, half: float) -> Any:
    inner = Value._binary(ROWS["mul"], operand, 0.125)
    return Value._binary(ROWS["mul"], Value._unary(ROWS["tanh"], inner), half)


def build(Value: type, numbers: list[float], program: Any) -> tuple[list[Any], list[Any]]:
    """Run a program; return its leaves and every node it made."""
    pool = [Value(number) for number in numbers]
    leaves = list(pool)
    for name, picks, plain in program:
        row = ROWS[name]
        length = 1 + picks[0] % 3 if isinstance(row, ManyRow) else 1
        lists = []
        for letter in range(row.arity):
            picked = [pool[picks[(letter * 3 + i) % 6] % len(pool)] for i in range(length)]
            lists.append([squashed(Value, x, row.sample[letter]) for x in picked])
        if plain and (row.arity == 2 or length > 1):  # another operand stays a Value
            lists[-1][-1] = _number(lists[-1][-1])
        if not fits(row, lists):
            continue
        if isinstance(row, ManyRow):
            made = Value._many(row, *lists)
        elif row.arity == 1:
            made = Value._unary(row, lists[0][0])
        else:
            made = Value._binary(row, lists[0][0], lists[1][0])
        pool.extend(made if isinstance(made, list) else [made])
    return leaves, pool


def truth(node: Any, place: int) -> tuple[Any, list[Any], list[Any]]:
    """Return the exact value of a node at the floats of its operands, its partials, their scale."""
    row, oracle = ROWS[node.op], ORACLES[node.op]
    numbers = [_number(operand) for operand in node.operands]
    length = len(numbers) // row.arity if isinstance(row, ManyRow) else 1

    def value(*operands: Any) -> Any:
        if isinstance(row, Row):
            return oracle.value(*operands)
        split = [operands[i : i + length] for i in range(0, len(operands), length)]
        made = oracle.value(*split)
        return made[place] if isinstance(made, list) else made

    wanted = [i for i, operand in enumerate(node.operands) if not isinstance(operand, float)]
    if isinstance(row, Row):
        closed = [*oracle.derivatives, None, None]
        partials = [
            exactly(closed[i], *numbers) if closed[i] else derivative(value, numbers, i)
            for i in wanted
        ]
        terms = [*oracle.partial_scales, None, None]
        scales = [exactly(terms[i], *numbers) if terms[i] else abs(p)
                  for i, p in zip(wanted, partials, strict=True)]  # fmt: skip
    else:
        lists = [numbers[i : i + length] for i in range(0, len(numbers), length)]
        partials = [derivative(value, numbers, i) for i in wanted]
        every = many_terms(row.name, lists, place)[1]
        scales = [every[i] or abs(p) for i, p in zip(wanted, partials, strict=True)]
    return exactly(value, *numbers), partials, scales


def check_forward_and_backward(leaves: list[Any], root: Any) -> int:
    """Compare every value and every leaf gradient with the oracles; return how many nodes."""
    order = post_order(root)
    tangents: dict[Any, dict[Any, Any]] = {leaf: {leaf: mpf(1)} for leaf in leaves}
    sizes: dict[Any, dict[Any, Any]] = {leaf: {leaf: mpf(1)} for leaf in leaves}
    made = 0
    for node in order:
        if not node.parents:
            continue
        made += 1
        place = place_of(node)
        exact, partials, scales = truth(node, place)
        largest = max([abs(exact), 1, *(abs(mpf(_number(o))) for o in node.operands)])
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
        allowed = (10 * made + 4) * TINY * size + mpf(2) ** -1060
        assert abs(mpf(leaf.grad) - exact) <= allowed, (leaf, mp.nstr(exact, 20))
    return made


def place_of(node: Any) -> int:
    """Return which of several results a node is: the one whose value it holds."""
    if node.op not in ("softmax", "log_softmax"):
        return 0
    numbers = [_number(operand) for operand in node.operands]
    results = ROWS[node.op].value(numbers)
    places = [
        i for i, result in enumerate(results)
        if result == node.data
        and (isinstance(node.operands[i], float) or _own(node, i))
    ]  # fmt: skip
    return places[0]


def _own(node: Any, place: int) -> bool:
    """Tell whether the partial by the operand at a place is that of its own entry."""
    parent_place = sum(not isinstance(o, float) for o in node.operands[:place])
    return node.partials[parent_place] >= 0.0


@PROFILE
@given(numbers=LEAVES, program=STEPS)
def test_random_program_has_the_exact_values_and_gradients(Value, numbers, program):
    leaves, pool = build(Value, numbers, program)
    interior = [node for node in pool if node.parents]
    assume(interior)

    root = Value._many(ROWS["sum"], interior)
    made = check_forward_and_backward(leaves, root)

    event(f"{made // 5 * 5} nodes or a few more")


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
    check_forward_and_backward(leaves, Value._many(ROWS["sum"], [n for n in pool if n.parents]))


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
