"""Derivatives to the third order where a row's own formula takes another way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

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
