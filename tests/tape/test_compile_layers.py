"""Layers however they are written: one matrix product, the bits of a pass at points."""

from __future__ import annotations

import functools
import operator
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
import replays
from replays import COSTS, KINDS, bits

import scalargrad as sg

runner = replays.runner

Neuron = Callable[[Any, Any, Any], Any]

RNG = np.random.default_rng(0)
NEURONS, INPUTS = 5, 6
WEIGHTS = [[sg.Value(w) for w in row] for row in RNG.normal(size=(NEURONS, INPUTS)).tolist()]
BIASES = [sg.Value(b) for b in RNG.normal(size=NEURONS).tolist()]
PARAMETERS = [*(w for row in WEIGHTS for w in row), *BIASES]
LANES = RNG.normal(size=(9, INPUTS))


def added(start: Any, terms: Iterable[Any]) -> Any:
    """Add terms to a start, one after the other."""
    for term in terms:
        start = start + term
    return start


def added_before(start: Any, terms: Iterable[Any]) -> Any:
    """Add terms to a start, the sum being the right operand."""
    for term in terms:
        start = term + start
    return start


def products(w: Iterable[Any], x: Iterable[Any]) -> list[Any]:
    return [a * b for a, b in zip(w, x, strict=True)]


def turned(w: Sequence[Any], x: Sequence[Any]) -> list[Any]:
    return [b * a if i % 2 else a * b for i, (a, b) in enumerate(zip(w, x, strict=True))]


def halves(terms: Sequence[Any]) -> Any:
    """Add terms as a balanced tree."""
    middle = len(terms) // 2
    return halves(terms[:middle]) + halves(terms[middle:]) if middle else terms[0]


#: every way to write a neuron that adds from left to right
SPELLINGS: dict[str, Neuron] = {
    "dot + b": lambda w, b, x: sg.dot(w, x) + b,
    "b + dot": lambda w, b, x: b + sg.dot(x, w),
    "dot with 1 last": lambda w, b, x: sg.dot([*w, b], [*x, 1.0]),
    "dot with 1 first": lambda w, b, x: sg.dot([1.0, *x], [b, *w]),
    "sum from b": lambda w, b, x: sum(products(w, x), b),
    "sum + b": lambda w, b, x: sum(products(w, x)) + b,
    "b + sum": lambda w, b, x: b + sum(products(x, w)),
    "sum from 0.0": lambda w, b, x: sum(products(w, x), 0.0) + b,
    "sum from -0.0": lambda w, b, x: sum(products(w, x), -0.0) + b,
    "loop from b": lambda w, b, x: added(b, products(w, x)),
    "loop to the left": lambda w, b, x: added_before(b, products(w, x)),
    "factors change places": lambda w, b, x: added(b, turned(w, x)),
    "loop from 0": lambda w, b, x: added(0.0, products(x, w)) + b,
    "reduce": lambda w, b, x: functools.reduce(operator.add, products(w, x)) + b,
    "sg.sum": lambda w, b, x: sg.sum(products(w, x)) + b,
    "sg.sum with b": lambda w, b, x: sg.sum([b, *products(w, x)]),
    "two loops": lambda w, b, x: added(added(b, products(w[:3], x[:3])), products(w[3:], x[3:])),
    "b between": lambda w, b, x: added(sum(products(w[:4], x[:4])) + b, products(w[4:], x[4:])),
    "an operand twice": lambda w, b, x: sum(products(w, [*x[:-1], x[1]]), b),
    "1 - x": lambda w, b, x: sum(products(w, [1.0 - v for v in x])) + b,
}
#: others, which only fast mode brings into one product
TREES: dict[str, Neuron] = {
    "two sums": lambda w, b, x: sum(products(w[:3], x[:3])) + sum(products(w[3:], x[3:])) + b,
    "two dots": lambda w, b, x: sg.dot(w[:3], x[:3]) + sg.dot(w[3:], x[3:]) + b,
    "tree": lambda w, b, x: halves([b, *products(w, x)]),
    "sg.sum of dots": lambda w, b, x: sg.sum([sg.dot(w, x), b, sg.dot(w[:2], x[:2])]),
}
#: with something to add that is no weight
BESIDE: dict[str, Neuron] = {
    "residual first": lambda w, b, x: added(x[0], products(w, x)) + b,
    "residual last": lambda w, b, x: sum(products(w, x), b) + sg.sin(x[0] * b),
    "residual between": lambda w, b, x: added(
        sum(products(w[:4], x[:4]), b) + x[1], products(w[4:], x[4:])
    ),
    "products of inputs": lambda w, b, x: added(sum(products(w, x), b), products(x, x[::-1])),
    "residual of a dot": lambda w, b, x: sg.dot(w, x) + b + x[0] + sg.dot(x, x),
    "operands on the way": lambda w, b, x: added(x[0], products(w, map(sg.sin, x))) + b,
    "operands as they come": lambda w, b, x: added_before(
        x[0] * x[1], (a * sg.sin(v) for a, v in zip(w, x, strict=True))
    ),
    "a tree as it comes": lambda w, b, x: halves(
        [x[0], *(a * sg.sin(v) if a is w[0] else sg.sin(v) * a for a, v in zip(w, x, strict=True))]
    ),
    "sum of all": lambda w, b, x: sg.sum([*products(w, x), x[0], b, sg.exp(x[1])]),
}
ALL = {**SPELLINGS, **TREES, **BESIDE}


