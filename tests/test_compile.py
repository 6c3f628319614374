"""`compile`: every replay gives what the function itself gives, lane by lane."""

from __future__ import annotations

import gc
import math
import pickle
import random
import struct
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import compiled, machine
from scalargrad.tape.records import Tape, check
from scalargrad.tape.replay import Replay

KINDS = _engine.machine().kinds() if _engine.machine() else []


@pytest.fixture(params=["replay", *KINDS])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What replays: the readable replay, and the machine with each kind of kernels."""
    if request.param == "replay":
        monkeypatch.setattr(compiled, "runner_for", lambda tape, mode: Replay(tape))
        yield "replay"
        return
    _engine.machine().use(request.param)
    yield request.param
    _engine.machine().use(KINDS[0])


def bits(numbers: Sequence[float]) -> list[bytes]:
    """Return numbers bit by bit, but for the sign of a zero and what a nan carries."""
    return [b"nan" if x != x else struct.pack("d", x + 0.0) for x in map(float, numbers)]


def eager(function: Callable[..., Any], point: Sequence[float]) -> tuple[float, list[float]]:
    """Return value and gradient without any tape."""
    inputs = [sg.Value(x) for x in point]
    result = function(*inputs)
    if not isinstance(result, sg.Value):
        return float(result), [0.0] * len(point)
    result.backward()
    return result.data, [x.grad for x in inputs]


def agrees(function: Callable[..., Any], lanes: Sequence[Sequence[float]]) -> sg.tape.Compiled:
    """Compare a batch, and every point of it, with the function itself, bit for bit."""
    f = sg.compile(function)
    columns = [np.array(column) for column in zip(*lanes, strict=True)]
    values = f(*columns)
    both, grads = f.value_and_grad(*columns)
    for row, lane in enumerate(lanes):
        value, grad = eager(function, lane)
        assert bits([values[row], both[row], f(*map(float, lane))]) == bits([value] * 3)
        assert bits([column[row] for column in grads]) == bits(grad)
        alone, by_argument = f.value_and_grad(*map(float, lane))
        assert bits([alone, *by_argument]) == bits([value, *grad])
    return f


# -- what a call gives ----------------------------------------------------------------------


def test_point_and_batch_are_the_function(runner: str) -> None:
    w = sg.Value(0.7)
    agrees(lambda x, y: sg.sin(x) * y + w * x / (y * y + 1), [(0.5, -1.0), (2.0, 3.0), (-1.0, 0.0)])


def test_numbers_beside_arrays_are_shared(runner: str) -> None:
    f = sg.compile(lambda x, y: x * y)
    values, (by_x, by_y) = f.value_and_grad(np.array([1.0, 2.0, 3.0]), 10.0)
    assert values.tolist() == [10.0, 20.0, 30.0]
    assert by_x.tolist() == [10.0] * 3
    assert by_y.tolist() == [1.0, 2.0, 3.0]


def test_first_axis_is_the_batch_and_lists_are_one_point(runner: str) -> None:
    f = sg.compile(lambda xs: xs[0] * xs[1] + xs[2])
    assert f([2.0, 3.0, 4.0]) == 10.0
    assert f((2.0, 3.0, 4.0)) == 10.0
    assert f(np.array([[2.0, 3.0, 4.0], [1.0, 1.0, 1.0]])).tolist() == [10.0, 2.0]
    value, (grad,) = f.value_and_grad([2.0, 3.0, 4.0])
    assert (value, grad) == (10.0, [3.0, 2.0, 1.0])
    _, (grads,) = f.value_and_grad(np.array([[2.0, 3.0, 4.0]]))
    assert grads.tolist() == [[3.0, 2.0, 1.0]]


def test_deep_arrays_are_nested_lists(runner: str) -> None:
    f = sg.compile(lambda m: m[0][1] * m[1][0] - m[0][0] * m[1][1])
    matrices = np.arange(12.0).reshape(3, 2, 2)
    assert f(matrices).tolist() == [1 * 2 - 0 * 3, 5 * 6 - 4 * 7, 9 * 10 - 8 * 11]
    _, (grads,) = f.value_and_grad(matrices)
    assert grads[1].tolist() == [[-7.0, 6.0], [5.0, -4.0]]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool"])
def test_arrays_of_any_number_are_read(runner: str, dtype: str) -> None:
    f = sg.compile(lambda x: x * x + 1)
    assert f(np.array([0, 1, 1], dtype)).tolist() == [1.0, 2.0, 2.0]


def test_strided_arrays_are_read(runner: str) -> None:
    x = np.arange(20.0).reshape(4, 5)
    f = sg.compile(lambda row: row[0] + 10 * row[1])
    assert f(x[::2, ::3]).tolist() == [0.0 + 30.0, 10.0 + 130.0]
    assert f(x.T[:3]).shape == (3,)


def test_arrays_that_numpy_does_not_align_are_read(runner: str) -> None:
    f = sg.compile(lambda x: x * x)
    unaligned = np.frombuffer(b"?" + np.array([2.0, 3.0]).tobytes(), offset=1)
    assert not unaligned.flags.aligned
    assert f(unaligned).tolist() == [4.0, 9.0]
    pairs = sg.compile(lambda x: x[0] * x[1])
    assert pairs(np.array([[2.0, 3.0], [1.0, 4.0]], ">f8")).tolist() == [6.0, 4.0]
    assert pairs(np.array([[2, 3], [1, 4]], ">i8")).tolist() == [6.0, 4.0]
    frozen = np.ones((2, 2))
    frozen.flags.writeable = False
    assert pairs(frozen).tolist() == [1.0, 1.0]


def test_results_keep_their_structure(runner: str) -> None:
    f = sg.compile(lambda x: {"pair": (x, -x), "row": [x, x * x, 1.0]})
    assert f(3.0) == {"pair": (3.0, -3.0), "row": [3.0, 9.0, 1.0]}
    batch = f(np.array([1.0, 2.0]))
    assert batch["pair"][1].tolist() == [-1.0, -2.0]
    assert batch["row"].tolist() == [[1.0, 1.0, 1.0], [2.0, 4.0, 1.0]]


def test_constants_and_arguments_themselves_may_be_results(runner: str) -> None:
    w = sg.Value(5.0)
    agrees(lambda x, y: x, [(1.0, 2.0)])
    agrees(lambda x, y: 3.0, [(1.0, 2.0)])
    f = sg.compile(lambda x: w)
    assert f(np.zeros(3)).tolist() == [5.0] * 3
    f.backward(np.zeros(3), reduction="sum")
    assert w.grad == 3.0


def test_more_lanes_than_a_block_or_a_chunk(runner: str) -> None:
    count = 100 if runner == "replay" else machine.CHUNK + 77
    x = np.linspace(-3.0, 3.0, count)
    w = sg.Value(2.0)
    f = sg.compile(lambda x: sg.exp(w * x))
    values, (grads,) = f.value_and_grad(x)
    for row in (0, 1, 63, 64, count // 2, count - 1):
        value, (grad,) = eager(lambda x: sg.exp(w * x), [x[row]])
        assert bits([values[row], grads[row]]) == bits([value, grad])
    w.grad = 0.0
    f.backward(x)
    assert w.grad == pytest.approx(float((x * np.exp(2 * x)).mean()), rel=1e-12)


# -- parameters -----------------------------------------------------------------------------


def test_backward_adds_the_gradient_of_the_mean(runner: str) -> None:
    net = sg.nn.TwoLayerNet(5, 7, 4, seed=3, weight_init_std=0.5)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(23, 5)), rng.integers(0, 4, 23)
    f = sg.compile(lambda x, t: net.loss(x, t))
    mean = f.backward(x, t)
    found = [p.grad for p in net.parameters()]
    net.zero_grad()
    loss = net.loss(x.tolist(), t.tolist())
    loss.backward()
    assert mean == pytest.approx(loss.data, rel=1e-13)
    assert found == pytest.approx([p.grad for p in net.parameters()], rel=1e-11, abs=1e-15)
    assert f.backward(x, t, reduction="sum") == pytest.approx(23 * mean, rel=1e-12)
    assert [p.grad for p in net.parameters()] == pytest.approx([24 * g for g in found], rel=1e-10)


def test_parameters_are_read_anew(runner: str) -> None:
    w = sg.Value(2.0)
    f = sg.compile(lambda x: w * x)
    assert f(3.0) == 6.0
    w.data = 5.0
    assert f(3.0) == 15.0
    assert f(np.array([1.0, 2.0])).tolist() == [5.0, 10.0]


def test_values_computed_outside_pass_gradients_on(runner: str) -> None:
    w = sg.Value(3.0)
    square = w * w
    f = sg.compile(lambda x: square * x)
    assert f.backward(2.0) == 18.0
    assert w.grad == 12.0


def test_values_made_inside_are_constants(runner: str) -> None:
    f = sg.compile(lambda x: x * sg.Value(4.0))
    assert f.value_and_grad(3.0) == (12.0, (4.0,))


def test_regularisation_is_computed_once_a_call(runner: str) -> None:
    ws = [sg.Value(float(i)) for i in range(6)]
    f = sg.compile(lambda x: x + sg.sum([w * w for w in ws]) * 0.5)
    assert f.backward(np.zeros(10)) == 27.5
    assert [w.grad for w in ws] == pytest.approx([float(i) for i in range(6)])


def test_values_among_the_operands_of_a_layer_collect_over_all_lanes(runner: str) -> None:
    c = sg.Value(0.7)
    weights = [[sg.Value(0.1 * i + 0.2 * j + 0.1) for j in range(4)] for i in range(4)]

    def function(x: Any) -> Any:
        return sg.sum([sg.tanh(sg.dot([*x, c], w)) for w in weights])

    f = sg.compile(function)
    f.backward(np.ones((8, 3)))  # leaves its numbers behind in the lanes of the block
    for lanes in (1, 2, 7, 9):
        c.grad = 0.0
        f.backward(np.ones((lanes, 3)), reduction="sum")
        found, c.grad = c.grad, 0.0
        function([1.0, 1.0, 1.0]).backward()
        assert found == pytest.approx(lanes * c.grad, rel=1e-12)


def test_labels_work_lane_by_lane(runner: str) -> None:
    f = sg.compile(sg.cross_entropy)
    logits = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [0.2, 0.2, 0.2]])
    labels = np.array([2, 0, 1])
    pairs = zip(logits.tolist(), labels.tolist(), strict=True)
    expected = [sg.cross_entropy(row, t) for row, t in pairs]
    assert bits(f(logits, labels)) == bits(expected)
    assert len(f.tapes) == 1
    with pytest.raises(ValueError, match="class from 0 to 2; got 3"):
        f(logits, np.array([2, 3, 1]))


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


# -- control flow ---------------------------------------------------------------------------


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
        lambda x, y: (x if not x else 1 / x) + (1 if x <= y <= 2 else y),
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


def test_too_many_paths_are_refused_with_the_line() -> None:
    f = sg.compile(lambda x: x if x < 1 else (-x if x < 2 else x * x), max_paths=2)
    f(np.array([0.0, 1.5]))
    with pytest.raises(RuntimeError, match=r"at most 2 different.*test_compile\.py:\d+: f = sg"):
        f(np.array([0.0, 1.5, 3.0]))
    assert f(np.array([0.0, 1.5])).tolist() == [0.0, -1.5]


# -- random functions -----------------------------------------------------------------------

UNARY = ("sin", "exp", "tanh", "relu", "sigmoid", "abs", "sqrt", "log", "erf", "floor", "softplus")
BINARY = ("add", "sub", "mul", "div", "pow", "maximum", "hypot", "atan2", "if", "compare")
MANY = ("sum", "dot", "max", "logsumexp", "softmax", "mean", "mse", "cross_entropy")


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Draw a list of operations on a growing list of numbers: two inputs, two parameters."""
    steps: list[tuple[Any, ...]] = []
    for known in range(5, 5 + draw(st.integers(1, 14))):
        place = st.integers(0, known - 1)
        kind = draw(st.sampled_from(["unary", "binary", "many", "detach", "number"]))
        if kind == "unary":
            steps.append((draw(st.sampled_from(UNARY)), draw(place)))
        elif kind == "binary":
            steps.append((draw(st.sampled_from(BINARY)), draw(place), draw(place)))
        elif kind == "many":
            size = draw(st.integers(1, 6))
            lists = [draw(st.lists(place, min_size=size, max_size=size)) for _ in range(2)]
            steps.append((draw(st.sampled_from(MANY)), *lists))
        elif kind == "detach":
            steps.append(("detach", draw(place)))
        else:
            steps.append(("number", draw(st.sampled_from([0.0, 1.0, 2.0, -0.5, 3.0]))))
    return steps


