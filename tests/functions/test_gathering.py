"""Elements by index: as Python's brackets give them, and one tape for every index."""

from __future__ import annotations

import dataclasses
import math
import pickle
from array import array
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.tape.tape import check

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


@pytest.mark.parametrize("i", [1.5, True, np.True_, "0", None, 1j, sg.Value(1.5)])
def test_index_that_is_no_int_is_refused(i: Any) -> None:
    with pytest.raises(sg.errors.OperandError, match="take: i must be a whole number; got "):
        sg.take(ROWS, i)


@pytest.mark.parametrize("rows", [[], 3.0, "ab", {0: 1.0}, None, sg.Value(1.0), {1.0}])
def test_rows_that_are_no_list_are_refused(rows: Any) -> None:
    with pytest.raises(sg.errors.OperandError, match="take: rows must be a list or an array"):
        sg.take(rows, 0)


def captured_table(rows: int = 5, width: int = 3) -> list[list[sg.Value]]:
    return [[sg.Value(0.5 * i - j) for j in range(width)] for i in range(rows)]


def gradients(table: list[list[sg.Value]]) -> list[float]:
    grads = [x.grad for row in table for x in row]
    sg.zero_grad(x for row in table for x in row)
    return grads


def test_a_captured_table_is_read_by_row_without_a_path() -> None:
    table = captured_table()

    def loss(x: Any, text: Any, k: Any) -> Any:
        rows = [sg.take(table, i) for i in text]
        tied = sg.dot(table[1], rows[0]) + sg.take([row[0] for row in table], k)
        return sg.tanh(sg.sum([sg.dot(row, rows[0]) for row in rows])) * x + tied**2

    x, text, k = np.linspace(-1, 1, 6), np.arange(18).reshape(6, 3) % 10 - 5, np.arange(6) % 5
    compiled = sg.compile(loss)
    wanted = [loss(*lane).data for lane in zip(x, text.tolist(), k.tolist(), strict=True)]
    assert compiled(x, text, k).tolist() == pytest.approx(wanted, rel=1e-15)
    compiled.backward(x, text, k, reduction="sum")
    found = gradients(table)
    for lane in zip(x, text.tolist(), k.tolist(), strict=True):
        loss(*lane).backward()
    assert found == pytest.approx(gradients(table), rel=1e-13)
    values, (by_x, by_text, by_k) = compiled.value_and_grad(x, text, k)
    assert by_text.shape == (6, 3)
    assert not by_text.any()
    assert by_k.tolist() == [0.0] * 6
    tied = [loss(0.0, t, i).data for t, i in zip(text.tolist(), k.tolist(), strict=True)]
    assert (by_x * x).tolist() == pytest.approx((values - tied).tolist(), rel=1e-9, abs=1e-12)
    assert len(compiled.tapes) == 1
    assert not compiled.tape.guards


def test_points_read_tables_too_and_values_learn() -> None:
    table = captured_table()
    compiled = sg.compile(lambda x, i, j: sg.dot(sg.take(table, i), sg.take(table, j)) * x)
    for i, j in ((0, 4), (-1, -1), (3, 2)):
        assert compiled(2.0, i, j) == (sg.dot(table[i], table[j]) * 2.0).data
        compiled.backward(2.0, i, j)
        found = gradients(table)
        (sg.dot(table[i], table[j]) * 2.0).backward()
        assert found == gradients(table)
        x = sg.Value(2.0)
        compiled(x, i, j).backward()
        assert (gradients(table), x.grad) == (found, sg.dot(table[i], table[j]).data)
    assert len(compiled.tapes) == 1
    with pytest.raises(sg.errors.InputError, match=r"take: i must be from -5 to 4; got 5 \(int\)"):
        compiled(2.0, 5, 0)
    with pytest.raises(sg.errors.InputError, match="take: i must be from -5 to 4; got -6"):
        compiled(np.ones(2), np.array([0, -6]), 0)


def test_an_index_out_of_range_where_another_path_goes_is_none() -> None:
    table = captured_table(3, 2)
    compiled = sg.compile(lambda x, i: sg.sum(sg.take(table, i)) if x > 0 else x)
    assert compiled(np.array([1.0, -1.0, 1.0]), np.array([0, 7, 2])).tolist() == [-1.0, -1.0, 1.0]


def test_numbers_are_a_table_too_and_a_computed_index_is_one() -> None:
    compiled = sg.compile(lambda i: sg.take([1.0, 2.0, 4.0], i) + sg.take([8.0, 16.0, 32.0], i - 1))
    assert compiled(np.array([1, 2])).tolist() == [10.0, 20.0]
    assert compiled(1) == 10.0


def test_a_tape_that_reads_tables_is_written_drawn_and_pickled() -> None:
    table = captured_table(3, 2)
    compiled = sg.compile(lambda i: sg.sum(sg.take(table, i)) * table[0][0])
    compiled(2)
    text = str(compiled.tape)
    assert "row0 = take(table of 3 x 2 captured, i)" in text
    assert "1 input," in text
    assert compiled.tape.arguments == 1
    if sg.engine == "native":
        assert "row0[0]" in compiled.tape.plan()
    compiled.tape.draw()
    again = pickle.loads(pickle.dumps(compiled.tape))
    assert again.gathers == compiled.tape.gathers
    assert str(again) == text


