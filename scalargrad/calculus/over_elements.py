"""The derivative of a function of one number at every element of an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec

from .._engine import are_floats
from ..core.arguments import by_position
from ..core.nesting import flatten
from ..core.signatures import Gradient
from .transforms import gradient_for, named_like

P = ParamSpec("P")


def elementwise(f: Callable[P, Any]) -> Gradient[P]:
    """Return the function that computes the derivative of `f` at every number of an array.

    Maths: xᵢ ↦ f′(xᵢ)
    Shapes: `f` takes one number first, and returns one; what comes out is like the first argument:
    an array for an array, a series or a table, a list for a list, a number for a number.
    Raises: what `grad` raises.

    Further arguments go to every call as they are. A compiled `f` runs once over the whole array.

    >>> import scalargrad as sg
    >>> sg.elementwise(lambda x, a: a * x**2)([1.0, 2.0, 3.0], 10.0)
    [20.0, 40.0, 60.0]
    """
    derivative = gradient_for("elementwise", f, 0)
    over_lanes = getattr(f, "value_and_grad", None)  # of what was compiled

    def at_every_element(x: Any, /, *args: Any, **kwargs: Any) -> Any:
        structure, numbers = flatten("elementwise", "argument 0", by_position(x), "pass a float")
        if over_lanes is not None and not args and not kwargs and are_floats(numbers):
            slopes = _of_lanes(over_lanes, numbers)
        else:
            slopes = [derivative(number, *args, **kwargs) for number in numbers]
        return structure.unflatten(iter(slopes))

    result: Any = named_like(f)(at_every_element)
    return result  # type: ignore[no-any-return]


def _of_lanes(value_and_grad: Callable[..., Any], numbers: list[float]) -> list[float]:
    import numpy

    _, (slopes,) = value_and_grad(numpy.array(numbers))
    result: list[float] = slopes.tolist()
    return result
