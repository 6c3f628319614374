"""Derivatives to the third order where a row's own formula takes another way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import scalargrad as sg

LOG2, LOG3 = math.log(2.0), math.log(3.0)


@pytest.mark.parametrize(
    ("exponent", "exact"),
    [(2.0, 3 * (1 + 2 * LOG3)), (0.0, 1 / 3), (1.0, 1 + LOG3), (3.0, 9 * (1 + 3 * LOG3))],
)
def test_slope_of_a_power_changes_with_its_exponent(exponent: float, exact: float) -> None:
    def slope(p: Any) -> Any:
        return sg.grad(lambda x: x**p)(3.0)

    assert sg.grad(slope)(exponent) == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize(
    ("point", "exact"),
    [
        ([2.0, 2.0], [[2.0, 2 * (1 + 2 * LOG2)], [2 * (1 + 2 * LOG2), 4 * LOG2 * LOG2]]),
        ([0.0, 1.0], [[0.0, -math.inf], [-math.inf, 0.0]]),
        ([0.0, 2.0], [[2.0, 0.0], [0.0, 0.0]]),
        ([0.0, 3.0], [[0.0, 0.0], [0.0, 0.0]]),
        ([0.0, 0.5], [[-math.inf, -math.inf], [-math.inf, 0.0]]),
    ],
)
def test_hessian_of_a_power_is_symmetric(point: list[float], exact: list[list[float]]) -> None:
    found = sg.hessian(lambda v: v[0] ** v[1])(point)

    assert found[0][1] == found[1][0]
    for row, wanted in zip(found, exact, strict=True):
        assert row == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("x", [1e-6, 0.0, -0.0, -2.0, 3.0])
@pytest.mark.parametrize("power", [0, 1, 2, 3, 5])
def test_power_that_was_differentiated_more_often_than_its_exponent_is_exactly_0(
    x: float, power: int
) -> None:
    derivative: Callable[..., Any] = lambda x: x**power  # noqa: E731
    for order in range(power + 4):
        left = power - order
        wanted = math.perm(power, order) * (x**left if left > 0 else 1.0) if left >= 0 else 0.0
        assert derivative(x) == pytest.approx(wanted, rel=1e-15)
        derivative = sg.grad(derivative)


@pytest.mark.parametrize("scale", [1.0, 1e300, 1e-300])
def test_length_of_a_vector_curves_where_its_first_coordinates_are_0(scale: float) -> None:
    point = [0.0, 0.0, 2.0 * scale]

    for length in (lambda a: sg.math.dist(a, [0.0, 0.0, 0.0]), lambda a: sg.math.hypot(*a)):
        assert sg.grad(length)(point) == [0.0, 0.0, 1.0]
        found = sg.hessian(length)(point)
        half = 0.5 / scale
        assert [x for row in found for x in row] == pytest.approx(
            [half, 0.0, 0.0, 0.0, half, 0.0, 0.0, 0.0, 0.0], rel=1e-15
        )


# -- at a kink, one side counts in graphs of gradients -----------------------------------------

SMOOTH: dict[str, tuple[Callable[..., Any], float]] = {
    "abs": (lambda x: abs(x) ** 2, 2.0),
    "product of abs": (lambda x: abs(x) * sg.math.fabs(x), 2.0),
    "abs of abs": (lambda x: abs(abs(x)) ** 2, 2.0),
    "maximum": (lambda x: sg.maximum(x, -x) ** 2, 2.0),
    "minimum": (lambda x: sg.minimum(-x, x) ** 2, 2.0),
    "maximum times minimum": (lambda x: sg.maximum(x, 3 * x) * sg.minimum(x, 3 * x), 6.0),
    "maximum with a plain number": (lambda x: x * x - sg.maximum(0, x) * sg.minimum(0, x), 2.0),
    "minimum with a plain number": (lambda x: sg.minimum(x, 0) * sg.maximum(x, 0) - x * x, -2.0),
    "max": (lambda x: sg.max([-5.0, x, -x, x]) ** 2, 2.0),
    "min": (lambda x: sg.min([5.0, x, -x, x]) ** 2, 2.0),
    "max times min": (lambda x: sg.max([x, 3 * x]) * sg.min([x, 3 * x]), 6.0),
    "mae": (lambda x: sg.mae([x, 5.0], [0.0, 5.0]) ** 2, 0.5),
    "mae, the target": (lambda x: sg.mae([0.0], [x]) ** 2, 2.0),
    "matern 3/2": (lambda x: (1 + abs(x)) * sg.exp(-abs(x)), -1.0),
    "softmax": (lambda x: sg.softmax([x * x, sg.dot([abs(x)], [abs(x)])])[0], 0.0),
    "norm": (lambda x: sg.math.hypot(x, 0.0, 3.0) * abs(abs(x)) ** 2, 6.0),
}
ORDERS: dict[str, Callable[..., Any]] = {
    "grad of grad": lambda f: sg.grad(sg.grad(f))(0.0),
    "hessian": lambda f: sg.hessian(f)(0.0),
    "hvp": lambda f: sg.hvp(f, 0.0, 1.0),
    "jvp of jvp": lambda f: sg.jvp(lambda x: sg.jvp(f, (x,), (1.0,))[1], (0.0,), (1.0,))[1],
    "compile": lambda f: sg.compile(sg.grad(sg.grad(f)))(0.0),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", SMOOTH)
def test_what_is_smooth_again_has_its_second_derivative_at_a_kink(name: str, order: str) -> None:
    function, exact = SMOOTH[name]

    assert ORDERS[order](function) == pytest.approx(exact, abs=1e-15)


@pytest.mark.parametrize("name", SMOOTH)
def test_existing_graph_has_its_second_derivative_at_a_kink(Value: type, name: str) -> None:  # noqa: N803
    function, exact = SMOOTH[name]
    x = Value(0.0)
    y = function(x)

    slope = sg.gradients(y, x, create_graph=True)
    slope.backward()

    assert x.grad == pytest.approx(exact, abs=1e-15)
    assert sg.gradients(slope, x) == x.grad
    assert slope.data == sg.gradients(y, x)


def test_first_derivative_of_abs_is_0_at_0_and_its_graph_goes_by_1() -> None:
    x = sg.Value(0.0)

    assert sg.grad(abs)(0.0) == sg.gradients(abs(x), x) == 0.0
    slope = sg.gradients(abs(x), x, create_graph=True)
    assert slope.data == 0.0
    assert sg.gradients(sg.gradients(abs(x) ** 2, x, create_graph=True), x) == 2.0
    assert sg.grad(lambda x: sg.grad(abs)(x))(0.0) == 0.0


@pytest.mark.parametrize(
    ("function", "first"),
    [
        (abs, 0.0),
        (lambda x: sg.maximum(x, 2 * x), 1.5),
        (lambda x: sg.min([x, 2 * x, 6 * x]), 3.0),
        (lambda x: sg.mae([x], [0.0]), 0.0),
        (lambda x: sg.relu(x) + sg.leaky_relu(x, 0.25), 0.25),
    ],
)
def test_numbers_of_first_derivatives_are_those_of_the_table_in_graphs_too(
    Value: type,  # noqa: N803
    function: Callable[..., Any],
    first: float,
) -> None:
    x = Value(0.0)
    y = function(x)
    y.backward()

    assert x.grad == sg.gradients(y, x, create_graph=True).data == first
    assert sg.grad(lambda t: 3 * sg.grad(function)(t) + t)(0.0) == 1.0
    assert sg.compile(lambda t: sg.grad(function)(t) + t)(0.0) == first
    assert sg.jvp(lambda t: sg.jvp(function, (t,), (1.0,))[1] + t, (0.0,), (1.0,))[0] == first


def test_existing_graph_goes_on_below_an_input_that_was_computed_from_another_at_a_kink() -> None:
    x = sg.Value(0.0)
    h = 2.0 * (2.0 * x)
    slopes = sg.gradients(abs(h) ** 2, [h, x], create_graph=True)  # 2h and 4·2h

    assert [slope.data for slope in slopes] == [0.0, 0.0]
    assert sg.gradients(slopes[0], [h, x]) == [2.0, 8.0]
    assert sg.gradients(slopes[1], [h, x]) == [8.0, 32.0]


def test_product_of_the_chain_rule_has_the_gradient_first() -> None:
    x, w = sg.Value(2.0), sg.Value(3.0)

    slope = sg.gradients(w * sg.sin(x), x, create_graph=True)

    assert slope.op == "mul"
    assert slope.operands[0] is w
    assert slope.operands[1].op == "cos"


def test_output_that_is_named_twice_counts_twice_in_a_graph_too() -> None:
    x = sg.Value(3.0)
    y = x * x

    assert sg.gradients([y, y], x) == 12.0
    assert sg.gradients([y, y], x, create_graph=True).data == 12.0


def test_hessian_across_a_kink_is_symmetric() -> None:
    def function(v: Any) -> Any:
        return v[1] * abs(v[0]) + sg.maximum(*v) * sg.minimum(*v)

    assert sg.hessian(function)([0.0, 0.0]) == [[0.0, 2.0], [2.0, 0.0]]


def test_kernel_of_matern_curves_at_equal_points() -> None:
    root = math.sqrt(5.0)

    def kernel(x: Any, y: Any) -> Any:
        r = abs(x - y)
        return (1 + root * r + 5 / 3 * (x - y) ** 2) * sg.exp(-root * r)

    across = sg.grad(lambda x: sg.grad(kernel, argnums=1)(x, 1.0))(1.0)
    assert across == pytest.approx(5 / 3)
    assert sg.grad(sg.grad(kernel))(1.0, 1.0) == pytest.approx(-5 / 3)
    batch = sg.compile(sg.grad(sg.grad(kernel)))
    points = np.array([1.0, 2.0, 1.0, 0.5])
    assert batch(points, 1.0) == pytest.approx([sg.grad(sg.grad(kernel))(x, 1.0) for x in points])


def test_node_of_ones_own_stands_on_the_side_too(Value: type) -> None:  # noqa: N803
    @sg.custom(lambda r: sg.exp(-r) * (1 - r))
    def bump(r: float) -> float:
        return r * math.exp(-r)

    def function(x: Any) -> Any:
        return bump(abs(x)) - abs(x)  # -x² + ...

    x = Value(0.0)
    slope = sg.gradients(function(x), x, create_graph=True)
    assert sg.gradients(slope, x) == sg.compile(sg.grad(sg.grad(function)))(0.0) == -2.0


def test_node_of_a_compiled_function_stands_on_the_side_too() -> None:
    compiled = sg.compile(lambda r, y: r * r * sg.exp(-r) + y * r)

    for point in ([0.0, 3.0], [0.0, -1.0]):
        found = sg.hessian(lambda v: compiled(abs(v[0]), v[1]) - 3 * v[1] * abs(v[0]))(point)
        assert found == [[2.0, -2.0], [-2.0, 0.0]]


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda x: sg.grad(lambda x: sg.hypot(x, 0.0) ** 2)(x), "hypot(0.0, 0.0)"),
        (
            lambda x: sg.grad(lambda x: sg.math.dist([x] * 3, [0.0] * 3) ** 2)(x),
            "norm(0.0, 0.0, 0.0)",
        ),
        (lambda x: sg.maximum(x, 2 * x), "maximum(0.0, 0.0)"),
        (lambda x: sg.mae([x], [0.0]) + sg.relu(x), "mae(0.0, 0.0), relu(0.0)"),
    ],
)
def test_check_names_the_operation_at_its_kink(function: Callable[..., Any], named: str) -> None:
    try:
        text = repr(sg.check_gradients(function, 0.0))
    except sg.GradientError as error:
        text = str(error)

    assert text.endswith(f"but by convention: {named}")


def test_what_no_convention_can_mend_stands_in_the_help() -> None:
    words = [str(f.__doc__) for f in (sg.Value.__abs__, sg.hypot, sg.mae, sg.maximum)]

    assert all("in graphs of gradients" in words[i] for i in (0, 2, 3))
    assert "write x*x + y*y" in words[1]
    assert "hypot(x, y)**2 at (0, 0) cannot" in words[0]


# -- the same through everything that differentiates ---------------------------------------------


def test_power_at_a_whole_exponent_is_right_through_every_transformation() -> None:
    def slope(p: Any) -> Any:
        return sg.grad(lambda x: x**p)(3.0)

    exact = 3 * (1 + 2 * LOG3)
    power = sg.expression("x**p")
    x, p = sg.Value(3.0), sg.Value(2.0)
    found = [
        sg.hessian(lambda v: v[0] ** v[1])([3.0, 2.0])[0][1],
        sg.hvp(lambda v: v[0] ** v[1], [3.0, 2.0], [0.0, 1.0])[0],
        sg.jvp(slope, (2.0,), (1.0,))[1],
        sg.jacobian(lambda p: [slope(p)])(2.0)[0],
        sg.gradients(sg.gradients(x**p, x, create_graph=True), p),
        sg.gradients(sg.gradients(x**p, p, create_graph=True), x),
        sg.grad(lambda p: sg.grad(lambda x: power(x=x, p=p))(3.0))(2.0),
        sg.compile(sg.grad(slope))(2.0),
        sg.compile(slope).value_and_grad(2.0)[1][0],
        *sg.compile(slope).value_and_grad(np.array([2.0, 2.0]))[1][0],
    ]
    assert found == pytest.approx([exact] * len(found), rel=1e-15)


def test_lanes_of_one_replay_take_their_own_branches() -> None:
    mixed = sg.compile(sg.grad(lambda p: sg.grad(lambda x: x**p)(3.0)))
    exponents = np.array([2.0, 0.0, 1.5, 2.0, -1.0])

    exact = [3 ** (p - 1) * (1 + p * LOG3) for p in exponents]

    assert mixed(exponents) == pytest.approx(exact, rel=1e-15)


def test_newton_finds_the_exponent_of_a_slope() -> None:
    p = sg.newton(lambda p: sg.grad(lambda x: x**p)(3.0) - 6.0, 2.1)  # p·3^(p-1) = 6 at p = 2

    assert p == pytest.approx(2.0, rel=1e-15)


BASES, EXPONENTS = (0.0, 1.0, 2.0, 0.7, -2.0), (0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5)
POWERS = [(x, y) for x in BASES for y in EXPONENTS]


@pytest.mark.parametrize("order", [(0,), (1,), (0, 0), (0, 1), (1, 1), (0, 0, 1), (1, 0, 1)])
def test_derivatives_of_a_power_have_the_same_bits_in_a_replay(order: tuple[int, ...]) -> None:
    derivative: Callable[..., Any] = lambda x, y: x**y  # noqa: E731
    for operand in order:
        derivative = sg.grad(derivative, argnums=operand)

    batch = sg.compile(derivative)(*map(np.array, zip(*POWERS, strict=True)))

    for found, point in zip(batch, POWERS, strict=True):
        exact = derivative(*point)
        assert found == exact or (found != found and exact != exact), point


@pytest.mark.parametrize("power", [3.0, 4.0, 1.0, 0.5, -1.0, 2.7, -0.3])
def test_slope_of_a_power_has_the_same_bits_in_a_graph(power: float) -> None:
    for x in (0.1, 0.7, 3.0, 1e-200, 1e150):
        base = sg.Value(x)
        slope = sg.gradients(base**power, base, create_graph=True)
        assert slope.data == sg.gradients(base**power, base)


# -- inverse, logarithm and tails of distribution functions --------------------------------------


def phi(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


#: the function in many digits, where, and how many digits each order has there
TAILS = {
    "ndtr": (phi, (-30.0, -5.0, 0.3, 4.0), (1e-15, 1e-15, 1e-15)),
    "log_ndtr": (
        lambda x: mp.log(phi(x)),
        (-300.0, -40.0, -20.5, -9.0, -5.0, -3.3, -2.0, -1.1, -0.5, -1e-9, -0.0, 0.3, 5.0),
        (1e-15, 1e-15, 4e-15),
    ),
    "erfinv": (mp.erfinv, (0.1, 0.5, -0.7, 0.999, 1 - 1e-12), (1e-15, 1e-14, 1e-14)),
}


@pytest.mark.parametrize("name", TAILS)
def test_distribution_function_has_three_derivatives_in_its_tails(name: str) -> None:
    exact, points, digits = TAILS[name]
    for x in points:
        derivative = getattr(sg, name)
        for order, rel in enumerate(digits, 1):
            derivative = sg.grad(derivative)
            with mp.workdps(400):
                wanted = float(mp.diff(exact, mp.mpf(x), order))
            assert derivative(x) == pytest.approx(wanted, rel=rel, abs=0.0), (x, order)


def test_derivatives_of_erfinv_are_infinite_at_its_ends() -> None:
    assert sg.grad(sg.grad(sg.erfinv))(1.0) == math.inf
    assert sg.grad(sg.grad(sg.erfinv))(-1.0) == -math.inf


@pytest.mark.parametrize(
    ("point", "exact"),
    [
        ([3.0, 2.0], [[0.0, 0.5], [0.5, -0.75]]),
        ([0.0, 2.0], [[0.0, 0.5], [0.5, 0.0]]),
        ([0.0, 0.0], [[0.0, math.inf], [math.inf, 0.0]]),
    ],
)
def test_hessian_of_xlogy_is_symmetric_where_x_is_0_too(
    point: list[float], exact: list[list[float]]
) -> None:
    assert sg.hessian(lambda v: sg.xlogy(v[0], v[1]))(point) == exact
    assert sg.grad(sg.grad(lambda y: sg.xlogy(0.0, y)))(point[1]) == 0.0