def run(steps: list[tuple[Any, ...]], known: list[Any]) -> Any:
    """Run a program; a condition is a Python `if`."""
    for op, *given_ in steps:
        if op == "number":
            known.append(known[0] * 0.0 + given_[0])
            continue
        if op in MANY:
            xs, ys = ([known[i] for i in places] for places in given_)
            if op in ("dot", "mse", "cross_entropy"):
                known.append(getattr(sg, op)(xs, ys))
            else:
                result = getattr(sg, op)(xs)
                known.append(result[-1] if op == "softmax" else result)
            continue
        x, y = known[given_[0]], known[given_[-1]]
        if op == "detach":
            known.append(x.detach())
        elif op == "if":
            known.append(x * 2.0 if x > y else y - 1.0)
        elif op == "compare":
            known.append(x if x >= y and bool(y) else x * y)
        elif op in ("add", "sub", "mul", "div"):
            sign = {"add": "+", "sub": "-", "mul": "*", "div": "/"}[op]
            known.append(eval(f"x {sign} y"))
        elif op == "abs":
            known.append(abs(x))
        elif len(given_) == 2:
            known.append(getattr(sg, op)(x, y))
        else:
            known.append(getattr(sg, op)(x))
    return known[-1]


NUMBERS = st.one_of(
    st.floats(-3, 3), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 1e300, math.inf, math.nan])
)


