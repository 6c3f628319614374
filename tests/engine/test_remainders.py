"""`%`, `//`, `divmod` and `round` by Python's rules, with their derivatives."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import itertools
import math
import operator
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import scalargrad as sg

INF, NAN = math.inf, math.nan
NUMBERS = [
    0.0, -0.0, 1.0, -1.0, 0.1, -0.3, 2.0, 7.3, -7.3, 0.7, 6.283185307179586, 5e-324, -1e-300, 1e300,
    1e16, -1e16, 3.0, INF, -INF, NAN,
]  # fmt: skip
PAIRS = list(itertools.product(NUMBERS, NUMBERS))


def by_python(operate: Any, x: float, y: float) -> float:
    """Return what Python says; where it refuses to divide by 0, what IEEE-754 has."""
    if y != 0.0:
        return operate(x, y)
    if operate is operator.mod or x != x or x == 0.0:
        return NAN
    return math.copysign(INF, x) * math.copysign(1.0, y)


def same(a: float, b: float) -> bool:
    return (a != a and b != b) or (a == b and math.copysign(1.0, a) == math.copysign(1.0, b))


@pytest.mark.parametrize("operate", [operator.mod, operator.floordiv])
def test_operators_have_the_bits_of_python_with_signs_of_zeros_and_infinities(Value, operate):
    for x, y in PAIRS:
        expected = by_python(operate, x, y)
        for node in (operate(Value(x), Value(y)), operate(Value(x), y), operate(x, Value(y))):
            assert type(node) is Value
            assert same(node.data, expected), (x, y, node.data, expected)


def test_operators_have_the_bits_of_python_at_random(Value):
    draw = random.Random(15)
    for _ in range(3000):
        x, y = (draw.choice((1, -1)) * 2 ** draw.uniform(-40, 40) for _ in range(2))
        x = draw.choice((x, y * draw.randint(-9, 9), round(x, 2)))
        node, whole = Value(x) % y, Value(x) // y
        assert same(node.data, x % y), (x, y)
        assert same(whole.data, x // y), (x, y)
        assert divmod(Value(x), y) == divmod(x, y) == divmod(x, Value(y))


def test_remainder_has_the_slopes_one_and_minus_the_quotient(Value):
    for x, y in [(7.3, 2.0), (-7.3, 2.0), (7.3, -2.0), (-7.3, -2.0), (-1e-300, 3.0), (0.5, 3.0)]:
        a, b = Value(x), Value(y)
        (a % b).backward()
        assert (a.grad, b.grad) == (1.0, -(Fraction(x) // Fraction(y)))
        a, b = Value(x), Value(y)
        (a // b).backward()
        assert (a.grad, b.grad) == (0.0, 0.0)


def test_remainder_by_an_infinite_divisor_has_the_slopes_of_its_limit(Value):
    for x, expected in ((-5.0, (INF, 1.0, 1.0)), (5.0, (5.0, 1.0, 0.0))):
        a, b = Value(x), Value(INF)
        (node := a % b).backward()
        assert (node.data, a.grad, b.grad) == expected


def test_angle_turned_back_has_second_derivatives_and_is_one_path_of_a_tape():
    def f(angle):
        return sg.sin(angle % (2 * math.pi)) * (angle // 3.0 + round(angle) + round(angle, 1))

    angles = np.array([0.3, 7.0, -2.0, 100.1, -55.55])
    compiled = sg.compile(f)
    values, (slopes,) = compiled.value_and_grad(angles)
    for angle, value, slope in zip(angles.tolist(), values, slopes, strict=True):
        turns = angle // 3.0 + np.rint(angle) + round(angle, 1)
        assert value == pytest.approx(math.sin(angle) * turns, rel=1e-12)
        assert slope == pytest.approx(math.cos(angle) * turns, rel=1e-12)
        assert (value, slope) == sg.value_and_grad(f)(angle)
        second = sg.grad(sg.grad(f))(angle)
        assert second == pytest.approx(-math.sin(angle) * turns, rel=1e-12, abs=1e-12)


def test_mixed_derivatives_of_a_remainder_are_zero():
    assert sg.hessian(lambda p: p[0] % p[1])([7.3, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]


# -- rounding ----------------------------------------------------------------------------------


def test_round_has_the_bits_of_python(Value):
    draw = random.Random(16)
    numbers = [0.5, 1.5, 2.5, -0.5, 2.675, 1.115, 0.125, 1e22, 5e15 + 0.5, 1e-310, -0.0, 1.2e300]
    numbers += [draw.choice((1, -1)) * 10 ** draw.uniform(-25, 25) for _ in range(300)]
    numbers += [draw.randint(-9999, 9999) / 1000 * 5 for _ in range(300)]
    for number in numbers:
        for digits in (0, 1, 2, 3, 8, 15, 22, -1, -2, -5, -22):
            node = round(Value(number), digits)
            assert type(node) is Value
            assert same(node.data, round(number, digits)), (number, digits)
        assert round(Value(number)).data == round(number)


@pytest.mark.parametrize("call", [round, lambda x: round(x, 2), math.floor, math.ceil, math.trunc])
def test_rounding_gives_a_value_whose_slope_is_zero_and_keeps_what_is_not_finite(Value, call):
    leaf = Value(2.345)
    (node := call(leaf)).backward()
    assert type(node) is Value
    assert (node.data, leaf.grad) == (call(2.345), 0.0)
    for number in (INF, -INF, NAN):
        leaf = Value(number)
        (node := call(leaf)).backward()
        assert same(node.data, number)
        assert same(leaf.grad, NAN if number != number else 0.0)


@pytest.mark.parametrize("digits", [2.0, "2", 23, -23, [1]])
def test_round_refuses_what_is_no_count_of_digits(Value, digits):
    with pytest.raises(TypeError, match=r"^round: digits must be a whole number from -22 to 22; "):
        round(Value(1.0), digits)


def test_digits_are_no_operand_that_could_have_a_gradient(Value):
    with pytest.raises(TypeError, match=r"^round: digits must be a whole number"):
        round(Value(1.0), Value(2.0))
