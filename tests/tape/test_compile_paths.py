"""`compile` follows comparisons: each way through a function is a tape of its own."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import replays
from replays import agrees, bits

import scalargrad as sg
from scalargrad.tape import lanes_on_paths, paths
from scalargrad.tape.paths import Paths

runner = replays.runner


def steps_to_root(x: Any) -> Any:
    """Take square roots by Newton's method: lanes need different numbers of steps."""
    root = x
    while abs(root * root - x) > 1e-12 * x:
        root = 0.5 * (root + x / root)
    return root


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x * y if x > 0 else y,
        lambda x, y: max(x, y) * min(x, y) + abs(x),
        lambda x, y: sum(v * (i + 1) for i, v in enumerate(sorted([x, y, x * y, x + y]))),
        lambda x, y: x if x == y else (y if x != -y else 0.0),
        lambda x, y: (x if x == 0 else 1 / x) + (1 if x <= y <= 2 else y),
        lambda x, y: sg.where(x > y, x * x, y),
    ],
)  # fmt: skip
def test_branches_are_followed(runner: str, function: Callable[..., Any]) -> None:
    lanes = [(1.0, 2.0), (-1.0, 2.0), (0.0, 0.0), (2.0, 2.0), (-3.0, 3.0), (math.nan, 1.0)]
    lanes += [(1.0, math.nan), (math.inf, 1.0), (-0.0, 0.5), (3.0, -4.0)]
    agrees(function, lanes)


def test_loops_are_followed(runner: str) -> None:
    f = agrees(steps_to_root, [(4.0,), (2.0,), (1e6,), (1e-6,), (1.0,), (123.0,)])
    assert len(f.tapes) >= 4


def test_gradients_of_parameters_come_from_every_path(runner: str) -> None:
    w = sg.Value(2.0)
    f = sg.compile(lambda x: w * x if x > 0 else w * w * x)
    x = np.array([1.0, -1.0, 2.0, -3.0, 0.0])
    f.backward(x, reduction="sum")
    assert w.grad == 3.0 + 4.0 * -4.0


def test_parameters_in_comparisons_are_guards(runner: str) -> None:
    w = sg.Value(1.0)
    f = sg.compile(lambda x: x * 2 if w > 0 else x * 3)
    assert f(1.0) == 2.0
    w.data = -1.0
    assert f(1.0) == 3.0


def test_every_lane_may_take_another_path(runner: str) -> None:
    def place(x: Any) -> Any:
        for step in range(40):
            if x < step:
                return x * step
        return x

    x = np.random.default_rng(1).permutation(np.arange(40) - 0.5)
    f = agrees(place, [(v,) for v in x])
    assert len(f.tapes) == 40


@pytest.mark.parametrize("compare", [operator.eq, operator.le, operator.lt])
def test_conditions_see_the_bits_of_a_dot(runner: str, compare: Callable[..., bool]) -> None:
    draw = np.random.default_rng(0)
    rows, weights = draw.normal(size=(200, 6)), draw.normal(size=6).tolist()
    ws = list(map(sg.Value, weights))
    totals = [sg.dot(row, weights) for row in rows.tolist()]
    f = sg.compile(lambda xs, c: xs[0] * 2.0 if compare(sg.dot(xs, ws), c) else -xs[0])
    factor = 2.0 if compare(0.0, 0.0) else -1.0
    assert bits(f(rows, np.array(totals))) == bits(rows[:, 0] * factor)


def test_too_many_paths_are_refused_with_the_line() -> None:
    f = sg.compile(lambda x: x if x < 1 else (-x if x < 2 else x * x), max_paths=2)
    f(np.array([0.0, 1.5]))
    with pytest.raises(RuntimeError, match=r"at most 2 different.*_paths\.py:\d+: f = sg"):
        f(np.array([0.0, 1.5, 3.0]))
    assert f(np.array([0.0, 1.5])).tolist() == [0.0, -1.5]


def test_paths_that_take_too_much_memory_are_refused_early(
    runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(0)
    f = sg.compile(lambda xs: sum(x * i for i, x in enumerate(sorted(xs))))
    f(np.arange(8.0)[None, :])
    monkeypatch.setattr(paths, "MOST_BYTES", 2**20)
    with pytest.raises(
        RuntimeError, match=r"at most 1 MB; got (\d+) and one more.*_paths\.py:\d+: f"
    ) as e:
        f(draw.random((200, 8)))
    count = len(f.tapes)
    assert f"got {count} and one more" in str(e.value)
    assert 1.0 <= sum(one.bytes for one in known_paths(f)) / (2**20 - 20_000) < 1.02

    assert f(np.arange(8.0)[None, :]).tolist() == [140.0]  # what is recorded stays


def test_few_paths_may_take_what_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MOST_BYTES", 0)
    f = sg.compile(lambda x, n: [x * i for i in range(16)][n])
    assert f(2.0, np.arange(16)).tolist() == [2.0 * n for n in range(16)]
    g = sg.compile(lambda x: sum(1 for i in range(20) if x > i) * x)
    with pytest.raises(RuntimeError, match="got 16 and one more"):
        g(np.arange(20.0))
    assert g(np.arange(10.0)).tolist() == [float(i * i) for i in range(10)]


def known_paths(f: sg.tape.Compiled) -> list[paths.Path]:
    return [path for one in f._paths.values() for path in one.known]


def test_integers_are_ints_where_python_wants_one(runner: str) -> None:
    def power(x: Any, n: Any) -> Any:
        result = 1.0
        for _ in range(n):
            result = result * x
        return result + [10.0, 20.0, 30.0][n % 3]

    f = sg.compile(power)
    assert f(2.0, 3) == 18.0
    x, n = np.array([2.0, 2.0, 3.0, 2.0]), np.array([3, 1, 2, 1])
    assert f(x, n).tolist() == [18.0, 22.0, 39.0, 22.0]
    assert len(f.tapes) == 3


@pytest.mark.parametrize(
    "operate",
    [
        operator.mod, operator.floordiv, divmod, operator.and_, operator.or_, operator.xor,
        operator.lshift, operator.rshift,
    ],
)  # fmt: skip
def test_integers_are_reckoned_with_as_ints_are(runner: str, operate: Any) -> None:
    numbers = [5, 2, 6]
    for function in (lambda n: operate(n, 3), lambda n: operate(37, n)):
        results = [function(n) for n in numbers]
        f = sg.compile(lambda x, n: x + results.index(function(n)))  # noqa: B023 - called here
        assert [f(0.5, n) for n in numbers] == [0.5 + results.index(each) for each in results]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, n: x * 2.0 if n in {0, 7} else -x,
        lambda x, n: x * {0: 1.0, 7: 2.0, 12: 3.0, 1234: 4.0}[n],
        lambda x, n: x * float(f"{n}"),
        lambda x, n: x * len(f"{n:03d}"),
        lambda x, n: x * len(str(n)),
        lambda x, n: x * len(repr(n)),
        lambda x, n: x * len(f"{[n]}"),
        lambda x, n: x * float("".join(reversed(str(n)))),
    ],
)  # fmt: skip
def test_integers_are_keys_and_text_as_ints_are(runner: str, function: Any) -> None:
    numbers = [7, 0, 12, 1234, 7]
    f = sg.compile(function)
    expected = [function(3.0, n) for n in numbers]
    assert f(np.full(5, 3.0), np.array(numbers)).tolist() == expected
    assert [f(3.0, n) for n in numbers] == expected
    assert [f(sg.Value(3.0), n).data for n in numbers] == expected