@settings(max_examples=200, deadline=None)
@given(programs(), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=11), st.data())
def test_random_functions_give_what_they_give_eagerly(
    steps: list[tuple[Any, ...]], lanes: list[tuple[float, float]], data: st.DataObject
) -> None:
    w, u = sg.Value(data.draw(st.floats(-2, 2))), sg.Value(0.5)

    def function(x: Any, y: Any) -> Any:
        return run(steps, [x, y, w, u, x * y])

    replays = [Replay, *KINDS]
    for kind in replays:
        with pytest.MonkeyPatch.context() as patch:
            if kind is Replay:
                patch.setattr(compiled, "runner_for", lambda tape, mode: Replay(tape))
            else:
                _engine.machine().use(kind)
            agrees(function, lanes)
            _agrees_in_parameters(function, lanes, (w, u), exactly=kind is Replay)
    if KINDS:
        _engine.machine().use(KINDS[0])


def _agrees_in_parameters(
    function: Callable[..., Any], lanes: Any, parameters: Any, *, exactly: bool
) -> None:
    sums, sizes = [0.0, 0.0], [0.0, 0.0]
    for lane in lanes:
        sg.zero_grad(parameters)
        result = function(*map(sg.Value, lane))
        result.backward()
        sums = [a + p.grad for a, p in zip(sums, parameters, strict=True)]
        sizes = [a + abs(p.grad) for a, p in zip(sizes, parameters, strict=True)]
    sg.zero_grad(parameters)
    f = sg.compile(function)
    f.backward(*map(np.array, zip(*lanes, strict=True)), reduction="sum")
    for parameter, total, size in zip(parameters, sums, sizes, strict=True):
        found = parameter.grad
        if math.isfinite(total) and math.isfinite(size) and size < 1e290:
            assert abs(found - total) <= 1e-9 * max(size, 1e-290), (found, total)
    sg.zero_grad(parameters)


