"""`compile` makes lines of truths that nobody asks: one path does for every lane."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import replays
from hypothesis import given, settings
from hypothesis import strategies as st
from replays import agrees

import scalargrad as sg

runner = replays.runner

POINTS = [-2.0, -0.0, 0.0, 1.0, 1.5, math.nan, math.inf, -math.inf]
PAIRS = list(itertools.product(POINTS, [-2.0, 0.0, 1.5, math.nan]))


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: sg.where(x > y, x * 2.0, y),
        lambda x, y: sg.where(x >= y, x, 3),
        lambda x, y: sg.where(x < y, -0.0, x),
        lambda x, y: sg.where(x <= y, x + y, -0.0) + sg.where(y == x, y, 1.0),
        lambda x, y: sg.where(x != y, x, y * 3.0),
        lambda x, y: sg.where(x, x - y, y),
        lambda x, y: sum([np.where(x > 0, x + 1.0, y)]),
        lambda x, y: (x > 0) * x + (y > x) * y,
        lambda x, y: x + ((x > 0) & (y > 0)) - 2 * ((x > 0) | (y > 0)) + ((x > 0) ^ (y > 0)) * y,
        lambda x, y: x * (True & (x > 0)) + y * ((y > 0) ^ True) + (False | (x > y)),
        lambda x, y: sum([x > 0, y > 0, x > y]) * x + (x == y) / 2 + y,
        lambda x, y: sg.sum([x > 0, y, x > y]) + sg.dot([x, y], [x > 0, y > 1.0]),
        lambda x, y: sg.where((x > 0) == (y > 0), x, y) + sg.where(sum([x > 0, y > 0]) >= 2, 1, y),
        lambda x, y: sg.where(x > 0, sg.where(y > 0, x * y, x), sg.where(y < x, y, -x)),
        lambda x, y: x * (x > 0) + max(y, 0.0) * 0 + abs(y > 0) - -(x > 0) + (+(y > 0)),
        lambda x, y: sg.where(x > 0, x, 1.0).detach() * y,
    ],
)  # fmt: skip
def test_truths_that_nobody_asks_are_lines(runner: str, function: Callable[..., Any]) -> None:
    f = agrees(function, [pair for pair in PAIRS if all(map(math.isfinite, pair))])
    assert len(f.tapes) == (2 if "max" in function.__code__.co_names else 1)
    agrees(function, PAIRS)


@pytest.mark.parametrize("both", [operator.and_, operator.or_, operator.xor])
def test_two_truths_asked_at_once_part_the_paths_though_lines_use_them(
    runner: str, both: Callable[..., Any]
) -> None:
    def function(x: Any, y: Any) -> Any:
        a, b = x > 0, y > 0
        chosen = sg.where(a, x, y) + sg.where(b, 1.0, 2.0)
        return chosen if both(a, b) else -3.0 * chosen

    agrees(function, PAIRS)
    for first in ((1.0, 1.0), (1.0, -2.0), (-2.0, 1.0), (-2.0, -2.0)):  # which is recorded
        f = sg.compile(function)
        f(*first)
        for point in itertools.product((1.5, -2.5), repeat=2):
            assert f(*point) == function(*point)


def test_a_sum_over_choices_is_one_path_for_all_lanes(runner: str) -> None:
    rows = np.random.default_rng(0).standard_normal((60, 20))
    f = sg.compile(lambda v: sum(sg.where(x > 0, x * x, -x) for x in v))
    assert f(rows) == pytest.approx(np.where(rows > 0, rows * rows, -rows).sum(axis=1))
    _, (grad,) = f.value_and_grad(rows)
    assert grad.tolist() == np.where(rows > 0, 2.0 * rows, -1.0).tolist()
    assert len(f.tapes) == 1
    assert not f.tape.guards


def test_a_whole_number_beside_a_truth_is_compared_in_a_line(runner: str) -> None:
    f = sg.compile(lambda x, n: sg.where(((x > 0) + n) > 1, x * x, 2 * x))
    xs, ns = [1.0, -1.0, 2.0, -3.0, -0.5], [1, 1, 0, 2, 5]
    assert f(np.array(xs), np.array(ns)).tolist() == [1.0, -2.0, 4.0, 9.0, 0.25]
    assert len(f.tapes) == 1


@pytest.mark.parametrize("first", [-1.0, 3.0, 1.0])
def test_a_truth_by_which_more_is_compared_parts_the_paths(runner: str, first: float) -> None:
    def function(x: Any) -> Any:
        t = x > 0
        more = sg.where(x > 2, 1.0, 0.5) * x if t is True else 0.0
        return sg.where(t, x * x, -x) + more

    f = sg.compile(function)
    for x in (first, -1.0, 3.0, 1.0):
        assert f(x) == function(x)


def test_labels_choose_without_a_path(runner: str) -> None:
    w = [sg.Value(1.0), sg.Value(2.0), sg.Value(5.0)]
    f = sg.compile(lambda x, k: sum(sg.where(k == i, w[i] * x, 0.0) for i in range(3)))
    labels = np.array([0, 2, 1, 2])
    assert f(np.ones(4), labels).tolist() == [1.0, 5.0, 2.0, 5.0]
    f.backward(np.ones(4), labels, reduction="sum")
    assert [v.grad for v in w] == [1.0, 1.0, 2.0]
    assert len(f.tapes) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: 2.0 if t else 3.0,
        lambda t: 2.0 if not t else 3.0,
        lambda t: 2.0 if t and True else 3.0,
        lambda t: [3.0, 2.0][t],
        lambda t: {True: 2.0, False: 3.0}[t],
        lambda t: 2.0 if t in (True,) else 3.0,
        lambda t: 2.0 if str(t) == "True" else 3.0,
        lambda t: float(f"{t:d}"),
        lambda t: float(~(not t)),
        lambda t: 2.0 if all([t]) else 3.0,
        lambda t: float(3 % (t + 2)),
        # what cannot be followed
        lambda t: 2.0 if t is True else 3.0,
        lambda t: 2.0 if t is False else 3.0,
        lambda t: 2.0 if type(t) is bool and t else 3.0,
        lambda t: {id(True): 2.0}.get(id(t), 3.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [1.0, -1.0])
@pytest.mark.parametrize("lifts", [False, True])
def test_a_truth_that_is_looked_at_parts_paths(
    ask: Callable[..., Any], first: float, *, lifts: bool
) -> None:
    def function(x: Any) -> Any:
        truth = x > 0
        return x * ask(truth) + (sg.where(truth, x, 1.0) if lifts else 0.0)

    f = sg.compile(function)
    f(first)
    points = [2.0, -3.0, 0.0, 5.0]
    wanted = [function(sg.Value(x)).data for x in points]
    assert [f(x) for x in points] == wanted
    assert f(np.array(points)).tolist() == wanted


def test_a_truth_that_nobody_looked_at_is_a_guard() -> None:
    f = sg.compile(lambda x: [x > 0, x][1] * 2.0)
    assert f(np.array([1.0, -1.0])).tolist() == [2.0, -2.0]
    assert len(f.tapes) == 2


def test_two_truths_that_are_asked_together_are_guards() -> None:
    f = sg.compile(lambda x, y: x if (x > 0) & (y > 0) else y)
    assert f(np.array([1.0, 1.0, -1.0]), np.array([2.0, -2.0, 3.0])).tolist() == [1.0, -2.0, 3.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: sg.where(x > 0, sg.sqrt(x), 2 * x),
        lambda x: sg.where(x > 0, sg.sqrt(x), 0.0),
        lambda x: sg.where(x > 0, x * sg.log(x), 0.0),
        lambda x: sg.where(x == 0, 1.0, sg.sin(x) / x),
        lambda x: sg.where(x > 1, sg.acosh(x), sg.where(x > 0, sg.sqrt(1 - x * x), x)),
    ],
)
def test_a_nan_of_what_is_not_chosen_arrives_nowhere(
    runner: str, function: Callable[..., Any]
) -> None:
    points = [-1.0, 0.0, 4.0, 0.5, -0.0, 1.0]
    agrees(function, [(x,) for x in points])
    w = sg.Value(1.0)
    f = sg.compile(lambda x: function(w * x))
    f.backward(np.array(points), reduction="sum")
    found, w.grad = w.grad, 0.0
    for x in points:
        function(w * x).backward()
    assert found == pytest.approx(w.grad)
    w.grad = 0.0
    f.backward(-1.0)
    found, w.grad = w.grad, 0.0
    function(w * -1.0).backward()
    assert found == w.grad


def test_a_nan_that_is_one_stays_one(runner: str) -> None:
    f = agrees(lambda x: sg.where(x > 0, sg.sqrt(x) * math.nan, x), [(1.0,), (-1.0,)])
    assert math.isnan(f(1.0))


def test_gradients_inside_go_through_a_choice(runner: str) -> None:
    f = sg.compile(lambda x: sg.grad(lambda v: sg.where(v > 1, v**3, v * v))(x))
    assert f(np.array([0.5, 2.0])).tolist() == [1.0, 12.0]
    assert [f(0.5), f(2.0)] == [1.0, 12.0]


OPERATIONS: list[Callable[..., Any]] = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: sg.where(a > b, a, b * 2.0),
    lambda a, b: sg.where(a <= b, a - b, 0.5),
    lambda a, b: (a > 0) * b,
    lambda a, b: a + ((a < b) ^ (b > 0)),
    lambda a, b: a if a > b else b,
    lambda a, b: sg.maximum(a, b) * ((a == b) | (b > 1)),
]


@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 9), st.integers(0, 9)),
             min_size=1, max_size=6),
    st.lists(st.tuples(*[st.sampled_from([-1.5, -0.0, 0.5, 2.0])] * 2), min_size=1, max_size=5),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_programs_of_choices_and_paths_are_the_functions_themselves(
    steps: list[Any], lanes: list[tuple[float, float]]
) -> None:
    w = sg.Value(0.75)

    def function(x: Any, y: Any) -> Any:
        known = [x, y, w * x]
        for operation, i, j in steps:
            known.append(operation(known[i % len(known)], known[j % len(known)]))
        return sg.sum(known)

    agrees(function, lanes)
