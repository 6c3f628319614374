"""Independent oracles: what every row should compute, in many digits, by mpmath.

Nothing here reads a formula of the table. A value is a closed form of mpmath; a derivative is
a difference quotient of that closed form at so many digits that its own error is far below
the last place of a double, or a closed form where the function saturates.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mpmath import mp, mpf

from scalargrad.table.row import ManyRow, Row

ULPS = 4  # what NUMERICS promises at regular points


@dataclass
class Oracle:
    """The truth about one row, and where to look hard at it."""

    value: Callable[..., Any]
    hard: Sequence[tuple[float, ...]] = ()
    #: the largest term of the value where terms cancel, and of each partial
    scale: Callable[..., Any] | None = None
    partial_scales: Sequence[Callable[..., Any] | None] = (None, None)
    #: closed forms where a difference quotient would need thousands of digits
    derivatives: Sequence[Callable[..., Any] | None] = (None, None)
    #: how much more than the promised ulps a point may take (a tail stated in the contract)
    slack: Callable[..., float] = field(default=lambda *point: 1.0)
    #: whether a partial has a regular value at a point; elsewhere is the table of special points
    regular: Callable[..., bool] = field(default=lambda letter, *point: True)


def both_signs(*magnitudes: float) -> list[tuple[float]]:
    return [(sign * m,) for m in magnitudes for sign in (1.0, -1.0)]


def singles(*numbers: float) -> list[tuple[float]]:
    return [(number,) for number in numbers]


def pairs(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return list(points)


WIDE = both_signs(1e-300, 1e-20, 1e-8, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 1e3, 1e8, 1e20, 1e300)
BOUNDED = both_signs(1e-300, 1e-20, 1e-8, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 50.0, 300.0, 700.0)
POSITIVE = singles(1e-300, 1e-20, 1e-8, 0.1, 0.999999, 1.0000001, 2.0, 1e3, 1e20, 1e300, 1.7e308)
UNIT = both_signs(1e-300, 1e-20, 1e-8, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9, 1 - 2**-53)
EDGE = both_signs(0.9, 0.999, 1 - 1e-9, 1 - 2**-53)
TAILS = singles(-2.821865784507388, -5.5, -10.6, -14.3, -19.99, -25.9, -31.6, -33.8, 6.2, 8.3, 30.0)
PLANE = [
    (a * x, b * y)
    for x, y in [(3.0, 4.0), (1e300, 1e300), (1e300, 1e-300), (1e-300, 1e300), (1e-300, 2e-300),
                 (1e-8, 1.0), (1.0, 1e-8), (1.0, 1e20), (7e153, 9e153), (1e-160, 3e-160)]
    for a in (1, -1) for b in (1, -1)
]  # fmt: skip
FRACTIONS = both_signs(1e-300, 0.5, 0.999999, 1.5, 2.25, 1e8 + 0.5, 2.0**51 + 0.5)
QUOTIENTS = [
    (a * x, b * y)
    for x, y in [(5.3, 2.0), (4.9, 2.0), (1e10, 0.7), (1e-300, 3e-300), (3.0, 1e300), (1e15, 0.1)]
    for a in (1, -1) for b in (1, -1)
]  # fmt: skip


TRUTHS = pairs((1.0, 2.0), (2.0, 1.0), (1e-300, 2e-300), (-1.0, -1.0), (0.0, 0.0))


def zero(x: Any, y: Any) -> Any:
    return mpf(0)


def toward_zero(x: Any) -> Any:
    return mp.floor(x) if x > 0 else mp.ceil(x)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x)) if x >= 0 else mp.exp(x) / (1 + mp.exp(x))


def normal(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def phi(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def log_phi(x: Any) -> Any:
    if x > 0:
        return mp.log1p(-phi(-x))
    if x > -1e4:
        return mp.log(phi(x))
    q = 1 / x**2  # the series of Abramowitz and Stegun, 26.2.12; its last term is below 1e-40
    return mp.log1p(-q + 3 * q**2 - 15 * q**3 + 105 * q**4) + mp.log(normal_over(x)) - x * x / 2


def normal_over(x: Any) -> Any:
    return 1 / (-x * mp.sqrt(2 * mp.pi))


def normal_tail(x: Any) -> Any:
    with mp.extradps(40):  # solved for what the first two levels leave, it loses 30 digits at 1e5
        hazard = normal(x) / phi(-x)
        return +(2 / (1 / (hazard - x) - x) - x)


def softplus(x: Any) -> Any:
    return x + mp.log1p(mp.exp(-x)) if x > 0 else mp.log1p(mp.exp(x))


def sech2(x: Any) -> Any:
    return 1 / mp.cosh(x) ** 2


def bell(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def logsumexp(xs: Sequence[Any]) -> Any:
    top = max(xs)
    return top + mp.log(mp.fsum(mp.exp(x - top) for x in xs))


def softmax(xs: Sequence[Any]) -> list[Any]:
    total = logsumexp(xs)
    return [mp.exp(x - total) for x in xs]


def cross_entropy(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    total = logsumexp(xs)
    return mp.fsum(y * (total - x) for x, y in zip(xs, ys, strict=True))


def mean(terms: Iterable[Any]) -> Any:
    terms = list(terms)
    return mp.fsum(terms) / len(terms)


def dot(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    return mp.fsum(x * y for x, y in zip(xs, ys, strict=True))


def cross_entropy_scale(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    total = logsumexp(xs)
    return mp.fsum(y * max(abs(total - x), max(xs) - x, 1) for x, y in zip(xs, ys, strict=True))


def binary_cross_entropy(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    return mp.fsum(softplus(x) - x * y for x, y in zip(xs, ys, strict=True)) / len(xs)


def binary_scale(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    return max(max(abs(x), abs(x * y), softplus(x)) for x, y in zip(xs, ys, strict=True)) / len(xs)


def power_terms(x: Any, exponent: Any, first: Any, *times_log: Any) -> Any:
    """Return the largest term of x^exponent·(a + ... + b·log x)."""
    *plain, last = first, *times_log
    return mp.power(x, exponent) * max(*map(abs, plain), abs(last * mp.log(x)))


def power_slack(x: float, y: float) -> float:
    return max(1.0, abs(y * math.log(abs(x))))


ORACLES: dict[str, Oracle] = {
    "add": Oracle(lambda x, y: x + y, pairs((1e300, 1e-300), (0.1, 0.2), (1.0, -1.0 + 2**-53))),
    "sub": Oracle(lambda x, y: x - y, pairs((1e300, 1e-300), (0.3, 0.1), (1.0, 1.0 - 2**-53))),
    "mul": Oracle(lambda x, y: x * y, pairs((1e300, 1e-300), (0.1, 0.1), (1e154, -1e154))),
    "div": Oracle(lambda x, y: x / y, [point for point in PLANE if point != (1e-300, 1e300)]),
    "neg": Oracle(lambda x: -x, WIDE),
    "sign": Oracle(mp.sign, WIDE),
    "abs": Oracle(abs, WIDE),
    "pow": Oracle(
        mp.power,
        pairs(
            (2.0, 0.5), (2.0, 3.0), (1e-10, 0.5), (1e10, -3.0), (1e200, 1.5), (1e200, -1.4),
            (1e-200, 1.5), (1e-100, -3.0), (1 + 1e-12, 1e12), (1 - 1e-12, 1e12), (1.5, -1700.3),
            (1.5, 1700.3), (0.7, 1990.25), (0.7, -1900.1), (1e300, 1e-300), (1e-300, 1e-300),
            (1e200, 1.5400001), (3.0, 1e-18), (-2.0, 3.0), (-2.0, -3.0), (-0.5, 6.0),
            (-1e100, 3.0), (-1e-100, 3.0), (5.5, 1.0), (5.5, 2.0), (-5.5, 1.0),
            # the value times the exponent is beyond the doubles, the derivative is not
            (-4.6e102, 3.0), (4.6e102, 3.0), (-1.14e77, 4.0), (1.14e77, 4.0),
            # the value is beyond the doubles or close to it, the derivative is not
            (1e200, 1.541), (1e250, 1.23), (1e-200, 1.6), (1e-250, 1.25), (1e-100, 3.05),
            (1.4, -2047.7), (2.2, -903.4), (3.9, -511.9), (0.7, -1900.7), (1e-30, -9.7),
            (1e-300, -0.03), (1e-320, 0.5), (1e100, 3.08), (1.7e308, 1e-5), (1e-308, 0.99),
        ),
        # dz/dy is not defined for x < 0; no power is regular that is itself subnormal
        regular=lambda letter, x, y: (
            abs(mp.power(x, y - 1)) > 2.3e-308 if letter == "x"
            else x > 0 and mp.power(x, y) > 2.3e-308
        ),
    ),
    # the derivatives of powers lose what y - 1 and y - 2 lose, times the logarithm of x
    "pow_x": Oracle(
        lambda x, y: y * mp.power(x, y - 1),
        pairs((2.0, 0.5), (2.0, 3.0), (1e-10, 0.5), (1e10, -3.0), (-2.0, 3.0), (-2.0, -3.0)),
        regular=lambda letter, x, y: letter == "x" or x > 0,
        partial_scales=[None, lambda x, y: power_terms(x, y - 1, 1, y)],
        slack=power_slack,
    ),
    "pow_y": Oracle(
        lambda x, y: mp.power(x, y) * mp.log(x),
        pairs((2.0, 0.5), (2.0, 3.0), (1e-10, 0.5), (1e10, -3.0), (0.3, 2.0)),
        partial_scales=[lambda x, y: power_terms(x, y - 1, 1, y), None],
        slack=power_slack,
    ),
    "pow_xx": Oracle(
        lambda x, y: y * (y - 1) * mp.power(x, y - 2),
        pairs((2.0, 0.5), (2.0, 3.0), (1e-10, 0.5), (1e10, -3.0), (-2.0, 3.0), (-2.0, -3.0)),
        regular=lambda letter, x, y: letter == "x" or x > 0,
        partial_scales=[None, lambda x, y: power_terms(x, y - 2, 2 * y, 1, y * (y - 1))],
        slack=power_slack,
    ),
    "pow_xy": Oracle(
        lambda x, y: mp.power(x, y - 1) * (1 + y * mp.log(x)),
        pairs((2.0, 0.5), (2.0, 3.0), (1e-10, 0.5), (1e10, -3.0), (0.3, 2.0)),
        scale=lambda x, y: power_terms(x, y - 1, 1, y),
        partial_scales=[
            lambda x, y: power_terms(x, y - 2, 2 * y, 1, y * (y - 1)),
            lambda x, y: power_terms(x, y - 1, 2, y) * abs(mp.log(x)),
        ],
        slack=power_slack,
    ),
    "pow_yy": Oracle(
        lambda x, y: mp.power(x, y) * mp.log(x) ** 2,
        pairs((2.0, 0.5), (2.0, 3.0), (1e-10, 0.5), (1e10, -3.0), (0.3, 2.0)),
        partial_scales=[lambda x, y: power_terms(x, y - 1, 2, y) * abs(mp.log(x)), None],
        slack=power_slack,
    ),
    "exp": Oracle(mp.exp, [*both_signs(1e-300, 1e-8, 0.5, 1.0, 100.0, 700.0, 708.0), (709.7,)]),
    "expm1": Oracle(mp.expm1, [*both_signs(1e-300, 1e-20, 1e-8, 0.5, 1.0, 40.0, 700.0), (709.7,)]),
    "exp2": Oracle(
        lambda x: mp.power(2, x), [*both_signs(1e-300, 1e-8, 0.5, 1.0, 100.0, 1000.0), (1023.9,)]
    ),
    "log": Oracle(mp.log, POSITIVE),
    "log1p": Oracle(mp.log1p, [*POSITIVE, *singles(-1e-300, -1e-8, -0.5, -0.999, -1 + 2**-53)]),
    "log2": Oracle(lambda x: mp.log(x) / mp.log(2), POSITIVE),
    "log10": Oracle(lambda x: mp.log(x) / mp.log(10), POSITIVE),
    "xlogy": Oracle(
        lambda x, y: x * mp.log(y),
        pairs((1e300, 0.5), (1e-300, 1e-300), (-2.0, 1 + 2**-52), (3.0, 1e300), (-1e-8, 7.0)),
    ),
    "xlogy_y": Oracle(
        lambda x, y: x / y, pairs((1e300, 0.5), (1e-300, 1e-300), (-2.0, 3.0), (3.0, 1e100))
    ),
    "sqrt": Oracle(mp.sqrt, POSITIVE),
    "cbrt": Oracle(
        lambda x: mp.sign(x) * mp.cbrt(abs(x)), [*WIDE, *both_signs(1e308, 1.7e308, 3e-308)]
    ),
    "hypot": Oracle(lambda x, y: mp.sqrt(x * x + y * y), PLANE),
    "sin": Oracle(mp.sin, [*WIDE, *singles(3.14159265358979, 1.5707963267948966, 1e5, 1e22)]),
    "cos": Oracle(mp.cos, [*WIDE, *singles(3.14159265358979, 1.5707963267948966, 1e5, 1e22)]),
    "tan": Oracle(mp.tan, [*WIDE, *singles(3.14159265358979, 1.5707963267948966, 1e5, 1e22)]),
    "one_minus_square": Oracle(lambda x: (1 - x) * (1 + x), UNIT),
    "asin": Oracle(mp.asin, UNIT),
    "acos": Oracle(mp.acos, UNIT),
    "atan": Oracle(mp.atan, [*WIDE, *both_signs(1e150)]),
    "atan2": Oracle(mp.atan2, [point for point in PLANE if abs(point[0]) != 1e-300]),
    "degrees": Oracle(lambda x: x * 180 / mp.pi, WIDE),
    "radians": Oracle(lambda x: x * mp.pi / 180, WIDE),
    "sinh": Oracle(mp.sinh, BOUNDED),
    "cosh": Oracle(mp.cosh, BOUNDED),
    "sech2": Oracle(
        sech2, both_signs(1e-300, 1e-8, 0.5, 1.0, 20.0, 300.0, 350.0),
        derivatives=[lambda x: -2 * mp.tanh(x) * sech2(x)],
    ),
    "tanh": Oracle(mp.tanh, both_signs(1e-300, 1e-8, 0.5, 1.0, 20.0, 350.0), derivatives=[sech2]),
    "asinh": Oracle(mp.asinh, WIDE),
    "acosh": Oracle(mp.acosh, singles(1 + 2**-52, 1 + 1e-9, 1.001, 1.5, 2.0, 1e8, 1e20, 1e300)),
    "atanh": Oracle(mp.atanh, UNIT),
    "sigmoid": Oracle(
        sigmoid, BOUNDED, derivatives=[lambda x: 1 / (2 + 2 * mp.cosh(x))]
    ),
    "relu": Oracle(lambda x: x if x > 0 else 0 * x, WIDE),
    "leaky_relu": Oracle(
        lambda x, y: x if x > 0 else y * x,
        pairs((3.0, 0.01), (-3.0, 0.01), (-1e300, 1e-3), (-1e-300, 0.5), (1e300, 2.0)),
    ),
    "softplus": Oracle(softplus, [*BOUNDED, *both_signs(35.0, 36.0, 37.0)]),
    "silu": Oracle(
        lambda x: x * sigmoid(x), BOUNDED,
        partial_scales=[lambda x: sigmoid(x) * max(1, abs(x) * sigmoid(-x))],
    ),
    "gauss": Oracle(
        lambda x, y: mp.exp(-y * x * x),
        [*pairs((26.0, 1.0), (37.0, 0.5), (-26.0, 1.0), (1e-8, 1.0), (1e-200, 1.0)),
         *[(x / 16, y) for x in range(-80, 81, 5) for y in (0.5, 1.0)]],
    ),
    "erf": Oracle(mp.erf, both_signs(1e-300, 1e-8, 0.5, 1.0, 3.0, 6.0, 10.0, 26.0),
                  derivatives=[bell]),
    "erfc": Oracle(mp.erfc, both_signs(1e-300, 1e-8, 0.5, 1.0, 3.0, 6.0, 10.0, 26.0),
                   derivatives=[lambda x: -bell(x)]),
    "erfinv": Oracle(
        mp.erfinv, [*both_signs(1e-300, 1e-20, 1e-8, 0.1, 0.5, 0.49999999999999994), *EDGE],
        derivatives=[lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(x) ** 2)],
    ),
    "ndtr": Oracle(
        phi, [*TAILS, *both_signs(1e-300, 1e-8, 0.5, 1.0, 3.0), (-36.9,), (-37.4,)],
        derivatives=[normal],
    ),
    "normal_tail": Oracle(
        normal_tail,
        singles(1e-300, 1e-8, 0.1, 0.5, 1.0, 2.0, 3.3, 5.0, 8.0, 12.0, 20.0, 100.0, 1e5),
        partial_scales=[lambda x: 3],
    ),
    "log_ndtr": Oracle(
        log_phi, [*TAILS, *both_signs(1e-300, 1e-8, 0.5, 1.0, 3.0), (-20.0,), (-20.000001,),
                  (-37.4,), (-100.0,), (-1e5,), (-1e10,), (-1e150,)],
        derivatives=[lambda x: normal(x) / phi(x) if x > -1e4 else -x * (1 + 1 / x**2 - 2 / x**4)],
    ),
    "gelu": Oracle(
        lambda x: x * phi(x), both_signs(1e-300, 1e-8, 0.5, 0.7517915, 1.0, 3.0, 10.0, 25.0, 37.0),
        partial_scales=[lambda x: max(phi(x), abs(x) * normal(x))],
        slack=lambda x: max(1.0, x * x) if x < 0 else 1.0,
    ),
    "floor": Oracle(mp.floor, FRACTIONS),
    "ceil": Oracle(mp.ceil, FRACTIONS),
    "trunc": Oracle(toward_zero, FRACTIONS),
    "rint": Oracle(
        mp.nint, [*FRACTIONS, *both_signs(2.5, 3.5, 0.49999999999999994, 1e300)],
        derivatives=[lambda x: mpf(0)],
    ),
    "round": Oracle(
        lambda x, y: mp.nint(x * mp.power(10, y)) / mp.power(10, y),
        [*pairs((2.675, 2.0), (1.115, 2.0), (0.125, 2.0), (1.005, 2.0), (5e15 + 0.5, 1.0)),
         *pairs((15.0, -1.0), (-25.0, -1.0), (1.2e300, -22.0), (1e300, 2.0), (3e-7, 22.0))],
        derivatives=[lambda x, y: mpf(0), lambda x, y: mpf(0)],
    ),
    "floordiv": Oracle(lambda x, y: mp.floor(x / y), QUOTIENTS),
    "mod": Oracle(lambda x, y: x - y * mp.floor(x / y), QUOTIENTS),
    "fmod": Oracle(lambda x, y: x - y * toward_zero(x / y), QUOTIENTS),
    "remainder": Oracle(lambda x, y: x - y * mp.nint(x / y), QUOTIENTS),
    "copysign": Oracle(
        lambda x, y: abs(x) * mp.sign(y), pairs((1e300, -1e-300), (-1e-300, 2.0), (-3.0, -0.5))
    ),
    "maximum": Oracle(max, pairs((1e300, -1e300), (1e-300, 2e-300), (1.0, 1.0 + 2**-52))),
    "minimum": Oracle(min, pairs((1e300, -1e300), (1e-300, 2e-300), (1.0, 1.0 + 2**-52))),
    "where": Oracle(lambda x, y: x, pairs((1e300, 1e-300))),
    "numbered": Oracle(lambda x, y: x, derivatives=[lambda x, y: mpf(0), lambda x, y: mpf(1)]),
    "otherwise": Oracle(lambda x, y: y, pairs((1e300, 1e-300))),
    "less": Oracle(lambda x, y: mpf(x < y), TRUTHS, derivatives=[zero, zero]),
    "less_equal": Oracle(lambda x, y: mpf(x <= y), TRUTHS, derivatives=[zero, zero]),
    "equal": Oracle(lambda x, y: mpf(x == y), TRUTHS, derivatives=[zero, zero]),
    "keep": Oracle(
        lambda x, y: x if y else mpf(0), [*pairs((1e300, 1.0), (1e-300, 1.0), (-3.0, 0.0))],
        derivatives=[lambda x, y: mpf(y != 0), zero],
    ),
    # -- many operands: a point is one list a letter ---------------------------------------
    "sum": Oracle(mp.fsum, scale=lambda xs: max(map(abs, xs))),
    "mean": Oracle(lambda xs: mp.fsum(xs) / len(xs), scale=lambda xs: max(map(abs, xs)) / len(xs)),
    "dot": Oracle(
        dot, scale=lambda xs, ys: max(abs(x * y) for x, y in zip(xs, ys, strict=True))
    ),
    "max": Oracle(max),
    "min": Oracle(min),
    "norm": Oracle(
        lambda xs: mp.sqrt(mp.fsum(x * x for x in xs)),
        [([0.0, 0.0, 2.0],), ([1e300, -1e300, 1e300],), ([3e-300, 4e-300, 1e-310],),
         ([1e300, 1.0, 1e-300],)],
    ),
    "logsumexp": Oracle(
        logsumexp, [([1000.0, 1001.0],), ([-1000.0, -1001.0],), ([1.0, -1.0 - 2**-30],)],
        scale=lambda xs: max(1, abs(max(xs)), logsumexp(xs) - max(xs)),
    ),
    "softmax": Oracle(
        softmax, [([1000.0, 1001.0],), ([0.0, -700.0],), ([1.0] * 6,)],
        slack=lambda *point: 2.0,  # each partial is a product of two probabilities
    ),
    "log_softmax": Oracle(
        lambda xs: [x - logsumexp(xs) for x in xs], [([1000.0, 1001.0],), ([0.0, -700.0],)]
    ),
    "mse": Oracle(lambda xs, ys: mean((x - y) ** 2 for x, y in zip(xs, ys, strict=True))),
    "mae": Oracle(lambda xs, ys: mean(abs(x - y) for x, y in zip(xs, ys, strict=True))),
    "hinge": Oracle(
        lambda xs, ys: mean(max(0 * x, 1 - x * y) for x, y in zip(xs, ys, strict=True)),
        scale=lambda xs, ys: max(max(1, abs(x * y)) for x, y in zip(xs, ys, strict=True)) / len(xs),
    ),
    "cross_entropy": Oracle(
        cross_entropy, [([1000.0, 0.0, -5.0], [0.0, 0.5, 0.5])], scale=cross_entropy_scale,
    ),
    "binary_cross_entropy_with_logits": Oracle(
        binary_cross_entropy, [([700.0, -700.0], [0.25, 0.75])], scale=binary_scale,
    ),
}  # fmt: skip


def many_terms(name: str, lists: Sequence[Any], index: int) -> tuple[Any, list[Any]]:
    """Return the largest term of the result at `index` of a row, and of each of its partials.

    Where an exponential of a difference is meant, the difference is a sum: its last place is
    that of its own size, and the exponential carries it on. The sum of exponentials inside a
    logarithm has the term 1, as it is shifted by the maximum.
    """
    xs = [mpf(x) for x in lists[0]]
    ys = [mpf(y) for y in lists[-1]]
    top, count = max(xs), len(xs)
    depth = [max(1, top - x) for x in xs]
    likely = softmax(xs)
    log_total = logsumexp(xs) - top
    if name == "logsumexp":
        return None, [p * d for p, d in zip(likely, depth, strict=True)]
    if name == "softmax":
        z = likely[index] * depth[index]
        return z, [
            z * max(i == index, p * d) for i, (p, d) in enumerate(zip(likely, depth, strict=True))
        ]
    if name == "log_softmax":
        return max(1, top - xs[index], log_total), [
            max(i == index, p * d) for i, (p, d) in enumerate(zip(likely, depth, strict=True))
        ]
    if name == "cross_entropy":
        mass = mp.fsum(ys)
        by_logit = [max(p * d * mass, y) for p, d, y in zip(likely, depth, ys, strict=True)]
        return None, by_logit + [max(1, top - x, log_total) for x in xs]
    if name == "binary_cross_entropy_with_logits":
        by_logit = [max(sigmoid(x), y) / count for x, y in zip(xs, ys, strict=True)]
        return None, [*by_logit, *[None] * count]
    return None, [None] * (count * len(lists))


# -- high precision ----------------------------------------------------------------------------


def _reach(numbers: Sequence[Any]) -> int:
    return 2 * max((abs(int(mp.log10(abs(n)))) for n in numbers if n), default=0)


def exactly(function: Callable[..., Any], *numbers: Any) -> Any:
    """Return the function at floats, in at least sixty digits."""
    with mp.workdps(60 + _reach(numbers)):
        return function(*map(mpf, numbers))


def derivative(function: Callable[..., Any], numbers: Sequence[float], index: int) -> Any:
    """Return the derivative by the operand at `index`, from ever more digits until they agree."""
    before, digits = None, 100 + _reach(numbers)
    while True:
        with mp.workdps(digits):
            point = list(map(mpf, numbers))
            step = mpf(10) ** -25 * (min(abs(point[index]), 1) or 1)
            centre = point[index]
            point[index] = centre + step
            above = function(*point)
            point[index] = centre - step
            slope = (above - function(*point)) / (2 * step)
            settled = before is not None and abs(slope - before) <= abs(slope) * mpf(10) ** -30
            is_zero = digits >= 800 and abs(slope) < mpf(10) ** -400  # to a double; all is rounding
            if is_zero or (settled and slope):
                return slope
        before, digits = slope, 2 * digits


def ulps(got: float, exact: Any, scale: Any = None) -> float:
    """Return how many units in the last place of the scale `got` is away from the truth."""
    if not math.isfinite(got):
        return (
            0.0
            if abs(exact) >= mpf(2) ** 1024 * (1 - mpf(2) ** -52) and got * exact > 0
            else math.inf
        )
    unit = math.ulp(float(abs(exact) if scale is None else max(abs(scale), abs(exact))))
    return math.inf if math.isinf(unit) else float(abs(mpf(got) - exact) / unit)


# -- points ------------------------------------------------------------------------------------


def points(row: Row | ManyRow, count: int = 30) -> list[tuple[Any, ...]]:
    """Return random points of the row's sample range, and its hard points."""
    draw = random.Random(row.name)
    oracle = ORACLES[row.name]
    if isinstance(row, Row):
        drawn = [tuple(draw.uniform(*ends) for ends in row.sample) for _ in range(count)]
        return [*drawn, *oracle.hard]
    lists = []
    for _ in range(count):
        length = draw.randint(1, 6)
        lists.append(tuple([draw.uniform(*ends) for _ in range(length)] for ends in row.sample))
    return [*lists, *oracle.hard]