# -- with Values ----------------------------------------------------------------------------


def test_values_give_one_node_of_the_graph(runner: str) -> None:
    w = sg.Value(3.0)
    f = sg.compile(lambda x, y: sg.sin(x) * y * w)
    x = sg.Value(0.5)
    z = f(x, 2.0)
    assert z.op == "<lambda>"
    assert z.parents == (x, w)
    (z * z).backward()
    expected = 2 * math.sin(0.5) * 6.0
    assert x.grad == pytest.approx(expected * math.cos(0.5) * 6.0)
    assert w.grad == pytest.approx(expected * math.sin(0.5) * 2.0)


def test_several_results_are_several_nodes(runner: str) -> None:
    f = sg.compile(lambda x, y: [x * y, x + y])
    x, y = sg.values(x=2.0, y=5.0)
    product, total = f(x, y)
    product.backward()
    assert (x.grad, y.grad) == (5.0, 2.0)
    total.backward()
    assert (x.grad, y.grad) == (6.0, 3.0)


def test_nodes_have_higher_derivatives(runner: str) -> None:
    f = sg.compile(lambda x: x**3)
    assert sg.grad(sg.grad(f))(2.0) == 12.0


def test_compiled_functions_inside_others_are_recorded_whole(runner: str) -> None:
    inner = sg.compile(lambda x: x * x if x > 0 else x)
    agrees(lambda x, y: inner(x) * y, [(2.0, 3.0), (-2.0, 3.0)])


