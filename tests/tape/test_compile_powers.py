"""Powers that are products, quotients and roots: their digits, special points, replays, graphs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import replays
from engines import ENGINES, engine_class
from mpmath import mp, mpf
from replays import KINDS, agrees

import scalargrad as sg
from scalargrad.table import libm
from scalargrad.table.ops import POWERS
from scalargrad.table.row import ROWS

runner = replays.runner

EXPONENTS = [float(y) for y in POWERS]
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, -1.0, -2.5, 5e-324, -5e-324, 1.7e308]
CLASSES = [engine_class(name) for name in ENGINES]


def bases(count: int, exponent: float) -> list[float]:
    """Return numbers of all sizes, negative ones where the exponent is whole."""
    draw = random.Random(exponent)
    signs = (1.0, -1.0) if exponent.is_integer() else (1.0,)
    sizes = (0, 0, 1, draw.randint(-1000, 1000), draw.randint(-1000, 1000))
    return [
        math.ldexp(draw.choice(signs) * draw.uniform(1.0, 2.0), draw.choice(sizes))
        for _ in range(count)
    ]


def raised(y: float) -> Callable[[Any], Any]:
    return lambda x: x**y


@pytest.mark.parametrize("y", EXPONENTS)
def test_two_units_in_the_last_place_are_lost_at_most(y: float) -> None:
    with mp.workdps(60):
        for x in bases(300, y):
            value, (by_x, _) = ROWS["pow"].step(x, y)
            exact = mpf(x) ** mpf(y)
            for found, truth, ulps in ((value, exact, 2), (by_x, y * exact / mpf(x), 4)):
                unit = mpf(math.ulp(min(abs(float(truth)), 1.7e308)))
                assert abs(found) == math.inf or abs(found - truth) <= ulps * unit, (x, found)
                assert math.isfinite(found) or abs(truth) > mpf(2) ** 1024 * (1 - mpf(2) ** -52)


@pytest.mark.parametrize("y", EXPONENTS)
@pytest.mark.parametrize("x", SPECIAL)
def test_special_bases_have_the_powers_of_the_c_library(x: float, y: float) -> None:
    wanted, slope = libm.pow(x, y), y * libm.pow(x, y - 1.0)
    for Value in CLASSES:
        base = Value(x)
        power = base**y
        power.backward()
        assert np.isclose(power.data, wanted, rtol=4e-16, atol=0.0, equal_nan=True)
        assert math.isnan(wanted) or math.copysign(1.0, power.data) == math.copysign(1.0, wanted)
        assert np.isclose(base.grad, slope, rtol=1e-15, atol=5e-324, equal_nan=True)


@pytest.mark.parametrize("y", EXPONENTS)
def test_replays_have_the_bits_of_a_pass(runner: str, y: float) -> None:
    lanes = [(x,) for x in (*SPECIAL, *bases(30, y))]
    agrees(lambda x: sg.sin(x**y) * x + x**y, lanes)


@pytest.mark.parametrize("y", EXPONENTS)
def test_fast_powers_are_right(y: float) -> None:
    xs = np.array(bases(40, y))
    f = sg.compile(raised(y), mode="fast")
    values, (slopes,) = f.value_and_grad(xs)
    wanted = [ROWS["pow"].step(x, y) for x in xs.tolist()]
    assert np.allclose(values, [value for value, _ in wanted], rtol=1e-15, atol=0.0)
    assert np.allclose(slopes, [slope for _, (slope, _) in wanted], rtol=1e-15, atol=0.0)


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("lanes", ["batch", "point"])
def test_no_plan_calls_such_a_power(lanes: Any) -> None:
    for y in EXPONENTS:
        f = sg.compile(raised(y))
        f(1.5)
        assert " pow " not in f.tape.plan(lanes=lanes), y
    other = sg.compile(raised(5.0))
    other(1.5)
    assert " pow " in other.tape.plan(lanes=lanes)


@pytest.mark.parametrize("y", EXPONENTS)
def test_exponents_that_are_values_give_the_same_bits(y: float) -> None:
    for x in bases(20, y):
        one, both = sg.Value(x), (sg.Value(x), sg.Value(y))
        plain, powered = one**y, both[0] ** both[1]
        plain.backward()
        powered.backward()
        assert (plain.data, one.grad) == (powered.data, both[0].grad)


def test_fast_exponents_that_vary_give_powers_too() -> None:
    xs, ys = np.array([1.5] * 40), np.array([*EXPONENTS, 0.0, 1.0] * 4)
    values, slopes = sg.compile(lambda x, y: x**y, mode="fast").value_and_grad(xs, ys)
    assert np.allclose(values, xs**ys, rtol=1e-14)
    assert np.allclose(slopes[0], ys * xs ** (ys - 1.0), rtol=1e-14)
    assert np.allclose(slopes[1], xs**ys * np.log(xs), rtol=1e-14)
