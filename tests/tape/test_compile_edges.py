"""`compile` at its edges: arrays that follow others, names, methods, threads, zeros."""

from __future__ import annotations

import math
import pickle
import threading
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import replays
from replays import KINDS, agrees, bits

import scalargrad as sg
from scalargrad.core import turns
from scalargrad.tape import paths as tape_paths

runner = replays.runner


@pytest.mark.parametrize(
    "then",
    [
        lambda a: a.astype("f4"),
        lambda a: a.astype(">f8"),
        lambda a: a.astype(np.longdouble),
        lambda a: a[::-1],
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[0], a.shape),
        lambda a: np.frombuffer(b"." + a.tobytes(), "f8", offset=1).reshape(a.shape),
    ],
)
def test_arrays_of_another_kind_may_follow(runner: Any, then: Any) -> None:
    f = sg.compile(lambda x, y: x[0] * y[1] - x[1])
    plain = np.arange(12.0).reshape(6, 2)
    f(plain, plain)
    other = then(plain)
    numbers = np.asarray(other, float)
    wanted = numbers[:, 0] * plain[:, 1] - numbers[:, 1]
    assert f(other, plain).tolist() == wanted.tolist()
    assert f(plain, plain).tolist() == (plain[:, 0] * plain[:, 1] - plain[:, 1]).tolist()


def test_arrays_of_other_lengths_may_not_follow(runner: Any) -> None:
    f = sg.compile(lambda x, y: x * y)
    f(np.arange(3.0), np.arange(3.0))
    for first, second in ((3, 2), (2, 3)):
        with pytest.raises(ValueError, match="equally long"):
            f(np.arange(float(first)), np.arange(float(second)))


def test_named_arguments_may_leave_gaps_that_have_defaults() -> None:
    f = sg.compile(lambda x, y=2.0, z=3.0: x * y + z)
    assert f(1.0, z=5.0) == 7.0
    assert f.value_and_grad(1.0, z=5.0) == (7.0, (2.0, 1.0, 1.0))


@pytest.mark.parametrize("turn", [0, 1])
def test_weights_of_a_layer_may_be_parameters_and_constants(runner: Any, turn: Any) -> None:
    """Whichever stands first; they are read anew at each call."""
    ws = [sg.Value(0.1 * place) for place in range(4)]
    rows = [
        [ws[0], 3.0, ws[1], 5.0],
        [ws[2], 7.0, ws[0], 11.0],
        [ws[1], 13.0, ws[3], ws[2]],
        [ws[3], 19.0, 17.0, ws[0]],
    ]
    rows = [row[turn:] + row[:turn] for row in rows]

    def layer(x):
        return sg.sum([sg.tanh(sg.dot(x, row)) for row in rows])

    f, lanes = sg.compile(layer), np.arange(36.0).reshape(9, 4) / 70
    for shift in (0.0, 0.5):
        for w in ws:
            w.data += shift
        sg.zero_grad(ws)
        total = f.backward(lanes, reduction="sum")
        found = [w.grad for w in ws]
        sg.zero_grad(ws)
        wanted = [layer(lane) for lane in lanes.tolist()]
        for result in wanted:
            result.backward()
        assert total == pytest.approx(sum(result.data for result in wanted))
        assert found == pytest.approx([w.grad for w in ws])


def test_a_dot_of_a_layer_that_is_not_reached_adds_nothing(runner: Any) -> None:
    ws = [[sg.Value(0.1 * (i + j)) for j in range(4)] for i in range(4)]

    def layer(x):
        *dots, last = [sg.dot(x, row) for row in ws]
        return sg.sum([sg.exp(sg.tanh(d)) for d in dots]) * last.detach()

    f, lanes = sg.compile(layer), np.arange(36.0).reshape(9, 4) / 70
    f.backward(lanes, reduction="sum")
    assert [w.grad for w in ws[-1]] == [0.0] * 4
    _, (found,) = f.value_and_grad(lanes)
    for lane, grad in zip(lanes.tolist(), found.tolist(), strict=True):
        x = [sg.Value(number) for number in lane]
        layer(x).backward()
        assert grad == pytest.approx([one.grad for one in x])


