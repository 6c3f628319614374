"""`compile(choose="lanes")`: Python's `max` and `min` are lines, so that lanes do not part."""

from __future__ import annotations

import builtins
import itertools
import math
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import replays
from hypothesis import given, settings
from hypothesis import strategies as st
from replays import agrees, bits

import scalargrad as sg

runner = replays.runner

POINTS = [-2.0, -0.0, 0.0, 1.5, math.inf]
PAIRS = list(itertools.product(POINTS, POINTS))
NAN = math.nan


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: max(x, y),
        lambda x, y: min(x, y),
        lambda x, y: max(x, y, 1.0) * 2.0,
        lambda x, y: min([x, 0, y]) + x,
        lambda x, y: max(v + 1.0 for v in (x, y)),
        lambda x, y: max(0, x) + min(y, 1.5),
        lambda x, y: min(max(x, -1.0), max(y, x)),
        lambda x, y: max(max([x]), min([y])),
    ],
)  # fmt: skip
def test_the_largest_is_a_line(runner: str, function: Callable[..., Any]) -> None:
    f = agrees(function, PAIRS, choose="lanes")

    assert len(f.tapes) == 1
    assert not f.tape.guards
    agrees(function, [*PAIRS, (NAN, 1.0), (1.0, NAN), (NAN, NAN)], choose="lanes")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from(POINTS[:4]), min_size=4, max_size=4), min_size=1))
def test_own_logsumexp_is_one_path(rows: list[list[float]]) -> None:
    def logsumexp(terms: Any) -> Any:
        top = max(terms)
        return top + sg.log(sum(sg.exp(x - top) for x in terms))

    f = sg.compile(logsumexp, choose="lanes")
    values, (grads,) = f.value_and_grad(np.array(rows))

    for row, value, grad in zip(rows, values, grads, strict=True):
        leaves = list(map(sg.Value, row))
        z = logsumexp(leaves)
        z.backward()
        assert bits([value]) == bits([z.data])
        assert grad == pytest.approx([x.grad for x in leaves], rel=1e-14, abs=1e-15)
    assert len(f.tapes) == 1


@pytest.mark.parametrize(
    ("function", "paths"),
    [
        (lambda xs, n: [xs[0], xs[1], 3.0][max(n, 1)], 2),  # an index: which int, is asked
        (lambda xs, n: xs[max(range(2), key=lambda i: xs[i])] * n, 2),
        (lambda xs, n: max([], default=xs[0]) * n, 1),
        (lambda xs, n: max([3.0, 2.0]) * max(xs) * n, 1),
        (lambda xs, n: max((xs[0], 1.0), (xs[1], 2.0))[1] * xs[0] * n, 2),
    ],
)
def test_what_is_no_number_is_chosen_by_python(
    runner: str, function: Callable[..., Any], paths: int
) -> None:
    f = sg.compile(function, choose="lanes")
    rows, counts = [[1.0, 2.0], [5.0, 2.0], [4.0, 7.0]], [1, 2, 1]

    found = f(np.array(rows), np.array(counts)).tolist()

    assert found == [function(row, n) for row, n in zip(rows, counts, strict=True)]
    assert len(f.tapes) == paths


@pytest.mark.parametrize("arguments", [(), ([],), (3.0,), (1.0, "a")])
def test_pythons_errors_are_pythons(arguments: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as ours:
        sg.compile(lambda x: x + max(*arguments), choose="lanes")(1.0)
    with pytest.raises(type(ours.value)) as theirs:
        max(*arguments)
    assert str(ours.value) == str(theirs.value)


def test_paths_part_without_it() -> None:
    f = sg.compile(lambda x, y: max(x, y) * 2.0)
    f(np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    assert len(f.tapes) == 2


def test_what_is_made_of_the_function_chooses_so_too() -> None:
    def function(x: Any, y: Any, *, kind: str = "") -> Any:
        return max(x, y) ** 3 * (2.0 if kind else 1.0)

    f = sg.compile(function, choose="lanes", static="kind")
    x, y = np.array([1.0, 2.0]), np.array([2.0, 1.0])
    assert f(x, y, kind="double").tolist() == [16.0, 16.0]
    assert len(f.tapes) == 1
    g = sg.compile(lambda x: max(x[0], x[1]) ** 3, choose="lanes")
    assert sg.hessian(g)([1.0, 2.0]) == [[0.0, 0.0], [0.0, 12.0]]
    assert sg.hessian(g)([2.0, 1.0]) == [[12.0, 0.0], [0.0, 0.0]]
    assert pickle.loads(pickle.dumps(f)).choose == "lanes"


def test_other_threads_have_their_own_max() -> None:
    found: list[Any] = []

    def function(x: Any) -> Any:
        worker = threading.Thread(target=lambda: found.append(max(sg.Value(1.0), sg.Value(2.0))))
        worker.start()
        worker.join()
        return max(x, 0.0)

    pythons = builtins.max, builtins.min
    assert sg.compile(function, choose="lanes")(3.0) == 3.0
    assert {one.data for one in found} == {2.0}
    assert not any(one.parents for one in found)
    assert (builtins.max, builtins.min) == pythons
