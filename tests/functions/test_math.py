"""`scalargrad.math`: what `math` computes, for floats and Values, with exact derivatives."""

from __future__ import annotations

import math as standard
import random
import re
import types
from collections.abc import Callable
from typing import Any

import mpmath
import pytest

import scalargrad as sg
from scalargrad import math
from scalargrad.functions.gamma import digamma

#: of whole numbers or of the digits of one: Python's own
AS_THEY_ARE = {"comb", "factorial", "gcd", "isqrt", "lcm", "nextafter", "perm", "ulp"}
QUESTIONS = {"isclose", "isfinite", "isinf", "isnan"}
#: where to try a function, and what mpmath has for it
POINTS: dict[str, tuple[tuple[Any, ...], Callable[..., Any]]] = {
    "acos": ((0.3,), mpmath.acos), "acosh": ((1.7,), mpmath.acosh), "asin": ((0.3,), mpmath.asin),
    "asinh": ((0.3,), mpmath.asinh), "atan": ((0.3,), mpmath.atan),
    "atan2": ((0.3, -2.0), mpmath.atan2), "atanh": ((0.3,), mpmath.atanh),
    "cbrt": ((2.3,), mpmath.cbrt), "ceil": ((2.3,), mpmath.ceil),
    "copysign": ((2.3, -1.0), lambda x, y: abs(x) * mpmath.sign(y)), "cos": ((0.3,), mpmath.cos),
    "cosh": ((0.3,), mpmath.cosh), "degrees": ((0.3,), lambda x: x * 180 / mpmath.pi),
    "erf": ((0.3,), mpmath.erf), "erfc": ((0.3,), mpmath.erfc), "exp": ((0.3,), mpmath.exp),
    "exp2": ((0.3,), lambda x: mpmath.power(2, x)), "expm1": ((0.3,), mpmath.expm1),
    "fabs": ((-0.3,), abs), "floor": ((2.3,), mpmath.floor),
    "fmod": ((7.3, 2.1), lambda x, y: x - y * mpmath.floor(x / y)),
    "gamma": ((2.3,), mpmath.gamma), "hypot": ((0.3, -2.0), mpmath.hypot),
    "lgamma": ((2.3,), mpmath.loggamma), "log": ((2.3,), mpmath.log),
    "log1p": ((0.3,), mpmath.log1p), "log2": ((2.3,), lambda x: mpmath.log(x, 2)),
    "log10": ((2.3,), mpmath.log10), "pow": ((2.3, 1.7), mpmath.power),
    "radians": ((0.3,), lambda x: x * mpmath.pi / 180),
    "remainder": ((7.3, 2.1), lambda x, y: x - y * mpmath.nint(x / y)),
    "sin": ((0.3,), mpmath.sin), "sinh": ((0.3,), mpmath.sinh), "sqrt": ((2.3,), mpmath.sqrt),
    "tan": ((0.3,), mpmath.tan), "tanh": ((0.3,), mpmath.tanh),
    "trunc": ((2.3,), mpmath.floor),
}  # fmt: skip
#: those that take or give something else than numbers: each has a test of its own
OTHERS = {"dist", "frexp", "fsum", "ldexp", "modf", "prod", "sumprod"}
CONSTANTS = {"e", "inf", "nan", "pi", "tau"}


def names_of(module: types.ModuleType) -> set[str]:
    return {name for name in vars(module) if not name.startswith("_")}


def test_every_name_of_the_standard_module_is_here() -> None:
    newer = {"fma"}  # since Python 3.13

    assert names_of(standard) - newer <= set(math.__all__)
    assert set(math.__all__) - names_of(standard) <= {"sumprod"}  # since Python 3.12
    tested = AS_THEY_ARE | QUESTIONS | set(POINTS) | OTHERS | CONSTANTS
    assert tested == set(math.__all__)


