"""Elements by index: as Python's brackets give them, and one tape for every index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import scalargrad as sg

ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def test_elements_are_those_of_brackets_whatever_holds_them() -> None:
    assert sg.take(ROWS, -1) is ROWS[2]
    assert sg.take((10, 20, 30), [0, -3, 2]) == [10, 10, 30]
    assert sg.take(ROWS, [[0], [1]]) == [[[1.0, 2.0]], [[3.0, 4.0]]]
    assert sg.take([["a"], ["b", "c"]], np.int64(1)) == ["b", "c"]
    assert sg.take([1.0, 2.0], np.array(1)) == 2.0


@pytest.mark.parametrize("dtype", [float, int, object])
def test_elements_of_an_array_are_an_array(dtype: Any) -> None:
    array, indices = np.arange(12).reshape(4, 3).astype(dtype), np.array([[0, -1], [2, 2]])
    taken = sg.take(array, indices)

    assert (taken.tolist(), taken.dtype) == (array[indices].tolist(), array.dtype)
    assert np.array_equal(sg.take(array, 1), array[1])


def test_elements_taken_twice_learn_twice() -> None:
    x, y = sg.values(x=2.0, y=3.0)
    sg.sum(sg.take([x, y], [0, 1, 0])).backward()

    assert (x.grad, y.grad) == (2.0, 1.0)
    assert sg.grad(lambda xs: sg.take(xs, -1) ** 2)([1.0, 2.0]) == [0.0, 4.0]


def test_one_tape_does_for_every_index() -> None:
    traced = []

    def squared(xs: Any, i: Any) -> Any:
        traced.append(1)
        return sg.take(xs, i) ** 2

    compiled = sg.compile(squared)
    xs, indices = np.arange(1.0, 401.0).reshape(4, 100), np.array([0, 57, 99, 3])
    values, (by_xs, by_index) = compiled.value_and_grad(xs, indices)

    assert values.tolist() == [xs[lane, i] ** 2 for lane, i in enumerate(indices)]
    assert [np.flatnonzero(row).tolist() for row in by_xs] == [[0], [57], [99], [3]]
    assert by_xs.sum(axis=1).tolist() == [2 * xs[lane, i] for lane, i in enumerate(indices)]
    assert by_index.tolist() == [0.0] * 4
    assert compiled(xs, -1 - indices).tolist() == [
        xs[n, -1 - i] ** 2 for n, i in enumerate(indices)
    ]
    assert len(traced) == 4  # twice each, for those from the front and those from the end


def test_rows_by_several_indices_of_each_lane() -> None:
    table = [[sg.Value(x) for x in row] for row in ROWS]
    compiled = sg.compile(lambda i: sg.take(table, i))
    indices = np.array([[0, 2], [1, -1]])

    assert compiled([0, 2]) == [[1.0, 2.0], [5.0, 6.0]]
    assert compiled(indices).tolist() == np.array(ROWS)[indices].tolist()
    sg.compile(lambda i: sg.dot(sg.take(table, i), [1.0, 10.0])).backward(np.array([1, 1, 0]))
    thirds = [x.grad * 3.0 for row in table for x in row]  # of a mean
    assert thirds == pytest.approx([1.0, 10.0, 2.0, 20.0, 0.0, 0.0])


def test_second_derivatives_have_eager_ones_for_every_index() -> None:
    def f(xs: Any, i: Any) -> Any:
        return sg.take(xs, i) ** 3 * sg.take(xs, 0)

    second = sg.compile(sg.hessian(f))
    for i in (0, 1, 2, -1):
        assert np.allclose(second([1.0, 2.0, 3.0], i), sg.hessian(f)([1.0, 2.0, 3.0], i))


def test_what_is_infinite_elsewhere_does_not_reach_the_element() -> None:
    compiled = sg.compile(sg.take)
    xs = np.array([[1.0, math.inf], [math.nan, 3.0], [math.inf, math.nan], [5.0, 6.0]])

    assert compiled(xs, np.array([0, 1, 0, 1])).tolist() == [1.0, 3.0, math.inf, 6.0]
    assert sg.compile(lambda i: sg.take([0.0, -math.inf], i))(np.array([0, 1])).tolist() == [
        0.0,
        -math.inf,
    ]


def test_elements_that_are_not_alike_are_paths() -> None:
    compiled = sg.compile(lambda x, i: sg.take([sg.sin, sg.cos], i)(x))

    assert compiled(np.zeros(3), np.array([0, 1, -1])).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("i", [3, -4, [0, 3], np.array([5])])
def test_index_out_of_range_is_refused(i: Any) -> None:
    with pytest.raises(sg.errors.InputError, match=r"take: i must be from -3 to 2; got -?\d \("):
        sg.take(ROWS, i)
    with pytest.raises(sg.errors.InputError, match=r"take: i must be from -3 to 2; got -?\d \("):
        sg.compile(lambda i: sg.take(ROWS, i))(i)


def test_index_out_of_range_in_a_later_lane_is_refused() -> None:
    compiled = sg.compile(lambda i: sg.take(ROWS, i))
    compiled(0)

    with pytest.raises(sg.errors.InputError, match=r"from -3 to 2; got 7 \(int\)"):
        compiled(np.array([1, 7]))


@pytest.mark.parametrize("i", [1.0, True, "0", None, sg.Value(1.0)])
def test_index_that_is_no_int_is_refused(i: Any) -> None:
    with pytest.raises(sg.errors.OperandError, match="take: i must be a whole number; got "):
        sg.take(ROWS, i)


@pytest.mark.parametrize("rows", [[], 3.0, "ab", {0: 1.0}, None, sg.Value(1.0), {1.0}])
def test_rows_that_are_no_list_are_refused(rows: Any) -> None:
    with pytest.raises(sg.errors.OperandError, match="take: rows must be a list or an array"):
        sg.take(rows, 0)