def test_lanes_that_leave_their_second_path_leave_the_gradients_of_others(runner: str) -> None:
    def function(x: Any, y: Any) -> Any:
        if x > 0.0:
            return x * y
        return x * x * y if x > -1.0 else x**3 + y

    # those that stay on the second path stand behind, between and before those that leave it
    lanes = [(1.0, 2.0), (-2.0, 3.0), (-0.5, 5.0), (-3.0, 7.0), (-0.25, 11.0), (2.0, 0.5)]
    agrees(function, lanes)
    agrees(function, [lanes[i] for i in (0, 2, 1, 4, 3, 5)])


def test_first_of_two_errors_of_ones_own_is_raised_in_a_replay(runner: str) -> None:
    @sg.custom(lambda x: 1.0)
    def first(x: float) -> float:
        if x < 0.0:
            raise ValueError("first")
        return x

    @sg.custom(lambda x: 1.0)
    def second(x: float) -> float:
        if x < 0.0:
            raise ValueError("second")
        return x

    f = sg.compile(lambda x: first(x) + second(x))
    assert f(1.0) == 2.0

    with pytest.raises(ValueError, match="first"):
        f(-1.0)


def test_whole_numbers_lead_straight_to_their_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_on_paths, "fits", lambda *_: False)  # path by path
    f = sg.compile(lambda xs, i, j: xs[i] * 2.0 + [1.0, 10.0][j])
    rows = np.arange(12.0).reshape(6, 2)
    i, j = np.array([0, 1, 0, 1, 1, 0]), np.array([1, 1, 0, 1, 0, 1])
    wanted = [rows[lane, i[lane]] * 2.0 + [1.0, 10.0][j[lane]] for lane in range(6)]
    assert f(rows, i, j).tolist() == wanted
    runs = []
    for kind in {type(path.runner) for path in next(iter(f._paths.values())).known}:
        for name in ("batch", "point"):
            run = getattr(kind, name)

            def counted(self: Any, *given: Any, run: Any = run) -> Any:
                runs.append(run(self, *given))
                return runs[-1]

            monkeypatch.setattr(kind, name, counted)

    assert f(rows, i, j).tolist() == wanted
    assert f.value_and_grad(rows, i, j)[1][0].sum(axis=1).tolist() == [2.0] * 6
    assert [run.status is None for run in runs] == [True] * 8  # four ways, each once a call
    runs.clear()
    for lane in (0, 1, 2, 4):
        point = rows[lane], int(i[lane]), int(j[lane])
        assert sg.value_and_grad(f)(*point)[0] == wanted[lane]
    assert [run.broken for run in runs] == [None] * 4
    assert f(rows, 1, j).tolist() == [rows[n, 1] * 2.0 + [1.0, 10.0][j[n]] for n in range(6)]


def test_a_way_once_taken_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next point begins with the last one's path, and a guard leads to the path behind it."""
    partings, after = [], Paths.after

    def counted(self: Paths, path: Any, guard: int, *further: Any) -> Any:
        partings.append(guard)
        return after(self, path, guard, *further)

    monkeypatch.setattr(Paths, "after", counted)
    runs = []

    def rows(x: Any) -> list[Any]:
        runs.append(x)
        first = x * x if x > 0 else -x
        second = 2.0 * x if x < 10 else x / 2.0
        return [first, second, x * first, x * second, first * second, x]

    f = sg.compile(rows)
    slopes = sg.jacobian(f)
    assert slopes(3.0) == sg.jacobian(rows)(3.0)
    f(12.0)
    runs.clear(), partings.clear()
    for x in (14.0, 16.0):
        f(x)
        assert slopes(x) == sg.jacobian(f)(x)
    assert partings == []

    other = sg.compile(rows)
    slopes = sg.jacobian(other)
    slopes(3.0)
    once = len(runs)
    partings.clear()
    assert slopes(12.0) == sg.jacobian(rows)(12.0)
    assert partings == [1]
    assert len(runs) - once == once + 1  # and that of the plain function
