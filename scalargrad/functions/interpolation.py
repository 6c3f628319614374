"""Interpolation between points, as nodes of ordinary arithmetic: of any order, compiled too."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from .. import errors
from ..core.arguments import by_position, is_list, number
from ..core.arithmetic import is_value
from ..core.nesting import each, values_in
from ..table import ops
from .elementary import apply_binary, check_lengths, listed


def interp(x: Any, xs: Iterable[Any], ys: Iterable[Any]) -> Any:
    """Interpolate on straight lines between the points (xs, ys), as `numpy.interp` does.

    Maths: z = y₀ + (x − x₀)·m with the slope m = (y₁ − y₀)/(x₁ − x₀), where x₀ <= x < x₁;
    dz/dx = m, dz/dy₁ = (x − x₀)/(x₁ − x₀), dz/dx₀ = −m·(x₁ − x)/(x₁ − x₀)
    Shapes: x is a number, or a nesting of numbers, then z is too, an array where x is one.
    Domain: x any number, before the first point the first y, behind the last one the last, with
    the derivative 0 by x; at a point the slope to its right counts, at the last that to its left.
    Of two equal xs, a jump, the second counts.
    Raises: `TypeError` for what is no number or no list, `ValueError` where the lists are empty,
    not equally long, or the xs fall.

    In a compiled function every segment is a path of its own.

    >>> interp(1.5, [0.0, 1.0, 2.0], [0.0, 10.0, 30.0])
    20.0
    """
    knots, heights = (
        [_number(f"each of {name}", item) for item in listed("interp", items, "two lists", _REMEDY)]
        for name, items in (("xs", xs), ("ys", ys))
    )
    check_lengths("interp", knots, heights)
    if not knots:
        raise errors.InputError(f"interp: needs at least one point; got none; {_REMEDY}")
    if not all(left <= right for left, right in pairwise(knots)):
        raise errors.NoSolutionError("interp: xs must not fall; got xs that do; sort the points")
    x = by_position(x)
    results = each(x, lambda one: _at(_number("x", one), knots, heights))
    if type(x).__module__ != "numpy" or not is_list(results):
        return results
    import numpy  # x is of it

    return numpy.array(results, dtype=object if values_in(results) else float)


def _at(x: Any, knots: list[Any], heights: list[Any]) -> Any:
    result = _between(x, knots, heights)
    one = next((item for item in (x, *knots, *heights) if is_value(item)), x)
    if is_value(one) and not (is_value(result) and result.parents):  # of a Value a node, as always
        return apply_binary(ops.OTHERWISE, one, result, "interp")
    return result


def _between(x: Any, knots: list[Any], heights: list[Any]) -> Any:
    if x < knots[0]:
        return heights[0]
    if x > knots[-1]:
        return heights[-1]
    start = _segment(x, knots)
    left = min(start, len(knots) - 2)  # at the last knot, the segment before it
    if left < 0 or knots[left] == knots[left + 1]:  # one point, or a jump at the end
        return heights[-1]
    slope = (heights[left + 1] - heights[left]) / (knots[left + 1] - knots[left])
    return slope * (x - knots[start]) + heights[start]


_REMEDY = "write interp(x, [0.0, 1.0], [2.0, 3.0])"


def _number(what: str, x: Any) -> Any:
    return x if is_value(x) else number("interp", what, x)


def _segment(x: Any, knots: list[Any]) -> int:
    """Return the index of the last knot that is not above x, or 0 where x is nan."""
    low, high = 0, len(knots)
    while high - low > 1:
        middle = (low + high) // 2
        if x >= knots[middle]:
            low = middle
        else:
            high = middle
    return low