def test_gradients_inside_a_function_are_followed(runner: str) -> None:
    agrees(lambda x, y: sg.grad(lambda u: u**3 * y)(x), [(2.0, 3.0), (1.0, -1.0)])
    agrees(lambda x, y: sg.grad(lambda u: sg.logsumexp([u, y * u]))(x), [(2.0, 3.0), (-900.0, 1.0)])


def test_no_grad_and_detach_stop_gradients(runner: str) -> None:
    def function(x: Any, y: Any) -> Any:
        with sg.no_grad():
            scale = x * y
        return scale * x + y.detach() * y

    agrees(function, [(2.0, 3.0), (1.0, -1.0)])


@sg.custom(lambda x, y: y, lambda x, y: x)
def times(x: float, y: float) -> float:
    """Multiply, as an operation of one's own."""
    return x * y


def test_operations_of_ones_own_are_called(runner: str) -> None:
    agrees(lambda x, y: times(x, 2.0) + times(x, y), [(2.0, 3.0), (1.0, -1.0)])


def test_methods_are_compiled_for_each_instance() -> None:
    class Scale:
        def __init__(self, by: float) -> None:
            self.by = sg.Value(by)

        @sg.compile
        def __call__(self, x: Any) -> Any:
            return self.by * x

    assert [Scale(2.0)(3.0), Scale(5.0)(3.0)] == [6.0, 15.0]


# -- refusals -------------------------------------------------------------------------------


def _frozen(x: Any) -> Any:
    return x.data * x  # the line that messages name


def _passes(x: Any) -> Any:
    y = x * x
    y.backward()
    return y


def _writes(x: Any) -> Any:
    y = x * x
    y.data = 3.0
    return y


def _random(x: Any) -> Any:
    return x * random.random()


def _turns(x: Any) -> Any:
    return x * x if random.random() < 0.5 else -x


@pytest.mark.parametrize(
    ("function", "arguments", "kind", "words"),
    [
        (_frozen, (1.0,), RuntimeError, r"\.data must not be read.*return x\.data \* x"),
        (_passes, (1.0,), RuntimeError, r"gradients must not.*y\.backward\(\)"),
        (_writes, (1.0,), RuntimeError, r"\.data must not be changed.*y\.data = 3\.0"),
        (_random, (1.0,), RuntimeError, "must do the same each time"),
        (lambda x: None, (1.0,), TypeError, "got None; write return"),
        (lambda x: "one", (1.0,), TypeError, "must be numbers.*'one'"),
        (lambda x: [], (1.0,), TypeError, r"must return numbers; got \[\]"),
        (lambda x: x, ("one",), TypeError, "argument 0 must be numbers.*'one'"),
        (lambda x: x, (None,), TypeError, "argument 0 must be numbers.*None"),
        (lambda x: x, (np.array(["a"]),), TypeError, "argument 0 must be numbers"),
        (lambda x: x, (np.empty(0),), ValueError, "at least one lane; got none"),
        (lambda x, y: x, (np.zeros(2), np.zeros(3)), ValueError, r"\(2,\), \(3,\)"),
        (lambda x, y: x, (np.zeros(2), sg.Value(1.0)), TypeError, "Values or arrays, not both"),
        (lambda x: sg.record(1.0, [x], [1.0], op="own"), (1.0,), RuntimeError, "'own'"),
        (lambda x: sg.newton(lambda u: u * u - x, 1.0), (2.0,), RuntimeError, "scalargrad.custom"),
        (lambda x, y: x, (1.0,), TypeError, "missing 1 required positional"),
    ],
)  # fmt: skip
def test_what_no_replay_could_do_is_refused(
    runner: str, function: Any, arguments: Any, kind: type[Exception], words: str
) -> None:
    f = sg.compile(function)
    for _ in range(2):
        with pytest.raises(kind, match=words):
            f(*arguments)
    assert sg.compile(lambda x: x * x)(3.0) == 9.0
    x = sg.Value(2.0)
    (x * x).backward()
    assert (x.data, x.grad) == (2.0, 4.0)


