"""`compile`: every replay gives what the function itself gives, lane by lane."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import replays
from native_nodes import run
from replays import COSTS, agrees, bits, eager, times

import scalargrad as sg

runner = replays.runner


# -- what a call gives -----------------------------------------------------------------------


def test_point_and_batch_are_the_function(runner: str) -> None:
    w = sg.Value(0.7)
    agrees(lambda x, y: sg.sin(x) * y + w * x / (y * y + 1), [(0.5, -1.0), (2.0, 3.0), (-1.0, 0.0)])


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: [x, -x, abs(x), x * y, x - y, x + y, y / 2.0, x / y, x**2, x**3],
        lambda x, y: [sg.relu(x), sg.sqrt(x), sg.atan2(x, y), sg.copysign(1.0, x), sg.floor(y)],
        lambda x, y: [max(x, y), min(y, x), sg.maximum(x, y), sg.max([x, y, x])],
        lambda x, y: [sg.sum([x, y, x, y]), sg.mean([x, y, x]), sg.dot([x, y], [y, 1.0])],
    ],
)  # fmt: skip
def test_zeros_have_their_sign(runner: str, function: Callable[..., Any]) -> None:
    f = sg.compile(function)
    lanes = list(itertools.product([0.0, -0.0, 1.0, -1.0], repeat=2))
    batch = f(*map(np.array, zip(*lanes, strict=True)))
    for row, lane in enumerate(lanes):
        expected = [x.data for x in function(*map(sg.Value, lane))]
        assert bits(batch[row]) == bits(f(*lane)) == bits(expected)


def test_zeros_of_gradients_have_their_sign(runner: str) -> None:
    zeros = list(itertools.product([0.0, -0.0], repeat=2))
    for function in (lambda x, y: x * y, lambda x, y: x**2 * y, lambda x, y: -x * y - x):
        agrees(function, zeros)


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


def test_unsigned_numbers_do_not_wrap(runner: str) -> None:
    f = sg.compile(lambda x: x * 1.0)
    assert f(np.array([1, 2**63 - 1], np.uint64)).tolist() == [1.0, 2.0**63]
    with pytest.raises(ValueError, match=r"must be below 2\*\*63; got 18446744073709551615"):
        f(np.array([1, 2**64 - 1], np.uint64))


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
    count = 100 if runner == "replay" else COSTS["CHUNK"] + 77
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


# -- parameters ------------------------------------------------------------------------------


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


# -- with Values -----------------------------------------------------------------------------


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


def test_operations_of_ones_own_are_called(runner: str) -> None:
    agrees(lambda x, y: times(x, 2.0) + times(x, y), [(2.0, 3.0), (1.0, -1.0)])


def test_operations_of_ones_own_inside_no_grad_are_constants(runner: str) -> None:
    def function(x: Any, y: Any) -> Any:
        with sg.no_grad():
            scale = times(x, y)
        return sg.sin(scale) * x

    agrees(function, [(2.0, 3.0), (1.0, -1.0)])


def test_operations_of_ones_own_are_called_by_the_readable_engine_too() -> None:
    program = """
import scalargrad as sg
square = sg.custom(lambda x: 2 * x)(lambda x: x * x)
assert sg.compile(lambda x: square(x) + 1.0).value_and_grad(3.0) == (10.0, (6.0,))
exp = sg.custom(lambda x: 2 * x, op="exp")(lambda x: x * x)  # the name of a row
assert sg.compile(lambda x: exp(x) + 1.0).value_and_grad(3.0) == (10.0, (6.0,))
"""
    done = run(program, SCALARGRAD_ENGINE="python")
    assert done.returncode == 0, done.stderr


# -- arguments by name ---------------------------------------------------------------------


def scaled(x: Any, by: Any = 3.0) -> Any:
    """Scale a number."""
    return x * by


def test_arguments_may_be_named(runner: str) -> None:
    f = sg.compile(scaled)
    assert (f(2.0, by=4.0), f(by=4.0, x=2.0), f(x=2.0)) == (8.0, 8.0, 6.0)
    assert f.value_and_grad(x=2.0) == f.value_and_grad(2.0) == (6.0, (3.0,))
    between = sg.compile(lambda x, y=2.0, z=3.0: x * y * z)
    assert between.value_and_grad(1.0, z=5.0) == (10.0, (10.0, 5.0, 2.0))
    assert f.value_and_grad(by=4.0, x=2.0) == (8.0, (4.0, 2.0))
    assert f(np.array([1.0, 2.0]), by=4.0).tolist() == [4.0, 8.0]
    w = sg.Value(5.0)
    g = sg.compile(lambda x: x * w)
    assert (g.backward(x=np.array([1.0, 2.0]), reduction="sum"), w.grad) == (15.0, 3.0)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (scaled, r"^scaled: arguments must fit .* \(an unexpected keyword argument 'z'\)"),
    ],
)
def test_names_that_do_not_fit_are_refused(function: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        sg.compile(function)(2.0, z=3.0)


def test_lists_given_for_a_batch_are_explained() -> None:
    with pytest.raises(TypeError) as caught:
        sg.compile(scaled)([1.0, 2.0], 3.0)
    assert "for a batch of numbers pass a NumPy array" in caught.value.__notes__[0]


@pytest.mark.filterwarnings("ignore:.*should seldom be recorded")
def test_the_oldest_kind_of_arguments_is_forgotten() -> None:
    f = sg.compile(lambda xs: sum(xs))
    for length in range(1, 300):
        assert f([1.0] * length) == length
    assert len(f.tapes) == 256


def test_array_of_scipy_is_a_batch_and_a_sentence_says_what_to_write() -> None:
    from scipy.optimize import minimize

    f = sg.compile(lambda p: (p[0] - 1) ** 2 + p[1] ** 2)
    with pytest.raises(TypeError, match=r"minimize: jac=True.*sg.jacobian\(f\) take it$") as caught:
        minimize(f.value_and_grad, [2.0, 1.0], jac=True)
    assert isinstance(caught.value.__cause__, TypeError)
    assert "write minimize(sg.value_and_grad(f), x0" in caught.value.__cause__.__notes__[0]

    found = minimize(sg.value_and_grad(f), [2.0, 1.0], jac=True)
    assert found.x == pytest.approx([1.0, 0.0], abs=1e-6)
