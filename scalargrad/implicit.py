"""Solutions of equations by Newton's method, with derivatives by the implicit function theorem.

The steps that lead to a solution do not matter to its derivative; the equation does. So a solution
is one node, however many steps it took, and its parents are the Values that the equation contains.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from . import errors
from ._engine import Value
from .arithmetic import Arithmetic
from .conversion import number
from .derivatives import graph_sweep
from .ieee import divide
from .modes import Scope, recording, scope
from .order import post_order
from .own_nodes import with_derivatives

#: below this share of the solution, steps that no longer shrink are rounding
_SETTLED = 1e-6


def newton(f: Callable[[Any], Any], x0: Any, max_steps: int = 100) -> Any:
    """Solve f(x) = 0 by Newton's method from a first guess, to the last digits.

    Maths: x ← x − f(x)/f'(x); by any Value p that f contains, dx/dp = −(∂f/∂p)/(∂f/∂x)
    Shapes: x is a number; a Value where f contains Values, else a float.
    Domain: f smooth near the solution, f' not 0 there; the guess itself has no gradient.
    Raises: `ArithmeticError` where the steps do not settle, `TypeError` where f does not return
    one number.
    Source: Krantz, Parks, The Implicit Function Theorem, section 1.1

    The solution is one node, with derivatives of any order.

    >>> import scalargrad as sg
    >>> (a,) = sg.values(a=2.0)
    >>> x = sg.newton(lambda x: x * x - a, 1.0)  # the square root of a
    >>> x.backward()
    >>> x.data, a.grad
    (1.414213562373095, 0.3535533905932738)
    """
    equation = _Equation("newton", f)
    x = number("newton", "x0", getattr(x0, "data", x0))
    best, before = (math.inf, x), math.inf
    for _ in range(max_steps):
        residual, slope = equation.at(x)
        best = min(best, (abs(residual), x))
        step = divide(residual, slope)
        if residual == 0.0 or x - step == x:
            return equation.solution(best[1])
        if abs(step) >= before and abs(step) <= _SETTLED * abs(x):
            return equation.solution(best[1])
        if not math.isfinite(x - step):
            break
        x, before = x - step, abs(step)
    raise errors.ConvergenceError(
        f"newton: the steps must settle; got f({best[1]!r}) = {best[0]!r} at best after steps from"
        f" {number('newton', 'x0', getattr(x0, 'data', x0))!r}; start nearer, or use root with an"
        " interval"
    )


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
    (1.2599210498948732, 0.20998684164914555)
    """
    equation = _Equation("root", f)
    low = number("root", "lower", getattr(lower, "data", lower))
    high = number("root", "upper", getattr(upper, "data", upper))
    ends = [equation.at(low)[0], equation.at(high)[0]]
    for end, residual in zip((low, high), ends, strict=True):
        if residual == 0.0:
            return equation.solution(end)
    if not ends[0] * math.copysign(1.0, ends[1]) < 0.0:
        raise errors.InputError(
            f"root: f must have different signs at the ends; got f({low!r}) = {ends[0]!r} and"
            f" f({high!r}) = {ends[1]!r}; give another interval"
        )
    if ends[0] > 0.0:
        low, high = high, low  # f(low) < 0 < f(high), whichever is larger
    x, before = low / 2.0 + high / 2.0, abs(high / 2.0 - low / 2.0)
    while True:
        residual, slope = equation.at(x)
        if residual == 0.0:
            return equation.solution(x)
        if math.isnan(residual):
            raise errors.InputError(
                f"root: f must be a number everywhere between the ends; got nan at {x!r};"
                " give another interval"
            )
        low, high = (x, high) if residual < 0.0 else (low, x)
        following = x - divide(residual, slope)
        if not (min(low, high) < following < max(low, high) and abs(following - x) <= before / 2.0):
            if x == following or following in (low, high):
                return equation.solution(x)
            following = low / 2.0 + high / 2.0
            if following in (low, high):  # the ends are neighbours: no double is nearer
                return equation.solution(equation.nearer(low, high))
        x, before = following, abs(following - x)


class _Equation:
    """f(x) = 0, and what f contains besides x."""

    def __init__(self, who: str, f: Callable[[Any], Any]) -> None:
        if not callable(f):
            raise errors.OperandError(
                errors.unwanted(who, "wants a function of x", f, "pass e.g. lambda x: x * x - 2")
            )
        self.who = who
        self.f = f

    def at(self, x: float) -> tuple[float, float]:
        """Return f(x) and f'(x)."""
        residual, grads, _ = self._run(x)
        return residual, grads[0]

    def nearer(self, a: float, b: float) -> float:
        """Return the point with the smaller residual."""
        return min((a, b), key=lambda x: abs(self.at(x)[0]))

    def solution(self, x: float) -> Any:
        """Return x as a node below which are the Values that f contains; a float without any."""
        residual, (slope, *grads), around = self._run(x)
        if not around:
            return x
        partials = tuple(divide(-grad, slope) for grad in grads)
        node = around[0]._record(x, self.who, tuple(around), tuple(around), partials)

        def on_values(node: Any, places: Sequence[int]) -> list[Any]:
            with recording():
                again = self._called(node)
                if getattr(again, "data", again) != residual:
                    raise errors.StateError(
                        f"create_graph: what {self.who} solved must be as in the forward pass; got"
                        " another residual at its solution; solve it anew"
                    )
                slope, *grads = graph_sweep(
                    [again], [1.0], [node, *node.operands], independent=True
                )
                return [-grads[place] / slope for place in places]

        return with_derivatives(node, on_values)

    def _run(self, x: float) -> tuple[float, list[float], list[Any]]:
        """Return f(x), its gradient by x and by each Value that f contains, and these Values."""
        with recording():
            leaf = Value(x)
            with scope(self.who) as group:
                result = self._called(leaf)
        if not isinstance(result, Arithmetic):
            return result, [0.0], []
        order = post_order(_Part(result, group, {}))
        grads: dict[Any, float] = {result: 1.0}
        for part in reversed(order):
            grad = grads[part.node]
            for parent, partial in zip(part.parents, part.node.partials, strict=False):
                grads[parent.node] = grads.get(parent.node, 0.0) + grad * partial
        around = [part.node for part in order if not part.parents and part.node is not leaf]
        return result._data, [grads.get(leaf, 0.0), *(grads[node] for node in around)], around

    def _called(self, x: Any) -> Any:
        result = self.f(x)
        if isinstance(result, Arithmetic):
            return result
        return number(self.who, "what f returns", result)


class _Part:
    """A node of an equation; what was made before f was called is taken as it is."""

    def __init__(self, node: Any, group: Scope, known: dict[Any, _Part]) -> None:
        self.node = node
        self._group = group
        self._known = known

    @functools.cached_property
    def parents(self) -> list[_Part]:
        group = self.node.scope
        while group is not None and group is not self._group:
            group = group.outer
        if group is None:
            return []
        for parent in self.node.parents:
            if parent not in self._known:
                self._known[parent] = _Part(parent, self._group, self._known)
        return [self._known[parent] for parent in self.node.parents]
