"""What is captured has the gradients of an eager pass, bit for bit, at one point."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from recorded_programs import Signed, signed_programs
from replays import KINDS, bits, machines, vectorize

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import compiled
from scalargrad.tape.replay import BY_CAPTURED, BY_INPUTS, Replay

RUNNERS = ["replay", *KINDS, *["vectorized"][: len(KINDS)]]


def eager(
    function: Callable[..., Any], point: Sequence[float], captured: Sequence[sg.Value]
) -> list[bytes]:
    """Return the bits of the value, and of its gradient by inputs and by what is captured."""
    sg.zero_grad(captured)
    inputs = [sg.Value(x) for x in point]
    result = function(*inputs)
    result.backward()
    grads = [x.grad + 0.0 for x in [*inputs, *captured]]
    sg.zero_grad(captured)
    return bits([result.data, *grads])


def replayed(f: Any, point: Sequence[Any], captured: Sequence[sg.Value]) -> list[bytes]:
    """Return the same of a compiled function."""
    value, by_inputs = f.value_and_grad(*point)
    sg.zero_grad(captured)
    f.backward(*point)
    grads = [*np.ravel(by_inputs), *(x.grad for x in captured)]
    sg.zero_grad(captured)
    return bits([*np.ravel(value), *(x + 0.0 for x in grads)])


def use(kind: str, patch: pytest.MonkeyPatch) -> None:
    """Let a point run on one of the replays."""
    if kind == "replay":
        patch.setattr(compiled, "runner_for", lambda tape, mode: Replay(tape))
    elif kind == "vectorized":
        vectorize(patch)
    else:
        _engine.machine().use(kind)


@settings(max_examples=600, deadline=None)
@given(signed_programs())
def test_random_functions_have_the_gradients_of_an_eager_pass(function: Signed) -> None:
    wanted = eager(function, function.point, function.captured)
    for kind in RUNNERS:
        with pytest.MonkeyPatch.context() as patch:
            use(kind, patch)
            f = sg.compile(function)
            found = replayed(f, function.point, function.captured)
            assert found == wanted, kind
            lane = [np.array([x]) for x in function.point]
            assert replayed(f, lane, function.captured) == found, kind
    if KINDS:
        _engine.machine().use(KINDS[0])


# -- one function of each kind -----------------------------------------------------------------

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "twice": lambda x, y, w, u: x * w * sg.sin(w) + y * w * sg.sin(w),
    "below a chain": lambda x, y, w, u: sg.exp(w * u) * x + w * y + u * sg.exp(w * u),
    "in sums": lambda x, y, w, u: sg.sum([w * u, x, w, sg.tanh(u)]) * y + w,
    "in dots": lambda x, y, w, u: sg.dot([w * u, u, w], [x, sg.sin(w), y]) + w * u,
    "in softmax": lambda x, y, w, u: sg.softmax([w * u, x, w])[0] * w + sg.log(w + 3.0) * y,
    "in losses": lambda x, y, w, u: sg.mse([x * w, w * u], [y, u]) + sg.cos(w) * w,
    "twice on a path": lambda x, y, w, u: (
        sg.sin(sg.sum([w, x * w, sg.tanh(w)])) * u
        if x < y
        else x * w * sg.sin(w) + y * w * sg.sin(w)
    ),
    "in a condition": lambda x, y, w, u: sg.sin(w) * x if w * u > x else sg.cos(w) * w * y,
    "in a chain": lambda x, y, w, u: w * x + w * sg.sin(y) + w * y + u * sg.cos(w) + w * 0.3,
    "in a product": lambda x, y, w, u: (
        sg.sum(
            [
                sg.tanh(sg.dot([x, y, x * y, 1.0], [v, u, w, w]) + u) * w * sg.exp(x)
                for v in (w, u, 0.3, w, 0.5)
            ]
        )
        + w * w
    ),
    "alone": lambda x, y, w, u: sg.sin(w) * u + w * u * 3.0,
    "detached": lambda x, y, w, u: sg.sin(w).detach() * x * w + y * sg.sin(w) * w,
    "maximum": lambda x, y, w, u: sg.maximum(sg.sin(w), w) * x + sg.max([w, u, x]) * y * w,
    "powers": lambda x, y, w, u: (w * w + 1.0) ** u * x + (w * w + 1.0) ** 2 * y + w,
    "a gradient": lambda x, y, w, u: sg.grad(lambda v: sg.sin(v * w) * sg.exp(w))(x) * w * y,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", RUNNERS)
def test_what_depends_on_captured_values_alone_takes_its_turn(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(kind, monkeypatch)
    draw = np.random.default_rng(7)
    for _ in range(60):
        numbers = draw.uniform(-2.0, 2.0, 4).tolist()
        w, u = map(sg.Value, numbers[2:])

        def function(x: Any, y: Any, w: sg.Value = w, u: sg.Value = u) -> Any:
            return FUNCTIONS[name](x, y, w, u)

        point = numbers[:2]

        def traced(x: Any, y: Any, function: Any = function) -> Any:
            return function(x, y)

        f = sg.compile(traced)
        wanted = eager(traced, point, [w, u])
        assert replayed(f, point, [w, u]) == wanted
        assert replayed(f, [np.array([x]) for x in point], [w, u]) == wanted
    if KINDS:
        _engine.machine().use(KINDS[0])


# -- layers --------------------------------------------------------------------------------

WEIGHTS = [
    [sg.Value(x) for x in row] for row in np.random.default_rng(5).uniform(-1, 1, (5, 4)).tolist()
]


def bent(dots: Sequence[Any]) -> Any:
    """Return a sum in which each dot has a gradient of its own."""
    return sum((sg.tanh(d) * (k + 0.3) for k, d in enumerate(dots)), start=0.1)


def halves(x: Sequence[Any], dots: Sequence[Any]) -> list[Any]:
    """Return two results, of which each depends on some of the dots."""
    return [bent(dots[:2]), bent(dots[2:])]


#: what is made of four inputs and five dots over them, and whether points have a product of these
LAYERS: dict[str, tuple[Callable[[Sequence[Any], Sequence[Any]], Any], bool]] = {
    "alone": (lambda x, dots: bent(dots), True),
    "from the last to the first": (lambda x, dots: bent(dots[::-1]), False),
    "mixed": (lambda x, dots: bent([dots[i] for i in (2, 0, 3, 1, 4)]), False),
    "an input between": (lambda x, dots: bent([*dots[:2], x[0] * x[1], *dots[2:]]), False),
    "a weight twice": (lambda x, dots: bent(dots) + WEIGHTS[1][2] * sg.sin(WEIGHTS[1][2]), False),
    "a dot that goes nowhere": (halves, False),
    "two layers": (
        lambda x, dots: bent([sg.dot(list(map(sg.sin, dots)), row + row[:1]) for row in WEIGHTS]),
        False,
    ),
}


@pytest.mark.parametrize("weight", [None, math.inf, math.nan])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("kind", RUNNERS)
def test_layers_at_a_point_have_the_gradients_of_an_eager_pass(
    name: str, kind: str, weight: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(kind, monkeypatch)
    weights = [w for row in WEIGHTS for w in row]
    if weight is not None:
        monkeypatch.setattr(WEIGHTS[4][3], "data", weight)
    result_of, has_product = LAYERS[name]

    def function(x: Any) -> Any:
        return result_of(x, [sg.dot(x, row) for row in WEIGHTS])

    def found(f: Callable[[Any], Any], output: int, point: list[float]) -> list[bytes]:
        sg.zero_grad(weights)
        inputs = list(map(sg.Value, point))
        result = f(inputs)
        result = result[output] if isinstance(result, list) else result
        result.backward()
        numbers = [result.data, *(v.grad + 0.0 for v in [*inputs, *weights])]
        sg.zero_grad(weights)
        return bits(numbers)

    f = sg.compile(function)
    for point in np.random.default_rng(6).uniform(-1, 1, (40, 4)).tolist():
        for output in (0, 1):
            assert found(f, output, point) == found(function, output, point)
    if kind in KINDS:
        (runner,) = machines(f)
        plan = runner._plan_for_points(BY_INPUTS | BY_CAPTURED)
        sizes = [product["outer"] for product in plan.describe()["products"]]
        assert (len(WEIGHTS) in sizes) is has_product
        _engine.machine().use(KINDS[0])


def squared_error(x: Any, t: Any) -> Any:
    return (sg.tanh(W * U) * x + U * sg.exp(W) - t) ** 2 + W * sg.exp(W)


W, U = sg.Value(0.6455164910098818), sg.Value(-1.2345678901234567)


def test_a_batch_adds_lanes_and_then_goes_on_with_what_they_share() -> None:
    rows = np.random.default_rng(3).normal(size=(50, 2))
    f = sg.compile(squared_error)
    sums = [0.0, 0.0]
    for x, t in rows.tolist():
        sg.zero_grad([W, U])
        squared_error(sg.Value(x), t).backward()
        sums = [s + p.grad for s, p in zip(sums, (W, U), strict=True)]
    sg.zero_grad([W, U])
    f.backward(*rows.T, reduction="sum")
    for parameter, total in zip((W, U), sums, strict=True):
        assert math.isclose(parameter.grad, total, rel_tol=1e-12)
    sg.zero_grad([W, U])


def test_a_tape_from_a_pickle_has_these_bits_too() -> None:
    f = sg.compile(squared_error)
    f(0.3, 0.7)
    twin = pickle.loads(pickle.dumps(f))

    assert twin.value_and_grad(0.3, 0.7) == f.value_and_grad(0.3, 0.7)
    (path,) = (path for known in twin._paths.values() for path in known.known)
    copies = path.tape.captured
    twin.backward(0.3, 0.7)
    found = [x.grad for x in copies]
    assert bits(found) == eager(squared_error, [0.3, 0.7], [W, U])[3:]


def test_leaves_and_results_beside_each_other_have_their_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kind in RUNNERS:
        with monkeypatch.context() as patch:
            use(kind, patch)
            w = sg.Value(3.0)
            square = w * w  # computed before
            f = sg.compile(lambda x, w=w, square=square: x * w + square * 2.0)
            f.backward(5.0)
            assert w.grad == 5.0 + 2.0 * 6.0, kind
    if KINDS:
        _engine.machine().use(KINDS[0])


def test_what_was_computed_for_nothing_is_not_taken_for_a_leaf_at_the_same_address() -> None:
    def function(x: Any) -> Any:
        x * 2.0
        return x * sg.Value(3.0)

    assert sg.compile(function).value_and_grad(5.0) == (15.0, (3.0,))
