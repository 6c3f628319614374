"""The table of special points, line by line: as function, method, operator and on floats."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import math
import operator
from typing import Any

import pytest

import scalargrad as sg

INF, NAN = math.inf, math.nan
LOG2 = math.log(2.0)

OPERATORS: dict[str, Any] = {
    "mul": operator.mul,
    "div": operator.truediv,
    "abs": abs,
    "pow": operator.pow,
    "mod": operator.mod,
    "floordiv": operator.floordiv,
}

#: name, operands, value, one gradient an operand
POINTS: list[tuple[str, tuple[float, ...], float, tuple[float, ...]]] = [
    # relu(0), relu(-0.0)
    ("relu", (0.0,), 0.0, (0.0,)),
    ("relu", (-0.0,), 0.0, (0.0,)),
    # relu, abs, max, min of nan
    ("relu", (NAN,), NAN, (NAN,)),
    ("abs", (NAN,), NAN, (NAN,)),
    ("maximum", (NAN, 1.0), NAN, (NAN, NAN)),
    ("maximum", (1.0, NAN), NAN, (NAN, NAN)),
    ("minimum", (NAN, 1.0), NAN, (NAN, NAN)),
    ("minimum", (1.0, NAN), NAN, (NAN, NAN)),
    ("hypot", (NAN, 0.0), NAN, (NAN, NAN)),
    ("hypot", (0.0, NAN), NAN, (NAN, NAN)),
    ("hypot", (NAN, 1.0), NAN, (NAN, NAN)),
    ("leaky_relu", (NAN, 0.5), NAN, (NAN, NAN)),
    ("gelu", (NAN,), NAN, (NAN,)),
    ("silu", (NAN,), NAN, (NAN,)),
    ("erf", (NAN,), NAN, (NAN,)),
    ("softplus", (NAN,), NAN, (NAN,)),
    ("sigmoid", (NAN,), NAN, (NAN,)),
    ("tanh", (NAN,), NAN, (NAN,)),
    ("cbrt", (NAN,), NAN, (NAN,)),
    ("atan2", (NAN, 0.0), NAN, (NAN, NAN)),
    # abs(0)
    ("abs", (0.0,), 0.0, (0.0,)),
    ("abs", (-0.0,), 0.0, (0.0,)),
    # sqrt(0), log(0)
    ("sqrt", (0.0,), 0.0, (INF,)),
    ("sqrt", (-0.0,), 0.0, (INF,)),
    ("log", (0.0,), -INF, (INF,)),
    ("log", (-0.0,), -INF, (INF,)),
    ("log2", (0.0,), -INF, (INF,)),
    ("log10", (0.0,), -INF, (INF,)),
    ("log1p", (-1.0,), -INF, (INF,)),
    ("cbrt", (0.0,), 0.0, (INF,)),
    # sqrt(-1), log(-1), log1p(-2)
    ("sqrt", (-1.0,), NAN, (NAN,)),
    ("log", (-1.0,), NAN, (-1.0,)),
    ("log", (-4.0,), NAN, (-0.25,)),
    ("log1p", (-2.0,), NAN, (-1.0,)),
    # acosh below 1, atanh outside [-1, 1]
    ("acosh", (0.5,), NAN, (NAN,)),
    ("acosh", (-2.0,), NAN, (NAN,)),
    ("acosh", (-0.5,), NAN, (NAN,)),
    ("acosh", (1.0,), 0.0, (INF,)),
    ("atanh", (1.5,), NAN, (NAN,)),
    ("atanh", (-1.5,), NAN, (NAN,)),
    ("atanh", (1.0,), INF, (INF,)),
    ("atanh", (-1.0,), -INF, (INF,)),
    # exp(1000), exp(-1000)
    ("exp", (1000.0,), INF, (INF,)),
    ("exp", (-1000.0,), 0.0, (0.0,)),
    ("expm1", (1000.0,), INF, (INF,)),
    ("expm1", (-1000.0,), -1.0, (0.0,)),
    ("sinh", (1000.0,), INF, (INF,)),
    ("sinh", (-1000.0,), -INF, (INF,)),
    ("cosh", (-1000.0,), INF, (-INF,)),
    # asin(1), acos(1); outside [-1, 1]
    ("asin", (1.0,), math.pi / 2, (INF,)),
    ("asin", (-1.0,), -math.pi / 2, (INF,)),
    ("acos", (1.0,), 0.0, (-INF,)),
    ("acos", (-1.0,), math.pi, (-INF,)),
    ("asin", (1.5,), NAN, (NAN,)),
    ("asin", (-1.5,), NAN, (NAN,)),
    ("acos", (1.5,), NAN, (NAN,)),
    ("acos", (-1.5,), NAN, (NAN,)),
    # sin, cos, tan of inf
    *[(name, (x,), NAN, (NAN,)) for name in ("sin", "cos", "tan") for x in (INF, -INF)],
    # tanh and sigmoid of ±1000
    ("tanh", (1000.0,), 1.0, (0.0,)),
    ("tanh", (-1000.0,), -1.0, (0.0,)),
    ("sigmoid", (1000.0,), 1.0, (0.0,)),
    ("sigmoid", (-1000.0,), 0.0, (0.0,)),
    ("tanh", (INF,), 1.0, (0.0,)),
    ("sigmoid", (-INF,), 0.0, (0.0,)),
    # softplus: no threshold
    ("softplus", (0.0,), LOG2, (0.5,)),
    ("softplus", (1000.0,), 1000.0, (1.0,)),
    ("softplus", (-1000.0,), 0.0, (0.0,)),
    ("softplus", (INF,), INF, (1.0,)),
    # 1/0, 1/-0.0, 0/0
    ("div", (1.0, 0.0), INF, (INF, -INF)),
    ("div", (1.0, -0.0), -INF, (-INF, -INF)),
    ("div", (0.0, 0.0), NAN, (INF, NAN)),
    # whole numbers and remainders: zeros keep their signs, half-way the even multiple counts
    ("floor", (-0.0,), -0.0, (0.0,)),
    ("ceil", (-0.5,), -0.0, (0.0,)),
    ("trunc", (-0.5,), -0.0, (0.0,)),
    ("floor", (3.0,), 3.0, (0.0,)),
    ("floor", (INF,), INF, (0.0,)),
    ("ceil", (NAN,), NAN, (NAN,)),
    ("fmod", (-5.5, 2.0), -1.5, (1.0, 2.0)),
    ("fmod", (5.0, INF), 5.0, (1.0, 0.0)),
    ("fmod", (5.0, 0.0), NAN, (NAN, NAN)),
    ("fmod", (INF, 2.0), NAN, (NAN, NAN)),
    ("remainder", (5.0, 2.0), 1.0, (1.0, -2.0)),
    ("remainder", (3.0, 2.0), -1.0, (1.0, -2.0)),
    ("remainder", (-0.0, 2.0), -0.0, (1.0, 0.0)),
    ("copysign", (3.0, -0.0), -3.0, (-1.0, 0.0)),
    ("copysign", (-0.0, 1.0), 0.0, (-1.0, 0.0)),
    ("copysign", (NAN, 1.0), NAN, (NAN, 0.0)),
    ("exp2", (1024.0,), INF, (INF,)),
    ("exp2", (-1080.0,), 0.0, (0.0,)),
    ("rint", (-0.5,), -0.0, (0.0,)),
    ("rint", (-INF,), -INF, (0.0,)),
    ("mod", (5.0, 0.0), NAN, (NAN, NAN)),
    ("mod", (INF, 2.0), NAN, (NAN, NAN)),
    ("mod", (4.0, -2.0), -0.0, (1.0, 2.0)),
    ("floordiv", (5.0, 0.0), INF, (0.0, 0.0)),
    ("floordiv", (0.0, 0.0), NAN, (NAN, NAN)),
    ("floordiv", (-5.0, INF), -1.0, (0.0, 0.0)),
    # inverse and logarithm of distribution functions
    ("erfinv", (1.0,), INF, (INF,)),
    ("erfinv", (-1.0,), -INF, (INF,)),
    ("erfinv", (1.5,), NAN, (NAN,)),
    ("erfinv", (-0.0,), -0.0, (math.sqrt(math.pi) / 2,)),
    ("ndtr", (INF,), 1.0, (0.0,)),
    ("ndtr", (-INF,), 0.0, (0.0,)),
    ("ndtr", (1e300,), 1.0, (0.0,)),
    ("ndtr", (0.0,), 0.5, (1 / math.sqrt(2 * math.pi),)),
    ("log_ndtr", (INF,), 0.0, (0.0,)),
    ("log_ndtr", (-INF,), -INF, (INF,)),
    ("log_ndtr", (-1e300,), -INF, (1e300,)),
    *[(name, (NAN,), NAN, (NAN,)) for name in ("erfinv", "ndtr", "log_ndtr", "rint")],
    # a term of an entropy
    ("xlogy", (0.0, 0.0), 0.0, (-INF, 0.0)),
    ("xlogy", (0.0, 2.0), 0.0, (LOG2, 0.0)),
    ("xlogy", (-0.0, INF), 0.0, (INF, 0.0)),
    ("xlogy", (0.0, -1.0), 0.0, (NAN, 0.0)),
    ("xlogy", (0.0, NAN), NAN, (NAN, NAN)),
    ("xlogy", (2.0, 0.0), -INF, (-INF, INF)),
    ("xlogy", (2.0, -1.0), NAN, (NAN, -2.0)),
    # 0·inf
    ("mul", (0.0, INF), NAN, (INF, 0.0)),
    # pow(0,0), pow(0,-1)
    ("pow", (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("pow", (0.0, -1.0), INF, (-INF, -INF)),
    # pow(0, .5), (0, 1), (0, 2)
    ("pow", (0.0, 0.5), 0.0, (INF, 0.0)),
    ("pow", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("pow", (0.0, 2.0), 0.0, (0.0, 0.0)),
    # a negative base
    ("pow", (-2.0, 3.0), -8.0, (12.0, NAN)),
    ("pow", (-2.0, 2.0), 4.0, (-4.0, NAN)),
    ("pow", (-2.0, -1.0), -0.5, (-0.25, NAN)),
    ("pow", (-2.0, 0.0), 1.0, (0.0, NAN)),
    ("pow", (-2.0, 0.5), NAN, (NAN, NAN)),
    ("pow", (-8.0, 1 / 3), NAN, (NAN, NAN)),
    # d/dy x**y at x = 0
    ("pow", (0.0, -2.0), INF, (-INF, -INF)),
    ("pow", (-0.0, -2.0), INF, (INF, -INF)),
    ("pow", (-0.0, -1.0), -INF, (-INF, INF)),
    ("pow", (-0.0, 2.0), 0.0, (0.0, 0.0)),
    ("pow", (0.0, NAN), NAN, (NAN, NAN)),
    # pow(nan, 0), pow(1, nan)
    ("pow", (NAN, 0.0), 1.0, (0.0, NAN)),
    ("pow", (1.0, NAN), 1.0, (NAN, 0.0)),
    # an infinite exponent: y pow(x, y - 1), as IEEE's pow goes
    ("pow", (-1.0, INF), 1.0, (INF, NAN)),
    ("pow", (-1.0, -INF), 1.0, (-INF, NAN)),
    ("pow", (1.0, -INF), 1.0, (-INF, 0.0)),
    # an overflow is an infinity of the right sign
    ("pow", (-10.0, 999.0), -INF, (INF, NAN)),
    ("pow", (-10.0, 998.0), INF, (-INF, NAN)),
    # equal operands
    ("maximum", (2.0, 2.0), 2.0, (0.5, 0.5)),
    ("minimum", (2.0, 2.0), 2.0, (0.5, 0.5)),
    ("maximum", (0.0, -0.0), 0.0, (0.5, 0.5)),
    ("maximum", (INF, INF), INF, (0.5, 0.5)),
    # atan2(0,0), hypot(0,0), and far scales
    ("atan2", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot", (3e300, 4e300), 5e300, (0.6, 0.8)),
    ("hypot", (3e-300, 4e-300), 5e-300, (0.6, 0.8)),
    ("hypot", (INF, NAN), INF, (NAN, NAN)),
    ("hypot", (NAN, -INF), INF, (NAN, NAN)),
    # far away nothing turns the angle any more
    ("atan2", (INF, 1.0), math.pi / 2, (0.0, 0.0)),
    ("atan2", (-INF, -INF), -3 * math.pi / 4, (0.0, 0.0)),
    ("atan2", (2.0, INF), 0.0, (0.0, 0.0)),
    ("atan2", (-2.0, -INF), -math.pi, (0.0, 0.0)),
    ("atan2", (NAN, INF), NAN, (NAN, NAN)),
    ("atan2", (-INF, NAN), NAN, (NAN, NAN)),
    ("atan2", (1e300, 1e300), math.pi / 4, (5e-301, -5e-301)),
    ("atan2", (1e-300, 1e-300), math.pi / 4, (5e299, -5e299)),
    # at its kink leaky_relu has the slope
    ("leaky_relu", (0.0, 0.25), 0.0, (0.25, 0.0)),
]

#: name, lists of operands, value, one gradient an operand
LISTS: list[tuple[str, tuple[Any, ...], float, tuple[float, ...]]] = [
    ("max", ([NAN, 1.0],), NAN, (NAN, NAN)),
    ("max", ([1.0, NAN, 2.0],), NAN, (NAN, NAN, NAN)),
    ("min", ([NAN, 1.0],), NAN, (NAN, NAN)),
    ("min", ([1.0, 2.0, NAN],), NAN, (NAN, NAN, NAN)),
    ("max", ([2.0, 1.0, 2.0, 2.0],), 2.0, (1 / 3, 0.0, 1 / 3, 1 / 3)),
    ("min", ([2.0, 5.0, 2.0],), 2.0, (0.5, 0.0, 0.5)),
    ("max", ([-INF, -INF],), -INF, (0.5, 0.5)),
    ("logsumexp", ([-INF, 1.0],), 1.0, (0.0, 1.0)),
    ("logsumexp", ([1000.0, 1000.0],), 1000.0 + LOG2, (0.5, 0.5)),
    ("logsumexp", ([-1000.0, -1000.0],), -1000.0 + LOG2, (0.5, 0.5)),
    ("logsumexp", ([INF, 1.0],), INF, (NAN, 0.0)),
    ("logsumexp", ([-INF, -INF],), -INF, (NAN, NAN)),
    ("cross_entropy", ([1000.0, 0.0], 0), 0.0, (0.0, 0.0)),
    ("cross_entropy", ([1000.0, 0.0], 1), 1000.0, (1.0, -1.0)),
    ("cross_entropy", ([-INF, 0.0], 1), 0.0, (0.0, 0.0)),
    ("sum", ([INF, -INF],), NAN, (1.0, 1.0)),
    ("mean", ([1e308, 1e308],), INF, (0.5, 0.5)),
    ("mae", ([2.0], [2.0]), 0.0, (0.0,)),
    ("hinge", ([1.0], [1]), 0.0, (0.0,)),
    ("binary_cross_entropy_with_logits", ([1000.0], [1]), 0.0, (0.0,)),
    ("binary_cross_entropy_with_logits", ([-1000.0], [1]), 1000.0, (-1.0,)),
]


def alike(got: float, wanted: float) -> bool:
    return got == wanted or (got != got and wanted != wanted)


def close(got: float, wanted: float) -> bool:
    """Tell whether both agree, but for the last digits of a regular number."""
    if wanted == 0.0 or not math.isfinite(wanted):
        return alike(got, wanted)
    return abs(got - wanted) <= 4 * math.ulp(wanted)


def ids(case: Any) -> str:
    return f"{case[0]}{case[1]}"


def forms(name: str) -> list[Any]:
    return [form for form in (OPERATORS.get(name), getattr(sg, name, None)) if form]


@pytest.mark.parametrize("case", POINTS, ids=ids)
def test_special_point_has_the_value_and_gradients_of_the_contract(Value, case):
    name, numbers, value, gradients = case
    calls = [call for call in (*forms(name), getattr(Value, name, None)) if call]
    assert calls
    for call in calls:
        operands = [Value(number) for number in numbers]

        result = call(*operands)
        result.backward()

        assert close(result.data, value)
        found = [operand.grad for operand in operands]
        assert all(map(close, found, gradients)), found


@pytest.mark.parametrize("case", [c for c in POINTS if hasattr(sg, c[0])], ids=ids)
def test_special_point_has_the_same_value_on_floats(case):
    name, numbers, value, _ = case

    result = getattr(sg, name)(*numbers)

    assert type(result) is float
    assert close(result, value)


@pytest.mark.parametrize("case", [c for c in POINTS if len(c[1]) == 2], ids=ids)
@pytest.mark.parametrize("place", [0, 1])
def test_special_point_gives_a_plain_number_no_gradient(Value, case, place):
    name, numbers, value, gradients = case
    for call in forms(name):
        operands: list[Any] = list(numbers)
        leaf = operands[place] = Value(numbers[place])

        result = call(*operands)
        result.backward()

        assert close(result.data, value)
        assert close(leaf.grad, gradients[place])


@pytest.mark.parametrize("case", LISTS, ids=ids)
def test_special_point_of_lists_has_the_value_and_gradients_of_the_contract(Value, case):
    name, (numbers, *rest), value, gradients = case
    operands = [Value(number) for number in numbers]

    result = getattr(sg, name)(operands, *rest)
    result.backward()

    assert close(result.data, value)
    found = [operand.grad for operand in operands]
    assert all(map(close, found, gradients)), found
    assert close(getattr(sg, name)(numbers, *rest), value)


@pytest.mark.parametrize("x", [-2.0, -1.0])
@pytest.mark.parametrize("exponent", [3, 2, -1, 0])
def test_power_with_a_plain_exponent_has_no_nan_anywhere_when_the_base_is_negative(
    Value, x, exponent
):
    leaf = Value(x)

    (leaf**exponent).backward()

    assert leaf.grad == exponent * x ** (exponent - 1) * bool(exponent)


@pytest.mark.parametrize(
    "choose", [sg.max, sg.min, lambda xs: sg.maximum(*xs), lambda xs: sg.minimum(*xs)]
)
def test_choice_passes_the_whole_gradient_on_when_a_value_meets_itself(Value, choose):
    x = Value(3.0)

    choose([x, x]).backward()

    assert x.grad == 1.0


@pytest.mark.parametrize(
    ("name", "x", "value", "gradient"),
    [
        ("softplus", 20.0, 20.0 + math.log1p(math.exp(-20.0)), 1 / (1 + math.exp(-20.0))),
        ("softplus", 30.0, 30.0 + math.exp(-30.0), 1 / (1 + math.exp(-30.0))),
        ("softplus", -50.0, math.exp(-50.0), math.exp(-50.0)),
        ("tanh", 30.0, 1.0, 4 * math.exp(-60.0)),
        ("tanh", -30.0, -1.0, 4 * math.exp(-60.0)),
        ("sigmoid", 60.0, 1.0, math.exp(-60.0)),
        ("sigmoid", -60.0, math.exp(-60.0), math.exp(-60.0)),
        ("sigmoid", -700.0, math.exp(-700.0), math.exp(-700.0)),
    ],
)
def test_tail_is_accurate(Value, name, x, value, gradient):
    leaf = Value(x)

    result = getattr(sg, name)(leaf)
    result.backward()

    assert close(result.data, value)
    assert close(leaf.grad, gradient)


def test_softmax_is_shifted_by_the_maximum(Value):
    xs = [Value(1000.0), Value(1000.0), Value(-1000.0)]

    probabilities = sg.softmax(xs)
    logarithms = sg.log_softmax(xs)

    assert [p.data for p in probabilities] == [0.5, 0.5, 0.0]
    assert [p.data for p in logarithms] == [-LOG2, -LOG2, -2000.0 - LOG2]
    assert sg.softmax([-INF, 1.0]) == [0.0, 1.0]
    assert sg.log_softmax([-INF, 1.0]) == [-INF, 0.0]


def test_gradient_is_nan_when_the_upstream_is_nan_and_the_local_derivative_zero(Value):
    x = Value(-1.0)

    x.relu().backward(NAN)

    assert math.isnan(x.grad)


def test_gradient_is_nan_when_the_upstream_is_infinite_and_the_local_derivative_zero(Value):
    x = Value(-1.0)

    sg.sqrt(x.relu()).backward()

    assert math.isnan(x.grad)


def test_infinities_of_a_pass_never_raise(Value):
    x, y = Value(0.0), Value(5.0)

    (sg.log(x) + x / 0.0 + sg.sqrt(x) + y).backward()

    assert y.grad == 1.0
