"""Equations inside compiled functions: each lane has them solved with its own numbers."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from replays import bits

import scalargrad as sg
from scalargrad.tape.replay import Replay


def price(strike: Any, volatility: Any) -> Any:
    """Return what a call costs by Black and Scholes."""
    deviation = volatility * math.sqrt(0.5)
    d = (sg.log(100.0 / strike) + 0.01) / deviation + deviation / 2.0
    normal = [(1.0 + sg.erf(x / math.sqrt(2.0))) / 2.0 for x in (d, d - deviation)]
    return 100.0 * normal[0] - strike * math.exp(-0.01) * normal[1]


def implied(paid: Any, strike: Any) -> Any:
    """Return the volatility at which it costs as much."""
    return sg.newton(lambda v: price(strike, v) - paid, 0.3)


def implied_between(paid: Any, strike: Any) -> Any:
    """Return the same, from an interval."""
    return sg.root(lambda v: price(strike, v) - paid, 0.01, 3.0)


def crossing(a: Any, b: Any) -> Any:
    """Return x + 2y of x² + y² = a, x·y = b."""
    x, y = sg.newton(lambda v: [v[0] ** 2 + v[1] ** 2 - a, v[0] * v[1] - b], [1.5, 0.5])
    return x + 2.0 * y


def halved(a: Any, b: Any) -> Any:
    """Return x = cos(a·x)/b."""
    return sg.fixed_point(lambda x: sg.cos(a * x) / b, 1.0)


def nested(a: Any, b: Any) -> Any:
    """Return the x whose square root is a·b."""
    return sg.newton(lambda x: sg.newton(lambda u: u * u - x, 1.0) - a * b, 2.0)


def with_matrices(a: Any, b: Any) -> Any:
    """Return the x of an equation that is full of matrices, whose rows are exchanged."""

    def left(x: Any) -> Any:
        matrix = [[x, 4.0, a], [5.0, x, 1.0], [1.0, x, 6.0]]
        root = sg.linalg.cholesky([[4.0 + x * x, x], [x, 2.0]])[1][1]
        size = sg.linalg.slogdet(matrix)[1]
        return x + sg.linalg.solve(matrix, [1.0, b, 2.0])[1] + root / 4.0 - size / 4.0

    return sg.newton(left, 0.75)


#: functions of two numbers, and points for them
SOLVED: dict[str, tuple[Callable[..., Any], list[tuple[float, float]]]] = {
    "newton": (implied, [(8.0, 100.0), (3.0, 110.0), (14.0, 90.0)]),
    "root": (implied_between, [(8.0, 100.0), (3.0, 110.0), (14.0, 90.0)]),
    "system": (crossing, [(5.0, 2.0), (7.0, 3.0), (6.0, 0.5)]),
    "fixed_point": (halved, [(0.75, 2.0), (0.5, 3.0), (1.0, 4.0)]),
    "linalg": (with_matrices, [(1.0, 0.5), (2.0, -0.25), (0.0, 1.0)]),
    "nested": (nested, [(1.0, 1.5), (2.0, 1.0), (0.5, 3.0)]),
}


@pytest.mark.parametrize("name", SOLVED)
def test_points_and_batches_have_the_bits_of_eager_ones(name: str) -> None:
    function, points = SOLVED[name]
    compiled = sg.compile(function)
    eager = [sg.value_and_grad(function, (0, 1))(*point) for point in points]
    values, gradients = compiled.value_and_grad(*np.array(points).T)

    assert [compiled(*point) for point in points] == [value for value, _ in eager]
    assert values.tolist() == [value for value, _ in eager]
    assert np.allclose(np.transpose(gradients), [grads for _, grads in eager], rtol=1e-14)


@pytest.mark.parametrize("name", SOLVED)
def test_second_derivatives_are_eager_ones(name: str) -> None:
    function, points = SOLVED[name]
    hessian = sg.hessian(function, (0, 1))
    compiled = sg.compile(hessian)
    of_compiled = sg.hessian(sg.compile(function), (0, 1))

    for point in points:
        expected = pytest.approx(np.array(hessian(*point)), rel=1e-9, abs=1e-12)
        assert np.array(compiled(*point)) == expected
        assert np.array(of_compiled(*point)) == expected


@sg.custom(lambda x, y: y * math.cos(x * y), lambda x, y: x * math.cos(x * y))
def wave(x: float, y: float) -> float:
    return math.sin(x * y)


def mixed(a: Any, b: Any, w: Any) -> Any:
    """Return what asks one thing after the other, on two paths, some of it without derivatives."""
    u = sg.newton(lambda x: x**3 + w * x - a, 1.0)
    if u > 1.0:
        return wave(u, 2.0) * sg.root(lambda x: sg.exp(x) - u - b * b, -9.0, 9.0) + w * u
    v = sg.newton(lambda v: [v[0] * v[0] - a * a - 1.0, v[1] - v[0] * w], [1.0, 1.0])[1]
    return v * b + wave(b, w) - wave(0.5, u).detach()


def lone(a: Any, b: Any, w: Any) -> Any:
    """Return one number of a system whose other one nobody asks for."""
    return sg.newton(lambda v: [v[0] * v[1] - a * a - 1.0, v[1] - w * v[0]], [1.0, 1.0])[0] * b


def of_none(a: Any, b: Any, w: Any) -> Any:
    """Return a solution of an equation in which the lane has no say, but in where to begin."""
    return sg.newton(lambda x: x * x - w, sg.where(a > 0.0, 1.0, -1.0)) + a * b


def singular(a: Any, b: Any, w: Any) -> Any:
    """Return a solution with a slope of 0 there, and thus without derivatives."""
    return sg.newton(lambda x: (x - w) ** 2, w) * a + b


@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize("count", [1, 2, 60])
@pytest.mark.parametrize(
    "function",
    [
        mixed, lone, of_none, singular,
        lambda a, b, w: crossing(a * a + 5.0, b * 0.1 + w) * w,
        lambda a, b, w: halved(a * 0.1, b * 0.1 + 2.0 + w),
        lambda a, b, w: nested(a * a * 0.1 + 1.0, b * 0.1 + 1.0 + w),
    ],
)  # fmt: skip
def test_batches_in_stages_are_those_run_line_by_line(
    function: Callable[..., Any], count: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = sg.Value(0.75)
    lanes = np.random.default_rng(count).uniform(-2.0, 3.0, (2, count))

    def both() -> list[Any]:
        f = sg.compile(lambda a, b: function(a, b, w), mode=mode)
        values, gradients = f.value_and_grad(*lanes)
        w.grad = 0.0
        f.backward(*lanes, reduction="sum")
        return [f(*lanes), values, *gradients, w.grad]

    found = both()
    monkeypatch.setattr("scalargrad.tape.compiled.runner_for", lambda tape, mode: Replay(tape))
    wanted = both()

    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-13, nan_ok=True)
    if mode == "strict":
        assert bits(found[0]) == bits(wanted[0])


def test_an_error_of_ones_own_in_a_lane_is_raised() -> None:
    @sg.custom(lambda x: 1.0)
    def picky(x: float) -> float:
        if x > 2.0:
            raise KeyError("too large")
        return x

    f = sg.compile(lambda x: sg.newton(lambda y: y - picky(x), 1.0) * (2.0 if x > 0.0 else 1.0))
    assert f(np.array([1.0, 0.5, -3.0])).tolist() == [2.0, 1.0, -3.0]
    with pytest.raises(KeyError, match="too large"):
        f(np.array([1.0, 3.0]))


def test_volatility_that_was_put_in_comes_out() -> None:
    volatilities, strikes = np.linspace(0.1, 0.6, 9), np.linspace(90.0, 110.0, 9)
    paid = sg.compile(price)(strikes, volatilities)

    assert sg.compile(implied)(paid, strikes) == pytest.approx(volatilities, rel=1e-12)


def test_listing_has_one_line_for_a_solution() -> None:
    compiled = sg.compile(implied)
    compiled(8.0, 100.0)

    assert str(compiled.tape).split("\n")[1:] == ["  v0 = newton(strike, paid)", "  return v0"]


def test_guess_and_ends_that_are_arguments_are_those_of_each_call() -> None:
    by_guess = sg.compile(lambda guess: sg.newton(lambda x: x * x - 4.0, guess))
    by_ends = sg.compile(lambda low, high: sg.root(lambda x: sg.sin(x), low, high))

    of_both = sg.compile(lambda a, guess: sg.newton(lambda x: x * x - a, guess))

    assert by_guess(np.array([1.0, -1.0])).tolist() == [2.0, -2.0]
    assert of_both(np.array([4.0, 9.0, 16.0]), np.array([1.0, -1.0, -5.0])).tolist() == [2, -3, -4]
    assert of_both(9.0, -2.0) == -3.0
    assert by_guess.value_and_grad(-1.0) == (-2.0, (0.0,))
    assert by_ends(np.array([-1.0, 2.0]), np.array([1.5, 4.0])).tolist() == [0.0, math.pi]


def test_captured_values_are_as_they_are_now() -> None:
    a = sg.Value(4.0)
    compiled = sg.compile(lambda guess: sg.newton(lambda x: x * x - a, guess))
    compiled(1.0)
    a.data = 9.0

    assert compiled(1.0) == 3.0
    compiled.backward(1.0)
    assert a.grad == pytest.approx(1.0 / 6.0, rel=1e-15)


def test_solved_function_replays_elsewhere() -> None:
    compiled = sg.compile(implied)
    compiled(8.0, 100.0)
    again = pickle.loads(pickle.dumps(compiled))

    assert again.value_and_grad(3.0, 110.0) == compiled.value_and_grad(3.0, 110.0)


def test_comparison_outside_of_the_equation_is_a_path() -> None:
    def solved(a: Any) -> Any:
        sign = 1.0 if a > 0.0 else -1.0
        return sg.newton(lambda x: x * x - sign * a, 1.0)

    assert sg.compile(solved)(np.array([4.0, -9.0])).tolist() == [2.0, 3.0]


def test_function_of_ones_own_that_fails_on_another_path_does_not_matter() -> None:
    @sg.custom(lambda x: 0.5 / math.sqrt(x))
    def strict(x: float) -> float:
        return math.sqrt(x)

    compiled = sg.compile(lambda x: strict(x) if x > 0.0 else x)

    assert compiled(np.array([4.0, -9.0])).tolist() == [2.0, -9.0]
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        sg.compile(strict)(np.array([4.0, -9.0]))


def test_comparison_in_an_equation_that_is_not_recorded_is_no_ones_business() -> None:
    compiled = sg.compile(lambda x: x if x > 0.5 else -x)

    assert sg.newton(lambda x: compiled(x) * x - 4.0, 1.0) == 2.0


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x, a: x * x - a if x > 0.0 else x, "newton: f must compare no Values"),
        (lambda x, a: x * x - sg.where(a > 0.0, a, 1.0), "newton: f must compare no Values"),
        (lambda x, a: x * x.detach() - a, r"cut off from x; leave \.detach"),
    ],
)
def test_equation_that_would_differ_in_a_replay_is_refused(f: Any, words: str) -> None:
    with pytest.raises(sg.errors.StateError, match=words):
        sg.compile(lambda a: sg.newton(lambda x: f(x, a), 1.0))(2.0)