@pytest.mark.parametrize("name", sorted(POINTS))
def test_float_gives_what_the_standard_module_gives(name: str) -> None:
    point = POINTS[name][0]

    ours, theirs = getattr(math, name)(*point), getattr(standard, name)(*point)

    assert type(ours) is type(theirs)
    assert ours == pytest.approx(theirs, rel=4e-16)


@pytest.mark.parametrize("name", sorted(POINTS))
def test_value_gives_the_same_number_with_derivatives_of_fifty_digits(name: str) -> None:
    point, exact = POINTS[name]
    function = getattr(math, name)
    value = function(*map(sg.Value, point))

    assert value.data == function(*point)
    with mpmath.workdps(50):
        for place in range(len(point)):
            for order in (1, 2):
                derivative = function
                for _ in range(order):
                    derivative = sg.grad(derivative, argnums=place)
                orders = tuple(order * (i == place) for i in range(len(point)))
                truth = mpmath.diff(exact, tuple(map(mpmath.mpf, point)), orders)
                assert derivative(*point) == pytest.approx(float(truth), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", sorted(AS_THEY_ARE | CONSTANTS))
def test_what_is_of_whole_numbers_or_constant_is_pythons_own(name: str) -> None:
    assert getattr(math, name) is getattr(standard, name)


def test_program_gets_gradients_by_changing_its_import_line() -> None:
    program = """
import math

def normal_density(x, mean, deviation):
    z = (x - mean) / deviation
    return math.exp(-z * z / 2) / (deviation * math.sqrt(math.tau))
"""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    exec(program, before)
    exec(program.replace("import math", "from scalargrad import math"), after)

    plain = before["normal_density"](0.3, 0.1, 2.0)
    slope = sg.grad(after["normal_density"])(0.3, 0.1, 2.0)

    assert after["normal_density"](0.3, 0.1, 2.0) == plain
    assert slope == pytest.approx(-plain * (0.3 - 0.1) / 4.0, rel=1e-15)


def test_standard_function_of_a_value_says_what_to_use() -> None:
    with pytest.raises(TypeError, match=re.escape("write v.data for the number")):
        standard.exp(sg.Value(1.0))


def test_numbers_raise_nothing() -> None:
    assert math.log(0.0) == -math.inf
    assert math.log(2.0, 1.0) == math.inf
    assert math.isnan(math.sqrt(-1.0))
    assert math.exp(1000.0) == math.inf
    assert math.isnan(math.gamma(-1.0))
    assert math.gamma(-0.0) == -math.inf
    assert math.lgamma(-1.0) == math.inf
    assert math.gamma(200.0) == math.inf
    assert math.isnan(math.fsum([math.inf, -math.inf]))
    assert math.fsum([1e308, 1e308]) == math.inf


def test_logarithm_has_a_base() -> None:
    assert math.log(8.0, 2.0) == 3.0
    x, b = 8.0, 3.0
    by_base = -standard.log(x) / standard.log(b) ** 2 / b
    assert sg.grad(math.log, argnums=1)(x, b) == pytest.approx(by_base, rel=1e-15)


def test_splits_add_up_and_have_the_derivatives_of_their_parts() -> None:
    for x in (2.75, -2.75, 0.0, -0.0, standard.inf, -standard.inf, 1e300, 5e-324):
        assert [repr(part.data) for part in math.modf(sg.Value(x))] == [
            repr(part) for part in standard.modf(x)
        ]
        mantissa, exponent = math.frexp(sg.Value(x))
        assert (repr(mantissa.data), exponent) == (repr(standard.frexp(x)[0]), standard.frexp(x)[1])
    assert sg.grad(lambda x: math.modf(x)[0])(2.75) == 1.0
    assert sg.grad(lambda x: math.modf(x)[1])(2.75) == 0.0
    assert sg.grad(lambda x: math.frexp(x)[0])(6.0) == 2.0**-3


@pytest.mark.parametrize("power", [-1100, -1075, -1030, -1, 0, 1, 1023, 1024, 2000])
def test_power_of_two_scales_without_losing_digits(power: int) -> None:
    for x in (1.0, 1.7, -3e-308, 5e-324, 1.3e300, 2.0**1000 * 1.9):
        try:
            wanted = standard.ldexp(x, power)
        except OverflowError:
            wanted = standard.copysign(standard.inf, x)
        assert math.ldexp(x, power) == wanted
        assert math.ldexp(sg.Value(x), power).data == wanted


def test_lists_of_values_have_gradients() -> None:
    xs, ys = [1.0, 2.0, 4.0], [3.0, -1.0, 0.5]

    assert sg.grad(math.prod)(xs) == [8.0, 4.0, 2.0]
    assert sg.grad(math.fsum)(xs) == [1.0, 1.0, 1.0]
    assert sg.grad(math.sumprod)(xs, ys) == ys
    length = standard.dist(xs, ys)
    expected = [(x - y) / length for x, y in zip(xs, ys, strict=True)]
    assert sg.grad(math.dist)(xs, ys) == pytest.approx(expected, rel=1e-15)
    assert math.hypot() == 0.0
    assert sg.grad(lambda p: math.hypot(*p))(xs) == pytest.approx(
        [x / standard.hypot(*xs) for x in xs], rel=1e-15
    )
    assert math.prod([], start=2) == 2
    assert math.fsum([1e16, 1.0, -1e16]) == 1.0


def test_questions_are_answered_of_values_too() -> None:
    for x in (1.0, standard.inf, standard.nan):
        for name in ("isnan", "isinf", "isfinite"):
            assert getattr(math, name)(sg.Value(x)) is getattr(standard, name)(x)
    assert math.isclose(sg.Value(1.0), 1.0 + 1e-12)
    assert not math.isclose(sg.Value(1.0), sg.Value(1.1))
    assert math.isclose(sg.Value(1.0), 1.1, abs_tol=0.2)


def test_derivative_of_the_gamma_function_is_that_of_fifty_digits() -> None:
    draw = random.Random(4)
    with mpmath.workdps(50):
        for _ in range(500):
            x = draw.choice([draw.uniform(-20, 20), draw.uniform(0, 3), 10 ** draw.uniform(-10, 3)])
            exact = mpmath.digamma(mpmath.mpf(x))
            reflected = abs(mpmath.pi / mpmath.tan(mpmath.pi * mpmath.mpf(x))) if x < 0 else 0
            largest = max(abs(exact), reflected, 1 / abs(x), mpmath.log(10))
            assert abs(digamma(x) - exact) <= 4 * 2.3e-16 * largest, x
    assert math.isnan(digamma(-3.0))
    assert math.isnan(sg.grad(math.lgamma)(0.0))


def test_gamma_function_has_derivatives_of_any_order() -> None:
    derivative: Callable[..., Any] = math.gamma
    with mpmath.workdps(50):
        for order in range(1, 6):
            derivative = sg.grad(derivative)
            exact = mpmath.diff(mpmath.gamma, mpmath.mpf("-2.5"), order)
            assert derivative(-2.5) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: math.ldexp(1.0, 1.5), "ldexp: the power must be a whole number; got 1.5 (float)"),
        (
            lambda: math.dist([1.0], [1.0, 2.0]),
            "dist: both lists must be equally long; got 1 and 2",
        ),
        (
            lambda: math.dist(3, [1.0]),
            "dist: wants two points; got 3 (int); write dist([a, b], [c, d])",
        ),
        (lambda: math.sin("one"), "sin: x must be a number; got 'one' (str)"),
        (lambda: math.degrees("one"), "degrees: x must be a number; got 'one' (str)"),
        (lambda: math.isnan("one"), "isnan: x must be a number; got 'one' (str)"),
        (lambda: math.fsum(3), "fsum: wants one iterable of Values and numbers; got 3 (int)"),
    ],
)
def test_bad_input_gets_one_sentence(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(sentence)):
        call()
