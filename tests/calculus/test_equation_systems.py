"""Systems of equations and fixed points: solved together, each number of them one node."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import scalargrad as sg


def crossing(a: Any, b: Any) -> Any:
    """Return x and y of x² + y² = a, x·y = b."""
    return sg.newton(lambda v: [v[0] ** 2 + v[1] ** 2 - a, v[0] * v[1] - b], [1.5, 0.5])


def weighed(a: Any, b: Any) -> Any:
    """Return x + 2y there."""
    x, y = crossing(a, b)
    return x + 2.0 * y


def weighed_exactly(a: Any, b: Any) -> Any:
    """Return the same by a formula."""
    total, difference = mpmath.sqrt(a + 2 * b), mpmath.sqrt(a - 2 * b)
    return (total + difference) / 2 + (total - difference)


def test_system_is_solved_to_the_last_digits() -> None:
    assert crossing(5.0, 2.0) == [2.0, 1.0]
    for a, b in ((7.0, 3.0), (6.0, 0.5)):
        x, y = crossing(a, b)
        assert x + 2.0 * y == pytest.approx(float(weighed_exactly(a, b)), rel=1e-15)


def test_each_number_of_a_solution_is_one_node() -> None:
    a, b = sg.values(a=5.0, b=2.0)

    x, y = crossing(a, b)
    y.backward()

    assert (x.op, x.parents, y.parents) == ("newton", (a, b), (a, b))
    assert (a.grad, b.grad) == (pytest.approx(-1 / 6, rel=1e-15), pytest.approx(2 / 3, rel=1e-15))


def test_partial_of_a_number_of_a_solution_is_a_function_of_that_node() -> None:
    a = sg.Value(5.0)
    x, _ = crossing(a, 2.0)
    slope = sg.gradients(x, a, create_graph=True)  # x/(2(x² − y²))

    assert slope.data == pytest.approx(1.0 / 3.0, rel=1e-15)
    assert sg.gradients(slope, x) == pytest.approx(-5.0 / 18.0, rel=1e-14)  # a and y held fixed


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_a_system_are_those_of_the_closed_form(order: int) -> None:
    ours: Any = lambda t: weighed(5.0 + t, 2.0 + t * t)  # noqa: E731
    for _ in range(order):
        ours = sg.grad(ours)
    with mpmath.workdps(50):
        exact = mpmath.diff(lambda t: weighed_exactly(5 + t, 2 + t * t), mpmath.mpf("0.125"), order)

    assert ours(0.125) == pytest.approx(float(exact), rel=1e-12)


def test_derivatives_of_a_system_pushed_forward_and_as_a_hessian() -> None:
    at = (mpmath.mpf(5), mpmath.mpf(2))
    with mpmath.workdps(50):
        first = [float(mpmath.diff(weighed_exactly, at, n)) for n in ((1, 0), (0, 1))]
        mixed = float(mpmath.diff(weighed_exactly, at, (1, 1), h=1e-12))
    hessian = sg.hessian(lambda p: weighed(*p))([5.0, 2.0])

    assert sg.jvp(weighed, (5.0, 2.0), (0.0, 1.0))[1] == pytest.approx(first[1], rel=1e-14)
    assert sg.grad(weighed, (0, 1))(5.0, 2.0) == pytest.approx(first, abs=1e-15)
    assert hessian[0][1] == hessian[1][0] == pytest.approx(mixed, rel=1e-9)


def test_nesting_of_the_guess_is_that_of_the_solution() -> None:
    def equations(p: Any) -> Any:
        return [p["x"] - 2.0, p["y"][0] - p["x"]]

    assert sg.newton(equations, {"x": 1.0, "y": (0.0,)}) == {"x": 2.0, "y": (2.0,)}
    array = sg.newton(lambda v: v * v - np.array([4.0, 9.0]), np.array([1.0, 1.0]))
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [2.0, 3.0]


def test_system_of_a_gradient_finds_where_a_function_is_lowest() -> None:
    a = sg.Value(3.0)
    lowest = sg.newton(sg.grad(lambda v: (v[0] - a) ** 4 + v[0] ** 2 + (v[1] - v[0]) ** 2), [1, 1])
    lowest[1].backward()

    x = float(mpmath.findroot(lambda x: 4 * (x - 3) ** 3 + 2 * x, 2.0))
    curvature = 12 * (x - 3.0) ** 2 + 2.0
    assert [node.data for node in lowest] == pytest.approx([x, x], rel=1e-14)
    assert a.grad == pytest.approx(12 * (x - 3.0) ** 2 / curvature, rel=1e-12)


def halved(a: Any) -> Any:
    """Return x = cos(a·x)/2."""
    return sg.fixed_point(lambda x: sg.cos(a * x) / 2.0, 1.0)


def halved_exactly(a: Any) -> Any:
    """Return the same in many digits."""
    return mpmath.findroot(lambda x: mpmath.cos(a * x) / 2 - x, 0.4)


@pytest.mark.parametrize("order", range(4))
def test_fixed_point_and_its_derivatives_are_those_of_fifty_digits(order: int) -> None:
    ours = halved
    for _ in range(order):
        ours = sg.grad(ours)
    with mpmath.workdps(50):
        exact = mpmath.diff(halved_exactly, mpmath.mpf("0.75"), order)

    assert ours(0.75) == pytest.approx(float(exact), rel=1e-13)


def test_fixed_point_of_several_numbers_has_the_gradient_of_the_equations() -> None:
    def solved(a: Any) -> Any:
        return sg.fixed_point(lambda v: [a + v[1] / 2.0, v[0] / 4.0], [0.0, 0.0])

    a = sg.Value(7.0)
    x, y = solved(a)  # x = 8a/7, y = 2a/7
    (x + y).backward()

    assert (x.op, x.parents) == ("fixed_point", (a,))
    assert [x.data, y.data, a.grad] == pytest.approx([8.0, 2.0, 10.0 / 7.0], rel=1e-15)


def test_slow_contraction_settles_at_the_last_digits() -> None:
    assert sg.fixed_point(lambda x: 0.99 * x + 0.01, 0.0) == pytest.approx(1.0, rel=1e-13)


def test_repetition_between_two_neighbouring_doubles_has_settled() -> None:
    with mpmath.workdps(50):
        exact = float(mpmath.findroot(lambda x: mpmath.cos(0.2065 * x) - x, 1))

    for factor in (0.2065, sg.Value(0.2065)):
        found = sg.fixed_point(lambda x, factor=factor: sg.cos(factor * x), 1.0)
        assert getattr(found, "data", found) == pytest.approx(exact, rel=4e-16)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: sg.newton(lambda v: [v[0], v[0]], [1.0, 2.0]), ArithmeticError,
         "newton: the steps must settle; got 1.0 left at best after steps from [1.0, 2.0]"),
        (lambda: sg.newton(lambda v: [v[0] ** 2 + 1.0, v[1]], [1.0, 1.0]), ArithmeticError,
         "newton: the steps must settle"),
        (lambda: sg.newton(lambda v: v[0], [1.0, 2.0]), TypeError,
         "newton: f must return 2 numbers, as many as it takes; got 1.0 (float)"),
        (lambda: sg.newton(lambda v: [v, v], 1.0), TypeError, "newton: f must return one number"),
        (lambda: sg.fixed_point(lambda x: 2.0 * x + 1.0, 1.0), ArithmeticError,
         "fixed_point: the steps must settle; got ["),
        (lambda: sg.fixed_point(lambda x: 1.0 - x, 0.0), ArithmeticError,
         "fixed_point: the steps must settle; got ["),
        (lambda: sg.fixed_point(lambda x: math.nan * x, 1.0), ArithmeticError,
         "fixed_point: f must be a number at every step; got nan at [1.0] after steps from [1.0]"),
        (lambda: sg.newton(lambda x: x - math.nan, 0.5), ArithmeticError,
         "newton: f must be a number at every step; got nan at 0.5 after steps from 0.5; start"),
        (lambda: sg.newton(lambda x: sg.log(x) + 5.0, 2.0), ArithmeticError, "got nan at -9.3"),
        (lambda: sg.newton(lambda v: [v[0] - 1.0, math.nan * v[1]], [1.0, 2.0]), ArithmeticError,
         "newton: f must be a number at every step; got nan at [1.0, 2.0] after steps from [1.0"),
        (lambda: sg.fixed_point(3.0, 1.0), TypeError, "fixed_point: wants a function of x"),
    ],
)  # fmt: skip
def test_bad_input_to_a_system_gets_one_sentence(
    call: Callable[[], Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        call()
