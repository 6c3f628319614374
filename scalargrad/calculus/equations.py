"""Solutions of equations: by Newton's method, in an interval, by repetition."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

from .. import errors
from ..core.arguments import as_whole, number
from ..core.arithmetic import is_value
from ..core.nesting import NUMBER, flatten
from ..functions.elimination import solve_columns
from ..table.libm import divide
from .solutions import Equations, Search

#: below this share of the solution, steps that no longer shrink are rounding
_SETTLED = 1e-6


def newton(f: Callable[[Any], Any], x0: Any, max_steps: int = 100) -> Any:
    """Solve f(x) = 0 by Newton's method from a first guess, to the last digits.

    Maths: x ← x − f(x)/f'(x); by any Value p that f contains, dx/dp = −(∂f/∂p)/(∂f/∂x)
    Shapes: x is a number or a nesting of numbers, f returns as many; Values where f contains some,
    else floats.
    Domain: f smooth near the solution, f' not 0 there, nor singular; the guess has no gradient.
    Raises: `ArithmeticError` where the steps do not settle, `TypeError` where f does not return
    as many numbers as it takes.
    Source: Krantz, Parks, The Implicit Function Theorem, section 1.1

    Each number of the solution is one node, with derivatives of any order.

    >>> import scalargrad as sg
    >>> (a,) = sg.values(a=2.0)
    >>> x = sg.newton(lambda x: x * x - a, 1.0)  # the square root of a
    >>> x.backward()
    >>> x.data, a.grad
    (1.414213562373095, 0.3535533905932738)
    """
    structure, starts = flatten("newton", "x0", x0, "pass e.g. 1.0, or [1.0, 2.0]")
    most = _most_steps("newton", max_steps)
    equations = Equations("newton", f, structure)
    search = _newton_for_one if structure == NUMBER else _newton_for_several
    return equations.solve(functools.partial(search, most), starts)


def _most_steps(who: str, max_steps: Any) -> int:
    most = as_whole(max_steps)
    if most is None or most < 1:
        must = "max_steps must be a whole number from 1"
        raise errors.InputError(errors.unwanted(who, must, max_steps, "leave it out"))
    return most


def _newton_for_one(max_steps: int, starts: list[float]) -> Search:
    (x,) = starts
    best, before = (math.inf, x), math.inf
    for _ in range(max_steps):
        (residual,), ((slope,),) = yield [x]
        if math.isnan(residual):
            raise _no_number("newton", x, starts[0])
        best = min(best, (abs(residual), x))
        step = divide(residual, slope)
        if residual != 0.0 and not math.isfinite(slope):
            break
        rounding = x - step == x
        if residual == 0.0 or rounding or (abs(step) >= before and abs(step) <= _SETTLED * abs(x)):
            return [best[1]]
        if not math.isfinite(x - step):
            break
        x, before = x - step, abs(step)
    raise errors.ConvergenceError(
        f"newton: the steps must settle; got f({best[1]!r}) = {best[0]!r} at best after steps from"
        f" {starts[0]!r}; start nearer, or use root with an interval"
    )


def _newton_for_several(max_steps: int, starts: list[float]) -> Search:
    xs = starts
    best, before = (math.inf, xs), math.inf
    for _ in range(max_steps):
        residuals, rows = yield xs
        if any(map(math.isnan, residuals)):  # which max and min pass over
            raise _no_number("newton", xs, starts)
        size = max(map(abs, residuals))
        best = min(best, (size, xs), key=operator.itemgetter(0))
        if size == 0.0:
            return xs
        solved = solve_columns([[*row, r] for row, r in zip(rows, residuals, strict=True)])
        if isinstance(solved, int):
            break
        moved = [x - step for x, step in zip(xs, solved[0], strict=True)]
        length = max(map(abs, solved[0]))
        if moved == xs or (length >= before and length <= _SETTLED * max(map(abs, xs))):
            return best[1]
        if not all(map(math.isfinite, moved)):
            break
        xs, before = moved, length
    raise errors.ConvergenceError(
        f"newton: the steps must settle; got {best[0]!r} left at best after steps from"
        f" {starts[:3]!r}; start nearer"
    )


def fixed_point(f: Callable[[Any], Any], x0: Any, max_steps: int = 10_000) -> Any:
    """Solve x = f(x) by repetition from a first guess, to the last digits.

    Maths: x ← f(x); by any Value p that f contains, dx/dp = (1 − ∂f/∂x)⁻¹·∂f/∂p
    Shapes: x is a number or a nesting of numbers, f returns as many; Values where f contains some,
    else floats.
    Domain: f a contraction near the solution; the guess itself has no gradient.
    Raises: `ArithmeticError` where the steps do not settle, `TypeError` where f does not return
    as many numbers as it takes.
    Source: Krantz, Parks, The Implicit Function Theorem, section 1.1

    Each number of the solution is one node, with derivatives of any order.

    >>> import scalargrad as sg
    >>> (a,) = sg.values(a=2.0)
    >>> x = sg.fixed_point(lambda x: (x + a / x) / 2.0, 1.0)  # the square root of a
    >>> x.backward()
    >>> x.data, a.grad
    (1.414213562373095, 0.3535533905932738)
    """
    structure, starts = flatten("fixed_point", "x0", x0, "pass e.g. 1.0, or [1.0, 2.0]")
    most = _most_steps("fixed_point", max_steps)
    equations = Equations("fixed_point", f, structure, is_fixed=True)
    return equations.solve(functools.partial(_repeated, most), starts)


def _repeated(max_steps: int, starts: list[float]) -> Search:
    xs, before = starts, math.inf
    for _ in range(max_steps):
        steps, _ = yield xs
        if any(map(math.isnan, steps)):
            raise _no_number("fixed_point", xs, starts)
        moved = [x + step for x, step in zip(xs, steps, strict=True)]
        length = max(map(abs, steps))
        settled = length >= before and length <= _SETTLED * max(map(abs, xs))
        if moved == xs or settled:
            return xs
        if not all(map(math.isfinite, moved)):
            break
        xs, before = moved, length
    raise errors.ConvergenceError(
        f"fixed_point: the steps must settle; got {xs[:3]!r} after steps from {starts[:3]!r}; start"
        " nearer, or solve f(x) - x = 0 by newton"
    )


def _no_number(who: str, at: Any, start: Any) -> errors.ConvergenceError:
    """Return the error for a function that is nan where a step leads."""
    return errors.ConvergenceError(
        f"{who}: f must be a number at every step; got nan at {_few(at)!r} after steps from"
        f" {_few(start)!r}; start where f is a number"
    )


def _few(x: Any) -> Any:
    return x[:3] if isinstance(x, list) else x


def root(f: Callable[[Any], Any], lower: Any, upper: Any) -> Any:
    """Solve f(x) = 0 in an interval at whose ends f has different signs, to the last digits.

    Maths: Newton's step where it stays inside and shrinks fast, else the middle of the interval;
    by any Value p that f contains, dx/dp = −(∂f/∂p)/(∂f/∂x)
    Shapes: x is a number; a Value where f contains Values, else a float.
    Domain: f continuous; the ends themselves have no gradient.
    Raises: `ValueError` where f does not change its sign, `TypeError` where f does not return one
    number.
    Source: Press et al., Numerical Recipes, section 9.4

    The solution is one node, with derivatives of any order.

    >>> import scalargrad as sg
    >>> (a,) = sg.values(a=2.0)
    >>> x = sg.root(lambda x: x**3 - a, 0.0, 10.0)  # the cube root of a
    >>> x.backward()
    >>> x.data, a.grad
    (1.2599210498948732, 0.2099868416491455)
    """
    ends = [
        x if is_value(x) else number("root", what, x)
        for what, x in (("lower", lower), ("upper", upper))
    ]
    return Equations("root", f, NUMBER).solve(_in_interval, ends)


def _in_interval(ends: list[float]) -> Search:
    low, high = ends
    if not (math.isfinite(low) and math.isfinite(high)):
        raise errors.NoSolutionError(
            f"root: both ends must be finite; got {low!r} and {high!r}; give e.g. -1e6 and 1e6"
        )
    residuals = []
    for end in ends:
        (residual,), _ = yield [end]
        residuals.append(residual)
    for end, residual in zip((low, high), residuals, strict=True):
        if residual == 0.0:
            return [end]
    if not residuals[0] * math.copysign(1.0, residuals[1]) < 0.0:
        raise errors.NoSolutionError(
            f"root: f must have different signs at the ends; got f({low!r}) = {residuals[0]!r} and"
            f" f({high!r}) = {residuals[1]!r}; give another interval"
        )
    if residuals[0] > 0.0:
        low, high = high, low  # f(low) < 0 < f(high), whichever is larger
    (x,) = yield from _between(low, high)
    (residual,), _ = yield [x]
    if abs(residual) > max(map(abs, residuals)):
        raise errors.NoSolutionError(
            f"root: f must be continuous; got a jump over 0 at {x!r}, where f is {residual!r};"
            " give an interval without a pole"
        )
    return [x]


def _between(low: float, high: float) -> Search:
    """Find the double at which f has the smallest residual, where f(low) < 0 < f(high)."""
    x, before = low / 2.0 + high / 2.0, abs(high / 2.0 - low / 2.0)
    while x not in (low, high):  # else they are neighbours: no double is nearer
        (residual,), ((slope,),) = yield [x]
        if residual == 0.0:
            return [x]
        if math.isnan(residual):
            raise errors.NoSolutionError(
                f"root: f must be a number everywhere between the ends; got nan at {x!r};"
                " give another interval"
            )
        low, high = (x, high) if residual < 0.0 else (low, x)
        following = x - divide(residual, slope)
        if following == x and math.isfinite(slope):  # look at the neighbour
            following = math.nextafter(x, high if residual < 0.0 else low)
        inside = min(low, high) < following < max(low, high)
        if not (inside and abs(following - x) <= before / 2.0):
            following = low / 2.0 + high / 2.0
        x, before = following, abs(following - x)
    (below,), _ = yield [low]
    (above,), _ = yield [high]
    return [high if abs(above) < abs(below) else low]
