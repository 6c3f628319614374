"""The one walk over a graph, and the edges of a node."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad.core.order import edges, interior_order, post_order
from scalargrad.table.ops import DOT, SUM

#: for each thing the things before it that it needs, from left to right
GRAPHS = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        *(st.lists(st.integers(0, i - 1), max_size=3) if i else st.just([]) for i in range(count))
    )
)


def recursive(graph: Sequence[Sequence[int]], *roots: int) -> list[int]:
    """Return the post-order as its definition says it."""
    order: list[int] = []
    entered = set()

    def enter(thing: int) -> None:
        if thing not in entered:
            entered.add(thing)
            for parent in graph[thing]:
                enter(parent)
            order.append(thing)

    for root in roots:
        enter(root)
    return order


@given(GRAPHS, st.data())
def test_order_is_that_of_the_definition_from_any_roots(
    graph: Sequence[Sequence[int]], data: st.DataObject
) -> None:
    roots = data.draw(st.lists(st.integers(0, len(graph) - 1), max_size=3))

    order = post_order(*roots, parents=graph.__getitem__)

    assert order == recursive(graph, *roots)


def test_things_are_one_where_they_or_their_keys_are_equal() -> None:
    big = 10**20
    needed = {1: [big, int(str(big))], big: []}  # one number, two objects

    assert post_order(1, parents=needed.__getitem__) == [big, 1]
    assert post_order(1, parents=needed.__getitem__, key=id) == [big, big, 1]


def test_walk_of_a_derivative_does_not_read_the_ints_of_a_trace() -> None:
    slope = sg.compile(lambda x, n: sg.grad(lambda m: m * x * m)(n) * 1.0)

    assert (slope(1.5, 3), slope(1.5, 4)) == (9.0, 12.0)
    assert len(slope.tapes) == 1  # a hash would make each int a path of its own


def test_shared_node_comes_once_and_before_all_that_use_it(Value) -> None:
    x = Value(2.0)
    square = x * x
    left, right = square + x, square * 3.0
    root = left * right

    order = post_order(root)

    assert [id(node) for node in order] == [id(n) for n in (x, square, left, right, root)]
    assert [id(n) for n in interior_order(root)] == [id(n) for n in (square, left, right, root)]
    assert interior_order(x) == []


def test_accessor_says_where_the_walk_ends(Value) -> None:
    x = Value(2.0)
    inside = x * 3.0
    root = (inside + 1.0) * x

    order = post_order(root, parents=lambda node: () if node is inside else node.parents)

    assert [id(node) for node in order] == [id(n) for n in (inside, root.parents[0], x, root)]


def test_chain_of_any_length_is_no_recursion(Value) -> None:
    node = x = Value(1.0)
    for _ in range(200_000):
        node = node + 1.0

    order = post_order(node)

    assert len(order) == 200_001
    assert order[0] is x
    assert order[-1] is node
    assert len(interior_order(node)) == 200_000


def test_edges_are_the_values_with_their_positions_and_partials(Value) -> None:
    x, y = Value(2.0), Value(3.0)

    assert list(edges(x * y)) == [(0, x, 3.0), (1, y, 2.0)]
    assert list(edges(5.0 - x)) == [(1, x, -1.0)]
    assert list(edges(x * x)) == [(0, x, 2.0), (1, x, 2.0)]
    assert list(edges(sg.dot([x, 7.0], [4.0, y]))) == [(0, x, 4.0), (3, y, 7.0)]
    assert list(edges(x)) == []


@pytest.mark.parametrize("operands", [[1, 2], (1, 2), [1, 2, 3, 4], []])
def test_row_of_many_operands_splits_them_into_its_lists(operands: Sequence[int]) -> None:
    half = len(operands) // 2

    assert DOT.split(operands) == [operands[:half], operands[half:]]
    assert SUM.split(operands) == [operands]
