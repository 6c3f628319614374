"""Plans: what is equal is computed once, sums and dots are fused, and every bit stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import replays
from replays import COSTS, KINDS, agrees, bits, eager

import scalargrad as sg
from scalargrad import _engine

runner = replays.runner

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(7, 2)).tolist()
ROWS = RNG.normal(size=(11, 4))


# -- every bit -----------------------------------------------------------------------------


def shared_term(x: Any, y: Any) -> Any:
    """Return a sum of which a term gets gradients from elsewhere too."""
    t = x * y
    return x + t + sg.sin(t) + sg.exp(t)


def compared(x: Any, y: Any) -> Any:
    """Return a sum, the beginning of which is compared with something."""
    start = x * y + x * x
    return start + y * y + y * 3.0 if start > 0.5 else -start


def compares(x: Any, y: Any) -> Any:
    """Return a sum, with the beginning of which something is compared."""
    start = x * y + x * x
    return start + y * y + y * 3.0 if x < start else -start


def chained(x: Any, y: Any) -> Any:
    """Return a sum of products with one factor."""
    return x * 1.1 + x * sg.sin(y) + x * y + x * sg.cos(y) + x * 0.3


def chained_among_others(x: Any, y: Any) -> Any:
    """Return a sum of products, between which others add to the gradients of their factors."""
    return x * 1.1 + y * sg.sin(x * 3.0) + (x * x) * y + y * sg.cos(x) + y * 0.3


@pytest.mark.parametrize(
    "function",
    [
        shared_term,
        compared,
        compares,
        lambda x, y: (sg.dot([x, y], [1.3, 0.7]) + x) * sg.sin(x),
        lambda x, y: (x * y + x * x + y * y + x * 3.0) * sg.sin(x * y),
        chained,
        chained_among_others,
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


def test_lines_that_begin_alike_are_kept_apart(runner: str) -> None:
    xs = RNG.normal(size=(3, 64))
    shares = sg.compile(sg.softmax)
    sums = sg.compile(lambda xs: [sg.sum(xs[:count]) for count in range(64, 0, -1)])
    for row, lane in enumerate(xs.tolist()):
        expected = [sg.sum(lane[:count]) for count in range(64, 0, -1)]
        assert bits(shares(xs)[row]) == bits(shares(lane)) == bits(sg.softmax(lane))
        assert bits(sums(xs)[row]) == bits(sums(lane)) == bits(expected)


@pytest.mark.parametrize("divisor", [5e-324, 2.0**-1022, 2.0**1023, 4.0, -0.5, 3.0])
def test_quotients_keep_their_bits(runner: str, divisor: float) -> None:
    agrees(lambda x: x / divisor, [(0.0,), (1.0,), (-7.3,), (5e-324,), (1e300,)])


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + x + x + x,
        lambda x, y: x + y + x + y + x * y,
        lambda x, y: x * 2.0 + x * 3.0 + y * 2.0 + y * 3.0,
        lambda x, y: 1 / (x + y + x + y),
        lambda x, y: 1 / (x * 2.0 + x * 3.0 + y * 2.0 + y * 3.0),
    ],
)  # fmt: skip
def test_chains_begin_with_their_first_term(runner: str, function: Any) -> None:
    agrees(function, list(itertools.product([0.0, -0.0, 1.0, -1.0], repeat=2)))


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


def test_layers_of_constants_are_layers(runner: str) -> None:
    near(lambda xs: sum(map(sg.tanh, layer(xs, [0.5, -0.25, 1.5, 0.75]))), [])


def test_layers_read_their_weights_anew(runner: str) -> None:
    ws = [sg.Value(w) for w in (0.5, -0.25, 1.5, 0.75)]
    f = sg.compile(lambda xs: sum(layer(xs, ws)))
    before = f(ROWS), f(ROWS[0].tolist())
    for w in ws:
        w.data *= 2.0
    assert f(ROWS) == pytest.approx(2.0 * before[0])
    assert f(ROWS[0].tolist()) == pytest.approx(2.0 * before[1])


def test_kernels_may_be_others_at_the_next_call() -> None:
    f = sg.compile(lambda xs: sum(map(sg.tanh, layer(xs, [0.5, -0.25, 1.5, 0.75]))))
    found = []
    for kind in [*KINDS, *KINDS]:
        _engine.machine().use(kind)
        found.append(f(ROWS))
    if KINDS:
        _engine.machine().use(KINDS[0])
    expected = [f(row) for row in ROWS.tolist()]
    assert all(values == pytest.approx(expected, rel=1e-13) for values in found)


def test_results_of_parameters_alone_count_in_each_lane(runner: str) -> None:
    w = sg.Value(3.0)
    f = sg.compile(lambda x: w * w)
    assert f.backward(np.zeros(300), reduction="sum") == 2700.0
    assert w.grad == 1800.0


def test_lanes_of_later_chunks_may_take_another_path(runner: str) -> None:
    count = 100 if runner == "replay" else 2 * COSTS["CHUNK"] + 5
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


# -- partials that are values --------------------------------------------------------------

#: rows, and what their partial is
PARTIALS: list[tuple[Any, Any]] = [
    (sg.sin, sg.cos), (sg.cos, sg.sin), (sg.sinh, sg.cosh), (sg.cosh, sg.sinh),
    (sg.expm1, sg.exp), (sg.softplus, sg.sigmoid),
]  # fmt: skip


@pytest.mark.parametrize(("row", "partial"), PARTIALS, ids=lambda row: row.__name__)
def test_a_partial_that_is_a_value_is_not_computed_again(
    runner: str, row: Callable[[Any], Any], partial: Callable[[Any], Any]
) -> None:
    def both(x: Any, y: Any) -> Any:
        return row(x * y) * y + partial(x * y) * x

    lanes = [*POINTS, (0.0, 1.0), (-0.0, 2.0), (np.inf, 1.0), (np.nan, 1.0), (-np.inf, 2.0)]
    f = agrees(both, lanes)
    if runner != "replay":
        assert f"{partial.__name__}(" not in f.tape.plan().split("backward")[1]
