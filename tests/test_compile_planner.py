"""Plans: what is equal is computed once, sums and dots are lifted, and every bit stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import replays
from replays import KINDS, agrees, eager

import scalargrad as sg
from scalargrad.tape import machine

runner = replays.runner

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(7, 2)).tolist()
ROWS = RNG.normal(size=(11, 4))


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


# -- every bit -----------------------------------------------------------------------------


def shared_term(x: Any, y: Any) -> Any:
    """Return a sum of which a term gets gradients from elsewhere too."""
    t = x * y
    return x + t + sg.sin(t) + sg.exp(t)


@pytest.mark.parametrize(
    "function",
    [
        shared_term,
        lambda x, y: (x * y + x * x + y * y + x * 3.0) * sg.sin(x * y),
        lambda x, y: sg.softmax([x, y])[0] * sg.softmax([y * 2.0, x])[0],
        lambda x, y: sg.softmax([x, y])[0] * sg.log_softmax([x, y])[0],
        lambda x, y: sg.softmax([x, y])[0] * sg.softmax([x, y, x])[0],
        lambda x, y: sg.softmax([x, y])[1] * sg.sin(x) * sg.softmax([x, y])[1],
        lambda x, y: sg.logsumexp([x, y]) * sg.exp(x) * sg.logsumexp([x, y]),
        lambda x, y: sg.sin(x * y) * sg.sin(x * y) + sg.exp(sg.sin(x * y)),
    ],
)  # fmt: skip
def test_what_is_shared_keeps_its_bits(runner: str, function: Callable[..., Any]) -> None:
    agrees(function, POINTS)


@pytest.mark.parametrize("divisor", [5e-324, 2.0**-1022, 2.0**1023, 4.0, -0.5, 3.0])
def test_quotients_keep_their_bits(runner: str, divisor: float) -> None:
    agrees(lambda x: x / divisor, [(0.0,), (1.0,), (-7.3,), (5e-324,), (1e300,)])


# -- layers --------------------------------------------------------------------------------


def near(function: Callable[[Any], Any], parameters: Sequence[sg.Value]) -> None:
    """Compare batches, points and sums of a function of four numbers with the function itself."""
    f = sg.compile(function)
    values, (grads,) = f.value_and_grad(ROWS)
    sg.zero_grad(parameters)
    f.backward(ROWS, reduction="sum")
    found = [p.grad for p in parameters]
    sg.zero_grad(parameters)
    expected = [eager(lambda *x: function(list(x)), row) for row in ROWS.tolist()]
    assert found == pytest.approx([p.grad for p in parameters], rel=1e-12)
    for row, (value, grad) in enumerate(expected):
        assert values[row] == pytest.approx(value, rel=1e-12)
        assert grads[row].tolist() == pytest.approx(grad, rel=1e-11)
        alone, (by_row,) = f.value_and_grad(ROWS[row].tolist())
        assert [alone, *by_row] == pytest.approx([value, *grad], rel=1e-11)


def layer(xs: Sequence[Any], ws: Sequence[Any]) -> list[Any]:
    """Return four dots over the same operands."""
    return [sg.dot(xs, [*ws[i:], *ws[:i]]) for i in range(4)]


def computed_weights(xs: Any, ws: Any) -> Any:
    """Compute weights once a call."""
    return sum(map(sg.tanh, layer(xs, [w * 2.0 + ws[3] for w in ws])))


def weight_beside(xs: Any, ws: Any) -> Any:
    """Use a weight beside the layer too."""
    return sum(layer(xs, ws)) * ws[0]


def operand_beside(xs: Any, ws: Any) -> Any:
    """Use operands beside the layer, before and after it in a pass."""
    first, second, *_ = layer(xs, ws)
    return xs[0] * first * sg.exp(second) + sg.sin(xs[0]) * xs[1]


def result_left_out(xs: Any, ws: Any) -> Any:
    """Let no gradient through one of the dots."""
    first, second, third, fourth = map(sg.sin, layer(xs, ws))
    return sg.exp(first * second) * third + fourth.detach()


@pytest.mark.parametrize(
    "function", [computed_weights, weight_beside, operand_beside, result_left_out]
)
def test_layers_give_the_gradients_of_their_dots(runner: str, function: Any) -> None:
    ws = [sg.Value(w) for w in (0.5, -0.25, 1.5, 0.75)]
    near(lambda xs: function(xs, ws), ws)


def test_results_of_parameters_alone_count_in_each_lane(runner: str) -> None:
    w = sg.Value(3.0)
    f = sg.compile(lambda x: w * w)
    assert f.backward(np.zeros(300), reduction="sum") == 2700.0
    assert w.grad == 1800.0


def test_lanes_of_later_chunks_may_take_another_path(runner: str) -> None:
    count = 100 if runner == "replay" else 2 * machine.CHUNK + 5
    w = sg.Value(2.0)
    f = sg.compile(lambda x: w * x if x < count - 3 else -x)
    x = np.arange(float(count))
    expected = np.where(x < count - 3, 2 * x, -x)
    assert f(x).tolist() == expected.tolist()
    values, (grads,) = f.value_and_grad(x)
    assert values.tolist() == expected.tolist()
    assert grads.tolist() == np.where(x < count - 3, 2.0, -1.0).tolist()
    f.backward(x, reduction="sum")
    assert w.grad == x[:-3].sum()
