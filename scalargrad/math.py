"""The names of Python's `math`, for floats and Values: a program changes one import line.

    from scalargrad import math

Floats give floats, a Value anywhere gives a Value, so that `sg.grad` passes through. Two things are
other than in Python's own module. Numbers follow IEEE-754 and raise nothing: `log(0.0)` is −inf.
And `fsum` of Values adds from left to right. What only makes sense for whole numbers (`comb`,
`gcd`, …) or for the digits of one (`ulp`, `nextafter`) is Python's own.
"""

from __future__ import annotations

import math as _math
from collections.abc import Callable, Iterable, Sequence
from math import comb, e, factorial, gcd, inf, isqrt, lcm, nan, nextafter, perm, pi, tau, ulp
from typing import Any

from . import errors
from .core.arguments import as_whole, number
from .core.arithmetic import is_value
from .functions import elementary

# == written from the table: imports
from .functions.elementary import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    copysign,
    cos,
    cosh,
    degrees,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    fmod,
    log1p,
    log2,
    log10,
    pow,
    radians,
    remainder,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)

# == end of imports
from .functions.gamma import gamma, lgamma
from .table import ops

__all__ = [
    "ceil", "comb", "dist", "e", "fabs", "factorial", "floor", "frexp", "fsum", "gamma",
    "gcd", "hypot", "inf", "isclose", "isfinite", "isinf", "isnan", "isqrt", "lcm", "ldexp",
    "lgamma", "log", "modf", "nan", "nextafter", "perm", "pi", "prod", "sumprod", "tau",
    "trunc", "ulp",
]  # fmt: skip
# == written from the table: names
__all__ += [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "copysign", "cos", "cosh",
    "degrees", "erf", "erfc", "exp", "exp2", "expm1", "fmod", "log1p", "log2", "log10", "pow",
    "radians", "remainder", "sin", "sinh", "sqrt", "tan", "tanh",
]  # fmt: skip
# == end of names
__dir__: Callable[[], list[str]] = __all__.copy

# -- whole numbers ---------------------------------------------------------------------------


def floor(x: Any, /) -> Any:
    """Round down: a float to an int, a Value to a Value.

    Maths: z = ⌊x⌋, dz/dx = 0

    >>> floor(-2.5)
    -3
    """
    return elementary.floor(x) if is_value(x) else _math.floor(x)


def ceil(x: Any, /) -> Any:
    """Round up: a float to an int, a Value to a Value.

    Maths: z = ⌈x⌉, dz/dx = 0

    >>> ceil(-2.5)
    -2
    """
    return elementary.ceil(x) if is_value(x) else _math.ceil(x)


def trunc(x: Any, /) -> Any:
    """Round towards 0: a float to an int, a Value to a Value.

    Maths: z = trunc(x), dz/dx = 0

    >>> trunc(-2.5)
    -2
    """
    return elementary.trunc(x) if is_value(x) else _math.trunc(x)


def modf(x: Any, /) -> tuple[Any, Any]:
    """Split into the part behind the point and the whole part, both with the sign of x.

    Maths: (x − trunc(x), trunc(x)), with the derivatives 1 and 0

    >>> modf(-2.5)
    (-0.5, -2.0)
    """
    whole = elementary.trunc(x)
    part = elementary.copysign(0.0, x) if isinf(x) else elementary.fmod(x, 1.0)
    return part, whole


def frexp(x: Any, /) -> tuple[Any, int]:
    """Split into a mantissa from ½ to 1 and a power of two.

    Maths: x = m·2^k, dm/dx = 2^(−k); k is an int

    >>> frexp(6.0)
    (0.75, 3)
    """
    _, exponent = _math.frexp(_plain("frexp", x))
    return ldexp(x, -exponent), exponent


def ldexp(x: Any, i: int, /) -> Any:
    """Multiply by a power of two.

    Maths: z = x·2^i, dz/dx = 2^i
    Raises: `TypeError` where i is not a whole number.

    >>> ldexp(0.75, 3)
    6.0
    """
    power = as_whole(i)
    if power is None:
        must = "the power must be a whole number"
        raise errors.OperandError(errors.unwanted("ldexp", must, i, "pass e.g. 3"))
    power = max(-5000, min(power, 5000))
    while not -1075 < power < 1024:  # no double is so large or small: in several steps
        step = max(-1000, min(power, 1000))
        x, power = _product("ldexp", x, 2.0**step), power - step
    return _product("ldexp", x, 2.0**power)