# -- the check ---------------------------------------------------------------------------------

#: what an engine makes of a row at a point: (data, partials), lists of both for many results
Apply = Callable[..., tuple[Any, Any]]


def errors_in_ulps(row: Row | ManyRow, apply: Apply, point: tuple[Any, ...]) -> dict[str, float]:
    """Return the error of the value and of every partial at one point."""
    oracle = ORACLES[row.name]
    data, partials = apply(row, *point)
    if isinstance(row, ManyRow):
        return _errors_of_many(oracle, row, point, data, partials)
    scale = exactly(oracle.scale, *point) if oracle.scale else None
    errors = {"value": ulps(data, exactly(oracle.value, *point), scale)}
    for index, letter in enumerate(row.letters):
        if not oracle.regular(letter, *point):
            continue
        closed = oracle.derivatives[index] if index < len(oracle.derivatives) else None
        exact = exactly(closed, *point) if closed else derivative(oracle.value, point, index)
        term = oracle.partial_scales[index] if index < len(oracle.partial_scales) else None
        scale = exactly(term, *point) if term else None
        errors[f"dz/d{letter}"] = ulps(partials[index], exact, scale)
    return {name: error / oracle.slack(*point) for name, error in errors.items()}


def _errors_of_many(
    oracle: Oracle, row: ManyRow, point: tuple[Any, ...], data: Any, partials: Any
) -> dict[str, float]:
    length = len(point[0])
    flat = [number for operands in point for number in operands]

    def split(numbers: Sequence[Any]) -> list[Sequence[Any]]:
        return [numbers[i : i + length] for i in range(0, len(numbers), length)]

    results = data if isinstance(data, list) else [data]
    rows = partials if isinstance(data, list) else [partials]
    errors: dict[str, float] = {}
    for index, (result, entries) in enumerate(zip(results, rows, strict=True)):

        def value(*numbers: Any, index: int = index) -> Any:
            computed = oracle.value(*split(numbers))
            return computed[index] if isinstance(computed, list) else computed

        scale = exactly(lambda *n: oracle.scale(*split(n)), *flat) if oracle.scale else None
        exact = exactly(value, *flat)
        terms = many_terms(row.name, point, index)
        errors["value"] = max(errors.get("value", 0.0), ulps(result, exact, terms[0] or scale))
        for i, entry in enumerate(entries):
            name = f"dz/d{row.letters[i // length]}"
            error = ulps(entry, derivative(value, flat, i), terms[1][i])
            errors[name] = max(errors.get(name, 0.0), error)
    return {name: error / oracle.slack(*point) for name, error in errors.items()}


def check_row(row: Row | ManyRow, apply: Apply, count: int = 30) -> dict[str, float]:
    """Return the worst error of the value and of every partial; refuse more than promised.

    Raises: `AssertionError` at the first point where the promise does not hold.
    """
    worst: dict[str, float] = {}
    for point in points(row, count):
        for name, error in errors_in_ulps(row, apply, point).items():
            assert error <= ULPS, f"{row.name}: {name} is {error:.2f} ulp away at {point}"
            worst[name] = max(worst.get(name, 0.0), error)
    return worst
