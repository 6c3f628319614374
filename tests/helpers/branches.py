"""The points at which a row's own formulas take another way, and the truth at them by mpmath.

The points are the numbers with which the formulas compare, with either sign, and equal operands; at
each, derivatives to the third order are limits from every side on which there is a real number.
"""

from __future__ import annotations

import ast
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mpmath import mp, mpf
from oracles import ORACLES

from scalargrad.table.row import ROWS, ManyRow

#: numbers that serve other rows only with operands of one kind
_ONLY = {("gauss", 1): (0.5, 1.0), ("pow", 0): (0.0, 1.0, -0.0, -1.0, 2.0, 2.351)}
_DIGITS = 220
_STEP = mpf(10) ** -40


def compared(name: str) -> list[float]:
    """Return the numbers that the formulas of a row compare with, with both signs, and 0 and 1.

    >>> compared("gelu")
    [0.0, 1.0, -0.0, -1.0]
    """
    row = ROWS[name]
    numbers = {0.0, 1.0}
    for text in (row.forward, *row.partials, *row.on_values, row.kink):
        for comparison in ast.walk(ast.parse(text)):
            if isinstance(comparison, ast.Compare):
                constants = (n for n in ast.walk(comparison) if isinstance(n, ast.Constant))
                numbers |= {float(constant.value) for constant in constants}
    near = sorted(x for x in numbers if x == 0.0 or 1e-3 < x < 1e3)
    return near + [-x for x in near]


def branch_points(name: str) -> Iterator[tuple[float, ...]]:
    """Yield the operands of a row, in one run: of lists, three of one or two of each."""
    row, draw = ROWS[name], random.Random(name)
    axes = [
        _ONLY.get((name, i), (*compared(name), *(round(draw.uniform(*ends), 3) for _ in "ab")))
        for i, ends in enumerate(row.sample)
    ]
    if not isinstance(row, ManyRow):
        yield from itertools.product(*axes)
    elif row.lists == 1:
        *some, _, last = axes[0]
        yield from ((a, b, last) for a, b in itertools.product(some, some))
    else:
        yield from ((a, axes[0][-1], b, axes[1][-1]) for a, b in itertools.product(*axes))


def orders(name: str, count: int) -> list[tuple[int, ...]]:
    """Return the operands by which is differentiated one after another, to the third order."""
    row = ROWS[name]
    which = range(count) if not isinstance(row, ManyRow) else (0, row.lists)  # a pair, or two
    return [seq for length in (1, 2, 3) for seq in itertools.product(which, repeat=length)]


def exact_function(name: str) -> Callable[..., Any]:
    """Return what a row computes, of its operands in one run; of many results the first one."""
    row, value = ROWS[name], ORACLES[name].value
    if not isinstance(row, ManyRow):
        return value

    def function(*operands: Any) -> Any:
        result = value(*row.split(list(operands)))
        return result[0] if isinstance(result, list) else result

    return function


def one_sided(name: str, point: Sequence[float], times: Sequence[int]) -> list[Any]:
    """Return the limits of a derivative from each side where it is real: mpf, or inf and -inf."""
    function = exact_function(name)
    limits: list[Any] = []
    with mp.workdps(_DIGITS):
        for signs in itertools.product(*((1, -1) if n else (0,) for n in times)):
            narrow = _difference(function, _moved(point, signs, mpf(10) ** -27), times)
            if narrow is not None and 1e-5 < abs(narrow) < 20:
                limits.append(narrow)
            elif narrow is not None:
                wide = _difference(function, _moved(point, signs, mpf(10) ** -20), times)
                limits.append(_limit(wide, narrow))
    return limits


def _moved(point: Sequence[float], signs: Sequence[int], width: Any) -> list[Any]:
    return [mpf(x) + sign * width * max(1, abs(x)) for x, sign in zip(point, signs, strict=True)]


def _difference(function: Callable[..., Any], point: list[Any], times: Sequence[int]) -> Any:
    """Return a central difference of an order for each operand; None outside of the reals."""
    total = mpf(0)
    for places in itertools.product(*(range(n + 1) for n in times)):
        moved, weight = list(point), mpf(1)
        for i, (n, k) in enumerate(zip(times, places, strict=True)):
            moved[i] += (mpf(n) / 2 - k) * _STEP
            weight *= (-1) ** k * mp.binomial(n, k)
        try:
            value = function(*moved)
        except (ZeroDivisionError, ValueError):
            return None
        if not isinstance(value, (mpf, int, float)) or not mp.isfinite(value):
            return None
        total += weight * value
    return total / _STEP ** sum(times)


def _limit(wide: Any, narrow: Any) -> Any:
    """Return where a derivative goes from two widths, of which one is 1e7 times the other."""
    if abs(narrow) > 1e-95 and abs(narrow - wide) <= 1e-6 * abs(wide):  # there, however small
        return narrow
    if abs(narrow) >= 20 and abs(narrow) > 1.1 * abs(wide):  # even a logarithm grows so much
        return math.copysign(math.inf, narrow)
    if abs(narrow) < 1e-40 or abs(narrow) < 1e-3 * abs(wide):
        return mpf(0)
    return narrow


def agree(limits: Sequence[Any]) -> bool:
    """Tell whether all sides have one limit."""
    first = limits[0]
    return all(
        x == first or (mp.isfinite(x - first) and abs(x - first) <= 1e-14 * max(1, abs(x)))
        for x in limits
    )
