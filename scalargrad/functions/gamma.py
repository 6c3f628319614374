"""Γ and log Γ: nodes whose derivatives are plain programs on Values, so of any order.

No libm has ψ = (log Γ)'. Here it is a few sums and quotients, and what differentiates them is this
library itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..table import ops
from . import elementary
from .custom import custom

#: −B₂ₖ/(2k) of the series of ψ in 1/x², and where it is exact to the last digits
_SERIES = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12, 3617 / 8160)
_FAR = 10.0


def digamma(x: Any) -> Any:
    """Compute ψ, the derivative of log Γ.

    Maths: ψ(x) = ψ(x + 1) − 1/x, ψ(x) = ψ(1 − x) − π/tan(πx), and for large x
    log x − 1/(2x) − Σ B₂ₖ/(2k·x²ᵏ)
    Domain: any x; nan at 0, −1, −2, …
    Source: Abramowitz, Stegun, Handbook of Mathematical Functions, 6.3.5, 6.3.7, 6.3.18

    >>> round(-digamma(1.0), 12)  # Euler's constant
    0.577215664902
    """
    if x <= 0.0:
        if x == elementary.floor(x):
            return x * math.nan
        turn = math.pi * elementary.remainder(x, 1.0)  # cos/sin: 1/tan loses its digits half-way
        return digamma(1.0 - x) - math.pi * elementary.cos(turn) / elementary.sin(turn)
    steps = []
    while x < _FAR:
        steps.append(x)
        x = x + 1.0
    square = elementary.apply_binary(ops.DIV, 1.0, x * x)
    series: Any = 0.0
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * square
    result = elementary.log(x) - 0.5 / x + series
    for step in reversed(steps):  # the smallest quotient first
        result = result - 1.0 / step
    return result


def _total(function: Callable[[float], float], pole: Callable[[float], float]) -> Any:
    """Return a function that has the limit of IEEE-754 where `function` would raise."""

    def total(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return pole(x)

    total.__name__ = function.__name__
    return total


def _pole_of_gamma(x: float) -> float:
    return math.copysign(math.inf, x) if x == 0.0 else math.nan


gamma: Any = custom(lambda x: gamma(x) * digamma(x))(_total(math.gamma, _pole_of_gamma))
gamma.__doc__ = """Compute Γ, where Γ(n + 1) = n! for whole n.

Maths: z = Γ(x), dz/dx = Γ(x)·ψ(x)
Domain: any x; ±0 gives ±inf; −1, −2, … and −inf give nan
Raises: `TypeError` for what is neither a number nor a Value.

>>> gamma(5.0)
24.0
"""

lgamma: Any = custom(digamma)(_total(math.lgamma, lambda x: math.inf))
lgamma.__doc__ = """Compute the logarithm of |Γ|.

Maths: z = log |Γ(x)|, dz/dx = ψ(x)
Domain: any x; inf at 0, −1, −2, …
Raises: `TypeError` for what is neither a number nor a Value.

>>> lgamma(1.0)
0.0
"""
