"""A row of a batch is to the function what an array is at one point: an array of Values."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scalargrad as sg

P = np.array([[1.0, 2.0], [3.0, 0.5], [-1.0, 4.0]])
W = [sg.Value(0.5), sg.Value(-2.0)]
A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

#: what means something else of a list, or is not there
OF_ARRAYS: dict[str, Callable[[Any], Any]] = {
    "dot of sums": lambda p: sg.dot(p + p, p + p),
    "times two": lambda p: sg.sum(p * 2),
    "two times": lambda p: sg.sum(2 * p),
    "square": lambda p: (p**2).sum(),
    "times itself": lambda p: (p * p).mean(),
    "product": lambda p: p @ p,
    "matrix": lambda p: (A @ p).sum(),
    "negated": lambda p: sg.dot(-p, p),
    "shifted": lambda p: sg.dot(p - 1.0, p / 2.0),
    "exp": lambda p: np.exp(p).sum(),
    "norm": lambda p: np.linalg.norm(p),
    "masked": lambda p: (p[p > 0.75] ** 2).sum(),
    "chosen": lambda p: np.where(p > 0.75, p, -p).sum(),
    "greatest": lambda p: p.max() * p.min(),
    "by a list": lambda p: (p * [3.0, 4.0]).sum(),
    "by a parameter": lambda p: (p * W).sum(),
    "by its shape": lambda p: p.sum() * p.shape[0] * p.ndim,
    "reversed": lambda p: sg.dot(p[::-1], p),
}

#: what is written for lists, and goes with both
OF_LISTS: dict[str, Callable[[Any], Any]] = {
    "indices": lambda x: x[0] * x[1] - x[-1],
    "length": lambda x: sum(x[i] * i for i in range(len(x))),
    "loop": lambda x: sum(w * w for w in x),
    "pairs": lambda x: sum(a * b for a, b in zip(x, W, strict=True)),
    "unpacked": lambda x: (lambda a, b: a * b)(*x),
    "joined": lambda x: sg.dot([*x, *x], [1.0, 2.0, 3.0, 4.0]),
    "dot": lambda x: sg.dot(x, W),
    "sorted": lambda x: sorted(x)[0],
    "greatest": lambda x: max(x),
    "slices": lambda x: sum(x[1:]) + sum(x[:-1]),
    "where it is empty": lambda x: sum(x[2:], 1.0) * x[0],
    "softmax": lambda x: sg.softmax(x)[0],
    "a list of it": lambda x: sg.sum(list(x) + list(x)),
}


@pytest.mark.parametrize("f", [*OF_ARRAYS.values(), *OF_LISTS.values()])
def test_a_batch_gives_what_each_row_gives_by_itself(f: Callable[[Any], Any]) -> None:
    compiled = sg.compile(f)
    values, (grads,) = compiled.value_and_grad(P)
    assert compiled(P).tolist() == values.tolist()
    assert grads.shape == P.shape
    total = sum(sg.value_and_grad(f)(row)[0] for row in P)
    for row, value, grad in zip(P, values, grads, strict=True):
        wanted, slope = sg.value_and_grad(f)(row)
        assert value == pytest.approx(wanted, rel=1e-15)
        np.testing.assert_allclose(grad, slope, rtol=1e-15)
        assert sg.value_and_grad(compiled)(row)[0] == value
    assert compiled.backward(P, reduction="sum") == pytest.approx(total)


@pytest.mark.parametrize("f", OF_LISTS.values())
def test_a_list_stays_a_list(f: Callable[[Any], Any]) -> None:
    for row in P.tolist():
        assert sg.compile(f)(row) == sg.value_and_grad(f)(row)[0]


def test_of_lists_plus_joins_and_times_repeats() -> None:
    assert sg.compile(lambda x: x + x)([1.0, 2.0]) == [1.0, 2.0, 1.0, 2.0]
    assert sg.compile(lambda x: x * 2)([1.0, 2.0]) == [1.0, 2.0, 1.0, 2.0]
    assert sg.compile(lambda x: x[0] + x[1])([[1.0], [2.0]]) == [1.0, 2.0]


@pytest.mark.parametrize("shape", [(2, 3), (2, 1), (2, 2, 3), (3, 1, 2, 2)])
def test_results_and_gradients_keep_their_shapes(shape: tuple[int, ...]) -> None:
    rows = np.arange(float(np.prod(shape))).reshape(shape)
    assert sg.compile(lambda x: x * 2)(rows).tolist() == (rows * 2).tolist()
    assert sg.compile(lambda x: x.T)(rows).shape == (shape[0], *shape[:0:-1])
    values, (grads,) = sg.compile(lambda x: (x**2).sum() + 0.0).value_and_grad(rows)
    assert grads.tolist() == (2 * rows).tolist()
    assert values.tolist() == (rows**2).sum(axis=tuple(range(1, rows.ndim))).tolist()


def test_arrays_inside_lists_and_dicts_are_batches_of_arrays() -> None:
    f = sg.compile(lambda p: {"sum": p["x"] + p["y"][0], "first": p["x"][0]})
    found = f({"x": P, "y": [2 * P]})
    assert found["sum"].tolist() == (3 * P).tolist()
    assert found["first"].tolist() == P[:, 0].tolist()


@pytest.mark.parametrize("kind", ["float32", ">f8", "int64", "uint8", "bool", "asfortran"])
def test_arrays_of_any_kind(kind: str) -> None:
    rows = np.asfortranarray(P) if kind == "asfortran" else abs(P).astype(kind)
    f = sg.compile(lambda x: x * 2 + x)
    assert f(rows).tolist() == (rows.astype(float) * 3).tolist()


def test_what_gives_an_array_is_one() -> None:
    class Table:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return P

    assert sg.compile(lambda x: x * 2)(Table()).tolist() == (P * 2).tolist()


def test_rows_of_whole_numbers_are_indices() -> None:
    rows = np.array([[0, 1], [2, 2], [1, 0]])
    table = [1.0, 10.0, 100.0]
    f = sg.compile(lambda x, i: x * sum(table[k] for k in i) + (i * 2)[0])
    wanted = [sum(table[k] for k in row) * 1.5 + 2 * row[0] for row in rows]
    assert f(1.5, rows).tolist() == wanted


def test_an_array_at_one_point_and_a_row_have_one_tape() -> None:
    f = sg.compile(OF_ARRAYS["square"])
    f(P)
    both = sg.value_and_grad(f)(P[0])
    assert (both[0], both[1].tolist()) == (5.0, [2.0, 4.0])
    assert len(f.tapes) == 1


def test_names_of_a_row() -> None:
    f = sg.compile(lambda x, y: x[0] * y[1, 0])
    f(P, np.ones((3, 2, 1)))
    assert f.tape.names == ("x[0]", "x[1]", "y[0, 0]", "y[1, 0]")


def test_anomaly_mode_sees_arrays_too() -> None:
    f = sg.compile(OF_ARRAYS["square"])
    with sg.detect_anomaly():
        assert f(P).tolist() == (P**2).sum(axis=1).tolist()


def squares(p: Any) -> Any:
    """Stand in the module, where a pickle finds it."""
    return (p**2).sum() if p[0] > 0 else p.sum()


def test_a_pickle_knows_rows() -> None:
    f = sg.compile(squares)
    wanted = f(P).tolist()
    again = pickle.loads(pickle.dumps(f))
    assert again(P).tolist() == wanted
    assert len(again.tapes) == len(f.tapes)


def test_what_is_written_for_lists_alone_is_explained() -> None:
    more = [1.0, 2.0, 3.0]
    for f in (lambda x: x.append(1.0), lambda x: 1.0 if x else 2.0, lambda x: x + more):
        with pytest.raises((AttributeError, ValueError)) as caught:
            sg.compile(f)(P)
        assert "x.tolist() makes a list of it" in "".join(caught.value.__notes__)
    joined = sg.compile(lambda x: x.tolist() + more)
    assert joined(P)[0].tolist() == [1.0, 2.0, 1.0, 2.0, 3.0]