def test_functions_that_turn_at_random_are_refused() -> None:
    def often() -> None:
        for _ in range(60):
            sg.compile(_turns)(1.0)

    with pytest.raises(RuntimeError, match="must do the same each time"):
        often()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sg.compile(3.0), "wants a function; got 3.0"),
        (lambda: sg.compile(abs, mode="quick"), 'mode must be "strict" or "fast"'),
        (lambda: sg.compile(abs, threads=0), "threads must be a whole number from 1"),
        (lambda: sg.compile(abs, max_paths=-1), "max_paths must be a whole number from 1"),
        (lambda: sg.compile(abs).tape, "nothing is recorded before the first call"),
        (lambda: sg.compile(abs).backward(1.0, reduction="max"), '"mean" or "sum"'),
        (lambda: sg.compile(lambda x: [x, x]).value_and_grad(1.0), "returns 2 numbers"),
        (lambda: sg.compile(lambda x: [x, x]).backward(np.ones(2)), "returns 2 numbers"),
        (lambda: sg.compile(abs).backward(sg.Value(1.0)), "backward wants numbers and arrays"),
    ],
)
def test_wrong_options_get_one_sentence(make: Callable[[], Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError, RuntimeError), match=words):
        make()


def test_nothing_is_added_where_a_lane_is_refused(runner: str) -> None:
    w = sg.Value(1.0)

    def function(x: Any) -> Any:
        if x > 2:
            raise ValueError("no lane may be above 2")
        return w * x

    f = sg.compile(function)
    with pytest.raises(ValueError, match="no lane may be above 2"):
        f.backward(np.array([1.0, 3.0]))
    assert w.grad == 0.0


def test_recording_leaves_other_threads_alone() -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        def elsewhere() -> None:
            v = sg.Value(3.0)
            z = v * v
            z.backward()
            seen.append((z.data, v.grad, v.grad))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return x * 2

    f = sg.compile(function)
    assert f(1.0) == 2.0
    assert seen[0] == (9.0, 6.0, 6.0)
    assert len(f.tape) == 1


# -- tapes ----------------------------------------------------------------------------------


def test_tape_prints_as_one_would_write_it() -> None:
    w = sg.Value(0.5, label="slope")
    f = sg.compile(lambda x, y: sg.relu(w * x + 2.0 * y) if x > y else y)
    f(2.0, 1.0)
    text = str(f.tape).splitlines()
    assert text[0] == "<lambda>: 2 inputs, 1 captured, 4 lines, 1 guard"
    assert text[1:6] == [
        "  w0 = 0.5  # slope",
        "  v0 = mul(w0, x)",
        "  v1 = mul(2.0, y)",
        "  v2 = add(v0, v1)",
        "  v3 = relu(v2)",
    ]
    assert text[6].startswith("  guard x > y  # ")
    assert text[7] == "  return v3"
    assert repr(f.tape) == "Tape of <lambda>(2 inputs, 1 captured, 4 lines, 1 guards)"
    assert [line.op for line in f.tape.lines] == ["mul", "mul", "add", "relu"]
    check(f.tape)