@pytest.mark.parametrize("lanes", [63, 64, 65, 127, 128, 129, 200])
def test_parameters_beside_a_layer_count_in_every_lane(runner: Any, lanes: Any) -> None:
    """Blocks are longer where there are layers."""
    w, u = [sg.Value(0.5) for _ in range(4)], sg.Value(2.0)
    f = sg.compile(lambda x: sg.dot(x, w) + sg.sin(x[0]) * u)
    rows = np.linspace(-1.0, 1.0, 4 * lanes).reshape(lanes, 4)
    f.backward(rows, reduction="sum")
    assert u.grad == pytest.approx(np.sin(rows[:, 0]).sum(), rel=1e-9, abs=1e-12)
    assert [v.grad for v in w] == pytest.approx(rows.sum(axis=0).tolist(), rel=1e-9, abs=1e-12)


def test_layers_written_as_chains_keep_the_sign_of_zero(runner: Any) -> None:
    ws = [[sg.Value(2.0) for _ in range(4)] for _ in range(9)]

    def layer(x):
        return [x[0] * a + x[1] * b + x[2] * c + x[3] * d for a, b, c, d in ws]

    f = sg.compile(layer)
    for lanes in (1, 2, 9):
        assert np.signbit(f(np.full((lanes, 4), -0.0))).all()


@pytest.mark.parametrize(
    "holds",
    [
        lambda dot, c: c == dot,  # on the right
        lambda dot, c: c * 0.0 + dot == c,  # behind the second operand
        lambda dot, c: sg.maximum(-1e9, dot) == c,
    ],
)
def test_conditions_see_the_bits_of_a_dot_wherever_it_stands(runner: Any, holds: Any) -> None:
    draw = np.random.default_rng(0)
    rows, weights = draw.normal(size=(200, 6)), draw.normal(size=6).tolist()
    ws = list(map(sg.Value, weights))
    totals = [sg.dot(row, weights) for row in rows.tolist()]
    f = sg.compile(lambda xs, c: xs[0] * 2.0 if holds(sg.dot(xs, ws), c) else -xs[0])
    assert bits(f(rows, np.array(totals))) == bits(rows[:, 0] * 2.0)


@pytest.mark.parametrize("dots_first", [True, False])
def test_dots_and_chains_of_one_layer_begin_as_they_do_alone(runner: Any, dots_first: Any) -> None:
    rows = [[sg.Value(2.0) for _ in range(4)] for _ in range(9)]

    def layer(x):
        dots = [sg.dot(x, row) for row in rows]
        chains = [x[0] * a + x[1] * b + x[2] * c + x[3] * d for a, b, c, d in rows]
        return dots + chains if dots_first else chains + dots

    negative = [False] * 9 + [True] * 9
    wanted = negative if dots_first else negative[::-1]
    f = sg.compile(layer)
    for lanes in (1, 2, 9):
        assert np.signbit(f(np.full((lanes, 4), -0.0))).tolist() == [wanted] * lanes


def test_gradients_by_nested_lists_are_nested(runner: Any) -> None:
    f = sg.compile(lambda x: x[0][0] * x[1][1] + x[0][1])
    assert f.value_and_grad([[1.0, 2.0], [3.0, 4.0]]) == (6.0, ([[4.0, 1.0], [0.0, 1.0]],))


@pytest.mark.parametrize("mode", ["strict", "fast"])
def test_a_function_that_changes_between_its_paths_is_refused(mode: Any) -> None:
    least = np.array([0.0])  # what an array holds is not compared
    f = sg.compile(lambda x: x if x > least[0] else -x, mode=mode)
    assert f(np.array([1.0])).tolist() == [1.0]
    least[0] = -10.0
    with pytest.raises(RuntimeError, match=r"must do the same|closer pair"):
        f(np.array([-1.0]))
    least[0] = 0.0
    assert f(np.array([-1.0])).tolist() == [1.0]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_means_share_their_gradient(runner: Any, count: Any) -> None:
    agrees(lambda x, y: sg.mean([x, y, x * y, y, x, 2.0, y][:count]), [(1.5, -2.0), (0.1, 3.0)])


def test_a_compiled_method_may_call_that_of_its_parent() -> None:
    class Parent:
        @sg.compile
        def f(self, x):
            return x * x

    class Child(Parent):
        @sg.compile
        def f(self, x):
            return super().f(x) + 1.0

    assert Child().f(3.0) == 10.0
    assert super(Child, Child()).f(3.0) == 9.0


def test_compiled_methods_put_there_later_are_told_apart() -> None:
    class Thing:
        pass

    Thing.twice = sg.compile(lambda self, x: 2.0 * x)
    Thing.thrice = sg.compile(lambda self, x: 3.0 * x)
    thing = Thing()
    assert (thing.twice(1.0), thing.thrice(1.0)) == (2.0, 3.0)


