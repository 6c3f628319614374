"""What runs inside what: the inputs of the functions that are being differentiated.

What depends on them must stay a graph, and may not be copied: a copy has a graph of its own, so
that the gradient would come out as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar, copy_context
from typing import Any

from . import refusals


class Inputs:
    """What a running function is differentiated by.

    Values that were made for this run alone are nobody else's: no thread may copy them. Where they
    are `shared`, the parameters of a model, say, other threads may.
    """

    __slots__ = ("_ids", "is_shared", "values")  # each gradient makes one

    def __init__(self, values: Sequence[Any], *, shared: bool = False) -> None:
        self.values: Sequence[Any] = values
        self.is_shared: bool = shared
        self._ids: set[int] | None = None

    def __contains__(self, node: Any) -> bool:
        if self._ids is None:
            self._ids = set(map(id, self.values))
        return id(node) in self._ids


#: those of this thread or task, from the outermost to the innermost
around: ContextVar[tuple[Inputs, ...]] = ContextVar("scalargrad inputs", default=())

#: those of all threads that are not shared
_everywhere: set[Inputs] = set()


def call_inside(inputs: Inputs, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function with some more inputs around."""
    return copy_context().run(_inside, inputs, function, *args, **kwargs)


def _inside(inputs: Inputs, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    around.set((*around.get(), inputs))  # in a context of its own, which no interrupt leaves open
    try:
        try:
            if not inputs.is_shared:
                _everywhere.add(inputs)
            return function(*args, **kwargs)
        finally:
            _everywhere.discard(inputs)
    finally:
        _everywhere.discard(inputs)  # where an interrupt came before the other one


def check_copied(nodes: Iterable[Any]) -> None:
    """Refuse to copy some nodes where a running function is differentiated by one of them."""
    running = {*around.get(), *_everywhere}
    if running and any(node in inputs for node in nodes for inputs in running):
        raise refusals.lost_copy()