@pytest.mark.parametrize(
    "changes",
    [
        {"by": 1}, {"by": -1}, {"by": 0.0}, {"first": 0}, {"first": 2}, {"width": 0}, {"width": 4},
        {"table": array("I")}, {"table": array("I", [0, 9])}, {"table": [0, 1]},
    ],
)  # fmt: skip
def test_a_tape_whose_tables_are_damaged_is_refused(changes: dict[str, Any]) -> None:
    table = captured_table(3, 2)
    compiled = sg.compile(lambda i: sg.sum(sg.take(table, i)))
    compiled(2)
    (gather,) = compiled.tape.gathers
    damaged = dataclasses.replace(compiled.tape, gathers=(gather._replace(**changes),))
    with pytest.raises(sg.errors.InputError, match="tape: wants "):
        check(damaged)
    with pytest.raises(sg.errors.InputError, match="tape: wants rows of tables"):
        check(dataclasses.replace(compiled.tape, gathers=(tuple(gather),)))


def test_gradients_of_many_results_that_read_tables_are_right() -> None:
    table = captured_table(4, 3)

    def results(xs: Any, i: Any) -> list[Any]:
        row = sg.take(table, i)
        return [x * r + x * x for x in xs for r in row for _ in range(8)]

    compiled = sg.compile(results)
    xs = [1.0, 2.0, 3.0]
    assert np.array_equal(sg.jacobian(compiled)(xs, 2), sg.jacobian(results)(xs, 2))
    assert np.array_equal(sg.jacobian(compiled)(xs, -4), sg.jacobian(results)(xs, -4))


# -- computed indices --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        sg.floor,
        math.floor,
        lambda x: x // 1,
        lambda x: sg.trunc(x) - 4,
        lambda x: (x > 1) + (x > 2) + (x > 3),
        lambda x: sg.sum([x > k for k in (1, 2, 3)]),
    ],
)
@pytest.mark.parametrize("rows", [[10.0, 20.0, 40.0, 70.0], [[1.0, 3.0], [2.0, 5.0]] * 2])
def test_computed_whole_number_names_a_row(step: Any, rows: Any) -> None:
    def looked_up(x: Any) -> Any:
        return x * sg.sum(np.ravel(sg.take(rows, step(x))))

    xs = np.array([0.5, 1.25, 2.5, 3.75, 1.5])
    heights = [float(np.sum(rows[math.floor(x)])) for x in xs]
    compiled = sg.compile(looked_up)
    values, (slopes,) = compiled.value_and_grad(xs)

    assert [looked_up(float(x)) for x in xs] == [x * h for x, h in zip(xs, heights, strict=True)]
    assert [sg.grad(looked_up)(float(x)) for x in xs] == heights
    assert values.tolist() == [x * h for x, h in zip(xs, heights, strict=True)]
    assert slopes.tolist() == heights


def test_computed_index_does_for_all_lanes_on_one_tape_and_reaches_captured_values() -> None:
    table = [sg.Value(float(v)) for v in (1, 2, 4)]
    compiled = sg.compile(lambda x: sg.take(table, sg.floor(x)) * x)

    compiled.backward(np.array([0.5, 1.5, 1.75, 2.0]), reduction="sum")

    assert len(compiled.tapes) == 1
    assert [v.grad for v in table] == [0.5, 3.25, 2.0]


def test_rows_that_are_not_alike_are_pinned_by_a_computed_index() -> None:
    rows = [[1.0], [2.0, 3.0], [math.inf]]
    compiled = sg.compile(lambda x: sg.sum(sg.take(rows, sg.floor(x))) + x)

    assert compiled(np.array([0.5, 1.5, 2.5])).tolist() == [1.5, 6.5, math.inf]


@pytest.mark.parametrize("number", [3.0, -4.0, 2.5, math.nan, math.inf, 1e300])
@pytest.mark.parametrize("run", [sg.grad, sg.compile, lambda f: lambda x: f(sg.Value(x))])
def test_number_that_names_no_row_is_refused_at_every_call(number: float, run: Any) -> None:
    looked_up = run(lambda x: sg.take([10.0, 20.0, 40.0], x) * x)
    looked_up(1.0)

    with pytest.raises(sg.ScalargradError, match=r"take: i must be (a whole number|from -3 to 2)"):
        looked_up(number)


def test_whole_floats_are_indices() -> None:
    assert sg.take(ROWS, np.array([1.0, -1.0])) == [ROWS[1], ROWS[2]]
    assert sg.take(ROWS, [0.0, np.float32(2.0)]) == [ROWS[0], ROWS[2]]


def test_value_between_brackets_says_what_to_write() -> None:
    x = sg.Value(1.5)
    for use in (
        lambda: ROWS[math.floor(x)],
        lambda: range(sg.floor(x)),
        lambda: ROWS[x:],
        lambda: ROWS[int(x)],
        lambda: ROWS * sg.floor(x),
    ):
        with pytest.raises(
            sg.errors.OperandError, match=r"^in.*: a Value .* write sg.take\(rows, sg.fl"
        ):
            use()
