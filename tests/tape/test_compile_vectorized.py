"""Points that run on vectorised plans give every bit of what they gave one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_programs import programs, run
from replays import COSTS, KINDS, bits, has_products, machines, stretches, vectorize

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape.replay import BY_CAPTURED, BY_INPUTS, VALUES

if not KINDS:
    pytest.skip("the machine was not built", allow_module_level=True)


@pytest.fixture(autouse=True)
def vectorized(monkeypatch: pytest.MonkeyPatch) -> None:
    vectorize(monkeypatch)


def vectorized_lanes(f: sg.tape.Compiled, wanted: int) -> int:
    """Return how many instructions run as lanes of others in the plan for points."""
    (runner,) = machines(f)
    parts = stretches(runner._plan_for_points(wanted))
    return sum(s["at"] for s in parts if s["kind"] == "INSTRUCTIONS" and s["at"] > 1)


def found_by(
    f: sg.tape.Compiled, xs: Sequence[float], parameters: Sequence[sg.Value]
) -> list[bytes]:
    """Return the bits of the value, of its gradient, and of the gradient by the parameters."""
    value, (grad,) = f.value_and_grad(list(xs))
    sg.zero_grad(parameters)
    f.backward(list(xs))
    by_parameters = [p.grad for p in parameters]
    sg.zero_grad(parameters)
    return bits([value, f(list(xs)), *grad, *by_parameters])


def agree(
    function: Callable[..., Any], xs: Sequence[float], parameters: Sequence[sg.Value]
) -> sg.tape.Compiled:
    """Compare a point with instructions run one by one, and with the function itself."""
    f = sg.compile(function)
    found = found_by(f, xs, parameters)
    assert found == found_by(f, xs, parameters)
    for name, limit in (
        ("VECTOR_POINTS", 1 << 60),
        ("VECTOR_PERCENT", 1e300),
    ):  # one by one; only what is faster
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(COSTS, name, limit)
            assert found == found_by(sg.compile(function), xs, parameters)

    inputs = [sg.Value(x) for x in xs]
    result = function(inputs)
    result.backward()
    grads = [x.grad for x in [*inputs, *parameters]]
    sg.zero_grad(parameters)
    assert found == bits([result.data, result.data, *grads])
    return f


@settings(max_examples=300, deadline=None)
@given(programs(), st.integers(1, 40), st.sampled_from(KINDS), st.data())
def test_random_functions_over_many_numbers(
    steps: list[tuple[Any, ...]], count: int, kind: str, data: st.DataObject
) -> None:
    w, u = sg.Value(data.draw(st.floats(-2, 2))), sg.Value(0.7)
    draw = np.random.default_rng(data.draw(st.integers(0, 1000)))
    xs = [0.0, *draw.uniform(-2, 2, count).tolist()]

    def function(xs: Any) -> Any:
        terms = [run(steps, [x, y, w, u, x * y]) for x, y in zip(xs, [*xs[1:], xs[0]], strict=True)]
        return sum(t * w for t in terms) if count % 2 else sg.mean([*terms, w]) * u

    _engine.machine().use(kind)
    with pytest.MonkeyPatch.context() as patch:
        vectorize(patch)
        agree(function, xs, (w, u))
    _engine.machine().use(KINDS[0])


@pytest.mark.parametrize("count", [2, 7, 8, 9, 16, 255, 256, 257, 300, 513])
def test_any_number_of_isomorphic_instructions(count: int) -> None:
    w = sg.Value(0.3)
    xs = np.random.default_rng(count).normal(size=count).tolist()

    def valley(xs: Any) -> Any:
        return sum((100.0 * (y - x**2) ** 2 + (1 - x) ** 2) * w for x, y in pairwise(xs))

    f = agree(valley, xs, [w])
    assert (vectorized_lanes(f, BY_INPUTS) > 0) == (count > 8)


# -- the order of terms --------------------------------------------------------------------

XS = np.random.default_rng(1).normal(size=40).tolist()
ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "one class": lambda x, w: x * w,
    "two classes": lambda x, w: sg.sin(x * w) + w / x,
    "two levels": lambda x, w: x * w * 3.0 + sg.exp(sg.sin(x + w)) * w,
    "both operands": lambda x, w: w * w * x,
    "a short dot": lambda x, w: sg.dot([w, x, w], [x, w, w]),
    "a sum": lambda x, w: sg.sum([w, x, x * w, w]) * x,
    "a mean": lambda x, w: sg.mean([w, x * w, w * 2.0]),
    "a softmax": lambda x, w: sg.softmax([x, w, x * w])[1] + w * x,
    "a maximum": lambda x, w: sg.max([x, w, x * w]),
    "a cross entropy": lambda x, w: sg.cross_entropy([x * w, w, x], 1),
    "a power": lambda x, w: (x + w) ** 2 + 2.0**w + w**3,
    "a condition": lambda x, w: x * w if x > w else w + x,
    "a loop": lambda x, w: sg.tanh(sg.tanh(sg.tanh(x * w) * w) * w),
    "classes of a level": lambda x, w: sg.sum([w + x, w + x * 1.5, w * x]),
    "a quotient": lambda x, w: (x * w) / 3.0 + w / 4.0 + 1.0 / (x + w),
}


@pytest.mark.parametrize("term", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("is_reversed", [False, True], ids=["as it is", "reversed"])
@pytest.mark.parametrize("shared", ["inputs", "parameters"])
def test_terms_are_added_in_the_order_of_an_eager_pass(
    term: Callable[[Any, Any], Any], is_reversed: bool, shared: str
) -> None:
    parameters = [sg.Value(0.3), sg.Value(-0.8)]

    def function(xs: Any) -> Any:
        w, u = xs[:2] if shared == "inputs" else parameters
        total: Any = 0.0
        for place, x in enumerate(xs[2:]):
            made = term(w, x) if is_reversed else term(x, w if place % 3 else u)
            total = made + total if place % 2 else total - made * u
        return total * w

    f = agree(function, [0.3, -0.8, *XS], parameters)
    assert vectorized_lanes(f, BY_CAPTURED) >= 32


@pytest.mark.parametrize("x", [0.1, 0.3, 0.7, 1.1, 1.3, 1.7, 1.9])
def test_two_classes_of_a_level_come_before_the_next_one(x: float) -> None:
    def function(xs: Any) -> Any:
        w, x, *others = xs
        few = [(w + x) * 3.3, (w + x * 1.5) * 0.1, (w * x) * 2.7]
        return sg.sum([*few, *map(sg.sin, others)])

    agree(function, [0.7, x, *XS], [])


WEIGHTS = np.random.default_rng(2).uniform(-1, 1, (8, 8)).tolist()


@pytest.mark.parametrize(
    "several",
    [
        lambda xs: sum(sg.tanh(sg.dot(xs, row)) for row in WEIGHTS),
        lambda xs: sum(sg.mean([x, x]) * 3.3 for x in xs),
        lambda xs: sum(sg.mean([x, y, x]) * 2.1 for x, y in pairwise(xs)),
        lambda xs: sum(sg.softmax([x, x, 1.0])[2] * 3.3 for x in xs),
    ],
    ids=["a layer", "a mean", "neighbours", "a softmax"],
)
@pytest.mark.parametrize("is_first", [False, True], ids=["last", "first"])
def test_an_instruction_that_adds_several_terms_keeps_its_place(
    several: Callable[[Any], Any], *, is_first: bool
) -> None:
    def function(xs: Any) -> Any:
        deep = sum(sg.sin(sg.sin(sg.sin(x) * 1.1)) for x in xs)
        return several(xs) + deep if is_first else deep + several(xs)

    draw = np.random.default_rng(3)
    for _ in range(5):
        agree(function, draw.uniform(-2, 2, 8).tolist(), [])


def test_some_targets_of_a_row_may_be_new() -> None:
    agree(lambda xs: sg.sum([*map(sg.sin, xs), *(-x for x in xs[:8])]), XS, [])


def test_sums_begin_with_their_own_zero() -> None:
    def function(xs: Any) -> Any:
        factors, others = xs[:12], xs[12:]
        sums = [(sg.dot([x] * 12, factors), reduce(add, [x * w for w in factors])) for x in others]
        return [total for pair in sums for total in pair]

    xs = [*[-1.0] * 12, *[0.0] * 20]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COSTS, "VECTOR_POINTS", 1 << 60)
        expected = bits(sg.compile(function)(xs))
    assert expected[:2] == bits([0.0, -0.0])
    assert bits(sg.compile(function)(xs)) == expected


def test_layers_and_long_sums_stand_alone() -> None:
    net = sg.nn.MLP(6, [8, 8, 2], seed=0)
    parameters = net.parameters()

    def function(xs: Any) -> Any:
        return sum(net([sg.sin(x * x) for x in xs]), start=sg.sum([x * x for x in xs] * 9))

    f = agree(function, XS[:6], parameters)
    assert has_products(f)


def test_parameters_alone() -> None:
    ws = [sg.Value(w) for w in XS]
    f = agree(lambda xs: sum(w**2 * u for w, u in pairwise(ws)) * xs[0], [2.0], ws)
    assert vectorized_lanes(f, BY_CAPTURED) >= 100


def test_an_input_may_be_the_result_and_instructions_may_be_none() -> None:
    f = sg.compile(lambda xs: [xs[1], 3.0, xs[0] * 2.0])
    assert f([1.0, 2.0]) == [2.0, 3.0, 2.0]
    assert sg.compile(lambda x: x).value_and_grad(3.0) == (3.0, (1.0,))


# -- when ----------------------------------------------------------------------------------


def test_only_long_programs_that_gain_are_planned_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()

    def chain(x: Any) -> Any:
        for _ in range(100):
            x = sg.sin(x)
        return x

    cases: list[tuple[Callable[[Any], Any], Any, bool]] = [
        (lambda xs: sum(sg.sin(x) * x for x in xs), XS, True),
        (lambda xs: sum(sg.sin(x) * x for x in xs[:9]), XS, False),  # few
        (chain, 0.5, False),  # each needs the one before
    ]
    for function, argument, is_vectorized in cases:
        f = sg.compile(function)
        before = f(argument)
        (runner,) = machines(f)
        assert all(f(argument) == before for _ in range(COSTS["VECTOR_POINTS"] - 2))
        assert not any(map(stretches, runner._for_points.values()))
        assert f(argument) == before
        assert bool(stretches(runner._for_points[VALUES, 0])) is is_vectorized


def chained(xs: Sequence[Any]) -> Any:
    total = 0.0
    for a, b in pairwise(xs):
        total = total + 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    return total


def taken_away(xs: Sequence[Any]) -> Any:
    total = 0.0
    for x in xs[1:]:
        total = total - sg.sin(x * xs[0])
    return total


def crossed(xs: Sequence[Any]) -> Any:
    for step in (7, 11, 13, 17):
        xs = [xs[i * step % 41 - 1] * xs[i * step * 3 % 41 - 1] for i in range(1, 41)]
    return sum(xs)


@pytest.mark.parametrize(
    ("function", "least"),
    [
        (lambda xs: sum(sg.sin(x * xs[0]) for x in xs[1:]), 6 * 40),
        (taken_away, 5 * 40),  # but for the chain of differences
        (chained, 10 * 40),
    ],
)
def test_most_instructions_are_vectorized(
    function: Callable[[Any], Any], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COSTS, "VECTOR_PERCENT", 80)
    f = agree(function, [0.5, *XS], [])
    assert vectorized_lanes(f, BY_INPUTS) >= least


def test_what_would_be_slower_is_not_vectorized(monkeypatch: pytest.MonkeyPatch) -> None:
    found, counts = [], []
    for limit in (math.inf, 1e300, 80):
        monkeypatch.setitem(COSTS, "VECTOR_PERCENT", limit)
        f = sg.compile(crossed)
        found.append(f.value_and_grad(XS))
        counts.append(vectorized_lanes(f, BY_INPUTS))
    assert found == found[:1] * 3
    assert counts[0] > counts[1] > counts[2] == 0


def test_another_path_is_seen() -> None:
    f = sg.compile(lambda xs: sum(x * 2.0 if x > 0 else x * x for x in xs))
    ones = [1.0] * 20
    assert f(ones) == 40.0
    assert f([-3.0, *ones]) == 49.0
    assert f([*ones[1:], -3.0]) == 47.0
    assert len(f.tapes) == 3


def test_one_row_of_an_array_is_a_point() -> None:
    f = sg.compile(lambda xs: sum(sg.exp(x) * x for x in xs))
    rows = np.array([XS, XS[::-1]])
    values, (grads,) = f.value_and_grad(rows)
    assert vectorized_lanes(f, BY_INPUTS) > 32
    for row in range(2):
        value, (grad,) = f.value_and_grad(rows[row : row + 1])
        assert bits(value) == bits(values[row : row + 1])
        assert bits(grad[0]) == bits(grads[row])
        assert bits(f.value_and_grad(rows[row].tolist())[1][0]) == bits(grads[row])


def test_vectorized_plans_take_one_lane_at_a_time() -> None:
    f = sg.compile(lambda xs: sum(sg.exp(x) * x for x in xs))
    f(XS)
    (runner,) = machines(f)
    plan = runner._plan_for_points(VALUES)
    values, shared = np.empty((2, 1)), [0.0] * len(XS)
    with pytest.raises(ValueError, match="range of lanes"):
        plan.run(
            0, 2, 2, shared, [(0, np.zeros((2, 40)))], b"", 1.0, values, None, None, None, None
        )