def test_tape_draws_like_any_graph(tmp_path: Path) -> None:
    w = sg.Value(0.5, label="slope")
    f = sg.compile(lambda x, y: [sg.softmax([w * x, y, 2.0])[1], times(x, y.detach()), 3.0])
    f(2.0, 1.0)
    f.tape.draw().save(tmp_path / "tape.svg")
    text = (tmp_path / "tape.svg").read_text(encoding="utf-8")
    assert "slope" in text
    assert f"{f(2.0, 1.0)[0]:.4g}" in text
    f.tape.draw(1).save(tmp_path / "times.svg")
    assert "times" in (tmp_path / "times.svg").read_text(encoding="utf-8")
    assert w.grad == 0.0
    with pytest.raises(ValueError, match="draw wants an output that is computed"):
        f.tape.draw(2)


def test_checker_finds_what_is_no_tape() -> None:
    f = sg.compile(lambda x: x * x + 1.0)
    f(1.0)
    good = f.tape
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    for changed in (
        {"ops": bytes([99, 1])},
        {"ops": bytes([1])},
        {"inputs": 0},
        {"outputs": type(good.outputs)("I", [3 << 30 | 7])},
        {"operands": type(good.operands)("I", [3 << 30 | 1] * 4)},
    ):
        with pytest.raises(ValueError, match="tape: wants"):
            check(Tape(**{**fields, **changed}))


def test_plans_lift_layers_to_matrix_products() -> None:
    if not KINDS:
        pytest.skip("the machine was not built here")
    net = sg.nn.TwoLayerNet(20, 9, 4, seed=0)
    f = sg.compile(lambda x, t: net.loss(x, t))
    f.backward(np.zeros((3, 20)), np.zeros(3, int))
    (path,) = next(iter(f._paths.values())).known
    *_, groups, slots, gradients = path.runner.plan(2).described()
    assert [group[:2] for group in groups] == [(21, 9), (10, 4)]
    assert gradients < slots


# -- pickles --------------------------------------------------------------------------------


def branches(x: Any, y: Any) -> Any:
    """Take one of two paths."""
    return x * y if x > 0 else x - y


compiled_branches = sg.compile(branches)


def test_pickles_replay_without_recording(runner: str) -> None:
    calls = []

    def counted(x: Any) -> Any:
        calls.append(x)
        return sg.exp(x) * 2.0

    f = sg.compile(counted)
    f(1.0)
    before = len(calls)
    twin = pickle.loads(pickle.dumps(f))
    assert bits([twin(0.5)]) == bits([f(0.5)])
    assert len(calls) == before
    assert str(twin.tape) == str(f.tape)


def test_pickles_record_further_paths_by_the_name_of_the_function() -> None:
    compiled_branches(1.0, 2.0)
    twin = pickle.loads(pickle.dumps(compiled_branches))
    assert twin(-1.0, 2.0) == -3.0
    local = sg.compile(lambda x: x if x > 0 else -x)
    local(1.0)
    twin = pickle.loads(pickle.dumps(local))
    assert twin(2.0) == 2.0
    with pytest.raises(RuntimeError, match="cannot be recorded here"):
        twin(-2.0)


def test_pickles_bring_their_parameters() -> None:
    net = sg.nn.MLP(2, [3, 1], seed=0)
    f = sg.compile(lambda x: net(x))
    value = f([1.0, 2.0])
    twin, twin_net = pickle.loads(pickle.dumps((f, net)))
    assert twin([1.0, 2.0]) == value
    twin.backward([1.0, 2.0])
    assert any(p.grad for p in twin_net.parameters())
    assert not any(p.grad for p in net.parameters())


# -- memory ---------------------------------------------------------------------------------


def test_memory_stays_flat(runner: str) -> None:
    w = sg.Value(0.5)
    f = sg.compile(lambda x, y: sg.sin(x * w) + y if x > 0 else y)
    x = np.linspace(-1, 1, 9)
    rounds = 300 if runner == "replay" else 1000

    def work() -> None:
        for _ in range(rounds):
            f(x, 1.0)
            f.value_and_grad(x, 1.0)
            f.backward(x, 1.0)
            f(0.5, 1.0)

    work()
    gc.collect()
    tracemalloc.start()
    work()
    gc.collect()
    first = tracemalloc.get_traced_memory()[0]
    work()
    gc.collect()
    second = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert second - first < 50 * 4 * rounds  # bytes; an object a call would be more