# -- powers and angles -----------------------------------------------------------------------


def fabs(x: Any, /) -> Any:
    """Take the absolute value.

    >>> fabs(-2)
    2.0
    """
    return elementary.apply_unary(ops.ABS, x)


def log(x: Any, base: Any = None, /) -> Any:
    """Take the logarithm, the natural one unless there is a base.

    Maths: z = log x, dz/dx = 1/x; with a base, log x / log base

    >>> log(8.0, 2.0)
    3.0
    """
    if base is None:
        return elementary.log(x)
    return elementary.apply_binary(ops.DIV, elementary.log(x), elementary.log(base))


def _product(who: str, x: Any, factor: float) -> Any:
    return elementary.apply_binary(ops.MUL, x, factor, who)


# -- many operands ---------------------------------------------------------------------------


def hypot(*coordinates: Any) -> Any:
    """Compute the length of a vector, without overflow on the way.

    Maths: z = √Σ x², dz/dx = x/z

    >>> hypot(2.0, 3.0, 6.0)
    7.0
    """
    if len(coordinates) > 2:
        numbers = [x if is_value(x) else number("hypot", "each operand", x) for x in coordinates]
        return elementary.apply_many(ops.NORM, numbers, who="hypot")
    if len(coordinates) == 2:
        return elementary.hypot(*coordinates)
    return fabs(coordinates[0]) if coordinates else 0.0


def dist(p: Iterable[Any], q: Iterable[Any], /) -> Any:
    """Compute how far two points are apart.

    Maths: z = √Σ (p − q)²
    Raises: `ValueError` where they have different numbers of coordinates.

    >>> dist([1.0, 2.0], [4.0, 6.0])
    5.0
    """
    p, q = (
        elementary.listed("dist", x, "two points", "write dist([a, b], [c, d])") for x in (p, q)
    )
    elementary.check_lengths("dist", p, q)
    return hypot(*(elementary.apply_binary(ops.SUB, a, b) for a, b in zip(p, q, strict=True)))


def fsum(operands: Iterable[Any], /) -> Any:
    """Add: floats exactly, Values from left to right.

    >>> fsum([0.1] * 10)
    1.0
    """
    xs = elementary.listed("fsum", operands)
    if _any_value(xs):
        return elementary.sum(xs)
    numbers = [number("fsum", "each operand", x) for x in xs]
    try:
        return _math.fsum(numbers)
    except (ValueError, OverflowError):  # of infinities, or beyond the doubles
        return elementary.sum(numbers)


def prod(operands: Iterable[Any], /, *, start: Any = 1) -> Any:
    """Multiply all operands, from left to right.

    >>> prod([2, 3, 4])
    24
    """
    for operand in elementary.listed("prod", operands):
        if not is_value(operand):
            number("prod", "each operand", operand)
        start = start * operand
    return start


def sumprod(p: Iterable[Any], q: Iterable[Any], /) -> Any:
    """Add the products of two equally long lists, as one node where there is a Value.

    >>> sumprod([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    return elementary.dot(p, q)


def _any_value(operands: Sequence[Any]) -> bool:
    return any(is_value(operand) for operand in operands)


# -- questions -------------------------------------------------------------------------------


def isnan(x: Any, /) -> bool:
    """Tell whether a number is nan.

    >>> isnan(nan)
    True
    """
    return _math.isnan(_plain("isnan", x))


def isinf(x: Any, /) -> bool:
    """Tell whether a number is infinite.

    >>> isinf(-inf)
    True
    """
    return _math.isinf(_plain("isinf", x))


def isfinite(x: Any, /) -> bool:
    """Tell whether a number is neither infinite nor nan.

    >>> isfinite(inf)
    False
    """
    return _math.isfinite(_plain("isfinite", x))


def isclose(a: Any, b: Any, *, rel_tol: float = 1e-09, abs_tol: float = 0.0) -> bool:
    """Tell whether two numbers are nearly the same.

    >>> isclose(1.0, 1.0 + 1e-12)
    True
    """
    numbers = _plain("isclose", a), _plain("isclose", b)
    return _math.isclose(*numbers, rel_tol=rel_tol, abs_tol=abs_tol)


def _plain(who: str, x: Any) -> float:
    return x._data if is_value(x) else number(who, "x", x)
