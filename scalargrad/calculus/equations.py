"""Solutions of equations by Newton's method, with derivatives by the implicit function theorem.

The steps that lead to a solution do not matter to its derivative; the equation does. So a solution
is one node, however many steps it took, and its parents are the Values that the equation contains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import errors
from .._engine import Value
from ..core import refusals, tracer
from ..core.arguments import as_whole, number
from ..core.arithmetic import is_value
from ..core.around import Inputs, call_inside
from ..core.modes import Scope, current, recording, scope
from ..core.order import post_order
from ..functions.custom import on_operands, with_derivatives
from ..table.libm import divide
from .graph_gradients import graph_sweep

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
    first = x = _plain("newton", "x0", x0)
    if as_whole(max_steps) is None or max_steps < 1:
        must = "max_steps must be a whole number from 1"
        raise errors.InputError(errors.unwanted("newton", must, max_steps, "leave it out"))
    best, before = (math.inf, x), math.inf
    for _ in range(max_steps):
        residual, slope = equation.at(x)
        best = min(best, (abs(residual), x))
        step = divide(residual, slope)
        if residual != 0.0 and not math.isfinite(slope):
            break
        rounding = x - step == x
        if residual == 0.0 or rounding or (abs(step) >= before and abs(step) <= _SETTLED * abs(x)):
            return equation.solution(best[1])
        if not math.isfinite(x - step):
            break
        x, before = x - step, abs(step)
    raise errors.ConvergenceError(
        f"newton: the steps must settle; got f({best[1]!r}) = {best[0]!r} at best after steps from"
        f" {first!r}; start nearer, or use root with an interval"
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
    low, high = _plain("root", "lower", lower), _plain("root", "upper", upper)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise errors.InputError(
            f"root: both ends must be finite; got {low!r} and {high!r}; give e.g. -1e6 and 1e6"
        )
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
    x = _between(equation, low, high)
    if abs(residual := equation.at(x)[0]) > max(map(abs, ends)):
        raise errors.InputError(
            f"root: f must be continuous; got a jump over 0 at {x!r}, where f is {residual!r};"
            " give an interval without a pole"
        )
    return equation.solution(x)


def _between(equation: _Equation, low: float, high: float) -> float:
    """Return the double at which f has the smallest residual, where f(low) < 0 < f(high)."""
    x, before = low / 2.0 + high / 2.0, abs(high / 2.0 - low / 2.0)
    while x not in (low, high):  # else they are neighbours: no double is nearer
        residual, slope = equation.at(x)
        if residual == 0.0:
            return x
        if math.isnan(residual):
            raise errors.InputError(
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
    return min((low, high), key=lambda x: abs(equation.at(x)[0]))


def _plain(who: str, what: str, x: Any) -> float:
    return x._data if is_value(x) else number(who, what, x)


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
        residual = self._run(x)
        if isinstance(residual, float):
            return residual, 0.0
        return residual.value, residual.gradient()[0]

    def solution(self, x: float) -> Any:
        """Return x as a node below which are the Values that f contains; a float without any."""
        residual = self._run(x)
        if isinstance(residual, float) or not residual.others:
            return x
        if tracer.is_on():
            raise refusals.unknown_operation(self.who)
        slope, *grads = residual.gradient()
        others = tuple(residual.others)
        partials = tuple(divide(-grad, slope) for grad in grads)
        node = others[0]._record(x, self.who, others, others, partials)
        return with_derivatives(node, residual.partials)

    def _in_group(self, leaf: Any) -> tuple[Any, Any]:
        return current().scope, call_inside(Inputs([leaf]), self.f, leaf)

    def _run(self, x: float) -> _Residual | float:
        with recording():
            leaf = Value(x)
            group, result = scope(self.who).call(self._in_group, leaf)
        if is_value(result):
            return _Residual(result, leaf, group)
        return number(self.who, "what f returns", result)


class _Residual:
    """The graph of f(x) at one point, as far as f computed it, and the Values from outside."""

    def __init__(self, result: Any, x: Any, group: Scope) -> None:
        self.result = result
        self.x = x
        order = post_order(
            result, parents=lambda node: node.parents if _is_inside(node, group) else (), key=id
        )
        self.inside = [node for node in order if _is_inside(node, group) and node.parents]
        inside = {id(node) for node in self.inside}
        self.others = [node for node in order if id(node) not in inside and node is not x]
        self.numbers = [other._data for other in self.others]

    @property
    def value(self) -> float:
        number: float = self.result._data
        return number

    def gradient(self) -> list[float]:
        """Return the derivatives of the residual by x and by each of the others."""
        grads: dict[int, float] = {id(self.result): 1.0}
        for node in reversed(self.inside):
            grad = grads[id(node)]
            for parent, partial in zip(node.parents, node.partials, strict=True):
                grads[id(parent)] = grads.get(id(parent), 0.0) + grad * partial
        return [grads.get(id(value), 0.0) for value in (self.x, *self.others)]

    def partials(self, node: Any, positions: Sequence[int]) -> list[Any]:
        """Return the partials of a solution as Values, by the operands at some positions."""
        operands = node.operands
        if [operand._data for operand in operands] != self.numbers or node._data != self.x._data:
            raise errors.StateError(
                f"create_graph: the operands of {node.op!r} must be as in the forward pass; got"
                f" other numbers than {self.numbers[:3]!r}; solve it anew"
            )
        with recording():
            again = self._on(node, operands)
            inputs = [node, *operands]
            slope, *grads = graph_sweep([again], [1.0], inputs, independent=True)
            return [-grads[position] / slope for position in positions]

    def _on(self, x: Any, others: Sequence[Any]) -> Any:
        """Return the same graph on other nodes."""
        twins = {id(self.x): x}
        twins |= {id(old): new for old, new in zip(self.others, others, strict=True)}
        for node in self.inside:
            operands = [twins.get(id(operand), operand) for operand in node.operands]
            twins[id(node)] = on_operands(node, operands)
        return twins[id(self.result)]


def _is_inside(node: Any, group: Scope) -> bool:
    scope = node.scope
    while scope is not None and scope is not group:
        scope = scope.outer
    return scope is not None