def network(neuron: Neuron) -> Callable[[Any], Any]:
    """Return a function of two layers, of which the second one has shared operands too."""

    def function(x: Sequence[Any]) -> Any:
        hidden = [sg.tanh(neuron(w, b, x)) for w, b in zip(WEIGHTS, BIASES, strict=True)]
        inner = [*hidden, x[0]]
        return sg.sum([sg.sin(neuron(w, b, inner)) for w, b in zip(WEIGHTS, BIASES, strict=True)])

    return function


def cleared() -> list[float]:
    """Return the gradients of all parameters, and forget them."""
    gradients = [parameter.grad for parameter in PARAMETERS]
    for parameter in PARAMETERS:
        parameter.grad = 0.0
    return gradients


def by_values(function: Callable[[Any], Any], lane: Sequence[float]) -> list[float]:
    """Return value and all gradients without any tape."""
    inputs = list(map(sg.Value, lane))
    result = function(inputs)
    result.backward()
    return [result.data, *(x.grad for x in inputs), *cleared()]


def replayed(f: Any, lane: Sequence[float]) -> list[float]:
    """Return the same of a replay at a point: by inputs, by captured ones."""
    value, (by_inputs,) = f.value_and_grad(list(lane))
    assert f.backward(list(lane)) == value
    return [value, *by_inputs, *cleared()]


@pytest.mark.parametrize("name", ALL)
def test_points_have_the_bits_of_a_pass(runner: str, name: str) -> None:
    function = network(ALL[name])
    f = sg.compile(function)
    for lane in (*LANES[:3].tolist(), [0.0] * INPUTS, [-0.0] * INPUTS):
        assert bits(replayed(f, lane)) == bits(by_values(function, lane))


