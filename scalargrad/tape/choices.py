"""Python's `max` and `min` as lines of a tape: what `compile(..., choose="lanes")` means.

Both ask how each comparison turns out, so lanes whose largest number stands at another place part.
While a function is traced that chooses by lanes, they are `where` over the same comparisons in the
same order: the same number, and the gradient at the same place, by one path.
"""

from __future__ import annotations

import builtins
import functools
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

from ..core import tracer
from ..core.arithmetic import is_value
from ..functions import elementary
from . import truth
from .integers import Integer

_max, _min = max, min


@contextmanager
def by_lanes() -> Iterator[None]:
    """Let `max` and `min` of Values be lines, in the thread that is traced.

    An interrupt may leave them so, which is no fault: elsewhere they are Python's own.
    """
    builtins.max, builtins.min = _chosen_max, _chosen_min
    try:
        yield
    finally:
        builtins.max, builtins.min = _max, _min


def _choosing(builtin: Callable[..., Any], is_better: Callable[[Any, Any], Any]) -> Any:
    @functools.wraps(builtin)
    def choose(*arguments: Any, **named: Any) -> Any:
        if named or not arguments or tracer.compared is not truth.compared or not tracer.is_on():
            return builtin(*arguments, **named)
        numbers = list(arguments[0] if len(arguments) == 1 else arguments)
        if not any(map(is_value, numbers)) or not all(map(_may_be_chosen, numbers)):
            return builtin(numbers)
        first, *others = numbers
        return functools.reduce(
            lambda best, x: elementary.where(is_better(x, best), x, best), others, first
        )

    return choose


def _may_be_chosen(x: Any) -> bool:
    """Tell whether it is a number that Python does not want as an int, as an index, say."""
    return not isinstance(x, Integer) and (is_value(x) or isinstance(x, Real))


_chosen_max, _chosen_min = _choosing(_max, operator.gt), _choosing(_min, operator.lt)
