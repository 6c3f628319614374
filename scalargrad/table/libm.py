"""The functions of libm as IEEE-754 has them: never an exception because of a number.

Python's `math` calls the same libm but raises where IEEE returns inf or nan. A
derivative may be infinite where the value is fine (`sqrt` at 0), and raising there would
stop a backward pass half-way. So each exception becomes the result IEEE prescribes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import asinh, atan, cbrt, copysign, erf, erfc, tanh
from typing import TypeAlias

__all__ = [
    "FUNCTIONS", "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "ceil", "copysign",
    "cos", "cosh", "divide", "erf", "erfc", "exp", "exp2", "expm1", "floor", "fmod", "log",
    "log1p", "log2", "log10", "pow", "remainder", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
]  # fmt: skip

OfOne: TypeAlias = Callable[[float], float]
OfTwo: TypeAlias = Callable[[float, float], float]

INF, NAN = math.inf, math.nan


def divide(x: float, y: float) -> float:
    """Return x / y.

    >>> divide(1.0, 0.0), divide(1.0, -0.0), divide(0.0, 0.0)
    (inf, -inf, nan)
    """
    try:
        return x / y
    except ZeroDivisionError:
        if x == 0.0 or x != x:
            return NAN
        return math.copysign(INF, x) * math.copysign(1.0, y)


def pow(x: float, y: float) -> float:
    """Return x ** y, never complex.

    >>> pow(-8.0, 1 / 3), pow(0.0, -1.0), pow(-10.0, 999.0)
    (nan, inf, -inf)
    """
    try:
        return math.pow(x, y)
    except ValueError:
        if x != 0.0:
            return NAN
    except OverflowError:
        pass
    # inf, negative for an odd power of a negative base (or of -0.0)
    odd = math.fmod(y, 2.0) in (1.0, -1.0)
    return math.copysign(INF, x) if odd else INF


def _total(function: OfOne, undefined: OfOne) -> OfOne:
    """Return `function` with the results of `undefined` where it would raise."""

    def total(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return undefined(x)

    total.__name__ = total.__qualname__ = function.__name__
    total.__doc__ = function.__doc__
    return total


def _nan(x: float) -> float:
    return NAN


def _inf(x: float) -> float:
    return INF


def _pole(at: float) -> OfOne:
    return lambda x: -INF if x == at else NAN


def _whole(function: Callable[[float], int]) -> OfOne:
    """Return a rounding of Python as that of C: of floats, with the sign of a zero."""

    def rounded(x: float) -> float:
        return math.copysign(float(function(x)), x) if math.isfinite(x) else x

    rounded.__name__ = rounded.__qualname__ = function.__name__
    rounded.__doc__ = function.__doc__
    return rounded


def _remaining(function: OfTwo) -> OfTwo:
    """Return a remainder that is nan where `function` would raise."""

    def remaining(x: float, y: float) -> float:
        try:
            return function(x, y)
        except ValueError:
            return NAN

    remaining.__name__ = remaining.__qualname__ = function.__name__
    remaining.__doc__ = function.__doc__
    return remaining


exp: OfOne = _total(math.exp, _inf)
exp2: OfOne = _total(math.exp2, _inf)
expm1: OfOne = _total(math.expm1, _inf)
log: OfOne = _total(math.log, _pole(0.0))
log2: OfOne = _total(math.log2, _pole(0.0))
log10: OfOne = _total(math.log10, _pole(0.0))
log1p: OfOne = _total(math.log1p, _pole(-1.0))
sqrt: OfOne = _total(math.sqrt, _nan)
sin: OfOne = _total(math.sin, _nan)
cos: OfOne = _total(math.cos, _nan)
tan: OfOne = _total(math.tan, _nan)
asin: OfOne = _total(math.asin, _nan)
acos: OfOne = _total(math.acos, _nan)
sinh: OfOne = _total(math.sinh, lambda x: math.copysign(INF, x))
cosh: OfOne = _total(math.cosh, _inf)
acosh: OfOne = _total(math.acosh, _nan)
atanh: OfOne = _total(math.atanh, lambda x: math.copysign(INF, x) if abs(x) == 1.0 else NAN)

floor: OfOne = _whole(math.floor)
ceil: OfOne = _whole(math.ceil)
trunc: OfOne = _whole(math.trunc)
fmod: OfTwo = _remaining(math.fmod)
remainder: OfTwo = _remaining(math.remainder)

#: every function that a formula may call by name
FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "acos": acos, "acosh": acosh, "asin": asin, "asinh": asinh, "atan": atan,
    "atan2": math.atan2, "atanh": atanh, "cbrt": cbrt, "ceil": ceil, "copysign": copysign,
    "cos": cos, "cosh": cosh, "divide": divide, "erf": erf, "erfc": erfc, "exp": exp,
    "exp2": exp2, "expm1": expm1, "floor": floor, "fmod": fmod, "log": log, "log10": log10,
    "log1p": log1p, "log2": log2, "pow": pow, "remainder": remainder, "sin": sin, "sinh": sinh,
    "sqrt": sqrt, "tan": tan, "tanh": tanh, "trunc": trunc,
}  # fmt: skip