@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize("name", ALL)
def test_batches_agree_with_a_pass(runner: str, name: str, mode: Any) -> None:
    function = network(ALL[name])
    f = sg.compile(function, mode=mode)
    values, (by_inputs,) = f.value_and_grad(LANES)
    f.backward(LANES, reduction="sum")
    by_captured = cleared()
    wanted = np.array([by_values(function, lane) for lane in LANES.tolist()])
    assert np.allclose(values, wanted[:, 0], rtol=1e-12, atol=1e-14)
    assert np.allclose(by_inputs, wanted[:, 1 : 1 + INPUTS], rtol=1e-12, atol=1e-13)
    assert np.allclose(by_captured, wanted[:, 1 + INPUTS :].sum(axis=0), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("start", [0.0, -0.0, None])
@pytest.mark.parametrize("add", [added, added_before])
def test_zeros_keep_their_sign(
    runner: str, add: Callable[[Any, Iterable[Any]], Any], start: float | None
) -> None:
    weights = [sg.Value(-1.0) for _ in range(6)]

    def function(x: Sequence[Any]) -> Any:
        terms = products(weights, x)
        return add(terms[0], terms[1:]) if start is None else add(start, terms)

    f = sg.compile(function)
    for lane in ([0.0] * 6, [-0.0] * 6):
        wanted = function(list(map(sg.Value, lane))).data
        assert bits([f(lane), *f(np.array([lane] * 9))]) == bits([wanted] * 10)


def products_of(name: str, mode: Any) -> list[tuple[int, int]]:
    """Return rows and columns of the matrix products that a plan has."""
    f = sg.compile(network(ALL[name]), mode=mode)
    f(LANES[0].tolist())
    lines = f.tape.plan("captured", mode=mode).splitlines()
    sizes = [line.split(": ")[0].split(", ")[1] for line in lines if line.startswith("product ")]
    return [(int(size.split()[0]), int(size.split()[3])) for size in sizes]


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_a_layer_is_one_product(name: str, mode: Any) -> None:
    second_is_apart = name == "1 - x" and mode == "strict"  # each 1 - x has its own gradient there
    sizes = products_of(name, mode)
    assert sizes == [(NEURONS, INPUTS + 1)] * (1 if second_is_apart else 2)


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("name", TREES)
def test_fast_mode_brings_parts_of_a_layer_together(name: str) -> None:
    assert [outer for outer, _ in products_of(name, "fast")] == [NEURONS] * 2


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize("name", BESIDE)
def test_what_stands_beside_a_layer_is_added_apart(name: str, mode: Any) -> None:
    first = ("residual first", "operands on the way", "operands as they come", "a tree as it comes")
    if mode == "strict" and name in (*first, "sum of all"):
        return  # its turn is before the end of the products
    sizes = products_of(name, mode)
    assert [outer for outer, _ in sizes] == [NEURONS] * len(sizes)
    assert len(sizes) >= 2


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("mode", ["strict", "fast"])
def test_one_dot_alone_is_a_product_only_where_that_is_quicker(mode: Any) -> None:
    """It is where it is long, and its operands have no gradients."""
    many = COSTS["LEAST_ALONE"]
    long = [sg.Value(0.01 * i) for i in range(many)]
    f = sg.compile(lambda x: sg.tanh(sg.dot(long[: len(x)], x) + BIASES[0]), mode=mode)
    for count, gradients, products in (
        (many - 2, "captured", 0), (many, "captured", 1), (many, "both", 0)
    ):  # fmt: skip
        point = [0.5] * count
        f(point)
        tape = next(t for t in f.tapes if len(t.names) == count)
        plan = tape.plan(gradients, mode=mode)
        assert plan.count("\nproduct ") == products, (count, gradients)


def random_sum(draw: random.Random, x: Sequence[Any], depth: int) -> Any:
    """Return a sum of products, terms and further sums."""

    def term() -> Any:
        kind = draw.randrange(8)
        w, v = draw.choice(PARAMETERS), draw.choice(x)
        if kind < 4:
            return w * v if kind % 2 else v * w
        if kind == 4:
            return draw.choice([w, 0.0, -0.0, 1.5, v])
        if kind == 5:
            return v * draw.choice(x)
        if kind == 6 or not depth:
            return sg.sin(v * w)
        return random_sum(draw, x, depth - 1)

    terms = [term() for _ in range(draw.randint(1, 9))]
    way = draw.randrange(5)
    if way == 0:
        return sg.sum([sg.sin(x[0]), *terms])
    if way == 1:
        return sg.dot(PARAMETERS[:INPUTS], x) + added(terms[0], terms[1:])
    if way == 2:
        return halves([x[0] * x[1], *terms])
    start = draw.choice([0.0, x[0], PARAMETERS[0]])
    return (added if way == 3 else added_before)(start, terms) + x[1]


@pytest.mark.parametrize("seed", range(25))
def test_random_sums_have_the_bits_of_a_pass(seed: int) -> None:
    def function(x: Sequence[Any]) -> Any:
        draw = random.Random(seed)
        rows = [sg.tanh(random_sum(draw, x, 2)) for _ in range(6)]
        draw.seed(seed + 1)
        again = [random_sum(draw, rows, 2) for _ in range(4)]
        return sg.sum(again) * rows[0]

    f, fast = sg.compile(function), sg.compile(function, mode="fast")
    lanes = LANES[:2].tolist()
    for lane in lanes:
        wanted = by_values(function, lane)
        assert bits(replayed(f, lane)) == bits(wanted)
        assert np.allclose(replayed(fast, lane), wanted, rtol=1e-10, atol=1e-12)
    for replay in (f, fast):
        values, (by_inputs,) = replay.value_and_grad(LANES[:2])
        replay.backward(LANES[:2], reduction="sum")
        found = np.array(cleared())
        rows = np.array([by_values(function, lane) for lane in lanes])
        assert np.allclose(values, rows[:, 0], rtol=1e-10, atol=1e-12)
        assert np.allclose(by_inputs, rows[:, 1 : 1 + INPUTS], rtol=1e-10, atol=1e-11)
        assert np.allclose(found, rows[:, 1 + INPUTS :].sum(axis=0), rtol=1e-10, atol=1e-11)
