"""A batch whose lanes go many ways: each path is run once, on all lanes that come to it."""

from __future__ import annotations

import functools
import itertools
import math
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import replays
from hypothesis import given, settings
from hypothesis import strategies as st
from replays import bits, eager

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import lanes_on_paths
from scalargrad.tape.machine import Machine
from scalargrad.tape.replay import BY_CAPTURED, BY_INPUTS, VALUES

runner = replays.runner

DRAW = np.random.default_rng(0)
IS_NATIVE = pytest.mark.skipif(_engine.machine() is None, reason="the machine was not built")


def tent(x: Any) -> Any:
    for _ in range(7):
        x = 2 * x if x < 0.5 else 2 * (1 - x)
    return x


def pivoted(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Solve two equations with the largest pivot."""
    rows = [[a, b, 1.0], [c, d, 2.0]]
    rows.sort(key=lambda row: -abs(row[0]))
    factor = rows[1][0] / rows[0][0]
    return (rows[1][2] - factor * rows[0][2]) / (rows[1][1] - factor * rows[0][1])


def logsumexp(*terms: Any) -> Any:
    top = terms[0]
    for x in terms:
        if x > top:
            top = x
    return top + sg.log(sum(sg.exp(x - top) for x in terms))


def ranked(*xs: Any) -> Any:
    return sum((i + 1) * x for i, x in enumerate(sorted(xs)))


def between(x: Any) -> Any:
    """Interpolate between knots that are found by bisection."""
    low, high = 0, 50
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if x < middle / 50 else (middle, high)
    share = x * 50 - low
    return math.sin(low) * (1 - share) + math.sin(high) * share


@pytest.mark.parametrize(
    ("function", "width"), [(tent, 1), (pivoted, 4), (logsumexp, 5), (ranked, 4), (between, 1)]
)
def test_lanes_find_their_paths(runner: str, function: Callable[..., Any], width: int) -> None:
    f = sg.compile(function)
    columns = [*DRAW.random((width, 80))]
    for _ in range(2):  # while they are recorded, and when they are known
        values = f(*columns)
        both, grads = f.value_and_grad(*columns)
        for row, lane in enumerate(zip(*columns, strict=True)):
            value, grad = eager(function, lane)
            assert bits([values[row], both[row]]) == bits([value] * 2)
            assert bits([column[row] for column in grads]) == bits(grad)
    assert len(f.tapes) > 1


W = [sg.Value(0.5), sg.Value(-1.5)]


def parted(x: Any, y: Any, n: Any) -> Any:
    """Part lanes by all that can: guards, whole numbers, captured Values, selects in between."""
    z = x * W[n] if x > y else y - W[0]
    z = z + sg.where(y > 0.0, W[1] * y, x)
    for _ in range(n):
        z = z * 0.5 if z > W[1] else z + y
    return z if x * y < 1.0 else z * W[0] * W[1]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(*[st.sampled_from([-2.0, -0.0, 0.5, 1.0, 3.0])] * 2, st.integers(0, 1)),
        min_size=2, max_size=30,
    ),
    st.floats(-2.0, 2.0),
)  # fmt: skip
def test_many_ways_at_once_are_those_of_each_lane(lanes: list[Any], first: float) -> None:
    f = PARTED
    W[0].data = first  # a guard compares with it
    columns = [np.array(column) for column in zip(*lanes, strict=True)]
    values, grads = f.value_and_grad(*columns)
    sg.zero_grad(W)
    total = f.backward(*columns, reduction="sum")
    sums = [w.grad for w in W]
    wanted = [0.0, 0.0]
    for row, (x, y, n) in enumerate(lanes):
        sg.zero_grad(W)
        leaves = sg.Value(x), sg.Value(y)
        z = parted(*leaves, n)
        z.backward()
        assert bits([values[row]]) == bits([z.data])
        assert bits([grads[0][row], grads[1][row]]) == bits([leaf.grad for leaf in leaves])
        wanted = [a + w.grad for a, w in zip(wanted, W, strict=True)]
    assert sums == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    assert total == pytest.approx(sum(values.tolist()), rel=1e-12, abs=1e-12)


PARTED = sg.compile(parted)


@IS_NATIVE
@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize("threads", [1, 3])
def test_all_at_once_are_as_path_by_path(
    monkeypatch: pytest.MonkeyPatch, mode: str, threads: int
) -> None:
    w = sg.Value(0.3)

    def function(x: Any) -> Any:
        x = tent(x)
        return w * x * x if x > 0.5 else x

    x = DRAW.random(20_000)
    results = []
    for fits in (lanes_on_paths.fits, lambda *_: False):
        monkeypatch.setattr(lanes_on_paths, "fits", fits)
        f = sg.compile(function, mode=mode, threads=threads)
        w.grad = 0.0
        results.append((f(x), *f.value_and_grad(x)[1], f.backward(x), w.grad))
    (values, grads, mean, by_w), others = results
    assert np.array_equal(values, others[0])
    assert np.array_equal(grads, others[1])
    assert mean == others[2]
    assert by_w == pytest.approx(others[3], rel=1e-12)


@IS_NATIVE
def test_sums_do_not_depend_on_threads() -> None:
    w = sg.Value(0.3)
    x = DRAW.random(40_000)
    found = []
    for threads in (1, 2, 5):
        f = sg.compile(lambda x: w * tent(x) if x > w else x, threads=threads)
        f.backward(x)
        w.grad = 0.0
        f.backward(x)
        found.append(w.grad)
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    "function",
    [
        lambda z, x, y: z(x, y) * 2.0 if y > 1.0 else z(x, y) - y,
        lambda z, x, y: z(x, y) * 2.0 if y > 1.0 else x - y,
        lambda z, x, y: x * y if y > 1.0 else z(x, y) - y,
    ],
    ids=["chosen on both paths", "on one", "on the other"],
)
def test_lanes_with_a_nan_are_those_of_the_function(function: Any, runner: str) -> None:
    function = functools.partial(function, lambda x, y: sg.where(x > 0.0, sg.sqrt(x), y))
    f = sg.compile(function)
    lanes = list(itertools.product([-1.0, 4.0, math.nan], [0.5, 2.0, math.nan]))
    values, grads = f.value_and_grad(*map(np.array, zip(*lanes, strict=True)))
    for row, lane in enumerate(lanes):
        value, grad = eager(function, lane)
        assert bits([values[row], *(column[row] for column in grads)]) == bits([value, *grad])


def test_a_path_of_another_structure_is_refused(runner: str) -> None:
    f = sg.compile(lambda x: x if x > 0 else [x, x])
    for _ in range(2):
        with pytest.raises(ValueError, match="same structure"):
            f(np.array([1.0, -1.0]))


@IS_NATIVE
@pytest.mark.parametrize(
    ("place", "other", "words"),
    [
        (0, [], "a list of plans"), (0, [3], "plans"), (1, array("i", [0]), "a set for each plan"),
        (1, array("i", [0, 7]), "captured numbers for each plan"), (2, (), "a buffer for each set"),
        (2, [b"1234567"], "as many captured numbers"), (3, [b""], "not writable"),
        (5, np.array([0, 0]), "each lane once"), (5, np.array([9]), "rows that are there"),
        (6, np.full((2, 2), 9, np.int32), "paths that are there"),
        (6, np.zeros((0, 2), np.int32), "lanes, and not too many"),
        (8, [(0, np.zeros(1))], "a row of every array"), (10, None, "places for what was planned"),
        (3, [array("d")], "places for what was planned"), (10, np.zeros(1), "16 bytes"),
    ],
)  # fmt: skip
def test_what_the_machine_cannot_run_is_refused(place: int, other: Any, words: str) -> None:
    f = sg.compile(lambda x: x if x > 0 else -x)
    f(np.array([1.0, -1.0]))
    plans = [machine.plan(BY_INPUTS) for machine in replays.machines(f)]
    given = [
        plans, array("i", [0, 0]), [b""], None, array("i", [0, 0, 1]), np.array([0, 1]),
        np.zeros((2, 2), np.int32), [0.0], [(0, np.array([2.0, -3.0]))], 1.0,
        values := np.zeros((2, 1)), [(0, np.zeros((2, 1)))],
    ]  # fmt: skip
    _engine.machine().run_paths(*given)
    assert values.tolist() == [[2.0], [3.0]]

    given[place] = other
    with pytest.raises((ValueError, TypeError, BufferError), match=words):
        _engine.machine().run_paths(*given)


@IS_NATIVE
def test_plans_of_other_functions_are_refused() -> None:
    f, g = sg.compile(lambda x: x), sg.compile(lambda x, y: x * y)
    f(1.0), g(1.0, 2.0)
    plans = [replays.machines(one)[0].plan(BY_CAPTURED) for one in (f, g)]
    with pytest.raises(ValueError, match="same arguments"):
        _engine.machine().run_paths(
            plans, array("i", [0, 0]), [b""], None, array("i"), np.array([0]),
            np.zeros((1, 2), np.int32), [0.0], [], 1.0, np.zeros((1, 1)), None,
        )  # fmt: skip


@IS_NATIVE
def test_points_go_from_path_to_path_past_python(monkeypatch: pytest.MonkeyPatch) -> None:
    f = sg.compile(tent)
    points = DRAW.random(100)
    f(points)
    points = points.tolist()
    for _ in range(4):  # from each path to the next one
        wanted = [(f(x), f.value_and_grad(x)) for x in points]

    def point(*_: Any) -> Any:
        raise AssertionError("a call went by Python")

    monkeypatch.setattr(Machine, "point", point)
    assert [(f(x), f.value_and_grad(x)) for x in points] == wanted
    assert [(value, [grad]) for value, (_, (grad,)) in wanted] == [eager(tent, [x]) for x in points]
    assert len(f.tapes) > 30


@IS_NATIVE
def test_calls_forget_ways_and_find_them_again() -> None:
    f = sg.compile(tent)
    points = DRAW.random(40)
    wanted = f(points).tolist()
    [paths] = f._paths.values()
    for _ in range(2):
        assert [f(x) for x in points.tolist()] == wanted
        paths.calls["call"].forget()
        assert not paths.calls["call"].goes(0)
    plan, put = replays.machines(f)[0].plan(VALUES), paths.calls["call"].put
    with pytest.raises(ValueError, match="wants a path"):
        put(2**30, False, -1, plan, (), b"\0\0\0\0", (), {})