def test_class_methods_may_be_compiled() -> None:
    class Thing:
        k = 2.0

        @classmethod
        @sg.compile
        def f(cls, x):
            return cls.k * x

    assert Thing.f(3.0) == 6.0


@pytest.mark.parametrize("default", ["sq", None, len])
def test_defaults_that_are_no_numbers_stay_defaults(default: Any) -> None:
    f = sg.compile(lambda x, y, z=default: x * y)
    assert f(2.0, 3.0) == f(2.0, y=3.0) == 6.0


def test_a_keyword_only_default_stays_a_default() -> None:
    f = sg.compile(lambda x, y, *, k=2.0: x * y * k)
    assert f(2.0, 3.0) == f(2.0, y=3.0) == 12.0


def halves(x, y=2.0):
    return x / y


def test_pickled_functions_take_named_arguments() -> None:
    f = sg.compile(halves)
    f(1.0, 2.0)
    assert pickle.loads(pickle.dumps(f))(1.0, y=4.0) == 0.25


def test_paths_are_added_by_one_thread_at_a_time(monkeypatch: Any) -> None:
    @sg.compile
    def f(x: Any) -> Any:
        return x * 2 if x > 2 else x * 3 if x > 1 else x * 4

    assert f(np.array([3.0])).tolist() == [6.0]
    add, others = tape_paths._Tree.add, []
    entered: list[threading.Thread] = []

    def watched(self: Any, *what: Any) -> None:
        """See whether another thread could add a path while this one does."""
        other = threading.Thread(target=lambda: turns.take_turn(entered.append, other))
        other.start()
        others.append(other)
        while all(turn.thread != other.ident for turn in list(turns._queue)):
            time.sleep(0.0)  # until it waits for its turn
        add(self, *what)
        assert other not in entered

    monkeypatch.setattr(tape_paths._Tree, "add", watched)
    assert [f(np.array([x])).tolist() for x in (1.5, 0.5)] == [[4.5], [2.0]]
    for other in others:
        other.join()
    assert len(others) == len(entered) == 2


def test_short_dots_keep_the_order_of_gradients() -> None:
    u, w = sg.Value(-0.4), sg.Value(0.5)
    agrees(lambda x: sg.dot([u, x, x], [x, x, w]), [(0.2,)])


def test_fast_whole_numbers_beyond_doubles_are_refused() -> None:
    f = sg.compile(lambda n: n * 1.0 + (n**7) % 10, mode="fast")
    numbers = np.array([193] * 3)
    if not KINDS or find_spec("scalargrad._native._fast") is None:  # it runs as strict mode does
        assert f(numbers).tolist() == [200.0] * 3
        return
    with pytest.raises(RuntimeError, match=r"more than the error of fast mode|below 2"):
        f(numbers)


@pytest.mark.parametrize("row", [sg.softmax, sg.log_softmax])
@pytest.mark.parametrize("first", [(0.5, math.nan), (math.inf, 2.0), (-1e5, -1e5), (0.5, 0.5)])
def test_gradients_that_were_traced_where_results_are_nan_or_equal_hold_elsewhere(
    runner: Any, row: Any, first: Any
) -> None:
    for result in (0, 1, 2):
        once = sg.grad(lambda x, y, which=result: row([x, y, 1.0])[which])
        twice = sg.grad(lambda x, y, f=once: f(x, y) * 1.0)
        for function in (once, twice):
            f = sg.compile(function)
            f(*first)

            right = function(sg.Value(-0.7), sg.Value(0.6)).data
            assert bits([f(-0.7, 0.6)]) == bits([right])


@pytest.mark.parametrize("count", [8, 20])
@pytest.mark.parametrize(
    "function",
    [
        lambda xs: sg.logsumexp(xs),
        lambda xs: sg.softmax(xs)[3] * sg.max(xs),
        lambda xs: sg.log_softmax(xs)[1],
        lambda xs: sg.linalg.norm(xs) * sg.sum(xs),
        lambda xs: sg.math.hypot(*xs[:90]) * sg.math.prod(xs[90:]),
    ],
)
def test_long_lists_have_room_in_lanes(function: Any, count: int) -> None:
    lanes = np.random.default_rng(count).uniform(0.5, 1.5, (count, 180))
    values, (gradients,) = sg.compile(function).value_and_grad(lanes)
    for lane, value, gradient in zip(lanes, values, gradients, strict=True):
        wanted, by_each = sg.value_and_grad(function)(lane.tolist())
        assert value == pytest.approx(wanted, rel=1e-13)
        assert gradient == pytest.approx(by_each, rel=1e-12)
